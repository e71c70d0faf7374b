//! `hub roster`.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Subcommand;

use super::{ConfigArgument, UsageError, open_store};
use crate::config::{self, Loaded};
use crate::roster::duty::Local;
use crate::roster::model::Roster;
use crate::roster::tasks::{Against, Saved};
use crate::roster::timeline::gaps;

/// Gaps are told so many days ahead.
const GAP_DAYS: i64 = 14;
/// A roster file is at most this long, in bytes: a thousand changes are a tenth of it.
const FILE_MAX: u64 = 4 * 1024 * 1024;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check a roster file against areas and calendar; report every problem, touch nothing.
    #[command(after_help = "Example:\n  hub roster check roster.toml --config hub.toml")]
    Check {
        /// The file; configs/roster.example.toml shows one.
        file: PathBuf,
        #[command(flatten)]
        at: ConfigArgument,
    },
    /// Check a roster file and put it in the place of its area's roster. A running hub goes by it at once.
    #[command(after_help = "Example:\n  hub roster import roster.toml --config hub.toml")]
    Import {
        /// The file.
        file: PathBuf,
        #[command(flatten)]
        at: ConfigArgument,
    },
}

pub(crate) async fn run(command: Command) -> Result<()> {
    match command {
        Command::Check { file, at } => {
            let loaded = config::load(&at.config)?;
            let roster = read(&file)?;
            let problems = against(&loaded).problems(&roster);
            if !problems.is_empty() {
                return Err(wrong(&file, &problems));
            }
            eprintln!("{}: no problems found", file.display());
            tell_gaps(&roster, &loaded);
            Ok(())
        }
        Command::Import { file, at } => {
            let roster = read(&file)?;
            let (loaded, _, mut writer) = open_store(&at).await?;
            let saved = writer
                .import_roster(against(&loaded), &roster, crate::now())
                .await?;
            match saved {
                Saved::Done(kept) => {
                    let version = kept.map_or(0, |kept| kept.version);
                    eprintln!("the roster of {} is at version {version}", roster.area);
                    tell_gaps(&roster, &loaded);
                    Ok(())
                }
                Saved::Wrong(problems) => Err(wrong(&file, &problems)),
                Saved::Stale(_) => {
                    Err(UsageError("the roster was changed meanwhile".into()).into())
                }
            }
        }
    }
}

fn read(file: &Path) -> Result<Roster> {
    let at = file.display();
    let cannot = |why: String| UsageError(format!("`{at}` cannot be read: {why}"));
    let size = std::fs::metadata(file).map_err(|why| cannot(why.to_string()))?;
    if size.len() > FILE_MAX {
        return Err(cannot(format!("it is longer than {FILE_MAX} bytes")).into());
    }
    let text = std::fs::read_to_string(file).map_err(|why| cannot(why.to_string()))?;
    Ok(Roster::from_toml(&text).map_err(|problem| UsageError(format!("`{at}`: {problem}")))?)
}

fn against(loaded: &Loaded) -> Against<'_> {
    Against {
        directory: &loaded.directory,
        calendar: &loaded.calendar,
        utc_offset_minutes: loaded.config.utc_offset_minutes,
    }
}

fn wrong(file: &Path, problems: &[String]) -> anyhow::Error {
    let (count, at) = (problems.len(), file.display());
    let told = problems.join("\n  ");
    UsageError(format!("{count} problem(s) in `{at}`:\n  {told}")).into()
}

/// A gap is no mistake, but nobody should find it out at night.
fn tell_gaps(roster: &Roster, loaded: &Loaded) {
    let gone = std::collections::BTreeSet::new();
    let local = Local {
        calendar: &loaded.calendar,
        utc_offset_minutes: loaded.config.utc_offset_minutes,
        gone: &gone,
    };
    let now = crate::now();
    for gap in gaps(roster, &local, now, now.plus_ms(GAP_DAYS * 86_400_000)) {
        eprintln!("nobody is on duty from {} until {}", gap.from, gap.until);
    }
}
