//! False alarms of fire that come too often from one site. Pure.
//!
//! GB 50440 practice: a site with more than five false alarms a day from faulty equipment agrees a
//! treatment with the centre.

use gridwatch_protocol::Timestamp;

use crate::cases::{Case, RejectCause, State};
use crate::catalogue::{Catalogue, Group};

/// Whether a case was a false alarm of fire.
#[must_use]
pub fn is_false_fire_alarm(case: &Case, catalogue: &Catalogue) -> bool {
    let fire = catalogue
        .get(&case.category)
        .is_some_and(|category| category.group == Some(Group::Fire) || category.life_safety);
    let false_alarm =
        case.progress.rejected_as.as_deref() == Some(RejectCause::FalseAlarm.as_str());
    case.state == State::Rejected && fire && false_alarm && !case.is_drill
}

/// The first instant of the local day.
#[must_use]
pub fn day_begins(now: Timestamp, utc_offset_minutes: i32) -> Timestamp {
    const DAY_MS: i64 = 86_400_000;
    let offset = i64::from(utc_offset_minutes) * 60_000;
    let local = now.unix_ms() + offset;
    Timestamp::from_unix_ms(local.div_euclid(DAY_MS) * DAY_MS - offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn day_begins_at_local_midnight() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(
            day_begins(at("2026-11-22T15:59:59Z"), 480),
            at("2026-11-21T16:00:00Z")
        );
        assert_eq!(
            day_begins(at("2026-11-22T16:00:00Z"), 480),
            at("2026-11-22T16:00:00Z")
        );
    }
}
