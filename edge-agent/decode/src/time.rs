//! Times as devices write them. One rule for all formats says which are believed.

use gridwatch_protocol::{Quality, Timestamp};
use jiff::tz::TimeZone;
use serde_json::Value as Json;

/// A device time further in the future than this is not believed.
const FUTURE_MAX_MS: i64 = 10 * 60 * 1000;
/// A device time before 2000-01-01 is not believed: an uptime, or a clock that was never set.
const PAST_MIN_MS: i64 = 946_684_800_000;
/// A time without a zone is believed this near to its receipt, read in the site's zone: a device that
/// keeps another zone is off by at least a quarter of an hour.
const LOCAL_MAX_MS: i64 = 10 * 60 * 1000;
/// Numbers above this count milliseconds, below it seconds: 1e11 s is the year 5138, 1e11 ms is 1973.
const SECONDS_MAX: f64 = 1e11;

/// A time as its device wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceTime {
    /// A point in time.
    Instant(jiff::Timestamp),
    /// A date and time of day without a zone.
    Local(jiff::civil::DateTime),
    /// A time was there and could not be one: an uptime, a clock that was never set, no date.
    Unusable,
}

impl SourceTime {
    /// A time from a JSON field: RFC 3339 with or without a zone, or seconds or milliseconds since
    /// 1970 as a number or as text. `None` when the field is null or empty.
    #[must_use]
    pub fn from_json(field: &Json) -> Option<Self> {
        match field {
            Json::Number(number) => number.as_f64().map(Self::from_epoch),
            Json::String(text) if text.is_empty() => None,
            Json::String(text) => Some(Self::from_text(text)),
            Json::Null => None,
            Json::Bool(_) | Json::Array(_) | Json::Object(_) => Some(Self::Unusable),
        }
    }

    /// A time from text: RFC 3339, or the same without a zone (`T` or a blank between date and time),
    /// or a number since 1970.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        let text = text.trim();
        if let Ok(at) = text.parse::<jiff::Timestamp>() {
            return Self::instant(at);
        }
        if let Ok(number) = text.parse::<f64>() {
            return Self::from_epoch(number);
        }
        match text.parse::<jiff::civil::DateTime>() {
            // A bare date is no time.
            Ok(local) if text.contains(':') && local.year() >= 2000 => Self::Local(local),
            _ => Self::Unusable,
        }
    }

    /// Seconds or milliseconds since 1970; which of the two the size tells.
    #[must_use]
    pub fn from_epoch(number: f64) -> Self {
        if number.abs() < SECONDS_MAX {
            Self::from_epoch_s(number)
        } else {
            Self::from_epoch_s(number / 1000.0)
        }
    }

    /// Seconds since 1970, with or without a fraction; the fraction is kept to the microsecond.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a float to integer cast saturates, and what is out of range is unusable"
    )]
    pub fn from_epoch_s(seconds: f64) -> Self {
        jiff::Timestamp::from_microsecond((seconds * 1e6).round() as i64)
            .map_or(Self::Unusable, Self::instant)
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub fn from_epoch_ms(ms: i64) -> Self {
        jiff::Timestamp::from_millisecond(ms).map_or(Self::Unusable, Self::instant)
    }

    fn instant(at: jiff::Timestamp) -> Self {
        if at.as_millisecond() < PAST_MIN_MS {
            Self::Unusable
        } else {
            Self::Instant(at)
        }
    }

    /// Whether it is the time in this text, to the millisecond.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        match (self, Self::from_text(text)) {
            (Self::Instant(one), Self::Instant(other)) => {
                one.as_millisecond() == other.as_millisecond()
            }
            (one, other) => *one == other,
        }
    }

    /// As the device wrote it, for people and tools: RFC 3339 in UTC, without `Z` where the device
    /// names no zone.
    #[must_use]
    pub fn written(&self) -> Option<String> {
        match self {
            Self::Instant(at) => Some(at.to_string()),
            Self::Local(local) => Some(local.to_string()),
            Self::Unusable => None,
        }
    }
}

/// The time of a reading: the device's if it is plausible, else that of its receipt, and then the
/// reading is marked as uncertain.
#[must_use]
pub fn settle(
    given: Option<SourceTime>,
    received_at: Timestamp,
    zone: &TimeZone,
) -> (Timestamp, Quality) {
    let believed = match given {
        None => return (received_at, Quality::Good),
        Some(SourceTime::Instant(at)) => {
            let at = Timestamp::from(at);
            (at.ms_since(received_at) <= FUTURE_MAX_MS).then_some(at)
        }
        Some(SourceTime::Local(local)) => zone
            .to_timestamp(local)
            .ok()
            .map(Timestamp::from)
            .filter(|at| at.ms_since(received_at).abs() <= LOCAL_MAX_MS),
        Some(SourceTime::Unusable) => None,
    };
    believed.map_or((received_at, Quality::Uncertain), |at| (at, Quality::Good))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> Option<String> {
        SourceTime::from_text(text).written()
    }

    #[test]
    fn times_are_read_with_and_without_zone_and_since_1970() {
        assert_eq!(
            written("2022-07-18T09:34:15.775023242+00:00").as_deref(),
            Some("2022-07-18T09:34:15.775023242Z")
        );
        assert_eq!(
            written("2020-05-04T12:06:19+02:00").as_deref(),
            Some("2020-05-04T10:06:19Z")
        );
        assert_eq!(
            written("2021-01-01T00:00:00").as_deref(),
            Some("2021-01-01T00:00:00")
        );
        assert_eq!(
            written("1607123955.475377").as_deref(),
            Some("2020-12-04T23:19:15.475377Z")
        );
        assert_eq!(
            written("1590258472044").as_deref(),
            Some("2020-05-23T18:27:52.044Z")
        );
    }

    #[test]
    fn uptimes_unset_clocks_and_times_of_day_are_unusable() {
        for text in [
            "2.46",
            "0",
            "1970-01-01T00:00:10Z",
            "18:28",
            "@0.497760s",
            "2021-01-01",
            "nan",
            "1e300",
        ] {
            assert_eq!(SourceTime::from_text(text), SourceTime::Unusable, "{text}");
        }
    }

    #[test]
    fn time_without_zone_is_believed_only_near_its_receipt() {
        let zone = TimeZone::fixed(jiff::tz::offset(8));
        let local = SourceTime::from_text("2026-11-22T11:00:00");
        let near: Timestamp = "2026-11-22T03:00:20Z".parse().expect("a time");
        let (at, quality) = settle(Some(local), near, &zone);
        assert_eq!((at.ms_since(near), quality), (-20_000, Quality::Good));
        let far: Timestamp = "2026-11-22T11:00:20Z".parse().expect("a time");
        assert_eq!(settle(Some(local), far, &zone), (far, Quality::Uncertain));
    }
}
