//! A case as the parent gets it. Pure.
//!
//! No names of people: neither reporters, nor who handles or decides.

use gridwatch_protocol::{
    AreaName, CaseDocument, CaseStep, NamedUnit, UPWARD_STEPS_MAX, UpwardCall,
};

use crate::api::view::{self, CaseSummary};
use crate::cases::{Case, Transition};
use crate::catalogue::Catalogue;
use crate::directory::Directory;
use crate::parent::config::ParentSettings;
use crate::store::backup::Epoch;

/// Whether the parent wants to hear of a case that it does not have yet.
#[must_use]
pub fn is_wanted(case: &Case, settings: &ParentSettings, directory: &Directory) -> bool {
    if case.is_drill && !settings.drills {
        return false;
    }
    let called = |unit: &String| settings.units.contains(unit);
    if case.progress.calls.iter().any(|call| called(&call.unit)) {
        return true;
    }
    let severity = settings.severities.is_empty() || settings.severities.contains(&case.severity);
    let steps = directory.path(&case.site);
    let area =
        settings.areas.is_empty() || steps.iter().any(|step| settings.areas.contains(&step.code));
    severity && area
}

/// The life of the store in which a case was opened.
#[must_use]
pub fn case_epoch(case: i64, epochs: &[Epoch]) -> i64 {
    let began_before = epochs.iter().filter(|epoch| epoch.cases < case);
    began_before.map(|epoch| epoch.epoch).max().unwrap_or(1)
}

/// The document of a case; `history` is its newest rows, oldest first, `cut` whether there are older
/// ones.
#[must_use]
pub fn document(
    case: &Case,
    history: &[Transition],
    cut: bool,
    epochs: &[Epoch],
    settings: &ParentSettings,
    directory: &Directory,
    catalogue: &Catalogue,
) -> CaseDocument {
    let CaseSummary {
        title,
        category_name,
        area_path,
        unit,
        due_at,
        ..
    } = view::summary(case, directory, catalogue);
    let moves: Vec<&Transition> = history
        .iter()
        .filter(|row| row.from != Some(row.to))
        .collect();
    let first = moves.len().saturating_sub(UPWARD_STEPS_MAX);
    let step = |row: &&Transition| CaseStep {
        seq: row.seq,
        at: row.at,
        action: row.action.clone(),
        from: row.from.map(|state| state.as_str().to_owned()),
        to: row.to.as_str().to_owned(),
    };
    let progress = &case.progress;
    CaseDocument {
        case_epoch: case_epoch(case.id, epochs),
        case: case.id,
        number: case.number.clone(),
        version: case.version,
        state: case.state.as_str().to_owned(),
        is_open: case.state.is_open(),
        severity: case.severity,
        category: case.category.clone(),
        category_name,
        title,
        site: case.site.clone(),
        area_path: area_path
            .into_iter()
            .map(|step| AreaName {
                code: step.code,
                name: step.name,
            })
            .collect(),
        place: case.place.clone(),
        opened_at: case.opened_at,
        updated_at: case.updated_at,
        acknowledged_at: case.acknowledged_at,
        unit: unit.map(|unit| NamedUnit {
            code: unit.code,
            name: unit.name,
        }),
        due_at,
        card: progress.card.as_str().to_owned(),
        urgent: progress.urgent,
        level: progress.level.map(|level| level.as_str().to_owned()),
        ended_at: case.ended_at,
        is_drill: case.is_drill,
        alert_count: case.alert_count,
        alerts_active: case.alerts_active,
        calls: calls(case, history, settings),
        steps: moves[first..].iter().map(step).collect(),
        steps_cut: cut || first > 0,
    }
}

/// Calls for units that live at the parent, each with the reason that its row of the history has.
fn calls(case: &Case, history: &[Transition], settings: &ParentSettings) -> Vec<UpwardCall> {
    // From the newest: the oldest rows may be left out.
    let mut reasons = history.iter().rev().filter(|row| row.action == "call_up");
    let mut calls = Vec::new();
    for call in case.progress.calls.iter().rev() {
        let reason = reasons.next().and_then(|row| row.reason.clone());
        if settings.units.contains(&call.unit) {
            calls.push(UpwardCall {
                number: call.number,
                unit: call.unit.clone(),
                reason,
                at: call.at,
                due: call.due,
                answered_at: call.answered_at,
            });
        }
    }
    calls.reverse();
    calls
}

#[cfg(test)]
mod tests {
    use super::*;
    use gridwatch_protocol::Timestamp;

    fn epochs(cases: &[i64]) -> Vec<Epoch> {
        (1..)
            .zip(cases)
            .map(|(epoch, cases)| Epoch {
                epoch,
                at: Timestamp::from_unix_ms(0),
                audit: 0,
                transitions: 0,
                cases: *cases,
            })
            .collect()
    }

    #[test]
    fn case_belongs_to_the_life_of_the_store_that_opened_it() {
        // Restored at 100 cases, and again at 80: what was opened between is another case now.
        let epochs = epochs(&[0, 100, 80]);
        assert_eq!(case_epoch(80, &epochs), 1);
        assert_eq!(case_epoch(81, &epochs), 3);
        assert_eq!(case_epoch(101, &epochs), 3);
        assert_eq!(case_epoch(100, &epochs[..2]), 1);
        assert_eq!(case_epoch(101, &epochs[..2]), 2);
    }
}
