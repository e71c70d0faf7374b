//! A device profile made from one message that nobody understands: ready to edit, not ready to trust.
//!
//! The observed fields become channels where their names mean one thing ([`crate::fields`]); all others
//! stand beside them as comments. The message itself becomes the golden sample, and what comes out
//! parses as a profile and passes that sample: it is tried before it is handed over.
//!
//! It must never guess in silence: every guess is marked, because one message shows neither the other
//! words of a state nor which way round it is.

mod fields;
mod topic;

use std::fmt::Write as _;

use gridwatch_protocol::{Kind, Timestamp, Value};
use serde_json::Value as Json;

use crate::by_profile::read_mqtt;
use crate::frame::Message;
use crate::observation::{Observation, Output};
use crate::profile::{Profile, check_golden};
use crate::words;

use fields::{Found, Type};
use topic::Naming;

/// Longer messages are not made into a sample: a profile is a file that people read.
pub const SAMPLE_BYTES_MAX: usize = 64 * 1024;
/// At most this many fields must be present for an unknown device to be recognised.
const HAS_MAX: usize = 3;

/// Why no profile can be made from a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SkeletonError {
    /// It is too long.
    #[error("the message has {0} bytes; a sample may have {SAMPLE_BYTES_MAX}")]
    TooLong(usize),
    /// It is empty.
    #[error("the message is empty: take one that carries a value")]
    Empty,
    /// It is neither JSON nor text.
    #[error(
        "the message is binary: profiles read JSON and text; look for a setting of the device or its gateway that sends decoded values"
    )]
    Binary,
    /// It begins like JSON and is none.
    #[error(
        "the message begins like JSON and is none ({0}): take the whole message as it was sent"
    )]
    BrokenJson(String),
    /// There is nothing in it to read.
    #[error("the message has no field with a value: take one that carries a value")]
    NoFields,
    /// What came out is no profile that passes its own sample.
    #[error("no profile that reads this message can be made from it: {0}")]
    Unfit(String),
}

/// The text of a profile that reads this message: TOML with comments.
///
/// # Errors
/// When the message is binary, broken, empty or too long.
pub fn skeleton(topic: &str, payload: &[u8]) -> Result<String, SkeletonError> {
    if payload.len() > SAMPLE_BYTES_MAX {
        return Err(SkeletonError::TooLong(payload.len()));
    }
    let text = std::str::from_utf8(payload).map_err(|_| SkeletonError::Binary)?;
    if text.trim().is_empty() {
        return Err(SkeletonError::Empty);
    }
    if text.contains('\0') {
        return Err(SkeletonError::Binary);
    }
    let document = Document::new(topic, text)?;
    let without_sample = document.profile();
    let unfit = |problems: Vec<String>| SkeletonError::Unfit(problems.join("; "));
    let profile = Profile::parse(&without_sample).map_err(unfit)?;
    let now = Timestamp::from_unix_ms(0);
    let mut output = Output::default();
    read_mqtt(
        &profile,
        &Message::new(topic, payload, false, now),
        &mut output,
    )
    .map_err(|refusal| SkeletonError::Unfit(refusal.to_string()))?;
    let whole = without_sample + &sample(topic, text, &output.observations);
    let profile = Profile::parse(&whole).map_err(unfit)?;
    check_golden(&profile).map_err(unfit)?;
    Ok(whole)
}

struct Document<'a> {
    topic: &'a str,
    is_json: bool,
    naming: Naming,
    found: Vec<Found>,
    time: Option<(String, &'static str)>,
    left_out: usize,
}

impl<'a> Document<'a> {
    fn new(topic: &'a str, text: &'a str) -> Result<Self, SkeletonError> {
        let body = match serde_json::from_str::<Json>(text) {
            Ok(body @ (Json::Object(_) | Json::Array(_))) => Some(body),
            Ok(_) => None,
            Err(why) if text.trim_start().starts_with(['{', '[']) => {
                return Err(SkeletonError::BrokenJson(why.to_string()));
            }
            Err(_) => None,
        };
        let naming = topic::naming(topic, body.as_ref());
        let (mut found, left_out) = match &body {
            Some(body) => fields::collect(body),
            None => (vec![fields::whole(topic, text)], 0),
        };
        let time = body.as_ref().and_then(|_| fields::time(&found));
        if let Some((pointer, _)) = &time {
            found.retain(|field| field.pointer != *pointer);
        }
        if !found.iter().any(|field| field.live) {
            let first = found
                .iter_mut()
                .find(|field| field.value.is_some())
                .ok_or(SkeletonError::NoFields)?;
            first.live = true;
        }
        Ok(Self {
            topic,
            is_json: body.is_some(),
            naming,
            found,
            time,
            left_out,
        })
    }

    fn profile(&self) -> String {
        let mut toml = String::new();
        self.head(&mut toml);
        for field in self.found.iter().filter(|field| field.live) {
            toml.push('\n');
            self.channel(&mut toml, field, "");
        }
        let rest: Vec<&Found> = self.found.iter().filter(|field| !field.live).collect();
        if !rest.is_empty() {
            toml.push_str("\n# The other fields of the message. Take in what matters; `other` is shown, and raises nothing.\n");
        }
        for field in rest {
            toml.push_str("#\n");
            self.channel(&mut toml, field, "# ");
        }
        if self.left_out > 0 {
            line(
                &mut toml,
                format_args!("# {} more field(s) are not listed.", self.left_out),
            );
        }
        toml
    }

    fn head(&self, toml: &mut String) {
        let form = if self.is_json { "json" } else { "text" };
        let naming = &self.naming;
        line(
            toml,
            format_args!(
                "# Made from one message on `{}`. Look at every line marked EDIT.",
                comment(self.topic)
            ),
        );
        line(toml, format_args!("schema = 1"));
        line(
            toml,
            format_args!(
                "id = {} # EDIT: letters, digits and `-`",
                quoted(&naming.profile_id)
            ),
        );
        line(
            toml,
            format_args!(
                "name = {{ zh = {0}, en = {0} }} # EDIT",
                quoted(&naming.profile_id)
            ),
        );
        line(
            toml,
            format_args!("source = \"one message, seen on site\" # EDIT: the maker's document"),
        );
        line(toml, format_args!("\n[match]\ntransport = \"mqtt\""));
        line(
            toml,
            format_args!(
                "# EDIT: `{{name}}` takes one level of the topic, `{{name...}}` one or more."
            ),
        );
        line(toml, format_args!("topic = {}", quoted(&naming.pattern)));
        line(toml, format_args!("payload = \"{form}\""));
        if self.is_json {
            line(
                toml,
                format_args!(
                    "# EDIT: an unknown device is recognised by a message that has all of these."
                ),
            );
            line(toml, format_args!("has = [{}]", self.has().join(", ")));
        }
        line(toml, format_args!("\n[device]"));
        line(
            toml,
            format_args!("# EDIT: two devices must never have the same id."),
        );
        line(toml, format_args!("id = {}", quoted(&naming.device)));
        line(toml, format_args!("\n[supervision]"));
        line(
            toml,
            format_args!("# EDIT: silent for longer than this means lost, in seconds; 0: never."),
        );
        line(toml, format_args!("silent_after_s = 0"));
    }

    /// Batteries and radio levels come and go; the rest says what the device is.
    fn has(&self) -> Vec<String> {
        let live = || self.found.iter().filter(|field| field.live);
        let telling: Vec<&Found> = live()
            .filter(|field| !matches!(field.kind, Kind::Battery | Kind::LinkQuality))
            .collect();
        let chosen = if telling.is_empty() {
            live().collect()
        } else {
            telling
        };
        let pointers = chosen.iter().filter(|field| !field.pointer.is_empty());
        pointers
            .take(HAS_MAX)
            .map(|field| quoted(&field.pointer))
            .collect()
    }

    fn channel(&self, toml: &mut String, field: &Found, mark: &str) {
        line(
            toml,
            format_args!(
                "# observed: {}{}",
                comment(&field.observed),
                hint(&field.hint)
            ),
        );
        line(toml, format_args!("{mark}[[channels]]"));
        line(
            toml,
            format_args!("{mark}path = {}", one_line(&field.pointer, mark)),
        );
        line(
            toml,
            format_args!(
                "{mark}kind = \"{}\"{}",
                field.kind,
                if field.kind == Kind::Other {
                    " # EDIT"
                } else {
                    ""
                }
            ),
        );
        match field.value.as_ref().unwrap_or(&Type::Text) {
            Type::Bool { invert } => {
                line(toml, format_args!("{mark}type = \"bool\""));
                if *invert {
                    line(
                        toml,
                        format_args!(
                            "{mark}invert = true # EDIT: true in the message means false here"
                        ),
                    );
                }
            }
            Type::Number {
                unit,
                scale,
                offset,
            } => {
                line(toml, format_args!("{mark}type = \"number\""));
                if unit.is_empty() {
                    line(toml, format_args!("# unit = \"\" # EDIT"));
                } else {
                    line(toml, format_args!("{mark}unit = {} # EDIT", quoted(unit)));
                }
                if (*scale - 1.0).abs() > f64::EPSILON {
                    line(toml, format_args!("{mark}scale = {scale:?}"));
                }
                if offset.abs() > f64::EPSILON {
                    line(toml, format_args!("{mark}offset = {offset:?}"));
                }
            }
            Type::Words(words) => {
                let entries: Vec<String> = words
                    .iter()
                    .map(|(from, to)| {
                        format!("{{ from = {}, to = {} }}", scalar(from), reading(to))
                    })
                    .collect();
                line(toml, format_args!("{mark}type = \"enum\""));
                line(
                    toml,
                    format_args!(
                        "# EDIT: one message shows one word; what is not listed gives no reading."
                    ),
                );
                line(
                    toml,
                    format_args!("{mark}values = [{}]", entries.join(", ")),
                );
            }
            Type::Text => line(toml, format_args!("{mark}type = \"text\"")),
        }
        if let Some((pointer, format)) = &self.time {
            line(
                toml,
                format_args!(
                    "{mark}time = {{ path = {}, format = \"{format}\" }}",
                    one_line(pointer, mark)
                ),
            );
        }
    }
}

/// The golden sample: the message, and what the profile reads out of it.
fn sample(topic: &str, text: &str, seen: &[Observation]) -> String {
    let mut toml = String::from(
        "\n# Runs in `edge-agent check`. EDIT: check every value against what the device showed, and take\n# out names and card numbers of people.\n[[golden]]\nname = \"as received\"\n",
    );
    line(&mut toml, format_args!("topic = {}", quoted(topic)));
    line(&mut toml, format_args!("payload = {}", quoted(text)));
    toml.push_str("expect = [\n");
    for reading_seen in seen {
        let mut entry = format!(
            "    {{ device = {}, kind = \"{}\", value = {}",
            quoted(&reading_seen.device),
            reading_seen.kind,
            reading(&reading_seen.value)
        );
        if let Some(unit) = &reading_seen.unit {
            write!(entry, ", unit = {}", quoted(unit)).expect("writing to a string");
        }
        if let Some(time) = reading_seen.time.and_then(|time| time.written()) {
            write!(entry, ", time = {}", quoted(&time)).expect("writing to a string");
        }
        line(&mut toml, format_args!("{entry} }},"));
    }
    toml.push_str("]\n");
    toml
}

fn line(toml: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(toml, "{text}").expect("writing to a string");
}

fn hint(hint: &str) -> String {
    if hint.is_empty() {
        String::new()
    } else {
        format!("; {}", comment(hint))
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// In a comment a text must stay on its line.
fn one_line(text: &str, mark: &str) -> String {
    if mark.is_empty() {
        quoted(text)
    } else {
        format!("\"{}\"", comment(text))
    }
}

fn comment(text: &str) -> String {
    let shown: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(120)
        .collect();
    if shown.len() < text.len() {
        shown + "…"
    } else {
        shown
    }
}

fn scalar(from: &Json) -> String {
    match from {
        Json::String(text) => quoted(text),
        other => words::brief(other),
    }
}

fn reading(value: &Value) -> String {
    match value {
        Value::Bool(state) => state.to_string(),
        Value::Number(number) => format!("{number:?}"),
        Value::Text(text) => quoted(text),
    }
}

#[cfg(test)]
mod tests;
