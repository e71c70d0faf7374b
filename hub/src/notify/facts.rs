//! A case as notifications tell it: what does not change with the channel or the language. Pure.

use super::policy::{Due, Facts};
use crate::api::view;
use crate::cases::{Case, State, text};
use crate::catalogue::Catalogue;
use crate::directory::Directory;

/// A case as it is told.
#[must_use]
pub fn facts(case: &Case, directory: &Directory, catalogue: &Catalogue) -> Facts {
    let summary = view::summary(case, directory, catalogue);
    // The title is category and place; a field of its own says the category.
    let place = |title: &str, category: &str| {
        let rest = title.strip_prefix(category);
        let rest = rest.and_then(|rest| rest.strip_prefix(" · "));
        rest.unwrap_or(title).to_owned()
    };
    Facts {
        id: case.id,
        number: case.number.clone(),
        severity: case.severity,
        category: case.category.clone(),
        site: case.site.clone(),
        place: text(
            place(&summary.title.zh, &summary.category_name.zh),
            place(&summary.title.en, &summary.category_name.en),
        ),
        category_name: summary.category_name,
        title: summary.title,
        areas: summary
            .area_path
            .into_iter()
            .map(|step| step.code)
            .collect(),
        state: case.state.as_str().to_owned(),
        is_drill: case.is_drill,
        opened_at: case.opened_at,
        due: due(case),
    }
}

/// What somebody has to do by when: acknowledge it, then have it done. A case that is suspended, that waits
/// for the office or that has ended presses nobody outside.
fn due(case: &Case) -> Option<Due> {
    if !case.state.is_open() {
        return None;
    }
    if case.acknowledged_at.is_none() {
        return Some(Due {
            what: text("确认", "acknowledge"),
            at: case.ack_due_at,
        });
    }
    let is_out = matches!(case.state, State::Dispatched | State::Handling);
    let at = case.progress.due_at.filter(|_| is_out)?;
    Some(Due {
        what: text("处置", "have it done"),
        at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::desk::{Desk, Known};
    use crate::cases::sample::{self, Shipped};
    use gridwatch_protocol::{Kind, Timestamp};

    #[test]
    fn what_is_due_is_the_acknowledgement_then_the_disposal_then_nothing() {
        let shipped = Shipped::load();
        let known = Known {
            next_case: 1,
            ..Known::default()
        };
        let mut desk = Desk::new(shipped.rules(), known);
        let alert = sample::alert(1, "east-door", Kind::DoorForced);
        desk.receive(&sample::arrival(alert), None, Timestamp::from_unix_ms(0));
        let mut case = desk.known.cases[&1].clone();
        let what = |case: &Case| {
            let facts = facts(case, &shipped.directory, &shipped.catalogue);
            facts.due.map(|due| (due.what.en, due.at))
        };
        assert_eq!(
            what(&case),
            Some(("acknowledge".to_owned(), case.ack_due_at))
        );
        case.acknowledged_at = Some(case.opened_at);
        assert_eq!(what(&case), None);
        let due = Timestamp::from_unix_ms(case.opened_at.unix_ms() + 3_600_000);
        case.progress.due_at = Some(due);
        case.state = State::Dispatched;
        assert_eq!(what(&case), Some(("have it done".to_owned(), due)));
        case.state = State::Suspended;
        assert_eq!(what(&case), None);
    }
}
