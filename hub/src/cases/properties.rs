//! No sequence of messages and actions breaks the engine's promises.

use std::collections::BTreeMap;

use gridwatch_protocol::{Alert, Kind, Phase, Severity, Timestamp};
use proptest::prelude::*;

use super::actions::{self, Request};
use super::desk::{Desk, Known, Outcome, Rules};
use super::sample::{START_MS, alert, arrival};
use super::{Action, Actor, Case, Role, State, Transition};
use crate::catalogue::Catalogue;

#[derive(Debug, Clone)]
enum Step {
    Message {
        id: u128,
        device: usize,
        kind: usize,
        severity: usize,
        revision: u32,
        phase: usize,
        test: bool,
    },
    Act {
        case: i64,
        action: usize,
        who: usize,
        stale: bool,
    },
    Wait {
        minutes: i64,
    },
}

const KINDS: [Kind; 4] = [
    Kind::Smoke,
    Kind::Temperature,
    Kind::DoorForced,
    Kind::Availability,
];
const SEVERITIES: [Severity; 4] = [Severity::P1, Severity::P2, Severity::P3, Severity::P4];
const PHASES: [Phase; 3] = [Phase::Raised, Phase::Updated, Phase::Cleared];
const OFFICERS: [(&str, Role); 4] = [
    ("duty", Role::DutyOfficer),
    ("li", Role::Supervisor),
    ("chen", Role::Supervisor),
    ("root", Role::Administrator),
];

fn step() -> impl Strategy<Value = Step> {
    let message = (
        0u128..12,
        0usize..3,
        0usize..4,
        0usize..4,
        0u32..4,
        0usize..3,
        any::<bool>(),
    )
        .prop_map(
            |(id, device, kind, severity, revision, phase, test)| Step::Message {
                id,
                device,
                kind,
                severity,
                revision,
                phase,
                test: test && id % 3 == 0,
            },
        );
    let act =
        (1i64..5, 0usize..5, 0usize..4, any::<bool>()).prop_map(|(case, action, who, stale)| {
            Step::Act {
                case,
                action,
                who,
                stale,
            }
        });
    prop_oneof![4 => message, 4 => act, 1 => (1i64..15).prop_map(|minutes| Step::Wait { minutes })]
}

fn message(step: &Step) -> Option<Alert> {
    let Step::Message {
        id,
        device,
        kind,
        severity,
        revision,
        phase,
        test,
    } = step
    else {
        return None;
    };
    let mut alert = alert(*id, ["a", "b", "c"][*device], KINDS[*kind]);
    alert.severity = SEVERITIES[*severity];
    alert.revision = *revision;
    alert.phase = PHASES[*phase];
    alert.is_test = *test;
    Some(alert)
}

/// What must hold between a case before and after any step.
fn check(before: Option<&Case>, after: &Case, by_message: bool) -> Result<(), TestCaseError> {
    prop_assert!(after.alerts_active <= after.alert_count);
    prop_assert!(after.decision_version <= after.version);
    prop_assert_eq!(after.state.is_open(), after.ended_at.is_none());
    prop_assert!(!(after.state == State::Reported && after.acknowledged_at.is_some()));
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
        prop_assert_eq!(
            after.state.is_open(),
            before.state.is_open(),
            "a message never ends a case"
        );
    }
    if !before.state.is_open() {
        prop_assert_eq!(after.state, before.state, "an ended case stays as it is");
    }
    Ok(())
}

/// What must hold of the whole history of every case.
fn check_history(case: &Case, history: &[&Transition]) -> Result<(), TestCaseError> {
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
        state = Some(transition.to);
    }
    prop_assert_eq!(state, Some(case.state));
    if case.severity == Severity::P1 {
        for (at, end) in history
            .iter()
            .enumerate()
            .filter(|(_, t)| matches!(t.action.as_str(), "close" | "reject"))
        {
            let was_p1_then = end.from.is_some_and(State::is_open);
            let name = format!("propose_{}", end.action);
            let proposed = history[..at].iter().rev().find(|t| t.action == name);
            let escalated_later = history[at..].iter().any(|t| t.action == "escalate");
            prop_assert!(
                !was_p1_then || escalated_later || proposed.is_some_and(|p| p.actor != end.actor),
                "a P1 was ended by one person"
            );
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_messages_and_actions_breaks_a_promise(steps in prop::collection::vec(step(), 1..60)) {
        let catalogue = Catalogue::parse(include_str!("../../../configs/categories.toml")).unwrap();
        let rules = Rules { catalogue: &catalogue, fire_group_ms: 600_000, utc_offset_minutes: 480 };
        let mut desk = Desk::new(rules, Known { next_case: 1, ..Known::default() });
        let mut now = Timestamp::from_unix_ms(START_MS);
        for step in &steps {
            let before: BTreeMap<i64, Case> = desk.known.cases.clone();
            let by_message = matches!(step, Step::Message { .. });
            match step {
                Step::Wait { minutes } => now = now.plus_ms(minutes * 60_000),
                Step::Message { .. } => {
                    let arrival = arrival(message(step).unwrap());
                    let known = desk.known.messages.contains(&(arrival.alert.id, arrival.alert.revision));
                    let outcome = desk.receive(&arrival, None, now);
                    prop_assert_eq!(outcome == Outcome::Duplicate, known);
                    let again = desk.receive(&arrival, None, now);
                    prop_assert_eq!(again, Outcome::Duplicate);
                }
                Step::Act { case, action, who, stale } => {
                    let Some(case) = desk.known.cases.get_mut(case) else { continue };
                    let (name, role) = OFFICERS[*who];
                    let actor = Actor { username: name.into(), display_name: name.into(), role };
                    let request = Request {
                        action: Action::ALL[*action],
                        reason: Some("reason".into()),
                        version: if *stale { case.decision_version - 1 } else { case.version },
                    };
                    let id = case.id;
                    let copy = case.clone();
                    match actions::apply(case, &request, &actor, now) {
                        Ok((transition, _)) => {
                            prop_assert!(!stale, "a stale decision was applied");
                            desk.changes.transitions.push((id, transition));
                        }
                        Err(_) => prop_assert_eq!(&*case, &copy, "a refused action changed the case"),
                    }
                    let case = &desk.known.cases[&id];
                    if !case.state.is_open() {
                        // What the store does in the same transaction.
                        desk.known.keys.retain(|_, holder| *holder != id);
                    }
                }
            }
            now = now.plus_ms(1_000);
            for (id, case) in &desk.known.cases {
                check(before.get(id), case, by_message)?;
            }
        }
        for (id, case) in &desk.known.cases {
            let history: Vec<&Transition> =
                desk.changes.transitions.iter().filter(|(of, _)| of == id).map(|(_, t)| t).collect();
            check_history(case, &history)?;
            let alerts = desk.known.alerts.values().filter(|record| record.case == *id);
            prop_assert_eq!(alerts.count(), usize::try_from(case.alert_count).unwrap());
        }
    }
}
