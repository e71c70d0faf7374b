//! How often a device reports, learned from its own past. Pure.
//!
//! For devices whose type nobody has described. The longest silence of each whole day is kept, so that
//! nights and weekends count, and a device that reports once a day is given three days.

/// A day, the span over which the longest gap is taken.
const DAY_MS: i64 = 24 * 3600 * 1000;
/// Days that are remembered: a week, because buildings live by the week.
const DAYS: usize = 7;
/// Whole days before anything is said.
const DAYS_MIN: usize = 2;
/// Silent for so many times its longest gap means lost.
const GAPS: i64 = 3;
/// Never less than this.
const LIMIT_MIN_MS: i64 = 30 * 60 * 1000;

/// The longest gap of each of the last days.
#[derive(Debug, Clone, Default)]
pub(super) struct Interval {
    last_ms: Option<i64>,
    day_since_ms: i64,
    day_max_ms: i64,
    maxima: Vec<i64>,
}

impl Interval {
    /// Takes in that the device was heard; the silence limit, when it was learned anew.
    pub(super) fn heard(&mut self, now_ms: i64) -> Option<i64> {
        let Some(last) = self.last_ms.replace(now_ms) else {
            self.day_since_ms = now_ms;
            return None;
        };
        self.day_max_ms = self.day_max_ms.max(now_ms - last);
        if now_ms - self.day_since_ms < DAY_MS {
            return None;
        }
        self.day_since_ms = now_ms;
        if self.maxima.len() == DAYS {
            self.maxima.remove(0);
        }
        self.maxima.push(std::mem::take(&mut self.day_max_ms));
        let longest = self.maxima.iter().copied().max().unwrap_or(0);
        (self.maxima.len() >= DAYS_MIN).then(|| (longest * GAPS).max(LIMIT_MIN_MS))
    }

    /// The way to the device was down: the silence was not its own.
    pub(super) fn excuse(&mut self, now_ms: i64) {
        if self.last_ms.is_some() {
            self.last_ms = Some(now_ms);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: i64 = 3_600_000;

    /// The last limit learned from reports every `every_ms` over `days`.
    fn learned(every_ms: i64, days: i64) -> Option<i64> {
        let mut interval = Interval::default();
        (0..=days * DAY_MS / every_ms)
            .filter_map(|n| interval.heard(n * every_ms))
            .last()
    }

    #[test]
    fn nothing_is_said_before_two_whole_days() {
        assert_eq!(learned(HOUR_MS, 1), None);
        assert_eq!(learned(HOUR_MS, 2), Some(3 * HOUR_MS));
    }

    #[test]
    fn a_device_that_reports_once_a_day_is_given_three_days() {
        assert_eq!(learned(24 * HOUR_MS, 7), Some(3 * 24 * HOUR_MS));
    }

    #[test]
    fn a_fast_device_is_given_half_an_hour() {
        assert_eq!(learned(10_000, 3), Some(LIMIT_MIN_MS));
    }

    #[test]
    fn the_longest_night_of_a_week_counts() {
        let mut interval = Interval::default();
        let mut limit = None;
        for day in 0..6 {
            for hour in 8..20 {
                limit = interval.heard(day * DAY_MS + hour * HOUR_MS).or(limit);
            }
        }
        assert_eq!(limit, Some(3 * 13 * HOUR_MS));
    }

    #[test]
    fn a_lost_source_is_not_the_devices_silence() {
        let mut interval = Interval::default();
        let mut limit = None;
        for hour in 0..80 {
            if (30..50).contains(&hour) {
                interval.excuse(hour * HOUR_MS);
            } else {
                limit = interval.heard(hour * HOUR_MS).or(limit);
            }
        }
        assert_eq!(limit, Some(3 * HOUR_MS));
    }
}
