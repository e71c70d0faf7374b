//! Robots of WeCom, DingTalk and Feishu against endpoints that enforce what the providers publish:
//! limits, forms and signatures.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use gridwatch_protocol::{Kind, Severity};
use hub::notify::send::robot::{dingtalk_sign, feishu_sign};
use serde_json::{Value, json};

use super::endpoint::{Endpoint, Got, Reply, reply};
use super::{all_told, hub_with};
use super::super::harness::{alert, batch};

const SECRET: &str = "SEC000000";
const MINUTE: Duration = Duration::from_secs(60);

/// How many came within `span` before this one.
fn within(before: &VecDeque<Got>, got: &Got, span: Duration) -> usize {
    before
        .iter()
        .filter(|one| got.at.duration_since(one.at) < span)
        .count()
}

fn is_json(got: &Got) -> bool {
    got.header("content-type").starts_with("application/json")
}

/// 20 a minute; markdown of at most 4096 bytes.
fn wecom(got: &Got, before: &VecDeque<Got>) -> Option<Reply> {
    let answer = |code: i64, text: &str| {
        Some(reply(
            200,
            json!({ "errcode": code, "errmsg": text }).to_string(),
        ))
    };
    if within(before, got, MINUTE) >= 20 {
        return answer(45_009, "api freq out of limit");
    }
    let body: Value = serde_json::from_slice(&got.body).unwrap_or_default();
    let content = body["markdown"]["content"].as_str().unwrap_or_default();
    if !is_json(got) || body["msgtype"] != "markdown" || content.is_empty() {
        return answer(40_008, "invalid message type");
    }
    if content.len() > 4_096 {
        return answer(40_058, "markdown.content exceed max length 4096");
    }
    answer(0, "ok")
}

/// 20 a minute, then nothing for 10 minutes; a signature in the query.
fn dingtalk(got: &Got, before: &VecDeque<Got>) -> Option<Reply> {
    let answer = |code: i64, text: &str| {
        Some(reply(
            200,
            json!({ "errcode": code, "errmsg": text }).to_string(),
        ))
    };
    if within(before, got, MINUTE) >= 20 {
        return answer(130_101, "send too fast, exceed 20 times per minute");
    }
    let query = got.uri.query().unwrap_or_default();
    let value = |name: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let mut found = pairs.filter(|(key, _)| *key == name).map(|(_, v)| v);
        found.next_back().unwrap_or_default().to_owned()
    };
    let time: i64 = value("timestamp").parse().unwrap_or(0);
    let fresh = (hub::now().unix_ms() - time).abs() < 3_600_000;
    let sign = hub::notify::template::percent(&dingtalk_sign(SECRET, time));
    if value("access_token") != "T" || !fresh || value("sign") != sign {
        return answer(310_000, "sign not match");
    }
    let body: Value = serde_json::from_slice(&got.body).unwrap_or_default();
    let texts = [&body["markdown"]["title"], &body["markdown"]["text"]];
    let ok = texts
        .iter()
        .all(|text| text.as_str().is_some_and(|t| !t.is_empty()));
    if !is_json(got) || body["msgtype"] != "markdown" || !ok || got.body.len() > 20_000 {
        return answer(40_035, "invalid parameter");
    }
    answer(0, "ok")
}

/// 5 a second and 100 a minute; at most 20 KB; a signature in the body.
fn feishu(got: &Got, before: &VecDeque<Got>) -> Option<Reply> {
    let answer = |code: i64, text: &str| {
        Some(reply(
            200,
            json!({ "code": code, "msg": text, "data": {} }).to_string(),
        ))
    };
    let second = Duration::from_secs(1);
    if within(before, got, second) >= 5 || within(before, got, MINUTE) >= 100 {
        return answer(11_232, "frequency limited");
    }
    let body: Value = serde_json::from_slice(&got.body).unwrap_or_default();
    let time: i64 = body["timestamp"]
        .as_str()
        .unwrap_or_default()
        .parse()
        .unwrap_or(0);
    let fresh = (hub::now().unix_ms() / 1_000 - time).abs() < 3_600;
    if !fresh || body["sign"] != feishu_sign(SECRET, time) {
        return answer(
            19_021,
            "sign match fail or timestamp is not within one hour from current time",
        );
    }
    let post = &body["content"]["post"]["zh_cn"];
    let lines = post["content"].as_array().cloned().unwrap_or_default();
    let line_ok = |line: &Value| {
        let parts = line.as_array().cloned().unwrap_or_default();
        !parts.is_empty()
            && parts.iter().all(|part| match part["tag"].as_str() {
                Some("text") => part["text"].is_string(),
                Some("a") => part["text"].is_string() && part["href"].is_string(),
                _ => false,
            })
    };
    let ok = body["msg_type"] == "post" && post["title"].is_string() && lines.iter().all(line_ok);
    if !is_json(got) || !ok || got.body.len() > 20_000 {
        return answer(9_499, "Bad Request");
    }
    answer(0, "success")
}

#[tokio::test]
async fn storm_of_cases_reaches_every_robot_within_its_limits_and_every_p1_alone() {
    let wecom_end = Endpoint::start(wecom).await;
    let ding_end = Endpoint::start(dingtalk).await;
    let feishu_end = Endpoint::start(feishu).await;
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("key");
    std::fs::write(&key, SECRET).unwrap();
    let key = key.display();
    let hub = hub_with(&format!(
        "[[channel]]\nname = \"wecom\"\nkind = \"wecom\"\nurl = \"{}\"
[[channel]]\nname = \"ding\"\nkind = \"dingtalk\"\nurl = \"{}\"\nsecret_file = \"{key}\"
[[channel]]\nname = \"feishu\"\nkind = \"feishu\"\nurl = \"{}\"\nsecret_file = \"{key}\"\n",
        wecom_end.url("/cgi-bin/webhook/send?key=K"),
        ding_end.url("/robot/send?access_token=T"),
        feishu_end.url("/open-apis/bot/v2/hook/K"),
    ))
    .await;
    let mut alerts = Vec::new();
    for n in 1..=60 {
        alerts.push(alert(n, &format!("door-{n}"), Kind::DoorForced));
    }
    for n in 61..=63 {
        let mut gas = alert(n, &format!("gas-{n}"), Kind::WaterLeak);
        gas.severity = Severity::P1;
        alerts.push(gas);
    }
    hub.send(&batch(alerts)).await;
    let root = hub.sign_in("root").await;
    for (channel, end, most) in [
        ("wecom", &wecom_end, 20),
        ("ding", &ding_end, 20),
        ("feishu", &feishu_end, 100),
    ] {
        let rows = all_told(&root, channel, 63).await;
        let got = end.got();
        assert!(got.len() <= most, "{channel}: {} messages", got.len());
        let refused = rows.iter().filter(|row| row["attempts"] != 1).count();
        assert_eq!(
            refused, 0,
            "{channel}: every message was taken at its first try"
        );
        let p1: Vec<&Value> = rows.iter().filter(|row| row["severity"] == "P1").collect();
        assert_eq!(p1.len(), 3);
        assert!(
            p1.iter().all(|row| row["message_id"] == row["id"]),
            "P1 goes alone"
        );
        let messages: BTreeSet<&str> = rows
            .iter()
            .map(|row| row["message_id"].as_str().unwrap())
            .collect();
        assert_eq!(
            messages.len(),
            got.len(),
            "every receipt is of a message that arrived"
        );
    }
    hub.stop().await.unwrap();
}

#[tokio::test]
async fn message_that_a_robot_limits_is_no_try_and_waits_until_the_pause_is_over() {
    let end = Endpoint::start(|_, before| {
        if before.is_empty() {
            let mut limited = reply(200, json!({ "errcode": 45_009 }).to_string());
            limited.1.push(("retry-after", "2".to_owned()));
            Some(limited)
        } else {
            Some(reply(
                200,
                json!({ "errcode": 0, "errmsg": "ok" }).to_string(),
            ))
        }
    })
    .await;
    let hub = hub_with(&format!(
        "[[channel]]\nname = \"wecom\"\nkind = \"wecom\"\nurl = \"{}\"\n",
        end.url("/send?key=K")
    ))
    .await;
    hub.send(&batch(vec![alert(1, "door-1", Kind::DoorForced)]))
        .await;
    let root = hub.sign_in("root").await;
    let rows = all_told(&root, "wecom", 1).await;
    assert_eq!(rows[0]["attempts"], 1);
    assert!(rows[0]["answer"].as_str().unwrap().contains("ok"));
    let got = end.got();
    assert_eq!(got.len(), 2);
    assert!(got[1].at.duration_since(got[0].at) >= Duration::from_secs(2));
    hub.stop().await.unwrap();
}
