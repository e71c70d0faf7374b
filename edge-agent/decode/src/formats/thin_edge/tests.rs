//! Measurements with units and groups, alarms, events, health and registrations.

use expect_test::expect;

use super::super::testing::{read_by, readings};
use super::*;

#[test]
fn units_come_from_the_description_of_a_measurement() {
    let shown = readings(
        &mut ThinEdge::default(),
        &[
            ("te/device/main///m/environment", r#"{"temperature":71.6}"#),
            (
                "te/device/main///m/environment/meta",
                r#"{"temperature":{"unit":"°F"}}"#,
            ),
            (
                "te/device/main///m/environment",
                r#"{"temperature":71.6,"time":1602739847}"#,
            ),
            (
                "te/device/plc1///m/",
                r#"{"co2_ppm":700,"humidity":41.5,"pressure":980}"#,
            ),
            (
                "te/device/plc1///m/climate",
                r#"{"upper":{"temperature":20.5},"lower":{"temperature":18}}"#,
            ),
            ("te/device/plc1///m/climate", r#"{"temperature":"hot"}"#),
            ("te/device/plc1///m/climate", r#"{"temperature":"#),
            ("te/device/plc1///m/climate", "7"),
        ],
    );
    expect![[r#"
        thin-edge/main temperature 71.6
        thin-edge/main temperature 22 °C 2020-10-15T05:30:47Z
        thin-edge/plc1 co2 700 ppm
        thin-edge/plc1 humidity 41.5
        thin-edge/plc1/lower temperature 18
        thin-edge/plc1/upper temperature 20.5
        ! thin-edge/plc1: temperature: "hot" is not a number
        ? te/device/plc1///m/climate: Broken("the payload is not JSON: EOF while parsing a value at line 1 column 15")
        ? te/device/plc1///m/climate: Broken("the message is not an object")
    "#]].assert_eq(&shown);
}

#[test]
fn alarms_last_until_they_are_emptied_and_services_have_health() {
    let shown = readings(
        &mut ThinEdge::default(),
        &[
            (
                "te/device/kitchen///a/smoke",
                r#"{"text":"Smoke","severity":"critical","time":"2024-01-01T05:30:45Z"}"#,
            ),
            ("te/device/kitchen///a/smoke", ""),
            (
                "te/device/kitchen/service/reader/a/stuck",
                r#"{"text":"Stuck"}"#,
            ),
            (
                "te/device/kitchen///e/login",
                r#"{"text":"A user logged in"}"#,
            ),
            (
                "te/device/main/service/mapper/status/health",
                r#"{"pid":9,"status":"up","time":1674739912}"#,
            ),
            (
                "te/device/main/service/mapper/status/health",
                r#"{"pid":9,"status":"down"}"#,
            ),
            ("te/device/main///cmd/restart/1", r#"{"status":"init"}"#),
        ],
    );
    expect![[r#"
        thin-edge/kitchen smoke true 2024-01-01T05:30:45Z
        thin-edge/kitchen smoke false
        thin-edge/kitchen/reader/stuck other true
        thin-edge/kitchen/login other "A user logged in"
        thin-edge/main/mapper availability true 2023-01-26T13:31:52Z
        thin-edge/main/mapper availability false
    "#]]
    .assert_eq(&shown);
}

#[test]
fn registration_names_and_removes_a_device() {
    let mut format = ThinEdge::default();
    let (_, output) = read_by(
        &mut format,
        "te/device/child01//",
        br#"{"@type":"child-device","name":"Tank","type":"PLC"}"#,
    );
    let (_, gone) = read_by(&mut format, "te/device/child01//", b"");
    let told = |output: &Output| {
        output
            .announcements
            .first()
            .map(|a| (a.device.clone(), a.name.clone(), a.removed))
    };
    assert_eq!(
        told(&output),
        Some((
            "thin-edge/child01".to_owned(),
            Some("Tank".to_owned()),
            false
        ))
    );
    assert_eq!(
        told(&gone),
        Some(("thin-edge/child01".to_owned(), None, true))
    );
    for topic in ["te/device/main", "te/////m/x", "tedge/measurements"] {
        let (verdict, _) = read_by(&mut format, topic, b"{}");
        assert!(matches!(verdict, Verdict::NotMine(_)), "{topic}");
    }
}
