//! Descriptions: devices, their names, and what becomes of them.

use super::*;

#[test]
fn people_and_settings_are_left_alone() {
    let mut format = told(&[
        ("device_tracker/phone", json!({"stat_t": "phone"})),
        (
            "number/limit",
            json!({"stat_t": "limit", "cmd_t": "limit/set"}),
        ),
        (
            "sensor/uptime",
            json!({"stat_t": "up", "ent_cat": "diagnostic", "unit_of_meas": "s"}),
        ),
        (
            "sensor/chip",
            json!({"stat_t": "chip", "ent_cat": "diagnostic", "dev_cla": "temperature"}),
        ),
    ]);
    for (topic, payload) in [
        ("phone", "home"),
        ("limit", "5"),
        ("up", "77"),
        ("chip", "61"),
    ] {
        assert_eq!(
            says(&mut format, topic, &json!(payload)),
            Vec::<String>::new(),
            "{topic}"
        );
    }
}

#[test]
fn zones_of_one_panel_do_not_clear_each_other() {
    let zone = |n: u8| {
        json!({"stat_t": format!("panel/zone{n}"), "dev_cla": "smoke",
        "dev": {"ids": "panel1", "name": "Panel"}})
    };
    let mut format = told(&[
        ("binary_sensor/zone1", zone(1)),
        ("binary_sensor/zone2", zone(2)),
    ]);
    let (_, one) = read(&mut format, "panel/zone1", &json!("ON"));
    let (_, two) = read(&mut format, "panel/zone2", &json!("OFF"));
    let ids: Vec<_> = one
        .observations
        .iter()
        .chain(&two.observations)
        .map(|o| &o.device)
        .collect();
    assert_eq!(
        ids,
        ["homeassistant/panel1/zone1", "homeassistant/panel1/zone2"]
    );
}

#[test]
fn descriptions_announce_once_and_take_leave_when_deleted() {
    let description = json!({"stat_t": "a", "dev_cla": "moisture", "exp_aft": 51839,
        "dev": {"ids": [4711], "name": "Flood", "mf": "Shelly", "mdl": "SHWT-1"}});
    let mut format = HomeAssistant::default();
    let topic = "homeassistant/binary_sensor/flood/config";
    let (_, first) = read(&mut format, topic, &description);
    let told = first.announcements.first().expect("an announcement");
    assert_eq!(told.device, "homeassistant/4711");
    assert_eq!(told.silent_after_ms, Some(51_839_000));
    assert_eq!(told.kinds, [Kind::WaterLeak]);
    assert_eq!(told.model.as_deref(), Some("SHWT-1"));
    let (_, again) = read(&mut format, topic, &description);
    assert!(again.announcements.is_empty());
    let (_, deleted) = raw(&mut format, topic, b"", true);
    assert!(deleted.announcements.iter().all(|a| a.removed));
    let (verdict, _) = read(&mut format, "a", &json!("ON"));
    assert!(matches!(verdict, Verdict::NotMine(_)));
}

#[test]
fn another_discovery_prefix_is_known_by_the_shape_of_its_messages() {
    let mut format = HomeAssistant::default();
    let (strange, _) = read(
        &mut format,
        "plant/x/sensor/y/config",
        &json!({"interval": 5}),
    );
    assert!(matches!(strange, Verdict::NotMine(_)));
    let topic = "my/disco/binary_sensor/node/leak/config";
    let description = json!({"~": "n1", "stat_t": "~/leak", "dev_cla": "moisture"});
    assert_eq!(read(&mut format, topic, &description).0, Verdict::Taken);
    assert_eq!(
        says(&mut format, "n1/leak", &json!("ON")),
        ["water_leak true"]
    );
}

#[test]
fn device_form_inherits_resolves_and_forgets_its_components() {
    let mut format = HomeAssistant::default();
    let topic = "homeassistant/device/d1/config";
    let components = json!({"l": {"p": "binary_sensor", "dev_cla": "moisture", "stat_t": "~/leak"},
        "b": {"p": "sensor", "dev_cla": "battery", "val_tpl": "{{ value_json.bat }}"}});
    let message = json!({"~": "n1", "dev": {"ids": ["d1"]}, "o": {"name": "x"},
        "cmps": components, "stat_t": "~/state", "avty_t": "~/lwt"});
    assert_eq!(read(&mut format, topic, &message).0, Verdict::Taken);
    assert_eq!(
        says(&mut format, "n1/leak", &json!("ON")),
        ["water_leak true"]
    );
    assert_eq!(
        says(&mut format, "n1/state", &json!({"bat": 12})),
        ["battery 12 %"]
    );
    assert_eq!(
        says(&mut format, "n1/lwt", &json!("online")),
        ["availability true"]
    );
    raw(&mut format, topic, b"", true);
    assert!(matches!(
        read(&mut format, "n1/leak", &json!("ON")).0,
        Verdict::NotMine(_)
    ));
}

#[test]
fn device_that_zigbee2mqtt_publishes_has_its_id_and_time() {
    let mut format = told(&[(
        "binary_sensor/0x0cae/water_leak",
        json!({
        "device": {"identifiers": ["zigbee2mqtt_0x0cae"], "name": "cellar"},
        "device_class": "moisture", "payload_on": true, "payload_off": false,
        "state_topic": "z2m/house/cellar", "value_template": "{{ value_json.water_leak }}"}),
    )]);
    let payload = json!({"water_leak": true, "last_seen": "2025-08-07T22:10:54+00:00"});
    let (_, output) = read(&mut format, "z2m/house/cellar", &payload);
    let seen = output.observations.first().expect("a reading");
    assert_eq!(seen.device, "z2m/house/cellar");
    assert!(seen.time.expect("a time").is("2025-08-07T22:10:54Z"));
}

#[test]
fn switches_without_a_state_are_fine_and_sensors_without_one_are_broken() {
    told(&[
        ("switch/s", json!({"cmd_t": "s/set"})),
        (
            "light/l",
            json!({"cmd_t": "l/set", "json_attr_t": "l/attributes"}),
        ),
        ("climate/c", json!({"mode_command_topic": "c/set"})),
    ]);
    let mut format = HomeAssistant::default();
    let topic = "homeassistant/binary_sensor/b/config";
    let (verdict, _) = read(&mut format, topic, &json!({"json_attr_t": "b/attributes"}));
    assert!(matches!(verdict, Verdict::Broken(_)), "{verdict:?}");
}
