//! The shipped bundles.

use proptest::prelude::*;

use super::*;

/// Features and outputs of the golden rows, as the trainer wrote them.
fn golden(fuser: Fuser) -> Vec<(Vec<f32>, Vec<f32>)> {
    let width = Engine::of(fuser).width();
    let mut reader = csv::Reader::from_path(shipped(fuser).join("golden.csv")).expect("readable");
    let rows = reader.deserialize::<Vec<f32>>().map(|record| {
        let mut features = record.expect("numbers");
        let outputs = features.split_off(width);
        (features, outputs)
    });
    rows.collect()
}

#[test]
fn golden_rows_come_out_as_the_trainers_wrote_them() {
    for fuser in Fuser::ALL {
        let mut model = model(fuser);
        let golden = golden(fuser);
        assert!(golden.len() >= 10, "only {} golden rows", golden.len());
        for (row, (features, outputs)) in golden.iter().enumerate() {
            let verdict = model.score(features).expect("scored").remove(0);
            let found = std::iter::once(verdict.score)
                .chain(verdict.prob)
                .chain(verdict.contributions);
            for (expected, found) in outputs.iter().zip(found) {
                assert!(
                    (expected - found).abs() <= 1e-4,
                    "{fuser:?}, row {row}: {found}, not {expected}"
                );
            }
        }
    }
}

#[test]
fn rows_that_nothing_is_known_of_are_normal() {
    for fuser in Fuser::ALL {
        let mut model = model(fuser);
        let nothing = vec![0.0; Engine::of(fuser).width()];
        let verdict = model.score(&nothing).expect("scored").remove(0);
        assert!(
            verdict.score < model.manifest().thresholds.notice,
            "{verdict:?}"
        );
        assert_eq!(verdict.class(), 0, "{verdict:?}");
    }
}

#[test]
fn batches_of_any_size_give_the_same_verdicts_as_single_rows() {
    for fuser in Fuser::ALL {
        let mut model = model(fuser);
        let width = Engine::of(fuser).width();
        let rows: Vec<Vec<f32>> = (0..150_u8)
            .map(|n| {
                (0..width)
                    .map(|i| f32::from(n % 13) * 0.1 - i as f32 * 0.02)
                    .collect()
            })
            .collect();
        let together = model.score(&rows.concat()).expect("scored");
        assert_eq!(together.len(), rows.len());
        for (row, verdict) in rows.iter().zip(together) {
            let alone = model.score(row).expect("scored").remove(0);
            assert!((alone.score - verdict.score).abs() < 1e-5);
        }
        assert_eq!(model.score(&[]).expect("nothing to do"), Vec::new());
    }
}

#[test]
fn rows_that_are_not_numbers_or_of_another_width_are_refused() {
    let mut model = model(Fuser::Counts);
    let width = Engine::Counts.width();
    let mut rows = vec![0.0; 2 * width];
    rows[width + 7] = f32::NAN;
    let error = model.score(&rows).expect_err("refused");
    assert_eq!(error.to_string(), "feature 7 of row 1 is NaN");
    let error = model.score(&rows[..width + 1]).expect_err("refused");
    assert_eq!(
        error.to_string(),
        format!("{} numbers are no rows of {width} features", width + 1)
    );
}

#[test]
fn verdict_that_its_contributions_do_not_explain_is_refused() {
    let verdict = |score: f32, prob: [f32; 2]| gridwatch_anomaly::model::Verdict {
        score,
        prob: prob.into(),
        contributions: vec![0.0, 1.0],
    };
    let share = 1.0 / (1.0 + (-1.0_f32).exp());
    check_verdicts(&[0.0, 0.0], &[verdict(0.3, [1.0 - share, share])]).expect("explained");
    for (score, prob) in [
        (0.3, [0.5, 0.5]),
        (0.3, [f32::NAN, share]),
        (f32::NAN, [1.0 - share, share]),
        (-0.1, [1.0 - share, share]),
        (1.1, [1.0 - share, share]),
    ] {
        let refused = check_verdicts(&[0.0, 0.0], &[verdict(score, prob)]);
        assert!(refused.is_err(), "{score} {prob:?} passed");
    }
}

#[test]
fn library_that_is_not_there_is_told_and_the_built_in_runtime_goes_on() {
    let bundle = Bundle::read(&shipped(Fuser::Counts), &shipped_keys()).expect("good");
    let other = Backend::Library("/nowhere/libonnxruntime.so".into());
    let error = Model::start(&bundle, &other)
        .map(drop)
        .expect_err("refused");
    assert_eq!(
        error.to_string(),
        "starting the model runtime `/nowhere/libonnxruntime.so`: there is no such file; correct \
         the path"
    );
    model(Fuser::Counts);
}

#[test]
fn set_of_the_shipped_folder_has_both_and_tells_of_what_is_missing() {
    let folder = shipped(Fuser::Env).join("..");
    let (mut set, problems) = ModelSet::load(&folder, &shipped_keys(), &Backend::BuiltIn);
    assert!(problems.is_empty(), "{problems:?}");
    for fuser in Fuser::ALL {
        assert_eq!(set.about(fuser).expect("there").id, fuser.id());
    }
    assert_eq!(set.counts(&[0.0; 16]).expect("scored").len(), 1);
    let nothing = tempfile::tempdir().expect("a temporary directory");
    let (mut set, problems) = ModelSet::load(nothing.path(), &shipped_keys(), &Backend::BuiltIn);
    assert_eq!(problems.len(), 2);
    assert!(set.counts(&[0.0; 16]).is_err() && set.about(Fuser::Env).is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_row_in_range_gets_a_sound_verdict(seed in prop::collection::vec(-8.0_f32..8.0, 1..97)) {
        thread_local! {
            static MODELS: std::cell::RefCell<Vec<Model>> =
                std::cell::RefCell::new(Fuser::ALL.map(model).into());
        }
        MODELS.with_borrow_mut(|models| {
            for (model, fuser) in models.iter_mut().zip(Fuser::ALL) {
                let row: Vec<f32> = seed.iter().copied().cycle().take(Engine::of(fuser).width()).collect();
                // Refuses what is not explained by its contributions.
                model.score(&row).expect("scored");
            }
        });
    }
}
