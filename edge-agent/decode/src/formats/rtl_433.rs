//! rtl_433: what cheap radio sensors send at 315, 345, 433, 868 and 915 MHz, as JSON of one event
//! (`rtl_433/<host>/events`) or as one value per topic (`…/devices/<model>/<id>/<field>`). Also the
//! same JSON as OpenMQTTGateway sends it.
//!
//! Traps: every event is sent several times, and told as often; `battery_ok` 0 is low, and may be a
//! fraction; some detectors send only while they alarm, and never that it is over; a time like
//! `@0.49s` is an offset in a recording; without zone it is the host's local time; tyres have
//! temperatures too. What is alike in every model is read by field, what is not by model.

use gridwatch_protocol::{Kind, Quality, Timestamp};
use serde_json::{Map, Value as Json};

use super::remembered::Remembered;
use super::{Format, Verdict};
use crate::frame::Message;
use crate::observation::{Observation, Output};
use crate::time::SourceTime;
use crate::words;

mod fields;
mod security;
#[cfg(test)]
mod tests;

/// Senders in reach whose last message is remembered: a receiver in a city hears hundreds.
const SENDERS_MAX: usize = 2048;
/// Larger events are not compared with their repetitions: real ones have a few hundred bytes.
const EVENT_BYTES_MAX: usize = 4096;
/// A message that is repeated within this time is the same one: senders repeat within 2 s.
const REPEAT_MS: i64 = 2_000;
/// A detector that sends only while it alarms is taken for clear after this time without a message.
const ALARM_MS: i64 = 10 * 60 * 1000;
/// Fields that differ between the repetitions of one message.
const RADIO: [&str; 10] = [
    "time", "rssi", "snr", "noise", "freq", "freq1", "freq2", "mod", "protocol", "duration",
];

/// See the module.
#[derive(Debug)]
pub(super) struct Rtl433 {
    events: Events,
}

impl Default for Rtl433 {
    fn default() -> Self {
        Self {
            events: Events::new("rtl_433"),
        }
    }
}

impl Format for Rtl433 {
    fn name(&self) -> &'static str {
        "rtl_433"
    }

    fn read(&mut self, message: &Message<'_>, output: &mut Output) -> Verdict {
        let levels: Vec<&str> = message.levels().collect();
        let Some(at) = levels.iter().position(|level| *level == "rtl_433") else {
            return Verdict::NotMine("the topic has no level rtl_433");
        };
        let host = levels.get(at + 1).copied().unwrap_or_default();
        match levels.get(at + 1..).unwrap_or_default() {
            [.., "availability"] => availability(message, output),
            [_, "devices", path @ .., field] if path.len() >= 2 => {
                field_of(path, field, message, output)
            }
            [_, "states"] => Verdict::Taken,
            _ if host.is_empty() => Verdict::NotMine("the topic names no host"),
            _ => self.events.read(message, output),
        }
    }

    fn tick(&mut self, now: Timestamp, output: &mut Output) {
        self.events.tick(now, output);
    }
}

/// Reads events, whoever brings them.
#[derive(Debug)]
pub(super) struct Events {
    prefix: &'static str,
    last: Remembered<Last>,
    alarms: Remembered<Alarm>,
}

/// The last message of a sender.
#[derive(Debug)]
struct Last {
    counter: Option<Json>,
    fields: Map<String, Json>,
    at: Timestamp,
}

/// An alarm that its sender never ends.
#[derive(Debug)]
struct Alarm {
    device: String,
    kind: Kind,
    ends_at: Timestamp,
}

impl Events {
    pub(super) fn new(prefix: &'static str) -> Self {
        Self {
            prefix,
            last: Remembered::new(SENDERS_MAX),
            alarms: Remembered::new(SENDERS_MAX),
        }
    }

    pub(super) fn read(&mut self, message: &Message<'_>, output: &mut Output) -> Verdict {
        let event = match message.json() {
            Ok(json) => json.as_object(),
            Err(why) => return Verdict::Broken(why.to_owned()),
        };
        let Some(event) = event else {
            return Verdict::Broken("an event is not an object".to_owned());
        };
        let Some(model) = event.get("model").and_then(words::text) else {
            return Verdict::Broken("an event without model".to_owned());
        };
        let device = device_of(self.prefix, &model, event);
        output.heard.push(device.clone());
        let is_small = message.payload.len() <= EVENT_BYTES_MAX;
        if is_small && self.is_repeat(&device, event, message.received_at) {
            output.note(|| "the sender repeats its message".to_owned());
            return Verdict::Taken;
        }
        let from = output.observations.len();
        fields::measurements(&device, &model, event, output);
        if !security::read(&device, &model, event, output) {
            fields::states(&device, event, output);
        }
        let time = event.get("time").and_then(SourceTime::from_json);
        for observation in output.observations.iter_mut().skip(from) {
            observation.time = time;
        }
        if security::never_ends(&model) {
            self.watch(output, from, message.received_at);
        }
        Verdict::Taken
    }

    /// Repetitions have the same fields, but for those of the radio. A counter makes it sure.
    fn is_repeat(&mut self, device: &str, event: &Map<String, Json>, at: Timestamp) -> bool {
        let fields: Map<String, Json> = event
            .iter()
            .filter(|(name, _)| !RADIO.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let counter = event.get("counter").cloned();
        let repeat = self.last.get(device).is_some_and(|last| {
            let counted = counter.is_some() && counter == last.counter;
            let soon = at.ms_since(last.at).abs() <= REPEAT_MS;
            last.fields == fields && (counted || soon)
        });
        let last = Last {
            counter,
            fields,
            at,
        };
        self.last.put(device, last);
        repeat
    }

    fn watch(&mut self, output: &Output, from: usize, now: Timestamp) {
        let hazards = output.observations.iter().skip(from).filter(|o| {
            o.value.as_bool() == Some(true)
                && matches!(o.kind, Kind::Smoke | Kind::WaterLeak | Kind::Motion)
        });
        for hazard in hazards {
            let key = format!("{}\n{}", hazard.device, hazard.kind);
            let alarm = Alarm {
                device: hazard.device.clone(),
                kind: hazard.kind,
                ends_at: now.plus_ms(ALARM_MS),
            };
            self.alarms.put(&key, alarm);
        }
    }

    /// Ends alarms that were not repeated for some time. Nobody said that they are over, so that is
    /// marked as uncertain.
    pub(super) fn tick(&mut self, now: Timestamp, output: &mut Output) {
        for (_, alarm) in self
            .alarms
            .take_if(|alarm| alarm.ends_at.ms_since(now) <= 0)
        {
            output.push(Observation {
                quality: Quality::Uncertain,
                ..Observation::state(alarm.device, alarm.kind, false)
            });
        }
    }
}

/// `model/channel/id`, and the unit within a group where there is one.
fn device_of(prefix: &str, model: &str, event: &Map<String, Json>) -> String {
    let text = |name: &str| event.get(name).and_then(words::text);
    let parts = ["channel", "id", "unit"]
        .iter()
        .filter_map(|name| text(name));
    let mut device = format!("{prefix}/{model}");
    for part in parts {
        device.push('/');
        device.push_str(&part);
    }
    device
}

/// The receiver. Other receivers may hear the same senders, so nothing is said about those.
fn availability(message: &Message<'_>, output: &mut Output) -> Verdict {
    let online = match message.text() {
        Some("online") => true,
        Some("offline") => false,
        _ => return Verdict::Broken("availability is neither online nor offline".to_owned()),
    };
    let host = message.topic.strip_suffix("/availability");
    let host = host.unwrap_or(message.topic).trim_start_matches("rtl_433/");
    output.push(Observation::state(
        format!("rtl_433/{host}"),
        Kind::Availability,
        online,
    ));
    Verdict::Taken
}

/// One value on a topic of its own. The same values come as events too, where both are configured;
/// what only an event can tell is left to it.
fn field_of(path: &[&str], field: &str, message: &Message<'_>, output: &mut Output) -> Verdict {
    let Some(text) = message.text() else {
        return Verdict::Broken("the value is not text".to_owned());
    };
    let device = format!("rtl_433/{}", path.join("/"));
    output.heard.push(device.clone());
    let model = path.first().copied().unwrap_or_default();
    let mut event = Map::new();
    event.insert(field.to_owned(), Json::String(text.to_owned()));
    fields::measurements(&device, model, &event, output);
    if !security::read(&device, model, &event, output) {
        fields::states(&device, &event, output);
    }
    Verdict::Taken
}
