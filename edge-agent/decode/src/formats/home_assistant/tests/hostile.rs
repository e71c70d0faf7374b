//! What anyone on the broker may send.

use proptest::prelude::*;

use super::*;

#[test]
fn broken_descriptions_are_told_and_change_nothing() {
    let good = json!({"stat_t": "a", "dev_cla": "smoke"});
    let mut format = told(&[("binary_sensor/a", good)]);
    for (topic, payload) in [
        (
            "homeassistant/binary_sensor/a/config",
            &b"{\"stat_t\":\"a\",\"dev"[..],
        ),
        ("homeassistant/binary_sensor/b/config", b"[1]"),
        (
            "homeassistant/binary_sensor/c/config",
            br#"{"name":"no topic"}"#,
        ),
        (
            "homeassistant/sensor/d/config",
            br#"{"stat_t":"d","val_tpl":"{{ ((( }}"}"#,
        ),
        ("homeassistant/device/e/config", br#"{"dev":{"ids":"e"}}"#),
        ("other/light/x/config", b"{\"state_topic\":\"x\",\xff}"),
    ] {
        let (verdict, output) = raw(&mut format, topic, payload, true);
        assert!(
            matches!(verdict, Verdict::Broken(_)),
            "{topic}: {verdict:?}"
        );
        assert!(output.announcements.iter().all(|a| !a.removed), "{topic}");
    }
    assert_eq!(says(&mut format, "a", &json!("ON")), ["smoke true"]);
}

#[test]
fn esphome_gas_resistance_is_nothing_until_it_is_a_number() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/formats/esphome");
    for name in [
        "001-bedroom-gas-ohm-nan.json",
        "006-discovery-invalid-utf8.json",
    ] {
        let text = std::fs::read_to_string(format!("{root}/{name}")).expect("the case");
        let case: crate::case::Case = serde_json::from_str(&text).expect("a case");
        let mut format = HomeAssistant::default();
        for message in &case.messages {
            let bytes = message.bytes().expect("a payload");
            let (_, output) = raw(&mut format, &message.topic, &bytes, message.retain);
            assert!(output.observations.is_empty(), "{name}");
        }
    }
}

#[test]
fn messages_that_no_description_names_are_left_to_others() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/formats");
    for folder in std::fs::read_dir(root).expect("the cases").flatten() {
        if !folder.path().is_dir() || folder.file_name() == "ha-discovery" {
            continue;
        }
        for file in std::fs::read_dir(folder.path())
            .expect("a folder")
            .flatten()
        {
            let text = std::fs::read_to_string(file.path()).expect("a case");
            let case: crate::case::Case = serde_json::from_str(&text).expect("a case");
            let mut format = HomeAssistant::default();
            for message in case
                .messages
                .iter()
                .filter(|m| !m.topic.ends_with("/config"))
            {
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
fn thousand_descriptions_are_taken_in_and_each_state_finds_its_own() {
    let mut format = HomeAssistant::default();
    let mut told = 0;
    for n in 0..1000 {
        let description = json!({"stat_t": format!("d/{n}"), "dev_cla": "temperature",
            "unit_of_meas": "°C", "val_tpl": "{{ value_json.t | float }}",
            "dev": {"ids": [format!("id{n}")]}});
        let topic = format!("homeassistant/sensor/d{n}/t/config");
        told += read(&mut format, &topic, &description)
            .1
            .announcements
            .len();
    }
    assert_eq!(told, 1000);
    assert!(
        format!("{format:?}").contains("in_use: 1,"),
        "one template for all"
    );
    let (_, output) = read(&mut format, "d/777", &json!({"t": 1.5}));
    let seen = output.observations.first().expect("a reading");
    assert_eq!(seen.device, "homeassistant/id777");
}

#[test]
fn strangers_cannot_fill_the_memory() {
    let mut format = HomeAssistant::default();
    let mut refused = 0;
    for n in 0..300 {
        let description = json!({"stat_t": format!("+/{n}"), "dev_cla": "smoke"});
        let topic = format!("homeassistant/binary_sensor/w{n}/config");
        let (verdict, _) = read(&mut format, &topic, &description);
        refused += usize::from(matches!(verdict, Verdict::Broken(_)));
    }
    assert_eq!(refused, 44, "256 topics with wildcards are taken");
    for n in 0..70 {
        let components: serde_json::Map<String, Json> = (0..256)
            .map(|c| {
                (
                    format!("c{c}"),
                    json!({"p": "sensor", "stat_t": format!("{n}/{c}")}),
                )
            })
            .collect();
        let message = json!({"dev": {"ids": format!("x{n}")}, "cmps": components});
        read(
            &mut format,
            &format!("homeassistant/device/x{n}/config"),
            &message,
        );
    }
    assert_eq!(format.registry.entities.len(), 16_384);
}

/// Descriptions of keys that are read, with values of any kind.
fn description() -> impl Strategy<Value = Json> {
    let key = prop_oneof![
        Just("state_topic"),
        Just("stat_t"),
        Just("~"),
        Just("dev_cla"),
        Just("device_class"),
        Just("val_tpl"),
        Just("payload_on"),
        Just("pl_off"),
        Just("avty"),
        Just("avty_t"),
        Just("device"),
        Just("dev"),
        Just("ids"),
        Just("cmps"),
        Just("p"),
        Just("platform"),
        Just("expire_after"),
        Just("off_delay"),
        Just("topic"),
        Just("payload"),
        Just("cns"),
        Just("name"),
        Just("ent_cat"),
        Just("evt_typ"),
        Just("schema"),
        Just("position_topic"),
    ]
    .prop_map(str::to_owned);
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        Just(json!("a/state")),
        Just(json!("+/#")),
        Just(json!("sensor")),
        Just(json!("{{ value_json.a | float * 3 ~ value }}")),
        ".{0,16}".prop_map(Json::from),
        "[{%}|.a-z_()'\\[\\] ]{0,40}".prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 48, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::btree_map(key.clone(), inner, 0..8)
                .prop_map(|map| Json::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_message_makes_it_panic(
        component in "(binary_sensor|sensor|lock|cover|event|device|device_automation|climate|siren|light|x)",
        described in description(),
        bytes in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let mut format = HomeAssistant::default();
        let topic = format!("homeassistant/{component}/n/o/config");
        read(&mut format, &topic, &described);
        let fixed = json!({"stat_t": "a/state", "val_tpl": described["val_tpl"], "off_dly": 1,
            "dev": described, "cmps": {"k": described}});
        read(&mut format, &format!("homeassistant/{component}/n2/config"), &fixed);
        for topic in ["a/state", "homeassistant/x", topic.as_str(), "b/config"] {
            raw(&mut format, topic, &bytes, true);
            read(&mut format, topic, &described);
        }
        format.tick(Timestamp::from_unix_ms(i64::MAX), &mut Output::default());
        raw(&mut format, &topic, b"", true);
    }
}
