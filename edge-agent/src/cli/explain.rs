//! `explain`: which profile or format takes a captured message, step by step, or what is missing.
//!
//! It decides nothing by itself: it asks the decoder that the agent uses, with its notes switched on.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use gridwatch_decode::case::{Case, CaseMessage, CaseReading, run as run_case};
use gridwatch_decode::profile::{Origin, Profile};
use gridwatch_decode::skeleton::skeleton;
use gridwatch_decode::{Decoder, Message, Output, Refusal};
use gridwatch_protocol::Timestamp;
use serde::Serialize;
use serde_json::Value as Json;

use super::common::{Known, ProfileArguments, exit, read_file, say, shown, wrong_usage};
use super::decode::{profile_of, read_case};

const EXAMPLES: &str = "Examples:
  edge-agent explain --config /etc/gridwatch/edge.toml --topic zigbee2mqtt/hall --payload '{\"smoke\":true}'
  edge-agent explain --profiles configs/devices capture.json
  edge-agent explain --topic plant/pump-3 --payload-file pump.json --make-profile > devices/pump.toml

Exit codes: 0 the message is read, 1 it is not, or not all of it, 2 wrong usage";

/// Fields that nobody reads and that are listed, at most.
const LEFT_ALONE_MAX: usize = 40;

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ExplainArgs {
    /// A case file with messages, instead of --topic and --payload.
    #[arg(value_name = "CASE.json", required_unless_present = "topic", conflicts_with_all = ["topic", "payload", "payload_file"])]
    case: Option<PathBuf>,
    /// Topic of the message.
    #[arg(long)]
    topic: Option<String>,
    /// Payload of the message, as text.
    #[arg(long, conflicts_with = "payload_file")]
    payload: Option<String>,
    /// File with the payload, byte for byte.
    #[arg(long, value_name = "FILE")]
    payload_file: Option<PathBuf>,
    /// The broker sent it as retained state.
    #[arg(long)]
    retained: bool,
    /// Messages that came before: inventories, births, discovery. May be given several times.
    #[arg(long, value_name = "CASE.json")]
    before: Vec<PathBuf>,
    /// Print a profile made from the message, ready to edit, and nothing else.
    #[arg(long)]
    make_profile: bool,
    /// Print JSON instead of text, one object for each message.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    profiles: ProfileArguments,
}

/// What is said of one message.
#[derive(Serialize)]
struct Explanation {
    source: String,
    retained: bool,
    bytes: usize,
    /// Who took it.
    read_by: Option<String>,
    /// Who was asked, in order, and what they said.
    steps: Vec<String>,
    readings: Vec<Said>,
    /// Fields that nobody reads.
    left_alone: Vec<String>,
    /// What else the message told: devices, bridges, signs of life.
    told: Vec<String>,
    problems: Vec<String>,
    /// What to do when nobody reads it.
    missing: Option<String>,
}

#[derive(Serialize)]
struct Said {
    #[serde(flatten)]
    reading: CaseReading,
    /// The source's own id of the event.
    event: Option<String>,
    /// Why it raises nothing, if so.
    raises_nothing: Option<&'static str>,
}

pub(super) fn run(args: &ExplainArgs) -> anyhow::Result<ExitCode> {
    let known = args.profiles.load()?;
    let profiles_are_well = known.report();
    let (case, registers) = match asked(args) {
        Ok(asked) => asked,
        Err(why) => return Ok(wrong_usage(why)),
    };
    if args.make_profile {
        return make_profile(&case);
    }
    let mut decoder = known.decoder();
    let mut all_well = profiles_are_well && prepare(&mut decoder, &args.before);
    let mut explanations = Vec::new();
    for message in &case {
        match message.bytes() {
            Ok(payload) => {
                explanations.push(explain(&mut decoder, message, &payload, &known.profiles))
            }
            Err(why) => {
                eprintln!("edge-agent: {}: {why}", message.topic);
                all_well = false;
            }
        }
    }
    if let Some(registers) = registers {
        explanations.push(explain_registers(&registers, &known));
    }
    for explanation in &explanations {
        all_well &= explanation.read_by.is_some() && explanation.problems.is_empty();
        if args.json {
            say(serde_json::to_string(explanation)?)?;
        } else {
            print(explanation)?;
        }
    }
    Ok(exit(all_well))
}

/// The messages that are asked about, and the case when it holds registers.
fn asked(args: &ExplainArgs) -> Result<(Vec<CaseMessage>, Option<Case>), String> {
    if let Some(path) = &args.case {
        let case = read_case(path).map_err(|why| format!("{}: {why}", path.display()))?;
        let messages = case.messages.clone();
        return Ok((messages, case.modbus.is_some().then_some(case)));
    }
    let topic = args.topic.clone().unwrap_or_default();
    let payload = match (&args.payload, &args.payload_file) {
        (Some(text), _) => Json::String(text.clone()),
        (None, Some(path)) => {
            let bytes = read_file(path).map_err(|error| format!("{error:#}"))?;
            super::record::payload_json(&bytes)
        }
        (None, None) => {
            return Err("give the message with --payload TEXT or --payload-file FILE".to_owned());
        }
    };
    let message = CaseMessage {
        topic,
        retain: args.retained,
        payload,
    };
    Ok((vec![message], None))
}

fn make_profile(messages: &[CaseMessage]) -> anyhow::Result<ExitCode> {
    let Some(message) = messages.last() else {
        return Ok(wrong_usage(
            "--make-profile needs an MQTT message; registers are found with `edge-agent probe modbus`",
        ));
    };
    let made = message
        .bytes()
        .and_then(|payload| skeleton(&message.topic, &payload).map_err(|error| error.to_string()));
    match made {
        Ok(profile) => {
            say(profile.trim_end())?;
            Ok(ExitCode::SUCCESS)
        }
        Err(why) => {
            eprintln!("edge-agent: {}: {why}", message.topic);
            Ok(exit(false))
        }
    }
}

/// Tells the decoder what came before.
fn prepare(decoder: &mut Decoder, before: &[PathBuf]) -> bool {
    let mut all_well = true;
    for path in before {
        let told = read_case(path).and_then(|mut case| {
            case.modbus = None;
            run_case(decoder, &case, None).map(drop)
        });
        if let Err(why) = told {
            eprintln!("edge-agent: {}: {why}", path.display());
            all_well = false;
        }
    }
    all_well
}

fn explain(
    decoder: &mut Decoder,
    message: &CaseMessage,
    payload: &[u8],
    profiles: &[Profile],
) -> Explanation {
    let mut output = Output::explaining();
    let now = Timestamp::from(jiff::Timestamp::now());
    let frame = Message::new(&message.topic, payload, message.retain, now);
    let outcome = decoder.observe(&frame, &mut output);
    let mut steps = output.notes().to_vec();
    if let Ok(by) = &outcome {
        steps.push(format!("{by}: takes it"));
    }
    let profile = outcome
        .as_ref()
        .ok()
        .and_then(|id| profiles.iter().find(|profile| profile.id == *id));
    let left_alone = profile.map_or_else(Vec::new, |profile| left_alone(profile, &frame));
    let (read_by, missing, refused) = match outcome {
        Ok(by) if profile.is_some() => (Some(format!("profile {by}")), None, None),
        Ok(by) => (Some(format!("format {by}")), None, None),
        Err(Refusal::Unknown(_)) => (None, Some(what_is_missing(message, payload)), None),
        Err(refusal @ Refusal::Malformed(_)) => {
            let advice =
                "the message is broken: look at what sends it, and capture it whole".to_owned();
            (None, Some(advice), Some(refusal.to_string()))
        }
    };
    Explanation {
        source: message.topic.clone(),
        retained: message.retain,
        bytes: payload.len(),
        read_by,
        steps,
        left_alone,
        told: told(&output),
        problems: refused
            .into_iter()
            .chain(std::mem::take(&mut output.problems))
            .collect(),
        readings: readings(output, message.retain),
        missing,
    }
}

fn explain_registers(case: &Case, known: &Known) -> Explanation {
    let mut explanation = Explanation {
        source: format!("registers of case {}", case.id),
        retained: false,
        bytes: case
            .modbus
            .iter()
            .flat_map(|unit| &unit.registers)
            .map(|block| block.values.len() * 2)
            .sum(),
        read_by: None,
        steps: vec![
            "registers carry no name: only the profile that the unit is given reads them"
                .to_owned(),
        ],
        readings: Vec::new(),
        left_alone: Vec::new(),
        told: Vec::new(),
        problems: Vec::new(),
        missing: None,
    };
    let outcome = profile_of(case, known).and_then(|profile| {
        let outcome = run_case(&mut known.decoder(), case, profile.as_deref())?;
        Ok((profile, outcome))
    });
    match outcome {
        Ok((profile, outcome)) => {
            explanation.read_by = profile.map(|id| format!("profile {id}"));
            explanation.problems = outcome.problems;
            explanation.readings = outcome
                .readings
                .into_iter()
                .map(|reading| Said {
                    reading,
                    event: None,
                    raises_nothing: None,
                })
                .collect();
        }
        Err(why) => explanation.missing = Some(why),
    }
    explanation
}

fn readings(output: Output, retained: bool) -> Vec<Said> {
    output
        .observations
        .into_iter()
        .map(|observation| Said {
            event: observation.source_event.clone(),
            raises_nothing: if retained {
                Some("retained: it is state, not news")
            } else if observation.replayed {
                Some("told again: it is not news")
            } else if observation.is_test {
                Some("a test")
            } else {
                None
            },
            reading: observation.into(),
        })
        .collect()
}

fn told(output: &Output) -> Vec<String> {
    let announced = output.announcements.iter().map(|device| {
        let what = if device.removed {
            "has left"
        } else {
            "is announced"
        };
        let kinds: Vec<&str> = device.kinds.iter().map(|kind| kind.as_str()).collect();
        let model = device.model.as_deref().unwrap_or("model unknown");
        format!(
            "device {} {what} ({model}; reports {})",
            device.device,
            kinds.join(", ")
        )
    });
    let bridges = output.bridges.iter().map(|bridge| {
        let state = if bridge.online { "up" } else { "down" };
        format!("the bridge of {}* is {state}", bridge.prefix)
    });
    let heard = output
        .heard
        .iter()
        .map(|device| format!("device {device} gave a sign of life"));
    announced.chain(bridges).chain(heard).collect()
}

/// Fields of the message that no channel of the profile reads.
fn left_alone(profile: &Profile, message: &Message<'_>) -> Vec<String> {
    let read: BTreeSet<&str> = profile
        .channels
        .iter()
        .filter_map(|channel| match &channel.origin {
            Origin::Path(path) => Some(path.as_str()),
            Origin::Register(_) => None,
        })
        .collect();
    let Some(object) = message.object() else {
        return Vec::new();
    };
    let is_read = |pointer: &str| {
        read.iter().any(|path| {
            path.strip_prefix(pointer)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    };
    object
        .iter()
        .map(|(name, value)| {
            (
                format!("/{}", name.replace('~', "~0").replace('/', "~1")),
                value,
            )
        })
        .filter(|(pointer, _)| !is_read(pointer))
        .take(LEFT_ALONE_MAX)
        .map(|(pointer, value)| format!("{pointer} = {}", gridwatch_decode::words::brief(value)))
        .collect()
}

fn what_is_missing(message: &CaseMessage, payload: &[u8]) -> String {
    match skeleton(&message.topic, payload) {
        Ok(_) => "a device profile. The same command with --make-profile prints one, ready to edit, with this message as its golden sample; put it into the profiles folder".to_owned(),
        Err(why) => format!("a device profile or a format; none can be made from this message: {why}"),
    }
}

fn print(explanation: &Explanation) -> anyhow::Result<()> {
    let kind = if explanation.retained {
        "retained"
    } else {
        "live"
    };
    say(format_args!(
        "{} ({} bytes, {kind})",
        shown(explanation.source.as_bytes(), 200),
        explanation.bytes
    ))?;
    section("asked", &explanation.steps, true)?;
    match &explanation.read_by {
        Some(by) => say(format_args!("  read by: {by}"))?,
        None => say("  read by: nobody")?,
    }
    let readings: Vec<String> = explanation.readings.iter().map(said).collect();
    if explanation.read_by.is_some() && readings.is_empty() {
        say("  readings: none")?;
    }
    section("readings", &readings, false)?;
    section("also told", &explanation.told, false)?;
    section("left alone", &explanation.left_alone, false)?;
    section("problems", &explanation.problems, false)?;
    if let Some(missing) = &explanation.missing {
        say(format_args!("  missing: {missing}"))?;
    }
    Ok(())
}

fn section(title: &str, lines: &[String], numbered: bool) -> anyhow::Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    say(format_args!("  {title}:"))?;
    for (index, line) in lines.iter().enumerate() {
        let line = shown(line.as_bytes(), 400);
        if numbered {
            say(format_args!("    {}. {line}", index + 1))?;
        } else {
            say(format_args!("    {line}"))?;
        }
    }
    Ok(())
}

fn said(said: &Said) -> String {
    let mut line = reading_line(&said.reading);
    if let Some(event) = &said.event {
        line += &format!(" (event {event})");
    }
    if let Some(why) = said.raises_nothing {
        line += &format!(" (raises nothing: {why})");
    }
    line
}

/// A reading in words.
pub(super) fn reading_line(reading: &CaseReading) -> String {
    let value = serde_json::to_string(&reading.value).unwrap_or_default();
    let unit = reading
        .unit
        .as_ref()
        .map_or_else(String::new, |unit| format!(" {unit}"));
    let time = reading
        .time
        .as_ref()
        .map_or_else(String::new, |time| format!(" at {time}"));
    format!("{} {} = {value}{unit}{time}", reading.device, reading.kind)
}
