//! `check`: the whole configuration, with the golden samples of every profile. Touches nothing.

use std::path::Path;
use std::process::ExitCode;

use gridwatch_decode::profile::Profile;
use serde_json::json;

use super::common::{EXIT_CONFIG, say};
use super::{ConfigArgument, report_problems};
use crate::config::{Config, Loaded, load};

const EXAMPLES: &str = "Examples:
  edge-agent check --config /etc/gridwatch/edge.toml
  edge-agent check --config edge.toml --json

Checks the configuration, the profiles and their golden samples, the join file, the password files and
the model; reports all problems at once, touches nothing and starts nothing.

Exit codes: 0 good, 2 wrong usage, 64 there are problems";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    config: ConfigArgument,
    /// Print JSON instead of text.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    check(&args.config.config, args.json)
}

/// Checks a configuration and says what was found.
pub(super) fn check(path: &Path, as_json: bool) -> anyhow::Result<ExitCode> {
    let loaded = load(path);
    if as_json {
        say(described(path, &loaded))?;
    } else {
        report_problems(path, &loaded);
        if let Some(config) = &loaded.config {
            print(path, config)?;
        }
    }
    Ok(if loaded.config.is_some() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(EXIT_CONFIG)
    })
}

fn samples(config: &Config) -> usize {
    config.profiles.iter().map(Profile::golden_count).sum()
}

fn print(path: &Path, config: &Config) -> anyhow::Result<()> {
    say(format_args!(
        "{}: good. {} source(s), {} profile(s) with {} golden samples, {} device(s), {} rule(s), hub: {}",
        path.display(),
        config.mqtt.len() + config.modbus.len(),
        config.profiles.len(),
        samples(config),
        config.devices.len(),
        config.detection.rules.len(),
        config.hub.as_ref().map_or("none", |hub| &hub.url),
    ))
}

fn described(path: &Path, loaded: &Loaded) -> serde_json::Value {
    let found = loaded.config.as_ref().map(|config| {
        let unproven: Vec<&str> = config
            .profiles
            .iter()
            .filter(|profile| profile.golden_count() == 0)
            .map(|profile| profile.id.as_str())
            .collect();
        json!({
            "sources": config.mqtt.iter().map(|m| format!("mqtt {}", m.name))
                .chain(config.modbus.iter().map(|m| format!("modbus {}", m.name))).collect::<Vec<_>>(),
            "profiles": config.profiles.len(),
            "golden_samples": samples(config),
            "profiles_without_golden_sample": unproven,
            "devices": config.devices.len(),
            "rules": config.detection.rules.len(),
            "hub": config.hub.as_ref().map(|hub| &hub.url),
            "site": config.site,
        })
    });
    json!({
        "file": path.display().to_string(),
        "good": loaded.config.is_some(),
        "problems": loaded.problems,
        "warnings": loaded.warnings,
        "found": found,
    })
}
