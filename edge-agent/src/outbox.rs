//! Durable queue between detection and uplink: one SQLite file, WAL, `synchronous=FULL`.
//!
//! Promises: what [`Outbox::append`] returned is on the disk and survives a power cut; sequence
//! numbers have no gaps and are never given out twice, over all restarts; an alert leaves only by
//! [`Outbox::settle`] (it is then kept for some days, for a hub that was restored from a backup).
//! Never: opens a socket, decides about alerts, gives up an unsent alert, drops without counting.
//!
//! Crashes:
//! - before `append` commits: nothing was promised. The source was not acknowledged and delivers again;
//!   the open episode was not kept either, so the alert is raised again, with a new id.
//! - after `append` commits, before the source is acknowledged: the source delivers again; the kept
//!   episode (or source event) shows that the alert exists, and nothing is raised.
//! - between send and `settle`: the message is sent again and the hub answers `duplicate`.
//! - power cut: the tail of the WAL that was not synced is dropped by SQLite; it was never promised.
//! - a full disk: telemetry is given up first (counted, told as a gap), then the held-back reserve is
//!   used; `append` fails only when both are gone, and can be tried again.
//! - a failing disk: after the first I/O error nothing is promised any more ([`OutboxError::is_fatal`]):
//!   the process must end and read again from the disk, because a second sync may claim success.

mod export;
mod open;
mod query;
mod repair;
mod reserve;
mod verify;
mod writer;

pub use export::{Exported, Filter, export_alerts, export_readings};
pub use open::{OpenedOutbox, OutboxOptions, Synchronous, open};
pub use query::{AlertRow, Backlog, RowState, look};
pub use repair::{Repaired, repair};
pub use verify::{Verified, remembered, verify};

use std::path::PathBuf;
use std::sync::Arc;

use gridwatch_protocol::{
    Alert, AlertId, DeviceId, GapRecord, Reading, Receipt, StreamId, Timestamp,
};
use sqlx::SqlitePool;
use tokio::sync::{Notify, mpsc, oneshot};

use crate::detection::{DeviceFacts, EpisodeChange};
use writer::Command;

/// Commands that wait for the writer at most; a full queue makes the sender wait.
const COMMANDS_MAX: usize = 256;

/// Why the outbox could not do something.
#[derive(Debug, Clone, thiserror::Error)]
pub enum OutboxError {
    /// The disk is full, the reserve and all telemetry are gone.
    #[error("the disk of the outbox is full; free some space on it")]
    Full,
    /// The database failed.
    #[error("{doing}")]
    Database {
        /// What was being done.
        doing: String,
        /// Why it failed.
        #[source]
        source: Arc<sqlx::Error>,
    },
    /// The file is from a newer agent.
    #[error(
        "the outbox was written by a newer agent (schema {found}, this one knows {known}); install that version again or move the file away"
    )]
    Newer {
        /// Schema of the file.
        found: i64,
        /// Schema that this agent knows.
        known: i64,
    },
    /// The state folder cannot be used.
    #[error("using folder `{path}`")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why not.
        #[source]
        source: Arc<std::io::Error>,
    },
    /// Another agent has the outbox open.
    #[error("`{path}` is in use by another agent; only one may run on it")]
    InUse {
        /// The lock file.
        path: PathBuf,
    },
    /// The writer has ended.
    #[error("the outbox is closed")]
    Closed,
}

impl OutboxError {
    pub(crate) fn database(doing: impl Into<String>, source: sqlx::Error) -> Self {
        if is_full(&source) {
            return Self::Full;
        }
        Self::Database {
            doing: doing.into(),
            source: Arc::new(source),
        }
    }

    /// Whether nothing may be promised any more, so that the process must end.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        !matches!(self, Self::Full)
    }
}

/// `SQLITE_FULL`.
fn is_full(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(database) if database.code().as_deref() == Some("13"))
}

/// What one pipeline round wants kept, all or nothing.
#[derive(Debug, Default)]
pub struct Entry {
    /// Alert messages.
    pub alerts: Vec<Alert>,
    /// Episodes that opened or closed with them.
    pub episodes: Vec<EpisodeChange>,
    /// Telemetry.
    pub readings: Vec<Reading>,
    /// Devices that are new, or of which something new is known.
    pub devices: Vec<RememberedDevice>,
}

impl Entry {
    /// Whether there is nothing to keep.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.alerts.is_empty()
            && self.episodes.is_empty()
            && self.readings.is_empty()
            && self.devices.is_empty()
    }
}

/// A device that was heard in an earlier run.
#[derive(Debug, Clone, PartialEq)]
pub struct RememberedDevice {
    /// Its id.
    pub device: DeviceId,
    /// What is known of it.
    pub facts: DeviceFacts,
}

/// A batch taken from the outbox for sending.
#[derive(Debug, Default)]
pub struct Unsent {
    /// Alert messages, life safety first.
    pub alerts: Vec<Alert>,
    /// Row numbers and readings.
    pub readings: Vec<(i64, Reading)>,
    /// Gaps to report.
    pub gaps: Vec<GapRecord>,
}

impl Unsent {
    /// Whether there is nothing to send.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.alerts.is_empty() && self.readings.is_empty() && self.gaps.is_empty()
    }
}

/// The open outbox. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Outbox {
    commands: mpsc::Sender<Command>,
    reader: SqlitePool,
    stream: StreamId,
    boot_epoch: u64,
    unsent: Arc<Notify>,
}

impl Outbox {
    /// The identity of the file.
    #[must_use]
    pub fn stream(&self) -> StreamId {
        self.stream
    }

    /// Number of this start on the file, from 1.
    #[must_use]
    pub fn boot_epoch(&self) -> u64 {
        self.boot_epoch
    }

    /// Wakes when something new can be sent. May wake without reason.
    pub async fn unsent_changed(&self) {
        self.unsent.notified().await;
    }

    /// Keeps an entry; returns the alert messages with their sequence numbers, once they are on the disk.
    ///
    /// # Errors
    /// [`OutboxError::Full`] may be tried again; after any other error the process must end.
    pub async fn append(&self, entry: Entry) -> Result<Vec<Alert>, OutboxError> {
        let has_alerts = !entry.alerts.is_empty();
        let stored = self.command(|reply| Command::Append(entry, reply)).await?;
        if has_alerts {
            self.unsent.notify_one();
        }
        Ok(stored)
    }

    /// The alert messages to send next: life safety first and the newest of it first, then in order.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn take_alerts(&self, limit: usize) -> Result<Unsent, OutboxError> {
        query::unsent_alerts(&self.reader, limit).await
    }

    /// The oldest readings, and the gaps to report.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn take_telemetry(&self, limit: usize) -> Result<Unsent, OutboxError> {
        query::unsent_telemetry(&self.reader, limit).await
    }

    /// Settles a batch by the hub's receipt: what was accepted or known is done, what was rejected is
    /// kept aside. Settling twice is harmless: it sets the same states again.
    ///
    /// # Errors
    /// As [`Outbox::append`].
    pub async fn settle(
        &self,
        receipt: Receipt,
        readings: Vec<i64>,
        gaps: Vec<u64>,
        now: Timestamp,
    ) -> Result<(), OutboxError> {
        self.command(|reply| Command::Settle {
            receipt,
            readings,
            gaps,
            now,
            reply,
        })
        .await
    }

    /// Marks accepted messages above `contiguous_through` as unsent again, because the hub does not
    /// have them (it was restored from a backup). Returns how many.
    ///
    /// # Errors
    /// As [`Outbox::append`].
    pub async fn send_again(&self, ranges: Vec<(u64, u64)>) -> Result<u64, OutboxError> {
        let count = self
            .command(|reply| Command::SendAgain(ranges, reply))
            .await?;
        if count > 0 {
            self.unsent.notify_one();
        }
        Ok(count)
    }

    /// Deletes accepted messages that are older than they must be kept.
    ///
    /// # Errors
    /// As [`Outbox::append`].
    pub async fn clean_up(&self, now: Timestamp) -> Result<(), OutboxError> {
        self.command(|reply| Command::CleanUp { now, reply }).await
    }

    /// What is waiting.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn backlog(&self) -> Result<Backlog, OutboxError> {
        query::backlog(&self.reader).await
    }

    /// What became of the raising of alerts, and when the hub's answer was kept; those that are not
    /// on the disk (yet) are left out.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn fate(
        &self,
        alerts: &[AlertId],
    ) -> Result<Vec<(AlertId, RowState, Option<Timestamp>)>, OutboxError> {
        query::fate(&self.reader, alerts).await
    }

    /// The newest alert messages, whatever their state.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn list(&self, limit: u32) -> Result<Vec<AlertRow>, OutboxError> {
        query::list(&self.reader, limit).await
    }

    async fn command<T>(
        &self,
        make: impl FnOnce(oneshot::Sender<Result<T, OutboxError>>) -> Command,
    ) -> Result<T, OutboxError> {
        let (reply, answer) = oneshot::channel();
        self.commands
            .send(make(reply))
            .await
            .map_err(|_| OutboxError::Closed)?;
        answer.await.map_err(|_| OutboxError::Closed)?
    }
}

#[cfg(test)]
mod tests;
