//! What a profile takes out of a frame: one channel, one kind of reading.

use gridwatch_protocol::{Kind, Value};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use super::{Register, RegisterSpan, Template};

/// One thing that a profile reads.
#[derive(Debug, Clone)]
pub struct Channel {
    /// Where in the frame it is.
    pub origin: Origin,
    /// JSON pointer of an array; the channel is read once for each element.
    pub for_each: Option<String>,
    /// Device of its own, instead of the profile's. For Modbus it is what follows the unit's device
    /// and a slash: `zone2` is `panel/zone2`.
    pub device: Option<Template>,
    /// Kind of the readings.
    pub kind: Kind,
    /// How the raw value becomes a value.
    pub value: ChannelType,
    /// Raw values by which the device says "no value".
    pub missing: Vec<Json>,
    /// Unit of the readings.
    pub unit: Option<String>,
    /// JSON pointer: the channel is left alone when the message has it.
    pub unless: Option<String>,
    /// All must hold for the channel to be read.
    pub when: Vec<Condition>,
    /// The source's own id of the event.
    pub source_event: Option<Template>,
    /// Where the time of the event is.
    pub time: Option<(String, TimeFormat)>,
}

/// Where a raw value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// JSON pointer (RFC 6901); `""` is the whole message.
    Path(String),
    /// Modbus register or bit.
    Register(Register),
}

/// What a condition looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// A place in the frame.
    At(Origin),
    /// Named part of the topic.
    Topic(String),
}

/// What a field, a register or a part of the topic must be. Where it is missing, only
/// `present == Some(false)` holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// What is looked at.
    pub of: Field,
    /// It is one of these; any, when there are none.
    pub equals: Vec<Json>,
    /// It is none of these.
    pub not_equals: Vec<Json>,
    /// It is there, or it is not.
    pub present: Option<bool>,
    /// It is a number, and at least this.
    pub at_least: Option<f64>,
    /// It is a number, and at most this.
    pub at_most: Option<f64>,
}

/// How a device writes a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimeFormat {
    /// RFC 3339 with a zone.
    Rfc3339,
    /// RFC 3339 without a zone: the time of day at the site.
    Local,
    /// Seconds since 1970, with or without a fraction.
    UnixS,
    /// Milliseconds since 1970.
    UnixMs,
}

/// How a raw value becomes a value.
#[derive(Debug, Clone, PartialEq)]
pub enum ChannelType {
    /// A state. Understood are JSON booleans, 1 and 0, and the words true/false, on/off, yes/no,
    /// active/inactive.
    Bool {
        /// The device says the opposite of what the kind means.
        invert: bool,
    },
    /// A state that a number has on one side of a limit.
    Limit(Limit),
    /// A number: `raw × scale + offset`.
    Number {
        /// Factor.
        scale: f64,
        /// Added after scaling.
        offset: f64,
        /// A smaller value is kept with quality `bad`.
        min: f64,
        /// A greater value is kept with quality `bad`.
        max: f64,
    },
    /// A word as it is.
    Text,
    /// Words or numbers that stand for values.
    Enum {
        /// What stands for what.
        values: Vec<(Json, Value)>,
        /// What anything else stands for; nothing gives no reading.
        otherwise: Option<Value>,
    },
}

/// A state that a number has on one side of a limit.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// The state is true at and above (or, `false`, at and below) the limit.
    pub above: bool,
    /// Where it becomes true.
    pub set: Bound,
    /// Where it becomes false again; between the two there is no reading. As `set` when left out.
    pub clear: Option<Bound>,
}

/// A limit: a number, or what a register or field holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Bound {
    /// A number in the raw value's scale.
    Number(f64),
    /// A register or field of the same frame, in the raw value's scale.
    Of(Origin),
}

impl Channel {
    /// Every register that must be read for the channel: its own, those of its conditions and limits.
    pub fn registers(&self) -> impl Iterator<Item = RegisterSpan> {
        let limits = match &self.value {
            ChannelType::Limit(limit) => {
                vec![Some(&limit.set), limit.clear.as_ref()]
            }
            _ => Vec::new(),
        };
        let limits = limits
            .into_iter()
            .flatten()
            .filter_map(|bound| match bound {
                Bound::Of(origin) => Some(origin),
                Bound::Number(_) => None,
            });
        std::iter::once(&self.origin)
            .chain(limits)
            .filter_map(Origin::register)
            .chain(self.when.iter().filter_map(Condition::register))
            .collect::<Vec<_>>()
            .into_iter()
    }
}

impl Origin {
    /// What has to be read of a unit.
    fn register(&self) -> Option<RegisterSpan> {
        match self {
            Origin::Register(register) => Some(register.span()),
            Origin::Path(_) => None,
        }
    }
}

impl Condition {
    /// What has to be read of a unit.
    pub(super) fn register(&self) -> Option<RegisterSpan> {
        match &self.of {
            Field::At(origin) => origin.register(),
            Field::Topic(_) => None,
        }
    }
}
