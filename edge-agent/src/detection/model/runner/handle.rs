//! What the runner's owner, its thread and the loader all see. Locks are held for copies and moves only.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use gridwatch_anomaly::model::Fuser;
use gridwatch_protocol::ShadowStatus;

use crate::detection::model::{Loaded, Manifest, ModelFault};

/// Puts models into a runner and tells it what became of bundles. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Handle(pub(super) Arc<Shared>);

impl Handle {
    /// Puts a model in; it scores from the next batch on.
    pub fn put(&self, fuser: Fuser, loaded: Loaded) {
        self.0.slot(fuser, |slot| {
            slot.current = Some(Arc::clone(&loaded.manifest));
            slot.incoming = Some(loaded);
            slot.loading = None;
            slot.reload = false;
        });
    }

    /// Puts a candidate in, or takes it away.
    pub fn put_candidate(&self, fuser: Fuser, loaded: Option<Loaded>) {
        self.0.slot(fuser, |slot| {
            slot.shadow = loaded.as_ref().map(|loaded| ShadowStatus {
                build: loaded.manifest.build,
                ..ShadowStatus::default()
            });
            slot.incoming_candidate = Some(loaded);
            slot.candidate_fault = None;
        });
    }

    /// Tells what is wrong with the configured bundle; `None` when nothing is.
    pub fn set_loading_fault(&self, fuser: Fuser, fault: Option<ModelFault>) {
        self.0.slot(fuser, |slot| slot.loading = fault);
    }

    /// Tells what is wrong with the candidate's bundle; the candidate that ran is gone.
    pub fn refuse_candidate(&self, fuser: Fuser, error: String) {
        self.put_candidate(fuser, None);
        self.0.slot(fuser, |slot| {
            slot.candidate_fault = Some(ModelFault::Candidate { error });
        });
    }

    /// Whether the model broke and has to be loaded anew.
    #[must_use]
    pub fn wants_reload(&self, fuser: Fuser) -> bool {
        self.0.slot(fuser, |slot| slot.reload)
    }

    /// The model that is running.
    #[must_use]
    pub fn current(&self, fuser: Fuser) -> Option<Arc<Manifest>> {
        self.0.slot(fuser, |slot| slot.current.clone())
    }

    /// Whether the runner is gone.
    pub(crate) fn is_orphan(&self) -> bool {
        // Two are left when the runner still lives: its owner's and its thread's.
        Arc::strong_count(&self.0) <= 1
    }
}

#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) queued: AtomicU64,
    pub(super) dropped: AtomicU64,
    pub(super) scored: AtomicU64,
    pub(super) unscored: AtomicU64,
    pub(super) untaken: AtomicU64,
    pub(super) waiting: AtomicU64,
    slots: Mutex<[Slot; 2]>,
    /// When rows last began to wait or a batch was last finished.
    progress: Mutex<Option<Instant>>,
}

/// What is known of one fuser.
#[derive(Debug, Default)]
pub(super) struct Slot {
    /// Waits to be seated.
    pub(super) incoming: Option<Loaded>,
    /// Waits to be seated, or to take the candidate away.
    pub(super) incoming_candidate: Option<Option<Loaded>>,
    pub(super) current: Option<Arc<Manifest>>,
    pub(super) shadow: Option<ShadowStatus>,
    /// What is wrong with the bundle.
    pub(super) loading: Option<ModelFault>,
    /// What is wrong with the running model.
    pub(super) running: Option<ModelFault>,
    pub(super) candidate_fault: Option<ModelFault>,
    pub(super) reload: bool,
}

impl Slot {
    pub(super) fn faults(&self) -> Vec<ModelFault> {
        [&self.loading, &self.running, &self.candidate_fault]
            .into_iter()
            .flatten()
            .cloned()
            .collect()
    }
}

pub(super) fn index(fuser: Fuser) -> usize {
    match fuser {
        Fuser::Env => 0,
        Fuser::Counts => 1,
    }
}

impl Shared {
    pub(super) fn slot<R>(&self, fuser: Fuser, with: impl FnOnce(&mut Slot) -> R) -> R {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        with(&mut slots[index(fuser)])
    }

    pub(super) fn began_waiting(&self) {
        if self.waiting.fetch_add(1, Relaxed) == 0 {
            self.note_progress();
        }
    }

    pub(super) fn finished(&self, rows: u64) {
        self.waiting.fetch_sub(rows, Relaxed);
        self.note_progress();
    }

    /// How long nothing has moved.
    pub(super) fn quiet(&self) -> Duration {
        let progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        progress.map_or(Duration::ZERO, |at| at.elapsed())
    }

    fn note_progress(&self) {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }
}
