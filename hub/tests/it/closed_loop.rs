//! The closed loop over the API and the store: from an alert to an archived case.

use gridwatch_protocol::{Kind, Severity};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::harness::{Hub, Officer, UNIT, alert, around, batch, eventually};

async fn hub_with_a_leak() -> Hub {
    let hub = Hub::start().await;
    let mut leak = alert(1, "cellar", Kind::WaterLeak);
    leak.severity = Severity::P3;
    hub.send(&batch(vec![leak])).await;
    hub
}

fn actions(case: &Value) -> Vec<String> {
    let rows = case["transitions"].as_array().unwrap();
    rows.iter()
        .map(|row| row["action"].as_str().unwrap().to_owned())
        .collect()
}

fn allowed<'a>(case: &'a Value, action: &str) -> &'a Value {
    let all = case["allowed_actions"].as_array().unwrap();
    all.iter()
        .find(|each| each["action"] == action)
        .unwrap_or_else(|| panic!("{action} is not among {all:?}"))
}

async fn case(officer: &Officer, id: i64) -> Value {
    officer.get(&format!("/api/v1/cases/{id}")).await
}

#[tokio::test]
async fn case_goes_the_whole_way_and_keeps_its_history() {
    let hub = hub_with_a_leak().await;
    let (duty, zhao, zhou) = (
        hub.sign_in("duty").await,
        hub.sign_in("zhao").await,
        hub.sign_in("zhou").await,
    );
    duty.does(1, "acknowledge", json!({})).await;
    let filed = duty
        .does(1, "file", json!({ "condition": "alarm_stands" }))
        .await;
    let dispatch = allowed(&filed, "dispatch");
    assert_eq!(dispatch["fields"][0]["suggested"], UNIT);
    let sent = duty.does(1, "dispatch", json!({ "unit": UNIT })).await;
    assert_eq!(
        (&sent["state"], &sent["unit"]["code"]),
        (&json!("dispatched"), &json!(UNIT))
    );
    assert!(sent["due_at"].is_string());
    zhao.does(1, "handle", json!({})).await;
    let evidence = json!([{ "kind": "photo", "sha256": "ab".repeat(32), "name": "cellar.jpg", "at": "2026-11-22T03:00:00.000Z" }]);
    let fed_back = zhao
        .does(1, "feedback", json!({ "evidence": evidence }))
        .await;
    assert_eq!(
        fed_back["transitions"][5]["evidence_hash"]
            .as_str()
            .unwrap()
            .len(),
        64
    );
    let checking = duty.does(1, "check", json!({})).await;
    let close = allowed(&checking, "close");
    assert_eq!(close["missing"][0]["code"], "check", "{close}");
    assert!(close["blocked"]["zh"].is_string());
    let (status, problem) = duty
        .act_with(
            1,
            "close",
            checking["version"].as_i64().unwrap(),
            json!({}),
            None,
        )
        .await;
    assert_eq!(
        (status.as_u16(), &problem["type"]),
        (422, &json!("incomplete"))
    );
    let codes: Vec<&Value> = problem["missing"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| &l["code"])
        .collect();
    assert_eq!(codes, ["check", "conditions"], "everything is told at once");
    zhou.does(1, "checked", json!({ "yes": true })).await;
    let closed = duty
        .does(1, "close", json!({ "conditions": ["stopped"] }))
        .await;
    assert_eq!(closed["state"], "closed");
    let li = hub.sign_in("li").await;
    let done = li.does(1, "evaluate", json!({ "score": 5 })).await;
    assert_eq!(
        actions(&done),
        [
            "report",
            "acknowledge",
            "file",
            "dispatch",
            "handle",
            "feedback",
            "check",
            "checked",
            "close",
            "evaluate"
        ]
    );
    assert_eq!(done["allowed_actions"], json!([]));
    let ended = duty.get("/api/v1/cases?state=ended").await;
    assert_eq!(ended["items"][0]["state"], "evaluated");
    hub.send(&batch(vec![alert(2, "cellar", Kind::WaterLeak)]))
        .await;
    assert_eq!(
        duty.cases().await.len(),
        2,
        "after the end the same device opens a new case"
    );
}

#[tokio::test]
async fn p1_is_closed_by_two_persons() {
    let hub = Hub::start().await;
    hub.send(&batch(vec![alert(1, "kitchen", Kind::Smoke)]))
        .await;
    let (duty, zhao) = (hub.sign_in("duty").await, hub.sign_in("zhao").await);
    let (li, chen) = (hub.sign_in("li").await, hub.sign_in("chen").await);
    let filed = duty
        .does(1, "file", json!({ "condition": "alarm_stands" }))
        .await;
    assert_eq!(
        actions(&filed),
        ["report", "file", "dispatch"],
        "urgent: with its filing"
    );
    zhao.does(1, "handle", json!({})).await;
    zhao.does(1, "feedback", json!({})).await;
    duty.does(1, "check", json!({})).await;
    li.does(1, "checked", json!({ "yes": true })).await;
    let conditions = json!({ "conditions": ["isolated_with_watch"] });
    let proposed = li.does(1, "close", conditions.clone()).await;
    assert_eq!(proposed["state"], "post_check");
    let close = allowed(&proposed, "close");
    assert!(
        close["second_person"] == true && close["blocked"]["zh"].is_string(),
        "{close}"
    );
    let version = proposed["version"].as_i64().unwrap();
    let (status, problem) = li.act_with(1, "close", version, conditions, None).await;
    assert_eq!(
        (status.as_u16(), &problem["type"]),
        (422, &json!("second-person-needed"))
    );
    let closed = chen.does(1, "close", json!({})).await;
    assert_eq!(closed["state"], "closed");
    assert_eq!(
        closed["progress"]["closed_as"],
        json!(["isolated_with_watch"]),
        "the first one's choice"
    );
}

#[tokio::test]
async fn action_sent_twice_under_one_key_is_done_once() {
    let hub = hub_with_a_leak().await;
    let duty = hub.sign_in("duty").await;
    let note = async |key: &str, version| {
        duty.act_with(1, "note", version, json!({}), Some(key))
            .await
    };
    let (status, first) = note("k-1", 1).await;
    assert_eq!(status, StatusCode::OK);
    let (status, again) = note("k-1", 1).await;
    assert_eq!((status, actions(&again)), (StatusCode::OK, actions(&first)));
    let (status, problem) = note("k-1", 2).await;
    assert_eq!(
        (status.as_u16(), &problem["type"]),
        (422, &json!("key-reused"))
    );
    let (status, _) = note("k-2", first["version"].as_i64().unwrap()).await;
    assert_eq!(status, StatusCode::OK);
    let li = hub.sign_in("li").await;
    let (status, third) = li.act_with(1, "note", 3, json!({}), Some("k-1")).await;
    assert_eq!(
        (status, actions(&third).len()),
        (StatusCode::OK, 4),
        "keys of two people never meet"
    );
    let (status, problem) = note(&"k".repeat(201), 3).await;
    assert_eq!(
        (status.as_u16(), &problem["type"]),
        (422, &json!("invalid-request"))
    );
}

#[tokio::test]
async fn refused_action_leaves_its_key_free() {
    let hub = hub_with_a_leak().await;
    let duty = hub.sign_in("duty").await;
    let (status, _) = duty.act_with(1, "file", 1, json!({}), Some("k")).await;
    assert_eq!(status.as_u16(), 422);
    let details = json!({ "condition": "alarm_stands" });
    let (status, _) = duty.act_with(1, "file", 1, details, Some("k")).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn merged_alerts_follow_their_new_case_and_come_back() {
    let hub = Hub::start().await;
    let (a, b) = (
        alert(1, "cellar", Kind::WaterLeak),
        alert(2, "stairs", Kind::WaterLeak),
    );
    hub.send(&batch(vec![a.clone(), b])).await;
    let duty = hub.sign_in("duty").await;
    let merged = duty.does(1, "merge", json!({ "case": 2 })).await;
    assert_eq!(
        (&merged["state"], merged["alerts"].as_array().unwrap().len()),
        (&json!("merged"), 0)
    );
    let master = case(&duty, 2).await;
    assert_eq!(
        (
            &master["alert_count"],
            master["alerts"].as_array().unwrap().len()
        ),
        (&json!(2), 2)
    );
    assert_eq!(actions(&master), ["report", "take_in"]);
    // What comes later about the merged alert, and a new one of its device, is seen in the master.
    let mut worse = a;
    (worse.revision, worse.phase) = (1, gridwatch_protocol::Phase::Updated);
    worse.severity = Severity::P1;
    worse.sequence = Some(3);
    hub.send(&batch(vec![worse, alert(4, "cellar", Kind::WaterLeak)]))
        .await;
    let master = case(&duty, 2).await;
    assert_eq!(
        (&master["severity"], &master["alert_count"]),
        (&json!("P1"), &json!(3))
    );
    assert_eq!(duty.cases().await.len(), 2);
    let back = duty.does(1, "undo_merge", json!({})).await;
    assert_eq!(
        (&back["state"], &back["alert_count"]),
        (&json!("reported"), &json!(1))
    );
    let master = case(&duty, 2).await;
    assert_eq!(
        (&master["severity"], &master["alert_count"]),
        (&json!("P1"), &json!(2)),
        "as urgent as it was"
    );
    hub.send(&batch(vec![alert(5, "cellar", Kind::WaterLeak)]))
        .await;
    assert_eq!(
        case(&duty, 1).await["alert_count"],
        2,
        "its device leads to it again"
    );
    let (status, problem) = duty
        .act_with(
            1,
            "merge",
            back["version"].as_i64().unwrap() + 1,
            json!({ "case": 99 }),
            None,
        )
        .await;
    assert_eq!(
        (status.as_u16(), &problem["missing"][0]["code"]),
        (422, &json!("case"))
    );
}

#[tokio::test]
async fn reopened_case_takes_its_alerts_again_unless_another_one_has_them() {
    let hub = hub_with_a_leak().await;
    let duty = hub.sign_in("duty").await;
    duty.does(1, "reject", json!({ "condition": "not_found" }))
        .await;
    duty.does(1, "reopen", json!({})).await;
    hub.send(&batch(vec![alert(2, "cellar", Kind::WaterLeak)]))
        .await;
    assert_eq!(case(&duty, 1).await["alert_count"], 2);
    let root = hub.sign_in("root").await;
    let version = case(&duty, 1).await["version"].as_i64().unwrap();
    // The new alert was urgent, not critical: one person rejects.
    assert_eq!(root.act(1, "reject", version).await.0, StatusCode::OK);
    hub.send(&batch(vec![alert(3, "cellar", Kind::WaterLeak)]))
        .await;
    duty.does(1, "reopen", json!({})).await;
    hub.send(&batch(vec![alert(4, "cellar", Kind::WaterLeak)]))
        .await;
    assert_eq!(
        case(&duty, 2).await["alert_count"],
        2,
        "the newer case keeps the device"
    );
}

#[tokio::test]
async fn older_hubs_acknowledged_cases_are_read_with_their_history() {
    let hub = hub_with_a_leak().await;
    let duty = hub.sign_in("duty").await;
    duty.does(1, "acknowledge", json!({})).await;
    let mut connection = around(&hub.store).await;
    // As a hub of before the loop has written it.
    let body: String = sqlx::query_scalar("SELECT body FROM cases WHERE id = 1")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    let mut body: Value = serde_json::from_str(&body).unwrap();
    body["state"] = json!("acknowledged");
    body.as_object_mut().unwrap().remove("progress");
    sqlx::query("UPDATE cases SET body = $1 WHERE id = 1")
        .bind(body.to_string())
        .execute(&mut connection)
        .await
        .unwrap();
    let old = json!({ "seq": 3, "at": "2026-11-22T03:00:00.000Z", "actor": "duty", "actor_name": "DUTY", "action": "note", "from": "acknowledged", "to": "acknowledged", "reason": "old" });
    sqlx::query("INSERT INTO transitions (case_id, seq, at, actor, action, body) VALUES (1, 3, 0, 'duty', 'note', $1)")
        .bind(old.to_string())
        .execute(&mut connection)
        .await
        .unwrap();
    let found = case(&duty, 1).await;
    assert_eq!(
        (&found["state"], &found["acknowledged_by"]),
        (&json!("reported"), &json!("duty"))
    );
    assert_eq!(found["transitions"][2]["from"], "reported");
}

#[tokio::test]
async fn what_is_due_by_itself_is_done_without_anybody_asking() {
    let hub = hub_with_a_leak().await;
    let duty = hub.sign_in("duty").await;
    duty.does(1, "file", json!({ "condition": "alarm_stands" }))
        .await;
    duty.does(1, "dispatch", json!({ "unit": UNIT })).await;
    let zhao = hub.sign_in("zhao").await;
    zhao.does(1, "handle", json!({})).await;
    let sun = hub.sign_in("sun").await;
    let until = hub::now().plus_ms(6_000).to_string();
    zhao.does(1, "ask_suspension", json!({ "until": until }))
        .await;
    let suspended = sun.does(1, "decide", json!({ "yes": true })).await;
    assert_eq!(suspended["state"], "suspended");
    let resumed = eventually("the end of the suspension", || async {
        let found = case(&duty, 1).await;
        (found["state"] == "handling").then_some(found)
    })
    .await;
    let last = resumed["transitions"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&last["action"], &last["actor"]),
        (&json!("resume"), &json!("system"))
    );
}

#[tokio::test]
async fn lists_say_what_waits_for_a_decision_and_find_it_open_or_closed() {
    let hub = hub_with_a_leak().await;
    let (duty, zhao, sun) = (
        hub.sign_in("duty").await,
        hub.sign_in("zhao").await,
        hub.sign_in("sun").await,
    );
    let waiting = async |query: &str| {
        let page = duty.get(&format!("/api/v1/cases?{query}")).await;
        let items = page["items"].as_array().unwrap().clone();
        let first = items.first().map(|one| one["waits_for"]["what"].clone());
        (items.len(), first)
    };
    duty.does(1, "file", json!({ "condition": "alarm_stands" }))
        .await;
    duty.does(1, "dispatch", json!({ "unit": UNIT })).await;
    assert_eq!(waiting("waits_for=any").await, (0, None));
    let qian = hub.sign_in("qian").await;
    qian.does(1, "ask_extension", json!({})).await;
    let (one, extension) = (1, Some(json!("extension")));
    for query in ["waits_for=any", "waits_for=extension", "state=open"] {
        assert_eq!(waiting(query).await, (one, extension.clone()), "{query}");
    }
    assert_eq!(waiting("waits_for=suspension").await, (0, None));
    let decided = sun.does(1, "decide", json!({ "yes": true })).await;
    assert_eq!(decided.get("waits_for"), None);
    assert_eq!(waiting("waits_for=any").await, (0, None));

    zhao.does(1, "handle", json!({})).await;
    let evidence = json!([{ "kind": "photo", "sha256": "ab".repeat(32), "name": "cellar.jpg", "at": "2026-11-22T03:00:00.000Z" }]);
    zhao.does(1, "feedback", json!({ "evidence": evidence }))
        .await;
    duty.does(1, "check", json!({})).await;
    let zhou = hub.sign_in("zhou").await;
    zhou.does(1, "checked", json!({ "yes": true })).await;
    duty.does(1, "close", json!({ "conditions": ["stopped"] }))
        .await;
    let appealed = qian.does(1, "appeal", json!({})).await;
    assert_eq!(appealed["waits_for"]["by"], "qian");
    let appeal = Some(json!("appeal"));
    for query in ["state=all&waits_for=any", "state=ended&waits_for=appeal"] {
        assert_eq!(waiting(query).await, (one, appeal.clone()), "{query}");
    }
    assert_eq!(waiting("waits_for=any").await, (0, None), "open ones only");
    let (status, problem) = {
        let request = duty.request(reqwest::Method::GET, "/api/v1/cases?waits_for=rain");
        let response = request.send().await.unwrap();
        (response.status(), response.json::<Value>().await.unwrap())
    };
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
}
