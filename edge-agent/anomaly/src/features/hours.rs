//! What is usual for an hour of the week: 168 means with the errors they made, shrunk to the hour of the
//! day and from there to the channel's level, so that an hour that was seldom seen does not speak loudly.
//!
//! Hours are local ones; the caller gives the offset. Nothing is learned while the channel's level is
//! frozen. After a clock step the table stays and the hours follow the new clock.

use serde::{Deserialize, Serialize};

use super::state::{MEAN_ABS_TO_SIGMA, Time};

/// Hours of a week. Hour 0 begins on Monday at 00:00 local time.
pub(super) const HOURS: usize = 168;
const HOURS_OF_DAY: usize = 24;
const HOUR_S: f64 = 3600.0;
const WEEK_MS: i64 = 7 * 24 * 3_600_000;
/// 1970-01-01 was a Thursday: Monday 00:00 was three days before.
const MONDAY_MS: i64 = 3 * 24 * 3_600_000;
/// An hour remembers about four weeks.
const MEMORY_S: f32 = 4.0 * 3600.0;
/// An hour of the week counts as much as its hour of the day once it was seen for an hour.
const SHRINK_TO_DAY_S: f64 = HOUR_S;
/// An hour of the day counts as much as the level once it was seen on two days.
const SHRINK_TO_LEVEL_S: f64 = 2.0 * HOUR_S;
/// A value beyond so many spreads teaches no more than one that far.
const CLIP_SPREADS: f64 = 4.0;

/// What is usual at some hour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Usual {
    /// The value expected.
    pub(super) value: f64,
    /// Standard deviation around it; never below the channel's scale.
    pub(super) spread: f64,
}

/// The table of one channel: 2 KB.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct HourTable {
    /// Mean value.
    mean: Vec<f32>,
    /// Mean absolute error of what was expected before the value came.
    error: Vec<f32>,
    /// Seconds that taught it, at most [`MEMORY_S`].
    seen_s: Vec<f32>,
}

impl HourTable {
    pub(super) fn new() -> Self {
        Self {
            mean: vec![0.0; HOURS],
            error: vec![0.0; HOURS],
            seen_s: vec![0.0; HOURS],
        }
    }

    /// What is usual at a local time; `level` and `scale` where nothing is known. Goes smoothly from the
    /// middle of one hour to the middle of the next.
    pub(super) fn usual(&self, local_ms: Time, level: f64, scale: f64) -> Usual {
        let position = hour_of_week(local_ms) - 0.5;
        let part = position - position.floor();
        let (first, second) = neighbours(position);
        let (a, b) = (
            self.hour(first, level, scale),
            self.hour(second, level, scale),
        );
        Usual {
            value: a.value + part * (b.value - a.value),
            spread: (a.spread + part * (b.spread - a.spread)).max(scale),
        }
    }

    /// Learns a value that held for `weight_s`; `usual` is what was expected.
    pub(super) fn learn(&mut self, local_ms: Time, weight_s: f64, value: f64, usual: Usual) {
        let error = value - usual.value;
        let reach = CLIP_SPREADS * usual.spread;
        let held = usual.value + error.clamp(-reach, reach);
        let hour = index(hour_of_week(local_ms));
        let (weight, seen) = (narrow(weight_s), self.seen_s[hour]);
        if weight <= 0.0 {
            return;
        }
        let part = weight / (seen + weight);
        self.mean[hour] += part * (narrow(held) - self.mean[hour]);
        self.error[hour] += part * (narrow(error.abs().min(reach)) - self.error[hour]);
        self.seen_s[hour] = (seen + weight).min(MEMORY_S);
    }

    /// Begins anew: the sensor was replaced or its unit changed.
    pub(super) fn forget(&mut self) {
        *self = Self::new();
    }

    fn hour(&self, hour: usize, level: f64, scale: f64) -> Usual {
        let (mut seen, mut mean, mut error) = (0.0, 0.0, 0.0);
        for same in (hour % HOURS_OF_DAY..HOURS).step_by(HOURS_OF_DAY) {
            let weight = f64::from(self.seen_s[same]);
            seen += weight;
            mean += weight * f64::from(self.mean[same]);
            error += weight * f64::from(self.error[same]);
        }
        let of_day = seen + SHRINK_TO_LEVEL_S;
        let day_mean = (mean + SHRINK_TO_LEVEL_S * level) / of_day;
        let level_error = scale / MEAN_ABS_TO_SIGMA;
        let day_error = (error + SHRINK_TO_LEVEL_S * level_error) / of_day;
        let own = f64::from(self.seen_s[hour]);
        let total = own + SHRINK_TO_DAY_S;
        let mixed =
            |own_value: f32, day: f64| (own * f64::from(own_value) + SHRINK_TO_DAY_S * day) / total;
        Usual {
            value: mixed(self.mean[hour], day_mean),
            spread: MEAN_ABS_TO_SIGMA * mixed(self.error[hour], day_error),
        }
    }

    /// Whether every number is one that readings within `min..=max` can lead to.
    pub(super) fn is_sound(&self, min: f64, max: f64) -> bool {
        // Means are rounded to 32 bits: a hair beyond the range is still sound.
        let slack = 1e-3 * (max - min);
        let within = |low: f64, high: f64| move |v: &f32| (low..=high).contains(&f64::from(*v));
        self.mean.len() == HOURS
            && self.error.len() == HOURS
            && self.seen_s.len() == HOURS
            && self
                .mean
                .iter()
                .all(within(min.min(0.0) - slack, max + slack))
            && self.error.iter().all(within(0.0, max - min + slack))
            && self.seen_s.iter().all(within(0.0, f64::from(MEMORY_S)))
    }
}

/// 0 to 168, hours since Monday 00:00 of a local time.
#[expect(clippy::cast_precision_loss, reason = "a week has 6·10^8 ms")]
pub(super) fn hour_of_week(local_ms: Time) -> f64 {
    let since_monday = local_ms.saturating_add(MONDAY_MS).rem_euclid(WEEK_MS);
    since_monday as f64 / 3_600_000.0
}

fn neighbours(position: f64) -> (usize, usize) {
    if position < 0.0 {
        return (HOURS - 1, 0);
    }
    let first = index(position);
    (first, (first + 1) % HOURS)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "0 to 168 by construction; a cast of a float saturates"
)]
fn index(position: f64) -> usize {
    (position as usize).min(HOURS - 1)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the table holds 32-bit numbers to stay small"
)]
fn narrow(value: f64) -> f32 {
    value as f32
}
