//! `status`: how the running agent is, for the one who stands in front of it.
//!
//! What the health page tells is printed; sources, devices and open alarms come from the configuration
//! and the outbox, which can be read while the agent runs.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use serde::Serialize;
use serde_json::Value as Json;

use super::common::{exit, runtime, say, shown};
use super::{OutputArguments, with_config};
use crate::config::Config;
use crate::detection::SILENCE_RULE;
use crate::health::Status;
use crate::outbox::remembered;
use crate::uplink::HubClient;

pub(super) const EXAMPLES: &str = "Examples:
  edge-agent status --config /etc/gridwatch/edge.toml
  edge-agent status --config edge.toml --json

Exit codes: 0 no faults, 1 there are faults or silent devices, 64 bad configuration, 70 the agent does not answer";

/// What an installer wants to know beside the health page.
#[derive(Debug, Default, Serialize)]
struct Site {
    sources: Vec<Source>,
    devices_configured: usize,
    /// Configured devices that have never been heard.
    devices_never_heard: Vec<String>,
    /// Heard devices that are not configured.
    devices_unknown: Vec<String>,
    devices_silent: Vec<String>,
    /// Open alarms: rule and device.
    open: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Source {
    name: String,
    /// Why it gives nothing, if so.
    lost: Option<String>,
}

pub(super) fn run(args: &OutputArguments) -> anyhow::Result<ExitCode> {
    with_config(&args.config.config, |config| status(&config, args.json))
}

fn status(config: &Config, json: bool) -> anyhow::Result<ExitCode> {
    let address = config
        .health
        .context("[health] listen is empty: the running agent shows nothing")?;
    let runtime = runtime()?;
    let answer: Json = runtime.block_on(async {
        HubClient::plain(Duration::from_secs(5))?
            .get(format!("http://{address}/status"))
            .send()
            .await
            .with_context(|| format!("asking the agent on {address}; is it running?"))?
            .json()
            .await
            .context("reading its answer")
    })?;
    let status: Status = serde_json::from_value(answer.clone()).context("reading its answer")?;
    let site = runtime.block_on(site(config, &status));
    let is_well = status.faults.is_empty() && site.devices_silent.is_empty();
    if json {
        let mut all = answer;
        if let Json::Object(fields) = &mut all {
            fields.insert("site".to_owned(), serde_json::to_value(&site)?);
        }
        say(all)?;
    } else {
        print(&status, &site)?;
        quarantine(&status)?;
    }
    Ok(exit(is_well))
}

async fn site(config: &Config, status: &Status) -> Site {
    let lost = |name: &str| {
        let fault = status
            .faults
            .iter()
            .find(|fault| fault.code == "source_lost" && fault.subject == name);
        fault.map(|fault| fault.detail.en.clone())
    };
    let names =
        config
            .mqtt
            .iter()
            .map(|mqtt| mqtt.name.clone())
            .chain(config.modbus.iter().flat_map(|line| {
                line.units
                    .iter()
                    .map(|unit| format!("{}/{}", line.name, unit.unit))
            }));
    let sources = names
        .map(|name| Source {
            lost: lost(&name),
            name,
        })
        .collect();
    let configured: Vec<&str> = config
        .devices
        .iter()
        .map(|device| device.id.as_str())
        .chain(
            config
                .modbus
                .iter()
                .flat_map(|line| line.units.iter().map(|unit| unit.device.as_str())),
        )
        .collect();
    let mut site = Site {
        sources,
        devices_configured: configured
            .iter()
            .collect::<std::collections::BTreeSet<_>>()
            .len(),
        ..Site::default()
    };
    // The outbox is the agent's; without it the health page still says the most of it.
    let (devices, episodes) = match remembered(&config.state_dir).await {
        Ok(remembered) => remembered,
        Err(error) => {
            eprintln!("edge-agent: {}", crate::uplink::chain(&error));
            return site;
        }
    };
    let heard: Vec<&str> = devices
        .iter()
        .map(|device| device.device.as_str())
        .collect();
    let without = |all: &[&str], some: &[&str]| -> Vec<String> {
        let rest = all.iter().filter(|id| !some.contains(id));
        let mut rest: Vec<String> = rest.map(|id| (*id).to_owned()).collect();
        rest.sort();
        rest.dedup();
        rest
    };
    site.devices_never_heard = without(&configured, &heard);
    site.devices_unknown = without(&heard, &configured);
    for episode in &episodes {
        let device = episode.key.device().to_string();
        if episode.key.rule() == SILENCE_RULE {
            site.devices_silent.push(device);
        } else {
            site.open.push(format!("{} {device}", episode.key.rule()));
        }
    }
    site
}

fn print(status: &Status, site: &Site) -> anyhow::Result<()> {
    say(format_args!(
        "edge-agent {} up {} s, {} device(s), waiting for the hub: {} alert message(s), {} reading(s)",
        status.version,
        status.uptime_ms / 1000,
        status.devices,
        status.backlog_alerts,
        status.backlog_readings
    ))?;
    for unit in &status.modbus {
        say(unit)?;
    }
    models(status)?;
    for source in &site.sources {
        let state = source.lost.as_deref().unwrap_or("connected");
        say(format_args!("source {}: {state}", source.name))?;
    }
    say(format_args!(
        "devices: {} configured, {} of them never heard, {} silent, {} heard and not configured",
        site.devices_configured,
        site.devices_never_heard.len(),
        site.devices_silent.len(),
        site.devices_unknown.len()
    ))?;
    for (what, devices) in [
        ("never heard", &site.devices_never_heard),
        ("silent", &site.devices_silent),
        ("not configured", &site.devices_unknown),
        ("open", &site.open),
    ] {
        for device in devices {
            say(format_args!("  {what}: {device}"))?;
        }
    }
    if status.faults.is_empty() {
        say("no faults")?;
    }
    for fault in &status.faults {
        say(format_args!(
            "FAULT {} {} since {}: {} / {}",
            fault.code, fault.subject, fault.since, fault.detail.en, fault.detail.zh
        ))?;
    }
    for (name, value) in status.counters.iter().filter(|(_, value)| **value > 0) {
        say(format_args!("{value:>12} {name}"))?;
    }
    Ok(())
}

/// The anomaly models: what runs, what it sees, and what a candidate would have said.
fn models(status: &Status) -> anyhow::Result<()> {
    for model in &status.models {
        let build = model
            .build
            .map_or_else(|| "not loaded".to_owned(), |build| format!("build {build}"));
        let raises = if model.enabled {
            ""
        } else {
            ", raises nothing"
        };
        say(format_args!(
            "model {}: {build}{raises}, watches {} ({} learning), {} open alert(s), drift PSI {:.2}{}",
            model.id,
            model.subjects,
            model.learning,
            model.open,
            model.drift.psi,
            if model.drift.breached {
                " (statistics alone)"
            } else {
                ""
            }
        ))?;
        let Some(shadow) = &model.shadow else {
            continue;
        };
        say(format_args!(
            "  candidate build {}: {} row(s), level higher on {}, lower on {}",
            shadow.build, shadow.rows, shadow.higher, shadow.lower
        ))?;
        for sample in &shadow.samples {
            say(format_args!(
                "    current {:.3} {}, candidate {:.3} {}",
                sample.current, sample.current_level, sample.candidate, sample.candidate_level
            ))?;
        }
    }
    Ok(())
}

/// Samples of what nobody understood, where the agent shows them; else how to see them.
fn quarantine(status: &Status) -> anyhow::Result<()> {
    for sample in &status.quarantine {
        say(format_args!(
            "not understood {}× {}: {}: {}",
            sample.count,
            sample.source,
            sample.reason,
            shown(sample.sample.as_bytes(), 120)
        ))?;
    }
    Ok(())
}
