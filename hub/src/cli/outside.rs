//! `hub outside`.

use anyhow::Result;
use clap::Subcommand;

use super::{ConfigArgument, UsageError, open_store};
use crate::outside::keys::{self, Kind, NewKey};
use crate::secrets;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Add, list and revoke keys of other systems.
    #[command(subcommand)]
    Key(KeyCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Add a key and print it. It is shown only now.
    #[command(
        after_help = "Example:\n  hub outside key add hotline --kind open311 --area 990101 --config hub.toml"
    )]
    Add {
        /// Its name: letters, digits, `-` and `_`. A name is not used twice.
        name: String,
        /// The door that it opens.
        #[arg(long)]
        kind: Kind,
        /// Code of the area that it is for, with everything below it; everywhere when left out.
        #[arg(long, value_name = "CODE")]
        area: Option<String>,
        /// Requests that it may send in a minute.
        #[arg(long, value_name = "N", default_value_t = keys::PER_MINUTE, value_parser = clap::value_parser!(u32).range(1..))]
        per_minute: u32,
        #[command(flatten)]
        at: ConfigArgument,
    },
    /// List keys.
    #[command(after_help = "Example:\n  hub outside key list --config hub.toml")]
    List {
        #[command(flatten)]
        at: ConfigArgument,
    },
    /// Take away a key, at once and for good. What came with it stays.
    #[command(after_help = "Example:\n  hub outside key revoke hotline --config hub.toml")]
    Revoke {
        /// Its name.
        name: String,
        #[command(flatten)]
        at: ConfigArgument,
    },
}

pub(crate) async fn run(command: Command) -> Result<()> {
    let Command::Key(command) = command;
    match command {
        KeyCommand::Add {
            name,
            kind,
            area,
            per_minute,
            at,
        } => add(&name, kind, area.as_deref(), per_minute, &at).await,
        KeyCommand::List { at } => list(&at).await,
        KeyCommand::Revoke { name, at } => revoke(&name, &at).await,
    }
}

async fn add(
    name: &str,
    kind: Kind,
    area: Option<&str>,
    per_minute: u32,
    at: &ConfigArgument,
) -> Result<()> {
    if let Some(problem) = keys::name_problem(name) {
        return Err(UsageError(problem).into());
    }
    let (loaded, store, mut writer) = open_store(at).await?;
    if let Some(area) = area.filter(|area| loaded.directory.area(area).is_none()) {
        return Err(UsageError(format!("there is no area `{area}`")).into());
    }
    if store
        .outside_keys()
        .await?
        .iter()
        .any(|key| key.name == name)
    {
        return Err(UsageError(format!(
            "a key `{name}` exists; names are not used twice, choose another one"
        ))
        .into());
    }
    let outside = &loaded.config.outside;
    let open = match kind {
        Kind::Open311 => outside.open311.enabled,
        Kind::Pagerduty => outside.pagerduty.enabled,
        Kind::Alertmanager => outside.alertmanager.enabled,
    };
    if !open {
        let door = kind.as_str();
        eprintln!("note: this door is shut; set `enabled = true` in [outside.{door}]");
    }
    let key = secrets::random_token();
    let new = NewKey {
        name,
        kind,
        area,
        per_minute,
        hash: &secrets::token_hash(&key),
    };
    let now = crate::now();
    writer.add_outside_key(&new, now).await?;
    writer.audit("outside_key_added", name, now).await?;
    eprintln!("key `{name}`; it is shown only now:");
    println!("{key}");
    Ok(())
}

async fn list(at: &ConfigArgument) -> Result<()> {
    let (_, store, _writer) = open_store(at).await?;
    for key in store.outside_keys().await? {
        let kind = key.kind.map_or("unknown", Kind::as_str);
        let area = key.area.as_deref().unwrap_or("everywhere");
        let revoked = key
            .revoked_at
            .map_or(String::new(), |at| format!("  revoked {at}"));
        println!(
            "{}  {kind}  {area}  {} a minute  added {}{revoked}",
            key.name, key.per_minute, key.added_at
        );
    }
    Ok(())
}

async fn revoke(name: &str, at: &ConfigArgument) -> Result<()> {
    let (_, _, mut writer) = open_store(at).await?;
    let now = crate::now();
    if !writer.revoke_outside_key(name, now).await? {
        return Err(UsageError(format!("there is no key `{name}` that works")).into());
    }
    writer.audit("outside_key_revoked", name, now).await?;
    eprintln!("the key `{name}` is revoked");
    Ok(())
}
