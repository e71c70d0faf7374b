//! Rates and times from the counts of a group of cases.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::counts::Counts;

/// The steps whose times are told, in the order of `TIMES` of the store.
pub const STEPS: [&str; 5] = ["acknowledge", "file", "dispatch", "handle", "close"];

/// A group of cases: its counts and the times of each step. Groups that share no case add up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sums {
    /// The counts.
    pub counts: Counts,
    /// Times of each of [`STEPS`], in milliseconds, in no order.
    pub times: [Vec<i64>; 5],
}

impl Sums {
    /// Adds another group.
    pub fn add(&mut self, other: Self) {
        self.counts.add(&other.counts);
        for (own, more) in self.times.iter_mut().zip(other.times) {
            if own.is_empty() {
                *own = more;
            } else {
                own.extend(more);
            }
        }
    }

    /// Rates and times of the group.
    #[must_use]
    pub fn figures(mut self) -> Figures {
        let [acknowledge, file, dispatch, handle, close] = &mut self.times;
        Figures {
            rates: Rates::of(&self.counts),
            times: Times {
                acknowledge: Spread::of(acknowledge),
                file: Spread::of(file),
                dispatch: Spread::of(dispatch),
                handle: Spread::of(handle),
                close: Spread::of(close),
            },
            counts: self.counts,
        }
    }
}

/// Everything about a group of cases.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Figures {
    /// The counts.
    pub counts: Counts,
    /// The rates.
    pub rates: Rates,
    /// The times.
    pub times: Times,
}

/// Shares between 0 and 1; null where there is nothing to divide by. What is left out of all counts, and what
/// an exemption is, stands at the head of `reports`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Rates {
    /// Acknowledged within the limit / acknowledged.
    pub acknowledged_in_time: Option<f64>,
    /// 立案率: filed / reported and not merged.
    pub filing: Option<f64>,
    /// 误报率: false alarms / reported and not merged.
    pub false_alarm: Option<f64>,
    /// 重复率: merged and rejected as a duplicate / reported.
    pub duplicate: Option<f64>,
    /// 处置率: handled / dispatched and not closed by force.
    pub handling: Option<f64>,
    /// 按期处置率: handled within the limit / handled, or not handled and overdue. Cases whose limit still runs
    /// are in neither.
    pub handled_in_time: Option<f64>,
    /// The same without the late cases that an appeal exempted.
    pub handled_in_time_after_appeals: Option<f64>,
    /// 结案率: closed / filed and not closed by force.
    pub closing: Option<f64>,
    /// 按期结案率: closed within the limits / closed, or open and overdue.
    pub closed_in_time: Option<f64>,
    /// The same without the late cases that an appeal exempted.
    pub closed_in_time_after_appeals: Option<f64>,
    /// 返工率: not good enough at least once / with a result at least once.
    pub rework: Option<f64>,
    /// 延期批准率: granted / asked for.
    pub extension_granted: Option<f64>,
    /// 挂账批准率: granted / asked for.
    pub suspension_granted: Option<f64>,
    /// 申诉成功率: granted / all appeals, those not yet decided among them.
    pub appeal_granted: Option<f64>,
    /// 满意度: mean of the scores of evaluation, 1 to 5 (not a share).
    pub mean_rating: Option<f64>,
}

/// A quotient to four digits; none where there is nothing to divide by.
#[must_use]
pub fn ratio(part: i64, whole: i64) -> Option<f64> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of cases are far below 2^52"
    )]
    let share = part as f64 / whole as f64;
    (whole > 0).then(|| (share * 1e4).round() / 1e4)
}

impl Rates {
    /// Of these counts.
    #[must_use]
    pub fn of(c: &Counts) -> Self {
        let own = c.reported - c.merged;
        let handled_in_time = c.handled - c.handled_late;
        let handling_due = c.handled + c.handling_overdue;
        let closed_in_time = c.closed - c.closed_late;
        let closing_due = c.closed + c.closing_overdue;
        Self {
            acknowledged_in_time: ratio(c.acknowledged - c.acknowledged_late, c.acknowledged),
            filing: ratio(c.filed, own),
            false_alarm: ratio(c.false_alarms, own),
            duplicate: ratio(c.merged + c.duplicates, c.reported),
            handling: ratio(c.handled, c.dispatched - c.forced_dispatched),
            handled_in_time: ratio(handled_in_time, handling_due),
            handled_in_time_after_appeals: ratio(
                handled_in_time,
                handling_due - c.handled_late_exempted,
            ),
            closing: ratio(c.closed, c.filed - c.forced_filed),
            closed_in_time: ratio(closed_in_time, closing_due),
            closed_in_time_after_appeals: ratio(
                closed_in_time,
                closing_due - c.closed_late_exempted,
            ),
            rework: ratio(c.reworked, c.ever_handled),
            extension_granted: ratio(c.extensions_granted, c.extensions_asked),
            suspension_granted: ratio(c.suspensions_granted, c.suspensions_asked),
            appeal_granted: ratio(c.appeals_granted, c.appeals),
            mean_rating: ratio(c.rating_sum, c.rated),
        }
    }

    /// Name and value of each, in order.
    #[must_use]
    pub fn named(&self) -> [(&'static str, Option<f64>); 15] {
        [
            ("acknowledged_in_time_rate", self.acknowledged_in_time),
            ("filing_rate", self.filing),
            ("false_alarm_rate", self.false_alarm),
            ("duplicate_rate", self.duplicate),
            ("handling_rate", self.handling),
            ("handled_in_time_rate", self.handled_in_time),
            (
                "handled_in_time_rate_after_appeals",
                self.handled_in_time_after_appeals,
            ),
            ("closing_rate", self.closing),
            ("closed_in_time_rate", self.closed_in_time),
            (
                "closed_in_time_rate_after_appeals",
                self.closed_in_time_after_appeals,
            ),
            ("rework_rate", self.rework),
            ("extension_granted_rate", self.extension_granted),
            ("suspension_granted_rate", self.suspension_granted),
            ("appeal_granted_rate", self.appeal_granted),
            ("mean_rating", self.mean_rating),
        ]
    }
}

/// How long a step took, on the clock that its limit runs by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Spread {
    /// So many cases have finished it.
    pub cases: i64,
    /// Mean, in milliseconds, rounded down.
    pub average_ms: Option<i64>,
    /// Half of the cases took no longer, in milliseconds (nearest rank).
    pub median_ms: Option<i64>,
    /// Nine in ten took no longer, in milliseconds (nearest rank).
    pub p90_ms: Option<i64>,
}

impl Spread {
    /// Of these times; sorts them.
    #[must_use]
    pub fn of(times: &mut [i64]) -> Self {
        times.sort_unstable();
        let count = i64::try_from(times.len()).unwrap_or(i64::MAX);
        let rank = |percent: usize| {
            let rank = (times.len() * percent).div_ceil(100).max(1);
            times.get(rank - 1).copied()
        };
        let sum: i128 = times.iter().map(|ms| i128::from(*ms)).sum();
        Self {
            cases: count,
            average_ms: sum
                .checked_div(i128::from(count))
                .and_then(|mean| i64::try_from(mean).ok()),
            median_ms: rank(50),
            p90_ms: rank(90),
        }
    }
}

/// How long each step took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Times {
    /// From when it had to be acknowledged until it was.
    pub acknowledge: Spread,
    /// From there until it was filed.
    pub file: Spread,
    /// From the filing, or from when a unit sent it back, until a unit had it.
    pub dispatch: Spread,
    /// From there until the result that was good enough, without suspensions.
    pub handle: Spread,
    /// From the result until it was closed.
    pub close: Spread,
}

impl Times {
    /// Each, in the order of [`STEPS`].
    #[must_use]
    pub fn each(&self) -> [(&'static str, Spread); 5] {
        [
            (STEPS[0], self.acknowledge),
            (STEPS[1], self.file),
            (STEPS[2], self.dispatch),
            (STEPS[3], self.handle),
            (STEPS[4], self.close),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_rank_of_ten_and_of_none() {
        let mut ten: Vec<i64> = (1..=10).rev().collect();
        let spread = Spread::of(&mut ten);
        assert_eq!(
            (spread.average_ms, spread.median_ms, spread.p90_ms),
            (Some(5), Some(5), Some(9))
        );
        assert_eq!(Spread::of(&mut []), Spread::default());
    }

    #[test]
    fn nothing_to_divide_by_is_no_rate() {
        let rates = Rates::of(&Counts::default());
        assert!(rates.named().iter().all(|(_, rate)| rate.is_none()));
        assert_eq!(ratio(1, 3), Some(0.3333));
    }
}
