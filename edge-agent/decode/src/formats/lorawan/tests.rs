//! Outputs of published codecs: Milesight SensorDecoders, TheThingsNetwork/lorawan-devices (Browan,
//! Dragino, Elsys, Netvox), decentlab-decoders, Cayenne LPP.

use expect_test::{Expect, expect};

use super::Uplink;
use crate::observation::Output;

/// What a codec's output gives, one line each.
fn check(port: i64, model: Option<&str>, object: &str, expect: &Expect) {
    let object: serde_json::Value = serde_json::from_str(object).expect("JSON");
    let uplink = Uplink {
        device: "d",
        time: None,
        event: Some("e".to_owned()),
        is_test: false,
        port: Some(port),
        model: model.map(str::to_owned),
    };
    let mut output = Output::default();
    uplink.read(object.as_object().expect("an object"), &mut output);
    output.mark_tests();
    let mut lines: Vec<String> = output
        .observations
        .iter()
        .map(|seen| {
            let unit = seen.unit.as_deref().unwrap_or("-");
            let time = seen
                .time
                .and_then(|time| time.written())
                .unwrap_or_default();
            let told = if seen.replayed { "replayed" } else { "" };
            let test = if seen.is_test { "test" } else { "" };
            let event = seen.source_event.as_deref().unwrap_or_default();
            format!(
                "{} {} {:?} {unit} {event} {time}{told}{test}",
                seen.device, seen.kind, seen.value
            )
            .trim_end()
            .to_owned()
        })
        .collect();
    lines.extend(output.problems.iter().map(|why| format!("problem: {why}")));
    expect.assert_eq(&lines.join("\n"));
}

#[test]
fn milesight_smoke_detector_under_test_raises_no_smoke() {
    check(
        85,
        None,
        r#"{"version":2,"protocol":2,"type":"smoke sensor","battery":100,"concentration":0,
            "temperature":28,"event":"testing alarm with normal battery"}"#,
        &expect![[r#"
            d alarm_test Bool(true) - e test
            d battery Number(100.0) % e test
            d temperature Number(28.0) °C e test"#]],
    );
}

#[test]
fn milesight_smoke_detector_alarms_is_removed_and_is_silenced() {
    for (event, expect) in [
        ("alarm", expect!["d smoke Bool(true) - e"]),
        ("normal", expect!["d smoke Bool(false) - e"]),
        ("removed", expect!["d tamper Bool(true) - e"]),
        ("silent", expect![[""]]),
        ("low battery", expect![[""]]),
    ] {
        let object = format!(r#"{{"type":"smoke sensor","event":"{event}"}}"#);
        check(85, None, &object, &expect);
    }
}

#[test]
fn milesight_history_is_told_again_with_its_own_times() {
    check(
        85,
        None,
        r#"{"battery":97,"leakage_status":"normal","history":[
            {"timestamp":1700000000,"leakage_status":"leak"},
            {"timestamp":1700000600,"leakage_status":"normal"},
            {"leakage_status":"leak"}]}"#,
        &expect![[r#"
            d water_leak Bool(true) - e/0 2023-11-14T22:13:20Zreplayed
            d water_leak Bool(false) - e/1 2023-11-14T22:23:20Zreplayed
            d battery Number(97.0) % e
            d water_leak Bool(false) - e"#]],
    );
}

#[test]
fn netvox_smoke_and_heat_detector() {
    check(
        6,
        None,
        r#"{"Device":"RA02A","Volt":3,"FireAlarm":"Alarm","HighTempAlarm":"No Alarm","Temp":-3.5}"#,
        &expect![[r#"
            d battery Number(3.0) V e
            d smoke Bool(true) - e
            d heat Bool(false) - e
            d temperature Number(-3.5) °C e"#]],
    );
}

#[test]
fn netvox_carbon_monoxide_detector_and_its_version_message() {
    check(
        6,
        None,
        r#"{"Device":"RA02C","Volt":"2.4(low battery)","COAlarm":"No Alarm","HighTempAlarm":"Alarm"}"#,
        &expect![[r#"
            d battery Number(2.4) V e
            d battery Text("low") - e
            d carbon_monoxide Bool(false) - e
            d heat Bool(true) - e"#]],
    );
    check(
        6,
        None,
        r#"{"Device":"RA02C","SWver":1.1,"HWver":10,"Datecode":"20200101"}"#,
        &expect![[""]],
    );
}

#[test]
fn netvox_occupancy_with_a_housing_that_is_open_and_a_sensor_that_is_missing() {
    check(
        6,
        None,
        r#"{"Device":"RB11E","Volt":3.1,"Temp":21.5,"Illuminance":3,"Occupy":1,"DisassembledAlarm":1}"#,
        &expect![[r#"
            d battery Number(3.1) V e
            d tamper Bool(true) - e
            d occupancy Bool(true) - e
            d temperature Number(21.5) °C e"#]],
    );
    check(
        6,
        None,
        r#"{"Device":"R315","Volt":3,"Temp":"0xFFFF","Humi":"0xFF"}"#,
        &expect!["d battery Number(3.0) V e"],
    );
}

#[test]
fn dragino_leak_door_and_two_temperatures() {
    check(
        10,
        None,
        r#"{"ALARM":0,"BAT_V":2.952,"MOD":2,"WATER_LEAK_STATUS":1,"WATER_LEAK_TIMES":4,"LAST_WATER_LEAK_DURATION":3}"#,
        &expect![[r#"
            d battery Number(2.952) V e
            d water_leak Bool(true) - e"#]],
    );
    check(
        2,
        None,
        r#"{"BatV":3.058,"Bat_status":3,"Ext_sensor":"Temperature Sensor","Hum_SHT":55.1,"TempC_DS":4.75,"TempC_SHT":23.42}"#,
        &expect![[r#"
            d battery Number(3.058) V e
            d humidity Number(55.1) % e
            d/ext temperature Number(4.75) °C e
            d temperature Number(23.42) °C e"#]],
    );
}

#[test]
fn browan_status_means_what_the_port_or_the_model_says() {
    let object = r#"{"battery":3,"humidity":40,"status":1,"temperature":22,"temperatureBoard":23}"#;
    check(
        106,
        None,
        object,
        &expect![[r#"
        d water_leak Bool(true) - e
        d battery Number(3.0) V e
        d humidity Number(40.0) % e
        d temperature Number(22.0) °C e"#]],
    );
    check(
        103,
        None,
        object,
        &expect![[r#"
        d battery Number(3.0) V e
        d humidity Number(40.0) % e
        d temperature Number(22.0) °C e"#]],
    );
    check(
        7,
        Some("tbdw100"),
        r#"{"battery":3.6,"status":0}"#,
        &expect![[r#"
        d door Bool(false) - e
        d battery Number(3.6) V e"#]],
    );
}

#[test]
fn a_status_without_a_model_is_not_guessed_at() {
    check(
        1,
        None,
        r#"{"status":1,"alarm":true,"state":"open","value":3}"#,
        &expect![[""]],
    );
}

#[test]
fn decentlab_fields_are_objects_with_value_and_unit() {
    check(
        1,
        None,
        r#"{"device_id":3248,"protocol_version":2,
            "air_temperature":{"displayName":"Air temperature","unit":"°C","value":21.34},
            "air_humidity":{"displayName":"Air humidity","unit":"%","value":43.1},
            "co2_concentration":{"displayName":"CO2 concentration","unit":"ppm","value":578},
            "battery_voltage":{"displayName":"Battery voltage","unit":"V","value":2.934}}"#,
        &expect![[r#"
            d humidity Number(43.1) % e
            d temperature Number(21.34) °C e
            d battery Number(2.934) V e
            d co2 Number(578.0) ppm e"#]],
    );
}

#[test]
fn elsys_counts_movements_and_gives_its_battery_in_millivolts() {
    check(
        5,
        None,
        r#"{"temperature":22.6,"humidity":41,"light":39,"motion":6,"co2":755,"vdd":3659,"waterleak":0,"occupancy":2}"#,
        &expect![[r#"
            d co2 Number(755.0) ppm e
            d humidity Number(41.0) % e
            d motion Bool(true) - e
            d temperature Number(22.6) °C e
            d battery Number(3.659) V e
            d water_leak Bool(false) - e"#]],
    );
}

#[test]
fn cayenne_channels_in_both_spellings() {
    check(
        1,
        None,
        r#"{"temperature_1":20.5,"temperature_2":-3,"relative_humidity_3":50,"presence_4":1,"digital_in_1":0}"#,
        &expect![[r#"
            d occupancy Bool(true) - e
            d humidity Number(50.0) % e
            d/1 temperature Number(20.5) °C e
            d/2 temperature Number(-3.0) °C e"#]],
    );
    check(
        1,
        None,
        r#"{"temperatureSensor":{"1":20.5,"2":-3},"humiditySensor":{"3":50},"presenceSensor":{"4":0}}"#,
        &expect![[r#"
            d humidity Number(50.0) % e
            d occupancy Bool(false) - e
            d/1 temperature Number(20.5) °C e
            d/2 temperature Number(-3.0) °C e"#]],
    );
}

#[test]
fn batteries_in_percent_volts_and_millivolts() {
    for (value, expect) in [
        ("100", expect!["d battery Number(100.0) % e"]),
        ("3.6", expect!["d battery Number(3.6) V e"]),
        ("3652", expect!["d battery Number(3.652) V e"]),
        ("255", expect![[""]]),
        ("\"low\"", expect![[r#"d battery Text("low") - e"#]]),
        ("null", expect![[""]]),
    ] {
        check(1, None, &format!(r#"{{"battery":{value}}}"#), &expect);
    }
}

#[test]
fn values_in_arrays_of_one_and_deep_objects() {
    check(
        15,
        None,
        r#"{"temperature":[24.53],"humidity":[40.5,41],"a":{"b":{"tamper":{"value":false}}}}"#,
        &expect![[r#"
            d tamper Bool(false) - e
            d temperature Number(24.53) °C e"#]],
    );
    let deep = format!("{}1{}", "{\"temperature\":".repeat(100), "}".repeat(100));
    check(1, None, &deep, &expect![[""]]);
}

#[test]
fn too_many_values_are_cut_off_and_said() {
    let many: Vec<String> = (0..600).map(|n| format!("\"x{n}\":1")).collect();
    check(
        1,
        None,
        &format!("{{{}}}", many.join(",")),
        &expect!["problem: d: the uplink has more than 512 values, the rest is left out"],
    );
}

#[test]
fn yobiiq_smoke_detector_in_alarm_and_under_test() {
    for (button, expect) in [
        (
            "Normal",
            expect![[r#"
        d battery Number(100.0) % e
        d other Text("fault") - e
        d battery Text("ok") - e
        d smoke Bool(true) - e"#]],
        ),
        (
            "Pushed",
            expect![[r#"
        d battery Number(100.0) % e test
        d other Text("fault") - e test
        d battery Text("ok") - e test
        d smoke Bool(true) - e test
        d alarm_test Bool(true) - e test"#]],
        ),
    ] {
        let object = format!(
            r#"{{"batteryLevelInPercentage":100,"powerEvent":"AC Power On","lowBatteryAlarm":"Normal",
            "faultAlarm":"Alarm","smokeAlarm":"Alarm","interconnectAlarm":"Normal",
            "testButtonPressed":"{button}","deviceModel":"SD-1001"}}"#
        );
        check(8, None, &object, &expect);
    }
}

#[test]
fn smoke_detector_with_its_states_in_an_object_and_a_battery_as_text() {
    check(
        1,
        None,
        r#"{"messageType":"Smoke Alarm Event","temperature":21,"status":{"mounted":0,"smokeAlarm":1,
            "batteryLow":0,"smokeChamberFailure":0},"battery":"3.6V"}"#,
        &expect![[r#"
            d battery Number(3.6) V e
            d battery Text("ok") - e
            d smoke Bool(true) - e
            d temperature Number(21.0) °C e"#]],
    );
    check(
        6,
        None,
        r#"{"Device":"R718DA","Volt":3.1,"status":1}"#,
        &expect![[r#"
            d battery Number(3.1) V e
            d vibration Bool(true) - e"#]],
    );
}
