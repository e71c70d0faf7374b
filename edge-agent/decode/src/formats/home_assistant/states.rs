//! From what a template gives to what the entity says.

use gridwatch_protocol::{Kind, Value};
use serde_json::Value as Json;

use super::classes::Means;
use super::entity::{Entity, Role};
use super::meaning::What;
use crate::observation::{Observation, Output};
use crate::{units, words};

/// Longest word of a state: Home Assistant's own limit.
const WORD_CHARS_MAX: usize = 255;

/// What a text says, for the role of its topic.
///
/// # Errors
/// A sentence when it should be a state and is none.
pub(super) fn read(
    entity: &Entity,
    role: Role,
    text: &str,
    retained: bool,
    output: &mut Output,
) -> Result<Option<Observation>, String> {
    // Python's word for nothing, and Home Assistant's for a state that it does not have.
    if matches!(text, "" | "None" | "unknown" | "unavailable") {
        output.note(|| format!("`{text}` is no state"));
        return Ok(None);
    }
    let id = entity.id();
    match (role, &entity.what) {
        (Role::Temperature, What::Number { unit, .. }) => number(id, Kind::Temperature, unit, text),
        (Role::Temperature, _) => number(id, Kind::Temperature, "", text),
        (Role::Humidity, _) => number(id, Kind::Humidity, "%", text),
        (
            Role::Position,
            What::Cover {
                is_door: true,
                position_closed,
                ..
            },
        ) => {
            let position = words::number_text(text)
                .ok_or_else(|| format!("position `{}` is not a number", words::cut(text)))?;
            let open = (position - position_closed).abs() > f64::EPSILON;
            Ok(Some(Observation::state(id, Kind::Door, open)))
        }
        (Role::State, what) => state(id, what, text, retained, output),
        _ => Ok(None),
    }
}

fn state(
    id: String,
    what: &What,
    text: &str,
    retained: bool,
    output: &mut Output,
) -> Result<Option<Observation>, String> {
    match what {
        What::Binary {
            on,
            off,
            means,
            in_json,
        } => {
            let inner = if *in_json { json_state(text) } else { None };
            let state = two_words(inner.as_deref().unwrap_or(text), on, off)?;
            Ok(Some(meaning(id, *means, state)))
        }
        What::Number { kind, unit } => number(id, *kind, unit, text),
        What::Lock(known) => match known.iter().find(|(word, _)| word == text) {
            Some((_, state)) => Ok(state.map(|state| Observation::word(id, Kind::Lock, state))),
            None => Err(format!("`{}` is no state of the lock", words::cut(text))),
        },
        What::Cover {
            words: known,
            stopped,
            is_door,
            ..
        } => {
            if text == stopped {
                output.note(|| "stopped: neither open nor closed is told".to_owned());
                return Ok(None);
            }
            let Some((_, open)) = known.iter().find(|(word, _)| word == text) else {
                return Err(format!("`{}` is no state of the cover", words::cut(text)));
            };
            Ok(Some(if *is_door {
                Observation::state(id, Kind::Door, *open)
            } else {
                Observation::word(id, Kind::Other, text)
            }))
        }
        What::Word => Ok(Some(word_or_number(id, text))),
        What::Event(_) | What::Trigger { .. } if retained => {
            output.note(|| "a retained event happened before".to_owned());
            Ok(None)
        }
        What::Event(types) => event(id, types, text).map(Some),
        What::Trigger { payload, word } => Ok(match payload {
            Some(payload) if payload != text => None,
            _ if word.is_empty() => Some(Observation::word(id, Kind::Other, cut(text))),
            _ => Some(Observation::word(id, Kind::Other, cut(word))),
        }),
        What::Nothing(why) => {
            output.note(|| format!("left alone: {why}"));
            Ok(None)
        }
    }
}

/// A number without a unit is a number all the same, as long as nothing of its writing is lost.
fn word_or_number(id: String, text: &str) -> Observation {
    match words::number_text(text) {
        Some(number) if number.to_string() == text => {
            Observation::number(id, Kind::Other, number, "")
        }
        _ => Observation::word(id, Kind::Other, cut(text)),
    }
}

/// Compares as Home Assistant does: text with text. `true` without a template is also taken for a
/// configured JSON `true`, which Python writes `True`.
fn two_words(text: &str, on: &str, off: &str) -> Result<bool, String> {
    let is = |word: &str| {
        text == word
            || (matches!(word, "True" | "False" | "true" | "false")
                && text.eq_ignore_ascii_case(word))
    };
    if is(on) {
        Ok(true)
    } else if is(off) {
        Ok(false)
    } else {
        Err(format!(
            "`{}` is neither `{on}` nor `{off}`",
            words::cut(text)
        ))
    }
}

fn meaning(id: String, means: Means, on: bool) -> Observation {
    match means {
        Means::True(kind) => Observation::state(id, kind, on),
        Means::Low => Observation::word(id, Kind::Battery, if on { "low" } else { "ok" }),
        Means::Unlocked => {
            Observation::word(id, Kind::Lock, if on { "unlocked" } else { "locked" })
        }
    }
}

fn number(id: String, kind: Kind, unit: &str, text: &str) -> Result<Option<Observation>, String> {
    let Some(number) = words::number_text(text) else {
        let nothing = ["nan", "null", "-", "n/a", "inf", "-inf", "+inf", "infinity"];
        if nothing.iter().any(|word| word.eq_ignore_ascii_case(text)) {
            return Ok(None);
        }
        return match (kind, text.to_lowercase().as_str()) {
            (Kind::Battery, "low" | "critical") => Ok(Some(Observation::word(id, kind, "low"))),
            (Kind::Battery, "ok" | "normal" | "good" | "high" | "full" | "medium") => {
                Ok(Some(Observation::word(id, kind, "ok")))
            }
            _ => Err(format!("`{}` is not a number", words::cut(text))),
        };
    };
    let (number, unit) = units::normalised(kind, number, unit);
    Ok(Some(Observation::number(id, kind, number, unit)))
}

/// The state in the JSON that lights and sirens publish.
fn json_state(text: &str) -> Option<String> {
    let json: Json = serde_json::from_str(text).ok()?;
    Some(super::template::python(json.as_object()?.get("state")?))
}

fn event(id: String, types: &[String], text: &str) -> Result<Observation, String> {
    let json: Json = serde_json::from_str(text)
        .map_err(|_| format!("`{}` is not the JSON of an event", words::cut(text)))?;
    let word = json
        .get("event_type")
        .and_then(Json::as_str)
        .ok_or("an event without event_type")?;
    if !types.is_empty() && !types.iter().any(|known| known == word) {
        return Err(format!(
            "event type `{}` was not announced",
            words::cut(word)
        ));
    }
    Ok(Observation::new(id, Kind::Other, Value::Text(cut(word))))
}

fn cut(word: &str) -> String {
    word.chars().take(WORD_CHARS_MAX).collect()
}
