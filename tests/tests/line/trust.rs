//! A hub that is not the one that was joined, and a hub that does not take the gateway's key.

use anyhow::{Result, ensure};
use e2e::building::{Building, SITE, detector};
use e2e::hub::Join;
use e2e::line::PATIENCE;
use e2e::zigbee::device_id;
use e2e::{Hub, Line, LineOptions, Workspace, eventually};
use serde_json::Value;

const FAULT: &str = "hub_unreachable";

/// With a bad join file an alarm stays in the outbox, one message says why, and it is delivered
/// when the join file is right again.
async fn refused(name: &str, bad: impl FnOnce(&Join) -> Result<Join>) -> Result<()> {
    let options = LineOptions {
        building: Building::new().smoke_detectors("d", 2),
        ..LineOptions::default()
    };
    let mut line = Line::start(name, options).await?;
    line.agent.kill()?;
    line.agent.set_join(&bad(&line.join)?)?;
    line.agent.start().await?;
    line.agent.wait_subscribed(line.broker.port()).await?;
    line.zigbee().await?.smoke(&detector("d", 0), true).await?;
    eventually("several deliveries to fail", PATIENCE, async || {
        let failed = line
            .agent
            .metrics()
            .await
            .ok()?
            .get("batches_failed")
            .ok()?;
        (failed >= 3.0).then_some(())
    })
    .await?;
    ensure!(line.agent.faults().await?.iter().any(|code| code == FAULT));
    let said = line.agent.process()?.count_in_log(FAULT);
    ensure!(said == 1, "one message was expected, the log has {said}");
    ensure!(
        line.officer.cases("all").await?.is_empty(),
        "the alarm got through"
    );
    let list = line.agent.command(&["outbox", "list", "--json"])?;
    ensure!(list.code == 0, "{list:?}");
    let list: Value = serde_json::from_str(&list.out)?;
    assert_eq!(list["backlog"]["alerts"], 1, "{list}");

    line.agent.kill()?;
    line.agent.set_join(&line.join)?;
    line.agent.start().await?;
    line.wait_cases(1).await?;
    line.check_one_case_each(&[device_id(&detector("d", 0))])
        .await?;
    line.wait_drained().await?;
    ensure!(!line.agent.faults().await?.iter().any(|code| code == FAULT));
    line.passed()
}

#[tokio::test]
async fn a_hub_with_another_certificate_gets_nothing() -> Result<()> {
    let other = Workspace::new("other-hub")?;
    let foreign = Hub::make(&other, toml::Table::new())?.add_gateway("gw-x", SITE, 1)?;
    refused("certificate", |join| join.with("ca", &foreign.ca_pem()?)).await?;
    other.passed()
}

#[tokio::test]
async fn a_key_that_the_hub_does_not_take_loses_nothing() -> Result<()> {
    refused("key", |join| {
        let mut key: Vec<char> = join.field("key")?.chars().collect();
        if let Some(last) = key.last_mut() {
            *last = if *last == 'a' { 'b' } else { 'a' };
        }
        join.with("key", &key.into_iter().collect::<String>())
    })
    .await
}
