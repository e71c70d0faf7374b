//! What must hold of a case after each step, and of its whole history.

use std::collections::BTreeSet;

use gridwatch_protocol::Severity;
use proptest::prelude::*;

use crate::cases::conditions::EXTENSIONS_MAX;
use crate::cases::evolve::evolve;
use crate::cases::{Case, Progress, State, Transition, table};

/// What must hold between a case before and after any step.
pub(super) fn check(
    before: Option<&Case>,
    after: &Case,
    by_message: bool,
) -> Result<(), TestCaseError> {
    prop_assert!(after.alerts_active <= after.alert_count);
    prop_assert!(after.decision_version <= after.version);
    prop_assert_eq!(after.state.is_open(), after.ended_at.is_none());
    prop_assert_eq!(
        after.acknowledged_at.is_some(),
        after.acknowledged_by.is_some()
    );
    prop_assert!(after.proposal.is_none() || after.state.is_open());
    prop_assert!(after.progress.extended <= EXTENSIONS_MAX);
    prop_assert!(
        !(after.state == State::Suspended && after.severity <= Severity::P2),
        "an urgent case is suspended"
    );
    let Some(before) = before else { return Ok(()) };
    prop_assert!(after.version >= before.version, "a version never goes back");
    prop_assert!(
        after.version > before.version || after == before,
        "no change without a version"
    );
    prop_assert!(
        after.severity <= before.severity,
        "a case never becomes less urgent"
    );
    prop_assert!(after.transitions >= before.transitions);
    prop_assert!(
        !after.is_drill || before.is_drill,
        "a real case never becomes a drill"
    );
    prop_assert_eq!(&after.number, &before.number);
    if by_message {
        prop_assert!(
            after.state.is_open() || !before.state.is_open(),
            "a message never ends a case"
        );
    }
    if before.state == State::Evaluated {
        prop_assert_eq!(
            &after.progress,
            &before.progress,
            "an archived case stays as it is"
        );
        prop_assert_eq!(after.state, State::Evaluated);
    }
    Ok(())
}

/// What must hold of the whole history of every case.
pub(super) fn check_history(case: &Case, history: &[&Transition]) -> Result<(), TestCaseError> {
    let numbers: Vec<i64> = history.iter().map(|t| t.seq).collect();
    let expected: Vec<i64> = (1..=case.transitions).collect();
    prop_assert_eq!(numbers, expected, "transitions are numbered without gaps");
    let mut state = None;
    for transition in history {
        prop_assert_eq!(
            transition.from,
            state,
            "each transition starts where the last one ended"
        );
        prop_assert!(
            table::permits(&transition.action, transition.from, transition.to),
            "{:?} is not in the table",
            transition
        );
        state = Some(transition.to);
    }
    prop_assert_eq!(state, Some(case.state));
    check_two_persons(case, history)?;
    check_handlers(history)?;
    check_replay(case, history)
}

fn check_two_persons(case: &Case, history: &[&Transition]) -> Result<(), TestCaseError> {
    for (at, end) in history.iter().enumerate() {
        let escalated_later = history[at..]
            .iter()
            .any(|t| matches!(t.action.as_str(), "escalate" | "take_in"));
        let two = match end.action.as_str() {
            "close" | "reject" => case.severity == Severity::P1 && !escalated_later,
            "force_close" => true,
            _ => false,
        };
        let name = format!("propose_{}", end.action);
        let proposed = history[..at].iter().rev().find(|t| t.action == name);
        prop_assert!(
            !two || proposed.is_some_and(|p| p.actor != end.actor),
            "it was ended by one person"
        );
    }
    Ok(())
}

fn check_handlers(history: &[&Transition]) -> Result<(), TestCaseError> {
    let mut handlers = BTreeSet::new();
    for row in history {
        match row.action.as_str() {
            "handle" | "feedback" | "settle" | "finish_task" => {
                handlers.insert(row.actor.clone());
            }
            "close" | "checked" => {
                prop_assert!(
                    !handlers.contains(&row.actor),
                    "the handler decided on his own work"
                );
            }
            _ => {}
        }
    }
    Ok(())
}

/// The history, read again from its first row, gives the same case.
fn check_replay(case: &Case, history: &[&Transition]) -> Result<(), TestCaseError> {
    let mut again = Case {
        state: State::Reported,
        acknowledged_at: None,
        acknowledged_by: None,
        ended_at: None,
        proposal: None,
        progress: Progress::default(),
        ..case.clone()
    };
    for row in history {
        evolve(&mut again, row);
    }
    // Its category follows its alerts, too, which are not in the history.
    again.category.clone_from(&case.category);
    prop_assert_eq!(&again, case);
    Ok(())
}
