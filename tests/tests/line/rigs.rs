//! The rigs themselves, on a real broker: a test that passes on a rig that does nothing proves nothing.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::mqtt::Publisher;
use e2e::{Broker, FireReplay, Workspace};

const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn what_a_sensor_publishes_reaches_a_subscriber() -> Result<()> {
    let workspace = Workspace::new("publish")?;
    let broker = Broker::start(&workspace).await?;
    let mut listener = Publisher::connect(broker.port(), "listener").await?;
    listener.subscribe("zigbee2mqtt/#").await?;
    let mut sensor = Publisher::connect(broker.port(), "sensor").await?;
    // Until the subscription is in force.
    let message = loop {
        sensor
            .publish("zigbee2mqtt/3号楼/烟感", br#"{"smoke":true}"#, false)
            .await?;
        if let Ok(message) = listener.receive(Duration::from_millis(200)).await {
            break message;
        }
    };
    assert_eq!(message.topic, "zigbee2mqtt/3号楼/烟感");
    assert_eq!(message.payload, br#"{"smoke":true}"#);
    workspace.passed()
}

#[tokio::test]
async fn retained_state_is_there_after_the_broker_restarts() -> Result<()> {
    let workspace = Workspace::new("retained")?;
    let mut broker = Broker::start(&workspace).await?;
    let mut sensor = Publisher::connect(broker.port(), "sensor").await?;
    sensor.publish("zigbee2mqtt/a", b"{}", true).await?;
    broker.stop()?;
    ensure!(sensor.publish("zigbee2mqtt/a", b"{}", false).await.is_err());
    broker.start_again().await?;
    let mut listener = Publisher::connect(broker.port(), "listener").await?;
    listener.subscribe("zigbee2mqtt/a").await?;
    assert_eq!(listener.receive(SOON).await?.payload, b"{}");
    workspace.passed()
}

#[tokio::test]
async fn a_burst_far_over_the_window_is_acknowledged_completely() -> Result<()> {
    let workspace = Workspace::new("burst")?;
    let broker = Broker::start(&workspace).await?;
    let mut sensor = Publisher::connect(broker.port(), "sensor").await?;
    for number in 0..20_000 {
        let payload = format!("{{\"temperature\":{number}}}");
        sensor
            .send("zigbee2mqtt/burst", payload.as_bytes(), false)
            .await?;
    }
    sensor.settle().await?;
    assert_eq!(sensor.acknowledged(), 20_000);
    workspace.passed()
}

#[test]
fn the_recorded_fire_is_a_fire() -> Result<()> {
    let fire = FireReplay::load("SDC07", 'E')?;
    let (first, last) = (fire.samples().first(), fire.samples().last());
    let (Some(first), Some(last)) = (first, last) else {
        anyhow::bail!("the recording is empty");
    };
    assert!(
        first.temperature_c < 30.0 && last.temperature_c > 100.0,
        "{first:?} {last:?}"
    );
    assert!(
        first.obscuration < 1.0 && last.obscuration > 90.0,
        "{first:?} {last:?}"
    );
    assert!(fire.samples().is_sorted_by_key(|sample| sample.at));
    Ok(())
}
