//! The configuration that `init` writes: only what is needed, with comments.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::super::broker::Address;

/// A Modbus TCP unit, `HOST[:PORT]/UNIT=PROFILE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ModbusUnit {
    host: String,
    port: u16,
    unit: u8,
    profile: String,
}

impl FromStr for ModbusUnit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || {
            format!(
                "`{text}`: write HOST[:PORT]/UNIT=PROFILE, such as 192.0.2.10:502/1=modbus-door-controller"
            )
        };
        let (unit, profile) = text.split_once('=').ok_or_else(form)?;
        let (address, unit) = unit.rsplit_once('/').ok_or_else(form)?;
        let (host, port) = match address.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().map_err(|_| form())?),
            None => (address, 502),
        };
        let unit = unit.parse().map_err(|_| form())?;
        if host.is_empty() || profile.is_empty() {
            return Err(form());
        }
        Ok(Self {
            host: host.to_owned(),
            port,
            unit,
            profile: profile.to_owned(),
        })
    }
}

/// What goes into the file.
#[derive(Debug, Clone, Default)]
pub(super) struct Plan {
    pub(super) config: PathBuf,
    pub(super) site: String,
    pub(super) join: String,
    pub(super) state_dir: PathBuf,
    pub(super) profiles: PathBuf,
    pub(super) broker: Option<Address>,
    pub(super) username: Option<String>,
    pub(super) password_file: Option<PathBuf>,
    pub(super) subscribe: Vec<String>,
    pub(super) modbus: Vec<ModbusUnit>,
    pub(super) serial_ports: Vec<PathBuf>,
}

impl Plan {
    /// Folders that the configuration names and that may be missing.
    pub(super) fn folders_to_make(&self) -> Vec<PathBuf> {
        let base = self.config.parent().unwrap_or(Path::new("."));
        vec![base.join(&self.profiles)]
    }

    /// The file.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let site = if self.site.is_empty() {
            "this gateway".to_owned()
        } else {
            one_line(&self.site)
        };
        put(
            &mut text,
            &format!(
                "# Gridwatch edge agent of {site}. Only what differs from the defaults stands here;"
            ),
        );
        put(
            &mut text,
            "# configs/edge.toml lists every key. `edge-agent check --config FILE` tells what is wrong.",
        );
        put(&mut text, "\n[agent]");
        put(
            &mut text,
            "# On a disk that keeps what it has acknowledged.",
        );
        put(
            &mut text,
            &format!("state_dir = {}", path(&self.absolute(&self.state_dir))),
        );
        put(
            &mut text,
            "# Device profiles (*.toml); a new type of sensor is a file in this folder.",
        );
        put(
            &mut text,
            &format!(
                "profiles_dir = {}",
                path(&self.seen_from_config(&self.profiles))
            ),
        );
        put(&mut text, "\n[hub]");
        if self.join.is_empty() {
            put(
                &mut text,
                "# Made by `hub gateway add`; without it the agent detects, keeps, and sends nothing.",
            );
            put(&mut text, "# join = \"join.toml\"");
        } else {
            put(
                &mut text,
                &format!("join = {}", path(&self.absolute(Path::new(&self.join)))),
            );
        }
        self.put_mqtt(&mut text);
        self.put_modbus(&mut text);
        if !self.serial_ports.is_empty() {
            put(
                &mut text,
                "\n# Serial ports of this machine, for Modbus RTU:",
            );
            for port in &self.serial_ports {
                put(
                    &mut text,
                    &format!("#   {}", one_line(&port.display().to_string())),
                );
            }
        }
        put(
            &mut text,
            "\n# Where devices are; one that is not listed works all the same, and is shown as unknown.",
        );
        put(&mut text, "# [[devices]]");
        put(&mut text, "# id = \"zigbee2mqtt/kitchen_smoke\"");
        put(
            &mut text,
            "# place = { building = \"3\", unit = \"1\", floor = \"2\", room = \"kitchen\" }",
        );
        text
    }

    fn put_mqtt(&self, text: &mut String) {
        let Some(broker) = &self.broker else {
            put(
                text,
                "\n# [[mqtt]]\n# name = \"building\"\n# subscribe = [\"zigbee2mqtt/#\"]",
            );
            return;
        };
        put(text, "\n[[mqtt]]");
        put(text, "name = \"building\"");
        put(text, &format!("host = {}", quoted(&broker.host)));
        put(text, &format!("port = {}", broker.port));
        if let Some(username) = &self.username {
            put(text, &format!("username = {}", quoted(username)));
        }
        if let Some(file) = &self.password_file {
            put(
                text,
                &format!("password_file = {}", path(&self.absolute(file))),
            );
        }
        let filters: Vec<String> = self.subscribe.iter().map(|filter| quoted(filter)).collect();
        put(
            text,
            "# Topic filters; what is left out here is never seen.",
        );
        put(text, &format!("subscribe = [{}]", filters.join(", ")));
        if !is_this_machine(&broker.host) {
            put(
                text,
                "# Not this machine, and not encrypted: true only on a network that you trust.",
            );
            put(text, "allow_plaintext = false");
        }
    }

    fn put_modbus(&self, text: &mut String) {
        let mut lines: BTreeMap<(&str, u16), Vec<&ModbusUnit>> = BTreeMap::new();
        for unit in &self.modbus {
            lines.entry((&unit.host, unit.port)).or_default().push(unit);
        }
        for ((host, port), units) in lines {
            let name = format!("modbus-{host}-{port}");
            put(text, "\n[[modbus]]");
            put(text, &format!("name = {}", quoted(&name)));
            put(text, &format!("host = {}", quoted(host)));
            put(text, &format!("port = {port}"));
            if !is_this_machine(host) {
                put(
                    text,
                    "# Modbus knows no protection: keep it on a network segment of its own.",
                );
                put(text, "allow_plaintext = true");
            }
            for unit in units {
                put(text, "\n[[modbus.units]]");
                put(text, &format!("unit = {}", unit.unit));
                put(text, "# The device's name in alerts and at the hub.");
                put(
                    text,
                    &format!("device = {}", quoted(&format!("{name}/{}", unit.unit))),
                );
                put(text, &format!("profile = {}", quoted(&unit.profile)));
            }
        }
    }

    /// Paths in the file are relative to it; what was typed is relative to where it was typed.
    fn absolute(&self, path: &Path) -> PathBuf {
        std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
    }

    /// A folder that was found is named as seen from the file already.
    fn seen_from_config(&self, folder: &Path) -> PathBuf {
        let base = self.config.parent().unwrap_or(Path::new("."));
        if folder.is_relative() && !base.join(folder).is_dir() && folder.is_dir() {
            self.absolute(folder)
        } else {
            folder.to_owned()
        }
    }
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn put(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("writing to a string");
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn path(path: &Path) -> String {
    quoted(&path.display().to_string())
}

fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_written_as_host_port_unit_and_profile() {
        let unit: ModbusUnit = "192.0.2.10:1502/7=door".parse().expect("a unit");
        assert_eq!(
            (unit.host.as_str(), unit.port, unit.unit),
            ("192.0.2.10", 1502, 7)
        );
        assert_eq!("h/1=p".parse::<ModbusUnit>().map(|u| u.port), Ok(502));
        for wrong in ["", "h=p", "h/x=p", "h/256=p", "h:x/1=p", "/1=p", "h/1="] {
            assert!(wrong.parse::<ModbusUnit>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_from_the_field_make_valid_toml() {
        let plan = Plan {
            config: "edge.toml".into(),
            site: "星河花园\nstate_dir = 1".into(),
            state_dir: "/var/lib/a \"b\"".into(),
            profiles: "devices".into(),
            broker: Some(Address {
                host: "broker.example".into(),
                port: 1883,
            }),
            subscribe: vec!["a\"b/#".into()],
            modbus: vec![
                "h/1=p".parse().expect("a unit"),
                "h/2=p".parse().expect("a unit"),
            ],
            ..Plan::default()
        };
        let table: toml::Table = toml::from_str(&plan.text()).expect("valid TOML");
        assert_eq!(
            table["agent"]["state_dir"].as_str(),
            Some("/var/lib/a \"b\"")
        );
        assert_eq!(
            table["modbus"][0]["units"].as_array().map(Vec::len),
            Some(2)
        );
    }
}
