//! What a raw field means by its channel: one set of rules for JSON, text, CSV and registers.

use std::borrow::Cow;

use gridwatch_protocol::{Quality, Value};
use serde_json::Value as Json;

use crate::profile::{Bound, Channel, ChannelType, Condition, Field, Limit};
use crate::units;
use crate::words;

/// Longer texts are no words: they are refused rather than stored with every reading.
const TEXT_BYTES_MAX: usize = 1024;

/// What stands at a place of the frame, if anything.
pub(super) type Look<'a, 'f> = &'f dyn Fn(&Field) -> Option<Cow<'a, Json>>;

/// A value with its unit and how far it can be trusted.
#[derive(Debug, PartialEq)]
pub(super) struct Told {
    pub(super) value: Value,
    pub(super) unit: Option<String>,
    pub(super) quality: Quality,
}

/// Whether all conditions of a channel hold.
pub(super) fn is_wanted(channel: &Channel, look: Look<'_, '_>) -> bool {
    channel.when.iter().all(|condition| holds(condition, look))
}

/// Whether one condition holds.
pub(super) fn holds(condition: &Condition, look: Look<'_, '_>) -> bool {
    let Some(field) = look(&condition.of).filter(|field| !field.is_null()) else {
        return condition.present == Some(false);
    };
    if condition.present == Some(false) {
        return false;
    }
    let is_any = |list: &[Json]| list.iter().any(|wanted| same(wanted, &field));
    let number = words::number(&field);
    (condition.equals.is_empty() || is_any(&condition.equals))
        && !is_any(&condition.not_equals)
        && condition
            .at_least
            .is_none_or(|least| number.is_some_and(|n| n >= least))
        && condition
            .at_most
            .is_none_or(|most| number.is_some_and(|n| n <= most))
}

/// Whether a field is what a profile writes: `1`, `"1"` and, for a state, `true` are the same.
fn same(wanted: &Json, given: &Json) -> bool {
    match (wanted, given) {
        (Json::Bool(wanted), given) => words::state(given) == Ok(Some(*wanted)),
        (Json::Number(wanted), Json::Bool(given)) => {
            wanted.as_f64() == Some(if *given { 1.0 } else { 0.0 })
        }
        (Json::Number(wanted), given) => {
            words::number(given).is_some_and(|given| wanted.as_f64() == Some(given))
        }
        (Json::String(wanted), Json::String(given)) => wanted.trim() == given.trim(),
        (Json::String(wanted), Json::Number(_) | Json::Bool(_)) => {
            let given = given.to_string();
            *wanted == given
        }
        (wanted, given) => wanted == given,
    }
}

/// The value that a raw field stands for; `None` when it says that there is none.
///
/// # Errors
/// A sentence when it should be a value and is not.
pub(super) fn told(
    channel: &Channel,
    raw: &Json,
    look: Look<'_, '_>,
) -> Result<Option<Told>, String> {
    if raw.is_null() || channel.missing.iter().any(|missing| same(missing, raw)) {
        return Ok(None);
    }
    let good = |value| Told {
        value,
        unit: channel.unit.clone(),
        quality: Quality::Good,
    };
    match &channel.value {
        ChannelType::Bool { invert } => {
            Ok(words::state(raw)?.map(|state| good(Value::Bool(state != *invert))))
        }
        ChannelType::Limit(limit) => {
            Ok(side(limit, finite(raw)?, look).map(|state| good(Value::Bool(state))))
        }
        ChannelType::Text => Ok(text(raw)?.map(|word| good(Value::Text(word)))),
        ChannelType::Enum { values, otherwise } => Ok(values
            .iter()
            .find(|(from, _)| same(from, raw))
            .map(|(_, to)| to)
            .or(otherwise.as_ref())
            .map(|value| good(value.clone()))),
        ChannelType::Number { .. } => Ok(measured(channel, finite(raw)?)),
    }
}

fn finite(raw: &Json) -> Result<f64, String> {
    words::number(raw).ok_or_else(|| format!("{} is not a number", words::brief(raw)))
}

fn text(raw: &Json) -> Result<Option<String>, String> {
    match raw {
        Json::String(text) if text.trim().is_empty() => Ok(None),
        Json::String(text) if text.len() > TEXT_BYTES_MAX => Err(format!(
            "a text of {} bytes; at most {TEXT_BYTES_MAX} are taken",
            text.len()
        )),
        Json::String(text) => Ok(Some(text.clone())),
        other => Err(format!("{} is not a text", words::brief(other))),
    }
}

/// On which side of the limit a number is; `None` between the two bounds, or when one is not known.
fn side(limit: &Limit, number: f64, look: Look<'_, '_>) -> Option<bool> {
    let bound = |bound: &Bound| match bound {
        Bound::Number(number) => Some(*number),
        Bound::Of(origin) => words::number(look(&Field::At(origin.clone()))?.as_ref()),
    };
    let beyond = |bound: f64| {
        if limit.above {
            number >= bound
        } else {
            number <= bound
        }
    };
    if beyond(bound(&limit.set)?) {
        return Some(true);
    }
    match &limit.clear {
        None => Some(false),
        Some(clear) => {
            let clear = bound(clear)?;
            (!beyond(clear) || (number - clear).abs() < f64::EPSILON).then_some(false)
        }
    }
}

/// Scales a raw number and gives it in the unit of its kind. Out of the plausible range it is kept with
/// quality `bad`: shown, but no rule looks at it.
fn measured(channel: &Channel, raw: f64) -> Option<Told> {
    let ChannelType::Number {
        scale,
        offset,
        min,
        max,
    } = &channel.value
    else {
        return None;
    };
    let number = scaled(raw, *scale) + offset;
    let quality = if (*min..=*max).contains(&number) {
        Quality::Good
    } else {
        Quality::Bad
    };
    let (number, unit) = match &channel.unit {
        Some(unit) => {
            let (number, unit) = units::normalised(channel.kind, number, unit);
            (number, Some(unit.to_owned()))
        }
        None => (number, None),
    };
    number.is_finite().then_some(Told {
        value: Value::Number(number),
        unit,
        quality,
    })
}

/// By 0.1 is divided by 10: 2257 × 0.1 is 225.7 then, and not 225.70000000000002.
fn scaled(raw: f64, scale: f64) -> f64 {
    let divisor = (1.0 / scale).round();
    if scale.abs() < 1.0 && (divisor * scale - 1.0).abs() < 1e-12 {
        raw / divisor
    } else {
        raw * scale
    }
}
