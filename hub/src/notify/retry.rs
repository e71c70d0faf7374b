//! When a message that did not go through is tried again. Pure.

use gridwatch_protocol::Timestamp;

/// The first retry comes after this long, in milliseconds; each further one after twice as long.
const FIRST_MS: i64 = 5_000;
/// And at most after this long: 15 minutes.
const LONGEST_MS: i64 = 15 * 60_000;
/// A provider that asks for a longer wait than this is asked again after it: one hour.
pub const RETRY_AFTER_MAX_MS: i64 = 3_600_000;

/// When to try again after `attempts` tries.
///
/// Exponential with jitter: between half and all of the step, so that the messages of one outage do
/// not come back as one wave. `jitter` is in 0..=1. What the receiver asked for (`Retry-After`) is
/// kept to when it is longer.
#[must_use]
pub fn next_at(
    now: Timestamp,
    attempts: i64,
    jitter: f64,
    retry_after_ms: Option<i64>,
) -> Timestamp {
    let doublings = u32::try_from(attempts.clamp(1, 20) - 1).unwrap_or(0);
    let step = FIRST_MS.saturating_mul(1_i64 << doublings).min(LONGEST_MS);
    let half = step / 2;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "at most 15 minutes in milliseconds"
    )]
    let random = (half as f64 * jitter.clamp(0.0, 1.0)) as i64;
    let asked = retry_after_ms.map_or(0, |ms| ms.clamp(0, RETRY_AFTER_MAX_MS));
    now.plus_ms((half + random).max(asked))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_from_five_seconds_to_fifteen_minutes_and_jitter_takes_at_most_half() {
        let now = Timestamp::from_unix_ms(0);
        let waits = |jitter| {
            let wait = |n| next_at(now, n, jitter, None).unix_ms();
            [1, 2, 3, 8, 9, 1_000_000].map(wait)
        };
        assert_eq!(
            waits(1.0),
            [5_000, 10_000, 20_000, 640_000, 900_000, 900_000]
        );
        assert_eq!(
            waits(0.0),
            [2_500, 5_000, 10_000, 320_000, 450_000, 450_000]
        );
    }

    #[test]
    fn retry_after_is_kept_to_when_it_is_longer_and_bounded() {
        let now = Timestamp::from_unix_ms(0);
        assert_eq!(next_at(now, 1, 1.0, Some(60_000)).unix_ms(), 60_000);
        assert_eq!(next_at(now, 1, 1.0, Some(1)).unix_ms(), 5_000);
        assert_eq!(next_at(now, 1, 1.0, Some(i64::MAX)).unix_ms(), 3_600_000);
    }
}
