//! What each component of a Shelly device says: `smoke:0`, `switch:1`, `em:0`. Absent fields say
//! nothing: a notification holds only what has changed.

use gridwatch_protocol::{Kind, Value};
use serde_json::{Map, Value as Json};

use crate::observation::{Observation, Output};
use crate::words;

/// Ids of devices whose own `temperature:0` and `humidity:0` are the room's. All others measure the
/// inside of their case.
const ROOM: [&str; 5] = [
    "shellyplusht",
    "shellyht",
    "shellywalldisplay",
    "shellyblugwht",
    "shellyplushtg",
];
/// External probes of the sensor add-on are numbered from here.
const PROBES_FROM: u32 = 100;

/// A component of a device.
#[derive(Debug, Clone, Copy)]
pub(super) struct Component<'a> {
    /// `smoke` of `smoke:0`.
    pub(super) kind: &'a str,
    /// 0 of `smoke:0`; none where there is only one.
    pub(super) number: Option<u32>,
}

impl<'a> Component<'a> {
    /// A component by its key, if it is one.
    pub(super) fn parse(key: &'a str) -> Option<Self> {
        let (kind, number) = match key.split_once(':') {
            Some((kind, number)) => (kind, Some(number.parse().ok()?)),
            None => (key, None),
        };
        let known = match number {
            Some(_) => is_numbered(kind),
            None => is_single(kind),
        };
        known.then_some(Self { kind, number })
    }

    fn key(self) -> String {
        self.number
            .map_or_else(|| self.kind.to_owned(), |n| format!("{}:{n}", self.kind))
    }

    /// The device that the component is: the first of a kind is the device itself.
    pub(super) fn device(self, device: &str) -> String {
        match self.number {
            None | Some(0) => device.to_owned(),
            Some(_) => self.part(device),
        }
    }

    /// The component as a device of its own.
    pub(super) fn part(self, device: &str) -> String {
        format!("{device}/{}", self.key())
    }
}

fn is_numbered(kind: &str) -> bool {
    matches!(
        kind,
        "smoke"
            | "flood"
            | "temperature"
            | "humidity"
            | "devicepower"
            | "switch"
            | "light"
            | "rgb"
            | "rgbw"
            | "cct"
            | "cover"
            | "input"
            | "em"
            | "em1"
            | "emdata"
            | "em1data"
            | "pm1"
            | "voltmeter"
            | "illuminance"
            | "thermostat"
            | "presence"
            | "presencezone"
            | "bthomedevice"
            | "bthomesensor"
            | "blutrv"
            | "script"
            | "boolean"
            | "number"
            | "text"
            | "enum"
            | "group"
            | "button"
            | "object"
            | "camera"
            | "media"
            | "lnm"
            | "service"
            | "cury"
    )
}

fn is_single(kind: &str) -> bool {
    matches!(
        kind,
        "sys"
            | "wifi"
            | "eth"
            | "cloud"
            | "mqtt"
            | "ble"
            | "ws"
            | "bthome"
            | "ht_ui"
            | "ui"
            | "knx"
            | "modbus"
            | "matter"
            | "zigbee"
            | "plugs_ui"
            | "plugpm_ui"
            | "presence"
            | "powerstrip_ui"
            | "smoke"
            | "flood"
    )
}

/// Reads the state of a component. `id` is the device's own id, by which its type is known.
pub(super) fn read(
    device: &str,
    id: &str,
    component: Component<'_>,
    state: &Map<String, Json>,
    output: &mut Output,
) {
    let mut out = Out {
        component,
        state,
        output,
    };
    let own = component.device(device);
    let part = component.part(device);
    match component.kind {
        "smoke" => out.state(&own, "alarm", Kind::Smoke),
        "flood" => {
            out.state(&own, "alarm", Kind::WaterLeak);
            out.errors(&part);
        }
        "temperature" if is_ambient(id, component) => {
            out.number(&own, "tC", Kind::Temperature, "°C");
        }
        "humidity" if is_ambient(id, component) => out.number(&own, "rh", Kind::Humidity, "%"),
        "temperature" | "humidity" => {
            out.output
                .note(|| format!("{}: inside the case, not of the room", component.key()));
        }
        "devicepower" => power_supply(&own, state, out.output),
        "switch" => {
            out.signal(&own, "output");
            out.number(&own, "apower", Kind::Power, "W");
            out.errors(&format!("{part}/errors"));
        }
        "light" | "rgb" | "rgbw" | "cct" => {
            out.signal(&part, "output");
            out.number(&own, "apower", Kind::Power, "W");
        }
        "cover" => {
            out.signal(&part, "state");
            out.number(&own, "apower", Kind::Power, "W");
        }
        "pm1" => out.number(&own, "apower", Kind::Power, "W"),
        // The sum: the phases beside it are part of it.
        "em" => out.number(&own, "total_act_power", Kind::Power, "W"),
        "em1" => out.number(&own, "act_power", Kind::Power, "W"),
        "input" => out.signal(&part, "state"),
        "voltmeter" => out.signal(&part, "voltage"),
        "presence" | "presencezone" => {
            out.state(&own, "value", Kind::Occupancy);
            out.state(&own, "state", Kind::Occupancy);
        }
        "bthomedevice" => {
            out.number(&part, "battery", Kind::Battery, "%");
            out.number(&part, "rssi", Kind::LinkQuality, "dBm");
        }
        // What it measures stands in the device's configuration only.
        "bthomesensor" => out.signal(&part, "value"),
        "wifi" => out.number(&own, "rssi", Kind::LinkQuality, "dBm"),
        _ => {}
    }
}

fn is_ambient(id: &str, component: Component<'_>) -> bool {
    component.number.is_some_and(|n| n >= PROBES_FROM)
        || ROOM.iter().any(|prefix| id.starts_with(prefix))
}

/// Battery and mains. With mains present the battery's percentage is not looked at by the device.
fn power_supply(device: &str, state: &Map<String, Json>, output: &mut Output) {
    let external = state
        .get("external")
        .and_then(|external| external.get("present"))
        .and_then(Json::as_bool);
    if let Some(present) = external {
        output.push(Observation::state(device, Kind::Power, present));
    }
    let battery = state.get("battery").unwrap_or(&Json::Null);
    let percent = battery.get("percent").and_then(words::number);
    let volts = battery.get("V").and_then(words::number);
    match (percent, volts) {
        // On mains without batteries the slots are empty: 0 % is not a low battery.
        (Some(percent), _) if external == Some(true) && percent <= 0.0 => {
            output.note(|| "on mains, without batteries".to_owned());
        }
        (Some(percent), _) => {
            output.push(Observation::number(device, Kind::Battery, percent, "%"));
        }
        (None, Some(volts)) => {
            output.push(Observation::number(device, Kind::Battery, volts, "V"));
        }
        (None, None) => {}
    }
}

/// The state of one component and where its observations go.
struct Out<'a> {
    component: Component<'a>,
    state: &'a Map<String, Json>,
    output: &'a mut Output,
}

impl Out<'_> {
    fn state(&mut self, device: &str, field: &str, kind: Kind) {
        match self.state.get(field).map(words::state) {
            Some(Ok(Some(on))) => self.output.push(Observation::state(device, kind, on)),
            Some(Err(why)) => self.problem(device, field, &why),
            _ => {}
        }
    }

    fn number(&mut self, device: &str, field: &str, kind: Kind, unit: &str) {
        match self.state.get(field) {
            None | Some(Json::Null) => {}
            Some(raw) => match words::number(raw) {
                Some(number) => self
                    .output
                    .push(Observation::number(device, kind, number, unit)),
                None => self.problem(
                    device,
                    field,
                    &format!("{} is no number", words::brief(raw)),
                ),
            },
        }
    }

    /// A state, number or word without a meaning of its own.
    fn signal(&mut self, device: &str, field: &str) {
        let value = match self.state.get(field) {
            Some(Json::Bool(on)) => Value::Bool(*on),
            Some(Json::String(word)) => Value::Text(words::cut(word)),
            Some(raw) => match words::number(raw) {
                Some(number) => Value::Number(number),
                None => return,
            },
            None => return,
        };
        self.output.push(Observation {
            unit: (field == "voltage").then(|| "V".to_owned()),
            ..Observation::new(device, Kind::Other, value)
        });
    }

    /// Faults that the component reports of itself: an unplugged cable, an overheated relay.
    fn errors(&mut self, device: &str) {
        let Some(errors) = self.state.get("errors").and_then(Json::as_array) else {
            return;
        };
        for error in errors.iter().filter_map(Json::as_str).take(8) {
            self.output
                .push(Observation::word(device, Kind::Other, words::cut(error)));
        }
    }

    fn problem(&mut self, device: &str, field: &str, why: &str) {
        let key = self.component.key();
        self.output
            .problem(format!("{device}: {key}: {field}: {why}"));
    }
}
