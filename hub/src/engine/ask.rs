//! The asking side: one method for each kind of job; each comes back after the commit.

use gridwatch_protocol::{CommissioningRecord, GatewayId, Heartbeat, HeartbeatAnswer, Timestamp};
use tokio::sync::{mpsc, oneshot, watch};

use super::act::Act;
use super::task::Task;
use super::{BatchOutcome, Engine, Job, JobError, Reply};
use crate::cases::Case;
use crate::parse::ParsedBatch;
use crate::store::accounts::AccountChange;
use crate::store::commissionings::Kept;
use crate::store::retention::Keep;
use crate::timers::{TimerDone, TimerJob};

impl Engine {
    /// Wakes whenever there are new events; the number is only a hint, the store is the truth.
    #[must_use]
    pub fn head(&self) -> watch::Receiver<i64> {
        self.head.subscribe()
    }

    /// Wakes those who wait for events when another hub process has committed some.
    pub fn heard_of(&self, newest: i64) {
        super::raise(&self.head, newest);
    }

    /// How many more jobs fit in the queue.
    #[must_use]
    pub fn room(&self) -> usize {
        self.jobs.capacity()
    }

    /// Stores a batch; comes back after the commit.
    ///
    /// # Errors
    /// [`JobError::Busy`], [`JobError::Stopping`], [`JobError::Failed`]: nothing was stored.
    pub async fn batch(
        &self,
        batch: ParsedBatch,
        now: Timestamp,
    ) -> Result<BatchOutcome, JobError> {
        self.ask(|reply| Job::Batch {
            batch: Box::new(batch),
            now,
            reply,
        })
        .await
    }

    /// Takes a heartbeat; comes back after the commit.
    ///
    /// # Errors
    /// As for [`Engine::batch`].
    pub async fn heartbeat(
        &self,
        heartbeat: Heartbeat,
        now: Timestamp,
    ) -> Result<HeartbeatAnswer, JobError> {
        self.ask(|reply| Job::Heartbeat {
            heartbeat: Box::new(heartbeat),
            now,
            reply,
        })
        .await
    }

    /// Stores the record of a walk test, once; comes back after the commit.
    ///
    /// # Errors
    /// As for [`Engine::batch`].
    pub async fn commissioning(
        &self,
        gateway: GatewayId,
        record: CommissioningRecord,
        now: Timestamp,
    ) -> Result<Kept, JobError> {
        self.ask(|reply| Job::Commissioning {
            gateway,
            record: Box::new(record),
            now,
            reply,
        })
        .await
    }

    /// Applies an officer's action; comes back with the case after the commit.
    ///
    /// # Errors
    /// As for [`Engine::batch`], and [`JobError::NoCase`], [`JobError::KeyReused`],
    /// [`JobError::Refused`].
    pub async fn act(&self, act: Act, now: Timestamp) -> Result<Case, JobError> {
        self.ask(|reply| Job::Act {
            act: Box::new(act),
            now,
            reply,
        })
        .await
    }

    /// Opens a case for every gateway not heard since `before`; tells how many.
    ///
    /// # Errors
    /// As for [`Engine::batch`].
    pub async fn silence(&self, before: Timestamp, now: Timestamp) -> Result<usize, JobError> {
        self.ask(|reply| Job::Silence { before, now, reply }).await
    }

    /// Runs a task of one part of the hub; comes back after the commit.
    ///
    /// # Errors
    /// As for [`Engine::batch`].
    ///
    /// # Panics
    /// Never: the engine gives back what the task gave.
    pub async fn run<T: Task>(&self, task: T, now: Timestamp) -> Result<T::Output, JobError> {
        let task = Box::new(task);
        let output = self.ask(|reply| Job::Task { task, now, reply }).await?;
        let output = output.downcast().expect("the output of this very task");
        Ok(*output)
    }

    /// Does something about timers; comes back after the commit.
    ///
    /// # Errors
    /// As for [`Engine::batch`].
    pub async fn timers(&self, job: TimerJob, now: Timestamp) -> Result<TimerDone, JobError> {
        self.ask(|reply| Job::Timers { job, now, reply }).await
    }

    /// Stores a change of accounts.
    ///
    /// # Errors
    /// As for [`Engine::batch`].
    pub async fn account(&self, change: AccountChange) -> Result<(), JobError> {
        self.ask(|reply| Job::Account { change, reply }).await
    }

    /// Lets go of some of what is older than this; tells how many rows, 0 when there is no more.
    ///
    /// # Errors
    /// As for [`Engine::batch`].
    pub async fn retain(&self, keep: Keep) -> Result<u64, JobError> {
        self.ask(|reply| Job::Retain { keep, reply }).await
    }

    async fn ask<T>(&self, job: impl FnOnce(Reply<T>) -> Job) -> Result<T, JobError> {
        let (reply, answer) = oneshot::channel();
        self.jobs
            .try_send(job(reply))
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => JobError::Busy,
                mpsc::error::TrySendError::Closed(_) => JobError::Stopping,
            })?;
        answer.await.unwrap_or(Err(JobError::Stopping))
    }
}
