//! Levels, and what is fixed about a calibration: budgets, persistence, starting thresholds.

use serde::{Deserialize, Serialize};

/// Longest window of [`Persistence`]: what an agent with samples every ten seconds can wait for.
pub const PERSISTENCE_MAX: usize = 8;

/// What a sensor's evidence is worth.
pub use gridwatch_protocol::ModelLevel as Level;

/// Hours in which one false episode of each level is accepted from one sensor.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// Hours per notice.
    pub notice_h: f64,
    /// Hours per warning.
    pub warning_h: f64,
    /// Hours per alarm.
    pub alarm_h: f64,
}

impl Budget {
    /// One a day, one a week, one a quarter.
    pub const STANDARD: Self = Self {
        notice_h: 24.0,
        warning_h: 7.0 * 24.0,
        alarm_h: 365.25 * 24.0 / 4.0,
    };

    pub(super) fn hours(&self) -> [f64; 3] {
        [self.notice_h, self.warning_h, self.alarm_h]
    }
}

/// How many of the last samples must reach a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Persistence {
    /// So many …
    pub hits: u8,
    /// … of the last so many, at most [`PERSISTENCE_MAX`].
    pub of: u8,
}

/// What is fixed about a calibration.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// How many of the last samples must agree.
    pub persistence: Persistence,
    /// Accepted rates of false episodes.
    pub budget: Budget,
}

impl Settings {
    /// For sampled values: three of the last five samples.
    pub const SAMPLES: Self = Self {
        persistence: Persistence { hits: 3, of: 5 },
        budget: Budget::STANDARD,
    };
    /// For counts and events, which are sums over time already: each one counts.
    pub const COUNTS: Self = Self {
        persistence: Persistence { hits: 1, of: 1 },
        budget: Budget::STANDARD,
    };
}

/// Thresholds on the evidence from quiet recordings of other sensors; they hold while learning.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Prior {
    /// A notice from here.
    pub notice: f64,
    /// A warning from here.
    pub warning: f64,
    /// An alarm from here.
    pub alarm: f64,
    /// Evidence below this never is anything, however quiet the sensor was before.
    pub floor: f64,
}
