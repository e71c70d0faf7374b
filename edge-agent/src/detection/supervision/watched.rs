//! One watched device: when it was heard, whether it is lost, and what is wrong with it.

use std::sync::Arc;

use gridwatch_decode::profile::Profile;
use gridwatch_protocol::{DeviceState, DeviceStatus, Kind, Severity, Timestamp};

use super::condition::{Change, Conditions};
use super::interval::Interval;
use super::{BATTERY_RULE, CLOCK_RULE, DeviceFacts, Finding, KnownDevice, SILENCE_RULE};
use crate::clock::Moment;
use crate::detection::words;

/// A device under supervision.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) known: KnownDevice,
    pub(super) source: Option<Arc<str>>,
    pub(super) heard_ms: i64,
    pub(super) heard_at: Option<Timestamp>,
    pub(super) kinds: Vec<Kind>,
    pub(super) interval: Interval,
    pub(super) conditions: Conditions,
    pub(super) lost: bool,
    /// Whether the loss was told, or is held back because it comes and goes.
    pub(super) told_lost: bool,
    /// The device's own network says that it cannot be reached.
    pub(super) offline: bool,
    /// Changed since the hub was last told.
    pub(super) changed: bool,
}

impl Watched {
    pub(super) fn new(known: KnownDevice, now: Moment) -> Self {
        Self {
            source: known.source.as_deref().map(Arc::from),
            known,
            heard_ms: now.mono_ms,
            heard_at: None,
            kinds: Vec::new(),
            interval: Interval::default(),
            conditions: Conditions::default(),
            lost: false,
            told_lost: false,
            offline: false,
            changed: true,
        }
    }

    pub(super) fn resume(&mut self, rule: &str) {
        match rule {
            SILENCE_RULE => {
                self.lost = true;
                self.told_lost = true;
            }
            BATTERY_RULE => self.conditions.resume_battery_low(),
            CLOCK_RULE => self.conditions.resume_clock_wrong(),
            _ => {}
        }
    }

    /// Notes who reads the device; a profile is preferred to a format. True when that is new.
    pub(super) fn read_by(&mut self, profile: Option<&Profile>, by: &str) -> bool {
        let facts = &mut self.known.facts;
        match profile {
            Some(profile) if facts.by == profile.id => return false,
            Some(profile) => self.take_profile(profile),
            None if facts.by.is_empty() => by.clone_into(&mut facts.by),
            None => return false,
        }
        self.changed = true;
        true
    }

    pub(super) fn take_profile(&mut self, profile: &Profile) {
        let told = std::mem::take(&mut self.known.facts);
        self.known.facts = DeviceFacts {
            name: told.name,
            vendor: told.vendor,
            model: told.model,
            learned_silent_ms: told.learned_silent_ms,
            ..DeviceFacts::of_profile(profile)
        };
    }

    /// Whether its reports come by themselves, so that their pauses mean something: it measures, or
    /// it protects life. Doors and cameras speak when something happens.
    pub(super) fn reports_by_itself(&self) -> bool {
        self.known.facts.life_safety
            || self.kinds.iter().any(|kind| {
                matches!(
                    kind,
                    Kind::Temperature
                        | Kind::Humidity
                        | Kind::Co2
                        | Kind::Voc
                        | Kind::Pm25
                        | Kind::Battery
                        | Kind::WaterLevel
                        | Kind::LinkQuality
                )
            })
    }

    pub(super) fn tick(&mut self, sheltered: bool, now: Moment, findings: &mut Vec<Finding>) {
        let silent_ms = now.mono_ms - self.heard_ms;
        let lost = match self.known.silent_after_ms() {
            _ if self.offline => true,
            // Lost before a restart and not heard since.
            _ if self.lost && self.heard_at.is_none() => true,
            None => false,
            Some(limit) if silent_ms >= limit => self.lost || !sheltered,
            Some(_) => false,
        };
        if lost != self.lost {
            self.lost = lost;
            self.changed = true;
            if lost && let Some(change) = self.conditions.lost(now.mono_ms) {
                findings.push(self.condition(change));
            }
        }
        if let Some(change) = self.conditions.calm(now.mono_ms) {
            findings.push(self.condition(change));
        }
        // While it comes and goes, only its return is told; a loss is told when it has stayed.
        let may_tell = !self.lost || !self.conditions.is_flapping();
        if self.lost != self.told_lost && may_tell {
            self.told_lost = self.lost;
            findings.push(self.silence(silent_ms));
        }
    }

    fn silence(&self, silent_ms: i64) -> Finding {
        Finding {
            rule: SILENCE_RULE,
            device: self.known.id.clone(),
            kind: Kind::Availability,
            active: self.lost,
            severity: if self.known.facts.life_safety {
                Severity::P2
            } else {
                Severity::P4
            },
            reason: if self.offline {
                words::offline()
            } else if self.lost {
                let limit = self.known.silent_after_ms().unwrap_or(silent_ms);
                words::silent(silent_ms, limit)
            } else {
                words::heard_again()
            },
        }
    }

    pub(super) fn condition(&self, change: Change) -> Finding {
        Finding {
            rule: change.rule,
            device: self.known.id.clone(),
            kind: change.kind,
            active: change.active,
            severity: if self.known.facts.life_safety {
                Severity::P3
            } else {
                Severity::P4
            },
            reason: change.reason,
        }
    }

    pub(super) fn status(&self) -> DeviceStatus {
        let by = &self.known.facts.by;
        DeviceStatus {
            device: self.known.id.clone(),
            profile: (!by.is_empty()).then(|| by.clone()),
            known: self.known.configured,
            state: match (self.lost, self.heard_at) {
                (true, _) => DeviceState::Silent,
                (false, None) => DeviceState::Expected,
                (false, Some(_)) => DeviceState::Online,
            },
            last_seen: self.heard_at,
            place: self.known.place.clone(),
            kinds: self.kinds.clone(),
        }
    }
}
