//! Hours of the week, local: when a silence counts. Pure.
//!
//! Hours over midnight belong to the day on which they begin. Where the zone's clock skips or repeats an
//! hour they begin and end as working hours do (see [`Calendar`]).

use gridwatch_protocol::Timestamp;
use jiff::civil::Weekday;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clocks::Calendar;

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the days of the week")]
pub enum Day {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Day {
    fn of(weekday: Weekday) -> Self {
        match weekday {
            Weekday::Monday => Day::Monday,
            Weekday::Tuesday => Day::Tuesday,
            Weekday::Wednesday => Day::Wednesday,
            Weekday::Thursday => Day::Thursday,
            Weekday::Friday => Day::Friday,
            Weekday::Saturday => Day::Saturday,
            Weekday::Sunday => Day::Sunday,
        }
    }
}

/// Hours of one day of the week as they are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Written {
    /// The day on which they begin.
    pub day: Day,
    /// Local time at which they begin, such as `22:00`.
    pub from: String,
    /// Local time at which they end, such as `06:00`; not later than `from`: on the next day.
    pub until: String,
}

/// The same, understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Weekly {
    day: Day,
    /// Minutes since midnight.
    from: u16,
    until: u16,
}

impl TryFrom<Written> for Weekly {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let minute = |text: &str| {
            minute(text).ok_or_else(|| {
                let shown: String = text.chars().take(20).collect();
                format!("`{shown}` is not a time such as 22:00")
            })
        };
        Ok(Self {
            day: written.day,
            from: minute(&written.from)?,
            until: minute(&written.until)?,
        })
    }
}

impl From<Weekly> for Written {
    fn from(weekly: Weekly) -> Self {
        let text = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
        Self {
            day: weekly.day,
            from: text(weekly.from),
            until: text(weekly.until),
        }
    }
}

fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let two = |part: &str, most: u16| {
        let digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse::<u16>().ok().filter(|n| digits && *n <= most)
    };
    Some(two(hour, 23)? * 60 + two(minute, 59)?)
}

impl Weekly {
    /// When the hours end that `now` is in, if it is in some.
    fn end(self, calendar: &Calendar, now: Timestamp) -> Option<Timestamp> {
        let today = calendar.local_date(now);
        let days = [today.yesterday().ok(), Some(today)];
        days.into_iter().flatten().find_map(|date| {
            if Day::of(date.weekday()) != self.day {
                return None;
            }
            let last = if self.until <= self.from {
                date.tomorrow().ok()?
            } else {
                date
            };
            let begins = calendar.instant(date, self.from);
            let ends = calendar.instant(last, self.until);
            (begins <= now && now < ends).then_some(ends)
        })
    }
}

/// When the hours of a list end that `now` is in, if it is in some; hours that meet are one stretch.
#[must_use]
pub fn covered_until(hours: &[Weekly], calendar: &Calendar, now: Timestamp) -> Option<Timestamp> {
    let mut end = None;
    // Each round goes over at least one of them; a week full of hours goes round for ever.
    for _ in 0..=hours.len() {
        let at = end.unwrap_or(now);
        let next = hours
            .iter()
            .filter_map(|weekly| weekly.end(calendar, at))
            .max();
        match next {
            Some(next) => end = Some(next),
            None => break,
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar() -> Calendar {
        Calendar::parse(include_str!("../../../configs/calendar.toml")).unwrap()
    }

    fn weekly(day: Day, from: &str, until: &str) -> Weekly {
        Written {
            day,
            from: from.into(),
            until: until.into(),
        }
        .try_into()
        .unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn hours_are_local_and_go_over_midnight() {
        let nights = [weekly(Day::Sunday, "22:00", "06:00")];
        let until = |now: &str| covered_until(&nights, &calendar(), at(now));
        // 2026-11-22 is a Sunday; local is eight hours ahead.
        assert_eq!(until("2026-11-22T13:59:59Z"), None);
        assert_eq!(
            until("2026-11-22T14:00:00Z"),
            Some(at("2026-11-22T22:00:00Z"))
        );
        assert_eq!(
            until("2026-11-22T21:59:59Z"),
            Some(at("2026-11-22T22:00:00Z"))
        );
        assert_eq!(until("2026-11-22T22:00:00Z"), None);
        assert_eq!(
            until("2026-11-23T14:00:00Z"),
            None,
            "Mondays are not silent"
        );
    }

    #[test]
    fn hours_that_meet_are_one_stretch() {
        let days = [
            weekly(Day::Sunday, "08:00", "12:00"),
            weekly(Day::Sunday, "12:00", "00:00"),
            weekly(Day::Monday, "00:00", "06:00"),
        ];
        assert_eq!(
            covered_until(&days, &calendar(), at("2026-11-22T01:00:00Z")),
            Some(at("2026-11-22T22:00:00Z"))
        );
        let whole = [weekly(Day::Sunday, "08:00", "08:00")];
        assert_eq!(
            covered_until(&whole, &calendar(), at("2026-11-22T01:00:00Z")),
            Some(at("2026-11-23T00:00:00Z")),
            "a whole day"
        );
    }

    #[test]
    fn what_is_no_time_of_day_is_told() {
        for wrong in ["24:00", "7:00", "07-00", "", "07:60", "0a:00"] {
            let written = Written {
                day: Day::Monday,
                from: wrong.into(),
                until: "08:00".into(),
            };
            let refused = Weekly::try_from(written).unwrap_err();
            assert!(refused.contains(wrong), "{refused}");
        }
    }
}
