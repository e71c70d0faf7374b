//! Fields whose meaning depends on the model. Used only where the message itself says which model it is:
//! the network server's model id, a model name in the codec's output, or a set of fields that one codec
//! alone has.
//!
//! | family | told by | field | meaning |
//! |---|---|---|---|
//! | Browan | model id, or `status` beside `temperatureBoard` and `battery` | `status` by port | 100 door, 102 occupancy, 106 leak; battery in V |
//! | Netvox | `Device` in the output | `OnOff` of R311A, R718F, R730F | door; `Volt` is the battery |
//! | | | `status` of R718DA/DB, R730DA/DB, R311DA/DB | vibration |
//! | smoke detectors | `type: "smoke sensor"` in the output | `event` | alarm, test, removed, installed |

use gridwatch_protocol::Kind;
use serde_json::{Map, Value as Json};

use super::Uplink;
use super::battery::volts;
use super::names::plain;
use crate::observation::Observation;
use crate::words;

/// The family that a message says it is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Model {
    /// No family that reads anything by itself.
    Plain,
    /// Browan (TBDW100, TBMS100, TBWL100, …): what `status` is about, if the port tells.
    Browan(Option<Kind>),
    /// Netvox, with the model.
    Netvox(String),
    /// A smoke detector that reports events.
    SmokeEvents,
}

impl Model {
    pub(super) fn of(uplink: &Uplink<'_>, object: &Map<String, Json>) -> Self {
        let named = uplink.model.as_deref().map(plain).unwrap_or_default();
        let has = |names: &[&str]| names.iter().all(|name| object.contains_key(*name));
        if named.starts_with("tbdw")
            || named.starts_with("tbms")
            || named.starts_with("tbwl")
            || has(&["status", "temperatureBoard", "battery"])
        {
            return Self::Browan(browan_status(&named, uplink.port));
        }
        if let Some(device) = object.get("Device").and_then(Json::as_str)
            && device.starts_with('R')
        {
            return Self::Netvox(device.to_owned());
        }
        let kind = object.get("type").and_then(Json::as_str).map(plain);
        if kind.is_some_and(|kind| kind.starts_with("smoke")) && has(&["event"]) {
            return Self::SmokeEvents;
        }
        Self::Plain
    }

    pub(super) fn battery_in_volts(&self) -> bool {
        matches!(self, Self::Browan(_))
    }

    /// Whether the family reads this field itself.
    pub(super) fn reads(&self, name: &str) -> bool {
        match self {
            Self::Plain | Self::SmokeEvents => false,
            Self::Browan(_) => name == "status",
            Self::Netvox(_) => matches!(name, "OnOff" | "Status" | "Volt"),
        }
    }

    pub(super) fn observe(&self, device: &str, object: &Map<String, Json>) -> Vec<Observation> {
        let state = |name: &str| {
            let raw = object.get(name)?;
            words::state(raw).ok().flatten()
        };
        match self {
            Self::Plain => Vec::new(),
            Self::Browan(kind) => kind
                .zip(state("status"))
                .map(|(kind, on)| Observation::state(device, kind, on))
                .into_iter()
                .collect(),
            Self::Netvox(model) => {
                let mut seen = netvox_volts(device, object.get("Volt"));
                if matches!(model.as_str(), "R311A" | "R718F" | "R730F")
                    && let Some(open) = state("OnOff")
                {
                    seen.push(Observation::state(device, Kind::Door, open));
                }
                let shaken = ["R718DA", "R718DB", "R730DA", "R730DB", "R311DA", "R311DB"];
                if shaken.contains(&model.as_str())
                    && let Some(shaken) = state("status")
                {
                    seen.push(Observation::state(device, Kind::Vibration, shaken));
                }
                seen
            }
            Self::SmokeEvents => object
                .get("event")
                .and_then(Json::as_str)
                .map(|event| smoke_event(device, event))
                .unwrap_or_default(),
        }
    }
}

fn browan_status(model: &str, port: Option<i64>) -> Option<Kind> {
    match (model.get(..4), port) {
        (Some("tbdw"), _) | (_, Some(100)) => Some(Kind::Door),
        (Some("tbms"), _) | (_, Some(102)) => Some(Kind::Occupancy),
        (Some("tbwl"), _) | (_, Some(106)) => Some(Kind::WaterLeak),
        _ => None,
    }
}

/// A number on good days, `2.3(low battery)` on bad ones.
fn netvox_volts(device: &str, raw: Option<&Json>) -> Vec<Observation> {
    match raw {
        Some(Json::String(text)) => {
            let (number, rest) = text.split_once('(').unwrap_or((text, ""));
            let mut seen: Vec<Observation> = words::number_text(number)
                .map(|number| volts(device, number))
                .into_iter()
                .collect();
            if rest.contains("low") {
                seen.push(Observation::word(device, Kind::Battery, "low"));
            }
            seen
        }
        Some(raw) => words::number(raw)
            .map(|number| volts(device, number))
            .into_iter()
            .collect(),
        None => Vec::new(),
    }
}

/// Events of a smoke detector. A silenced alarm is still one: it says nothing about the smoke.
fn smoke_event(device: &str, event: &str) -> Vec<Observation> {
    let event = event.to_lowercase();
    let state = |kind, on| Observation::state(device, kind, on);
    match event.as_str() {
        "alarm" | "smoke alarm" => vec![state(Kind::Smoke, true)],
        "normal" => vec![state(Kind::Smoke, false)],
        "removed" => vec![state(Kind::Tamper, true)],
        "installed" => vec![state(Kind::Tamper, false)],
        test if test.starts_with("test") => vec![state(Kind::AlarmTest, true)],
        _ => Vec::new(),
    }
}
