//! After a change of cases: their facts and timers are made to fit, in the same transaction.
//!
//! Doing it twice changes nothing the second time; doing it for a case that did not change, neither.

use std::collections::BTreeMap;

use gridwatch_protocol::Timestamp;

use super::rows::{self, Pending};
use super::{Clocks, answers, effects};
use crate::cases::{Case, CaseId};
use crate::clocks::facts::{CaseFacts, Stage};
use crate::clocks::plan::{NextTimer, next_timers};
use crate::reports::facts::CaseFigures;
use crate::store::database::Connection;
use crate::store::{StoreResult, reports};

/// Cases that are looked at together: bounds memory in a storm.
const PART: usize = 500;

/// What has to be written.
#[derive(Debug, Default)]
struct Rewrite {
    facts: Vec<(CaseId, CaseFacts)>,
    new: Vec<(CaseId, NextTimer)>,
    moved: Vec<(i64, Timestamp)>,
    gone: Vec<i64>,
}

/// Makes the facts and timers of these cases fit them.
pub(crate) async fn sync(
    connection: &mut Connection,
    clocks: Clocks<'_>,
    ids: &[CaseId],
) -> StoreResult<()> {
    sync_beside(connection, clocks, ids, BTreeMap::new()).await
}

/// As [`sync`]; `opened` are those of them that this transaction has opened, as they are now: of these
/// nothing has to be read.
pub(crate) async fn sync_beside(
    connection: &mut Connection,
    clocks: Clocks<'_>,
    ids: &[CaseId],
    mut opened: BTreeMap<CaseId, Case>,
) -> StoreResult<()> {
    for part in ids.chunks(PART) {
        let (new, old): (Vec<CaseId>, Vec<CaseId>) =
            part.iter().partition(|id| opened.contains_key(id));
        let mut cases = rows::load_cases(connection, &old).await?;
        let mut known = rows::load_facts(connection, &old).await?;
        let mut pending = rows::pending(connection, &old).await?;
        cases.extend(new.iter().filter_map(|id| opened.remove_entry(id)));
        let mut rewrite = Rewrite::default();
        let mut figures = Vec::new();
        for (id, case) in &cases {
            let stored = known.remove(id);
            let facts = facts_of(case, stored.as_ref(), clocks);
            rewrite.compare(
                *id,
                next_timers(&facts, clocks.calendar),
                pending.remove(id).unwrap_or_default(),
            );
            // Of a case that was only reported everything follows from the case itself.
            let plain = stored.is_none() && facts.stage == Stage::Reported;
            // That it was reported is all that reports count of it, and that is there since it was opened.
            if !(plain && case.version == 1) {
                figures.push((case, CaseFigures::of(case, &facts, clocks.calendar)));
            }
            if !plain && stored.as_ref() != Some(&facts) {
                rewrite.facts.push((*id, facts));
            }
        }
        reports::write(connection, &figures).await?;
        rewrite.write(connection).await?;
    }
    Ok(())
}

/// The facts of a case as it is now. Stamps are the times of the case's own changes.
pub(crate) fn facts_of(case: &Case, stored: Option<&CaseFacts>, clocks: Clocks<'_>) -> CaseFacts {
    let seen = effects::seen(case);
    let mut facts = match stored {
        Some(stored) => {
            let mut facts = stored.clone();
            facts.observe(&seen, clocks.limits, case.updated_at);
            facts
        }
        None => CaseFacts::new(&seen, clocks.limits, case.updated_at),
    };
    facts.observe_asked(answers::asked(case));
    facts
}

impl Rewrite {
    fn compare(&mut self, case: CaseId, wanted: Vec<NextTimer>, mut pending: Vec<Pending>) {
        for timer in wanted {
            let key = timer.effect.key();
            match pending.iter().position(|known| known.kind == key) {
                Some(place) => {
                    let known = pending.swap_remove(place);
                    if known.due_at != timer.due_at {
                        self.moved.push((known.id, timer.due_at));
                    }
                }
                None => self.new.push((case, timer)),
            }
        }
        self.gone.extend(pending.iter().map(|timer| timer.id));
    }

    async fn write(self, connection: &mut Connection) -> StoreResult<()> {
        rows::write_facts(connection, &self.facts).await?;
        rows::delete(connection, &self.gone).await?;
        for (id, due_at) in self.moved {
            rows::set_due(connection, id, due_at).await?;
        }
        rows::insert(connection, &self.new).await
    }
}

/// Open cases that are gone through in one transaction.
const REPLAN_MAX: usize = 200;

/// Goes through some open cases after this one; tells the last, or none when there are no more.
pub(crate) async fn replan(
    connection: &mut Connection,
    clocks: Clocks<'_>,
    after: CaseId,
) -> StoreResult<Option<CaseId>> {
    let ids = rows::open_after(connection, after, REPLAN_MAX).await?;
    sync(connection, clocks, &ids).await?;
    Ok(ids.last().copied())
}
