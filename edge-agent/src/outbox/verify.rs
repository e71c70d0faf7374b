//! Looks whether an outbox is whole. Read-only; the agent may be running on it.
//!
//! Checked are the file itself (SQLite's own check), the numbers (no alert message is missing that was
//! not accepted and cleaned up), and that every row is what the agent takes it for.

use std::path::Path;

use gridwatch_protocol::{Alert, Reading, Timestamp};
use serde::Serialize;
use sqlx::{Row, SqlitePool};
use uuid::Uuid;

use super::open::{SCHEMA, open_for_reading};
use super::{OutboxError, RememberedDevice};
use crate::detection::OpenEpisode;

/// Complaints of SQLite that are listed.
const COMPLAINTS_MAX: u32 = 50;
/// Problems that are listed; more are counted.
const PROBLEMS_MAX: usize = 200;
/// Rows read at once.
const PAGE: i64 = 500;

/// What was found.
#[derive(Debug, Default, Serialize)]
pub struct Verified {
    /// Whether nothing is wrong.
    pub good: bool,
    /// Everything that is wrong, one sentence each.
    pub problems: Vec<String>,
    /// Problems over the number that is listed.
    pub more_problems: u64,
    /// Version of the tables.
    pub schema: i64,
    /// Identity of the file.
    pub stream: Option<Uuid>,
    /// Starts on the file.
    pub boot_epoch: i64,
    /// Highest sequence number given out.
    pub last_sequence: i64,
    /// Alert messages in it.
    pub alerts: u64,
    /// Readings in it.
    pub readings: u64,
    /// Open episodes.
    pub episodes: u64,
    /// Devices that it remembers.
    pub devices: u64,
    /// Ranges of sequence numbers that are not in it because the hub accepted them and their time was
    /// over, as far as can be told.
    pub cleaned_up: Vec<(i64, i64)>,
    /// Ranges of sequence numbers that must be in it and are not.
    pub missing: Vec<(i64, i64)>,
}

impl Verified {
    fn problem(&mut self, problem: impl Into<String>) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(problem.into());
        } else {
            self.more_problems += 1;
        }
    }
}

/// Checks the outbox in a folder. `keep_accepted_ms` is how long accepted messages are kept; `now`
/// decides which of the missing ones can have been cleaned up.
///
/// # Errors
/// When there is no outbox, or it cannot be opened at all.
pub async fn verify(
    dir: &Path,
    keep_accepted_ms: i64,
    now: Timestamp,
) -> Result<Verified, OutboxError> {
    let pool = open_for_reading(dir).await?;
    let mut found = Verified::default();
    let complaints = sqlx::query_scalar::<_, String>(sqlx::AssertSqlSafe(format!(
        "PRAGMA integrity_check({COMPLAINTS_MAX})"
    )))
    .fetch_all(&pool)
    .await;
    match complaints {
        Ok(lines) => {
            for line in lines.iter().flat_map(|text| text.lines()) {
                if line != "ok" {
                    found.problem(format!("SQLite: {line}"));
                }
            }
        }
        Err(error) => found.problem(format!("SQLite cannot check the file: {error}")),
    }
    check(
        "reading the identity",
        meta(&pool, &mut found).await,
        &mut found,
    );
    let alerts = alerts(&pool, keep_accepted_ms, now, &mut found).await;
    check("reading the alerts", alerts, &mut found);
    let readings = readings(&pool, &mut found).await;
    check("reading the readings", readings, &mut found);
    let rest = episodes_and_devices(&pool, &mut found).await;
    check("reading episodes and devices", rest, &mut found);
    pool.close().await;
    found.good = found.problems.is_empty();
    Ok(found)
}

fn check(doing: &str, outcome: Result<(), sqlx::Error>, found: &mut Verified) {
    if let Err(error) = outcome {
        found.problem(format!("{doing}: {error}"));
    }
}

async fn meta(pool: &SqlitePool, found: &mut Verified) -> Result<(), sqlx::Error> {
    found.schema = sqlx::query_scalar("PRAGMA user_version")
        .fetch_one(pool)
        .await?;
    if found.schema != SCHEMA {
        let schema = found.schema;
        found.problem(format!(
            "the tables have version {schema}, this agent knows {SCHEMA}"
        ));
    }
    let row = sqlx::query("SELECT stream, boot_epoch, last_sequence FROM meta")
        .fetch_one(pool)
        .await?;
    let stream: String = row.try_get(0)?;
    found.boot_epoch = row.try_get(1)?;
    found.last_sequence = row.try_get(2)?;
    match Uuid::parse_str(&stream) {
        Ok(stream) => found.stream = Some(stream),
        Err(_) => found.problem(format!("the identity `{stream}` is no UUID")),
    }
    if found.boot_epoch < 1 || found.last_sequence < 0 {
        found.problem("the count of starts or of messages is below its beginning");
    }
    Ok(())
}

async fn alerts(
    pool: &SqlitePool,
    keep_ms: i64,
    now: Timestamp,
    found: &mut Verified,
) -> Result<(), sqlx::Error> {
    let mut last = 0_i64;
    // What was stored after this cannot have been accepted and cleaned up.
    let kept_since = now.unix_ms().saturating_sub(keep_ms);
    let mut stored = i64::MIN;
    loop {
        let rows = sqlx::query(
            "SELECT sequence, alert_id, revision, life_safety, state, stored_ms, json FROM alerts
             WHERE sequence > ? ORDER BY sequence LIMIT ?",
        )
        .bind(last)
        .bind(PAGE)
        .fetch_all(pool)
        .await?;
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            let sequence: i64 = row.try_get(0)?;
            note_gap(found, last + 1, sequence - 1, stored >= kept_since);
            last = sequence;
            stored = row.try_get(5)?;
            found.alerts += 1;
            if let Err(why) = same(row) {
                found.problem(format!("alert message {sequence}: {why}"));
            }
        }
    }
    let last_given = found.last_sequence;
    if last > last_given {
        found.problem(format!(
            "alert message {last} is in the file, but only {last_given} were given out: numbers would be given twice"
        ));
    }
    note_gap(
        found,
        last + 1,
        last_given,
        found.alerts > 0 && stored >= kept_since,
    );
    Ok(())
}

fn note_gap(found: &mut Verified, from: i64, to: i64, must_be_there: bool) {
    if from > to {
        return;
    }
    if must_be_there {
        found.missing.push((from, to));
        found.problem(format!(
            "alert messages {from} to {to} are missing, and are too young to have been cleaned up"
        ));
    } else if found.cleaned_up.len() < PROBLEMS_MAX {
        found.cleaned_up.push((from, to));
    }
}

/// Whether the columns say what the message says.
fn same(row: &sqlx::sqlite::SqliteRow) -> Result<(), String> {
    let text: &str = row.try_get(6).map_err(|error| error.to_string())?;
    let alert: Alert =
        serde_json::from_str(text).map_err(|error| format!("is no message: {error}"))?;
    let number = |index: usize| {
        row.try_get::<i64, _>(index)
            .map_err(|error| error.to_string())
    };
    let id: &str = row.try_get(1).map_err(|error| error.to_string())?;
    let agrees = alert.id.to_string() == id
        && alert.sequence.and_then(|s| i64::try_from(s).ok()) == Some(number(0)?)
        && i64::from(alert.revision) == number(2)?
        && i64::from(alert.is_life_safety()) == number(3)?
        && (0..=2).contains(&number(4)?);
    if agrees {
        Ok(())
    } else {
        Err("its columns and its text disagree".to_owned())
    }
}

async fn readings(pool: &SqlitePool, found: &mut Verified) -> Result<(), sqlx::Error> {
    let mut last = i64::MIN;
    loop {
        let rows = sqlx::query("SELECT id, json FROM readings WHERE id > ? ORDER BY id LIMIT ?")
            .bind(last)
            .bind(PAGE)
            .fetch_all(pool)
            .await?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in &rows {
            last = row.try_get(0)?;
            found.readings += 1;
            if let Err(error) = serde_json::from_str::<Reading>(row.try_get(1)?) {
                found.problem(format!("reading {last}: is none: {error}"));
            }
        }
    }
}

async fn episodes_and_devices(pool: &SqlitePool, found: &mut Verified) -> Result<(), sqlx::Error> {
    let episodes: Vec<(String, String)> = sqlx::query_as("SELECT key, json FROM episodes")
        .fetch_all(pool)
        .await?;
    for (key, json) in &episodes {
        found.episodes += 1;
        if let Err(error) = serde_json::from_str::<OpenEpisode>(json) {
            found.problem(format!("open episode `{key}`: is none: {error}"));
        }
    }
    let devices: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM devices")
        .fetch_one(pool)
        .await?;
    found.devices = u64::try_from(devices).unwrap_or(0);
    Ok(())
}

/// The devices and open episodes that an outbox remembers; the agent may be running on it.
///
/// # Errors
/// When it cannot be read.
pub async fn remembered(
    dir: &Path,
) -> Result<(Vec<RememberedDevice>, Vec<OpenEpisode>), OutboxError> {
    let pool = open_for_reading(dir).await?;
    let work = async {
        let mut connection = pool.acquire().await?;
        let devices = super::query::devices(&mut connection).await?;
        let episodes = super::query::episodes(&mut connection).await?;
        Ok::<_, sqlx::Error>((devices, episodes))
    };
    work.await
        .map_err(|error| OutboxError::database("reading what the outbox remembers", error))
}
