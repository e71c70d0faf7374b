//! Shelly devices of the first generation: `shellies/<id>/…`, one plain value per topic, and the
//! motion sensor's JSON.
//!
//! Traps: booleans are the words `true` and `false`, or 1 and 0; a door is `open` or `close`; the
//! temperature of a relay is that of its case, in two units; a battery device that sleeps says
//! `online false` after every wake-up, and is not lost; -1 is no measurement; the gas detector's
//! `test` is a test; `active` of the motion sensor means that it is switched on.

use gridwatch_protocol::Kind;
use serde_json::Value as Json;

use super::remembered::Remembered;
use super::{Format, Verdict};
use crate::frame::Message;
use crate::observation::{Announcement, Observation, Output};
use crate::time::SourceTime;
use crate::words;

#[cfg(test)]
mod tests;
mod values;

use values::{channel, door, number, percent, sensor, temperature};

/// Devices that are remembered: more than one broker serves.
const DEVICES_MAX: usize = 4096;
/// Ids and model codes of devices that sleep between messages.
const SLEEPERS: [&str; 12] = [
    "shellyht-",
    "shellyflood-",
    "shellydw-",
    "shellydw2-",
    "shellysmoke-",
    "shellybutton1-",
    "SHHT-",
    "SHWT-",
    "SHDW-",
    "SHSM-",
    "SHBTN-",
    "SHSN-",
];
/// Devices whose `temperature` is the room's.
const ROOM: [&str; 8] = [
    "shellyht-",
    "shellyflood-",
    "shellydw2-",
    "shellysmoke-",
    "SHHT-",
    "SHWT-",
    "SHDW-2",
    "SHSM-",
];

/// See the module.
#[derive(Debug)]
pub(super) struct ShellyGen1 {
    /// The model codes of devices by their id, from their announcements.
    models: Remembered<String>,
    /// Devices with a battery that have reported plain sensor values: they sleep.
    sleepers: Remembered<()>,
    /// The number of the last event of an input.
    events: Remembered<String>,
}

impl Default for ShellyGen1 {
    fn default() -> Self {
        Self {
            models: Remembered::new(DEVICES_MAX),
            sleepers: Remembered::new(DEVICES_MAX),
            events: Remembered::new(DEVICES_MAX),
        }
    }
}

impl Format for ShellyGen1 {
    fn name(&self) -> &'static str {
        "shelly_gen1"
    }

    fn read(&mut self, message: &Message<'_>, output: &mut Output) -> Verdict {
        let levels: Vec<&str> = message.levels().collect();
        let ["shellies", id, rest @ ..] = levels.as_slice() else {
            return Verdict::NotMine("the topic does not begin with shellies");
        };
        let Some(text) = message.text() else {
            return Verdict::Broken("the payload is not text".to_owned());
        };
        match (*id, rest) {
            ("command", _) | (_, [.., "command" | "set"]) => return Verdict::Taken,
            ("announce", []) => return self.announce(None, message, output),
            (_, ["announce"]) => return self.announce(Some(id), message, output),
            ("", _) | (_, []) => return Verdict::NotMine("the topic names no device or no value"),
            _ => {}
        }
        let device = format!("shelly/{id}");
        output.heard.push(device.clone());
        if text.is_empty() {
            return Verdict::Taken;
        }
        match rest {
            ["online"] => self.online(&device, id, text, output),
            ["status"] => return motion(&device, message, output),
            ["info"] => return self.info(&device, id, message, output),
            ["input_event", channel] => {
                return self.event(&device, channel, message, output);
            }
            ["sensor", "battery"] => {
                self.sleepers.put(id, ());
                number(&device, Kind::Battery, text, "%", output);
            }
            ["sensor", name] => sensor(&device, name, text, output),
            rest => channel(&device, rest, text, output),
        }
        Verdict::Taken
    }
}

impl ShellyGen1 {
    fn is(&mut self, id: &str, models: &[&str]) -> bool {
        let model = self.models.get(id).cloned().unwrap_or_default();
        models
            .iter()
            .any(|prefix| id.starts_with(prefix) || model.starts_with(prefix))
    }

    fn online(&mut self, device: &str, id: &str, text: &str, output: &mut Output) {
        match words::state_word(text) {
            Ok(Some(false)) if self.is(id, &SLEEPERS) || self.sleepers.has(id) => {
                output.note(|| format!("{device} sleeps between messages: offline is planned"));
            }
            Ok(Some(online)) => {
                output.push(Observation::state(device, Kind::Availability, online));
            }
            Ok(None) => {}
            Err(why) => output.problem(format!("{device}: online: {why}")),
        }
    }

    fn announce(
        &mut self,
        id: Option<&str>,
        message: &Message<'_>,
        output: &mut Output,
    ) -> Verdict {
        let Some(object) = message.object() else {
            return Verdict::Broken("the announcement is not an object".to_owned());
        };
        let text = |name: &str| object.get(name).and_then(words::text);
        let Some(id) = id.map(str::to_owned).or_else(|| text("id")) else {
            return Verdict::Broken("the announcement has no id".to_owned());
        };
        let model = text("model");
        if let Some(model) = &model {
            self.models.put(&id, words::cut(model));
        }
        output.announcements.push(Announcement {
            device: format!("shelly/{id}"),
            vendor: Some("Shelly".to_owned()),
            model,
            ..Announcement::default()
        });
        Verdict::Taken
    }

    /// A pressed button: `{"event":"S","event_cnt":3}`. The count makes a repetition harmless.
    fn event(
        &mut self,
        device: &str,
        channel: &str,
        message: &Message<'_>,
        output: &mut Output,
    ) -> Verdict {
        let Some(object) = message.object() else {
            return Verdict::Broken("the event is not an object".to_owned());
        };
        let Some(word) = object.get("event").and_then(words::text) else {
            return Verdict::Taken;
        };
        let part = format!("{device}/input:{channel}");
        let observation = Observation::word(&part, Kind::Other, word);
        let count = object.get("event_cnt").and_then(words::text);
        let count = count.map(|count| words::cut(&count));
        let Some(count) = count else {
            output.push(observation);
            return Verdict::Taken;
        };
        let last = self.events.get(&part).cloned();
        if last.as_ref() == Some(&count) {
            output.note(|| format!("event {count} was told before"));
            return Verdict::Taken;
        }
        let event = format!("{part}/{count}");
        self.events.put(&part, count);
        output.push(observation.event(event));
        Verdict::Taken
    }

    /// The whole state at connect, as the device's HTTP interface gives it.
    fn info(
        &mut self,
        device: &str,
        id: &str,
        message: &Message<'_>,
        output: &mut Output,
    ) -> Verdict {
        let Some(info) = message.object() else {
            return Verdict::Broken("info is not an object".to_owned());
        };
        let from = output.observations.len();
        let at = |path: &str| message.json().ok()?.pointer(path);
        if let Some(battery) = at("/bat/value").and_then(percent) {
            output.push(Observation::number(device, Kind::Battery, battery, "%"));
        }
        let states = [
            ("/flood", Kind::WaterLeak),
            ("/smoke", Kind::Smoke),
            ("/sensor/motion", Kind::Motion),
            ("/sensor/vibration", Kind::Vibration),
        ];
        for (path, kind) in states {
            if let Some(on) = at(path).and_then(Json::as_bool) {
                output.push(Observation::state(device, kind, on));
            }
        }
        if let Some(word) = at("/sensor/state").and_then(Json::as_str) {
            door(device, word, output);
        }
        if self.is(id, &ROOM) {
            temperature(device, info.get("tmp"), output);
        }
        if let Some(humidity) = at("/hum/value").and_then(percent) {
            output.push(Observation::number(device, Kind::Humidity, humidity, "%"));
        }
        let time = at("/unixtime").and_then(SourceTime::from_json);
        for observation in output.observations.iter_mut().skip(from) {
            observation.time = time;
        }
        Verdict::Taken
    }
}

/// The motion sensor's state. `timestamp` is when it last saw motion.
fn motion(device: &str, message: &Message<'_>, output: &mut Output) -> Verdict {
    let Some(status) = message.object() else {
        return Verdict::Broken("the status is not an object".to_owned());
    };
    let from = output.observations.len();
    for (name, kind) in [
        ("motion", Kind::Motion),
        ("vibration", Kind::Vibration),
        ("tamper", Kind::Tamper),
    ] {
        match status.get(name).map(words::state) {
            Some(Ok(Some(on))) => output.push(Observation::state(device, kind, on)),
            Some(Err(why)) => output.problem(format!("{device}: {name}: {why}")),
            _ => {}
        }
    }
    if let Some(battery) = status.get("bat").and_then(percent) {
        output.push(Observation::number(device, Kind::Battery, battery, "%"));
    }
    temperature(device, status.get("tmp"), output);
    let time = status.get("timestamp").and_then(SourceTime::from_json);
    for observation in output.observations.iter_mut().skip(from) {
        observation.time = time;
    }
    Verdict::Taken
}
