//! `probe mqtt`: listens to a broker for some seconds and says what it hears.
//!
//! It never takes over the agent's session: the client id is random, the session clean, and nothing is
//! acknowledged or published.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use gridwatch_decode::case::CaseReading;
use gridwatch_decode::{Decoder, Message, Output, Refusal};
use gridwatch_protocol::Timestamp;
use rumqttc::Publish;
use serde::Serialize;

use super::broker::{BrokerArguments, Listener};
use super::common::{ProfileArguments, exit, say, shown, stop_signal};
use super::explain::reading_line;

const EXAMPLES: &str = "Examples:
  edge-agent probe mqtt
  edge-agent probe mqtt --config /etc/gridwatch/edge.toml --seconds 60
  edge-agent probe mqtt --host 192.0.2.4 --username installer --password-file pw --topic 'zigbee2mqtt/#' --json

Listens only: a clean session under a random client id; the agent's own session is not touched.

Exit codes: 0 something was heard, 1 nothing was, 2 wrong usage, 70 no broker";

/// Devices and topics listed at most; more are counted.
const LISTED_MAX: usize = 10_000;
/// Readings kept of one device.
const READINGS_MAX: usize = 64;
/// Characters of a sample.
const SAMPLE_CHARS: usize = 200;

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ProbeMqttArgs {
    #[command(flatten)]
    broker: BrokerArguments,
    /// How long to listen.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
    /// Topic filter; may be given several times.
    #[arg(long = "topic", value_name = "FILTER", default_value = "#")]
    topics: Vec<String>,
    #[command(flatten)]
    profiles: ProfileArguments,
    /// Print JSON instead of text.
    #[arg(long)]
    json: bool,
}

/// What was heard.
#[derive(Debug, Default, Serialize)]
struct Heard {
    broker: String,
    seconds: u64,
    messages: u64,
    retained: u64,
    topics: BTreeMap<String, Topic>,
    devices: BTreeMap<String, Device>,
    /// Messages of topics and devices over the number that is listed.
    not_listed: u64,
}

#[derive(Debug, Default, Serialize)]
struct Topic {
    messages: u64,
    retained: u64,
    /// Who reads it; nobody when it is not understood.
    read_by: Option<String>,
    /// Why the last message was not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The last message that was not read, or not in full.
    #[serde(skip_serializing_if = "Option::is_none")]
    sample: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<String>,
}

#[derive(Debug, Default, Serialize)]
struct Device {
    read_by: String,
    messages: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    /// The last reading of each kind.
    readings: BTreeMap<String, CaseReading>,
}

pub(super) async fn run(args: &ProbeMqttArgs) -> anyhow::Result<ExitCode> {
    let known = args.profiles.load()?;
    known.report();
    let mut decoder = known.decoder();
    let stop = stop_signal()?;
    let mut listener = Listener::start(&args.broker, "probe", &args.topics).await?;
    eprintln!(
        "listening to {}:{} for {} s; Ctrl-C ends it sooner",
        args.broker.host, args.broker.port, args.seconds
    );
    let mut heard = Heard {
        broker: format!("{}:{}", args.broker.host, args.broker.port),
        seconds: args.seconds,
        ..Heard::default()
    };
    let over = tokio::time::sleep(Duration::from_secs(args.seconds));
    tokio::pin!(over, stop);
    loop {
        // `next` may be cancelled: it waits on a channel.
        tokio::select! {
            () = &mut over => break,
            () = &mut stop => break,
            message = listener.next() => heard.take(&mut decoder, &message?),
        }
    }
    if args.json {
        say(serde_json::to_string(&heard)?)?;
    } else {
        heard.print()?;
    }
    Ok(exit(heard.messages > 0))
}

impl Heard {
    fn take(&mut self, decoder: &mut Decoder, publish: &Publish) {
        self.messages += 1;
        self.retained += u64::from(publish.retain);
        let now = Timestamp::from(jiff::Timestamp::now());
        let message = Message::new(&publish.topic, &publish.payload, publish.retain, now);
        let mut output = Output::default();
        let outcome = decoder.observe(&message, &mut output);
        let is_listed = self.topics.len() < LISTED_MAX || self.topics.contains_key(&publish.topic);
        if !is_listed {
            self.not_listed += 1;
        } else {
            let topic = self.topics.entry(publish.topic.clone()).or_default();
            topic.messages += 1;
            topic.retained += u64::from(publish.retain);
            let sample = || Some(shown(&publish.payload, SAMPLE_CHARS));
            match &outcome {
                Ok(by) => {
                    topic.read_by = Some(by.clone());
                    if !output.problems.is_empty() {
                        topic.problems.clone_from(&output.problems);
                        topic.sample = sample();
                    }
                }
                Err(Refusal::Unknown(why) | Refusal::Malformed(why)) => {
                    topic.reason = Some(why.clone());
                    topic.sample = sample();
                }
            }
        }
        if let Ok(by) = outcome {
            self.take_devices(&by, output);
        }
    }

    fn take_devices(&mut self, by: &str, output: Output) {
        for announcement in &output.announcements {
            if let Some(device) = self.device(&announcement.device, by) {
                device.model = announcement.model.clone().or(device.model.take());
            }
        }
        for name in &output.heard {
            if let Some(device) = self.device(name, by) {
                device.messages += 1;
            }
        }
        let mut counted: Vec<String> = Vec::new();
        for observation in output.observations {
            let reading = CaseReading::from(observation);
            let is_first = !counted.contains(&reading.device);
            if is_first {
                counted.push(reading.device.clone());
            }
            if let Some(device) = self.device(&reading.device, by) {
                device.messages += u64::from(is_first);
                // A kind can be told as a state and as a number.
                let form = if reading.value.as_number().is_some() {
                    " value"
                } else {
                    ""
                };
                let key = format!("{}{form}", reading.kind);
                if device.readings.len() < READINGS_MAX || device.readings.contains_key(&key) {
                    device.readings.insert(key, reading);
                }
            }
        }
    }

    fn device(&mut self, name: &str, by: &str) -> Option<&mut Device> {
        if self.devices.len() >= LISTED_MAX && !self.devices.contains_key(name) {
            self.not_listed += 1;
            return None;
        }
        let device = self.devices.entry(name.to_owned()).or_default();
        by.clone_into(&mut device.read_by);
        Some(device)
    }

    fn print(&self) -> anyhow::Result<()> {
        say(format_args!(
            "{} message(s) on {} topic(s), {} of them retained; {} device(s) recognised",
            self.messages,
            self.topics.len(),
            self.retained,
            self.devices.len()
        ))?;
        for (name, device) in &self.devices {
            let model = device
                .model
                .as_ref()
                .map_or_else(String::new, |model| format!(", {model}"));
            say(format_args!(
                "  {name} ({}{model}, {} message(s))",
                device.read_by, device.messages
            ))?;
            for reading in device.readings.values() {
                say(format_args!("      {}", reading_line(reading)))?;
            }
        }
        let unread: Vec<_> = self
            .topics
            .iter()
            .filter(|(_, topic)| topic.reason.is_some())
            .collect();
        if unread.is_empty() {
            say(if self.messages == 0 {
                "nothing is published here: is it the right broker, and are the sensors joined?"
            } else {
                "everything is understood"
            })?;
        } else {
            say(format_args!("not understood: {} topic(s)", unread.len()))?;
        }
        for (name, topic) in unread {
            let name = shown(name.as_bytes(), 200);
            say(format_args!(
                "  {name} ({} message(s)): {}",
                topic.messages,
                topic.reason.as_deref().unwrap_or_default()
            ))?;
            say(format_args!(
                "      {}",
                topic.sample.as_deref().unwrap_or_default()
            ))?;
        }
        for (name, topic) in self
            .topics
            .iter()
            .filter(|(_, topic)| !topic.problems.is_empty())
        {
            say(format_args!(
                "  {}: {}",
                shown(name.as_bytes(), 200),
                topic.problems.join("; ")
            ))?;
        }
        if self.messages > 0 && self.topics.values().any(|topic| topic.reason.is_some()) {
            say(
                "`edge-agent explain --topic TOPIC --payload PAYLOAD --make-profile` makes a profile for one of them",
            )?;
        }
        if self.not_listed > 0 {
            say(format_args!(
                "{} more message(s) are not listed",
                self.not_listed
            ))?;
        }
        Ok(())
    }
}
