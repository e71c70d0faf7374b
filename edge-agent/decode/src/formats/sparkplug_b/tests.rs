//! Messages as the Sparkplug specification describes them, built with its field numbers.

use expect_test::{Expect, expect};
use prost::Message as _;

use super::SparkplugB;
use super::payload::{Metric, Payload, PropertySet, PropertyValue};
use crate::formats::testing::check_bytes;

const AT: u64 = 1_700_000_000_000;

fn metric(name: &str, datatype: u32) -> Metric {
    Metric {
        name: (!name.is_empty()).then(|| name.to_owned()),
        datatype: Some(datatype),
        timestamp: Some(AT),
        ..Metric::default()
    }
}

fn boolean(name: &str, value: bool) -> Metric {
    Metric {
        boolean_value: Some(value),
        ..metric(name, 11)
    }
}

fn int(name: &str, datatype: u32, value: u32) -> Metric {
    Metric {
        int_value: Some(value),
        ..metric(name, datatype)
    }
}

fn bd_seq(value: u64) -> Metric {
    Metric {
        long_value: Some(value),
        ..metric("bdSeq", 8)
    }
}

fn with_properties(metric: Metric, unit: Option<&str>, quality: Option<u32>) -> Metric {
    let mut set = PropertySet::default();
    if let Some(unit) = unit {
        set.keys.push("engUnit".to_owned());
        set.values.push(PropertyValue {
            string_value: Some(unit.to_owned()),
            ..PropertyValue::default()
        });
    }
    if let Some(quality) = quality {
        set.keys.push("Quality".to_owned());
        set.values.push(PropertyValue {
            int_value: Some(quality),
            ..PropertyValue::default()
        });
    }
    Metric {
        properties: Some(set.encode_to_vec()),
        ..metric
    }
}

fn payload(seq: u64, metrics: Vec<Metric>) -> Vec<u8> {
    let payload = Payload {
        timestamp: Some(AT),
        metrics,
        seq: Some(seq),
        uuid: None,
    };
    payload.encode_to_vec()
}

fn check(messages: &[(&str, Vec<u8>)], expect: &Expect) {
    let messages: Vec<(&str, &[u8])> = messages
        .iter()
        .map(|(topic, payload)| (*topic, payload.as_slice()))
        .collect();
    check_bytes(&mut SparkplugB::default(), &messages, expect);
}

const NBIRTH: &str = "spBv1.0/G/NBIRTH/N";
const NDATA: &str = "spBv1.0/G/NDATA/N";
const NDEATH: &str = "spBv1.0/G/NDEATH/N";
const DBIRTH: &str = "spBv1.0/G/DBIRTH/N/D";
const DDATA: &str = "spBv1.0/G/DDATA/N/D";

#[test]
fn data_by_alias_has_the_name_type_and_unit_of_its_birth() {
    let born = with_properties(
        Metric {
            alias: Some(7),
            ..int("Room/Temperature", 2, 70)
        },
        Some("°F"),
        None,
    );
    let data = Metric {
        alias: Some(7),
        timestamp: Some(AT + 1),
        int_value: Some(65_526),
        ..Metric::default()
    };
    check(
        &[
            (NBIRTH, payload(0, vec![bd_seq(1)])),
            (DBIRTH, payload(1, vec![born])),
            (DDATA, payload(2, vec![data])),
        ],
        &expect![[r#"
            sparkplug/G/N availability true @2023-11-14T22:13:20Z
            bridge sparkplug/G/N/ up
            sparkplug/G/N/D availability true @2023-11-14T22:13:20Z
            sparkplug/G/N/D temperature 21.111 °C @2023-11-14T22:13:20Z #1700000000000/1/Room/Temperature
            sparkplug/G/N/D temperature -23.333 °C @2023-11-14T22:13:20.001Z #1700000000001/2/Room/Temperature
        "#]],
    );
}

#[test]
fn an_alias_before_its_birth_is_said_once_and_not_guessed_at() {
    let data = |seq| {
        payload(
            seq,
            vec![Metric {
                alias: Some(7),
                boolean_value: Some(true),
                ..Metric::default()
            }],
        )
    };
    check(
        &[(DDATA, data(4)), (DDATA, data(5))],
        &expect![[r#"
        problem: sparkplug/G/N/D: metric with alias 7 before its birth was heard: it is read from the next birth on (send the node Node Control/Rebirth)
    "#]],
    );
}

#[test]
fn a_gap_in_the_numbers_is_said_once_until_the_next_birth() {
    check(
        &[
            (NBIRTH, payload(0, vec![bd_seq(1)])),
            (NDATA, payload(2, vec![boolean("Smoke", true)])),
            (NDATA, payload(9, vec![boolean("Smoke", false)])),
            (NBIRTH, payload(0, vec![bd_seq(1)])),
            (NDATA, payload(1, Vec::new())),
        ],
        &expect![[r#"
            sparkplug/G/N availability true @2023-11-14T22:13:20Z
            bridge sparkplug/G/N/ up
            sparkplug/G/N smoke true @2023-11-14T22:13:20Z #1700000000000/2/Smoke
            problem: sparkplug/G/N: message 2 came where 1 was expected: values may be missing until the node is born again (send it Node Control/Rebirth)
            sparkplug/G/N smoke false @2023-11-14T22:13:20Z #1700000000000/9/Smoke
            sparkplug/G/N availability true @2023-11-14T22:13:20Z
            bridge sparkplug/G/N/ up
        "#]],
    );
}

#[test]
fn numbers_run_from_255_to_0() {
    let mut messages = vec![(NBIRTH, payload(0, vec![bd_seq(1)]))];
    for seq in 1..=260_u64 {
        messages.push((NDATA, payload(seq % 256, Vec::new())));
    }
    check(
        &messages,
        &expect![[r#"
        sparkplug/G/N availability true @2023-11-14T22:13:20Z
        bridge sparkplug/G/N/ up
    "#]],
    );
}

#[test]
fn the_will_of_an_old_session_kills_nobody() {
    check(
        &[
            (NBIRTH, payload(0, vec![bd_seq(5)])),
            (NDEATH, payload(0, vec![bd_seq(4)])),
            (NDEATH, payload(0, vec![int("bdSeq", 8, 5)])),
        ],
        &expect![[r#"
            sparkplug/G/N availability true @2023-11-14T22:13:20Z
            bridge sparkplug/G/N/ up
            sparkplug/G/N availability false
            bridge sparkplug/G/N/ down
        "#]],
    );
}

#[test]
fn null_and_historical_metrics_and_those_of_the_node_itself() {
    let null = Metric {
        is_null: Some(true),
        ..metric("Door", 11)
    };
    let old = Metric {
        is_historical: Some(true),
        timestamp: Some(AT - 60_000),
        ..boolean("Door", true)
    };
    check(
        &[(
            NDATA,
            payload(
                0,
                vec![
                    null,
                    old,
                    boolean("Node Control/Rebirth", false),
                    boolean("Properties/Simulated", true),
                ],
            ),
        )],
        &expect![[r#"
            sparkplug/G/N door true @2023-11-14T22:12:20Z #1699999940000/0/Door (replayed)
        "#]],
    );
}

#[test]
fn two_zones_of_one_device_stay_apart() {
    check(
        &[
            (
                DBIRTH,
                payload(
                    1,
                    vec![
                        boolean("Zone 1/Smoke", false),
                        boolean("Zone 2/Smoke", false),
                    ],
                ),
            ),
            (DDATA, payload(2, vec![boolean("Zone 2/Smoke", true)])),
        ],
        &expect![[r#"
            sparkplug/G/N/D availability true @2023-11-14T22:13:20Z
            sparkplug/G/N/D/Zone 1 smoke false @2023-11-14T22:13:20Z #1700000000000/1/Zone 1/Smoke
            sparkplug/G/N/D/Zone 2 smoke false @2023-11-14T22:13:20Z #1700000000000/1/Zone 2/Smoke
            sparkplug/G/N/D/Zone 2 smoke true @2023-11-14T22:13:20Z #1700000000000/2/Zone 2/Smoke
        "#]],
    );
}

#[test]
fn every_basic_type_is_read_as_itself() {
    let double = Metric {
        double_value: Some(1.5),
        ..metric("Flow", 10)
    };
    let nan = Metric {
        float_value: Some(f32::NAN),
        ..metric("Level", 9)
    };
    let text = Metric {
        string_value: Some("RUN".to_owned()),
        ..metric("Mode", 12)
    };
    let date = Metric {
        long_value: Some(AT),
        ..metric("Started", 13)
    };
    let long = Metric {
        long_value: Some(u64::MAX),
        ..metric("Balance", 4)
    };
    check(
        &[(
            NDATA,
            payload(
                0,
                vec![
                    int("Offset", 1, 255),
                    int("Count", 7, 4_000_000_000),
                    double,
                    nan,
                    text,
                    date,
                    long,
                    metric("Table", 16),
                    int("Untyped", 0, 3),
                ],
            ),
        )],
        &expect![[r#"
            sparkplug/G/N other -1 @2023-11-14T22:13:20Z #1700000000000/0/Offset
            sparkplug/G/N other 4000000000 @2023-11-14T22:13:20Z #1700000000000/0/Count
            sparkplug/G/N other 1.5 @2023-11-14T22:13:20Z #1700000000000/0/Flow
            sparkplug/G/N other `RUN` @2023-11-14T22:13:20Z #1700000000000/0/Mode
            sparkplug/G/N other -1 @2023-11-14T22:13:20Z #1700000000000/0/Balance
        "#]],
    );
}

#[test]
fn bad_quality_stays_with_the_value() {
    let mut output = crate::observation::Output::default();
    let bytes = payload(
        0,
        vec![with_properties(boolean("Door", true), None, Some(0))],
    );
    let now = gridwatch_protocol::Timestamp::from_unix_ms(0);
    let message = crate::frame::Message::new(NDATA, &bytes, false, now);
    crate::formats::Format::read(&mut SparkplugB::default(), &message, &mut output);
    let qualities: Vec<_> = output.observations.iter().map(|o| o.quality).collect();
    assert_eq!(qualities, [gridwatch_protocol::Quality::Bad]);
}

#[test]
fn broken_foreign_and_command_messages_are_told_apart() {
    check(
        &[
            (NDATA, b"{\"timestamp\":1}".to_vec()),
            (NDATA, vec![0x12, 0xff]),
            (NDATA, [0x12, 0x00].repeat(10_001)),
            ("spBv1.0/G/NCMD/N", payload(0, Vec::new())),
            ("spBv1.0/STATE/scada", b"{\"online\":true}".to_vec()),
            ("spBv1.0/G/NDATA", Vec::new()),
            ("spBv1.0/G/DDATA/N", Vec::new()),
            ("other/G/NDATA/N", Vec::new()),
        ],
        &expect![[r#"
            broken: the payload is not Sparkplug protobuf
            broken: the payload is not Sparkplug protobuf
            broken: the message has more than 10000 metrics
            broken: a topic is spBv1.0/group/type/node or …/node/device
            broken: a topic is spBv1.0/group/type/node or …/node/device
            not mine: the topic is not spBv1.0/…
        "#]],
    );
}
