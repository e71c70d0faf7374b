//! Cases: what people work on. Types and the pure engine.
//!
//! Everything here takes values and `now` and returns values: no clock, no log, no I/O, no async.
//! The engine decides, the store commits; what was decided and not committed never happened.

pub mod actions;
pub mod desk;
#[cfg(test)]
mod properties;
#[cfg(test)]
pub mod sample;
#[cfg(test)]
mod tests;

use gridwatch_protocol::{
    Alert, AlertId, DeviceId, GatewayId, Kind, Place, Severity, SiteId, Text, Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Number of a case in the store.
pub type CaseId = i64;

/// Where in the closed loop a case is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// 上报: nobody has taken it yet.
    Reported,
    /// 已确认: an officer has seen it.
    Acknowledged,
    /// 立案: it met a filing condition.
    Filed,
    /// 结案
    Closed,
    /// 不予立案
    Rejected,
}

impl State {
    /// Every state.
    pub const ALL: [State; 5] = [
        State::Reported,
        State::Acknowledged,
        State::Filed,
        State::Closed,
        State::Rejected,
    ];

    /// Whether people still have to work on it.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, State::Reported | State::Acknowledged | State::Filed)
    }

    /// The name in the store and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            State::Reported => "reported",
            State::Acknowledged => "acknowledged",
            State::Filed => "filed",
            State::Closed => "closed",
            State::Rejected => "rejected",
        }
    }
}

/// What an officer can do to a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Take it.
    Acknowledge,
    /// 立案; the reason names the filing condition.
    File,
    /// 结案; the reason names the closing condition. Only a filed case.
    Close,
    /// 不予立案; the reason says why. Only before filing.
    Reject,
    /// Write something down; changes nothing else.
    Note,
}

impl Action {
    /// Every action, in the order in which consoles show them.
    pub const ALL: [Action; 5] = [
        Action::Acknowledge,
        Action::File,
        Action::Close,
        Action::Reject,
        Action::Note,
    ];

    /// Whether it must say why.
    #[must_use]
    pub fn needs_reason(self) -> bool {
        self != Action::Acknowledge
    }
}

/// What an officer may do.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// 值班员: acknowledges, files, notes.
    DutyOfficer,
    /// 督办员、值班长: also closes and rejects.
    Supervisor,
    /// Also manages users and gateways.
    Administrator,
}

impl Role {
    /// Every role.
    pub const ALL: [Role; 3] = [Role::DutyOfficer, Role::Supervisor, Role::Administrator];

    /// The name in the store and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Role::DutyOfficer => "duty_officer",
            Role::Supervisor => "supervisor",
            Role::Administrator => "administrator",
        }
    }

    /// The role with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.as_str() == name)
    }
}

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Sign-in name.
    pub username: String,
    /// Name for people.
    pub display_name: String,
    /// What they may do.
    pub role: Role,
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

/// A close or reject of a P1 that waits for a second person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// `close` or `reject`.
    pub action: Action,
    /// Who proposed it.
    pub by: String,
    /// Their name for people.
    pub by_name: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
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
    /// What was done: `report`, `join`, `clear`, `escalate`, `acknowledge`, `file`,
    /// `propose_close`, `close`, `propose_reject`, `reject`, `proposal_lapsed`, `note`; by timers
    /// `escalate_unacknowledged`, `remind`, `card_yellow`, `card_red`, `lapse`.
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
}

/// What happened to a case, for the live feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// A new case.
    Opened,
    /// An alert joined it.
    Joined,
    /// One of its alerts changed, or a proposal was made.
    Updated,
    /// An officer took it.
    Acknowledged,
    /// It was filed.
    Filed,
    /// It was closed.
    Closed,
    /// It was rejected.
    Rejected,
    /// Somebody wrote something down.
    Noted,
    /// One of its alerts cleared.
    AlertCleared,
    /// Nobody acknowledged it in time, or what was acknowledged was not filed in time.
    Escalated,
    /// So much of a limit is used.
    Reminder,
    /// 黄牌预警
    YellowCard,
    /// 红牌督办
    RedCard,
}

impl Change {
    /// Every change.
    pub const ALL: [Change; 13] = [
        Change::Opened,
        Change::Joined,
        Change::Updated,
        Change::Acknowledged,
        Change::Filed,
        Change::Closed,
        Change::Rejected,
        Change::Noted,
        Change::AlertCleared,
        Change::Escalated,
        Change::Reminder,
        Change::YellowCard,
        Change::RedCard,
    ];

    /// The name in the store and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Change::Opened => "opened",
            Change::Joined => "joined",
            Change::Updated => "updated",
            Change::Acknowledged => "acknowledged",
            Change::Filed => "filed",
            Change::Closed => "closed",
            Change::Rejected => "rejected",
            Change::Noted => "noted",
            Change::AlertCleared => "alert_cleared",
            Change::Escalated => "escalated",
            Change::Reminder => "reminder",
            Change::YellowCard => "yellow_card",
            Change::RedCard => "red_card",
        }
    }
}

impl Case {
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
            action: action.to_owned(),
            from,
            to: self.state,
            reason: None,
            note,
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
