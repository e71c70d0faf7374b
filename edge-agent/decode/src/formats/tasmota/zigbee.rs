//! Zigbee devices behind a Tasmota bridge. The device is the one inside `ZbReceived`, not the bridge.
//!
//! Traps: `Contact` 1 is OPEN (the zone's alarm bit), opposite to Zigbee2MQTT; `Power` is a relay or a
//! button, not watts; `LinkQuality` 0 is not offline; a zone status without its type says only what is
//! the same for every type: tampered, battery low, test.

use gridwatch_protocol::{Kind, Value};
use serde_json::{Map, Value as Json};

use crate::observation::{Announcement, Observation, Output};
use crate::words;

/// Bits of the zone status, Zigbee Cluster Library 8.2.2.2.1.3.
const ALARM: u64 = 1 | 1 << 1;
const TAMPER: u64 = 1 << 2;
const BATTERY_LOW: u64 = 1 << 3;
const TEST: u64 = 1 << 8;

/// Reads what devices behind the bridge `node` said. `topic_name` names the device where the message
/// does not, because the topic does.
pub(super) fn received(
    node: &str,
    topic_name: Option<&str>,
    received: &Map<String, Json>,
    output: &mut Output,
) {
    if received.values().any(Json::is_object) {
        for (key, fields) in received {
            if let Some(fields) = fields.as_object() {
                let name = named(fields).unwrap_or(key);
                device(&format!("{node}/{name}"), fields, output);
            }
        }
    } else if let Some(name) = named(received).or(topic_name) {
        device(&format!("{node}/{name}"), received, output);
    }
}

/// What the bridge knows of its devices: `ZbInfo`, and the answers to `ZbStatus2` and `ZbStatus3`. The
/// values in it are old, and are not read.
pub(super) fn described(node: &str, object: &Map<String, Json>, output: &mut Output) {
    let info = object.get("ZbInfo").and_then(Json::as_object);
    let lists = ["ZbStatus2", "ZbStatus3"]
        .iter()
        .filter_map(|name| object.get(*name)?.as_array());
    let devices = info
        .into_iter()
        .flat_map(Map::values)
        .chain(lists.flatten())
        .filter_map(Json::as_object);
    for fields in devices {
        if let Some(name) = named(fields) {
            output.announcements.push(Announcement {
                device: format!("{node}/{name}"),
                vendor: fields.get("Manufacturer").and_then(words::text),
                model: fields.get("ModelId").and_then(words::text),
                ..Announcement::default()
            });
        }
    }
}

fn named(fields: &Map<String, Json>) -> Option<&str> {
    ["Name", "Device"]
        .iter()
        .find_map(|key| fields.get(*key)?.as_str())
        .map(str::trim)
        .filter(|name| !name.is_empty())
}

fn device(device: &str, fields: &Map<String, Json>, output: &mut Output) {
    output.heard.push(device.to_owned());
    let mut known = false;
    for (name, raw) in fields {
        match attribute(device, name, raw) {
            Ok(Some(observation)) => {
                known |= !matches!(observation.kind, Kind::LinkQuality | Kind::Battery);
                output.push(observation);
            }
            Ok(None) => {}
            Err(why) => output.problem(format!("{device}: {name}: {why}")),
        }
    }
    let zone = ["ZoneStatusChange", "ZoneStatus"]
        .iter()
        .find_map(|name| fields.get(*name)?.as_u64());
    if let Some(zone) = zone {
        zone_status(device, zone, known, output);
    }
}

fn zone_status(device: &str, zone: u64, known: bool, output: &mut Output) {
    if !known {
        // An alarm of an unknown type is still one to be seen.
        output.push(Observation::state(device, Kind::Other, zone & ALARM != 0));
    }
    output.push(Observation::state(device, Kind::Tamper, zone & TAMPER != 0));
    let battery = if zone & BATTERY_LOW == 0 { "ok" } else { "low" };
    output.push(Observation::word(device, Kind::Battery, battery));
    if zone & TEST != 0 {
        output.push(Observation::state(device, Kind::AlarmTest, true));
    }
}

fn attribute(device: &str, name: &str, raw: &Json) -> Result<Option<Observation>, String> {
    let state = |kind| {
        words::state(raw).map(|state| state.map(|state| Observation::state(device, kind, state)))
    };
    let number = |kind, unit| match words::number(raw) {
        Some(number) => Ok(Some(Observation::number(device, kind, number, unit))),
        None if raw.is_null() => Ok(None),
        None => Err(format!("{} is not a number", words::brief(raw))),
    };
    match name {
        "Contact" => state(Kind::Door),
        "Occupancy" => state(Kind::Occupancy),
        "Water" => state(Kind::WaterLeak),
        "Fire" => state(Kind::Smoke),
        "CO" => state(Kind::CarbonMonoxide),
        "Movement" | "Vibration" => state(Kind::Vibration),
        "Tamper" => state(Kind::Tamper),
        "PersonalAlarm" | "Panic" | "Emergency" | "GlassBreak" => {
            Ok(words::state(raw)?.map(|on| signal(device, name, Value::Bool(on))))
        }
        "Temperature" => number(Kind::Temperature, "°C"),
        "Humidity" => number(Kind::Humidity, "%"),
        "BatteryPercentage" => number(Kind::Battery, "%"),
        "BatteryVoltage" => number(Kind::Battery, "V"),
        "ActivePower" | "RMSPower" => number(Kind::Power, "W"),
        "LinkQuality" => number(Kind::LinkQuality, ""),
        "LockState" => Ok(lock(raw).map(|word| Observation::word(device, Kind::Lock, word))),
        "Click" | "Action" => Ok(raw
            .as_str()
            .map(|word| signal(device, name, Value::Text(word.to_owned())))),
        // 2 is a button's `toggle`.
        "Power" => Ok(words::state(raw)
            .ok()
            .flatten()
            .map(|on| signal(device, name, Value::Bool(on)))),
        _ => Ok(None),
    }
}

/// Something without a kind of its own, under its own name.
fn signal(device: &str, name: &str, value: Value) -> Observation {
    Observation::new(format!("{device}/{name}"), Kind::Other, value)
}

/// The door lock cluster's states.
fn lock(raw: &Json) -> Option<&'static str> {
    match raw.as_u64()? {
        0 => Some("not_fully_locked"),
        1 => Some("locked"),
        2 => Some("unlocked"),
        _ => None,
    }
}
