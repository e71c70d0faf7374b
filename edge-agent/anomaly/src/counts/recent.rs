//! The newest intervals of a stream, and how unusual their sums are.

use serde::{Deserialize, Serialize};

use super::likeness::is_count;
use super::tail;

/// The sums that are looked at: so many intervals.
const WINDOWS: [usize; 3] = [1, 2, 4];
/// Intervals that are kept: the longest of them.
const RECENT: usize = 4;

/// One interval, or a sum of several: counted and expected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Tally {
    pub(super) count: f64,
    pub(super) expected: f64,
}

/// How unusual the newest counts are.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Surprises {
    /// Of so many or more, largest over the sums …
    pub(super) upper: f64,
    /// … and of how many intervals that sum is.
    pub(super) upper_intervals: usize,
    /// Of so few or fewer.
    pub(super) lower: f64,
    /// Likewise.
    pub(super) lower_intervals: usize,
}

/// The newest intervals without a gap, newest last.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Recent(Vec<Tally>);

impl Recent {
    pub(super) fn push(&mut self, tally: Tally) {
        if self.0.len() == RECENT {
            self.0.remove(0);
        }
        self.0.push(tally);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn newest(&self) -> Option<&Tally> {
        self.0.last()
    }

    /// The sum of the newest `intervals`, if so many are there.
    pub(super) fn sum(&self, intervals: usize) -> Option<Tally> {
        let first = self.0.len().checked_sub(intervals)?;
        let mut sum = Tally::default();
        for tally in &self.0[first..] {
            sum.count += tally.count;
            sum.expected += tally.expected;
        }
        Some(sum)
    }

    pub(super) fn surprises(&self, phi: f64) -> Surprises {
        let (upper, upper_intervals) = self.largest(|sum| {
            if sum.count > sum.expected {
                tail::upper(sum.count, sum.expected, phi)
            } else {
                0.0
            }
        });
        let (lower, lower_intervals) = self.largest(|sum| {
            if sum.count < sum.expected {
                tail::lower(sum.count, sum.expected, phi)
            } else {
                0.0
            }
        });
        Surprises {
            upper,
            upper_intervals,
            lower,
            lower_intervals,
        }
    }

    /// The largest surprise over the sums of [`WINDOWS`], and of how many intervals it is.
    fn largest(&self, surprise: impl Fn(Tally) -> f64) -> (f64, usize) {
        let mut most = (0.0, 1);
        for intervals in WINDOWS {
            if let Some(of_sum) = self.going_on(intervals).map(&surprise)
                && of_sum > most.0
            {
                most = (of_sum, intervals);
            }
        }
        most
    }

    /// The sum of the newest `intervals`, if the newest of them has its part in it: at least half of an even
    /// share of what is above or below the expected. What is over is not told again and again.
    fn going_on(&self, intervals: usize) -> Option<Tally> {
        let sum = self.sum(intervals)?;
        let newest = self.newest()?;
        let of_all = sum.count - sum.expected;
        let of_newest = (newest.count - newest.expected) * of_all.signum();
        (2.0 * float(intervals) * of_newest >= of_all.abs()).then_some(sum)
    }

    pub(super) fn is_sound(&self) -> bool {
        self.0.len() <= RECENT
            && self
                .0
                .iter()
                .all(|tally| is_count(tally.count) && (0.0..=f64::MAX).contains(&tally.expected))
    }
}

#[expect(clippy::cast_precision_loss, reason = "at most 4")]
fn float(n: usize) -> f64 {
    n as f64
}
