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
    /// Profile that the configuration gives a device: on its topics it alone reads.
    fixed: HashMap<DeviceId, usize>,
    /// Profiles that have recognised a device: its state and its availability, say.
    recognised: HashMap<DeviceId, Vec<usize>>,
    /// Profiles whose pattern fits a topic.
    by_topic: HashMap<String, Vec<usize>>,
}

impl Decoder {
    /// A decoder over checked profiles. `fixed` gives devices their profile, `remembered` says by which
    /// one they were recognised in an earlier run.
    #[must_use]
    pub fn new(
        profiles: Vec<Profile>,
        fixed: impl IntoIterator<Item = (DeviceId, String)>,
        remembered: impl IntoIterator<Item = (DeviceId, String)>,
    ) -> Self {
        let by_id: HashMap<String, usize> = profiles
            .iter()
            .enumerate()
            .map(|(index, profile)| (profile.id.clone(), index))
            .collect();
        let index = |(device, profile): (DeviceId, String)| Some((device, *by_id.get(&profile)?));
        let fixed = fixed.into_iter().filter_map(index).collect();
        let recognised = remembered
            .into_iter()
            .filter_map(index)
            .map(|(device, index)| (device, vec![index]))
            .collect();
        Self {
            profiles,
            by_id,
            fixed,
            recognised,
            by_topic: HashMap::new(),
        }
    }

    /// The profile that a device is read by, once it is known: of several, the one that reads most.
    #[must_use]
    pub fn profile_of(&self, device: &DeviceId) -> Option<&Profile> {
        let profile = |index: &usize| &self.profiles[*index];
        self.fixed.get(device).map(profile).or_else(|| {
            self.recognised
                .get(device)?
                .iter()
                .map(profile)
                .max_by_key(|profile| profile.channels.len())
        })
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
        for &index in &candidates {
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
            let has_all = matcher.has.iter().all(|p| body.pointer(p).is_some());
            if !self.takes(index, device.as_ref(), &candidates, has_all) {
                continue;
            }
            let decoded = json::read(profile, &captures, body, retained, received_at)?;
            if let Some(device) = device {
                self.remember(device, index);
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
        self.remember(registers.device.clone(), index);
        Ok(read_registers(
            &self.profiles[index],
            registers,
            received_at,
        ))
    }

    /// Whether a profile reads a message of a device on a topic of these candidates.
    fn takes(
        &self,
        index: usize,
        device: Option<&DeviceId>,
        candidates: &[usize],
        has_all: bool,
    ) -> bool {
        let Some(device) = device else {
            return has_all;
        };
        if let Some(fixed) = self.fixed.get(device)
            && candidates.contains(fixed)
        {
            return index == *fixed;
        }
        let known = self.recognised.get(device).map_or(&[][..], Vec::as_slice);
        match known.iter().find(|known| candidates.contains(known)) {
            Some(known) => *known == index,
            None => has_all,
        }
    }

    fn remember(&mut self, device: DeviceId, index: usize) {
        if self.recognised.len() >= TOPICS_MAX && !self.recognised.contains_key(&device) {
            return;
        }
        let known = self.recognised.entry(device).or_default();
        if !known.contains(&index) {
            known.push(index);
        }
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
