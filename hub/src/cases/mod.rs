//! Cases: what people work on. Types and the pure engine.
//!
//! Everything here takes values and `now` and returns values: no clock, no log, no I/O, no async.
//! The engine decides, the store commits; what was decided and not committed never happened.

pub mod actions;
pub mod conditions;
#[cfg(test)]
mod correlated;
pub mod desk;
pub mod evolve;
pub mod fields;
mod labels;
pub mod merge;
pub mod names;
pub mod offers;
pub mod progress;
#[cfg(test)]
mod properties;
#[cfg(test)]
pub mod sample;
pub mod silencing;
pub mod split;
pub mod steps;
#[cfg(test)]
mod stories;
pub mod table;
#[cfg(test)]
mod table_tests;
#[cfg(test)]
mod tests;
pub mod timers;

use gridwatch_protocol::{
    Alert, AlertId, DeviceId, GatewayId, Kind, Place, Severity, SiteId, Text, Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::correlation::Marks;

pub use names::{
    Action, Card, Change, EvidenceKind, Level, Mode, RejectCause, Role, State, TaskState,
};
pub use progress::{ActedAt, Details, Progress, Question, WaitsFor};

/// Number of a case in the store.
pub type CaseId = i64;

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Sign-in name.
    pub username: String,
    /// Name for people.
    pub display_name: String,
    /// What they may do.
    pub role: Role,
    /// Code of the unit that they belong to, if they do.
    pub unit: Option<String>,
}

/// Name under which the hub itself acts.
pub const SYSTEM: &str = "system";

/// A device at a gateway: device ids are only unique there.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DeviceRef {
    /// The gateway.
    pub gateway: GatewayId,
    /// The device.
    pub device: DeviceId,
}

/// What takes two persons and waits for the second one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// `close`, `reject` or `force_close`.
    pub action: Action,
    /// Who proposed it.
    pub by: String,
    /// Their name for people.
    pub by_name: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
    /// In which role; unknown for what was proposed before roles were kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// What the action was given.
    #[serde(default)]
    pub details: Details,
}

/// A case as the engine works on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// Its number in the store.
    pub id: CaseId,
    /// Its number for people: local day and count, such as `20261122-000012`.
    pub number: String,
    /// Grows with every change.
    pub version: i64,
    /// The newest version at which something changed that a decision rests on: state, severity, the
    /// alerts in it, a proposal. An action that was decided on an older version is refused; mere
    /// updates and clearings do not get in an officer's way.
    pub decision_version: i64,
    /// Where in the loop it is.
    pub state: State,
    /// The most urgent severity of its alerts.
    pub severity: Severity,
    /// Code of its category.
    pub category: String,
    /// The site.
    pub site: SiteId,
    /// Where in the site; of the alert that opened it.
    pub place: Place,
    /// What its alerts are about.
    pub kinds: Vec<Kind>,
    /// The devices of its alerts.
    pub devices: Vec<DeviceRef>,
    /// Those of them that count as fire detectors that can confirm each other.
    pub detectors: Vec<DeviceRef>,
    /// How many alerts it has.
    pub alert_count: u32,
    /// How many of them have not cleared.
    pub alerts_active: u32,
    /// When it was opened, by the hub's clock.
    pub opened_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Until when it must be acknowledged.
    pub ack_due_at: Timestamp,
    /// When it was acknowledged.
    pub acknowledged_at: Option<Timestamp>,
    /// Who acknowledged it.
    pub acknowledged_by: Option<String>,
    /// When it was closed or rejected.
    pub ended_at: Option<Timestamp>,
    /// Whether it is a drill or test.
    pub is_drill: bool,
    /// The group of alerts that it takes in, such as `fire:site:building`.
    pub group_key: Option<String>,
    /// When the newest alert of the group joined.
    pub group_at: Timestamp,
    /// Why alerts of several devices are in it.
    pub related_reason: Option<Text>,
    /// What waits for a second person.
    pub proposal: Option<Proposal>,
    /// How many transitions it has.
    pub transitions: i64,
    /// What correlation has noted on it.
    #[serde(default)]
    pub marks: Marks,
    /// What the loop has brought it to, beside its state.
    #[serde(default)]
    pub progress: Progress,
}

/// What the store holds of one alert.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertRecord {
    /// The newest message.
    pub alert: Alert,
    /// The gateway that sent it.
    pub gateway: GatewayId,
    /// The case that it is in.
    pub case: CaseId,
    /// Code of its category.
    pub category: String,
    /// When its first message arrived, by the hub's clock.
    pub arrived_at: Timestamp,
    /// When it joined the case.
    pub joined_at: Timestamp,
    /// Why it joined.
    pub joined_because: Text,
    /// How many messages about it are stored.
    pub messages: u32,
    /// When it cleared, as told by its gateway.
    pub cleared_at: Option<Timestamp>,
}

/// One row of a case's history. Never changed, never removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Transition {
    /// 1, 2, 3, … within the case.
    pub seq: i64,
    /// When, by the hub's clock.
    pub at: Timestamp,
    /// `system` or a user's sign-in name.
    pub actor: String,
    /// The actor's name at that time.
    pub actor_name: String,
    /// In which role; none for the hub itself and for rows of before roles were kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// What was done: the name of an [`Action`]; `propose_` and that name for the first of two persons;
    /// or a step of the hub itself: `report`, `join`, `clear`, `escalate`, `proposal_lapsed`,
    /// `take_in`, `give_back`, `escalate_unacknowledged`, `remind`, `lapse`, `silence`, `unsilence`, `latch`,
    /// `raise_level`, `split_off`, `relate`, `report_again`, `remind_answer`, `escalate_answer`, `card_answer`. A
    /// matter that people report has `report`, `report_joined` (another report of it) and `rated` with the name
    /// of who wrote it down.
    pub action: String,
    /// The state before; none for the first.
    pub from: Option<State>,
    /// The state after.
    pub to: State,
    /// What the actor wrote.
    pub reason: Option<String>,
    /// What the hub says about it, in both languages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Text>,
    /// What the action was given and what the hub worked out from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Details>,
    /// SHA-256 over the evidence of this row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence_hash: Option<String>,
}

impl Case {
    /// Whether a silence hides it: from lists, sounds, escalation and notifications, until it ends or
    /// somebody takes the case.
    #[must_use]
    pub fn is_silenced(&self) -> bool {
        let waits = matches!(self.state, State::Reported | State::PreVerify);
        self.marks.silenced.is_some() && waits && self.acknowledged_at.is_none()
    }

    /// Notes that something changed, and whether a decision rests on it.
    pub(crate) fn touch(&mut self, now: Timestamp, decisive: bool) {
        self.version += 1;
        self.updated_at = self.updated_at.max(now);
        if decisive {
            self.decision_version = self.version;
        }
    }

    /// Appends a transition by the hub itself.
    pub(crate) fn system_transition(
        &mut self,
        now: Timestamp,
        action: &str,
        from: Option<State>,
        note: Option<Text>,
    ) -> Transition {
        self.transitions += 1;
        Transition {
            seq: self.transitions,
            at: now,
            actor: SYSTEM.to_owned(),
            actor_name: SYSTEM.to_owned(),
            role: None,
            action: action.to_owned(),
            from,
            to: self.state,
            reason: None,
            note,
            details: None,
            evidence_hash: None,
        }
    }
}

/// Both languages from two texts.
pub(crate) fn text(zh: impl Into<String>, en: impl Into<String>) -> Text {
    Text {
        zh: zh.into(),
        en: en.into(),
    }
}

/// An alert message that came in, with what the hub knows about its way.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// The gateway whose key was used.
    pub gateway: GatewayId,
    /// The message.
    pub alert: Alert,
}

/// Identity of a message.
pub type MessageId = (AlertId, u32);
