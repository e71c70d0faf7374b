//! Bodies shaped like PagerDuty Events v2: what they must have, and the signal that they are. Pure.
//!
//! Source: PagerDuty's public description of the Events API v2 (trigger, acknowledge, resolve; lengths of
//! keys and summaries; statuses 202, 400 and 429).

use gridwatch_protocol::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::episode::{Signal, What};
use super::mapping::{self, Labels};

/// Longest deduplication key, in characters.
pub const KEY_CHARACTERS_MAX: usize = 255;
/// Longest body, in bytes: what PagerDuty takes.
pub const BODY_BYTES_MAX: usize = 512 * 1024;
/// Labels taken out of one event; the first in the order of their names.
const LABELS_MAX: usize = 64;

/// An event, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The key that came with it.
    pub routing_key: String,
    /// What it says.
    pub signal: Signal,
}

/// Reads an event.
///
/// # Errors
/// Everything that is wrong with it, one sentence each.
pub fn read(body: &[u8]) -> Result<Event, Vec<String>> {
    let json: Value = serde_json::from_slice(body)
        .map_err(|error| vec![format!("the body is not JSON: {error}")])?;
    if !json.is_object() {
        return Err(vec!["the body is not an object".to_owned()]);
    }
    let mut errors = Vec::new();
    let routing_key = text(&json, "routing_key", &mut errors).unwrap_or_default();
    let action = text(&json, "event_action", &mut errors).unwrap_or_default();
    let key = dedup_key(&json, &action, &mut errors);
    let signal = match action.as_str() {
        "trigger" => trigger(&json, key, &mut errors),
        "resolve" => bare(
            key,
            What::Resolved {
                since: None,
                until: None,
                tells_all: false,
            },
        ),
        "acknowledge" => bare(key, What::Acknowledged),
        "" => bare(key, What::Acknowledged),
        _ => {
            errors.push(
                "'event_action' must be one of 'trigger', 'acknowledge', 'resolve'".to_owned(),
            );
            bare(key, What::Acknowledged)
        }
    };
    if errors.is_empty() {
        Ok(Event {
            routing_key,
            signal,
        })
    } else {
        Err(errors)
    }
}

/// A text that must be there.
fn text(json: &Value, name: &str, errors: &mut Vec<String>) -> Option<String> {
    match json.get(name) {
        Some(Value::String(text)) if !text.trim().is_empty() => Some(text.clone()),
        None | Some(Value::Null | Value::String(_)) => {
            errors.push(format!("'{name}' is missing or blank"));
            None
        }
        Some(_) => {
            errors.push(format!("'{name}' must be a string"));
            None
        }
    }
}

fn dedup_key(json: &Value, action: &str, errors: &mut Vec<String>) -> String {
    match json.get("dedup_key") {
        Some(Value::String(key)) if key.chars().count() > KEY_CHARACTERS_MAX => {
            errors.push(format!(
                "'dedup_key' has at most {KEY_CHARACTERS_MAX} characters"
            ));
        }
        Some(Value::String(key)) if !key.is_empty() => return key.clone(),
        None | Some(Value::Null | Value::String(_)) if action == "trigger" => {}
        None | Some(Value::Null | Value::String(_)) => {
            errors.push("'dedup_key' is missing or blank".to_owned());
        }
        Some(_) => errors.push("'dedup_key' must be a string".to_owned()),
    }
    Uuid::new_v4().simple().to_string()
}

fn bare(key: String, what: What) -> Signal {
    Signal {
        key,
        what,
        severity: gridwatch_protocol::Severity::P4,
        summary: String::new(),
        rule: String::new(),
        labels: Labels::new(),
    }
}

fn trigger(json: &Value, key: String, errors: &mut Vec<String>) -> Signal {
    let empty = Value::Object(serde_json::Map::new());
    let payload = match json.get("payload") {
        Some(payload @ Value::Object(_)) => payload,
        Some(Value::Null) | None => {
            errors.push("'payload' is missing".to_owned());
            &empty
        }
        Some(_) => {
            errors.push("'payload' must be an object".to_owned());
            &empty
        }
    };
    let mut inner = Vec::new();
    let summary = text(payload, "summary", &mut inner).unwrap_or_default();
    text(payload, "source", &mut inner);
    let severity = match text(payload, "severity", &mut inner) {
        Some(word) if ["critical", "error", "warning", "info"].contains(&word.as_str()) => {
            mapping::severity(&word)
        }
        Some(_) => {
            inner.push("'severity' must be one of 'critical', 'error', 'warning', 'info'".into());
            None
        }
        None => None,
    };
    if json.get("payload").is_some_and(Value::is_object) {
        errors.extend(
            inner
                .into_iter()
                .map(|error| error.replacen('\'', "'payload.", 1)),
        );
    }
    let since = payload
        .get("timestamp")
        .and_then(Value::as_str)
        .and_then(time);
    let labels = labels(json, payload);
    Signal {
        key,
        what: What::Firing { since },
        severity: severity.unwrap_or(gridwatch_protocol::Severity::P4),
        summary,
        rule: labels
            .get("class")
            .cloned()
            .unwrap_or_else(|| "pagerduty".to_owned()),
        labels,
    }
}

/// PagerDuty takes zones without a colon, too.
fn time(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| {
        let at = text.len().checked_sub(2)?;
        let (rest, minutes) = (text.get(..at)?, text.get(at..)?);
        format!("{rest}:{minutes}").parse().ok()
    })
}

/// What the payload says beside its summary and severity, and its details one level deep.
fn labels(json: &Value, payload: &Value) -> Labels {
    let mut labels = Labels::new();
    for name in ["source", "component", "group", "class"] {
        if let Some(value) = payload.get(name).and_then(word) {
            labels.insert(name.to_owned(), value);
        }
    }
    for name in ["client", "client_url"] {
        if let Some(value) = json.get(name).and_then(word) {
            labels.insert(name.to_owned(), value);
        }
    }
    match payload.get("custom_details") {
        Some(Value::Object(details)) => {
            for (name, value) in details {
                // How urgent it is stands in the payload.
                let value = word(value).filter(|_| labels.len() < LABELS_MAX && name != "severity");
                if let Some(value) = value {
                    labels.entry(name.clone()).or_insert(value);
                }
            }
        }
        Some(other) => {
            if let Some(value) = word(other) {
                labels.insert("custom_details".to_owned(), value);
            }
        }
        None => {}
    }
    labels
}

/// A value as a word; what has parts as JSON, nothing for nothing.
fn word(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gridwatch_protocol::Severity;
    use proptest::prelude::*;
    use serde_json::json;

    fn event(change: impl FnOnce(&mut Value)) -> Result<Event, Vec<String>> {
        let mut body = json!({
            "routing_key": "k",
            "event_action": "trigger",
            "dedup_key": "pump 3",
            "payload": {
                "summary": "pump 3 has stopped",
                "source": "scada-1",
                "severity": "error",
                "timestamp": "2026-11-22T11:00:00.000+0800",
                "class": "pump stopped",
                "custom_details": { "site": "xinghe-garden", "load": 0.75, "none": null, "severity": "x" },
            },
        });
        change(&mut body);
        read(body.to_string().as_bytes())
    }

    #[test]
    fn trigger_becomes_a_signal_with_its_details_as_labels() {
        let signal = event(|_| {}).unwrap().signal;
        assert_eq!(
            (signal.key.as_str(), signal.severity),
            ("pump 3", Severity::P2)
        );
        let since = "2026-11-22T03:00:00Z".parse().ok();
        assert_eq!(signal.what, What::Firing { since });
        let names: Vec<&str> = signal.labels.keys().map(String::as_str).collect();
        assert_eq!(names, ["class", "load", "site", "source"]);
    }

    #[test]
    fn everything_that_is_missing_is_told_at_once() {
        let told = read(b"{}").unwrap_err();
        assert_eq!(
            told,
            [
                "'routing_key' is missing or blank",
                "'event_action' is missing or blank",
                "'dedup_key' is missing or blank",
            ]
        );
        let told = event(|body| body["payload"] = json!({ "severity": "bad" })).unwrap_err();
        assert_eq!(
            told,
            [
                "'payload.summary' is missing or blank",
                "'payload.source' is missing or blank",
                "'payload.severity' must be one of 'critical', 'error', 'warning', 'info'",
            ]
        );
        let told = event(|body| body["dedup_key"] = json!("x".repeat(256))).unwrap_err();
        assert!(told[0].contains("at most 255"), "{told:?}");
        assert!(event(|body| body["payload"] = json!(7)).is_err());
        assert!(event(|body| body["event_action"] = json!("shout")).is_err());
    }

    #[test]
    fn trigger_without_a_key_gets_one_and_a_resolve_needs_it() {
        let key = |body: &mut Value| drop(body.as_object_mut().unwrap().remove("dedup_key"));
        assert_eq!(event(key).unwrap().signal.key.len(), 32);
        let resolve = |body: &mut Value| {
            key(body);
            body["event_action"] = json!("resolve");
        };
        assert_eq!(event(resolve).unwrap_err().len(), 1);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..400)) {
            if let Err(errors) = read(&body) {
                prop_assert!(!errors.is_empty());
            }
        }

        #[test]
        fn any_time_is_read_or_left_out(text in "[0-9TZ:+.-]{0,30}|.{0,40}") {
            if let Some(at) = time(&text) {
                prop_assert_eq!(at.to_string().parse().ok(), Some(at));
            }
        }
    }
}
