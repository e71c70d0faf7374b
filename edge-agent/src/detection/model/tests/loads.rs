//! Bundles come and go while rows flow; what was accepted is remembered.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::*;

const PATIENCE: Duration = Duration::from_secs(30);

/// A gateway's folders with a runner and a loader that is asked by hand.
struct Gateway {
    copy: Copy,
    state: tempfile::TempDir,
    shadow: Option<PathBuf>,
    runner: ModelRunner<u64>,
    taken: mpsc::Receiver<Outcome<u64>>,
    loader: Loader,
}

impl Gateway {
    fn new() -> Self {
        Self::with(
            Copy::of(Fuser::Counts),
            tempfile::tempdir().expect("a folder"),
            None,
        )
    }

    fn with(copy: Copy, state: tempfile::TempDir, shadow: Option<PathBuf>) -> Self {
        let (results, taken) = mpsc::channel(100_000);
        let settings = RunnerSettings {
            queue: 100_000,
            budget: Duration::from_secs(10),
            ..RunnerSettings::default()
        };
        let runner = ModelRunner::start(settings, results).expect("a thread");
        let source = Source {
            bundles: copy.folder.path().to_owned(),
            shadow: shadow.clone(),
            keys: copy.keys(),
            backend: Backend::BuiltIn,
            state_dir: state.path().to_owned(),
        };
        let mut loader = Loader::new(source, runner.handle());
        loader.look();
        Self {
            copy,
            state,
            shadow,
            runner,
            taken,
            loader,
        }
    }

    /// The same folders after a restart.
    fn restarted(self) -> Self {
        let Self {
            copy,
            state,
            shadow,
            ..
        } = self;
        Self::with(copy, state, shadow)
    }

    fn codes(&self) -> Vec<&'static str> {
        let faults = self.runner.faults(Fuser::Counts);
        faults.iter().map(ModelFault::code).collect()
    }

    fn build(&self) -> Option<u64> {
        self.runner
            .manifest(Fuser::Counts)
            .map(|manifest| manifest.build)
    }

    fn score(&mut self, ticket: u64) -> Outcome<u64> {
        let row = vec![0.0; Engine::Counts.width()];
        assert!(self.runner.submit(ticket, Fuser::Counts, row));
        self.taken.blocking_recv().expect("a verdict")
    }
}

fn first_build() -> u64 {
    model(Fuser::Counts).manifest().build
}

#[test]
fn good_bundle_runs_and_is_kept_in_the_state_folder() {
    let mut gateway = Gateway::new();
    assert_eq!(gateway.codes(), Vec::<&str>::new());
    assert_eq!(gateway.score(7).ticket, 7);
    let store = Store::new(gateway.state.path());
    let kept = store
        .last_good("count-fuser")
        .expect("readable")
        .expect("kept");
    let again = Bundle::read(&kept, &gateway.copy.keys()).expect("good");
    assert_eq!(again.sha256(), gateway.copy.read().expect("good").sha256());
    // The other fuser is not in the folder, and was never: nobody misses it.
    assert!(gateway.runner.faults(Fuser::Env).is_empty());
}

#[test]
fn older_build_is_refused_also_after_a_restart_and_the_accepted_one_goes_on() {
    let newer = first_build() + 5;
    let mut gateway = Gateway::new();
    gateway.copy.set_build(newer);
    gateway.loader.look();
    assert_eq!(gateway.build(), Some(newer));
    gateway.copy.set_build(newer - 1);
    gateway.loader.look();
    assert_eq!(
        (gateway.build(), gateway.codes()),
        (Some(newer), vec!["model_refused"])
    );
    let text = gateway.runner.faults(Fuser::Counts)[0].text().en;
    assert!(
        text.contains(&format!(
            "build {} of `count-fuser` is older than build {newer}",
            newer - 1
        )),
        "{text}"
    );
    let mut gateway = gateway.restarted();
    assert_eq!(
        (gateway.build(), gateway.codes()),
        (Some(newer), vec!["model_refused"])
    );
    gateway.copy.set_build(newer + 1);
    gateway.loader.look();
    assert_eq!(
        (gateway.build(), gateway.codes()),
        (Some(newer + 1), vec![])
    );
}

#[test]
fn bad_bundle_leaves_the_one_that_runs_and_a_restart_takes_the_last_good_one() {
    let mut gateway = Gateway::new();
    let build = gateway.build();
    std::fs::write(gateway.copy.path("model.onnx"), b"not a model").expect("written");
    gateway.loader.look();
    assert_eq!(
        (gateway.build(), gateway.codes()),
        (build, vec!["model_refused"])
    );
    gateway.score(1);
    let mut gateway = gateway.restarted();
    assert_eq!(
        (gateway.build(), gateway.codes()),
        (build, vec!["model_refused"])
    );
    gateway.score(2);
    // Gone altogether is no better than broken.
    std::fs::remove_dir_all(gateway.copy.directory()).expect("removed");
    gateway.loader.look();
    assert_eq!(
        (gateway.build(), gateway.codes()),
        (build, vec!["model_refused"])
    );
}

#[test]
fn damaged_memory_of_what_was_accepted_lets_no_model_in() {
    let gateway = Gateway::new();
    let index = gateway.state.path().join("models/accepted.toml");
    std::fs::write(index, "half a li").expect("written");
    let gateway = gateway.restarted();
    assert_eq!(
        (gateway.build(), gateway.codes()),
        (None, vec!["model_unavailable"])
    );
}

#[test]
fn nothing_good_at_all_is_a_fault_and_a_good_bundle_heals_it() {
    let copy = Copy::of(Fuser::Counts);
    let good = std::fs::read(copy.path("golden.csv")).expect("readable");
    std::fs::write(copy.path("golden.csv"), b"").expect("written");
    let mut gateway = Gateway::with(copy, tempfile::tempdir().expect("a folder"), None);
    assert_eq!(
        (gateway.build(), gateway.codes()),
        (None, vec!["model_unavailable"])
    );
    let text = gateway.runner.faults(Fuser::Counts)[0].text();
    assert!(
        text.zh.contains("规则照常运行") && text.en.contains("golden.csv"),
        "{text:?}"
    );
    std::fs::write(gateway.copy.path("golden.csv"), good).expect("written");
    gateway.loader.look();
    assert_eq!(
        (gateway.build(), gateway.codes()),
        (Some(first_build()), vec![])
    );
}

#[test]
fn models_are_exchanged_while_rows_flow_and_none_is_lost() {
    let mut gateway = Gateway::new();
    let first = first_build();
    let row = vec![0.0; Engine::Counts.width()];
    let start = Instant::now();
    let (mut sent, mut seen) = (0_u64, Vec::new());
    for build in first + 1..=first + 3 {
        let handle = gateway.runner.handle();
        let next = {
            gateway.copy.set_build(build);
            let bundle = gateway.copy.read().expect("good");
            Loaded::start(&bundle, Engine::Counts, &Backend::BuiltIn).expect("good")
        };
        for n in 0..2_000 {
            assert!(
                gateway.runner.submit(sent, Fuser::Counts, row.clone()),
                "dropped"
            );
            sent += 1;
            if n == 1_000 {
                break;
            }
        }
        handle.put(Fuser::Counts, next);
        for _ in 0..1_000 {
            assert!(
                gateway.runner.submit(sent, Fuser::Counts, row.clone()),
                "dropped"
            );
            sent += 1;
        }
    }
    for expected in 0..sent {
        let outcome = gateway.taken.blocking_recv().expect("a verdict");
        assert_eq!(outcome.ticket, expected, "in order and none missing");
        if seen.last() != Some(&outcome.manifest.build) {
            seen.push(outcome.manifest.build);
        }
    }
    assert!(start.elapsed() < PATIENCE);
    assert!(seen.is_sorted(), "never back to an old one: {seen:?}");
    assert_eq!(seen.last(), Some(&(first + 3)));
    assert_eq!(
        gateway.runner.counters().dropped + gateway.runner.counters().unscored,
        0
    );
}

#[test]
fn candidate_is_compared_and_changes_no_verdict() {
    let candidates = Copy::of(Fuser::Counts);
    let copy = Copy {
        pair: minisign::KeyPair {
            pk: candidates.pair.pk.clone(),
            sk: candidates.pair.sk.clone(),
        },
        ..Copy::of(Fuser::Counts)
    };
    copy.sign();
    // Everything is a notice to the candidate, also what nothing is known of.
    let notice = candidates.read().expect("good").manifest.thresholds.notice;
    candidates.edit(&format!("notice = {notice}"), "notice = 0.0000001");
    candidates.set_build(first_build() + 9);
    let shadow = candidates.folder.path().to_owned();
    let mut gateway = Gateway::with(copy, tempfile::tempdir().expect("a folder"), Some(shadow));
    assert_eq!(gateway.codes(), Vec::<&str>::new());
    for ticket in 0..20 {
        let outcome = gateway.score(ticket);
        assert_eq!(outcome.manifest.build, first_build());
    }
    let start = Instant::now();
    let counts = loop {
        let counts = gateway.runner.shadow(Fuser::Counts).expect("a candidate");
        if counts.rows == 20 || start.elapsed() > PATIENCE {
            break counts;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    assert_eq!((counts.rows, counts.higher, counts.lower), (20, 20, 0));
    assert_eq!((counts.build, counts.samples.len()), (first_build() + 9, 8));
    assert_eq!(counts.samples[0].candidate_level, Level::Notice);
    // It has not been accepted: its build number binds nobody.
    let store = Store::new(gateway.state.path());
    assert_eq!(
        store.highest("count-fuser").expect("readable"),
        Some(first_build())
    );
    std::fs::write(candidates.path("model.onnx"), b"broken").expect("written");
    gateway.loader.look();
    assert_eq!(gateway.codes(), vec!["model_candidate"]);
    assert!(gateway.runner.shadow(Fuser::Counts).is_none());
    gateway.score(21);
}

#[test]
fn failing_candidate_is_given_up_and_the_current_model_goes_on() {
    let mut gateway = Gateway::new();
    let manifest = gateway.runner.manifest(Fuser::Counts).expect("running");
    let loaded = Loaded {
        manifest: Arc::clone(&manifest),
        score: Box::new(|_| panic!("made to panic")),
    };
    gateway
        .runner
        .handle()
        .put_candidate(Fuser::Counts, Some(loaded));
    gateway.score(1);
    gateway.score(2);
    let start = Instant::now();
    while gateway.codes() != vec!["model_candidate"] {
        assert!(start.elapsed() < PATIENCE, "{:?}", gateway.codes());
        std::thread::sleep(Duration::from_millis(2));
    }
    gateway.score(3);
    assert!(!gateway.runner.faults(Fuser::Counts)[0].is_outage());
}
