//! Notifications: from an alert to what a provider receives, on real sockets.

mod api;
mod crash;
pub(crate) mod endpoint;
mod heads;
mod mail;
mod people;
mod robots;
mod webhook;

use std::path::Path;
use std::time::Duration;

use hub::config::Config;
use hub::notify::config::Notify;
use serde_json::Value;

use super::harness::{Hub, Officer, eventually};

/// The section of a configuration that leads to this machine.
pub(crate) fn section(channels: &str) -> Notify {
    let text = format!(
        "allow_hosts = [\"127.0.0.1\", \"localhost\"]\nca_file = \"\"\nattempts_max = 3\n{channels}"
    );
    let mut notify: Notify = toml::from_str(&text).unwrap();
    let mut problems = Vec::new();
    notify.resolve(Path::new(""), &mut problems);
    assert_eq!(problems, Vec::<String>::new());
    notify
}

async fn hub_with(channels: &str) -> Hub {
    let notify = section(channels);
    Hub::start_with(|config: &mut Config| {
        config.public_url = "http://hub.example".into();
        config.notify = notify;
        // What these tests count is not put off by a flood.
        config.correlation.flood_begins_above = 10_000;
    })
    .await
}

/// All rows of a channel, the newest first.
async fn rows(root: &Officer, channel: &str) -> Vec<Value> {
    let path = format!("/api/v1/notifications?channel={channel}&limit=200");
    root.get(&path).await["items"].as_array().unwrap().clone()
}

/// Waits until a channel has so many rows, all of them delivered or merged.
pub(crate) async fn all_told(root: &Officer, channel: &str, count: usize) -> Vec<Value> {
    eventually(&format!("{count} rows of {channel} are told"), || async {
        let rows = rows(root, channel).await;
        let told = rows
            .iter()
            .filter(|row| row["state"] == "delivered" || row["state"] == "merged")
            .count();
        (told == count && rows.len() == count).then_some(rows)
    })
    .await
}

/// Waits longer than [`eventually`]: for what comes with a lease or after several tries.
async fn within<T, F: Future<Output = Option<T>>>(
    longest: Duration,
    what: &str,
    mut check: impl FnMut() -> F,
) -> T {
    let end = tokio::time::Instant::now() + longest;
    loop {
        if let Some(found) = check().await {
            return found;
        }
        assert!(
            tokio::time::Instant::now() < end,
            "not within {longest:?}: {what}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
