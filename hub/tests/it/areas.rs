//! Officers of one area see what lies there, and nothing else: in lists, by number, in actions, in counts and
//! in the live feed.

use gridwatch_protocol::{Alert, Kind, SiteId};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::live::Feed;
use super::harness::{Hub, alert, around, batch, eventually};

fn at_site(n: u64, site: &str) -> Alert {
    let mut alert = alert(n, &format!("smoke-{n}"), Kind::Smoke);
    alert.site = SiteId::new(site).unwrap();
    alert
}

/// A hub with a case in grid 1, one in grid 2 and one nobody knows where; `duty` works for grid 2.
async fn hub() -> Hub {
    let hub = Hub::start().await;
    for (n, site) in (1..).zip(["xinghe-garden", "xinghe-market", "nowhere"]) {
        hub.send(&batch(vec![at_site(n, site)])).await;
    }
    let mut store = around(&hub.store).await;
    sqlx::query("UPDATE users SET area = '990101001001002' WHERE name = 'duty'")
        .execute(&mut store)
        .await
        .unwrap();
    hub
}

fn ids(page: &Value) -> Vec<i64> {
    let items = page["items"].as_array().unwrap();
    items.iter().map(|c| c["id"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn lists_and_counts_hold_only_the_own_area() {
    let hub = hub().await;
    let leader = hub.sign_in("root").await;
    assert_eq!(ids(&leader.get("/api/v1/cases").await), [1, 2, 3]);
    assert_eq!(leader.get("/api/v1/session").await.get("area"), None);
    let duty = hub.sign_in("duty").await;
    assert_eq!(duty.get("/api/v1/session").await["area"], "990101001001002");
    for state in ["open", "all"] {
        let page = duty.get(&format!("/api/v1/cases?state={state}")).await;
        assert_eq!(ids(&page), [2], "{state}");
        assert_eq!(page["total_open"]["P1"], 1);
    }
    let load = duty.get("/api/v1/statistics/load").await;
    assert_eq!(load["officer_last_hour"], 1);
    let sites = duty.get("/api/v1/sites").await;
    assert_eq!(sites["items"].as_array().unwrap().len(), 1);
    assert_eq!(sites["items"][0]["id"], "xinghe-market");
    // The ways down to the own grid are shown, the grid beside it is not.
    let areas = duty.get("/api/v1/areas").await;
    assert_eq!(areas["items"].as_array().unwrap().len(), 5);
    assert_eq!(duty.get("/api/v1/gateways").await["items"], serde_json::json!([]));
}

#[tokio::test]
async fn case_of_another_area_is_not_there_to_be_read_or_acted_on() {
    let hub = hub().await;
    let duty = hub.sign_in("duty").await;
    for path in ["cases/1", "cases/3", "cases/1/clocks", "cases/1/series", "gateways/gw-1/devices"] {
        let path = format!("/api/v1/{path}");
        let response = duty.request(Method::GET, &path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
    }
    let (status, problem) = duty.act(1, "acknowledge", 1).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{problem}");
    let (status, _) = duty.act(2, "acknowledge", 1).await;
    assert_eq!(status, StatusCode::OK);
    let leader = hub.sign_in("root").await;
    assert_eq!(leader.get("/api/v1/cases/1").await["state"], "reported");
}

#[tokio::test]
async fn live_feed_tells_only_of_the_own_area() {
    let hub = hub().await;
    let duty = hub.sign_in("duty").await;
    let mut feed = Feed::open(&duty, "?after=0", None).await;
    for (n, site) in [(4, "xinghe-garden"), (5, "xinghe-market")] {
        let mut alert = at_site(n, site);
        alert.place.building = Some("B2".to_owned());
        hub.send(&batch(vec![alert])).await;
    }
    let mut seen = Vec::new();
    while seen.last() != Some(&5) {
        let message = feed.next().await.expect("the feed goes on");
        if message.event == "case" {
            seen.push(message.data["case"]["id"].as_i64().unwrap());
        }
    }
    assert_eq!(seen, [2, 5]);
}

#[tokio::test]
async fn hub_that_restarts_with_other_sites_moves_their_cases() {
    let hub = hub().await;
    let store = hub.store.clone();
    let mut line = around(&store).await;
    // As before the site was known.
    sqlx::query("UPDATE cases SET area_path = ''").execute(&mut line).await.unwrap();
    sqlx::query("DELETE FROM site_areas").execute(&mut line).await.unwrap();
    drop(line);
    let key = hub.key.clone();
    let dir = hub.stop().await.unwrap();
    let hub = super::harness::hub_on(&store, key).await;
    let duty = hub.sign_in("duty").await;
    let found = eventually("the case of the own area", || async {
        let found = ids(&duty.get("/api/v1/cases").await);
        (!found.is_empty()).then_some(found)
    });
    assert_eq!(found.await, [2]);
    drop(dir);
}
