//! Reads JSON and text messages by a profile's channels.

use bytes::Bytes;
use gridwatch_protocol::{DeviceId, Quality, Reading, Timestamp, Value};
use serde_json::Value as Json;

use super::{Decoded, Refusal, device_of, mark_tests};
use crate::profile::{
    Captures, Channel, ChannelType, Matcher, Origin, PayloadForm, Profile, TimeFormat,
};

/// A device time further in the future than this is not believed.
const FUTURE_MAX_MS: i64 = 10 * 60 * 1000;
/// A device time before 2000-01-01 is not believed.
const PAST_MIN_MS: i64 = 946_684_800_000;
/// At most this many elements of a `for_each` array are read.
const ELEMENTS_MAX: usize = 256;

/// Reads a message by one profile, without finding it first: for golden samples and tools.
///
/// # Errors
/// When the topic or payload does not fit the profile.
pub fn read_mqtt(
    profile: &Profile,
    topic: &str,
    payload: &Bytes,
    retained: bool,
    received_at: Timestamp,
) -> Result<Decoded, Refusal> {
    let Matcher::Mqtt(matcher) = &profile.matcher else {
        return Err(Refusal::Unknown("the profile is for Modbus".to_owned()));
    };
    let captures = matcher
        .topic
        .captures(topic)
        .ok_or_else(|| Refusal::Unknown(format!("the profile does not take topic `{topic}`")))?;
    let body = parse(matcher.payload, payload)?;
    read(profile, &captures, &body, retained, received_at)
}

pub(super) fn parse(form: PayloadForm, payload: &Bytes) -> Result<Json, Refusal> {
    match form {
        PayloadForm::Json => serde_json::from_slice(payload)
            .map_err(|error| Refusal::Malformed(format!("the payload is not JSON: {error}"))),
        PayloadForm::Text => std::str::from_utf8(payload)
            .map(|text| Json::String(text.to_owned()))
            .map_err(|error| Refusal::Malformed(format!("the payload is not UTF-8 text: {error}"))),
    }
}

pub(super) fn read(
    profile: &Profile,
    captures: &Captures,
    body: &Json,
    retained: bool,
    received_at: Timestamp,
) -> Result<Decoded, Refusal> {
    let device = device_of(profile, captures, body).ok_or_else(|| {
        Refusal::Malformed("the message does not name its device as the profile expects".to_owned())
    })?;
    let message = Message {
        device,
        captures,
        body,
        retained,
        received_at,
    };
    let mut decoded = Decoded::default();
    for channel in &profile.channels {
        message.read_channel(channel, &mut decoded);
    }
    mark_tests(&mut decoded.readings);
    Ok(decoded)
}

struct Message<'a> {
    device: DeviceId,
    captures: &'a Captures,
    body: &'a Json,
    retained: bool,
    received_at: Timestamp,
}

impl Message<'_> {
    fn read_channel(&self, channel: &Channel, decoded: &mut Decoded) {
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
            None => self.push(channel, path, raw, None, decoded),
            Some(pointer) => {
                let elements = self.body.pointer(pointer).and_then(Json::as_array);
                for item in elements.into_iter().flatten().take(ELEMENTS_MAX) {
                    self.push(channel, path, raw, Some(item), decoded);
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
        decoded: &mut Decoded,
    ) {
        match self.reading(channel, raw, item) {
            Ok(Some(reading)) => decoded.readings.push(reading),
            Ok(None) => {}
            Err(why) => decoded.problems.push(format!("field `{path}`: {why}")),
        }
    }

    fn reading(
        &self,
        channel: &Channel,
        raw: &Json,
        item: Option<&Json>,
    ) -> Result<Option<Reading>, String> {
        let Some((value, quality)) = value(&channel.value, raw)? else {
            return Ok(None);
        };
        let device = match &channel.device {
            None => self.device.clone(),
            Some(template) => template
                .fill(self.captures, self.body, item)
                .ok_or_else(|| "the device of the channel is not named".to_owned())
                .and_then(|name| DeviceId::new(name).map_err(|error| error.to_string()))?,
        };
        let (at, quality) = self.time(channel, quality);
        Ok(Some(Reading {
            device,
            kind: channel.kind,
            value,
            unit: channel.unit.clone(),
            quality,
            at,
            received_at: self.received_at,
            source_event: channel
                .source_event
                .as_ref()
                .and_then(|template| template.fill(self.captures, self.body, item)),
            retained: self.retained,
            is_test: false,
        }))
    }

    /// The device's own time if it is plausible; an implausible one is flagged, never believed.
    fn time(&self, channel: &Channel, quality: Quality) -> (Timestamp, Quality) {
        let given = channel.time.as_ref().and_then(|(path, format)| {
            let field = self.body.pointer(path).filter(|field| !field.is_null())?;
            Some(parse_time(field, *format))
        });
        match given {
            None => (self.received_at, quality),
            Some(Some(at))
                if at.unix_ms() >= PAST_MIN_MS
                    && at.ms_since(self.received_at) <= FUTURE_MAX_MS =>
            {
                (at, quality)
            }
            Some(_) if quality == Quality::Good => (self.received_at, Quality::Uncertain),
            Some(_) => (self.received_at, quality),
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a float to integer cast saturates, and Timestamp holds it to its range"
)]
fn parse_time(field: &Json, format: TimeFormat) -> Option<Timestamp> {
    match format {
        TimeFormat::Rfc3339 => field.as_str()?.parse().ok(),
        TimeFormat::UnixS => Some(Timestamp::from_unix_ms((field.as_f64()? * 1000.0) as i64)),
        TimeFormat::UnixMs => Some(Timestamp::from_unix_ms(field.as_f64()? as i64)),
    }
}

/// The value that a raw field stands for; `None` when it says that there is none.
fn value(kind: &ChannelType, raw: &Json) -> Result<Option<(Value, Quality)>, String> {
    if raw.is_null() {
        return Ok(None);
    }
    match kind {
        ChannelType::Bool { invert } => state(raw)
            .map(|state| state.map(|state| (Value::Bool(state != *invert), Quality::Good))),
        ChannelType::Text => match raw {
            Json::String(text) if text.is_empty() => Ok(None),
            Json::String(text) => Ok(Some((Value::Text(text.clone()), Quality::Good))),
            other => Err(format!("{} is not a text", brief(other))),
        },
        ChannelType::Enum(entries) => Ok(entries
            .iter()
            .find(|(from, _)| from == raw)
            .map(|(_, to)| (to.clone(), Quality::Good))),
        ChannelType::Number { .. } => {
            let number = number(raw)?;
            Ok(super::registers::scaled(kind, number))
        }
    }
}

fn state(raw: &Json) -> Result<Option<bool>, String> {
    match raw {
        Json::Bool(state) => Ok(Some(*state)),
        Json::Number(number) if number.as_f64() == Some(1.0) => Ok(Some(true)),
        Json::Number(number) if number.as_f64() == Some(0.0) => Ok(Some(false)),
        Json::String(word) => match word.trim().to_ascii_lowercase().as_str() {
            "true" | "on" | "yes" | "1" | "active" => Ok(Some(true)),
            "false" | "off" | "no" | "0" | "inactive" => Ok(Some(false)),
            "" | "unknown" | "unavailable" | "none" => Ok(None),
            _ => Err(format!("{} is not a state", brief(raw))),
        },
        other => Err(format!("{} is not a state", brief(other))),
    }
}

fn number(raw: &Json) -> Result<f64, String> {
    let number = match raw {
        Json::Number(number) => number.as_f64(),
        Json::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number
        .filter(|number| number.is_finite())
        .ok_or_else(|| format!("{} is not a number", brief(raw)))
}

/// The beginning of a field, for messages.
fn brief(field: &Json) -> String {
    let mut text = field.to_string();
    if text.len() > 40 {
        let end = (0..=40).rev().find(|at| text.is_char_boundary(*at));
        text.truncate(end.unwrap_or(0));
        text.push('…');
    }
    text
}
