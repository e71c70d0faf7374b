//! The tools that speak with sensors' networks, on a real broker and real sockets.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use e2e::paths::{built_program, free_port};
use e2e::process::{Process, Said, Start};
use e2e::{Broker, Publisher, Workspace, eventually};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::tools::{lines, path, profile, tool};

const SOON: Duration = Duration::from_secs(20);

/// Runs a tool while the test goes on.
async fn run(arguments: &[&str]) -> Result<Said> {
    let arguments: Vec<String> = arguments.iter().map(|text| (*text).to_owned()).collect();
    tokio::task::spawn_blocking(move || {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        tool(&arguments)
    })
    .await
    .context("running a tool")?
}

#[tokio::test]
async fn probe_lists_devices_and_what_is_not_understood() -> Result<()> {
    let workspace = Workspace::new("probe")?;
    let broker = Broker::start(&workspace).await?;
    let mut sensor = Publisher::connect(broker.port(), "sensor").await?;
    sensor
        .publish("porch/hall", br#"{"smoke":false,"battery":80}"#, true)
        .await?;
    sensor
        .publish("plant/pump-3", br#"{"flow":7}"#, true)
        .await?;
    sensor
        .publish("porch/broken", br#"{"smoke":tr"#, true)
        .await?;
    let port = broker.port().to_string();
    let smoke = profile("porch-smoke");
    let arguments = [
        "probe",
        "mqtt",
        "--port",
        &port,
        "--seconds",
        "1",
        "--profile",
        &smoke,
    ];
    let said = run(&[&arguments[..], &["--json"]].concat()).await?;
    ensure!(said.code == 0, "{said:?}");
    let heard = &lines(&said.out)?[0];
    assert_eq!(
        (heard["messages"].as_u64(), heard["retained"].as_u64()),
        (Some(3), Some(3))
    );
    let hall = &heard["devices"]["porch/hall"];
    assert_eq!(hall["read_by"], "porch-smoke");
    assert_eq!(hall["readings"]["battery value"]["value"], json!(80.0));
    assert_eq!(hall["readings"]["smoke"]["value"], json!(false));
    let pump = &heard["topics"]["plant/pump-3"];
    assert_eq!(pump["sample"], r#"{"flow":7}"#);
    ensure!(
        pump["reason"].is_string() && pump["read_by"].is_null(),
        "{pump}"
    );
    ensure!(
        heard["topics"]["porch/broken"]["reason"].is_string(),
        "{heard}"
    );

    let said = run(&arguments).await?;
    ensure!(
        said.out.contains("porch/hall smoke = false"),
        "{}",
        said.out
    );
    ensure!(
        said.out.contains("not understood: 2 topic(s)"),
        "{}",
        said.out
    );

    let said = run(&[
        "probe",
        "mqtt",
        "--port",
        &port,
        "--seconds",
        "1",
        "--topic",
        "silent/#",
    ])
    .await?;
    ensure!(
        said.code == 1 && said.out.contains("nothing is published here"),
        "{said:?}"
    );
    workspace.passed()
}

#[tokio::test]
async fn without_a_broker_the_tools_say_so() -> Result<()> {
    let workspace = Workspace::new("no-broker")?;
    let port = free_port()?.to_string();
    let (_, record) = path(&workspace, "r.jsonl");
    let said = run(&["probe", "mqtt", "--port", &port]).await?;
    ensure!(
        said.code == 70 && said.err.contains("no broker at"),
        "{said:?}"
    );
    let said = run(&["record", &record, "--port", &port]).await?;
    ensure!(
        said.code == 70 && said.err.contains("no broker at"),
        "{said:?}"
    );
    ensure!(
        !std::path::Path::new(&record).exists(),
        "a record of nothing was made"
    );
    workspace.passed()
}

#[tokio::test]
async fn what_was_recorded_is_played_again_byte_by_byte() -> Result<()> {
    let workspace = Workspace::new("record")?;
    let broker = Broker::start(&workspace).await?;
    let port = broker.port().to_string();
    let mut sensor = Publisher::connect(broker.port(), "sensor").await?;
    sensor
        .publish("porch/hall", br#"{"smoke":true}"#, true)
        .await?;
    sensor.publish("binary", b"\xff\x00\x01", true).await?;
    let (file, record) = path(&workspace, "r.jsonl");
    let said = run(&["record", &record, "--port", &port, "--count", "2"]).await?;
    ensure!(said.code == 0, "{said:?}");
    let said = run(&["record", &record, "--port", &port, "--count", "2"]).await?;
    ensure!(said.code == 2 && said.err.contains("--force"), "{said:?}");
    let mut written = lines(&std::fs::read_to_string(&file)?)?;
    written.sort_by_key(|line| line["topic"].to_string());
    ensure!(
        written
            .iter()
            .all(|line| line["ms"].is_u64() && line["retain"] == true),
        "{written:?}"
    );
    assert_eq!(written[0]["payload"], json!({"base64": "/wAB"}));
    assert_eq!(written[1]["payload"], json!(r#"{"smoke":true}"#));

    let second = Workspace::new("replay")?;
    let other = Broker::start(&second).await?;
    let to = format!("127.0.0.1:{}", other.port());
    let said = run(&["replay", &record, "--to", &to, "--speed", "0"]).await?;
    ensure!(
        said.code == 0 && said.err.contains("played 2 message(s)"),
        "{said:?}"
    );
    let mut listener = Publisher::connect(other.port(), "listener").await?;
    listener.subscribe("#").await?;
    let mut seen = [listener.receive(SOON).await?, listener.receive(SOON).await?];
    seen.sort_by(|a, b| a.topic.cmp(&b.topic));
    assert_eq!(seen[0].payload, b"\xff\x00\x01");
    assert_eq!(seen[1].payload, br#"{"smoke":true}"#);

    let smoke = profile("porch-smoke");
    let said = run(&["replay", &record, "--decode", "--profile", &smoke]).await?;
    ensure!(said.code == 1 && said.err.contains("binary"), "{said:?}");
    let readings = lines(&said.out)?;
    assert_eq!(readings.len(), 1);
    assert_eq!(readings[0]["value"], json!(true));
    second.passed()?;
    workspace.passed()
}

#[tokio::test]
async fn messages_are_recorded_as_they_come_and_keep_their_distance() -> Result<()> {
    let workspace = Workspace::new("timing")?;
    let broker = Broker::start(&workspace).await?;
    let port = broker.port().to_string();
    let (file, record) = path(&workspace, "live.jsonl");
    let arguments = [
        "record", &record, "--port", &port, "--topic", "live/#", "--count", "3",
    ];
    let recording = run(&arguments);
    let mut sensor = Publisher::connect(broker.port(), "sensor").await?;
    let publishing = async {
        loop {
            sensor.publish("live/a", b"1", false).await?;
            sensor.publish("other/b", b"2", false).await?;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let said = tokio::select! {
        said = recording => said?,
        failed = publishing => return failed,
    };
    ensure!(said.code == 0, "{said:?}");
    let written = lines(&std::fs::read_to_string(&file)?)?;
    assert_eq!(written.len(), 3);
    ensure!(
        written
            .iter()
            .all(|line| line["topic"] == "live/a" && line["retain"] == false),
        "{written:?}"
    );

    std::fs::write(
        &file,
        "{\"ms\":5000,\"topic\":\"t\",\"retain\":false,\"payload\":\"a\"}\n{\"ms\":6000,\"topic\":\"t\",\"retain\":false,\"payload\":\"b\"}\nnonsense\n",
    )?;
    let mut listener = Publisher::connect(broker.port(), "listener").await?;
    listener.subscribe("t").await?;
    let to = format!("127.0.0.1:{port}");
    let begin = Instant::now();
    let said = run(&["replay", &record, "--to", &to, "--speed", "4"]).await?;
    let took = begin.elapsed();
    ensure!(said.code == 1 && said.err.contains("line 3"), "{said:?}");
    ensure!(
        took >= Duration::from_millis(250),
        "a second at four times the speed took {took:?}"
    );
    assert_eq!(listener.receive(SOON).await?.payload, b"a");
    assert_eq!(listener.receive(SOON).await?.payload, b"b");
    workspace.passed()
}

#[tokio::test]
async fn simulate_publishes_the_golden_samples_of_a_profile() -> Result<()> {
    let workspace = Workspace::new("simulate")?;
    let broker = Broker::start(&workspace).await?;
    let mut listener = Publisher::connect(broker.port(), "listener").await?;
    listener.subscribe("porch/#").await?;
    let to = format!("127.0.0.1:{}", broker.port());
    let contact = profile("porch-contact");
    let arguments = [
        "simulate",
        &contact,
        "--broker",
        &to,
        "--interval-ms",
        "10",
        "--count",
        "4",
    ];
    let said = run(&[&arguments[..], &["--steady"]].concat()).await?;
    ensure!(
        said.code == 0 && said.err.contains("published 4 message(s)"),
        "{said:?}"
    );
    for line in said.out.lines() {
        let message = listener.receive(SOON).await?;
        assert_eq!(
            line,
            format!(
                "{} {}",
                message.topic,
                String::from_utf8_lossy(&message.payload)
            )
        );
    }
    let seeded = [&arguments[..], &["--seed", "7"]].concat();
    assert_eq!(run(&seeded).await?.out, run(&seeded).await?.out);

    let said = run(&["simulate", &contact]).await?;
    ensure!(said.code == 2 && said.err.contains("--broker"), "{said:?}");
    workspace.passed()
}

#[tokio::test]
async fn simulate_serves_a_modbus_profile() -> Result<()> {
    let workspace = Workspace::new("simulate-modbus")?;
    let port = free_port()?;
    let address = format!("127.0.0.1:{port}");
    let door = profile("modbus-door-controller");
    let arguments = [
        "simulate",
        &door,
        "--modbus-listen",
        &address,
        "--interval-ms",
        "20",
    ];
    let mut server = Process::start(Start {
        name: "simulate".into(),
        program: built_program("edge-agent")?,
        arguments: arguments.map(str::to_owned).into(),
        environment: Vec::new(),
        log: workspace.join("simulate.log"),
    })?;
    // Both samples are shown: closed and locked, and forced open.
    for shown in [0b0000_0000, 0b0000_0101] {
        eventually("a sample to be shown", SOON, async || {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
            stream
                .write_all(&[0, 9, 0, 0, 0, 6, 1, 2, 0, 0, 0, 5])
                .await
                .ok()?;
            let mut reply = [0; 10];
            stream.read_exact(&mut reply).await.ok()?;
            (reply == [0, 9, 0, 0, 0, 4, 1, 2, 1, shown]).then_some(())
        })
        .await?;
    }
    let ended = server.terminate(SOON)?;
    ensure!(ended.success(), "{ended}");
    workspace.passed()
}
