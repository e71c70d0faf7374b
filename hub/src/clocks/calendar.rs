//! The calendar: which hours are working hours. Data, checked once; pure.
//!
//! A year that the calendar does not know has its weekly hours and no holidays: limits still end, some
//! of them too early. [`Calendar::warnings`] tells the administrator a month before that happens.

mod file;

use std::collections::BTreeMap;

use gridwatch_protocol::{Text, Timestamp};
use jiff::civil::{Date, Time, date};
use jiff::tz::{AmbiguousOffset, TimeZone};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::cases::text;

/// Minutes of a day.
const DAY_MINUTES: u16 = 24 * 60;
/// The calendar of the next year is missed from this many days before it begins.
const WARN_DAYS: i32 = 31;

/// Working hours within one day, in minutes since its midnight; `until` is not part of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    /// First minute.
    pub from: u16,
    /// Minute after the last, at most 1440.
    pub until: u16,
}

/// What the calendar knows of one year.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Year {
    /// The official notice that it was copied from; empty when it was not.
    notice: String,
}

/// Working hours, holidays and make-up days.
#[derive(Debug, Clone)]
pub struct Calendar {
    /// Version of the file.
    pub version: String,
    zone: TimeZone,
    /// Monday to Sunday.
    week: [Vec<Hours>; 7],
    years: BTreeMap<i16, Year>,
    /// With the name that the file gives.
    holidays: BTreeMap<Date, String>,
    makeup: BTreeMap<Date, Vec<Hours>>,
}

/// What an administrator must do about the calendar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Warning {
    /// `calendar_year_missing` or `calendar_year_unconfirmed`.
    pub code: String,
    /// The year.
    pub year: i16,
    /// What is wrong and what to do.
    pub detail: Text,
}

impl Calendar {
    /// The working hours of a local day, in order; none on a day off.
    #[must_use]
    pub fn hours_on(&self, date: Date) -> &[Hours] {
        if let Some(hours) = self.makeup.get(&date) {
            return hours;
        }
        if self.holidays.contains_key(&date) {
            return &[];
        }
        let day = usize::from(date.weekday().to_monday_zero_offset().unsigned_abs());
        &self.week[day]
    }

    /// Working hours of an ordinary Monday to Sunday.
    #[must_use]
    pub fn week(&self) -> &[Vec<Hours>; 7] {
        &self.week
    }

    /// The official notice that a year was copied from, empty when it was not; none when the calendar
    /// does not know the year.
    #[must_use]
    pub fn notice(&self, year: i16) -> Option<&str> {
        self.years.get(&year).map(|year| year.notice.as_str())
    }

    /// Days of the year of `first` that are not like their day of the week, with their hours.
    #[must_use]
    pub fn other_days(&self, first: Date) -> BTreeMap<Date, &[Hours]> {
        let holidays = self.holidays.keys().chain(self.makeup.keys());
        let of_year = holidays.filter(|date| date.year() == first.year());
        of_year.map(|date| (*date, self.hours_on(*date))).collect()
    }

    /// Holidays of the year of `first`, by the names that the file gives.
    pub fn holidays(&self, first: Date) -> impl Iterator<Item = (Date, &str)> {
        let of_year = self.holidays.iter();
        of_year
            .filter(move |(date, _)| date.year() == first.year())
            .map(|(date, name)| (*date, name.as_str()))
    }

    /// The local day of an instant.
    #[must_use]
    pub fn local_date(&self, at: Timestamp) -> Date {
        let at = jiff::Timestamp::from_millisecond(at.unix_ms())
            .expect("a Timestamp is held to the years 0 to 9999");
        self.zone.to_datetime(at).date()
    }

    /// The first instant of a local day.
    #[must_use]
    pub fn day_start(&self, date: Date) -> Timestamp {
        self.instant(date, 0)
    }

    /// The instant of a minute of a local day. Of an hour that the zone's clock shows twice the first
    /// one; in an hour that it skips, the instant of the skip.
    pub(crate) fn instant(&self, date: Date, minute: u16) -> Timestamp {
        let (date, minute) = if minute >= DAY_MINUTES {
            (date.tomorrow().unwrap_or(date), minute - DAY_MINUTES)
        } else {
            (date, minute)
        };
        let hour = i8::try_from(minute / 60).expect("below 24");
        let of_hour = i8::try_from(minute % 60).expect("below 60");
        let local = date.to_datetime(Time::constant(hour, of_hour, 0, 0));
        let offset = self.zone.to_ambiguous_timestamp(local).offset();
        let at = match offset {
            AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(local),
            AmbiguousOffset::Fold { before, .. } => before.to_timestamp(local),
            AmbiguousOffset::Gap { after, .. } => after.to_timestamp(local).map(|before_skip| {
                self.zone
                    .following(before_skip)
                    .next()
                    .map_or(before_skip, |skip| skip.timestamp())
            }),
        };
        at.map_or(Timestamp::from_unix_ms(i64::MAX), Timestamp::from)
    }

    /// What an administrator must do, a month ahead.
    #[must_use]
    pub fn warnings(&self, now: Timestamp) -> Vec<Warning> {
        let today = self.local_date(now);
        let mut years = vec![today.year()];
        let days_left = today
            .until(date(today.year(), 12, 31))
            .map_or(0, |span| span.get_days());
        if days_left < WARN_DAYS && today.year() < 9999 {
            years.push(today.year() + 1);
        }
        years
            .into_iter()
            .filter_map(|year| self.warning(year))
            .collect()
    }

    fn warning(&self, year: i16) -> Option<Warning> {
        let (code, detail) = match self.years.get(&year) {
            Some(known) if !known.notice.is_empty() => return None,
            Some(_) => (
                "calendar_year_unconfirmed",
                text(
                    format!(
                        "日历中 {year} 年的节假日尚未按官方通知核对；请补全并填写该年的 notice"
                    ),
                    format!(
                        "the holidays of {year} in the calendar were not checked against the official notice; complete them and fill in that year's `notice`"
                    ),
                ),
            ),
            None => (
                "calendar_year_missing",
                text(
                    format!(
                        "日历中没有 {year} 年；工作时限将按平常周计算，不计节假日和调休。请加入 [[year]]"
                    ),
                    format!(
                        "the calendar has no year {year}; limits in working time go by the plain week, without holidays and make-up days. Add a [[year]]"
                    ),
                ),
            ),
        };
        Some(Warning {
            code: code.to_owned(),
            year,
            detail,
        })
    }
}

#[cfg(test)]
pub(super) mod tests;
