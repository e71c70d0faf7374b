//! The HTTP side of the uplink: one client, the hub's own certificate authority and nothing else.

use std::sync::Arc;
use std::time::Duration;

use gridwatch_protocol::{
    Batch, CommissioningAnswer, CommissioningRecord, Heartbeat, HeartbeatAnswer, Receipt, Timestamp,
};
use reqwest::StatusCode;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::time_provider::TimeProvider;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::config::HubConfig;

/// Longest answer that is read.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// The longest pause that a hub can ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(120);

/// Why the hub did not take something.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The line is broken, or what is at its end is not our hub.
    #[error("sending to `{url}`")]
    Line {
        /// Where to.
        url: String,
        /// Why not.
        #[source]
        source: reqwest::Error,
    },
    /// The hub answered, but not with what was asked for.
    #[error("the hub answered {status}: {detail}")]
    Refused {
        /// HTTP status.
        status: StatusCode,
        /// What it says.
        detail: String,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// The answer cannot be read.
    #[error("the hub's answer is not understood: {0}")]
    Answer(String),
    /// The receipt does not speak of everything that was sent.
    #[error("the hub's receipt is incomplete; nothing is settled")]
    Incomplete,
}

impl SendError {
    /// How long the hub asks to wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            Self::Line { .. } | Self::Answer(_) | Self::Incomplete => None,
        }
    }
}

/// A client of one hub.
#[derive(Debug, Clone)]
pub struct HubClient {
    client: reqwest::Client,
    url: String,
    key: crate::config::Secret,
}

/// What keeps a client from being made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The certificate authority of the join file.
    #[error("reading the hub's certificate authority from the join file: {0}")]
    Authority(String),
    /// The HTTP client.
    #[error("making the HTTP client")]
    Client(#[from] reqwest::Error),
    /// TLS.
    #[error("setting up TLS")]
    Tls(#[from] rustls::Error),
}

impl HubClient {
    /// A client that trusts the join file's certificate authority only.
    ///
    /// # Errors
    /// When the authority cannot be read.
    pub fn new(config: &HubConfig) -> Result<Self, ClientError> {
        let mut builder = reqwest::Client::builder()
            .timeout(Duration::from_millis(config.request_timeout_ms))
            .connect_timeout(Duration::from_millis(config.request_timeout_ms.min(10_000)))
            .tcp_nodelay(true)
            .tcp_keepalive(Duration::from_secs(20))
            .pool_idle_timeout(Duration::from_secs(60))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent(concat!("gridwatch-edge-agent/", env!("CARGO_PKG_VERSION")));
        // Also without an authority: the library wants to know its TLS.
        let authority = config.ca_pem.as_deref().unwrap_or_default();
        builder = builder.tls_backend_preconfigured(tls(authority, config.issued_at)?);
        Ok(Self {
            client: builder.build()?,
            url: config.url.clone(),
            key: config.key.clone(),
        })
    }

    /// A client for this machine's own pages.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn plain(timeout: Duration) -> Result<reqwest::Client, ClientError> {
        Ok(reqwest::Client::builder()
            .timeout(timeout)
            .no_proxy()
            .tls_backend_preconfigured(tls("", None)?)
            .build()?)
    }

    /// Sends a batch.
    ///
    /// # Errors
    /// When there is no complete receipt.
    pub async fn send_batch(&self, batch: &Batch) -> Result<Receipt, SendError> {
        self.post("/v1/batches", batch).await
    }

    /// Sends a heartbeat.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn send_heartbeat(
        &self,
        heartbeat: &Heartbeat,
    ) -> Result<HeartbeatAnswer, SendError> {
        self.post("/v1/heartbeats", heartbeat).await
    }

    /// Sends the record of a walk test.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn send_commissioning(
        &self,
        record: &CommissioningRecord,
    ) -> Result<CommissioningAnswer, SendError> {
        self.post("/v1/commissionings", record).await
    }

    async fn post<B: Serialize, A: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
    ) -> Result<A, SendError> {
        let url = format!("{}{path}", self.url);
        let line = |source: reqwest::Error| SendError::Line {
            url: url.clone(),
            source: source.without_url(),
        };
        let mut response = self
            .client
            .post(&url)
            .bearer_auth(&self.key.0)
            .json(body)
            .send()
            .await
            .map_err(line)?;
        let status = response.status();
        let retry_after = response
            .headers()
            .get(reqwest::header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .map(|seconds| Duration::from_secs(seconds).min(RETRY_AFTER_MAX));
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(line)? {
            if bytes.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(SendError::Answer(format!(
                    "more than {ANSWER_BYTES_MAX} bytes"
                )));
            }
            bytes.extend_from_slice(&chunk);
        }
        if !status.is_success() {
            return Err(SendError::Refused {
                status,
                detail: problem(&bytes),
                retry_after,
            });
        }
        serde_json::from_slice(&bytes).map_err(|error| SendError::Answer(error.to_string()))
    }
}

/// What a problem+json says, or the beginning of whatever came instead.
fn problem(bytes: &[u8]) -> String {
    let json: Option<serde_json::Value> = serde_json::from_slice(bytes).ok();
    let field = |name: &str| json.as_ref()?.get(name)?.as_str().map(str::to_owned);
    field("detail")
        .or_else(|| field("title"))
        .unwrap_or_else(|| String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned())
}

fn tls(
    authority_pem: &str,
    issued_at: Option<Timestamp>,
) -> Result<rustls::ClientConfig, ClientError> {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(authority_pem.as_bytes()) {
        let certificate = certificate.map_err(|error| ClientError::Authority(error.to_string()))?;
        roots
            .add(certificate)
            .map_err(|error| ClientError::Authority(error.to_string()))?;
    }
    let floor = ClockFloor {
        seconds: issued_at
            .and_then(|at| u64::try_from(at.unix_ms() / 1000).ok())
            .unwrap_or(0),
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(
        rustls::ClientConfig::builder_with_details(provider, Arc::new(floor))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth(),
    )
}

/// A gateway without a battery-backed clock wakes up in 1970. It knows that it is not earlier than the
/// making of its join file, and judges certificates by that until its clock is set.
#[derive(Debug)]
struct ClockFloor {
    seconds: u64,
}

impl TimeProvider for ClockFloor {
    fn current_time(&self) -> Option<UnixTime> {
        let floor = UnixTime::since_unix_epoch(Duration::from_secs(self.seconds));
        Some(UnixTime::now().max(floor))
    }
}
