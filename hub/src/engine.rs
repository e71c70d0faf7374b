//! The one task that writes: takes jobs from a queue, decides on many of them in one transaction, and
//! answers each only after the commit.
//!
//! Never answers before the commit; never goes on after a commit that failed with an I/O error. A job
//! whose asker has gone away is done all the same: doing it again is harmless (see the protocol).
//! A crash before the commit leaves nothing of the transaction; after it, everything.

pub mod act;
mod ask;
pub mod correlation;
pub mod directory;
mod heartbeat;
mod messages;
mod patience;
pub mod people;
pub mod task;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use gridwatch_protocol::{
    CommissioningRecord, CommissioningStatus, GatewayId, Heartbeat, HeartbeatAnswer, Timestamp,
};
use tokio::sync::{mpsc, oneshot, watch};

use crate::cases::actions::Refusal;
use crate::cases::desk::Rules;
use crate::cases::{Case, CaseId};
use crate::catalogue::Catalogue;
use crate::clocks::Calendar;
use crate::correlation::Settings;
use crate::directory::{Directories, Directory};
use crate::metrics::{Metrics, add};
use crate::outside::completion::{self, Completion};
use crate::parse::ParsedBatch;
use crate::roster::calls;
use crate::store::accounts::AccountChange;
use crate::store::commissionings::{self, Kept};
use crate::store::database::Connection;
use crate::store::retention::{self, Keep};
use crate::store::{self, StoreError, StoreResult, Writer, accounts, events, intake};
use crate::timers::{self, Clocks, TimerDone, TimerJob};

/// At most this many jobs in one transaction: bounds how long the first of them waits.
const GROUP_JOBS_MAX: usize = 256;
/// At most this many messages in one transaction, for the same reason.
const GROUP_MESSAGES_MAX: usize = 2_048;

/// What the engine goes by.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// The categories.
    pub catalogue: Arc<Catalogue>,
    /// Working hours and holidays.
    pub calendar: Arc<Calendar>,
    /// Areas, sites and units, as they are in this transaction.
    pub directory: Arc<Directory>,
    /// When alarms are silenced, latched, a flood, the same matter again.
    pub correlation: Settings,
    /// Signs of fire join within this time, in milliseconds.
    pub fire_group_ms: i64,
    /// Minutes east of UTC.
    pub utc_offset_minutes: i32,
    /// Who is on duty.
    pub rosters: crate::roster::known::Cache,
    /// How reporters are told that their matter is done.
    pub completion: Arc<Completion>,
}

impl EngineSettings {
    fn clocks(&self) -> Clocks<'_> {
        Clocks {
            limits: &self.catalogue.limits,
            calendar: &self.calendar,
        }
    }

    fn rules(&self) -> Rules<'_> {
        Rules {
            catalogue: &self.catalogue,
            directory: &self.directory,
            calendar: &self.calendar,
            correlation: self.correlation,
            fire_group_ms: self.fire_group_ms,
            utc_offset_minutes: self.utc_offset_minutes,
        }
    }
}

/// Why a job was not done.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// The queue is full, or the store is locked or full: come again.
    #[error("the hub is busy")]
    Busy,
    /// The engine has ended.
    #[error("the hub is stopping")]
    Stopping,
    /// There is no such case.
    #[error("there is no case {0}")]
    NoCase(CaseId),
    /// The key came before with another request.
    #[error("this idempotency key came before with another request")]
    KeyReused,
    /// The action was refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A bug or a damaged row; nothing was stored.
    #[error("the job failed: {0}")]
    Failed(String),
}

/// What became of each alert message of a batch, in the order of [`ParsedBatch::items`].
pub type BatchOutcome = Vec<crate::cases::desk::Outcome>;

type Reply<T> = oneshot::Sender<Result<T, JobError>>;

/// What the engine is asked to do. A job can be done again after its transaction was rolled back.
#[derive(Debug)]
enum Job {
    Batch {
        batch: Box<ParsedBatch>,
        now: Timestamp,
        reply: Reply<BatchOutcome>,
    },
    Heartbeat {
        heartbeat: Box<Heartbeat>,
        now: Timestamp,
        reply: Reply<HeartbeatAnswer>,
    },
    Commissioning {
        gateway: GatewayId,
        record: Box<CommissioningRecord>,
        now: Timestamp,
        reply: Reply<Kept>,
    },
    Act {
        act: Box<act::Act>,
        now: Timestamp,
        reply: Reply<Case>,
    },
    Silence {
        before: Timestamp,
        now: Timestamp,
        reply: Reply<usize>,
    },
    Timers {
        job: TimerJob,
        now: Timestamp,
        reply: Reply<TimerDone>,
    },
    Account {
        change: AccountChange,
        reply: Reply<()>,
    },
    Retain {
        keep: Keep,
        reply: Reply<u64>,
    },
    Task {
        task: Box<dyn task::AnyTask>,
        now: Timestamp,
        reply: Reply<task::Output>,
    },
}

impl Job {
    fn batch(&self) -> Option<messages::Arrived<'_>> {
        match self {
            Self::Batch { batch, now, .. } => Some((batch, *now)),
            _ => None,
        }
    }

    fn is_batch(&self) -> bool {
        self.batch().is_some()
    }
}

/// What a job led to, held back until the commit.
enum Done {
    Batch(BatchOutcome),
    Heartbeat(HeartbeatAnswer),
    Commissioning(Kept),
    Act(Result<Box<Case>, JobError>),
    Silence(usize),
    Timers(TimerDone),
    Account,
    Retain(u64),
    Task(task::Output),
}

/// The asking side; cheap to clone.
#[derive(Debug, Clone)]
pub struct Engine {
    jobs: mpsc::Sender<Job>,
    head: Arc<watch::Sender<i64>>,
}

/// The doing side, to be run as a task.
#[derive(Debug)]
pub struct EngineTask {
    writer: Writer,
    jobs: mpsc::Receiver<Job>,
    head: Arc<watch::Sender<i64>>,
    store_is_down: bool,
    settings: EngineSettings,
    directories: Directories,
    metrics: Arc<Metrics>,
}

/// An engine with a queue of this many jobs. Each transaction goes by the directory as it is then.
///
/// # Errors
/// When the store does not answer.
pub async fn engine(
    mut writer: Writer,
    settings: EngineSettings,
    directories: Directories,
    queue: usize,
    metrics: Arc<Metrics>,
) -> StoreResult<(Engine, EngineTask)> {
    let last_event = {
        let mut transaction = writer.begin().await?;
        intake::counter(&mut transaction, "event").await?
    };
    let (sender, receiver) = mpsc::channel(queue);
    let head = Arc::new(watch::Sender::new(last_event));
    let task = EngineTask {
        writer,
        jobs: receiver,
        head: Arc::clone(&head),
        store_is_down: false,
        settings,
        directories,
        metrics,
    };
    Ok((Engine { jobs: sender, head }, task))
}

impl EngineTask {
    /// Works until every [`Engine`] is gone and the queue is empty, or until `stop` is cancelled and
    /// the queue is empty.
    ///
    /// # Errors
    /// When the store can no longer be trusted; nothing was acknowledged that is not stored.
    pub async fn run(
        mut self,
        stop: tokio_util::sync::CancellationToken,
    ) -> Result<(), StoreError> {
        loop {
            let first = tokio::select! {
                biased;
                job = self.jobs.recv() => job,
                // The queue is empty at this moment: refuse what comes now, finish what is there.
                () = stop.cancelled() => {
                    self.jobs.close();
                    self.jobs.recv().await
                }
            };
            let Some(first) = first else { break };
            let group = self.collect(first);
            self.process(group).await?;
        }
        self.writer.close().await
    }

    fn collect(&mut self, first: Job) -> Vec<Job> {
        let mut messages = weight(&first);
        let mut group = vec![first];
        while group.len() < GROUP_JOBS_MAX && messages < GROUP_MESSAGES_MAX {
            let Ok(job) = self.jobs.try_recv() else { break };
            messages += weight(&job);
            group.push(job);
        }
        group
    }

    /// One transaction for all; when it fails for another reason than the disk, one for each, so
    /// that one bad job does not take the others down with it.
    async fn process(&mut self, group: Vec<Job>) -> Result<(), StoreError> {
        let alone = group.len() == 1;
        match self.commit_patiently(&group).await {
            Ok(done) => {
                answer(group, done);
                Ok(())
            }
            Err(error) if error.is_fatal() => Err(error),
            Err(error) if alone || error.is_broken() || error.is_busy() => {
                for job in group {
                    refuse(job, &error);
                }
                Ok(())
            }
            Err(_) => {
                for job in group {
                    Box::pin(self.process(vec![job])).await?;
                }
                Ok(())
            }
        }
    }

    async fn commit(&mut self, group: &[Job]) -> StoreResult<Vec<Done>> {
        let started = Instant::now();
        self.directories.prepare(None);
        let known = self.directories.now();
        let dialect = self.writer.dialect();
        let mut transaction = self.writer.begin().await?;
        self.settings.directory =
            directory::newest(&mut transaction, &self.directories, known).await?;
        let before = intake::counter(&mut transaction, "event").await?;
        let mut done = Vec::with_capacity(group.len());
        let mut opened = 0;
        let mut fresh = BTreeMap::new();
        for jobs in group.chunk_by(|a, b| a.is_batch() && b.is_batch()) {
            let settings = &self.settings;
            let made = work(&mut transaction, settings, jobs, &mut opened, &mut fresh).await?;
            done.extend(made);
            // Whatever else is done in this transaction may change them again.
            if jobs.len() < group.len() {
                fresh.clear();
            }
            if matches!(jobs, [Job::Task { .. }]) {
                // What comes after it in this transaction goes by what it has made of the directory.
                let known = Arc::clone(&self.settings.directory);
                self.settings.directory =
                    directory::newest(&mut transaction, &self.directories, known).await?;
            }
        }
        let head = intake::counter(&mut transaction, "event").await?;
        if head != before {
            let names = (&*self.settings.directory, &*self.settings.catalogue);
            completion::follow(&mut transaction, &self.settings.completion, names, before).await?;
            // Whatever changed a case, its timers fit it when the change is there.
            let touched = timers::touched_since(&mut transaction, before).await?;
            timers::sync_beside(&mut transaction, self.settings.clocks(), &touched, fresh).await?;
            calls::first_officers(&mut transaction, &self.settings, before).await?;
            dialect.tell_of_events(&mut transaction, head).await?;
        }
        store::commit(transaction).await?;
        self.directories.offer(Arc::clone(&self.settings.directory));
        self.metrics.commit(started.elapsed(), group.len());
        add(&self.metrics.cases_opened, opened);
        raise(&self.head, head);
        Ok(done)
    }
}

/// Events of other hub processes may have been seen already: the number never goes back.
fn raise(head: &watch::Sender<i64>, newest: i64) {
    head.send_if_modified(|seen| {
        let is_newer = newest > *seen;
        *seen = newest.max(*seen);
        is_newer
    });
}

fn weight(job: &Job) -> usize {
    match job {
        Job::Batch { batch, .. } => batch.items.len().max(1),
        _ => 1,
    }
}

/// Does one job, or several batches that follow each other; `fresh` becomes the cases that batches opened.
async fn work(
    connection: &mut Connection,
    settings: &EngineSettings,
    jobs: &[Job],
    opened: &mut usize,
    fresh: &mut BTreeMap<CaseId, Case>,
) -> StoreResult<Vec<Done>> {
    let rules = settings.rules();
    let Some(job) = jobs.first() else {
        return Ok(Vec::new());
    };
    let done = match job {
        Job::Batch { .. } => {
            let batches: Vec<_> = jobs.iter().filter_map(Job::batch).collect();
            let stored = messages::store_batches(connection, rules, &batches).await?;
            *opened += stored.opened.len();
            *fresh = stored.opened;
            return Ok(stored.outcomes.into_iter().map(Done::Batch).collect());
        }
        Job::Heartbeat { heartbeat, now, .. } => {
            Done::Heartbeat(heartbeat::take(connection, rules, heartbeat, *now).await?)
        }
        Job::Commissioning {
            gateway,
            record,
            now,
            ..
        } => Done::Commissioning(commission(connection, gateway, record, *now).await?),
        Job::Act { act, now, .. } => {
            Done::Act(act::act(connection, settings, act, opened, *now).await?)
        }
        Job::Silence { before, now, .. } => {
            Done::Silence(heartbeat::silence(connection, rules, *before, *now, opened).await?)
        }
        Job::Timers { job, now, .. } => {
            Done::Timers(timers::work(connection, settings, settings.clocks(), *job, *now).await?)
        }
        Job::Account { change, .. } => {
            accounts::apply(connection, change).await?;
            Done::Account
        }
        Job::Retain { keep, .. } => Done::Retain(retention::apply(connection, *keep).await?),
        Job::Task { task, now, .. } => {
            let bench = task::Bench {
                connection,
                settings,
                now: *now,
                opened,
            };
            Done::Task(task.run_boxed(bench).await?)
        }
    };
    Ok(vec![done])
}

/// A new record is news of its gateway.
async fn commission(
    connection: &mut Connection,
    gateway: &GatewayId,
    record: &CommissioningRecord,
    now: Timestamp,
) -> StoreResult<Kept> {
    let kept = commissionings::write(connection, gateway, record, now).await?;
    if kept == Kept::Yes(CommissioningStatus::Accepted) {
        events::append_gateway_event(connection, gateway, now).await?;
    }
    Ok(kept)
}

/// An asker that has gone away no longer needs its answer.
fn send<T>(reply: Reply<T>, result: Result<T, JobError>) {
    drop(reply.send(result));
}

fn answer(group: Vec<Job>, done: Vec<Done>) {
    for (job, done) in group.into_iter().zip(done) {
        match (job, done) {
            (Job::Batch { reply, .. }, Done::Batch(outcome)) => send(reply, Ok(outcome)),
            (Job::Heartbeat { reply, .. }, Done::Heartbeat(answer)) => send(reply, Ok(answer)),
            (Job::Commissioning { reply, .. }, Done::Commissioning(kept)) => send(reply, Ok(kept)),
            (Job::Act { reply, .. }, Done::Act(result)) => send(reply, result.map(|case| *case)),
            (Job::Silence { reply, .. }, Done::Silence(count)) => send(reply, Ok(count)),
            (Job::Timers { reply, .. }, Done::Timers(done)) => send(reply, Ok(done)),
            (Job::Account { reply, .. }, Done::Account) => send(reply, Ok(())),
            (Job::Retain { reply, .. }, Done::Retain(rows)) => send(reply, Ok(rows)),
            (Job::Task { reply, .. }, Done::Task(output)) => send(reply, Ok(output)),
            _ => unreachable!("work() gives each job its own kind of result"),
        }
    }
}

fn refuse(job: Job, error: &StoreError) {
    let busy = error.is_busy() || error.is_broken() || error.is_race();
    let detail = crate::chain(error);
    tracing::error!(error = detail, busy, "a job was rolled back");
    let why = || {
        if busy {
            JobError::Busy
        } else {
            JobError::Failed(detail.clone())
        }
    };
    match job {
        Job::Batch { reply, .. } => send(reply, Err(why())),
        Job::Heartbeat { reply, .. } => send(reply, Err(why())),
        Job::Commissioning { reply, .. } => send(reply, Err(why())),
        Job::Act { reply, .. } => send(reply, Err(why())),
        Job::Silence { reply, .. } => send(reply, Err(why())),
        Job::Timers { reply, .. } => send(reply, Err(why())),
        Job::Account { reply, .. } => send(reply, Err(why())),
        Job::Retain { reply, .. } => send(reply, Err(why())),
        Job::Task { reply, .. } => send(reply, Err(why())),
    }
}
