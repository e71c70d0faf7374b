//! Device profiles that change while the agent runs: applied without losing a message, or refused whole.

use std::path::Path;

use anyhow::{Result, ensure};
use e2e::building::Building;
use e2e::line::PATIENCE;
use e2e::mqtt::Publisher;
use e2e::{Line, LineOptions, eventually};

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
