//! Tasmota: firmware for Wi-Fi plugs, relays, sensor boards, and Zigbee, Bluetooth and 433 MHz bridges.
//!
//! Traps: a `Time` without zone is the site's local time; chip names instead of meanings; bare `nan`
//! in JSON; `Contact` of the Zigbee bridge is 1 when open; a sleeping device is offline on purpose;
//! wired switches have no meaning until someone gives them one; a radio code is device and state in
//! one. It must never salvage values from a corrupt message, and never tell who holds a card.

use gridwatch_protocol::{Kind, Timestamp, Value};
use serde_json::{Map, Value as Json};

use super::remembered::Remembered;
use super::{Format, Verdict, lenient};
use crate::frame::Message;
use crate::observation::{Announcement, Bridge, Observation, Output};
use crate::time::SourceTime;
use crate::words;

mod sensors;
#[cfg(test)]
mod tests;
mod topic;
mod zigbee;

use sensors::Sensors;
use topic::{Shape, Topic, numbered};

/// Devices that sleep are remembered up to this number, more than one broker serves.
const SLEEPERS_MAX: usize = 4096;
/// Readers of cards and tags that say what was held before them, and not whether it opens anything.
const CARD_READERS: [&str; 6] = ["PN532", "RC522", "RDM6300", "Wiegand", "MFRC522", "ID12LA"];

/// See the module.
#[derive(Debug)]
pub(super) struct Tasmota {
    sensors: Sensors,
    sleepers: Remembered<()>,
}

impl Default for Tasmota {
    fn default() -> Self {
        Self {
            sensors: Sensors::new(),
            sleepers: Remembered::new(SLEEPERS_MAX),
        }
    }
}

impl Format for Tasmota {
    fn name(&self) -> &'static str {
        "tasmota"
    }

    fn read(&mut self, message: &Message<'_>, output: &mut Output) -> Verdict {
        match topic::shape(message.topic) {
            Shape::Device(topic) => self.device(&topic, message, output),
            Shape::Command => Verdict::Taken,
            Shape::Discovery(true) => discovery(message, output),
            Shape::Discovery(false) => Verdict::Taken,
            Shape::Other => Verdict::NotMine("the topic has no level tele or stat"),
        }
    }
}

impl Tasmota {
    fn device(&mut self, topic: &Topic<'_>, message: &Message<'_>, output: &mut Output) -> Verdict {
        let node = format!("tasmota/{}", topic.device);
        if message.payload.is_empty() {
            output.note(|| "a retained message was deleted".to_owned());
            return Verdict::Taken;
        }
        if topic.command == "LWT" {
            return self.will(&node, message, output);
        }
        if !message.text().is_some_and(|text| text.starts_with('{')) {
            return plain(&node, topic.command, message, output);
        }
        let json = match lenient::json(message) {
            Ok(json) => json,
            Err(why) => return Verdict::Broken(why),
        };
        let Some(object) = json.as_object() else {
            return Verdict::Broken("the payload is not an object".to_owned());
        };
        let from = output.observations.len();
        self.object(&node, topic, object, message.received_at, output);
        let time = time_of(object);
        for observation in output.observations.iter_mut().skip(from) {
            observation.time = time;
        }
        output.heard.push(node);
        Verdict::Taken
    }

    fn object(
        &mut self,
        node: &str,
        topic: &Topic<'_>,
        object: &Map<String, Json>,
        received_at: Timestamp,
        output: &mut Output,
    ) {
        let last = topic.device.rsplit_once('/').map(|(_, last)| last);
        if topic.command == "ZbReceived" {
            zigbee::received(node, last, object, output);
            return;
        }
        // The older name is of firmware before 8.2.
        for name in ["ZbReceived", "ZigbeeReceived"] {
            if let Some(inner) = object.get(name).and_then(Json::as_object) {
                zigbee::received(node, last, inner, output);
            }
        }
        zigbee::described(node, object, output);
        if let Some(sleep) = object.get("DeepSleep").and_then(Json::as_object) {
            self.sleep(node, sleep, received_at, output);
        }
        if let Some(state) = object.get("StatusSTS").and_then(Json::as_object) {
            self.state(node, state, output);
        }
        let inner = object.get("StatusSNS").and_then(Json::as_object);
        let sensors = match topic.command {
            "SENSOR" => Some(object),
            _ => inner,
        };
        if let Some(sensors) = sensors {
            self.sensors.read(node, sensors, output);
            cards(node, sensors, output);
            switches(node, sensors, output);
        }
        match topic.command {
            "STATE" => self.state(node, object, output),
            "INFO1" => info(node, object, output),
            "SENSOR" => {}
            _ => {
                switches(node, object, output);
                powers(node, object, output);
                codes(node, object, output);
            }
        }
    }

    /// `STATE`: outputs, radio quality, and whether the device is one that sleeps.
    fn state(&mut self, node: &str, state: &Map<String, Json>, output: &mut Output) {
        powers(node, state, output);
        let wifi = state.get("Wifi").and_then(Json::as_object);
        if let Some(quality) = wifi.and_then(|w| words::number(w.get("RSSI")?)) {
            output.push(Observation::number(node, Kind::LinkQuality, quality, "%"));
        }
        let period = state
            .get("DeepSleep")
            .or_else(|| wifi?.get("DeepSleep"))
            .and_then(Json::as_i64);
        if period.is_some_and(|seconds| seconds > 0) {
            self.sleepers.put(node, ());
        }
    }

    fn sleep(
        &mut self,
        node: &str,
        sleep: &Map<String, Json>,
        received_at: Timestamp,
        output: &mut Output,
    ) {
        self.sleepers.put(node, ());
        let wakes = sleep.get("Epoch").and_then(SourceTime::from_json);
        output.note(|| {
            let until = wakes.and_then(|time| time.written()).unwrap_or_default();
            format!("{node} sleeps until {until}: silence until then is planned")
        });
        output.announcements.push(Announcement {
            device: node.to_owned(),
            silent_after_ms: wakes.and_then(|time| sleep_ms(time, received_at)),
            ..Announcement::default()
        });
    }

    /// The last will: `Online` when the device connects, `Offline` when it is gone.
    fn will(&mut self, node: &str, message: &Message<'_>, output: &mut Output) -> Verdict {
        let online = match message.text().map(str::to_ascii_lowercase).as_deref() {
            Some("online") => true,
            Some("offline") => false,
            _ => return Verdict::Broken("LWT is neither Online nor Offline".to_owned()),
        };
        if !online && self.sleepers.has(node) {
            output.note(|| format!("{node} sleeps between messages: offline is planned"));
            return Verdict::Taken;
        }
        output.push(Observation::state(node, Kind::Availability, online));
        output.bridges.push(Bridge {
            prefix: format!("{node}/"),
            online,
        });
        Verdict::Taken
    }
}

/// Twice the time from now until the device wakes: one missed wake-up is not a lost device.
fn sleep_ms(wakes: SourceTime, received_at: Timestamp) -> Option<i64> {
    let SourceTime::Instant(wakes) = wakes else {
        return None;
    };
    let ms = Timestamp::from(wakes).ms_since(received_at);
    ms.checked_mul(2).filter(|ms| *ms > 0)
}

/// The time of a message. `Epoch` is UTC, `Time` may have no zone.
fn time_of(object: &Map<String, Json>) -> Option<SourceTime> {
    let inner = ["StatusSNS", "StatusSTS"]
        .iter()
        .find_map(|name| object.get(*name)?.as_object())
        .unwrap_or(object);
    let time = inner.get("Time").and_then(SourceTime::from_json);
    match (time, inner.get("Epoch").and_then(SourceTime::from_json)) {
        (Some(SourceTime::Local(_)), Some(epoch @ SourceTime::Instant(_))) => Some(epoch),
        (time, _) => time,
    }
}

/// A payload that is no JSON: `ON` and `OFF` of outputs and thresholds.
fn plain(node: &str, command: &str, message: &Message<'_>, output: &mut Output) -> Verdict {
    let Some(text) = message.text() else {
        return Verdict::Broken("the payload is not text".to_owned());
    };
    if matches!(command, "SENSOR" | "STATE" | "RESULT") || numbered(command, "STATUS").is_some() {
        return Verdict::Broken(format!("`{}` is not an object", words::cut(text)));
    }
    if text.starts_with('"') || text.starts_with('[') {
        return match message.json() {
            Ok(_) => Verdict::Taken,
            Err(why) => Verdict::Broken(why.to_owned()),
        };
    }
    if numbered(command, "POWER").is_some() {
        if let Some(word) = on_off(text) {
            output.push(part(node, command, word));
        }
    } else {
        output.note(|| format!("{command}: nothing that is watched"));
    }
    Verdict::Taken
}

/// Relays: `POWER`, `POWER1`.
fn powers(node: &str, object: &Map<String, Json>, output: &mut Output) {
    for (name, raw) in object {
        if numbered(name, "POWER").is_some()
            && let Some(word) = raw.as_str().and_then(on_off)
        {
            output.push(part(node, name, word));
        }
    }
}

/// Wired switches and buttons: a state (`"Switch1":"ON"`) or what was done (`{"Action":"SINGLE"}`).
/// What they mean nobody has said, so they are words. The first switch is the device's own.
fn switches(node: &str, object: &Map<String, Json>, output: &mut Output) {
    for (name, raw) in object {
        let switch = numbered(name, "Switch");
        if switch.is_none() && numbered(name, "Button").is_none() {
            continue;
        }
        let word = raw.as_str().or_else(|| raw.get("Action")?.as_str());
        let Some(word) = word.filter(|word| !word.is_empty()) else {
            continue;
        };
        output.push(match switch {
            Some(1) => Observation::word(node, Kind::Other, words::cut(word)),
            _ => part(node, name, &words::cut(word)),
        });
    }
}

/// Codes of 433 MHz and infrared senders. A code is the sender and its state in one: what it means
/// has to be told by a profile.
fn codes(node: &str, object: &Map<String, Json>, output: &mut Output) {
    for name in ["RfReceived", "IrReceived"] {
        let Some(code) = object.get(name) else {
            continue;
        };
        match code.get("Data").and_then(words::text) {
            Some(data) => {
                output.push(Observation::word(node, Kind::Other, words::cut(&data)));
            }
            None => output.problem(format!("{node}: {name} without Data")),
        }
    }
}

/// Cards held before a reader: neither granted nor denied, and nobody's number is passed on.
fn cards(node: &str, object: &Map<String, Json>, output: &mut Output) {
    for name in CARD_READERS {
        if object.contains_key(name) {
            output.note(|| format!("{node}: {name} read a card; it does not say what was opened"));
        }
    }
}

fn part(node: &str, name: &str, word: &str) -> Observation {
    Observation::new(
        format!("{node}/{name}"),
        Kind::Other,
        Value::Text(word.to_owned()),
    )
}

fn on_off(text: &str) -> Option<&'static str> {
    match text.trim() {
        "ON" | "On" | "on" => Some("ON"),
        "OFF" | "Off" | "off" => Some("OFF"),
        _ => None,
    }
}

/// `INFO1` at boot: what the device is.
fn info(node: &str, object: &Map<String, Json>, output: &mut Output) {
    let info = object.get("Info1").unwrap_or(&Json::Null);
    output.announcements.push(Announcement {
        device: node.to_owned(),
        vendor: Some("Tasmota".to_owned()),
        model: info.get("Module").and_then(words::text),
        ..Announcement::default()
    });
}

/// The retained description of a device.
fn discovery(message: &Message<'_>, output: &mut Output) -> Verdict {
    if message.payload.is_empty() {
        return Verdict::Taken;
    }
    let Some(config) = message.object() else {
        return Verdict::Broken("the description of a device is not an object".to_owned());
    };
    let text = |name: &str| config.get(name).and_then(words::text);
    let (Some(full), Some(topic)) = (text("ft"), text("t")) else {
        return Verdict::Broken("the description of a device has no topic".to_owned());
    };
    output.announcements.push(Announcement {
        device: format!("tasmota/{}", topic::device_of(&full, &topic)),
        name: text("dn"),
        vendor: Some("Tasmota".to_owned()),
        model: text("md"),
        ..Announcement::default()
    });
    Verdict::Taken
}
