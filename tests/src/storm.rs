//! An alarm storm while the agent or the hub is killed without warning again and again: afterwards every
//! alarm that a sensor published is exactly one case.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::building::{Building, GATEWAY, detector};
use crate::eventually;
use crate::line::{Line, LineOptions, PATIENCE};
use crate::zigbee::device_id;

/// Who is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Victim {
    /// The edge agent.
    Agent,
    /// The hub.
    Hub,
}

/// What to do.
#[derive(Debug, Clone, Copy)]
pub struct Storm {
    /// Alarms, each of a detector of its own.
    pub alarms: usize,
    /// Kills at random moments among them.
    pub kills: usize,
    /// Who is killed.
    pub victim: Victim,
    /// Makes the random moments.
    pub seed: u64,
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// Alarms that the broker acknowledged to the sensors.
    pub published: usize,
    /// Kills that happened.
    pub kills: usize,
    /// From the first alarm to the last case.
    pub took: Duration,
}

/// Seed of this run: `GRIDWATCH_SEED`, else a random one. Print it, so that a failure can be played again.
#[must_use]
pub fn seed() -> u64 {
    let given = std::env::var("GRIDWATCH_SEED").ok();
    given
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| u64::from(rand::random::<u32>()))
}

/// How many kills and alarms a test plays: few by default, all with `GRIDWATCH_KILLS=50`.
#[must_use]
pub fn kills_and_alarms() -> (usize, usize) {
    let given = std::env::var("GRIDWATCH_KILLS").ok();
    match given.and_then(|text| text.parse::<usize>().ok()) {
        Some(kills) => (kills, kills * 10),
        None => (5, 100),
    }
}

/// Plays a storm and checks its end.
///
/// # Errors
/// When an alarm was lost or has a second case; says which.
pub async fn play(name: &str, storm: Storm) -> Result<Outcome> {
    let building = Building::new().smoke_detectors("d", storm.alarms);
    let options = LineOptions {
        building,
        ..LineOptions::default()
    };
    let mut line = Line::start(name, options).await?;
    let mut zigbee = line.zigbee().await?;
    let mut random = StdRng::seed_from_u64(storm.seed);
    let moments = kill_moments(&mut random, storm);
    let start = Instant::now();
    let mut kills = 0;
    for number in 0..storm.alarms {
        let name = detector("d", number);
        // Sensors repeat themselves: one to three deliveries.
        for _ in 0..random.random_range(1..=3) {
            zigbee.smoke(&name, true).await?;
        }
        if moments.contains(&number) {
            tokio::time::sleep(Duration::from_micros(random.random_range(0..60_000))).await;
            kill(&mut line, storm.victim)?;
            kills += 1;
        }
        tokio::time::sleep(Duration::from_micros(random.random_range(0..40_000))).await;
    }
    line.wait_cases(storm.alarms).await?;
    line.wait_drained().await?;
    let took = start.elapsed();
    let devices: Vec<String> = (0..storm.alarms)
        .map(|number| device_id(&detector("d", number)))
        .collect();
    line.check_one_case_each(&devices).await?;
    check_sequence(&line).await?;
    line.passed()?;
    Ok(Outcome {
        published: storm.alarms,
        kills,
        took,
    })
}

/// The alarms after which somebody is killed.
fn kill_moments(random: &mut StdRng, storm: Storm) -> BTreeSet<usize> {
    let mut moments = BTreeSet::new();
    while moments.len() < storm.kills.min(storm.alarms) {
        moments.insert(random.random_range(0..storm.alarms));
    }
    moments
}

/// Kills and starts again at once; nobody waits until it is ready, so the next kill may come while it starts.
fn kill(line: &mut Line, victim: Victim) -> Result<()> {
    match victim {
        Victim::Agent => line.agent.process()?.start_again(),
        Victim::Hub => line.hub.process()?.start_again(),
    }
}

/// The hub has proved that it holds every message of the gateway.
async fn check_sequence(line: &Line) -> Result<()> {
    let sequence = eventually(
        "the hub to know the gateway's sequence",
        PATIENCE,
        async || {
            let gateway = line.officer.gateway(GATEWAY).await.ok()?;
            let sequence = gateway["sequence"].clone();
            (sequence["contiguous_through"] == sequence["highest"]).then_some(sequence)
        },
    )
    .await?;
    let missing = sequence["missing"].as_array();
    ensure!(
        missing.is_none_or(Vec::is_empty),
        "the hub misses messages: {sequence}"
    );
    Ok(())
}
