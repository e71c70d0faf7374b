//! `hub audit`.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Subcommand;

use super::{ConfigArgument, open_store};
use crate::store::seal;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Read audit and case histories from their first row to their last and say which rows were
    /// changed, taken out, swapped or cut off.
    #[command(
        after_help = "Example:\n  hub audit verify --config /var/lib/gridwatch/hub.toml
  hub audit verify --heads donghu-heads.json --config /var/lib/gridwatch/hub.toml

Compares with the heads that the hub signed into audit-heads.jsonl in its data directory, and with those
that its parent hub holds when they are given: what GET /api/v1/children/HUB/heads of the parent answers,
one page after the other in one file. Only they show a cut tail when the whole machine was replaced. The hub may be
running. Exit code 0: nothing is wrong; 70: something is, told line by line."
    )]
    Verify {
        /// Heads that the parent hub holds.
        #[arg(long, value_name = "FILE")]
        heads: Option<PathBuf>,
        #[command(flatten)]
        at: ConfigArgument,
    },
}

pub(crate) async fn run(command: &Command) -> Result<()> {
    let Command::Verify { heads, at } = command;
    let (loaded, store, _writer) = open_store(at).await?;
    let report = seal::verify_with(&store, &loaded.config.data_dir, heads.as_deref()).await?;
    for (chain, links) in &report.links {
        println!("{}: {links} links", chain.name());
    }
    println!("{} signed heads", report.heads);
    for note in &report.notes {
        println!("note: {note}");
    }
    for problem in &report.problems {
        println!("wrong: {problem}");
    }
    if !report.problems.is_empty() {
        bail!(
            "{} problem(s) found in {}",
            report.problems.len(),
            store.url()
        );
    }
    println!("nothing was changed");
    Ok(())
}
