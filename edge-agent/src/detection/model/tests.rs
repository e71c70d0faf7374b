//! The shipped bundle does what its trainer wrote down, and nothing else is accepted.

mod refusals;
mod replay;
mod runs;

use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use gridwatch_anomaly::features::{ChannelView, PER_CHANNEL, RoomFeatures, features_csv};

fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/env-fuser")
}

fn model() -> Model {
    Model::load(&shipped(), &Backend::BuiltIn).expect("the shipped bundle loads")
}

#[test]
fn golden_rows_come_out_as_the_trainer_wrote_them() {
    let mut model = model();
    let mut reader = csv::Reader::from_path(shipped().join("golden.csv")).expect("readable");
    let mut rows = 0;
    for record in reader.deserialize::<Vec<f32>>() {
        let numbers = record.expect("numbers");
        let (features, outputs) = numbers.split_first_chunk().expect("long enough");
        let scored = model.score(&[*features]).expect("scored")[0];
        let found = std::iter::once(scored.score).chain(scored.contributions);
        for (expected, found) in outputs.iter().zip(found) {
            assert!(
                (expected - found).abs() <= 1e-4,
                "row {rows}: {found}, not {expected}"
            );
        }
        rows += 1;
    }
    assert!(rows >= 30, "only {rows} golden rows");
}

#[test]
fn golden_recording_gives_the_features_that_the_trainer_saw() {
    let recording = std::fs::read(shipped().join("golden-recording.csv")).expect("readable");
    let expected =
        std::fs::read_to_string(shipped().join("golden-features.csv")).expect("readable");
    let mut features = Vec::new();
    features_csv(recording.as_slice(), &mut features).expect("a recording");
    let features = String::from_utf8(features).expect("text");
    for (line, (expected, found)) in expected.lines().zip(features.lines()).enumerate() {
        assert_eq!(expected, found, "line {}", line + 1);
    }
    assert_eq!(expected.lines().count(), features.lines().count());
}

#[test]
fn absent_channels_contribute_nothing() {
    let mut model = model();
    let scored = model.score(&[[0.0; FEATURE_COUNT]]).expect("scored")[0];
    // Up to the last bit of 32-bit sums.
    assert!(
        scored.contributions.iter().all(|c| c.abs() < 1e-6),
        "{scored:?}"
    );
    assert!(scored.score < model.manifest().thresholds.notice);
}

#[test]
fn batches_of_any_size_give_the_same_scores_as_single_rows() {
    let mut model = model();
    let rows: Vec<FeatureRow> = (0..150_u8)
        .map(|n| std::array::from_fn(|i| f32::from(n % 13) * 0.1 - i as f32 * 0.02))
        .collect();
    let together = model.score(&rows).expect("scored");
    assert_eq!(together.len(), rows.len());
    for (row, scored) in rows.iter().zip(together) {
        let alone = model.score(&[*row]).expect("scored")[0];
        assert!((alone.score - scored.score).abs() < 1e-5);
    }
    assert_eq!(model.score(&[]).expect("nothing to do"), Vec::new());
}

#[test]
fn feature_that_is_not_a_number_is_refused() {
    let mut row = [0.0; FEATURE_COUNT];
    row[7] = f32::NAN;
    let error = model()
        .score(&[[0.0; FEATURE_COUNT], row])
        .expect_err("refused");
    assert_eq!(error.to_string(), "feature 7 of row 1 is NaN");
}

#[test]
fn score_that_its_contributions_do_not_explain_is_refused() {
    let contributions = [1.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    for score in [0.9, f32::NAN, -0.1, 1.1] {
        let scored = [Scored {
            score,
            contributions,
        }];
        assert!(check_scores(0.0, &scored).is_err(), "{score} passed");
    }
    let score = 1.0 / (1.0 + (-1.0_f32).exp());
    check_scores(
        0.0,
        &[Scored {
            score,
            contributions,
        }],
    )
    .expect("explained");
}

#[test]
fn runtime_cannot_be_changed_within_a_process() {
    model();
    let other = Backend::Library("/usr/lib/libonnxruntime.so".into());
    let error = Model::load(&shipped(), &other).expect_err("refused");
    assert_eq!(
        error.to_string(),
        "starting the model runtime `/usr/lib/libonnxruntime.so`: the process already runs the \
         one built into the agent; restart the agent to change it"
    );
}

#[test]
fn explanation_names_the_loudest_channels_for_and_against() {
    let view = |value, usual_low, usual_high, per_minute| {
        Some(ChannelView {
            value,
            usual_low,
            usual_high,
            per_minute,
            learned_s: 3600.0,
        })
    };
    let scored = Scored {
        score: 0.93,
        contributions: [4.12, 0.05, 0.0, 1.5, -0.62, -0.3],
    };
    let mut views = [None; Channel::ALL.len()];
    views[Channel::Smoke.index()] = view(12.34, -0.9, 1.1, 6.2);
    views[Channel::Temperature.index()] = view(31.26, 19.8, 22.4, 7.5);
    views[Channel::Humidity.index()] = view(61.0, 38.0, 52.0, 3.0);
    let text = explain(&scored, &views);
    expect_test::expect![[r"model score 0.93: smoke 12.3 %/m (usually -0.9 to 1.1, +6.2 per min) speaks for it, +4.1; temperature 31.3 °C (usually 19.8 to 22.4, +7.5 per min) speaks for it, +1.5; humidity 61 % (usually 38 to 52, +3 per min) speaks against it, -0.6"]]
    .assert_eq(&text.en);
    expect_test::expect![[r"模型评分 0.93：烟雾 12.3 %/m（平时 -0.9～1.1，每分钟 +6.2）支持 +4.1；温度 31.3 °C（平时 19.8～22.4，每分钟 +7.5）支持 +1.5；湿度 61 %（平时 38～52，每分钟 +3）反对 -0.6"]]
    .assert_eq(&text.zh);
}

/// Features that rise with a hazard, of the channels that the model is bound to be monotone in.
fn rising() -> impl Iterator<Item = usize> {
    [
        Channel::Smoke,
        Channel::CarbonMonoxide,
        Channel::Temperature,
    ]
    .into_iter()
    .flat_map(|channel| (0..6).map(move |feature| channel.index() * PER_CHANNEL + feature))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn more_smoke_more_carbon_monoxide_or_more_heat_never_lowers_the_score(
        rows in prop::collection::vec(prop::array::uniform32(-8.0_f32..8.0), 1..20),
        rise in 0.0_f32..8.0,
    ) {
        let mut model = model();
        for half in rows {
            let mut row: FeatureRow = std::array::from_fn(|i| half[i % 32]);
            let before = model.score(&[row]).expect("scored")[0].score;
            for index in rising() {
                let was = row[index];
                row[index] = (was + rise).min(8.0);
                let after = model.score(&[row]).expect("scored")[0].score;
                prop_assert!(after >= before - 1e-6, "feature {index}: {before} to {after}");
                row[index] = was;
            }
        }
    }
}
