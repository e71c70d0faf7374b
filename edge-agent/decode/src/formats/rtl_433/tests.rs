//! Messages of senders other than those of the recorded cases.

use expect_test::{Expect, expect};

use super::super::testing::{NOW_MS, read_by, readings};
use super::*;

const EVENTS: &str = "rtl_433/pi/events";

fn check(events: &[&str], expected: Expect) {
    let messages: Vec<(&str, &str)> = events.iter().map(|event| (EVENTS, *event)).collect();
    expected.assert_eq(&readings(&mut Rtl433::default(), &messages));
}

#[test]
fn contacts_of_alarm_systems_are_doors() {
    check(
        &[
            r#"{"time":"2021-08-18 16:16:54","model":"Interlogix-Security","subtype":"contact","id":"a55b4b","battery_ok":1,"switch1":"OPEN","switch2":"OPEN","switch3":"OPEN","switch4":"OPEN","switch5":"OPEN","raw_message":"2dd4ac"}"#,
            r#"{"time":"2021-08-18 16:16:54","model":"Interlogix-Security","subtype":"motion","id":"455b4b","battery_ok":1,"switch1":"CLOSED","switch2":"CLOSED"}"#,
            r#"{"model":"Honeywell-Security","id":612345,"channel":8,"event":160,"state":"open","contact_open":1,"reed_open":1,"alarm":0,"tamper":0,"battery_ok":1,"heartbeat":0,"mic":"CRC"}"#,
            r#"{"model":"Honeywell-Security","id":612345,"channel":8,"event":76,"state":"closed","contact_open":0,"reed_open":0,"alarm":0,"tamper":1,"battery_ok":0,"heartbeat":1,"mic":"CRC"}"#,
            r#"{"model":"DSC-Security","id":2435056,"closed":1,"event":1,"tamper":0,"battery_ok":1,"xactivity":1,"xtamper1":1,"xtamper2":1,"exception":0,"esn":"2527f0","status":138,"mic":"CRC"}"#,
            r#"{"model":"DSC-Security","id":2435056,"closed":0,"event":1,"tamper":0,"battery_ok":1}"#,
            r#"{"model":"Kerui Security","id":"0x1f2e3","cmd":"0xe","state":"open"}"#,
            r#"{"model":"Kerui Security","id":"0x1f2e3","cmd":"0xb","state":"tamper"}"#,
            r#"{"model":"Kerui-Security","id":12345,"cmd":10,"motion":1,"state":"motion"}"#,
        ],
        expect![[r#"
            rtl_433/Interlogix-Security/a55b4b battery "ok" 2021-08-18T16:16:54
            rtl_433/Interlogix-Security/a55b4b door true 2021-08-18T16:16:54
            rtl_433/Interlogix-Security/455b4b battery "ok" 2021-08-18T16:16:54
            rtl_433/Interlogix-Security/455b4b/switch1 other "CLOSED" 2021-08-18T16:16:54
            rtl_433/Honeywell-Security/8/612345 battery "ok"
            rtl_433/Honeywell-Security/8/612345 door true
            rtl_433/Honeywell-Security/8/612345/alarm other false
            rtl_433/Honeywell-Security/8/612345 tamper false
            rtl_433/Honeywell-Security/8/612345 battery "low"
            rtl_433/Honeywell-Security/8/612345 door false
            rtl_433/Honeywell-Security/8/612345/alarm other false
            rtl_433/Honeywell-Security/8/612345 tamper true
            rtl_433/DSC-Security/2435056 battery "ok"
            rtl_433/DSC-Security/2435056 door false
            rtl_433/DSC-Security/2435056 tamper false
            rtl_433/DSC-Security/2435056 battery "ok"
            rtl_433/DSC-Security/2435056 door true
            rtl_433/DSC-Security/2435056 tamper false
            rtl_433/Kerui Security/0x1f2e3 door true
            rtl_433/Kerui Security/0x1f2e3 tamper true
            rtl_433/Kerui-Security/12345 motion true
        "#]],
    );
}

#[test]
fn detectors_say_what_their_model_means() {
    check(
        &[
            r#"{"model":"Cavius-Security","id":1,"battery_ok":1,"net_id":9,"message":16,"text":"Warning/Water detected"}"#,
            r#"{"model":"Cavius-Security","id":2,"net_id":9,"message":8,"text":"Battery low"}"#,
            r#"{"model":"Cavius-Security","id":3,"net_id":9,"text":"Fire alarm"}"#,
            r#"{"model":"Smoke-GS558","id":4001,"unit":3,"learn":1,"code":"c1a96c"}"#,
            r#"{"model":"Smoke-GS558","id":4001,"unit":3,"learn":0,"code":"c1a96c"}"#,
            r#"{"model":"Govee-Water","id":26680,"battery_ok":0.59,"battery_mV":2508,"event":"Battery Report","code":"x"}"#,
            r#"{"model":"Govee-Water","id":26680,"event":"Water Leak","code":"x"}"#,
            r#"{"model":"Govee-Water","id":26680,"event":"Button Press","code":"x"}"#,
            r#"{"model":"Govee-Contact","id":5023,"event":"Open"}"#,
            r#"{"model":"Bresser-Leakage","id":1234567,"channel":0,"battery_ok":1,"alarm":1,"nstartup":1}"#,
        ],
        expect![[r#"
            rtl_433/Cavius-Security/1 battery "ok"
            rtl_433/Cavius-Security/1 water_leak true
            rtl_433/Cavius-Security/2 battery "low"
            rtl_433/Cavius-Security/3 smoke true
            rtl_433/Smoke-GS558/4001/3 smoke true
            rtl_433/Govee-Water/26680 battery 59 %
            rtl_433/Govee-Water/26680 water_leak true
            rtl_433/Govee-Water/26680/event other "Button Press"
            rtl_433/Govee-Contact/5023/event other "Open"
            rtl_433/Bresser-Leakage/0/1234567 battery "ok"
            rtl_433/Bresser-Leakage/0/1234567 water_leak true
        "#]],
    );
}

#[test]
fn weather_sensors_are_read_by_field_and_tyres_are_not() {
    check(
        &[
            r#"{"time":"2023-01-05 12:00:01","model":"Acurite-Tower","id":8245,"channel":"A","battery_ok":1,"temperature_C":-4.2,"humidity":91,"mic":"CHECKSUM"}"#,
            r#"{"time":"2023-01-05T12:00:01Z","model":"LaCrosse-TX141THBv2","id":9,"channel":0,"battery_ok":0,"temperature_F":71.6,"test":"No"}"#,
            r#"{"model":"Fineoffset-WH45","id":4242,"battery_ok":1.0,"temperature_C":21.5,"humidity":44,"pm2_5_ug_m3":8.0,"pm10_ug_m3":9.0,"co2_ppm":701}"#,
            r#"{"model":"Thermopro-TP12","id":7,"temperature_1_C":55.0,"temperature_2_C":20.5}"#,
            r#"{"model":"Toyota","type":"TPMS","id":"fb3f5b4a","pressure_PSI":33.2,"temperature_C":31.0}"#,
            r#"{"model":"Efergy-e2CT","id":1,"power_W":312.5,"battery_ok":1}"#,
            r#"{"model":"Nexa-Security","id":123,"channel":1,"state":"ON","unit":2}"#,
            r#"{"model":"X10-RF","id":5,"tamper":"yes","motion":"maybe"}"#,
        ],
        expect![[r#"
            rtl_433/Acurite-Tower/A/8245 humidity 91 % 2023-01-05T12:00:01
            rtl_433/Acurite-Tower/A/8245 temperature -4.2 °C 2023-01-05T12:00:01
            rtl_433/Acurite-Tower/A/8245 battery "ok" 2023-01-05T12:00:01
            rtl_433/LaCrosse-TX141THBv2/0/9 temperature 22 °C 2023-01-05T12:00:01Z
            rtl_433/LaCrosse-TX141THBv2/0/9 battery "low" 2023-01-05T12:00:01Z
            rtl_433/Fineoffset-WH45/4242 co2 701 ppm
            rtl_433/Fineoffset-WH45/4242 humidity 44 %
            rtl_433/Fineoffset-WH45/4242 pm25 8 µg/m³
            rtl_433/Fineoffset-WH45/4242 temperature 21.5 °C
            rtl_433/Fineoffset-WH45/4242 battery "ok"
            rtl_433/Thermopro-TP12/7/1 temperature 55 °C
            rtl_433/Thermopro-TP12/7/2 temperature 20.5 °C
            rtl_433/Efergy-e2CT/1 power 312.5 W
            rtl_433/Efergy-e2CT/1 battery "ok"
            rtl_433/Nexa-Security/1/123/2/state other "ON"
            rtl_433/X10-RF/5 tamper true
            ! rtl_433/X10-RF/5: motion: `maybe` is not a state
        "#]],
    );
}

#[test]
fn repetitions_count_once_and_a_change_always_counts() {
    let motion = r#"{"time":"2023-01-05 12:00:01","model":"M","id":1,"motion":1,"rssi":-1.1}"#;
    let again = r#"{"time":"2023-01-05 12:00:02","model":"M","id":1,"motion":1,"rssi":-9.2}"#;
    let clear = r#"{"time":"2023-01-05 12:00:03","model":"M","id":1,"motion":0}"#;
    check(
        &[motion, again, clear, motion],
        expect![[r#"
        rtl_433/M/1 motion true 2023-01-05T12:00:01
        rtl_433/M/1 motion false 2023-01-05T12:00:03
        rtl_433/M/1 motion true 2023-01-05T12:00:01
    "#]],
    );
}

#[test]
fn alarm_that_never_ends_ends_uncertainly_when_it_is_not_repeated() {
    let mut rtl = Rtl433::default();
    let alarm = br#"{"model":"Smoke-GS558","id":4001,"unit":3,"learn":0}"#;
    read_by(&mut rtl, EVENTS, alarm);
    let mut early = Output::default();
    rtl.tick(Timestamp::from_unix_ms(NOW_MS + ALARM_MS - 1), &mut early);
    assert!(early.observations.is_empty());
    let mut late = Output::default();
    rtl.tick(Timestamp::from_unix_ms(NOW_MS + ALARM_MS), &mut late);
    let ended: Vec<_> = late
        .observations
        .iter()
        .map(|o| (o.kind, o.value.as_bool(), o.quality))
        .collect();
    assert_eq!(ended, [(Kind::Smoke, Some(false), Quality::Uncertain)]);
}

#[test]
fn single_values_have_the_device_of_the_event() {
    let shown = readings(
        &mut Rtl433::default(),
        &[
            (
                "rtl_433/pi/devices/Acurite-Tower/A/8245/temperature_C",
                "-4.2",
            ),
            ("rtl_433/pi/devices/Acurite-Tower/A/8245/battery_ok", "1"),
            ("rtl_433/pi/devices/Acurite-Tower/A/8245/mic", "CHECKSUM"),
            ("rtl_433/pi/availability", "online"),
            ("rtl_433/pi/events", "{"),
            ("rtl_433/pi/events", r#"{"id":1}"#),
            ("rtl433/pi/events", r#"{"model":"x"}"#),
        ],
    );
    expect![[r#"
        rtl_433/Acurite-Tower/A/8245 temperature -4.2 °C
        rtl_433/Acurite-Tower/A/8245 battery "ok"
        rtl_433/pi availability true
        ? rtl_433/pi/events: Broken("the payload is not JSON: EOF while parsing an object at line 1 column 1")
        ? rtl_433/pi/events: Broken("an event without model")
        ? rtl433/pi/events: NotMine("the topic has no level rtl_433")
    "#]].assert_eq(&shown);
}
