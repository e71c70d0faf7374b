//! Outbox → hub over HTTPS. Decides nothing about alerts: takes what the outbox gives, settles what
//! the hub's receipt says, and tries again until there is one.
//!
//! Two lanes, each with a connection of its own: alerts never wait behind telemetry, however slow the
//! line is. A new alert is tried at once, also in the middle of a pause.

mod client;
mod heartbeat;

pub use client::{HubClient, SendError};
pub use heartbeat::Heartbeats;

use std::sync::Arc;
use std::time::Duration;

use gridwatch_protocol::{BATCH_ALERTS_MAX, Batch, GatewayId, ReceiptStatus, WIRE_VERSION};
use rand::Rng;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::health::{Health, text};
use crate::outbox::{Outbox, OutboxError, Unsent};

/// The first pause after a failure is random between 0 and this; the limit then doubles.
const BACKOFF_MIN: Duration = Duration::from_secs(1);
/// New alerts wake a pausing uplink at most this often.
const URGENT_MIN: Duration = Duration::from_millis(500);
/// Readings in one batch: about 100 KB, so that a slow line is not blocked for long.
const READINGS_MAX: usize = 500;
/// Telemetry goes out at most this often while less than a full batch is waiting.
const TELEMETRY_EVERY: Duration = Duration::from_secs(1);
/// How often accepted messages that are old enough are deleted.
const CLEAN_UP_EVERY: Duration = Duration::from_secs(3600);

/// What a lane carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Alert messages.
    Alerts,
    /// Readings and gap records.
    Telemetry,
}

/// Sends batches until `stop`; the batch in flight is finished or sent again after the next start.
#[derive(Debug, Clone)]
pub struct Uplink {
    /// What it carries.
    pub lane: Lane,
    /// The hub.
    pub client: HubClient,
    /// This gateway.
    pub gateway: GatewayId,
    /// Where it comes from.
    pub outbox: Outbox,
    /// The clocks.
    pub clock: Clock,
    /// Counters.
    pub health: Arc<Health>,
    /// Longest pause.
    pub backoff_max: Duration,
}

impl Uplink {
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
        let mut limit = BACKOFF_MIN;
        let mut cleaned = tokio::time::Instant::now();
        loop {
            if self.lane == Lane::Telemetry && cleaned.elapsed() >= CLEAN_UP_EVERY {
                self.outbox.clean_up(self.clock.now().wall).await?;
                cleaned = tokio::time::Instant::now();
            }
            let unsent = match self.lane {
                Lane::Alerts => self.outbox.take_alerts(BATCH_ALERTS_MAX).await?,
                Lane::Telemetry => self.outbox.take_telemetry(READINGS_MAX).await?,
            };
            if unsent.is_empty() {
                self.wait().await;
                continue;
            }
            let is_full = unsent.readings.len() == READINGS_MAX;
            match self.send(unsent).await? {
                Ok(()) => {
                    limit = BACKOFF_MIN;
                    if self.lane == Lane::Telemetry && !is_full {
                        tokio::time::sleep(TELEMETRY_EVERY).await;
                    }
                }
                Err(error) => {
                    self.report(&error);
                    self.pause(limit, error.retry_after()).await;
                    limit = (limit * 2).min(self.backoff_max);
                }
            }
        }
    }

    async fn send(&self, unsent: Unsent) -> Result<Result<(), SendError>, OutboxError> {
        let Unsent {
            alerts,
            readings,
            gaps,
        } = unsent;
        let rows: Vec<i64> = readings.iter().map(|(row, _)| *row).collect();
        let gap_ids: Vec<u64> = gaps.iter().map(|gap| gap.id).collect();
        let batch = Batch {
            version: WIRE_VERSION,
            gateway: self.gateway.clone(),
            stream: self.outbox.stream(),
            boot_epoch: self.outbox.boot_epoch(),
            sent_at: self.clock.now().wall,
            alerts,
            readings: readings.into_iter().map(|(_, reading)| reading).collect(),
            gaps,
        };
        let receipt = match self.client.send_batch(&batch).await {
            Ok(receipt) => receipt,
            Err(error) => {
                self.health.batches_failed.inc();
                return Ok(Err(error));
            }
        };
        if batch.alerts.iter().any(|alert| {
            !receipt
                .items
                .iter()
                .any(|item| Some(item.sequence) == alert.sequence && item.id == alert.id)
        }) {
            self.health.batches_failed.inc();
            return Ok(Err(SendError::Incomplete));
        }
        self.count(&receipt, rows.len());
        self.outbox
            .settle(receipt, rows, gap_ids, self.clock.now().wall)
            .await?;
        Ok(Ok(()))
    }

    fn count(&self, receipt: &gridwatch_protocol::Receipt, readings: usize) {
        self.health.batches_sent.inc();
        self.health.clear_fault("hub_unreachable", "");
        self.health.readings_sent.add(readings as u64);
        for item in &receipt.items {
            match &item.status {
                ReceiptStatus::Accepted | ReceiptStatus::Duplicate => self.health.alerts_sent.inc(),
                ReceiptStatus::Rejected { reason } => {
                    self.health.alerts_rejected.inc();
                    tracing::error!(alert = %item.id, reason, "the hub will not take this alert; it is kept in the outbox");
                    let detail = text(
                        format!("中心拒收报警 {}：{reason}", item.id),
                        format!("the hub will not take alert {}: {reason}", item.id),
                    );
                    self.health
                        .raise_fault("alert_rejected", "", self.clock.now().wall, detail);
                }
            }
        }
    }

    fn report(&self, error: &SendError) {
        let why = chain(error);
        let detail = text(
            format!("无法把数据送到中心：{why}"),
            format!("cannot deliver to the hub: {why}"),
        );
        self.health
            .raise_fault("hub_unreachable", "", self.clock.now().wall, detail);
    }

    /// Waits until there may be something to send.
    async fn wait(&self) {
        match self.lane {
            Lane::Telemetry => tokio::time::sleep(TELEMETRY_EVERY).await,
            // Looked at now and then all the same: what was marked to be sent again, say.
            Lane::Alerts => {
                let changed = self.outbox.unsent_changed();
                if tokio::time::timeout(TELEMETRY_EVERY, changed)
                    .await
                    .is_err()
                {
                    tracing::trace!("nothing to send");
                }
            }
        }
    }

    /// Waits a random time up to `limit`, but not less than the hub asked for; a new alert ends it.
    async fn pause(&self, limit: Duration, asked: Option<Duration>) {
        let random = limit.mul_f64(rand::rng().random::<f64>());
        let pause = random.max(asked.unwrap_or_default());
        let least = asked.unwrap_or(URGENT_MIN).min(pause);
        tokio::time::sleep(least).await;
        let rest = tokio::time::sleep(pause.saturating_sub(least));
        match self.lane {
            Lane::Telemetry => rest.await,
            Lane::Alerts => tokio::select! {
                () = rest => {}
                () = self.outbox.unsent_changed() => {}
            },
        }
    }
}

/// An error with all of its causes, on one line.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
