//! Messages of devices other than those of the recorded cases.

use expect_test::{Expect, expect};

use super::super::testing::{read_by, readings};
use super::*;

fn check(messages: &[(&str, &str)], expected: Expect) {
    expected.assert_eq(&readings(&mut ShellyGen2::default(), messages));
}

fn notify(method: &str, params: &str) -> String {
    format!(r#"{{"src":"shelly","dst":"x","method":"{method}","params":{params}}}"#)
}

#[test]
fn room_sensor_on_mains_has_no_low_battery() {
    check(
        &[(
            "shellyplusht-b8d61a8b17cc/events/rpc",
            r#"{"src":"shellyplusht-b8d61a8b17cc","dst":"shellyplusht-b8d61a8b17cc/events","method":"NotifyFullStatus","params":{"ts":1680962879.62,"ble":{},"cloud":{"connected":false},"devicepower:0":{"id":0,"battery":{"V":0.43,"percent":0},"external":{"present":true}},"ht_ui":{},"humidity:0":{"id":0,"rh":42.2},"mqtt":{"connected":true},"sys":{"mac":"B8D61A8B17CC","time":null,"unixtime":null,"uptime":3,"wakeup_period":600},"temperature:0":{"id":0,"tC":19.8,"tF":67.6},"wifi":{"sta_ip":"192.168.3.183","status":"got ip","rssi":-48}}}"#,
        )],
        expect![[r#"
            shelly/shellyplusht-b8d61a8b17cc power true 2023-04-08T14:07:59.62Z
            shelly/shellyplusht-b8d61a8b17cc humidity 42.2 % 2023-04-08T14:07:59.62Z
            shelly/shellyplusht-b8d61a8b17cc temperature 19.8 °C 2023-04-08T14:07:59.62Z
            shelly/shellyplusht-b8d61a8b17cc link_quality -48 dBm 2023-04-08T14:07:59.62Z
        "#]],
    );
}

#[test]
fn changes_tell_only_what_changed() {
    let mute = notify(
        "NotifyStatus",
        r#"{"ts":1700000000.5,"smoke:0":{"id":0,"mute":true}}"#,
    );
    let percent = notify(
        "NotifyStatus",
        r#"{"ts":1700000001,"devicepower:0":{"id":0,"battery":{"percent":40}}}"#,
    );
    let none = notify(
        "NotifyStatus",
        r#"{"ts":1700000002,"temperature:100":{"id":100,"tC":null,"tF":null,"errors":["read"]},"input:0":{"id":0,"state":null}}"#,
    );
    check(
        &[
            ("shellyplussmoke-1/events/rpc", &mute),
            ("shellyplussmoke-1/events/rpc", &percent),
            ("shellyplus1-1/events/rpc", &none),
        ],
        expect![[r#"
            shelly/shellyplussmoke-1 battery 40 % 2023-11-14T22:13:21Z
        "#]],
    );
}

#[test]
fn events_of_detectors_tests_and_buttons() {
    let event = |component: &str, event: &str| {
        notify(
            "NotifyEvent",
            &format!(
                r#"{{"ts":1736605194.11,"events":[{{"component":"{component}","id":0,"event":"{event}","ts":1736605194.11}}]}}"#
            ),
        )
    };
    let told: Vec<String> = [
        ("smoke:0", "smoke.alarm"),
        ("smoke:0", "smoke.alarm_off"),
        ("smoke:0", "smoke.alarm_test"),
        ("flood:0", "flood.alarm"),
        ("flood:0", "flood.alarm_off"),
        ("flood:0", "flood.cable_unplugged"),
        ("input:2", "btn_up"),
        ("input:0", "single_push"),
        ("input:0", "config_changed"),
        ("sys", "sleep"),
        ("bthomedevice:200", "single_push"),
        ("rocket:0", "launch"),
    ]
    .iter()
    .map(|(component, name)| event(component, name))
    .collect();
    let messages: Vec<(&str, &str)> = told
        .iter()
        .map(|payload| ("shellyplusx-1/events/rpc", payload.as_str()))
        .collect();
    check(
        &messages,
        expect![[r#"
        shelly/shellyplusx-1 smoke true 2025-01-11T14:19:54.11Z
        shelly/shellyplusx-1 smoke false 2025-01-11T14:19:54.11Z
        shelly/shellyplusx-1 alarm_test true 2025-01-11T14:19:54.11Z (test)
        shelly/shellyplusx-1 water_leak true 2025-01-11T14:19:54.11Z
        shelly/shellyplusx-1 water_leak false 2025-01-11T14:19:54.11Z
        shelly/shellyplusx-1/flood:0 other "cable_unplugged" 2025-01-11T14:19:54.11Z
        shelly/shellyplusx-1/input:2 other "btn_up" 2025-01-11T14:19:54.11Z
        shelly/shellyplusx-1/input:0 other "single_push" 2025-01-11T14:19:54.11Z
        shelly/shellyplusx-1/bthomedevice:200 other "single_push" 2025-01-11T14:19:54.11Z
    "#]],
    );
}

#[test]
fn bluetooth_sensor_heard_by_two_gateways_is_one_device_and_its_packet_counts_once() {
    let packet = notify(
        "NotifyEvent",
        r#"{"ts":1706593991.9,"events":[{"component":"script:1","id":1,"event":"shelly-blu","data":{"encryption":false,"BTHome_version":2,"pid":29,"battery":100,"illuminance":22,"window":1,"rotation":0,"rssi":-57,"address":"bc:02:6e:c3:c8:b9"},"ts":1706593991.9}]}"#,
    );
    let button = notify(
        "NotifyEvent",
        r#"{"ts":1706593992,"events":[{"component":"script:1","id":1,"event":"shelly-blu","data":{"encryption":false,"BTHome_version":2,"pid":118,"battery":100,"button":1,"rssi":-76,"address":"bc:02:6e:00:00:01"}},{"component":"script:2","id":2,"event":"mine","data":{"x":1}}]}"#,
    );
    check(
        &[
            ("shellyplus1-a/events/rpc", &packet),
            ("shellyplus1-b/events/rpc", &packet),
            ("shellyplus1-a/events/rpc", &button),
        ],
        expect![[r#"
            bluetooth/BC026EC3C8B9 battery 100 % 2024-01-30T05:53:11.9Z
            bluetooth/BC026EC3C8B9 link_quality -57 2024-01-30T05:53:11.9Z
            bluetooth/BC026EC3C8B9 door true 2024-01-30T05:53:11.9Z
            bluetooth/BC026E000001 battery 100 % 2024-01-30T05:53:12Z
            bluetooth/BC026E000001/button other 1 2024-01-30T05:53:12Z
            bluetooth/BC026E000001 link_quality -76 2024-01-30T05:53:12Z
        "#]],
    );
}

#[test]
fn components_on_topics_of_their_own() {
    check(
        &[
            (
                "shellypro4pm-a/status/switch:2",
                r#"{"id":2,"source":"init","output":false,"apower":0.0,"voltage":229.9,"current":0.0,"temperature":{"tC":44.1,"tF":111.4}}"#,
            ),
            (
                "shellyplus1-a/status/temperature:100",
                r#"{"id":100,"tC":-18.5,"tF":-1.3}"#,
            ),
            (
                "shellyplus1-a/status/humidity:101",
                r#"{"id":101,"rh":61.0}"#,
            ),
            ("shellyplus1-a/status/input:0", r#"{"id":0,"state":true}"#),
            (
                "shellyplus1-a/status/voltmeter:100",
                r#"{"id":100,"voltage":4.321}"#,
            ),
            (
                "shellypmmini-a/status/pm1:0",
                r#"{"id":0,"voltage":230.2,"current":0.2,"apower":31.4,"freq":50.0}"#,
            ),
            (
                "shellyproem50-a/status/em1:1",
                r#"{"id":1,"act_power":-120.4,"aprt_power":150.0}"#,
            ),
            (
                "shellyplus2pm-a/status/cover:0",
                r#"{"id":0,"state":"opening","apower":120.1,"current_pos":40}"#,
            ),
            (
                "shellyfloodg4-a/status/flood:0",
                r#"{"id":0,"alarm":true,"mute":true,"errors":["cable_unplugged"]}"#,
            ),
            (
                "shellyblugwg3-a/status/bthomedevice:200",
                r#"{"id":200,"rssi":-60,"battery":100,"packet_id":7,"last_updated_ts":1706593991}"#,
            ),
            (
                "shellyblugwg3-a/status/bthomesensor:201",
                r#"{"id":201,"value":true,"last_updated_ts":1706593991}"#,
            ),
            (
                "shellypresence-a/status/presencezone:200",
                r#"{"id":200,"value":true,"num_objects":1}"#,
            ),
            ("shellyplus1-a/status/mqtt", r#"{"connected":true}"#),
            ("shellyplus1-a/status/switch:0", "null"),
            ("shellyplus1-a/status/switch:0", "{"),
        ],
        expect![[r#"
            shelly/shellypro4pm-a/switch:2 other false
            shelly/shellypro4pm-a/switch:2 power 0 W
            shelly/shellyplus1-a/temperature:100 temperature -18.5 °C
            shelly/shellyplus1-a/humidity:101 humidity 61 %
            shelly/shellyplus1-a/input:0 other true
            shelly/shellyplus1-a/voltmeter:100 other 4.321 V
            shelly/shellypmmini-a power 31.4 W
            shelly/shellyproem50-a/em1:1 power -120.4 W
            shelly/shellyplus2pm-a/cover:0 other "opening"
            shelly/shellyplus2pm-a power 120.1 W
            shelly/shellyfloodg4-a water_leak true
            shelly/shellyfloodg4-a/flood:0 other "cable_unplugged"
            shelly/shellyblugwg3-a/bthomedevice:200 battery 100 %
            shelly/shellyblugwg3-a/bthomedevice:200 link_quality -60 dBm
            shelly/shellyblugwg3-a/bthomesensor:201 other true
            shelly/shellypresence-a/presencezone:200 occupancy true
            ? shellyplus1-a/status/switch:0: Broken("the state of a component is not an object")
            ? shellyplus1-a/status/switch:0: Broken("the payload is not JSON: EOF while parsing an object at line 1 column 1")
        "#]],
    );
}

#[test]
fn devices_that_sleep_are_not_lost_and_others_are() {
    let full = notify(
        "NotifyFullStatus",
        r#"{"ts":1700000000,"sys":{"wakeup_period":7200},"smoke:0":{"id":0,"alarm":false}}"#,
    );
    let mut shelly = ShellyGen2::default();
    let (_, output) = read_by(&mut shelly, "flat/kitchen/events/rpc", full.as_bytes());
    assert_eq!(
        output
            .announcements
            .iter()
            .map(|a| a.silent_after_ms)
            .collect::<Vec<_>>(),
        [Some(8_640_000)]
    );
    let shown = readings(
        &mut shelly,
        &[
            ("flat/kitchen/online", "false"),
            ("shellyhtg3-1/online", "false"),
            ("shellyplus1-1/online", "false"),
            ("shellyplus1-1/online", "true"),
            ("shellyplus1-1/online", "perhaps"),
        ],
    );
    expect![[r#"
        shelly/shellyplus1-1 availability false
        shelly/shellyplus1-1 availability true
        ? shellyplus1-1/online: Broken("online: `perhaps` is not a state")
    "#]]
    .assert_eq(&shown);
}

#[test]
fn topics_of_others_are_left_to_others() {
    for topic in [
        "camera/online",
        "garage/Tools/status/door",
        "a/status/wifi",
        "shellies/shelly1-1/online",
        "a/status/smoke:x",
        "events/rpc",
        "zwave/a/status",
    ] {
        let (verdict, output) = read_by(&mut ShellyGen2::default(), topic, b"true");
        assert!(matches!(verdict, Verdict::NotMine(_)), "{topic}");
        assert!(output.heard.is_empty());
    }
}
