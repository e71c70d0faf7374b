//! Envelopes of The Things Stack's documentation (data formats) with outputs of the device repository.

use expect_test::expect;

use super::TheThingsStack;
use crate::formats::testing::check;

const TOPIC: &str = "v3/app1@ttn/devices/dev1/up";

fn up(message: &str) -> String {
    format!(
        r#"{{"end_device_ids":{{"device_id":"dev1"}},"correlation_ids":["ns:uplink:01","as:up:02"],
        "received_at":"2024-02-12T15:15:46.014773143Z","uplink_message":{{"session_key_id":"AXA","f_cnt":3,
        "received_at":"2024-02-12T15:15:45.8Z",{message}}}}}"#
    )
}

#[test]
fn two_decodings_of_one_frame_give_one_set() {
    check(
        &mut TheThingsStack,
        &[(
            TOPIC,
            &up(
                r#""f_port":2,"decoded_payload":{"temperature":21.5,"BatV":3.1},
                "normalized_payload":[{"air":{"temperature":21.5},"battery":3.1}]"#,
            ),
        )],
        &expect![[r#"
            tts/app1@ttn/dev1 battery 3.1 V @2024-02-12T15:15:46.014773143Z #as:up:02
            tts/app1@ttn/dev1 temperature 21.5 °C @2024-02-12T15:15:46.014773143Z #as:up:02
        "#]],
    );
}

#[test]
fn the_normalized_form_alone_is_read_and_its_battery_is_in_volts() {
    check(
        &mut TheThingsStack,
        &[(
            TOPIC,
            &up(
                r#""f_port":2,"decoded_payload":{"raw":7},"normalized_payload":[{"action":
                {"contactState":"open","motion":{"detected":true,"count":3}},"water":{"leak":false},
                "air":{"temperature":20.5,"relativeHumidity":61,"co2":455},"battery":3}]"#,
            ),
        )],
        &expect![[r#"
            tts/app1@ttn/dev1 door true @2024-02-12T15:15:46.014773143Z #as:up:02
            tts/app1@ttn/dev1 motion true @2024-02-12T15:15:46.014773143Z #as:up:02
            tts/app1@ttn/dev1 co2 455 ppm @2024-02-12T15:15:46.014773143Z #as:up:02
            tts/app1@ttn/dev1 humidity 61 % @2024-02-12T15:15:46.014773143Z #as:up:02
            tts/app1@ttn/dev1 temperature 20.5 °C @2024-02-12T15:15:46.014773143Z #as:up:02
            tts/app1@ttn/dev1 battery 3 V @2024-02-12T15:15:46.014773143Z #as:up:02
            tts/app1@ttn/dev1 water_leak false @2024-02-12T15:15:46.014773143Z #as:up:02
        "#]],
    );
}

#[test]
fn an_uplink_from_the_console_is_a_test() {
    let simulated = up(r#""f_port":2,"decoded_payload":{"smoke":true}"#).replacen(
        '{',
        "{\"simulated\":true,",
        1,
    );
    check(
        &mut TheThingsStack,
        &[(TOPIC, &simulated)],
        &expect![[r#"
        tts/app1@ttn/dev1 smoke true @2024-02-12T15:15:46.014773143Z #as:up:02 (test)
    "#]],
    );
}

#[test]
fn frame_zero_has_no_count_and_still_an_id() {
    let first = up(r#""f_port":2,"decoded_payload":{"door":"closed"}"#)
        .replace(r#""as:up:02""#, r#""as:x""#)
        .replace(r#""f_cnt":3,"#, "");
    check(
        &mut TheThingsStack,
        &[(TOPIC, &first)],
        &expect![[r#"
        tts/app1@ttn/dev1 door false @2024-02-12T15:15:46.014773143Z #AXA/0
    "#]],
    );
}

#[test]
fn the_last_device_status_fills_in_a_battery_that_the_codec_has_not() {
    let last = r#""last_battery_percentage":{"f_cnt":1,"value":95.3,"received_at":"2024-02-11T00:00:00Z"}"#;
    check(
        &mut TheThingsStack,
        &[
            (
                TOPIC,
                &up(&format!(r#""decoded_payload":{{"co2":500}},{last}"#)),
            ),
            (
                TOPIC,
                &up(&format!(r#""decoded_payload":{{"battery":40}},{last}"#)),
            ),
        ],
        &expect![[r#"
            tts/app1@ttn/dev1 co2 500 ppm @2024-02-12T15:15:46.014773143Z #as:up:02
            tts/app1@ttn/dev1 battery 95.3 % @2024-02-11T00:00:00Z
            tts/app1@ttn/dev1 battery 40 % @2024-02-12T15:15:46.014773143Z #as:up:02
        "#]],
    );
}

#[test]
fn bytes_without_formatter_and_other_messages_give_nothing() {
    check(
        &mut TheThingsStack,
        &[
            (TOPIC, &up(r#""f_port":1,"frm_payload":"gkHe""#)),
            ("v3/app1@ttn/devices/dev1/join", r#"{"join_accept":{}}"#),
            (
                "v3/app1@ttn/devices/dev1/down/sent",
                r#"{"downlink_sent":{}}"#,
            ),
            (
                "v3/app1@ttn/devices/dev1/service/data",
                r#"{"service_data":{"data":{"temperature":1}}}"#,
            ),
            (
                "v3/app1@ttn/devices/dev1/location/solved",
                r#"{"location_solved":{}}"#,
            ),
        ],
        &expect![[r#"
            nothing
        "#]],
    );
}

#[test]
fn the_model_id_says_what_a_status_is_about() {
    check(
        &mut TheThingsStack,
        &[(
            TOPIC,
            &up(
                r#""f_port":99,"version_ids":{"brand_id":"browan","model_id":"tbwl100"},
                "decoded_payload":{"status":1,"battery":3.6}"#,
            ),
        )],
        &expect![[r#"
            tts/app1@ttn/dev1 water_leak true @2024-02-12T15:15:46.014773143Z #as:up:02
            tts/app1@ttn/dev1 battery 3.6 V @2024-02-12T15:15:46.014773143Z #as:up:02
        "#]],
    );
}

#[test]
fn devices_of_two_applications_stay_apart() {
    let one = up(r#""decoded_payload":{"door":"open"}"#);
    check(
        &mut TheThingsStack,
        &[
            ("v3/a@ttn/devices/dev1/up", &one),
            ("v3/b@ttn/devices/dev1/up", &one),
        ],
        &expect![[r#"
            tts/a@ttn/dev1 door true @2024-02-12T15:15:46.014773143Z #as:up:02
            tts/b@ttn/dev1 door true @2024-02-12T15:15:46.014773143Z #as:up:02
        "#]],
    );
}

#[test]
fn broken_and_foreign_messages_are_told_apart() {
    check(
        &mut TheThingsStack,
        &[
            (TOPIC, "{\"end"),
            (TOPIC, "{}"),
            (TOPIC, "[]"),
            ("v3/app1/things/dev1/up", "{}"),
            ("v2/app1/devices/dev1/up", "{}"),
        ],
        &expect![[r#"
            broken: the payload is not JSON: EOF while parsing a string at line 1 column 5
            broken: an uplink has `uplink_message`
            broken: a message is a JSON object
            not mine: the topic is not v3/…/devices/…/…
            not mine: the topic is not v3/…/devices/…/…
        "#]],
    );
}
