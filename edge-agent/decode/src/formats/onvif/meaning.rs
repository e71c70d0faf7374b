//! What an ONVIF topic means. Topics of the specifications first (Analytics, Imaging, Device IO, Access
//! Control, Door Control, Thermal), then the words that makers use in topics of their own.

use gridwatch_protocol::{Kind, Value};

use super::{Event, access};
use crate::words;

/// One reading of an event.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) kind: Kind,
    pub(super) value: Value,
    pub(super) unit: Option<String>,
    /// It happened at one moment, and counts once.
    pub(super) once: bool,
}

impl Reading {
    pub(super) fn state(kind: Kind, state: bool) -> Self {
        Self {
            kind,
            value: Value::Bool(state),
            unit: None,
            once: false,
        }
    }

    pub(super) fn word(kind: Kind, word: &str) -> Self {
        Self {
            value: Value::Text(word.to_owned()),
            ..Self::state(kind, true)
        }
    }

    pub(super) fn once(self) -> Self {
        Self { once: true, ..self }
    }
}

/// Names that the state of a property has, apart from the topic's own (`IsMotion`).
const STATE: [&str; 9] = [
    "State",
    "LogicalState",
    "active",
    "state",
    "triggered",
    "Value",
    "Failed",
    "Critical",
    "AlarmActive",
];

/// The readings of an event; none when its topic says nothing about the world.
pub(super) fn of(event: &Event) -> Vec<Reading> {
    let path: Vec<String> = event
        .path
        .iter()
        .map(|level| level.to_lowercase())
        .collect();
    let levels: Vec<&str> = path.iter().map(String::as_str).collect();
    match levels.as_slice() {
        ["accesscontrol", rest @ ..] => access::control(event, rest),
        ["door", "state", what]
        | ["doorcontrol", "state" | "door", what]
        | ["doorcontrol", what] => access::door(event, what),
        ["device", "trigger", "digitalinput"] | ["device", "io", ..] => state(event, &[])
            .map(|on| Reading::state(Kind::Other, on))
            .into_iter()
            .collect(),
        // An output is what someone switched, not what a sensor saw.
        ["device", "trigger", "relay"] => Vec::new(),
        ["device", "sensor", rest @ ..] => sensor(event, rest),
        ["device", "hardwarefailure", what] => fault(event, what, &["Failed", "Critical"]),
        ["device", "casing", ..] | ["casing", ..] => one(event, Kind::Tamper, &["Open", "open"]),
        ["videosource", rest @ ..] => video(event, rest),
        ["ruleengine", rest @ ..] | ["cameraapplicationplatform" | "openapp", rest @ ..] => {
            rule(event, rest)
        }
        _ => rule(event, &levels),
    }
}

/// `Device/Sensor/<what>`.
fn sensor(event: &Event, rest: &[&str]) -> Vec<Reading> {
    match rest {
        ["pir", ..] | ["motion", ..] => one(event, Kind::Motion, &[]),
        ["temperature", ..] => number(event, Kind::Temperature, "°C"),
        ["humidity", ..] => number(event, Kind::Humidity, "%"),
        ["smoke", ..] => one(event, Kind::Smoke, &[]),
        ["door", ..] => one(event, Kind::Door, &[]),
        _ => Vec::new(),
    }
}

/// A measured value: the event of a limit carries it beside the limit.
fn number(event: &Event, kind: Kind, unit: &str) -> Vec<Reading> {
    let value = event.data(&["Value", "Temperature", "Humidity"]);
    let Some(number) = value.and_then(words::number_text) else {
        return Vec::new();
    };
    vec![Reading {
        value: Value::Number(number),
        unit: Some(unit.to_owned()),
        ..Reading::state(kind, true)
    }]
}

/// `VideoSource/<what>`.
fn video(event: &Event, rest: &[&str]) -> Vec<Reading> {
    match rest {
        ["motionalarm", ..] => one(event, Kind::CameraMotion, &[]),
        ["globalscenechange", ..] => one(event, Kind::Tamper, &[]),
        ["signalloss", ..] | ["connectionfailed", ..] => one(event, Kind::VideoLoss, &[]),
        ["tampering", ..] | ["liveviewtampering", ..] => match state(event, &["tampering"]) {
            Some(on) => vec![Reading::state(Kind::Tamper, on)],
            None => vec![Reading::state(Kind::Tamper, true).once()],
        },
        [
            what @ ("imagetoodark" | "imagetoobright" | "imagetooblurry"),
            ..,
        ] => fault(event, what, &[]),
        _ => Vec::new(),
    }
}

/// Rules of analytics, of the specification and of makers: the words in the topic tell which.
fn rule(event: &Event, rest: &[&str]) -> Vec<Reading> {
    let topic = rest.join("/");
    let has = |words: &[&str]| words.iter().any(|word| topic.contains(word));
    if has(&["linecross", "linedetector", "crossline", "tripwire"]) || is_set(event, "IsLineCross")
    {
        return crossing(event);
    }
    if topic.contains("licenseplate") {
        return object(
            event,
            &["PlateNumber", "Plate", "Likelihood"],
            "license_plate",
        );
    }
    if has(&["tamper"]) {
        return one(event, Kind::Tamper, &["IsTamper"]);
    }
    if has(&["flame"]) || rest.iter().any(|level| is_fire(level)) {
        return labelled(event, "fire");
    }
    if topic.contains("smoke") {
        return labelled(event, "smoke");
    }
    for (name, label) in LABELS {
        let field = format!("Is{name}");
        if event.data(&[field.as_str()]).is_some() {
            return labelled_by(event, label, &[field.as_str()]);
        }
        if has(&[&format!("{}detect", name.to_lowercase())]) {
            return labelled(event, label);
        }
    }
    if topic.ends_with("countaggregation/counter") {
        return count(event);
    }
    if topic.ends_with("objectdetection/object") {
        return object(event, &["ClassTypes"], "object");
    }
    let motion = ["IsMotion", "IsInside", "IsIntrusion", "ObjectIsLoitering"];
    if has(&MOTION) || event.data(&motion).is_some() {
        return one(event, Kind::CameraMotion, &motion);
    }
    Vec::new()
}

/// `FireDetector`, `Fire`; a firewall is not on fire.
fn is_fire(level: &str) -> bool {
    level.starts_with("fire") && !level.starts_with("firewall")
}

/// Words of topics about movement in the picture.
const MOTION: [&str; 9] = [
    "motion",
    "fielddetector",
    "objectsinside",
    "intrusion",
    "loiter",
    "vmd",
    "objectanalytics",
    "fenceguard",
    "regiondetector",
];

/// What makers' cameras tell apart, and the label that it has here.
const LABELS: [(&str, &str); 9] = [
    ("People", "person"),
    ("Person", "person"),
    ("Human", "person"),
    ("HumanShape", "person"),
    ("Vehicle", "vehicle"),
    ("Car", "car"),
    ("Face", "face"),
    ("DogCat", "pet"),
    ("Pet", "pet"),
];

/// How many went through, as the camera counts.
fn count(event: &Event) -> Vec<Reading> {
    let count = event.data(&["Count"]).and_then(words::number_text);
    count
        .map(|count| Reading {
            value: Value::Number(count),
            ..Reading::state(Kind::Other, true)
        })
        .into_iter()
        .collect()
}

/// A crossing: the message is the event; where it has a state, only `true` is one.
fn crossing(event: &Event) -> Vec<Reading> {
    match state(event, &["IsLineCross", "IsCrossed"]) {
        Some(false) => Vec::new(),
        Some(true) | None => vec![Reading::state(Kind::LineCrossing, true).once()],
    }
}

fn object(event: &Event, names: &[&str], otherwise: &str) -> Vec<Reading> {
    if state(event, &[]) == Some(false) {
        return vec![Reading::state(Kind::CameraObject, false)];
    }
    let word = event.data(names).unwrap_or(otherwise);
    vec![Reading::word(Kind::CameraObject, word).once()]
}

fn labelled(event: &Event, label: &str) -> Vec<Reading> {
    labelled_by(event, label, &[])
}

fn labelled_by(event: &Event, label: &str, own: &[&str]) -> Vec<Reading> {
    match state(event, own) {
        Some(true) => vec![Reading::word(Kind::CameraObject, label)],
        Some(false) => vec![Reading::state(Kind::CameraObject, false)],
        None => Vec::new(),
    }
}

/// A fault by its name in the topic; it has no kind of its own.
fn fault(event: &Event, what: &str, own: &[&str]) -> Vec<Reading> {
    match state(event, own) {
        Some(true) => vec![Reading::word(Kind::Other, what)],
        Some(false) => vec![Reading::state(Kind::Other, false)],
        None => Vec::new(),
    }
}

fn one(event: &Event, kind: Kind, own: &[&str]) -> Vec<Reading> {
    state(event, own)
        .map(|on| Reading::state(kind, on))
        .into_iter()
        .collect()
}

/// The state, by the topic's own names first. What is no state gives none.
fn state(event: &Event, own: &[&str]) -> Option<bool> {
    let raw = event.data(own).or_else(|| event.data(&STATE))?;
    words::state_word(raw).ok().flatten()
}

fn is_set(event: &Event, name: &str) -> bool {
    event.data(&[name]).is_some()
}
