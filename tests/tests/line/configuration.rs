//! Configurations with mistakes: all reported at once, nothing touched.

use anyhow::{Context, Result, ensure};
use e2e::Workspace;
use e2e::paths::{built_program, repository};
use e2e::process::run;

/// Five mistakes of five kinds.
const FIVE_MISTAKES: &str = r#"
[agent]
state_dir = "state"
profiles_dir = "PROFILES"
state_dri = "typing mistake"

[health]
listen = "0.0.0.0:9470"

[rehearsal]
speed = -1.0

[[mqtt]]
name = "zigbee"
subscribe = ["zigbee2mqtt/#/state"]

[[devices]]
id = "zigbee2mqtt/a"
profile = "no-such-profile"
"#;

#[test]
fn five_mistakes_are_five_messages_and_nothing_is_touched() -> Result<()> {
    let workspace = Workspace::new("mistakes")?;
    let profiles = repository().join("configs/devices").display().to_string();
    let config = workspace.join("edge.toml");
    std::fs::write(&config, FIVE_MISTAKES.replace("PROFILES", &profiles))?;
    let path = config.display().to_string();
    let program = built_program("edge-agent")?;
    for command in ["check", "run"] {
        let said = run(&program, &[command, "--config", &path], "")?;
        assert_eq!(said.code, 64, "{said:?}");
        for mistake in [
            "state_dri",
            "0.0.0.0",
            "rehearsal",
            "#/state",
            "no-such-profile",
        ] {
            let lines: Vec<_> = said
                .err
                .lines()
                .filter(|line| line.contains(mistake))
                .collect();
            ensure!(
                lines.len() == 1,
                "one message about `{mistake}` was expected:\n{}",
                said.err
            );
        }
        ensure!(!said.err.contains("panicked"), "{}", said.err);
    }
    let left: Vec<_> = std::fs::read_dir(workspace.path())?.flatten().collect();
    ensure!(
        left.len() == 1,
        "something was made beside the configuration: {left:?}"
    );
    workspace.passed()
}

#[test]
fn a_wrong_type_does_not_hide_the_other_mistakes() -> Result<()> {
    let workspace = Workspace::new("types")?;
    let config = workspace.join("edge.toml");
    let text = "[outbox]\nkeep_accepted_days = -1\n[health]\nlisten = \"0.0.0.0:1\"\n[mqqt]\n";
    std::fs::write(&config, text)?;
    let path = config.to_str().context("a plain path")?;
    let said = run(
        &built_program("edge-agent")?,
        &["check", "--config", path],
        "",
    )?;
    assert_eq!(said.code, 64, "{said:?}");
    for mistake in ["keep_accepted_days", "0.0.0.0", "mqqt"] {
        ensure!(
            said.err.contains(mistake),
            "no message about `{mistake}`:\n{}",
            said.err
        );
    }
    workspace.passed()
}

#[test]
fn a_configuration_that_is_no_toml_says_where() -> Result<()> {
    let workspace = Workspace::new("no-toml")?;
    let config = workspace.join("edge.toml");
    std::fs::write(&config, "[agent]\nstate_dir = \n")?;
    let path = config.to_str().context("a plain path")?;
    let said = run(
        &built_program("edge-agent")?,
        &["check", "--config", path],
        "",
    )?;
    assert_eq!(said.code, 64, "{said:?}");
    ensure!(
        said.err.contains("edge.toml") && said.err.contains('2'),
        "{}",
        said.err
    );
    workspace.passed()
}

#[test]
fn the_hub_reports_all_mistakes_of_its_configuration_at_once() -> Result<()> {
    let workspace = Workspace::new("hub-mistakes")?;
    let config = workspace.join("hub.toml");
    std::fs::write(
        &config,
        "listen = \"nowhere\"\nareas = \"no-areas.toml\"\nsitse = \"x\"\n",
    )?;
    let path = config.to_str().context("a plain path")?;
    let said = run(&built_program("hub")?, &["check", "--config", path], "")?;
    ensure!(said.code != 0, "{said:?}");
    let all = format!("{}{}", said.out, said.err);
    for mistake in ["listen", "no-areas.toml", "sitse"] {
        ensure!(
            all.contains(mistake),
            "no message about `{mistake}`:\n{all}"
        );
    }
    workspace.passed()
}
