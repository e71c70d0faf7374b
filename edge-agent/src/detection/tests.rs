//! Rules, chatter, supervision and restarts as stories: one line of input per observation.

use expect_test::{Expect, expect};
use gridwatch_protocol::{Timestamp, Value};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use gridwatch_protocol::Phase;

const RULES: &str = r#"
rules = [
  { name = "smoke", kind = "smoke", when = { state = true }, severity = "P1" },
  { name = "hot", kind = "temperature", when = { above = 58.0, clear_below = 50.0, hold_s = 2 }, severity = "P1", alert_kind = "heat" },
  { name = "rise", kind = "temperature", when = { rise = 10.0, per_s = 60, clear_rise = 2.0 }, severity = "P2", alert_kind = "heat" },
  { name = "zone", kind = "camera_object", devices = ["frigate/*/restricted"], when = { value = ["person"], quiet_s = 60 }, severity = "P2" },
  { name = "weak", kind = "battery", unit = "%", when = { below = 15.0, clear_above = 25.0 }, severity = "P4" },
]
"#;

#[derive(serde::Deserialize)]
struct Rules {
    rules: Vec<RuleConfig>,
}

fn config() -> DetectionConfig {
    let rules: Rules = toml::from_str(RULES).expect("valid rules");
    for rule in &rules.rules {
        assert_eq!(rule.problems(), Vec::<String>::new());
    }
    DetectionConfig {
        rules: rules.rules,
        timezone: jiff::tz::TimeZone::UTC,
        chatter_raisings: 3,
        chatter_window_ms: 60_000,
    }
}

pub(super) fn detector(open: Vec<OpenEpisode>) -> Detector {
    let site = SiteId::new("site").expect("valid");
    let events = HashMap::new();
    Detector::new(site, &config(), Vec::new(), open, events, Moment::at_ms(0))
}

pub(super) fn minted() -> impl FnMut() -> AlertId {
    let mut next = 0;
    move || {
        next += 1;
        AlertId(Uuid::from_u128(next))
    }
}

/// `<seconds> <device> <kind> <value>[ unit][ @event][ retained][ bad]`, or `<seconds> tick`.
pub(super) fn reading(line: &str) -> (i64, Option<Reading>) {
    let words: Vec<&str> = line.split_whitespace().collect();
    let seconds: f64 = words[0].parse().expect("seconds");
    #[expect(clippy::cast_possible_truncation, reason = "small numbers of a test")]
    let ms = (seconds * 1000.0) as i64;
    if words[1] == "tick" {
        return (ms, None);
    }
    let value = match words[3] {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        word => word
            .parse()
            .map_or_else(|_| Value::Text(word.to_owned()), Value::Number),
    };
    let rest = &words[4..];
    let at = Timestamp::from_unix_ms(ms);
    let reading = Reading {
        device: DeviceId::new(words[1]).expect("valid"),
        kind: Kind::from_name(words[2]).expect("a kind"),
        value,
        unit: rest
            .iter()
            .find(|w| ["%", "°C"].contains(w))
            .map(|w| (*w).to_owned()),
        quality: if rest.contains(&"bad") {
            Quality::Bad
        } else {
            Quality::Good
        },
        at,
        received_at: at,
        source_event: rest
            .iter()
            .find_map(|w| w.strip_prefix('@'))
            .map(str::to_owned),
        retained: rest.contains(&"retained"),
        is_test: false,
    };
    (ms, Some(reading))
}

pub(super) fn run(detector: &mut Detector, story: &str) -> String {
    let mut mint = minted();
    let mut told = String::new();
    for line in story.lines().map(str::trim).filter(|l| !l.is_empty()) {
        let (ms, reading) = reading(line);
        let now = Moment::at_ms(ms);
        let findings = match &reading {
            Some(reading) => detector.observe(reading, now, &mut mint),
            None => detector.tick(now, &mut mint),
        };
        for alert in findings.alerts {
            told.push_str(&format!(
                "{}s {:?} {} {} {} {}\n",
                ms / 1000,
                alert.phase,
                alert.severity,
                alert.kind,
                alert.device,
                alert.reason.en
            ));
        }
    }
    told
}

#[track_caller]
fn check(story: &str, expected: Expect) {
    expected.assert_eq(&run(&mut detector(Vec::new()), story));
}

#[test]
fn smoke_is_raised_once_and_cleared_once() {
    check(
        "1 k smoke true\n 2 k smoke true\n 3 k smoke false\n 4 k smoke false",
        expect![[r#"
            1s Raised P1 smoke k smoke alarm
            3s Cleared P1 smoke k smoke alarm ended
        "#]],
    );
}

#[test]
fn retained_state_raises_nothing_but_may_clear() {
    check(
        "1 k smoke true retained\n 2 k smoke true\n 3 k smoke true retained\n 4 k smoke false retained",
        expect![[r#"
            2s Raised P1 smoke k smoke alarm
            4s Cleared P1 smoke k smoke alarm ended
        "#]],
    );
}

#[test]
fn limit_is_held_and_has_hysteresis() {
    check(
        "0 t temperature 57\n 1 t temperature 59\n 2 t temperature 57\n 10 t temperature 60\n 11 t temperature 60\n 12 t temperature 60\n 13 t temperature 52\n 14 t temperature 49",
        expect![[r#"
            12s Raised P1 heat t temperature 60 °C, above 58 °C for 2 s
            14s Cleared P1 heat t temperature back to normal: 49 °C
        "#]],
    );
}

#[test]
fn limit_is_found_in_time_when_the_sensor_tells_only_changes() {
    check(
        "0 t temperature 60\n 1 tick\n 2 tick\n 3 tick",
        expect![[r#"
            2s Raised P1 heat t temperature 60 °C, above 58 °C for 2 s
        "#]],
    );
}

#[test]
fn rise_counts_within_its_window_only() {
    check(
        "0 t temperature 20\n 59 t temperature 29\n 70 t temperature 31\n 100 t temperature 40\n 200 t temperature 41",
        expect![[r#"
            100s Raised P2 heat t temperature rose by 11 °C within 60 s, now 40 °C
            200s Cleared P2 heat t temperature no longer rises fast, now 41 °C
        "#]],
    );
}

#[test]
fn event_told_again_raises_nothing_and_quiet_ends_it() {
    check(
        "1 frigate/gate/restricted camera_object person @7\n 5 frigate/gate/restricted camera_object person @7\n 6 frigate/gate/yard camera_object person @8\n 7 frigate/gate/restricted camera_object dog @9\n 64 tick\n 66 tick\n 70 frigate/gate/restricted camera_object person @7",
        expect![[r#"
            1s Raised P2 camera_object frigate/gate/restricted object seen by camera: person
            66s Cleared P2 camera_object frigate/gate/restricted object seen by camera: no longer seen
        "#]],
    );
}

#[test]
fn unusable_values_and_other_units_are_not_looked_at() {
    check(
        "1 t temperature 900 bad\n 5 t temperature 900 bad\n 6 t battery 3\n 7 t battery 3 %",
        expect![[r#"
            7s Raised P4 battery t battery 3 %, below 15 %
        "#]],
    );
}

#[test]
fn chatter_is_latched_shown_once_and_calms_down() {
    check(
        "1 k smoke true\n 2 k smoke false\n 3 k smoke true\n 4 k smoke false\n 5 k smoke true\n 6 k smoke false\n 7 k smoke true\n 8 k smoke false\n 60 tick\n 68 tick\n 69 k smoke true",
        expect![[r#"
            1s Raised P1 smoke k smoke alarm
            2s Cleared P1 smoke k smoke alarm ended
            3s Raised P1 smoke k smoke alarm
            4s Cleared P1 smoke k smoke alarm ended
            5s Raised P1 smoke k smoke alarm
            5s Raised P4 other k rule `smoke` raised 3 times within 60 s: chattering, the alarm is latched; have the sensor checked
            68s Cleared P1 smoke k quiet again
            68s Cleared P4 other k quiet again
            69s Raised P1 smoke k smoke alarm
        "#]],
    );
}

#[test]
fn an_alarm_that_was_open_before_a_restart_is_neither_repeated_nor_forgotten() {
    let mut first = detector(Vec::new());
    run(&mut first, "1 k smoke true");
    let open: Vec<OpenEpisode> = first.episodes.values().cloned().collect();
    let mut second = detector(open);
    expect![[r#"
        6s Cleared P1 smoke k smoke alarm ended
    "#]]
    .assert_eq(&run(&mut second, "5 k smoke true\n 6 k smoke false"));
}

#[test]
fn rise_from_before_a_restart_is_over_only_after_a_whole_window() {
    let mut first = detector(Vec::new());
    run(&mut first, "0 t temperature 20\n 10 t temperature 40");
    let mut second = detector(first.episodes.values().cloned().collect());
    expect![[r#"
        60s Cleared P2 heat t temperature no longer rises fast, now 42 °C
    "#]]
    .assert_eq(&run(
        &mut second,
        "0 t temperature 41\n 30 t temperature 42\n 60 t temperature 42",
    ));
}

#[test]
fn device_that_its_network_reports_offline_is_lost_at_once() {
    let site = SiteId::new("site").expect("valid");
    let known = vec![watched(10_000, true)];
    let mut detector = Detector::new(
        site,
        &config(),
        known,
        Vec::new(),
        HashMap::new(),
        Moment::at_ms(0),
    );
    let device = DeviceId::new("k").expect("valid");
    detector.offline(&device);
    let mut told = run(&mut detector, "1 tick\n 2 tick");
    let source: Arc<str> = "zigbee".into();
    detector.heard(
        &device,
        &source,
        None,
        "test",
        Some(Kind::Smoke),
        Moment::at_ms(3_000),
    );
    told += &run(&mut detector, "3 tick");
    expect![[r#"
        1s Raised P2 availability k sensor offline: its network reports that it cannot be reached
        3s Cleared P2 availability k sensor heard again
    "#]]
    .assert_eq(&told);
}

fn watched(silent_after_ms: i64, life_safety: bool) -> KnownDevice {
    KnownDevice {
        id: DeviceId::new("k").expect("valid"),
        place: Place::default(),
        configured: true,
        facts: DeviceFacts {
            life_safety,
            ..DeviceFacts::default()
        },
        fixed_limit: Some(Some(silent_after_ms)),
        source: None,
    }
}

#[test]
fn silence_is_raised_once_and_cleared_when_heard() {
    let site = SiteId::new("site").expect("valid");
    let known = vec![watched(10_000, true)];
    let mut detector = Detector::new(
        site,
        &config(),
        known,
        Vec::new(),
        HashMap::new(),
        Moment::at_ms(0),
    );
    let source: Arc<str> = "zigbee".into();
    let device = DeviceId::new("k").expect("valid");
    let mut told = run(&mut detector, "9 tick\n 10 tick\n 20 tick");
    detector.heard(
        &device,
        &source,
        None,
        "test",
        Some(Kind::Smoke),
        Moment::at_ms(21_000),
    );
    told += &run(&mut detector, "22 tick");
    // The source is down: the devices behind it had no way to be heard.
    detector.source("zigbee", Err("broken pipe"), Moment::at_ms(25_000));
    told += &run(&mut detector, "40 tick\n 56 tick");
    detector.source("zigbee", Ok(()), Moment::at_ms(60_000));
    told += &run(&mut detector, "61 tick\n 71 tick");
    expect![[r#"
        10s Raised P2 availability k sensor silent: nothing heard for 10 s, 10 s allowed
        22s Cleared P2 availability k sensor heard again
        56s Raised P2 availability gateway/zigbee the gateway lost this source, and with it sight of all its sensors: broken pipe
        61s Cleared P2 availability gateway/zigbee source connected again
        71s Raised P2 availability k sensor silent: nothing heard for 11 s, 10 s allowed
    "#]]
    .assert_eq(&told);
}

#[test]
fn episode_of_a_removed_rule_is_closed_at_the_next_start() {
    let mut first = detector(Vec::new());
    run(&mut first, "1 k smoke true");
    let mut open: Vec<OpenEpisode> = first.episodes.values().cloned().collect();
    open[0].key = EpisodeKey::new("gone", &open[0].alert.device);
    let mut second = detector(open);
    let findings = second.close_orphans(false, Moment::at_ms(2_000));
    assert_eq!(findings.alerts[0].phase, Phase::Cleared);
    assert_eq!(second.open_episodes(), 0);
}

/// What the models say of a device under the name `rule`.
fn model_says<'a>(rule: &'a str, device: &'a DeviceId, active: bool) -> ModelAlert<'a> {
    ModelAlert {
        rule,
        device,
        kind: Kind::Smoke,
        severity: Severity::P4,
        active,
        score: Some(0.0),
        by: DetectedBy::Model {
            model: "env-fuser".into(),
            build: 1,
        },
        reason: Text {
            zh: "模型".into(),
            en: "model".into(),
        },
    }
}

#[test]
fn models_cannot_clear_lower_or_replace_an_alert_of_a_rule() {
    let mut detector = detector(Vec::new());
    run(&mut detector, "1 k smoke true");
    let device: DeviceId = "k".parse().expect("a device id");
    let mut mint = minted();
    for active in [false, true] {
        for rule in ["smoke", "hot", "silence", "chatter:smoke"] {
            let said = model_says(rule, &device, active);
            let findings = detector.model(said, Moment::at_ms(2_000), &mut mint);
            assert!(
                findings.alerts.is_empty() && findings.episodes.is_empty(),
                "{rule}"
            );
        }
    }
    assert_eq!(detector.open_episodes(), 1);
}

#[test]
fn models_that_call_everything_usual_hold_no_rule_back() {
    let (mut quiet, mut told) = (detector(Vec::new()), detector(Vec::new()));
    let device: DeviceId = "k".parse().expect("a device id");
    let mut mint = minted();
    let story = "1 k smoke true\n2 k smoke false\n3 k temperature 70 °C\n6 k temperature 71 °C";
    for active in [true, false, true] {
        let said = model_says("model:env-fuser", &device, active);
        told.model(said, Moment::at_ms(500), &mut mint);
    }
    assert_eq!(run(&mut told, story), run(&mut quiet, story));
    assert_eq!(told.open_episodes(), quiet.open_episodes() + 1);
}

#[test]
fn open_alert_of_a_model_goes_on_after_a_restart_and_is_not_raised_again() {
    let mut first = detector(Vec::new());
    let device: DeviceId = "k".parse().expect("a device id");
    let mut mint = minted();
    first.model(
        model_says("model:env-fuser", &device, true),
        Moment::at_ms(0),
        &mut mint,
    );
    let open: Vec<OpenEpisode> = first.episodes.values().cloned().collect();
    let mut second = detector(open.clone());
    assert!(
        second
            .close_orphans(true, Moment::at_ms(1_000))
            .alerts
            .is_empty()
    );
    let said = model_says("model:env-fuser", &device, true);
    assert!(
        second
            .model(said, Moment::at_ms(2_000), &mut mint)
            .alerts
            .is_empty()
    );
    // Without models nobody would ever end it.
    let mut without = detector(open);
    assert_eq!(
        without
            .close_orphans(false, Moment::at_ms(1_000))
            .alerts
            .len(),
        1
    );
}

proptest! {
    /// Whatever comes in: an alert is raised before it is cleared, at most one per rule and device is
    /// open, revisions grow by one, and what is kept for a restart is exactly what is open.
    #[test]
    fn episodes_are_well_formed(
        inputs in prop::collection::vec((0i64..3_000, 0usize..2, 0usize..3, any::<bool>(), -10f64..100f64, prop::bool::weighted(0.1)), 1..200)
    ) {
        let mut detector = detector(Vec::new());
        let mut mint = minted();
        let mut now = 0;
        let mut open: std::collections::BTreeMap<AlertId, u32> = BTreeMap::new();
        let mut kept: std::collections::BTreeSet<EpisodeKey> = std::collections::BTreeSet::new();
        for (wait, device, kind, state, number, retained) in inputs {
            now += wait;
            let value = match kind {
                0 => Value::Bool(state),
                1 => Value::Number(number),
                _ => Value::Text("person".to_owned()),
            };
            let at = Timestamp::from_unix_ms(now);
            let reading = Reading {
                device: DeviceId::new(["a", "frigate/x/restricted"][device]).expect("valid"),
                kind: [Kind::Smoke, Kind::Temperature, Kind::CameraObject][kind],
                value, unit: None, quality: Quality::Good, at, received_at: at,
                source_event: None, retained, is_test: false,
            };
            let moment = Moment::at_ms(now);
            for findings in [detector.observe(&reading, moment, &mut mint), detector.tick(moment, &mut mint)] {
                for alert in findings.alerts {
                    match alert.phase {
                        Phase::Raised => prop_assert!(open.insert(alert.id, alert.revision).is_none()),
                        Phase::Updated => {}
                        Phase::Cleared => prop_assert_eq!(open.remove(&alert.id).map(|r| r + 1), Some(alert.revision)),
                    }
                }
                for change in findings.episodes {
                    match change {
                        EpisodeChange::Opened(episode) => prop_assert!(kept.insert(episode.key)),
                        EpisodeChange::Closed(key) => prop_assert!(kept.remove(&key)),
                    }
                }
            }
            prop_assert_eq!(detector.open_episodes(), open.len());
            prop_assert_eq!(detector.open_episodes(), kept.len());
        }
    }
}
