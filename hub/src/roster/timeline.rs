//! A roster over a stretch of time: periods in which nothing changes, gaps, hand-overs. Pure.

use gridwatch_protocol::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::duty::{Duty, Local, occurrences, on_duty};
use super::model::Roster;

/// The longest stretch that is looked through: bounds the work for one request, in milliseconds.
pub const STRETCH_MAX_MS: i64 = 400 * 86_400_000;

/// A time in which the same people are on duty in the same shift.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    /// From when.
    pub from: Timestamp,
    /// Until when, not included.
    pub until: Timestamp,
    /// Who is there.
    pub duty: Duty,
}

/// A time in which no officer has the desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Gap {
    /// From when.
    pub from: Timestamp,
    /// Until when, not included; the end of the stretch that was looked at when it goes on.
    pub until: Timestamp,
}

/// A shift begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HandOver {
    /// When.
    pub at: Timestamp,
    /// The shift that begins.
    pub shift: String,
    /// When it ends.
    pub until: Timestamp,
    /// Sign-in names of its officers in the order in which they are called.
    pub officers: Vec<String>,
}

/// The periods of a stretch of time, without a hole and without an overlap. A longer stretch than
/// [`STRETCH_MAX_MS`] is cut.
#[must_use]
pub fn periods(
    roster: &Roster,
    local: &Local<'_>,
    from: Timestamp,
    until: Timestamp,
) -> Vec<Period> {
    let until = until.min(from.plus_ms(STRETCH_MAX_MS));
    let shifts = occurrences(roster, local, from, until);
    let changes = roster.substitutions.iter().map(|one| (one.from, one.until));
    let absences = roster.absences.iter().map(|one| (one.from, one.until));
    let mut bounds: Vec<Timestamp> = shifts
        .iter()
        .map(|one| (one.from, one.until))
        .chain(changes)
        .chain(absences)
        .flat_map(|(from, until)| [from, until])
        .filter(|at| *at > from && *at < until)
        .chain([from, until])
        .collect();
    bounds.sort_unstable();
    bounds.dedup();
    let mut periods: Vec<Period> = Vec::new();
    for pair in bounds.windows(2) {
        let duty = on_duty(roster, local, pair[0]);
        match periods.last_mut() {
            Some(last) if last.duty == duty => last.until = pair[1],
            _ => periods.push(Period {
                from: pair[0],
                until: pair[1],
                duty,
            }),
        }
    }
    periods
}

/// When no officer has the desk.
#[must_use]
pub fn gaps(roster: &Roster, local: &Local<'_>, from: Timestamp, until: Timestamp) -> Vec<Gap> {
    let mut gaps: Vec<Gap> = Vec::new();
    for period in periods(roster, local, from, until) {
        if period.duty.is_manned() {
            continue;
        }
        match gaps.last_mut() {
            Some(last) if last.until == period.from => last.until = period.until,
            _ => gaps.push(Gap {
                from: period.from,
                until: period.until,
            }),
        }
    }
    gaps
}

/// Since when this gap lasts, for a time in it: at most [`STRETCH_MAX_MS`] back is looked.
#[must_use]
pub fn gap_began(roster: &Roster, local: &Local<'_>, at: Timestamp) -> Option<Timestamp> {
    if on_duty(roster, local, at).is_manned() {
        return None;
    }
    let mut back_ms = 2 * 86_400_000;
    loop {
        let start = at.plus_ms(-back_ms);
        // One millisecond on, so that `at` itself is in the stretch.
        let found = gaps(roster, local, start, at.plus_ms(1));
        let began = found.last().map_or(at, |gap| gap.from);
        if began > start || back_ms >= STRETCH_MAX_MS {
            return Some(began);
        }
        back_ms = (back_ms * 4).min(STRETCH_MAX_MS);
    }
}

/// The shifts that begin after `after` and not after `until`.
#[must_use]
pub fn hand_overs(
    roster: &Roster,
    local: &Local<'_>,
    after: Timestamp,
    until: Timestamp,
) -> Vec<HandOver> {
    let until = until.min(after.plus_ms(STRETCH_MAX_MS));
    occurrences(roster, local, after, until)
        .into_iter()
        .filter(|one| one.from > after)
        .map(|one| HandOver {
            at: one.from,
            shift: one.shift.name.clone(),
            until: one.until,
            officers: on_duty(roster, local, one.from)
                .officers
                .into_iter()
                .map(|officer| officer.username)
                .collect(),
        })
        .collect()
}
