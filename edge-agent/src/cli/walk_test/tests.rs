//! What the person on the ladder reads.

use expect_test::expect;
use gridwatch_protocol::{AlertId, Kind};
use uuid::Uuid;

use super::*;

fn press() -> WalkTestPress {
    let received_at: Timestamp = "2026-11-22T03:12:09.250Z".parse().expect("a valid time");
    WalkTestPress {
        device: DeviceId::new("zigbee2mqtt/厨房烟感").expect("valid"),
        place: Place {
            building: Some("3".to_owned()),
            room: Some("厨房".to_owned()),
            ..Place::default()
        },
        kind: Kind::AlarmTest,
        alert: AlertId(Uuid::from_u128(1)),
        device_time: None,
        received_at,
        accepted_at: Some(received_at.plus_ms(120)),
        sensor_to_agent_ms: None,
        agent_to_hub_ms: Some(120),
        refused: None,
    }
}

#[test]
fn press_is_one_line_with_both_latencies_or_why_there_is_none() {
    let accepted = press_in_words(PressState::Accepted, &press()).expect("a line");
    expect!["03:12:09 zigbee2mqtt/厨房烟感 (building 3, room 厨房) said alarm_test; sensor → agent: unknown: the device sends no time; agent → hub: 0.12 s"]
        .assert_eq(&accepted);
    let timed = WalkTestPress {
        sensor_to_agent_ms: Some(1_400),
        place: Place::default(),
        ..press()
    };
    let late = press_in_words(PressState::Late, &timed).expect("a line");
    expect!["03:12:09 zigbee2mqtt/厨房烟感 (place not configured) said alarm_test; sensor → agent: 1.40 s; agent → hub: NOT ACCEPTED after 10 s, still trying"]
        .assert_eq(&late);
    assert_eq!(press_in_words(PressState::Waiting, &press()), None);
}
