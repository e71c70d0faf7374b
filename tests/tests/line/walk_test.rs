//! The walk test, from the test button to the gateway's page at the hub.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use e2e::building::{Building, GATEWAY, detector};
use e2e::eventually::within;
use e2e::fault_proxy::Link;
use e2e::line::PATIENCE;
use e2e::paths::built_program;
use e2e::process::send_signal;
use e2e::zigbee::device_id;
use e2e::{Line, LineOptions, eventually};
use gridwatch_protocol::Severity;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// `edge-agent walk-test --json` in its own process, as an installer runs it.
struct Walk {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Walk {
    /// Starts it and waits until the agent says that the test runs.
    async fn start(line: &Line, arguments: &[&str]) -> Result<(Self, Value)> {
        let mut child = Command::new(built_program("edge-agent")?)
            .args(["walk-test", "--json", "--by", "张工", "--config"])
            .arg(line.agent.folder().join("edge.toml"))
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("starting the walk test")?;
        let out = child.stdout.take().context("its output")?;
        let lines = BufReader::new(out).lines();
        let mut walk = Self { child, lines };
        let started = walk.event("started").await?;
        walk.event("running").await?;
        Ok((walk, started))
    }

    /// The next event of this name; others are passed over.
    async fn event(&mut self, name: &str) -> Result<Value> {
        self.event_that(name, |_| true).await
    }

    async fn event_that(&mut self, name: &str, fits: impl Fn(&Value) -> bool) -> Result<Value> {
        let work = async {
            while let Some(line) = self.lines.next_line().await? {
                let event: Value = serde_json::from_str(&line).with_context(|| line.clone())?;
                if event["event"] == name && fits(&event) {
                    return Ok(event);
                }
            }
            let mut said = String::new();
            if let Some(mut stderr) = self.child.stderr.take() {
                stderr.read_to_string(&mut said).await?;
            }
            bail!("the walk test ended without `{name}`: {said}")
        };
        within(&format!("event `{name}`"), PATIENCE, work).await
    }

    /// Waits until the hub has accepted the test alert of a device's press.
    async fn accepted(&mut self, device: &str) -> Result<Value> {
        let fits =
            |event: &Value| event["press"]["device"] == device && event["state"] == "accepted";
        Ok(self.event_that("press", fits).await?["press"].clone())
    }

    /// Ctrl-C; gives the record and the exit code.
    async fn interrupt(mut self) -> Result<(Value, Option<i32>)> {
        let pid = self.child.id().context("it has ended")?;
        send_signal("INT", pid)?;
        let ended = self.event("ended").await?;
        let status = within("the end", PATIENCE, async { Ok(self.child.wait().await?) }).await?;
        Ok((ended["record"].clone(), status.code()))
    }
}

async fn line(name: &str, detectors: usize) -> Result<Line> {
    let options = LineOptions {
        building: Building::new().smoke_detectors("d", detectors),
        ..LineOptions::default()
    };
    Line::start(name, options).await
}

/// A message of a detector whose test button is, or is no longer, pressed.
fn button(pressed: bool) -> Vec<u8> {
    let said = json!({"smoke": false, "test": pressed, "battery": 100, "linkquality": 134});
    said.to_string().into_bytes()
}

/// The record with this id at the hub, as the gateway's page shows it.
async fn record_at_hub(line: &Line, id: &Value) -> Result<Value> {
    let path = format!("/gateways/{GATEWAY}/commissionings");
    eventually("the record at the hub", PATIENCE, async || {
        let shown = line.officer.get(&path).await.ok()?;
        let items = shown["items"].as_array()?;
        items.iter().find(|item| item["id"] == *id).cloned()
    })
    .await
}

#[tokio::test]
async fn a_walk_test_names_what_was_pressed_and_what_was_not_and_pages_nobody() -> Result<()> {
    let line = line("walk", 2).await?;
    let mut zigbee = line.zigbee().await?;
    let (pressed, forgotten) = (detector("d", 0), detector("d", 1));
    for name in [&pressed, &forgotten] {
        zigbee.smoke(name, false).await?;
    }
    let (mut walk, started) = Walk::start(&line, &["--minutes", "10", "--expect-all"]).await?;
    assert_eq!(
        started["expected"],
        json!([device_id(&pressed), device_id(&forgotten)])
    );
    ensure!(line.agent.faults().await?.contains(&"walk_test".to_owned()));
    zigbee.publish(&pressed, &button(true), false).await?;
    let press = walk.accepted(&device_id(&pressed)).await?;
    assert_eq!(press["kind"], "alarm_test");
    assert_eq!(press["place"]["room"], "hall");
    assert_eq!(press["sensor_to_agent_ms"], Value::Null, "it sends no time");
    ensure!(
        press["agent_to_hub_ms"]
            .as_i64()
            .is_some_and(|ms| ms < 10_000)
    );
    zigbee.publish(&pressed, &button(false), false).await?;
    let (record, code) = walk.interrupt().await?;
    assert_eq!(code, Some(1), "not everything was pressed");
    assert_eq!(record["result"], "incomplete");
    ensure!(!line.agent.faults().await?.contains(&"walk_test".to_owned()));

    let shown = record_at_hub(&line, &record["id"]).await?;
    assert_eq!(shown["by"], "张工");
    assert_eq!(shown["tested"][0]["device"], json!(device_id(&pressed)));
    assert_eq!(shown["missing"][0]["device"], json!(device_id(&forgotten)));
    assert_eq!(shown["ended_because"], "asked");
    let path = format!("/gateways/{GATEWAY}/commissionings");
    let tests = line.officer.get(&path).await?["test_alerts"].clone();
    assert_eq!(tests[0]["device"], json!(device_id(&pressed)));
    assert!(line.officer.cases("all").await?.is_empty(), "no real case");

    // A fire at the detector that was tested is a fire.
    zigbee.smoke(&pressed, true).await?;
    let cases = line.wait_cases(1).await?;
    assert_eq!(cases[0].severity, Severity::P1);
    assert_eq!(cases[0].devices, [device_id(&pressed)]);
    line.passed()
}

#[tokio::test]
async fn an_alarm_that_still_stands_when_the_test_ends_is_real_and_other_devices_always_are()
-> Result<()> {
    let line = line("walk-stands", 2).await?;
    let mut zigbee = line.zigbee().await?;
    let (tested, other) = (detector("d", 0), detector("d", 1));
    for name in [&tested, &other] {
        zigbee.smoke(name, false).await?;
    }
    let id = device_id(&tested);
    let (mut walk, _) = Walk::start(&line, &["--device", &id]).await?;
    zigbee.smoke(&tested, true).await?;
    walk.accepted(&id).await?;
    // Not under test: real, in the middle of the test.
    zigbee.smoke(&other, true).await?;
    let cases = line.wait_cases(1).await?;
    assert_eq!(cases.len(), 1, "{cases:?}");
    assert_eq!(cases[0].devices, [device_id(&other)]);
    let (record, code) = walk.interrupt().await?;
    assert_eq!((code, &record["result"]), (Some(0), &json!("passed")));
    let cases = line.wait_cases(2).await?;
    let real = cases.iter().find(|case| case.devices == [id.clone()]);
    let real = real.context("a case of the alarm that still stands")?;
    assert_eq!(real.severity, Severity::P1);
    // It is the alarm that it was: its end annotates its case.
    zigbee.smoke(&tested, false).await?;
    eventually("the alarm to clear", PATIENCE, async || {
        let case = line.officer.case(real.id).await.ok()?;
        (case["alerts_active"] == 0).then_some(())
    })
    .await?;
    line.passed()
}

#[tokio::test]
async fn a_restart_ends_the_test_says_so_and_forgets_no_alarm() -> Result<()> {
    let mut line = line("walk-restart", 1).await?;
    let mut zigbee = line.zigbee().await?;
    let tested = detector("d", 0);
    zigbee.smoke(&tested, false).await?;
    let (mut walk, started) = Walk::start(&line, &[]).await?;
    zigbee.smoke(&tested, true).await?;
    walk.accepted(&device_id(&tested)).await?;
    line.agent.kill()?;
    let gone = within("the end", PATIENCE, async { Ok(walk.child.wait().await?) }).await?;
    assert_eq!(gone.code(), Some(70), "the test was broken off");
    line.agent.start().await?;
    let cases = line.wait_cases(1).await?;
    assert_eq!(cases[0].severity, Severity::P1);
    let shown = record_at_hub(&line, &started["id"]).await?;
    assert_eq!(shown["ended_because"], "restart");
    assert_eq!(shown["result"], "incomplete");
    line.passed()
}

#[tokio::test]
async fn a_press_that_the_hub_does_not_get_fails_the_test_and_its_record_is_sent_later()
-> Result<()> {
    let options = LineOptions {
        building: Building::new().smoke_detectors("d", 1),
        relay: true,
        ..LineOptions::default()
    };
    let line = Line::start("walk-cut", options).await?;
    let relay = line.relay.as_ref().context("a relay")?;
    let mut zigbee = line.zigbee().await?;
    let tested = detector("d", 0);
    zigbee.smoke(&tested, false).await?;
    let (mut walk, _) = Walk::start(&line, &[]).await?;
    relay.set(Link::Cut);
    zigbee.publish(&tested, &button(true), false).await?;
    walk.event_that("press", |event| event["state"] == "late")
        .await?;
    let (record, code) = walk.interrupt().await?;
    assert_eq!((code, &record["result"]), (Some(1), &json!("failed")));
    relay.set(Link::Good);
    let shown = record_at_hub(&line, &record["id"]).await?;
    assert_eq!(shown["result"], "failed");
    let folder = line.agent.folder().join("state/commissioning");
    eventually(
        "the record to be settled",
        Duration::from_secs(10),
        async || {
            let name = format!("{}.json", record["id"].as_str()?);
            folder.join(name).exists().then_some(())
        },
    )
    .await?;
    line.passed()
}
