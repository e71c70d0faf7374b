//! That pages, the map and reports never go through all cases: by what SQLite says it would do. What
//! PostgreSQL does is counted in the integration tests.

use gridwatch_protocol::{SiteId, Timestamp};
use sqlx::Row;

use super::read::{By, CaseGroup, statement};
use crate::access::Scope;
use crate::cases::Question;
use crate::cases::sample::Shipped;
use crate::store::cases::{Cursor, Drills, Filter, Waiting, Which, page};
use crate::store::database::QueryBuilder;
use crate::store::map::places;
use crate::store::{Store, StoreUrl, open};

fn filter(which: Which, after: Option<Cursor>, site: Option<&str>) -> Filter {
    Filter {
        which,
        drills: Drills::Without,
        site: site.map(|site| SiteId::new(site).expect("a site id")),
        after,
        limit: 50,
        ..Filter::default()
    }
}

/// Every step that goes through a whole table, and the whole plan for people.
async fn scans(store: &Store, query: QueryBuilder) -> (Vec<String>, String) {
    let rows = query
        .explained("EXPLAIN QUERY PLAN ")
        .fetch_all(&store.readers)
        .await;
    let steps: Vec<String> = rows.expect("a plan").iter().map(|row| row.get(3)).collect();
    let plan = steps.join("\n");
    // A walk along an index that was made for the order, with everything in it, ends with the page.
    let bad = |step: &String| {
        let walks = step.starts_with("SCAN ") && !step.starts_with("SCAN found");
        (walks && !step.contains("COVERING INDEX cases_")) || step.contains("AUTOMATIC")
    };
    (steps.into_iter().filter(bad).collect(), plan)
}

#[tokio::test]
async fn no_page_map_or_report_goes_through_all_cases() {
    let dir = tempfile::TempDir::new().expect("a directory");
    let url = StoreUrl::Sqlite(dir.path().join("hub.db"));
    let (store, _writer) = open(&url).await.expect("a store");
    let directory = Shipped::load().directory;
    let scopes = ["990101", "990101001", "990101001001", "990101001001002"];
    let mut scopes: Vec<Scope> = scopes
        .iter()
        .map(|area| Scope::subtree(area, &directory))
        .collect();
    scopes.push(Scope::whole());
    let cursor = Cursor {
        severity: 2,
        at: 1_000,
        id: 7,
    };
    for scope in &scopes {
        let mut queries = vec![("map", places(scope))];
        for after in [None, Some(cursor)] {
            for site in [None, Some("xinghe-garden")] {
                queries.push(("open", page(&filter(Which::Open, after, site), scope)));
                queries.push(("ended", page(&filter(Which::Ended, after, site), scope)));
                // Newest first of everything is a walk down the table itself, from the newest on.
                if scope.is_narrow() {
                    queries.push(("all", page(&filter(Which::All, after, site), scope)));
                }
            }
        }
        for by in [By::Nothing, By::Unit, By::Grid, By::Category, By::Officer] {
            let group = CaseGroup {
                from: Timestamp::from_unix_ms(0),
                until: Timestamp::from_unix_ms(1),
                now: Timestamp::from_unix_ms(2),
                scope,
                unit: None,
                category: None,
            };
            queries.push(("report", statement(&group, by)));
        }
        for (name, query) in queries {
            let (bad, plan) = scans(&store, query).await;
            assert!(bad.is_empty(), "{name} of {scope:?}: {bad:#?} in\n{plan}");
        }
    }
}

#[tokio::test]
async fn small_area_is_found_by_its_place_and_pages_are_read_by_number() {
    let dir = tempfile::TempDir::new().expect("a directory");
    let url = StoreUrl::Sqlite(dir.path().join("hub.db"));
    let (store, _writer) = open(&url).await.expect("a store");
    let grid = Scope::subtree("990101001001002", &Shipped::load().directory);
    for (which, index) in [
        (
            Which::Open,
            "USING COVERING INDEX cases_open_by_area (area_path>? AND area_path<?)",
        ),
        (
            Which::Ended,
            "USING COVERING INDEX cases_ended_by_area (area_path>? AND area_path<?)",
        ),
    ] {
        let (_, plan) = scans(&store, page(&filter(which, None, None), &grid)).await;
        assert!(plan.contains(index), "{plan}");
        assert!(
            plan.contains("SEARCH cases USING INTEGER PRIMARY KEY (rowid=?)"),
            "{plan}"
        );
    }
    let (_, plan) = scans(&store, places(&grid)).await;
    assert!(
        plan.contains("COVERING INDEX cases_open_by_place (area_path>? AND area_path<?)"),
        "{plan}"
    );
    for scope in [
        Scope::whole(),
        Scope::subtree("990101", &Shipped::load().directory),
    ] {
        let (_, plan) = scans(&store, places(&scope)).await;
        assert!(
            plan.contains("COVERING INDEX cases_open_by_place"),
            "{plan}"
        );
        assert!(!plan.contains("TEMP B-TREE"), "{plan}");
    }
}

#[tokio::test]
async fn what_waits_for_a_decision_is_found_without_reading_other_cases() {
    let dir = tempfile::TempDir::new().expect("a directory");
    let url = StoreUrl::Sqlite(dir.path().join("hub.db"));
    let (store, _writer) = open(&url).await.expect("a store");
    let questions = Question::ALL.map(Waiting::For);
    for waits_for in questions.into_iter().chain([Waiting::Any]) {
        for which in [Which::Open, Which::Ended, Which::All] {
            let filter = Filter {
                waits_for: Some(waits_for),
                ..filter(which, None, None)
            };
            let (_, plan) = scans(&store, page(&filter, &Scope::whole())).await;
            let index = "SEARCH cases USING INDEX cases_waiting (waits_for=?";
            assert!(plan.contains(index), "{waits_for:?} {which:?}: {plan}");
        }
    }
}
