//! What a hub tells its parent hub, and what the parent asks of it.
//!
//! A case document holds places, states and limits; no names of reporters, residents or officers go up.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{HubId, Place, ReceiptStatus, Severity, SiteId, Text, Timestamp};

/// At most this many case documents in one batch: with their steps they stay below
/// [`crate::BATCH_BYTES_MAX`].
pub const UPWARD_CASES_MAX: usize = 200;
/// At most this many steps in one document, the newest ones.
pub const UPWARD_STEPS_MAX: usize = 64;
/// At most this many commands in one answer; the rest follows.
pub const UPWARD_COMMANDS_MAX: usize = 50;
/// At most this many signed heads in one heartbeat; the rest follows.
pub const UPWARD_HEADS_MAX: usize = 50;
/// A parent holds a heartbeat for at most this long, in seconds, while it has nothing to ask for.
pub const UPWARD_WAIT_S_MAX: u32 = 20;

/// A place in a hub's events: everything of this life of its store up to this event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpwardMark {
    /// How often the store was restored, plus one.
    pub epoch: i64,
    /// Number of the event.
    pub sequence: i64,
}

/// An area on the way from the widest to the narrowest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AreaName {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: Text,
}

/// A unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NamedUnit {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: Text,
}

/// 呼叫上级: a call for a unit that lives at the parent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpwardCall {
    /// 1, 2, 3, … within the case.
    pub number: u32,
    /// The unit that is called.
    pub unit: String,
    /// Why.
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
    /// Until when it must answer.
    pub due: Timestamp,
    /// When it answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_at: Option<Timestamp>,
}

/// A change of state in a case's history. Steps that leave the state as it is are not told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CaseStep {
    /// Its place in the history.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// What was done.
    pub action: String,
    /// The state before; none for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The state after.
    pub to: String,
}

/// A case as it is now, for the parent. Names of states, cards and levels are texts: a parent shows one that
/// it does not know as it came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CaseDocument {
    /// The life of the hub's store in which the case was opened: after a restore numbers may come again.
    pub case_epoch: i64,
    /// Number of the case in the hub's store.
    pub case: i64,
    /// Its number for people.
    pub number: String,
    /// Grows with every change.
    pub version: i64,
    /// Where in the loop it is.
    pub state: String,
    /// Whether people still have to work on it.
    pub is_open: bool,
    /// Its severity.
    pub severity: Severity,
    /// Code of its category.
    pub category: String,
    /// Name of its category.
    pub category_name: Text,
    /// Category and place in one line.
    pub title: Text,
    /// Its site.
    pub site: SiteId,
    /// From the widest area down to the grid; empty when the hub does not know the place.
    #[serde(default)]
    pub area_path: Vec<AreaName>,
    /// Where in the site.
    #[serde(default)]
    pub place: Place,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it was acknowledged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged_at: Option<Timestamp>,
    /// The unit that has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<NamedUnit>,
    /// Until when it has to be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// 督办: `none`, `yellow` or `red`.
    pub card: String,
    /// 加急
    #[serde(default)]
    pub urgent: bool,
    /// 响应级别
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Whether it is a drill or test.
    #[serde(default)]
    pub is_drill: bool,
    /// How many alerts it has.
    #[serde(default)]
    pub alert_count: u32,
    /// How many of them have not cleared.
    #[serde(default)]
    pub alerts_active: u32,
    /// Calls for units that live at the parent.
    #[serde(default)]
    pub calls: Vec<UpwardCall>,
    /// Its changes of state, the newest [`UPWARD_STEPS_MAX`].
    #[serde(default)]
    pub steps: Vec<CaseStep>,
    /// Whether older changes of state are left out.
    #[serde(default)]
    pub steps_cut: bool,
}

/// A case document and its place in the hub's events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpwardItem {
    /// Number of the event that the document includes.
    pub sequence: i64,
    /// The case.
    pub document: CaseDocument,
}

/// What a hub sends its parent in one request.
///
/// The hub follows the numbers of its own events. For each it sends the case as it is now; several events of
/// one case in a batch are one document, whose steps tell what happened in between. The parent keeps one
/// row per `(hub, case_epoch, case)` and takes a document only when its `(epoch, sequence)` is greater
/// than that of the row: a document that comes again changes nothing.
///
/// `after` and `through` prove that nothing is missing: the parent moves its mark to `through` only when
/// `after` is not beyond its mark, and tells the mark with every answer. A hub that is told less than it
/// has settled (the parent was restored) goes back there; a hub whose own store was restored, or whose
/// events are no longer kept, sends every case once more: a **pass**, without `after`, whose last batch has
/// `through`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpwardBatch {
    /// [`crate::WIRE_VERSION`].
    pub version: u32,
    /// The sending hub.
    pub hub: HubId,
    /// The present life of its store.
    pub epoch: i64,
    /// Everything up to this event was sent before; none in a pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<i64>,
    /// With this batch everything up to this event has been sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<i64>,
    /// Case documents, in the order of their events.
    #[serde(default)]
    pub items: Vec<UpwardItem>,
}

/// The answer to one document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpwardReceiptItem {
    /// As sent.
    pub sequence: i64,
    /// As sent.
    pub case_epoch: i64,
    /// As sent.
    pub case: i64,
    /// What became of it. `duplicate`: the same or something newer was there.
    #[serde(flatten)]
    pub status: ReceiptStatus,
}

/// The parent's answer to a batch, given after the commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpwardReceipt {
    /// One entry per document, in the batch's order.
    pub items: Vec<UpwardReceiptItem>,
    /// Up to where nothing is missing at the parent; none before the first pass has ended.
    #[serde(default)]
    pub known: Option<UpwardMark>,
    /// The present life of the parent's store: another one than before means that it was restored.
    pub parent_epoch: i64,
    /// The parent's clock.
    pub hub_time: Timestamp,
}

/// A life of a hub's store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EpochStart {
    /// 1 for the first.
    pub epoch: i64,
    /// How many cases the store had when it began: what earlier lives had beyond is lost.
    pub cases: i64,
}

/// The end of a chain of hashes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChainEnd {
    /// How many links it has.
    pub links: i64,
    /// Hash of the last one, in hexadecimal.
    pub hash: String,
}

/// The signed ends of a hub's audit and of its histories of cases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SealedHeads {
    /// The life of the store.
    pub epoch: i64,
    /// Whether a restore signed it, as the beginning of its epoch.
    pub restored: bool,
    /// When it was signed.
    pub at: Timestamp,
    /// End of the audit.
    pub audit: ChainEnd,
    /// End of the histories.
    pub transitions: ChainEnd,
    /// Ed25519 signature, in hexadecimal.
    pub signature: String,
}

/// What a parent may ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum ParentAction {
    /// 督办: give or take back a card.
    SetCard {
        /// `none`, `yellow` or `red`.
        card: String,
    },
    /// 加急
    SetUrgent {
        /// Whether it is.
        yes: bool,
    },
    /// A comment.
    Comment,
    /// 要求报告: a report is asked for.
    AskReport,
    /// 应答呼叫
    AnswerCall {
        /// Number of the call in the case.
        call: u32,
        /// The unit that answers.
        unit: String,
    },
}

/// Something that the parent asks a hub to do to one of its cases, once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ParentCommand {
    /// Minted at the parent; the hub applies each id once, however often it comes.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub id: Uuid,
    /// The case.
    pub case_epoch: i64,
    /// The case.
    pub case: i64,
    /// What to do.
    #[serde(flatten)]
    pub action: ParentAction,
    /// Why.
    pub reason: String,
    /// Name of who asks, for the history.
    pub by_name: String,
    /// Role of who asks, as the hub's own table of actions names it.
    pub role: String,
    /// When.
    pub at: Timestamp,
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum CommandOutcome {
    /// It is in the case's history.
    Done {
        /// Its place there.
        seq: i64,
    },
    /// The case does not allow it, or is not there; nothing changed.
    Refused {
        /// Why.
        reason: String,
    },
}

/// The result of a command, told until the parent has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CommandResult {
    /// The command.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub id: Uuid,
    /// When it was applied, by the hub's clock.
    pub at: Timestamp,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: CommandOutcome,
}

/// A hub's sign of life. The parent may hold it for `wait_s` until it has something to ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpwardHeartbeat {
    /// [`crate::WIRE_VERSION`].
    pub version: u32,
    /// The hub.
    pub hub: HubId,
    /// Its clock.
    pub at: Timestamp,
    /// Version of its program.
    pub hub_version: String,
    /// The lives of its store, oldest first.
    pub epochs: Vec<EpochStart>,
    /// Number of its newest event.
    pub newest: i64,
    /// Up to where its parent has answered.
    #[serde(default)]
    pub settled: Option<UpwardMark>,
    /// Public key of its signatures, in hexadecimal; empty when it has none.
    #[serde(default)]
    pub public_key: String,
    /// Signed ends of its chains that the parent has not taken yet, oldest first.
    #[serde(default)]
    pub heads: Vec<SealedHeads>,
    /// Results of commands that the parent has not taken yet.
    #[serde(default)]
    pub results: Vec<CommandResult>,
    /// How long the answer may be held, at most [`UPWARD_WAIT_S_MAX`].
    #[serde(default)]
    pub wait_s: u32,
}

/// The parent's answer to a heartbeat, given after the commit. What was in the heartbeat is taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpwardAnswer {
    /// The parent's clock.
    pub hub_time: Timestamp,
    /// The present life of the parent's store.
    pub parent_epoch: i64,
    /// Up to where nothing is missing at the parent.
    #[serde(default)]
    pub known: Option<UpwardMark>,
    /// What it asks for, oldest first; each comes again until its result has arrived.
    #[serde(default)]
    pub commands: Vec<ParentCommand>,
}
