//! Frame → observations, by device profile: finds the profile of a message and reads it.

mod json;
mod payload;
mod raw;
mod registers;
mod value;

use std::collections::HashMap;

use gridwatch_protocol::DeviceId;

use crate::PAYLOAD_BYTES_MAX;
use crate::decoder::Refusal;
use crate::frame::{Message, Registers};
use crate::observation::{Announcement, Output};
use crate::profile::{Captures, Matcher, PayloadForm, Profile, filter_matches};

pub use json::read_mqtt;
pub use registers::read_registers;

/// Topics whose profiles are remembered, so that a flood of new topics cannot fill the memory.
const TOPICS_MAX: usize = 20_000;

/// Finds the profile of a frame and reads it.
#[derive(Debug)]
pub struct ByProfile {
    profiles: Vec<Profile>,
    by_id: HashMap<String, usize>,
    /// Profile that the configuration gives a device: on its topics it alone reads.
    fixed: HashMap<String, usize>,
    /// Profiles that have recognised a device: its state and its availability, say.
    recognised: HashMap<String, Vec<usize>>,
    /// Profiles whose pattern fits a topic.
    by_topic: HashMap<String, Vec<usize>>,
}

impl ByProfile {
    /// A reader over checked profiles. `fixed` gives devices their profile, `remembered` says by which
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
        let index = |(device, profile): (DeviceId, String)| {
            Some((String::from(device), *by_id.get(&profile)?))
        };
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

    /// Puts other profiles in the place of the present ones.
    pub(crate) fn replace(&mut self, profiles: Vec<Profile>) {
        let old: Vec<String> = self.profiles.iter().map(|p| p.id.clone()).collect();
        self.by_id = profiles
            .iter()
            .enumerate()
            .map(|(index, profile)| (profile.id.clone(), index))
            .collect();
        let moved = |index: &usize| self.by_id.get(old.get(*index)?).copied();
        self.fixed = self
            .fixed
            .iter()
            .filter_map(|(device, index)| Some((device.clone(), moved(index)?)))
            .collect();
        for known in self.recognised.values_mut() {
            *known = known.iter().filter_map(moved).collect();
        }
        self.recognised.retain(|_, known| !known.is_empty());
        self.by_topic.clear();
        self.profiles = profiles;
    }

    /// The profile that a device is read by, once it is known: of several, the one that reads most.
    #[must_use]
    pub fn profile_of(&self, device: &str) -> Option<&Profile> {
        let profile = |index: &usize| &self.profiles[*index];
        self.fixed.get(device).map(profile).or_else(|| {
            self.recognised
                .get(device)?
                .iter()
                .map(profile)
                .max_by_key(|profile| profile.channels.len())
        })
    }

    /// The profile that supervises a device which a format has announced: of several that take it, the
    /// one that demands most.
    #[must_use]
    pub fn profile_for(&self, format: &str, announced: &Announcement) -> Option<&Profile> {
        let (vendor, model) = (announced.vendor.as_deref(), announced.model.as_deref());
        self.profiles
            .iter()
            .filter_map(|profile| match &profile.matcher {
                Matcher::Format(matcher) if matcher.takes(format, vendor, model) => {
                    Some((matcher.strictness(), profile))
                }
                _ => None,
            })
            .max_by_key(|(strictness, _)| *strictness)
            .map(|(_, profile)| profile)
    }

    /// The loaded profile with this id.
    #[must_use]
    pub fn by_id(&self, id: &str) -> Option<&Profile> {
        self.by_id
            .get(id)
            .and_then(|index| self.profiles.get(*index))
    }

    /// Reads an MQTT message; the id of the profile that took it.
    ///
    /// # Errors
    /// When no profile reads it, or it is broken.
    pub fn message(&mut self, message: &Message<'_>, output: &mut Output) -> Result<&str, Refusal> {
        let candidates = self.candidates(message.topic);
        if candidates.is_empty() {
            return Err(Refusal::Unknown("no profile has this topic".to_owned()));
        }
        if message.payload.len() > PAYLOAD_BYTES_MAX {
            return Err(Refusal::too_large(message.payload.len()));
        }
        for &index in &candidates {
            let profile = &self.profiles[index];
            let Matcher::Mqtt(matcher) = &profile.matcher else {
                continue;
            };
            let documents = match payload::documents(matcher, message) {
                Ok(documents) => documents,
                Err(why) => {
                    output.note(|| format!("profile `{}`: {why}", profile.id));
                    continue;
                }
            };
            let Some(body) = documents.all.first() else {
                continue;
            };
            let captures = matcher.topic.captures(message.topic).unwrap_or_default();
            let device = device_of(profile, &captures, body);
            let lacks = matcher.has.iter().find(|p| body.pointer(p).is_none());
            if !self.takes(index, device.as_deref(), &candidates, lacks.is_none()) {
                output.note(|| match lacks {
                    Some(lacks) => {
                        format!("profile `{}`: the message has no `{lacks}`", profile.id)
                    }
                    None => format!("profile `{}`: another profile has this device", profile.id),
                });
                continue;
            }
            json::read(profile, &captures, &documents, output)?;
            if let Some(device) = device {
                self.remember(device, index);
            }
            return Ok(&self.profiles[index].id);
        }
        let all_json = candidates.iter().all(|&index| {
            matches!(&self.profiles[index].matcher, Matcher::Mqtt(m) if m.payload == PayloadForm::Json)
        });
        match message.json() {
            Err(why) if all_json => Err(Refusal::Malformed(why.to_owned())),
            _ => Err(Refusal::Unknown(
                "profiles have this topic, but none recognises the message".to_owned(),
            )),
        }
    }

    /// Reads a poll of a Modbus unit.
    ///
    /// # Errors
    /// When the profile is not loaded.
    pub fn registers(&mut self, registers: &Registers, output: &mut Output) -> Result<(), Refusal> {
        let index = *self.by_id.get(&registers.profile).ok_or_else(|| {
            Refusal::Unknown(format!("profile `{}` is not loaded", registers.profile))
        })?;
        self.remember(registers.device.as_str().to_owned(), index);
        read_registers(&self.profiles[index], registers, output);
        Ok(())
    }

    /// Whether a profile reads a message of a device on a topic of these candidates.
    fn takes(
        &self,
        index: usize,
        device: Option<&str>,
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

    fn remember(&mut self, device: String, index: usize) {
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
        Matcher::Modbus | Matcher::Format(_) => false,
        Matcher::Mqtt(matcher) => {
            !matcher.not_topic.iter().any(|f| filter_matches(f, topic))
                && matcher.topic.captures(topic).is_some()
        }
    }
}

fn device_of(profile: &Profile, captures: &Captures, body: &serde_json::Value) -> Option<String> {
    profile.device.as_ref()?.fill(captures, body, None)
}

#[cfg(test)]
#[path = "by_profile/tests.rs"]
mod tests;
