//! Webhooks and SMS gateways.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gridwatch_protocol::Kind;
use ring::hmac;
use serde_json::json;

use super::endpoint::{Endpoint, Got, reply};
use super::{all_told, hub_with, rows};
use super::super::harness::{alert, batch, eventually};

const KEY: &[u8] = b"0123456789abcdef0123456789abcdef";

/// Checks a request as a receiver must by Standard Webhooks.
pub(super) fn verified(got: &Got) -> bool {
    let (id, time) = (got.header("webhook-id"), got.header("webhook-timestamp"));
    let age = hub::now().unix_ms() / 1_000 - time.parse::<i64>().unwrap();
    let mut signed = format!("{id}.{time}.").into_bytes();
    signed.extend_from_slice(&got.body);
    let key = hmac::Key::new(hmac::HMAC_SHA256, KEY);
    let tag = got.header("webhook-signature").strip_prefix("v1,").unwrap();
    let tag = STANDARD.decode(tag).unwrap();
    age.abs() < 300 && hmac::verify(&key, &signed, &tag).is_ok()
}

pub(super) fn key_file(dir: &tempfile::TempDir) -> String {
    let path = dir.path().join("hook.key");
    std::fs::write(&path, format!("whsec_{}\n", STANDARD.encode(KEY))).unwrap();
    path.display().to_string()
}

fn channel(url: &str, key: &str) -> String {
    format!(
        "[[channel]]\nname = \"hook\"\nkind = \"webhook\"\nlanguage = \"en\"\nurl = \"{url}\"\nsecret_file = \"{key}\"\n"
    )
}

#[tokio::test]
async fn every_event_arrives_signed_once_by_id_after_the_receiver_was_down() {
    let end = Endpoint::start(|_, before| {
        Some(if before.is_empty() {
            reply(503, "down")
        } else {
            reply(204, "")
        })
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let hub = hub_with(&channel(&end.url("/events"), &key_file(&dir))).await;
    hub.send(&batch(vec![alert(1, "door-1", Kind::DoorForced)]))
        .await;
    let root = hub.sign_in("root").await;
    let told = all_told(&root, "hook", 1).await;
    assert_eq!(told[0]["attempts"], 2);
    let got = end.got();
    assert_eq!(got.len(), 2);
    assert!(got.iter().all(|one| one.method == "POST" && verified(one)));
    assert_eq!(got[0].header("webhook-id"), got[1].header("webhook-id"));
    assert_eq!(
        got[0].header("content-type"),
        "application/cloudevents+json; charset=utf-8"
    );
    let event = got[1].json();
    assert_eq!(event["id"], told[0]["id"]);
    assert_eq!(event["type"], "gridwatch.case.opened");
    assert_eq!(event["data"]["case"]["category"], "door_forced");
    assert_eq!(event["data"]["link"], "http://hub.example/cases/1");

    let officer = hub.sign_in("duty").await;
    let case = officer.get("/api/v1/cases/1").await;
    let (status, _) = officer
        .act(1, "acknowledge", case["version"].as_i64().unwrap())
        .await;
    assert_eq!(status, 200);
    let case = officer.get("/api/v1/cases/1").await;
    let (status, _) = officer
        .act(1, "file", case["version"].as_i64().unwrap())
        .await;
    assert_eq!(status, 200);
    all_told(&root, "hook", 2).await;
    let last = end.got().pop().unwrap().json();
    assert_eq!(
        last["type"], "gridwatch.case.filed",
        "an acknowledgement is routine"
    );
    hub.stop().await.unwrap();
}

#[tokio::test]
async fn redirect_is_not_followed_and_an_unlisted_host_is_never_connected_to() {
    let inner = Endpoint::always(204, "").await;
    let to = inner.url("/inner");
    let end = Endpoint::start(move |_, _| {
        let mut moved = reply(302, "");
        moved.1.push(("location", to.clone()));
        Some(moved)
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let key = key_file(&dir);
    let targets = [
        format!("https://127.0.0.2:{}/", inner.address.port()),
        format!("https://ip6-localhost:{}/", inner.address.port()),
        format!("http://127.1.1.1:{}/", inner.address.port()),
    ];
    let mut channels = channel(&end.url("/"), &key);
    for (n, target) in targets.iter().enumerate() {
        let file = dir.path().join(format!("{n}.url"));
        std::fs::write(&file, target).unwrap();
        channels.push_str(&format!(
            "[[channel]]\nname = \"closed-{n}\"\nkind = \"webhook\"\nurl_file = \"{}\"\nsecret_file = \"{key}\"\n",
            file.display()
        ));
    }
    let hub = hub_with(&channels).await;
    hub.send(&batch(vec![alert(1, "door-1", Kind::DoorForced)]))
        .await;
    let root = hub.sign_in("root").await;
    for n in [0, 2] {
        let row = eventually("a target inside is given up at once", || async {
            let row = rows(&root, &format!("closed-{n}"))
                .await
                .into_iter()
                .next()?;
            (row["state"] == "dead").then_some(row)
        })
        .await;
        let error = row["error"].as_str().unwrap();
        assert!(error.contains("notify.allow_hosts"), "{error}");
    }
    let row = eventually("the redirect is an answer that is no success", || async {
        let row = rows(&root, "hook").await.into_iter().next()?;
        row["error"].is_string().then_some(row)
    })
    .await;
    assert!(row["error"].as_str().unwrap().contains("302"), "{row}");
    let row = eventually("a name for this machine is refused", || async {
        let row = rows(&root, "closed-1").await.into_iter().next()?;
        row["error"].is_string().then_some(row)
    })
    .await;
    let error = row["error"].as_str().unwrap();
    assert!(
        error.contains("not a public address") || error.contains("cannot be resolved"),
        "{row}"
    );
    assert_eq!(inner.got().len(), 0, "nothing inside was reached");
    hub.stop().await.unwrap();
}

#[tokio::test]
async fn sms_goes_out_by_template_to_each_number_and_only_the_gateways_word_counts() {
    let end = Endpoint::start(|got, _| {
        let ok = got.json()["phone"] == "+8613800000001";
        Some(reply(
            200,
            json!({ "Code": if ok { "OK" } else { "isv.MOBILE" } }).to_string(),
        ))
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("sms.key");
    std::fs::write(&key, "k3y").unwrap();
    let hub = hub_with(&format!(
        "[[channel]]\nname = \"sms\"\nkind = \"sms\"\nurl = \"{}\"\nsecret_file = \"{}\"
headers = {{ x-key = \"${{secret}}\" }}
body = '{{\"phone\":\"${{to}}\",\"text\":\"${{text}}\"}}'
success_pointer = \"/Code\"\nsuccess_value = \"OK\"
to = [\"+8613800000001\", \"+8613800000002\"]\n",
        end.url("/send?n=${number}"),
        key.display()
    ))
    .await;
    hub.send(&batch(vec![alert(1, "door-1", Kind::DoorForced)]))
        .await;
    let root = hub.sign_in("root").await;
    let rows = eventually(
        "one number is told and the other waits for another try",
        || async {
            let rows = rows(&root, "sms").await;
            let told = rows.iter().any(|row| row["state"] == "delivered");
            let failed = rows.iter().any(|row| row["error"].is_string());
            (told && failed).then_some(rows)
        },
    )
    .await;
    let failed = rows.iter().find(|row| row["error"].is_string()).unwrap();
    assert_eq!(failed["recipient"], "+86***002", "numbers are masked");
    assert!(failed["error"].as_str().unwrap().contains("isv.MOBILE"));
    let got = end.got();
    assert!(got.iter().all(|one| one.header("x-key") == "k3y"));
    let number = rows[0]["number"].as_str().unwrap();
    assert_eq!(got[0].uri.query(), Some(format!("n={number}").as_str()));
    assert!(
        got[0].json()["text"]
            .as_str()
            .unwrap()
            .starts_with("【紧急（P2）】新事件")
    );
    hub.stop().await.unwrap();
}
