//! What the state of an entity means, from its component and its fields.

use gridwatch_protocol::Kind;
use serde_json::Value as Json;

use super::classes::{self, Means};
use super::entity::Fields;
use super::template::python;
use crate::units;

/// Words of an event entity that are kept.
const EVENT_TYPES_MAX: usize = 64;

/// What a state means.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum What {
    /// Two words.
    Binary {
        on: String,
        off: String,
        means: Means,
        /// The word stands in a JSON state, as lights and sirens write it.
        in_json: bool,
    },
    /// A number, or a word where the sensor has no unit.
    Number { kind: Kind, unit: String },
    /// A lock's words with what each means; nothing for those that say nothing.
    Lock(Vec<(String, Option<&'static str>)>),
    /// A cover's words: open or closed.
    Cover {
        words: Vec<(String, bool)>,
        stopped: String,
        /// Whether it closes an opening of the building.
        is_door: bool,
        position_closed: f64,
    },
    /// A word.
    Word,
    /// An event in JSON.
    Event(Vec<String>),
    /// An event when the payload is this one.
    Trigger {
        payload: Option<String>,
        word: String,
    },
    /// Nothing, and why.
    Nothing(&'static str),
}

/// What the state of an entity of a component means.
pub(super) fn what(component: &str, object: &str, fields: &Fields<'_>) -> What {
    let class = fields.text("device_class").unwrap_or_default();
    let unread = fields.text("entity_category").is_some() || fields.is_off("enabled_by_default");
    let told = match component {
        "binary_sensor" => two_words(fields, ("ON", "OFF"), classes::binary(class), false),
        "switch" | "siren" | "fan" | "humidifier" => {
            let schema = component == "siren";
            two_words(fields, ("ON", "OFF"), Means::True(Kind::Other), schema)
        }
        "light" => {
            let in_json = fields.text("schema") == Some("json");
            two_words(fields, ("ON", "OFF"), Means::True(Kind::Other), in_json)
        }
        "sensor" => number(class, object, fields),
        "lock" => lock(fields),
        "cover" | "valve" => cover(component, class, fields),
        "alarm_control_panel" => What::Word,
        "event" => event(fields),
        "device_automation" => trigger(fields),
        "climate" | "water_heater" => What::Number {
            kind: Kind::Temperature,
            unit: temperature_unit(fields),
        },
        "device_tracker" => What::Nothing("people are not tracked"),
        "tag" => What::Nothing("a scanned tag grants and denies nothing by itself"),
        _ => What::Nothing("a component without a state of use here"),
    };
    let kind = match &told {
        What::Binary { means, .. } => means.kind(),
        What::Number { kind, .. } => *kind,
        What::Trigger { .. } | What::Event(_) | What::Nothing(_) => return told,
        _ => return told,
    };
    if unread && !classes::is_wanted_diagnostic(kind, class) {
        return What::Nothing("a diagnostic or disabled entity");
    }
    told
}

fn two_words(fields: &Fields<'_>, default: (&str, &str), means: Means, in_json: bool) -> What {
    // Switches may report other words than they take.
    let on = fields.word("state_on", &fields.word("payload_on", default.0));
    let off = fields.word("state_off", &fields.word("payload_off", default.1));
    What::Binary {
        on,
        off,
        means,
        in_json,
    }
}

fn number(class: &str, object: &str, fields: &Fields<'_>) -> What {
    let unit = fields.text("unit_of_measurement").unwrap_or_default();
    let name = fields.text("name").unwrap_or_default();
    let kind = classes::sensor(class, unit, [name, object]);
    let words = unit.is_empty() && kind == Kind::Other && fields.text("state_class").is_none();
    if words && matches!(class, "timestamp" | "date" | "uptime") {
        return What::Nothing("a time that is no state");
    }
    if words {
        return What::Word;
    }
    let unit = if unit.is_empty() && kind == Kind::Battery {
        "%"
    } else {
        units::spelled(unit)
    };
    What::Number {
        kind,
        unit: unit.chars().take(32).collect(),
    }
}

fn temperature_unit(fields: &Fields<'_>) -> String {
    match fields.text("temperature_unit") {
        Some("F") => "°F",
        Some("C") => "°C",
        _ => "",
    }
    .to_owned()
}

fn lock(fields: &Fields<'_>) -> What {
    let words = [
        ("state_locked", "LOCKED", Some("locked")),
        ("state_unlocked", "UNLOCKED", Some("unlocked")),
        ("state_jammed", "JAMMED", Some("jammed")),
        ("state_open", "OPEN", Some("unlocked")),
        ("state_locking", "LOCKING", None),
        ("state_unlocking", "UNLOCKING", None),
        ("state_opening", "OPENING", None),
    ];
    What::Lock(
        words
            .iter()
            .map(|(key, default, means)| (fields.word(key, default), *means))
            .collect(),
    )
}

fn cover(component: &str, class: &str, fields: &Fields<'_>) -> What {
    let words = [
        ("state_open", "open", true),
        ("state_opening", "opening", true),
        ("state_closing", "closing", true),
        ("state_closed", "closed", false),
    ];
    What::Cover {
        words: words
            .iter()
            .map(|(key, default, open)| (fields.word(key, default), *open))
            .collect(),
        stopped: fields.word("state_stopped", "stopped"),
        is_door: component == "cover" && matches!(class, "garage" | "door" | "gate" | "window"),
        position_closed: fields.number("position_closed").unwrap_or(0.0),
    }
}

fn event(fields: &Fields<'_>) -> What {
    let types = fields.0.get("event_types").and_then(Json::as_array);
    What::Event(
        types
            .into_iter()
            .flatten()
            .filter_map(Json::as_str)
            .take(EVENT_TYPES_MAX)
            .map(str::to_owned)
            .collect(),
    )
}

fn trigger(fields: &Fields<'_>) -> What {
    let payload = fields.0.get("payload").map(python);
    let told = ["type", "subtype"].map(|key| fields.text(key).unwrap_or_default());
    let word = match &payload {
        // A payload that is a word says more than the generic names of type and subtype.
        Some(payload) if payload.chars().any(char::is_alphabetic) && !payload.contains('{') => {
            payload.clone()
        }
        _ => told.join(" ").trim().to_owned(),
    };
    What::Trigger { payload, word }
}
