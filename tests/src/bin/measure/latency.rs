//! From a sensor's publish to the event at an open live feed, while other sensors report.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use e2e::building::detector;
use e2e::line::PATIENCE;
use e2e::statistics::Spread;
use e2e::zigbee::{device_id, smoke_payload, topic};
use e2e::{Building, Line, LineOptions, Publisher};
use rand::Rng as _;

/// Mean pause between two alarms.
const PAUSE_MS: u64 = 20;
/// The load is published in portions of this length.
const PORTION: Duration = Duration::from_millis(20);

pub(crate) async fn measure(alarms: usize, readings_per_s: u32) -> Result<()> {
    let options = LineOptions {
        building: Building::new().smoke_detectors("d", alarms),
        ..LineOptions::default()
    };
    let line = Line::start("latency", options).await?;
    let mut feed = line.officer.live(None).await?;
    let load = tokio::spawn(load(line.broker.port(), readings_per_s));
    let published = tokio::spawn(alarm(line.broker.port(), alarms));

    let mut arrived: HashMap<String, Instant> = HashMap::new();
    while arrived.len() < alarms {
        let event = feed.next(PATIENCE).await?;
        for device in event.devices() {
            arrived.entry(device.to_owned()).or_insert(event.arrived);
        }
    }
    let published = published.await.context("publishing alarms")??;
    load.abort();

    let mut trips = Vec::new();
    for (device, at) in published {
        let arrived = arrived
            .get(&device)
            .with_context(|| format!("{device} was lost"))?;
        trips.push(arrived.saturating_duration_since(at));
    }
    let spread = Spread::new(trips);
    println!("alarms  beside readings/s  p50 ms  p99 ms  max ms");
    println!(
        "{:6}  {readings_per_s:17}  {:6.1}  {:6.1}  {:6.1}",
        spread.count(),
        milliseconds(spread.percentile(50)),
        milliseconds(spread.percentile(99)),
        milliseconds(spread.max()),
    );
    line.passed()
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// Publishes the alarms; gives the moment just before each was written to its socket.
async fn alarm(port: u16, alarms: usize) -> Result<Vec<(String, Instant)>> {
    let mut publisher = Publisher::connect(port, "alarms").await?;
    let mut published = Vec::new();
    for number in 0..alarms {
        let pause = rand::rng().random_range(0..2 * PAUSE_MS);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let name = detector("d", number);
        published.push((device_id(&name), Instant::now()));
        publisher
            .send(&topic(&name), smoke_payload(true).as_bytes(), false)
            .await?;
        publisher.flush().await?;
    }
    publisher.settle().await?;
    Ok(published)
}

/// Publishes readings of other sensors until it is stopped.
async fn load(port: u16, readings_per_s: u32) -> Result<()> {
    let mut publisher = Publisher::connect(port, "load").await?;
    let mut tick = tokio::time::interval(PORTION);
    let mut due = 0.0;
    let mut number = 0_u32;
    loop {
        tick.tick().await;
        due += f64::from(readings_per_s) * PORTION.as_secs_f64();
        while due >= 1.0 {
            due -= 1.0;
            number = number.wrapping_add(1);
            let sensor = topic(&format!("t{:03}", number % 500));
            let warmth = 21.0 + f64::from(number % 50) / 100.0;
            let payload = format!("{{\"smoke\":false,\"temperature\":{warmth}}}");
            publisher.send(&sensor, payload.as_bytes(), false).await?;
        }
        publisher.flush().await?;
    }
}
