//! Finds alerts in a payload, whatever is around them, and reads them into names and texts.

use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::Value as Json;

use crate::frame::Message;
use crate::time::SourceTime;

/// Alerts of one payload that are read; a multipart frame has one.
const ALERTS_MAX: usize = 64;
/// Elements of one alert that are read; the longest, of number plates, has under 100.
const ELEMENTS_MAX: usize = 1_024;
/// Elements within elements that are followed.
const DEPTH_MAX: usize = 32;
/// An alert stands at the beginning; pictures follow it.
const HEAD_BYTES: usize = 64 * 1024;
/// Recorders count their network cameras from here on.
const NVR_FIRST_CHANNEL: u32 = 33;

const START: &[u8] = b"<EventNotificationAlert";
const END: &[u8] = b"</EventNotificationAlert>";

/// An alert: the first text of each element, by the element's name. Names are compared without regard
/// to case.
#[derive(Debug, Default)]
pub(super) struct Alert {
    texts: Vec<(String, String)>,
}

/// The alerts of a payload; none when it is something else.
///
/// # Errors
/// When an alert begins and is broken.
pub(super) fn alerts(message: &Message<'_>) -> Result<Vec<Alert>, String> {
    let payload = message.payload;
    let head = payload.get(..HEAD_BYTES).unwrap_or(payload);
    match payload.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => match message.json() {
            Ok(json) => Ok(Alert::of_json(json).into_iter().collect()),
            Err(why) if find(head, b"\"eventType\"").is_some() => Err(why.to_owned()),
            Err(_) => Ok(Vec::new()),
        },
        Some(b'<' | b'-' | 0xef) => {
            if find(head, START).is_some() {
                of_xml(payload)
            } else if find(head, b"\"eventType\"").is_some() {
                Ok(of_multipart_json(payload))
            } else {
                Ok(Vec::new())
            }
        }
        _ => Ok(Vec::new()),
    }
}

fn find(bytes: &[u8], word: &[u8]) -> Option<usize> {
    bytes.windows(word.len()).position(|window| window == word)
}

fn of_xml(payload: &[u8]) -> Result<Vec<Alert>, String> {
    let mut alerts = Vec::new();
    let mut rest = payload;
    while alerts.len() < ALERTS_MAX
        && let Some(start) = find(rest, START)
    {
        let from = rest.get(start..).unwrap_or_default();
        let Some(end) = find(from, END) else {
            return Err("an EventNotificationAlert has no end".to_owned());
        };
        let end = end.saturating_add(END.len());
        alerts.push(Alert::of_xml(from.get(..end).unwrap_or_default())?);
        rest = from.get(end..).unwrap_or_default();
    }
    Ok(alerts)
}

/// JSON parts of a multipart frame: what follows each opening brace that begins a line.
fn of_multipart_json(payload: &[u8]) -> Vec<Alert> {
    let mut alerts = Vec::new();
    let mut rest = payload;
    for _ in 0..ALERTS_MAX {
        let Some(at) = find(rest, b"\n{") else {
            break;
        };
        rest = rest.get(at.saturating_add(1)..).unwrap_or_default();
        let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<Json>();
        if let Some(Ok(json)) = values.next() {
            alerts.extend(Alert::of_json(&json));
        }
    }
    alerts
}

impl Alert {
    fn of_xml(bytes: &[u8]) -> Result<Self, String> {
        let text = escaped(&String::from_utf8_lossy(bytes));
        let mut reader = Reader::from_str(&text);
        let mut alert = Self::default();
        let mut path: Vec<String> = Vec::new();
        let mut current = String::new();
        loop {
            match reader.read_event() {
                Ok(Event::Start(start)) => {
                    if path.len() >= DEPTH_MAX {
                        return Err(format!("more than {DEPTH_MAX} elements within each other"));
                    }
                    let name = start.local_name();
                    path.push(name.as_ref().to_owned());
                    current.clear();
                }
                Ok(Event::Text(part)) => {
                    current.push_str(part.as_ref());
                }
                Ok(Event::CData(part)) => {
                    current.push_str(part.as_ref());
                }
                Ok(Event::GeneralRef(part)) => {
                    current.push_str(entity(part.as_ref()));
                }
                Ok(Event::End(_)) => {
                    if let Some(name) = path.pop() {
                        alert.add(name, &current);
                    }
                    current.clear();
                }
                Ok(Event::Eof) => return Ok(alert),
                Ok(_) => {}
                Err(error) => return Err(format!("an EventNotificationAlert is no XML: {error}")),
            }
        }
    }

    fn of_json(json: &Json) -> Option<Self> {
        let object = json.as_object()?;
        let object = match object.get("EventNotificationAlert") {
            Some(inner) => inner.as_object()?,
            None => object,
        };
        object.get("eventType")?.as_str()?;
        let around = ["dateTime", "eventState", "ipAddress", "macAddress"];
        if !around.iter().any(|name| object.contains_key(*name)) {
            return None;
        }
        let mut alert = Self::default();
        alert.add_json(object, 0);
        Some(alert)
    }

    fn add_json(&mut self, object: &serde_json::Map<String, Json>, depth: usize) {
        if depth > DEPTH_MAX {
            return;
        }
        for (name, value) in object {
            match value {
                Json::Object(inner) => self.add_json(inner, depth.saturating_add(1)),
                Json::String(text) => self.add(name.clone(), text),
                Json::Number(number) => self.add(name.clone(), &number.to_string()),
                Json::Bool(state) => self.add(name.clone(), &state.to_string()),
                Json::Array(items) => {
                    for item in items.iter().filter_map(Json::as_object).take(ALERTS_MAX) {
                        self.add_json(item, depth.saturating_add(1));
                    }
                }
                Json::Null => {}
            }
        }
    }

    fn add(&mut self, name: String, text: &str) {
        let text = text.trim();
        if !text.is_empty() && self.texts.len() < ELEMENTS_MAX {
            self.texts.push((name, text.to_owned()));
        }
    }

    /// The first text of an element with this name.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.texts
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, text)| text.clone())
    }

    pub(super) fn number(&self, name: &str) -> Option<u32> {
        self.text(name)?.parse().ok()
    }

    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        self.text(name)?.parse().ok()
    }

    /// The type as it was written. `duration` wraps the event that lasts.
    pub(super) fn event_name(&self) -> String {
        let name = self.text("eventType").unwrap_or_default();
        if name.eq_ignore_ascii_case("duration") {
            self.text("relationEvent").unwrap_or(name)
        } else {
            name
        }
    }

    pub(super) fn event_type(&self) -> String {
        self.event_name().to_lowercase()
    }

    pub(super) fn active(&self) -> bool {
        !self
            .text("eventState")
            .is_some_and(|state| state.eq_ignore_ascii_case("inactive"))
    }

    /// The box: by what stays longest.
    pub(super) fn root(&self) -> String {
        let name = [
            "serialNumber",
            "macAddress",
            "deviceID",
            "deviceName",
            "ipAddress",
        ]
        .iter()
        .find_map(|name| self.text(name));
        format!("hikvision/{}", name.unwrap_or_else(|| "unnamed".to_owned()))
    }

    /// The channel. Recorders count network cameras from 33.
    pub(super) fn device(&self) -> String {
        let channel = self
            .number("channelID")
            .or_else(|| self.number("dynChannelID"))
            .unwrap_or(1);
        let channel = match channel.checked_sub(NVR_FIRST_CHANNEL) {
            Some(shifted) => shifted.saturating_add(1),
            None => channel,
        };
        format!("{}/{channel}", self.root())
    }

    pub(super) fn time(&self) -> Option<SourceTime> {
        self.text("dateTime")
            .map(|text| SourceTime::from_text(&text))
    }

    pub(super) fn time_ms(&self) -> Option<i64> {
        match self.time()? {
            SourceTime::Instant(at) => Some(at.as_millisecond()),
            SourceTime::Local(_) | SourceTime::Unusable => None,
        }
    }
}

/// `&` that begins no reference, as some firmware writes it, becomes one.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (index, part) in text.split('&').enumerate() {
        if index > 0 {
            let known = ["amp;", "lt;", "gt;", "quot;", "apos;"];
            out.push_str(if known.iter().any(|name| part.starts_with(name)) {
                "&"
            } else {
                "&amp;"
            });
        }
        out.push_str(part);
    }
    out
}

fn entity(name: &str) -> &'static str {
    match name {
        "amp" => "&",
        "lt" => "<",
        "gt" => ">",
        "quot" => "\"",
        "apos" => "'",
        _ => "",
    }
}
