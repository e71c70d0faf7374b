//! Times as recordings write them.
//!
//! | cell | read as |
//! |---|---|
//! | `1700000000`, `0.5` | seconds since 1970 |
//! | `1700000000000` | milliseconds, from 10^11 on; microseconds from 10^14, nanoseconds from 10^17 |
//! | `2026-11-22T03:00:00Z`, `2026-11-22 03:00:00+08:00` | RFC 3339 |
//! | `2026-11-22 03:00:00.5`, `2026/11/22 03:00`, `2026-11-22` | without a zone: taken as UTC |
//! | `11/22/26 03:00:00`, `11/22/2026 3:00 PM` | month first, unless a row showed that the day is first |
//! | `22.11.2026 03:00` | day first |
//!
//! Trap: month and day can only be told apart once a first number above 12 was seen.

use gridwatch_protocol::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Reads times; remembers what it learned of the file.
#[derive(Debug, Clone, Default)]
pub struct TimeReader {
    day_first: bool,
}

/// Numbers from here on are milliseconds; as seconds they would be beyond the year 5000.
const MILLISECONDS_FROM: f64 = 1e11;
/// Numbers from here on are microseconds.
const MICROSECONDS_FROM: f64 = 1e14;
/// Numbers from here on are nanoseconds.
const NANOSECONDS_FROM: f64 = 1e17;
/// Two-digit years from here on are of the last century.
const LAST_CENTURY_FROM: i16 = 70;

impl TimeReader {
    /// The time in a cell; `None` when it is none.
    pub fn read(&mut self, cell: &str) -> Option<Timestamp> {
        let cell = cell.trim();
        if let Ok(number) = cell.parse::<f64>() {
            return number.is_finite().then(|| from_number(number));
        }
        self.civil(cell).or_else(|| cell.parse().ok())
    }

    /// Date and time without a zone.
    fn civil(&mut self, cell: &str) -> Option<Timestamp> {
        let (date, time) = match cell.find([' ', 'T', ',']) {
            Some(place) => (&cell[..place], cell[place + 1..].trim()),
            None => (cell, ""),
        };
        let (year, month, day) = self.date(date)?;
        let (hour, minute, second, nanosecond) = clock(time)?;
        let at = DateTime::new(year, month, day, hour, minute, second, nanosecond).ok()?;
        let at = at.to_zoned(TimeZone::UTC).ok()?;
        Some(at.timestamp().into())
    }

    fn date(&mut self, text: &str) -> Option<(i16, i8, i8)> {
        let separator = text.chars().find(|c| matches!(c, '-' | '/' | '.'))?;
        let mut parts = text.split(separator);
        let (first, second, third) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        if first.len() == 4 {
            return Some((digits(first)?, digits(second)?, digits(third)?));
        }
        let year: i16 = digits(third)?;
        let year = match third.len() {
            4 => year,
            2 if year >= LAST_CENTURY_FROM => 1900 + year,
            2 => 2000 + year,
            _ => return None,
        };
        let (first, second): (i8, i8) = (digits(first)?, digits(second)?);
        self.day_first |= first > 12;
        if self.day_first || separator == '.' {
            Some((year, second, first))
        } else {
            Some((year, first, second))
        }
    }
}

/// `HH:MM[:SS[.fraction]] [AM|PM]`; nothing is midnight.
fn clock(text: &str) -> Option<(i8, i8, i8, i32)> {
    if text.is_empty() {
        return Some((0, 0, 0, 0));
    }
    let upper = text.to_ascii_uppercase();
    let (text, half) = if let Some(rest) = upper.strip_suffix("AM") {
        (rest.trim(), Some(0))
    } else if let Some(rest) = upper.strip_suffix("PM") {
        (rest.trim(), Some(12))
    } else {
        (upper.as_str(), None)
    };
    let mut parts = text.split(':');
    let hour: i8 = digits(parts.next()?)?;
    let minute = digits(parts.next()?)?;
    let (second, nanosecond) = match parts.next() {
        None => (0, 0),
        Some(second) => match second.split_once(['.', ',']) {
            None => (digits(second)?, 0),
            Some((second, fraction)) => (digits(second)?, nanoseconds(fraction)?),
        },
    };
    if parts.next().is_some() {
        return None;
    }
    let hour = match half {
        None => hour,
        Some(offset) if (1..=12).contains(&hour) => hour % 12 + offset,
        Some(_) => return None,
    };
    Some((hour, minute, second, nanosecond))
}

fn nanoseconds(fraction: &str) -> Option<i32> {
    let fraction = fraction.get(..fraction.len().min(9))?;
    let scale = 10_i32.pow(9 - u32::try_from(fraction.len()).ok()?);
    digits::<i32>(fraction).map(|number| number * scale)
}

/// A number of digits only: no sign, no blank.
fn digits<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())
        .flatten()
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a cast from a finite float saturates, and Timestamp holds it to the years 0 to 9999"
)]
fn from_number(number: f64) -> Timestamp {
    let size = number.abs();
    let ms = if size >= NANOSECONDS_FROM {
        number / 1e6
    } else if size >= MICROSECONDS_FROM {
        number / 1e3
    } else if size >= MILLISECONDS_FROM {
        number
    } else {
        number * 1e3
    };
    Timestamp::from_unix_ms(ms.round() as i64)
}
