//! Devices that are not among the recorded cases, and messages that are none.

mod hostile;
mod inventory;

use gridwatch_protocol::{Kind, Timestamp, Value};
use serde_json::{Value as Json, json};

use super::Zigbee2Mqtt;
use crate::formats::{Format, Verdict};
use crate::frame::Message;
use crate::observation::{Observation, Output};

const NOW: i64 = 1_800_000_000_000;

fn read(format: &mut Zigbee2Mqtt, topic: &str, payload: &Json) -> (Verdict, Output) {
    let text = match payload {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    };
    raw(format, topic, text.as_bytes(), false)
}

fn raw(f: &mut Zigbee2Mqtt, topic: &str, payload: &[u8], retained: bool) -> (Verdict, Output) {
    let mut output = Output::explaining();
    let now = Timestamp::from_unix_ms(NOW);
    let verdict = f.read(&Message::new(topic, payload, retained, now), &mut output);
    (verdict, output)
}

/// `kind value unit` of each observation, without link quality.
fn lines(output: &Output) -> Vec<String> {
    output
        .observations
        .iter()
        .filter(|o| o.kind != Kind::LinkQuality)
        .map(line)
        .collect()
}

fn line(o: &Observation) -> String {
    let value = match &o.value {
        Value::Bool(state) => state.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Text(text) => text.clone(),
    };
    format!("{} {value} {}", o.kind, o.unit.as_deref().unwrap_or(""))
        .trim_end()
        .to_owned()
}

/// What one state of a fresh installation says.
fn state(payload: &Json) -> Vec<String> {
    let (verdict, output) = read(&mut Zigbee2Mqtt::default(), "zigbee2mqtt/device", payload);
    assert_eq!(verdict, Verdict::Taken);
    assert!(output.problems.is_empty(), "{:?}", output.problems);
    lines(&output)
}

#[test]
fn bosch_smoke_detector_with_everything_unknown_says_only_what_it_knows() {
    // hassio-zigbee2mqtt issue 591
    let seen = state(
        &json!({"alarm": null, "battery": null, "co2": null, "heartbeat": "ON",
        "humidity": null, "illuminance_lux": null, "linkquality": 72, "pre_alarm": null,
        "self_test": false, "sensitivity": null, "siren_state": "clear", "smoke": false,
        "temperature": null, "voc": null}),
    );
    assert_eq!(seen, ["alarm_test false", "smoke false"]);
}

#[test]
fn tuya_air_quality_box_gives_its_gases() {
    // domoticz-zigbee2mqtt-plugin issue 684
    let seen = state(&json!({"co2": 359, "formaldehyd": 1, "humidity": 62.3,
        "linkquality": 84, "temperature": 21.1, "voc": 14}));
    assert_eq!(
        seen,
        [
            "co2 359 ppm",
            "humidity 62.3 %",
            "temperature 21.1 °C",
            "voc 14"
        ]
    );
}

#[test]
fn smoke_density_is_a_measurement_next_to_the_alarm() {
    // domoticz-zigbee2mqtt-plugin issue 311
    let seen = state(&json!({"battery": 100, "voltage": 3115, "smoke_density": 2,
        "linkquality": 94, "smoke": false}));
    assert_eq!(seen, ["battery 100 %", "smoke false", "smoke 2"]);
}

#[test]
fn time_in_milliseconds_is_the_time_of_all_readings() {
    // zigbee2mqtt issue 2113
    let payload = json!({"battery": 100, "voltage": 3195, "linkquality": 57,
        "last_seen": 1_573_393_389_829_i64, "smoke": true, "sensitivity": "high"});
    let (_, output) = read(
        &mut Zigbee2Mqtt::default(),
        "zigbee2mqtt/sens_smoke1",
        &payload,
    );
    for observation in &output.observations {
        let time = observation.time.expect("a time");
        assert!(time.is("2019-11-10T13:43:09.829Z"), "{time:?}");
    }
    assert_eq!(lines(&output), ["battery 100 %", "smoke true"]);
}

#[test]
fn lock_opened_by_hand_names_the_way_and_no_person() {
    // zigbee2mqtt issue 22779: the copy on /action is no second opening
    let mut format = Zigbee2Mqtt::default();
    let topic = "zigbee2mqtt/0x002446fffd038aa7";
    let payload = json!({"action": "manual_unlock", "action_source": 2,
        "action_source_name": "manual", "action_user": 65535, "battery": 70,
        "last_seen": "2025-08-07T22:10:54+00:00", "linkquality": 112, "lock_state": "locked",
        "sound_volume": "silent_mode", "state": "LOCK", "voltage": 5000});
    let (_, output) = read(&mut format, topic, &payload);
    let expected = [
        "battery 70 %",
        "lock locked",
        "access_granted manual_unlock",
    ];
    assert_eq!(lines(&output), expected);
    let (verdict, copy) = read(
        &mut format,
        &format!("{topic}/action"),
        &json!("manual_unlock"),
    );
    assert_eq!((verdict, lines(&copy)), (Verdict::Taken, vec![]));
    let (_, again) = read(&mut format, topic, &payload);
    assert_eq!(lines(&again), ["battery 70 %", "lock locked"]);
}

#[test]
fn keypad_of_newer_versions_names_its_user_and_codes_stay_inside() {
    // keymaster issue 699: actions `keypad_unlock`; users with their codes in the state
    let seen = state(
        &json!({"action": "keypad_unlock", "action_user": 0, "battery": 58,
        "lock_state": "unlocked", "state": "UNLOCK",
        "users": {"1": {"pin_code": "1234", "status": "enabled"}}}),
    );
    assert_eq!(seen, ["battery 58 %", "lock unlocked", "access_granted 0"]);
}

#[test]
fn refused_code_is_a_refusal() {
    let seen = state(&json!({"action": "unlock_failure_invalid_pin_or_id",
        "action_source_name": "keypad", "action_user": 65535, "lock_state": "locked"}));
    let refused = "access_denied unlock_failure_invalid_pin_or_id";
    assert_eq!(seen, ["lock locked", refused]);
}

#[test]
fn old_lock_without_a_lock_state_is_read_by_its_command() {
    // zigbee-herdsman-converters issue 647
    let seen = state(&json!({"state": "LOCK", "linkquality": 94, "battery": 95,
        "user": 65535, "source": 2}));
    assert_eq!(seen, ["battery 95 %", "lock locked"]);
}

#[test]
fn garage_contact_and_window_words_tell_open_from_closed() {
    assert_eq!(
        state(&json!({"trigger": false, "garage_door_contact": true, "linkquality": 120})),
        ["door false"]
    );
    // zigbee-herdsman-converters pull request 10259: a window that is tilted is not closed
    for (word, open) in [("open", true), ("tilted", true), ("closed", false)] {
        let seen = state(&json!({"opening_state": word, "battery": 87, "alarm": false}));
        assert_eq!(seen, ["battery 87 %".to_owned(), format!("door {open}")]);
    }
}

#[test]
fn voltage_is_the_battery_only_where_nothing_else_is() {
    assert_eq!(
        state(&json!({"voltage": 2985, "linkquality": 10})),
        ["battery 2.985 V"]
    );
    let plug = json!({"state": "ON", "power": 12.5, "voltage": 230, "current": 0.06,
        "energy": 3.2, "linkquality": 99});
    assert_eq!(state(&plug), ["power 12.5 W"]);
    let mut format = Zigbee2Mqtt::default();
    read(
        &mut format,
        "zigbee2mqtt/a",
        &json!({"battery": 50, "linkquality": 9}),
    );
    let (_, later) = read(&mut format, "zigbee2mqtt/a", &json!({"voltage": 2985}));
    assert_eq!(lines(&later), Vec::<String>::new());
}

#[test]
fn low_battery_is_told_next_to_a_percentage_and_taken_back() {
    let mut format = Zigbee2Mqtt::default();
    let mut say = |low: bool| {
        let payload = json!({"battery": 9, "battery_low": low, "contact": true});
        lines(&read(&mut format, "zigbee2mqtt/a", &payload).1)
    };
    assert_eq!(say(false), ["battery 9 %", "door false"]);
    assert_eq!(say(true), ["battery 9 %", "battery low", "door false"]);
    assert_eq!(say(false), ["battery 9 %", "battery ok", "door false"]);
    assert_eq!(say(false), ["battery 9 %", "door false"]);
}

#[test]
fn attributes_on_topics_of_their_own_are_read() {
    let mut format = Zigbee2Mqtt::default();
    let mut say = |topic: &str, payload: Json| {
        let (verdict, output) = read(&mut format, topic, &payload);
        assert_eq!(verdict, Verdict::Taken, "{topic}");
        lines(&output)
    };
    assert_eq!(say("zigbee2mqtt/hall/smoke", json!(true)), ["smoke true"]);
    assert_eq!(
        say("zigbee2mqtt/hall/door/contact", json!(false)),
        ["door true"]
    );
    assert_eq!(
        say("zigbee2mqtt/hall/door/battery", json!("55")),
        ["battery 55 %"]
    );
    assert_eq!(
        say("zigbee2mqtt/hall/button/action", json!("single")),
        ["other single"]
    );
    assert_eq!(
        say("zigbee2mqtt/hall/button/action", json!("")),
        Vec::<String>::new()
    );
}

#[test]
fn retained_action_is_no_event_and_a_test_marks_the_alarm() {
    let mut format = Zigbee2Mqtt::default();
    let payload = br#"{"action":"unlock","action_user":3,"lock_state":"unlocked"}"#;
    let (_, output) = raw(&mut format, "zigbee2mqtt/door", payload, true);
    assert_eq!(lines(&output), ["lock unlocked"]);
    let payload = json!({"smoke": true, "test": true});
    let (_, mut output) = read(&mut format, "zigbee2mqtt/detector", &payload);
    output.mark_tests();
    assert!(output.observations.iter().all(|o| o.is_test));
}
