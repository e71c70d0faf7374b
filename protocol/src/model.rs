//! How the anomaly models of a gateway are, as a heartbeat tells it: which build runs, whether it fits the site, and
//! what a candidate beside it would have said.

use std::fmt;

use serde::{Deserialize, Serialize};

/// At most this many models in one heartbeat: a gateway runs two, and others may come.
pub const HEARTBEAT_MODELS_MAX: usize = 8;
/// At most this many disagreements of a candidate in one heartbeat: enough to see a pattern.
pub const SHADOW_SAMPLES_MAX: usize = 8;

/// What a sensor's evidence is worth.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ModelLevel {
    /// Usual.
    #[default]
    None,
    /// At most one a day is expected of a quiet sensor; for the diary.
    Notice,
    /// At most one a week.
    Warning,
    /// At most one a quarter.
    Alarm,
}

impl ModelLevel {
    /// The levels that start episodes, lowest first.
    pub const RAISED: [Self; 3] = [Self::Notice, Self::Warning, Self::Alarm];

    /// The name in files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Alarm => "alarm",
        }
    }
}

impl fmt::Display for ModelLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How one of the models is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ModelStatus {
    /// Its name.
    pub id: String,
    /// Build that runs; none while there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<u64>,
    /// SHA-256 of the graph that runs, lower-case hexadecimal, as its signed manifest has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Whether it may raise alerts. One that may not is computed and shown.
    pub enabled: bool,
    /// Groups of features that its bundle had no recording to learn from.
    #[serde(default)]
    pub untrained: Vec<String>,
    /// Rooms, or doors and cameras, that are watched.
    pub subjects: u64,
    /// Those of them that are still learning what is usual.
    pub learning: u64,
    /// Its open alerts.
    pub open: u64,
    /// What it sees against what it was trained on.
    pub drift: DriftStatus,
    /// The candidate in shadow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow: Option<ShadowStatus>,
}

/// What a model sees against what it was trained on; computed every hour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DriftStatus {
    /// Rows that the numbers come from; old ones fade.
    pub rows: f64,
    /// Median population stability index of the features; above 0.25 is drift.
    pub psi: f64,
    /// Share of values at the end of their range.
    pub clip_share: f64,
    /// Share of measurements that are absent and were there before.
    pub missing_share: f64,
    /// Alerts beyond the accepted number.
    pub alerts_over_budget: f64,
    /// Share of the rules' alarms that the model saw nothing of.
    pub missed_share: f64,
    /// Something is beyond its limit: the statistics go on alone.
    pub breached: bool,
}

/// What a candidate has done beside the current model since it was loaded. It never alarms; it is only counted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ShadowStatus {
    /// Build of the candidate.
    pub build: u64,
    /// Rows that both have scored.
    pub rows: u64,
    /// Rows on which the candidate's level was higher.
    pub higher: u64,
    /// Rows on which the candidate's level was lower.
    pub lower: u64,
    /// The newest disagreements, newest last.
    #[serde(default)]
    pub samples: Vec<Disagreement>,
}

/// One row on which the levels differed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Disagreement {
    /// Score of the current model, 0 to 1.
    pub current: f32,
    /// Its level by its own thresholds.
    pub current_level: ModelLevel,
    /// Score of the candidate, 0 to 1.
    pub candidate: f32,
    /// Its level by its own thresholds.
    pub candidate_level: ModelLevel,
}
