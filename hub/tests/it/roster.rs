//! Rosters: edited, gone by, and what happens when nobody answers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gridwatch_protocol::{Alert, Kind};
use hub::access::Scope;
use hub::cases::{Actor, Role};
use hub::config::{self, Config};
use hub::roster::model::Roster;
use hub::roster::tasks::{Against, Saved};
use hub::secrets;
use hub::store::StoreUrl;
use hub::store::accounts::UserRow;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::Row;
use tempfile::TempDir;

use super::STORE;
use super::harness::{
    Hub, Officer, PASSWORD, PLAIN, UNIT, alert, around, batch, client_builder, eventually,
    populate, write_files, write_files_for,
};
use super::live::Feed;
use super::process::{Running, start};
use crate::Kind as StoreKind;

/// The street of `xinghe-garden`.
const STREET: &str = "990101001";
const DISTRICT: &str = "990101";

/// A shift all day and night: duty, then li, led by chen; boss above them.
fn roster(area: &str) -> Value {
    json!({
        "area": area,
        "leader": "boss",
        "shifts": [{
            "name": "all day", "from": "00:00", "until": "00:00", "first_day": "2026-01-01",
            "crews": [{ "officers": ["duty", "li"], "shift_leader": "chen" }],
        }],
    })
}

/// Nobody is on duty; chen would not be there either.
fn empty_roster(area: &str) -> Value {
    json!({ "area": area, "leader": "boss", "shifts": [] })
}

async fn put(officer: &Officer, area: &str, version: i64, roster: Value) -> (StatusCode, Value) {
    let path = format!("/api/v1/rosters/{area}");
    let body = json!({ "version": version, "roster": roster });
    let sent = officer.request(Method::PUT, &path).json(&body).send().await;
    let response = sent.unwrap();
    (response.status(), response.json().await.unwrap())
}

async fn stored(officer: &Officer, area: &str, version: i64, roster: Value) -> Value {
    let (status, view) = put(officer, area, version, roster).await;
    assert_eq!(status, StatusCode::OK, "{view}");
    view
}

async fn add_user(store: &StoreUrl, name: &str, role: Role, area: Option<&str>) {
    let (_, mut writer) = hub::store::open(store).await.unwrap();
    let user = UserRow {
        actor: Actor {
            username: name.into(),
            display_name: name.to_uppercase(),
            role,
            unit: None,
        },
        area: area.map(str::to_owned),
        password_hash: secrets::password_hash(PASSWORD),
        language: None,
        created_at: hub::now(),
        disabled_at: None,
    };
    writer.add_user(&user).await.unwrap();
}

/// Rows of a question that goes around the hub.
async fn ask(store: &StoreUrl, question: &'static str) -> Vec<sqlx::any::AnyRow> {
    let mut around = around(store).await;
    sqlx::query(question).fetch_all(&mut around).await.unwrap()
}

/// `event change role username` of every call, in order.
async fn calls(store: &StoreUrl) -> Vec<String> {
    let rows = ask(store, "SELECT e.change, c.role, c.username FROM duty_calls c JOIN events e ON e.seq = c.event_seq ORDER BY c.event_seq, c.username").await;
    let told = rows.iter().map(|row| {
        let part = |at: usize| row.get::<String, _>(at);
        format!("{} {} {}", part(0), part(1), part(2))
    });
    told.collect()
}

fn hurry(config: &mut Config) {
    config.duty.takeover_after_s = 1;
    config.duty.console_lost_s = 1;
}

/// Changes limits of the catalogue in a directory.
fn change_limits(dir: &Path, changes: &[(&str, &str)]) {
    let path = dir.join("categories.toml");
    let mut text = std::fs::read_to_string(&path).unwrap();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    std::fs::write(&path, text).unwrap();
}

/// A hub whose P2 are to be acknowledged and filed within a second.
async fn hurried(changes: &[(&str, &str)]) -> Hub {
    let dir = TempDir::new().unwrap();
    let path = write_files(dir.path(), PLAIN);
    change_limits(dir.path(), changes);
    let loaded = config::load(&path).unwrap();
    let key = populate(&loaded.config).await;
    Hub::run(dir, loaded, key, client_builder().build().unwrap()).await
}

const ONE_SECOND: (&str, &str) = (
    "acknowledge = { amount = 180,",
    "acknowledge = { amount = 1,",
);

async fn history(officer: &Officer, case: i64) -> Vec<Value> {
    let case = officer.get(&format!("/api/v1/cases/{case}")).await;
    case["transitions"].as_array().unwrap().clone()
}

fn of_action<'a>(history: &'a [Value], action: &str) -> Vec<&'a Value> {
    let rows = history.iter();
    rows.filter(|row| row["action"] == action).collect()
}

#[tokio::test]
async fn roster_is_versioned_checked_and_kept_by_those_who_may() {
    let hub = Hub::start().await;
    let root = hub.sign_in("root").await;
    let first = stored(&root, STREET, 0, roster(STREET)).await;
    assert_eq!((&first["version"], &first["editable"]), (&json!(1), &json!(true)));
    let (status, problem) = put(&root, STREET, 0, roster(STREET)).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(problem["type"], "version-conflict");
    assert!(problem["detail"].as_str().unwrap().contains("version 1"), "{problem}");

    // Every problem at once; nothing is stored.
    let mut wrong = roster(STREET);
    wrong["shifts"][0]["crews"][0]["officers"] = json!(["duty", "duty", "nobody"]);
    wrong["shifts"][0]["turn_days"] = json!(0);
    let (status, problem) = put(&root, STREET, 1, wrong).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let detail = problem["detail"].as_str().unwrap();
    for expected in ["names an officer twice", "turn_days = 0", "no active user `nobody`"] {
        assert!(detail.contains(expected), "{expected} is not in {detail}");
    }
    let (status, _) = put(&root, STREET, 1, roster(DISTRICT)).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "another area's roster");
    let (status, problem) = put(&root, "1234", 0, roster("1234")).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("`1234` is not the code of an area"), "{detail}");

    // Read by everybody of the area, changed by its shift leaders.
    let duty = hub.sign_in("duty").await;
    let list = duty.get("/api/v1/rosters").await;
    assert_eq!(list["items"][0]["area"], STREET);
    assert_eq!(list["items"][0]["editable"], false);
    let (status, _) = put(&duty, STREET, 1, roster(STREET)).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    add_user(&hub.store, "sl", Role::ShiftLeader, Some(STREET)).await;
    add_user(&hub.store, "grid-2", Role::ShiftLeader, Some("990101001001002")).await;
    let leader = hub.sign_in("sl").await;
    stored(&leader, STREET, 1, roster(STREET)).await;
    let elsewhere = hub.sign_in("grid-2").await;
    let (status, _) = put(&elsewhere, STREET, 2, roster(STREET)).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "a wider area is not seen");
    assert_eq!(elsewhere.get("/api/v1/rosters").await["items"], json!([]));
    let none = elsewhere.get("/api/v1/duty").await;
    assert_eq!(none["items"], json!([]));
    // What a roster is written in is told also where there is none yet.
    assert_eq!(none["utc_offset_minutes"], 480);
    // But who looks after their own area is.
    let behind = elsewhere.get("/api/v1/duty?area=990101001001002").await;
    assert_eq!(behind["items"][0]["area"], STREET);

    let path = format!("/api/v1/rosters/{STREET}?version=1");
    let stale = root.request(Method::DELETE, &path).send().await.unwrap();
    assert_eq!(stale.status(), StatusCode::CONFLICT);
    let path = format!("/api/v1/rosters/{STREET}?version=2");
    let gone = root.request(Method::DELETE, &path).send().await.unwrap();
    assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    assert_eq!(root.get("/api/v1/rosters").await["items"], json!([]));
    let again = stored(&root, STREET, 0, roster(STREET)).await;
    assert_eq!(again["version"], 4, "versions go on");
    let audit = ask(&hub.store, "SELECT action, subject, actor FROM audit WHERE action LIKE 'roster%' ORDER BY id").await;
    let told: Vec<String> = audit
        .iter()
        .map(|row| format!("{} {} {}", row.get::<String, _>(0), row.get::<String, _>(1), row.get::<String, _>(2)))
        .collect();
    assert_eq!(
        told,
        [
            "roster_changed 990101001 version 1 root",
            "roster_changed 990101001 version 2 sl",
            "roster_removed 990101001 version 3 root",
            "roster_changed 990101001 version 4 root",
        ]
    );
}

#[tokio::test]
async fn duty_tells_who_is_there_what_comes_and_when_nobody_will_be() {
    let hub = Hub::start().await;
    let root = hub.sign_in("root").await;
    let from = hub::now().plus_ms(5 * 86_400_000);
    let until = from.plus_ms(3_600_000);
    let mut changed = roster(STREET);
    changed["absences"] = json!([
        { "who": "duty", "from": from, "until": until },
        { "who": "li", "from": from, "until": until },
    ]);
    stored(&root, STREET, 0, changed).await;
    let desk = root.get(&format!("/api/v1/duty?area={STREET}")).await["items"][0].clone();
    let people: Vec<(&str, &str)> = desk["on_duty"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["username"].as_str().unwrap(), one["role"].as_str().unwrap()))
        .collect();
    assert_eq!(
        people,
        [
            ("duty", "officer"),
            ("li", "officer"),
            ("chen", "shift_leader"),
            ("boss", "leader"),
        ]
    );
    assert_eq!(desk["manned"], true);
    assert_eq!(desk["gaps"], json!([{ "from": from, "until": until }]));
    assert_eq!(desk["next_hand_over"]["officers"], json!(["duty", "li"]));

    let duty = hub.sign_in("duty").await;
    let file = duty.request(Method::GET, "/api/v1/duty/shifts.ics").send().await.unwrap();
    assert_eq!(file.headers()["content-type"], "text/calendar; charset=utf-8");
    let text = file.text().await.unwrap();
    assert!(text.starts_with("BEGIN:VCALENDAR\r\n") && text.ends_with("END:VCALENDAR\r\n"));
    // Every day of 92, and two parts of the day with the absence.
    assert!((95..=105).contains(&text.matches("BEGIN:VEVENT").count()), "{text}");
    let boss = hub.sign_in("boss").await;
    let file = boss.request(Method::GET, "/api/v1/duty/shifts.ics").send().await.unwrap();
    assert!(!file.text().await.unwrap().contains("VEVENT"), "a leader is only called");
}

#[tokio::test]
async fn nobody_answers_and_each_of_the_roster_is_called_by_name() {
    let hub = hurried(&[ONE_SECOND]).await;
    let root = hub.sign_in("root").await;
    stored(&root, DISTRICT, 0, roster(DISTRICT)).await;
    hub.send(&batch(vec![alert(1, "door", Kind::DoorForced)])).await;
    let history = eventually("three levels", || async {
        let history = history(&root, 1).await;
        (of_action(&history, "escalate_unacknowledged").len() == 3).then_some(history)
    })
    .await;
    let rows = of_action(&history, "escalate_unacknowledged");
    let called: Vec<&Value> = rows.iter().map(|row| &row["details"]["called"]).collect();
    assert_eq!(called, [&json!(["li"]), &json!(["chen"]), &json!(["boss"])]);
    let note = rows[1]["note"]["en"].as_str().unwrap();
    assert!(note.contains("2 s") && note.contains("the shift leader CHEN"), "{note}");
    assert_eq!(
        calls(&hub.store).await,
        [
            "opened officer duty",
            "escalated officer li",
            "escalated shift_leader chen",
            "escalated leader boss",
        ]
    );
}

#[tokio::test]
async fn narrow_roster_comes_first_and_the_wider_one_fills_its_gap() {
    let hub = hurried(&[ONE_SECOND]).await;
    let root = hub.sign_in("root").await;
    stored(&root, DISTRICT, 0, roster(DISTRICT)).await;
    let mut narrow = roster(STREET);
    narrow["leader"] = Value::Null;
    narrow["shifts"][0]["crews"] = json!([{ "officers": ["sun"] }]);
    stored(&root, STREET, 0, narrow).await;
    hub.send(&batch(vec![alert(1, "door", Kind::DoorForced)])).await;
    eventually("four are called", || async {
        (calls(&hub.store).await.len() == 4).then_some(())
    })
    .await;
    assert_eq!(
        calls(&hub.store).await,
        [
            "opened officer sun",
            "escalated officer duty",
            "escalated shift_leader chen",
            "escalated leader boss",
        ]
    );
    stored(&root, STREET, 1, empty_roster(STREET)).await;
    hub.send(&batch(vec![alert(2, "gate", Kind::DoorForced)])).await;
    eventually("the wider desk is called", || async {
        let calls = calls(&hub.store).await;
        calls.iter().any(|call| call == "opened officer duty").then_some(())
    })
    .await;
}

#[tokio::test]
async fn acknowledgement_that_leads_nowhere_escalates_again_from_the_first_officer() {
    let hub = hurried(&[
        ("acknowledge = { amount = 180,", "acknowledge = { amount = 2,"),
        ("file = { amount = 600,", "file = { amount = 1,"),
    ])
    .await;
    let root = hub.sign_in("root").await;
    stored(&root, STREET, 0, roster(STREET)).await;
    hub.send(&batch(vec![alert(1, "door", Kind::DoorForced)])).await;
    let li = hub.sign_in("li").await;
    root.does(1, "acknowledge", json!({})).await;
    let history = eventually("it lapses and escalates anew", || async {
        let history = history(&li, 1).await;
        (of_action(&history, "escalate_unacknowledged").len() == 3).then_some(history)
    })
    .await;
    let lapse = of_action(&history, "lapse")[0];
    assert_eq!(lapse["details"]["called"], json!(["duty"]), "{lapse}");
    let rows = of_action(&history, "escalate_unacknowledged");
    let called: Vec<&Value> = rows.iter().map(|row| &row["details"]["called"]).collect();
    assert_eq!(called, [&json!(["li"]), &json!(["chen"]), &json!(["boss"])]);
}

#[tokio::test]
async fn new_device_in_an_acknowledged_case_has_to_be_acknowledged_again() {
    let hub = Hub::start().await;
    let root = hub.sign_in("root").await;
    stored(&root, STREET, 0, roster(STREET)).await;
    let duty = hub.sign_in("duty").await;
    hub.send(&batch(vec![alert(1, "kitchen", Kind::Smoke)])).await;
    duty.does(1, "acknowledge", json!({})).await;
    // The same device again is no news.
    hub.send(&batch(vec![alert(2, "kitchen", Kind::Smoke)])).await;
    let case = duty.get("/api/v1/cases/1").await;
    assert_eq!(case["alert_count"], 2, "{case}");
    assert!(case["acknowledged_at"].is_string(), "{case}");
    let mut feed = Feed::open(&duty, "", None).await;
    assert_eq!(feed.next().await.unwrap().event, "hello");
    hub.send(&batch(vec![alert(3, "hall", Kind::Smoke)])).await;
    let case = duty.get("/api/v1/cases/1").await;
    assert_eq!(case["alert_count"], 3, "{case}");
    assert!(case["acknowledged_at"].is_null(), "{case}");
    let history = case["transitions"].as_array().unwrap().clone();
    let row = of_action(&history, "report_again")[0];
    assert!(row["note"]["en"].as_str().unwrap().contains("device hall"), "{row}");
    let mut changes = Vec::new();
    while changes.len() < 2 {
        let message = feed.next().await.unwrap();
        changes.push(message.data["change"].as_str().unwrap().to_owned());
    }
    changes.sort();
    assert_eq!(changes, ["joined", "reported_again"]);
    let clocks = duty.get("/api/v1/cases/1/clocks").await;
    assert_eq!(clocks["clocks"][0]["kind"], "acknowledge");
    assert!(clocks["clocks"][0]["ended_at"].is_null(), "its clock runs again: {clocks}");
    assert!(calls(&hub.store).await.contains(&"reported_again officer duty".to_owned()));
    // The same sensor once more, and the officer has seen it: it stays acknowledged.
    duty.does(1, "acknowledge", json!({})).await;
    hub.send(&batch(vec![alert(4, "hall", Kind::Smoke)])).await;
    assert!(duty.get("/api/v1/cases/1").await["acknowledged_at"].is_string());
}

#[tokio::test]
async fn unit_that_is_consulted_and_silent_is_reminded_passed_over_and_carded() {
    let hub = hurried(&[(
        "consult = { amount = 4, clock = \"urgent_hours\" }",
        "consult = { amount = 2, clock = \"seconds\" }",
    )])
    .await;
    let root = hub.sign_in("root").await;
    stored(&root, "990100", 0, roster("990100")).await;
    hub.send(&batch(vec![alert(1, "camera", Kind::LineCrossing)])).await;
    let duty = hub.sign_in("duty").await;
    let sun = hub.sign_in("sun").await;
    let filed = duty.does(1, "acknowledge", json!({})).await;
    let conditions = filed["allowed_actions"].as_array().unwrap().iter();
    let file = conditions.clone().find(|one| one["action"] == "file").unwrap();
    let condition = file["fields"][0]["choices"][0]["value"].clone();
    duty.does(1, "file", json!({ "condition": condition, "mode": "consult" })).await;
    let units = json!(["donghu-fire", UNIT]);
    sun.does(1, "consult", json!({ "unit": "donghu-fire", "units": units })).await;
    let qian = hub.sign_in("qian").await;
    qian.does(1, "answer", json!({ "yes": true })).await;
    let history = eventually("the card", || async {
        let history = history(&root, 1).await;
        (!of_action(&history, "card_answer").is_empty()).then_some(history)
    })
    .await;
    let steps: Vec<&str> = history
        .iter()
        .map(|row| row["action"].as_str().unwrap())
        .filter(|action| action.ends_with("_answer"))
        .collect();
    assert_eq!(steps, ["remind_answer", "escalate_answer", "card_answer"]);
    let escalated = of_action(&history, "escalate_answer")[0];
    assert_eq!(escalated["details"]["called"], json!(["boss"]), "{escalated}");
    let case = root.get("/api/v1/cases/1").await;
    assert_eq!(case["progress"]["tasks"][0]["card"], "yellow", "{}", case["progress"]);
    assert!(case["progress"]["tasks"][1]["card"].is_null(), "who answered has none");
    assert_eq!(case["progress"]["card"], "none", "the case's card is another unit's");
}

#[tokio::test]
async fn shift_that_nobody_took_over_and_silent_consoles_are_reported_until_they_are_put_right() {
    let hub = Hub::start_with(hurry).await;
    let root = hub.sign_in("root").await;
    let mut feed = Feed::open(&root, "", None).await;
    assert_eq!(feed.next().await.unwrap().event, "hello");
    stored(&root, STREET, 0, roster(STREET)).await;
    hub.send(&batch(vec![alert(1, "door", Kind::DoorForced)])).await;
    let missing = async || {
        let desk = root.get(&format!("/api/v1/duty?area={STREET}")).await["items"][0].clone();
        let missing = desk["missing"].as_array().unwrap().iter();
        let mut kinds: Vec<String> = missing
            .map(|one| one["kind"].as_str().unwrap().to_owned())
            .collect();
        kinds.sort();
        kinds
    };
    eventually("both are reported", || async {
        (missing().await == ["console_lost", "not_taken_over"]).then_some(())
    })
    .await;
    let mut told = Vec::new();
    while told.len() < 2 {
        let message = feed.next().await.unwrap();
        let change = message.data["change"].as_str().unwrap_or_default().to_owned();
        if message.event == "desk" && change != "roster_changed" {
            assert_eq!(message.data["area"], STREET);
            told.push(change);
        }
    }
    told.sort();
    assert_eq!(told, ["console_lost", "not_taken_over"]);
    let called = calls(&hub.store).await;
    for expected in [
        "not_taken_over shift_leader chen",
        "not_taken_over leader boss",
        "console_lost shift_leader chen",
        "console_lost leader boss",
    ] {
        assert!(called.iter().any(|call| call == expected), "{expected}: {called:?}");
    }

    // Somebody who is not on duty cannot take it over.
    let body = json!({ "area": STREET, "note": "前班无异常" });
    let path = "/api/v1/duty/takeover";
    let refused = root.request(Method::POST, path).json(&body).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.json::<Value>().await.unwrap()["type"], "not-on-duty");
    let duty = hub.sign_in("duty").await;
    let taken = duty.request(Method::POST, path).json(&body).send().await.unwrap();
    assert_eq!(taken.status(), StatusCode::OK);
    let taken: Value = taken.json().await.unwrap();
    assert_eq!((&taken["taken_by"], &taken["note"]), (&json!("duty"), &json!("前班无异常")));
    assert_eq!(taken["taken_from"], "duty", "who had the shift before");
    assert_eq!(taken["open_cases"], 1);
    assert_eq!(taken["cases"][0]["id"], 1, "{taken}");
    assert_eq!(taken["cases"][0]["severity"], "P2");
    let again = duty.request(Method::POST, path).json(&body).send().await.unwrap();
    assert_eq!(again.json::<Value>().await.unwrap()["id"], taken["id"], "done once");
    let li = hub.sign_in("li").await;
    let beat = async |officer: &Officer, armed: bool| {
        let body = json!({ "console": "c-1", "armed": armed, "visible": true });
        let sent = officer.request(Method::POST, "/api/v1/duty/console").json(&body).send().await;
        assert_eq!(sent.unwrap().status(), StatusCode::NO_CONTENT);
    };
    // An unarmed console does not help.
    beat(&duty, false).await;
    eventually("the takeover is seen", || async {
        (missing().await == ["console_lost"]).then_some(())
    })
    .await;
    // Another officer's does.
    eventually("everything is put right", || async {
        beat(&li, true).await;
        missing().await.is_empty().then_some(())
    })
    .await;
    eventually("it is lost again", || async {
        (missing().await == ["console_lost"]).then_some(())
    })
    .await;
    let list = root.get("/api/v1/duty/takeovers").await;
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    assert_eq!(list["next"], Value::Null);
    let bad = json!({ "console": "no spaces", "armed": true, "visible": true });
    let refused = li.request(Method::POST, "/api/v1/duty/console").json(&bad).send().await;
    assert_eq!(refused.unwrap().status(), StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn gap_is_told_once_and_once_more_when_something_urgent_is_open() {
    let hub = Hub::start_with(hurry).await;
    let root = hub.sign_in("root").await;
    stored(&root, STREET, 0, empty_roster(STREET)).await;
    let reports = async || {
        let rows = ask(&hub.store, "SELECT kind, severity FROM duty_reports WHERE ended_at IS NULL ORDER BY kind").await;
        let told = rows.iter().map(|row| (row.get::<String, _>(0), row.get::<i64, _>(1)));
        told.collect::<Vec<_>>()
    };
    eventually("the gap", || async {
        (reports().await == [("duty_gap".to_owned(), 2)]).then_some(())
    })
    .await;
    hub.send(&batch(vec![alert(1, "kitchen", Kind::Smoke)])).await;
    eventually("with an urgent case", || async {
        let both = [("duty_gap".to_owned(), 2), ("duty_unattended".to_owned(), 1)];
        (reports().await == both).then_some(())
    })
    .await;
    assert_eq!(
        calls(&hub.store).await,
        [
            "duty_gap leader boss",
            "opened leader boss",
            "duty_unattended leader boss",
        ]
    );
    stored(&root, STREET, 1, roster(STREET)).await;
    eventually("somebody is there", || async {
        let open = reports().await;
        open.iter().all(|(kind, _)| !kind.starts_with("duty")).then_some(())
    })
    .await;
    let restored = ask(&hub.store, "SELECT seq FROM events WHERE change = 'duty_restored'").await;
    assert_eq!(restored.len(), 2);
    let events = ask(&hub.store, "SELECT COUNT(*) FROM events WHERE change IN ('duty_gap', 'duty_unattended')").await;
    assert_eq!(events[0].get::<i64, _>(0), 2, "each is told once");
}

/// Puts the roster into the store of a configuration, as `hub roster import` does.
async fn import(config: &Config, loaded: &config::Loaded) {
    let (store, mut writer) = hub::store::open(&config.store_url().unwrap()).await.unwrap();
    let roster: Roster = serde_json::from_value(roster(STREET)).unwrap();
    let against = Against {
        directory: &loaded.directory,
        calendar: &loaded.calendar,
        utc_offset_minutes: config.utc_offset_minutes,
    };
    let saved = writer.import_roster(against, &roster, hub::now()).await.unwrap();
    assert!(matches!(saved, Saved::Done(_)), "{saved:?}");
    assert!(store.case(1, &Scope::whole()).await.unwrap().is_none());
}

async fn send(running: &Running, key: &str, alerts: Vec<Alert>) {
    let client = client_builder().build().unwrap();
    let url = format!("http://{}/v1/batches", running.address);
    let body = serde_json::to_vec(&batch(alerts)).unwrap();
    let sent = client.post(url).bearer_auth(key).body(body).send().await;
    assert_eq!(sent.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn each_step_calls_once_while_hubs_are_killed_in_the_middle() {
    const CASES: u64 = 120;
    const KILLS: usize = 4;
    let dirs = [TempDir::new().unwrap(), TempDir::new().unwrap()];
    let mut configs: Vec<PathBuf> = vec![write_files(dirs[0].path(), PLAIN)];
    change_limits(dirs[0].path(), &[ONE_SECOND]);
    let loaded = config::load(&configs[0]).unwrap();
    let key = populate(&loaded.config).await;
    import(&loaded.config, &loaded).await;
    if STORE == StoreKind::Postgres {
        configs.push(write_files_for(dirs[1].path(), PLAIN, &loaded.config.store.url));
        change_limits(dirs[1].path(), &[ONE_SECOND]);
    }
    let mut hubs: Vec<Running> = configs.iter().map(|config| start(config)).collect();
    for first in (1..=CASES).step_by(20) {
        let alerts = (first..first + 20).map(|n| alert(n, &format!("door-{n}"), Kind::DoorForced));
        send(&hubs[0], &key, alerts.collect()).await;
    }
    let url = loaded.config.store_url().unwrap();
    let count = async || {
        let rows = ask(&url, "SELECT COUNT(*) FROM duty_calls c JOIN events e ON e.seq = c.event_seq WHERE e.case_id IS NOT NULL").await;
        rows[0].get::<i64, _>(0)
    };
    let all = i64::try_from(4 * CASES).unwrap();
    for kill in 0..KILLS {
        let before = count().await;
        eventually("somebody is called", || async {
            (before == all || count().await > before).then_some(())
        })
        .await;
        let place = kill % hubs.len();
        // Killed by dropping it, then another in its place.
        drop(hubs.remove(place));
        hubs.insert(place, start(&configs[place]));
    }
    eventually("everybody was called", || async {
        (count().await >= all).then_some(())
    })
    .await;
    drop(hubs);
    let rows = ask(&url, "SELECT e.case_id, c.username FROM duty_calls c JOIN events e ON e.seq = c.event_seq WHERE e.case_id IS NOT NULL ORDER BY e.seq").await;
    let mut order: BTreeMap<i64, Vec<String>> = BTreeMap::new();
    for row in &rows {
        order.entry(row.get(0)).or_default().push(row.get(1));
    }
    assert_eq!(order.len(), usize::try_from(CASES).unwrap());
    for (case, called) in order {
        assert_eq!(called, ["duty", "li", "chen", "boss"], "case {case}");
    }
    let rows = ask(&url, "SELECT COUNT(*) FROM transitions WHERE action = 'escalate_unacknowledged'").await;
    assert_eq!(rows[0].get::<i64, _>(0), i64::try_from(3 * CASES).unwrap());
    let doubled = ask(&url, "SELECT area, kind FROM duty_reports WHERE ended_at IS NULL GROUP BY area, kind HAVING COUNT(*) > 1").await;
    assert!(doubled.is_empty(), "a shortcoming was told twice");
}
