//! Exactly these cases must exist after the story: no more, no fewer, with exactly these alerts.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use e2e::building::GATEWAY;
use e2e::eventually;
use e2e::line::PATIENCE;
use e2e::officer::{CaseSummary, Officer};
use e2e::zigbee::device_id;
use gridwatch_protocol::Severity;
use serde_json::Value;

use crate::Demo;
use crate::house::{BEDROOM, CAMERA, CELLAR_DOOR, FIFTH_FLOOR, TRANSMITTER, ZONE};
use crate::table;

/// One case that must exist.
struct Expected {
    category: &'static str,
    severity: Severity,
    /// (device, rule) of every alert that a rule or supervision raised, each exactly once.
    alerts: Vec<(String, &'static str)>,
}

fn expected() -> Vec<Expected> {
    vec![
        Expected {
            category: "fire_confirmed",
            severity: Severity::P1,
            alerts: vec![
                (device_id(BEDROOM), "smoke"),
                (TRANSMITTER.into(), "smoke-obscuration"),
                (TRANSMITTER.into(), "temperature-rise"),
                (TRANSMITTER.into(), "temperature-static"),
            ],
        },
        Expected {
            category: "door_forced",
            severity: Severity::P2,
            alerts: vec![(CELLAR_DOOR.into(), "door-forced")],
        },
        Expected {
            category: "intrusion",
            severity: Severity::P2,
            alerts: vec![(format!("frigate/{CAMERA}/{ZONE}"), "restricted-zone")],
        },
        Expected {
            category: "sensor_silent_life_safety",
            severity: Severity::P2,
            alerts: vec![(device_id(FIFTH_FLOOR), "silence")],
        },
    ]
}

/// Waits until everything has arrived, prints the cases, and compares.
pub(crate) async fn check(demo: &mut Demo) -> Result<()> {
    demo.hub.process()?.check_running()?;
    let settled = settle(demo).await;
    let cases = demo.officer.cases("all").await?;
    println!();
    table::print(&cases);
    settled?;
    check_complete(&demo.officer).await?;
    let mut left = cases;
    for expected in expected() {
        let at = left
            .iter()
            .position(|case| case.category == expected.category);
        let Some(at) = at else {
            bail!("there is no case of category `{}`", expected.category);
        };
        let case = left.remove(at);
        check_case(&demo.officer, &case, &expected)
            .await
            .with_context(|| format!("case {} `{}`", case.number, case.category))?;
    }
    let too_many: Vec<_> = left
        .iter()
        .map(|case| (&case.number, &case.category))
        .collect();
    ensure!(
        too_many.is_empty(),
        "cases that nobody expects: {too_many:?}"
    );
    Ok(())
}

/// All alerts that are expected have arrived, nothing waits at the gateway, and nothing new comes.
async fn settle(demo: &Demo) -> Result<()> {
    let wanted: usize = expected().iter().map(|case| case.alerts.len()).sum();
    eventually(
        &format!("{wanted} alerts at the hub"),
        PATIENCE,
        async || {
            let cases = demo.officer.cases("all").await.ok()?;
            let alerts: u64 = cases.iter().map(|case| case.alert_count).sum();
            let waiting = demo
                .agent
                .metrics()
                .await
                .ok()?
                .get("backlog_alerts")
                .ok()?;
            (usize::try_from(alerts).is_ok_and(|alerts| alerts >= wanted) && waiting == 0.0)
                .then_some(())
        },
    )
    .await?;
    // A case too many may come late: the live feed must stay quiet for a while.
    let mut feed = demo.officer.live(None).await?;
    while feed
        .next(Duration::from_secs(3))
        .await
        .is_ok_and(|event| event.name != "case")
    {}
    Ok(())
}

/// The hub holds every message that the gateway numbered.
async fn check_complete(officer: &Officer) -> Result<()> {
    let gateway = officer.gateway(GATEWAY).await?;
    let sequence = &gateway["sequence"];
    let missing = sequence["missing"]
        .as_array()
        .context("no list of missing numbers")?;
    ensure!(missing.is_empty(), "the hub misses messages: {sequence}");
    ensure!(
        sequence["contiguous_through"] == sequence["highest"],
        "the hub misses messages: {sequence}"
    );
    println!(
        "\nThe gateway numbered {} alert messages over two starts of the agent; the hub misses none.",
        sequence["highest"]
    );
    Ok(())
}

async fn check_case(officer: &Officer, summary: &CaseSummary, expected: &Expected) -> Result<()> {
    ensure!(
        summary.severity == expected.severity,
        "is {}, expected {}",
        summary.severity,
        expected.severity
    );
    let case = officer.case(summary.id).await?;
    let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
    for alert in case["alerts"].as_array().context("no alerts")? {
        let alert = &alert["alert"];
        let device = alert["device"]
            .as_str()
            .context("an alert without a device")?;
        *counts
            .entry((device.to_owned(), raised_by(alert)?))
            .or_insert(0) += 1;
    }
    // The model may see the fire too; what it says joins the fire's case and makes none of its own.
    counts.retain(|(_, by), _| expected.category != "fire_confirmed" || by != "model");
    let wanted = expected.alerts.iter();
    let wanted: BTreeMap<_, _> = wanted
        .map(|(device, rule)| ((device.clone(), (*rule).to_owned()), 1))
        .collect();
    ensure!(
        counts == wanted,
        "has the alerts {counts:?}, expected {wanted:?}"
    );
    Ok(())
}

/// Name of the rule, or `model`.
fn raised_by(alert: &Value) -> Result<String> {
    let by = &alert["detected_by"];
    match by["by"].as_str() {
        Some("model") => Ok("model".into()),
        _ => Ok(by["rule"]
            .as_str()
            .context("an alert that nothing raised")?
            .to_owned()),
    }
}
