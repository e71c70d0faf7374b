//! The names that devices and codecs give their values, where a format itself does not say what a
//! value means: decoded LoRaWAN payloads, JSON of Bluetooth and radio gateways, metrics of Sparkplug.
//!
//! Only names that mean one thing are here. A name that means different things on different devices
//! (`status`, `state`, `alarm`, `value`) is not guessed at.

use gridwatch_protocol::{Kind, Value};
use serde_json::Value as Json;

use crate::observation::Observation;
use crate::{units, words};

/// What a name means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// What it is about.
    pub kind: Kind,
    /// How its value is read.
    pub form: Form,
}

/// How the value of a field is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A state, true in the kind's own sense; also in words of the kind ([`state_of`]).
    State,
    /// A state that says the opposite: `contact` true is a closed door.
    Opposite,
    /// A number in this unit.
    Number(&'static str),
    /// A battery in percent, or in volts where the name says so.
    Battery(&'static str),
    /// A battery that is low when true.
    BatteryLow,
    /// A battery that is good when true.
    BatteryOk,
    /// A lock in words.
    Lock,
}

/// What a name means, if it means one thing. Upper and lower case, `_`, `-`, `.` and blanks do not
/// matter: `Battery_Level`, `batteryLevel` and `battery level` are one name.
#[must_use]
pub fn field(name: &str) -> Option<Field> {
    let plain: String = name
        .chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .take(40)
        .collect();
    let (kind, form) = match plain.as_str() {
        "temperature"
        | "temp"
        | "tempc"
        | "temperaturec"
        | "tc"
        | "ambienttemperature"
        | "airtemperature"
        | "tempcsht"
        | "externaltemperature" => (Kind::Temperature, Form::Number("°C")),
        "tempf" | "temperaturef" => (Kind::Temperature, Form::Number("°F")),
        "humidity" | "hum" | "rh" | "relativehumidity" | "airhumidity" | "humsht" => {
            (Kind::Humidity, Form::Number("%"))
        }
        "co2" | "eco2" | "co2ppm" | "carbondioxide" => (Kind::Co2, Form::Number("ppm")),
        "tvoc" | "tvocppb" | "vocppb" => (Kind::Voc, Form::Number("ppb")),
        "pm25" | "pm2p5" | "pm2dot5" => (Kind::Pm25, Form::Number("µg/m³")),
        "battery" | "batt" | "bat" | "batterylevel" | "batterypercent" | "batterypercentage"
        | "batterylvl" | "batpct" | "batterysoc" => (Kind::Battery, Form::Battery("%")),
        "batv" | "vbat" | "batteryvoltage" | "batvoltage" | "batteryv" | "voltbatt" => {
            (Kind::Battery, Form::Battery("V"))
        }
        "batterymv" | "batterymillivolt" => (Kind::Battery, Form::Battery("mV")),
        "batterylow" | "lowbattery" | "lowbatt" | "batlow" => (Kind::Battery, Form::BatteryLow),
        "batteryok" | "battok" => (Kind::Battery, Form::BatteryOk),
        "smoke" | "smokealarm" | "smokedetected" | "firealarm" => (Kind::Smoke, Form::State),
        "gas" | "gasalarm" | "gasleak" | "gasdetected" => (Kind::Gas, Form::State),
        "carbonmonoxide" | "coalarm" | "carbonmonoxidealarm" => (Kind::CarbonMonoxide, Form::State),
        "heatalarm" | "hightemperaturealarm" => (Kind::Heat, Form::State),
        "waterleak" | "waterleakage" | "leak" | "leakage" | "leakagestatus" | "waterleakstatus"
        | "waterleakagestatus" | "flood" | "leakdetected" | "waterdetected" => {
            (Kind::WaterLeak, Form::State)
        }
        "door" | "dooropen" | "dooropenstatus" | "doorstate" | "doorstatus" | "magnet"
        | "magnetstatus" | "window" | "windowopen" | "opening" | "open" | "opened" => {
            (Kind::Door, Form::State)
        }
        "contact" => (Kind::Door, Form::Opposite),
        "lock" | "lockstate" | "lockstatus" => (Kind::Lock, Form::Lock),
        "tamper" | "tamperstatus" | "tamperalarm" | "tampered" => (Kind::Tamper, Form::State),
        "motion" | "pir" | "pirstatus" | "motiondetected" | "movement" | "pirstate" => {
            (Kind::Motion, Form::State)
        }
        "occupancy" | "presence" | "occupied" | "occupancystate" | "presencestate" => {
            (Kind::Occupancy, Form::State)
        }
        "vibration" | "vibrationdetected" => (Kind::Vibration, Form::State),
        "rssi" | "lqi" | "linkquality" => (Kind::LinkQuality, Form::Number("")),
        _ => return None,
    };
    Some(Field { kind, form })
}

/// What to do about a unit that stands neither in the message nor in the name of the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnitRule {
    /// The format's documents name the unit that its fields have.
    Conventional,
    /// The format says nothing about units: only what the name says (`tempc`) is a unit.
    Stated,
}

/// The observation of a named value; `Ok(None)` when the field says that there is none.
///
/// # Errors
/// A sentence when the value cannot be what the name says.
pub fn observe(
    device: &str,
    name: &str,
    raw: &Json,
    units: UnitRule,
) -> Result<Option<Observation>, String> {
    let Some(field) = field(name) else {
        return Ok(None);
    };
    let mut observation = read(device, field, raw)?;
    if let Some(observation) = &mut observation
        && units == UnitRule::Stated
        && observation.kind != Kind::Battery
        && observation.kind != Kind::Humidity
        && !names_its_unit(name)
    {
        observation.unit = None;
    }
    Ok(observation)
}

/// Whether the unit stands in the name: `tempc`, `temp_f`, `co2_ppm`, `tvoc_ppb`.
fn names_its_unit(name: &str) -> bool {
    let lower = name.to_lowercase();
    let plain = lower.replace(['_', '-', '.'], "");
    lower.ends_with("ppm")
        || lower.ends_with("ppb")
        || ["tempc", "tempf", "temperaturec", "temperaturef", "tc"].contains(&plain.as_str())
}

fn read(device: &str, field: Field, raw: &Json) -> Result<Option<Observation>, String> {
    if raw.is_null() {
        return Ok(None);
    }
    let number =
        || words::number(raw).ok_or_else(|| format!("{} is not a number", words::brief(raw)));
    let state = || state_of(field.kind, raw);
    let battery = |ok: bool| Value::Text(if ok { "ok" } else { "low" }.to_owned());
    Ok(match field.form {
        Form::State => match state() {
            // A concentration under the name of its alarm: `gas` 431 is no state.
            Err(why) => match words::number(raw) {
                Some(_) => None,
                None => return Err(why),
            },
            Ok(state) => state.map(|state| Observation::state(device, field.kind, state)),
        },
        Form::Opposite => state()?.map(|state| Observation::state(device, field.kind, !state)),
        Form::Number(unit) => {
            let (number, unit) = units::normalised(field.kind, number()?, unit);
            Some(Observation::number(device, field.kind, number, unit))
        }
        Form::Battery(unit) => match words::state(raw) {
            // `low`, `ok` and flags have names of their own; 1 % is a number all the same.
            Ok(Some(_)) if raw.is_boolean() => None,
            _ => match battery_word(raw) {
                Some(ok) => Some(Observation::new(device, Kind::Battery, battery(ok))),
                None => {
                    let (number, unit) = units::normalised(Kind::Battery, number()?, unit);
                    Some(Observation::number(device, Kind::Battery, number, unit))
                }
            },
        },
        Form::BatteryLow => {
            words::state(raw)?.map(|low| Observation::new(device, Kind::Battery, battery(!low)))
        }
        Form::BatteryOk => {
            words::state(raw)?.map(|ok| Observation::new(device, Kind::Battery, battery(ok)))
        }
        Form::Lock => lock_state(raw).map(|word| Observation::word(device, Kind::Lock, word)),
    })
}

/// A state of a kind: what [`words::state`] reads, and the words that devices use for the kind.
///
/// # Errors
/// A sentence when it is none.
pub fn state_of(kind: Kind, raw: &Json) -> Result<Option<bool>, String> {
    if let Json::String(word) = raw
        && let Some(state) = kind_word(kind, word)
    {
        return Ok(Some(state));
    }
    words::state(raw)
}

/// The words for a kind's two states. A door that is opening or closing is not closed.
fn kind_word(kind: Kind, word: &str) -> Option<bool> {
    let plain: String = word.trim().to_lowercase().replace(['_', '-'], " ");
    let (yes, no): (&[&str], &[&str]) = match kind {
        Kind::Door => (
            &["open", "opened", "opening", "closing", "ajar", "not closed"],
            &["closed", "close"],
        ),
        Kind::Tamper => (
            &[
                "uninstalled",
                "tampered",
                "tamper",
                "triggered",
                "removed",
                "alarm",
                "opened",
            ],
            &[
                "installed",
                "normal",
                "ok",
                "untampered",
                "not tampered",
                "clear",
            ],
        ),
        Kind::Motion | Kind::CameraMotion | Kind::Vibration => (
            &[
                "trigger",
                "triggered",
                "detected",
                "motion",
                "moving",
                "alarm",
            ],
            &[
                "normal",
                "clear",
                "idle",
                "still",
                "no motion",
                "not detected",
            ],
        ),
        Kind::Occupancy => (
            &["occupied", "present", "detected", "trigger", "triggered"],
            &[
                "vacant",
                "unoccupied",
                "empty",
                "absent",
                "normal",
                "clear",
                "not occupied",
            ],
        ),
        Kind::WaterLeak => (
            &[
                "leak",
                "leaking",
                "leakage",
                "wet",
                "flood",
                "water",
                "alarm",
                "detected",
                "leak detected",
            ],
            &[
                "normal",
                "dry",
                "ok",
                "clear",
                "no leak",
                "not detected",
                "no water",
            ],
        ),
        Kind::Smoke | Kind::Gas | Kind::CarbonMonoxide | Kind::Heat => (
            &[
                "alarm",
                "detected",
                "smoke",
                "fire",
                "gas",
                "leak",
                "smoke alarm",
                "gas alarm",
                "triggered",
            ],
            &[
                "normal",
                "clear",
                "ok",
                "not detected",
                "no alarm",
                "no smoke",
                "no gas",
            ],
        ),
        _ => return None,
    };
    if yes.contains(&plain.as_str()) {
        Some(true)
    } else {
        no.contains(&plain.as_str()).then_some(false)
    }
}

/// A lock's state in this project's words. Transitions and unknown states give none.
#[must_use]
pub fn lock_state(raw: &Json) -> Option<&'static str> {
    let word = raw.as_str()?.trim().to_lowercase().replace([' ', '-'], "_");
    match word.as_str() {
        "locked" | "lock" => Some("locked"),
        "unlocked" | "unlock" => Some("unlocked"),
        "jammed" => Some("jammed"),
        "not_fully_locked" => Some("not_fully_locked"),
        _ => None,
    }
}

fn battery_word(raw: &Json) -> Option<bool> {
    match raw.as_str()?.trim().to_lowercase().as_str() {
        "ok" | "normal" | "good" | "high" | "full" | "medium" => Some(true),
        "low" | "critical" | "empty" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(name: &str, raw: &Json) -> Option<(Kind, Value)> {
        observe("d", name, raw, UnitRule::Conventional)
            .expect("readable")
            .map(|o| (o.kind, o.value))
    }

    #[test]
    fn names_of_codecs_and_gateways_are_known_in_any_spelling() {
        assert_eq!(
            read("DOOR_OPEN_STATUS", &json!(0)),
            Some((Kind::Door, Value::Bool(false)))
        );
        assert_eq!(
            read("contact", &json!(true)),
            Some((Kind::Door, Value::Bool(false)))
        );
        assert_eq!(
            read("magnet_status", &json!("open")),
            Some((Kind::Door, Value::Bool(true)))
        );
        assert_eq!(
            read("tamper_status", &json!("installed")),
            Some((Kind::Tamper, Value::Bool(false)))
        );
        assert_eq!(
            read("BatV", &json!(2.952)),
            Some((Kind::Battery, Value::Number(2.952)))
        );
        assert_eq!(
            read("battery", &json!("100.00")),
            Some((Kind::Battery, Value::Number(100.0)))
        );
        assert_eq!(
            read("battery_ok", &json!(0)),
            Some((Kind::Battery, Value::Text("low".into())))
        );
        assert_eq!(
            read("tempf", &json!(3.38)),
            Some((Kind::Temperature, Value::Number(-15.9)))
        );
        assert_eq!(read("lock_state", &json!("unlocking")), None);
        assert_eq!(read("status", &json!(1)), None);
    }
}
