//! Timers of cases: what is due by itself happens once, also with several hub processes, and late but
//! surely after a crash.
//!
//! A timer is a row; which rows a case has follows from its facts and the calendar alone
//! (`clocks::plan`). Three things happen, all inside the engine's transactions:
//! - `sync`: after any change of a case its rows are made to fit: a timer whose reason is gone is
//!   deleted by the transition that took it away.
//! - `fire`: due rows are claimed, earliest first, each is looked at again, and what it does to its case
//!   is committed together with the mark that it has fired. So it happens once, whoever is killed when.
//! - `replan`: after a start all open cases are gone through, for a changed calendar or catalogue.
//!
//! [`Timers`] only decides when to ask: at the earliest due time, when there are new events (also those
//! of other hub processes), and every few seconds for a wall clock that was set. Due times are instants;
//! nothing is counted down.

mod answers;
mod effects;
mod fire;
mod job;
mod rows;
mod sync;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::clocks::Calendar;
use crate::clocks::limits::LimitTable;
use crate::engine::{Engine, JobError};
use crate::metrics::{Metrics, add, count};
use crate::store::Store;

pub(crate) use effects::dues;
pub use fire::Fired;
pub(crate) use job::work;
pub use job::{TimerDone, TimerJob};
pub(crate) use rows::touched_since;
pub(crate) use sync::{facts_of, sync, sync_beside};

/// Timers fired in one transaction: alerts wait for it at most as long as for a batch of their own.
pub const FIRE_MAX: usize = 200;
/// Without anything else the store is asked this often: for a wall clock that was set, and for timers
/// that are tried again.
const SAFETY_POLL: Duration = Duration::from_secs(5);
/// After new events the store is asked at most this often. No limit is shorter than a second.
const AFTER_EVENTS: Duration = Duration::from_millis(200);
/// A busy or failing store is asked again after this long.
const RETRY: Duration = Duration::from_millis(250);
/// The calendar is looked at, and old timers are forgotten, this often.
const HOUSEKEEPING_EVERY: Duration = Duration::from_secs(6 * 3_600);
/// Timers that have fired are kept for this long, to see when they did: 30 days.
const KEEP_FIRED_MS: i64 = 30 * 86_400_000;

/// What clocks go by.
#[derive(Debug, Clone, Copy)]
pub struct Clocks<'a> {
    /// Limits by category and severity.
    pub limits: &'a LimitTable,
    /// Working hours and holidays.
    pub calendar: &'a Calendar,
}

/// The task that asks the engine to fire what is due.
#[derive(Debug)]
pub struct Timers {
    /// Fires.
    pub engine: Engine,
    /// Tells when the next timer is due.
    pub store: Store,
    /// Looked at for missing years.
    pub calendar: Arc<Calendar>,
    /// Counts.
    pub metrics: Arc<Metrics>,
}

impl Timers {
    /// Works until `stop` is cancelled or the engine ends.
    pub async fn run(self, stop: CancellationToken) {
        let mut housekeeping_at = tokio::time::Instant::now();
        if !self.replan(&stop).await {
            return;
        }
        let mut head = self.engine.head();
        loop {
            if tokio::time::Instant::now() >= housekeeping_at {
                housekeeping_at += HOUSEKEEPING_EVERY;
                self.warn_of_calendar();
                self.forget().await;
            }
            head.mark_unchanged();
            if !self.drain(&stop).await {
                return;
            }
            let wait = self.wait().await;
            let woken = async {
                // An engine that has ended tells so when it is asked to fire.
                if head.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
                tokio::time::sleep(AFTER_EVENTS).await;
            };
            let slept = async {
                tokio::select! {
                    () = tokio::time::sleep(wait) => (),
                    () = woken => (),
                }
            };
            if stop.run_until_cancelled(slept).await.is_none() {
                return;
            }
        }
    }

    /// Goes through all open cases once; false when it is time to stop.
    async fn replan(&self, stop: &CancellationToken) -> bool {
        let mut after = 0;
        loop {
            match self.ask(TimerJob::Replan { after }).await {
                Ok(TimerDone::Replanned(Some(next))) => after = next,
                Ok(_) => return true,
                Err(JobError::Stopping) => return false,
                Err(error) => {
                    tracing::warn!(%error, "timers of open cases are looked at again in a moment");
                    if stop
                        .run_until_cancelled(tokio::time::sleep(RETRY))
                        .await
                        .is_none()
                    {
                        return false;
                    }
                }
            }
        }
    }

    /// Fires everything that is due, in bounded transactions; false when it is time to stop.
    async fn drain(&self, stop: &CancellationToken) -> bool {
        let mut limit = FIRE_MAX;
        loop {
            let now = crate::now();
            match self.store.next_timer(now).await {
                Ok(Some(due)) if due <= now => {}
                Ok(_) => return !stop.is_cancelled(),
                Err(error) => {
                    tracing::warn!(error = crate::chain(&error), "asking for timers failed");
                    return stop
                        .run_until_cancelled(tokio::time::sleep(RETRY))
                        .await
                        .is_some();
                }
            }
            match self.ask(TimerJob::Fire { limit }).await {
                Ok(done) => {
                    self.account(&done);
                    limit = FIRE_MAX;
                }
                Err(JobError::Stopping) => return false,
                // One of them cannot be fired: the others are, and that one is put off.
                Err(JobError::Failed(_)) if limit > 1 => limit /= 2,
                Err(JobError::Failed(error)) => {
                    count(&self.metrics.timers_failed);
                    tracing::error!(
                        error,
                        "a timer cannot be fired; it is tried again in a minute"
                    );
                    if self.ask(TimerJob::Postpone).await.is_err() {
                        tokio::time::sleep(RETRY).await;
                    }
                }
                Err(_) => {
                    if stop
                        .run_until_cancelled(tokio::time::sleep(RETRY))
                        .await
                        .is_none()
                    {
                        return false;
                    }
                }
            }
        }
    }

    async fn wait(&self) -> Duration {
        let now = crate::now();
        let next = self.store.next_timer(now).await.ok().flatten();
        let ms = next.map_or(i64::MAX, |due| due.ms_since(now));
        Duration::from_millis(u64::try_from(ms).unwrap_or(0)).min(SAFETY_POLL)
    }

    async fn ask(&self, job: TimerJob) -> Result<TimerDone, JobError> {
        self.engine.timers(job, crate::now()).await
    }

    fn account(&self, done: &TimerDone) {
        let TimerDone::Fired(fired) = done else {
            return;
        };
        add(&self.metrics.timers_fired, fired.due.len());
        add(&self.metrics.timers_failed, fired.refused);
        let now = crate::now();
        for due in &fired.due {
            let late = u64::try_from(now.ms_since(*due)).unwrap_or(0);
            self.metrics.timer_late(Duration::from_millis(late));
        }
    }

    /// What is not forgotten now is forgotten next time.
    async fn forget(&self) {
        let before = crate::now().plus_ms(-KEEP_FIRED_MS);
        while let Ok(TimerDone::Rows(1..)) = self.ask(TimerJob::Forget { before }).await {}
    }

    fn warn_of_calendar(&self) {
        for warning in self.calendar.warnings(crate::now()) {
            tracing::warn!(code = warning.code, "{}", warning.detail.en);
        }
    }
}
