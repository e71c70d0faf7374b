//! What the loop has brought a case to, and what an action is given. Changed only by
//! [`super::evolve`].

use gridwatch_protocol::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Card, CaseId, EvidenceKind, Level, Mode, State, TaskState};

/// What an action is given beside its reason, and what the history keeps of it. Each action takes only
/// the fields that `fields` of its entry in `allowed_actions` names, and `position`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Details {
    /// `file`: code of the filing condition. `reject`: code of the cause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// `close`: codes of the closing conditions that are ticked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<String>,
    /// `file`: code of another category than the one that the hub chose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// `file`: another way of handling than the category's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// `dispatch`: the unit. `consult`: the unit that leads. `call_up`: the unit that is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// `consult`: the units that are asked, the leading one among them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub units: Vec<String>,
    /// `handle`: sign-in name of who does it; the asker when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handler: Option<String>,
    /// `feedback`, `settle`, `finish_task`: what proves it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
    /// `ask_suspension`: until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// `answer`, `checked`, `decide`, `review`, `set_urgent`: yes or no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub yes: Option<bool>,
    /// `set_card`: the card; `none` takes it back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub card: Option<Card>,
    /// `set_level`: the level.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// `merge`: the case that takes this one in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case: Option<CaseId>,
    /// `answer_call`: number of the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<u32>,
    /// `evaluate`: 1 (bad) to 5 (good).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<u8>,
    /// Any action: where the person is who does it. Kept as their last position while they are on duty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<ActedAt>,
    /// Worked out by the hub: until when it is due. Never taken from a request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// Worked out by the hub: the step made the alert unacknowledged. Never taken from a request.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unacknowledged: bool,
    /// Worked out by the hub: sign-in names of who was called. Never taken from a request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub called: Vec<String>,
}

/// Where somebody was when they did something, as they reported it themselves.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ActedAt {
    /// Latitude, WGS84.
    pub lat: f64,
    /// Longitude, WGS84.
    pub lon: f64,
    /// How exact it is, in metres.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy_m: Option<u32>,
    /// When they were there, where what they did was sent later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// JSON has no number that differs from itself.
impl Eq for ActedAt {}

/// One piece of evidence. The hub keeps its hash; the file stays where it was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// What it is.
    pub kind: EvidenceKind,
    /// SHA-256 of the file, 64 hexadecimal digits.
    pub sha256: String,
    /// Name of the file, or what it shows.
    pub name: String,
    /// When it was taken.
    pub at: Timestamp,
    /// Where it was taken, if that is not the case's place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}

/// A unit's part of a consultation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Task {
    /// The unit.
    pub unit: String,
    /// Whether it leads.
    pub leads: bool,
    /// Where it is.
    pub state: TaskState,
    /// What the unit said last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
    /// Since when it is there.
    pub since: Timestamp,
    /// The card that the unit has for not answering.
    #[serde(default, skip_serializing_if = "Card::is_none")]
    pub card: Card,
}

/// What a unit has asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AskFor {
    /// 延期
    Extension,
    /// 挂账
    Suspension,
}

/// A question of the unit that waits for the dispatcher.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ask {
    /// For what.
    pub what: AskFor,
    /// By whom.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Until when, for a suspension.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// What the unit has put to somebody who has to decide it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// 延期
    Extension,
    /// 挂账
    Suspension,
    /// 申诉
    Appeal,
}

impl Question {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Extension, Self::Suspension, Self::Appeal];

    /// Its name in the API and in the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Extension => "extension",
            Self::Suspension => "suspension",
            Self::Appeal => "appeal",
        }
    }
}

/// A question that waits for a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WaitsFor {
    /// What is asked for.
    pub what: Question,
    /// Sign-in name of who asked.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// What the check before closing found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Checking {
    /// Whether it agrees with the unit's result.
    pub agrees: bool,
    /// Who checked.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// Where a case that was merged has gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MergedInto {
    /// The case that took it in.
    pub case: CaseId,
    /// The state that it comes back to when that is undone.
    pub from: State,
}

/// An appeal of the unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Appeal {
    /// By whom.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Who reviewed it, and whether they agree with the unit. Two reviews decide.
    pub reviews: Vec<AppealReview>,
}

/// One review of an appeal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AppealReview {
    /// By whom.
    pub by: String,
    /// Whether they agree with the unit.
    pub agrees: bool,
}

/// How many reviews an appeal takes.
pub const APPEAL_REVIEWS: usize = 2;

impl Appeal {
    /// `None` while reviews are missing; then whether both agree. What happened stays in the history
    /// either way: an appeal that succeeds only exempts the case from being held against the unit.
    #[must_use]
    pub fn succeeded(&self) -> Option<bool> {
        (self.reviews.len() >= APPEAL_REVIEWS)
            .then(|| self.reviews.iter().all(|review| review.agrees))
    }
}

/// 呼叫上级: a call for a unit of a wider area.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Call {
    /// 1, 2, 3, … within the case.
    pub number: u32,
    /// The unit that is called.
    pub unit: String,
    /// Who calls.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Until when it must answer.
    pub due: Timestamp,
    /// When it answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_at: Option<Timestamp>,
    /// Who answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_by: Option<String>,
    /// The card that the unit has for not answering.
    #[serde(default, skip_serializing_if = "Card::is_none")]
    pub card: Card,
}

/// A case's way through the loop, beside its state.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Progress {
    /// Code of the filing condition.
    pub filed_as: Option<String>,
    /// Whether the hub filed it itself: an officer still has to acknowledge it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub filed_by_hub: bool,
    /// How it is handled; the category's way until it is filed.
    pub mode: Option<Mode>,
    /// The unit that has it.
    pub unit: Option<String>,
    /// When it was dispatched last.
    pub dispatched_at: Option<Timestamp>,
    /// Until when it has to be done.
    pub due_at: Option<Timestamp>,
    /// When the unit said that the hazard is stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contained_at: Option<Timestamp>,
    /// Sign-in name of who handles it.
    pub handler: Option<String>,
    /// Everybody who has handled it: none of them checks or closes it.
    pub handlers: Vec<String>,
    /// Units that said that it is not their duty, each time.
    pub sent_back_by: Vec<String>,
    /// Where it was returned from; what was sent back by a unit is dispatched anew, what was not good
    /// enough is handled anew.
    pub returned_from: Option<State>,
    /// How often it was not good enough.
    pub reworks: u32,
    /// Parts of a consultation.
    pub tasks: Vec<Task>,
    /// What the unit has asked for.
    pub ask: Option<Ask>,
    /// How often more time was asked for.
    #[serde(skip_serializing_if = "is_none")]
    pub asked_extension: u32,
    /// How often it was asked to stand still.
    #[serde(skip_serializing_if = "is_none")]
    pub asked_suspension: u32,
    /// How often its limit was extended.
    pub extended: u8,
    /// Whether it has been suspended, ever.
    pub was_suspended: bool,
    /// Until when it is suspended.
    pub suspended_until: Option<Timestamp>,
    /// When it was suspended; the time to `due_at` stands still from then on.
    pub suspended_at: Option<Timestamp>,
    /// Evidence, in the order in which it came.
    pub evidence: Vec<Evidence>,
    /// What the check before closing found.
    pub check: Option<Checking>,
    /// Whether it was closed by force.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub forced: bool,
    /// Codes of the closing conditions.
    pub closed_as: Vec<String>,
    /// Code of the cause of a rejection.
    pub rejected_as: Option<String>,
    /// Where it went when it was merged.
    pub merged: Option<MergedInto>,
    /// The cases that it has taken in.
    pub took_in: Vec<CaseId>,
    /// How often it was opened again.
    pub reopened: u32,
    /// The unit's appeal; one at most.
    pub appeal: Option<Appeal>,
    /// 1 (bad) to 5 (good).
    pub score: Option<u8>,
    /// 加急
    pub urgent: bool,
    /// 督办
    pub card: Card,
    /// Who gave the card.
    pub card_by: Option<String>,
    /// 响应级别
    pub level: Option<Level>,
    /// Calls for units of wider areas.
    pub calls: Vec<Call>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_none(count: &u32) -> bool {
    *count == 0
}

impl Progress {
    /// What waits for somebody's decision while the case is in `state`: a request of the unit where one can
    /// decide it, or its appeal until both reviews are in.
    #[must_use]
    pub fn waits_for(&self, state: State) -> Option<WaitsFor> {
        let asked = self.ask.as_ref().map(|ask| WaitsFor {
            what: match ask.what {
                AskFor::Extension => Question::Extension,
                AskFor::Suspension => Question::Suspension,
            },
            by: ask.by.clone(),
            at: ask.at,
        });
        let undecided = |appeal: &&Appeal| appeal.succeeded().is_none();
        let appealed = self.appeal.as_ref().filter(undecided);
        match state {
            State::Dispatched | State::Handling => asked,
            State::Closed => appealed.map(|appeal| WaitsFor {
                what: Question::Appeal,
                by: appeal.by.clone(),
                at: appeal.at,
            }),
            _ => None,
        }
    }

    /// The unit that leads the consultation.
    #[must_use]
    pub fn lead(&self) -> Option<&Task> {
        self.tasks.iter().find(|task| task.leads)
    }
}
