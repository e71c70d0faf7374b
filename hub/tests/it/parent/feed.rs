//! The live feed of a parent tells of its children, to everybody what they see; and what is asked of a child is
//! waiting, delivered, answered.

use gridwatch_protocol::{CommandOutcome, CommandResult, UpwardHeartbeat, UpwardMark, WIRE_VERSION};

use super::super::live::{Feed, Message};
use super::*;

/// The next event about a child; nothing when none comes within this time.
async fn next(feed: &mut Feed, within: Duration) -> Option<Message> {
    let read = async {
        loop {
            let message = feed.next().await.expect("the feed goes on");
            if message.event == "child" {
                return message;
            }
        }
    };
    tokio::time::timeout(within, read).await.ok()
}

async fn told(feed: &mut Feed, change: &str) -> Message {
    loop {
        let message = next(feed, Duration::from_secs(30)).await.expect("an event about the child");
        if message.data["change"] == change {
            return message;
        }
    }
}

#[tokio::test]
async fn feed_of_the_parent_tells_everybody_of_the_children_what_they_see() {
    let (parent, key, port) = new_parent().await;
    let mut hand = around(&parent.store).await;
    for statement in [
        "UPDATE users SET area = '990101001001002' WHERE name = 'chen'",
        "UPDATE users SET unit = 'binhai-gas' WHERE name = 'qian'",
    ] {
        sqlx::query(statement).execute(&mut hand).await.unwrap();
    }
    let li = parent.sign_in("li").await;
    let mut feed = Feed::open(&li, "", None).await;
    let child = child_of(port, &key, None, "").await;
    told(&mut feed, "heard").await;
    child.send(&batch(doors(1..=1))).await;
    let event = told(&mut feed, "case").await;
    assert_eq!((&event.data["hub"], &event.data["case_epoch"], &event.data["case"]), (&json!(CHILD), &json!(1), &json!(1)));
    assert_eq!(event.data["seq"].as_i64(), event.id);
    // Many at once are one event of the hub.
    child.send(&batch(doors(2..=41))).await;
    let mut seen = 0;
    loop {
        seen += 1;
        let event = told(&mut feed, "case").await;
        if event.data.get("case").is_none() {
            break;
        }
    }
    assert!(seen <= 21, "{seen} events");
    agree(&child, &parent).await;
    let mut far = alert(42, "kitchen", Kind::Smoke);
    far.site = gridwatch_protocol::SiteId::new("xinghe-market").unwrap();
    child.send(&batch(vec![far])).await;
    agree(&child, &parent).await;
    let market = told(&mut feed, "case").await;
    assert_eq!(market.data["case"], 42);
    let newest = market.id.unwrap();

    // From the beginning: an officer of the market hears of its case alone, a unit that is not called of nothing.
    let mut grid = Feed::open(&parent.sign_in("chen").await, "?after=0", None).await;
    let first = next(&mut grid, Duration::from_secs(30)).await.expect("the market's case");
    assert_eq!((first.data["case"].as_i64(), first.id), (Some(42), Some(newest)));
    let mut unit = Feed::open(&parent.sign_in("qian").await, "?after=0", None).await;
    assert!(next(&mut unit, Duration::from_secs(1)).await.is_none());
    let calls = child.sign_in("duty").await;
    calls.does(42, "call_up", json!({ "unit": "binhai-gas" })).await;
    let called = next(&mut unit, Duration::from_secs(30)).await.expect("the call");
    assert_eq!(called.data["case"], 42);
}

#[tokio::test]
async fn command_is_waiting_then_delivered_then_answered_and_the_feed_tells_of_each() {
    let (parent, key, port) = new_parent().await;
    let child = child_of(port, &key, None, "").await;
    child.send(&batch(doors(1..=1))).await;
    agree(&child, &parent).await;
    // From here on the child's line is in the hands of this test.
    let dir = child.stop().await.unwrap();
    let public_key = hub::store::seal::public_key(&dir.path().join("data")).unwrap();
    let li = parent.sign_in("li").await;
    let mut feed = Feed::open(&li, "", None).await;
    let (status, asked) = ask(&li, 1, &json!({ "action": "comment", "reason": "look" })).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    assert!(asked.get("delivered_at").is_none(), "{asked}");
    assert_eq!(told(&mut feed, "command").await.data["case"], 1);
    let path = format!("/api/v1/children/{CHILD}/cases/1/1");
    let command = async || li.get(&path).await["commands"][0].clone();
    assert!(command().await.get("delivered_at").is_none());

    let heartbeat = |results| UpwardHeartbeat {
        version: WIRE_VERSION,
        hub: CHILD.parse().unwrap(),
        at: hub::now(),
        hub_version: "0.1.0".into(),
        epochs: vec![gridwatch_protocol::EpochStart { epoch: 1, cases: 0 }],
        newest: 1,
        settled: None::<UpwardMark>,
        public_key: public_key.clone(),
        heads: Vec::new(),
        results,
        wait_s: 0,
    };
    let beat = async |results| {
        let request = parent.client.post(parent.url("/v1/children/heartbeats")).bearer_auth(&key);
        let response = request.json(&heartbeat(results)).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        response.json::<Value>().await.unwrap()
    };
    let given = beat(Vec::new()).await;
    assert_eq!(given["commands"].as_array().unwrap().len(), 1, "{given}");
    assert_eq!(told(&mut feed, "command").await.data["case"], 1);
    let delivered = command().await;
    assert!(delivered["delivered_at"].is_string() && delivered.get("result").is_none(), "{delivered}");

    // Until it is answered it is given again; when it was first delivered stays.
    let again = beat(Vec::new()).await;
    assert_eq!(again["commands"], given["commands"]);
    assert_eq!(command().await["delivered_at"], delivered["delivered_at"]);
    let result = CommandResult {
        id: serde_json::from_value(asked["id"].clone()).unwrap(),
        at: hub::now(),
        outcome: CommandOutcome::Done { seq: 2 },
    };
    beat(vec![result]).await;
    assert_eq!(told(&mut feed, "command").await.data["case"], 1);
    let answered = command().await;
    assert_eq!(answered["result"]["outcome"], "done", "{answered}");
    assert_eq!(answered["delivered_at"], delivered["delivered_at"]);
}
