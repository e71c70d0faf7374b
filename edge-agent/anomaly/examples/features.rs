//! Turns a recording on standard input into feature rows on standard output, for the trainer.
//!
//! `cargo run --release --example features < recording.csv > features.csv`

use std::io::{BufReader, BufWriter, stdin, stdout};
use std::process::ExitCode;

use gridwatch_anomaly::features::features_csv;

fn main() -> ExitCode {
    match features_csv(BufReader::new(stdin()), BufWriter::new(stdout())) {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("features: {:#}", anyhow::Error::new(error));
            ExitCode::from(64)
        }
    }
}
