//! Turns evidence on standard input into levels on standard output, for the evaluation.
//!
//! `levels NOTICE WARNING ALARM FLOOR < evidence.csv > levels.csv`: the population's thresholds; input
//! columns `recording,time,evidence` (time in seconds), output columns `level,learning` with level 0 to 3,
//! one row per input row. Where `recording` changes, a new sensor begins.

use std::io::{BufReader, BufWriter, stdin, stdout};
use std::process::ExitCode;

use anyhow::Context;
use gridwatch_anomaly::calibration::{Calibration, Prior, Settings};
use gridwatch_protocol::Timestamp;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("levels: {error:#}");
            ExitCode::from(64)
        }
    }
}

fn run() -> anyhow::Result<()> {
    let arguments: Vec<f64> = std::env::args()
        .skip(1)
        .map(|argument| argument.parse())
        .collect::<Result<_, _>>()
        .context("the thresholds are numbers")?;
    let [notice, warning, alarm, floor] = arguments[..] else {
        anyhow::bail!("four thresholds are needed: NOTICE WARNING ALARM FLOOR");
    };
    let prior = Prior {
        notice,
        warning,
        alarm,
        floor,
    };
    let fresh = || Calibration::new(Settings::SAMPLES, prior);
    let mut reader = csv::Reader::from_reader(BufReader::new(stdin()));
    let mut writer = csv::Writer::from_writer(BufWriter::new(stdout()));
    writer.write_record(["level", "learning"])?;
    let (mut sensor, mut recording) = (fresh(), String::new());
    for row in reader.deserialize() {
        let (name, seconds, evidence): (String, f64, f64) = row?;
        if name != recording {
            (sensor, recording) = (fresh(), name);
        }
        let judgement = sensor.update(at(seconds), evidence);
        writer.serialize((judgement.level as u8, u8::from(judgement.learning)))?;
    }
    writer.flush()?;
    Ok(())
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a cast from a float saturates, and Timestamp holds it to the years 0 to 9999"
)]
fn at(seconds: f64) -> Timestamp {
    Timestamp::from_unix_ms((seconds * 1000.0).round() as i64)
}
