//! An alert that nobody accepts is made known at the site (EN 54-21), and taken back when it is accepted.

use anyhow::{Context, Result};
use e2e::building::{Building, detector};
use e2e::fault_proxy::Link;
use e2e::line::PATIENCE;
use e2e::{Line, LineOptions, Workspace, eventually};
use toml::Table;

#[tokio::test]
async fn an_undelivered_alarm_switches_the_local_output_until_it_is_accepted() -> Result<()> {
    let outside = Workspace::new("relay-output")?;
    let (file, log) = (outside.join("fault"), outside.join("switched"));
    let script = outside.join("switch.sh");
    let text = format!("#!/bin/sh\necho \"$1\" >> {}\n", log.display());
    std::fs::write(&script, text)?;
    let mut output = Table::new();
    output.insert("after_s".into(), 2.into());
    output.insert("file".into(), file.display().to_string().into());
    let command = vec!["/bin/sh".to_owned(), script.display().to_string()];
    output.insert("command".into(), command.into());
    let mut more = Table::new();
    more.insert("fault_output".into(), output.into());
    let options = LineOptions {
        building: Building::new().smoke_detectors("d", 1).with(more),
        relay: true,
        ..LineOptions::default()
    };
    let line = Line::start("output", options).await?;
    assert!(!file.exists(), "the output is on although nothing waits");
    let relay = line.relay.as_ref().context("a relay was asked for")?;
    relay.set(Link::Cut);
    line.zigbee().await?.smoke(&detector("d", 0), true).await?;
    eventually("the local output to switch on", PATIENCE, async || {
        file.exists().then_some(())
    })
    .await?;
    let switched = |to: &str| std::fs::read_to_string(&log).is_ok_and(|all| all.ends_with(to));
    eventually("the command to run", PATIENCE, async || {
        switched("on\n").then_some(())
    })
    .await?;
    relay.set(Link::Good);
    line.wait_cases(1).await?;
    eventually("the local output to switch off", PATIENCE, async || {
        (!file.exists() && switched("off\n")).then_some(())
    })
    .await?;
    outside.passed()?;
    line.passed()
}
