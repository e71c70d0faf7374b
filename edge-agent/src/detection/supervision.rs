//! Supervision: silence is a signal. Pure.
//!
//! A device is lost when it has been silent for longer than its profile allows. While the source it
//! comes over is down, the source is reported once and its devices are not counted as silent: they
//! had no way to be heard.

use std::collections::HashMap;
use std::sync::Arc;

use gridwatch_protocol::{
    DeviceId, DeviceState, DeviceStatus, Kind, Place, Severity, Text, Timestamp,
};

use super::{DEVICES_MAX, words};
use crate::clock::Moment;
use gridwatch_decode::profile::Profile;

/// Name under which silence is reported.
pub const SILENCE_RULE: &str = "silence";
/// Name under which a lost source is reported.
pub const SOURCE_RULE: &str = "source-lost";
/// A source that is back within this time was only restarting.
const SOURCE_GRACE_MS: i64 = 30_000;

/// A device that is known before it is heard: configured, or remembered from an earlier run.
#[derive(Debug, Clone)]
pub struct KnownDevice {
    /// Its id.
    pub id: DeviceId,
    /// Where it is.
    pub place: Place,
    /// Whether the configuration names it.
    pub configured: bool,
    /// Profile that reads it.
    pub profile: Option<String>,
    /// Silent for longer than this means lost; `None` = not supervised.
    pub silent_after_ms: Option<i64>,
    /// Whether the limit is the configuration's own, which a profile does not change.
    pub limit_is_fixed: bool,
    /// Whether it protects life.
    pub life_safety: bool,
    /// The source it comes over, where that is known before it is heard.
    pub source: Option<String>,
}

/// What supervision says about a device or a source.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) rule: &'static str,
    pub(super) device: DeviceId,
    pub(super) lost: bool,
    pub(super) severity: Severity,
    pub(super) reason: Text,
}

/// All devices and sources.
#[derive(Debug)]
pub struct Supervision {
    devices: HashMap<DeviceId, Watched>,
    sources: HashMap<String, Source>,
}

#[derive(Debug)]
struct Watched {
    known: KnownDevice,
    source: Option<Arc<str>>,
    heard_ms: i64,
    heard_at: Option<Timestamp>,
    kinds: Vec<Kind>,
    lost: bool,
    /// The device's own network says that it cannot be reached.
    offline: bool,
    /// Changed since the hub was last told.
    changed: bool,
}

#[derive(Debug)]
struct Source {
    down_since: Option<(i64, String)>,
    reported: bool,
}

impl Supervision {
    /// Silence counts from `now`: nothing could be heard while the agent was not running.
    pub(super) fn new(known: Vec<KnownDevice>, now: Moment) -> Self {
        let devices = known
            .into_iter()
            .map(|known| {
                let watched = Watched {
                    source: known.source.as_deref().map(Arc::from),
                    known,
                    heard_ms: now.mono_ms,
                    heard_at: None,
                    kinds: Vec::new(),
                    lost: false,
                    offline: false,
                    changed: true,
                };
                (watched.known.id.clone(), watched)
            })
            .collect();
        Self {
            devices,
            sources: HashMap::new(),
        }
    }

    pub(super) fn heard(
        &mut self,
        device: &DeviceId,
        source: &Arc<str>,
        profile: Option<&Profile>,
        kind: Kind,
        now: Moment,
    ) -> bool {
        if !self.devices.contains_key(device) {
            if self.devices.len() >= DEVICES_MAX {
                return false;
            }
            self.devices.insert(device.clone(), unknown(device, now));
        }
        let watched = self.devices.get_mut(device).expect("made above");
        if watched.heard_at.is_none() {
            watched.changed = true;
        }
        watched.offline = false;
        watched.heard_ms = now.mono_ms;
        watched.heard_at = Some(now.wall);
        if watched.source.as_ref() != Some(source) {
            watched.source = Some(source.clone());
        }
        if !watched.kinds.contains(&kind) {
            watched.kinds.push(kind);
            watched.changed = true;
        }
        let is_new =
            profile.is_some_and(|profile| watched.known.profile.as_deref() != Some(&profile.id));
        if is_new && let Some(profile) = profile {
            watched.known.profile = Some(profile.id.clone());
            watched.known.life_safety = profile.is_life_safety();
            if !watched.known.limit_is_fixed {
                watched.known.silent_after_ms = profile.silent_after_ms;
            }
            watched.changed = true;
        }
        is_new
    }

    /// The device's own network says that it cannot be reached: lost without waiting for its limit.
    pub(super) fn offline(&mut self, device: &DeviceId) {
        if let Some(watched) = self.devices.get_mut(device) {
            watched.offline = true;
        }
    }

    pub(super) fn source(&mut self, name: &str, state: Result<(), &str>, now: Moment) {
        let source = self.sources.entry(name.to_owned()).or_insert(Source {
            down_since: None,
            reported: false,
        });
        match state {
            Err(why) => {
                source
                    .down_since
                    .get_or_insert((now.mono_ms, why.to_owned()));
            }
            Ok(()) if source.down_since.take().is_some() => {
                // What comes over it gets its full time again.
                for watched in self.devices.values_mut() {
                    if watched.source.as_deref() == Some(name) && !watched.lost {
                        watched.heard_ms = now.mono_ms;
                    }
                }
            }
            Ok(()) => {}
        }
    }

    pub(super) fn tick(&mut self, now: Moment) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (name, source) in &mut self.sources {
            let down = source
                .down_since
                .as_ref()
                .filter(|(since, _)| now.mono_ms - since >= SOURCE_GRACE_MS);
            if down.is_some() != source.reported {
                source.reported = down.is_some();
                findings.extend(source_finding(name, down.map(|(_, why)| why.as_str())));
            }
        }
        for watched in self.devices.values_mut() {
            let source_down = watched
                .source
                .as_deref()
                .and_then(|name| self.sources.get(name))
                .is_some_and(|source| source.down_since.is_some());
            let silent_ms = now.mono_ms - watched.heard_ms;
            let limit = watched.known.silent_after_ms;
            let is_unit = watched.known.source.is_some();
            let lost = match limit {
                _ if watched.offline => true,
                None => false,
                Some(limit) if silent_ms >= limit => watched.lost || is_unit || !source_down,
                Some(_) => false,
            };
            if lost != watched.lost {
                watched.lost = lost;
                watched.changed = true;
                findings.push(watched.finding(silent_ms));
            }
        }
        findings
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
        devices.map(|watched| (watched.status(), watched.known.life_safety))
    }

    /// How many devices there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.devices.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.devices.is_empty()
    }
}

fn unknown(device: &DeviceId, now: Moment) -> Watched {
    Watched {
        known: KnownDevice {
            id: device.clone(),
            place: Place::default(),
            configured: false,
            profile: None,
            silent_after_ms: None,
            limit_is_fixed: false,
            life_safety: false,
            source: None,
        },
        source: None,
        heard_ms: now.mono_ms,
        heard_at: None,
        kinds: Vec::new(),
        lost: false,
        offline: false,
        changed: true,
    }
}

fn source_finding(name: &str, why: Option<&str>) -> Option<Finding> {
    // A Modbus unit is a device of its own; its silence is reported as the device's.
    if name.contains('/') {
        return None;
    }
    Some(Finding {
        rule: SOURCE_RULE,
        device: DeviceId::new(format!("gateway/{name}")).ok()?,
        lost: why.is_some(),
        severity: Severity::P2,
        reason: why.map_or_else(words::source_back, words::source_lost),
    })
}

impl Watched {
    fn finding(&self, silent_ms: i64) -> Finding {
        Finding {
            rule: SILENCE_RULE,
            device: self.known.id.clone(),
            lost: self.lost,
            severity: if self.known.life_safety {
                Severity::P2
            } else {
                Severity::P4
            },
            reason: if self.offline {
                words::offline()
            } else if self.lost {
                words::silent(silent_ms, self.known.silent_after_ms.unwrap_or(silent_ms))
            } else {
                words::heard_again()
            },
        }
    }

    fn status(&self) -> DeviceStatus {
        DeviceStatus {
            device: self.known.id.clone(),
            profile: self.known.profile.clone(),
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
