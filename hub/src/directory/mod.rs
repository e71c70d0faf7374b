//! The area tree, sites, units and duties: where a case is, and whose it is.
//!
//! The store holds the directory; this is what the hub knows of it at one moment. A [`Directory`] never
//! changes: who works with it takes a snapshot out of [`Directories`] for as long as one piece of work
//! lasts. Never guesses a parent from a code. Everything here is pure: what comes in is checked as a whole
//! (`check`) and refused as a whole.

mod cell;
pub mod change;
pub mod check;
pub mod contents;
pub mod feature;
pub mod file;
pub mod finding;
pub mod gcj02;
pub mod import;
pub mod outline;
pub mod read;
pub mod risk;
mod rows;
pub mod sheet;

use std::collections::BTreeMap;

use gridwatch_protocol::{SiteId, Text};

pub use cell::Directories;
pub use contents::RiskArea;
use contents::{AreaOutline, Contents, Entry};
pub use rows::{
    Area, AreaStep, Contact, Datum, Domain, Duty, Hazard, Level, PlaceKind, Site, Unit,
};

/// See the module's page.
#[derive(Debug, Default)]
pub struct Directory {
    version: i64,
    areas: Vec<Area>,
    area_at: BTreeMap<String, usize>,
    outlines: BTreeMap<String, AreaOutline>,
    sites: BTreeMap<SiteId, Site>,
    units: Vec<Unit>,
    unit_at: BTreeMap<String, usize>,
    duties: BTreeMap<(String, String), Duty>,
    hazards: Vec<Hazard>,
    contacts: Vec<Contact>,
    risk_areas: Vec<RiskArea>,
}

impl Directory {
    /// Reads and checks both files' texts.
    ///
    /// # Errors
    /// Every problem of both files, one sentence each.
    pub fn parse(areas: &str, sites: &str) -> Result<Self, Vec<String>> {
        let (mut contents, mut findings) = (Contents::default(), Vec::new());
        file::read_areas(areas, &mut contents, &mut findings);
        file::read_sites(sites, &mut contents, &mut findings);
        // Where a row could not be read, others would only seem to refer to nothing.
        if findings.is_empty() {
            findings = check::check(&contents, None);
        }
        findings.retain(finding::Finding::is_error);
        if findings.is_empty() {
            return Ok(Self::new(contents, 0));
        }
        let (findings, _) = finding::bounded(findings);
        Err(findings.iter().map(ToString::to_string).collect())
    }

    /// The directory with these rows, in order. They should have been checked; of rows that were not,
    /// what fits is used.
    #[must_use]
    pub fn new(contents: Contents, version: i64) -> Self {
        fn rows<T>(list: Vec<Entry<T>>) -> impl Iterator<Item = T> {
            list.into_iter().map(|entry| entry.row)
        }
        let contents = contents.in_order();
        let areas: Vec<Area> = rows(contents.areas).collect();
        let units: Vec<Unit> = rows(contents.units).collect();
        let area_at = areas
            .iter()
            .enumerate()
            .map(|(i, row)| (row.code.clone(), i));
        let unit_at = units
            .iter()
            .enumerate()
            .map(|(i, row)| (row.code.clone(), i));
        Self {
            version,
            area_at: area_at.collect(),
            unit_at: unit_at.collect(),
            areas,
            units,
            outlines: rows(contents.outlines)
                .map(|row| (row.code.clone(), row))
                .collect(),
            sites: rows(contents.sites)
                .map(|row| (row.id.clone(), row))
                .collect(),
            duties: rows(contents.duties)
                .map(|row| ((row.area.clone(), row.category.clone()), row))
                .collect(),
            hazards: rows(contents.hazards).collect(),
            contacts: rows(contents.contacts).collect(),
            risk_areas: rows(contents.risk_areas).collect(),
        }
    }

    /// Its rows, in order.
    #[must_use]
    pub fn contents(&self) -> Contents {
        fn entries<'a, T: Clone + 'a>(rows: impl IntoIterator<Item = &'a T>) -> Vec<Entry<T>> {
            rows.into_iter().cloned().map(Entry::from).collect()
        }
        let contents = Contents {
            areas: entries(&self.areas),
            outlines: entries(self.outlines.values()),
            sites: entries(self.sites.values()),
            units: entries(&self.units),
            duties: entries(self.duties.values()),
            hazards: entries(&self.hazards),
            contacts: entries(&self.contacts),
            risk_areas: entries(&self.risk_areas),
        };
        contents.in_order()
    }

    /// Which one of the store's it is: grows with every change; 0 when it is not from a store.
    #[must_use]
    pub fn version(&self) -> i64 {
        self.version
    }

    /// Every area, from wide to narrow and then by code.
    #[must_use]
    pub fn areas(&self) -> &[Area] {
        &self.areas
    }

    /// The area with this code.
    #[must_use]
    pub fn area(&self, code: &str) -> Option<&Area> {
        self.area_at.get(code).map(|at| &self.areas[*at])
    }

    /// The steps of a way down that was written as text; empty when its end is not in the tree.
    #[must_use]
    pub fn steps_of(&self, path: &str) -> Vec<AreaStep> {
        let end = path.trim_end_matches('/').rsplit('/').next();
        end.filter(|code| !code.is_empty())
            .map_or_else(Vec::new, |code| self.steps(code))
    }

    /// The way down to an area as text, such as `/990100/990101/`; empty when it is not in the tree.
    #[must_use]
    pub fn area_path(&self, code: &str) -> String {
        path_text(&self.steps(code))
    }

    /// The outline of an area.
    #[must_use]
    pub fn outline(&self, code: &str) -> Option<&AreaOutline> {
        self.outlines.get(code)
    }

    /// The grid that a position lies in, or on the edge of; of two the one with the lesser code.
    #[must_use]
    pub fn grid_at(&self, lat: f64, lon: f64) -> Option<&Area> {
        let here = |outline: &&AreaOutline| outline.outline.contains(lat, lon);
        let mut found = self.outlines.values().filter(here);
        found.find_map(|outline| {
            self.area(&outline.code)
                .filter(|area| area.level == Level::Grid)
        })
    }

    /// Where in the tree something at this site is, as [`Directory::area_path`]; empty when the site is
    /// not known.
    #[must_use]
    pub fn site_path(&self, id: &SiteId) -> String {
        path_text(&self.path(id))
    }

    /// Every unit, by code.
    #[must_use]
    pub fn units(&self) -> &[Unit] {
        &self.units
    }

    /// The unit with this code.
    #[must_use]
    pub fn unit(&self, code: &str) -> Option<&Unit> {
        self.unit_at.get(code).map(|at| &self.units[*at])
    }

    /// Whose duty a category is at the end of this path: the unit named for the narrowest area; else
    /// the one unit of this kind in the narrowest area that has one; nobody when two could be meant.
    #[must_use]
    pub fn owner(&self, path: &[AreaStep], category: &str, kind: Option<&str>) -> Option<&Unit> {
        let named = path
            .iter()
            .rev()
            .find_map(|step| self.duties.get(&(step.code.clone(), category.to_owned())));
        if let Some(duty) = named {
            return self.unit(&duty.unit);
        }
        let kind = kind?;
        let of_kind = path.iter().rev().find_map(|step| {
            let units = self.units.iter();
            let mut there = units.filter(|unit| unit.area == step.code && unit.kind == kind);
            there.next().map(|first| (first, there.next().is_some()))
        });
        of_kind.and_then(|(unit, another)| (!another).then_some(unit))
    }

    /// The units of the street, the district and the city above the end of this path: those that a
    /// community or grid can call.
    #[must_use]
    pub fn callable(&self, path: &[AreaStep]) -> Vec<&Unit> {
        let above = |unit: &&Unit| {
            path.iter()
                .any(|step| step.level <= Level::Street && step.code == unit.area)
        };
        self.units.iter().filter(above).collect()
    }

    /// Every site, by id.
    pub fn sites(&self) -> impl Iterator<Item = &Site> {
        self.sites.values()
    }

    /// The site with this id.
    #[must_use]
    pub fn site(&self, id: &SiteId) -> Option<&Site> {
        self.sites.get(id)
    }

    /// A site's name; its id when the site is not known.
    #[must_use]
    pub fn site_name(&self, id: &SiteId) -> Text {
        let area = || self.area(id.as_str()).map(|area| area.name.clone());
        let known = self.site(id).map(|site| site.name.clone()).or_else(area);
        known.unwrap_or_else(|| Text {
            zh: id.to_string(),
            en: id.to_string(),
        })
    }

    /// Every hazard point, by code.
    #[must_use]
    pub fn hazards(&self) -> &[Hazard] {
        &self.hazards
    }

    /// Every risk area, by code.
    #[must_use]
    pub fn risk_areas(&self) -> &[RiskArea] {
        &self.risk_areas
    }

    /// Whom to call about a place, in order.
    pub fn contacts_of(&self, kind: PlaceKind, place: &str) -> impl Iterator<Item = &Contact> {
        let fits = move |contact: &&Contact| contact.place_kind == kind && contact.place == place;
        self.contacts.iter().filter(fits)
    }

    /// The way from the city down to the site's grid; empty when the site is not known. A matter that was
    /// reported at no site has the code of its area as its site.
    #[must_use]
    pub fn path(&self, id: &SiteId) -> Vec<AreaStep> {
        let grid = self.site(id).map(|site| site.grid.as_str());
        self.steps(grid.unwrap_or(id.as_str()))
    }

    /// The way from the city down to an area; empty when it is not in the tree.
    #[must_use]
    pub fn steps(&self, code: &str) -> Vec<AreaStep> {
        let mut steps = Vec::new();
        let mut next = self.area(code);
        // A tree that was checked has no circle; one that was not must not hold anyone up.
        while let Some(area) = next.filter(|_| steps.len() < Level::ALL.len()) {
            steps.push(AreaStep {
                code: area.code.clone(),
                name: area.name.clone(),
                level: area.level,
            });
            next = area.parent.as_deref().and_then(|parent| self.area(parent));
        }
        steps.reverse();
        steps
    }
}

fn path_text(steps: &[AreaStep]) -> String {
    let mut text = String::new();
    for step in steps {
        text.push('/');
        text.push_str(&step.code);
    }
    if !text.is_empty() {
        text.push('/');
    }
    text
}

#[cfg(test)]
mod tests;
