//! Firing what is due, inside the engine's transaction: claim, look again, apply, mark, all or nothing.
//!
//! A process that is killed in between leaves its transaction undone: the timers are due as before.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use gridwatch_protocol::Timestamp;

use super::effects::{self, Effect, ToCall};
use super::rows::{self, Pending};
use super::{Clocks, sync};
use crate::cases::desk::CaseEvent;
use crate::cases::{Case, CaseId, Transition};
use crate::clocks::facts::CaseFacts;
use crate::clocks::plan::next_timers;
use crate::engine::EngineSettings;
use crate::roster::calls::{self, Call};
use crate::roster::known::Office;
use crate::store::database::Connection;
use crate::store::{StoreResult, commit, events};

/// A timer that could not be fired is tried again after this long.
const RETRY_AFTER_MS: i64 = 60_000;

/// What was fired.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fired {
    /// When each of the fired timers was due, in order.
    pub due: Vec<Timestamp>,
    /// Claimed timers whose reason was gone or had moved.
    pub stale: usize,
    /// Timers that did not fit their case; put off.
    pub refused: usize,
}

#[derive(Default)]
struct Round {
    cases: BTreeMap<CaseId, Case>,
    facts: HashMap<CaseId, CaseFacts>,
    changed: BTreeSet<CaseId>,
    transitions: Vec<(CaseId, Transition)>,
    events: Vec<CaseEvent>,
    /// Whom each event calls, in the order of `events`.
    calls: Vec<Vec<ToCall>>,
    fired: Vec<i64>,
    released: Vec<i64>,
    due: Vec<Timestamp>,
    refused: usize,
}

/// Fires up to `limit` due timers, earliest first.
pub(crate) async fn fire(
    connection: &mut Connection,
    settings: &EngineSettings,
    clocks: Clocks<'_>,
    holder: &str,
    limit: usize,
    now: Timestamp,
) -> StoreResult<Fired> {
    let lease_until = now.plus_ms(RETRY_AFTER_MS);
    let claimed = rows::claim(connection, holder, now, lease_until, limit).await?;
    if claimed.is_empty() {
        return Ok(Fired::default());
    }
    let ids: BTreeSet<CaseId> = claimed.iter().map(|timer| timer.case).collect();
    let ids: Vec<CaseId> = ids.into_iter().collect();
    let mut round = Round {
        cases: rows::load_cases(connection, &ids).await?,
        facts: rows::load_facts(connection, &ids).await?,
        ..Round::default()
    };
    let rosters = settings.rosters.rosters(connection).await?;
    let office = Office {
        rosters: &rosters,
        directory: &settings.directory,
        calendar: &settings.calendar,
        utc_offset_minutes: settings.utc_offset_minutes,
    };
    for timer in &claimed {
        round.take(timer, clocks, &office, now);
    }
    round.write(connection, clocks, &ids, now).await
}

/// Puts the first due timer off, so that the ones behind it are fired.
pub(crate) async fn postpone(
    connection: &mut Connection,
    holder: &str,
    now: Timestamp,
) -> StoreResult<u64> {
    let until = now.plus_ms(RETRY_AFTER_MS);
    let claimed = rows::claim(connection, holder, now, until, 1).await?;
    Ok(claimed.len() as u64)
}

impl Round {
    fn take(&mut self, timer: &Pending, clocks: Clocks<'_>, office: &Office<'_>, now: Timestamp) {
        // A timer's row refers to its case: the case is there.
        let Some(case) = self.cases.get_mut(&timer.case) else {
            return;
        };
        let mut facts = sync::facts_of(case, self.facts.get(&timer.case), clocks);
        let timers = next_timers(&facts, clocks.calendar);
        let same = timers.iter().find(|next| next.effect.key() == timer.kind);
        let Some(next) = same.filter(|next| next.due_at <= now) else {
            self.released.push(timer.id);
            return;
        };
        let Some(done) = effects::apply(case, &facts, next.effect, clocks, office, now) else {
            tracing::error!(
                case = timer.case,
                kind = timer.kind,
                attempts = timer.attempts,
                "a timer does not fit its case; it is tried again in a minute"
            );
            self.refused += 1;
            return;
        };
        let Effect { row, change, calls } = done;
        facts.applied(next.effect);
        let facts = sync::facts_of(case, Some(&facts), clocks);
        self.facts.insert(timer.case, facts);
        self.changed.insert(timer.case);
        self.transitions.push((timer.case, row));
        self.events.push(CaseEvent {
            at: now,
            case: timer.case,
            change,
        });
        self.calls.push(calls);
        self.fired.push(timer.id);
        self.due.push(timer.due_at);
    }

    async fn write(
        self,
        connection: &mut Connection,
        clocks: Clocks<'_>,
        ids: &[CaseId],
        now: Timestamp,
    ) -> StoreResult<Fired> {
        for id in &self.changed {
            commit::update_case(connection, &self.cases[id]).await?;
        }
        commit::write_transitions(connection, &self.transitions).await?;
        let first = events::number_case_events(connection, &self.events).await?;
        call(connection, (first..).zip(self.calls), now).await?;
        rows::mark_fired(connection, &self.fired, now).await?;
        // What is released is deleted or moved by the sync.
        rows::lease_until(connection, &self.released, Timestamp::from_unix_ms(0)).await?;
        let mut facts = self.facts;
        facts.retain(|id, _| self.changed.contains(id));
        let facts: Vec<(CaseId, CaseFacts)> = facts.into_iter().collect();
        rows::write_facts(connection, &facts).await?;
        sync::sync(connection, clocks, ids).await?;
        Ok(Fired {
            due: self.due,
            stale: self.released.len(),
            refused: self.refused,
        })
    }
}

/// Writes down who is called: people of rosters by name, units by the people who speak for them.
async fn call(
    connection: &mut Connection,
    events: impl Iterator<Item = (i64, Vec<ToCall>)>,
    now: Timestamp,
) -> StoreResult<()> {
    let mut rows = Vec::new();
    for (event, to_call) in events {
        for one in to_call {
            match one {
                ToCall::Person(called) => rows.push(Call::of(event, called, now)),
                ToCall::Unit(unit) => {
                    let members = calls::members(connection, &unit).await?;
                    rows.extend(members.into_iter().map(|username| Call {
                        event,
                        username,
                        role: "unit",
                        area: unit.clone(),
                        at: now,
                    }));
                }
            }
        }
    }
    calls::write(connection, &rows).await
}
