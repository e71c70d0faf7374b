//! What is read from the outbox.

use std::collections::HashMap;

use gridwatch_protocol::{Alert, AlertId, GapRecord, Reading, Timestamp};
use serde::Serialize;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection, SqlitePool};

use super::{OutboxError, RememberedDevice, Unsent};
use crate::detection::{EpisodeKey, OpenEpisode};

/// Source events remembered over a restart.
const SOURCE_EVENTS_MAX: i64 = 5_000;

/// What is waiting in the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Backlog {
    /// Alert messages not yet accepted.
    pub alerts: u64,
    /// Alert messages that the hub will not take.
    pub rejected: u64,
    /// Readings not yet accepted.
    pub readings: u64,
    /// Highest sequence number given out.
    pub last_sequence: u64,
    /// When the oldest message that is not accepted was stored.
    pub oldest_unsent_at: Option<Timestamp>,
    /// The lowest sequence number that is not accepted.
    pub oldest_unsent_sequence: Option<u64>,
}

/// State of a stored alert message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum RowState {
    /// Not yet accepted by the hub.
    Unsent,
    /// Accepted by the hub.
    Accepted,
    /// The hub will not take it.
    Rejected {
        /// Why.
        reason: String,
    },
}

/// A stored alert message.
#[derive(Debug, Clone, Serialize)]
pub struct AlertRow {
    /// Its state.
    #[serde(flatten)]
    pub state: RowState,
    /// The message.
    pub alert: Alert,
}

pub(super) async fn unsent_alerts(pool: &SqlitePool, limit: usize) -> Result<Unsent, OutboxError> {
    let work = async {
        let urgent = alerts(pool, "life_safety = 1 ORDER BY sequence DESC", limit).await?;
        let left = limit.saturating_sub(urgent.len());
        let other = alerts(pool, "life_safety = 0 ORDER BY sequence", left).await?;
        Ok::<_, sqlx::Error>(urgent.into_iter().chain(other).collect())
    };
    let alerts = work.await.map_err(reading)?;
    Ok(Unsent {
        alerts,
        ..Unsent::default()
    })
}

pub(super) async fn unsent_telemetry(
    pool: &SqlitePool,
    limit: usize,
) -> Result<Unsent, OutboxError> {
    let work = async {
        let rows = sqlx::query("SELECT id, json FROM readings ORDER BY id LIMIT ?")
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(pool)
            .await?;
        let readings = rows
            .iter()
            .map(|row| Ok((row.try_get(0)?, parse::<Reading>(row, 1)?)))
            .collect::<Result<_, sqlx::Error>>()?;
        let gaps = sqlx::query("SELECT id, count, from_ms, to_ms FROM gaps ORDER BY id LIMIT 100")
            .fetch_all(pool)
            .await?
            .iter()
            .map(gap)
            .collect::<Result<_, sqlx::Error>>()?;
        Ok::<_, sqlx::Error>((readings, gaps))
    };
    let (readings, gaps) = work.await.map_err(reading)?;
    Ok(Unsent {
        readings,
        gaps,
        ..Unsent::default()
    })
}

fn reading(error: sqlx::Error) -> OutboxError {
    OutboxError::database("reading from the outbox", error)
}

async fn alerts(
    pool: &SqlitePool,
    which: &'static str,
    limit: usize,
) -> Result<Vec<Alert>, sqlx::Error> {
    let sql = format!("SELECT json FROM alerts WHERE state = 0 AND {which} LIMIT ?");
    sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(pool)
        .await?
        .iter()
        .map(|row| parse(row, 0))
        .collect()
}

fn gap(row: &SqliteRow) -> Result<GapRecord, sqlx::Error> {
    let number = |index: usize| -> Result<u64, sqlx::Error> {
        Ok(u64::try_from(row.try_get::<i64, _>(index)?).unwrap_or(0))
    };
    Ok(GapRecord {
        id: number(0)?,
        class: "readings".to_owned(),
        count: number(1)?,
        from: Timestamp::from_unix_ms(row.try_get(2)?),
        to: Timestamp::from_unix_ms(row.try_get(3)?),
        reason: "disk budget or a damaged disk".to_owned(),
    })
}

fn parse<T: serde::de::DeserializeOwned>(row: &SqliteRow, index: usize) -> Result<T, sqlx::Error> {
    serde_json::from_str(row.try_get::<&str, _>(index)?)
        .map_err(|error| sqlx::Error::Decode(error.into()))
}

pub(super) async fn backlog(pool: &SqlitePool) -> Result<Backlog, OutboxError> {
    let row = sqlx::query(
        "SELECT (SELECT COUNT(*) FROM alerts WHERE state = 0), (SELECT COUNT(*) FROM alerts WHERE state = 2),
                (SELECT COUNT(*) FROM readings), (SELECT last_sequence FROM meta),
                (SELECT MIN(stored_ms) FROM alerts WHERE state = 0), (SELECT MIN(sequence) FROM alerts WHERE state = 0)",
    )
    .fetch_one(pool)
    .await
    .map_err(|error| OutboxError::database("counting the outbox", error))?;
    let number = |index: usize| u64::try_from(row.get::<i64, _>(index)).unwrap_or(0);
    Ok(Backlog {
        alerts: number(0),
        rejected: number(1),
        readings: number(2),
        last_sequence: number(3),
        oldest_unsent_at: row.get::<Option<i64>, _>(4).map(Timestamp::from_unix_ms),
        oldest_unsent_sequence: row
            .get::<Option<i64>, _>(5)
            .and_then(|sequence| u64::try_from(sequence).ok()),
    })
}

pub(super) async fn list(pool: &SqlitePool, limit: u32) -> Result<Vec<AlertRow>, OutboxError> {
    let work = async {
        sqlx::query(
            "SELECT state, rejected_because, json FROM alerts ORDER BY sequence DESC LIMIT ?",
        )
        .bind(limit)
        .fetch_all(pool)
        .await?
        .iter()
        .map(|row| {
            Ok(AlertRow {
                state: row_state(row)?,
                alert: parse(row, 2)?,
            })
        })
        .collect::<Result<Vec<_>, sqlx::Error>>()
    };
    work.await
        .map_err(|error| OutboxError::database("listing the outbox", error))
}

/// What became of the raising of alerts, and when the hub's answer was kept; those that are not in the
/// outbox (yet) are left out.
pub(super) async fn fate(
    pool: &SqlitePool,
    alerts: &[AlertId],
) -> Result<Vec<(AlertId, RowState, Option<Timestamp>)>, OutboxError> {
    let mut fates = Vec::with_capacity(alerts.len());
    for alert in alerts {
        let row = sqlx::query(
            "SELECT state, rejected_because, settled_ms FROM alerts WHERE alert_id = ? AND revision = 0",
        )
        .bind(alert.to_string())
        .fetch_optional(pool)
        .await
        .map_err(reading)?;
        let Some(row) = row else { continue };
        let state = row_state(&row).map_err(reading)?;
        let at: Option<i64> = row.try_get(2).map_err(reading)?;
        fates.push((*alert, state, at.map(Timestamp::from_unix_ms)));
    }
    Ok(fates)
}

/// Reads `state, rejected_because`.
fn row_state(row: &SqliteRow) -> Result<RowState, sqlx::Error> {
    Ok(match row.try_get::<i64, _>(0)? {
        0 => RowState::Unsent,
        1 => RowState::Accepted,
        _ => RowState::Rejected {
            reason: row.try_get::<Option<String>, _>(1)?.unwrap_or_default(),
        },
    })
}

/// The newest alert messages of an outbox that another process may be writing.
///
/// # Errors
/// When it cannot be read.
pub async fn look(
    dir: &std::path::Path,
    limit: u32,
) -> Result<(Backlog, Vec<AlertRow>), OutboxError> {
    let pool = super::open::open_for_reading(dir).await?;
    Ok((backlog(&pool).await?, list(&pool, limit).await?))
}

pub(super) async fn episodes(
    connection: &mut SqliteConnection,
) -> Result<Vec<OpenEpisode>, sqlx::Error> {
    sqlx::query("SELECT json FROM episodes")
        .fetch_all(connection)
        .await?
        .iter()
        .map(|row| parse(row, 0))
        .collect()
}

pub(super) async fn devices(
    connection: &mut SqliteConnection,
) -> Result<Vec<RememberedDevice>, sqlx::Error> {
    let rows = sqlx::query("SELECT device, facts FROM devices")
        .fetch_all(connection)
        .await?;
    let devices = rows.iter().filter_map(|row| {
        Some(RememberedDevice {
            device: row.try_get::<String, _>(0).ok()?.parse().ok()?,
            facts: serde_json::from_str(&row.try_get::<String, _>(1).ok()?).ok()?,
        })
    });
    Ok(devices.collect())
}

pub(super) async fn source_events(
    connection: &mut SqliteConnection,
) -> Result<HashMap<EpisodeKey, Vec<String>>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT episode, source_event FROM alerts WHERE source_event IS NOT NULL AND revision = 0
         ORDER BY sequence DESC LIMIT ?",
    )
    .bind(SOURCE_EVENTS_MAX)
    .fetch_all(connection)
    .await?;
    let mut events: HashMap<EpisodeKey, Vec<String>> = HashMap::new();
    for row in &rows {
        let key: String = row.try_get(0)?;
        if let Some(key) = EpisodeKey::from_text(&key) {
            events.entry(key).or_default().push(row.try_get(1)?);
        }
    }
    Ok(events)
}
