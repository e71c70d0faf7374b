//! ESP-RFID: card readers at doors, one JSON message per event on a topic that the user chose.
//!
//! Traps: the topic is the device, with whatever it begins and ends; booleans are text, and the text
//! "false" is not empty; a known card may be refused all the same: `access` decides, and `isKnown`
//! does not; the exit button reports itself as a user without a card; the clock is 0 until it is set.
//!
//! Card numbers come out as they are in the message. What passes them on makes them unreadable.

use gridwatch_protocol::{Kind, Value};
use serde_json::{Map, Value as Json};

use super::remembered::Remembered;
use super::{Format, Verdict};
use crate::frame::Message;
use crate::observation::{Announcement, Observation, Output};
use crate::time::SourceTime;
use crate::words;

#[cfg(test)]
mod tests;

/// Readers that are remembered: far more than one site has doors.
const READERS_MAX: usize = 1024;

/// See the module.
#[derive(Debug)]
pub(super) struct EspRfid {
    /// Devices that have sent what no other format sends.
    readers: Remembered<()>,
}

impl Default for EspRfid {
    fn default() -> Self {
        Self {
            readers: Remembered::new(READERS_MAX),
        }
    }
}

impl Format for EspRfid {
    fn name(&self) -> &'static str {
        "esp_rfid"
    }

    fn read(&mut self, message: &Message<'_>, output: &mut Output) -> Verdict {
        const NOT_MINE: Verdict = Verdict::NotMine("the message is not of a card reader");
        let base = base(message.topic);
        let device = format!("esp-rfid/{base}");
        if let Some(part) = message.topic.strip_prefix(base).filter(|p| !p.is_empty())
            && part != "/send"
            && part != "/tag"
        {
            return if self.readers.has(&device) {
                contact(&device, part, message, output)
            } else {
                NOT_MINE
            };
        }
        let Some(object) = message.object() else {
            return NOT_MINE;
        };
        let Some(kind) = self.kind(&device, object) else {
            return NOT_MINE;
        };
        self.readers.put(&device, ());
        let time = object.get("time").and_then(SourceTime::from_json);
        match kind {
            Event::Access => match access(&device, object, time) {
                Ok(observation) => output.push(observation),
                Err(why) => return Verdict::Broken(why),
            },
            Event::Alive => {
                let online = Observation::state(&device, Kind::Availability, true);
                output.push(online.at(time));
                if let Some(name) = object.get("hostname").and_then(words::text) {
                    output.announcements.push(Announcement {
                        device,
                        name: Some(name),
                        ..Announcement::default()
                    });
                }
            }
            Event::Log => output.note(|| "a line of the reader's own log".to_owned()),
        }
        Verdict::Taken
    }
}

/// What a message of a reader is.
#[derive(Debug, PartialEq, Eq)]
enum Event {
    Access,
    Alive,
    Log,
}

impl EspRfid {
    fn kind(&mut self, device: &str, object: &Map<String, Json>) -> Option<Event> {
        let has = |names: &[&str]| names.iter().all(|name| object.contains_key(*name));
        match object.get("type").and_then(Json::as_str) {
            Some("access") if has(&["time", "access", "uid"]) => Some(Event::Access),
            Some("boot") if has(&["time", "Wifi SSID"]) || has(&["time", "hostname", "ip"]) => {
                Some(Event::Alive)
            }
            // Short enough to be anyone's, unless the sender is known.
            Some("heartbeat")
                if has(&["time"]) && (self.readers.has(device) || has(&["uptime", "hostname"])) =>
            {
                Some(Event::Alive)
            }
            Some("WARN" | "ERRO" | "INFO") if self.readers.has(device) => Some(Event::Log),
            None if has(&["uid", "username", "access", "time"]) => Some(Event::Access),
            _ => None,
        }
    }
}

/// The reader's topic without what it appends.
fn base(topic: &str) -> &str {
    for suffix in [
        "/send",
        "/tag",
        "/io/door",
        "/io/lock",
        "/io/doorbell",
        "/io/tamper",
        "/avty",
    ] {
        if let Some(base) = topic.strip_suffix(suffix).filter(|base| !base.is_empty()) {
            return base;
        }
    }
    topic
}

/// Who was let in or not: the card, or the name where there is no card (the exit button).
fn access(
    device: &str,
    object: &Map<String, Json>,
    time: Option<SourceTime>,
) -> Result<Observation, String> {
    let text = |name: &str| object.get(name).and_then(words::text);
    let word = text("access").ok_or("an access without its result")?;
    let granted = matches!(word.as_str(), "Always" | "Admin" | "Granted" | "Timed");
    let kind = if granted {
        Kind::AccessGranted
    } else {
        Kind::AccessDenied
    };
    let value = text("uid").or_else(|| text("username")).map(Value::Text);
    let stamp = object.get("time").map(ToString::to_string);
    let observation = Observation::new(device, kind, value.unwrap_or(Value::Bool(true))).at(time);
    // One reader reads one card at a time, so its second and what came of it make the id. The card's
    // number stays out of it.
    Ok(match (stamp, time) {
        (Some(stamp), Some(SourceTime::Instant(_))) => {
            observation.event(format!("{device}/{stamp}/{word}"))
        }
        _ => observation,
    })
}

/// Inputs and outputs on topics of their own: the door's contact and the tamper switch.
fn contact(device: &str, part: &str, message: &Message<'_>, output: &mut Output) -> Verdict {
    let Some(text) = message.text() else {
        return Verdict::Broken("the state is not text".to_owned());
    };
    let state = words::state_word(text);
    let kind = match part {
        "/io/door" => Kind::Door,
        "/io/tamper" => Kind::Tamper,
        "/avty" => {
            if matches!(text, "online" | "offline") {
                let online = text == "online";
                output.push(Observation::state(device, Kind::Availability, online));
            }
            return Verdict::Taken;
        }
        _ => return Verdict::Taken,
    };
    match state {
        Ok(Some(on)) => output.push(Observation::state(device, kind, on)),
        Ok(None) => {}
        Err(why) => output.problem(format!("{device}{part}: {why}")),
    }
    Verdict::Taken
}
