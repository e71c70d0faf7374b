//! Matters reported by officers and grid workers.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::super::harness::{Hub, Officer, UNIT, around, eventually, hub_on};
use super::{by_hand, leak, with};

fn codes(problem: &Value) -> Vec<&str> {
    let missing = problem["missing"].as_array().unwrap();
    missing
        .iter()
        .map(|lack| lack["code"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn grid_worker_reports_a_matter_and_it_becomes_a_case_with_its_clocks() {
    let hub = Hub::start().await;
    let zhou = hub.sign_in("zhou").await;
    let matter = with(
        leak(),
        json!({
            "position": { "lat": 23.0209, "lon": 113.1522 },
            "place": { "building": "3", "room": "hall" },
            "photos": [{ "sha256": "AB".repeat(32), "name": "hall.jpg" }],
        }),
    );
    let answer = zhou.reports(&matter).await;
    assert_eq!(answer["nearby"], json!([]));
    assert_eq!(answer["report"]["opened"], true);
    let id = answer["case"]["id"].as_i64().unwrap();
    let duty = hub.sign_in("duty").await;
    let case = duty.get(&format!("/api/v1/cases/{id}")).await;
    assert_eq!(
        (&case["state"], &case["severity"]),
        (&json!("reported"), &json!("P3"))
    );
    assert_eq!(
        (&case["alert_count"], &case["alerts"]),
        (&json!(0), &json!([]))
    );
    assert_eq!(
        case["title"]["en"],
        "Water leak · Xinghe Garden, building 3, hall"
    );
    let row = &case["transitions"][0];
    assert_eq!(
        (&row["action"], &row["actor"]),
        (&json!("report"), &json!("zhou"))
    );
    assert_eq!(row["role"], "checker");
    assert_eq!(row["details"]["evidence"][0]["sha256"], "ab".repeat(32));
    assert_eq!(row["evidence_hash"].as_str().unwrap().len(), 64);
    let clocks = duty.get(&format!("/api/v1/cases/{id}/clocks")).await;
    assert!(clocks.to_string().contains("acknowledge"), "{clocks}");
    let listed = duty.get("/api/v1/cases").await;
    assert_eq!(listed["items"][0]["number"], answer["case"]["number"]);
    let reports = duty.get(&format!("/api/v1/cases/{id}/reports")).await;
    assert_eq!(reports["items"][0]["description"], "water in the hall");
    assert_eq!(reports["items"][0]["position"]["lat"], 23.0209);
    let load = duty.get("/api/v1/statistics/load").await;
    assert_eq!(load["open_by_severity"]["P3"], 1, "{load}");
}

#[tokio::test]
async fn everything_that_is_missing_or_wrong_is_told_at_once() {
    let hub = Hub::start().await;
    let zhou = hub.sign_in("zhou").await;
    let (status, problem) = zhou.sends("/api/v1/cases", &json!({}), None).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem["type"], "incomplete");
    assert_eq!(codes(&problem), ["category", "description", "site"]);
    let wrong = json!({
        "category": "no_such", "description": "x", "site": "nowhere",
        "photos": [{ "sha256": "x" }], "reporter": { "phone": "call me", "email": "at home" },
    });
    let (_, problem) = zhou.sends("/api/v1/cases", &wrong, None).await;
    assert_eq!(
        codes(&problem),
        [
            "category",
            "site",
            "photos",
            "reporter.phone",
            "reporter.email"
        ]
    );
    let audit = hub.sign_in("audit").await;
    let (status, _) = audit.sends("/api/v1/cases", &leak(), None).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(hub.sign_in("duty").await.cases().await.is_empty());
}

#[tokio::test]
async fn same_report_twenty_times_under_one_key_is_one_case() {
    let hub = Hub::start().await;
    let zhou = hub.sign_in("zhou").await;
    let matter = leak();
    let sent = (0..20).map(|_| zhou.sends("/api/v1/cases", &matter, Some("key-1")));
    let answers = futures_util::future::join_all(sent).await;
    let id = &answers[0].1["report"]["id"];
    for (status, answer) in &answers {
        assert_eq!(
            (*status, &answer["report"]["id"]),
            (StatusCode::CREATED, id)
        );
    }
    assert_eq!(zhou.cases().await.len(), 1);
    let other = with(leak(), json!({ "description": "another" }));
    let (status, problem) = zhou.sends("/api/v1/cases", &other, Some("key-1")).await;
    assert_eq!(
        (status.as_u16(), &problem["type"]),
        (422, &json!("key-reused"))
    );
    let sun = hub.sign_in("sun").await;
    let (status, _) = sun.sends("/api/v1/cases", &other, Some("key-1")).await;
    assert_eq!(status, StatusCode::CREATED, "keys of two people never meet");
    assert_eq!(zhou.cases().await.len(), 2);
}

#[tokio::test]
async fn open_cases_nearby_are_suggested_and_a_report_can_join_one_instead() {
    let hub = Hub::start().await;
    let (zhou, sun) = (hub.sign_in("zhou").await, hub.sign_in("sun").await);
    let first = zhou.reports(&leak()).await;
    let id = first["case"]["id"].as_i64().unwrap();
    let near = json!({
        "category": "water_leak", "description": "it drips", "area": "990101001001001",
        "position": { "lat": 23.0212, "lon": 113.1524 }, "on_nearby": "ask",
    });
    let (status, asked) = sun.sends("/api/v1/cases", &near, None).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        (&asked["case"], &asked["report"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(asked["nearby"][0]["case"]["id"], id);
    let distance = asked["nearby"][0]["distance_m"].as_f64().unwrap();
    assert!((20.0..100.0).contains(&distance), "{asked}");
    assert_eq!(zhou.cases().await.len(), 1);
    let other_kind = with(near.clone(), json!({ "category": "tamper" }));
    let (status, other) = sun.sends("/api/v1/cases", &other_kind, None).await;
    assert_eq!(
        (status, &other["nearby"]),
        (StatusCode::CREATED, &json!([]))
    );
    let far = with(near, json!({ "position": { "lat": 23.05, "lon": 113.20 } }));
    let (status, _) = sun.sends("/api/v1/cases", &far, None).await;
    assert_eq!(status, StatusCode::CREATED);

    let path = format!("/api/v1/cases/{id}/reports");
    let join = json!({ "description": "I see it, too" });
    for _ in 0..3 {
        let (status, joined) = sun.sends(&path, &join, Some("join-1")).await;
        assert_eq!(status, StatusCode::CREATED, "{joined}");
        assert_eq!(joined["report"]["opened"], false);
    }
    let reports = zhou.get(&path).await;
    let opened: Vec<&Value> = reports["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| &r["opened"])
        .collect();
    assert_eq!(
        opened,
        [true, false],
        "one opened it, one is a repeated report"
    );
    let case = zhou.get(&format!("/api/v1/cases/{id}")).await;
    assert_eq!(case["transitions"][1]["action"], "report_joined");
    assert_eq!(case["transitions"][1]["actor"], "sun");
}

/// Brings the case to its end as an immediate matter.
async fn rejects(officer: &Officer, id: i64) {
    officer.does(id, "acknowledge", json!({})).await;
    officer
        .does(id, "reject", json!({ "condition": "not_found" }))
        .await;
}

#[tokio::test]
async fn matter_goes_the_whole_way_to_its_end_and_is_rated() {
    let hub = Hub::start().await;
    let (duty, zhao, zhou) = (
        hub.sign_in("duty").await,
        hub.sign_in("zhao").await,
        hub.sign_in("zhou").await,
    );
    let answer = zhou.reports(&leak()).await;
    let id = answer["case"]["id"].as_i64().unwrap();
    let report = answer["report"]["id"].as_str().unwrap();
    let rating = format!("/api/v1/cases/{id}/reports/{report}/rating");
    let (status, problem) = duty.sends(&rating, &json!({ "rating": 5 }), None).await;
    assert_eq!(
        (status.as_u16(), &problem["type"]),
        (409, &json!("case-open"))
    );
    duty.does(id, "file", json!({ "condition": "seen_on_site" }))
        .await;
    duty.does(id, "dispatch", json!({ "unit": UNIT })).await;
    zhao.does(id, "handle", json!({})).await;
    let evidence = json!([{ "kind": "photo", "sha256": "cd".repeat(32), "name": "dry.jpg", "at": hub::now() }]);
    zhao.does(id, "feedback", json!({ "evidence": evidence }))
        .await;
    duty.does(id, "check", json!({})).await;
    zhou.does(id, "checked", json!({ "yes": true })).await;
    let closed = duty
        .does(id, "close", json!({ "conditions": ["stopped"] }))
        .await;
    assert_eq!(closed["state"], "closed");
    let (status, _) = duty.sends(&rating, &json!({ "rating": 6 }), None).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let (status, _) = zhou.sends(&rating, &json!({ "rating": 4 }), None).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    for _ in 0..2 {
        let (status, rated) = duty.sends(&rating, &json!({ "rating": 4 }), None).await;
        assert_eq!((status, &rated["rating"]), (StatusCode::OK, &json!(4)));
    }
    let case = duty.get(&format!("/api/v1/cases/{id}")).await;
    let rows = case["transitions"].as_array().unwrap();
    let rated: Vec<&Value> = rows.iter().filter(|row| row["action"] == "rated").collect();
    assert_eq!(rated.len(), 1, "the same rating again changes nothing");
    assert_eq!(rated[0]["actor"], "duty");
    let (status, problem) = zhou
        .sends(
            &format!("/api/v1/cases/{id}/reports"),
            &json!({ "description": "again" }),
            None,
        )
        .await;
    assert_eq!(
        (status.as_u16(), &problem["type"]),
        (409, &json!("case-ended"))
    );
}

#[tokio::test]
async fn reporter_is_masked_shown_by_a_logged_reveal_and_deleted_after_the_end() {
    let hub = Hub::start().await;
    let (duty, zhou) = (hub.sign_in("duty").await, hub.sign_in("zhou").await);
    let person =
        json!({ "name": "王小芳", "phone": "+86 138 0000 1234", "email": "wxf@example.org" });
    let answer = duty
        .reports(&with(
            leak(),
            json!({ "reporter": person, "source": "phone" }),
        ))
        .await;
    let masked = json!({ "name": "王***", "phone": "***1234", "email": "w***@example.org" });
    assert_eq!(answer["report"]["reporter"], masked);
    let id = answer["case"]["id"].as_i64().unwrap();
    let report = answer["report"]["id"].as_str().unwrap();
    let shown = [
        duty.get(&format!("/api/v1/cases/{id}/reports")).await,
        duty.get(&format!("/api/v1/cases/{id}")).await,
        duty.get("/api/v1/cases?q=13800001234").await,
    ];
    for page in &shown {
        let text = page.to_string();
        assert!(
            !text.contains("小芳") && !text.contains("1380000") && !text.contains("wxf@"),
            "{text}"
        );
    }
    let path = format!("/api/v1/cases/{id}/reports/{report}/reveal");
    let (status, _) = zhou
        .sends(&path, &json!({ "reason": "curious" }), None)
        .await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let (status, problem) = duty.sends(&path, &json!({ "reason": " " }), None).await;
    assert_eq!((status.as_u16(), codes(&problem)), (422, vec!["reason"]));
    let (status, clear) = duty
        .sends(&path, &json!({ "reason": "call back" }), None)
        .await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        (&clear["name"], &clear["phone"]),
        (&json!("王小芳"), &json!("+8613800001234"))
    );
    let mut hand = around(&hub.store).await;
    let lines: Vec<(String, String)> =
        sqlx::query_as("SELECT actor, subject FROM audit WHERE action = 'reporter_revealed'")
            .fetch_all(&mut hand)
            .await
            .unwrap();
    assert_eq!(lines.len(), 1, "only what was shown is logged");
    assert_eq!(lines[0].0, "duty");
    assert!(
        lines[0].1.contains(report) && lines[0].1.contains("call back"),
        "{lines:?}"
    );
    assert!(
        !lines[0].1.contains("王"),
        "the audit is kept for good and names nobody"
    );

    rejects(&duty, id).await;
    let (store, key) = (hub.store.clone(), hub.key.clone());
    by_hand(&hub, "UPDATE cases SET ended_at = 1").await;
    let _dir = hub.stop().await.unwrap();
    let hub = hub_on(&store, key).await;
    let duty = hub.sign_in("duty").await;
    eventually("the reporter is let go", || async {
        let reports = duty.get(&format!("/api/v1/cases/{id}/reports")).await;
        assert_eq!(reports["items"][0]["description"], "water in the hall");
        reports["items"][0].get("reporter").is_none().then_some(())
    })
    .await;
    let (status, _) = duty
        .sends(&path, &json!({ "reason": "call back" }), None)
        .await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn hostile_texts_come_back_as_text() {
    let hub = Hub::start().await;
    let duty = hub.sign_in("duty").await;
    let hostile =
        "<script>alert(1)</script> ]]> &amp; \u{202e}abc \u{7} \u{1f525} '; DROP TABLE cases; --";
    let place = json!({ "building": "<b>3</b>", "room": "\"'><img src=x>" });
    let matter = with(
        leak(),
        json!({ "description": hostile, "address": hostile, "place": place, "reporter": { "name": "<i>x</i>" } }),
    );
    let answer = duty.reports(&matter).await;
    let id = answer["case"]["id"].as_i64().unwrap();
    let path = format!("/api/v1/cases/{id}/reports");
    let response = duty.request(Method::GET, &path).send().await.unwrap();
    let kind = response.headers()["content-type"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(kind.starts_with("application/json"), "{kind}");
    let reports: Value = response.json().await.unwrap();
    assert_eq!(reports["items"][0]["description"], hostile);
    assert_eq!(reports["items"][0]["address"], hostile);
    let nul = with(leak(), json!({ "description": "a\u{0}b" }));
    let answer = duty.reports(&nul).await;
    let text = answer["report"]["description"].as_str().unwrap();
    assert!(text.starts_with('a') && text.ends_with('b'), "{text:?}");
}

#[tokio::test]
async fn reports_follow_their_case_when_it_is_merged_and_come_back_when_that_is_undone() {
    let hub = Hub::start().await;
    let duty = hub.sign_in("duty").await;
    let mut ids = Vec::new();
    for text in ["one", "two"] {
        let answer = duty
            .reports(&with(leak(), json!({ "description": text })))
            .await;
        ids.push(answer["case"]["id"].as_i64().unwrap());
    }
    let count = async |id: i64| {
        let reports = duty.get(&format!("/api/v1/cases/{id}/reports")).await;
        reports["items"].as_array().unwrap().len()
    };
    duty.does(ids[1], "merge", json!({ "case": ids[0] })).await;
    assert_eq!((count(ids[0]).await, count(ids[1]).await), (2, 0));
    duty.does(ids[1], "undo_merge", json!({})).await;
    assert_eq!((count(ids[0]).await, count(ids[1]).await), (1, 1));
}
