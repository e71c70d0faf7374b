//! A candidate beside the current model: where the two disagree. It never alarms; it is only counted.

use gridwatch_anomaly::model::Verdict;
use gridwatch_protocol::{Disagreement, SHADOW_SAMPLES_MAX, ShadowStatus};

use super::Manifest;

/// Compares what both said about the same rows: the current model's manifest and verdicts, then the candidate's.
pub(super) fn compare(
    shadow: &mut ShadowStatus,
    manifests: (&Manifest, &Manifest),
    verdicts: (&[Verdict], &[Verdict]),
) {
    for (current, candidate) in verdicts.0.iter().zip(verdicts.1) {
        shadow.rows += 1;
        let levels = (
            manifests.0.thresholds.level(current.score),
            manifests.1.thresholds.level(candidate.score),
        );
        match levels.1.cmp(&levels.0) {
            std::cmp::Ordering::Equal => continue,
            std::cmp::Ordering::Greater => shadow.higher += 1,
            std::cmp::Ordering::Less => shadow.lower += 1,
        }
        if shadow.samples.len() == SHADOW_SAMPLES_MAX {
            shadow.samples.remove(0);
        }
        shadow.samples.push(Disagreement {
            current: current.score,
            current_level: levels.0,
            candidate: candidate.score,
            candidate_level: levels.1,
        });
    }
}
