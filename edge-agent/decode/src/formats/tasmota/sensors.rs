//! What the sensors wired to a Tasmota device and the Bluetooth sensors that it hears say.
//!
//! The key is the name of the chip, not what is measured, and means nothing to the names of fields:
//! those are fixed in Tasmota, with units from its documentation. A null where a number should be is
//! a sensor that does not answer.

use gridwatch_protocol::Kind;
use serde_json::{Map, Value as Json};

use super::super::remembered::Remembered;
use crate::observation::{Observation, Output};
use crate::{units, words};

/// Sensors that are parts of their own are remembered up to this number: thousands of sensors at one
/// broker, far beyond one site.
const PARTS_MAX: usize = 4096;

/// Which sensors of which device are devices of their own.
#[derive(Debug)]
pub(super) struct Sensors {
    parts: Remembered<()>,
}

/// One sensor's observations, not yet placed.
struct Heard<'a> {
    name: &'a str,
    observations: Vec<Observation>,
}

impl Sensors {
    pub(super) fn new() -> Self {
        Self {
            parts: Remembered::new(PARTS_MAX),
        }
    }

    /// Reads the sensors of a message. Units of temperature stand beside them in `TempUnit`.
    pub(super) fn read(&mut self, node: &str, message: &Map<String, Json>, output: &mut Output) {
        let unit = message
            .get("TempUnit")
            .and_then(Json::as_str)
            .unwrap_or("C");
        let mut heard: Vec<Heard<'_>> = Vec::new();
        for (name, fields) in message {
            let Some(fields) = fields.as_object() else {
                continue;
            };
            // Devices of the Zigbee bridge, whose names are anything.
            if name.starts_with("Zb") || name.starts_with("Zigbee") {
                continue;
            }
            let observations = sensor(node, name, fields, unit, output);
            if !observations.is_empty() {
                heard.push(Heard { name, observations });
            }
        }
        let placed: Vec<String> = heard
            .iter()
            .map(|sensor| self.place(node, sensor, &heard))
            .collect();
        for (sensor, device) in heard.into_iter().zip(placed) {
            for mut observation in sensor.observations {
                // Until here it holds which of several inputs it is.
                observation.device.insert_str(0, &device);
                output.push(observation);
            }
        }
    }

    /// The device of a sensor: the node, unless the sensor has an address of its own, one of several
    /// of its type, or measures what another one of the node measures too.
    fn place(&mut self, node: &str, sensor: &Heard<'_>, all: &[Heard<'_>]) -> String {
        let own = format!("{node}/{}", sensor.name);
        match suffix(sensor.name) {
            Suffix::Address => return format!("tasmota/{}", sensor.name),
            Suffix::Number => return own,
            Suffix::None => {}
        }
        let kinds =
            |one: &Heard<'_>| -> Vec<Kind> { one.observations.iter().map(|o| o.kind).collect() };
        let mine = kinds(sensor);
        let shared = all.iter().any(|other| {
            other.name != sensor.name
                && suffix(other.name) == Suffix::None
                && kinds(other).iter().any(|kind| mine.contains(kind))
        });
        if shared {
            self.parts.put(&own, ());
        }
        // Also while the other one is missing because it is broken.
        if self.parts.has(&own) {
            own
        } else {
            node.to_owned()
        }
    }
}

/// What follows the last `-` of a sensor's name.
#[derive(Debug, PartialEq, Eq)]
enum Suffix {
    /// The end of a Bluetooth address: the sensor is a device that any gateway may hear.
    Address,
    /// A number or a bus address: one of several of a type.
    Number,
    /// Nothing: the only one of its type.
    None,
}

fn suffix(name: &str) -> Suffix {
    let Some((_, tail)) = name.rsplit_once('-') else {
        return Suffix::None;
    };
    if tail.is_empty() || !tail.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Suffix::None;
    }
    match tail.len() {
        6 | 12 => Suffix::Address,
        _ => Suffix::Number,
    }
}

fn sensor(
    node: &str,
    name: &str,
    fields: &Map<String, Json>,
    temperature_unit: &str,
    output: &mut Output,
) -> Vec<Observation> {
    if is_case(name) {
        output.note(|| format!("{name}: the temperature of the chip, not of the room"));
        return Vec::new();
    }
    let mut seen = Vec::new();
    for (field, raw) in fields {
        let (plain, input) = input_of(name, field);
        let Some((kind, unit)) = meaning(name, plain, fields, temperature_unit) else {
            output.note(|| format!("{name} {field}: nothing that is watched"));
            continue;
        };
        let number = match raw {
            // One number for each phase or channel: the device's power is their sum.
            Json::Array(list) if kind == Kind::Power => list
                .iter()
                .map(words::number)
                .try_fold(0.0, |sum, number| Some(sum + number?)),
            raw => words::number(raw),
        };
        match number {
            Some(number) => {
                let (number, unit) = units::normalised(kind, number, unit);
                seen.push(Observation::number(input, kind, number, unit));
            }
            None => output.problem(format!(
                "{node}: {name} gives {} as {field}: check the sensor and its wiring",
                words::brief(raw)
            )),
        }
    }
    seen
}

/// Analog inputs are numbered in their fields: `Temperature1`. The first is the sensor itself, the
/// others are parts of it.
fn input_of<'a>(sensor: &str, field: &'a str) -> (&'a str, String) {
    let plain = field.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = field.get(plain.len()..).unwrap_or_default();
    match (sensor, number) {
        ("ANALOG", "" | "1") => (plain, String::new()),
        ("ANALOG", number) => (plain, format!("/{number}")),
        _ => (field, String::new()),
    }
}

/// What a field is, with its unit by Tasmota's documentation.
fn meaning<'a>(
    sensor: &str,
    field: &str,
    fields: &Map<String, Json>,
    temperature_unit: &'a str,
) -> Option<(Kind, &'a str)> {
    Some(match field {
        "Temperature" => (Kind::Temperature, temperature_unit),
        // A plant sensor's humidity is that of the soil.
        "Humidity" if sensor.starts_with("Flora") || fields.contains_key("Fertility") => {
            return None;
        }
        "Humidity" => (Kind::Humidity, "%"),
        "CarbonDioxide" | "CO2" => (Kind::Co2, "ppm"),
        // Estimated, or averaged, where the sensor measures it as well.
        "eCO2" if !fields.contains_key("CarbonDioxide") => (Kind::Co2, "ppm"),
        "TVOC" => (Kind::Voc, "ppb"),
        "PM2.5" => (Kind::Pm25, "µg/m³"),
        "CO" | "CarbonMonoxide" => (Kind::CarbonMonoxide, "ppm"),
        "Battery" => (Kind::Battery, "%"),
        "Power" if sensor == "ENERGY" => (Kind::Power, "W"),
        "RSSI" => (Kind::LinkQuality, "dBm"),
        _ => return None,
    })
}

/// The chip's own temperature.
fn is_case(sensor: &str) -> bool {
    sensor.starts_with("ESP32") || sensor.starts_with("ESP8266") || sensor == "CPU"
}
