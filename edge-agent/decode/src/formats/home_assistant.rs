//! Home Assistant's MQTT discovery: retained messages that describe devices, and the states that they
//! describe, on any topic and in any form.
//!
//! Many senders write it (Zigbee2MQTT, ESPHome, OpenMQTTGateway, rtl_433, ring-mqtt, ratgdo, zwave-js):
//! whoever describes itself to Home Assistant is understood here without a profile.
//!
//! Traps:
//! - polarity is the device class's (`classes`); ON of a lock is unlocked;
//! - `payload_on: true` is compared as Python's text `True`, which is what templates give;
//! - a description that is sent again is no news and refreshes nothing;
//! - a state before its description belongs to nobody, and after its deletion again;
//! - several entities read one topic, and one topic may hold wildcards;
//! - anyone on the broker may write descriptions and templates: both are bounded.
//!
//! Must never: publish on a command topic, take a missing state for `false`, or follow people.

mod abbreviations;
mod availability;
mod classes;
mod config;
mod cost;
mod devices;
mod entity;
mod functions;
mod meaning;
mod methods;
mod paths;
mod patterns;
mod registry;
mod states;
mod template;
mod times;
mod topics;

#[cfg(test)]
mod tests;

use gridwatch_protocol::{Kind, Timestamp, Value};
use serde_json::Value as Json;

use crate::formats::{Format, Verdict};
use crate::frame::Message;
use crate::observation::{Observation, Output};
use crate::time::SourceTime;
use config::ConfigTopic;
use entity::{Entity, Role};
use meaning::What;
use registry::Registry;
use template::{Failure, Input};

/// Discovery prefixes remembered besides the default.
const PREFIXES_MAX: usize = 8;

/// The reader of discovery messages and of the states that they describe.
#[derive(Debug, Default)]
pub(super) struct HomeAssistant {
    prefixes: Vec<String>,
    registry: Registry,
}

impl Format for HomeAssistant {
    fn name(&self) -> &'static str {
        "home_assistant"
    }

    fn read(&mut self, message: &Message<'_>, output: &mut Output) -> Verdict {
        if let Some(topic) = config::topic(message.topic, &self.prefixes) {
            return self.describe(topic, message, output);
        }
        let mut found = Vec::new();
        self.registry.topics.find(message.topic, &mut found);
        if found.is_empty() {
            return Verdict::NotMine("no discovery message names this topic");
        }
        if found.iter().all(|(_, role)| *role == Role::Attributes) {
            return Verdict::NotMine(
                "described as attributes only: who knows the format reads them",
            );
        }
        let input = Input::new(message);
        let before = output.observations.len();
        let mut online = Vec::new();
        for (index, role) in found {
            self.take(index, role, &input, &mut online, output);
        }
        for (device, online) in online {
            output.push(Observation::state(device, Kind::Availability, online));
        }
        if output.observations.len() == before {
            output.note(|| "it says nothing new of the entities that it is described for".into());
        }
        Verdict::Taken
    }

    fn tick(&mut self, now: Timestamp, output: &mut Output) {
        self.registry.end_states(now, output);
    }
}

impl HomeAssistant {
    fn describe(
        &mut self,
        topic: ConfigTopic<'_>,
        message: &Message<'_>,
        output: &mut Output,
    ) -> Verdict {
        let known = config::is_default(topic.prefix)
            || self.prefixes.iter().any(|prefix| prefix == topic.prefix)
            || self.registry.has(message.topic);
        // Some senders delete with the JSON word for nothing.
        if matches!(message.payload.trim_ascii(), b"" | b"null") {
            if !known {
                return Verdict::NotMine("an empty payload under an unknown discovery prefix");
            }
            self.registry.delete(message.topic, output);
            return Verdict::Taken;
        }
        let payload = match message.json() {
            Ok(Json::Object(payload)) => payload,
            Ok(_) if known => return Verdict::Broken("a description that is no object".to_owned()),
            Err(why) if known || looks_described(message.payload) => {
                return Verdict::Broken(format!("a description cannot be read: {why}"));
            }
            _ => return Verdict::NotMine("not a discovery message"),
        };
        if !known {
            if !config::has_shape(payload) {
                return Verdict::NotMine("not a discovery message");
            }
            if self.prefixes.len() < PREFIXES_MAX {
                self.prefixes.push(topic.prefix.to_owned());
            }
        }
        match config::describe(topic, payload) {
            Ok(described) => {
                match self
                    .registry
                    .set(message.topic, message.payload, &described, output)
                {
                    Ok(()) => Verdict::Taken,
                    Err(why) => Verdict::Broken(why),
                }
            }
            Err(why) => Verdict::Broken(why),
        }
    }

    /// One entity's share of a message.
    fn take(
        &mut self,
        index: usize,
        role: Role,
        input: &Input<'_>,
        online: &mut Vec<(String, bool)>,
        output: &mut Output,
    ) {
        let Registry {
            entities,
            templates,
            ending,
            ..
        } = &mut self.registry;
        let Some(entity) = entities.get_mut(index).and_then(Option::as_mut) else {
            return;
        };
        if let Role::Availability(part) = role {
            match entity.availability.take(part, templates, input) {
                Ok(Some(said)) => merge(online, &entity.device, said),
                Ok(None) => {}
                Err(failure) => tell(entity, failure, output),
            }
            return;
        }
        if matches!(role, Role::Nothing | Role::Attributes) {
            return;
        }
        let message = input.message();
        let template = entity
            .sources
            .iter()
            .find(|source| source.role == role)
            .and_then(|source| source.template.as_ref());
        let seen = templates.render(template, input).and_then(|text| {
            states::read(entity, role, &text, message.retained, output).map_err(Failure::Fault)
        });
        match seen {
            Ok(Some(mut observation)) => {
                observation.time = time(entity, message);
                if end_later(entity, &observation, message.received_at) && !ending.contains(&index)
                {
                    ending.push(index);
                }
                if entity.needs_part {
                    output.heard.push(entity.device.clone());
                }
                output.push(observation);
            }
            Ok(None) => {
                if !output.heard.contains(&entity.device) {
                    output.heard.push(entity.device.clone());
                }
            }
            Err(failure) => tell(entity, failure, output),
        }
    }
}

/// Whether bytes that are no JSON were meant as a description.
fn looks_described(payload: &[u8]) -> bool {
    let text = String::from_utf8_lossy(payload.get(..payload.len().min(4096)).unwrap_or(payload));
    text.trim_start().starts_with('{')
        && ["state_topic", "stat_t", "command_topic", "cmd_t"]
            .iter()
            .any(|key| text.contains(key))
}

/// A device is there as soon as one of its entities is.
fn merge(online: &mut Vec<(String, bool)>, device: &str, said: bool) {
    match online.iter_mut().find(|(known, _)| known == device) {
        Some((_, there)) => *there |= said,
        None => online.push((device.to_owned(), said)),
    }
}

fn tell(entity: &Entity, failure: Failure, output: &mut Output) {
    match failure {
        Failure::Missing(why) => output.note(|| format!("{}: {why}", entity.device)),
        Failure::Fault(why) => output.problem(format!("{} {}: {why}", entity.device, entity.part)),
    }
}

/// The device's own time, where the payload is one of Zigbee2MQTT's states.
fn time(entity: &Entity, message: &Message<'_>) -> Option<SourceTime> {
    entity
        .zigbee
        .then(|| message.object()?.get("last_seen"))
        .flatten()
        .and_then(SourceTime::from_json)
}

/// Notes when a state ends by itself; whether it does.
fn end_later(entity: &mut Entity, seen: &Observation, received_at: Timestamp) -> bool {
    let (Some(delay), What::Binary { means, .. }) = (entity.off_delay_ms, &entity.what) else {
        return false;
    };
    let is_on = match &seen.value {
        Value::Bool(state) => *state,
        Value::Text(word) => matches!(
            (means, word.as_str()),
            (classes::Means::Low, "low") | (classes::Means::Unlocked, "unlocked")
        ),
        Value::Number(_) => false,
    };
    entity.off_at =
        is_on.then(|| Timestamp::from_unix_ms(received_at.unix_ms().saturating_add(delay)));
    is_on
}
