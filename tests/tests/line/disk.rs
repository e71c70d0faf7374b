//! Disks that are full, and disks that lose what was not synced. Both need a mount, and so root.

use std::path::Path;

use anyhow::{Result, ensure};
use e2e::building::{Building, detector};
use e2e::line::PATIENCE;
use e2e::paths::is_root;
use e2e::power_cut::{Synchronous, cut};
use e2e::process::run_ok;
use e2e::storm::seed;
use e2e::zigbee::device_id;
use e2e::{Line, LineOptions, eventually};

/// Whether a test that needs root can run. Under CI it must; elsewhere it says so and is not run.
fn root_or_say_so(test: &str) -> Result<bool> {
    if is_root() {
        return Ok(true);
    }
    ensure!(
        std::env::var_os("CI").is_none(),
        "{test} needs root, and CI must run it"
    );
    println!("NOT RUN: {test} needs root to mount a small disk");
    Ok(false)
}

#[tokio::test]
async fn with_a_full_disk_alarms_still_arrive() -> Result<()> {
    if !root_or_say_so("with_a_full_disk_alarms_still_arrive")? {
        return Ok(());
    }
    let disk = e2e::small_disk::SmallDisk::mount("full", 24)?;
    let options = LineOptions {
        building: Building::new().smoke_detectors("d", 40),
        agent_state: Some(disk.path().join("state")),
        ..LineOptions::default()
    };
    let line = Line::start("full-disk", options).await?;
    fill(&disk.path().join("foreign"))?;
    let mut zigbee = line.zigbee().await?;
    for number in 0..40 {
        zigbee.smoke(&detector("d", number), true).await?;
    }
    line.wait_cases(40).await?;
    std::fs::remove_file(disk.path().join("foreign"))?;
    eventually("the fault to be over", PATIENCE, async || {
        let faults = line.agent.faults().await.ok()?;
        (!faults.iter().any(|code| code == "disk_full")).then_some(())
    })
    .await?;
    let devices: Vec<String> = (0..40).map(|n| device_id(&detector("d", n))).collect();
    line.check_one_case_each(&devices).await?;
    line.passed()?;
    disk.unmount()
}

/// Writes until the disk has no room left.
fn fill(file: &Path) -> Result<()> {
    let command = format!(
        "cat /dev/zero > '{}' 2>/dev/null || true; sync",
        file.display()
    );
    run_ok(Path::new("/bin/sh"), &["-c", &command], "")?;
    Ok(())
}

#[test]
fn a_power_cut_loses_no_alert_that_was_acknowledged() -> Result<()> {
    if !root_or_say_so("a_power_cut_loses_no_alert_that_was_acknowledged")? {
        return Ok(());
    }
    let seed = seed();
    println!("GRIDWATCH_SEED={seed}");
    for round in 0..3 {
        let outcome = cut(Synchronous::Full, seed + round)?;
        ensure!(
            outcome.acknowledged > 0,
            "nothing was acknowledged before the cut"
        );
        ensure!(outcome.lost.is_empty(), "lost {:?}", outcome.lost);
    }
    Ok(())
}

#[test]
fn the_power_cut_rig_really_cuts() -> Result<()> {
    if !root_or_say_so("the_power_cut_rig_really_cuts")? {
        return Ok(());
    }
    let seed = seed();
    println!("GRIDWATCH_SEED={seed}");
    // A cut right after SQLite has synced on its own account loses nothing; not all of them can be that.
    for round in 0..10 {
        if !cut(Synchronous::Normal, seed + round)?.lost.is_empty() {
            return Ok(());
        }
    }
    anyhow::bail!("without syncing nothing was lost in 10 cuts: the rig proves nothing");
}
