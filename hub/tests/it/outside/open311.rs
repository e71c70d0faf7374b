//! Open311 GeoReport v2: whole flows in JSON and XML, the latter read back with a reader of XML.

use hub::outside::keys::Kind;
use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::super::harness::Hub;
use super::{form, get, key, leak, open_hub, plenty, post_form};

/// Elements of an answer with their texts, in order, such as `("status", "open")`.
fn elements(xml: &str) -> Vec<(String, String)> {
    let mut reader = Reader::from_str(xml);
    let mut found: Vec<(String, String)> = Vec::new();
    let mut path = Vec::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) => {
                path.push(found.len());
                found.push((start.name().as_ref().to_owned(), String::new()));
            }
            Event::Empty(start) => found.push((start.name().as_ref().to_owned(), String::new())),
            Event::Text(text) => {
                if let Some(at) = path.last() {
                    found[*at].1.push_str(&text);
                }
            }
            Event::GeneralRef(entity) => {
                let at = *path.last().unwrap();
                found[at]
                    .1
                    .push_str(resolve_predefined_entity(&entity).unwrap());
            }
            Event::End(_) => drop(path.pop()),
            Event::Eof => return found,
            _ => {}
        }
    }
}

fn texts<'a>(elements: &'a [(String, String)], name: &str) -> Vec<&'a str> {
    let own = elements.iter().filter(|(own, _)| own == name);
    own.map(|(_, text)| text.as_str()).collect()
}

async fn xml(hub: &Hub, path: &str) -> Vec<(String, String)> {
    let response = get(hub, path).await;
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    assert_eq!(
        response.headers()["content-type"],
        "text/xml; charset=utf-8"
    );
    let text = response.text().await.unwrap();
    assert!(
        text.starts_with("<?xml version=\"1.0\" encoding=\"utf-8\"?>"),
        "{text}"
    );
    elements(&text)
}

async fn json(hub: &Hub, path: &str) -> Value {
    let response = get(hub, path).await;
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    assert_eq!(
        response.headers()["content-type"],
        "application/json; charset=utf-8"
    );
    response.json().await.unwrap()
}

const LEAK: [(&str, &str); 4] = [
    ("service_code", "water_leak"),
    ("lat", "23.0208"),
    ("long", "113.1521"),
    ("description", "water <in> the hall"),
];

/// Sends a request; gives its id.
async fn create(hub: &Hub, key: &str, more: &[(&str, &str)]) -> String {
    let mut pairs = vec![("api_key", key)];
    pairs.extend(LEAK);
    pairs.extend(more);
    let response = post_form(hub, "/open311/v2/requests.json", &pairs).await;
    let status = response.status();
    let answer: Value = response.json().await.unwrap();
    assert_eq!(status, StatusCode::OK, "{answer}");
    answer[0]["service_request_id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn client_finds_the_door_the_services_and_what_they_take() {
    let hub = open_hub().await;
    let discovery = json(&hub, "/open311/v2/discovery.json").await;
    assert_eq!(
        discovery["endpoints"][0]["formats"],
        json!(["text/xml", "application/json"])
    );
    let same = xml(&hub, "/open311/v2/discovery.xml").await;
    assert_eq!(texts(&same, "format"), ["text/xml", "application/json"]);
    let services = json(&hub, "/open311/v2/services.json").await;
    let codes: Vec<&str> = services
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["service_code"].as_str().unwrap())
        .collect();
    assert_eq!(
        codes,
        [
            "gas_leak",
            "exit_open",
            "fire_lane_blocked",
            "water_main_break",
            "water_leak",
            "underpass_flooding",
            "flooding",
            "drain_blocked",
            "standing_water",
            "manhole_cover",
            "road_collapse",
            "falling_object",
            "other"
        ],
        "only what is public"
    );
    assert_eq!(services[4]["service_name"], "Water leak");
    assert_eq!(
        (&services[4]["metadata"], &services[4]["type"]),
        (&json!(true), &json!("realtime"))
    );
    let same = xml(&hub, "/open311/v2/services.xml").await;
    assert_eq!(texts(&same, "service_code"), codes);
    assert_eq!(
        (same[0].0.as_str(), same[1].0.as_str()),
        ("services", "service")
    );
    let definition = json(&hub, "/open311/v2/services/water_leak.json").await;
    assert_eq!(definition["service_code"], "water_leak");
    assert_eq!(definition["attributes"][0]["code"], "building");
    let same = xml(&hub, "/open311/v2/services/water_leak.xml").await;
    assert_eq!(same[0].0, "service_definition");
    assert_eq!(texts(&same, "order"), ["1", "2", "3", "4"]);
}

#[tokio::test]
async fn request_is_made_followed_and_found_again() {
    let hub = open_hub().await;
    let key = plenty(&hub, "hotline", Kind::Open311).await;
    let id = create(
        &hub,
        &key,
        &[
            ("attribute[building]", "3"),
            ("phone", "13800001234"),
            ("first_name", "芳"),
        ],
    )
    .await;
    let duty = hub.sign_in("duty").await;
    let cases = duty.cases().await;
    assert_eq!(cases.len(), 1);
    assert_eq!(
        cases[0]["title"]["en"],
        "Water leak · Xinghe Garden, building 3"
    );
    let case = cases[0]["id"].as_i64().unwrap();
    let history = duty.get(&format!("/api/v1/cases/{case}")).await;
    assert_eq!(history["transitions"][0]["actor"], "open311:hotline");

    let seen = xml(&hub, &format!("/open311/v2/requests/{id}.xml")).await;
    assert_eq!(texts(&seen, "status"), ["open"]);
    assert_eq!(texts(&seen, "status_notes"), ["received"]);
    assert_eq!(
        texts(&seen, "description"),
        [""],
        "the public reads nothing that anybody wrote"
    );
    assert_eq!(texts(&seen, "lat"), ["23.021"]);
    let requested = texts(&seen, "requested_datetime")[0].parse::<gridwatch_protocol::Timestamp>();
    assert!(requested.is_ok());
    let own = xml(
        &hub,
        &format!("/open311/v2/requests/{id}.xml?api_key={key}"),
    )
    .await;
    assert_eq!(texts(&own, "description"), ["water <in> the hall"]);
    let whole = format!("{seen:?}{own:?}");
    assert!(
        !whole.contains("13800001234") && !whole.contains('芳'),
        "{whole}"
    );
    let token = json(&hub, &format!("/open311/v2/tokens/{id}.json")).await;
    assert_eq!(token[0]["service_request_id"].as_str(), Some(id.as_str()));

    duty.does(case, "acknowledge", json!({})).await;
    duty.does(case, "reject", json!({ "condition": "out_of_scope" }))
        .await;
    let seen = json(&hub, &format!("/open311/v2/requests/{id}.json")).await;
    assert_eq!(
        (&seen[0]["status"], &seen[0]["status_notes"]),
        (
            &json!("closed"),
            &json!("no action: not within our responsibility")
        )
    );
    let list = async |query: &str| {
        let list = json(&hub, &format!("/open311/v2/requests.json?{query}")).await;
        list.as_array().unwrap().len()
    };
    assert_eq!(list("").await, 1);
    assert_eq!(
        (list("status=open").await, list("status=closed").await),
        (0, 1)
    );
    assert_eq!(
        (
            list("service_code=other").await,
            list("service_code=other,water_leak").await
        ),
        (0, 1)
    );
    assert_eq!(
        list("start_date=2020-01-01T00:00:00Z&end_date=2020-02-01T00:00:00Z").await,
        0
    );
    assert_eq!(
        list(&format!("service_request_id=x,{id}&status=open")).await,
        1,
        "ids override the rest"
    );
}

#[tokio::test]
async fn public_sees_no_case_of_another_source() {
    let hub = open_hub().await;
    let duty = hub.sign_in("duty").await;
    let answer = duty.reports(&leak()).await;
    let id = answer["report"]["id"].as_str().unwrap();
    assert_eq!(json(&hub, "/open311/v2/requests.json").await, json!([]));
    assert_eq!(
        get(&hub, &format!("/open311/v2/requests/{id}.json"))
            .await
            .status(),
        404
    );
    assert_eq!(
        get(&hub, &format!("/open311/v2/tokens/{id}.json"))
            .await
            .status(),
        404
    );
}

#[tokio::test]
async fn same_request_sent_twenty_times_is_one_case() {
    let hub = open_hub().await;
    let key = plenty(&hub, "hotline", Kind::Open311).await;
    let sent = (0..20).map(|_| create(&hub, &key, &[]));
    let ids = futures_util::future::join_all(sent).await;
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    let other = create(&hub, &key, &[("phone", "13800001234")]).await;
    assert_ne!(other, ids[0], "another reporter is another request");
    assert_eq!(hub.sign_in("duty").await.cases().await.len(), 2);
}

#[tokio::test]
async fn refusals_have_the_form_of_the_specification_in_both_languages_of_machines() {
    let hub = open_hub().await;
    let key = plenty(&hub, "hotline", Kind::Open311).await;
    let refused = async |path: &str, pairs: &[(&str, &str)]| {
        let response = post_form(&hub, path, pairs).await;
        (response.status().as_u16(), response.text().await.unwrap())
    };
    let (status, text) = refused("/open311/v2/requests.json", &[("api_key", &key)]).await;
    let told: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (status, told.as_array().unwrap().len()),
        (400, 2),
        "everything at once: {told}"
    );
    assert_eq!(told[0]["code"], 400);
    let (status, text) = refused(
        "/open311/v2/requests.xml",
        &[("api_key", &key), ("service_code", "<x>"), ("lat", "1")],
    )
    .await;
    let told = elements(&text);
    assert_eq!((status, told[0].0.as_str()), (400, "errors"));
    assert_eq!(texts(&told, "code"), ["404", "400"]);
    assert!(texts(&told, "description")[0].contains("<x>"), "{told:?}");
    let (status, _) = refused("/open311/v2/requests.json", &LEAK).await;
    assert_eq!(status, 403, "a key is needed");
    let (status, _) = refused(
        "/open311/v2/requests.json",
        &[("api_key", "guess"), LEAK[0]],
    )
    .await;
    assert_eq!(status, 403);
    let (status, _) = refused("/open311/v2/services.json", &[("api_key", &key)]).await;
    assert_eq!(status, 404);
    for path in [
        "requests/none.xml",
        "services/none.json",
        "services/fire_confirmed.json",
        "tokens/none.json",
        "requests.yaml",
        "nothing.json",
        "a/b.json",
    ] {
        let response = get(&hub, &format!("/open311/v2/{path}")).await;
        assert_eq!(response.status(), 404, "{path}");
        let text = response.text().await.unwrap();
        assert!(text.contains("404"), "{path}: {text}");
    }
    for query in [
        "start_date=x",
        "status=late",
        "start_date=2026-01-01T00:00:00Z&end_date=2026-09-01T00:00:00Z",
    ] {
        assert_eq!(
            get(&hub, &format!("/open311/v2/requests.json?{query}"))
                .await
                .status(),
            400,
            "{query}"
        );
    }
    let plain = hub
        .client
        .post(hub.url("/open311/v2/requests.json"))
        .body("{}")
        .send()
        .await
        .unwrap();
    assert_eq!(plain.status(), 400, "not form-encoded");
    let big = form(&[("api_key", &key), ("description", &"x".repeat(100_000))]);
    let big = hub
        .client
        .post(hub.url("/open311/v2/requests.json"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(big)
        .send()
        .await
        .unwrap();
    assert_eq!(big.status(), 413);
}

#[tokio::test]
async fn hostile_texts_are_read_back_from_xml_as_they_were_sent() {
    let hub = open_hub().await;
    let key = plenty(&hub, "hotline", Kind::Open311).await;
    let hostile =
        "]]></description><script>alert(\"1\")</script>&amp;&#0; <!-- \u{202e} 火 \u{1f525}";
    let id = create(&hub, &key, &[("address_string", hostile)]).await;
    let own = xml(
        &hub,
        &format!("/open311/v2/requests/{id}.xml?api_key={key}"),
    )
    .await;
    assert_eq!(texts(&own, "address"), [hostile]);
    let id = create(
        &hub,
        &key,
        &[("address_string", "bell \u{7} and nul \u{0} end")],
    )
    .await;
    let own = xml(
        &hub,
        &format!("/open311/v2/requests/{id}.xml?api_key={key}"),
    )
    .await;
    assert_eq!(
        texts(&own, "address"),
        ["bell \u{fffd} and nul \u{fffd} end"]
    );
}

#[tokio::test]
async fn shut_door_other_jurisdictions_revoked_keys_and_floods_are_refused() {
    let shut = Hub::start().await;
    assert_eq!(get(&shut, "/open311/v2/services.json").await.status(), 404);
    let hub = Hub::start_with(|config| {
        super::open(config);
        config.outside.open311.jurisdiction_id = "binhai.example".into();
        config.outside.open311.reads_per_minute = 30;
    })
    .await;
    let services = "/open311/v2/services.json";
    assert_eq!(
        get(&hub, &format!("{services}?jurisdiction_id=other.example"))
            .await
            .status(),
        404
    );
    assert_eq!(
        get(&hub, &format!("{services}?jurisdiction_id=binhai.example"))
            .await
            .status(),
        200
    );
    let slow = key(&hub.store, "slow", Kind::Open311, None, 3).await;
    let statuses = async |path: String, count: usize| {
        let mut statuses = Vec::new();
        for _ in 0..count {
            statuses.push(get(&hub, &path).await.status().as_u16());
        }
        statuses
    };
    let with_key = statuses(format!("{services}?api_key={slow}"), 5).await;
    assert_eq!(with_key[..3], [200, 200, 200]);
    assert!(with_key.contains(&429), "{with_key:?}");
    let without = statuses(services.to_owned(), 45).await;
    assert!(without.contains(&429), "{without:?}");
    let (_, mut writer) = hub::store::open(&hub.store).await.unwrap();
    assert!(writer.revoke_outside_key("slow", hub::now()).await.unwrap());
    assert!(!writer.revoke_outside_key("slow", hub::now()).await.unwrap());
    let status = get(&hub, &format!("{services}?api_key={slow}"))
        .await
        .status()
        .as_u16();
    assert!([403, 429].contains(&status), "{status}");
    let other_door = key(&hub.store, "pd", Kind::Pagerduty, None, 60).await;
    let status = get(&hub, &format!("{services}?api_key={other_door}"))
        .await
        .status()
        .as_u16();
    assert!(
        [403, 429].contains(&status),
        "a key opens one door: {status}"
    );
}
