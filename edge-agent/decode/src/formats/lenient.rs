//! Reads JSON of firmware that writes numbers with a plain `printf`: a broken sensor gives a bare `nan`
//! or `inf`, which no JSON parser takes, and would hide its healthy neighbours.
//!
//! Only that one defect is repaired. Anything else that is wrong refuses the whole message: what was
//! overwritten in a buffer must never be salvaged by a search for field names.

use serde_json::Value as Json;

use crate::frame::Message;

/// The tokens that stand where a number should, in the spellings of C libraries.
const NO_NUMBERS: [&str; 3] = ["nan", "infinity", "inf"];

/// The payload as JSON, with bare `nan` and `inf` read as null.
///
/// # Errors
/// A sentence that says where it is not JSON.
pub(crate) fn json(message: &Message<'_>) -> Result<Json, String> {
    let why = match message.json() {
        Ok(json) => return Ok(json.clone()),
        Err(why) => why.to_owned(),
    };
    let repaired = message
        .text()
        .and_then(repaired)
        .ok_or_else(|| why.clone())?;
    serde_json::from_str(&repaired).map_err(|_| why)
}

/// The text with `null` for every bare token that is no number; `None` when there is none.
fn repaired(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut found = false;
    let mut in_string = false;
    while let Some(c) = rest.chars().next() {
        if !in_string && let Some(length) = token(rest, out.chars().next_back()) {
            out.push_str("null");
            rest = rest.get(length..)?;
            found = true;
            continue;
        }
        let mut length = c.len_utf8();
        if in_string && c == '\\' {
            length += rest.get(length..)?.chars().next().map_or(0, char::len_utf8);
        } else if c == '"' {
            in_string = !in_string;
        }
        out.push_str(rest.get(..length)?);
        rest = rest.get(length..)?;
    }
    found.then_some(out)
}

/// The length of a token that is no number, with its sign, if one begins here.
fn token(rest: &str, before: Option<char>) -> Option<usize> {
    if !matches!(before, Some(':' | ',' | '[' | ' ' | '\t' | '\n' | '\r')) {
        return None;
    }
    let sign = usize::from(rest.starts_with(['-', '+']));
    let word = rest.get(sign..)?;
    NO_NUMBERS.iter().find_map(|name| {
        let found = word.get(..name.len())?.eq_ignore_ascii_case(name);
        let after = word.get(name.len()..)?.chars().next();
        let ends = after.is_none_or(|c| matches!(c, ',' | '}' | ']' | ' ' | '\t' | '\n' | '\r'));
        (found && ends).then_some(sign + name.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use gridwatch_protocol::Timestamp;
    use serde_json::json;

    fn read(text: &str) -> Result<Json, String> {
        let message = Message::new("t", text.as_bytes(), false, Timestamp::from_unix_ms(0));
        json(&message)
    }

    #[test]
    fn bare_nan_and_inf_are_read_as_null_and_nothing_else_is_repaired() {
        assert_eq!(
            read(r#"{"a":nan,"b":[-inf, NAN ],"c":1}"#),
            Ok(json!({"a": null, "b": [null, null], "c": 1}))
        );
        assert_eq!(
            read(r#"{"nan":"nan, inf: \"nan","b":nan}"#),
            Ok(json!({"nan": "nan, inf: \"nan", "b": null}))
        );
        for broken in [
            r#"{"a":nan"#,
            r#"{"a":nano}"#,
            r#"{a:nan}"#,
            r#"{"a":nan}{"b":1}"#,
            r#"{"a":"x"#,
            "nan",
            "",
        ] {
            assert!(read(broken).is_err(), "{broken}");
        }
    }
}
