//! Devices that are not among the recorded cases, and messages that are none.

use gridwatch_protocol::{Kind, Timestamp, Value};
use proptest::prelude::*;
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

fn inventory(devices: &Json) -> (Zigbee2Mqtt, Output) {
    let mut format = Zigbee2Mqtt::default();
    let (verdict, output) = read(&mut format, "site/z2m/bridge/devices", devices);
    assert_eq!(verdict, Verdict::Taken);
    (format, output)
}

fn device(ieee: &str, name: &str, power: &str, exposes: &Json) -> Json {
    json!({"ieee_address": ieee, "type": "EndDevice", "friendly_name": name,
        "power_source": power, "definition": {"model": "M1", "vendor": "V", "exposes": exposes}})
}

#[test]
fn inventory_tells_names_units_words_and_how_long_silence_may_last() {
    let exposes = json!([
        {"type": "numeric", "name": "temperature", "property": "temperature", "unit": "°F", "access": 1},
        {"type": "binary", "name": "gas", "property": "gas", "value_on": "leak", "value_off": "fine", "access": 1},
        {"type": "binary", "name": "smoke", "property": "smoke", "access": 2, "value_on": true, "value_off": false}
    ]);
    let (mut format, output) = inventory(&json!([
        device("0x1", "厨房/气体 1", "Battery", &exposes),
        device("0x2", "plug", "Mains (single phase)", &json!([])),
    ]));
    let told: Vec<_> = output
        .announcements
        .iter()
        .map(|a| (a.device.as_str(), a.silent_after_ms, a.kinds.clone()))
        .collect();
    assert_eq!(
        told,
        [
            (
                "site/z2m/厨房/气体 1",
                Some(90_000_000),
                vec![Kind::Temperature, Kind::Gas]
            ),
            ("site/z2m/plug", Some(21_600_000), vec![]),
        ]
    );
    let payload = json!({"temperature": 212, "gas": "leak"});
    let (_, seen) = read(&mut format, "site/z2m/厨房/气体 1", &payload);
    assert_eq!(lines(&seen), ["gas true", "temperature 100 °C"]);
}

#[test]
fn two_contacts_of_one_device_stay_apart() {
    let contact = |end: &str| {
        json!({"type": "binary", "name": "contact", "property": format!("contact_{end}"),
            "endpoint": end, "access": 1, "value_on": false, "value_off": true})
    };
    let exposes = json!([contact("l1"), contact("l2")]);
    let (mut format, _) = inventory(&json!([device("0x1", "gate", "Battery", &exposes)]));
    let payload = json!({"contact_l1": true, "contact_l2": false});
    let (_, seen) = read(&mut format, "site/z2m/gate", &payload);
    let told: Vec<_> = seen
        .observations
        .iter()
        .map(|o| (o.device.as_str(), line(o)))
        .collect();
    let expected = [
        ("site/z2m/gate/l1", "door false".to_owned()),
        ("site/z2m/gate/l2", "door true".to_owned()),
    ];
    assert_eq!(told, expected);
}

#[test]
fn renamed_and_removed_devices_are_taken_leave_of_and_news_told_once() {
    let (mut format, _) = inventory(&json!([
        device("0x1", "old", "Battery", &json!([])),
        device("0x2", "gone", "Battery", &json!([])),
    ]));
    let next = json!([device("0x1", "new", "Battery", &json!([]))]);
    let (_, output) = read(&mut format, "site/z2m/bridge/devices", &next);
    let told: Vec<_> = output
        .announcements
        .iter()
        .map(|a| (a.device.as_str(), a.removed))
        .collect();
    let expected = [
        ("site/z2m/old", true),
        ("site/z2m/new", false),
        ("site/z2m/gone", true),
    ];
    assert_eq!(told, expected);
    let (_, again) = read(&mut format, "site/z2m/bridge/devices", &next);
    assert!(again.announcements.is_empty());
}

#[test]
fn bridge_that_is_offline_is_one_thing_and_a_leave_another() {
    let mut format = Zigbee2Mqtt::default();
    let (_, output) = read(
        &mut format,
        "site/z2m/bridge/state",
        &json!({"state": "offline"}),
    );
    let bridge = output.bridges.first().expect("a bridge");
    assert_eq!(
        (bridge.prefix.as_str(), bridge.online),
        ("site/z2m/", false)
    );
    assert!(output.observations.is_empty());
    let leave =
        json!({"type": "device_leave", "data": {"ieee_address": "0x1", "friendly_name": "a"}});
    let (_, output) = read(&mut format, "site/z2m/bridge/event", &leave);
    assert_eq!(lines(&output), ["availability false"]);
    assert!(output.announcements.iter().any(|a| a.removed));
}

#[test]
fn settings_of_the_bridge_change_how_long_silence_may_last() {
    let mut format = Zigbee2Mqtt::default();
    let info = json!({"version": "2.1.0", "coordinator": {"type": "zStack"}, "config":
        {"availability": {"enabled": true, "active": {"timeout": 10}, "passive": {"timeout": 3000}}}});
    read(&mut format, "zigbee2mqtt/bridge/info", &info);
    let devices = json!([
        device("0x1", "a", "Battery", &json!([])),
        device("0x2", "b", "Mains (single phase)", &json!([]))
    ]);
    let (_, output) = read(&mut format, "zigbee2mqtt/bridge/devices", &devices);
    let told: Vec<_> = output
        .announcements
        .iter()
        .map(|a| a.silent_after_ms)
        .collect();
    assert_eq!(told, [Some(180_000_000), None]);
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

#[test]
fn groups_and_commands_are_no_devices() {
    let mut format = Zigbee2Mqtt::default();
    read(&mut format, "zigbee2mqtt/bridge/state", &json!("online"));
    let groups = json!([{"id": 1, "friendly_name": "all locks", "members": []}]);
    read(&mut format, "zigbee2mqtt/bridge/groups", &groups);
    for (topic, payload) in [
        ("zigbee2mqtt/all locks", json!({"state": "UNLOCK"})),
        ("zigbee2mqtt/door/set", json!({"state": "UNLOCK"})),
        ("zigbee2mqtt/door/get", json!({"state": ""})),
    ] {
        let (verdict, output) = read(&mut format, topic, &payload);
        assert_eq!(verdict, Verdict::Taken, "{topic}");
        assert!(output.observations.is_empty(), "{topic}");
    }
}

#[test]
fn messages_of_other_formats_are_left_to_them() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/formats");
    let mut format = Zigbee2Mqtt::default();
    for folder in std::fs::read_dir(root).expect("the cases").flatten() {
        let name = folder.file_name();
        if !folder.path().is_dir() || name == "zigbee2mqtt" || name == "ha-discovery" {
            continue;
        }
        for file in std::fs::read_dir(folder.path())
            .expect("a folder")
            .flatten()
        {
            let text = std::fs::read_to_string(file.path()).expect("a case");
            let case: crate::case::Case = serde_json::from_str(&text).expect("a case");
            for message in &case.messages {
                let bytes = message.bytes().expect("a payload");
                let (verdict, _) = raw(&mut format, &message.topic, &bytes, false);
                assert!(
                    matches!(verdict, Verdict::NotMine(_)),
                    "{}: {verdict:?}",
                    case.id
                );
            }
        }
    }
}

#[test]
fn thousand_devices_of_one_inventory_are_taken_in_and_told_once() {
    let exposes = json!([{"type": "binary", "name": "smoke", "property": "smoke", "access": 1,
        "value_on": true, "value_off": false}]);
    let list: Vec<Json> = (0..1000)
        .map(|n| {
            device(
                &format!("0x{n:016x}"),
                &format!("d{n}"),
                "Battery",
                &exposes,
            )
        })
        .collect();
    let (mut format, output) = inventory(&Json::Array(list.clone()));
    assert_eq!(
        (output.announcements.len(), format.devices.len()),
        (1000, 1000)
    );
    let (_, again) = read(&mut format, "site/z2m/bridge/devices", &Json::Array(list));
    assert!(again.announcements.is_empty());
}

#[test]
fn strangers_cannot_fill_the_memory() {
    let mut format = Zigbee2Mqtt::default();
    let payload = json!({"smoke": true, "linkquality": 1});
    for n in 0..super::device::DEVICES_MAX + 10 {
        read(&mut format, &format!("zigbee2mqtt/d{n}"), &payload);
    }
    assert_eq!(format.devices.len(), super::device::DEVICES_MAX);
    for n in 0..100 {
        read(
            &mut format,
            &format!("base{n}/bridge/state"),
            &json!("online"),
        );
    }
    assert_eq!(format.bases.len(), super::BASES_MAX);
}

/// Any JSON, of keys that the format knows and of others.
fn any_json() -> impl Strategy<Value = Json> {
    let key = prop_oneof![
        Just("smoke"),
        Just("contact"),
        Just("action"),
        Just("battery"),
        Just("voltage"),
        Just("linkquality"),
        Just("last_seen"),
        Just("state"),
        Just("definition"),
        Just("exposes"),
        Just("features"),
        Just("property"),
        Just("name"),
        Just("type"),
        Just("ieee_address"),
        Just("friendly_name"),
        Just("data"),
        Just("unit"),
        Just("access"),
    ]
    .prop_map(str::to_owned);
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        ".{0,12}".prop_map(Json::from),
    ];
    leaf.prop_recursive(5, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::from),
            prop::collection::btree_map(key.clone(), inner, 0..8)
                .prop_map(|map| Json::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_message_makes_it_panic(
        topic in "(zigbee2mqtt|x)/(bridge/(devices|event|state|info|log|groups|response/device/remove)|a|a/action|a/availability|b/smoke|.{0,9})",
        payload in any_json(),
        bytes in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let mut format = Zigbee2Mqtt::default();
        read(&mut format, &topic, &payload);
        read(&mut format, "zigbee2mqtt/bridge/devices", &json!([payload]));
        read(&mut format, "zigbee2mqtt/a", &payload);
        raw(&mut format, &topic, &bytes, true);
    }
}
