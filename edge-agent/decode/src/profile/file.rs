//! The profile file as it is written. These types are what a file may hold: the JSON Schema and the
//! reference page are made from them and their comments.

use gridwatch_protocol::{Text, Value};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;
use toml::Spanned;

use super::PayloadForm;
use super::channel::TimeFormat;
use super::json_schema::{
    any_number, kind_name, kind_names, name_text, one_or_many, raw_value, raw_values, value,
    value_or_nothing,
};
use super::register::{Register, Table};
use super::supervision::{BusQuirks, SupervisionFile};

/// A device profile: which messages or registers it reads, what it takes out of them, and samples
/// that prove it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProfileFile {
    /// Version of the file format: 1.
    pub(super) schema: u32,
    /// Id of the profile, unique among the loaded ones: letters, digits and `-`. By habit the file's name.
    pub(super) id: String,
    /// Name for people: `{ zh = "…", en = "…" }`.
    #[schemars(schema_with = "name_text")]
    pub(super) name: Text,
    /// The document that the profile is made from: an address, a manual with its page.
    pub(super) source: String,
    /// Which frames the profile reads.
    #[serde(rename = "match")]
    pub(super) matcher: MatchFile,
    /// How a message names its device. MQTT only.
    pub(super) device: Option<DeviceFile>,
    /// How the device is supervised.
    #[serde(default)]
    pub(super) supervision: SupervisionFile,
    /// What the device's Modbus side can bear. Modbus only.
    pub(super) modbus: Option<BusQuirks>,
    /// What is taken out: one entry for each kind of reading.
    #[serde(default)]
    #[schemars(with = "Vec<ChannelFile>")]
    pub(super) channels: Vec<Spanned<ChannelFile>>,
    /// Samples with everything that must come out of them. A profile that reads them otherwise is refused.
    #[serde(default)]
    pub(super) golden: Vec<Golden>,
}

/// Which frames a profile reads.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MatchFile {
    /// How the device is reached.
    pub(super) transport: Transport,
    /// MQTT: topic with named parts. `{name}` takes one level, `{name...}` one or more.
    pub(super) topic: Option<String>,
    /// MQTT: filters (`+`, `#`) of topics that are left alone all the same.
    #[serde(default)]
    pub(super) not_topic: Vec<String>,
    /// MQTT: form of the payload.
    pub(super) payload: Option<PayloadForm>,
    /// MQTT: JSON pointers that a message must all have for an unknown device to be recognised.
    #[serde(default)]
    pub(super) has: Vec<String>,
    /// CSV and key-value payloads: what stands between two fields. CSV: `,` when left out; `key_value`:
    /// white space, `,`, `;` and `&` when left out.
    pub(super) separator: Option<char>,
    /// CSV: the first line of each message names the columns.
    #[serde(default)]
    pub(super) header: bool,
    /// CSV: names of the columns, where the messages do not have them; `""` for one without meaning.
    #[serde(default)]
    pub(super) columns: Vec<String>,
    /// Modbus: what registers of the right kind of device hold. A unit that holds anything else gives no
    /// readings and is told as a problem; what could not be read is not looked at.
    #[serde(default)]
    pub(super) identity: Vec<ConditionFile>,
    /// Format: name of the format that recognises the device, such as `zigbee2mqtt`.
    pub(super) format: Option<String>,
    /// Format: maker of the device as the format tells it; any when left out.
    pub(super) vendor: Option<String>,
    /// Format: type of the device as the format tells it, or a list of them; any when left out.
    #[serde(default)]
    #[schemars(schema_with = "one_or_many")]
    pub(super) model: Models,
    /// Format: what the device reports, where its silence is more than a nuisance (`smoke`).
    #[serde(default)]
    #[schemars(schema_with = "kind_names")]
    pub(super) kinds: Vec<String>,
}

/// How a device is reached.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Transport {
    /// Messages of an MQTT broker.
    Mqtt,
    /// Registers of a Modbus unit to which the agent's configuration gives this profile.
    Modbus,
    /// A device that one of the built-in formats recognises: the profile only supervises it.
    Format,
}

/// One model or several.
#[derive(Default, Deserialize)]
#[serde(from = "OneOrMany")]
pub(super) struct Models(pub(super) Vec<String>);

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl From<OneOrMany> for Models {
    fn from(given: OneOrMany) -> Self {
        match given {
            OneOrMany::One(model) => Self(vec![model]),
            OneOrMany::Many(models) => Self(models),
        }
    }
}

/// How a message names its device.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DeviceFile {
    /// Template of the device's id: `{name}` is a named part of the topic, `{/json/pointer}` a field.
    pub(super) id: String,
}

/// One thing that is taken out of a frame.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChannelFile {
    /// MQTT: JSON pointer of the field; `""` is the whole payload. CSV: `/0` is the first column, `/name`
    /// a named one. A message without the field gives no reading.
    pub(super) path: Option<String>,
    /// Modbus: the register.
    pub(super) register: Option<Register>,
    /// The same channel many times over: zones of a panel, inputs of a controller.
    pub(super) repeat: Option<RepeatFile>,
    /// MQTT: JSON pointer of an array; the channel is read once for each element, `{item}` in templates.
    pub(super) for_each: Option<String>,
    /// Device of its own. MQTT: a template as in `[device]`. Modbus: what follows the unit's device, so
    /// that `zone{n}` is `panel/zone1`, `panel/zone2` …
    pub(super) device: Option<String>,
    /// Kind of the readings, from the closed list.
    #[schemars(schema_with = "kind_name")]
    pub(super) kind: String,
    /// How the raw value becomes a value.
    #[serde(rename = "type")]
    pub(super) value: TypeName,
    /// Unit of the number after `scale` and `offset`. kW, °F, mV and others become the unit of the kind.
    pub(super) unit: Option<String>,
    /// `bool`: the device says the opposite of what the kind means.
    #[serde(default)]
    pub(super) invert: bool,
    /// `bool`: the state is true at and above this number, or what a register or field holds.
    #[serde(default)]
    #[schemars(schema_with = "any_number")]
    pub(super) above: Option<BoundFile>,
    /// `bool`: the state is true at and below this number, or what a register or field holds.
    #[serde(default)]
    #[schemars(schema_with = "any_number")]
    pub(super) below: Option<BoundFile>,
    /// `bool` with `above` or `below`: the state ends at this number; between the two there is no reading.
    #[serde(default)]
    #[schemars(schema_with = "any_number")]
    pub(super) clear: Option<BoundFile>,
    /// `number`: factor. 1 when left out.
    pub(super) scale: Option<f64>,
    /// `number`: added after scaling. 0 when left out.
    pub(super) offset: Option<f64>,
    /// `number`: a smaller value is kept with quality `bad`, and no rule looks at it.
    pub(super) min: Option<f64>,
    /// `number`: a greater value is kept with quality `bad`, and no rule looks at it.
    pub(super) max: Option<f64>,
    /// Raw values by which the device says "no value": they give no reading. Before `scale`.
    #[serde(default)]
    #[schemars(schema_with = "raw_values")]
    pub(super) missing: Vec<Json>,
    /// `enum`: what stands for what. What is not listed gives no reading.
    #[serde(default)]
    pub(super) values: Vec<EnumEntry>,
    /// `enum`: what anything that is not listed stands for.
    #[serde(default)]
    #[schemars(schema_with = "value_or_nothing")]
    pub(super) otherwise: Option<Value>,
    /// MQTT: JSON pointer; the channel is left alone when the message has it.
    pub(super) unless: Option<String>,
    /// Conditions on other fields or registers: all must hold.
    #[serde(default)]
    pub(super) when: Vec<ConditionFile>,
    /// MQTT: template of the source's own id of the event, so that redelivery is harmless.
    pub(super) source_event: Option<String>,
    /// MQTT: where the time of the event is.
    pub(super) time: Option<TimeFile>,
}

/// The same channel many times over. `{n}` in `device` and in paths counts.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RepeatFile {
    /// How many: 1 to 1000.
    pub(super) count: u32,
    /// What `{n}` begins with. 1 when left out.
    #[serde(default = "one")]
    pub(super) from: u32,
    /// Registers from one to the next. 1 when left out; 0 when left out and `bit_step` is given.
    pub(super) step: Option<u32>,
    /// Bits from one to the next, on into the next register after bit 15: with type `bit` and `bits`.
    #[serde(default)]
    pub(super) bit_step: u32,
}

fn one() -> u32 {
    1
}

/// How a raw value becomes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum TypeName {
    /// A state: JSON booleans, 1 and 0, true/false, on/off, yes/no, active/inactive; or a number on
    /// one side of a limit (`above`, `below`).
    Bool,
    /// A number: `raw × scale + offset`.
    Number,
    /// A word as it is.
    Text,
    /// Words or numbers that stand for values (`values`).
    Enum,
}

/// A raw value and what it stands for.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EnumEntry {
    /// The raw value.
    #[schemars(schema_with = "raw_value")]
    pub(super) from: Json,
    /// What it stands for.
    #[schemars(schema_with = "value")]
    pub(super) to: Value,
}

/// A number, or a register or field that holds it.
#[derive(Clone, Deserialize)]
#[serde(
    untagged,
    expecting = "give a number, `{ register = … }` or `{ path = … }`"
)]
pub(super) enum BoundFile {
    Number(f64),
    Of(OriginFile),
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OriginFile {
    pub(super) register: Option<Register>,
    pub(super) path: Option<String>,
}

/// What another field, register or part of the topic must be. What is missing does not hold, but for
/// `present = false`.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ConditionFile {
    /// JSON pointer of the field.
    pub(super) path: Option<String>,
    /// The register. In a repeated channel it moves along with it.
    pub(super) register: Option<Register>,
    /// In a repeated channel: registers from one to the next, where they are not those of the channel;
    /// 0 for a register that is the same for all.
    pub(super) step: Option<u32>,
    /// Name of a part of the topic.
    pub(super) topic: Option<String>,
    /// It is one of these.
    #[serde(default)]
    #[schemars(schema_with = "raw_values")]
    pub(super) equals: Vec<Json>,
    /// It is none of these.
    #[serde(default)]
    #[schemars(schema_with = "raw_values")]
    pub(super) not_equals: Vec<Json>,
    /// `true`: it is there, whatever it holds. `false`: it is not there, or null; the one condition that
    /// holds for what is missing.
    pub(super) present: Option<bool>,
    /// It is at least this number.
    pub(super) at_least: Option<f64>,
    /// It is at most this number.
    pub(super) at_most: Option<f64>,
}

/// Where the time of an event is.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TimeFile {
    /// JSON pointer of the field.
    pub(super) path: String,
    /// How the device writes it.
    pub(super) format: TimeFormat,
}

/// A sample with everything that must come out of it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Golden {
    /// What the sample shows.
    pub(super) name: String,
    /// MQTT: topic.
    #[serde(default)]
    pub(super) topic: String,
    /// MQTT: payload as text.
    #[serde(default)]
    pub(super) payload: String,
    /// Modbus: what the unit holds.
    #[serde(default)]
    pub(super) registers: Vec<GoldenBlock>,
    /// Format: maker of a device.
    pub(super) vendor: Option<String>,
    /// Format: type of a device.
    pub(super) model: Option<String>,
    /// Format: whether the profile supervises that device.
    pub(super) takes: Option<bool>,
    /// The readings, all of them, in the order of the channels.
    #[serde(default)]
    pub(super) expect: Vec<GoldenReading>,
}

/// Neighbouring registers of a sample.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GoldenBlock {
    /// The table.
    pub(super) table: Table,
    /// Zero-based address of the first.
    pub(super) address: u16,
    /// The registers; bits are 0 or 1.
    pub(super) values: Vec<u16>,
}

/// A reading that must come out of a sample.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GoldenReading {
    /// The device. A Modbus unit is `golden`, its sub-devices `golden/…`; it may be left out for the unit.
    pub(super) device: Option<String>,
    /// Kind.
    #[schemars(schema_with = "kind_name")]
    pub(super) kind: String,
    /// Value.
    #[schemars(schema_with = "value")]
    pub(super) value: Value,
    /// Unit.
    pub(super) unit: Option<String>,
    /// The device's own time; not looked at when left out.
    pub(super) time: Option<String>,
}
