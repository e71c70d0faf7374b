//! Runs a profile's golden samples: a profile that does not read them as it says is refused.

use bytes::Bytes;
use gridwatch_protocol::{DeviceId, Reading, Timestamp};

use super::Profile;
use super::schema::{Golden, GoldenReading};
use crate::decode::{read_mqtt, read_registers};
use crate::sources::{RegisterBlock, Registers};

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
    let outcome = if golden.registers.is_empty() {
        let payload = Bytes::copy_from_slice(golden.payload.as_bytes());
        read_mqtt(profile, &golden.topic, &payload, false, now)
            .map_err(|refusal| refusal.to_string())?
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
        read_registers(profile, &registers, now)
    };
    if outcome.readings.len() != golden.expect.len() {
        return Err(format!(
            "expected {} readings, got {}: {:?} {:?}",
            golden.expect.len(),
            outcome.readings.len(),
            outcome.readings.iter().map(describe).collect::<Vec<_>>(),
            outcome.problems,
        ));
    }
    for (reading, expect) in outcome.readings.iter().zip(&golden.expect) {
        if !agrees(reading, expect) {
            return Err(format!("expected {expect:?}, got {}", describe(reading)));
        }
    }
    Ok(())
}

fn agrees(reading: &Reading, expect: &GoldenReading) -> bool {
    let same_value = match (reading.value.as_number(), expect.value.as_number()) {
        (Some(got), Some(wanted)) => (got - wanted).abs() <= 1e-6 * wanted.abs().max(1.0),
        _ => reading.value == expect.value,
    };
    same_value
        && expect.device.as_deref().unwrap_or(GOLDEN_DEVICE) == reading.device.as_str()
        && expect.kind == reading.kind.as_str()
        && expect.unit == reading.unit
        && expect
            .time
            .as_ref()
            .is_none_or(|time| *time == reading.at.to_string())
}

fn describe(reading: &Reading) -> String {
    format!(
        "{} {} = {:?} {} at {}",
        reading.device,
        reading.kind,
        reading.value,
        reading.unit.as_deref().unwrap_or("(no unit)"),
        reading.at
    )
}
