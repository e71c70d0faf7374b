//! An alert: an episode with one id, from raising to clearing.

use serde::{Deserialize, Serialize};

use crate::{AlertId, ClockQuality, DeviceId, Kind, Place, Reading, Severity, SiteId, Timestamp};

/// At most this many readings travel with an alert as evidence, the newest ones.
pub const EVIDENCE_MAX: usize = 60;

/// Where in its life an alert is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The condition began. Always `revision` 0.
    Raised,
    /// Something worth telling changed: severity, score, the reason.
    Updated,
    /// The condition ended. Never closes a case.
    Cleared,
}

/// A sentence for people, in both languages of the console.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Text {
    /// Simplified Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

/// What raised an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum DetectedBy {
    /// A rule of the gateway's configuration.
    Rule {
        /// The rule's name there.
        rule: String,
    },
    /// An anomaly model.
    Model {
        /// The bundle's id.
        model: String,
        /// The bundle's build number.
        build: u64,
    },
}

/// One message about an alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Alert {
    /// The alert's id, the same in all of its messages.
    pub id: AlertId,
    /// 0 for the raising, then 1, 2, 3, … A message with a lower revision than one already applied
    /// is stored and changes nothing.
    pub revision: u32,
    /// Where in its life the alert is.
    pub phase: Phase,
    /// Position in the outbox's gap-free sequence; `None` only before it is stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// The start of the agent (see the crate's page) that stored it.
    #[serde(default)]
    pub boot_epoch: u64,
    /// What it is about.
    pub kind: Kind,
    /// How urgent it is. At most the rule's severity; never lowered by a model.
    pub severity: Severity,
    /// The device it is about.
    pub device: DeviceId,
    /// Whether the gateway's configuration or a profile knows the device.
    #[serde(default)]
    pub device_known: bool,
    /// The site.
    pub site: SiteId,
    /// Where in the site.
    #[serde(default)]
    pub place: Place,
    /// When the condition began.
    pub raised_at: Timestamp,
    /// When this message's change happened.
    pub at: Timestamp,
    /// Whether the gateway trusts its clock.
    #[serde(default)]
    pub clock: ClockQuality,
    /// What raised it.
    pub detected_by: DetectedBy,
    /// Anomaly score in [0, 1], if a model took part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// Why, for the duty officer.
    pub reason: Text,
    /// The readings around it, oldest first, at most [`EVIDENCE_MAX`].
    #[serde(default)]
    pub evidence: Vec<Reading>,
    /// The source's own id of the event behind it, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_event: Option<String>,
    /// A test or drill: travels the whole way, is marked, and pages nobody. The same in all messages
    /// of an alert; a receiver believes the one that says it is real.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_test: bool,
}

impl Alert {
    /// Whether it overtakes everything else on its way.
    #[must_use]
    pub fn is_life_safety(&self) -> bool {
        self.kind.is_life_safety() || self.severity == Severity::P1
    }
}
