//! Devices that nobody configured: found from what their bridges have left at the broker.

use anyhow::{Result, ensure};
use e2e::inventory::Inventory;
use e2e::line::PATIENCE;
use e2e::mqtt::Publisher;
use e2e::{Line, LineOptions, eventually};

#[tokio::test]
async fn retained_inventories_are_taken_in_and_retained_alarms_raise_nothing() -> Result<()> {
    let inventory = Inventory {
        zigbee: 300,
        home_assistant: 300,
    };
    let mut line = Line::start("discovery", LineOptions::default()).await?;
    inventory.leave_before(&mut line).await?;
    line.agent.start().await?;
    eventually("every device to be known", PATIENCE, async || {
        let known = line.agent.metrics().await.ok()?.get("devices").ok()?;
        (known.to_string() == inventory.devices().to_string()).then_some(())
    })
    .await?;
    ensure!(line.officer.cases("open").await?.is_empty());

    // A detector and a leak sensor of them speak for the first time: two cases, with their names.
    let mut publisher = Publisher::connect(line.broker.port(), "bridges").await?;
    let smoke = br#"{"smoke":true,"battery":97,"linkquality":80}"#;
    publisher
        .publish("zigbee2mqtt/hall 7", smoke, false)
        .await?;
    publisher.publish("leak/7/state", b"OFF", false).await?;
    publisher.publish("leak/7/state", b"ON", false).await?;
    line.wait_cases(2).await?;
    let devices = line.officer.cases_by_device().await?;
    ensure!(
        devices.contains_key("zigbee2mqtt/hall 7") && devices.len() == 2,
        "{devices:?}"
    );

    // The same inventories once more after a kill: still the same devices, and no new case.
    line.agent.kill()?;
    line.agent.start().await?;
    line.agent.wait_subscribed(line.broker.port()).await?;
    let known = line.agent.metrics().await?.get("devices")?;
    ensure!(
        known.to_string() == inventory.devices().to_string(),
        "{known}"
    );
    ensure!(line.officer.cases("open").await?.len() == 2);
    line.passed()
}
