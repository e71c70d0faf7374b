//! Numbers of the store, measured on the machine at hand.
//!
//! ```text
//! cargo run --release -p hub --example store_bench -- --url sqlite:/var/tmp/bench.db
//! cargo run --release -p hub --example store_bench -- --url postgres://hub@localhost/bench?host=/run/postgresql --cases 1000000
//! ```
//!
//! The store must be empty. Beside it a whole hub is run on SQLite and real sockets. Prints the disk's own rate of syncs, accepted alerts per second with batches of 1, 10
//! and 100, how soon an accepted alert is visible, and how long pages, single cases, the map and reports take
//! with many cases, which are made in SQL. 10,000 alerts delivered 1 to 20 times each, to one hub process on
//! SQLite and to two on PostgreSQL:
//!
//! ```text
//! GRIDWATCH_RACE_ALERTS=10000 cargo test -p hub --test it deliveries::shuffled -- --nocapture
//! ```

mod city;
mod http;
mod lists;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use futures_util::StreamExt;
use gridwatch_protocol::{
    Alert, AlertId, Batch, ClockQuality, DetectedBy, DeviceId, GatewayId, Kind, Phase, Place,
    Severity, SiteId, StreamId, Text, WIRE_VERSION,
};
use hub::access::Scope;
use hub::catalogue::Catalogue;
use hub::clocks::Calendar;
use hub::directory::Directories;
use hub::engine::{Engine, EngineSettings, engine};
use hub::store::gateways::GatewayRow;
use hub::store::{Store, StoreUrl};
use sqlx::{Connection, Executor, Row};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Batches under way at once: what many gateways send in a storm.
const CALENDAR: &str = include_str!("../../../configs/calendar.toml");
const AT_ONCE: usize = 64;
/// Queries of each kind.
const QUERIES: usize = 300;

#[derive(Parser)]
struct Arguments {
    /// An empty store: sqlite:FILE or postgres://USER@HOST/DATABASE.
    #[arg(long)]
    url: String,
    /// Seconds for each batch size.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Open cases in the first measurement of lists.
    #[arg(long, default_value_t = 100_000)]
    open: i64,
    /// Cases in the second.
    #[arg(long, default_value_t = 1_000_000)]
    cases: i64,
}

fn alert(sequence: u64) -> Alert {
    let now = hub::now();
    Alert {
        id: AlertId(Uuid::now_v7()),
        revision: 0,
        phase: Phase::Raised,
        sequence: Some(sequence),
        boot_epoch: 1,
        kind: Kind::DoorForced,
        severity: Severity::P2,
        device: DeviceId::new(format!("door-{sequence}")).expect("a device id"),
        device_known: true,
        site: SiteId::new(format!("site-{}", sequence % 500)).expect("a site id"),
        place: Place::default(),
        raised_at: now,
        at: now,
        clock: ClockQuality::Plausible,
        detected_by: DetectedBy::Rule {
            rule: "door_forced".into(),
        },
        score: None,
        reason: Text {
            zh: "门被强行打开".into(),
            en: "the door was forced".into(),
        },
        evidence: vec![],
        source_event: None,
        is_test: false,
    }
}

/// A batch of so many new alerts.
fn alerts_of(gateway: &str, first: u64, size: u64) -> Result<Batch> {
    Ok(Batch {
        version: WIRE_VERSION,
        gateway: GatewayId::new(gateway)?,
        stream: StreamId(Uuid::from_u128(1)),
        boot_epoch: 1,
        sent_at: hub::now(),
        alerts: (first..first + size).map(alert).collect(),
        readings: vec![],
        gaps: vec![],
    })
}

fn batch(first: u64, size: u64) -> Result<hub::parse::ParsedBatch> {
    let batch = alerts_of("gw-bench", first, size)?;
    Ok(hub::parse::batch(&serde_json::to_vec(&batch)?)?)
}

/// Appends of 4 KiB with an fdatasync each, for two seconds: what one commit costs at least.
fn syncs_per_second(dir: &Path) -> Result<f64> {
    let mut file = tempfile::tempfile_in(dir)?;
    let (started, mut count) = (Instant::now(), 0_u32);
    while started.elapsed() < Duration::from_secs(2) {
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        count += 1;
    }
    Ok(f64::from(count) / started.elapsed().as_secs_f64())
}

fn percentiles(mut times: Vec<Duration>) -> String {
    times.sort();
    let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)];
    format!(
        "p50 {:.2} ms, p99 {:.2} ms",
        at(50).as_secs_f64() * 1e3,
        at(99).as_secs_f64() * 1e3
    )
}

async fn accept(engine: &Engine, size: u64, seconds: u64, next: &mut u64) -> Result<()> {
    let (started, mut times, mut alerts) = (Instant::now(), Vec::new(), 0_u64);
    let first = *next;
    let batches = futures_util::stream::iter(0..).map(|n| async move {
        let batch = batch(first + n * size, size)?;
        let sent = Instant::now();
        let outcome = engine.batch(batch, hub::now()).await?;
        Ok::<_, anyhow::Error>((outcome.len(), sent.elapsed()))
    });
    let mut batches = std::pin::pin!(batches.buffer_unordered(AT_ONCE));
    while started.elapsed() < Duration::from_secs(seconds) {
        let (count, took) = batches.next().await.context("the stream is endless")??;
        alerts += count as u64;
        times.push(took);
    }
    let rate = alerts as f64 / started.elapsed().as_secs_f64();
    *next += alerts + (AT_ONCE as u64 + 1) * size;
    println!(
        "accepted, batches of {size}: {rate:.0} alerts/s; batch to commit {}",
        percentiles(times)
    );
    Ok(())
}

/// From the moment of sending until a reader of the store sees the case.
async fn visible(engine: &Engine, store: &Store, next: &mut u64) -> Result<()> {
    let mut times = Vec::new();
    for _ in 0..QUERIES {
        let batch = batch(*next, 1)?;
        *next += 1;
        let sent = Instant::now();
        let outcome = engine.batch(batch, hub::now()).await?;
        let Some(hub::cases::desk::Outcome::Accepted(case)) = outcome.first() else {
            anyhow::bail!("not accepted: {outcome:?}");
        };
        ensure!(
            store.case(*case, &Scope::whole()).await?.is_some(),
            "accepted and not visible"
        );
        times.push(sent.elapsed());
    }
    println!("sent to visible, one at a time: {}", percentiles(times));
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let url = StoreUrl::parse(&arguments.url, &std::env::current_dir()?)?;
    let (store, mut writer) = hub::store::open(&url).await?;
    ensure!(
        store.event_head().await? == 0,
        "the store {url} is not empty"
    );
    let dir = match &url {
        StoreUrl::Sqlite(path) => path.parent().map(Path::to_owned),
        StoreUrl::Postgres(_) => None,
    };
    let dir = dir.unwrap_or_else(|| PathBuf::from("."));
    println!("{url}");
    println!(
        "fdatasync in {}: {:.0} /s",
        dir.display(),
        syncs_per_second(&dir)?
    );
    writer
        .add_gateway(&GatewayRow {
            id: GatewayId::new("gw-bench")?,
            site: SiteId::new("xinghe-garden")?,
            key_hash: "-".into(),
            added_at: hub::now(),
            revoked_at: None,
        })
        .await?;
    let catalogue = hub::config::DEFAULT_FILES
        .iter()
        .find(|(name, _)| *name == "categories.toml")
        .and_then(|(_, text)| Catalogue::parse(text).ok());
    let directory = Arc::new(city::directory()?);
    let settings = EngineSettings {
        directory: Arc::clone(&directory),
        calendar: Arc::new(
            Calendar::parse(CALENDAR).map_err(|problems| anyhow::anyhow!(problems.join("; ")))?,
        ),
        catalogue: Arc::new(catalogue.context("the shipped categories are right")?),
        correlation: hub::correlation::Settings::default(),
        fire_group_ms: 600_000,
        utc_offset_minutes: 480,
        rosters: hub::roster::known::Cache::default(),
        completion: Arc::default(),
    };
    let directories = Directories::new(Arc::clone(&settings.directory));
    let (engine, task) = engine(writer, settings, directories, 1024, Arc::default()).await?;
    let running = tokio::spawn(task.run(CancellationToken::new()));
    let mut next = 1;
    let beside = tempfile::tempdir_in(&dir)?;
    drop(rustls::crypto::ring::default_provider().install_default());
    http::measure(beside.path()).await?;
    visible(&engine, &store, &mut next).await?;
    for size in [1, 10, 100] {
        accept(&engine, size, arguments.seconds, &mut next).await?;
    }
    drop(engine);
    running.await??;
    sqlx::any::install_default_drivers();
    let raw = match &url {
        StoreUrl::Sqlite(path) => format!("sqlite://{}?mode=rw", path.display()),
        StoreUrl::Postgres(url) => url.clone(),
    };
    let mut raw = sqlx::AnyConnection::connect(&raw).await?;
    for statement in [
        "DELETE FROM events",
        "DELETE FROM case_keys",
        "UPDATE cases SET is_open = 0, state = 'closed', ended_at = opened_at",
        "UPDATE case_figures SET outcome = 'closed'",
    ] {
        raw.execute(statement).await?;
    }
    let last: i64 = raw.fetch_one("SELECT MAX(id) FROM cases").await?.get(0);
    city::make_cases(&mut raw, &directory, last + arguments.open, 1).await?;
    lists::measure(&store, &directory, last + arguments.open).await?;
    if arguments.cases > last + arguments.open {
        city::make_cases(&mut raw, &directory, arguments.cases, 10).await?;
        lists::measure(&store, &directory, arguments.cases).await?;
    }
    Ok(())
}
