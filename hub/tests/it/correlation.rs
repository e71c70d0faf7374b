//! Silences, floods, splitting and what the hub finds by itself, over the API and the store.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use gridwatch_protocol::{Alert, Kind, Severity, SiteId};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::harness::{
    Hub, Officer, PLAIN, alert, batch, client_builder, eventually, heartbeat, populate, write_files,
};

fn held(sequence: u64, device: &str) -> Alert {
    let mut held = alert(sequence, device, Kind::DoorHeld);
    held.severity = Severity::P3;
    held
}

fn in_seconds(seconds: i64) -> String {
    hub::now().plus_ms(seconds * 1_000).to_string()
}

async fn post(officer: &Officer, path: &str, body: Value) -> (StatusCode, Value) {
    let request = officer.request(Method::POST, path).json(&body);
    let response = request.send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

async fn end_silence(officer: &Officer, id: i64, version: i64) -> (StatusCode, Value) {
    let path = format!("/api/v1/silences/{id}?version={version}");
    let response = officer.request(Method::DELETE, &path).send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

async fn open_cases(officer: &Officer, query: &str) -> Vec<Value> {
    let page = officer.get(&format!("/api/v1/cases?{query}")).await;
    page["items"].as_array().unwrap().clone()
}

fn rows(case: &Value) -> Vec<String> {
    let rows = case["transitions"].as_array().unwrap();
    rows.iter()
        .map(|row| row["action"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn silence_hides_new_cases_until_it_is_ended_and_never_a_p1() {
    let hub = Hub::start().await;
    let (li, duty) = (hub.sign_in("li").await, hub.sign_in("duty").await);
    let wanted = json!({
        "why": "door works",
        "matcher": { "area": "990101001" },
        "until": in_seconds(3_600),
    });
    let (status, refused) = post(&duty, "/api/v1/silences", wanted.clone()).await;
    assert_eq!((status, &refused["type"]), (StatusCode::FORBIDDEN, &json!("not-allowed")));
    let (status, made) = post(&li, "/api/v1/silences", wanted).await;
    assert_eq!((status, &made["state"]), (StatusCode::CREATED, &json!("active")), "{made}");

    let smoke = alert(2, "kitchen", Kind::Smoke);
    hub.send(&batch(vec![held(1, "gate"), smoke])).await;
    let shown = open_cases(&duty, "state=open").await;
    assert_eq!(shown.len(), 1, "{shown:?}");
    assert_eq!(shown[0]["severity"], "P1");
    let hidden = open_cases(&duty, "state=open&silenced=only").await;
    assert_eq!(hidden[0]["silenced"]["silence"], made["id"]);
    let total = &duty.get("/api/v1/cases").await["total_open"];
    assert_eq!((&total["P1"], &total["P3"]), (&json!(1), &json!(0)));
    hub.send(&batch(vec![held(3, "gate")])).await;
    let hidden = open_cases(&duty, "state=open&silenced=only").await;
    assert_eq!(hidden[0]["alert_count"], 2, "what flaps is counted in silence");
    let listed = duty.get("/api/v1/silences").await;
    assert_eq!(listed["items"][0]["hides"], 1);

    let id = made["id"].as_i64().unwrap();
    let (status, conflict) = end_silence(&li, id, 9).await;
    assert_eq!((status, &conflict["type"]), (StatusCode::CONFLICT, &json!("version-conflict")));
    let (status, ended) = end_silence(&li, id, 1).await;
    assert_eq!((status, &ended["state"]), (StatusCode::OK, &json!("ended")), "{ended}");
    let (status, over) = end_silence(&li, id, 2).await;
    assert_eq!((status, &over["type"]), (StatusCode::CONFLICT, &json!("already-over")));
    assert_eq!(open_cases(&duty, "state=open").await.len(), 2);
    let case = &hidden[0]["id"];
    let case = duty.get(&format!("/api/v1/cases/{case}")).await;
    assert_eq!(rows(&case), ["report", "silence", "join", "unsilence"]);
    assert!(case["ack_due_at"].as_str() > case["opened_at"].as_str());
}

#[tokio::test]
async fn silence_ends_by_itself_and_what_stands_appears_as_new() {
    let hub = Hub::start().await;
    let (li, duty) = (hub.sign_in("li").await, hub.sign_in("duty").await);
    hub.send(&batch(vec![held(1, "gate")])).await;
    let wanted = json!({
        "why": "door works",
        "matcher": { "site": "xinghe-garden", "kind": "door_held" },
        "until": in_seconds(2),
    });
    let (status, made) = post(&li, "/api/v1/silences", wanted).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    assert_eq!((&made["hides"], &made["ends_soon"]), (&json!(1), &json!(true)));
    let case = eventually("the case is shown again", || async {
        open_cases(&duty, "state=open").await.into_iter().next()
    })
    .await;
    assert_eq!(case.get("silenced"), None);
    let over = duty.get("/api/v1/silences?state=over").await;
    assert_eq!(over["items"][0]["state"], "over");
}

#[tokio::test]
async fn silence_of_life_safety_or_of_nothing_or_for_too_long_is_refused_with_every_reason() {
    let hub = Hub::start().await;
    let li = hub.sign_in("li").await;
    let check = async |matcher: Value, seconds: i64, expected: &[&str]| {
        let wanted = json!({ "why": "x", "matcher": matcher, "until": in_seconds(seconds) });
        let (status, problem) = post(&li, "/api/v1/silences", wanted).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
        for part in expected {
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains(part), "{part} is not in {detail}");
        }
        let missing = problem["missing"].as_array().unwrap();
        assert!(missing.iter().all(|lack| !lack["text"]["zh"].as_str().unwrap().is_empty()));
    };
    check(json!({ "category": "gas_leak" }), 60, &["life safety"]).await;
    check(json!({ "kind": "smoke" }), 60, &["life safety"]).await;
    check(json!({}), 60, &["names nothing"]).await;
    check(json!({ "area": "77" }), 31 * 86_400, &["no such area", "30 days"]).await;
    assert_eq!(li.get("/api/v1/silences?state=all").await["items"], json!([]));
}

#[tokio::test]
async fn chattering_point_is_latched_and_the_maintainer_gets_one_case() {
    let hub = Hub::start().await;
    let duty = hub.sign_in("duty").await;
    for sequence in 1..=6 {
        hub.send(&batch(vec![held(sequence, "gate")])).await;
    }
    let cases = duty.cases().await;
    let categories: Vec<&str> = cases.iter().rev().map(|case| case["category"].as_str().unwrap()).collect();
    assert_eq!(categories, ["door_held", "chattering"]);
    let hazard = duty.get("/api/v1/cases/1").await;
    assert_eq!((&hazard["raisings"], &hazard["points"][0]["latched"]), (&json!(6), &json!(true)));
    assert_eq!(hazard["alerts"].as_array().unwrap().len(), 6, "every alert is kept");
    let care = duty.get("/api/v1/cases/2").await;
    assert_eq!(care["alerts"][0]["alert"]["detected_by"]["rule"], "hub_chatter");
}

#[tokio::test]
async fn flood_begins_marks_its_cases_and_ends_with_its_figures() {
    let hub = Hub::start_with(|config| config.correlation.flood_ends_below = 1_000).await;
    let duty = hub.sign_in("duty").await;
    let alarms = (1..=13).map(|n| held(n, &format!("gate-{n}")));
    hub.send(&batch(alarms.collect())).await;
    let flood = eventually("the flood is over", || async {
        let floods = duty.get("/api/v1/floods").await;
        let flood = floods["items"].as_array()?.first()?.clone();
        flood["ended_at"].is_string().then_some(flood)
    })
    .await;
    assert_eq!(flood["desk"], "/990100/990101/990101001/990101001001/");
    assert!(flood["alarms"].as_i64() >= Some(11) && flood["peak"].as_i64() >= Some(11), "{flood}");
    let first = flood["id"].as_i64().unwrap();
    let marked = open_cases(&duty, &format!("state=open&flood={first}")).await;
    assert!(!marked.is_empty() && marked.iter().all(|case| case["flood"] == first));
    assert_eq!(duty.get("/api/v1/floods?state=lasting").await["items"], json!([]));
}

#[tokio::test]
async fn alarm_after_the_closing_opens_the_case_again() {
    let hub = Hub::start().await;
    let duty = hub.sign_in("duty").await;
    hub.send(&batch(vec![held(1, "gate")])).await;
    duty.does(1, "file", json!({ "condition": "alarm_stands" })).await;
    duty.does(1, "settle", json!({})).await;
    let li = hub.sign_in("li").await;
    let closed = li.does(1, "close", json!({ "conditions": ["closed_or_explained"] })).await;
    assert_eq!(closed["state"], "closed");
    hub.send(&batch(vec![held(2, "gate")])).await;
    assert_eq!(duty.cases().await.len(), 1);
    let case = duty.get("/api/v1/cases/1").await;
    assert_eq!((&case["state"], &case["alert_count"]), (&json!("reported"), &json!(2)));
    assert_eq!(case.get("acknowledged_at"), None);
    let filed = li.does(1, "reject", json!({ "condition": "false_alarm" })).await;
    assert_eq!(filed["state"], "rejected");
    hub.send(&batch(vec![held(4, "gate")])).await;
    let again = duty.get("/api/v1/cases/2").await;
    assert_eq!(again["related"], json!([1]), "a decision is not taken back by an alarm");
}

#[tokio::test]
async fn alerts_that_do_not_belong_together_are_split_and_go_on_apart() {
    let hub = Hub::start().await;
    let duty = hub.sign_in("duty").await;
    let (kitchen, hall) = (alert(1, "kitchen", Kind::Temperature), alert(2, "hall", Kind::Temperature));
    hub.send(&batch(vec![kitchen, hall.clone()])).await;
    let case = duty.get("/api/v1/cases/1").await;
    assert_eq!(case["alert_count"], 2, "signs of fire in one building");
    let split = json!({ "alerts": [hall.id], "reason": "an oven", "version": case["version"] });
    let path = "/api/v1/cases/1/split";
    let audit = hub.sign_in("audit").await;
    let (status, _) = post(&audit, path, split.clone()).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let (status, parted) = post(&duty, path, split.clone()).await;
    assert_eq!(status, StatusCode::CREATED, "{parted}");
    assert_eq!((&parted["case"]["alert_count"], &parted["opened"]["alert_count"]), (&json!(1), &json!(1)));
    let (status, problem) = post(&duty, path, split).await;
    assert_eq!((status, &problem["type"]), (StatusCode::CONFLICT, &json!("version-conflict")));
    let case = duty.get("/api/v1/cases/1").await;
    let all = json!({ "alerts": [case["alerts"][0]["alert"]["id"]], "reason": "x", "version": case["version"] });
    let (status, problem) = post(&duty, path, all).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    let row = case["transitions"].as_array().unwrap().last().unwrap();
    assert_eq!((&row["action"], &row["actor"]), (&json!("split_off"), &json!("duty")));
    let opened = duty.get("/api/v1/cases/2").await;
    assert_eq!((&opened["state"], &opened["related"]), (&json!("reported"), &json!([1])));
    hub.send(&batch(vec![alert(3, "hall", Kind::Temperature)])).await;
    let opened = duty.get("/api/v1/cases/2").await;
    assert_eq!(opened["alert_count"], 2, "the device goes with its new case");
}

#[tokio::test]
async fn similar_cases_are_suggested_with_reasons_and_nothing_is_merged() {
    let hub = Hub::start().await;
    let duty = hub.sign_in("duty").await;
    let leaks = ["cellar", "stairs"].iter().zip(1..);
    let mut alerts: Vec<Alert> = leaks.map(|(device, n)| alert(n, device, Kind::WaterLeak)).collect();
    alerts.push(held(3, "gate"));
    hub.send(&batch(alerts)).await;
    let found = duty.get("/api/v1/cases/1/similar").await;
    let items = found["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "{found}");
    assert_eq!(items[0]["case"]["id"], 2);
    assert!(items[0]["score"].as_i64() >= Some(80));
    assert!(items[0]["reasons"][0]["zh"].is_string() && items[0]["reasons"][0]["en"].is_string());
    assert_eq!(duty.cases().await.len(), 3);
}

#[tokio::test]
async fn sensors_still_silent_after_their_gateway_is_back_get_cases_of_their_own() {
    let hub = Hub::start_with(|config| {
        config.gateways.silent_after_s = 2;
        config.correlation.gateway_back_minutes = 0;
    })
    .await;
    let duty = hub.sign_in("duty").await;
    hub.heartbeat(&heartbeat(1, 1, 0)).await;
    eventually("a case of the silent gateway", || async {
        duty.cases().await.into_iter().next()
    })
    .await;
    let sensors = (1..=300).map(|n| alert(n, &format!("sensor-{n}"), Kind::Availability));
    let sensors: Vec<Alert> = sensors.collect();
    for part in sensors.chunks(100) {
        hub.send(&batch(part.to_vec())).await;
    }
    let case = duty.get("/api/v1/cases/1").await;
    assert_eq!((duty.cases().await.len(), &case["alert_count"]), (1, &json!(301)));
    assert_eq!(case["alerts"].as_array().unwrap().len(), 301, "its sensors are shown in it");
    let back = sensors[..298].iter().map(|sensor| {
        let mut heard = sensor.clone();
        heard.revision = 1;
        heard.phase = gridwatch_protocol::Phase::Cleared;
        heard.sequence = sensor.sequence.map(|n| n + 1_000);
        heard
    });
    let back: Vec<Alert> = back.collect();
    for part in back.chunks(100) {
        hub.send(&batch(part.to_vec())).await;
    }
    hub.heartbeat(&heartbeat(1, 2, 1_298)).await;
    let number = AtomicU64::new(3);
    let cases = eventually("two cases of their own", || async {
        // It goes on being heard.
        let next = number.fetch_add(1, Relaxed);
        hub.heartbeat(&heartbeat(1, next, 1_298)).await;
        let cases = duty.cases().await;
        (cases.len() == 3).then_some(cases)
    })
    .await;
    let own: Vec<&Value> = cases.iter().filter(|case| case["category"] != "gateway_offline").collect();
    assert!(own.iter().all(|case| case["alert_count"] == 1), "{own:?}");
    let gateway = duty.get("/api/v1/cases/1").await;
    assert!(rows(&gateway).contains(&"split_off".to_owned()));
}

#[tokio::test]
async fn confirmed_fire_is_with_the_fire_service_in_the_commit_that_confirms_it() {
    let hub = Hub::start().await;
    let duty = hub.sign_in("duty").await;
    let mut fire = vec![alert(1, "kitchen", Kind::Smoke), alert(2, "hall", Kind::Smoke)];
    for one in &mut fire {
        one.place.building = Some("3".into());
    }
    hub.send(&batch(fire)).await;
    let case = duty.get("/api/v1/cases/1").await;
    assert_eq!((&case["category"], &case["state"]), (&json!("fire_confirmed"), &json!("dispatched")));
    assert_eq!(case["unit"]["code"], "donghu-fire");
    assert_eq!(case.get("acknowledged_at"), None);
    assert_eq!(rows(&case), ["report", "join", "file", "dispatch"]);
    let clocks = duty.get("/api/v1/cases/1/clocks").await;
    let acknowledge = &clocks["clocks"][0];
    assert_eq!((&acknowledge["kind"], acknowledge.get("ended_at")), (&json!("acknowledge"), None), "{clocks}");
    let acknowledged = duty.does(1, "acknowledge", json!({})).await;
    assert_eq!((&acknowledged["acknowledged_by"], &acknowledged["state"]), (&json!("duty"), &json!("dispatched")));
}

#[tokio::test]
async fn more_than_five_false_alarms_of_fire_on_one_day_are_a_case() {
    let hub = Hub::start_with(|config| config.correlation.relink_hours = 0).await;
    let (li, chen) = (hub.sign_in("li").await, hub.sign_in("chen").await);
    for n in 1..=6 {
        hub.send(&batch(vec![alert(n, "kitchen", Kind::Smoke)])).await;
        let id = i64::try_from(n).unwrap();
        li.does(id, "reject", json!({ "condition": "false_alarm" })).await;
        chen.does(id, "reject", json!({ "condition": "false_alarm" })).await;
    }
    let cases = li.cases().await;
    assert_eq!(cases.len(), 7, "{cases:?}");
    assert_eq!(cases[0]["category"], "false_alarms_frequent");
    assert_eq!(cases[0]["severity"], "P3");
}

/// Three grids in one street, and one in another street.
const MORE_AREAS: &str = r#"
[[area]]
code = "g3"
parent = "990101001001"
level = "grid"
name = { zh = "第三网格", en = "Grid 3" }

[[area]]
code = "s2"
parent = "990101"
level = "street"
name = { zh = "月湖街道", en = "Yuehu Street" }

[[area]]
code = "c2"
parent = "s2"
level = "community"
name = { zh = "月湖社区", en = "Yuehu Community" }

[[area]]
code = "g4"
parent = "c2"
level = "grid"
name = { zh = "第四网格", en = "Grid 4" }
"#;

#[tokio::test]
async fn response_level_rises_with_the_grids_and_streets_that_an_event_spreads_to() {
    let dir = tempfile::TempDir::new().unwrap();
    let path = write_files(dir.path(), PLAIN);
    let areas = dir.path().join("areas.toml");
    let text = std::fs::read_to_string(&areas).unwrap();
    std::fs::write(&areas, text + MORE_AREAS).unwrap();
    let loaded = hub::config::load(&path).unwrap();
    let key = populate(&loaded.config).await;
    let hub = Hub::run(dir, loaded, key, client_builder().build().unwrap()).await;
    let duty = hub.sign_in("duty").await;
    let at = |n: u64, site: &str| {
        let mut water = alert(n, &format!("meter-{n}"), Kind::WaterLevel);
        water.site = SiteId::new(site).unwrap();
        water
    };
    let levels = async |expected: &str, count: usize| {
        eventually("the level of every case", || async {
            let cases = duty.cases().await;
            let fits = |case: &&Value| case["category"] == "flooding" && case["level"] == expected;
            (cases.iter().filter(fits).count() == count).then_some(())
        })
        .await;
    };
    hub.send(&batch(vec![
        at(1, "xinghe-garden"),
        at(2, "xinghe-market"),
        at(3, "g3"),
    ]))
    .await;
    levels("III", 3).await;
    hub.send(&batch(vec![at(4, "g4")])).await;
    levels("II", 4).await;
    let case = duty.get("/api/v1/cases/1").await;
    assert_eq!(rows(&case), ["report", "raise_level", "raise_level"]);
    let why = case["transitions"][2]["note"]["en"].as_str().unwrap();
    assert!(why.contains("2 streets"), "{why}");
}
