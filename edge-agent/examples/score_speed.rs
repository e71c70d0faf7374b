//! How long the feature engines and the models take on this machine.
//!
//! `cargo build --workspace --all-targets --release`, then
//! `target/release/examples/score_speed models [path of libonnxruntime.so]`

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context;
use edge_agent::config::default_public_keys;
use edge_agent::detection::model::{Backend, Bundle, Engine, Keys, Model};
use gridwatch_anomaly::features::{Channel, RoomFeatures};
use gridwatch_protocol::Timestamp;

const UPDATES: i32 = 1_000_000;
const RUNS: u32 = 20_000;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder: PathBuf = arguments
        .next()
        .context("first argument: the models' folder")?
        .into();
    let backend = arguments
        .next()
        .map_or(Backend::BuiltIn, |path| Backend::Library(path.into()));
    features();
    let before = resident_kib();
    let keys = Keys::parse(&default_public_keys()).map_err(anyhow::Error::msg)?;
    for engine in Engine::ALL {
        let id = engine.fuser().id();
        let start = Instant::now();
        let bundle = Bundle::read(&folder.join(id), &keys)?;
        let mut model = Model::start(&bundle, &backend)?;
        println!("{id}: loading with its self-test {:?}", start.elapsed());
        for batch in [1, 64_u32] {
            let rows = vec![0.5_f32; engine.width() * batch as usize];
            model.score(&rows)?;
            let start = Instant::now();
            for _ in 0..RUNS {
                model.score(&rows)?;
            }
            let each = start.elapsed() / RUNS;
            println!(
                "{id}: inference of {batch}: {each:?}, {:?} a row",
                each / batch
            );
        }
    }
    println!(
        "memory of both models: {} KiB",
        resident_kib().saturating_sub(before)
    );
    Ok(())
}

fn features() {
    let mut room = RoomFeatures::new();
    let mut sum = 0.0;
    let start = Instant::now();
    for step in 0..UPDATES {
        let at = Timestamp::from_unix_ms(i64::from(step) * 1_000);
        let channel = Channel::ALL[(step.unsigned_abs() % 7) as usize];
        room.update(channel, at, f64::from(step % 97) * 0.1);
        sum += room.row()[0];
    }
    let each = start.elapsed() / UPDATES.unsigned_abs();
    println!("features: {each:?} per reading, update and row (checksum {sum})");
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok())
        .unwrap_or(0)
}
