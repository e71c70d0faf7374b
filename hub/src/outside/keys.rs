//! Keys of other systems: made on the command line, stored as hashes, each for one door and one area.
//!
//! A key has a virtual gateway under which its alerts are stored. A key that was revoked never works again;
//! its name is not used twice.

use gridwatch_protocol::Timestamp;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::{place, signal};
use crate::secrets;
use crate::store::database::{Connection, query};
use crate::store::{Store, StoreResult, Writer, commit, sql, time};

/// Longest name of a key.
pub const NAME_CHARACTERS_MAX: usize = 40;
/// Requests in a minute when nothing else is said: one a second is more than any of these systems needs.
pub const PER_MINUTE: u32 = 60;

/// For which door a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// Reports of people through Open311 GeoReport v2.
    Open311,
    /// Events shaped like PagerDuty's.
    Pagerduty,
    /// Webhooks shaped like Alertmanager's.
    Alertmanager,
}

impl Kind {
    /// The name in the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Open311 => "open311",
            Kind::Pagerduty => "pagerduty",
            Kind::Alertmanager => "alertmanager",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Kind::Open311, Kind::Pagerduty, Kind::Alertmanager]
            .into_iter()
            .find(|kind| kind.as_str() == name)
    }
}

/// A key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRow {
    /// Its name.
    pub name: String,
    /// For which door it is; none when a newer hub made it for one that is not known here.
    pub kind: Option<Kind>,
    /// Code of the area that it is for; none for the whole tree.
    pub area: Option<String>,
    /// Requests that it may send in a minute.
    pub per_minute: u32,
    /// When it was made.
    pub added_at: Timestamp,
    /// Since when it no longer works.
    pub revoked_at: Option<Timestamp>,
}

/// What is wrong with a name for a key, if anything is.
#[must_use]
pub fn name_problem(name: &str) -> Option<String> {
    let ok = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let fits = (1..=NAME_CHARACTERS_MAX).contains(&name.len()) && name.chars().all(ok);
    (!fits).then(|| {
        format!("a name of a key is 1 to {NAME_CHARACTERS_MAX} letters, digits, `-` and `_`")
    })
}

const COLUMNS: &str = "SELECT name, kind, area, per_minute, added_at, revoked_at FROM outside_keys WHERE key_hash = $1 AND revoked_at IS NULL";

fn key_row(row: &AnyRow) -> KeyRow {
    KeyRow {
        name: row.get(0),
        kind: Kind::from_name(row.get(1)),
        area: row.get(2),
        per_minute: crate::store::database::small(row, 3),
        added_at: time(row.get(4)),
        revoked_at: row.get::<Option<i64>, _>(5).map(time),
    }
}

impl Store {
    /// The key, if it works and is for this door.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn outside_key(&self, key: &str, kind: Kind) -> StoreResult<Option<KeyRow>> {
        // A hash of 256 random bits is looked up, so the time that it takes tells nothing about the key.
        let row = query(COLUMNS)
            .bind(secrets::token_hash(key))
            .fetch_optional(&self.readers)
            .await
            .map_err(sql("finding a key of another system"))?;
        let row = row.as_ref().map(key_row);
        Ok(row.filter(|row| row.kind == Some(kind)))
    }

    /// Every key, by name.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn outside_keys(&self) -> StoreResult<Vec<KeyRow>> {
        let rows = query("SELECT name, kind, area, per_minute, added_at, revoked_at FROM outside_keys ORDER BY name")
            .fetch_all(&self.readers)
            .await
            .map_err(sql("listing keys of other systems"))?;
        Ok(rows.iter().map(key_row).collect())
    }
}

/// A key to be added.
#[derive(Debug)]
pub struct NewKey<'a> {
    /// Its name.
    pub name: &'a str,
    /// For which door.
    pub kind: Kind,
    /// For which area.
    pub area: Option<&'a str>,
    /// Requests in a minute.
    pub per_minute: u32,
    /// Its hash.
    pub hash: &'a str,
}

impl Writer {
    /// Adds a key and its virtual gateway.
    ///
    /// # Errors
    /// When the name is taken (the primary key decides) or the store does not answer.
    pub async fn add_outside_key(&mut self, new: &NewKey<'_>, now: Timestamp) -> StoreResult<()> {
        let mut transaction = self.begin().await?;
        query("INSERT INTO outside_keys (name, kind, area, key_hash, per_minute, added_at) VALUES ($1, $2, $3, $4, $5, $6)")
            .bind(new.name)
            .bind(new.kind.as_str())
            .bind(new.area)
            .bind(new.hash)
            .bind(new.per_minute)
            .bind(now.unix_ms())
            .execute(&mut *transaction)
            .await
            .map_err(sql("adding a key of another system"))?;
        add_gateway(&mut transaction, new, now).await?;
        commit(transaction).await
    }

    /// Revokes a key; false when there is no such key that works.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn revoke_outside_key(&mut self, name: &str, now: Timestamp) -> StoreResult<bool> {
        let mut transaction = self.begin().await?;
        let done =
            query("UPDATE outside_keys SET revoked_at = $2 WHERE name = $1 AND revoked_at IS NULL")
                .bind(name)
                .bind(now.unix_ms())
                .execute(&mut *transaction)
                .await
                .map_err(sql("revoking a key of another system"))?;
        commit(transaction).await?;
        Ok(done > 0)
    }
}

async fn add_gateway(
    connection: &mut Connection,
    new: &NewKey<'_>,
    now: Timestamp,
) -> StoreResult<()> {
    let site = new
        .area
        .map_or_else(|| place::unknown().to_string(), str::to_owned);
    query("INSERT INTO gateways (id, site, key_hash, added_at, kind) VALUES ($1, $2, $3, $4, 'outside')")
        .bind(signal::gateway(new.name).as_str())
        .bind(site)
        // No key has this hash, so nobody signs in as this gateway.
        .bind(format!("outside:{}", new.name))
        .bind(now.unix_ms())
        .execute(connection)
        .await
        .map(drop)
        .map_err(sql("adding the gateway of a key"))
}
