//! `hub child` and `hub parent`.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Subcommand;
use gridwatch_protocol::HubId;
use serde::{Deserialize, Serialize};

use super::gateway::{authority, check_url, default_url};
use super::{ConfigArgument, UsageError, open_store};
use crate::certificates::write_new;
use crate::parent::children::rows::ChildRow;
use crate::secrets;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Add a child hub and print its join file, which `hub parent join` takes there. The key is shown
    /// only now.
    #[command(after_help = "Example:
  hub child add donghu --area 990101 --name 东湖区 --config hub.toml --url https://city.example:8443 > donghu.join.toml")]
    Add {
        /// Id of the child: letters, digits, `-`, `_` and `.`
        id: String,
        /// Code of the area that it stands for: its cases are seen by officers of that area.
        #[arg(long)]
        area: String,
        /// Its name; that of the area when left out.
        #[arg(long)]
        name: Option<String>,
        /// Address under which the child reaches this hub; `public_url` of the configuration, or the
        /// address that the hub listens on, when left out.
        #[arg(long, value_name = "URL")]
        url: Option<String>,
        #[command(flatten)]
        at: ConfigArgument,
    },
    /// List child hubs.
    #[command(after_help = "Example:\n  hub child list --config hub.toml")]
    List {
        #[command(flatten)]
        at: ConfigArgument,
    },
    /// Take away a child's key, at once and for good. What it told stays.
    #[command(after_help = "Example:\n  hub child revoke donghu --config hub.toml")]
    Revoke {
        /// Id of the child.
        id: String,
        #[command(flatten)]
        at: ConfigArgument,
    },
    /// Say that somebody has looked at the warning about a child's signed heads. The key that it signs
    /// with next counts from then on.
    #[command(after_help = "Example:\n  hub child accept-audit donghu --config hub.toml")]
    AcceptAudit {
        /// Id of the child.
        id: String,
        #[command(flatten)]
        at: ConfigArgument,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ParentCommand {
    /// Take the join file that `hub child add` printed at the parent: keeps key and authority in the data
    /// directory and prints the section that hub.toml needs.
    #[command(after_help = "Example:\n  hub parent join donghu.join.toml --config hub.toml")]
    Join {
        /// The join file.
        file: PathBuf,
        #[command(flatten)]
        at: ConfigArgument,
    },
}

/// The join file.
#[derive(Debug, Serialize, Deserialize)]
struct JoinFile {
    parent: Join,
}

#[derive(Debug, Serialize, Deserialize)]
struct Join {
    url: String,
    hub: String,
    key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ca: Option<String>,
}

/// What is printed for hub.toml.
#[derive(Debug, Serialize)]
struct Printed<'a> {
    parent: Section<'a>,
}

#[derive(Debug, Serialize)]
struct Section<'a> {
    url: &'a str,
    hub: &'a str,
    key_file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ca_file: Option<String>,
}

pub(crate) async fn run(command: Command) -> Result<()> {
    match command {
        Command::Add {
            id,
            area,
            name,
            url,
            at,
        } => add(&id, &area, name, url, &at).await,
        Command::List { at } => list(&at).await,
        Command::Revoke { id, at } => {
            let id = hub_id(&id)?;
            let (_, _, mut writer) = open_store(&at).await?;
            if !writer.revoke_child_hub(&id, crate::now()).await? {
                bail!(UsageError(format!(
                    "there is no child hub `{id}` with a key"
                )));
            }
            eprintln!("the key of child hub {id} is revoked");
            Ok(())
        }
        Command::AcceptAudit { id, at } => {
            let id = hub_id(&id)?;
            let (_, _, mut writer) = open_store(&at).await?;
            if !writer.accept_child_audit(&id, crate::now()).await? {
                bail!(UsageError(format!("there is no child hub `{id}`")));
            }
            eprintln!("the warning about child hub {id} is taken back");
            Ok(())
        }
    }
}

async fn add(
    id: &str,
    area: &str,
    name: Option<String>,
    url: Option<String>,
    at: &ConfigArgument,
) -> Result<()> {
    let id = hub_id(id)?;
    let (loaded, store, mut writer) = open_store(at).await?;
    let url = url.map_or_else(|| default_url(&loaded.config), Ok)?;
    check_url(&url)?;
    let ca = authority(&loaded.config, &url)?;
    if store.child_hubs().await?.iter().any(|child| child.id == id) {
        bail!(UsageError(format!(
            "child hub `{id}` exists; ids are not used twice, choose another one"
        )));
    }
    let Some(found) = loaded.directory.area(area) else {
        bail!(UsageError(format!(
            "`{area}` is not the code of an area in `{}`",
            loaded.config.areas.display()
        )));
    };
    let key = secrets::random_token();
    let row = ChildRow {
        id: id.clone(),
        name: name.unwrap_or_else(|| found.name.zh.clone()),
        area: area.to_owned(),
        area_path: loaded.directory.area_path(area),
        key_hash: secrets::token_hash(&key),
        added_at: crate::now(),
        revoked_at: None,
    };
    writer.add_child_hub(&row).await?;
    let join = JoinFile {
        parent: Join {
            url: url.trim_end_matches('/').to_owned(),
            hub: id.to_string(),
            key,
            ca,
        },
    };
    let text = toml::to_string(&join).context("writing the join file")?;
    println!("# Join file of child hub {id}: keep it secret, it holds the hub's key.\n{text}");
    Ok(())
}

async fn list(at: &ConfigArgument) -> Result<()> {
    let (_, store, _writer) = open_store(at).await?;
    for child in store.children(&crate::access::Scope::whole()).await? {
        let heard = child
            .last_heartbeat_at
            .map_or("never heard".to_owned(), |at| format!("heard {at}"));
        let revoked = child
            .revoked_at
            .map_or(String::new(), |at| format!("  revoked {at}"));
        let problem = child
            .audit_problem
            .map_or(String::new(), |problem| format!("  AUDIT: {problem}"));
        println!(
            "{}  {}  area {}  {heard}{revoked}{problem}",
            child.id, child.name, child.area
        );
    }
    Ok(())
}

pub(crate) fn parent(command: &ParentCommand) -> Result<()> {
    let ParentCommand::Join { file, at } = command;
    let config = crate::config::load(&at.config)?.config;
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("reading the join file `{}`", file.display()))?;
    let JoinFile { parent } = toml::from_str(&text).map_err(|error| {
        UsageError(format!(
            "`{}` is not a join file of `hub child add`: {error}",
            file.display()
        ))
    })?;
    crate::certificates::make_private_dir(&config.data_dir)?;
    let key = config.data_dir.join("parent.key");
    write_new(&key, &format!("{}\n", parent.key), 0o600)?;
    eprintln!("made  {}", key.display());
    let mut ca_file = None;
    if let Some(pem) = &parent.ca {
        let path = config.data_dir.join("parent-ca.pem");
        write_new(&path, pem, 0o644)?;
        eprintln!("made  {}", path.display());
        ca_file = Some(std::path::absolute(path)?.display().to_string());
    }
    let printed = Printed {
        parent: Section {
            url: &parent.url,
            hub: &parent.hub,
            key_file: std::path::absolute(key)?.display().to_string(),
            ca_file,
        },
    };
    eprintln!(
        "next: set these in [parent] of {} (a parent in the own network must also stand in `notify.allow_hosts`), then `hub check`, then restart the hub",
        at.config.display()
    );
    println!(
        "{}",
        toml::to_string(&printed).context("writing the section")?
    );
    Ok(())
}

fn hub_id(text: &str) -> Result<HubId> {
    HubId::new(text).map_err(|error| UsageError(error.to_string()).into())
}
