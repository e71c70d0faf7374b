//! Senders: words into the form of a channel, over the network, and the answer into an outcome.
//!
//! A sender never decides when something goes and never tries twice: rows, quotas and retries are the
//! worker's.

pub mod email;
pub mod http;
mod markup;
pub mod robot;
pub mod sms;
pub mod webhook;

use std::time::Duration;

use gridwatch_protocol::Timestamp;

use super::config::{Channel, Target};
use super::guard::Guard;
use super::policy::News;
use super::text::{self, Style, Words};

/// A mail server may take its time over a message (greeting, sign-in, content).
pub const MAIL_TIMEOUT: Duration = Duration::from_secs(30);
/// A request over HTTP ends by itself; this also bounds what surrounds it.
pub const WEB_TIMEOUT: Duration = Duration::from_secs(12);

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The provider took it.
    Delivered {
        /// Its answer.
        answer: String,
    },
    /// The provider says that there were too many: not taken, not counted as a try.
    Limited {
        /// The channel must be silent for so long, in milliseconds; the channel's own rule when none.
        pause_ms: Option<i64>,
        /// Its answer.
        answer: String,
    },
    /// Not taken, or nobody knows: try again.
    Failed {
        /// Why.
        error: String,
        /// The answer, if there was one.
        answer: String,
        /// How long the other side asks to wait, in milliseconds.
        retry_after_ms: Option<i64>,
    },
    /// Will never be taken as it is.
    Refused {
        /// Why.
        error: String,
        /// The answer, if there was one.
        answer: String,
    },
}

impl Outcome {
    /// A failure without an answer.
    #[must_use]
    pub fn failed(error: impl Into<String>) -> Self {
        Outcome::Failed {
            error: error.into(),
            answer: String::new(),
            retry_after_ms: None,
        }
    }

    /// A refusal without an answer.
    #[must_use]
    pub fn refused(error: impl Into<String>) -> Self {
        Outcome::Refused {
            error: error.into(),
            answer: String::new(),
        }
    }
}

/// What kind of message it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// News of cases.
    Case,
    /// What is missing at a desk.
    Duty,
    /// To the reporter: the matter is done.
    Completion,
    /// The signed head of the audit, to be kept elsewhere.
    AuditHead,
    /// Of `hub notify test`.
    Test,
}

impl Kind {
    /// The name in the store and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Case => "case",
            Kind::Duty => "duty",
            Kind::Completion => "completion",
            Kind::AuditHead => "audit_head",
            Kind::Test => "test",
        }
    }

    /// The kind with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Kind> {
        let all = [
            Kind::Case,
            Kind::Duty,
            Kind::Completion,
            Kind::AuditHead,
            Kind::Test,
        ];
        all.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// A message as it is handed to a sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parcel {
    /// Its id: the same at every try, so that a receiver can tell a repetition.
    pub id: String,
    /// To whom; empty for a channel without recipients.
    pub recipient: String,
    /// What kind it is.
    pub kind: Kind,
    /// The news in it, the most urgent first; at least one.
    pub news: Vec<News>,
}

impl Parcel {
    /// The message in words.
    #[must_use]
    pub fn words(&self, style: &Style) -> Words {
        match (self.kind, self.news.as_slice()) {
            (Kind::Completion, [news, ..]) => text::completion(news, style),
            (Kind::Duty, [news, ..]) => text::duty(news, style),
            (_, [news]) => text::one(news, style),
            (_, news) => text::digest(news, style),
        }
    }
}

/// An open channel.
#[derive(Debug)]
pub enum Sender {
    /// CloudEvents over HTTP.
    Webhook(webhook::Webhook),
    /// SMTP.
    Email(email::Email),
    /// A group robot.
    Robot(robot::Robot),
    /// The gateway of an SMS provider.
    Sms(sms::Sms),
}

impl Sender {
    /// Reads a channel's secrets and makes its sender.
    ///
    /// # Errors
    /// A sentence that names what cannot be read.
    pub fn open(
        channel: &Channel,
        http: &http::Http,
        guard: &Guard,
        authorities: Option<&[u8]>,
    ) -> Result<Self, String> {
        Ok(match &channel.target {
            Target::Webhook { url, secret } => Sender::Webhook(webhook::Webhook::new(
                http.clone(),
                url.read()?,
                &secret.read()?,
            )),
            Target::Email(settings) => {
                Sender::Email(email::Email::new(settings, guard.clone(), authorities)?)
            }
            Target::Robot {
                provider,
                url,
                secret,
            } => {
                let secret = secret.as_ref().map(|source| source.read()).transpose()?;
                Sender::Robot(robot::Robot::new(
                    http.clone(),
                    *provider,
                    url.read()?,
                    secret,
                ))
            }
            Target::Sms(settings) => Sender::Sms(sms::Sms::new(http.clone(), settings)?),
        })
    }

    /// Sends a message once, within this time.
    pub async fn send(
        &self,
        parcel: &Parcel,
        style: &Style,
        now: Timestamp,
        timeout: Duration,
    ) -> Outcome {
        let sending = async {
            match self {
                Sender::Webhook(webhook) => webhook.send(parcel, style, now).await,
                Sender::Email(email) => email.send(parcel, style).await,
                Sender::Robot(robot) => robot.send(parcel, style, now).await,
                Sender::Sms(sms) => sms.send(parcel, style).await,
            }
        };
        match tokio::time::timeout(timeout, sending).await {
            Ok(outcome) => outcome,
            Err(_) => Outcome::failed(format!("no answer within {} s", timeout.as_secs())),
        }
    }
}
