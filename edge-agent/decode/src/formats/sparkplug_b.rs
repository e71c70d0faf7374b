//! Sparkplug B (Eclipse Sparkplug specification 3.0): `spBv1.0/<group>/<type>/<node>[/<device>]`, protobuf.
//!
//! Devices: `sparkplug/<group>/<node>[/<device>]`. Two metrics of one device with the same last name
//! (`Zone 1/Smoke`, `Zone 2/Smoke`) are points of their own: `…/Zone 1`.
//!
//! Traps: only a birth says what a metric's alias stands for and which type and unit it has, and data
//! carries changed metrics only; the death of a node is its MQTT will, so its timestamp is the time of
//! its connection, and a will with another `bdSeq` is of a session that is long over; `is_null` is no
//! value; a gap in `seq` means that values may be missing until the next birth, which this reader says
//! and cannot ask for, because it only listens. It must never turn the stale metrics of a dead device
//! into `false`.

mod metric;
mod payload;

use std::collections::{HashMap, HashSet};

use gridwatch_protocol::Kind;
use prost::Message as _;

use self::payload::{Metric, Payload};
use super::{Format, Verdict};
use crate::frame::Message;
use crate::observation::{Bridge, Observation, Output};
use crate::time::SourceTime;

/// Nodes whose births are remembered; a site has a handful.
const NODES_MAX: usize = 256;
/// Metrics remembered per node, over all of its devices. Large PLC projects have thousands.
const METRICS_MAX: usize = 8_192;

/// Reads Sparkplug B.
#[derive(Debug, Default)]
pub(super) struct SparkplugB {
    nodes: HashMap<String, Node>,
}

/// What a node's births said.
#[derive(Debug, Default)]
struct Node {
    /// Number of the session, from the birth.
    bd_seq: Option<u64>,
    /// The sequence number that comes next.
    next_seq: Option<u64>,
    /// The gap has been told.
    gap_told: bool,
    /// An alias without a birth has been told.
    alias_told: bool,
    /// Metrics by device and name.
    metrics: HashMap<String, Known>,
    /// Device and name of metrics by alias.
    aliases: HashMap<u64, String>,
    /// Device and last name of metrics that several metrics of the device end with.
    shared: HashSet<String>,
}

/// What a birth said about a metric.
#[derive(Debug, Clone, Default)]
struct Known {
    name: String,
    datatype: u32,
    unit: Option<String>,
}

/// The parts of a topic.
struct Address<'a> {
    node: String,
    device: String,
    kind: &'a str,
    of_device: bool,
}

impl Format for SparkplugB {
    fn name(&self) -> &'static str {
        "sparkplug_b"
    }

    fn read(&mut self, message: &Message<'_>, output: &mut Output) -> Verdict {
        let Some(rest) = message.topic.strip_prefix("spBv1.0/") else {
            return Verdict::NotMine("the topic is not spBv1.0/…");
        };
        if rest.starts_with("STATE/") {
            output.note(|| "sparkplug_b: the state of a host application".to_owned());
            return Verdict::Taken;
        }
        let Some(address) = Address::of(rest) else {
            return Verdict::Broken(
                "a topic is spBv1.0/group/type/node or …/node/device".to_owned(),
            );
        };
        if matches!(address.kind, "NCMD" | "DCMD") {
            output.note(|| "sparkplug_b: a command, not a reading".to_owned());
            return Verdict::Taken;
        }
        if let Err(why) = payload::check(message.payload) {
            return Verdict::Broken(why);
        }
        match Payload::decode(message.payload) {
            Ok(payload) => self.take(&address, &payload, output),
            Err(error) => {
                Verdict::Broken(format!("the payload is not Sparkplug protobuf: {error}"))
            }
        }
    }
}

impl<'a> Address<'a> {
    fn of(rest: &'a str) -> Option<Self> {
        let mut levels = rest.split('/');
        let (group, kind, node) = (levels.next()?, levels.next()?, levels.next()?);
        let device = levels.next();
        let known = matches!(
            (kind, device),
            ("NBIRTH" | "NDEATH" | "NDATA" | "NCMD", None)
                | ("DBIRTH" | "DDEATH" | "DDATA" | "DCMD", Some(_))
        );
        if !known || levels.next().is_some() {
            return None;
        }
        let node = format!("sparkplug/{group}/{node}");
        Some(Self {
            device: device.map_or_else(|| node.clone(), |device| format!("{node}/{device}")),
            node,
            kind,
            of_device: device.is_some(),
        })
    }
}

impl SparkplugB {
    fn take(&mut self, address: &Address<'_>, payload: &Payload, output: &mut Output) -> Verdict {
        if payload.uuid.as_deref() == Some("SPBV1.0_COMPRESSED") {
            return Verdict::Broken("the payload is compressed: switch compression off".to_owned());
        }
        if !self.nodes.contains_key(&address.node) && self.nodes.len() >= NODES_MAX {
            return Verdict::Broken(format!("more than {NODES_MAX} nodes: the rest is left out"));
        }
        let node = self.nodes.entry(address.node.clone()).or_default();
        match address.kind {
            "NDEATH" => node.died(address, payload, output),
            "DDEATH" => {
                node.count(address, payload, output);
                output.push(
                    Observation::state(address.device.as_str(), Kind::Availability, false)
                        .at(time_of(payload.timestamp)),
                );
            }
            kind => {
                if kind == "NBIRTH" {
                    *node = Node::born(payload);
                }
                node.count(address, payload, output);
                if kind.ends_with("BIRTH") {
                    node.birth(address, payload, output);
                }
                output.heard.push(address.device.clone());
                node.metrics(address, payload, output);
            }
        }
        Verdict::Taken
    }
}

impl Node {
    fn born(payload: &Payload) -> Self {
        Self {
            bd_seq: bd_seq(payload),
            ..Self::default()
        }
    }

    /// The will of a node. Its time is that of the connection; all behind the node are unknown.
    fn died(&mut self, address: &Address<'_>, payload: &Payload, output: &mut Output) {
        let (will, birth) = (bd_seq(payload), self.bd_seq);
        if let (Some(will), Some(birth)) = (will, birth)
            && will != birth
        {
            output.note(|| {
                format!("sparkplug_b: bdSeq {will} is of an old session, the birth has {birth}")
            });
            return;
        }
        *self = Self::default();
        let device = address.device.as_str();
        output.push(Observation::state(device, Kind::Availability, false));
        output.bridges.push(Bridge {
            prefix: format!("{device}/"),
            online: false,
        });
    }

    /// Follows the sequence numbers: 0 to 255 over a node and its devices, from the birth on.
    fn count(&mut self, address: &Address<'_>, payload: &Payload, output: &mut Output) {
        let Some(seq) = payload.seq else {
            return;
        };
        if let Some(next) = self.next_seq
            && next != seq
            && !self.gap_told
        {
            self.gap_told = true;
            output.problem(format!(
                "{}: message {seq} came where {next} was expected: values may be missing until the \
                 node is born again (send it Node Control/Rebirth)",
                address.node
            ));
        }
        self.next_seq = Some(seq.wrapping_add(1) % 256);
    }

    fn birth(&mut self, address: &Address<'_>, payload: &Payload, output: &mut Output) {
        output.push(
            Observation::state(address.device.as_str(), Kind::Availability, true)
                .at(time_of(payload.timestamp)),
        );
        if !address.of_device {
            output.bridges.push(Bridge {
                prefix: format!("{}/", address.device),
                online: true,
            });
        }
        for metric in &payload.metrics {
            let Some(name) = metric.name.as_deref().filter(|name| !name.is_empty()) else {
                continue;
            };
            let key = key(&address.device, name);
            if self.metrics.len() >= METRICS_MAX && !self.metrics.contains_key(&key) {
                output.problem(format!(
                    "{}: more than {METRICS_MAX} metrics, the rest has no unit and no alias",
                    address.node
                ));
                break;
            }
            let known = Known {
                name: name.to_owned(),
                datatype: metric.datatype.unwrap_or_default(),
                unit: payload::unit(metric),
            };
            if let Some(alias) = metric.alias {
                self.aliases.insert(alias, key.clone());
            }
            self.metrics.insert(key, known);
        }
        self.share(&address.device, payload);
    }

    /// Finds the last names that several metrics of a device have.
    fn share(&mut self, device: &str, payload: &Payload) {
        let mut seen = HashSet::new();
        for name in payload.metrics.iter().filter_map(|m| m.name.as_deref()) {
            let last = key(device, metric::last(name));
            if !seen.insert(last.clone()) && self.shared.len() < METRICS_MAX {
                self.shared.insert(last);
            }
        }
    }

    fn metrics(&mut self, address: &Address<'_>, payload: &Payload, output: &mut Output) {
        for metric in &payload.metrics {
            let Some(known) = self.known(address, metric) else {
                if !self.alias_told {
                    self.alias_told = true;
                    output.problem(format!(
                        "{}: metric with alias {} before its birth was heard: it is read from the \
                         next birth on (send the node Node Control/Rebirth)",
                        address.device,
                        metric.alias.unwrap_or_default()
                    ));
                }
                continue;
            };
            let shared = self
                .shared
                .contains(&key(&address.device, metric::last(&known.name)));
            metric::read(&address.device, &known, metric, shared, payload, output);
        }
    }

    /// What is known about a metric: by its name, or by the alias that a birth gave it.
    fn known(&self, address: &Address<'_>, metric: &Metric) -> Option<Known> {
        let by_name = metric.name.as_deref().filter(|name| !name.is_empty());
        let key = match by_name {
            Some(name) => key(&address.device, name),
            None => self.aliases.get(&metric.alias?)?.clone(),
        };
        let mut known = match self.metrics.get(&key) {
            Some(known) => known.clone(),
            None => Known {
                name: by_name?.to_owned(),
                ..Known::default()
            },
        };
        if let Some(datatype) = metric.datatype {
            known.datatype = datatype;
        }
        if let Some(unit) = payload::unit(metric) {
            known.unit = Some(unit);
        }
        Some(known)
    }
}

fn key(device: &str, name: &str) -> String {
    format!("{device}\n{name}")
}

fn time_of(ms: Option<u64>) -> Option<SourceTime> {
    Some(match i64::try_from(ms?) {
        Ok(ms) => SourceTime::from_epoch_ms(ms),
        Err(_) => SourceTime::Unusable,
    })
}

fn bd_seq(payload: &Payload) -> Option<u64> {
    let metric = payload
        .metrics
        .iter()
        .find(|metric| metric.name.as_deref() == Some("bdSeq"))?;
    metric.long_value.or(metric.int_value.map(u64::from))
}

#[cfg(test)]
mod tests;
