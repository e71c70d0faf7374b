use proptest::prelude::*;

use super::*;

fn readings(topic: &str, payload: &str) -> Vec<(String, String, Value, Option<String>)> {
    let toml = skeleton(topic, payload.as_bytes()).expect("a profile");
    let profile = Profile::parse(&toml).expect("it parses");
    check_golden(&profile).expect("it passes its own sample");
    assert_eq!(profile.golden_count(), 1);
    let mut output = Output::default();
    let message = Message::new(topic, payload.as_bytes(), false, Timestamp::from_unix_ms(0));
    read_mqtt(&profile, &message, &mut output).expect("it reads its message");
    assert_eq!(output.problems, Vec::<String>::new());
    output
        .observations
        .into_iter()
        .map(|o| (o.device, o.kind.to_string(), o.value, o.unit))
        .collect()
}

fn row(
    device: &str,
    kind: &str,
    value: Value,
    unit: Option<&str>,
) -> (String, String, Value, Option<String>) {
    (device.into(), kind.into(), value, unit.map(str::to_owned))
}

#[test]
fn fields_whose_names_mean_one_thing_become_channels() {
    let payload = r#"{"ts":1763779200,"leak":"wet","contact":true,"temp_f":50,"bat_mv":2900,"batterymv":2900,"mode":"eco"}"#;
    assert_eq!(
        readings("site/cellar-07/state", payload),
        [
            row("site/cellar-07", "battery", Value::Number(2.9), Some("V")),
            row("site/cellar-07", "door", Value::Bool(false), None),
            row("site/cellar-07", "water_leak", Value::Bool(true), None),
            row(
                "site/cellar-07",
                "temperature",
                Value::Number(50.0 / 1.8 - 32.0 / 1.8),
                Some("°C")
            ),
        ]
    );
}

#[test]
fn what_is_not_guessed_stands_there_as_a_comment() {
    let toml = skeleton(
        "plant/pump-3",
        br#"{"humidity":51,"flow":{"l/min":7},"note":"a\nb"}"#,
    )
    .expect("a profile");
    assert!(toml.contains("# path = \"/flow/l~1min\""), "{toml}");
    assert!(toml.contains("topic = \"plant/{name}\""), "{toml}");
    assert!(toml.contains("# path = \"/note\""), "{toml}");
    assert!(toml.contains("kind = \"humidity\""), "{toml}");
}

#[test]
fn a_message_of_unknown_fields_still_makes_a_profile() {
    assert_eq!(
        readings("x", r#"{"sn":"A1","flow":7}"#),
        [row("x/A1", "other", Value::Number(7.0), None)]
    );
}

#[test]
fn a_single_value_is_read_by_the_name_in_its_topic() {
    assert_eq!(
        readings("house/kitchen/temperature", "21.5"),
        [row(
            "house/kitchen",
            "temperature",
            Value::Number(21.5),
            Some("°C")
        )]
    );
    assert_eq!(
        readings("house/kitchen/door", "open"),
        [row("house/kitchen", "door", Value::Bool(true), None)]
    );
}

#[test]
fn the_time_of_the_message_is_read_by_every_channel() {
    for (time, format) in [
        ("1763779200", "unix_s"),
        ("1763779200123", "unix_ms"),
        ("\"2026-11-22T03:00:00Z\"", "rfc3339"),
        ("\"2026-11-22T03:00:00\"", "local"),
    ] {
        let payload = format!(r#"{{"time":{time},"smoke":false}}"#);
        let toml = skeleton("a/b1", payload.as_bytes()).expect("a profile");
        assert!(
            toml.contains(&format!(
                "time = {{ path = \"/time\", format = \"{format}\" }}"
            )),
            "{toml}"
        );
        assert!(toml.contains(", time = \""), "{toml}");
    }
}

#[test]
fn what_cannot_be_a_profile_says_why() {
    assert_eq!(skeleton("t", b"\xff\xfe"), Err(SkeletonError::Binary));
    assert_eq!(skeleton("t", b" "), Err(SkeletonError::Empty));
    assert_eq!(skeleton("t", b"{}"), Err(SkeletonError::NoFields));
    assert!(matches!(
        skeleton("t", b"{\"a\":"),
        Err(SkeletonError::BrokenJson(_))
    ));
    let long = vec![b'1'; SAMPLE_BYTES_MAX + 1];
    assert_eq!(
        skeleton("t", &long),
        Err(SkeletonError::TooLong(long.len()))
    );
    let deep = "[".repeat(100) + &"]".repeat(100);
    assert_eq!(skeleton("t", deep.as_bytes()), Err(SkeletonError::NoFields));
}

fn json() -> impl Strategy<Value = Json> {
    let name = prop_oneof![
        Just("smoke".to_owned()),
        Just("battery".to_owned()),
        Just("lock".to_owned()),
        Just("temp_f".to_owned()),
        Just("contact".to_owned()),
        Just("time".to_owned()),
        Just("battery_low".to_owned()),
        ".{0,6}",
    ];
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        prop_oneof![
            Just("ON".to_owned()),
            Just("low".to_owned()),
            Just("locked".to_owned()),
            ".{0,12}"
        ]
        .prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::from),
            prop::collection::hash_map(name.clone(), inner, 0..6)
                .prop_map(|map| Json::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn every_json_message_makes_a_profile_that_reads_it(topic in "[a-z0-9/{}+#\" 厅\\\\]{1,24}", body in json()) {
        let payload = body.to_string();
        match skeleton(&topic, payload.as_bytes()) {
            Ok(toml) => {
                let profile = Profile::parse(&toml).map_err(|e| TestCaseError::fail(format!("{e:?}\n{toml}")))?;
                prop_assert_eq!(check_golden(&profile), Ok(()));
            }
            Err(SkeletonError::NoFields) => {}
            Err(other) => prop_assert!(false, "{topic} {payload}: {other}"),
        }
    }

    #[test]
    fn no_bytes_make_it_panic(topic in ".{0,40}", payload in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(toml) = skeleton(&topic, &payload) {
            prop_assert!(Profile::parse(&toml).is_ok());
        }
    }
}
