//! From a sensor to a case and to an officer who watches, also over a bad link.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::building::{Building, GATEWAY, detector};
use e2e::fault_proxy::Link;
use e2e::line::PATIENCE;
use e2e::zigbee::device_id;
use e2e::{Line, LineOptions, eventually};
use gridwatch_protocol::Severity;

fn with(building: Building) -> LineOptions {
    LineOptions {
        building,
        ..LineOptions::default()
    }
}

#[tokio::test]
async fn an_alarm_becomes_a_case_on_the_open_screen() -> Result<()> {
    let line = Line::start("screen", with(Building::new().smoke_detectors("d", 1))).await?;
    let mut feed = line.officer.live(None).await?;
    let name = detector("d", 0);
    line.zigbee().await?.smoke(&name, true).await?;
    let opened = feed
        .next_that("the case to open", PATIENCE, |event| {
            event.data["change"] == "opened"
        })
        .await?;
    assert_eq!(opened.devices().collect::<Vec<_>>(), [device_id(&name)]);
    assert_eq!(opened.data["case"]["severity"], "P1");
    let cases = line.officer.cases("open").await?;
    let [case] = cases.as_slice() else {
        anyhow::bail!("one case was expected: {cases:?}");
    };
    assert_eq!(
        (case.severity, case.category.as_str()),
        (Severity::P1, "fire_suspected")
    );
    assert_eq!(case.state, "reported");
    let acknowledged = line.officer.act(case, "acknowledge", "").await?;
    assert_eq!(acknowledged["state"], "reported");
    assert!(acknowledged["acknowledged_at"].is_string());
    feed.next_that("the acknowledgement", PATIENCE, |event| {
        event.data["change"] == "acknowledged"
    })
    .await?;
    line.passed()
}

#[tokio::test]
async fn an_alarm_that_clears_does_not_close_its_case() -> Result<()> {
    let line = Line::start("clears", with(Building::new().smoke_detectors("d", 1))).await?;
    let mut zigbee = line.zigbee().await?;
    let mut feed = line.officer.live(None).await?;
    zigbee.smoke(&detector("d", 0), true).await?;
    line.wait_cases(1).await?;
    zigbee.smoke(&detector("d", 0), false).await?;
    feed.next_that("the alert to clear", PATIENCE, |event| {
        event.data["change"] == "alert_cleared"
    })
    .await?;
    assert_eq!(line.officer.cases("open").await?.len(), 1);
    line.passed()
}

#[tokio::test]
async fn an_alarm_told_five_times_and_retained_is_one_alert() -> Result<()> {
    let mut line = Line::start("repeated", with(Building::new().smoke_detectors("d", 2))).await?;
    let mut zigbee = line.zigbee().await?;
    for _ in 0..5 {
        zigbee.smoke_retained(&detector("d", 0), true).await?;
    }
    line.wait_cases(1).await?;
    // A new session would be given the retained message again.
    line.agent.kill()?;
    line.agent.start().await?;
    line.agent.wait_subscribed(line.broker.port()).await?;
    zigbee.smoke_retained(&detector("d", 0), true).await?;
    // What comes after it has overtaken nothing: when the second alarm is a case, the first is settled.
    zigbee.smoke(&detector("d", 1), true).await?;
    let cases = line.wait_cases(2).await?;
    line.check_one_case_each(&[device_id("d0000"), device_id("d0001")])
        .await?;
    assert!(cases.iter().all(|case| case.alert_count == 1), "{cases:?}");
    line.passed()
}

#[tokio::test]
async fn state_retained_before_the_agent_came_raises_nothing() -> Result<()> {
    let mut line = Line::start("retained", with(Building::new().smoke_detectors("d", 2))).await?;
    line.agent.kill()?;
    // Without the agent's old session the broker hands out the retained state as such.
    line.broker.kill()?;
    std::fs::remove_file(line.broker_state()).ok();
    line.broker.start_again().await?;
    let mut zigbee = line.zigbee().await?;
    zigbee.smoke_retained(&detector("d", 0), true).await?;
    line.agent.start().await?;
    line.agent.wait_subscribed(line.broker.port()).await?;
    zigbee.smoke(&detector("d", 1), true).await?;
    line.wait_cases(1).await?;
    line.check_one_case_each(&[device_id("d0001")]).await?;
    line.passed()
}

#[tokio::test]
async fn after_the_hub_was_away_life_safety_comes_first() -> Result<()> {
    let mut building = Building::new().smoke_detectors("d", 1);
    for number in 0..300 {
        building = building.device(&device_id(&format!("c{number:04}")), "9", "door", 0);
    }
    let mut line = Line::start("away", with(building)).await?;
    let mut zigbee = line.zigbee().await?;
    line.hub.kill()?;
    for number in 0..300 {
        let payload = br#"{"contact":true,"tamper":true,"battery":90}"#;
        zigbee
            .publish(&format!("c{number:04}"), payload, false)
            .await?;
    }
    zigbee.smoke(&detector("d", 0), true).await?;
    eventually("all alerts in the outbox", PATIENCE, async || {
        let raised = line.agent.metrics().await.ok()?.get("alerts_raised").ok()?;
        (raised >= 301.0).then_some(())
    })
    .await?;
    line.hub.start().await?;
    let cases = line.wait_cases(301).await?;
    let first = cases.iter().min_by_key(|case| case.id).context("no case")?;
    assert_eq!(
        first.severity,
        Severity::P1,
        "the fire was not the first: {first:?}"
    );
    let mut devices: Vec<String> = (0..300).map(|n| device_id(&format!("c{n:04}"))).collect();
    devices.push(device_id(&detector("d", 0)));
    line.check_one_case_each(&devices).await?;
    line.wait_drained().await?;
    line.passed()
}

#[tokio::test]
async fn a_link_cut_in_the_middle_of_batches_loses_and_doubles_nothing() -> Result<()> {
    let options = LineOptions {
        building: Building::new().smoke_detectors("d", 60),
        relay: true,
        ..LineOptions::default()
    };
    let line = Line::start("cut", options).await?;
    let relay = line.relay.as_ref().context("a relay was asked for")?;
    // Enough for the handshake and some of a batch, in both directions of chance.
    relay.set(Link::CutAfter(6_000));
    let mut zigbee = line.zigbee().await?;
    for number in 0..60 {
        zigbee.smoke(&detector("d", number), true).await?;
    }
    eventually("some connections to be cut", PATIENCE, async || {
        (relay.cuts() >= 3).then_some(())
    })
    .await?;
    relay.set(Link::Good);
    line.wait_cases(60).await?;
    line.wait_drained().await?;
    let devices: Vec<String> = (0..60).map(|n| device_id(&detector("d", n))).collect();
    line.check_one_case_each(&devices).await?;
    line.passed()
}

#[tokio::test]
async fn an_answer_that_never_arrives_is_asked_for_again() -> Result<()> {
    let options = LineOptions {
        building: Building::new().smoke_detectors("d", 1),
        relay: true,
        ..LineOptions::default()
    };
    let line = Line::start("dead", options).await?;
    let relay = line.relay.as_ref().context("a relay was asked for")?;
    relay.set(Link::Dead);
    line.zigbee().await?.smoke(&detector("d", 0), true).await?;
    eventually("a batch to fail", PATIENCE, async || {
        let failed = line
            .agent
            .metrics()
            .await
            .ok()?
            .get("batches_failed")
            .ok()?;
        (failed >= 1.0).then_some(())
    })
    .await?;
    relay.set(Link::Good);
    line.wait_cases(1).await?;
    line.wait_drained().await?;
    line.check_one_case_each(&[device_id(&detector("d", 0))])
        .await?;
    line.passed()
}

#[tokio::test]
async fn a_screen_that_comes_back_has_neither_gap_nor_double() -> Result<()> {
    let count = 30;
    let line = Line::start("resume", with(Building::new().smoke_detectors("d", count))).await?;
    let mut zigbee = line.zigbee().await?;
    let mut feed = line.officer.live(None).await?;
    let mut opened: BTreeMap<String, usize> = BTreeMap::new();
    for number in 0..count {
        zigbee.smoke(&detector("d", number), true).await?;
        if number % 10 == 5 {
            // The screen goes away after an event, and comes back a little later.
            let event = feed.next(PATIENCE).await?;
            note(&mut opened, &event);
            let last = feed.last();
            drop(feed);
            feed = line.officer.live(last).await?;
        }
    }
    while opened.len() < count {
        let event = feed.next(PATIENCE).await?;
        note(&mut opened, &event);
    }
    ensure!(
        opened.values().all(|times| *times == 1),
        "told twice: {opened:?}"
    );
    line.passed()
}

fn note(opened: &mut BTreeMap<String, usize>, event: &e2e::sse::LiveEvent) {
    if event.data["change"] == "opened" {
        for device in event.devices() {
            *opened.entry(device.to_owned()).or_insert(0) += 1;
        }
    }
}

#[tokio::test]
async fn a_device_that_nobody_configured_is_shown_at_the_hub() -> Result<()> {
    let line = Line::start("unknown", with(Building::new())).await?;
    line.zigbee().await?.smoke("never-configured", true).await?;
    let cases = line.wait_cases(1).await?;
    assert_eq!(
        cases[0].severity,
        Severity::P1,
        "an unknown device's fire is a fire"
    );
    let path = format!("/gateways/{GATEWAY}/devices");
    let device = eventually("the device to be shown", PATIENCE, async || {
        let devices = line.officer.get(&path).await.ok()?;
        let items = devices["items"].as_array()?;
        let found = items
            .iter()
            .find(|d| d["device"] == device_id("never-configured"));
        found.cloned()
    })
    .await?;
    assert_eq!(device["known"], false);
    let gateway = line.officer.gateway(GATEWAY).await?;
    assert_eq!(gateway["devices_unknown"], 1);
    line.passed()
}

#[tokio::test]
async fn a_slow_link_delivers_all_the_same() -> Result<()> {
    let options = LineOptions {
        building: Building::new().smoke_detectors("d", 5),
        relay: true,
        ..LineOptions::default()
    };
    let line = Line::start("slow", options).await?;
    let relay = line.relay.as_ref().context("a relay was asked for")?;
    relay.set(Link::Delayed(Duration::from_millis(300)));
    let mut zigbee = line.zigbee().await?;
    for number in 0..5 {
        zigbee.smoke(&detector("d", number), true).await?;
    }
    line.wait_cases(5).await?;
    line.wait_drained().await?;
    line.passed()
}
