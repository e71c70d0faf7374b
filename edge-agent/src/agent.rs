//! Parse, build, spawn, drain: the only place that starts tasks.
//!
//! Stopping is closing the sources: the pipeline ends when the last source has ended, and commits what
//! it holds; the outbox ends when the last handle is gone. Who is not done in time is named.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::Config;
use crate::control::records::Delivery;
use crate::control::{self, Control};
use crate::detection::{Detector, DeviceFacts, KnownDevice};
use crate::fault_output;
use crate::health::{self, Health, text};
use crate::outbox::{self, OpenedOutbox, OutboxOptions, RememberedDevice, Synchronous};
use crate::pipeline::{Pipeline, Scoring, Shared};
use crate::profiles::Watch;
use crate::pseudonym_key;
use crate::quarantine::Quarantine;
use crate::sources::{self, FRAMES_MAX};
use crate::telemetry::Thinning;
use crate::uplink::{Heartbeats, HubClient, Lane, Uplink};
use gridwatch_decode::Decoder;
use gridwatch_decode::by_profile::ByProfile;

/// Everything must have ended this long after the signal to stop; systemd's own limit is 90 s.
const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(10);

/// Runs the agent until `shutdown` or until something essential fails.
///
/// # Errors
/// When it cannot start, or a task ended that should not have.
pub async fn run(config: Config, shutdown: impl Future<Output = ()>) -> anyhow::Result<()> {
    let clock = Clock::start(config.speed);
    let health = Arc::new(Health::default());
    let opened = outbox::open(
        OutboxOptions {
            dir: config.state_dir.clone(),
            config: config.outbox,
            synchronous: Synchronous::Full,
        },
        health.clone(),
    )
    .await
    .context("opening the outbox")?;
    tracing::info!(
        site = %config.site,
        stream = %opened.outbox.stream(),
        boot_epoch = opened.outbox.boot_epoch(),
        open_episodes = opened.episodes.len(),
        "starting"
    );
    let stop = CancellationToken::new();
    let mut tasks = Tasks::default();
    start(config, clock, health, opened, &stop, &mut tasks)?;
    let failure = tokio::select! {
        () = shutdown => None,
        failure = tasks.first_end() => Some(failure),
    };
    stop.cancel();
    let late = tasks.drain(SHUTDOWN_DEADLINE).await;
    match (failure, late) {
        (Some(failure), _) => Err(failure),
        (None, Some(late)) => Err(late),
        (None, None) => Ok(()),
    }
}

fn start(
    config: Config,
    clock: Clock,
    health: Arc<Health>,
    opened: OpenedOutbox,
    stop: &CancellationToken,
    tasks: &mut Tasks,
) -> anyhow::Result<()> {
    let OpenedOutbox {
        outbox,
        writer,
        episodes,
        devices,
        source_events,
    } = opened;
    let now = clock.now();
    let shared = Arc::new(Mutex::new(Shared::default()));
    let known = known_devices(&config, &devices);
    let fixed = config
        .devices
        .iter()
        .filter_map(|device| Some((device.id.clone(), device.profile.clone()?)));
    let remembered = devices.into_iter().map(|d| (d.device, d.facts.by));
    let pseudonyms = pseudonym_key::load(&config.state_dir).context("reading the pseudonym key")?;
    let scoring = Scoring::start(
        &config.model,
        config.detection.timezone.clone(),
        config.speed,
        &episodes,
        now,
        &health,
    );
    let (desk, line) = control::desk();
    let record_made = Arc::new(Notify::new());
    let control = Control {
        dir: config.state_dir.clone(),
        site: config.site.clone(),
        gateway: config.hub.as_ref().map(|hub| hub.gateway.clone()),
        profiles: config.profiles.clone(),
        outbox: outbox.clone(),
        health: health.clone(),
        clock: clock.clone(),
        record_made: record_made.clone(),
        line,
    };
    let pipeline = Pipeline {
        clock: clock.clone(),
        decoder: Decoder::new(
            ByProfile::new(config.profiles.clone(), fixed, remembered),
            config.detection.timezone.clone(),
            pseudonyms,
        ),
        detector: Detector::new(
            config.site.clone(),
            &config.detection,
            known,
            episodes,
            source_events,
            now,
        ),
        thinning: Thinning::new(config.telemetry),
        scoring,
        quarantine: Quarantine::default(),
        desk,
        outbox: outbox.clone(),
        health: health.clone(),
        shared: shared.clone(),
        entry: outbox::Entry::default(),
    };
    let (frames, received) = mpsc::channel(FRAMES_MAX);
    let (lines, profiles) = watch::channel(config.profiles.as_slice().into());
    let units: Vec<String> = config
        .modbus
        .iter()
        .flat_map(|line| line.units.iter().map(|unit| unit.profile.clone()))
        .collect();
    tasks.spawn("outbox", async { writer.run().await.map_err(Into::into) });
    tasks.spawn("pipeline", async {
        pipeline.run(received).await.map_err(Into::into)
    });
    let channel = control::run(control, stop.clone());
    tasks.spawn("control channel", async {
        channel.await.map_err(Into::into)
    });
    for mqtt in config.mqtt {
        let name = format!("mqtt {}", mqtt.name);
        let source = sources::mqtt::run(
            mqtt,
            clock.clone(),
            frames.clone(),
            health.clone(),
            stop.clone(),
        );
        tasks.spawn(name, async {
            source.await;
            Ok(())
        });
    }
    for line in config.modbus {
        let units: Vec<String> = line.units.iter().map(|u| u.unit.to_string()).collect();
        let name = format!("modbus {} unit {}", line.name, units.join(","));
        let source = sources::modbus::run(
            line,
            profiles.clone(),
            clock.clone(),
            frames.clone(),
            health.clone(),
            stop.clone(),
        );
        tasks.spawn(name, async {
            source.await;
            Ok(())
        });
    }
    let needed = config
        .devices
        .iter()
        .filter_map(|device| device.profile.clone())
        .chain(units)
        .collect();
    let watch = Watch {
        folder: config.profiles_dir,
        needed,
        clock: clock.clone(),
        frames,
        lines,
        health: health.clone(),
    };
    let until = stop.clone();
    tasks.spawn("profiles", async {
        watch.run(until).await;
        Ok(())
    });
    if let Some(address) = config.health {
        let page = health::serve(address, health.clone(), clock.clone(), stop.clone());
        tasks.spawn("health", async move {
            page.await
                .with_context(|| format!("serving the health page on {address}"))
        });
    }
    match &config.hub {
        None => {
            let detail = text(
                "未接入中心：报警只保存在本网关",
                "not joined to a hub: alerts stay on this gateway",
            );
            health.raise_fault("hub_not_configured", "", now.wall, detail);
        }
        Some(hub) => {
            let client = HubClient::new(hub).context("preparing the connection to the hub")?;
            let heartbeats = Heartbeats {
                client: client.clone(),
                gateway: hub.gateway.clone(),
                site: config.site.clone(),
                outbox: outbox.clone(),
                clock: clock.clone(),
                health: health.clone(),
                shared,
                speed: config.speed,
            };
            let records = Delivery {
                dir: config.state_dir.clone(),
                gateway: hub.gateway.clone(),
                client: client.clone(),
                health: health.clone(),
                clock: clock.clone(),
                record_made,
            };
            let until = stop.clone();
            tasks.spawn("commissioning records", async {
                records.run(until).await;
                Ok(())
            });
            let alerts = Uplink {
                lane: Lane::Alerts,
                client,
                gateway: hub.gateway.clone(),
                outbox: outbox.clone(),
                clock: clock.clone(),
                health: health.clone(),
                backoff_max: Duration::from_millis(hub.backoff_max_ms),
            };
            // A client of its own: a connection of its own.
            let telemetry = Uplink {
                lane: Lane::Telemetry,
                client: HubClient::new(hub).context("preparing the connection to the hub")?,
                ..alerts.clone()
            };
            let (one, two, three) = (stop.clone(), stop.clone(), stop.clone());
            tasks.spawn("uplink of alerts", async {
                alerts.run(one).await.map_err(Into::into)
            });
            tasks.spawn("uplink of telemetry", async {
                telemetry.run(two).await.map_err(Into::into)
            });
            tasks.spawn("heartbeats", async {
                heartbeats.run(three).await.map_err(Into::into)
            });
        }
    }
    let output = fault_output::run(config.fault_output, outbox, clock, health, stop.clone());
    tasks.spawn("fault output", async { output.await.map_err(Into::into) });
    Ok(())
}

/// Configured devices, then those remembered from earlier runs.
fn known_devices(config: &Config, remembered: &[RememberedDevice]) -> Vec<KnownDevice> {
    let profile = |id: Option<&str>| config.profiles.iter().find(|p| Some(p.id.as_str()) == id);
    let mut known: BTreeMap<_, KnownDevice> = BTreeMap::new();
    for old in remembered {
        let mut entry = KnownDevice::unknown(old.device.clone());
        entry.facts = old.facts.clone();
        if let Some(profile) = profile(Some(&old.facts.by)) {
            entry.facts = DeviceFacts {
                learned_silent_ms: old.facts.learned_silent_ms,
                ..DeviceFacts::of_profile(profile)
            };
        }
        known.insert(old.device.clone(), entry);
    }
    for line in &config.modbus {
        for unit in &line.units {
            let mut entry = KnownDevice::unknown(unit.device.clone());
            if let Some(profile) = profile(Some(&unit.profile)) {
                entry.facts = DeviceFacts::of_profile(profile);
            }
            entry.configured = true;
            entry.source = Some(format!("{}/{}", line.name, unit.unit));
            known.insert(unit.device.clone(), entry);
        }
    }
    for configured in &config.devices {
        let entry = known
            .entry(configured.id.clone())
            .or_insert_with(|| KnownDevice::unknown(configured.id.clone()));
        entry.configured = true;
        entry.place = configured.place.clone();
        if let Some(profile) = profile(configured.profile.as_deref()) {
            entry.facts = DeviceFacts::of_profile(profile);
        }
        entry.fixed_limit = configured.silent_after_ms;
    }
    known.into_values().collect()
}

/// Tasks with names, so that an unexpected end and a late one can be told.
#[derive(Default)]
struct Tasks {
    set: JoinSet<(String, anyhow::Result<()>)>,
    running: Vec<String>,
}

impl Tasks {
    fn spawn(
        &mut self,
        name: impl Into<String>,
        task: impl Future<Output = anyhow::Result<()>> + Send + 'static,
    ) {
        let name = name.into();
        self.running.push(name.clone());
        self.set.spawn(async move { (name, task.await) });
    }

    /// The first task that ends, which none should.
    async fn first_end(&mut self) -> anyhow::Error {
        match self.set.join_next().await {
            None => anyhow::anyhow!("no task is running"),
            Some(ended) => {
                let error = self.ended(ended);
                error.unwrap_or_else(|name| anyhow::anyhow!("task `{name}` ended unexpectedly"))
            }
        }
    }

    /// The error of an ended task, or its name when it ended well.
    fn ended(
        &mut self,
        ended: Result<(String, anyhow::Result<()>), tokio::task::JoinError>,
    ) -> Result<anyhow::Error, String> {
        match ended {
            Ok((name, outcome)) => {
                self.running.retain(|running| *running != name);
                match outcome {
                    Ok(()) => Err(name),
                    Err(error) => Ok(error.context(format!("task `{name}` failed"))),
                }
            }
            Err(error) => Ok(anyhow::Error::new(error).context("a task panicked")),
        }
    }

    /// Waits for all tasks, at most until the deadline.
    async fn drain(&mut self, deadline: Duration) -> Option<anyhow::Error> {
        let mut first = None;
        let all = async {
            while let Some(ended) = self.set.join_next().await {
                if let Ok(error) = self.ended(ended) {
                    first.get_or_insert(error);
                }
            }
        };
        if tokio::time::timeout(deadline, all).await.is_err() {
            let late = self.running.join(", ");
            self.set.abort_all();
            return Some(anyhow::anyhow!(
                "not done within {} s: {late}",
                deadline.as_secs()
            ));
        }
        first
    }
}
