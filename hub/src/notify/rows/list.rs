//! Receipts and dead letters for people, and sending again.

use gridwatch_protocol::{Severity, Timestamp};
use sqlx::Row;
use sqlx::any::AnyRow;

use super::severity;
use crate::access::Scope;
use crate::notify::policy::News;
use crate::store::database::{QueryBuilder, query, query_scalar};
use crate::store::{Store, StoreResult, Writer, commit, from_json, sql, time};

/// What to list.
#[derive(Debug, Clone, Default)]
pub struct ListArgs {
    /// Only rows in this state.
    pub state: Option<String>,
    /// Only rows of this channel.
    pub channel: Option<String>,
    /// Only rows of this case.
    pub case: Option<i64>,
    /// Only rows made at this time or later.
    pub since: Option<Timestamp>,
    /// Only rows made before this time.
    pub until: Option<Timestamp>,
    /// Only rows older than the one with this id.
    pub after: Option<String>,
    /// At most so many.
    pub limit: i64,
}

/// A row as people see it.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Its id.
    pub id: String,
    /// Its channel.
    pub channel: String,
    /// To whom.
    pub recipient: String,
    /// What kind it is.
    pub kind: String,
    /// Severity of its case when it was made.
    pub severity: Severity,
    /// Its state.
    pub state: String,
    /// Tries so far.
    pub attempts: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it is tried next.
    pub next_at: Timestamp,
    /// The message that carried it.
    pub message_id: Option<String>,
    /// When it was delivered, merged or given up.
    pub ended_at: Option<Timestamp>,
    /// What went wrong last.
    pub error: Option<String>,
    /// What the provider answered last.
    pub answer: Option<String>,
    /// The news.
    pub news: News,
}

/// Adds ` AND …`: only what is told about cases that are seen; what is about no case is seen by those who
/// see everything.
fn push_scope(statement: &mut QueryBuilder, scope: &Scope) {
    if scope.is_whole() {
        return;
    }
    statement.push(" AND case_id IN (SELECT c.id FROM cases c WHERE 1 = 1");
    scope.push_cases(statement, "c.");
    statement.push(")");
}

/// Whether there is such a row, and it is seen.
///
/// # Errors
/// When the store does not answer.
pub async fn is_seen(store: &Store, id: &str, scope: &Scope) -> StoreResult<bool> {
    let mut statement = QueryBuilder::new("SELECT 1 FROM notifications WHERE id = ");
    statement.push_bind(id);
    push_scope(&mut statement, scope);
    let row = statement
        .build()
        .fetch_optional(&store.readers)
        .await
        .map_err(sql("finding a notification"))?;
    Ok(row.is_some())
}

/// Rows about cases that are seen, the newest first.
///
/// # Errors
/// When the store does not answer.
pub async fn list(store: &Store, args: &ListArgs, scope: &Scope) -> StoreResult<Vec<Stored>> {
    let mut statement = QueryBuilder::new(
        "SELECT id, channel, recipient, kind, severity, state, attempts, created_at, next_at, message_id, ended_at, error, answer, body FROM notifications WHERE 1 = 1",
    );
    for (column, value) in [
        (" AND state = ", &args.state),
        (" AND channel = ", &args.channel),
        (" AND id < ", &args.after),
    ] {
        if let Some(value) = value {
            statement.push(column).push_bind(value.clone());
        }
    }
    if let Some(case) = args.case {
        statement.push(" AND case_id = ").push_bind(case);
    }
    if let Some(since) = args.since {
        statement
            .push(" AND created_at >= ")
            .push_bind(since.unix_ms());
    }
    if let Some(until) = args.until {
        statement
            .push(" AND created_at < ")
            .push_bind(until.unix_ms());
    }
    push_scope(&mut statement, scope);
    statement
        .push(" ORDER BY id DESC LIMIT ")
        .push_bind(args.limit);
    let rows = statement
        .build()
        .fetch_all(&store.readers)
        .await
        .map_err(sql("listing notifications"))?;
    rows.iter().map(stored).collect()
}

fn stored(row: &AnyRow) -> StoreResult<Stored> {
    Ok(Stored {
        id: row.get(0),
        channel: row.get(1),
        recipient: row.get(2),
        kind: row.get(3),
        severity: severity(row.get(4)),
        state: row.get(5),
        attempts: row.get(6),
        created_at: time(row.get(7)),
        next_at: time(row.get(8)),
        message_id: row.get(9),
        ended_at: row.get::<Option<i64>, _>(10).map(time),
        error: row.get(11),
        answer: row.get(12),
        news: from_json("notification", row.get::<&str, _>(13))?,
    })
}

/// Lets a dead letter be tried anew. Gives the state that it was in; none when there is no such row.
///
/// # Errors
/// When the store does not answer.
pub async fn retry(writer: &mut Writer, id: &str, now: Timestamp) -> StoreResult<Option<String>> {
    let mut transaction = writer.begin().await?;
    let state: Option<String> = query_scalar("SELECT state FROM notifications WHERE id = $1")
        .bind(id)
        .fetch_optional(&mut *transaction)
        .await
        .map_err(sql("finding a notification"))?;
    query("UPDATE notifications SET state = 'waiting', attempts = 0, next_at = $1, ended_at = NULL WHERE id = $2 AND state = 'dead'")
        .bind(now.unix_ms())
        .bind(id)
        .execute(&mut *transaction)
        .await
        .map_err(sql("sending a notification again"))?;
    commit(transaction).await?;
    Ok(state)
}
