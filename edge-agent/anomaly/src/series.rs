//! Anomalies in any sampled series, of one channel or of several that form one multivariate point.
//!
//! Knows nothing of what is measured: robust statistics of each channel against its own past, state
//! of constant size, no look-ahead, no clock, no disk. The statistics need no training; what they
//! mean for a person is decided by [`crate::calibration`] on the surprise.
//!
//! # Per channel and sample
//! | statistic | definition |
//! |---|---|
//! | value | distance of the value from the level, in scales |
//! | average | distance of the average of ten samples from the level, in scales |
//! | jump | distance of the value from that average, over its usual distance |
//! | variation | mean difference of neighbours of late, over the usual one |
//!
//! Each is turned into surprise (−ln of how often the channel's own past went as far, with a fitted
//! tail); the four are summed, the largest sum of a channel stands for the row, and the row's sum is
//! turned into surprise once more against the past of the series. So a series that is wild by nature
//! is as quiet as any other, and one threshold serves all.
//!
//! The *course* is the deviation d of the channels' averages from their levels, in units of how far they
//! usually stray (4-norm over the channels), as d / (2 + d), averaged over fifteen samples. Values are cut off
//! at three scales for it, so that it rises with what lasts and is soon back. A channel that wanders by nature
//! is granted five times the distance between its fast and its slow average.
//!
//! # Score
//! Below [`ONSET_FROM`] the course, above it the surprise of a row that is the most
//! surprising of [`REFRACTORY`] rows: the first rows of an episode stand out, its course is elevated.
//!
//! # Defined behaviour
//! | input | what happens |
//! |---|---|
//! | NaN, ±∞, missing | the channel says nothing in this row; a row of nothing has no score |
//! | beyond ±1e100 | held to it |
//! | same time again | one more sample |
//! | up to 60 s older than the newest | refused, no score; the third in a row is a clock step |
//! | a clock step of any size | memories stay; forward it is a gap, back it is nothing |
//! | a gap (over 10 usual intervals, at least 10 min) | averages start anew, level, scales and rarity stay |
//! | constant channel | says nothing; a change after that is judged by the size of its first digits |
//! | unit change, sensor replaced | an episode; after 600 samples beyond the old normal a new one is learned |
//!
//! The first 60 to 100 samples are learning: score 0 until the statistics mean something.

mod channel;
mod tail;

use gridwatch_protocol::Timestamp;
use serde::{Deserialize, Serialize};

use channel::Channel;
pub use channel::Sign;
use tail::Tail;

/// Version of what is saved.
pub const SERIES_VERSION: u32 = 1;
/// More channels than this form no point that a person can follow; the rest is ignored.
pub const CHANNELS_MAX: usize = 64;
/// Scores from here on are onsets of episodes.
pub const ONSET_FROM: f64 = 0.9;
/// A row is an onset only if it is the most surprising of so many rows.
pub const REFRACTORY: usize = 200;
/// Onsets begin where so many nats of surprise are reached: one row in 55.
const ONSET_NATS: f64 = 4.0;
/// Nats by which the rest of the way to 1 shrinks by a factor of e.
const ONSET_FOLD: f64 = 4.0;
/// Of several channels one always does something: their onset also takes this course.
const MOVED: f64 = 0.35;
/// Norm over the channels.
const NORM: f64 = 4.0;
/// The course of a series is averaged over so many samples.
const SMOOTH: f64 = 15.0;
/// A deviation of so many usual ones is half of the way to 1.
const HALF_WAY: f64 = 2.0;
/// A row says nothing of the series before so many rows.
const WARM_ROWS: u32 = 90;
/// Shorter is no gap.
const GAP_MS: i64 = 600_000;
/// Nor is what is shorter than so many usual intervals.
const GAP_INTERVALS: i64 = 10;
/// A row this much older than the newest is a clock step, not a late message.
const LATE_MS_MAX: i64 = 60_000;
/// So many late rows in a row are a clock step.
const LATE_IN_ROW_MAX: u8 = 3;

/// What a row says.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SeriesVerdict {
    /// In [0, 1], rising with anomaly; see the module.
    pub score: f64,
    /// Surprise of the row against the past of the series, in nats; what calibration is fed with is
    /// [`SeriesVerdict::evidence`].
    pub surprise: f64,
    /// The course: deviation d of the channels' averages, in usual deviations, as d / (2 + d), averaged.
    pub course: f64,
    /// Whether this row is the most surprising of the last [`REFRACTORY`].
    pub is_record: bool,
    /// Index of the channel that contributes most, and how.
    pub top: Option<(usize, Sign)>,
}

impl SeriesVerdict {
    /// The surprise as evidence in [0, 1]: 1 − e^−surprise.
    #[must_use]
    pub fn evidence(&self) -> f64 {
        1.0 - (-self.surprise).exp()
    }
}

/// A channel as a person would describe it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SeriesView {
    /// The newest value.
    pub value: f64,
    /// Lower end of what is usual: level − 3 scales.
    pub usual_low: f64,
    /// Upper end of what is usual: level + 3 scales.
    pub usual_high: f64,
    /// Average of about the last ten samples.
    pub recent: f64,
    /// Average of about the last fifty samples.
    pub before: f64,
}

/// State of a series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Series(Stored);

/// [`Series`] as it is saved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Stored {
    series_version: u32,
    channels: Vec<Option<Channel>>,
    at: Option<Timestamp>,
    late_in_row: u8,
    interval_ms: i64,
    rows: u32,
    course: f64,
    rarity: Tail,
    /// Surprise of the last rows that no later one exceeded, with how many rows ago.
    records: Vec<(u32, f64)>,
}

/// Why a saved series cannot be used. It then starts anew and learns again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoredSeriesError {
    /// Made by another version.
    #[error("saved series is of version {found}, this agent has version {SERIES_VERSION}")]
    Version {
        /// The version in the saved state.
        found: u32,
    },
    /// Damaged.
    #[error("saved series holds a number that no reading can have led to")]
    Damaged,
}

impl Series {
    /// A series of so many channels, at most [`CHANNELS_MAX`].
    #[must_use]
    pub fn new(channels: usize) -> Self {
        Self(Stored {
            series_version: SERIES_VERSION,
            channels: vec![None; channels.min(CHANNELS_MAX)],
            at: None,
            late_in_row: 0,
            interval_ms: 0,
            rows: 0,
            course: 0.0,
            rarity: Tail::new(),
            records: Vec::new(),
        })
    }

    /// Takes one row, measured at `at`: a value per channel, `None` where there is none. `None` when
    /// the row has no score: it is late, or nothing in it is a number.
    pub fn update(&mut self, at: Timestamp, values: &[Option<f64>]) -> Option<SeriesVerdict> {
        let finite = |value: &Option<f64>| value.is_some_and(f64::is_finite);
        if !values.iter().take(self.0.channels.len()).any(finite) {
            return None;
        }
        let is_gap = self.advance(at)?;
        let mut strongest = 0.0;
        let mut top = None;
        let mut top_sustained = (0.0, None);
        let mut norm = 0.0;
        let mut present = 0_u8;
        for (index, (slot, value)) in self.0.channels.iter_mut().zip(values).enumerate() {
            let Some(value) = value.filter(|value| value.is_finite()) else {
                continue;
            };
            let Some(channel) = slot else {
                *slot = Some(Channel::new(value));
                continue;
            };
            if is_gap {
                channel.gap(value);
            }
            let said = channel.update(value);
            let sum: f64 = said.surprise.iter().sum();
            if sum > strongest {
                strongest = sum;
                top = Some((index, strongest_sign(&said.surprise)));
            }
            if said.sustained > top_sustained.0 {
                top_sustained = (said.sustained, Some((index, Sign::Average)));
            }
            norm += said.sustained.powf(NORM);
            present += 1;
        }
        let deviation = (norm / f64::from(present.max(1))).powf(1.0 / NORM);
        let instant = deviation / (HALF_WAY + deviation);
        if is_gap {
            self.0.course = instant;
        }
        self.0.course += (instant - self.0.course) / SMOOTH;
        Some(self.verdict(strongest, top, top_sustained.1))
    }

    /// A channel as a person would describe it; `None` before its first value.
    #[must_use]
    pub fn view(&self, channel: usize) -> Option<SeriesView> {
        let channel = self.0.channels.get(channel)?.as_ref()?;
        let (value, level, scale) = channel.usual();
        let (recent, before) = channel.averages();
        Some(SeriesView {
            value,
            usual_low: level - 3.0 * scale,
            usual_high: level + 3.0 * scale,
            recent,
            before,
        })
    }

    fn verdict(
        &mut self,
        strongest: f64,
        top: Option<(usize, Sign)>,
        top_sustained: Option<(usize, Sign)>,
    ) -> SeriesVerdict {
        let state = &mut self.0;
        state.rows = state.rows.saturating_add(1);
        let surprise = if state.rows > WARM_ROWS {
            state.rarity.surprise(strongest)
        } else {
            0.0
        };
        if strongest > 0.0 {
            state.rarity.add(strongest);
        }
        let is_record = self.take_record(surprise);
        let course = self.0.course;
        let is_onset =
            is_record && surprise >= ONSET_NATS && (self.0.channels.len() == 1 || course >= MOVED);
        let score = if is_onset {
            1.0 - (1.0 - ONSET_FROM) * (-(surprise - ONSET_NATS) / ONSET_FOLD).exp()
        } else {
            ONSET_FROM * course
        };
        SeriesVerdict {
            score,
            surprise,
            course,
            is_record,
            top: if is_onset || course < MOVED {
                top
            } else {
                top_sustained
            },
        }
    }

    /// Remembers the surprise of this row; tells whether none of the last rows exceeded it.
    fn take_record(&mut self, surprise: f64) -> bool {
        let records = &mut self.0.records;
        for record in records.iter_mut() {
            record.0 = record.0.saturating_add(1);
        }
        records.retain(|(age, _)| usize::try_from(*age).is_ok_and(|age| age <= REFRACTORY));
        let is_record = records
            .first()
            .is_none_or(|(_, highest)| surprise > *highest);
        while records.last().is_some_and(|(_, other)| *other <= surprise) {
            records.pop();
        }
        records.push((0, surprise));
        is_record
    }

    /// Moves time on; tells whether there was a gap, `None` for a late row.
    fn advance(&mut self, at: Timestamp) -> Option<bool> {
        let state = &mut self.0;
        let Some(newest) = state.at else {
            state.at = Some(at);
            return Some(false);
        };
        let passed = at.ms_since(newest);
        if passed < 0 {
            state.late_in_row = state.late_in_row.saturating_add(1);
            if passed >= -LATE_MS_MAX && state.late_in_row < LATE_IN_ROW_MAX {
                return None;
            }
        }
        state.late_in_row = 0;
        state.at = Some(at);
        if passed <= 0 {
            return Some(false);
        }
        let is_gap = state.interval_ms > 0
            && passed > GAP_MS.max(GAP_INTERVALS.saturating_mul(state.interval_ms));
        // A running median, a tenth up or down: gaps do not count.
        let step = (state.interval_ms / 10).max(1);
        state.interval_ms = match state.interval_ms {
            0 => passed,
            usual if passed > usual => (usual + step).min(passed),
            usual => (usual - step).max(passed),
        };
        Some(is_gap)
    }
}

fn strongest_sign(surprise: &[f64; 4]) -> Sign {
    let mut strongest = Sign::Value;
    let mut most = f64::NEG_INFINITY;
    for (sign, surprise) in Sign::ALL.into_iter().zip(surprise) {
        if *surprise > most {
            (strongest, most) = (sign, *surprise);
        }
    }
    strongest
}

impl From<Series> for Stored {
    fn from(series: Series) -> Self {
        series.0
    }
}

impl TryFrom<Stored> for Series {
    type Error = StoredSeriesError;
    fn try_from(stored: Stored) -> Result<Self, Self::Error> {
        if stored.series_version != SERIES_VERSION {
            return Err(StoredSeriesError::Version {
                found: stored.series_version,
            });
        }
        let sound = stored.channels.len() <= CHANNELS_MAX
            && stored.channels.iter().flatten().all(Channel::is_sound)
            && stored.interval_ms >= 0
            && (0.0..=1.0).contains(&stored.course)
            && stored.rarity.is_sound()
            && stored.records.len() <= REFRACTORY + 1
            && stored
                .records
                .iter()
                .all(|(_, surprise)| surprise.is_finite());
        if sound {
            Ok(Self(stored))
        } else {
            Err(StoredSeriesError::Damaged)
        }
    }
}

#[cfg(test)]
mod tests;
