//! The hub killed with SIGKILL in the middle of a burst: what is sent again makes no second case.

use std::collections::BTreeSet;
use std::time::Duration;

use hub::outside::keys::Kind;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use reqwest::Client;
use serde_json::json;
use sqlx::Row;

use super::super::harness::{around, client_builder, populate, write_files};
use super::super::process::start;
use super::key;

const CONFIG: &str = "listen = \"127.0.0.1:0\"\ntls = false\n[outside.pagerduty]\nenabled = true\n";

/// Sends every key that is not yet accepted until it is, or until the hub is gone.
async fn deliver(client: &Client, url: &str, routing_key: &str, open: &mut BTreeSet<String>) {
    for dedup_key in open.clone() {
        let body = json!({
            "routing_key": routing_key, "event_action": "trigger", "dedup_key": dedup_key,
            "payload": { "summary": "s", "source": "s", "severity": "warning" },
        });
        let Ok(response) = client.post(url).json(&body).send().await else {
            return;
        };
        if response.status() == 202 {
            open.remove(&dedup_key);
        }
    }
}

#[tokio::test]
async fn burst_cut_by_kills_and_sent_again_is_exactly_one_case_for_each_key() {
    const KEYS: usize = 120;
    const KILLS: u32 = 6;
    let seed: u64 = rand::rng().random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let dir = tempfile::tempdir().unwrap();
    let path = write_files(dir.path(), CONFIG);
    let config = hub::config::load(&path).unwrap().config;
    populate(&config).await;
    let store = config.store_url().unwrap();
    let routing_key = key(&store, "scada", Kind::Pagerduty, None, 1_000_000).await;
    let client = client_builder()
        .timeout(Duration::from_secs(10))
        .build()
        .unwrap();
    let mut open: BTreeSet<String> = (0..KEYS).map(|n| format!("k-{n}")).collect();
    for _ in 0..KILLS {
        let mut hub = start(&path);
        let url = format!("http://{}/intake/pagerduty/v2/enqueue", hub.address);
        let life = Duration::from_millis(random.random_range(1..150));
        // Whatever the delivery was doing at that moment is cut.
        drop(tokio::time::timeout(life, deliver(&client, &url, &routing_key, &mut open)).await);
        hub.child.kill().unwrap();
        hub.child.wait().unwrap();
    }
    println!("{} of {KEYS} were left after {KILLS} kills", open.len());
    let hub = start(&path);
    let url = format!("http://{}/intake/pagerduty/v2/enqueue", hub.address);
    deliver(&client, &url, &routing_key, &mut open).await;
    assert!(open.is_empty());
    // All of them once more: whoever was not told sends again.
    let mut again: BTreeSet<String> = (0..KEYS).map(|n| format!("k-{n}")).collect();
    deliver(&client, &url, &routing_key, &mut again).await;
    assert!(again.is_empty());
    drop(hub);
    let mut hand = around(&store).await;
    let rows = sqlx::query("SELECT case_id, COUNT(*) FROM alerts GROUP BY case_id")
        .fetch_all(&mut hand)
        .await
        .unwrap();
    assert_eq!(rows.len(), KEYS, "one case for each key");
    assert!(
        rows.iter().all(|row| row.get::<i64, _>(1) == 1),
        "one alert in each"
    );
}
