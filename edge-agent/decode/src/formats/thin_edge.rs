//! thin-edge.io: `te/<entity>/<channel>/<type>`, where the entity is four levels of which some may be
//! empty: `te/device/main///m/environment`.
//!
//! Traps: empty levels are part of the topic; an alarm is a retained state, and the EMPTY payload
//! clears it; measurements have no units but those that a `meta` message gives; measurements may be
//! nested one level deep.

use gridwatch_protocol::{Kind, Value};
use serde_json::{Map, Value as Json};

use super::remembered::Remembered;
use super::{Format, Verdict};
use crate::fields::{self, Form};
use crate::frame::Message;
use crate::observation::{Announcement, Observation, Output};
use crate::time::SourceTime;
use crate::{units, words};

#[cfg(test)]
mod tests;

/// Measurements whose units are remembered: a hundred each of forty devices.
const UNITS_MAX: usize = 4096;
/// Measurements of one message that are read.
const FIELDS_MAX: usize = 256;

/// See the module.
#[derive(Debug)]
pub(super) struct ThinEdge {
    units: Remembered<String>,
}

impl Default for ThinEdge {
    fn default() -> Self {
        Self {
            units: Remembered::new(UNITS_MAX),
        }
    }
}

impl Format for ThinEdge {
    fn name(&self) -> &'static str {
        "thin_edge"
    }

    fn read(&mut self, message: &Message<'_>, output: &mut Output) -> Verdict {
        let levels: Vec<&str> = message.levels().collect();
        let ["te", a, b, c, d, rest @ ..] = levels.as_slice() else {
            return Verdict::NotMine("the topic is not te/<entity of four levels>/…");
        };
        let Some(device) = entity([*a, *b, *c, *d]) else {
            return Verdict::NotMine("the topic names no entity");
        };
        match rest {
            [] => registration(&device, message, output),
            ["m", kind, "meta"] => self.meta(&device, kind, message),
            ["m", kind] => self.measurement(&device, kind, message, output),
            ["a", kind] => alarm(&device, kind, message, output),
            ["e", kind] => event(&device, kind, message, output),
            ["status", "health"] => health(&device, message, output),
            // Commands, twins and descriptions.
            [_, ..] => Verdict::Taken,
        }
    }
}

/// `device/main//` is `main`; a service is named after its device.
fn entity(levels: [&str; 4]) -> Option<String> {
    let [a, name, c, service] = levels;
    let parts: Vec<&str> = match (a, c) {
        ("device", "" | "service") => vec![name, service],
        _ => levels.to_vec(),
    };
    let name: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    (!name.is_empty()).then(|| format!("thin-edge/{}", name.join("/")))
}

fn object<'m>(message: &'m Message<'_>) -> Result<&'m Map<String, Json>, Verdict> {
    match message.json() {
        Ok(json) => json
            .as_object()
            .ok_or_else(|| Verdict::Broken("the message is not an object".to_owned())),
        Err(why) => Err(Verdict::Broken(why.to_owned())),
    }
}

impl ThinEdge {
    /// `{"temperature": {"unit": "°C"}}`.
    fn meta(&mut self, device: &str, kind: &str, message: &Message<'_>) -> Verdict {
        if message.payload.is_empty() {
            return Verdict::Taken;
        }
        let meta = match object(message) {
            Ok(meta) => meta,
            Err(verdict) => return verdict,
        };
        for (name, about) in meta.iter().take(FIELDS_MAX) {
            if let Some(unit) = about.get("unit").and_then(words::text) {
                let key = format!("{device}\n{kind}\n{name}");
                self.units.put(&key, words::cut(&unit));
            }
        }
        Verdict::Taken
    }

    fn measurement(
        &mut self,
        device: &str,
        kind: &str,
        message: &Message<'_>,
        output: &mut Output,
    ) -> Verdict {
        let fields = match object(message) {
            Ok(fields) => fields,
            Err(verdict) => return verdict,
        };
        let time = fields.get("time").and_then(SourceTime::from_json);
        for (name, raw) in fields.iter().take(FIELDS_MAX) {
            match raw {
                Json::Object(inner) => {
                    for (inner_name, raw) in inner.iter().take(FIELDS_MAX) {
                        let full = format!("{name}.{inner_name}");
                        let part = format!("{device}/{name}");
                        self.number(
                            (&part, device, kind),
                            (inner_name, &full),
                            raw,
                            time,
                            output,
                        );
                    }
                }
                raw if name != "time" && name != "type" => {
                    self.number((device, device, kind), (name, name), raw, time, output);
                }
                _ => {}
            }
        }
        output.heard.push(device.to_owned());
        Verdict::Taken
    }

    /// `(whose, told by, type)` and the field's `(name, name with its group)`.
    fn number(
        &mut self,
        (device, entity, kind): (&str, &str, &str),
        (name, full): (&str, &str),
        raw: &Json,
        time: Option<SourceTime>,
        output: &mut Output,
    ) {
        let Some(number) = words::number(raw).filter(|_| raw.is_number()) else {
            output.problem(format!(
                "{device}: {full}: {} is not a number",
                words::brief(raw)
            ));
            return;
        };
        let unit = self
            .units
            .get(&format!("{entity}\n{kind}\n{full}"))
            .cloned();
        let unit = unit.unwrap_or_default();
        let known = fields::field(name)
            .filter(|field| matches!(field.form, Form::Number(_) | Form::Battery(_)));
        let Some(field) = known else {
            output.note(|| format!("{full}: nothing that is watched"));
            return;
        };
        let named = match field.form {
            Form::Number(unit) | Form::Battery(unit) if says_unit(name) => unit,
            _ => "",
        };
        let unit = if unit.is_empty() {
            named
        } else {
            unit.as_str()
        };
        let (number, unit) = units::normalised(field.kind, number, unit);
        output.push(Observation::number(device, field.kind, number, unit).at(time));
    }
}

/// Whether a unit stands in the name.
fn says_unit(name: &str) -> bool {
    let plain = name.to_lowercase().replace(['_', '-', '.'], "");
    ["ppm", "ppb", "mv", "percent", "percentage", "pct"]
        .iter()
        .any(|unit| plain.ends_with(unit))
        || ["tempc", "tempf", "temperaturec", "temperaturef"].contains(&plain.as_str())
}

/// An alarm: raised by a retained message, cleared by an empty one. Its type is its name; where that
/// means one thing it is of that kind.
fn alarm(device: &str, kind: &str, message: &Message<'_>, output: &mut Output) -> Verdict {
    let raised = !message.payload.is_empty();
    let mut time = None;
    if raised {
        match object(message) {
            Ok(alarm) => time = alarm.get("time").and_then(SourceTime::from_json),
            Err(verdict) => return verdict,
        }
    }
    let known = fields::field(kind).filter(|field| field.form == Form::State);
    let observation = match known {
        Some(field) => Observation::state(device, field.kind, raised),
        None => {
            let name = if kind.is_empty() { "alarm" } else { kind };
            Observation::state(format!("{device}/{name}"), Kind::Other, raised)
        }
    };
    output.push(observation.at(time));
    Verdict::Taken
}

fn event(device: &str, kind: &str, message: &Message<'_>, output: &mut Output) -> Verdict {
    if message.payload.is_empty() {
        return Verdict::Taken;
    }
    let event = match object(message) {
        Ok(event) => event,
        Err(verdict) => return verdict,
    };
    let text = event.get("text").and_then(words::text);
    let text = text.unwrap_or_else(|| kind.to_owned());
    let time = event.get("time").and_then(SourceTime::from_json);
    let part = format!("{device}/{}", if kind.is_empty() { "event" } else { kind });
    let value = Value::Text(words::cut(&text));
    output.push(Observation::new(part, Kind::Other, value).at(time));
    Verdict::Taken
}

/// Whether a device or service runs.
fn health(device: &str, message: &Message<'_>, output: &mut Output) -> Verdict {
    if message.payload.is_empty() {
        return Verdict::Taken;
    }
    let status = match message.json() {
        Ok(json) => json.get("status").and_then(Json::as_str),
        Err(_) => message.text(),
    };
    let online = match status {
        Some("up" | "1") => Some(true),
        Some("down" | "0") => Some(false),
        _ => None,
    };
    if let Some(online) = online {
        let time = message.object().and_then(|o| o.get("time"));
        let time = time.and_then(SourceTime::from_json);
        output.push(Observation::state(device, Kind::Availability, online).at(time));
    }
    Verdict::Taken
}

/// What an entity is; an empty message removes it.
fn registration(device: &str, message: &Message<'_>, output: &mut Output) -> Verdict {
    if message.payload.is_empty() {
        output.announcements.push(Announcement {
            device: device.to_owned(),
            removed: true,
            ..Announcement::default()
        });
        return Verdict::Taken;
    }
    let about = match object(message) {
        Ok(about) => about,
        Err(verdict) => return verdict,
    };
    let text = |name: &str| about.get(name).and_then(words::text);
    output.announcements.push(Announcement {
        device: device.to_owned(),
        name: text("name"),
        model: text("type"),
        ..Announcement::default()
    });
    Verdict::Taken
}
