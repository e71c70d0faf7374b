//! Recorded cases: payloads or registers of a device with what must come out of them, one JSON file
//! each. Used by `edge-agent decode` and by the golden tests of the formats.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gridwatch_protocol::{DeviceId, Kind, Timestamp, Value};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::decoder::{Decoder, Refusal};
use crate::frame::{Message, RegisterBlock, Registers};
use crate::observation::{Observation, Output};
use crate::profile::Table;

/// A recorded case.
#[derive(Debug, Clone, Deserialize)]
pub struct Case {
    /// Its name.
    pub id: String,
    /// The format that it is of.
    #[serde(default)]
    pub format: String,
    /// MQTT messages, in order.
    #[serde(default)]
    pub messages: Vec<CaseMessage>,
    /// What a Modbus unit holds.
    pub modbus: Option<CaseUnit>,
    /// Id of the shipped profile that reads the unit.
    pub profile: Option<String>,
    /// What must come out, in order; more may.
    #[serde(default)]
    pub expect: Vec<CaseReading>,
    /// What must not come out.
    #[serde(default)]
    pub forbid: Vec<Forbidden>,
}

/// An MQTT message of a case.
#[derive(Debug, Clone, Deserialize)]
pub struct CaseMessage {
    /// Topic.
    pub topic: String,
    /// Whether it is retained.
    #[serde(default)]
    pub retain: bool,
    /// A text is sent as its bytes, `{"base64": …}` as the bytes it stands for, anything else as
    /// compact JSON.
    pub payload: Json,
}

/// A Modbus unit of a case.
#[derive(Debug, Clone, Deserialize)]
pub struct CaseUnit {
    /// Its registers.
    pub registers: Vec<CaseBlock>,
}

/// Neighbouring registers of a case.
#[derive(Debug, Clone, Deserialize)]
pub struct CaseBlock {
    /// The table.
    pub table: Table,
    /// Zero-based address of the first.
    pub address: u16,
    /// The values.
    pub values: Vec<u16>,
}

/// A reading as cases write it. `time` is RFC 3339 in UTC, or without `Z` where the message has no
/// zone, or null where it has no usable time; the time of receipt is never in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaseReading {
    /// The device.
    pub device: String,
    /// What it is about.
    pub kind: String,
    /// The value.
    pub value: Value,
    /// The unit.
    pub unit: Option<String>,
    /// The device's own time.
    pub time: Option<String>,
}

/// A reading that must not come out: all fields that are given agree.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forbidden {
    /// What it is about.
    pub kind: String,
    /// The value; any when left out.
    pub value: Option<Value>,
    /// Why it must not.
    pub why: String,
}

impl CaseMessage {
    /// The payload as it is on the wire.
    ///
    /// # Errors
    /// When the text under `base64` is none.
    pub fn bytes(&self) -> Result<Vec<u8>, String> {
        match &self.payload {
            Json::String(text) => Ok(text.clone().into_bytes()),
            Json::Object(object) if object.len() == 1 && object.contains_key("base64") => {
                let text = object["base64"].as_str().unwrap_or_default();
                STANDARD
                    .decode(text)
                    .map_err(|error| format!("the payload's base64: {error}"))
            }
            other => Ok(other.to_string().into_bytes()),
        }
    }
}

/// What became of a case.
#[derive(Debug, Default)]
pub struct CaseOutcome {
    /// What came out, in order.
    pub readings: Vec<CaseReading>,
    /// For each reading, the index of the message that it came out of.
    pub from: Vec<usize>,
    /// What was refused, and what could not be read.
    pub problems: Vec<String>,
}

/// Runs a case through a decoder. `profile` is the id of the profile that reads its registers.
///
/// # Errors
/// When the case is broken itself, or its profile is not loaded.
pub fn run(
    decoder: &mut Decoder,
    case: &Case,
    profile: Option<&str>,
) -> Result<CaseOutcome, String> {
    let mut outcome = CaseOutcome::default();
    let now = Timestamp::from_unix_ms(1_800_000_000_000);
    for (index, message) in case.messages.iter().enumerate() {
        let payload = message.bytes()?;
        let mut output = Output::default();
        let message = Message::new(&message.topic, &payload, message.retain, now);
        if let Err(refusal) = decoder.observe(&message, &mut output) {
            outcome
                .problems
                .push(format!("{}: {refusal}", message.topic));
        }
        outcome.take(index, output);
    }
    if let Some(unit) = &case.modbus {
        let profile = profile.ok_or_else(|| {
            format!(
                "case `{}` holds registers: name the profile that reads them",
                case.id
            )
        })?;
        let registers = Registers {
            device: DeviceId::new("unit").map_err(|error| error.to_string())?,
            profile: profile.to_owned(),
            blocks: unit
                .registers
                .iter()
                .map(|block| RegisterBlock {
                    table: block.table,
                    address: block.address,
                    values: block.values.clone(),
                })
                .collect(),
        };
        let mut output = Output::default();
        decoder
            .observe_registers(&registers, &mut output)
            .map_err(|refusal: Refusal| refusal.to_string())?;
        outcome.take(0, output);
    }
    Ok(outcome)
}

impl CaseOutcome {
    fn take(&mut self, index: usize, output: Output) {
        self.problems.extend(output.problems);
        for observation in output.observations {
            self.readings.push(observation.into());
            self.from.push(index);
        }
    }
}

impl From<Observation> for CaseReading {
    /// Kinds that cases have no word for become `other`; a state of such a kind is then named by it.
    fn from(seen: Observation) -> Self {
        let has_word = !matches!(
            seen.kind,
            Kind::WaterLevel
                | Kind::VideoLoss
                | Kind::Vibration
                | Kind::LinkQuality
                | Kind::AlarmTest
        );
        let (kind, value) = match (has_word, seen.value) {
            (true, value) => (seen.kind.as_str(), value),
            (false, Value::Bool(true)) => ("other", Value::Text(seen.kind.to_string())),
            (false, value) => ("other", value),
        };
        Self {
            device: seen.device,
            kind: kind.to_owned(),
            value,
            unit: seen.unit,
            time: seen.time.and_then(|time| time.written()),
        }
    }
}
