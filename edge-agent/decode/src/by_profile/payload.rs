//! Payloads as documents that channels can point into: JSON as it is, text as one string, CSV line by
//! line, key-value pairs as an object of texts.

use std::borrow::Cow;

use serde_json::{Map, Value as Json};

use super::Refusal;
use crate::frame::Message;
use crate::profile::{FieldForm, MqttMatcher, PayloadForm};

/// At most this many lines of a CSV message are read.
const LINES_MAX: usize = 256;
/// At most this many fields of a line, or pairs of a message.
const FIELDS_MAX: usize = 256;

/// The documents of a message: one, or for CSV one for each line.
#[derive(Debug)]
pub(super) struct Documents<'a> {
    pub(super) all: Vec<Cow<'a, Json>>,
    /// Lines that were left out because there were too many.
    pub(super) left_out: usize,
}

/// Parses a payload.
///
/// # Errors
/// When it is not of the form.
pub(super) fn documents<'a>(
    matcher: &MqttMatcher,
    message: &'a Message<'_>,
) -> Result<Documents<'a>, Refusal> {
    let one = |document| Documents {
        all: vec![document],
        left_out: 0,
    };
    if matcher.payload == PayloadForm::Json {
        return match message.json() {
            Ok(json) => Ok(one(Cow::Borrowed(json))),
            Err(why) => Err(Refusal::Malformed(why.to_owned())),
        };
    }
    let text = std::str::from_utf8(message.payload)
        .map_err(|error| Refusal::Malformed(format!("the payload is not UTF-8 text: {error}")))?;
    match matcher.payload {
        PayloadForm::Csv => lines(&matcher.fields, text),
        PayloadForm::KeyValue => {
            let pairs = pairs(&matcher.fields, text);
            if pairs.is_empty() {
                return Err(Refusal::Malformed(
                    "the payload has no `name=value`".to_owned(),
                ));
            }
            Ok(one(Cow::Owned(Json::Object(pairs))))
        }
        PayloadForm::Text | PayloadForm::Json => Ok(one(Cow::Owned(Json::String(text.to_owned())))),
    }
}

fn lines(form: &FieldForm, text: &str) -> Result<Documents<'static>, Refusal> {
    let separator = form.separator.unwrap_or(',');
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let names = if form.header {
        lines
            .next()
            .map(|line| fields(line, separator))
            .unwrap_or_default()
    } else {
        form.columns.clone()
    };
    let all: Vec<Cow<'static, Json>> = lines
        .by_ref()
        .take(LINES_MAX)
        .map(|line| Cow::Owned(document(&names, fields(line, separator))))
        .collect();
    if all.is_empty() {
        return Err(Refusal::Malformed(
            "the payload has no line of fields".to_owned(),
        ));
    }
    Ok(Documents {
        all,
        left_out: lines.count(),
    })
}

/// A line as an array, or as an object of columns where they have names. Empty fields say nothing.
fn document(names: &[String], fields: Vec<String>) -> Json {
    let field = |text: String| {
        let text = text.trim();
        if text.is_empty() {
            Json::Null
        } else {
            Json::String(text.to_owned())
        }
    };
    if names.is_empty() {
        return fields.into_iter().map(field).collect();
    }
    let mut object = Map::new();
    for (index, text) in fields.into_iter().enumerate() {
        let value = field(text);
        if let Some(name) = names.get(index).filter(|name| !name.trim().is_empty()) {
            object.insert(name.trim().to_owned(), value.clone());
        }
        object.insert(index.to_string(), value);
    }
    Json::Object(object)
}

/// The fields of a line; a field in `"` may hold the separator, and `""` for a quotation mark.
fn fields(line: &str, separator: char) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                push(&mut fields, '"');
            }
            '"' => quoted = !quoted,
            _ if letter == separator && !quoted => {
                if fields.len() == FIELDS_MAX {
                    break;
                }
                fields.push(String::new());
            }
            _ => push(&mut fields, letter),
        }
    }
    fields
}

fn push(fields: &mut [String], letter: char) {
    if let Some(last) = fields.last_mut() {
        last.push(letter);
    }
}

fn pairs(form: &FieldForm, text: &str) -> Map<String, Json> {
    let is_separator = |letter: char| match form.separator {
        Some(separator) => letter == separator || letter == '\n',
        None => letter.is_whitespace() || matches!(letter, ',' | ';' | '&'),
    };
    text.split(is_separator)
        .filter_map(|pair| pair.split_once(['=', ':']))
        .filter(|(name, value)| !name.trim().is_empty() && !value.trim().is_empty())
        .take(FIELDS_MAX)
        .map(|(name, value)| {
            let value = value.trim().trim_matches('"');
            (name.trim().to_owned(), Json::String(value.to_owned()))
        })
        .collect()
}
