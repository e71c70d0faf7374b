//! The hub as a process, killed with SIGKILL while gateways send.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hub::access::Scope;
use gridwatch_protocol::{Alert, Kind, Receipt, ReceiptStatus};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use reqwest::Client;
use tempfile::TempDir;

use super::harness::{alert, batch, client_builder, populate, write_files};

/// A hub as a process of its own, killed when it is no longer needed.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have been killed already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

pub(crate) fn start(config: &std::path::Path) -> Running {
    let mut child = Command::new(env!("CARGO_BIN_EXE_hub"))
        .args(["run", "--config"])
        .arg(config)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut said = Vec::new();
    let address = loop {
        let Some(line) = lines.next() else {
            panic!("the hub ended before it said where it listens:\n{}", said.join("\n"));
        };
        let line = line.unwrap();
        if let Some((_, rest)) = line.split_once("address=") {
            break rest.split_whitespace().next().unwrap().parse().unwrap();
        }
        said.push(line);
    };
    // Reads on, so that the hub never waits for its log.
    std::thread::spawn(move || lines.for_each(drop));
    Running { child, address }
}

/// Sends everything that is not yet settled until it is, or until the hub is gone.
async fn deliver(client: &Client, at: SocketAddr, key: &str, open: &mut BTreeMap<u64, Alert>) {
    while !open.is_empty() {
        let part: Vec<Alert> = open.values().take(3).cloned().collect();
        let body = serde_json::to_vec(&batch(part)).unwrap();
        let sent = client
            .post(format!("http://{at}/v1/batches"))
            .bearer_auth(key)
            .body(body)
            .send();
        let Ok(response) = sent.await else { return };
        let Ok(receipt) = response.json::<Receipt>().await else {
            return;
        };
        for item in receipt.items {
            assert!(
                !matches!(item.status, ReceiptStatus::Rejected { .. }),
                "{item:?}"
            );
            open.remove(&item.sequence);
        }
    }
}

#[tokio::test]
async fn hub_killed_again_and_again_loses_no_alert_and_makes_no_second_case() {
    const ALERTS: u64 = 240;
    const KILLS: u32 = 12;
    let seed = rand::rng().random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let dir = TempDir::new().unwrap();
    let path = write_files(dir.path(), "listen = \"127.0.0.1:0\"\ntls = false\n[correlation]\nflood_begins_above = 10000\n");
    let config = hub::config::load(&path).unwrap().config;
    let key = populate(&config).await;
    let client = client_builder()
        .timeout(Duration::from_secs(10))
        .build()
        .unwrap();
    let mut open: BTreeMap<u64, Alert> = (1..=ALERTS)
        .map(|n| (n, alert(n, &format!("door-{n}"), Kind::DoorForced)))
        .collect();
    let all: Vec<String> = open.values().map(|alert| alert.id.to_string()).collect();
    for _ in 0..KILLS {
        let mut hub = start(&path);
        let life = Duration::from_micros(random.random_range(0..60_000));
        // Whatever the delivery was doing at that moment is cut.
        drop(tokio::time::timeout(life, deliver(&client, hub.address, &key, &mut open)).await);
        hub.child.kill().unwrap();
        hub.child.wait().unwrap();
    }
    println!(
        "{} of {ALERTS} alerts were left after {KILLS} kills",
        open.len()
    );
    let hub = start(&path);
    deliver(&client, hub.address, &key, &mut open).await;
    assert!(open.is_empty());
    drop(hub);
    let (store, _writer) = hub::store::open(&config.store_url().unwrap())
        .await
        .unwrap();
    let mut stored = Vec::new();
    for id in 1..=i64::try_from(ALERTS).unwrap() {
        let alerts = store.alerts_of(id, 10).await.unwrap();
        assert_eq!(alerts.len(), 1, "case {id}");
        stored.push(alerts[0].alert.id.to_string());
    }
    stored.sort();
    let mut expected = all;
    expected.sort();
    assert_eq!(stored, expected, "each alert is in exactly one case");
    assert!(
        store
            .case(i64::try_from(ALERTS).unwrap() + 1, &Scope::whole())
            .await
            .unwrap()
            .is_none()
    );
    let events = store.events_between(0, i64::MAX, 1_000, &Scope::whole()).await.unwrap();
    let numbers: Vec<i64> = events.iter().map(|event| event.seq).collect();
    let expected: Vec<i64> = (1..=i64::try_from(ALERTS).unwrap()).collect();
    assert_eq!(numbers, expected, "events are numbered without gaps");
}
