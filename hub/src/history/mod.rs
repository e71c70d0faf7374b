//! Readings for charts: an embedded ring of days, and optionally a copy to an InfluxDB server.
//!
//! Never holds up alerts: intake hands batches to a bounded queue, and what does not fit is refused or
//! counted. A crash loses what was not yet committed and at most the last moments before a power
//! cut; alerts carry the readings around them as evidence of their own.

pub mod downsample;
pub mod influx;
pub mod ring;

use std::sync::Arc;
use std::time::Duration;

use gridwatch_protocol::{GatewayId, Reading, Timestamp};
use tokio::sync::mpsc;

use crate::metrics::{Metrics, add};

/// Readings of one gateway.
#[derive(Debug, Clone)]
pub struct ReadingBatch {
    /// The gateway.
    pub gateway: GatewayId,
    /// Its readings.
    pub readings: Arc<Vec<Reading>>,
    /// When they arrived, by the hub's clock.
    pub arrived_at: Timestamp,
}

/// The asking side of the history's task; cheap to clone.
#[derive(Debug, Clone)]
pub struct History {
    ring: mpsc::Sender<ReadingBatch>,
    influx: Option<influx::InfluxQueue>,
    metrics: Arc<Metrics>,
}

impl History {
    /// Queues for the ring's task and, if there is one, the export.
    #[must_use]
    pub fn new(
        ring: mpsc::Sender<ReadingBatch>,
        influx: Option<influx::InfluxQueue>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            ring,
            influx,
            metrics,
        }
    }

    /// Takes readings, waiting at most this long for room in the queue; false when there was none,
    /// and then nothing was taken.
    pub async fn take(&self, batch: ReadingBatch, wait: Duration) -> bool {
        let count = batch.readings.len();
        let taken = match self.ring.try_send(batch.clone()) {
            Ok(()) => true,
            Err(mpsc::error::TrySendError::Full(batch)) if !wait.is_zero() => {
                matches!(
                    tokio::time::timeout(wait, self.ring.send(batch)).await,
                    Ok(Ok(()))
                )
            }
            Err(_) => false,
        };
        if taken {
            add(&self.metrics.readings, count);
            if let Some(influx) = &self.influx {
                influx.push(&batch);
            }
        }
        taken
    }
}
