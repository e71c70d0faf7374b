//! Opens the outbox: creates or upgrades the file, counts the start, reads back what must be known.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use gridwatch_protocol::StreamId;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Row, SqliteConnection, SqlitePool};
use tokio::sync::{Notify, mpsc};
use uuid::Uuid;

use super::reserve::Reserve;
use super::writer::Writer;
use super::{COMMANDS_MAX, Outbox, OutboxError, RememberedDevice, query};
use crate::config::OutboxConfig;
use crate::detection::{EpisodeKey, OpenEpisode};
use crate::health::Health;

/// Version of the tables in this file: one for each step of [`UPGRADES`].
pub(super) const SCHEMA: i64 = 2;
/// What leads from each version to the next.
pub(super) const UPGRADES: [&str; 2] = [
    TABLES,
    "ALTER TABLE devices RENAME COLUMN profile TO facts;
     UPDATE devices SET facts = json_object('by', facts);",
];
/// Pages of WAL after which SQLite moves them into the file: 1 MiB, so that the WAL stays small.
const CHECKPOINT_PAGES: u32 = 256;
/// How long a reader waits for the writer.
const BUSY: Duration = Duration::from_secs(10);

const TABLES: &str = "
CREATE TABLE meta (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    stream TEXT NOT NULL,
    boot_epoch INTEGER NOT NULL,
    last_sequence INTEGER NOT NULL,
    last_gap INTEGER NOT NULL
);
CREATE TABLE alerts (
    sequence INTEGER PRIMARY KEY,
    alert_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    life_safety INTEGER NOT NULL,
    state INTEGER NOT NULL,
    rejected_because TEXT,
    settled_ms INTEGER,
    stored_ms INTEGER NOT NULL,
    episode TEXT NOT NULL,
    source_event TEXT,
    json TEXT NOT NULL,
    UNIQUE (alert_id, revision)
);
CREATE INDEX alerts_unsent ON alerts (life_safety DESC, sequence) WHERE state = 0;
CREATE INDEX alerts_settled ON alerts (settled_ms) WHERE state = 1;
CREATE TABLE readings (id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, json TEXT NOT NULL);
CREATE TABLE gaps (
    id INTEGER PRIMARY KEY, count INTEGER NOT NULL, from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL,
    sent INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE episodes (key TEXT PRIMARY KEY, json TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE devices (device TEXT PRIMARY KEY, profile TEXT NOT NULL) WITHOUT ROWID;
";

/// How hard a commit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Synchronous {
    /// Survives a power cut.
    Full,
    /// Does NOT survive a power cut: only to show that the power-cut test can fail.
    Normal,
}

/// How to open an outbox.
#[derive(Debug, Clone)]
pub struct OutboxOptions {
    /// Folder of the files.
    pub dir: PathBuf,
    /// Budgets.
    pub config: OutboxConfig,
    /// How hard a commit is.
    pub synchronous: Synchronous,
}

/// An outbox with what it remembers.
#[derive(Debug)]
pub struct OpenedOutbox {
    /// The handle.
    pub outbox: Outbox,
    /// The task that writes; ends when every handle is gone.
    pub writer: Writer,
    /// Episodes that were open.
    pub episodes: Vec<OpenEpisode>,
    /// Devices that were heard.
    pub devices: Vec<RememberedDevice>,
    /// Source events that have raised an alert lately.
    pub source_events: HashMap<EpisodeKey, Vec<String>>,
}

/// Opens the outbox in a folder, which is made if it is missing.
///
/// # Errors
/// When the folder or file cannot be used, or another agent uses it.
pub async fn open(
    options: OutboxOptions,
    health: Arc<Health>,
) -> Result<OpenedOutbox, OutboxError> {
    let lock = lock(&options.dir)?;
    let file = options.dir.join("outbox.db");
    let connect = connect_options(&file, options.synchronous);
    let doing = format!("opening outbox `{}`", file.display());
    let mut connection = connect
        .clone()
        .connect()
        .await
        .map_err(|error| OutboxError::database(&doing, error))?;
    let (stream, boot_epoch) = prepare(&mut connection)
        .await
        .map_err(|error| match error {
            PrepareError::Newer(found) => OutboxError::Newer {
                found,
                known: SCHEMA,
            },
            PrepareError::Database(error) => OutboxError::database(&doing, error),
        })?;
    let reader = reader(connect.create_if_missing(false).read_only(true));
    let read = |error| OutboxError::database(&doing, error);
    let episodes = query::episodes(&mut connection).await.map_err(read)?;
    let devices = query::devices(&mut connection).await.map_err(read)?;
    let source_events = query::source_events(&mut connection).await.map_err(read)?;
    let (commands, received) = mpsc::channel(COMMANDS_MAX);
    let unsent = Arc::new(Notify::new());
    let reserve = Reserve::new(
        options.dir.join("outbox.reserve"),
        options.config.reserve_bytes,
    );
    let writer = Writer::new(
        connection,
        received,
        options.config,
        boot_epoch,
        reserve,
        health,
        lock,
    );
    // What an earlier run left is to be sent as well.
    unsent.notify_one();
    Ok(OpenedOutbox {
        outbox: Outbox {
            commands,
            reader,
            stream,
            boot_epoch,
            unsent,
        },
        writer,
        episodes,
        devices,
        source_events,
    })
}

/// Opens an outbox for looking only; the agent may be running on it.
///
/// # Errors
/// When there is none or it cannot be read.
pub(super) async fn open_for_reading(dir: &Path) -> Result<SqlitePool, OutboxError> {
    let file = dir.join("outbox.db");
    let options = connect_options(&file, Synchronous::Full)
        .create_if_missing(false)
        .read_only(true);
    let pool = reader(options);
    pool.acquire().await.map_err(|error| {
        OutboxError::database(format!("opening outbox `{}`", file.display()), error)
    })?;
    Ok(pool)
}

pub(super) fn lock(dir: &Path) -> Result<File, OutboxError> {
    let folder = |source: std::io::Error| OutboxError::Folder {
        path: dir.to_owned(),
        source: Arc::new(source),
    };
    std::fs::create_dir_all(dir).map_err(folder)?;
    let path = dir.join("outbox.lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(folder)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OutboxError::InUse { path }),
        Err(TryLockError::Error(error)) => Err(folder(error)),
    }
}

pub(super) fn connect_options(file: &Path, synchronous: Synchronous) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(match synchronous {
            Synchronous::Full => SqliteSynchronous::Full,
            Synchronous::Normal => SqliteSynchronous::Normal,
        })
        .busy_timeout(BUSY)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES.to_string())
        .pragma("journal_size_limit", "1048576")
}

fn reader(options: SqliteConnectOptions) -> SqlitePool {
    SqlitePoolOptions::new()
        .max_connections(2)
        .connect_lazy_with(options)
}

enum PrepareError {
    Newer(i64),
    Database(sqlx::Error),
}

impl From<sqlx::Error> for PrepareError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

/// Makes the tables if they are missing, counts the start, and returns the identity.
async fn prepare(connection: &mut SqliteConnection) -> Result<(StreamId, u64), PrepareError> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let found: i64 = sqlx::query_scalar("PRAGMA user_version")
        .fetch_one(&mut *transaction)
        .await?;
    if found > SCHEMA {
        return Err(PrepareError::Newer(found));
    }
    for step in UPGRADES.iter().skip(usize::try_from(found).unwrap_or(0)) {
        sqlx::raw_sql(*step).execute(&mut *transaction).await?;
    }
    if found == 0 {
        sqlx::query("INSERT INTO meta VALUES (1, ?, 0, 0, 0)")
            .bind(Uuid::new_v4().to_string())
            .execute(&mut *transaction)
            .await?;
    }
    if found < SCHEMA {
        sqlx::raw_sql("PRAGMA user_version = 2")
            .execute(&mut *transaction)
            .await?;
    }
    let row =
        sqlx::query("UPDATE meta SET boot_epoch = boot_epoch + 1 RETURNING stream, boot_epoch")
            .fetch_one(&mut *transaction)
            .await?;
    let stream: String = row.try_get(0)?;
    let boot_epoch: i64 = row.try_get(1)?;
    transaction.commit().await?;
    let stream = Uuid::parse_str(&stream).map_err(|error| sqlx::Error::Decode(error.into()))?;
    Ok((StreamId(stream), u64::try_from(boot_epoch).unwrap_or(1)))
}
