//! A hub and its parent: real processes and sockets, TLS, cut lines, kills and restores. The parent is on
//! the store that the tests run on, the child on SQLite.

mod audit;
mod exactly_once;
mod feed;
mod keys;
mod link;
mod officers;
mod restores;
mod silence;

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
