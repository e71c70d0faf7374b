//! Zigbee2MQTT: JSON states on `<base>/<friendly name>`, the inventory on `<base>/bridge/devices`.
//!
//! A base topic is known by its `bridge/…` messages, which are retained and so come first. The name
//! `zigbee2mqtt` itself is one too; under any other base a message is recognised by its shape.
//!
//! Traps:
//! - friendly names may contain `/`, blanks and any UTF-8: the topic below the base is the name;
//! - `contact` true is a CLOSED contact, a door is then closed;
//! - `exposes` give `name` (what it means) and `property` (the key in the state): they differ;
//! - states are partial, and `null` says nothing: neither is `false`;
//! - `action` is an event; `action: ""` is its reset, and `<name>/action` is a copy of it;
//! - `voltage` of a battery device is in mV, and of a plug in V;
//! - a bridge that is offline makes its devices unknown: it says nothing about any of them.
//!
//! Must never: make a device out of `bridge`, write to a `set` topic, or take a message of another
//! format because it has a common word in it.

mod attribute;
mod bridge;
mod device;
mod exposes;
mod property;
mod state;

#[cfg(test)]
mod tests;

use crate::formats::{Format, Verdict};
use crate::frame::Message;
use crate::observation::{Observation, Output};
use device::Devices;
use gridwatch_protocol::Kind;
use serde_json::{Map, Value as Json};

/// The base topic of an installation that nobody changed.
const DEFAULT_BASE: &str = "zigbee2mqtt";
/// Base topics remembered: one per Zigbee network on a broker.
const BASES_MAX: usize = 16;
/// Names of groups remembered, over all networks.
const GROUPS_MAX: usize = 1024;

/// A base topic.
#[derive(Debug)]
struct Base {
    topic: String,
    /// Whether its inventory was seen: from then on a name that is not in it is no device.
    inventory: bool,
    /// How long a battery device may be silent, in milliseconds, by the bridge's own settings.
    passive_ms: i64,
    /// Whether the bridge asks mains devices itself and tells when they do not answer.
    availability: bool,
}

/// The reader of Zigbee2MQTT's messages.
#[derive(Debug, Default)]
pub(super) struct Zigbee2Mqtt {
    bases: Vec<Base>,
    groups: Vec<String>,
    devices: Devices,
}

/// Why a topic may belong to a device, from the surest to the least sure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Claim {
    /// It is a device that was seen, or stands in the inventory.
    Device,
    /// It lies under a base whose inventory was not seen yet.
    Base,
    /// It lies under a base, but the inventory does not name it.
    Stranger,
    /// Nothing says so.
    None,
}

impl Format for Zigbee2Mqtt {
    fn name(&self) -> &'static str {
        "zigbee2mqtt"
    }

    fn read(&mut self, message: &Message<'_>, output: &mut Output) -> Verdict {
        if let Some((base, rest)) = bridge::split(message.topic) {
            return self.bridge_message(base, rest, message, output);
        }
        if let Some(device) = message.topic.strip_suffix("/availability") {
            return self.availability(device, message, output);
        }
        let claim = self.claim(message.topic);
        if message.payload.is_empty() {
            return match claim {
                Claim::Device => Verdict::Taken,
                _ => Verdict::NotMine("an empty payload on a topic of no known device"),
            };
        }
        if self.is_group(message.topic) {
            output.note(|| "a group: its members speak for themselves".to_owned());
            return Verdict::Taken;
        }
        if claim != Claim::None && is_command(message.topic) {
            output.note(|| "a command to a device, no state".to_owned());
            return Verdict::Taken;
        }
        if !looks_like_object(message.payload) {
            return self.attribute_message(claim, message, output);
        }
        self.state_message(claim, message, output)
    }
}

impl Zigbee2Mqtt {
    fn claim(&self, topic: &str) -> Claim {
        if self.devices.get(topic).is_some() {
            return Claim::Device;
        }
        let mut claim = Claim::None;
        for base in &self.bases {
            if is_below(topic, &base.topic) {
                if !base.inventory {
                    return Claim::Base;
                }
                claim = Claim::Stranger;
            }
        }
        if claim == Claim::None && is_below(topic, DEFAULT_BASE) {
            return Claim::Base;
        }
        claim
    }

    fn is_group(&self, topic: &str) -> bool {
        self.groups.iter().any(|group| group == topic)
    }

    fn state_message(
        &mut self,
        claim: Claim,
        message: &Message<'_>,
        output: &mut Output,
    ) -> Verdict {
        let object = match message.json() {
            Ok(Json::Object(object)) => object,
            Ok(_) => return Verdict::NotMine("not a JSON object"),
            Err(why) if matches!(claim, Claim::Device) || is_below(message.topic, DEFAULT_BASE) => {
                return Verdict::Broken(why.to_owned());
            }
            Err(_) => return Verdict::NotMine("not a JSON object"),
        };
        let mine = match claim {
            Claim::Device => true,
            Claim::Base => has_property(object),
            Claim::Stranger => has_property(object) && object.contains_key("linkquality"),
            Claim::None => has_shape(message.topic, object),
        };
        if !mine {
            return Verdict::NotMine("neither a known device or base topic nor its shape");
        }
        let Some(device) = self.devices.get_or_insert(message.topic) else {
            return Verdict::Broken(device::full());
        };
        state::read(device, object, message.retained, output);
        Verdict::Taken
    }

    fn availability(&mut self, topic: &str, message: &Message<'_>, output: &mut Output) -> Verdict {
        let claim = self.claim(topic);
        if self.is_group(topic) {
            output.note(|| "a group's availability: its members have their own".to_owned());
            return Verdict::Taken;
        }
        if !matches!(claim, Claim::Device | Claim::Base) {
            return Verdict::NotMine("availability of no known device");
        }
        match bridge::online(message) {
            Some(online) => {
                output.push(Observation::state(topic, Kind::Availability, online));
                Verdict::Taken
            }
            None if message.payload.is_empty() => Verdict::Taken,
            None => Verdict::Broken(format!(
                "availability of {topic} is neither online nor offline"
            )),
        }
    }
}

/// Whether a topic lies below another.
fn is_below(topic: &str, base: &str) -> bool {
    topic
        .strip_prefix(base)
        .and_then(|rest| rest.strip_prefix('/'))
        .is_some_and(|name| !name.is_empty())
}

/// `<name>/set`, `<name>/set/<attribute>`, and the same with `get`.
fn is_command(topic: &str) -> bool {
    let mut levels = topic.rsplit('/');
    let last = levels.next();
    let before = levels.next();
    [last, before]
        .into_iter()
        .flatten()
        .any(|level| level == "set" || level == "get")
}

fn looks_like_object(payload: &[u8]) -> bool {
    payload.trim_ascii_start().first() == Some(&b'{')
}

/// Whether a state has a field that this format knows.
fn has_property(object: &Map<String, Json>) -> bool {
    object.contains_key("linkquality")
        || object.contains_key("last_seen")
        || object
            .keys()
            .any(|key| property::meaning(key).is_some() || key == "voltage")
}

/// The shape of a state under an unknown base: the link quality that only Zigbee2MQTT writes in this
/// way next to another of its fields, or the two flags of its battery-powered detectors.
fn has_shape(topic: &str, object: &Map<String, Json>) -> bool {
    if !topic.contains('/') {
        return false;
    }
    let known = |key: &str| property::meaning(key).is_some() || key == "voltage";
    if object.get("linkquality").is_some_and(Json::is_number) {
        return object.keys().any(|key| key != "linkquality" && known(key));
    }
    object.get("battery_low").is_some_and(Json::is_boolean)
        && object.keys().all(|key| known(key) || key == "last_seen")
        && object.keys().any(|key| property::is_detector(key))
}
