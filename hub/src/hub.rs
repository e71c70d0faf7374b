//! The running hub: opens, wires, starts tasks, and stops them in the order of the flow.
//!
//! The only file that starts tasks. Every task has a name; one that ends by itself ends the hub.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use axum_server::Handle;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use gridwatch_protocol::Timestamp;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::api::{self, App, Shared};
use crate::auth::Auth;
use crate::catalogue::Catalogue;
use crate::certificates;
use crate::config::{self, Config, Loaded};
use crate::correlation_watch::Watch;
use crate::directory::change::Changes;
use crate::directory::finding::Table;
use crate::directory::{Directories, Directory};
use crate::engine::{Engine, EngineSettings, engine};
use crate::evidence::{Evidence, keeper};
use crate::history::ring::{self, Keep};
use crate::history::{History, influx};
use crate::metrics::{Metrics, add};
use crate::notify::heads::HeadTeller;
use crate::notify::worker::{self, Notifier, Setup};
use crate::outside::Rates;
use crate::outside::completion::Completion;
use crate::outside::tasks::Forget;
use crate::parent::children::silence::SilenceWatch;
use crate::parent::up::client::Parent;
use crate::parent::up::line;
use crate::parent::up::uplink::{self, Child};
use crate::roster::known::Cache as Rosters;
use crate::roster::watch::Watch as DeskWatch;
use crate::serve::{self, Timed};
use crate::store::follow::follow;
use crate::store::retention;
use crate::store::seal::{self, Seal};
use crate::store::{self, Store, StoreResult};
use crate::timers::Timers;

/// Name of the history in the data directory.
pub const HISTORY_FILE: &str = "history.db";
/// Silence is looked for this often: a silent gateway is shown at most this much after its time.
const SILENCE_EVERY: Duration = Duration::from_secs(1);
/// A key of an action is remembered for a day: no client repeats itself later than that.
const ACTION_KEYS_KEPT_MS: i64 = 86_400_000;
/// Old rows are let go this often.
const RETAIN_EVERY: Duration = Duration::from_secs(3_600);
/// A foreign system's alert that ended is known for a month: late copies come within hours.
const SIGNALS_KEPT_MS: i64 = 30 * 86_400_000;
/// The directory's version is looked at this often: what is changed at another hub counts here so much
/// later, for those who read; who writes looks in every transaction.
const DIRECTORY_EVERY: Duration = Duration::from_secs(1);
/// Ended sessions are forgotten this often.
const SWEEP_EVERY: Duration = Duration::from_secs(600);

/// Tasks that remember their names.
#[derive(Default)]
struct Tasks {
    set: JoinSet<(&'static str, Result<()>)>,
    running: Vec<&'static str>,
}

impl Tasks {
    fn spawn(
        &mut self,
        name: &'static str,
        task: impl Future<Output = Result<()>> + Send + 'static,
    ) {
        self.running.push(name);
        self.set.spawn(async move { (name, task.await) });
    }

    /// The next task that ends; its failure is an error with its name.
    async fn next(&mut self) -> Option<(&'static str, Result<()>)> {
        let (name, result) = match self.set.join_next().await? {
            Ok(ended) => ended,
            Err(error) => ("a task", Err(anyhow!(error))),
        };
        self.running.retain(|running| *running != name);
        Some((
            name,
            result.with_context(|| format!("the task `{name}` failed")),
        ))
    }

    /// Waits for all; names those that are late, then ends them.
    async fn drain(&mut self, deadline: Duration) -> Result<()> {
        let end = tokio::time::Instant::now() + deadline;
        let mut first_failure = Ok(());
        loop {
            match tokio::time::timeout_at(end, self.next()).await {
                Ok(None) => return first_failure,
                Ok(Some((_, result))) => first_failure = first_failure.and(result),
                Err(_) => {
                    self.set.abort_all();
                    bail!(
                        "still busy after {} s: {}",
                        deadline.as_secs(),
                        self.running.join(", ")
                    );
                }
            }
        }
    }
}

/// Runs until `shutdown` or until a task fails; `ready` is told the address once it is listening.
///
/// # Errors
/// When something cannot be opened, a task fails, or stopping takes too long.
pub async fn run(
    loaded: Loaded,
    shutdown: impl Future<Output = ()>,
    ready: impl FnOnce(SocketAddr),
) -> Result<()> {
    let config = loaded.config.clone();
    let stop = CancellationToken::new();
    let stop_engine = CancellationToken::new();
    let mut tasks = Tasks::default();
    let app = open(loaded, &stop, &stop_engine, &mut tasks).await?;

    let listener =
        serve::listen(config.listen).with_context(|| format!("listening on {}", config.listen))?;
    let address = listener.local_addr().context("asking for the address")?;
    let handle = Handle::new();
    spawn_server(&mut tasks, &app, listener, handle.clone())?;
    spawn_timers(&mut tasks, &app, &stop);
    spawn_parent(&mut tasks, &app, &stop)?;
    tracing::info!(%address, tls = config.tls, "the hub is listening");
    ready(address);

    let failed = tokio::select! {
        () = shutdown => None,
        ended = tasks.next() => ended,
    };
    tracing::info!("the hub stops");
    let deadline = Duration::from_secs(config.limits.shutdown_s.into());
    stop.cancel();
    handle.graceful_shutdown(Some(deadline));
    drop(app);
    // The engine ends when its queue is empty; connections may still bring jobs until they end.
    let server_done = wait_for_connections(&handle, deadline).await;
    stop_engine.cancel();
    let drained = tasks.drain(deadline).await;
    match failed {
        Some((name, Ok(()))) => bail!("the task `{name}` ended by itself"),
        Some((_, Err(error))) => Err(error),
        None => drained.and(server_done),
    }
}

async fn wait_for_connections(handle: &Handle<SocketAddr>, deadline: Duration) -> Result<()> {
    let end = tokio::time::Instant::now() + deadline;
    while handle.connection_count() > 0 {
        if tokio::time::Instant::now() >= end {
            bail!(
                "{} connection(s) were still open after {} s",
                handle.connection_count(),
                deadline.as_secs()
            );
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

async fn open(
    loaded: Loaded,
    stop: &CancellationToken,
    stop_engine: &CancellationToken,
    tasks: &mut Tasks,
) -> Result<App> {
    let Loaded {
        config,
        directory,
        catalogue,
        calendar,
    } = loaded;
    let catalogue = Arc::new(catalogue);
    let calendar = Arc::new(calendar);
    let metrics = Arc::new(Metrics::default());
    certificates::make_private_dir(&config.data_dir)?;
    let url = config.store_url()?;
    if let Some(warning) = url.plain_line() {
        tracing::warn!("{warning}");
    }
    let (store, mut writer) = store::open(&url).await?;
    let stored = writer.fill_directory(&directory, crate::now()).await?;
    warn_of_difference(&directory, &stored, &config);
    writer
        .follow_child_areas(&store.child_hubs().await?, &stored)
        .await?;
    let directories = Directories::new(stored);
    let rosters = Rosters::default();
    let settings = EngineSettings {
        catalogue: Arc::clone(&catalogue),
        calendar: Arc::clone(&calendar),
        directory: directories.now(),
        correlation: config.correlation.settings(),
        fire_group_ms: i64::from(config.cases.fire_group_minutes) * 60_000,
        utc_offset_minutes: config.utc_offset_minutes,
        rosters: rosters.clone(),
        completion: Arc::new(Completion::new(&config.outside, &config.notify)),
    };
    let queue = usize::try_from(config.limits.intake_queue)?;
    let (engine, engine_task) = engine(
        writer,
        settings,
        directories.clone(),
        queue,
        Arc::clone(&metrics),
    )
    .await?;
    let seal = Seal::open(&config.data_dir)?;
    spawn_store_keeping(tasks, &config, &store, &engine, &metrics, stop);
    spawn_directory_watch(tasks, &store, &directories, stop);
    let stop_engine = stop_engine.clone();
    tasks.spawn(
        "engine",
        async move { Ok(engine_task.run(stop_engine).await?) },
    );

    let keep = Keep {
        days: config.history.keep_days,
        bytes: u64::from(config.history.megabytes_max) * 1024 * 1024,
    };
    let queue = usize::try_from(config.history.queue_batches)?;
    let path = config.data_dir.join(HISTORY_FILE);
    let (ring, ring_task, batches) = ring::open(&path, keep, queue, Arc::clone(&metrics)).await?;
    tasks.spawn("history", async move {
        ring_task.run().await;
        Ok(())
    });
    let export = open_export(&config, &metrics, stop, tasks)?;
    let history = History::new(batches, export, Arc::clone(&metrics));
    let names = (directories.clone(), Arc::clone(&catalogue));
    let notifier = open_notifier(&config, names, &engine, &metrics, stop, tasks).await?;
    let grace = Duration::from_secs(config.limits.shutdown_s.into()) / 2;
    let teller = HeadTeller::new(&notifier, store.clone(), config.notify.attempts_max, grace);
    let every = config.audit.sign_every_minutes;
    spawn_signing(tasks, every, store.clone(), seal, teller, stop);
    let auth = Auth::new(
        store.clone(),
        engine.clone(),
        directories.clone(),
        config.tls,
        &config.sessions,
        &config.sign_in,
    );
    let limits = api::limit::Limits::new(&config.limits);
    let evidence = Arc::new(Evidence::open(
        &config.evidence.dir,
        config.evidence.clone(),
    )?);
    let tiles = config.map.open().map_err(anyhow::Error::msg)?.map(Arc::new);
    Ok(Arc::new(Shared {
        config,
        directories,
        catalogue,
        calendar,
        rosters,
        store,
        engine,
        history,
        ring,
        notifier,
        auth,
        limits,
        tiles,
        evidence,
        rates: Rates::default(),
        metrics,
        imports: Arc::new(Semaphore::new(api::directory::IMPORTS_MAX)),
        verifying: Arc::new(Semaphore::new(1)),
        stop: stop.clone(),
    }))
}

/// The store holds the directory; files that say something else are only told.
fn warn_of_difference(files: &Directory, stored: &Directory, config: &Config) {
    let changes = Changes::between(&stored.contents(), &files.contents());
    let differs = changes.counts().iter().any(|count| {
        // What the files need not have, they need not agree on.
        !matches!(
            count.table,
            Table::Outlines | Table::Hazards | Table::Contacts | Table::RiskAreas
        )
    });
    if differs {
        tracing::warn!(
            areas = %config.areas.display(),
            sites = %config.sites.display(),
            "the files of areas and sites differ from the directory in the store, which counts; `hub directory check` shows how, `hub directory import` takes the files, `hub directory export DIR` writes what is in the store"
        );
    }
}

/// Takes what other hubs and the command line have made of the directory.
fn spawn_directory_watch(
    tasks: &mut Tasks,
    store: &Store,
    directories: &Directories,
    stop: &CancellationToken,
) {
    let (store, directories, until) = (store.clone(), directories.clone(), stop.clone());
    tasks.spawn("directory of other hubs", async move {
        let mut tick = tokio::time::interval(DIRECTORY_EVERY);
        while until.run_until_cancelled(tick.tick()).await.is_some() {
            if let Err(error) = refresh(&store, &directories).await {
                let error = crate::chain(&error);
                tracing::warn!(error, "the directory is read again at the next tick");
            }
        }
        Ok(())
    });
}

async fn refresh(store: &Store, directories: &Directories) -> StoreResult<()> {
    if store.directory_version().await? > directories.now().version() {
        directories.offer(Arc::new(store.directory().await?));
    }
    Ok(())
}

fn open_export(
    config: &Config,
    metrics: &Arc<Metrics>,
    stop: &CancellationToken,
    tasks: &mut Tasks,
) -> Result<Option<influx::InfluxQueue>> {
    let influxdb = &config.influxdb;
    if !influxdb.enabled {
        return Ok(None);
    }
    let token = if influxdb.token_file.as_os_str().is_empty() {
        String::new()
    } else {
        std::fs::read_to_string(&influxdb.token_file)
            .with_context(|| format!("reading `{}`", influxdb.token_file.display()))?
    };
    let target = influx::Target {
        url: influxdb.url.clone(),
        org: influxdb.org.clone(),
        bucket: influxdb.bucket.clone(),
        token: token.trim().to_owned(),
        queue_max: usize::try_from(influxdb.queue_readings)?,
    };
    let (queue, task) = influx::open(target, Arc::clone(metrics))?;
    let stop = stop.clone();
    tasks.spawn("influxdb export", async move {
        task.run(stop).await;
        Ok(())
    });
    Ok(Some(queue))
}

async fn open_notifier(
    config: &Config,
    (directories, catalogue): (Directories, Arc<Catalogue>),
    engine: &Engine,
    metrics: &Arc<Metrics>,
    stop: &CancellationToken,
    tasks: &mut Tasks,
) -> Result<Notifier> {
    let channels = worker::open_channels(
        &config.notify,
        &config.public_url,
        config.utc_offset_minutes,
    )
    .map_err(|problems| anyhow!(problems.join("\n")))
    .context("opening the channels of notifications")?;
    // A connection of its own: a slow provider's receipts never wait in the engine's queue.
    let (store, writer) = store::open(&config.store_url()?).await?;
    let setup = Setup {
        store,
        writer,
        channels,
        attempts_max: config.notify.attempts_max,
        directories,
        catalogue,
        utc_offset_minutes: config.utc_offset_minutes,
        metrics: Arc::clone(metrics),
        head: engine.head(),
        grace: Duration::from_secs(config.limits.shutdown_s.into()) / 2,
    };
    let (notifier, task) = worker::notifier(setup).await?;
    let stop = stop.clone();
    tasks.spawn("notifications", async move { Ok(task.run(stop).await?) });
    Ok(notifier)
}

fn spawn_server(
    tasks: &mut Tasks,
    app: &App,
    listener: std::net::TcpListener,
    handle: Handle<SocketAddr>,
) -> Result<()> {
    let timed = Timed {
        write_timeout: Duration::from_secs(app.config.limits.write_timeout_s.into()),
        metrics: Arc::clone(&app.metrics),
    };
    let service = api::router(Arc::clone(app)).into_make_service_with_connect_info::<SocketAddr>();
    let mut server = axum_server::from_tcp(listener)
        .context("taking the socket")?
        .handle(handle);
    serve::bound(server.http_builder());
    if app.config.tls {
        let tls = certificates::server_config(&app.config.data_dir)?;
        let acceptor = RustlsAcceptor::new(RustlsConfig::from_config(tls)).acceptor(timed);
        let server = server.acceptor(acceptor);
        tasks.spawn("server", async move {
            server.serve(service).await.context("serving")
        });
    } else {
        let server = server.acceptor(timed);
        tasks.spawn("server", async move {
            server.serve(service).await.context("serving")
        });
    }
    Ok(())
}

/// What the store needs beside the engine: words of other hubs, letting go.
fn spawn_store_keeping(
    tasks: &mut Tasks,
    config: &Config,
    store: &Store,
    engine: &Engine,
    metrics: &Arc<Metrics>,
    stop: &CancellationToken,
) {
    let (from, to, until) = (store.clone(), engine.clone(), stop.clone());
    tasks.spawn("events of other hubs", async move {
        follow(&from, |newest| to.heard_of(newest), &until).await;
        Ok(())
    });
    let days = config.retention.clone();
    let reporter_days = config.outside.reporter_days;
    let (engine, metrics, until) = (engine.clone(), Arc::clone(metrics), stop.clone());
    tasks.spawn("retention", async move {
        let mut tick = tokio::time::interval(RETAIN_EVERY);
        while until.run_until_cancelled(tick.tick()).await.is_some() {
            let keep = keep(&days, crate::now());
            // What fails now is done at the next tick; while rows go, alerts have their turn in between.
            while let Ok(rows @ 1..) = engine.retain(keep).await {
                add(&metrics.rows_let_go, usize::try_from(rows).unwrap_or(0));
                if until.is_cancelled() {
                    break;
                }
            }
            let now = crate::now();
            let forget = || Forget {
                reporters_before: now.plus_ms(-86_400_000 * i64::from(reporter_days)),
                signals_before: now.plus_ms(-SIGNALS_KEPT_MS),
            };
            while let Ok(rows @ 1..) = engine.run(forget(), now).await {
                add(&metrics.rows_let_go, usize::try_from(rows).unwrap_or(0));
                if until.is_cancelled() {
                    break;
                }
            }
        }
        Ok(())
    });
}

/// Signs the ends of audit and case histories, and tells the heads to who keeps them elsewhere.
fn spawn_signing(
    tasks: &mut Tasks,
    sign_every_minutes: u32,
    store: Store,
    mut seal: Seal,
    teller: HeadTeller,
    stop: &CancellationToken,
) {
    let every = Duration::from_secs(60 * u64::from(sign_every_minutes));
    let until = stop.clone();
    tasks.spawn("signing of the audit", async move {
        let mut tick = tokio::time::interval(every);
        loop {
            let stopped = until.run_until_cancelled(tick.tick()).await.is_none();
            if let Err(error) = sign(&mut seal, &store, &teller).await {
                let error = format!("{error:#}");
                tracing::error!(
                    error,
                    "the ends of audit and case histories were not signed or not told"
                );
            }
            // What was written since the last tick is signed when the hub stops, too.
            if stopped {
                break;
            }
        }
        if let Err(error) = teller.send_before_the_end().await {
            let error = crate::chain(&error);
            tracing::warn!(
                error,
                "the last head of the audit is told with the next start"
            );
        }
        Ok(())
    });
}

async fn sign(seal: &mut Seal, store: &Store, teller: &HeadTeller) -> Result<()> {
    seal.sign(store, false, crate::now()).await?;
    if let Some(head) = seal.newest() {
        teller.tell(&head, crate::now()).await?;
    }
    Ok(())
}

fn keep(days: &config::Retention, now: Timestamp) -> retention::Keep {
    let since = |days: u32| now.plus_ms(-86_400_000 * i64::from(days));
    retention::Keep {
        events_since: since(days.events_days),
        refused_since: since(days.refused_messages_days),
        messages_since: since(days.alert_messages_days),
        action_keys_since: now.plus_ms(-ACTION_KEYS_KEPT_MS),
    }
}

fn spawn_timers(tasks: &mut Tasks, app: &App, stop: &CancellationToken) {
    let (engine, metrics) = (app.engine.clone(), Arc::clone(&app.metrics));
    let silent_ms = i64::from(app.config.gateways.silent_after_s) * 1_000;
    let until = stop.clone();
    tasks.spawn("silence timer", async move {
        let started = crate::now();
        let mut tick = tokio::time::interval(SILENCE_EVERY);
        while until.run_until_cancelled(tick.tick()).await.is_some() {
            if let Some(before) = silent_before(started, crate::now(), silent_ms) {
                // When the hub is too busy now, the next tick finds the same gateways.
                if let Ok(found) = engine.silence(before, crate::now()).await {
                    add(&metrics.gateways_silent, found);
                }
            }
        }
        Ok(())
    });
    let timers = Timers {
        engine: app.engine.clone(),
        store: app.store.clone(),
        calendar: Arc::clone(&app.calendar),
        metrics: Arc::clone(&app.metrics),
    };
    let until = stop.clone();
    tasks.spawn("case timers", async move {
        timers.run(until).await;
        Ok(())
    });
    let watch = Watch {
        engine: app.engine.clone(),
        store: app.store.clone(),
        directories: app.directories.clone(),
        catalogue: Arc::clone(&app.catalogue),
        settings: app.config.correlation.settings(),
    };
    let until = stop.clone();
    tasks.spawn("correlation watch", async move {
        watch.run(until).await;
        Ok(())
    });
    let (keeping, until) = (Arc::clone(app), stop.clone());
    tasks.spawn("evidence keeper", async move {
        let mut tick = tokio::time::interval(RETAIN_EVERY);
        while until.run_until_cancelled(tick.tick()).await.is_some() {
            let app = &keeping;
            let swept = keeper::sweep(&app.evidence, &app.engine, &app.store, crate::now());
            // A sweep may take long; stopping does not wait for it, and the next one goes on.
            match until.run_until_cancelled(swept).await {
                Some(Ok(swept)) => add(&app.metrics.evidence_let_go, swept.let_go + swept.orphans),
                Some(Err(error)) => {
                    let error = format!("{error:#}");
                    tracing::warn!(error, "files of evidence stay until the next sweep");
                }
                None => break,
            }
        }
        Ok(())
    });
    let children = SilenceWatch {
        engine: app.engine.clone(),
        store: app.store.clone(),
        silent_ms: i64::from(app.config.children.silent_after_s) * 1_000,
    };
    let until = stop.clone();
    tasks.spawn("silence of child hubs", async move {
        children.run(until).await;
        Ok(())
    });
    let desks = DeskWatch {
        engine: app.engine.clone(),
        store: app.store.clone(),
        rosters: app.rosters.clone(),
        directories: app.directories.clone(),
        calendar: Arc::clone(&app.calendar),
        utc_offset_minutes: app.config.utc_offset_minutes,
        limits: app.config.duty,
    };
    let until = stop.clone();
    tasks.spawn("watch over desks", async move {
        desks.run(until).await;
        Ok(())
    });
    let (app, until) = (Arc::clone(app), stop.clone());
    tasks.spawn("session sweeper", async move {
        let mut tick = tokio::time::interval(SWEEP_EVERY);
        while until.run_until_cancelled(tick.tick()).await.is_some() {
            if let Err(error) = app.auth.sweep(crate::now()).await {
                tracing::warn!(%error, "ended sessions are kept until the next sweep");
            }
        }
        Ok(())
    });
}

/// What tells the parent hub, where there is one.
fn spawn_parent(tasks: &mut Tasks, app: &App, stop: &CancellationToken) -> Result<()> {
    let settings = &app.config.parent;
    if !settings.is_set() {
        return Ok(());
    }
    let child = Child {
        app: Arc::clone(app),
        parent: Parent::open(settings, &app.config.notify.allow_hosts)
            .context("opening the link to the parent hub")?,
        holder: seal::public_key(&app.config.data_dir)?,
        holds: Arc::default(),
    };
    let (uplink, head, until) = (child.clone(), app.engine.head(), stop.clone());
    tasks.spawn("uplink to the parent hub", async move {
        uplink::run(uplink, head, until).await;
        Ok(())
    });
    let until = stop.clone();
    tasks.spawn("line to the parent hub", async move {
        line::run(child, until).await;
        Ok(())
    });
    Ok(())
}

/// Gateways not heard since then are silent. While the hub itself has not run for long enough, none
/// is: it was the hub that did not listen.
fn silent_before(started: Timestamp, now: Timestamp, silent_ms: i64) -> Option<Timestamp> {
    (now.ms_since(started) >= silent_ms).then(|| now.plus_ms(-silent_ms))
}
