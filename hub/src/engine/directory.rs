//! Changing the directory inside the engine's transaction, and going by what it is there.
//!
//! Whether a change holds together was worked out before, against one version of the directory; here it
//! is only asked whether that version is still the newest one and whether anything that goes is in use.
//! Sites and cases follow in the same transaction.

use std::sync::Arc;

use super::task::{Bench, Task};
use crate::directory::change::Changes;
use crate::directory::{Directories, Directory};
use crate::store::accounts::AuditRow;
use crate::store::database::Connection;
use crate::store::directory::{self, ChangeRefused};
use crate::store::{StoreResult, intake};

/// The directory as this transaction sees it: the one that is known, when it is the same version.
pub(super) async fn newest(
    connection: &mut Connection,
    directories: &Directories,
    known: Arc<Directory>,
) -> StoreResult<Arc<Directory>> {
    let version = intake::counter(connection, directory::VERSION).await?;
    if version == known.version() {
        return Ok(known);
    }
    match directories.prepared(version) {
        Some(prepared) => Ok(prepared),
        None => Ok(Arc::new(directory::load(connection).await?)),
    }
}

/// A change that was looked at and found right.
#[derive(Debug)]
pub struct ChangeDirectory {
    /// The directory that it was worked out against.
    pub old: Arc<Directory>,
    /// What it will be.
    pub new: Arc<Directory>,
    /// The difference.
    pub changes: Changes,
    /// Who changes it.
    pub actor: String,
    /// From where.
    pub address: String,
    /// Where the new one is laid ready.
    pub directories: Directories,
}

impl Task for ChangeDirectory {
    type Output = Result<i64, ChangeRefused>;

    async fn run(&self, bench: Bench<'_>) -> StoreResult<Self::Output> {
        let by = AuditRow {
            at: bench.now,
            actor: self.actor.clone(),
            action: "directory_changed".to_owned(),
            subject: String::new(),
            address: self.address.clone(),
        };
        let versions = (&*self.old, &*self.new);
        let done = directory::change(bench.connection, versions, &self.changes, by).await?;
        if done.is_ok() {
            self.directories.prepare(Some(Arc::clone(&self.new)));
        }
        Ok(done)
    }
}
