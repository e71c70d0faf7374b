//! A candidate beside the current model: where the two disagree. It never alarms; it is only counted.

use std::collections::VecDeque;

use gridwatch_anomaly::calibration::Level;
use gridwatch_anomaly::model::Verdict;
use serde::{Deserialize, Serialize};

use super::Manifest;

/// Disagreements kept as samples: enough to see a pattern, few enough for a status page.
const SAMPLES_MAX: usize = 8;

/// One row on which the levels differed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Disagreement {
    /// Score of the current model.
    pub current: f32,
    /// Its level by its own thresholds.
    pub current_level: Level,
    /// Score of the candidate.
    pub candidate: f32,
    /// Its level by its own thresholds.
    pub candidate_level: Level,
}

/// What a candidate has done since it was loaded.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ShadowCounts {
    /// Build of the candidate.
    pub build: u64,
    /// Rows that both have scored.
    pub rows: u64,
    /// Rows on which the candidate's level was higher.
    pub higher: u64,
    /// Rows on which the candidate's level was lower.
    pub lower: u64,
    /// The newest disagreements, newest last.
    pub samples: VecDeque<Disagreement>,
}

impl ShadowCounts {
    /// Compares what both said about the same rows.
    pub(super) fn compare(
        &mut self,
        manifests: (&Manifest, &Manifest),
        verdicts: (&[Verdict], &[Verdict]),
    ) {
        for (current, candidate) in verdicts.0.iter().zip(verdicts.1) {
            self.rows += 1;
            let levels = (
                manifests.0.thresholds.level(current.score),
                manifests.1.thresholds.level(candidate.score),
            );
            match levels.1.cmp(&levels.0) {
                std::cmp::Ordering::Equal => continue,
                std::cmp::Ordering::Greater => self.higher += 1,
                std::cmp::Ordering::Less => self.lower += 1,
            }
            if self.samples.len() == SAMPLES_MAX {
                self.samples.pop_front();
            }
            self.samples.push_back(Disagreement {
                current: current.score,
                current_level: levels.0,
                candidate: candidate.score,
                candidate_level: levels.1,
            });
        }
    }
}
