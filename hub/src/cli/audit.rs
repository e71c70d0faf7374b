//! `hub audit`.

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

Compares with the heads that the hub signed into audit-heads.jsonl in its data directory. The hub may be
running. Exit code 0: nothing is wrong; 70: something is, told line by line."
    )]
    Verify {
        #[command(flatten)]
        at: ConfigArgument,
    },
}

pub(crate) async fn run(command: &Command) -> Result<()> {
    let Command::Verify { at } = command;
    let (loaded, store, _writer) = open_store(at).await?;
    let report = seal::verify(&store, &loaded.config.data_dir).await?;
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
