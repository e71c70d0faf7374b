//! Signed heads of a child at its parent, and the search in the audit.

use super::*;

#[tokio::test]
async fn cut_tail_of_a_child_is_noticed_at_the_parent_when_the_whole_machine_is_replaced() {
    let (parent, key, port) = new_parent().await;
    let child = child_of(port, &key, None, "").await;
    child.send(&batch(doors(1..=3))).await;
    let root = parent.sign_in("root").await;
    let heads = format!("/api/v1/children/{CHILD}/heads");
    let (data, gateway_key) = (child.dir.path().join("data"), child.key.clone());
    // What stops signs what was written since.
    let store = child.store.clone();
    let kept = TempDir::new().unwrap();
    let dir = child.stop().await.unwrap();
    closed(&data).await;
    copy_all(&data, kept.path());
    let child = child_in(dir, port, &key, gateway_key.clone(), &store).await;
    child.sign_in("duty").await.does(1, "acknowledge", json!({})).await;
    let dir = child.stop().await.unwrap();
    // This head and no newer one: clocks that run out may let the chains grow at any moment.
    let signed = hub::store::seal::read_heads(&data.join("audit-heads.jsonl")).unwrap();
    let newest = signed.lines.last().unwrap().signature.clone();
    let child = child_in(dir, port, &key, gateway_key.clone(), &store).await;
    until("the head of the second stop is at the parent", 120, || async {
        let page = root.get(&heads).await;
        let items = page["items"].as_array()?;
        items.iter().any(|head| head["signature"] == json!(newest)).then_some(())
    })
    .await;
    let dir = child.stop().await.unwrap();
    closed(&data).await;
    // Everything of the machine goes back to the older state: database, key and heads.
    copy_all(kept.path(), &data);
    let child = child_in(dir, port, &key, gateway_key.clone(), &store).await;
    let (below, _) = hub::store::open(&store).await.unwrap();
    let alone = hub::store::seal::verify(&below, &data).await.unwrap();
    assert_eq!(alone.problems, Vec::<String>::new(), "here nothing shows it");
    let mut pages = String::new();
    for head in root.get(&heads).await["items"].as_array().unwrap() {
        pages.push_str(&format!("{head}\n"));
    }
    let file = kept.path().join("heads.jsonl");
    std::fs::write(&file, pages).unwrap();
    let report = hub::store::seal::verify_with(&below, &data, Some(&file)).await.unwrap();
    assert!(report.problems.iter().any(|p| p.contains("cut off")), "{report:?}");
    // And the parent says so by itself as soon as something new is signed.
    child.sign_in("duty").await;
    let dir = child.stop().await.unwrap();
    let child = child_in(dir, port, &key, gateway_key, &store).await;
    let told = until("the parent warns", 120, || async {
        let list = root.get("/api/v1/children").await;
        list["items"][0]["audit_problem"].as_str().map(str::to_owned)
    })
    .await;
    assert!(told.contains("cut off") || told.contains("rewritten"), "{told}");
    drop(child);
}

/// Waits until nothing of this process has the database of a hub open. A hub that was stopped has committed
/// everything, but SQLite's threads close the file a moment later, and the last one may carry its log over
/// into it: a copy made meanwhile is neither the old state nor the new one.
async fn closed(data: &Path) {
    let data = data.canonicalize().unwrap();
    eventually("the database is closed", || async {
        let open = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
        // A descriptor may be gone by the time it is looked at.
        let mut files = open.filter_map(|fd| std::fs::read_link(fd.path()).ok());
        let is_ours = |file: &Path| {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            file.starts_with(&data) && name.starts_with("hub.db")
        };
        (!files.any(|file| is_ours(&file))).then_some(())
    })
    .await;
}

/// The files of a hub's machine that its proofs rest on, with what is not yet in the database's own file.
fn copy_all(from: &Path, to: &Path) {
    drop(std::fs::remove_file(to.join("hub.db-shm")));
    for file in ["hub.db", "hub.db-wal", "audit.key", "audit-heads.jsonl"] {
        if std::fs::copy(from.join(file), to.join(file)).is_err() {
            assert_eq!(file, "hub.db-wal", "only that one may be missing");
            drop(std::fs::remove_file(to.join(file)));
        }
    }
}

#[tokio::test]
async fn audit_is_searched_by_area_and_exported() {
    let hub = Hub::start().await;
    hub.send(&batch(doors(1..=1))).await;
    let mut far = alert(2, "kitchen", Kind::Smoke);
    far.site = gridwatch_protocol::SiteId::new("xinghe-market").unwrap();
    far.id = AlertId(Uuid::now_v7());
    hub.send(&batch(vec![far])).await;
    let duty = hub.sign_in("duty").await;
    for case in [1, 2] {
        duty.does(case, "acknowledge", json!({})).await;
        let reveal = duty.request(Method::POST, &format!("/api/v1/cases/{case}/reveals"));
        let reveal = reveal.json(&json!({ "what": "reporter", "reason": "=to call back" }));
        assert_eq!(reveal.send().await.unwrap().status(), StatusCode::CREATED);
    }
    let refused = duty.request(Method::GET, "/api/v1/audit").send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    let lines = |page: &Value| -> Vec<(String, Value)> {
        let items = page["items"].as_array().unwrap().iter();
        items.map(|l| (l["action"].as_str().unwrap().to_owned(), l["case"].clone())).collect()
    };
    let all = hub.sign_in("audit").await;
    let page = all.get("/api/v1/audit?actor=duty").await;
    assert_eq!(lines(&page).len(), 3, "a sign-in and two reveals: {page}");
    let acted = all.get("/api/v1/audit?chain=cases&action=acknowledge").await;
    assert_eq!(lines(&acted).len(), 2);
    // Pages of one, newest first, nothing twice.
    let (mut after, mut links) = (String::new(), Vec::new());
    loop {
        let page = all.get(&format!("/api/v1/audit?limit=1{after}")).await;
        links.push(page["items"][0]["link"].as_i64().unwrap());
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert!(links.windows(2).all(|pair| pair[0] == pair[1] + 1) && links.last() == Some(&1));

    let mut hand = around(&hub.store).await;
    sqlx::query("UPDATE users SET area = '990101001001002' WHERE name = 'audit'")
        .execute(&mut hand)
        .await
        .unwrap();
    let near = hub.sign_in("audit").await;
    let only = |page: Value| lines(&page).into_iter().map(|(_, case)| case).collect::<Vec<_>>();
    assert_eq!(only(near.get("/api/v1/audit").await), [json!(2)]);
    let cases = only(near.get("/api/v1/audit?chain=cases").await);
    assert!(!cases.is_empty() && cases.iter().all(|case| *case == 2), "{cases:?}");
    let from = format!("/api/v1/audit?from={}", hub::now());
    assert_eq!(only(near.get(&from).await).len(), 0);
    let csv = near.request(Method::GET, "/api/v1/audit.csv").send().await.unwrap();
    assert!(csv.headers()["content-type"].to_str().unwrap().starts_with("text/csv"));
    let csv = csv.text().await.unwrap();
    assert_eq!(csv.lines().count(), 2, "{csv}");
    assert!(csv.contains(",revealed,"));
    let wrong = near.request(Method::GET, "/api/v1/audit?from=yesterday").send().await.unwrap();
    assert_eq!(wrong.status(), StatusCode::UNPROCESSABLE_ENTITY);
}
