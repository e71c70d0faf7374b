//! A hub in this process: temp directory, port 0, its own store, users and gateway.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gridwatch_protocol::{
    Alert, AlertId, Batch, ClockQuality, DetectedBy, DeviceId, GatewayId, Heartbeat, Kind, Phase,
    Place, Receipt, Severity, SiteId, StreamId, Text, Timestamp, WIRE_VERSION,
};
use hub::cases::{Actor, Role};
use hub::config::{self, Loaded};
use hub::secrets;
use hub::store::StoreUrl;
use hub::store::accounts::UserRow;
use hub::store::gateways::GatewayRow;
use reqwest::{Client, ClientBuilder, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use sqlx::Connection;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::STORE;
use crate::{Kind as StoreKind, postgres_server};

pub(crate) const PASSWORD: &str = "correct horse battery";
/// A hub on plain loopback.
pub(crate) const PLAIN: &str = "listen = \"127.0.0.1:0\"\ntls = false\n";
/// name, role
pub(crate) const USERS: [(&str, Role); 10] = [
    ("duty", Role::DutyOfficer),
    ("li", Role::Supervisor),
    ("chen", Role::Supervisor),
    ("root", Role::Administrator),
    ("sun", Role::Dispatcher),
    ("qian", Role::Unit),
    ("zhao", Role::Handler),
    ("zhou", Role::Checker),
    ("boss", Role::Leader),
    ("audit", Role::Auditor),
];

/// The unit of `qian` and `zhao`.
pub(crate) const UNIT: &str = "xinghe-property";

pub(crate) struct Hub {
    pub(crate) dir: TempDir,
    pub(crate) address: SocketAddr,
    pub(crate) key: String,
    pub(crate) client: Client,
    pub(crate) tls: bool,
    pub(crate) store: StoreUrl,
    stop: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<anyhow::Result<()>>>,
}

/// A client with the TLS provider that the hub uses.
pub(crate) fn client_builder() -> ClientBuilder {
    // Every test but the first of this process finds it installed.
    drop(rustls::crypto::ring::default_provider().install_default());
    Client::builder().no_proxy()
}

/// Waits until a condition holds; says what it was when it does not within 20 s.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut check: impl FnMut() -> F,
) -> T {
    let end = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(found) = check().await {
            return found;
        }
        assert!(tokio::time::Instant::now() < end, "not within 20 s: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The address of a new, empty store for a hub in this directory.
pub(crate) fn new_store() -> String {
    match STORE {
        StoreKind::Sqlite => "sqlite:hub.db".to_owned(),
        StoreKind::Postgres => postgres_server::new_database(),
    }
}

/// A connection to a store that goes around the hub, as an administrator of the database could.
pub(crate) async fn around(store: &StoreUrl) -> sqlx::AnyConnection {
    sqlx::any::install_default_drivers();
    let url = match store {
        StoreUrl::Sqlite(path) => format!("sqlite://{}?mode=rw", path.display()),
        StoreUrl::Postgres(url) => url.clone(),
    };
    sqlx::AnyConnection::connect(&url).await.unwrap()
}

/// Writes a configuration with a store of its own and the files that it names.
pub(crate) fn write_files(dir: &Path, text: &str) -> PathBuf {
    write_files_for(dir, text, &new_store())
}

pub(crate) fn write_files_for(dir: &Path, text: &str, store: &str) -> PathBuf {
    for (name, text) in config::DEFAULT_FILES {
        std::fs::write(dir.join(name), text).unwrap();
    }
    let path = dir.join("hub.toml");
    std::fs::write(&path, format!("{text}[store]\nurl = \"{store}\"\n")).unwrap();
    path
}

/// Adds the users and the gateway `gw-1`; gives its key.
pub(crate) async fn populate(config: &config::Config) -> String {
    hub::certificates::make_private_dir(&config.data_dir).unwrap();
    let (_, mut writer) = hub::store::open(&config.store_url().unwrap())
        .await
        .unwrap();
    let password_hash = secrets::password_hash(PASSWORD);
    for (name, role) in USERS {
        let actor = Actor {
            username: name.into(),
            display_name: name.to_uppercase(),
            role,
            unit: matches!(role, Role::Unit | Role::Handler).then(|| UNIT.into()),
        };
        let user = UserRow {
            actor,
            password_hash: password_hash.clone(),
            language: None,
            area: None,
            created_at: hub::now(),
            disabled_at: None,
        };
        writer.add_user(&user).await.unwrap();
    }
    let mut first = String::new();
    for id in ["gw-1", "gw-2"] {
        let key = secrets::random_token();
        let row = GatewayRow {
            id: GatewayId::new(id).unwrap(),
            site: SiteId::new("xinghe-garden").unwrap(),
            key_hash: secrets::token_hash(&key),
            added_at: hub::now(),
            revoked_at: None,
        };
        writer.add_gateway(&row).await.unwrap();
        if first.is_empty() {
            first = key;
        }
    }
    first
}

/// A hub on a store that has users and gateways already.
pub(crate) async fn hub_on(store: &StoreUrl, key: String) -> Hub {
    run_on(store, key, |_| {}).await
}

/// A hub on such a store, in a directory of its own.
pub(crate) async fn run_on(store: &StoreUrl, key: String, change: impl FnOnce(&mut config::Config)) -> Hub {
    let dir = TempDir::new().unwrap();
    let url = match store {
        StoreUrl::Sqlite(path) => format!("sqlite:{}", path.display()),
        StoreUrl::Postgres(url) => url.clone(),
    };
    let path = write_files_for(dir.path(), PLAIN, &url);
    let mut loaded = config::load(&path).unwrap();
    change(&mut loaded.config);
    Hub::run(dir, loaded, key, client_builder().build().unwrap()).await
}

impl Hub {
    /// Runs `hub directory …` beside this hub; gives its exit status and what it told.
    pub(crate) async fn directory_command(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_hub"))
            .arg("directory")
            .args(arguments)
            .arg("--config")
            .arg(self.dir.path().join("hub.toml"))
            .output()
            .await
            .unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    }

    /// Plain HTTP on loopback.
    pub(crate) async fn start() -> Hub {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut config::Config)) -> Hub {
        let dir = TempDir::new().unwrap();
        let path = write_files(dir.path(), PLAIN);
        let mut loaded = config::load(&path).unwrap();
        change(&mut loaded.config);
        let key = populate(&loaded.config).await;
        Self::run(dir, loaded, key, client_builder().build().unwrap()).await
    }

    pub(crate) async fn run(dir: TempDir, loaded: Loaded, key: String, client: Client) -> Hub {
        let (stop, stopped) = oneshot::channel::<()>();
        let (ready, listening) = oneshot::channel();
        let tls = loaded.config.tls;
        let store = loaded.config.store_url().unwrap();
        let task = tokio::spawn(hub::hub::run(
            loaded,
            async {
                drop(stopped.await);
            },
            |address| ready.send(address).unwrap(),
        ));
        let Ok(address) = listening.await else {
            panic!("the hub does not listen: {:?}", task.await);
        };
        Hub {
            dir,
            address,
            key,
            client,
            tls,
            store,
            stop: Some(stop),
            task: Some(task),
        }
    }

    pub(crate) async fn stop(mut self) -> anyhow::Result<TempDir> {
        drop(self.stop.take());
        self.task.take().unwrap().await.unwrap()?;
        Ok(std::mem::replace(&mut self.dir, TempDir::new().unwrap()))
    }

    pub(crate) fn url(&self, path: &str) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}{path}", self.address)
    }

    pub(crate) async fn send(&self, batch: &Batch) -> Receipt {
        let response = self
            .post_gateway("/v1/batches", serde_json::to_vec(batch).unwrap())
            .await;
        assert_eq!(response.status(), StatusCode::OK);
        response.json().await.unwrap()
    }

    pub(crate) async fn heartbeat(&self, heartbeat: &Heartbeat) -> Value {
        let response = self
            .post_gateway("/v1/heartbeats", serde_json::to_vec(heartbeat).unwrap())
            .await;
        assert_eq!(response.status(), StatusCode::OK);
        response.json().await.unwrap()
    }

    pub(crate) async fn post_gateway(&self, path: &str, body: Vec<u8>) -> Response {
        self.client
            .post(self.url(path))
            .bearer_auth(&self.key)
            .body(body)
            .send()
            .await
            .unwrap()
    }

    pub(crate) async fn sign_in(&self, name: &str) -> Officer {
        let response = self.try_sign_in(name, PASSWORD).await;
        assert_eq!(response.status(), StatusCode::OK, "signing in {name}");
        let cookie = response.headers()["set-cookie"].to_str().unwrap();
        Officer {
            cookie: cookie.split(';').next().unwrap().to_owned(),
            url: self.url(""),
            client: self.client.clone(),
        }
    }

    pub(crate) async fn try_sign_in(&self, name: &str, password: &str) -> Response {
        self.client
            .post(self.url("/api/v1/session"))
            .header("x-gridwatch-request", "1")
            .json(&json!({ "username": name, "password": password }))
            .send()
            .await
            .unwrap()
    }
}

#[derive(Clone)]
pub(crate) struct Officer {
    pub(crate) cookie: String,
    pub(crate) url: String,
    pub(crate) client: Client,
}

impl Officer {
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.url))
            .header("cookie", &self.cookie)
            .header("x-gridwatch-request", "1")
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let response = self.request(Method::GET, path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "GET {path}");
        response.json().await.unwrap()
    }

    /// Acts, with a reason and what most categories take for filing and rejecting.
    pub(crate) async fn act(&self, case: i64, action: &str, version: i64) -> (StatusCode, Value) {
        let details = match action {
            "file" => json!({ "condition": "alarm_stands" }),
            "reject" => json!({ "condition": "false_alarm" }),
            _ => json!({}),
        };
        self.act_with(case, action, version, details, None).await
    }

    pub(crate) async fn act_with(
        &self,
        case: i64,
        action: &str,
        version: i64,
        details: Value,
        key: Option<&str>,
    ) -> (StatusCode, Value) {
        let mut body = json!({ "action": action, "version": version, "reason": "a reason" });
        body.as_object_mut()
            .unwrap()
            .extend(details.as_object().unwrap().clone());
        let mut request = self.request(Method::POST, &format!("/api/v1/cases/{case}/actions"));
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let response = request.json(&body).send().await.unwrap();
        (response.status(), response.json().await.unwrap())
    }

    /// Acts on the case as it is now, and must succeed.
    pub(crate) async fn does(&self, case: i64, action: &str, details: Value) -> Value {
        let now = self.get(&format!("/api/v1/cases/{case}")).await;
        let version = now["version"].as_i64().unwrap();
        let (status, case) = self.act_with(case, action, version, details, None).await;
        assert_eq!(status, StatusCode::OK, "{action}: {case}");
        case
    }

    pub(crate) async fn cases(&self) -> Vec<Value> {
        let page = self.get("/api/v1/cases?state=all&limit=200").await;
        page["items"].as_array().unwrap().clone()
    }
}

pub(crate) fn stream() -> StreamId {
    StreamId(Uuid::from_u128(0x6f1c_7a3e_1d0e_4c39_9a53_3c8f_5f0f_8a10))
}

pub(crate) fn batch(alerts: Vec<Alert>) -> Batch {
    Batch {
        version: WIRE_VERSION,
        gateway: GatewayId::new("gw-1").unwrap(),
        stream: stream(),
        boot_epoch: 1,
        sent_at: hub::now(),
        alerts,
        readings: vec![],
        gaps: vec![],
    }
}

pub(crate) fn alert(sequence: u64, device: &str, kind: Kind) -> Alert {
    let now = hub::now();
    Alert {
        id: AlertId(Uuid::now_v7()),
        revision: 0,
        phase: Phase::Raised,
        sequence: Some(sequence),
        boot_epoch: 1,
        kind,
        severity: if kind.is_life_safety() {
            Severity::P1
        } else {
            Severity::P2
        },
        device: DeviceId::new(device).unwrap(),
        device_known: true,
        site: SiteId::new("xinghe-garden").unwrap(),
        place: Place::default(),
        raised_at: now,
        at: now,
        clock: ClockQuality::Plausible,
        detected_by: DetectedBy::Rule {
            rule: "rule".into(),
        },
        score: None,
        reason: Text {
            zh: "原因".into(),
            en: "reason".into(),
        },
        evidence: vec![],
        source_event: None,
        is_test: false,
    }
}

pub(crate) fn heartbeat(boot_epoch: u64, number: u64, last_sequence: u64) -> Heartbeat {
    Heartbeat {
        version: WIRE_VERSION,
        gateway: GatewayId::new("gw-1").unwrap(),
        site: SiteId::new("xinghe-garden").unwrap(),
        stream: stream(),
        boot_epoch,
        number,
        at: hub::now(),
        clock: ClockQuality::Plausible,
        last_sequence,
        backlog_alerts: 0,
        backlog_readings: 0,
        agent_version: "0.1.0".into(),
        uptime_ms: 1,
        faults: vec![],
        counters: std::collections::BTreeMap::new(),
        devices: vec![],
        quarantine: vec![],
        models: vec![],
    }
}

pub(crate) fn reading(
    device: &str,
    kind: Kind,
    value: f64,
    at: Timestamp,
) -> gridwatch_protocol::Reading {
    gridwatch_protocol::Reading {
        device: DeviceId::new(device).unwrap(),
        kind,
        value: gridwatch_protocol::Value::Number(value),
        unit: Some("°C".into()),
        quality: gridwatch_protocol::Quality::Good,
        at,
        received_at: at,
        source_event: None,
        retained: false,
        is_test: false,
    }
}
