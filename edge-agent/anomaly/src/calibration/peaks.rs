//! The peaks of a sensor's quiet hours, and what they say about a new one.
//!
//! Kept as *surprise*, −log10(1 − evidence), in steps of 1/5000: with it the tail of evidence near 1
//! has the resolution that rare levels need, comparisons are exact, and no state can hold NaN.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Peaks kept: the hours of a quarter (365.25 · 24 / 4), the longest period of a level.
pub const PEAKS_MAX: usize = 2192;
/// The exponential tail is fitted to so many of the highest peaks, or a quarter of all.
const TAIL_PEAKS: usize = 30;
/// The tail is never taken as thinner than this many decades per e-fold: less is no knowledge.
const TAIL_MIN: f64 = 0.05;
/// A new peak is higher than a known one only by so many decades: coarse sensors repeat the same few peaks,
/// and what is the same event must not become a record by the rounding of its rarity.
const CLEAR: f64 = 0.1;
/// Steps per decade of 1 − evidence.
const STEPS: f64 = 5000.0;
/// 1 − evidence is not told from less than 10^−13.
const SURPRISE_MAX: f64 = 13.0;

/// −log10(1 − evidence), from 0 to 13.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Surprise(u16);

impl Surprise {
    /// No evidence at all.
    pub const ZERO: Self = Self(0);

    /// Of evidence, which is held to [0, 1]; NaN is no evidence.
    #[must_use]
    pub fn of_evidence(evidence: f64) -> Self {
        if evidence.is_nan() {
            return Self::ZERO;
        }
        Self::of_decades(-(1.0 - evidence.clamp(0.0, 1.0)).log10())
    }

    /// The evidence.
    #[must_use]
    pub fn evidence(self) -> f64 {
        1.0 - 10_f64.powf(-self.decades())
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "held to 0..=65000 before"
    )]
    fn of_decades(decades: f64) -> Self {
        Self((decades.clamp(0.0, SURPRISE_MAX) * STEPS).round() as u16)
    }

    fn decades(self) -> f64 {
        f64::from(self.0) / STEPS
    }

    pub(super) fn plus(self, decades: f64) -> Self {
        Self::of_decades(self.decades() + decades)
    }

    pub(super) fn scaled(self, part: f64) -> Self {
        Self::of_decades(self.decades() * part)
    }
}

/// The last [`PEAKS_MAX`] peaks.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "VecDeque<Surprise>", into = "VecDeque<Surprise>")]
pub struct Peaks {
    by_age: VecDeque<Surprise>,
    /// The same, ascending.
    sorted: Vec<Surprise>,
}

impl Peaks {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_age.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_age.is_empty()
    }

    /// Adds the newest; the oldest makes room.
    pub fn push(&mut self, peak: Surprise) {
        if self.by_age.len() >= PEAKS_MAX
            && let Some(oldest) = self.by_age.pop_front()
        {
            let place = self.sorted.partition_point(|other| *other < oldest);
            self.sorted.remove(place);
        }
        self.by_age.push_back(peak);
        let place = self.sorted.partition_point(|other| *other < peak);
        self.sorted.insert(place, peak);
    }

    /// Conformal p-value of a new hour with this peak: (1 + number of peaks ≥ it) / (N + 1).
    #[must_use]
    pub fn p_value(&self, peak: Surprise) -> f64 {
        let above = self.sorted.len() - self.sorted.partition_point(|other| *other < peak);
        count(1 + above) / count(1 + self.sorted.len())
    }

    /// The least surprise that a share `p` of quiet hours or fewer reach.
    #[must_use]
    pub fn reached_by(&self, p: f64) -> Surprise {
        let p = p.clamp(1e-9, 0.5);
        let all = count(1 + self.sorted.len());
        let allowed = p * all - 1.0;
        if allowed < 0.0 {
            let (start, share, mean_excess) = self.tail_fit();
            return start.plus(mean_excess * (share / p).ln().max(0.0));
        }
        // So many peaks may reach it: it lies just above the next one.
        self.descending(whole(allowed)).plus(CLEAR)
    }

    /// Decades by which the tail falls by a factor of e.
    pub(super) fn tail(&self) -> f64 {
        self.tail_fit().2
    }

    /// Where the tail starts, the share of hours beyond, and the mean excess in decades.
    fn tail_fit(&self) -> (Surprise, f64, f64) {
        let beyond = (self.sorted.len() / 4).clamp(1, TAIL_PEAKS);
        let start = self.descending(beyond);
        let excess: f64 = (0..beyond)
            .map(|rank| self.descending(rank).decades() - start.decades())
            .sum();
        let share = count(beyond) / count(1 + self.sorted.len());
        // One standard error of an exponential mean on the safe side: few peaks promise little.
        let mean = excess / count(beyond) * (1.0 + 1.0 / count(beyond).sqrt());
        (start, share, mean.max(TAIL_MIN))
    }

    /// The peak with so many higher ones; zero beyond the last.
    fn descending(&self, rank: usize) -> Surprise {
        self.sorted
            .len()
            .checked_sub(1 + rank)
            .map_or(Surprise::ZERO, |index| self.sorted[index])
    }
}

impl From<VecDeque<Surprise>> for Peaks {
    fn from(all: VecDeque<Surprise>) -> Self {
        let mut peaks = Self::default();
        for peak in all {
            peaks.push(peak);
        }
        peaks
    }
}

impl From<Peaks> for VecDeque<Surprise> {
    fn from(peaks: Peaks) -> Self {
        peaks.by_age
    }
}

#[expect(clippy::cast_precision_loss, reason = "at most PEAKS_MAX + 1")]
fn count(n: usize) -> f64 {
    n as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "not negative, at most PEAKS_MAX"
)]
fn whole(n: f64) -> usize {
    n.floor() as usize
}
