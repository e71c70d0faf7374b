//! Whatever a model does, the caller never waits and always gets told.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use gridwatch_anomaly::model::Verdict;
use tokio::sync::mpsc;

use super::*;
use runner::RunnerCounters;

const PATIENCE: Duration = Duration::from_secs(20);
const FUSER: Fuser = Fuser::Counts;

/// Waits on a condition, and says what it waited for when it does not come.
fn wait_for(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "waited in vain for: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn quick() -> RunnerSettings {
    RunnerSettings {
        queue: 4,
        pause: Duration::from_millis(50),
        mute_after: Duration::from_millis(50),
        ..RunnerSettings::default()
    }
}

fn row() -> Vec<f32> {
    vec![0.0; Engine::of(FUSER).width()]
}

/// A model that scores as `score` says.
fn scripted(
    score: impl FnMut(&[f32]) -> Result<Vec<Verdict>, ScoreError> + Send + 'static,
) -> Loaded {
    let bundle = Bundle::read(&shipped(FUSER), &shipped_keys()).expect("good");
    Loaded {
        manifest: Arc::new(bundle.manifest().clone()),
        score: Box::new(score),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "stands where a model does")]
fn zeros(rows: &[f32]) -> Result<Vec<Verdict>, ScoreError> {
    let verdict = Verdict {
        score: 0.0,
        prob: vec![1.0, 0.0],
        contributions: vec![0.0; 10],
    };
    Ok(vec![verdict; rows.len() / row().len()])
}

fn runner(
    settings: RunnerSettings,
    loaded: Loaded,
) -> (ModelRunner<u64>, mpsc::Receiver<Outcome<u64>>) {
    let (results, taken) = mpsc::channel(256);
    let runner = ModelRunner::start(settings, results).expect("a thread");
    runner.handle().put(FUSER, loaded);
    (runner, taken)
}

#[test]
fn rows_without_a_model_are_counted_as_unscored() {
    let (results, _taken) = mpsc::channel::<Outcome<u64>>(1);
    let runner = ModelRunner::start(quick(), results).expect("a thread");
    assert!(runner.submit(0, FUSER, row()));
    wait_for("the count", || runner.counters().unscored == 1);
    assert_eq!(runner.manifest(FUSER), None);
    assert!(runner.faults(FUSER).is_empty());
}

#[test]
fn rows_of_both_fusers_find_their_own_model() {
    let (results, mut taken) = mpsc::channel(256);
    let runner = ModelRunner::start(RunnerSettings::default(), results).expect("a thread");
    for fuser in Fuser::ALL {
        let mut model = model(fuser);
        let manifest = Arc::new(model.manifest().clone());
        let score = Box::new(move |rows: &[f32]| model.score(rows));
        runner.handle().put(fuser, Loaded { manifest, score });
    }
    for n in 0..40_u64 {
        let fuser = Fuser::ALL[usize::from(n % 2 == 1)];
        assert!(runner.submit(n, fuser, vec![0.0; Engine::of(fuser).width()]));
    }
    for _ in 0..40 {
        let outcome = taken.blocking_recv().expect("a verdict");
        let fuser = Fuser::ALL[usize::from(outcome.ticket % 2 == 1)];
        assert_eq!(outcome.manifest.id, fuser.id());
    }
}

#[test]
fn stuck_model_never_makes_the_caller_wait_and_is_reported_as_mute() {
    let (release, gate) = channel::<()>();
    let gate: Arc<Mutex<Receiver<()>>> = Arc::new(Mutex::new(gate));
    let (runner, mut taken) = runner(
        quick(),
        scripted(move |rows| {
            // Returns when the sender is gone.
            assert!(gate.lock().expect("not poisoned").recv().is_err());
            zeros(rows)
        }),
    );
    let start = Instant::now();
    let accepted = (0..10_000)
        .filter(|n| runner.submit(*n, FUSER, row()))
        .count();
    assert!(start.elapsed() < PATIENCE / 4, "{:?}", start.elapsed());
    // Four wait, and up to a batch is in the model's hands.
    assert!((4..100).contains(&accepted), "{accepted} accepted");
    wait_for("mute", || {
        runner
            .faults(FUSER)
            .iter()
            .any(|fault| matches!(fault, ModelFault::Mute { .. }))
    });
    let RunnerCounters {
        queued, dropped, ..
    } = runner.counters();
    assert_eq!(queued + dropped, 10_000);
    drop(release);
    for _ in 0..accepted {
        taken.blocking_recv().expect("a verdict");
    }
    wait_for("the fault's end", || {
        !runner
            .faults(FUSER)
            .iter()
            .any(|fault| matches!(fault, ModelFault::Mute { .. }))
    });
}

#[test]
fn panic_in_an_inference_is_contained_and_the_model_is_wanted_anew() {
    let (runner, mut taken) = runner(quick(), scripted(|_| panic!("made to panic")));
    assert!(runner.submit(1, FUSER, row()));
    wait_for("the count", || runner.counters().unscored == 1);
    let handle = runner.handle();
    wait_for("the wish", || handle.wants_reload(FUSER));
    handle.put(FUSER, scripted(zeros));
    assert!(!handle.wants_reload(FUSER));
    assert!(runner.submit(99, FUSER, row()));
    assert_eq!(taken.blocking_recv().expect("a verdict").ticket, 99);
    assert!(runner.faults(FUSER).is_empty());
}

#[test]
fn failing_model_is_paused_reported_and_tried_again() {
    let broken = Arc::new(AtomicBool::new(true));
    let switch = Arc::clone(&broken);
    let (runner, mut taken) = runner(
        quick(),
        scripted(move |rows| {
            if switch.load(Ordering::SeqCst) {
                return Err(ScoreError::Runtime("made to fail".into()));
            }
            zeros(rows)
        }),
    );
    for n in 1..=3_u64 {
        assert!(runner.submit(n, FUSER, row()));
        wait_for("the count", || runner.counters().unscored == n);
    }
    wait_for("the fault", || !runner.faults(FUSER).is_empty());
    let fault = runner.faults(FUSER).remove(0);
    assert_eq!(fault.code(), "model_failing");
    assert!(
        fault.is_outage() && fault.text().en.ends_with("made to fail"),
        "{fault:?}"
    );
    broken.store(false, Ordering::SeqCst);
    wait_for("a verdict", || {
        runner.submit(99, FUSER, row());
        runner.counters().scored > 0
    });
    assert_eq!(taken.blocking_recv().expect("a verdict").ticket, 99);
    wait_for("the fault's end", || runner.faults(FUSER).is_empty());
}

#[test]
fn slow_model_is_paused_and_reported() {
    let settings = RunnerSettings {
        budget: Duration::ZERO,
        pause: Duration::from_secs(3600),
        ..quick()
    };
    let (runner, _taken) = runner(settings, scripted(zeros));
    for n in 1..=3_u64 {
        assert!(runner.submit(n, FUSER, row()));
        wait_for("the verdict", || runner.counters().scored == n);
    }
    wait_for("the fault", || !runner.faults(FUSER).is_empty());
    assert_eq!(runner.faults(FUSER)[0].code(), "model_slow");
    assert!(runner.submit(4, FUSER, row()));
    wait_for("the pause", || runner.counters().unscored == 1);
    // The other fuser has nothing to do with it.
    assert!(runner.faults(Fuser::Env).is_empty());
}

#[test]
fn verdicts_that_nobody_takes_are_counted() {
    let (results, taken) = mpsc::channel::<Outcome<u64>>(1);
    drop(taken);
    let runner = ModelRunner::start(quick(), results).expect("a thread");
    runner.handle().put(FUSER, scripted(zeros));
    assert!(runner.submit(0, FUSER, row()));
    wait_for("the count", || runner.counters().untaken == 1);
    assert!(runner.faults(FUSER).is_empty());
}
