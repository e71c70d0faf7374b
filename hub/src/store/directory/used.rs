//! What of the directory is in use and cannot go: by open cases and by people who sign in.

use std::fmt;

use sqlx::Row;

use crate::directory::change::Changes;
use crate::store::database::{Connection, QueryBuilder};
use crate::store::{StoreResult, sql};

/// So many users of one row are named.
const NAMED: i64 = 10;

/// Something that is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// Code of the area or unit, or id of the site.
    pub key: String,
    /// What it is.
    pub what: UsedThing,
    /// Who uses it.
    pub by: UsedBy,
    /// How many.
    pub count: i64,
    /// Numbers of some of the cases, or names of some of the people.
    pub named: Vec<String>,
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = match self.by {
            UsedBy::Cases => "open cases",
            UsedBy::People => "people who may sign in",
        };
        let named = self.named.join(", ");
        write!(
            f,
            "`{}` is used by {} {by}, such as {named}",
            self.key, self.count
        )
    }
}

/// What is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsedThing {
    /// An area.
    Area,
    /// A site.
    Site,
    /// A unit.
    Unit,
}

/// Who uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsedBy {
    /// Open cases.
    Cases,
    /// People who may sign in.
    People,
}

/// Each use of what these changes take away.
pub(crate) async fn uses(connection: &mut Connection, changes: &Changes) -> StoreResult<Vec<Use>> {
    const PEOPLE_OF_AREA: &str = "SELECT name FROM users WHERE disabled_at IS NULL AND area = ";
    const PEOPLE_OF_UNIT: &str = "SELECT name FROM users WHERE disabled_at IS NULL AND unit = ";
    const CASES_AT: &str = "SELECT number FROM cases WHERE is_open = 1 AND site = ";
    const CASES_OF_UNIT: &str = "SELECT number FROM cases WHERE is_open = 1 AND unit = ";
    let areas = changes.areas.removed.iter().map(|row| row.code.as_str());
    let sites = changes.sites.removed.iter().map(|row| row.id.as_str());
    let units = changes.units.removed.iter().map(|row| row.code.as_str());
    let mut asked = Vec::new();
    for key in areas {
        asked.push((key, UsedThing::Area, UsedBy::People, PEOPLE_OF_AREA));
        asked.push((key, UsedThing::Area, UsedBy::Cases, CASES_AT));
    }
    asked.extend(sites.map(|key| (key, UsedThing::Site, UsedBy::Cases, CASES_AT)));
    for key in units {
        asked.push((key, UsedThing::Unit, UsedBy::People, PEOPLE_OF_UNIT));
        asked.push((key, UsedThing::Unit, UsedBy::Cases, CASES_OF_UNIT));
    }
    let mut found = Vec::new();
    for (key, what, by, statement) in asked {
        let (count, named) = users(connection, statement, key).await?;
        if count > 0 {
            let key = key.to_owned();
            found.push(Use {
                key,
                what,
                by,
                count,
                named,
            });
        }
    }
    Ok(found)
}

async fn users(
    connection: &mut Connection,
    statement: &'static str,
    key: &str,
) -> StoreResult<(i64, Vec<String>)> {
    let doing = "looking for what uses a part of the directory";
    let mut some = QueryBuilder::new(statement);
    some.push_bind(key)
        .push(" ORDER BY 1 LIMIT ")
        .push_bind(NAMED);
    let rows = some
        .build()
        .fetch_all(&mut *connection)
        .await
        .map_err(sql(doing))?;
    let named: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    if rows.len() < usize::try_from(NAMED).unwrap_or(usize::MAX) {
        return Ok((i64::try_from(named.len()).unwrap_or(NAMED), named));
    }
    let mut all = QueryBuilder::new("SELECT COUNT(*) FROM (");
    all.push(statement).push_bind(key).push(") AS found");
    let row = all
        .build()
        .fetch_one(connection)
        .await
        .map_err(sql(doing))?;
    Ok((row.get(0), named))
}
