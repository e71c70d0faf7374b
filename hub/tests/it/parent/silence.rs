//! A child hub that is silent is a case at its parent, once, until it is heard again.

use hub::parent::children::rows::ChildRow;

use super::*;
use crate::Kind as StoreKind;

/// A parent that takes a child for silent after a second.
async fn quick_parent() -> (Hub, String) {
    let hub = Hub::start_with(|config| config.children.silent_after_s = 1).await;
    let key = add_child(&hub.store).await;
    (hub, key)
}

async fn beat(parent: &Hub, key: &str) -> StatusCode {
    let body = json!({
        "version": 1, "hub": CHILD, "at": hub::now(), "hub_version": "1", "epochs": [{ "epoch": 1, "cases": 0 }],
        "newest": 0, "public_key": "", "heads": [], "results": [], "wait_s": 0,
    });
    let request = parent.client.post(parent.url("/v1/children/heartbeats"));
    let response = request.bearer_auth(key).json(&body).send().await.unwrap();
    let status = response.status();
    assert!(status != StatusCode::BAD_REQUEST, "{}", response.text().await.unwrap());
    status
}

fn cleared(case: &Value) -> usize {
    let rows = case["transitions"].as_array().unwrap();
    rows.iter().filter(|row| row["action"] == "clear").count()
}

#[tokio::test]
async fn silent_child_is_one_case_of_its_area_that_its_return_annotates_and_does_not_close() {
    let (parent, key) = quick_parent().await;
    // Several hub processes on one database tell it once.
    let second = match super::super::STORE {
        StoreKind::Sqlite => None,
        StoreKind::Postgres => {
            let quick = |config: &mut hub::config::Config| config.children.silent_after_s = 1;
            Some(super::super::harness::run_on(&parent.store, parent.key.clone(), quick).await)
        }
    };
    let (_, mut writer) = hub::store::open(&parent.store).await.unwrap();
    let never = ChildRow {
        id: "xihu".parse().unwrap(),
        name: "西湖区".into(),
        area: "990101".into(),
        area_path: "/990100/990101/".into(),
        key_hash: "never heard".into(),
        added_at: hub::now(),
        revoked_at: None,
    };
    writer.add_child_hub(&never).await.unwrap();
    assert_eq!(beat(&parent, &key).await, StatusCode::OK);
    let duty = parent.sign_in("duty").await;
    let case = eventually("a case of the silent child", || async {
        duty.cases().await.into_iter().next()
    })
    .await;
    assert_eq!(
        (&case["category"], &case["severity"], &case["state"]),
        (&json!("child_hub_silent"), &json!("P2"), &json!("reported"))
    );
    assert_eq!(case["area_path"].as_array().unwrap().last().unwrap()["code"], "990101");
    let li = parent.sign_in("li").await;
    let listed = li.get("/api/v1/children").await;
    assert_eq!(listed["items"][0]["state"], "silent");
    assert_eq!(listed["items"][1]["state"], "never_heard");
    // Who works for a part of the area is not who is called for all of it.
    let mut hand = around(&parent.store).await;
    sqlx::query("UPDATE users SET area = '990101001001002' WHERE name = 'chen'")
        .execute(&mut hand)
        .await
        .unwrap();
    assert_eq!(parent.sign_in("chen").await.cases().await, Vec::<Value>::new());

    assert_eq!(beat(&parent, &key).await, StatusCode::OK);
    let id = case["id"].as_i64().unwrap();
    let path = format!("/api/v1/cases/{id}");
    let back = duty.get(&path).await;
    assert_eq!((&back["state"], cleared(&back)), (&json!("reported"), 1));
    let again = eventually("silent again, in the same case", || async {
        let case = duty.get(&path).await;
        (case["alert_count"] == 2).then_some(case)
    })
    .await;
    assert_eq!((&again["alerts_active"], cleared(&again)), (&json!(1), 1));

    assert!(writer.revoke_child_hub(&CHILD.parse().unwrap(), hub::now()).await.unwrap());
    eventually("a child that was revoked is missed no longer", || async {
        let case = duty.get(&path).await;
        (case["alerts_active"] == 0 && cleared(&case) == 2).then_some(())
    })
    .await;
    let cases = duty.cases().await;
    assert_eq!(cases.len(), 1, "{cases:?}");
    drop(second);
}
