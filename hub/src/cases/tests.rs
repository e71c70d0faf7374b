use gridwatch_protocol::{Kind, Phase, Severity, Timestamp};

use super::actions::{self, Refusal, Request};
use super::desk::{Desk, Known, Outcome};
use super::sample::{START_MS, Shipped, alert, arrival, by_model, next, person as officer};
use super::*;
use crate::catalogue::GATEWAY_OFFLINE;

const MINUTE: i64 = 60_000;

fn desk(shipped: &Shipped) -> Desk<'_> {
    let rules = shipped.rules();
    Desk::new(
        rules,
        Known {
            next_case: 1,
            ..Known::default()
        },
    )
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(START_MS + ms)
}

fn accepted(desk: &mut Desk<'_>, alert: Alert, ms: i64) -> CaseId {
    match desk.receive(&arrival(alert), None, at(ms)) {
        Outcome::Accepted(case) => case,
        other => panic!("{other:?}"),
    }
}

fn act(case: &mut Case, action: Action, who: &Actor) -> Result<Change, Refusal> {
    let details = match action {
        Action::File => Details {
            condition: Some("alarm_stands".into()),
            ..Details::default()
        },
        Action::Reject => Details {
            condition: Some("false_alarm".into()),
            ..Details::default()
        },
        _ => Details::default(),
    };
    let shipped = Shipped::load();
    let decided = shipped.act(case, action, who, details, at(1))?;
    Ok(decided.change)
}

#[test]
fn alert_sent_twice_opens_one_case() {
    let shipped = Shipped::load();
    let mut desk = desk(&shipped);
    let smoke = alert(1, "kitchen", Kind::Smoke);
    assert_eq!(accepted(&mut desk, smoke.clone(), 0), 1);
    assert_eq!(
        desk.receive(&arrival(smoke), None, at(1)),
        Outcome::Duplicate
    );
    assert_eq!(desk.known.cases.len(), 1);
    assert_eq!(desk.known.cases[&1].number, "20261122-000001");
    assert_eq!(desk.known.cases[&1].ack_due_at, at(60_000));
}

#[test]
fn new_alert_of_the_same_device_and_kind_joins_the_open_case() {
    let shipped = Shipped::load();
    let mut desk = desk(&shipped);
    accepted(&mut desk, alert(1, "east-door", Kind::DoorForced), 0);
    accepted(&mut desk, alert(2, "east-door", Kind::DoorForced), MINUTE);
    accepted(&mut desk, alert(3, "west-door", Kind::DoorForced), MINUTE);
    assert_eq!(desk.known.cases.len(), 2);
    assert_eq!(desk.known.cases[&1].alert_count, 2);
}

#[test]
fn clearing_annotates_and_never_closes_and_a_late_update_changes_nothing() {
    let shipped = Shipped::load();
    let mut desk = desk(&shipped);
    let raised = alert(1, "kitchen", Kind::Smoke);
    let updated = next(&raised, Phase::Updated);
    accepted(&mut desk, raised, 0);
    accepted(&mut desk, next(&updated, Phase::Cleared), 1);
    let version = desk.known.cases[&1].version;
    accepted(&mut desk, updated, 2);
    let case = &desk.known.cases[&1];
    assert_eq!(
        (case.state, case.alerts_active, case.version),
        (State::Reported, 0, version)
    );
    assert!(
        desk.known
            .alerts
            .values()
            .all(|record| record.cleared_at.is_some())
    );
    assert_eq!(
        desk.known
            .alerts
            .values()
            .map(|record| record.messages)
            .sum::<u32>(),
        3
    );
}

#[test]
fn cleared_message_that_arrives_first_still_opens_the_case() {
    let shipped = Shipped::load();
    let mut desk = desk(&shipped);
    let raised = alert(1, "kitchen", Kind::Smoke);
    accepted(&mut desk, next(&raised, Phase::Cleared), 0);
    accepted(&mut desk, raised, 1);
    assert_eq!(desk.known.cases.len(), 1);
    assert_eq!(desk.known.cases[&1].alerts_active, 0);
}

#[test]
fn signs_of_fire_in_one_building_within_ten_minutes_join_with_the_reason_shown() {
    let shipped = Shipped::load();
    let mut desk = desk(&shipped);
    let mut early = by_model(1, "meter", Kind::Temperature);
    early.severity = Severity::P3;
    accepted(&mut desk, early, 0);
    assert_eq!(desk.known.cases[&1].category, "early_fire_sign");
    accepted(&mut desk, alert(2, "kitchen", Kind::Smoke), 2 * MINUTE);
    let case = &desk.known.cases[&1];
    assert_eq!(
        (case.category.as_str(), case.severity),
        ("fire_suspected", Severity::P1)
    );
    assert!(
        case.related_reason
            .as_ref()
            .is_some_and(|why| why.en.contains("10 minutes") && why.zh.contains("同一楼栋"))
    );
    let mut heat = alert(3, "meter", Kind::Temperature);
    heat.severity = Severity::P2;
    accepted(&mut desk, heat, 11 * MINUTE);
    let case = &desk.known.cases[&1];
    assert_eq!(
        (case.category.as_str(), case.alert_count),
        ("fire_confirmed", 3)
    );
    assert_eq!(desk.known.cases.len(), 1);
}

#[test]
fn fires_apart_in_place_or_time_are_two_cases() {
    let shipped = Shipped::load();
    let mut desk = desk(&shipped);
    accepted(&mut desk, alert(1, "a", Kind::Smoke), 0);
    let mut other_building = alert(2, "b", Kind::Smoke);
    other_building.place.building = Some("4".into());
    accepted(&mut desk, other_building, 1);
    accepted(&mut desk, alert(3, "c", Kind::Smoke), 10 * MINUTE + 1);
    assert_eq!(desk.known.cases.len(), 3);
}

#[test]
fn drills_never_mix_with_real_cases() {
    let shipped = Shipped::load();
    let mut desk = desk(&shipped);
    let mut test = alert(1, "kitchen", Kind::Smoke);
    test.is_test = true;
    let drill = accepted(&mut desk, test, 0);
    let real = accepted(&mut desk, alert(2, "kitchen", Kind::Smoke), 1);
    assert_ne!(drill, real);
    assert!(desk.known.cases[&drill].is_drill && !desk.known.cases[&real].is_drill);
}

#[test]
fn test_alert_that_becomes_real_makes_its_case_real() {
    let shipped = Shipped::load();
    let mut desk = desk(&shipped);
    let mut test = alert(1, "kitchen", Kind::Smoke);
    test.is_test = true;
    test.severity = Severity::P4;
    let case = accepted(&mut desk, test.clone(), 0);
    let mut real = test;
    (real.revision, real.phase) = (1, gridwatch_protocol::Phase::Updated);
    (real.is_test, real.severity) = (false, Severity::P1);
    assert_eq!(accepted(&mut desk, real, 1), case);
    let case = &desk.known.cases[&case];
    assert!(!case.is_drill);
    assert_eq!(case.severity, Severity::P1);
}

#[test]
fn chatter_is_a_case_of_its_own_beside_the_hazard() {
    let shipped = Shipped::load();
    let mut desk = desk(&shipped);
    accepted(&mut desk, alert(1, "kitchen", Kind::Smoke), 0);
    let mut chatter = alert(2, "kitchen", Kind::Smoke);
    chatter.detected_by = gridwatch_protocol::DetectedBy::Rule {
        rule: "chatter".into(),
    };
    chatter.severity = Severity::P4;
    let case = accepted(&mut desk, chatter, 1);
    assert_eq!(
        (case, desk.known.cases[&case].category.as_str()),
        (2, "chattering")
    );
}

#[test]
fn more_severe_alert_must_be_acknowledged_again() {
    let shipped = Shipped::load();
    let mut desk = desk(&shipped);
    let mut mild = alert(1, "kitchen", Kind::Temperature);
    mild.severity = Severity::P3;
    accepted(&mut desk, mild.clone(), 0);
    let officer = officer("wang", Role::DutyOfficer);
    act(
        desk.known.cases.get_mut(&1).unwrap(),
        Action::Acknowledge,
        &officer,
    )
    .unwrap();
    let mut worse = next(&mild, Phase::Updated);
    worse.severity = Severity::P1;
    accepted(&mut desk, worse, MINUTE);
    let case = &desk.known.cases[&1];
    assert_eq!((case.state, case.acknowledged_at), (State::Reported, None));
    assert_eq!(case.ack_due_at, at(2 * MINUTE));
}

#[test]
fn sensors_behind_a_silent_gateway_add_no_cases() {
    let shipped = Shipped::load();
    let mut desk = desk(&shipped);
    let offline = arrival(alert(1, "gw-1", Kind::Availability));
    let Outcome::Accepted(case) = desk.receive(&offline, Some(GATEWAY_OFFLINE), at(0)) else {
        panic!("refused");
    };
    desk.known.silent.insert(offline.gateway.clone());
    for id in 2..300 {
        let sensor = alert(id, &format!("sensor-{id}"), Kind::Availability);
        assert_eq!(accepted(&mut desk, sensor, 1), case);
    }
    let fire = accepted(&mut desk, alert(300, "kitchen", Kind::Smoke), 2);
    assert_ne!(
        fire, case,
        "a hazard is never hidden by its gateway's silence"
    );
}

#[test]
fn alert_of_another_gateway_cannot_be_changed() {
    let shipped = Shipped::load();
    let mut desk = desk(&shipped);
    let raised = alert(1, "kitchen", Kind::Smoke);
    accepted(&mut desk, raised.clone(), 0);
    let mut stranger = arrival(next(&raised, Phase::Cleared));
    stranger.gateway = GatewayId::new("gw-2").unwrap();
    assert!(matches!(
        desk.receive(&stranger, None, at(1)),
        Outcome::Rejected(_)
    ));
    assert_eq!(desk.known.cases[&1].alerts_active, 1);
}

fn p1_case() -> Case {
    let shipped = Shipped::load();
    let mut desk = desk(&shipped);
    accepted(&mut desk, alert(1, "kitchen", Kind::Smoke), 0);
    desk.known.cases.remove(&1).unwrap()
}

#[test]
fn ending_a_p1_takes_two_persons() {
    let mut case = p1_case();
    let first = officer("li", Role::Supervisor);
    let second = officer("chen", Role::Supervisor);
    assert_eq!(act(&mut case, Action::Reject, &first), Ok(Change::Updated));
    assert_eq!(case.state, State::Reported);
    let shipped = Shipped::load();
    let blocked = |who: &Actor| {
        let context = shipped.context(&case, None, at(1));
        let allowed = offers::allowed(&case, who, &context, at(1));
        allowed
            .iter()
            .find(|a| a.action == Action::Reject)
            .unwrap()
            .blocked
            .is_some()
    };
    assert!(blocked(&first) && !blocked(&second));
    let again = act(&mut case, Action::Reject, &first);
    assert!(
        matches!(again, Err(Refusal::SecondPersonNeeded { .. })),
        "{again:?}"
    );
    assert_eq!(
        act(&mut case, Action::Reject, &second),
        Ok(Change::Rejected)
    );
    assert_eq!(case.state, State::Rejected);
}

#[test]
fn new_alert_voids_a_proposal() {
    let shipped = Shipped::load();
    let mut desk = desk(&shipped);
    accepted(&mut desk, alert(1, "kitchen", Kind::Smoke), 0);
    let case = desk.known.cases.get_mut(&1).unwrap();
    act(case, Action::Reject, &officer("li", Role::Supervisor)).unwrap();
    accepted(&mut desk, alert(2, "kitchen", Kind::Smoke), 1);
    let case = desk.known.cases.get_mut(&1).unwrap();
    assert_eq!(case.proposal, None);
    let outcome = act(case, Action::Reject, &officer("chen", Role::Supervisor));
    assert_eq!(
        outcome,
        Ok(Change::Updated),
        "the second person only proposes anew"
    );
}

#[test]
fn second_person_who_says_where_they_are_takes_what_the_first_has_chosen() {
    let shipped = Shipped::load();
    let mut desk = desk(&shipped);
    accepted(&mut desk, alert(1, "kitchen", Kind::Smoke), 0);
    let case = desk.known.cases.get_mut(&1).unwrap();
    act(case, Action::Reject, &officer("li", Role::Supervisor)).unwrap();
    let position = Some(ActedAt {
        lat: 23.0,
        lon: 113.0,
        accuracy_m: None,
        at: None,
    });
    let details = Details {
        position,
        ..Details::default()
    };
    let chen = officer("chen", Role::Supervisor);
    let decided = shipped
        .act(case, Action::Reject, &chen, details, at(1))
        .unwrap();
    assert_eq!(case.state, State::Rejected);
    let kept = decided.rows[0].details.clone().unwrap();
    assert_eq!(
        (kept.condition.as_deref(), kept.position),
        (Some("false_alarm"), position)
    );
}

#[test]
fn stale_decision_is_a_conflict_but_an_update_does_not_get_in_the_way() {
    let shipped = Shipped::load();
    let mut desk = desk(&shipped);
    let raised = alert(1, "kitchen", Kind::Smoke);
    accepted(&mut desk, raised.clone(), 0);
    let seen = desk.known.cases[&1].version;
    accepted(&mut desk, next(&raised, Phase::Updated), 1);
    let request = |action| Request {
        action,
        reason: Some("x".into()),
        details: Details::default(),
        version: seen,
    };
    let case = desk.known.cases.get_mut(&1).unwrap();
    let duty = officer("wang", Role::DutyOfficer);
    let shipped = Shipped::load();
    let context = shipped.context(case, None, at(2));
    actions::apply(case, &request(Action::Acknowledge), &duty, &context, at(2)).unwrap();
    let stale = actions::apply(case, &request(Action::Note), &duty, &context, at(3));
    assert!(matches!(stale, Err(Refusal::Conflict { .. })), "{stale:?}");
}
