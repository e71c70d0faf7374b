//! What a stream has learned, and how it learns: scored first, learned after, see [`super::CountStream`].

use gridwatch_protocol::Timestamp;
use serde::{Deserialize, Serialize};

use super::recent::{Recent, Surprises, Tally};
use super::stream::Learning;
use super::tail::{self, PHI_MAX, PHI_MIN};
use super::week::Week;

/// Over-dispersion before any is learned.
const PHI_FIRST: f64 = 0.03;
/// Over-dispersion is learned where at least so many are expected; below it hardly matters.
const PHI_MEAN_MIN: f64 = 2.0;
/// How fast it is learned, per interval.
const PHI_GAIN: f64 = 0.02;
/// This part of the deviations shall be beyond one standard deviation: the median one is one.
const BEYOND_ONE: f64 = 0.5;
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
/// Intervals of another length in a row that are the new length.
const ODD_IN_ROW_MAX: u8 = 3;
/// Intervals are taken as at most a week.
const INTERVAL_MS_MAX: i64 = 7 * DAY_MS;
pub(super) const DAY_MS: i64 = 86_400_000;
/// Nothing is said on the first watched day …
const NOTHING_DAYS: f64 = 1.0;
/// … and everything after a week of them.
const TRUSTED_DAYS: f64 = 7.0;
/// Late counts in a row that are a clock step.
pub(super) const LATE_IN_ROW_MAX: u8 = 3;

/// The state of one stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) week: Week,
    pub(super) phi: f64,
    pub(super) newest: Option<Timestamp>,
    pub(super) offset_s: i32,
    pub(super) interval_ms: i64,
    pub(super) odd_in_row: u8,
    pub(super) late_in_row: u8,
    pub(super) recent: Recent,
    pub(super) ewma: f64,
    pub(super) watched_ms: i64,
    pub(super) watched: u32,
    pub(super) held_ms: i64,
    pub(super) strange: f64,
}

impl State {
    /// A stream that nothing is known of; an interval of 0 is learned.
    pub(super) fn new(interval_ms: i64) -> Self {
        Self {
            week: Week::new(),
            phi: PHI_FIRST,
            newest: None,
            offset_s: 0,
            interval_ms: interval_ms.clamp(0, INTERVAL_MS_MAX),
            odd_in_row: 0,
            late_in_row: 0,
            recent: Recent::default(),
            ewma: 0.0,
            watched_ms: 0,
            watched: 0,
            held_ms: 0,
            strange: 0.0,
        }
    }

    /// `since` > 0 ms passed since the newest count.
    pub(super) fn follow_interval(&mut self, since: i64) {
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

    pub(super) fn take(&mut self, at: Timestamp, count: f64, learning: Learning) {
        let expected = self.week.expected(at, self.interval_ms, self.offset_s);
        self.recent.push(Tally { count, expected });
        let surprises = self.surprises(&self.recent);
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

    /// How unusual the newest counts are, as far as the expectation can be trusted yet.
    pub(super) fn surprises(&self, recent: &Recent) -> Surprises {
        let mut surprises = recent.surprises(self.phi);
        surprises.upper *= self.trust();
        surprises.lower *= self.trust();
        surprises
    }

    /// 0 on the first watched day, 1 after a week of them: before, an hour of the week was hardly seen.
    fn trust(&self) -> f64 {
        let days = float(self.watched_ms) / float(DAY_MS);
        ((days - NOTHING_DAYS) / (TRUSTED_DAYS - NOTHING_DAYS)).clamp(0.0, 1.0)
    }

    pub(super) fn is_sound(&self) -> bool {
        let finite = |v: f64| v.is_finite() && v >= 0.0;
        self.week.is_sound()
            && (PHI_MIN..=PHI_MAX).contains(&self.phi)
            && (0..=INTERVAL_MS_MAX).contains(&self.interval_ms)
            && self.recent.is_sound()
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

#[expect(
    clippy::cast_precision_loss,
    reason = "durations are far below 2^53 ms"
)]
pub(super) fn float(ms: i64) -> f64 {
    ms as f64
}
