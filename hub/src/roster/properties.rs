//! What holds for every roster, whatever its shifts, substitutions and absences.

use std::collections::BTreeSet;

use gridwatch_protocol::Timestamp;
use proptest::prelude::*;

use super::check;
use super::duty::on_duty;
use super::model::{Absence, Crew, Days, Roster, Shift, Substitution, TimeOfDay, Weekday};
use super::sample::{at, calendar, local, nobody_gone};
use super::timeline::{gaps, hand_overs, periods};

const MINUTE_MS: i64 = 60_000;
/// The week of the autumn holidays of 2026, a make-up day in it.
const START: &str = "2026-09-29T00:00";
const MINUTES: i64 = 12 * 24 * 60;
const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(&NAMES[..]).prop_map(str::to_owned)
}

fn crew() -> impl Strategy<Value = Crew> {
    let officers = prop::collection::btree_set(name(), 1..3);
    (officers, prop::option::of(name())).prop_map(|(officers, shift_leader)| Crew {
        officers: officers.into_iter().collect(),
        shift_leader,
    })
}

fn shift() -> impl Strategy<Value = Shift> {
    (
        (0_u16..1440, 0_u16..1440),
        prop::sample::select(vec![Days::EveryDay, Days::WorkingDays, Days::DaysOff]),
        prop::collection::vec(prop::sample::select(&Weekday::ALL[..]), 0..3),
        1_u16..9,
        1_i8..9,
        prop::collection::vec(crew(), 1..4),
    )
        .prop_map(
            |((from, until), days, weekdays, turn_days, first, crews)| Shift {
                name: String::new(),
                from: TimeOfDay::from_minutes(from).unwrap(),
                until: TimeOfDay::from_minutes(until).unwrap(),
                days,
                weekdays,
                first_day: format!("2026-09-2{first}").parse().unwrap(),
                turn_days,
                crews,
            },
        )
}

fn stretch() -> impl Strategy<Value = (Timestamp, Timestamp)> {
    (0..MINUTES, 1_i64..3_000).prop_map(|(from, length)| {
        let from = at(START).plus_ms(from * MINUTE_MS);
        (from, from.plus_ms(length * MINUTE_MS))
    })
}

fn roster() -> impl Strategy<Value = Roster> {
    let changes = prop::collection::vec((name(), name(), stretch()), 0..4);
    let absences = prop::collection::vec((name(), stretch()), 0..3);
    let shifts = prop::collection::vec(shift(), 0..5);
    (shifts, changes, absences).prop_map(|(mut shifts, changes, absences)| {
        for (number, shift) in shifts.iter_mut().enumerate() {
            shift.name = format!("shift {number}");
        }
        Roster {
            area: "990101001".to_owned(),
            leader: Some("boss".to_owned()),
            shifts,
            substitutions: changes
                .into_iter()
                .map(|(of, by, (from, until))| Substitution {
                    of,
                    by,
                    from,
                    until,
                    note: None,
                })
                .collect(),
            absences: absences
                .into_iter()
                .map(|(who, (from, until))| Absence {
                    who,
                    from,
                    until,
                    note: None,
                })
                .collect(),
        }
    })
}

fn minutes(step: usize) -> impl Iterator<Item = Timestamp> {
    (0..MINUTES)
        .step_by(step)
        .map(|minute| at(START).plus_ms(minute * MINUTE_MS))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_minute_has_an_officer_or_lies_in_exactly_one_gap(roster in roster()) {
        let (calendar, gone) = (calendar(), nobody_gone());
        let local = local(&calendar, &gone);
        let until = at(START).plus_ms(MINUTES * MINUTE_MS);
        let gaps = gaps(&roster, &local, at(START), until);
        for minute in minutes(1) {
            let within = gaps.iter().filter(|gap| gap.from <= minute && minute < gap.until);
            let manned = on_duty(&roster, &local, minute).is_manned();
            prop_assert_eq!(within.count(), usize::from(!manned), "{}", minute);
        }
    }

    #[test]
    fn periods_follow_each_other_and_say_what_every_minute_says(roster in roster()) {
        let (calendar, gone) = (calendar(), nobody_gone());
        let local = local(&calendar, &gone);
        let until = at(START).plus_ms(MINUTES * MINUTE_MS);
        let periods = periods(&roster, &local, at(START), until);
        prop_assert_eq!(periods[0].from, at(START));
        prop_assert_eq!(periods.last().unwrap().until, until);
        for pair in periods.windows(2) {
            prop_assert_eq!(pair[0].until, pair[1].from);
            prop_assert_ne!(&pair[0].duty, &pair[1].duty);
        }
        for minute in minutes(7) {
            let period = periods.iter().find(|p| p.from <= minute && minute < p.until);
            prop_assert_eq!(&period.unwrap().duty, &on_duty(&roster, &local, minute));
        }
    }

    #[test]
    fn substitute_changes_nobody_elses_shift(
        roster in roster(), of in name(), (from, until) in stretch(),
    ) {
        let (calendar, gone) = (calendar(), nobody_gone());
        let local = local(&calendar, &gone);
        let mut changed = roster.clone();
        changed.substitutions.retain(|one| one.of != of);
        let plain = changed.clone();
        changed.substitutions.push(Substitution {
            of: of.clone(), by: "x".to_owned(), from, until, note: None,
        });
        let others = |roster: &Roster, minute| -> BTreeSet<String> {
            let duty = on_duty(roster, &local, minute);
            let names = duty.officers.iter().map(|one| one.username.clone());
            names.filter(|name| *name != of && name != "x").collect()
        };
        for minute in minutes(3) {
            prop_assert_eq!(others(&plain, minute), others(&changed, minute), "{}", minute);
            let duty = on_duty(&changed, &local, minute);
            let comes = duty.people().any(|one| one.username == "x");
            prop_assert!(!comes || (from <= minute && minute < until));
        }
    }

    #[test]
    fn rosters_without_problems_never_have_two_shifts_at_once(roster in roster()) {
        let (calendar, gone) = (calendar(), nobody_gone());
        let local = local(&calendar, &gone);
        if check::problems(&roster, &local).is_empty() {
            let until = at(START).plus_ms(MINUTES * MINUTE_MS);
            let found = hand_overs(&roster, &local, at(START), until);
            for pair in found.windows(2) {
                prop_assert!(pair[0].until <= pair[1].at, "{pair:?}");
            }
        }
    }
}
