//! Device classes: what an entity of which class reports here, and in which polarity.
//!
//! Traps: ON of a `lock` is UNLOCKED, of a `battery` LOW, of `door`, `window`, `opening` and
//! `garage_door` OPEN, of `connectivity` ONLINE. `gas` of a binary sensor is an alarm, of a sensor the
//! consumption of a meter; `moisture` of a binary sensor is a leak, of a sensor damp soil.

use gridwatch_protocol::Kind;

use crate::units;

/// What ON means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Means {
    /// The kind is true.
    True(Kind),
    /// The battery is low.
    Low,
    /// The lock is open.
    Unlocked,
}

impl Means {
    /// The kind that it is about.
    pub(super) fn kind(self) -> Kind {
        match self {
            Self::True(kind) => kind,
            Self::Low => Kind::Battery,
            Self::Unlocked => Kind::Lock,
        }
    }
}

/// What ON of a binary sensor means.
pub(super) fn binary(class: &str) -> Means {
    Means::True(match class {
        "battery" => return Means::Low,
        "lock" => return Means::Unlocked,
        "carbon_monoxide" => Kind::CarbonMonoxide,
        "connectivity" => Kind::Availability,
        "door" | "garage_door" | "opening" | "window" => Kind::Door,
        "gas" => Kind::Gas,
        "heat" => Kind::Heat,
        "moisture" => Kind::WaterLeak,
        "motion" => Kind::Motion,
        "occupancy" | "presence" => Kind::Occupancy,
        "power" => Kind::Power,
        "smoke" => Kind::Smoke,
        "tamper" => Kind::Tamper,
        "vibration" => Kind::Vibration,
        _ => Kind::Other,
    })
}

/// What a sensor's number is.
pub(super) fn sensor(class: &str, unit: &str, names: [&str; 2]) -> Kind {
    match class {
        "battery" => Kind::Battery,
        "carbon_dioxide" => Kind::Co2,
        "carbon_monoxide" => Kind::CarbonMonoxide,
        "humidity" => Kind::Humidity,
        "pm25" => Kind::Pm25,
        "power" => Kind::Power,
        "signal_strength" => Kind::LinkQuality,
        "temperature" => Kind::Temperature,
        "volatile_organic_compounds" | "volatile_organic_compounds_parts" => Kind::Voc,
        "" => unclassed(unit, names),
        _ => Kind::Other,
    }
}

/// Senders of before device classes give only a unit and a name.
fn unclassed(unit: &str, names: [&str; 2]) -> Kind {
    let says = |word: &str| {
        names.iter().any(|name| {
            name.to_lowercase()
                .split(|c: char| !c.is_alphanumeric())
                .next_back()
                == Some(word)
        })
    };
    match units::spelled(unit) {
        "°C" | "°F" => Kind::Temperature,
        "%" if says("humidity") => Kind::Humidity,
        "%" if says("battery") => Kind::Battery,
        "ppm" if says("co2") => Kind::Co2,
        "µg/m³" if says("pm25") => Kind::Pm25,
        _ => Kind::Other,
    }
}

/// Classes of which a diagnostic entity is read all the same.
pub(super) fn is_wanted_diagnostic(kind: Kind, class: &str) -> bool {
    match kind {
        Kind::Temperature | Kind::Humidity | Kind::Power | Kind::Co2 | Kind::Voc | Kind::Pm25 => {
            false
        }
        Kind::Other => matches!(class, "problem" | "safety"),
        _ => true,
    }
}
