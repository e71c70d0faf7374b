//! From files to a checked [`Config`], with every problem named.

mod complete;
mod detection;
mod hub;
mod sources;

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use gridwatch_decode::profile::Profile;
use toml::{Table, Value};

use super::file::ConfigFile;
use super::{Config, DEFAULT_TOML, OutboxConfig, TelemetryConfig};
use complete::complete;

const MIB: u64 = 1024 * 1024;

/// A configuration with what was found wrong with it.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration, when nothing is wrong.
    pub config: Option<Config>,
    /// Every mistake, one sentence each: what, where, what to do.
    pub problems: Vec<String>,
    /// What is not as it should be and keeps nothing from starting: a model that cannot be loaded.
    pub warnings: Vec<String>,
}

/// Reads and checks the file at `path` and all that it names. Changes nothing.
#[must_use]
pub fn load(path: &Path) -> Loaded {
    let mut problems = Vec::new();
    let mut warnings = Vec::new();
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| {
        problems.push(format!("reading `{}`: {error}", path.display()));
        String::new()
    });
    let base = path.parent().unwrap_or(Path::new(".")).to_owned();
    let file = complete(&text, &mut problems);
    let config = file.map(|file| {
        Checker {
            base,
            problems: &mut problems,
            warnings: &mut warnings,
        }
        .config(file)
    });
    Loaded {
        config: config.flatten().filter(|_| problems.is_empty()),
        problems,
        warnings,
    }
}

/// Those of the shipped defaults.
pub(super) fn default_public_keys() -> Vec<String> {
    let defaults: Table = toml::from_str(DEFAULT_TOML).expect("the shipped defaults are TOML");
    let keys = defaults
        .get("model")
        .and_then(|model| model.get("public_keys"))
        .and_then(Value::as_array);
    keys.into_iter()
        .flatten()
        .filter_map(|key| key.as_str().map(str::to_owned))
        .collect()
}

struct Checker<'a> {
    base: PathBuf,
    problems: &'a mut Vec<String>,
    warnings: &'a mut Vec<String>,
}

impl Checker<'_> {
    fn problem(&mut self, text: impl Into<String>) {
        self.problems.push(text.into());
    }

    fn path(&self, path: &Path) -> Option<PathBuf> {
        (!path.as_os_str().is_empty()).then(|| self.base.join(path))
    }

    fn config(&mut self, file: ConfigFile) -> Option<Config> {
        let profiles = self.profiles(&self.base.join(&file.agent.profiles_dir));
        let (hub, site) = self.hub(&file.hub);
        let health = self.health(&file.health.listen);
        let modbus = self.modbus(file.modbus, &profiles);
        let mqtt = self.mqtt(file.mqtt);
        let devices = self.devices(file.devices, &profiles);
        let detection = self.detection(file.detection, file.rules, file.more_rules);
        let fault_output = self.fault_output(&file.fault_output);
        let model = self.model(&file.model, &self.base.join(&file.agent.state_dir));
        if !(file.rehearsal.speed.is_finite() && (0.1..=1000.0).contains(&file.rehearsal.speed)) {
            self.problem("[rehearsal] speed: must be between 0.1 and 1000; 1 on a real site");
        }
        if mqtt.is_empty() && modbus.is_empty() {
            self.problem("no source: add a [[mqtt]] broker or a [[modbus]] line to read from");
        }
        self.names_are_unique(&mqtt, &modbus);
        Some(Config {
            state_dir: self.base.join(&file.agent.state_dir),
            hub,
            site,
            health,
            outbox: OutboxConfig {
                telemetry_bytes_max: file.outbox.telemetry_budget_mib.max(1) * MIB,
                reserve_bytes: file.outbox.reserve_mib * MIB,
                keep_accepted_ms: i64::from(file.outbox.keep_accepted_days) * 86_400_000,
            },
            telemetry: TelemetryConfig {
                interval_ms: i64::from(file.telemetry.interval_s) * 1000,
                unthinned_after_alert_ms: i64::from(file.telemetry.unthinned_after_alert_s) * 1000,
            },
            fault_output,
            model,
            speed: file.rehearsal.speed,
            mqtt,
            modbus,
            devices,
            detection: detection?,
            profiles_dir: self.base.join(&file.agent.profiles_dir),
            profiles,
        })
    }

    fn profiles(&mut self, folder: &Path) -> Vec<Profile> {
        match crate::profiles::read(folder) {
            Ok(profiles) => profiles,
            Err(problems) => {
                for problem in problems {
                    self.problem(problem);
                }
                Vec::new()
            }
        }
    }
}

pub(super) fn host_is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
