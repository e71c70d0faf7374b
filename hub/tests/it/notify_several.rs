//! Two hub processes on one database tell each event once and keep a robot's limit together.

use std::collections::BTreeSet;
use std::time::Duration;

use gridwatch_protocol::Kind;
use serde_json::json;

use super::harness::{Hub, alert, batch, run_on};
use super::notify::endpoint::{Endpoint, reply};
use super::notify::{all_told, section};

#[tokio::test]
async fn two_hubs_send_no_event_twice_and_keep_one_quota() {
    let hook = Endpoint::always(204, "").await;
    let robot = Endpoint::start(|got, before| {
        let minute = Duration::from_secs(60);
        let recent = before.iter().filter(|one| got.at.duration_since(one.at) < minute);
        let code = if recent.count() >= 20 { 45_009 } else { 0 };
        Some(reply(200, json!({ "errcode": code, "errmsg": "" }).to_string()))
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("key");
    std::fs::write(&key, "a secret").unwrap();
    let channels = format!(
        "[[channel]]\nname = \"hook\"\nkind = \"webhook\"\nurl = \"{}\"\nsecret_file = \"{}\"
[[channel]]\nname = \"robot\"\nkind = \"wecom\"\nurl = \"{}\"\n",
        hook.url("/"),
        key.display(),
        robot.url("/send?key=K")
    );
    let first = Hub::start_with(|config| config.notify = section(&channels)).await;
    let second = run_on(&first.store, first.key.clone(), |config| {
        config.notify = section(&channels);
    })
    .await;
    for n in 0..12 {
        let hub = if n % 2 == 0 { &first } else { &second };
        let alerts = (n * 5 + 1..=n * 5 + 5).map(|k| alert(k, &format!("door-{k}"), Kind::DoorForced));
        hub.send(&batch(alerts.collect())).await;
    }
    let root = second.sign_in("root").await;
    let rows = all_told(&root, "hook", 60).await;
    assert!(rows.iter().all(|row| row["attempts"] == 1));
    let got = hook.got();
    let ids: BTreeSet<&str> = got.iter().map(|one| one.header("webhook-id")).collect();
    assert_eq!((got.len(), ids.len()), (60, 60));
    // What came after the quota was used up goes in digests as room appears; none is refused.
    let first_robot = robot.got();
    assert!(!first_robot.is_empty() && first_robot.len() <= 20, "{}", first_robot.len());
    let limited = root.get("/api/v1/notifications?channel=robot&limit=200").await;
    let limited = limited["items"].as_array().unwrap().clone();
    assert_eq!(limited.len(), 60, "each event has a row");
    assert!(limited.iter().all(|row| row["error"].is_null()), "the robot never said too many");
    second.stop().await.unwrap();
    first.stop().await.unwrap();
}
