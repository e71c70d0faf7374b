//! Each message goes to its own format, though several could be mistaken for another's.

use gridwatch_protocol::Timestamp;
use jiff::tz::TimeZone;

use crate::by_profile::ByProfile;
use crate::decoder::Decoder;
use crate::frame::Message;

#[test]
fn messages_of_look_alike_topics_go_to_their_own_format() {
    let mut decoder = Decoder::new(ByProfile::new(Vec::new(), [], []), TimeZone::UTC);
    let now = Timestamp::from_unix_ms(1_800_000_000_000);
    for (topic, payload, format) in [
        ("tele/hall/LWT", "Online", "tasmota"),
        ("home/OMG/LWT", "online", "openmqttgateway"),
        ("hall/status", "online", "esphome"),
        ("ring/1/alarm/2/status", "online", "ring_mqtt"),
        ("zwave/hall/status", r#"{"status":"Alive"}"#, "zwave_js_ui"),
        ("garage/left/status/door", "open", "ratgdo"),
        ("garage/left/status/lock", "locked", "ratgdo"),
        (
            "shellyplus1-a/status/switch:0",
            r#"{"output":true}"#,
            "shelly_gen2",
        ),
        ("shellyplus1-a/online", "true", "shelly_gen2"),
        ("shellies/shelly1-a/online", "true", "shelly_gen1"),
        (
            "shellies/shellymotion2-a/status",
            r#"{"motion":true}"#,
            "shelly_gen1",
        ),
        ("rtl_433/pi/availability", "online", "rtl_433"),
        (
            "home/OMG/RTL_433toMQTT/x",
            r#"{"model":"x"}"#,
            "openmqttgateway",
        ),
        (
            "te/device/main/service/x/status/health",
            r#"{"status":"up"}"#,
            "thin_edge",
        ),
        ("hall/sensor/temperature/state", "21.4", "esphome"),
        (
            "door2",
            r#"{"type":"access","time":1,"isKnown":"true","access":"Always","uid":"1"}"#,
            "esp_rfid",
        ),
    ] {
        let message = Message::new(topic, payload.as_bytes(), false, now);
        let decoded = decoder.message(&message);
        assert_eq!(
            decoded.map(|d| d.by).as_deref(),
            Ok(format),
            "{topic} {payload}"
        );
    }
}
