//! Times in value templates: seconds since 1970 as a number, or RFC 3339 as text.

use minijinja::value::Rest;
use minijinja::{Environment, Error, State, Value};

use super::functions::{fault, missing, number};

/// Times are numbers (seconds since 1970) or their text; an agent computes no calendars.
pub(super) fn install(engine: &mut Environment<'static>) {
    let now = |state: &State| -> Result<String, Error> {
        let ms = state
            .lookup("received_ms")
            .and_then(|ms| i64::try_from(ms).ok())
            .ok_or_else(|| missing("no time of receipt".to_owned()))?;
        iso(number_of_ms(ms))
    };
    engine.add_function("now", now);
    engine.add_function("utcnow", now);
    let stamp = |value: Value, default: Option<Value>| match seconds(&value) {
        Some(seconds) => Ok(Value::from(seconds)),
        None => default.ok_or_else(|| fault("not a time")),
    };
    engine.add_filter("as_timestamp", stamp);
    engine.add_function("as_timestamp", stamp);
    let written = |value: Value, _: Rest<Value>| match seconds(&value) {
        Some(seconds) => iso(seconds),
        None => Err(fault("not a time")),
    };
    for name in [
        "timestamp_utc",
        "timestamp_local",
        "as_datetime",
        "as_local",
    ] {
        engine.add_filter(name, written);
        engine.add_function(name, written);
    }
    engine.add_filter(
        "timestamp_custom",
        |value: Value, pattern: String, _: Rest<Value>| {
            let at = seconds(&value)
                .and_then(timestamp)
                .ok_or_else(|| fault("not a time"))?;
            jiff::fmt::strtime::format(&pattern, &at.to_zoned(jiff::tz::TimeZone::UTC))
                .map_err(|error| fault(error.to_string()))
        },
    );
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds since 1970 fit a double exactly"
)]
fn number_of_ms(ms: i64) -> f64 {
    ms as f64 / 1000.0
}

fn timestamp(seconds: f64) -> Option<jiff::Timestamp> {
    match crate::time::SourceTime::from_epoch_s(seconds) {
        crate::time::SourceTime::Instant(at) => Some(at),
        _ => None,
    }
}

fn iso(seconds: f64) -> Result<String, Error> {
    timestamp(seconds)
        .map(|at| at.to_string())
        .ok_or_else(|| fault("not a time"))
}

/// Seconds since 1970 of a number or of an RFC 3339 text.
pub(super) fn seconds(value: &Value) -> Option<f64> {
    if let Some(number) = number(value) {
        return Some(number);
    }
    match crate::time::SourceTime::from_text(value.as_str()?) {
        crate::time::SourceTime::Instant(at) => Some(number_of_ms(at.as_millisecond())),
        _ => None,
    }
}
