//! Units and duties: whose every category is, everywhere.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    CODE_MAX, Contents, Finding, Index, Table, check_code, check_name, check_phone, places, tell,
    unknown_area,
};
use crate::catalogue::Catalogue;
use crate::directory::contents::{Entry, Row};
use crate::directory::rows::{Level, Unit};

/// Grids, and the categories that nobody there has.
type Names<'a> = (BTreeSet<&'a str>, BTreeSet<&'a str>);

/// So many areas are named as examples.
const EXAMPLES: usize = 3;

pub(super) fn check(
    contents: &Contents,
    index: &Index<'_>,
    catalogue: Option<&Catalogue>,
    findings: &mut Vec<Finding>,
) {
    for entry in &contents.units {
        let unit = &entry.row;
        tell(entry, check_code(&unit.code, CODE_MAX), findings);
        tell(entry, check_name("name", &unit.name), findings);
        tell(entry, unit.phone.as_deref().and_then(check_phone), findings);
        let ok = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let kind = &unit.kind;
        let wrong = kind.is_empty() || kind.len() > CODE_MAX || !kind.chars().all(ok);
        let kind = wrong.then(|| {
            (
                format!("the kind `{kind}` is not a word of small letters, digits and `_`"),
                "use the words of `unit_kind` in categories.toml".to_owned(),
            )
        });
        tell(entry, kind, findings);
        let nobody = (!index.areas.contains_key(unit.area.as_str())).then(|| {
            let (message, remedy) = unknown_area("nobody owns this unit: its area", &unit.area);
            (message, remedy)
        });
        tell(entry, nobody, findings);
    }
    for entry in &contents.duties {
        let duty = &entry.row;
        let area = !index.areas.contains_key(duty.area.as_str());
        tell(
            entry,
            area.then(|| unknown_area("the area", &duty.area)),
            findings,
        );
        let unit = (!index.units.contains(duty.unit.as_str())).then(|| {
            (
                format!("there is no unit `{}`", duty.unit),
                "add the unit first, or correct the code".to_owned(),
            )
        });
        tell(entry, unit, findings);
        let unknown = catalogue.filter(|known| known.get(&duty.category).is_none());
        tell(
            entry,
            unknown.map(|_| places::unknown_category(&duty.category)),
            findings,
        );
    }
    if let Some(catalogue) = catalogue.filter(|_| !contents.units.is_empty()) {
        idle_units(contents, index, catalogue, findings);
        lonely_grids(contents, index, catalogue, findings);
    }
}

/// Units that no category leads to and nobody can call.
fn idle_units(
    contents: &Contents,
    index: &Index<'_>,
    catalogue: &Catalogue,
    findings: &mut Vec<Finding>,
) {
    let named: BTreeSet<&str> = contents
        .duties
        .iter()
        .map(|e| e.row.unit.as_str())
        .collect();
    let kinds: BTreeSet<&str> = (catalogue.categories().iter())
        .filter_map(|category| category.unit_kind.as_deref())
        .collect();
    for entry in &contents.units {
        let unit = &entry.row;
        let area = index.areas.get(unit.area.as_str());
        let callable = area.is_some_and(|area| area.level <= Level::Street);
        if !callable && !named.contains(unit.code.as_str()) && !kinds.contains(unit.kind.as_str()) {
            let message = format!("no category is the duty of a unit of kind `{}`", unit.kind);
            let remedy = "name it in the duties, or correct its kind";
            findings.push(Finding::warning(Table::Units, message, remedy).at(entry.at, unit.key()));
        }
    }
}

/// Grids where it is not clear whose duty a category is, by kind of unit.
fn lonely_grids(
    contents: &Contents,
    index: &Index<'_>,
    catalogue: &Catalogue,
    findings: &mut Vec<Finding>,
) {
    let mut units: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    for Entry {
        row: Unit { area, kind, .. },
        ..
    } in &contents.units
    {
        *units.entry((area, kind)).or_default() += 1;
    }
    let named: BTreeSet<(&str, &str)> = (contents.duties.iter())
        .map(|entry| (entry.row.area.as_str(), entry.row.category.as_str()))
        .collect();
    let grids: Vec<Vec<&str>> = (contents.areas.iter())
        .filter(|entry| entry.row.level == Level::Grid)
        .map(|entry| upwards(&entry.row.code, index))
        .collect();
    let mut lonely: BTreeMap<(&str, bool), Names<'_>> = BTreeMap::new();
    for category in catalogue.categories() {
        let Some(kind) = category.unit_kind.as_deref() else {
            continue;
        };
        for way in &grids {
            if way
                .iter()
                .any(|area| named.contains(&(*area, category.code.as_str())))
            {
                continue;
            }
            let found = way.iter().find_map(|area| units.get(&(*area, kind)));
            if found != Some(&1) {
                let entry = lonely.entry((kind, found.is_some())).or_default();
                entry.0.insert(way[0]);
                entry.1.insert(&category.code);
            }
        }
    }
    for ((kind, several), (grids, categories)) in lonely {
        let what = if several { "several units" } else { "no unit" };
        let shown: Vec<&str> = grids.iter().copied().take(EXAMPLES).collect();
        let categories: Vec<&str> = categories.into_iter().collect();
        let message = format!(
            "{} grid(s), such as {}, have {what} of kind `{kind}` for {}",
            grids.len(),
            shown.join(", "),
            categories.join(", ")
        );
        let remedy = "their cases are dispatched by hand until a duty names the unit";
        findings.push(Finding::warning(Table::Duties, message, remedy));
    }
}

/// From an area up to its city; a circle ends it.
fn upwards<'a>(code: &'a str, index: &Index<'a>) -> Vec<&'a str> {
    let mut way = vec![code];
    let mut next = index
        .areas
        .get(code)
        .and_then(|area| area.parent.as_deref());
    while let Some(code) = next.filter(|code| !way.contains(code)) {
        way.push(code);
        next = index
            .areas
            .get(code)
            .and_then(|area| area.parent.as_deref());
    }
    way
}
