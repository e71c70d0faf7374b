//! Backup of a running hub, restore into either store, and what gateways do after it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gridwatch_protocol::Kind;
use hub::store::backup::{self, LEFT_OUT, TABLES};
use hub::store::seal::{self, Seal};
use hub::store::{Store, StoreUrl};
use serde_json::{Value, json};
use sqlx::{Executor, Row};
use tempfile::TempDir;

use super::STORE;
use super::harness::{Hub, alert, around, batch, heartbeat, hub_on};
use super::live::Feed;
use crate::{Kind as StoreKind, postgres_server};

/// A store that nobody has opened yet.
fn empty(kind: StoreKind, dir: &Path) -> StoreUrl {
    match kind {
        StoreKind::Sqlite => StoreUrl::Sqlite(dir.join("restored.db")),
        StoreKind::Postgres => StoreUrl::Postgres(postgres_server::new_database()),
    }
}

fn rows_of(file: &Path) -> BTreeMap<String, Vec<Value>> {
    let text = std::fs::read_to_string(file).unwrap();
    let mut tables: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let mut table = String::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        if let Some(name) = line["table"].as_str() {
            table = name.to_owned();
            tables.entry(table.clone()).or_default();
        } else if line.is_array() {
            tables.get_mut(&table).unwrap().push(line);
        }
    }
    tables
}

async fn make(store: &Store, to: &Path) -> PathBuf {
    backup::write(store, to, hub::now()).await.unwrap().path
}

async fn busy_hub() -> (Hub, Store) {
    let hub = Hub::start().await;
    let doors = (1..=20).map(|n| alert(n, &format!("door-{n}"), Kind::DoorForced));
    hub.send(&batch(doors.collect())).await;
    hub.heartbeat(&heartbeat(1, 1, 20)).await;
    let mut refused = serde_json::to_value(batch(vec![alert(21, "x", Kind::Smoke)])).unwrap();
    refused["alerts"][0]["severity"] = json!("P9 \u{0} \u{7f51}");
    hub.post_gateway("/v1/batches", refused.to_string().into_bytes()).await;
    hub.sign_in("duty").await.act(1, "acknowledge", 1).await;
    let (store, _) = hub::store::open(&hub.store).await.unwrap();
    (hub, store)
}

#[tokio::test]
async fn backup_of_a_running_hub_is_the_same_in_either_store() {
    let (hub, store) = busy_hub().await;
    let dir = TempDir::new().unwrap();
    // Batches keep coming while the backup is made.
    let writing = async {
        for n in 22..60 {
            hub.send(&batch(vec![alert(n, &format!("door-{n}"), Kind::DoorForced)])).await;
        }
    };
    let (file, ()) = tokio::join!(make(&store, dir.path()), writing);
    let original = rows_of(&file);
    assert!(original["cases"].len() >= 20);
    assert_eq!(original["cases"].len(), original["transitions"].len() - 1);
    for kind in [StoreKind::Sqlite, StoreKind::Postgres] {
        let into = empty(kind, dir.path());
        let restored = backup::restore(&file, &into, hub::now()).await.unwrap();
        assert_eq!(restored.epoch, 2);
        let (store, mut writer) = hub::store::open(&into).await.unwrap();
        let mut seal = Seal::open(dir.path()).unwrap();
        seal.sign(&store, true, hub::now()).await.unwrap();
        // What counts by itself goes on behind what was restored.
        writer.audit("test", "after", hub::now()).await.unwrap();
        let report = seal::verify(&store, dir.path()).await.unwrap();
        assert_eq!(report.problems, [""; 0]);
        std::fs::remove_file(dir.path().join(seal::HEADS_FILE)).unwrap();
        let again = rows_of(&make(&store, &dir.path().join(format!("{kind:?}.backup"))).await);
        for (table, rows) in &original {
            match table.as_str() {
                "counters" | "epochs" | "chain_heads" => {}
                // The restore and the line above are new.
                "audit" => assert!(
                    again[table][..rows.len()] == rows[..] && again[table].len() == rows.len() + 2,
                    "audit in {kind:?}"
                ),
                _ => assert!(again[table] == *rows, "{table} in {kind:?}"),
            }
        }
        let mut hand = around(&into).await;
        let sessions = hand.fetch_one("SELECT COUNT(*) FROM sessions").await.unwrap();
        assert_eq!(sessions.get::<i64, _>(0), 0, "sessions end with a restore");
    }
}

#[tokio::test]
async fn gateways_send_again_what_a_restored_hub_has_lost() {
    let hub = Hub::start().await;
    let door = |n: u64| alert(n, &format!("door-{n}"), Kind::DoorForced);
    let alerts: Vec<_> = (1..=10).map(door).collect();
    hub.send(&batch(alerts[..5].to_vec())).await;
    let (store, _) = hub::store::open(&hub.store).await.unwrap();
    let kept = TempDir::new().unwrap();
    let file = make(&store, kept.path()).await;
    hub.send(&batch(alerts[5..].to_vec())).await;
    let answer = hub.heartbeat(&heartbeat(1, 1, 10)).await;
    assert_eq!(answer["contiguous_through"], 10);
    let seen = store.event_head().await.unwrap();
    let key = hub.key.clone();
    hub.stop().await.unwrap();

    let into = empty(STORE, kept.path());
    backup::restore(&file, &into, hub::now()).await.unwrap();
    let hub = hub_on(&into, key).await;
    let duty = hub.sign_in("duty").await;
    assert_eq!(duty.cases().await.len(), 5);
    // A console that had seen more than the store now knows loads its lists again.
    let mut feed = Feed::open(&duty, &format!("?after={seen}"), None).await;
    assert_eq!(feed.next().await.unwrap().event, "hello");
    assert_eq!(feed.next().await.unwrap().event, "resync");

    let answer = hub.heartbeat(&heartbeat(1, 2, 10)).await;
    assert_eq!(
        (&answer["contiguous_through"], &answer["missing"]),
        (&json!(5), &json!([[6, 10]])),
        "less than the gateway has settled: it sends again"
    );
    hub.send(&batch(alerts)).await;
    assert_eq!(duty.cases().await.len(), 10);
    let faults = duty.get("/api/v1/gateways").await["items"][0]["faults"].clone();
    assert_eq!(faults, json!([]), "what is sent again is no copied disk");
    let answer = hub.heartbeat(&heartbeat(1, 3, 10)).await;
    assert_eq!(answer["contiguous_through"], 10);
}

#[tokio::test]
async fn damaged_foreign_and_newer_files_are_refused_and_a_store_in_use_is_never_touched() {
    let (hub, store) = busy_hub().await;
    let dir = TempDir::new().unwrap();
    let file = make(&store, dir.path()).await;
    let told = async |path: &Path, into: &StoreUrl| {
        let error = backup::restore(path, into, hub::now()).await.unwrap_err();
        format!("{error:#}")
    };
    let again = backup::write(&store, &file, hub::now()).await.unwrap_err();
    assert!(again.to_string().contains("never overwrites"));
    assert!(told(&file, &hub.store).await.contains("is not empty"));
    assert_eq!(hub.sign_in("duty").await.cases().await.len(), 20);

    let good = std::fs::read_to_string(&file).unwrap();
    let half = &good[..good.len() / 2];
    let whole_lines = &good[..good[..good.len() / 2].rfind('\n').unwrap() + 1];
    let bad = dir.path().join("bad");
    let into = empty(STORE, dir.path());
    for (content, expected) in [
        (good.replacen("door-3", "door-4", 1), "damaged"),
        (half.to_owned(), "has no end"),
        (whole_lines.to_owned(), "its end is missing"),
        (String::new(), "is empty"),
        ("PK\u{3}\u{4}\n".to_owned(), "not JSON"),
        ("{\"a\":1}\n".to_owned(), "not the header"),
        (good.replacen("\"schema\":", "\"schema\":99999", 1), "damaged"),
        (format!("{good}[]\n"), "after its end"),
    ] {
        std::fs::write(&bad, content).unwrap();
        let told = told(&bad, &into).await;
        assert!(told.contains(expected), "{expected}: {told}");
    }
    backup::restore(&file, &into, hub::now()).await.unwrap();
}

#[tokio::test]
async fn every_table_of_the_store_is_in_its_backup() {
    let hub = Hub::start().await;
    let mut hand = around(&hub.store).await;
    let statement = match STORE {
        StoreKind::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
        StoreKind::Postgres => "SELECT CAST(table_name AS TEXT) FROM information_schema.tables WHERE table_schema = 'public'",
    };
    let rows = hand.fetch_all(statement).await.unwrap();
    let mut found: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let mut known: Vec<String> = TABLES.iter().chain(&LEFT_OUT).map(|t| (*t).to_owned()).collect();
    found.sort();
    known.sort();
    assert_eq!(found, known);
}

#[tokio::test]
async fn store_of_a_newer_hub_is_refused_with_a_sentence() {
    let dir = TempDir::new().unwrap();
    let url = empty(STORE, dir.path());
    drop(hub::store::open(&url).await.unwrap());
    let mut hand = around(&url).await;
    let copy = match STORE {
        StoreKind::Sqlite => "INSERT INTO _sqlx_migrations SELECT 9999, 'later', installed_on, success, checksum, execution_time FROM _sqlx_migrations WHERE version = 1",
        StoreKind::Postgres => "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) SELECT 9999, 'later', success, checksum, execution_time FROM _sqlx_migrations WHERE version = 1",
    };
    hand.execute(copy).await.unwrap();
    let error = hub::store::open(&url).await.unwrap_err().to_string();
    assert!(error.contains("newer hub") && error.contains("9999"), "{error}");
}
