//! Reads Modbus registers by a profile's channels.

use gridwatch_protocol::{Quality, Value};

use crate::frame::Registers;
use crate::observation::{Observation, Output};
use crate::profile::{Channel, ChannelType, Origin, Profile, RawValue, Register, Table};

/// Reads a poll by one profile. Channels whose registers are not among the blocks give no reading.
pub fn read_registers(profile: &Profile, poll: &Registers, output: &mut Output) {
    for channel in &profile.channels {
        let Origin::Register(register) = &channel.origin else {
            continue;
        };
        let Some(raw) = raw(register, poll) else {
            continue;
        };
        match value(channel, raw) {
            Ok(None) => {}
            Ok(Some((value, quality))) => output.push(Observation {
                unit: channel.unit.clone(),
                quality,
                ..Observation::new(poll.device.as_str(), channel.kind, value)
            }),
            Err(why) => output.problem(format!("register {}: {why}", register.address)),
        }
    }
    output.mark_tests();
}

/// The raw number of a register; bits are 0 and 1.
fn raw(register: &Register, poll: &Registers) -> Option<f64> {
    let word = |offset: u16| poll.get(register.table, register.address.checked_add(offset)?);
    let first = word(0)?;
    let bytes = |second: u16| register.order.arrange([first, second]);
    Some(match register.raw {
        RawValue::Bit if matches!(register.table, Table::Coil | Table::Discrete) => {
            f64::from(u8::from(first != 0))
        }
        RawValue::Bit => f64::from((first >> register.bit) & 1),
        RawValue::Uint16 => f64::from(first),
        RawValue::Int16 => f64::from(i16::from_ne_bytes(first.to_ne_bytes())),
        RawValue::Uint32 => f64::from(u32::from_be_bytes(bytes(word(1)?))),
        RawValue::Int32 => f64::from(i32::from_be_bytes(bytes(word(1)?))),
        RawValue::Float32 => f64::from(f32::from_be_bytes(bytes(word(1)?))),
    })
}

fn value(channel: &Channel, raw: f64) -> Result<Option<(Value, Quality)>, String> {
    match &channel.value {
        ChannelType::Bool { invert } => {
            if raw == 0.0 || raw == 1.0 {
                Ok(Some((Value::Bool((raw == 1.0) != *invert), Quality::Good)))
            } else {
                Err(format!("{raw} is not a state"))
            }
        }
        ChannelType::Enum(entries) => Ok(entries
            .iter()
            .find(|(from, _)| match from {
                serde_json::Value::Bool(state) => (raw != 0.0) == *state,
                other => other.as_f64() == Some(raw),
            })
            .map(|(_, to)| (to.clone(), Quality::Good))),
        ChannelType::Text => Err("registers hold no text".to_owned()),
        // A float that is not a number is how devices say "no value".
        ChannelType::Number { .. } if !raw.is_finite() => Ok(None),
        number @ ChannelType::Number { .. } => Ok(scaled(number, raw)),
    }
}

/// Scales a raw number; `None` when it says that there is no value. Out of the plausible range it is
/// kept with quality `bad`: shown, but no rule looks at it.
pub(super) fn scaled(kind: &ChannelType, raw: f64) -> Option<(Value, Quality)> {
    let ChannelType::Number {
        scale,
        offset,
        min,
        max,
        missing,
    } = kind
    else {
        return None;
    };
    if missing.contains(&raw) {
        return None;
    }
    let number = raw * scale + offset;
    let quality = if (*min..=*max).contains(&number) {
        Quality::Good
    } else {
        Quality::Bad
    };
    number
        .is_finite()
        .then_some((Value::Number(number), quality))
}
