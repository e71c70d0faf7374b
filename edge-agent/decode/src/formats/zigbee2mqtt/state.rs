//! A state message: which of its fields are read, and in which order of trust.

use gridwatch_protocol::{Kind, Value};
use serde_json::{Map, Value as Json};

use super::device::Device;
use super::property::{self, Meaning, Seen};
use crate::observation::{Observation, Output};
use crate::time::SourceTime;
use crate::words;

/// Longest word of an action that is told on.
const WORD_CHARS_MAX: usize = 64;
/// A battery's voltage in mV without an inventory: one cell that is flat to a block of ten.
const BATTERY_MV: std::ops::RangeInclusive<f64> = 1000.0..=15_000.0;
/// What the Zigbee specification writes when it knows no user.
const NO_USER: f64 = 65_535.0;

/// Reads a state.
pub(super) fn read(
    device: &mut Device,
    object: &Map<String, Json>,
    retained: bool,
    output: &mut Output,
) {
    let before = output.observations.len();
    let time = object.get("last_seen").and_then(SourceTime::from_json);
    if object.get("battery").and_then(words::number).is_some() {
        device.has_percentage = true;
    }
    for (key, raw) in object {
        if !raw.is_null() {
            field(device, key, raw, object, before, output);
        }
    }
    action(device, object, time, retained, output);
    let mut only_parts = true;
    for observation in output.observations.iter_mut().skip(before) {
        observation.time = time;
        only_parts &= observation.device != device.topic;
    }
    if only_parts {
        output.heard.push(device.topic.clone());
    }
}

/// Reads one field that is not null.
pub(super) fn field(
    device: &mut Device,
    key: &str,
    raw: &Json,
    object: &Map<String, Json>,
    before: usize,
    output: &mut Output,
) {
    if let Json::Object(inner) = raw {
        composite(device, key, inner, before, output);
        return;
    }
    let listed = device
        .channels
        .iter()
        .find(|channel| channel.property == key && channel.parent.is_none());
    let (meaning, part) = match listed {
        Some(channel) => (channel.meaning, channel.part.as_deref()),
        None => unlisted(key, raw, object),
    };
    let Some(meaning) = meaning else {
        output.note(|| format!("{key} is left alone"));
        return;
    };
    let (on_off, unit) = listed.map_or((None, ""), |c| (c.on_off(), c.unit.as_str()));
    match property::read(key, meaning, raw, on_off, unit) {
        Ok(Some(seen)) => {
            let id = match part {
                Some(part) => format!("{}/{part}", device.topic),
                None => device.topic.clone(),
            };
            if wanted(device, meaning, &seen, object, output) {
                push(id, seen, before, output);
            }
        }
        Ok(None) => {}
        Err(why) => output.problem(format!("{}: {why}", device.topic)),
    }
}

/// The fields of a composite that the inventory names. Objects that it does not name (`device`, which
/// old versions put into each state, `update`, `color`) are no states and are never flattened.
fn composite(
    device: &Device,
    parent: &str,
    inner: &Map<String, Json>,
    before: usize,
    output: &mut Output,
) {
    for channel in &device.channels {
        if channel.parent.as_deref() != Some(parent) {
            continue;
        }
        let (Some(meaning), Some(raw)) = (channel.meaning, inner.get(&channel.property)) else {
            continue;
        };
        let name = &channel.property;
        match property::read(name, meaning, raw, channel.on_off(), &channel.unit) {
            Ok(Some(seen)) => push(device.topic.clone(), seen, before, output),
            Ok(None) => {}
            Err(why) => output.problem(format!("{}: {parent}.{why}", device.topic)),
        }
    }
}

/// What a field means that the inventory does not name.
fn unlisted<'k>(
    key: &'k str,
    raw: &Json,
    object: &Map<String, Json>,
) -> (Option<Meaning>, Option<&'k str>) {
    match key {
        "state" if matches!(raw.as_str(), Some("LOCK" | "UNLOCK")) => {
            (Some(Meaning::LockCommand), None)
        }
        "voltage" => {
            let mains = object.contains_key("power") || object.contains_key("current");
            let is_battery =
                !mains && words::number(raw).is_some_and(|mv| BATTERY_MV.contains(&mv));
            (is_battery.then_some(Meaning::BatteryVoltage), None)
        }
        _ => match property::meaning(key) {
            Some(meaning) => (Some(meaning), None),
            None => property::at_endpoint(key).map_or((None, None), |(m, e)| (Some(m), Some(e))),
        },
    }
}

/// Whether another field of the device says the same thing better.
fn wanted(
    device: &mut Device,
    meaning: Meaning,
    seen: &Seen,
    object: &Map<String, Json>,
    output: &mut Output,
) -> bool {
    match meaning {
        Meaning::BatteryVoltage => {
            let flag = object.get("battery_low").is_some_and(Json::is_boolean);
            let listed = device
                .channels
                .iter()
                .any(|c| c.meaning == Some(Meaning::Battery));
            let wanted = !device.has_percentage && !listed && !flag;
            if !wanted {
                output.note(|| "voltage is left alone: the battery is told otherwise".to_owned());
            }
            wanted
        }
        // Next to a percentage the flag is news only when it changes.
        Meaning::BatteryLow | Meaning::BatteryWord => {
            let low = is_low(&seen.1);
            let wanted = low || device.low_told || !device.has_percentage;
            device.low_told = low;
            wanted
        }
        Meaning::LockCommand => object
            .get("lock_state")
            .is_none_or(|state| crate::fields::lock_state(state).is_none()),
        _ => true,
    }
}

/// One reading per device, kind and form; of two states the alarm counts.
fn push(id: String, seen: Seen, before: usize, output: &mut Output) {
    let (kind, value, unit) = seen;
    let same = output.observations.iter_mut().skip(before).find(|other| {
        kind != Kind::Other
            && other.kind == kind
            && other.device == id
            && std::mem::discriminant(&other.value) == std::mem::discriminant(&value)
    });
    if let Some(other) = same {
        if value == Value::Bool(true) || is_low(&value) {
            other.value = value;
        }
        return;
    }
    let mut observation = Observation::new(id, kind, value);
    observation.unit = unit;
    output.push(observation);
}

/// The action of a state, told once.
fn action(
    device: &mut Device,
    object: &Map<String, Json>,
    time: Option<SourceTime>,
    retained: bool,
    output: &mut Output,
) {
    let Some(word) = ["action", "click"]
        .iter()
        .find_map(|key| object.get(*key)?.as_str())
        .map(str::trim)
        .filter(|word| !word.is_empty())
    else {
        return;
    };
    device.actions_in_state = true;
    if retained {
        output.note(|| format!("action {word} is retained: it happened before"));
        return;
    }
    let id = time
        .and_then(|time| time.written())
        .map(|at| format!("{} {at} {}", device.topic, cut(word)));
    if id.is_some() && id == device.last_action {
        output.note(|| format!("action {word} of the same time was told already"));
        return;
    }
    device.last_action.clone_from(&id);
    let mut observation = event(&device.topic, word, object);
    observation.source_event = id;
    output.push(observation);
}

/// An action as an event: who opened a lock, who was refused, or the word itself.
pub(super) fn event(device: &str, word: &str, object: &Map<String, Json>) -> Observation {
    let word = cut(word);
    let denied = word.contains("_failure_") || word == "non_access_user_operational_event";
    let opened = word == "unlock" || word.ends_with("_unlock");
    if denied {
        Observation::word(device, Kind::AccessDenied, word)
    } else if opened {
        let who = user(object).unwrap_or(word);
        Observation::word(device, Kind::AccessGranted, who)
    } else {
        Observation::word(device, Kind::Other, word)
    }
}

/// The user of a lock's action. 0 is a person only at a keypad or a reader: locks also write 0 when
/// they were opened by hand or by radio.
fn user(object: &Map<String, Json>) -> Option<String> {
    let user = object.get("action_user")?;
    let source = object.get("action_source_name").and_then(Json::as_str);
    let personal = matches!(source, Some("keypad" | "rfid" | "fingerprint"));
    match words::number(user) {
        Some(NO_USER) => None,
        Some(0.0) if !personal => None,
        _ => words::text(user).map(|user| cut(&user)),
    }
}

fn cut(word: &str) -> String {
    word.chars().take(WORD_CHARS_MAX).collect()
}

fn is_low(value: &Value) -> bool {
    matches!(value, Value::Text(word) if word == "low")
}
