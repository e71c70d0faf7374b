//! What the series says of steps, drifts and storms, and of input that is none.

use proptest::prelude::*;

use super::*;

/// Uniform in [−1, 1): splitmix64, so that every machine sees the same numbers.
struct Noise(u64);

impl Noise {
    #[expect(clippy::cast_precision_loss, reason = "53 bits")]
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }
}

fn at(row: i64) -> Timestamp {
    Timestamp::from_unix_ms(1_700_000_000_000 + row * 60_000)
}

/// A series of one channel after so many rows of noise around 20.
fn after(rows: i64, noise: &mut Noise) -> Series {
    let mut series = Series::new(1);
    for row in 0..rows {
        series.update(at(row), &[Some(20.0 + noise.next())]);
    }
    series
}

fn scores(series: &mut Series, from: i64, values: &[f64]) -> Vec<f64> {
    (from..)
        .zip(values)
        .map(|(row, value)| {
            series
                .update(at(row), &[Some(*value)])
                .expect("a row")
                .score
        })
        .collect()
}

#[test]
fn a_step_is_an_onset_once_and_elevated_afterwards() {
    let mut noise = Noise(1);
    let mut series = after(1000, &mut noise);
    let quiet: Vec<f64> = (0..100).map(|_| 20.0 + noise.next()).collect();
    let before = scores(&mut series, 1000, &quiet);
    assert!(before.iter().filter(|score| **score >= ONSET_FROM).count() <= 2);
    let step: Vec<f64> = (0..100).map(|_| 26.0 + noise.next()).collect();
    let during = scores(&mut series, 1100, &step);
    assert!(during[0] >= 0.95, "{}", during[0]);
    assert!(during.iter().filter(|score| **score >= ONSET_FROM).count() < 15);
    assert!(
        during[50..]
            .iter()
            .all(|score| (0.4..ONSET_FROM).contains(score))
    );
}

#[test]
fn after_an_episode_the_score_is_soon_back() {
    let mut noise = Noise(2);
    let mut series = after(1000, &mut noise);
    scores(&mut series, 1000, &[60.0; 100]);
    let quiet: Vec<f64> = (0..120).map(|_| 20.0 + noise.next()).collect();
    let back = scores(&mut series, 1100, &quiet);
    assert!(
        back[80..].iter().all(|score| *score < 0.4),
        "{:?}",
        &back[80..]
    );
}

#[test]
fn a_wild_series_is_as_quiet_as_a_calm_one() {
    let onsets = |spread: f64| {
        let mut noise = Noise(3);
        let mut series = Series::new(1);
        (0..5000)
            .filter(|row| {
                let value = noise.next();
                let value = spread * value * value * value;
                let verdict = series.update(at(*row), &[Some(value)]).expect("a row");
                verdict.score >= 0.93
            })
            .count()
    };
    assert!(onsets(1.0) <= 30);
    assert_eq!(onsets(1.0), onsets(1024.0));
}

#[test]
fn the_channel_that_moved_is_named() {
    let mut noise = Noise(4);
    let mut series = Series::new(3);
    let mut top = None;
    for row in 0..1200 {
        let moved = if row >= 1150 { 8.0 } else { 0.0 };
        let values = [
            noise.next(),
            50.0 + moved + noise.next(),
            7.0 + noise.next(),
        ];
        top = series
            .update(at(row), &values.map(Some))
            .expect("a row")
            .top;
    }
    assert_eq!(top.map(|(channel, _)| channel), Some(1));
    let view = series.view(1).expect("it has values");
    assert!(view.usual_low > 47.0 && view.usual_high < 54.0 && view.value > 56.0);
}

#[test]
fn rows_of_nothing_and_late_rows_have_no_score() {
    let mut series = after(200, &mut Noise(5));
    for nothing in [
        None,
        Some(f64::NAN),
        Some(f64::INFINITY),
        Some(f64::NEG_INFINITY),
    ] {
        assert_eq!(series.update(at(200), &[nothing]), None);
    }
    assert!(series.update(at(201), &[Some(20.0)]).is_some());
    assert_eq!(series.update(at(200), &[Some(20.0)]), None);
    assert_eq!(series.update(at(200), &[Some(20.0)]), None);
    assert!(
        series.update(at(200), &[Some(20.0)]).is_some(),
        "the third is a clock step"
    );
    assert!(
        series.update(at(200), &[Some(20.0)]).is_some(),
        "the same time again"
    );
}

#[test]
fn clock_steps_of_years_forget_nothing() {
    for years in [-30_i64, 30] {
        let mut series = after(1000, &mut Noise(6));
        let row = 1000 + years * 365 * 24 * 60;
        let verdict = series.update(at(row), &[Some(20.1)]).expect("a row");
        assert!(verdict.score < 0.4, "{verdict:?}");
        let verdict = series.update(at(row + 1), &[Some(30.0)]).expect("a row");
        assert!(verdict.score >= ONSET_FROM, "{verdict:?}");
    }
}

#[test]
fn a_constant_channel_says_nothing() {
    let mut series = Series::new(1);
    for row in 0..2000 {
        let verdict = series.update(at(row), &[Some(21.5)]).expect("a row");
        assert!(verdict.score < 0.1, "{row}: {verdict:?}");
    }
}

#[test]
fn another_unit_is_an_episode_and_then_the_new_normal() {
    let mut noise = Noise(7);
    let mut series = after(1000, &mut noise);
    let fahrenheit: Vec<f64> = (0..3000).map(|_| 68.0 + 1.8 * noise.next()).collect();
    let scores = scores(&mut series, 1000, &fahrenheit);
    assert!(scores[0] >= ONSET_FROM);
    assert!(scores[300] > 0.4);
    assert!(
        scores[2500..]
            .iter()
            .all(|score| *score < 0.4 || *score >= ONSET_FROM)
    );
    assert!(scores[2500..].iter().filter(|score| **score < 0.4).count() > 490);
}

#[test]
fn what_is_missing_in_one_channel_does_not_hide_another() {
    let mut noise = Noise(8);
    let mut series = Series::new(2);
    for row in 0..1000 {
        series.update(at(row), &[Some(noise.next()), Some(noise.next())]);
    }
    let mut highest = 0.0_f64;
    for row in 1000..1050 {
        let verdict = series.update(at(row), &[None, Some(9.0 + noise.next())]);
        highest = highest.max(verdict.expect("a row").score);
    }
    assert!(highest >= 0.5, "{highest}");
}

#[test]
fn a_damaged_or_foreign_state_is_refused() {
    let text = serde_json::to_string(&after(100, &mut Noise(9))).expect("plain data");
    let refused = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        serde_json::from_str::<Series>(&text.replacen(from, to, 1))
            .expect_err("refused")
            .to_string()
    };
    assert!(refused("\"series_version\":1", "\"series_version\":9").contains("version 9"));
    assert!(refused("\"interval_ms\":", "\"interval_ms\":-").contains("no reading"));
    assert!(refused("\"spread\":", "\"spread\":-").contains("no reading"));
}

proptest! {
    #[test]
    fn any_input_gives_a_score_between_0_and_1_and_survives_a_restart(
        rows in prop::collection::vec((any::<i64>(), any::<f64>(), any::<f64>(), 0..6_u8), 1..400),
    ) {
        let mut series = Series::new(2);
        let mut now = 0_i64;
        for (index, (time, first, second, kind)) in rows.into_iter().enumerate() {
            now = if kind == 0 { time } else { now.saturating_add(i64::from(kind) * 1000) };
            let values = match kind {
                0..=2 => [Some(first), Some(second)],
                3 => [None, Some(second)],
                _ => [Some(first.rem_euclid(1.0)), Some(second.rem_euclid(1.0))],
            };
            if index % 50 == 0 {
                let text = serde_json::to_string(&series).expect("plain data");
                let restarted: Series = serde_json::from_str(&text).expect("own state");
                prop_assert_eq!(&restarted, &series);
            }
            if let Some(verdict) = series.update(Timestamp::from_unix_ms(now), &values) {
                prop_assert!((0.0..=1.0).contains(&verdict.score), "{:?}", verdict);
                prop_assert!((0.0..=1.0).contains(&verdict.evidence()), "{:?}", verdict);
            }
        }
    }
}
