//! Section `[notify]` and its channels: read, checked as a whole, every problem told at once.
//!
//! What the keys mean stands in `configs/hub.toml`. Nothing is opened here; files of secrets are only
//! looked at, and secrets in the environment are read when the hub starts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use gridwatch_protocol::{Severity, SiteId};
use lettre::message::Mailbox;
use serde::Deserialize;
use toml::{Table, Value};

use super::guard::{Guard, Refusal};
use super::policy::{Filter, Quiet};
use super::quota::{self, Limits};
use super::secret::{Secret, Source};
use super::send::robot::Provider;
use super::send::{MAIL_TIMEOUT, WEB_TIMEOUT};
use super::template::{self, Escape};
use super::text::Language;
use crate::roster::calls::Address;

mod raw;

use raw::Raw;

/// Channels of one hub: each has its own task of sending and its own rows to look through.
const CHANNELS_MAX: usize = 64;
/// Recipients of one channel: each gets a row and a message of its own.
const RECIPIENTS_MAX: usize = 50;

/// The section `[notify]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described key by key in configs/hub.toml")]
pub struct Notify {
    pub allow_hosts: Vec<String>,
    pub ca_file: PathBuf,
    pub attempts_max: u32,
    /// As written; [`Notify::resolve`] takes it away.
    pub channel: Vec<Value>,
    /// As read; filled by [`Notify::resolve`].
    #[serde(skip)]
    pub channels: Vec<Channel>,
}

/// A channel.
#[derive(Debug, Clone)]
pub struct Channel {
    /// Its name, as rows and receipts have it.
    pub name: String,
    /// What it says is in this language.
    pub language: Language,
    /// Whether those are told, too, who are called: by the roster, or because their unit does not answer.
    pub people: bool,
    /// Whether a webhook is told the signed heads of the audit, whatever else it wants to hear.
    pub audit_heads: bool,
    /// What it wants to hear.
    pub filter: Filter,
    /// How much it takes.
    pub limits: Limits,
    /// Where it leads.
    pub target: Target,
}

/// Where a channel leads.
#[derive(Debug, Clone)]
pub enum Target {
    /// A program that takes CloudEvents.
    Webhook {
        /// Its address.
        url: Source,
        /// What signs the events.
        secret: Source,
    },
    /// A mail server.
    Email(EmailSettings),
    /// A group robot.
    Robot {
        /// Whose.
        provider: Provider,
        /// Its address, which holds its key.
        url: Source,
        /// What signs the messages, if the robot asks for it.
        secret: Option<Source>,
    },
    /// The gateway of an SMS provider.
    Sms(SmsSettings),
}

/// How a connection to a mail server is made safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Security {
    /// The connection begins in the clear and must change to TLS.
    Starttls,
    /// TLS from the first byte.
    Tls,
    /// None; only for a server on this machine.
    None,
}

/// A mail server.
#[derive(Debug, Clone)]
pub struct EmailSettings {
    /// Its name, as its certificate has it.
    pub server: String,
    /// Its port.
    pub port: u16,
    /// How the connection is made safe.
    pub security: Security,
    /// Who signs in, if anybody has to.
    pub username: Option<String>,
    /// With what.
    pub password: Option<Source>,
    /// Who writes.
    pub from: Mailbox,
    /// To whom.
    pub to: Vec<String>,
}

/// An SMS gateway.
#[derive(Debug, Clone)]
pub struct SmsSettings {
    /// HTTP method.
    pub method: String,
    /// Address, as a template.
    pub url: Source,
    /// What `${secret}` stands for.
    pub secret: Option<Source>,
    /// Content type of the body.
    pub content_type: String,
    /// Further headers, as templates.
    pub headers: BTreeMap<String, String>,
    /// Body, as a template.
    pub body: String,
    /// Statuses that are a success.
    pub success_status: Vec<u16>,
    /// Where in a JSON answer success is told (RFC 6901), if the status does not say it.
    pub success_pointer: Option<String>,
    /// What stands there on success.
    pub success_value: String,
    /// To which numbers.
    pub to: Vec<String>,
}

impl Channel {
    /// To whom a message goes: one empty name when the channel has no recipients of its own.
    #[must_use]
    pub fn recipients(&self) -> Vec<String> {
        match &self.target {
            Target::Email(settings) => settings.to.clone(),
            Target::Sms(settings) => settings.to.clone(),
            Target::Webhook { .. } | Target::Robot { .. } => vec![String::new()],
        }
    }

    /// What kind it is, as the configuration names it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match &self.target {
            Target::Webhook { .. } => "webhook",
            Target::Email(_) => "email",
            Target::Robot { provider, .. } => match provider {
                Provider::Wecom => "wecom",
                Provider::Dingtalk => "dingtalk",
                Provider::Feishu => "feishu",
            },
            Target::Sms(_) => "sms",
        }
    }

    /// No send through it takes longer than this.
    #[must_use]
    pub fn send_timeout(&self) -> Duration {
        match &self.target {
            Target::Email(_) => MAIL_TIMEOUT,
            Target::Webhook { .. } | Target::Robot { .. } | Target::Sms(_) => WEB_TIMEOUT,
        }
    }

    /// Whether newer news of a case takes the place of what waits. A program wants every event.
    #[must_use]
    pub fn merges(&self) -> bool {
        !matches!(self.target, Target::Webhook { .. })
    }

    /// Where this channel reaches somebody who is called.
    #[must_use]
    pub fn address_of<'a>(&self, person: &'a Address) -> Option<&'a str> {
        let address = match &self.target {
            Target::Email(_) => person.email.as_deref(),
            Target::Sms(_) => person.phone.as_deref(),
            Target::Webhook { .. } | Target::Robot { .. } => None,
        };
        address.filter(|address| self.people && self.can_write_to(address))
    }

    /// Whether an address of a reporter can be written to: a completion goes by e-mail or SMS.
    #[must_use]
    pub fn can_write_to(&self, address: &str) -> bool {
        match &self.target {
            Target::Email(_) => address.parse::<Mailbox>().is_ok(),
            Target::Sms(_) => is_number(address),
            Target::Webhook { .. } | Target::Robot { .. } => false,
        }
    }
}

/// A telephone number: an optional `+` and 5 to 20 digits.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    (5..=20).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
}

impl Notify {
    /// Reads the channels; paths become relative to `base`.
    pub fn resolve(&mut self, base: &Path, problems: &mut Vec<String>) {
        if !self.ca_file.as_os_str().is_empty() {
            self.ca_file = base.join(&self.ca_file);
        }
        if !(1..=100).contains(&self.attempts_max) {
            problems.push("`notify.attempts_max` must be between 1 and 100".to_owned());
        }
        if self.channel.len() > CHANNELS_MAX {
            problems.push(format!(
                "`notify.channel`: at most {CHANNELS_MAX} are possible"
            ));
        }
        let guard = Guard::new(&self.allow_hosts);
        let mut names = BTreeSet::new();
        // What is written may hold an address with a key: only what is read of it is kept.
        let written = std::mem::take(&mut self.channel);
        for (index, value) in written.iter().enumerate() {
            let mut found = Vec::new();
            let channel = read(value, base, &guard, &mut found);
            let name = value
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let at = format!("channel {} `{name}`", index + 1);
            problems.extend(found.into_iter().map(|problem| format!("{at}: {problem}")));
            if !names.insert(name) {
                problems.push(format!("{at}: the name stands twice"));
            }
            self.channels.extend(channel);
        }
    }

    /// Looks whether the files that are named can be read.
    pub fn check_files(&self, problems: &mut Vec<String>) {
        if !self.ca_file.as_os_str().is_empty()
            && let Err(why) = std::fs::read(&self.ca_file)
        {
            let path = self.ca_file.display();
            problems.push(format!("`notify.ca_file`: `{path}` cannot be read: {why}"));
        }
        for channel in &self.channels {
            for source in sources(&channel.target) {
                if let Source::File(_) = source
                    && let Err(problem) = source.read()
                {
                    problems.push(format!("channel `{}`: {problem}", channel.name));
                }
            }
        }
    }
}

fn sources(target: &Target) -> Vec<&Source> {
    match target {
        Target::Webhook { url, secret } => vec![url, secret],
        Target::Email(settings) => settings.password.iter().collect(),
        Target::Robot { url, secret, .. } => [url].into_iter().chain(secret).collect(),
        Target::Sms(settings) => [&settings.url]
            .into_iter()
            .chain(&settings.secret)
            .collect(),
    }
}

fn read(value: &Value, base: &Path, guard: &Guard, problems: &mut Vec<String>) -> Option<Channel> {
    let table: Table = value.clone().try_into().ok().or_else(|| {
        problems.push("a table is needed".to_owned());
        None
    })?;
    let mut raw: Raw = match table.try_into() {
        Ok(raw) => raw,
        Err(error) => {
            problems.push(error.to_string().trim_end().to_owned());
            return None;
        }
    };
    let ok = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if raw.name.is_empty() || raw.name.len() > 64 || !raw.name.chars().all(ok) {
        problems.push("`name` must be 1 to 64 letters, digits, `-`, `_` or `.`".to_owned());
    }
    let language = match raw.language.as_deref() {
        None | Some("zh") => Language::Zh,
        Some("en") => Language::En,
        Some(other) => {
            problems.push(format!("`language` = \"{other}\" is not zh or en"));
            Language::Zh
        }
    };
    let filter = filter(&mut raw, problems);
    let mut reader = Reader {
        raw: &mut raw,
        base,
        guard,
        problems,
    };
    let target = reader.target();
    // Only these reach one person.
    let reaches_people = matches!(target, Some(Target::Email(_) | Target::Sms(_)));
    let people = reaches_people && std::mem::take(&mut reader.raw.people);
    let keeps_heads = matches!(target, Some(Target::Webhook { .. }));
    let audit_heads = keeps_heads && std::mem::take(&mut reader.raw.audit_heads);
    let rest = reader.raw.left_over();
    let kind = reader.raw.kind.clone();
    let problems = reader.problems;
    for key in rest {
        problems.push(format!("`{key}` is not for the kind {kind}"));
    }
    let target = target?;
    Some(Channel {
        name: raw.name,
        language,
        people,
        audit_heads,
        filter,
        limits: limits(&target),
        target,
    })
}

fn limits(target: &Target) -> Limits {
    let (channel, recipient): (&[_], &[_]) = match target {
        Target::Webhook { .. } => (&quota::WEBHOOK, &[]),
        Target::Email(_) => (&quota::PEOPLE, &quota::EMAIL_RECIPIENT),
        Target::Sms(_) => (&quota::PEOPLE, &quota::SMS_RECIPIENT),
        Target::Robot { provider, .. } => match provider {
            Provider::Wecom => (&quota::WECOM, &[]),
            Provider::Dingtalk => (&quota::DINGTALK, &[]),
            Provider::Feishu => (&quota::FEISHU, &[]),
        },
    };
    Limits {
        channel: channel.to_vec(),
        recipient: recipient.to_vec(),
        digests: !matches!(target, Target::Webhook { .. }),
    }
}

fn filter(raw: &mut Raw, problems: &mut Vec<String>) -> Filter {
    let mut severities = Vec::new();
    for name in &raw.severities {
        match [Severity::P1, Severity::P2, Severity::P3, Severity::P4]
            .into_iter()
            .find(|severity| severity.to_string() == *name)
        {
            Some(severity) => severities.push(severity),
            None => problems.push(format!("`severities`: \"{name}\" is not P1, P2, P3 or P4")),
        }
    }
    let mut sites = Vec::new();
    for name in &raw.sites {
        match SiteId::new(name.as_str()) {
            Ok(site) => sites.push(site),
            Err(why) => problems.push(format!("`sites`: \"{name}\": {why}")),
        }
    }
    let quiet = raw.quiet.as_deref().and_then(|text| {
        let quiet = Quiet::parse(text);
        if quiet.is_none() {
            problems.push(format!(
                "`quiet` = \"{text}\" is not two times such as 22:00-07:00"
            ));
        }
        quiet
    });
    for change in &raw.changes {
        let ok = |c: char| c.is_ascii_lowercase() || c == '_';
        if change.is_empty() || !change.chars().all(ok) {
            problems.push(format!(
                "`changes`: \"{change}\" is not the code of a change"
            ));
        }
    }
    Filter {
        severities,
        categories: std::mem::take(&mut raw.categories),
        areas: std::mem::take(&mut raw.areas),
        sites,
        changes: std::mem::take(&mut raw.changes),
        drills: raw.drills,
        quiet,
    }
}

/// Takes what a kind needs out of the raw channel; what is left does not belong there.
struct Reader<'a> {
    raw: &'a mut Raw,
    base: &'a Path,
    guard: &'a Guard,
    problems: &'a mut Vec<String>,
}

impl Reader<'_> {
    fn target(&mut self) -> Option<Target> {
        let provider = match self.raw.kind.as_str() {
            "webhook" => return self.webhook(),
            "email" => return self.email().map(Target::Email),
            "sms" => return self.sms().map(Target::Sms),
            "wecom" => Provider::Wecom,
            "dingtalk" => Provider::Dingtalk,
            "feishu" => Provider::Feishu,
            other => {
                self.problems.push(format!(
                    "`kind` = \"{other}\" is not webhook, email, wecom, dingtalk, feishu or sms"
                ));
                return None;
            }
        };
        let url = self.url();
        // A WeCom robot has no signature: its key stands in its address.
        let secret = match provider {
            Provider::Wecom => None,
            Provider::Dingtalk | Provider::Feishu => self.secret(),
        };
        Some(Target::Robot {
            provider,
            url: url?,
            secret,
        })
    }

    fn webhook(&mut self) -> Option<Target> {
        let url = self.url();
        let secret = self.secret();
        if secret.is_none() {
            self.need("secret_file", "or `secret_env`: events are always signed");
        }
        Some(Target::Webhook {
            url: url?,
            secret: secret?,
        })
    }

    fn email(&mut self) -> Option<EmailSettings> {
        let server = self.raw.server.take().filter(|name| !name.is_empty());
        if server.is_none() {
            self.need("server", "the name of the mail server");
        }
        let security = self.raw.tls.take().unwrap_or(Security::Starttls);
        let usual = match security {
            Security::Starttls => 587,
            Security::Tls => 465,
            Security::None => 25,
        };
        let port = self.raw.port.take().unwrap_or(usual);
        let username = self.raw.username.take();
        let file = self.raw.password_file.take();
        let password = self.source("password", file, |raw| raw.password_env.take());
        if username.is_some() != password.is_some() {
            self.problems.push(
                "`username` needs `password_file` or `password_env`, and they need it".into(),
            );
        }
        let from = self.raw.from.take();
        let from: Option<Mailbox> = from.as_deref().and_then(|text| text.parse().ok());
        if from.is_none() {
            self.need(
                "from",
                "an e-mail address such as \"Gridwatch <hub@example.org>\"",
            );
        }
        let to = self.recipients("an e-mail address", |text| text.parse::<Mailbox>().is_ok());
        Some(EmailSettings {
            server: server?,
            port,
            security,
            username,
            password,
            from: from?,
            to,
        })
    }

    fn sms(&mut self) -> Option<SmsSettings> {
        let url = self.url();
        let secret = self.secret();
        let method = self.raw.method.take().unwrap_or_else(|| "POST".into());
        if !matches!(method.as_str(), "GET" | "POST" | "PUT") {
            self.problems
                .push(format!("`method` = \"{method}\" is not GET, POST or PUT"));
        }
        let content_type = self.raw.content_type.take();
        let content_type = content_type.unwrap_or_else(|| "application/json".into());
        if Escape::for_content_type(&content_type).is_none() {
            self.problems.push(format!(
                "`content_type` = \"{content_type}\": values can be written into application/json, application/x-www-form-urlencoded, application/xml, text/xml and text/plain"
            ));
        }
        let body = self.raw.body.take().unwrap_or_default();
        let headers = std::mem::take(&mut self.raw.headers);
        for (key, text) in headers.iter().chain([(&"body".to_owned(), &body)]) {
            let found = template::problems(text);
            self.problems.extend(
                found
                    .into_iter()
                    .map(|problem| format!("`{key}`: {problem}")),
            );
        }
        let success_pointer = self.raw.success_pointer.take();
        if success_pointer
            .as_ref()
            .is_some_and(|p| !p.is_empty() && !p.starts_with('/'))
        {
            self.problems
                .push("`success_pointer` must begin with `/` (RFC 6901)".to_owned());
        }
        let success_value = self.raw.success_value.take();
        if success_pointer.is_some() != success_value.is_some() {
            self.problems
                .push("`success_pointer` and `success_value` need each other".to_owned());
        }
        let success_status = self.raw.success_status.take().unwrap_or_else(|| vec![200]);
        let to = self.recipients("a telephone number", is_number);
        Some(SmsSettings {
            method,
            url: url?,
            secret,
            content_type,
            headers,
            body,
            success_status,
            success_pointer,
            success_value: success_value.unwrap_or_default(),
            to,
        })
    }

    fn need(&mut self, key: &str, what: &str) {
        self.problems.push(format!("`{key}` is needed: {what}"));
    }

    fn recipients(&mut self, what: &str, ok: impl Fn(&str) -> bool) -> Vec<String> {
        let to = std::mem::take(&mut self.raw.to);
        if to.len() > RECIPIENTS_MAX {
            self.problems
                .push(format!("`to`: at most {RECIPIENTS_MAX} are possible"));
        }
        for one in to.iter().filter(|one| !ok(one)) {
            self.problems.push(format!("`to`: \"{one}\" is not {what}"));
        }
        let distinct: BTreeSet<&String> = to.iter().collect();
        if distinct.len() != to.len() {
            self.problems.push("`to`: somebody stands twice".to_owned());
        }
        to
    }

    /// The address, from the file itself, a file, or the environment.
    fn url(&mut self) -> Option<Source> {
        let inline = self.raw.url.take();
        if let Some(text) = &inline {
            self.check_url(text);
        }
        let file = self.raw.url_file.take();
        let other = self.source("url", file, |raw| raw.url_env.take());
        match (inline, other) {
            (Some(text), None) => Some(Source::Inline(Secret::new(text))),
            (None, Some(source)) => Some(source),
            (None, None) => {
                self.need("url", "or `url_file` or `url_env`");
                None
            }
            (Some(_), Some(_)) => {
                self.problems
                    .push("`url` stands beside another way to give it".to_owned());
                None
            }
        }
    }

    fn check_url(&mut self, text: &str) {
        let found = template::problems(text);
        self.problems
            .extend(found.into_iter().map(|problem| format!("`url`: {problem}")));
        let filled = template::fill(text, Escape::Percent, |_| "x".to_owned());
        match self.guard.check_url(&filled) {
            Ok(_) | Err(Refusal::Unresolved { .. }) => {}
            Err(refusal) => self.problems.push(format!("`url`: {refusal}")),
        }
    }

    fn secret(&mut self) -> Option<Source> {
        let file = self.raw.secret_file.take();
        self.source("secret", file, |raw| raw.secret_env.take())
    }

    fn source(
        &mut self,
        what: &str,
        file: Option<PathBuf>,
        take_env: impl Fn(&mut Raw) -> Option<String>,
    ) -> Option<Source> {
        match (file, take_env(self.raw)) {
            (Some(path), None) => Some(Source::File(self.base.join(path))),
            (None, Some(name)) => Some(Source::Environment(name)),
            (None, None) => None,
            (Some(_), Some(_)) => {
                self.problems
                    .push(format!("`{what}_file` and `{what}_env` exclude each other"));
                None
            }
        }
    }
}

#[cfg(test)]
mod tests;
