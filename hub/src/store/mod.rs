//! The store: SQLite in one file, or PostgreSQL for several hub processes, by URL.
//!
//! The engine decides, the store commits. One connection writes ([`Writer`], owned by the engine's
//! task), a pool reads. What was committed survives a power cut (`synchronous=FULL` on SQLite,
//! PostgreSQL's own default); a transaction that was not committed leaves nothing behind, whatever was
//! killed. How to write a statement: `database`. Where the two differ: `dialect`.
//!
//! A commit to SQLite that fails with an I/O error is the end of the process: after the first failed
//! fsync the file's state in memory proves nothing (see [`StoreError::is_fatal`]). A broken line to
//! PostgreSQL is opened again; nothing is acknowledged in between.

pub mod accounts;
pub mod address;
pub mod audit;
pub mod backup;
pub mod cases;
pub mod chain;
pub mod closing_loop;
pub mod commissionings;
pub mod commit;
pub mod correlation;
pub mod database;
pub mod dialect;
pub mod directory;
pub mod error;
pub mod events;
pub mod follow;
pub mod gateways;
pub mod intake;
pub mod map;
pub mod people;
pub mod places;
pub mod reports;
pub mod retention;
pub mod roster;
mod schema;
pub mod seal;
pub mod witness;
pub mod workers;

use std::path::Path;
use std::time::Duration;

use gridwatch_protocol::Timestamp;
use sqlx::AnyPool;
use sqlx::any::AnyPoolOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Any, ConnectOptions, Connection as _, Transaction};

use database::Connection;
use dialect::{BUSY_TIMEOUT, Dialect};

pub use address::StoreUrl;
pub(crate) use error::sql;
pub use error::{StoreError, StoreResult};

/// Reading connections: list pages and live feeds; they only wait for the disk or the server.
const READERS_MAX: u32 = 8;

/// The reading side; cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) readers: AnyPool,
    url: StoreUrl,
}

/// The one writing connection of this process.
#[derive(Debug)]
pub struct Writer {
    url: StoreUrl,
    /// None while the line to the database is broken.
    connection: Option<Connection>,
}

/// Opens the store, makes it when it is not there (a file, or the tables of an empty database), and
/// brings its schema up to date.
///
/// # Errors
/// [`StoreError::Open`], [`StoreError::Migrate`], [`StoreError::Newer`].
pub async fn open(url: &StoreUrl) -> StoreResult<(Store, Writer)> {
    let mut writer = Writer::connect(url).await?;
    writer.migrate(None).await?;
    let dialect = url.dialect();
    let readers = AnyPoolOptions::new()
        .max_connections(READERS_MAX)
        .acquire_timeout(BUSY_TIMEOUT)
        // A connection to a server may have died; a file does not.
        .test_before_acquire(dialect == Dialect::Postgres)
        .after_connect(move |connection, _| {
            Box::pin(async move { dialect.prepare_reading(connection).await })
        })
        .connect_with(url.reading().map_err(open_error(url))?)
        .await
        .map_err(open_error(url))?;
    let store = Store {
        readers,
        url: url.clone(),
    };
    Ok((store, writer))
}

fn open_error(url: &StoreUrl) -> impl FnOnce(sqlx::Error) -> StoreError {
    let url = url.to_string();
    move |source| StoreError::Open { url, source }
}

/// Options of a connection to another SQLite file that only reads: it changes nothing about the file.
pub(crate) fn reading(path: &Path, busy_timeout: Duration) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .busy_timeout(busy_timeout)
}

impl Store {
    /// Which store this is.
    #[must_use]
    pub fn url(&self) -> &StoreUrl {
        &self.url
    }

    /// Whether the store answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> StoreResult<()> {
        self.event_head().await.map(drop)
    }

    /// A connection that sees one moment for as long as the transaction lasts.
    pub(crate) async fn connection(&self) -> StoreResult<sqlx::pool::PoolConnection<Any>> {
        self.readers
            .acquire()
            .await
            .map_err(sql("taking a connection"))
    }
}

impl Writer {
    /// Opens the writing connection and nothing else: the schema stays as it is.
    pub(crate) async fn connect(url: &StoreUrl) -> StoreResult<Self> {
        let mut writer = Self {
            url: url.clone(),
            connection: None,
        };
        writer.connected().await?;
        Ok(writer)
    }

    /// Brings the schema up to date or to `target`, and chains the rows that were there before chains.
    pub(crate) async fn migrate(&mut self, target: Option<i64>) -> StoreResult<()> {
        let (url, dialect) = (self.url.clone(), self.url.dialect());
        dialect
            .migrate(self.connected().await?, &url, target)
            .await?;
        if target.is_none() {
            let mut transaction = self.begin().await?;
            chain::adopt(&mut transaction).await?;
            commit(transaction).await?;
        }
        Ok(())
    }

    /// Which database it writes to.
    pub(crate) fn dialect(&self) -> Dialect {
        self.url.dialect()
    }

    /// Begins the only transaction that writes. Opens the connection again when it was broken.
    pub(crate) async fn begin(&mut self) -> StoreResult<Transaction<'_, Any>> {
        let dialect = self.url.dialect();
        dialect.begin(self.connected().await?).await
    }

    /// Lets go of a connection that no longer answers.
    pub(crate) fn disconnect(&mut self) {
        self.connection = None;
    }

    /// Closes tidily: without it the next start on SQLite replays the log.
    pub(crate) async fn close(self) -> StoreResult<()> {
        let Some(connection) = self.connection else {
            return Ok(());
        };
        match connection.close().await {
            // What is lost with a line to a server is the goodbye; what was accepted is committed.
            Err(error) if self.url.dialect() == Dialect::Postgres => {
                tracing::debug!(%error, "the line to the store was broken before it was closed");
                Ok(())
            }
            closed => closed.map_err(sql("closing the store")),
        }
    }

    async fn connected(&mut self) -> StoreResult<&mut Connection> {
        if self.connection.is_none() {
            let options = self.url.writing().map_err(open_error(&self.url))?;
            let mut connection = tokio::time::timeout(BUSY_TIMEOUT, options.connect())
                .await
                .unwrap_or(Err(sqlx::Error::PoolTimedOut))
                .map_err(open_error(&self.url))?;
            self.url
                .dialect()
                .prepare_writing(&mut connection)
                .await
                .map_err(open_error(&self.url))?;
            self.connection = Some(connection);
        }
        Ok(self.connection.as_mut().expect("connected above"))
    }
}

pub(crate) async fn commit(transaction: Transaction<'_, Any>) -> StoreResult<()> {
    transaction.commit().await.map_err(sql("committing"))
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
