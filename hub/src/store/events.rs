//! Events: what the live feed reads. Numbered without gaps, in the order of commits.

use gridwatch_protocol::{GatewayId, Timestamp};
use sqlx::{Row, SqliteConnection};

use super::{Store, StoreResult, sql, time};
use crate::cases::CaseId;
use crate::cases::desk::CaseEvent;

/// What an event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A case, and what happened to it.
    Case {
        /// Its number in the store.
        id: CaseId,
        /// Name of the change.
        change: String,
    },
    /// A gateway whose state changed.
    Gateway(GatewayId),
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its number.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// What it is about.
    pub subject: Subject,
}

/// Takes the next number inside the transaction: numbers are given in the order of commits.
const NEXT: &str = "UPDATE counters SET value = value + 1 WHERE name = 'event' RETURNING value";

pub(crate) async fn append_case_event(
    connection: &mut SqliteConnection,
    event: &CaseEvent,
) -> StoreResult<()> {
    append(
        connection,
        event.at,
        event.change.as_str(),
        Some(event.case),
        None,
    )
    .await
}

pub(crate) async fn append_gateway_event(
    connection: &mut SqliteConnection,
    gateway: &GatewayId,
    at: Timestamp,
) -> StoreResult<()> {
    append(connection, at, "gateway", None, Some(gateway.as_str())).await
}

async fn append(
    connection: &mut SqliteConnection,
    at: Timestamp,
    change: &str,
    case: Option<CaseId>,
    gateway: Option<&str>,
) -> StoreResult<()> {
    let seq: i64 = sqlx::query_scalar(NEXT)
        .fetch_one(&mut *connection)
        .await
        .map_err(sql("numbering an event"))?;
    sqlx::query(
        "INSERT INTO events (seq, at, change, case_id, gateway) VALUES (?1, ?2, ?3, ?4, ?5)",
    )
    .bind(seq)
    .bind(at.unix_ms())
    .bind(change)
    .bind(case)
    .bind(gateway)
    .execute(connection)
    .await
    .map(|_| ())
    .map_err(sql("storing an event"))
}

impl Store {
    /// Number of the newest event; 0 when there is none.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn event_head(&self) -> StoreResult<i64> {
        sqlx::query_scalar("SELECT value FROM counters WHERE name = 'event'")
            .fetch_one(&self.readers)
            .await
            .map_err(sql("reading the newest event"))
    }

    /// Events after `seq`, in order, at most `limit`.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn events_after(&self, seq: i64, limit: i64) -> StoreResult<Vec<StoredEvent>> {
        let rows = sqlx::query(
            "SELECT seq, at, change, case_id, gateway FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2",
        )
        .bind(seq)
        .bind(limit)
        .fetch_all(&self.readers)
        .await
        .map_err(sql("reading events"))?;
        rows.iter().map(stored_event).collect()
    }
}

fn stored_event(row: &sqlx::sqlite::SqliteRow) -> StoreResult<StoredEvent> {
    let subject = match row.get::<Option<CaseId>, _>(3) {
        Some(id) => Subject::Case {
            id,
            change: row.get(2),
        },
        None => Subject::Gateway(super::intake::gateway_id(row.get(4))?),
    };
    Ok(StoredEvent {
        seq: row.get(0),
        at: time(row.get(1)),
        subject,
    })
}
