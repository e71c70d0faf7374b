//! The one function that changes a case's way through the loop.
//!
//! [`evolve`] reads nothing but the transition: so the history, read again from its first row, gives
//! the same case. It never refuses; whether a step is right is decided before (see
//! [`super::actions`]).

use super::progress::{
    Appeal, AppealReview, Ask, AskFor, Call, Checking, Details, MergedInto, Progress, Task,
};
use super::{Action, Card, Case, Mode, Proposal, SYSTEM, State, TaskState, Transition};

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
        None => by_the_hub(case, row, details),
    }
}

fn by_the_hub(case: &mut Case, row: &Transition, details: &Details) {
    let name = row.action.as_str();
    if matches!(name, "report" | "escalate" | "raise_level") {
        rise(case, details);
    }
    match name {
        "escalate" | "lapse" | "report_again" if details.unacknowledged => {
            case.acknowledged_at = None;
            case.acknowledged_by = None;
        }
        "proposal_lapsed" => case.proposal = None,
        // What was checked was checked without what has come since.
        "join" => case.progress.check = None,
        "take_in" => {
            case.proposal = None;
            case.progress.took_in.extend(details.case);
            if details.unacknowledged {
                case.acknowledged_at = None;
                case.acknowledged_by = None;
            }
        }
        "give_back" => case.progress.took_in.retain(|id| Some(*id) != details.case),
        // The step above is a unit that is called, if there is one.
        "escalate_answer" if details.unit.is_some() => called(&mut case.progress, row, details),
        "card_answer" => card_of_answer(&mut case.progress, details),
        _ => {}
    }
}

/// The level rises with what the hub has worked out.
fn rise(case: &mut Case, details: &Details) {
    if details.level.is_some() {
        case.progress.level = details.level;
    }
}

fn card_of_answer(progress: &mut Progress, details: &Details) {
    let card = details.card.unwrap_or_default();
    let call = progress
        .calls
        .iter_mut()
        .find(|call| Some(call.number) == details.call);
    if let Some(call) = call {
        call.card = card;
        return;
    }
    let mut tasks = progress.tasks.iter_mut();
    if let Some(task) = tasks.find(|task| Some(&task.unit) == details.unit.as_ref()) {
        task.card = card;
    }
}

fn acknowledged(case: &mut Case, row: &Transition) {
    if case.acknowledged_at.is_none() {
        case.acknowledged_at = Some(row.at);
        case.acknowledged_by = Some(row.actor.clone());
    }
}

/// What the hub filed itself is acknowledged at the latest by whoever takes it on.
fn takes_on(action: Action) -> bool {
    matches!(
        action,
        Action::Dispatch
            | Action::Consult
            | Action::Handle
            | Action::Settle
            | Action::Check
            | Action::Rework
            | Action::Close
            | Action::ForceClose
    )
}

fn by_action(case: &mut Case, action: Action, left: State, row: &Transition, details: &Details) {
    let by_hub = row.actor == SYSTEM;
    if !by_hub && takes_on(action) {
        acknowledged(case, row);
    }
    let progress = &mut case.progress;
    match action {
        Action::Acknowledge | Action::Verify | Action::Verified => acknowledged(case, row),
        Action::File => {
            progress.filed_as.clone_from(&details.condition);
            progress.mode = details.mode;
            progress.urgent |= details.mode == Some(Mode::Urgent);
            progress.filed_by_hub = by_hub;
            if let Some(category) = &details.category {
                case.category.clone_from(category);
            }
            if !by_hub {
                acknowledged(case, row);
            }
        }
        Action::Reject => {
            progress.rejected_as.clone_from(&details.condition);
        }
        Action::Dispatch => {
            progress.unit.clone_from(&details.unit);
            progress.dispatched_at = Some(row.at);
            progress.due_at = details.due;
            progress.returned_from = None;
            progress.contained_at = None;
            progress.handler = None;
            progress.ask = None;
        }
        Action::Contain => {
            progress.contained_at = Some(row.at);
            progress.worked(&row.actor);
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
                    card: Card::None,
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
        Action::ForceClose => {
            progress.ask = None;
            progress.forced = true;
        }
        Action::AskExtension | Action::AskSuspension => {
            let asked = if action == Action::AskExtension {
                &mut progress.asked_extension
            } else {
                &mut progress.asked_suspension
            };
            *asked = asked.saturating_add(1);
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
            // A red card brings the response one level up.
            progress.level = details.level.or(progress.level);
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
        card: Card::None,
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
        asked_extension: before.asked_extension,
        asked_suspension: before.asked_suspension,
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
    // A new alarm is new to people, whoever looked at the old one.
    let by_hub = row.actor == SYSTEM;
    case.acknowledged_at = (!by_hub).then_some(row.at);
    case.acknowledged_by = (!by_hub).then(|| row.actor.clone());
}

impl Progress {
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
