//! Hours of the day in which a rule raises. Pure.

use gridwatch_protocol::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;

/// Parses `22:00-06:00`: from inclusive, to exclusive, over midnight if to is before from.
pub(super) fn parse(hours: &str) -> Result<(Time, Time), String> {
    let bad = || format!("hours `{hours}`: write them as `22:00-06:00`");
    let (from, to) = hours.split_once('-').ok_or_else(bad)?;
    let time = |text: &str| Time::strptime("%H:%M", text.trim()).map_err(|_| bad());
    let span = (time(from)?, time(to)?);
    if span.0 == span.1 {
        return Err(bad());
    }
    Ok(span)
}

/// Whether a point in time lies within the hours; always when there are none.
pub(super) fn within(hours: Option<&str>, at: Timestamp, timezone: &TimeZone) -> bool {
    let Some((from, to)) = hours.and_then(|hours| parse(hours).ok()) else {
        return true;
    };
    let Ok(at) = jiff::Timestamp::from_millisecond(at.unix_ms()) else {
        return true;
    };
    let time = at.to_zoned(timezone.clone()).time();
    if from < to {
        from <= time && time < to
    } else {
        from <= time || time < to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn night_goes_over_midnight() {
        let shanghai = TimeZone::get("Asia/Shanghai").expect("a known zone");
        for (at, expected) in [
            ("2026-11-22T15:00:00Z", true),  // 23:00
            ("2026-11-22T21:59:00Z", true),  // 05:59
            ("2026-11-22T22:00:00Z", false), // 06:00
            ("2026-11-22T04:00:00Z", false), // 12:00
        ] {
            let at = at.parse().expect("a time");
            assert_eq!(within(Some("22:00-06:00"), at, &shanghai), expected, "{at}");
        }
        assert!(parse("22-06").is_err());
        assert!(parse("22:00-22:00").is_err());
    }
}
