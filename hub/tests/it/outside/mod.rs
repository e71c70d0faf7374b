//! Matters from outside the gateways, on real sockets: reported by people, by the hotline, by other systems.

mod completion;
mod crash;
mod fuzz;
mod machines;
mod open311;
mod reports;
mod scope;

use hub::config::Config;
use hub::notify::template::percent;
use hub::outside::keys::{Kind, NewKey};
use hub::secrets;
use hub::store::StoreUrl;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use super::harness::{Hub, Officer, around};

/// Every door is open.
fn open(config: &mut Config) {
    config.outside.open311.enabled = true;
    config.outside.pagerduty.enabled = true;
    config.outside.alertmanager.enabled = true;
}

async fn open_hub() -> Hub {
    Hub::start_with(open).await
}

/// Adds a key to the store of a hub.
async fn key(
    store: &StoreUrl,
    name: &str,
    kind: Kind,
    area: Option<&str>,
    per_minute: u32,
) -> String {
    let (_, mut writer) = hub::store::open(store).await.unwrap();
    let key = secrets::random_token();
    let new = NewKey {
        name,
        kind,
        area,
        per_minute,
        hash: &secrets::token_hash(&key),
    };
    writer.add_outside_key(&new, hub::now()).await.unwrap();
    key
}

/// A key with more than enough to send.
async fn plenty(hub: &Hub, name: &str, kind: Kind) -> String {
    key(&hub.store, name, kind, None, 100_000).await
}

fn form(pairs: &[(&str, &str)]) -> String {
    let parts: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{}={}", percent(name), percent(value)))
        .collect();
    parts.join("&")
}

async fn post_form(hub: &Hub, path: &str, pairs: &[(&str, &str)]) -> Response {
    hub.client
        .post(hub.url(path))
        .header(
            "content-type",
            "application/x-www-form-urlencoded; charset=utf-8",
        )
        .header("accept-language", "en")
        .body(form(pairs))
        .send()
        .await
        .unwrap()
}

async fn get(hub: &Hub, path: &str) -> Response {
    let request = hub.client.get(hub.url(path));
    request
        .header("accept-language", "en")
        .send()
        .await
        .unwrap()
}

/// A matter that lacks nothing.
fn leak() -> Value {
    json!({ "category": "water_leak", "description": "water in the hall", "site": "xinghe-garden" })
}

/// The matter with some fields changed.
fn with(mut matter: Value, more: Value) -> Value {
    let fields = more.as_object().unwrap().clone();
    matter.as_object_mut().unwrap().extend(fields);
    matter
}

impl Officer {
    async fn sends(&self, path: &str, body: &Value, key: Option<&str>) -> (StatusCode, Value) {
        let mut request = self.request(Method::POST, path);
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let response = request.json(body).send().await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        let json = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{status}: {text}"));
        (status, json)
    }

    async fn reports(&self, matter: &Value) -> Value {
        let (status, answer) = self.sends("/api/v1/cases", matter, None).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
        answer
    }
}

/// Changes rows behind the hub's back.
async fn by_hand(hub: &Hub, statement: &'static str) {
    let mut hand = around(&hub.store).await;
    sqlx::query(statement).execute(&mut hand).await.unwrap();
}
