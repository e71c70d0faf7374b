//! Rows of notifications: made once, claimed by lease, settled with a receipt.
//!
//! A crash leaves a row in `sending`; when its lease has run out, it is claimed again. So a message may
//! go out twice, and never not at all. The send that nobody saw end counts against the quota until its
//! lease has run out and one window longer.

mod claim;
mod list;
mod state;

use std::collections::BTreeMap;

use gridwatch_protocol::{Severity, Timestamp};
use sqlx::Row;
use sqlx::any::AnyRow;

use super::policy::News;
use super::send::Kind;
use crate::store::database::{Connection, QueryBuilder, query, query_scalar};
use crate::store::{Store, StoreResult, Writer, from_json, sql, time, to_json};

pub use claim::{Claimed, Settled, claim, claim_test, settle};
pub use list::{ListArgs, Stored, list, retry};

/// Events that are read at once.
pub const EVENTS_MAX: i64 = 500;

/// A row to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRow {
    /// Its id, in the order of time.
    pub id: String,
    /// Its channel.
    pub channel: String,
    /// To whom; empty for a channel without recipients.
    pub recipient: String,
    /// What kind it is.
    pub kind: Kind,
    /// Since when the oldest news in it waits.
    pub since: Timestamp,
    /// Not to be sent before.
    pub not_before: Timestamp,
    /// The news.
    pub news: News,
    /// The row of this batch that took it in, if one did.
    pub merged_into: Option<String>,
}

/// A row that waits, as far as planning needs it.
#[derive(Debug, Clone, PartialEq)]
pub struct WaitingRow {
    /// Its id.
    pub id: String,
    /// Since when it waits.
    pub since: Timestamp,
    /// Its news.
    pub news: News,
}

/// Channel, recipient, case.
pub type Thread = (String, String, i64);

/// What is known of the cases at hand.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// The most urgent severity told in a thread.
    pub told: BTreeMap<Thread, Severity>,
    /// The row that waits in a thread.
    pub waiting: BTreeMap<Thread, WaitingRow>,
}

/// An event that has to do with a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseEventRow {
    /// Its number.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// What.
    pub change: String,
    /// The case; none for events of gateways.
    pub case: Option<i64>,
}

/// Number of the last event that was planned.
///
/// # Errors
/// When the store does not answer.
pub async fn cursor(store: &Store) -> StoreResult<i64> {
    query_scalar("SELECT value FROM counters WHERE name = 'notify'")
        .fetch_one(&store.readers)
        .await
        .map_err(sql("reading how far events are told"))
}

/// Events after `seq`, in order, at most [`EVENTS_MAX`].
///
/// # Errors
/// When the store does not answer.
pub async fn events_after(store: &Store, seq: i64) -> StoreResult<Vec<CaseEventRow>> {
    let rows =
        query("SELECT seq, at, change, case_id FROM events WHERE seq > $1 ORDER BY seq LIMIT $2")
            .bind(seq)
            .bind(EVENTS_MAX)
            .fetch_all(&store.readers)
            .await
            .map_err(sql("reading events to tell"))?;
    let event = |row: &AnyRow| CaseEventRow {
        seq: row.get(0),
        at: time(row.get(1)),
        change: row.get(2),
        case: row.get(3),
    };
    Ok(rows.iter().map(event).collect())
}

/// What was told of these cases, and what waits.
///
/// # Errors
/// When the store does not answer.
pub async fn known(store: &Store, cases: &[i64]) -> StoreResult<Known> {
    let mut known = Known::default();
    if cases.is_empty() {
        return Ok(known);
    }
    let mut statement = QueryBuilder::new(
        "SELECT channel, recipient, case_id, MIN(severity) FROM notifications WHERE kind = 'case' AND case_id IN (",
    );
    statement.push_list(cases.iter().copied());
    statement.push(" GROUP BY channel, recipient, case_id");
    let rows = statement
        .build()
        .fetch_all(&store.readers)
        .await
        .map_err(sql("reading what was told"))?;
    for row in &rows {
        let thread = (row.get(0), row.get(1), row.get(2));
        known.told.insert(thread, severity(row.get(3)));
    }
    let mut statement = QueryBuilder::new(
        "SELECT channel, recipient, case_id, id, since, body FROM notifications WHERE kind = 'case' AND state = 'waiting' AND case_id IN (",
    );
    statement.push_list(cases.iter().copied());
    statement.push(" ORDER BY id");
    let rows = statement
        .build()
        .fetch_all(&store.readers)
        .await
        .map_err(sql("reading what waits to be told"))?;
    for row in &rows {
        let thread = (row.get(0), row.get(1), row.get(2));
        let body: String = row.get(5);
        let waiting = WaitingRow {
            id: row.get(3),
            since: time(row.get(4)),
            news: from_json("notification", &body)?,
        };
        known.waiting.insert(thread, waiting);
    }
    Ok(known)
}

/// What a batch of events comes to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    /// Rows to be made.
    pub rows: Vec<NewRow>,
    /// Rows that wait and are taken in by a new one: (old, new).
    pub merged: Vec<(String, String)>,
}

/// Makes the rows of the events from `cursor` to `through` and moves the cursor, all or nothing. False
/// when another hub process has done so meanwhile.
///
/// # Errors
/// When the store does not answer.
pub async fn commit(
    writer: &mut Writer,
    (cursor, through): (i64, i64),
    batch: &Batch,
    now: Timestamp,
) -> StoreResult<bool> {
    let mut transaction = writer.begin().await?;
    let moved = query("UPDATE counters SET value = $1 WHERE name = 'notify' AND value = $2")
        .bind(through)
        .bind(cursor)
        .execute(&mut *transaction)
        .await
        .map_err(sql("moving the cursor of notifications"))?;
    if moved == 0 {
        return Ok(false);
    }
    for (old, new) in &batch.merged {
        // One that is being sent meanwhile stays as it is: both go out.
        query("UPDATE notifications SET state = 'merged', message_id = $1, ended_at = $2 WHERE id = $3 AND state = 'waiting'")
            .bind(new)
            .bind(now.unix_ms())
            .bind(old)
            .execute(&mut *transaction)
            .await
            .map_err(sql("merging notifications"))?;
    }
    for row in &batch.rows {
        insert(&mut transaction, row, now).await?;
    }
    crate::store::commit(transaction).await?;
    Ok(true)
}

/// Makes a row, inside the caller's transaction; one that is there already is left alone.
///
/// # Errors
/// When the store does not answer.
pub async fn insert(connection: &mut Connection, row: &NewRow, now: Timestamp) -> StoreResult<()> {
    let ended = row.merged_into.as_ref().map(|_| now.unix_ms());
    query("INSERT INTO notifications (id, channel, recipient, kind, case_id, event_seq, severity, state, attempts, created_at, since, next_at, message_id, ended_at, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, $10, $11, $12, $13, $14) ON CONFLICT DO NOTHING")
        .bind(&row.id)
        .bind(&row.channel)
        .bind(&row.recipient)
        .bind(row.kind.as_str())
        .bind(row.news.case.id)
        .bind(row.news.seq)
        .bind(i64::from(row.news.case.severity.alarm_priority()))
        .bind(if row.merged_into.is_some() { "merged" } else { "waiting" })
        .bind(now.unix_ms())
        .bind(row.since.unix_ms())
        .bind(row.not_before.unix_ms())
        .bind(row.merged_into.as_ref())
        .bind(ended)
        .bind(to_json(&row.news))
        .execute(connection)
        .await
        .map_err(sql("storing a notification"))?;
    Ok(())
}

/// Tells the reporter of a matter that it is done: makes the row inside the transaction that closes
/// the case, once for each case and address. `channel` is the name of an e-mail or SMS channel that
/// can write to the address (see [`super::config::Channel::can_write_to`]).
///
/// # Errors
/// When the store does not answer.
pub async fn enqueue_completion(
    connection: &mut Connection,
    channel: &str,
    address: &str,
    mut news: News,
    now: Timestamp,
) -> StoreResult<()> {
    // The number of the event would let a case that was opened again be told twice.
    news.seq = 0;
    "completed".clone_into(&mut news.change);
    let row = NewRow {
        id: new_id(),
        channel: channel.to_owned(),
        recipient: address.to_owned(),
        kind: Kind::Completion,
        since: now,
        not_before: now,
        news,
        merged_into: None,
    };
    insert(connection, &row, now).await
}

/// Makes sure that every channel has its row.
///
/// # Errors
/// When the store does not answer.
pub async fn know_channels<'a>(
    writer: &mut Writer,
    names: impl Iterator<Item = &'a str>,
) -> StoreResult<()> {
    let mut transaction = writer.begin().await?;
    for name in names {
        query("INSERT INTO notification_channels (channel, paused_until, counted_at) VALUES ($1, 0, 0) ON CONFLICT DO NOTHING")
            .bind(name)
            .execute(&mut *transaction)
            .await
            .map_err(sql("storing a channel"))?;
    }
    crate::store::commit(transaction).await
}

/// A new id; ids are in the order of time.
#[must_use]
pub fn new_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

pub(super) fn severity(priority: i64) -> Severity {
    match priority {
        1 => Severity::P1,
        2 => Severity::P2,
        3 => Severity::P3,
        _ => Severity::P4,
    }
}

#[cfg(test)]
mod tests;
