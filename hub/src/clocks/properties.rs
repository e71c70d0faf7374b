//! What holds for every limit, calendar and time zone.

use gridwatch_protocol::{Severity, Timestamp};
use proptest::prelude::*;

use super::facts::{CaseFacts, Seen, Stage};
use super::limits::LimitTable;
use super::plan::{TimerEffect, next_timers};
use super::{Calendar, ClockType, Due, Limit, Pause, Run};
use crate::cases::Card;

/// 2025-12-01T00:00:00Z; the instants below spread over two years from here.
const START_MS: i64 = 1_764_547_200_000;
const TWO_YEARS_MS: i64 = 2 * 366 * 24 * 3_600_000;

/// Fixed offsets, and zones whose clocks skip and repeat: at night, at midnight, by half an hour.
const ZONES: [&str; 6] = [
    "+08:00",
    "-09:30",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Cairo",
];

/// Hours of a day: none, office hours, two shifts, the small hours, all day.
const DAYS: [&str; 6] = [
    "[]",
    r#"["08:00-12:00", "14:00-18:00"]"#,
    r#"["00:00-06:00", "22:00-24:00"]"#,
    r#"["01:15-02:20", "02:20-02:45", "02:50-12:00"]"#,
    r#"["00:00-24:00"]"#,
    r#"["23:30-24:00"]"#,
];

fn calendar() -> impl Strategy<Value = Calendar> {
    let week = prop::collection::vec(0..DAYS.len(), 7).prop_filter("a week has work", |week| {
        week.iter().any(|day| [1, 2, 3, 4].contains(day))
    });
    let holidays = prop::collection::btree_set((1u8..=12, 1u8..=28), 0..20);
    (0..ZONES.len(), week, holidays).prop_map(|(zone, week, holidays)| {
        let names = [
            "monday",
            "tuesday",
            "wednesday",
            "thursday",
            "friday",
            "saturday",
            "sunday",
        ];
        let mut text = format!(
            "version = \"p\"\ntime_zone = \"{}\"\n[hours]\n",
            ZONES[zone]
        );
        for (name, day) in names.iter().zip(week) {
            text.push_str(&format!("{name} = {}\n", DAYS[day]));
        }
        for year in [2026, 2027] {
            let days: Vec<String> = holidays
                .iter()
                .map(|(m, d)| format!("{{ name = \"h\", from = \"{year}-{m:02}-{d:02}\" }}"))
                .collect();
            text.push_str(&format!(
                "[[year]]\nyear = {year}\nnotice = \"p\"\nholidays = [{}]\n",
                days.join(", ")
            ));
        }
        Calendar::parse(&text).expect("every such calendar is right")
    })
}

fn instant() -> impl Strategy<Value = Timestamp> {
    (0..TWO_YEARS_MS).prop_map(|ms| Timestamp::from_unix_ms(START_MS + ms))
}

fn clock() -> impl Strategy<Value = ClockType> {
    (0..ClockType::ALL.len()).prop_map(|i| ClockType::ALL[i])
}

/// Up to 40 working days, more often a few hours.
fn length() -> impl Strategy<Value = i64> {
    prop_oneof![0..100_000i64, 0..40_000_000i64, 0..1_152_000_000i64]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn limits_add_up(calendar in calendar(), t in instant(), a in length(), b in length(), clock in clock()) {
        let twice = calendar.due_ms(calendar.due_ms(t, a, clock), b, clock);
        prop_assert_eq!(twice, calendar.due_ms(t, a + b, clock));
    }

    #[test]
    fn what_has_passed_at_the_due_time_is_the_limit(calendar in calendar(), t in instant(), a in length(), clock in clock()) {
        let due = calendar.due_ms(t, a, clock);
        prop_assert_eq!(calendar.elapsed_ms(t, due, clock), a);
        // And a moment before, it is not yet.
        if a > 0 {
            prop_assert!(calendar.elapsed_ms(t, due.plus_ms(-1), clock) < a);
        }
    }

    #[test]
    fn later_start_or_longer_limit_is_never_due_earlier(calendar in calendar(), t in instant(), later in length(), a in length(), b in length(), clock in clock()) {
        let due = calendar.due_ms(t, a, clock);
        prop_assert!(due >= t);
        prop_assert!(calendar.due_ms(t.plus_ms(later), a, clock) >= due);
        prop_assert!(calendar.due_ms(t, a + b, clock) >= due);
    }

    #[test]
    fn elapsed_time_adds_up_and_never_runs_faster_than_time(calendar in calendar(), t in instant(), a in length(), b in length(), clock in clock()) {
        let (middle, end) = (t.plus_ms(a), t.plus_ms(a + b));
        let whole = calendar.elapsed_ms(t, end, clock);
        prop_assert_eq!(calendar.elapsed_ms(t, middle, clock) + calendar.elapsed_ms(middle, end, clock), whole);
        prop_assert!((0..=a + b).contains(&whole));
        prop_assert_eq!(calendar.elapsed_ms(end, t, clock), 0);
    }

    #[test]
    fn pause_moves_a_limit_by_what_would_have_passed_in_it(
        calendar in calendar(), t in instant(), before in length(), pause in length(), amount in 1u32..40, extensions in 0u8..3,
    ) {
        let limit = Limit::new(amount, ClockType::WorkingHours);
        let from = t.plus_ms(before);
        let until = from.plus_ms(pause);
        let plain = Run { start: t, limit, extensions, pauses: &[] };
        let pauses = [Pause { from, until: Some(until) }];
        let paused = Run { pauses: &pauses, ..plain };
        let open = [Pause { from, until: None }];
        let stopped = Run { pauses: &open, ..plain };
        let Due::At(due) = paused.due(&calendar) else { panic!("the pause has ended") };
        prop_assert_eq!(paused.remaining_ms(&calendar, due), 0);
        let used = calendar.elapsed_ms(t, from, limit.clock);
        if used < plain.total_ms() {
            prop_assert_eq!(stopped.due(&calendar), Due::Stopped(plain.total_ms() - used));
            prop_assert_eq!(stopped.remaining_ms(&calendar, until), plain.total_ms() - used);
            let lost = calendar.elapsed_ms(from, until, limit.clock);
            prop_assert_eq!(plain.due_after(&calendar, plain.total_ms() + lost).at(), Some(due));
        } else {
            prop_assert_eq!(Due::At(due), plain.due(&calendar));
            prop_assert_eq!(stopped.due(&calendar), plain.due(&calendar));
        }
    }
}

/// Stages that follow one another in any order, and how long each lasts.
fn history() -> impl Strategy<Value = Vec<(Stage, u8, usize, i64)>> {
    let step = (0..Stage::ALL.len(), 0u8..3, 0usize..4, 0..3_000_000_000i64);
    let step = step.prop_map(|(stage, extensions, severity, ms)| {
        (Stage::ALL[stage], extensions, severity, ms)
    });
    prop::collection::vec(step, 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn no_history_makes_timers_without_end_or_takes_a_card_back(calendar in calendar(), start in instant(), history in history()) {
        const SEVERITIES: [Severity; 4] = [Severity::P1, Severity::P2, Severity::P3, Severity::P4];
        let table = LimitTable::default();
        let mut now = start;
        let mut facts: Option<CaseFacts> = None;
        for (stage, extensions, severity, ms) in history {
            let seen = Seen {
                stage,
                category: "gas_leak",
                severity: SEVERITIES[severity],
                opened_at: start,
                ack_due_at: now.plus_ms(60_000),
                own_at: (stage == Stage::Suspended).then(|| now.plus_ms(ms)),
                extensions,
                card: Card::None,
                contained_at: None,
                acknowledged: stage != Stage::Reported,
                silenced: false,
            };
            let facts = match &mut facts {
                Some(facts) => {
                    facts.observe(&seen, &table, now);
                    facts
                }
                None => facts.insert(CaseFacts::new(&seen, &table, now)),
            };
            let again = facts.clone();
            facts.observe(&seen, &table, now.plus_ms(1));
            prop_assert_eq!(&*facts, &again, "seeing the same twice changed something");
            let (card, mut last, mut fired) = (facts.card, None, 0);
            while let Some(next) = next_timers(facts, &calendar).first().copied() {
                prop_assert!(next.due_at >= start);
                prop_assert!(Some(next) != last, "what was done is to be done again");
                // What the case engine does changes the stage.
                if matches!(next.effect, TimerEffect::Own | TimerEffect::Lapse) {
                    break;
                }
                facts.applied(next.effect);
                last = Some(next);
                fired += 1;
                prop_assert!(fired <= 6, "timers without end");
            }
            prop_assert!(facts.card >= card);
            prop_assert!(stage != Stage::Ended || fired == 0);
            prop_assert!([1, -5, -10].contains(&facts.card.score()) && (facts.card == Card::None) == (facts.card.score() > 0));
            now = now.plus_ms(ms);
        }
    }
}
