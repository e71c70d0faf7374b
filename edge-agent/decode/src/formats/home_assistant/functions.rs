//! The filters, tests and functions that Home Assistant adds to Jinja, as far as value templates use
//! them (<https://www.home-assistant.io/docs/configuration/templating/>).
//!
//! What an agent does not have (other entities) fails, and so does what would only cost memory.

use minijinja::value::{Kwargs, Rest, ValueKind, from_args};
use minijinja::{Environment, Error, ErrorKind, Value};

use super::{methods, patterns, times};

/// Longest text that a filter may make.
const TEXT_BYTES_MAX: usize = 256 * 1024;

/// Adds everything to the engine, and takes out what could use memory without end.
pub(super) fn install(engine: &mut Environment<'static>) {
    for name in [
        "indent", "batch", "slice", "pprint", "chain", "zip", "join", "replace", "format", "safe",
        "escape", "e", "attr",
    ] {
        engine.remove_filter(name);
    }
    for name in ["namespace", "debug", "dict"] {
        engine.remove_global(name);
    }
    engine
        .set_formatter(|output, _state, value| output.write_str(&text(value)).map_err(Error::from));
    engine.set_unknown_method_callback(methods::call);
    conversions(engine);
    numbers(engine);
    texts(engine);
    times::install(engine);
    patterns::install(engine);
    for name in [
        "states",
        "is_state",
        "state_attr",
        "is_state_attr",
        "has_value",
        "expand",
        "area_name",
    ] {
        engine.add_function(name, move |_: Rest<Value>| -> Result<Value, Error> {
            Err(missing(format!("{name}() needs other entities")))
        });
    }
}

pub(super) fn missing(why: String) -> Error {
    Error::new(ErrorKind::UndefinedError, why)
}

pub(super) fn fault(why: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, why)
}

/// Text as Python writes it.
pub(super) fn text(value: &Value) -> String {
    match value.kind() {
        ValueKind::Undefined => String::new(),
        ValueKind::None => "None".to_owned(),
        ValueKind::Bool if value.is_true() => "True".to_owned(),
        ValueKind::Bool => "False".to_owned(),
        _ => value.to_string(),
    }
}

/// A finite number from a number, a boolean or text.
pub(super) fn number(value: &Value) -> Option<f64> {
    match value.kind() {
        ValueKind::Number => f64::try_from(value.clone()).ok(),
        ValueKind::Bool => Some(if value.is_true() { 1.0 } else { 0.0 }),
        ValueKind::String => value.as_str()?.trim().parse().ok(),
        _ => None,
    }
}

fn or_default(
    value: &Value,
    read: Option<Value>,
    default: Option<Value>,
    options: &Kwargs,
    what: &str,
) -> Result<Value, Error> {
    let named: Option<Value> = options.get("default")?;
    match read.or(default).or(named) {
        Some(read) => Ok(read),
        None if value.is_undefined() || value.is_none() => {
            Err(missing(format!("nothing to make {what} of")))
        }
        None => Err(fault(format!(
            "`{}` is not {what}",
            crate::words::cut(&value.to_string())
        ))),
    }
}

fn float(value: Value, default: Option<Value>, options: Kwargs) -> Result<Value, Error> {
    let read = number(&value).map(Value::from);
    or_default(&value, read, default, &options, "a number")
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a float to integer cast saturates"
)]
fn int(value: Value, default: Option<Value>, options: Kwargs) -> Result<Value, Error> {
    let base: Option<u32> = options.get("base")?;
    let read = match (value.as_str(), base) {
        (Some(text), Some(base @ 2..=36)) => {
            let digits = text.trim().trim_start_matches("0x");
            i64::from_str_radix(digits, base).ok().map(Value::from)
        }
        _ => number(&value)
            .filter(|n| n.is_finite())
            .map(|n| Value::from(n.trunc() as i64)),
    };
    or_default(&value, read, default, &options, "a whole number")
}

fn boolean(value: Value, default: Option<Value>, options: Kwargs) -> Result<Value, Error> {
    let read = match value.kind() {
        ValueKind::Bool => Some(value.is_true()),
        ValueKind::Number => Some(number(&value) != Some(0.0)),
        ValueKind::String => match value.as_str().unwrap_or_default().to_lowercase().as_str() {
            "1" | "true" | "yes" | "on" | "enable" => Some(true),
            "0" | "false" | "no" | "off" | "disable" => Some(false),
            _ => None,
        },
        _ => None,
    };
    or_default(&value, read.map(Value::from), default, &options, "a state")
}

fn conversions(engine: &mut Environment<'static>) {
    engine.add_filter("float", float);
    engine.add_function("float", float);
    engine.add_filter("int", int);
    engine.add_function("int", int);
    engine.add_filter("bool", boolean);
    engine.add_function("bool", boolean);
    engine.add_filter("string", |value: Value| text(&value));
    engine.add_filter("is_defined", |value: Value| {
        if value.is_undefined() {
            return Err(missing("the value is not defined".to_owned()));
        }
        Ok(value)
    });
    let is_number = |value: Value| {
        value.kind() != ValueKind::Bool && number(&value).is_some_and(f64::is_finite)
    };
    engine.add_filter("is_number", is_number);
    engine.add_function("is_number", is_number);
    engine.add_test("is_number", is_number);
    engine.add_filter("iif", iif);
    engine.add_function("iif", iif);
    let parse = |text: String| {
        serde_json::from_str::<serde_json::Value>(&text)
            .map(|json| Value::from(minijinja::value::Serde(json)))
            .map_err(|error| fault(format!("not JSON: {error}")))
    };
    engine.add_filter("from_json", parse);
    engine.add_function("from_json", parse);
    engine.add_filter("to_json", |value: Value| {
        serde_json::to_string(&value).map_err(|error| fault(format!("not as JSON: {error}")))
    });
}

fn iif(value: Value, yes: Option<Value>, no: Option<Value>, none: Option<Value>) -> Value {
    if value.is_none()
        && let Some(none) = none
    {
        return none;
    }
    if value.is_true() {
        yes.unwrap_or_else(|| Value::from(true))
    } else {
        no.unwrap_or_else(|| Value::from(false))
    }
}

/// Home Assistant's rounding gives a whole number when no digits are asked for.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a float to integer cast saturates"
)]
fn round(
    value: Value,
    digits: Option<i32>,
    method: Option<String>,
    default: Option<Value>,
) -> Result<Value, Error> {
    let Some(number) = number(&value).filter(|n| n.is_finite()) else {
        return match default {
            Some(default) => Ok(default),
            None if value.is_undefined() => Err(missing("nothing to round".to_owned())),
            None => Err(fault(format!(
                "`{}` cannot be rounded",
                crate::words::cut(&value.to_string())
            ))),
        };
    };
    let digits = digits.unwrap_or(0).clamp(-12, 12);
    let scale = 10_f64.powi(digits);
    let rounded = match method.as_deref() {
        Some("ceil") => (number * scale).ceil() / scale,
        Some("floor") => (number * scale).floor() / scale,
        Some("half") => (number * 2.0).round() / 2.0,
        _ => (number * scale).round_ties_even() / scale,
    };
    if digits <= 0 && method.as_deref() != Some("half") {
        return Ok(Value::from(rounded as i64));
    }
    Ok(Value::from(rounded))
}

fn numbers(engine: &mut Environment<'static>) {
    engine.add_filter("round", round);
    engine.add_filter("multiply", |value: Value, by: f64| {
        arithmetic(&value, |n| n * by)
    });
    engine.add_filter("add", |value: Value, more: f64| {
        arithmetic(&value, |n| n + more)
    });
    for (name, function) in [
        ("sqrt", f64::sqrt as fn(f64) -> f64),
        ("sin", f64::sin),
        ("cos", f64::cos),
        ("tan", f64::tan),
    ] {
        engine.add_filter(name, move |value: Value| arithmetic(&value, function));
        engine.add_function(name, move |value: Value| arithmetic(&value, function));
    }
    let log = |value: Value, base: Option<f64>| {
        arithmetic(&value, |n| base.map_or_else(|| n.ln(), |base| n.log(base)))
    };
    engine.add_filter("log", log);
    engine.add_function("log", log);
    engine.add_function("min", |values: Rest<Value>| extreme("min", &values));
    engine.add_function("max", |values: Rest<Value>| extreme("max", &values));
    for (name, function) in [
        ("bitwise_and", (|a, b| a & b) as fn(i64, i64) -> i64),
        ("bitwise_or", |a, b| a | b),
        ("bitwise_xor", |a, b| a ^ b),
    ] {
        engine.add_filter(name, function);
    }
    engine.add_global("pi", std::f64::consts::PI);
    engine.add_global("e", std::f64::consts::E);
}

fn arithmetic(value: &Value, function: impl Fn(f64) -> f64) -> Result<f64, Error> {
    let number = number(value).ok_or_else(|| {
        if value.is_undefined() {
            missing("nothing to reckon with".to_owned())
        } else {
            fault("not a number")
        }
    })?;
    Some(function(number))
        .filter(|n| n.is_finite())
        .ok_or_else(|| fault("the result is not a number"))
}

/// The smallest or largest of the arguments, or of a list.
fn extreme(which: &str, values: &[Value]) -> Result<Value, Error> {
    let listed: Vec<Value> = match values {
        [list] if list.kind() == ValueKind::Seq => list.try_iter()?.collect(),
        values => values.to_vec(),
    };
    let least = listed.into_iter().reduce(|one, other| {
        if (other < one) == (which == "min") {
            other
        } else {
            one
        }
    });
    least.ok_or_else(|| fault(format!("{which}() of nothing")))
}

/// `text` with `from` replaced, as long as that stays small.
pub(super) fn replaced(text: &str, from: &str, to: &str) -> Result<String, Error> {
    let count = if from.is_empty() {
        text.len() + 1
    } else {
        text.matches(from).count()
    };
    bounded(count.saturating_mul(to.len()).saturating_add(text.len()))?;
    Ok(text.replace(from, to))
}

/// Refuses to make a text of this size.
pub(super) fn bounded(bytes: usize) -> Result<(), Error> {
    if bytes > TEXT_BYTES_MAX {
        return Err(fault("the text would be too long"));
    }
    Ok(())
}

fn texts(engine: &mut Environment<'static>) {
    engine.add_filter("replace", |value: Value, from: String, to: String| {
        replaced(&text(&value), &from, &to)
    });
    engine.add_filter("join", |list: Value, between: Option<String>| {
        let parts: Vec<String> = list.try_iter()?.map(|part| text(&part)).collect();
        let between = between.unwrap_or_default();
        let size = parts.iter().map(String::len).sum::<usize>();
        bounded(size.saturating_add(parts.len().saturating_mul(between.len())))?;
        Ok::<_, Error>(parts.join(&between))
    });
    engine.add_filter("format", |pattern: String, values: Rest<Value>| {
        printf(&pattern, &values)
    });
    engine.add_filter("contains", |value: Value, what: Value| {
        minijinja::value::Value::from(text(&value).contains(&text(&what)))
    });
    engine.add_filter("ord", |text: String| text.chars().next().map(u32::from));
    engine.add_filter("ordinal", |value: Value| text(&value));
}

/// `%` formatting with widths that no display exceeds.
pub(super) fn printf(pattern: &str, values: &[Value]) -> Result<String, Error> {
    formatted(minijinja::formatting::FormatStyle::Printf, pattern, values)
}

/// Formatting in either of Python's styles.
pub(super) fn formatted(
    style: minijinja::formatting::FormatStyle,
    pattern: &str,
    values: &[Value],
) -> Result<String, Error> {
    let wide = pattern
        .split(|c: char| !c.is_ascii_digit())
        .any(|digits| digits.len() > 2);
    if wide || pattern.contains('*') {
        return Err(fault("a format that wide is not made"));
    }
    minijinja::formatting::format(style, pattern, values)
}

/// Arguments of a method.
pub(super) fn arguments<'a, T>(args: &'a [Value]) -> Result<T, Error>
where
    T: minijinja::value::FunctionArgs<'a, Output = T>,
{
    from_args(args)
}
