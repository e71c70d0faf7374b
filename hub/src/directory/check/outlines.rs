//! Outlines: of known areas, and grids that do not lie on each other.

use std::collections::BTreeMap;

use super::{Contents, Entry, Finding, Index, Table, tell, unknown_area};
use crate::directory::contents::AreaOutline;
use crate::directory::rows::Level;

/// An overlap that is narrower than this on average is the rounding of corners: six decimals of a
/// degree are 0.1 m, and an edge that two grids share is seldom cut at the same corners in both.
const OVERLAP_WIDTH_M: f64 = 0.5;

pub(super) fn check(contents: &Contents, index: &Index<'_>, findings: &mut Vec<Finding>) {
    for entry in &contents.outlines {
        let code = entry.row.code.as_str();
        let unknown = (!index.areas.contains_key(code)).then(|| unknown_area("the area", code));
        tell(entry, unknown, findings);
    }
    let is_grid = |entry: &&Entry<AreaOutline>| {
        let area = index.areas.get(entry.row.code.as_str());
        area.is_some_and(|area| area.level == Level::Grid)
    };
    let mut grids: Vec<&Entry<AreaOutline>> = contents.outlines.iter().filter(is_grid).collect();
    // From west to east: only those whose west edge lies before another's east edge can meet it.
    grids.sort_by(|a, b| west(a).total_cmp(&west(b)));
    for (i, one) in grids.iter().enumerate() {
        let east = one.row.outline.bounds()[2];
        let neighbours = grids[i + 1..]
            .iter()
            .take_while(|other| west(other) <= east);
        for other in neighbours.filter(|other| other.row.code != one.row.code) {
            findings.extend(overlap(one, other));
        }
    }
}

fn west(entry: &Entry<AreaOutline>) -> f64 {
    entry.row.outline.bounds()[0]
}

fn overlap(one: &Entry<AreaOutline>, other: &Entry<AreaOutline>) -> Option<Finding> {
    let found = one.row.outline.overlap(&other.row.outline)?;
    if found.width_m < OVERLAP_WIDTH_M {
        return None;
    }
    Some(
        Finding::error(
            Table::Outlines,
            format!(
                "the grid overlaps `{}` by {:.0} m² ({:.1} % of the smaller one, {:.1} m wide on average)",
                other.row.code,
                found.area_m2,
                found.share * 100.0,
                found.width_m
            ),
            "move the edge between them; they may touch",
        )
        .at(one.at.max(other.at), one.row.code.clone()),
    )
}

/// Outlines by the code of their area.
pub(super) fn by_code(contents: &Contents) -> BTreeMap<&str, &AreaOutline> {
    let outlines = contents.outlines.iter();
    outlines.map(|e| (e.row.code.as_str(), &e.row)).collect()
}
