//! Who is on duty at a point in time. Pure.
//!
//! All times are instants; local time comes in only where a shift's day begins, by the hub's fixed
//! offset from UTC: there is no hour that a shift skips or has twice.

use std::collections::BTreeSet;

use gridwatch_protocol::Timestamp;
use jiff::civil::{Date, date};
use jiff::{Span, Unit};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::{DAY_MINUTES, Day, Days, Roster, Shift, Weekday};
use crate::clocks::Calendar;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = DAY_MINUTES * MINUTE_MS;

/// What a roster is read by: the calendar, the hub's local time, and who no longer has an account.
#[derive(Debug, Clone, Copy)]
pub struct Local<'a> {
    /// Tells working days from days off.
    pub calendar: &'a Calendar,
    /// Minutes east of UTC.
    pub utc_offset_minutes: i32,
    /// Sign-in names that nobody can sign in with: named in a roster, they leave their places empty.
    pub gone: &'a BTreeSet<String>,
}

impl Local<'_> {
    fn offset_ms(&self) -> i64 {
        i64::from(self.utc_offset_minutes) * MINUTE_MS
    }

    /// Number of the local day, counted from 1970-01-01.
    pub(super) fn day(&self, at: Timestamp) -> i64 {
        (at.unix_ms() + self.offset_ms()).div_euclid(DAY_MS)
    }

    fn instant(&self, day: i64, minute: i64) -> Timestamp {
        Timestamp::from_unix_ms(day * DAY_MS + minute * MINUTE_MS - self.offset_ms())
    }

    fn is_off(&self, date: Date) -> bool {
        self.calendar.hours_on(date).is_empty()
    }
}

/// When the first of the roster's shifts is worked for the first time; none without shifts.
#[must_use]
pub fn begins(roster: &Roster, local: &Local<'_>) -> Option<Timestamp> {
    let first = |shift: &Shift| local.instant(number_of(shift.first_day), shift.from.minutes());
    roster.shifts.iter().map(first).min()
}

/// The day with this number; none outside of the years that a calendar has.
fn date_of(day: i64) -> Option<Date> {
    let span = Span::new().try_days(day).ok()?;
    date(1970, 1, 1).checked_add(span).ok()
}

fn number_of(day: Day) -> i64 {
    let span = date(1970, 1, 1).until((Unit::Day, day.0));
    span.map_or(0, |span| i64::from(span.get_days()))
}

/// What somebody is on duty as.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum DutyRole {
    /// 值班员
    Officer,
    /// 值班长
    ShiftLeader,
    /// 领导
    Leader,
}

impl DutyRole {
    /// The name in the store and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            DutyRole::Officer => "officer",
            DutyRole::ShiftLeader => "shift_leader",
            DutyRole::Leader => "leader",
        }
    }
}

/// A shift on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occurrence<'a> {
    /// The shift.
    pub shift: &'a Shift,
    /// When it begins.
    pub from: Timestamp,
    /// When it ends.
    pub until: Timestamp,
    /// Which crew has its turn.
    pub crew: usize,
}

/// Somebody on duty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnDuty {
    /// Sign-in name.
    pub username: String,
    /// As what.
    pub role: DutyRole,
    /// In whose place, when somebody else is named in the shift.
    pub instead_of: Option<String>,
}

/// A desk at a point in time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Duty {
    /// Name, begin and end of the shift that is worked.
    pub shift: Option<(String, Timestamp, Timestamp)>,
    /// Officers in the order in which they are called.
    pub officers: Vec<OnDuty>,
    /// The shift leader.
    pub shift_leader: Option<OnDuty>,
    /// The leader.
    pub leader: Option<OnDuty>,
}

impl Duty {
    /// Everybody, in the order in which they are called.
    pub fn people(&self) -> impl Iterator<Item = &OnDuty> {
        self.officers
            .iter()
            .chain(&self.shift_leader)
            .chain(&self.leader)
    }

    /// Whether an officer has the desk; leaders are only called.
    #[must_use]
    pub fn is_manned(&self) -> bool {
        !self.officers.is_empty()
    }
}

/// The shift of a day, if it is worked on it.
fn occurrence<'a>(shift: &'a Shift, day: i64, local: &Local<'_>) -> Option<Occurrence<'a>> {
    let since = day - number_of(shift.first_day);
    if since < 0 || shift.crews.is_empty() {
        return None;
    }
    let date = date_of(day)?;
    let fits = match shift.days {
        Days::EveryDay => true,
        Days::WorkingDays => !local.is_off(date),
        Days::DaysOff => local.is_off(date),
    };
    let weekday = shift.weekdays.is_empty() || shift.weekdays.contains(&Weekday::of(date));
    if !fits || !weekday {
        return None;
    }
    let turn = since / i64::from(shift.turn_days.max(1));
    let crews = i64::try_from(shift.crews.len()).unwrap_or(1);
    let from = shift.from.minutes();
    Some(Occurrence {
        shift,
        from: local.instant(day, from),
        until: local.instant(day, from + shift.minutes()),
        crew: usize::try_from(turn % crews).unwrap_or(0),
    })
}

/// The shifts that begin or end between these times or are worked then, in the order of their begin.
#[must_use]
pub fn occurrences<'a>(
    roster: &'a Roster,
    local: &Local<'_>,
    from: Timestamp,
    until: Timestamp,
) -> Vec<Occurrence<'a>> {
    // A shift is at most a day long: one that began two days before has ended.
    let days = (local.day(from) - 1)..=local.day(until);
    let mut found: Vec<Occurrence<'a>> = days
        .flat_map(|day| {
            let shifts = roster.shifts.iter();
            shifts.filter_map(move |shift| occurrence(shift, day, local))
        })
        .filter(|one| one.until >= from && one.from <= until)
        .collect();
    found.sort_by_key(|one| one.from);
    found
}

/// Who comes when this one is named; nobody when they are absent without a substitute.
fn who_comes(
    roster: &Roster,
    local: &Local<'_>,
    named: &str,
    role: DutyRole,
    at: Timestamp,
) -> Option<OnDuty> {
    let within = |from: Timestamp, until: Timestamp| from <= at && at < until;
    let substitution = roster
        .substitutions
        .iter()
        .find(|one| one.of == named && within(one.from, one.until));
    let absent = roster
        .absences
        .iter()
        .any(|one| one.who == named && within(one.from, one.until));
    let (username, instead_of) = match substitution {
        Some(one) => (one.by.clone(), Some(named.to_owned())),
        None if absent => return None,
        None => (named.to_owned(), None),
    };
    (!local.gone.contains(&username)).then_some(OnDuty {
        username,
        role,
        instead_of,
    })
}

/// Who is on duty.
#[must_use]
pub fn on_duty(roster: &Roster, local: &Local<'_>, at: Timestamp) -> Duty {
    let comes = |named: &String, role| who_comes(roster, local, named, role, at);
    let mut duty = Duty {
        leader: roster
            .leader
            .as_ref()
            .and_then(|named| comes(named, DutyRole::Leader)),
        ..Duty::default()
    };
    for worked in occurrences(roster, local, at, at) {
        if worked.from > at || at >= worked.until {
            continue;
        }
        let crew = &worked.shift.crews[worked.crew];
        let name = worked.shift.name.clone();
        duty.shift.get_or_insert((name, worked.from, worked.until));
        for named in &crew.officers {
            let found = comes(named, DutyRole::Officer);
            let known = |one: &OnDuty| duty.officers.iter().any(|o| o.username == one.username);
            if let Some(officer) = found.filter(|one| !known(one)) {
                duty.officers.push(officer);
            }
        }
        if duty.shift_leader.is_none() {
            let named = crew.shift_leader.as_ref();
            duty.shift_leader = named.and_then(|named| comes(named, DutyRole::ShiftLeader));
        }
    }
    duty
}
