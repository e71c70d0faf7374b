//! What the properties of Zigbee2MQTT mean. The names are those of its documentation
//! (<https://www.zigbee2mqtt.io/guide/usage/exposes.html> and the pages of the devices).
//!
//! Only names that mean one thing are here. Names that merely sound like one are not: `window_open`
//! is a thermostat's guess, `soil_moisture` no leak, `device_temperature` a chip's.

use gridwatch_protocol::{Kind, Value};
use serde_json::Value as Json;

use crate::{fields, units, words};

/// What a property means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A state, true in the kind's own sense.
    State(Kind),
    /// A contact: true is closed.
    Contact,
    /// A door in words: `open`, `closed`, `tilted`, `error_forced_open`.
    DoorWord,
    /// A number in this unit unless the inventory gives another.
    Number(Kind, &'static str),
    /// Battery in percent.
    Battery,
    /// Battery in words: `low`, `medium`, `high`.
    BatteryWord,
    /// True when the battery is low.
    BatteryLow,
    /// Voltage of the battery in mV.
    BatteryVoltage,
    /// What the lock's bolt does.
    LockState,
    /// What the lock was told: `LOCK` or `UNLOCK`.
    LockCommand,
    /// Whether a switch is on.
    Switch,
    /// The device is being tested.
    Test,
    /// What a device calls its own trouble, or a call for help; true is news, false is none.
    Fault,
    /// An event.
    Action,
}

/// What a name means.
pub(super) fn meaning(name: &str) -> Option<Meaning> {
    Some(match name {
        "smoke" | "smoke_alarm" => Meaning::State(Kind::Smoke),
        "gas" | "gas_alarm" => Meaning::State(Kind::Gas),
        "carbon_monoxide" | "carbon_monoxide_alarm" => Meaning::State(Kind::CarbonMonoxide),
        "heat" | "heat_alarm" => Meaning::State(Kind::Heat),
        "water_leak" | "water_leak_alarm" => Meaning::State(Kind::WaterLeak),
        "vibration" => Meaning::State(Kind::Vibration),
        "occupancy" | "presence" => Meaning::State(Kind::Occupancy),
        "motion" => Meaning::State(Kind::Motion),
        "tamper" | "tamper_alarm" => Meaning::State(Kind::Tamper),
        "contact" | "garage_door_contact" => Meaning::Contact,
        "door_state" | "opening_state" => Meaning::DoorWord,
        "test" | "self_test" => Meaning::Test,
        "trouble" | "battery_defect" | "fault_alarm" | "fault" | "sos" => Meaning::Fault,
        "battery" => Meaning::Battery,
        "battery_low" => Meaning::BatteryLow,
        "battery_state" => Meaning::BatteryWord,
        "lock_state" => Meaning::LockState,
        "action" | "click" => Meaning::Action,
        "temperature" | "local_temperature" => Meaning::Number(Kind::Temperature, "°C"),
        "humidity" => Meaning::Number(Kind::Humidity, "%"),
        "co2" | "eco2" => Meaning::Number(Kind::Co2, "ppm"),
        "co" => Meaning::Number(Kind::CarbonMonoxide, "ppm"),
        "voc" => Meaning::Number(Kind::Voc, ""),
        "voc_parts" | "voc_ppb" => Meaning::Number(Kind::Voc, "ppb"),
        "pm25" => Meaning::Number(Kind::Pm25, "µg/m³"),
        "power" => Meaning::Number(Kind::Power, "W"),
        "linkquality" => Meaning::Number(Kind::LinkQuality, ""),
        "smoke_density_dbm" => Meaning::Number(Kind::Smoke, "dB/m"),
        "smoke_density" | "smoke_concentration" => Meaning::Number(Kind::Smoke, ""),
        "gas_value" | "gas_concentration" => Meaning::Number(Kind::Gas, ""),
        _ => return None,
    })
}

/// Whether a name is the main state of a detector.
pub(super) fn is_detector(name: &str) -> bool {
    matches!(meaning(name), Some(Meaning::State(_) | Meaning::Contact))
}

/// The meaning of a name of a device with several endpoints, and the endpoint: `contact_l2`.
pub(super) fn at_endpoint(name: &str) -> Option<(Meaning, &str)> {
    let (stem, endpoint) = name.rsplit_once('_')?;
    let number = endpoint.strip_prefix('l').unwrap_or(endpoint);
    let is_one =
        (!number.is_empty() && number.len() <= 2 && number.bytes().all(|b| b.is_ascii_digit()))
            || matches!(endpoint, "left" | "right" | "top" | "bottom" | "center");
    let meaning = meaning(stem)?;
    (is_one
        && matches!(
            meaning,
            Meaning::State(_) | Meaning::Contact | Meaning::Number(..)
        ))
    .then_some((meaning, endpoint))
}

/// The kind that a property reports, for the announcement.
pub(super) fn kind(meaning: Meaning) -> Option<Kind> {
    match meaning {
        Meaning::State(kind) | Meaning::Number(kind, _) => Some(kind),
        Meaning::Contact | Meaning::DoorWord => Some(Kind::Door),
        Meaning::Battery | Meaning::BatteryWord | Meaning::BatteryLow | Meaning::BatteryVoltage => {
            Some(Kind::Battery)
        }
        Meaning::LockState | Meaning::LockCommand => Some(Kind::Lock),
        Meaning::Test => Some(Kind::AlarmTest),
        Meaning::Switch | Meaning::Fault | Meaning::Action => None,
    }
}

/// A value with its kind and unit.
pub(super) type Seen = (Kind, Value, Option<String>);

/// The values of a property that mean on and off, as the inventory tells them.
pub(super) type OnOff<'a> = Option<(&'a Json, &'a Json)>;

/// Reads a value. `Ok(None)` when it says nothing.
///
/// # Errors
/// A sentence when it cannot be what the property means.
pub(super) fn read(
    name: &str,
    meaning: Meaning,
    raw: &Json,
    on_off: OnOff<'_>,
    unit: &str,
) -> Result<Option<Seen>, String> {
    if raw.is_null() {
        return Ok(None);
    }
    let named = |why: String| format!("{name}: {why}");
    match meaning {
        Meaning::State(kind) => Ok(state(kind, raw, on_off)
            .map_err(named)?
            .map(|state| (kind, Value::Bool(state), None))),
        Meaning::Contact => Ok(contact(raw)
            .map_err(named)?
            .map(|open| (Kind::Door, Value::Bool(open), None))),
        Meaning::DoorWord => Ok(door_word(raw)),
        Meaning::Number(kind, usual) => number(kind, raw, unit, usual).map_err(named),
        Meaning::Battery => battery(raw).map_err(named),
        Meaning::BatteryWord => Ok(match raw.as_str() {
            Some("low") => Some(word(Kind::Battery, "low")),
            Some("medium" | "high") => Some(word(Kind::Battery, "ok")),
            _ => None,
        }),
        Meaning::BatteryLow => Ok(state(Kind::Battery, raw, on_off)
            .map_err(named)?
            .map(|low| word(Kind::Battery, if low { "low" } else { "ok" }))),
        Meaning::BatteryVoltage => Ok(words::number(raw)
            .filter(|mv| *mv > 0.0)
            .map(|mv| (Kind::Battery, Value::Number(mv / 1000.0), Some("V".into())))),
        Meaning::LockState => Ok(fields::lock_state(raw).map(|state| word(Kind::Lock, state))),
        Meaning::LockCommand => Ok(lock_command(raw, on_off).map(|s| word(Kind::Lock, s))),
        Meaning::Switch => Ok(state(Kind::Other, raw, on_off)
            .unwrap_or_default()
            .map(|on| (Kind::Other, Value::Bool(on), None))),
        Meaning::Test => Ok(test(raw).map(|test| (Kind::AlarmTest, Value::Bool(test), None))),
        Meaning::Fault => Ok((raw.as_bool() == Some(true)).then(|| word(Kind::Other, name))),
        Meaning::Action => Ok(None),
    }
}

fn word(kind: Kind, word: &str) -> Seen {
    (kind, Value::Text(word.to_owned()), None)
}

fn state(kind: Kind, raw: &Json, on_off: OnOff<'_>) -> Result<Option<bool>, String> {
    if let Some((on, off)) = on_off
        && on != off
    {
        if raw == on {
            return Ok(Some(true));
        }
        if raw == off {
            return Ok(Some(false));
        }
    }
    fields::state_of(kind, raw)
}

/// Whether the door is open. The inventory's `value_on` differs between versions (true once, now
/// false); what true means has always been the same.
fn contact(raw: &Json) -> Result<Option<bool>, String> {
    match words::state(raw) {
        Ok(closed) => Ok(closed.map(|closed| !closed)),
        Err(_) => fields::state_of(Kind::Door, raw),
    }
}

fn door_word(raw: &Json) -> Option<Seen> {
    match raw.as_str()?.to_lowercase().as_str() {
        "error_forced_open" => Some((Kind::DoorForced, Value::Bool(true), None)),
        "open" | "opened" | "tilted" | "tilt" | "ajar" => {
            Some((Kind::Door, Value::Bool(true), None))
        }
        "closed" | "close" => Some((Kind::Door, Value::Bool(false), None)),
        _ => None,
    }
}

fn number(kind: Kind, raw: &Json, unit: &str, usual: &str) -> Result<Option<Seen>, String> {
    if raw.as_str().is_some_and(|text| text.trim().is_empty()) {
        return Ok(None);
    }
    let number =
        words::number(raw).ok_or_else(|| format!("{} is not a number", words::brief(raw)))?;
    let unit = if unit.is_empty() { usual } else { unit };
    let (number, unit) = units::normalised(kind, number, unit);
    let unit = (!unit.is_empty()).then(|| unit.to_owned());
    Ok(Some((kind, Value::Number(number), unit)))
}

fn battery(raw: &Json) -> Result<Option<Seen>, String> {
    match raw.as_str() {
        Some("low") => return Ok(Some(word(Kind::Battery, "low"))),
        Some("medium" | "high" | "normal") => return Ok(Some(word(Kind::Battery, "ok"))),
        _ => {}
    }
    number(Kind::Battery, raw, "%", "%")
}

fn lock_command(raw: &Json, on_off: OnOff<'_>) -> Option<&'static str> {
    if let Some((on, off)) = on_off {
        if raw == on {
            return Some("locked");
        }
        if raw == off {
            return Some("unlocked");
        }
    }
    fields::lock_state(raw)
}

/// `test` is a flag; `self_test` also a word that says how far the test is.
fn test(raw: &Json) -> Option<bool> {
    match raw.as_str() {
        Some("checking" | "testing" | "test" | "detecting") => Some(true),
        Some(
            "checking_success" | "success" | "checking_failure" | "failure" | "others" | "checked"
            | "idle",
        ) => Some(false),
        _ => words::state(raw).ok().flatten(),
    }
}
