//! Rosters for tests.

use std::collections::BTreeSet;

use gridwatch_protocol::Timestamp;

use super::duty::Local;
use super::model::{Crew, Days, Roster, Shift};
use crate::clocks::Calendar;

/// China Standard Time.
pub(super) const OFFSET: i32 = 480;

/// A calendar with the holidays of 2026-10-01 to 07 and a make-up day on Saturday 2026-10-10.
pub(super) const CALENDAR: &str = r#"
version = "test"
time_zone = "+08:00"
[hours]
monday = ["08:00-12:00", "14:00-18:00"]
tuesday = ["08:00-12:00", "14:00-18:00"]
wednesday = ["08:00-12:00", "14:00-18:00"]
thursday = ["08:00-12:00", "14:00-18:00"]
friday = ["08:00-12:00", "14:00-18:00"]
saturday = []
sunday = []
[[year]]
year = 2026
notice = "test"
holidays = [{ name = "National Day", from = "2026-10-01", until = "2026-10-07" }]
makeup = [{ date = "2026-10-10", like = "friday" }]
"#;

pub(super) fn calendar() -> Calendar {
    Calendar::parse(CALENDAR).unwrap()
}

pub(super) fn nobody_gone() -> BTreeSet<String> {
    BTreeSet::new()
}

pub(super) fn local<'a>(calendar: &'a Calendar, gone: &'a BTreeSet<String>) -> Local<'a> {
    Local {
        calendar,
        utc_offset_minutes: OFFSET,
        gone,
    }
}

pub(super) fn at(text: &str) -> Timestamp {
    format!("{text}:00+08:00").parse().unwrap()
}

pub(super) fn crew(officers: &[&str], shift_leader: Option<&str>) -> Crew {
    Crew {
        officers: officers.iter().map(|&name| name.to_owned()).collect(),
        shift_leader: shift_leader.map(str::to_owned),
    }
}

pub(super) fn shift(name: &str, from: &str, until: &str, crews: Vec<Crew>) -> Shift {
    Shift {
        name: name.to_owned(),
        from: from.parse().unwrap(),
        until: until.parse().unwrap(),
        days: Days::EveryDay,
        weekdays: Vec::new(),
        first_day: "2026-01-01".parse().unwrap(),
        turn_days: 1,
        crews,
    }
}

/// Day and night, two crews that change places every day, a leader.
pub(super) fn two_shifts() -> Roster {
    let a = || crew(&["a1", "a2"], Some("sl-a"));
    let b = || crew(&["b1"], Some("sl-b"));
    Roster {
        area: "990101001".to_owned(),
        leader: Some("boss".to_owned()),
        shifts: vec![
            shift("day", "08:00", "20:00", vec![a(), b()]),
            shift("night", "20:00", "08:00", vec![b(), a()]),
        ],
        substitutions: Vec::new(),
        absences: Vec::new(),
    }
}
