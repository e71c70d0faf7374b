//! Live feeds: what lies elsewhere is never delivered, also after the officer's area has changed.

use std::time::Duration;

use futures_util::future::join_all;
use gridwatch_protocol::{Alert, Kind};

use super::super::harness::{around, eventually};
use super::super::live::Feed;
use super::world::{Place, Thing, Viewer, World, alert_at, messages, viewers};

/// Another alert at another device of a place: it opens a case of its own.
fn another(place: Place, sequence: u64) -> Alert {
    let mut one = alert_at(place, sequence);
    one.device = format!("{}-door-{sequence}", place.mark()).parse().unwrap();
    one.kind = Kind::DoorForced;
    one
}

#[tokio::test]
async fn feed_delivers_to_everybody_what_they_see_and_nothing_else() {
    let world = World::new().await;
    let last = 7;
    for sequence in 2..=last {
        for place in Place::ALL {
            world.send(place, "/v1/batches", &messages(place, vec![another(place, sequence)])).await;
        }
    }
    let newest = world.root();
    let newest = Feed::open(&newest, "", None).await.next().await.unwrap().id.unwrap();
    let wrong = join_all(viewers().iter().map(|viewer| read(&world, viewer, newest))).await;
    let wrong: Vec<String> = wrong.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Reads a viewer's feed from the beginning to the newest event; tells what is wrong.
async fn read(world: &World, viewer: &Viewer, newest: i64) -> Vec<String> {
    let officer = world.sign_in(viewer);
    let request = officer.request(reqwest::Method::GET, "/api/v1/events?after=0");
    let mut response = request.send().await.unwrap();
    let mut text = String::new();
    // Who sees nothing gets the number with the next sign of life.
    while number(&text) < newest {
        let chunk = tokio::time::timeout(Duration::from_secs(30), response.chunk());
        let chunk = chunk.await.expect("something within 30 s").unwrap();
        text.push_str(&String::from_utf8_lossy(&chunk.expect("the feed goes on")));
    }
    let mut wrong = Vec::new();
    for place in Place::ALL {
        for (event, sees) in [
            ("case", viewer.sees(Thing::Case, place)),
            ("gateway", viewer.sees(Thing::Gateway, place)),
        ] {
            let told = text
                .split("\n\n")
                .filter(|block| block.contains(&format!("event: {event}")))
                .any(|block| world.marks(place).iter().any(|mark| block.contains(mark)));
            if told && !sees {
                wrong.push(format!("{}: {event} events of {place:?} are delivered", viewer.name));
            }
            // The unit's cases are those that were dispatched; every place has heartbeats and cases.
            if !told && sees {
                wrong.push(format!("{}: no {event} event of {place:?} came", viewer.name));
            }
        }
    }
    wrong
}

/// The greatest event number in what was read.
fn number(text: &str) -> i64 {
    let whole = text.rfind("\n\n").map_or("", |end| &text[..end]);
    let ids = whole.lines().filter_map(|line| line.strip_prefix("id: ")?.parse().ok());
    ids.max().unwrap_or(0)
}

#[tokio::test]
async fn feed_follows_its_officer_into_another_area() {
    let world = World::new().await;
    let found = viewers().into_iter().find(|viewer| {
        viewer.sees_place(Place::Own) && !viewer.sees_place(Place::Other) && viewer.unit.is_none()
    });
    let viewer = found.expect("somebody works for the own grid");
    let officer = world.sign_in(&viewer);
    let mut feed = Feed::open(&officer, "", None).await;
    assert_eq!(feed.next().await.unwrap().event, "hello");
    let mut store = around(&world.hub.store).await;
    sqlx::query("UPDATE users SET area = $2 WHERE name = $1")
        .bind(&viewer.name)
        .bind(world.id(Thing::Area, Place::Other))
        .execute(&mut store)
        .await
        .unwrap();
    // From the next request on ...
    let page = officer.get("/api/v1/cases").await.to_string();
    assert!(!page.contains(Place::Own.mark()) && page.contains(Place::Other.mark()), "{page}");
    // ... and in the open feed once it has looked at its session again.
    let sequence = std::cell::Cell::new(10);
    let feed = tokio::sync::Mutex::new(feed);
    eventually("the feed tells of the new area", || async {
        sequence.set(sequence.get() + 1);
        let one = another(Place::Other, sequence.get());
        world.send(Place::Other, "/v1/batches", &messages(Place::Other, vec![one])).await;
        let mut feed = feed.lock().await;
        let next = tokio::time::timeout(Duration::from_millis(500), feed.next());
        let message = next.await.ok()?.expect("the feed goes on");
        message.data.to_string().contains(Place::Other.mark()).then_some(())
    })
    .await;
    for place in [Place::Own, Place::Other] {
        let one = another(place, 99);
        world.send(place, "/v1/batches", &messages(place, vec![one])).await;
    }
    let mut feed = feed.into_inner();
    loop {
        let message = feed.next().await.expect("the feed goes on").data.to_string();
        assert!(!message.contains(Place::Own.mark()), "{message}");
        if message.contains("door-99") {
            break;
        }
    }
}
