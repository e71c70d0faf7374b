//! Several hubs on one PostgreSQL, and what happens when its server goes away.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use gridwatch_protocol::{Alert, Kind, ReceiptStatus};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use hub::access::Scope;
use hub::store::StoreUrl;
use reqwest::{Client, StatusCode};
use tempfile::TempDir;

use super::harness::{
    Hub, Officer, PLAIN, alert, around, batch, client_builder, eventually, heartbeat, populate, run_on,
    write_files, write_files_for,
};
use super::live::Feed;
use super::process;
use crate::postgres_server;

/// Deliveries of batches under way at once.
const AT_ONCE: usize = 8;

/// Another hub on the same store.
async fn beside(hub: &Hub) -> Hub {
    run_on(&hub.store, hub.key.clone(), |_| {}).await
}

/// Sends a batch until a hub takes it; tells how many messages it was the first to bring.
async fn deliver(client: &Client, at: SocketAddr, key: &str, alerts: Vec<Alert>) -> usize {
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
            assert!(!matches!(item.status, ReceiptStatus::Rejected { .. }), "{item:?}");
            item.status == ReceiptStatus::Accepted
        });
        Some(accepted.count())
    })
    .await
}

/// Every alert is in exactly one case, cases and events are numbered without gaps.
async fn check_store(url: &StoreUrl, alerts: &[Alert]) {
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
    assert!(store.case(due + 1, &Scope::whole()).await.unwrap().is_none(), "a case too many");
    let events = store.events_between(0, i64::MAX, 1_000_000, &Scope::whole()).await.unwrap();
    let numbers: Vec<i64> = events.iter().map(|event| event.seq).collect();
    let last = i64::try_from(numbers.len()).unwrap();
    assert!(numbers.into_iter().eq(1..=last), "events have gaps");
}

/// Two hub processes; `GRIDWATCH_RACE_ALERTS=10000` asks for more alerts than every run takes.
#[tokio::test]
async fn shuffled_deliveries_to_two_hubs_make_one_case_for_each_alert() {
    let count = std::env::var("GRIDWATCH_RACE_ALERTS")
        .map_or(300, |text| text.parse::<u64>().expect("a number"));
    let seed = rand::rng().random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let (here, there) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let path = write_files(here.path(), PLAIN);
    let config = hub::config::load(&path).unwrap().config;
    let key = populate(&config).await;
    let other = write_files_for(there.path(), PLAIN, &config.store.url);
    let hubs = [process::start(&path), process::start(&other)];
    let client = client_builder().build().unwrap();

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
        .map(|part| (hubs[usize::from(random.random::<bool>())].address, part.to_vec()))
        .collect();
    let started = std::time::Instant::now();
    let accepted: usize = futures_util::stream::iter(batches)
        .map(|(address, part)| deliver(&client, address, &key, part))
        .buffer_unordered(AT_ONCE)
        .fold(0, |sum, n| async move { sum + n })
        .await;
    println!(
        "{count} alerts in {} deliveries to 2 hubs: {accepted} accepted in {:.1} s",
        deliveries.len(),
        started.elapsed().as_secs_f64()
    );
    assert_eq!(accepted, alerts.len(), "each message is accepted once in all");
    check_store(&config.store_url().unwrap(), &alerts).await;
}

#[tokio::test]
async fn feed_of_one_hub_shows_what_another_has_committed() {
    let first = Hub::start().await;
    let second = beside(&first).await;
    let duty = first.sign_in("duty").await;
    let mut feed = Feed::open(&duty, "", None).await;
    assert_eq!(feed.next().await.unwrap().event, "hello");
    second.send(&batch(vec![alert(1, "kitchen", Kind::Smoke)])).await;
    let shown = tokio::time::timeout(Duration::from_secs(20), feed.next()).await;
    let message = shown.expect("shown in time").unwrap();
    assert_eq!((message.event.as_str(), message.id), ("case", Some(1)));
    // Who signed in at one hub is signed in at all of them.
    let elsewhere = Officer {
        url: second.url(""),
        ..duty.clone()
    };
    assert_eq!(elsewhere.cases().await.len(), 1);
}

#[tokio::test]
async fn silent_gateway_is_one_case_with_two_hubs_looking() {
    let short = |config: &mut hub::config::Config| config.gateways.silent_after_s = 1;
    let first = Hub::start_with(short).await;
    let second = run_on(&first.store, first.key.clone(), short).await;
    second.heartbeat(&heartbeat(1, 1, 0)).await;
    let duty = first.sign_in("duty").await;
    eventually("a case of the silent gateway", || async {
        duty.cases().await.into_iter().next()
    })
    .await;
    first.heartbeat(&heartbeat(1, 2, 0)).await;
    eventually("it is silent again", || async {
        let case = duty.get("/api/v1/cases/1").await;
        (case["alert_count"] == 2).then_some(())
    })
    .await;
    assert_eq!(duty.cases().await.len(), 1);
}

#[tokio::test]
async fn cut_lines_to_the_database_are_opened_again() {
    let hub = Hub::start().await;
    let mut alerts = Vec::new();
    for n in 1..=5 {
        let one = alert(n, &format!("door-{n}"), Kind::DoorForced);
        deliver(&hub.client, hub.address, &hub.key, vec![one.clone()]).await;
        alerts.push(one);
        let mut admin = around(&hub.store).await;
        sqlx::query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
            .execute(&mut admin)
            .await
            .unwrap();
    }
    check_store(&hub.store, &alerts).await;
    assert_eq!(hub.sign_in("duty").await.cases().await.len(), 5);
}

#[tokio::test]
async fn server_that_crashes_again_and_again_loses_nothing_that_was_accepted() {
    const ALERTS: u64 = 120;
    let server = Arc::new(postgres_server::Server::start());
    let url = server.new_database();
    let hub = Hub::start_with(|config| config.store.url = url).await;
    let alerts: Vec<Alert> = (1..=ALERTS)
        .map(|n| alert(n, &format!("door-{n}"), Kind::DoorForced))
        .collect();
    let sending = async {
        futures_util::stream::iter(alerts.chunks(2).map(|part| deliver(&hub.client, hub.address, &hub.key, part.to_vec())))
            .buffer_unordered(AT_ONCE)
            .collect::<Vec<_>>()
            .await
    };
    let crashing = async {
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_millis(150)).await;
            let server = Arc::clone(&server);
            let crash = tokio::task::spawn_blocking(move || server.control("restart"));
            crash.await.unwrap();
        }
    };
    tokio::join!(sending, crashing);
    check_store(&hub.store, &alerts).await;
    hub.stop().await.unwrap();
}
