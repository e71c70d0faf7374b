//! Rows of timers and clocks, inside the engine's transaction.

use std::collections::{BTreeMap, HashMap};

use gridwatch_protocol::Timestamp;
use sqlx::Row as _;

use crate::cases::{Case, CaseId};
use crate::clocks::facts::CaseFacts;
use crate::clocks::plan::NextTimer;
use crate::store::database::{self, Connection, Frame, QueryBuilder, query, query_scalar, small};
use crate::store::{Store, StoreResult, from_json, sql, time, to_json};

/// At most this many values in one list of a statement; SQLite allows 32,766 in all.
const LIST_MAX: usize = 1_000;

const FACTS: Frame = (
    "INSERT INTO case_clocks (case_id, body)",
    " ON CONFLICT (case_id) DO UPDATE SET body = excluded.body",
);
const TIMERS: Frame = ("INSERT INTO case_timers (id, case_id, kind, due_at)", "");

/// Claims due timers, earliest first: in one statement, so that no two processes get the same one.
const CLAIM: &str = "UPDATE case_timers SET lease_by = $1, lease_until = $2, attempts = attempts + 1 WHERE id IN (SELECT id FROM case_timers WHERE fired_at IS NULL AND due_at <= $3 AND lease_until <= $3 ORDER BY due_at, id LIMIT $4) RETURNING id, case_id, kind, due_at, attempts";

/// A timer that has not fired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pending {
    pub(crate) id: i64,
    pub(crate) case: CaseId,
    pub(crate) kind: String,
    pub(crate) due_at: Timestamp,
    pub(crate) attempts: u32,
}

/// Leases up to `limit` due timers to `holder`; earliest first.
pub(crate) async fn claim(
    connection: &mut Connection,
    holder: &str,
    now: Timestamp,
    lease_until: Timestamp,
    limit: usize,
) -> StoreResult<Vec<Pending>> {
    let rows = query(CLAIM)
        .bind(holder)
        .bind(lease_until.unix_ms())
        .bind(now.unix_ms())
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(connection)
        .await
        .map_err(sql("claiming timers"))?;
    let mut claimed: Vec<Pending> = rows.iter().map(pending_row).collect();
    // RETURNING promises no order.
    claimed.sort_by_key(|timer| (timer.due_at, timer.id));
    Ok(claimed)
}

fn pending_row(row: &sqlx::any::AnyRow) -> Pending {
    Pending {
        id: row.get(0),
        case: row.get(1),
        kind: row.get(2),
        due_at: time(row.get(3)),
        attempts: small(row, 4),
    }
}

/// Marks timers as fired.
pub(crate) async fn mark_fired(
    connection: &mut Connection,
    ids: &[i64],
    now: Timestamp,
) -> StoreResult<()> {
    set(
        connection,
        "UPDATE case_timers SET fired_at = ",
        now.unix_ms(),
        ids,
    )
    .await
}

/// Ends or prolongs the lease of timers.
pub(crate) async fn lease_until(
    connection: &mut Connection,
    ids: &[i64],
    until: Timestamp,
) -> StoreResult<()> {
    let head = "UPDATE case_timers SET lease_until = ";
    set(connection, head, until.unix_ms(), ids).await
}

async fn set(
    connection: &mut Connection,
    head: &'static str,
    value: i64,
    ids: &[i64],
) -> StoreResult<()> {
    for part in ids.chunks(LIST_MAX) {
        let mut statement = QueryBuilder::on(connection, head);
        statement.push_bind(value).push(" WHERE id IN (");
        statement.push_list(part.iter().copied());
        let done = statement.build().execute(&mut *connection).await;
        done.map_err(sql("updating timers"))?;
    }
    Ok(())
}

/// Deletes timers whose reason is gone.
pub(crate) async fn delete(connection: &mut Connection, ids: &[i64]) -> StoreResult<()> {
    for part in ids.chunks(LIST_MAX) {
        let mut statement = QueryBuilder::on(
            connection,
            "DELETE FROM case_timers WHERE fired_at IS NULL AND id IN (",
        );
        statement.push_list(part.iter().copied());
        let done = statement.build().execute(&mut *connection).await;
        done.map_err(sql("cancelling timers"))?;
    }
    Ok(())
}

/// Forgets some timers that fired before this; tells how many.
pub(crate) async fn forget(
    connection: &mut Connection,
    before: Timestamp,
    limit: usize,
) -> StoreResult<u64> {
    query("DELETE FROM case_timers WHERE id IN (SELECT id FROM case_timers WHERE fired_at < $1 ORDER BY fired_at LIMIT $2)")
        .bind(before.unix_ms())
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .execute(connection)
        .await
        .map_err(sql("forgetting timers"))
}

/// Moves a timer.
pub(crate) async fn set_due(
    connection: &mut Connection,
    id: i64,
    due_at: Timestamp,
) -> StoreResult<()> {
    query("UPDATE case_timers SET due_at = $1, lease_until = 0 WHERE id = $2")
        .bind(due_at.unix_ms())
        .bind(id)
        .execute(connection)
        .await
        .map(drop)
        .map_err(sql("moving a timer"))
}

/// Adds timers.
pub(crate) async fn insert(
    connection: &mut Connection,
    timers: &[(CaseId, NextTimer)],
) -> StoreResult<()> {
    if timers.is_empty() {
        return Ok(());
    }
    let count = i64::try_from(timers.len()).unwrap_or(i64::MAX);
    let last: i64 =
        query_scalar("UPDATE counters SET value = value + $1 WHERE name = 'timer' RETURNING value")
            .bind(count)
            .fetch_one(&mut *connection)
            .await
            .map_err(sql("numbering timers"))?;
    let rows: Vec<(i64, &(CaseId, NextTimer))> = (last - count + 1..).zip(timers).collect();
    database::insert(connection, TIMERS, &rows, |row, (id, (case, timer))| {
        row.push_bind(*id)
            .push_bind(*case)
            .push_bind(timer.effect.key())
            .push_bind(timer.due_at.unix_ms());
    })
    .await
    .map_err(sql("storing timers"))
}

/// What is remembered of the clocks of cases.
pub(crate) async fn write_facts(
    connection: &mut Connection,
    facts: &[(CaseId, CaseFacts)],
) -> StoreResult<()> {
    database::insert(connection, FACTS, facts, |row, (case, facts)| {
        row.push_bind(*case).push_bind(to_json(facts));
    })
    .await
    .map_err(sql("storing clocks"))
}

/// The facts of these cases, where there are some.
pub(crate) async fn load_facts(
    connection: &mut Connection,
    ids: &[CaseId],
) -> StoreResult<HashMap<CaseId, CaseFacts>> {
    let mut facts = HashMap::new();
    for part in ids.chunks(LIST_MAX) {
        let mut statement = QueryBuilder::on(
            connection,
            "SELECT case_id, body FROM case_clocks WHERE case_id IN (",
        );
        statement.push_list(part.iter().copied());
        let rows = statement.build().fetch_all(&mut *connection).await;
        for row in rows.map_err(sql("loading clocks"))? {
            facts.insert(row.get(0), from_json("clock", row.get(1))?);
        }
    }
    Ok(facts)
}

/// These cases.
pub(crate) async fn load_cases(
    connection: &mut Connection,
    ids: &[CaseId],
) -> StoreResult<BTreeMap<CaseId, Case>> {
    let mut cases = BTreeMap::new();
    for part in ids.chunks(LIST_MAX) {
        let mut statement = QueryBuilder::on(connection, "SELECT body FROM cases WHERE id IN (");
        statement.push_list(part.iter().copied());
        let rows = statement.build().fetch_all(&mut *connection).await;
        for row in rows.map_err(sql("loading the cases of timers"))? {
            let case: Case = from_json("case", row.get(0))?;
            cases.insert(case.id, case);
        }
    }
    Ok(cases)
}

/// The pending timers of these cases.
pub(crate) async fn pending(
    connection: &mut Connection,
    ids: &[CaseId],
) -> StoreResult<HashMap<CaseId, Vec<Pending>>> {
    let mut pending: HashMap<CaseId, Vec<Pending>> = HashMap::new();
    for part in ids.chunks(LIST_MAX) {
        let mut statement = QueryBuilder::on(
            connection,
            "SELECT id, case_id, kind, due_at, attempts FROM case_timers WHERE fired_at IS NULL AND case_id IN (",
        );
        statement.push_list(part.iter().copied());
        let rows = statement.build().fetch_all(&mut *connection).await;
        for row in rows.map_err(sql("loading timers"))? {
            let timer = pending_row(&row);
            pending.entry(timer.case).or_default().push(timer);
        }
    }
    Ok(pending)
}

/// Cases that have events after this one.
pub(crate) async fn touched_since(
    connection: &mut Connection,
    event: i64,
) -> StoreResult<Vec<CaseId>> {
    let rows = query("SELECT DISTINCT case_id FROM events WHERE seq > $1 AND case_id IS NOT NULL")
        .bind(event)
        .fetch_all(connection)
        .await
        .map_err(sql("finding changed cases"))?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Open cases, and those whose figures were never worked out, after this one, in order.
pub(crate) async fn open_after(
    connection: &mut Connection,
    after: CaseId,
    limit: usize,
) -> StoreResult<Vec<CaseId>> {
    let rows = query("SELECT id FROM (SELECT id FROM cases WHERE id > $1 AND is_open = 1 ORDER BY id LIMIT $2) AS opened UNION SELECT id FROM (SELECT id FROM case_figures WHERE id > $1 AND is_current = 0 ORDER BY id LIMIT $2) AS old ORDER BY id LIMIT $2")
        .bind(after)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(connection)
        .await
        .map_err(sql("finding open cases"))?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

impl Store {
    /// When the next timer is due that nobody has put off; in the past when it is late.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn next_timer(&self, now: Timestamp) -> StoreResult<Option<Timestamp>> {
        let due: Option<i64> = query_scalar("SELECT due_at FROM case_timers WHERE fired_at IS NULL AND lease_until <= $1 ORDER BY due_at, id LIMIT 1")
            .bind(now.unix_ms())
            .fetch_optional(&self.readers)
            .await
            .map_err(sql("asking for the next timer"))?;
        Ok(due.map(time))
    }

    /// What is remembered of a case's clocks, if anything is.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn clock_facts(&self, id: CaseId) -> StoreResult<Option<CaseFacts>> {
        let body: Option<String> = query_scalar("SELECT body FROM case_clocks WHERE case_id = $1")
            .bind(id)
            .fetch_optional(&self.readers)
            .await
            .map_err(sql("reading the clocks of a case"))?;
        body.map(|body| from_json("clock", &body)).transpose()
    }
}
