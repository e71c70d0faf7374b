//! One HTTP request to a place outside, with everything bounded: time, addresses, size of the answer.
//!
//! No proxy of the environment, no redirect, no cookie. Errors never hold the address.

use std::sync::Arc;
use std::time::Duration;

use gridwatch_protocol::Timestamp;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, Method, StatusCode, redirect};

use super::Outcome;
use crate::notify::guard::{Guard, Refusal};
use crate::notify::secret::Secret;

/// A connection is given up after this long.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A request is given up after this long, answer included. Quotas rest on it: see the lease of rows.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// So much of an answer is read; providers answer with less than 1 KiB.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// So much of an answer is kept as a receipt, in characters.
const RECEIPT_CHARACTERS_MAX: usize = 500;

/// A request.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The address; it may hold a key.
    pub url: Secret,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// How long the other side asks to wait, in milliseconds.
    pub retry_after_ms: Option<i64>,
    /// Its body as text, as far as it was read.
    pub body: String,
}

impl Answer {
    /// Status and body, short enough for a receipt.
    #[must_use]
    pub fn receipt(&self) -> String {
        let body: String = self
            .body
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .take(RECEIPT_CHARACTERS_MAX)
            .collect();
        format!("{} {}", self.status.as_u16(), body.trim())
            .trim_end()
            .to_owned()
    }

    /// What the status alone says, for receivers that answer by status.
    #[must_use]
    pub fn by_status(&self) -> Outcome {
        let answer = self.receipt();
        let retry_after_ms = self.retry_after_ms;
        match self.status.as_u16() {
            200..=299 => Outcome::Delivered { answer },
            429 => Outcome::Limited {
                pause_ms: retry_after_ms,
                answer,
            },
            // These say that the message itself will never be taken.
            400 | 410 | 413 | 414 | 415 | 422 => Outcome::Refused {
                error: format!("the receiver refused the message with {}", self.status),
                answer,
            },
            // Anything else may pass: a key that is renewed, a receiver that is started again.
            _ => Outcome::Failed {
                error: format!("the receiver answered {}", self.status),
                answer,
                retry_after_ms,
            },
        }
    }
}

/// Sends requests; cheap to clone.
#[derive(Debug, Clone)]
pub struct Http {
    client: Client,
    guard: Guard,
}

impl Http {
    /// A client that connects only where the guard lets it, and trusts the system's authorities and
    /// the given ones (PEM).
    ///
    /// # Errors
    /// A sentence: the authorities cannot be read, or the client cannot be made.
    pub fn new(guard: Guard, authorities: Option<&[u8]>) -> Result<Self, String> {
        // Whoever was first has set the same one.
        drop(rustls::crypto::ring::default_provider().install_default());
        let mut builder = Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .user_agent(concat!("gridwatch-hub/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Arc::new(guard.clone()));
        if let Some(pem) = authorities {
            let found = reqwest::Certificate::from_pem_bundle(pem)
                .map_err(|why| format!("`notify.ca_file` does not hold certificates: {why}"))?;
            builder = builder.tls_certs_merge(found);
        }
        let client = builder
            .build()
            .map_err(|why| format!("making a client for notifications: {}", crate::chain(&why)))?;
        Ok(Self { client, guard })
    }

    /// Sends a request and reads the beginning of its answer.
    ///
    /// # Errors
    /// What became of the message when there is no answer.
    pub async fn send(&self, request: Request) -> Result<Answer, Outcome> {
        let url = self
            .guard
            .check_url(request.url.reveal())
            .map_err(|refusal| refused(&refusal))?;
        let response = self
            .client
            .request(request.method, url)
            .headers(request.headers)
            .body(request.body)
            .send()
            .await
            .map_err(|error| no_answer(error, &request.url))?;
        let status = response.status();
        let retry_after_ms = retry_after(response.headers(), crate::now());
        let body = read(response)
            .await
            .map_err(|error| no_answer(error, &request.url))?;
        Ok(Answer {
            status,
            retry_after_ms,
            body,
        })
    }
}

/// A refusal of the guard as an outcome: only a name that has no address now may have one later.
#[must_use]
pub fn refused(refusal: &Refusal) -> Outcome {
    if refusal.may_pass() {
        Outcome::failed(refusal.to_string())
    } else {
        Outcome::Refused {
            error: refusal.to_string(),
            answer: String::new(),
        }
    }
}

fn no_answer(error: reqwest::Error, url: &Secret) -> Outcome {
    if let Some(refusal) = find_refusal(&error) {
        return refused(&refusal);
    }
    let error = error.without_url();
    Outcome::failed(url.hide_in(&crate::chain(&error)))
}

/// The guard's word travels inside the client's error.
fn find_refusal(error: &reqwest::Error) -> Option<Refusal> {
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        if let Some(refusal) = error.downcast_ref::<Refusal>() {
            return Some(refusal.clone());
        }
        source = error.source();
    }
    None
}

/// What is beyond the limit is never read: the connection is dropped.
async fn read(mut response: reqwest::Response) -> Result<String, reqwest::Error> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let room = ANSWER_BYTES_MAX - bytes.len();
        bytes.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if bytes.len() == ANSWER_BYTES_MAX {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// `Retry-After`: seconds, or a date (RFC 9110, 10.2.3).
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<i64> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(i64::from(seconds) * 1_000);
    }
    let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(Timestamp::from(at).ms_since(now).max(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        let now: Timestamp = "1994-11-06T08:49:07Z".parse().unwrap();
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            retry_after(&headers, now)
        };
        assert_eq!(read("120"), Some(120_000));
        assert_eq!(read("Sun, 06 Nov 1994 08:49:37 GMT"), Some(30_000));
        assert_eq!(read("soon"), None);
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }

    #[test]
    fn status_decides_between_delivered_limited_refused_and_failed() {
        let by = |code| {
            let answer = Answer {
                status: StatusCode::from_u16(code).unwrap(),
                retry_after_ms: None,
                body: "a\nb".into(),
            };
            match answer.by_status() {
                Outcome::Delivered { answer } => format!("delivered {answer}"),
                Outcome::Limited { .. } => "limited".into(),
                Outcome::Refused { .. } => "refused".into(),
                Outcome::Failed { .. } => "failed".into(),
            }
        };
        assert_eq!(by(204), "delivered 204 a b");
        assert_eq!(by(429), "limited");
        assert_eq!(by(410), "refused");
        // A redirect is not followed.
        assert_eq!(
            (by(302), by(404), by(503)),
            ("failed".into(), "failed".into(), "failed".into())
        );
    }
}
