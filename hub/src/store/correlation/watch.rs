//! What the hub looks for every few seconds: cases whose sensors are to be released, events that spread,
//! false alarms that come too often. Bounded, and read beside the writer.

use std::collections::BTreeMap;

use gridwatch_protocol::{SiteId, Timestamp};
use sqlx::Row;

use crate::cases::{Case, CaseId};
use crate::store::database::{Connection, QueryBuilder, query};
use crate::store::{Store, StoreResult, from_json, sql};

/// Open cases that are looked at for their spread, the newest: bounds the work in a storm.
const SPREAD_MAX: i64 = 20_000;
/// Cases whose level rises in one transaction; the rest follows with the next look.
pub(crate) const RAISED_MAX: i64 = 200;
/// Gateways whose sensors are released in one transaction.
const RELEASED_MAX: i64 = 20;
/// Rejected cases of one site and day that are looked at.
const REJECTED_MAX: i64 = 500;

/// Where cases of a category are open, and whether one of them is below which level.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// Paths in the area tree.
    pub paths: Vec<String>,
    /// The lowest level among them, 1 (the city) to 4 (the grid).
    pub lowest: i64,
}

impl Store {
    /// Where real cases of these categories that were opened since then are open, by category.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn spread_since(
        &self,
        categories: &[&str],
        since: Timestamp,
    ) -> StoreResult<BTreeMap<String, Places>> {
        let mut statement = QueryBuilder::new(
            "SELECT category, area_path, MAX(level) FROM (SELECT category, area_path, level FROM cases WHERE is_open = 1 AND is_drill = 0 AND area_path <> '' AND opened_at > ",
        );
        statement.push_bind(since.unix_ms());
        statement.push(" AND category IN (");
        statement.push_list(categories.iter().copied());
        statement.push(" ORDER BY opened_at DESC LIMIT ");
        statement.push_bind(SPREAD_MAX);
        statement.push(") AS newest GROUP BY category, area_path");
        let rows = statement
            .build()
            .fetch_all(&self.readers)
            .await
            .map_err(sql("finding what spreads"))?;
        let mut found: BTreeMap<String, Places> = BTreeMap::new();
        for row in rows {
            let places = found.entry(row.get(0)).or_default();
            places.paths.push(row.get(1));
            places.lowest = places.lowest.max(row.get(2));
        }
        Ok(found)
    }

    /// Whether a gateway's case has sensors to release.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn releases_due(&self, now: Timestamp) -> StoreResult<bool> {
        let mut connection = self.connection().await?;
        Ok(!to_release(&mut connection, now).await?.is_empty())
    }
}

/// Gateways' cases whose sensors are to be released.
pub(crate) async fn to_release(
    connection: &mut Connection,
    now: Timestamp,
) -> StoreResult<Vec<CaseId>> {
    let rows =
        query("SELECT id FROM cases WHERE release_at <= $1 ORDER BY release_at, id LIMIT $2")
            .bind(now.unix_ms())
            .bind(RELEASED_MAX)
            .fetch_all(connection)
            .await
            .map_err(sql("finding sensors to release"))?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Cases of a category, opened since then, whose level is lower than this one.
pub(crate) async fn below_level(
    connection: &mut Connection,
    category: &str,
    since: Timestamp,
    level: i64,
) -> StoreResult<Vec<Case>> {
    let rows = query("SELECT body FROM cases WHERE is_open = 1 AND is_drill = 0 AND category = $1 AND opened_at > $2 AND level > $3 AND area_path <> '' ORDER BY id LIMIT $4")
        .bind(category)
        .bind(since.unix_ms())
        .bind(level)
        .bind(RAISED_MAX)
        .fetch_all(connection)
        .await
        .map_err(sql("finding cases of an event that spreads"))?;
    rows.iter()
        .map(|row| from_json("case", row.get(0)))
        .collect()
}

/// Cases of a site that were rejected since then.
pub(crate) async fn rejected_since(
    connection: &mut Connection,
    site: &SiteId,
    since: Timestamp,
) -> StoreResult<Vec<Case>> {
    let mut statement = QueryBuilder::new("SELECT body FROM cases WHERE site = ");
    statement.push_bind(site.as_str());
    statement.push(" AND state = 'rejected' AND ended_at >= ");
    statement.push_bind(since.unix_ms());
    statement
        .push(" ORDER BY id DESC LIMIT ")
        .push_bind(REJECTED_MAX);
    let rows = statement
        .build()
        .fetch_all(connection)
        .await
        .map_err(sql("counting false alarms"))?;
    rows.iter()
        .map(|row| from_json("case", row.get(0)))
        .collect()
}
