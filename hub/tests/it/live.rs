//! The live feed.

use std::time::Duration;

use gridwatch_protocol::{Kind, Phase};
use rand::Rng;
use rand::SeedableRng;
use rand::rngs::StdRng;
use reqwest::Method;
use serde_json::Value;
use tokio::io::AsyncWriteExt;

use super::harness::{Hub, Officer, alert, batch, eventually};

/// An open live feed.
pub(crate) struct Feed {
    response: reqwest::Response,
    bytes: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) event: String,
    pub(crate) id: Option<i64>,
    pub(crate) data: Value,
}

impl Feed {
    pub(crate) async fn open(officer: &Officer, query: &str, last_event_id: Option<i64>) -> Feed {
        let mut request = officer.request(Method::GET, &format!("/api/v1/events{query}"));
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id.to_string());
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        Feed {
            response,
            bytes: Vec::new(),
        }
    }

    /// The next message; `None` when the feed has ended.
    pub(crate) async fn next(&mut self) -> Option<Message> {
        loop {
            // A chunk may end within a character; a message does not.
            if let Some(end) = self.bytes.windows(2).position(|pair| pair == b"\n\n") {
                let block = self.bytes.drain(..end + 2).collect();
                let block = String::from_utf8(block).unwrap();
                if let Some(message) = message(&block) {
                    return Some(message);
                }
                continue;
            }
            let chunk = tokio::time::timeout(Duration::from_secs(20), self.response.chunk());
            match chunk.await.expect("something within 20 s") {
                Ok(Some(bytes)) => self.bytes.extend_from_slice(&bytes),
                Ok(None) | Err(_) => return None,
            }
        }
    }
}

fn message(block: &str) -> Option<Message> {
    let field = |name: &str| {
        block
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    };
    Some(Message {
        event: field("event")?.to_owned(),
        id: field("id").map(|id| id.parse().unwrap()),
        data: serde_json::from_str(field("data")?).unwrap(),
    })
}

#[tokio::test]
async fn alert_reaches_an_open_feed_and_says_hello_first() {
    let hub = Hub::start().await;
    let duty = hub.sign_in("duty").await;
    hub.send(&batch(vec![alert(1, "old-door", Kind::DoorForced)]))
        .await;
    let mut feed = Feed::open(&duty, "", None).await;
    let hello = feed.next().await.unwrap();
    assert_eq!((hello.event.as_str(), hello.id), ("hello", Some(1)));
    hub.send(&batch(vec![alert(2, "kitchen", Kind::Smoke)]))
        .await;
    let opened = feed.next().await.unwrap();
    assert_eq!(
        (opened.event.as_str(), opened.id),
        ("case", Some(2)),
        "the present, not the past"
    );
    assert_eq!(opened.data["change"], "opened");
    assert_eq!(opened.data["case"]["severity"], "P1");
    duty.act(2, "acknowledge", 1).await;
    let taken = feed.next().await.unwrap();
    assert_eq!(taken.data["change"], "acknowledged");
    assert_eq!(taken.data["case"]["acknowledged_by"], "duty");
}

#[tokio::test]
async fn reader_that_is_cut_at_random_loses_nothing_and_sees_nothing_twice() {
    const ALERTS: u64 = 300;
    let seed = rand::rng().random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let hub = Hub::start_with(|config| config.correlation.flood_begins_above = 10_000).await;
    let duty = hub.sign_in("duty").await;
    let writing = async {
        for n in 0..ALERTS / 2 {
            let raised = alert(2 * n + 1, &format!("door-{n}"), Kind::DoorForced);
            let mut cleared = raised.clone();
            (cleared.revision, cleared.phase, cleared.sequence) =
                (1, Phase::Cleared, Some(2 * n + 2));
            hub.send(&batch(vec![raised, cleared])).await;
        }
    };
    let reading = async {
        let mut seen: Vec<i64> = Vec::new();
        while seen.len() < usize::try_from(ALERTS).unwrap() {
            let last = seen.last().copied().unwrap_or(0);
            // A browser sends the header; a page that opens the feed anew sends the query.
            let mut feed = if random.random() {
                Feed::open(&duty, "?after=0", Some(last)).await
            } else {
                Feed::open(&duty, &format!("?after={last}"), None).await
            };
            for _ in 0..random.random_range(1..25) {
                let Some(message) = feed.next().await else {
                    break;
                };
                if message.event == "case" {
                    seen.push(message.id.unwrap());
                    assert_eq!(message.data["seq"].as_i64(), message.id);
                }
                if seen.len() == usize::try_from(ALERTS).unwrap() {
                    break;
                }
            }
        }
        seen
    };
    let ((), seen) = tokio::join!(writing, reading);
    let expected: Vec<i64> = (1..=i64::try_from(ALERTS).unwrap()).collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn reader_far_behind_or_from_another_store_is_told_to_load_again() {
    let hub = Hub::start_with(|config| {
        config.limits.live_events_behind_max = 5;
        config.correlation.flood_begins_above = 10_000;
    })
    .await;
    let duty = hub.sign_in("duty").await;
    let doors = (1..=20).map(|n| alert(n, &format!("door-{n}"), Kind::DoorForced));
    hub.send(&batch(doors.collect())).await;
    for after in [0, 1_000_000] {
        let mut feed = Feed::open(&duty, &format!("?after={after}"), None).await;
        assert_eq!(feed.next().await.unwrap().event, "hello");
        let resync = feed.next().await.unwrap();
        assert_eq!((resync.event.as_str(), resync.id), ("resync", Some(20)));
        assert_eq!(resync.data["after"], 20);
    }
}

#[tokio::test]
async fn feed_ends_when_its_session_does() {
    let hub = Hub::start().await;
    let duty = hub.sign_in("duty").await;
    let mut feed = Feed::open(&duty, "", None).await;
    assert_eq!(feed.next().await.unwrap().event, "hello");
    let out = duty
        .request(Method::DELETE, "/api/v1/session")
        .send()
        .await
        .unwrap();
    assert_eq!(out.status(), 204);
    assert!(feed.next().await.is_none(), "the feed has ended");
    let again = duty
        .request(Method::GET, "/api/v1/events")
        .send()
        .await
        .unwrap();
    assert_eq!(again.status(), 401);
}

#[tokio::test]
async fn stopping_the_hub_ends_feeds_and_is_quick() {
    let hub = Hub::start().await;
    let duty = hub.sign_in("duty").await;
    let mut feed = Feed::open(&duty, "", None).await;
    assert_eq!(feed.next().await.unwrap().event, "hello");
    let started = tokio::time::Instant::now();
    let (end, stopped) = tokio::join!(feed.next(), hub.stop());
    assert!(end.is_none());
    stopped.unwrap();
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn reader_that_takes_no_bytes_is_cut_off_while_others_go_on() {
    let hub = Hub::start_with(|config| {
        config.limits.write_timeout_s = 1;
        config.limits.live_events_behind_max = 1_000_000;
    })
    .await;
    let duty = hub.sign_in("duty").await;
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut stuck = socket.connect(hub.address).await.unwrap();
    let request = format!(
        "GET /api/v1/events HTTP/1.1\r\nHost: h\r\nCookie: {}\r\n\r\n",
        duty.cookie
    );
    stuck.write_all(request.as_bytes()).await.unwrap();
    let mut healthy = Feed::open(&duty, "", None).await;
    let open = async |n: &str| {
        let text = hub
            .client
            .get(hub.url("/metrics"))
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        text.lines().any(|line| line == n).then_some(())
    };
    eventually("both feeds are open", || open("gridwatch_hub_live_feeds 2")).await;
    let mut sequence = 0;
    let mut seen = 0;
    for _ in 0..20 {
        let doors = (0..200).map(|_| {
            sequence += 1;
            alert(
                sequence,
                &format!("door-{}", sequence % 50),
                Kind::DoorForced,
            )
        });
        hub.send(&batch(doors.collect())).await;
        while seen < sequence {
            let message = healthy.next().await.expect("the healthy reader goes on");
            seen += u64::from(message.event == "case");
        }
    }
    eventually("the stuck reader is cut", || {
        open("gridwatch_hub_connections_cut_total 1")
    })
    .await;
    eventually("its feed is gone", || open("gridwatch_hub_live_feeds 1")).await;
    drop(stuck);
}
