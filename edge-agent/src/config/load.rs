//! From files to a checked [`Config`], with every problem named.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use gridwatch_protocol::{GatewayId, SiteId};
use toml::{Table, Value};

use super::file::{
    AgentFile, ConfigFile, DetectionFile, DeviceFile, FaultOutputFile, HealthFile, HubFile,
    JoinFile, ModbusFile, ModelFile, MqttFile, OutboxFile, RehearsalFile, TelemetryFile,
};
use super::{
    Config, DEFAULT_TOML, DetectionConfig, DeviceConfig, FaultOutputConfig, HubConfig,
    ModbusConfig, ModelConfig, MqttConfig, OutboxConfig, Secret, TelemetryConfig,
};
use crate::detection::model::{Backend, Keys, ModelSet, Source};
use gridwatch_anomaly::calibration::Level;
use gridwatch_decode::profile::Profile;

/// Site of an agent that has no hub yet.
const SITE_ALONE: &str = "unassigned";
/// Keys that hold lists of entries.
const LISTS: [&str; 5] = ["mqtt", "modbus", "devices", "rules", "more_rules"];
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

/// The given file over the defaults. Unknown keys are all named, not just the first.
fn complete(text: &str, problems: &mut Vec<String>) -> Option<ConfigFile> {
    let defaults: Table = toml::from_str(DEFAULT_TOML).expect("the shipped defaults are TOML");
    let given: Table = match toml::from_str(text) {
        Ok(given) => given,
        Err(error) => {
            problems.push(error.to_string().trim_end().to_owned());
            return None;
        }
    };
    let mut merged = defaults.clone();
    for (key, value) in given {
        match (merged.get_mut(&key), value) {
            (Some(Value::Table(section)), Value::Table(given)) => {
                for (name, value) in given {
                    match section.get(&name) {
                        None => problems.push(format!(
                            "[{key}] {name}: no such key; `configs/edge.toml` lists them all"
                        )),
                        Some(known) if !same_type(known, &value) => problems.push(format!(
                            "[{key}] {name}: expected {}, got {}",
                            known.type_str(),
                            value.type_str()
                        )),
                        Some(Value::Float(_)) => {
                            let number = value.as_integer().map_or(value, |n| {
                                #[expect(clippy::cast_precision_loss, reason = "a small setting")]
                                Value::Float(n as f64)
                            });
                            section.insert(name, number);
                        }
                        Some(_) => {
                            section.insert(name, value);
                        }
                    }
                }
            }
            (Some(Value::Table(_)), other) => problems.push(format!(
                "{key}: expected a section `[{key}]`, got {}",
                other.type_str()
            )),
            (_, value) if LISTS.contains(&key.as_str()) => {
                merged.insert(key, value);
            }
            (_, _) => problems.push(format!(
                "{key}: no such section; `configs/edge.toml` lists them all"
            )),
        }
    }
    check_sections(&mut merged, &defaults, problems);
    // Entry by entry, so that one mistake does not hide the next.
    for list in LISTS {
        check_entries(&mut merged, &defaults, list, problems);
    }
    match ConfigFile::deserialize_table(merged) {
        Ok(file) => Some(file),
        Err(error) => {
            problems.push(error);
            None
        }
    }
}

/// Checks each section by itself and puts the defaults in the place of those that are wrong.
fn check_sections(merged: &mut Table, defaults: &Table, problems: &mut Vec<String>) {
    for (name, section) in merged.iter_mut().filter(|(_, value)| value.is_table()) {
        let given = section.clone();
        let outcome = match name.as_str() {
            "agent" => given.try_into::<AgentFile>().map(drop),
            "hub" => given.try_into::<HubFile>().map(drop),
            "health" => given.try_into::<HealthFile>().map(drop),
            "outbox" => given.try_into::<OutboxFile>().map(drop),
            "telemetry" => given.try_into::<TelemetryFile>().map(drop),
            "fault_output" => given.try_into::<FaultOutputFile>().map(drop),
            "model" => given.try_into::<ModelFile>().map(drop),
            "rehearsal" => given.try_into::<RehearsalFile>().map(drop),
            _ => given.try_into::<DetectionFile>().map(drop),
        };
        if let Err(error) = outcome {
            problems.push(format!("[{name}] {}", error.to_string().trim_end()));
            section.clone_from(&defaults[name]);
        }
    }
}

fn same_type(known: &Value, given: &Value) -> bool {
    known.same_type(given) || (known.is_float() && given.is_integer())
}

/// Checks each entry of a list by itself and takes out those that are wrong.
fn check_entries(merged: &mut Table, defaults: &Table, list: &str, problems: &mut Vec<String>) {
    let Some(Value::Array(entries)) = merged.get_mut(list) else {
        if let Some(other) = merged.remove(list) {
            problems.push(format!(
                "{list}: expected `[[{list}]]` entries, got {}",
                other.type_str()
            ));
            if let Some(default) = defaults.get(list) {
                merged.insert(list.to_owned(), default.clone());
            }
        }
        return;
    };
    let mut index = 0;
    entries.retain(|entry| {
        index += 1;
        let entry = entry.clone();
        let outcome = match list {
            "mqtt" => entry.try_into::<MqttFile>().map(drop),
            "modbus" => entry.try_into::<ModbusFile>().map(drop),
            "devices" => entry.try_into::<DeviceFile>().map(drop),
            _ => entry.try_into::<crate::detection::RuleConfig>().map(drop),
        };
        if let Err(error) = &outcome {
            let why = error.to_string();
            problems.push(format!("[[{list}]] number {index}: {}", why.trim_end()));
        }
        outcome.is_ok()
    });
}

impl ConfigFile {
    fn deserialize_table(table: Table) -> Result<Self, String> {
        Value::Table(table)
            .try_into()
            .map_err(|error: toml::de::Error| error.to_string().trim_end().to_owned())
    }
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

    fn hub(&mut self, file: &HubFile) -> (Option<HubConfig>, SiteId) {
        let alone = SiteId::new(SITE_ALONE).expect("a valid id");
        let Some(path) = self.path(&file.join) else {
            return (None, alone);
        };
        let parsed = std::fs::read_to_string(&path)
            .map_err(|error| error.to_string())
            .and_then(|text| {
                toml::from_str::<JoinFile>(&text).map_err(|e| e.to_string().trim_end().to_owned())
            });
        let join = match parsed {
            Ok(join) => join.hub,
            Err(why) => {
                self.problem(format!(
                    "[hub] join `{}`: {why}; make one with `hub gateway add`",
                    path.display()
                ));
                return (None, alone);
            }
        };
        let at = |what: &str| format!("[hub] join `{}`: {what}", path.display());
        let gateway = GatewayId::new(join.gateway).map_err(|e| at(&e.to_string()));
        let site = SiteId::new(join.site).map_err(|e| at(&e.to_string()));
        let plain = join.url.starts_with("http://");
        if !plain && !join.url.starts_with("https://") {
            self.problem(at("url must begin with https://"));
        }
        if plain && !url_is_loopback(&join.url) {
            self.problem(at("plain http is accepted on loopback only"));
        }
        if !plain && join.ca.is_empty() {
            self.problem(at("ca is missing: the hub's certificate cannot be checked"));
        }
        if join.key.is_empty() {
            self.problem(at("key is empty"));
        }
        match (gateway, site) {
            (Ok(gateway), Ok(site)) => {
                let hub = HubConfig {
                    url: join.url.trim_end_matches('/').to_owned(),
                    gateway,
                    key: Secret(join.key),
                    ca_pem: (!plain).then_some(join.ca),
                    issued_at: join.issued_at.and_then(|at| at.parse().ok()),
                    request_timeout_ms: file.request_timeout_s.max(1) * 1000,
                    backoff_max_ms: file.backoff_max_s.max(1) * 1000,
                };
                (Some(hub), site)
            }
            (gateway, site) => {
                for why in gateway.err().into_iter().chain(site.err()) {
                    self.problem(why);
                }
                (None, alone)
            }
        }
    }

    fn health(&mut self, listen: &str) -> Option<SocketAddr> {
        if listen.is_empty() {
            return None;
        }
        match listen.parse::<SocketAddr>() {
            Ok(address) if address.ip().is_loopback() => Some(address),
            Ok(_) => {
                self.problem(format!(
                    "[health] listen `{listen}`: must be a loopback address, such as 127.0.0.1:9470"
                ));
                None
            }
            Err(_) => {
                self.problem(format!(
                    "[health] listen `{listen}`: not an address and port, such as 127.0.0.1:9470"
                ));
                None
            }
        }
    }

    fn mqtt(&mut self, files: Vec<MqttFile>) -> Vec<MqttConfig> {
        files
            .into_iter()
            .map(|file| {
                let at = format!("[[mqtt]] `{}`", file.name);
                if !host_is_loopback(&file.host) && !file.allow_plaintext {
                    self.problem(format!(
                        "{at}: `{}` is not this machine and the connection is not encrypted; use the gateway's own broker, or set allow_plaintext = true on a network that you trust",
                        file.host
                    ));
                }
                if file.subscribe.is_empty() {
                    self.problem(format!("{at}: subscribe names no topic"));
                }
                if let Some(bad) = file.subscribe.iter().find(|f| !valid_filter(f)) {
                    self.problem(format!("{at}: `{bad}` is not a topic filter"));
                }
                if !(5..=20).contains(&file.keep_alive_s) {
                    self.problem(format!(
                        "{at}: keep_alive_s must be 5 to 20: a dead connection is noticed after two"
                    ));
                }
                if !(10..=65_536).contains(&file.max_packet_kib) {
                    self.problem(format!("{at}: max_packet_kib must be 10 to 65536"));
                }
                let password = self.password(&at, &file.password_file);
                MqttConfig {
                    name: file.name,
                    host: file.host,
                    port: file.port,
                    client_id: file.client_id,
                    username: file.username,
                    password,
                    subscribe: file.subscribe,
                    keep_alive_s: file.keep_alive_s,
                    max_packet_kib: file.max_packet_kib,
                }
            })
            .collect()
    }

    fn password(&mut self, at: &str, file: &Path) -> String {
        let Some(path) = self.path(file) else {
            return String::new();
        };
        match std::fs::read_to_string(&path) {
            Ok(text) => text.lines().next().unwrap_or_default().to_owned(),
            Err(error) => {
                self.problem(format!("{at}: password_file `{}`: {error}", path.display()));
                String::new()
            }
        }
    }

    fn modbus(&mut self, files: Vec<ModbusFile>, profiles: &[Profile]) -> Vec<ModbusConfig> {
        let outcome = super::modbus::lines(files, profiles);
        self.problems.extend(outcome.problems);
        outcome.lines
    }

    fn names_are_unique(&mut self, mqtt: &[MqttConfig], modbus: &[ModbusConfig]) {
        let mut seen = BTreeSet::new();
        let units = modbus.iter().flat_map(|line| {
            line.units
                .iter()
                .map(move |u| format!("{}/{}", line.name, u.unit))
        });
        for name in mqtt.iter().map(|m| m.name.clone()).chain(units) {
            if !seen.insert(name.clone()) {
                self.problem(format!(
                    "two sources are called `{name}`: names must differ"
                ));
            }
        }
    }

    fn devices(&mut self, files: Vec<DeviceFile>, profiles: &[Profile]) -> Vec<DeviceConfig> {
        let mut seen = BTreeSet::new();
        files
            .into_iter()
            .map(|file| {
                if !seen.insert(file.id.clone()) {
                    self.problem(format!("[[devices]] `{}`: listed twice", file.id));
                }
                if let Some(profile) = &file.profile
                    && !profiles.iter().any(|p| p.id == *profile)
                {
                    self.problem(format!(
                        "[[devices]] `{}`: no profile `{profile}` in the profiles folder",
                        file.id
                    ));
                }
                DeviceConfig {
                    id: file.id,
                    profile: file.profile,
                    place: file.place.into(),
                    silent_after_ms: file
                        .silent_after_s
                        .map(|s| (s > 0).then(|| i64::from(s) * 1000)),
                }
            })
            .collect()
    }

    fn detection(
        &mut self,
        file: super::file::DetectionFile,
        mut rules: Vec<crate::detection::RuleConfig>,
        more: Vec<crate::detection::RuleConfig>,
    ) -> Option<DetectionConfig> {
        rules.extend(more);
        let mut names = BTreeSet::new();
        for rule in &rules {
            if !names.insert(rule.name.as_str()) {
                self.problem(format!("rule `{}`: the name is taken", rule.name));
            }
            for why in rule.problems() {
                self.problem(format!("rule `{}`: {why}", rule.name));
            }
        }
        if file.chatter_raisings < 2 || file.chatter_window_s == 0 {
            self.problem(
                "[detection] chatter_raisings must be 2 or more, chatter_window_s 1 or more",
            );
        }
        let Ok(timezone) = jiff::tz::TimeZone::get(&file.timezone) else {
            self.problem(format!(
                "[detection] timezone `{}`: no such time zone; use an IANA name such as Asia/Shanghai",
                file.timezone
            ));
            return None;
        };
        Some(DetectionConfig {
            rules,
            timezone,
            chatter_raisings: file.chatter_raisings,
            chatter_window_ms: i64::from(file.chatter_window_s) * 1000,
        })
    }

    fn fault_output(&mut self, file: &super::file::FaultOutputFile) -> FaultOutputConfig {
        if !(file.after_s.is_finite() && (0.1..=86_400.0).contains(&file.after_s)) {
            self.problem(
                "[fault_output] after_s: must be between 0.1 and 86400; EN 54-21 wants 100",
            );
        }
        #[expect(clippy::cast_possible_truncation, reason = "checked above")]
        let after_ms = (file.after_s * 1000.0) as i64;
        FaultOutputConfig {
            after_ms,
            file: self.path(&file.file),
            command: file.command.clone(),
        }
    }

    fn model(&mut self, file: &super::file::ModelFile, state_dir: &Path) -> ModelConfig {
        if file.severity == gridwatch_protocol::Severity::P1 {
            self.problem("[model] severity: a model alone raises P2, P3 or P4");
        }
        if !(file.interval_s.is_finite() && (0.1..=3600.0).contains(&file.interval_s)) {
            self.problem("[model] interval_s: must be between 0.1 and 3600");
        }
        #[expect(clippy::cast_possible_truncation, reason = "checked above")]
        let interval_ms = (file.interval_s * 1000.0) as i64;
        if !(1..=6).contains(&file.channels_min) {
            self.problem("[model] channels_min: must be 1 to 6; the model has six channels");
        }
        let raise_at = match file.raise_at.as_str() {
            "warning" => Level::Warning,
            "alarm" => Level::Alarm,
            other => {
                self.problem(format!(
                    "[model] raise_at `{other}`: must be \"warning\" or \"alarm\""
                ));
                Level::Alarm
            }
        };
        ModelConfig {
            raise_at,
            channels_min: file.channels_min,
            source: self.model_source(file, state_dir),
            severity: file.severity,
            interval_ms,
        }
    }

    fn model_source(&mut self, file: &super::file::ModelFile, state_dir: &Path) -> Option<Source> {
        let bundles = self.path(&file.bundles)?;
        let keys = match Keys::parse(&file.public_keys) {
            Ok(keys) => keys,
            Err(why) => {
                self.problem(format!("[model] public_keys: {why}"));
                return None;
            }
        };
        let backend = self
            .path(&file.onnx_runtime)
            .map_or(Backend::BuiltIn, Backend::Library);
        let (_, problems) = ModelSet::load(&bundles, &keys, &backend);
        for (fuser, error) in problems {
            self.warnings.push(format!(
                "[model] bundles, {}: {}; the agent runs on its rules, or on the last bundle that it \
                 accepted, and reports a fault",
                fuser.id(),
                crate::uplink::chain(&error)
            ));
        }
        Some(Source {
            bundles,
            shadow: self.path(&file.shadow),
            keys,
            backend,
            state_dir: state_dir.to_owned(),
        })
    }
}

pub(super) fn host_is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn url_is_loopback(url: &str) -> bool {
    let authority = url
        .trim_start_matches("http://")
        .split('/')
        .next()
        .unwrap_or_default();
    let host = authority
        .rsplit_once(':')
        .map_or(authority, |(host, _)| host)
        .trim_matches(['[', ']']);
    host_is_loopback(host)
}

/// Wildcards stand alone in their level, and `#` only at the end (MQTT 3.1.1 section 4.7.1).
fn valid_filter(filter: &str) -> bool {
    let levels: Vec<&str> = filter.split('/').collect();
    !filter.is_empty()
        && levels
            .iter()
            .enumerate()
            .all(|(index, level)| match *level {
                "+" => true,
                "#" => index + 1 == levels.len(),
                _ => !level.contains(['+', '#']),
            })
}
