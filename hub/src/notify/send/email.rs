//! E-mail over SMTP: one message for each recipient, a case as one thread.
//!
//! The first message about a case carries the thread's id as its own; all others refer to it. An id is
//! the same at every try, so that a mailbox which gets a message twice can show it once.
//!
//! TLS is not optional: `starttls` and `tls` fail when the server offers none or its certificate does
//! not fit. Plain SMTP is only for a relay on this machine.

use std::fmt;
use std::net::SocketAddr;

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::{AsyncSmtpTransport, Error};
use lettre::{AsyncTransport, Tokio1Executor};

use super::http::refused;
use super::{MAIL_TIMEOUT, Outcome, Parcel};
use crate::notify::config::{EmailSettings, Security};
use crate::notify::guard::Guard;
use crate::notify::secret::Secret;
use crate::notify::text::{Style, Words};

/// The subject is cut after this many characters.
const SUBJECT_CHARACTERS_MAX: usize = 200;

/// A mail server and who writes.
pub struct Email {
    guard: Guard,
    server: String,
    port: u16,
    security: Security,
    tls: TlsParameters,
    login: Option<(String, Secret)>,
    from: Mailbox,
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Email")
            .field("server", &self.server)
            .field("port", &self.port)
            .field("security", &self.security)
            .finish_non_exhaustive()
    }
}

impl Email {
    /// Reads the password and prepares the trust in authorities.
    ///
    /// # Errors
    /// A sentence that names what cannot be read.
    pub fn new(
        settings: &EmailSettings,
        guard: Guard,
        authorities: Option<&[u8]>,
    ) -> Result<Self, String> {
        let mut tls = TlsParameters::builder(settings.server.clone());
        if let Some(pem) = authorities {
            let found = Certificate::from_pem(pem)
                .map_err(|why| format!("`notify.ca_file` does not hold a certificate: {why}"))?;
            tls = tls.add_root_certificate(found);
        }
        let tls = tls
            .build()
            .map_err(|why| format!("preparing TLS for `{}`: {why}", settings.server))?;
        let login = match (&settings.username, &settings.password) {
            (Some(name), Some(source)) => Some((name.clone(), source.read()?)),
            _ => None,
        };
        Ok(Self {
            guard,
            server: settings.server.clone(),
            port: settings.port,
            security: settings.security,
            tls,
            login,
            from: settings.from.clone(),
        })
    }

    /// Sends a message once.
    pub async fn send(&self, parcel: &Parcel, style: &Style) -> Outcome {
        let message = match self.message(parcel, &parcel.words(style)) {
            Ok(message) => message,
            Err(error) => return Outcome::refused(error),
        };
        let addresses = match self.guard.resolve(&self.server, self.port).await {
            Ok(addresses) => addresses,
            Err(refusal) => return refused(&refusal),
        };
        let plain = self.security == Security::None;
        if plain && addresses.iter().any(|at| !at.ip().is_loopback()) {
            return Outcome::refused(format!(
                "`{}` is not on this machine: `tls = \"none\"` would send mail in the clear",
                self.server
            ));
        }
        let mut outcome = Outcome::failed("the server has no address");
        for address in addresses {
            match self.transport(address).send(message.clone()).await {
                Ok(response) => {
                    let words: Vec<&str> = response.message().collect();
                    let answer = format!("{} {}", response.code(), words.join(" "));
                    return Outcome::Delivered {
                        answer: crate::notify::text::plain(&answer),
                    };
                }
                Err(error) => outcome = self.outcome(&error),
            }
            // The next address only helps when this one was not reached.
            if !matches!(&outcome, Outcome::Failed { answer, .. } if answer.is_empty()) {
                break;
            }
        }
        outcome
    }

    /// Connects to this address and to no other; the name is only for the certificate.
    fn transport(&self, address: SocketAddr) -> AsyncSmtpTransport<Tokio1Executor> {
        let tls = match self.security {
            Security::Starttls => Tls::Required(self.tls.clone()),
            Security::Tls => Tls::Wrapper(self.tls.clone()),
            Security::None => Tls::None,
        };
        let mut builder =
            AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(address.ip().to_string())
                .port(address.port())
                .tls(tls)
                .timeout(Some(MAIL_TIMEOUT / 2));
        if let Some((name, password)) = &self.login {
            let password = password.reveal().to_owned();
            builder = builder.credentials(Credentials::new(name.clone(), password));
        }
        builder.build()
    }

    fn message(&self, parcel: &Parcel, words: &Words) -> Result<Message, String> {
        let to: Mailbox = parcel
            .recipient
            .parse()
            .map_err(|_| "the recipient is not an e-mail address".to_owned())?;
        let subject: String = words.title.chars().take(SUBJECT_CHARACTERS_MAX).collect();
        let domain = self.from.email.domain();
        let mut builder = Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(subject)
            .header(ContentType::TEXT_PLAIN)
            // No automatic answers, please (RFC 3834).
            .raw_header(header("Auto-Submitted", "auto-generated"));
        if words.severity == gridwatch_protocol::Severity::P1 {
            builder = builder.raw_header(header("Importance", "high"));
        }
        let own = format!("<{}@{domain}>", parcel.id);
        builder = match parcel.news.as_slice() {
            [news] if news.case.id > 0 => {
                let root = thread(&news.case.number, domain);
                if news.first {
                    builder.message_id(Some(root))
                } else {
                    builder
                        .message_id(Some(own))
                        .in_reply_to(root.clone())
                        .references(root)
                }
            }
            _ => builder.message_id(Some(own)),
        };
        let mut body = words.title.clone();
        for line in words.lines() {
            body.push('\n');
            body.push_str(&line);
        }
        body.push('\n');
        builder
            .body(body)
            .map_err(|error| format!("making the e-mail: {error}"))
    }

    fn outcome(&self, error: &Error) -> Outcome {
        let mut text = crate::chain(error);
        if let Some((_, password)) = &self.login {
            text = password.hide_in(&text);
        }
        let text = crate::notify::text::plain(&text);
        let code = error.status().map(|code| code.to_string());
        // Of the final answers only those about mailbox and message are about this message (RFC 5321,
        // 4.2.3); a refused sign-in is put right by people.
        let about_message = code
            .as_deref()
            .is_some_and(|code| matches!(code, "550" | "551" | "552" | "553" | "554"));
        let answer = code.map_or(String::new(), |_| text.clone());
        if about_message {
            return Outcome::Refused {
                error: "the mail server refused the message".to_owned(),
                answer,
            };
        }
        Outcome::Failed {
            error: text,
            answer,
            retry_after_ms: None,
        }
    }
}

/// The id that holds the messages of a case together.
fn thread(number: &str, domain: &str) -> String {
    let number: String = number
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
        .collect();
    format!("<case-{number}@{domain}>")
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}
