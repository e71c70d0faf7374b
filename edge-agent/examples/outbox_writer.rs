//! Appends alerts to an outbox one by one and prints each sequence number once it is promised to be on
//! the disk; or lists the sequence numbers that are there. The power-cut rig pulls the plug between.
//!
//! `outbox_writer DIR --synchronous full|normal --count N`, `outbox_writer DIR --list`

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::Parser;
use edge_agent::config::OutboxConfig;
use edge_agent::health::Health;
use edge_agent::outbox::{Entry, OutboxOptions, Synchronous, look, open};
use gridwatch_protocol::{
    Alert, AlertId, ClockQuality, DetectedBy, DeviceId, Kind, Phase, Place, Severity, SiteId, Text,
    Timestamp,
};
use uuid::Uuid;

#[derive(Parser)]
struct Arguments {
    /// Folder of the outbox.
    dir: PathBuf,
    /// `full`, or `normal` for the control run that must lose alerts.
    #[arg(long, default_value = "full")]
    synchronous: String,
    /// How many alerts.
    #[arg(long, default_value_t = 100)]
    count: u32,
    /// Print the sequence numbers that are there instead.
    #[arg(long)]
    list: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if arguments.list {
        for row in look(&arguments.dir, u32::MAX).await?.1 {
            println!(
                "{}",
                row.alert.sequence.context("a stored alert has a number")?
            );
        }
        return Ok(());
    }
    let synchronous = match arguments.synchronous.as_str() {
        "full" => Synchronous::Full,
        "normal" => Synchronous::Normal,
        other => anyhow::bail!("--synchronous {other}: must be full or normal"),
    };
    let config = OutboxConfig {
        telemetry_bytes_max: 16 * 1024 * 1024,
        reserve_bytes: 0,
        keep_accepted_ms: 0,
    };
    let options = OutboxOptions {
        dir: arguments.dir,
        config,
        synchronous,
    };
    let opened = open(options, Arc::new(Health::default())).await?;
    let writer = tokio::spawn(opened.writer.run());
    for _ in 0..arguments.count {
        let entry = Entry {
            alerts: vec![alert()?],
            ..Entry::default()
        };
        let stored = opened.outbox.append(entry).await?;
        println!(
            "{}",
            stored[0].sequence.context("a stored alert has a number")?
        );
        std::io::stdout().flush()?;
    }
    drop(opened.outbox);
    writer.await??;
    Ok(())
}

fn alert() -> anyhow::Result<Alert> {
    let now: Timestamp = "2026-11-22T00:00:00Z".parse()?;
    Ok(Alert {
        id: AlertId(Uuid::now_v7()),
        revision: 0,
        phase: Phase::Raised,
        sequence: None,
        boot_epoch: 0,
        kind: Kind::Smoke,
        severity: Severity::P1,
        device: DeviceId::new("rig/1")?,
        device_known: true,
        site: SiteId::new("rig")?,
        place: Place::default(),
        raised_at: now,
        at: now,
        clock: ClockQuality::Plausible,
        detected_by: DetectedBy::Rule {
            rule: "smoke".into(),
        },
        score: None,
        reason: Text::default(),
        evidence: Vec::new(),
        source_event: None,
        is_test: false,
    })
}
