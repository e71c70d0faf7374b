//! Readings → alert messages. Pure: takes readings, moments and scores, returns messages; no clock,
//! no I/O, no log, no random numbers (ids come from the caller).
//!
//! Rules and supervision decide alone; the anomaly model may add an alert and never holds one back.
//! An episode that is open is part of the state that the outbox keeps, so a restart neither forgets
//! an alarm nor raises it a second time.

mod chatter;
mod episode;
mod hours;
pub mod model;
mod raising;
mod rule;
mod supervision;
pub mod walk_test;
mod words;

pub use episode::{EpisodeChange, EpisodeKey, OpenEpisode};
pub use rule::{RuleConfig, When};
pub use supervision::{
    BATTERY_RULE, CLOCK_RULE, DeviceFacts, FLAPPING_RULE, KnownDevice, SILENCE_RULE, SOURCE_RULE,
    STUCK_RULE,
};

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use gridwatch_protocol::{
    Alert, AlertId, ClockQuality, DetectedBy, DeviceId, Kind, Place, Quality, Reading, Severity,
    SiteId, Text,
};

use crate::clock::Moment;
use crate::config::DetectionConfig;
use chatter::Chatter;
use rule::{Edge, Point};
use supervision::Supervision;

/// Readings kept per device as evidence: at 64 bytes each 2 KB a device.
const EVIDENCE_PER_DEVICE: usize = 32;
/// Devices tracked at most, so that invented names cannot fill the memory; further ones still go
/// through stateless decoding and are shown as unknown.
pub const DEVICES_MAX: usize = 20_000;
/// Name of the rule that reports chatter.
pub const CHATTER_RULE: &str = "chatter";
/// What the anomaly model's name is preceded by where a rule's name stands.
pub const MODEL_PREFIX: &str = "model:";
/// Name under which it is reported that a model is not well.
pub const MODEL_HEALTH_RULE: &str = "model-health";

/// Names that supervision reports under: their episodes go on after a restart.
const SUPERVISION_RULES: &[&str] = &[
    SILENCE_RULE,
    SOURCE_RULE,
    BATTERY_RULE,
    STUCK_RULE,
    CLOCK_RULE,
    FLAPPING_RULE,
];

/// What the detector says after an observation.
#[derive(Debug, Default)]
pub struct Findings {
    /// Alert messages, in order.
    pub alerts: Vec<Alert>,
    /// What the outbox must keep with them.
    pub episodes: Vec<EpisodeChange>,
    /// Events that had already raised their alert and were told again.
    pub repeated: u64,
    /// Raisings held back because the point chatters.
    pub held: u64,
}

/// What the anomaly models found, or found to be over.
#[derive(Debug, Clone)]
pub struct ModelAlert<'a> {
    /// Name of the episode: after [`MODEL_PREFIX`], or [`MODEL_HEALTH_RULE`].
    pub rule: &'a str,
    /// The device it is told of.
    pub device: &'a DeviceId,
    /// What it is about.
    pub kind: Kind,
    /// How urgent it is.
    pub severity: Severity,
    /// It begins; otherwise it ends.
    pub active: bool,
    /// How far it stands out.
    pub score: Option<f64>,
    /// Who says so.
    pub by: DetectedBy,
    /// Why.
    pub reason: Text,
}

/// Makes alert ids.
pub type Mint<'a> = &'a mut dyn FnMut() -> AlertId;

/// Rules, supervision and open episodes of one site.
#[derive(Debug)]
pub struct Detector {
    site: SiteId,
    rules: Vec<Rule>,
    by_kind: HashMap<Kind, Vec<usize>>,
    timezone: jiff::tz::TimeZone,
    chatter: Chatter,
    devices: HashMap<DeviceId, Device>,
    episodes: BTreeMap<EpisodeKey, OpenEpisode>,
    /// Events that raised an alert before the last start, until their point takes them over.
    source_events: HashMap<EpisodeKey, Vec<String>>,
    supervision: Supervision,
    clock: ClockQuality,
    walk_test: walk_test::WalkTest,
}

#[derive(Debug)]
struct Rule {
    config: RuleConfig,
    name: Arc<str>,
}

#[derive(Debug, Default)]
struct Device {
    /// Rules that look at a kind of this device, with their state.
    points: HashMap<Kind, Vec<(usize, Point)>>,
    evidence: VecDeque<Reading>,
    place: Place,
    known: bool,
}

impl Detector {
    /// A detector with the episodes that were open when the agent last stopped.
    #[must_use]
    pub fn new(
        site: SiteId,
        config: &DetectionConfig,
        known: Vec<KnownDevice>,
        open: Vec<OpenEpisode>,
        source_events: HashMap<EpisodeKey, Vec<String>>,
        now: Moment,
    ) -> Self {
        let rules: Vec<Rule> = config
            .rules
            .iter()
            .map(|config| Rule {
                name: config.name.as_str().into(),
                config: config.clone(),
            })
            .collect();
        let mut by_kind: HashMap<Kind, Vec<usize>> = HashMap::new();
        for (index, rule) in rules.iter().enumerate() {
            by_kind.entry(rule.config.kind).or_default().push(index);
        }
        let mut devices = HashMap::new();
        for device in &known {
            let entry: &mut Device = devices.entry(device.id.clone()).or_default();
            entry.place = device.place.clone();
            entry.known = device.configured;
        }
        let mut supervision = Supervision::new(known, now);
        // The gateway's own parts are no devices that could fall silent.
        let told = open
            .iter()
            .filter(|e| e.key.rule() != MODEL_HEALTH_RULE)
            .map(|e| (e.key.rule(), e.key.device()));
        supervision.resume(told, now);
        Self {
            site,
            rules,
            by_kind,
            timezone: config.timezone.clone(),
            chatter: Chatter::new(config.chatter_raisings, config.chatter_window_ms),
            devices,
            episodes: open
                .into_iter()
                .map(|episode| (episode.key.clone(), episode))
                .collect(),
            source_events,
            supervision,
            clock: ClockQuality::Plausible,
            walk_test: walk_test::WalkTest::default(),
        }
    }

    /// Tells how far the gateway's clock can be trusted from now on.
    pub fn set_clock(&mut self, clock: ClockQuality) {
        self.clock = clock;
    }

    /// Where a device is, as far as it is configured.
    #[must_use]
    pub fn place_of(&self, device: &DeviceId) -> Place {
        self.devices
            .get(device)
            .map(|device| device.place.clone())
            .unwrap_or_default()
    }

    /// The building that a device is in, as far as it is configured.
    #[must_use]
    pub fn building_of(&self, device: &DeviceId) -> Option<&str> {
        self.devices.get(device)?.place.building.as_deref()
    }

    /// The supervision's view of the devices.
    pub fn supervision_mut(&mut self) -> &mut Supervision {
        &mut self.supervision
    }

    /// How many episodes are open.
    #[must_use]
    pub fn open_episodes(&self) -> usize {
        self.episodes.len()
    }

    /// Takes in one reading.
    pub fn observe(&mut self, reading: &Reading, now: Moment, mint: Mint) -> Findings {
        let mut findings = Findings::default();
        if !self.devices.contains_key(&reading.device) {
            if self.devices.len() >= DEVICES_MAX {
                return findings;
            }
            self.devices
                .insert(reading.device.clone(), Device::default());
        }
        self.remember(reading);
        if reading.quality == Quality::Bad {
            return findings;
        }
        if !reading.retained {
            self.supervision.observe(reading, now);
        }
        self.walk_heard(reading, now, mint, &mut findings);
        self.attach_points(&reading.device, reading.kind);
        let device = self.devices.get_mut(&reading.device).expect("made above");
        let Some(points) = device.points.get_mut(&reading.kind) else {
            return findings;
        };
        let edges: Vec<(usize, Edge)> = points
            .iter_mut()
            .filter_map(|(rule, point)| {
                let config = &self.rules[*rule].config;
                Some((*rule, point.observe(config, reading, now.mono_ms)?))
            })
            .collect();
        for (rule, edge) in edges {
            self.edge(
                rule,
                &reading.device,
                edge,
                now,
                Some(reading),
                mint,
                &mut findings,
            );
        }
        findings
    }

    /// Lets time pass: holds that are over, events that stopped, sensors that fell silent, chatter that
    /// calmed down.
    pub fn tick(&mut self, now: Moment, mint: Mint) -> Findings {
        let mut findings = self.walk_tick(now);
        let mut edges = Vec::new();
        for (id, device) in &mut self.devices {
            for (rule, point) in device.points.values_mut().flatten() {
                if let Some(edge) = point.tick(&self.rules[*rule].config, now.mono_ms) {
                    edges.push((*rule, id.clone(), edge));
                }
            }
        }
        for (rule, id, edge) in edges {
            self.edge(rule, &id, edge, now, None, mint, &mut findings);
        }
        self.calm_chatter(now, &mut findings);
        for finding in self.supervision.tick(now) {
            self.supervised(finding, now, mint, &mut findings);
        }
        findings
    }

    /// Notes that a source's connection was made or lost.
    pub fn source(&mut self, source: &str, state: Result<(), &str>, now: Moment) {
        self.supervision.source(source, state, now);
    }

    /// Notes that a device was heard over a source, read by a profile or a format. True when what is
    /// known of it has changed and must be kept.
    pub fn heard(
        &mut self,
        device: &DeviceId,
        source: &Arc<str>,
        profile: Option<&gridwatch_decode::profile::Profile>,
        by: &str,
        kind: Option<Kind>,
        now: Moment,
    ) -> bool {
        self.supervision
            .heard(device, source, profile, by, kind, now)
    }

    /// Notes that a device's own network reports it as not reachable.
    pub fn offline(&mut self, device: &DeviceId) {
        self.supervision.offline(device);
    }

    /// Takes in what a format tells about a device. True when it must be kept.
    pub fn announce(
        &mut self,
        told: &gridwatch_decode::Announcement,
        by: &str,
        profile: Option<&gridwatch_decode::profile::Profile>,
        now: Moment,
    ) -> bool {
        self.supervision.announce(told, by, profile, now)
    }

    /// Notes that a bridge came or went.
    pub fn bridge(&mut self, bridge: &gridwatch_decode::Bridge, now: Moment) {
        self.supervision.bridge(bridge, now);
    }

    /// Notes whether the time that a device gave was right.
    pub fn device_clock(&mut self, device: &DeviceId, is_right: bool) {
        self.supervision.device_clock(device, is_right);
    }

    /// Raises or clears an alert of the anomaly models. Only episodes of theirs can be reached from here:
    /// a rule's is under another name.
    pub fn model(&mut self, alert: ModelAlert, now: Moment, mint: Mint) -> Findings {
        let mut findings = Findings::default();
        let is_theirs = alert.rule.starts_with(MODEL_PREFIX) || alert.rule == MODEL_HEALTH_RULE;
        if !is_theirs {
            return findings;
        }
        let ModelAlert {
            rule,
            device,
            kind,
            severity,
            active,
            score,
            by,
            reason,
        } = alert;
        let key = EpisodeKey::new(rule, device);
        match (active, self.episodes.contains_key(&key)) {
            (true, false) => {
                let mut alert = self.alert(device, kind, severity, by, reason, now, mint);
                alert.score = score;
                self.open(key, alert, &mut findings);
            }
            (false, true) => self.close(&key, reason, now, &mut findings),
            (true, true) | (false, false) => {}
        }
        findings
    }

    fn remember(&mut self, reading: &Reading) {
        let device = self.devices.get_mut(&reading.device).expect("made before");
        if device.evidence.len() == EVIDENCE_PER_DEVICE {
            device.evidence.pop_front();
        }
        device.evidence.push_back(reading.clone());
    }

    /// Finds out once which rules look at a kind of a device.
    fn attach_points(&mut self, id: &DeviceId, kind: Kind) {
        let device = self.devices.get_mut(id).expect("made before");
        if device.points.contains_key(&kind) {
            return;
        }
        let rules = self.by_kind.get(&kind).map_or(&[][..], Vec::as_slice);
        let points = rules
            .iter()
            .filter(|rule| self.rules[**rule].config.looks_at(id))
            .map(|rule| {
                let key = EpisodeKey::new(&self.rules[*rule].name, id);
                let events = self.source_events.remove(&key).unwrap_or_default();
                (*rule, Point::new(self.episodes.contains_key(&key), events))
            })
            .collect();
        device.points.insert(kind, points);
    }
}

#[cfg(test)]
mod tests;
