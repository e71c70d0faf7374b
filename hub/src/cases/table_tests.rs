//! Every cell of the table: each state, each action, each role.

use std::collections::BTreeSet;

use gridwatch_protocol::{Kind, Severity, SiteId, Timestamp};

use super::actions::{self, Refusal, Request};
use super::progress::{Appeal, Ask, AskFor, Call, Checking, MergedInto, Task};
use super::sample::{START_MS, Shipped, of_unit, person};
use super::table::{self, OPEN, TABLE, To};
use super::*;

const UNIT: &str = "xinghe-property";
const NOW: i64 = START_MS + 60_000;

fn now() -> Timestamp {
    Timestamp::from_unix_ms(NOW)
}

/// A case in this state that lacks nothing for the action.
fn ready(state: State, action: Action) -> Case {
    let at = Timestamp::from_unix_ms(START_MS);
    let mut case = Case {
        id: 1,
        number: "20261122-000001".into(),
        version: 7,
        decision_version: 7,
        state,
        severity: Severity::P3,
        category: if action == Action::Contain {
            "water_main_break".into()
        } else {
            "water_leak".into()
        },
        site: SiteId::new("xinghe-garden").unwrap(),
        place: Place::default(),
        kinds: vec![Kind::WaterLeak],
        devices: vec![],
        detectors: vec![],
        alert_count: 1,
        alerts_active: 0,
        opened_at: at,
        updated_at: at,
        ack_due_at: at,
        acknowledged_at: (action != Action::Acknowledge).then_some(at),
        acknowledged_by: None,
        ended_at: (!state.is_open()).then_some(at),
        is_drill: false,
        group_key: None,
        group_at: at,
        related_reason: None,
        proposal: (action == Action::ForceClose).then(|| Proposal {
            action,
            by: "boss".into(),
            by_name: "boss".into(),
            reason: "r".into(),
            at,
            role: Some(Role::Leader),
            details: Details::default(),
        }),
        transitions: 3,
        marks: crate::correlation::Marks::default(),
        progress: Progress::default(),
    };
    let progress = &mut case.progress;
    progress.unit = Some(UNIT.into());
    progress.due_at = Some(now().plus_ms(3_600_000));
    if action == Action::Settle || (action, state) == (Action::Close, State::Feedback) {
        progress.mode = Some(Mode::Immediate);
    }
    progress.ask = (action == Action::Decide).then(|| Ask {
        what: AskFor::Extension,
        by: "chief".into(),
        at,
        until: None,
    });
    if state == State::Returned {
        progress.returned_from = Some(State::PostCheck);
    }
    if state == State::Consulting || action == Action::FinishTask {
        progress.tasks = vec![Task {
            unit: UNIT.into(),
            leads: action != Action::FinishTask,
            state: TaskState::Accepted,
            said: None,
            card: Card::None,
            since: at,
        }];
    }
    progress.check = (state == State::PostCheck).then(|| Checking {
        agrees: true,
        by: "li".into(),
        at,
    });
    progress.merged = (state == State::Merged).then_some(MergedInto {
        case: 2,
        from: State::Filed,
    });
    progress.appeal = (action == Action::Review).then(|| Appeal {
        by: "chief".into(),
        at,
        reviews: vec![],
    });
    if action == Action::AnswerCall {
        progress.calls = vec![Call {
            number: 1,
            unit: UNIT.into(),
            by: "li".into(),
            at,
            due: now(),
            answered_at: None,
            answered_by: None,
            card: Card::None,
        }];
    }
    case
}

fn details(action: Action) -> Details {
    let none = Details::default();
    let some = |text: &str| Some(text.to_owned());
    match action {
        Action::File => Details {
            condition: some("alarm_stands"),
            ..none
        },
        Action::Reject => Details {
            condition: some("false_alarm"),
            ..none
        },
        Action::Dispatch => Details {
            unit: some(UNIT),
            ..none
        },
        Action::CallUp => Details {
            unit: some("donghu-fire"),
            ..none
        },
        Action::Consult => Details {
            unit: some(UNIT),
            units: vec![UNIT.into(), "xinghe-grid".into()],
            ..none
        },
        Action::Close => Details {
            conditions: vec!["stopped".into()],
            ..none
        },
        Action::Answer | Action::Checked | Action::Decide | Action::Review | Action::SetUrgent => {
            Details {
                yes: Some(true),
                ..none
            }
        }
        Action::AskSuspension => Details {
            until: Some(now().plus_ms(86_400_000)),
            ..none
        },
        Action::Merge => Details {
            case: Some(2),
            ..none
        },
        Action::Evaluate => Details {
            score: Some(5),
            ..none
        },
        Action::SetCard => Details {
            card: Some(Card::Yellow),
            ..none
        },
        Action::SetLevel => Details {
            level: Some(Level::IV),
            ..none
        },
        Action::AnswerCall => Details {
            call: Some(1),
            ..none
        },
        _ => none,
    }
}

fn actor(role: Role) -> Actor {
    match role {
        Role::Unit | Role::Handler => of_unit("tester", role, UNIT),
        _ => person("tester", role),
    }
}

#[test]
fn engine_does_what_the_table_allows_and_nothing_else() {
    let shipped = Shipped::load();
    let mut other = ready(State::Filed, Action::Note);
    other.id = 2;
    let (mut allowed, mut refused) = (0, 0);
    for &state in State::ALL {
        for &action in Action::ALL {
            for &role in Role::ALL {
                let before = ready(state, action);
                let mut case = before.clone();
                let request = Request {
                    action,
                    reason: Some("because".into()),
                    details: details(action),
                    version: case.version,
                };
                let context = shipped.context(&before, Some(&other), now());
                let result = actions::apply(&mut case, &request, &actor(role), &context, now());
                let shown = offers::allowed(&before, &actor(role), &context, now());
                let shown = shown
                    .iter()
                    .any(|a| a.action == action && a.blocked.is_none());
                let cell = format!(
                    "{} in {} by {}",
                    action.as_str(),
                    state.as_str(),
                    role.as_str()
                );
                let row = table::line(action);
                if row.from.contains(&state) && row.roles.contains(&role) {
                    allowed += 1;
                    let decided = result.unwrap_or_else(|refusal| panic!("{cell}: {refusal}"));
                    assert!(shown, "{cell} is not shown to the officer");
                    let fits = match row.to {
                        To::Stay => case.state == state,
                        To::Become(to) => case.state == to,
                        To::OneOf(states) => states.contains(&case.state),
                    };
                    assert!(fits, "{cell} leads to {}", case.state.as_str());
                    for step in &decided.rows {
                        assert!(table::permits(&step.action, step.from, step.to), "{cell}");
                    }
                } else {
                    refused += 1;
                    let by_table = matches!(
                        result,
                        Err(Refusal::NotAllowed { .. } | Refusal::WrongState { .. })
                    );
                    assert!(by_table && case == before && !shown, "{cell}: {result:?}");
                }
            }
        }
    }
    let cells = State::ALL.len() * Action::ALL.len() * Role::ALL.len();
    assert_eq!(allowed + refused, cells);
    let expected: usize = TABLE
        .iter()
        .map(|row| row.from.len() * row.roles.len())
        .sum();
    assert_eq!(allowed, expected);
}

#[test]
fn every_action_has_one_line() {
    let lines: Vec<Action> = TABLE.iter().map(|row| row.action).collect();
    let distinct: BTreeSet<Action> = lines.iter().copied().collect();
    assert_eq!(
        (lines.len(), distinct.len()),
        (Action::ALL.len(), Action::ALL.len())
    );
}

/// What no change of the table may ever allow.
#[test]
fn table_keeps_duties_apart() {
    let by = |action: Action| table::line(action).roles;
    for action in [
        Action::Check,
        Action::Checked,
        Action::Close,
        Action::Reject,
        Action::Decide,
        Action::Review,
    ] {
        for role in [Role::Unit, Role::Handler] {
            assert!(
                !by(action).contains(&role),
                "{} by {}",
                action.as_str(),
                role.as_str()
            );
        }
    }
    for &action in Action::ALL {
        assert!(
            !by(action).contains(&Role::Auditor),
            "an auditor does nothing: {}",
            action.as_str()
        );
        assert!(
            !table::line(action).from.contains(&State::Evaluated),
            "an archived case is read-only"
        );
    }
    for action in [
        Action::SendBack,
        Action::Rework,
        Action::Reject,
        Action::ForceClose,
        Action::Reopen,
    ] {
        assert!(table::line(action).reason, "{} says why", action.as_str());
    }
    let open: Vec<State> = State::ALL
        .iter()
        .copied()
        .filter(|state| state.is_open())
        .collect();
    let listed: BTreeSet<State> = OPEN.iter().copied().collect();
    assert_eq!(listed, open.into_iter().collect());
}

fn leads_to(row: &table::Row) -> Vec<State> {
    match row.to {
        To::Stay => vec![],
        To::Become(state) => vec![state],
        To::OneOf(states) => states.to_vec(),
    }
}

#[test]
fn every_state_can_be_reached_and_every_open_case_can_be_ended() {
    let mut reached = BTreeSet::from([State::Reported]);
    let mut ends: BTreeSet<State> = State::ALL
        .iter()
        .copied()
        .filter(|s| !s.is_open())
        .collect();
    for _ in State::ALL {
        for row in TABLE {
            for to in leads_to(row) {
                if row.from.iter().any(|from| reached.contains(from)) {
                    reached.insert(to);
                }
                // Merging is no end of the work.
                if ends.contains(&to)
                    && row.action != Action::Merge
                    && row.action != Action::ForceClose
                {
                    ends.extend(row.from);
                }
            }
        }
    }
    let all: BTreeSet<State> = State::ALL.iter().copied().collect();
    assert_eq!(reached, all);
    assert_eq!(ends, all);
}
