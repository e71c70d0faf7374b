//! Dahua events: lines of the camera's event manager (`Code=…;action=…;index=…;data={…}`), the JSON of
//! door stations (DahuaVTO2MQTT), and bridges that send the code as the last level of the topic with
//! `Start` or `Stop`. On any topic: whoever brings them to MQTT chooses it.
//!
//! Devices: `dahua/<serial>` where the message has a serial number, else `dahua/<topic>/<index>`.
//!
//! Traps: `LocaleTime` is the wall clock and `UTC` is the time (in newer firmware `RealUTC` is, and `UTC`
//! the wall clock); an access without card and user was granted all the same; a `Stop` may be the first
//! that is heard; `AlarmLocal` is an input, and what is wired to it is not in the message;
//! `MagneticLock/Status` is the bridge's timer, not a lock sensor. It must never count one access twice
//! because the fingerprint reader tells it too.

mod codes;
mod event;

use gridwatch_protocol::{Kind, Value};

use self::codes::Meaning;
use self::event::Event;
use super::{Format, Verdict};
use crate::formats::seen::Seen;
use crate::frame::Message;
use crate::observation::{Observation, Output};

/// Reads Dahua's events.
#[derive(Debug, Default)]
pub(super) struct Dahua {
    /// Events told already.
    told: Seen,
}

impl Format for Dahua {
    fn name(&self) -> &'static str {
        "dahua"
    }

    fn read(&mut self, message: &Message<'_>, output: &mut Output) -> Verdict {
        if let Some(lock) = event::magnetic_lock(message) {
            output.push(lock);
            return Verdict::Taken;
        }
        match event::events(message) {
            Ok(events) if events.is_empty() => {
                Verdict::NotMine("the payload has no event code with an action")
            }
            Ok(events) => {
                for event in &events {
                    self.take(event, output);
                }
                Verdict::Taken
            }
            Err(why) => Verdict::Broken(why),
        }
    }
}

impl Dahua {
    fn take(&mut self, event: &Event, output: &mut Output) {
        output.heard.push(event.device.clone());
        let device = event.device.as_str();
        let observation = match codes::meaning(&event.code) {
            Meaning::State(kind) => Observation::state(device, kind, event.begins),
            Meaning::Event(kind) if event.begins => Observation::state(device, kind, true),
            Meaning::Event(kind) => {
                output.push(Observation::state(device, kind, false).at(event.time));
                return;
            }
            Meaning::Object(label) => word(device, Kind::CameraObject, label, event.begins),
            Meaning::Plate => match event.text(&["PlateNumber"]) {
                Some(plate) => Observation::word(device, Kind::CameraObject, plate).personal(),
                None => return,
            },
            Meaning::Fault => word(device, Kind::Other, &event.code, event.begins),
            Meaning::Door => match event.text(&["Status"]).as_deref() {
                Some("Open") => Observation::state(device, Kind::Door, true),
                Some("Close" | "Closed") => Observation::state(device, Kind::Door, false),
                _ => return,
            },
            Meaning::Access => match access(event) {
                Some(observation) => observation,
                None => return,
            },
            Meaning::Finger => match event.text(&["FingerPrintID"]).as_deref() {
                // A print that is known is told as an access, too.
                Some("0") => Observation::word(device, Kind::AccessDenied, "fingerprint"),
                _ => return,
            },
            Meaning::Nothing => {
                output.note(|| format!("dahua: `{}` tells nothing of the world", event.code));
                return;
            }
        };
        self.push(event, observation, output);
    }

    /// Events that happen at a moment are told once; one without a time cannot be told from the next.
    fn push(&mut self, event: &Event, observation: Observation, output: &mut Output) {
        let once = matches!(
            observation.kind,
            Kind::AccessGranted | Kind::AccessDenied | Kind::LineCrossing | Kind::CameraObject
        );
        let observation = observation.at(event.time);
        match (&event.id, once) {
            (Some(id), true) if !self.told.is_new(&format!("{id} {}", observation.kind)) => {
                output.note(|| format!("dahua: {id} was told already"));
            }
            (Some(id), true) => output.push(observation.event(id.as_str())),
            _ => output.push(observation),
        }
    }
}

fn word(device: &str, kind: Kind, word: &str, begins: bool) -> Observation {
    if begins {
        Observation::word(device, kind, word)
    } else {
        Observation::state(device, kind, false)
    }
}

/// `Status` 1 is granted, 0 refused. Whoever it was: the card, then the user, then nobody known.
fn access(event: &Event) -> Option<Observation> {
    let kind = match event.text(&["Status"]).as_deref() {
        Some("1") => Kind::AccessGranted,
        Some("0") => Kind::AccessDenied,
        _ => return None,
    };
    let whose = event
        .text(&["CardNo", "UserID"])
        .map_or(Value::Bool(true), Value::Text);
    Some(Observation::new(event.device.as_str(), kind, whose))
}

#[cfg(test)]
mod tests;
