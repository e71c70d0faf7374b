//! The golden samples of a profile, and small changes to their numbers.
//!
//! A change is kept only when the profile reads the changed sample as it reads the golden one: the same
//! number of readings, of the same kinds and quality, and no problem. Otherwise the golden one is played.

use gridwatch_decode::by_profile::{read_mqtt, read_registers};
use gridwatch_decode::case::CaseBlock;
use gridwatch_decode::profile::{Profile, Table};
use gridwatch_decode::{Message, Output, RegisterBlock, Registers};
use gridwatch_protocol::{DeviceId, Kind, Quality, Timestamp, Value};
use jiff::tz::TimeZone;
use rand::Rng;
use serde::Deserialize;
use serde_json::{Value as Json, json};

/// A number moves by this part of itself at most.
const PART: f64 = 0.02;

/// The part of a profile file that is played.
#[derive(Deserialize)]
struct File {
    #[serde(default)]
    channels: Vec<Channel>,
    #[serde(default)]
    golden: Vec<Sample>,
}

#[derive(Deserialize)]
struct Channel {
    path: Option<String>,
    register: Option<Register>,
    #[serde(rename = "type")]
    form: String,
    time: Option<Time>,
}

#[derive(Deserialize)]
struct Register {
    table: Table,
    address: u16,
    #[serde(rename = "type")]
    raw: String,
}

#[derive(Deserialize)]
struct Time {
    path: String,
    format: String,
}

#[derive(Deserialize)]
struct Sample {
    name: String,
    #[serde(default)]
    topic: String,
    #[serde(default)]
    payload: String,
    #[serde(default)]
    registers: Vec<CaseBlock>,
}

/// What a profile has to play.
pub(super) struct Samples {
    profile: Profile,
    channels: Vec<Channel>,
    golden: Vec<Sample>,
}

impl Samples {
    pub(super) fn of(profile: Profile, text: &str) -> anyhow::Result<Self> {
        let file: File = toml::from_str(text)?;
        Ok(Self {
            profile,
            channels: file.channels,
            golden: file.golden,
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.golden.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.golden.len()
    }

    pub(super) fn name(&self, index: usize) -> &str {
        self.golden.get(index).map_or("", |sample| &sample.name)
    }

    /// Topic and payload of a sample, with the present time where it carries one.
    pub(super) fn message(
        &self,
        index: usize,
        steady: bool,
        now: jiff::Timestamp,
        random: &mut impl Rng,
    ) -> Option<(String, Vec<u8>)> {
        let sample = self.golden.get(index)?;
        let golden = sample.payload.as_bytes();
        let unchanged = || (sample.topic.clone(), golden.to_vec());
        let body = serde_json::from_slice::<Json>(golden).ok();
        let (Some(mut body), false) = (body, steady) else {
            return Some(unchanged());
        };
        for channel in &self.channels {
            if let Some(time) = &channel.time {
                set_time(&mut body, time, now);
            }
            let place = channel
                .path
                .as_ref()
                .and_then(|path| body.pointer_mut(path));
            if let (Some(place), "number") = (place, channel.form.as_str())
                && let Some(moved) = moved(place, random)
            {
                *place = moved;
            }
        }
        let varied = body.to_string().into_bytes();
        let alike = self.read(&sample.topic, &varied) == self.read(&sample.topic, golden);
        Some(if alike {
            (sample.topic.clone(), varied)
        } else {
            unchanged()
        })
    }

    /// Registers of a sample.
    pub(super) fn registers(
        &self,
        index: usize,
        steady: bool,
        random: &mut impl Rng,
    ) -> Vec<RegisterBlock> {
        let golden: Vec<RegisterBlock> = self.golden.get(index).map_or_else(Vec::new, |sample| {
            let block = |block: &CaseBlock| RegisterBlock {
                table: block.table,
                address: block.address,
                values: block.values.clone(),
            };
            sample.registers.iter().map(block).collect()
        });
        if steady {
            return golden;
        }
        let mut varied = golden.clone();
        for register in self
            .channels
            .iter()
            .filter(|c| c.form == "number")
            .filter_map(|c| c.register.as_ref())
        {
            if !matches!(register.raw.as_str(), "uint16" | "int16") {
                continue;
            }
            let place = varied
                .iter_mut()
                .filter(|block| block.table == register.table)
                .find_map(|block| {
                    let index = register.address.checked_sub(block.address)?;
                    block.values.get_mut(usize::from(index))
                });
            if let Some(place) = place {
                let step = (*place / 50).max(1);
                *place = place
                    .saturating_add(step)
                    .saturating_sub(random.random_range(0..=step.saturating_mul(2)));
            }
        }
        if self.read_registers(&varied) == self.read_registers(&golden) {
            varied
        } else {
            golden
        }
    }

    fn read(&self, topic: &str, payload: &[u8]) -> Vec<(String, Kind, Quality, Option<Value>)> {
        let mut output = Output::default();
        let message = Message::new(topic, payload, false, Timestamp::from_unix_ms(0));
        if read_mqtt(&self.profile, &message, &mut output).is_err() {
            return Vec::new();
        }
        seen(output)
    }

    fn read_registers(
        &self,
        blocks: &[RegisterBlock],
    ) -> Vec<(String, Kind, Quality, Option<Value>)> {
        let mut output = Output::default();
        let registers = Registers {
            device: DeviceId::new("simulated").expect("a valid id"),
            profile: self.profile.id.clone(),
            blocks: blocks.to_vec(),
        };
        read_registers(&self.profile, &registers, &mut output);
        seen(output)
    }
}

/// What must stay the same: all but the numbers.
fn seen(output: Output) -> Vec<(String, Kind, Quality, Option<Value>)> {
    let state = |value: Value| match value {
        Value::Number(_) => None,
        other => Some(other),
    };
    output
        .observations
        .into_iter()
        .map(|o| (o.device, o.kind, o.quality, state(o.value)))
        .collect()
}

fn moved(number: &Json, random: &mut impl Rng) -> Option<Json> {
    if let Some(whole) = number.as_i64() {
        let step = (whole / 50).saturating_abs().max(1);
        return Some(json!(
            whole.saturating_add(random.random_range(-step..=step))
        ));
    }
    let value = number.as_f64()?;
    let moved = value * (1.0 + random.random_range(-PART..=PART));
    Some(json!((moved * 100.0).round() / 100.0))
}

/// The present time in the form that the device writes.
fn set_time(body: &mut Json, time: &Time, now: jiff::Timestamp) {
    let Some(place) = body.pointer_mut(&time.path) else {
        return;
    };
    let is_text = place.is_string();
    let number = match time.format.as_str() {
        "unix_s" => Some(now.as_second()),
        "unix_ms" => Some(now.as_millisecond()),
        _ => None,
    };
    *place = match (number, time.format.as_str()) {
        (Some(number), _) if is_text => json!(number.to_string()),
        (Some(number), _) => json!(number),
        (None, "rfc3339") => json!(now.to_string()),
        (None, "local") => json!(now.to_zoned(TimeZone::system()).datetime().to_string()),
        (None, _) => return,
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;

    fn samples(profile: &str) -> Samples {
        let folder = if profile.starts_with("porch") {
            "decode/tests/profiles"
        } else {
            "../configs/devices"
        };
        let path = format!("{}/{folder}/{profile}.toml", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).expect("a shipped profile");
        Samples::of(Profile::parse(&text).expect("it parses"), &text).expect("it has samples")
    }

    #[test]
    fn numbers_move_and_states_stay() {
        let samples = samples("modbus-smoke-temperature-transmitter");
        let mut random = StdRng::seed_from_u64(1);
        let mut obscurations = std::collections::BTreeSet::new();
        for _ in 0..50 {
            let blocks = samples.registers(0, false, &mut random);
            let values = &blocks[0].values;
            obscurations.insert(values[2]);
            assert_eq!(
                (values[0], values[3]),
                (0x41AC, 0),
                "the float and the alarm word stay"
            );
        }
        assert!(
            obscurations.len() > 1 && obscurations.iter().all(|v| (11..=13).contains(v)),
            "{obscurations:?}"
        );
        let faulty = samples.registers(1, false, &mut random);
        assert_eq!(
            faulty[0].values[2], 65535,
            "the word for a faulty head stays"
        );
    }

    #[test]
    fn varied_messages_stay_within_the_range_of_the_channel() {
        let samples = samples("porch-contact");
        let mut random = StdRng::seed_from_u64(2);
        for _ in 0..50 {
            let now = jiff::Timestamp::now();
            let (topic, payload) = samples
                .message(0, false, now, &mut random)
                .expect("a sample");
            assert_eq!(topic, "porch/office_door");
            let body: Json = serde_json::from_slice(&payload).expect("JSON");
            assert_eq!(body["contact"], json!(false));
            assert!(body["battery"].as_i64().is_some_and(|b| b <= 100), "{body}");
        }
    }
}
