//! Repeated channels, written out singly: the n-th has its own registers, paths and device.

use super::file::{BoundFile, ChannelFile, RepeatFile};
use super::register::{RawValue, Register};

/// A channel is repeated at most so often.
const REPEAT_MAX: u32 = 1000;

/// The channels that one entry stands for.
pub(super) fn expanded(file: &ChannelFile) -> Result<Vec<ChannelFile>, String> {
    let Some(repeat) = file.repeat else {
        return Ok(vec![file.clone()]);
    };
    if !(1..=REPEAT_MAX).contains(&repeat.count) {
        return Err(format!(
            "repeat.count = {}: give 1 to {REPEAT_MAX}",
            repeat.count
        ));
    }
    let numbered = |text: &Option<String>| text.as_ref().is_some_and(|t| t.contains("{n}"));
    if !numbered(&file.device) {
        return Err(
            "`repeat` needs a `device` with `{n}`, or all of them would be the same device"
                .to_owned(),
        );
    }
    if file.register.is_none() && !numbered(&file.path) {
        return Err("`repeat` needs `{n}` in `path`".to_owned());
    }
    (0..repeat.count)
        .map(|index| nth(file, repeat, index))
        .collect()
}

fn nth(file: &ChannelFile, repeat: RepeatFile, index: u32) -> Result<ChannelFile, String> {
    let mut one = file.clone();
    let number = repeat.from.saturating_add(index).to_string();
    let texts = [
        &mut one.device,
        &mut one.path,
        &mut one.unless,
        &mut one.for_each,
    ];
    for text in texts.into_iter().flatten() {
        *text = text.replace("{n}", &number);
    }
    if let Some(register) = &mut one.register {
        *register = moved(register, repeat, None, index)?;
    }
    for condition in &mut one.when {
        if let Some(path) = &mut condition.path {
            *path = path.replace("{n}", &number);
        }
        if let Some(register) = &mut condition.register {
            *register = moved(register, repeat, condition.step, index)?;
        }
    }
    for bound in [&mut one.above, &mut one.below, &mut one.clear]
        .into_iter()
        .flatten()
    {
        if let BoundFile::Of(origin) = bound {
            if let Some(register) = &mut origin.register {
                *register = moved(register, repeat, None, index)?;
            }
            if let Some(path) = &mut origin.path {
                *path = path.replace("{n}", &number);
            }
        }
    }
    Ok(one)
}

fn moved(
    register: &Register,
    repeat: RepeatFile,
    own_step: Option<u32>,
    index: u32,
) -> Result<Register, String> {
    let by_bits = repeat.bit_step > 0 && own_step.is_none();
    let looks_at_bits =
        !register.table.is_bits() && (register.raw == RawValue::Bit || register.bits.is_some());
    if by_bits && !looks_at_bits {
        return Err(
            "repeat.bit_step goes with type `bit` and `bits` in holding and input registers; coils and discrete inputs have `step`"
                .to_owned(),
        );
    }
    let step = own_step
        .or(repeat.step)
        .unwrap_or(u32::from(repeat.bit_step == 0));
    let bits = if by_bits { repeat.bit_step } else { 0 };
    index
        .checked_mul(step)
        .zip(index.checked_mul(bits))
        .and_then(|(registers, bits)| register.moved(registers, bits))
        .ok_or_else(|| {
            format!(
                "repeat: number {} of them runs past address 65535",
                index.saturating_add(1)
            )
        })
}
