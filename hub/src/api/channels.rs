//! The channels of notifications: how they are, and a test through one of them. Only for administrators.

use axum::Json as Answer;
use axum::extract::State;
use gridwatch_protocol::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::App;
use super::extract::{Administrator, Part};
use super::notifications::masked;
use super::problem::Problem;
use crate::notify::quota::Window;
use crate::notify::send::Outcome;
use crate::notify::worker::{Open, TestError};
use crate::store::accounts::{AccountChange, AuditRow};

/// A limit of a channel.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct WindowView {
    /// At most so many messages …
    pub count: u32,
    /// … in any span of so many milliseconds, …
    pub per_ms: i64,
    /// … of which so many only for P1.
    pub reserved: u32,
    /// How many of them are used now.
    pub used: i64,
}

/// A channel.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ChannelView {
    /// Its name.
    pub name: String,
    /// `webhook`, `email`, `wecom`, `dingtalk`, `feishu` or `sms`.
    pub kind: String,
    /// Its recipients, masked; none for a channel without.
    pub recipients: Vec<String>,
    /// The limits of the channel as a whole.
    pub quota: Vec<WindowView>,
    /// Messages that wait to be sent.
    pub waiting: i64,
    /// Messages that were given up.
    pub dead: i64,
    /// Until when it is silent because the provider said that there were too many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_until: Option<Timestamp>,
}

/// Channels.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ChannelList {
    /// In the order of the configuration.
    pub items: Vec<ChannelView>,
}

/// What became of a test message.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct TestOutcome {
    /// To whom, masked; empty for a channel without recipients.
    pub recipient: String,
    /// `delivered`, `later` (the provider or the quota has no room now), `failed` or `refused`.
    pub outcome: String,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What the provider answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}

/// Test messages.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct TestList {
    /// One for each recipient.
    pub items: Vec<TestOutcome>,
}

/// The channels of notifications, with their quotas. Only for administrators.
#[utoipa::path(get, path = "/api/v1/notifications/channels", tag = "notifications", responses(
    (status = 200, body = ChannelList),
    (status = 403, description = "`not-allowed`", body = Problem, content_type = "application/problem+json"),
))]
pub async fn list(
    State(app): State<App>,
    _administrator: Administrator,
) -> Result<Answer<ChannelList>, Problem> {
    let now = crate::now();
    let mut items = Vec::new();
    for open in app.notifier.channels() {
        items.push(view(&app, open, now).await?);
    }
    Ok(Answer(ChannelList { items }))
}

async fn view(app: &App, open: &Open, now: Timestamp) -> Result<ChannelView, Problem> {
    let channel = &open.channel;
    let state = app.store.channel_state(&channel.name, now).await?;
    let quota = |window: &Window| {
        let since = now.unix_ms() - window.per_ms;
        let used = state.ends.iter().filter(|end| **end > since).count();
        WindowView {
            count: window.count,
            per_ms: window.per_ms,
            reserved: window.reserved,
            used: i64::try_from(used).unwrap_or(i64::MAX),
        }
    };
    let recipients = channel.recipients().into_iter();
    Ok(ChannelView {
        name: channel.name.clone(),
        kind: channel.kind().to_owned(),
        recipients: recipients
            .filter(|name| !name.is_empty())
            .map(|name| masked(&name))
            .collect(),
        quota: channel.limits.channel.iter().map(quota).collect(),
        waiting: state.waiting,
        dead: state.dead,
        paused_until: state.paused_until,
    })
}

/// Send a message, marked as a test, to every recipient of a channel. It counts against the quota and
/// leaves a receipt. Only for administrators.
#[utoipa::path(post, path = "/api/v1/notifications/channels/{name}/test", tag = "notifications", params(("name" = String, Path)), responses(
    (status = 200, body = TestList),
    (status = 403, description = "`not-allowed`", body = Problem, content_type = "application/problem+json"),
    (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "`busy`: another test is under way", body = Problem, content_type = "application/problem+json"),
))]
pub async fn test(
    State(app): State<App>,
    Administrator(officer): Administrator,
    Part(name): Part<String>,
) -> Result<Answer<TestList>, Problem> {
    let outcomes = match app.notifier.test(&name, &app.store).await {
        Ok(outcomes) => outcomes,
        Err(TestError::Unknown) => {
            return Err(Problem::not_found(format!("there is no channel `{name}`")));
        }
        Err(TestError::Busy) => return Err(Problem::busy("another test is under way")),
        Err(TestError::Store(error)) => return Err(error.into()),
    };
    let row = AuditRow {
        at: crate::now(),
        actor: officer.actor.username,
        action: "notification_tested".to_owned(),
        subject: name,
        address: String::new(),
    };
    app.engine.account(AccountChange::Audit(row)).await?;
    let items = outcomes.into_iter().map(|(to, outcome)| told(&to, outcome));
    Ok(Answer(TestList {
        items: items.collect(),
    }))
}

fn told(to: &str, outcome: Option<Outcome>) -> TestOutcome {
    let (outcome, error, answer) = match outcome {
        None => ("later", None, None),
        Some(Outcome::Limited { answer, .. }) => ("later", None, Some(answer)),
        Some(Outcome::Delivered { answer }) => ("delivered", None, Some(answer)),
        Some(Outcome::Failed { error, answer, .. }) => ("failed", Some(error), Some(answer)),
        Some(Outcome::Refused { error, answer }) => ("refused", Some(error), Some(answer)),
    };
    let hide = |text: String| super::notifications::hide(&text, to);
    TestOutcome {
        recipient: masked(to),
        outcome: outcome.to_owned(),
        error: error.map(hide),
        answer: answer.map(hide),
    }
}
