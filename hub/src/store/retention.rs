//! Letting go of what nobody needs any more, a little at a time inside the engine's transaction.
//!
//! Never touches cases, alerts, histories of cases or the audit; never a message of an open case. Doing it
//! twice, or in two hubs at once, lets go of the same rows.

use gridwatch_protocol::Timestamp;

use super::database::{Connection, query, query_scalar};
use super::{StoreResult, closing_loop, intake, sql};

/// At most about this many rows go in one transaction: alerts wait for it.
const ROWS_MAX: i64 = 2_000;
/// Cases whose messages are let go in one transaction.
const CASES_MAX: i64 = 50;
/// Until where messages of ended cases are gone: the end of the last case that was looked at.
const MESSAGES_GONE: &str = "retention:alert_messages";

/// What is older than this goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// Events.
    pub events_since: Timestamp,
    /// Messages that could not be read.
    pub refused_since: Timestamp,
    /// Messages about alerts of cases that ended.
    pub messages_since: Timestamp,
    /// Keys of actions: what is sent twice after that is done twice.
    pub action_keys_since: Timestamp,
}

/// Lets some of it go; tells how many rows, nothing when there is no more.
pub(crate) async fn apply(connection: &mut Connection, keep: Keep) -> StoreResult<u64> {
    let events =
        query("DELETE FROM events WHERE at < $1 AND seq < (SELECT MIN(seq) FROM events) + $2")
            .bind(keep.events_since.unix_ms())
            .bind(ROWS_MAX)
            .execute(&mut *connection)
            .await
            .map_err(sql("letting go of old events"))?;
    // Who was called, and what was missing at a desk, goes with the events that said so.
    let calls = query("DELETE FROM duty_calls WHERE event_seq < (SELECT MIN(seq) FROM events) AND event_seq < (SELECT MIN(event_seq) FROM duty_calls) + $1")
        .bind(ROWS_MAX)
        .execute(&mut *connection)
        .await
        .map_err(sql("letting go of old calls"))?;
    let reports = query("DELETE FROM duty_reports WHERE ended_at IS NOT NULL AND event_seq < (SELECT MIN(seq) FROM events)")
        .execute(&mut *connection)
        .await
        .map_err(sql("letting go of old reports"))?;
    let refused = query("DELETE FROM refused_messages WHERE id IN (SELECT id FROM refused_messages WHERE arrived_at < $1 ORDER BY arrived_at LIMIT $2)")
        .bind(keep.refused_since.unix_ms())
        .bind(ROWS_MAX)
        .execute(&mut *connection)
        .await
        .map_err(sql("letting go of old refused messages"))?;
    let keys = closing_loop::forget_keys(connection, keep.action_keys_since).await?;
    Ok(events
        + calls
        + reports
        + refused
        + keys
        + messages(connection, keep.messages_since).await?)
}

/// Goes through ended cases in the order of their ends and remembers how far it came.
async fn messages(connection: &mut Connection, since: Timestamp) -> StoreResult<u64> {
    let gone = intake::counter(connection, MESSAGES_GONE).await?;
    // Cases that ended in the same millisecond are taken together.
    let until: Option<i64> = query_scalar("SELECT MAX(ended_at) FROM (SELECT ended_at FROM cases WHERE is_open = 0 AND ended_at > $1 AND ended_at < $2 ORDER BY ended_at LIMIT $3) AS next")
        .bind(gone)
        .bind(since.unix_ms())
        .bind(CASES_MAX)
        .fetch_one(&mut *connection)
        .await
        .map_err(sql("finding cases that ended long ago"))?;
    let Some(until) = until else { return Ok(0) };
    let rows = query("DELETE FROM alert_messages WHERE alert_id IN (SELECT a.id FROM cases c JOIN alerts a ON a.case_id = c.id WHERE c.is_open = 0 AND c.ended_at > $1 AND c.ended_at <= $2)")
        .bind(gone)
        .bind(until)
        .execute(&mut *connection)
        .await
        .map_err(sql("letting go of old messages"))?;
    super::commit::set_counter(connection, MESSAGES_GONE, until).await?;
    // Cases without messages are progress too: there may be more behind them.
    Ok(rows + 1)
}
