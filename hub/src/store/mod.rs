//! The store: SQLite today, written so that PostgreSQL can stand beside it.
//!
//! The engine decides, the store commits. One connection writes (`Writer`, owned by the engine's
//! task), a pool reads. `synchronous=FULL`: what was committed survives a power cut; a transaction that
//! was not committed leaves nothing behind, whatever was killed. SQL is plain: no dialect beyond
//! `ON CONFLICT`, which both databases have.
//!
//! A commit that fails with an I/O error is the end of the process: after the first failed fsync the
//! file's state in memory proves nothing (see [`StoreError::is_fatal`]).

pub mod accounts;
pub mod cases;
pub mod closing_loop;
pub mod commissionings;
pub mod commit;
pub mod events;
pub mod gateways;
pub mod intake;

use std::path::Path;
use std::time::Duration;

use gridwatch_protocol::Timestamp;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Connection, SqliteConnection};

/// A write waits this long for another process (such as `hub user add`) to finish.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Reading connections: list pages and live feeds; they only wait for the disk.
const READERS_MAX: u32 = 8;

/// Prepared statements that are kept: one for each number of rows of each table, and the rest.
const STATEMENTS_MAX: usize = 512;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("src/store/migrations/sqlite");

/// What can go wrong with the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be opened or brought up to date.
    #[error("opening the database `{path}`")]
    Open {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// Its schema cannot be brought up to date.
    #[error("updating the schema of the database `{path}`")]
    Migrate {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: sqlx::migrate::MigrateError,
    },
    /// A statement failed.
    #[error("{doing}")]
    Sql {
        /// What was being done.
        doing: &'static str,
        /// Why it failed.
        #[source]
        source: sqlx::Error,
    },
    /// A stored body does not read as what it should be.
    #[error("reading a stored {what}")]
    Body {
        /// What it should be.
        what: &'static str,
        /// Why not.
        #[source]
        source: serde_json::Error,
    },
}

impl StoreError {
    /// Whether the file can no longer be trusted: the process must end and read it again at its next
    /// start. Primary result codes of SQLite: IOERR 10, CORRUPT 11, NOTADB 26. A full disk (13) and a
    /// lock (5) are not: nothing was written, and the other side is told to come again.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        let Self::Sql { source, .. } = self else {
            return false;
        };
        match source {
            sqlx::Error::Database(error) => {
                let code = error.code().and_then(|code| code.parse::<i64>().ok());
                matches!(code.map(|code| code & 0xff), Some(10 | 11 | 26))
            }
            sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed => true,
            _ => false,
        }
    }
}

/// Says what was being done when a statement failed.
pub(crate) fn sql(doing: &'static str) -> impl FnOnce(sqlx::Error) -> StoreError {
    move |source| StoreError::Sql { doing, source }
}

/// Result of the store.
pub type StoreResult<T> = Result<T, StoreError>;

/// The reading side; cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) readers: SqlitePool,
}

/// The one writing connection.
#[derive(Debug)]
pub struct Writer {
    pub(crate) connection: SqliteConnection,
}

/// Opens the database, makes it when it is not there, and brings its schema up to date.
///
/// # Errors
/// [`StoreError::Open`] and [`StoreError::Migrate`].
pub async fn open(path: &Path) -> StoreResult<(Store, Writer)> {
    let name = path.display().to_string();
    let open_error = |source| StoreError::Open {
        path: name.clone(),
        source,
    };
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .statement_cache_capacity(STATEMENTS_MAX)
        .busy_timeout(BUSY_TIMEOUT);
    let mut connection = SqliteConnection::connect_with(&options)
        .await
        .map_err(open_error)?;
    MIGRATIONS
        .run_direct(None, &mut connection, false)
        .await
        .map_err(|source| StoreError::Migrate {
            path: name.clone(),
            source,
        })?;
    let readers = SqlitePoolOptions::new()
        .max_connections(READERS_MAX)
        .acquire_timeout(BUSY_TIMEOUT)
        .connect_with(reading(path, BUSY_TIMEOUT))
        .await
        .map_err(open_error)?;
    Ok((Store { readers }, Writer { connection }))
}

/// Options of a connection that only reads: it changes nothing about the file either.
pub(crate) fn reading(path: &Path, busy_timeout: Duration) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .busy_timeout(busy_timeout)
}

impl Store {
    /// Whether the store answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> StoreResult<()> {
        sqlx::query("SELECT value FROM counters WHERE name = 'event'")
            .fetch_one(&self.readers)
            .await
            .map(|_| ())
            .map_err(sql("asking the store for a sign of life"))
    }
}

pub(crate) fn to_json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("our types have no map keys or numbers that JSON lacks")
}

pub(crate) fn from_json<T: serde::de::DeserializeOwned>(
    what: &'static str,
    body: &str,
) -> StoreResult<T> {
    serde_json::from_str(body).map_err(|source| StoreError::Body { what, source })
}

pub(crate) fn time(ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(ms)
}
