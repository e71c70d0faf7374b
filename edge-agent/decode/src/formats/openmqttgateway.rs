//! OpenMQTTGateway and Theengs Gateway: Bluetooth, 433 MHz and infrared senders behind a gateway, by
//! topics like `home/<gateway>/BTtoMQTT/<address>`.
//!
//! Traps: a sensor spreads its fields over several messages, so what is missing is unknown; `cont` is
//! continuous broadcasting, not a contact; `tempc` and `tempf` are one temperature; the topic names the
//! sender where the message does not; Pilight's message is JSON within a string, and its `battery` has
//! neither unit nor direction; beacons and phones are carried by people and are not followed.

use gridwatch_protocol::{Kind, Timestamp};
use serde_json::{Map, Value as Json};

use super::rtl_433::Events;
use super::{Format, Verdict};
use crate::fields::{self, UnitRule};
use crate::frame::Message;
use crate::observation::{Announcement, Observation, Output};
use crate::words;

#[cfg(test)]
mod tests;

/// JSON within a string of JSON is read once more, and no deeper.
const INNER_BYTES_MAX: usize = 16 * 1024;
/// Fields that say nothing of the sensor: how and where it was heard, and names that mean something
/// else here than elsewhere.
const SKIPPED: [&str; 6] = ["tempf", "contact", "cont", "lock", "presence", "rssi"];

/// Fields that sensors send and phones do not; older versions told no model.
const MEASURED: [&str; 8] = [
    "tempc", "tempf", "tem", "hum", "moi", "open", "motion", "wet",
];

/// See the module.
#[derive(Debug)]
pub(super) struct OpenMqttGateway {
    rtl_433: Events,
}

impl Default for OpenMqttGateway {
    fn default() -> Self {
        Self {
            rtl_433: Events::new("rtl_433"),
        }
    }
}

impl Format for OpenMqttGateway {
    fn name(&self) -> &'static str {
        "openmqttgateway"
    }

    fn read(&mut self, message: &Message<'_>, output: &mut Output) -> Verdict {
        let levels: Vec<&str> = message.levels().collect();
        if let [base @ .., "LWT"] = levels.as_slice()
            && base.len() == 2
        {
            return will(&base.join("/"), message, output);
        }
        let Some(at) = levels.iter().position(|level| is_source(level)) else {
            return Verdict::NotMine("the topic has no level like BTtoMQTT");
        };
        let gateway = format!(
            "openmqttgateway/{}",
            levels.get(..at).unwrap_or_default().join("/")
        );
        let rest = levels.get(at + 1..).unwrap_or_default();
        match levels.get(at).copied().unwrap_or_default() {
            "BTtoMQTT" => bluetooth(rest, message, output),
            "RTL_433toMQTT" => self.rtl_433.read(message, output),
            "PilighttoMQTT" => pilight(message, output),
            "433toMQTT" | "IRtoMQTT" | "SRFBtoMQTT" => code(&gateway, message, output),
            _ => Verdict::Taken,
        }
    }

    fn tick(&mut self, now: Timestamp, output: &mut Output) {
        self.rtl_433.tick(now, output);
    }
}

fn is_source(level: &str) -> bool {
    matches!(
        level,
        "BTtoMQTT"
            | "433toMQTT"
            | "SRFBtoMQTT"
            | "IRtoMQTT"
            | "PilighttoMQTT"
            | "RTL_433toMQTT"
            | "SYStoMQTT"
            | "WebUItoMQTT"
            | "LOGtoMQTT"
            | "GSMtoMQTT"
            | "LORAtoMQTT"
    )
}

/// The gateway's last will. Other gateways may hear the same sensors, so nothing is said about those.
fn will(base: &str, message: &Message<'_>, output: &mut Output) -> Verdict {
    let online = match message.text() {
        Some("online") => true,
        Some("offline") => false,
        _ => return Verdict::NotMine("LWT is neither online nor offline"),
    };
    let device = format!("openmqttgateway/{base}");
    output.push(Observation::state(device, Kind::Availability, online));
    Verdict::Taken
}

fn object<'m>(message: &'m Message<'_>) -> Result<&'m Map<String, Json>, Verdict> {
    match message.json() {
        Ok(json) => json
            .as_object()
            .ok_or_else(|| Verdict::Broken("the message is not an object".to_owned())),
        Err(why) => Err(Verdict::Broken(why.to_owned())),
    }
}

/// A Bluetooth sensor, decoded by the gateway.
fn bluetooth(rest: &[&str], message: &Message<'_>, output: &mut Output) -> Verdict {
    let sensor = match object(message) {
        Ok(sensor) => sensor,
        Err(verdict) => return verdict,
    };
    let text = |name: &str| sensor.get(name).and_then(words::text);
    let address = rest
        .first()
        .map(|level| (*level).to_owned())
        .filter(|level| !level.is_empty() && level != "undecoded")
        .or_else(|| text("id"))
        .or_else(|| text("mac"));
    let Some(address) = address else {
        return Verdict::Broken("neither topic nor message names the sensor".to_owned());
    };
    if is_carried(sensor) {
        output.note(|| "a beacon or a phone: people are not followed".to_owned());
        return Verdict::Taken;
    }
    let device = format!("bluetooth/{}", address.replace(':', "").to_uppercase());
    output.heard.push(device.clone());
    if text("type").as_deref() == Some("TIRE") {
        output.note(|| "the temperature of a tyre".to_owned());
        return Verdict::Taken;
    }
    for (name, raw) in sensor {
        read_field(&device, name, raw, sensor, output);
    }
    if let Some(model) = text("model") {
        output.announcements.push(Announcement {
            device,
            vendor: text("brand"),
            model: Some(model),
            ..Announcement::default()
        });
    }
    Verdict::Taken
}

/// Whether it is carried by people: beacons, phones, watches, tags, and whatever was not decoded.
fn is_carried(sensor: &Map<String, Json>) -> bool {
    let is = |name: &str, words: &[&str]| {
        sensor
            .get(name)
            .and_then(Json::as_str)
            .is_some_and(|text| words.iter().any(|word| text.eq_ignore_ascii_case(word)))
    };
    let has = |names: &[&str]| names.iter().any(|name| sensor.contains_key(*name));
    !has(&["model_id", "model"]) && !has(&MEASURED)
        || sensor.contains_key("uuid")
        || sensor.contains_key("track")
        || is("type", &["BCON", "TRACK", "PHONE", "BODY", "RMAC"])
        || is("model_id", &["IBEACON", "MS-CDP", "GAEN", "APPLE", "RMAC"])
}

fn read_field(
    device: &str,
    name: &str,
    raw: &Json,
    sensor: &Map<String, Json>,
    output: &mut Output,
) {
    let fahrenheit_only = name == "tempf" && !sensor.contains_key("tempc");
    if SKIPPED.contains(&name) && !fahrenheit_only {
        return contact(device, name, raw, output);
    }
    let name = match name {
        "tem" => "tempc",
        "water_leak" | "wet" | "leak" => "leak",
        other => other,
    };
    match fields::observe(device, name, raw, UnitRule::Conventional) {
        Ok(Some(observation)) => output.push(observation),
        Ok(None) => {}
        Err(why) => output.problem(format!("{device}: {name}: {why}")),
    }
}

/// A contact in words says what it means; as a flag it does not.
fn contact(device: &str, name: &str, raw: &Json, output: &mut Output) {
    if name == "rssi"
        && let Some(number) = words::number(raw)
    {
        output.push(Observation::number(
            device,
            Kind::LinkQuality,
            number,
            "dBm",
        ));
    }
    if name == "contact"
        && let Some(word) = raw.as_str()
        && let Ok(Some(open)) = fields::state_of(Kind::Door, &word.into())
        && !matches!(word, "on" | "off" | "true" | "false" | "1" | "0")
    {
        output.push(Observation::state(device, Kind::Door, open));
    }
}

/// A sender of 433 MHz as Pilight knows it.
fn pilight(message: &Message<'_>, output: &mut Output) -> Verdict {
    let outer = match object(message) {
        Ok(outer) => outer,
        Err(verdict) => return verdict,
    };
    let protocol = outer.get("protocol").and_then(words::text);
    let parsed: Option<Json>;
    let inner = match outer.get("message").or_else(|| outer.get("value")) {
        Some(Json::String(text)) if text.len() <= INNER_BYTES_MAX => {
            parsed = serde_json::from_str(text).ok();
            parsed.as_ref().and_then(Json::as_object)
        }
        Some(Json::Object(inner)) => Some(inner),
        _ => None,
    };
    let (Some(inner), Some(protocol)) = (inner, protocol) else {
        return Verdict::Broken("a message of Pilight without protocol or content".to_owned());
    };
    let mut device = format!("pilight/{protocol}");
    for name in ["id", "unit"] {
        if let Some(part) = inner.get(name).and_then(words::text) {
            device.push('/');
            device.push_str(&part);
        }
    }
    output.heard.push(device.clone());
    for name in ["temperature", "humidity"] {
        let Some(raw) = inner.get(name) else { continue };
        match fields::observe(&device, name, raw, UnitRule::Stated) {
            Ok(Some(observation)) => output.push(Observation {
                unit: None,
                ..observation
            }),
            Ok(None) => {}
            Err(why) => output.problem(format!("{device}: {name}: {why}")),
        }
    }
    match inner.get("state").and_then(Json::as_str) {
        Some("opened" | "open") => output.push(Observation::state(&device, Kind::Door, true)),
        Some("closed") => output.push(Observation::state(&device, Kind::Door, false)),
        Some(word) => output.push(Observation::word(&device, Kind::Other, words::cut(word))),
        None => {}
    }
    Verdict::Taken
}

/// A bare code: the sender and its state in one. What it means has to be told by a profile.
fn code(gateway: &str, message: &Message<'_>, output: &mut Output) -> Verdict {
    let object = match object(message) {
        Ok(object) => object,
        Err(verdict) => return verdict,
    };
    match object
        .get("value")
        .or_else(|| object.get("raw"))
        .and_then(words::text)
    {
        Some(value) => output.push(Observation::word(gateway, Kind::Other, words::cut(&value))),
        None => output.problem(format!("{gateway}: a code without value")),
    }
    Verdict::Taken
}
