//! Deliveries of alerts again and again, in any order, and what the store holds afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use futures_util::StreamExt;
use gridwatch_protocol::{Alert, Kind, ReceiptStatus};
use hub::access::Scope;
use hub::store::StoreUrl;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use reqwest::{Client, StatusCode};
use tempfile::TempDir;

use super::STORE;
use super::harness::{
    PLAIN, alert, batch, client_builder, eventually, populate, write_files, write_files_for,
};
use super::process;
use crate::Kind as StoreKind;

/// Deliveries of batches under way at once.
const AT_ONCE: usize = 8;

/// Sends a batch until a hub takes it; tells how many messages it was the first to bring.
pub(crate) async fn deliver(
    client: &Client,
    at: SocketAddr,
    key: &str,
    alerts: Vec<Alert>,
) -> usize {
    let body = serde_json::to_vec(&batch(alerts)).unwrap();
    eventually("the batch is taken", || async {
        let sent = client
            .post(format!("http://{at}/v1/batches"))
            .bearer_auth(key)
            .body(body.clone())
            .send()
            .await
            .ok()?;
        if sent.status() == StatusCode::SERVICE_UNAVAILABLE {
            return None;
        }
        assert_eq!(sent.status(), StatusCode::OK);
        let receipt: gridwatch_protocol::Receipt = sent.json().await.unwrap();
        let accepted = receipt.items.iter().filter(|item| {
            assert!(
                !matches!(item.status, ReceiptStatus::Rejected { .. }),
                "{item:?}"
            );
            item.status == ReceiptStatus::Accepted
        });
        Some(accepted.count())
    })
    .await
}

/// Every alert is in exactly one case, cases and events are numbered without gaps.
pub(crate) async fn check_store(url: &StoreUrl, alerts: &[Alert]) {
    let (store, _writer) = hub::store::open(url).await.unwrap();
    let mut stored = BTreeMap::new();
    let due = i64::try_from(alerts.len()).unwrap();
    for case in 1..=due {
        for record in store.alerts_of(case, 10).await.unwrap() {
            assert_eq!(stored.insert(record.alert.id, case), None, "in two cases");
        }
    }
    let expected: BTreeSet<_> = alerts.iter().map(|alert| alert.id).collect();
    assert_eq!(stored.keys().copied().collect::<BTreeSet<_>>(), expected);
    assert_eq!(stored.values().collect::<BTreeSet<_>>().len(), alerts.len());
    assert!(
        store
            .case(due + 1, &Scope::whole())
            .await
            .unwrap()
            .is_none(),
        "a case too many"
    );
    let events = store
        .events_between(0, i64::MAX, 1_000_000, &Scope::whole())
        .await
        .unwrap();
    let numbers: Vec<i64> = events.iter().map(|event| event.seq).collect();
    let last = i64::try_from(numbers.len()).unwrap();
    assert!(numbers.into_iter().eq(1..=last), "events have gaps");
}

/// One hub process on SQLite and two on PostgreSQL, over two connections; `GRIDWATCH_RACE_ALERTS=10000` asks for
/// more alerts than every run takes.
#[tokio::test]
async fn shuffled_deliveries_over_two_connections_make_one_case_for_each_alert() {
    let count = std::env::var("GRIDWATCH_RACE_ALERTS")
        .map_or(300, |text| text.parse::<u64>().expect("a number"));
    let seed = rand::rng().random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let (here, there) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let path = write_files(here.path(), PLAIN);
    let config = hub::config::load(&path).unwrap().config;
    let key = populate(&config).await;
    let mut hubs = vec![process::start(&path)];
    if STORE == StoreKind::Postgres {
        hubs.push(process::start(&write_files_for(
            there.path(),
            PLAIN,
            &config.store.url,
        )));
    }
    let clients = [(); 2].map(|()| client_builder().build().unwrap());

    let alerts: Vec<Alert> = (1..=count)
        .map(|n| alert(n, &format!("door-{n}"), Kind::DoorForced))
        .collect();
    let mut deliveries: Vec<Alert> = Vec::new();
    for alert in &alerts {
        deliveries.extend(vec![alert.clone(); random.random_range(1..=20)]);
    }
    deliveries.shuffle(&mut random);
    let batches: Vec<_> = deliveries
        .chunks(if count > 1_000 { 100 } else { 10 })
        .map(|part| {
            let (hub, client) = (
                random.random_range(0..hubs.len()),
                random.random_range(0..2),
            );
            (hubs[hub].address, client, part.to_vec())
        })
        .collect();
    let started = std::time::Instant::now();
    let accepted: usize = futures_util::stream::iter(batches)
        .map(|(address, client, part)| deliver(&clients[client], address, &key, part))
        .buffer_unordered(AT_ONCE)
        .fold(0, |sum, n| async move { sum + n })
        .await;
    println!(
        "{count} alerts in {} deliveries to {} hub(s): {accepted} accepted in {:.1} s",
        deliveries.len(),
        hubs.len(),
        started.elapsed().as_secs_f64()
    );
    assert_eq!(
        accepted,
        alerts.len(),
        "each message is accepted once in all"
    );
    drop(hubs);
    check_store(&config.store_url().unwrap(), &alerts).await;
}
