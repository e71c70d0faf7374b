//! Silences, and the cases that they hide.

use gridwatch_protocol::Timestamp;
use sqlx::Row;
use sqlx::any::AnyRow;

use crate::access::Scope;
use crate::cases::Case;
use crate::correlation::silence::Silence;
use crate::store::database::{Connection, QueryBuilder, query, query_scalar};
use crate::store::{Store, StoreResult, from_json, sql, to_json};

/// Silences that stand at a time; each is looked at for every new alert.
pub const STANDING_MAX: i64 = 500;
/// Cases that a new silence falls over at once; what is not taken by then stays as it is.
pub const HIDE_MAX: i64 = 2_000;

/// Which silences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Nobody has ended them and their time is not over.
    Standing,
    /// They are over.
    Over,
    /// All.
    All,
}

fn silence(row: &AnyRow) -> StoreResult<Silence> {
    from_json("silence", row.get(0))
}

/// Those that stand or will.
pub(crate) async fn standing(
    connection: &mut Connection,
    now: Timestamp,
) -> StoreResult<Vec<Silence>> {
    let rows = query("SELECT body FROM silences WHERE is_ended = 0 AND ends_at > $1 ORDER BY id")
        .bind(now.unix_ms())
        .fetch_all(connection)
        .await
        .map_err(sql("reading silences"))?;
    rows.iter().map(silence).collect()
}

pub(crate) async fn count_standing(
    connection: &mut Connection,
    now: Timestamp,
) -> StoreResult<i64> {
    query_scalar("SELECT COUNT(*) FROM silences WHERE is_ended = 0 AND ends_at > $1")
        .bind(now.unix_ms())
        .fetch_one(connection)
        .await
        .map_err(sql("counting silences"))
}

/// Stores a silence, new or changed.
pub(crate) async fn write(connection: &mut Connection, silence: &Silence) -> StoreResult<()> {
    query("INSERT INTO silences (id, area_path, ends_at, is_ended, body) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO UPDATE SET is_ended = excluded.is_ended, body = excluded.body")
        .bind(silence.id)
        .bind(&silence.path)
        .bind(silence.until.unix_ms())
        .bind(silence.ended_at.is_some())
        .bind(to_json(silence))
        .execute(connection)
        .await
        .map(drop)
        .map_err(sql("storing a silence"))
}

/// A silence, if its area is seen.
pub(crate) async fn load_seen(
    connection: &mut Connection,
    id: i64,
    scope: &Scope,
) -> StoreResult<Option<Silence>> {
    let mut statement = QueryBuilder::new("SELECT body FROM silences WHERE id = ");
    statement.push_bind(id);
    scope.push_path(&mut statement, "area_path");
    let row = statement
        .build()
        .fetch_optional(connection)
        .await
        .map_err(sql("reading a silence"))?;
    row.as_ref().map(silence).transpose()
}

/// Cases that nobody has taken yet within this path: those that a new silence may hide.
pub(crate) async fn untaken(
    connection: &mut Connection,
    path: &str,
) -> StoreResult<Vec<(String, Case)>> {
    let mut statement = QueryBuilder::new(
        "SELECT area_path, body FROM cases WHERE is_open = 1 AND acknowledged_at IS NULL AND severity > 1 AND state IN ('reported', 'pre_verify')",
    );
    if !path.is_empty() {
        let mut end = path.to_owned();
        end.pop();
        // `0` follows `/`: the first text after all that begin with the path.
        end.push('0');
        statement.push(" AND area_path >= ").push_bind(path);
        statement.push(" AND area_path < ").push_bind(end);
    }
    statement.push(" ORDER BY id LIMIT ").push_bind(HIDE_MAX);
    let rows = statement
        .build()
        .fetch_all(connection)
        .await
        .map_err(sql("finding cases that a silence hides"))?;
    rows.iter()
        .map(|row| Ok((row.get(0), from_json("case", row.get(1))?)))
        .collect()
}

/// The cases that a silence hides.
pub(crate) async fn hidden(
    connection: &mut Connection,
    silence: i64,
) -> StoreResult<Vec<(String, Case)>> {
    let rows = query("SELECT area_path, body FROM cases WHERE silenced_by = $1 ORDER BY id")
        .bind(silence)
        .fetch_all(connection)
        .await
        .map_err(sql("finding the cases of a silence"))?;
    rows.iter()
        .map(|row| Ok((row.get(0), from_json("case", row.get(1))?)))
        .collect()
}

impl Store {
    /// How many cases a silence hides now.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn hidden_by(&self, silence: i64) -> StoreResult<i64> {
        query_scalar("SELECT COUNT(*) FROM cases WHERE silenced_by = $1")
            .bind(silence)
            .fetch_one(&self.readers)
            .await
            .map_err(sql("counting the cases of a silence"))
    }

    /// Silences whose area is seen, newest first, each with how many cases it hides now.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn silences(
        &self,
        which: Which,
        before: Option<i64>,
        limit: i64,
        scope: &Scope,
        now: Timestamp,
    ) -> StoreResult<Vec<(Silence, i64)>> {
        let mut statement = QueryBuilder::new(
            "SELECT s.body, (SELECT COUNT(*) FROM cases c WHERE c.silenced_by = s.id) FROM silences s WHERE s.id > 0",
        );
        match which {
            Which::Standing => {
                statement.push(" AND s.is_ended = 0 AND s.ends_at > ");
                statement.push_bind(now.unix_ms());
            }
            Which::Over => {
                statement.push(" AND (s.is_ended = 1 OR s.ends_at <= ");
                statement.push_bind(now.unix_ms()).push(")");
            }
            Which::All => {}
        }
        if let Some(before) = before {
            statement.push(" AND s.id < ").push_bind(before);
        }
        scope.push_path(&mut statement, "s.area_path");
        statement
            .push(" ORDER BY s.id DESC LIMIT ")
            .push_bind(limit);
        let rows = statement
            .build()
            .fetch_all(&self.readers)
            .await
            .map_err(sql("listing silences"))?;
        rows.iter()
            .map(|row| Ok((silence(row)?, row.get(1))))
            .collect()
    }
}
