//! Messages of devices other than those of the recorded cases.

use expect_test::{Expect, expect};

use super::super::testing::{read_by, readings};
use super::*;

fn check(messages: &[(&str, &str)], expected: Expect) {
    expected.assert_eq(&readings(&mut Tasmota::default(), messages));
}

#[test]
fn several_ds18b20_are_devices_of_their_own() {
    check(
        &[(
            "tele/boiler/SENSOR",
            r#"{"Time":"2024-01-09T10:00:00","DS18B20-1":{"Id":"01131B123456","Temperature":23.4},"DS18B20-2":{"Id":"01131B654321","Temperature":61.9},"TempUnit":"C"}"#,
        )],
        expect![[r#"
            tasmota/boiler/DS18B20-1 temperature 23.4 °C 2024-01-09T10:00:00
            tasmota/boiler/DS18B20-2 temperature 61.9 °C 2024-01-09T10:00:00
        "#]],
    );
}

#[test]
fn two_chips_that_measure_the_same_are_told_apart_also_while_one_is_broken() {
    let both = r#"{"Time":"2024-01-09T10:00:00","AM2301":{"Temperature":21.2,"Humidity":48.1,"DewPoint":9.7},"DS18B20":{"Id":"0114","Temperature":5.5},"TempUnit":"C"}"#;
    let one = r#"{"Time":"2024-01-09T10:05:00","AM2301":{"Temperature":21.3,"Humidity":48.0,"DewPoint":9.7},"TempUnit":"C"}"#;
    check(
        &[("tele/shed/SENSOR", both), ("tele/shed/SENSOR", one)],
        expect![[r#"
            tasmota/shed/AM2301 humidity 48.1 % 2024-01-09T10:00:00
            tasmota/shed/AM2301 temperature 21.2 °C 2024-01-09T10:00:00
            tasmota/shed/DS18B20 temperature 5.5 °C 2024-01-09T10:00:00
            tasmota/shed/AM2301 humidity 48 % 2024-01-09T10:05:00
            tasmota/shed/AM2301 temperature 21.3 °C 2024-01-09T10:05:00
        "#]],
    );
}

#[test]
fn fahrenheit_is_converted_and_a_null_is_a_broken_sensor() {
    check(
        &[
            (
                "tele/th16/SENSOR",
                r#"{"Time":"2023-05-05T05:05:05","SI7021":{"Temperature":72.5,"Humidity":40.0,"DewPoint":46.7},"TempUnit":"F"}"#,
            ),
            (
                "tele/th16/SENSOR",
                r#"{"Time":"2023-05-05T05:10:05","AM2301":{"Temperature":null,"Humidity":null,"DewPoint":null},"TempUnit":"C"}"#,
            ),
        ],
        expect![[r#"
            tasmota/th16 humidity 40 % 2023-05-05T05:05:05
            tasmota/th16 temperature 22.5 °C 2023-05-05T05:05:05
            ! tasmota/th16: AM2301 gives null as Humidity: check the sensor and its wiring
            ! tasmota/th16: AM2301 gives null as Temperature: check the sensor and its wiring
        "#]],
    );
}

#[test]
fn air_quality_sensors_give_one_value_of_each_kind() {
    check(
        &[
            (
                "tele/air/SENSOR",
                r#"{"Time":"2021-09-22T17:00:00","SCD40":{"CarbonDioxide":690,"eCO2":679,"Temperature":23.9,"Humidity":49.1,"DewPoint":12.6},"TempUnit":"C"}"#,
            ),
            (
                "tele/dust/SENSOR",
                r#"{"Time":"2021-09-22T17:00:00","PMS5003":{"CF1":10,"CF2.5":12,"CF10":13,"PM1":10,"PM2.5":12,"PM10":13,"PB0.3":1545}}"#,
            ),
            (
                "tele/gas/SENSOR",
                r#"{"Time":"2021-09-22T17:00:00","BME680":{"Temperature":24.0,"Humidity":55.9,"DewPoint":14.6,"Pressure":987.7,"Gas":77.52},"MHZ19B":{"Model":"B","CarbonDioxide":445},"PressureUnit":"hPa","TempUnit":"C"}"#,
            ),
            (
                "tele/sgp/SENSOR",
                r#"{"Time":"2021-09-22T17:00:00","SGP30":{"eCO2":400,"TVOC":14}}"#,
            ),
        ],
        expect![[r#"
            tasmota/air co2 690 ppm 2021-09-22T17:00:00
            tasmota/air humidity 49.1 % 2021-09-22T17:00:00
            tasmota/air temperature 23.9 °C 2021-09-22T17:00:00
            tasmota/dust pm25 12 µg/m³ 2021-09-22T17:00:00
            tasmota/gas humidity 55.9 % 2021-09-22T17:00:00
            tasmota/gas temperature 24 °C 2021-09-22T17:00:00
            tasmota/gas co2 445 ppm 2021-09-22T17:00:00
            tasmota/sgp voc 14 ppb 2021-09-22T17:00:00
            tasmota/sgp co2 400 ppm 2021-09-22T17:00:00
        "#]],
    );
}

#[test]
fn numbered_analog_inputs_are_parts() {
    check(
        &[(
            "stat/pool/STATUS8",
            r#"{"StatusSNS":{"Time":"2025-02-19T10:30:57","ANALOG":{"Temperature1":-3.2,"Temperature2":4.5,"A3":17},"TempUnit":"C"}}"#,
        )],
        expect![[r#"
            tasmota/pool temperature -3.2 °C 2025-02-19T10:30:57
            tasmota/pool/2 temperature 4.5 °C 2025-02-19T10:30:57
        "#]],
    );
}

#[test]
fn chips_and_plants_are_not_rooms() {
    check(
        &[(
            "tele/esp32/SENSOR",
            r#"{"Time":"2022-02-02T02:02:02","ESP32":{"Temperature":53.3},"HallEffect":12,"Flora-6ab577":{"Temperature":21.0,"Illuminance":120,"Humidity":15,"Fertility":30,"Battery":97},"TempUnit":"C"}"#,
        )],
        expect![[r#"
            tasmota/Flora-6ab577 battery 97 % 2022-02-02T02:02:02
            tasmota/Flora-6ab577 temperature 21 °C 2022-02-02T02:02:02
        "#]],
    );
}

#[test]
fn power_is_one_number_however_many_phases() {
    check(
        &[
            (
                "tele/plug/SENSOR",
                r#"{"Time":"2023-11-01T12:00:00","ENERGY":{"TotalStartTime":"2023-01-01T00:00:00","Total":2.6,"Yesterday":0.1,"Today":0.0,"Period":0,"Power":42,"ApparentPower":60,"ReactivePower":3,"Factor":0.70,"Voltage":233,"Current":0.26}}"#,
            ),
            (
                "tele/em3/SENSOR",
                r#"{"Time":"2023-11-01T12:00:00","ENERGY":{"Power":[375,171,13],"Voltage":[229,229,230]}}"#,
            ),
        ],
        expect![[r#"
            tasmota/plug power 42 W 2023-11-01T12:00:00
            tasmota/em3 power 559 W 2023-11-01T12:00:00
        "#]],
    );
}

#[test]
fn topics_in_another_order_are_the_same_format() {
    check(
        &[
            ("hall/tele/LWT", "Online"),
            (
                "home/hall/stat/RESULT",
                r#"{"Button1":{"Action":"SINGLE"}}"#,
            ),
            ("home/hall/stat/RESULT", r#"{"Switch1":{"Action":"ON"}}"#),
            ("stat/lamp/POWER2", "ON"),
            ("stat/lamp/RESULT", r#"{"POWER1":"OFF"}"#),
            ("stat/lamp/RESULT", r#"{"Command":"Unknown"}"#),
            ("cmnd/lamp/POWER", "TOGGLE"),
        ],
        expect![[r#"
            tasmota/hall availability true
            tasmota/home/hall/Button1 other "SINGLE"
            tasmota/home/hall other "ON"
            tasmota/lamp/POWER2 other "ON"
            tasmota/lamp/POWER1 other "OFF"
        "#]],
    );
}

#[test]
fn sleeping_device_is_not_lost_when_it_goes_offline() {
    let mut tasmota = Tasmota::default();
    // 1,800,003,600 is an hour after the time of receipt in tests.
    let sleep = br#"{"DeepSleep":{"Time":"2027-01-15T09:00:00","Epoch":1800003600}}"#;
    let (_, output) = read_by(&mut tasmota, "stat/roof/DEEPSLEEP", sleep);
    let silent: Vec<_> = output
        .announcements
        .iter()
        .map(|a| (a.device.as_str(), a.silent_after_ms))
        .collect();
    assert_eq!(silent, [("tasmota/roof", Some(2 * 3_600_000))]);
    let (verdict, output) = read_by(&mut tasmota, "tele/roof/LWT", b"Offline");
    assert_eq!((verdict, output.observations.len()), (Verdict::Taken, 0));
    let (_, output) = read_by(&mut tasmota, "tele/cellar/LWT", b"Offline");
    assert_eq!(output.observations.len(), 1);
    assert_eq!(output.bridges.len(), 1);
}

#[test]
fn zigbee_devices_have_their_own_polarity_and_bits() {
    check(
        &[
            (
                "tele/SonoffZB/SENSOR",
                r#"{"ZbReceived":{"0x662E":{"Device":"0x662E","Name":" door_sensor","0500<00":"200000010000","ZoneStatusChange":32,"ZoneStatusChangeZone":1,"Contact":0,"Endpoint":1,"LinkQuality":157}}}"#,
            ),
            (
                "tele/zb/SENSOR",
                r#"{"ZbReceived":{"0x6841":{"Device":"0x6841","0500?00":"010000000000","ZoneStatusChange":1,"Occupancy":1,"Endpoint":1,"LinkQuality":105}}}"#,
            ),
            (
                "tele/zb/SENSOR",
                r#"{"ZbReceived":{"0x01F3":{"Device":"0x01F3","Name":"MotionSensor","BatteryVoltage":2.7,"BatteryPercentage":17,"Endpoint":1,"LinkQuality":79}}}"#,
            ),
            (
                "tele/zb/SENSOR",
                r#"{"ZbReceived":{"0x1067":{"Device":"0x1067","Temperature":19.04,"Humidity":70.89,"Endpoint":1,"LinkQuality":141}}}"#,
            ),
            (
                "tele/zb/SENSOR",
                r#"{"ZbReceived":{"0x2A01":{"Device":"0x2A01","Name":"Cellar","ZoneStatusChange":13,"Water":1,"Endpoint":1,"LinkQuality":33}}}"#,
            ),
            (
                "tele/zb/SENSOR",
                r#"{"ZbReceived":{"0x2A02":{"Device":"0x2A02","Name":"Stairs","ZoneStatusChange":257,"Fire":1,"Endpoint":1,"LinkQuality":33}}}"#,
            ),
            (
                "tele/zb/SENSOR",
                r#"{"ZbReceived":{"0x099F":{"Device":"0x099F","ZoneStatusChange":1,"LinkQuality":70}}}"#,
            ),
            (
                "tele/zb/SENSOR",
                r#"{"ZbReceived":{"0x3476":{"Device":"0x3476","Name":"ikea_switch","0006!01":"","Power":1,"Endpoint":1,"LinkQuality":134}}}"#,
            ),
            (
                "tele/zb/SENSOR",
                r#"{"ZbReceived":{"0xFF74":{"Device":"0xFF74","Click":"double","Endpoint":2}}}"#,
            ),
            (
                "tele/zb/E30B/ZbReceived",
                r#"{"Contact":1,"Endpoint":1,"LinkQuality":131}"#,
            ),
        ],
        expect![[r#"
            tasmota/SonoffZB/door_sensor door false
            tasmota/SonoffZB/door_sensor link_quality 157
            tasmota/SonoffZB/door_sensor tamper false
            tasmota/SonoffZB/door_sensor battery "ok"
            tasmota/zb/0x6841 link_quality 105
            tasmota/zb/0x6841 occupancy true
            tasmota/zb/0x6841 tamper false
            tasmota/zb/0x6841 battery "ok"
            tasmota/zb/MotionSensor battery 17 %
            tasmota/zb/MotionSensor battery 2.7 V
            tasmota/zb/MotionSensor link_quality 79
            tasmota/zb/0x1067 humidity 70.89 %
            tasmota/zb/0x1067 link_quality 141
            tasmota/zb/0x1067 temperature 19.04 °C
            tasmota/zb/Cellar link_quality 33
            tasmota/zb/Cellar water_leak true
            tasmota/zb/Cellar tamper true
            tasmota/zb/Cellar battery "low"
            tasmota/zb/Stairs smoke true (test)
            tasmota/zb/Stairs link_quality 33 (test)
            tasmota/zb/Stairs tamper false (test)
            tasmota/zb/Stairs battery "ok" (test)
            tasmota/zb/Stairs alarm_test true (test)
            tasmota/zb/0x099F link_quality 70
            tasmota/zb/0x099F other true
            tasmota/zb/0x099F tamper false
            tasmota/zb/0x099F battery "ok"
            tasmota/zb/ikea_switch link_quality 134
            tasmota/zb/ikea_switch/Power other true
            tasmota/zb/0xFF74/Click other "double"
            tasmota/zb/E30B/E30B door true
            tasmota/zb/E30B/E30B link_quality 131
        "#]],
    );
}

#[test]
fn bridge_describes_its_devices_and_their_names_are_anything() {
    let (verdict, output) = read_by(
        &mut Tasmota::default(),
        "tele/zb/SENSOR",
        br#"{"ZbInfo":{"0x135D":{"Device":"0x135D","Name":"Temperature","IEEEAddr":"0x00158D00036B50AE","ModelId":"lumi.weather","Manufacturer":"LUMI","Temperature":20.1,"Reachable":true}}}"#,
    );
    assert_eq!(
        (verdict, output.observations.len(), output.problems.len()),
        (Verdict::Taken, 0, 0)
    );
    let told: Vec<_> = output
        .announcements
        .iter()
        .map(|a| (a.device.as_str(), a.model.as_deref()))
        .collect();
    assert_eq!(told, [("tasmota/zb/Temperature", Some("lumi.weather"))]);
    check(
        &[(
            "tele/zb/SENSOR",
            r#"{"ZbReceived":{"Temperature":{"Device":"0x135D","Name":"Temperature","Humidity":55.1}}}"#,
        )],
        expect![[r#"
            tasmota/zb/Temperature humidity 55.1 %
        "#]],
    );
}

#[test]
fn codes_are_events_and_cards_are_nobodys_business() {
    check(
        &[
            (
                "tele/ir/RESULT",
                r#"{"IrReceived":{"Protocol":"NEC","Bits":32,"Data":"0x00FF02FD","Repeat":0}}"#,
            ),
            (
                "tele/rf/RESULT",
                r#"{"Time":"2020-01-01T01:00:00","RfReceived":{"Sync":9800,"Low":330,"High":970,"Data":"2E8F6C","RfKey":3}}"#,
            ),
            (
                "tele/reader/SENSOR",
                r#"{"Time":"2021-01-01T00:00:01","PN532":{"UID":"94D8FC5F","DATA":""}}"#,
            ),
        ],
        expect![[r#"
            tasmota/ir other "0x00FF02FD"
            tasmota/rf other "2E8F6C" 2020-01-01T01:00:00
        "#]],
    );
}

#[test]
fn state_tells_outputs_and_radio_and_the_clock_since_1970_wins_over_a_time_without_zone() {
    check(
        &[(
            "tele/tasmota/STATE",
            r#"{"Time":"2019-09-04T13:08:48","Epoch":1567595328,"Uptime":"0T00:00:14","Vcc":3.4,"POWER":"ON","Wifi":{"AP":1,"SSId":"x","Channel":11,"RSSI":100,"Signal":-42}}"#,
        )],
        expect![[r#"
            tasmota/tasmota/POWER other "ON" 2019-09-04T11:08:48Z
            tasmota/tasmota link_quality 100 % 2019-09-04T11:08:48Z
        "#]],
    );
}

#[test]
fn corrupt_messages_are_refused_whole() {
    check(
        &[
            ("tele/a/SENSOR", r#"{"DS18B20":{"Temperature":20.6}"#),
            ("tele/a/SENSOR", "20.6"),
            ("tele/a/STATE", "[]"),
            ("tele/a/LWT", "maybe"),
            ("tele/a/SENSOR", r#"{"DS18B20":{"Temperature":nan,"x":nan"#),
        ],
        expect![[r#"
            ? tele/a/SENSOR: Broken("the payload is not JSON: EOF while parsing an object at line 1 column 31")
            ? tele/a/SENSOR: Broken("`20.6` is not an object")
            ? tele/a/STATE: Broken("`[]` is not an object")
            ? tele/a/LWT: Broken("LWT is neither Online nor Offline")
            ? tele/a/SENSOR: Broken("the payload is not JSON: expected ident at line 1 column 28")
        "#]],
    );
}

#[test]
fn description_of_a_device_names_it_as_its_messages_do() {
    let config = br#"{"ip":"192.168.0.10","dn":"Hall plug","fn":["Plug"],"hn":"hall","mac":"AABBCCDDEEFF","md":"Sonoff S31","ofln":"Offline","onln":"Online","t":"hall","ft":"home/%topic%/%prefix%/","tp":["cmnd","stat","tele"]}"#;
    let (verdict, output) = read_by(
        &mut Tasmota::default(),
        "tasmota/discovery/AABBCCDDEEFF/config",
        config,
    );
    assert_eq!(verdict, Verdict::Taken);
    let told: Vec<_> = output
        .announcements
        .iter()
        .map(|a| (a.device.as_str(), a.name.as_deref(), a.model.as_deref()))
        .collect();
    assert_eq!(
        told,
        [("tasmota/home/hall", Some("Hall plug"), Some("Sonoff S31"))]
    );
}
