//! A building's configuration for the agent: which devices hang where, on which broker and lines.

use std::path::Path;

use toml::{Table, Value, toml};

use crate::paths::repository;

/// The site of the examples that are shipped, with a grid above it.
pub const SITE: &str = "xinghe-garden";
/// Id of the gateway that the tests add.
pub const GATEWAY: &str = "gw-1";

/// A configuration under construction.
#[derive(Debug, Clone, Default)]
pub struct Building {
    devices: Vec<Value>,
    lines: Vec<Table>,
    more: Table,
}

impl Building {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a device at a place; `silent_after_s` of 0 is the profile's own.
    #[must_use]
    pub fn device(mut self, id: &str, building: &str, room: &str, silent_after_s: u32) -> Self {
        let mut device = toml! {
            place = { unit = "1" }
        };
        device.insert("id".into(), id.into());
        if let Some(place) = device.get_mut("place").and_then(Value::as_table_mut) {
            place.insert("building".into(), building.into());
            place.insert("room".into(), room.into());
        }
        if silent_after_s > 0 {
            device.insert("silent_after_s".into(), i64::from(silent_after_s).into());
        }
        self.devices.push(device.into());
        self
    }

    /// Adds `count` smoke detectors `zigbee2mqtt/<prefix><number>`, each in a building of its own, so
    /// that each of their alarms is a case of its own.
    #[must_use]
    pub fn smoke_detectors(self, prefix: &str, count: usize) -> Self {
        (0..count).fold(self, |building, number| {
            let name = detector(prefix, number);
            building.device(&format!("zigbee2mqtt/{name}"), &name, "hall", 0)
        })
    }

    /// Adds a Modbus line; units come from [`Self::unit`].
    #[must_use]
    pub fn line(mut self, name: &str, port: u16, timeout_ms: u32, connection: &str) -> Self {
        let mut line = Table::new();
        line.insert("name".into(), name.into());
        line.insert("host".into(), "127.0.0.1".into());
        line.insert("port".into(), i64::from(port).into());
        line.insert("timeout_ms".into(), i64::from(timeout_ms).into());
        line.insert("connection".into(), connection.into());
        line.insert("units".into(), Value::Array(Vec::new()));
        self.lines.push(line);
        self
    }

    /// Adds a unit to the line that was added last.
    #[must_use]
    pub fn unit(mut self, unit: u8, device: &str, profile: &str, interval_ms: u32) -> Self {
        let mut table = Table::new();
        table.insert("unit".into(), i64::from(unit).into());
        table.insert("device".into(), device.into());
        table.insert("profile".into(), profile.into());
        table.insert("interval_ms".into(), i64::from(interval_ms).into());
        let line = self.lines.last_mut().and_then(|line| line.get_mut("units"));
        if let Some(units) = line.and_then(Value::as_array_mut) {
            units.push(table.into());
        }
        self
    }

    /// Adds or changes other tables of the configuration, such as `fault_output`.
    #[must_use]
    pub fn with(mut self, more: Table) -> Self {
        for (name, value) in more {
            match (self.more.get_mut(&name), value) {
                (Some(Value::Table(have)), Value::Table(new)) => have.extend(new),
                (_, value) => {
                    self.more.insert(name, value);
                }
            }
        }
        self
    }

    /// Keeps the agent's state elsewhere.
    #[must_use]
    pub fn state(self, state: &Path) -> Self {
        let mut agent = Table::new();
        agent.insert("state_dir".into(), state.display().to_string().into());
        let mut more = Table::new();
        more.insert("agent".into(), agent.into());
        self.with(more)
    }

    /// The whole file. `state` is the agent's folder, `join` the join file (empty: no hub).
    #[must_use]
    pub fn to_toml(&self, state: &Path, join: &str, health_port: u16, broker_port: u16) -> String {
        let mut config = toml! {
            [agent]
            [hub]
            request_timeout_s = 5
            backoff_max_s = 2
            [health]
            [[mqtt]]
            name = "building"
            client_id = "gridwatch-edge"
            subscribe = ["#"]
            keep_alive_s = 5
        };
        let profiles = repository().join("configs/devices");
        set(
            &mut config,
            "agent",
            "state_dir",
            state.display().to_string(),
        );
        set(
            &mut config,
            "agent",
            "profiles_dir",
            profiles.display().to_string(),
        );
        set(&mut config, "hub", "join", join.to_owned());
        set(
            &mut config,
            "health",
            "listen",
            format!("127.0.0.1:{health_port}"),
        );
        let brokers = config.get_mut("mqtt").and_then(Value::as_array_mut);
        for broker in brokers.into_iter().flatten() {
            if let Some(broker) = broker.as_table_mut() {
                broker.insert("port".into(), i64::from(broker_port).into());
            }
        }
        if !self.lines.is_empty() {
            let lines = self.lines.iter().cloned().map(Value::Table).collect();
            config.insert("modbus".into(), Value::Array(lines));
        }
        if !self.devices.is_empty() {
            config.insert("devices".into(), Value::Array(self.devices.clone()));
        }
        let whole = Self {
            more: config,
            ..Self::default()
        };
        whole.with(self.more.clone()).more.to_string()
    }
}

/// Name of a detector of [`Building::smoke_detectors`].
#[must_use]
pub fn detector(prefix: &str, number: usize) -> String {
    format!("{prefix}{number:04}")
}

fn set(config: &mut Table, table: &str, key: &str, value: String) {
    if let Some(table) = config.get_mut(table).and_then(Value::as_table_mut) {
        table.insert(key.to_owned(), value.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_building_is_written_as_the_agent_reads_it() {
        let building = Building::new()
            .device("riser/1", "3", "kitchen", 200)
            .line("riser", 1502, 300, "shared")
            .unit(1, "riser/1", "modbus-door-controller", 100)
            .with(toml! { fault_output = { after_s = 1 } });
        let text = building.to_toml(Path::new("/tmp/state"), "join.toml", 9470, 1883);
        let read: Table = text.parse().expect("TOML");
        assert_eq!(
            read["modbus"][0]["units"][0]["device"].as_str(),
            Some("riser/1")
        );
        assert_eq!(
            read["devices"][0]["place"]["room"].as_str(),
            Some("kitchen")
        );
        assert_eq!(read["devices"][0]["silent_after_s"].as_integer(), Some(200));
        assert_eq!(read["fault_output"]["after_s"].as_integer(), Some(1));
        assert_eq!(read["mqtt"][0]["port"].as_integer(), Some(1883));
        assert_eq!(read["hub"]["join"].as_str(), Some("join.toml"));
    }
}
