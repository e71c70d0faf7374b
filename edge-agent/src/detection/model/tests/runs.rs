//! Whatever the model does, the caller never waits and always gets told.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::*;
use runner::{Loaded, RunnerCounters};

const ROW: FeatureRow = [0.0; FEATURE_COUNT];
const PATIENCE: Duration = Duration::from_secs(20);

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
        budget: Duration::from_secs(10),
        mute_after: Duration::from_millis(50),
        ..RunnerSettings::default()
    }
}

/// A model that scores as `score` says.
fn scripted(
    score: impl FnMut(&[FeatureRow]) -> Result<Vec<Scored>, ScoreError> + Send + 'static,
) -> Loaded {
    let manifest = Manifest::read(&shipped().join("manifest.toml")).expect("readable");
    Loaded {
        manifest: Arc::new(manifest),
        score: Box::new(score),
    }
}

fn zeros(rows: &[FeatureRow]) -> Result<Vec<Scored>, ScoreError> {
    let scored = Scored {
        score: 0.0,
        contributions: [0.0; Channel::ALL.len()],
    };
    Ok(vec![scored; rows.len()])
}

#[test]
fn scores_come_back_with_their_tickets_and_levels() {
    let (results, mut taken) = mpsc::channel(16);
    let runner = ModelRunner::start(
        shipped(),
        Backend::BuiltIn,
        RunnerSettings::default(),
        results,
    )
    .expect("a thread");
    let mut fire = ROW;
    fire[..6].fill(7.0);
    fire[7] = 1.0;
    assert!(runner.submit("quiet", ROW));
    assert!(runner.submit("fire", fire));
    let first = taken.blocking_recv().expect("a score");
    let second = taken.blocking_recv().expect("a score");
    assert_eq!((first.ticket, first.level), ("quiet", Level::None));
    assert_eq!((second.ticket, second.level), ("fire", Level::Alarm));
    assert_eq!(runner.fault(), None);
    assert_eq!(runner.manifest().expect("running").id, "env-fuser");
}

#[test]
fn missing_bundle_is_a_reported_fault_and_rooms_are_counted_as_unscored() {
    let (results, _taken) = mpsc::channel(16);
    let runner = ModelRunner::start(
        "/nonexistent/bundle".into(),
        Backend::BuiltIn,
        quick(),
        results,
    )
    .expect("a thread");
    wait_for("the fault", || runner.fault().is_some());
    let fault = runner.fault().expect("there");
    assert_eq!(fault.code(), "model_unavailable");
    let text = fault.text();
    assert!(
        text.en
            .contains("reading `/nonexistent/bundle/manifest.toml`"),
        "{}",
        text.en
    );
    assert!(text.zh.contains("规则照常运行"), "{}", text.zh);
    runner.submit((), ROW);
    wait_for("the count", || runner.counters().unscored == 1);
    assert_eq!(runner.manifest(), None);
}

#[test]
fn bundle_put_right_is_found_without_a_restart() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let bundle = directory.path().join("env-fuser");
    let (results, mut taken) = mpsc::channel(16);
    let runner =
        ModelRunner::start(bundle.clone(), Backend::BuiltIn, quick(), results).expect("a thread");
    wait_for("the fault", || runner.fault().is_some());
    let staged = directory.path().join("staged");
    std::fs::create_dir(&staged).expect("created");
    for name in ["manifest.toml", "model.onnx", "golden.csv"] {
        std::fs::copy(shipped().join(name), staged.join(name)).expect("copied");
    }
    std::fs::rename(&staged, &bundle).expect("renamed");
    wait_for("the fault's end", || runner.fault().is_none());
    assert!(runner.submit(1, ROW));
    assert_eq!(taken.blocking_recv().expect("a score").ticket, 1);
}

/// A runner whose model waits inside the inference until `release` is dropped.
fn stuck() -> (
    ModelRunner<u32>,
    std::sync::mpsc::Sender<()>,
    mpsc::Receiver<Outcome<u32>>,
) {
    let (release, gate) = channel::<()>();
    let gate: Arc<Mutex<Receiver<()>>> = Arc::new(Mutex::new(gate));
    let load = move || {
        let gate = Arc::clone(&gate);
        Ok(scripted(move |rows| {
            // Returns when the sender is gone.
            assert!(gate.lock().expect("not poisoned").recv().is_err());
            zeros(rows)
        }))
    };
    let (results, taken) = mpsc::channel(256);
    let runner = ModelRunner::start_with(load, quick(), results).expect("a thread");
    (runner, release, taken)
}

#[test]
fn stuck_model_never_makes_the_caller_wait_and_is_reported_as_mute() {
    let (runner, release, mut taken) = stuck();
    let start = Instant::now();
    let accepted = (0..10_000).filter(|n| runner.submit(*n, ROW)).count();
    assert!(
        start.elapsed() < Duration::from_secs(2),
        "{:?}",
        start.elapsed()
    );
    // Four wait, and up to a batch is in the model's hands.
    assert!((4..100).contains(&accepted), "{accepted} accepted");
    wait_for("mute", || {
        matches!(runner.fault(), Some(ModelFault::Mute { .. }))
    });
    let RunnerCounters {
        queued, dropped, ..
    } = runner.counters();
    assert_eq!(queued + dropped, 10_000);

    drop(release);
    for _ in 0..accepted {
        taken.blocking_recv().expect("a score");
    }
    wait_for("the fault's end", || runner.fault().is_none());
}

#[test]
fn panic_in_an_inference_is_contained_and_the_model_is_loaded_anew() {
    let loads = Arc::new(AtomicU32::new(0));
    let broken = Arc::new(AtomicBool::new(true));
    let load = {
        let (loads, broken) = (Arc::clone(&loads), Arc::clone(&broken));
        move || {
            loads.fetch_add(1, Ordering::SeqCst);
            let broken = Arc::clone(&broken);
            Ok(scripted(move |rows| {
                assert!(!broken.load(Ordering::SeqCst), "made to panic");
                zeros(rows)
            }))
        }
    };
    let (results, mut taken) = mpsc::channel(16);
    let runner = ModelRunner::start_with(load, quick(), results).expect("a thread");
    for n in 1..=3_u64 {
        assert!(runner.submit(n, ROW));
        wait_for("the count", || runner.counters().unscored == n);
    }
    wait_for("the fault", || runner.fault().is_some());
    assert_eq!(
        runner.fault(),
        Some(ModelFault::Failing {
            error: "the model runtime panicked".into()
        })
    );
    assert!(loads.load(Ordering::SeqCst) >= 3);

    broken.store(false, Ordering::SeqCst);
    wait_for("a score", || {
        runner.submit(99, ROW);
        runner.counters().scored > 0
    });
    assert_eq!(taken.blocking_recv().expect("a score").ticket, 99);
    assert_eq!(runner.fault(), None);
}

#[test]
fn panic_while_loading_is_a_fault() {
    let (results, _taken) = mpsc::channel::<Outcome<()>>(1);
    let load = || -> Result<Loaded, ModelError> { panic!("made to panic") };
    let runner = ModelRunner::start_with(load, quick(), results).expect("a thread");
    wait_for("the fault", || runner.fault().is_some());
    let text = runner.fault().expect("there").text();
    assert!(
        text.en
            .ends_with("the model runtime panicked while loading the model"),
        "{}",
        text.en
    );
}

#[test]
fn slow_model_is_paused_and_reported() {
    let settings = RunnerSettings {
        budget: Duration::ZERO,
        pause: Duration::from_secs(3600),
        ..quick()
    };
    let (results, _taken) = mpsc::channel(16);
    let runner =
        ModelRunner::start_with(|| Ok(scripted(zeros)), settings, results).expect("a thread");
    for n in 1..=3_u64 {
        assert!(runner.submit(n, ROW));
        wait_for("the score", || runner.counters().scored == n);
    }
    wait_for("the fault", || runner.fault().is_some());
    assert_eq!(runner.fault().expect("there").code(), "model_slow");
    assert!(runner.submit(4, ROW));
    wait_for("the pause", || runner.counters().unscored == 1);
}

#[test]
fn scores_that_nobody_takes_are_counted() {
    let (results, taken) = mpsc::channel(1);
    drop(taken);
    let runner =
        ModelRunner::start_with(|| Ok(scripted(zeros)), quick(), results).expect("a thread");
    assert!(runner.submit((), ROW));
    wait_for("the count", || runner.counters().untaken == 1);
    assert_eq!(runner.fault(), None);
}
