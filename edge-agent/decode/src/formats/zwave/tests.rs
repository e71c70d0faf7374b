//! Messages of nodes other than those of the recorded cases.

use expect_test::{Expect, expect};

use super::super::testing::{read_by, readings};
use super::*;

fn check(messages: &[(&str, &str)], expected: Expect) {
    expected.assert_eq(&readings(&mut ZWave, messages));
}

#[test]
fn notifications_are_read_by_type_and_event() {
    check(
        &[
            (
                "zwave/shed/notification/endpoint_0/Home_Security/Motion_sensor_status",
                r#"{"time":1610009585743,"value":8}"#,
            ),
            (
                "zwave/shed/notification/endpoint_0/Home_Security/Motion_sensor_status",
                "0",
            ),
            (
                "zwave/shed/notification/endpoint_0/Home_Security/Cover_status",
                r#"{"time":1610009585743,"value":3}"#,
            ),
            (
                "zwave/nodeID_7/113/0/Smoke_Alarm/Sensor_status",
                r#"{"time":1610009585743,"value":2}"#,
            ),
            (
                "zwave/nodeID_7/113/0/Smoke_Alarm/Alarm_status",
                r#"{"value":3}"#,
            ),
            (
                "zwave/nodeID_7/113/0/CO_Alarm/Sensor_status",
                r#"{"value":0}"#,
            ),
            (
                "zwave/Bath/Leak/113/0/Water_Alarm/Sensor_status",
                r#"{"value":2}"#,
            ),
            (
                "zwave/Bath/Leak/113/0/Heat_Alarm/Heat_sensor_status",
                r#"{"value":1}"#,
            ),
            (
                "zwave/Bath/Leak/113/0/Heat_Alarm/Heat_sensor_status",
                r#"{"value":5}"#,
            ),
            (
                "zwave/Front/113/0/Access_Control/Door_state",
                r#"{"value":22}"#,
            ),
            (
                "zwave/Front/113/0/Access_Control/Door_state",
                r#"{"value":23}"#,
            ),
            (
                "zwave/Front/113/0/Access_Control/Lock_state",
                r#"{"value":11}"#,
            ),
            (
                "zwave/Front/113/0/Access_Control/Lock_state",
                r#"{"value":null}"#,
            ),
            (
                "zwave/Ext/113/0/Power_Management/Mains_status",
                r#"{"value":2}"#,
            ),
        ],
        expect![[r#"
            zwave/shed motion true 2021-01-07T08:53:05.743Z
            zwave/shed motion false
            zwave/shed tamper true 2021-01-07T08:53:05.743Z
            zwave/nodeID_7 smoke true 2021-01-07T08:53:05.743Z
            zwave/nodeID_7 alarm_test true (test)
            zwave/nodeID_7 carbon_monoxide false
            zwave/Bath/Leak water_leak true
            zwave/Bath/Leak heat true
            zwave/Front door true
            zwave/Front door false
            zwave/Front lock "jammed"
            zwave/Ext power false
        "#]],
    );
}

#[test]
fn sensors_batteries_and_locks() {
    check(
        &[
            (
                "zwave/hall/48/0/Any",
                r#"{"time":1610009585743,"value":true}"#,
            ),
            ("zwave/hall/sensor_binary/endpoint_0/Door_Window", "false"),
            (
                "zwave/hall/49/0/Air_temperature",
                r#"{"time":1,"value":70.5,"unit":"°F"}"#,
            ),
            (
                "zwave/hall/sensor_multilevel/endpoint_0/Air_temperature",
                r#"{"time":0,"value":38.5,"nodeName":"car"}"#,
            ),
            ("zwave/hall/49/1/Humidity", r#"{"value":44,"unit":"%"}"#),
            (
                "zwave/hall/49/0/Illuminance",
                r#"{"value":400,"unit":"lux"}"#,
            ),
            ("zwave/hall/128/0/level", r#"{"value":87}"#),
            ("zwave/hall/128/0/isLow", r#"{"value":true}"#),
            ("zwave/front/98/0/currentMode", r#"{"value":255}"#),
            (
                "zwave/front/door_lock/endpoint_0/currentMode",
                r#"{"value":0}"#,
            ),
            ("zwave/front/98/0/currentMode", r#"{"value":254}"#),
            ("zwave/front/98/0/doorStatus", r#"{"value":"open"}"#),
            ("zwave/lamp/37/0/currentValue", r#"{"value":true}"#),
            ("zwave/lamp/37/0/targetValue/set", "true"),
        ],
        expect![[r#"
            zwave/hall/any other true 2021-01-07T08:53:05.743Z
            zwave/hall door false
            zwave/hall temperature 21.389 °C no time
            zwave/hall temperature 38.5 no time
            zwave/hall/endpoint_1 humidity 44 %
            zwave/hall battery 87 %
            zwave/hall battery "low"
            zwave/front lock "locked"
            zwave/front lock "unlocked"
            zwave/front door true
        "#]],
    );
}

#[test]
fn word_decides_whether_a_node_is_lost() {
    check(
        &[
            (
                "zwave/a/status",
                r#"{"time":1610009585743,"value":false,"status":"Asleep"}"#,
            ),
            ("zwave/a/status", r#"{"time":1610009585743,"value":false}"#),
            ("zwave/a/status", "true"),
            (
                "zwave/a/nodeinfo",
                r#"{"id":3,"status":"Asleep","failed":true}"#,
            ),
            ("zwave/a/nodeinfo", r#"{"id":3,"status":"Unknown"}"#),
            (
                "zwave/a/lastActive",
                r#"{"time":1610009585743,"value":1610009585743}"#,
            ),
            (
                "zwave/_CLIENTS/ZWAVE_GATEWAY-office/status",
                r#"{"value":false,"time":1}"#,
            ),
            (
                "zwave/_EVENTS_/ZWAVE_GATEWAY-office/node/x",
                r#"{"data":[]}"#,
            ),
            ("zwave/a/nodeinfo", "{"),
        ],
        expect![[r#"
            zwave/a availability true 2021-01-07T08:53:05.743Z
            zwave/a availability true
            zwave/a availability false
            zwave/ZWAVE_GATEWAY-office availability false
            ? zwave/a/nodeinfo: Broken("the payload is not JSON: EOF while parsing an object at line 1 column 1")
        "#]],
    );
}

#[test]
fn topics_without_class_and_endpoint_are_left_to_others() {
    for topic in [
        "zwave/a",
        "zwave/a/b/c",
        "zwave",
        "other/113/0/x",
        "zwave/113/0",
    ] {
        let (verdict, _) = read_by(&mut ZWave, topic, b"1");
        assert!(matches!(verdict, Verdict::NotMine(_)), "{topic}");
    }
}
