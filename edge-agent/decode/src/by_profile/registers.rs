//! Reads Modbus registers by a profile's channels.

use std::borrow::Cow;

use serde_json::Value as Json;

use super::raw::{Raw, raw};
use super::value::{Told, holds, is_wanted, told};
use crate::frame::Registers;
use crate::observation::{Observation, Output};
use crate::profile::{Captures, Channel, Field, Origin, Profile};
use crate::words;

/// Reads a poll by one profile. Channels whose registers are not among the blocks give no reading, and
/// so do those whose conditions are not.
pub fn read_registers(profile: &Profile, poll: &Registers, output: &mut Output) {
    if let Some(why) = stranger(profile, poll) {
        output.problem(why);
        return;
    }
    for channel in &profile.channels {
        let Origin::Register(register) = &channel.origin else {
            continue;
        };
        match read(channel, poll) {
            Ok(None) => {}
            Ok(Some(told)) => match device(channel, poll) {
                Some(device) => output.push(Observation {
                    unit: told.unit,
                    quality: told.quality,
                    ..Observation::new(device, channel.kind, told.value)
                }),
                None => output.problem(format!(
                    "register {}: the device of the channel is not named",
                    register.address
                )),
            },
            Err(why) => output.problem(format!(
                "{:?} register {}: {why}",
                register.table, register.address
            )),
        }
    }
    output.mark_tests();
}

/// Says why the unit is not of the profile's kind, if it is not.
fn stranger(profile: &Profile, poll: &Registers) -> Option<String> {
    let look = |field: &Field| look(field, poll);
    let broken = profile
        .identity
        .iter()
        .find(|condition| look(&condition.of).is_some() && !holds(condition, &look))?;
    let held = look(&broken.of).map(|held| words::brief(&held))?;
    let Field::At(Origin::Register(register)) = &broken.of else {
        return None;
    };
    Some(format!(
        "the unit is no `{}`: {:?} register {} holds {held}; check its unit number and its profile",
        profile.id, register.table, register.address
    ))
}

fn look<'a>(field: &Field, poll: &Registers) -> Option<Cow<'a, Json>> {
    match field {
        Field::At(Origin::Register(register)) => {
            raw(register, poll).ok().flatten().map(json).map(Cow::Owned)
        }
        Field::At(Origin::Path(_)) | Field::Topic(_) => None,
    }
}

fn read(channel: &Channel, poll: &Registers) -> Result<Option<Told>, String> {
    let look = |field: &Field| look(field, poll);
    if !is_wanted(channel, &look) {
        return Ok(None);
    }
    let Origin::Register(register) = &channel.origin else {
        return Ok(None);
    };
    match raw(register, poll)? {
        Some(raw) => told(channel, &json(raw), &look),
        None => Ok(None),
    }
}

/// The unit's device, or one behind it.
fn device(channel: &Channel, poll: &Registers) -> Option<String> {
    match &channel.device {
        None => Some(poll.device.as_str().to_owned()),
        Some(suffix) => {
            let suffix = suffix.fill(&Captures::default(), &Json::Null, None)?;
            Some(format!("{}/{suffix}", poll.device))
        }
    }
}

/// Floats that are not numbers become null: it is how devices say "no value".
#[expect(
    clippy::cast_possible_truncation,
    reason = "only whole numbers far below the limit are cast"
)]
fn json(raw: Raw) -> Json {
    match raw {
        Raw::Number(number) if number.fract() == 0.0 && number.abs() < 1e15 => {
            Json::from(number as i64)
        }
        Raw::Number(number) => Json::from(number),
        Raw::Text(text) => Json::String(text),
    }
}
