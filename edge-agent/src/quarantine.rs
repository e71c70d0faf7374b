//! What nobody understands: a bounded set of samples, with counts. Pure.

use std::collections::HashMap;

use gridwatch_protocol::{QuarantineSample, Timestamp};

/// Sources of which a sample is kept.
const SAMPLES_MAX: usize = 64;
/// Bytes of payload in a sample.
const SAMPLE_BYTES: usize = 512;

/// The samples, newest payload per source.
#[derive(Debug, Default)]
pub struct Quarantine {
    samples: HashMap<String, QuarantineSample>,
}

impl Quarantine {
    /// Takes in a message; true when it is worth a line in the log: the first of its source, then at
    /// every power of ten.
    pub fn take(&mut self, source: &str, reason: &str, payload: &[u8], now: Timestamp) -> bool {
        if !self.samples.contains_key(source) && self.samples.len() >= SAMPLES_MAX {
            self.drop_oldest();
        }
        let sample = self
            .samples
            .entry(source.to_owned())
            .or_insert_with(|| QuarantineSample {
                source: source.to_owned(),
                reason: String::new(),
                sample: String::new(),
                count: 0,
                last_seen: now,
            });
        sample.count += 1;
        sample.last_seen = now;
        let is_round = sample.count.to_string().trim_end_matches('0') == "1";
        if is_round || sample.reason != reason {
            reason.clone_into(&mut sample.reason);
            sample.sample = String::from_utf8_lossy(&payload[..payload.len().min(SAMPLE_BYTES)])
                .chars()
                .filter(|c| !c.is_control())
                .collect();
        }
        is_round
    }

    /// The samples, newest first.
    #[must_use]
    pub fn newest(&self, limit: usize) -> Vec<QuarantineSample> {
        let mut samples: Vec<QuarantineSample> = self.samples.values().cloned().collect();
        samples.sort_by_key(|sample| std::cmp::Reverse(sample.last_seen));
        samples.truncate(limit);
        samples
    }

    fn drop_oldest(&mut self) {
        let oldest = self
            .samples
            .values()
            .min_by_key(|sample| sample.last_seen)
            .map(|sample| sample.source.clone());
        if let Some(oldest) = oldest {
            self.samples.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_topics_keeps_the_newest_samples() {
        let mut quarantine = Quarantine::default();
        for n in 0..1000_i64 {
            let now = Timestamp::from_unix_ms(n);
            assert!(quarantine.take(&format!("t/{n}"), "unknown", b"\xff\x00x", now));
        }
        let newest = quarantine.newest(100);
        assert_eq!(newest.len(), SAMPLES_MAX);
        assert_eq!(newest[0].source, "t/999");
        assert_eq!(newest[0].sample, "\u{fffd}x");
        let now = Timestamp::from_unix_ms(2000);
        let told = (0..99)
            .filter(|_| quarantine.take("t/999", "unknown", b"", now))
            .count();
        assert_eq!(told, 2, "the 10th and the 100th");
    }
}
