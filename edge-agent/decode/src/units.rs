//! Units: one spelling and one scale per kind, whatever the device uses.
//!
//! | kind | unit |
//! |---|---|
//! | temperature | °C |
//! | humidity | % (relative) |
//! | battery | % or V |
//! | co2, carbon_monoxide, gas (concentration) | ppm (gas also %LEL) |
//! | voc | ppb, µg/m³ or the device's index |
//! | pm25 | µg/m³ |
//! | smoke (obscuration) | %/m, dB/m or the device's own |
//! | power | W |
//! | water_level | m |

use gridwatch_protocol::Kind;

/// A unit in its one spelling; what is not known stays as it is.
#[must_use]
pub fn spelled(unit: &str) -> &str {
    match unit.trim() {
        "C" | "°c" | "℃" | "degC" | "Cel" | "celsius" | "Celsius" | "°C" => "°C",
        "F" | "℉" | "degF" | "[degF]" | "fahrenheit" | "Fahrenheit" | "°F" => "°F",
        "%RH" | "%rh" | "RH%" | "% RH" | "percent" | "%" => "%",
        "ug/m3" | "ug/m³" | "μg/m³" | "µg/m3" | "μg/m3" | "µg/m³" => "µg/m³",
        "mg/m3" | "mg/m³" => "mg/m³",
        "volt" | "volts" | "Volt" | "Volts" | "v" | "V" => "V",
        "millivolt" | "millivolts" | "mv" | "mV" => "mV",
        "w" | "W" | "watt" | "Watt" => "W",
        "kw" | "kW" | "KW" => "kW",
        "PPM" | "ppm" => "ppm",
        "PPB" | "ppb" => "ppb",
        "lel" | "%lel" | "LEL" | "% LEL" | "%LEL" => "%LEL",
        other => other,
    }
}

/// A number of a kind in the kind's unit, with that unit's spelling.
#[must_use]
pub fn normalised(kind: Kind, number: f64, unit: &str) -> (f64, &str) {
    let unit = spelled(unit);
    match (kind, unit) {
        (Kind::Temperature | Kind::Heat, "°F") => (fahrenheit(number), "°C"),
        (Kind::Temperature | Kind::Heat, "K") => (rounded(number - 273.15), "°C"),
        (Kind::Battery, "mV") => (number / 1000.0, "V"),
        (Kind::Power, "kW") => (number * 1000.0, "W"),
        (Kind::Power, "mW") => (number / 1000.0, "W"),
        (Kind::Pm25 | Kind::Voc, "mg/m³") => (number * 1000.0, "µg/m³"),
        (Kind::CarbonMonoxide | Kind::Co2 | Kind::Gas, "ppb") => (number / 1000.0, "ppm"),
        (Kind::WaterLevel, "cm") => (number / 100.0, "m"),
        (Kind::WaterLevel, "mm") => (number / 1000.0, "m"),
        _ => (number, unit),
    }
}

/// Degrees Fahrenheit as degrees Celsius, to a thousandth.
#[must_use]
pub fn fahrenheit(number: f64) -> f64 {
    rounded((number - 32.0) / 1.8)
}

fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_in_the_unit_of_their_kind() {
        assert_eq!(normalised(Kind::Temperature, 3.38, "°F"), (-15.9, "°C"));
        assert_eq!(normalised(Kind::Temperature, 20.6, "℃"), (20.6, "°C"));
        assert_eq!(normalised(Kind::Power, 0.31, "kW"), (310.0, "W"));
        assert_eq!(normalised(Kind::Battery, 2952.0, "mV"), (2.952, "V"));
        assert_eq!(normalised(Kind::Pm25, 18.0, "ug/m3"), (18.0, "µg/m³"));
        assert_eq!(normalised(Kind::Other, 5.0, "Ω"), (5.0, "Ω"));
    }
}
