//! The given file over the shipped defaults. Unknown keys are all named, not just the first, and one
//! wrong entry does not hide the next.

use toml::{Table, Value};

use super::super::DEFAULT_TOML;
use super::super::file::{
    AgentFile, ConfigFile, DetectionFile, DeviceFile, FaultOutputFile, HealthFile, HubFile,
    ModbusFile, ModelFile, MqttFile, OutboxFile, RehearsalFile, TelemetryFile,
};

/// Keys that hold lists of entries.
const LISTS: [&str; 5] = ["mqtt", "modbus", "devices", "rules", "more_rules"];

/// The given file over the defaults. Unknown keys are all named, not just the first.
pub(super) fn complete(text: &str, problems: &mut Vec<String>) -> Option<ConfigFile> {
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
