//! Open episodes: what the outbox keeps so that a restart neither forgets nor repeats an alarm.

use gridwatch_protocol::{Alert, DeviceId};
use serde::{Deserialize, Serialize};

/// Which rule on which device an episode belongs to: at most one is open for each.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EpisodeKey {
    rule: String,
    device: DeviceId,
}

impl EpisodeKey {
    /// The key of a rule on a device.
    #[must_use]
    pub fn new(rule: &str, device: &DeviceId) -> Self {
        Self {
            rule: rule.to_owned(),
            device: device.clone(),
        }
    }

    /// The rule.
    #[must_use]
    pub fn rule(&self) -> &str {
        &self.rule
    }

    /// The device.
    #[must_use]
    pub fn device(&self) -> &DeviceId {
        &self.device
    }

    /// Reads back [`EpisodeKey::as_text`]: rule names have no `|`, devices may.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let (rule, device) = text.split_once('|')?;
        Some(Self::new(rule, &device.parse().ok()?))
    }

    /// The key as one text, for the store.
    #[must_use]
    pub fn as_text(&self) -> String {
        format!("{}|{}", self.rule, self.device)
    }
}

/// An episode that has not ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpenEpisode {
    /// Which one.
    pub key: EpisodeKey,
    /// Its newest message, without the evidence.
    pub alert: Alert,
    /// Found while the device was under test: nobody has been told yet. Raised when it outlives the test.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub held: bool,
}

/// What the store must do with an episode, in the transaction of its message.
#[derive(Debug, Clone, PartialEq)]
pub enum EpisodeChange {
    /// Keep it.
    Opened(Box<OpenEpisode>),
    /// Forget it.
    Closed(EpisodeKey),
}
