//! The embedded ring: one table per UTC day in a file of its own, the oldest day dropped first.
//!
//! `synchronous=NORMAL`: a power cut may lose the last moments of charts, never damage the file, and
//! costs no fsync per commit beside the case store's. A reading that comes again overwrites itself.

mod read;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use gridwatch_protocol::{DeviceId, GatewayId, Kind, Reading, Timestamp, Value};
use sqlx::sqlite::{
    SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};
use tokio::sync::mpsc;

use super::ReadingBatch;
use crate::metrics::{Metrics, add};
use crate::store::{StoreError, StoreResult, sql};

const DAY_MS: i64 = 86_400_000;
/// Readings ahead of the hub's clock by more than this are filed under their arrival.
const AHEAD_MS: i64 = 3_600_000;
/// At most this many batches in one transaction.
const GROUP_MAX: usize = 64;
/// Nobody else writes to the file; a reader may hold it for a moment.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Space and age are looked at this often.
const PRUNE_EVERY: Duration = Duration::from_secs(60);

/// How much is kept.
#[derive(Debug, Clone, Copy)]
pub struct Keep {
    /// Days.
    pub days: u32,
    /// Bytes in use.
    pub bytes: u64,
}

/// Which series of readings.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeriesKey {
    /// The gateway.
    pub gateway: GatewayId,
    /// The device.
    pub device: DeviceId,
    /// What the readings are about.
    pub kind: Kind,
    /// Their unit: a detector's smoke alarm (no unit) and its obscuration (%/m) are two series.
    pub unit: Option<String>,
}

/// A series as the ring holds it.
#[derive(Debug, Clone)]
pub struct Series {
    /// Its number in the file.
    pub id: i64,
    /// What it is.
    pub key: SeriesKey,
}

/// The reading side; cheap to clone.
#[derive(Debug, Clone)]
pub struct Ring {
    readers: SqlitePool,
}

/// The writing side, to be run as a task.
#[derive(Debug)]
pub struct RingTask {
    connection: SqliteConnection,
    batches: mpsc::Receiver<ReadingBatch>,
    keep: Keep,
    metrics: Arc<Metrics>,
    series: HashMap<SeriesKey, i64>,
    days: BTreeMap<i64, ()>,
}

/// Opens the ring's file, makes it when it is not there.
///
/// # Errors
/// When it cannot be opened.
pub async fn open(
    path: &Path,
    keep: Keep,
    queue: usize,
    metrics: Arc<Metrics>,
) -> StoreResult<(Ring, RingTask, mpsc::Sender<ReadingBatch>)> {
    let open_error = |source| StoreError::Open {
        url: path.display().to_string(),
        source,
    };
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .auto_vacuum(SqliteAutoVacuum::Incremental)
        .busy_timeout(BUSY_TIMEOUT);
    let mut connection = SqliteConnection::connect_with(&options)
        .await
        .map_err(open_error)?;
    sqlx::query("CREATE TABLE IF NOT EXISTS series (id INTEGER PRIMARY KEY, gateway TEXT NOT NULL, device TEXT NOT NULL, kind TEXT NOT NULL, unit TEXT NOT NULL, UNIQUE (device, kind, unit, gateway))")
        .execute(&mut connection)
        .await
        .map_err(sql("making the table of series"))?;
    let days = day_tables(&mut connection)
        .await?
        .into_iter()
        .map(|day| (day, ()))
        .collect();
    let readers = SqlitePoolOptions::new()
        .max_connections(4)
        .connect_with(crate::store::reading(path, BUSY_TIMEOUT))
        .await
        .map_err(open_error)?;
    let (sender, batches) = mpsc::channel(queue);
    let task = RingTask {
        connection,
        batches,
        keep,
        metrics,
        series: HashMap::new(),
        days,
    };
    Ok((Ring { readers }, task, sender))
}

impl RingTask {
    /// Works until every sender is gone. A failure is logged and counted; charts then have a gap.
    pub async fn run(mut self) {
        let mut prune = tokio::time::interval(PRUNE_EVERY);
        loop {
            // Both branches are cancel-safe: `recv` and `tick` lose nothing when dropped.
            let first = tokio::select! {
                batch = self.batches.recv() => batch,
                _ = prune.tick() => {
                    if let Err(error) = self.prune(crate::now()).await {
                        tracing::error!(error = crate::chain(&error), "thinning out the history");
                    }
                    continue;
                }
            };
            let Some(first) = first else { break };
            let mut group = vec![first];
            while group.len() < GROUP_MAX {
                let Ok(batch) = self.batches.try_recv() else {
                    break;
                };
                group.push(batch);
            }
            if let Err(error) = self.write(&group).await {
                let lost = group.iter().map(|batch| batch.readings.len()).sum();
                add(&self.metrics.readings_dropped, lost);
                self.series.clear();
                tracing::error!(
                    error = crate::chain(&error),
                    lost,
                    "writing readings to the history"
                );
            }
        }
        if let Err(error) = self.connection.close().await {
            tracing::warn!(error = crate::chain(&error), "closing the history");
        }
    }

    async fn write(&mut self, group: &[ReadingBatch]) -> StoreResult<()> {
        let oldest = |now: Timestamp| now.unix_ms() - i64::from(self.keep.days) * DAY_MS;
        let mut rows: Vec<(i64, SeriesKey, &Reading)> = Vec::new();
        let mut too_old = 0;
        for batch in group {
            for reading in batch.readings.iter() {
                let at = reading.at.unix_ms();
                let ahead = at > batch.arrived_at.unix_ms() + AHEAD_MS;
                let at = if ahead {
                    batch.arrived_at.unix_ms()
                } else {
                    at
                };
                if at < oldest(batch.arrived_at) {
                    too_old += 1;
                    continue;
                }
                let key = SeriesKey {
                    gateway: batch.gateway.clone(),
                    device: reading.device.clone(),
                    kind: reading.kind,
                    unit: reading.unit.clone(),
                };
                rows.push((at, key, reading));
            }
        }
        let mut made_days = Vec::new();
        let mut transaction = self
            .connection
            .begin()
            .await
            .map_err(sql("beginning a transaction"))?;
        for (at, key, reading) in rows {
            let day = at.div_euclid(DAY_MS);
            if !self.days.contains_key(&day) && !made_days.contains(&day) {
                make_day(&mut transaction, day).await?;
                made_days.push(day);
            }
            let id = series_id(&mut transaction, &mut self.series, key).await?;
            write_reading(&mut transaction, day, id, at, reading).await?;
        }
        transaction.commit().await.map_err(sql("committing"))?;
        self.days.extend(made_days.into_iter().map(|day| (day, ())));
        add(&self.metrics.readings_dropped, too_old);
        Ok(())
    }

    /// Drops days that are too old, then the oldest while the file is too large.
    ///
    /// # Errors
    /// When the file does not answer.
    pub async fn prune(&mut self, now: Timestamp) -> StoreResult<()> {
        let first_kept = now.unix_ms().div_euclid(DAY_MS) - i64::from(self.keep.days);
        while let Some(day) = self.days.first_key_value().map(|(day, ())| *day) {
            let too_large = self.days.len() > 1 && self.bytes_used().await? > self.keep.bytes;
            if day >= first_kept && !too_large {
                break;
            }
            sqlx::query(AssertSqlSafe(format!(
                "DROP TABLE IF EXISTS {}",
                table(day)
            )))
            .execute(&mut self.connection)
            .await
            .map_err(sql("dropping a day"))?;
            self.days.remove(&day);
            tracing::info!(day, too_large, "dropped the oldest day of the history");
        }
        Ok(())
    }

    async fn bytes_used(&mut self) -> StoreResult<u64> {
        let pragma = async |connection: &mut SqliteConnection, statement: &'static str| {
            let value: i64 = sqlx::query_scalar(statement)
                .fetch_one(connection)
                .await
                .map_err(sql("measuring the history"))?;
            Ok::<u64, StoreError>(value.unsigned_abs())
        };
        let pages = pragma(&mut self.connection, "PRAGMA page_count").await?;
        let free = pragma(&mut self.connection, "PRAGMA freelist_count").await?;
        let size = pragma(&mut self.connection, "PRAGMA page_size").await?;
        Ok(pages.saturating_sub(free) * size)
    }
}

/// Name of a day's table; days are numbers, so the text is safe.
fn table(day: i64) -> String {
    format!("day_{}", day.unsigned_abs())
}

async fn day_tables(connection: &mut SqliteConnection) -> StoreResult<Vec<i64>> {
    let names: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'day\\_%' ESCAPE '\\'",
    )
    .fetch_all(connection)
    .await
    .map_err(sql("listing the days of the history"))?;
    let mut days: Vec<i64> = names
        .iter()
        .filter_map(|name| name.strip_prefix("day_")?.parse().ok())
        .collect();
    days.sort_unstable();
    Ok(days)
}

async fn make_day(connection: &mut SqliteConnection, day: i64) -> StoreResult<()> {
    let statement = format!(
        "CREATE TABLE IF NOT EXISTS {} (series INTEGER NOT NULL, at INTEGER NOT NULL, number REAL, word TEXT, quality TEXT, PRIMARY KEY (series, at)) WITHOUT ROWID",
        table(day)
    );
    sqlx::query(AssertSqlSafe(statement))
        .execute(connection)
        .await
        .map(|_| ())
        .map_err(sql("making a day of the history"))
}

async fn series_id(
    connection: &mut SqliteConnection,
    known: &mut HashMap<SeriesKey, i64>,
    key: SeriesKey,
) -> StoreResult<i64> {
    if let Some(id) = known.get(&key) {
        return Ok(*id);
    }
    // Setting what is there already makes the row be returned.
    let id: i64 = sqlx::query_scalar("INSERT INTO series (gateway, device, kind, unit) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (device, kind, unit, gateway) DO UPDATE SET unit = excluded.unit RETURNING id")
        .bind(key.gateway.as_str())
        .bind(key.device.as_str())
        .bind(key.kind.as_str())
        .bind(key.unit.as_deref().unwrap_or_default())
        .fetch_one(connection)
        .await
        .map_err(sql("storing a series"))?;
    known.insert(key, id);
    Ok(id)
}

async fn write_reading(
    connection: &mut SqliteConnection,
    day: i64,
    series: i64,
    at: i64,
    reading: &Reading,
) -> StoreResult<()> {
    let (number, word) = match &reading.value {
        Value::Bool(state) => (Some(f64::from(u8::from(*state))), None),
        Value::Number(number) => (Some(*number), None),
        Value::Text(text) => (None, Some(text.as_str())),
    };
    let quality = match reading.quality {
        gridwatch_protocol::Quality::Good => None,
        gridwatch_protocol::Quality::Uncertain => Some("uncertain"),
        gridwatch_protocol::Quality::Bad => Some("bad"),
    };
    let statement = format!(
        "INSERT INTO {} (series, at, number, word, quality) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (series, at) DO UPDATE SET number = excluded.number, word = excluded.word, quality = excluded.quality",
        table(day)
    );
    sqlx::query(AssertSqlSafe(statement))
        .bind(series)
        .bind(at)
        .bind(number)
        .bind(word)
        .bind(quality)
        .execute(connection)
        .await
        .map(|_| ())
        .map_err(sql("storing a reading"))
}
