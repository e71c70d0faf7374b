//! Letting go of old rows, and of nothing else.

use gridwatch_protocol::Kind;
use serde_json::json;
use sqlx::{AnyConnection, AssertSqlSafe, Executor, Row};

use super::harness::{Hub, alert, around, batch, eventually, hub_on};
use super::live::Feed;

async fn count(hand: &mut AnyConnection, rows: &str) -> i64 {
    let statement = AssertSqlSafe(format!("SELECT COUNT(*) FROM {rows}"));
    hand.fetch_one(statement).await.unwrap().get(0)
}

#[tokio::test]
async fn old_events_and_messages_go_and_cases_histories_and_audit_stay() {
    let hub = Hub::start().await;
    let doors = (1..=3).map(|n| alert(n, &format!("door-{n}"), Kind::DoorForced));
    let mut sent = serde_json::to_value(batch(doors.collect())).unwrap();
    let mut unreadable = sent["alerts"][0].clone();
    unreadable["severity"] = json!("P9");
    unreadable["sequence"] = json!(4);
    sent["alerts"].as_array_mut().unwrap().push(unreadable);
    hub.post_gateway("/v1/batches", sent.to_string().into_bytes())
        .await;
    let li = hub.sign_in("li").await;
    let mut version = 1;
    for action in ["acknowledge", "reject"] {
        let (status, case) = li.act(1, action, version).await;
        assert_eq!(status, 200, "{case}");
        version = case["version"].as_i64().unwrap();
    }
    let (store, key) = (hub.store.clone(), hub.key.clone());
    let _dir = hub.stop().await.unwrap();

    let mut hand = around(&store).await;
    let kept = ["cases", "alerts", "transitions", "audit"];
    let mut before = Vec::new();
    for table in kept {
        before.push(count(&mut hand, table).await);
    }
    assert_eq!(count(&mut hand, "refused_messages").await, 1);
    // Everything but the last event becomes old, and so does the end of the first case.
    for statement in [
        "UPDATE events SET at = 1 WHERE seq < (SELECT MAX(seq) FROM events)",
        "UPDATE refused_messages SET arrived_at = 1",
        "UPDATE alert_messages SET arrived_at = 1",
        "UPDATE cases SET ended_at = 1 WHERE id = 1",
    ] {
        hand.execute(statement).await.unwrap();
    }
    let hub = hub_on(&store, key).await;
    eventually("old rows are gone", || async {
        let mut hand = around(&store).await;
        let left = (
            count(&mut hand, "events").await,
            count(&mut hand, "refused_messages").await,
            count(&mut hand, "alert_messages").await,
        );
        (left == (1, 0, 2)).then_some(())
    })
    .await;
    assert_eq!(
        count(&mut hand, "alert_messages m JOIN alerts a ON a.id = m.alert_id WHERE a.case_id = 1").await,
        0,
        "messages of open cases stay"
    );
    for (table, rows) in kept.into_iter().zip(before) {
        assert_eq!(count(&mut hand, table).await, rows, "{table}");
    }
    let li = hub.sign_in("li").await;
    let mut feed = Feed::open(&li, "?after=0", None).await;
    assert_eq!(feed.next().await.unwrap().event, "hello");
    assert_eq!(feed.next().await.unwrap().event, "resync");
    hand.execute("DELETE FROM events").await.unwrap();
    let mut feed = Feed::open(&li, "?after=1", None).await;
    assert_eq!(feed.next().await.unwrap().event, "hello");
    assert_eq!(feed.next().await.unwrap().event, "resync", "even with no event left");
}
