//! Whether the values of a channel are counts: whole numbers that scatter as counts do.
//!
//! Only the past is looked at. A count of independent arrivals scatters from interval to interval at least
//! about as much as a Poisson count, whose mean squared difference is twice its mean. Levels that are
//! shown in whole numbers (45 %, 46 %) scatter far less, states (0 and 1 for hours) change far less often,
//! and meters only rise. All are told apart by that; constant memory, O(1) per value.

use serde::{Deserialize, Serialize};

use super::tail::COUNT_MAX;

/// Values before anything is said: a day of half-hours.
const VALUES_MIN: u32 = 48;
/// After a value that is no count, so many others must come before the channel may count again.
const DISTRUST: u32 = 1000;
/// Means forget over so many values: a week of half-hours.
const MEMORY: f64 = 336.0;
/// Half the mean squared difference must be at least this part of the mean (Poisson: 1).
const SCATTER_MIN: f64 = 0.3;
/// Counts that large on average scatter less by chance than by all that makes the mean wander (15,000 rides by
/// 1 %): they are a level, and belong to the statistics of levels.
const MEAN_MAX: f64 = 500.0;
/// Of the changes, at least this part must go down: a meter's do not.
const DOWN_MIN: f64 = 0.1;

/// Watches a channel's values.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CountLikeness {
    values: u32,
    distrust: u32,
    last: f64,
    mean: f64,
    half_square: f64,
    ups: f64,
    downs: f64,
}

impl CountLikeness {
    /// A channel that nothing is known of.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next value. Call [`CountLikeness::looks_like_counts`] before, for a judgement on the past.
    pub fn take(&mut self, value: f64) {
        if !is_count(value) {
            *self = Self {
                distrust: DISTRUST,
                ..Self::default()
            };
            return;
        }
        self.distrust = self.distrust.saturating_sub(1);
        if self.values > 0 {
            let part = 1.0 / f64::from(self.values).min(MEMORY);
            let difference = value - self.last;
            self.mean += part * (value - self.mean);
            self.half_square += part * (difference * difference / 2.0 - self.half_square);
            self.ups += part * (f64::from(u8::from(difference > 0.0)) - self.ups);
            self.downs += part * (f64::from(u8::from(difference < 0.0)) - self.downs);
        }
        self.last = value;
        self.values = self.values.saturating_add(1);
    }

    /// Whether what was taken so far looks like counts per interval.
    #[must_use]
    pub fn looks_like_counts(&self) -> bool {
        self.values >= VALUES_MIN
            && self.distrust == 0
            && self.mean > 0.0
            && self.mean <= MEAN_MAX
            && self.half_square >= SCATTER_MIN * self.mean
            && self.downs >= DOWN_MIN * (self.ups + self.downs)
    }
}

/// Whether a value can be a count at all: whole, from 0 to a billion.
#[must_use]
pub fn is_count(value: f64) -> bool {
    value.is_finite() && (0.0..=COUNT_MAX).contains(&value) && value.fract() == 0.0
}

/// Whether `past` looks like counts per interval; see [`CountLikeness`].
#[must_use]
pub fn looks_like_counts(past: &[f64]) -> bool {
    let mut likeness = CountLikeness::new();
    past.iter().for_each(|&value| likeness.take(value));
    likeness.looks_like_counts()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(value: impl Fn(u32) -> f64) -> Vec<f64> {
        (0..400).map(value).collect()
    }

    /// A fixed scatter between 0 and 1.
    fn scatter(i: u32) -> f64 {
        f64::from(i.wrapping_mul(2_654_435_761) >> 8) / f64::from(1u32 << 24)
    }

    #[test]
    fn people_per_half_hour_and_rare_events_are_counts() {
        let day = |i: u32| f64::from(u8::from((18..40).contains(&(i % 48))));
        assert!(looks_like_counts(&series(|i| (day(i)
            * 12.0
            * scatter(i)
            * 2.0)
            .round())));
        assert!(looks_like_counts(&series(|i| f64::from(u8::from(
            scatter(i) > 0.9
        )))));
    }

    #[test]
    fn levels_states_meters_and_broken_numbers_are_not() {
        assert!(!looks_like_counts(&series(
            |i| (45.0 + scatter(i) * 3.0).round()
        )));
        assert!(!looks_like_counts(&series(|i| f64::from(i / 60 % 2))));
        assert!(!looks_like_counts(&series(|i| f64::from(i * 7))));
        assert!(!looks_like_counts(&series(|_| 3.0)));
        assert!(!looks_like_counts(&series(|i| scatter(i) * 20.0)));
        assert!(!looks_like_counts(
            &series(|i| -(scatter(i) * 20.0).round())
        ));
        assert!(!looks_like_counts(&[]));
        assert!(!looks_like_counts(&[f64::NAN; 60]));
    }

    #[test]
    fn one_broken_number_costs_a_channel_its_standing_for_long() {
        let mut likeness = CountLikeness::new();
        let mut good = (0..u32::MAX).map(|i| (scatter(i) * 20.0).round());
        for value in good.by_ref().take(200) {
            likeness.take(value);
        }
        assert!(likeness.looks_like_counts());
        likeness.take(0.5);
        for value in good.by_ref().take(900) {
            likeness.take(value);
            assert!(!likeness.looks_like_counts());
        }
        for value in good.take(200) {
            likeness.take(value);
        }
        assert!(likeness.looks_like_counts());
    }
}
