//! Supervision: silence is a signal. Pure, and one model for every protocol.
//!
//! A device is lost when it has been silent for longer than its profile allows, or than it has learned
//! to expect; or when its own network says that it cannot be reached. While the source or the bridge
//! it comes over is down, that is reported once and its devices are not counted as silent: they had no
//! way to be heard. What is wrong with a sensor itself stands in `condition`.

mod condition;
mod facts;
mod interval;
mod watched;

pub use condition::{BATTERY_RULE, CLOCK_RULE, FLAPPING_RULE, STUCK_RULE};
pub use facts::{DeviceFacts, KnownDevice};

use std::collections::HashMap;
use std::sync::Arc;

use gridwatch_decode::profile::Profile;
use gridwatch_decode::{Announcement, Bridge};
use gridwatch_protocol::{DeviceId, DeviceStatus, Kind, Reading, Severity, Text};

use super::{DEVICES_MAX, words};
use crate::clock::Moment;
use watched::Watched;

/// Name under which silence is reported.
pub const SILENCE_RULE: &str = "silence";
/// Name under which a lost source or bridge is reported.
pub const SOURCE_RULE: &str = "source-lost";
/// A source that is back within this time was only restarting.
const SOURCE_GRACE_MS: i64 = 30_000;

/// What supervision says about a device, a bridge or a source.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) rule: &'static str,
    pub(super) device: DeviceId,
    pub(super) kind: Kind,
    pub(super) active: bool,
    pub(super) severity: Severity,
    pub(super) reason: Text,
}

/// All devices, and the ways they come.
#[derive(Debug)]
pub struct Supervision {
    devices: HashMap<DeviceId, Watched>,
    /// Sources of the configuration by name, and bridges by what their devices' ids begin with.
    ways: HashMap<Way, Link>,
    /// Conditions that began or ended since the last tick.
    pending: Vec<Finding>,
}

/// How a device comes to the agent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Way {
    Source(String),
    Bridge(String),
}

#[derive(Debug, Default)]
struct Link {
    down_since: Option<(i64, String)>,
    reported: bool,
}

impl Supervision {
    /// Silence counts from `now`: nothing could be heard while the agent was not running.
    pub(super) fn new(known: Vec<KnownDevice>, now: Moment) -> Self {
        Self {
            devices: known
                .into_iter()
                .map(|known| (known.id.clone(), Watched::new(known, now)))
                .collect(),
            ways: HashMap::new(),
            pending: Vec::new(),
        }
    }

    /// Goes on with what was told before a restart: it ends when it is seen to be over.
    pub(super) fn resume<'a>(
        &mut self,
        open: impl Iterator<Item = (&'a str, &'a DeviceId)>,
        now: Moment,
    ) {
        for (rule, device) in open {
            if rule == SOURCE_RULE {
                let way = match device.as_str().strip_prefix("gateway/") {
                    Some(name) => Way::Source(name.to_owned()),
                    None => Way::Bridge(device.to_string()),
                };
                let why = "not back since the agent was restarted".to_owned();
                let link = Link {
                    down_since: Some((now.mono_ms - SOURCE_GRACE_MS, why)),
                    reported: true,
                };
                self.ways.insert(way, link);
            } else if let Some(watched) = self.watched(device, now) {
                watched.resume(rule);
            }
        }
    }

    /// Notes that a device was heard. True when what is known of it has changed and must be kept.
    pub(super) fn heard(
        &mut self,
        device: &DeviceId,
        source: &Arc<str>,
        profile: Option<&Profile>,
        by: &str,
        kind: Option<Kind>,
        now: Moment,
    ) -> bool {
        let Some(watched) = self.watched(device, now) else {
            return false;
        };
        watched.changed |= watched.heard_at.is_none();
        watched.offline = false;
        let is_new_moment = watched.heard_ms != now.mono_ms || watched.heard_at.is_none();
        watched.heard_ms = now.mono_ms;
        watched.heard_at = Some(now.wall);
        if watched.source.as_ref() != Some(source) {
            watched.source = Some(source.clone());
        }
        let mut must_keep = false;
        if let Some(kind) = kind
            && !watched.kinds.contains(&kind)
        {
            watched.kinds.push(kind);
            watched.changed = true;
            if kind.is_life_safety() && !watched.known.facts.life_safety {
                watched.known.facts.life_safety = true;
                must_keep = true;
            }
        }
        must_keep |= watched.read_by(profile, by);
        if is_new_moment
            && watched.reports_by_itself()
            && let Some(limit) = watched.interval.heard(now.mono_ms)
        {
            must_keep |= watched.known.facts.learned_silent_ms.replace(limit) != Some(limit);
        }
        must_keep
    }

    /// The device profiles have changed: devices that are read by one get its limits.
    pub fn profiles_changed(&mut self, profiles: &[Profile]) {
        for watched in self.devices.values_mut() {
            let by = &watched.known.facts.by;
            if let Some(profile) = profiles.iter().find(|profile| profile.id == *by) {
                watched.take_profile(profile);
            }
        }
    }

    /// Takes in a reading: what it says about the sensor itself.
    pub(super) fn observe(&mut self, reading: &Reading, now: Moment) {
        if let Some(watched) = self.devices.get_mut(&reading.device) {
            let change = watched
                .conditions
                .observe(reading, &watched.known.facts, now.mono_ms);
            self.pending.extend(change.map(|c| watched.condition(c)));
        }
    }

    /// Takes in whether the time that a device gave was right.
    pub(super) fn device_clock(&mut self, device: &DeviceId, is_right: bool) {
        if let Some(watched) = self.devices.get_mut(device) {
            let change = watched.conditions.clock(is_right);
            self.pending.extend(change.map(|c| watched.condition(c)));
        }
    }

    /// Takes in what a format tells about a device, with the profile that supervises its type, if
    /// there is one. True when it must be kept.
    pub(super) fn announce(
        &mut self,
        told: &Announcement,
        by: &str,
        profile: Option<&Profile>,
        now: Moment,
    ) -> bool {
        let Ok(device) = DeviceId::new(told.device.clone()) else {
            return false;
        };
        if told.removed {
            self.removed(&device);
            return false;
        }
        let Some(watched) = self.watched(&device, now) else {
            return false;
        };
        let before = watched.known.facts.clone();
        watched.known.facts.announced(told);
        if let Some(profile) = profile {
            watched.known.facts.supervised_by(profile);
        }
        if watched.known.facts.by.is_empty() {
            by.clone_into(&mut watched.known.facts.by);
        }
        watched.changed |= watched.known.facts != before;
        watched.known.facts != before
    }

    /// A device has left its network: one that the site counts on is lost, any other is forgotten.
    fn removed(&mut self, device: &DeviceId) {
        let Some(watched) = self.devices.get_mut(device) else {
            return;
        };
        if watched.known.configured || watched.known.facts.life_safety {
            watched.offline = true;
        } else if !watched.told_lost {
            self.devices.remove(device);
        }
    }

    /// What is known of a device's type.
    #[must_use]
    pub fn facts(&self, device: &DeviceId) -> Option<&DeviceFacts> {
        self.devices.get(device).map(|w| &w.known.facts)
    }

    /// The device's own network says that it cannot be reached: lost without waiting for its limit.
    pub(super) fn offline(&mut self, device: &DeviceId) {
        if let Some(watched) = self.devices.get_mut(device) {
            watched.offline = true;
        }
    }

    /// A source's connection was made or lost.
    pub(super) fn source(&mut self, name: &str, state: Result<(), &str>, now: Moment) {
        self.way(Way::Source(name.to_owned()), state, now);
    }

    /// A bridge says whether the devices behind it can be heard.
    pub(super) fn bridge(&mut self, bridge: &Bridge, now: Moment) {
        let state = if bridge.online {
            Ok(())
        } else {
            Err("the bridge reports that it is offline")
        };
        self.way(Way::Bridge(bridge.prefix.clone()), state, now);
    }

    fn way(&mut self, way: Way, state: Result<(), &str>, now: Moment) {
        let link = self.ways.entry(way.clone()).or_default();
        match state {
            Err(why) => {
                link.down_since.get_or_insert((now.mono_ms, why.to_owned()));
            }
            Ok(()) if link.down_since.take().is_some() => {
                // What comes over it gets its full time again.
                for watched in self.devices.values_mut() {
                    if way.carries(watched) && !watched.lost {
                        watched.heard_ms = now.mono_ms;
                        watched.interval.excuse(now.mono_ms);
                    }
                }
            }
            Ok(()) => {}
        }
    }

    pub(super) fn tick(&mut self, now: Moment) -> Vec<Finding> {
        let mut findings = std::mem::take(&mut self.pending);
        for (way, link) in &mut self.ways {
            let down = link
                .down_since
                .as_ref()
                .filter(|(since, _)| now.mono_ms - since >= SOURCE_GRACE_MS);
            if down.is_some() != link.reported {
                link.reported = down.is_some();
                findings.extend(way.finding(down.map(|(_, why)| why.as_str())));
            }
        }
        let down: Vec<&Way> = self
            .ways
            .iter()
            .filter(|(_, link)| link.down_since.is_some())
            .map(|(way, _)| way)
            .collect();
        for watched in self.devices.values_mut() {
            let sheltered = down.iter().any(|way| way.carries(watched));
            watched.tick(sheltered, now, &mut findings);
        }
        findings
    }

    fn watched(&mut self, device: &DeviceId, now: Moment) -> Option<&mut Watched> {
        if !self.devices.contains_key(device) {
            if self.devices.len() >= DEVICES_MAX {
                return None;
            }
            let watched = Watched::new(KnownDevice::unknown(device.clone()), now);
            self.devices.insert(device.clone(), watched);
        }
        self.devices.get_mut(device)
    }

    /// Devices that are new or changed since [`Supervision::told`], at most `limit`.
    pub fn changed(&self, limit: usize) -> Vec<DeviceStatus> {
        self.devices
            .values()
            .filter(|watched| watched.changed)
            .take(limit)
            .map(Watched::status)
            .collect()
    }

    /// The hub knows these now. A device that has changed once more since stays marked.
    pub fn told(&mut self, statuses: &[DeviceStatus]) {
        for status in statuses {
            if let Some(watched) = self.devices.get_mut(&status.device) {
                let now = watched.status();
                watched.changed = now.state != status.state
                    || now.kinds != status.kinds
                    || now.profile != status.profile;
            }
        }
    }

    /// The hub knows none of them any more.
    pub fn forget_told(&mut self) {
        for watched in self.devices.values_mut() {
            watched.changed = true;
        }
    }

    /// All devices, each with whether it protects life.
    pub fn all(&self) -> impl Iterator<Item = (DeviceStatus, bool)> + '_ {
        let devices = self.devices.values();
        devices.map(|watched| (watched.status(), watched.known.facts.life_safety))
    }

    /// How many devices there are, and how many of them are lost.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let lost = self.devices.values().filter(|watched| watched.lost).count();
        (self.devices.len(), lost)
    }
}

impl Way {
    /// Whether a device comes this way. A Modbus unit is a source of its own: its silence is its own.
    fn carries(&self, watched: &Watched) -> bool {
        match self {
            Way::Source(name) => {
                watched.known.source.is_none() && watched.source.as_deref() == Some(name.as_str())
            }
            Way::Bridge(prefix) => watched
                .known
                .id
                .as_str()
                .strip_prefix(prefix.as_str())
                .is_some_and(|rest| rest.starts_with('/')),
        }
    }

    fn finding(&self, why: Option<&str>) -> Option<Finding> {
        let device = match self {
            // A Modbus unit is a device of its own; its silence is reported as the device's.
            Way::Source(name) if name.contains('/') => return None,
            Way::Source(name) => format!("gateway/{name}"),
            Way::Bridge(prefix) => prefix.clone(),
        };
        Some(Finding {
            rule: SOURCE_RULE,
            device: DeviceId::new(device).ok()?,
            kind: Kind::Availability,
            active: why.is_some(),
            severity: Severity::P2,
            reason: why.map_or_else(words::source_back, words::source_lost),
        })
    }
}

#[cfg(test)]
mod tests;
