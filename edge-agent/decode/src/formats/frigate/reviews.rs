//! Review items: Frigate's own grouping of tracked objects into incidents. The same objects come on
//! `events`, so what was told there is not told again.

use gridwatch_protocol::Kind;
use serde_json::Value as Json;

use super::events::{seconds, strings};
use super::{Frigate, camera};
use crate::formats::Verdict;
use crate::frame::Message;
use crate::observation::{Observation, Output};
use crate::words;

/// Objects and detections of one review that are read. Frigate groups minutes, not hours.
const ITEMS_MAX: usize = 256;

impl Frigate {
    /// `<prefix>/reviews`.
    pub(super) fn reviews(
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
        let Some(review) = Review::of(body) else {
            return if known {
                Verdict::Broken("a review has `type`, `after.id`, `after.camera`".to_owned())
            } else {
                Verdict::NotMine("a review has `type`, `after.id`, `after.camera`, `after.data`")
            };
        };
        self.learn(prefix);
        let device = camera(prefix, &review.camera);
        output.heard.push(device.clone());
        for label in &review.labels {
            self.object(&device, &review, label, output);
        }
        Verdict::Taken
    }

    fn object(&mut self, device: &str, review: &Review<'_>, label: &str, output: &mut Output) {
        let keys = || review.detections.iter().map(|id| format!("{id}/{label}"));
        if keys().any(|key| self.objects.has(&key) && !self.reviewed.has(&key)) {
            output.note(|| format!("frigate: {label} was told by an event already"));
            return;
        }
        for key in keys() {
            self.reviewed.is_new(&key);
        }
        let id = format!("{}/{label}", review.id);
        output.push(if review.ended {
            Observation::state(device, Kind::CameraObject, false)
                .at(seconds(review.after.get("end_time")))
                .event(format!("{id}/end"))
        } else {
            Observation::word(device, Kind::CameraObject, label)
                .at(seconds(review.after.get("start_time")))
                .event(id)
        });
    }
}

/// The half `after` of a review.
struct Review<'a> {
    after: &'a serde_json::Map<String, Json>,
    id: String,
    camera: String,
    labels: Vec<String>,
    detections: Vec<String>,
    ended: bool,
}

impl<'a> Review<'a> {
    fn of(body: &'a Json) -> Option<Self> {
        let ended = match body.get("type")?.as_str()? {
            "new" | "update" | "genai" => false,
            "end" => true,
            _ => return None,
        };
        let after = body.get("after")?.as_object()?;
        let data = after.get("data")?;
        let mut labels: Vec<String> = Vec::new();
        for label in strings(data.get("objects"), ITEMS_MAX) {
            // An object with a name is listed as `person-verified` beside `person`.
            let plain = label.strip_suffix("-verified").unwrap_or(&label);
            if !labels.iter().any(|known| known == plain) {
                labels.push(plain.to_owned());
            }
        }
        Some(Self {
            after,
            id: after.get("id").and_then(words::text)?,
            camera: after.get("camera").and_then(words::text)?,
            labels,
            detections: strings(data.get("detections"), ITEMS_MAX),
            ended,
        })
    }
}
