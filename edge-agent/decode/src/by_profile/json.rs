//! Reads JSON and text messages by a profile's channels.

use gridwatch_protocol::{Quality, Value};
use serde_json::Value as Json;

use super::{Refusal, device_of};
use crate::frame::Message;
use crate::observation::{Observation, Output};
use crate::profile::{
    Captures, Channel, ChannelType, Matcher, Origin, PayloadForm, Profile, TimeFormat,
};
use crate::time::SourceTime;
use crate::words;

/// At most this many elements of a `for_each` array are read.
const ELEMENTS_MAX: usize = 256;

/// Reads a message by one profile, without finding it first: for golden samples and tools.
///
/// # Errors
/// When the topic or payload does not fit the profile.
pub fn read_mqtt(
    profile: &Profile,
    message: &Message<'_>,
    output: &mut Output,
) -> Result<(), Refusal> {
    let Matcher::Mqtt(matcher) = &profile.matcher else {
        return Err(Refusal::Unknown("the profile is for Modbus".to_owned()));
    };
    let captures = matcher.topic.captures(message.topic).ok_or_else(|| {
        Refusal::Unknown(format!(
            "the profile does not take topic `{}`",
            message.topic
        ))
    })?;
    let body = parse(matcher.payload, message)?;
    read(profile, &captures, &body, output)
}

pub(super) fn parse(form: PayloadForm, message: &Message<'_>) -> Result<Json, Refusal> {
    match form {
        PayloadForm::Json => message
            .json()
            .cloned()
            .map_err(|why| Refusal::Malformed(why.to_owned())),
        PayloadForm::Text => std::str::from_utf8(message.payload)
            .map(|text| Json::String(text.to_owned()))
            .map_err(|error| Refusal::Malformed(format!("the payload is not UTF-8 text: {error}"))),
    }
}

pub(super) fn read(
    profile: &Profile,
    captures: &Captures,
    body: &Json,
    output: &mut Output,
) -> Result<(), Refusal> {
    let device = device_of(profile, captures, body).ok_or_else(|| {
        Refusal::Malformed("the message does not name its device as the profile expects".to_owned())
    })?;
    let document = Document {
        device,
        captures,
        body,
    };
    for channel in &profile.channels {
        document.read_channel(channel, output);
    }
    output.mark_tests();
    Ok(())
}

struct Document<'a> {
    device: String,
    captures: &'a Captures,
    body: &'a Json,
}

impl Document<'_> {
    fn read_channel(&self, channel: &Channel, output: &mut Output) {
        let Origin::Path(path) = &channel.origin else {
            return;
        };
        let wanted = channel.when.iter().all(|condition| {
            self.body
                .pointer(&condition.path)
                .is_some_and(|field| condition.equals.contains(field))
        });
        let displaced = channel
            .unless
            .as_ref()
            .is_some_and(|pointer| self.body.pointer(pointer).is_some_and(|f| !f.is_null()));
        let Some(raw) = self.body.pointer(path) else {
            return;
        };
        if !wanted || displaced {
            return;
        }
        match &channel.for_each {
            None => self.push(channel, path, raw, None, output),
            Some(pointer) => {
                let elements = self.body.pointer(pointer).and_then(Json::as_array);
                for item in elements.into_iter().flatten().take(ELEMENTS_MAX) {
                    self.push(channel, path, raw, Some(item), output);
                }
            }
        }
    }

    fn push(
        &self,
        channel: &Channel,
        path: &str,
        raw: &Json,
        item: Option<&Json>,
        output: &mut Output,
    ) {
        match self.observation(channel, raw, item) {
            Ok(Some(observation)) => output.push(observation),
            Ok(None) => {}
            Err(why) => output.problem(format!("field `{path}`: {why}")),
        }
    }

    fn observation(
        &self,
        channel: &Channel,
        raw: &Json,
        item: Option<&Json>,
    ) -> Result<Option<Observation>, String> {
        let Some((value, quality)) = value(&channel.value, raw)? else {
            return Ok(None);
        };
        let device = match &channel.device {
            None => self.device.clone(),
            Some(template) => template
                .fill(self.captures, self.body, item)
                .ok_or_else(|| "the device of the channel is not named".to_owned())?,
        };
        Ok(Some(Observation {
            unit: channel.unit.clone(),
            quality,
            time: channel.time.as_ref().and_then(|(path, format)| {
                let field = self.body.pointer(path).filter(|field| !field.is_null())?;
                Some(parse_time(field, *format))
            }),
            source_event: channel
                .source_event
                .as_ref()
                .and_then(|template| template.fill(self.captures, self.body, item)),
            ..Observation::new(device, channel.kind, value)
        }))
    }
}

/// A time in the format that the profile names; what is not in it is unusable.
fn parse_time(field: &Json, format: TimeFormat) -> SourceTime {
    let epoch =
        |per_s: f64| words::number(field).map(|number| SourceTime::from_epoch_s(number / per_s));
    let text = || field.as_str().map(SourceTime::from_text);
    match format {
        TimeFormat::Rfc3339 => text().filter(|t| !matches!(t, SourceTime::Local(_))),
        TimeFormat::Local => text(),
        TimeFormat::UnixS => epoch(1.0),
        TimeFormat::UnixMs => epoch(1000.0),
    }
    .unwrap_or(SourceTime::Unusable)
}

/// The value that a raw field stands for; `None` when it says that there is none.
fn value(kind: &ChannelType, raw: &Json) -> Result<Option<(Value, Quality)>, String> {
    if raw.is_null() {
        return Ok(None);
    }
    match kind {
        ChannelType::Bool { invert } => words::state(raw)
            .map(|state| state.map(|state| (Value::Bool(state != *invert), Quality::Good))),
        ChannelType::Text => match raw {
            Json::String(text) if text.is_empty() => Ok(None),
            Json::String(text) => Ok(Some((Value::Text(text.clone()), Quality::Good))),
            other => Err(format!("{} is not a text", words::brief(other))),
        },
        ChannelType::Enum(entries) => Ok(entries
            .iter()
            .find(|(from, _)| from == raw)
            .map(|(_, to)| (to.clone(), Quality::Good))),
        ChannelType::Number { .. } => {
            let number = words::number(raw)
                .ok_or_else(|| format!("{} is not a number", words::brief(raw)))?;
            Ok(super::registers::scaled(kind, number))
        }
    }
}
