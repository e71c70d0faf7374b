//! From evidence to levels: how unusual is this for this one sensor, and is it worth a person's time.
//!
//! Engines give *evidence* in [0, 1] that rises with anomaly; what it means differs from sensor to
//! sensor. A [`Calibration`] per sensor compares it with that sensor's own quiet past and grants a
//! [`Level`] by expected rates of false episodes ([`Budget`]): so many a day, a week, a quarter.
//! Pure; constant memory (under 5 KB); serialisable, versioned; the caller gives the time.
//!
//! # How
//! 1. *Persistence*: what counts is the evidence that k of the last n samples reached
//!    ([`Settings::persistence`]), so a single spike is nothing.
//! 2. *Peaks*: of every hour of quiet observation the peak is kept, for the last quarter
//!    ([`peaks::PEAKS_MAX`]). Hours instead of samples, because neighbouring samples are not
//!    independent and because a rate of one a quarter cannot be seen in less than a quarter.
//! 3. *Conformal p-value* of a new hour: p = (1 + number of peaks ≥ it) / (N + 1) (Vovk, Gammerman,
//!    Shafer, "Algorithmic Learning in a Random World", 2005). A level is granted where p falls to one
//!    hour divided by the level's period. What N peaks cannot resolve is extrapolated with an
//!    exponential tail (peaks over threshold, Pickands 1975, shape 0).
//! 4. *Episode*: starts with the first level, holds with hysteresis, ends after a rest, and comes
//!    back as the same episode within the refractory time. While it runs nothing is learned, for at
//!    most a day; then it is the new normal. When it ends its peak enters the store as one hour, cut
//!    off at the alarm threshold, or the thresholds would not know of their own false alarms.
//! 5. *Learning*: for the first three days of observation the thresholds of the population
//!    ([`Prior`]) hold, and every judgement says so.
//!
//! # Defined behaviour
//! | input | what happens |
//! |---|---|
//! | NaN | treated as "no sample": time passes, nothing else |
//! | ±∞, outside [0, 1] | held to [0, 1] |
//! | same time again | is one more sample, no time passes |
//! | up to 60 s older than the newest | ignored; the third in a row is a clock step |
//! | a clock step back | the times of the episode move with it, nothing is forgotten |
//! | a gap, or a clock step forward | counts as at most four usual intervals; persistence starts anew |
//!
//! # Use
//! ```
//! use gridwatch_anomaly::calibration::{Calibration, Change, Level, Prior, Settings};
//! use gridwatch_protocol::Timestamp;
//!
//! let prior = Prior { notice: 0.9, warning: 0.99, alarm: 0.999, floor: 0.5 };
//! let mut sensor = Calibration::new(Settings::SAMPLES, prior);
//! let judgement = sensor.update(Timestamp::from_unix_ms(0), 0.2);
//! assert_eq!((judgement.level, judgement.change), (Level::None, Change::None));
//! assert!(judgement.learning);
//! ```
//! Save it with serde and load it after a restart; a damaged or other version is refused with
//! [`StoredCalibrationError`], and the sensor then learns anew.

mod episode;
pub mod peaks;
mod settings;

use gridwatch_protocol::Timestamp;
use serde::{Deserialize, Serialize};

pub use episode::{Change, Episode};
use episode::{Exits, Running};
use peaks::{Peaks, Surprise};
pub use settings::{Budget, Level, PERSISTENCE_MAX, Persistence, Prior, Settings};

/// Version of what is saved.
pub const CALIBRATION_VERSION: u32 = 1;

/// One peak is kept for so much observed time, unless samples are rarer.
const BLOCK_MS: i64 = 3_600_000;
/// For so much observed time the population's thresholds hold …
const LEARNING_MS: i64 = 3 * 24 * BLOCK_MS;
/// … and at least until so many peaks are there.
const LEARNING_PEAKS: usize = 24;
/// A sample stands for at most so many usual intervals.
const INTERVALS_MAX: i64 = 4;
/// The usual interval is taken as at most this.
const INTERVAL_MS_MAX: i64 = 24 * BLOCK_MS;
/// A level never means more than one hour (or sample, if rarer) in so many.
const ONE_IN_MIN: f64 = 20.0;
/// Leaving a level takes evidence that is so many times less rare than entering it.
const EXIT_RATE: f64 = 4.0;
/// Leaving a level while the population's thresholds hold: this part of the surprise of entering.
const EXIT_PART: f64 = 0.8;
/// A sample this much older than the newest is a clock step, not a late message.
const LATE_MS_MAX: i64 = 60_000;
/// So many late samples in a row are a clock step.
const LATE_IN_ROW_MAX: u8 = 3;

/// What became of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// The level that holds now, with hysteresis.
    pub level: Level,
    /// Share of quiet hours that peak as high as this sample (with its persistence), in (0, 1].
    pub p: f64,
    /// Still on the population's thresholds.
    pub learning: bool,
    /// What happened to the episode.
    pub change: Change,
    /// The running episode, or the one that has just ended.
    pub episode: Option<Episode>,
}

/// The calibration of one sensor, or of one engine on one sensor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Calibration {
    state: Stored,
    /// Derived from `state`: entry and exit of each level.
    entries: [Surprise; 3],
    exits: Exits,
}

/// [`Calibration`] as it is saved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Stored {
    calibration_version: u32,
    settings: Settings,
    prior: Prior,
    at: Option<Timestamp>,
    late_in_row: u8,
    interval_ms: i64,
    observed_ms: i64,
    block_ms: i64,
    block_peak: Surprise,
    recent: Vec<Surprise>,
    peaks: Peaks,
    running: Running,
}

/// Why a saved calibration cannot be used. The sensor then learns anew.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoredCalibrationError {
    /// Made by another version.
    #[error(
        "saved calibration is of version {found}, this agent has version {CALIBRATION_VERSION}"
    )]
    Version {
        /// The version in the saved state.
        found: u32,
    },
    /// Damaged.
    #[error("saved calibration holds a number that no sample can have led to")]
    Damaged,
}

impl Calibration {
    /// A sensor that nothing is known of.
    #[must_use]
    pub fn new(settings: Settings, prior: Prior) -> Self {
        let mut new = Self {
            state: Stored {
                calibration_version: CALIBRATION_VERSION,
                settings,
                prior,
                at: None,
                late_in_row: 0,
                interval_ms: 0,
                observed_ms: 0,
                block_ms: 0,
                block_peak: Surprise::ZERO,
                recent: Vec::new(),
                peaks: Peaks::default(),
                running: Running::default(),
            },
            entries: [Surprise::ZERO; 3],
            exits: Exits::default(),
        };
        new.set_thresholds();
        new
    }

    /// Takes one sample of evidence, measured at `at`.
    pub fn update(&mut self, at: Timestamp, evidence: f64) -> Judgement {
        let Some(dt) = self.advance(at) else {
            return self.judgement(self.persisted(), Change::None);
        };
        if !evidence.is_nan() {
            self.remember(Surprise::of_evidence(evidence));
        }
        let persisted = self.persisted();
        let change = self.state.running.step(
            at,
            dt,
            self.state.interval_ms,
            persisted,
            &self.entries,
            &self.exits,
        );
        self.learn(dt, persisted, change);
        self.judgement(persisted, change)
    }

    /// Evidence from which a level is granted now.
    #[must_use]
    pub fn threshold(&self, level: Level) -> f64 {
        match level {
            Level::None => 0.0,
            Level::Notice => self.entries[0].evidence(),
            Level::Warning => self.entries[1].evidence(),
            Level::Alarm => self.entries[2].evidence(),
        }
    }

    /// Whether the population's thresholds still hold.
    #[must_use]
    pub fn is_learning(&self) -> bool {
        self.state.observed_ms < LEARNING_MS || self.state.peaks.len() < LEARNING_PEAKS
    }

    /// Quiet time that the thresholds come from, in hours.
    #[must_use]
    pub fn observed_h(&self) -> f64 {
        as_f64(self.state.observed_ms) / as_f64(BLOCK_MS)
    }

    /// The running episode.
    #[must_use]
    pub fn episode(&self) -> Option<Episode> {
        self.state.running.open()
    }

    /// Moves time on; returns how much of it counts, `None` for a late sample.
    fn advance(&mut self, at: Timestamp) -> Option<i64> {
        let state = &mut self.state;
        let Some(newest) = state.at else {
            state.at = Some(at);
            return Some(0);
        };
        let passed = at.ms_since(newest);
        if passed < 0 {
            state.late_in_row = state.late_in_row.saturating_add(1);
            if passed >= -LATE_MS_MAX && state.late_in_row < LATE_IN_ROW_MAX {
                return None;
            }
            state.running.shift(passed);
        }
        state.late_in_row = 0;
        state.at = Some(at);
        let passed = passed.max(0);
        if passed == 0 {
            return Some(0);
        }
        if state.interval_ms == 0 {
            state.interval_ms = passed.min(INTERVAL_MS_MAX);
        }
        let most = INTERVALS_MAX * state.interval_ms;
        if passed > most {
            state.recent.clear();
        }
        // A running median: a tenth up or down, so that gaps do not count.
        let step = (state.interval_ms / 10).max(1);
        if passed > state.interval_ms {
            state.interval_ms = (state.interval_ms + step).min(passed).min(INTERVAL_MS_MAX);
        } else if passed < state.interval_ms {
            state.interval_ms = (state.interval_ms - step).max(passed);
        }
        Some(passed.min(most))
    }

    fn remember(&mut self, surprise: Surprise) {
        let of = usize::from(self.state.settings.persistence.of).clamp(1, PERSISTENCE_MAX);
        while self.state.recent.len() >= of {
            self.state.recent.remove(0);
        }
        self.state.recent.push(surprise);
    }

    /// What `hits` of the last samples reached.
    fn persisted(&self) -> Surprise {
        let mut sorted = [Surprise::ZERO; PERSISTENCE_MAX];
        for (slot, surprise) in sorted.iter_mut().zip(&self.state.recent) {
            *slot = *surprise;
        }
        sorted.sort_unstable_by(|a, b| b.cmp(a));
        let hits = usize::from(self.state.settings.persistence.hits).clamp(1, PERSISTENCE_MAX);
        sorted[hits - 1]
    }

    fn learn(&mut self, dt: i64, persisted: Surprise, change: Change) {
        if change == Change::Ended {
            if let Some(peak) = self.state.running.unlearned_peak() {
                let most = self.entries[2].plus(self.state.peaks.tail());
                self.push_peak(peak.min(most), 0);
            }
            return;
        }
        if self.state.running.is_frozen() {
            // What led to the episode belongs to it.
            self.state.block_peak = Surprise::ZERO;
            return;
        }
        self.state.block_ms += dt;
        self.state.block_peak = self.state.block_peak.max(persisted);
        if self.state.block_ms >= BLOCK_MS {
            let observed = std::mem::take(&mut self.state.block_ms);
            let peak = std::mem::replace(&mut self.state.block_peak, Surprise::ZERO);
            self.push_peak(peak, observed);
        }
    }

    fn push_peak(&mut self, peak: Surprise, observed_ms: i64) {
        self.state.peaks.push(peak);
        self.state.observed_ms = self.state.observed_ms.saturating_add(observed_ms);
        self.set_thresholds();
    }

    fn set_thresholds(&mut self) {
        let Prior {
            notice,
            warning,
            alarm,
            floor,
        } = self.state.prior;
        let floor = Surprise::of_evidence(floor);
        let prior = [notice, warning, alarm].map(Surprise::of_evidence);
        let learning = self.is_learning();
        let block_h = as_f64(BLOCK_MS.max(self.state.interval_ms)) / as_f64(BLOCK_MS);
        let mut least = floor;
        for (index, hours) in self.state.settings.budget.hours().into_iter().enumerate() {
            let p = (block_h / hours).min(1.0 / ONE_IN_MIN);
            let (entry, exit) = if learning {
                (prior[index], prior[index].scaled(EXIT_PART))
            } else {
                let peaks = &self.state.peaks;
                (peaks.reached_by(p), peaks.reached_by(EXIT_RATE * p))
            };
            self.entries[index] = entry.max(least);
            self.exits.0[index] = exit.max(floor.scaled(EXIT_PART)).min(self.entries[index]);
            least = self.entries[index];
        }
    }

    fn judgement(&self, persisted: Surprise, change: Change) -> Judgement {
        Judgement {
            level: self.state.running.level(),
            p: self.state.peaks.p_value(persisted),
            learning: self.is_learning(),
            change,
            episode: if change == Change::Ended {
                self.state.running.last()
            } else {
                self.state.running.open()
            },
        }
    }
}

impl From<Calibration> for Stored {
    fn from(calibration: Calibration) -> Self {
        calibration.state
    }
}

impl TryFrom<Stored> for Calibration {
    type Error = StoredCalibrationError;
    fn try_from(state: Stored) -> Result<Self, Self::Error> {
        if state.calibration_version != CALIBRATION_VERSION {
            return Err(StoredCalibrationError::Version {
                found: state.calibration_version,
            });
        }
        let Prior {
            notice,
            warning,
            alarm,
            floor,
        } = state.prior;
        let persistence = state.settings.persistence;
        let sound = [notice, warning, alarm, floor]
            .into_iter()
            .all(|evidence| (0.0..=1.0).contains(&evidence))
            && state
                .settings
                .budget
                .hours()
                .into_iter()
                .all(|hours| hours > 0.0 && hours.is_finite())
            && (1..=persistence.of).contains(&persistence.hits)
            && usize::from(persistence.of) <= PERSISTENCE_MAX
            && state.recent.len() <= usize::from(persistence.of)
            && (0..=INTERVAL_MS_MAX).contains(&state.interval_ms)
            && (0..BLOCK_MS).contains(&state.block_ms)
            && state.observed_ms >= 0
            && state.running.is_sound();
        if !sound {
            return Err(StoredCalibrationError::Damaged);
        }
        let mut calibration = Self {
            state,
            entries: [Surprise::ZERO; 3],
            exits: Exits::default(),
        };
        calibration.set_thresholds();
        Ok(calibration)
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "times are within the years 0 to 9999, far below 2^53 ms"
)]
fn as_f64(ms: i64) -> f64 {
    ms as f64
}

#[cfg(test)]
mod tests;
