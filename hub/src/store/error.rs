//! What can go wrong with the store, and what follows from it.
//!
//! Three kinds matter to the engine: the file can no longer be trusted (the process ends), the line to
//! the database is broken or it is locked (again later, nothing was stored), and a race that an index
//! decided (again now, with fresh eyes). Codes are SQLite's and PostgreSQL's own.

use sqlx::sqlite::SqliteError;

/// Result of the store.
pub type StoreResult<T> = Result<T, StoreError>;

/// What can go wrong with the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The address of the store is none.
    #[error("`{url}` is not the address of a store: {reason}")]
    Address {
        /// As it was given, without a password.
        url: String,
        /// What is wrong with it and what to write.
        reason: String,
    },
    /// The database cannot be opened.
    #[error("opening the store `{url}`")]
    Open {
        /// Which.
        url: String,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// Its schema cannot be brought up to date.
    #[error("updating the schema of the store `{url}`")]
    Migrate {
        /// Which.
        url: String,
        /// Why.
        #[source]
        source: sqlx::migrate::MigrateError,
    },
    /// Its schema was made by a newer version of the hub.
    #[error(
        "the store `{url}` was written by a newer hub (it has schema {found}, this hub knows up to {known}): install that version, or restore a backup of this one"
    )]
    Newer {
        /// Which.
        url: String,
        /// A migration that this version does not know.
        found: i64,
        /// The newest that it knows.
        known: i64,
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

/// Primary result codes of SQLite.
const SQLITE_BUSY: i32 = 5;
const SQLITE_LOCKED: i32 = 6;
const SQLITE_IOERR: i32 = 10;
const SQLITE_CORRUPT: i32 = 11;
const SQLITE_FULL: i32 = 13;
const SQLITE_NOTADB: i32 = 26;

impl StoreError {
    /// Whether the file can no longer be trusted: the process must end and read it again at its next
    /// start, because after the first failed fsync the file's state in memory proves nothing. A full
    /// disk and a lock are not: nothing was written, and the other side is told to come again.
    /// PostgreSQL watches over its own files.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        matches!(
            self.sqlite_code(),
            Some(SQLITE_IOERR | SQLITE_CORRUPT | SQLITE_NOTADB)
        ) || matches!(self.sql(), Some(sqlx::Error::WorkerCrashed))
    }

    /// Whether the line to the database is broken, or its server is going down or coming up: the
    /// transaction is gone unless it was committed just before, and a new connection may do better.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        match self.sql() {
            Some(sqlx::Error::Database(_)) => self.postgres_code().is_some_and(|code| {
                code.starts_with("08")
                    || matches!(
                        code.as_str(),
                        "57P01" | "57P02" | "57P03" | "25P03" | "53300"
                    )
            }),
            Some(sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::PoolClosed) => true,
            _ => false,
        }
    }

    /// Whether the database is locked or full for now.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        matches!(
            self.sqlite_code(),
            Some(SQLITE_BUSY | SQLITE_LOCKED | SQLITE_FULL)
        ) || self
            .postgres_code()
            .is_some_and(|code| code == "55P03" || code.starts_with("53"))
            || matches!(self.sql(), Some(sqlx::Error::PoolTimedOut))
    }

    /// Whether another process got there first: a unique index or the order of transactions decided.
    #[must_use]
    pub fn is_race(&self) -> bool {
        match self.sql() {
            Some(sqlx::Error::Database(error)) => {
                error.is_unique_violation()
                    || self
                        .postgres_code()
                        .is_some_and(|code| matches!(code.as_str(), "40001" | "40P01"))
            }
            _ => false,
        }
    }

    fn sql(&self) -> Option<&sqlx::Error> {
        match self {
            Self::Sql { source, .. } | Self::Open { source, .. } => Some(source),
            _ => None,
        }
    }

    fn sqlite_code(&self) -> Option<i32> {
        let sqlx::Error::Database(error) = self.sql()? else {
            return None;
        };
        error.try_downcast_ref::<SqliteError>()?;
        let code: i32 = error.code()?.parse().ok()?;
        Some(code & 0xff)
    }

    fn postgres_code(&self) -> Option<String> {
        let sqlx::Error::Database(error) = self.sql()? else {
            return None;
        };
        error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>()?;
        error.code().map(std::borrow::Cow::into_owned)
    }
}

/// Says what was being done when a statement failed.
pub(crate) fn sql(doing: &'static str) -> impl FnOnce(sqlx::Error) -> StoreError {
    move |source| StoreError::Sql { doing, source }
}
