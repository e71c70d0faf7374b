//! Tracked objects, and what Frigate finds out about them later.

use gridwatch_protocol::{Kind, Value};
use serde_json::{Map, Value as Json};

use super::{Frigate, camera};
use crate::formats::Verdict;
use crate::frame::Message;
use crate::observation::{Observation, Output};
use crate::time::SourceTime;
use crate::words;

/// Zones of one object that are read. A camera has a handful.
const ZONES_MAX: usize = 64;

impl Frigate {
    /// `<prefix>/events`.
    pub(super) fn tracked(
        &mut self,
        prefix: &str,
        known: bool,
        message: &Message<'_>,
        output: &mut Output,
    ) -> Verdict {
        let body = match message.json() {
            Ok(body) => body,
            Err(why) if known => return Verdict::Broken(why.to_owned()),
            Err(_) => return Verdict::NotMine("the payload is not JSON"),
        };
        let Some((event, phase)) = event_of(body) else {
            return if known {
                Verdict::Broken("an event has `type`, `after.id`, `after.camera`".to_owned())
            } else {
                Verdict::NotMine("an event has `type`, `after.id`, `after.camera`")
            };
        };
        self.learn(prefix);
        let device = camera(prefix, &event.camera);
        output.heard.push(device.clone());
        if event.false_positive {
            output.note(|| format!("frigate: {} is a false positive: no reading", event.id));
            return Verdict::Taken;
        }
        match phase {
            Phase::There => self.there(&device, &event, output),
            Phase::End => output.push(
                Observation::state(device, Kind::CameraObject, false)
                    .at(event.end)
                    .event(format!("{}/end", event.id)),
            ),
        }
        Verdict::Taken
    }

    fn there(&mut self, device: &str, event: &Event, output: &mut Output) {
        let key = format!("{}/{}", event.id, event.label);
        self.objects.is_new(&key);
        if self.reviewed.has(&key) {
            output.note(|| format!("frigate: {} was told by a review already", event.id));
        } else {
            output.push(
                Observation::word(device, Kind::CameraObject, event.label.as_str())
                    .at(event.start)
                    .event(event.id.as_str()),
            );
        }
        for zone in &event.zones {
            output.push(
                Observation::word(
                    format!("{device}/{zone}"),
                    Kind::CameraObject,
                    event.label.as_str(),
                )
                .at(event.start)
                .event(format!("{}/{zone}", event.id)),
            );
        }
    }

    /// `<prefix>/tracked_object_update`: enrichment of an object that was told before.
    pub(super) fn found_out(
        &mut self,
        prefix: &str,
        known: bool,
        message: &Message<'_>,
        output: &mut Output,
    ) -> Verdict {
        let Some(update) = message.object() else {
            return match message.json() {
                Err(why) if known => Verdict::Broken(why.to_owned()),
                _ => Verdict::NotMine("the payload is not a JSON object"),
            };
        };
        let text = |name: &str| update.get(name).and_then(words::text);
        let (Some(kind), Some(id)) = (text("type"), text("id")) else {
            return Verdict::NotMine("an update has `type` and `id`");
        };
        self.learn(prefix);
        let Some(name) = text("camera") else {
            output.note(|| format!("frigate: `{kind}` of {id} names no camera: no reading"));
            return Verdict::Taken;
        };
        // A plate or a name says who somebody is; a class does not.
        let personal = matches!(kind.as_str(), "lpr" | "face");
        let found = finding(&kind, update);
        let Some((kind, word)) = found else {
            output.note(|| format!("frigate: `{kind}` of {id} has nothing to tell"));
            return Verdict::Taken;
        };
        output.push(Observation {
            // It is about an object that has been told: by itself it is no news and opens nothing.
            replayed: true,
            personal,
            ..Observation::new(camera(prefix, &name), kind, Value::Text(word))
                .at(update.get("timestamp").and_then(SourceTime::from_json))
                .event(id)
        });
        Verdict::Taken
    }
}

/// What an update says: a plate, a name, a class.
fn finding(kind: &str, update: &Map<String, Json>) -> Option<(Kind, String)> {
    let text = |name: &str| {
        update
            .get(name)
            .and_then(words::text)
            .filter(|word| !matches!(word.as_str(), "none" | "unknown"))
    };
    match kind {
        "lpr" => Some((Kind::CameraObject, text("plate").or_else(|| text("name"))?)),
        "face" => Some((Kind::CameraObject, text("name")?)),
        "classification" => match text("sub_label") {
            Some(label) => Some((Kind::CameraObject, label)),
            None => {
                let attribute = text("attribute")?;
                let model = text("model").unwrap_or_else(|| "attribute".to_owned());
                Some((Kind::Other, format!("{model}={attribute}")))
            }
        },
        // A description is prose about people; nothing here reads prose.
        _ => None,
    }
}

enum Phase {
    There,
    End,
}

/// The half `after` of an event.
struct Event {
    id: String,
    camera: String,
    label: String,
    false_positive: bool,
    zones: Vec<String>,
    start: Option<SourceTime>,
    end: Option<SourceTime>,
}

fn event_of(body: &Json) -> Option<(Event, Phase)> {
    let after = body.get("after")?.as_object()?;
    let text = |name: &str| after.get(name).and_then(words::text);
    let phase = match body.get("type")?.as_str()? {
        "new" | "update" => Phase::There,
        "end" => Phase::End,
        _ => return None,
    };
    let event = Event {
        id: text("id")?,
        camera: text("camera")?,
        label: text("label")?,
        false_positive: after.get("false_positive").and_then(Json::as_bool) == Some(true),
        zones: strings(after.get("entered_zones"), ZONES_MAX),
        start: seconds(after.get("start_time")),
        end: seconds(after.get("end_time")),
    };
    Some((event, phase))
}

/// Seconds since 1970.
pub(super) fn seconds(field: Option<&Json>) -> Option<SourceTime> {
    match field? {
        Json::Number(number) => number.as_f64().map(SourceTime::from_epoch_s),
        other => SourceTime::from_json(other),
    }
}

/// The texts of an array, each once.
pub(super) fn strings(field: Option<&Json>, max: usize) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    for text in field.and_then(Json::as_array).into_iter().flatten() {
        if let Some(text) = words::text(text)
            && texts.len() < max
            && !texts.contains(&text)
        {
            texts.push(text);
        }
    }
    texts
}
