//! Shelly devices of the second generation and later (Plus, Pro, Gen3, Gen4): notifications on
//! `<prefix>/events/rpc`, components on `<prefix>/status/<component>`, and `<prefix>/online`.
//!
//! Traps: `NotifyStatus` tells only what has changed; `ts` is an uptime until the clock is set; `mute`
//! silences the sounder, not the alarm; `temperature:0` is the inside of the case but for devices that
//! measure the room; the phases of a meter are part of its total; a device that sleeps says
//! `online false` after every wake-up.
//!
//! The device is the topic's prefix, which is the device's id unless someone changed it.

use gridwatch_protocol::Kind;
use serde_json::Value as Json;

use super::remembered::Remembered;
use super::{Format, Verdict};
use crate::frame::Message;
use crate::observation::{Announcement, Observation, Output};
use crate::time::SourceTime;
use crate::words;

mod components;
mod events;
#[cfg(test)]
mod tests;

use components::Component;

/// Devices that are remembered: more than one broker serves.
const DEVICES_MAX: usize = 4096;
/// Ids of devices that sleep between messages.
const SLEEPERS: [&str; 6] = [
    "shellyplusht-",
    "shellyhtg3-",
    "shellyplussmoke-",
    "shellyflood",
    "shellyht",
    "shellysmoke",
];

/// See the module.
#[derive(Debug)]
pub(super) struct ShellyGen2 {
    devices: Remembered<Known>,
    /// The last packets of Bluetooth sensors.
    packets: Remembered<String>,
}

/// What is known of a device by its topic's prefix.
#[derive(Debug, Clone, Default)]
struct Known {
    /// Its own id.
    id: String,
    /// It wakes up now and then only.
    sleeps: bool,
}

impl Default for ShellyGen2 {
    fn default() -> Self {
        Self {
            devices: Remembered::new(DEVICES_MAX),
            packets: Remembered::new(events::BLUETOOTH_MAX),
        }
    }
}

/// What a topic is.
enum Shape<'a> {
    Notification(String),
    Component(String, Component<'a>),
    Online(String),
    /// Answers to others' requests, and scripts' own.
    Aside,
    Other,
}

impl Format for ShellyGen2 {
    fn name(&self) -> &'static str {
        "shelly_gen2"
    }

    fn read(&mut self, message: &Message<'_>, output: &mut Output) -> Verdict {
        match self.shape(message) {
            Shape::Notification(prefix) => self.notification(&prefix, message, output),
            Shape::Component(prefix, component) => {
                self.component(&prefix, component, message, output)
            }
            Shape::Online(prefix) => self.online(&prefix, message, output),
            Shape::Aside => Verdict::Taken,
            Shape::Other => Verdict::NotMine("the topic is not <id>/events/rpc or <id>/status/…"),
        }
    }
}

impl ShellyGen2 {
    fn shape<'a>(&mut self, message: &Message<'a>) -> Shape<'a> {
        let levels: Vec<&'a str> = message.levels().collect();
        let join = |prefix: &[&str]| prefix.join("/");
        match levels.as_slice() {
            ["shellies", ..] => Shape::Other,
            [prefix @ .., "events", "rpc"] if !prefix.is_empty() => {
                Shape::Notification(join(prefix))
            }
            [prefix @ .., "status", key] if !prefix.is_empty() => {
                let prefix = join(prefix);
                match Component::parse(key) {
                    // Components without a number are words that others use too.
                    Some(component) if component.number.is_some() || self.is_ours(&prefix) => {
                        Shape::Component(prefix, component)
                    }
                    _ => Shape::Other,
                }
            }
            [prefix @ .., "online"] if self.is_ours(&join(prefix)) => Shape::Online(join(prefix)),
            [prefix @ .., "rpc" | "command"] if self.is_ours(&join(prefix)) => Shape::Aside,
            _ => Shape::Other,
        }
    }

    /// Whether a prefix is that of a device: by its id or because it was heard.
    fn is_ours(&mut self, prefix: &str) -> bool {
        let id = prefix.rsplit('/').next().unwrap_or_default();
        (id.starts_with("shelly") && id.contains('-')) || self.devices.has(prefix)
    }

    fn known(&mut self, prefix: &str) -> Known {
        let by_topic = || {
            let id = prefix.rsplit('/').next().unwrap_or_default().to_owned();
            let sleeps = SLEEPERS.iter().any(|sleeper| id.starts_with(sleeper));
            Known { id, sleeps }
        };
        self.devices.get(prefix).cloned().unwrap_or_else(by_topic)
    }

    fn notification(
        &mut self,
        prefix: &str,
        message: &Message<'_>,
        output: &mut Output,
    ) -> Verdict {
        let object = match message.json() {
            Ok(json) => json.as_object(),
            Err(why) => return Verdict::Broken(why.to_owned()),
        };
        let method = object.and_then(|o| o.get("method")?.as_str());
        let params = object.and_then(|o| o.get("params")?.as_object());
        let (Some(object), Some(method), Some(params)) = (object, method, params) else {
            return Verdict::Broken("a notification without method or params".to_owned());
        };
        let mut known = self.known(prefix);
        if let Some(id) = object.get("src").and_then(words::text) {
            known.sleeps |= SLEEPERS.iter().any(|sleeper| id.starts_with(sleeper));
            known.id = words::cut(&id);
        }
        let device = format!("shelly/{prefix}");
        output.heard.push(device.clone());
        let time = params.get("ts").and_then(SourceTime::from_json);
        match method {
            "NotifyStatus" | "NotifyFullStatus" => {
                let from = output.observations.len();
                for (key, state) in params {
                    if let (Some(component), Some(state)) =
                        (Component::parse(key), state.as_object())
                    {
                        components::read(&device, &known.id, component, state, output);
                    }
                }
                for observation in output.observations.iter_mut().skip(from) {
                    observation.time = time;
                }
                known.sleeps |= wakes(&device, params.get("sys"), output);
            }
            "NotifyEvent" => events::read(&device, params, time, &mut self.packets, output),
            _ => output.note(|| format!("{method}: nothing that is watched")),
        }
        self.devices.put(prefix, known);
        Verdict::Taken
    }

    fn component(
        &mut self,
        prefix: &str,
        component: Component<'_>,
        message: &Message<'_>,
        output: &mut Output,
    ) -> Verdict {
        if message.payload.is_empty() {
            return Verdict::Taken;
        }
        let state = match message.json() {
            Ok(json) => json.as_object(),
            Err(why) => return Verdict::Broken(why.to_owned()),
        };
        let Some(state) = state else {
            return Verdict::Broken("the state of a component is not an object".to_owned());
        };
        let mut known = self.known(prefix);
        let device = format!("shelly/{prefix}");
        output.heard.push(device.clone());
        components::read(&device, &known.id, component, state, output);
        if component.kind == "sys" {
            let sys = Json::Object(state.clone());
            known.sleeps |= wakes(&device, Some(&sys), output);
        }
        self.devices.put(prefix, known);
        Verdict::Taken
    }

    fn online(&mut self, prefix: &str, message: &Message<'_>, output: &mut Output) -> Verdict {
        let device = format!("shelly/{prefix}");
        match message.text().map(words::state_word) {
            Some(Ok(Some(false))) if self.known(prefix).sleeps => {
                output.note(|| format!("{device} sleeps between messages: offline is planned"));
            }
            Some(Ok(Some(online))) => {
                output.push(Observation::state(device, Kind::Availability, online));
            }
            Some(Ok(None)) => {}
            Some(Err(why)) => return Verdict::Broken(format!("online: {why}")),
            None => return Verdict::Broken("online is not text".to_owned()),
        }
        Verdict::Taken
    }
}

/// How often a device wakes up, and whether it sleeps at all. A fifth more is granted, as a wake-up
/// over a weak network takes its time.
fn wakes(device: &str, sys: Option<&Json>, output: &mut Output) -> bool {
    let period = sys
        .and_then(|sys| sys.get("wakeup_period"))
        .and_then(Json::as_i64)
        .filter(|seconds| *seconds > 0);
    let Some(seconds) = period else {
        return false;
    };
    output.announcements.push(Announcement {
        device: device.to_owned(),
        vendor: Some("Shelly".to_owned()),
        silent_after_ms: seconds.checked_mul(1200),
        ..Announcement::default()
    });
    true
}
