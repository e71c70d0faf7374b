//! What a profile takes out of a frame: one channel, one kind of reading.

use gridwatch_protocol::{Kind, Value};
use serde::Deserialize;
use serde_json::Value as Json;

use super::Template;

/// One thing that a profile reads.
#[derive(Debug, Clone)]
pub struct Channel {
    /// Where in the frame it is.
    pub origin: Origin,
    /// JSON pointer of an array; the channel is read once for each element.
    pub for_each: Option<String>,
    /// Device of its own, instead of the profile's.
    pub device: Option<Template>,
    /// Kind of the readings.
    pub kind: Kind,
    /// How the raw value becomes a value.
    pub value: ChannelType,
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

/// Where a channel's raw value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// JSON pointer (RFC 6901); `""` is the whole message.
    Path(String),
    /// Modbus register or bit.
    Register(Register),
}

/// A field that must have one of some values.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// JSON pointer of the field.
    pub path: String,
    /// Values that let the channel be read.
    pub equals: Vec<Json>,
}

/// How a device writes a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
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
        /// Raw values by which the device says "no value".
        missing: Vec<f64>,
    },
    /// A word as it is.
    Text,
    /// Words or numbers that stand for values; what is not listed gives no reading.
    Enum(Vec<(Json, Value)>),
}

/// A Modbus register, or a bit of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Register {
    /// Which of the four tables.
    pub table: Table,
    /// Zero-based address as it is on the wire.
    pub address: u16,
    /// Type of the raw value.
    #[serde(rename = "type")]
    pub raw: RawValue,
    /// Order of the bytes of a 32-bit value: `abcd` big-endian, `cdab` word-swapped, `badc`, `dcba`.
    #[serde(default)]
    pub order: ByteOrder,
    /// Bit of a 16-bit register, 0 = least significant; for `bit` in `holding` and `input`.
    #[serde(default)]
    pub bit: u8,
}

/// The four Modbus tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Table {
    /// Coils, function 1.
    Coil,
    /// Discrete inputs, function 2.
    Discrete,
    /// Holding registers, function 3.
    Holding,
    /// Input registers, function 4.
    Input,
}

/// Type of a raw Modbus value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RawValue {
    /// A coil, a discrete input, or a bit of a register.
    Bit,
    /// 16-bit, unsigned.
    Uint16,
    /// 16-bit, two's complement.
    Int16,
    /// 32-bit, unsigned, two registers.
    Uint32,
    /// 32-bit, two's complement, two registers.
    Int32,
    /// IEEE 754 single, two registers.
    Float32,
}

impl RawValue {
    /// How many registers it takes.
    #[must_use]
    pub fn registers(self) -> u16 {
        match self {
            RawValue::Bit | RawValue::Uint16 | RawValue::Int16 => 1,
            RawValue::Uint32 | RawValue::Int32 | RawValue::Float32 => 2,
        }
    }
}

/// Order of the bytes of a value of more than one register.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ByteOrder {
    /// Big-endian, as the Modbus specification has it.
    #[default]
    Abcd,
    /// Low word first.
    Cdab,
    /// Bytes swapped within words.
    Badc,
    /// Little-endian.
    Dcba,
}

impl ByteOrder {
    /// The bytes of two registers in big-endian order.
    #[must_use]
    pub fn arrange(self, words: [u16; 2]) -> [u8; 4] {
        let [a, b] = words[0].to_be_bytes();
        let [c, d] = words[1].to_be_bytes();
        match self {
            ByteOrder::Abcd => [a, b, c, d],
            ByteOrder::Cdab => [c, d, a, b],
            ByteOrder::Badc => [b, a, d, c],
            ByteOrder::Dcba => [d, c, b, a],
        }
    }
}
