//! The cases that the measurements are taken with are made in SQL: they must be what the engine makes.

use std::sync::Arc;

use gridwatch_protocol::{Kind, SiteId, StreamId};
use hub::access::Scope;
use hub::directory::Directories;
use hub::engine::{EngineSettings, engine};
use hub::parse::{Item, ParsedBatch};
use hub::store::StoreUrl;
use hub::store::cases::{Drills, Filter, Which};
use sqlx::{Column, Row};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::harness::{alert, around};

#[path = "../../examples/store_bench/city.rs"]
mod city;

/// Columns and values of a row as text, without those that differ from case to case.
async fn row(
    store: &mut sqlx::AnyConnection,
    question: &'static str,
    left_out: &[&str],
) -> Vec<(String, String)> {
    let row = sqlx::query(question).fetch_one(store).await.unwrap();
    let named = row.columns().iter().map(|column| column.name().to_owned());
    named
        .filter(|name| !left_out.contains(&name.as_str()))
        .map(|name| {
            let text = row.try_get::<Option<String>, _>(name.as_str());
            let value = match text {
                Ok(text) => format!("{text:?}"),
                Err(_) => format!("{:?}", row.get::<Option<i64>, _>(name.as_str())),
            };
            (name, value)
        })
        .collect()
}

#[tokio::test]
async fn cases_made_in_sql_are_those_that_the_engine_makes() {
    let dir = TempDir::new().unwrap();
    let url = StoreUrl::Sqlite(dir.path().join("hub.db"));
    let (store, mut writer) = hub::store::open(&url).await.unwrap();
    let directory = Arc::new(city::directory().unwrap());
    writer.follow_directory(&directory).await.unwrap();
    let file = |name: &str| {
        let files = hub::config::DEFAULT_FILES;
        files.iter().find(|(known, _)| *known == name).unwrap().1
    };
    let settings = EngineSettings {
        catalogue: Arc::new(hub::catalogue::Catalogue::parse(file("categories.toml")).unwrap()),
        calendar: Arc::new(hub::clocks::Calendar::parse(file("calendar.toml")).unwrap()),
        directory: Arc::clone(&directory),
        fire_group_ms: 600_000,
        utc_offset_minutes: 480,
        correlation: hub::correlation::Settings::default(),
        rosters: hub::roster::known::Cache::default(),
        completion: Arc::default(),
    };
    let directories = Directories::new(Arc::clone(&directory));
    let (engine, task) = engine(writer, settings, directories, 8, Arc::default())
        .await
        .unwrap();
    let stop = CancellationToken::new();
    let running = tokio::spawn(task.run(stop.clone()));
    // Case 1 lies where case 501 will: site 1 of 500.
    let mut door = alert(1, "door-1", Kind::DoorForced);
    door.site = SiteId::new("site-1").unwrap();
    let batch = ParsedBatch {
        gateway: "gw-1".parse().unwrap(),
        stream: StreamId(Uuid::from_u128(1)),
        items: vec![Item::Good(Box::new(door))],
        readings: vec![],
        readings_refused: 0,
        gaps: vec![],
    };
    engine.batch(batch, hub::now()).await.unwrap();
    stop.cancel();
    running.await.unwrap().unwrap();

    let mut raw = around(&url).await;
    city::make_cases(&mut raw, &directory, 501, 1)
        .await
        .unwrap();
    let own = ["id", "number", "severity", "opened_at", "search", "body"];
    let made = row(&mut raw, "SELECT * FROM cases WHERE id = 501", &own).await;
    assert_eq!(
        made,
        row(&mut raw, "SELECT * FROM cases WHERE id = 1", &own).await
    );
    let made = row(&mut raw, "SELECT * FROM case_figures WHERE id = 501", &own).await;
    assert_eq!(
        made,
        row(&mut raw, "SELECT * FROM case_figures WHERE id = 1", &own).await
    );
    let whole = Scope::whole();
    let first = store.case(1, &whole).await.unwrap().unwrap();
    let mut copy = store.case(501, &whole).await.unwrap().unwrap();
    copy.id = 1;
    assert_eq!(copy, first);
    // Every grid has its cases, and they are listed by it.
    let filter = Filter {
        which: Which::Open,
        drills: Drills::Without,
        limit: 10,
        ..Filter::default()
    };
    let grid = Scope::subtree("1-2-1-1-1", &directory);
    let ids: Vec<i64> = store
        .list_cases(&filter, &grid)
        .await
        .unwrap()
        .iter()
        .map(|c| c.id)
        .collect();
    assert_eq!(ids.len(), 2);
    assert!(ids.contains(&1) && ids.contains(&501));
    let places = store.open_cases_by_place(&whole).await.unwrap();
    let grids: std::collections::BTreeSet<&str> =
        places.iter().map(|place| place.area_path.as_str()).collect();
    assert_eq!(grids.len(), city::GRIDS);
}
