//! What officers see and do.

use gridwatch_protocol::{Kind, Severity};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::harness::{Hub, alert, around, batch};

#[tokio::test]
async fn open_cases_come_most_urgent_first_then_oldest_and_pages_fit_together() {
    let hub = Hub::start().await;
    for (n, severity) in (1..).zip([
        Severity::P3,
        Severity::P1,
        Severity::P4,
        Severity::P2,
        Severity::P1,
        Severity::P3,
    ]) {
        let mut one = alert(n, &format!("door-{n}"), Kind::DoorForced);
        one.severity = severity;
        hub.send(&batch(vec![one])).await;
    }
    let duty = hub.sign_in("duty").await;
    let whole = duty.get("/api/v1/cases").await;
    let order = |page: &Value| -> Vec<(String, i64)> {
        let items = page["items"].as_array().unwrap();
        items
            .iter()
            .map(|c| {
                (
                    c["severity"].as_str().unwrap().to_owned(),
                    c["id"].as_i64().unwrap(),
                )
            })
            .collect()
    };
    let expected = [
        ("P1", 2),
        ("P1", 5),
        ("P2", 4),
        ("P3", 1),
        ("P3", 6),
        ("P4", 3),
    ]
    .map(|(s, i)| (s.to_owned(), i));
    assert_eq!(order(&whole), expected);
    assert_eq!(
        whole["total_open"],
        json!({ "P1": 2, "P2": 1, "P3": 2, "P4": 1 })
    );
    for state in ["open", "all"] {
        let (mut seen, mut after) = (Vec::new(), String::new());
        loop {
            let page = duty
                .get(&format!("/api/v1/cases?state={state}&limit=2{after}"))
                .await;
            seen.extend(order(&page));
            let Some(next) = page["next"].as_str() else {
                break;
            };
            after = format!("&after={next}");
        }
        assert_eq!(seen.len(), 6, "{state}: {seen:?}");
        seen.dedup();
        assert_eq!(seen.len(), 6, "{state}: {seen:?}");
    }
    let some = duty.get("/api/v1/cases?severity=P2,P4&q=door-3").await;
    assert_eq!(order(&some), [("P4".to_owned(), 3)]);
    assert!(order(&duty.get("/api/v1/cases?site=xinghe-market").await).is_empty());
    assert!(
        order(&duty.get("/api/v1/cases?q=%25").await).is_empty(),
        "a percent sign is a text"
    );
}

#[tokio::test]
async fn stale_action_is_a_conflict_that_carries_the_case_as_it_is() {
    let hub = Hub::start().await;
    hub.send(&batch(vec![alert(1, "east-door", Kind::DoorForced)]))
        .await;
    let (duty, li) = (hub.sign_in("duty").await, hub.sign_in("li").await);
    let (status, case) = duty.act(1, "acknowledge", 1).await;
    assert_eq!(
        (status, case["state"].as_str()),
        (StatusCode::OK, Some("reported"))
    );
    assert_eq!(case["acknowledged_by"], "duty");
    let (status, problem) = li.act(1, "file", 1).await;
    assert_eq!(
        (status, problem["type"].as_str()),
        (StatusCode::CONFLICT, Some("version-conflict"))
    );
    assert_eq!(problem["current"]["version"], case["version"]);
    assert!(problem["current"]["allowed_actions"].is_array());
    let (status, _) = duty.act(2, "note", 1).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn two_officers_at_once_acknowledge_once() {
    let hub = Hub::start().await;
    hub.send(&batch(vec![alert(1, "east-door", Kind::DoorForced)]))
        .await;
    let (duty, li) = (hub.sign_in("duty").await, hub.sign_in("li").await);
    let (a, b) = tokio::join!(duty.act(1, "acknowledge", 1), li.act(1, "acknowledge", 1));
    let mut statuses = [a.0.as_u16(), b.0.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
}

#[tokio::test]
async fn history_of_a_case_cannot_be_changed_in_the_store() {
    let hub = Hub::start().await;
    hub.send(&batch(vec![alert(1, "kitchen", Kind::Smoke)]))
        .await;
    let mut connection = around(&hub.store).await;
    for statement in [
        "UPDATE transitions SET actor = 'x'",
        "DELETE FROM transitions",
        "DELETE FROM audit",
    ] {
        let refused = sqlx::query(statement).execute(&mut connection).await;
        if statement.contains("audit") {
            hub.sign_in("duty").await;
            let refused = sqlx::query(statement).execute(&mut connection).await;
            assert!(refused.unwrap_err().to_string().contains("never deleted"));
        } else {
            assert!(
                refused.unwrap_err().to_string().contains("never"),
                "{statement}"
            );
        }
    }
}


#[tokio::test]
async fn every_error_is_a_problem() {
    let hub = Hub::start().await;
    let duty = hub.sign_in("duty").await;
    let check = async |method: Method, path: &str, body: &str, status: u16| {
        let response = duty
            .request(method.clone(), path)
            .header("content-type", "application/json")
            .body(body.to_owned())
            .send()
            .await
            .unwrap();
        assert_eq!(response.status().as_u16(), status, "{method} {path}");
        assert_eq!(
            response.headers()["content-type"],
            "application/problem+json",
            "{method} {path}"
        );
        let problem: Value = response.json().await.unwrap();
        assert_eq!(problem["status"], status, "{method} {path}");
    };
    check(Method::GET, "/api/v1/nothing", "", 404).await;
    check(Method::GET, "/api/v1/cases/77", "", 404).await;
    check(Method::GET, "/api/v1/cases/abc", "", 400).await;
    check(Method::DELETE, "/api/v1/cases", "", 405).await;
    check(Method::POST, "/somewhere", "", 405).await;
    check(Method::GET, "/assets/none.js", "", 404).await;
    check(Method::GET, "/api/v1/cases?limit=x", "", 400).await;
    check(Method::GET, "/api/v1/cases?limit=9999", "", 422).await;
    check(Method::GET, "/api/v1/cases?state=odd", "", 422).await;
    check(Method::GET, "/api/v1/cases?severity=P7", "", 422).await;
    check(Method::GET, "/api/v1/cases?after=1", "", 422).await;
    check(Method::GET, "/api/v1/readings?device=d&kind=odd", "", 422).await;
    check(
        Method::GET,
        "/api/v1/readings?device=d&kind=smoke&from=yesterday",
        "",
        422,
    )
    .await;
    check(Method::POST, "/api/v1/cases/1/actions", "{", 400).await;
    check(
        Method::POST,
        "/api/v1/cases/1/actions",
        "{\"action\":\"fly\",\"version\":1}",
        422,
    )
    .await;
    check(
        Method::POST,
        "/api/v1/cases/1/actions",
        &"x".repeat(70_000),
        413,
    )
    .await;
}

#[test]
fn description_of_the_api_is_the_one_that_was_agreed() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let now = hub::api::openapi().to_pretty_json().unwrap() + "\n";
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(path, &now).unwrap();
    }
    let agreed = std::fs::read_to_string(path).unwrap();
    assert!(
        agreed == now,
        "the API has changed; if that is meant, run this test with UPDATE_OPENAPI=1 and commit hub/openapi.json"
    );
}

#[tokio::test]
async fn pages_carry_security_headers_and_addresses_of_the_console_lead_to_it() {
    let hub = Hub::start().await;
    let response = hub.client.get(hub.url("/cases/12")).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let headers = response.headers();
    assert!(
        headers["content-security-policy"]
            .to_str()
            .unwrap()
            .contains("frame-ancestors 'none'")
    );
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert_eq!(headers["cache-control"], "no-cache");
    assert!(
        headers["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/html")
    );
    assert!(
        !headers.contains_key("strict-transport-security"),
        "plain HTTP"
    );
}

#[tokio::test]
async fn load_of_an_officer_counts_new_cases_and_the_oldest_that_waits() {
    let hub = Hub::start().await;
    hub.send(&batch(vec![
        alert(1, "a", Kind::DoorForced),
        alert(2, "b", Kind::DoorForced),
    ]))
    .await;
    let duty = hub.sign_in("duty").await;
    duty.act(1, "acknowledge", 1).await;
    let load = duty.get("/api/v1/statistics/load").await;
    assert_eq!(
        (
            &load["officer_last_hour"],
            &load["acknowledged_by_me_last_hour"]
        ),
        (&json!(2), &json!(1))
    );
    assert_eq!(load["open_by_severity"]["P2"], 2);
    assert!(load["oldest_unacknowledged_ms"].as_i64().unwrap() >= 0);
    let sites = duty.get("/api/v1/sites").await;
    assert_eq!(sites["items"][0]["gateway"], "gw-1");
}

#[tokio::test]
async fn catalogue_and_calendar_are_there_to_be_read() {
    let hub = Hub::start().await;
    let duty = hub.sign_in("duty").await;
    let catalogue = duty.get("/api/v1/catalogue").await;
    let items = catalogue["items"].as_array().unwrap();
    let fire = items.iter().find(|item| item["code"] == "fire_confirmed").unwrap();
    assert_eq!(fire["severity"], "P1");
    assert_eq!(fire["limits"]["acknowledge"], json!({ "amount": 60, "clock": "seconds" }));
    let calendar = duty.get("/api/v1/calendar?year=2026").await;
    assert_eq!(calendar["known"], true);
    assert_eq!(calendar["days"]["2026-10-01"], json!([]), "National Day");
    let unknown = duty.get("/api/v1/calendar?year=2199").await;
    assert_eq!((&unknown["known"], &unknown["days"]), (&json!(false), &json!({})));
    let wrong = duty
        .request(Method::GET, "/api/v1/calendar?year=9999")
        .send()
        .await
        .unwrap();
    assert_eq!(wrong.status(), StatusCode::UNPROCESSABLE_ENTITY);
}
