use gridwatch_protocol::Severity;

use super::*;
use crate::clocks::calendar::tests::with;
use crate::clocks::facts::{CaseFacts, Seen};
use crate::clocks::limits::LimitTable;
use crate::clocks::{ClockType, HOUR_MS};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Monday 2026-11-23, 09:00 local.
const MONDAY: &str = "2026-11-23T01:00:00Z";

struct Case {
    facts: CaseFacts,
    table: LimitTable,
    severity: Severity,
    ack_due_at: Timestamp,
    own_at: Option<Timestamp>,
    extensions: u8,
}

impl Case {
    fn opened(severity: Severity, now: Timestamp) -> Self {
        let table = LimitTable::default();
        let ack_due_at = now.plus_ms(table.of("other", severity).acknowledge.ms());
        let seen = Seen {
            stage: Stage::Reported,
            category: "other",
            severity,
            opened_at: now,
            ack_due_at,
            own_at: None,
            extensions: 0,
            card: Card::None,
            contained_at: None,
            acknowledged: false,
            silenced: false,
        };
        Self {
            facts: CaseFacts::new(&seen, &table, now),
            table,
            severity,
            ack_due_at,
            own_at: None,
            extensions: 0,
        }
    }

    fn seen(&mut self, stage: Stage, now: Timestamp) {
        let seen = Seen {
            stage,
            category: "other",
            severity: self.severity,
            opened_at: self.facts.opened_at,
            ack_due_at: self.ack_due_at,
            own_at: self.own_at,
            extensions: self.extensions,
            card: Card::None,
            contained_at: None,
            acknowledged: stage != Stage::Reported,
            silenced: false,
        };
        self.facts.observe(&seen, &self.table, now);
        let once = self.facts.clone();
        self.facts.observe(&seen, &self.table, now.plus_ms(1));
        assert_eq!(self.facts, once, "seeing the same twice changes nothing");
    }

    /// Applies timers in order until `until`; tells their names and times.
    fn run(&mut self, calendar: &Calendar, until: Timestamp) -> Vec<(String, Timestamp)> {
        let mut fired = Vec::new();
        while let Some(next) = next_timers(&self.facts, calendar)
            .first()
            .filter(|next| next.due_at <= until)
        {
            assert!(fired.len() < 20, "it never ends: {fired:?}");
            if next.effect == TimerEffect::Lapse {
                self.ack_due_at = next.due_at.plus_ms(self.facts.limits.acknowledge.ms());
                self.seen(Stage::Reported, next.due_at);
            }
            self.facts.applied(next.effect);
            fired.push((next.effect.key(), next.due_at));
        }
        fired
    }
}

fn names(fired: &[(String, Timestamp)], start: Timestamp) -> Vec<(&str, i64)> {
    fired
        .iter()
        .map(|(name, at)| (name.as_str(), at.ms_since(start) / 60_000))
        .collect()
}

fn calendar() -> Calendar {
    with("+08:00", "")
}

#[test]
fn report_that_nobody_acknowledges_goes_up_three_levels() {
    let (start, calendar) = (at(MONDAY), calendar());
    for (severity, minutes) in [
        (Severity::P1, 1),
        (Severity::P2, 3),
        (Severity::P3, 15),
        (Severity::P4, 120),
    ] {
        let mut case = Case::opened(severity, start);
        let fired = case.run(&calendar, start.plus_ms(48 * HOUR_MS));
        assert_eq!(
            names(&fired, start),
            [
                ("acknowledge:1", minutes),
                ("acknowledge:2", 2 * minutes),
                ("acknowledge:3", 3 * minutes)
            ]
        );
    }
}

#[test]
fn acknowledgement_that_leads_to_nothing_lapses_and_is_escalated_again() {
    let (start, calendar) = (at(MONDAY), calendar());
    let mut case = Case::opened(Severity::P3, start);
    case.seen(Stage::Verifying, start.plus_ms(60_000));
    let fired = case.run(&calendar, start.plus_ms(80 * 60_000));
    assert_eq!(
        names(&fired, start),
        [("file:80", 49), ("file:lapse", 61), ("acknowledge:1", 76)]
    );
    assert_eq!(case.facts.acknowledged_at, None);
}

#[test]
fn urgent_case_has_reminders_then_yellow_then_red() {
    let (start, calendar) = (at(MONDAY), calendar());
    let mut case = Case::opened(Severity::P2, start);
    case.seen(Stage::Verifying, start);
    case.seen(Stage::Filed, start);
    case.seen(Stage::Dispatched, start);
    case.seen(Stage::Handling, start);
    let fired = case.run(&calendar, start.plus_ms(24 * HOUR_MS));
    assert_eq!(
        names(&fired, start),
        [
            ("disposal:50", 60),
            ("disposal:80", 96),
            ("disposal:yellow", 120),
            ("disposal:red", 240)
        ]
    );
    assert_eq!((case.facts.card, case.facts.card.score()), (Card::Red, -10));
}

#[test]
fn urgent_case_in_working_hours_gets_its_cards_in_working_hours() {
    // Friday 16:00 local, four working hours: 2 on Friday, 2 on Monday.
    let (start, calendar) = (at("2026-11-20T08:00:00Z"), calendar());
    let mut case = Case::opened(Severity::P3, start);
    case.seen(Stage::Handling, start);
    let fired = case.run(&calendar, start.plus_ms(96 * HOUR_MS));
    let expected = [
        ("disposal:50", "2026-11-20T10:00:00Z"),
        ("disposal:80", "2026-11-23T01:12:00Z"),
        ("disposal:yellow", "2026-11-23T02:00:00Z"),
        ("disposal:red", "2026-11-23T08:00:00Z"),
    ];
    let expected: Vec<_> = expected
        .iter()
        .map(|(k, t)| ((*k).to_owned(), at(t)))
        .collect();
    assert_eq!(fired, expected);
}

#[test]
fn long_case_gets_cards_after_one_and_two_days_unaccepted_and_five_and_ten_unhandled() {
    let (start, calendar) = (at(MONDAY), calendar());
    let mut unaccepted = Case::opened(Severity::P4, start);
    unaccepted.seen(Stage::Dispatched, start);
    let fired = unaccepted.run(&calendar, start.plus_ms(90 * 24 * HOUR_MS));
    let day = |n: i64| calendar.due_ms(start, n * 8 * HOUR_MS, ClockType::WorkingDays);
    let expected = |key: &str, days| (key.to_owned(), day(days));
    assert_eq!(
        fired,
        [expected("accept:yellow", 1), expected("accept:red", 2)]
    );

    let mut accepted = Case::opened(Severity::P4, start);
    accepted.seen(Stage::Dispatched, start);
    accepted.seen(Stage::Handling, start.plus_ms(HOUR_MS));
    let fired = accepted.run(&calendar, start.plus_ms(90 * 24 * HOUR_MS));
    assert_eq!(
        fired,
        [expected("disposal:yellow", 5), expected("disposal:red", 10)]
    );
}

#[test]
fn extended_long_case_gets_no_card_within_its_limit() {
    let (start, calendar) = (at(MONDAY), calendar());
    let mut case = Case::opened(Severity::P4, start);
    case.seen(Stage::Handling, start);
    case.extensions = 1;
    case.seen(Stage::Handling, start);
    // Three working days, extended to six: longer than the five of the rule.
    let next = next_timers(&case.facts, &calendar)[0];
    assert_eq!(
        next.due_at,
        calendar.due(start, Limit::new(6, ClockType::WorkingDays))
    );
}

#[test]
fn suspended_case_stands_still_and_goes_on_where_it_stopped() {
    let (start, calendar) = (at(MONDAY), calendar());
    let mut case = Case::opened(Severity::P3, start);
    case.seen(Stage::Handling, start);
    // One hour used; then half the month off.
    let (stop, resume) = (start.plus_ms(HOUR_MS), at("2026-12-07T01:00:00Z"));
    case.own_at = Some(resume);
    case.seen(Stage::Suspended, stop);
    let view = |case: &Case, now| {
        let views = clocks(&case.facts, &calendar, now);
        views
            .into_iter()
            .find(|view| view.kind == ClockKind::Disposal)
            .unwrap()
    };
    let stopped = view(&case, stop.plus_ms(24 * HOUR_MS));
    assert_eq!((stopped.due_at, stopped.remaining_ms), (None, 3 * HOUR_MS));
    assert_eq!(
        next_timers(&case.facts, &calendar),
        [NextTimer {
            effect: TimerEffect::Own,
            due_at: resume
        }]
    );
    case.own_at = None;
    case.seen(Stage::Handling, resume);
    // Monday 09:00 local and three hours: noon.
    assert_eq!(view(&case, resume).due_at, Some(at("2026-12-07T04:00:00Z")));
    assert_eq!(
        view(&case, at("2026-12-07T07:00:00Z")).remaining_ms,
        -HOUR_MS
    );
}

#[test]
fn dispatched_case_keeps_its_limits_when_the_file_changes() {
    let (start, calendar) = (at(MONDAY), calendar());
    let mut case = Case::opened(Severity::P2, start);
    case.seen(Stage::Dispatched, start);
    let mut undispatched = Case::opened(Severity::P2, start);
    undispatched.seen(Stage::Filed, start);
    let shipped = include_str!("../../../../configs/categories.toml");
    let changed = shipped.replace(
        "disposal = { amount = 2, clock = \"urgent_hours\" }",
        "disposal = { amount = 9, clock = \"urgent_hours\" }",
    );
    let changed = crate::catalogue::Catalogue::parse(&changed).unwrap().limits;
    for case in [&mut case, &mut undispatched] {
        case.table = changed.clone();
        case.seen(Stage::Handling, start);
    }
    let due = |case: &Case| {
        let views = clocks(&case.facts, &calendar, start);
        views
            .into_iter()
            .find(|v| v.kind == ClockKind::Disposal)
            .unwrap()
            .due_at
    };
    assert_eq!(due(&case), Some(start.plus_ms(2 * HOUR_MS)));
    assert_eq!(due(&undispatched), Some(start.plus_ms(9 * HOUR_MS)));
    // Another severity is another matter.
    case.severity = Severity::P1;
    case.seen(Stage::Handling, start);
    assert_eq!(due(&case), Some(start.plus_ms(HOUR_MS)));
}

#[test]
fn clocks_of_the_steps_follow_each_other_and_the_overall_clock_spans_them() {
    let (start, calendar) = (at(MONDAY), calendar());
    let minute = |n: i64| start.plus_ms(n * 60_000);
    let mut case = Case::opened(Severity::P2, start);
    case.seen(Stage::Verifying, minute(1));
    case.seen(Stage::Filed, minute(2));
    case.seen(Stage::Dispatched, minute(4));
    case.seen(Stage::Handling, minute(5));
    case.seen(Stage::Checking, minute(60));
    case.seen(Stage::Ended, minute(90));
    let views = clocks(&case.facts, &calendar, minute(1_000));
    let told: Vec<_> = views
        .iter()
        .map(|v| {
            let since = |t: Timestamp| t.ms_since(start) / 60_000;
            (
                v.kind,
                since(v.started_at),
                v.ended_at.map(since),
                v.remaining_ms / 60_000,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (ClockKind::Acknowledge, 0, Some(1), 2),
            (ClockKind::File, 1, Some(2), 9),
            (ClockKind::Dispatch, 2, Some(4), 1),
            (ClockKind::Disposal, 4, Some(60), 64),
            (ClockKind::Check, 60, Some(90), 8 * 60 - 30),
            // 3 min, 2 h, then 8 working hours from 11:05 to 11:05 the next day; closed at 10:30.
            (ClockKind::Overall, 2, Some(90), 24 * 60 + 35),
        ]
    );
    assert_eq!(
        next_timers(&case.facts, &calendar),
        [],
        "no clock runs after the end"
    );
}

#[test]
fn work_that_was_not_good_enough_goes_on_by_the_same_clock() {
    let (start, calendar) = (at(MONDAY), calendar());
    let mut case = Case::opened(Severity::P2, start);
    case.seen(Stage::Handling, start);
    case.seen(Stage::Checking, start.plus_ms(HOUR_MS));
    case.seen(Stage::Handling, start.plus_ms(HOUR_MS * 3 / 2));
    let views = clocks(&case.facts, &calendar, start.plus_ms(HOUR_MS * 3 / 2));
    let disposal = views
        .iter()
        .find(|v| v.kind == ClockKind::Disposal)
        .unwrap();
    assert_eq!(
        (disposal.ended_at, disposal.remaining_ms),
        (None, HOUR_MS / 2)
    );
}

#[test]
fn limits_that_make_no_sense_are_told_at_once() {
    let text = include_str!("../../../../configs/categories.toml")
        .replacen(
            "acknowledge = { amount = 60, clock = \"seconds\" }",
            "acknowledge = { amount = 1, clock = \"working_hours\" }",
            1,
        )
        .replacen(
            "file = { amount = 600, clock = \"seconds\" }",
            "file = { amount = 0, clock = \"seconds\" }",
            1,
        )
        .replacen(
            "handle_red = { amount = 10,",
            "handle_red = { amount = 5,",
            1,
        )
        .replacen(
            "[limits.category.gas_leak]",
            "[limits.category.gas_leek]",
            1,
        );
    let problems = crate::catalogue::Catalogue::parse(&text)
        .unwrap_err()
        .join("\n");
    for expected in [
        "p1: acknowledge must be in seconds",
        "p1: file: amount = 0 is not between 1 and",
        "handle_red must be by the clock of handle_yellow, and longer",
        "`gas_leek` is not the code of a category",
    ] {
        assert!(
            problems.contains(expected),
            "{expected} is not in:\n{problems}"
        );
    }
}

#[test]
fn every_shipped_limit_is_reachable_and_names_its_source() {
    let catalogue =
        crate::catalogue::Catalogue::parse(include_str!("../../../../configs/categories.toml"))
            .unwrap();
    let gas = catalogue.limits.of("gas_leak", Severity::P1);
    assert_eq!(gas.disposal, Limit::new(1, ClockType::UrgentHours));
    assert_eq!(gas.dispatch, Limit::new(60, ClockType::Seconds));
    assert!(
        catalogue
            .limits
            .own("gas_leak")
            .unwrap()
            .standard_ref
            .contains("05-02")
    );
    let camera = catalogue.limits.of("video_abnormal", Severity::P3);
    assert_eq!(camera.disposal, Limit::new(1, ClockType::WorkingDays));
}
