//! `replay`: plays a record to a broker with its timing, or through the decoder without one.

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use gridwatch_decode::case::{CaseMessage, CaseReading};
use gridwatch_decode::{Message, Output};
use gridwatch_protocol::Timestamp;
use serde::{Deserialize, Serialize};

use super::broker::{Address, BrokerArguments, Login, Publisher};
use super::common::{ProfileArguments, exit, say, stop_signal};

const EXAMPLES: &str = "Examples:
  edge-agent replay night.jsonl --decode --profiles configs/devices
  edge-agent replay night.jsonl --to 127.0.0.1:1884 --speed 60
  edge-agent replay night.jsonl --to test-broker --speed 0

Played to the broker of a working agent, recorded alarms are alarms: use a broker of your own, or set
the record's devices apart. --speed 0 plays as fast as the broker takes it.

Exit codes: 0 played, 1 a line or a message could not be read, 2 wrong usage, 70 failed";

/// Longer lines are no lines of a record.
const LINE_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// With --decode the record begins at this time, the same for every run: 2027-01-15 in UTC.
const BEGIN_MS: i64 = 1_800_000_000_000;

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ReplayArgs {
    /// Record made by `edge-agent record`.
    file: PathBuf,
    /// Broker to play to.
    #[arg(long, value_name = "HOST[:PORT]", required_unless_present = "decode")]
    to: Option<Address>,
    #[command(flatten)]
    login: Login,
    /// Factor of the speed; 0 is as fast as possible.
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
    /// Publish what was retained as plain messages, so that no state is left at the broker.
    #[arg(long)]
    no_retain: bool,
    /// Print the readings instead of publishing; needs no broker.
    #[arg(long, conflicts_with = "to")]
    decode: bool,
    #[command(flatten)]
    profiles: ProfileArguments,
}

/// One line of a record.
#[derive(Deserialize)]
struct Line {
    ms: u64,
    #[serde(flatten)]
    message: CaseMessage,
}

/// A reading with when it came.
#[derive(Serialize)]
struct Played<'a> {
    id: &'a str,
    ms: u64,
    #[serde(flatten)]
    reading: CaseReading,
}

pub(super) async fn run(args: &ReplayArgs) -> anyhow::Result<ExitCode> {
    if !args.speed.is_finite() || args.speed < 0.0 {
        return Ok(super::common::wrong_usage(
            "--speed must be 0 or more; 2 is twice as fast, 0 as fast as possible",
        ));
    }
    let record = Record::open(args)?;
    match &args.to {
        Some(address) if !args.decode => publish(args, address.clone(), record).await,
        _ => decode(args, record),
    }
}

/// The lines of a record, one at a time: a record can be larger than the memory.
struct Record {
    name: String,
    reader: BufReader<File>,
    number: u64,
    broken: u64,
}

impl Record {
    fn open(args: &ReplayArgs) -> anyhow::Result<Self> {
        let file =
            File::open(&args.file).with_context(|| format!("opening `{}`", args.file.display()))?;
        Ok(Self {
            name: args.file.display().to_string(),
            reader: BufReader::new(file),
            number: 0,
            broken: 0,
        })
    }

    /// The next line that can be read; the others are told.
    fn next(&mut self) -> anyhow::Result<Option<(Line, Vec<u8>)>> {
        loop {
            let mut text = Vec::new();
            let mut part = (&mut self.reader).take(LINE_BYTES_MAX);
            let count = part
                .read_until(b'\n', &mut text)
                .with_context(|| format!("reading `{}`", self.name))?;
            if count == 0 {
                return Ok(None);
            }
            self.number += 1;
            if text.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            if count as u64 >= LINE_BYTES_MAX && !text.ends_with(b"\n") {
                bail!(
                    "{} line {}: longer than {LINE_BYTES_MAX} bytes; is it a record?",
                    self.name,
                    self.number
                );
            }
            let line = serde_json::from_slice::<Line>(&text)
                .map_err(|error| error.to_string())
                .and_then(|line| Ok((line.message.bytes()?, line)));
            match line {
                Ok((payload, line)) => return Ok(Some((line, payload))),
                Err(why) => {
                    self.broken += 1;
                    eprintln!("edge-agent: {} line {}: {why}", self.name, self.number);
                }
            }
        }
    }
}

async fn publish(
    args: &ReplayArgs,
    address: Address,
    mut record: Record,
) -> anyhow::Result<ExitCode> {
    let broker = BrokerArguments::at(address, args.login.clone());
    let mut publisher = Publisher::start(&broker, "replay").await?;
    let stop = stop_signal()?;
    tokio::pin!(stop);
    let begin = Instant::now();
    let mut first = None;
    while let Some((line, payload)) = record.next()? {
        let first = *first.get_or_insert(line.ms);
        if args.speed > 0.0 {
            let after = Duration::from_millis(line.ms.saturating_sub(first));
            // A speed near zero would overflow; nobody waits for ten years.
            let due = Duration::try_from_secs_f64(after.as_secs_f64() / args.speed)
                .unwrap_or(Duration::MAX);
            tokio::select! {
                () = tokio::time::sleep(due.saturating_sub(begin.elapsed())) => {}
                () = &mut stop => break,
            }
        }
        let retain = line.message.retain && !args.no_retain;
        publisher
            .publish(&line.message.topic, retain, payload)
            .await?;
    }
    let count = publisher.finish().await?;
    eprintln!(
        "played {count} message(s) in {:.1} s",
        begin.elapsed().as_secs_f64()
    );
    Ok(exit(record.broken == 0 && count > 0))
}

fn decode(args: &ReplayArgs, mut record: Record) -> anyhow::Result<ExitCode> {
    let known = args.profiles.load()?;
    let mut all_well = known.report();
    let mut decoder = known.decoder();
    let id = args
        .file
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    while let Some((line, payload)) = record.next()? {
        let now =
            Timestamp::from_unix_ms(BEGIN_MS).plus_ms(i64::try_from(line.ms).unwrap_or(i64::MAX));
        // States that end by themselves end in the time of the record.
        for reading in decoder.tick(now).readings {
            let reading = CaseReading {
                device: reading.device.to_string(),
                kind: reading.kind.to_string(),
                value: reading.value,
                unit: reading.unit,
                time: None,
            };
            say(serde_json::to_string(&Played {
                id: &id,
                ms: line.ms,
                reading,
            })?)?;
        }
        let message = Message::new(&line.message.topic, &payload, line.message.retain, now);
        let mut output = Output::default();
        if let Err(refusal) = decoder.observe(&message, &mut output) {
            output.problem(refusal.to_string());
        }
        for problem in &output.problems {
            eprintln!(
                "edge-agent: {} line {} {}: {problem}",
                record.name, record.number, message.topic
            );
            all_well = false;
        }
        for observation in output.observations {
            let reading = observation.into();
            say(serde_json::to_string(&Played {
                id: &id,
                ms: line.ms,
                reading,
            })?)?;
        }
    }
    Ok(exit(all_well && record.broken == 0))
}
