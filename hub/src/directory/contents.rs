//! The whole directory as rows, with where each row came from: what is checked before it counts.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Directory;
use super::finding::Table;
use super::outline::Outline;
use super::rows::{Area, Contact, Domain, Duty, Hazard, PlaceKind, Site, Unit};
use gridwatch_protocol::Text;

/// A row and where it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry<T> {
    /// Line or number in what was given; none for a row of the store.
    pub at: Option<u32>,
    /// The row.
    pub row: T,
}

impl<T> From<T> for Entry<T> {
    fn from(row: T) -> Self {
        Self { at: None, row }
    }
}

/// The outline of an area.
#[derive(Debug, Clone, PartialEq)]
pub struct AreaOutline {
    /// Code of the area.
    pub code: String,
    /// Its outline.
    pub outline: Outline,
}

/// A risk area 风险区域: ground that is known for one kind of danger. Risk areas may lie on each other and
/// across the edges of grids.
#[derive(Debug, Clone, PartialEq)]
pub struct RiskArea {
    /// Its code, stable.
    pub code: String,
    /// What it threatens with.
    pub domain: Domain,
    /// Its name.
    pub name: Text,
    /// Code of the area that it belongs to: who has that area sees and keeps it.
    pub area: String,
    /// Its outline.
    pub outline: Outline,
}

/// Every table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Contents {
    /// The area tree.
    pub areas: Vec<Entry<Area>>,
    /// Outlines of areas.
    pub outlines: Vec<Entry<AreaOutline>>,
    /// Sites.
    pub sites: Vec<Entry<Site>>,
    /// Units.
    pub units: Vec<Entry<Unit>>,
    /// Duties.
    pub duties: Vec<Entry<Duty>>,
    /// Hazard points.
    pub hazards: Vec<Entry<Hazard>>,
    /// Contacts.
    pub contacts: Vec<Entry<Contact>>,
    /// Risk areas.
    pub risk_areas: Vec<Entry<RiskArea>>,
}

/// A row of one of the tables.
pub trait Row: Clone + PartialEq + Send + Sync + 'static {
    /// Its table.
    const TABLE: Table;

    /// What tells it from the other rows of its table.
    fn key(&self) -> String;

    /// Code of the area that it belongs to, which says who may change it; none when the place that it is
    /// attached to is not known.
    fn anchor(&self, places: &Places<'_>) -> Option<String>;

    /// Every row of its table in a directory.
    fn rows(directory: &Directory) -> impl Iterator<Item = &Self>;

    /// Its table's rows.
    fn list(contents: &Contents) -> &Vec<Entry<Self>>;

    /// Its table's rows, to be changed.
    fn list_mut(contents: &mut Contents) -> &mut Vec<Entry<Self>>;
}

/// A row that is written as an object of JSON or a line of CSV: everything but what has an outline.
pub trait Flat: Row + Serialize + DeserializeOwned {
    /// The columns of its CSV file, in order.
    const COLUMNS: &'static [Column];
}

/// A column of a CSV file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name; `name_zh` is the member `zh` of the member `name`.
    pub name: &'static str,
    /// What stands in it.
    pub kind: ColumnKind,
}

/// What stands in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// A text that must be there.
    Text,
    /// A text that may be left out, and so may the column.
    Optional,
    /// An English text; the Chinese one stands for it when it is left out.
    English,
    /// A number of degrees.
    Degrees,
    /// A whole number.
    Count,
}

/// Grids of sites and hazard points, for what is attached to them.
#[derive(Debug, Default)]
pub struct Places<'a>(BTreeMap<(PlaceKind, &'a str), &'a str>);

impl<'a> Places<'a> {
    /// Of rows that are looked at.
    #[must_use]
    pub fn of(contents: &'a Contents) -> Self {
        let sites = contents.sites.iter().map(|entry| &entry.row);
        Self::new(sites, contents.hazards.iter().map(|entry| &entry.row))
    }

    /// Of a directory.
    #[must_use]
    pub fn in_directory(directory: &'a Directory) -> Self {
        Self::new(directory.sites(), directory.hazards().iter())
    }

    fn new(
        sites: impl Iterator<Item = &'a Site>,
        hazards: impl Iterator<Item = &'a Hazard>,
    ) -> Self {
        let sites = sites.map(|row| ((PlaceKind::Site, row.id.as_str()), row.grid.as_str()));
        let hazards =
            hazards.map(|row| ((PlaceKind::Hazard, row.code.as_str()), row.grid.as_str()));
        Self(sites.chain(hazards).collect())
    }

    /// Code of the grid of a place.
    #[must_use]
    pub fn grid(&self, kind: PlaceKind, place: &str) -> Option<&'a str> {
        self.0.get(&(kind, place)).copied()
    }
}

const fn column(name: &'static str, kind: ColumnKind) -> Column {
    Column { name, kind }
}

macro_rules! rows {
    ($($type:ident in $list:ident $(.$values:ident())? $table:ident, key $key:expr, anchor $anchor:expr;)*) => {
        $(impl Row for $type {
            const TABLE: Table = Table::$table;
            fn key(&self) -> String {
                let key: fn(&Self) -> String = $key;
                key(self)
            }
            fn anchor(&self, places: &Places<'_>) -> Option<String> {
                let anchor: fn(&Self, &Places<'_>) -> Option<String> = $anchor;
                anchor(self, places)
            }
            fn rows(directory: &Directory) -> impl Iterator<Item = &Self> {
                rows!(@iterate directory.$list $($values)?)
            }
            fn list(contents: &Contents) -> &Vec<Entry<Self>> {
                &contents.$list
            }
            fn list_mut(contents: &mut Contents) -> &mut Vec<Entry<Self>> {
                &mut contents.$list
            }
        })*
    };
    (@iterate $directory:ident.$list:ident) => {
        $directory.$list.iter()
    };
    (@iterate $directory:ident.$list:ident $values:ident) => {
        $directory.$list.values()
    };
}

rows! {
    Area in areas Areas, key |row| row.code.clone(), anchor |row, _| Some(row.code.clone());
    AreaOutline in outlines.values() Outlines, key |row| row.code.clone(), anchor |row, _| Some(row.code.clone());
    Site in sites.values() Sites, key |row| row.id.to_string(), anchor |row, _| Some(row.grid.clone());
    Unit in units Units, key |row| row.code.clone(), anchor |row, _| Some(row.area.clone());
    Duty in duties.values() Duties, key |row| format!("{}:{}", row.area, row.category), anchor |row, _| Some(row.area.clone());
    Hazard in hazards Hazards, key |row| row.code.clone(), anchor |row, _| Some(row.grid.clone());
    Contact in contacts Contacts, key |row| format!("{}:{}:{}", row.place_kind.as_str(), row.place, row.order),
        anchor |row, places| places.grid(row.place_kind, &row.place).map(str::to_owned);
    RiskArea in risk_areas RiskAreas, key |row| row.code.clone(), anchor |row, _| Some(row.area.clone());
}

macro_rules! columns {
    ($($type:ident: $($name:literal $kind:ident),*;)*) => {
        $(impl Flat for $type {
            const COLUMNS: &'static [Column] = &[$(column($name, ColumnKind::$kind)),*];
        })*
    };
}

columns! {
    Area: "code" Text, "parent" Optional, "level" Text, "name_zh" Text, "name_en" English;
    Site: "id" Text, "name_zh" Text, "name_en" English, "grid" Text, "address_zh" Text,
        "address_en" English, "building_code" Optional, "lat" Degrees, "lon" Degrees, "datum" Optional;
    Unit: "code" Text, "name_zh" Text, "name_en" English, "kind" Text, "area" Text, "phone" Optional;
    Duty: "area" Text, "category" Text, "unit" Text;
    Hazard: "code" Text, "category" Text, "name_zh" Text, "name_en" English, "grid" Text,
        "lat" Degrees, "lon" Degrees, "datum" Optional;
    Contact: "place_kind" Text, "place" Text, "order" Count, "name" Text, "duty" Text, "phone" Text;
}

impl Contents {
    /// Puts every table in its order: areas from wide to narrow, everything by key. Where rows came
    /// from is forgotten.
    #[must_use]
    pub fn in_order(mut self) -> Self {
        fn settle<T: Row>(list: &mut Vec<Entry<T>>) {
            list.sort_by_cached_key(|entry| entry.row.key());
            for entry in list {
                entry.at = None;
            }
        }
        settle(&mut self.areas);
        // Stable: within a level they stay in the order of their codes.
        self.areas.sort_by_key(|entry| entry.row.level);
        settle(&mut self.outlines);
        settle(&mut self.sites);
        settle(&mut self.units);
        settle(&mut self.duties);
        settle(&mut self.hazards);
        settle(&mut self.contacts);
        settle(&mut self.risk_areas);
        self.contacts.sort_by(|a, b| {
            let order = |entry: &Entry<Contact>| {
                let row = &entry.row;
                (row.place_kind, row.place.clone(), row.order)
            };
            order(a).cmp(&order(b))
        });
        self
    }
}
