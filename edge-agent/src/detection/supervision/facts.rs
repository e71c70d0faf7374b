//! What is known of a device and of its type: from a profile, from what it announces, from its own past.

use gridwatch_decode::Announcement;
use gridwatch_decode::profile::Profile;
use gridwatch_protocol::{DeviceId, Place};
use serde::{Deserialize, Serialize};

/// What is known of a device's type. Kept over restarts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeviceFacts {
    /// Id of the profile or name of the format that reads it.
    pub by: String,
    /// Its name for people, as it announces it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who makes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// Its type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Silent for longer than this means lost; `None` = not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silent_after_ms: Option<i64>,
    /// The same, learned from its own past; used where nothing else is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learned_silent_ms: Option<i64>,
    /// Whether it protects life.
    pub life_safety: bool,
    /// A battery below this many percent is low.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub battery_low_percent: Option<f64>,
    /// A battery below this many volts is low.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub battery_low_volts: Option<f64>,
    /// A measured value that does not change at all for this long is stuck.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stuck_after_ms: Option<i64>,
}

impl DeviceFacts {
    /// What a profile says.
    #[must_use]
    pub fn of_profile(profile: &Profile) -> Self {
        Self {
            by: profile.id.clone(),
            silent_after_ms: profile.silent_after_ms,
            life_safety: profile.is_life_safety(),
            battery_low_percent: profile.supervision.battery_low_percent,
            battery_low_volts: profile.supervision.battery_low_volts,
            stuck_after_ms: profile.supervision.stuck_after_ms,
            ..Self::default()
        }
    }

    /// Takes over how a profile supervises a device that a format reads.
    pub(super) fn supervised_by(&mut self, profile: &Profile) {
        let own = profile.supervision;
        self.silent_after_ms = profile.silent_after_ms.or(self.silent_after_ms);
        self.life_safety |= profile.is_life_safety();
        self.battery_low_percent = own.battery_low_percent;
        self.battery_low_volts = own.battery_low_volts;
        self.stuck_after_ms = own.stuck_after_ms;
    }

    /// Takes over what a device announces of itself; what it leaves out stays as it was.
    pub(super) fn announced(&mut self, told: &Announcement) {
        let keep = |slot: &mut Option<String>, new: &Option<String>| {
            if new.is_some() {
                slot.clone_from(new);
            }
        };
        keep(&mut self.name, &told.name);
        keep(&mut self.vendor, &told.vendor);
        keep(&mut self.model, &told.model);
        self.silent_after_ms = told.silent_after_ms.or(self.silent_after_ms);
        self.life_safety |= told.kinds.iter().any(|kind| kind.is_life_safety());
    }
}

/// A device that is known before it is heard: configured, or remembered from an earlier run.
#[derive(Debug, Clone)]
pub struct KnownDevice {
    /// Its id.
    pub id: DeviceId,
    /// Where it is.
    pub place: Place,
    /// Whether the configuration names it.
    pub configured: bool,
    /// What is known of its type.
    pub facts: DeviceFacts,
    /// The configuration's own silence limit, which overrides every other; `Some(None)` = not
    /// supervised.
    pub fixed_limit: Option<Option<i64>>,
    /// The source it comes over, where that is known before it is heard.
    pub source: Option<String>,
}

impl KnownDevice {
    /// A device of which nothing is known.
    #[must_use]
    pub fn unknown(id: DeviceId) -> Self {
        Self {
            id,
            place: Place::default(),
            configured: false,
            facts: DeviceFacts::default(),
            fixed_limit: None,
            source: None,
        }
    }

    /// Silent for longer than this means lost; `None` = not supervised.
    #[must_use]
    pub fn silent_after_ms(&self) -> Option<i64> {
        self.fixed_limit
            .unwrap_or(self.facts.silent_after_ms.or(self.facts.learned_silent_ms))
    }
}
