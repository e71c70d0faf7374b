//! `record`: what a broker publishes, with its timing, into a file that `replay` plays again.
//!
//! The file has one JSON object a line: `ms` since the beginning, `topic`, `retain`, and `payload` as
//! text or `{"base64": …}`, the same as in case files. A record that was cut off is good up to there.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::{Value as Json, json};

use super::broker::{BrokerArguments, Listener};
use super::common::{exit, stop_signal, wrong_usage};

const EXAMPLES: &str = "Examples:
  edge-agent record night.jsonl
  edge-agent record doors.jsonl --topic 'zigbee2mqtt/+' --seconds 3600
  edge-agent record - --count 1 --topic plant/pump-3

Listens only: a clean session under a random client id; the agent's own session is not touched. The
record holds what sensors say about people's homes: keep it as you would keep that.

Exit codes: 0 recorded, 1 nothing was heard, 2 wrong usage, 70 failed";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct RecordArgs {
    /// File to write; `-` is standard output.
    file: PathBuf,
    #[command(flatten)]
    broker: BrokerArguments,
    /// Topic filter; may be given several times.
    #[arg(long = "topic", value_name = "FILTER", default_value = "#")]
    topics: Vec<String>,
    /// Stop after this many seconds; without it, at Ctrl-C.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: Option<u64>,
    /// Stop after this many messages.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Stop when the file has this many mebibytes.
    #[arg(long, default_value_t = 1024)]
    mib_max: u64,
    /// Write over a file that exists.
    #[arg(long)]
    force: bool,
}

/// One line of a record.
#[derive(Serialize)]
struct Line<'a> {
    ms: u64,
    topic: &'a str,
    retain: bool,
    payload: Json,
}

/// A payload as case files and records write it: text as it is, other bytes in base64.
pub(super) fn payload_json(bytes: &[u8]) -> Json {
    match std::str::from_utf8(bytes) {
        Ok(text) => Json::String(text.to_owned()),
        Err(_) => json!({"base64": STANDARD.encode(bytes)}),
    }
}

pub(super) async fn run(args: &RecordArgs) -> anyhow::Result<ExitCode> {
    if args.file.exists() && !args.force {
        return Ok(wrong_usage(format_args!(
            "`{}` exists; name another file, or add --force to write over it",
            args.file.display()
        )));
    }
    let stop = stop_signal()?;
    let mut listener = Listener::start(&args.broker, "record", &args.topics).await?;
    let mut output: Box<dyn Write> = if args.file.as_os_str() == "-" {
        Box::new(std::io::stdout())
    } else {
        let file = std::fs::File::create(&args.file);
        Box::new(file.with_context(|| format!("making `{}`", args.file.display()))?)
    };
    eprintln!(
        "recording {} from {}:{}",
        args.topics.join(", "),
        args.broker.host,
        args.broker.port
    );
    let begin = Instant::now();
    let over = async {
        match args.seconds {
            Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(over, stop);
    let (mut count, mut bytes) = (0_u64, 0_u64);
    while args.count.is_none_or(|wanted| count < wanted) && bytes / 1_048_576 < args.mib_max {
        let message = tokio::select! {
            () = &mut over => break,
            () = &mut stop => break,
            message = listener.next() => message?,
        };
        let line = Line {
            ms: u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX),
            topic: &message.topic,
            retain: message.retain,
            payload: payload_json(&message.payload),
        };
        let mut line = serde_json::to_string(&line)?;
        line.push('\n');
        // Line by line, so that a record that is cut off is good up to there.
        output
            .write_all(line.as_bytes())
            .and_then(|()| output.flush())
            .with_context(|| format!("writing `{}`", args.file.display()))?;
        count += 1;
        bytes += line.len() as u64;
    }
    eprintln!(
        "recorded {count} message(s) in {} s",
        begin.elapsed().as_secs()
    );
    Ok(exit(count > 0))
}
