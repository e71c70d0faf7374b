//! What officers do to a case: who may, when, and what it leads to. Pure.
//!
//! Never lets one person end a P1, never changes a case that it refuses.

use gridwatch_protocol::{Severity, Text, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Action, Actor, Case, Change, Proposal, Role, State, Transition, text};

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
    #[error("the role {} may not {action:?} a case", role.as_str())]
    NotAllowed {
        /// The officer's role.
        role: Role,
        /// What they tried.
        action: Action,
    },
    /// The action needs a reason and has none, or it is too long.
    #[error("{action:?} needs a reason of 1 to {REASON_BYTES_MAX} bytes")]
    ReasonNeeded {
        /// What they tried.
        action: Action,
    },
    /// Not in this state.
    #[error("{action:?} is not possible in state {}", state.as_str())]
    WrongState {
        /// What they tried.
        action: Action,
        /// The case's state.
        state: State,
    },
    /// A P1 is ended by two persons, and this is the first one again.
    #[error("a P1 case needs a second person to {action:?} it; {by} has already proposed it")]
    SecondPersonNeeded {
        /// What they tried.
        action: Action,
        /// Who proposed it.
        by: String,
    },
}

/// What an officer wants.
#[derive(Debug, Clone)]
pub struct Request {
    /// What to do.
    pub action: Action,
    /// Why.
    pub reason: Option<String>,
    /// The version that the decision is based on.
    pub version: i64,
}

/// What an officer can do now, for the console.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AllowedAction {
    /// The action.
    pub action: Action,
    /// Whether it must say why.
    pub needs_reason: bool,
    /// Why not now, if not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked: Option<Text>,
    /// Whether it takes two persons: the first proposes, a second one confirms.
    #[serde(default)]
    pub second_person: bool,
}

/// Applies an officer's action.
///
/// # Errors
/// [`Refusal`]; the case is unchanged.
pub fn apply(
    case: &mut Case,
    request: &Request,
    actor: &Actor,
    now: Timestamp,
) -> Result<(Transition, Change), Refusal> {
    let action = request.action;
    check_role(action, actor.role)?;
    if request.version < case.decision_version || request.version > case.version {
        return Err(Refusal::Conflict {
            given: request.version,
            current: case.version,
        });
    }
    if !state_allows(action, case.state) {
        return Err(Refusal::WrongState {
            action,
            state: case.state,
        });
    }
    let reason = checked_reason(request)?;
    let from = case.state;
    let (name, change) = match action {
        Action::Note => ("note", Change::Noted),
        Action::Acknowledge => {
            acknowledge(case, actor, now);
            ("acknowledge", Change::Acknowledged)
        }
        Action::File => {
            acknowledge(case, actor, now);
            case.state = State::Filed;
            case.proposal = None;
            ("file", Change::Filed)
        }
        Action::Close | Action::Reject => end(case, action, reason.as_deref(), actor, now)?,
    };
    case.touch(now, action != Action::Note);
    case.transitions += 1;
    let transition = Transition {
        seq: case.transitions,
        at: now,
        actor: actor.username.clone(),
        actor_name: actor.display_name.clone(),
        action: name.to_owned(),
        from: Some(from),
        to: case.state,
        reason,
        note: None,
    };
    Ok((transition, change))
}

/// What an officer can do to a case now.
#[must_use]
pub fn allowed(case: &Case, actor: &Actor) -> Vec<AllowedAction> {
    let possible = |action: &Action| {
        check_role(*action, actor.role).is_ok() && state_allows(*action, case.state)
    };
    Action::ALL
        .into_iter()
        .filter(possible)
        .map(|action| AllowedAction {
            action,
            needs_reason: action.needs_reason(),
            blocked: waits_for_second(case, action, actor).map(|by| {
                text(
                    format!("等待第二人确认（{by} 已提出）"),
                    format!("waits for a second person ({by} has proposed it)"),
                )
            }),
            second_person: needs_two(case, action),
        })
        .collect()
}

fn acknowledge(case: &mut Case, actor: &Actor, now: Timestamp) {
    case.state = State::Acknowledged;
    if case.acknowledged_at.is_none() {
        case.acknowledged_at = Some(now);
        case.acknowledged_by = Some(actor.username.clone());
    }
}

fn end(
    case: &mut Case,
    action: Action,
    reason: Option<&str>,
    actor: &Actor,
    now: Timestamp,
) -> Result<(&'static str, Change), Refusal> {
    if let Some(by) = waits_for_second(case, action, actor) {
        return Err(Refusal::SecondPersonNeeded {
            action,
            by: by.to_owned(),
        });
    }
    let confirmed = case
        .proposal
        .as_ref()
        .is_some_and(|proposal| proposal.action == action);
    let closes = action == Action::Close;
    if needs_two(case, action) && !confirmed {
        case.proposal = Some(Proposal {
            action,
            by: actor.username.clone(),
            by_name: actor.display_name.clone(),
            reason: reason.unwrap_or_default().to_owned(),
            at: now,
        });
        let name = if closes {
            "propose_close"
        } else {
            "propose_reject"
        };
        return Ok((name, Change::Updated));
    }
    case.proposal = None;
    case.ended_at = Some(now);
    if closes {
        case.state = State::Closed;
        Ok(("close", Change::Closed))
    } else {
        case.state = State::Rejected;
        Ok(("reject", Change::Rejected))
    }
}

fn needs_two(case: &Case, action: Action) -> bool {
    case.severity == Severity::P1 && matches!(action, Action::Close | Action::Reject)
}

/// The name of the first person, if the action waits for a second one and this is not them.
fn waits_for_second<'a>(case: &'a Case, action: Action, actor: &Actor) -> Option<&'a str> {
    let proposal = case.proposal.as_ref()?;
    let same = proposal.action == action && proposal.by == actor.username;
    (needs_two(case, action) && same).then_some(proposal.by_name.as_str())
}

fn state_allows(action: Action, state: State) -> bool {
    match action {
        Action::Acknowledge => state == State::Reported,
        Action::File | Action::Reject => matches!(state, State::Reported | State::Acknowledged),
        Action::Close => state == State::Filed,
        Action::Note => true,
    }
}

fn check_role(action: Action, role: Role) -> Result<(), Refusal> {
    let needed = match action {
        Action::Acknowledge | Action::File | Action::Note => Role::DutyOfficer,
        Action::Close | Action::Reject => Role::Supervisor,
    };
    if role >= needed {
        Ok(())
    } else {
        Err(Refusal::NotAllowed { role, action })
    }
}

fn checked_reason(request: &Request) -> Result<Option<String>, Refusal> {
    let reason = request
        .reason
        .as_deref()
        .map(str::trim)
        .filter(|reason| !reason.is_empty());
    let too_long = reason.is_some_and(|reason| reason.len() > REASON_BYTES_MAX);
    if too_long || (request.action.needs_reason() && reason.is_none()) {
        return Err(Refusal::ReasonNeeded {
            action: request.action,
        });
    }
    Ok(reason.map(str::to_owned))
}
