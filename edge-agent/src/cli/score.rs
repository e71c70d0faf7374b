//! `score`: the shipped engines and models over a recording.

use std::fs::File;
use std::io::{self, BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use gridwatch_anomaly::model::{Models, StatisticsOnly};
use gridwatch_anomaly::recording::{ChannelSpec, RecordingError};
use gridwatch_anomaly::score::{Language, ScoreOptions, ScoreSummary, score_recording};

use super::common::{EXIT_PROBLEMS, EXIT_USAGE};
use super::model::ModelArguments;
use crate::detection::model::ModelSet;
use crate::uplink::chain;

const EXAMPLES: &str = "Examples:
  edge-agent score --time timestamp --channel value=other machine.csv
  edge-agent score --time datetime --channel T=temperature:°C --channel S=smoke:%/m room.csv
  edge-agent score --time time --channel in=access_granted --channel out=other door.csv > scores.csv

Prints CSV with one row for each row of the recording: time,score,level,top_reason. `score` is in [0, 1] and
rises with anomaly, or is empty where there is nothing to judge; `level` is none, notice, warning or alarm. A
row is judged by itself and those before it, never by those after it. Channels of kind `other` are any
numbers; several channels are one point. The separator (`,` `;` tab) is found by itself.

Exit codes: 0 done, 1 the recording cannot be read, 2 wrong usage, 64 bad configuration, 70 failed";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ScoreArgs {
    /// The recording: CSV with a header.
    #[arg(value_name = "FILE.csv")]
    file: PathBuf,
    /// Column with the times.
    #[arg(long, value_name = "COLUMN")]
    time: String,
    /// A column and what it measures; give it once for each.
    #[arg(long = "channel", value_name = "COLUMN=KIND[:UNIT]", required = true)]
    channels: Vec<ChannelSpec>,
    /// Statistics alone.
    #[arg(long, conflicts_with_all = ["models", "config"])]
    no_model: bool,
    /// Folder with the models' bundles (env-fuser, count-fuser).
    #[arg(long, value_name = "DIR")]
    models: Option<PathBuf>,
    #[command(flatten)]
    trust: ModelArguments,
    /// Language of the reasons: en or zh.
    #[arg(long, default_value = "en", value_parser = language)]
    language: Language,
}

fn language(text: &str) -> Result<Language, String> {
    match text {
        "en" => Ok(Language::English),
        "zh" => Ok(Language::Chinese),
        other => Err(format!("`{other}` is not a language; use en or zh")),
    }
}

pub(super) fn run(args: &ScoreArgs) -> anyhow::Result<ExitCode> {
    let options = ScoreOptions {
        time: args.time.clone(),
        channels: args.channels.clone(),
        language: args.language,
    };
    if args.no_model {
        return score(&args.file, &options, &mut StatisticsOnly);
    }
    let trust = match args.trust.trust() {
        Ok(trust) => trust,
        Err(code) => return Ok(code),
    };
    let folder = args.models.clone().or_else(|| trust.bundles.clone());
    let Some(folder) = folder else {
        eprintln!(
            "edge-agent: no models are found, so the statistics score alone; name them with --models DIR"
        );
        return score(&args.file, &options, &mut StatisticsOnly);
    };
    let (mut models, problems) = ModelSet::load(&folder, &trust.keys, &trust.backend);
    for (fuser, problem) in problems {
        eprintln!(
            "edge-agent: {} is left out: {}; the statistics go on without it",
            fuser.id(),
            chain(&problem)
        );
    }
    score(&args.file, &options, &mut models)
}

fn score(file: &Path, options: &ScoreOptions, models: &mut dyn Models) -> anyhow::Result<ExitCode> {
    let reader = match File::open(file) {
        Ok(reader) => BufReader::new(reader),
        Err(error) => {
            eprintln!("edge-agent: opening `{}`: {error}", file.display());
            return Ok(ExitCode::from(EXIT_PROBLEMS));
        }
    };
    let writer = BufWriter::new(io::stdout().lock());
    match score_recording(reader, writer, options, models) {
        Ok(summary) => {
            report(&summary);
            Ok(ExitCode::SUCCESS)
        }
        Err(error) if is_closed_pipe(&error) => Ok(ExitCode::SUCCESS),
        Err(error) => {
            eprintln!("edge-agent: {}: {}", file.display(), chain(&error));
            match error {
                RecordingError::Column { .. }
                | RecordingError::NoChannel
                | RecordingError::Channels { .. } => Ok(ExitCode::from(EXIT_USAGE)),
                RecordingError::Empty | RecordingError::NoRows => Ok(ExitCode::from(EXIT_PROBLEMS)),
                RecordingError::Csv(ref csv) if !csv.is_io_error() => {
                    Ok(ExitCode::from(EXIT_PROBLEMS))
                }
                error => Err(error).context("scoring"),
            }
        }
    }
}

/// What went wrong with a model on the way.
fn report(summary: &ScoreSummary) {
    if let Some(problem) = summary.problems.first() {
        eprintln!(
            "edge-agent: a model gave no verdict {} time(s), the statistics went on without it: {problem}",
            summary.problems.len()
        );
    }
}

fn is_closed_pipe(error: &RecordingError) -> bool {
    let kind = match error {
        RecordingError::Io(error) => Some(error.kind()),
        RecordingError::Csv(error) => match error.kind() {
            csv::ErrorKind::Io(error) => Some(error.kind()),
            _ => None,
        },
        _ => None,
    };
    kind == Some(io::ErrorKind::BrokenPipe)
}
