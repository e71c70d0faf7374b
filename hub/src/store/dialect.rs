//! Everything in which SQLite and PostgreSQL differ.
//!
//! SQLite: one file, one process that writes, `synchronous=FULL` so that what was committed survives a
//! power cut. PostgreSQL: several hub processes; who writes holds the row of the event counter
//! from the beginning of the transaction to its end, so that events are numbered without gaps in the
//! order of commits and no two hubs decide about the same alert at once.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use sqlx::any::AnyConnectOptions;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection as _, Executor, Row};

use super::database::{Connection, QueryBuilder, query};
use super::error::{StoreError, StoreResult, sql};

/// A write waits this long for another process to finish.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Channel on which hub processes tell each other of new events.
pub(crate) const CHANNEL: &str = "gridwatch_events";

static SQLITE_MIGRATIONS: Migrator = sqlx::migrate!("src/store/migrations/sqlite");
static POSTGRES_MIGRATIONS: Migrator = sqlx::migrate!("src/store/migrations/postgres");

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

/// Where cases are kept.
#[derive(Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// A file on this machine.
    Sqlite(PathBuf),
    /// A database on a server; the URL may hold a password.
    Postgres(String),
}

impl StoreUrl {
    /// Reads `sqlite:FILE` or `postgres://…`; a relative file lies in `base`.
    ///
    /// # Errors
    /// [`StoreError::Address`], with what to write instead.
    pub fn parse(text: &str, base: &Path) -> StoreResult<Self> {
        let error = |reason: &str| StoreError::Address {
            url: without_password(text),
            reason: reason.to_owned(),
        };
        if let Some(file) = text.strip_prefix("sqlite:") {
            let file = file.strip_prefix("//").unwrap_or(file);
            if file.is_empty() || file.contains(['?', '#']) || file.starts_with(":memory:") {
                return Err(error(
                    "write sqlite: and the path of a file, such as sqlite:hub.db",
                ));
            }
            return Ok(Self::Sqlite(base.join(file)));
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            let options = sqlx::postgres::PgConnectOptions::from_str(text)
                .map_err(|why| error(&why.to_string()))?;
            if options.get_database().is_none_or(str::is_empty) {
                return Err(error(
                    "it names no database; write postgres://USER@HOST/DATABASE",
                ));
            }
            return Ok(Self::Postgres(text.to_owned()));
        }
        Err(error("write sqlite:FILE or postgres://USER@HOST/DATABASE"))
    }

    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    fn options(&self, writes: bool) -> sqlx::Result<AnyConnectOptions> {
        sqlx::any::install_default_drivers();
        match self {
            Self::Sqlite(path) => {
                let path = std::path::absolute(path).map_err(sqlx::Error::Io)?;
                // What is read out of a URL is decoded: a percent sign must survive that.
                let path = path.to_string_lossy().replace('%', "%25");
                let options = SqliteConnectOptions::new()
                    .filename(path)
                    .create_if_missing(writes)
                    .read_only(!writes);
                AnyConnectOptions::from_url(&options.to_url_lossy())
            }
            Self::Postgres(url) => url.parse(),
        }
    }

    pub(crate) fn writing(&self) -> sqlx::Result<AnyConnectOptions> {
        self.options(true)
    }

    pub(crate) fn reading(&self) -> sqlx::Result<AnyConnectOptions> {
        self.options(false)
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => f.write_str(&without_password(url)),
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The URL without what stands between the user's name and the host, and without a `password` parameter.
fn without_password(url: &str) -> String {
    let (address, parameters) = url.split_once('?').unwrap_or((url, ""));
    let mut shown = match (address.split_once("://"), address.rsplit_once('@')) {
        (Some((scheme, rest)), Some((_, host))) => {
            let user = rest.split([':', '@']).next().unwrap_or_default();
            format!("{scheme}://{user}@{host}")
        }
        _ => address.to_owned(),
    };
    let kept: Vec<&str> = parameters
        .split('&')
        .filter(|p| !p.is_empty() && !p.starts_with("password="))
        .collect();
    if !kept.is_empty() {
        shown.push('?');
        shown.push_str(&kept.join("&"));
    }
    shown
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_never_shown() {
        for (url, shown) in [
            ("postgres://hub:se@cret@db/cases", "postgres://hub@db/cases"),
            (
                "postgres://hub@db/cases?password=x&host=/run",
                "postgres://hub@db/cases?host=/run",
            ),
            ("postgres://db/cases", "postgres://db/cases"),
        ] {
            assert_eq!(without_password(url), shown);
            let parsed = StoreUrl::Postgres(url.to_owned());
            assert_eq!(
                (format!("{parsed}"), format!("{parsed:?}")),
                (shown.into(), shown.into())
            );
        }
    }

    #[test]
    fn addresses_that_are_none_say_what_to_write() {
        let told = |text: &str| {
            let error = StoreUrl::parse(text, Path::new("/data")).expect_err(text);
            error.to_string()
        };
        assert!(told("hub.db").contains("sqlite:FILE or postgres://"));
        assert!(told("sqlite:").contains("path of a file"));
        assert!(told("sqlite::memory:").contains("path of a file"));
        assert!(told("mysql://x/y").contains("sqlite:FILE or postgres://"));
        assert!(told("postgres://hub:secret@db").contains("names no database"));
        assert!(!told("postgres://hub:secret@db").contains("secret"));
        let file = StoreUrl::parse("sqlite:hub.db", Path::new("/data"));
        assert_eq!(file.ok(), Some(StoreUrl::Sqlite("/data/hub.db".into())));
    }
}
