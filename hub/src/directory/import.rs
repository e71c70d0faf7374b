//! What somebody wants the directory to be: the tables that were given, laid over those that are there.

use std::collections::BTreeSet;

use super::Directory;
use super::contents::{Contents, Entry, Places, RiskArea, Row};
use super::finding::{Finding, Table};
use super::rows::{Area, Contact, Duty, Hazard, Site, Unit};
use super::{feature, file, risk, sheet};
use crate::access::Scope;

/// Tables to be replaced, each as a whole.
#[derive(Debug, Clone, Default)]
pub struct Import {
    /// Their rows.
    pub contents: Contents,
    /// Which tables they are.
    pub tables: BTreeSet<Table>,
}

impl Import {
    /// Takes a file by its name: `areas.toml`, `sites.toml`, `outlines.geojson`, `risk-areas.geojson`, or a
    /// table's name with `.csv`.
    ///
    /// # Errors
    /// When a file of this name holds no table.
    pub fn take_file(
        &mut self,
        name: &str,
        bytes: &[u8],
        findings: &mut Vec<Finding>,
    ) -> Result<(), String> {
        match name {
            "areas.toml" | "sites.toml" => self.take_toml(name, bytes, findings),
            "outlines.geojson" | "outlines.json" => {
                self.contents.outlines = feature::read(bytes, findings);
                self.tables.insert(Table::Outlines);
            }
            "risk-areas.geojson" | "risk-areas.json" => {
                self.contents.risk_areas = risk::read(bytes, findings);
                self.tables.insert(Table::RiskAreas);
            }
            "areas.csv" => self.contents.areas = self.csv::<Area>(bytes, findings),
            "sites.csv" => self.contents.sites = self.csv::<Site>(bytes, findings),
            "units.csv" => self.contents.units = self.csv::<Unit>(bytes, findings),
            "duties.csv" => self.contents.duties = self.csv::<Duty>(bytes, findings),
            "hazards.csv" => self.contents.hazards = self.csv::<Hazard>(bytes, findings),
            "contacts.csv" => self.contents.contacts = self.csv::<Contact>(bytes, findings),
            _ => {
                return Err(format!(
                    "`{name}` is not the name of a file of the directory; known are areas.toml, sites.toml, outlines.geojson, risk-areas.geojson and areas, sites, units, duties, hazards and contacts with .csv"
                ));
            }
        }
        Ok(())
    }

    fn csv<T: super::contents::Flat + super::read::Settle>(
        &mut self,
        bytes: &[u8],
        findings: &mut Vec<Finding>,
    ) -> Vec<Entry<T>> {
        self.tables.insert(T::TABLE);
        sheet::read(bytes, findings)
    }

    fn take_toml(&mut self, name: &str, bytes: &[u8], findings: &mut Vec<Finding>) {
        let table = if name == "areas.toml" {
            Table::Areas
        } else {
            Table::Sites
        };
        let Ok(text) = std::str::from_utf8(bytes) else {
            let remedy = "save it as UTF-8";
            findings.push(Finding::error(
                table,
                format!("{name} is not UTF-8"),
                remedy,
            ));
            return;
        };
        if table == Table::Areas {
            file::read_areas(text, &mut self.contents, findings);
            self.tables
                .extend([Table::Areas, Table::Units, Table::Duties]);
        } else {
            file::read_sites(text, &mut self.contents, findings);
            self.tables.insert(Table::Sites);
        }
        // Of what these files need not have, nothing given is nothing said.
        for (table, is_given) in [
            (Table::Outlines, !self.contents.outlines.is_empty()),
            (Table::Hazards, !self.contents.hazards.is_empty()),
            (Table::Contacts, !self.contents.contacts.is_empty()),
        ] {
            if is_given {
                self.tables.insert(table);
            }
        }
    }

    /// Both texts of the configuration.
    #[must_use]
    pub fn of_files(areas: &str, sites: &str) -> (Self, Vec<Finding>) {
        let (mut import, mut findings) = (Self::default(), Vec::new());
        import.take_toml("areas.toml", areas.as_bytes(), &mut findings);
        import.take_toml("sites.toml", sites.as_bytes(), &mut findings);
        (import, findings)
    }

    /// The directory as it would be: in the tables that were given, rows in scope are replaced by what was
    /// given; everything else stays. An outline goes with its area and a contact with its place.
    #[must_use]
    pub fn onto(self, old: &Directory, scope: &Scope) -> Contents {
        let mut whole = old.contents();
        let Self { contents, tables } = self;
        let places = Places::in_directory(old);
        let mut given = contents;
        let mut lay = Lay {
            old,
            scope,
            places: &places,
            whole: &mut whole,
        };
        for table in Table::ALL
            .into_iter()
            .filter(|table| tables.contains(table))
        {
            match table {
                Table::Areas => lay.over::<Area>(&mut given),
                Table::Outlines => lay.over::<super::contents::AreaOutline>(&mut given),
                Table::Sites => lay.over::<Site>(&mut given),
                Table::Units => lay.over::<Unit>(&mut given),
                Table::Duties => lay.over::<Duty>(&mut given),
                Table::Hazards => lay.over::<Hazard>(&mut given),
                Table::Contacts => lay.over::<Contact>(&mut given),
                Table::RiskAreas => lay.over::<RiskArea>(&mut given),
            }
        }
        if !tables.contains(&Table::Outlines) {
            let areas: BTreeSet<String> = whole.areas.iter().map(|e| e.row.code.clone()).collect();
            whole
                .outlines
                .retain(|entry| areas.contains(&entry.row.code));
        }
        if !tables.contains(&Table::Contacts) {
            let contacts = std::mem::take(&mut whole.contacts);
            let places = Places::of(&whole);
            let has_place = |entry: &Entry<Contact>| {
                places
                    .grid(entry.row.place_kind, &entry.row.place)
                    .is_some()
            };
            let kept = contacts.into_iter().filter(has_place).collect();
            whole.contacts = kept;
        }
        whole
    }
}

struct Lay<'a> {
    old: &'a Directory,
    scope: &'a Scope,
    places: &'a Places<'a>,
    whole: &'a mut Contents,
}

impl Lay<'_> {
    fn over<T: Row>(&mut self, given: &mut Contents) {
        let (old, scope, places) = (self.old, self.scope, self.places);
        let list = T::list_mut(self.whole);
        list.retain(|entry| !in_scope(&entry.row, old, places, scope));
        list.append(T::list_mut(given));
    }
}

/// Whether a row of a directory is in scope.
pub fn in_scope<T: Row>(
    row: &T,
    directory: &Directory,
    places: &Places<'_>,
    scope: &Scope,
) -> bool {
    let path = row.anchor(places).map(|code| directory.area_path(&code));
    scope.sees_path(path.as_deref().unwrap_or_default())
}

/// The rows of a table that are in scope, in order.
#[must_use]
pub fn rows_in_scope<T: Row>(directory: &Directory, scope: &Scope) -> Vec<T> {
    let places = Places::in_directory(directory);
    let seen = T::rows(directory).filter(|row| in_scope(*row, directory, &places, scope));
    seen.cloned().collect()
}
