//! What goes up, and what officers of the parent see of it and do with it.

use super::*;

#[tokio::test]
async fn only_what_the_parent_wants_goes_up_and_what_went_up_is_told_to_its_end() {
    let (parent, key, port) = new_parent().await;
    let child = child_of(port, &key, None, "severities = [\"P1\"]\n").await;
    let smoke = alert(1, "kitchen", Kind::Smoke);
    child.send(&batch(vec![smoke.clone()])).await;
    child.send(&batch(vec![alert(2, "door", Kind::DoorForced)])).await;
    let mut drill = alert(3, "hall", Kind::Smoke);
    drill.is_test = true;
    child.send(&batch(vec![drill])).await;
    let li = parent.sign_in("li").await;
    let all = "/api/v1/children/cases?state=all";
    eventually("the fire is there", || async {
        let page = li.get(all).await;
        (page["items"].as_array().unwrap().len() == 1).then_some(())
    })
    .await;
    let clears = Alert {
        revision: 1,
        phase: Phase::Cleared,
        sequence: Some(4),
        ..smoke
    };
    child.send(&batch(vec![clears])).await;
    eventually("it is told that the alarm has cleared", || async {
        let page = li.get(all).await;
        (page["items"][0]["case"]["alerts_active"] == 0).then_some(())
    })
    .await;
    let page = li.get(all).await;
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    let case = &page["items"][0]["case"];
    assert_eq!(case["area_path"].as_array().unwrap().len(), 5);
    assert_eq!(case["steps"][0]["to"], "reported");
    assert_eq!(li.cases().await, Vec::<Value>::new(), "never among the own cases");
}

#[tokio::test]
async fn call_upward_is_answered_by_its_unit_at_the_parent_once() {
    let (parent, key, port) = new_parent().await;
    let mut hand = around(&parent.store).await;
    sqlx::query("UPDATE users SET unit = 'binhai-gas' WHERE name = 'qian'")
        .execute(&mut hand)
        .await
        .unwrap();
    let child = child_of(port, &key, None, "severities = [\"P1\"]\n").await;
    let mut leak = alert(1, "cellar", Kind::WaterLeak);
    leak.severity = gridwatch_protocol::Severity::P3;
    child.send(&batch(vec![leak, alert(2, "kitchen", Kind::Smoke)])).await;
    let duty = child.sign_in("duty").await;
    let cases = duty.cases().await;
    let leak = cases.iter().find(|case| case["severity"] != "P1").unwrap();
    let id = leak["id"].as_i64().unwrap();
    duty.does(id, "call_up", json!({ "unit": "binhai-gas" })).await;
    // The unit sees the case that calls it and no other one.
    let qian = parent.sign_in("qian").await;
    let page = eventually("the call is there", || async {
        let page = qian.get("/api/v1/children/cases?calls=true").await;
        (page["items"].as_array().unwrap().len() == 1).then_some(page)
    })
    .await;
    assert_eq!(page["items"][0]["case"]["calls"][0]["reason"], "a reason");
    assert_eq!(qian.get("/api/v1/children/cases?state=all").await["items"].as_array().unwrap().len(), 1);
    assert_eq!(qian.get("/api/v1/children").await["items"], json!([]));
    let answer = json!({ "action": "answer_call", "call": 1, "unit": "binhai-gas", "reason": "a crew is on its way" });
    let (status, problem) = ask(&parent.sign_in("duty").await, id, &answer).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{problem}");
    for _ in 0..2 {
        let (status, asked) = ask(&qian, id, &answer).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{asked}");
    }
    let path = format!("/api/v1/children/{CHILD}/cases/1/{id}");
    let shown = eventually("both have their results", || async {
        let shown = qian.get(&path).await;
        let all = shown["commands"].as_array().unwrap();
        all.iter().all(|c| c.get("result").is_some()).then_some(shown)
    })
    .await;
    let results = shown["commands"].as_array().unwrap().iter();
    let mut results: Vec<&str> = results.map(|c| c["result"]["outcome"].as_str().unwrap()).collect();
    results.sort_unstable();
    assert_eq!(results, ["done", "refused"], "a call is answered once");
    let case = duty.get(&format!("/api/v1/cases/{id}")).await;
    assert_eq!(case["progress"]["calls"][0]["answered_by"], "parent:city");
    eventually("the parent sees its answer", || async {
        let page = qian.get(&path).await;
        page["case"]["calls"][0]["answered_at"].is_string().then_some(())
    })
    .await;
}

#[tokio::test]
async fn officers_see_children_and_their_cases_by_area_and_silence_is_shown() {
    let (parent, key, port) = new_parent().await;
    let child = child_of(port, &key, None, "").await;
    child.send(&batch(doors(1..=2))).await;
    let mut far = alert(3, "kitchen", Kind::Smoke);
    far.site = gridwatch_protocol::SiteId::new("xinghe-market").unwrap();
    child.send(&batch(vec![far])).await;
    agree(&child, &parent).await;
    let li = parent.sign_in("li").await;
    let shown = eventually("the child is heard", || async {
        let list = li.get("/api/v1/children").await;
        (list["items"][0]["state"] == "online").then_some(list["items"][0].clone())
    })
    .await;
    assert_eq!((&shown["open"]["P1"], &shown["open"]["P2"]), (&json!(1), &json!(2)));
    assert_eq!(shown["area_path"][1]["code"], "990101");
    let mut hand = around(&parent.store).await;
    for statement in [
        "UPDATE users SET area = '990101001001002' WHERE name = 'chen'",
        "UPDATE child_status SET last_heartbeat_at = last_heartbeat_at - 100000",
    ] {
        child_stopped(&child).await;
        sqlx::query(statement).execute(&mut hand).await.unwrap();
    }
    let chen = parent.sign_in("chen").await;
    let seen = chen.get("/api/v1/children/cases").await;
    assert_eq!(seen["items"].as_array().unwrap().len(), 1);
    assert_eq!(seen["items"][0]["case"]["site"], "xinghe-market");
    assert_eq!(chen.get("/api/v1/children").await["items"], json!([]));
    let (status, _) = ask(&chen, 1, &json!({ "action": "comment", "reason": "x" })).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    // Pages of one, in order, without a case twice.
    let mut after = String::new();
    let mut found = Vec::new();
    loop {
        let page = li.get(&format!("/api/v1/children/cases?limit=1{after}")).await;
        found.push(page["items"][0]["case"]["case"].as_i64().unwrap());
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(found, [3, 1, 2]);
    let auditor = parent.request_as("audit", Method::POST, "/api/v1/children/donghu/cases/1/1/commands");
    let refused = auditor.await.json(&json!({ "action": "comment", "reason": "x" })).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
}
