//! The directory while the hub runs: files in and out, single rows, versions, areas of administrators, and
//! cases that follow.

use gridwatch_protocol::{Kind, SiteId};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use super::harness::{Hub, Officer, alert, around, batch, eventually};

const DIRECTORY: &str = "/api/v1/directory";

/// Who, what, where to and, for CSV, how.
async fn write(who: &Officer, method: Method, path: &str, tag: &str, body: Value) -> Response {
    let request = who.request(method, &format!("{DIRECTORY}{path}"));
    request.header("if-match", tag).json(&body).send().await.unwrap()
}

async fn put_csv(who: &Officer, table: &str, csv: impl Into<reqwest::Body>) -> Response {
    who.request(Method::PUT, &format!("{DIRECTORY}/{table}"))
        .header("if-match", "*")
        .header("content-type", "text/csv")
        .body(csv)
        .send()
        .await
        .unwrap()
}

async fn done(response: Response) -> Value {
    let status = response.status();
    let body: Value = response.json().await.unwrap();
    assert_eq!(status, StatusCode::OK, "{body:#}");
    body
}

async fn problem(response: Response, status: StatusCode, kind: &str) -> Value {
    let found = response.status();
    let body: Value = response.json().await.unwrap();
    assert_eq!((found, body["type"].as_str()), (status, Some(kind)), "{body:#}");
    body
}

/// Gives somebody an area, behind the hub's back.
async fn give_area(hub: &Hub, name: &str, area: &str) {
    let mut store = around(&hub.store).await;
    let statement = format!("UPDATE users SET area = '{area}' WHERE name = '{name}'");
    sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut store).await.unwrap();
}

fn site(id: &str, grid: &str, lat: f64, lon: f64) -> Value {
    let text = json!({ "zh": "园", "en": "Garden" });
    json!({ "id": id, "name": text, "grid": grid, "address": text, "lat": lat, "lon": lon })
}

#[tokio::test]
async fn tables_go_out_and_come_in_the_same() {
    let hub = Hub::start().await;
    let root = hub.sign_in("root").await;
    let before = root.get(DIRECTORY).await;
    assert_eq!(before["version"], 1);
    assert_eq!(before["areas"].as_array().unwrap().len(), 6);
    for table in ["areas", "sites", "units", "duties", "hazards", "contacts"] {
        let path = format!("{DIRECTORY}/{table}?format=csv");
        let csv = root.request(Method::GET, &path).send().await.unwrap();
        let answer = done(put_csv(&root, table, csv.bytes().await.unwrap()).await).await;
        assert_eq!((&answer["changes"], &answer["version"]), (&json!([]), &json!(1)), "{table}");
        let rows = root.get(&format!("{DIRECTORY}/{table}")).await;
        let rows = json!({ "items": rows["items"] });
        let answer = done(write(&root, Method::PUT, &format!("/{table}"), "\"1\"", rows).await).await;
        assert_eq!(answer["changes"], json!([]), "{table}");
    }
    let outlines = root.get(&format!("{DIRECTORY}/outlines")).await;
    assert_eq!(outlines["features"].as_array().unwrap().len(), 2);
    let answer = done(write(&root, Method::PUT, "/outlines", "*", outlines).await).await;
    assert_eq!(answer["changes"], json!([]));
    let answer = done(write(&root, Method::PUT, "", "*", before.clone()).await).await;
    assert_eq!(answer["changes"], json!([]));
    assert_eq!(root.get(DIRECTORY).await, before);
}

#[tokio::test]
async fn import_is_refused_whole_with_every_problem_and_its_row() {
    let hub = Hub::start().await;
    let root = hub.sign_in("root").await;
    let before = root.get(DIRECTORY).await;
    let csv = "code,parent,level,name_zh\n990100,,city,滨海市\na,b,grid,甲\nb,a,grid,乙\nc,nowhere,grid,丙\nc,990100,grid,丁\nd,990100,gird,戊\n";
    let refused = problem(put_csv(&root, "areas", csv).await, StatusCode::UNPROCESSABLE_ENTITY, "directory-refused").await;
    let told = refused["findings"].to_string();
    for expected in [
        "goes in a circle: `a` is part of `b` is part of `a`",
        "the parent `nowhere` is not in the area tree",
        "`c` stands twice, first in row 5",
        "unknown variant `gird`",
        "the grid `990101001001001` is not in the area tree",
    ] {
        assert!(told.contains(expected), "{expected} is not in {told}");
    }
    assert!(told.contains("\"row\":6"), "{told}");
    let gbk: &[u8] = b"code,parent,level,name_zh\n990100,,city,\xb1\xf5\xba\xa3\xca\xd0\n";
    let refused = problem(put_csv(&root, "areas", gbk).await, StatusCode::UNPROCESSABLE_ENTITY, "directory-refused").await;
    assert!(refused["findings"].to_string().contains("looks like GBK"), "{refused}");
    let mut outlines = root.get(&format!("{DIRECTORY}/outlines")).await;
    outlines["features"][1]["geometry"] = outlines["features"][0]["geometry"].clone();
    let refused = write(&root, Method::PUT, "/outlines", "*", outlines).await;
    let refused = problem(refused, StatusCode::UNPROCESSABLE_ENTITY, "directory-refused").await;
    let told = refused["findings"].to_string();
    assert!(told.contains("(100.0 % of the smaller one"), "{told}");
    assert!(told.contains("outside the outline of its grid"), "{told}");
    assert_eq!(root.get(DIRECTORY).await, before);
}

#[tokio::test]
async fn writes_name_the_version_that_they_go_by() {
    let hub = Hub::start().await;
    let root = hub.sign_in("root").await;
    let row = site("new-yard", "990101001001001", 23.02, 113.151);
    let path = format!("{DIRECTORY}/sites/new-yard");
    let without = root.request(Method::PUT, &path).json(&row).send().await.unwrap();
    problem(without, StatusCode::PRECONDITION_REQUIRED, "version-needed").await;
    let dry = write(&root, Method::PUT, "/sites/new-yard?dry_run=true", "\"1\"", row.clone()).await;
    let dry = done(dry).await;
    assert_eq!((&dry["version"], &dry["dry_run"], &dry["changes"][0]["added"]), (&json!(1), &json!(true), &json!(1)));
    let first = write(&root, Method::PUT, "/sites/new-yard", "\"1\"", row.clone()).await;
    assert_eq!(first.headers()["etag"], "\"2\"");
    done(first).await;
    let second = write(&root, Method::PUT, "/sites/new-yard", "\"1\"", row.clone()).await;
    assert_eq!(second.headers()["etag"], "\"2\"");
    let stale = problem(second, StatusCode::PRECONDITION_FAILED, "version-conflict").await;
    assert_eq!(stale["version"], 2);
    let other = write(&root, Method::PUT, "/sites/another", "*", row).await;
    problem(other, StatusCode::UNPROCESSABLE_ENTITY, "invalid-request").await;
    done(write(&root, Method::DELETE, "/sites/new-yard", "\"2\"", json!({})).await).await;
    let gone = write(&root, Method::DELETE, "/sites/new-yard", "*", json!({})).await;
    problem(gone, StatusCode::NOT_FOUND, "not-found").await;
    let mut store = around(&hub.store).await;
    let lines: Vec<(String, String)> = sqlx::query_as("SELECT actor, subject FROM audit WHERE action = 'directory_changed' ORDER BY id")
        .fetch_all(&mut store)
        .await
        .unwrap();
    let line = |text: &str| ("root".to_owned(), text.to_owned());
    assert_eq!(lines, [line("version 2: +sites:new-yard"), line("version 3: -sites:new-yard")]);
}

#[tokio::test]
async fn unknown_site_is_listed_and_its_cases_follow_when_it_gets_a_grid() {
    let hub = Hub::start().await;
    let mut one = alert(1, "smoke-1", Kind::Smoke);
    one.site = SiteId::new("new-yard").unwrap();
    hub.send(&batch(vec![one])).await;
    give_area(&hub, "duty", "990101001001002").await;
    let (root, duty) = (hub.sign_in("root").await, hub.sign_in("duty").await);
    let list = root.get("/api/v1/directory/unassigned").await;
    assert_eq!(list["sites"], json!([{ "id": "new-yard", "gateways": [], "open_cases": 1, "worst": "P1" }]));
    assert_eq!(duty.get("/api/v1/directory/unassigned").await["sites"], json!([]));
    assert!(duty.cases().await.is_empty());
    let row = site("new-yard", "990101001001002", 23.024, 113.155);
    done(write(&root, Method::PUT, "/sites/new-yard", "*", row).await).await;
    assert_eq!(root.get("/api/v1/directory/unassigned").await["sites"], json!([]));
    let case = &duty.cases().await[0];
    assert_eq!(case["area_path"].as_array().unwrap().len(), 5);
    assert_eq!(case["site"]["known"], true);
    let map = duty.get("/api/v1/map").await;
    assert_eq!(map["grids"].as_array().unwrap().len(), 1);
    let grid = &map["grids"][0];
    assert_eq!((&grid["code"], &grid["open_cases"], &grid["worst"]), (&json!("990101001001002"), &json!(1), &json!("P1")));
    assert_eq!(grid["outline"]["type"], "Polygon");
    let mut sites: Vec<&str> = map["sites"].as_array().unwrap().iter().map(|s| s["id"].as_str().unwrap()).collect();
    sites.sort_unstable();
    assert_eq!(sites, ["new-yard", "xinghe-market"]);
    // A site with an open case stays; its grid can change, and the case moves with it.
    let refused = write(&root, Method::DELETE, "/sites/new-yard", "*", json!({})).await;
    let refused = problem(refused, StatusCode::CONFLICT, "in-use").await;
    assert!(refused["findings"][0]["message"].as_str().unwrap().contains("1 open cases, such as"), "{refused}");
    let row = site("new-yard", "990101001001001", 23.02, 113.151);
    done(write(&root, Method::PUT, "/sites/new-yard", "*", row).await).await;
    assert!(duty.cases().await.is_empty());
}

#[tokio::test]
async fn administrator_of_an_area_sees_and_changes_only_that() {
    let hub = Hub::start().await;
    give_area(&hub, "root", "990101001001").await;
    let root = hub.sign_in("root").await;
    let whole = root.get(DIRECTORY).await;
    assert_eq!(whole["areas"].as_array().unwrap().len(), 3);
    assert_eq!(whole["units"].as_array().unwrap().len(), 2);
    assert_eq!(whole["duties"], json!([]));
    let answer = done(write(&root, Method::PUT, "", "*", whole.clone()).await).await;
    assert_eq!(answer["changes"], json!([]));
    let refused = async |method: Method, path: &str, row: Value| {
        let refused = write(&root, method, path, "*", row).await;
        let status = refused.status();
        let body: Value = refused.json().await.unwrap();
        let told = status == StatusCode::NOT_FOUND || body["findings"].to_string().contains("not in your area");
        assert!(told && !status.is_success(), "{path}: {status} {body:#}");
    };
    let text = json!({ "zh": "名", "en": "Name" });
    let own = &whole["areas"][0];
    refused(Method::PUT, "/areas/990101", json!({ "code": "990101", "parent": "990100", "level": "district", "name": text })).await;
    refused(Method::PUT, "/areas/990101001001", json!({ "code": "990101001001", "parent": "990101", "level": "community", "name": text })).await;
    refused(Method::PUT, "/areas/x", json!({ "code": "x", "parent": "990101001", "level": "community", "name": text })).await;
    refused(Method::DELETE, "/areas/990101", json!({})).await;
    refused(Method::PUT, "/units/mine", json!({ "code": "mine", "name": text, "kind": "fire", "area": "990101" })).await;
    refused(Method::DELETE, "/units/donghu-fire", json!({})).await;
    refused(Method::PUT, "/duties/990101:flooding", json!({ "area": "990101", "category": "flooding", "unit": "xinghe-property" })).await;
    // Within it, everything: another name for the own area, a grid, a unit, a hazard point with a contact.
    let renamed = json!({ "code": own["code"], "parent": own["parent"], "level": own["level"], "name": text });
    done(write(&root, Method::PUT, "/areas/990101001001", "*", renamed).await).await;
    let grid = json!({ "code": "g3", "parent": "990101001001", "level": "grid", "name": text });
    done(write(&root, Method::PUT, "/areas/g3", "*", grid).await).await;
    let hazard = json!({ "code": "low-road", "category": "flooding", "name": text, "grid": "g3", "lat": 23.0, "lon": 113.0 });
    let answer = done(write(&root, Method::PUT, "/hazards/low-road", "*", hazard).await).await;
    assert!(answer["warnings"].to_string().contains("has 0 of 4 contacts"), "{answer}");
    let contact = json!({ "place_kind": "hazard", "place": "low-road", "order": 1, "name": "王", "duty": "社区", "phone": "13800000000" });
    done(write(&root, Method::PUT, "/contacts/hazard:low-road:1", "*", contact).await).await;
    let list = root.get("/api/v1/contacts?place_kind=hazard&place=low-road").await;
    assert_eq!(list["items"][0]["phone"], "13800000000");
    assert_eq!(root.get("/api/v1/map").await["hazards"][0]["code"], "low-road");
    give_area(&hub, "duty", "990101001001001").await;
    let duty = hub.sign_in("duty").await;
    let list = duty.get("/api/v1/contacts?place_kind=hazard&place=low-road").await;
    assert_eq!(list["items"], json!([]));
    assert_eq!(duty.get("/api/v1/map").await["hazards"], json!([]));
}

#[tokio::test]
async fn whole_tree_can_be_exchanged_at_once_and_positions_find_their_grid() {
    let hub = Hub::start().await;
    let root = hub.sign_in("root").await;
    let at = async |lat: f64, lon: f64| root.get(&format!("/api/v1/directory/at?lat={lat}&lon={lon}")).await;
    assert_eq!(at(23.0208, 113.1521).await["grid"], "990101001001001");
    assert_eq!(at(0.0, 0.0).await["grid"], Value::Null);
    let text = json!({ "zh": "名", "en": "Name" });
    let square = json!({ "type": "Polygon", "coordinates": [[[121.52, 31.17], [121.53, 31.17], [121.53, 31.18], [121.52, 31.18], [121.52, 31.17]]] });
    let new = json!({
        "areas": [
            { "code": "c", "level": "city", "name": text },
            { "code": "g", "parent": "c", "level": "grid", "name": text },
        ],
        "outlines": { "type": "FeatureCollection", "features": [
            { "type": "Feature", "properties": { "code": "g" }, "geometry": square },
        ]},
        // GCJ-02 of 31.1774276, 121.5272106.
        "sites": [{ "id": "s", "name": text, "grid": "g", "address": text, "lat": 31.175303, "lon": 121.531541, "datum": "gcj02" }],
        "units": [{ "code": "u", "name": text, "kind": "property", "area": "c" }],
        "duties": [{ "area": "c", "category": "flooding", "unit": "u" }],
    });
    // The handlers' unit would go: people use it.
    let refused = write(&root, Method::PUT, "", "*", new.clone()).await;
    let refused = problem(refused, StatusCode::CONFLICT, "in-use").await;
    assert!(refused["findings"].to_string().contains("2 people who may sign in, such as qian, zhao"), "{refused}");
    for name in ["qian", "zhao"] {
        let path = format!("/api/v1/users/{name}/disable");
        let disabled = root.request(Method::POST, &path).send().await.unwrap();
        assert_eq!(disabled.status(), StatusCode::OK);
    }
    done(write(&root, Method::PUT, "", "*", new).await).await;
    let sites = root.get("/api/v1/directory/sites").await;
    let found = (&sites["items"][0]["lat"], &sites["items"][0]["datum"]);
    assert!((found.0.as_f64().unwrap() - 31.177_427).abs() < 1e-5, "{found:?}");
    assert_eq!(found.1, "converted");
    assert_eq!(at(31.175, 121.525).await["grid"], "g");
    // What arrives now is where the new tree says.
    let mut one = alert(1, "smoke-1", Kind::Smoke);
    one.site = SiteId::new("s").unwrap();
    hub.send(&batch(vec![one])).await;
    assert_eq!(root.cases().await[0]["area_path"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn files_fill_an_empty_store_only() {
    let hub = Hub::start().await;
    let root = hub.sign_in("root").await;
    done(write(&root, Method::DELETE, "/duties/990101001:intrusion", "*", json!({})).await).await;
    let (store, key) = (hub.store.clone(), hub.key.clone());
    let kept = hub.stop().await.unwrap();
    let again = super::harness::hub_on(&store, key).await;
    let root = again.sign_in("root").await;
    let whole = root.get(DIRECTORY).await;
    assert_eq!((&whole["version"], &whole["duties"]), (&json!(2), &json!([])));
    drop(kept);
}

#[tokio::test]
async fn command_line_takes_files_while_the_hub_runs() {
    let hub = Hub::start().await;
    let root = hub.sign_in("root").await;
    let out = hub.dir.path().join("out");
    let run = async |arguments: &[&str]| hub.directory_command(arguments).await;
    let (code, told) = run(&["export", out.to_str().unwrap()]).await;
    assert_eq!(code, Some(0), "{told}");
    let units = out.join("units.csv");
    let text = std::fs::read_to_string(&units).unwrap();
    std::fs::write(&units, format!("{text}new-unit,新,New,property,990100,\n")).unwrap();
    let (code, told) = run(&["check", units.to_str().unwrap()]).await;
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("units: 1 added, 0 changed, 0 removed") && told.contains("nothing was stored"), "{told}");
    let (code, told) = run(&["import", units.to_str().unwrap()]).await;
    assert_eq!(code, Some(0), "{told}");
    eventually("the running hub has the unit", || async {
        let list = root.get("/api/v1/directory/units").await;
        list["items"].to_string().contains("new-unit").then_some(())
    })
    .await;
    // The files of the configuration no longer say what is in the store.
    let (code, told) = run(&["check"]).await;
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("units: 0 added, 0 changed, 1 removed"), "{told}");
    let (code, told) = run(&["import", out.join("areas.toml").to_str().unwrap()]).await;
    assert_eq!(code, Some(0), "{told}");
    std::fs::write(&units, "code,kind\nx,y\n").unwrap();
    let (code, told) = run(&["import", units.to_str().unwrap()]).await;
    assert_eq!(code, Some(64), "{told}");
    assert!(told.contains("units row 1: the column `name_zh` is missing"), "{told}");
}
