//! What is wrong with a roster: every problem at once, one sentence each. Pure.
//!
//! Contradictions are refused, never settled by an order of precedence that nobody sees: two shifts at
//! once, two substitutes for one person, a substitute who is absent, substituted or on duty already.

use std::collections::BTreeSet;

use gridwatch_protocol::Timestamp;

use super::duty::{Local, occurrences};
use super::model::{Absence, DAY_MINUTES, Days, Roster, Shift, Substitution, Weekday};

/// Shifts of one roster.
pub const SHIFTS_MAX: usize = 24;
/// Crews of one shift: two months of daily turns.
pub const CREWS_MAX: usize = 62;
/// Officers of one crew.
pub const OFFICERS_MAX: usize = 20;
/// Substitutions, and absences, of one roster: those of past years are taken out.
pub const CHANGES_MAX: usize = 1_000;
/// The longest substitution: who is away for longer is taken out of the crews.
const SUBSTITUTION_MAX_MS: i64 = 366 * 86_400_000;
/// Days of one turn.
const TURN_DAYS_MAX: u16 = 366;
/// Letters of a shift's name or a note.
const TEXT_MAX: usize = 200;
/// Problems that are told at once.
const PROBLEMS_MAX: usize = 100;

/// Every problem of a roster by itself.
#[must_use]
pub fn problems(roster: &Roster, local: &Local<'_>) -> Vec<String> {
    let mut found = Vec::new();
    sizes(roster, &mut found);
    names(roster, &mut found);
    for shift in &roster.shifts {
        shift_problems(shift, &mut found);
    }
    if found.is_empty() {
        overlapping_shifts(&roster.shifts, &mut found);
        substitutions(roster, local, &mut found);
        absences(&roster.absences, &mut found);
    }
    if found.len() > PROBLEMS_MAX {
        let more = found.len() - PROBLEMS_MAX;
        found.truncate(PROBLEMS_MAX);
        found.push(format!("and {more} more"));
    }
    found
}

fn sizes(roster: &Roster, found: &mut Vec<String>) {
    for (what, count, most) in [
        ("shifts", roster.shifts.len(), SHIFTS_MAX),
        ("substitutions", roster.substitutions.len(), CHANGES_MAX),
        ("absences", roster.absences.len(), CHANGES_MAX),
    ] {
        if count > most {
            found.push(format!("{count} {what} are more than {most}"));
        }
    }
}

fn names(roster: &Roster, found: &mut Vec<String>) {
    let ok = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '@');
    for name in roster.people() {
        if name.is_empty() || name.len() > 64 || !name.chars().all(ok) {
            found.push(format!(
                "`{name}` is not a sign-in name: 1 to 64 letters, digits, `-`, `_`, `.` or `@`"
            ));
        }
    }
    let mut seen = BTreeSet::new();
    for shift in &roster.shifts {
        if !seen.insert(&shift.name) {
            found.push(format!("two shifts are named `{}`", shift.name));
        }
    }
    let notes = roster.substitutions.iter().map(|one| &one.note);
    for note in notes.chain(roster.absences.iter().map(|one| &one.note)) {
        if note.as_ref().is_some_and(|note| !is_text(note)) {
            found.push(format!(
                "a `note` is longer than {TEXT_MAX} letters or has control characters"
            ));
        }
    }
}

fn is_text(text: &str) -> bool {
    text.chars().count() <= TEXT_MAX && !text.chars().any(char::is_control)
}

fn shift_problems(shift: &Shift, found: &mut Vec<String>) {
    let name = &shift.name;
    let mut say = |problem: String| found.push(format!("shift `{name}`: {problem}"));
    if name.trim().is_empty() || !is_text(name) {
        say(format!(
            "its name must be 1 to {TEXT_MAX} letters without control characters"
        ));
    }
    if !(1..=TURN_DAYS_MAX).contains(&shift.turn_days) {
        say(format!(
            "turn_days = {} is not between 1 and {TURN_DAYS_MAX}",
            shift.turn_days
        ));
    }
    if shift.crews.is_empty() || shift.crews.len() > CREWS_MAX {
        say(format!(
            "it has {} crews; 1 to {CREWS_MAX} are possible",
            shift.crews.len()
        ));
    }
    for (index, crew) in shift.crews.iter().enumerate() {
        let number = index + 1;
        if crew.officers.is_empty() || crew.officers.len() > OFFICERS_MAX {
            say(format!(
                "crew {number} has {} officers; 1 to {OFFICERS_MAX} are possible",
                crew.officers.len()
            ));
        }
        let distinct: BTreeSet<&String> = crew.officers.iter().collect();
        if distinct.len() != crew.officers.len() {
            say(format!("crew {number} names an officer twice"));
        }
    }
}

/// Two shifts at once leave it open who is called first. Looked at for every pair of days that can
/// follow each other: any day of the week, working or off, then the next, working or off.
fn overlapping_shifts(shifts: &[Shift], found: &mut Vec<String>) {
    let mut told = BTreeSet::new();
    for (weekday, today_off, tomorrow_off) in pairs_of_days() {
        let next = Weekday::ALL[(weekday + 1) % 7];
        let today = shifts
            .iter()
            .enumerate()
            .filter(|(_, shift)| is_worked(shift, Weekday::ALL[weekday], today_off));
        let today: Vec<_> = today.map(|(at, shift)| (at, shift, 0)).collect();
        let tomorrow = shifts
            .iter()
            .enumerate()
            .filter(|(_, shift)| is_worked(shift, next, tomorrow_off))
            .map(|(at, shift)| (at, shift, DAY_MINUTES));
        let all: Vec<_> = today.into_iter().chain(tomorrow).collect();
        for (i, (a_at, a, a_day)) in all.iter().enumerate() {
            for (b_at, b, b_day) in &all[i + 1..] {
                let (a_from, b_from) = (a_day + a.from.minutes(), b_day + b.from.minutes());
                let overlap = a_from < b_from + b.minutes() && b_from < a_from + a.minutes();
                let pair = (a_at.min(b_at), a_at.max(b_at));
                if overlap && a_at != b_at && told.insert((*pair.0, *pair.1)) {
                    found.push(format!(
                        "shifts `{}` ({}-{}) and `{}` ({}-{}) are worked at the same time on some days",
                        a.name, a.from, a.until, b.name, b.from, b.until
                    ));
                }
            }
        }
    }
}

fn pairs_of_days() -> impl Iterator<Item = (usize, bool, bool)> {
    (0..7).flat_map(|weekday| {
        [(false, false), (false, true), (true, false), (true, true)]
            .into_iter()
            .map(move |(today, tomorrow)| (weekday, today, tomorrow))
    })
}

fn is_worked(shift: &Shift, weekday: Weekday, off: bool) -> bool {
    let fits = match shift.days {
        Days::EveryDay => true,
        Days::WorkingDays => !off,
        Days::DaysOff => off,
    };
    fits && (shift.weekdays.is_empty() || shift.weekdays.contains(&weekday))
}

fn meet(a: (Timestamp, Timestamp), b: (Timestamp, Timestamp)) -> bool {
    a.0 < b.1 && b.0 < a.1
}

fn span(one: &Substitution) -> (Timestamp, Timestamp) {
    (one.from, one.until)
}

fn substitutions(roster: &Roster, local: &Local<'_>, found: &mut Vec<String>) {
    for (index, one) in roster.substitutions.iter().enumerate() {
        let (of, by) = (&one.of, &one.by);
        let at = format!("substitution of `{of}` by `{by}` from {}", one.from);
        let mut say = |problem: String| found.push(format!("{at}: {problem}"));
        if of == by {
            say("nobody is their own substitute".to_owned());
            continue;
        }
        if one.from >= one.until {
            say("it ends before it begins".to_owned());
            continue;
        }
        if one.until.ms_since(one.from) > SUBSTITUTION_MAX_MS {
            say("it is longer than a year; change the crews instead".to_owned());
            continue;
        }
        for other in &roster.substitutions[index + 1..] {
            if other.of == *of && meet(span(one), span(other)) {
                say(format!("`{}` is named for the same time", other.by));
            }
        }
        let mut others = roster.substitutions.iter();
        if others.any(|other| other.of == *by && meet(span(one), span(other))) {
            say(format!("`{by}` is substituted in that time"));
        }
        let mut absences = roster.absences.iter();
        if absences
            .any(|absence| absence.who == *by && meet(span(one), (absence.from, absence.until)))
        {
            say(format!("`{by}` is absent in that time"));
        }
        if let Some(shift) = on_duty_already(roster, local, one) {
            say(format!(
                "`{by}` is on duty in the same shift (`{shift}`): a place would stay empty"
            ));
        }
    }
}

/// The shift in which both the substitute and the substituted are officers.
fn on_duty_already<'a>(
    roster: &'a Roster,
    local: &Local<'_>,
    one: &Substitution,
) -> Option<&'a str> {
    occurrences(roster, local, one.from, one.until)
        .into_iter()
        .filter(|worked| meet((worked.from, worked.until), span(one)))
        .find(|worked| {
            let officers = &worked.shift.crews[worked.crew].officers;
            officers.contains(&one.of) && officers.contains(&one.by)
        })
        .map(|worked| worked.shift.name.as_str())
}

fn absences(absences: &[Absence], found: &mut Vec<String>) {
    for (index, one) in absences.iter().enumerate() {
        let who = &one.who;
        if one.from >= one.until {
            found.push(format!(
                "absence of `{who}` from {}: it ends before it begins",
                one.from
            ));
        }
        for other in &absences[index + 1..] {
            if other.who == *who && meet((one.from, one.until), (other.from, other.until)) {
                found.push(format!(
                    "absences of `{who}` from {} and from {} overlap",
                    one.from, other.from
                ));
            }
        }
    }
}
