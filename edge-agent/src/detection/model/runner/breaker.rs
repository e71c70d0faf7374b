//! Leaves alone what fails several times in a row.

use std::time::{Duration, Instant};

use crate::detection::model::ModelFault;

/// Counts failures in a row.
#[derive(Debug)]
pub(super) struct Breaker {
    failures: u32,
    pause: Duration,
    in_row: u32,
    open_until: Option<Instant>,
}

impl Breaker {
    pub(super) fn new(failures: u32, pause: Duration) -> Self {
        Self {
            failures,
            pause,
            in_row: 0,
            open_until: None,
        }
    }

    /// Another model sits there now.
    pub(super) fn reset(&mut self) {
        self.in_row = 0;
        self.open_until = None;
    }

    pub(super) fn is_open(&self) -> bool {
        self.open_until.is_some_and(|until| Instant::now() < until)
    }

    /// Notes how a run went; returns the fault once it has happened often enough in a row.
    pub(super) fn note(&mut self, fault: Option<ModelFault>) -> Option<ModelFault> {
        let Some(fault) = fault else {
            self.in_row = 0;
            return None;
        };
        self.in_row += 1;
        if self.in_row < self.failures {
            return None;
        }
        // One more failure after the pause opens the breaker again.
        self.in_row = self.failures - 1;
        self.open_until = Some(Instant::now() + self.pause);
        Some(fault)
    }
}
