//! What people do to a case: who may, when, and what it leads to. Pure.
//!
//! Never lets one person end a P1, never changes a case that it refuses, and changes it only by rows
//! that are written to its history.

use gridwatch_protocol::{Severity, Text, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::conditions::{self, Context, Lack, SENT_BACK_MAX, lack};
use super::fields::{self, Field};
use super::progress::{AskFor, Details, Evidence, evolve, is_senior};
use super::table::{self, To};
use super::{Action, Actor, Case, Change, Mode, Role, SYSTEM, State, Transition, text};

/// At most this many bytes in a reason.
pub const REASON_BYTES_MAX: usize = 4_000;

/// Why an action was refused. Nothing changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The case changed since the officer looked.
    #[error("the case has changed since version {given}; it is at version {current}")]
    Conflict {
        /// The version that the decision was based on.
        given: i64,
        /// The present version.
        current: i64,
    },
    /// The role may not do this.
    #[error("the role {} may not {} a case", role.as_str(), action.as_str())]
    NotAllowed {
        /// The officer's role.
        role: Role,
        /// What they tried.
        action: Action,
    },
    /// The action needs a reason and has none, or it is too long.
    #[error("`{}` needs a reason of 1 to {REASON_BYTES_MAX} bytes", action.as_str())]
    ReasonNeeded {
        /// What they tried.
        action: Action,
    },
    /// Not in this state.
    #[error("`{}` is not possible in state {}", action.as_str(), state.as_str())]
    WrongState {
        /// What they tried.
        action: Action,
        /// The case's state.
        state: State,
    },
    /// It takes two persons, and this is the first one again, or neither of them is a senior one.
    #[error("it takes a second person to {} this case; {by} has already proposed it", action.as_str())]
    SecondPersonNeeded {
        /// What they tried.
        action: Action,
        /// Who proposed it.
        by: String,
    },
    /// Something is missing or wrong; everything is told.
    #[error("`{}` needs more: {}", action.as_str(), in_words(missing))]
    Incomplete {
        /// What they tried.
        action: Action,
        /// What is missing.
        missing: Vec<Lack>,
    },
}

fn in_words(missing: &[Lack]) -> String {
    let words: Vec<&str> = missing.iter().map(|lack| lack.text.en.as_str()).collect();
    words.join("; ")
}

/// What somebody wants.
#[derive(Debug, Clone)]
pub struct Request {
    /// What to do.
    pub action: Action,
    /// Why.
    pub reason: Option<String>,
    /// What else the action takes.
    pub details: Details,
    /// The version that the decision is based on.
    pub version: i64,
}

/// What was decided: rows for the history, already applied to the case, and what to tell.
#[derive(Debug, Clone, PartialEq)]
pub struct Decided {
    /// One row for each step.
    pub rows: Vec<Transition>,
    /// What to tell the live feed.
    pub change: Change,
}

/// What somebody can do now, for the console.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AllowedAction {
    /// The action.
    pub action: Action,
    /// Whether it must say why.
    pub needs_reason: bool,
    /// Why not now, if not: what is missing, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked: Option<Text>,
    /// What is missing for it that the request cannot bring.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Lack>,
    /// What the request takes beside the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Field>,
    /// Whether it takes two persons: the first proposes, a second one confirms.
    #[serde(default)]
    pub second_person: bool,
}

/// Applies somebody's action.
///
/// # Errors
/// [`Refusal`]; the case is unchanged.
pub fn apply(
    case: &mut Case,
    request: &Request,
    actor: &Actor,
    context: &Context<'_>,
    now: Timestamp,
) -> Result<Decided, Refusal> {
    let action = request.action;
    let row = table::line(action);
    if !row.roles.contains(&actor.role) {
        return Err(Refusal::NotAllowed {
            role: actor.role,
            action,
        });
    }
    if request.version < case.decision_version || request.version > case.version {
        return Err(Refusal::Conflict {
            given: request.version,
            current: case.version,
        });
    }
    if !row.from.contains(&case.state) {
        return Err(Refusal::WrongState {
            action,
            state: case.state,
        });
    }
    let reason = checked_reason(case, request, context)?;
    let confirms = second_person(case, action, actor)?;
    let details = given_details(case, request, confirms);
    let mut missing = conditions::obstacles(case, action, actor, context, now);
    missing.extend(conditions::wrong_details(
        case, action, &details, actor, context, now,
    ));
    if !missing.is_empty() {
        return Err(Refusal::Incomplete { action, missing });
    }
    let proposes = needs_two(case, action) && !confirms;
    let mut rows = vec![first_row(
        case, action, proposes, actor, reason, details, context, now,
    )];
    evolve(case, &rows[0]);
    if action == Action::File && !proposes {
        rows.extend(dispatched_with_the_filing(case, context, now));
    }
    case.touch(now, action != Action::Note);
    let change = change_of(action, proposes);
    Ok(Decided { rows, change })
}

/// What somebody can do to a case now.
#[must_use]
pub fn allowed(
    case: &Case,
    actor: &Actor,
    context: &Context<'_>,
    now: Timestamp,
) -> Vec<AllowedAction> {
    table::TABLE
        .iter()
        .filter(|row| row.roles.contains(&actor.role) && row.from.contains(&case.state))
        .filter(|row| concerns(case, row.action, actor, context))
        .map(|row| {
            let action = row.action;
            let mut missing = conditions::obstacles(case, action, actor, context, now);
            if let Err(Refusal::SecondPersonNeeded { by, .. }) = second_person(case, action, actor)
            {
                missing.push(lack(
                    "second_person",
                    format!("等待第二人确认（{by} 已提出）"),
                    format!("waits for a second person ({by} has proposed it)"),
                ));
            }
            AllowedAction {
                action,
                needs_reason: needs_reason(case, action, context),
                blocked: blocked(&missing),
                fields: if missing.is_empty() {
                    fields::fields(case, action, actor, context)
                } else {
                    Vec::new()
                },
                missing,
                second_person: needs_two(case, action),
            }
        })
        .collect()
}

/// Whether an action means anything for this person and case: what never can is not shown.
fn concerns(case: &Case, action: Action, actor: &Actor, context: &Context<'_>) -> bool {
    let progress = &case.progress;
    match action {
        Action::Acknowledge => case.acknowledged_at.is_none(),
        Action::Decide => progress.ask.is_some(),
        Action::Settle => case.state != State::Filed || conditions::settles(context.mode(case)),
        Action::Review => progress
            .appeal
            .as_ref()
            .is_some_and(|a| a.succeeded().is_none()),
        Action::Answer | Action::FinishTask => progress
            .tasks
            .iter()
            .any(|task| Some(&task.unit) == actor.unit.as_ref()),
        Action::AnswerCall => progress
            .calls
            .iter()
            .any(|call| call.answered_at.is_none() && Some(&call.unit) == actor.unit.as_ref()),
        Action::ForceClose => actor.role == Role::Leader || case.proposal.is_some(),
        _ => true,
    }
}

fn blocked(missing: &[Lack]) -> Option<Text> {
    let zh: Vec<&str> = missing.iter().map(|lack| lack.text.zh.as_str()).collect();
    let en: Vec<&str> = missing.iter().map(|lack| lack.text.en.as_str()).collect();
    (!missing.is_empty()).then(|| text(zh.join("；"), en.join("; ")))
}

/// Conditions say why; without a list of them in the catalogue the reason has to.
fn needs_reason(case: &Case, action: Action, context: &Context<'_>) -> bool {
    let category = context.category(case);
    table::line(action).reason
        || match action {
            Action::File => category.is_none_or(|category| category.filing.is_empty()),
            Action::Close => category.is_none_or(|category| category.closing.is_empty()),
            Action::Dispatch => context.mode(case) == Some(Mode::Study),
            _ => false,
        }
}

fn checked_reason(
    case: &Case,
    request: &Request,
    context: &Context<'_>,
) -> Result<Option<String>, Refusal> {
    let reason = request
        .reason
        .as_deref()
        .map(str::trim)
        .filter(|reason| !reason.is_empty());
    let too_long = reason.is_some_and(|reason| reason.len() > REASON_BYTES_MAX);
    if too_long || (reason.is_none() && needs_reason(case, request.action, context)) {
        return Err(Refusal::ReasonNeeded {
            action: request.action,
        });
    }
    Ok(reason.map(str::to_owned))
}

/// Whether the action takes two persons: ending a P1, and closing by force.
fn needs_two(case: &Case, action: Action) -> bool {
    match action {
        Action::Close | Action::Reject => case.severity == Severity::P1,
        Action::ForceClose => true,
        _ => false,
    }
}

/// Whether this is the second person, who confirms.
fn second_person(case: &Case, action: Action, actor: &Actor) -> Result<bool, Refusal> {
    if !needs_two(case, action) {
        return Ok(false);
    }
    let proposal = case
        .proposal
        .as_ref()
        .filter(|proposal| proposal.action == action);
    let Some(proposal) = proposal else {
        // By force only a leader begins.
        return if action == Action::ForceClose && actor.role != Role::Leader {
            Err(Refusal::NotAllowed {
                role: actor.role,
                action,
            })
        } else {
            Ok(false)
        };
    };
    let senior = is_senior(proposal.role) || is_senior(Some(actor.role));
    if proposal.by == actor.username || !senior {
        return Err(Refusal::SecondPersonNeeded {
            action,
            by: proposal.by_name.clone(),
        });
    }
    Ok(true)
}

/// The second person may leave out what the first one has chosen.
fn given_details(case: &Case, request: &Request, confirms: bool) -> Details {
    match &case.proposal {
        Some(proposal) if confirms && request.details == Details::default() => {
            proposal.details.clone()
        }
        _ => request.details.clone(),
    }
}

#[expect(clippy::too_many_arguments, reason = "the parts of one row")]
fn first_row(
    case: &mut Case,
    action: Action,
    proposes: bool,
    actor: &Actor,
    reason: Option<String>,
    mut details: Details,
    context: &Context<'_>,
    now: Timestamp,
) -> Transition {
    let to = if proposes {
        case.state
    } else {
        target(case, action, &details)
    };
    if !proposes {
        work_out(case, action, &mut details, actor, context, now);
    }
    let name = action.as_str();
    case.transitions += 1;
    Transition {
        seq: case.transitions,
        at: now,
        actor: actor.username.clone(),
        actor_name: actor.display_name.clone(),
        role: Some(actor.role),
        action: if proposes {
            format!("propose_{name}")
        } else {
            name.to_owned()
        },
        from: Some(case.state),
        to,
        reason,
        note: None,
        evidence_hash: evidence_hash(&details.evidence),
        details: (details != Details::default()).then_some(details),
    }
}

/// The state that an action leads to.
fn target(case: &Case, action: Action, details: &Details) -> State {
    match (table::line(action).to, action) {
        (To::Stay, _) => case.state,
        (To::Become(state), _) => state,
        (To::OneOf(_), Action::SendBack) => {
            if case.progress.sent_back_by.len() + 1 >= SENT_BACK_MAX {
                State::Consulting
            } else {
                State::Returned
            }
        }
        (To::OneOf(_), Action::Decide) => {
            let suspends = case
                .progress
                .ask
                .as_ref()
                .is_some_and(|ask| ask.what == AskFor::Suspension);
            if suspends && details.yes == Some(true) {
                State::Suspended
            } else {
                case.state
            }
        }
        (To::OneOf(_), _) => case
            .progress
            .merged
            .as_ref()
            .map_or(State::Reported, |merged| merged.from),
    }
}

/// What the history has to keep beside what the request brought.
fn work_out(
    case: &Case,
    action: Action,
    details: &mut Details,
    actor: &Actor,
    context: &Context<'_>,
    now: Timestamp,
) {
    let progress = &case.progress;
    match action {
        Action::File => {
            let category = details.category.as_deref().unwrap_or(&case.category);
            let usual = context
                .catalogue
                .get(category)
                .and_then(|category| category.mode);
            details.mode = details.mode.or(usual);
        }
        // A case that goes out again goes on with the limit that it has.
        Action::Dispatch => details.due = progress.due_at.or(context.due),
        Action::SendBack | Action::Answer | Action::FinishTask => {
            details.unit.clone_from(&actor.unit)
        }
        Action::Decide if details.yes == Some(true) => {
            let extends = progress
                .ask
                .as_ref()
                .is_some_and(|ask| ask.what == AskFor::Extension);
            details.due = if extends {
                context.extended_due
            } else {
                progress.due_at
            };
        }
        Action::Resume => details.due = due_after_suspension(case, now),
        Action::CallUp => details.due = Some(now.plus_ms(call_ms(case.severity))),
        Action::UndoMerge => details.case = progress.merged.as_ref().map(|merged| merged.case),
        _ => {}
    }
}

/// The time that was left when the case was suspended, from now.
pub(super) fn due_after_suspension(case: &Case, now: Timestamp) -> Option<Timestamp> {
    let progress = &case.progress;
    let stood_still = progress
        .suspended_at
        .map_or(0, |at| now.ms_since(at).max(0));
    progress.due_at.map(|due| due.plus_ms(stood_still))
}

/// A called unit answers within the time in which the case itself has to be acknowledged, five times.
fn call_ms(severity: Severity) -> i64 {
    5 * crate::catalogue::acknowledge_ms_of(severity)
}

/// 紧急办: when one unit owns the case's place and category, it is dispatched with its filing.
fn dispatched_with_the_filing(
    case: &mut Case,
    context: &Context<'_>,
    now: Timestamp,
) -> Option<Transition> {
    if context.mode(case) != Some(Mode::Urgent) {
        return None;
    }
    let owner = context.owner(case, &case.category)?;
    let note = text(
        format!("紧急办：由责任部门 {} 处置", owner.name.zh),
        format!("urgent: goes to {}, whose duty it is", owner.name.en),
    );
    let details = Details {
        unit: Some(owner.code.clone()),
        due: context.due,
        ..Details::default()
    };
    Some(own_step(
        case,
        "dispatch",
        State::Dispatched,
        details,
        note,
        now,
    ))
}

/// A step that the hub takes itself.
pub(crate) fn own_step(
    case: &mut Case,
    name: &str,
    to: State,
    details: Details,
    note: Text,
    now: Timestamp,
) -> Transition {
    case.transitions += 1;
    let row = Transition {
        seq: case.transitions,
        at: now,
        actor: SYSTEM.to_owned(),
        actor_name: SYSTEM.to_owned(),
        role: None,
        action: name.to_owned(),
        from: Some(case.state),
        to,
        reason: None,
        note: Some(note),
        evidence_hash: None,
        details: (details != Details::default()).then_some(details),
    };
    evolve(case, &row);
    row
}

/// SHA-256 over the list of evidence as JSON, in hexadecimal; none without evidence.
#[must_use]
pub fn evidence_hash(evidence: &[Evidence]) -> Option<String> {
    if evidence.is_empty() {
        return None;
    }
    let json = serde_json::to_vec(evidence).expect("texts and times have a JSON form");
    Some(hex::encode(Sha256::digest(json)))
}

fn change_of(action: Action, proposes: bool) -> Change {
    if proposes {
        return Change::Updated;
    }
    match action {
        Action::Acknowledge => Change::Acknowledged,
        Action::File => Change::Filed,
        Action::Close | Action::ForceClose => Change::Closed,
        Action::Reject => Change::Rejected,
        Action::Note => Change::Noted,
        _ if table::line(action).to == To::Stay => Change::Updated,
        _ => Change::Moved,
    }
}
