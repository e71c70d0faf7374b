//! ESPHome: firmware for sensor nodes. One plain value per topic:
//! `<prefix>/<component>/<object>/state`, and `<prefix>/status` for the node itself.
//!
//! Traps: what an entity means stands in its discovery message only, not in its topic, so a kind is
//! given only where the object's name means one thing, and never a unit that is not in the name;
//! numbers are text, and `nan` is none; settings (`number`, `select`) look like measurements; cover and
//! lock send transitions. The topics are of a shape that others use too: only ESPHome's component
//! words are taken, and never those below the topics of other formats.

use gridwatch_protocol::{Kind, Value};

use super::remembered::Parts;
use super::{Format, Verdict};
use crate::fields::{self, Form, UnitRule};
use crate::frame::Message;
use crate::observation::{Announcement, Bridge, Observation, Output};
use crate::words;

#[cfg(test)]
mod tests;

/// Pairs of node and kind that are remembered: 1,000 nodes with four kinds each.
const PARTS_MAX: usize = 4096;
/// First levels that belong to other formats.
const FOREIGN: [&str; 10] = [
    "homeassistant",
    "hass",
    "ring",
    "zigbee2mqtt",
    "frigate",
    "rtl_433",
    "shellies",
    "te",
    "zwave",
    "$SYS",
];
/// Words in an object's name by which a known last word means something else: a setting, the inside of
/// the device, the opposite, a trial.
const OTHERWISE: [&str; 34] = [
    "target",
    "setpoint",
    "set",
    "offset",
    "min",
    "max",
    "minimum",
    "maximum",
    "internal",
    "cpu",
    "chip",
    "board",
    "core",
    "esp32",
    "esp8266",
    "esp",
    "dew",
    "index",
    "setting",
    "calibration",
    "threshold",
    "limit",
    "mcu",
    "soil",
    "raw",
    "soc",
    "enable",
    "no",
    "not",
    "last",
    "simulated",
    "test",
    "mute",
    "virtual",
];
/// Words that say that a cover closes an opening for people or goods. Blinds and curtains do not.
const OPENINGS: [&str; 5] = ["door", "gate", "garage", "window", "shutterdoor"];

/// See the module.
#[derive(Debug)]
pub(super) struct EspHome {
    parts: Parts,
}

impl Default for EspHome {
    fn default() -> Self {
        Self {
            parts: Parts::new(PARTS_MAX),
        }
    }
}

/// What a topic is to ESPHome.
#[derive(Debug, PartialEq, Eq)]
enum Shape<'a> {
    /// The state of an entity: node, component and object.
    State(String, &'a str, &'a str),
    /// The node's last will.
    Status(String),
    /// The node's description.
    Description,
    /// A log line, a command, a part of a state that is not read.
    Aside,
    Other,
}

impl Format for EspHome {
    fn name(&self) -> &'static str {
        "esphome"
    }

    fn read(&mut self, message: &Message<'_>, output: &mut Output) -> Verdict {
        match shape(message) {
            Shape::State(node, component, object) => {
                self.state(&node, component, object, message, output)
            }
            Shape::Status(node) => status(&node, message, output),
            Shape::Description => description(message, output),
            Shape::Aside => Verdict::Taken,
            Shape::Other => {
                Verdict::NotMine("the topic is not <prefix>/<component>/<object>/state")
            }
        }
    }
}

fn shape<'a>(message: &Message<'a>) -> Shape<'a> {
    let levels: Vec<&str> = message.levels().collect();
    if let ["esphome", "discover", node] = levels.as_slice() {
        return if node.is_empty() {
            Shape::Other
        } else {
            Shape::Description
        };
    }
    if matches!(levels.as_slice(), ["esphome", "discover" | "ping", ..]) {
        return Shape::Aside;
    }
    if levels
        .first()
        .is_none_or(|first| first.is_empty() || FOREIGN.contains(first))
    {
        return Shape::Other;
    }
    let node = |levels: &[&str]| levels.join("/");
    match levels.as_slice() {
        [prefix @ .., component, object, "state"]
            if !prefix.is_empty() && is_component(component) && !object.is_empty() =>
        {
            Shape::State(node(prefix), component, object)
        }
        [prefix @ .., component, object, _, "state" | "command"]
            if !prefix.is_empty() && is_component(component) && !object.is_empty() =>
        {
            Shape::Aside
        }
        [prefix @ .., component, object, "command"]
            if !prefix.is_empty() && is_component(component) && !object.is_empty() =>
        {
            Shape::Aside
        }
        [prefix @ .., "status"]
            if !prefix.is_empty() && matches!(message.text(), Some("online" | "offline")) =>
        {
            Shape::Status(node(prefix))
        }
        [prefix @ .., "debug"] if !prefix.is_empty() && is_log(message) => Shape::Aside,
        _ => Shape::Other,
    }
}

fn is_component(word: &str) -> bool {
    matches!(
        word,
        "binary_sensor"
            | "sensor"
            | "text_sensor"
            | "lock"
            | "cover"
            | "valve"
            | "fan"
            | "light"
            | "switch"
            | "number"
            | "select"
            | "button"
            | "event"
            | "alarm_control_panel"
            | "climate"
            | "text"
            | "date"
            | "time"
            | "datetime"
            | "update"
            | "media_player"
    )
}

/// A log line: `[D][sensor:127]: …`, usually coloured.
fn is_log(message: &Message<'_>) -> bool {
    message.text().is_some_and(|text| {
        ["[E][", "[W][", "[I][", "[C][", "[D][", "[V][", "[VV]["]
            .iter()
            .any(|level| text.contains(level))
    })
}

impl EspHome {
    fn state(
        &mut self,
        node: &str,
        component: &str,
        object: &str,
        message: &Message<'_>,
        output: &mut Output,
    ) -> Verdict {
        let device = format!("esphome/{node}");
        output.heard.push(device.clone());
        let Some(text) = message.text() else {
            return Verdict::Broken("the state is not text".to_owned());
        };
        if text.is_empty() {
            return Verdict::Taken;
        }
        let read = match component {
            "binary_sensor" => binary(object, text),
            "sensor" => sensor(object, text),
            "lock" => Ok(fields::lock_state(&text.into())
                .map(|word| (Kind::Lock, Value::Text(word.to_owned()), None))),
            "cover" | "valve" => cover(object, text),
            "switch" => words::state_word(text)
                .map(|state| state.map(|on| (Kind::Other, Value::Bool(on), None))),
            "text_sensor" | "alarm_control_panel" => Ok(word(text)),
            "event" => event(message),
            _ => {
                output.note(|| format!("{component} {object}: a setting or an output"));
                return Verdict::Taken;
            }
        };
        match read {
            Ok(Some((kind, value, unit))) => {
                let part = if is_node_itself(node, object) {
                    ""
                } else {
                    object
                };
                let device = self.parts.device(&device, kind, part);
                output.push(Observation {
                    unit,
                    ..Observation::new(device, kind, value)
                });
            }
            Ok(None) => output.note(|| format!("{component} {object}: no value")),
            Err(why) => output.problem(format!("{device}: {component} {object}: {why}")),
        }
        Verdict::Taken
    }
}

/// A kind, its value and its unit.
type Read = Result<Option<(Kind, Value, Option<String>)>, String>;

/// The last word of an object's name decides, unless another word turns it into something else.
fn meaning(object: &str) -> Option<(String, fields::Field)> {
    let lower = object.to_lowercase().replace('-', "_");
    if let Some(field) = fields::field(&lower) {
        return Some((lower, field));
    }
    let words: Vec<&str> = lower.split('_').collect();
    if words.iter().any(|word| OTHERWISE.contains(word)) {
        return None;
    }
    // `co2_ppm` and `battery_level` are two words that mean one thing.
    [2, 1].iter().find_map(|count| {
        let tail = words.get(words.len().checked_sub(*count)?..)?.join("_");
        fields::field(&tail).map(|field| (tail, field))
    })
}

fn binary(object: &str, text: &str) -> Read {
    let state = words::state_word(text)?;
    let Some(on) = state else { return Ok(None) };
    let kind = meaning(object).and_then(|(_, field)| match field.form {
        Form::State => Some((field.kind, Value::Bool(on))),
        Form::BatteryLow => Some((Kind::Battery, battery(!on))),
        Form::BatteryOk => Some((Kind::Battery, battery(on))),
        // A contact that is on: of a closed circuit or of an open door? And a lock, a battery?
        Form::Opposite | Form::Lock | Form::Number(_) | Form::Battery(_) => None,
    });
    let (kind, value) = kind.unwrap_or((Kind::Other, Value::Bool(on)));
    Ok(Some((kind, value, None)))
}

fn battery(ok: bool) -> Value {
    Value::Text(if ok { "ok" } else { "low" }.to_owned())
}

fn sensor(object: &str, text: &str) -> Read {
    if text.eq_ignore_ascii_case("nan") || text.eq_ignore_ascii_case("inf") {
        return Ok(None);
    }
    let Some(number) = words::number_text(text) else {
        // A sensor may be a word: `unavailable` is none.
        return match words::state_word(text) {
            Ok(None) => Ok(None),
            _ => Err(format!("`{}` is not a number", words::cut(text))),
        };
    };
    let named = meaning(object)
        .filter(|(_, field)| matches!(field.form, Form::Number(_) | Form::Battery(_)));
    if let Some((name, _)) = named {
        let seen = fields::observe("", &name, &number.into(), UnitRule::Stated)?;
        return Ok(seen.map(|seen| {
            // A percentage is a unit too, and nobody has said so; a battery's is in its name.
            let unit = seen.unit.filter(|_| seen.kind != Kind::Humidity);
            (seen.kind, seen.value, unit)
        }));
    }
    Ok(Some((Kind::Other, Value::Number(number), None)))
}

/// Covers: anything but closed is open. What is no door (a blind, a water valve) is told in words.
fn cover(object: &str, text: &str) -> Read {
    let plain = text.to_lowercase();
    let open = match plain.as_str() {
        "open" | "opening" | "closing" => true,
        "closed" => false,
        _ => return Ok(None),
    };
    let lower = object.to_lowercase();
    let is_door = lower.split(['_', '-']).any(|word| OPENINGS.contains(&word));
    Ok(Some(if is_door {
        (Kind::Door, Value::Bool(open), None)
    } else {
        (Kind::Other, Value::Text(plain), None)
    }))
}

fn word(text: &str) -> Option<(Kind, Value, Option<String>)> {
    // Longer texts are descriptions, not states.
    let is_none = matches!(words::state_word(text), Ok(None));
    (!is_none && text.len() <= 64).then(|| (Kind::Other, Value::Text(text.to_owned()), None))
}

/// An event: `{"event_type": "single"}`.
fn event(message: &Message<'_>) -> Read {
    let object = message.object().ok_or("an event is not an object")?;
    Ok(object
        .get("event_type")
        .and_then(words::text)
        .map(|word| (Kind::Other, Value::Text(word), None)))
}

/// Whether the object's name says nothing beyond the node's name and the kind.
fn is_node_itself(node: &str, object: &str) -> bool {
    let plain = |text: &str| -> Vec<String> {
        text.to_lowercase()
            .split(['_', '-', '/', ' '])
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let node = plain(node);
    let rest: Vec<String> = plain(object)
        .into_iter()
        .filter(|word| !node.contains(word))
        .collect();
    rest.is_empty() || fields::field(&rest.join("_")).is_some()
}

fn status(node: &str, message: &Message<'_>, output: &mut Output) -> Verdict {
    let online = message.text() == Some("online");
    let device = format!("esphome/{node}");
    output.bridges.push(Bridge {
        prefix: format!("{device}/"),
        online,
    });
    output.push(Observation::state(device, Kind::Availability, online));
    Verdict::Taken
}

/// The retained description of a node. It may be years old, and is no proof that the node lives.
fn description(message: &Message<'_>, output: &mut Output) -> Verdict {
    if message.payload.is_empty() {
        return Verdict::Taken;
    }
    let Some(object) = message.object() else {
        return Verdict::Broken("the description of a node is not an object".to_owned());
    };
    let text = |name: &str| object.get(name).and_then(words::text);
    let Some(node) = text("name") else {
        return Verdict::Broken("the description of a node has no name".to_owned());
    };
    output.announcements.push(Announcement {
        device: format!("esphome/{node}"),
        name: text("friendly_name"),
        vendor: Some("ESPHome".to_owned()),
        model: text("board"),
        ..Announcement::default()
    });
    Verdict::Taken
}
