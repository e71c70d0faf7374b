//! Which sequence numbers of an outbox have arrived. Pure.

use std::collections::BTreeMap;

/// At most this many missing ranges are named in one answer.
pub const MISSING_MAX: usize = 100;

/// Received numbers as inclusive ranges that never touch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Received {
    /// First number of a range to its last.
    ranges: BTreeMap<u64, u64>,
}

impl Received {
    /// From ranges as stored.
    pub fn from_ranges(ranges: impl IntoIterator<Item = (u64, u64)>) -> Self {
        let mut received = Self::default();
        for (first, last) in ranges {
            received.insert_range(first, last);
        }
        received
    }

    /// The ranges, in order.
    pub fn ranges(&self) -> impl Iterator<Item = (u64, u64)> {
        self.ranges.iter().map(|(first, last)| (*first, *last))
    }

    /// Whether this number has arrived.
    #[must_use]
    pub fn contains(&self, number: u64) -> bool {
        self.ranges
            .range(..=number)
            .next_back()
            .is_some_and(|(_, last)| *last >= number)
    }

    /// Notes a number; false when it had arrived before.
    pub fn insert(&mut self, number: u64) -> bool {
        if self.contains(number) {
            return false;
        }
        self.insert_range(number, number);
        true
    }

    fn insert_range(&mut self, mut first: u64, mut last: u64) {
        let touching: Vec<(u64, u64)> = self
            .ranges
            .range(..=last.saturating_add(1))
            .rev()
            .take_while(|(_, end)| end.saturating_add(1) >= first)
            .map(|(start, end)| (*start, *end))
            .collect();
        for (start, end) in touching {
            self.ranges.remove(&start);
            first = first.min(start);
            last = last.max(end);
        }
        self.ranges.insert(first, last);
    }

    /// Every number from 1 to this one has arrived; 0 when 1 has not.
    #[must_use]
    pub fn contiguous_through(&self) -> u64 {
        self.ranges.get(&1).copied().unwrap_or(0)
    }

    /// The highest number that has arrived; 0 when none has.
    #[must_use]
    pub fn highest(&self) -> u64 {
        self.ranges.last_key_value().map_or(0, |(_, last)| *last)
    }

    /// What is missing from 1 to `through`, at most [`MISSING_MAX`] ranges, lowest first.
    #[must_use]
    pub fn missing(&self, through: u64) -> Vec<(u64, u64)> {
        let mut missing = Vec::new();
        let mut next = 1;
        let end = (through.saturating_add(1), through.saturating_add(1));
        for (first, last) in self.ranges().chain([end]) {
            let gap_end = first.saturating_sub(1).min(through);
            if next <= gap_end {
                missing.push((next, gap_end));
            }
            next = next.max(last.saturating_add(1));
        }
        missing.truncate(MISSING_MAX);
        missing
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges_grow_together_and_name_what_is_missing() {
        let mut received = Received::default();
        for number in [1, 2, 5, 4, 9] {
            assert!(received.insert(number));
        }
        assert!(!received.insert(4));
        assert_eq!(received.contiguous_through(), 2);
        assert_eq!(received.highest(), 9);
        assert_eq!(received.missing(11), [(3, 3), (6, 8), (10, 11)]);
        assert_eq!(received.missing(6), [(3, 3), (6, 6)]);
        assert_eq!(Received::default().missing(3), [(1, 3)]);
        assert_eq!(Received::default().missing(0), []);
    }

    proptest! {
        #[test]
        fn agrees_with_a_plain_set(numbers in prop::collection::vec(1u64..60, 0..80)) {
            let mut received = Received::default();
            let mut set = BTreeSet::new();
            for number in numbers {
                prop_assert_eq!(received.insert(number), set.insert(number));
            }
            let missing: BTreeSet<u64> =
                received.missing(60).into_iter().flat_map(|(a, b)| a..=b).collect();
            let expected: BTreeSet<u64> = (1..=60).filter(|n| !set.contains(n)).collect();
            prop_assert_eq!(missing, expected);
            let again = Received::from_ranges(received.ranges());
            prop_assert_eq!(&again, &received);
            let ends: Vec<_> = received.ranges().collect();
            prop_assert!(ends.windows(2).all(|w| w[0].1 + 1 < w[1].0), "ranges touch: {:?}", ends);
        }
    }
}
