//! The models on one thread of their own, so that nothing they do can hold up a rule.
//!
//! [`ModelRunner::submit`] never waits: when the queue is full the row is dropped and counted, and the
//! next reading of that sensor brings it back. Rows of many sensors that wait are scored together.
//! Verdicts come over a channel; when nobody takes them they are dropped and counted too. A model that
//! fails or is slow several times in a row is left alone for a while (a breaker) and then tried once.
//!
//! Models are put in and exchanged while rows flow ([`Handle::put`]): each batch is scored wholly by the
//! old or wholly by the new one, and none is lost. A candidate is run behind the current model, after
//! its verdicts are handed over, and is only compared with it (the module `shadow`).
//!
//! Nothing here survives a crash and nothing has to: the next readings make new rows.

mod breaker;
mod handle;

pub use handle::Handle;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use std::{io, thread};

use gridwatch_anomaly::model::{Fuser, Verdict};
use gridwatch_protocol::ShadowStatus;

use super::{Loaded, Manifest, ModelFault, ScoreError, shadow};
use breaker::Breaker;
use handle::Shared;

/// How a runner works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunnerSettings {
    /// Rows that may wait; more are dropped. 1,024 rows are about 330 KB.
    pub queue: usize,
    /// Rows scored together.
    pub batch: usize,
    /// What a batch may take. The shipped models take some tens of µs.
    pub budget: Duration,
    /// Failures, or slow batches, in a row that open the breaker.
    pub failures: u32,
    /// How long the breaker stays open.
    pub pause: Duration,
    /// Rows waiting this long without any progress mean that the models are mute.
    pub mute_after: Duration,
}

impl Default for RunnerSettings {
    fn default() -> Self {
        Self {
            queue: 1024,
            batch: super::BATCH_MAX,
            budget: Duration::from_millis(50),
            failures: 3,
            pause: Duration::from_secs(30),
            mute_after: Duration::from_secs(5),
        }
    }
}

/// A row's verdict, with what the caller gave along.
#[derive(Debug, Clone)]
pub struct Outcome<T> {
    /// What the caller gave along.
    pub ticket: T,
    /// Who says it.
    pub manifest: Arc<Manifest>,
    /// What it says.
    pub verdict: Verdict,
}

/// Rows in, out and lost since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunnerCounters {
    /// Put into the queue.
    pub queued: u64,
    /// Dropped because the queue was full or the thread had ended.
    pub dropped: u64,
    /// Scored and handed over.
    pub scored: u64,
    /// Not scored: no model, breaker open, or the inference failed.
    pub unscored: u64,
    /// Scored, and dropped because nobody took the verdicts.
    pub untaken: u64,
}

/// The models on their own thread. Dropping it ends the thread after the batch at hand.
#[derive(Debug)]
pub struct ModelRunner<T> {
    queue: SyncSender<Job<T>>,
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
    mute_after: Duration,
}

#[derive(Debug)]
struct Job<T> {
    ticket: T,
    fuser: Fuser,
    row: Vec<f32>,
}

impl<T: Send + 'static> ModelRunner<T> {
    /// Starts the thread, without any model: [`Handle::put`] brings them.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn start(
        settings: RunnerSettings,
        results: tokio::sync::mpsc::Sender<Outcome<T>>,
    ) -> io::Result<Self> {
        let (queue, jobs) = sync_channel(settings.queue);
        let shared = Arc::new(Shared::default());
        let mute_after = settings.mute_after;
        let work = Work {
            seats: Fuser::ALL.map(|_| Seats::new(&settings)),
            settings,
            jobs,
            results,
            shared: Arc::clone(&shared),
        };
        let thread = thread::Builder::new()
            .name("model".into())
            .spawn(move || work.run())?;
        Ok(Self {
            queue,
            shared,
            thread,
            mute_after,
        })
    }

    /// Hands a row over. Never waits; `false` when it was dropped.
    pub fn submit(&self, ticket: T, fuser: Fuser, row: Vec<f32>) -> bool {
        // Before the hand-over, so that the thread never counts a row that is not counted here.
        self.shared.began_waiting();
        match self.queue.try_send(Job { ticket, fuser, row }) {
            Ok(()) => {
                self.shared.queued.fetch_add(1, Relaxed);
                true
            }
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.shared.waiting.fetch_sub(1, Relaxed);
                self.shared.dropped.fetch_add(1, Relaxed);
                false
            }
        }
    }

    /// Where models are put in.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle(Arc::clone(&self.shared))
    }

    /// What is wrong at present with a fuser.
    #[must_use]
    pub fn faults(&self, fuser: Fuser) -> Vec<ModelFault> {
        if self.thread.is_finished() {
            return vec![ModelFault::Gone];
        }
        let quiet = self.shared.quiet();
        let mut faults = self.shared.slot(fuser, |slot| slot.faults());
        if self.shared.waiting.load(Relaxed) > 0 && quiet >= self.mute_after {
            let seconds = quiet.as_secs();
            faults.push(ModelFault::Mute { seconds });
        }
        faults
    }

    /// The manifest of the model that is running.
    #[must_use]
    pub fn manifest(&self, fuser: Fuser) -> Option<Arc<Manifest>> {
        self.shared.slot(fuser, |slot| slot.current.clone())
    }

    /// What the candidate did, if there is one.
    #[must_use]
    pub fn shadow(&self, fuser: Fuser) -> Option<ShadowStatus> {
        self.shared.slot(fuser, |slot| slot.shadow.clone())
    }

    /// Rows in, out and lost since the start.
    #[must_use]
    pub fn counters(&self) -> RunnerCounters {
        RunnerCounters {
            queued: self.shared.queued.load(Relaxed),
            dropped: self.shared.dropped.load(Relaxed),
            scored: self.shared.scored.load(Relaxed),
            unscored: self.shared.unscored.load(Relaxed),
            untaken: self.shared.untaken.load(Relaxed),
        }
    }
}

/// The thread's side.
struct Work<T> {
    settings: RunnerSettings,
    jobs: Receiver<Job<T>>,
    results: tokio::sync::mpsc::Sender<Outcome<T>>,
    shared: Arc<Shared>,
    seats: [Seats; 2],
}

/// The models of one fuser.
struct Seats {
    current: Option<Loaded>,
    candidate: Option<Loaded>,
    breaker: Breaker,
    candidate_breaker: Breaker,
}

impl Seats {
    fn new(settings: &RunnerSettings) -> Self {
        Self {
            current: None,
            candidate: None,
            breaker: Breaker::new(settings.failures, settings.pause),
            candidate_breaker: Breaker::new(settings.failures, settings.pause),
        }
    }
}

impl<T> Work<T> {
    fn run(mut self) {
        loop {
            let first = match self.jobs.recv_timeout(self.settings.pause) {
                Ok(first) => first,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let mut batch = vec![first];
            while batch.len() < self.settings.batch
                && let Ok(job) = self.jobs.try_recv()
            {
                batch.push(job);
            }
            let count = batch.len() as u64;
            for fuser in Fuser::ALL {
                let (of_fuser, rest) = batch.into_iter().partition(|job| job.fuser == fuser);
                batch = rest;
                self.take_incoming(fuser);
                self.score(fuser, of_fuser);
            }
            self.shared.finished(count);
        }
    }

    /// Seats what was put in since the last batch; what sat there is gone with this.
    fn take_incoming(&mut self, fuser: Fuser) {
        let (current, candidate) = self.shared.slot(fuser, |slot| {
            (slot.incoming.take(), slot.incoming_candidate.take())
        });
        let seats = &mut self.seats[handle::index(fuser)];
        if let Some(current) = current {
            seats.current = Some(current);
            seats.breaker.reset();
        }
        if let Some(candidate) = candidate {
            seats.candidate = candidate;
            seats.candidate_breaker.reset();
        }
    }

    fn score(&mut self, fuser: Fuser, jobs: Vec<Job<T>>) {
        if jobs.is_empty() {
            return;
        }
        let rows: Vec<f32> = jobs.iter().flat_map(|job| &job.row).copied().collect();
        let tickets: Vec<T> = jobs.into_iter().map(|job| job.ticket).collect();
        let seats = &mut self.seats[handle::index(fuser)];
        let unscored = &self.shared.unscored;
        let Some(model) = seats.current.as_mut().filter(|_| !seats.breaker.is_open()) else {
            unscored.fetch_add(tickets.len() as u64, Relaxed);
            return;
        };
        let (scored, took) = timed(model, &rows);
        let manifest = Arc::clone(&model.manifest);
        match scored {
            Ok(verdicts) if verdicts.len() == tickets.len() => {
                let slow = slow(took, self.settings.budget);
                let fault = seats.breaker.note(slow);
                self.shared.slot(fuser, |slot| slot.running = fault);
                self.hand_over(&manifest, tickets, &verdicts);
                self.shadow(fuser, &manifest, &rows, &verdicts);
            }
            outcome => {
                unscored.fetch_add(tickets.len() as u64, Relaxed);
                let error = match outcome {
                    Ok(verdicts) => format!("{} rows gave {}", tickets.len(), verdicts.len()),
                    Err(error) => {
                        if error == ScoreError::Panic {
                            // What a panic left behind is not used again.
                            seats.current = None;
                            self.shared.slot(fuser, |slot| slot.reload = true);
                        }
                        error.to_string()
                    }
                };
                let fault = seats.breaker.note(Some(ModelFault::Failing { error }));
                if fault.is_some() {
                    self.shared.slot(fuser, |slot| slot.running = fault);
                }
            }
        }
    }

    fn hand_over(&self, manifest: &Arc<Manifest>, tickets: Vec<T>, verdicts: &[Verdict]) {
        for (ticket, verdict) in tickets.into_iter().zip(verdicts) {
            let outcome = Outcome {
                ticket,
                manifest: Arc::clone(manifest),
                verdict: verdict.clone(),
            };
            let counter = match self.results.try_send(outcome) {
                Ok(()) => &self.shared.scored,
                Err(_) => &self.shared.untaken,
            };
            counter.fetch_add(1, Relaxed);
        }
    }

    fn shadow(&mut self, fuser: Fuser, current: &Manifest, rows: &[f32], verdicts: &[Verdict]) {
        let seats = &mut self.seats[handle::index(fuser)];
        let Some(candidate) = &mut seats.candidate else {
            return;
        };
        let (scored, took) = timed(candidate, rows);
        let trouble = match &scored {
            Ok(_) => slow(took, self.settings.budget),
            Err(error) => Some(ModelFault::Failing {
                error: error.to_string(),
            }),
        };
        if let Ok(theirs) = &scored {
            let manifests = (current, &*candidate.manifest);
            self.shared.slot(fuser, |slot| {
                if let Some(counts) = &mut slot.shadow {
                    shadow::compare(counts, manifests, (verdicts, theirs));
                }
            });
        }
        let is_panic = matches!(&scored, Err(ScoreError::Panic));
        let given_up = seats.candidate_breaker.note(trouble);
        if is_panic || given_up.is_some() {
            // A candidate is not worth a second try: whoever hands it out puts another one there.
            seats.candidate = None;
            let error = given_up.map_or_else(
                || "the model runtime panicked".to_owned(),
                |fault| fault.text().en,
            );
            let fault = Some(ModelFault::Candidate { error });
            self.shared.slot(fuser, |slot| slot.candidate_fault = fault);
        }
    }
}

fn timed(model: &mut Loaded, rows: &[f32]) -> (Result<Vec<Verdict>, ScoreError>, Duration) {
    let start = Instant::now();
    let scored =
        catch_unwind(AssertUnwindSafe(|| (model.score)(rows))).unwrap_or(Err(ScoreError::Panic));
    (scored, start.elapsed())
}

fn slow(took: Duration, budget: Duration) -> Option<ModelFault> {
    let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    (took > budget).then(|| ModelFault::TooSlow {
        took_ms: ms(took),
        budget_ms: ms(budget),
    })
}
