//! Events of access controllers and door stations: a major and a minor code (device network SDK, access
//! control alarm information).

use std::collections::HashSet;

use gridwatch_protocol::{Kind, Value};

use super::alert::Alert;
use crate::formats::seen::Seen;
use crate::observation::{Observation, Output};

/// Doors whose alarm is remembered. A controller has at most 64; a site a few controllers.
const DOORS_MAX: usize = 1_024;

/// What a code means.
enum Meaning {
    Granted,
    Denied,
    State(Kind, bool),
    Lock(&'static str),
    Battery(&'static str),
    Word(&'static str),
    Nothing,
}

pub(super) fn read(
    alert: &Alert,
    told: &mut Seen,
    doors: &mut HashSet<(String, Kind)>,
    output: &mut Output,
) {
    let (Some(major), Some(minor)) = (alert.number("majorEventType"), alert.number("subEventType"))
    else {
        output.problem(format!("{}: an access event has no codes", alert.root()));
        return;
    };
    let device = match alert.number("doorNo") {
        Some(door) => format!("{}/{door}", alert.root()),
        None => alert.device(),
    };
    output.heard.push(device.clone());
    let serial = alert.text("serialNo");
    let at = alert.text("dateTime").unwrap_or_default();
    let id = format!(
        "{}/{}@{at}",
        alert.root(),
        serial.unwrap_or_else(|| format!("{major}.{minor}"))
    );
    if !told.is_new(&id) {
        output.note(|| format!("hikvision: event {id} was told already"));
        return;
    }
    let mut seen = observations(&device, meaning(major, minor), alert);
    seen.extend(closed(&device, &seen, doors));
    for observation in seen {
        output.push(Observation {
            // What the controller kept while nobody listened.
            replayed: alert.flag("currentEvent") == Some(false),
            ..observation.at(alert.time()).event(id.as_str())
        });
    }
}

/// The controller tells that a door is forced or held, and not that it is no more: a door that is
/// closed is neither.
fn closed(
    device: &str,
    seen: &[Observation],
    doors: &mut HashSet<(String, Kind)>,
) -> Vec<Observation> {
    let mut over = Vec::new();
    for observation in seen {
        match (observation.kind, observation.value.as_bool()) {
            (kind @ (Kind::DoorForced | Kind::DoorHeld), Some(true)) if doors.len() < DOORS_MAX => {
                doors.insert((device.to_owned(), kind));
            }
            (Kind::Door, Some(false)) => {
                for kind in [Kind::DoorForced, Kind::DoorHeld] {
                    if doors.remove(&(device.to_owned(), kind)) {
                        over.push(Observation::state(device, kind, false));
                    }
                }
            }
            _ => {}
        }
    }
    over
}

fn observations(device: &str, meaning: Meaning, alert: &Alert) -> Vec<Observation> {
    let one = |observation| vec![observation];
    match meaning {
        Meaning::Granted => one(Observation::new(device, Kind::AccessGranted, whose(alert))),
        Meaning::Denied => one(Observation::new(device, Kind::AccessDenied, whose(alert))),
        Meaning::State(kind, state) => one(Observation::state(device, kind, state)),
        Meaning::Lock(word) => one(Observation::word(device, Kind::Lock, word)),
        Meaning::Battery(word) => one(Observation::word(device, Kind::Battery, word)),
        Meaning::Word(word) => one(Observation::word(device, Kind::Other, word)),
        Meaning::Nothing => Vec::new(),
    }
}

/// The credential: the card, then the person's number.
fn whose(alert: &Alert) -> Value {
    ["cardNo", "employeeNoString", "employeeNo"]
        .iter()
        .find_map(|name| alert.text(name))
        .filter(|text| text != "0")
        .map_or(Value::Bool(true), Value::Text)
}

fn meaning(major: u32, minor: u32) -> Meaning {
    match major {
        1 => alarm(minor),
        2 => exception(minor),
        5 => event(minor),
        // 3 is what an operator did.
        _ => Meaning::Nothing,
    }
}

/// Major 1.
fn alarm(minor: u32) -> Meaning {
    match minor {
        // Housing of the controller, a reader, the security module, a lane controller.
        0x404 | 0x406 | 0x40f | 0x422 => Meaning::State(Kind::Tamper, true),
        0x405 | 0x407 | 0x410 | 0x423 => Meaning::State(Kind::Tamper, false),
        0x40a => Meaning::Word("duress"),
        // A fire input or a fire button says fire; smoke is the kind of a fire alarm here.
        0x418 | 0x424 => Meaning::State(Kind::Smoke, true),
        0x419 | 0x425 => Meaning::State(Kind::Smoke, false),
        0x41c => Meaning::Word("emergency_button"),
        0x400..=0x402 => Meaning::Word("alarm_input_fault"),
        0x415 | 0x416 => Meaning::Word("fire_input_fault"),
        0x408 => Meaning::Word("case_sensor"),
        0x40c => Meaning::Word("too_many_attempts"),
        _ => Meaning::Nothing,
    }
}

/// Major 2.
fn exception(minor: u32) -> Meaning {
    match minor {
        0x403 | 0x411 => Meaning::Battery("low"),
        0x404 | 0x412 => Meaning::Battery("ok"),
        0x405 => Meaning::State(Kind::Power, false),
        0x406 => Meaning::State(Kind::Power, true),
        0x409 => Meaning::Word("reader_offline"),
        0x417 => Meaning::Word("controller_offline"),
        _ => Meaning::Nothing,
    }
}

/// Major 5.
fn event(minor: u32) -> Meaning {
    match minor {
        0x01 | 0x02 | 0x10 | 0x22 | 0x26 | 0x28 | 0x2b | 0x2e | 0x36 | 0x39 | 0x3c | 0x3f
        | 0x42 | 0x45 | 0x48 | 0x4b | 0x4d => Meaning::Granted,
        0x03..=0x0f
        | 0x24
        | 0x27
        | 0x29
        | 0x2a
        | 0x2c
        | 0x2d
        | 0x2f..=0x31
        | 0x37
        | 0x38
        | 0x3a
        | 0x3b
        | 0x3d
        | 0x3e
        | 0x40
        | 0x41
        | 0x43
        | 0x44
        | 0x46
        | 0x47
        | 0x49
        | 0x4a
        | 0x4c
        | 0x4e..=0x50 => Meaning::Denied,
        0x15 => Meaning::Lock("unlocked"),
        0x16 => Meaning::Lock("locked"),
        0x19 => Meaning::State(Kind::Door, true),
        0x1a => Meaning::State(Kind::Door, false),
        0x1b => Meaning::State(Kind::DoorForced, true),
        0x1c => Meaning::State(Kind::DoorHeld, true),
        0x34 => Meaning::Word("fire_release"),
        0x5c => Meaning::Word("lock_fault"),
        _ => Meaning::Nothing,
    }
}
