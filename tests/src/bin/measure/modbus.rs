//! The Modbus bus: how late polls are with one of eight units dead, over separate connections, one shared
//! connection and a serial line; and whether a value ever comes from another register when units delay,
//! drop, cut, garble, repeat, and answer with what was asked before.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::eventually;
use e2e::modbus::{Bus, BusLine, BusUnit, Manner, ModbusSim};
use e2e::storm::seed;

const UNITS: u8 = 8;
const DEAD: u8 = 4;

/// Name, transport, connection.
const LINES: [(&str, &str, Option<&str>); 3] = [
    ("separate", "tcp", Some("per_unit")),
    ("shared", "tcp", Some("shared")),
    ("serial", "rtu_over_tcp", None),
];

pub(crate) async fn measure(seconds: u64, reads: u64) -> Result<()> {
    lateness(seconds).await?;
    println!();
    wrong_values(reads).await
}

async fn start(name: &str, interval_ms: u32, timeout_ms: u32) -> Result<(Bus, Vec<ModbusSim>)> {
    let (mut sims, mut lines) = (Vec::new(), Vec::new());
    for (name, transport, connection) in LINES {
        let sim = if connection.is_some() {
            ModbusSim::start().await?
        } else {
            ModbusSim::start_rtu().await?
        };
        (1..=UNITS).for_each(|unit| sim.set_encoded(unit, 200));
        lines.push(BusLine {
            name,
            transport,
            connection,
            port: sim.port(),
            timeout_ms,
            interval_ms,
            units: UNITS,
        });
        sims.push(sim);
    }
    if name == "lateness" {
        sims.iter()
            .for_each(|sim| sim.set_manner(DEAD, Manner::Silent));
    }
    Ok((Bus::start(&format!("measure-{name}"), &lines).await?, sims))
}

/// Eight units of 100 registers each second on each of three lines, one unit of each dead.
async fn lateness(seconds: u64) -> Result<()> {
    let (bus, _sims) = start("lateness", 1_000, 500).await?;
    for (line, ..) in LINES {
        eventually("the breaker to open", Duration::from_secs(60), async || {
            let units = bus.units(line).await.ok()?;
            units.iter().any(|unit| unit.open).then_some(())
        })
        .await?;
    }
    // What the agent publishes is of the last minute: let what was before leave it.
    tokio::time::sleep(Duration::from_secs(61)).await;
    let mut before = Vec::new();
    for (line, ..) in LINES {
        before.push(bus.units(line).await?);
    }
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    println!(
        "line      units  dead  polls each  due  missed  late p50 ms  late p99 ms  late max ms  probes"
    );
    for ((line, ..), before) in LINES.iter().zip(before) {
        let after = bus.units(line).await?;
        report(line, seconds, &before, &after)?;
    }
    bus.check_values().await?;
    bus.passed()
}

fn report(line: &str, seconds: u64, before: &[BusUnit], after: &[BusUnit]) -> Result<()> {
    let (mut fewest, mut missed, mut late, mut probes) = (u64::MAX, 0, [0.0_f64; 3], 0);
    for (before, after) in before.iter().zip(after) {
        if after.number == DEAD {
            probes = after.probes - before.probes;
            ensure!(after.answered == 0, "the dead unit gave readings");
            continue;
        }
        fewest = fewest.min(after.answered - before.answered);
        missed += after.missed - before.missed;
        // The worst unit of the line.
        for (worst, of_unit) in late.iter_mut().zip(after.late_ms) {
            *worst = worst.max(of_unit);
        }
    }
    println!(
        "{line:8}  {UNITS:5}  {:4}  {fewest:10}  {seconds:3}  {missed:6}  {:11.2}  {:11.2}  {:11.2}  {probes:6}",
        1, late[0], late[1], late[2]
    );
    ensure!(missed == 0, "polls were left out");
    Ok(())
}

/// A tenth of all answers wrong in one way or another, until there were `reads` requests on each line.
async fn wrong_values(reads: u64) -> Result<()> {
    let seed = seed();
    println!("GRIDWATCH_SEED={seed}");
    let (bus, sims) = start("wrong-values", 50, 60).await?;
    for sim in &sims {
        sim.set_seed(seed);
        (1..=UNITS).for_each(|unit| sim.set_manner(unit, Manner::Random(10)));
    }
    let total = |sim: &ModbusSim, count: fn(&ModbusSim, u8) -> u64| -> u64 {
        (1..=UNITS).map(|unit| count(sim, unit)).sum()
    };
    eventually("all reads", Duration::from_secs(1_800), async || {
        let all = sims
            .iter()
            .all(|sim| total(sim, ModbusSim::requests) >= reads);
        all.then_some(())
    })
    .await?;
    // Fails with their number when there were any.
    let values = bus.check_values().await?;
    println!("line      reads   answered wrongly or not at all  polls with readings");
    for ((line, ..), sim) in LINES.iter().zip(&sims) {
        let polls: u64 = bus
            .units(line)
            .await?
            .iter()
            .map(|unit| unit.answered)
            .sum();
        println!(
            "{line:8}  {:6}  {:30}  {polls:19}",
            total(sim, ModbusSim::requests),
            total(sim, ModbusSim::wrong),
        );
    }
    println!("values {values}, of another register 0");
    bus.passed().context("panics")
}
