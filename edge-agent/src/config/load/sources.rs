//! Where readings come from: brokers, Modbus lines, and the devices behind them.

use std::collections::BTreeSet;
use std::path::Path;

use gridwatch_decode::profile::Profile;

use super::super::file::{DeviceFile, ModbusFile, MqttFile};
use super::super::{DeviceConfig, ModbusConfig, MqttConfig};
use super::{Checker, host_is_loopback};

impl Checker<'_> {
    pub(super) fn mqtt(&mut self, files: Vec<MqttFile>) -> Vec<MqttConfig> {
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

    pub(super) fn modbus(
        &mut self,
        files: Vec<ModbusFile>,
        profiles: &[Profile],
    ) -> Vec<ModbusConfig> {
        let outcome = super::super::modbus::lines(files, profiles);
        self.problems.extend(outcome.problems);
        outcome.lines
    }

    pub(super) fn names_are_unique(&mut self, mqtt: &[MqttConfig], modbus: &[ModbusConfig]) {
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

    pub(super) fn devices(
        &mut self,
        files: Vec<DeviceFile>,
        profiles: &[Profile],
    ) -> Vec<DeviceConfig> {
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
