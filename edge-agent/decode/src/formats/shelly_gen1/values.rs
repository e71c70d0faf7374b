//! Single values of first-generation Shelly devices, by topic.

use gridwatch_protocol::{Kind, Value};
use serde_json::{Map, Value as Json};

use crate::observation::{Observation, Output};
use crate::{units, words};

/// `{"value": 24.5, "units": "C", "is_valid": true}`, of which the device may doubt the value.
pub(super) fn temperature(device: &str, tmp: Option<&Json>, output: &mut Output) {
    let Some(tmp) = tmp.and_then(Json::as_object) else {
        return;
    };
    if tmp.get("is_valid") == Some(&Json::Bool(false)) {
        output.note(|| "the device says that its temperature is not valid".to_owned());
        return;
    }
    let celsius = |tmp: &Map<String, Json>| words::number(tmp.get("tC")?);
    let unit = tmp.get("units").and_then(Json::as_str).unwrap_or("C");
    let read = celsius(tmp)
        .map(|number| (number, "°C"))
        .or_else(|| Some((words::number(tmp.get("value")?)?, unit)));
    if let Some((number, unit)) = read {
        let (number, unit) = units::normalised(Kind::Temperature, number, unit);
        output.push(Observation::number(device, Kind::Temperature, number, unit));
    }
}

/// A percentage; -1 is none.
pub(super) fn percent(raw: &Json) -> Option<f64> {
    words::number(raw).filter(|number| (0.0..=100.0).contains(number))
}

pub(super) fn sensor(device: &str, name: &str, text: &str, output: &mut Output) {
    let kind = match name {
        "flood" => Kind::WaterLeak,
        "smoke" => Kind::Smoke,
        "motion" => Kind::Motion,
        "vibration" => Kind::Vibration,
        "tamper" => Kind::Tamper,
        "state" => return door(device, text, output),
        "temperature" => return number(device, Kind::Temperature, text, "°C", output),
        "humidity" => return number(device, Kind::Humidity, text, "%", output),
        "gas" => return gas(device, text, output),
        "concentration" => return number(device, Kind::Gas, text, "ppm", output),
        "self_test" => {
            if matches!(text, "running" | "pending") {
                output.push(Observation::state(device, Kind::AlarmTest, true));
            }
            return;
        }
        "operation" => {
            if text != "unknown" {
                output.push(word(device, name, &words::cut(text)));
            }
            return;
        }
        _ => {
            output.note(|| format!("sensor/{name}: nothing that is watched"));
            return;
        }
    };
    state(device, kind, text, output);
}

fn state(device: &str, kind: Kind, text: &str, output: &mut Output) {
    match words::state_word(text) {
        Ok(Some(on)) => output.push(Observation::state(device, kind, on)),
        // -1: the sensor is switched off or not calibrated.
        Ok(None) => {}
        Err(_) if text == "-1" => {}
        Err(why) => output.problem(format!("{device}: {kind}: {why}")),
    }
}

/// A number. -1, and 999 of a missing probe, are none.
pub(super) fn number(device: &str, kind: Kind, text: &str, unit: &str, output: &mut Output) {
    match words::number_text(text) {
        Some(number) if kind == Kind::Temperature && number >= 999.0 => {
            output.note(|| "999 is a missing probe".to_owned());
        }
        Some(number) if kind != Kind::Temperature && kind != Kind::Power && number < 0.0 => {
            output.note(|| format!("{number} is no measurement"));
        }
        Some(number) => output.push(Observation::number(device, kind, number, unit)),
        None if matches!(words::state_word(text), Ok(None)) => {}
        None => output.problem(format!(
            "{device}: {kind}: `{}` is not a number",
            words::cut(text)
        )),
    }
}

pub(super) fn door(device: &str, text: &str, output: &mut Output) {
    match text {
        "open" => output.push(Observation::state(device, Kind::Door, true)),
        "close" | "closed" => output.push(Observation::state(device, Kind::Door, false)),
        "unknown" => {}
        other => output.problem(format!(
            "{device}: state: `{}` is neither open nor close",
            words::cut(other)
        )),
    }
}

/// The gas detector's alarm: none, mild and heavy; a test is one.
fn gas(device: &str, text: &str, output: &mut Output) {
    match text {
        "none" => output.push(Observation::state(device, Kind::Gas, false)),
        "mild" | "heavy" => output.push(Observation::state(device, Kind::Gas, true)),
        "test" => output.push(Observation::state(device, Kind::AlarmTest, true)),
        "unknown" => {}
        other => output.problem(format!(
            "{device}: gas: `{}` is no state of a gas detector",
            words::cut(other)
        )),
    }
}

/// Relays, meters, inputs and probes. The first channel of a kind is the device's own.
pub(super) fn channel(device: &str, levels: &[&str], text: &str, output: &mut Output) {
    let part = |name: &str, channel: &str| {
        if channel == "0" {
            device.to_owned()
        } else {
            format!("{device}/{name}:{channel}")
        }
    };
    match levels {
        ["relay", "power"] => number(device, Kind::Power, text, "W", output),
        ["relay", n] => on_off(&part("relay", n), text, output),
        ["relay" | "emeter" | "light" | "roller", n, "power"] => {
            let name = levels.first().copied().unwrap_or_default();
            number(&part(name, n), Kind::Power, text, "W", output);
        }
        ["input", n] => on_off(&format!("{device}/input:{n}"), text, output),
        ["ext_temperature", n] => {
            let probe = format!("{device}/ext_temperature:{n}");
            number(&probe, Kind::Temperature, text, "°C", output);
        }
        ["ext_humidity", n] => {
            let probe = format!("{device}/ext_humidity:{n}");
            number(&probe, Kind::Humidity, text, "%", output);
        }
        ["overtemperature"] => on_off(&format!("{device}/overtemperature"), text, output),
        ["temperature" | "temperature_f"] => {
            output.note(|| "the temperature of the case, not of the room".to_owned());
        }
        _ => output.note(|| "nothing that is watched".to_owned()),
    }
}

/// An output or input: on or off, without a meaning of its own.
fn on_off(device: &str, text: &str, output: &mut Output) {
    match words::state_word(text) {
        Ok(Some(on)) => output.push(Observation::new(device, Kind::Other, Value::Bool(on))),
        Ok(None) => {}
        // `overpower`: the relay has switched itself off.
        Err(_) => output.push(Observation::word(device, Kind::Other, words::cut(text))),
    }
}

fn word(device: &str, name: &str, text: &str) -> Observation {
    Observation::word(format!("{device}/{name}"), Kind::Other, text)
}
