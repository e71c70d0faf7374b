//! A gateway's sign of life, with what the hub needs to show its health.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{DeviceId, GatewayId, Kind, ModelStatus, Place, SiteId, StreamId, Text, Timestamp};

/// A gateway sends a heartbeat this often. Silent for 90 s (EN 50136 DP4) means shown as silent.
pub const HEARTBEAT_INTERVAL_MS: i64 = 20_000;
/// At most this many devices in one heartbeat; the rest follows with the next.
pub const HEARTBEAT_DEVICES_MAX: usize = 500;

/// Whether a gateway trusts its clock. Gateways often have no battery-backed one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ClockQuality {
    /// Not before the software was built, and not far from the hub's clock when last compared.
    #[default]
    Plausible,
    /// Before the software was built, or far from the hub's clock.
    Unsure,
}

/// Supervision state of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DeviceState {
    /// Configured, nothing heard yet.
    Expected,
    /// Heard within its time.
    Online,
    /// Silent for longer than its profile allows, or reported offline.
    Silent,
}

/// What the gateway knows of one device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeviceStatus {
    /// The device.
    pub device: DeviceId,
    /// The profile that reads it, if one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Whether the gateway's configuration names it. An unknown one is shown, never dropped.
    pub known: bool,
    /// Its supervision state.
    pub state: DeviceState,
    /// When it was last heard, by the gateway's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Timestamp>,
    /// Where it is.
    #[serde(default)]
    pub place: Place,
    /// The kinds it has reported.
    #[serde(default)]
    pub kinds: Vec<Kind>,
}

/// Something that is wrong on the gateway itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Fault {
    /// Stable code, such as `model_unavailable`, `mqtt_disconnected`, `modbus_unit_silent`.
    pub code: String,
    /// What it is about: a source, a unit, a file.
    #[serde(default)]
    pub subject: String,
    /// Since when.
    pub since: Timestamp,
    /// For people.
    pub detail: Text,
}

/// A message that nobody understood, as a sample.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QuarantineSample {
    /// Where it came from: the MQTT topic or the Modbus unit.
    pub source: String,
    /// Why it was not understood.
    pub reason: String,
    /// The beginning of the payload, at most 512 bytes, as text with what is not UTF-8 replaced.
    pub sample: String,
    /// How many like it so far.
    pub count: u64,
    /// When the newest came.
    pub last_seen: Timestamp,
}

/// A gateway's sign of life.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Heartbeat {
    /// [`crate::WIRE_VERSION`].
    pub version: u32,
    /// The gateway.
    pub gateway: GatewayId,
    /// The site it watches.
    pub site: SiteId,
    /// Its outbox.
    pub stream: StreamId,
    /// The agent's present start.
    pub boot_epoch: u64,
    /// 1, 2, 3, … within the start.
    pub number: u64,
    /// The gateway's clock.
    pub at: Timestamp,
    /// Whether it trusts that clock.
    #[serde(default)]
    pub clock: ClockQuality,
    /// Highest sequence number given out in the stream; 0 when there is none.
    pub last_sequence: u64,
    /// Alert messages not yet accepted by the hub.
    pub backlog_alerts: u64,
    /// Readings not yet accepted by the hub.
    pub backlog_readings: u64,
    /// Version of the agent.
    pub agent_version: String,
    /// Milliseconds since the agent started.
    pub uptime_ms: u64,
    /// What is wrong at present.
    #[serde(default)]
    pub faults: Vec<Fault>,
    /// Counters per stage, such as `mqtt_in`, `decode_refused`.
    #[serde(default)]
    pub counters: BTreeMap<String, u64>,
    /// Devices that are new or changed since the last answered heartbeat.
    #[serde(default)]
    pub devices: Vec<DeviceStatus>,
    /// Messages that nobody understood; the newest samples.
    #[serde(default)]
    pub quarantine: Vec<QuarantineSample>,
    /// Its anomaly models, at most [`crate::HEARTBEAT_MODELS_MAX`].
    #[serde(default)]
    pub models: Vec<ModelStatus>,
}

/// The hub's answer to a heartbeat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HeartbeatAnswer {
    /// The hub's clock.
    pub hub_time: Timestamp,
    /// The hub holds every sequence number of the stream up to this one. When it is lower than what
    /// the agent has settled, the hub was set back (restored from a backup), and the agent sends
    /// again what it still keeps.
    pub contiguous_through: u64,
    /// Sequence numbers above it that are missing, as inclusive ranges, at most 100.
    #[serde(default)]
    pub missing: Vec<(u64, u64)>,
}
