//! Several hubs on one PostgreSQL, and what happens when its server goes away.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use gridwatch_protocol::{Alert, Kind};

use super::deliveries::{check_store, deliver};
use super::harness::{Hub, Officer, alert, around, batch, eventually, heartbeat, run_on};
use super::live::Feed;
use crate::postgres_server;

/// Deliveries of batches under way at once.
const AT_ONCE: usize = 8;

/// Another hub on the same store.
async fn beside(hub: &Hub) -> Hub {
    run_on(&hub.store, hub.key.clone(), |_| {}).await
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
