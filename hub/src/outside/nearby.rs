//! Open cases that may be about the same matter as a report: of the same kind, in the same place, opened lately.
//!
//! Near and lately are what [`crate::correlation::suggest`] says. A report has a position of its own, which
//! counts for more than its grid: two matters of one grid that lie far apart are not one.

use gridwatch_protocol::{Text, Timestamp};
use sqlx::Row;

use super::matter::Matter;
use super::place::{self, Point};
use crate::access::Scope;
use crate::cases::{Case, text};
use crate::catalogue::Catalogue;
use crate::correlation::suggest::{NEAR_M, SUGGESTIONS_MAX, WINDOW_MS};
use crate::directory::Directory;
use crate::store::database::{Connection, QueryBuilder};
use crate::store::{StoreResult, from_json, sql};

/// Cases that are compared; the newest.
const COMPARED_MAX: i64 = 500;

/// A case that may be about the same matter.
#[derive(Debug, Clone, PartialEq)]
pub struct Nearby {
    /// The case.
    pub case: Case,
    /// How far it is, in metres, when both are on the map.
    pub metres: Option<f64>,
    /// Why it is suggested.
    pub because: Text,
}

/// Cases near a matter that the asker sees, the nearest first.
///
/// # Errors
/// When the store does not answer.
pub async fn find(
    connection: &mut Connection,
    scope: &Scope,
    matter: &Matter,
    (catalogue, directory): (&Catalogue, &Directory),
    now: Timestamp,
) -> StoreResult<Vec<Nearby>> {
    let mut query = QueryBuilder::new(
        "SELECT c.body, r.lat, r.lon FROM cases c LEFT JOIN case_reports r ON r.case_id = c.id AND r.opened = 1 WHERE c.is_open = 1 AND c.category IN (",
    );
    query.push_list(alike(catalogue, &matter.category).into_iter());
    query.push(" AND c.opened_at > ");
    query.push_bind(now.plus_ms(-WINDOW_MS).unix_ms());
    query.push(" AND c.is_drill = ").push_bind(matter.is_drill);
    scope.push_cases(&mut query, "c.");
    query
        .push(" ORDER BY c.id DESC LIMIT ")
        .push_bind(COMPARED_MAX);
    let rows = query
        .build()
        .fetch_all(connection)
        .await
        .map_err(sql("finding cases nearby"))?;
    let mut near = Vec::new();
    for row in &rows {
        let case: Case = from_json("case", row.get(0))?;
        let (lat, lon) = (row.get::<Option<f64>, _>(1), row.get::<Option<f64>, _>(2));
        let own = lat.zip(lon).map(|(lat, lon)| Point { lat, lon });
        near.extend(compare(case, own, matter, directory));
    }
    near.sort_by(|a, b| {
        let far = |near: &Nearby| near.metres.unwrap_or(NEAR_M);
        far(a).total_cmp(&far(b)).then(b.case.id.cmp(&a.case.id))
    });
    near.truncate(SUGGESTIONS_MAX);
    Ok(near)
}

/// Codes of the categories that are about the same kind of matter.
fn alike<'a>(catalogue: &'a Catalogue, code: &'a str) -> Vec<&'a str> {
    let group = catalogue.get(code).and_then(|category| category.group);
    let same_group = |other: &&crate::catalogue::Category| other.group == group;
    let mut codes = vec![code];
    if group.is_some() {
        let others = catalogue.categories().iter().filter(same_group);
        codes.extend(others.map(|other| other.code.as_str()));
    }
    codes
}

fn compare(
    case: Case,
    own: Option<Point>,
    matter: &Matter,
    directory: &Directory,
) -> Option<Nearby> {
    let there = own.or_else(|| place::of_site(directory, &case.site));
    let here = matter
        .point
        .or_else(|| place::of_site(directory, &matter.site));
    let metres = there.zip(here).map(|(there, here)| there.metres_to(here));
    let is_site = directory.site(&case.site).is_some();
    let because = if case.site == matter.site && is_site {
        text(
            "同一小区的同类未结事件",
            "an open case of the same kind at the same site",
        )
    } else if let Some(metres) = metres.filter(|metres| *metres <= NEAR_M) {
        text(
            format!("{metres:.0} 米内的同类未结事件"),
            format!("an open case of the same kind within {metres:.0} m"),
        )
    } else if case.site == matter.site && metres.is_none() {
        text(
            "同一网格的同类未结事件",
            "an open case of the same kind in the same grid",
        )
    } else {
        return None;
    };
    Some(Nearby {
        case,
        metres,
        because,
    })
}
