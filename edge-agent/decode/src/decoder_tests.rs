//! Finding the profile, and what becomes of broken input.

use gridwatch_protocol::{Kind, Quality, Value};
use proptest::prelude::*;

use super::*;
use crate::frame::RegisterBlock;
use crate::profile::Table;

/// A profile of these tests, or a shipped one.
fn profile(name: &str) -> Profile {
    let folder = if name.starts_with("modbus") {
        "../../configs/devices"
    } else {
        "tests/profiles"
    };
    let path = format!("{}/{folder}/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    Profile::parse(&std::fs::read_to_string(path).expect("a profile")).expect("valid")
}

fn decoder() -> Decoder {
    let profiles = [
        "porch-smoke",
        "porch-contact",
        "porch-availability",
        "recorder-events",
        "modbus-smoke-temperature-transmitter",
    ];
    Decoder::new(
        ByProfile::new(profiles.map(profile).to_vec(), [], []),
        TimeZone::UTC,
        Pseudonyms::new(&[0; 32]),
    )
}

fn read(decoder: &mut Decoder, topic: &str, payload: &[u8]) -> Result<Decoded, Refusal> {
    let now = Timestamp::from_unix_ms(1_800_000_000_000);
    decoder.message(&Message::new(topic, payload, false, now))
}

fn values(decoded: &Decoded) -> Vec<(Kind, Value)> {
    decoded
        .readings
        .iter()
        .map(|r| (r.kind, r.value.clone()))
        .collect()
}

#[test]
fn partial_message_of_a_recognised_device_is_read() {
    let mut decoder = decoder();
    let topic = "porch/hall";
    assert!(matches!(
        read(&mut decoder, topic, br#"{"battery":80}"#),
        Err(Refusal::Unknown(_))
    ));
    read(&mut decoder, topic, br#"{"smoke":false}"#).expect("recognised");
    let decoded = read(&mut decoder, topic, br#"{"battery":80}"#).expect("read");
    assert_eq!(decoded.by, "porch-smoke");
    assert_eq!(values(&decoded), [(Kind::Battery, Value::Number(80.0))]);
}

#[test]
fn availability_and_state_of_one_device_are_both_read() {
    let mut decoder = decoder();
    for _ in 0..2 {
        let offline = read(
            &mut decoder,
            "porch/hall/availability",
            br#"{"state":"offline"}"#,
        )
        .expect("read");
        assert_eq!(values(&offline), [(Kind::Availability, Value::Bool(false))]);
        let state = read(&mut decoder, "porch/hall", br#"{"smoke":false}"#).expect("read");
        assert_eq!(values(&state), [(Kind::Smoke, Value::Bool(false))]);
    }
    let device = DeviceId::new("porch/hall").expect("valid");
    let profile = decoder.profile_of(&device).expect("recognised");
    assert_eq!(profile.id, "porch-smoke");
}

#[test]
fn truncated_json_is_malformed_and_an_unknown_topic_is_unknown() {
    let mut decoder = decoder();
    let error = read(&mut decoder, "porch/hall", br#"{"smoke":tr"#).expect_err("refused");
    assert!(
        error.to_string().contains("the payload is not JSON"),
        "{error}"
    );
    assert!(matches!(
        read(&mut decoder, "weather/berlin", b"{}"),
        Err(Refusal::Unknown(_))
    ));
    let large = vec![b' '; PAYLOAD_BYTES_MAX + 1];
    assert!(matches!(
        read(&mut decoder, "porch/hall", &large),
        Err(Refusal::Malformed(_))
    ));
}

#[test]
fn one_bad_field_does_not_hide_the_others() {
    let mut decoder = decoder();
    let decoded = read(
        &mut decoder,
        "porch/hall",
        br#"{"smoke":true,"battery":"NaN","temperature":{"a":1},"tamper":"maybe"}"#,
    )
    .expect("read");
    assert_eq!(values(&decoded), [(Kind::Smoke, Value::Bool(true))]);
    assert_eq!(decoded.problems.len(), 3, "{:?}", decoded.problems);
}

#[test]
fn value_outside_the_plausible_range_is_kept_as_bad() {
    let mut decoder = decoder();
    let decoded = read(
        &mut decoder,
        "porch/hall",
        br#"{"smoke":false,"temperature":850}"#,
    )
    .expect("read");
    assert_eq!(decoded.readings[1].quality, Quality::Bad);
}

#[test]
fn alarm_during_a_test_is_a_test() {
    let mut decoder = decoder();
    let decoded = read(&mut decoder, "porch/h", br#"{"smoke":true,"test":true}"#).expect("read");
    assert!(decoded.readings.iter().all(|r| r.is_test));
}

#[test]
fn implausible_device_time_is_flagged_and_not_believed() {
    let mut decoder = decoder();
    let payload = br#"{"type":"new","after":{"id":"1-a","camera":"c","label":"person","false_positive":false,"start_time":12.5,"entered_zones":[]}}"#;
    let decoded = read(&mut decoder, "recorder/events", payload).expect("read");
    assert_eq!(decoded.readings[0].quality, Quality::Uncertain);
    assert_eq!(decoded.readings[0].at, decoded.readings[0].received_at);
    assert_eq!(decoded.readings[0].source_event.as_deref(), Some("1-a"));
}

#[test]
fn device_time_of_the_very_millisecond_of_receipt_is_right_and_one_far_ahead_is_wrong() {
    let mut decoder = decoder();
    let mut wrong_clocks = |start_time: f64| {
        let payload = format!(
            r#"{{"type":"new","after":{{"id":"1-a","camera":"c","label":"person","false_positive":false,"start_time":{start_time},"entered_zones":[]}}}}"#
        );
        let decoded = read(&mut decoder, "recorder/events", payload.as_bytes()).expect("read");
        assert_eq!(decoded.readings[0].at, decoded.readings[0].received_at);
        decoded.wrong_clocks.len()
    };
    assert_eq!(wrong_clocks(1_800_000_000.0), 0);
    assert!(wrong_clocks(1_800_003_600.0) > 0);
}

proptest! {
    #[test]
    fn no_payload_makes_the_decoder_panic_or_pass_on_a_number_that_is_none(
        payload in prop::collection::vec(any::<u8>(), 0..200),
        words in prop::collection::vec(any::<u16>(), 0..6),
    ) {
        let mut decoder = decoder();
        for topic in ["porch/a", "recorder/events"] {
            if let Ok(decoded) = read(&mut decoder, topic, &payload) {
                prop_assert!(decoded.readings.iter().all(|r| r.value.as_number().is_none_or(f64::is_finite)));
            }
        }
        let poll = Registers {
            device: DeviceId::new("m").expect("valid"),
            profile: "modbus-smoke-temperature-transmitter".to_owned(),
            blocks: vec![RegisterBlock { table: Table::Input, address: 0, values: words }],
        };
        let decoded = decoder.registers(&poll, Timestamp::from_unix_ms(0)).expect("loaded");
        prop_assert!(decoded.readings.iter().all(|r| r.value.as_number().is_none_or(f64::is_finite)));
    }
}
