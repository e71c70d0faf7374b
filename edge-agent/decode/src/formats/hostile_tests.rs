//! No message makes a format panic: random bytes, random JSON under the names that are read, and real
//! messages with bytes changed, cut off and repeated, on the topics of every format.

use gridwatch_protocol::Timestamp;
use proptest::prelude::*;
use serde_json::{Map, Value as Json};

use super::all;
use crate::frame::Message;
use crate::observation::Output;

/// Messages that formats take, to be damaged.
const REAL: [(&str, &str); 12] = [
    (
        "frigate/events",
        r#"{"type":"new","after":{"id":"1.a","camera":"yard","label":"car","start_time":1e9,"entered_zones":["a"]}}"#,
    ),
    (
        "frigate/reviews",
        r#"{"type":"end","after":{"id":"1.a","camera":"yard","end_time":1e300,"data":{"objects":["car"],"detections":["1"]}}}"#,
    ),
    ("frigate/yard/audio/fire_alarm", "ON"),
    (
        "c/onvif-ej/RuleEngine/LineDetector/Crossed/&1/2/Fence",
        r#"{"UtcTime":"2008-10-10T12:24:57.321Z","Source":{"VideoSource":"1"},"Data":{"ObjectId":"15"}}"#,
    ),
    (
        "axis/1/event/tns:onvif/Device/tns:axis/Sensor/PIR",
        r#"{"timestamp":1590258472044,"topic":"onvif:Device/axis:Sensor/PIR","message":{"source":{"sensor":"0"},"data":{"state":"1"}}}"#,
    ),
    (
        "application/1/device/0101010101010101/event/up",
        r#"{"time":"2022-07-18T09:34:15.775023242+00:00","object":{"battery":92,"history":[{"timestamp":1}],"t_1":2}}"#,
    ),
    (
        "v3/a@t/devices/d/up",
        r#"{"uplink_message":{"f_port":102,"decoded_payload":{"status":1,"temperatureBoard":2,"battery":3.6},"normalized_payload":[{}]}}"#,
    ),
    ("spBv1.0/G/NDATA/N", "\u{12}\u{5}\n\u{3}abc"),
    (
        "isapi",
        "<EventNotificationAlert version=\"2.0\"><channelID>34</channelID><eventType>VMD</eventType><a>&amp;&x</a></EventNotificationAlert>",
    ),
    (
        "isapi",
        r#"{"dateTime":"2024-08-26T12:32:28+01:00","eventType":"AccessControllerEvent","AccessControllerEvent":{"majorEventType":5,"subEventType":21}}"#,
    ),
    (
        "dahua",
        "Code=VideoMotion;action=Start;index=0;data={\"UTC\":1}",
    ),
    (
        "DahuaVTO/AccessControl/Event",
        r#"{"Action":"Pulse","Data":{"Status":1,"UTC":1583173448},"serialNumber":"s"}"#,
    ),
];

/// Names that formats look for, so that random JSON reaches what is behind them.
const NAMES: [&str; 40] = [
    "type",
    "after",
    "id",
    "camera",
    "label",
    "start_time",
    "data",
    "objects",
    "detections",
    "entered_zones",
    "UtcTime",
    "Source",
    "Data",
    "State",
    "message",
    "topic",
    "timestamp",
    "object",
    "deviceInfo",
    "time",
    "uplink_message",
    "decoded_payload",
    "normalized_payload",
    "battery",
    "temperature",
    "history",
    "value",
    "unit",
    "status",
    "temperatureBoard",
    "Device",
    "Volt",
    "eventType",
    "dateTime",
    "channelID",
    "Action",
    "Code",
    "Index",
    "UTC",
    "Status",
];

fn json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        "[ -~]{0,12}".prop_map(Json::from),
        Just(Json::from("new")),
        Just(Json::from("Start")),
        Just(Json::from("2.3(low battery)")),
        Just(Json::from("9999-99-99T99:99:99Z")),
    ];
    leaf.prop_recursive(5, 64, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::from),
            prop::collection::vec((prop::sample::select(&NAMES[..]), inner), 0..6).prop_map(
                |fields| {
                    let fields = fields
                        .into_iter()
                        .map(|(name, value)| (name.to_owned(), value));
                    Json::Object(fields.collect::<Map<_, _>>())
                }
            ),
        ]
    })
}

/// A real message with some bytes changed, the end cut off, and a part repeated.
fn damaged() -> impl Strategy<Value = (String, Vec<u8>)> {
    let edits = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6);
    let cut = any::<prop::sample::Index>();
    (prop::sample::select(&REAL[..]), edits, cut, 0..3_usize).prop_map(
        |((topic, payload), edits, cut, repeat)| {
            let mut bytes = payload.as_bytes().to_vec();
            for (at, byte) in edits {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            let part = bytes[..cut.index(bytes.len())].to_vec();
            for _ in 0..repeat {
                bytes.extend(&part);
            }
            if repeat == 0 {
                bytes = part;
            }
            (topic.to_owned(), bytes)
        },
    )
}

/// Reads messages in one go, so that what was learned from one meets the next.
fn read(messages: &[(String, Vec<u8>)]) {
    let mut formats = all();
    let now = Timestamp::from_unix_ms(1_800_000_000_000);
    for format in &mut formats {
        for (topic, payload) in messages {
            let mut output = Output::explaining();
            format.read(&Message::new(topic, payload, false, now), &mut output);
            output.mark_tests();
            for seen in output.observations {
                drop(seen.into_reading(false, now, &jiff::tz::TimeZone::UTC));
            }
        }
        format.tick(now.plus_ms(86_400_000), &mut Output::default());
    }
}

fn topics() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(&REAL[..]).prop_map(|(topic, _)| topic.to_owned()),
        "[a-zA-Z0-9/:&#é]{0,40}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn no_json_makes_a_format_panic(
        messages in prop::collection::vec((topics(), json()), 1..4)
    ) {
        let messages: Vec<(String, Vec<u8>)> = messages
            .into_iter()
            .map(|(topic, json)| (topic, json.to_string().into_bytes()))
            .collect();
        read(&messages);
    }

    #[test]
    fn no_damaged_message_makes_a_format_panic(
        messages in prop::collection::vec(damaged(), 1..6)
    ) {
        read(&messages);
    }

    #[test]
    fn no_bytes_make_a_format_panic(
        messages in prop::collection::vec(
            (topics(), prop::collection::vec(any::<u8>(), 0..200)),
            1..4,
        )
    ) {
        read(&messages);
    }

    #[test]
    fn no_protobuf_makes_sparkplug_panic(
        fields in prop::collection::vec((1..20_u8, 0..6_u8, any::<u64>()), 0..20)
    ) {
        let mut metric = Vec::new();
        for (tag, wire, value) in fields {
            metric.push(tag << 3 | wire);
            metric.extend(&value.to_le_bytes()[..usize::from(wire % 4) * 2 + 1]);
        }
        let mut payload = vec![0x12, u8::try_from(metric.len() % 128).unwrap_or_default()];
        payload.extend(&metric);
        let messages: Vec<(String, Vec<u8>)> = ["NBIRTH", "NDATA", "NDEATH"]
            .iter()
            .map(|kind| (format!("spBv1.0/G/{kind}/N"), payload.clone()))
            .collect();
        read(&messages);
    }
}
