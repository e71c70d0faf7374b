//! Device profiles: what a sensor's messages or registers mean, as a file.
//!
//! A profile says which messages it reads (`[match]`), what it takes out of them (`[[channels]]`) and
//! proves it on samples (`[[golden]]`). Parsing and checking are pure: nothing here reads a file, and
//! a profile with any mistake is refused whole, with every mistake named.

mod channel;
mod check;
mod check_channel;
mod expand;
mod file;
mod golden;
mod json_schema;
mod pattern;
mod register;
mod suggest;
mod supervision;

pub use channel::{Bound, Channel, ChannelType, Condition, Field, Limit, Origin, TimeFormat};
pub use golden::check_golden;
pub use json_schema::profile_schema;
pub use pattern::{Captures, Template, TopicPattern, filter_matches};
pub use register::{BitField, ByteOrder, RawValue, Register, RegisterSpan, Table};
pub use supervision::{BusQuirks, Supervision};

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
    /// What registers of the right kind of Modbus device hold.
    pub identity: Vec<Condition>,
    /// Silent for longer than this means lost; `None` = not supervised by silence.
    pub silent_after_ms: Option<i64>,
    /// How it is supervised.
    pub supervision: Supervision,
    /// What its Modbus side can bear.
    pub bus: BusQuirks,
    /// What is taken out; repeated channels stand here singly.
    pub channels: Vec<Channel>,
    golden: Vec<file::Golden>,
}

/// Which frames a profile reads.
#[derive(Debug, Clone)]
pub enum Matcher {
    /// MQTT messages.
    Mqtt(MqttMatcher),
    /// Register blocks of a Modbus unit that the configuration gives this profile.
    Modbus,
    /// None: a format reads the device, the profile only supervises it.
    Format(FormatMatcher),
}

/// Which devices of a format a profile supervises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormatMatcher {
    /// Name of the format.
    pub format: String,
    /// Maker; any when left out.
    pub vendor: Option<String>,
    /// Types; any when there are none.
    pub models: Vec<String>,
    /// What the device reports, where its silence matters more.
    pub kinds: Vec<Kind>,
}

impl FormatMatcher {
    /// Whether a device is one of these; case does not matter. `None` = the format does not tell.
    #[must_use]
    pub fn takes(&self, format: &str, vendor: Option<&str>, model: Option<&str>) -> bool {
        let same = |wanted: &str, given: Option<&str>| {
            given.is_some_and(|given| given.trim().eq_ignore_ascii_case(wanted))
        };
        self.format == format
            && self
                .vendor
                .as_ref()
                .is_none_or(|wanted| same(wanted, vendor))
            && (self.models.is_empty() || self.models.iter().any(|wanted| same(wanted, model)))
    }

    /// The more a matcher demands, the sooner it is asked.
    pub(crate) fn strictness(&self) -> u8 {
        2 * u8::from(!self.models.is_empty()) + u8::from(self.vendor.is_some())
    }
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
    /// How the fields of a CSV or key-value payload are told apart.
    pub fields: FieldForm,
    /// JSON pointers that a message must all have for the profile to recognise an unknown device.
    pub has: Vec<String>,
}

/// Form of an MQTT payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PayloadForm {
    /// A JSON document.
    Json,
    /// Plain text; the whole of it is at path `""`.
    Text,
    /// Lines of fields. Each line is read as a message of its own: `/0` is its first field, `/name`
    /// a field whose column has a name.
    Csv,
    /// `name=value` or `name:value`, one after the other: `/name` is the value.
    KeyValue,
}

/// How the fields of a CSV or key-value payload are told apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldForm {
    /// What stands between two fields; the form's own when left out.
    pub separator: Option<char>,
    /// The first line of each message names the columns.
    pub header: bool,
    /// Names of the columns.
    pub columns: Vec<String>,
}

impl Profile {
    /// Parses and checks a profile file.
    ///
    /// # Errors
    /// Every mistake found, each naming the place and what to do.
    pub fn parse(text: &str) -> Result<Self, Vec<String>> {
        check::parse(text)
    }

    /// The kinds that the profile can report.
    #[must_use]
    pub fn kinds(&self) -> BTreeSet<Kind> {
        let told: &[Kind] = match &self.matcher {
            Matcher::Format(format) => &format.kinds,
            Matcher::Mqtt(_) | Matcher::Modbus => &[],
        };
        self.channels
            .iter()
            .map(|channel| channel.kind)
            .chain(told.iter().copied())
            .collect()
    }

    /// Every register that must be read, those of conditions and limits included: each span once, in
    /// the order of tables and addresses. Spans may overlap.
    #[must_use]
    pub fn registers(&self) -> Vec<RegisterSpan> {
        let identity = self.identity.iter().filter_map(Condition::register);
        let spans: BTreeSet<RegisterSpan> = self
            .channels
            .iter()
            .flat_map(Channel::registers)
            .chain(identity)
            .collect();
        spans.into_iter().collect()
    }

    /// Whether the device protects life: its silence is urgent.
    #[must_use]
    pub fn is_life_safety(&self) -> bool {
        self.kinds().iter().any(|kind| kind.is_life_safety())
    }

    /// Number of golden samples.
    #[must_use]
    pub fn golden_count(&self) -> usize {
        self.golden.len()
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod reference;
#[cfg(test)]
mod shipped_tests;
