//! How often signing in may fail. In memory: a restart forgets, which costs an attacker more than it
//! gives.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Accounts and addresses whose failures are remembered; above it the oldest are forgotten.
const LIMITED_MAX: usize = 10_000;

/// What failures are counted by, each with its multiple of the configured limit: an account from one
/// address; an address, which a whole duty room may share; and an account from everywhere, which is
/// high, so that a stranger cannot easily keep an officer out.
pub(super) fn failure_keys(username: &str, address: IpAddr) -> [(String, u32); 3] {
    let account = username.to_lowercase();
    [
        (format!("account {account} from {address}"), 1),
        (format!("address {address}"), 4),
        (format!("account {account}"), 10),
    ]
}

/// Counts failures per key; one is forgotten after every interval.
#[derive(Debug)]
pub(super) struct Limiter {
    max: u32,
    forget: Duration,
    failures: Mutex<HashMap<String, (u32, Instant)>>,
}

impl Limiter {
    pub(super) fn new(max: u32, forget: Duration) -> Self {
        Self {
            max,
            forget,
            failures: Mutex::default(),
        }
    }

    fn map(&self) -> std::sync::MutexGuard<'_, HashMap<String, (u32, Instant)>> {
        self.failures
            .lock()
            .expect("nothing panics while holding the failures")
    }

    /// Seconds until the next try, if it has to wait.
    pub(super) fn wait_s(&self, key: &str, share: u32, now: Instant) -> Option<u64> {
        let map = self.map();
        let (count, since) = *map.get(key)?;
        let left = remaining(count, since, now, self.forget);
        if left < self.max.saturating_mul(share) {
            return None;
        }
        let forget_ms = self.forget.as_millis().max(1);
        let into_this = now.saturating_duration_since(since).as_millis() % forget_ms;
        Some(u64::try_from((forget_ms - into_this) / 1_000).unwrap_or(0) + 1)
    }

    pub(super) fn failed(&self, key: String, share: u32, now: Instant) {
        let mut map = self.map();
        if map.len() >= LIMITED_MAX && !map.contains_key(&key) {
            let forget = self.forget;
            map.retain(|_, (count, since)| remaining(*count, *since, now, forget) > 0);
            if map.len() >= LIMITED_MAX {
                let oldest = map
                    .iter()
                    .min_by_key(|(_, (_, since))| *since)
                    .map(|(k, _)| k.clone());
                oldest.map(|oldest| map.remove(&oldest));
            }
        }
        let entry = map.entry(key).or_insert((0, now));
        entry.0 = remaining(entry.0, entry.1, now, self.forget)
            .saturating_add(1)
            .min(self.max.saturating_mul(share));
        entry.1 = now;
    }

    pub(super) fn succeeded(&self, key: &str) {
        self.map().remove(key);
    }
}

fn remaining(count: u32, since: Instant, now: Instant, forget: Duration) -> u32 {
    let forget_ms = forget.as_millis().max(1);
    let forgotten = now.saturating_duration_since(since).as_millis() / forget_ms;
    count.saturating_sub(u32::try_from(forgotten).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_counted_per_key_and_forgotten_one_by_one() {
        let limiter = Limiter::new(3, Duration::from_secs(10));
        let start = Instant::now();
        for _ in 0..3 {
            assert_eq!(limiter.wait_s("a", 1, start), None);
            limiter.failed("a".into(), 1, start);
        }
        assert_eq!(limiter.wait_s("a", 1, start), Some(11));
        assert_eq!(limiter.wait_s("b", 1, start), None);
        let later = start + Duration::from_secs(10);
        assert_eq!(limiter.wait_s("a", 1, later), None);
        limiter.failed("a".into(), 1, later);
        assert!(limiter.wait_s("a", 1, later).is_some());
        limiter.succeeded("a");
        assert_eq!(limiter.wait_s("a", 1, later), None);
    }
}
