//! Device profiles that change while the agent runs: applied without losing a message, or refused whole.

use std::path::Path;

use anyhow::{Result, ensure};
use e2e::building::Building;
use e2e::line::PATIENCE;
use e2e::mqtt::Publisher;
use e2e::{Line, LineOptions, ModbusSim, eventually};

/// A profile of detectors that say `word` when there is water.
fn profile(word: &str) -> String {
    format!(
        r#"
schema = 1
id = "porch"
name = {{ zh = "门廊", en = "Porch" }}
source = "made up for this test"
[match]
transport = "mqtt"
topic = "zigbee2mqtt/porch/{{name}}"
payload = "json"
has = ["/say"]
[device]
id = "porch/{{name}}"
[[channels]]
path = "/say"
kind = "water_leak"
type = "enum"
values = [{{ from = "{word}", to = true }}, {{ from = "clear", to = false }}]
"#
    )
}

/// Writes the profile beside its place and moves it there, as an editor does.
fn write(folder: &Path, text: &str) -> Result<()> {
    let new = folder.join("porch.new");
    std::fs::write(&new, text)?;
    Ok(std::fs::rename(new, folder.join("porch.toml"))?)
}

/// Publishes `word` for detectors `from..to`.
async fn say(line: &Line, from: usize, to: usize, word: &str) -> Result<()> {
    let mut publisher = Publisher::connect(line.broker.port(), "porch").await?;
    for number in from..to {
        let payload = format!(r#"{{"say":"{word}"}}"#);
        let topic = format!("zigbee2mqtt/porch/{number:03}");
        publisher.publish(&topic, payload.as_bytes(), false).await?;
    }
    Ok(())
}

#[tokio::test]
async fn changed_profile_is_applied_without_losing_a_message_and_a_broken_one_is_refused()
-> Result<()> {
    let folder = tempfile::tempdir()?;
    write(folder.path(), &profile("smoke"))?;
    let dir = folder.path().display();
    let more = toml::from_str(&format!("[agent]\nprofiles_dir = \"{dir}\"\n"))?;
    let options = LineOptions {
        building: Building::new().with(more),
        ..LineOptions::default()
    };
    let line = Line::start("profiles", options).await?;
    say(&line, 0, 20, "smoke").await?;
    line.wait_cases(20).await?;

    // Messages of both kinds go on while the file changes; each is read by one of the two profiles.
    let applied = || async { line.agent.metrics().await?.get("profiles_applied") };
    let before = applied().await?;
    write(folder.path(), &profile("rauch"))?;
    let mut sent = 20;
    eventually("the changed profile to be applied", PATIENCE, async || {
        say(&line, sent, sent + 1, "clear").await.ok()?;
        sent += 1;
        (applied().await.ok()? > before).then_some(())
    })
    .await?;
    say(&line, 0, 20, "clear").await?;
    say(&line, 200, 220, "rauch").await?;
    line.wait_cases(40).await?;
    let counted = line.agent.metrics().await?.get("readings")?;
    let expected = 20 + (sent - 20) + 20 + 20;
    ensure!(
        counted.to_string() == expected.to_string(),
        "{counted} readings of {expected} messages"
    );

    write(
        folder.path(),
        "schema = 1\nid = \"porch\"\nnonsense = true\n",
    )?;
    eventually("the refusal to be shown", PATIENCE, async || {
        let faults = line.agent.faults().await.ok()?;
        faults
            .contains(&"profiles_refused".to_owned())
            .then_some(())
    })
    .await?;
    say(&line, 300, 305, "rauch").await?;
    line.wait_cases(45).await?;

    write(folder.path(), &profile("humo"))?;
    eventually("the fault to end", PATIENCE, async || {
        let faults = line.agent.faults().await.ok()?;
        (!faults.contains(&"profiles_refused".to_owned())).then_some(())
    })
    .await?;
    say(&line, 400, 405, "humo").await?;
    line.wait_cases(50).await?;
    line.passed()
}

/// A profile of units that tell a leak by the register at `address`.
fn leak_register(address: u16) -> String {
    format!(
        r#"
schema = 1
id = "leak-register"
name = {{ zh = "漏水", en = "Leak" }}
source = "made up for this test"
[match]
transport = "modbus"
[[channels]]
register = {{ table = "input", address = {address}, type = "uint16" }}
kind = "water_leak"
type = "bool"
"#
    )
}

#[tokio::test]
async fn units_are_polled_by_a_changed_profile_without_a_restart() -> Result<()> {
    let folder = tempfile::tempdir()?;
    write(folder.path(), &leak_register(0))?;
    let modbus = ModbusSim::start().await?;
    // Dry at address 0, wet at address 30, which nobody reads yet.
    let mut values = [0; 31];
    values[30] = 1;
    modbus.set_registers(1, &values);
    let dir = folder.path().display();
    let building = Building::new()
        .line("riser", modbus.port(), 300, "per_unit")
        .unit(1, "riser/1", "leak-register", 50)
        .with(toml::from_str(&format!(
            "[agent]\nprofiles_dir = \"{dir}\"\n"
        ))?);
    let options = LineOptions {
        building,
        ..LineOptions::default()
    };
    let line = Line::start("profiles-modbus", options).await?;
    let before = modbus.requests(1);
    eventually("the unit to be polled", PATIENCE, async || {
        (modbus.requests(1) > before + 5).then_some(())
    })
    .await?;
    ensure!(line.officer.cases("open").await?.is_empty());
    write(folder.path(), &leak_register(30))?;
    let cases = line.wait_cases(1).await?;
    ensure!(cases[0].devices == ["riser/1"], "{cases:?}");
    line.passed()
}
