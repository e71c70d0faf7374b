//! The configuration file as it is written.

use std::path::PathBuf;

use gridwatch_protocol::{DeviceId, Place, Severity};
use serde::Deserialize;

use super::Parity;
use crate::detection::RuleConfig;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConfigFile {
    pub(super) agent: AgentFile,
    pub(super) hub: HubFile,
    pub(super) health: HealthFile,
    pub(super) outbox: OutboxFile,
    pub(super) telemetry: TelemetryFile,
    pub(super) fault_output: FaultOutputFile,
    pub(super) model: ModelFile,
    pub(super) rehearsal: RehearsalFile,
    #[serde(default)]
    pub(super) mqtt: Vec<MqttFile>,
    #[serde(default)]
    pub(super) modbus: Vec<ModbusFile>,
    #[serde(default)]
    pub(super) devices: Vec<DeviceFile>,
    pub(super) detection: DetectionFile,
    pub(super) rules: Vec<RuleConfig>,
    #[serde(default)]
    pub(super) more_rules: Vec<RuleConfig>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AgentFile {
    pub(super) state_dir: PathBuf,
    pub(super) profiles_dir: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HubFile {
    pub(super) join: PathBuf,
    pub(super) request_timeout_s: u64,
    pub(super) backoff_max_s: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HealthFile {
    pub(super) listen: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OutboxFile {
    pub(super) telemetry_budget_mib: u64,
    pub(super) reserve_mib: u64,
    pub(super) keep_accepted_days: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TelemetryFile {
    pub(super) interval_s: u32,
    pub(super) unthinned_after_alert_s: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FaultOutputFile {
    pub(super) after_s: f64,
    pub(super) file: PathBuf,
    pub(super) command: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ModelFile {
    pub(super) bundles: PathBuf,
    pub(super) shadow: PathBuf,
    pub(super) public_keys: Vec<String>,
    pub(super) onnx_runtime: PathBuf,
    pub(super) severity: Severity,
    pub(super) raise_at: String,
    pub(super) channels_min: usize,
    pub(super) interval_s: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RehearsalFile {
    pub(super) speed: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MqttFile {
    pub(super) name: String,
    #[serde(default = "loopback")]
    pub(super) host: String,
    #[serde(default = "mqtt_port")]
    pub(super) port: u16,
    #[serde(default = "client_id")]
    pub(super) client_id: String,
    #[serde(default)]
    pub(super) username: String,
    #[serde(default)]
    pub(super) password_file: PathBuf,
    #[serde(default = "everything")]
    pub(super) subscribe: Vec<String>,
    #[serde(default = "keep_alive_s")]
    pub(super) keep_alive_s: u64,
    #[serde(default = "max_packet_kib")]
    pub(super) max_packet_kib: usize,
    #[serde(default)]
    pub(super) allow_plaintext: bool,
}

fn loopback() -> String {
    "127.0.0.1".to_owned()
}

fn mqtt_port() -> u16 {
    1883
}

fn client_id() -> String {
    "gridwatch-edge".to_owned()
}

fn keep_alive_s() -> u64 {
    15
}

/// Every topic but the broker's own (`$SYS`): what is not understood goes to the quarantine.
fn everything() -> Vec<String> {
    vec!["#".to_owned()]
}

fn max_packet_kib() -> usize {
    8192
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ModbusFile {
    pub(super) name: String,
    #[serde(default)]
    pub(super) transport: Transport,
    pub(super) host: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) device: Option<PathBuf>,
    pub(super) baud_rate: Option<u32>,
    pub(super) data_bits: Option<u8>,
    pub(super) parity: Option<Parity>,
    pub(super) stop_bits: Option<u8>,
    #[serde(default = "modbus_timeout_ms")]
    pub(super) timeout_ms: u64,
    #[serde(default)]
    pub(super) pause_ms: u64,
    pub(super) connection: Option<Connection>,
    #[serde(default)]
    pub(super) allow_plaintext: bool,
    #[serde(default)]
    pub(super) units: Vec<UnitFile>,
}

fn modbus_timeout_ms() -> u64 {
    500
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Transport {
    #[default]
    Tcp,
    RtuOverTcp,
    Rtu,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Connection {
    PerUnit,
    Shared,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UnitFile {
    pub(super) unit: u8,
    pub(super) device: DeviceId,
    pub(super) profile: String,
    #[serde(default = "interval_ms")]
    pub(super) interval_ms: u64,
}

fn interval_ms() -> u64 {
    1000
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeviceFile {
    pub(super) id: DeviceId,
    pub(super) profile: Option<String>,
    #[serde(default)]
    pub(super) place: PlaceFile,
    pub(super) silent_after_s: Option<u32>,
}

/// As [`Place`], but refusing fields that it does not have.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PlaceFile {
    building: Option<String>,
    unit: Option<String>,
    floor: Option<String>,
    room: Option<String>,
}

impl From<PlaceFile> for Place {
    fn from(file: PlaceFile) -> Place {
        Place {
            building: file.building,
            unit: file.unit,
            floor: file.floor,
            room: file.room,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DetectionFile {
    pub(super) timezone: String,
    pub(super) chatter_raisings: usize,
    pub(super) chatter_window_s: u32,
}

/// The join file that `hub gateway add` prints. Fields of a newer hub are ignored.
#[derive(Deserialize)]
pub(super) struct JoinFile {
    pub(super) hub: JoinHub,
}

#[derive(Deserialize)]
pub(super) struct JoinHub {
    pub(super) url: String,
    pub(super) gateway: String,
    pub(super) site: String,
    pub(super) key: String,
    #[serde(default)]
    pub(super) ca: String,
    pub(super) issued_at: Option<String>,
}
