//! The command line: `run`, `check`, `outbox list`, `status`.

mod walk_test;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

use crate::config::{Config, Loaded, load};
use crate::health::Status;
use crate::outbox::{RowState, look};
use crate::uplink::{HubClient, chain};

/// `EX_USAGE` of sysexits.h: what was asked for is wrong.
const EXIT_USAGE: u8 = 64;
/// `EX_SOFTWARE`: it failed.
const EXIT_FAILED: u8 = 70;

#[derive(Parser)]
#[command(
    name = "edge-agent",
    version,
    about = "Reads a site's sensors, detects alarms, and delivers them durably to the Gridwatch hub",
    after_help = "Examples:\n  edge-agent check --config /etc/gridwatch/edge.toml\n  edge-agent run --config /etc/gridwatch/edge.toml\n  edge-agent status --config /etc/gridwatch/edge.toml\n\nExit codes: 0 done, 64 bad configuration or usage, 70 failed"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the agent until it is told to stop (SIGTERM, SIGINT).
    Run(ConfigArgument),
    /// Check the configuration, the profiles and their golden samples, the join file and the model.
    /// Touches nothing; reports all problems at once.
    Check(ConfigArgument),
    /// Look into the outbox.
    #[command(subcommand)]
    Outbox(OutboxCommand),
    /// Ask the running agent how it is.
    Status(OutputArguments),
    /// Test what is installed, from the test button to the hub.
    WalkTest(walk_test::WalkTestArgs),
}

#[derive(Subcommand)]
enum OutboxCommand {
    /// List alert messages, the newest first.
    List {
        #[command(flatten)]
        output: OutputArguments,
        /// At most this many.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
}

#[derive(clap::Args)]
struct ConfigArgument {
    /// Configuration file; `configs/edge.toml` documents every key.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

#[derive(clap::Args)]
struct OutputArguments {
    #[command(flatten)]
    config: ConfigArgument,
    /// Print JSON instead of text.
    #[arg(long)]
    json: bool,
}

/// Runs the command line.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let asked = matches!(
                error.kind(),
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
            );
            // There is nobody left to tell when even that cannot be printed.
            error.print().ok();
            return if asked {
                ExitCode::SUCCESS
            } else {
                ExitCode::from(EXIT_USAGE)
            };
        }
    };
    let outcome = match cli.command {
        Command::Run(argument) => with_config(&argument.config, run),
        Command::Check(argument) => {
            with_config(&argument.config, |config| check(&argument.config, &config))
        }
        Command::Outbox(OutboxCommand::List { output, limit }) => {
            with_config(&output.config.config, |config| {
                list(&config, limit, output.json)
            })
        }
        Command::Status(output) => {
            with_config(&output.config.config, |config| status(&config, output.json))
        }
        Command::WalkTest(args) => walk(&args),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("edge-agent: {}", chain(error.as_ref()));
            ExitCode::from(EXIT_FAILED)
        }
    }
}

fn with_config(
    path: &Path,
    then: impl FnOnce(Config) -> anyhow::Result<()>,
) -> anyhow::Result<ExitCode> {
    let Loaded {
        config,
        problems,
        warnings,
    } = load(path);
    for warning in &warnings {
        eprintln!("edge-agent: {}: warning: {warning}", path.display());
    }
    let Some(config) = config else {
        for problem in &problems {
            eprintln!("edge-agent: {}: {problem}", path.display());
        }
        eprintln!(
            "edge-agent: {} problem(s) in the configuration; nothing was started",
            problems.len()
        );
        return Ok(ExitCode::from(EXIT_USAGE));
    };
    then(config).map(|()| ExitCode::SUCCESS)
}

fn walk(args: &walk_test::WalkTestArgs) -> anyhow::Result<ExitCode> {
    let mut code = ExitCode::SUCCESS;
    let loaded = with_config(&args.config, |config| {
        code = runtime()?.block_on(walk_test::run(&config, args))?;
        Ok(())
    })?;
    // Both are 0 unless one of them says something.
    Ok(if loaded == ExitCode::SUCCESS {
        code
    } else {
        loaded
    })
}

fn run(config: Config) -> anyhow::Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_from_env("GRIDWATCH_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info,ort=warn,tract=warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_writer(std::io::stderr)
        .init();
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("starting the runtime")?
        .block_on(async {
            let stop = stop_signal().context("listening for signals")?;
            crate::agent::run(config, stop).await
        })
}

fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
    })
}

fn check(path: &Path, config: &Config) -> anyhow::Result<()> {
    let samples: usize = config
        .profiles
        .iter()
        .map(gridwatch_decode::profile::Profile::golden_count)
        .sum();
    println!(
        "{}: good. {} source(s), {} profile(s) with {samples} golden samples, {} device(s), {} rule(s), hub: {}",
        path.display(),
        config.mqtt.len() + config.modbus.len(),
        config.profiles.len(),
        config.devices.len(),
        config.detection.rules.len(),
        config.hub.as_ref().map_or("none", |hub| &hub.url),
    );
    Ok(())
}

fn list(config: &Config, limit: u32, json: bool) -> anyhow::Result<()> {
    let (backlog, rows) = runtime()?
        .block_on(look(&config.state_dir, limit))
        .context("looking into the outbox")?;
    if json {
        println!(
            "{}",
            serde_json::to_string(&serde_json::json!({"backlog": backlog, "alerts": rows}))?
        );
        return Ok(());
    }
    println!(
        "{} alert message(s) not accepted by the hub, {} rejected, {} reading(s) waiting, last sequence number {}",
        backlog.alerts, backlog.rejected, backlog.readings, backlog.last_sequence
    );
    for row in rows {
        let state = match &row.state {
            RowState::Unsent => "unsent".to_owned(),
            RowState::Accepted => "accepted".to_owned(),
            RowState::Rejected { reason } => format!("rejected ({reason})"),
        };
        let alert = row.alert;
        println!(
            "{:>8} {} {:9} {} {:?} {} {}: {}",
            alert.sequence.unwrap_or(0),
            alert.at,
            state,
            alert.severity,
            alert.phase,
            alert.kind,
            alert.device,
            alert.reason.en
        );
    }
    Ok(())
}

fn status(config: &Config, json: bool) -> anyhow::Result<()> {
    let address = config
        .health
        .context("[health] listen is empty: the running agent shows nothing")?;
    let status: Status = runtime()?.block_on(async {
        HubClient::plain(Duration::from_secs(5))?
            .get(format!("http://{address}/status"))
            .send()
            .await
            .with_context(|| format!("asking the agent on {address}; is it running?"))?
            .json()
            .await
            .context("reading its answer")
    })?;
    if json {
        println!("{}", serde_json::to_string(&status)?);
        return Ok(());
    }
    println!(
        "edge-agent {} up {} s, {} device(s), waiting for the hub: {} alert message(s), {} reading(s)",
        status.version,
        status.uptime_ms / 1000,
        status.devices,
        status.backlog_alerts,
        status.backlog_readings
    );
    if status.faults.is_empty() {
        println!("no faults");
    }
    for fault in &status.faults {
        println!(
            "FAULT {} {} since {}: {} / {}",
            fault.code, fault.subject, fault.since, fault.detail.en, fault.detail.zh
        );
    }
    for (name, value) in status.counters.iter().filter(|(_, value)| **value > 0) {
        println!("{value:>12} {name}");
    }
    Ok(())
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("starting the runtime")
}
