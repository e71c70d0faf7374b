//! Access control and doors (ONVIF Access Control and Door Control specifications).

use gridwatch_protocol::{Kind, Value};

use super::Event;
use super::meaning::Reading;

/// Names of whoever asked for access, the credential itself first.
const CREDENTIAL: [&str; 6] = [
    "CredentialToken",
    "Card",
    "IdentifierValue",
    "IdentifierName",
    "CredentialHolderName",
    "Reason",
];

/// `AccessControl/…`. Granted comes before the door is used; whether it was (`AccessTaken`,
/// `AccessNotTaken`) is the end of the same access, not another one.
pub(super) fn control(event: &Event, rest: &[&str]) -> Vec<Reading> {
    let kind = match rest {
        ["accessgranted", ..] => Kind::AccessGranted,
        ["denied" | "accessdenied", ..] => Kind::AccessDenied,
        ["duress", ..] => return vec![Reading::word(Kind::Other, "duress").once()],
        _ => return Vec::new(),
    };
    let value = event
        .data(&CREDENTIAL)
        .map_or(Value::Bool(true), |text| Value::Text(text.to_owned()));
    vec![
        Reading {
            value,
            ..Reading::state(kind, true)
        }
        .once(),
    ]
}

/// `Door/State/<what>`. What is unknown gives nothing.
pub(super) fn door(event: &Event, what: &str) -> Vec<Reading> {
    let state = event.data(&["State"]).unwrap_or_default().to_lowercase();
    let state = state.as_str();
    match what {
        "doorphysicalstate" => match state {
            "open" => vec![Reading::state(Kind::Door, true)],
            "closed" => vec![Reading::state(Kind::Door, false)],
            "fault" => vec![Reading::word(Kind::Other, "door_fault")],
            _ => Vec::new(),
        },
        "lockphysicalstate" | "doublelockphysicalstate" => match state {
            "locked" | "unlocked" => vec![Reading::word(Kind::Lock, state)],
            "fault" => vec![Reading::word(Kind::Other, "lock_fault")],
            _ => Vec::new(),
        },
        // The mode says what the lock is told to do: whoever may pass in it finds the door unlocked.
        "doormode" => match state {
            "locked" | "blocked" | "lockeddown" | "doublelocked" => {
                vec![Reading::word(Kind::Lock, "locked")]
            }
            "unlocked" | "accessed" | "lockedopen" => vec![Reading::word(Kind::Lock, "unlocked")],
            _ => Vec::new(),
        },
        "dooralarm" => match state {
            "doorforcedopen" => vec![Reading::state(Kind::DoorForced, true)],
            "dooropentoolong" => vec![Reading::state(Kind::DoorHeld, true)],
            "normal" => vec![
                Reading::state(Kind::DoorForced, false),
                Reading::state(Kind::DoorHeld, false),
            ],
            _ => Vec::new(),
        },
        "doortamper" => match state {
            "tamperdetected" => vec![Reading::state(Kind::Tamper, true)],
            "notintamper" => vec![Reading::state(Kind::Tamper, false)],
            _ => Vec::new(),
        },
        "doorfault" => match state {
            "faultdetected" => vec![Reading::word(Kind::Other, "door_fault")],
            "notinfault" => vec![Reading::state(Kind::Other, false)],
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}
