//! Chatter: a point that raises again and again is shown once and held until it is quiet. Pure.

use std::collections::{HashMap, VecDeque};

use super::EpisodeKey;

/// What a raising did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    No,
    JustLatched,
    Already,
}

/// The latches of all points.
#[derive(Debug)]
pub(super) struct Chatter {
    raisings: usize,
    window_ms: i64,
    points: HashMap<EpisodeKey, History>,
}

#[derive(Debug, Default)]
struct History {
    begins: VecDeque<i64>,
    latched: bool,
    /// Whether the hazard is physically present while latched.
    present: bool,
}

impl Chatter {
    pub(super) fn new(raisings: usize, window_ms: i64) -> Self {
        Self {
            raisings,
            window_ms,
            points: HashMap::new(),
        }
    }

    pub(super) fn raisings(&self) -> usize {
        self.raisings
    }

    pub(super) fn window_ms(&self) -> i64 {
        self.window_ms
    }

    pub(super) fn begin(&mut self, key: &EpisodeKey, now_ms: i64) -> Held {
        let history = self.points.entry(key.clone()).or_default();
        history.present = true;
        history.begins.push_back(now_ms);
        if history.begins.len() > self.raisings {
            history.begins.pop_front();
        }
        let first = *history.begins.front().expect("just pushed");
        if history.latched {
            return Held::Already;
        }
        history.latched = history.begins.len() == self.raisings && now_ms - first <= self.window_ms;
        if history.latched {
            Held::JustLatched
        } else {
            Held::No
        }
    }

    pub(super) fn end(&mut self, key: &EpisodeKey) {
        if let Some(history) = self.points.get_mut(key) {
            history.present = false;
        }
    }

    pub(super) fn is_latched(&self, key: &EpisodeKey) -> bool {
        self.points.get(key).is_some_and(|history| history.latched)
    }

    /// Points that have not raised for a whole window: unlatched, and whether their hazard is over.
    pub(super) fn calmed(&mut self, now_ms: i64) -> Vec<(EpisodeKey, bool)> {
        let mut calmed = Vec::new();
        self.points.retain(|key, history| {
            let last = history.begins.back().copied().unwrap_or(i64::MIN);
            if now_ms - last < self.window_ms {
                return true;
            }
            if history.latched {
                calmed.push((key.clone(), !history.present));
            }
            false
        });
        calmed
    }
}
