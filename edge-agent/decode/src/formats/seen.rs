//! Events that were told already, for formats whose senders repeat themselves. Bounded: the oldest are
//! forgotten first.

use std::collections::{HashSet, VecDeque};

/// Events remembered per format. Senders repeat within seconds; a busy site has a few events in one.
const EVENTS_MAX: usize = 2_048;

/// The last events.
#[derive(Debug, Default)]
pub(super) struct Seen {
    order: VecDeque<String>,
    known: HashSet<String>,
}

impl Seen {
    /// Whether this event is new; it is remembered.
    pub(super) fn is_new(&mut self, event: &str) -> bool {
        if self.known.contains(event) {
            return false;
        }
        if self.order.len() >= EVENTS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        self.order.push_back(event.to_owned());
        self.known.insert(event.to_owned());
        true
    }

    /// Whether this event was told.
    pub(super) fn has(&self, event: &str) -> bool {
        self.known.contains(event)
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
