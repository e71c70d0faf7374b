//! The hub killed with SIGKILL while a receiver keeps it waiting.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gridwatch_protocol::{Alert, Kind};

use super::endpoint::{Endpoint, reply};
use super::within;
use super::super::harness::{alert, batch, client_builder, eventually, populate, write_files};
use super::super::process::start;

#[tokio::test]
async fn hub_killed_in_the_middle_of_sending_tells_everything_under_the_same_ids() {
    const CASES: u64 = 40;
    let open = Arc::new(AtomicBool::new(false));
    let is_open = Arc::clone(&open);
    // Until it is opened, it takes requests and never answers.
    let end =
        Endpoint::start(move |_, _| is_open.load(Ordering::SeqCst).then(|| reply(204, ""))).await;
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("key"), "a secret").unwrap();
    let path = write_files(
        dir.path(),
        &format!(
            "listen = \"127.0.0.1:0\"\ntls = false\n[notify]\nallow_hosts = [\"127.0.0.1\"]\n[[notify.channel]]\nname = \"hook\"\nkind = \"webhook\"\nurl = \"{}\"\nsecret_file = \"key\"\n",
            end.url("/")
        ),
    );
    let key = populate(&hub::config::load(&path).unwrap().config).await;
    let client = client_builder()
        .timeout(Duration::from_secs(10))
        .build()
        .unwrap();
    let mut hub = start(&path);
    let alerts: Vec<Alert> = (1..=CASES)
        .map(|n| alert(n, &format!("door-{n}"), Kind::DoorForced))
        .collect();
    let sent = client
        .post(format!("http://{}/v1/batches", hub.address))
        .bearer_auth(&key)
        .body(serde_json::to_vec(&batch(alerts)).unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(sent.status(), 200);
    eventually("some messages are on their way", || async {
        (end.got().len() >= 5).then_some(())
    })
    .await;
    hub.child.kill().unwrap();
    hub.child.wait().unwrap();
    let cut: BTreeSet<String> = ids(&end);
    open.store(true, Ordering::SeqCst);
    let before = end.got().len();
    let _hub = start(&path);
    // What was cut comes when its lease has run out; the rest at once.
    within(Duration::from_secs(60), "every case is told", || async {
        let told: BTreeSet<String> = end.got()[before..]
            .iter()
            .map(|got| got.json()["data"]["case"]["number"].to_string())
            .collect();
        (told.len() == usize::try_from(CASES).unwrap()).then_some(())
    })
    .await;
    assert!(
        cut.is_subset(&ids_after(&end, before)),
        "what was cut comes under its own id"
    );
    assert_eq!(
        ids(&end).len(),
        usize::try_from(CASES).unwrap(),
        "no event has two ids"
    );
}

fn ids(end: &Endpoint) -> BTreeSet<String> {
    ids_after(end, 0)
}

fn ids_after(end: &Endpoint, skip: usize) -> BTreeSet<String> {
    let got = end.got();
    got[skip..]
        .iter()
        .map(|one| one.header("webhook-id").to_owned())
        .collect()
}
