//! `hub gateway`.

use anyhow::{Context, Result, bail};
use clap::Subcommand;
use gridwatch_protocol::{GatewayId, SiteId};

use super::{ConfigArgument, UsageError, directory, open_store};
use crate::access::Scope;
use crate::certificates::Files;
use crate::config::Config;
use crate::secrets;
use crate::store::gateways::GatewayRow;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Add a gateway and print its join file, which the edge agent takes. The key is shown only now.
    #[command(after_help = "Example:
  hub gateway add gw-1 --site xinghe-garden --config hub.toml --url https://hub.example:8443 > gw-1.join.toml")]
    Add {
        /// Id of the gateway: letters, digits, `-`, `_` and `.`
        id: String,
        /// Id of the site that it watches.
        #[arg(long)]
        site: String,
        /// Address under which the gateway reaches the hub; `public_url` of the configuration, or
        /// the address that the hub listens on, when left out.
        #[arg(long, value_name = "URL")]
        url: Option<String>,
        #[command(flatten)]
        at: ConfigArgument,
    },
    /// List gateways.
    #[command(after_help = "Example:\n  hub gateway list --config hub.toml")]
    List {
        #[command(flatten)]
        at: ConfigArgument,
    },
    /// Take away a gateway's key, at once and for good. Its alerts and cases stay.
    #[command(after_help = "Example:\n  hub gateway revoke gw-1 --config hub.toml")]
    Revoke {
        /// Id of the gateway.
        id: String,
        #[command(flatten)]
        at: ConfigArgument,
    },
}

/// The join file.
#[derive(serde::Serialize)]
struct JoinFile<'a> {
    hub: Join<'a>,
}

#[derive(serde::Serialize)]
struct Join<'a> {
    url: &'a str,
    gateway: &'a str,
    site: &'a str,
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ca: Option<&'a str>,
}

pub(crate) async fn run(command: Command) -> Result<()> {
    match command {
        Command::Add { id, site, url, at } => add(&id, &site, url, &at).await,
        Command::List { at } => list(&at).await,
        Command::Revoke { id, at } => {
            let id = gateway_id(&id)?;
            let (_, _, mut writer) = open_store(&at).await?;
            if !writer.revoke_gateway(&id, crate::now()).await? {
                return Err(UsageError(format!("there is no gateway `{id}` with a key")).into());
            }
            writer
                .audit("gateway_revoked", id.as_str(), crate::now())
                .await?;
            eprintln!("the key of gateway {id} is revoked");
            Ok(())
        }
    }
}

async fn add(id: &str, site: &str, url: Option<String>, at: &ConfigArgument) -> Result<()> {
    let id = gateway_id(id)?;
    let site = SiteId::new(site).map_err(|error| UsageError(error.to_string()))?;
    let (loaded, store, mut writer) = open_store(at).await?;
    let url = url.map_or_else(|| default_url(&loaded.config), Ok)?;
    check_url(&url)?;
    let ca = authority(&loaded.config, &url)?;
    if store.gateway(id.as_str(), &Scope::whole()).await?.is_some() {
        return Err(UsageError(format!(
            "gateway `{id}` exists; ids are not used twice, choose another one"
        ))
        .into());
    }
    if directory::current(&loaded, &store)
        .await?
        .site(&site)
        .is_none()
    {
        eprintln!(
            "note: site `{site}` is not in the directory; its cases will be shown without a grid"
        );
    }
    let key = secrets::random_token();
    let row = GatewayRow {
        id: id.clone(),
        site: site.clone(),
        key_hash: secrets::token_hash(&key),
        added_at: crate::now(),
        revoked_at: None,
    };
    writer.add_gateway(&row).await?;
    writer
        .audit("gateway_added", id.as_str(), crate::now())
        .await?;
    let join = Join {
        url: url.trim_end_matches('/'),
        gateway: id.as_str(),
        site: site.as_str(),
        key: &key,
        ca: ca.as_deref(),
    };
    let text = toml::to_string(&JoinFile { hub: join }).context("writing the join file")?;
    println!("# Join file of gateway {id}: keep it secret, it holds the gateway's key.\n{text}");
    Ok(())
}

async fn list(at: &ConfigArgument) -> Result<()> {
    let (_, store, _writer) = open_store(at).await?;
    for row in store.gateways(&Scope::whole()).await? {
        let state = store.gateway_status(&row.id).await?;
        let heard = state
            .and_then(|s| s.last_heartbeat_at)
            .map_or("never heard".to_owned(), |at| format!("heard {at}"));
        let revoked = row
            .revoked_at
            .map_or(String::new(), |at| format!("  revoked {at}"));
        println!(
            "{}  site {}  added {}  {heard}{revoked}",
            row.id, row.site, row.added_at
        );
    }
    Ok(())
}

fn gateway_id(text: &str) -> Result<GatewayId> {
    GatewayId::new(text).map_err(|error| UsageError(error.to_string()).into())
}

pub(super) fn default_url(config: &Config) -> Result<String> {
    if !config.public_url.is_empty() {
        return Ok(config.public_url.clone());
    }
    let scheme = if config.tls { "https" } else { "http" };
    if config.listen.port() == 0 || config.listen.ip().is_unspecified() {
        bail!(UsageError(format!(
            "`listen` = {} does not say how gateways reach the hub; give --url or set `public_url`",
            config.listen
        )));
    }
    Ok(format!("{scheme}://{}", config.listen))
}

pub(super) fn check_url(url: &str) -> Result<()> {
    if url.starts_with("https://") || url.starts_with("http://") {
        return Ok(());
    }
    bail!(UsageError(format!(
        "`{url}` is not an address such as https://hub.example:8443"
    )))
}

/// The authority that the gateway pins; none on plain HTTP.
pub(super) fn authority(config: &Config, url: &str) -> Result<Option<String>> {
    if !url.starts_with("https://") {
        return Ok(None);
    }
    let path = Files::in_dir(&config.data_dir).ca;
    std::fs::read_to_string(&path)
        .map(Some)
        .with_context(|| format!("reading `{}`; `hub init` makes it", path.display()))
}
