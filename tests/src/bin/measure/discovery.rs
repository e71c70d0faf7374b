//! From the start of the agent to the last device of the retained inventories being known.

use std::time::Instant;

use anyhow::Result;
use e2e::inventory::Inventory;
use e2e::line::PATIENCE;
use e2e::{Line, LineOptions, eventually};

pub(crate) async fn measure(zigbee: usize, home_assistant: usize) -> Result<()> {
    let inventory = Inventory {
        zigbee,
        home_assistant,
    };
    let mut line = Line::start("discovery", LineOptions::default()).await?;
    inventory.leave_before(&mut line).await?;
    let started = Instant::now();
    line.agent.start().await?;
    eventually("every device to be known", PATIENCE, async || {
        let known = line.agent.metrics().await.ok()?.get("devices").ok()?;
        let expected: f64 = inventory.devices().to_string().parse().ok()?;
        (known >= expected).then_some(())
    })
    .await?;
    let took = started.elapsed();
    println!("Zigbee2MQTT  Home Assistant  seconds from start to the last device");
    println!(
        "{zigbee:11}  {home_assistant:14}  {:33.2}",
        took.as_secs_f64()
    );
    line.passed()
}
