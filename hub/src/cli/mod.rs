//! The command line.
//!
//! Says what it did on stderr; only what another program takes (a join file, a password, the OpenAPI)
//! goes to stdout. Never overwrites a file.

mod audit;
mod backup;
mod child;
pub(crate) mod directory;
mod gateway;
mod init;
mod notify;
mod outside;
mod roster;
mod user;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

use crate::config::{self, ConfigError, Loaded};
use crate::store::{self, Store, Writer};

/// Wrong usage or configuration (sysexits.h EX_USAGE).
const USAGE: u8 = 64;
/// Failed while running (sysexits.h EX_SOFTWARE).
const FAILED: u8 = 70;

/// The Gridwatch hub: turns alerts of edge agents into grid cases.
#[derive(Debug, Parser)]
#[command(
    name = "hub",
    version,
    after_help = "Examples:
  hub init --dir /var/lib/gridwatch --host hub.example --host 10.0.0.5
  hub user add wang --role duty_officer --display-name 王芳 --config /var/lib/gridwatch/hub.toml
  hub gateway add gw-1 --site xinghe-garden --config /var/lib/gridwatch/hub.toml > gw-1.join.toml
  hub run --config /var/lib/gridwatch/hub.toml"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make what a hub needs: authority, certificate, commented configuration. Overwrites nothing.
    Init(init::Arguments),
    /// Run the hub until it is told to stop.
    #[command(after_help = "Example:\n  hub run --config /var/lib/gridwatch/hub.toml")]
    Run(ConfigArgument),
    /// Check the configuration and the files that it names; report every problem, touch nothing.
    #[command(after_help = "Example:\n  hub check --config /var/lib/gridwatch/hub.toml")]
    Check(ConfigArgument),
    /// Add, list and revoke gateways.
    #[command(subcommand)]
    Gateway(gateway::Command),
    /// Add, list and revoke child hubs, which tell this one of their cases.
    #[command(subcommand)]
    Child(child::Command),
    /// Join a parent hub.
    #[command(subcommand)]
    Parent(child::ParentCommand),
    /// Add, list and disable users, set passwords.
    #[command(subcommand)]
    User(user::Command),
    /// Check, import and export areas, sites, units and duties.
    #[command(subcommand)]
    Directory(directory::Command),
    /// Try out channels of notifications.
    #[command(subcommand)]
    Notify(notify::Command),
    /// Check and import rosters: who is on duty.
    #[command(subcommand)]
    Roster(roster::Command),
    /// Keys of other systems that report matters or send alerts.
    #[command(subcommand)]
    Outside(outside::Command),
    /// Copy the whole store into one file, while the hub runs.
    Backup(backup::BackupArguments),
    /// Fill an empty store with a backup.
    Restore(backup::RestoreArguments),
    /// Prove that audit and case histories are as they were written.
    #[command(subcommand)]
    Audit(audit::Command),
    /// Print the OpenAPI description of everything that the hub serves.
    #[command(after_help = "Example:\n  hub openapi > openapi.json")]
    Openapi,
}

/// Where the configuration is.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ConfigArgument {
    /// The configuration file, as `hub init` makes it.
    #[arg(long, value_name = "FILE", default_value = "hub.toml")]
    config: PathBuf,
}

/// Runs the command line.
pub async fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Nothing can be said when even stderr is closed.
            drop(error.print());
            return if error.use_stderr() {
                ExitCode::from(USAGE)
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    match run(arguments.command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let usage = error.is::<ConfigError>() || error.is::<UsageError>();
            eprintln!("hub: {}", crate::chain(error.as_ref()));
            ExitCode::from(if usage { USAGE } else { FAILED })
        }
    }
}

/// What was asked for cannot be.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UsageError(pub(crate) String);

async fn run(command: Command) -> Result<()> {
    match command {
        Command::Init(arguments) => init::run(&arguments),
        Command::Run(at) => serve(&at.config).await,
        Command::Check(at) => {
            let loaded = config::load(&at.config)?;
            eprintln!(
                "{}: {} areas, {} sites, categories of {}: no problems found",
                at.config.display(),
                loaded.directory.areas().len(),
                loaded.directory.sites().count(),
                loaded.catalogue.version
            );
            if let Some(warning) = loaded.config.store_url()?.plain_line() {
                eprintln!("warning: `store.url`: {warning}");
            }
            Ok(())
        }
        Command::Gateway(command) => gateway::run(command).await,
        Command::Child(command) => child::run(command).await,
        Command::Parent(command) => child::parent(&command),
        Command::User(command) => user::run(command).await,
        Command::Directory(command) => directory::run(command).await,
        Command::Notify(command) => notify::run(command).await,
        Command::Roster(command) => roster::run(command).await,
        Command::Outside(command) => outside::run(command).await,
        Command::Backup(arguments) => backup::backup(&arguments).await,
        Command::Restore(arguments) => backup::restore(&arguments).await,
        Command::Audit(command) => audit::run(&command).await,
        Command::Openapi => {
            println!(
                "{}",
                crate::api::openapi()
                    .to_pretty_json()
                    .context("writing JSON")?
            );
            Ok(())
        }
    }
}

async fn serve(config: &Path) -> Result<()> {
    let loaded = config::load(config)?;
    start_log();
    crate::hub::run(loaded, stop_signal(), |_| {}).await
}

fn start_log() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| "info,sqlx=warn".into());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .init();
}

/// SIGTERM (systemd) or SIGINT (Ctrl-C).
async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let mut term = signal(SignalKind::terminate()).expect("a signal handler can be set");
    let mut int = signal(SignalKind::interrupt()).expect("a signal handler can be set");
    // Both branches only wait.
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
}

/// Opens the store of a configuration for a command; a running hub may have it open too.
pub(crate) async fn open_store(at: &ConfigArgument) -> Result<(Loaded, Store, Writer)> {
    let loaded = config::load(&at.config)?;
    crate::certificates::make_private_dir(&loaded.config.data_dir)?;
    let (store, writer) = store::open(&loaded.config.store_url()?).await?;
    Ok((loaded, store, writer))
}
