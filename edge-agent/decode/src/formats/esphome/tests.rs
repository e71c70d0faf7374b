//! Messages of nodes other than those of the recorded cases.

use expect_test::{Expect, expect};

use super::super::testing::{read_by, readings};
use super::*;

fn check(messages: &[(&str, &str)], expected: Expect) {
    expected.assert_eq(&readings(&mut EspHome::default(), messages));
}

#[test]
fn binary_sensors_have_a_kind_where_their_name_means_one_thing() {
    check(
        &[
            ("hall/binary_sensor/hall_smoke/state", "ON"),
            ("hall/binary_sensor/front_door/state", "OFF"),
            ("bath/binary_sensor/water_leak/state", "ON"),
            ("bath/binary_sensor/pir_motion/state", "ON"),
            ("bath/binary_sensor/battery_low/state", "ON"),
            ("bath/binary_sensor/window_contact/state", "ON"),
            ("bath/binary_sensor/front_lock/state", "ON"),
            ("bath/binary_sensor/status/state", "ON"),
            ("bath/binary_sensor/pir_motion/state", "unavailable"),
            ("room/binary_sensor/no_motion/state", "ON"),
            ("room/binary_sensor/simulated_smoke/state", "ON"),
        ],
        expect![[r#"
            esphome/hall smoke true
            esphome/hall door false
            esphome/bath water_leak true
            esphome/bath motion true
            esphome/bath battery "low"
            esphome/bath other true
            esphome/bath/front_lock other true
            esphome/bath/status other true
            esphome/room other true
            esphome/room/simulated_smoke other true
        "#]],
    );
}

#[test]
fn sensors_are_numbers_without_units_that_nobody_named() {
    check(
        &[
            ("air/sensor/living_room_temperature/state", "21.53"),
            ("air/sensor/co2_ppm/state", "612"),
            ("air/sensor/bme680_gas/state", "48123.2"),
            ("air/sensor/cpu_temperature/state", "61.0"),
            ("air/sensor/temperature_setpoint/state", "19.0"),
            ("air/sensor/battery_voltage/state", "3.91"),
            ("air/sensor/battery_level/state", "88"),
            ("air/sensor/wifi_rssi/state", "-61"),
            ("air/sensor/humidity/state", "NaN"),
            ("air/sensor/humidity/state", "unknown"),
            ("air/sensor/humidity/state", "wet"),
            ("air/sensor/soil_humidity/state", "12"),
        ],
        expect![[r#"
            esphome/air temperature 21.53
            esphome/air co2 612 ppm
            esphome/air other 48123.2
            esphome/air/cpu_temperature other 61
            esphome/air/temperature_setpoint other 19
            esphome/air battery 3.91 V
            esphome/air battery 88 %
            esphome/air link_quality -61
            ! esphome/air: sensor humidity: `wet` is not a number
            esphome/air/soil_humidity other 12
        "#]],
    );
}

#[test]
fn two_doors_of_one_node_become_two_devices() {
    check(
        &[
            ("gate/binary_sensor/left_door/state", "ON"),
            ("gate/binary_sensor/left_door/state", "OFF"),
            ("gate/binary_sensor/right_door/state", "ON"),
            ("gate/binary_sensor/left_door/state", "ON"),
        ],
        expect![[r#"
            esphome/gate door true
            esphome/gate door false
            esphome/gate/right_door door true
            esphome/gate/left_door door true
        "#]],
    );
}

#[test]
fn settings_and_commands_give_nothing_and_a_relay_is_a_state_without_a_kind() {
    check(
        &[
            ("x/number/temperature/state", "30"),
            ("x/select/mode/state", "auto"),
            ("x/light/lamp/state", r#"{"state":"ON","brightness":255}"#),
            ("x/fan/fan/speed/state", "high"),
            ("x/fan/fan/state", "ON"),
            ("x/switch/siren/command", "ON"),
            ("x/switch/siren/state", "ON"),
            ("x/climate/floor/current_temperature/state", "22.0"),
            (
                "x/debug",
                "\u{1b}[0;36m[D][sensor:127]: 'T': Sending state 21.0 °C",
            ),
        ],
        expect![[r#"
            esphome/x other true
        "#]],
    );
}

#[test]
fn words_of_covers_locks_events_and_panels() {
    check(
        &[
            ("h/cover/bedroom_blind/state", "open"),
            ("h/cover/entry_gate/state", "closing"),
            ("h/lock/entry/state", "JAMMED"),
            ("h/lock/entry/state", "LOCKING"),
            ("h/event/doorbell/state", r#"{"event_type":"single"}"#),
            ("h/alarm_control_panel/panel/state", "triggered"),
            ("h/text_sensor/version/state", "2024.4.1"),
        ],
        expect![[r#"
            esphome/h other "open"
            esphome/h door true
            esphome/h lock "jammed"
            esphome/h/doorbell other "single"
            esphome/h/panel other "triggered"
            esphome/h/version other "2024.4.1"
        "#]],
    );
}

#[test]
fn prefix_may_have_several_levels() {
    check(
        &[
            ("home/attic/status", "online"),
            ("home/attic/sensor/temperature/state", "31.5"),
        ],
        expect![[r#"
            esphome/home/attic availability true
            esphome/home/attic temperature 31.5
        "#]],
    );
}

#[test]
fn topics_of_others_are_left_to_others() {
    for (topic, text) in [
        ("homeassistant/status", "online"),
        ("homeassistant/binary_sensor/garden/state", "ON"),
        ("ring/1/alarm/2/status", "online"),
        ("zigbee2mqtt/bridge/state", "online"),
        ("garage/Tools/status/door", "open"),
        ("x/status", "up"),
        ("sensor/temperature/state", "21"),
        ("x/thing/temperature/state", "21"),
        ("x/debug", "hello"),
        ("/sensor/a/state", "1"),
    ] {
        let (verdict, output) = read_by(&mut EspHome::default(), topic, text.as_bytes());
        assert!(matches!(verdict, Verdict::NotMine(_)), "{topic}");
        assert!(output.observations.is_empty() && output.heard.is_empty());
    }
}

#[test]
fn going_offline_takes_the_parts_of_a_node_along() {
    let (_, output) = read_by(&mut EspHome::default(), "hall/status", b"offline");
    assert_eq!(
        output.bridges,
        [Bridge {
            prefix: "esphome/hall/".to_owned(),
            online: false
        }]
    );
}

#[test]
fn description_gives_name_and_board_and_no_life() {
    let (_, output) = read_by(
        &mut EspHome::default(),
        "esphome/discover/hall",
        br#"{"name":"hall","friendly_name":"Hall","board":"d1_mini","platform":"ESP8266"}"#,
    );
    assert!(output.observations.is_empty());
    assert_eq!(
        output.announcements.first().map(|a| a.device.as_str()),
        Some("esphome/hall")
    );
}
