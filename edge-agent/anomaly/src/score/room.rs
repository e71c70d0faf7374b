//! The air of a room: features for the room model, and what it answers.

use gridwatch_protocol::{Text, Timestamp};

use crate::calibration::{Calibration, Level, Prior, Settings};
use crate::features::{Channel, ChannelView, ContextView, FeatureRow, RoomFeatures, measure};
use crate::model::{Fuser, ModelProblem, Models, Verdict};
use crate::reasons;
use crate::recording::ChannelSpec;

use super::Pending;

/// Where the model's own thresholds lie in the score of a row.
const SCORE_AT: [f64; 3] = [0.5, 0.75, 0.9];

/// The room of a recording.
pub(super) struct Room {
    /// For each channel of the recording, the room's channel that it feeds: the first of each kind.
    feeds: Vec<Option<Channel>>,
    specs: Vec<ChannelSpec>,
    features: RoomFeatures,
    thresholds: Option<[f64; 3]>,
    levels: Calibration,
}

/// A row for the model and what a person saw then.
pub(super) struct Asked {
    row: FeatureRow,
    views: [Option<ChannelView>; Channel::ALL.len()],
    context: ContextView,
}

/// What the model made of a row.
pub(super) struct Answer {
    pub(super) score: f64,
    pub(super) level: Level,
    pub(super) text: Option<Text>,
}

impl Room {
    pub(super) fn new(channels: &[ChannelSpec], models: &dyn Models) -> Self {
        let mut seen = Vec::new();
        let feeds = channels
            .iter()
            .map(|spec| {
                let (channel, _) = measure(spec.kind, spec.unit.as_deref(), 0.0)?;
                if seen.contains(&channel) {
                    return None;
                }
                seen.push(channel);
                Some(channel)
            })
            .collect();
        let thresholds = models
            .about(Fuser::Env)
            .filter(|about| about.enabled)
            .map(|about| about.thresholds.map(f64::from));
        let [notice, warning, alarm] = thresholds.unwrap_or([1.0; 3]);
        Self {
            feeds,
            specs: channels.to_vec(),
            features: RoomFeatures::new(),
            thresholds,
            levels: Calibration::new(
                Settings::SAMPLES,
                Prior {
                    notice,
                    warning,
                    alarm,
                    floor: notice,
                },
            ),
        }
    }

    /// Takes a row; `None` when there is no model to ask or nothing for it.
    pub(super) fn take(
        &mut self,
        at: Timestamp,
        values: &[Option<f64>],
        in_episode: bool,
    ) -> Option<Asked> {
        self.thresholds?;
        self.features.set_episode(in_episode);
        let mut is_new = false;
        for ((value, feed), spec) in values.iter().zip(&self.feeds).zip(&self.specs) {
            if let (Some(value), Some(channel)) = (value, feed)
                && let Some((_, value)) = measure(spec.kind, spec.unit.as_deref(), *value)
            {
                self.features.update(*channel, at, value);
                is_new = true;
            }
        }
        is_new.then(|| Asked {
            row: self.features.row(),
            views: self.features.views(),
            context: self.features.context_view(),
        })
    }

    /// Asks the model about the rows that have something for it; one answer per row.
    pub(super) fn ask(
        &mut self,
        rows: &mut [Pending],
        models: &mut dyn Models,
        problems: &mut Vec<ModelProblem>,
    ) -> Vec<Option<Answer>> {
        let features: Vec<FeatureRow> = rows
            .iter()
            .filter_map(|row| row.room.as_ref().map(|asked| asked.row))
            .collect();
        let mut verdicts = Vec::new();
        if !features.is_empty() {
            match models.env(&features) {
                Ok(found) if found.len() == features.len() => verdicts = found,
                Ok(_) => problems.push(ModelProblem::Failed(
                    "another number of verdicts than rows".to_owned(),
                )),
                Err(problem) => problems.push(problem),
            }
        }
        let mut verdicts = verdicts.into_iter();
        rows.iter_mut()
            .map(|row| {
                let asked = row.room.take()?;
                let verdict = verdicts.next()?;
                self.answer(row.at?, &asked, &verdict)
            })
            .collect()
    }

    fn answer(&mut self, at: Timestamp, asked: &Asked, verdict: &Verdict) -> Option<Answer> {
        let thresholds = self.thresholds?;
        let given = f64::from(verdict.score);
        if !given.is_finite() {
            return None;
        }
        let level = self.levels.update(at, given).level;
        let score = placed(given, thresholds);
        let text = (score > 0.0 || level > Level::None).then(|| {
            let class = verdict.class().max(1);
            reasons::explain(verdict, class, &asked.views, &asked.context).text
        });
        Some(Answer { score, level, text })
    }
}

/// The model's score on the scale of a row: nothing below its notice, then from threshold to threshold.
fn placed(given: f64, thresholds: [f64; 3]) -> f64 {
    let [notice, warning, alarm] = thresholds;
    let between = |low: f64, high: f64, from: f64, to: f64| {
        let part = if high > low {
            ((given - low) / (high - low)).clamp(0.0, 1.0)
        } else {
            1.0
        };
        from + part * (to - from)
    };
    if given < notice {
        0.0
    } else if given < warning {
        between(notice, warning, SCORE_AT[0], SCORE_AT[1])
    } else if given < alarm {
        between(warning, alarm, SCORE_AT[1], SCORE_AT[2])
    } else {
        between(alarm, 1.0, SCORE_AT[2], 1.0)
    }
}
