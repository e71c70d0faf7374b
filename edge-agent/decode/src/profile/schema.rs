//! The profile file as it is written, and the way from there to a checked [`Profile`].

use gridwatch_protocol::{Kind, Text, Value};
use serde::Deserialize;
use serde_json::Value as Json;

use super::channel::{
    Channel, ChannelType, Condition, Origin, RawValue, Register, Table, TimeFormat,
};
use super::pattern::{Template, TopicPattern};
use super::{Matcher, MqttMatcher, PayloadForm, Profile};

/// The version of the file format that this agent reads.
const SCHEMA: u32 = 1;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfileFile {
    schema: u32,
    id: String,
    name: Text,
    source: String,
    #[serde(rename = "match")]
    matcher: MatchFile,
    device: Option<DeviceFile>,
    #[serde(default)]
    supervision: SupervisionFile,
    #[serde(default)]
    channels: Vec<ChannelFile>,
    #[serde(default)]
    golden: Vec<Golden>,
}

#[derive(Deserialize)]
#[serde(tag = "transport", rename_all = "snake_case", deny_unknown_fields)]
enum MatchFile {
    Mqtt {
        topic: String,
        #[serde(default)]
        not_topic: Vec<String>,
        payload: PayloadForm,
        #[serde(default)]
        has: Vec<String>,
    },
    Modbus,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeviceFile {
    id: String,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SupervisionFile {
    #[serde(default)]
    silent_after_s: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChannelFile {
    path: Option<String>,
    register: Option<Register>,
    for_each: Option<String>,
    device: Option<String>,
    kind: String,
    #[serde(rename = "type")]
    value: TypeName,
    unit: Option<String>,
    #[serde(default)]
    invert: bool,
    scale: Option<f64>,
    offset: Option<f64>,
    min: Option<f64>,
    max: Option<f64>,
    #[serde(default)]
    missing: Vec<f64>,
    #[serde(default)]
    values: Vec<EnumEntry>,
    unless: Option<String>,
    #[serde(default)]
    when: Vec<Condition>,
    source_event: Option<String>,
    time: Option<TimeFile>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum TypeName {
    Bool,
    Number,
    Text,
    Enum,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EnumEntry {
    from: Json,
    to: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TimeFile {
    path: String,
    format: TimeFormat,
}

/// A sample with what must come out of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Golden {
    pub(super) name: String,
    #[serde(default)]
    pub(super) topic: String,
    #[serde(default)]
    pub(super) payload: String,
    #[serde(default)]
    pub(super) registers: Vec<GoldenBlock>,
    pub(super) expect: Vec<GoldenReading>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GoldenBlock {
    pub(super) table: Table,
    pub(super) address: u16,
    pub(super) values: Vec<u16>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GoldenReading {
    pub(super) device: Option<String>,
    pub(super) kind: String,
    pub(super) value: Value,
    pub(super) unit: Option<String>,
    pub(super) time: Option<String>,
}

pub(super) fn parse(text: &str) -> Result<Profile, Vec<String>> {
    let file: ProfileFile =
        toml::from_str(text).map_err(|error| vec![error.to_string().trim_end().to_owned()])?;
    let mut problems = Vec::new();
    if file.schema != SCHEMA {
        problems.push(format!(
            "schema = {}: this agent reads schema {SCHEMA}",
            file.schema
        ));
    }
    if file.id.is_empty()
        || !file
            .id
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-')
    {
        problems.push(format!("id `{}`: use letters, digits and `-`", file.id));
    }
    if file.source.is_empty() {
        problems.push("source is empty: name the document the profile is made from".to_owned());
    }
    let matcher = matcher(file.matcher, &mut problems);
    let names: Vec<&str> = match &matcher {
        Some(Matcher::Mqtt(mqtt)) => mqtt.topic.names().collect(),
        Some(Matcher::Modbus) | None => Vec::new(),
    };
    let device = device(
        file.device.as_ref(),
        matcher.as_ref(),
        &names,
        &mut problems,
    );
    let is_modbus = matches!(matcher, Some(Matcher::Modbus));
    let mut channels = Vec::new();
    for (index, raw) in file.channels.into_iter().enumerate() {
        match channel(raw, is_modbus, &names) {
            Ok(channel) => channels.push(channel),
            Err(why) => problems.push(format!("channel {}: {why}", index + 1)),
        }
    }
    match matcher {
        Some(matcher) if problems.is_empty() => Ok(Profile {
            id: file.id,
            name: file.name,
            matcher,
            device,
            silent_after_ms: (file.supervision.silent_after_s > 0)
                .then(|| i64::from(file.supervision.silent_after_s) * 1000),
            channels,
            golden: file.golden,
        }),
        _ => Err(problems),
    }
}

fn matcher(file: MatchFile, problems: &mut Vec<String>) -> Option<Matcher> {
    match file {
        MatchFile::Modbus => Some(Matcher::Modbus),
        MatchFile::Mqtt {
            topic,
            not_topic,
            payload,
            has,
        } => {
            problems.extend(has.iter().filter_map(|p| bad_pointer("has", p)));
            match TopicPattern::parse(&topic) {
                Ok(topic) => Some(Matcher::Mqtt(MqttMatcher {
                    topic,
                    not_topic,
                    payload,
                    has,
                })),
                Err(why) => {
                    problems.push(why);
                    None
                }
            }
        }
    }
}

fn device(
    file: Option<&DeviceFile>,
    matcher: Option<&Matcher>,
    names: &[&str],
    problems: &mut Vec<String>,
) -> Option<Template> {
    match (file, matcher) {
        (Some(file), Some(Matcher::Mqtt(_))) => Template::parse(&file.id, names)
            .map_err(|why| problems.push(format!("device.id {why}")))
            .ok(),
        (None, Some(Matcher::Mqtt(_))) => {
            problems.push("[device] id is missing: say how a message names its device".to_owned());
            None
        }
        (Some(_), Some(Matcher::Modbus)) => {
            problems.push("[device] has no meaning for Modbus: the unit's entry in the agent's configuration names the device".to_owned());
            None
        }
        (_, _) => None,
    }
}

fn bad_pointer(what: &str, pointer: &str) -> Option<String> {
    (!pointer.is_empty() && !pointer.starts_with('/'))
        .then(|| format!("{what} `{pointer}`: a JSON pointer begins with `/`"))
}

fn channel(file: ChannelFile, is_modbus: bool, names: &[&str]) -> Result<Channel, String> {
    let kind = Kind::from_name(&file.kind)
        .ok_or_else(|| format!("kind `{}` is not in the closed list of kinds", file.kind))?;
    for pointer in file
        .path
        .iter()
        .chain(&file.for_each)
        .chain(&file.unless)
        .chain(file.time.iter().map(|t| &t.path))
        .chain(file.when.iter().map(|c| &c.path))
    {
        if let Some(why) = bad_pointer("path", pointer) {
            return Err(why);
        }
    }
    let origin = match (&file.path, file.register, is_modbus) {
        (Some(path), None, false) => Origin::Path(path.clone()),
        (None, Some(register), true) => Origin::Register(check_register(register)?),
        (_, _, false) => return Err("needs `path` (and no `register`)".to_owned()),
        (_, _, true) => return Err("needs `register` (and no `path`)".to_owned()),
    };
    let template = |text: &Option<String>| {
        text.as_ref()
            .map(|text| Template::parse(text, names))
            .transpose()
    };
    Ok(Channel {
        origin,
        device: template(&file.device)?,
        kind,
        value: channel_type(&file)?,
        source_event: template(&file.source_event)?,
        time: file.time.map(|time| (time.path, time.format)),
        for_each: file.for_each,
        unit: file.unit,
        unless: file.unless,
        when: file.when,
    })
}

fn check_register(register: Register) -> Result<Register, String> {
    let is_bit_table = matches!(register.table, Table::Coil | Table::Discrete);
    if is_bit_table != (register.raw == RawValue::Bit) && is_bit_table {
        return Err("coils and discrete inputs are of type `bit`".to_owned());
    }
    if register.bit > 15 {
        return Err(format!("bit {}: a register has bits 0 to 15", register.bit));
    }
    if register
        .address
        .checked_add(register.raw.registers() - 1)
        .is_none()
    {
        return Err(format!("address {} runs past 65535", register.address));
    }
    Ok(register)
}

fn channel_type(file: &ChannelFile) -> Result<ChannelType, String> {
    let has_number_keys = file.scale.is_some()
        || file.offset.is_some()
        || file.min.is_some()
        || file.max.is_some()
        || !file.missing.is_empty();
    if has_number_keys && file.value != TypeName::Number {
        return Err(
            "`scale`, `offset`, `min`, `max` and `missing` go with type `number`".to_owned(),
        );
    }
    if file.invert && file.value != TypeName::Bool {
        return Err("`invert` goes with type `bool`".to_owned());
    }
    if file.values.is_empty() == (file.value == TypeName::Enum) {
        return Err("type `enum` and `values` go together".to_owned());
    }
    Ok(match file.value {
        TypeName::Bool => ChannelType::Bool {
            invert: file.invert,
        },
        TypeName::Text => ChannelType::Text,
        TypeName::Enum => ChannelType::Enum(
            file.values
                .iter()
                .map(|entry| (entry.from.clone(), entry.to.clone()))
                .collect(),
        ),
        TypeName::Number => ChannelType::Number {
            scale: file.scale.unwrap_or(1.0),
            offset: file.offset.unwrap_or(0.0),
            min: file.min.unwrap_or(f64::NEG_INFINITY),
            max: file.max.unwrap_or(f64::INFINITY),
            missing: file.missing.clone(),
        },
    })
}
