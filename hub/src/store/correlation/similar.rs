//! Open cases that may be the same matter as one at a place, read with the asker's filter.

use gridwatch_protocol::{SiteId, Timestamp};
use sqlx::Row;

use crate::access::Scope;
use crate::cases::{Case, CaseId};
use crate::catalogue::Catalogue;
use crate::correlation::suggest::{
    Matter, NEAR_M, Position, SUGGESTIONS_MAX, Suggestion, WINDOW_MS, likeness,
};
use crate::directory::{Directory, Level};
use crate::store::database::{Connection, QueryBuilder};
use crate::store::{Store, StoreResult, from_json, sql};

/// Cases that are compared, the newest.
const COMPARED_MAX: i64 = 500;
/// Sites that are looked at around a position.
const SITES_MAX: usize = 200;

/// What an open case is compared by.
#[must_use]
pub fn matter_of(case: &Case, directory: &Directory) -> Matter {
    Matter {
        building: case.place.building.clone(),
        ..matter(&case.category, &case.site, None, case.opened_at, directory)
    }
}

/// What a matter at a site (or in an area, by its code) is compared by; `position` where it is known better
/// than by the site.
#[must_use]
pub fn matter(
    category: &str,
    site: &SiteId,
    position: Option<Position>,
    at: Timestamp,
    directory: &Directory,
) -> Matter {
    let grid = directory.path(site).pop();
    let of_site = directory.site(site).map(|site| Position {
        lat: site.lat,
        lon: site.lon,
    });
    Matter {
        category: category.to_owned(),
        grid: grid
            .filter(|step| step.level == Level::Grid)
            .map(|step| step.code),
        site: site.to_string(),
        building: None,
        position: position.or(of_site),
        at,
    }
}

/// Open cases that the asker sees and that may be the same matter, most alike first.
///
/// # Errors
/// When the store does not answer.
pub async fn suggest(
    connection: &mut Connection,
    scope: &Scope,
    wanted: &Matter,
    but: Option<CaseId>,
    directory: &Directory,
    catalogue: &Catalogue,
) -> StoreResult<Vec<Suggestion>> {
    let near = |position: &Position, site: &crate::directory::Site| {
        let there = Position {
            lat: site.lat,
            lon: site.lon,
        };
        position.metres_to(there) <= NEAR_M
    };
    let mut sites: Vec<&str> = directory
        .sites()
        .filter(|site| wanted.position.as_ref().is_some_and(|p| near(p, site)))
        .map(|site| site.id.as_str())
        .take(SITES_MAX)
        .collect();
    sites.push(&wanted.site);
    let family = catalogue
        .get(&wanted.category)
        .and_then(|c| c.family.as_ref());
    let alike = catalogue
        .categories()
        .iter()
        .filter(|c| c.code == wanted.category || (family.is_some() && c.family.as_ref() == family))
        .map(|c| c.code.as_str());
    let mut statement = QueryBuilder::new(
        "SELECT body FROM cases WHERE is_open = 1 AND is_drill = 0 AND opened_at > ",
    );
    statement.push_bind(wanted.at.plus_ms(-WINDOW_MS).unix_ms());
    statement.push(" AND opened_at < ");
    statement.push_bind(wanted.at.plus_ms(WINDOW_MS).unix_ms());
    statement.push(" AND category IN (").push_list(alike);
    statement
        .push(" AND (site IN (")
        .push_list(sites.into_iter());
    if let Some(grid) = &wanted.grid {
        statement
            .push(" OR area_path = ")
            .push_bind(directory.area_path(grid));
    }
    statement.push(")");
    scope.push_cases(&mut statement, "");
    statement
        .push(" ORDER BY opened_at DESC LIMIT ")
        .push_bind(COMPARED_MAX);
    let rows = statement
        .build()
        .fetch_all(connection)
        .await
        .map_err(sql("finding similar cases"))?;
    let mut suggestions = Vec::new();
    for row in rows {
        let case: Case = from_json("case", row.get(0))?;
        if Some(case.id) == but {
            continue;
        }
        let found = likeness(wanted, &matter_of(&case, directory), catalogue);
        suggestions.extend(found.map(|likeness| Suggestion {
            case: case.id,
            likeness,
        }));
    }
    suggestions.sort_by_key(|one| (std::cmp::Reverse(one.likeness.score), one.case));
    suggestions.truncate(SUGGESTIONS_MAX);
    Ok(suggestions)
}

impl Store {
    /// As [`suggest`], for an open case.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn similar(
        &self,
        case: &Case,
        scope: &Scope,
        directory: &Directory,
        catalogue: &Catalogue,
    ) -> StoreResult<Vec<Suggestion>> {
        let mut connection = self.connection().await?;
        let wanted = matter_of(case, directory);
        suggest(
            &mut connection,
            scope,
            &wanted,
            Some(case.id),
            directory,
            catalogue,
        )
        .await
    }
}
