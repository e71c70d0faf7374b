//! Makes a whole outbox out of a damaged one: every row that can be read goes into a fresh file.
//!
//! The identity (stream id) stays only when no alert message can be missing: all numbers are there, and
//! the count of given numbers was read. Otherwise the fresh file gets an identity of its own and its
//! messages are numbered anew from 1, because a number must never be given twice; the alerts keep
//! their ids, by which the hub knows those that it has.
//!
//! It must never change or delete the damaged file: it is read through a read-only connection and then
//! moved aside as it is, with its WAL. A power cut during the last steps leaves either the damaged file
//! in its place, or none: the agent then begins a fresh one, and everything is still in the files aside.

mod salvage;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gridwatch_protocol::{StreamId, Timestamp};
use serde::Serialize;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use uuid::Uuid;

use super::open::{SCHEMA, Synchronous, UPGRADES, connect_options, lock};
use super::{OutboxError, verify};
use salvage::{Salvaged, salvage};

/// What was saved and what was lost.
#[derive(Debug, Serialize)]
pub struct Repaired {
    /// Where the damaged file is now; `None` when nothing was wrong and nothing was done.
    pub aside: Option<PathBuf>,
    /// Identity of the file now.
    pub stream: StreamId,
    /// Whether that is the identity from before.
    pub same_stream: bool,
    /// Why it is not, if so.
    pub because: Option<String>,
    /// Alert messages that were saved.
    pub alerts: usize,
    /// Those of them that the hub has not accepted.
    pub alerts_unsent: usize,
    /// Alert messages known to be lost.
    pub alerts_lost: u64,
    /// Readings that were saved.
    pub readings: usize,
    /// Readings known to be lost; the hub is told a gap.
    pub readings_lost: u64,
    /// Open episodes that were saved.
    pub episodes: usize,
    /// Devices that were saved.
    pub devices: usize,
    /// What could not be read, one sentence each.
    pub losses: Vec<String>,
}

/// Repairs the outbox in a folder. The agent must not be running on it.
///
/// # Errors
/// When the agent is running, there is no outbox, or the fresh file cannot be written.
pub async fn repair(
    dir: &Path,
    keep_accepted_ms: i64,
    now: Timestamp,
    always: bool,
) -> Result<Repaired, OutboxError> {
    let file = dir.join("outbox.db");
    let folder = |source: std::io::Error| OutboxError::Folder {
        path: file.clone(),
        source: Arc::new(source),
    };
    std::fs::metadata(&file).map_err(folder)?;
    let held = lock(dir)?;
    let verified = verify::verify(dir, keep_accepted_ms, now).await;
    let is_whole = verified.as_ref().is_ok_and(|verified| verified.good);
    if let (Ok(verified), true, false) = (&verified, is_whole, always) {
        return Ok(nothing_to_do(verified));
    }
    let mut saved = salvage(dir).await;
    if let Ok(verified) = &verified {
        saved.note_missing(&verified.missing);
    }
    let fresh = dir.join("outbox.db.fresh");
    remove(&fresh).map_err(folder)?;
    let mut repaired = write(&fresh, saved, now).await?;
    own_as(&fresh, &file).map_err(folder)?;
    repaired.aside = Some(put_in_place(dir, &fresh, now).map_err(folder)?);
    drop(held);
    Ok(repaired)
}

fn nothing_to_do(verified: &verify::Verified) -> Repaired {
    let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    Repaired {
        aside: None,
        stream: StreamId(verified.stream.unwrap_or_default()),
        same_stream: true,
        because: None,
        alerts: count(verified.alerts),
        alerts_unsent: 0,
        alerts_lost: 0,
        readings: count(verified.readings),
        readings_lost: 0,
        episodes: count(verified.episodes),
        devices: count(verified.devices),
        losses: Vec::new(),
    }
}

async fn write(fresh: &Path, mut saved: Salvaged, now: Timestamp) -> Result<Repaired, OutboxError> {
    let because = saved.why_new_stream();
    let stream = match (&because, saved.stream) {
        (None, Some(stream)) => stream,
        _ => {
            saved.number_anew();
            Uuid::new_v4()
        }
    };
    let work = async {
        let mut connection = connect_options(fresh, Synchronous::Full).connect().await?;
        insert(&mut connection, &saved, stream, now).await?;
        connection.close().await
    };
    work.await
        .map_err(|error| OutboxError::database(format!("writing `{}`", fresh.display()), error))?;
    Ok(Repaired {
        aside: None,
        stream: StreamId(stream),
        same_stream: because.is_none(),
        because,
        alerts: saved.alerts.len(),
        alerts_unsent: saved.alerts.iter().filter(|alert| alert.state == 0).count(),
        alerts_lost: saved.alerts_lost,
        readings: saved.readings.len(),
        readings_lost: saved.readings_lost(),
        episodes: saved.episodes.len(),
        devices: saved.devices.len(),
        losses: saved.losses,
    })
}

async fn insert(
    connection: &mut SqliteConnection,
    saved: &Salvaged,
    stream: Uuid,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin().await?;
    for step in UPGRADES {
        sqlx::raw_sql(step).execute(&mut *transaction).await?;
    }
    let last = saved
        .last_sequence
        .max(saved.alerts.last().map_or(0, |alert| alert.sequence));
    let lost = saved.readings_lost();
    let gaps = saved
        .gaps
        .iter()
        .map(|gap| gap.0)
        .max()
        .unwrap_or(0)
        .max(saved.last_gap);
    sqlx::query("INSERT INTO meta VALUES (1, ?, ?, ?, ?)")
        .bind(stream.to_string())
        .bind(saved.boot_epoch)
        .bind(last)
        .bind(gaps + i64::from(lost > 0))
        .execute(&mut *transaction)
        .await?;
    for alert in &saved.alerts {
        sqlx::query("INSERT INTO alerts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
            .bind(alert.sequence)
            .bind(alert.message.id.to_string())
            .bind(alert.message.revision)
            .bind(alert.message.is_life_safety())
            .bind(alert.state)
            .bind(&alert.rejected_because)
            .bind(alert.settled_ms)
            .bind(alert.stored_ms)
            .bind(&alert.episode)
            .bind(&alert.message.source_event)
            .bind(serde_json::to_string(&alert.message).map_err(|e| sqlx::Error::Encode(e.into()))?)
            .execute(&mut *transaction)
            .await?;
    }
    for (id, at_ms, json) in &saved.readings {
        sqlx::query("INSERT INTO readings VALUES (?, ?, ?)")
            .bind(id)
            .bind(at_ms)
            .bind(json)
            .execute(&mut *transaction)
            .await?;
    }
    for (id, count, from_ms, to_ms) in &saved.gaps {
        insert_gap(&mut transaction, *id, *count, *from_ms, *to_ms).await?;
    }
    if lost > 0 {
        let times = || saved.readings.iter().map(|reading| reading.1);
        let (from, to) = (times().min(), times().max());
        let now = now.unix_ms();
        let count = i64::try_from(lost).unwrap_or(i64::MAX);
        insert_gap(
            &mut transaction,
            gaps + 1,
            count,
            from.unwrap_or(now),
            to.unwrap_or(now),
        )
        .await?;
    }
    for (key, json) in &saved.episodes {
        sqlx::query("INSERT OR REPLACE INTO episodes VALUES (?, ?)")
            .bind(key)
            .bind(json)
            .execute(&mut *transaction)
            .await?;
    }
    for (device, profile) in &saved.devices {
        sqlx::query("INSERT OR REPLACE INTO devices VALUES (?, ?)")
            .bind(device)
            .bind(profile)
            .execute(&mut *transaction)
            .await?;
    }
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
        "PRAGMA user_version = {SCHEMA}"
    )))
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await
}

async fn insert_gap(
    connection: &mut SqliteConnection,
    id: i64,
    count: i64,
    from_ms: i64,
    to_ms: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT OR REPLACE INTO gaps (id, count, from_ms, to_ms) VALUES (?, ?, ?, ?)")
        .bind(id)
        .bind(count)
        .bind(from_ms)
        .bind(to_ms)
        .execute(connection)
        .await?;
    Ok(())
}

/// The repair may be run by another user than the agent: the fresh file must be the agent's.
fn own_as(fresh: &Path, old: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let old = std::fs::metadata(old)?;
    let new = std::fs::metadata(fresh)?;
    if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
        std::os::unix::fs::chown(fresh, Some(old.uid()), Some(old.gid()))?;
    }
    std::fs::set_permissions(fresh, old.permissions())
}

/// Moves the damaged file aside and the fresh one into its place. The WAL goes first as a copy and is
/// taken away last: beside the fresh file it would be played into it.
fn put_in_place(dir: &Path, fresh: &Path, now: Timestamp) -> std::io::Result<PathBuf> {
    let name = now.to_string().replace([':', '.'], "-");
    let aside = dir.join(format!("outbox-damaged-{name}.db"));
    if aside.exists() {
        return Err(std::io::Error::other(format!(
            "`{}` exists already",
            aside.display()
        )));
    }
    let wal = dir.join("outbox.db-wal");
    if wal.exists() {
        let copy = dir.join(format!("outbox-damaged-{name}.db-wal"));
        std::fs::copy(&wal, &copy)?;
        File::open(&copy)?.sync_all()?;
    }
    File::open(fresh)?.sync_all()?;
    std::fs::rename(dir.join("outbox.db"), &aside)?;
    File::open(dir)?.sync_all()?;
    remove(&wal)?;
    remove(&dir.join("outbox.db-shm"))?;
    std::fs::rename(fresh, dir.join("outbox.db"))?;
    File::open(dir)?.sync_all()?;
    Ok(aside)
}

fn remove(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
