//! What is usual at this hour of the week: counts per half-hour, learned from the stream's own past.
//!
//! A gamma-Poisson estimate on three levels, each shrunk towards the one above it: weekday × half-hour
//! (336 cells) → workday or weekend × half-hour (96 cells, smoothed over the neighbouring half-hours) →
//! the whole stream. Every cell holds a sum of counts and the half-hours it was watched, and both forget
//! 10 % a week, so a cell of the week rests on about the last ten weeks.
//!
//! Hours are local: the caller gives the offset from UTC with each time. A change to summer time shifts
//! nothing but the hour that it concerns. Never holds a negative or infinite number.

use gridwatch_protocol::Timestamp;
use serde::{Deserialize, Serialize};

use super::tail::{COUNT_MAX, MEAN_MIN};

/// Half-hours of a week.
const SLOTS: usize = 336;
/// Half-hours of a day.
const DAY_SLOTS: usize = 48;
/// Length of a slot.
pub(super) const SLOT_MS: i64 = 1_800_000;
/// What a week keeps of the weeks before it.
const KEPT_PER_WEEK: f64 = 0.9;
/// A weekday's own half-hour counts for itself as soon as it was watched for more than so many half-hours.
const WEEKDAY_PRIOR: f64 = 3.0;
/// The same of a half-hour of workdays or weekends against the stream's average.
const DAY_PRIOR: f64 = 1.0;
/// Weight of each neighbouring half-hour.
const NEIGHBOUR: f64 = 0.5;
/// What the stream's average is worth before anything was counted: half a count in one half-hour.
const FIRST: Cell = Cell {
    count: 0.5,
    watched: 1.0,
};

/// Counts, and half-hours in which they were counted; both forget.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct Cell {
    count: f64,
    watched: f64,
}

impl Cell {
    /// Adds `count` of `watched` half-hours, of which `per_week` come by in a week.
    fn add(&mut self, count: f64, watched: f64, per_week: f64) {
        let kept = KEPT_PER_WEEK.powf(watched / per_week);
        self.count = (self.count * kept + count).min(COUNT_MAX * 1e3);
        self.watched = self.watched * kept + watched;
    }

    fn forget(&mut self, kept: f64) {
        self.count *= kept;
        self.watched *= kept;
    }

    fn is_sound(&self) -> bool {
        (0.0..=COUNT_MAX * 1e3).contains(&self.count) && (0.0..=1e4).contains(&self.watched)
    }
}

/// Which cell a time falls in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalHour {
    /// Monday is 0.
    pub weekday: usize,
    /// Half-hour of the day, 0 to 47.
    pub half_hour: usize,
}

impl LocalHour {
    /// The local half-hour of `at`, where clocks are `offset_s` seconds ahead of UTC.
    #[must_use]
    pub fn of(at: Timestamp, offset_s: i32) -> Self {
        let local = at.plus_ms(i64::from(offset_s) * 1000).unix_ms();
        let slot = local.div_euclid(SLOT_MS);
        // The first of January 1970 was a Thursday.
        let weekday = (slot.div_euclid(48) + 3).rem_euclid(7);
        Self {
            weekday: usize::try_from(weekday).expect("a remainder of 7"),
            half_hour: usize::try_from(slot.rem_euclid(48)).expect("a remainder of 48"),
        }
    }

    /// Saturday or Sunday.
    #[must_use]
    pub fn is_weekend(self) -> bool {
        self.weekday >= 5
    }

    fn slot(self) -> usize {
        self.weekday * DAY_SLOTS + self.half_hour
    }
}

/// The expectation of one stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Week {
    weekdays: Vec<Cell>,
    /// Workdays, then weekends.
    days: Vec<Cell>,
    all: Cell,
}

impl Week {
    pub(super) fn new() -> Self {
        Self {
            weekdays: vec![Cell::default(); SLOTS],
            days: vec![Cell::default(); 2 * DAY_SLOTS],
            all: FIRST,
        }
    }

    /// What is expected from `at` on for `length_ms`.
    pub(super) fn expected(&self, at: Timestamp, length_ms: i64, offset_s: i32) -> f64 {
        let mut mean = 0.0;
        parts(at, length_ms, offset_s, |hour, share| {
            mean += share * self.rate(hour);
        });
        mean.clamp(MEAN_MIN, COUNT_MAX)
    }

    /// Learns that `count` came from `at` on for `length_ms`. Only the caller knows whether it should.
    pub(super) fn learn(&mut self, at: Timestamp, length_ms: i64, offset_s: i32, count: f64) {
        let per_ms = count / float(length_ms.max(1));
        let slot = float(SLOT_MS);
        parts(at, length_ms, offset_s, |hour, watched| {
            let part = per_ms * watched * slot;
            self.weekdays[hour.slot()].add(part, watched, 1.0);
            let days_a_week = if hour.is_weekend() { 2.0 } else { 5.0 };
            self.days[day_slot(hour.is_weekend(), hour.half_hour)].add(part, watched, days_a_week);
            self.all.add(part, watched, 336.0);
        });
    }

    /// The past counts for less: the stream is not what it was.
    pub(super) fn forget(&mut self, kept: f64) {
        for cell in self.weekdays.iter_mut().chain(&mut self.days) {
            cell.forget(kept);
        }
        self.all.forget(kept);
    }

    pub(super) fn is_sound(&self) -> bool {
        self.weekdays.len() == SLOTS
            && self.days.len() == 2 * DAY_SLOTS
            && self.all.is_sound()
            && self.weekdays.iter().chain(&self.days).all(Cell::is_sound)
    }

    /// Counts per half-hour.
    fn rate(&self, hour: LocalHour) -> f64 {
        let all = (self.all.count + FIRST.count) / (self.all.watched + FIRST.watched);
        let weekend = hour.is_weekend();
        let mut day = self.days[day_slot(weekend, hour.half_hour)];
        for neighbour in [hour.half_hour + 1, hour.half_hour + DAY_SLOTS - 1] {
            let cell = self.days[day_slot(weekend, neighbour % DAY_SLOTS)];
            day.count += NEIGHBOUR * cell.count;
            day.watched += NEIGHBOUR * cell.watched;
        }
        let day = (day.count + DAY_PRIOR * all) / (day.watched + DAY_PRIOR);
        let own = self.weekdays[hour.slot()];
        (own.count + WEEKDAY_PRIOR * day) / (own.watched + WEEKDAY_PRIOR)
    }
}

fn day_slot(weekend: bool, half_hour: usize) -> usize {
    usize::from(weekend) * DAY_SLOTS + half_hour
}

/// The half-hours that an interval touches, with the share of each that lies in it. An interval is at
/// most a week long: what is longer has no hour.
fn parts(at: Timestamp, length_ms: i64, offset_s: i32, mut part: impl FnMut(LocalHour, f64)) {
    let offset_ms = i64::from(offset_s) * 1000;
    let mut from = at.unix_ms() + offset_ms;
    let end = from + length_ms.clamp(1, SLOT_MS * 336);
    while from < end {
        let slot_end = (from.div_euclid(SLOT_MS) + 1) * SLOT_MS;
        let to = slot_end.min(end);
        part(
            LocalHour::of(Timestamp::from_unix_ms(from), 0),
            float(to - from) / float(SLOT_MS),
        );
        from = to;
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "at most a week of milliseconds, far below 2^53"
)]
fn float(ms: i64) -> f64 {
    ms as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: i64 = 48 * SLOT_MS;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn hours_are_those_of_the_place() {
        let monday = LocalHour {
            weekday: 0,
            half_hour: 0,
        };
        assert_eq!(LocalHour::of(at("2026-11-23T00:10:00Z"), 0), monday);
        assert_eq!(LocalHour::of(at("2026-11-22T16:10:00Z"), 8 * 3600), monday);
        assert_eq!(
            LocalHour::of(at("1969-12-31T23:45:00Z"), 0),
            LocalHour {
                weekday: 2,
                half_hour: 47
            }
        );
    }

    #[test]
    fn a_weekday_is_told_from_the_others_after_some_weeks() {
        let mut week = Week::new();
        let start = at("2026-03-02T00:00:00Z");
        for day in 0..42 {
            for slot in 0..48 {
                let time = start.plus_ms(day * DAY_MS + slot * SLOT_MS);
                let busy = (20..30).contains(&slot) && day % 7 < 5;
                let market = day % 7 == 2 && slot == 25;
                let count = if market {
                    30.0
                } else if busy {
                    8.0
                } else {
                    0.0
                };
                week.learn(time, SLOT_MS, 0, count);
            }
        }
        let expected = |day: i64, slot: i64| {
            week.expected(
                start.plus_ms((42 + day) * DAY_MS + slot * SLOT_MS),
                SLOT_MS,
                0,
            )
        };
        assert!(
            (18.0..30.0).contains(&expected(2, 25)),
            "{}",
            expected(2, 25)
        );
        assert!(
            (7.0..13.0).contains(&expected(1, 25)),
            "{}",
            expected(1, 25)
        );
        assert!(expected(5, 25) < 0.5 && expected(1, 4) < 0.2);
        let hour = week.expected(start.plus_ms(42 * DAY_MS + 22 * SLOT_MS), 2 * SLOT_MS, 0);
        assert!((hour - expected(0, 22) - expected(0, 23)).abs() < 1e-9);
    }

    #[test]
    fn counts_of_short_and_long_intervals_teach_the_same() {
        let start = at("2026-03-02T00:00:00Z");
        let rate = |length_ms: i64| {
            let mut week = Week::new();
            let mut from = 0;
            while from < 28 * DAY_MS {
                week.learn(start.plus_ms(from), length_ms, 0, float(length_ms) / 1e6);
                from += length_ms;
            }
            week.expected(start.plus_ms(28 * DAY_MS), SLOT_MS, 0)
        };
        assert!((rate(300_000) - rate(SLOT_MS)).abs() < 0.01);
        assert!((rate(DAY_MS) - rate(SLOT_MS)).abs() < 0.01);
    }
}
