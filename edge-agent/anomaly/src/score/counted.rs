//! Channels that count: doors, persons, sightings, and numbers that behave like them.

use gridwatch_protocol::{Kind, Text, Timestamp};

use crate::calibration::{Calibration, Level, Prior, Settings};
use crate::counts::reasons::{Noun, reasons};
use crate::counts::{
    CountLikeness, CountRow, CountStream, CountView, Learning, Update, evidence, is_count,
};
use crate::model::{Fuser, ModelProblem, Models};

use super::{Interval, Pending, is_counted};

/// Numbers that nobody called counts are taken as such only if they come by the clock and so rarely: sums
/// over a quarter of an hour or more have an hour of the week to be compared with, faster ones a course.
const INTERVAL_MS_MIN: i64 = 15 * 60_000;
/// And only if they are no more than this in the mean: larger ones are as good as continuous.
const MEAN_MAX: f64 = 300.0;
/// The mean forgets over so many values: a week of half-hours.
const MEAN_MEMORY: f64 = 336.0;
/// Starting thresholds of the evidence of counts: surprises of 4, 6 and 9 decades.
const COUNTS_PRIOR: Prior = Prior {
    notice: 0.5,
    warning: 0.6,
    alarm: 0.692,
    floor: 0.33,
};

/// One counted channel.
pub(super) struct Counted {
    is_declared: bool,
    noun: Noun,
    likeness: CountLikeness,
    was_like: bool,
    values: f64,
    mean: f64,
    stream: CountStream,
    stands_out: bool,
    levels: Calibration,
}

/// What a count asks its model, and what it says itself.
pub(super) struct Asked {
    pub(super) row: CountRow,
    pub(super) evidence: f64,
    pub(super) level: Level,
    view: Option<CountView>,
    noun: Noun,
}

impl Asked {
    pub(super) fn text(&self) -> Text {
        reasons(self.noun, self.view.as_ref(), &self.row)
    }
}

impl Counted {
    /// `None` for kinds that never count.
    pub(super) fn new(kind: Kind) -> Option<Self> {
        let is_declared = is_counted(kind);
        (is_declared || kind == Kind::Other).then(|| Self {
            is_declared,
            noun: noun(kind),
            likeness: CountLikeness::new(),
            was_like: false,
            values: 0.0,
            mean: 0.0,
            stream: CountStream::new(),
            stands_out: false,
            levels: Calibration::new(Settings::COUNTS, COUNTS_PRIOR),
        })
    }

    /// Takes a value; `None` when it is no count, or not known to be one.
    pub(super) fn take(&mut self, at: Timestamp, value: f64, interval: Interval) -> Option<Asked> {
        // Learned from the first row on, used once the rows are known to be slow and steady.
        let may_be_slow = interval.usual == 0 || interval.usual >= INTERVAL_MS_MIN;
        let is_like =
            self.is_declared || self.is_like_counts(value) && may_be_slow && interval.is_steady();
        if !is_count(value) || !(self.is_declared || may_be_slow) {
            return None;
        }
        let learning = if self.levels.episode().is_some() || self.stands_out {
            Learning::Held
        } else {
            Learning::On
        };
        if self.stream.update(at, value, 0, learning) != Update::Taken {
            return None;
        }
        let row = self.stream.row();
        let evidence = evidence(&row);
        self.stands_out = evidence >= COUNTS_PRIOR.floor;
        if !is_like {
            return None;
        }
        Some(Asked {
            level: self.levels.update(at, evidence).level,
            row,
            evidence,
            view: self.stream.view(),
            noun: self.noun,
        })
    }

    /// Whether the past looks like counts; takes the value. Once it did, only a value that is no count
    /// ends it: quiet weeks scatter less.
    fn is_like_counts(&mut self, value: f64) -> bool {
        let was_like =
            (self.was_like || self.likeness.looks_like_counts()) && self.mean <= MEAN_MAX;
        self.likeness.take(value);
        self.was_like = was_like && is_count(value);
        self.values = (self.values + 1.0).min(MEAN_MEMORY);
        self.mean += (value - self.mean) / self.values;
        was_like
    }
}

/// Asks the count model about all counts of the rows; one answer per count, in order, `None` without a
/// model.
pub(super) fn ask(
    rows: &[Pending],
    models: &mut dyn Models,
    problems: &mut Vec<ModelProblem>,
) -> Vec<Option<f64>> {
    let asked: Vec<CountRow> = rows
        .iter()
        .flat_map(|row| row.counted.iter().map(|asked| asked.row))
        .collect();
    let is_enabled = models
        .about(Fuser::Counts)
        .is_some_and(|about| about.enabled);
    if asked.is_empty() || !is_enabled {
        return vec![None; asked.len()];
    }
    match models.counts(asked.as_flattened()) {
        Ok(verdicts) if verdicts.len() == asked.len() => verdicts
            .iter()
            .map(|verdict| Some(f64::from(verdict.score)).filter(|score| score.is_finite()))
            .collect(),
        Ok(_) => {
            problems.push(ModelProblem::Failed(
                "another number of verdicts than rows".to_owned(),
            ));
            vec![None; asked.len()]
        }
        Err(problem) => {
            problems.push(problem);
            vec![None; asked.len()]
        }
    }
}

fn noun(kind: Kind) -> Noun {
    match kind {
        Kind::Door => Noun::Openings,
        Kind::AccessGranted => Noun::Entries,
        Kind::AccessDenied => Noun::Refusals,
        Kind::CameraObject | Kind::CameraMotion | Kind::Motion => Noun::Sightings,
        Kind::LineCrossing => Noun::Crossings,
        _ => Noun::Counts,
    }
}
