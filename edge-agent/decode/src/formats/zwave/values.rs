//! Values of Z-Wave nodes by command class: notification (113), binary sensor (48), multilevel sensor
//! (49), battery (128) and door lock (98). Numbers of notifications are those of the Z-Wave
//! specification's notification types; 0 is idle.

use gridwatch_protocol::{Kind, Value};
use serde_json::Value as Json;

use crate::observation::Observation;
use crate::{units, words};

/// A value's place: the class, and the property with its key, lower case and without blanks.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) class: Class,
    pub(super) property: String,
}

/// The command classes that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Notification,
    BinarySensor,
    MultilevelSensor,
    Battery,
    DoorLock,
    /// Known as a class, and nothing that is watched.
    Aside,
}

/// The class of a level: its number, or its name in named topics.
pub(super) fn class(level: &str) -> Option<Class> {
    Some(match level {
        "113" | "notification" => Class::Notification,
        "48" | "sensor_binary" => Class::BinarySensor,
        "49" | "sensor_multilevel" => Class::MultilevelSensor,
        "128" | "battery" => Class::Battery,
        "98" | "door_lock" | "lock" => Class::DoorLock,
        named if named.starts_with(|c: char| c.is_ascii_lowercase()) => Class::Aside,
        number if number.parse::<u8>().is_ok() => Class::Aside,
        _ => return None,
    })
}

/// What a value says; `None` when that is nothing.
pub(super) fn read(device: &str, place: &Place, value: &Json, unit: &str) -> Option<Observation> {
    match place.class {
        Class::Notification => notification(device, &place.property, words::number(value)?),
        Class::BinarySensor => {
            let on = words::state(value).ok()??;
            let kind = binary(&place.property);
            Some(match kind {
                Kind::Other => signal(device, &place.property, Value::Bool(on)),
                kind => Observation::state(device, kind, on),
            })
        }
        Class::MultilevelSensor => {
            let kind = multilevel(&place.property)?;
            let (number, unit) = units::normalised(kind, words::number(value)?, unit);
            Some(Observation::number(device, kind, number, unit))
        }
        Class::Battery => battery(device, &place.property, value),
        Class::DoorLock => lock(device, &place.property, value),
        Class::Aside => None,
    }
}

/// Something without a kind of its own, under its own name.
fn signal(device: &str, property: &str, value: Value) -> Observation {
    Observation::new(format!("{device}/{property}"), Kind::Other, value)
}

fn notification(device: &str, property: &str, number: f64) -> Option<Observation> {
    // Whole numbers below 65,536 only: an event's number.
    let event = (0.0..65_536.0).contains(&number).then_some(number)?;
    let is = |events: &[f64]| events.contains(&event);
    let state = |kind, on| Some(Observation::state(device, kind, on));
    let (kind, alarms): (Kind, &[f64]) = match property {
        "smokealarmsensorstatus" => (Kind::Smoke, &[1.0, 2.0]),
        "coalarmsensorstatus" => (Kind::CarbonMonoxide, &[1.0, 2.0]),
        "gasalarmsensorstatus" => (Kind::Gas, &[1.0, 2.0, 3.0, 4.0]),
        "heatalarmsensorstatus" | "heatalarmheatsensorstatus" => {
            (Kind::Heat, &[1.0, 2.0, 3.0, 4.0])
        }
        "wateralarmsensorstatus" => (Kind::WaterLeak, &[1.0, 2.0]),
        "homesecuritycoverstatus" => (Kind::Tamper, &[3.0, 9.0]),
        "homesecuritymotionsensorstatus" => (Kind::Motion, &[7.0, 8.0]),
        "smokealarmalarmstatus" | "coalarmalarmstatus" | "gasalarmalarmstatus" => {
            return is(&[3.0]).then(|| Observation::state(device, Kind::AlarmTest, true));
        }
        "homesecuritysensorstatus" => {
            // Intrusion or broken glass: which of them the device does not say alike.
            return Some(signal(device, property, Value::Bool(!is(&[0.0]))));
        }
        "accesscontroldoorstate" | "accesscontroldoorstatesimple" => {
            return match event {
                22.0 => state(Kind::Door, true),
                23.0 => state(Kind::Door, false),
                _ => None,
            };
        }
        "powermanagementmainsstatus" => {
            return match event {
                2.0 => state(Kind::Power, false),
                3.0 => state(Kind::Power, true),
                _ => None,
            };
        }
        property if property.starts_with("accesscontrol") => {
            return lock_event(event).map(|word| Observation::word(device, Kind::Lock, word));
        }
        _ => return None,
    };
    match () {
        () if is(alarms) => state(kind, true),
        () if is(&[0.0]) => state(kind, false),
        // A test of the smoke detector is among the states of some devices.
        () if is(&[3.0]) && matches!(kind, Kind::Smoke | Kind::CarbonMonoxide) => {
            state(Kind::AlarmTest, true)
        }
        () => None,
    }
}

/// Manual, remote, keypad and automatic operation of a lock.
fn lock_event(event: f64) -> Option<&'static str> {
    if [1.0, 3.0, 5.0, 9.0].contains(&event) {
        Some("locked")
    } else if [2.0, 4.0, 6.0].contains(&event) {
        Some("unlocked")
    } else {
        [11.0].contains(&event).then_some("jammed")
    }
}

fn binary(property: &str) -> Kind {
    match property {
        "smoke" => Kind::Smoke,
        "co" => Kind::CarbonMonoxide,
        "heat" => Kind::Heat,
        "water" => Kind::WaterLeak,
        "tamper" => Kind::Tamper,
        "doorwindow" => Kind::Door,
        "motion" => Kind::Motion,
        _ => Kind::Other,
    }
}

fn multilevel(property: &str) -> Option<Kind> {
    Some(match property {
        "airtemperature" => Kind::Temperature,
        "humidity" => Kind::Humidity,
        "power" => Kind::Power,
        "particulatematter25" => Kind::Pm25,
        p if p.starts_with("carbondioxide") => Kind::Co2,
        p if p.starts_with("carbonmonoxide") => Kind::CarbonMonoxide,
        p if p.starts_with("volatileorganic") => Kind::Voc,
        _ => return None,
    })
}

fn battery(device: &str, property: &str, value: &Json) -> Option<Observation> {
    match property {
        "level" => {
            let level = words::number(value)?;
            // 255 is the class's own way to say low.
            Some(if level > 100.0 {
                Observation::word(device, Kind::Battery, "low")
            } else {
                Observation::number(device, Kind::Battery, level, "%")
            })
        }
        "islow" => {
            let low = words::state(value).ok()??;
            Some(Observation::word(
                device,
                Kind::Battery,
                if low { "low" } else { "ok" },
            ))
        }
        _ => None,
    }
}

fn lock(device: &str, property: &str, value: &Json) -> Option<Observation> {
    match property {
        "currentmode" => {
            let mode = words::number(value)?;
            let word = if mode == 255.0 {
                "locked"
            } else if (0.0..=33.0).contains(&mode) {
                "unlocked"
            } else {
                return None;
            };
            Some(Observation::word(device, Kind::Lock, word))
        }
        "doorstatus" => match value.as_str()? {
            "open" => Some(Observation::state(device, Kind::Door, true)),
            "closed" => Some(Observation::state(device, Kind::Door, false)),
            _ => None,
        },
        _ => None,
    }
}
