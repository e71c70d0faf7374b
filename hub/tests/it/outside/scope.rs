//! People report within their own area, and see and join only what lies there; keys too.

use hub::outside::keys::Kind;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::super::harness::Hub;
use super::{by_hand, key, leak, open, post_form, with};

/// `duty` works for grid 2, where the market is.
async fn hub() -> Hub {
    let hub = Hub::start_with(open).await;
    by_hand(
        &hub,
        "UPDATE users SET area = '990101001001002' WHERE name = 'duty'",
    )
    .await;
    hub
}

#[tokio::test]
async fn officer_reports_only_in_the_own_area() {
    let hub = hub().await;
    let (duty, root) = (hub.sign_in("duty").await, hub.sign_in("root").await);
    for place in [
        json!({ "site": "xinghe-garden" }),
        json!({ "site": null, "area": "990101001001001" }),
        json!({ "site": null, "area": "990101" }),
        json!({ "site": null, "position": { "lat": 1.0, "lon": 1.0 } }),
    ] {
        let (status, problem) = duty
            .sends("/api/v1/cases", &with(leak(), place.clone()), None)
            .await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{place}");
        assert_eq!(problem["missing"][0]["code"], "area", "{problem}");
    }
    assert!(root.cases().await.is_empty());
    for place in [
        json!({ "site": "xinghe-market" }),
        json!({ "site": null, "area": "990101001001002" }),
        json!({ "site": null, "position": { "lat": 23.0231, "lon": 113.1547 } }),
    ] {
        let answer = duty.reports(&with(leak(), place)).await;
        assert_eq!(answer["case"]["area_path"][4]["code"], "990101001001002");
    }
    // Nobody knows where it is: kept for those who see everything.
    let nowhere = json!({ "site": null, "position": { "lat": 1.0, "lon": 1.0 } });
    let lost = root.reports(&with(leak(), nowhere)).await;
    assert_eq!(
        (&lost["case"]["area_path"], &lost["case"]["site"]["known"]),
        (&json!([]), &json!(false))
    );
    assert_eq!((duty.cases().await.len(), root.cases().await.len()), (3, 4));
}

#[tokio::test]
async fn cases_of_another_area_are_neither_suggested_nor_joined_nor_revealed() {
    let hub = hub().await;
    let (duty, root) = (hub.sign_in("duty").await, hub.sign_in("root").await);
    let person = json!({ "reporter": { "phone": "13800001234" } });
    let garden = root.reports(&with(leak(), person)).await;
    let id = garden["case"]["id"].as_i64().unwrap();
    let report = garden["report"]["id"].as_str().unwrap();
    // On the border, 100 m from the garden.
    let near = json!({ "site": "xinghe-market", "position": { "lat": 23.0215, "lon": 113.1525 } });
    assert_eq!(
        duty.reports(&with(leak(), near.clone())).await["nearby"],
        json!([])
    );
    assert_eq!(
        root.reports(&with(leak(), near)).await["nearby"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let bodies: [(&str, Value); 3] = [
        ("reports", json!({ "description": "x" })),
        (
            &format!("reports/{report}/reveal"),
            json!({ "reason": "x" }),
        ),
        (&format!("reports/{report}/rating"), json!({ "rating": 5 })),
    ];
    for (path, body) in bodies {
        let (status, _) = duty
            .sends(&format!("/api/v1/cases/{id}/{path}"), &body, None)
            .await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
    let path = format!("/api/v1/cases/{id}/reports");
    let response = duty
        .request(reqwest::Method::GET, &path)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    // A report of another case is not found through a case that is seen.
    let own = duty.cases().await[0]["id"].as_i64().unwrap();
    let path = format!("/api/v1/cases/{own}/reports/{report}/reveal");
    let (status, _) = duty.sends(&path, &json!({ "reason": "x" }), None).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn key_of_an_area_reports_only_there_and_what_lies_nowhere_lies_there() {
    let hub = hub().await;
    let grid = key(
        &hub.store,
        "app",
        Kind::Open311,
        Some("990101001001002"),
        60,
    )
    .await;
    let send = async |more: &[(&str, &str)]| {
        let mut pairs = vec![("api_key", grid.as_str()), ("service_code", "water_leak")];
        pairs.extend(more);
        post_form(&hub, "/open311/v2/requests.json", &pairs)
            .await
            .status()
    };
    assert_eq!(
        send(&[("lat", "23.0208"), ("long", "113.1521")]).await,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        send(&[("address_id", "xinghe-garden")]).await,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        send(&[("address_id", "xinghe-market")]).await,
        StatusCode::OK
    );
    assert_eq!(
        send(&[("address_string", "behind the market")]).await,
        StatusCode::OK
    );
    let duty = hub.sign_in("duty").await;
    assert_eq!(duty.cases().await.len(), 2);
}
