//! Sites, hazard points and their contacts.

use std::collections::BTreeMap;

use super::{
    CODE_MAX, Contents, Entry, Finding, Index, Table, check_code, check_name, check_phone,
    check_text, outlines, tell, unknown_area,
};
use crate::catalogue::{Catalogue, FLOODING};
use crate::directory::contents::{AreaOutline, Places, Row};
use crate::directory::gcj02;
use crate::directory::outline::check_position;
use crate::directory::rows::{Datum, Hazard, Level, PlaceKind, Site};

/// Contacts of one place; who has to call more than twenty people needs a list of another kind.
const CONTACTS_MAX: u32 = 20;
/// Every flood-prone point has four named contacts (practice of Shenzhen Bao'an).
const FLOOD_CONTACTS: usize = 4;
/// A position this near its grid's outline, in metres, is taken for one in it: gates stand on the edge, and
/// converted positions are exact to 1 to 2 m.
const EDGE_M: f64 = 5.0;

pub(super) fn check(
    contents: &Contents,
    index: &Index<'_>,
    catalogue: Option<&Catalogue>,
    findings: &mut Vec<Finding>,
) {
    let outlines = outlines::by_code(contents);
    for entry in &contents.sites {
        let Site {
            name,
            grid,
            address,
            building_code,
            lat,
            lon,
            datum,
            ..
        } = &entry.row;
        tell(entry, check_name("name", name), findings);
        tell(entry, check_name("address", address), findings);
        let code = building_code.as_deref();
        tell(
            entry,
            code.and_then(|code| check_text("the building code", code, true)),
            findings,
        );
        position(
            entry,
            grid,
            (*lat, *lon, *datum),
            index,
            &outlines,
            findings,
        );
    }
    for entry in &contents.hazards {
        let Hazard {
            code,
            category,
            name,
            grid,
            lat,
            lon,
            datum,
        } = &entry.row;
        tell(entry, check_code(code, CODE_MAX), findings);
        tell(entry, check_name("name", name), findings);
        let unknown = catalogue.filter(|known| known.get(category).is_none());
        tell(entry, unknown.map(|_| unknown_category(category)), findings);
        position(
            entry,
            grid,
            (*lat, *lon, *datum),
            index,
            &outlines,
            findings,
        );
    }
    contacts(contents, findings);
}

pub(super) fn unknown_category(code: &str) -> (String, String) {
    (
        format!("the category `{code}` is not in the catalogue"),
        "use a code of categories.toml".to_owned(),
    )
}

fn position<T: Row>(
    entry: &Entry<T>,
    grid: &str,
    (lat, lon, datum): (f64, f64, Datum),
    index: &Index<'_>,
    outlines: &BTreeMap<&str, &AreaOutline>,
    findings: &mut Vec<Finding>,
) {
    let problem = match index.areas.get(grid) {
        None => Some(unknown_area("the grid", grid)),
        Some(area) if area.level != Level::Grid => Some((
            format!("`{grid}` is a {}, not a grid", area.level.as_str()),
            "name the grid that it lies in".to_owned(),
        )),
        Some(_) => None,
    };
    tell(entry, problem, findings);
    if let Err(why) = check_position(lat, lon) {
        tell(entry, Some((why, String::new())), findings);
        return;
    }
    if let Some(own) = outlines.get(grid) {
        tell(entry, outside(own, (lat, lon, datum), outlines), findings);
    }
}

fn outside(
    own: &AreaOutline,
    (lat, lon, datum): (f64, f64, Datum),
    outlines: &BTreeMap<&str, &AreaOutline>,
) -> Option<(String, String)> {
    if own.outline.contains(lat, lon) {
        return None;
    }
    let away = own.outline.distance_m(lat, lon);
    if away <= EDGE_M {
        return None;
    }
    let (moved_lat, moved_lon) = gcj02::to_wgs84(lat, lon);
    let fits_converted = datum == Datum::Wgs84 && own.outline.contains(moved_lat, moved_lon);
    let there = outlines
        .values()
        .find(|other| other.outline.contains(lat, lon));
    let mut remedy = match there {
        Some(other) => format!(
            "it lies in `{}`: correct the grid or the position",
            other.code
        ),
        None => "correct the grid, the position or the outline".to_owned(),
    };
    if fits_converted {
        remedy
            .push_str("; it would be in the grid if it were GCJ-02: then tag it `datum` = `gcj02`");
    }
    Some((
        format!(
            "the position {lat}, {lon} is {away:.0} m outside the outline of its grid `{}`",
            own.code
        ),
        remedy,
    ))
}

fn contacts(contents: &Contents, findings: &mut Vec<Finding>) {
    let places = Places::of(contents);
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in &contents.contacts {
        let row = &entry.row;
        let kind = row.place_kind.as_str();
        let unknown = places.grid(row.place_kind, &row.place).is_none().then(|| {
            (
                format!("there is no {kind} `{}`", row.place),
                "add it first, or correct the contact".to_owned(),
            )
        });
        tell(entry, unknown, findings);
        let order = !(1..=CONTACTS_MAX).contains(&row.order);
        let wrong = (
            format!("`order` is {}", row.order),
            format!("number the contacts of a place from 1 to {CONTACTS_MAX}"),
        );
        tell(entry, order.then_some(wrong), findings);
        tell(entry, check_text("the name", &row.name, false), findings);
        tell(entry, check_text("the duty", &row.duty, false), findings);
        tell(entry, check_phone(&row.phone), findings);
        if row.place_kind == PlaceKind::Hazard {
            *count.entry(&row.place).or_default() += 1;
        }
    }
    for entry in contents
        .hazards
        .iter()
        .filter(|e| e.row.category == FLOODING)
    {
        let has = count.get(entry.row.code.as_str()).copied().unwrap_or(0);
        if has < FLOOD_CONTACTS {
            let message = format!("the flood-prone point has {has} of {FLOOD_CONTACTS} contacts");
            let remedy = "name everyone who is called when it floods";
            findings.push(
                Finding::warning(Table::Contacts, message, remedy).at(entry.at, entry.row.key()),
            );
        }
    }
}
