//! The directory in the store: reading it whole, filling an empty store, and what its rows look like.
//!
//! The counter `directory` is its version: it grows in the transaction of every change, so whoever has
//! the same number has the same directory.

mod used;
mod write;

use gridwatch_protocol::{SiteId, Text};
use sqlx::Row;
use sqlx::any::AnyRow;

pub(crate) use used::uses;
pub use used::{Use, UsedBy, UsedThing};
pub(crate) use write::change;
use write::{advance, apply};

use super::database::{Connection, query, query_scalar, small};
use super::places::follow_directory;
use super::{Store, StoreError, StoreResult, Writer, commit, intake, sql};
use crate::directory::change::Changes;
use crate::directory::contents::{AreaOutline, Contents, Entry, RiskArea};
use crate::directory::outline::Outline;
use crate::directory::{
    Area, Contact, Datum, Directory, Domain, Duty, Hazard, Level, PlaceKind, Site, Unit,
};

/// Why a change was not made.
#[derive(Debug)]
pub enum ChangeRefused {
    /// The directory has changed since; its version now.
    Stale(i64),
    /// What goes is in use.
    InUse(Vec<Use>),
}

/// Name of the counter that is the directory's version.
pub(crate) const VERSION: &str = "directory";

const AREAS: &str =
    "SELECT code, parent, level, name_zh, name_en, outline, datum FROM areas ORDER BY code";
const SITES: &str = "SELECT id, name_zh, name_en, grid, address_zh, address_en, building_code, lat, lon, datum FROM sites ORDER BY id";
const UNITS: &str = "SELECT code, name_zh, name_en, kind, area, phone FROM units ORDER BY code";
const DUTIES: &str = "SELECT area, category, unit FROM duties ORDER BY area, category";
const HAZARDS: &str =
    "SELECT code, name_zh, name_en, category, grid, lat, lon, datum FROM hazards ORDER BY code";
const CONTACTS: &str = "SELECT place_kind, place, ordinal, name, duty, phone FROM contacts ORDER BY place_kind, place, ordinal";
const RISK_AREAS: &str =
    "SELECT code, domain, name_zh, name_en, area, outline, datum FROM risk_areas ORDER BY code";

/// The directory as this transaction sees it.
pub(crate) async fn load(connection: &mut Connection) -> StoreResult<Directory> {
    let version = intake::counter(connection, VERSION).await?;
    let mut contents = Contents::default();
    for row in rows(connection, AREAS).await? {
        let (area, outline) = area(&row)?;
        contents.outlines.extend(outline.map(Entry::from));
        contents.areas.push(area.into());
    }
    contents.sites = read(connection, SITES, site).await?;
    contents.units = read(connection, UNITS, unit).await?;
    contents.duties = read(connection, DUTIES, duty).await?;
    contents.hazards = read(connection, HAZARDS, hazard).await?;
    contents.contacts = read(connection, CONTACTS, contact).await?;
    contents.risk_areas = read(connection, RISK_AREAS, risk_area).await?;
    Ok(Directory::new(contents, version))
}

async fn rows(connection: &mut Connection, statement: &'static str) -> StoreResult<Vec<AnyRow>> {
    query(statement)
        .fetch_all(connection)
        .await
        .map_err(sql("reading the directory"))
}

async fn read<T>(
    connection: &mut Connection,
    statement: &'static str,
    row: fn(&AnyRow) -> StoreResult<T>,
) -> StoreResult<Vec<Entry<T>>> {
    let read = rows(connection, statement).await?;
    read.iter()
        .map(|found| row(found).map(Entry::from))
        .collect()
}

fn text(row: &AnyRow, column: usize) -> Text {
    Text {
        zh: row.get(column),
        en: row.get(column + 1),
    }
}

fn body<T>(what: &'static str, value: Result<T, String>) -> StoreResult<T> {
    value.map_err(|why| StoreError::Body {
        what,
        source: serde::de::Error::custom(why),
    })
}

fn datum(row: &AnyRow, column: usize) -> StoreResult<Datum> {
    let name: &str = row.get(column);
    let known = Datum::from_name(name).ok_or_else(|| format!("`{name}` is not a datum"));
    body("datum", known)
}

fn area(row: &AnyRow) -> StoreResult<(Area, Option<AreaOutline>)> {
    let (code, level): (String, &str) = (row.get(0), row.get(2));
    let level = Level::from_name(level).ok_or_else(|| format!("`{level}` is not a level"));
    let outline = match row.get::<Option<&str>, _>(5) {
        None => None,
        Some(geometry) => Some(AreaOutline {
            code: code.clone(),
            outline: body("outline", Outline::from_geojson(geometry, datum(row, 6)?))?,
        }),
    };
    let area = Area {
        code,
        parent: row.get(1),
        level: body("area", level)?,
        name: text(row, 3),
    };
    Ok((area, outline))
}

fn site(row: &AnyRow) -> StoreResult<Site> {
    Ok(Site {
        id: body(
            "site",
            SiteId::new(row.get::<&str, _>(0)).map_err(|why| why.to_string()),
        )?,
        name: text(row, 1),
        grid: row.get(3),
        address: text(row, 4),
        building_code: row.get(6),
        lat: row.get(7),
        lon: row.get(8),
        datum: datum(row, 9)?,
    })
}

fn unit(row: &AnyRow) -> StoreResult<Unit> {
    Ok(Unit {
        code: row.get(0),
        name: text(row, 1),
        kind: row.get(3),
        area: row.get(4),
        phone: row.get(5),
    })
}

fn duty(row: &AnyRow) -> StoreResult<Duty> {
    Ok(Duty {
        area: row.get(0),
        category: row.get(1),
        unit: row.get(2),
    })
}

fn hazard(row: &AnyRow) -> StoreResult<Hazard> {
    Ok(Hazard {
        code: row.get(0),
        name: text(row, 1),
        category: row.get(3),
        grid: row.get(4),
        lat: row.get(5),
        lon: row.get(6),
        datum: datum(row, 7)?,
    })
}

fn contact(row: &AnyRow) -> StoreResult<Contact> {
    let kind: &str = row.get(0);
    let known = PlaceKind::from_name(kind).ok_or_else(|| format!("`{kind}` is not a kind"));
    Ok(Contact {
        place_kind: body("contact", known)?,
        place: row.get(1),
        order: small(row, 2),
        name: row.get(3),
        duty: row.get(4),
        phone: row.get(5),
    })
}

fn risk_area(row: &AnyRow) -> StoreResult<RiskArea> {
    let domain: &str = row.get(1);
    let known = Domain::from_name(domain).ok_or_else(|| format!("`{domain}` is not a domain"));
    let outline = Outline::from_geojson(row.get(5), datum(row, 6)?);
    Ok(RiskArea {
        code: row.get(0),
        domain: body("risk area", known)?,
        name: text(row, 2),
        area: row.get(4),
        outline: body("outline", outline)?,
    })
}

impl Store {
    /// Version of the directory; 0 when the store has not been filled yet.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn directory_version(&self) -> StoreResult<i64> {
        query_scalar("SELECT value FROM counters WHERE name = 'directory'")
            .fetch_one(&self.readers)
            .await
            .map_err(sql("reading the directory's version"))
    }

    /// The directory, as it is at one moment.
    ///
    /// # Errors
    /// When the store does not answer or a row does not read as what it should be.
    pub async fn directory(&self) -> StoreResult<Directory> {
        let mut connection = self.connection().await?;
        let mut snapshot = self.url().dialect().begin_snapshot(&mut connection).await?;
        load(&mut snapshot).await
    }
}

impl Store {
    /// Each use of what these changes take away.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn directory_uses(&self, changes: &Changes) -> StoreResult<Vec<Use>> {
        let mut connection = self.connection().await?;
        uses(&mut connection, changes).await
    }
}

impl Writer {
    /// Fills a store that has no directory yet with this one; gives the directory that counts. Safe with
    /// several hubs at once: the first one fills.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn fill_directory(
        &mut self,
        files: &Directory,
        now: gridwatch_protocol::Timestamp,
    ) -> StoreResult<Directory> {
        let mut transaction = self.begin().await?;
        if intake::counter(&mut transaction, VERSION).await? == 0 {
            let empty = Directory::default();
            let filled = Directory::new(files.contents(), 1);
            let changes = Changes::between(&empty.contents(), &filled.contents());
            apply(&mut transaction, &empty, &filled, &changes).await?;
            advance(&mut transaction, &filled).await?;
            let line = super::accounts::by_command("directory_filled", &changes.line(), now);
            super::accounts::write_audit(&mut transaction, &line).await?;
        }
        let directory = load(&mut transaction).await?;
        follow_directory(&mut transaction, &directory).await?;
        commit(transaction).await?;
        Ok(directory)
    }

    /// Makes a change that was looked at and found right.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn change_directory(
        &mut self,
        old: &Directory,
        new: &Directory,
        changes: &Changes,
        now: gridwatch_protocol::Timestamp,
    ) -> StoreResult<Result<i64, ChangeRefused>> {
        let mut transaction = self.begin().await?;
        let by = super::accounts::by_command("directory_changed", "", now);
        let done = change(&mut transaction, (old, new), changes, by).await?;
        commit(transaction).await?;
        Ok(done)
    }
}
