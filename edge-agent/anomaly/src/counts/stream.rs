//! One stream of counts per interval against what is usual at its hour.
//!
//! Scored first, learned after. A count teaches at most three standard deviations above what is expected,
//! and nothing while an episode runs, so that an anomaly does not teach itself. When more than a third of
//! four days were beyond that, the stream is another one than it was (a counter replaced, a door closed
//! for good), and what was learned is forgotten.
//!
//! Over-dispersion is learned from the core of the deviations (half shall lie beyond one standard
//! deviation), not from their squares: some crowded days would otherwise hide the next crowd.
//!
//! On the first watched day nothing is said, and surprises grow to their full size over the first week.
//!
//! | input | what happens |
//! |---|---|
//! | not whole, negative, above 10⁹, NaN, ±∞ | refused, state unchanged |
//! | same time again | refused as a duplicate |
//! | older than the newest | refused as late; the third in a row is a clock step |
//! | a clock step | sums over several intervals start anew, the weeks stay |
//! | a gap | the same; a gap teaches nothing, least of all zeros |
//! | another interval, three times in a row | is the stream's interval from then on |

use gridwatch_protocol::Timestamp;
use serde::{Deserialize, Serialize};

use super::likeness::is_count;
use super::recent::Tally;
use super::state::{DAY_MS, LATE_IN_ROW_MAX, State, float};
use super::tail;
use super::week::{LocalHour, SLOT_MS};
use super::{COUNT_FEATURES, COUNTS_VERSION, CountRow, SURPRISE_MAX, at, narrow};

/// A stream is stale after so many intervals.
const STALE_INTERVALS: i64 = 4;
/// The usual range holds all but this part, on either side.
const USUAL_SHARE: f64 = 0.05;

/// Whether a count may teach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Learning {
    /// It may.
    On,
    /// An episode runs: it must not, for at most three days.
    Held,
}

/// What became of a count or an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Update {
    /// It is in the features.
    Taken,
    /// Refused: not a whole number from 0 to 10⁹.
    NotACount,
    /// Refused: it was there already.
    Duplicate,
    /// Refused: older than what the stream already has.
    Late,
}

/// Why a saved state cannot be used. The stream then starts anew and learns again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoredCountsError {
    /// Made by another version of the definition.
    #[error("saved counts are of version {found}, this agent has version {COUNTS_VERSION}")]
    Version {
        /// The version in the saved state.
        found: u32,
    },
    /// Damaged.
    #[error("saved counts hold a number that no count can have led to")]
    Damaged,
}

impl StoredCountsError {
    /// Whether a saved state of this version may be used.
    pub(super) fn check(counts_version: u32, is_sound: impl FnOnce() -> bool) -> Result<(), Self> {
        if counts_version != COUNTS_VERSION {
            return Err(Self::Version {
                found: counts_version,
            });
        }
        is_sound().then_some(()).ok_or(Self::Damaged)
    }
}

/// A count as a person would describe it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CountView {
    /// Start of what was counted, as the counts are stamped.
    pub from: Timestamp,
    /// End of it.
    pub to: Timestamp,
    /// Local offset from UTC in seconds.
    pub offset_s: i32,
    /// The hour of the week that it began in.
    pub hour: LocalHour,
    /// How many.
    pub count: f64,
    /// How many are expected.
    pub expected: f64,
    /// Lower end of the usual range: 5 % are below it.
    pub usual_low: f64,
    /// Upper end of the usual range: 5 % are above it.
    pub usual_high: f64,
    /// Surprise of so many or more.
    pub upper: f64,
    /// Surprise of so few or fewer.
    pub lower: f64,
    /// Days that were watched, without gaps.
    pub watched_days: f64,
}

/// The state of one stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct CountStream {
    state: State,
}

/// [`CountStream`] as it is saved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Stored {
    counts_version: u32,
    state: State,
}

impl Default for CountStream {
    fn default() -> Self {
        Self::new()
    }
}

impl CountStream {
    /// A stream that nothing is known of; its interval is learned from the first two counts.
    #[must_use]
    pub fn new() -> Self {
        Self {
            state: State::new(0),
        }
    }

    /// A stream whose counts are of a known interval.
    #[must_use]
    pub fn with_interval(interval_ms: i64) -> Self {
        Self {
            state: State::new(interval_ms.max(1)),
        }
    }

    /// Takes what was counted from `at` on for one interval, where clocks are `offset_s` seconds ahead of
    /// UTC. Counts that are stamped with the end of their interval may be given so as well, as long as all
    /// are.
    pub fn update(
        &mut self,
        at: Timestamp,
        count: f64,
        offset_s: i32,
        learning: Learning,
    ) -> Update {
        if !is_count(count) {
            return Update::NotACount;
        }
        match self.state.newest.map(|newest| at.ms_since(newest)) {
            None => {}
            Some(0) => return Update::Duplicate,
            Some(since) if since < 0 => {
                self.state.late_in_row += 1;
                if self.state.late_in_row < LATE_IN_ROW_MAX {
                    return Update::Late;
                }
                self.state.recent.clear();
            }
            Some(since) => self.state.follow_interval(since),
        }
        self.state.late_in_row = 0;
        self.state.newest = Some(at);
        self.state.offset_s = offset_s;
        if self.state.interval_ms > 0 {
            self.state.take(at, count, learning);
        }
        Update::Taken
    }

    /// The features at the time of the newest count.
    #[must_use]
    pub fn row(&self) -> CountRow {
        self.state
            .newest
            .map_or([0.0; COUNT_FEATURES], |newest| self.row_at(newest))
    }

    /// The features at `now`: a stale stream is absent.
    #[must_use]
    pub fn row_at(&self, now: Timestamp) -> CountRow {
        let Some(age) = self.age(now) else {
            return [0.0; COUNT_FEATURES];
        };
        let surprises = self.state.surprises(&self.state.recent);
        self.row_of(
            surprises.upper,
            surprises.lower,
            self.state.recent.newest(),
            age,
        )
    }

    /// The newest count, or the sum of the newest counts that is most unusual, in words to come. `None`
    /// before anything was compared.
    #[must_use]
    pub fn view(&self) -> Option<CountView> {
        let newest = self.state.newest?;
        let surprises = self.state.surprises(&self.state.recent);
        let intervals = if surprises.upper >= surprises.lower {
            surprises.upper_intervals
        } else {
            surprises.lower_intervals
        };
        let sum = self.state.recent.sum(intervals.max(1))?;
        let back = i64::try_from(intervals.max(1) - 1).expect("at most 4");
        let interval_ms = self.state.interval_ms;
        let from = newest.plus_ms(-back * interval_ms);
        Some(self.describe(from, (back + 1) * interval_ms, sum.count, sum.expected))
    }

    /// How many are expected from `at` on for `length_ms`.
    #[must_use]
    pub fn expected(&self, at: Timestamp, length_ms: i64, offset_s: i32) -> f64 {
        self.state.week.expected(at, length_ms, offset_s)
    }

    /// Days that were watched, without gaps. What is said before about a week is little worth.
    #[must_use]
    pub fn watched_days(&self) -> f64 {
        float(self.state.watched_ms) / float(DAY_MS)
    }

    /// Time of the newest count.
    #[must_use]
    pub fn newest(&self) -> Option<Timestamp> {
        self.state.newest
    }

    /// Sums over several intervals start anew: what came before is not adjacent.
    pub(super) fn gap(&mut self) {
        self.state.recent.clear();
        self.state.newest = None;
        self.state.ewma = 0.0;
    }

    /// The features while `count` of the interval from `at` on is still growing: too many can be said
    /// already, too few cannot.
    pub(super) fn row_growing(
        &self,
        at: Timestamp,
        count: f64,
        offset_s: i32,
        age: f64,
    ) -> CountRow {
        let mut recent = self.state.recent.clone();
        let expected = self
            .state
            .week
            .expected(at, self.state.interval_ms, offset_s);
        recent.push(Tally { count, expected });
        let upper = self.state.surprises(&recent).upper;
        self.row_of(upper, 0.0, recent.newest(), age)
    }

    /// The same in words to come.
    pub(super) fn view_growing(&self, at: Timestamp, count: f64, offset_s: i32) -> CountView {
        let length_ms = self.state.interval_ms;
        let expected = self.state.week.expected(at, length_ms, offset_s);
        let mut view = self.describe(at, length_ms, count, expected);
        view.offset_s = offset_s;
        view.hour = LocalHour::of(at, offset_s);
        view.lower = 0.0;
        view
    }

    fn describe(&self, from: Timestamp, length_ms: i64, count: f64, expected: f64) -> CountView {
        let phi = self.state.phi;
        CountView {
            from,
            to: from.plus_ms(length_ms),
            offset_s: self.state.offset_s,
            hour: LocalHour::of(from, self.state.offset_s),
            count,
            expected,
            usual_low: tail::quantile_below(expected, phi, USUAL_SHARE),
            usual_high: tail::quantile_above(expected, phi, USUAL_SHARE),
            upper: tail::upper(count, expected, phi),
            lower: tail::lower(count, expected, phi),
            watched_days: self.watched_days(),
        }
    }

    fn row_of(&self, upper: f64, lower: f64, newest: Option<&Tally>, age: f64) -> CountRow {
        let mut row = [0.0; COUNT_FEATURES];
        let expected = newest.map_or(0.0, |tally| tally.expected);
        let per_half_hour = expected * float(SLOT_MS) / float(self.state.interval_ms.max(1));
        row[at::UPPER] = narrow(upper.min(SURPRISE_MAX));
        row[at::LOWER] = narrow(lower.min(SURPRISE_MAX));
        row[at::UPPER_EWMA] = narrow(self.state.ewma.min(SURPRISE_MAX));
        if newest.is_some() {
            row[at::OFF_HOURS] = narrow((-tail::ln_nobody(per_half_hour, self.state.phi)).exp());
        }
        row[at::EXPECTED] = narrow((1.0 + expected).log10().min(6.0));
        row[at::AGE] = narrow(age);
        row[at::PRESENT] = 1.0;
        row
    }

    /// Age of the newest count as a share of the time until it is stale; `None` when it is.
    fn age(&self, now: Timestamp) -> Option<f64> {
        let age_ms = now.ms_since(self.state.newest?).max(0);
        let stale_ms = STALE_INTERVALS * self.state.interval_ms.max(1);
        (age_ms <= stale_ms).then(|| float(age_ms) / float(stale_ms))
    }
}

impl From<CountStream> for Stored {
    fn from(stream: CountStream) -> Self {
        Self {
            counts_version: COUNTS_VERSION,
            state: stream.state,
        }
    }
}

impl TryFrom<Stored> for CountStream {
    type Error = StoredCountsError;
    fn try_from(stored: Stored) -> Result<Self, Self::Error> {
        StoredCountsError::check(stored.counts_version, || stored.state.is_sound())?;
        Ok(Self {
            state: stored.state,
        })
    }
}
