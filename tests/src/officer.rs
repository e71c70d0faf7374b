//! An officer at the hub's API, as the console is one: signs in with a password, keeps the session
//! cookie, trusts the hub's own certificate authority and no other.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use gridwatch_protocol::{Severity, Text};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::sse::LiveFeed;

/// A case as lists show it. Fields that the tests do not look at are left out.
#[derive(Debug, Clone, Deserialize)]
pub struct CaseSummary {
    /// Its id.
    pub id: i64,
    /// Its number for people.
    pub number: String,
    /// Grows with every change.
    pub version: i64,
    /// Where in its life it is.
    pub state: String,
    /// How urgent it is.
    pub severity: Severity,
    /// Code of its category.
    pub category: String,
    /// Name of its category.
    pub category_name: Text,
    /// What it is called.
    pub title: Text,
    /// What it is about.
    pub kinds: Vec<String>,
    /// The devices in it.
    pub devices: Vec<String>,
    /// Alerts in it.
    pub alert_count: u64,
}

#[derive(Debug, Deserialize)]
struct Page {
    items: Vec<CaseSummary>,
    next: Option<Value>,
}

/// A signed-in officer.
#[derive(Debug, Clone)]
pub struct Officer {
    client: reqwest::Client,
    base: String,
    cookie: String,
}

impl Officer {
    /// Signs in at the hub with this address, whose certificate must come from the authority `ca_pem`.
    ///
    /// # Errors
    /// When the hub is not there, is another one, or refuses.
    pub async fn sign_in(base: &str, ca_pem: &str, username: &str, password: &str) -> Result<Self> {
        let client = client(ca_pem)?;
        let response = client
            .post(format!("{base}/api/v1/session"))
            .header("X-Gridwatch-Request", "1")
            .json(&json!({"username": username, "password": password}))
            .send()
            .await
            .context("signing in")?;
        let response = expect_success(response).await?;
        let cookies = response.headers().get_all(reqwest::header::SET_COOKIE);
        let cookie = cookies
            .iter()
            .filter_map(|value| value.to_str().ok())
            .find(|value| value.contains("gw_session="))
            .and_then(|value| value.split(';').next())
            .context("the hub set no session cookie")?
            .to_owned();
        Ok(Self {
            client,
            base: format!("{base}/api/v1"),
            cookie,
        })
    }

    /// The cases in a state: `open`, `ended` or `all`; all pages.
    ///
    /// # Errors
    /// When the hub does not answer as its contract says.
    pub async fn cases(&self, state: &str) -> Result<Vec<CaseSummary>> {
        let mut cases = Vec::new();
        let mut after = String::new();
        loop {
            let page = self
                .get(&format!("/cases?state={state}&limit=200{after}"))
                .await?;
            let page: Page = serde_json::from_value(page).context("reading a page of cases")?;
            cases.extend(page.items);
            match page.next {
                None | Some(Value::Null) => return Ok(cases),
                Some(Value::String(next)) => after = format!("&after={next}"),
                Some(next) => after = format!("&after={next}"),
            }
        }
    }

    /// How many cases each device is in, over all states. A device in two cases that should be in one
    /// has a second case.
    ///
    /// # Errors
    /// When the hub does not answer as its contract says.
    pub async fn cases_by_device(&self) -> Result<BTreeMap<String, usize>> {
        let mut counts = BTreeMap::new();
        for case in self.cases("all").await? {
            for device in case.devices {
                *counts.entry(device).or_insert(0) += 1;
            }
        }
        Ok(counts)
    }

    /// One case with everything.
    ///
    /// # Errors
    /// When there is none.
    pub async fn case(&self, id: i64) -> Result<Value> {
        self.get(&format!("/cases/{id}")).await
    }

    /// Acts on a case.
    ///
    /// # Errors
    /// When the hub refuses; says how.
    pub async fn act(&self, case: &CaseSummary, action: &str, reason: &str) -> Result<Value> {
        let path = format!("/cases/{}/actions", case.id);
        let body = json!({"action": action, "reason": reason, "version": case.version});
        let request = self.request(Method::POST, &path).json(&body);
        let response = request.send().await.context("acting on a case")?;
        Ok(expect_success(response).await?.json().await?)
    }

    /// What the hub knows of a gateway.
    ///
    /// # Errors
    /// When it does not know it.
    pub async fn gateway(&self, id: &str) -> Result<Value> {
        let gateways = self.get("/gateways").await?;
        let items = gateways["items"]
            .as_array()
            .context("no list of gateways")?;
        let found = items.iter().find(|gateway| gateway["id"] == id);
        found
            .cloned()
            .with_context(|| format!("the hub does not know gateway {id}"))
    }

    /// A `GET` below `/api/v1`.
    ///
    /// # Errors
    /// When the hub answers with anything but success.
    pub async fn get(&self, path: &str) -> Result<Value> {
        let request = self
            .request(Method::GET, path)
            .timeout(Duration::from_secs(20));
        let response = request
            .send()
            .await
            .with_context(|| format!("GET {path}"))?;
        Ok(expect_success(response).await?.json().await?)
    }

    /// Opens the live feed after an event's number; `None`: from now on.
    ///
    /// # Errors
    /// When the hub refuses.
    pub async fn live(&self, after: Option<u64>) -> Result<LiveFeed> {
        let path = after.map_or("/events".to_owned(), |after| {
            format!("/events?after={after}")
        });
        let response = self.request(Method::GET, &path).send().await;
        let response = expect_success(response.context("opening the live feed")?).await?;
        let mut feed = LiveFeed::read(response);
        let hello = feed.next(Duration::from_secs(10)).await?;
        if hello.name != "hello" {
            bail!("the first event of a feed is `{}`, not `hello`", hello.name);
        }
        Ok(feed)
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.base))
            .header(reqwest::header::COOKIE, &self.cookie)
            .header("X-Gridwatch-Request", "1")
    }
}

/// A client that trusts one certificate authority; none when `ca_pem` is empty (plain HTTP).
///
/// # Errors
/// When `ca_pem` is no certificate.
pub fn client(ca_pem: &str) -> Result<reqwest::Client> {
    // Fails only when it was done before, and that is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
    let trusted = if ca_pem.is_empty() {
        Vec::new()
    } else {
        vec![reqwest::Certificate::from_pem(ca_pem.as_bytes()).context("reading the authority")?]
    };
    reqwest::Client::builder()
        .tls_certs_only(trusted)
        .no_proxy()
        .connect_timeout(Duration::from_secs(5))
        .build()
        .context("building the client")
}

async fn expect_success(response: Response) -> Result<Response> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let url = response.url().clone();
    let body = response.text().await.unwrap_or_default();
    if status == StatusCode::UNAUTHORIZED {
        bail!("not signed in: {url}: {body}");
    }
    bail!("{url} answered {status}: {body}");
}
