//! Where sites are in the area tree, and which units have to do with a case: what the filters of
//! [`Scope`](crate::access::Scope) rest on. Written in the transaction of what they follow from.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::Row;

use super::commit::insert;
use super::database::{Connection, Frame, query};
use super::{StoreResult, Writer, commit, sql};
use crate::cases::{Case, CaseId};
use crate::directory::Directory;

const CASE_UNITS: Frame = (
    "INSERT INTO case_units (case_id, unit)",
    " ON CONFLICT (unit, case_id) DO NOTHING",
);
const SITE_AREAS: Frame = (
    "INSERT INTO site_areas (site, area_path)",
    " ON CONFLICT (site) DO UPDATE SET area_path = excluded.area_path",
);

/// Notes the units that have something to do with these cases. None is ever taken away: a unit that
/// had a case can still appeal.
pub(super) async fn write_case_units(
    connection: &mut Connection,
    cases: &[&Case],
) -> StoreResult<()> {
    let mut rows: BTreeSet<(CaseId, &str)> = BTreeSet::new();
    for case in cases {
        let progress = &case.progress;
        let units = progress.unit.iter();
        let units = units.chain(progress.tasks.iter().map(|task| &task.unit));
        let units = units.chain(progress.calls.iter().map(|call| &call.unit));
        rows.extend(units.map(|unit| (case.id, unit.as_str())));
    }
    let rows: Vec<_> = rows.into_iter().collect();
    let doing = "noting the units of a case";
    insert(connection, doing, CASE_UNITS, &rows, |row, (case, unit)| {
        row.push_bind(*case).push_bind(*unit);
    })
    .await
}

/// Brings the places of sites, and of the cases there, up to date with the directory. The cases of a site
/// that is no longer known stay where they were.
pub(crate) async fn follow_directory(
    connection: &mut Connection,
    directory: &Directory,
) -> StoreResult<()> {
    let following = "bringing the places of cases up to date";
    let rows = query("SELECT site, area_path FROM site_areas")
        .fetch_all(&mut *connection)
        .await
        .map_err(sql(following))?;
    let mut stored: BTreeMap<String, String> =
        rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let mut moved = Vec::new();
    for site in directory.sites() {
        let path = directory.site_path(&site.id);
        if stored.remove(site.id.as_str()).as_ref() != Some(&path) {
            moved.push((site.id.to_string(), path));
        }
    }
    insert(
        connection,
        following,
        SITE_AREAS,
        &moved,
        |row, (site, path)| {
            row.push_bind(site).push_bind(path);
        },
    )
    .await?;
    for (site, path) in &moved {
        query("UPDATE cases SET area_path = $2 WHERE site = $1 AND area_path <> $2")
            .bind(site)
            .bind(path)
            .execute(&mut *connection)
            .await
            .map_err(sql(following))?;
    }
    for site in stored.keys() {
        query("DELETE FROM site_areas WHERE site = $1")
            .bind(site)
            .execute(&mut *connection)
            .await
            .map_err(sql(following))?;
    }
    Ok(())
}

impl Writer {
    /// Brings the places of sites and cases up to date with the directory.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn follow_directory(&mut self, directory: &Directory) -> StoreResult<()> {
        let mut transaction = self.begin().await?;
        follow_directory(&mut transaction, directory).await?;
        commit(transaction).await
    }
}
