//! The command line: one file for each command. All of them but `run` are tools for the installer and
//! the integrator; none of those touches the running agent's session or its outbox, except `outbox
//! repair`, which refuses to while the agent runs.

mod broker;
mod check;
mod common;
mod decode;
mod explain;
mod init;
mod model;
mod outbox;
mod probe;
mod probe_modbus;
mod probe_mqtt;
mod record;
mod replay;
mod score;
mod simulate;
mod status;
mod walk_test;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

use crate::config::{Config, Loaded, load};
use crate::uplink::chain;
use common::{EXIT_CONFIG, EXIT_FAILED, EXIT_USAGE, is_closed_pipe, runtime};

#[derive(Parser)]
#[command(
    name = "edge-agent",
    version,
    about = "Reads a site's sensors, detects alarms, and delivers them durably to the Gridwatch hub",
    after_help = "Examples:
  edge-agent init
  edge-agent check --config /etc/gridwatch/edge.toml
  edge-agent run --config /etc/gridwatch/edge.toml
  edge-agent probe mqtt
  edge-agent explain --topic zigbee2mqtt/hall --payload '{\"smoke\":true}'

`edge-agent COMMAND --help` has examples of each command.

Exit codes: 0 done, 1 problems were found or the answer is no, 2 wrong usage, 64 bad configuration, 70 failed"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the agent until it is told to stop (SIGTERM, SIGINT).
    Run(ConfigArgument),
    /// Write a configuration: asks, looks for serial ports and a broker, then checks it.
    Init(init::InitArgs),
    /// Check the configuration, the profiles and their golden samples, the join file and the model.
    /// Touches nothing; reports all problems at once.
    Check(check::CheckArgs),
    /// Read recorded cases and print the readings.
    Decode(decode::DecodeArgs),
    /// Say step by step which profile or format reads a message, or what is missing.
    Explain(explain::ExplainArgs),
    /// Look at what is out there, before anything is configured.
    #[command(subcommand)]
    Probe(probe::Probe),
    /// Record what a broker publishes, with its timing.
    Record(record::RecordArgs),
    /// Play a record to a broker, or through the decoder.
    Replay(replay::ReplayArgs),
    /// Play the golden samples of a profile as if the device were there.
    Simulate(simulate::SimulateArgs),
    /// Look into the outbox, check it, hand it out, repair it.
    #[command(subcommand)]
    Outbox(outbox::OutboxCommand),
    /// Find what is unusual in a recording.
    Score(score::ScoreArgs),
    /// Verify or install an anomaly model.
    #[command(subcommand)]
    Model(model::ModelCommand),
    /// Ask the running agent how it is.
    #[command(after_help = status::EXAMPLES)]
    Status(OutputArguments),
    /// Test what is installed, from the test button to the hub.
    WalkTest(walk_test::WalkTestArgs),
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
    match dispatch(&cli.command) {
        Ok(code) => code,
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("edge-agent: {}", chain(error.as_ref()));
            ExitCode::from(EXIT_FAILED)
        }
    }
}

fn dispatch(command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Run(argument) => with_config(&argument.config, |config| {
            run(config).map(|()| ExitCode::SUCCESS)
        }),
        Command::Init(args) => init::run(args),
        Command::Check(args) => check::run(args),
        Command::Decode(args) => decode::run(args),
        Command::Explain(args) => explain::run(args),
        Command::Probe(probe) => probe::run(probe),
        Command::Record(args) => runtime()?.block_on(record::run(args)),
        Command::Replay(args) => runtime()?.block_on(replay::run(args)),
        Command::Simulate(args) => runtime()?.block_on(simulate::run(args)),
        Command::Outbox(command) => outbox::run(command),
        Command::Score(args) => score::run(args),
        Command::Model(command) => model::run(command),
        Command::Status(args) => status::run(args),
        Command::WalkTest(args) => with_config(&args.config, |config| {
            runtime()?.block_on(walk_test::run(&config, args))
        }),
    }
}

fn with_config(
    path: &Path,
    then: impl FnOnce(Config) -> anyhow::Result<ExitCode>,
) -> anyhow::Result<ExitCode> {
    let mut loaded = load(path);
    report_problems(path, &loaded);
    match loaded.config.take() {
        Some(config) => then(config),
        None => Ok(ExitCode::from(EXIT_CONFIG)),
    }
}

/// Prints what is wrong with a configuration.
fn report_problems(path: &Path, loaded: &Loaded) {
    for warning in &loaded.warnings {
        eprintln!("edge-agent: {}: warning: {warning}", path.display());
    }
    if loaded.config.is_some() {
        return;
    }
    for problem in &loaded.problems {
        eprintln!("edge-agent: {}: {problem}", path.display());
    }
    eprintln!(
        "edge-agent: {} problem(s) in the configuration; nothing was started",
        loaded.problems.len()
    );
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
            let stop = common::stop_signal().context("listening for signals")?;
            let stop = async {
                stop.await;
                tracing::info!("stopping");
            };
            crate::agent::run(config, stop).await
        })
}
