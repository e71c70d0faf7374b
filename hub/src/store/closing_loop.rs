//! What the closed loop keeps beside the case itself: merged alerts, and keys that make a
//! repeated action harmless. All of it inside the writer's transaction.

use gridwatch_protocol::Timestamp;
use sqlx::Row;

use super::database::{Connection, query};
use super::{StoreResult, sql};
use crate::cases::CaseId;
use crate::cases::merge::Counts;

/// A key that came with an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionKey {
    /// Who sent it; keys of two people never meet.
    pub actor: String,
    /// The key.
    pub key: String,
    /// The case.
    pub case: CaseId,
    /// SHA-256 of what was asked for, in hexadecimal.
    pub request_hash: String,
}

/// The case and request that a key was used for, if it was.
pub(crate) async fn used_key(
    connection: &mut Connection,
    actor: &str,
    key: &str,
) -> StoreResult<Option<ActionKey>> {
    let row =
        query("SELECT case_id, request_hash FROM action_keys WHERE actor = $1 AND action_key = $2")
            .bind(actor)
            .bind(key)
            .fetch_optional(connection)
            .await
            .map_err(sql("finding the key of an action"))?;
    Ok(row.map(|row| ActionKey {
        actor: actor.to_owned(),
        key: key.to_owned(),
        case: row.get(0),
        request_hash: row.get(1),
    }))
}

/// Remembers a key; the primary key refuses a second one.
pub(crate) async fn keep_key(
    connection: &mut Connection,
    key: &ActionKey,
    now: Timestamp,
) -> StoreResult<()> {
    query("INSERT INTO action_keys (actor, action_key, case_id, request_hash, used_at) VALUES ($1, $2, $3, $4, $5)")
        .bind(&key.actor)
        .bind(&key.key)
        .bind(key.case)
        .bind(&key.request_hash)
        .bind(now.unix_ms())
        .execute(connection)
        .await
        .map(drop)
        .map_err(sql("keeping the key of an action"))
}

/// Forgets keys that were used before this time; tells how many.
pub(crate) async fn forget_keys(
    connection: &mut Connection,
    before: Timestamp,
) -> StoreResult<u64> {
    query("DELETE FROM action_keys WHERE used_at < $1")
        .bind(before.unix_ms())
        .execute(connection)
        .await
        .map_err(sql("forgetting keys of actions"))
}

/// Moves the alerts and correlation keys of a case that was merged to the case that took it in.
/// `merged` has been stored as ended before: two open cases never hold one key.
pub(crate) async fn move_in(
    connection: &mut Connection,
    merged: CaseId,
    master: CaseId,
) -> StoreResult<()> {
    let moving = "moving alerts to the case that takes them in";
    query("INSERT INTO merged_alerts (case_id, alert_id) SELECT case_id, id FROM alerts WHERE case_id = $1")
        .bind(merged)
        .execute(&mut *connection)
        .await
        .map_err(sql(moving))?;
    query("UPDATE alerts SET case_id = $2 WHERE case_id = $1")
        .bind(merged)
        .bind(master)
        .execute(&mut *connection)
        .await
        .map_err(sql(moving))?;
    query("INSERT INTO case_keys (key, case_id, is_open) SELECT given.key, CAST($2 AS BIGINT), 1 FROM case_keys AS given WHERE given.case_id = $1 AND NOT EXISTS (SELECT 1 FROM case_keys AS held WHERE held.key = given.key AND held.is_open = 1) ON CONFLICT (case_id, key) DO UPDATE SET is_open = excluded.is_open")
        .bind(merged)
        .bind(master)
        .execute(connection)
        .await
        .map(drop)
        .map_err(sql(moving))
}

/// How many alerts would go back to a case that was merged.
pub(crate) async fn counts_to_move_back(
    connection: &mut Connection,
    merged: CaseId,
    master: CaseId,
) -> StoreResult<Counts> {
    let row = query("SELECT COUNT(*), COUNT(*) - COUNT(a.cleared_at) FROM alerts a JOIN merged_alerts m ON m.alert_id = a.id WHERE m.case_id = $1 AND a.case_id = $2")
        .bind(merged)
        .bind(master)
        .fetch_one(connection)
        .await
        .map_err(sql("counting alerts of a merged case"))?;
    let number = |at: usize| u32::try_from(row.get::<i64, _>(at)).unwrap_or(u32::MAX);
    Ok(Counts {
        alerts: number(0),
        active: number(1),
    })
}

/// Moves them back. `merged` is stored as open afterwards, its keys with it.
pub(crate) async fn move_back(
    connection: &mut Connection,
    merged: CaseId,
    master: CaseId,
) -> StoreResult<()> {
    let moving = "moving alerts back to their case";
    query("UPDATE alerts SET case_id = $1 WHERE case_id = $2 AND id IN (SELECT alert_id FROM merged_alerts WHERE case_id = $1)")
        .bind(merged)
        .bind(master)
        .execute(&mut *connection)
        .await
        .map_err(sql(moving))?;
    query("UPDATE case_keys SET is_open = 0 WHERE case_id = $2 AND key IN (SELECT key FROM case_keys WHERE case_id = $1)")
        .bind(merged)
        .bind(master)
        .execute(&mut *connection)
        .await
        .map_err(sql(moving))?;
    query("DELETE FROM merged_alerts WHERE case_id = $1")
        .bind(merged)
        .execute(&mut *connection)
        .await
        .map_err(sql(moving))?;
    reopen_keys(connection, merged).await
}

/// A case that is open again takes its correlation keys back, where no other open case has them.
pub(crate) async fn reopen_keys(connection: &mut Connection, case: CaseId) -> StoreResult<()> {
    query("UPDATE case_keys SET is_open = 1 WHERE case_id = $1 AND NOT EXISTS (SELECT 1 FROM case_keys AS held WHERE held.key = case_keys.key AND held.case_id <> $1 AND held.is_open = 1)")
        .bind(case)
        .execute(connection)
        .await
        .map(drop)
        .map_err(sql("taking correlation keys back"))
}
