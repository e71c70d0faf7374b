//! Rates, episodes and bad input of the calibration.

use proptest::prelude::*;

use super::*;

const PRIOR: Prior = Prior {
    notice: 0.99,
    warning: 0.999,
    alarm: 0.9999,
    floor: 0.3,
};
const MINUTE: i64 = 60_000;

fn at(minute: i64) -> Timestamp {
    Timestamp::from_unix_ms(1_700_000_000_000 + minute * MINUTE)
}

/// Uniform in [0, 1): splitmix64, so that every machine sees the same numbers.
struct Noise(u64);

impl Noise {
    #[expect(clippy::cast_precision_loss, reason = "53 bits")]
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// A sensor after `days` of quiet evidence, every five minutes.
fn after(days: i64, noise: &mut Noise) -> (Calibration, i64) {
    let mut sensor = Calibration::new(Settings::SAMPLES, PRIOR);
    let minutes = days * 24 * 60;
    for minute in (0..minutes).step_by(5) {
        sensor.update(at(minute), 0.5 * noise.next());
    }
    (sensor, minutes)
}

fn starts_per_day(settings: Settings, seed: u64, days: i64, shape: fn(f64) -> f64) -> [f64; 3] {
    let mut noise = Noise(seed);
    let mut sensor = Calibration::new(settings, PRIOR);
    let mut starts = [0; 3];
    let mut last = None;
    for minute in (0..days * 24 * 60).step_by(5) {
        let judgement = sensor.update(at(minute), shape(noise.next()));
        if judgement.learning {
            continue;
        }
        if let Some(episode) = judgement.episode
            && matches!(judgement.change, Change::Started | Change::Raised)
        {
            let from = if judgement.change == Change::Started {
                Level::None
            } else {
                last.unwrap_or(Level::None)
            };
            for (count, level) in starts.iter_mut().zip(Level::RAISED) {
                *count += i32::from(from < level && level <= episode.level);
            }
        }
        last = judgement.episode.map(|episode| episode.level);
    }
    let days = f64::from(i32::try_from(days).expect("few")) - 3.0;
    starts.map(|count| f64::from(count) / days)
}

#[test]
fn a_quiet_sensor_keeps_its_budgets_whatever_the_shape_of_its_evidence() {
    let shapes: [fn(f64) -> f64; 3] = [|u| u, |u| u.powi(4), |u| 1.0 - (1.0 - u).powi(2)];
    for (seed, shape) in (1..).zip(shapes) {
        for settings in [Settings::SAMPLES, Settings::COUNTS] {
            let [notice, warning, alarm] = starts_per_day(settings, seed, 400, shape);
            assert!(
                (0.3..=1.3).contains(&notice),
                "shape {seed}: {notice} notices a day"
            );
            assert!(
                (0.02..=2.0 / 7.0).contains(&warning),
                "shape {seed}: {warning} warnings a day"
            );
            assert!(
                alarm <= 2.0 / 91.0 + 0.01,
                "shape {seed}: {alarm} alarms a day"
            );
        }
    }
}

#[test]
fn the_first_three_days_are_learning_on_the_thresholds_of_the_population() {
    let (sensor, _) = after(2, &mut Noise(1));
    assert!(sensor.is_learning());
    assert!((sensor.threshold(Level::Warning) - PRIOR.warning).abs() < 1e-4);
    let (sensor, _) = after(4, &mut Noise(1));
    assert!(!sensor.is_learning());
    assert!(sensor.threshold(Level::Warning) < 0.7);
}

#[test]
fn one_spike_is_nothing_but_three_of_five_are_an_alarm_that_ends_once() {
    let (mut sensor, start) = after(30, &mut Noise(2));
    let mut changes = Vec::new();
    let spike = sensor.update(at(start), 0.999_999);
    assert_eq!(spike.level, Level::None);
    for minute in 1..400_i64 {
        let evidence = if (3..30).contains(&minute) {
            0.999_999
        } else {
            0.1
        };
        let judgement = sensor.update(at(start + minute), evidence);
        if judgement.change != Change::None {
            changes.push((
                minute,
                judgement.change,
                judgement.episode.expect("one").level,
            ));
        }
    }
    assert_eq!(
        changes,
        [
            (4, Change::Started, Level::Alarm),
            (46, Change::Ended, Level::Alarm)
        ]
    );
}

#[test]
fn what_comes_back_within_the_hour_is_the_same_episode() {
    let (mut sensor, start) = after(30, &mut Noise(3));
    let mut starts = 0;
    let mut ends = 0;
    for minute in 0..600_i64 {
        let evidence = if minute % 60 < 10 { 0.999_999 } else { 0.1 };
        let judgement = sensor.update(at(start + minute), evidence);
        starts += i32::from(judgement.change == Change::Started);
        ends += i32::from(judgement.change == Change::Ended);
    }
    assert_eq!(starts, 1);
    assert!(ends > 1);
}

#[test]
fn nothing_is_learned_during_an_episode_until_it_is_the_new_normal() {
    let (mut sensor, start) = after(30, &mut Noise(4));
    for minute in 0..5_i64 {
        sensor.update(at(start + minute), 0.999);
    }
    assert!(sensor.episode().is_some());
    let before = sensor.threshold(Level::Alarm);
    for minute in 5..20 * 60_i64 {
        sensor.update(at(start + minute), 0.999);
    }
    assert_eq!(sensor.threshold(Level::Alarm), before);
    for minute in 20 * 60..30 * 24 * 60_i64 {
        sensor.update(at(start + minute), 0.999);
    }
    assert!(sensor.threshold(Level::Notice) > 0.999);
    assert_eq!(sensor.episode(), None);
}

#[test]
fn one_fire_does_not_set_the_threshold_of_the_next() {
    let (mut sensor, start) = after(60, &mut Noise(5));
    let mut levels = Vec::new();
    for fire in 0..3_i64 {
        for minute in 0..3 * 24 * 60 {
            let evidence = if minute < 60 { 0.999_999 } else { 0.1 };
            let judgement = sensor.update(at(start + fire * 3 * 24 * 60 + minute), evidence);
            if judgement.change == Change::Started {
                levels.push(judgement.level);
            }
        }
    }
    assert_eq!(levels, [Level::Alarm; 3]);
}

#[test]
fn a_clock_step_keeps_what_was_learned_and_ends_no_episode() {
    for years in [-30_i64, 30] {
        let (mut sensor, start) = after(30, &mut Noise(6));
        for minute in 0..10 {
            sensor.update(at(start + minute), 0.999_999);
        }
        let before = sensor.threshold(Level::Warning);
        let stepped = start + 10 + years * 365 * 24 * 60;
        let judgement = sensor.update(at(stepped), 0.999_999);
        assert_eq!(judgement.level, Level::Alarm);
        assert_eq!(judgement.change, Change::None);
        assert_eq!(sensor.threshold(Level::Warning), before);
    }
}

#[test]
fn gaps_do_not_count_as_observed_time() {
    let mut sensor = Calibration::new(Settings::SAMPLES, PRIOR);
    for minute in 0..120 {
        sensor.update(at(minute), 0.1);
    }
    sensor.update(at(1_000_000), 0.1);
    assert!(sensor.observed_h() < 3.0);
}

#[test]
fn a_damaged_or_foreign_state_is_refused() {
    let (sensor, _) = after(5, &mut Noise(7));
    let text = serde_json::to_string(&sensor).expect("plain data");
    let refused = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        serde_json::from_str::<Calibration>(&text.replacen(from, to, 1))
            .expect_err("refused")
            .to_string()
    };
    assert!(
        refused("\"calibration_version\":1", "\"calibration_version\":7").contains("version 7")
    );
    assert!(refused("\"block_ms\":", "\"block_ms\":-1").contains("no sample"));
    assert!(refused("\"hits\":3", "\"hits\":30").contains("no sample"));
}

proptest! {
    #[test]
    fn any_input_gives_a_sound_judgement_and_a_state_that_survives_a_restart(
        samples in prop::collection::vec((any::<i64>(), any::<f64>(), 0..4_u8), 1..300),
    ) {
        let mut sensor = Calibration::new(Settings::SAMPLES, PRIOR);
        let mut now = 0_i64;
        for (time, evidence, kind) in samples {
            now = if kind == 0 { time } else { now.saturating_add(i64::from(kind) * 1000) };
            let evidence = if kind == 3 { evidence } else { evidence.rem_euclid(1.0) };
            let mut restarted: Calibration =
                serde_json::from_str(&serde_json::to_string(&sensor).expect("plain data"))
                    .expect("own state");
            prop_assert_eq!(&restarted, &sensor);
            let at = Timestamp::from_unix_ms(now);
            let judgement = sensor.update(at, evidence);
            prop_assert_eq!(restarted.update(at, evidence), judgement);
            prop_assert!(judgement.p > 0.0 && judgement.p <= 1.0);
            prop_assert!(judgement.level == Level::None || judgement.episode.is_some());
        }
        prop_assert!(sensor.threshold(Level::Notice) <= sensor.threshold(Level::Warning));
        prop_assert!(sensor.threshold(Level::Warning) <= sensor.threshold(Level::Alarm));
    }

    #[test]
    fn the_store_is_bounded_and_its_p_values_fall_with_the_peak(
        peaks in prop::collection::vec(0.0..1.0_f64, 1..3000), low in 0.0..1.0_f64, more in 0.0..1.0_f64,
    ) {
        let mut store = Peaks::default();
        for peak in &peaks {
            store.push(Surprise::of_evidence(*peak));
        }
        prop_assert_eq!(store.len(), peaks.len().min(peaks::PEAKS_MAX));
        let high = low + more * (1.0 - low);
        let p = |evidence| store.p_value(Surprise::of_evidence(evidence));
        prop_assert!(p(high) <= p(low));
        for share in [0.5, 0.05, 0.01] {
            let reached = store.reached_by(share);
            if share * (f64::from(u32::try_from(store.len()).expect("few")) + 1.0) >= 1.0 {
                prop_assert!(store.p_value(reached) <= share + 1e-12);
            }
        }
    }
}
