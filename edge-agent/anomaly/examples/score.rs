//! Scores a recording with the statistics alone, without a model's runtime:
//! `score --time COLUMN --channel COLUMN=KIND[:UNIT]... [--language en|zh] FILE.csv`, CSV on standard output.

use std::fs::File;
use std::io::{BufWriter, stdout};
use std::process::ExitCode;

use anyhow::{Context, bail};
use gridwatch_anomaly::model::StatisticsOnly;
use gridwatch_anomaly::recording::ChannelSpec;
use gridwatch_anomaly::score::{Language, ScoreOptions, score_recording};

fn main() -> ExitCode {
    match run(std::env::args().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("score: {error:#}");
            ExitCode::from(64)
        }
    }
}

fn run(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<()> {
    let mut time = None;
    let mut channels: Vec<ChannelSpec> = Vec::new();
    let mut language = Language::English;
    let mut file = None;
    while let Some(argument) = arguments.next() {
        let mut value = || {
            arguments
                .next()
                .with_context(|| format!("`{argument}` needs a value"))
        };
        match argument.as_str() {
            "--time" => time = Some(value()?),
            "--channel" => channels.push(value()?.parse()?),
            "--language" => {
                language = match value()?.as_str() {
                    "en" => Language::English,
                    "zh" => Language::Chinese,
                    other => bail!("`{other}` is not a language; use en or zh"),
                };
            }
            other if other.starts_with("--") => bail!("`{other}` is not an option"),
            _ if file.is_some() => bail!("more than one file was named"),
            _ => file = Some(argument),
        }
    }
    let file = file.context("no file was named")?;
    let options = ScoreOptions {
        time: time.context("`--time COLUMN` is missing")?,
        channels,
        language,
    };
    let reader = File::open(&file).with_context(|| format!("opening `{file}`"))?;
    score_recording(
        reader,
        BufWriter::new(stdout().lock()),
        &options,
        &mut StatisticsOnly,
    )
    .with_context(|| format!("scoring `{file}`"))?;
    Ok(())
}
