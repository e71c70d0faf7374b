//! How rare a value of a statistic is, from a bounded memory of its own past.
//!
//! A histogram over ln(value) with slow forgetting, 400 bytes. Within the body the share of the past
//! that reached the value counts (its own bin in full, so that what repeats is not rare); beyond the 95 % point a Pareto tail is fitted to the exceedances (Hill,
//! "A simple general approach to inference about the tail of a distribution", 1975), shrunk towards
//! a thin one while few exceedances are known. It starts from an exponential distribution worth
//! [`PRIOR`] samples, so that the first samples of a series are not records all the time.

use serde::{Deserialize, Serialize};

/// Bins of ln(value).
const BINS: usize = 96;
/// ln(value) at the lower edge of the first bin; less is as good as nothing.
const LOWEST: f32 = -4.0;
/// Width of a bin: 13 %.
const WIDTH: f32 = 0.125;
/// Samples that the starting distribution is worth.
const PRIOR: f32 = 50.0;
/// The past that is remembered, in samples: a month of values every five minutes.
const MEMORY: f32 = 8000.0;
/// The tail begins where this share lies beyond.
const TAIL_SHARE: f32 = 0.05;
/// Exceedances that the assumed tail index is worth …
const TAIL_PRIOR: f32 = 2.0;
/// … and the assumed mean excess of ln(value): a tail that falls with the fourth power.
const TAIL_PRIOR_EXCESS: f32 = 0.25;
/// No tail is taken as thinner.
const TAIL_EXCESS_MIN: f32 = 0.05;

/// The past of one statistic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Tail {
    bins: Vec<f32>,
    total: f32,
}

impl Tail {
    pub(super) fn new() -> Self {
        let edge = |bin: usize| (LOWEST + WIDTH * small(bin)).exp();
        let bins: Vec<f32> = (0..BINS)
            .map(|bin| PRIOR * ((-edge(bin)).exp() - (-edge(bin + 1)).exp()))
            .collect();
        let total = bins.iter().sum();
        Self { bins, total }
    }

    /// −ln of the share of the past that reached `value`, at least 0.
    pub(super) fn surprise(&self, value: f64) -> f64 {
        let Some((ln, bin)) = place(value) else {
            return 0.0;
        };
        if bin == 0 {
            return 0.0;
        }
        if bin == 0 {
            return 0.0;
        }
        let (start, beyond) = self.tail_start();
        let tail_ln = LOWEST + WIDTH * small(start);
        if ln <= tail_ln || beyond <= 0.0 {
            let above: f32 = self.bins[bin..].iter().sum();
            let share = (above / self.total).clamp(1.0 / (self.total + 1.0), 1.0);
            return f64::from(-share.ln());
        }
        let excess: f32 = self.bins[start..]
            .iter()
            .enumerate()
            .map(|(place, count)| count * WIDTH * (small(place) + 0.5))
            .sum();
        let mean = ((excess + TAIL_PRIOR * TAIL_PRIOR_EXCESS) / (beyond + TAIL_PRIOR))
            .max(TAIL_EXCESS_MIN);
        f64::from(((ln - tail_ln) / mean - (beyond / self.total).ln()).max(0.0))
    }

    /// Remembers a value; a value that is not a number is not one.
    pub(super) fn add(&mut self, value: f64) {
        if value.is_nan() {
            return;
        }
        let bin = place(value).map_or(0, |(_, bin)| bin);
        if self.total >= MEMORY {
            let keep = 1.0 - 1.0 / MEMORY;
            for count in &mut self.bins {
                *count *= keep;
            }
            self.total *= keep;
        }
        self.bins[bin] += 1.0;
        self.total += 1.0;
    }

    /// The first bin of the tail and how much lies in it and beyond.
    fn tail_start(&self) -> (usize, f32) {
        let most = TAIL_SHARE * self.total;
        let mut start = BINS;
        let mut beyond = 0.0;
        while start > 1 && beyond + self.bins[start - 1] <= most {
            start -= 1;
            beyond += self.bins[start];
        }
        (start, beyond)
    }

    pub(super) fn is_sound(&self) -> bool {
        self.bins.len() == BINS
            && self
                .bins
                .iter()
                .chain([&self.total])
                .all(|count| (0.0..=2.0 * MEMORY).contains(count))
            && self.total > 0.0
    }
}

/// ln(value) and its bin; `None` for what is not positive.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "held to the bins before"
)]
fn place(value: f64) -> Option<(f32, usize)> {
    if value.is_nan() || value <= 0.0 {
        return None;
    }
    let ln = value.ln() as f32;
    let bin = ((ln - LOWEST) / WIDTH).clamp(0.0, small(BINS - 1));
    Some((ln.min(LOWEST + WIDTH * small(BINS)), bin as usize))
}

#[expect(clippy::cast_precision_loss, reason = "at most BINS")]
fn small(n: usize) -> f32 {
    n as f32
}
