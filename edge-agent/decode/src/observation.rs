//! What a reader takes out of a frame, and how it becomes readings.

use gridwatch_protocol::{DeviceId, Kind, Quality, Reading, Timestamp, Value};
use jiff::tz::TimeZone;

use crate::privacy::{self, Pseudonyms};
use crate::time::{self, SourceTime};

/// One thing that a device said, as its format means it.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// The device: `format/name`, unique over all formats.
    pub device: String,
    /// What it is about.
    pub kind: Kind,
    /// The value, in the polarity that the kind has here.
    pub value: Value,
    /// Unit, normalised.
    pub unit: Option<String>,
    /// How far it can be trusted, apart from its time.
    pub quality: Quality,
    /// The device's own time, if it gives one.
    pub time: Option<SourceTime>,
    /// The source's own id of the event: the same id is the same event, however often it comes.
    pub source_event: Option<String>,
    /// It is told again, not news: buffered values, history, a state found at connect.
    pub replayed: bool,
    /// The device says that it is being tested.
    pub is_test: bool,
    /// The value says who somebody is: a plate, a name, a card. Leaves the gateway as a pseudonym.
    pub personal: bool,
}

impl Observation {
    /// An observation without unit, time or id.
    #[must_use]
    pub fn new(device: impl Into<String>, kind: Kind, value: Value) -> Self {
        Self {
            device: device.into(),
            kind,
            value,
            unit: None,
            quality: Quality::Good,
            time: None,
            source_event: None,
            replayed: false,
            is_test: false,
            personal: false,
        }
    }

    /// A state.
    #[must_use]
    pub fn state(device: impl Into<String>, kind: Kind, state: bool) -> Self {
        Self::new(device, kind, Value::Bool(state))
    }

    /// A number with its unit.
    #[must_use]
    pub fn number(device: impl Into<String>, kind: Kind, number: f64, unit: &str) -> Self {
        Self {
            unit: (!unit.is_empty()).then(|| unit.to_owned()),
            ..Self::new(device, kind, Value::Number(number))
        }
    }

    /// A word.
    #[must_use]
    pub fn word(device: impl Into<String>, kind: Kind, word: impl Into<String>) -> Self {
        Self::new(device, kind, Value::Text(word.into()))
    }

    /// With the device's own time.
    #[must_use]
    pub fn at(mut self, time: Option<SourceTime>) -> Self {
        self.time = time;
        self
    }

    /// With the source's id of the event.
    #[must_use]
    pub fn event(mut self, id: impl Into<String>) -> Self {
        self.source_event = Some(id.into());
        self
    }

    /// Says who somebody is.
    #[must_use]
    pub fn personal(mut self) -> Self {
        self.personal = true;
        self
    }

    /// As a reading. Numbers that are none never pass.
    ///
    /// # Errors
    /// A sentence when the device's name or the value cannot be one.
    pub fn into_reading(
        self,
        retained: bool,
        received_at: Timestamp,
        zone: &TimeZone,
        pseudonyms: &Pseudonyms,
    ) -> Result<Reading, String> {
        if self.value.as_number().is_some_and(|n| !n.is_finite()) {
            return Err(format!("{} of {} is not a number", self.kind, self.device));
        }
        let is_personal = privacy::is_personal(&self);
        let (value, source_event) = match self.value {
            Value::Text(text) if is_personal => {
                let pseudonym = pseudonyms.of(&text);
                // Some sources write the credential into their event's id.
                let event = self.source_event.map(|id| id.replace(&text, &pseudonym));
                (Value::Text(pseudonym), event)
            }
            value => (value, self.source_event),
        };
        let device = DeviceId::new(self.device).map_err(|error| error.to_string())?;
        let (at, time_quality) = time::settle(self.time, received_at, zone);
        Ok(Reading {
            device,
            kind: self.kind,
            value,
            unit: self.unit,
            quality: match self.quality {
                Quality::Good => time_quality,
                other => other,
            },
            at,
            received_at,
            source_event,
            retained: retained || self.replayed,
            is_test: self.is_test,
        })
    }
}

/// What a format tells about a device itself: from an inventory, a birth message, a discovery message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Announcement {
    /// The device.
    pub device: String,
    /// Its name for people.
    pub name: Option<String>,
    /// Who makes it.
    pub vendor: Option<String>,
    /// Its type.
    pub model: Option<String>,
    /// What it can report.
    pub kinds: Vec<Kind>,
    /// How long it may be silent, in milliseconds, where the format tells.
    pub silent_after_ms: Option<i64>,
    /// It has left, and is expected no more.
    pub removed: bool,
}

/// A bridge or server says whether the devices behind it can be heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bridge {
    /// The devices behind it are those whose id begins with this.
    pub prefix: String,
    /// Whether it is up.
    pub online: bool,
}

/// What the readers of one message have to say. Readers push; nothing is dropped in silence.
#[derive(Debug, Default)]
pub struct Output {
    /// What devices said.
    pub observations: Vec<Observation>,
    /// What was told about devices.
    pub announcements: Vec<Announcement>,
    /// Bridges that came or went.
    pub bridges: Vec<Bridge>,
    /// Devices that were heard, though they gave no reading.
    pub heard: Vec<String>,
    /// Fields that should be read and could not, one sentence each: they go to the quarantine.
    pub problems: Vec<String>,
    notes: Option<Vec<String>>,
}

impl Output {
    /// An output that keeps the readers' notes, for `explain`.
    #[must_use]
    pub fn explaining() -> Self {
        Self {
            notes: Some(Vec::new()),
            ..Self::default()
        }
    }

    /// Says what a reader did or left alone, and why. Costs nothing unless someone asks.
    pub fn note(&mut self, note: impl FnOnce() -> String) {
        if let Some(notes) = &mut self.notes {
            notes.push(note());
        }
    }

    /// Takes in an observation.
    pub fn push(&mut self, observation: Observation) {
        self.observations.push(observation);
    }

    /// Says that something should have been read and could not be.
    pub fn problem(&mut self, problem: impl Into<String>) {
        self.problems.push(problem.into());
    }

    /// The notes so far.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        self.notes.as_deref().unwrap_or_default()
    }

    /// A device that says that it is being tested raises no hazard: what else it says in the same
    /// message is a test.
    pub fn mark_tests(&mut self) {
        let tested: Vec<String> = self
            .observations
            .iter()
            .filter(|o| o.kind == Kind::AlarmTest && o.value.as_bool() == Some(true))
            .map(|o| o.device.clone())
            .collect();
        for observation in &mut self.observations {
            if tested.contains(&observation.device) {
                observation.is_test = true;
            }
        }
    }
}
