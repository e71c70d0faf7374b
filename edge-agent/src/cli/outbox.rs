//! `outbox`: looks into it, checks it, hands it out, and repairs it.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use gridwatch_protocol::{Kind, Timestamp};

use super::common::{EXIT_PROBLEMS, exit, runtime, say};
use super::{ConfigArgument, OutputArguments, with_config};
use crate::config::Config;
use crate::outbox::{
    Exported, Filter, OutboxError, Repaired, RowState, Verified, export_alerts, export_readings,
    look, repair, verify,
};

#[derive(clap::Subcommand)]
pub(super) enum OutboxCommand {
    /// List alert messages, the newest first.
    #[command(
        after_help = "Examples:\n  edge-agent outbox list --config /etc/gridwatch/edge.toml\n  edge-agent outbox list --config edge.toml --limit 5 --json"
    )]
    List {
        #[command(flatten)]
        output: OutputArguments,
        /// At most this many.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Check that the outbox is whole. Read-only; the agent may be running.
    #[command(
        after_help = "Examples:\n  edge-agent outbox verify --config /etc/gridwatch/edge.toml\n\nExit codes: 0 whole, 1 something is wrong, 64 bad configuration, 70 it cannot be opened"
    )]
    Verify {
        #[command(flatten)]
        output: OutputArguments,
    },
    /// Print alert messages and readings as JSON lines. Read-only; the agent may be running.
    #[command(
        after_help = "Examples:\n  edge-agent outbox export --config edge.toml > outbox.jsonl\n  edge-agent outbox export --config edge.toml --what alerts --unsent --since 2026-11-22T00:00:00Z\n\nExit codes: 0 done, 1 some rows cannot be read, 2 wrong usage, 64 bad configuration, 70 failed"
    )]
    Export(ExportArgs),
    /// Save what can be saved of a damaged outbox into a fresh one. Stop the agent first.
    #[command(
        after_help = "Examples:\n  systemctl stop gridwatch-edge\n  edge-agent outbox repair --config /etc/gridwatch/edge.toml\n\nThe damaged file is moved aside and kept. When alert messages may be missing, the fresh file gets an\nidentity of its own; the hub knows the alerts that it has by their ids.\n\nExit codes: 0 nothing was lost, 1 something was lost, or the agent is running, 64 bad configuration, 70 failed"
    )]
    Repair {
        #[command(flatten)]
        output: OutputArguments,
        /// Write a fresh file even when nothing is found wrong.
        #[arg(long)]
        always: bool,
    },
}

#[derive(clap::Args)]
pub(super) struct ExportArgs {
    #[command(flatten)]
    config: ConfigArgument,
    /// What to print.
    #[arg(long, value_enum, default_value_t = What::All)]
    what: What,
    /// Not older than this time, such as 2026-11-22T00:00:00Z.
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Older than this time.
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    /// Only of this device.
    #[arg(long)]
    device: Option<String>,
    /// Only of this kind, such as `smoke`.
    #[arg(long, value_parser = kind)]
    kind: Option<Kind>,
    /// Only alert messages that the hub has not accepted.
    #[arg(long)]
    unsent: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum What {
    /// Alert messages and readings.
    All,
    /// Alert messages.
    Alerts,
    /// Readings that wait for the hub.
    Readings,
}

fn kind(name: &str) -> Result<Kind, String> {
    Kind::from_name(name).ok_or_else(|| {
        let all: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
        format!("no such kind; there are {}", all.join(", "))
    })
}

pub(super) fn run(command: &OutboxCommand) -> anyhow::Result<ExitCode> {
    match command {
        OutboxCommand::List { output, limit } => with_config(&output.config.config, |config| {
            list(&config, *limit, output.json)
        }),
        OutboxCommand::Verify { output } => {
            with_config(&output.config.config, |config| check(&config, output.json))
        }
        OutboxCommand::Export(args) => {
            with_config(&args.config.config, |config| export(&config, args))
        }
        OutboxCommand::Repair { output, always } => with_config(&output.config.config, |config| {
            mend(&config, *always, output.json)
        }),
    }
}

fn list(config: &Config, limit: u32, json: bool) -> anyhow::Result<ExitCode> {
    let (backlog, rows) = runtime()?
        .block_on(look(&config.state_dir, limit))
        .context("looking into the outbox")?;
    if json {
        say(serde_json::json!({"backlog": backlog, "alerts": rows}))?;
        return Ok(ExitCode::SUCCESS);
    }
    say(format_args!(
        "{} alert message(s) not accepted by the hub, {} rejected, {} reading(s) waiting, last sequence number {}",
        backlog.alerts, backlog.rejected, backlog.readings, backlog.last_sequence
    ))?;
    for row in rows {
        let state = match &row.state {
            RowState::Unsent => "unsent".to_owned(),
            RowState::Accepted => "accepted".to_owned(),
            RowState::Rejected { reason } => format!("rejected ({reason})"),
        };
        let alert = row.alert;
        say(format_args!(
            "{:>8} {} {:9} {} {:?} {} {}: {}",
            alert.sequence.unwrap_or(0),
            alert.at,
            state,
            alert.severity,
            alert.phase,
            alert.kind,
            alert.device,
            alert.reason.en
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn now() -> Timestamp {
    jiff::Timestamp::now().into()
}

fn check(config: &Config, json: bool) -> anyhow::Result<ExitCode> {
    let found = runtime()?
        .block_on(verify(&config.state_dir, keep_ms(config), now()))
        .context("checking the outbox; `edge-agent outbox repair` saves what can be saved")?;
    if json {
        say(serde_json::to_string(&found)?)?;
    } else {
        print(&found)?;
    }
    Ok(exit(found.good))
}

/// In a rehearsal the agent's clock runs ahead of this one: nothing can be said about missing numbers.
fn keep_ms(config: &Config) -> i64 {
    if (config.speed - 1.0).abs() < f64::EPSILON {
        config.outbox.keep_accepted_ms
    } else {
        i64::MIN
    }
}

fn print(found: &Verified) -> anyhow::Result<()> {
    let verdict = if found.good { "whole" } else { "DAMAGED" };
    say(format_args!(
        "{verdict}: {} alert message(s), {} reading(s), {} open episode(s), {} device(s), last sequence number {}, start {}",
        found.alerts,
        found.readings,
        found.episodes,
        found.devices,
        found.last_sequence,
        found.boot_epoch
    ))?;
    if let Some(stream) = found.stream {
        say(format_args!("identity {stream}"))?;
    }
    for problem in &found.problems {
        say(format_args!("  {problem}"))?;
    }
    if found.more_problems > 0 {
        say(format_args!("  and {} more", found.more_problems))?;
    }
    if !found.good {
        say(
            "stop the agent and run `edge-agent outbox repair`; it saves every row that can be read",
        )?;
    }
    Ok(())
}

fn export(config: &Config, args: &ExportArgs) -> anyhow::Result<ExitCode> {
    let filter = Filter {
        since: args.since,
        until: args.until,
        device: args.device.clone(),
        kind: args.kind.map(|kind| kind.as_str().to_owned()),
        unsent: args.unsent,
    };
    let mut unreadable = 0_u64;
    let mut output = std::io::BufWriter::new(std::io::stdout().lock());
    let mut take = |exported: Exported| -> anyhow::Result<()> {
        let line = match exported {
            Exported::Alert(row) => {
                serde_json::json!({"what": "alert", "state": row.state, "alert": row.alert})
            }
            Exported::Reading(reading) => {
                serde_json::json!({"what": "reading", "reading": reading})
            }
            Exported::Unreadable(why) => {
                unreadable += 1;
                eprintln!("edge-agent: {why}");
                return Ok(());
            }
        };
        writeln!(output, "{line}").context("printing")
    };
    runtime()?.block_on(async {
        if args.what != What::Readings {
            export_alerts(&config.state_dir, &filter, &mut take)
                .await
                .context("exporting alerts")??;
        }
        if args.what != What::Alerts && !args.unsent {
            export_readings(&config.state_dir, &filter, &mut take)
                .await
                .context("exporting readings")??;
        }
        anyhow::Ok(())
    })?;
    output.flush().context("printing")?;
    Ok(exit(unreadable == 0))
}

fn mend(config: &Config, always: bool, json: bool) -> anyhow::Result<ExitCode> {
    let outcome = runtime()?.block_on(repair(&config.state_dir, keep_ms(config), now(), always));
    let repaired = match outcome {
        Err(OutboxError::InUse { path }) => {
            eprintln!(
                "edge-agent: the agent is running on `{}`; stop it first (systemctl stop gridwatch-edge)",
                path.parent()
                    .map_or_else(PathBuf::new, PathBuf::from)
                    .display()
            );
            return Ok(ExitCode::from(EXIT_PROBLEMS));
        }
        other => other.context("repairing the outbox; the damaged file is untouched")?,
    };
    if json {
        say(serde_json::to_string(&repaired)?)?;
    } else {
        tell(&repaired)?;
    }
    Ok(exit(
        repaired.losses.is_empty() && repaired.alerts_lost == 0 && repaired.readings_lost == 0,
    ))
}

fn tell(repaired: &Repaired) -> anyhow::Result<()> {
    let Some(aside) = &repaired.aside else {
        return say("nothing is wrong with the outbox; nothing was done");
    };
    say(format_args!(
        "saved: {} alert message(s), {} of them not accepted by the hub; {} reading(s), {} open episode(s), {} device(s)",
        repaired.alerts,
        repaired.alerts_unsent,
        repaired.readings,
        repaired.episodes,
        repaired.devices
    ))?;
    say(format_args!(
        "lost: {} alert message(s), {} reading(s), as far as can be told",
        repaired.alerts_lost, repaired.readings_lost
    ))?;
    for loss in &repaired.losses {
        say(format_args!("  {loss}"))?;
    }
    match &repaired.because {
        None => say(format_args!("identity kept: {}", repaired.stream))?,
        Some(because) => say(format_args!("new identity {}: {because}", repaired.stream))?,
    }
    say(format_args!(
        "the damaged file is kept as `{}`",
        aside.display()
    ))
}
