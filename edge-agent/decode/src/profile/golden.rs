//! Runs a profile's golden samples: a profile that does not read them as it says is refused, and told
//! what came out instead, in the words in which the profile has to say it.

use gridwatch_protocol::{DeviceId, Timestamp, Value};

use super::file::{Golden, GoldenReading};
use super::{Matcher, Profile};
use crate::by_profile::{read_mqtt, read_registers};
use crate::frame::{Message, RegisterBlock, Registers};
use crate::observation::{Observation, Output};

/// Name of the device in golden samples of a Modbus profile.
const GOLDEN_DEVICE: &str = "golden";

/// Runs all golden samples of a profile.
///
/// # Errors
/// For each sample that did not come out as expected: which one, what is missing, what is too much,
/// and what the channels said.
pub fn check_golden(profile: &Profile) -> Result<(), Vec<String>> {
    let problems: Vec<String> = profile
        .golden
        .iter()
        .filter_map(|golden| {
            run(profile, golden)
                .err()
                .map(|why| format!("golden sample `{}`: {why}", golden.name))
        })
        .collect();
    if problems.is_empty() {
        Ok(())
    } else {
        Err(problems)
    }
}

fn run(profile: &Profile, golden: &Golden) -> Result<(), String> {
    let mut output = Output::default();
    match &profile.matcher {
        Matcher::Format(format) => {
            let takes = format.takes(
                &format.format,
                golden.vendor.as_deref(),
                golden.model.as_deref(),
            );
            return if golden.takes == Some(takes) {
                Ok(())
            } else {
                Err(format!(
                    "the profile {} this device; correct `vendor` and `model` of [match] or `takes` of the sample",
                    if takes { "takes" } else { "does not take" }
                ))
            };
        }
        Matcher::Mqtt(_) => {
            let now = Timestamp::from_unix_ms(1_700_000_000_000);
            let message = Message::new(&golden.topic, golden.payload.as_bytes(), false, now);
            read_mqtt(profile, &message, &mut output).map_err(|refusal| {
                format!(
                    "the message is not read: {refusal}; correct [match], [device] or the sample"
                )
            })?;
        }
        Matcher::Modbus => read_registers(profile, &registers(profile, golden)?, &mut output),
    }
    compare(&output, &golden.expect)
}

fn registers(profile: &Profile, golden: &Golden) -> Result<Registers, String> {
    Ok(Registers {
        device: DeviceId::new(GOLDEN_DEVICE).map_err(|error| error.to_string())?,
        profile: profile.id.clone(),
        blocks: golden
            .registers
            .iter()
            .map(|block| RegisterBlock {
                table: block.table,
                address: block.address,
                values: block.values.clone(),
            })
            .collect(),
    })
}

/// Readings are compared in order; what is missing and what is too much is listed.
fn compare(output: &Output, expect: &[GoldenReading]) -> Result<(), String> {
    let seen = &output.observations;
    let all_agree = seen.len() == expect.len()
        && seen
            .iter()
            .zip(expect)
            .all(|(seen, expect)| agrees(seen, expect));
    if all_agree {
        return Ok(());
    }
    let mut left: Vec<&Observation> = seen.iter().collect();
    let mut missing = Vec::new();
    for wanted in expect {
        match left.iter().position(|seen| agrees(seen, wanted)) {
            Some(index) => {
                left.remove(index);
            }
            None => missing.push(format!("\n  missing: {}", wanted_line(wanted))),
        }
    }
    let too_much = left
        .iter()
        .map(|seen| format!("\n  not expected: {}", seen_line(seen)));
    let problems = output
        .problems
        .iter()
        .map(|why| format!("\n  could not be read: {why}"));
    let told: String = missing
        .into_iter()
        .chain(too_much)
        .chain(problems)
        .collect();
    Err(if told.is_empty() {
        "the readings come out in another order: write `expect` in the order of the channels"
            .to_owned()
    } else {
        format!(
            "{} readings expected, {} came out; correct the channel, or `expect` if the reading is right{told}",
            expect.len(),
            seen.len()
        )
    })
}

fn agrees(seen: &Observation, expect: &GoldenReading) -> bool {
    let same_value = match (seen.value.as_number(), expect.value.as_number()) {
        (Some(got), Some(wanted)) => (got - wanted).abs() <= 1e-6 * wanted.abs().max(1.0),
        _ => seen.value == expect.value,
    };
    same_value
        && expect.device.as_deref().unwrap_or(GOLDEN_DEVICE) == seen.device
        && expect.kind == seen.kind.as_str()
        && expect.unit == seen.unit
        && expect
            .time
            .as_ref()
            .is_none_or(|time| seen.time.is_some_and(|seen| seen.is(time)))
}

/// A reading as a profile writes it under `expect`.
fn line(device: &str, kind: &str, value: &Value, unit: Option<&str>, time: Option<&str>) -> String {
    let value = match value {
        Value::Bool(state) => state.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Text(word) => format!("\"{word}\""),
    };
    let part = |key: &str, text: Option<&str>| {
        text.map_or_else(String::new, |text| format!(", {key} = \"{text}\""))
    };
    let device = (device != GOLDEN_DEVICE).then_some(device);
    let device = device.map_or_else(String::new, |device| format!("device = \"{device}\", "));
    format!(
        "{{ {device}kind = \"{kind}\", value = {value}{}{} }}",
        part("unit", unit),
        part("time", time)
    )
}

fn seen_line(seen: &Observation) -> String {
    let time = seen.time.and_then(|time| time.written());
    line(
        &seen.device,
        seen.kind.as_str(),
        &seen.value,
        seen.unit.as_deref(),
        time.as_deref(),
    )
}

fn wanted_line(wanted: &GoldenReading) -> String {
    line(
        wanted.device.as_deref().unwrap_or(GOLDEN_DEVICE),
        &wanted.kind,
        &wanted.value,
        wanted.unit.as_deref(),
        wanted.time.as_deref(),
    )
}
