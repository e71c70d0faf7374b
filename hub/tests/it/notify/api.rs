//! Receipts, dead letters, and the command line.

use std::process::Command;

use gridwatch_protocol::Kind;
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::endpoint::{Endpoint, reply};
use super::{all_told, hub_with, rows};
use super::super::harness::{alert, batch, eventually, populate, write_files};

#[tokio::test]
async fn dead_letter_is_seen_and_sent_again_by_administrators_only() {
    let end = Endpoint::always(400, "bad").await;
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("key");
    std::fs::write(&key, "a secret").unwrap();
    let hub = hub_with(&format!(
        "[[channel]]\nname = \"hook\"\nkind = \"webhook\"\nurl = \"{}\"\nsecret_file = \"{}\"\n",
        end.url("/?token=not-to-be-shown"),
        key.display()
    ))
    .await;
    hub.send(&batch(vec![alert(1, "door-1", Kind::DoorForced)]))
        .await;
    let root = hub.sign_in("root").await;
    let dead = eventually("what the receiver refuses is a dead letter", || async {
        let page = root.get("/api/v1/notifications?state=dead&case=1").await;
        page["items"].as_array().unwrap().first().cloned()
    })
    .await;
    assert_eq!(
        (&dead["attempts"], &dead["answer"]),
        (&json!(1), &json!("400 bad"))
    );
    let page = root.get("/api/v1/notifications").await.to_string();
    assert!(
        !page.contains("not-to-be-shown") && !page.contains("a secret"),
        "{page}"
    );

    let path = format!(
        "/api/v1/notifications/{}/retry",
        dead["id"].as_str().unwrap()
    );
    let duty = hub.sign_in("duty").await;
    for (method, path) in [
        (Method::GET, "/api/v1/notifications"),
        (Method::POST, path.as_str()),
    ] {
        let refused = duty.request(method, path).send().await.unwrap();
        assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    }
    end.answer_from_now(|_, _| Some(reply(204, "")));
    let post = async |path: &str| {
        root.request(Method::POST, path)
            .send()
            .await
            .unwrap()
            .status()
    };
    assert_eq!(post(&path).await, StatusCode::ACCEPTED);
    let told = all_told(&root, "hook", 1).await;
    assert_eq!(told[0]["id"], dead["id"]);
    assert_eq!(post(&path).await, StatusCode::CONFLICT);
    assert_eq!(
        post("/api/v1/notifications/nobody/retry").await,
        StatusCode::NOT_FOUND
    );
    hub.stop().await.unwrap();
}

#[tokio::test]
async fn administrator_sees_how_a_channel_is_and_tests_it() {
    let end = Endpoint::always(400, "bad").await;
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("key");
    std::fs::write(&key, "a secret").unwrap();
    let hub = hub_with(&format!(
        "[[channel]]\nname = \"hook\"\nkind = \"webhook\"\nurl = \"{}\"\nsecret_file = \"{}\"\n",
        end.url("/?token=not-to-be-shown"),
        key.display()
    ))
    .await;
    let root = hub.sign_in("root").await;
    let channels = "/api/v1/notifications/channels";
    let test = async |who: &str, name: &str| {
        let officer = hub.sign_in(who).await;
        let path = format!("{channels}/{name}/test");
        let answer = officer.request(Method::POST, &path).send().await.unwrap();
        (answer.status(), answer.json::<serde_json::Value>().await.unwrap())
    };
    assert_eq!(test("duty", "hook").await.0, StatusCode::FORBIDDEN);
    assert_eq!(test("root", "phone").await.0, StatusCode::NOT_FOUND);
    let (status, refused) = test("root", "hook").await;
    assert_eq!((status, &refused["items"][0]["outcome"]), (StatusCode::OK, &json!("refused")));
    end.answer_from_now(|_, _| Some(reply(204, "")));
    let (_, delivered) = test("root", "hook").await;
    assert_eq!(delivered["items"][0]["outcome"], "delivered");
    let listed = root.get(channels).await;
    let hook = &listed["items"][0];
    assert_eq!((&hook["kind"], &hook["dead"], &hook["waiting"]), (&json!("webhook"), &json!(1), &json!(0)));
    assert_eq!(hook["quota"][0]["count"], 50);
    assert!(!listed.to_string().contains("not-to-be-shown"), "{listed}");
    hub.stop().await.unwrap();
}

#[tokio::test]
async fn list_has_pages_and_says_what_it_cannot_filter_by() {
    let end = Endpoint::always(204, "").await;
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("key");
    std::fs::write(&key, "a secret").unwrap();
    let hub = hub_with(&format!(
        "[[channel]]\nname = \"hook\"\nkind = \"webhook\"\nurl = \"{}\"\nsecret_file = \"{}\"\n",
        end.url("/"),
        key.display()
    ))
    .await;
    let alerts = (1..=5).map(|n| alert(n, &format!("door-{n}"), Kind::DoorForced));
    hub.send(&batch(alerts.collect())).await;
    let root = hub.sign_in("root").await;
    let all = all_told(&root, "hook", 5).await;
    let mut seen = Vec::new();
    let mut after = String::new();
    loop {
        let page = root
            .get(&format!("/api/v1/notifications?limit=2{after}"))
            .await;
        seen.extend(page["items"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_str() else {
            break;
        };
        after = format!("&after={next}");
    }
    let ids = |rows: &[serde_json::Value]| -> Vec<String> {
        rows.iter().map(|row| row["id"].to_string()).collect()
    };
    assert_eq!(ids(&seen), ids(&all));
    for (query, status) in [
        ("state=lost", 422),
        ("limit=0", 422),
        ("limit=201", 422),
        ("colour=red", 400),
    ] {
        let path = format!("/api/v1/notifications?{query}");
        let answer = root.request(Method::GET, &path).send().await.unwrap();
        assert_eq!(answer.status(), status, "{query}");
    }
    hub.stop().await.unwrap();
}

#[tokio::test]
async fn drill_is_told_only_where_drills_are_wanted() {
    let end = Endpoint::always(204, "").await;
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("key");
    std::fs::write(&key, "a secret").unwrap();
    let channel = |name: &str, more: &str| {
        format!(
            "[[channel]]\nname = \"{name}\"\nkind = \"webhook\"\nurl = \"{}\"\nsecret_file = \"{}\"\n{more}\n",
            end.url(&format!("/{name}")),
            key.display()
        )
    };
    let hub = hub_with(&(channel("drills", "drills = true") + &channel("real", ""))).await;
    let mut drill = alert(1, "smoke-1", Kind::Smoke);
    drill.is_test = true;
    hub.send(&batch(vec![drill])).await;
    hub.send(&batch(vec![alert(2, "door-2", Kind::DoorForced)]))
        .await;
    let root = hub.sign_in("root").await;
    all_told(&root, "drills", 2).await;
    assert_eq!(all_told(&root, "real", 1).await.len(), 1);
    let marked = end
        .got()
        .iter()
        .filter(|one| one.json()["data"]["case"]["is_drill"] == true)
        .count();
    assert_eq!(marked, 1);
    assert_eq!(rows(&root, "real").await[0]["kind"], "case");
    hub.stop().await.unwrap();
}

#[tokio::test]
async fn command_line_sends_a_marked_test_message_and_prints_the_answer() {
    let end = Endpoint::always(200, "{\"errcode\":0,\"errmsg\":\"ok\"}").await;
    let dir = tempfile::tempdir().unwrap();
    let text = "listen = \"127.0.0.1:0\"\ntls = false\n[notify]\nallow_hosts = [\"127.0.0.1\"]\n[[notify.channel]]\nname = \"duty\"\nkind = \"wecom\"\nurl_env = \"TEST_ROBOT\"\n";
    let path = write_files(dir.path(), text);
    populate(&hub::config::load(&path).unwrap().config).await;
    let run = |channel: &str, url: Option<&str>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hub"));
        command
            .args(["notify", "test", channel, "--config"])
            .arg(&path);
        command.env_remove("TEST_ROBOT");
        if let Some(url) = url {
            command.env("TEST_ROBOT", url);
        }
        tokio::task::spawn_blocking(move || command.output().unwrap())
    };
    let url = end.url("/send?key=K3Y");
    let done = run("duty", Some(&url)).await.unwrap();
    let out = String::from_utf8(done.stdout).unwrap();
    assert!(
        done.status.success(),
        "{out}{}",
        String::from_utf8_lossy(&done.stderr)
    );
    assert_eq!(
        out,
        "duty: delivered: 200 {\"errcode\":0,\"errmsg\":\"ok\"}\n"
    );
    let content = end.got()[0].json()["markdown"]["content"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        content.starts_with("### 【演练】【提示（P4）】测试消息"),
        "{content}"
    );

    end.answer_from_now(|_, _| {
        Some(reply(
            200,
            "{\"errcode\":93000,\"errmsg\":\"invalid webhook url\"}",
        ))
    });
    let failed = run("duty", Some(&url)).await.unwrap();
    let out = String::from_utf8(failed.stdout).unwrap();
    assert_eq!(failed.status.code(), Some(70));
    assert!(
        out.contains("failed: the robot answered code 93000") && !out.contains("K3Y"),
        "{out}"
    );

    for (channel, url, said) in [
        (
            "nobody",
            Some(url.as_str()),
            "there is no channel `nobody`; channels are duty",
        ),
        (
            "duty",
            None,
            "the environment variable `TEST_ROBOT` is not set",
        ),
    ] {
        let refused = run(channel, url).await.unwrap();
        assert_eq!(refused.status.code(), Some(64));
        let error = String::from_utf8(refused.stderr).unwrap();
        assert!(error.contains(said), "{error}");
    }
}
