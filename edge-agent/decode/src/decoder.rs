//! Frame → readings. Profiles are asked first, because someone wrote them for this site; then the
//! formats, each of which knows its own messages by topic and shape. Pure: no clock, no I/O, no log.
//!
//! What nobody understands and what is broken is told apart and returned, never dropped in silence.

use gridwatch_protocol::{DeviceId, Quality, Reading, Timestamp};
use jiff::tz::TimeZone;

use crate::PAYLOAD_BYTES_MAX;
use crate::by_profile::ByProfile;
use crate::formats::{self, Format, Verdict};
use crate::frame::{Message, Registers};
use crate::observation::{Announcement, Bridge, Output};
use crate::privacy::Pseudonyms;
use crate::profile::Profile;
use crate::time::{self, SourceTime};

/// Why a frame gave no readings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nobody reads it.
    #[error("no profile and no format reads it: {0}")]
    Unknown(String),
    /// Someone should read it, but it is broken.
    #[error("{0}")]
    Malformed(String),
}

impl Refusal {
    pub(crate) fn too_large(bytes: usize) -> Self {
        Self::Malformed(format!(
            "the payload has {bytes} bytes, at most {PAYLOAD_BYTES_MAX} are read"
        ))
    }
}

/// What came out of a frame.
#[derive(Debug, Default)]
pub struct Decoded {
    /// Who read it: the id of a profile or the name of a format.
    pub by: String,
    /// The readings, in the order of the frame.
    pub readings: Vec<Reading>,
    /// What was told about devices.
    pub announcements: Vec<Announcement>,
    /// Bridges that came or went.
    pub bridges: Vec<Bridge>,
    /// Devices that were heard, though they gave no reading.
    pub heard: Vec<DeviceId>,
    /// Devices that gave a time which cannot be.
    pub wrong_clocks: Vec<DeviceId>,
    /// Fields that were there and could not be read, one sentence each.
    pub problems: Vec<String>,
}

/// Reads frames by profiles and formats.
#[derive(Debug)]
pub struct Decoder {
    profiles: ByProfile,
    formats: Vec<Box<dyn Format>>,
    zone: TimeZone,
    pseudonyms: Pseudonyms,
}

impl Decoder {
    /// A decoder with these profiles and every format. `zone` is the site's time zone: device times
    /// without a zone are read in it. `pseudonyms` stand for people's credentials in its readings.
    #[must_use]
    pub fn new(profiles: ByProfile, zone: TimeZone, pseudonyms: Pseudonyms) -> Self {
        Self {
            profiles,
            formats: formats::all(),
            zone,
            pseudonyms,
        }
    }

    /// Puts other profiles in the place of the present ones. Devices stay with the profile that has
    /// recognised them, if it is still there.
    pub fn set_profiles(&mut self, profiles: Vec<Profile>) {
        self.profiles.replace(profiles);
    }

    /// The profile that a device is read by, once it is known.
    #[must_use]
    pub fn profile_of(&self, device: &DeviceId) -> Option<&Profile> {
        self.profiles.profile_of(device.as_str())
    }

    /// The profile that supervises a device which a format has announced.
    #[must_use]
    pub fn profile_for(&self, format: &str, announced: &Announcement) -> Option<&Profile> {
        self.profiles.profile_for(format, announced)
    }

    /// Reads an MQTT message as its sender wrote it, times included; the name of who read it.
    ///
    /// # Errors
    /// When nobody reads it, or it is broken.
    pub fn observe(
        &mut self,
        message: &Message<'_>,
        output: &mut Output,
    ) -> Result<String, Refusal> {
        if message.payload.len() > PAYLOAD_BYTES_MAX {
            return Err(Refusal::too_large(message.payload.len()));
        }
        let mut why = match self.profiles.message(message, output) {
            Ok(profile) => return Ok(profile.to_owned()),
            Err(refusal) => refusal,
        };
        output.note(|| match &why {
            Refusal::Unknown(reason) | Refusal::Malformed(reason) => format!("profiles: {reason}"),
        });
        for format in &mut self.formats {
            match format.read(message, output) {
                Verdict::Taken => {
                    output.mark_tests();
                    return Ok(format.name().to_owned());
                }
                Verdict::NotMine(reason) => {
                    output.note(|| format!("{}: {reason}", format.name()));
                }
                Verdict::Broken(reason) => {
                    output.note(|| format!("{}: broken: {reason}", format.name()));
                    why = Refusal::Malformed(format!("{}: {reason}", format.name()));
                    break;
                }
            }
        }
        Err(why)
    }

    /// Reads an MQTT message.
    ///
    /// # Errors
    /// When nobody reads it, or it is broken.
    pub fn message(&mut self, message: &Message<'_>) -> Result<Decoded, Refusal> {
        let mut output = Output::default();
        let by = self.observe(message, &mut output)?;
        Ok(self.settled(by, output, message.retained, message.received_at))
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
        let mut output = Output::default();
        self.profiles.registers(registers, &mut output)?;
        Ok(self.settled(registers.profile.clone(), output, false, received_at))
    }

    /// Reads a poll of a Modbus unit as the unit told it.
    ///
    /// # Errors
    /// When the profile is not loaded.
    pub fn observe_registers(
        &mut self,
        registers: &Registers,
        output: &mut Output,
    ) -> Result<(), Refusal> {
        self.profiles.registers(registers, output)
    }

    /// Lets time pass: states that end by themselves.
    pub fn tick(&mut self, now: Timestamp) -> Decoded {
        let mut output = Output::default();
        for format in &mut self.formats {
            format.tick(now, &mut output);
        }
        self.settled(String::new(), output, false, now)
    }

    fn settled(&self, by: String, output: Output, retained: bool, received: Timestamp) -> Decoded {
        let mut decoded = Decoded {
            by,
            readings: Vec::with_capacity(output.observations.len()),
            announcements: output.announcements,
            bridges: output.bridges,
            heard: output
                .heard
                .into_iter()
                .filter_map(|device| DeviceId::new(device).ok())
                .collect(),
            wrong_clocks: Vec::new(),
            problems: output.problems,
        };
        for observation in output.observations {
            // A clock that was never set is told by its unusable times; that is no news.
            let tells_time = !retained
                && !observation.replayed
                && matches!(
                    observation.time,
                    Some(SourceTime::Instant(_) | SourceTime::Local(_))
                );
            let (_, of_time) = time::settle(observation.time, received, &self.zone);
            match observation.into_reading(retained, received, &self.zone, &self.pseudonyms) {
                Ok(reading) => {
                    if tells_time && of_time != Quality::Good {
                        decoded.wrong_clocks.push(reading.device.clone());
                    }
                    decoded.readings.push(reading);
                }
                Err(problem) => decoded.problems.push(problem),
            }
        }
        decoded
    }
}

#[cfg(test)]
#[path = "decoder_tests.rs"]
mod tests;
