//! Messages of devices other than those of the recorded cases.

use expect_test::{Expect, expect};

use super::super::testing::{read_by, readings};
use super::*;

fn check(messages: &[(&str, &str)], expected: Expect) {
    expected.assert_eq(&readings(&mut ShellyGen1::default(), messages));
}

#[test]
fn gas_detector_alarms_tests_and_measures() {
    check(
        &[
            ("shellies/shellygas-D1C2E3/sensor/operation", "normal"),
            ("shellies/shellygas-D1C2E3/sensor/gas", "none"),
            ("shellies/shellygas-D1C2E3/sensor/gas", "mild"),
            ("shellies/shellygas-D1C2E3/sensor/gas", "heavy"),
            ("shellies/shellygas-D1C2E3/sensor/gas", "test"),
            ("shellies/shellygas-D1C2E3/sensor/gas", "unknown"),
            ("shellies/shellygas-D1C2E3/sensor/self_test", "running"),
            ("shellies/shellygas-D1C2E3/sensor/self_test", "completed"),
            ("shellies/shellygas-D1C2E3/sensor/concentration", "12"),
            ("shellies/shellygas-D1C2E3/sensor/concentration", "-1"),
            ("shellies/shellygas-D1C2E3/valve/0/state", "closed"),
        ],
        expect![[r#"
            shelly/shellygas-D1C2E3/operation other "normal"
            shelly/shellygas-D1C2E3 gas false
            shelly/shellygas-D1C2E3 gas true
            shelly/shellygas-D1C2E3 gas true
            shelly/shellygas-D1C2E3 alarm_test true (test)
            shelly/shellygas-D1C2E3 alarm_test true (test)
            shelly/shellygas-D1C2E3 gas 12 ppm
        "#]],
    );
}

#[test]
fn smoke_and_climate_sensors_sleep_and_are_not_lost() {
    check(
        &[
            ("shellies/shellysmoke-0099AA/online", "true"),
            ("shellies/shellysmoke-0099AA/sensor/smoke", "true"),
            ("shellies/shellysmoke-0099AA/sensor/temperature", "22.0"),
            ("shellies/shellysmoke-0099AA/online", "false"),
            ("shellies/shellyht-112233/sensor/temperature", "19.38"),
            ("shellies/shellyht-112233/sensor/humidity", "54.5"),
            ("shellies/shellyht-112233/online", "false"),
            ("shellies/cellar/sensor/battery", "66"),
            ("shellies/cellar/online", "false"),
        ],
        expect![[r#"
            shelly/shellysmoke-0099AA availability true
            shelly/shellysmoke-0099AA smoke true
            shelly/shellysmoke-0099AA temperature 22 °C
            shelly/shellyht-112233 temperature 19.38 °C
            shelly/shellyht-112233 humidity 54.5 %
            shelly/cellar battery 66 %
        "#]],
    );
}

#[test]
fn announced_model_tells_a_sleeper_with_a_name_of_its_own() {
    check(
        &[
            (
                "shellies/announce",
                r#"{"id":"kitchen","model":"SHWT-1","mac":"AABB","ip":"10.0.0.9","new_fw":false,"fw_ver":"1.14"}"#,
            ),
            ("shellies/kitchen/sensor/flood", "true"),
            ("shellies/kitchen/online", "false"),
            ("shellies/relay/online", "false"),
        ],
        expect![[r#"
            shelly/kitchen water_leak true
            shelly/relay availability false
        "#]],
    );
}

#[test]
fn relays_and_meters_are_outputs_and_watts() {
    check(
        &[
            ("shellies/shellyswitch25-AA/relay/0", "on"),
            ("shellies/shellyswitch25-AA/relay/1", "off"),
            ("shellies/shellyswitch25-AA/relay/1", "overpower"),
            ("shellies/shellyswitch25-AA/relay/0/power", "12.50"),
            ("shellies/shellyswitch25-AA/relay/0/energy", "5512"),
            ("shellies/shellyswitch25-AA/input/0", "1"),
            ("shellies/shellyswitch25-AA/overtemperature", "1"),
            ("shellies/shellyem3-BB/emeter/0/power", "-41.2"),
            ("shellies/shellyem3-BB/emeter/2/power", "300"),
            ("shellies/shellyem3-BB/emeter/0/voltage", "230.1"),
            ("shellies/shelly1-CC/ext_temperature/0", "4.25"),
            ("shellies/shelly1-CC/ext_temperature/1", "999"),
            ("shellies/shelly1-CC/relay/0/command", "on"),
        ],
        expect![[r#"
            shelly/shellyswitch25-AA other true
            shelly/shellyswitch25-AA/relay:1 other false
            shelly/shellyswitch25-AA/relay:1 other "overpower"
            shelly/shellyswitch25-AA power 12.5 W
            shelly/shellyswitch25-AA/input:0 other true
            shelly/shellyswitch25-AA/overtemperature other true
            shelly/shellyem3-BB power -41.2 W
            shelly/shellyem3-BB/emeter:2 power 300 W
            shelly/shelly1-CC/ext_temperature:0 temperature 4.25 °C
        "#]],
    );
}

#[test]
fn pressed_button_is_told_once() {
    check(
        &[
            (
                "shellies/shellybutton1-A/input_event/0",
                r#"{"event":"S","event_cnt":7}"#,
            ),
            (
                "shellies/shellybutton1-A/input_event/0",
                r#"{"event":"S","event_cnt":7}"#,
            ),
            (
                "shellies/shellybutton1-A/input_event/0",
                r#"{"event":"L","event_cnt":8}"#,
            ),
            (
                "shellies/shellybutton1-A/input_event/0",
                r#"{"event":"","event_cnt":9}"#,
            ),
        ],
        expect![[r#"
            shelly/shellybutton1-A/input:0 other "S"
            shelly/shellybutton1-A/input:0 other "L"
        "#]],
    );
}

#[test]
fn motion_sensor_tells_vibration_and_temperature_that_it_believes() {
    check(
        &[
            (
                "shellies/shellymotion2-60A423/status",
                r#"{"motion":false,"timestamp":1667574000,"active":true,"vibration":true,"lux":40,"bat":88,"tmp":{"value":21.4,"units":"C","is_valid":true}}"#,
            ),
            (
                "shellies/shellymotion2-60A423/status",
                r#"{"motion":true,"timestamp":0,"bat":-1,"tmp":{"value":70.9,"units":"F","is_valid":true}}"#,
            ),
            (
                "shellies/shellymotion2-60A423/status",
                r#"{"tmp":{"value":0,"units":"C","is_valid":false}}"#,
            ),
        ],
        expect![[r#"
            shelly/shellymotion2-60A423 motion false 2022-11-04T15:00:00Z
            shelly/shellymotion2-60A423 vibration true 2022-11-04T15:00:00Z
            shelly/shellymotion2-60A423 battery 88 % 2022-11-04T15:00:00Z
            shelly/shellymotion2-60A423 temperature 21.4 °C 2022-11-04T15:00:00Z
            shelly/shellymotion2-60A423 motion true no time
            shelly/shellymotion2-60A423 temperature 21.611 °C no time
        "#]],
    );
}

#[test]
fn whole_state_at_connect_is_read_by_what_the_device_is() {
    let door = r#"{"unixtime":1650000000,"sensor":{"state":"open","is_valid":true},"lux":{"value":5},"bat":{"value":97,"voltage":5.9},"tmp":{"value":20.5,"units":"C","tC":20.5,"is_valid":true}}"#;
    let relay = r#"{"unixtime":1650000000,"relays":[{"ison":true}],"tmp":{"tC":56.2,"tF":133.1,"is_valid":true},"temperature":56.2}"#;
    check(
        &[
            ("shellies/shellydw2-A/info", door),
            ("shellies/shelly1pm-B/info", relay),
        ],
        expect![[r#"
            shelly/shellydw2-A battery 97 % 2022-04-15T05:20:00Z
            shelly/shellydw2-A door true 2022-04-15T05:20:00Z
            shelly/shellydw2-A temperature 20.5 °C 2022-04-15T05:20:00Z
        "#]],
    );
}

#[test]
fn words_that_are_none_are_told_and_broken_messages_are_refused() {
    check(
        &[
            ("shellies/shellydw-A/sensor/state", "ajar?"),
            ("shellies/shellydw-A/sensor/state", "unknown"),
            ("shellies/shellydw-A/sensor/vibration", "-1"),
            ("shellies/shellydw-A/sensor/temperature", "warm"),
            ("shellies/shellydw-A/status", "{"),
            ("shellies/announce", "[]"),
            ("shellies/", "x"),
        ],
        expect![[r#"
            ! shelly/shellydw-A: state: `ajar?` is neither open nor close
            ! shelly/shellydw-A: temperature: `warm` is not a number
            ? shellies/shellydw-A/status: Broken("the status is not an object")
            ? shellies/announce: Broken("the announcement is not an object")
            ? shellies/: NotMine("the topic names no device or no value")
        "#]],
    );
    let (verdict, _) = read_by(&mut ShellyGen1::default(), "other/x", b"");
    assert!(matches!(verdict, Verdict::NotMine(_)));
}
