//! The one place that reads the clocks. Everything that decides takes a [`Moment`] as a value.
//!
//! Timers run on the monotonic clock, so a step of the wall clock (a gateway without a battery-backed
//! clock, NTP arriving late) neither fires nor holds back an alarm.

use std::time::Instant;

use gridwatch_protocol::{ClockQuality, Timestamp};

/// A gateway's clock before this is wrong: the software did not exist yet (2026-11-01).
const WALL_FLOOR_MS: i64 = 1_793_491_200_000;
/// Further from the hub's clock than this is told as unsure (GB 50440 wants 5 s).
const SKEW_MAX_MS: i64 = 5_000;

/// A point on both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Wall clock, for people and the wire.
    pub wall: Timestamp,
    /// Milliseconds of detection time since the agent started, for timers. Runs faster than real
    /// time in a rehearsal.
    pub mono_ms: i64,
}

impl Moment {
    /// A moment of a test or a replay, with both clocks at `ms`.
    #[must_use]
    pub fn at_ms(ms: i64) -> Self {
        Self {
            wall: Timestamp::from_unix_ms(ms),
            mono_ms: ms,
        }
    }
}

/// The clocks.
#[derive(Debug, Clone)]
pub struct Clock {
    start: Instant,
    speed: f64,
}

impl Clock {
    /// Starts the monotonic clock; `speed` is 1 except in a rehearsal.
    #[must_use]
    pub fn start(speed: f64) -> Self {
        Self {
            start: Instant::now(),
            speed,
        }
    }

    /// Now.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "milliseconds since start stay far below 2^53"
    )]
    pub fn now(&self) -> Moment {
        Moment {
            wall: jiff::Timestamp::now().into(),
            mono_ms: (self.start.elapsed().as_secs_f64() * 1000.0 * self.speed) as i64,
        }
    }

    /// Real milliseconds since the agent started, also in a rehearsal.
    #[must_use]
    pub fn uptime_ms(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// Whether a wall clock can be trusted, given what is known of its distance from the hub's.
#[must_use]
pub fn quality(wall: Timestamp, skew_ms: Option<i64>) -> ClockQuality {
    if wall.unix_ms() < WALL_FLOOR_MS || skew_ms.is_some_and(|skew| skew.abs() > SKEW_MAX_MS) {
        ClockQuality::Unsure
    } else {
        ClockQuality::Plausible
    }
}
