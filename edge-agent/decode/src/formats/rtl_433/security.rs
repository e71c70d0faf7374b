//! Detectors and contacts whose messages mean something only together with their model.
//!
//! Some say nothing but that they alarm: the message is the alarm. A message that was sent while a
//! detector is being paired or tested is none, and a muted alarm is still one.

use gridwatch_protocol::Kind;
use serde_json::{Map, Value as Json};

use crate::observation::{Observation, Output};
use crate::words;

/// Bits of a Cavius message.
const CAVIUS_PAIRING: u64 = 0x80;
const CAVIUS_TEST: u64 = 0x40;
const CAVIUS_ALARM: u64 = 0x20;
const CAVIUS_WARNING: u64 = 0x10;
const CAVIUS_BATTERY: u64 = 0x08;

/// Whether the model is one that never says that its alarm is over.
pub(super) fn never_ends(model: &str) -> bool {
    is_gs558(model)
        || model == "Cavius-Security"
        || model.starts_with("Kerui")
        || model == "Govee-Water"
}

/// Reads the states of a model that has words of its own; whether it is one.
pub(super) fn read(
    device: &str,
    model: &str,
    event: &Map<String, Json>,
    output: &mut Output,
) -> bool {
    match model {
        "Cavius-Security" => cavius(device, event, output),
        model if is_gs558(model) => gs558(device, event, output),
        "Interlogix-Security" | "Interlogix" => interlogix(device, event, output),
        model if model.starts_with("Kerui") && event.contains_key("state") => {
            kerui(device, event, output);
        }
        "Govee-Water" | "Govee-Contact" => govee(device, event, output),
        "Bresser-Leakage" => {
            if let Some(Ok(Some(on))) = event.get("alarm").map(words::state) {
                output.push(Observation::state(device, Kind::WaterLeak, on));
            }
        }
        _ => return false,
    }
    true
}

fn is_gs558(model: &str) -> bool {
    matches!(model, "Smoke-GS558" | "Smoke detector GS 558")
}

/// Smoke, heat and water detectors of one model name: only the message tells.
fn cavius(device: &str, event: &Map<String, Json>, output: &mut Output) {
    let bits = event
        .get("message")
        .and_then(Json::as_u64)
        .or_else(|| cavius_text(event.get("text")?.as_str()?));
    let Some(bits) = bits else {
        output.problem(format!("{device}: a message without its kind"));
        return;
    };
    if bits & CAVIUS_PAIRING != 0 {
        output.note(|| "the detector is being paired".to_owned());
        return;
    }
    if bits & CAVIUS_TEST != 0 {
        output.push(Observation::state(device, Kind::AlarmTest, true));
        return;
    }
    if bits & CAVIUS_ALARM != 0 {
        output.push(Observation::state(device, Kind::Smoke, true));
    }
    if bits & CAVIUS_WARNING != 0 {
        output.push(Observation::state(device, Kind::WaterLeak, true));
    }
    if bits & CAVIUS_BATTERY != 0 {
        output.push(Observation::word(device, Kind::Battery, "low"));
    }
}

fn cavius_text(text: &str) -> Option<u64> {
    Some(match text {
        "Pairing" => CAVIUS_PAIRING,
        "Test alarm" => CAVIUS_TEST,
        "Fire alarm" => CAVIUS_ALARM,
        "Warning/Water detected" => CAVIUS_WARNING,
        "Battery low" => CAVIUS_BATTERY,
        "Alarm muted" => 0,
        _ => return None,
    })
}

/// Sends only while it alarms, or while it learns its group.
fn gs558(device: &str, event: &Map<String, Json>, output: &mut Output) {
    if event.get("learn").map(words::state) == Some(Ok(Some(true))) {
        output.note(|| "the detector learns its group".to_owned());
    } else {
        output.push(Observation::state(device, Kind::Smoke, true));
    }
}

/// Five switches, whose meaning depends on the type. Those of a contact are documented: the first is
/// the reed switch. The others are passed on as words.
fn interlogix(device: &str, event: &Map<String, Json>, output: &mut Output) {
    let subtype = ["subtype", "device_type"]
        .iter()
        .find_map(|name| event.get(*name)?.as_str());
    let Some(switch) = event.get("switch1").and_then(Json::as_str) else {
        return;
    };
    match (subtype, switch) {
        (Some("contact"), "OPEN") => output.push(Observation::state(device, Kind::Door, true)),
        (Some("contact"), "CLOSED") => output.push(Observation::state(device, Kind::Door, false)),
        _ => output.push(Observation::word(
            format!("{device}/switch1"),
            Kind::Other,
            words::cut(switch),
        )),
    }
}

fn kerui(device: &str, event: &Map<String, Json>, output: &mut Output) {
    let state = event
        .get("state")
        .and_then(Json::as_str)
        .unwrap_or_default();
    output.push(match state {
        "motion" => Observation::state(device, Kind::Motion, true),
        "open" => Observation::state(device, Kind::Door, true),
        "close" | "closed" => Observation::state(device, Kind::Door, false),
        "tamper" => Observation::state(device, Kind::Tamper, true),
        "water" => Observation::state(device, Kind::WaterLeak, true),
        "battery" => Observation::word(device, Kind::Battery, "low"),
        other => {
            output.problem(format!(
                "{device}: `{}` is no state of this detector",
                words::cut(other)
            ));
            return;
        }
    });
}

/// The leak detector says when it is wet; the contact says when it opens and never that it closes, so
/// that is an event and no state of a door.
fn govee(device: &str, event: &Map<String, Json>, output: &mut Output) {
    if let Some(Ok(Some(wet))) = event.get("detect_wet").map(words::state) {
        output.push(Observation::state(device, Kind::WaterLeak, wet));
        return;
    }
    match event.get("event").and_then(Json::as_str) {
        Some("Water Leak") => output.push(Observation::state(device, Kind::WaterLeak, true)),
        Some(word @ ("Button Press" | "Open")) => output.push(Observation::word(
            format!("{device}/event"),
            Kind::Other,
            word,
        )),
        _ => {}
    }
}
