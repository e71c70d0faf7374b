//! Clocks of cases: working time, limits, and what they lead to. Pure.
//!
//! Every due time is worked out from a stored instant, a limit and the calendar, never counted down:
//! a hub that was off, or whose wall clock jumped, finds the same due times again.
//!
//! - [`Limit`]: so much time by one type of clock.
//! - [`Calendar`]: working hours, holidays and make-up days; tells when a limit is over and how much of
//!   it has been used.
//! - [`limits`]: which limits a category and severity have.
//! - [`facts`]: what is remembered of one case's clocks.
//! - [`answers`]: clocks of units that were called or consulted.
//! - [`plan`]: from the facts of a case to its clocks and next timers.
//!
//! Nothing here reads a clock, the store or a file.

pub mod answers;
mod arithmetic;
pub mod calendar;
pub mod facts;
pub mod limits;
pub mod plan;
#[cfg(test)]
mod properties;

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use arithmetic::{Due, Pause, Run};
pub use calendar::Calendar;

/// Milliseconds of an hour.
pub(crate) const HOUR_MS: i64 = 3_600_000;
/// A working day counts eight working hours, whatever the day's own hours are (city practice of
/// 1 工作日 = 8 工作时).
pub const WORKING_DAY_HOURS: i64 = 8;

/// How time is counted against a limit.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ClockType {
    /// 秒: seconds that pass day and night; for acknowledgement and dispatch.
    Seconds,
    /// 紧急工作时: hours that pass day and night, holidays included.
    UrgentHours,
    /// 工作时: hours within the calendar's working hours.
    WorkingHours,
    /// 工作日: eight working hours each.
    WorkingDays,
    /// 自然日: 24 hours each, holidays included. Counted as time that passes, not by the wall clock: in a
    /// zone with daylight saving time a limit over the change ends an hour earlier or later by the
    /// wall clock, and stays exactly as long as every other one.
    CalendarDays,
}

impl ClockType {
    /// Every type.
    pub const ALL: [ClockType; 5] = [
        ClockType::Seconds,
        ClockType::UrgentHours,
        ClockType::WorkingHours,
        ClockType::WorkingDays,
        ClockType::CalendarDays,
    ];

    /// Milliseconds of one unit.
    #[must_use]
    pub fn unit_ms(self) -> i64 {
        match self {
            ClockType::Seconds => 1_000,
            ClockType::UrgentHours | ClockType::WorkingHours => HOUR_MS,
            ClockType::WorkingDays => WORKING_DAY_HOURS * HOUR_MS,
            ClockType::CalendarDays => 24 * HOUR_MS,
        }
    }

    /// Whether only working hours count.
    #[must_use]
    pub fn is_working_time(self) -> bool {
        matches!(self, ClockType::WorkingHours | ClockType::WorkingDays)
    }

    /// Whether limits by it are given in days: the long cases.
    #[must_use]
    pub fn is_days(self) -> bool {
        matches!(self, ClockType::WorkingDays | ClockType::CalendarDays)
    }

    /// The most that a limit may have: about three working years. Bounds how far a due time is looked
    /// for.
    #[must_use]
    pub fn amount_max(self) -> u32 {
        match self {
            ClockType::Seconds => 1_000_000,
            ClockType::UrgentHours | ClockType::WorkingHours => 6_000,
            ClockType::WorkingDays | ClockType::CalendarDays => 750,
        }
    }
}

/// So much time by one type of clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Units of the clock.
    pub amount: u32,
    /// How they are counted.
    pub clock: ClockType,
}

impl Limit {
    /// A limit of so many units.
    #[must_use]
    pub const fn new(amount: u32, clock: ClockType) -> Self {
        Self { amount, clock }
    }

    /// Its length on its own clock, in milliseconds.
    #[must_use]
    pub fn ms(self) -> i64 {
        i64::from(self.amount) * self.clock.unit_ms()
    }

    /// What is wrong with it, if anything.
    #[must_use]
    pub fn problem(self) -> Option<String> {
        let most = self.clock.amount_max();
        (!(1..=most).contains(&self.amount))
            .then(|| format!("amount = {} is not between 1 and {most}", self.amount))
    }

    /// In words, Chinese.
    #[must_use]
    pub fn zh(self) -> String {
        let unit = match self.clock {
            ClockType::Seconds => "秒",
            ClockType::UrgentHours => "紧急工作时",
            ClockType::WorkingHours => "工作时",
            ClockType::WorkingDays => "工作日",
            ClockType::CalendarDays => "自然日",
        };
        format!("{} {unit}", self.amount)
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.clock {
            ClockType::Seconds => "second",
            ClockType::UrgentHours => "urgent hour",
            ClockType::WorkingHours => "working hour",
            ClockType::WorkingDays => "working day",
            ClockType::CalendarDays => "calendar day",
        };
        let plural = if self.amount == 1 { "" } else { "s" };
        write!(f, "{} {unit}{plural}", self.amount)
    }
}
