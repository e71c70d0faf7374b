//! `hub backup` and `hub restore`.

use std::path::PathBuf;

use anyhow::Result;

use super::{ConfigArgument, UsageError};
use crate::config;
use crate::evidence::{Files, archive};
use crate::store::{self, StoreUrl, backup, seal::Seal};

/// So many missing files are named.
const MISSING_TOLD: usize = 20;

/// What to back up, and where to.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hub backup /var/backups --config /var/lib/gridwatch/hub.toml
  hub backup before-update.backup --config hub.toml

The hub may be running: the backup shows one moment. It holds cases, histories, alerts, accounts and
gateways, and with them hashes of passwords and keys: keep it like the store itself. Files of evidence are
copied beside it, into NAME.evidence: keep both together. It does not hold
hub.toml and the files beside it, the certificates and keys in the data directory, and the readings of
the charts: copy those as files. A backup of SQLite can be restored into PostgreSQL and the other way
round.")]
pub(crate) struct BackupArguments {
    /// A new file, or a directory, in which the file gets the time as its name.
    to: PathBuf,
    #[command(flatten)]
    at: ConfigArgument,
}

/// What to restore, and where to.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hub restore /var/backups/gridwatch-2026-05-01T030000Z.backup --config hub.toml
  hub restore city.backup --into postgres://hub@db/gridwatch --config hub.toml

Fills an empty store and never overwrites one: stop the hub and move its file away, or make a new
database. Everyone has to sign in again. Gateways send what the backup does not know with their next
heartbeat, as far as they still keep it (7 days and more). Look at users and gateways afterwards: whom
you shut out after the backup was taken is in again.")]
pub(crate) struct RestoreArguments {
    /// The backup.
    from: PathBuf,
    /// The store to fill; that of the configuration when left out.
    #[arg(long, value_name = "URL")]
    into: Option<String>,
    #[command(flatten)]
    at: ConfigArgument,
}

pub(crate) async fn backup(arguments: &BackupArguments) -> Result<()> {
    let (loaded, store, _writer) = super::open_store(&arguments.at).await?;
    let written = backup::write(&store, &arguments.to, crate::now()).await?;
    eprintln!(
        "made  {}: {} rows, {} bytes",
        written.path.display(),
        written.rows,
        written.bytes
    );
    let files = Files::open(&loaded.config.evidence.dir)?;
    if let Some(copied) = archive::write(&store, &files, &written.path).await? {
        let path = archive::beside(&written.path);
        eprintln!(
            "made  {}: {} files, {} bytes",
            path.display(),
            copied.files,
            copied.bytes
        );
        tell_missing(&copied.missing);
    }
    Ok(())
}

/// Names the first of them; the rest is counted.
fn tell_missing(missing: &[String]) {
    for sha256 in missing.iter().take(MISSING_TOLD) {
        eprintln!("missing: the file of evidence {sha256}");
    }
    if missing.len() > MISSING_TOLD {
        eprintln!("missing: {} more files", missing.len() - MISSING_TOLD);
    }
}

pub(crate) async fn restore(arguments: &RestoreArguments) -> Result<()> {
    let config = config::load(&arguments.at.config)?.config;
    let into = match &arguments.into {
        Some(url) => StoreUrl::parse(url, &std::env::current_dir()?)
            .map_err(|error| UsageError(error.to_string()))?,
        None => config.store_url()?,
    };
    crate::certificates::make_private_dir(&config.data_dir)?;
    let restored = backup::restore(&arguments.from, &into, crate::now()).await?;
    let (store, _writer) = store::open(&into).await?;
    let files = Files::open(&config.evidence.dir)?;
    let copied = archive::restore(&store, &files, &arguments.from).await?;
    let mut seal = Seal::open(&config.data_dir)?;
    seal.sign(&store, true, crate::now()).await?;
    eprintln!(
        "restored {} rows of {} into {into}; epoch {} begins",
        restored.rows, restored.taken_at, restored.epoch
    );
    eprintln!("restored {} files of evidence", copied.files);
    tell_missing(&copied.missing);
    eprintln!(
        "next: look at `hub user list` and `hub gateway list` (whom you shut out since the backup is in again), then `hub run`"
    );
    Ok(())
}
