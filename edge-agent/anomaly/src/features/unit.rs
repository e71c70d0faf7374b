//! From a reading's kind and unit to a channel of the model.
//!
//! Never guesses: a unit it does not know is no measurement. Alarm states (true, false) are for the
//! rules and are not channels.

use gridwatch_protocol::Kind;

use super::Channel;

/// The channel a measured value belongs to, and the value in the channel's unit. `None` for kinds
/// that the model does not use and for units it does not know.
///
/// Obscuration per metre is 100 · (1 − transmission over 1 m): an optical density of D per metre
/// (base 10) leaves 10^−D, m dB/m leave 10^−(m/10), o %/ft leave (1 − o/100)^(1/0.3048).
#[must_use]
pub fn measure(kind: Kind, unit: Option<&str>, value: f64) -> Option<(Channel, f64)> {
    let channel = match kind {
        Kind::Smoke => Channel::Smoke,
        Kind::Pm25 => Channel::Pm25,
        Kind::CarbonMonoxide => Channel::CarbonMonoxide,
        Kind::Voc => Channel::Voc,
        Kind::Temperature => Channel::Temperature,
        Kind::Humidity => Channel::Humidity,
        Kind::Co2 => Channel::Co2,
        _ => return None,
    };
    let value = match (channel, unit.unwrap_or(channel.unit())) {
        (Channel::Smoke, "%/m") => value,
        (Channel::Smoke, "1/m") => obscuration(10_f64.powf(-value)),
        (Channel::Smoke, "dB/m") => obscuration(10_f64.powf(-value / 10.0)),
        (Channel::Smoke, "%/ft") => obscuration((1.0 - value / 100.0).max(0.0).powf(1.0 / 0.3048)),
        (Channel::Pm25, "µg/m³" | "ug/m3") => value,
        (Channel::Pm25, "mg/m³" | "mg/m3") => value * 1000.0,
        (Channel::CarbonMonoxide | Channel::Co2, "ppm") => value,
        (Channel::CarbonMonoxide | Channel::Co2, "%") => value * 10_000.0,
        (Channel::Voc, "" | "ppb" | "index") => value,
        (Channel::Voc, "ppm") => value * 1000.0,
        (Channel::Temperature, "°C" | "C" | "degC" | "Cel") => value,
        (Channel::Temperature, "°F" | "F" | "degF") => (value - 32.0) / 1.8,
        (Channel::Temperature, "K") => value - 273.15,
        (Channel::Humidity, "%" | "%RH") => value,
        (Channel::Humidity, "1") => value * 100.0,
        _ => return None,
    };
    Some((channel, value))
}

fn obscuration(transmission: f64) -> f64 {
    100.0 * (1.0 - transmission)
}
