//! The period of a report: local days, in the calendar's time zone, as instants.

use gridwatch_protocol::Timestamp;
use jiff::ToSpan;
use jiff::civil::Date;

use crate::clocks::Calendar;

/// A report of cases covers at most so many days: a year and a day bounds the times that are held in memory (a
/// city of 1.3 million cases in 22 months has 720,000 in a year: 30 MB).
pub const DAYS_MAX: i32 = 366;
/// A report of alarms covers at most so many days, for every alarm is looked at (ISA-18.2 asks for 30).
pub const ALARM_DAYS_MAX: i32 = 92;
/// Rows for each day are told for at most so many days.
pub const BY_DAY_MAX: i32 = 31;

/// A stretch of local days as instants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its name: `2026-11` for a month or a part of it, `2026-11-22` for a day.
    pub name: String,
    /// Its first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub until: Timestamp,
}

/// Local days, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// The first.
    pub from: Date,
    /// The last.
    pub to: Date,
}

impl Period {
    /// Reads what a request says: `month` (`2026-11`), or `from` and `to` (`2026-11-22`), or nothing for the
    /// month of `today` up to it.
    ///
    /// # Errors
    /// What is wrong, in a sentence.
    pub fn read(
        month: Option<&str>,
        from: Option<&str>,
        to: Option<&str>,
        today: Date,
        days_max: i32,
    ) -> Result<Self, String> {
        let day = |name: &str, text: &str| {
            let read = text.parse::<Date>().ok().filter(|_| text.len() == 10);
            read.ok_or_else(|| format!("`{name}` must be a day such as 2026-11-22"))
        };
        let period = match (month, from, to) {
            (Some(month), None, None) => {
                let first = (month.len() == 7).then(|| format!("{month}-01"));
                let first = first.and_then(|first| first.parse::<Date>().ok());
                let first = first.ok_or("`month` must be a month such as 2026-11")?;
                Self {
                    from: first,
                    to: first.last_of_month(),
                }
            }
            (Some(_), _, _) => return Err("give either `month` or `from` and `to`".to_owned()),
            (None, None, None) => Self {
                from: today.first_of_month(),
                to: today,
            },
            (None, from, to) => {
                let from = day("from", from.ok_or("`from` is missing beside `to`")?)?;
                let to = to.map_or(Ok(today.max(from)), |to| day("to", to))?;
                Self { from, to }
            }
        };
        if period.from.year() < 2000 || period.to.year() > 9990 {
            return Err("days must lie between the years 2000 and 9990".to_owned());
        }
        if period.to < period.from {
            return Err("`to` must not be before `from`".to_owned());
        }
        if period.days() > days_max {
            let days = period.days();
            return Err(format!(
                "{days} days are too many; ask for {days_max} at most"
            ));
        }
        Ok(period)
    }

    /// How many days.
    #[must_use]
    pub fn days(&self) -> i32 {
        self.from
            .until(self.to)
            .map_or(i32::MAX, |span| span.get_days() + 1)
    }

    /// The whole of it.
    #[must_use]
    pub fn whole(&self, calendar: &Calendar) -> Part {
        Part {
            name: "total".to_owned(),
            from: calendar.day_start(self.from),
            until: calendar.day_start(next(self.to)),
        }
    }

    /// Its months, the first and the last maybe in part.
    #[must_use]
    pub fn months(&self, calendar: &Calendar) -> Vec<Part> {
        let mut parts = Vec::new();
        let mut from = self.from;
        while from <= self.to {
            let until = next(from.last_of_month().min(self.to));
            parts.push(Part {
                name: from.strftime("%Y-%m").to_string(),
                from: calendar.day_start(from),
                until: calendar.day_start(until),
            });
            from = until;
        }
        parts
    }

    /// Its days.
    #[must_use]
    pub fn each_day(&self, calendar: &Calendar) -> Vec<Part> {
        let mut parts = Vec::new();
        let mut day = self.from;
        while day <= self.to {
            parts.push(Part {
                name: day.to_string(),
                from: calendar.day_start(day),
                until: calendar.day_start(next(day)),
            });
            day = next(day);
        }
        parts
    }
}

fn next(day: Date) -> Date {
    day.checked_add(1.day())
        .expect("days of a period end before the year 9991")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar() -> Calendar {
        Calendar::parse(include_str!("../../../configs/calendar.toml")).expect("shipped")
    }

    fn today() -> Date {
        "2026-11-22".parse().expect("a day")
    }

    #[test]
    fn local_days_become_instants_and_months_meet() {
        let period = Period::read(None, Some("2026-10-30"), None, today(), DAYS_MAX).expect("fine");
        let months = period.months(&calendar());
        let names: Vec<&str> = months.iter().map(|part| part.name.as_str()).collect();
        assert_eq!(names, ["2026-10", "2026-11"]);
        assert_eq!(months[0].from.to_string(), "2026-10-29T16:00:00.000Z");
        assert_eq!(months[0].until, months[1].from);
        assert_eq!(months[1].until, period.whole(&calendar()).until);
        assert_eq!(period.each_day(&calendar()).len(), 24);
    }

    #[test]
    fn periods_that_are_none_say_what_is_wrong() {
        let told = |month, from, to| {
            Period::read(month, from, to, today(), DAYS_MAX).expect_err("refused")
        };
        assert!(told(Some("2026-13"), None, None).contains("`month`"));
        assert!(told(Some("2026-11"), Some("2026-11-01"), None).contains("either"));
        assert!(told(None, None, Some("2026-11-01")).contains("`from`"));
        assert!(told(None, Some("2026-11-31"), None).contains("`from`"));
        assert!(told(None, Some("2026-11-02"), Some("2026-11-01")).contains("before"));
        assert!(told(None, Some("2024-11-02"), Some("2026-11-01")).contains("366"));
        assert!(told(None, Some("-009999-01-01"), None).contains("`from`"));
        let month = Period::read(Some("2026-02"), None, None, today(), DAYS_MAX).expect("fine");
        assert_eq!(month.days(), 28);
    }
}
