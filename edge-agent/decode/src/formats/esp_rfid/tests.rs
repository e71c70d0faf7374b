//! Events of readers with newer firmware, and what must not be taken for them.

use expect_test::expect;

use super::super::testing::{read_by, readings};
use super::*;

#[test]
fn newer_firmware_appends_to_the_topic_and_names_itself() {
    let shown = readings(
        &mut EspRfid::default(),
        &[
            (
                "doors/gate/send",
                r#"{"type":"boot","time":1676419260,"uptime":"0","ip":"10.0.0.4","hostname":"gate"}"#,
            ),
            (
                "doors/gate/send",
                r#"{"type":"heartbeat","time":1676419270,"uptime":10,"ip":"10.0.0.4","hostname":"gate"}"#,
            ),
            (
                "doors/gate/send",
                r#"{"cmd":"log","type":"access","time":1676419280,"isKnown":"true","access":"Admin","username":"Chief","uid":"aabbccdd","door":"gate"}"#,
            ),
            (
                "doors/gate/send",
                r#"{"type":"access","time":1676419281,"isKnown":"true","access":"Disabled","username":"Old","uid":"11223344","door":"gate"}"#,
            ),
            (
                "doors/gate/tag",
                r#"{"uid":"55667788","username":"Visitor","access":"Expired","time":1676419282}"#,
            ),
            (
                "doors/gate/send",
                r#"{"type":"access","time":0,"isKnown":"true","access":"Always","username":"MQTT","uid":" "}"#,
            ),
            ("doors/gate/io/door", "on"),
            ("doors/gate/io/tamper", "off"),
            ("doors/gate/io/lock", "off"),
            ("doors/gate/avty", "offline"),
            (
                "doors/gate/send",
                r#"{"type":"INFO","src":"mqtt","desc":"x"}"#,
            ),
        ],
    );
    expect![[r#"
        esp-rfid/doors/gate availability true 2023-02-15T00:01:00Z
        esp-rfid/doors/gate availability true 2023-02-15T00:01:10Z
        esp-rfid/doors/gate access_granted "aabbccdd" 2023-02-15T00:01:20Z
        esp-rfid/doors/gate access_denied "11223344" 2023-02-15T00:01:21Z
        esp-rfid/doors/gate access_denied "55667788" 2023-02-15T00:01:22Z
        esp-rfid/doors/gate access_granted "MQTT" no time
        esp-rfid/doors/gate door true
        esp-rfid/doors/gate tamper false
        esp-rfid/doors/gate availability false
    "#]]
    .assert_eq(&shown);
}

#[test]
fn same_event_has_the_same_id_and_the_card_is_not_in_it() {
    let event = br#"{"type":"access","time":1676419280,"isKnown":"true","access":"Always","username":"x","uid":"aabbccdd"}"#;
    let id = |payload: &[u8]| {
        let (_, output) = read_by(&mut EspRfid::default(), "door", payload);
        output
            .observations
            .first()
            .and_then(|o| o.source_event.clone())
    };
    assert_eq!(
        id(event),
        Some("esp-rfid/door/1676419280/Always".to_owned())
    );
    assert_eq!(id(event), id(event));
}

#[test]
fn messages_that_anyone_may_send_are_left_to_others() {
    for (topic, payload) in [
        ("x", r#"{"type":"heartbeat","time":1676419270}"#),
        ("x", r#"{"type":"access","uid":"1"}"#),
        ("x", r#"{"type":"boot","time":1}"#),
        ("x", "[]"),
        ("x", "open"),
        ("x/io/door", "on"),
        ("x/avty", "online"),
    ] {
        let (verdict, _) = read_by(&mut EspRfid::default(), topic, payload.as_bytes());
        assert!(matches!(verdict, Verdict::NotMine(_)), "{topic} {payload}");
    }
}
