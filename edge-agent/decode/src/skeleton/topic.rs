//! Which level of a topic names the device, and what the profile is called.

use serde_json::Value as Json;

use crate::fields::field;

/// Levels that say what a message is, not whose it is.
const GENERIC: &[&str] = &[
    "attributes",
    "data",
    "event",
    "events",
    "get",
    "info",
    "input",
    "json",
    "measurement",
    "message",
    "messages",
    "mqtt",
    "out",
    "output",
    "payload",
    "pub",
    "report",
    "reading",
    "readings",
    "result",
    "rx",
    "sensor",
    "sensors",
    "stat",
    "state",
    "states",
    "status",
    "tele",
    "telemetry",
    "up",
    "update",
    "uplink",
    "value",
    "values",
];
/// Fields that name a device where the topic does not, the most certain first.
const NAMES: &[&str] = &[
    "device_id",
    "deviceId",
    "deviceID",
    "dev_id",
    "devId",
    "device_name",
    "deviceName",
    "sn",
    "serial",
    "serialNumber",
    "mac",
    "macAddress",
    "devEui",
    "dev_eui",
    "sensor_id",
    "sensorId",
    "node",
    "node_id",
    "id",
    "name",
];

/// How the messages of a device are told from those of others.
pub(super) struct Naming {
    /// Topic pattern of the profile.
    pub(super) pattern: String,
    /// Template of the device's id.
    pub(super) device: String,
    /// Id of the profile.
    pub(super) profile_id: String,
}

/// Chooses the level that looks most like a name: one with digits in it, else the last that is not a
/// word of protocols; else a field of the message; else the topic is the device.
pub(super) fn naming(topic: &str, body: Option<&Json>) -> Naming {
    let levels: Vec<&str> = topic.split('/').collect();
    let is_name = |level: &&str| {
        !level.is_empty()
            && field(level).is_none()
            && !GENERIC.contains(&level.to_ascii_lowercase().as_str())
    };
    let names: Vec<usize> = (0..levels.len())
        .filter(|&index| levels.get(index).is_some_and(is_name))
        .collect();
    let has_digit = |index: &&usize| {
        levels
            .get(**index)
            .is_some_and(|level| level.chars().any(|c| c.is_ascii_digit()))
    };
    // The first level is most often the name of the system, not of a device.
    let inner: Vec<usize> = names.iter().copied().filter(|index| *index > 0).collect();
    let chosen = inner.iter().rev().find(has_digit).or(inner.last()).copied();
    let named_by = body.and_then(|body| {
        NAMES
            .iter()
            .find(|name| {
                let value = body.get(**name);
                value.is_some_and(|value| {
                    value.is_number() || value.as_str().is_some_and(|text| !text.is_empty())
                })
            })
            .map(|name| format!("{{/{name}}}"))
    });
    let pattern: Vec<String> = levels
        .iter()
        .enumerate()
        .map(|(index, level)| {
            if Some(index) == chosen {
                "{name}".to_owned()
            } else if level.contains(['{', '}', '+', '#']) {
                format!("{{level{index}}}")
            } else {
                (*level).to_owned()
            }
        })
        .collect();
    let family: String = levels.first().map(|level| plain(level)).unwrap_or_default();
    let family = if family.is_empty() {
        "mqtt".to_owned()
    } else {
        family
    };
    let device = match (chosen, named_by) {
        (Some(_), _) => format!("{family}/{{name}}"),
        (None, Some(field)) => format!("{family}/{field}"),
        (None, None) => format!("mqtt/{}", topic.replace(['{', '}'], "_")),
    };
    Naming {
        pattern: pattern.join("/"),
        device,
        profile_id: profile_id(&levels, chosen),
    }
}

fn profile_id(levels: &[&str], chosen: Option<usize>) -> String {
    let words: Vec<String> = levels
        .iter()
        .enumerate()
        .filter(|(index, _)| Some(*index) != chosen)
        .map(|(_, level)| plain(level))
        .filter(|word| !word.is_empty())
        .collect();
    let id: String = words.join("-").chars().take(48).collect();
    if id.is_empty() {
        "new-device".to_owned()
    } else {
        format!("{id}-device")
    }
}

fn plain(level: &str) -> String {
    level
        .chars()
        .map(|c| {
            if c == '_' || c == ' ' || c == '.' {
                '-'
            } else {
                c
            }
        })
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
        .map(|c| c.to_ascii_lowercase())
        .collect::<String>()
        .trim_matches('-')
        .to_owned()
}
