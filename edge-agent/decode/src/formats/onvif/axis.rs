//! Axis' own form of ONVIF events over MQTT:
//! `{"timestamp": ms, "topic": "onvif:Device/axis:Sensor/PIR", "message": {"source", "key", "data"}}` on
//! `<prefix>/event/tns:onvif/…` or `…/event/tns:axis/…`.

use serde_json::Value as Json;

use super::{Event, fields, plain};
use crate::frame::Message;
use crate::time::SourceTime;
use crate::words;

pub(super) fn is_topic(topic: &str) -> bool {
    split(topic).is_some()
}

/// The prefix and the ONVIF topic.
fn split(topic: &str) -> Option<(&str, &str)> {
    let (prefix, path) = topic.split_once("/event/tns:")?;
    (path.starts_with("onvif/") || path.starts_with("axis/")).then_some((prefix, path))
}

pub(super) fn event(message: &Message<'_>) -> Result<Event, String> {
    let (prefix, in_topic) = split(message.topic).unwrap_or_default();
    let body = message.json()?;
    let part = |name: &str| match body.pointer(name) {
        Some(Json::Object(part)) => fields(part),
        _ => Vec::new(),
    };
    if body.pointer("/message").is_none() {
        return Err("an event of Axis has `message` with `source` and `data`".to_owned());
    }
    let topic = body.get("topic").and_then(words::text);
    let path: Vec<String> = match &topic {
        Some(topic) => topic.split('/').map(plain).collect(),
        None => in_topic.split('/').skip(1).map(plain).collect(),
    };
    let mut source = part("/message/source");
    source.extend(part("/message/key"));
    let time = body.get("timestamp");
    let at = time.map(ToString::to_string).unwrap_or_default();
    Ok(Event {
        prefix: prefix.to_owned(),
        id: format!("{in_topic}@{at}"),
        path,
        source,
        data: part("/message/data"),
        time: time.and_then(SourceTime::from_json),
    })
}
