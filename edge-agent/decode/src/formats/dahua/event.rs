//! Finds events in the shapes that they come in.

use gridwatch_protocol::Kind;
use serde_json::{Map, Value as Json};

use super::codes::{self, Meaning};
use crate::frame::Message;
use crate::observation::Observation;
use crate::time::SourceTime;
use crate::words;

/// Events of one payload that are read; a chunk of the event stream has one or two.
const EVENTS_MAX: usize = 64;

/// One event.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) code: String,
    pub(super) device: String,
    /// `Start` and `Pulse` begin, `Stop` ends.
    pub(super) begins: bool,
    pub(super) time: Option<SourceTime>,
    /// What makes it itself, where it has a time or a number.
    pub(super) id: Option<String>,
    data: Map<String, Json>,
}

/// The events of a payload; none when it is something else.
///
/// # Errors
/// When an event begins and is broken.
pub(super) fn events(message: &Message<'_>) -> Result<Vec<Event>, String> {
    let Some(text) = message.text() else {
        return Ok(Vec::new());
    };
    let last = message.topic.rsplit('/').next().unwrap_or_default();
    match text.as_bytes().first() {
        Some(b'{') => Ok(message
            .object()
            .map(|o| of_json(message.topic, o))
            .unwrap_or_default()),
        Some(b'C' | b'-') if text.contains("Code=") && text.contains(";action=") => {
            of_lines(message.topic, text)
        }
        Some(b'S' | b'P' | b'a') if codes::meaning(last) != Meaning::Nothing => {
            Ok(of_word(message.topic, last, text).into_iter().collect())
        }
        _ => Ok(Vec::new()),
    }
}

/// The state of a door station's lock, as its bridge keeps it.
pub(super) fn magnetic_lock(message: &Message<'_>) -> Option<Observation> {
    let prefix = message.topic.strip_suffix("/MagneticLock/Status")?;
    let body = message.object()?;
    let locked = words::state(body.get("isLocked")?).ok()??;
    let door = body
        .get("door")
        .and_then(words::text)
        .unwrap_or_else(|| "1".to_owned());
    Some(Observation::word(
        format!("dahua/{prefix}/door/{door}"),
        Kind::Lock,
        if locked { "locked" } else { "unlocked" },
    ))
}

/// `Code=VideoMotion;action=Start;index=0;data={…}`, one after the other.
fn of_lines(topic: &str, text: &str) -> Result<Vec<Event>, String> {
    let mut events = Vec::new();
    for (at, _) in text.match_indices("Code=").take(EVENTS_MAX) {
        let begins_line = at == 0 || text.get(..at).is_some_and(|head| head.ends_with('\n'));
        if !begins_line {
            continue;
        }
        let event = text.get(at..).unwrap_or_default();
        let (head, data) = match event.split_once(";data=") {
            Some((head, data)) if !head.contains('\n') => (head, Some(data)),
            _ => (event.lines().next().unwrap_or_default(), None),
        };
        let part = |name: &str| {
            head.split(';')
                .find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))
                .map(str::trim)
        };
        let (Some(code), Some(begins)) = (part("Code"), part("action").and_then(action)) else {
            return Err(format!(
                "an event has Code and action: `{}`",
                words::cut(head)
            ));
        };
        let data = match data {
            None => Map::new(),
            Some(data) => match serde_json::Deserializer::from_str(data).into_iter().next() {
                Some(Ok(Json::Object(data))) => data,
                _ => return Err(format!("the data of {code} are no JSON object")),
            },
        };
        let index = part("index").unwrap_or("0");
        events.push(Event::new(
            code,
            begins,
            format!("dahua/{topic}/{index}"),
            data,
        ));
    }
    Ok(events)
}

/// The code in the topic, the action as the payload.
fn of_word(topic: &str, code: &str, text: &str) -> Option<Event> {
    let text = text.strip_prefix("action:").unwrap_or(text);
    let prefix = topic.strip_suffix(code)?.trim_end_matches('/');
    let begins = action(text.trim())?;
    Some(Event::new(
        code,
        begins,
        format!("dahua/{prefix}"),
        Map::new(),
    ))
}

fn of_json(topic: &str, body: &Map<String, Json>) -> Vec<Event> {
    let serial = body.get("serialNumber").and_then(words::text);
    let list = body
        .get("params")
        .and_then(|params| params.get("eventList"))
        .and_then(Json::as_array);
    if let Some(list) = list {
        return list
            .iter()
            .take(EVENTS_MAX)
            .filter_map(|event| of_object(topic, serial.as_deref(), event.as_object()?))
            .collect();
    }
    of_object(topic, serial.as_deref(), body)
        .into_iter()
        .collect()
}

fn of_object(topic: &str, serial: Option<&str>, body: &Map<String, Json>) -> Option<Event> {
    let field = |names: [&str; 2]| names.iter().find_map(|name| body.get(*name));
    let begins = action(field(["Action", "action"])?.as_str()?)?;
    // A door station's bridge has the code in the topic: <prefix>/<code>/Event.
    let in_topic = topic
        .strip_suffix("/Event")
        .and_then(|topic| topic.rsplit_once('/'));
    let code = match (field(["Code", "code"]).and_then(words::text), in_topic) {
        (Some(code), _) => code,
        (None, Some((_, code))) => code.to_owned(),
        (None, None) => return None,
    };
    let data = match field(["Data", "data"]) {
        Some(Json::Object(data)) => data.clone(),
        None | Some(Json::Null) => Map::new(),
        Some(_) => return None,
    };
    let index = field(["Index", "index"]).and_then(words::text);
    let host = in_topic.map_or(topic, |(prefix, _)| prefix);
    let device = match (serial, index) {
        (Some(serial), _) => format!("dahua/{serial}"),
        (None, Some(index)) => format!("dahua/{host}/{index}"),
        (None, None) => format!("dahua/{host}"),
    };
    Some(Event::new(&code, begins, device, data))
}

fn action(word: &str) -> Option<bool> {
    match word {
        "Start" | "Pulse" => Some(true),
        "Stop" => Some(false),
        _ => None,
    }
}

impl Event {
    fn new(code: &str, begins: bool, device: String, data: Map<String, Json>) -> Self {
        let at = data.get("RealUTC").or_else(|| data.get("UTC"));
        let id = at.and_then(words::text).map(|at| {
            let number = ["RecNo", "EventID", "GroupID"]
                .iter()
                .find_map(|name| data.get(*name).and_then(words::text))
                .unwrap_or_default();
            format!("{device}/{code}@{at}#{number}")
        });
        let time = at.or_else(|| data.get("LocaleTime"));
        Self {
            code: code.to_owned(),
            device,
            begins,
            time: time.and_then(SourceTime::from_json),
            id,
            data,
        }
    }

    /// The first of these fields that is there.
    pub(super) fn text(&self, names: &[&str]) -> Option<String> {
        names
            .iter()
            .find_map(|name| self.data.get(*name).and_then(words::text))
    }
}
