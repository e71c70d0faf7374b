//! Writing what changes of the directory, inside the transaction of the change.

use std::collections::BTreeSet;

use super::{ChangeRefused, VERSION, uses};
use crate::directory::change::{Changes, RowChanges};
use crate::directory::contents::{RiskArea, Row};
use crate::directory::{Area, Contact, Directory, Duty, Hazard, Site, Unit};
use crate::store::accounts::{AuditRow, write_audit};
use crate::store::commit::insert;
use crate::store::database::{Connection, Frame, RowValues, query};
use crate::store::places::follow_directory;
use crate::store::{StoreResult, intake, sql};

const AREAS: Frame = (
    "INSERT INTO areas (code, parent, level, name_zh, name_en, path, outline, datum)",
    " ON CONFLICT (code) DO UPDATE SET parent = excluded.parent, level = excluded.level, name_zh = excluded.name_zh, name_en = excluded.name_en, path = excluded.path, outline = excluded.outline, datum = excluded.datum",
);
const SITES: Frame = (
    "INSERT INTO sites (id, name_zh, name_en, grid, address_zh, address_en, building_code, lat, lon, datum)",
    " ON CONFLICT (id) DO UPDATE SET name_zh = excluded.name_zh, name_en = excluded.name_en, grid = excluded.grid, address_zh = excluded.address_zh, address_en = excluded.address_en, building_code = excluded.building_code, lat = excluded.lat, lon = excluded.lon, datum = excluded.datum",
);
const UNITS: Frame = (
    "INSERT INTO units (code, name_zh, name_en, kind, area, phone)",
    " ON CONFLICT (code) DO UPDATE SET name_zh = excluded.name_zh, name_en = excluded.name_en, kind = excluded.kind, area = excluded.area, phone = excluded.phone",
);
const DUTIES: Frame = (
    "INSERT INTO duties (area, category, unit)",
    " ON CONFLICT (area, category) DO UPDATE SET unit = excluded.unit",
);
const HAZARDS: Frame = (
    "INSERT INTO hazards (code, category, name_zh, name_en, grid, lat, lon, datum)",
    " ON CONFLICT (code) DO UPDATE SET category = excluded.category, name_zh = excluded.name_zh, name_en = excluded.name_en, grid = excluded.grid, lat = excluded.lat, lon = excluded.lon, datum = excluded.datum",
);
const CONTACTS: Frame = (
    "INSERT INTO contacts (place_kind, place, ordinal, name, duty, phone)",
    " ON CONFLICT (place_kind, place, ordinal) DO UPDATE SET name = excluded.name, duty = excluded.duty, phone = excluded.phone",
);
const RISK_AREAS: Frame = (
    "INSERT INTO risk_areas (code, domain, name_zh, name_en, area, outline, datum)",
    " ON CONFLICT (code) DO UPDATE SET domain = excluded.domain, name_zh = excluded.name_zh, name_en = excluded.name_en, area = excluded.area, outline = excluded.outline, datum = excluded.datum",
);
const DOING: &str = "storing the directory";

/// Makes a change that was worked out from one version of the directory to the next, if that version is
/// still the newest one and nothing that goes is in use. `by` is who did it.
pub(crate) async fn change(
    connection: &mut Connection,
    (old, new): (&Directory, &Directory),
    changes: &Changes,
    by: AuditRow,
) -> StoreResult<Result<i64, ChangeRefused>> {
    let current = intake::counter(connection, VERSION).await?;
    if current != old.version() {
        return Ok(Err(ChangeRefused::Stale(current)));
    }
    let uses = uses(connection, changes).await?;
    if !uses.is_empty() {
        return Ok(Err(ChangeRefused::InUse(uses)));
    }
    apply(connection, old, new, changes).await?;
    advance(connection, new).await?;
    let subject = format!("version {}: {}", new.version(), changes.line());
    write_audit(connection, &AuditRow { subject, ..by }).await?;
    Ok(Ok(new.version()))
}

/// Writes the rows that change. Doing it twice leaves what doing it once leaves.
pub(super) async fn apply(
    connection: &mut Connection,
    old: &Directory,
    new: &Directory,
    changes: &Changes,
) -> StoreResult<()> {
    let delete = |statement: &'static str| move |key: &str| query(statement).bind(key);
    remove(
        connection,
        &changes.areas,
        delete("DELETE FROM areas WHERE code = $1"),
    )
    .await?;
    put_areas(connection, old, new, changes).await?;
    remove(
        connection,
        &changes.sites,
        delete("DELETE FROM sites WHERE id = $1"),
    )
    .await?;
    put(connection, SITES, &changes.sites, bind_site).await?;
    remove(
        connection,
        &changes.units,
        delete("DELETE FROM units WHERE code = $1"),
    )
    .await?;
    put(connection, UNITS, &changes.units, bind_unit).await?;
    for row in &changes.duties.removed {
        let gone = query("DELETE FROM duties WHERE area = $1 AND category = $2");
        run(connection, gone.bind(&row.area).bind(&row.category)).await?;
    }
    put(connection, DUTIES, &changes.duties, bind_duty).await?;
    remove(
        connection,
        &changes.hazards,
        delete("DELETE FROM hazards WHERE code = $1"),
    )
    .await?;
    put(connection, HAZARDS, &changes.hazards, bind_hazard).await?;
    for row in &changes.contacts.removed {
        let gone =
            query("DELETE FROM contacts WHERE place_kind = $1 AND place = $2 AND ordinal = $3");
        let gone = gone.bind(row.place_kind.as_str()).bind(&row.place);
        run(connection, gone.bind(row.order)).await?;
    }
    put(connection, CONTACTS, &changes.contacts, bind_contact).await?;
    remove(
        connection,
        &changes.risk_areas,
        delete("DELETE FROM risk_areas WHERE code = $1"),
    )
    .await?;
    put(connection, RISK_AREAS, &changes.risk_areas, bind_risk_area).await
}

/// Makes this the directory's version, and brings sites and cases to where they now are.
pub(super) async fn advance(connection: &mut Connection, new: &Directory) -> StoreResult<()> {
    let version = query("UPDATE counters SET value = $1 WHERE name = 'directory'");
    run(connection, version.bind(new.version())).await?;
    follow_directory(connection, new).await
}

async fn run(
    connection: &mut Connection,
    statement: crate::store::database::Query,
) -> StoreResult<()> {
    let done = statement.execute(connection).await;
    done.map(drop).map_err(sql(DOING))
}

async fn remove<T: Row>(
    connection: &mut Connection,
    changes: &RowChanges<T>,
    statement: impl Fn(&str) -> crate::store::database::Query,
) -> StoreResult<()> {
    for row in &changes.removed {
        run(connection, statement(&row.key())).await?;
    }
    Ok(())
}

async fn put<T: Row>(
    connection: &mut Connection,
    frame: Frame,
    changes: &RowChanges<T>,
    bind: fn(&mut RowValues<'_>, &T),
) -> StoreResult<()> {
    let rows: Vec<&T> = changes.put().collect();
    insert(connection, DOING, frame, &rows, |values, row| {
        bind(values, row)
    })
    .await
}

/// Areas whose row, outline or way from the city changes.
async fn put_areas(
    connection: &mut Connection,
    old: &Directory,
    new: &Directory,
    changes: &Changes,
) -> StoreResult<()> {
    let outlines = changes.outlines.put().chain(&changes.outlines.removed);
    let mut touched: BTreeSet<&str> = outlines.map(|row| row.code.as_str()).collect();
    touched.extend(changes.areas.put().map(|row| row.code.as_str()));
    let moved = |area: &&Area| {
        touched.contains(area.code.as_str())
            || old.area_path(&area.code) != new.area_path(&area.code)
    };
    let rows: Vec<&Area> = new.areas().iter().filter(moved).collect();
    insert(&mut *connection, DOING, AREAS, &rows, |values, row| {
        let outline = new.outline(&row.code).map(|row| &row.outline);
        values
            .push_bind(&row.code)
            .push_bind(&row.parent)
            .push_bind(row.level.as_str())
            .push_bind(&row.name.zh)
            .push_bind(&row.name.en)
            .push_bind(new.area_path(&row.code))
            .push_bind(outline.map(|outline| outline.to_geojson().to_string()))
            .push_bind(outline.map(|outline| outline.datum.as_str()));
    })
    .await?;
    for row in rows {
        let path = new.area_path(&row.code);
        if old.area_path(&row.code) != path {
            // A matter that was reported at no site has the code of its area as its site.
            let moved =
                query("UPDATE cases SET area_path = $2 WHERE site = $1 AND area_path <> $2");
            run(connection, moved.bind(&row.code).bind(path)).await?;
        }
    }
    Ok(())
}

fn bind_site(values: &mut RowValues<'_>, row: &Site) {
    values
        .push_bind(row.id.as_str())
        .push_bind(&row.name.zh)
        .push_bind(&row.name.en)
        .push_bind(&row.grid)
        .push_bind(&row.address.zh)
        .push_bind(&row.address.en)
        .push_bind(&row.building_code)
        .push_bind(row.lat)
        .push_bind(row.lon)
        .push_bind(row.datum.as_str());
}

fn bind_unit(values: &mut RowValues<'_>, row: &Unit) {
    values
        .push_bind(&row.code)
        .push_bind(&row.name.zh)
        .push_bind(&row.name.en)
        .push_bind(&row.kind)
        .push_bind(&row.area)
        .push_bind(&row.phone);
}

fn bind_duty(values: &mut RowValues<'_>, row: &Duty) {
    values
        .push_bind(&row.area)
        .push_bind(&row.category)
        .push_bind(&row.unit);
}

fn bind_hazard(values: &mut RowValues<'_>, row: &Hazard) {
    values
        .push_bind(&row.code)
        .push_bind(&row.category)
        .push_bind(&row.name.zh)
        .push_bind(&row.name.en)
        .push_bind(&row.grid)
        .push_bind(row.lat)
        .push_bind(row.lon)
        .push_bind(row.datum.as_str());
}

fn bind_contact(values: &mut RowValues<'_>, row: &Contact) {
    values
        .push_bind(row.place_kind.as_str())
        .push_bind(&row.place)
        .push_bind(row.order)
        .push_bind(&row.name)
        .push_bind(&row.duty)
        .push_bind(&row.phone);
}

fn bind_risk_area(values: &mut RowValues<'_>, row: &RiskArea) {
    values
        .push_bind(&row.code)
        .push_bind(row.domain.as_str())
        .push_bind(&row.name.zh)
        .push_bind(&row.name.en)
        .push_bind(&row.area)
        .push_bind(row.outline.to_geojson().to_string())
        .push_bind(row.outline.datum.as_str());
}
