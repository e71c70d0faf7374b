//! ONVIF events over MQTT: cameras, door controllers and sensors, in the form of the ONVIF Core
//! specification (`<prefix>/onvif-ej/<topic>/&<source>`, JSON) and in Axis' own form
//! (`<prefix>/event/tns:onvif/<topic>/…`).
//!
//! Devices: `onvif/<prefix>/<token of the source>`; sources that are not video and have a bare number as
//! token get their sort before it (`onvif/<prefix>/input/1`), so that input 1 is not camera 1.
//!
//! Traps: every value is a string; the field that holds the state has another name on each topic
//! (`State`, `IsMotion`, `LogicalState`); some events have no state and the message itself is the event;
//! a crossing is `true` and soon after `false`: it is one crossing; a zero-byte payload says that a
//! property is gone, not that it is false. It must never invent a time or a state.

mod access;
mod axis;
mod meaning;

use serde_json::{Map, Value as Json};

use super::{Format, Verdict};
use crate::formats::seen::Seen;
use crate::frame::Message;
use crate::observation::{Observation, Output};
use crate::time::SourceTime;
use crate::words;

/// Fields of one source or data part that are read. The specification's longest event has nine.
const FIELDS_MAX: usize = 64;

/// Reads ONVIF events.
#[derive(Debug, Default)]
pub(super) struct Onvif {
    /// Events told already, so that a redelivered one is told once.
    told: Seen,
}

/// One event, whichever form it came in.
#[derive(Debug)]
struct Event {
    /// What the topic has before the format's own levels: the camera.
    prefix: String,
    /// The ONVIF topic without namespaces: `RuleEngine`, `LineDetector`, `Crossed`.
    path: Vec<String>,
    source: Vec<(String, String)>,
    data: Vec<(String, String)>,
    time: Option<SourceTime>,
    /// What makes this event itself.
    id: String,
}

impl Format for Onvif {
    fn name(&self) -> &'static str {
        "onvif"
    }

    fn read(&mut self, message: &Message<'_>, output: &mut Output) -> Verdict {
        let event = if let Some((prefix, path, source)) = topic_of(message.topic) {
            if message.payload.is_empty() {
                output.note(|| "onvif: the property is gone".to_owned());
                return Verdict::Taken;
            }
            match Event::of(prefix, path, source, message) {
                Ok(event) => event,
                Err(why) => return Verdict::Broken(why),
            }
        } else if axis::is_topic(message.topic) {
            if message.payload.is_empty() {
                return Verdict::Taken;
            }
            match axis::event(message) {
                Ok(event) => event,
                Err(why) => return Verdict::Broken(why),
            }
        } else {
            return Verdict::NotMine("the topic has no level `onvif-ej`, and is not of Axis' form");
        };
        let device = event.device();
        output.heard.push(device.clone());
        for reading in meaning::of(&event) {
            self.push(&device, &event, reading, output);
        }
        Verdict::Taken
    }
}

impl Onvif {
    fn push(
        &mut self,
        device: &str,
        event: &Event,
        reading: meaning::Reading,
        output: &mut Output,
    ) {
        let observation = Observation::new(device, reading.kind, reading.value).at(event.time);
        let observation = Observation {
            unit: reading.unit,
            ..observation
        };
        if !reading.once {
            output.push(observation);
        } else if self
            .told
            .is_new(&format!("{device} {} {}", reading.kind, event.id))
        {
            output.push(observation.event(event.id.as_str()));
        } else {
            output.note(|| format!("onvif: {} was told already", event.id));
        }
    }
}

/// Prefix, ONVIF topic and source levels of `<prefix>/onvif-ej/<topic>[/&<source>]`.
fn topic_of(topic: &str) -> Option<(&str, &str, &str)> {
    let (prefix, rest) = match topic.split_once("/onvif-ej/") {
        Some(parts) => parts,
        None => ("", topic.strip_prefix("onvif-ej/")?),
    };
    match rest.split_once("/&") {
        Some((path, source)) => Some((prefix, path, source)),
        None => Some((prefix, rest, "")),
    }
}

impl Event {
    fn of(prefix: &str, path: &str, source: &str, message: &Message<'_>) -> Result<Self, String> {
        let body = message.json()?.as_object().ok_or("an event is an object")?;
        let part = |name: &str| match body.get(name) {
            None | Some(Json::Null) => Ok(Vec::new()),
            Some(Json::Object(part)) => Ok(fields(part)),
            Some(other) => Err(format!(
                "`{name}` is {}, not an object",
                words::brief(other)
            )),
        };
        let data = part("Data")?;
        let mut sources = part("Source")?;
        if sources.is_empty() && !source.is_empty() {
            let first = source.split('/').next().unwrap_or_default();
            sources.push(("Source".to_owned(), first.to_owned()));
        }
        let time = body.get("UtcTime");
        let at = time.and_then(words::text).unwrap_or_default();
        let object = value_of(&data, &["ObjectId"]).unwrap_or_default();
        Ok(Self {
            prefix: prefix.to_owned(),
            path: path.split('/').map(plain).collect(),
            source: sources,
            time: time.and_then(SourceTime::from_json),
            id: format!("{path}/&{source}@{at}#{object}"),
            data,
        })
    }

    /// A value of the data by the first of these names that is there.
    fn data(&self, names: &[&str]) -> Option<&str> {
        value_of(&self.data, names)
    }

    /// The device: the camera's prefix and the token of what the event is about. Rules are not part
    /// of it: two lines drawn in one picture are one camera.
    fn device(&self) -> String {
        let prefix = &self.prefix;
        let slash = if prefix.is_empty() { "" } else { "/" };
        if let Some(token) = value_of(&self.source, &VIDEO) {
            return format!("onvif{slash}{prefix}/{token}");
        }
        for (names, sort) in OTHERS {
            if let Some(token) = value_of(&self.source, names) {
                return if token.chars().all(|c| c.is_ascii_digit()) {
                    format!("onvif{slash}{prefix}/{sort}/{token}")
                } else {
                    format!("onvif{slash}{prefix}/{token}")
                };
            }
        }
        match self.source.iter().find(|(name, _)| !is_rule(name)) {
            Some((_, token)) => format!("onvif{slash}{prefix}/{token}"),
            None => format!("onvif{slash}{prefix}"),
        }
    }
}

/// Names of a source that is a camera picture.
const VIDEO: [&str; 6] = [
    "VideoSource",
    "VideoSourceToken",
    "VideoSourceConfigurationToken",
    "VideoSourceConfiguration",
    "Source",
    "channel",
];

/// Names of other sources, and their sort.
const OTHERS: [(&[&str], &str); 7] = [
    (
        &[
            "AccessPointToken",
            "AccessPoint",
            "AccessPointReferenceToken",
        ],
        "access",
    ),
    (&["DoorToken", "Door", "DoorReferenceToken"], "door"),
    (&["InputToken", "DigitalInput", "Token"], "input"),
    (&["RelayToken", "RelayOutput"], "relay"),
    (&["port"], "port"),
    (&["SensorID", "SensorToken", "sensor", "Sensor"], "sensor"),
    (&["AudioSource", "AudioSourceConfigurationToken"], "audio"),
];

fn is_rule(name: &str) -> bool {
    ["rule", "rulename", "analyticsconfiguration"].contains(&name.to_lowercase().as_str())
        || name.starts_with("VideoAnalytics")
}

fn value_of<'f>(fields: &'f [(String, String)], names: &[&str]) -> Option<&'f str> {
    names.iter().find_map(|wanted| {
        fields
            .iter()
            .find(|(name, value)| name.eq_ignore_ascii_case(wanted) && !value.is_empty())
            .map(|(_, value)| value.as_str())
    })
}

/// The fields of an object as text: the specification writes every value as one, not every camera does.
fn fields(part: &Map<String, Json>) -> Vec<(String, String)> {
    part.iter()
        .take(FIELDS_MAX)
        .filter_map(|(name, value)| {
            let text = match value {
                Json::String(text) => text.trim().to_owned(),
                Json::Number(number) => number.to_string(),
                Json::Bool(state) => state.to_string(),
                _ => return None,
            };
            Some((plain(name), text))
        })
        .collect()
}

/// A name without its namespace: `tns1:RuleEngine`, `axis:Sensor`.
fn plain(name: &str) -> String {
    name.rsplit(':').next().unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests;
