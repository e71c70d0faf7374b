//! What the office does before and around the work, and how older histories read.

use super::*;

#[test]
fn whole_way_is_nine_steps_and_the_officer_needs_three() {
    let mut story = Story::leak();
    let (duty, checker) = (duty(), person("li", Role::Checker));
    assert_eq!(
        story.go(&duty, Action::Acknowledge, none()),
        State::Reported
    );
    assert_eq!(
        story.go(&duty, Action::File, condition("alarm_stands")),
        State::Filed
    );
    assert_eq!(
        story.go(&duty, Action::Dispatch, unit(PROPERTY)),
        State::Dispatched
    );
    assert_eq!(story.go(&worker(), Action::Handle, none()), State::Handling);
    assert_eq!(
        story.go(&worker(), Action::Feedback, none()),
        State::Feedback
    );
    assert_eq!(story.go(&duty, Action::Check, none()), State::PostCheck);
    assert_eq!(
        story.missing(&duty, Action::Close, ticked("stopped")),
        ["check"]
    );
    assert_eq!(
        story.go(&checker, Action::Checked, yes(true)),
        State::PostCheck
    );
    assert_eq!(
        story.go(&duty, Action::Close, ticked("stopped")),
        State::Closed
    );
    let score = Details {
        score: Some(4),
        ..none()
    };
    assert_eq!(
        story.go(&person("wu", Role::Supervisor), Action::Evaluate, score),
        State::Evaluated
    );
    let noted = story.act(&duty, Action::Note, none());
    assert!(
        matches!(noted, Err(Refusal::WrongState { .. })),
        "an archived case is read-only"
    );
    assert_eq!(
        story.case.progress.filed_as.as_deref(),
        Some("alarm_stands")
    );
    assert_eq!(story.case.progress.closed_as, ["stopped"]);
}

#[test]
fn filing_acknowledges_and_dispatch_suggests_the_unit_whose_duty_it_is() {
    let mut story = Story::leak();
    story.go(&duty(), Action::File, condition("alarm_stands"));
    assert_eq!(story.case.acknowledged_by.as_deref(), Some("wang"));
    let context = story.shipped.context(&story.case, None, at(9_000));
    let allowed = offers::allowed(&story.case, &duty(), &context, at(9_000));
    let dispatch = allowed
        .iter()
        .find(|a| a.action == Action::Dispatch)
        .unwrap();
    assert_eq!(dispatch.blocked, None);
    assert_eq!(dispatch.fields[0].suggested.as_deref(), Some(PROPERTY));
}

#[test]
fn conditions_come_from_the_categorys_list() {
    let mut story = Story::leak();
    assert_eq!(story.missing(&duty(), Action::File, none()), ["condition"]);
    assert_eq!(
        story.missing(&duty(), Action::File, condition("because_i_say_so")),
        ["condition"]
    );
    assert_eq!(
        story.missing(&duty(), Action::Reject, condition("no_idea")),
        ["condition"]
    );
    let foreign = Details {
        score: Some(5),
        ..condition("alarm_stands")
    };
    assert_eq!(story.missing(&duty(), Action::File, foreign), ["score"]);
}

#[test]
fn urgent_cases_are_dispatched_with_their_filing_when_one_unit_owns_them() {
    let mut story = Story::new("kitchen", Kind::Smoke, Severity::P1);
    let decided = story
        .act(&duty(), Action::File, condition("alarm_stands"))
        .unwrap();
    let names: Vec<&str> = decided.rows.iter().map(|row| row.action.as_str()).collect();
    assert_eq!(names, ["file", "dispatch"]);
    assert_eq!(decided.rows[1].actor, SYSTEM);
    assert_eq!(story.case.state, State::Dispatched);
    assert_eq!(story.case.progress.unit.as_deref(), Some(PROPERTY));
    assert!(story.case.progress.urgent);
}

#[test]
fn case_of_an_unknown_site_is_filed_and_waits_for_a_dispatcher() {
    let mut story = Story::new("kitchen", Kind::Smoke, Severity::P1);
    story.case.site = SiteId::new("nowhere").unwrap();
    assert_eq!(
        story.go(&duty(), Action::File, condition("alarm_stands")),
        State::Filed
    );
}

#[test]
fn row_of_an_older_hub_reads_as_acknowledged_and_reported() {
    let old = r#"{"seq":2,"at":"2026-11-22T03:00:01.000Z","actor":"wang","actor_name":"Wang","action":"acknowledge","from":"reported","to":"acknowledged","reason":null}"#;
    let row: Transition = serde_json::from_str(old).unwrap();
    let mut case = Story::leak().case;
    evolve(&mut case, &row);
    assert_eq!(
        (case.state, case.acknowledged_by.as_deref()),
        (State::Reported, Some("wang"))
    );
}

#[test]
fn more_urgent_alert_makes_the_officer_look_again_and_not_the_unit() {
    let shipped = Shipped::load();
    let rules = shipped.rules();
    let mut desk = Desk::new(
        rules,
        Known {
            next_case: 1,
            ..Known::default()
        },
    );
    let mut mild = alert(1, "cellar", Kind::WaterLeak);
    mild.severity = Severity::P3;
    desk.receive(&arrival(mild.clone()), None, at(0));
    let case = desk.known.cases.get_mut(&1).unwrap();
    shipped
        .act(
            case,
            Action::File,
            &duty(),
            condition("alarm_stands"),
            at(1),
        )
        .unwrap();
    let mut worse = next(&mild, gridwatch_protocol::Phase::Updated);
    worse.severity = Severity::P1;
    desk.receive(&arrival(worse), None, at(2));
    let case = &desk.known.cases[&1];
    assert_eq!((case.state, case.severity), (State::Filed, Severity::P1));
    assert!(case.acknowledged_at.is_some(), "what was filed stays so");
}
