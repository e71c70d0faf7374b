//! Measures the line: time from sensor to screen, readings per second, and what survives kills and power
//! cuts. Prints tables; `make bench` runs it with release builds.
//!
//! It must never judge a time: machines differ. It fails when something was lost or doubled.

mod discovery;
mod latency;
mod modbus;
mod throughput;
mod tools;

use std::process::ExitCode;

use anyhow::{Result, ensure};
use clap::{Parser, Subcommand};
use e2e::power_cut::{Synchronous, cut};
use e2e::storm::{Storm, Victim, play, seed};

#[derive(Debug, Parser)]
#[command(about = "Measures the line from sensor to screen")]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// From a sensor's publish to the event at an open live feed, under load.
    Latency {
        /// Alarms to measure.
        #[arg(long, default_value_t = 500)]
        alarms: usize,
        /// Readings a second beside them.
        #[arg(long, default_value_t = 500)]
        readings_per_s: u32,
    },
    /// Devices found from retained inventories when the agent starts.
    Discovery {
        /// Devices in Zigbee2MQTT's inventory.
        #[arg(long, default_value_t = 500)]
        zigbee: usize,
        /// Devices with a Home Assistant discovery message each.
        #[arg(long, default_value_t = 500)]
        home_assistant: usize,
    },
    /// How long `explain` and `check` take.
    Tools,
    /// Readings a second through broker and agent, CPU per reading, memory.
    Throughput {
        /// Messages to publish, one reading each.
        #[arg(long, default_value_t = 200_000)]
        messages: u32,
        /// Sensors they come from.
        #[arg(long, default_value_t = 500)]
        sensors: u32,
    },
    /// Modbus: lateness of polls beside a dead unit, and values from other registers on bad lines.
    Modbus {
        /// How long lateness is measured, after a minute in which the lines settle.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// Reads on each of three bad lines.
        #[arg(long, default_value_t = 10_000)]
        reads: u64,
    },
    /// Agent and hub killed at random moments in a storm of alarms.
    Kills {
        /// Kills of each.
        #[arg(long, default_value_t = 50)]
        kills: usize,
        /// Alarms in each storm.
        #[arg(long, default_value_t = 500)]
        alarms: usize,
    },
    /// Power cuts of the outbox's file system (root).
    PowerCuts {
        /// Cuts with the setting of the product.
        #[arg(long, default_value_t = 50)]
        cuts: u64,
        /// Cuts with the setting that must lose something.
        #[arg(long, default_value_t = 5)]
        control: u64,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.what {
        What::Latency {
            alarms,
            readings_per_s,
        } => latency::measure(alarms, readings_per_s).await,
        What::Discovery {
            zigbee,
            home_assistant,
        } => discovery::measure(zigbee, home_assistant).await,
        What::Tools => tools::measure(),
        What::Throughput { messages, sensors } => throughput::measure(messages, sensors).await,
        What::Modbus { seconds, reads } => modbus::measure(seconds, reads).await,
        What::Kills { kills, alarms } => measure_kills(kills, alarms).await,
        What::PowerCuts { cuts, control } => measure_power_cuts(cuts, control),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("measure: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn measure_kills(kills: usize, alarms: usize) -> Result<()> {
    let seed = seed();
    println!("GRIDWATCH_SEED={seed}");
    println!("killed  kills  alarms  lost  second cases  seconds");
    for (name, victim) in [("agent", Victim::Agent), ("hub", Victim::Hub)] {
        let storm = Storm {
            alarms,
            kills,
            victim,
            seed,
        };
        // Fails with the names of the devices when an alarm was lost or has a second case.
        let outcome = play(&format!("measure-kill-{name}"), storm).await?;
        println!(
            "{name:6}  {:5}  {:6}  {:4}  {:12}  {:7.1}",
            outcome.kills,
            outcome.published,
            0,
            0,
            outcome.took.as_secs_f64()
        );
    }
    Ok(())
}

fn measure_power_cuts(cuts: u64, control: u64) -> Result<()> {
    let seed = seed();
    println!("GRIDWATCH_SEED={seed}");
    println!("synchronous  cuts  acknowledged  lost");
    for (name, synchronous, cuts) in [
        ("full", Synchronous::Full, cuts),
        ("normal", Synchronous::Normal, control),
    ] {
        let (mut acknowledged, mut lost) = (0, 0);
        for round in 0..cuts {
            let outcome = cut(synchronous, seed.wrapping_add(round))?;
            acknowledged += outcome.acknowledged;
            lost += outcome.lost.len();
        }
        println!("{name:11}  {cuts:4}  {acknowledged:12}  {lost:4}");
        match synchronous {
            Synchronous::Full => ensure!(lost == 0, "acknowledged alerts were lost"),
            Synchronous::Normal => ensure!(
                lost > 0 || cuts == 0,
                "the control lost nothing: the rig proves nothing"
            ),
        }
    }
    Ok(())
}
