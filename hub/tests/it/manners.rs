//! How the API behaves whatever it is about: languages, budgets of requests, tags, pages and filters.

use gridwatch_protocol::{Kind, Severity, SiteId};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use super::harness::{Hub, Officer, alert, around, batch, heartbeat};

async fn get(officer: &Officer, path: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = officer.request(Method::GET, path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

fn text<'a>(response: &'a Response, header: &str) -> &'a str {
    response.headers()[header].to_str().unwrap()
}

#[tokio::test]
async fn problems_are_told_in_the_language_of_the_officer_else_of_the_request() {
    let hub = Hub::start().await;
    let duty = hub.sign_in("duty").await;
    let told = async |officer: &Officer, accept: &str| {
        let response = get(officer, "/api/v1/cases/77", &[("accept-language", accept)]).await;
        let language = text(&response, "content-language").to_owned();
        let problem: Value = response.json().await.unwrap();
        assert_eq!(problem["type"], "not-found", "types are for programs");
        (language, problem["title"].clone(), problem["detail"].clone())
    };
    let chinese = ("zh".to_owned(), json!("未找到"), json!("没有编号为 77 的事件"));
    let english = ("en".to_owned(), json!("Not found"), json!("there is no case 77"));
    assert_eq!(told(&duty, "zh-CN,zh;q=0.9,en;q=0.8").await, chinese);
    assert_eq!(told(&duty, "en-GB").await, english);
    assert_eq!(told(&duty, "fr").await, english);
    let mut store = around(&hub.store).await;
    sqlx::query("UPDATE users SET language = 'zh' WHERE name = 'duty'")
        .execute(&mut store)
        .await
        .unwrap();
    assert_eq!(told(&duty, "en").await, chinese, "what the officer chose counts more");
    let nobody = Officer { cookie: "gw_session=x".to_owned(), ..duty.clone() };
    let response = get(&nobody, "/api/v1/cases", &[("accept-language", "zh")]).await;
    let problem: Value = response.json().await.unwrap();
    assert_eq!(problem["detail"], "请先登录");
    let (status, refused) = hub.sign_in("zhao").await.act(1, "close", 1).await;
    assert_eq!((status, &refused["type"]), (StatusCode::NOT_FOUND, &json!("not-found")));
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_again_and_nothing_was_done() {
    let hub = Hub::start_with(|config| {
        config.limits.reads_per_minute = 5;
        config.limits.gateway_requests_per_minute = 60;
    })
    .await;
    let (duty, li) = (hub.sign_in("duty").await, hub.sign_in("li").await);
    for left in (0..5).rev() {
        let response = get(&duty, "/api/v1/session", &[]).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(text(&response, "ratelimit-policy"), "\"reads\";q=5;w=60");
        assert!(text(&response, "ratelimit").starts_with(&format!("\"reads\";r={left};t=")));
    }
    let response = get(&duty, "/api/v1/session", &[("accept-language", "zh")]).await;
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = text(&response, "retry-after").parse().unwrap();
    assert!((1..=12).contains(&wait), "{wait}");
    let problem: Value = response.json().await.unwrap();
    assert_eq!(
        (&problem["type"], &problem["title"]),
        (&json!("too-many-requests"), &json!("请求过于频繁"))
    );
    assert_eq!(get(&li, "/api/v1/session", &[]).await.status(), StatusCode::OK);

    // A gateway that is stopped by its budget loses nothing: it sends the same again.
    let mut refused = None;
    let mut sent = Vec::new();
    for n in 1..=80 {
        let body = batch(vec![alert(n, &format!("door-{n}"), Kind::DoorForced)]);
        let body = serde_json::to_vec(&body).unwrap();
        let response = hub.post_gateway("/v1/batches", body.clone()).await;
        if response.status() == StatusCode::TOO_MANY_REQUESTS {
            assert!(text(&response, "retry-after").parse::<u64>().unwrap() <= 2);
            refused = Some(body);
            break;
        }
        sent.push(n);
    }
    let refused = refused.expect("the budget ends");
    assert!(sent.len() >= 60, "{} came through", sent.len());
    super::harness::eventually("the gateway may send again", || async {
        let response = hub.post_gateway("/v1/batches", refused.clone()).await;
        response.status().is_success().then_some(())
    })
    .await;
    assert_eq!(li.cases().await.len(), sent.len() + 1);
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again_and_a_stale_version_is_not_overwritten() {
    let hub = Hub::start().await;
    hub.send(&batch(vec![alert(1, "east-door", Kind::DoorForced)])).await;
    let duty = hub.sign_in("duty").await;
    for path in ["/api/v1/cases/1", "/api/v1/cases", "/api/v1/sites", "/api/v1/session"] {
        let first = get(&duty, path, &[]).await;
        let tag = text(&first, "etag").to_owned();
        let again = get(&duty, path, &[("if-none-match", &tag)]).await;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{path}");
        assert_eq!(text(&again, "etag"), tag);
        assert_eq!(again.bytes().await.unwrap().len(), 0, "{path}");
    }
    let tag = text(&get(&duty, "/api/v1/cases/1", &[]).await, "etag").to_owned();
    assert!(tag.starts_with("\"1-"), "{tag} carries the version");
    let act = async |action: &str, tag: &str, version: i64| {
        let mut body = json!({ "action": action, "version": version });
        if action == "file" {
            body["condition"] = json!("alarm_stands");
        }
        let request = duty.request(Method::POST, "/api/v1/cases/1/actions");
        let response = request.header("if-match", tag).json(&body).send().await.unwrap();
        (response.status().as_u16(), response.json::<Value>().await.unwrap())
    };
    let (status, answer) = act("acknowledge", &tag, 1).await;
    assert_eq!(status, 200, "{answer}");
    let (status, problem) = act("file", &tag, 1).await;
    assert_eq!((status, &problem["type"]), (412, &json!("version-conflict")));
    assert_eq!(problem["status"], 412);
    assert_eq!(problem["current"]["version"], 2);
    assert_eq!(act("file", "\"2\"", 1).await.0, 422, "header and body must agree");
    assert_eq!(act("file", "2", 2).await.0, 422);
    let changed = get(&duty, "/api/v1/cases/1", &[("if-none-match", &tag)]).await;
    assert_eq!(changed.status(), StatusCode::OK);
    let (status, _) = duty.act(1, "file", 1).await;
    assert_eq!(status, StatusCode::CONFLICT, "without the header it is a conflict");
}

fn ids(page: &Value) -> Vec<Value> {
    page["items"].as_array().unwrap().iter().map(|item| item["id"].clone()).collect()
}

/// Every page of a list; tells the ids.
async fn pages(officer: &Officer, path: &str, id: &str) -> Vec<String> {
    let mut seen = Vec::new();
    let mut after = String::new();
    loop {
        let page = officer.get(&format!("{path}limit=2{after}")).await;
        let items = page["items"].as_array().unwrap();
        assert!((1..=2).contains(&items.len()), "{path}: {page}");
        seen.extend(items.iter().map(|item| item[id].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else {
            return seen;
        };
        after = format!("&after={next}");
    }
}

#[tokio::test]
async fn lists_come_in_pages_that_fit_together() {
    let hub = Hub::start().await;
    let mut store = around(&hub.store).await;
    for n in 3..=7 {
        sqlx::query("INSERT INTO gateways (id, site, key_hash, added_at) VALUES ($1, 'xinghe-market', $1, 0)")
            .bind(format!("gw-{n}"))
            .execute(&mut store)
            .await
            .unwrap();
    }
    let mut beat = heartbeat(1, 1, 0);
    for n in 1..=5 {
        beat.devices.push(gridwatch_protocol::DeviceStatus {
            device: format!("device-{n}").parse().unwrap(),
            profile: None,
            known: n > 1,
            state: gridwatch_protocol::DeviceState::Silent,
            last_seen: None,
            place: gridwatch_protocol::Place::default(),
            kinds: vec![],
        });
        beat.quarantine.push(gridwatch_protocol::QuarantineSample {
            source: format!("topic-{n}"),
            reason: "nothing reads it".into(),
            sample: "{}".into(),
            count: 1,
            last_seen: hub::now(),
        });
    }
    hub.heartbeat(&beat).await;
    let root = hub.sign_in("root").await;
    let expected = |name: &str, numbers: std::ops::RangeInclusive<i32>| -> Vec<String> {
        numbers.map(|n| format!("{name}-{n}")).collect()
    };
    assert_eq!(pages(&root, "/api/v1/gateways?", "id").await, expected("gw", 1..=7));
    assert_eq!(pages(&root, "/api/v1/gateways/gw-1/devices?", "device").await, expected("device", 1..=5));
    assert_eq!(pages(&root, "/api/v1/gateways/gw-1/quarantine?", "source").await, expected("topic", 1..=5));
    assert_eq!(pages(&root, "/api/v1/users?", "username").await.len(), 10);
    assert_eq!(pages(&root, "/api/v1/sites?", "id").await, ["xinghe-garden", "xinghe-market"]);

    let list = async |query: &str| ids(&root.get(&format!("/api/v1/gateways?{query}")).await);
    assert_eq!(list("state=online").await, [json!("gw-1")]);
    assert_eq!(list("state=never_seen&site=xinghe-garden").await, [json!("gw-2")]);
    assert_eq!(list("area=990101001001002").await.len(), 5);
    assert_eq!(list("area=77").await.len(), 0);
    let first = &root.get("/api/v1/gateways?limit=1").await["items"][0];
    assert_eq!(
        [&first["devices_total"], &first["devices_silent"], &first["devices_unknown"]],
        [&json!(5), &json!(5), &json!(1)]
    );
    let handlers = root.get("/api/v1/users?role=handler").await;
    assert_eq!(handlers["items"][0]["username"], "zhao");
    for path in ["gateways?state=odd", "gateways?limit=201", "users?role=odd", "sites?limit=0"] {
        let response = get(&root, &format!("/api/v1/{path}"), &[]).await;
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY, "{path}");
    }
}

#[tokio::test]
async fn cases_are_found_by_what_operators_look_for() {
    let hub = Hub::start().await;
    for (n, site) in (1..).zip(["xinghe-garden", "xinghe-market", "xinghe-garden"]) {
        let mut one = alert(n, &format!("cellar-{n}"), Kind::WaterLeak);
        one.severity = Severity::P3;
        one.site = SiteId::new(site).unwrap();
        one.place.building = Some(format!("{n}"));
        hub.send(&batch(vec![one])).await;
    }
    let (duty, li) = (hub.sign_in("duty").await, hub.sign_in("li").await);
    duty.does(1, "acknowledge", json!({})).await;
    duty.does(1, "file", json!({ "condition": "alarm_stands" })).await;
    duty.does(1, "dispatch", json!({ "unit": super::harness::UNIT })).await;
    li.does(1, "set_card", json!({ "card": "yellow" })).await;
    hub.sign_in("zhao").await.does(1, "handle", json!({})).await;
    let found = async |officer: &Officer, query: &str| {
        ids(&officer.get(&format!("/api/v1/cases?{query}")).await)
    };
    let category = duty.get("/api/v1/cases/2").await["category"].clone();
    let category = category.as_str().unwrap();
    assert_eq!(found(&duty, "state=handling").await, [json!(1)]);
    assert_eq!(found(&duty, "area=990101001001002").await, [json!(2)]);
    assert_eq!(found(&duty, "area=77").await, Vec::<Value>::new());
    assert_eq!(found(&duty, &format!("unit={}", super::harness::UNIT)).await, [json!(1)]);
    assert_eq!(found(&duty, "card=yellow").await, [json!(1)]);
    assert_eq!(found(&duty, "card=none").await, [json!(2), json!(3)]);
    assert_eq!(found(&duty, "mine=true").await, [json!(1)]);
    assert_eq!(found(&hub.sign_in("zhao").await, "mine=true").await, [json!(1)]);
    assert_eq!(found(&li, "mine=true").await, Vec::<Value>::new());
    assert_eq!(found(&duty, &format!("category={category}")).await.len(), 3);
    assert_eq!(found(&duty, "category=odd").await.len(), 0);
    assert_eq!(found(&duty, "overdue=true").await.len(), 0);
    let mut store = around(&hub.store).await;
    sqlx::query("UPDATE cases SET due_at = 1000 WHERE id = 1")
        .execute(&mut store)
        .await
        .unwrap();
    assert_eq!(found(&duty, "overdue=true").await, [json!(1)]);
    let third = duty.get("/api/v1/cases/3").await["opened_at"].as_str().unwrap().to_owned();
    assert_eq!(found(&duty, &format!("since={third}")).await, [json!(3)]);
    assert_eq!(found(&duty, &format!("until={third}")).await, [json!(1), json!(2)]);
}
