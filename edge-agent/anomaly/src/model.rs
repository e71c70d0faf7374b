//! What a fuser says about a row of features, and who can be asked: the seam between this pure crate and
//! the runtimes that compute the graphs.
//!
//! Traps: a fuser may be missing, switched off by its own manifest, or fail at any moment. Each of these is
//! a [`ModelProblem`], and whoever asks goes on with the statistics alone. Nothing here may be taken as a
//! reason to mute, delay or lower a rule.

use crate::features::FeatureRow;

/// What a fuser says about one row.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// 0 (as always) to 1: how far the row stands out. Not a probability of fire.
    pub score: f32,
    /// One share for each class of [`About::classes`], together 1.
    pub prob: Vec<f32>,
    /// What each group added to the logit of each class, group by group:
    /// `contributions[group * classes + class]`. `prob = softmax(bias + sum over groups)`, exactly.
    pub contributions: Vec<f32>,
}

impl Verdict {
    /// What group `group` added to the logit of class `class`; 0 for one that there is not.
    #[must_use]
    pub fn contribution(&self, group: usize, class: usize) -> f32 {
        let classes = self.prob.len();
        if class >= classes {
            return 0.0;
        }
        self.contributions
            .get(group * classes + class)
            .copied()
            .unwrap_or(0.0)
    }

    /// The most likely class.
    #[must_use]
    pub fn class(&self) -> usize {
        let best = self
            .prob
            .iter()
            .enumerate()
            .max_by(|(_, a), (_, b)| a.total_cmp(b));
        best.map_or(0, |(index, _)| index)
    }
}

/// What a loaded fuser tells about itself.
#[derive(Debug, Clone, PartialEq)]
pub struct About {
    /// Its name, such as `env-fuser`.
    pub id: String,
    /// Grows with every version that is handed out.
    pub build: u64,
    /// False when it is shipped but must not raise an alert; its card says why.
    pub enabled: bool,
    /// Names of the classes. The first is `normal`.
    pub classes: Vec<String>,
    /// Names of the groups that contributions are told for: channels, or parts of a count's features.
    pub groups: Vec<String>,
    /// Logits of a row that nothing is known of, one for each class.
    pub bias: Vec<f32>,
    /// Scores at which notice, warning and alarm begin, before a sensor has a calibration of its own.
    pub thresholds: [f32; 3],
}

/// Which fuser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fuser {
    /// `env-fuser`: the air of a room.
    Env,
    /// `count-fuser`: doors, cameras, counts.
    Counts,
}

impl Fuser {
    /// Both, in a fixed order.
    pub const ALL: [Self; 2] = [Self::Env, Self::Counts];

    /// Name of its bundle.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Env => "env-fuser",
            Self::Counts => "count-fuser",
        }
    }
}

/// Why a fuser gives no verdict. The statistics go on without it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ModelProblem {
    /// There is none: none was configured, or none was fit to be loaded.
    #[error("no model is loaded")]
    Absent,
    /// It is there and failed.
    #[error("the model failed: {0}")]
    Failed(String),
}

/// Who can be asked for verdicts.
///
/// Each call gives one verdict for each row, in order, or no verdict at all.
pub trait Models {
    /// What the room model says.
    ///
    /// # Errors
    /// When there is none or it failed; then nothing of the call may be used.
    fn env(&mut self, rows: &[FeatureRow]) -> Result<Vec<Verdict>, ModelProblem>;

    /// What the count model says. `rows` are rows of count features one after the other (an array coerces,
    /// a slice of arrays is `as_flattened`).
    ///
    /// # Errors
    /// When there is none or it failed; then nothing of the call may be used.
    fn counts(&mut self, rows: &[f32]) -> Result<Vec<Verdict>, ModelProblem>;

    /// What a fuser tells about itself; `None` when it is not there.
    fn about(&self, fuser: Fuser) -> Option<&About>;
}

/// No model at all: the ablation, and what is left when no bundle can be loaded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StatisticsOnly;

impl Models for StatisticsOnly {
    fn env(&mut self, _rows: &[FeatureRow]) -> Result<Vec<Verdict>, ModelProblem> {
        Err(ModelProblem::Absent)
    }

    fn counts(&mut self, _rows: &[f32]) -> Result<Vec<Verdict>, ModelProblem> {
        Err(ModelProblem::Absent)
    }

    fn about(&self, _fuser: Fuser) -> Option<&About> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contributions_are_read_group_by_group() {
        let verdict = Verdict {
            score: 0.5,
            prob: vec![0.2, 0.7, 0.1],
            contributions: vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
        };
        assert!((verdict.contribution(1, 0) - 4.0).abs() < f32::EPSILON);
        assert!((verdict.contribution(0, 2) - 3.0).abs() < f32::EPSILON);
        assert!(verdict.contribution(0, 3).abs() < f32::EPSILON);
        assert!(verdict.contribution(2, 0).abs() < f32::EPSILON);
        assert_eq!(verdict.class(), 1);
    }

    #[test]
    fn statistics_alone_give_no_verdict() {
        assert_eq!(StatisticsOnly.env(&[]), Err(ModelProblem::Absent));
        assert_eq!(StatisticsOnly.counts(&[]), Err(ModelProblem::Absent));
        assert_eq!(StatisticsOnly.about(Fuser::Env), None);
    }
}
