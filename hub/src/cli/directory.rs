//! `hub directory`: areas, sites, units and duties as files. The hub may be running.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use clap::Subcommand;

use super::{ConfigArgument, UsageError, open_store};
use crate::access::Scope;
use crate::config::Loaded;
use crate::directory::change::{self, Plan};
use crate::directory::contents::Flat;
use crate::directory::finding::{self, Finding};
use crate::directory::import::Import;
use crate::directory::{
    Area, Contact, Directory, Duty, Hazard, Site, Unit, feature, file, risk, sheet,
};
use crate::store::Store;
use crate::store::directory::ChangeRefused;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Compare files with the directory in the store and report every problem; change nothing.
    #[command(after_help = "Examples:
  hub directory check --config hub.toml
  hub directory check areas.csv outlines.geojson --config hub.toml")]
    Check {
        /// areas.toml, sites.toml, outlines.geojson, risk-areas.geojson, and areas, sites, units, duties, hazards and
        /// contacts with .csv; the files that the configuration names when left out.
        files: Vec<PathBuf>,
        #[command(flatten)]
        at: ConfigArgument,
    },
    /// Take files into the store. Each replaces its whole table; all of them or nothing.
    #[command(after_help = "Examples:
  hub directory import --config hub.toml
  hub directory import areas.csv sites.csv outlines.geojson --config hub.toml")]
    Import {
        /// As for `check`.
        files: Vec<PathBuf>,
        /// Look and tell what would change; store nothing.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        at: ConfigArgument,
    },
    /// Write the directory: CSV tables, outlines.geojson, risk-areas.geojson, areas.toml and sites.toml. Overwrites nothing.
    #[command(after_help = "Example:\n  hub directory export /tmp/directory --config hub.toml")]
    Export {
        /// Where to; made when it is not there.
        dir: PathBuf,
        #[command(flatten)]
        at: ConfigArgument,
    },
}

pub(crate) async fn run(command: Command) -> Result<()> {
    match command {
        Command::Check { files, at } => import(&files, true, &at).await,
        Command::Import { files, dry_run, at } => import(&files, dry_run, &at).await,
        Command::Export { dir, at } => export(&dir, &at).await,
    }
}

/// The directory that counts: the store's, or the files' before the hub has run for the first time.
pub(crate) async fn current(loaded: &Loaded, store: &Store) -> Result<Directory> {
    let stored = store.directory().await?;
    Ok(if stored.version() == 0 {
        Directory::new(loaded.directory.contents(), 0)
    } else {
        stored
    })
}

fn read(files: &[PathBuf], loaded: &Loaded) -> Result<(Import, Vec<Finding>)> {
    let text =
        |path: &Path| std::fs::read(path).with_context(|| format!("reading `{}`", path.display()));
    let (mut import, mut findings) = (Import::default(), Vec::new());
    let config = &loaded.config;
    let given: Vec<(&Path, String)> = if files.is_empty() {
        let areas = (config.areas.as_path(), "areas.toml".to_owned());
        vec![areas, (config.sites.as_path(), "sites.toml".to_owned())]
    } else {
        let name = |path: &Path| {
            path.file_name()
                .map(|name| name.to_string_lossy().into_owned())
        };
        let named = |path: &'_ PathBuf| name(path).unwrap_or_default();
        files
            .iter()
            .map(|path| (path.as_path(), named(path)))
            .collect()
    };
    let mut names = BTreeSet::new();
    for (path, name) in given {
        if !names.insert(name.clone()) {
            bail!(UsageError(format!(
                "two files are named {name}; give one of them"
            )));
        }
        import
            .take_file(&name, &text(path)?, &mut findings)
            .map_err(UsageError)?;
    }
    Ok((import, findings))
}

async fn import(files: &[PathBuf], dry_run: bool, at: &ConfigArgument) -> Result<()> {
    let (loaded, store, mut writer) = open_store(at).await?;
    let (import, findings) = read(files, &loaded)?;
    let stored = store.directory().await?;
    let plan = change::plan(
        &stored,
        import,
        &Scope::whole(),
        &loaded.catalogue,
        findings,
    );
    let Plan {
        directory,
        changes,
        findings,
    } = plan;
    let (shown, count) = finding::bounded(findings);
    for finding in &shown {
        let mark = if finding.is_error() { "" } else { "note: " };
        eprintln!("{mark}{finding}");
    }
    if count > shown.len() {
        eprintln!("and {} more", count - shown.len());
    }
    let errors = shown.iter().filter(|finding| finding.is_error()).count();
    if errors > 0 {
        bail!(UsageError(format!(
            "{errors} problem(s); nothing was stored"
        )));
    }
    let counts = changes.counts();
    for count in &counts {
        let (added, changed, removed) = (count.added, count.changed, count.removed);
        eprintln!(
            "{}: {added} added, {changed} changed, {removed} removed",
            count.table
        );
    }
    if counts.is_empty() {
        eprintln!("the files say what is in the store");
        return Ok(());
    }
    if dry_run {
        eprintln!("nothing was stored");
        return Ok(());
    }
    let done = writer
        .change_directory(&stored, &directory, &changes, crate::now())
        .await?;
    match done {
        Ok(version) => {
            eprintln!(
                "the directory is version {version} now; running hubs take it within a second"
            );
            Ok(())
        }
        Err(ChangeRefused::Stale(_)) => Err(anyhow!(
            "somebody else changed the directory at the same moment; try again"
        )),
        Err(ChangeRefused::InUse(uses)) => {
            for used in &uses {
                eprintln!("{used}");
            }
            let what = "what would go is in use; nothing was stored";
            Err(UsageError(what.to_owned()).into())
        }
    }
}

async fn export(dir: &Path, at: &ConfigArgument) -> Result<()> {
    let (loaded, store, _writer) = open_store(at).await?;
    let directory = current(&loaded, &store).await?;
    let contents = directory.contents();
    let outlines = contents.outlines.iter().map(|entry| {
        let area = directory.area(&entry.row.code);
        (&entry.row, area.map(|area| &area.name))
    });
    let risk_areas = risk::write(directory.risk_areas().iter());
    fn csv<T: Flat>(contents: &crate::directory::contents::Contents) -> Vec<u8> {
        sheet::write(T::list(contents).iter().map(|entry| &entry.row))
    }
    let files = [
        ("areas.csv", csv::<Area>(&contents)),
        (
            "outlines.geojson",
            feature::write(outlines).to_string().into_bytes(),
        ),
        ("sites.csv", csv::<Site>(&contents)),
        ("units.csv", csv::<Unit>(&contents)),
        ("duties.csv", csv::<Duty>(&contents)),
        ("hazards.csv", csv::<Hazard>(&contents)),
        ("contacts.csv", csv::<Contact>(&contents)),
        ("risk-areas.geojson", risk_areas.to_string().into_bytes()),
        ("areas.toml", file::write_areas(&contents).into_bytes()),
        ("sites.toml", file::write_sites(&contents).into_bytes()),
    ];
    std::fs::create_dir_all(dir).with_context(|| format!("making `{}`", dir.display()))?;
    let there = files
        .iter()
        .map(|(name, _)| dir.join(name))
        .find(|path| path.exists());
    if let Some(path) = there {
        let what = format!("`{}` exists; give another directory", path.display());
        bail!(UsageError(what));
    }
    for (name, bytes) in files {
        let path = dir.join(name);
        let write = || {
            OpenOptions::new()
                .write(true)
                .create_new(true)
                .open(&path)?
                .write_all(&bytes)
        };
        write().with_context(|| format!("writing `{}`", path.display()))?;
    }
    eprintln!(
        "version {} of the directory is in {}",
        directory.version(),
        dir.display()
    );
    Ok(())
}
