//! The loopback page: `/healthz` for a watchdog, `/metrics` for Prometheus, `/status` for people.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use gridwatch_protocol::{Fault, ModelStatus, QuarantineSample};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{Health, ModbusUnitStatus};
use crate::clock::Clock;

/// What `/status` says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Status {
    /// Version of the agent.
    pub version: String,
    /// Milliseconds since it started.
    pub uptime_ms: u64,
    /// Alert messages not accepted by the hub.
    pub backlog_alerts: u64,
    /// Readings not accepted by the hub.
    pub backlog_readings: u64,
    /// Devices heard or configured.
    pub devices: u64,
    /// What is wrong at present.
    pub faults: Vec<Fault>,
    /// All counters.
    pub counters: BTreeMap<String, u64>,
    /// Modbus units: lateness, outcomes, who does not answer.
    #[serde(default)]
    pub modbus: Vec<ModbusUnitStatus>,
    /// The anomaly models: builds, drift, disagreements of candidates.
    #[serde(default)]
    pub models: Vec<ModelStatus>,
    /// Messages that nobody understood; the newest samples.
    #[serde(default)]
    pub quarantine: Vec<QuarantineSample>,
}

/// Serves the page until `stop`.
///
/// # Errors
/// When the address cannot be listened on.
pub async fn serve(
    address: SocketAddr,
    health: Arc<Health>,
    clock: Clock,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let listener = TcpListener::bind(address).await?;
    tracing::info!(address = %listener.local_addr()?, "health page");
    let router = Router::new()
        .route("/healthz", get(healthz))
        .route("/metrics", get(metrics))
        .route("/status", get(status))
        .with_state((health, clock));
    axum::serve(listener, router)
        .with_graceful_shutdown(stop.cancelled_owned())
        .await
}

type Shown = State<(Arc<Health>, Clock)>;

/// 200 while the process works; faults are shown but do not make it unhealthy: restarting the agent
/// would not mend a sensor.
async fn healthz() -> (StatusCode, &'static str) {
    (StatusCode::OK, "ok\n")
}

async fn status(State((health, clock)): Shown) -> Json<Status> {
    Json(Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        uptime_ms: clock.uptime_ms(),
        backlog_alerts: health.backlog_alerts.get(),
        backlog_readings: health.backlog_readings.get(),
        devices: health.devices.get(),
        faults: health.faults(),
        counters: health
            .counters()
            .into_iter()
            .map(|(name, _, value)| (name.to_owned(), value))
            .collect(),
        modbus: health.modbus.status(),
        models: health.models(),
        quarantine: health.quarantine(),
    })
}

async fn metrics(State((health, _)): Shown) -> String {
    let mut text = String::new();
    for (name, help, value) in health.counters() {
        push(&mut text, &format!("{name}_total"), "counter", help, value);
    }
    for (name, help, value) in [
        (
            "backlog_alerts",
            "alert messages on disk that the hub has not accepted",
            health.backlog_alerts.get(),
        ),
        (
            "backlog_readings",
            "readings on disk that the hub has not accepted",
            health.backlog_readings.get(),
        ),
        (
            "frames_waiting",
            "frames waiting for the pipeline",
            health.frames_waiting.get(),
        ),
        (
            "devices",
            "devices heard or configured",
            health.devices.get(),
        ),
        (
            "devices_lost",
            "devices that are silent or offline",
            health.devices_lost.get(),
        ),
        ("faults", "faults at present", health.faults().len() as u64),
    ] {
        push(&mut text, name, "gauge", help, value);
    }
    text.push_str(&health.modbus.metrics());
    text.push_str(&super::models::metrics(&health.models()));
    text
}

fn push(text: &mut String, name: &str, kind: &str, help: &str, value: u64) {
    writeln!(
        text,
        "# HELP gridwatch_edge_{name} {help}\n# TYPE gridwatch_edge_{name} {kind}\ngridwatch_edge_{name} {value}"
    )
    .expect("writing to a string");
}
