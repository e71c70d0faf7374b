//! What people do to a case: who may, when, and what it leads to. Pure.
//!
//! Never lets one person end a P1, never changes a case that it refuses, and changes it only by rows
//! that are written to its history.

use gridwatch_protocol::{Severity, Timestamp};

use super::conditions::{self, Context, Lack};
use super::evolve::evolve;
use super::progress::Details;
use super::steps::{dispatched_with_the_filing, first_row};
use super::table::{self, To};
use super::{Action, Actor, Case, Change, Mode, Role, State, Transition};

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

/// Conditions say why; without a list of them in the catalogue the reason has to.
pub(super) fn needs_reason(case: &Case, action: Action, context: &Context<'_>) -> bool {
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
pub(super) fn needs_two(case: &Case, action: Action) -> bool {
    match action {
        Action::Close | Action::Reject => case.severity == Severity::P1,
        Action::ForceClose => true,
        _ => false,
    }
}

/// Whether this is the second person, who confirms.
pub(super) fn second_person(case: &Case, action: Action, actor: &Actor) -> Result<bool, Refusal> {
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
    let chosen = Details {
        position: None,
        ..request.details.clone()
    };
    match &case.proposal {
        Some(proposal) if confirms && chosen == Details::default() => Details {
            position: request.details.position,
            ..proposal.details.clone()
        },
        _ => request.details.clone(),
    }
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

/// Whether somebody of this role makes a decision of two persons weigh enough.
fn is_senior(role: Option<Role>) -> bool {
    // A proposal of before roles were kept came from somebody who could close alone.
    role.is_none_or(|role| {
        matches!(
            role,
            Role::ShiftLeader | Role::Supervisor | Role::Leader | Role::Administrator
        )
    })
}
