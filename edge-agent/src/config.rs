//! The agent's configuration: parsed, completed with the defaults of `configs/edge.toml`, checked.
//!
//! Checking touches nothing but the files it must read (profiles, join file, password files), and
//! reports every mistake at once.

mod file;
mod load;
mod modbus;

pub use load::{Loaded, load};

use std::net::SocketAddr;
use std::path::PathBuf;

use gridwatch_protocol::{DeviceId, GatewayId, Place, Severity, SiteId, Timestamp};

use crate::detection::RuleConfig;
use crate::detection::model::Source;
use gridwatch_anomaly::calibration::Level;
use gridwatch_decode::profile::Profile;

/// The defaults, which are also the documentation of every key.
pub const DEFAULT_TOML: &str = include_str!("../../configs/edge.toml");

/// The public keys that are trusted unless a configuration names others: those of the shipped models.
#[must_use]
pub fn default_public_keys() -> Vec<String> {
    load::default_public_keys()
}

/// A checked configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the outbox and the detector's state are kept.
    pub state_dir: PathBuf,
    /// The hub, or `None` when the agent is on its own.
    pub hub: Option<HubConfig>,
    /// Site that the gateway watches.
    pub site: SiteId,
    /// Loopback address of the health page.
    pub health: Option<SocketAddr>,
    /// Disk budget.
    pub outbox: OutboxConfig,
    /// What of the readings goes to the hub's history.
    pub telemetry: TelemetryConfig,
    /// Local fault output.
    pub fault_output: FaultOutputConfig,
    /// Anomaly model.
    pub model: ModelConfig,
    /// Detection time runs this many times faster than real time.
    pub speed: f64,
    /// MQTT brokers.
    pub mqtt: Vec<MqttConfig>,
    /// Modbus lines.
    pub modbus: Vec<ModbusConfig>,
    /// Known devices.
    pub devices: Vec<DeviceConfig>,
    /// Rules and what belongs to them.
    pub detection: DetectionConfig,
    /// Device profiles.
    pub profiles: Vec<Profile>,
    /// The folder that they come from.
    pub profiles_dir: PathBuf,
}

/// How to reach the hub.
#[derive(Debug, Clone)]
pub struct HubConfig {
    /// Base address, such as `https://hub.example:8443`.
    pub url: String,
    /// This gateway.
    pub gateway: GatewayId,
    /// Its key.
    pub key: Secret,
    /// The hub's certificate authority, PEM; `None` for plain HTTP on loopback.
    pub ca_pem: Option<String>,
    /// When the join file was made: certificates are never judged by an earlier clock.
    pub issued_at: Option<Timestamp>,
    /// Longest wait for one answer.
    pub request_timeout_ms: u64,
    /// Longest pause between two tries.
    pub backoff_max_ms: u64,
}

/// A text that is not printed.
#[derive(Clone)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(secret)")
    }
}

/// Disk budget of the outbox.
#[derive(Debug, Clone, Copy)]
pub struct OutboxConfig {
    /// Telemetry kept while the hub is away.
    pub telemetry_bytes_max: u64,
    /// Space held back for alerts.
    pub reserve_bytes: u64,
    /// How long accepted alerts are kept.
    pub keep_accepted_ms: i64,
}

/// What of the readings goes to the hub's history.
#[derive(Debug, Clone, Copy)]
pub struct TelemetryConfig {
    /// Shortest distance between two numbers of one device and kind.
    pub interval_ms: i64,
    /// How long after an alert nothing is thinned in the same building.
    pub unthinned_after_alert_ms: i64,
}

/// Local fault output.
#[derive(Debug, Clone)]
pub struct FaultOutputConfig {
    /// Switched on when an alert has not been accepted for this long.
    pub after_ms: i64,
    /// Exists while the fault is on.
    pub file: Option<PathBuf>,
    /// Runs with `on` or `off` appended; empty for none.
    pub command: Vec<String>,
}

/// Anomaly model.
#[derive(Debug, Clone)]
pub struct ModelConfig {
    /// Where the models come from; `None`: the rules are on their own.
    pub source: Option<Source>,
    /// Severity of an alert that only the model raises.
    pub severity: Severity,
    /// Level of the score at which it raises.
    pub raise_at: Level,
    /// So many channels must speak for it.
    pub channels_min: usize,
    /// Shortest distance between two scores of one place.
    pub interval_ms: i64,
}

/// One MQTT broker.
#[derive(Debug, Clone)]
pub struct MqttConfig {
    /// Its name in logs, metrics and faults.
    pub name: String,
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Client id, under which the broker keeps the session.
    pub client_id: String,
    /// User name; empty for none.
    pub username: String,
    /// Password.
    pub password: String,
    /// Topic filters.
    pub subscribe: Vec<String>,
    /// Keep-alive interval.
    pub keep_alive_s: u64,
    /// Largest packet.
    pub max_packet_kib: usize,
}

/// One Modbus line with its units: whatever is asked one request at a time.
#[derive(Debug, Clone)]
pub struct ModbusConfig {
    /// Name of the line.
    pub name: String,
    /// How the units are reached.
    pub transport: ModbusTransport,
    /// Longest wait for one answer, beside the time that its bytes take on a serial line.
    pub timeout_ms: u64,
    /// Least pause between two requests.
    pub pause_ms: u64,
    /// Units polled over this line.
    pub units: Vec<ModbusUnit>,
}

/// How Modbus units are reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModbusTransport {
    /// Modbus TCP.
    Tcp {
        /// Host name or address.
        host: String,
        /// Port.
        port: u16,
    },
    /// RTU frames in a TCP stream: a serial device server.
    RtuOverTcp {
        /// Host name or address.
        host: String,
        /// Port.
        port: u16,
        /// Speed of the serial line behind it.
        baud_rate: u32,
    },
    /// RTU on a serial port.
    Rtu(SerialConfig),
}

/// A serial port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SerialConfig {
    /// Path of the device, such as `/dev/ttyUSB0`.
    pub device: PathBuf,
    /// Bits a second.
    pub baud_rate: u32,
    /// Bits of a character; RTU has 8.
    pub data_bits: u8,
    /// Parity bit.
    pub parity: Parity,
    /// Stop bits, 1 or 2.
    pub stop_bits: u8,
}

/// Parity bit of a serial line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Parity {
    /// None.
    None,
    /// Even.
    Even,
    /// Odd.
    Odd,
}

/// One Modbus unit.
#[derive(Debug, Clone)]
pub struct ModbusUnit {
    /// Unit identifier.
    pub unit: u8,
    /// The device.
    pub device: DeviceId,
    /// Id of the profile that reads it.
    pub profile: String,
    /// Poll period.
    pub interval_ms: u64,
}

/// A known device.
#[derive(Debug, Clone)]
pub struct DeviceConfig {
    /// Its id.
    pub id: DeviceId,
    /// Profile that reads it, where fixed.
    pub profile: Option<String>,
    /// Where it is.
    pub place: Place,
    /// Overrides the profile's limit; `Some(None)` = not supervised.
    pub silent_after_ms: Option<Option<i64>>,
}

/// Rules and what belongs to them.
#[derive(Debug, Clone)]
pub struct DetectionConfig {
    /// The rules, in the order of the file.
    pub rules: Vec<RuleConfig>,
    /// Time zone of hours in rules.
    pub timezone: jiff::tz::TimeZone,
    /// Raisings within the window that make chatter.
    pub chatter_raisings: usize,
    /// The window.
    pub chatter_window_ms: i64,
}

#[cfg(test)]
mod tests;
