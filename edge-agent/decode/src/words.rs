//! States and numbers as devices write them. One place, so that every format reads them alike.

use serde_json::Value as Json;

/// A state: JSON booleans, 1 and 0, and the words in use. `Ok(None)` when the field says that there
/// is no state.
///
/// # Errors
/// A sentence when it is neither.
pub fn state(raw: &Json) -> Result<Option<bool>, String> {
    match raw {
        Json::Null => Ok(None),
        Json::Bool(state) => Ok(Some(*state)),
        Json::Number(number) if number.as_f64() == Some(1.0) => Ok(Some(true)),
        Json::Number(number) if number.as_f64() == Some(0.0) => Ok(Some(false)),
        Json::String(word) => state_word(word),
        other => Err(format!("{} is not a state", brief(other))),
    }
}

/// A state from a word.
///
/// # Errors
/// A sentence when it is none.
pub fn state_word(word: &str) -> Result<Option<bool>, String> {
    let word = word.trim();
    let is = |words: &[&str]| words.iter().any(|w| w.eq_ignore_ascii_case(word));
    if is(&["true", "on", "yes", "1", "active", "1.0"]) {
        Ok(Some(true))
    } else if is(&["false", "off", "no", "0", "inactive", "0.0"]) {
        Ok(Some(false))
    } else if is(&["", "unknown", "unavailable", "none", "null"]) {
        Ok(None)
    } else {
        Err(format!("`{}` is not a state", cut(word)))
    }
}

/// A finite number, from a JSON number or from text.
#[must_use]
pub fn number(raw: &Json) -> Option<f64> {
    match raw {
        Json::Number(number) => number.as_f64(),
        Json::String(text) => number_text(text),
        _ => None,
    }
    .filter(|number| number.is_finite())
}

/// A finite number from text. `nan`, `inf` and words are none.
#[must_use]
pub fn number_text(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|n: &f64| n.is_finite())
}

/// A text or a number as text; what ids and credentials are written as.
#[must_use]
pub fn text(raw: &Json) -> Option<String> {
    match raw {
        Json::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The beginning of a field, for messages.
#[must_use]
pub fn brief(field: &Json) -> String {
    cut(&field.to_string())
}

/// The beginning of a text, for messages.
#[must_use]
pub fn cut(text: &str) -> String {
    let mut cut: String = text.chars().take(40).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    cut
}
