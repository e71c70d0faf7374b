//! Reporters are told that their matter is done: once, in their language, through a channel that reaches them.

use serde_json::{Value, json};

use super::super::harness::{Hub, Officer, around, eventually};
use super::super::notify::endpoint::Endpoint;
use super::super::notify::section;
use super::{leak, with};

async fn hub_with_sms(end: &Endpoint) -> Hub {
    let notify = section(&format!(
        "[[channel]]\nname = \"sms\"\nkind = \"sms\"\nchanges = [\"nothing\"]\nurl = \"{}\"\nbody = '{{\"to\":\"${{to}}\",\"text\":\"${{text}}\"}}'\nto = [\"+8613800000000\"]\n",
        end.url("/send")
    ));
    Hub::start_with(|config| {
        config.notify = notify;
        config.outside.completion.channels = vec!["sms".to_owned()];
    })
    .await
}

/// Reports a leak for this person; gives the case.
async fn report(officer: &Officer, person: Value) -> i64 {
    let answer = officer
        .reports(&with(leak(), json!({ "reporter": person })))
        .await;
    answer["case"]["id"].as_i64().unwrap()
}

async fn reject(officer: &Officer, case: i64) {
    officer
        .does(case, "reject", json!({ "condition": "not_found" }))
        .await;
}

/// What went out, in order: to whom and what.
fn told(end: &Endpoint) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let got = end.got();
    got.iter()
        .map(|one| (text(&one.json()["to"]), text(&one.json()["text"])))
        .collect()
}

/// Rows for reporters in the store.
async fn rows(hub: &Hub) -> i64 {
    let mut hand = around(&hub.store).await;
    sqlx::query_scalar("SELECT COUNT(*) FROM notifications WHERE kind = 'completion'")
        .fetch_one(&mut hand)
        .await
        .unwrap()
}

#[tokio::test]
async fn reporter_is_told_once_in_the_own_language_when_the_case_ends() {
    let end = Endpoint::always(200, "{}").await;
    let hub = hub_with_sms(&end).await;
    let duty = hub.sign_in("duty").await;
    let case = report(&duty, json!({ "phone": "13800001111", "language": "en" })).await;
    let quiet = report(&duty, json!({ "name": "no number" })).await;
    let mail = report(&duty, json!({ "email": "a@b.example" })).await;
    assert_eq!(rows(&hub).await, 0, "nothing before the end");
    for id in [case, quiet, mail] {
        let filing = json!({ "condition": "seen_on_site", "mode": "immediate" });
        duty.does(id, "file", filing).await;
        duty.does(id, "settle", json!({ "evidence": [{ "kind": "photo", "sha256": "cd".repeat(32), "name": "x", "at": hub::now() }] })).await;
        let li = hub.sign_in("li").await;
        li.does(id, "close", json!({ "conditions": ["stopped"] }))
            .await;
    }
    assert_eq!(rows(&hub).await, 1, "only whom a channel reaches");
    let told = eventually("the reporter is told", || async {
        let told = told(&end);
        (!told.is_empty()).then_some(told)
    })
    .await;
    let number = duty.get(&format!("/api/v1/cases/{case}")).await["number"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        told,
        [(
            "13800001111".to_owned(),
            format!(
                "The matter that you reported, \"Water leak\" ({number}), has been completed. Thank you."
            )
        )]
    );
    let li = hub.sign_in("li").await;
    li.does(case, "reopen", json!({})).await;
    reject(&li, case).await;
    assert_eq!(rows(&hub).await, 1, "once, however often it ends");
}

#[tokio::test]
async fn everybody_who_reported_a_merged_matter_is_told_when_the_whole_ends() {
    let end = Endpoint::always(200, "{}").await;
    let hub = hub_with_sms(&end).await;
    let duty = hub.sign_in("duty").await;
    let first = report(&duty, json!({ "phone": "13800001111" })).await;
    let second = report(&duty, json!({ "phone": "13800002222" })).await;
    let path = format!("/api/v1/cases/{first}/reports");
    let body = json!({ "description": "me too", "reporter": { "phone": "13800003333" } });
    let (status, _) = duty.sends(&path, &body, None).await;
    assert_eq!(status, 201);
    duty.does(second, "merge", json!({ "case": first })).await;
    assert_eq!(
        rows(&hub).await,
        0,
        "a merged case has not ended for who reported it"
    );
    reject(&duty, first).await;
    assert_eq!(rows(&hub).await, 3);
    let mut hand = around(&hub.store).await;
    let bodies: Vec<String> =
        sqlx::query_scalar("SELECT body FROM notifications WHERE kind = 'completion'")
            .fetch_all(&mut hand)
            .await
            .unwrap();
    assert!(
        bodies.iter().all(|body| body.contains("经核实不予立案")),
        "{bodies:?}"
    );
}

#[tokio::test]
async fn nobody_is_told_of_an_exercise() {
    let end = Endpoint::always(200, "{}").await;
    let hub = hub_with_sms(&end).await;
    let duty = hub.sign_in("duty").await;
    let drill = json!({ "is_drill": true, "reporter": { "phone": "13800001111" } });
    let answer = duty.reports(&with(leak(), drill)).await;
    let id = answer["case"]["id"].as_i64().unwrap();
    reject(&duty, id).await;
    assert_eq!(rows(&hub).await, 0);
}
