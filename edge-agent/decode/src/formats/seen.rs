//! Events that were told already, for formats whose senders repeat themselves. Bounded: the oldest are
//! forgotten first, and of each only two hashes are kept, because an id may be as long as a message.

use std::collections::hash_map::RandomState;
use std::collections::{HashSet, VecDeque};
use std::hash::BuildHasher;

/// Events remembered per format. Senders repeat within seconds; a busy site has a few events in one.
const EVENTS_MAX: usize = 2_048;

/// The last events.
#[derive(Debug, Default)]
pub(super) struct Seen {
    order: VecDeque<(u64, u64)>,
    known: HashSet<(u64, u64)>,
    /// Keyed by chance: nobody can choose ids that hide others.
    hashers: (RandomState, RandomState),
}

impl Seen {
    /// Whether this event is new; it is remembered.
    pub(super) fn is_new(&mut self, event: &str) -> bool {
        let hash = self.hash(event);
        if !self.known.insert(hash) {
            return false;
        }
        self.order.push_back(hash);
        if self.order.len() > EVENTS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }

    /// Whether this event was told.
    pub(super) fn has(&self, event: &str) -> bool {
        self.known.contains(&self.hash(event))
    }

    fn hash(&self, event: &str) -> (u64, u64) {
        (
            self.hashers.0.hash_one(event),
            self.hashers.1.hash_one(event),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_new_once_and_the_oldest_is_forgotten() {
        let mut seen = Seen::default();
        assert!(seen.is_new("first"));
        assert!(!seen.is_new("first"));
        for n in 0..EVENTS_MAX {
            assert!(seen.is_new(&n.to_string()));
        }
        assert!(!seen.has("first"));
        assert_eq!(seen.known.len(), EVENTS_MAX);
    }
}
