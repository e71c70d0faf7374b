//! From sending an alert over HTTP to its case on an open live feed, with a whole hub on real sockets.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use gridwatch_protocol::{GatewayId, SiteId};
use hub::cases::{Actor, Role};
use hub::secrets;
use hub::store::accounts::UserRow;
use hub::store::gateways::GatewayRow;
use reqwest::{Client, Response};
use serde_json::json;

use crate::{alerts_of, percentiles};

/// Alerts, one after the other.
const ALERTS: u64 = 1_000;
const PASSWORD: &str = "only for this measurement";

/// Runs a hub in a directory of its own; prints p50 and p99 of accepted and of visible.
pub(crate) async fn measure(dir: &Path) -> Result<()> {
    for (name, text) in hub::config::DEFAULT_FILES {
        std::fs::write(dir.join(name), text)?;
    }
    let path = dir.join("hub.toml");
    std::fs::write(&path, "listen = \"127.0.0.1:0\"\ntls = false\n")?;
    let loaded = hub::config::load(&path)?;
    let key = populate(&loaded.config).await?;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let (ready, listening) = tokio::sync::oneshot::channel();
    let hub = tokio::spawn(hub::hub::run(
        loaded,
        async { drop(stopped.await) },
        |address| ready.send(address).expect("the measurement waits for it"),
    ));
    let base = format!("http://{}", listening.await?);
    let client = Client::builder().no_proxy().build()?;
    let mut feed = Feed::open(&client, &base).await?;
    let (mut accepted, mut visible) = (Vec::new(), Vec::new());
    for n in 1..=ALERTS {
        let body = serde_json::to_vec(&alerts_of("gw-http", n, 1)?)?;
        let sent = Instant::now();
        let request = client.post(format!("{base}/v1/batches")).bearer_auth(&key);
        let answer = request.body(body).send().await?;
        ensure!(answer.status().is_success(), "the batch was refused");
        answer.bytes().await?;
        accepted.push(sent.elapsed());
        feed.until(&format!("door-{n}\"")).await?;
        visible.push(sent.elapsed());
    }
    println!("over HTTP, sent to accepted: {}", percentiles(accepted));
    println!(
        "over HTTP, sent to shown by the live feed: {}",
        percentiles(visible)
    );
    drop(feed);
    drop(stop);
    hub.await?
}

async fn populate(config: &hub::config::Config) -> Result<String> {
    hub::certificates::make_private_dir(&config.data_dir)?;
    let (_, mut writer) = hub::store::open(&config.store_url()?).await?;
    let actor = Actor {
        username: "duty".into(),
        display_name: "duty".into(),
        role: Role::DutyOfficer,
        unit: None,
    };
    let user = UserRow {
        actor,
        password_hash: secrets::password_hash(PASSWORD),
        language: None,
        area: None,
        created_at: hub::now(),
        disabled_at: None,
    };
    writer.add_user(&user).await?;
    let key = secrets::random_token();
    let gateway = GatewayRow {
        id: GatewayId::new("gw-http")?,
        site: SiteId::new("xinghe-garden")?,
        key_hash: secrets::token_hash(&key),
        added_at: hub::now(),
        revoked_at: None,
    };
    writer.add_gateway(&gateway).await?;
    Ok(key)
}

struct Feed {
    response: Response,
    bytes: Vec<u8>,
}

impl Feed {
    async fn open(client: &Client, base: &str) -> Result<Self> {
        let signed_in = client
            .post(format!("{base}/api/v1/session"))
            .header("x-gridwatch-request", "1")
            .json(&json!({ "username": "duty", "password": PASSWORD }))
            .send()
            .await?;
        let cookie = signed_in.headers().get("set-cookie").context("a cookie")?;
        let cookie = cookie
            .to_str()?
            .split(';')
            .next()
            .unwrap_or_default()
            .to_owned();
        let request = client.get(format!("{base}/api/v1/events"));
        let response = request.header("cookie", cookie).send().await?;
        ensure!(response.status().is_success(), "the live feed was refused");
        Ok(Self {
            response,
            bytes: Vec::new(),
        })
    }

    /// Reads until a message has this text in it.
    async fn until(&mut self, text: &str) -> Result<()> {
        let wanted = text.as_bytes();
        loop {
            if let Some(end) = self.bytes.windows(2).position(|pair| pair == b"\n\n") {
                let message: Vec<u8> = self.bytes.drain(..end + 2).collect();
                if message.windows(wanted.len()).any(|part| part == wanted) {
                    return Ok(());
                }
                continue;
            }
            let chunk = tokio::time::timeout(Duration::from_secs(20), self.response.chunk());
            let chunk = chunk.await.context("nothing came on the feed in 20 s")??;
            self.bytes
                .extend_from_slice(&chunk.context("the feed has ended")?);
        }
    }
}
