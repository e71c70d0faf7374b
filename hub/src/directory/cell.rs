//! Where the newest snapshot of the directory lies.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::Directory;

/// The directory as it is now; readers take a snapshot for as long as one piece of work lasts.
#[derive(Debug, Clone)]
pub struct Directories(Arc<Cell>);

#[derive(Debug)]
struct Cell {
    now: RwLock<Arc<Directory>>,
    /// What a transaction under way will have written, so that nobody has to read it back.
    prepared: Mutex<Option<Arc<Directory>>>,
}

impl Directories {
    /// Begins with this.
    #[must_use]
    pub fn new(directory: impl Into<Arc<Directory>>) -> Self {
        Self(Arc::new(Cell {
            now: RwLock::new(directory.into()),
            prepared: Mutex::new(None),
        }))
    }

    /// As it is now.
    #[must_use]
    pub fn now(&self) -> Arc<Directory> {
        let held = self.0.now.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&held)
    }

    /// Takes it when it is newer than what is there; snapshots that were taken stay as they are.
    pub fn offer(&self, directory: Arc<Directory>) {
        let mut held = self.0.now.write().unwrap_or_else(PoisonError::into_inner);
        if directory.version() > held.version() {
            *held = directory;
        }
    }

    /// Puts aside what the transaction under way has written; `None` forgets it.
    pub(crate) fn prepare(&self, directory: Option<Arc<Directory>>) {
        let mut held = self
            .0
            .prepared
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *held = directory;
    }

    /// What the transaction under way has written, when it is this version.
    pub(crate) fn prepared(&self, version: i64) -> Option<Arc<Directory>> {
        let held = self
            .0
            .prepared
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        held.clone()
            .filter(|directory| directory.version() == version)
    }
}
