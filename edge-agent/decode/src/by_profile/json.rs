//! Reads MQTT messages by a profile's channels.

use std::borrow::Cow;

use serde_json::Value as Json;

use super::payload::{Documents, documents};
use super::value::{is_wanted, told};
use super::{Refusal, device_of};
use crate::frame::Message;
use crate::observation::{Observation, Output};
use crate::profile::{Captures, Channel, Field, Matcher, Origin, Profile, TimeFormat};
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
        return Err(Refusal::Unknown("the profile is not for MQTT".to_owned()));
    };
    let captures = matcher.topic.captures(message.topic).ok_or_else(|| {
        Refusal::Unknown(format!(
            "the profile does not take topic `{}`",
            message.topic
        ))
    })?;
    read(profile, &captures, &documents(matcher, message)?, output)
}

pub(super) fn read(
    profile: &Profile,
    captures: &Captures,
    documents: &Documents<'_>,
    output: &mut Output,
) -> Result<(), Refusal> {
    let several = documents.all.len() > 1;
    for (index, body) in documents.all.iter().enumerate() {
        let unnamed = "the message does not name its device as the profile expects";
        match device_of(profile, captures, body) {
            Some(device) => Document {
                device,
                captures,
                body,
            }
            .read(profile, output),
            None if several => output.problem(format!("line {}: {unnamed}", index + 1)),
            None => return Err(Refusal::Malformed(unnamed.to_owned())),
        }
    }
    if documents.left_out > 0 {
        output.problem(format!(
            "{} lines were left out: a message may have {} lines",
            documents.left_out,
            documents.all.len()
        ));
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
    fn read(&self, profile: &Profile, output: &mut Output) {
        for channel in &profile.channels {
            self.read_channel(channel, output);
        }
    }

    fn look(&self, field: &Field) -> Option<Cow<'_, Json>> {
        match field {
            Field::At(Origin::Path(path)) => self.body.pointer(path).map(Cow::Borrowed),
            Field::Topic(name) => self
                .captures
                .get(name)
                .map(|part| Cow::Owned(Json::from(part))),
            Field::At(Origin::Register(_)) => None,
        }
    }

    fn read_channel(&self, channel: &Channel, output: &mut Output) {
        let Origin::Path(path) = &channel.origin else {
            return;
        };
        let Some(raw) = self.body.pointer(path) else {
            return;
        };
        let displaced = channel
            .unless
            .as_ref()
            .is_some_and(|pointer| self.body.pointer(pointer).is_some_and(|f| !f.is_null()));
        if displaced || !is_wanted(channel, &|field| self.look(field)) {
            return;
        }
        let Some(pointer) = &channel.for_each else {
            return self.push(channel, path, raw, None, output);
        };
        let elements = self.body.pointer(pointer).and_then(Json::as_array);
        let elements = elements.map_or(&[][..], Vec::as_slice);
        for item in elements.iter().take(ELEMENTS_MAX) {
            self.push(channel, path, raw, Some(item), output);
        }
        if elements.len() > ELEMENTS_MAX {
            output.problem(format!(
                "field `{pointer}`: {} elements; the first {ELEMENTS_MAX} are read",
                elements.len()
            ));
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
        let Some(told) = told(channel, raw, &|field| self.look(field))? else {
            return Ok(None);
        };
        let device = match &channel.device {
            None => self.device.clone(),
            Some(template) => template
                .fill(self.captures, self.body, item)
                .ok_or_else(|| "the device of the channel is not named".to_owned())?,
        };
        Ok(Some(Observation {
            unit: told.unit,
            quality: told.quality,
            time: channel.time.as_ref().and_then(|(path, format)| {
                let field = self.body.pointer(path).filter(|field| !field.is_null())?;
                Some(parse_time(field, *format))
            }),
            source_event: channel
                .source_event
                .as_ref()
                .and_then(|template| template.fill(self.captures, self.body, item)),
            ..Observation::new(device, channel.kind, told.value)
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
