//! Plain topics: whether the recorder and its cameras are there, movement, and sounds.

use gridwatch_protocol::{Kind, Value};

use super::{camera, recorder};
use crate::formats::Verdict;
use crate::frame::Message;
use crate::observation::{Bridge, Observation, Output};
use crate::words;

/// Topics below the prefix that are no cameras.
const NO_CAMERAS: [&str; 7] = [
    "notifications",
    "profile",
    "jobs",
    "onConnect",
    "camera_activity",
    "model_state",
    "birdseye",
];

/// `<prefix>/available`: `online`, `offline`, and `stopped` after an orderly end.
pub(super) fn available(prefix: &str, message: &Message<'_>, output: &mut Output) -> Verdict {
    let online = match message.text() {
        Some("online") => true,
        Some("offline" | "stopped") => false,
        Some("") => return Verdict::Taken,
        _ => {
            return Verdict::Broken("`available` is `online`, `offline` or `stopped`".to_owned());
        }
    };
    output.push(Observation::state(
        recorder(prefix),
        Kind::Availability,
        online,
    ));
    output.bridges.push(Bridge {
        prefix: camera(prefix, ""),
        online,
    });
    Verdict::Taken
}

/// `<prefix>/<camera>/…`.
pub(super) fn of_camera(
    prefix: &str,
    rest: &[&str],
    message: &Message<'_>,
    output: &mut Output,
) -> Verdict {
    match rest {
        [name, "status", role] => status(&camera(prefix, name), role, message, output),
        [name, "motion"] if !NO_CAMERAS.contains(name) => {
            on_off(message, output, |on| {
                Observation::state(camera(prefix, name), Kind::CameraMotion, on)
            });
        }
        [
            _,
            "audio",
            "dBFS" | "rms" | "all" | "transcription" | "set" | "state",
        ] => {
            output.note(|| "frigate: a level or a switch, not a sound".to_owned());
        }
        [name, "audio", sound] => {
            on_off(message, output, |on| heard(prefix, name, sound, on));
        }
        _ => output.note(|| "frigate: counts, pictures, statistics and settings".to_owned()),
    }
    Verdict::Taken
}

/// A camera's stream for one role. `disabled` is switched off on purpose, not broken. Detection is
/// what makes a camera a sensor: its stream is the camera's; the other roles are parts of their own.
fn status(camera: &str, role: &str, message: &Message<'_>, output: &mut Output) {
    let online = match message.text() {
        Some("online") => true,
        Some("offline") => false,
        _ => {
            output.note(|| format!("frigate: {camera} {role} is neither online nor offline"));
            return;
        }
    };
    let device = match role {
        "detect" => camera.to_owned(),
        other => format!("{camera}/{other}"),
    };
    output.push(Observation::state(device, Kind::Availability, online));
}

/// A sound. Smoke and fire detectors that the microphone hears are smoke; others are told by name.
fn heard(prefix: &str, name: &str, sound: &str, on: bool) -> Observation {
    let device = format!("{}/audio/{sound}", camera(prefix, name));
    match (sound, on) {
        ("fire_alarm" | "smoke_detector", on) => Observation::state(device, Kind::Smoke, on),
        (_, true) => Observation::new(device, Kind::Other, Value::Text(sound.to_owned())),
        (_, false) => Observation::state(device, Kind::Other, false),
    }
}

fn on_off(message: &Message<'_>, output: &mut Output, read: impl FnOnce(bool) -> Observation) {
    match message.text().map(words::state_word) {
        Some(Ok(Some(on))) => output.push(read(on)),
        Some(Ok(None)) => {}
        _ => output.problem(format!("`{}` is neither ON nor OFF", message.topic)),
    }
}
