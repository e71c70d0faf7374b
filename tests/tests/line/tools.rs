//! The tools of `edge-agent` for installers and integrators, as programs: what they print, and with
//! which status they end.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use e2e::Workspace;
use e2e::paths::{built_program, repository};
use e2e::process::{Said, run};
use serde_json::{Value, json};

/// Runs `edge-agent` with these arguments.
pub(super) fn tool(arguments: &[&str]) -> Result<Said> {
    let said = run(&built_program("edge-agent")?, arguments, "")?;
    ensure!(
        !said.err.contains("panicked"),
        "{arguments:?}: {}",
        said.err
    );
    Ok(said)
}

/// A shipped profile.
/// A shipped profile, or one that was made up for tests.
pub(super) fn profile(id: &str) -> String {
    let folder = if id.starts_with("porch") {
        "edge-agent/decode/tests/profiles"
    } else {
        "configs/devices"
    };
    let path = repository().join(folder).join(id);
    path.with_extension("toml").display().to_string()
}

/// The JSON lines of an output.
pub(super) fn lines(text: &str) -> Result<Vec<Value>> {
    text.lines()
        .map(|line| serde_json::from_str(line).with_context(|| format!("no JSON: {line}")))
        .collect()
}

fn write(workspace: &Workspace, name: &str, text: &str) -> Result<String> {
    let path = workspace.join(name);
    std::fs::write(&path, text)?;
    Ok(path.display().to_string())
}

#[test]
fn wrong_arguments_end_with_2_and_help_has_examples() -> Result<()> {
    for wrong in [
        &["no-such-command"][..],
        &["decode"],
        &["explain"],
        &["explain", "--topic", "a"],
        &["replay", "x"],
        &["probe", "mqtt", "--seconds", "0"],
        &["record"],
        &["simulate"],
        &["simulate", "p", "--interval-ms", "0"],
        &["outbox", "export", "--config", "x", "--kind", "fire"],
        &["outbox", "export", "--config", "x", "--since", "yesterday"],
        &["init", "--modbus", "nonsense"],
        &["init", "--config", "/nowhere/edge.toml"],
    ] {
        let said = tool(wrong)?;
        ensure!(said.code == 2, "{wrong:?}: {said:?}");
        ensure!(!said.err.is_empty(), "{wrong:?} says nothing");
    }
    for command in [
        &[][..],
        &["init"],
        &["check"],
        &["decode"],
        &["explain"],
        &["probe", "mqtt"],
        &["record"],
        &["replay"],
        &["simulate"],
        &["outbox", "list"],
        &["outbox", "verify"],
        &["outbox", "export"],
        &["outbox", "repair"],
        &["status"],
    ] {
        let mut arguments = command.to_vec();
        arguments.push("--help");
        let said = tool(&arguments)?;
        ensure!(
            said.code == 0 && said.out.contains("Examples:"),
            "{command:?}: {}",
            said.out
        );
    }
    Ok(())
}

#[test]
fn decode_prints_readings_and_goes_on_after_a_broken_case() -> Result<()> {
    let workspace = Workspace::new("decode")?;
    let door = write(
        &workspace,
        "door.json",
        r#"{"id": "door", "modbus": {"registers": [{"table": "discrete", "address": 0, "values": [1, 0, 0, 0, 0]}]}}"#,
    )?;
    let broken = write(&workspace, "broken.json", "{\"id\": 3")?;
    let smoke = write(
        &workspace,
        "smoke.json",
        r#"{"id": "smoke", "messages": [
            {"topic": "porch/hall", "payload": {"smoke": true, "battery": 70}},
            {"topic": "nobody/knows", "payload": "?"}]}"#,
    )?;
    let said = tool(&[
        "decode",
        &broken,
        &door,
        &smoke,
        "--profile",
        &profile("modbus-door-controller"),
        "--profile",
        &profile("porch-smoke"),
    ])?;
    ensure!(said.code == 1, "{said:?}");
    let seen = lines(&said.out)?;
    let brief: Vec<Value> = seen
        .iter()
        .filter(|line| line["kind"] != "other")
        .map(|line| json!([line["id"], line["kind"], line["value"], line["unit"]]))
        .collect();
    assert_eq!(
        brief,
        [
            json!(["door", "door", true, null]),
            json!(["door", "lock", "locked", null]),
            json!(["door", "door_forced", false, null]),
            json!(["door", "door_held", false, null]),
            json!(["door", "tamper", false, null]),
            json!(["smoke", "smoke", true, null]),
            json!(["smoke", "battery", 70.0, "%"]),
        ]
    );
    for line in &seen {
        let keys: Vec<&String> = line.as_object().context("an object")?.keys().collect();
        assert_eq!(keys, ["device", "id", "kind", "time", "unit", "value"]);
    }
    ensure!(
        said.err.contains("broken.json") && said.err.contains("nobody/knows"),
        "{}",
        said.err
    );

    let said = tool(&["decode", &door])?;
    ensure!(said.code == 1 && said.err.contains("--profile"), "{said:?}");
    let said = tool(&[
        "decode",
        &door,
        "--profile",
        &profile("modbus-door-controller"),
    ])?;
    ensure!(said.code == 0, "{said:?}");
    workspace.passed()
}

#[test]
fn explain_says_who_reads_a_message_and_what_it_leaves_alone() -> Result<()> {
    let devices = repository().join("configs/devices").display().to_string();
    let said = tool(&[
        "explain",
        "--profiles",
        &devices,
        "--json",
        "--retained",
        "--topic",
        "zigbee2mqtt/hall",
        "--payload",
        r#"{"smoke":true,"unheard_of":7}"#,
    ])?;
    ensure!(said.code == 0, "{said:?}");
    let explained = &lines(&said.out)?[0];
    assert_eq!(explained["read_by"], "format zigbee2mqtt");
    assert_eq!(explained["readings"][0]["kind"], "smoke");
    ensure!(
        explained["readings"][0]["raises_nothing"].is_string(),
        "{explained}"
    );
    ensure!(
        explained["steps"]
            .as_array()
            .is_some_and(|steps| !steps.is_empty()),
        "{explained}"
    );

    let said = tool(&[
        "explain",
        "--profiles",
        &devices,
        "--topic",
        "plant/pump-3",
        "--payload",
        r#"{"flow":7}"#,
    ])?;
    ensure!(said.code == 1, "{said:?}");
    ensure!(
        said.out.contains("read by: nobody") && said.out.contains("--make-profile"),
        "{}",
        said.out
    );
    Ok(())
}

#[test]
fn a_profile_made_from_a_message_reads_that_message() -> Result<()> {
    let workspace = Workspace::new("make-profile")?;
    let payload = r#"{"ts":1763779200,"leak":"wet","temperature":21.5,"mode":"eco"}"#;
    let message = ["--topic", "plant/cellar-7/up", "--payload", payload];
    let made = tool(&[&["explain", "--make-profile"][..], &message].concat())?;
    ensure!(made.code == 0, "{made:?}");
    ensure!(made.out.contains("# path = \"/mode\""), "{}", made.out);
    let file = write(&workspace, "plant.toml", &made.out)?;
    let said = tool(&[&["explain", "--profile", &file, "--json"][..], &message].concat())?;
    ensure!(said.code == 0, "{said:?}");
    let readings = lines(&said.out)?[0]["readings"].clone();
    let brief: Vec<Value> = readings
        .as_array()
        .context("readings")?
        .iter()
        .map(|r| json!([r["device"], r["kind"], r["value"], r["unit"], r["time"]]))
        .collect();
    let time = "2025-11-22T02:40:00Z";
    assert_eq!(
        brief,
        [
            json!(["plant/cellar-7", "water_leak", true, null, time]),
            json!(["plant/cellar-7", "temperature", 21.5, "°C", time]),
        ]
    );
    workspace.passed()
}

#[test]
fn a_binary_message_is_explained_without_a_profile() -> Result<()> {
    let workspace = Workspace::new("binary")?;
    let path = workspace.join("payload.bin");
    std::fs::write(&path, b"\xff\x00\x01")?;
    let path = path.display().to_string();
    let said = tool(&[
        "explain",
        "--topic",
        "a/b",
        "--payload-file",
        &path,
        "--make-profile",
    ])?;
    ensure!(said.code == 1 && said.err.contains("binary"), "{said:?}");
    workspace.passed()
}

#[test]
fn init_writes_a_configuration_that_check_finds_good_and_never_overwrites() -> Result<()> {
    let workspace = Workspace::new("init")?;
    let config = workspace.join("edge.toml").display().to_string();
    let state = workspace.join("state").display().to_string();
    let devices = repository().join("configs/devices").display().to_string();
    let arguments = [
        "init",
        "--yes",
        "--config",
        &config,
        "--state-dir",
        &state,
        "--profiles",
        &devices,
        "--site",
        "星河花园",
        "--broker",
        "127.0.0.1:1",
        "--subscribe",
        "porch/#",
        "--modbus",
        "192.0.2.10/1=modbus-door-controller",
    ];
    let said = tool(&arguments)?;
    ensure!(said.code == 0 && said.out.contains("good."), "{said:?}");
    let text = std::fs::read_to_string(&config)?;
    ensure!(
        text.contains("星河花园") && text.contains("modbus-door-controller"),
        "{text}"
    );

    let said = tool(&arguments)?;
    ensure!(said.code == 2 && said.err.contains("--force"), "{said:?}");
    assert_eq!(std::fs::read_to_string(&config)?, text);

    let said = tool(&["check", "--config", &config, "--json"])?;
    ensure!(said.code == 0, "{said:?}");
    let found = &lines(&said.out)?[0];
    assert_eq!(found["good"], true);
    ensure!(
        found["found"]["golden_samples"].as_u64() >= Some(10),
        "{found}"
    );
    ensure!(
        !Path::new(&state).exists(),
        "init or check made the state folder"
    );

    std::fs::write(&config, text.replace("state_dir", "state_dri"))?;
    let said = tool(&["check", "--config", &config, "--json"])?;
    ensure!(said.code == 64, "{said:?}");
    ensure!(
        lines(&said.out)?[0]["problems"]
            .to_string()
            .contains("state_dri"),
        "{}",
        said.out
    );
    workspace.passed()
}

/// Where a workspace keeps a file of this name.
pub(super) fn path(workspace: &Workspace, name: &str) -> (PathBuf, String) {
    let path = workspace.join(name);
    let text = path.display().to_string();
    (path, text)
}
