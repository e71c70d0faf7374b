//! How late timers are: many are due within one minute, hub processes fire them, one is killed.
//!
//! ```text
//! cargo run --release -p hub --example timers_late -- sqlite:/tmp/t.db 10000 60 1
//! cargo run --release -p hub --example timers_late -- postgres://USER@HOST/DATABASE 10000 60 2
//! ```
//!
//! Arguments: an empty store, how many timers, over how many seconds, how many processes. Half-way the
//! first process is killed with SIGKILL; alone, another is started in its place. Lateness is from the
//! due time to the moment at which another connection sees the committed event, found by a poll every
//! 5 ms. Ends with an error unless every timer fired exactly once and in order.

use std::path::Path;
use std::process::{Child, Command};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use gridwatch_protocol::{
    Alert, AlertId, ClockQuality, DetectedBy, DeviceId, GatewayId, Kind, Phase, Place, Severity,
    SiteId, StreamId, Text, Timestamp,
};
use hub::access::Scope;
use hub::catalogue::Catalogue;
use hub::clocks::Calendar;
use hub::directory::Directories;
use hub::engine::{EngineSettings, engine};
use hub::metrics::Metrics;
use hub::parse::{Item, ParsedBatch};
use hub::store::events::Subject;
use hub::store::{self, Store, StoreUrl};
use hub::timers::Timers;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Time to acknowledge a P2 case in the shipped limits, in milliseconds.
const LIMIT_MS: i64 = 180_000;
/// Time to open a case, in milliseconds, on a slow disk.
const FILL_MS: i64 = 6;
/// So many timers are due at one instant.
const TOGETHER: i64 = 10;
/// Jobs of an engine at once.
const QUEUE: usize = 64;
/// Processes have this long to start before the first timer is due, in milliseconds.
const START_MS: i64 = 5_000;
const POLL: Duration = Duration::from_millis(5);
/// After the last timer was due everything must have fired within this, in milliseconds.
const PATIENCE_MS: i64 = 60_000;

#[tokio::main]
async fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["worker", url] => work(url).await,
        [url, timers, seconds, processes] => {
            measure(url, timers.parse()?, seconds.parse()?, processes.parse()?).await
        }
        _ => bail!("arguments: STORE_URL TIMERS SECONDS PROCESSES"),
    }
}

fn settings() -> EngineSettings {
    let limits = include_str!("../../configs/categories.toml");
    let calendar = include_str!("../../configs/calendar.toml");
    EngineSettings {
        directory: Arc::default(),
        catalogue: Arc::new(Catalogue::parse(limits).expect("the shipped file is right")),
        calendar: Arc::new(Calendar::parse(calendar).expect("the shipped file is right")),
        correlation: hub::correlation::Settings::default(),
        fire_group_ms: 600_000,
        utc_offset_minutes: 480,
        rosters: hub::roster::known::Cache::default(),
        completion: Arc::default(),
    }
}

async fn open(url: &str) -> Result<(Store, store::Writer)> {
    Ok(store::open(&StoreUrl::parse(url, Path::new(""))?).await?)
}

/// A hub process as far as timers go.
async fn work(url: &str) -> Result<()> {
    let (store, writer) = open(url).await?;
    let metrics = Arc::new(Metrics::default());
    let settings = settings();
    let calendar = Arc::clone(&settings.calendar);
    let directories = Directories::new(Arc::clone(&settings.directory));
    let (engine, task) = engine(writer, settings, directories, QUEUE, Arc::clone(&metrics)).await?;
    let timers = Timers {
        engine: engine.clone(),
        store: store.clone(),
        calendar,
        metrics,
    };
    let stop = CancellationToken::new();
    tokio::spawn(timers.run(stop.clone()));
    let (heard, until) = (engine.clone(), stop.clone());
    tokio::spawn(async move {
        store::follow::follow(&store, |newest| heard.heard_of(newest), &until).await;
    });
    Ok(task.run(stop).await?)
}

fn start(url: &str) -> Result<Child> {
    let program = std::env::current_exe()?;
    let child = Command::new(program).args(["worker", url]).spawn();
    child.context("starting a process")
}

async fn measure(url: &str, timers: usize, seconds: i64, processes: usize) -> Result<()> {
    ensure!(
        timers > 0 && seconds > 0 && processes > 0,
        "numbers must be above 0"
    );
    let (store, writer) = open(url).await?;
    ensure!(store.event_head().await? == 0, "the store must be empty");
    let count = i64::try_from(timers)?;
    let first_due = hub::now().plus_ms(START_MS + count * FILL_MS);
    let due = (0..count).map(|n| first_due.plus_ms((n - n % TOGETHER) * seconds * 1_000 / count));
    let due: Vec<Timestamp> = due.collect();
    fill(writer, &due).await?;
    let head = store.event_head().await?;
    let left = first_due.ms_since(hub::now());
    println!("{timers} cases in the store; the first timer is due in {left} ms");
    ensure!(left > START_MS / 2, "filling took too long");
    let mut hubs = (0..processes)
        .map(|_| start(url))
        .collect::<Result<Vec<_>>>()?;
    let watched = watch(&store, head, &due, || {
        hubs[0].kill()?;
        hubs[0].wait()?;
        println!("one process killed");
        if processes == 1 {
            hubs[0] = start(url)?;
        }
        Ok(())
    })
    .await;
    for hub in &mut hubs {
        // One of them is gone already.
        drop(hub.kill());
        drop(hub.wait());
    }
    tell(&due, &watched?)
}

/// One case for each due time, opened so that it is due then.
async fn fill(writer: store::Writer, due: &[Timestamp]) -> Result<()> {
    let settings = settings();
    let directories = Directories::new(Arc::clone(&settings.directory));
    let (engine, task) = engine(
        writer,
        settings,
        directories,
        QUEUE,
        Arc::new(Metrics::default()),
    )
    .await?;
    let stop = CancellationToken::new();
    let task = tokio::spawn(task.run(stop.clone()));
    let numbered: Vec<(u64, Timestamp)> = (1..).zip(due.iter().copied()).collect();
    // Cases of one millisecond are opened together.
    let batches: Vec<(ParsedBatch, Timestamp)> = numbered
        .chunk_by(|a, b| a.1 == b.1)
        .map(|part| {
            let opened_at = part[0].1.plus_ms(-LIMIT_MS);
            let items = part
                .iter()
                .map(|(n, _)| Item::Good(Box::new(alert(*n, opened_at))));
            let batch = ParsedBatch {
                gateway: GatewayId::new("gw-1").expect("a gateway id"),
                stream: StreamId(Uuid::from_u128(7)),
                items: items.collect(),
                readings: vec![],
                readings_refused: 0,
                gaps: vec![],
            };
            (batch, opened_at)
        })
        .collect();
    for group in batches.chunks(QUEUE) {
        let asked = group
            .iter()
            .map(|(batch, at)| engine.batch(batch.clone(), *at));
        futures_util::future::try_join_all(asked).await?;
    }
    stop.cancel();
    drop(engine);
    Ok(task.await??)
}

fn alert(n: u64, at: Timestamp) -> Alert {
    let text = |text: &str| Text {
        zh: text.to_owned(),
        en: text.to_owned(),
    };
    Alert {
        id: AlertId(Uuid::from_u128(n.into())),
        revision: 0,
        phase: Phase::Raised,
        sequence: Some(n),
        boot_epoch: 1,
        kind: Kind::DoorForced,
        severity: Severity::P2,
        device: DeviceId::new(format!("door-{n}")).expect("a device id"),
        device_known: true,
        site: SiteId::new("xinghe-garden").expect("a site id"),
        place: Place::default(),
        raised_at: at,
        at,
        clock: ClockQuality::Plausible,
        detected_by: DetectedBy::Rule {
            rule: "door".to_owned(),
        },
        score: None,
        reason: text("door"),
        evidence: vec![],
        source_event: None,
        is_test: false,
    }
}

/// When each timer's event was seen, in the order of the events: case and time.
async fn watch(
    store: &Store,
    mut head: i64,
    due: &[Timestamp],
    kill: impl FnOnce() -> Result<()>,
) -> Result<Vec<(i64, Timestamp)>> {
    let (first, last) = (due[0], due[due.len() - 1]);
    let half = first.plus_ms(last.ms_since(first) / 2);
    let mut kill = Some(kill);
    let mut seen = Vec::with_capacity(due.len());
    while seen.len() < due.len() {
        let events = store
            .events_between(head, i64::MAX, 1_000, &Scope::whole())
            .await?;
        let now = hub::now();
        for event in &events {
            head = event.seq;
            if let Subject::Case { id, change } = &event.subject
                && change == "escalated"
            {
                seen.push((*id, now));
            }
        }
        if now >= half
            && let Some(kill) = kill.take()
        {
            kill()?;
        }
        ensure!(
            now <= last.plus_ms(PATIENCE_MS),
            "only {} of {} timers have fired",
            seen.len(),
            due.len()
        );
        tokio::time::sleep(POLL).await;
    }
    Ok(seen)
}

/// Cases are numbered in the order in which their timers are due.
fn tell(due: &[Timestamp], seen: &[(i64, Timestamp)]) -> Result<()> {
    let cases: Vec<i64> = seen.iter().map(|(case, _)| *case).collect();
    let expected: Vec<i64> = (1..).take(due.len()).collect();
    let once = {
        let mut sorted = cases.clone();
        sorted.sort_unstable();
        sorted == expected
    };
    let by_due = |case: &i64| due[usize::try_from(*case).expect("above 0") - 1];
    let mut late: Vec<i64> = seen
        .iter()
        .map(|(case, at)| at.ms_since(by_due(case)))
        .collect();
    late.sort_unstable();
    let at = |share: usize| late[(late.len() - 1) * share / 1_000];
    println!(
        "{} fired, once each: {once}, in order: {}; late: p50 {} ms, p99 {} ms, p99.9 {} ms, most {} ms",
        seen.len(),
        cases.iter().map(by_due).is_sorted(),
        at(500),
        at(990),
        at(999),
        late[late.len() - 1]
    );
    ensure!(once, "not every timer fired exactly once");
    ensure!(cases.iter().map(by_due).is_sorted(), "not in order");
    Ok(())
}
