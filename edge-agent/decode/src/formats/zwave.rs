//! Z-Wave JS UI: Z-Wave nodes by `zwave/[<location>/]<name>/…`: `nodeinfo`, `status`, and values with
//! topics by class number (`…/113/0/Smoke_Alarm/Sensor_status`) or name
//! (`…/notification/endpoint_0/…`).
//!
//! Traps: a battery node sleeps and is well; only `Dead` or `failed` is a loss, and `value` false of a
//! status may mean asleep, so the word decides; times are milliseconds; a value without its unit has
//! none, as nodes send both °C and °F.

use gridwatch_protocol::Kind;
use serde_json::{Map, Value as Json};

use super::{Format, Verdict};
use crate::frame::Message;
use crate::observation::{Announcement, Bridge, Observation, Output};
use crate::time::SourceTime;
use crate::words;

#[cfg(test)]
mod tests;
mod values;

use values::Place;

/// First levels in use: the default, and those of its predecessors.
const PREFIXES: [&str; 5] = [
    "zwave",
    "zwavejs",
    "zwavejs2mqtt",
    "zwave2mqtt",
    "zwave-js-ui",
];

/// See the module.
#[derive(Debug, Default)]
pub(super) struct ZWave;

impl Format for ZWave {
    fn name(&self) -> &'static str {
        "zwave_js_ui"
    }

    fn read(&mut self, message: &Message<'_>, output: &mut Output) -> Verdict {
        let levels: Vec<&str> = message.levels().collect();
        let Some(at) = levels
            .iter()
            .position(|level| PREFIXES.contains(&level.to_lowercase().as_str()))
        else {
            return Verdict::NotMine("the topic has no level zwave");
        };
        let rest = levels.get(at + 1..).unwrap_or_default();
        match rest {
            ["_CLIENTS", gateway, "status"] => gateway_status(gateway, message, output),
            ["_CLIENTS" | "_EVENTS_" | "_EVENTS", ..] => Verdict::Taken,
            [.., "set"] => Verdict::Taken,
            [node @ .., "nodeinfo"] if !node.is_empty() => node_info(node, message, output),
            [node @ .., "status"] if !node.is_empty() => node_status(node, message, output),
            [node @ .., "lastActive"] if !node.is_empty() => {
                output.heard.push(device(node));
                Verdict::Taken
            }
            rest => value(rest, message, output),
        }
    }
}

fn device(node: &[&str]) -> String {
    format!("zwave/{}", node.join("/"))
}

/// The gateway: all nodes are behind it.
fn gateway_status(gateway: &str, message: &Message<'_>, output: &mut Output) -> Verdict {
    let online = match message.json() {
        Ok(json) => words::state(json.get("value").unwrap_or(json)),
        Err(_) => words::state_word(message.text().unwrap_or_default()),
    };
    match online {
        Ok(Some(online)) => {
            output.bridges.push(Bridge {
                prefix: "zwave/".to_owned(),
                online,
            });
            let device = format!("zwave/{gateway}");
            output.push(Observation::state(device, Kind::Availability, online));
            Verdict::Taken
        }
        Ok(None) => Verdict::Taken,
        Err(why) => Verdict::Broken(format!("the gateway's status: {why}")),
    }
}

fn node_info(node: &[&str], message: &Message<'_>, output: &mut Output) -> Verdict {
    let info = match message.json() {
        Ok(json) => json.as_object(),
        Err(why) => return Verdict::Broken(why.to_owned()),
    };
    let Some(info) = info else {
        return Verdict::Broken("nodeinfo is not an object".to_owned());
    };
    let device = device(node);
    let text = |name: &str| info.get(name).and_then(words::text);
    output.announcements.push(Announcement {
        device: device.clone(),
        name: text("name"),
        vendor: text("manufacturer"),
        model: text("productLabel"),
        ..Announcement::default()
    });
    let online = if info.get("failed") == Some(&Json::Bool(true)) {
        Some(false)
    } else {
        text("status").as_deref().and_then(alive)
    };
    if let Some(online) = online {
        output.push(Observation::state(device, Kind::Availability, online));
    }
    Verdict::Taken
}

/// The words for a node's state.
fn alive(word: &str) -> Option<bool> {
    match word {
        "Alive" | "Awake" | "Asleep" => Some(true),
        "Dead" => Some(false),
        _ => None,
    }
}

fn node_status(node: &[&str], message: &Message<'_>, output: &mut Output) -> Verdict {
    let device = device(node);
    let json = match message.json() {
        Ok(json) => json,
        Err(why) => return Verdict::Broken(why.to_owned()),
    };
    let word = json.get("status").or(Some(json)).and_then(Json::as_str);
    let value = json.get("value").unwrap_or(json);
    let online = match word {
        Some(word) => alive(word),
        // Without the word, false may mean asleep.
        None => value.as_bool().filter(|online| *online),
    };
    let time = json.get("time").and_then(SourceTime::from_json);
    match online {
        Some(online) => {
            output.push(Observation::state(device, Kind::Availability, online).at(time));
        }
        None => output.note(|| format!("{device}: no word that says whether it is lost")),
    }
    Verdict::Taken
}

/// A value of a node: `<node>/<class>/<endpoint>/<property>[/<key>]`.
fn value(levels: &[&str], message: &Message<'_>, output: &mut Output) -> Verdict {
    let Some((node, endpoint, place)) = place(levels) else {
        return Verdict::NotMine("the topic names no command class and endpoint");
    };
    let mut device = device(node);
    output.heard.push(device.clone());
    if endpoint > 0 {
        device = format!("{device}/endpoint_{endpoint}");
    }
    let empty = Map::new();
    let bare;
    let (value, object) = match message.json() {
        Ok(Json::Object(object)) => (object.get("value").unwrap_or(&Json::Null), object),
        Ok(value) => (value, &empty),
        Err(_) => match message.text() {
            Some(text) => {
                bare = Json::String(text.to_owned());
                (&bare, &empty)
            }
            None => return Verdict::Broken("the value is not text".to_owned()),
        },
    };
    let unit = object
        .get("unit")
        .and_then(Json::as_str)
        .unwrap_or_default();
    let time = ["time", "lastUpdate"]
        .iter()
        .find_map(|name| SourceTime::from_json(object.get(*name)?));
    match values::read(&device, &place, value, unit) {
        Some(observation) => output.push(observation.at(time)),
        None => output.note(|| format!("{}: nothing that is watched", place.property)),
    }
    Verdict::Taken
}

fn place<'a>(levels: &'a [&'a str]) -> Option<(&'a [&'a str], u8, Place)> {
    let (at, endpoint) = levels
        .windows(2)
        .enumerate()
        .skip(1)
        .find_map(|(at, pair)| {
            let [class, endpoint] = pair else { return None };
            values::class(class)?;
            let endpoint = match endpoint.strip_prefix("endpoint_") {
                Some(number) => number,
                // Numbers on both levels, or names on both.
                None if class.parse::<u8>().is_ok() => endpoint,
                None => return None,
            };
            Some((at, endpoint.parse().ok()?))
        })?;
    let class = values::class(levels.get(at)?)?;
    let property: String = levels
        .get(at + 2..)?
        .iter()
        .flat_map(|level| level.chars())
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .take(80)
        .collect();
    (!property.is_empty()).then_some((levels.get(..at)?, endpoint, Place { class, property }))
}
