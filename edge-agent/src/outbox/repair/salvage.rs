//! Reads every row that can be read out of a damaged file.
//!
//! From the front until a page cannot be read, then from the back, then number by number in between: a
//! damaged page costs the rows on it, and no others. A row counts only when its text is what it must be.

use std::collections::BTreeMap;
use std::path::Path;

use gridwatch_protocol::{Alert, Reading};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqlitePool};
use uuid::Uuid;

use super::super::open::open_for_reading;
use crate::detection::OpenEpisode;

/// Rows read at once.
const PAGE: i64 = 200;
/// Numbers tried one by one between the front and the back, at most: some seconds of work.
const TRIES_MAX: i64 = 500_000;
/// Losses that are listed.
const LOSSES_MAX: usize = 100;

/// An alert message with its state.
pub(super) struct SavedAlert {
    pub(super) sequence: i64,
    pub(super) state: i64,
    pub(super) rejected_because: Option<String>,
    pub(super) settled_ms: Option<i64>,
    pub(super) stored_ms: i64,
    pub(super) episode: String,
    pub(super) message: Alert,
}

/// What was saved.
#[derive(Default)]
pub(super) struct Salvaged {
    pub(super) stream: Option<Uuid>,
    pub(super) boot_epoch: i64,
    pub(super) last_sequence: i64,
    pub(super) last_gap: i64,
    pub(super) alerts: Vec<SavedAlert>,
    pub(super) alerts_lost: u64,
    /// Number, time and text.
    pub(super) readings: Vec<(i64, i64, String)>,
    /// Number, count, from and to.
    pub(super) gaps: Vec<(i64, i64, i64, i64)>,
    pub(super) episodes: Vec<(String, String)>,
    pub(super) devices: Vec<(String, String)>,
    pub(super) losses: Vec<String>,
    alerts_are_whole: bool,
    readings_unreadable: u64,
}

impl Salvaged {
    fn lose(&mut self, what: impl Into<String>) {
        if self.losses.len() < LOSSES_MAX {
            self.losses.push(what.into());
        }
    }

    /// Takes note of numbers that should be there and are not.
    pub(super) fn note_missing(&mut self, ranges: &[(i64, i64)]) {
        if ranges.is_empty() {
            return;
        }
        self.alerts_are_whole = false;
        if self.alerts_lost == 0 {
            let count: i64 = ranges.iter().map(|(from, to)| to - from + 1).sum();
            self.alerts_lost = u64::try_from(count).unwrap_or(0);
        }
    }

    /// Why the identity cannot stay.
    pub(super) fn why_new_stream(&self) -> Option<String> {
        let highest = self.alerts.last().map_or(0, |alert| alert.sequence);
        if self.stream.is_none() {
            Some("its identity and its count of messages cannot be read".to_owned())
        } else if highest > self.last_sequence {
            Some("its count of messages is behind the messages in it".to_owned())
        } else if !self.alerts_are_whole {
            Some("alert messages may be missing, and a number must never be given twice".to_owned())
        } else {
            None
        }
    }

    /// Numbers the messages from 1, in their order.
    pub(super) fn number_anew(&mut self) {
        for (number, alert) in (1_i64..).zip(&mut self.alerts) {
            alert.sequence = number;
            alert.message.sequence = u64::try_from(number).ok();
        }
        self.last_sequence = i64::try_from(self.alerts.len()).unwrap_or(i64::MAX);
    }

    /// Readings are numbered without gaps, and given up from the front only: a gap is a loss.
    pub(super) fn readings_lost(&self) -> u64 {
        let (Some(first), Some(last)) = (self.readings.first(), self.readings.last()) else {
            return self.readings_unreadable;
        };
        let span = u64::try_from(last.0 - first.0 + 1).unwrap_or(0);
        span.saturating_sub(self.readings.len() as u64)
    }
}

/// Reads what can be read. Never fails: a file of which nothing can be read gives nothing.
pub(super) async fn salvage(dir: &Path) -> Salvaged {
    let mut saved = Salvaged::default();
    let pool = match open_for_reading(dir).await {
        Ok(pool) => pool,
        Err(error) => {
            saved.lose(format!(
                "nothing can be read: {}",
                crate::uplink::chain(&error)
            ));
            return saved;
        }
    };
    meta(&pool, &mut saved).await;
    alerts(&pool, &mut saved).await;
    readings(&pool, &mut saved).await;
    rest(&pool, &mut saved).await;
    pool.close().await;
    saved
}

async fn meta(pool: &SqlitePool, saved: &mut Salvaged) {
    let row: Result<(String, i64, i64, i64), _> =
        sqlx::query_as("SELECT stream, boot_epoch, last_sequence, last_gap FROM meta")
            .fetch_one(pool)
            .await;
    match row {
        Ok((stream, boot_epoch, last_sequence, last_gap)) => {
            saved.stream = Uuid::parse_str(&stream).ok();
            saved.boot_epoch = boot_epoch.max(0);
            saved.last_sequence = last_sequence.max(0);
            saved.last_gap = last_gap.max(0);
        }
        Err(error) => saved.lose(format!("the identity of the outbox: {error}")),
    }
}

async fn alerts(pool: &SqlitePool, saved: &mut Salvaged) {
    let table = Table {
        columns: "sequence, alert_id, state, rejected_because, settled_ms, stored_ms, episode, json",
        name: "alerts",
        key: "sequence",
    };
    let rows = table.rows(pool, saved.last_sequence).await;
    saved.alerts_are_whole = rows.errors.is_empty();
    for error in rows.errors {
        saved.lose(format!("alert messages: {error}"));
    }
    for (number, row) in rows.found {
        match alert(&row) {
            Ok(alert) => saved.alerts.push(alert),
            Err(why) => {
                saved.alerts_are_whole = false;
                saved.alerts_lost += 1;
                saved.lose(format!("alert message {number}: {why}"));
            }
        }
    }
    saved.alerts_lost += rows.unreadable;
    let highest = saved
        .alerts
        .iter()
        .map(|alert| i64::try_from(alert.message.boot_epoch).unwrap_or(0))
        .max();
    saved.boot_epoch = saved.boot_epoch.max(highest.unwrap_or(0));
}

fn alert(row: &SqliteRow) -> Result<SavedAlert, String> {
    let read = || -> Result<(SavedAlert, String), sqlx::Error> {
        let message = serde_json::from_str::<Alert>(row.try_get(7)?)
            .map_err(|e| sqlx::Error::Decode(e.into()))?;
        Ok((
            SavedAlert {
                sequence: row.try_get(0)?,
                state: row.try_get(2)?,
                rejected_because: row.try_get(3)?,
                settled_ms: row.try_get(4)?,
                stored_ms: row.try_get(5)?,
                episode: row.try_get(6)?,
                message,
            },
            row.try_get(1)?,
        ))
    };
    let (alert, id) = read().map_err(|error| error.to_string())?;
    let agrees = alert.message.id.to_string() == id
        && alert.message.sequence.and_then(|s| i64::try_from(s).ok()) == Some(alert.sequence)
        && (0..=2).contains(&alert.state);
    if agrees {
        Ok(alert)
    } else {
        Err("its columns and its text disagree".to_owned())
    }
}

async fn readings(pool: &SqlitePool, saved: &mut Salvaged) {
    let table = Table {
        columns: "id, at_ms, json",
        name: "readings",
        key: "id",
    };
    let highest =
        sqlx::query_scalar::<_, i64>("SELECT seq FROM sqlite_sequence WHERE name = 'readings'")
            .fetch_optional(pool)
            .await;
    let rows = table.rows(pool, highest.ok().flatten().unwrap_or(0)).await;
    for error in rows.errors {
        saved.lose(format!("readings: {error}"));
    }
    saved.readings_unreadable = rows.unreadable;
    for (id, row) in rows.found {
        let read = || -> Result<(i64, i64, String), sqlx::Error> {
            Ok((id, row.try_get(1)?, row.try_get(2)?))
        };
        match read() {
            Ok(reading) if serde_json::from_str::<Reading>(&reading.2).is_ok() => {
                saved.readings.push(reading)
            }
            _ => saved.readings_unreadable += 1,
        }
    }
}

async fn rest(pool: &SqlitePool, saved: &mut Salvaged) {
    match sqlx::query_as("SELECT id, count, from_ms, to_ms FROM gaps ORDER BY id")
        .fetch_all(pool)
        .await
    {
        Ok(gaps) => saved.gaps = gaps,
        Err(error) => saved.lose(format!("gaps that the hub was not told: {error}")),
    }
    match pairs(pool, "SELECT key, json FROM episodes ORDER BY key").await {
        Ok(episodes) => {
            let is_one =
                |(_, json): &(String, String)| serde_json::from_str::<OpenEpisode>(json).is_ok();
            saved.episodes = episodes.into_iter().filter(is_one).collect();
        }
        Err(error) => saved.lose(format!(
            "open episodes: {error}; alarms that are still there are raised again"
        )),
    }
    let mut devices = pairs(pool, "SELECT device, facts FROM devices ORDER BY device").await;
    if devices.is_err() {
        // A file of the first version, whose devices have a profile and nothing else.
        let first = "SELECT device, json_object('by', profile) FROM devices ORDER BY device";
        devices = pairs(pool, first).await.or(devices);
    }
    match devices {
        Ok(devices) => saved.devices = devices,
        Err(error) => saved.lose(format!(
            "devices: {error}; they are known again when they are heard"
        )),
    }
}

async fn pairs(pool: &SqlitePool, sql: &'static str) -> Result<Vec<(String, String)>, sqlx::Error> {
    sqlx::query_as(sql).fetch_all(pool).await
}

/// A table whose rows are numbered.
struct Table {
    columns: &'static str,
    name: &'static str,
    key: &'static str,
}

#[derive(Default)]
struct Rows {
    found: BTreeMap<i64, SqliteRow>,
    /// What SQLite said, once each.
    errors: Vec<String>,
    /// Numbers that are surely there and cannot be read.
    unreadable: u64,
}

impl Table {
    /// All rows that can be read; `highest` is the highest number that was given, if known.
    async fn rows(&self, pool: &SqlitePool, highest: i64) -> Rows {
        let mut rows = Rows::default();
        let front = self.walk(pool, &mut rows, "ASC", 0).await;
        if !rows.errors.is_empty() {
            let back = self.walk(pool, &mut rows, "DESC", i64::MAX).await;
            let back = if back == i64::MAX {
                highest.saturating_add(1)
            } else {
                back
            };
            self.between(pool, &mut rows, front, back).await;
        }
        rows
    }

    /// From one end until a row cannot be read; the last number that could be.
    async fn walk(&self, pool: &SqlitePool, rows: &mut Rows, order: &str, from: i64) -> i64 {
        let beyond = if order == "ASC" { ">" } else { "<" };
        let Self { columns, name, key } = self;
        let sql = format!(
            "SELECT {columns} FROM {name} WHERE {key} {beyond} ? ORDER BY {key} {order} LIMIT ?"
        );
        let mut last = from;
        let mut page = PAGE;
        loop {
            let read = sqlx::query(sqlx::AssertSqlSafe(sql.clone()))
                .bind(last)
                .bind(page)
                .fetch_all(pool)
                .await;
            match read {
                Ok(found) if found.is_empty() => return last,
                Ok(found) => {
                    for row in found {
                        let Ok(number) = row.try_get::<i64, _>(0) else {
                            return last;
                        };
                        last = number;
                        rows.found.insert(number, row);
                    }
                }
                // A page of one row finds the last that can be read.
                Err(_) if page > 1 => page = 1,
                Err(error) => {
                    let error = error.to_string();
                    if !rows.errors.contains(&error) {
                        rows.errors.push(error);
                    }
                    return last;
                }
            }
        }
    }

    async fn between(&self, pool: &SqlitePool, rows: &mut Rows, front: i64, back: i64) {
        let Self { columns, name, key } = self;
        let sql = format!("SELECT {columns} FROM {name} WHERE {key} = ?");
        let end = back.min(front.saturating_add(TRIES_MAX));
        for number in front.saturating_add(1)..end {
            let read = sqlx::query(sqlx::AssertSqlSafe(sql.clone()))
                .bind(number)
                .fetch_optional(pool)
                .await;
            match read {
                Ok(Some(row)) => {
                    rows.found.insert(number, row);
                }
                Ok(None) => {}
                Err(_) => rows.unreadable += 1,
            }
        }
    }
}
