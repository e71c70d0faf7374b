//! `edge-agent walk-test`: the installer's side of a walk test.
//!
//! Asks the running agent over its control channel, prints what it hears, and ends the test on Ctrl-C.
//! It is only a view: the agent runs the test, ends it in time and keeps the record, also when this
//! program is killed. A terminal that is lost ends the test: real alarms count again.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use gridwatch_protocol::{
    CommissioningRecord, DeviceId, Place, Timestamp, WALK_TEST_MINUTES_MAX, WalkTestEnd,
    WalkTestPress, WalkTestResult,
};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use crate::config::Config;
use crate::control::{Event, PressState, Request, SOCKET, records};

/// The test was made and not passed.
const EXIT_NOT_PASSED: u8 = 1;

/// Test what is installed: press the test button of every detector and see whether the hub gets it.
///
/// While the test runs, the devices under test raise test alerts only: they page nobody. An alarm that
/// still stands when the test ends is raised as a real one. Ctrl-C ends the test.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  edge-agent walk-test --config /etc/gridwatch/edge.toml --by \"Zhang Wei\" --minutes 20\n  edge-agent walk-test --config /etc/gridwatch/edge.toml --by \"Zhang Wei\" --device zigbee2mqtt/kitchen-smoke\n\nExit codes: 0 passed, 1 not passed, 64 bad configuration or usage, 70 failed"
)]
pub(super) struct WalkTestArgs {
    /// Configuration file of the running agent.
    #[arg(long, value_name = "FILE")]
    pub(super) config: PathBuf,
    /// Who tests; stands in the record.
    #[arg(long, value_name = "NAME")]
    pub(super) by: String,
    /// The test ends by itself after so many minutes.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=i64::from(WALK_TEST_MINUTES_MAX)))]
    pub(super) minutes: u32,
    /// Test only this device; may be given again. Without it all devices are under test.
    #[arg(long = "device", value_name = "ID")]
    pub(super) devices: Vec<DeviceId>,
    /// Passed only when every configured or life-safety device that can raise an alarm was pressed.
    #[arg(long)]
    pub(super) expect_all: bool,
    /// Print JSON lines instead of text.
    #[arg(long)]
    pub(super) json: bool,
    /// Also write the record to this file.
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
}

/// Runs a walk test on the running agent; the exit code says whether it was passed.
///
/// # Errors
/// When the agent is not running or refuses, or stops in the middle.
pub(super) async fn run(config: &Config, args: &WalkTestArgs) -> anyhow::Result<ExitCode> {
    let mut line = Line::connect(&config.state_dir).await?;
    let start = Request::WalkTestStart {
        by: args.by.clone(),
        devices: args.devices.iter().cloned().collect(),
        minutes: args.minutes,
        expect_all: args.expect_all,
    };
    line.ask(&start).await?;
    let started = line.next().await?;
    show(&started, args.json)?;
    match started {
        Event::Started { .. } => {}
        Event::Refused { detail } => bail!("the agent refused: {detail}"),
        other => bail!("the agent answered something else: {other:?}"),
    }
    line.ask(&Request::WalkTestStatus).await?;
    let (record, file) = follow(&mut line, config, args.json).await?;
    if let Some(out) = &args.out {
        records::write_whole(out, &record)
            .with_context(|| format!("writing the record to `{}`", out.display()))?;
    }
    if !args.json {
        print!("{}", summary(&record, file.as_deref()));
    }
    Ok(match record.result {
        WalkTestResult::Passed => ExitCode::SUCCESS,
        WalkTestResult::Incomplete | WalkTestResult::Failed => ExitCode::from(EXIT_NOT_PASSED),
    })
}

/// Prints what happens until the test has ended; the first signal ends it, further ones wait with it.
async fn follow(
    line: &mut Line,
    config: &Config,
    json: bool,
) -> anyhow::Result<(CommissioningRecord, Option<PathBuf>)> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for Ctrl-C")?;
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let mut hangup = signal(SignalKind::hangup()).context("listening for SIGHUP")?;
    loop {
        // `next` is cancel-safe: a line that is not whole stays in the buffer.
        let event = tokio::select! {
            event = line.next() => event.context(
                "the agent stopped: the walk test is over; what it had heard is in the record that the agent keeps",
            )?,
            _ = interrupt.recv() => { end(config).await?; continue }
            _ = terminate.recv() => { end(config).await?; continue }
            _ = hangup.recv() => { end(config).await?; continue }
        };
        show(&event, json)?;
        match event {
            Event::Ended { record, file } => return Ok((*record, file)),
            Event::Idle => bail!("the walk test is over already"),
            Event::Refused { detail } => bail!("the agent refused: {detail}"),
            _ => {}
        }
    }
}

/// Asks for the end over a connection of its own; the stream goes on until the record is there.
async fn end(config: &Config) -> anyhow::Result<()> {
    eprintln!("ending the walk test; waiting at most 10 s for what was pressed last");
    let mut line = Line::connect(&config.state_dir).await?;
    line.ask(&Request::WalkTestEnd).await?;
    match line.next().await? {
        Event::Ending | Event::Idle => Ok(()),
        Event::Refused { detail } => bail!("the agent refused: {detail}"),
        other => bail!("the agent answered something else: {other:?}"),
    }
}

struct Line {
    events: Lines<BufReader<OwnedReadHalf>>,
    requests: OwnedWriteHalf,
}

impl Line {
    async fn connect(state_dir: &Path) -> anyhow::Result<Self> {
        let path = state_dir.join(SOCKET);
        let stream = UnixStream::connect(&path).await.with_context(|| {
            format!(
                "connecting to the agent at `{}`; is it running, and are you its user or root?",
                path.display()
            )
        })?;
        let (reading, requests) = stream.into_split();
        Ok(Self {
            events: BufReader::new(reading).lines(),
            requests,
        })
    }

    async fn ask(&mut self, request: &Request) -> anyhow::Result<()> {
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        self.requests
            .write_all(&line)
            .await
            .context("asking the agent")
    }

    async fn next(&mut self) -> anyhow::Result<Event> {
        let line = self
            .events
            .next_line()
            .await
            .context("reading the agent's answer")?
            .context("the agent closed the connection")?;
        serde_json::from_str(&line).with_context(|| format!("reading the agent's answer `{line}`"))
    }
}

fn show(event: &Event, json: bool) -> anyhow::Result<()> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string(event)?)?;
    } else if let Some(text) = words(event) {
        writeln!(out, "{text}")?;
    }
    // Somebody on a ladder looks at it.
    out.flush()?;
    Ok(())
}

/// What a line says; nothing for what is told elsewhere.
fn words(event: &Event) -> Option<String> {
    match event {
        Event::Started {
            until, expected, ..
        } => Some(format!(
            "walk test until {} UTC, {} device(s) expected; press each test button. Ctrl-C ends the test.\nthe devices under test raise NO REAL ALARM until then",
            time_of_day(*until),
            expected.len()
        )),
        Event::Press { state, press, .. } => press_in_words(*state, press),
        Event::Running { .. }
        | Event::Idle
        | Event::Ending
        | Event::Ended { .. }
        | Event::Refused { .. } => None,
    }
}

fn press_in_words(state: PressState, press: &WalkTestPress) -> Option<String> {
    let hub = match state {
        PressState::Waiting => return None,
        PressState::Late => "NOT ACCEPTED after 10 s, still trying".to_owned(),
        PressState::Accepted => match press.agent_to_hub_ms {
            Some(ms) => seconds(ms),
            None => "accepted".to_owned(),
        },
        PressState::Refused => format!(
            "NOT ACCEPTED, the hub refuses: {}",
            press.refused.as_deref().unwrap_or("no reason given")
        ),
    };
    let sensor = match press.sensor_to_agent_ms {
        Some(ms) => seconds(ms),
        None => "unknown: the device sends no time".to_owned(),
    };
    Some(format!(
        "{} {} ({}) said {}; sensor → agent: {sensor}; agent → hub: {hub}",
        time_of_day(press.received_at),
        press.device,
        place_in_words(&press.place),
        press.kind,
    ))
}

fn summary(record: &CommissioningRecord, file: Option<&Path>) -> String {
    let mut text = String::new();
    let why = match record.ended_because {
        WalkTestEnd::Asked => "ended by the tester",
        WalkTestEnd::Time => "its time is over",
        WalkTestEnd::Restart => "broken off by a restart",
    };
    let devices: std::collections::BTreeSet<_> =
        record.tested.iter().map(|press| &press.device).collect();
    text.push_str(&format!(
        "\n{why}. {} device(s) pressed, {} not pressed\n",
        devices.len(),
        record.missing.len() as u64 + record.missing_not_listed
    ));
    for missing in &record.missing {
        text.push_str(&format!(
            "NOT PRESSED {} ({})\n",
            missing.device,
            place_in_words(&missing.place)
        ));
    }
    for press in record.tested.iter().filter(|p| p.accepted_at.is_none()) {
        text.push_str(&format!(
            "NOT ACCEPTED {} pressed at {}\n",
            press.device,
            time_of_day(press.received_at)
        ));
    }
    text.push_str(match record.result {
        WalkTestResult::Passed => "PASSED\n",
        WalkTestResult::Incomplete => {
            "INCOMPLETE: not everything that had to be pressed was pressed\n"
        }
        WalkTestResult::Failed => "FAILED: a test alarm did not reach the hub\n",
    });
    match file {
        Some(file) => text.push_str(&format!(
            "record {} is kept at `{}` and sent to the hub\n",
            record.id,
            file.parent().unwrap_or(file).display()
        )),
        None => text.push_str("the record could NOT be written on the gateway; use --out\n"),
    }
    text
}

fn place_in_words(place: &Place) -> String {
    let parts = [
        ("building", &place.building),
        ("unit", &place.unit),
        ("floor", &place.floor),
        ("room", &place.room),
    ];
    let said: Vec<String> = parts
        .into_iter()
        .filter_map(|(name, value)| Some(format!("{name} {}", value.as_deref()?)))
        .collect();
    if said.is_empty() {
        "place not configured".to_owned()
    } else {
        said.join(", ")
    }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of an hour")]
fn seconds(ms: i64) -> String {
    format!("{:.2} s", ms as f64 / 1000.0)
}

/// `03:12:09` of `2026-11-22T03:12:09.250Z`; the gateway's clock is told in UTC everywhere.
fn time_of_day(at: Timestamp) -> String {
    let text = at.to_string();
    text.get(11..19).unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests;
