//! What a restore on either side, and events that were let go, are made good by.

use super::*;

#[tokio::test]
async fn parent_restored_from_an_old_backup_is_told_what_it_lacks() {
    let (parent, key, port) = new_parent().await;
    let child = child_of(port, &key, None, "").await;
    child.send(&batch(doors(1..=5))).await;
    agree(&child, &parent).await;
    let (above, _) = hub::store::open(&parent.store).await.unwrap();
    let kept = TempDir::new().unwrap();
    let old = backup::write(&above, &kept.path().join("b"), hub::now()).await.unwrap().path;
    child.send(&batch(doors(6..=9))).await;
    let duty = child.sign_in("duty").await;
    duty.does(2, "acknowledge", json!({})).await;
    agree(&child, &parent).await;
    let dir = parent.stop().await.unwrap();
    let into = match super::super::STORE {
        crate::Kind::Sqlite => StoreUrl::Sqlite(kept.path().join("new.db")),
        crate::Kind::Postgres => StoreUrl::Postgres(new_store()),
    };
    backup::restore(&old, &into, hub::now()).await.unwrap();
    let parent = parent_on(port, TempDir::new().unwrap(), &into).await;
    drop(dir);
    assert_eq!(agree(&child, &parent).await.len(), 9);
}

#[tokio::test]
async fn child_restored_from_an_old_backup_tells_everything_anew_and_what_it_lost_is_marked() {
    let (parent, key, port) = new_parent().await;
    let child = child_of(port, &key, None, "").await;
    child.send(&batch(doors(1..=5))).await;
    agree(&child, &parent).await;
    let (below, _) = hub::store::open(&child.store).await.unwrap();
    let kept = TempDir::new().unwrap();
    let old = backup::write(&below, &kept.path().join("b"), hub::now()).await.unwrap().path;
    drop(below);
    child.send(&batch(doors(6..=8))).await;
    child.sign_in("duty").await.does(1, "reject", json!({ "condition": "false_alarm" })).await;
    agree(&child, &parent).await;
    let gateway_key = child.key.clone();
    child.stop().await.unwrap();
    let into = StoreUrl::Sqlite(kept.path().join("new.db"));
    backup::restore(&old, &into, hub::now()).await.unwrap();
    let child = child_of(port, &key, Some((gateway_key, into)), "").await;
    // Another case takes the number of one that was lost.
    child.send(&batch(doors(20..=20))).await;
    assert_eq!(agree(&child, &parent).await.len(), 6);
    let li = parent.sign_in("li").await;
    let lost = li.get("/api/v1/children/cases?state=ended").await;
    let lost = lost["items"].as_array().unwrap();
    assert_eq!(lost.len(), 3, "cases 6 to 8 of the first life");
    assert!(lost.iter().all(|row| row["lost_at"].is_string() && row["case"]["case_epoch"] == 1));
    let open = li.get("/api/v1/children/cases").await;
    let one = open["items"].as_array().unwrap();
    let newest = one.iter().find(|row| row["case"]["case"] == 6).unwrap();
    assert_eq!(newest["case"]["case_epoch"], 2);
    let states: Vec<&Value> = one.iter().map(|row| &row["case"]["state"]).collect();
    assert!(states.iter().all(|state| **state == "reported"), "{states:?}");
}

#[tokio::test]
async fn events_that_were_let_go_are_replaced_by_the_present_state() {
    let (parent, key, port) = new_parent().await;
    let child = child_of(port, &key, None, "").await;
    child.send(&batch(doors(1..=4))).await;
    agree(&child, &parent).await;
    let parent_store = parent.store.clone();
    let dir = parent.stop().await.unwrap();
    child.send(&batch(doors(5..=7))).await;
    child.sign_in("duty").await.does(1, "reject", json!({ "condition": "false_alarm" })).await;
    // Days later.
    let mut hand = around(&child.store).await;
    sqlx::query("DELETE FROM events").execute(&mut hand).await.unwrap();
    let parent = parent_on(port, dir, &parent_store).await;
    assert_eq!(agree(&child, &parent).await.len(), 7);
}
