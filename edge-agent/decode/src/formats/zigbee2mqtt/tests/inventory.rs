//! What the bridge tells of its devices and of itself.

use super::*;

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
