use super::super::sample::at;
use super::*;
use crate::roster::duty::{DutyRole, OnDuty};

const LIMITS: config::Duty = config::Duty {
    takeover_after_s: 900,
    console_lost_s: 60,
};

fn manned() -> Duty {
    Duty {
        shift: Some(("day".into(), at("2026-01-01T08:00"), at("2026-01-01T20:00"))),
        officers: vec![OnDuty {
            username: "wang".into(),
            role: DutyRole::Officer,
            instead_of: None,
        }],
        ..Duty::default()
    }
}

fn known<'a>(name: &'a Text, duty: &'a Duty) -> Known<'a> {
    Known {
        name,
        duty,
        officers: vec!["王".into()],
        gap_since: (!duty.is_manned()).then(|| at("2026-01-01T07:00")),
        wider_manned: false,
        urgent: None,
        changed_at: at("2025-12-01T00:00"),
        taken_over: false,
        armed_at: None,
        listening_since: at("2025-12-01T00:00"),
    }
}

fn kinds(known: &Known<'_>, now: &str) -> Vec<Kind> {
    let found = missing(known, LIMITS, at(now));
    let missing = found.into_iter().filter_map(|one| match one {
        Finding::Missing(report) => Some(report.kind),
        _ => None,
    });
    missing.collect()
}

#[test]
fn gap_is_reported_and_with_an_urgent_case_once_more() {
    let (name, duty) = (text("台", "desk"), Duty::default());
    let mut known = known(&name, &duty);
    assert_eq!(kinds(&known, "2026-01-01T08:00"), [Kind::DutyGap]);
    known.urgent = Some((Severity::P1, 2));
    let both = [Kind::DutyGap, Kind::DutyUnattended];
    assert_eq!(kinds(&known, "2026-01-01T08:00"), both);
    known.wider_manned = true;
    assert_eq!(kinds(&known, "2026-01-01T08:00"), [Kind::DutyGap]);
}

#[test]
fn shift_is_taken_over_within_a_quarter_of_an_hour() {
    let (name, duty) = (text("台", "desk"), manned());
    let mut known = known(&name, &duty);
    known.armed_at = Some(at("2026-01-01T09:00"));
    assert!(kinds(&known, "2026-01-01T08:14").is_empty());
    assert_eq!(kinds(&known, "2026-01-01T08:15"), [Kind::NotTakenOver]);
    known.taken_over = true;
    assert!(kinds(&known, "2026-01-01T08:15").is_empty());
    known.taken_over = false;
    known.changed_at = at("2026-01-01T08:10");
    assert!(kinds(&known, "2026-01-01T08:24").is_empty());
    assert_eq!(kinds(&known, "2026-01-01T08:25"), [Kind::NotTakenOver]);
}

#[test]
fn console_is_lost_after_a_minute_that_the_hub_has_listened() {
    let (name, duty) = (text("台", "desk"), manned());
    let mut known = known(&name, &duty);
    known.taken_over = true;
    assert!(kinds(&known, "2026-01-01T08:01").is_empty());
    assert_eq!(kinds(&known, "2026-01-01T08:02"), [Kind::ConsoleLost]);
    known.armed_at = Some(at("2026-01-01T12:00"));
    assert!(kinds(&known, "2026-01-01T12:01").is_empty());
    assert_eq!(kinds(&known, "2026-01-01T12:02"), [Kind::ConsoleLost]);
    known.listening_since = at("2026-01-01T12:01");
    let found = missing(&known, LIMITS, at("2026-01-01T12:02"));
    assert_eq!(found[3], Finding::Unknown);
}
