//! The wire as it is written: a change here is a change of the contract.

use expect_test::expect;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn alert() -> Alert {
    let at: Timestamp = "2026-11-22T03:00:00.250Z".parse().expect("a valid time");
    Alert {
        id: AlertId(Uuid::from_u128(7)),
        revision: 0,
        phase: Phase::Raised,
        sequence: Some(12),
        boot_epoch: 3,
        kind: Kind::Smoke,
        severity: Severity::P1,
        device: DeviceId::new("zigbee2mqtt/厨房烟感").expect("a valid id"),
        device_known: true,
        site: SiteId::new("site-1").expect("a valid id"),
        place: Place {
            building: Some("3".into()),
            ..Place::default()
        },
        raised_at: at,
        at,
        clock: ClockQuality::Plausible,
        detected_by: DetectedBy::Rule {
            rule: "smoke".into(),
        },
        score: None,
        reason: Text {
            zh: "烟雾报警".into(),
            en: "smoke alarm".into(),
        },
        evidence: vec![Reading {
            device: DeviceId::new("zigbee2mqtt/厨房烟感").expect("a valid id"),
            kind: Kind::Smoke,
            value: Value::Bool(true),
            unit: None,
            quality: Quality::Good,
            at,
            received_at: at,
            source_event: None,
            retained: false,
            is_test: false,
        }],
        source_event: None,
        is_test: false,
    }
}

#[test]
fn alert_is_written_as_the_contract_says() {
    expect![[r#"{"id":"00000000-0000-0000-0000-000000000007","revision":0,"phase":"raised","sequence":12,"boot_epoch":3,"kind":"smoke","severity":"P1","device":"zigbee2mqtt/厨房烟感","device_known":true,"site":"site-1","place":{"building":"3"},"raised_at":"2026-11-22T03:00:00.250Z","at":"2026-11-22T03:00:00.250Z","clock":"plausible","detected_by":{"by":"rule","rule":"smoke"},"reason":{"zh":"烟雾报警","en":"smoke alarm"},"evidence":[{"device":"zigbee2mqtt/厨房烟感","kind":"smoke","value":true,"quality":"good","at":"2026-11-22T03:00:00.250Z","received_at":"2026-11-22T03:00:00.250Z"}]}"#]]
    .assert_eq(&serde_json::to_string(&alert()).expect("serializable"));
}

#[test]
fn receipt_is_written_as_the_contract_says() {
    let receipt = Receipt {
        items: vec![
            ReceiptItem {
                sequence: 1,
                id: AlertId(Uuid::from_u128(1)),
                status: ReceiptStatus::Accepted,
            },
            ReceiptItem {
                sequence: 2,
                id: AlertId(Uuid::from_u128(2)),
                status: ReceiptStatus::Rejected {
                    reason: "site unknown".into(),
                },
            },
        ],
        readings: 4,
        gaps: 0,
        hub_time: Timestamp::from_unix_ms(0),
    };
    expect![[r#"{"items":[{"sequence":1,"id":"00000000-0000-0000-0000-000000000001","status":"accepted"},{"sequence":2,"id":"00000000-0000-0000-0000-000000000002","status":"rejected","reason":"site unknown"}],"readings":4,"gaps":0,"hub_time":"1970-01-01T00:00:00.000Z"}"#]]
    .assert_eq(&serde_json::to_string(&receipt).expect("serializable"));
    let back: Receipt =
        serde_json::from_str(&serde_json::to_string(&receipt).expect("serializable"))
            .expect("readable");
    assert_eq!(back, receipt);
}

#[test]
fn fields_and_kinds_of_a_newer_sender_are_read() {
    let mut json = serde_json::to_value(alert()).expect("serializable");
    json["colour"] = "red".into();
    json["kind"] = "radiation".into();
    let read: Alert = serde_json::from_value(json).expect("readable");
    assert_eq!(read.kind, Kind::Other);
}

#[test]
fn every_kind_has_one_name() {
    for kind in Kind::ALL {
        assert_eq!(Kind::from_name(kind.as_str()), Some(*kind));
        assert_eq!(
            serde_json::to_value(kind).expect("serializable"),
            serde_json::json!(kind.as_str())
        );
    }
}

#[test]
fn bad_ids_say_what_is_wrong() {
    let check = |text: &str| GatewayId::new(text).expect_err("refused").to_string();
    assert_eq!(check(""), "gateway id is empty");
    assert_eq!(
        check("gw 1"),
        "gateway id `gw 1` has the character ' '; allowed are letters, digits, `-`, `_` and `.`"
    );
    assert!(DeviceId::new("a\u{7}b").is_err());
    assert!(serde_json::from_str::<GatewayId>("\"a/b\"").is_err());
}

fn commissioning() -> CommissioningRecord {
    let at: Timestamp = "2026-11-22T03:00:00.250Z".parse().expect("a valid time");
    CommissioningRecord {
        version: WIRE_VERSION,
        id: CommissioningId(Uuid::from_u128(9)),
        gateway: Some(GatewayId::new("gw-1").expect("a valid id")),
        site: SiteId::new("site-1").expect("a valid id"),
        by: "张工".into(),
        agent_version: "0.1.0".into(),
        started_at: at,
        ended_at: at.plus_ms(60_000),
        clock: ClockQuality::Plausible,
        ended_because: WalkTestEnd::Asked,
        chosen: vec![],
        expect_all: true,
        tested: vec![WalkTestPress {
            device: DeviceId::new("zigbee2mqtt/厨房烟感").expect("a valid id"),
            place: Place::default(),
            kind: Kind::AlarmTest,
            alert: AlertId(Uuid::from_u128(7)),
            device_time: None,
            received_at: at,
            accepted_at: Some(at.plus_ms(120)),
            sensor_to_agent_ms: None,
            agent_to_hub_ms: Some(120),
            refused: None,
        }],
        presses_not_listed: 0,
        missing: vec![],
        missing_not_listed: 0,
        result: WalkTestResult::Passed,
    }
}

#[test]
fn commissioning_record_is_written_as_the_contract_says() {
    let json = serde_json::to_string(&commissioning()).expect("serializable");
    expect![[r#"{"version":1,"id":"00000000-0000-0000-0000-000000000009","gateway":"gw-1","site":"site-1","by":"张工","agent_version":"0.1.0","started_at":"2026-11-22T03:00:00.250Z","ended_at":"2026-11-22T03:01:00.250Z","clock":"plausible","ended_because":"asked","chosen":[],"expect_all":true,"tested":[{"device":"zigbee2mqtt/厨房烟感","place":{},"kind":"alarm_test","alert":"00000000-0000-0000-0000-000000000007","received_at":"2026-11-22T03:00:00.250Z","accepted_at":"2026-11-22T03:00:00.370Z","agent_to_hub_ms":120}],"missing":[],"result":"passed"}"#]].assert_eq(&json);
    let back: CommissioningRecord = serde_json::from_str(&json).expect("readable");
    assert_eq!(back, commissioning());
}

#[test]
fn result_of_a_walk_test_follows_from_what_it_lists() {
    let judged = |change: fn(&mut CommissioningRecord)| {
        let mut record = commissioning();
        change(&mut record);
        record.judged()
    };
    let missing = || WalkTestMissing {
        device: DeviceId::new("b").expect("a valid id"),
        place: Place::default(),
    };
    assert_eq!(judged(|_| {}), WalkTestResult::Passed);
    assert_eq!(
        judged(|r| r.tested[0].accepted_at = None),
        WalkTestResult::Failed
    );
    assert_eq!(judged(|r| r.tested.clear()), WalkTestResult::Incomplete);
    assert_eq!(
        judged(|r| r.ended_because = WalkTestEnd::Restart),
        WalkTestResult::Incomplete
    );
    let mut record = commissioning();
    record.missing = vec![missing()];
    assert_eq!(record.judged(), WalkTestResult::Incomplete);
    record.expect_all = false;
    assert_eq!(record.judged(), WalkTestResult::Passed);
    record.chosen = vec![missing().device];
    assert_eq!(record.judged(), WalkTestResult::Incomplete);
}

proptest! {
    #[test]
    fn timestamps_survive_the_wire(ms in any::<i64>()) {
        let at = Timestamp::from_unix_ms(ms);
        prop_assert_eq!(at.to_string().parse::<Timestamp>(), Ok(at));
    }

    #[test]
    fn finite_numbers_survive_the_wire(number in any::<f64>().prop_filter("finite", |n| n.is_finite())) {
        let json = serde_json::to_string(&Value::Number(number)).expect("serializable");
        prop_assert_eq!(serde_json::from_str::<Value>(&json).expect("readable"), Value::Number(number));
    }
}
