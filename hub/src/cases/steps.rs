//! Rows for the history: of people's actions and of the hub's own steps. Pure.

use gridwatch_protocol::{Severity, Text, Timestamp};
use sha2::{Digest, Sha256};

use super::conditions::{Context, SENT_BACK_MAX};
use super::evolve::evolve;
use super::progress::{AskFor, Details, Evidence};
use super::table::{self, To};
use super::{Action, Actor, Case, Mode, SYSTEM, State, Transition, text};
use crate::clocks::{Calendar, ClockType};
use crate::correlation::level;

#[expect(clippy::too_many_arguments, reason = "the parts of one row")]
pub(super) fn first_row(
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
        Action::SetCard => {
            details.level = level::by_card(progress.level, details.card.unwrap_or_default());
        }
        Action::Resume => details.due = context.resumed_due,
        Action::CallUp => details.due = Some(now.plus_ms(call_ms(case.severity))),
        Action::UndoMerge => details.case = progress.merged.as_ref().map(|merged| merged.case),
        _ => {}
    }
}

/// Until when a case is due whose suspension ends now: what was left of its limit when it was suspended,
/// by the limit's own clock, from now. So it agrees with the clocks page, also over nights and holidays.
/// What was overdue already stays due when it was.
#[must_use]
pub fn due_after_suspension(
    case: &Case,
    calendar: &Calendar,
    clock: ClockType,
    now: Timestamp,
) -> Option<Timestamp> {
    let progress = &case.progress;
    let (Some(due), Some(since)) = (progress.due_at, progress.suspended_at) else {
        return progress.due_at;
    };
    if due <= since {
        return Some(due);
    }
    let left = calendar.elapsed_ms(since, due, clock);
    Some(calendar.due_ms(now, left, clock))
}

/// A called unit answers within five minutes for a P1, a quarter of an hour for a P2, an hour for a P3
/// and a day for a P4, in milliseconds.
pub(crate) fn call_ms(severity: Severity) -> i64 {
    const MINUTE: i64 = 60_000;
    match severity {
        Severity::P1 => 5 * MINUTE,
        Severity::P2 => 15 * MINUTE,
        Severity::P3 => 60 * MINUTE,
        Severity::P4 => 24 * 60 * MINUTE,
    }
}

/// 紧急办: when one unit owns the case's place and category, it is dispatched with its filing.
pub(super) fn dispatched_with_the_filing(
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
