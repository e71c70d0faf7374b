//! Risk areas: of known areas, and where those are. They may lie on each other: one place can burn and flood.

use super::{
    CODE_MAX, Contents, Entry, Finding, Index, Table, check_code, check_name, outlines, tell,
    unknown_area,
};
use crate::directory::contents::RiskArea;

pub(super) fn check(contents: &Contents, index: &Index<'_>, findings: &mut Vec<Finding>) {
    let known = outlines::by_code(contents);
    for entry in &contents.risk_areas {
        let row = &entry.row;
        tell(entry, check_code(&row.code, CODE_MAX), findings);
        tell(entry, check_name("name", &row.name), findings);
        let unknown = !index.areas.contains_key(row.area.as_str());
        let problem = unknown.then(|| unknown_area("the area", &row.area));
        tell(entry, problem, findings);
        if let Some(own) = known.get(row.area.as_str())
            && row.outline.overlap(&own.outline).is_none()
        {
            findings.push(apart(entry));
        }
    }
}

fn apart(entry: &Entry<RiskArea>) -> Finding {
    let message = format!(
        "the risk area lies nowhere in its area `{}`",
        entry.row.area
    );
    let remedy = "correct the area, or tag the outline `datum` = `gcj02` if it was drawn on a Chinese web map";
    Finding::warning(Table::RiskAreas, message, remedy).at(entry.at, entry.row.code.clone())
}
