//! Scores a whole recording: CSV in, `time,score,level,top_reason` out, one row per row, in order, without
//! a look ahead.
//!
//! The same engines as in the agent: the statistics of [`crate::series`] see every channel as one
//! multivariate point; what is counted (by its kind, or because it scatters like half-hourly counts) goes
//! to [`crate::counts`] instead; the air of a room goes to [`crate::features`] and the room model as well.
//! Each engine has its own [`crate::calibration`]; the row's score and level are the largest of them.
//!
//! A model may add to the statistics and never takes away from them: below its own notice threshold it
//! says nothing. Without models ([`crate::model::StatisticsOnly`]) everything else goes on.
//!
//! # Scores
//! In [0, 1], rising with anomaly, comparable between recordings. A row without a time, without any
//! value or late by up to a minute has no score: an empty cell.

mod counted;
mod room;
mod words;

use std::io::{Read, Write};

use gridwatch_protocol::{Kind, Text, Timestamp};

use crate::calibration::{Calibration, Level, Prior, Settings};
use crate::model::{ModelProblem, Models};
use crate::recording::{ChannelSpec, Recording, RecordingError, Row};
use crate::series::{CHANNELS_MAX, Series};
use counted::Counted;
use room::Room;

/// Rows are scored by models in batches of this size: large enough that a model's fixed costs vanish,
/// small enough for a few hundred kilobytes.
pub const BATCH_ROWS: usize = 512;
/// Below this score, and without a level, there is nothing to explain.
const EXPLAIN_FROM: f64 = 0.25;
/// Starting thresholds of the series' evidence: 1 − 10^−2.9, 1 − 10^−3.6, 1 − 10^−5 and as floor 1 − 10^−1.3.
/// None of the 12 quiet sensors of UCI Occupancy (an office's climate and light, 1 min) had hourly peaks
/// beyond the first more than once a day or beyond the second more than once a week; the third is
/// extrapolated. The floor is what half of the hours of a restless sensor reach.
const SERIES_PRIOR: Prior = Prior {
    notice: 0.998_74,
    warning: 0.999_75,
    alarm: 0.999_99,
    floor: 0.95,
};

/// What to score and how to say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScoreOptions {
    /// Name of the column with the times.
    pub time: String,
    /// The channels, at least one.
    pub channels: Vec<ChannelSpec>,
    /// The language of the reasons.
    pub language: Language,
}

/// The language of the reasons.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Simplified Chinese.
    Chinese,
}

impl Language {
    fn of(self, text: Text) -> String {
        match self {
            Language::English => text.en,
            Language::Chinese => text.zh,
        }
    }
}

/// What was done.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ScoreSummary {
    /// Rows read and written.
    pub rows: u64,
    /// Of them, with a score.
    pub scored: u64,
    /// Why a model was not asked, or not asked again.
    pub problems: Vec<ModelProblem>,
}

/// Scores a recording.
///
/// # Errors
/// When the recording is empty, a column is missing, or a stream is broken. A model's failure is no
/// error: the statistics go on, and [`ScoreSummary::problems`] says so.
pub fn score_recording(
    reader: impl Read,
    writer: impl Write,
    options: &ScoreOptions,
    models: &mut dyn Models,
) -> Result<ScoreSummary, RecordingError> {
    let count = options.channels.len();
    if count == 0 {
        return Err(RecordingError::NoChannel);
    }
    if count > CHANNELS_MAX {
        return Err(RecordingError::Channels {
            count,
            most: CHANNELS_MAX,
        });
    }
    let mut recording = Recording::open(reader, &options.time, &options.channels)?;
    let mut writer = csv::Writer::from_writer(writer);
    writer.write_record(["time", "score", "level", "top_reason"])?;
    let mut scorer = Scorer::new(options, models);
    let mut row = Row::default();
    let mut summary = ScoreSummary::default();
    loop {
        let is_row = recording.read(&mut row)?;
        if is_row {
            scorer.take(&row);
            summary.rows += 1;
        }
        if !is_row || scorer.pending.len() >= BATCH_ROWS {
            for scored in scorer.finish(models) {
                summary.scored += u64::from(scored.score.is_some());
                write(&mut writer, scored)?;
            }
        }
        if !is_row {
            break;
        }
    }
    if summary.rows == 0 {
        return Err(RecordingError::NoRows);
    }
    writer.flush()?;
    summary.problems = scorer.problems;
    Ok(summary)
}

fn write(writer: &mut csv::Writer<impl Write>, scored: Scored) -> Result<(), RecordingError> {
    // Nine digits: near 1 the order of rare rows must survive the text.
    let score = scored
        .score
        .map_or(String::new(), |score| format!("{score:.9}"));
    writer.write_record([
        scored.time_cell.as_str(),
        &score,
        scored.level.as_str(),
        &scored.reason,
    ])?;
    Ok(())
}

/// A scored row.
struct Scored {
    time_cell: String,
    score: Option<f64>,
    level: Level,
    reason: String,
}

/// A row that waits for its models.
struct Pending {
    time_cell: String,
    at: Option<Timestamp>,
    score: Option<f64>,
    level: Level,
    reason: Option<words::SeriesReason>,
    counted: Vec<counted::Asked>,
    room: Option<room::Asked>,
}

/// All engines of one recording.
struct Scorer<'o> {
    options: &'o ScoreOptions,
    series: Series,
    series_levels: Calibration,
    counted: Vec<Option<Counted>>,
    room: Room,
    interval: Interval,
    values: Vec<Option<f64>>,
    pending: Vec<Pending>,
    problems: Vec<ModelProblem>,
}

impl<'o> Scorer<'o> {
    fn new(options: &'o ScoreOptions, models: &dyn Models) -> Self {
        Self {
            options,
            series: Series::new(options.channels.len()),
            series_levels: Calibration::new(Settings::SAMPLES, SERIES_PRIOR),
            counted: options
                .channels
                .iter()
                .map(|channel| Counted::new(channel.kind))
                .collect(),
            room: Room::new(&options.channels, models),
            interval: Interval::default(),
            values: Vec::new(),
            pending: Vec::with_capacity(BATCH_ROWS),
            problems: Vec::new(),
        }
    }

    fn take(&mut self, row: &Row) {
        let mut pending = Pending {
            time_cell: row.time_cell.clone(),
            at: row.at,
            score: None,
            level: Level::None,
            reason: None,
            counted: Vec::new(),
            room: None,
        };
        if let Some(at) = row.at {
            self.interval.take(at);
            self.values.clone_from(&row.values);
            self.take_counts(at, &mut pending);
            self.take_series(at, &mut pending);
            pending.room = self
                .room
                .take(at, &self.values, pending.level >= Level::Warning);
        }
        self.pending.push(pending);
    }

    /// What is a count is taken out of the series.
    fn take_counts(&mut self, at: Timestamp, pending: &mut Pending) {
        let interval = self.interval;
        for (value, counted) in self.values.iter_mut().zip(&mut self.counted) {
            if let (Some(number), Some(counted)) = (*value, counted)
                && let Some(asked) = counted.take(at, number, interval)
            {
                pending.counted.push(asked);
                *value = None;
            }
        }
    }

    fn take_series(&mut self, at: Timestamp, pending: &mut Pending) {
        let Some(verdict) = self.series.update(at, &self.values) else {
            return;
        };
        let judgement = self.series_levels.update(at, verdict.evidence());
        pending.score = Some(verdict.score);
        pending.level = judgement.level;
        if verdict.score >= EXPLAIN_FROM || judgement.level > Level::None {
            pending.reason = verdict.top.and_then(|(channel, sign)| {
                let view = self.series.view(channel)?;
                Some(words::SeriesReason {
                    channel,
                    sign,
                    view,
                })
            });
        }
    }

    /// Asks the models about the rows that wait, and lets them go.
    fn finish(&mut self, models: &mut dyn Models) -> Vec<Scored> {
        let mut pending = std::mem::take(&mut self.pending);
        let rooms = self.room.ask(&mut pending, models, &mut self.problems);
        let counts = counted::ask(&pending, models, &mut self.problems);
        let mut counts = counts.into_iter();
        pending
            .into_iter()
            .zip(rooms)
            .map(|(row, room)| {
                let verdicts: Vec<_> = counts.by_ref().take(row.counted.len()).collect();
                self.finish_row(row, room, &verdicts)
            })
            .collect()
    }

    fn finish_row(
        &mut self,
        mut row: Pending,
        room: Option<room::Answer>,
        counts: &[Option<f64>],
    ) -> Scored {
        let language = self.options.language;
        let mut reason = row
            .reason
            .map(|reason| language.of(reason.text(&self.options.channels)));
        for (asked, model) in row.counted.iter().zip(counts) {
            let evidence = model.unwrap_or(asked.evidence);
            let level = asked.level;
            if row.score.is_none_or(|score| evidence > score) {
                row.score = Some(evidence);
                reason = (evidence >= EXPLAIN_FROM).then(|| language.of(asked.text()));
            }
            row.level = row.level.max(level);
        }
        if let Some(room) = room {
            row.level = row.level.max(room.level);
            if row.score.is_none_or(|score| room.score > score) {
                row.score = Some(room.score);
                if let Some(text) = room.text {
                    reason = Some(language.of(text));
                }
            }
        }
        let nothing = match (row.at, row.score) {
            (None, _) => words::NO_TIME,
            (_, None) => words::NO_SCORE,
            _ => words::NOTHING,
        };
        Scored {
            time_cell: row.time_cell,
            score: row.score.map(|score| score.clamp(0.0, 1.0)),
            level: row.level,
            reason: reason.unwrap_or_else(|| language.of(nothing.text())),
        }
    }
}

/// [`Interval::steady`] forgets over so many rows.
const STEADY_ROWS: f64 = 50.0;
/// Rows are stamped by a clock if this share of them keeps the usual distance.
const STEADY_MIN: f64 = 0.8;

/// The usual distance of rows, a running median, and the share of rows that keep it exactly.
#[derive(Debug, Default, Clone, Copy)]
struct Interval {
    newest: Option<Timestamp>,
    usual: i64,
    rows: f64,
    steady: f64,
}

impl Interval {
    fn take(&mut self, at: Timestamp) {
        let Some(newest) = self.newest.replace(at) else {
            return;
        };
        let passed = at.ms_since(newest);
        if self.usual == 0 {
            self.usual = passed.max(0);
        }
        let keeps = f64::from(u8::from(passed > 0 && passed == self.usual));
        self.rows = (self.rows + 1.0).min(STEADY_ROWS);
        self.steady += (keeps - self.steady) / self.rows;
        if passed <= 0 {
            return;
        }
        let step = (self.usual / 10).max(1);
        self.usual = if passed > self.usual {
            (self.usual + step).min(passed)
        } else {
            (self.usual - step).max(passed)
        };
    }

    /// Whether rows come by a clock.
    fn is_steady(&self) -> bool {
        self.steady >= STEADY_MIN
    }
}

/// Whether a kind is always a count: an event, or a number of events or persons.
fn is_counted(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Door
            | Kind::AccessGranted
            | Kind::AccessDenied
            | Kind::Motion
            | Kind::Occupancy
            | Kind::CameraObject
            | Kind::CameraMotion
            | Kind::LineCrossing
    )
}

#[cfg(test)]
mod tests;
