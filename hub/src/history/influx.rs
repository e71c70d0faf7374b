//! Copies readings to InfluxDB 2, or to a server with its write API. The only file that knows it.
//!
//! A bounded queue; when the server is away the oldest readings are given up and counted. A write is
//! tried again with growing pauses; writing a point twice is harmless, it has the same series and time.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::stream;
use gridwatch_protocol::{GatewayId, Reading, Value};
use influxdb2::Client;
use influxdb2::models::DataPoint;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::ReadingBatch;
use crate::metrics::{Metrics, add, count};

/// Readings in one write.
const WRITE_MAX: usize = 5_000;
/// Pause after the first failed write; doubles up to [`PAUSE_MAX`].
const PAUSE_MIN: Duration = Duration::from_millis(500);
/// Longest pause between writes.
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// A write that takes longer has failed.
const WRITE_TIMEOUT: Duration = Duration::from_secs(15);

/// Where to send.
#[derive(Debug, Clone)]
pub struct Target {
    /// Address of the server.
    pub url: String,
    /// Organisation.
    pub org: String,
    /// Bucket.
    pub bucket: String,
    /// Access token; empty when none is needed.
    pub token: String,
    /// At most this many readings wait.
    pub queue_max: usize,
}

#[derive(Debug)]
struct Shared {
    waiting: Mutex<VecDeque<(GatewayId, Reading)>>,
    more: Notify,
    max: usize,
    metrics: Arc<Metrics>,
}

/// The queue's entrance; cheap to clone.
#[derive(Debug, Clone)]
pub struct InfluxQueue(Arc<Shared>);

/// The sending side, to be run as a task.
pub struct InfluxTask {
    shared: Arc<Shared>,
    client: Client,
    bucket: String,
}

/// A queue and its task.
///
/// # Errors
/// When the address or the token cannot be used.
pub fn open(target: Target, metrics: Arc<Metrics>) -> anyhow::Result<(InfluxQueue, InfluxTask)> {
    let client = influxdb2::ClientBuilder::new(target.url, target.org, target.token)
        .build()
        .map_err(|error| anyhow::anyhow!("preparing the InfluxDB client: {error}"))?;
    let shared = Arc::new(Shared {
        waiting: Mutex::default(),
        more: Notify::new(),
        max: target.queue_max,
        metrics,
    });
    let task = InfluxTask {
        shared: Arc::clone(&shared),
        client,
        bucket: target.bucket,
    };
    Ok((InfluxQueue(shared), task))
}

impl InfluxQueue {
    /// Queues readings; the oldest give way.
    pub fn push(&self, batch: &ReadingBatch) {
        let mut waiting = self.0.lock();
        let items = batch
            .readings
            .iter()
            .map(|r| (batch.gateway.clone(), r.clone()));
        waiting.extend(items);
        let excess = waiting.len().saturating_sub(self.0.max);
        waiting.drain(..excess);
        drop(waiting);
        add(&self.0.metrics.influx_dropped, excess);
        self.0.more.notify_one();
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<(GatewayId, Reading)>> {
        self.waiting
            .lock()
            .expect("nothing panics while holding the queue")
    }

    fn take(&self) -> Vec<(GatewayId, Reading)> {
        let mut waiting = self.lock();
        let n = waiting.len().min(WRITE_MAX);
        waiting.drain(..n).collect()
    }
}

impl InfluxTask {
    /// Sends until cancelled; what still waits then is given up: the ring has it.
    pub async fn run(self, stop: CancellationToken) {
        let mut pause = PAUSE_MIN;
        loop {
            let items = self.shared.take();
            if items.is_empty() {
                tokio::select! {
                    () = self.shared.more.notified() => continue,
                    () = stop.cancelled() => return,
                }
            }
            while let Err(error) = self.write(&items).await {
                count(&self.shared.metrics.influx_failures);
                tracing::warn!(
                    error,
                    pause_ms = pause.as_millis(),
                    "writing to the InfluxDB server"
                );
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = stop.cancelled() => {
                        add(&self.shared.metrics.influx_dropped, items.len());
                        return;
                    }
                }
                pause = (pause * 2).min(PAUSE_MAX);
                if self.shared.lock().len() >= self.shared.max {
                    // Newer readings are being given up for these: let these go instead.
                    add(&self.shared.metrics.influx_dropped, items.len());
                    break;
                }
            }
            pause = PAUSE_MIN;
        }
    }

    async fn write(&self, items: &[(GatewayId, Reading)]) -> Result<(), String> {
        let points: Vec<DataPoint> = items.iter().filter_map(point).collect();
        let sent = points.len();
        let write = self.client.write(&self.bucket, stream::iter(points));
        match tokio::time::timeout(WRITE_TIMEOUT, write).await {
            Ok(Ok(())) => {
                add(&self.shared.metrics.influx_sent, sent);
                Ok(())
            }
            Ok(Err(error)) => Err(crate::chain(&error)),
            Err(_) => Err(format!("no answer within {} s", WRITE_TIMEOUT.as_secs())),
        }
    }
}

/// Measurement = kind; tags: gateway, device, unit; fields: `value` for numbers and states (0 or 1),
/// `text` for words.
fn point((gateway, reading): &(GatewayId, Reading)) -> Option<DataPoint> {
    let mut point = DataPoint::builder(reading.kind.as_str())
        .tag("gateway", gateway.as_str())
        .tag("device", reading.device.as_str());
    if let Some(unit) = reading.unit.as_deref().filter(|unit| !unit.is_empty()) {
        point = point.tag("unit", unit);
    }
    let point = match &reading.value {
        Value::Bool(state) => point.field("value", f64::from(u8::from(*state))),
        Value::Number(number) => point.field("value", *number),
        Value::Text(text) => point.field("text", text.as_str()),
    };
    let nanoseconds = reading.at.unix_ms().checked_mul(1_000_000)?;
    point.timestamp(nanoseconds).build().ok()
}
