//! Requests to the parent: guarded, over TLS with the parent's own authority, everything bounded.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use gridwatch_protocol::{HubId, UPWARD_WAIT_S_MAX};
use reqwest::{Client, StatusCode, Url, redirect};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::state::LinkFault;
use crate::notify::guard::Guard;
use crate::notify::secret::{Secret, Source};
use crate::parent::config::ParentSettings;

/// A connection is given up after this long.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A request is given up after this long, beside what the parent may hold a heartbeat for.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15 + UPWARD_WAIT_S_MAX as u64);
/// An answer is at most this long: 200 receipts or 50 commands are far shorter.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// Why a request came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    /// The parent said no: trying the same again soon is of no use.
    #[error("the parent refused with {status}: {detail}")]
    Refused {
        /// Its status.
        status: StatusCode,
        /// What it said.
        detail: String,
    },
    /// The line, or the parent is busy: again later.
    #[error("{detail}")]
    Broken {
        /// What kind of trouble it is.
        why: LinkFault,
        /// What went wrong.
        detail: String,
    },
}

impl NoAnswer {
    /// A broken line.
    #[must_use]
    pub fn broken(why: LinkFault, detail: impl Into<String>) -> Self {
        Self::Broken {
            why,
            detail: detail.into(),
        }
    }
}

/// What kind of trouble a request had, as far as its errors tell.
fn trouble(error: &reqwest::Error, chain: &str) -> LinkFault {
    let lower = chain.to_lowercase();
    if error.is_timeout() {
        LinkFault::Timeout
    } else if lower.contains("dns error") {
        LinkFault::Name
    } else if lower.contains("certificate") {
        LinkFault::Certificate
    } else {
        LinkFault::Unreachable
    }
}

/// A client of the parent; cheap to clone.
#[derive(Debug, Clone)]
pub struct Parent {
    client: Client,
    guard: Guard,
    base: String,
    key: Secret,
    /// The own name at the parent.
    pub hub: HubId,
}

impl Parent {
    /// Reads key and authority.
    ///
    /// # Errors
    /// When a file cannot be read or does not hold what it should.
    pub fn open(settings: &ParentSettings, allow_hosts: &[String]) -> Result<Self> {
        // Whoever was first has set the same one.
        drop(rustls::crypto::ring::default_provider().install_default());
        let guard = Guard::new(allow_hosts);
        guard
            .check_url(&settings.url)
            .map_err(|error| anyhow!("`parent.url`: {error}"))?;
        let key = Source::File(settings.key_file.clone())
            .read()
            .map_err(|error| anyhow!("`parent.key_file`: {error}"))?;
        let mut builder = Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .user_agent(concat!("gridwatch-hub/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Arc::new(guard.clone()));
        if !settings.ca_file.as_os_str().is_empty() {
            let path = &settings.ca_file;
            let pem =
                std::fs::read(path).with_context(|| format!("reading `{}`", path.display()))?;
            let found = reqwest::Certificate::from_pem_bundle(&pem)
                .with_context(|| format!("reading certificates of `{}`", path.display()))?;
            if found.is_empty() {
                bail!("`{}` holds no certificate", path.display());
            }
            // Who has an authority of their own trusts no other.
            builder = builder.tls_certs_only(found);
        }
        Ok(Self {
            client: builder.build().context("making a client for the parent")?,
            guard,
            base: settings.url.trim_end_matches('/').to_owned(),
            key,
            hub: HubId::new(settings.hub.clone())?,
        })
    }

    /// Sends something and reads the answer.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, NoAnswer> {
        let broken = |error: reqwest::Error| {
            let error = error.without_url();
            let chain = crate::chain(&error);
            NoAnswer::broken(trouble(&error, &chain), self.key.hide_in(&chain))
        };
        let url: Url = self
            .guard
            .check_url(&format!("{}{path}", self.base))
            .map_err(|error| NoAnswer::broken(LinkFault::Name, error.to_string()))?;
        let mut response = self
            .client
            .post(url)
            .bearer_auth(self.key.reveal())
            .json(body)
            .send()
            .await
            .map_err(broken)?;
        let status = response.status();
        let mut bytes = Vec::new();
        while let Some(part) = response.chunk().await.map_err(broken)? {
            if bytes.len() + part.len() > ANSWER_BYTES_MAX {
                return Err(NoAnswer::broken(
                    LinkFault::NotUnderstood,
                    "the answer is too long",
                ));
            }
            bytes.extend_from_slice(&part);
        }
        if status.is_success() {
            return serde_json::from_slice(&bytes).map_err(|error| {
                let detail = format!("the answer is not one: {error}");
                NoAnswer::broken(LinkFault::NotUnderstood, detail)
            });
        }
        let text: String = String::from_utf8_lossy(&bytes).chars().take(300).collect();
        let passing = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
        Err(if passing {
            NoAnswer::broken(
                LinkFault::Busy(status.as_u16()),
                format!("the parent answered {status}: {text}"),
            )
        } else {
            NoAnswer::Refused {
                status,
                detail: text,
            }
        })
    }
}
