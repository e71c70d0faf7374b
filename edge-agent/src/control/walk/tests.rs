//! The record: who counts as pressed, what is late, and what the result says.

use gridwatch_protocol::{ClockQuality, CommissioningId, Place, SiteId, WIRE_VERSION};
use uuid::Uuid;

use super::*;

fn id(text: &str) -> DeviceId {
    DeviceId::new(text).expect("valid")
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(ms)
}

fn walk(chosen: &[&str], expect_all: bool) -> Walk {
    let record = CommissioningRecord {
        version: WIRE_VERSION,
        id: CommissioningId(Uuid::from_u128(1)),
        gateway: None,
        site: SiteId::new("site").expect("valid"),
        by: "zhang".to_owned(),
        agent_version: "0.1.0".to_owned(),
        started_at: at(0),
        ended_at: at(0),
        clock: ClockQuality::Plausible,
        ended_because: WalkTestEnd::Restart,
        chosen: chosen.iter().map(|text| id(text)).collect(),
        expect_all,
        tested: Vec::new(),
        presses_not_listed: 0,
        missing: Vec::new(),
        missing_not_listed: 0,
        result: WalkTestResult::Incomplete,
    };
    Walk::new(record, at(60_000))
}

fn press(device: &str, kind: Kind, alert: u128) -> Press {
    Press {
        device: id(device),
        place: Place::default(),
        kind,
        alert: AlertId(Uuid::from_u128(alert)),
        device_time: None,
        received_at: at(1_000),
    }
}

fn detector(device: &str) -> Expected {
    Expected {
        device: id(device),
        place: Place::default(),
        life_safety: true,
        profile: None,
        kinds: vec![Kind::Smoke, Kind::Tamper],
        configured: true,
    }
}

fn thermometer(device: &str) -> Expected {
    Expected {
        kinds: vec![Kind::Temperature],
        life_safety: false,
        ..detector(device)
    }
}

/// Presses `pressed` and lets the hub accept all of them.
fn ended(mut walk: Walk, pressed: &[(&str, Kind)], expected: &[Expected]) -> CommissioningRecord {
    let now = Instant::now();
    for (number, (device, kind)) in (1..).zip(pressed) {
        walk.pressed(press(device, *kind, number), now);
        let alert = AlertId(Uuid::from_u128(number));
        walk.settled(alert, RowState::Accepted, Some(at(1_120)));
    }
    walk.end(WalkTestEnd::Asked, at(9_000), expected, &[], now);
    assert!(walk.is_done(now), "nothing is open");
    walk.judged()
}

fn missing(record: &CommissioningRecord) -> Vec<&str> {
    record.missing.iter().map(|m| m.device.as_str()).collect()
}

#[test]
fn all_pressed_and_accepted_is_passed() {
    let pressed = [("a", Kind::Smoke), ("b", Kind::AlarmTest)];
    let record = ended(walk(&[], true), &pressed, &[detector("a"), detector("b")]);
    assert_eq!(record.result, WalkTestResult::Passed);
    assert_eq!(record.tested[0].agent_to_hub_ms, Some(120));
    assert_eq!(record.tested[0].sensor_to_agent_ms, None);
    assert!(record.missing.is_empty());
}

#[test]
fn device_that_was_not_pressed_is_missing_and_counts_when_it_had_to_be() {
    let expected = [detector("a"), detector("b"), thermometer("t")];
    let pressed = [("a", Kind::Smoke)];
    let strict = ended(walk(&[], true), &pressed, &expected);
    assert_eq!(missing(&strict), ["b"], "nobody can press a thermometer");
    assert_eq!(strict.result, WalkTestResult::Incomplete);
    let free = ended(walk(&[], false), &pressed, &expected);
    assert_eq!(missing(&free), ["b"]);
    assert_eq!(free.result, WalkTestResult::Passed);
    let chosen = ended(walk(&["a", "t"], false), &pressed, &expected);
    assert_eq!(missing(&chosen), ["t"], "what was chosen is expected");
    assert_eq!(chosen.result, WalkTestResult::Incomplete);
}

#[test]
fn life_safety_device_whose_housing_was_only_opened_is_not_tested() {
    let pressed = [("a", Kind::Tamper)];
    let record = ended(walk(&[], true), &pressed, &[detector("a")]);
    assert_eq!(missing(&record), ["a"]);
    assert_eq!(record.result, WalkTestResult::Incomplete);
}

#[test]
fn nothing_pressed_is_never_passed() {
    let record = ended(walk(&[], false), &[], &[]);
    assert_eq!(record.result, WalkTestResult::Incomplete);
}

#[test]
fn press_that_the_hub_does_not_accept_is_late_and_then_failed() {
    let mut walk = walk(&[], false);
    let now = Instant::now();
    walk.pressed(press("a", Kind::Smoke, 1), now);
    walk.settled(AlertId(Uuid::from_u128(1)), RowState::Unsent, None);
    walk.mark_late(now + LATE / 2);
    assert_eq!(walk.states, [PressState::Waiting]);
    walk.mark_late(now + LATE);
    assert_eq!(walk.states, [PressState::Late]);
    walk.end(WalkTestEnd::Time, at(60_000), &[], &[], now);
    assert!(!walk.is_done(now + LATE / 2), "it may still be accepted");
    assert!(walk.is_done(now + LATE));
    assert_eq!(walk.judged().result, WalkTestResult::Failed);
}

#[test]
fn refusal_of_the_hub_is_kept_and_a_second_press_that_arrives_mends_it() {
    let mut walk = walk(&[], false);
    let now = Instant::now();
    walk.pressed(press("a", Kind::Smoke, 1), now);
    let reason = "site unknown".to_owned();
    walk.settled(
        AlertId(Uuid::from_u128(1)),
        RowState::Rejected { reason },
        Some(at(1_050)),
    );
    assert_eq!(walk.states, [PressState::Refused]);
    assert_eq!(
        walk.record.tested[0].refused.as_deref(),
        Some("site unknown")
    );
    assert_eq!(walk.judged().result, WalkTestResult::Failed);
    walk.pressed(press("a", Kind::Smoke, 2), now);
    walk.settled(
        AlertId(Uuid::from_u128(2)),
        RowState::Accepted,
        Some(at(900)),
    );
    assert_eq!(
        walk.record.tested[1].agent_to_hub_ms,
        Some(0),
        "the clock was set back"
    );
    walk.end(WalkTestEnd::Asked, at(9_000), &[], &[], now);
    assert_eq!(walk.judged().result, WalkTestResult::Passed);
}

#[test]
fn test_that_a_restart_broke_off_is_never_passed() {
    let mut walk = walk(&[], false);
    walk.pressed(press("a", Kind::Smoke, 1), Instant::now());
    walk.settled(
        AlertId(Uuid::from_u128(1)),
        RowState::Accepted,
        Some(at(1_100)),
    );
    let record = interrupted(walk.record);
    assert_eq!(record.ended_because, WalkTestEnd::Restart);
    assert_eq!(record.result, WalkTestResult::Incomplete);
}
