//! Device profiles: what a sensor's messages or registers mean, as a file.
//!
//! A profile says which messages it reads (`[match]`), what it takes out of them (`[[channels]]`) and
//! proves it on samples (`[[golden]]`). Parsing and checking are pure: nothing here reads a file, and
//! a profile with any mistake is refused whole, with every mistake named.

mod channel;
mod golden;
mod pattern;
mod schema;

pub use channel::{
    ByteOrder, Channel, ChannelType, Condition, Origin, RawValue, Register, Table, TimeFormat,
};
pub use golden::check_golden;
pub use pattern::{Captures, Template, TopicPattern, filter_matches};

use std::collections::BTreeSet;

use gridwatch_protocol::{Kind, Text};

/// A checked device profile.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Its id, unique among the loaded profiles.
    pub id: String,
    /// Its name for people.
    pub name: Text,
    /// Which frames it reads.
    pub matcher: Matcher,
    /// How the device is named; `None` where the configuration names it (Modbus).
    pub device: Option<Template>,
    /// Silent for longer than this means lost; `None` = not supervised by silence.
    pub silent_after_ms: Option<i64>,
    /// What is taken out.
    pub channels: Vec<Channel>,
    golden: Vec<schema::Golden>,
}

/// Which frames a profile reads.
#[derive(Debug, Clone)]
pub enum Matcher {
    /// MQTT messages.
    Mqtt(MqttMatcher),
    /// Register blocks of a Modbus unit that the configuration gives this profile.
    Modbus,
}

/// Which MQTT messages a profile reads.
#[derive(Debug, Clone)]
pub struct MqttMatcher {
    /// Topics it reads.
    pub topic: TopicPattern,
    /// MQTT filters of topics that it leaves alone all the same.
    pub not_topic: Vec<String>,
    /// Form of the payload.
    pub payload: PayloadForm,
    /// JSON pointers that a message must all have for the profile to recognise an unknown device.
    pub has: Vec<String>,
}

/// Form of an MQTT payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayloadForm {
    /// A JSON document.
    Json,
    /// Plain text; the whole of it is at path `""`.
    Text,
}

impl Profile {
    /// Parses and checks a profile file.
    ///
    /// # Errors
    /// Every mistake found, each naming the place and what to do.
    pub fn parse(text: &str) -> Result<Self, Vec<String>> {
        schema::parse(text)
    }

    /// The kinds that the profile can report.
    #[must_use]
    pub fn kinds(&self) -> BTreeSet<Kind> {
        self.channels.iter().map(|channel| channel.kind).collect()
    }

    /// Whether the device protects life: its silence is urgent.
    #[must_use]
    pub fn is_life_safety(&self) -> bool {
        self.channels
            .iter()
            .any(|channel| channel.kind.is_life_safety())
    }

    /// Number of golden samples.
    #[must_use]
    pub fn golden_count(&self) -> usize {
        self.golden.len()
    }
}

#[cfg(test)]
mod tests;
