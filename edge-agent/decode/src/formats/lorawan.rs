//! What the codecs of LoRaWAN devices hand out: a JSON object per uplink, the same for every network
//! server. The names are the codecs' own; those that mean one thing are read (see [`crate::fields`]),
//! those that mean another thing on each device only where the message says which device it is.
//!
//! Traps: two probes of one device (`WaterLeak_1`, `WaterLeak_2`) must not overwrite each other; history
//! that a device kept is not news; a word may begin with its opposite (`NoLeak`); a battery of 3.6 is
//! volts. It must never guess at bytes that no codec has read.

mod battery;
mod models;
mod names;

use std::collections::BTreeMap;

use gridwatch_protocol::Kind;
use serde_json::{Map, Value as Json};

use self::names::{alias, concentration, is_external, is_silent, opposite};
use crate::fields::{self, UnitRule};
use crate::observation::{Observation, Output};
use crate::time::SourceTime;
use crate::{units, words};

/// Values of one uplink that are read: an uplink has at most 242 bytes.
const VALUES_MAX: usize = 512;
/// Objects within objects that are followed.
const DEPTH_MAX: usize = 6;

/// An uplink whose values are read.
#[derive(Debug)]
pub(super) struct Uplink<'a> {
    /// The device.
    pub(super) device: &'a str,
    /// When it was received.
    pub(super) time: Option<SourceTime>,
    /// The network server's id of the uplink.
    pub(super) event: Option<String>,
    /// It was made by hand in the network server's console.
    pub(super) is_test: bool,
    /// The port, where the message has it.
    pub(super) port: Option<i64>,
    /// The model, where the message names it.
    pub(super) model: Option<String>,
}

/// One value of the object.
#[derive(Debug, Clone)]
struct Leaf<'a> {
    name: String,
    raw: &'a Json,
    unit: Option<&'a str>,
    /// Which entry of a kept history it is of, and its time.
    kept: Option<(usize, Option<SourceTime>)>,
}

impl Uplink<'_> {
    /// Reads what a codec handed out; how many readings there were.
    pub(super) fn read(&self, object: &Map<String, Json>, output: &mut Output) -> usize {
        let mut leaves = Vec::new();
        collect(object, "", None, 0, &mut leaves);
        // What is now comes last.
        leaves.sort_by_key(|leaf| leaf.kept.is_none());
        if leaves.len() >= VALUES_MAX {
            output.problem(format!(
                "{}: the uplink has more than {VALUES_MAX} values, the rest is left out",
                self.device
            ));
        }
        let before = output.observations.len();
        let model = models::Model::of(self, object);
        for observation in model.observe(self.device, object) {
            self.push(observation, None, output);
        }
        let probes = probes(&leaves);
        for leaf in &leaves {
            if !model.reads(&leaf.name) {
                self.leaf(leaf, &model, &probes, output);
            }
        }
        output.observations.len().saturating_sub(before)
    }

    fn leaf(
        &self,
        leaf: &Leaf<'_>,
        model: &models::Model,
        probes: &BTreeMap<String, usize>,
        output: &mut Output,
    ) {
        let (name, number) = match numbered(&leaf.name) {
            Some((base, number)) => (base, Some(number)),
            None => (leaf.name.as_str(), None),
        };
        let device = match number {
            Some(number) if probes.get(name).is_some_and(|count| *count > 1) => {
                format!("{}/{number}", self.device)
            }
            _ if is_external(name) => format!("{}/ext", self.device),
            _ => self.device.to_owned(),
        };
        match observe(&device, name, leaf, model) {
            Ok(observations) => {
                for observation in observations {
                    self.push(observation, leaf.kept, output);
                }
            }
            Err(why) => output.problem(format!("{}: field `{}`: {why}", self.device, leaf.name)),
        }
    }

    fn push(
        &self,
        observation: Observation,
        kept: Option<(usize, Option<SourceTime>)>,
        output: &mut Output,
    ) {
        let event = self.event.as_ref().map(|event| match kept {
            Some((index, _)) => format!("{event}/{index}"),
            None => event.clone(),
        });
        output.push(Observation {
            time: match kept {
                Some((_, time)) => time,
                None => self.time,
            },
            source_event: event,
            replayed: kept.is_some(),
            is_test: self.is_test,
            ..observation
        });
    }
}

/// The values of an object and of the objects in it, by their last name.
fn collect<'a>(
    object: &'a Map<String, Json>,
    parent: &str,
    kept: Option<(usize, Option<SourceTime>)>,
    depth: usize,
    leaves: &mut Vec<Leaf<'a>>,
) {
    if depth > DEPTH_MAX {
        return;
    }
    for (key, raw) in object {
        if leaves.len() >= VALUES_MAX {
            return;
        }
        // Cayenne LPP counts its channels: `temperatureSensor: {"1": 20.5}`.
        let name = if key.chars().all(|c| c.is_ascii_digit()) {
            format!("{parent}_{key}")
        } else if key == "detected" {
            // The normalized form: `motion: {"detected": true, "count": 3}`.
            parent.to_owned()
        } else {
            key.clone()
        };
        let leaf = |raw, unit| Leaf {
            name: name.clone(),
            raw,
            unit,
            kept,
        };
        match raw {
            Json::Object(inner) => match inner.get("value") {
                Some(value) if !value.is_object() && !value.is_array() => {
                    leaves.push(leaf(value, inner.get("unit").and_then(Json::as_str)));
                }
                _ => collect(inner, &name, kept, depth.saturating_add(1), leaves),
            },
            Json::Array(items) => match items.as_slice() {
                [Json::Object(inner)] if time_of(inner).is_none() && key != "history" => {
                    collect(inner, &name, kept, depth.saturating_add(1), leaves);
                }
                [only] if !only.is_object() && !only.is_array() => leaves.push(leaf(only, None)),
                many => history(many, &name, depth, leaves),
            },
            plain => leaves.push(leaf(plain, None)),
        }
    }
}

/// Values that the device kept and tells again, each with its own time. What has no time is left alone.
fn history<'a>(items: &'a [Json], name: &str, depth: usize, leaves: &mut Vec<Leaf<'a>>) {
    for (index, item) in items.iter().enumerate().take(VALUES_MAX) {
        if let Some(object) = item.as_object()
            && let Some(time) = time_of(object)
        {
            let kept = Some((index, Some(time)));
            collect(object, name, kept, depth.saturating_add(1), leaves);
        }
    }
}

fn time_of(object: &Map<String, Json>) -> Option<SourceTime> {
    ["timestamp", "time", "ts", "datetime"]
        .iter()
        .find_map(|name| object.get(*name))
        .and_then(SourceTime::from_json)
}

/// How many numbers each numbered name has: one is a channel, several are probes.
fn probes(leaves: &[Leaf<'_>]) -> BTreeMap<String, usize> {
    let mut names: Vec<(&str, &str)> = leaves
        .iter()
        .filter(|leaf| leaf.kept.is_none())
        .filter_map(|leaf| numbered(&leaf.name))
        .collect();
    names.sort_unstable();
    names.dedup();
    let mut counts = BTreeMap::new();
    for (base, _) in names {
        let count: &mut usize = counts.entry(base.to_owned()).or_default();
        *count = count.saturating_add(1);
    }
    counts
}

/// `WaterLeak_1`, `TempC2`: a known name with a number behind it. `co2` and `pm2_5` are names.
fn numbered(name: &str) -> Option<(&str, &str)> {
    if fields::field(name).is_some() {
        return None;
    }
    let base = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = name.get(base.len()..)?;
    let base = base.trim_end_matches(['_', '-', ' ']);
    (!number.is_empty() && !base.is_empty() && fields::field(alias(base)).is_some())
        .then_some((base, number))
}

/// The observations of one value: usually one, none when its name says nothing.
fn observe(
    device: &str,
    name: &str,
    leaf: &Leaf<'_>,
    model: &models::Model,
) -> Result<Vec<Observation>, String> {
    let known = alias(name);
    if let Some(seen) = names::button_or_fault(device, name, leaf.raw) {
        return Ok(seen);
    }
    if let Some(kind) = concentration(name) {
        let number = words::number(leaf.raw)
            .map(|number| Observation::number(device, kind, number, leaf.unit.unwrap_or("ppm")));
        return Ok(number.into_iter().collect());
    }
    let Some(field) = fields::field(known) else {
        return Ok(Vec::new());
    };
    if field.kind == Kind::LinkQuality {
        return Ok(Vec::new());
    }
    if field.kind == Kind::Battery {
        return battery::read(device, known, leaf, model);
    }
    if let (Some(unit), Some(number)) = (leaf.unit, words::number(leaf.raw))
        && matches!(field.form, fields::Form::Number(_))
    {
        let (number, unit) = units::normalised(field.kind, number, unit);
        return Ok(vec![Observation::number(device, field.kind, number, unit)]);
    }
    if let Json::String(word) = leaf.raw {
        if let Some(state) = opposite(field.kind, word) {
            return Ok(vec![Observation::state(device, field.kind, state)]);
        }
        if is_silent(word) {
            return Ok(Vec::new());
        }
    }
    // Motion as a count of movements since the last uplink.
    if field.kind == Kind::Motion && words::number(leaf.raw).is_some_and(|n| n > 1.0) {
        return Ok(vec![Observation::state(device, Kind::Motion, true)]);
    }
    fields::observe(device, known, leaf.raw, UnitRule::Conventional)
        .map(|observation| observation.into_iter().collect())
}

#[cfg(test)]
mod tests;
