//! Names and words that only codecs use.

use gridwatch_protocol::Kind;
use serde_json::Value as Json;

use crate::fields;
use crate::observation::Observation;
use crate::words;

/// Names of a probe on a cable, beside the sensor in the housing.
pub(super) fn is_external(name: &str) -> bool {
    let plain = plain(name);
    [
        "externaltemperature",
        "tempcds",
        "exttemperature",
        "temperatureexternal",
    ]
    .contains(&plain.as_str())
}

pub(super) fn plain(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .take(40)
        .collect()
}

/// The name that [`fields`] knows for a name that only codecs use.
pub(super) fn alias(name: &str) -> &str {
    match plain(name).as_str() {
        "temperaturesensor" | "tempcds" | "exttemperature" | "temperatureexternal" => "temperature",
        "humiditysensor" | "humi" | "relhumidity" => "humidity",
        "presencesensor" | "occupy" | "occupancystatus" => "occupancy",
        "smokestatus" | "smokesensor" | "firestatus" => "smoke",
        "gasstatus" => "gas",
        "hightempalarm" | "heatstatus" => "heatalarm",
        "disassembledalarm" | "tamperdetected" | "dismantle" => "tamper",
        "contactstate" | "contactstatus" => "door",
        "leakstatus" | "watersensor" | "waterstatus" => "waterleak",
        "motionstatus" => "motion",
        "co2concentration" => "co2",
        "batterylevelinpercentage" => "battery",
        "lowbatteryalarm" | "batterylowalarm" => "batterylow",
        "vdd" | "battmv" | "batmv" => "batterymv",
        _ => name,
    }
}

/// Gases without an alarm: a concentration is no alarm state.
pub(super) fn concentration(name: &str) -> Option<Kind> {
    matches!(
        plain(name).as_str(),
        "nh3" | "h2s" | "nh3ppm" | "h2sppm" | "no2" | "so2"
    )
    .then_some(Kind::Other)
}

/// `NoLeak`, `Not_Detected`, `unoccupied`: the opposite of a word that is known.
pub(super) fn opposite(kind: Kind, word: &str) -> Option<bool> {
    let raw = |word: &str| Json::String(word.to_owned());
    if fields::state_of(kind, &raw(word)).is_ok() {
        return None;
    }
    let plain = plain(word);
    ["not", "no", "un"].iter().find_map(|no| {
        let rest = plain.strip_prefix(no)?;
        let yes = fields::state_of(kind, &raw(rest)) == Ok(Some(true));
        yes.then_some(false)
    })
}

/// Words by which codecs say that there is no value.
pub(super) fn is_silent(word: &str) -> bool {
    let plain = plain(word);
    [
        "0xffff",
        "0xff",
        "na",
        "error",
        "readerror",
        "sensorerror",
        "invalid",
        "notconnected",
    ]
    .contains(&plain.as_str())
        || plain.contains("nosensor")
}

/// `Alarm` and `Normal`, as states.
pub(super) fn alarm_word(word: &str) -> Option<bool> {
    match plain(word).as_str() {
        "alarm" | "pushed" | "pressed" => Some(true),
        "normal" | "noalarm" | "released" => Some(false),
        _ => words::state_word(word).ok().flatten(),
    }
}

/// A test button and a fault flag: a test is told while the button is pressed, a fault by its name.
pub(super) fn button_or_fault(device: &str, name: &str, raw: &Json) -> Option<Vec<Observation>> {
    let test = match plain(name).as_str() {
        "testbuttonpressed" | "testbutton" | "selftest" => true,
        "faultalarm" => false,
        _ => return None,
    };
    let on = match raw {
        Json::String(word) => alarm_word(word),
        raw => words::state(raw).ok().flatten(),
    };
    Some(match (on, test) {
        (Some(true), true) => vec![Observation::state(device, Kind::AlarmTest, true)],
        (Some(true), false) => vec![Observation::word(device, Kind::Other, "fault")],
        _ => Vec::new(),
    })
}
