//! When a limit is over, and how much of it has been used. Pure.
//!
//! Each type of clock is a measure that never runs backward and never jumps: time that passes, or time
//! that passes within working hours. A limit is over at the first instant at which that measure has
//! grown by it. From this follows, for every calendar and time zone:
//! `due(due(t, a), b) == due(t, a + b)` and `elapsed(t, due(t, a)) == a`.

use gridwatch_protocol::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Calendar, ClockType, Limit};

/// Days that are looked at for working hours before a search ends: 110 years. The longest limit with
/// two extensions, 2,250 working days, ends within it when a week has one working day.
const HORIZON_DAYS: usize = 40_000;

/// A stretch of time that does not count (挂账).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Since when.
    pub from: Timestamp,
    /// Until when; none while it lasts.
    pub until: Option<Timestamp>,
}

/// One limit that runs.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// Since when.
    pub start: Timestamp,
    /// How long.
    pub limit: Limit,
    /// How often it was extended; each adds the whole limit (延期).
    pub extensions: u8,
    /// What does not count, in order.
    pub pauses: &'a [Pause],
}

/// When a limit is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Then.
    At(Timestamp),
    /// The clock stands still; so much is left of it, in milliseconds.
    Stopped(i64),
}

impl Due {
    /// The instant, unless the clock stands still.
    #[must_use]
    pub fn at(self) -> Option<Timestamp> {
        match self {
            Due::At(at) => Some(at),
            Due::Stopped(_) => None,
        }
    }
}

impl Run<'_> {
    /// The limit with its extensions, in milliseconds on its own clock.
    #[must_use]
    pub fn total_ms(&self) -> i64 {
        self.limit.ms() * (1 + i64::from(self.extensions))
    }

    /// When all of it is used.
    #[must_use]
    pub fn due(&self, calendar: &Calendar) -> Due {
        self.due_after(calendar, self.total_ms())
    }

    /// When so many milliseconds of it are used.
    #[must_use]
    pub fn due_after(&self, calendar: &Calendar, ms: i64) -> Due {
        let clock = self.limit.clock;
        let mut at = self.start;
        let mut left = ms.max(0);
        for pause in self.pauses {
            let stretch = calendar.elapsed_ms(at, pause.from, clock);
            if stretch >= left {
                break;
            }
            left -= stretch;
            match pause.until {
                Some(until) => at = at.max(until),
                None => return Due::Stopped(left),
            }
        }
        Due::At(calendar.due_ms(at, left, clock))
    }

    /// How much of it is used at `now`, in milliseconds on its own clock; more than the limit when it
    /// is overrun.
    #[must_use]
    pub fn used_ms(&self, calendar: &Calendar, now: Timestamp) -> i64 {
        let clock = self.limit.clock;
        let mut at = self.start;
        let mut used = 0;
        for pause in self.pauses {
            used += calendar.elapsed_ms(at, pause.from.min(now), clock);
            match pause.until {
                Some(until) => at = at.max(until),
                None => return used,
            }
        }
        used + calendar.elapsed_ms(at, now, clock)
    }

    /// What is left of it at `now`; negative when it is overrun.
    #[must_use]
    pub fn remaining_ms(&self, calendar: &Calendar, now: Timestamp) -> i64 {
        self.total_ms() - self.used_ms(calendar, now)
    }
}

impl Calendar {
    /// When a limit that starts at `start` is over.
    #[must_use]
    pub fn due(&self, start: Timestamp, limit: Limit) -> Timestamp {
        self.due_ms(start, limit.ms(), limit.clock)
    }

    /// The first instant at which so many milliseconds have passed by this clock; `start` itself for
    /// none. Held to what a `Timestamp` can be, and to 110 years of working time.
    #[must_use]
    pub fn due_ms(&self, start: Timestamp, ms: i64, clock: ClockType) -> Timestamp {
        if ms <= 0 {
            return start;
        }
        if !clock.is_working_time() {
            return start.plus_ms(ms);
        }
        let mut left = ms;
        let mut last = start;
        let mut day = Some(self.local_date(start));
        for _ in 0..HORIZON_DAYS {
            let Some(date) = day else { break };
            for (from, until) in self.spans(date) {
                let from = from.max(start);
                let length = until.ms_since(from);
                if length >= left {
                    return from.plus_ms(left);
                }
                left -= length.max(0);
                last = last.max(until);
            }
            day = date.tomorrow().ok();
        }
        last
    }

    /// How many milliseconds pass by this clock between two instants; 0 when `to` is not later.
    #[must_use]
    pub fn elapsed_ms(&self, from: Timestamp, to: Timestamp, clock: ClockType) -> i64 {
        if to <= from {
            return 0;
        }
        if !clock.is_working_time() {
            return to.ms_since(from);
        }
        let last = self.local_date(to);
        let mut passed = 0;
        let mut day = Some(self.local_date(from));
        while let Some(date) = day.filter(|date| *date <= last) {
            for (begin, end) in self.spans(date) {
                passed += end.min(to).ms_since(begin.max(from)).max(0);
            }
            day = date.tomorrow().ok();
        }
        passed
    }

    /// The working hours of a local day as instants, in order, without overlap. Where the zone's
    /// clock skips an hour, what would begin or end in it begins or ends at the skip.
    fn spans(&self, date: Date) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        self.hours_on(date).iter().map(move |hours| {
            (
                self.instant(date, hours.from),
                self.instant(date, hours.until),
            )
        })
    }
}
