//! Events: what the live feed reads. Numbered without gaps, in the order of commits.

use gridwatch_protocol::{GatewayId, HubId, Timestamp};
use sqlx::Row;
use sqlx::any::AnyRow;

use super::commit::insert;
use super::database::{Connection, Frame, QueryBuilder, query, query_scalar};
use super::{Store, StoreResult, sql, time};
use crate::access::Scope;
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
    /// A flood that began or ended.
    Flood(i64),
    /// A desk, and what happened there.
    Desk {
        /// Name of the change.
        change: String,
    },
    /// A child hub, and what changed there.
    Child {
        /// Its id.
        hub: String,
        /// Which of its cases, by the life of its store and its number there; nothing when it is about the hub
        /// or about many cases at once.
        case: Option<(i64, CaseId)>,
        /// Name of the change.
        change: String,
    },
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

/// Takes numbers inside the transaction: they are given in the order of commits.
const TAKE: &str = "UPDATE counters SET value = value + $1 WHERE name = 'event' RETURNING value";
const EVENTS: Frame = ("INSERT INTO events (seq, at, change, case_id, gateway)", "");

pub(crate) async fn append_case_events(
    connection: &mut Connection,
    events: &[CaseEvent],
) -> StoreResult<()> {
    number_case_events(connection, events).await.map(drop)
}

/// As [`append_case_events`]; gives the number of the first, 0 when there is none.
pub(crate) async fn number_case_events(
    connection: &mut Connection,
    events: &[CaseEvent],
) -> StoreResult<i64> {
    if events.is_empty() {
        return Ok(0);
    }
    let first = take_numbers(connection, events.len()).await?;
    let rows: Vec<(i64, &CaseEvent)> = (first..).zip(events).collect();
    insert(
        connection,
        "storing events",
        EVENTS,
        &rows,
        |row, (seq, event)| {
            row.push_bind(*seq)
                .push_bind(event.at.unix_ms())
                .push_bind(event.change.as_str())
                .push_bind(Some(event.case))
                .push_bind(None::<String>);
        },
    )
    .await?;
    Ok(first)
}

/// An event of a desk at this place in the area tree; gives its number.
pub(crate) async fn append_desk_event(
    connection: &mut Connection,
    change: &str,
    area_path: &str,
    at: Timestamp,
) -> StoreResult<i64> {
    let seq = take_numbers(connection, 1).await?;
    query("INSERT INTO events (seq, at, change, area_path) VALUES ($1, $2, $3, $4)")
        .bind(seq)
        .bind(at.unix_ms())
        .bind(change)
        .bind(area_path)
        .execute(connection)
        .await
        .map_err(sql("storing an event of a desk"))?;
    Ok(seq)
}

/// Events about a child hub, each about one of its cases or, without one, about the hub. An event lies where its
/// case does, or where the hub does.
pub(crate) async fn append_child_events(
    connection: &mut Connection,
    hub: &HubId,
    cases: &[Option<(i64, CaseId)>],
    change: &str,
    at: Timestamp,
) -> StoreResult<()> {
    if cases.is_empty() {
        return Ok(());
    }
    let first = take_numbers(connection, cases.len()).await?;
    for (seq, case) in (first..).zip(cases) {
        query("INSERT INTO events (seq, at, change, child, child_epoch, child_case, area_path) VALUES ($1, $2, $3, $4, $5, $6, COALESCE((SELECT area_path FROM child_cases WHERE hub = $4 AND case_epoch = $5 AND case_id = $6), (SELECT area_path FROM child_hubs WHERE id = $4), ''))")
            .bind(seq)
            .bind(at.unix_ms())
            .bind(change)
            .bind(hub.as_str())
            .bind(case.map(|(epoch, _)| epoch))
            .bind(case.map(|(_, case)| case))
            .execute(&mut *connection)
            .await
            .map_err(sql("storing an event of a child hub"))?;
    }
    Ok(())
}

pub(crate) async fn append_gateway_event(
    connection: &mut Connection,
    gateway: &GatewayId,
    at: Timestamp,
) -> StoreResult<()> {
    let seq = take_numbers(connection, 1).await?;
    insert(
        connection,
        "storing an event",
        EVENTS,
        &[seq],
        |row, seq| {
            row.push_bind(*seq)
                .push_bind(at.unix_ms())
                .push_bind("gateway")
                .push_bind(None::<CaseId>)
                .push_bind(Some(gateway.as_str()));
        },
    )
    .await
}

pub(crate) async fn append_flood_event(
    connection: &mut Connection,
    flood: i64,
    at: Timestamp,
) -> StoreResult<()> {
    let seq = take_numbers(connection, 1).await?;
    query("INSERT INTO events (seq, at, change, flood) VALUES ($1, $2, 'flood', $3)")
        .bind(seq)
        .bind(at.unix_ms())
        .bind(flood)
        .execute(connection)
        .await
        .map(drop)
        .map_err(sql("storing an event"))
}

/// Takes so many numbers; gives the first.
async fn take_numbers(connection: &mut Connection, count: usize) -> StoreResult<i64> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let last: i64 = query_scalar(TAKE)
        .bind(count)
        .fetch_one(connection)
        .await
        .map_err(sql("numbering events"))?;
    Ok(last - count + 1)
}

impl Store {
    /// Number of the newest event; 0 when there is none.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn event_head(&self) -> StoreResult<i64> {
        query_scalar("SELECT value FROM counters WHERE name = 'event'")
            .fetch_one(&self.readers)
            .await
            .map_err(sql("reading the newest event"))
    }

    /// Events after `seq` up to `until` that are seen, in order, at most `limit`.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn events_between(
        &self,
        seq: i64,
        until: i64,
        limit: i64,
        scope: &Scope,
    ) -> StoreResult<Vec<StoredEvent>> {
        let mut query = QueryBuilder::new(
            "SELECT e.seq, e.at, e.change, e.case_id, e.gateway, e.flood, e.area_path, e.child, e.child_epoch, e.child_case FROM events e WHERE e.seq > ",
        );
        query.push_bind(seq).push(" AND e.seq <= ").push_bind(until);
        if !scope.is_whole() {
            query.push(" AND (EXISTS (SELECT 1 FROM cases c WHERE c.id = e.case_id");
            scope.push_cases(&mut query, "c.");
            query.push(") OR EXISTS (SELECT 1 FROM gateways g JOIN site_areas s ON s.site = g.site WHERE g.id = e.gateway");
            scope.push_path(&mut query, "s.area_path");
            query.push(") OR EXISTS (SELECT 1 FROM floods f WHERE f.id = e.flood");
            scope.push_path(&mut query, "f.desk");
            query.push(") OR (e.area_path IS NOT NULL");
            scope.push_path(&mut query, "e.area_path");
            query.push("))");
        }
        query.push(" ORDER BY e.seq LIMIT ").push_bind(limit);
        let rows = query
            .build()
            .fetch_all(&self.readers)
            .await
            .map_err(sql("reading events"))?;
        rows.iter().map(stored_event).collect()
    }

    /// Number of the oldest event that is kept; none when there is none.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn oldest_event(&self) -> StoreResult<Option<i64>> {
        query_scalar("SELECT MIN(seq) FROM events")
            .fetch_one(&self.readers)
            .await
            .map_err(sql("finding the oldest event"))
    }
}

fn stored_event(row: &AnyRow) -> StoreResult<StoredEvent> {
    let subject = match (
        row.get::<Option<CaseId>, _>(3),
        row.get::<Option<i64>, _>(5),
    ) {
        (Some(id), _) => Subject::Case {
            id,
            change: row.get(2),
        },
        (None, Some(flood)) => Subject::Flood(flood),
        (None, None) if row.get::<Option<&str>, _>(7).is_some() => Subject::Child {
            hub: row.get(7),
            case: row
                .get::<Option<i64>, _>(8)
                .zip(row.get::<Option<CaseId>, _>(9)),
            change: row.get(2),
        },
        (None, None) if row.get::<Option<&str>, _>(6).is_some() => {
            Subject::Desk { change: row.get(2) }
        }
        (None, None) => Subject::Gateway(super::intake::gateway_id(row.get(4))?),
    };
    Ok(StoredEvent {
        seq: row.get(0),
        at: time(row.get(1)),
        subject,
    })
}
