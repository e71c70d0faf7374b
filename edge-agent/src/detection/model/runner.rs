//! The model on its own thread, so that nothing it does can hold up a rule.
//!
//! [`ModelRunner::submit`] never waits: when the queue is full the room is dropped and counted, and the
//! next reading of that room brings it back. Scores come over a channel; when nobody takes them they
//! are dropped and counted too. A model that fails or is slow several times in a row is left alone for
//! a while (a breaker) and then tried once; a bundle that cannot be loaded is tried again as well, so
//! that putting a good bundle in its place heals the agent without a restart. Every such state is a
//! [`ModelFault`] until scores come again.
//!
//! Nothing here survives a crash and nothing has to: the next readings make new features.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use std::{io, panic, thread};

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;

use super::{Backend, Level, Manifest, Model, ModelError, ModelFault, ScoreError, Scored};
use gridwatch_anomaly::features::FeatureRow;

/// How a runner works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunnerSettings {
    /// Rooms that may wait; more are dropped. 1,024 rooms are about 200 KB.
    pub queue: usize,
    /// Rooms scored together.
    pub batch: usize,
    /// What a batch may take. The shipped model takes some tens of µs.
    pub budget: Duration,
    /// Failures, or slow batches, in a row that open the breaker.
    pub failures: u32,
    /// How long the breaker stays open, and the time between attempts to load.
    pub pause: Duration,
    /// Rooms waiting this long without any progress mean that the model is mute.
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

/// A room's score, with what the caller gave along.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome<T> {
    /// What the caller gave along.
    pub ticket: T,
    /// The score.
    pub scored: Scored,
    /// Its level by the manifest's thresholds.
    pub level: Level,
}

/// Rooms in, out and lost since the start.
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
    /// Scored, and dropped because nobody took the scores.
    pub untaken: u64,
}

/// Scores a batch.
pub type ScoreFn = Box<dyn FnMut(&[FeatureRow]) -> Result<Vec<Scored>, ScoreError> + Send>;

/// What a runner needs of a loaded model.
pub struct Loaded {
    /// Its manifest.
    pub manifest: Arc<Manifest>,
    /// How it scores.
    pub score: ScoreFn,
}

/// A model on its own thread. Dropping it ends the thread after the batch at hand.
#[derive(Debug)]
pub struct ModelRunner<T> {
    queue: SyncSender<(T, FeatureRow)>,
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
    mute_after: Duration,
}

impl<T: Send + 'static> ModelRunner<T> {
    /// Starts the thread; the bundle is loaded there. A bundle that cannot be loaded is a
    /// [`ModelRunner::fault`] and no error.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn start(
        bundle: PathBuf,
        backend: Backend,
        settings: RunnerSettings,
        results: tokio::sync::mpsc::Sender<Outcome<T>>,
    ) -> io::Result<Self> {
        let load = move || {
            let mut model = Model::load(&bundle, &backend)?;
            Ok(Loaded {
                manifest: Arc::new(model.manifest().clone()),
                score: Box::new(move |rows| model.score(rows)),
            })
        };
        Self::start_with(load, settings, results)
    }

    /// [`ModelRunner::start`] with another way to get a model.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn start_with(
        load: impl FnMut() -> Result<Loaded, ModelError> + Send + 'static,
        settings: RunnerSettings,
        results: tokio::sync::mpsc::Sender<Outcome<T>>,
    ) -> io::Result<Self> {
        let (queue, jobs) = sync_channel(settings.queue);
        let shared = Arc::new(Shared::default());
        let mute_after = settings.mute_after;
        let work = Work {
            load,
            settings,
            jobs,
            results,
            shared: Arc::clone(&shared),
            model: None,
            in_row: 0,
            closed_until: None,
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

    /// Hands a room over. Never waits; `false` when it was dropped.
    pub fn submit(&self, ticket: T, features: FeatureRow) -> bool {
        // Before the hand-over, so that the thread never counts a room that is not counted here.
        self.shared.began_waiting();
        match self.queue.try_send((ticket, features)) {
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

    /// What is wrong at present.
    #[must_use]
    pub fn fault(&self) -> Option<ModelFault> {
        if self.thread.is_finished() {
            return Some(ModelFault::Gone);
        }
        let state = self.shared.state();
        let quiet = state.progress.map_or(Duration::ZERO, |at| at.elapsed());
        if self.shared.waiting.load(Relaxed) > 0 && quiet >= self.mute_after {
            return Some(ModelFault::Mute {
                seconds: quiet.as_secs(),
            });
        }
        state.fault.clone()
    }

    /// The manifest of the model that is running.
    #[must_use]
    pub fn manifest(&self) -> Option<Arc<Manifest>> {
        self.shared.state().manifest.clone()
    }

    /// Rooms in, out and lost since the start.
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

/// What the runner's owner and its thread both see. The lock is held for copies only.
#[derive(Debug, Default)]
struct Shared {
    queued: AtomicU64,
    dropped: AtomicU64,
    scored: AtomicU64,
    unscored: AtomicU64,
    untaken: AtomicU64,
    waiting: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    fault: Option<ModelFault>,
    manifest: Option<Arc<Manifest>>,
    /// When rooms last began to wait or a batch was last finished.
    progress: Option<Instant>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn began_waiting(&self) {
        if self.waiting.fetch_add(1, Relaxed) == 0 {
            self.state().progress = Some(Instant::now());
        }
    }

    fn finished(&self, rooms: u64) {
        self.waiting.fetch_sub(rooms, Relaxed);
        self.state().progress = Some(Instant::now());
    }
}

/// The thread's side.
struct Work<T, L> {
    load: L,
    settings: RunnerSettings,
    jobs: Receiver<(T, FeatureRow)>,
    results: tokio::sync::mpsc::Sender<Outcome<T>>,
    shared: Arc<Shared>,
    model: Option<Loaded>,
    in_row: u32,
    closed_until: Option<Instant>,
}

impl<T, L: FnMut() -> Result<Loaded, ModelError>> Work<T, L> {
    fn run(mut self) {
        loop {
            self.load_if_due();
            // Wakes up without a room as well, so that a bundle put right is found.
            let first = match self.jobs.recv_timeout(self.settings.pause) {
                Ok(first) => first,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let (mut tickets, mut rows) = (vec![first.0], vec![first.1]);
            while rows.len() < self.settings.batch
                && let Ok((ticket, row)) = self.jobs.try_recv()
            {
                tickets.push(ticket);
                rows.push(row);
            }
            self.score(tickets, &rows);
            self.shared.finished(rows.len() as u64);
        }
    }

    fn load_if_due(&mut self) {
        if self.model.is_some() || self.is_closed() {
            return;
        }
        let loaded = panic::catch_unwind(AssertUnwindSafe(|| (self.load)())).unwrap_or(Err(
            ModelError::Panic {
                during: "loading the model",
            },
        ));
        let mut state = self.shared.state();
        match loaded {
            Ok(loaded) => {
                state.manifest = Some(Arc::clone(&loaded.manifest));
                // A model that was given up for failing has to score before it is well again.
                if matches!(state.fault, Some(ModelFault::NotLoaded { .. })) {
                    state.fault = None;
                }
                self.model = Some(loaded);
            }
            Err(error) => {
                state.manifest = None;
                state.fault = Some(ModelFault::NotLoaded {
                    error: format!("{:#}", anyhow::Error::new(error)),
                });
                self.closed_until = Some(Instant::now() + self.settings.pause);
            }
        }
    }

    fn is_closed(&self) -> bool {
        self.closed_until
            .is_some_and(|until| Instant::now() < until)
    }

    fn score(&mut self, tickets: Vec<T>, rows: &[FeatureRow]) {
        if self.is_closed() {
            self.shared.unscored.fetch_add(rows.len() as u64, Relaxed);
            return;
        }
        self.load_if_due();
        let Some(model) = &mut self.model else {
            self.shared.unscored.fetch_add(rows.len() as u64, Relaxed);
            return;
        };
        let manifest = Arc::clone(&model.manifest);
        let start = Instant::now();
        let scored = panic::catch_unwind(AssertUnwindSafe(|| (model.score)(rows)))
            .unwrap_or(Err(ScoreError::Panic));
        match scored {
            Ok(scored) => {
                self.note_time(start.elapsed());
                self.hand_over(&manifest, tickets, scored);
            }
            Err(error) => {
                self.shared.unscored.fetch_add(rows.len() as u64, Relaxed);
                if error == ScoreError::Panic {
                    // What a panic left behind is not used again.
                    self.model = None;
                }
                self.failed(ModelFault::Failing {
                    error: error.to_string(),
                });
            }
        }
    }

    fn note_time(&mut self, took: Duration) {
        if took <= self.settings.budget {
            self.in_row = 0;
            self.shared.state().fault = None;
            return;
        }
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.failed(ModelFault::TooSlow {
            took_ms: ms(took),
            budget_ms: ms(self.settings.budget),
        });
    }

    fn failed(&mut self, fault: ModelFault) {
        self.in_row += 1;
        if self.in_row >= self.settings.failures {
            // One more failure after the pause opens the breaker again.
            self.in_row = self.settings.failures - 1;
            self.closed_until = Some(Instant::now() + self.settings.pause);
            self.shared.state().fault = Some(fault);
        }
    }

    fn hand_over(&self, manifest: &Manifest, tickets: Vec<T>, scored: Vec<Scored>) {
        for (ticket, scored) in tickets.into_iter().zip(scored) {
            let level = manifest.thresholds.level(scored.score);
            let outcome = Outcome {
                ticket,
                scored,
                level,
            };
            let counter = match self.results.try_send(outcome) {
                Ok(()) => &self.shared.scored,
                Err(_) => &self.shared.untaken,
            };
            counter.fetch_add(1, Relaxed);
        }
    }
}
