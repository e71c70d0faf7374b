//! ring-mqtt: alarm sensors and cameras of Ring by
//! `ring/<location>/<category>/<device>/<entity>/state`, their attributes on `…/info/state`, and
//! `…/status`.
//!
//! Traps: the class of the CO detector in discovery is `gas`, its entity is `co`; a camera's motion is
//! motion in a picture; `tamper` in the attributes is a word; 99 % and 100 % are the same to Ring.

use gridwatch_protocol::{Kind, Value};
use serde_json::Value as Json;

use super::{Format, Verdict};
use crate::fields;
use crate::frame::Message;
use crate::observation::{Observation, Output};
use crate::words;

#[cfg(test)]
mod tests;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct RingMqtt;

impl Format for RingMqtt {
    fn name(&self) -> &'static str {
        "ring_mqtt"
    }

    fn read(&mut self, message: &Message<'_>, output: &mut Output) -> Verdict {
        let levels: Vec<&str> = message.levels().collect();
        let ["ring", _location, category, id, rest @ ..] = levels.as_slice() else {
            return Verdict::NotMine("the topic is not ring/<location>/<category>/<device>/…");
        };
        if id.is_empty() {
            return Verdict::NotMine("the topic names no device");
        }
        let device = format!("ring/{id}");
        output.heard.push(device.clone());
        let Some(text) = message.text() else {
            // A camera's picture.
            return Verdict::Taken;
        };
        match rest {
            ["status"] => match text {
                "online" => output.push(Observation::state(&device, Kind::Availability, true)),
                "offline" => output.push(Observation::state(&device, Kind::Availability, false)),
                _ => return Verdict::Broken("status is neither online nor offline".to_owned()),
            },
            ["info", "state"] => return attributes(&device, message, output),
            [entity, "state"] => match state(&device, category, entity, text) {
                Ok(Some(observation)) => output.push(observation),
                Ok(None) => output.note(|| format!("{entity}: nothing that is watched")),
                Err(why) => output.problem(format!("{device}: {entity}: {why}")),
            },
            _ => output.note(|| "a command, a picture or attributes of an entity".to_owned()),
        }
        Verdict::Taken
    }
}

fn state(
    device: &str,
    category: &str,
    entity: &str,
    text: &str,
) -> Result<Option<Observation>, String> {
    let kind = match entity {
        "smoke" => Kind::Smoke,
        "co" => Kind::CarbonMonoxide,
        "flood" | "water" => Kind::WaterLeak,
        "contact" | "zone" => Kind::Door,
        "tamper" => Kind::Tamper,
        "motion" if category == "camera" => Kind::CameraMotion,
        "motion" => Kind::Motion,
        "lock" => {
            let word = fields::lock_state(&Json::String(text.to_owned()));
            return Ok(word.map(|word| Observation::word(device, Kind::Lock, word)));
        }
        // The mode of the alarm, a pressed bell or panic button, a siren, frost.
        "alarm" | "ding" | "panic" | "police" | "fire" | "freeze" | "siren" | "bypass" => {
            let value = match words::state_word(text) {
                Ok(Some(on)) => Value::Bool(on),
                Ok(None) => return Ok(None),
                Err(_) => Value::Text(words::cut(text)),
            };
            return Ok(Some(Observation::new(
                format!("{device}/{entity}"),
                Kind::Other,
                value,
            )));
        }
        _ => return Ok(None),
    };
    Ok(words::state_word(text)?.map(|on| Observation::state(device, kind, on)))
}

/// Battery, housing, mains and radio.
fn attributes(device: &str, message: &Message<'_>, output: &mut Output) -> Verdict {
    let info = match message.json() {
        Ok(json) => json.as_object(),
        Err(why) => return Verdict::Broken(why.to_owned()),
    };
    let Some(info) = info else {
        return Verdict::Broken("the attributes are not an object".to_owned());
    };
    let text = |name: &str| info.get(name).and_then(Json::as_str);
    if let Some(level) = info.get("batteryLevel").and_then(words::number) {
        output.push(Observation::number(device, Kind::Battery, level, "%"));
    } else if let Some(status) = text("batteryStatus") {
        let word = match status {
            "low" | "failed" => Some("low"),
            "full" | "ok" | "charged" | "charging" => Some("ok"),
            _ => None,
        };
        if let Some(word) = word {
            output.push(Observation::word(device, Kind::Battery, word));
        }
    }
    match text("tamperStatus") {
        Some("tamper") => output.push(Observation::state(device, Kind::Tamper, true)),
        Some("ok") => output.push(Observation::state(device, Kind::Tamper, false)),
        _ => {}
    }
    match text("acStatus") {
        Some("ok" | "connected") => output.push(Observation::state(device, Kind::Power, true)),
        Some("error" | "disconnected") => {
            output.push(Observation::state(device, Kind::Power, false));
        }
        _ => {}
    }
    if let Some(rssi) = info.get("wirelessSignal").and_then(words::number) {
        output.push(Observation::number(device, Kind::LinkQuality, rssi, "dBm"));
    }
    Verdict::Taken
}
