//! ChirpStack: `[<prefix>/]application/<id>/device/<DevEUI>/event/<event>`, JSON. Version 4; uplinks of
//! version 3 have the same topic and are read too.
//!
//! Devices: `chirpstack/<DevEUI>` in lower case; the name that they have in ChirpStack is announced, because
//! people change names and the DevEUI stays.
//!
//! Traps: without a codec in the device profile there is no `object`, and the bytes in `data` mean
//! nothing by themselves; fields with their default value (0, false, "") are left out by protobuf; a
//! device on mains has no battery level. It must never guess at the bytes.

use std::collections::HashMap;

use gridwatch_protocol::Kind;
use serde_json::{Map, Value as Json};

use super::lorawan::Uplink;
use super::{Format, Verdict};
use crate::frame::Message;
use crate::observation::{Announcement, Observation, Output};
use crate::time::SourceTime;
use crate::words;

/// Devices whose name is remembered, so that it is announced once.
const DEVICES_MAX: usize = 10_000;

/// Reads ChirpStack's events.
#[derive(Debug, Default)]
pub(super) struct ChirpStack {
    /// The name that each device was announced with.
    names: HashMap<String, String>,
}

impl Format for ChirpStack {
    fn name(&self) -> &'static str {
        "chirpstack"
    }

    fn read(&mut self, message: &Message<'_>, output: &mut Output) -> Verdict {
        let Some((eui, event)) = topic_of(message.topic) else {
            return Verdict::NotMine("the topic is not application/…/device/…/event/…");
        };
        let body = match message.json() {
            Ok(Json::Object(body)) => body,
            Ok(_) => return Verdict::Broken("an event is a JSON object".to_owned()),
            Err(why) => {
                return Verdict::Broken(format!(
                    "{why}; with protobuf payloads set `json=true` in ChirpStack's MQTT integration"
                ));
            }
        };
        let device = format!("chirpstack/{}", eui.to_lowercase());
        self.announce(&device, body, output);
        match event {
            "up" => up(&device, body, output),
            "status" => status(&device, body, output),
            "join" => output.heard.push(device),
            "log" => log(&device, body, output),
            _ => output.note(|| format!("chirpstack: `{event}` tells nothing about the world")),
        }
        Verdict::Taken
    }
}

/// The DevEUI and the event.
fn topic_of(topic: &str) -> Option<(&str, &str)> {
    let mut levels = topic.rsplit('/');
    let event = levels.next()?;
    (levels.next()? == "event").then_some(())?;
    let eui = levels.next().filter(|eui| is_eui(eui))?;
    (levels.next()? == "device").then_some(())?;
    levels.next()?;
    (levels.next()? == "application").then_some((eui, event))
}

fn is_eui(text: &str) -> bool {
    text.len() == 16 && text.chars().all(|c| c.is_ascii_hexdigit())
}

/// Version 4 has `deviceInfo`, version 3 the same names one level up.
fn info<'a>(body: &'a Map<String, Json>, name: &str) -> Option<&'a str> {
    let inner = body.get("deviceInfo").and_then(|info| info.get(name));
    inner.or_else(|| body.get(name))?.as_str()
}

impl ChirpStack {
    fn announce(&mut self, device: &str, body: &Map<String, Json>, output: &mut Output) {
        let Some(name) = info(body, "deviceName") else {
            return;
        };
        if self.names.get(device).is_some_and(|known| known == name) {
            return;
        }
        if self.names.len() < DEVICES_MAX || self.names.contains_key(device) {
            self.names.insert(device.to_owned(), name.to_owned());
        }
        output.announcements.push(Announcement {
            device: device.to_owned(),
            name: Some(name.to_owned()),
            model: info(body, "deviceProfileName").map(str::to_owned),
            ..Announcement::default()
        });
    }
}

/// When the network server received it; version 3 has the time of the first gateway.
fn time_of(body: &Map<String, Json>) -> Option<SourceTime> {
    body.get("time")
        .or_else(|| body.get("publishedAt"))
        .or_else(|| body.get("rxInfo")?.get(0)?.get("time"))
        .and_then(SourceTime::from_json)
}

fn event_of(body: &Map<String, Json>) -> Option<String> {
    body.get("deduplicationId").and_then(words::text)
}

fn up(device: &str, body: &Map<String, Json>, output: &mut Output) {
    output.heard.push(device.to_owned());
    let written = body.get("objectJSON").and_then(Json::as_str);
    let parsed: Option<Json> = written.and_then(|text| serde_json::from_str(text).ok());
    let object = body
        .get("object")
        .or(parsed.as_ref())
        .and_then(Json::as_object);
    let Some(object) = object else {
        output.note(|| {
            format!("chirpstack: {device} has no `object`: give its device profile a codec")
        });
        return;
    };
    let uplink = Uplink {
        device,
        time: time_of(body),
        event: event_of(body),
        is_test: false,
        port: body.get("fPort").and_then(Json::as_i64),
        model: info(body, "deviceProfileName").map(str::to_owned),
    };
    uplink.read(object, output);
}

/// The answer to a device status request. A device on external power has no battery.
fn status(device: &str, body: &Map<String, Json>, output: &mut Output) {
    output.heard.push(device.to_owned());
    let flag = |name: &str| body.get(name).and_then(Json::as_bool) == Some(true);
    let level = body.get("batteryLevel").and_then(words::number);
    let observation = match level {
        _ if flag("externalPowerSource") => Observation::state(device, Kind::Power, true),
        Some(level) if !flag("batteryLevelUnavailable") => {
            Observation::number(device, Kind::Battery, level, "%")
        }
        _ => return,
    };
    output.push(Observation {
        source_event: event_of(body),
        ..observation.at(time_of(body))
    });
}

/// What went wrong with a device. A codec that fails hides what its device says.
fn log(device: &str, body: &Map<String, Json>, output: &mut Output) {
    let text = |name: &str| body.get(name).and_then(words::text).unwrap_or_default();
    if text("code") == "UPLINK_CODEC" {
        let why = words::cut(&text("description"));
        output.problem(format!("{device}: its codec fails in ChirpStack: {why}"));
    } else {
        output.note(|| format!("chirpstack: {device}: {} {}", text("level"), text("code")));
    }
}

#[cfg(test)]
mod tests;
