//! Who is asked next on one line. Pure: the time comes in, a decision goes out.
//!
//! - Requests are served in the order in which they became ready: a poll's first request when the poll is
//!   due, each further one when the one before it is done. So a unit with many requests waits its turn
//!   after every one of them, and among equals those wait longest who were served last.
//! - Polls of one interval are spread over it, so that they are not all due at once.
//! - A unit that has not answered [`FAILURES_MAX`] times in a row is asked no more by the clock. It is
//!   probed with growing pauses, in time that nobody else needs, and waited for no longer than the
//!   line's units usually take. Only when there was no such time for `DEFER_MAX` is it probed all the
//!   same: that is the most that a dead unit can cost the others.
//! - Polls that are late by more than their interval are left out and counted, never made up for.

use std::time::Duration;

use tokio::time::Instant;

/// Failures in a row after which a unit is only probed.
pub const FAILURES_MAX: u32 = 3;
/// Pause between two probes, doubled up to the second value.
pub const PROBE_MIN: Duration = Duration::from_secs(2);
const PROBE_MAX: Duration = Duration::from_secs(30);
/// A probe for which there was no free time for so long is made all the same.
const DEFER_MAX: Duration = Duration::from_secs(10);
/// A probe waits so many times as long as the slowest answer of late.
const USUAL_TIMES: u32 = 4;
/// And at least so long: less than this the clocks of a busy machine do not tell.
const WAIT_MIN: Duration = Duration::from_millis(30);

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Send the next request of this unit.
    Ask(usize),
    /// See whether this unit answers again, waiting no longer than this.
    Probe(usize, Duration),
    /// Nothing until then.
    Wait(Instant),
    /// Nothing ever: there are no units.
    Nothing,
}

#[derive(Debug)]
struct Slot {
    interval: Duration,
    /// When the present or next poll is due.
    due: Instant,
    /// When its next request may be sent.
    ready: Instant,
    served: u64,
    failures: u32,
    probing: Option<Probing>,
}

#[derive(Debug)]
struct Probing {
    at: Instant,
    pause: Duration,
}

/// The units of one line.
#[derive(Debug)]
pub struct Schedule {
    slots: Vec<Slot>,
    served: u64,
    timeout: Duration,
    /// What a failed probe costs beside its wait: silence or a new connection.
    overhead: Duration,
    /// The slowest answer of late.
    usual: Option<Duration>,
}

impl Schedule {
    /// Units with these intervals; the first polls are spread over their interval.
    #[must_use]
    pub fn new(
        intervals: &[Duration],
        timeout: Duration,
        overhead: Duration,
        now: Instant,
    ) -> Self {
        let count = u32::try_from(intervals.len()).unwrap_or(u32::MAX).max(1);
        let slots = (0..)
            .zip(intervals)
            .map(|(index, interval)| {
                let due = now + *interval * index / count;
                Slot {
                    interval: (*interval).max(Duration::from_millis(1)),
                    due,
                    ready: due,
                    served: 0,
                    failures: 0,
                    probing: None,
                }
            })
            .collect();
        Self {
            slots,
            served: 0,
            timeout,
            overhead,
            usual: None,
        }
    }

    /// What to do at `now`.
    #[must_use]
    pub fn next(&self, now: Instant) -> Next {
        let asked = || {
            let slots = self.slots.iter().enumerate();
            slots.filter(|(_, slot)| slot.probing.is_none())
        };
        let ready = asked()
            .filter(|(_, slot)| slot.ready <= now)
            .min_by_key(|(_, slot)| (slot.ready, slot.served));
        if let Some((index, _)) = ready {
            return Next::Ask(index);
        }
        let next_ready = asked().map(|(_, slot)| slot.ready).min();
        let limit = self.probe_limit();
        let fits = next_ready
            .is_none_or(|ready| ready.saturating_duration_since(now) >= limit + self.overhead);
        let mut wake = next_ready;
        let mut first: Option<(Instant, usize)> = None;
        for (index, slot) in self.slots.iter().enumerate() {
            let Some(probing) = &slot.probing else {
                continue;
            };
            if probing.at <= now && (fits || now >= probing.at + DEFER_MAX) {
                first = Some(first.map_or((probing.at, index), |f| f.min((probing.at, index))));
            }
            let at = if probing.at > now {
                probing.at
            } else {
                probing.at + DEFER_MAX
            };
            wake = Some(wake.map_or(at, |wake| wake.min(at)));
        }
        match (first, wake) {
            (Some((_, index)), _) => Next::Probe(index, limit),
            (None, Some(wake)) => Next::Wait(wake),
            (None, None) => Next::Nothing,
        }
    }

    /// When the present poll of a unit was due.
    #[must_use]
    pub fn due(&self, index: usize) -> Instant {
        self.slots[index].due
    }

    /// A request is done and the poll has another, which may be sent at `ready`.
    pub fn goes_on(&mut self, index: usize, ready: Instant) {
        self.served += 1;
        let slot = &mut self.slots[index];
        slot.ready = ready;
        slot.served = self.served;
    }

    /// An answer came after so long, beside the time that its bytes take.
    pub fn learn(&mut self, waited: Duration) {
        let faded = self.usual.map_or(Duration::ZERO, |u| u - u / 64);
        self.usual = Some(faded.max(waited));
    }

    /// The poll is over. `heard` says whether the unit or its line is to blame: a unit that said no is
    /// there, and a line that is down says nothing about its units. Gives the number of polls left out.
    pub fn ended(&mut self, index: usize, heard: Heard, now: Instant) -> u64 {
        self.served += 1;
        let slot = &mut self.slots[index];
        slot.served = self.served;
        match heard {
            Heard::Yes => slot.failures = 0,
            Heard::No => slot.failures = slot.failures.saturating_add(1),
            Heard::NoLine => {}
        }
        if slot.failures >= FAILURES_MAX {
            slot.probing = Some(Probing {
                at: now + PROBE_MIN,
                pause: PROBE_MIN,
            });
        }
        slot.advance(now)
    }

    /// A probe was answered or not.
    pub fn probed(&mut self, index: usize, answered: bool, now: Instant) {
        let slot = &mut self.slots[index];
        if answered {
            slot.failures = 0;
            slot.probing = None;
            slot.advance(now);
            if slot.due < now {
                slot.due += slot.interval;
                slot.ready = slot.due;
            }
        } else if let Some(probing) = &mut slot.probing {
            probing.pause = (probing.pause * 2).min(PROBE_MAX);
            probing.at = now + probing.pause;
        }
    }

    /// Whether a unit is only probed.
    #[must_use]
    pub fn is_open(&self, index: usize) -> bool {
        self.slots[index].probing.is_some()
    }

    fn probe_limit(&self) -> Duration {
        self.usual.map_or(self.timeout, |usual| {
            (usual * USUAL_TIMES).max(WAIT_MIN).min(self.timeout)
        })
    }
}

/// What a poll tells about its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// It is there.
    Yes,
    /// It is not, or cannot be understood.
    No,
    /// The line is down.
    NoLine,
}

impl Slot {
    /// To the next poll in the rhythm of the unit; gives how many were left out.
    fn advance(&mut self, now: Instant) -> u64 {
        self.due += self.interval;
        let late = now.saturating_duration_since(self.due);
        let missed = u32::try_from(late.as_nanos() / self.interval.as_nanos()).unwrap_or(u32::MAX);
        self.due += self.interval * missed;
        self.ready = self.due;
        u64::from(missed)
    }
}

#[cfg(test)]
mod tests;
