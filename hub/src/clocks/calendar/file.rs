//! Reading a calendar file: every problem at once, one sentence each. Pure.

use std::collections::BTreeMap;

use jiff::Span;
use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use serde::Deserialize;

use super::{Calendar, DAY_MINUTES, Hours, Year};

/// Names of the days in the file, Monday first.
const DAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];
/// Holidays of one year, in days. More is a mistake: China has 13 statutory ones since 2025.
const HOLIDAYS_MAX: usize = 120;
/// Make-up days of one year.
const MAKEUP_MAX: usize = 60;
/// Working hours of a week, in minutes, at least one working day: else limits end in no foreseeable
/// time.
const WEEK_MINUTES_MIN: u32 = 8 * 60;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: String,
    time_zone: String,
    hours: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    year: Vec<FileYear>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileYear {
    year: i16,
    #[serde(default)]
    notice: String,
    #[serde(default)]
    holidays: Vec<Holiday>,
    #[serde(default)]
    makeup: Vec<Makeup>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Holiday {
    name: String,
    from: String,
    /// The last day; the same as `from` when left out.
    until: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Makeup {
    date: String,
    /// The day of the week whose hours it has.
    like: String,
}

impl Calendar {
    /// Reads and checks the file's text.
    ///
    /// # Errors
    /// Every problem, one sentence each.
    pub fn parse(text: &str) -> Result<Self, Vec<String>> {
        let file: File = toml::from_str(text)
            .map_err(|error| vec![format!("calendar: {}", error.to_string().trim_end())])?;
        let mut problems = Vec::new();
        let zone = time_zone(&file.time_zone).unwrap_or_else(|problem| {
            problems.push(problem);
            TimeZone::UTC
        });
        let week = week(&file.hours, &mut problems);
        let mut calendar = Calendar {
            version: file.version,
            zone,
            week,
            years: BTreeMap::new(),
            holidays: std::collections::BTreeMap::new(),
            makeup: BTreeMap::new(),
        };
        for year in file.year {
            calendar.add_year(year, &mut problems);
        }
        if problems.is_empty() {
            Ok(calendar)
        } else {
            let told = problems.into_iter();
            Err(told.map(|problem| format!("calendar: {problem}")).collect())
        }
    }

    fn add_year(&mut self, year: FileYear, problems: &mut Vec<String>) {
        let number = year.year;
        if !(1970..=2200).contains(&number) {
            problems.push(format!("year {number} is not between 1970 and 2200"));
            return;
        }
        let notice = year.notice.trim().to_owned();
        if self.years.insert(number, Year { notice }).is_some() {
            problems.push(format!("year {number} stands twice"));
        }
        let before = self.holidays.len();
        for holiday in &year.holidays {
            if let Err(problem) = self.add_holiday(number, holiday) {
                problems.push(format!("{number}, holiday `{}`: {problem}", holiday.name));
            }
        }
        if self.holidays.len() - before > HOLIDAYS_MAX {
            problems.push(format!("{number} has more than {HOLIDAYS_MAX} holidays"));
        }
        if year.makeup.len() > MAKEUP_MAX {
            problems.push(format!("{number} has more than {MAKEUP_MAX} make-up days"));
        }
        for makeup in &year.makeup {
            if let Err(problem) = self.add_makeup(number, makeup) {
                problems.push(format!(
                    "{number}, make-up day `{}`: {problem}",
                    makeup.date
                ));
            }
        }
    }

    fn add_holiday(&mut self, year: i16, holiday: &Holiday) -> Result<(), String> {
        let from = day(year, &holiday.from)?;
        let until = day(year, holiday.until.as_deref().unwrap_or(&holiday.from))?;
        if until < from {
            return Err(format!("ends on {until}, before it begins on {from}"));
        }
        for date in from.series(Span::new().days(1)).take_while(|d| *d <= until) {
            if self.holidays.insert(date, holiday.name.clone()).is_some() {
                return Err(format!("{date} is in another holiday too"));
            }
        }
        Ok(())
    }

    fn add_makeup(&mut self, year: i16, makeup: &Makeup) -> Result<(), String> {
        let date = day(year, &makeup.date)?;
        let like = DAYS.iter().position(|name| *name == makeup.like);
        let like = like.ok_or_else(|| {
            format!(
                "like = \"{}\" is no day of the week; known are {}",
                makeup.like,
                DAYS.join(", ")
            )
        })?;
        let hours = self.week[like].clone();
        if hours.is_empty() {
            return Err(format!("{} has no working hours", DAYS[like]));
        }
        if self.holidays.contains_key(&date) {
            return Err("it is a holiday too".to_owned());
        }
        if self.makeup.contains_key(&date) {
            return Err("it stands twice".to_owned());
        }
        if !self.hours_on(date).is_empty() {
            return Err(format!(
                "it is a working {} anyway",
                DAYS[usize::from(date.weekday().to_monday_zero_offset().unsigned_abs())]
            ));
        }
        self.makeup.insert(date, hours);
        Ok(())
    }
}

/// `+08:00`, or the name of a zone such as `Asia/Shanghai`.
fn time_zone(name: &str) -> Result<TimeZone, String> {
    if name.starts_with(['+', '-']) {
        return offset(name).map(TimeZone::fixed).ok_or_else(|| {
            format!("time_zone = \"{name}\" is not an offset such as +08:00, at most 14 hours")
        });
    }
    TimeZone::get(name).map_err(|error| {
        format!(
            "time_zone = \"{name}\" is not known on this machine ({error}); install its zone files (tzdata) or give an offset such as +08:00"
        )
    })
}

fn offset(text: &str) -> Option<Offset> {
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    let (hours, minutes) = (two_digits(hours)?, two_digits(minutes)?);
    let seconds = i32::from(hours) * 3_600 + i32::from(minutes) * 60;
    if minutes > 59 || seconds > 14 * 3_600 {
        return None;
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    Offset::from_seconds(sign * seconds).ok()
}

fn week(given: &BTreeMap<String, Vec<String>>, problems: &mut Vec<String>) -> [Vec<Hours>; 7] {
    for name in given.keys().filter(|name| !DAYS.contains(&name.as_str())) {
        problems.push(format!(
            "hours: `{name}` is no day of the week; known are {}",
            DAYS.join(", ")
        ));
    }
    let told = problems.len();
    let week = DAYS.map(|name| match given.get(name) {
        Some(texts) => day_hours(name, texts, problems),
        None => {
            problems.push(format!(
                "hours: `{name}` is missing; write [] for a day off"
            ));
            Vec::new()
        }
    });
    let hours = week.iter().flatten();
    let minutes: u32 = hours.map(|h| u32::from(h.until - h.from)).sum();
    if problems.len() == told && minutes < WEEK_MINUTES_MIN {
        problems.push(format!(
            "hours: the week has {minutes} working minutes; it needs at least {WEEK_MINUTES_MIN}"
        ));
    }
    week
}

fn day_hours(name: &str, texts: &[String], problems: &mut Vec<String>) -> Vec<Hours> {
    let mut hours: Vec<Hours> = Vec::new();
    for text in texts {
        let Some(next) = parse_hours(text) else {
            problems.push(format!(
                "hours: {name}: `{text}` is not a time of day such as 08:00-12:00, with an end after its beginning and at most 24:00; split hours over midnight into two days"
            ));
            continue;
        };
        if hours.last().is_some_and(|last| next.from < last.until) {
            problems.push(format!(
                "hours: {name}: `{text}` begins before the one ahead of it ends"
            ));
            continue;
        }
        hours.push(next);
    }
    hours
}

fn parse_hours(text: &str) -> Option<Hours> {
    let (from, until) = text.split_once('-')?;
    let (from, until) = (minute(from.trim())?, minute(until.trim())?);
    (from < until).then_some(Hours { from, until })
}

fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let (hour, minute) = (two_digits(hour)?, two_digits(minute)?);
    let all = hour * 60 + minute;
    (minute < 60 && all <= DAY_MINUTES).then_some(all)
}

fn two_digits(text: &str) -> Option<u16> {
    let digits = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

fn day(year: i16, text: &str) -> Result<Date, String> {
    let date: Date = text
        .parse()
        .map_err(|_| format!("`{text}` is not a day such as {year}-10-01"))?;
    if date.year() != year {
        return Err(format!("{date} is not in {year}"));
    }
    Ok(date)
}
