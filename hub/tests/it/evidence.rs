//! Files of evidence: brought, proved, masked, let go, copied with a backup, and whole after a crash.

use std::path::{Path, PathBuf};
use std::time::Duration;

use gridwatch_protocol::Kind;
use hub::access::Scope;
use hub::evidence::{Files, archive, keeper};
use hub::store::{StoreUrl, backup};
use reqwest::{Body, Method, Response, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::AssertSqlSafe;
use tempfile::TempDir;

use super::STORE;
use super::harness::{
    Hub, Officer, PLAIN, UNIT, alert, around, batch, client_builder, eventually, new_store,
    populate, write_files,
};
use super::process;
use crate::Kind as StoreKind;

/// A small photo, as far as anybody can tell by its bytes.
fn photo(text: &str) -> Vec<u8> {
    [&[0xff, 0xd8, 0xff, 0xe0], text.as_bytes()].concat()
}

fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn address(case: i64, sha256: &str) -> String {
    format!("/api/v1/cases/{case}/evidence/{sha256}")
}

async fn put(officer: &Officer, case: i64, sha256: &str, body: impl Into<Body>) -> Response {
    let request = officer.request(Method::PUT, &address(case, sha256));
    request.body(body).send().await.unwrap()
}

async fn bring(officer: &Officer, case: i64, bytes: &[u8]) -> StatusCode {
    put(officer, case, &hash(bytes), bytes.to_vec()).await.status()
}

async fn fetch(officer: &Officer, case: i64, sha256: &str) -> Response {
    let request = officer.request(Method::GET, &address(case, sha256));
    request.send().await.unwrap()
}

async fn problem(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let problem: Value = response.json().await.unwrap();
    (status, problem["type"].as_str().unwrap().to_owned())
}

/// A hub with a forced door (case 1), an intrusion seen by a camera (case 2, masked).
async fn hub_with(change: impl FnOnce(&mut hub::config::Config)) -> Hub {
    let hub = Hub::start_with(change).await;
    hub.send(&batch(vec![alert(1, "door", Kind::DoorForced)])).await;
    hub.send(&batch(vec![alert(2, "camera", Kind::CameraObject)])).await;
    hub
}

#[tokio::test]
async fn file_comes_back_as_it_came_and_as_nothing_that_a_browser_runs() {
    let hub = hub_with(|_| {}).await;
    let duty = hub.sign_in("duty").await;
    let bytes = photo("<script>alert(1)</script>");
    let sha256 = hash(&bytes);
    assert_eq!(bring(&duty, 1, &bytes).await, StatusCode::CREATED);
    assert_eq!(bring(&duty, 1, &bytes).await, StatusCode::OK, "again");
    let back = fetch(&duty, 1, &sha256.to_uppercase()).await;
    assert_eq!(back.status(), StatusCode::OK);
    let header = |name: &str| back.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "image/jpeg");
    assert_eq!(header("etag"), format!("\"{sha256}\""));
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert!(header("content-security-policy").contains("sandbox"));
    assert!(header("content-disposition").starts_with("attachment; filename="));
    assert_eq!(back.bytes().await.unwrap(), bytes);
    let again = duty
        .request(Method::GET, &address(1, &sha256))
        .header("if-none-match", format!("W/\"x\", \"{sha256}\""))
        .send()
        .await
        .unwrap();
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(again.bytes().await.unwrap().len(), 0);
    // Under another case it has to be brought: what somebody may see there is another question.
    assert_eq!(
        problem(fetch(&duty, 2, &sha256).await).await,
        (404, "evidence-missing".into())
    );
}

#[tokio::test]
async fn what_does_not_fit_is_refused_and_leaves_nothing() {
    let hub = hub_with(|config| config.evidence.file_mib_max = 1).await;
    let duty = hub.sign_in("duty").await;
    let bytes = photo("x");
    let other = hash(b"another file");
    let refused = |response| problem(response);
    assert_eq!(
        refused(put(&duty, 1, &other, bytes.clone()).await).await,
        (422, "hash-mismatch".into())
    );
    let zip = b"PK\x03\x04 and so on".to_vec();
    assert_eq!(
        refused(put(&duty, 1, &hash(&zip), zip).await).await,
        (415, "unsupported-file".into())
    );
    let large = photo(&"x".repeat(1024 * 1024));
    assert_eq!(
        refused(put(&duty, 1, &hash(&large), large.clone()).await).await,
        (413, "body-too-large".into())
    );
    let told = without_a_length(&duty, &hub, &address(1, &hash(&large)), &large).await;
    assert!(told.starts_with("HTTP/1.1 413 "), "{told}");
    assert_eq!(
        refused(put(&duty, 1, "abc", bytes.clone()).await).await,
        (422, "invalid-request".into())
    );
    assert_eq!(
        refused(put(&duty, 99, &hash(&bytes), bytes.clone()).await).await,
        (404, "not-found".into())
    );
    let auditor = hub.sign_in("audit").await;
    assert_eq!(
        refused(put(&auditor, 1, &hash(&bytes), bytes.clone()).await).await,
        (403, "not-allowed".into())
    );
    assert_eq!(files_in(&hub.dir.path().join("data/evidence")), Vec::<PathBuf>::new());
}

/// Sends a body in chunks, whose sum nobody knows before the end.
async fn without_a_length(officer: &Officer, hub: &Hub, path: &str, body: &[u8]) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut line = tokio::net::TcpStream::connect(hub.address).await.unwrap();
    let head = format!(
        "PUT {path} HTTP/1.1\r\nhost: {}\r\ncookie: {}\r\nx-gridwatch-request: 1\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n",
        hub.address, officer.cookie
    );
    line.write_all(head.as_bytes()).await.unwrap();
    for part in body.chunks(50_000) {
        let size = format!("{:x}\r\n", part.len());
        for bytes in [size.as_bytes(), part, b"\r\n"] {
            // The hub may have answered and closed already.
            drop(line.write_all(bytes).await);
        }
    }
    drop(line.write_all(b"0\r\n\r\n").await);
    let mut answer = Vec::new();
    drop(line.read_to_end(&mut answer).await);
    String::from_utf8_lossy(&answer).into_owned()
}

fn files_in(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_in(&path));
        } else if path.file_name().unwrap() != ".lock" {
            found.push(path);
        }
    }
    found
}

#[tokio::test]
async fn files_of_another_area_are_not_there() {
    let hub = hub_with(|_| {}).await;
    let root = hub.sign_in("root").await;
    let bytes = photo("x");
    assert_eq!(bring(&root, 1, &bytes).await, StatusCode::CREATED);
    let mut store = around(&hub.store).await;
    sqlx::query("UPDATE users SET area = '990101001001002' WHERE name = 'duty'")
        .execute(&mut store)
        .await
        .unwrap();
    let duty = hub.sign_in("duty").await;
    let not_there = (404, "not-found".to_owned());
    assert_eq!(problem(fetch(&duty, 1, &hash(&bytes)).await).await, not_there);
    let other = photo("y");
    let brought = put(&duty, 1, &hash(&other), other.clone()).await;
    assert_eq!(problem(brought).await, not_there);
    let list = duty.request(Method::GET, "/api/v1/cases/1/evidence");
    assert_eq!(problem(list.send().await.unwrap()).await, not_there);
    let reveal = duty.request(Method::POST, "/api/v1/cases/2/reveals");
    let reveal = reveal.json(&json!({ "what": "evidence", "reason": "x" }));
    assert_eq!(problem(reveal.send().await.unwrap()).await, not_there);
}

#[tokio::test]
async fn quota_is_kept_over_all_cases_and_one_content_counts_once() {
    let hub = hub_with(|config| {
        config.evidence.file_mib_max = 1;
        config.evidence.total_mib_max = 2;
    })
    .await;
    let duty = hub.sign_in("duty").await;
    let half = |n: u8| photo(&(n as char).to_string().repeat(900_000));
    assert_eq!(bring(&duty, 1, &half(b'a')).await, StatusCode::CREATED);
    assert_eq!(bring(&duty, 2, &half(b'a')).await, StatusCode::CREATED, "no more bytes");
    assert_eq!(bring(&duty, 1, &half(b'b')).await, StatusCode::CREATED);
    let third = half(b'c');
    assert_eq!(
        problem(put(&duty, 1, &hash(&third), third.clone()).await).await,
        (507, "evidence-full".into())
    );
    assert_eq!(bring(&duty, 1, &photo("small")).await, StatusCode::CREATED);
    assert_eq!(files_in(&hub.dir.path().join("data/evidence")).len(), 3);
}

#[tokio::test]
async fn hash_that_an_action_named_is_shown_until_its_file_is_brought() {
    let hub = Hub::start().await;
    hub.send(&batch(vec![alert(1, "kitchen", Kind::WaterLeak)])).await;
    let duty = hub.sign_in("duty").await;
    duty.does(1, "file", json!({ "condition": "alarm_stands" })).await;
    hub.sign_in("sun").await.does(1, "dispatch", json!({ "unit": UNIT })).await;
    let zhao = hub.sign_in("zhao").await;
    zhao.does(1, "handle", json!({})).await;
    let bytes = photo("the pipe");
    let evidence = json!([{ "kind": "photo", "sha256": hash(&bytes).to_uppercase(), "name": "pipe.jpg", "at": hub::now() }]);
    zhao.does(1, "feedback", json!({ "evidence": evidence })).await;
    let list = "/api/v1/cases/1/evidence";
    let shown = duty.get(list).await;
    assert_eq!(shown["items"][0]["file"], "missing");
    assert_eq!(shown["items"][0]["name"], "pipe.jpg");
    assert_eq!(shown["masked"], false);
    assert_eq!(bring(&zhao, 1, &bytes).await, StatusCode::CREATED);
    assert_eq!(bring(&zhao, 1, b"a note").await, StatusCode::CREATED);
    let shown = duty.get(list).await;
    let item = &shown["items"][0];
    assert_eq!((&item["file"], &item["stored_by"]), (&json!("there"), &json!("zhao")));
    assert_eq!(item["bytes"], bytes.len());
    assert_eq!(shown["items"][1]["media_type"], "text/plain");
    assert!(shown["items"][1].get("name").is_none(), "no action has named it");
    // Somebody removes it behind the hub's back.
    let path = hub.dir.path().join("data/evidence");
    std::fs::remove_file(Files::open(&path).unwrap().path(&hash(&bytes))).unwrap();
    assert_eq!(duty.get(list).await["items"][0]["file"], "lost");
    assert_eq!(
        problem(fetch(&duty, 1, &hash(&bytes)).await).await,
        (404, "evidence-lost".into())
    );
}

#[tokio::test]
async fn masked_file_is_shown_only_to_who_said_why_and_that_is_in_the_audit() {
    let hub = hub_with(|_| {}).await;
    let (duty, li) = (hub.sign_in("duty").await, hub.sign_in("li").await);
    let bytes = photo("somebody at the fence");
    let sha256 = hash(&bytes);
    assert_eq!(bring(&duty, 2, &bytes).await, StatusCode::CREATED);
    assert_eq!(duty.get("/api/v1/cases/2/evidence").await["masked"], true);
    let needed = (403, "reveal-needed".to_owned());
    assert_eq!(problem(fetch(&duty, 2, &sha256).await).await, needed);
    let reveal = |reason: &str| {
        let body = json!({ "what": "evidence", "reason": reason });
        let request = duty.request(Method::POST, "/api/v1/cases/2/reveals");
        request.json(&body).send()
    };
    assert_eq!(
        problem(reveal(" ").await.unwrap()).await,
        (422, "reason-needed".into())
    );
    let revealed = reveal("who climbed over").await.unwrap();
    assert_eq!(revealed.status(), StatusCode::CREATED);
    let shown = fetch(&duty, 2, &sha256).await;
    assert_eq!(shown.headers()["cache-control"], "no-store");
    assert_eq!(shown.bytes().await.unwrap(), bytes);
    assert_eq!(problem(fetch(&li, 2, &sha256).await).await, needed, "not to others");
    let auditor = hub.sign_in("audit").await;
    let found = auditor.get("/api/v1/audit?action=revealed").await;
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
    let line = &found["items"][0];
    assert_eq!((&line["actor"], &line["case"]), (&json!("duty"), &json!(2)));
    let subject = line["subject"].as_str().unwrap();
    assert!(subject.ends_with("evidence: who climbed over"), "{subject}");
    // Ten minutes later.
    let mut store = around(&hub.store).await;
    sqlx::query(AssertSqlSafe(format!("UPDATE reveals SET expires_at = {}", hub::now().unix_ms())))
        .execute(&mut store)
        .await
        .unwrap();
    assert_eq!(problem(fetch(&duty, 2, &sha256).await).await, needed);
}

#[tokio::test]
async fn file_whose_time_is_over_goes_and_its_hash_stays() {
    let hub = hub_with(|_| {}).await;
    let duty = hub.sign_in("duty").await;
    let (old, shared, young) = (photo("old"), photo("shared"), photo("young"));
    for (case, bytes) in [(1, &old), (1, &shared), (2, &shared), (2, &young)] {
        assert_eq!(bring(&duty, case, bytes).await, StatusCode::CREATED);
    }
    let (status, _) = duty.act(1, "reject", 1).await;
    assert_eq!(status, StatusCode::OK);
    let (store, key) = (hub.store.clone(), hub.key.clone());
    let dir = hub.stop().await.unwrap();
    let mut hand = around(&store).await;
    for statement in [
        "UPDATE cases SET ended_at = 0 WHERE id = 1",
        "UPDATE evidence_files SET stored_at = 0",
    ] {
        sqlx::query(statement).execute(&mut hand).await.unwrap();
    }
    let path = dir.path().join("data/evidence");
    let hub = super::harness::run_on(&store, key, |config| config.evidence.dir = path.clone()).await;
    let duty = hub.sign_in("duty").await;
    eventually("the old file is gone", || async {
        (files_in(&path).len() == 2).then_some(())
    })
    .await;
    let shown = duty.get("/api/v1/cases/1/evidence").await;
    for item in shown["items"].as_array().unwrap() {
        assert_eq!(item["file"], "let_go");
        assert!(item["removed_at"].is_string());
    }
    assert_eq!(
        problem(fetch(&duty, 1, &hash(&old)).await).await,
        (410, "evidence-let-go".into())
    );
    let again = put(&duty, 1, &hash(&old), old).await;
    assert_eq!(problem(again).await, (409, "evidence-let-go".into()));
    // The other case still has what both had.
    let shown = duty.get("/api/v1/cases/2/evidence").await;
    for item in shown["items"].as_array().unwrap() {
        assert_eq!(item["file"], "there");
    }
}

#[tokio::test]
async fn file_that_a_crash_left_without_a_row_is_swept_and_others_stay() {
    let hub = hub_with(|_| {}).await;
    let duty = hub.sign_in("duty").await;
    assert_eq!(bring(&duty, 1, &photo("kept")).await, StatusCode::CREATED);
    let files = Files::open(&hub.dir.path().join("data/evidence")).unwrap();
    let orphan = photo("nobody's");
    let mut incoming = files.begin(1_000).await.unwrap();
    incoming.take(&orphan).await.unwrap();
    let complete = incoming.end(&hash(&orphan)).await.unwrap();
    let lock = files.placing().await.unwrap();
    files.place(complete, &lock).await.unwrap();
    drop(lock);
    let (store, _writer) = hub::store::open(&hub.store).await.unwrap();
    let young = keeper::sweep_orphans(&files, &store, keeper::ORPHAN_AGE).await.unwrap();
    assert_eq!(young, 0, "its row may be on its way");
    let swept = keeper::sweep_orphans(&files, &store, Duration::ZERO).await.unwrap();
    assert_eq!(swept, 1);
    assert_eq!(files_in(files.dir()), [files.path(&hash(&photo("kept")))]);
}

#[tokio::test]
async fn hub_killed_while_files_come_in_never_has_a_row_without_its_file() {
    const KILLS: usize = 6;
    let dir = TempDir::new().unwrap();
    let path = write_files(dir.path(), PLAIN);
    let config = hub::config::load(&path).unwrap().config;
    let key = populate(&config).await;
    let files = Files::open(&config.evidence.dir).unwrap();
    let mut sent = 0;
    for life in 0..KILLS {
        let mut running = process::start(&path);
        let client = client_builder().build().unwrap();
        let url = format!("http://{}", running.address);
        if life == 0 {
            let body = serde_json::to_vec(&batch(vec![alert(1, "door", Kind::DoorForced)])).unwrap();
            let posted = client.post(format!("{url}/v1/batches")).bearer_auth(&key).body(body);
            posted.send().await.unwrap();
        }
        let signed = client
            .post(format!("{url}/api/v1/session"))
            .header("x-gridwatch-request", "1")
            .json(&json!({ "username": "duty", "password": super::harness::PASSWORD }))
            .send()
            .await
            .unwrap();
        let cookie = signed.headers()["set-cookie"].to_str().unwrap();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        let duty = Officer { cookie, url, client };
        let bringing = async {
            let all = (0..200).map(|n| {
                let (duty, bytes) = (duty.clone(), photo(&format!("{life} {n}")));
                async move {
                    let request = duty.request(Method::PUT, &address(1, &hash(&bytes)));
                    request.body(bytes).send().await.is_ok_and(|r| r.status() == StatusCode::CREATED)
                }
            });
            let mut all = futures_util::StreamExt::buffer_unordered(futures_util::stream::iter(all), 4);
            let mut taken = 0_usize;
            while let Some(done) = futures_util::StreamExt::next(&mut all).await {
                taken += usize::from(done);
                if taken == 5 + life * 3 {
                    running.child.kill().unwrap();
                    running.child.wait().unwrap();
                }
            }
            taken
        };
        sent += bringing.await;
    }
    let (store, _writer) = hub::store::open(&config.store_url().unwrap()).await.unwrap();
    let rows = store.evidence_files(1, &Scope::whole()).await.unwrap();
    println!("{sent} files acknowledged, {} rows, {} files", rows.len(), files_in(files.dir()).len());
    assert!(rows.len() >= sent, "every file that was acknowledged has its row");
    for row in rows {
        files.read(&row.sha256).await.unwrap_or_else(|error| panic!("{}: {error}", row.sha256));
    }
}

#[tokio::test]
async fn backup_brings_its_files_and_a_restore_proves_them() {
    let hub = hub_with(|_| {}).await;
    let duty = hub.sign_in("duty").await;
    for text in ["one", "two", "three"] {
        assert_eq!(bring(&duty, 1, &photo(text)).await, StatusCode::CREATED);
    }
    let (store, _) = hub::store::open(&hub.store).await.unwrap();
    let files = Files::open(&hub.dir.path().join("data/evidence")).unwrap();
    let dir = TempDir::new().unwrap();
    let file = backup::write(&store, &dir.path().join("b"), hub::now()).await.unwrap().path;
    std::fs::write(files.path(&hash(&photo("two"))), "damaged").unwrap();
    let copied = archive::write(&store, &files, &file).await.unwrap().unwrap();
    assert_eq!((copied.files, copied.missing), (2, vec![hash(&photo("two"))]));

    let into = match STORE {
        StoreKind::Sqlite => StoreUrl::Sqlite(dir.path().join("restored.db")),
        StoreKind::Postgres => StoreUrl::Postgres(new_store()),
    };
    backup::restore(&file, &into, hub::now()).await.unwrap();
    let (restored, _writer) = hub::store::open(&into).await.unwrap();
    let there = Files::open(&dir.path().join("evidence")).unwrap();
    let copied = archive::restore(&restored, &there, &file).await.unwrap();
    assert_eq!((copied.files, copied.missing.len()), (2, 1));
    assert_eq!(there.read(&hash(&photo("three"))).await.unwrap(), photo("three"));

    let beside = archive::beside(&file);
    let good = std::fs::read(&beside).unwrap();
    let mut bad = good.clone();
    let at = bad.windows(3).position(|part| part == b"one").unwrap();
    bad[at] = b'O';
    let cut = good[..good.len() - 20].to_vec();
    for (content, expected) in [(bad, "SHA-256"), (cut, "cut"), (b"PK".to_vec(), "cut")] {
        std::fs::write(&beside, content).unwrap();
        let error = archive::restore(&restored, &there, &file).await.unwrap_err();
        let told = format!("{error:#}");
        assert!(told.contains(expected), "{expected}: {told}");
    }
}
