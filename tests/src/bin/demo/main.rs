//! The demo: starts a broker, a hub, an edge agent and a simulated building that speaks the real
//! protocols, and plays a story. With `--once` it plays at speed, checks that exactly the expected cases
//! exist, prints them, and ends with 0 or 1.
//!
//! It must never need root, a fixed port, or anything but loopback. Its data is thrown away at the next
//! start.

mod expected;
mod house;
mod story;
mod table;

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use e2e::building::{GATEWAY, SITE};
use e2e::line::random_password;
use e2e::paths::repository;
use e2e::{Agent, Broker, Hub, ModbusSim, Officer, Workspace};

use crate::house::House;
use crate::story::Stage;

/// How fast `--once` plays.
const ONCE_SPEED: f64 = 10.0;

/// Plays a story in a simulated building, from the sensors to the duty officer's screen.
#[derive(Debug, Parser)]
struct Arguments {
    /// Play at speed, check the cases, and end with 0 or 1.
    #[arg(long)]
    once: bool,
    /// How many times faster than real time to play; 1 when not given, 10 with --once.
    #[arg(long)]
    speed: Option<f64>,
    /// After a good --once, run this shell command with GRIDWATCH_URL, GRIDWATCH_USER and
    /// GRIDWATCH_PASSWORD of the hub that is still running, and fail when it fails.
    #[arg(long, value_name = "COMMAND", requires = "once")]
    then: Option<String>,
}

/// Everything that runs.
#[derive(Debug)]
pub(crate) struct Demo {
    pub(crate) broker: Broker,
    pub(crate) hub: Hub,
    pub(crate) agent: Agent,
    pub(crate) modbus: ModbusSim,
    pub(crate) officer: Officer,
    pub(crate) password: String,
    pub(crate) workspace: Workspace,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = tokio::select! {
        outcome = play(&arguments) => outcome,
        _ = tokio::signal::ctrl_c() => {
            println!("\nStopped.");
            return ExitCode::SUCCESS;
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn play(arguments: &Arguments) -> Result<()> {
    let default = if arguments.once { ONCE_SPEED } else { 1.0 };
    let speed = arguments.speed.unwrap_or(default);
    anyhow::ensure!(
        (1.0..=60.0).contains(&speed),
        "--speed must be between 1 and 60"
    );
    let workspace = if arguments.once {
        Workspace::new("demo")?
    } else {
        fresh_folder()?
    };
    let mut demo = start(workspace, speed).await?;
    let watching = story::watch(&demo.officer).await?;
    let mut house = House::open(demo.broker.port()).await?;
    let mut stage = Stage::new(speed);
    story::play(&mut demo, &mut house, &mut stage).await?;
    let result = expected::check(&mut demo).await;
    if arguments.once {
        watching.abort();
        result?;
        if let Some(command) = &arguments.then {
            run_then(&demo, command).await?;
        }
        println!("\nExactly the expected cases exist; nothing was lost, nothing was doubled.");
        return demo.workspace.passed();
    }
    if let Err(error) = result {
        println!("\nThe cases are not as expected: {error:#}");
    }
    println!("\nThe story is over; the building goes on living. Ctrl-C ends it.");
    story::live_on(&demo, &mut house, &mut stage).await
}

/// Runs a command against the hub of the demo.
async fn run_then(demo: &Demo, command: &str) -> Result<()> {
    println!("\n$ {command}");
    let status = tokio::process::Command::new("/bin/sh")
        .args(["-c", command])
        .env("GRIDWATCH_URL", demo.hub.address())
        .env("GRIDWATCH_USER", "duty")
        .env("GRIDWATCH_PASSWORD", &demo.password)
        .status()
        .await
        .context("starting the command")?;
    anyhow::ensure!(status.success(), "`{command}` failed: {status}");
    Ok(())
}

/// `demo-data` in the repository, empty.
fn fresh_folder() -> Result<Workspace> {
    let folder = repository().join("demo-data");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).context("removing the data of the last demo")?;
    }
    std::fs::create_dir_all(&folder).context("making the folder of the demo")?;
    let workspace = Workspace::at(folder);
    workspace.keep();
    Ok(workspace)
}

async fn start(workspace: Workspace, speed: f64) -> Result<Demo> {
    println!("Starting Mosquitto, a hub and an edge agent on loopback …");
    let broker = Broker::start(&workspace).await?;
    let modbus = ModbusSim::start().await?;
    // Plain HTTP on loopback: a browser would warn of the hub's own certificate authority.
    let mut hub = Hub::make(&workspace, toml::toml! { tls = false })?;
    let join = hub.add_gateway(GATEWAY, SITE, hub.port())?;
    let (duty, supervisor) = (random_password(), random_password());
    hub.add_officer("duty", "duty_officer", "值班员 Duty officer", &duty)?;
    hub.add_officer("supervisor", "supervisor", "督办员 Supervisor", &supervisor)?;
    hub.start().await?;
    println!("\n  Console     {}", hub.address());
    println!("  Duty officer   user `duty`        password `{duty}`");
    println!("  Supervisor     user `supervisor`  password `{supervisor}`");
    println!("  Broker         127.0.0.1:{}", broker.port());
    println!("  Data and logs  {}\n", workspace.path().display());
    let officer = hub.sign_in("duty", &duty).await?;
    house::quiet(&modbus);
    let building = house::building(modbus.port(), speed);
    let mut agent = Agent::make(&workspace, &building, &join, broker.port())?;
    agent.start().await?;
    agent.wait_subscribed(broker.port()).await?;
    Ok(Demo {
        broker,
        hub,
        agent,
        modbus,
        officer,
        password: duty,
        workspace,
    })
}
