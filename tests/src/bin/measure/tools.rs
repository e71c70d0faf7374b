//! How long the installer's quick tools take, from their start to their end.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use e2e::paths::{built_program, repository};
use e2e::process::run;
use e2e::statistics::Spread;

/// Runs of each.
const RUNS: usize = 20;

pub(crate) fn measure() -> Result<()> {
    let program = built_program("edge-agent")?;
    let folder = tempfile::tempdir()?;
    let config = folder.path().join("edge.toml");
    let devices = repository().join("configs/devices").display().to_string();
    std::fs::write(
        &config,
        format!("[agent]\nprofiles_dir = {devices:?}\n[[mqtt]]\nname = \"a\"\n"),
    )?;
    let config = config.display().to_string();
    println!("tool     runs  p50 ms  max ms");
    for (name, more) in [
        (
            "explain",
            &[
                "--topic",
                "zigbee2mqtt/hall",
                "--payload",
                r#"{"smoke":true}"#,
            ][..],
        ),
        ("check", &[]),
    ] {
        let mut arguments = vec![name, "--config", &config];
        arguments.extend(more);
        let mut took: Vec<Duration> = Vec::new();
        for _ in 0..RUNS {
            let begin = Instant::now();
            let said = run(&program, &arguments, "")?;
            took.push(begin.elapsed());
            ensure!(said.code == 0, "{said:?}");
        }
        let spread = Spread::new(took);
        println!(
            "{name:7}  {RUNS:4}  {:6.0}  {:6.0}",
            spread.percentile(50).as_secs_f64() * 1000.0,
            spread.max().as_secs_f64() * 1000.0
        );
    }
    Ok(())
}
