//! What gateways send.

use gridwatch_protocol::{GapRecord, Kind, Phase, ReceiptStatus, SiteId};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::harness::{Hub, alert, batch, eventually, heartbeat};

async fn problem(response: reqwest::Response, status: u16, kind: &str) {
    assert_eq!(response.status().as_u16(), status, "for {kind}");
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json"
    );
    let body: Value = response.json().await.unwrap();
    assert_eq!(
        (body["type"].as_str(), body["status"].as_u64()),
        (Some(kind), Some(status.into()))
    );
    assert!(
        body["detail"]
            .as_str()
            .is_some_and(|detail| !detail.is_empty())
    );
}

#[tokio::test]
async fn batch_delivered_many_times_at_once_is_one_case() {
    let hub = Hub::start().await;
    let sent = batch(vec![
        alert(1, "kitchen", Kind::Smoke),
        alert(2, "east-door", Kind::DoorForced),
    ]);
    let receipts = futures_util::future::join_all((0..20).map(|_| hub.send(&sent))).await;
    let accepted = receipts
        .iter()
        .flat_map(|r| &r.items)
        .filter(|i| i.status == ReceiptStatus::Accepted);
    assert_eq!(accepted.count(), 2, "each message is accepted exactly once");
    assert!(receipts.iter().all(|receipt| receipt.items.len() == 2));
    assert_eq!(hub.sign_in("duty").await.cases().await.len(), 2);
}

#[tokio::test]
async fn bad_item_is_rejected_alone_and_shown_as_a_fault() {
    let hub = Hub::start().await;
    let mut body = serde_json::to_value(batch(vec![
        alert(1, "kitchen", Kind::Smoke),
        alert(2, "hall", Kind::Smoke),
        alert(3, "east-door", Kind::DoorForced),
    ]))
    .unwrap();
    body["alerts"][1]["severity"] = json!("P9");
    body["alerts"][2]["a_field_of_a_newer_agent"] = json!({ "x": 1 });
    let response = hub
        .post_gateway("/v1/batches", body.to_string().into_bytes())
        .await;
    let receipt: Value = response.json().await.unwrap();
    let told: Vec<_> = receipt["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|i| {
            (
                i["sequence"].as_u64().unwrap(),
                i["status"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(told, [(1, "accepted"), (2, "rejected"), (3, "accepted")]);
    assert!(
        receipt["items"][1]["reason"]
            .as_str()
            .unwrap()
            .contains("P9"),
        "{receipt}"
    );
    let duty = hub.sign_in("duty").await;
    assert_eq!(duty.cases().await.len(), 2);
    let gateways = duty.get("/api/v1/gateways").await;
    assert_eq!(
        gateways["items"][0]["faults"][0]["code"],
        "messages_refused"
    );
    let answer = hub.heartbeat(&heartbeat(1, 1, 3)).await;
    assert_eq!(
        answer["contiguous_through"], 3,
        "a refused message has arrived too"
    );
}

#[tokio::test]
async fn wrong_keys_versions_and_bodies_get_problems_and_store_nothing() {
    let hub = Hub::start().await;
    let good = serde_json::to_vec(&batch(vec![alert(1, "kitchen", Kind::Smoke)])).unwrap();
    let url = hub.url("/v1/batches");
    let bare = hub
        .client
        .post(&url)
        .body(good.clone())
        .send()
        .await
        .unwrap();
    problem(bare, 401, "wrong-key").await;
    let wrong = hub
        .client
        .post(&url)
        .bearer_auth("no")
        .body(good.clone())
        .send()
        .await
        .unwrap();
    problem(wrong, 401, "wrong-key").await;

    let changed = |change: fn(&mut Value)| {
        let mut body: Value = serde_json::from_slice(&good).unwrap();
        change(&mut body);
        hub.post_gateway("/v1/batches", body.to_string().into_bytes())
    };
    problem(
        changed(|b| b["gateway"] = json!("gw-2")).await,
        403,
        "other-gateway",
    )
    .await;
    problem(
        changed(|b| b["version"] = json!(2)).await,
        400,
        "unsupported-version",
    )
    .await;
    problem(
        changed(|b| b["stream"] = json!("x")).await,
        400,
        "malformed-body",
    )
    .await;
    problem(
        changed(|b| b["alerts"] = json!(7)).await,
        400,
        "malformed-body",
    )
    .await;
    let one = serde_json::to_value(alert(1, "kitchen", Kind::Smoke)).unwrap();
    let mut many: Value = serde_json::from_slice(&good).unwrap();
    many["alerts"] = Value::Array(vec![one; 257]);
    let many = hub
        .post_gateway("/v1/batches", many.to_string().into_bytes())
        .await;
    problem(many, 413, "body-too-large").await;
    assert!(hub.sign_in("duty").await.cases().await.is_empty());
}

#[tokio::test]
async fn garbage_of_any_kind_is_refused_and_the_hub_goes_on() {
    let hub = Hub::start().await;
    let noise: Vec<u8> = (0..1u32 << 20)
        .map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3])
        .collect();
    let deep = "[".repeat(1 << 20).into_bytes();
    let cut = serde_json::to_vec(&batch(vec![alert(1, "kitchen", Kind::Smoke)])).unwrap();
    for body in [
        noise,
        deep,
        vec![b'"'; 1 << 20],
        cut[..cut.len() / 2].to_vec(),
        vec![],
        b"{\"version\":1}".to_vec(),
        b"null".to_vec(),
    ] {
        for path in ["/v1/batches", "/v1/heartbeats"] {
            problem(
                hub.post_gateway(path, body.clone()).await,
                400,
                "malformed-body",
            )
            .await;
        }
    }
    let large = vec![b' '; gridwatch_protocol::BATCH_BYTES_MAX + 1];
    problem(
        hub.post_gateway("/v1/batches", large).await,
        413,
        "body-too-large",
    )
    .await;
    let receipt = hub
        .send(&batch(vec![alert(1, "kitchen", Kind::Smoke)]))
        .await;
    assert_eq!(receipt.items[0].status, ReceiptStatus::Accepted);
}

#[tokio::test]
async fn revoked_key_is_refused_at_once() {
    let hub = Hub::start().await;
    hub.heartbeat(&heartbeat(1, 1, 0)).await;
    let (_, mut writer) = hub::store::open(&hub.store)
        .await
        .unwrap();
    let id = gridwatch_protocol::GatewayId::new("gw-1").unwrap();
    assert!(writer.revoke_gateway(&id, hub::now()).await.unwrap());
    let body = serde_json::to_vec(&heartbeat(1, 2, 0)).unwrap();
    problem(
        hub.post_gateway("/v1/heartbeats", body).await,
        401,
        "wrong-key",
    )
    .await;
}

#[tokio::test]
async fn alert_of_an_unknown_site_is_kept_shown_and_flagged() {
    let hub = Hub::start().await;
    let mut stray = alert(1, "kitchen", Kind::Smoke);
    stray.site = SiteId::new("nowhere").unwrap();
    stray.device_known = false;
    hub.send(&batch(vec![stray])).await;
    let case = hub.sign_in("duty").await.cases().await.remove(0);
    assert_eq!(case["site"]["known"], false);
    assert_eq!(case["site"]["name"]["zh"], "nowhere");
    assert_eq!(case["area_path"], json!([]));
}

#[tokio::test]
async fn missing_messages_are_named_until_they_arrive() {
    let hub = Hub::start().await;
    hub.send(&batch(vec![
        alert(5, "a", Kind::Smoke),
        alert(1, "b", Kind::Smoke),
    ]))
    .await;
    let answer = hub.heartbeat(&heartbeat(1, 1, 7)).await;
    assert_eq!(
        (&answer["contiguous_through"], &answer["missing"]),
        (&json!(1), &json!([[2, 4], [6, 7]]))
    );
    let rest = [2, 3, 4, 6, 7].map(|n| alert(n, &format!("d{n}"), Kind::DoorForced));
    hub.send(&batch(rest.to_vec())).await;
    let answer = hub.heartbeat(&heartbeat(1, 2, 7)).await;
    assert_eq!(
        (&answer["contiguous_through"], &answer["missing"]),
        (&json!(7), &json!([]))
    );
}

#[tokio::test]
async fn late_heartbeat_changes_nothing_and_a_copied_disk_is_a_fault() {
    let hub = Hub::start().await;
    let duty = hub.sign_in("duty").await;
    let mut late = heartbeat(3, 1, 0);
    let mut newest = heartbeat(3, 2, 0);
    newest.at = late.at.plus_ms(20_000);
    newest.backlog_alerts = 9;
    hub.heartbeat(&newest).await;
    hub.heartbeat(&late).await;
    let gateway = async || duty.get("/api/v1/gateways").await["items"][0].clone();
    assert_eq!(gateway().await["backlog_alerts"], 9);
    assert_eq!(gateway().await["faults"], json!([]));
    late.boot_epoch = 2;
    late.at = newest.at.plus_ms(20_000);
    hub.heartbeat(&late).await;
    let faults = gateway().await["faults"].clone();
    assert_eq!(faults[0]["code"], "outbox_copied_or_set_back", "{faults}");
}

#[tokio::test]
async fn sequence_number_used_twice_is_a_fault_and_both_alerts_are_kept() {
    let hub = Hub::start().await;
    hub.heartbeat(&heartbeat(1, 1, 1)).await;
    hub.send(&batch(vec![alert(1, "a", Kind::DoorForced)]))
        .await;
    hub.send(&batch(vec![alert(1, "b", Kind::DoorForced)]))
        .await;
    let duty = hub.sign_in("duty").await;
    assert_eq!(duty.cases().await.len(), 2);
    let gateways = duty.get("/api/v1/gateways").await;
    assert_eq!(
        gateways["items"][0]["faults"][0]["code"],
        "outbox_copied_or_set_back"
    );
}

#[tokio::test]
async fn updates_and_clearing_reach_the_case_and_gaps_are_taken_once() {
    let hub = Hub::start().await;
    let raised = alert(1, "kitchen", Kind::Smoke);
    let mut cleared = raised.clone();
    (cleared.revision, cleared.phase, cleared.sequence) = (1, Phase::Cleared, Some(2));
    let mut sent = batch(vec![raised, cleared]);
    sent.gaps.push(GapRecord {
        id: 1,
        class: "readings".into(),
        count: 10,
        from: hub::now(),
        to: hub::now(),
        reason: "disk budget".into(),
    });
    assert_eq!(hub.send(&sent).await.gaps, 1);
    hub.send(&sent).await;
    let duty = hub.sign_in("duty").await;
    let case = duty.get("/api/v1/cases/1").await;
    assert_eq!(
        (case["state"].as_str(), case["alerts_active"].as_u64()),
        (Some("reported"), Some(0))
    );
    assert_eq!(case["alerts"][0]["revisions"], 2);
    assert!(case["alerts"][0]["cleared_at"].is_string());
    let actions: Vec<_> = case["transitions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t["action"].as_str().unwrap())
        .collect();
    assert_eq!(actions, ["report", "clear"]);
}

#[tokio::test]
async fn hub_that_is_overloaded_says_come_again_and_loses_nothing() {
    let hub = Hub::start_with(|config| config.limits.intake_queue = 1).await;
    let sends = (1..=60).map(|n| {
        let sent = batch(vec![alert(n, &format!("door-{n}"), Kind::DoorForced)]);
        let hub = &hub;
        async move {
            eventually("the batch is accepted", || async {
                let body = serde_json::to_vec(&sent).unwrap();
                let response = hub.post_gateway("/v1/batches", body).await;
                match response.status() {
                    StatusCode::OK => Some(false),
                    StatusCode::SERVICE_UNAVAILABLE => {
                        assert!(response.headers().contains_key("retry-after"));
                        None
                    }
                    other => panic!("{other}"),
                }
            })
            .await
        }
    });
    futures_util::future::join_all(sends).await;
    assert_eq!(hub.sign_in("duty").await.cases().await.len(), 60);
}
