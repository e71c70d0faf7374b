//! A metric → an observation.

use gridwatch_protocol::{Kind, Quality, Value};
use serde_json::Value as Json;

use super::payload::{self, Metric, Payload};
use super::{Known, time_of};
use crate::fields::{self, Form, UnitRule};
use crate::observation::{Observation, Output};
use crate::{units, words};

/// A text that is longer is a document, not a state.
const TEXT_MAX: usize = 64;
/// Metrics about the node itself, its firmware and its commands.
const BOOKKEEPING: [&str; 7] = [
    "Node Control/",
    "Device Control/",
    "Properties/",
    "Node Info/",
    "Device Info/",
    "Node Properties/",
    "Device Properties/",
];

/// The last part of a metric's name.
pub(super) fn last(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

pub(super) fn read(
    device: &str,
    known: &Known,
    metric: &Metric,
    shared: bool,
    payload: &Payload,
    output: &mut Output,
) {
    let name = known.name.as_str();
    if name == "bdSeq" || BOOKKEEPING.iter().any(|prefix| name.starts_with(prefix)) {
        return;
    }
    if metric.is_null == Some(true) {
        output.note(|| format!("sparkplug_b: `{name}` is null: no value"));
        return;
    }
    let Some(raw) = value(known.datatype, metric) else {
        output.note(|| {
            format!(
                "sparkplug_b: `{name}` has type {}: left alone",
                known.datatype
            )
        });
        return;
    };
    let point = match name.rsplit_once('/') {
        Some((folder, _)) if shared => format!("{device}/{folder}"),
        _ => device.to_owned(),
    };
    match observe(&point, known, &raw) {
        Ok(Some(observation)) => output.push(Observation {
            quality: quality(metric),
            time: time_of(metric.timestamp.or(payload.timestamp)),
            source_event: event(name, metric, payload),
            replayed: metric.is_historical == Some(true),
            ..observation
        }),
        Ok(None) => output.note(|| format!("sparkplug_b: `{name}` says nothing")),
        Err(why) => output.problem(format!("{device}: metric `{name}`: {why}")),
    }
}

/// The same message has the same time and number; a metric is in it once.
fn event(name: &str, metric: &Metric, payload: &Payload) -> Option<String> {
    let at = metric.timestamp.or(payload.timestamp)?;
    Some(format!("{at}/{}/{name}", payload.seq.unwrap_or_default()))
}

fn quality(metric: &Metric) -> Quality {
    match payload::quality(metric) {
        None | Some(192) => Quality::Good,
        Some(0) => Quality::Bad,
        Some(_) => Quality::Uncertain,
    }
}

fn observe(device: &str, known: &Known, raw: &Json) -> Result<Option<Observation>, String> {
    let last = last(&known.name);
    let unit = known.unit.as_deref();
    if let Some(field) = fields::field(last) {
        if let (Form::Number(_) | Form::Battery(_), Some(unit), Some(number)) =
            (field.form, unit, words::number(raw))
        {
            let (number, unit) = units::normalised(field.kind, number, unit);
            return Ok(Some(Observation::number(device, field.kind, number, unit)));
        }
        if let Some(seen) = fields::observe(device, last, raw, UnitRule::Stated)? {
            return Ok(Some(seen));
        }
    }
    Ok(match raw {
        Json::Bool(state) => Some(Observation::state(device, Kind::Other, *state)),
        Json::String(text) if text.len() <= TEXT_MAX => Some(Observation::new(
            device,
            Kind::Other,
            Value::Text(text.clone()),
        )),
        Json::Number(_) => words::number(raw).map(|number| {
            let unit = unit.or_else(|| unit_in_name(last)).unwrap_or_default();
            Observation::number(device, Kind::Other, number, units::spelled(unit))
        }),
        _ => None,
    })
}

/// A voltage is in volts where nothing else is said.
fn unit_in_name(name: &str) -> Option<&'static str> {
    let lower = name.to_lowercase();
    lower.ends_with("voltage").then_some("V")
}

/// The value as its type has it. Signed integers are sent as their two's complement.
fn value(datatype: u32, metric: &Metric) -> Option<Json> {
    #[expect(
        clippy::cast_possible_wrap,
        clippy::cast_possible_truncation,
        reason = "the specification sends signed integers as the bits of unsigned ones"
    )]
    let json = match datatype {
        1 => Json::from(metric.int_value? as i8),
        2 => Json::from(metric.int_value? as i16),
        3 => Json::from(metric.int_value? as i32),
        4 => Json::from(long(metric)? as i64),
        5..=8 => Json::from(long(metric)?),
        9 => float(metric.float_value?)?,
        10 => number(metric.double_value?)?,
        11 => Json::from(metric.boolean_value?),
        12 | 14 | 15 => Json::from(metric.string_value.clone()?),
        // The type is not known: the field that is there tells as much.
        0 => untyped(metric)?,
        _ => return None,
    };
    Some(json)
}

fn long(metric: &Metric) -> Option<u64> {
    metric.long_value.or(metric.int_value.map(u64::from))
}

fn untyped(metric: &Metric) -> Option<Json> {
    if let Some(state) = metric.boolean_value {
        return Some(Json::from(state));
    }
    if let Some(text) = &metric.string_value {
        return Some(Json::from(text.clone()));
    }
    match (metric.double_value, metric.float_value) {
        (Some(double), _) => number(double),
        (None, Some(single)) => float(single),
        // An integer without a type may be signed: it could be read wrongly.
        (None, None) => None,
    }
}

/// A single precision number as it was meant: 12.1, not 12.100000381.
fn float(single: f32) -> Option<Json> {
    number(single.to_string().parse().ok()?)
}

fn number(double: f64) -> Option<Json> {
    serde_json::Number::from_f64(double).map(Json::Number)
}
