//! The Things Stack v3 (The Things Network, The Things Industries):
//! `v3/<application>[@<tenant>]/devices/<device>/<event>`, JSON.
//!
//! Devices: `tts/<application>/<device id>`. One probe of several is `…/<number>`.
//!
//! Traps: envelope fields that are "", 0 or false are left out (frame 0 has no `f_cnt`), while zeros within
//! `decoded_payload` are real; `decoded_payload` and `normalized_payload` are two readings of one frame and
//! give one set; an uplink made in the console is `simulated` and is marked as a test. It must never
//! take an absent field of a payload for a zero.

use serde_json::{Map, Value as Json};

use gridwatch_protocol::Kind;

use super::lorawan::Uplink;
use super::{Format, Verdict};
use crate::frame::Message;
use crate::observation::{Observation, Output};
use crate::time::SourceTime;
use crate::words;

/// Entries of a normalized payload that are read; a codec gives one, or a few that were kept.
const NORMALIZED_MAX: usize = 64;

/// Reads The Things Stack's messages.
#[derive(Debug, Default)]
pub(super) struct TheThingsStack;

impl Format for TheThingsStack {
    fn name(&self) -> &'static str {
        "the_things_stack"
    }

    fn read(&mut self, message: &Message<'_>, output: &mut Output) -> Verdict {
        let Some((application, id, event)) = topic_of(message.topic) else {
            return Verdict::NotMine("the topic is not v3/…/devices/…/…");
        };
        let body = match message.json() {
            Ok(Json::Object(body)) => body,
            Ok(_) => return Verdict::Broken("a message is a JSON object".to_owned()),
            Err(why) => return Verdict::Broken(why.to_owned()),
        };
        let device = format!("tts/{application}/{id}");
        match event {
            "up" => match body.get("uplink_message").and_then(Json::as_object) {
                Some(uplink) => up(&device, body, uplink, output),
                None => return Verdict::Broken("an uplink has `uplink_message`".to_owned()),
            },
            "join" => output.heard.push(device),
            _ => output.note(|| format!("the_things_stack: `{event}` tells nothing of the world")),
        }
        Verdict::Taken
    }
}

/// Application with tenant, device, and event of a topic.
fn topic_of(topic: &str) -> Option<(&str, &str, &str)> {
    let topic = topic.strip_prefix("v3/")?;
    let (application, rest) = topic.split_once("/devices/")?;
    let (device, event) = rest.split_once('/')?;
    let plain = !application.contains('/') && !application.is_empty() && !device.is_empty();
    plain.then_some((application, device, event))
}

fn up(device: &str, body: &Map<String, Json>, message: &Map<String, Json>, output: &mut Output) {
    output.heard.push(device.to_owned());
    let received = body.get("received_at").or(message.get("received_at"));
    let uplink = Uplink {
        device,
        time: received.and_then(SourceTime::from_json),
        event: event_of(body, message),
        is_test: body.get("simulated").and_then(Json::as_bool) == Some(true),
        port: message.get("f_port").and_then(Json::as_i64),
        model: message
            .get("version_ids")
            .and_then(|ids| ids.get("model_id"))
            .and_then(words::text),
    };
    let decoded = message.get("decoded_payload").and_then(Json::as_object);
    let mut count = decoded.map_or(0, |object| uplink.read(object, output));
    // Only where the device's own codec gives nothing that is known.
    if count == 0 {
        let normalized = message.get("normalized_payload").and_then(Json::as_array);
        for object in normalized.into_iter().flatten().take(NORMALIZED_MAX) {
            let object = object.as_object().map(volts_by_schema);
            count += object.map_or(0, |object| uplink.read(&object, output));
        }
    }
    if count == 0 {
        output.note(|| {
            format!("the_things_stack: {device} has no decoded field that is known, only bytes")
        });
    }
    battery(&uplink, message, output);
}

/// The normalized form has its battery in volts.
fn volts_by_schema(object: &Map<String, Json>) -> Map<String, Json> {
    let mut object = object.clone();
    if let Some(volts) = object.remove("battery") {
        object.insert("battery_voltage".to_owned(), volts);
    }
    object
}

/// The level of the last device status, told with every uplink, unless the codec has one.
fn battery(uplink: &Uplink<'_>, message: &Map<String, Json>, output: &mut Output) {
    let Some(last) = message.get("last_battery_percentage") else {
        return;
    };
    let has_one = output
        .observations
        .iter()
        .any(|o| o.kind == Kind::Battery && o.device == uplink.device);
    let Some(level) = last.get("value").and_then(words::number) else {
        return;
    };
    if has_one || !(0.0..=100.0).contains(&level) {
        return;
    }
    output.push(Observation {
        is_test: uplink.is_test,
        ..Observation::number(uplink.device, Kind::Battery, level, "%")
            .at(last.get("received_at").and_then(SourceTime::from_json))
    });
}

/// The uplink's own id. Frame 0 has no `f_cnt`: it is left out when it is 0.
fn event_of(body: &Map<String, Json>, message: &Map<String, Json>) -> Option<String> {
    let ids = body.get("correlation_ids").and_then(Json::as_array);
    let uplink = ids
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .find(|id| id.starts_with("as:up:"));
    if let Some(id) = uplink {
        return Some(id.to_owned());
    }
    let session = message.get("session_key_id").and_then(words::text)?;
    let count = message.get("f_cnt").and_then(Json::as_u64).unwrap_or(0);
    Some(format!("{session}/{count}"))
}

#[cfg(test)]
mod tests;
