//! Hikvision ISAPI events (`EventNotificationAlert`), in XML or JSON, alone or as a part of a multipart
//! stream, on any topic: whoever brings them to MQTT chooses it.
//!
//! Devices: `hikvision/<serial, MAC, name or address>/<channel>`; doors of access controllers are
//! `…/<door>`, alarm inputs `…/input/<n>`, zones of alarm panels `…/zone/<n>`.
//!
//! Traps: `videoloss` with state `inactive`, every ten seconds, is the heartbeat; recorders count their
//! network cameras from 33 (34 is camera 2); some firmware does not escape `&`; a state is repeated while
//! it lasts, and some never send its end; access controllers send `active` for everything, and the codes
//! tell; `currentEvent: false` is history. It must never take the heartbeat for a cleared alarm.
//!
//! Movement ends with its `inactive`, or by itself when it was not repeated for a minute: sensors and
//! cameras that push over HTTP send no end.

mod access;
mod alert;
mod panel;

use std::collections::{HashMap, HashSet};

use gridwatch_protocol::{Kind, Timestamp, Value};

use self::alert::Alert;
use super::{Format, Verdict};
use crate::formats::seen::Seen;
use crate::frame::Message;
use crate::observation::{Observation, Output};

/// Crossings and picture losses that last; the largest recorder has 256 channels.
const LASTING_MAX: usize = 4_096;
/// A repeated `active` within this is the same crossing: cameras repeat it every second or two.
const REPEAT_MS: i64 = 10_000;
/// Movement that is not told again within this is over; cameras repeat it every few seconds.
const MOVEMENT_MS: i64 = 60_000;

/// Reads Hikvision's events.
#[derive(Debug, Default)]
pub(super) struct Hikvision {
    /// Serial numbers of access events told already.
    told: Seen,
    /// When a crossing was last told to be going on, by device and event type.
    crossings: HashMap<String, i64>,
    /// Devices whose picture is lost.
    lost: HashSet<String>,
    /// When movement was last told, by device and kind.
    moving: HashMap<(String, Kind), i64>,
    /// Doors that were forced or held, until they are closed.
    doors: HashSet<(String, Kind)>,
}

impl Format for Hikvision {
    fn name(&self) -> &'static str {
        "hikvision"
    }

    fn read(&mut self, message: &Message<'_>, output: &mut Output) -> Verdict {
        let alerts = match alert::alerts(message) {
            Ok(alerts) if alerts.is_empty() => {
                return Verdict::NotMine("the payload has no EventNotificationAlert");
            }
            Ok(alerts) => alerts,
            Err(why) => return Verdict::Broken(why),
        };
        for alert in &alerts {
            self.take(alert, message.received_at, output);
        }
        self.follow_movement(message.received_at, output);
        Verdict::Taken
    }

    fn tick(&mut self, now: Timestamp, output: &mut Output) {
        let over = |last: i64| now.unix_ms().saturating_sub(last) >= MOVEMENT_MS;
        self.moving.retain(|(device, kind), last| {
            if over(*last) {
                output.push(Observation::state(device.as_str(), *kind, false));
            }
            !over(*last)
        });
    }
}

impl Hikvision {
    /// Remembers movement that this message told, so that it can end by itself.
    fn follow_movement(&mut self, received_at: Timestamp, output: &Output) {
        for seen in &output.observations {
            if !matches!(seen.kind, Kind::Motion | Kind::CameraMotion) {
                continue;
            }
            let key = (seen.device.clone(), seen.kind);
            if seen.value.as_bool() != Some(true) {
                self.moving.remove(&key);
            } else if self.moving.len() < LASTING_MAX || self.moving.contains_key(&key) {
                self.moving.insert(key, received_at.unix_ms());
            }
        }
    }

    fn take(&mut self, alert: &Alert, received_at: Timestamp, output: &mut Output) {
        let kind = alert.event_type();
        match kind.as_str() {
            "accesscontrollerevent" => access::read(alert, &mut self.told, &mut self.doors, output),
            "cidevent" => panel::read(alert, &mut self.told, output),
            "heartbeat" => push(alert, alert.device(), Kind::Availability, true, output),
            "videoloss" => self.video_loss(alert, output),
            "linedetection" | "regionentrance" | "regionexiting" => {
                self.crossing(alert, &kind, received_at, output);
            }
            "anpr" | "vehicledetection" => plate(alert, &mut self.told, output),
            kind => plain(alert, kind, output),
        }
    }

    /// Lost, or the heartbeat: then the camera is there, and a loss that was told before is over.
    fn video_loss(&mut self, alert: &Alert, output: &mut Output) {
        let device = alert.device();
        if alert.active() {
            if self.lost.len() < LASTING_MAX {
                self.lost.insert(device.clone());
            }
            push(alert, device, Kind::VideoLoss, true, output);
            return;
        }
        push(alert, device.clone(), Kind::Availability, true, output);
        if self.lost.remove(&device) {
            push(alert, device, Kind::VideoLoss, false, output);
        }
    }

    /// One crossing is told several times while it lasts.
    fn crossing(&mut self, alert: &Alert, kind: &str, received_at: Timestamp, output: &mut Output) {
        let device = alert.device();
        let key = format!(
            "{device} {kind} {}",
            alert.text("regionID").unwrap_or_default()
        );
        if !alert.active() {
            self.crossings.remove(&key);
            push(alert, device, Kind::LineCrossing, false, output);
            return;
        }
        let now = alert.time_ms().unwrap_or_else(|| received_at.unix_ms());
        let last = self.crossings.get(&key).copied();
        if self.crossings.len() >= LASTING_MAX && last.is_none() {
            self.crossings.clear();
        }
        self.crossings.insert(key.clone(), now);
        if last.is_some_and(|last| (0..REPEAT_MS).contains(&now.saturating_sub(last))) {
            output.note(|| format!("hikvision: the crossing at {device} goes on"));
            return;
        }
        output.push(
            Observation::state(device, Kind::LineCrossing, true)
                .at(alert.time())
                .event(format!("{key}@{now}")),
        );
    }
}

/// A number plate. One that could not be read is none.
fn plate(alert: &Alert, told: &mut Seen, output: &mut Output) {
    let plate = alert
        .text("licensePlate")
        .or_else(|| alert.text("originalLicensePlate"))
        .filter(|plate| !plate.eq_ignore_ascii_case("unknown"));
    let Some(plate) = plate else {
        output.note(|| "hikvision: no plate could be read".to_owned());
        return;
    };
    let device = alert.device();
    // The id leaves the gateway, so the plate is not in it.
    let id = alert.text("UUID").unwrap_or_else(|| {
        format!(
            "{device}/plate/{}",
            alert.text("dateTime").unwrap_or_default()
        )
    });
    if told.is_new(&format!("{id}/{plate}")) {
        output.push(Observation {
            // What the camera kept while its server was away.
            replayed: alert.flag("isDataRetransmission") == Some(true),
            personal: true,
            ..Observation::word(device, Kind::CameraObject, plate)
                .at(alert.time())
                .event(id)
        });
    }
}

/// Events that are a state of their channel.
fn plain(alert: &Alert, kind: &str, output: &mut Output) {
    let active = alert.active();
    let device = alert.device();
    let state = match kind {
        "vmd" | "motiondetection" | "vmdhumanvehicle" | "fielddetection" | "loitering"
        | "intrusion" | "group" | "rapidmove" => Kind::CameraMotion,
        "pir" => Kind::Motion,
        "tamperdetection" | "shelteralarm" | "scenechangedetection" => Kind::Tamper,
        "facedetection" | "facesnap" => return label(alert, "face", output),
        "firedetection" => return label(alert, "fire", output),
        "smokedetection" => return label(alert, "smoke", output),
        "" => {
            output.problem("an EventNotificationAlert has no eventType".to_owned());
            return;
        }
        "io" => {
            let port = alert.text("inputIOPortID");
            let device = port.map_or(device.clone(), |port| format!("{device}/input/{port}"));
            return other(alert, device, "IO", output);
        }
        _ => {
            let name = alert.event_name();
            return other(alert, device, &name, output);
        }
    };
    push(alert, device, state, active, output);
}

/// What a camera recognises, by its label; `false` when it is gone.
fn label(alert: &Alert, label: &str, output: &mut Output) {
    let value = if alert.active() {
        Value::Text(label.to_owned())
    } else {
        Value::Bool(false)
    };
    output.push(Observation::new(alert.device(), Kind::CameraObject, value).at(alert.time()));
}

/// What is behind it is not in the message: its own word, and `false` when it is over.
fn other(alert: &Alert, device: String, word: &str, output: &mut Output) {
    let value = if alert.active() {
        Value::Text(word.to_owned())
    } else {
        Value::Bool(false)
    };
    output.push(Observation::new(device, Kind::Other, value).at(alert.time()));
}

fn push(alert: &Alert, device: String, kind: Kind, state: bool, output: &mut Output) {
    output.push(Observation::state(device, kind, state).at(alert.time()));
}

#[cfg(test)]
mod tests;
