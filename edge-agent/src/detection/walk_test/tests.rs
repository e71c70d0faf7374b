//! Walk tests as stories: what is told, what is held, and what becomes real.

use expect_test::{Expect, expect};
use gridwatch_protocol::AlertId;

use super::super::tests::{detector, minted, reading, run};
use super::*;

fn scope(devices: &[&str], minutes: u32) -> WalkTestScope {
    WalkTestScope {
        devices: devices
            .iter()
            .map(|id| DeviceId::new(*id).expect("valid"))
            .collect(),
        minutes,
        by: "zhang".to_owned(),
    }
}

fn told(findings: &Findings) -> String {
    findings
        .alerts
        .iter()
        .map(|alert| {
            format!(
                "{:?} {} {} {}{}: {}\n",
                alert.phase,
                alert.severity,
                alert.kind,
                alert.device,
                if alert.is_test { " TEST" } else { "" },
                alert.reason.en
            )
        })
        .collect()
}

/// A detector that has heard `before`, with all devices under test from second 10 on.
fn under_test(before: &str, minutes: u32) -> Detector {
    let mut detector = detector(Vec::new());
    run(&mut detector, before);
    detector
        .start_walk_test(scope(&[], minutes), Moment::at_ms(10_000))
        .expect("it can begin");
    detector
}

#[track_caller]
fn check(before: &str, story: &str, expected: Expect) {
    expected.assert_eq(&run(&mut under_test(before, 10), story));
}

/// Every message of a story is a test.
fn all(detector: &mut Detector, story: &str) -> Findings {
    let mut mint = minted_from(1_000);
    let mut all = Findings::default();
    for line in story.lines().map(str::trim) {
        let (ms, reading) = reading(line);
        let now = Moment::at_ms(ms);
        let found = match &reading {
            Some(reading) => detector.observe(reading, now, &mut mint),
            None => detector.tick(now, &mut mint),
        };
        all.alerts.extend(found.alerts);
        all.episodes.extend(found.episodes);
    }
    all
}

fn minted_from(first: u128) -> impl FnMut() -> AlertId {
    let mut next = first;
    move || {
        next += 1;
        AlertId(uuid::Uuid::from_u128(next))
    }
}

#[test]
fn pressed_button_is_one_test_alert_for_each_press() {
    check(
        "",
        "11 k smoke true\n 11 k alarm_test true\n 12 k smoke true\n 13 k alarm_test false\n 14 k smoke false\n 20 k smoke true\n 21 k smoke false",
        expect![[r#"
            11s Raised P4 smoke k walk test by zhang: smoke
            14s Cleared P4 smoke k the press is over
            20s Raised P4 smoke k walk test by zhang: smoke
            21s Cleared P4 smoke k the press is over
        "#]],
    );
}

#[test]
fn button_that_is_never_released_can_be_pressed_again() {
    check(
        "",
        "11 k alarm_test true\n 12 k alarm_test true\n 41 tick\n 42 tick\n 50 k alarm_test true",
        expect![[r#"
            11s Raised P4 alarm_test k walk test by zhang: test button
            42s Cleared P4 alarm_test k the press is over
            50s Raised P4 alarm_test k walk test by zhang: test button
        "#]],
    );
}

#[test]
fn alarm_of_any_rule_is_a_press_and_never_a_real_alert() {
    let mut detector = under_test("", 10);
    let findings = all(
        &mut detector,
        "11 t temperature 60\n 13 tick\n 14 t temperature 40\n 15 k smoke true\n 16 k smoke false",
    );
    assert!(!findings.alerts.is_empty());
    assert!(
        findings.alerts.iter().all(|alert| alert.is_test),
        "{}",
        told(&findings)
    );
    assert_eq!(
        told(&detector.end_walk_test(WalkTestEnd::Asked, Moment::at_ms(20_000))),
        ""
    );
    assert_eq!(detector.open_episodes(), 0);
}

#[test]
fn opened_housing_is_told_apart_from_a_press() {
    check(
        "",
        "11 k tamper true\n 12 k smoke true\n 13 k smoke false\n 14 k tamper false",
        expect![[r#"
            11s Raised P4 tamper k walk test by zhang: tamper
            12s Raised P4 smoke k walk test by zhang: smoke
            13s Cleared P4 smoke k the press is over
            14s Cleared P4 tamper k the press is over
        "#]],
    );
}

#[test]
fn what_stood_before_the_test_is_no_press_and_stays_real() {
    check(
        "1 k smoke true",
        "11 k smoke true\n 12 k smoke false\n 13 k smoke true",
        expect![[r#"
            12s Cleared P1 smoke k smoke alarm ended
            13s Raised P4 smoke k walk test by zhang: smoke
        "#]],
    );
}

#[test]
fn retained_state_is_no_press() {
    check(
        "",
        "11 k smoke true retained\n 12 k tamper true retained",
        expect![""],
    );
}

#[test]
fn alarm_that_stands_at_the_end_is_raised_as_real_with_its_own_severity_and_beginning() {
    let mut detector = under_test("", 1);
    let pressed = all(&mut detector, "11 k smoke true\n 12 k smoke true");
    assert_eq!(
        told(&pressed),
        "Raised P4 smoke k TEST: walk test by zhang: smoke\n"
    );
    let end = all(&mut detector, "70 tick");
    expect![[r#"
        Cleared P4 smoke k TEST: the walk test is over
        Raised P1 smoke k: still so after the walk test: smoke alarm
    "#]]
    .assert_eq(&told(&end));
    let real = end.alerts.last().expect("raised");
    assert_eq!(real.raised_at, Timestamp::from_unix_ms(11_000));
    assert_ne!(real.id, end.alerts[0].id);
    let after = all(&mut detector, "80 k smoke false");
    assert_eq!(told(&after), "Cleared P1 smoke k: smoke alarm ended\n");
    assert_eq!(
        detector.walk_test_news().ended,
        Some((WalkTestEnd::Time, Timestamp::from_unix_ms(70_000)))
    );
}

#[test]
fn devices_outside_the_scope_go_on_as_always() {
    let mut detector = detector(Vec::new());
    run(&mut detector, "1 k smoke false\n 1 other smoke false");
    detector
        .start_walk_test(scope(&["k"], 10), Moment::at_ms(10_000))
        .expect("it can begin");
    let findings = all(&mut detector, "11 other smoke true\n 12 k smoke true");
    expect![[r#"
        Raised P1 smoke other: smoke alarm
        Raised P4 smoke k TEST: walk test by zhang: smoke
    "#]]
    .assert_eq(&told(&findings));
}

#[test]
fn presses_in_quick_succession_do_not_latch_as_chatter() {
    let mut detector = under_test("", 1);
    all(
        &mut detector,
        "11 k smoke true\n 12 k smoke false\n 13 k smoke true\n 14 k smoke false\n 15 k smoke true\n 16 k smoke false",
    );
    assert_eq!(told(&all(&mut detector, "70 tick")), "");
    let real = all(&mut detector, "71 k smoke true\n 72 k smoke false");
    expect![[r#"
        Raised P1 smoke k: smoke alarm
        Cleared P1 smoke k: smoke alarm ended
    "#]]
    .assert_eq(&told(&real));
}

#[test]
fn restart_in_the_middle_ends_the_test_and_raises_what_was_held() {
    let mut detector = under_test("", 10);
    let findings = all(
        &mut detector,
        "11 k smoke true\n 12 j smoke true\n 13 j smoke false",
    );
    let mut kept = std::collections::BTreeMap::new();
    for change in findings.episodes {
        match change {
            EpisodeChange::Opened(episode) => drop(kept.insert(episode.key.clone(), *episode)),
            EpisodeChange::Closed(key) => drop(kept.remove(&key)),
        }
    }
    let mut restarted = super::super::tests::detector(kept.into_values().collect());
    let first = restarted.close_orphans(false, Moment::at_ms(20_000));
    expect![[r#"
        Cleared P4 smoke k TEST: the agent was restarted and judges anew
        Raised P1 smoke k: still so after the walk test: smoke alarm
    "#]]
    .assert_eq(&told(&first));
    assert!(!restarted.is_under_test(&DeviceId::new("k").expect("valid")));
    assert_eq!(
        told(&restarted.close_orphans(false, Moment::at_ms(21_000))),
        ""
    );
}

#[test]
fn scope_is_checked_and_one_test_runs_at_a_time() {
    let mut detector = detector(Vec::new());
    run(&mut detector, "1 k smoke false");
    let now = Moment::at_ms(2_000);
    for (scope, refused) in [
        (scope(&[], 0), "not 0"),
        (scope(&[], 61), "not 61"),
        (scope(&["nowhere"], 5), "`nowhere`"),
        (
            WalkTestScope {
                by: " ".to_owned(),
                ..scope(&[], 5)
            },
            "who tests",
        ),
    ] {
        let why = detector.start_walk_test(scope, now).expect_err(refused);
        assert!(why.to_string().contains(refused), "{why}");
    }
    detector
        .start_walk_test(scope(&["k"], 5), now)
        .expect("it can begin");
    let why = detector
        .start_walk_test(scope(&[], 5), now)
        .expect_err("one runs");
    assert!(why.to_string().contains("zhang"), "{why}");
}

#[test]
fn press_tells_the_devices_own_time_only_when_it_has_one() {
    let mut detector = under_test("", 10);
    let mut mint = minted();
    let (ms, with_time) = reading("11 k smoke true");
    let mut with_time = with_time.expect("a reading");
    with_time.received_at = with_time.at.plus_ms(700);
    detector.observe(&with_time, Moment::at_ms(ms), &mut mint);
    all(&mut detector, "12 j smoke true");
    let presses = detector.walk_test_news().presses;
    assert_eq!(
        presses[0].device_time,
        Some(Timestamp::from_unix_ms(11_000))
    );
    assert_eq!(presses[0].received_at, Timestamp::from_unix_ms(11_700));
    assert_eq!(presses[1].device_time, None);
}

#[test]
fn loose_contact_is_counted_and_does_not_flood() {
    let mut detector = under_test("", 60);
    let story: Vec<String> = (0..50)
        .flat_map(|n| {
            let at = 11 + 2 * n;
            [
                format!("{at} k smoke true"),
                format!("{} k smoke false", at + 1),
            ]
        })
        .collect();
    let findings = all(&mut detector, &story.join("\n"));
    assert_eq!(findings.alerts.len(), 2 * PRESSES_PER_DEVICE_MAX);
    let news = detector.walk_test_news();
    assert_eq!(news.presses.len(), PRESSES_PER_DEVICE_MAX);
    assert_eq!(news.presses_not_listed, 30);
}
