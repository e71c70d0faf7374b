//! That PostgreSQL finds pages, the map and reports by indexes: by its own count of scans of whole tables.

use hub::access::Scope;
use hub::store::cases::{Drills, Filter, Which};
use hub::store::reports::{By, CaseGroup};
use sqlx::{AnyConnection, Row};

use super::harness::{Hub, alert, around, batch, eventually};

/// So many cases that going through all of them never looks cheaper than an index.
const CASES: i64 = 40_000;

/// Scans of whole tables and by indexes so far, of cases and their figures.
async fn scans(store: &mut AnyConnection) -> (i64, i64) {
    let question = "SELECT CAST(SUM(seq_scan) AS BIGINT), CAST(SUM(idx_scan) AS BIGINT) FROM pg_stat_user_tables WHERE relname IN ('cases', 'case_figures')";
    let row = sqlx::query(question).fetch_one(store).await.unwrap();
    (row.get(0), row.get(1))
}

#[tokio::test]
async fn pages_map_and_reports_never_go_through_all_cases() {
    let hub = Hub::start().await;
    hub.send(&batch(vec![alert(
        1,
        "door-1",
        gridwatch_protocol::Kind::DoorForced,
    )]))
    .await;
    let url = hub.store.clone();
    let dir = hub.stop().await.unwrap();
    let mut raw = around(&url).await;
    let path = "'/990100/' || (990101 + n % 5) || '/s' || (n % 50) || '/c' || (n % 200) || '/g' || (n % 1000) || '/'";
    let cases = format!(
        "INSERT INTO cases (id, number, version, state, is_open, severity, category, site, is_drill, opened_at, ended_at, search, body, area_path) SELECT n, 'n-' || n, 1, 'reported', CASE WHEN n / 1000 % 10 = 0 THEN 1 ELSE 0 END, 1 + n % 4, c.category, 'site-' || (n % 1000), 0, c.opened_at - n * 60000, CASE WHEN n / 1000 % 10 = 0 THEN NULL ELSE c.opened_at - n * 60000 + 1000 END, c.search, c.body, {path} FROM generate_series(CAST(2 AS BIGINT), {CASES}) AS n, cases AS c WHERE c.id = 1"
    );
    let figures = "INSERT INTO case_figures (id, opened_at, area_path, category, severity, is_drill) SELECT id, opened_at, area_path, category, severity, is_drill FROM cases WHERE id > 1";
    for statement in [
        cases.as_str(),
        figures,
        "VACUUM ANALYZE cases",
        "VACUUM ANALYZE case_figures",
    ] {
        sqlx::query(sqlx::AssertSqlSafe(statement.to_owned()))
            .execute(&mut raw)
            .await
            .unwrap();
    }
    let (store, writer) = hub::store::open(&url).await.unwrap();
    drop(writer);
    let text = |level: &str, code: &str, parent: &str| {
        let parent = if parent.is_empty() {
            String::new()
        } else {
            format!("parent = \"{parent}\"\n")
        };
        format!(
            "[[area]]\ncode = \"{code}\"\n{parent}level = \"{level}\"\nname = {{ zh = \"a\", en = \"a\" }}\n"
        )
    };
    let areas = [
        text("city", "990100", ""),
        text("district", "990102", "990100"),
        text("street", "s1", "990102"),
        text("community", "c1", "s1"),
        text("grid", "g1", "c1"),
    ];
    let directory = hub::directory::Directory::parse(&areas.concat(), "").unwrap();
    let before = eventually("the work so far is counted", async || {
        let mut own = around(&url).await;
        let (one, _) = scans(&mut own).await;
        tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
        let (other, found) = scans(&mut own).await;
        (one == other).then_some((other, found))
    })
    .await;
    let now = hub::now();
    for scope in ["990102", "s1", "c1", "g1"].map(|area| Scope::subtree(area, &directory)) {
        for which in [Which::Open, Which::Ended] {
            let filter = Filter {
                which,
                drills: Drills::Without,
                limit: 50,
                ..Filter::default()
            };
            assert!(!store.list_cases(&filter, &scope).await.unwrap().is_empty());
        }
        assert!(!store.open_cases_by_place(&scope).await.unwrap().is_empty());
        let group = CaseGroup {
            from: now.plus_ms(-86_400_000),
            until: now,
            now,
            scope: &scope,
            unit: None,
            category: None,
        };
        store.case_sums(group, By::Grid).await.unwrap();
    }
    drop(store);
    let after = eventually("the pages are counted", async || {
        let mut own = around(&url).await;
        let (all, found) = scans(&mut own).await;
        (found > before.1).then_some((all, found))
    })
    .await;
    assert_eq!(after.0, before.0, "tables were gone through as a whole");
    drop(dir);
}
