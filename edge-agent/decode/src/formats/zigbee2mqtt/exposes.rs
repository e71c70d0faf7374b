//! What a device exposes: the list in the inventory as channels that can be read.
//!
//! Lights, locks, switches, covers and thermostats nest their features, whose properties stand at the
//! top of the state all the same; only those of a `composite` stand below its property.

use serde_json::Value as Json;

use super::property::{self, Meaning};
use crate::units;
use gridwatch_protocol::Kind;

/// Exposes read per device: the largest in use have about a hundred.
const EXPOSES_MAX: usize = 256;
/// Nesting of features: a composite in a list in a composite.
const DEPTH_MAX: usize = 4;
/// Bit 0 of `access`: the property is in the published state.
const PUBLISHED: u64 = 1;

/// A property of a device that is read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Channel {
    /// The composite that holds it, if one does.
    pub(super) parent: Option<String>,
    /// Its key in the state.
    pub(super) property: String,
    /// What it means; `None` when it is left alone.
    pub(super) meaning: Option<Meaning>,
    /// Unit in one spelling, empty when there is none.
    pub(super) unit: String,
    /// The value that means on.
    pub(super) on: Json,
    /// The value that means off.
    pub(super) off: Json,
    /// The endpoint, where the device has several of the kind.
    pub(super) part: Option<String>,
}

impl Channel {
    /// The values that mean on and off, where they are told.
    pub(super) fn on_off(&self) -> property::OnOff<'_> {
        (!self.on.is_null() && !self.off.is_null()).then_some((&self.on, &self.off))
    }
}

/// The channels of a definition.
pub(super) fn channels(definition: &Json) -> Vec<Channel> {
    let mut channels = Vec::new();
    if let Some(list) = definition.get("exposes").and_then(Json::as_array) {
        walk(list, "", None, DEPTH_MAX, &mut channels);
    }
    keep_parts_that_are_needed(&mut channels);
    channels
}

fn walk(
    list: &[Json],
    group: &str,
    parent: Option<&str>,
    depth: usize,
    channels: &mut Vec<Channel>,
) {
    for expose in list {
        if channels.len() >= EXPOSES_MAX {
            return;
        }
        let text = |key: &str| expose.get(key).and_then(Json::as_str).unwrap_or_default();
        let kind = text("type");
        if let Some(features) = expose.get("features").and_then(Json::as_array) {
            let below = (kind == "composite" && !text("property").is_empty())
                .then(|| text("property"))
                .or(parent);
            if depth > 0 {
                walk(features, kind, below, depth - 1, channels);
            }
            continue;
        }
        let published = expose
            .get("access")
            .and_then(Json::as_u64)
            .is_none_or(|access| access & PUBLISHED != 0);
        if published && !text("property").is_empty() {
            channels.push(channel(expose, kind, group, parent));
        }
    }
}

fn channel(expose: &Json, kind: &str, group: &str, parent: Option<&str>) -> Channel {
    let text = |key: &str| expose.get(key).and_then(Json::as_str).unwrap_or_default();
    let (name, property, unit) = (text("name"), text("property"), text("unit"));
    // Some definitions name a state after its unit: the property then tells what it is.
    let known = property::meaning(name).or_else(|| property::meaning(property));
    let meaning = match (name, group, kind) {
        ("state", "lock", _) => Some(Meaning::LockCommand),
        ("state", "switch", _) => Some(Meaning::Switch),
        ("voltage", ..) => (units::spelled(unit) == "mV").then_some(Meaning::BatteryVoltage),
        (_, "climate", _) if name != "local_temperature" => None,
        _ => match (known, kind) {
            (Some(Meaning::State(kind)), "numeric") => Some(Meaning::Number(kind, "")),
            (Some(Meaning::Number(..)), "binary") => None,
            (known, _) => known,
        },
    };
    Channel {
        parent: parent.map(str::to_owned),
        property: property.to_owned(),
        meaning,
        unit: units::spelled(unit).to_owned(),
        on: expose.get("value_on").cloned().unwrap_or(Json::Null),
        off: expose.get("value_off").cloned().unwrap_or(Json::Null),
        part: (!text("endpoint").is_empty()).then(|| text("endpoint").to_owned()),
    }
}

/// An endpoint makes a part of its own only where the device has the same kind several times.
fn keep_parts_that_are_needed(channels: &mut [Channel]) {
    let kinds: Vec<Option<Kind>> = channels
        .iter()
        .map(|c| c.meaning.and_then(property::kind))
        .collect();
    for (channel, kind) in channels.iter_mut().zip(&kinds) {
        let same = kinds.iter().filter(|other| *other == kind).count();
        if same < 2 || kind.is_none() {
            channel.part = None;
        }
    }
}
