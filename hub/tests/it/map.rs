//! The map: risk areas in and out, grid workers on duty, and the hub's own streets.

use gridwatch_protocol::Kind;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use super::harness::{Hub, Officer, PLAIN, UNIT, alert, around, batch, write_files};

const DIRECTORY: &str = "/api/v1/directory";
const COMMUNITY: &str = "990101001001";
const GRID: &str = "990101001001001";

async fn put(officer: &Officer, path: &str, body: Value) -> (StatusCode, Value) {
    let request = officer.request(Method::PUT, path).header("if-match", "*");
    let response = request.json(&body).send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

/// Gives somebody an area, behind the hub's back.
async fn give_area(hub: &Hub, name: &str, area: &str) {
    let mut store = around(&hub.store).await;
    let statement = format!("UPDATE users SET area = '{area}' WHERE name = '{name}'");
    sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut store).await.unwrap();
}

fn risk(code: &str, domain: &str, area: &str, west: f64) -> Value {
    let (south, east, north) = (23.0195, west + 0.001, 23.0215);
    let ring = json!([[west, south], [east, south], [east, north], [west, north], [west, south]]);
    json!({
        "type": "Feature",
        "properties": { "code": code, "domain": domain, "name": { "zh": "低洼", "en": "Low" }, "area": area },
        "geometry": { "type": "Polygon", "coordinates": [ring] },
    })
}

fn collection(features: &[Value]) -> Value {
    json!({ "type": "FeatureCollection", "features": features })
}

#[tokio::test]
async fn risk_areas_go_in_and_out_and_are_seen_where_they_are() {
    let hub = Hub::start().await;
    let root = hub.sign_in("root").await;
    let path = format!("{DIRECTORY}/risk-areas");
    let wrong = collection(&[risk("a", "lava", GRID, 113.15), risk("b", "fire", "nowhere", 113.15)]);
    let (status, refused) = put(&root, &path, wrong).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{refused}");
    let told = refused["findings"].to_string();
    assert!(told.contains("`lava` is not a domain") && told.contains("the area `nowhere` is not"), "{told}");
    let given = collection(&[risk("low", "flood", GRID, 113.15), risk("old", "fire", "990101", 120.0)]);
    let (status, changed) = put(&root, &path, given).await;
    assert_eq!(status, StatusCode::OK, "{changed}");
    assert_eq!(changed["changes"], json!([{ "table": "risk_areas", "added": 2, "changed": 0, "removed": 0 }]));
    let out = root.get(&path).await;
    assert_eq!(out["features"][0]["properties"]["name"]["zh"], "低洼");
    // What went out comes in the same, alone and with the whole.
    let (_, again) = put(&root, &path, out).await;
    assert_eq!(again["changes"], json!([]), "{again}");
    let whole = root.get(DIRECTORY).await;
    assert_eq!(whole["risk_areas"]["features"].as_array().unwrap().len(), 2);
    let (_, again) = put(&root, DIRECTORY, whole).await;
    assert_eq!(again["changes"], json!([]), "{again}");
    let map = root.get("/api/v1/map").await;
    assert_eq!(map["risk_areas"][0]["outline"]["type"], "Polygon");
    let of = |map: &Value| -> Vec<String> {
        let areas = map["risk_areas"].as_array().unwrap().iter();
        areas.map(|area| format!("{}:{}", area["code"], area["domain"]).replace('"', "")).collect()
    };
    assert_eq!(of(&map), ["low:flood", "old:fire"]);
    let bare = root.get("/api/v1/map?outlines=false").await;
    assert!(bare["risk_areas"][0].get("outline").is_none(), "{bare}");
    give_area(&hub, "duty", GRID).await;
    let duty = hub.sign_in("duty").await;
    assert_eq!(of(&duty.get("/api/v1/map").await), ["low:flood"]);
    // Who has the community keeps its own and reaches no further; one that has gone is gone.
    give_area(&hub, "root", COMMUNITY).await;
    let root = hub.sign_in("root").await;
    let (status, _) = put(&root, &path, collection(&[risk("far", "fire", "990101", 113.15)])).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let (_, changed) = put(&root, &path, collection(&[])).await;
    assert_eq!(changed["changes"][0]["removed"], 1, "{changed}");
    give_area(&hub, "root", "990100").await;
    let root = hub.sign_in("root").await;
    assert_eq!(of(&root.get("/api/v1/map").await), ["old:fire"]);
}

#[tokio::test]
async fn risk_areas_go_through_files_on_the_command_line() {
    let hub = Hub::start().await;
    let file = hub.dir.path().join("risk-areas.geojson");
    std::fs::write(&file, collection(&[risk("low", "flood", GRID, 113.15)]).to_string()).unwrap();
    let run = async |arguments: &[&str]| hub.directory_command(arguments).await;
    let (code, told) = run(&["import", file.to_str().unwrap()]).await;
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("risk_areas: 1 added"), "{told}");
    let out = hub.dir.path().join("out");
    let (code, told) = run(&["export", out.to_str().unwrap()]).await;
    assert_eq!(code, Some(0), "{told}");
    let (code, told) = run(&["check", out.join("risk-areas.geojson").to_str().unwrap()]).await;
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("the files say what is in the store"), "{told}");
}

/// A case that `zhao` handles, with a position given on the way.
async fn handled(hub: &Hub, position: Value) -> Value {
    hub.send(&batch(vec![alert(1, "door-1", Kind::DoorForced)])).await;
    let (duty, sun, zhao) = (hub.sign_in("duty").await, hub.sign_in("sun").await, hub.sign_in("zhao").await);
    let filed = duty.does(1, "file", json!({ "condition": "alarm_stands" })).await;
    if filed["state"] == "filed" {
        sun.does(1, "dispatch", json!({ "unit": UNIT })).await;
    }
    zhao.does(1, "handle", json!({ "position": position })).await
}

async fn roster(hub: &Hub, area: &str, officers: &[&str]) {
    let root = hub.sign_in("root").await;
    let roster = json!({
        "area": area,
        "shifts": [{
            "name": "all day", "from": "00:00", "until": "00:00", "first_day": "2026-01-01",
            "crews": [{ "officers": officers }],
        }],
    });
    let path = format!("/api/v1/rosters/{area}");
    let (status, told) = put(&root, &path, json!({ "version": 0, "roster": roster })).await;
    assert_eq!(status, StatusCode::OK, "{told}");
}

#[tokio::test]
async fn workers_on_duty_are_where_they_said_else_in_the_middle_of_their_grid() {
    let hub = Hub::start().await;
    give_area(&hub, "zhou", GRID).await;
    handled(&hub, json!({ "lat": 23.02, "lon": 113.152, "accuracy_m": 9 })).await;
    let duty = hub.sign_in("duty").await;
    let workers = async |officer: &Officer| officer.get("/api/v1/map/workers").await;
    // Nobody is shown who is not on duty, whatever they reported.
    assert_eq!(workers(&duty).await, json!({ "items": [], "total": 0 }));
    roster(&hub, COMMUNITY, &["zhao", "zhou", "sun"]).await;
    let found = workers(&duty).await;
    assert_eq!(found["total"], 2, "who sits in the office is no worker: {found}");
    let [zhao, zhou] = found["items"].as_array().unwrap().as_slice() else {
        panic!("not two: {found}");
    };
    assert_eq!((&zhao["username"], &zhao["area"]), (&json!("zhao"), &json!(COMMUNITY)));
    assert_eq!((&zhao["place"]["lat"], &zhao["place"]["accuracy_m"]), (&json!(23.02), &json!(9)));
    assert!(zhao["place"]["reported_at"].is_string(), "{zhao}");
    assert_eq!((&zhao["tasks"][0]["case"], &zhao["tasks_total"]), (&json!(1), &json!(1)));
    assert_eq!((&zhou["area"], &zhou["place"]["reported_at"]), (&json!(GRID), &Value::Null));
    let (lat, lon) = (zhou["place"]["lat"].as_f64().unwrap(), zhou["place"]["lon"].as_f64().unwrap());
    assert!((23.019..23.0222).contains(&lat) && (113.1495..113.1535).contains(&lon), "{zhou}");
    // A place that was reported before the shift began is not shown.
    let mut store = around(&hub.store).await;
    sqlx::query("UPDATE worker_positions SET at = at - 90000000").execute(&mut store).await.unwrap();
    let found = workers(&duty).await;
    assert_eq!(found["items"][0]["place"], Value::Null, "its community is not drawn: {found}");
    // Elsewhere nobody is seen, and who sends nobody is told so.
    give_area(&hub, "li", "990101001001002").await;
    assert_eq!(workers(&hub.sign_in("li").await).await["total"], 0);
    let zhao = hub.sign_in("zhao").await;
    let refused = zhao.request(Method::GET, "/api/v1/map/workers").send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn only_the_last_position_is_kept_and_none_that_cannot_be() {
    let hub = Hub::start().await;
    let handled = handled(&hub, json!({ "lat": 23.02, "lon": 113.152 })).await;
    let (zhao, duty) = (hub.sign_in("zhao").await, hub.sign_in("duty").await);
    let version = handled["version"].as_i64().unwrap();
    let far = json!({ "position": { "lat": 113.0, "lon": 23.0 } });
    let (status, told) = zhao.act_with(1, "note", version, far, None).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{told}");
    assert!(told["missing"].to_string().contains("not a position on earth"), "{told}");
    let kept = async || -> Vec<(String, f64)> {
        let mut store = around(&hub.store).await;
        let rows = sqlx::query_as("SELECT username, lat FROM worker_positions ORDER BY username");
        rows.fetch_all(&mut store).await.unwrap()
    };
    assert_eq!(kept().await, [("zhao".to_owned(), 23.02)]);
    // Sent late out of a cellar: what was there before stays the newest.
    let late = json!({ "position": { "lat": 23.01, "lon": 113.0, "at": "2026-01-02T00:00:00Z" } });
    zhao.does(1, "note", late).await;
    assert_eq!(kept().await, [("zhao".to_owned(), 23.02)]);
    zhao.does(1, "note", json!({ "position": { "lat": 23.03, "lon": 113.0 } })).await;
    // Whoever sits in the office leaves none.
    duty.does(1, "note", json!({ "position": { "lat": 23.04, "lon": 113.0 } })).await;
    assert_eq!(kept().await, [("zhao".to_owned(), 23.03)]);
}

/// An archive without a tile worth looking at, whose header is right.
fn archive() -> Vec<u8> {
    let mut bytes = vec![0; 1000];
    bytes[..8].copy_from_slice(b"PMTiles\x03");
    for (at, value) in [(8, 127_u64), (16, 10), (24, 137), (32, 3), (40, 140), (56, 140), (64, 860)] {
        bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
    }
    bytes[97..102].copy_from_slice(&[2, 2, 1, 0, 14]);
    bytes
}

#[tokio::test]
async fn streets_are_served_in_parts_to_who_is_signed_in() {
    let hub = Hub::start_with(|config| {
        let path = config.data_dir.parent().unwrap().join("city.pmtiles");
        std::fs::write(&path, archive()).unwrap();
        config.map.tiles = path;
    })
    .await;
    let path = "/api/v1/map/tiles.pmtiles";
    let stranger = hub.client.get(hub.url(path)).header("range", "bytes=0-6").send().await.unwrap();
    assert_eq!(stranger.status(), StatusCode::UNAUTHORIZED);
    let zhao = hub.sign_in("zhao").await;
    assert_eq!(zhao.get("/api/v1/map").await["tiles"]["kind"], "mvt");
    let ask = async |range: &str| -> Response {
        let request = zhao.request(Method::GET, path).header("range", range);
        request.send().await.unwrap()
    };
    let part = ask("bytes=0-6").await;
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.headers()["content-range"], "bytes 0-6/1000");
    let etag = part.headers()["etag"].clone();
    assert_eq!(part.bytes().await.unwrap(), "PMTiles");
    let rest = ask("bytes=990-20000").await;
    assert_eq!((&rest.headers()["content-range"], &rest.headers()["etag"]), (&"bytes 990-999/1000".parse().unwrap(), &etag));
    for range in ["bytes=1000-1001", "bytes=-5", "lines=1-2"] {
        let refused = ask(range).await;
        assert_eq!(refused.status(), StatusCode::RANGE_NOT_SATISFIABLE, "{range}");
        assert_eq!(refused.headers()["content-range"], "bytes */1000");
        let problem: Value = refused.json().await.unwrap();
        assert_eq!(problem["type"], "range-needed");
    }
}

#[tokio::test]
async fn hub_check_tells_a_file_of_streets_that_is_none() {
    let dir = tempfile::TempDir::new().unwrap();
    let text = format!("{PLAIN}[map]\ntiles = \"city.pmtiles\"\n");
    let config = write_files(dir.path(), &text);
    let check = async || {
        let hub = tokio::process::Command::new(env!("CARGO_BIN_EXE_hub"))
            .args(["check", "--config"])
            .arg(&config)
            .output()
            .await
            .unwrap();
        (hub.status.success(), String::from_utf8(hub.stderr).unwrap())
    };
    let (right, told) = check().await;
    assert!(!right && told.contains("`map.tiles`") && told.contains("cannot be read"), "{told}");
    std::fs::write(dir.path().join("city.pmtiles"), "SQLite format 3").unwrap();
    let (right, told) = check().await;
    assert!(!right && told.contains("shorter than a header"), "{told}");
    std::fs::write(dir.path().join("city.pmtiles"), archive()).unwrap();
    let (right, told) = check().await;
    assert!(right, "{told}");
}
