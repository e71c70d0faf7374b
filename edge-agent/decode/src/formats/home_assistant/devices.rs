//! The ids of devices: stable, unique, and one for a device that Zigbee2MQTT reads too.
//!
//! The first identifier makes the id, which the sender keeps; a name may change. An entity without a
//! device is a device of its own, under the path of its discovery topic.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Map, Value as Json};

use super::config::Described;
use crate::words;

/// Longest part of an id that comes from a message; longer ones end in a hash.
const ID_BYTES_MAX: usize = 160;
/// Longest name that is kept.
const NAME_CHARS_MAX: usize = 128;
/// How Zigbee2MQTT begins the identifiers of devices (not of its bridge or of groups).
const ZIGBEE: &str = "zigbee2mqtt_0x";

/// The id of an entity's device, and whether Zigbee2MQTT publishes its states.
pub(super) fn id(described: &Described, topic: Option<&str>) -> (String, bool) {
    let identifiers = listed(described.device.get("identifiers"));
    if identifiers.iter().any(|id| id.starts_with(ZIGBEE))
        && let Some(topic) = topic
        && !topic.contains(['+', '#'])
    {
        let topic = topic.strip_suffix("/action").unwrap_or(topic);
        return (topic.to_owned(), true);
    }
    let connection = || {
        let first = described.device.get("connections")?.as_array()?.first()?;
        words::text(first.as_array()?.last()?)
    };
    let named = || described.device.get("name").and_then(words::text);
    let own = identifiers
        .into_iter()
        .next()
        .or_else(connection)
        .or_else(named)
        .unwrap_or_else(|| format!("{}/{}", described.component, described.object));
    (format!("homeassistant/{}", short(&own)), false)
}

/// What tells an entity from others of its device.
pub(super) fn part(object: &str) -> String {
    short(object.rsplit('/').next().unwrap_or(object))
}

/// Name, maker and type.
pub(super) fn about(device: &Map<String, Json>) -> [Option<String>; 3] {
    ["name", "manufacturer", "model"].map(|key| {
        device
            .get(key)
            .and_then(words::text)
            .map(|text| text.chars().take(NAME_CHARS_MAX).collect())
    })
}

/// Identifiers are a list, or one alone.
fn listed(field: Option<&Json>) -> Vec<String> {
    match field {
        Some(Json::Array(list)) => list.iter().filter_map(words::text).collect(),
        Some(one) => words::text(one).into_iter().collect(),
        None => Vec::new(),
    }
}

fn short(text: &str) -> String {
    let plain: String = text.chars().filter(|c| !c.is_control()).collect();
    if plain.len() <= ID_BYTES_MAX {
        return plain;
    }
    let mut hash = DefaultHasher::new();
    plain.hash(&mut hash);
    let head: String = plain.chars().take(ID_BYTES_MAX / 4).collect();
    format!("{head}#{:016x}", hash.finish())
}
