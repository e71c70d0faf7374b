//! Which news of a case goes to which channel, and when. Pure.
//!
//! One message per case: what opens a case is told, what matters afterwards is told in its thread, and
//! routine (another alert, a note) is not told at all, unless it has made the case more urgent.
//! Changes that this file does not know are told: a new kind of change must not fall silent.

use gridwatch_protocol::{Severity, SiteId, Text, Timestamp};
use serde::{Deserialize, Serialize};

use crate::store::seal::KeptHead;

/// The category of news that is about a desk and not about a case.
pub const DUTY: &str = "duty";
/// What is told as a change of severity, whatever caused it.
pub const MORE_URGENT: &str = "more_urgent";
/// Routine: told only to channels that name it.
const ROUTINE: [&str; 5] = [
    "joined",
    "updated",
    "noted",
    "alert_cleared",
    "acknowledged",
];

const DAY_MINUTES: i64 = 24 * 60;

/// Something that is due in a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// What.
    pub what: Text,
    /// Until when.
    pub at: Timestamp,
}

/// A case as it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Its number in the store; 0 for a test message.
    pub id: i64,
    /// Its number for people.
    pub number: String,
    /// Its severity.
    pub severity: Severity,
    /// Code of its category.
    pub category: String,
    /// Name of its category.
    pub category_name: Text,
    /// Its site.
    pub site: SiteId,
    /// Category, site and place in one line.
    pub title: Text,
    /// Site and place.
    pub place: Text,
    /// Codes of its areas, from the city down to the grid.
    pub areas: Vec<String>,
    /// Its state.
    pub state: String,
    /// Whether it is a drill or test.
    pub is_drill: bool,
    /// Whether it was opened in a flood of alarms and nobody has taken it yet.
    #[serde(default)]
    pub in_flood: bool,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// What is due next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Due>,
}

/// News of a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct News {
    /// Number of the event.
    pub seq: i64,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub change: String,
    /// What happened before it in the same message, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<String>,
    /// Whether the channel has not told of this case before.
    #[serde(default)]
    pub first: bool,
    /// The case.
    pub case: Facts,
    /// What a reporter is told, in their language; officers are told in the words of their channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
    /// The signed head of the audit that is told, in the place of a case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<Box<KeptHead>>,
}

/// A time of day in which only P1 is told at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quiet {
    /// Minute of the local day at which it begins.
    pub from: i64,
    /// Minute of the local day at which it ends; before `from`, it ends on the next day.
    pub until: i64,
}

impl Quiet {
    /// Reads `22:00-07:00`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (from, until) = text.split_once('-')?;
        let quiet = Self {
            from: minute(from)?,
            until: minute(until)?,
        };
        (quiet.from != quiet.until).then_some(quiet)
    }

    /// When the quiet time ends that `now` is in, if it is in one.
    #[must_use]
    pub fn ends(self, now: Timestamp, utc_offset_minutes: i32) -> Option<Timestamp> {
        let offset_ms = i64::from(utc_offset_minutes) * 60_000;
        let local_ms = now.unix_ms() + offset_ms;
        let minute = local_ms.div_euclid(60_000).rem_euclid(DAY_MINUTES);
        let length = (self.until - self.from).rem_euclid(DAY_MINUTES);
        let inside = (minute - self.from).rem_euclid(DAY_MINUTES);
        if inside >= length {
            return None;
        }
        let start_of_minute = local_ms.div_euclid(60_000) * 60_000;
        let end = start_of_minute + (length - inside) * 60_000;
        Some(Timestamp::from_unix_ms(end - offset_ms))
    }
}

fn minute(text: &str) -> Option<i64> {
    let (hour, minute) = text.trim().split_once(':')?;
    let two = |part: &str, max: i64| {
        let digits = (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        let number = part.parse().ok().filter(|n: &i64| *n <= max)?;
        digits.then_some(number)
    };
    Some(two(hour, 23)? * 60 + two(minute, 59)?)
}

/// What a channel wants to hear; an empty list wants everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Severities.
    pub severities: Vec<Severity>,
    /// Codes of categories.
    pub categories: Vec<String>,
    /// Codes of areas; everything below them is in it.
    pub areas: Vec<String>,
    /// Sites.
    pub sites: Vec<SiteId>,
    /// Changes; empty: everything but routine.
    pub changes: Vec<String>,
    /// Whether drills are wanted.
    pub drills: bool,
    /// When only P1 is told at once.
    pub quiet: Option<Quiet>,
}

/// A message that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What is told; a routine change that made the case more urgent is told as that.
    pub change: String,
    /// Not before this time.
    pub not_before: Timestamp,
}

impl Filter {
    fn wants_case(&self, case: &Facts) -> bool {
        let any = |list: &[String], value: &String| list.is_empty() || list.contains(value);
        (self.drills || !case.is_drill)
            && (self.severities.is_empty() || self.severities.contains(&case.severity))
            && any(&self.categories, &case.category)
            && (self.sites.is_empty() || self.sites.contains(&case.site))
            && (self.areas.is_empty() || case.areas.iter().any(|code| self.areas.contains(code)))
    }

    fn wants_change(&self, change: &str) -> bool {
        if self.changes.is_empty() {
            !ROUTINE.contains(&change)
        } else {
            self.changes.iter().any(|wanted| wanted == change)
        }
    }

    /// When somebody is told whom this news calls, whatever changes the channel wants to hear of; not at
    /// all when it is not for such cases.
    #[must_use]
    pub fn call_at(
        &self,
        news: &News,
        now: Timestamp,
        utc_offset_minutes: i32,
    ) -> Option<Timestamp> {
        self.wants_case(&news.case)
            .then(|| self.not_before(&news.case, now, utc_offset_minutes))
    }

    fn not_before(&self, case: &Facts, now: Timestamp, utc_offset_minutes: i32) -> Timestamp {
        let quiet = self.quiet.filter(|_| case.severity != Severity::P1);
        let ends = quiet.and_then(|quiet| quiet.ends(now, utc_offset_minutes));
        ends.unwrap_or(now)
    }

    /// Whether and when this news is told. `told` is the most urgent severity under which the channel
    /// has told this recipient of the case.
    #[must_use]
    pub fn plan(
        &self,
        news: &News,
        told: Option<Severity>,
        now: Timestamp,
        utc_offset_minutes: i32,
    ) -> Option<Plan> {
        if !self.wants_case(&news.case) {
            return None;
        }
        let severity = news.case.severity;
        let change = if self.wants_change(&news.change) {
            news.change.clone()
        } else if told.is_none_or(|told| severity < told) && self.wants_change(MORE_URGENT) {
            MORE_URGENT.to_owned()
        } else {
            return None;
        };
        Some(Plan {
            change,
            not_before: self.not_before(&news.case, now, utc_offset_minutes),
        })
    }
}

/// In a flood, cases of low urgency are told together, at the end of each ten minutes, so that they come in
/// one digest; P1 and P2 never wait. The same ten minutes as a flood is measured by (ISA-18.2).
#[must_use]
pub fn digest_at(case: &Facts, now: Timestamp) -> Option<Timestamp> {
    let waits = case.in_flood && case.severity >= Severity::P3;
    let window = crate::correlation::flood::WINDOW_MS;
    waits.then(|| {
        let next = now.unix_ms().div_euclid(window) + 1;
        Timestamp::from_unix_ms(next * window)
    })
}

/// News that takes the place of older news of the same case that was not told yet.
#[must_use]
pub fn merge(older: &News, mut newer: News) -> News {
    let mut earlier = older.earlier.clone();
    earlier.push(older.change.clone());
    earlier.append(&mut newer.earlier);
    // A case that changes all the time must not make the row grow: the newest say enough.
    let surplus = earlier.len().saturating_sub(EARLIER_MAX);
    newer.earlier = earlier.split_off(surplus);
    newer.first = newer.first || older.first;
    newer
}

/// Changes that one message names besides the newest.
pub const EARLIER_MAX: usize = 8;

#[cfg(test)]
mod tests;
