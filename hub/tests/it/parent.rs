//! A hub and its parent: real processes and sockets, TLS, cut lines, kills and restores. The parent is on
//! the store that the tests run on, the child on SQLite.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gridwatch_protocol::{Alert, AlertId, Kind, Phase};
use hub::access::Scope;
use hub::certificates;
use hub::parent::children::list::{ChildFilter, ChildScope};
use hub::parent::children::rows::ChildRow;
use hub::secrets;
use hub::store::cases::{Cursor, Drills, Filter, Which};
use hub::store::{Store, StoreUrl, backup};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use reqwest::{Certificate, Client, Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::harness::{
    Hub, Officer, PASSWORD, PLAIN, alert, around, batch, client_builder, eventually,
    new_store, populate, write_files_for,
};
use super::process::{self, Running};

const CHILD: &str = "donghu";

/// A port that nobody has at this moment; hubs that are restarted come back on it.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// A line that can be cut: while it is, nothing gets through and new connections end at once.
struct Line {
    port: u16,
    cut: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Line {
    async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let cut = Arc::new(AtomicBool::new(false));
        let is_cut = Arc::clone(&cut);
        let task = tokio::spawn(async move {
            while let Ok((from, _)) = listener.accept().await {
                if !is_cut.load(Ordering::Relaxed) {
                    tokio::spawn(carry(from, port, Arc::clone(&is_cut)));
                }
            }
        });
        Self {
            port: own,
            cut,
            task,
        }
    }

    fn cut(&self, cut: bool) {
        self.cut.store(cut, Ordering::Relaxed);
    }
}

async fn carry(mut from: TcpStream, port: u16, cut: Arc<AtomicBool>) {
    let Ok(mut to) = TcpStream::connect(("127.0.0.1", port)).await else {
        return;
    };
    let ends = async {
        while !cut.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut from, &mut to) => {}
        () = ends => {}
    }
}

/// Adds the child at the parent's store; gives its key.
async fn add_child(store: &StoreUrl) -> String {
    let (_, mut writer) = hub::store::open(store).await.unwrap();
    let key = secrets::random_token();
    let row = ChildRow {
        id: CHILD.parse().unwrap(),
        name: "东湖区".into(),
        area: "990101".into(),
        area_path: "/990100/990101/".into(),
        key_hash: secrets::token_hash(&key),
        added_at: hub::now(),
        revoked_at: None,
    };
    writer.add_child_hub(&row).await.unwrap();
    key
}

fn child_section(url: &str, key: &Path, more: &str) -> String {
    format!(
        "[notify]\nallow_hosts = [\"localhost\", \"127.0.0.1\"]\n[parent]\nurl = \"{url}\"\nhub = \"{CHILD}\"\nname = \"city\"\nkey_file = \"{}\"\nunits = [\"binhai-gas\"]\n{more}",
        key.display()
    )
}

fn all() -> Filter {
    Filter {
        which: Which::All,
        drills: Drills::With,
        limit: 500,
        ..Filter::default()
    }
}

/// What both sides must agree on.
type Seen = BTreeMap<i64, (String, String, i64, String)>;

async fn own_cases(store: &Store) -> Seen {
    let mut seen = Seen::new();
    let mut filter = all();
    loop {
        let page = store.list_cases(&filter, &Scope::whole()).await.unwrap();
        let Some(last) = page.last() else { return seen };
        filter.after = Some(Cursor::of(last, Which::All));
        for case in page {
            let state = case.state.as_str().to_owned();
            let card = case.progress.card.as_str().to_owned();
            seen.insert(case.id, (case.number, state, case.version, card));
        }
    }
}

fn everything() -> ChildScope {
    let root = hub::cases::Actor {
        username: "root".into(),
        display_name: "ROOT".into(),
        role: hub::cases::Role::Administrator,
        unit: None,
    };
    ChildScope::of(&root, &Scope::whole())
}

async fn told_cases(store: &Store) -> Seen {
    let filter = ChildFilter {
        limit: 1_000_000,
        ..ChildFilter::default()
    };
    let rows = store.child_cases(&filter, &everything()).await.unwrap();
    let rows = rows.into_iter().filter(|row| row.lost_at.is_none());
    rows.map(|row| {
        let case = row.document;
        (case.case, (case.number, case.state, case.version, case.card))
    })
    .collect()
}

async fn sign_in(client: &Client, url: &str, name: &str) -> Officer {
    let response = client
        .post(format!("{url}/api/v1/session"))
        .header("x-gridwatch-request", "1")
        .json(&json!({ "username": name, "password": PASSWORD }))
        .send()
        .await
        .unwrap();
    let cookie = response.headers()["set-cookie"].to_str().unwrap();
    Officer {
        cookie: cookie.split(';').next().unwrap().to_owned(),
        url: url.to_owned(),
        client: client.clone(),
    }
}

/// A parent and a child as processes, TLS between them.
struct Pair {
    parent: Option<Running>,
    child: Option<Running>,
    parent_config: PathBuf,
    child_config: PathBuf,
    parent_store: StoreUrl,
    child_store: StoreUrl,
    parent_url: String,
    line: Line,
    gateway_key: String,
    client: Client,
    _dirs: [TempDir; 2],
}

impl Pair {
    async fn start() -> Self {
        let (above, below) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let port = free_port();
        let line = Line::to(port).await;
        let text = format!("listen = \"127.0.0.1:{port}\"\n");
        let parent_config = write_files_for(above.path(), &text, &new_store());
        let loaded = hub::config::load(&parent_config).unwrap().config;
        populate(&loaded).await;
        certificates::make_missing(&loaded.data_dir, &[]).unwrap();
        let parent_store = loaded.store_url().unwrap();
        let key = add_child(&parent_store).await;

        let key_file = below.path().join("parent.key");
        std::fs::write(&key_file, key).unwrap();
        let ca = loaded.data_dir.join("ca.pem");
        let url = format!("https://localhost:{}", line.port);
        let ca_line = format!("ca_file = \"{}\"\n", ca.display());
        let text = format!("{PLAIN}{}", child_section(&url, &key_file, &ca_line));
        let child_config = write_files_for(below.path(), &text, "sqlite:hub.db");
        let child = hub::config::load(&child_config).unwrap().config;
        let gateway_key = populate(&child).await;
        let pem = std::fs::read(ca).unwrap();
        let client = client_builder()
            .tls_certs_merge([Certificate::from_pem(&pem).unwrap()])
            .timeout(Duration::from_secs(30))
            .build()
            .unwrap();
        Self {
            parent: Some(process::start(&parent_config)),
            child: Some(process::start(&child_config)),
            parent_store,
            child_store: child.store_url().unwrap(),
            parent_url: format!("https://localhost:{port}"),
            parent_config,
            child_config,
            line,
            gateway_key,
            client,
            _dirs: [above, below],
        }
    }

    fn child_at(&self) -> SocketAddr {
        self.child.as_ref().unwrap().address
    }

    async fn raise(&self, alerts: Vec<Alert>) {
        let response = self
            .client
            .post(format!("http://{}/v1/batches", self.child_at()))
            .bearer_auth(&self.gateway_key)
            .body(serde_json::to_vec(&batch(alerts)).unwrap())
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::OK);
    }

    fn kill_parent(&mut self) {
        // Dropped is killed with SIGKILL.
        self.parent = None;
        self.parent = Some(process::start(&self.parent_config));
    }

    fn kill_child(&mut self) {
        self.child = None;
        self.child = Some(process::start(&self.child_config));
    }

    async fn officer_below(&self, name: &str) -> Officer {
        sign_in(&self.client, &format!("http://{}", self.child_at()), name).await
    }
}

/// Some officer does something to some cases.
async fn some_changes(pair: &Pair, random: &mut StdRng, count: usize, cases: i64) {
    let duty = pair.officer_below("duty").await;
    for _ in 0..count {
        let case = random.random_range(1..=cases);
        let now = duty.get(&format!("/api/v1/cases/{case}")).await;
        let version = now["version"].as_i64().unwrap();
        let action = *["acknowledge", "verify", "file", "reject", "note"]
            .choose(random)
            .unwrap();
        // What the case does not allow is refused; that is no change.
        duty.act(case, action, version).await;
    }
}

async fn ask(officer: &Officer, case: i64, body: &Value) -> (StatusCode, Value) {
    let path = format!("/api/v1/children/{CHILD}/cases/1/{case}/commands");
    let request = officer.request(Method::POST, &path).json(body);
    let response = request.send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

async fn until<T, F: Future<Output = Option<T>>>(what: &str, seconds: u64, mut check: impl FnMut() -> F) -> T {
    let end = tokio::time::Instant::now() + Duration::from_secs(seconds);
    loop {
        if let Some(found) = check().await {
            return found;
        }
        assert!(tokio::time::Instant::now() < end, "not within {seconds} s: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_cases_are_the_same_on_both_sides_after_cuts_and_kills() {
    const CASES: u64 = 2_000;
    let cases = i64::try_from(CASES).unwrap();
    let seed = rand::rng().random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut pair = Pair::start().await;
    let all: Vec<Alert> = (1..=CASES)
        .map(|n| alert(n, &format!("door-{n}"), Kind::DoorForced))
        .collect();
    pair.raise(all[..200].to_vec()).await;
    let (above, _) = hub::store::open(&pair.parent_store).await.unwrap();
    until("the first cases are at the parent", 60, || async {
        (told_cases(&above).await.len() == 200).then_some(())
    })
    .await;

    pair.line.cut(true);
    for part in all[200..].chunks(200) {
        pair.raise(part.to_vec()).await;
    }
    some_changes(&pair, &mut random, 120, cases).await;
    let mut commands = Vec::new();
    for round in 0..4 {
        let boss = sign_in(&pair.client, &pair.parent_url, "boss").await;
        for n in 0..8 {
            let case = random.random_range(1..=200);
            let reason = format!("command {round}.{n}");
            let body = match n % 3 {
                0 => json!({ "action": "set_card", "card": "yellow", "reason": reason }),
                1 => json!({ "action": "comment", "reason": reason }),
                _ => json!({ "action": "set_urgent", "yes": true, "reason": reason }),
            };
            let (status, answer) = ask(&boss, case, &body).await;
            assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
            commands.push((case, reason));
        }
        pair.line.cut(false);
        tokio::time::sleep(Duration::from_millis(random.random_range(50..900))).await;
        match round {
            0 => pair.kill_parent(),
            1 => pair.kill_child(),
            2 => {
                pair.line.cut(true);
                pair.kill_parent();
                pair.kill_child();
            }
            _ => pair.kill_child(),
        }
        some_changes(&pair, &mut random, 40, cases).await;
    }
    pair.line.cut(false);

    let (below, _) = hub::store::open(&pair.child_store).await.unwrap();
    let boss = sign_in(&pair.client, &pair.parent_url, "boss").await;
    until("every command has its result", 90, || async {
        for (case, reason) in &commands {
            let shown = boss.get(&format!("/api/v1/children/{CHILD}/cases/1/{case}")).await;
            let all = shown["commands"].as_array().unwrap();
            let found = all.iter().find(|c| c["reason"] == json!(reason)).unwrap();
            found.get("result")?;
        }
        Some(())
    })
    .await;
    let expected = own_cases(&below).await;
    assert_eq!(expected.len(), 2_000);
    until("both sides have the same cases", 90, || async {
        (told_cases(&above).await == expected).then_some(())
    })
    .await;
    for (case, reason) in &commands {
        let path = format!("/api/v1/children/{CHILD}/cases/1/{case}");
        let shown = boss.get(&path).await;
        let all = shown["commands"].as_array().unwrap();
        let found = all.iter().find(|c| c["reason"] == json!(reason)).unwrap();
        // A case that was rejected meanwhile takes no card: refused, and not in its history.
        let times = usize::from(found["result"]["outcome"] == "done");
        let rows = below.transitions_of(*case).await.unwrap();
        let done = rows.iter().filter(|row| row.reason.as_ref() == Some(reason));
        let actors: Vec<&str> = done.map(|row| row.actor.as_str()).collect();
        assert_eq!(
            actors,
            vec!["parent:city"; times],
            "{reason} on case {case}: once when it was done"
        );
    }
    println!("{} cases and {} commands", expected.len(), commands.len());
}

/// In this process, on plain loopback.
async fn parent_on(port: u16, dir: TempDir, store: &StoreUrl) -> Hub {
    let url = match store {
        StoreUrl::Sqlite(path) => format!("sqlite:{}", path.display()),
        StoreUrl::Postgres(url) => url.clone(),
    };
    let text = format!("listen = \"127.0.0.1:{port}\"\ntls = false\n");
    let path = write_files_for(dir.path(), &text, &url);
    let loaded = hub::config::load(&path).unwrap();
    Hub::run(dir, loaded, String::new(), client_builder().build().unwrap()).await
}

async fn new_parent() -> (Hub, String, u16) {
    let (dir, port) = (TempDir::new().unwrap(), free_port());
    let path = write_files_for(dir.path(), PLAIN, &new_store());
    let config = hub::config::load(&path).unwrap().config;
    populate(&config).await;
    let store = config.store_url().unwrap();
    let key = add_child(&store).await;
    (parent_on(port, dir, &store).await, key, port)
}

async fn child_of(port: u16, key: &str, gateway: Option<(String, StoreUrl)>, more: &str) -> Hub {
    let dir = TempDir::new().unwrap();
    let key_file = dir.path().join("parent.key");
    std::fs::write(&key_file, key).unwrap();
    let section = child_section(&format!("http://127.0.0.1:{port}"), &key_file, more);
    let store = match &gateway {
        Some((_, StoreUrl::Sqlite(path))) => format!("sqlite:{}", path.display()),
        _ => "sqlite:hub.db".to_owned(),
    };
    let path = write_files_for(dir.path(), &format!("{PLAIN}{section}"), &store);
    let loaded = hub::config::load(&path).unwrap();
    let key = match gateway {
        Some((key, _)) => key,
        None => populate(&loaded.config).await,
    };
    Hub::run(dir, loaded, key, client_builder().build().unwrap()).await
}

async fn agree(child: &Hub, parent: &Hub) -> Seen {
    let (below, _) = hub::store::open(&child.store).await.unwrap();
    let (above, _) = hub::store::open(&parent.store).await.unwrap();
    eventually("both sides have the same cases", || async {
        let own = own_cases(&below).await;
        (told_cases(&above).await == own).then_some(own)
    })
    .await
}

fn doors(numbers: std::ops::RangeInclusive<u64>) -> Vec<Alert> {
    numbers
        .map(|n| alert(n, &format!("door-{n}"), Kind::DoorForced))
        .collect()
}

#[tokio::test]
async fn parent_restored_from_an_old_backup_is_told_what_it_lacks() {
    let (parent, key, port) = new_parent().await;
    let child = child_of(port, &key, None, "").await;
    child.send(&batch(doors(1..=5))).await;
    agree(&child, &parent).await;
    let (above, _) = hub::store::open(&parent.store).await.unwrap();
    let kept = TempDir::new().unwrap();
    let old = backup::write(&above, &kept.path().join("b"), hub::now()).await.unwrap().path;
    child.send(&batch(doors(6..=9))).await;
    let duty = child.sign_in("duty").await;
    duty.does(2, "acknowledge", json!({})).await;
    agree(&child, &parent).await;
    let dir = parent.stop().await.unwrap();
    let into = match super::STORE {
        crate::Kind::Sqlite => StoreUrl::Sqlite(kept.path().join("new.db")),
        crate::Kind::Postgres => StoreUrl::Postgres(new_store()),
    };
    backup::restore(&old, &into, hub::now()).await.unwrap();
    let parent = parent_on(port, TempDir::new().unwrap(), &into).await;
    drop(dir);
    assert_eq!(agree(&child, &parent).await.len(), 9);
}

#[tokio::test]
async fn child_restored_from_an_old_backup_tells_everything_anew_and_what_it_lost_is_marked() {
    let (parent, key, port) = new_parent().await;
    let child = child_of(port, &key, None, "").await;
    child.send(&batch(doors(1..=5))).await;
    agree(&child, &parent).await;
    let (below, _) = hub::store::open(&child.store).await.unwrap();
    let kept = TempDir::new().unwrap();
    let old = backup::write(&below, &kept.path().join("b"), hub::now()).await.unwrap().path;
    drop(below);
    child.send(&batch(doors(6..=8))).await;
    child.sign_in("duty").await.does(1, "reject", json!({ "condition": "false_alarm" })).await;
    agree(&child, &parent).await;
    let gateway_key = child.key.clone();
    child.stop().await.unwrap();
    let into = StoreUrl::Sqlite(kept.path().join("new.db"));
    backup::restore(&old, &into, hub::now()).await.unwrap();
    let child = child_of(port, &key, Some((gateway_key, into)), "").await;
    // Another case takes the number of one that was lost.
    child.send(&batch(doors(20..=20))).await;
    assert_eq!(agree(&child, &parent).await.len(), 6);
    let li = parent.sign_in("li").await;
    let lost = li.get("/api/v1/children/cases?state=ended").await;
    let lost = lost["items"].as_array().unwrap();
    assert_eq!(lost.len(), 3, "cases 6 to 8 of the first life");
    assert!(lost.iter().all(|row| row["lost_at"].is_string() && row["case"]["case_epoch"] == 1));
    let open = li.get("/api/v1/children/cases").await;
    let one = open["items"].as_array().unwrap();
    let newest = one.iter().find(|row| row["case"]["case"] == 6).unwrap();
    assert_eq!(newest["case"]["case_epoch"], 2);
    let states: Vec<&Value> = one.iter().map(|row| &row["case"]["state"]).collect();
    assert!(states.iter().all(|state| **state == "reported"), "{states:?}");
}

#[tokio::test]
async fn events_that_were_let_go_are_replaced_by_the_present_state() {
    let (parent, key, port) = new_parent().await;
    let child = child_of(port, &key, None, "").await;
    child.send(&batch(doors(1..=4))).await;
    agree(&child, &parent).await;
    let parent_store = parent.store.clone();
    let dir = parent.stop().await.unwrap();
    child.send(&batch(doors(5..=7))).await;
    child.sign_in("duty").await.does(1, "reject", json!({ "condition": "false_alarm" })).await;
    // Days later.
    let mut hand = around(&child.store).await;
    sqlx::query("DELETE FROM events").execute(&mut hand).await.unwrap();
    let parent = parent_on(port, dir, &parent_store).await;
    assert_eq!(agree(&child, &parent).await.len(), 7);
}

#[tokio::test]
async fn only_what_the_parent_wants_goes_up_and_what_went_up_is_told_to_its_end() {
    let (parent, key, port) = new_parent().await;
    let child = child_of(port, &key, None, "severities = [\"P1\"]\n").await;
    let smoke = alert(1, "kitchen", Kind::Smoke);
    child.send(&batch(vec![smoke.clone()])).await;
    child.send(&batch(vec![alert(2, "door", Kind::DoorForced)])).await;
    let mut drill = alert(3, "hall", Kind::Smoke);
    drill.is_test = true;
    child.send(&batch(vec![drill])).await;
    let li = parent.sign_in("li").await;
    let all = "/api/v1/children/cases?state=all";
    eventually("the fire is there", || async {
        let page = li.get(all).await;
        (page["items"].as_array().unwrap().len() == 1).then_some(())
    })
    .await;
    let clears = Alert {
        revision: 1,
        phase: Phase::Cleared,
        sequence: Some(4),
        ..smoke
    };
    child.send(&batch(vec![clears])).await;
    eventually("it is told that the alarm has cleared", || async {
        let page = li.get(all).await;
        (page["items"][0]["case"]["alerts_active"] == 0).then_some(())
    })
    .await;
    let page = li.get(all).await;
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    let case = &page["items"][0]["case"];
    assert_eq!(case["area_path"].as_array().unwrap().len(), 5);
    assert_eq!(case["steps"][0]["to"], "reported");
    assert_eq!(li.cases().await, Vec::<Value>::new(), "never among the own cases");
}

#[tokio::test]
async fn call_upward_is_answered_by_its_unit_at_the_parent_once() {
    let (parent, key, port) = new_parent().await;
    let mut hand = around(&parent.store).await;
    sqlx::query("UPDATE users SET unit = 'binhai-gas' WHERE name = 'qian'")
        .execute(&mut hand)
        .await
        .unwrap();
    let child = child_of(port, &key, None, "severities = [\"P1\"]\n").await;
    let mut leak = alert(1, "cellar", Kind::WaterLeak);
    leak.severity = gridwatch_protocol::Severity::P3;
    child.send(&batch(vec![leak, alert(2, "kitchen", Kind::Smoke)])).await;
    let duty = child.sign_in("duty").await;
    let cases = duty.cases().await;
    let leak = cases.iter().find(|case| case["severity"] != "P1").unwrap();
    let id = leak["id"].as_i64().unwrap();
    duty.does(id, "call_up", json!({ "unit": "binhai-gas" })).await;
    // The unit sees the case that calls it and no other one.
    let qian = parent.sign_in("qian").await;
    let page = eventually("the call is there", || async {
        let page = qian.get("/api/v1/children/cases?calls=true").await;
        (page["items"].as_array().unwrap().len() == 1).then_some(page)
    })
    .await;
    assert_eq!(page["items"][0]["case"]["calls"][0]["reason"], "a reason");
    assert_eq!(qian.get("/api/v1/children/cases?state=all").await["items"].as_array().unwrap().len(), 1);
    assert_eq!(qian.get("/api/v1/children").await["items"], json!([]));
    let answer = json!({ "action": "answer_call", "call": 1, "unit": "binhai-gas", "reason": "a crew is on its way" });
    let (status, problem) = ask(&parent.sign_in("duty").await, id, &answer).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{problem}");
    for _ in 0..2 {
        let (status, asked) = ask(&qian, id, &answer).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{asked}");
    }
    let path = format!("/api/v1/children/{CHILD}/cases/1/{id}");
    let shown = eventually("both have their results", || async {
        let shown = qian.get(&path).await;
        let all = shown["commands"].as_array().unwrap();
        all.iter().all(|c| c.get("result").is_some()).then_some(shown)
    })
    .await;
    let results = shown["commands"].as_array().unwrap().iter();
    let mut results: Vec<&str> = results.map(|c| c["result"]["outcome"].as_str().unwrap()).collect();
    results.sort_unstable();
    assert_eq!(results, ["done", "refused"], "a call is answered once");
    let case = duty.get(&format!("/api/v1/cases/{id}")).await;
    assert_eq!(case["progress"]["calls"][0]["answered_by"], "parent:city");
    eventually("the parent sees its answer", || async {
        let page = qian.get(&path).await;
        page["case"]["calls"][0]["answered_at"].is_string().then_some(())
    })
    .await;
}

#[tokio::test]
async fn officers_see_children_and_their_cases_by_area_and_silence_is_shown() {
    let (parent, key, port) = new_parent().await;
    let child = child_of(port, &key, None, "").await;
    child.send(&batch(doors(1..=2))).await;
    let mut far = alert(3, "kitchen", Kind::Smoke);
    far.site = gridwatch_protocol::SiteId::new("xinghe-market").unwrap();
    child.send(&batch(vec![far])).await;
    agree(&child, &parent).await;
    let li = parent.sign_in("li").await;
    let shown = eventually("the child is heard", || async {
        let list = li.get("/api/v1/children").await;
        (list["items"][0]["state"] == "online").then_some(list["items"][0].clone())
    })
    .await;
    assert_eq!((&shown["open"]["P1"], &shown["open"]["P2"]), (&json!(1), &json!(2)));
    assert_eq!(shown["area_path"][1]["code"], "990101");
    let mut hand = around(&parent.store).await;
    for statement in [
        "UPDATE users SET area = '990101001001002' WHERE name = 'chen'",
        "UPDATE child_status SET last_heartbeat_at = last_heartbeat_at - 100000",
    ] {
        child_stopped(&child).await;
        sqlx::query(statement).execute(&mut hand).await.unwrap();
    }
    let chen = parent.sign_in("chen").await;
    let seen = chen.get("/api/v1/children/cases").await;
    assert_eq!(seen["items"].as_array().unwrap().len(), 1);
    assert_eq!(seen["items"][0]["case"]["site"], "xinghe-market");
    assert_eq!(chen.get("/api/v1/children").await["items"], json!([]));
    let (status, _) = ask(&chen, 1, &json!({ "action": "comment", "reason": "x" })).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    // Pages of one, in order, without a case twice.
    let mut after = String::new();
    let mut found = Vec::new();
    loop {
        let page = li.get(&format!("/api/v1/children/cases?limit=1{after}")).await;
        found.push(page["items"][0]["case"]["case"].as_i64().unwrap());
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(found, [3, 1, 2]);
    let auditor = parent.request_as("audit", Method::POST, "/api/v1/children/donghu/cases/1/1/commands");
    let refused = auditor.await.json(&json!({ "action": "comment", "reason": "x" })).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
}

/// The last heartbeat may still be on its way: nothing here depends on when it arrives.
async fn child_stopped(child: &Hub) {
    let mut hand = around(&child.store).await;
    sqlx::query("UPDATE parent_link SET holder = 'nobody', lease_until = 9000000000000")
        .execute(&mut hand)
        .await
        .unwrap();
}

impl Hub {
    async fn request_as(&self, name: &str, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.sign_in(name).await.request(method, path)
    }
}

#[tokio::test]
async fn wrong_and_revoked_keys_and_other_names_are_refused() {
    let (parent, key, _) = new_parent().await;
    let batch = |hub: &str| json!({ "version": 1, "hub": hub, "epoch": 1, "items": [] });
    let post = async |key: &str, body: Value| {
        let request = parent.client.post(parent.url("/v1/children/batches"));
        request.bearer_auth(key).json(&body).send().await.unwrap().status().as_u16()
    };
    assert_eq!(post(&key, batch(CHILD)).await, 200);
    assert_eq!(post(&key, batch("other")).await, 403);
    assert_eq!(post("nonsense", batch(CHILD)).await, 401);
    let mut newer = batch(CHILD);
    newer["version"] = json!(2);
    assert_eq!(post(&key, newer).await, 400);
    assert_eq!(post(&key, json!([])).await, 400);
    let (_, mut writer) = hub::store::open(&parent.store).await.unwrap();
    assert!(writer.revoke_child_hub(&CHILD.parse().unwrap(), hub::now()).await.unwrap());
    assert_eq!(post(&key, batch(CHILD)).await, 401);
}

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

/// The command line, from adding a child to a configuration that is right.
#[test]
fn join_file_of_the_parent_makes_the_section_of_the_child() {
    let (above, below) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let run = |dir: &Path, arguments: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_hub"))
            .args(arguments)
            .current_dir(dir)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.success(), String::from_utf8(output.stdout).unwrap(), told)
    };
    let parent_config = write_files_for(above.path(), PLAIN, &new_store());
    let data = hub::config::load(&parent_config).unwrap().config.data_dir;
    certificates::make_missing({ certificates::make_private_dir(&data).unwrap(); &data }, &[]).unwrap();
    let add = ["child", "add", CHILD, "--area", "990101", "--url", "https://203.0.113.7:8443"];
    let (ok, _, told) = run(above.path(), &["child", "add", CHILD, "--area", "77", "--url", "https://h"]);
    assert!(!ok && told.contains("not the code of an area"), "{told}");
    let (ok, join, told) = run(above.path(), &add);
    assert!(ok, "{told}");
    let (ok, _, told) = run(above.path(), &add);
    assert!(!ok && told.contains("exists"), "{told}");

    std::fs::write(below.path().join("join.toml"), &join).unwrap();
    let config = write_files_for(below.path(), PLAIN, "sqlite:hub.db");
    let (ok, section, told) = run(below.path(), &["parent", "join", "join.toml"]);
    assert!(ok, "{told}");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("{text}[notify]\nallow_hosts = [\"203.0.113.7\"]\n{section}")).unwrap();
    let loaded = hub::config::load(&config).unwrap().config;
    assert_eq!((loaded.parent.hub.as_str(), loaded.parent.is_set()), (CHILD, true));
    hub::parent::up::client::Parent::open(&loaded.parent, &loaded.notify.allow_hosts).unwrap();
    let closed = format!("{text}{section}").replace("203.0.113.7", "10.0.0.9");
    std::fs::write(&config, closed).unwrap();
    let told = hub::config::load(&config).unwrap_err().to_string();
    assert!(told.contains("parent.url") && told.contains("allow_hosts"), "{told}");
    let (ok, list, _) = run(above.path(), &["child", "list"]);
    assert!(ok && list.contains("东湖区") && list.contains("never heard"), "{list}");
    let (ok, _, told) = run(above.path(), &["child", "revoke", CHILD]);
    assert!(ok, "{told}");
    assert!(run(above.path(), &["child", "list"]).1.contains("revoked"));
}

async fn child_in(dir: TempDir, port: u16, key: &str, gateway: String, store: &StoreUrl) -> Hub {
    let key_file = dir.path().join("parent.key");
    std::fs::write(&key_file, key).unwrap();
    let section = child_section(&format!("http://127.0.0.1:{port}"), &key_file, "");
    let StoreUrl::Sqlite(path) = store else {
        panic!("the child is on SQLite")
    };
    let url = format!("sqlite:{}", path.display());
    let path = write_files_for(dir.path(), &format!("{PLAIN}{section}"), &url);
    let loaded = hub::config::load(&path).unwrap();
    Hub::run(dir, loaded, gateway, client_builder().build().unwrap()).await
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
