//! Runs a profile's golden samples: a profile that does not read them as it says is refused.

use gridwatch_protocol::{DeviceId, Timestamp};

use super::Profile;
use super::schema::{Golden, GoldenReading};
use crate::by_profile::{read_mqtt, read_registers};
use crate::frame::{Message, RegisterBlock, Registers};
use crate::observation::{Observation, Output};

/// Name of the device in golden samples of a Modbus profile.
const GOLDEN_DEVICE: &str = "golden";

/// Runs all golden samples of a profile.
///
/// # Errors
/// One line for each sample that did not come out as expected.
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
    let now = Timestamp::from_unix_ms(1_700_000_000_000);
    let mut output = Output::default();
    if golden.registers.is_empty() {
        let message = Message::new(&golden.topic, golden.payload.as_bytes(), false, now);
        read_mqtt(profile, &message, &mut output).map_err(|refusal| refusal.to_string())?;
    } else {
        let registers = Registers {
            device: DeviceId::new(GOLDEN_DEVICE).expect("a valid id"),
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
        };
        read_registers(profile, &registers, &mut output);
    }
    if output.observations.len() != golden.expect.len() {
        return Err(format!(
            "expected {} readings, got {}: {:?} {:?}",
            golden.expect.len(),
            output.observations.len(),
            output.observations.iter().map(describe).collect::<Vec<_>>(),
            output.problems,
        ));
    }
    for (seen, expect) in output.observations.iter().zip(&golden.expect) {
        if !agrees(seen, expect) {
            return Err(format!("expected {expect:?}, got {}", describe(seen)));
        }
    }
    Ok(())
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

fn describe(seen: &Observation) -> String {
    format!(
        "{} {} = {:?} {} at {:?}",
        seen.device,
        seen.kind,
        seen.value,
        seen.unit.as_deref().unwrap_or("(no unit)"),
        seen.time.and_then(|time| time.written())
    )
}
