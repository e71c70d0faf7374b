//! The area tree and the sites: where a case is, and whose it is.
//!
//! A directory never changes; readers take the newest from [`Directories`]. Never guesses a parent from a code.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use gridwatch_protocol::{SiteId, Text};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Level of an area, from the widest to the narrowest.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// 市
    City,
    /// 区
    District,
    /// 街道、镇
    Street,
    /// 社区、村
    Community,
    /// 网格
    Grid,
}

/// An area of the tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Area {
    /// Its code; in use are up to 15 digits.
    pub code: String,
    /// Code of the area that it is part of; none for a city.
    #[serde(default)]
    pub parent: Option<String>,
    /// Its level.
    pub level: Level,
    /// Its name.
    pub name: Text,
}

/// A site that a gateway watches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// Its id, as alerts name it.
    pub id: SiteId,
    /// Its name.
    pub name: Text,
    /// Code of its grid.
    pub grid: String,
    /// Standard address.
    pub address: Text,
    /// Standard building code, if it has one.
    #[serde(default)]
    pub building_code: Option<String>,
    /// Latitude, WGS84 degrees.
    pub lat: f64,
    /// Longitude, WGS84 degrees.
    pub lon: f64,
}

/// One step of the way from the city down to a grid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AreaStep {
    /// The area's code.
    pub code: String,
    /// Its name.
    pub name: Text,
    /// Its level.
    pub level: Level,
}

/// A unit that handles cases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Unit {
    /// Its code, stable.
    pub code: String,
    /// Its name.
    pub name: Text,
    /// What kind of unit it is, such as `property`, `fire`, `grid_workers`.
    pub kind: String,
    /// Code of the area that it works for.
    pub area: String,
}

/// Whose duty a category is in an area and everything below it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Owner {
    area: String,
    category: String,
    unit: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AreaFile {
    #[serde(default)]
    area: Vec<Area>,
    #[serde(default)]
    unit: Vec<Unit>,
    #[serde(default)]
    owner: Vec<Owner>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SiteFile {
    #[serde(default)]
    site: Vec<Site>,
}

/// Areas, units and sites, checked.
#[derive(Debug, Default)]
pub struct Directory {
    areas: Vec<Area>,
    units: Vec<Unit>,
    owners: Vec<Owner>,
    sites: BTreeMap<SiteId, Site>,
}

/// The directory as it is now; readers take a snapshot for as long as one piece of work lasts.
#[derive(Debug, Clone)]
pub struct Directories(Arc<RwLock<Arc<Directory>>>);

impl Directories {
    /// Begins with this.
    #[must_use]
    pub fn new(directory: impl Into<Arc<Directory>>) -> Self {
        Self(Arc::new(RwLock::new(directory.into())))
    }

    /// As it is now.
    #[must_use]
    pub fn now(&self) -> Arc<Directory> {
        let held = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&held)
    }

    /// Exchanges it; snapshots that were taken stay as they are.
    pub fn exchange(&self, directory: Directory) {
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        *held = Arc::new(directory);
    }
}

impl Directory {
    /// Reads and checks both files' texts.
    ///
    /// # Errors
    /// Every problem of both files, one sentence each.
    pub fn parse(areas: &str, sites: &str) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let (areas, units, owners) = parse_file::<AreaFile>("areas", areas, &mut problems)
            .map_or((vec![], vec![], vec![]), |f| (f.area, f.unit, f.owner));
        let sites =
            parse_file::<SiteFile>("sites", sites, &mut problems).map_or(vec![], |f| f.site);
        check_areas(&areas, &mut problems);
        check_units(&units, &owners, &areas, &mut problems);
        check_sites(&sites, &areas, &mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }
        let sites = sites
            .into_iter()
            .map(|site| (site.id.clone(), site))
            .collect();
        Ok(Self {
            areas,
            units,
            owners,
            sites,
        })
    }

    /// Every area, in the file's order.
    #[must_use]
    pub fn areas(&self) -> &[Area] {
        &self.areas
    }

    /// The area with this code.
    #[must_use]
    pub fn area(&self, code: &str) -> Option<&Area> {
        self.areas.iter().find(|area| area.code == code)
    }

    /// The way down to an area as text, such as `/990100/990101/`; empty when it is not in the tree.
    #[must_use]
    pub fn area_path(&self, code: &str) -> String {
        path_text(&self.steps(Some(code)))
    }

    /// Where in the tree something at this site is, as [`Directory::area_path`]; empty when the site is
    /// not known.
    #[must_use]
    pub fn site_path(&self, id: &SiteId) -> String {
        path_text(&self.path(id))
    }

    /// Every unit, in the file's order.
    #[must_use]
    pub fn units(&self) -> &[Unit] {
        &self.units
    }

    /// The unit with this code.
    #[must_use]
    pub fn unit(&self, code: &str) -> Option<&Unit> {
        self.units.iter().find(|unit| unit.code == code)
    }

    /// Whose duty a category is at the end of this path: the owner named for the narrowest area; else
    /// the one unit of this kind in the narrowest area that has one; nobody when two could be meant.
    #[must_use]
    pub fn owner(&self, path: &[AreaStep], category: &str, kind: Option<&str>) -> Option<&Unit> {
        let named = path.iter().rev().find_map(|step| {
            let owner = |owner: &&Owner| owner.area == step.code && owner.category == category;
            self.owners.iter().find(owner)
        });
        if let Some(owner) = named {
            return self.unit(&owner.unit);
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
        self.site(id).map_or_else(
            || Text {
                zh: id.to_string(),
                en: id.to_string(),
            },
            |site| site.name.clone(),
        )
    }

    /// The way from the city down to the site's grid; empty when the site is not known. A matter that was
    /// reported at no site has the code of its area as its site.
    #[must_use]
    pub fn path(&self, id: &SiteId) -> Vec<AreaStep> {
        let grid = self.site(id).map(|site| site.grid.as_str());
        self.steps(grid.or(Some(id.as_str())))
    }

    fn steps<'a>(&'a self, mut code: Option<&'a str>) -> Vec<AreaStep> {
        let mut steps = Vec::new();
        while let Some(area) = code.and_then(|code| self.area(code)) {
            steps.push(AreaStep {
                code: area.code.clone(),
                name: area.name.clone(),
                level: area.level,
            });
            code = area.parent.as_deref();
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

fn parse_file<T: serde::de::DeserializeOwned>(
    what: &str,
    text: &str,
    problems: &mut Vec<String>,
) -> Option<T> {
    toml::from_str(text)
        .map_err(|error| problems.push(format!("{what}: {}", error.to_string().trim_end())))
        .ok()
}

fn check_areas(areas: &[Area], problems: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    for area in areas {
        let code = &area.code;
        let ok = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if code.is_empty() || code.len() > 32 || !code.chars().all(ok) {
            problems.push(format!(
                "areas: code `{code}` is not 1 to 32 letters, digits and `-`"
            ));
        }
        if !seen.insert(code) {
            problems.push(format!("areas: code `{code}` stands twice"));
        }
        let parent = area
            .parent
            .as_ref()
            .and_then(|p| areas.iter().find(|a| a.code == *p));
        match (&area.parent, parent) {
            (None, _) if area.level != Level::City => {
                problems.push(format!("areas: `{code}` is not a city and has no parent"))
            }
            (Some(name), None) => problems.push(format!(
                "areas: the parent `{name}` of `{code}` is not in the file"
            )),
            // A parent is always of a wider level, so there are no circles.
            (_, Some(parent)) if parent.level >= area.level => problems.push(format!(
                "areas: `{code}` ({:?}) cannot be part of `{}` ({:?})",
                area.level, parent.code, parent.level
            )),
            _ => {}
        }
    }
}

fn check_units(units: &[Unit], owners: &[Owner], areas: &[Area], problems: &mut Vec<String>) {
    let known = |code: &str| areas.iter().any(|area| area.code == code);
    let mut seen = BTreeSet::new();
    for unit in units {
        let code = &unit.code;
        let ok = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if code.is_empty() || code.len() > 64 || !code.chars().all(ok) {
            problems.push(format!(
                "units: code `{code}` is not 1 to 64 letters, digits and `-`"
            ));
        }
        if !seen.insert(code) {
            problems.push(format!("units: code `{code}` stands twice"));
        }
        if !known(&unit.area) {
            problems.push(format!(
                "units: the area `{}` of `{code}` is not in the file",
                unit.area
            ));
        }
    }
    let mut pairs = BTreeSet::new();
    for owner in owners {
        let Owner {
            area,
            category,
            unit,
        } = owner;
        if !pairs.insert((area, category)) {
            problems.push(format!(
                "owners: `{category}` in `{area}` has two owners; name one"
            ));
        }
        if !known(area) {
            problems.push(format!("owners: the area `{area}` is not in the file"));
        }
        if !seen.contains(unit) {
            problems.push(format!("owners: the unit `{unit}` is not in the file"));
        }
    }
}

fn check_sites(sites: &[Site], areas: &[Area], problems: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    for site in sites {
        let id = &site.id;
        if !seen.insert(id) {
            problems.push(format!("sites: id `{id}` stands twice"));
        }
        match areas.iter().find(|area| area.code == site.grid) {
            None => problems.push(format!(
                "sites: the grid `{}` of `{id}` is not in the areas file",
                site.grid
            )),
            Some(area) if area.level != Level::Grid => problems.push(format!(
                "sites: `{}` of `{id}` is a {:?}, not a grid",
                site.grid, area.level
            )),
            Some(_) => {}
        }
        if !(-90.0..=90.0).contains(&site.lat) || !(-180.0..=180.0).contains(&site.lon) {
            problems.push(format!(
                "sites: {} / {} of `{id}` is not a position on earth in WGS84 degrees",
                site.lat, site.lon
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AREAS: &str = include_str!("../../configs/areas.toml");
    const SITES: &str = include_str!("../../configs/sites.toml");

    #[test]
    fn shipped_files_give_a_path_from_city_to_grid() {
        let directory = Directory::parse(AREAS, SITES).expect("shipped files are right");
        let path = directory.path(&SiteId::new("xinghe-garden").unwrap());
        let levels: Vec<_> = path.iter().map(|step| step.level).collect();
        assert_eq!(
            levels,
            [
                Level::City,
                Level::District,
                Level::Street,
                Level::Community,
                Level::Grid
            ]
        );
    }

    #[test]
    fn unknown_site_has_its_id_as_name_and_no_path() {
        let directory = Directory::parse(AREAS, SITES).unwrap();
        let id = SiteId::new("nowhere").unwrap();
        assert_eq!(directory.site_name(&id).en, "nowhere");
        assert!(directory.path(&id).is_empty());
    }

    #[test]
    fn every_problem_of_both_files_is_told_at_once() {
        let areas = AREAS.replace("parent = \"990101\"\n", "parent = \"77\"\n");
        let sites = SITES
            .replace("lat = 23.0208", "lat = 123.0")
            .replace("xinghe-market", "xinghe-garden");
        let problems = Directory::parse(&areas, &sites).unwrap_err().join("\n");
        for expected in ["parent `77`", "123", "stands twice"] {
            assert!(
                problems.contains(expected),
                "{expected} is not in:\n{problems}"
            );
        }
    }
}
