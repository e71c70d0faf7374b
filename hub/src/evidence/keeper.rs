//! Takes away what nobody needs any more: files whose time is over, and files that a crash left without
//! a row.
//!
//! A file is removed only under the exclusive lock and after another look at the rows, so whoever is
//! just storing the same content keeps it.

use std::time::Duration;

use gridwatch_protocol::Timestamp;

use super::rows::LetGo;
use super::{Evidence, Files};
use crate::engine::Engine;
use crate::store::Store;

/// A file without a row is left alone for a day: its row may be on its way.
pub const ORPHAN_AGE: Duration = Duration::from_secs(86_400);
/// Files looked at together.
const PART: usize = 500;
const DAY_MS: i64 = 86_400_000;

/// What was taken away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Contents whose time was over.
    pub let_go: usize,
    /// Files without a row.
    pub orphans: usize,
}

/// Lets go and sweeps once.
///
/// # Errors
/// What could not be done, as a sentence; the next time goes on.
pub async fn sweep(
    evidence: &Evidence,
    engine: &Engine,
    store: &Store,
    now: Timestamp,
) -> anyhow::Result<Swept> {
    let mut swept = Swept::default();
    let since = now.plus_ms(-DAY_MS * i64::from(evidence.settings.keep_days));
    loop {
        let gone = engine.run(LetGo { since }, now).await?;
        if gone.is_empty() {
            break;
        }
        swept.let_go += remove(&evidence.files, store, gone).await?;
    }
    swept.orphans = sweep_orphans(&evidence.files, store, ORPHAN_AGE).await?;
    Ok(swept)
}

/// Removes files without a row that are older than this; tells how many.
///
/// # Errors
/// When the directory or the store does not answer.
pub async fn sweep_orphans(files: &Files, store: &Store, age: Duration) -> anyhow::Result<usize> {
    let (mut removed, mut after) = (0, String::new());
    loop {
        let found = files.older_than(age, after, PART).await?;
        let Some(last) = found.last() else {
            return Ok(removed);
        };
        after = last.clone();
        let unneeded = store.evidence_unneeded(&found).await?;
        removed += remove(files, store, unneeded).await?;
    }
}

/// Removes files that no row needs when looked at under the lock; tells how many.
///
/// # Errors
/// When the directory or the store does not answer.
pub async fn remove(files: &Files, store: &Store, hashes: Vec<String>) -> anyhow::Result<usize> {
    if hashes.is_empty() {
        return Ok(0);
    }
    let lock = files.removing().await?;
    let unneeded = store.evidence_unneeded(&hashes).await?;
    for sha256 in &unneeded {
        files.remove(sha256, &lock).await?;
    }
    Ok(unneeded.len())
}
