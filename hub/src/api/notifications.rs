//! Receipts and dead letters of notifications. Only for administrators: rows name recipients.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use gridwatch_protocol::{Severity, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::extract::{Administrator, Args, Part};
use super::problem::Problem;
use crate::cases::CaseId;
use crate::notify::rows::{self, ListArgs, Stored};
use crate::notify::worker::Retried;
use crate::store::accounts::{AccountChange, AuditRow};

/// Rows on a page when nothing is asked for.
const LIMIT_USUAL: u32 = 50;
/// And at most.
const LIMIT_MAX: u32 = 200;
/// States that a row can be in.
const STATES: [&str; 5] = ["waiting", "sending", "delivered", "merged", "dead"];

/// What to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct NotificationArgs {
    /// `waiting`, `sending`, `delivered`, `merged` or `dead`; all when left out.
    state: Option<String>,
    /// Name of a channel.
    channel: Option<String>,
    /// Number of a case in the store.
    case: Option<CaseId>,
    /// `next` of the page before.
    after: Option<String>,
    /// Rows on the page: 1 to 200, 50 when left out.
    limit: Option<u32>,
}

/// A notification.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct NotificationView {
    /// Its id.
    pub id: String,
    /// Its channel.
    pub channel: String,
    /// To whom, masked; left out for a channel without recipients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
    /// `case`, `completion` or `test`.
    pub kind: String,
    /// The case; left out for a test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<CaseId>,
    /// Number of the case for people.
    pub number: String,
    /// What it tells.
    pub change: String,
    /// Severity of the case when the row was made.
    pub severity: Severity,
    /// `waiting`, `sending`, `delivered`, `merged` (its news went out with another) or `dead` (given up).
    pub state: String,
    /// Tries so far.
    pub attempts: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it is tried next, while it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
    /// The message that carried it: its own, a digest, or the row that it was merged into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// When it was delivered, merged or given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// What went wrong last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What the provider answered last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}

/// Notifications.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct NotificationList {
    /// The rows, the newest first.
    pub items: Vec<NotificationView>,
    /// `after` of the next page; null on the last.
    pub next: Option<String>,
}

/// Receipts and dead letters. Only for administrators.
#[utoipa::path(get, path = "/api/v1/notifications", tag = "notifications", params(NotificationArgs), responses(
    (status = 200, body = NotificationList),
    (status = 400, description = "`invalid-request`", body = Problem, content_type = "application/problem+json"),
    (status = 401, description = "`not-signed-in`", body = Problem, content_type = "application/problem+json"),
    (status = 403, description = "`not-allowed`", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "`invalid-request`", body = Problem, content_type = "application/problem+json"),
))]
pub async fn list(
    State(app): State<App>,
    _administrator: Administrator,
    Args(args): Args<NotificationArgs>,
) -> Result<Answer<NotificationList>, Problem> {
    if let Some(state) = &args.state
        && !STATES.contains(&state.as_str())
    {
        return Err(Problem::invalid(format!(
            "`state` must be one of {}",
            STATES.join(", ")
        )));
    }
    let limit = args.limit.unwrap_or(LIMIT_USUAL);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Problem::invalid(format!(
            "`limit` must be between 1 and {LIMIT_MAX}"
        )));
    }
    let wanted = ListArgs {
        state: args.state,
        channel: args.channel,
        case: args.case,
        after: args.after,
        limit: i64::from(limit) + 1,
    };
    let mut found = rows::list(&app.store, &wanted).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = found.last().filter(|_| more).map(|row| row.id.clone());
    Ok(Answer(NotificationList {
        items: found.into_iter().map(view).collect(),
        next,
    }))
}

/// Sends a dead letter again, with all its tries. Only for administrators.
#[utoipa::path(post, path = "/api/v1/notifications/{id}/retry", tag = "notifications", params(("id" = String, Path)), responses(
    (status = 202, description = "It waits to be sent"),
    (status = 401, description = "`not-signed-in`", body = Problem, content_type = "application/problem+json"),
    (status = 403, description = "`not-allowed`, `wrong-site`", body = Problem, content_type = "application/problem+json"),
    (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "`wrong-state`: only what was given up is sent again", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "`busy`", body = Problem, content_type = "application/problem+json"),
))]
pub async fn retry(
    State(app): State<App>,
    Administrator(officer): Administrator,
    Part(id): Part<String>,
) -> Result<StatusCode, Problem> {
    match app.notifier.retry(&id).await {
        Some(Retried::Yes) => {
            let row = AuditRow {
                at: crate::now(),
                actor: officer.actor.username,
                action: "notification_sent_again".to_owned(),
                subject: id,
                address: String::new(),
            };
            app.engine.account(AccountChange::Audit(row)).await?;
            Ok(StatusCode::ACCEPTED)
        }
        Some(Retried::Not(state)) => Err(Problem::new(
            StatusCode::CONFLICT,
            "wrong-state",
            format!(
                "this notification is `{state}`; only what was given up (`dead`) is sent again"
            ),
        )),
        Some(Retried::Unknown) => Err(Problem::not_found("there is no such notification")),
        None => Err(Problem::busy(
            "the task of notifications is busy; try again",
        )),
    }
}

fn view(row: Stored) -> NotificationView {
    let case = row.news.case;
    NotificationView {
        next_at: (row.state == "waiting").then_some(row.next_at),
        recipient: (!row.recipient.is_empty()).then(|| masked(&row.recipient)),
        case: (case.id > 0).then_some(case.id),
        id: row.id,
        channel: row.channel,
        kind: row.kind,
        number: case.number,
        change: row.news.change,
        severity: row.severity,
        state: row.state,
        attempts: row.attempts,
        created_at: row.created_at,
        message_id: row.message_id,
        ended_at: row.ended_at,
        error: row.error.map(|text| hide(&text, &row.recipient)),
        answer: row.answer.map(|text| hide(&text, &row.recipient)),
    }
}

/// A provider's answer may repeat the recipient.
pub(super) fn hide(text: &str, recipient: &str) -> String {
    if recipient.is_empty() {
        text.to_owned()
    } else {
        text.replace(recipient, &masked(recipient))
    }
}

/// An address or number of which only the ends are shown: enough to tell recipients apart.
pub(super) fn masked(recipient: &str) -> String {
    let (name, domain) = match recipient.split_once('@') {
        Some((name, domain)) => (name, format!("@{domain}")),
        None => (recipient, String::new()),
    };
    let characters: Vec<char> = name.chars().collect();
    let shown = characters.len() / 4;
    let first: String = characters[..shown].iter().collect();
    let last: String = characters[characters.len() - shown..].iter().collect();
    format!("{first}***{last}{domain}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipients_are_shown_by_their_ends() {
        assert_eq!(masked("+8613812345678"), "+86***678");
        assert_eq!(masked("wangfang@example.org"), "wa***ng@example.org");
        assert_eq!(masked("li@example.org"), "***@example.org");
        assert_eq!(hide("no such user li@a", "li@a"), "no such user ***@a");
    }
}
