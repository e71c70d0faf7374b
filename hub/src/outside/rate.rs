//! How much a key or an address may send. In memory: a restart forgets, which costs nobody anything.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Instant;

/// Senders that are remembered; above it those that have their whole allowance are forgotten.
const SENDERS_MAX: usize = 10_000;

/// Allowances that fill up evenly: a minute's worth may come at once.
#[derive(Debug, Default)]
pub struct Rates(Mutex<HashMap<String, Bucket>>);

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    per_minute: f64,
    at: Instant,
}

impl Bucket {
    fn filled(self, now: Instant) -> f64 {
        let seconds = now.saturating_duration_since(self.at).as_secs_f64();
        (self.left + seconds * self.per_minute / 60.0).min(self.per_minute)
    }
}

impl Rates {
    /// Takes one request off a sender's allowance.
    ///
    /// # Errors
    /// Seconds to wait when nothing is left.
    ///
    /// # Panics
    /// Never: nothing panics while the allowances are held.
    pub fn take(&self, sender: &str, per_minute: u32, now: Instant) -> Result<(), u64> {
        let per_minute = f64::from(per_minute.max(1));
        let mut buckets = self.0.lock().expect("nothing panics while holding them");
        if buckets.len() >= SENDERS_MAX && !buckets.contains_key(sender) {
            buckets.retain(|_, bucket| bucket.filled(now) < bucket.per_minute);
            // All of them are sending: rather forget what they have sent than grow.
            if buckets.len() >= SENDERS_MAX {
                buckets.clear();
            }
        }
        let fresh = Bucket {
            left: per_minute,
            per_minute,
            at: now,
        };
        let bucket = buckets.entry(sender.to_owned()).or_insert(fresh);
        bucket.per_minute = per_minute;
        let left = bucket.filled(now);
        bucket.at = now;
        bucket.left = if left < 1.0 { left } else { left - 1.0 };
        if left < 1.0 {
            // At most a minute; whole seconds, rounded up.
            let wait = ((1.0 - left) * 60.0 / per_minute).ceil().clamp(1.0, 60.0);
            return Err(std::time::Duration::from_secs_f64(wait).as_secs());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn minutes_worth_may_come_at_once_and_then_fills_up_evenly() {
        let rates = Rates::default();
        let start = Instant::now();
        for _ in 0..60 {
            assert_eq!(rates.take("a", 60, start), Ok(()));
        }
        assert_eq!(rates.take("a", 60, start), Err(1));
        assert_eq!(rates.take("b", 60, start), Ok(()));
        let later = start + Duration::from_secs(2);
        assert_eq!(rates.take("a", 60, later), Ok(()));
        assert_eq!(rates.take("a", 60, later), Ok(()));
        assert_eq!(rates.take("a", 60, later), Err(1));
    }

    #[test]
    fn senders_beyond_what_is_remembered_do_not_make_it_grow() {
        let rates = Rates::default();
        let now = Instant::now();
        for sender in 0..SENDERS_MAX + 5 {
            assert_eq!(rates.take(&sender.to_string(), 1, now), Ok(()));
        }
        assert!(rates.0.lock().unwrap().len() <= SENDERS_MAX);
    }
}
