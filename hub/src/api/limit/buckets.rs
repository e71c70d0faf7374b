//! Buckets of requests: for each one the time at which it is full again. Pure; times are microseconds of
//! one clock that never goes back.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::api::routes::Budget;

/// Budgets are for this long, in seconds.
pub(super) const WINDOW_S: u64 = 60;
const WINDOW_US: u64 = WINDOW_S * 1_000_000;
/// Buckets remembered: 20,000 gateways, the sessions of a city with two or three each, and room; about
/// 6 MB. A full bucket tells nothing and is forgotten when room is needed.
const BUCKETS_MAX: usize = 60_000;
/// Full buckets are looked for at most this often.
const SWEEP_US: u64 = 1_000_000;

/// Whose bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// Of a session or a gateway, by the hash of what it shows.
    Caller([u8; 16]),
    /// Of an address.
    Address(IpAddr),
}

/// What is left after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Left {
    /// So many requests can come at once.
    pub(super) requests: u64,
    /// Everything is back after so many seconds.
    pub(super) full_in_s: u64,
    /// The request was one too many: the next one can come after so many seconds.
    pub(super) wait_s: Option<u64>,
}

impl Left {
    pub(super) fn is_tighter_than(self, other: Self) -> bool {
        (self.wait_s.is_none(), self.requests) < (other.wait_s.is_none(), other.requests)
    }
}

#[derive(Debug, Default)]
pub(super) struct Buckets {
    full_at: HashMap<(Budget, Key), u64>,
    swept_at: u64,
}

impl Buckets {
    /// Takes one request of `quota` a minute; a request that is refused takes nothing.
    pub(super) fn take(&mut self, budget: Budget, key: Key, quota: u32, now: u64) -> Left {
        let each = WINDOW_US / u64::from(quota.max(1));
        let full_at = self
            .full_at
            .get(&(budget, key))
            .copied()
            .unwrap_or(now)
            .max(now);
        let after = full_at + each;
        let over = after.saturating_sub(now + WINDOW_US);
        if over > 0 {
            return Left {
                requests: 0,
                full_in_s: (full_at - now).div_ceil(1_000_000),
                wait_s: Some(over.div_ceil(1_000_000)),
            };
        }
        self.remember((budget, key), after, now);
        Left {
            requests: (now + WINDOW_US - after) / each,
            full_in_s: (after - now).div_ceil(1_000_000),
            wait_s: None,
        }
    }

    /// With no room at all a bucket is not remembered: its caller is then limited by address alone, whose
    /// bucket is there before a stranger can have made so many.
    fn remember(&mut self, key: (Budget, Key), full_at: u64, now: u64) {
        if self.full_at.len() >= BUCKETS_MAX && !self.full_at.contains_key(&key) {
            if now < self.swept_at + SWEEP_US {
                return;
            }
            self.swept_at = now;
            self.full_at.retain(|_, full_at| *full_at > now);
            if self.full_at.len() >= BUCKETS_MAX {
                return;
            }
        }
        self.full_at.insert(key, full_at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000;

    fn key(n: u64) -> Key {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&n.to_be_bytes());
        Key::Caller(bytes)
    }

    #[test]
    fn all_may_come_at_once_and_come_back_one_by_one() {
        let mut buckets = Buckets::default();
        let mut take = |now| buckets.take(Budget::Reads, key(1), 60, now);
        for left in (0..60).rev() {
            assert_eq!(take(SECOND).requests, left);
        }
        assert_eq!(take(SECOND).wait_s, Some(1));
        assert_eq!(take(SECOND).wait_s, Some(1), "being refused costs nothing");
        assert_eq!(take(2 * SECOND).wait_s, None);
        assert_eq!(take(2 * SECOND).wait_s, Some(1));
        assert_eq!(
            take(1_000 * SECOND).requests,
            59,
            "never more than a minute's worth"
        );
    }

    #[test]
    fn memory_is_bounded_and_full_buckets_make_room() {
        let mut buckets = Buckets::default();
        for n in 0..BUCKETS_MAX as u64 + 10 {
            buckets.take(Budget::Reads, key(n), 60, 10 * SECOND);
        }
        assert_eq!(buckets.full_at.len(), BUCKETS_MAX);
        let later = 12 * SECOND;
        assert_eq!(
            buckets.take(Budget::Reads, key(u64::MAX), 60, later).wait_s,
            None
        );
        assert_eq!(buckets.full_at.len(), 1);
    }
}
