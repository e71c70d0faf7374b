//! Entities by their topics, and the attributes of a device.

use expect_test::expect;

use super::super::testing::{read_by, readings};
use super::*;

#[test]
fn entities_are_read_by_their_names() {
    let base = "ring/5d1c/alarm/aa-bb";
    let entity = |name: &str| format!("{base}/{name}");
    let topics: Vec<(String, &str)> = [
        ("status", "online"),
        ("smoke/state", "ON"),
        ("co/state", "OFF"),
        ("flood/state", "ON"),
        ("freeze/state", "ON"),
        ("contact/state", "ON"),
        ("motion/state", "OFF"),
        ("lock/state", "UNLOCKED"),
        ("alarm/state", "triggered"),
        ("alarm/command", "disarm"),
        ("contact/state", "unknown"),
        ("contact/state", "what"),
        (
            "info/state",
            r#"{"batteryLevel":100,"batteryStatus":"full","tamperStatus":"tamper","acStatus":"ok","commStatus":"ok","wirelessSignal":-51}"#,
        ),
        ("info/state", r#"{"batteryStatus":"low","tamperStatus":"ok"}"#),
        ("info/state", "{"),
        ("status", "gone"),
    ]
    .iter()
    .map(|(name, text)| (entity(name), *text))
    .collect();
    let mut messages: Vec<(&str, &str)> = topics.iter().map(|(t, p)| (t.as_str(), *p)).collect();
    messages.push(("ring/5d1c/camera/cc/motion/state", "ON"));
    messages.push(("ring/5d1c/camera/cc/ding/state", "ON"));
    expect![[r#"
        ring/aa-bb availability true
        ring/aa-bb smoke true
        ring/aa-bb carbon_monoxide false
        ring/aa-bb water_leak true
        ring/aa-bb/freeze other true
        ring/aa-bb door true
        ring/aa-bb motion false
        ring/aa-bb lock "unlocked"
        ring/aa-bb/alarm other "triggered"
        ! ring/aa-bb: contact: `what` is not a state
        ring/aa-bb battery 100 %
        ring/aa-bb tamper true
        ring/aa-bb power true
        ring/aa-bb link_quality -51 dBm
        ring/aa-bb battery "low"
        ring/aa-bb tamper false
        ? ring/5d1c/alarm/aa-bb/info/state: Broken("the payload is not JSON: EOF while parsing an object at line 1 column 1")
        ? ring/5d1c/alarm/aa-bb/status: Broken("status is neither online nor offline")
        ring/cc camera_motion true
        ring/cc/ding other true
    "#]].assert_eq(&readings(&mut RingMqtt, &messages));
}

#[test]
fn pictures_are_taken_and_not_read_and_others_are_left_alone() {
    let (verdict, output) = read_by(
        &mut RingMqtt,
        "ring/1/camera/2/snapshot/image",
        &[0xff, 0xd8],
    );
    assert_eq!((verdict, output.observations.len()), (Verdict::Taken, 0));
    let (verdict, _) = read_by(&mut RingMqtt, "ring/1", b"x");
    assert!(matches!(verdict, Verdict::NotMine(_)));
}
