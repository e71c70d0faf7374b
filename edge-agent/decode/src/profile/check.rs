//! From a profile file to a checked [`Profile`]: every mistake is named at once, each with its place.

use gridwatch_protocol::Kind;

use super::file::{Golden, MatchFile, ProfileFile, Transport};
use super::pattern::{Template, TopicPattern};
use super::suggest::{did_you_mean, explained};
use super::{
    BusQuirks, Condition, FieldForm, FormatMatcher, Matcher, MqttMatcher, PayloadForm, Profile,
};
use super::{check_channel, expand};

/// The version of the file format that this agent reads.
const SCHEMA: u32 = 1;
/// Longer files are refused: a profile with a hundred samples has some tens of KiB.
const FILE_BYTES_MAX: usize = 1024 * 1024;
/// A profile has at most so many channels, repeated ones counted singly.
const CHANNELS_MAX: usize = 4096;
/// A profile has at most so many samples.
const GOLDEN_MAX: usize = 1000;

pub(super) fn parse(text: &str) -> Result<Profile, Vec<String>> {
    if text.len() > FILE_BYTES_MAX {
        return Err(vec![format!(
            "the file has {} bytes, at most {FILE_BYTES_MAX} are read",
            text.len()
        )]);
    }
    let file: ProfileFile = toml::from_str(text).map_err(|error| vec![explained(&error)])?;
    let mut problems = header(&file);
    let matcher = match matcher(&file.matcher) {
        Ok(matcher) => Some(matcher),
        Err(whys) => {
            problems.extend(whys);
            None
        }
    };
    let names: Vec<&str> = match &matcher {
        Some(Matcher::Mqtt(mqtt)) => mqtt.topic.names().collect(),
        _ => Vec::new(),
    };
    let device = device(&file, &names).unwrap_or_else(|why| {
        problems.push(why);
        None
    });
    let bus = bus(&file, &mut problems);
    let identity = identity(&file.matcher, &mut problems);
    let supervision = file.supervision.check().unwrap_or_else(|why| {
        problems.push(why);
        super::Supervision::default()
    });
    let channels = channels(text, &file, &names, &mut problems);
    problems.extend(file.golden.iter().filter_map(|golden| {
        golden_problem(golden, file.matcher.transport)
            .map(|why| format!("golden sample `{}`: {why}", golden.name))
    }));
    match matcher {
        Some(matcher) if problems.is_empty() => Ok(Profile {
            id: file.id,
            name: file.name,
            matcher,
            device,
            identity,
            silent_after_ms: supervision.silent_after_ms,
            supervision,
            bus,
            channels,
            golden: file.golden,
        }),
        _ => Err(problems),
    }
}

fn header(file: &ProfileFile) -> Vec<String> {
    let mut problems = Vec::new();
    if file.schema != SCHEMA {
        problems.push(format!(
            "schema = {}: this agent reads schema {SCHEMA}",
            file.schema
        ));
    }
    let id_fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if file.id.is_empty() || !file.id.chars().all(id_fits) {
        problems.push(format!("id `{}`: use letters, digits and `-`", file.id));
    }
    if file.name.zh.is_empty() || file.name.en.is_empty() {
        problems.push("name: give it in both languages, `{ zh = \"…\", en = \"…\" }`".to_owned());
    }
    if file.source.is_empty() {
        problems.push("source is empty: name the document the profile is made from".to_owned());
    }
    if file.golden.len() > GOLDEN_MAX {
        problems.push(format!("more than {GOLDEN_MAX} golden samples"));
    }
    problems
}

fn matcher(file: &MatchFile) -> Result<Matcher, Vec<String>> {
    let mut problems = foreign_keys(file);
    let matcher = match file.transport {
        Transport::Modbus => Some(Matcher::Modbus),
        Transport::Mqtt => mqtt(file, &mut problems).map(Matcher::Mqtt),
        Transport::Format => format(file, &mut problems).map(Matcher::Format),
    };
    match matcher {
        Some(matcher) if problems.is_empty() => Ok(matcher),
        _ => Err(problems),
    }
}

/// Keys that another transport has.
fn foreign_keys(file: &MatchFile) -> Vec<String> {
    let given = [
        ("topic", Transport::Mqtt, file.topic.is_some()),
        ("not_topic", Transport::Mqtt, !file.not_topic.is_empty()),
        ("payload", Transport::Mqtt, file.payload.is_some()),
        ("has", Transport::Mqtt, !file.has.is_empty()),
        ("separator", Transport::Mqtt, file.separator.is_some()),
        ("header", Transport::Mqtt, file.header),
        ("columns", Transport::Mqtt, !file.columns.is_empty()),
        ("identity", Transport::Modbus, !file.identity.is_empty()),
        ("format", Transport::Format, file.format.is_some()),
        ("vendor", Transport::Format, file.vendor.is_some()),
        ("model", Transport::Format, !file.model.0.is_empty()),
        ("kinds", Transport::Format, !file.kinds.is_empty()),
    ];
    let name = |transport| match transport {
        Transport::Mqtt => "mqtt",
        Transport::Modbus => "modbus",
        Transport::Format => "format",
    };
    given
        .into_iter()
        .filter(|(_, of, is_given)| *is_given && *of != file.transport)
        .map(|(key, of, _)| {
            format!(
                "match.{key} goes with transport `{}`, not with `{}`",
                name(of),
                name(file.transport)
            )
        })
        .collect()
}

fn mqtt(file: &MatchFile, problems: &mut Vec<String>) -> Option<MqttMatcher> {
    problems.extend(
        file.has
            .iter()
            .filter_map(|pointer| check_channel::bad_pointer("match.has", pointer)),
    );
    let payload = file.payload.unwrap_or(PayloadForm::Json);
    if file.payload.is_none() {
        problems
            .push("match.payload is missing: give `json`, `text`, `csv` or `key_value`".to_owned());
    }
    let has_columns = file.header || !file.columns.is_empty();
    if has_columns && payload != PayloadForm::Csv {
        problems.push("match.header and match.columns go with payload `csv`".to_owned());
    }
    if file.header && !file.columns.is_empty() {
        problems.push(
            "match.header and match.columns: the messages name the columns, or the profile does"
                .to_owned(),
        );
    }
    if file.separator.is_some() && !matches!(payload, PayloadForm::Csv | PayloadForm::KeyValue) {
        problems.push("match.separator goes with payload `csv` or `key_value`".to_owned());
    }
    let Some(topic) = &file.topic else {
        problems.push("match.topic is missing: give the topic, `{name}` for one level".to_owned());
        return None;
    };
    match TopicPattern::parse(topic) {
        Ok(topic) => Some(MqttMatcher {
            topic,
            not_topic: file.not_topic.clone(),
            payload,
            fields: FieldForm {
                separator: file.separator,
                header: file.header,
                columns: file.columns.clone(),
            },
            has: file.has.clone(),
        }),
        Err(why) => {
            problems.push(why);
            None
        }
    }
}

fn format(file: &MatchFile, problems: &mut Vec<String>) -> Option<FormatMatcher> {
    let mut kinds = Vec::new();
    for name in &file.kinds {
        match kind(name) {
            Ok(kind) => kinds.push(kind),
            Err(why) => problems.push(format!("match.kinds: {why}")),
        }
    }
    match &file.format {
        Some(format) if !format.is_empty() => Some(FormatMatcher {
            format: format.clone(),
            vendor: file.vendor.clone(),
            models: file.model.0.clone(),
            kinds,
        }),
        _ => {
            problems.push(
                "match.format is missing: name the format that recognises the device".to_owned(),
            );
            None
        }
    }
}

fn device(file: &ProfileFile, names: &[&str]) -> Result<Option<Template>, String> {
    match (&file.device, file.matcher.transport) {
        (Some(device), Transport::Mqtt) => Template::parse(&device.id, names)
            .map(Some)
            .map_err(|why| format!("device.id {why}")),
        (None, Transport::Mqtt) => {
            Err("[device] id is missing: say how a message names its device".to_owned())
        }
        (Some(_), Transport::Modbus) => Err(
            "[device] has no meaning for Modbus: the unit's entry in the agent's configuration names the device"
                .to_owned(),
        ),
        (Some(_), Transport::Format) => Err(
            "[device] has no meaning here: the format names the device".to_owned(),
        ),
        (None, _) => Ok(None),
    }
}

fn identity(file: &MatchFile, problems: &mut Vec<String>) -> Vec<Condition> {
    let is_modbus = file.transport == Transport::Modbus;
    file.identity
        .iter()
        .filter(|_| is_modbus)
        .filter_map(|condition| {
            check_channel::check_condition(condition.clone(), true, &[])
                .map_err(|why| problems.push(format!("match.identity: {why}")))
                .ok()
        })
        .collect()
}

fn bus(file: &ProfileFile, problems: &mut Vec<String>) -> BusQuirks {
    let Some(bus) = file.modbus else {
        return BusQuirks::default();
    };
    if file.matcher.transport != Transport::Modbus {
        problems.push("[modbus] goes with transport `modbus`".to_owned());
    }
    problems.extend(bus.check());
    bus
}

fn channels(
    text: &str,
    file: &ProfileFile,
    names: &[&str],
    problems: &mut Vec<String>,
) -> Vec<super::Channel> {
    let transport = file.matcher.transport;
    let must_have = transport == Transport::Modbus;
    let must_not = transport == Transport::Format;
    if (must_have && file.channels.is_empty()) || (must_not && !file.channels.is_empty()) {
        problems.push(if must_not {
            "[[channels]]: the format reads the device; such a profile only supervises it"
                .to_owned()
        } else {
            "[[channels]] are missing: say what is taken out".to_owned()
        });
        return Vec::new();
    }
    let mut channels = Vec::new();
    for (index, spanned) in file.channels.iter().enumerate() {
        let at = || {
            format!(
                "line {}: channel {} ({})",
                line_of(text, spanned.span().start),
                index + 1,
                spanned.get_ref().kind
            )
        };
        match expand::expanded(spanned.get_ref()) {
            Err(why) => problems.push(format!("{}: {why}", at())),
            Ok(files) => {
                for one in files {
                    match check_channel::channel(one, transport, names) {
                        Ok(channel) => channels.push(channel),
                        Err(why) => {
                            problems.push(format!("{}: {why}", at()));
                            break;
                        }
                    }
                }
            }
        }
        if channels.len() > CHANNELS_MAX {
            problems.push(format!(
                "{}: more than {CHANNELS_MAX} channels, repeated ones counted singly",
                at()
            ));
            break;
        }
    }
    channels
}

fn line_of(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().get(..offset).unwrap_or_default();
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}

fn golden_problem(golden: &Golden, transport: Transport) -> Option<String> {
    if transport == Transport::Format {
        return golden
            .takes
            .is_none()
            .then(|| "say `takes = true` or `takes = false`".to_owned());
    }
    if golden.takes.is_some() {
        return Some("`takes` goes with transport `format`".to_owned());
    }
    if (transport == Transport::Modbus) == golden.registers.is_empty() {
        return Some(if transport == Transport::Modbus {
            "needs `registers`, what the unit holds".to_owned()
        } else {
            "needs `topic` and `payload`, and no `registers`".to_owned()
        });
    }
    golden
        .expect
        .iter()
        .find_map(|reading| kind(&reading.kind).err())
}

/// A kind by its name.
pub(super) fn kind(name: &str) -> Result<Kind, String> {
    Kind::from_name(name).ok_or_else(|| {
        format!(
            "kind `{name}` is not in the closed list of kinds{}",
            did_you_mean(name, Kind::ALL.iter().map(|kind| kind.as_str()))
        )
    })
}
