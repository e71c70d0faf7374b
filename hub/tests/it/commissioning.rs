//! Walk tests: test alerts that page nobody, their records, and profiles made from what nobody understood.

use gridwatch_protocol::{
    Alert, ClockQuality, CommissioningId, CommissioningRecord, GatewayId, Kind, Place,
    QuarantineSample, Severity, SiteId, WIRE_VERSION, WalkTestEnd, WalkTestMissing, WalkTestPress,
    WalkTestResult,
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::harness::{Hub, alert, batch, heartbeat};

fn test_alert(sequence: u64, device: &str) -> Alert {
    let mut one = alert(sequence, device, Kind::Smoke);
    (one.is_test, one.severity) = (true, Severity::P4);
    one
}

fn record(of: &Alert) -> CommissioningRecord {
    let now = hub::now();
    CommissioningRecord {
        version: WIRE_VERSION,
        id: CommissioningId(Uuid::now_v7()),
        gateway: Some(GatewayId::new("gw-1").unwrap()),
        site: SiteId::new("xinghe-garden").unwrap(),
        by: "张工".into(),
        agent_version: "0.1.0".into(),
        started_at: now,
        ended_at: now.plus_ms(60_000),
        clock: ClockQuality::Plausible,
        ended_because: WalkTestEnd::Asked,
        chosen: vec![],
        expect_all: true,
        tested: vec![WalkTestPress {
            device: of.device.clone(),
            place: Place::default(),
            kind: of.kind,
            alert: of.id,
            device_time: None,
            received_at: now,
            accepted_at: Some(now.plus_ms(120)),
            sensor_to_agent_ms: None,
            agent_to_hub_ms: Some(120),
            refused: None,
        }],
        presses_not_listed: 0,
        missing: vec![WalkTestMissing {
            device: "hall".parse().unwrap(),
            place: Place::default(),
        }],
        missing_not_listed: 0,
        result: WalkTestResult::Incomplete,
    }
}

async fn post(hub: &Hub, record: &CommissioningRecord) -> (StatusCode, Value) {
    let body = serde_json::to_vec(record).unwrap();
    let response = hub.post_gateway("/v1/commissionings", body).await;
    (response.status(), response.json().await.unwrap())
}

#[tokio::test]
async fn test_alert_is_stored_and_counts_for_no_officer() {
    let hub = Hub::start().await;
    hub.send(&batch(vec![
        test_alert(1, "kitchen"),
        test_alert(2, "hall"),
    ]))
    .await;
    let duty = hub.sign_in("duty").await;
    let none = json!({ "P1": 0, "P2": 0, "P3": 0, "P4": 0 });
    for state in ["open", "all"] {
        let page = duty.get(&format!("/api/v1/cases?state={state}")).await;
        assert_eq!(page["items"], json!([]), "{state}");
        assert_eq!(page["total_open"], none, "{state}");
    }
    let load = duty.get("/api/v1/statistics/load").await;
    assert_eq!(load["officer_last_hour"], 0);
    assert_eq!(load["oldest_unacknowledged_ms"], Value::Null);
    let drills = duty.get("/api/v1/cases?drills=only").await;
    assert!(
        drills["items"]
            .as_array()
            .unwrap()
            .iter()
            .all(|case| case["is_drill"] == true),
        "{drills}"
    );
    let shown = duty.get("/api/v1/gateways/gw-1/commissionings").await;
    let devices: Vec<_> = shown["test_alerts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|test| test["device"].as_str().unwrap())
        .collect();
    assert_eq!(devices.len(), 2, "{shown}");
    assert!(devices.contains(&"kitchen") && devices.contains(&"hall"));
    let wrong = duty
        .request(Method::GET, "/api/v1/cases?drills=maybe")
        .send()
        .await
        .unwrap();
    assert_eq!(wrong.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn real_alarm_of_a_tested_device_opens_a_real_case_while_its_test_is_still_open() {
    let hub = Hub::start().await;
    hub.send(&batch(vec![test_alert(1, "kitchen")])).await;
    hub.send(&batch(vec![alert(2, "kitchen", Kind::Smoke)]))
        .await;
    let duty = hub.sign_in("duty").await;
    let page = duty.get("/api/v1/cases").await;
    assert_eq!(page["items"].as_array().unwrap().len(), 1, "{page}");
    let case = &page["items"][0];
    assert_eq!(
        (&case["is_drill"], &case["severity"], &case["state"]),
        (&json!(false), &json!("P1"), &json!("reported"))
    );
    assert_eq!(page["total_open"]["P1"], 1);
    // And a further test joins the drill, never the real case.
    hub.send(&batch(vec![test_alert(3, "kitchen")])).await;
    let whole = duty.get(&format!("/api/v1/cases/{}", case["id"])).await;
    assert_eq!(whole["alert_count"], 1);
}

#[tokio::test]
async fn test_alert_that_says_it_is_real_is_swallowed_by_no_drill() {
    let hub = Hub::start().await;
    let test = test_alert(1, "kitchen");
    hub.send(&batch(vec![test.clone()])).await;
    let mut real = test;
    (real.revision, real.sequence) = (1, Some(2));
    (real.is_test, real.severity) = (false, Severity::P1);
    real.phase = gridwatch_protocol::Phase::Updated;
    hub.send(&batch(vec![real])).await;
    let page = hub.sign_in("duty").await.get("/api/v1/cases").await;
    assert_eq!(page["items"][0]["severity"], "P1", "{page}");
    assert_eq!(page["total_open"]["P1"], 1);
}

#[tokio::test]
async fn record_sent_many_times_is_stored_once_and_shown() {
    let hub = Hub::start().await;
    let test = test_alert(1, "kitchen");
    hub.send(&batch(vec![test.clone()])).await;
    let record = record(&test);
    let (status, answer) = post(&hub, &record).await;
    assert_eq!(
        (status, &answer["status"]),
        (StatusCode::OK, &json!("accepted"))
    );
    let (status, answer) = post(&hub, &record).await;
    assert_eq!(
        (status, &answer["status"]),
        (StatusCode::OK, &json!("duplicate"))
    );
    assert_eq!(answer["id"], json!(record.id));
    let duty = hub.sign_in("duty").await;
    let shown = duty.get("/api/v1/gateways/gw-1/commissionings").await;
    let items = shown["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "{shown}");
    assert_eq!(items[0]["by"], "张工");
    assert_eq!(items[0]["result"], "incomplete");
    assert_eq!(items[0]["tested"][0]["agent_to_hub_ms"], 120);
    assert_eq!(items[0]["missing"][0]["device"], "hall");
    assert!(items[0]["arrived_at"].is_string());
    assert_eq!(
        shown["test_alerts"][0]["id"],
        items[0]["tested"][0]["alert"]
    );
    let other = duty.get("/api/v1/gateways/gw-2/commissionings").await;
    assert_eq!(other, json!({ "items": [], "next": null, "test_alerts": [] }));
}

#[tokio::test]
async fn record_of_another_gateway_or_of_too_many_lines_is_refused() {
    let hub = Hub::start().await;
    let good = record(&test_alert(1, "kitchen"));
    let mut other = good.clone();
    other.gateway = Some(GatewayId::new("gw-2").unwrap());
    let (status, answer) = post(&hub, &other).await;
    assert_eq!(
        (status, &answer["type"]),
        (StatusCode::FORBIDDEN, &json!("other-gateway"))
    );
    let mut long = good.clone();
    long.tested = vec![good.tested[0].clone(); 2_001];
    let (status, _) = post(&hub, &long).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    let mut newer = good;
    newer.version = 2;
    let (status, answer) = post(&hub, &newer).await;
    assert_eq!(
        (status, &answer["type"]),
        (StatusCode::BAD_REQUEST, &json!("unsupported-version"))
    );
    let nothing = hub.post_gateway("/v1/commissionings", b"{}".to_vec()).await;
    assert_eq!(nothing.status(), StatusCode::BAD_REQUEST);
    let bare = hub
        .client
        .post(hub.url("/v1/commissionings"))
        .body("{}")
        .send()
        .await
        .unwrap();
    assert_eq!(bare.status(), StatusCode::UNAUTHORIZED);
    let duty = hub.sign_in("duty").await;
    let shown = duty.get("/api/v1/gateways/gw-1/commissionings").await;
    assert_eq!(shown["items"], json!([]));
}

#[tokio::test]
async fn sample_that_nobody_understood_becomes_a_profile_to_begin_with() {
    let hub = Hub::start().await;
    let sample = |source: &str, sample: &str| QuarantineSample {
        source: source.into(),
        reason: "no profile reads it".into(),
        sample: sample.into(),
        count: 3,
        last_seen: hub::now(),
    };
    let mut beat = heartbeat(1, 1, 0);
    let cut = format!("{{\"text\":\"{}", "a".repeat(503));
    beat.quarantine = vec![
        sample("yard/pump 7/状态", r#"{"level_m":1.25,"alarm":false}"#),
        sample("yard/long", &cut),
    ];
    hub.heartbeat(&beat).await;
    let duty = hub.sign_in("duty").await;
    let ask = async |source: &str| {
        let encoded: String = source.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let path = format!("/api/v1/gateways/gw-1/quarantine/profile?source={encoded}");
        let response = duty.request(Method::GET, &path).send().await.unwrap();
        (response.status(), response.json::<Value>().await.unwrap())
    };
    let (status, profile) = ask("yard/pump 7/状态").await;
    assert_eq!(status, StatusCode::OK, "{profile}");
    assert_eq!(profile["file"], "yard-pump-7.toml");
    let toml: toml::Table = profile["toml"].as_str().unwrap().parse().expect("TOML");
    assert_eq!(toml["schema"].as_integer(), Some(1));
    assert!(profile["toml"].as_str().unwrap().contains("level_m"));
    let (status, problem) = ask("yard/long").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("only the beginning"),
        "{problem}"
    );
    assert_eq!(ask("never/heard").await.0, StatusCode::NOT_FOUND);
}
