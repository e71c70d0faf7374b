//! `simulate`: plays the golden samples of a profile as if the device were there: MQTT profiles are
//! published to a broker, Modbus profiles served by a small Modbus TCP server.
//!
//! Numbers move a little within their range where the profile still reads the varied sample as it
//! reads the golden one; states are played as they stand, so that nothing alarms that the profile does
//! not show.

mod modbus;
mod vary;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context;
use gridwatch_decode::profile::{Matcher, Profile};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tokio::net::TcpListener;

use super::broker::{Address, BrokerArguments, Login, Publisher};
use super::common::{read_file, say, stop_signal, wrong_usage};
use vary::Samples;

const EXAMPLES: &str = "Examples:
  edge-agent simulate configs/devices/airgradient.toml --broker 127.0.0.1
  edge-agent simulate configs/devices/wirenboard-mqtt.toml --broker 127.0.0.1:1884 --count 10 --interval-ms 200
  edge-agent simulate configs/devices/modbus-door-controller.toml --modbus-listen 127.0.0.1:1502

A golden sample that shows an alarm raises one at an agent that listens. Stop with Ctrl-C.

Exit codes: 0 played, 1 the profile has nothing to play, 2 wrong usage, 70 failed";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct SimulateArgs {
    /// Device profile.
    profile: PathBuf,
    /// Broker to publish to, for an MQTT profile.
    #[arg(long, value_name = "HOST[:PORT]", conflicts_with = "modbus_listen")]
    broker: Option<Address>,
    #[command(flatten)]
    login: Login,
    /// Address to serve on, for a Modbus profile; port 0 takes a free one and prints it.
    #[arg(long, value_name = "ADDRESS:PORT")]
    modbus_listen: Option<SocketAddr>,
    /// From one sample to the next, in milliseconds.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..))]
    interval_ms: u64,
    /// Stop after this many samples; without it, at Ctrl-C.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Play the samples exactly as they stand.
    #[arg(long)]
    steady: bool,
    /// Seed of the variation, to play the same again.
    #[arg(long)]
    seed: Option<u64>,
}

pub(super) async fn run(args: &SimulateArgs) -> anyhow::Result<ExitCode> {
    let text = String::from_utf8_lossy(&read_file(&args.profile)?).into_owned();
    let profile = match Profile::parse(&text) {
        Ok(profile) => profile,
        Err(problems) => {
            for problem in problems {
                eprintln!(
                    "edge-agent: profile `{}`: {problem}",
                    args.profile.display()
                );
            }
            return Ok(super::common::exit(false));
        }
    };
    let is_modbus = matches!(profile.matcher, Matcher::Modbus);
    let samples = Samples::of(profile, &text).context("reading the golden samples")?;
    if samples.is_empty() {
        eprintln!(
            "edge-agent: profile `{}` has no golden sample to play; write one as [[golden]]",
            args.profile.display()
        );
        return Ok(super::common::exit(false));
    }
    let seed = args.seed.unwrap_or_else(rand::random);
    let mut player = Player {
        random: StdRng::seed_from_u64(seed),
        samples,
        number: 0,
    };
    eprintln!(
        "{} golden sample(s), every {} ms, seed {seed}",
        player.samples.len(),
        args.interval_ms
    );
    match (is_modbus, &args.broker, args.modbus_listen) {
        (false, Some(broker), _) => publish(args, broker.clone(), &mut player).await,
        (true, _, Some(address)) => serve(args, address, &mut player).await,
        (false, None, _) => Ok(wrong_usage(
            "it is an MQTT profile: say where to publish with --broker HOST[:PORT]",
        )),
        (true, _, None) => Ok(wrong_usage(
            "it is a Modbus profile: say where to serve it with --modbus-listen ADDRESS:PORT",
        )),
    }
}

struct Player {
    samples: Samples,
    random: StdRng,
    number: usize,
}

impl Player {
    fn is_over(&self, args: &SimulateArgs) -> bool {
        args.count.is_some_and(|count| self.number as u64 >= count)
    }

    /// Number of the next sample, round and round.
    fn next(&mut self) -> usize {
        let index = self.number % self.samples.len().max(1);
        self.number += 1;
        index
    }
}

async fn publish(
    args: &SimulateArgs,
    broker: Address,
    player: &mut Player,
) -> anyhow::Result<ExitCode> {
    let broker = BrokerArguments::at(broker, args.login.clone());
    let mut publisher = Publisher::start(&broker, "simulate").await?;
    let stop = stop_signal()?;
    tokio::pin!(stop);
    let mut beat = tokio::time::interval(Duration::from_millis(args.interval_ms));
    while !player.is_over(args) {
        tokio::select! {
            _ = beat.tick() => {}
            () = &mut stop => break,
        }
        let index = player.next();
        let now = jiff::Timestamp::now();
        let Some((topic, payload)) =
            player
                .samples
                .message(index, args.steady, now, &mut player.random)
        else {
            continue;
        };
        say(format_args!(
            "{topic} {}",
            String::from_utf8_lossy(&payload)
        ))?;
        publisher.publish(&topic, false, payload).await?;
    }
    let count = publisher.finish().await?;
    eprintln!("published {count} message(s)");
    Ok(ExitCode::SUCCESS)
}

async fn serve(
    args: &SimulateArgs,
    address: SocketAddr,
    player: &mut Player,
) -> anyhow::Result<ExitCode> {
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!("listening on {address}; ports below 1024 need rights, 1502 is usual for tests")
    })?;
    say(format_args!(
        "serving Modbus TCP on {}, any unit",
        listener.local_addr()?
    ))?;
    let memory = Arc::new(Mutex::new(Vec::new()));
    let server = tokio::spawn(modbus::serve(listener, memory.clone()));
    let stop = stop_signal()?;
    tokio::pin!(stop);
    let mut beat = tokio::time::interval(Duration::from_millis(args.interval_ms));
    loop {
        tokio::select! {
            _ = beat.tick() => {}
            () = &mut stop => break,
        }
        if player.is_over(args) {
            break;
        }
        let index = player.next();
        let blocks = player
            .samples
            .registers(index, args.steady, &mut player.random);
        say(format_args!("sample `{}`", player.samples.name(index)))?;
        *modbus::lock(&memory) = blocks;
    }
    server.abort();
    Ok(ExitCode::SUCCESS)
}
