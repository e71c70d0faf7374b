//! Hands the rows of an outbox out, one by one. Read-only; the agent may be running on it.

use std::path::Path;

use gridwatch_protocol::{Alert, Reading, Timestamp};
use sqlx::Row;

use super::open::open_for_reading;
use super::{AlertRow, OutboxError, RowState};

/// Rows read at once.
const PAGE: i64 = 500;

/// What is wanted. Everything that is given must hold.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Not older than this.
    pub since: Option<Timestamp>,
    /// Older than this.
    pub until: Option<Timestamp>,
    /// Of this device.
    pub device: Option<String>,
    /// Of this kind.
    pub kind: Option<String>,
    /// Only alert messages that the hub has not accepted.
    pub unsent: bool,
}

/// A row that is handed out.
#[derive(Debug)]
pub enum Exported {
    /// An alert message with its state.
    Alert(Box<AlertRow>),
    /// A reading that waits for the hub.
    Reading(Box<Reading>),
    /// A row that is there and cannot be read.
    Unreadable(String),
}

impl Filter {
    fn takes(&self, at: Timestamp, device: &str, kind: &str) -> bool {
        self.since.is_none_or(|since| at >= since)
            && self.until.is_none_or(|until| at < until)
            && self.device.as_deref().is_none_or(|wanted| wanted == device)
            && self.kind.as_deref().is_none_or(|wanted| wanted == kind)
    }
}

/// Hands out alert messages in the order of their numbers, until `take` fails.
///
/// # Errors
/// When the outbox cannot be read; what `take` says is handed back inside.
pub async fn export_alerts<E>(
    dir: &Path,
    filter: &Filter,
    mut take: impl FnMut(Exported) -> Result<(), E>,
) -> Result<Result<(), E>, OutboxError> {
    let reading = |error| OutboxError::database("reading alerts from the outbox", error);
    let pool = open_for_reading(dir).await?;
    let mut last = i64::MIN;
    loop {
        let rows = sqlx::query(
            "SELECT sequence, state, rejected_because, json FROM alerts
             WHERE sequence > ? AND (state = 0 OR NOT ?) ORDER BY sequence LIMIT ?",
        )
        .bind(last)
        .bind(filter.unsent)
        .bind(PAGE)
        .fetch_all(&pool)
        .await
        .map_err(reading)?;
        if rows.is_empty() {
            return Ok(Ok(()));
        }
        for row in &rows {
            last = row.try_get(0).map_err(reading)?;
            let state = match row.try_get::<i64, _>(1).map_err(reading)? {
                0 => RowState::Unsent,
                1 => RowState::Accepted,
                _ => RowState::Rejected {
                    reason: row
                        .try_get::<Option<String>, _>(2)
                        .map_err(reading)?
                        .unwrap_or_default(),
                },
            };
            let parsed = serde_json::from_str::<Alert>(row.try_get(3).map_err(reading)?);
            let exported = match parsed {
                Ok(alert)
                    if !filter.takes(alert.at, alert.device.as_str(), alert.kind.as_str()) =>
                {
                    continue;
                }
                Ok(alert) => Exported::Alert(Box::new(AlertRow { state, alert })),
                Err(error) => Exported::Unreadable(format!("alert message {last}: {error}")),
            };
            if let Err(error) = take(exported) {
                return Ok(Err(error));
            }
        }
    }
}

/// Hands out the readings that wait for the hub, the oldest first, until `take` fails.
///
/// # Errors
/// As [`export_alerts`].
pub async fn export_readings<E>(
    dir: &Path,
    filter: &Filter,
    mut take: impl FnMut(Exported) -> Result<(), E>,
) -> Result<Result<(), E>, OutboxError> {
    let reading = |error| OutboxError::database("reading readings from the outbox", error);
    let pool = open_for_reading(dir).await?;
    let mut last = i64::MIN;
    loop {
        let rows = sqlx::query("SELECT id, json FROM readings WHERE id > ? ORDER BY id LIMIT ?")
            .bind(last)
            .bind(PAGE)
            .fetch_all(&pool)
            .await
            .map_err(reading)?;
        if rows.is_empty() {
            return Ok(Ok(()));
        }
        for row in &rows {
            last = row.try_get(0).map_err(reading)?;
            let exported = match serde_json::from_str::<Reading>(row.try_get(1).map_err(reading)?) {
                Ok(r) if !filter.takes(r.at, r.device.as_str(), r.kind.as_str()) => continue,
                Ok(r) => Exported::Reading(Box::new(r)),
                Err(error) => Exported::Unreadable(format!("reading {last}: {error}")),
            };
            if let Err(error) = take(exported) {
                return Ok(Err(error));
            }
        }
    }
}
