//! What the loop has brought a case to, and the one function that changes it.
//!
//! [`evolve`] is the only place that writes to a case's way through the loop, and it reads nothing but
//! the transition: so the history, read again from its first row, gives the same case. It never
//! refuses; whether a step is right is decided before (see [`super::actions`]).

use gridwatch_protocol::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Action, Card, Case, CaseId, EvidenceKind, Level, Mode, Proposal, Role, State, TaskState,
    Transition,
};

/// What an action is given beside its reason, and what the history keeps of it. Each action takes only
/// the fields that `fields` of its entry in `allowed_actions` names.
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
    /// Worked out by the hub: until when it is due. Never taken from a request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// Worked out by the hub: the step made the alert unacknowledged. Never taken from a request.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unacknowledged: bool,
}

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
}

/// A case's way through the loop, beside its state.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Progress {
    /// Code of the filing condition.
    pub filed_as: Option<String>,
    /// How it is handled; the category's way until it is filed.
    pub mode: Option<Mode>,
    /// The unit that has it.
    pub unit: Option<String>,
    /// When it was dispatched last.
    pub dispatched_at: Option<Timestamp>,
    /// Until when it has to be done.
    pub due_at: Option<Timestamp>,
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

impl Progress {
    /// The unit that leads the consultation.
    #[must_use]
    pub fn lead(&self) -> Option<&Task> {
        self.tasks.iter().find(|task| task.leads)
    }

    fn task(&mut self, unit: Option<&str>, state: TaskState, row: &Transition) {
        let own = |task: &&mut Task| Some(task.unit.as_str()) == unit;
        if let Some(task) = self.tasks.iter_mut().find(own) {
            task.state = state;
            task.said.clone_from(&row.reason);
            task.since = row.at;
        }
    }

    fn worked(&mut self, username: &str) {
        if !self.handlers.iter().any(|known| known == username) {
            self.handlers.push(username.to_owned());
        }
    }
}

/// Takes one row of the history. The case's version and its alerts are not touched.
pub fn evolve(case: &mut Case, row: &Transition) {
    let left = case.state;
    case.state = row.to;
    if left != row.to {
        case.proposal = None;
        if !row.to.is_open() && left.is_open() {
            case.ended_at = Some(row.at);
        } else if row.to.is_open() {
            case.ended_at = None;
        }
    }
    let none = Details::default();
    let details = row.details.as_ref().unwrap_or(&none);
    if let Some(action) = row
        .action
        .strip_prefix("propose_")
        .and_then(Action::from_name)
    {
        case.proposal = Some(Proposal {
            action,
            by: row.actor.clone(),
            by_name: row.actor_name.clone(),
            reason: row.reason.clone().unwrap_or_default(),
            at: row.at,
            role: row.role,
            details: details.clone(),
        });
        return;
    }
    match Action::from_name(&row.action) {
        Some(action) => by_action(case, action, left, row, details),
        None => by_the_hub(case, &row.action, details),
    }
}

fn by_the_hub(case: &mut Case, name: &str, details: &Details) {
    match name {
        "escalate" if details.unacknowledged => {
            case.acknowledged_at = None;
            case.acknowledged_by = None;
        }
        "proposal_lapsed" => case.proposal = None,
        "take_in" => {
            case.proposal = None;
            case.progress.took_in.extend(details.case);
            if details.unacknowledged {
                case.acknowledged_at = None;
                case.acknowledged_by = None;
            }
        }
        "give_back" => case.progress.took_in.retain(|id| Some(*id) != details.case),
        _ => {}
    }
}

fn acknowledged(case: &mut Case, row: &Transition) {
    if case.acknowledged_at.is_none() {
        case.acknowledged_at = Some(row.at);
        case.acknowledged_by = Some(row.actor.clone());
    }
}

fn by_action(case: &mut Case, action: Action, left: State, row: &Transition, details: &Details) {
    let progress = &mut case.progress;
    match action {
        Action::Acknowledge | Action::Verify | Action::Verified => acknowledged(case, row),
        Action::File => {
            progress.filed_as.clone_from(&details.condition);
            progress.mode = details.mode;
            progress.urgent |= details.mode == Some(Mode::Urgent);
            if let Some(category) = &details.category {
                case.category.clone_from(category);
            }
            acknowledged(case, row);
        }
        Action::Reject => {
            progress.rejected_as.clone_from(&details.condition);
        }
        Action::Dispatch => {
            progress.unit.clone_from(&details.unit);
            progress.dispatched_at = Some(row.at);
            progress.due_at = details.due;
            progress.returned_from = None;
            progress.handler = None;
            progress.ask = None;
        }
        Action::Consult => {
            progress.returned_from = None;
            progress.tasks = details
                .units
                .iter()
                .map(|unit| Task {
                    unit: unit.clone(),
                    leads: details.unit.as_ref() == Some(unit),
                    state: TaskState::Asked,
                    said: None,
                    since: row.at,
                })
                .collect();
        }
        Action::Answer => {
            let state = if details.yes == Some(true) {
                TaskState::Accepted
            } else {
                TaskState::Declined
            };
            progress.task(details.unit.as_deref(), state, row);
        }
        Action::FinishTask => {
            progress.task(details.unit.as_deref(), TaskState::Done, row);
            progress.evidence.extend(details.evidence.iter().cloned());
            progress.worked(&row.actor);
        }
        Action::SendBack => {
            progress.sent_back_by.extend(details.unit.clone());
            progress.returned_from = Some(left);
            progress.unit = None;
            progress.handler = None;
            progress.ask = None;
            progress.tasks.clear();
        }
        Action::Handle => {
            let handler = details.handler.as_ref().unwrap_or(&row.actor).clone();
            progress.worked(&row.actor);
            progress.worked(&handler);
            progress.handler = Some(handler);
            progress.returned_from = None;
        }
        Action::Feedback | Action::Settle => {
            progress.evidence.extend(details.evidence.iter().cloned());
            progress.worked(&row.actor);
            progress.check = None;
            progress.ask = None;
        }
        Action::Check | Action::Note => {}
        Action::Checked => {
            progress.check = Some(Checking {
                agrees: details.yes == Some(true),
                by: row.actor.clone(),
                at: row.at,
            });
        }
        Action::Rework => {
            progress.reworks += 1;
            progress.returned_from = Some(left);
            progress.check = None;
        }
        Action::Close => progress.closed_as.clone_from(&details.conditions),
        Action::ForceClose => progress.ask = None,
        Action::AskExtension | Action::AskSuspension => {
            progress.ask = Some(Ask {
                what: if action == Action::AskExtension {
                    AskFor::Extension
                } else {
                    AskFor::Suspension
                },
                by: row.actor.clone(),
                at: row.at,
                until: details.until,
            });
        }
        Action::Decide => decided(case, row, details),
        Action::Resume => {
            progress.suspended_until = None;
            progress.suspended_at = None;
            progress.due_at = details.due;
        }
        Action::Merge => {
            progress.merged = details.case.map(|case| MergedInto { case, from: left });
        }
        Action::UndoMerge => progress.merged = None,
        Action::Reopen => reopened(case, row),
        Action::Appeal => {
            progress.appeal = Some(Appeal {
                by: row.actor.clone(),
                at: row.at,
                reviews: Vec::new(),
            });
        }
        Action::Review => {
            if let Some(appeal) = &mut progress.appeal {
                appeal.reviews.push(AppealReview {
                    by: row.actor.clone(),
                    agrees: details.yes == Some(true),
                });
            }
        }
        Action::Evaluate => progress.score = details.score,
        Action::SetUrgent => progress.urgent = details.yes == Some(true),
        Action::SetCard => {
            progress.card = details.card.unwrap_or_default();
            progress.card_by = (progress.card != Card::None).then(|| row.actor.clone());
        }
        Action::SetLevel => progress.level = details.level,
        Action::CallUp => called(progress, row, details),
        Action::AnswerCall => {
            let call = progress
                .calls
                .iter_mut()
                .find(|call| Some(call.number) == details.call);
            if let Some(call) = call {
                call.answered_at = Some(row.at);
                call.answered_by = Some(row.actor.clone());
            }
        }
    }
}

fn called(progress: &mut Progress, row: &Transition, details: &Details) {
    let number = u32::try_from(progress.calls.len()).unwrap_or(u32::MAX - 1) + 1;
    progress.calls.push(Call {
        number,
        unit: details.unit.clone().unwrap_or_default(),
        by: row.actor.clone(),
        at: row.at,
        due: details.due.unwrap_or(row.at),
        answered_at: None,
        answered_by: None,
    });
}

fn decided(case: &mut Case, row: &Transition, details: &Details) {
    let progress = &mut case.progress;
    let Some(ask) = progress.ask.take() else {
        return;
    };
    if details.yes != Some(true) {
        return;
    }
    match ask.what {
        AskFor::Extension => {
            progress.extended += 1;
            progress.due_at = details.due;
        }
        AskFor::Suspension => {
            progress.was_suspended = true;
            progress.suspended_until = ask.until;
            progress.suspended_at = Some(row.at);
        }
    }
}

/// A case that is opened again begins anew; what it went through stays in the history.
fn reopened(case: &mut Case, row: &Transition) {
    let before = std::mem::take(&mut case.progress);
    case.progress = Progress {
        reopened: before.reopened + 1,
        handlers: before.handlers,
        sent_back_by: before.sent_back_by,
        reworks: before.reworks,
        extended: before.extended,
        was_suspended: before.was_suspended,
        evidence: before.evidence,
        took_in: before.took_in,
        appeal: before.appeal,
        urgent: before.urgent,
        card: before.card,
        card_by: before.card_by,
        level: before.level,
        calls: before.calls,
        ..Progress::default()
    };
    case.acknowledged_at = Some(row.at);
    case.acknowledged_by = Some(row.actor.clone());
}

/// The first and the second person of a decision that takes two.
pub(super) fn is_senior(role: Option<Role>) -> bool {
    // A proposal of before roles were kept came from somebody who could close alone.
    role.is_none_or(|role| {
        matches!(
            role,
            Role::ShiftLeader | Role::Supervisor | Role::Leader | Role::Administrator
        )
    })
}
