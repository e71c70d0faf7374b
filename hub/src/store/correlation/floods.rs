//! Meters of desks, and floods with their figures.

use gridwatch_protocol::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::any::AnyRow;
use utoipa::ToSchema;

use crate::access::Scope;
use crate::correlation::flood::{Meter, Turn};
use crate::store::database::{Connection, QueryBuilder, query};
use crate::store::{Store, StoreResult, from_json, sql, time, to_json};

/// A flood of alarms at a desk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StoredFlood {
    /// Its number.
    pub id: i64,
    /// The desk: the way down to its area, such as `/990100/990101/990101001/`; empty: unknown places.
    pub desk: String,
    /// Since when.
    pub began_at: Timestamp,
    /// Until when; none while it lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Alarms in it, those that made it begin among them.
    pub alarms: i64,
    /// The most within ten minutes.
    pub peak: i64,
}

/// Which floods.
#[derive(Debug, Clone, Copy, Default)]
pub struct FloodFilter {
    /// Only those that last.
    pub lasting: bool,
    /// Only those that began at or after this.
    pub since: Option<Timestamp>,
    /// Only those before this number.
    pub before: Option<i64>,
    /// At most this many.
    pub limit: i64,
}

pub(super) async fn meter(connection: &mut Connection, desk: &str) -> StoreResult<Meter> {
    let row = query("SELECT body FROM flood_desks WHERE desk = $1")
        .bind(desk)
        .fetch_optional(connection)
        .await
        .map_err(sql("reading what a desk has had"))?;
    row.map_or_else(
        || Ok(Meter::default()),
        |row| from_json("meter", row.get(0)),
    )
}

pub(crate) async fn write_meter(
    connection: &mut Connection,
    desk: &str,
    meter: &Meter,
) -> StoreResult<()> {
    let flood = meter.flood;
    query("INSERT INTO flood_desks (desk, flood, body) VALUES ($1, $2, $3) ON CONFLICT (desk) DO UPDATE SET flood = excluded.flood, body = excluded.body")
        .bind(desk)
        .bind(flood.map(|flood| flood.id))
        .bind(to_json(meter))
        .execute(&mut *connection)
        .await
        .map_err(sql("storing what a desk has had"))?;
    let Some(flood) = flood else { return Ok(()) };
    query("UPDATE floods SET alarms = $2, peak = $3 WHERE id = $1")
        .bind(flood.id)
        .bind(i64::try_from(flood.alarms).unwrap_or(i64::MAX))
        .bind(i64::from(flood.peak))
        .execute(connection)
        .await
        .map(drop)
        .map_err(sql("storing a flood's figures"))
}

pub(crate) async fn turn(
    connection: &mut Connection,
    desk: &str,
    turn: Turn,
    now: Timestamp,
) -> StoreResult<()> {
    let (flood, ended_at) = match turn {
        Turn::Same => return Ok(()),
        Turn::Began(flood) => (flood, None),
        Turn::Ended(flood) => (flood, Some(now.unix_ms())),
    };
    query("INSERT INTO floods (id, desk, began_at, ended_at, alarms, peak) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO UPDATE SET ended_at = excluded.ended_at, alarms = excluded.alarms, peak = excluded.peak")
        .bind(flood.id)
        .bind(desk)
        .bind(flood.began_at.unix_ms())
        .bind(ended_at)
        .bind(i64::try_from(flood.alarms).unwrap_or(i64::MAX))
        .bind(i64::from(flood.peak))
        .execute(connection)
        .await
        .map(drop)
        .map_err(sql("storing a flood"))
}

/// The desks that are flooded, with what they have had.
pub(crate) async fn flooded(connection: &mut Connection) -> StoreResult<Vec<(String, Meter)>> {
    let rows = query("SELECT desk, body FROM flood_desks WHERE flood IS NOT NULL ORDER BY desk")
        .fetch_all(connection)
        .await
        .map_err(sql("finding flooded desks"))?;
    rows.iter()
        .map(|row| Ok((row.get(0), from_json("meter", row.get(1))?)))
        .collect()
}

impl Store {
    /// Floods of the desks that are seen, newest first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn floods(
        &self,
        filter: &FloodFilter,
        scope: &Scope,
    ) -> StoreResult<Vec<StoredFlood>> {
        let mut statement = QueryBuilder::new(
            "SELECT id, desk, began_at, ended_at, alarms, peak FROM floods WHERE id > 0",
        );
        if filter.lasting {
            statement.push(" AND ended_at IS NULL");
        }
        if let Some(since) = filter.since {
            statement
                .push(" AND began_at >= ")
                .push_bind(since.unix_ms());
        }
        if let Some(before) = filter.before {
            statement.push(" AND id < ").push_bind(before);
        }
        scope.push_path(&mut statement, "desk");
        statement
            .push(" ORDER BY id DESC LIMIT ")
            .push_bind(filter.limit);
        let rows = statement
            .build()
            .fetch_all(&self.readers)
            .await
            .map_err(sql("listing floods"))?;
        Ok(rows.iter().map(stored).collect())
    }

    /// One flood, if its desk is seen.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn flood(&self, id: i64, scope: &Scope) -> StoreResult<Option<StoredFlood>> {
        let mut statement = QueryBuilder::new(
            "SELECT id, desk, began_at, ended_at, alarms, peak FROM floods WHERE id = ",
        );
        statement.push_bind(id);
        scope.push_path(&mut statement, "desk");
        let row = statement
            .build()
            .fetch_optional(&self.readers)
            .await
            .map_err(sql("reading a flood"))?;
        Ok(row.as_ref().map(stored))
    }

    /// Whether any desk is flooded that an alarm could have ended since.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn flooded_desks(&self) -> StoreResult<Vec<(String, Meter)>> {
        let mut connection = self.connection().await?;
        flooded(&mut connection).await
    }
}

fn stored(row: &AnyRow) -> StoredFlood {
    StoredFlood {
        id: row.get(0),
        desk: row.get(1),
        began_at: time(row.get(2)),
        ended_at: row.get::<Option<i64>, _>(3).map(time),
        alarms: row.get(4),
        peak: row.get(5),
    }
}
