//! Units: their own cases, evidence, sending back, consultations, more time, calls.

use super::*;

#[test]
fn who_has_handled_a_case_neither_checks_nor_closes_it() {
    let mut story = Story::new("pump", Kind::Battery, Severity::P4);
    let duty = duty();
    story.go(&duty, Action::File, condition("alarm_stands"));
    assert_eq!(
        story.go(&duty, Action::Settle, none()),
        State::Feedback,
        "handled at once by the office"
    );
    assert_eq!(
        story.missing(&duty, Action::Close, ticked("replaced")),
        ["handler"]
    );
    assert_eq!(story.missing(&duty, Action::Check, none()), ["handler"]);
    let other = person("li", Role::ShiftLeader);
    assert_eq!(
        story.go(&other, Action::Close, ticked("replaced")),
        State::Closed
    );
}

#[test]
fn only_what_is_simple_is_settled_by_the_office() {
    let mut story = Story::leak();
    story.go(&duty(), Action::File, condition("alarm_stands"));
    assert_eq!(story.missing(&duty(), Action::Settle, none()), ["mode"]);
    story.go(&duty(), Action::Dispatch, unit(PROPERTY));
    let told = story.go(&duty(), Action::Settle, none());
    assert_eq!(
        told,
        State::Feedback,
        "the unit has told its result by phone"
    );
}

#[test]
fn unit_acts_only_on_its_own_cases() {
    let mut story = Story::leak();
    story.go(&duty(), Action::File, condition("alarm_stands"));
    story.go(&duty(), Action::Dispatch, unit(PROPERTY));
    let stranger = of_unit("x", Role::Handler, GRID);
    assert_eq!(story.missing(&stranger, Action::Handle, none()), ["unit"]);
    let nobody = person("y", Role::Handler);
    assert_eq!(story.missing(&nobody, Action::Handle, none()), ["unit"]);
    let named = Details {
        handler: Some("zhao".into()),
        ..none()
    };
    story.go(&chief(), Action::Handle, named);
    let colleague = of_unit("zhou", Role::Handler, PROPERTY);
    assert_eq!(
        story.missing(&colleague, Action::Feedback, none()),
        ["handler"]
    );
    assert_eq!(
        story.go(&worker(), Action::Feedback, none()),
        State::Feedback
    );
}

#[test]
fn evidence_is_asked_for_and_its_hash_is_kept() {
    let mut story = Story::new("underpass", Kind::WaterLevel, Severity::P2);
    story.go(
        &duty(),
        Action::File,
        Details {
            mode: Some(Mode::Study),
            ..condition("seen_on_site")
        },
    );
    story.go(&duty(), Action::Dispatch, unit("donghu-drainage"));
    let pump = of_unit("pump", Role::Handler, "donghu-drainage");
    story.go(&pump, Action::Handle, none());
    assert_eq!(story.missing(&pump, Action::Feedback, none()), ["evidence"]);
    let mut bad = photo();
    bad.sha256 = "xyz".into();
    let bad = Details {
        evidence: vec![bad],
        ..none()
    };
    assert_eq!(story.missing(&pump, Action::Feedback, bad), ["evidence"]);
    let good = Details {
        evidence: vec![photo()],
        ..none()
    };
    let decided = story.act(&pump, Action::Feedback, good).unwrap();
    let hash = decided.rows[0].evidence_hash.as_deref().unwrap();
    assert_eq!(Some(hash.to_owned()), steps::evidence_hash(&[photo()]));
    assert_eq!(hash.len(), 64);
}

#[test]
fn work_that_was_not_good_enough_goes_back_to_its_unit() {
    let mut story = Story::leak();
    story.handled();
    story.go(&worker(), Action::Feedback, none());
    story.go(&duty(), Action::Check, none());
    story.go(&person("li", Role::Checker), Action::Checked, yes(false));
    assert_eq!(
        story.missing(&duty(), Action::Close, ticked("stopped")),
        ["check"]
    );
    assert_eq!(story.go(&duty(), Action::Rework, none()), State::Returned);
    assert_eq!(story.case.progress.reworks, 1);
    assert_eq!(story.go(&worker(), Action::Handle, none()), State::Handling);
}

#[test]
fn second_time_that_a_unit_sends_it_back_leads_to_a_consultation() {
    let mut story = Story::leak();
    let (duty, sl) = (duty(), person("li", Role::ShiftLeader));
    story.go(&duty, Action::File, condition("alarm_stands"));
    story.go(&duty, Action::Dispatch, unit(PROPERTY));
    assert_eq!(
        story.go(&chief(), Action::SendBack, none()),
        State::Returned
    );
    assert_eq!(
        story.missing(&duty, Action::Dispatch, unit(PROPERTY)),
        ["unit"]
    );
    assert!(matches!(
        story.act(&worker(), Action::Handle, none()),
        Err(Refusal::Incomplete { .. })
    ));
    story.go(&duty, Action::Dispatch, unit(GRID));
    let grid = of_unit("g", Role::Unit, GRID);
    assert_eq!(story.go(&grid, Action::SendBack, none()), State::Consulting);
    assert_eq!(story.missing(&duty, Action::Dispatch, unit(GRID)), ["lead"]);
    story.go(&sl, Action::Consult, consult(STREET, &[STREET, GRID]));
    let street = of_unit("s", Role::Unit, STREET);
    story.go(&street, Action::Answer, yes(true));
    assert_eq!(
        story.missing(&sl, Action::Dispatch, unit(GRID)),
        ["unit"],
        "it goes to the one that leads"
    );
    assert_eq!(
        story.go(&sl, Action::Dispatch, unit(STREET)),
        State::Dispatched
    );
}

#[test]
fn consultation_gives_each_unit_its_own_part() {
    let mut story = Story::leak();
    let sl = person("li", Role::ShiftLeader);
    story.go(
        &duty(),
        Action::File,
        Details {
            mode: Some(Mode::Consult),
            ..condition("alarm_stands")
        },
    );
    assert_eq!(
        story.missing(&duty(), Action::Dispatch, unit(PROPERTY)),
        ["consultation"]
    );
    assert_eq!(
        story.missing(&sl, Action::Consult, consult(PROPERTY, &[PROPERTY])),
        ["units"]
    );
    assert_eq!(
        story.missing(&sl, Action::Consult, consult(STREET, &[PROPERTY, GRID])),
        ["unit"]
    );
    story.go(
        &sl,
        Action::Consult,
        consult(PROPERTY, &[PROPERTY, GRID, STREET]),
    );
    let (grid, street) = (
        of_unit("g", Role::Unit, GRID),
        of_unit("s", Role::Unit, STREET),
    );
    story.go(&chief(), Action::Answer, yes(true));
    story.go(&grid, Action::Answer, yes(true));
    story.go(&street, Action::Answer, yes(false));
    story.go(&sl, Action::Dispatch, unit(PROPERTY));
    story.go(&worker(), Action::Handle, none());
    assert_eq!(
        story.missing(&worker(), Action::Feedback, none()),
        ["tasks"]
    );
    assert_eq!(story.missing(&street, Action::FinishTask, none()), ["task"]);
    assert_eq!(
        story.missing(&chief(), Action::FinishTask, none()),
        ["task"],
        "the lead feeds back"
    );
    story.go(&grid, Action::FinishTask, none());
    let states: Vec<TaskState> = story
        .case
        .progress
        .tasks
        .iter()
        .map(|task| task.state)
        .collect();
    assert_eq!(
        states,
        [TaskState::Accepted, TaskState::Done, TaskState::Declined]
    );
    assert_eq!(
        story.go(&worker(), Action::Feedback, none()),
        State::Feedback
    );
}

#[test]
fn lead_that_declines_must_be_replaced() {
    let mut story = Story::leak();
    let sl = person("li", Role::ShiftLeader);
    story.go(&duty(), Action::File, condition("alarm_stands"));
    story.go(&sl, Action::Consult, consult(PROPERTY, &[PROPERTY, GRID]));
    story.go(&chief(), Action::Answer, yes(false));
    assert_eq!(
        story.missing(&sl, Action::Dispatch, unit(PROPERTY)),
        ["lead"]
    );
    story.go(&sl, Action::Consult, consult(GRID, &[PROPERTY, GRID]));
    assert_eq!(
        story.go(&sl, Action::Dispatch, unit(GRID)),
        State::Dispatched
    );
}

#[test]
fn high_level_of_response_must_be_consulted_on() {
    let mut story = Story::leak();
    story.go(&duty(), Action::File, condition("alarm_stands"));
    let level = Details {
        level: Some(Level::II),
        ..none()
    };
    story.go(&dispatcher(), Action::SetLevel, level);
    assert_eq!(
        story.missing(&dispatcher(), Action::Dispatch, unit(PROPERTY)),
        ["consultation"]
    );
}

#[test]
fn suspended_once_with_leave_and_resumed_by_itself_with_the_time_that_was_left() {
    let mut story = Story::leak();
    story.handled();
    let due = story.case.progress.due_at.unwrap();
    let until = |ms| Details {
        until: Some(at(ms)),
        ..none()
    };
    assert_eq!(
        story.missing(&worker(), Action::AskSuspension, until(0)),
        ["until"]
    );
    assert_eq!(
        story.missing(&worker(), Action::AskSuspension, until(400 * DAY)),
        ["until"]
    );
    story.go(&worker(), Action::AskSuspension, until(2 * DAY));
    assert!(matches!(
        story.act(&worker(), Action::Decide, yes(true)),
        Err(Refusal::NotAllowed { .. })
    ));
    assert_eq!(
        story.go(&dispatcher(), Action::Decide, yes(true)),
        State::Suspended
    );
    let suspended = story.now;
    assert_eq!(timers::next(&story.case), Some(at(2 * DAY)));
    assert_eq!(timers::fire(&mut story.case, at(2 * DAY - 1)), None);
    let (row, _) = timers::fire(&mut story.case, at(2 * DAY)).unwrap();
    story.rows.push(row);
    assert_eq!(
        timers::fire(&mut story.case, at(2 * DAY)),
        None,
        "fires once"
    );
    assert_eq!(story.case.state, State::Handling);
    let left = due.plus_ms(2 * DAY - suspended);
    assert_eq!(story.case.progress.due_at, Some(left));
    story.now = 2 * DAY;
    assert_eq!(
        story.missing(&worker(), Action::AskSuspension, until(3 * DAY)),
        ["suspended"]
    );
}

#[test]
fn urgent_cases_are_never_suspended() {
    let mut story = Story::new("underpass", Kind::WaterLeak, Severity::P2);
    story.handled();
    let until = Details {
        until: Some(at(2 * DAY)),
        ..none()
    };
    assert_eq!(
        story.missing(&worker(), Action::AskSuspension, until),
        ["severity"]
    );
}

#[test]
fn extended_twice_at_most_before_it_is_due_and_refusals_do_not_count() {
    let mut story = Story::leak();
    story.handled();
    let due = story.case.progress.due_at.unwrap();
    story.go(&chief(), Action::AskExtension, none());
    assert_eq!(
        story.missing(&chief(), Action::AskExtension, none()),
        ["ask"]
    );
    story.go(&dispatcher(), Action::Decide, yes(false));
    assert_eq!(
        (story.case.progress.extended, story.case.progress.due_at),
        (0, Some(due))
    );
    for count in 1..=2 {
        story.go(&chief(), Action::AskExtension, none());
        story.go(&dispatcher(), Action::Decide, yes(true));
        assert_eq!(story.case.progress.extended, count);
    }
    assert_eq!(story.case.progress.due_at, Some(due.plus_ms(2 * HOUR)));
    assert_eq!(
        story.missing(&chief(), Action::AskExtension, none()),
        ["extended"]
    );
    let mut late = Story::leak();
    late.handled();
    late.now = 2 * HOUR;
    assert_eq!(
        late.missing(&chief(), Action::AskExtension, none()),
        ["due"]
    );
}

#[test]
fn whistle_calls_units_above_and_waits_for_their_answer() {
    let mut story = Story::leak();
    story.handled();
    assert_eq!(
        story.missing(&chief(), Action::CallUp, unit(GRID)),
        ["unit"],
        "not above"
    );
    story.go(&chief(), Action::CallUp, unit(STREET));
    let call = story.case.progress.calls[0].clone();
    assert_eq!((call.number, call.unit.as_str()), (1, STREET));
    assert!(call.due > call.at);
    story.case.alerts_active = 0;
    story.go(&worker(), Action::Feedback, none());
    story.go(&duty(), Action::Check, none());
    assert_eq!(
        story.missing(&duty(), Action::Close, ticked("stopped")),
        ["call"]
    );
    let number = Details {
        call: Some(1),
        ..none()
    };
    assert_eq!(
        story.missing(&chief(), Action::AnswerCall, number.clone()),
        ["call", "call"]
    );
    story.go(
        &of_unit("s", Role::Unit, STREET),
        Action::AnswerCall,
        number,
    );
    assert_eq!(
        story.go(&duty(), Action::Close, ticked("stopped")),
        State::Closed
    );
}

#[test]
fn more_urgent_alert_ends_a_suspension() {
    let shipped = Shipped::load();
    let rules = shipped.rules();
    let known = Known {
        next_case: 1,
        ..Known::default()
    };
    let mut desk = Desk::new(rules, known);
    let mut mild = alert(1, "cellar", Kind::WaterLeak);
    mild.severity = Severity::P3;
    desk.receive(&arrival(mild.clone()), None, at(0));
    let case = desk.known.cases.get_mut(&1).unwrap();
    let until = Details {
        until: Some(at(2 * DAY)),
        ..none()
    };
    for (who, action, details) in [
        (duty(), Action::File, condition("alarm_stands")),
        (duty(), Action::Dispatch, unit(PROPERTY)),
        (worker(), Action::Handle, none()),
        (worker(), Action::AskSuspension, until),
        (dispatcher(), Action::Decide, yes(true)),
    ] {
        shipped.act(case, action, &who, details, at(1_000)).unwrap();
    }
    assert_eq!(case.state, State::Suspended);
    let mut worse = next(&mild, gridwatch_protocol::Phase::Updated);
    worse.severity = Severity::P2;
    desk.receive(&arrival(worse), None, at(HOUR));
    let case = &desk.known.cases[&1];
    assert_eq!((case.state, case.severity), (State::Handling, Severity::P2));
    assert_eq!(
        case.progress.due_at,
        Some(at(2 * HOUR)),
        "the hour stood still"
    );
}
