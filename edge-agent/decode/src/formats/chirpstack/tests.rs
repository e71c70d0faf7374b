//! Envelopes of ChirpStack's documentation (integrations, events), of version 3 and of users' threads.

use expect_test::expect;

use super::ChirpStack;
use crate::formats::testing::check;

const TOPIC: &str = "application/7/device/818B1B730405D0CF/event/";

fn up(object: &str) -> String {
    format!(
        r#"{{"deduplicationId":"dd","time":"2024-07-23T03:15:37.161+00:00","deviceInfo":{{"deviceName":"Mapper 地图",
        "deviceProfileName":"Mapper Device","devEui":"818b1b730405d0cf","tags":{{}}}},"devAddr":"78000003",
        "fCnt":12,"fPort":2,"data":"AA==",{object}"rxInfo":[{{"rssi":-106,"snr":-3.0}}]}}"#
    )
}

fn topic(event: &str) -> String {
    format!("{TOPIC}{event}")
}

#[test]
fn an_uplink_is_read_and_its_device_announced_once() {
    let one = up(r#""object":{"battery":3.98,"latitude":37.0,"temperature":21.5},"#);
    check(
        &mut ChirpStack::default(),
        &[(&topic("up"), &one), (&topic("up"), &one)],
        &expect![[r#"
            chirpstack/818b1b730405d0cf battery 3.98 V @2024-07-23T03:15:37.161Z #dd
            chirpstack/818b1b730405d0cf temperature 21.5 °C @2024-07-23T03:15:37.161Z #dd
            announced chirpstack/818b1b730405d0cf as Mapper 地图
            chirpstack/818b1b730405d0cf battery 3.98 V @2024-07-23T03:15:37.161Z #dd
            chirpstack/818b1b730405d0cf temperature 21.5 °C @2024-07-23T03:15:37.161Z #dd
        "#]],
    );
}

#[test]
fn a_renamed_device_is_announced_again() {
    let one = up("");
    check(
        &mut ChirpStack::default(),
        &[
            (&topic("join"), &one),
            (&topic("up"), &one.replace("Mapper 地图", "Gate")),
        ],
        &expect![[r#"
            announced chirpstack/818b1b730405d0cf as Mapper 地图
            announced chirpstack/818b1b730405d0cf as Gate
        "#]],
    );
}

#[test]
fn an_uplink_without_codec_or_with_an_empty_object_gives_nothing() {
    let named = "\"deviceName\":\"Mapper 地图\",";
    check(
        &mut ChirpStack::default(),
        &[
            (&topic("up"), &up("").replace(named, "")),
            (&topic("up"), &up("\"object\":{},").replace(named, "")),
            (&topic("up"), &up("\"object\":[1],").replace(named, "")),
        ],
        &expect![[r#"
            nothing
        "#]],
    );
}

#[test]
fn a_status_tells_battery_or_external_power_or_neither() {
    let status = |fields: &str| format!(r#"{{"deduplicationId":"s","margin":10{fields}}}"#);
    check(
        &mut ChirpStack::default(),
        &[
            (&topic("status"), &status(r#","batteryLevel":88.3"#)),
            (&topic("status"), &status(r#","externalPowerSource":true"#)),
            (
                &topic("status"),
                &status(r#","batteryLevelUnavailable":true,"batteryLevel":0"#),
            ),
            (&topic("status"), &status("")),
        ],
        &expect![[r#"
            chirpstack/818b1b730405d0cf battery 88.3 % #s
            chirpstack/818b1b730405d0cf power true #s
        "#]],
    );
}

#[test]
fn a_codec_that_fails_is_a_problem_and_a_join_error_is_not() {
    let log = |code: &str| {
        format!(
            r#"{{"time":"2024-07-23T03:15:37Z","level":"ERROR","code":"{code}","description":"TypeError"}}"#
        )
    };
    check(
        &mut ChirpStack::default(),
        &[
            (&topic("log"), &log("UPLINK_CODEC")),
            (&topic("log"), &log("OTAA")),
            (&topic("ack"), r#"{"acknowledged":true}"#),
            (&topic("txack"), r#"{"fCntDown":1}"#),
            (&topic("location"), r#"{"location":{"latitude":4.3}}"#),
            (&topic("integration"), r#"{"integrationName":"x"}"#),
        ],
        &expect![[r#"
            problem: chirpstack/818b1b730405d0cf: its codec fails in ChirpStack: TypeError
        "#]],
    );
}

#[test]
fn version_three_is_read_too() {
    let v3 = r#"{"applicationID":"1","applicationName":"app","deviceName":"door-1","devEUI":"AQIDBAUGBwg=",
        "rxInfo":[{"time":"2021-05-05T10:00:00Z","rssi":-57}],"fCnt":10,"fPort":5,"data":"AA==",
        "objectJSON":"{\"door\":\"open\",\"batteryVoltage\":3.1}"}"#;
    check(
        &mut ChirpStack::default(),
        &[("application/1/device/0102030405060708/event/up", v3)],
        &expect![[r#"
            chirpstack/0102030405060708 battery 3.1 V @2021-05-05T10:00:00Z
            chirpstack/0102030405060708 door true @2021-05-05T10:00:00Z
            announced chirpstack/0102030405060708 as door-1
        "#]],
    );
}

#[test]
fn protobuf_and_foreign_topics_are_told_apart() {
    check(
        &mut ChirpStack::default(),
        &[
            (
                "eu868/application/1/device/0102030405060708/event/up",
                "\u{1}\u{2}",
            ),
            ("application/1/device/0102030405060708/event/up", "[]"),
            ("application/1/device/gate/event/up", "{}"),
            ("application/1/device/0102030405060708/command/down", "{}"),
        ],
        &expect![[r#"
            broken: the payload is not JSON: expected value at line 1 column 1; with protobuf payloads set `json=true` in ChirpStack's MQTT integration
            broken: an event is a JSON object
            not mine: the topic is not application/…/device/…/event/…
            not mine: the topic is not application/…/device/…/event/…
        "#]],
    );
}

#[test]
fn the_same_device_behind_another_prefix_and_in_other_letters_is_one() {
    let one = up(r#""object":{"door":"closed"},"#);
    check(
        &mut ChirpStack::default(),
        &[
            ("application/7/device/818B1B730405D0CF/event/up", &one),
            (
                "site/a/application/7/device/818b1b730405d0cf/event/up",
                &one,
            ),
        ],
        &expect![[r#"
            chirpstack/818b1b730405d0cf door false @2024-07-23T03:15:37.161Z #dd
            announced chirpstack/818b1b730405d0cf as Mapper 地图
            chirpstack/818b1b730405d0cf door false @2024-07-23T03:15:37.161Z #dd
        "#]],
    );
}
