//! What has not changed is no drift; what has is found, said, and fades.

use super::*;

const HOUR_MS: i64 = 3_600_000;

fn feature(name: &str) -> Feature {
    Feature {
        name: name.into(),
        unit: "1".into(),
        window: "1 h".into(),
        clip: [-8.0, 8.0],
        group: "air".into(),
        quantiles: [-2.33, -1.28, 0.0, 1.28, 2.33],
    }
}

fn watching() -> Drift {
    Drift {
        features: ["a", "b", "c", "present"]
            .map(|name| Watched::new(&feature(name)))
            .into(),
        ..Drift::default()
    }
}

/// The value below which a share of a standard normal lies, roughly (Tukey's lambda, 0.14).
fn normal(share: f64) -> f64 {
    (share.powf(0.135) - (1.0 - share).powf(0.135)) / 0.1975
}

#[expect(clippy::cast_possible_truncation, reason = "a feature has 32 bits")]
fn feed(drift: &mut Drift, rows: u32, change: impl Fn(f64) -> f64, present: f32) {
    for row in 0..rows {
        // Shares in an order that has nothing to do with time.
        let share = (f64::from(row) * 0.618_034 + 0.31)
            .fract()
            .clamp(1e-4, 1.0 - 1e-4);
        let value = change(normal(share)) as f32;
        drift.observe(&[value, value, value, present]);
    }
}

fn step(drift: &mut Drift, hours: i64) -> Numbers {
    drift.step(Timestamp::from_unix_ms(hours * HOUR_MS), 10);
    drift.numbers()
}

#[test]
fn same_population_is_no_drift() {
    let mut drift = watching();
    step(&mut drift, 0);
    feed(&mut drift, 20_000, |z| z, 1.0);
    let numbers = step(&mut drift, 2);
    assert!(
        numbers.psi < 0.02 && numbers.clip_share < 0.01,
        "{numbers:?}"
    );
    assert_eq!(numbers.breach, None);
}

#[test]
fn shifted_population_is_a_breach_and_its_end_heals() {
    let mut drift = watching();
    step(&mut drift, 0);
    feed(&mut drift, 20_000, |z| z + 1.5, 1.0);
    let numbers = step(&mut drift, 2);
    assert_eq!(numbers.breach, Some(Breach::Features), "{numbers:?}");
    let (zh, en) = Breach::Features.words(&numbers);
    assert!(
        zh.contains("PSI") && en.contains("not what it was trained on"),
        "{zh} {en}"
    );
    for day in 1..6 {
        feed(&mut drift, 20_000, |z| z, 1.0);
        step(&mut drift, day * 24);
    }
    assert_eq!(step(&mut drift, 200).breach, None, "{:?}", drift.numbers());
}

#[test]
fn few_rows_say_nothing() {
    let mut drift = watching();
    step(&mut drift, 0);
    feed(&mut drift, 1_000, |z| z + 4.0, 1.0);
    assert_eq!(step(&mut drift, 2).breach, None);
}

#[test]
fn values_at_the_end_of_their_range_and_missing_groups_are_breaches() {
    let mut drift = watching();
    step(&mut drift, 0);
    feed(&mut drift, 20_000, |z| if z > 1.0 { 7.9 } else { z }, 1.0);
    assert!(
        step(&mut drift, 2).clip_share > CLIP_MAX,
        "{:?}",
        drift.numbers()
    );
    assert!(drift.numbers().breach.is_some());
    let mut drift = watching();
    step(&mut drift, 0);
    feed(&mut drift, 6_000, |z| z, 1.0);
    feed(&mut drift, 14_000, |z| z, 0.0);
    assert_eq!(step(&mut drift, 2).breach, Some(Breach::Missing));
}

#[test]
fn alerts_beyond_the_budget_and_alarms_that_were_missed_are_breaches() {
    let mut drift = watching();
    step(&mut drift, 0);
    (0..5).for_each(|_| drift.alerted());
    assert_eq!(step(&mut drift, 1).breach, None);
    drift.alerted();
    assert_eq!(step(&mut drift, 2).breach, Some(Breach::Alerts));
    let mut drift = watching();
    step(&mut drift, 0);
    [true, false, false]
        .into_iter()
        .for_each(|seen| drift.ruled(seen));
    assert_eq!(step(&mut drift, 1).breach, None, "too few to tell");
    [false, false]
        .into_iter()
        .for_each(|seen| drift.ruled(seen));
    assert_eq!(step(&mut drift, 2).breach, Some(Breach::Rules));
}

#[test]
fn feature_on_one_point_is_not_measured() {
    let mut constant = feature("a");
    constant.quantiles = [0.0, 0.0, 0.0, 1.0, 2.0];
    assert_eq!(Watched::new(&constant).psi(), None);
    let expected: f64 = Watched::new(&constant).expected.iter().sum();
    assert!((expected - 1.0).abs() < 1e-9, "{expected}");
    let expected = Watched::new(&feature("b")).expected;
    let as_shares = expected
        .iter()
        .zip(SHARES)
        .all(|(a, b)| (a - b).abs() < 1e-9);
    assert!(as_shares, "{expected:?}");
}
