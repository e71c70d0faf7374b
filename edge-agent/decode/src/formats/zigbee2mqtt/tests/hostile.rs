//! What is not of this format, and what nobody should send.

use proptest::prelude::*;

use super::*;
use crate::formats::zigbee2mqtt::{BASES_MAX, device};

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
fn strangers_cannot_fill_the_memory() {
    let mut format = Zigbee2Mqtt::default();
    let payload = json!({"smoke": true, "linkquality": 1});
    for n in 0..device::DEVICES_MAX + 10 {
        read(&mut format, &format!("zigbee2mqtt/d{n}"), &payload);
    }
    assert_eq!(format.devices.len(), device::DEVICES_MAX);
    for n in 0..100 {
        read(
            &mut format,
            &format!("base{n}/bridge/state"),
            &json!("online"),
        );
    }
    assert_eq!(format.bases.len(), BASES_MAX);
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
