//! Alerts of other systems, in the shapes of PagerDuty and Alertmanager.

use std::collections::BTreeSet;

use hub::outside::keys::Kind;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use super::super::harness::Hub;
use super::{key, open, open_hub, plenty};

async fn event(hub: &Hub, body: &Value) -> Response {
    let request = hub.client.post(hub.url("/intake/pagerduty/v2/enqueue"));
    request.json(body).send().await.unwrap()
}

fn trigger(key: &str, dedup_key: &str) -> Value {
    json!({
        "routing_key": key, "event_action": "trigger", "dedup_key": dedup_key,
        "payload": {
            "summary": "pump 3 has stopped", "source": "scada-1", "severity": "error",
            "custom_details": { "site": "xinghe-garden", "category": "flooding", "building": "3", "load": 0.7 },
        },
    })
}

fn change(key: &str, dedup_key: &str, action: &str) -> Value {
    json!({ "routing_key": key, "event_action": action, "dedup_key": dedup_key })
}

async fn webhook(hub: &Hub, key: &str, alerts: &[Value]) -> Response {
    let body = json!({ "version": "4", "groupKey": "{}:{}", "status": "firing", "receiver": "gw", "alerts": alerts });
    let request = hub
        .client
        .post(hub.url("/intake/alertmanager"))
        .bearer_auth(key);
    request.json(&body).send().await.unwrap()
}

fn camera(fingerprint: &str, status: &str) -> Value {
    json!({
        "status": status, "fingerprint": fingerprint,
        "labels": { "alertname": "CameraDown", "team": "video", "severity": "warning", "instance": fingerprint },
        "annotations": { "summary": "no picture" },
        "startsAt": "2026-01-01T00:00:00Z",
        "endsAt": if status == "firing" { "0001-01-01T00:00:00Z" } else { "2026-01-01T01:00:00Z" },
    })
}

#[tokio::test]
async fn pagerduty_event_sent_twenty_times_is_one_alert_that_a_resolve_clears_and_never_closes() {
    let hub = open_hub().await;
    let key = plenty(&hub, "scada", Kind::Pagerduty).await;
    let body = trigger(&key, "pump-3");
    let sent = (0..20).map(|_| event(&hub, &body));
    for response in futures_util::future::join_all(sent).await {
        assert_eq!(response.status(), StatusCode::ACCEPTED);
        let answer: Value = response.json().await.unwrap();
        assert_eq!(
            (&answer["status"], &answer["dedup_key"]),
            (&json!("success"), &json!("pump-3"))
        );
    }
    let duty = hub.sign_in("duty").await;
    let cases = duty.cases().await;
    assert_eq!(cases.len(), 1);
    let case = &cases[0];
    assert_eq!(
        (&case["category"], &case["severity"]),
        (&json!("flooding"), &json!("P2"))
    );
    assert_eq!(
        (&case["alert_count"], &case["alerts_active"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(
        (&case["site"]["id"], &case["place"]["building"]),
        (&json!("xinghe-garden"), &json!("3"))
    );
    let id = case["id"].as_i64().unwrap();
    let whole = duty.get(&format!("/api/v1/cases/{id}")).await;
    let evidence = whole["alerts"][0]["alert"]["evidence"].to_string();
    assert!(
        evidence.contains("load=0.7") && evidence.contains("source=scada-1"),
        "{evidence}"
    );
    assert_eq!(
        whole["alerts"][0]["revisions"], 1,
        "repetitions are not stored"
    );

    assert_eq!(
        event(&hub, &change(&key, "pump-3", "acknowledge"))
            .await
            .status(),
        202
    );
    let noted = duty.get(&format!("/api/v1/cases/{id}")).await;
    assert!(
        noted.get("acknowledged_at").is_none(),
        "only people acknowledge"
    );
    let mut worse = body.clone();
    worse["payload"]["severity"] = json!("critical");
    assert_eq!(event(&hub, &worse).await.status(), 202);
    assert_eq!(duty.cases().await[0]["severity"], "P1");
    for _ in 0..3 {
        assert_eq!(
            event(&hub, &change(&key, "pump-3", "resolve"))
                .await
                .status(),
            202
        );
    }
    let cleared = duty.get(&format!("/api/v1/cases/{id}")).await;
    assert_eq!(
        (&cleared["state"], &cleared["alerts_active"]),
        (&json!("reported"), &json!(0))
    );
    assert_eq!(event(&hub, &body).await.status(), 202);
    let again = duty.cases().await;
    assert_eq!(
        (again.len(), &again[0]["alert_count"]),
        (1, &json!(2)),
        "it joins the open case"
    );
    assert_eq!(
        event(&hub, &change(&key, "unknown", "resolve"))
            .await
            .status(),
        202
    );
    assert_eq!(duty.cases().await.len(), 1);
}

#[tokio::test]
async fn pagerduty_refusals_tell_everything_in_their_own_form() {
    let hub = open_hub().await;
    let key = key(&hub.store, "scada", Kind::Pagerduty, None, 5).await;
    let response = event(
        &hub,
        &json!({ "routing_key": key, "event_action": "trigger", "payload": {} }),
    )
    .await;
    assert_eq!(response.status(), 400);
    let told: Value = response.json().await.unwrap();
    assert_eq!(
        (&told["status"], &told["message"]),
        (&json!("invalid event"), &json!("Event object is invalid"))
    );
    assert_eq!(told["errors"].as_array().unwrap().len(), 3, "{told}");
    let unknown = event(&hub, &trigger("guess", "k")).await;
    assert_eq!(unknown.status(), 400);
    let nothing = hub
        .client
        .post(hub.url("/intake/pagerduty/v2/enqueue"))
        .body("no")
        .send()
        .await
        .unwrap();
    assert_eq!(nothing.status(), 400);
    let big = hub
        .client
        .post(hub.url("/intake/pagerduty/v2/enqueue"))
        .body(vec![b'x'; 600 * 1024])
        .send()
        .await
        .unwrap();
    assert_eq!(big.status(), 413);
    let mut last = None;
    for n in 0..7 {
        last = Some(event(&hub, &trigger(&key, &format!("k{n}"))).await);
    }
    let last = last.unwrap();
    assert_eq!(last.status(), 429);
    assert!(last.headers().contains_key("retry-after"));
    let shut = Hub::start().await;
    assert_eq!(event(&shut, &trigger("x", "y")).await.status(), 404);
}

#[tokio::test]
async fn alertmanager_groups_shuffled_and_sent_again_make_one_case_for_each_alert() {
    const ALERTS: usize = 30;
    let seed: u64 = rand::rng().random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let hub = open_hub().await;
    let key = plenty(&hub, "prometheus", Kind::Alertmanager).await;
    // Every alert fires, is repeated, and two of three end; all of it is sent up to five times, in any order.
    let mut deliveries = Vec::new();
    for n in 0..ALERTS {
        let name = format!("cam-{n}");
        for _ in 0..random.random_range(1..=5) {
            deliveries.push(camera(&name, "firing"));
        }
        for _ in 0..if n % 3 == 0 {
            0
        } else {
            random.random_range(1..=5)
        } {
            deliveries.push(camera(&name, "resolved"));
        }
    }
    deliveries.shuffle(&mut random);
    let mut groups = Vec::new();
    let mut rest = &deliveries[..];
    while !rest.is_empty() {
        let (group, after) = rest.split_at(random.random_range(1..=rest.len().min(20)));
        groups.push(group);
        rest = after;
    }
    let sent = groups.iter().map(|group| webhook(&hub, &key, group));
    for response in futures_util::future::join_all(sent).await {
        assert_eq!(response.status(), StatusCode::OK);
    }
    let duty = hub.sign_in("duty").await;
    let cases = duty.cases().await;
    assert_eq!(cases.len(), ALERTS);
    let devices: BTreeSet<String> = cases
        .iter()
        .map(|case| case["devices"][0].to_string())
        .collect();
    assert_eq!(devices.len(), ALERTS);
    for case in &cases {
        assert_eq!(case["alert_count"], 1, "{case}");
        let n: usize = case["devices"][0]
            .as_str()
            .unwrap()
            .strip_prefix("cam-")
            .unwrap()
            .parse()
            .unwrap();
        assert_eq!(
            case["alerts_active"],
            i32::from(n.is_multiple_of(3)),
            "{case}"
        );
        assert_eq!(
            case["state"], "reported",
            "nothing from outside closes a case"
        );
    }
}

#[tokio::test]
async fn labels_find_site_and_category_by_rules_and_what_nobody_knows_is_taken_and_flagged() {
    let hub = Hub::start_with(|config| {
        open(config);
        let rules = "[[rules]]\nwhen = { alertname = \"Camera*\", team = \"video\" }\nsite = \"xinghe-market\"\ncategory = \"video_abnormal\"\nkind = \"video_loss\"\n";
        let rules: toml::Table = rules.parse().unwrap();
        config.outside.alertmanager.rules = rules["rules"].clone().try_into().unwrap();
    })
    .await;
    let key = plenty(&hub, "prometheus", Kind::Alertmanager).await;
    let mut stranger = camera("x-1", "firing");
    stranger["labels"] =
        json!({ "alertname": "Odd", "site": "far-away", "category": "no_such", "pod": "p-7" });
    let bad = json!({ "status": "firing", "labels": {} });
    let response = webhook(&hub, &key, &[camera("cam-1", "firing"), bad, stranger]).await;
    let answer: Value = response.json().await.unwrap();
    assert_eq!(
        (
            &answer["taken"],
            answer["refused"].as_array().unwrap().len()
        ),
        (&json!(2), 1),
        "{answer}"
    );
    let duty = hub.sign_in("duty").await;
    let cases = duty.cases().await;
    let of = |device: &str| {
        cases
            .iter()
            .find(|case| case["devices"][0] == device)
            .unwrap()
    };
    assert_eq!(
        (&of("cam-1")["category"], &of("cam-1")["site"]["id"]),
        (&json!("video_abnormal"), &json!("xinghe-market"))
    );
    let odd = of("x-1");
    assert_eq!(
        (&odd["category"], &odd["site"]["known"], &odd["site"]["id"]),
        (&json!("other"), &json!(false), &json!("far-away"))
    );
    let whole = duty.get(&format!("/api/v1/cases/{}", odd["id"])).await;
    let alert = &whole["alerts"][0]["alert"];
    assert_eq!(alert["device_known"], false);
    assert!(alert["evidence"].to_string().contains("pod=p-7"), "{alert}");
    let gateways = duty.get("/api/v1/gateways").await;
    assert!(
        !gateways.to_string().contains("outside."),
        "virtual gateways have no signs of life to show"
    );
}

#[tokio::test]
async fn alertmanager_without_a_right_key_or_body_gets_a_problem() {
    let hub = open_hub().await;
    let right = key(&hub.store, "prometheus", Kind::Alertmanager, None, 4).await;
    let pagerduty = plenty(&hub, "scada", Kind::Pagerduty).await;
    for wrong in ["", "guess", pagerduty.as_str()] {
        let response = webhook(&hub, wrong, &[]).await;
        assert_eq!(response.status(), 401);
        let problem: Value = response.json().await.unwrap();
        assert_eq!(problem["type"], "wrong-key");
    }
    let old = hub
        .client
        .post(hub.url("/intake/alertmanager"))
        .bearer_auth(&right)
        .json(&json!({ "version": "3", "alerts": [] }))
        .send()
        .await
        .unwrap();
    assert_eq!(old.status(), 400);
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(webhook(&hub, &right, &[]).await.status().as_u16());
    }
    assert_eq!(statuses[..3], [200, 200, 200]);
    assert!(statuses.contains(&429), "{statuses:?}");
}
