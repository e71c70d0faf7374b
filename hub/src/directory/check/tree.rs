//! The area tree: codes, levels, parents, circles.

use std::collections::BTreeSet;

use super::{AREA_CODE_MAX, Contents, Entry, Finding, Index, Table, check_code, check_name, tell};
use crate::directory::rows::{Area, Level};

pub(super) fn check(contents: &Contents, index: &Index<'_>, findings: &mut Vec<Finding>) {
    let sites: BTreeSet<&str> = (contents.sites.iter())
        .map(|entry| entry.row.id.as_str())
        .collect();
    for entry in &contents.areas {
        let area = &entry.row;
        tell(entry, check_code(&area.code, AREA_CODE_MAX), findings);
        tell(entry, check_name("name", &area.name), findings);
        tell(entry, parent(area, index), findings);
        let taken = sites.contains(area.code.as_str()).then(|| {
            (
                "there is a site with the same code".to_owned(),
                "give one of them another code: cases name both in the same field".to_owned(),
            )
        });
        tell(entry, taken, findings);
    }
    circles(contents, index, findings);
}

fn parent(area: &Area, index: &Index<'_>) -> Option<(String, String)> {
    let level = area.level.as_str();
    let Some(name) = &area.parent else {
        return (area.level != Level::City).then(|| {
            (
                format!("a {level} has no parent"),
                "name the area that it is part of; only a city has none".to_owned(),
            )
        });
    };
    let Some(parent) = index.areas.get(name.as_str()) else {
        return Some((
            format!("the parent `{name}` is not in the area tree"),
            "add it, or correct the code".to_owned(),
        ));
    };
    (parent.level >= area.level).then(|| {
        (
            format!(
                "a {level} cannot be part of `{name}`, which is a {}",
                parent.level.as_str()
            ),
            "the order is city, district, street, community, grid; levels may be left out"
                .to_owned(),
        )
    })
}

/// Each circle once, with the way round it.
fn circles(contents: &Contents, index: &Index<'_>, findings: &mut Vec<Finding>) {
    let mut done: BTreeSet<&str> = BTreeSet::new();
    for entry in &contents.areas {
        let mut way: Vec<&str> = Vec::new();
        let mut next = Some(entry.row.code.as_str());
        while let Some(code) = next.filter(|code| !done.contains(code)) {
            if let Some(start) = way.iter().position(|seen| *seen == code) {
                findings.push(circle(&way[start..], contents));
                break;
            }
            way.push(code);
            next = index
                .areas
                .get(code)
                .and_then(|area| area.parent.as_deref());
        }
        done.extend(way);
    }
}

fn circle(round: &[&str], contents: &Contents) -> Finding {
    let mut shown: Vec<String> = round.iter().map(|code| format!("`{code}`")).collect();
    shown.extend(shown.first().cloned());
    let is_first = |entry: &&Entry<Area>| entry.row.code == round[0];
    let at = contents.areas.iter().find(is_first).and_then(|e| e.at);
    Finding::error(
        Table::Areas,
        format!("the tree goes in a circle: {}", shown.join(" is part of ")),
        "correct the parent of one of them",
    )
    .at(at, round[0])
}
