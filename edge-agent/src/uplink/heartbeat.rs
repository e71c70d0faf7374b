//! Heartbeats every 20 s: a sign of life with everything that the hub needs to show this gateway's
//! health, and the hub's proof of what it holds.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use gridwatch_protocol::{
    ClockQuality, GatewayId, HEARTBEAT_INTERVAL_MS, Heartbeat, HeartbeatAnswer, SiteId, Timestamp,
    WIRE_VERSION,
};
use tokio_util::sync::CancellationToken;

use super::{HubClient, chain};
use crate::clock::{Clock, quality};
use crate::health::{Health, text};
use crate::outbox::{Backlog, Outbox, OutboxError};
use crate::pipeline::Shared;

/// While devices wait to be told, heartbeats follow each other faster.
const CATCH_UP: Duration = Duration::from_secs(2);

/// Sends heartbeats until `stop`.
#[derive(Debug)]
pub struct Heartbeats {
    /// The hub.
    pub client: HubClient,
    /// This gateway.
    pub gateway: GatewayId,
    /// Its site.
    pub site: SiteId,
    /// The outbox.
    pub outbox: Outbox,
    /// The clocks.
    pub clock: Clock,
    /// Counters and faults.
    pub health: Arc<Health>,
    /// What the pipeline shows.
    pub shared: Arc<Mutex<Shared>>,
    /// How fast detection time runs.
    pub speed: f64,
}

impl Heartbeats {
    /// Runs until `stop`.
    ///
    /// # Errors
    /// When the outbox fails: the process must end.
    pub async fn run(self, stop: CancellationToken) -> Result<(), OutboxError> {
        tokio::select! {
            () = stop.cancelled() => Ok(()),
            outcome = self.work() => outcome,
        }
    }

    async fn work(&self) -> Result<(), OutboxError> {
        let period = Duration::from_millis(HEARTBEAT_INTERVAL_MS.unsigned_abs());
        // The pipeline's first picture is there within a second.
        tokio::time::sleep(CATCH_UP / 2).await;
        let mut skew_ms = None;
        let mut number = 0;
        loop {
            number += 1;
            let began = tokio::time::Instant::now();
            let backlog = self.outbox.backlog().await?;
            let heartbeat = self.heartbeat(number, &backlog, skew_ms);
            let more = match self.client.send_heartbeat(&heartbeat).await {
                Ok(answer) => {
                    self.health.heartbeats_sent.inc();
                    self.health.clear_fault("hub_unreachable", "");
                    skew_ms = Some(self.skew(&answer, began));
                    self.answered(&heartbeat, &answer, &backlog).await?;
                    !heartbeat.devices.is_empty()
                }
                Err(error) => {
                    self.health.heartbeats_failed.inc();
                    let why = chain(&error);
                    let detail = text(
                        format!("无法联系中心：{why}"),
                        format!("cannot reach the hub: {why}"),
                    );
                    self.health
                        .raise_fault("hub_unreachable", "", self.clock.now().wall, detail);
                    false
                }
            };
            let pause = if more { CATCH_UP } else { period };
            tokio::time::sleep_until(began + pause).await;
        }
    }

    fn heartbeat(&self, number: u64, backlog: &Backlog, skew_ms: Option<i64>) -> Heartbeat {
        let now = self.clock.now().wall;
        let clock = quality(now, skew_ms);
        self.rehearsal_and_clock(now, clock, skew_ms);
        self.health.backlog_alerts.set(backlog.alerts);
        self.health.backlog_readings.set(backlog.readings);
        let mut shared = self
            .shared
            .lock()
            .expect("no code panics while it holds the shared state");
        shared.clock = clock;
        Heartbeat {
            version: WIRE_VERSION,
            gateway: self.gateway.clone(),
            site: self.site.clone(),
            stream: self.outbox.stream(),
            boot_epoch: self.outbox.boot_epoch(),
            number,
            at: now,
            clock,
            last_sequence: backlog.last_sequence,
            backlog_alerts: backlog.alerts,
            backlog_readings: backlog.readings,
            agent_version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_ms: self.clock.uptime_ms(),
            faults: self.health.faults(),
            counters: self
                .health
                .counters()
                .into_iter()
                .map(|(name, _, value)| (name.to_owned(), value))
                .collect(),
            devices: shared.changed_devices.clone(),
            quarantine: shared.quarantine.clone(),
            models: self.health.models(),
        }
    }

    fn rehearsal_and_clock(&self, now: Timestamp, clock: ClockQuality, skew_ms: Option<i64>) {
        if (self.speed - 1.0).abs() > f64::EPSILON {
            let detail = text(
                format!("演练模式：检测时间以 {} 倍速运行", self.speed),
                format!(
                    "rehearsal: detection time runs {} times as fast",
                    self.speed
                ),
            );
            self.health.raise_fault("rehearsal", "", now, detail);
        }
        match clock {
            ClockQuality::Plausible => self.health.clear_fault("clock_unsure", ""),
            ClockQuality::Unsure => {
                let by = skew_ms.map_or_else(
                    || "?".to_owned(),
                    |ms| {
                        format!(
                            "{:.1}",
                            Duration::from_millis(ms.unsigned_abs()).as_secs_f64()
                        )
                    },
                );
                let detail = text(
                    format!("网关时钟不可信（与中心相差 {by} 秒）"),
                    format!("the gateway's clock cannot be trusted ({by} s off the hub's)"),
                );
                self.health.raise_fault("clock_unsure", "", now, detail);
            }
        }
    }

    /// How far this clock is behind the hub's, taking the middle of the request as its time.
    fn skew(&self, answer: &HeartbeatAnswer, began: tokio::time::Instant) -> i64 {
        let half = i64::try_from(began.elapsed().as_millis() / 2).unwrap_or(0);
        answer
            .hub_time
            .plus_ms(half)
            .ms_since(self.clock.now().wall)
    }

    async fn answered(
        &self,
        heartbeat: &Heartbeat,
        answer: &HeartbeatAnswer,
        backlog: &Backlog,
    ) -> Result<(), OutboxError> {
        self.shared
            .lock()
            .expect("no code panics while it holds the shared state")
            .told
            .extend(heartbeat.devices.iter().cloned());
        let missing = missing(answer, backlog.last_sequence);
        if missing.is_empty() {
            return Ok(());
        }
        let count = self.outbox.send_again(missing).await?;
        if count > 0 {
            tracing::warn!(
                count,
                "the hub does not have alert messages that it had accepted; sending them again"
            );
            self.shared
                .lock()
                .expect("no code panics while it holds the shared state")
                .tell_all = true;
        }
        Ok(())
    }
}

/// What the hub does not have, including what lies above the ranges it names.
fn missing(answer: &HeartbeatAnswer, last_sequence: u64) -> Vec<(u64, u64)> {
    let mut ranges = answer.missing.clone();
    if ranges.is_empty() && answer.contiguous_through < last_sequence {
        ranges.push((answer.contiguous_through + 1, last_sequence));
    }
    ranges
}
