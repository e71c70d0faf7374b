//! Committing over a line that may break, and beside other hubs that may be first.
//!
//! Nobody is answered before a commit has been confirmed. A commit whose answer was lost is done again: its
//! messages are duplicates then, and an officer's action meets its own version.

use std::time::{Duration, Instant};

use super::{Done, EngineTask, Job};
use crate::metrics::count;
use crate::store::dialect::Dialect;
use crate::store::{self, StoreResult};

/// A broken line to the store is opened again for this long before jobs are told to come again: less
/// than the 15 s after which gateways give a request up.
const RECONNECT_FOR: Duration = Duration::from_secs(8);
/// Between the first attempts; twice as long each time.
const RECONNECT_FIRST: Duration = Duration::from_millis(50);
/// Between later attempts.
const RECONNECT_MOST: Duration = Duration::from_secs(1);
/// A transaction that takes longer than this is on a line that is broken. Longer than a wait for
/// another hub's turn to write.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(30);
/// Another process can be first this often before a job is told to come again.
const RACES_MAX: u32 = 3;

impl EngineTask {
    /// Commits. Opens a broken line again, and decides anew when another process was first. Doing a
    /// group twice, because the answer to its commit was lost, is harmless: its messages are known then.
    pub(super) async fn commit_patiently(&mut self, group: &[Job]) -> StoreResult<Vec<Done>> {
        let end = Instant::now() + RECONNECT_FOR;
        let (mut wait, mut races) = (RECONNECT_FIRST, 0);
        loop {
            let error = match self.commit_in_time(group).await {
                Ok(done) => {
                    self.store_is_down = false;
                    return Ok(done);
                }
                Err(error) => error,
            };
            if error.is_race() && races < RACES_MAX {
                races += 1;
                continue;
            }
            if !error.is_broken() {
                return Err(error);
            }
            self.writer.disconnect();
            count(&self.metrics.store_reconnects);
            if self.store_is_down || Instant::now() + wait > end {
                self.store_is_down = true;
                return Err(error);
            }
            let detail = crate::chain(&error);
            tracing::warn!(
                error = detail,
                "the line to the store is broken; opening it again"
            );
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(RECONNECT_MOST);
        }
    }

    /// A server that does not answer is a broken line; a file always answers.
    async fn commit_in_time(&mut self, group: &[Job]) -> StoreResult<Vec<Done>> {
        if self.writer.dialect() == Dialect::Sqlite {
            return self.commit(group).await;
        }
        let in_time = tokio::time::timeout(COMMIT_TIMEOUT, self.commit(group)).await;
        in_time.unwrap_or_else(|_| {
            let late = std::io::Error::from(std::io::ErrorKind::TimedOut);
            Err(store::sql("waiting for the database")(late.into()))
        })
    }
}
