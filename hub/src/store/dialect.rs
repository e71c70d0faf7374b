//! Everything in which SQLite and PostgreSQL differ.
//!
//! SQLite: one file, one process that writes, `synchronous=FULL` so that what was committed survives a
//! power cut. PostgreSQL: several hub processes; who writes holds the row of the event counter
//! from the beginning of the transaction to its end, so that events are numbered without gaps in the
//! order of commits and no two hubs decide about the same alert at once.

use std::sync::LazyLock;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{Connection as _, Executor, Row};

use super::address::StoreUrl;
use super::database::{Connection, QueryBuilder, query};
use super::error::{StoreError, StoreResult, sql};
use super::schema;

/// A write waits this long for another process to finish.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Channel on which hub processes tell each other of new events.
pub(crate) const CHANNEL: &str = "gridwatch_events";

static SQLITE_MIGRATIONS: LazyLock<Migrator> = LazyLock::new(schema::sqlite);
static POSTGRES_MIGRATIONS: LazyLock<Migrator> = LazyLock::new(schema::postgres);

/// Of a connection that writes to SQLite. WAL with NORMAL loses acknowledged commits in a power cut. A storm
/// writes all over a dozen indexes: 64 MiB of pages stay in memory, and the log grows to 32 MiB (8,192 pages)
/// before it is carried over, so that a page which changes in every commit is carried over once. What an insert
/// of many rows needs to take itself back is kept in memory, not in a file beside.
const SQLITE_WRITES: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 10000; PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 8192";
/// Of a connection that reads from SQLite.
const SQLITE_READS: &str = "PRAGMA busy_timeout = 10000; PRAGMA query_only = ON";
/// Of every connection to PostgreSQL. A hub whose machine dies in the middle of a transaction holds
/// the others up for half a minute at most.
const POSTGRES_SESSION: &str = "SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '30s'; SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; SET client_min_messages = warning";

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite.
    Sqlite,
    /// PostgreSQL 12 or newer.
    Postgres,
}

impl Dialect {
    pub(crate) fn migrations(self) -> &'static Migrator {
        match self {
            Self::Sqlite => &SQLITE_MIGRATIONS,
            Self::Postgres => &POSTGRES_MIGRATIONS,
        }
    }

    /// The newest schema that this hub knows.
    pub(crate) fn newest_schema(self) -> i64 {
        self.migrations()
            .iter()
            .map(|m| m.version)
            .max()
            .unwrap_or(0)
    }

    /// Prepares a connection that writes.
    pub(crate) async fn prepare_writing(self, connection: &mut Connection) -> sqlx::Result<()> {
        let settings = match self {
            Self::Sqlite => SQLITE_WRITES,
            Self::Postgres => POSTGRES_SESSION,
        };
        connection.execute(settings).await.map(drop)
    }

    /// Prepares a connection that reads.
    pub(crate) async fn prepare_reading(self, connection: &mut Connection) -> sqlx::Result<()> {
        let settings = match self {
            Self::Sqlite => SQLITE_READS,
            Self::Postgres => POSTGRES_SESSION,
        };
        connection.execute(settings).await.map(drop)
    }

    /// Begins a transaction that writes: from here to its end it is the only one.
    pub(crate) async fn begin(
        self,
        connection: &mut Connection,
    ) -> StoreResult<sqlx::Transaction<'_, sqlx::Any>> {
        let doing = sql("beginning a transaction");
        match self {
            Self::Sqlite => connection
                .begin_with("BEGIN IMMEDIATE")
                .await
                .map_err(doing),
            Self::Postgres => {
                let mut transaction = connection.begin().await.map_err(doing)?;
                query("SELECT value FROM counters WHERE name = 'event' FOR UPDATE")
                    .fetch_one(&mut *transaction)
                    .await
                    .map_err(sql("waiting for the turn to write"))?;
                Ok(transaction)
            }
        }
    }

    /// Begins a transaction that reads and sees one moment, however long it takes.
    pub(crate) async fn begin_snapshot(
        self,
        connection: &mut Connection,
    ) -> StoreResult<sqlx::Transaction<'_, sqlx::Any>> {
        let statement = match self {
            Self::Sqlite => "BEGIN",
            Self::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        connection
            .begin_with(statement)
            .await
            .map_err(sql("beginning a snapshot"))
    }

    /// Tells other processes, with the commit, that there are new events.
    pub(crate) async fn tell_of_events(
        self,
        connection: &mut Connection,
        newest: i64,
    ) -> StoreResult<()> {
        if self == Self::Sqlite {
            return Ok(());
        }
        query("SELECT pg_notify($1, $2)")
            .bind(CHANNEL)
            .bind(newest.to_string())
            .execute(connection)
            .await
            .map(drop)
            .map_err(sql("telling other hubs of new events"))
    }

    /// Moves counters of ids on behind the ids that a restore brought.
    pub(crate) async fn after_restore(self, connection: &mut Connection) -> StoreResult<()> {
        if self == Self::Sqlite {
            return Ok(());
        }
        let doing = "finding columns that count by themselves";
        let rows = query("SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT) FROM information_schema.columns WHERE is_identity = 'YES' AND table_schema = current_schema()")
            .fetch_all(&mut *connection)
            .await
            .map_err(sql(doing))?;
        for row in rows {
            let (table, column): (String, String) = (row.get(0), row.get(1));
            let mut move_on = QueryBuilder::new("SELECT setval(pg_get_serial_sequence(");
            move_on.push_bind(&table).push(", ").push_bind(&column);
            move_on.push("), COALESCE(MAX(").push_name(&column);
            move_on.push("), 1)) FROM ").push_name(&table);
            move_on
                .build()
                .execute(&mut *connection)
                .await
                .map_err(sql("moving an id counter on"))?;
        }
        Ok(())
    }

    /// Brings the schema up to date, or up to `target`.
    pub(crate) async fn migrate(
        self,
        connection: &mut Connection,
        url: &StoreUrl,
        target: Option<i64>,
    ) -> StoreResult<()> {
        let migrated = self
            .migrations()
            .run_direct(target, connection, false)
            .await;
        migrated.map_err(|source| match source {
            MigrateError::VersionMissing(found) => StoreError::Newer {
                url: url.to_string(),
                found,
                known: self.newest_schema(),
            },
            source => StoreError::Migrate {
                url: url.to_string(),
                source,
            },
        })
    }
}
