//! Sensors, bridges and restarts as stories.

use gridwatch_protocol::Quality;
use gridwatch_protocol::Value;

use super::*;

fn id(name: &str) -> DeviceId {
    DeviceId::new(name).expect("valid")
}

fn at(second: i64) -> Moment {
    Moment::at_ms(second * 1000)
}

fn heard(supervision: &mut Supervision, device: &str, kind: Kind, second: i64) -> bool {
    let source: Arc<str> = "zigbee".into();
    supervision.heard(
        &id(device),
        &source,
        None,
        "zigbee2mqtt",
        Some(kind),
        at(second),
    )
}

/// What is told at a second: rule, device, begins or ends, severity.
fn told(supervision: &mut Supervision, second: i64) -> Vec<String> {
    let mut told: Vec<String> = supervision
        .tick(at(second))
        .iter()
        .map(|f| format!("{} {} {} {}", f.rule, f.device, f.active, f.severity))
        .collect();
    told.sort();
    told
}

fn announce(supervision: &mut Supervision, device: &str, kinds: &[Kind], silent_s: i64) -> bool {
    let announcement = Announcement {
        device: device.to_owned(),
        vendor: Some("HEIMAN".into()),
        model: Some("HS1SA".into()),
        kinds: kinds.to_vec(),
        silent_after_ms: Some(silent_s * 1000),
        ..Announcement::default()
    };
    supervision.announce(&announcement, "zigbee2mqtt", None, at(0))
}

#[test]
fn announced_detector_that_is_never_heard_is_lost_after_its_limit() {
    let mut one = Supervision::new(Vec::new(), at(0));
    assert!(announce(&mut one, "zigbee2mqtt/hall", &[Kind::Smoke], 100));
    assert!(
        !announce(&mut one, "zigbee2mqtt/hall", &[Kind::Smoke], 100),
        "nothing new to keep"
    );
    assert!(told(&mut one, 99).is_empty());
    assert_eq!(told(&mut one, 100), ["silence zigbee2mqtt/hall true P2"]);
    assert!(told(&mut one, 200).is_empty());
    heard(&mut one, "zigbee2mqtt/hall", Kind::Smoke, 201);
    assert_eq!(told(&mut one, 201), ["silence zigbee2mqtt/hall false P2"]);
}

#[test]
fn bridge_that_is_down_is_told_once_and_hides_the_devices_behind_it() {
    let mut one = Supervision::new(Vec::new(), at(0));
    for n in 0..300 {
        announce(&mut one, &format!("zigbee2mqtt/{n}"), &[Kind::Smoke], 100);
    }
    announce(&mut one, "other/1", &[Kind::Smoke], 100);
    let bridge = |online| Bridge {
        prefix: "zigbee2mqtt".into(),
        online,
    };
    one.bridge(&bridge(false), at(10));
    assert_eq!(
        told(&mut one, 150),
        ["silence other/1 true P2", "source-lost zigbee2mqtt true P2"]
    );
    one.bridge(&bridge(true), at(200));
    assert_eq!(told(&mut one, 201), ["source-lost zigbee2mqtt false P2"]);
    assert!(
        told(&mut one, 299).is_empty(),
        "their time counts from the return"
    );
    assert_eq!(told(&mut one, 300).len(), 300);
}

#[test]
fn what_was_told_before_a_restart_ends_when_it_is_over_and_not_before() {
    let mut one = Supervision::new(Vec::new(), at(0));
    let (lost, low, source) = (id("z/lost"), id("z/low"), id("gateway/zigbee"));
    let open = [
        (SILENCE_RULE, &lost),
        (BATTERY_RULE, &low),
        (SOURCE_RULE, &source),
    ];
    one.resume(open.into_iter(), at(0));
    assert!(told(&mut one, 5).is_empty());
    one.source("zigbee", Ok(()), at(6));
    heard(&mut one, "z/lost", Kind::Smoke, 7);
    let full = Reading {
        device: low.clone(),
        kind: Kind::Battery,
        value: Value::Text("ok".into()),
        unit: None,
        quality: Quality::Good,
        at: at(8).wall,
        received_at: at(8).wall,
        source_event: None,
        retained: false,
        is_test: false,
    };
    one.observe(&full, at(8));
    assert_eq!(
        told(&mut one, 9),
        [
            "battery-low z/low false P4",
            "silence z/lost false P2",
            "source-lost gateway/zigbee false P2"
        ]
    );
}

#[test]
fn device_that_comes_and_goes_is_told_as_such_and_a_lasting_loss_all_the_same() {
    let mut one = Supervision::new(Vec::new(), at(0));
    announce(&mut one, "z/a", &[Kind::Smoke], 1_000_000);
    let mut story = Vec::new();
    for n in 0..6 {
        one.offline(&id("z/a"));
        story.extend(told(&mut one, n * 300 + 1));
        heard(&mut one, "z/a", Kind::Smoke, n * 300 + 200);
        story.extend(told(&mut one, n * 300 + 201));
    }
    assert_eq!(
        story.iter().filter(|s| s.starts_with("flapping")).count(),
        1
    );
    assert_eq!(
        story.iter().filter(|s| s.starts_with("silence")).count(),
        6,
        "{story:?}"
    );
    one.offline(&id("z/a"));
    assert!(
        told(&mut one, 2000).is_empty(),
        "held back while it comes and goes"
    );
    assert_eq!(
        told(&mut one, 2000 + 3600),
        ["flapping z/a false P3", "silence z/a true P2"]
    );
}

#[test]
fn unknown_sensor_is_lost_after_three_times_its_own_longest_pause() {
    let mut one = Supervision::new(Vec::new(), at(0));
    let hour = 3600;
    let kept: Vec<i64> = (0..=49)
        .filter(|h| heard(&mut one, "z/t", Kind::Temperature, h * hour))
        .collect();
    assert_eq!(
        kept,
        [0, 48],
        "its format at first, its interval after two days"
    );
    assert!(told(&mut one, 51 * hour).is_empty());
    assert_eq!(told(&mut one, 52 * hour), ["silence z/t true P4"]);
}

#[test]
fn device_that_leaves_is_lost_if_it_protects_life_and_forgotten_if_not() {
    let mut one = Supervision::new(Vec::new(), at(0));
    announce(&mut one, "z/smoke", &[Kind::Smoke], 100_000);
    announce(&mut one, "z/lamp", &[Kind::Other], 100_000);
    for device in ["z/smoke", "z/lamp"] {
        let gone = Announcement {
            device: device.into(),
            removed: true,
            ..Announcement::default()
        };
        one.announce(&gone, "zigbee2mqtt", None, at(5));
    }
    assert_eq!(told(&mut one, 6), ["silence z/smoke true P2"]);
    assert_eq!(one.counts(), (1, 1));
}
