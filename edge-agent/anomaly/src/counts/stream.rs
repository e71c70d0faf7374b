//! One stream of counts per interval against what is usual at its hour.
//!
//! Scored first, learned after. A count teaches at most three standard deviations above what is expected,
//! and nothing while an episode runs, so that an anomaly does not teach itself. When more than a third of
//! four days were beyond that, the stream is another one than it was (a counter replaced, a door closed
//! for good), and what was learned is forgotten.
//!
//! Over-dispersion is learned from the core of the deviations (45 % shall lie beyond one standard
//! deviation), not from their squares: some crowded days would otherwise hide the next crowd.
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
use super::tail::{self, PHI_MAX, PHI_MIN};
use super::week::{LocalHour, SLOT_MS, Week};
use super::{COUNT_FEATURES, COUNTS_VERSION, CountRow, SURPRISE_MAX, at, narrow};

/// The sums that are looked at: so many intervals.
const WINDOWS: [usize; 3] = [1, 2, 4];
const RECENT: usize = 4;
/// Over-dispersion before any is learned.
const PHI_FIRST: f64 = 0.03;
/// Over-dispersion is learned where at least so many are expected; below it hardly matters.
const PHI_MEAN_MIN: f64 = 2.0;
/// How fast it is learned, per interval.
const PHI_GAIN: f64 = 0.05;
/// This part of the deviations shall be beyond one standard deviation.
const BEYOND_ONE: f64 = 0.45;
/// A count teaches at most so many standard deviations above what is expected …
const TEACH_Z: f64 = 3.0;
/// … once so much was watched, in so many intervals. Before, everything teaches.
const FIRST_MS: i64 = 2 * DAY_MS;
const FIRST_INTERVALS: u32 = 48;
/// An episode stops the learning for at most so long.
const HELD_MS_MAX: i64 = 3 * DAY_MS;
/// The part of the time that was strange is averaged over so long …
const STRANGE_MS: f64 = 4.0 * 86_400_000.0;
/// … and above this part the stream is another one.
const STRANGE_MAX: f64 = 0.35;
/// So few as this, or fewer, is strange.
const STRANGE_LOWER: f64 = 3.0;
/// What is left of the past when the stream is another one.
const KEPT_OF_ANOTHER: f64 = 0.02;
/// Weight of the newest interval in `upper_ewma`.
const EWMA_PART: f64 = 0.33;
/// Late counts in a row that are a clock step.
const LATE_IN_ROW_MAX: u8 = 3;
/// Intervals of another length in a row that are the new length.
const ODD_IN_ROW_MAX: u8 = 3;
/// A stream is stale after so many intervals.
const STALE_INTERVALS: i64 = 4;
/// Intervals are taken as at most a week.
const INTERVAL_MS_MAX: i64 = 7 * DAY_MS;
const DAY_MS: i64 = 86_400_000;
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

/// One interval, counted and expected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct Counted {
    count: f64,
    expected: f64,
}

/// How unusual the newest counts are.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Surprises {
    upper: f64,
    upper_intervals: usize,
    lower: f64,
    lower_intervals: usize,
}

/// The state of one stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct CountStream {
    state: State,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct State {
    week: Week,
    phi: f64,
    newest: Option<Timestamp>,
    offset_s: i32,
    interval_ms: i64,
    odd_in_row: u8,
    late_in_row: u8,
    /// Newest last.
    recent: Vec<Counted>,
    ewma: f64,
    watched_ms: i64,
    watched: u32,
    held_ms: i64,
    strange: f64,
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
            state: State {
                week: Week::new(),
                phi: PHI_FIRST,
                newest: None,
                offset_s: 0,
                interval_ms: 0,
                odd_in_row: 0,
                late_in_row: 0,
                recent: Vec::with_capacity(RECENT),
                ewma: 0.0,
                watched_ms: 0,
                watched: 0,
                held_ms: 0,
                strange: 0.0,
            },
        }
    }

    /// A stream whose counts are of a known interval.
    #[must_use]
    pub fn with_interval(interval_ms: i64) -> Self {
        let mut stream = Self::new();
        stream.state.interval_ms = interval_ms.clamp(1, INTERVAL_MS_MAX);
        stream
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
        let surprises = self.state.surprises();
        self.row_of(
            surprises.upper,
            surprises.lower,
            self.state.recent.last(),
            age,
        )
    }

    /// The newest count, or the sum of the newest counts that is most unusual, in words to come. `None`
    /// before anything was compared.
    #[must_use]
    pub fn view(&self) -> Option<CountView> {
        let newest = self.state.newest?;
        let surprises = self.state.surprises();
        let intervals = if surprises.upper >= surprises.lower {
            surprises.upper_intervals
        } else {
            surprises.lower_intervals
        };
        let sum = self.state.sum(intervals.max(1))?;
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
        let mut state = self.state.clone_recent();
        let expected = self
            .state
            .week
            .expected(at, self.state.interval_ms, offset_s);
        state.push(Counted { count, expected });
        let upper = state.upper(self.state.phi).0;
        self.row_of(upper, 0.0, state.0.last(), age)
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

    fn row_of(&self, upper: f64, lower: f64, newest: Option<&Counted>, age: f64) -> CountRow {
        let mut row = [0.0; COUNT_FEATURES];
        let expected = newest.map_or(0.0, |counted| counted.expected);
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

/// The newest intervals, newest last, at most [`RECENT`].
struct Recent(Vec<Counted>);

impl Recent {
    fn push(&mut self, counted: Counted) {
        if self.0.len() == RECENT {
            self.0.remove(0);
        }
        self.0.push(counted);
    }

    fn upper(&self, phi: f64) -> (f64, usize) {
        largest(&self.0, |sum| {
            if sum.count > sum.expected {
                tail::upper(sum.count, sum.expected, phi)
            } else {
                0.0
            }
        })
    }
}

impl State {
    /// `since` > 0 ms passed since the newest count.
    fn follow_interval(&mut self, since: i64) {
        if self.interval_ms == 0 {
            self.interval_ms = since.min(INTERVAL_MS_MAX);
            return;
        }
        let usual = self.interval_ms;
        if since > usual + usual / 2 {
            self.recent.clear();
        }
        if since >= usual - usual / 4 && since <= usual + usual / 4 {
            self.odd_in_row = 0;
            return;
        }
        self.odd_in_row += 1;
        if self.odd_in_row >= ODD_IN_ROW_MAX {
            self.interval_ms = since.min(INTERVAL_MS_MAX);
            self.recent.clear();
            self.odd_in_row = 0;
        }
    }

    fn take(&mut self, at: Timestamp, count: f64, learning: Learning) {
        let expected = self.week.expected(at, self.interval_ms, self.offset_s);
        let mut recent = Recent(std::mem::take(&mut self.recent));
        recent.push(Counted { count, expected });
        self.recent = recent.0;
        let surprises = self.surprises();
        self.ewma += EWMA_PART * (surprises.upper - self.ewma);
        let deviation = (expected + self.phi * expected * expected + 1.0).sqrt();
        let most = expected + TEACH_Z * deviation;
        let is_new = self.watched_ms < FIRST_MS || self.watched < FIRST_INTERVALS;
        if !is_new {
            self.judge_strange(
                count > most || tail::lower(count, expected, self.phi) >= STRANGE_LOWER,
            );
        }
        if learning == Learning::On {
            self.held_ms = 0;
        } else if self.held_ms < HELD_MS_MAX {
            self.held_ms += self.interval_ms;
            return;
        }
        self.learn_phi(count, expected);
        let taught = if is_new { count } else { count.min(most) };
        self.week.learn(at, self.interval_ms, self.offset_s, taught);
        self.watched_ms = self.watched_ms.saturating_add(self.interval_ms);
        self.watched = self.watched.saturating_add(1);
    }

    fn learn_phi(&mut self, count: f64, expected: f64) {
        if expected < PHI_MEAN_MIN || self.watched_ms < FIRST_MS {
            return;
        }
        let deviation = (expected + self.phi * expected * expected).sqrt();
        let beyond = f64::from(u8::from((count - expected).abs() > deviation));
        self.phi = (self.phi * (PHI_GAIN * (beyond - BEYOND_ONE)).exp()).clamp(PHI_MIN, PHI_MAX);
    }

    fn judge_strange(&mut self, is_strange: bool) {
        let length = float(self.interval_ms);
        let part = length / (STRANGE_MS + length);
        self.strange += part * (f64::from(u8::from(is_strange)) - self.strange);
        if self.strange > STRANGE_MAX {
            self.week.forget(KEPT_OF_ANOTHER);
            self.strange = 0.0;
            self.held_ms = HELD_MS_MAX;
            self.watched_ms = 0;
            self.watched = 0;
        }
    }

    fn clone_recent(&self) -> Recent {
        Recent(self.recent.clone())
    }

    fn surprises(&self) -> Surprises {
        let (upper, upper_intervals) = self.clone_recent().upper(self.phi);
        let (lower, lower_intervals) = largest(&self.recent, |sum| {
            if sum.count < sum.expected {
                tail::lower(sum.count, sum.expected, self.phi)
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

    fn sum(&self, intervals: usize) -> Option<Counted> {
        sum(&self.recent, intervals)
    }

    fn is_sound(&self) -> bool {
        let finite = |v: f64| v.is_finite() && v >= 0.0;
        self.week.is_sound()
            && (PHI_MIN..=PHI_MAX).contains(&self.phi)
            && (0..=INTERVAL_MS_MAX).contains(&self.interval_ms)
            && self.recent.len() <= RECENT
            && self
                .recent
                .iter()
                .all(|c| is_count(c.count) && finite(c.expected))
            && finite(self.ewma)
            && self.ewma <= tail::TAIL_MAX
            && self.watched_ms >= 0
            && (0..=HELD_MS_MAX + INTERVAL_MS_MAX).contains(&self.held_ms)
            && (0.0..=1.0).contains(&self.strange)
            && self.offset_s.abs() <= 86_400
            && self.odd_in_row < ODD_IN_ROW_MAX
            && self.late_in_row < LATE_IN_ROW_MAX
    }
}

fn sum(recent: &[Counted], intervals: usize) -> Option<Counted> {
    let newest = recent.len().checked_sub(intervals)?;
    let mut sum = Counted::default();
    for counted in &recent[newest..] {
        sum.count += counted.count;
        sum.expected += counted.expected;
    }
    Some(sum)
}

/// The largest surprise over the sums of [`WINDOWS`], and of how many intervals it is.
fn largest(recent: &[Counted], surprise: impl Fn(Counted) -> f64) -> (f64, usize) {
    let mut most = (0.0, 1);
    for intervals in WINDOWS {
        if let Some(of_sum) = sum(recent, intervals).map(&surprise)
            && of_sum > most.0
        {
            most = (of_sum, intervals);
        }
    }
    most
}

#[expect(
    clippy::cast_precision_loss,
    reason = "durations are far below 2^53 ms"
)]
fn float(ms: i64) -> f64 {
    ms as f64
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
        if stored.counts_version != COUNTS_VERSION {
            return Err(StoredCountsError::Version {
                found: stored.counts_version,
            });
        }
        if !stored.state.is_sound() {
            return Err(StoredCountsError::Damaged);
        }
        Ok(Self {
            state: stored.state,
        })
    }
}
