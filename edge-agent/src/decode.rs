//! Frame → readings, by device profile. Pure: no clock, no I/O, no log.
//!
//! What nobody understands and what is broken is told apart and returned, never dropped in silence.

mod json;
mod registers;

use std::collections::HashMap;

use bytes::Bytes;
use gridwatch_protocol::{DeviceId, Kind, Reading, Timestamp};

use crate::profile::{Captures, Matcher, PayloadForm, Profile, filter_matches};
use crate::sources::Registers;

pub use json::read_mqtt;
pub use registers::read_registers;

/// Larger payloads are refused before they are parsed.
pub const PAYLOAD_BYTES_MAX: usize = 1024 * 1024;
/// Topics whose profiles are remembered, so that a flood of new topics cannot fill the memory.
const TOPICS_MAX: usize = 20_000;

/// Why a frame gave no readings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No profile reads it.
    #[error("no device profile reads it: {0}")]
    Unknown(String),
    /// A profile should read it, but it is broken.
    #[error("{0}")]
    Malformed(String),
}

/// What came out of a frame.
#[derive(Debug, Default)]
pub struct Decoded {
    /// The readings, in the profile's order.
    pub readings: Vec<Reading>,
    /// Fields that were there and could not be read, one sentence each.
    pub problems: Vec<String>,
}

/// Finds the profile of a frame and reads it.
#[derive(Debug)]
pub struct Decoder {
    profiles: Vec<Profile>,
    by_id: HashMap<String, usize>,
    /// Profile of a device: configured, or recognised once.
    by_device: HashMap<DeviceId, usize>,
    /// Profiles whose pattern fits a topic.
    by_topic: HashMap<String, Vec<usize>>,
}

impl Decoder {
    /// A decoder over checked profiles. `fixed` gives devices their profile.
    #[must_use]
    pub fn new(
        profiles: Vec<Profile>,
        fixed: impl IntoIterator<Item = (DeviceId, String)>,
    ) -> Self {
        let by_id: HashMap<String, usize> = profiles
            .iter()
            .enumerate()
            .map(|(index, profile)| (profile.id.clone(), index))
            .collect();
        let by_device = fixed
            .into_iter()
            .filter_map(|(device, profile)| Some((device, *by_id.get(&profile)?)))
            .collect();
        Self {
            profiles,
            by_id,
            by_device,
            by_topic: HashMap::new(),
        }
    }

    /// The profile that a device is read by, once it is known.
    #[must_use]
    pub fn profile_of(&self, device: &DeviceId) -> Option<&Profile> {
        self.by_device
            .get(device)
            .map(|index| &self.profiles[*index])
    }

    /// Reads an MQTT message.
    ///
    /// # Errors
    /// When no profile reads it, or it is broken.
    pub fn message(
        &mut self,
        topic: &str,
        payload: &Bytes,
        retained: bool,
        received_at: Timestamp,
    ) -> Result<Decoded, Refusal> {
        let candidates = self.candidates(topic);
        if candidates.is_empty() {
            return Err(Refusal::Unknown("no profile has this topic".to_owned()));
        }
        if payload.len() > PAYLOAD_BYTES_MAX {
            return Err(Refusal::Malformed(format!(
                "the payload has {} bytes, at most {PAYLOAD_BYTES_MAX} are read",
                payload.len()
            )));
        }
        let mut document = None;
        for index in candidates {
            let profile = &self.profiles[index];
            let Matcher::Mqtt(matcher) = &profile.matcher else {
                continue;
            };
            if document.is_none() || matcher.payload == PayloadForm::Text {
                document = Some(json::parse(matcher.payload, payload)?);
            }
            let body = document.as_ref().expect("parsed above");
            let captures = matcher.topic.captures(topic).unwrap_or_default();
            let device = device_of(profile, &captures, body);
            let known = device.as_ref().and_then(|d| self.by_device.get(d));
            let recognised = match known {
                Some(known) => *known == index,
                None => matcher.has.iter().all(|p| body.pointer(p).is_some()),
            };
            if !recognised {
                continue;
            }
            let decoded = json::read(profile, &captures, body, retained, received_at)?;
            if let Some(device) = device
                && known.is_none()
                && self.by_device.len() < TOPICS_MAX
            {
                self.by_device.insert(device, index);
            }
            return Ok(decoded);
        }
        Err(Refusal::Unknown(
            "profiles have this topic, but none recognises the message".to_owned(),
        ))
    }

    /// Reads a poll of a Modbus unit.
    ///
    /// # Errors
    /// When the profile is not loaded.
    pub fn registers(
        &mut self,
        registers: &Registers,
        received_at: Timestamp,
    ) -> Result<Decoded, Refusal> {
        let index = *self.by_id.get(&registers.profile).ok_or_else(|| {
            Refusal::Unknown(format!("profile `{}` is not loaded", registers.profile))
        })?;
        if !self.by_device.contains_key(&registers.device) {
            self.by_device.insert(registers.device.clone(), index);
        }
        Ok(read_registers(
            &self.profiles[index],
            registers,
            received_at,
        ))
    }

    fn candidates(&mut self, topic: &str) -> Vec<usize> {
        if let Some(known) = self.by_topic.get(topic) {
            return known.clone();
        }
        let found: Vec<usize> = self
            .profiles
            .iter()
            .enumerate()
            .filter(|(_, profile)| topic_fits(profile, topic))
            .map(|(index, _)| index)
            .collect();
        if self.by_topic.len() < TOPICS_MAX {
            self.by_topic.insert(topic.to_owned(), found.clone());
        }
        found
    }
}

fn topic_fits(profile: &Profile, topic: &str) -> bool {
    match &profile.matcher {
        Matcher::Modbus => false,
        Matcher::Mqtt(matcher) => {
            !matcher.not_topic.iter().any(|f| filter_matches(f, topic))
                && matcher.topic.captures(topic).is_some()
        }
    }
}

fn device_of(profile: &Profile, captures: &Captures, body: &serde_json::Value) -> Option<DeviceId> {
    let name = profile.device.as_ref()?.fill(captures, body, None)?;
    DeviceId::new(name).ok()
}

/// A device that says it is being tested raises no hazard: its alarm states of this frame are tests.
fn mark_tests(readings: &mut [Reading]) {
    let tested: Vec<DeviceId> = readings
        .iter()
        .filter(|r| r.kind == Kind::AlarmTest && r.value.as_bool() == Some(true))
        .map(|r| r.device.clone())
        .collect();
    for reading in readings {
        if tested.contains(&reading.device) {
            reading.is_test = true;
        }
    }
}

#[cfg(test)]
mod tests;
