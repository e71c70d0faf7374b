//! Output mode `attribute`: each property on a topic of its own, `<name>/<property>`, and the copy of
//! an action on `<name>/action`, which also comes in the other modes.

use serde_json::{Map, Value as Json};

use super::device;
use super::property;
use super::state;
use super::{Claim, Zigbee2Mqtt};
use crate::formats::Verdict;
use crate::frame::Message;
use crate::observation::Output;

impl Zigbee2Mqtt {
    pub(super) fn attribute_message(
        &mut self,
        claim: Claim,
        message: &Message<'_>,
        output: &mut Output,
    ) -> Verdict {
        let (Some((topic, name)), Some(text)) = (message.topic.rsplit_once('/'), message.text())
        else {
            return Verdict::NotMine("neither a state nor an attribute");
        };
        let owner = self.claim(topic);
        let listed = self
            .devices
            .get(topic)
            .is_some_and(|d| d.channels.iter().any(|c| c.property == name));
        let known = listed || property::meaning(name).is_some() || is_plain(name);
        if !known || !matches!(owner, Claim::Device | Claim::Base) {
            return match claim {
                Claim::Device => Verdict::Broken("the state of a device is not JSON".to_owned()),
                _ => Verdict::NotMine("neither a state nor an attribute of a known device"),
            };
        }
        let Some(device) = self.devices.get_or_insert(topic) else {
            return Verdict::Broken(device::full());
        };
        let raw = scalar(text);
        if property::meaning(name) == Some(property::Meaning::Action) {
            action(device, text, message.retained, output);
        } else if name == "last_seen" {
            output.heard.push(device.topic.clone());
        } else {
            attribute(device, name, &raw, output);
        }
        Verdict::Taken
    }
}

/// Properties without a meaning here that tell that a topic is an attribute's.
fn is_plain(name: &str) -> bool {
    matches!(
        name,
        "last_seen" | "voltage" | "state" | "illuminance" | "illuminance_lux" | "pressure"
    )
}

fn attribute(device: &mut device::Device, name: &str, raw: &Json, output: &mut Output) {
    let before = output.observations.len();
    if name == "battery" && crate::words::number(raw).is_some() {
        device.has_percentage = true;
    }
    if !raw.is_null() {
        state::field(device, name, raw, &Map::new(), before, output);
    }
    if output.observations.len() == before {
        output.heard.push(device.topic.clone());
    }
}

fn action(device: &device::Device, word: &str, retained: bool, output: &mut Output) {
    if word.is_empty() || retained {
        output.note(|| "an action that was reset or is retained is no event".to_owned());
    } else if device.actions_in_state {
        output.note(|| format!("a copy of action {word}, which came in the state"));
    } else {
        output.push(state::event(&device.topic, word, &Map::new()));
    }
}

/// The value of an attribute: JSON where it is one, else a word.
fn scalar(text: &str) -> Json {
    match serde_json::from_str(text) {
        Ok(value @ (Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Null)) => value,
        _ if text.is_empty() => Json::Null,
        _ => Json::String(text.to_owned()),
    }
}
