//! Messages of senders other than those of the recorded cases.

use expect_test::{Expect, expect};

use super::super::testing::readings;
use super::*;

fn check(messages: &[(&str, &str)], expected: Expect) {
    expected.assert_eq(&readings(&mut OpenMqttGateway::default(), messages));
}

#[test]
fn bluetooth_sensors_are_the_same_whichever_gateway_hears_them() {
    check(
        &[
            (
                "home/OMG_1/BTtoMQTT/A4C13825A1E3",
                r#"{"id":"A4:C1:38:25:A1:E3","name":"ATC_25A1E3","rssi":-67,"brand":"Xiaomi","model":"TH Sensor","model_id":"LYWSD03MMC_ATC","type":"THB","tempc":23.4,"tempf":74.12,"hum":41,"batt":73,"volt":2.871}"#,
            ),
            (
                "home/OMG_2/BTtoMQTT",
                r#"{"id":"a4:c1:38:25:a1:e3","rssi":-80,"model":"TH Sensor","model_id":"LYWSD03MMC_ATC","tempc":23.5}"#,
            ),
            (
                "home/OMG_1/BTtoMQTT/B0E9FE000001",
                r#"{"id":"B0:E9:FE:00:00:01","brand":"SwitchBot","model":"Contact Sensor","model_id":"W120150X","type":"CTMO","contact":"open","batt":90}"#,
            ),
            (
                "home/OMG_1/BTtoMQTT/3C2EF5000001",
                r#"{"id":"3C:2E:F5:00:00:01","brand":"Shelly","model":"ShellyBLU Door/Window","model_id":"SBDW-002C","type":"CTMO","batt":100,"lux":0,"open":true,"rot":2.5}"#,
            ),
            (
                "home/OMG_1/BTtoMQTT/C47C8D6A4D14",
                r#"{"id":"C4:7C:8D:6A:4D:14","model":"Miflora","model_id":"HHCCJCY01HHCC","tempc":21.3,"moi":12,"lux":90,"fer":131}"#,
            ),
            (
                "home/OMG_1/BTtoMQTT/4C65A8000001",
                r#"{"id":"4C:65:A8:00:00:01","name":"MJ_HT_V1","rssi":-70,"tem":22.1,"hum":39}"#,
            ),
            (
                "home/OMG_1/BTtoMQTT/AC1500000001",
                r#"{"id":"AC:15:00:00:00:01","model":"TPMS","model_id":"TPMS","type":"TIRE","tempc":31.0,"batt":90}"#,
            ),
            (
                "home/OMG_1/BTtoMQTT/581C00000001",
                r#"{"id":"58:1C:00:00:00:01","model":"Govee","model_id":"H5055","tempf":71.6}"#,
            ),
        ],
        expect![[r#"
            bluetooth/A4C13825A1E3 battery 73 %
            bluetooth/A4C13825A1E3 humidity 41 %
            bluetooth/A4C13825A1E3 link_quality -67 dBm
            bluetooth/A4C13825A1E3 temperature 23.4 °C
            bluetooth/A4C13825A1E3 link_quality -80 dBm
            bluetooth/A4C13825A1E3 temperature 23.5 °C
            bluetooth/B0E9FE000001 battery 90 %
            bluetooth/B0E9FE000001 door true
            bluetooth/3C2EF5000001 battery 100 %
            bluetooth/3C2EF5000001 door true
            bluetooth/C47C8D6A4D14 temperature 21.3 °C
            bluetooth/4C65A8000001 humidity 39 %
            bluetooth/4C65A8000001 link_quality -70 dBm
            bluetooth/4C65A8000001 temperature 22.1 °C
            bluetooth/581C00000001 temperature 22 °C
        "#]],
    );
}

#[test]
fn what_people_carry_is_not_followed() {
    check(
        &[
            (
                "home/OpenMQTTGateway/BTtoMQTT/58782076BC24",
                r#"{"id":"58:78:20:76:BC:24","mac_type":1,"rssi":-79,"brand":"GENERIC","model":"iBeacon","model_id":"IBEACON","mfid":"4c00","uuid":"1de4b189115e45f6b44e509352269977","major":0,"minor":0}"#,
            ),
            (
                "home/OpenMQTTGateway/BTtoMQTT/D3464CE6954B",
                r#"{"id":"d3:46:4c:e6:95:4b","rssi":-62,"brand":"Tile","model":"Smart Tracker","model_id":"TILE","type":"TRACK","track":true,"batt":80}"#,
            ),
            (
                "home/OpenMQTTGateway/BTtoMQTT/112233445566",
                r#"{"id":"11:22:33:44:55:66","rssi":-70,"distance":3.1}"#,
            ),
        ],
        expect![[""]],
    );
}

#[test]
fn codes_and_receivers_behind_the_gateway() {
    check(
        &[
            ("home/OMG/LWT", "online"),
            (
                "home/OMG/433toMQTT",
                r#"{"value":1315156,"protocol":1,"length":24,"delay":317}"#,
            ),
            ("home/OMG/433toMQTT", r#"{"protocol":1}"#),
            (
                "home/OMG/RTL_433toMQTT/Honeywell-Security/612345",
                r#"{"model":"Honeywell-Security","id":612345,"channel":8,"state":"open","contact_open":1,"tamper":0,"battery_ok":1,"protocol":"x","rssi":-70}"#,
            ),
            (
                "home/OMG/PilighttoMQTT",
                r#"{"message":{"id":12,"unit":1,"state":"opened"},"protocol":"contact"}"#,
            ),
            (
                "home/OMG/PilighttoMQTT",
                r#"{"message":"{nonsense","protocol":"tfa"}"#,
            ),
            ("home/OMG/SYStoMQTT", r#"{"uptime":127,"version":"v1"}"#),
            ("home/OMG/BTtoMQTT/AA", "not json"),
        ],
        expect![[r#"
            openmqttgateway/home/OMG availability true
            openmqttgateway/home/OMG other "1315156"
            ! openmqttgateway/home/OMG: a code without value
            rtl_433/Honeywell-Security/8/612345 battery "ok"
            rtl_433/Honeywell-Security/8/612345 door true
            rtl_433/Honeywell-Security/8/612345 tamper false
            pilight/contact/12/1 door true
            ? home/OMG/PilighttoMQTT: Broken("a message of Pilight without protocol or content")
            ? home/OMG/BTtoMQTT/AA: Broken("the payload is not JSON: expected ident at line 1 column 2")
        "#]],
    );
}
