//! Checking, exporting and repairing an outbox, with real damage.

use std::collections::BTreeSet;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::paths::{built_program, repository};
use e2e::process::{Process, Start, run_ok};
use e2e::{Workspace, eventually};
use serde_json::Value;

use crate::tools::{lines, tool};

/// Pages of SQLite have this size unless someone asks for another.
const PAGE: u64 = 4096;
/// What a failing card leaves in one.
const GARBAGE: [u8; 4096] = [0xA5; 4096];

struct Kept {
    workspace: Workspace,
    state: PathBuf,
    config: String,
}

impl Kept {
    /// An outbox with so many alerts.
    fn with(name: &str, count: u32) -> Result<Self> {
        let workspace = Workspace::new(name)?;
        let state = workspace.join("state");
        let config = workspace.join("edge.toml");
        let devices = repository().join("configs/devices");
        std::fs::write(
            &config,
            format!(
                "[agent]\nstate_dir = {state:?}\nprofiles_dir = {devices:?}\n[health]\nlisten = \"\"\n[[mqtt]]\nname = \"none\"\nport = 1\nsubscribe = [\"a/#\"]\n"
            ),
        )?;
        if count > 0 {
            let folder = state.display().to_string();
            std::fs::create_dir_all(&state)?;
            let writer = built_program("examples/outbox_writer")?;
            run_ok(&writer, &[&folder, "--count", &count.to_string()], "")?;
        }
        Ok(Self {
            config: config.display().to_string(),
            workspace,
            state,
        })
    }

    fn file(&self) -> PathBuf {
        self.state.join("outbox.db")
    }

    fn outbox(&self, arguments: &[&str]) -> Result<e2e::process::Said> {
        tool(&[&["outbox"], arguments, &["--config", &self.config]].concat())
    }

    fn verified(&self) -> Result<Value> {
        let said = self.outbox(&["verify", "--json"])?;
        let found = lines(&said.out)?.into_iter().next().context("no answer")?;
        ensure!((found["good"] == true) == (said.code == 0), "{said:?}");
        Ok(found)
    }

    fn exported(&self, arguments: &[&str]) -> Result<Vec<Value>> {
        let said = self.outbox(&[&["export"], arguments].concat())?;
        ensure!(said.code == 0, "{said:?}");
        lines(&said.out)
    }

    /// Overwrites pages as a failing card does.
    fn damage(&self, pages: impl Iterator<Item = u64>) -> Result<Vec<u8>> {
        // Looking leaves an empty one.
        let wal = std::fs::metadata(self.state.join("outbox.db-wal")).map_or(0, |wal| wal.len());
        ensure!(wal == 0, "the WAL would hide the damage");
        let file = std::fs::OpenOptions::new().write(true).open(self.file())?;
        for page in pages {
            file.write_all_at(&GARBAGE, (page - 1) * PAGE)?;
        }
        file.sync_all()?;
        Ok(std::fs::read(self.file())?)
    }

    fn pages(&self) -> Result<u64> {
        Ok(std::fs::metadata(self.file())?.len() / PAGE)
    }
}

fn numbers(exported: &[Value]) -> Vec<u64> {
    exported
        .iter()
        .filter_map(|line| line["alert"]["sequence"].as_u64())
        .collect()
}

fn ids(exported: &[Value]) -> BTreeSet<String> {
    exported
        .iter()
        .map(|line| line["alert"]["id"].to_string())
        .collect()
}

#[test]
fn a_whole_outbox_is_found_whole_and_exported_complete() -> Result<()> {
    let kept = Kept::with("outbox-whole", 60)?;
    let found = kept.verified()?;
    assert_eq!(
        (found["good"].as_bool(), found["alerts"].as_u64()),
        (Some(true), Some(60)),
        "{found}"
    );
    let all = kept.exported(&[])?;
    assert_eq!(numbers(&all), (1..=60).collect::<Vec<u64>>());
    ensure!(
        all.iter()
            .all(|line| line["what"] == "alert" && line["state"]["state"] == "unsent"),
        "{}",
        all[0]
    );
    assert_eq!(kept.exported(&["--what", "alerts", "--unsent"])?.len(), 60);
    assert_eq!(kept.exported(&["--what", "readings"])?.len(), 0);
    assert_eq!(
        kept.exported(&["--until", "2000-01-01T00:00:00Z"])?.len(),
        0
    );
    let kind = all[0]["alert"]["kind"].as_str().context("a kind")?;
    assert_eq!(kept.exported(&["--kind", kind])?.len(), 60);
    assert_eq!(kept.exported(&["--device", "nobody"])?.len(), 0);

    let said = kept.outbox(&["repair"])?;
    ensure!(
        said.code == 0 && said.out.contains("nothing was done"),
        "{said:?}"
    );
    kept.workspace.passed()
}

#[test]
fn a_damaged_page_costs_the_rows_on_it_and_no_others() -> Result<()> {
    let kept = Kept::with("outbox-page", 400)?;
    let before = kept.verified()?;
    let all = ids(&kept.exported(&[])?);
    let middle = kept.pages()? / 2;
    ensure!(middle > 10, "too small to have a middle");
    let damaged = kept.damage(middle..middle + 1)?;
    let found = kept.verified()?;
    ensure!(found["good"] == false, "the damage was not found: {found}");

    let said = kept.outbox(&["repair", "--json"])?;
    ensure!(said.code == 1, "{said:?}");
    let repaired = &lines(&said.out)?[0];
    let saved = repaired["alerts"].as_u64().context("a count")?;
    let lost = repaired["alerts_lost"].as_u64().context("a count")?;
    ensure!(saved >= 350, "{repaired}");
    assert_eq!(saved + lost, 400, "{repaired}");
    let aside = repaired["aside"].as_str().context("a path")?;
    ensure!(
        std::fs::read(aside)? == damaged,
        "the damaged file was changed"
    );

    let after = kept.verified()?;
    ensure!(after["good"] == true, "{after}");
    assert_eq!(after["alerts"].as_u64(), Some(saved));
    let exported = kept.exported(&[])?;
    assert_eq!(
        numbers(&exported),
        (1..=saved).collect::<Vec<u64>>(),
        "numbered anew without gaps"
    );
    ensure!(ids(&exported).is_subset(&all), "alerts keep their ids");
    assert_eq!(repaired["same_stream"].as_bool(), Some(lost == 0));
    assert_eq!(after["stream"] == before["stream"], lost == 0);
    ensure!(
        after["boot_epoch"].as_u64() >= before["boot_epoch"].as_u64(),
        "{after}"
    );
    kept.workspace.passed()
}

#[test]
fn every_third_page_damaged_still_saves_the_rest() -> Result<()> {
    let kept = Kept::with("outbox-many", 400)?;
    let pages = kept.pages()?;
    kept.damage((pages / 3..pages).step_by(3))?;
    let said = kept.outbox(&["repair", "--json"])?;
    ensure!(said.code == 1, "{said:?}");
    let repaired = &lines(&said.out)?[0];
    ensure!(repaired["alerts"].as_u64() >= Some(150), "{repaired}");
    ensure!(kept.verified()?["good"] == true, "{}", kept.verified()?);
    kept.workspace.passed()
}

#[test]
fn a_file_of_which_nothing_is_left_makes_way_for_a_fresh_one() -> Result<()> {
    let kept = Kept::with("outbox-gone", 20)?;
    let damaged = kept.damage(1..2)?;
    let said = kept.outbox(&["verify"])?;
    ensure!(said.code != 0, "{said:?}");
    let said = kept.outbox(&["repair", "--json"])?;
    ensure!(said.code == 1, "{said:?}");
    let repaired = &lines(&said.out)?[0];
    assert_eq!(
        (
            repaired["alerts"].as_u64(),
            repaired["same_stream"].as_bool()
        ),
        (Some(0), Some(false))
    );
    ensure!(
        std::fs::read(repaired["aside"].as_str().context("a path")?)? == damaged,
        "the file was changed"
    );
    ensure!(kept.verified()?["alerts"] == 0, "{}", kept.verified()?);
    kept.workspace.passed()
}

#[tokio::test]
async fn a_running_agent_is_checked_but_not_repaired() -> Result<()> {
    let kept = Kept::with("outbox-running", 5)?;
    let mut agent = Process::start(Start {
        name: "agent".into(),
        program: built_program("edge-agent")?,
        arguments: ["run", "--config", &kept.config].map(str::to_owned).into(),
        environment: Vec::new(),
        log: kept.workspace.join("agent.log"),
    })?;
    eventually("the agent to start", Duration::from_secs(30), async || {
        (kept.verified().ok()?["boot_epoch"].as_u64()? >= 2).then_some(())
    })
    .await?;
    agent.check_running()?;
    ensure!(kept.verified()?["good"] == true, "{}", kept.verified()?);
    ensure!(kept.exported(&[])?.len() >= 5, "alerts are missing");
    let said = kept.outbox(&["repair", "--always"])?;
    ensure!(
        said.code == 1 && said.err.contains("stop it first"),
        "{said:?}"
    );
    agent.terminate(Duration::from_secs(20))?;
    let said = kept.outbox(&["repair", "--always"])?;
    ensure!(
        said.code == 0 && said.out.contains("identity kept"),
        "{said:?}"
    );
    ensure!(has_aside(&kept.state)?, "the old file is gone");
    // The agent may have told that its broker is gone.
    let numbers = numbers(&kept.exported(&["--what", "alerts"])?);
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<u64>>());
    ensure!(numbers.len() >= 5, "alerts are missing");
    kept.workspace.passed()
}

fn has_aside(folder: &Path) -> Result<bool> {
    let mut names = std::fs::read_dir(folder)?.flatten();
    Ok(names.any(|entry| {
        entry
            .file_name()
            .to_string_lossy()
            .starts_with("outbox-damaged-")
    }))
}
