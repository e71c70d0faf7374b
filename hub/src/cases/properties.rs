//! No sequence of messages and actions breaks the engine's promises.

mod promises;

use std::collections::{BTreeMap, BTreeSet};

use gridwatch_protocol::{Alert, AlertId, Kind, Phase, Severity, Timestamp};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use promises::{check, check_history};

use super::actions::{self, Request};
use super::desk::{Desk, Known, Outcome};
use super::merge::{self, Counts};
use super::progress::Evidence;
use super::sample::{START_MS, Shipped, alert, arrival, of_unit, person};
use super::{
    Action, Actor, Card, Case, CaseId, Details, EvidenceKind, Level, Mode, Role, State, Transition,
    offers, timers,
};

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
        pick: usize,
        /// Whether any action is tried, or one of those that the person is offered.
        wild: bool,
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
const UNITS: [&str; 3] = ["xinghe-property", "xinghe-grid", "xinghe-street-office"];

/// Two of each role; units and handlers of two units, one of which can be called by the other.
fn people() -> Vec<Actor> {
    let mut people = Vec::new();
    for &role in Role::ALL {
        for number in 0..2 {
            let name = format!("{}-{number}", role.as_str());
            people.push(match role {
                Role::Unit | Role::Handler => of_unit(&name, role, UNITS[2 * number]),
                _ => person(&name, role),
            });
        }
    }
    people
}

/// Something to go with an action: mostly right, sometimes not.
fn details(action: Action, pick: usize, case: &Case, shipped: &Shipped, now: Timestamp) -> Details {
    let none = Details::default();
    let unit = UNITS[pick % UNITS.len()].to_owned();
    let category = shipped.catalogue.get(&case.category);
    match action {
        Action::File => Details {
            condition: category
                .and_then(|c| c.filing.get(pick % 4))
                .map(|c| c.code.clone()),
            mode: [
                None,
                Some(Mode::Immediate),
                Some(Mode::Consult),
                Some(Mode::Study),
            ][pick % 4],
            ..none
        },
        Action::Reject => Details {
            condition: (!pick.is_multiple_of(5)).then(|| "false_alarm".into()),
            ..none
        },
        Action::Dispatch | Action::CallUp => Details {
            unit: Some(unit),
            ..none
        },
        Action::Consult => Details {
            unit: Some(unit),
            units: UNITS
                .iter()
                .take(2 + pick % 2)
                .map(|&unit| unit.into())
                .collect(),
            ..none
        },
        Action::Close => Details {
            conditions: category
                .and_then(|c| c.closing.last())
                .map(|c| c.code.clone())
                .into_iter()
                .collect(),
            ..none
        },
        Action::Feedback | Action::Settle => Details {
            evidence: [EvidenceKind::Photo, EvidenceKind::Report]
                .map(|kind| Evidence {
                    kind,
                    sha256: "0f".repeat(32),
                    name: "x".into(),
                    at: now,
                    place: None,
                })
                .into(),
            ..none
        },
        Action::AskSuspension => Details {
            until: Some(now.plus_ms(3_600_000)),
            ..none
        },
        Action::Answer | Action::Checked | Action::Decide | Action::Review | Action::SetUrgent => {
            Details {
                yes: Some(!pick.is_multiple_of(3)),
                ..none
            }
        }
        Action::Merge => Details {
            case: i64::try_from(1 + pick % 4).ok(),
            ..none
        },
        Action::Evaluate => Details {
            score: u8::try_from(pick % 7).ok(),
            ..none
        },
        Action::SetCard => Details {
            card: Some(Card::ALL[pick % 3]),
            ..none
        },
        Action::SetLevel => Details {
            level: Some(Level::ALL[pick % 4]),
            ..none
        },
        Action::AnswerCall => Details {
            call: Some(1),
            ..none
        },
        _ => none,
    }
}

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
    let act = (
        1i64..4,
        0usize..Action::ALL.len(),
        0usize..2 * Role::ALL.len(),
        0usize..60,
        prop::bool::weighted(0.3),
        prop::bool::weighted(0.05),
    )
        .prop_map(|(case, action, who, pick, wild, stale)| Step::Act {
            case,
            action,
            who,
            pick,
            wild,
            stale,
        });
    let wait = prop_oneof![4 => 1i64..15, 1 => 100i64..20_000];
    prop_oneof![2 => message, 20 => act, 1 => wait.prop_map(|minutes| Step::Wait { minutes })]
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

/// Ways out of the loop, taken seldom so that histories get far.
const SHORT_CUTS: [Action; 5] = [
    Action::Merge,
    Action::Reject,
    Action::ForceClose,
    Action::Reopen,
    Action::Evaluate,
];

/// Any action, or one of those that the person is offered.
fn chosen(
    case: &Case,
    number: usize,
    actor: &Actor,
    wild: bool,
    shipped: &Shipped,
    now: Timestamp,
) -> Option<Action> {
    if wild {
        return Some(Action::ALL[number]);
    }
    let context = shipped.context(case, None, now);
    let offered: Vec<Action> = offers::allowed(case, actor, &context, now)
        .into_iter()
        .filter(|each| each.blocked.is_none())
        .map(|each| each.action)
        .filter(|action| number.is_multiple_of(4) || !SHORT_CUTS.contains(action))
        .collect();
    let at = number.checked_rem(offered.len())?;
    Some(offered[at])
}

/// What the store does in the same transaction.
fn move_alerts(
    desk: &mut Desk<'_>,
    from: CaseId,
    to: CaseId,
    home: &mut BTreeSet<(CaseId, AlertId)>,
    back: bool,
) -> Counts {
    let mut moved = Counts::default();
    for record in desk
        .known
        .alerts
        .values_mut()
        .filter(|record| record.case == from)
    {
        if back && !home.remove(&(to, record.alert.id)) {
            continue;
        }
        if !back {
            home.insert((from, record.alert.id));
        }
        record.case = to;
        moved.alerts += 1;
        moved.active += u32::from(record.cleared_at.is_none());
    }
    moved
}

fn act(
    desk: &mut Desk<'_>,
    shipped: &Shipped,
    home: &mut BTreeSet<(CaseId, AlertId)>,
    request: &Request,
    id: CaseId,
    actor: &Actor,
    now: Timestamp,
) -> Result<bool, TestCaseError> {
    let mut case = desk.known.cases[&id].clone();
    let other = match request.action {
        Action::Merge => request.details.case.filter(|other| *other != id),
        Action::UndoMerge => case.progress.merged.as_ref().map(|merged| merged.case),
        _ => None,
    };
    let other = other.and_then(|id| desk.known.cases.get(&id)).cloned();
    let context = shipped.context(&case, other.as_ref(), now);
    let shown = offers::allowed(&case, actor, &context, now);
    let shown = shown
        .iter()
        .any(|a| a.action == request.action && a.blocked.is_none());
    let before = case.clone();
    let Ok(decided) = actions::apply(&mut case, request, actor, &context, now) else {
        prop_assert_eq!(&case, &before, "a refused action changed the case");
        return Ok(false);
    };
    prop_assert!(
        shown || matches!(request.action, Action::UndoMerge),
        "{:?} was not shown",
        request.action
    );
    desk.changes
        .transitions
        .extend(decided.rows.into_iter().map(|row| (id, row)));
    if let Some(mut master) = other {
        let row = if request.action == Action::Merge {
            let row = merge::take_in(&mut master, &mut case, now);
            move_alerts(desk, id, master.id, home, false);
            row
        } else {
            let moved = move_alerts(desk, master.id, id, home, true);
            merge::give_back(&mut master, &mut case, moved, now)
        };
        desk.changes.transitions.push((master.id, row));
        desk.known.cases.insert(master.id, master);
    }
    desk.known.cases.insert(id, case);
    Ok(true)
}

/// Walks through the steps and checks every promise after each; gives the whole history.
fn walk(steps: &[Step]) -> Result<Vec<(CaseId, Transition)>, TestCaseError> {
    let shipped = Shipped::load();
    let people = people();
    let mut home = BTreeSet::new();
    let rules = shipped.rules();
    let mut desk = Desk::new(
        rules,
        Known {
            next_case: 1,
            ..Known::default()
        },
    );
    let mut now = Timestamp::from_unix_ms(START_MS);
    for step in steps {
        let before: BTreeMap<i64, Case> = desk.known.cases.clone();
        let by_message = matches!(step, Step::Message { .. });
        match step {
            Step::Wait { minutes } => now = now.plus_ms(minutes * 60_000),
            Step::Message { .. } => {
                let arrival = arrival(message(step).unwrap());
                let known = desk
                    .known
                    .messages
                    .contains(&(arrival.alert.id, arrival.alert.revision));
                let outcome = desk.receive(&arrival, None, now);
                prop_assert_eq!(outcome == Outcome::Duplicate, known);
                let again = desk.receive(&arrival, None, now);
                prop_assert_eq!(again, Outcome::Duplicate);
            }
            Step::Act {
                case: id,
                action,
                who,
                pick,
                wild,
                stale,
            } => {
                let Some(case) = desk.known.cases.get(id) else {
                    continue;
                };
                let Some(action) = chosen(case, *action, &people[*who], *wild, &shipped, now)
                else {
                    continue;
                };
                let request = Request {
                    action,
                    reason: Some("reason".into()),
                    details: details(action, *pick, case, &shipped, now),
                    version: if *stale {
                        case.decision_version - 1
                    } else {
                        case.version
                    },
                };
                let done = act(
                    &mut desk,
                    &shipped,
                    &mut home,
                    &request,
                    *id,
                    &people[*who],
                    now,
                )?;
                prop_assert!(!(done && *stale), "a stale decision was applied");
            }
        }
        // What the store does in the same transaction, and what is due by itself.
        let ended: Vec<CaseId> = desk
            .known
            .cases
            .values()
            .filter(|case| !case.state.is_open())
            .map(|case| case.id)
            .collect();
        desk.known.keys.retain(|_, holder| !ended.contains(holder));
        for case in desk.known.cases.values_mut() {
            if let Some((row, _)) = timers::fire(case, now) {
                desk.changes.transitions.push((case.id, row));
            }
            prop_assert_eq!(timers::fire(case, now), None, "fired twice");
        }
        now = now.plus_ms(1_000);
        for (id, case) in &desk.known.cases {
            check(before.get(id), case, by_message)?;
        }
    }
    for (id, case) in &desk.known.cases {
        let history: Vec<&Transition> = desk
            .changes
            .transitions
            .iter()
            .filter(|(of, _)| of == id)
            .map(|(_, t)| t)
            .collect();
        check_history(case, &history)?;
        let alerts = desk
            .known
            .alerts
            .values()
            .filter(|record| record.case == *id);
        prop_assert_eq!(alerts.count(), usize::try_from(case.alert_count).unwrap());
    }
    Ok(desk.changes.transitions)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_messages_and_actions_breaks_a_promise(steps in prop::collection::vec(step(), 1..160)) {
        walk(&steps)?;
    }
}

/// The random histories are worth their name only if they get everywhere.
#[test]
fn random_histories_reach_every_state_by_every_action() {
    let mut runner = TestRunner::deterministic();
    let strategy = prop::collection::vec(step(), 400..401);
    let (mut states, mut actions) = (BTreeSet::new(), BTreeSet::new());
    for _ in 0..400 {
        let steps = strategy.new_tree(&mut runner).unwrap().current();
        for (_, row) in walk(&steps).unwrap() {
            states.insert(row.to);
            actions.extend(Action::from_name(&row.action));
        }
    }
    let all = |missed: Vec<&str>| assert!(missed.is_empty(), "never reached: {missed:?}");
    all(State::ALL
        .iter()
        .filter(|s| !states.contains(s))
        .map(|s| s.as_str())
        .collect());
    all(Action::ALL
        .iter()
        .filter(|a| !actions.contains(a))
        .map(|a| a.as_str())
        .collect());
}
