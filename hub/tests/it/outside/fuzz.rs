//! No body makes the hub answer 5xx or stop.

use hub::outside::keys::Kind;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use super::super::harness::Officer;
use super::{form, leak, open_hub, plenty, with};

/// Bodies sent to each door.
const BODIES: usize = 150;

fn odd(random: &mut StdRng) -> Value {
    match random.random_range(0..14) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(-1),
        3 => json!(1e308),
        4 => json!(u64::MAX),
        5 => json!(""),
        6 => json!("\u{0}\u{7}\u{202e}\u{fffe}"),
        7 => json!("x".repeat(5_000)),
        8 => json!([]),
        9 => json!({}),
        10 => json!([[["deep"]]]),
        11 => json!({ "a": { "b": null } }),
        12 => json!("0001-01-01T00:00:00Z"),
        _ => json!("<&>'\"]]>"),
    }
}

/// Changes one value somewhere in it, or takes one away.
fn spoil(value: &mut Value, random: &mut StdRng) {
    match value {
        Value::Object(map) if !map.is_empty() && random.random_bool(0.85) => {
            let at = random.random_range(0..map.len());
            let name = map.keys().nth(at).unwrap().clone();
            if random.random_bool(0.1) {
                map.remove(&name);
            } else {
                spoil(&mut map[&name], random);
            }
        }
        Value::Array(list) if !list.is_empty() && random.random_bool(0.85) => {
            let at = random.random_range(0..list.len());
            spoil(&mut list[at], random);
        }
        other => *other = odd(random),
    }
}

fn spoiled(good: &Value, random: &mut StdRng) -> Vec<u8> {
    let mut value = good.clone();
    for _ in 0..random.random_range(1..4) {
        spoil(&mut value, random);
    }
    let mut bytes = value.to_string().into_bytes();
    if random.random_bool(0.15) && !bytes.is_empty() {
        let at = random.random_range(0..bytes.len());
        bytes[at] = random.random();
    }
    bytes
}

fn report() -> Value {
    with(
        leak(),
        json!({
            "area": null, "position": { "lat": 23.0, "lon": 113.0, "system": "gcj02" },
            "place": { "building": "3" }, "address": "x", "is_drill": false, "on_nearby": "open", "source": "phone",
            "photos": [{ "sha256": "ab".repeat(32), "name": "x", "at": "2026-01-01T00:00:00Z" }],
            "reporter": { "name": "x", "phone": "13800001234", "email": "a@b.example", "language": "zh", "account": "1" },
        }),
    )
}

async fn post(officer: &Officer, path: &str, body: Vec<u8>) -> u16 {
    let request = officer.request(reqwest::Method::POST, path);
    let request = request
        .header("content-type", "application/json")
        .body(body);
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn no_body_makes_the_hub_fail() {
    let seed: u64 = rand::rng().random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let hub = open_hub().await;
    let scada = plenty(&hub, "scada", Kind::Pagerduty).await;
    let prometheus = plenty(&hub, "prometheus", Kind::Alertmanager).await;
    let hotline = plenty(&hub, "hotline", Kind::Open311).await;
    let duty = hub.sign_in("duty").await;
    let event = json!({
        "routing_key": scada, "event_action": "trigger", "dedup_key": "k", "client": "c", "client_url": "u",
        "payload": { "summary": "s", "source": "s", "severity": "error", "timestamp": "2026-01-01T00:00:00Z", "component": "c", "class": "x", "group": "g", "custom_details": { "site": "xinghe-garden", "kind": "smoke", "floor": 7 } },
    });
    let webhook = json!({
        "version": "4", "groupKey": "g", "truncatedAlerts": 0,
        "alerts": [{ "status": "firing", "fingerprint": "f", "labels": { "alertname": "a", "severity": "critical", "site": "x" }, "annotations": { "summary": "s" }, "startsAt": "2026-01-01T00:00:00Z", "endsAt": "2026-01-01T00:00:00Z", "generatorURL": "g" }],
    });
    let mut seen = std::collections::BTreeMap::<(&str, u16), usize>::new();
    for _ in 0..BODIES {
        let body = spoiled(&report(), &mut random);
        let status = post(&duty, "/api/v1/cases", body.clone()).await;
        *seen.entry(("report", status)).or_default() += 1;
        let status = post(&duty, "/api/v1/cases/1/reports", body).await;
        *seen.entry(("join", status)).or_default() += 1;
        let url = hub.url("/intake/pagerduty/v2/enqueue");
        let sent = hub
            .client
            .post(url)
            .body(spoiled(&event, &mut random))
            .send()
            .await
            .unwrap();
        *seen
            .entry(("pagerduty", sent.status().as_u16()))
            .or_default() += 1;
        let url = hub.url("/intake/alertmanager");
        let sent = hub
            .client
            .post(url)
            .bearer_auth(&prometheus)
            .body(spoiled(&webhook, &mut random))
            .send()
            .await
            .unwrap();
        *seen
            .entry(("alertmanager", sent.status().as_u16()))
            .or_default() += 1;
        let status = open311(&hub, &hotline, &mut random).await;
        *seen.entry(("open311", status)).or_default() += 1;
    }
    println!("{seen:?}");
    let failed: Vec<_> = seen
        .iter()
        .filter(|((_, status), _)| *status >= 500)
        .collect();
    assert!(failed.is_empty(), "{failed:?}");
    for (door, good) in [
        ("report", 201),
        ("join", 201),
        ("pagerduty", 202),
        ("alertmanager", 200),
        ("open311", 200),
    ] {
        assert!(
            seen.contains_key(&(door, good)),
            "{door} took none of its bodies: {seen:?}"
        );
    }
    assert_eq!(
        post(&duty, "/api/v1/cases", leak().to_string().into_bytes()).await,
        201,
        "it goes on"
    );
}

async fn open311(hub: &super::Hub, key: &str, random: &mut StdRng) -> u16 {
    let good = [
        ("api_key", key),
        ("service_code", "water_leak"),
        ("lat", "23.0"),
        ("long", "113.0"),
        ("address_id", "xinghe-garden"),
        ("email", "a@b.example"),
        ("attribute[room]", "hall"),
        ("media_url", "https://x/y"),
        ("description", "d"),
    ];
    let strange = odd(random).to_string();
    let at = random.random_range(0..good.len() * 2);
    let pairs: Vec<(&str, &str)> = good
        .iter()
        .enumerate()
        .map(|(place, (name, value))| {
            (
                *name,
                if place == at {
                    strange.as_str()
                } else {
                    *value
                },
            )
        })
        .collect();
    let mut body = form(&pairs).into_bytes();
    if random.random_bool(0.2) {
        let at = random.random_range(0..body.len());
        body[at] = random.random();
    }
    let ending = if random.random_bool(0.5) {
        "xml"
    } else {
        "json"
    };
    let request = hub
        .client
        .post(hub.url(&format!("/open311/v2/requests.{ending}")));
    let request = request
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body);
    request.send().await.unwrap().status().as_u16()
}
