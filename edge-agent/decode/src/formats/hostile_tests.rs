//! Nothing that anyone sends makes a format panic, whatever it remembers by then.

use gridwatch_protocol::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use serde_json::{Map, Value as Json};

use crate::by_profile::ByProfile;
use crate::decoder::Decoder;
use crate::frame::Message;
use crate::privacy::Pseudonyms;

/// Topics that reach every branch, with a place for a level that is made up.
const TOPICS: [&str; 38] = [
    "tele/{}/SENSOR",
    "stat/{}/RESULT",
    "tele/x/{}",
    "tele/x/LWT",
    "stat/x/STATUS10",
    "stat/x/DEEPSLEEP",
    "tele/x/ZbReceived",
    "tasmota/discovery/{}/config",
    "{}/sensor/{}/state",
    "{}/binary_sensor/{}/state",
    "{}/cover/garage_door/state",
    "{}/event/x/state",
    "{}/status",
    "esphome/discover/{}",
    "shellies/{}/sensor/{}",
    "shellies/shellygas-1/sensor/gas",
    "shellies/{}/status",
    "shellies/{}/info",
    "shellies/announce",
    "shellies/x/input_event/{}",
    "shellies/{}/relay/0",
    "{}/events/rpc",
    "{}/status/switch:{}",
    "shellyplus1-1/online",
    "shellyplus1-1/status/sys",
    "rtl_433/{}/events",
    "rtl_433/x/devices/{}/{}/temperature_C",
    "home/{}/BTtoMQTT/{}",
    "home/x/PilighttoMQTT",
    "home/x/433toMQTT",
    "home/x/RTL_433toMQTT/{}",
    "zwave/{}/113/{}/{}",
    "zwave/{}/nodeinfo",
    "zwave/{}/status",
    "te/device/{}///m/{}",
    "te/device/main///a/{}",
    "ring/{}/alarm/{}/info/state",
    "{}",
];

/// Names that the formats look for.
const NAMES: [&str; 60] = [
    "Time",
    "Epoch",
    "ZbReceived",
    "Contact",
    "ZoneStatusChange",
    "Name",
    "Device",
    "StatusSNS",
    "DS18B20",
    "ENERGY",
    "Power",
    "Temperature",
    "TempUnit",
    "DeepSleep",
    "POWER",
    "Switch1",
    "Button2",
    "RfReceived",
    "Data",
    "Action",
    "Wifi",
    "RSSI",
    "ft",
    "t",
    "Info1",
    "method",
    "params",
    "src",
    "ts",
    "smoke:0",
    "flood:0",
    "switch:1",
    "events",
    "component",
    "event",
    "sys",
    "wakeup_period",
    "devicepower:0",
    "battery",
    "percent",
    "alarm",
    "model",
    "id",
    "counter",
    "message",
    "text",
    "battery_ok",
    "temperature_1_C",
    "state",
    "learn",
    "type",
    "time",
    "uid",
    "access",
    "value",
    "status",
    "tempc",
    "tmp",
    "protocol",
    "name",
];

fn json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        "[a-zA-Z0-9:._ -]{0,12}".prop_map(Json::from),
        proptest::sample::select(&["NotifyStatus", "NotifyEvent", "access", "open", "1e999"][..])
            .prop_map(Json::from),
    ];
    leaf.prop_recursive(5, 48, 8, |inner| {
        let name = prop_oneof![
            proptest::sample::select(&NAMES[..]).prop_map(str::to_owned),
            "[a-zA-Z0-9_:]{0,8}",
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Json::from),
            proptest::collection::vec((name, inner), 0..8)
                .prop_map(|fields| Json::Object(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn topic() -> impl Strategy<Value = String> {
    let level = prop_oneof!["[a-z0-9_+#$/. -]{0,10}", "\\PC{0,6}", Just(String::new())];
    (proptest::sample::select(&TOPICS[..]), level)
        .prop_map(|(shape, level)| shape.replace("{}", &level))
}

fn payload() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => json().prop_map(|json| json.to_string().into_bytes()),
        1 => json().prop_map(|json| json.to_string().replace("null", "nan").into_bytes()),
        1 => "[a-zA-Z0-9.{}\\[\\]\":, -]{0,20}".prop_map(String::into_bytes),
        1 => proptest::collection::vec(any::<u8>(), 0..64),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_message_makes_any_format_panic_or_pass_on_what_is_no_number(
        messages in proptest::collection::vec((topic(), payload(), any::<bool>()), 1..12),
        ticks in any::<i64>(),
    ) {
        let mut decoder = Decoder::new(
            ByProfile::new(Vec::new(), [], []),
            TimeZone::UTC,
            Pseudonyms::new(&[0; 32]),
        );
        let now = Timestamp::from_unix_ms(1_800_000_000_000);
        for (topic, payload, retained) in &messages {
            let message = Message::new(topic, payload, *retained, now);
            if let Ok(decoded) = decoder.message(&message) {
                for reading in decoded.readings {
                    prop_assert!(reading.value.as_number().is_none_or(f64::is_finite));
                    prop_assert!(!reading.at.unix_ms().overflowing_sub(now.unix_ms()).1);
                }
            }
        }
        decoder.tick(Timestamp::from_unix_ms(ticks));
    }
}
