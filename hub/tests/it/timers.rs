//! Timers of cases, with hubs as processes that are killed while they fire.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gridwatch_protocol::{Alert, Kind};
use hub::config;
use reqwest::StatusCode;
use serde_json::json;
use sqlx::Row;
use tempfile::TempDir;
use tokio::sync::Mutex;

use super::STORE;
use super::harness::{
    Hub, PLAIN, alert, around, batch, client_builder, eventually, populate, write_files,
    write_files_for,
};
use super::process::{Running, start};
use crate::Kind as StoreKind;

/// Makes the hub of this directory escalate unacknowledged P2 cases after 2, 4 and 6 s.
fn hurry(dir: &Path) {
    let path = dir.join("categories.toml");
    let shipped = std::fs::read_to_string(&path).unwrap();
    let hurried = shipped.replace("acknowledge = { amount = 180,", "acknowledge = { amount = 2,");
    assert_ne!(shipped, hurried);
    std::fs::write(&path, hurried).unwrap();
}

/// One value that goes around the hub.
async fn ask(connection: &mut sqlx::AnyConnection, question: &'static str) -> i64 {
    let row = sqlx::query(question).fetch_one(connection).await.unwrap();
    row.get(0)
}

const FIRED: &str = "SELECT COUNT(*) FROM case_timers WHERE fired_at IS NOT NULL";

async fn send(running: &Running, key: &str, alerts: Vec<Alert>) {
    let client = client_builder().build().unwrap();
    let url = format!("http://{}/v1/batches", running.address);
    let body = serde_json::to_vec(&batch(alerts)).unwrap();
    let sent = client.post(url).bearer_auth(key).body(body).send().await;
    assert_eq!(sent.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn timers_fire_once_each_and_in_order_while_hubs_are_killed() {
    const CASES: u64 = 300;
    const KILLS: usize = 5;
    let dirs = [TempDir::new().unwrap(), TempDir::new().unwrap()];
    let mut configs: Vec<PathBuf> = vec![write_files(dirs[0].path(), PLAIN)];
    let loaded = config::load(&configs[0]).unwrap();
    let key = populate(&loaded.config).await;
    if STORE == StoreKind::Postgres {
        configs.push(write_files_for(dirs[1].path(), PLAIN, &loaded.config.store.url));
        hurry(dirs[1].path());
    }
    hurry(dirs[0].path());
    let mut hubs: Vec<Running> = configs.iter().map(|config| start(config)).collect();
    for first in (1..=CASES).step_by(20) {
        let alerts = (first..first + 20).map(|n| alert(n, &format!("door-{n}"), Kind::DoorForced));
        send(&hubs[0], &key, alerts.collect()).await;
    }
    // One question after the other.
    let around = Mutex::new(around(&loaded.config.store_url().unwrap()).await);
    let fired = async || ask(&mut *around.lock().await, FIRED).await;
    let all = i64::try_from(3 * CASES).unwrap();
    for kill in 0..KILLS {
        let before = fired().await;
        eventually("a timer fires", || async {
            (before == all || fired().await > before).then_some(())
        })
        .await;
        let place = kill % hubs.len();
        // Killed by dropping it, then another in its place.
        drop(hubs.remove(place));
        hubs.insert(place, start(&configs[place]));
    }
    eventually("every timer has fired", || async {
        (fired().await >= all).then_some(())
    })
    .await;
    check_once_and_in_order(&mut *around.lock().await, CASES).await;
}

async fn check_once_and_in_order(around: &mut sqlx::AnyConnection, cases: u64) {
    assert_eq!(
        ask(around, "SELECT COUNT(*) FROM case_timers WHERE fired_at IS NULL").await,
        0
    );
    let rows = sqlx::query("SELECT case_id FROM transitions WHERE action = 'escalate_unacknowledged'")
        .fetch_all(&mut *around)
        .await
        .unwrap();
    let mut times: BTreeMap<i64, u32> = BTreeMap::new();
    for row in rows {
        *times.entry(row.get(0)).or_default() += 1;
    }
    let expected: BTreeMap<i64, u32> = (1..=i64::try_from(cases).unwrap()).map(|id| (id, 3)).collect();
    assert_eq!(times, expected, "each case goes up three levels, once each");
    let rows = sqlx::query("SELECT c.id, c.opened_at FROM events e JOIN cases c ON c.id = e.case_id WHERE e.change = 'escalated' ORDER BY e.seq")
        .fetch_all(&mut *around)
        .await
        .unwrap();
    let mut seen = std::collections::BTreeSet::new();
    let first: Vec<i64> = rows
        .iter()
        .filter(|row| seen.insert(row.get::<i64, _>(0)))
        .map(|row| row.get(1))
        .collect();
    assert!(first.is_sorted(), "what was due earlier was escalated earlier");
}

#[tokio::test]
async fn clocks_of_a_case_tell_what_is_left() {
    let hub = Hub::start().await;
    hub.send(&batch(vec![alert(1, "door", Kind::DoorForced)])).await;
    let duty = hub.sign_in("duty").await;
    let case = duty.get("/api/v1/cases/1").await;
    let clocks = duty.get("/api/v1/cases/1/clocks").await;
    assert_eq!(clocks["card"], "none");
    assert_eq!(clocks["limits"]["disposal"], json!({ "amount": 2, "clock": "urgent_hours" }));
    let clock = &clocks["clocks"][0];
    assert_eq!(clock["kind"], "acknowledge");
    assert_eq!(clock["due_at"], case["ack_due_at"]);
    let left = clock["remaining_ms"].as_i64().unwrap();
    assert!((1..=180_000).contains(&left), "{left}");

    let (status, _) = duty.act(1, "file", case["version"].as_i64().unwrap()).await;
    assert_eq!(status, StatusCode::OK);
    let clocks = duty.get("/api/v1/cases/1/clocks").await;
    let kinds: Vec<&str> = clocks["clocks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|clock| clock["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["acknowledge", "file", "dispatch", "overall"]);
    assert!(clocks["clocks"][0]["ended_at"].is_string());
    let missing = duty.request(reqwest::Method::GET, "/api/v1/cases/99/clocks").send().await;
    assert_eq!(missing.unwrap().status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn calendar_that_was_not_checked_is_a_warning_for_administrators_alone() {
    let hub = Hub::start().await;
    let path = "/api/v1/calendar/warnings";
    let warnings = hub.sign_in("root").await.get(path).await;
    let codes: Vec<&str> = warnings["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|warning| warning["code"].as_str().unwrap())
        .collect();
    assert!(
        codes.iter().any(|code| code.starts_with("calendar_year_")),
        "the shipped calendar is an example: {warnings}"
    );
    let duty = hub.sign_in("duty").await;
    let refused = duty.request(reqwest::Method::GET, path).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
}
