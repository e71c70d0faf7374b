//! `NotifyEvent`: something has happened, told once: an alarm, a test, a pressed button, and what
//! Bluetooth sensors said to the gateway script of the vendor.

use gridwatch_protocol::{Kind, Value};
use serde_json::{Map, Value as Json};

use super::super::remembered::Remembered;
use super::components::Component;
use crate::fields::{self, UnitRule};
use crate::observation::{Observation, Output};
use crate::time::SourceTime;
use crate::words;

/// Bluetooth sensors whose last packet is remembered: a site has tens.
pub(super) const BLUETOOTH_MAX: usize = 1024;

/// Reads the events of a device. `packets` holds the number of each Bluetooth sensor's last packet.
pub(super) fn read(
    device: &str,
    params: &Map<String, Json>,
    sent: Option<SourceTime>,
    packets: &mut Remembered<String>,
    output: &mut Output,
) {
    let events = params.get("events").and_then(Json::as_array);
    for event in events.into_iter().flatten() {
        let key = event.get("component").and_then(Json::as_str);
        let name = event.get("event").and_then(Json::as_str);
        let (Some(component), Some(name)) = (key.and_then(Component::parse), name) else {
            output.note(|| "an event of an unknown component".to_owned());
            continue;
        };
        let time = event.get("ts").and_then(SourceTime::from_json).or(sent);
        let data = event.get("data").and_then(Json::as_object);
        if let (true, Some(data)) = (component.kind == "script", data) {
            bluetooth(data, time, packets, output);
        } else if let Some(observation) = happened(device, component, name) {
            output.push(observation.at(time));
        } else {
            output.note(|| format!("event {name}: nothing that is watched"));
        }
    }
}

fn happened(device: &str, component: Component<'_>, event: &str) -> Option<Observation> {
    let own = component.device(device);
    let state = |kind, on| Some(Observation::state(&own, kind, on));
    // `smoke.alarm` and `alarm` are written both.
    let plain = event.strip_prefix(component.kind).unwrap_or(event);
    let plain = plain.strip_prefix('.').unwrap_or(plain);
    match (component.kind, plain) {
        ("smoke", "alarm") => state(Kind::Smoke, true),
        ("smoke", "alarm_off") => state(Kind::Smoke, false),
        ("flood", "alarm") => state(Kind::WaterLeak, true),
        ("flood", "alarm_off") => state(Kind::WaterLeak, false),
        ("smoke" | "flood", "alarm_test") => state(Kind::AlarmTest, true),
        ("flood", "cable_unplugged" | "cable_plugged") => Some(Observation::word(
            component.part(device),
            Kind::Other,
            plain,
        )),
        ("presence" | "presencezone", "presence_detected" | "occupied" | "presence") => {
            state(Kind::Occupancy, true)
        }
        ("presence" | "presencezone", "presence_cleared" | "vacant" | "no_presence") => {
            state(Kind::Occupancy, false)
        }
        (_, "config_changed" | "component_added" | "component_removed") => None,
        ("input" | "bthomedevice" | "bthomesensor" | "button" | "cover", word) => {
            Some(Observation::new(
                component.part(device),
                Kind::Other,
                Value::Text(words::cut(word)),
            ))
        }
        _ => None,
    }
}

/// A packet of a Bluetooth sensor, decoded by the gateway script: `{"address": "bc:02:…", "pid": 29,
/// "window": 1, "battery": 100}`. Several devices may hear it, so the sensor is not named after them.
fn bluetooth(
    data: &Map<String, Json>,
    time: Option<SourceTime>,
    packets: &mut Remembered<String>,
    output: &mut Output,
) {
    let address = data.get("address").and_then(Json::as_str);
    let Some(address) = address.filter(|_| data.contains_key("BTHome_version")) else {
        output.note(|| "a script's own event".to_owned());
        return;
    };
    let device = format!("bluetooth/{}", address.replace(':', "").to_uppercase());
    output.heard.push(device.clone());
    let packet = data.get("pid").and_then(words::text);
    let packet = packet.map(|packet| words::cut(&packet));
    if packet.is_some() && packet.as_ref() == packets.get(&device).map(|last| &*last) {
        output.note(|| "the packet was told before".to_owned());
        return;
    }
    if let Some(packet) = packet {
        packets.put(&device, packet);
    }
    for (name, raw) in data {
        let read = match name.as_str() {
            "button" => Ok(words::number(raw)
                .filter(|pressed| *pressed > 0.0)
                .map(|pressed| {
                    let part = format!("{device}/button");
                    Observation::new(part, Kind::Other, Value::Number(pressed))
                })),
            "rssi" | "window" | "door" | "opening" | "motion" | "battery" | "temperature"
            | "humidity" | "vibration" | "tamper" | "smoke" => {
                fields::observe(&device, name, raw, UnitRule::Conventional)
            }
            _ => Ok(None),
        };
        match read {
            Ok(Some(observation)) => output.push(observation.at(time)),
            Ok(None) => {}
            Err(why) => output.problem(format!("{device}: {name}: {why}")),
        }
    }
}
