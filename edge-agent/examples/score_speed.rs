//! How long the feature engine and the model take on this machine.
//!
//! `cargo run --release --example score_speed -- models/env-fuser [path of libonnxruntime.so]`

use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use edge_agent::detection::model::{Backend, Model};
use gridwatch_anomaly::features::{Channel, FeatureRow, RoomFeatures};
use gridwatch_protocol::Timestamp;

const UPDATES: i32 = 1_000_000;
const RUNS: u32 = 20_000;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let bundle = arguments
        .next()
        .context("first argument: the model bundle's folder")?;
    let backend = arguments
        .next()
        .map_or(Backend::BuiltIn, |path| Backend::Library(path.into()));

    let mut room = RoomFeatures::new();
    let mut sum = 0.0;
    let start = Instant::now();
    for step in 0..UPDATES {
        let at = Timestamp::from_unix_ms(i64::from(step) * 1_000);
        let channel = Channel::ALL[(step.unsigned_abs() % 6) as usize];
        room.update(channel, at, f64::from(step % 97) * 0.1);
        sum += room.row()[0];
    }
    let each = start.elapsed() / UPDATES.unsigned_abs();
    println!("features: {each:?} per reading, update and row (checksum {sum})");

    let start = Instant::now();
    let mut model = Model::load(Path::new(&bundle), &backend)?;
    println!("loading with its self-test: {:?}", start.elapsed());
    for batch in [1, 64] {
        let rows: Vec<FeatureRow> = vec![room.row(); batch];
        model.score(&rows)?;
        let start = Instant::now();
        for _ in 0..RUNS {
            model.score(&rows)?;
        }
        let each = start.elapsed() / RUNS;
        println!("inference of {batch}: {each:?} per batch");
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    for line in status.lines().filter(|line| line.starts_with("VmHWM")) {
        println!(
            "most resident memory: {}",
            line.trim_start_matches("VmHWM:").trim()
        );
    }
    Ok(())
}
