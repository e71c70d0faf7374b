//! Batteries: percent, volts, millivolts, or a word.

use gridwatch_protocol::{Kind, Value};
use serde_json::Value as Json;

use super::models::Model;
use super::{Leaf, names};
use crate::fields::{self, UnitRule};
use crate::observation::Observation;
use crate::words;

/// A battery below this with a fraction is in volts: lithium cells have 2 to 4.2 V, percentages are
/// whole.
const BATTERY_VOLTS_MAX: f64 = 5.0;

/// A battery: percent, volts, a word, or volts with a word (`2.3(low battery)`).
pub(super) fn read(
    device: &str,
    name: &str,
    leaf: &Leaf<'_>,
    model: &Model,
) -> Result<Vec<Observation>, String> {
    if let Json::String(text) = leaf.raw
        && let Some((number, rest)) = text.split_once('(')
        && let Some(number) = words::number_text(number)
    {
        let mut seen = vec![volts(device, number)];
        if rest.to_lowercase().contains("low") {
            seen.push(Observation::word(device, Kind::Battery, "low"));
        }
        return Ok(seen);
    }
    if let Json::String(text) = leaf.raw
        && let Some(number) = text.trim().strip_suffix('V').and_then(words::number_text)
    {
        return Ok(vec![volts(device, number)]);
    }
    let form = fields::field(name).map(|field| field.form);
    // `lowBatteryAlarm: "Normal"`.
    if form == Some(fields::Form::BatteryLow)
        && let Json::String(word) = leaf.raw
        && let Some(low) = names::alarm_word(word)
    {
        let word = if low { "low" } else { "ok" };
        return Ok(vec![Observation::word(device, Kind::Battery, word)]);
    }
    let number = words::number(leaf.raw);
    let in_volts = leaf.unit == Some("V")
        || model.battery_in_volts()
        || number.is_some_and(|n| n < BATTERY_VOLTS_MAX && n > 0.0 && n.fract() != 0.0);
    match (form, number) {
        (Some(fields::Form::Battery("%")), Some(number)) if in_volts => {
            Ok(vec![volts(device, number)])
        }
        (Some(fields::Form::Battery("%")), Some(number)) if !(0.0..=100.0).contains(&number) => {
            // 255: the device knows no level; 3300: millivolts under a plain name.
            if (1_000.0..=5_000.0).contains(&number) {
                return Ok(vec![volts(device, number / 1000.0)]);
            }
            Ok(Vec::new())
        }
        _ => fields::observe(device, name, leaf.raw, UnitRule::Conventional)
            .map(|observation| observation.into_iter().collect()),
    }
}

pub(super) fn volts(device: &str, number: f64) -> Observation {
    Observation {
        unit: Some("V".to_owned()),
        ..Observation::new(device, Kind::Battery, Value::Number(number))
    }
}
