//! `hub notify`.

use anyhow::{Result, bail};
use clap::Subcommand;

use super::{ConfigArgument, UsageError, open_store};
use crate::notify::send::Outcome;
use crate::notify::worker;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Send a message, marked as a test, through a channel, and print what its provider answers. It
    /// counts against the quota and leaves a receipt.
    #[command(after_help = "Example:\n  hub notify test duty-room --config hub.toml")]
    Test {
        /// Name of the channel in the configuration.
        channel: String,
        #[command(flatten)]
        at: ConfigArgument,
    },
}

pub(crate) async fn run(command: Command) -> Result<()> {
    let Command::Test { channel, at } = command;
    test(&channel, &at).await
}

async fn test(name: &str, at: &ConfigArgument) -> Result<()> {
    let (loaded, _, mut writer) = open_store(at).await?;
    let config = &loaded.config;
    let mut notify = config.notify.clone();
    notify.channels.retain(|channel| channel.name == name);
    if notify.channels.is_empty() {
        let names: Vec<&str> = config
            .notify
            .channels
            .iter()
            .map(|channel| channel.name.as_str())
            .collect();
        let known = if names.is_empty() {
            "the configuration has none".to_owned()
        } else {
            format!("channels are {}", names.join(", "))
        };
        bail!(UsageError(format!("there is no channel `{name}`; {known}")));
    }
    let open = worker::open_channels(&notify, &config.public_url, config.utc_offset_minutes)
        .map_err(|problems| UsageError(problems.join("\n")))?;
    let mut failed = 0;
    for open in &open {
        for (recipient, outcome) in worker::test(&mut writer, open, crate::now()).await? {
            let to = if recipient.is_empty() {
                name
            } else {
                &recipient
            };
            failed += usize::from(!tell(to, outcome.as_ref()));
        }
    }
    if failed > 0 {
        bail!("{failed} test message(s) did not go through");
    }
    Ok(())
}

/// Prints an outcome; whether it is a delivery.
fn tell(to: &str, outcome: Option<&Outcome>) -> bool {
    match outcome {
        Some(Outcome::Delivered { answer }) => {
            println!("{to}: delivered: {answer}");
            return true;
        }
        Some(Outcome::Limited { answer, .. }) => {
            println!(
                "{to}: the provider says that there were too many; it goes out later: {answer}"
            );
        }
        Some(Outcome::Failed { error, answer, .. }) => {
            println!("{to}: failed: {error}: {answer}");
        }
        Some(Outcome::Refused { error, answer }) => {
            println!("{to}: refused: {error}: {answer}");
        }
        None => println!("{to}: the quota of the channel has no room now; try again in a minute"),
    }
    false
}
