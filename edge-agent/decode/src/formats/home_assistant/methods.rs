//! The methods of Python's texts, dictionaries and lists that value templates call.

use minijinja::value::{Rest, ValueKind};
use minijinja::{Error, ErrorKind, State, Value};

use super::functions::{arguments, formatted, replaced};
use super::times::seconds;

/// Calls a method that the engine does not have.
pub(super) fn call(
    _state: &mut State,
    value: &Value,
    method: &str,
    args: &[Value],
) -> Result<Value, Error> {
    match value.kind() {
        ValueKind::String => of_text(value, method, args),
        ValueKind::Map => of_map(value, method, args),
        ValueKind::Number if method == "is_integer" => {
            Ok(Value::from(f64::try_from(value.clone())?.fract() == 0.0))
        }
        _ => Err(Error::from(ErrorKind::UnknownMethod)),
    }
}

fn of_text(value: &Value, method: &str, args: &[Value]) -> Result<Value, Error> {
    let text = value.as_str().unwrap_or_default();
    let trimmed = |set: Option<String>, start: bool, end: bool| {
        let cut = |c: char| match &set {
            Some(set) => set.contains(c),
            None => c.is_whitespace(),
        };
        let text = if start {
            text.trim_start_matches(cut)
        } else {
            text
        };
        Value::from(if end {
            text.trim_end_matches(cut)
        } else {
            text
        })
    };
    Ok(match method {
        "lower" => Value::from(text.to_lowercase()),
        "upper" => Value::from(text.to_uppercase()),
        "title" | "capitalize" => {
            let mut chars = text.chars();
            let first: String = chars
                .next()
                .into_iter()
                .flat_map(char::to_uppercase)
                .collect();
            Value::from(first + &chars.as_str().to_lowercase())
        }
        "strip" => trimmed(arguments::<(Option<String>,)>(args)?.0, true, true),
        "lstrip" => trimmed(arguments::<(Option<String>,)>(args)?.0, true, false),
        "rstrip" => trimmed(arguments::<(Option<String>,)>(args)?.0, false, true),
        "split" => split(text, arguments::<(Option<String>, Option<usize>)>(args)?),
        "replace" => {
            let (from, to): (String, String) = arguments(args)?;
            Value::from(replaced(text, &from, &to)?)
        }
        "startswith" => Value::from(text.starts_with(&arguments::<(String,)>(args)?.0)),
        "endswith" => Value::from(text.ends_with(&arguments::<(String,)>(args)?.0)),
        "find" => {
            let at = text.find(&arguments::<(String,)>(args)?.0);
            Value::from(at.and_then(|at| i64::try_from(at).ok()).unwrap_or(-1))
        }
        "count" => Value::from(text.matches(&arguments::<(String,)>(args)?.0).count()),
        "isdigit" | "isnumeric" | "isdecimal" => {
            Value::from(!text.is_empty() && text.chars().all(|c| c.is_ascii_digit()))
        }
        "format" => {
            let (values,): (Rest<Value>,) = arguments(args)?;
            let style = minijinja::formatting::FormatStyle::StrFormat;
            Value::from(formatted(style, text, &values)?)
        }
        "isoformat" => value.clone(),
        "timestamp" => Value::from(seconds(value)),
        _ => return Err(Error::from(ErrorKind::UnknownMethod)),
    })
}

fn split(text: &str, (by, most): (Option<String>, Option<usize>)) -> Value {
    let most = most.unwrap_or(usize::MAX - 1).saturating_add(1);
    match by.filter(|by| !by.is_empty()) {
        Some(by) => text.splitn(most, by.as_str()).map(Value::from).collect(),
        None => text.split_whitespace().map(Value::from).collect(),
    }
}

fn of_map(value: &Value, method: &str, args: &[Value]) -> Result<Value, Error> {
    Ok(match method {
        "get" => {
            let (key, default): (Value, Option<Value>) = arguments(args)?;
            let found = value.get_item(&key)?;
            match (found.is_undefined(), default) {
                (false, _) => found,
                (true, default) => default.unwrap_or_else(|| Value::from(())),
            }
        }
        "keys" => value.try_iter()?.collect(),
        "values" => value
            .try_iter()?
            .map(|key| value.get_item(&key))
            .collect::<Result<Value, Error>>()?,
        "items" => value
            .try_iter()?
            .map(|key| Ok(Value::from(vec![key.clone(), value.get_item(&key)?])))
            .collect::<Result<Value, Error>>()?,
        _ => return Err(Error::from(ErrorKind::UnknownMethod)),
    })
}
