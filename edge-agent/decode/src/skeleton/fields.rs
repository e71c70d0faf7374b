//! The fields of a message, and what their names and values let one guess.

use gridwatch_protocol::{Kind, Value};
use serde_json::Value as Json;

use crate::fields::{Form, field, lock_state, state_of};
use crate::time::SourceTime;
use crate::{units, words};

/// Deeper fields are not listed.
const DEPTH_MAX: usize = 8;
/// More fields are not listed.
const FIELDS_MAX: usize = 64;
/// More elements of an array are not listed.
const ELEMENTS_MAX: usize = 4;
/// Fields looked at, listed or not: bounds the work on a message of a million brackets.
const STEPS_MAX: usize = 20_000;
/// Larger numbers since 1970 count milliseconds.
const SECONDS_MAX: f64 = 1e11;

/// A field with a guess.
pub(super) struct Found {
    /// JSON pointer.
    pub(super) pointer: String,
    /// Its value in the message, for people.
    pub(super) observed: String,
    /// Why it is guessed to be what it is.
    pub(super) hint: String,
    /// What it is guessed to be about.
    pub(super) kind: Kind,
    /// How its value is read; `None` when it has none at present.
    pub(super) value: Option<Type>,
    /// Whether it becomes a channel.
    pub(super) live: bool,
    raw: Json,
    name: String,
}

/// How a value is read.
pub(super) enum Type {
    /// A state.
    Bool { invert: bool },
    /// A number.
    Number {
        unit: String,
        scale: f64,
        offset: f64,
    },
    /// Words or flags that stand for something.
    Words(Vec<(Json, Value)>),
    /// A text as it is.
    Text,
}

/// All fields with a value, and how many were left out.
pub(super) fn collect(body: &Json) -> (Vec<Found>, usize) {
    let mut found = Vec::new();
    let mut left_out = 0;
    let mut steps = 0;
    let mut waiting: Vec<(String, String, &Json, usize)> =
        vec![(String::new(), String::new(), body, 0)];
    while let Some((pointer, name, value, depth)) = waiting.pop() {
        steps += 1;
        if steps > STEPS_MAX {
            break;
        }
        match value {
            Json::Object(_) | Json::Array(_) if depth >= DEPTH_MAX => left_out += 1,
            Json::Object(object) => {
                // The stack gives the last first.
                let inner = object.iter().map(|(key, value)| {
                    let escaped = key.replace('~', "~0").replace('/', "~1");
                    (
                        format!("{pointer}/{escaped}"),
                        key.clone(),
                        value,
                        depth + 1,
                    )
                });
                let inner: Vec<_> = inner.collect();
                waiting.extend(inner.into_iter().rev());
            }
            Json::Array(array) => {
                left_out += array.len().saturating_sub(ELEMENTS_MAX);
                let inner = array
                    .iter()
                    .take(ELEMENTS_MAX)
                    .enumerate()
                    .map(|(index, value)| {
                        (format!("{pointer}/{index}"), name.clone(), value, depth + 1)
                    });
                let inner: Vec<_> = inner.collect();
                waiting.extend(inner.into_iter().rev());
            }
            scalar if found.len() < FIELDS_MAX => found.push(guess(pointer, name, scalar)),
            _ => left_out += 1,
        }
    }
    (found, left_out)
}

/// A message that is one value: its topic says what it is.
pub(super) fn whole(topic: &str, text: &str) -> Found {
    let name = topic.rsplit('/').find(|level| field(level).is_some());
    let name = name
        .or_else(|| topic.rsplit('/').next())
        .unwrap_or_default();
    guess(
        String::new(),
        name.to_owned(),
        &Json::String(text.to_owned()),
    )
}

/// The field that tells the time of the message, with its format.
pub(super) fn time(found: &[Found]) -> Option<(String, &'static str)> {
    found.iter().find_map(|field| {
        let plain: String = field
            .name
            .chars()
            .filter(|c| c.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .collect();
        let is_time = matches!(
            plain.as_str(),
            "time"
                | "timestamp"
                | "ts"
                | "datetime"
                | "eventtime"
                | "lastseen"
                | "measuredat"
                | "reportedat"
                | "receivedat"
                | "updatedat"
                | "utc"
                | "localtime"
                | "devicetime"
                | "sampletime"
        );
        if !is_time {
            return None;
        }
        let read = SourceTime::from_json(&field.raw)?;
        let epoch = words::number(&field.raw);
        let format = match (read, epoch) {
            (SourceTime::Unusable, _) => return None,
            (_, Some(number)) if number.abs() < SECONDS_MAX => "unix_s",
            (_, Some(_)) => "unix_ms",
            (SourceTime::Local(_), None) => "local",
            (SourceTime::Instant(_), None) => "rfc3339",
        };
        Some((field.pointer.clone(), format))
    })
}

fn guess(pointer: String, name: String, raw: &Json) -> Found {
    let known = field(&name).and_then(|known| {
        let value = known_type(known.kind, known.form, raw)?;
        Some((known.kind, value))
    });
    let live = known.is_some();
    let (kind, value) = match known {
        Some((kind, value)) => (kind, Some(value)),
        None => (Kind::Other, plain_type(raw)),
    };
    let hint = if live {
        format!("EDIT: a guess from the name `{name}`")
    } else {
        String::new()
    };
    Found {
        pointer,
        observed: words::brief(raw),
        hint,
        kind,
        value,
        live,
        raw: raw.clone(),
        name,
    }
}

fn known_type(kind: Kind, form: Form, raw: &Json) -> Option<Type> {
    let number = || {
        words::number(raw)?;
        Some(number_in(
            kind,
            match form {
                Form::Number(unit) | Form::Battery(unit) => unit,
                _ => "",
            },
        ))
    };
    match form {
        Form::State | Form::Opposite => {
            let invert = form == Form::Opposite;
            match words::state(raw) {
                Ok(Some(_)) => Some(Type::Bool { invert }),
                Ok(None) => None,
                Err(_) => match state_of(kind, raw) {
                    Ok(Some(state)) => Some(Type::Words(vec![(
                        raw.clone(),
                        Value::Bool(state != invert),
                    )])),
                    // A concentration under the name of its alarm.
                    _ => number(),
                },
            }
        }
        Form::Number(_) => number(),
        Form::Battery(_) => match raw {
            Json::String(word) if words::number_text(word).is_none() => battery_word(word, raw),
            _ => number(),
        },
        Form::BatteryLow => flag(raw, "low", "ok"),
        Form::BatteryOk => flag(raw, "ok", "low"),
        Form::Lock => {
            let word = lock_state(raw)?;
            Some(Type::Words(vec![(
                raw.clone(),
                Value::Text(word.to_owned()),
            )]))
        }
    }
}

fn battery_word(word: &str, raw: &Json) -> Option<Type> {
    let state = match word.trim().to_lowercase().as_str() {
        "low" | "critical" | "empty" => "low",
        "ok" | "normal" | "good" | "high" | "full" | "medium" => "ok",
        _ => return None,
    };
    Some(Type::Words(vec![(
        raw.clone(),
        Value::Text(state.to_owned()),
    )]))
}

/// A flag in the form in which the message has it.
fn flag(raw: &Json, yes: &str, no: &str) -> Option<Type> {
    let state = words::state(raw).ok()??;
    let text = |word: &str| Value::Text(word.to_owned());
    let pair = |on: Json, off: Json| vec![(on, text(yes)), (off, text(no))];
    Some(Type::Words(match raw {
        Json::Bool(_) => pair(true.into(), false.into()),
        Json::Number(_) => pair(1.into(), 0.into()),
        other => vec![(other.clone(), text(if state { yes } else { no }))],
    }))
}

/// A number in a unit that is not the kind's own is scaled to it.
fn number_in(kind: Kind, unit: &str) -> Type {
    let (zero, own) = units::normalised(kind, 0.0, unit);
    if own == units::spelled(unit) {
        return Type::Number {
            unit: unit.to_owned(),
            scale: 1.0,
            offset: 0.0,
        };
    }
    let own = own.to_owned();
    if own == "°C" && units::spelled(unit) == "°F" {
        return Type::Number {
            unit: own,
            scale: 1.0 / 1.8,
            offset: -32.0 / 1.8,
        };
    }
    let (one, _) = units::normalised(kind, 1.0, unit);
    Type::Number {
        unit: own,
        scale: one - zero,
        offset: zero,
    }
}

fn plain_type(raw: &Json) -> Option<Type> {
    match raw {
        Json::Bool(_) => Some(Type::Bool { invert: false }),
        Json::Number(number) if number.as_f64().is_some_and(f64::is_finite) => {
            Some(number_in(Kind::Other, ""))
        }
        Json::String(text) if words::number_text(text).is_some() => {
            Some(number_in(Kind::Other, ""))
        }
        Json::String(text) if !text.trim().is_empty() => Some(Type::Text),
        _ => None,
    }
}
