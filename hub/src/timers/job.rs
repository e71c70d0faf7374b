//! What the timers' task asks of the engine.

use std::sync::LazyLock;

use gridwatch_protocol::Timestamp;
use uuid::Uuid;

use super::fire::{self, Fired};
use super::{Clocks, rows, sync};
use crate::cases::CaseId;
use crate::engine::EngineSettings;
use crate::store::StoreResult;
use crate::store::database::Connection;

/// Fired timers that are forgotten in one transaction.
const FORGET_MAX: usize = 1_000;

/// Under which name this process claims timers.
static HOLDER: LazyLock<String> = LazyLock::new(|| Uuid::new_v4().to_string());

/// What to do. Each can be done again after its transaction was rolled back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimerJob {
    /// Fire what is due, earliest first.
    Fire {
        /// At most so many.
        limit: usize,
    },
    /// Put the first due timer off by a minute.
    Postpone,
    /// Go through some open cases.
    Replan {
        /// The last that was gone through.
        after: CaseId,
    },
    /// Forget some timers that fired before this.
    Forget {
        /// When.
        before: Timestamp,
    },
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TimerDone {
    /// What was fired.
    Fired(Fired),
    /// The last case that was gone through; none when there are no more.
    Replanned(Option<CaseId>),
    /// So many timers were put off or forgotten.
    Rows(u64),
}

pub(crate) async fn work(
    connection: &mut Connection,
    settings: &EngineSettings,
    clocks: Clocks<'_>,
    job: TimerJob,
    now: Timestamp,
) -> StoreResult<TimerDone> {
    Ok(match job {
        TimerJob::Fire { limit } => {
            TimerDone::Fired(fire::fire(connection, settings, clocks, &HOLDER, limit, now).await?)
        }
        TimerJob::Postpone => TimerDone::Rows(fire::postpone(connection, &HOLDER, now).await?),
        TimerJob::Replan { after } => {
            TimerDone::Replanned(sync::replan(connection, clocks, after).await?)
        }
        TimerJob::Forget { before } => {
            TimerDone::Rows(rows::forget(connection, before, FORGET_MAX).await?)
        }
    })
}
