//! The files `areas.toml` and `sites.toml`: what fills an empty store, and a form in which people write.
//!
//! An outline stands in them as a list of `[longitude, latitude]`; shapes with holes or in several parts need
//! GeoJSON.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::contents::{AreaOutline, Contents, Entry, Row};
use super::finding::{Finding, Table};
use super::outline::Outline;
use super::read::Settle;
use super::rows::{Area, Contact, Datum, Duty, Hazard, Level, Site, Unit};
use gridwatch_protocol::Text;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AreaFile {
    #[serde(default)]
    area: Vec<Spanned<AreaLine>>,
    #[serde(default)]
    unit: Vec<Spanned<Unit>>,
    #[serde(default)]
    duty: Vec<Spanned<Duty>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SiteFile {
    #[serde(default)]
    site: Vec<Spanned<Site>>,
    #[serde(default)]
    hazard: Vec<Spanned<Hazard>>,
    #[serde(default)]
    contact: Vec<Spanned<Contact>>,
}

/// An area with its outline.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AreaLine {
    code: String,
    #[serde(default)]
    parent: Option<String>,
    level: Level,
    name: Text,
    #[serde(default)]
    outline: Option<Vec<Vec<f64>>>,
    #[serde(default)]
    datum: Datum,
}

/// Reads the text of `areas.toml`.
pub fn read_areas(text: &str, into: &mut Contents, findings: &mut Vec<Finding>) {
    let Some(file) = parse::<AreaFile>(Table::Areas, text, findings) else {
        return;
    };
    for spanned in file.area {
        let at = Some(line(text, &spanned));
        let area = spanned.into_inner();
        let code = area.code.clone();
        match area.outline.map(|c| Outline::from_corners(c, area.datum)) {
            None => {}
            Some(Ok(outline)) => into.outlines.push(Entry {
                at,
                row: AreaOutline {
                    code: code.clone(),
                    outline,
                },
            }),
            Some(Err(why)) => {
                findings.push(Finding::error(Table::Outlines, why, "").at(at, code.clone()));
            }
        }
        let row = Area {
            code,
            parent: area.parent,
            level: area.level,
            name: area.name,
        };
        into.areas.push(Entry { at, row });
    }
    into.units.extend(settled(text, file.unit, findings));
    into.duties.extend(settled(text, file.duty, findings));
}

/// Reads the text of `sites.toml`.
pub fn read_sites(text: &str, into: &mut Contents, findings: &mut Vec<Finding>) {
    let Some(file) = parse::<SiteFile>(Table::Sites, text, findings) else {
        return;
    };
    into.sites.extend(settled(text, file.site, findings));
    into.hazards.extend(settled(text, file.hazard, findings));
    into.contacts.extend(settled(text, file.contact, findings));
}

#[derive(Serialize)]
struct AreasOut<'a> {
    area: Vec<AreaLine>,
    unit: Vec<&'a Unit>,
    duty: Vec<&'a Duty>,
}

#[derive(Serialize)]
struct SitesOut<'a> {
    site: Vec<&'a Site>,
    hazard: Vec<&'a Hazard>,
    contact: Vec<&'a Contact>,
}

/// The text of an `areas.toml`. Outlines with holes or in several parts are left out: they need GeoJSON.
#[must_use]
pub fn write_areas(contents: &Contents) -> String {
    let outlines: BTreeMap<&str, &Outline> = (contents.outlines.iter())
        .map(|entry| (entry.row.code.as_str(), &entry.row.outline))
        .collect();
    let area = |entry: &Entry<Area>| {
        let Area {
            code,
            parent,
            level,
            name,
        } = entry.row.clone();
        let outline = outlines.get(code.as_str());
        AreaLine {
            outline: outline.and_then(|outline| outline.corners()),
            datum: outline.map_or(Datum::Wgs84, |outline| outline.datum),
            code,
            parent,
            level,
            name,
        }
    };
    let out = AreasOut {
        area: contents.areas.iter().map(area).collect(),
        unit: contents.units.iter().map(|entry| &entry.row).collect(),
        duty: contents.duties.iter().map(|entry| &entry.row).collect(),
    };
    toml::to_string(&out).expect("texts and finite numbers have a TOML form")
}

/// The text of a `sites.toml`.
#[must_use]
pub fn write_sites(contents: &Contents) -> String {
    let out = SitesOut {
        site: contents.sites.iter().map(|entry| &entry.row).collect(),
        hazard: contents.hazards.iter().map(|entry| &entry.row).collect(),
        contact: contents.contacts.iter().map(|entry| &entry.row).collect(),
    };
    toml::to_string(&out).expect("texts and finite numbers have a TOML form")
}

fn parse<T: DeserializeOwned>(table: Table, text: &str, findings: &mut Vec<Finding>) -> Option<T> {
    let read = toml::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    let tell = |why: toml::de::Error| {
        let message = why.to_string().trim_end().to_owned();
        findings.push(Finding::error(table, message, ""));
    };
    read.map_err(tell).ok()
}

fn line<T>(text: &str, spanned: &Spanned<T>) -> u32 {
    let before = text.get(..spanned.span().start).unwrap_or(text);
    let lines = before.bytes().filter(|byte| *byte == b'\n').count();
    u32::try_from(lines + 1).unwrap_or(u32::MAX)
}

fn settled<T: Row + Settle>(
    text: &str,
    rows: Vec<Spanned<T>>,
    findings: &mut Vec<Finding>,
) -> Vec<Entry<T>> {
    let mut settled = Vec::new();
    for spanned in rows {
        let at = Some(line(text, &spanned));
        let mut row = spanned.into_inner();
        match row.settle() {
            Ok(()) => settled.push(Entry { at, row }),
            Err(why) => findings.push(Finding::error(T::TABLE, why, "").at(at, row.key())),
        }
    }
    settled
}
