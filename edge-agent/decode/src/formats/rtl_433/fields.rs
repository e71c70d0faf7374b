//! Fields that mean the same in every model of rtl_433; their units stand in their names.

use gridwatch_protocol::{Kind, Value};
use serde_json::{Map, Value as Json};

use crate::observation::{Observation, Output};
use crate::{fields, units, words};

/// Numbers and the battery.
pub(super) fn measurements(
    device: &str,
    model: &str,
    event: &Map<String, Json>,
    output: &mut Output,
) {
    let is_tyre = event.get("type").and_then(Json::as_str) == Some("TPMS")
        || model.to_ascii_uppercase().contains("TPMS");
    if is_tyre {
        output.note(|| "the temperature of a tyre".to_owned());
        return;
    }
    for (name, raw) in event {
        let Some((kind, unit, probe)) = meaning(name, event) else {
            continue;
        };
        let device = if probe.is_empty() {
            device.to_owned()
        } else {
            format!("{device}/{probe}")
        };
        match words::number(raw) {
            Some(number) => {
                let (number, unit) = units::normalised(kind, number, unit);
                output.push(Observation::number(device, kind, number, unit));
            }
            None if raw.is_null() => {}
            None => output.problem(format!(
                "{device}: {name}: {} is not a number",
                words::brief(raw)
            )),
        }
    }
    battery(device, event, output);
}

/// What a number is, its unit, and the probe that measures it where there are several.
fn meaning<'a>(name: &'a str, event: &Map<String, Json>) -> Option<(Kind, &'static str, &'a str)> {
    Some(match name {
        "temperature_C" => (Kind::Temperature, "°C", ""),
        // The same temperature in the other unit.
        "temperature_F" if !event.contains_key("temperature_C") => (Kind::Temperature, "°F", ""),
        "humidity" => (Kind::Humidity, "%", ""),
        "co2_ppm" => (Kind::Co2, "ppm", ""),
        "pm2_5_ug_m3" => (Kind::Pm25, "µg/m³", ""),
        "power_W" => (Kind::Power, "W", ""),
        _ => {
            let probe = name.strip_prefix("temperature_")?;
            let (number, unit) = probe.split_once('_')?;
            let unit = match unit {
                "C" => "°C",
                "F" => "°F",
                _ => return None,
            };
            number.parse::<u8>().ok()?;
            (Kind::Temperature, unit, number)
        }
    })
}

/// `battery_ok`: 1 is good, 0 is low, and between them is a level.
fn battery(device: &str, event: &Map<String, Json>, output: &mut Output) {
    let word = |ok: bool| Value::Text(if ok { "ok" } else { "low" }.to_owned());
    if let Some(ok) = event.get("battery_ok").and_then(words::number) {
        let observation = if ok > 0.0 && ok < 1.0 {
            let percent = (ok * 1000.0).round() / 10.0;
            Observation::number(device, Kind::Battery, percent, "%")
        } else {
            Observation::new(device, Kind::Battery, word(ok >= 1.0))
        };
        output.push(observation);
        return;
    }
    let volts = [("battery_V", "V"), ("battery_mV", "mV")]
        .iter()
        .find_map(|(name, unit)| Some((words::number(event.get(*name)?)?, *unit)));
    if let Some((number, unit)) = volts {
        let (number, unit) = units::normalised(Kind::Battery, number, unit);
        output.push(Observation::number(device, Kind::Battery, number, unit));
        return;
    }
    // As older versions wrote it.
    match event.get("battery").and_then(Json::as_str) {
        Some("OK") => output.push(Observation::new(device, Kind::Battery, word(true))),
        Some("LOW") => output.push(Observation::new(device, Kind::Battery, word(false))),
        _ => {}
    }
}

/// States. The first name that says whether something is open wins: the others are the same in the
/// sender's older words.
pub(super) fn states(device: &str, event: &Map<String, Json>, output: &mut Output) {
    let door = [
        "state",
        "contact_open",
        "opened",
        "open",
        "closed",
        "reed_open",
    ]
    .iter()
    .find_map(|name| open(name, event.get(*name)?));
    if let Some(open) = door {
        output.push(Observation::state(device, Kind::Door, open));
    }
    for (name, raw) in event {
        let kind = match name.as_str() {
            "tamper" => Kind::Tamper,
            "motion" => Kind::Motion,
            "smoke" | "smoke_alarm" | "fire" => Kind::Smoke,
            "flood" | "leak" | "water_leak" | "detect_wet" => Kind::WaterLeak,
            "vibration" => Kind::Vibration,
            "state" | "event" | "button" if door.is_none() || name == "button" => {
                word(device, name, raw, output);
                continue;
            }
            "alarm" => {
                if let Ok(Some(on)) = words::state(raw) {
                    output.push(Observation::state(
                        format!("{device}/alarm"),
                        Kind::Other,
                        on,
                    ));
                }
                continue;
            }
            "test" => {
                if words::state(raw) == Ok(Some(true)) {
                    output.push(Observation::state(device, Kind::AlarmTest, true));
                }
                continue;
            }
            _ => continue,
        };
        match fields::state_of(kind, raw) {
            Ok(Some(on)) => output.push(Observation::state(device, kind, on)),
            Ok(None) => {}
            Err(why) => output.problem(format!("{device}: {name}: {why}")),
        }
    }
}

/// Whether something is open; `None` when the field does not speak of that.
fn open(name: &str, raw: &Json) -> Option<bool> {
    match (name, raw) {
        ("state", Json::String(word)) => match word.to_ascii_lowercase().as_str() {
            "open" | "opened" => Some(true),
            "close" | "closed" => Some(false),
            _ => None,
        },
        ("state", _) => None,
        ("closed", raw) => words::state(raw).ok().flatten().map(|closed| !closed),
        (_, raw) => words::state(raw).ok().flatten(),
    }
}

/// A word without a meaning of its own: what a remote control or a switch sent. Codes are none.
fn word(device: &str, name: &str, raw: &Json, output: &mut Output) {
    let text = match raw {
        Json::String(text) if !text.is_empty() => words::cut(text),
        raw if name == "button" => match words::text(raw) {
            Some(text) => text,
            None => return,
        },
        _ => return,
    };
    output.push(Observation::word(
        format!("{device}/{name}"),
        Kind::Other,
        text,
    ));
}
