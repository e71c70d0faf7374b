//! Whom a step calls: the order of the roster, and of the wider rosters behind it. Pure.

use super::duty::{Duty, DutyRole, OnDuty};

/// Somebody who is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Called {
    /// Sign-in name.
    pub username: String,
    /// As what.
    pub role: DutyRole,
    /// Code of the area whose roster names them.
    pub area: String,
}

/// The desk of an area at a point in time.
pub type Desk = (String, Duty);

/// Whom a step calls, given the desks from the narrowest to the widest. Level 0 is the first officer, 1
/// the next one, 2 the shift leader, 3 and above the leader. A place that nobody fills is looked for in
/// the wider desks, then the next level is called: nobody is called only when there is no roster, or
/// none of its places is filled.
#[must_use]
pub fn called(level: u8, desks: &[Desk]) -> Option<Called> {
    let officer = officers(desks).nth(usize::from(level));
    let officer = officer.filter(|_| level < 2);
    let shift_leader = || first(desks, |duty| duty.shift_leader.as_ref());
    let leader = || first(desks, |duty| duty.leader.as_ref());
    match level {
        0 | 1 => officer.or_else(shift_leader).or_else(leader),
        2 => shift_leader().or_else(leader),
        _ => leader(),
    }
}

/// Whom a shortcoming of a desk is reported to: its shift leader and its leader, or those of the wider
/// desks where it has none.
#[must_use]
pub fn leaders(desks: &[Desk]) -> Vec<Called> {
    let mut found: Vec<Called> = Vec::new();
    for one in [called(2, desks), called(3, desks)].into_iter().flatten() {
        if found.iter().all(|known| known.username != one.username) {
            found.push(one);
        }
    }
    found
}

/// Every officer once, those of the narrowest desk first.
fn officers(desks: &[Desk]) -> impl Iterator<Item = Called> {
    let mut seen = std::collections::BTreeSet::new();
    desks
        .iter()
        .flat_map(|(area, duty)| duty.officers.iter().map(move |one| (area, one)))
        .filter(move |(_, one)| seen.insert(&one.username))
        .map(|(area, one)| to_call(area, one))
}

fn first(desks: &[Desk], of: impl Fn(&Duty) -> Option<&OnDuty>) -> Option<Called> {
    let mut found = desks
        .iter()
        .filter_map(|(area, duty)| of(duty).map(|one| to_call(area, one)));
    found.next()
}

fn to_call(area: &str, one: &OnDuty) -> Called {
    Called {
        username: one.username.clone(),
        role: one.role,
        area: area.to_owned(),
    }
}
