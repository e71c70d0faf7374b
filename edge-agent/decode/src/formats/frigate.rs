//! Frigate, the camera recorder: tracked objects (`<prefix>/events`), incidents (`<prefix>/reviews`), what
//! is found out about an object later (`<prefix>/tracked_object_update`), and the state of cameras.
//!
//! Devices: `frigate/<camera>`, `frigate/<camera>/<zone>`, `frigate/<camera>/audio/<sound>`, `frigate` the
//! recorder. A recorder with another topic prefix than `frigate` has `frigate/<prefix>.<camera>`, so that
//! the cameras of two recorders stay apart and patterns like `frigate/*/restricted*` still find zones.
//!
//! Traps: what is there now stands in `after`, never in `before`; an object that turns out to be a false
//! positive is none; new, update and end of one id are one incident, and the same incident comes on
//! `reviews` too; what is found out later opens nothing by itself; switches (`…/set`, `…/state`) look like
//! states of a sensor and are none. It must never take a camera's setting for its state.

mod events;
mod reviews;
mod status;

use std::collections::HashSet;

use super::{Format, Verdict};
use crate::formats::seen::Seen;
use crate::frame::Message;
use crate::observation::Output;

/// Recorders whose prefix is remembered; a site has one or two.
const PREFIXES_MAX: usize = 16;
/// The prefix that Frigate has unless it is configured.
const DEFAULT_PREFIX: &str = "frigate";

/// Reads Frigate's messages.
#[derive(Debug, Default)]
pub(super) struct Frigate {
    /// Prefixes that were recognised by the shape of a message.
    prefixes: HashSet<String>,
    /// `<object id>/<label>` of objects told by `events`.
    objects: Seen,
    /// `<object id>/<label>` of objects told by `reviews`.
    reviewed: Seen,
}

impl Format for Frigate {
    fn name(&self) -> &'static str {
        "frigate"
    }

    fn read(&mut self, message: &Message<'_>, output: &mut Output) -> Verdict {
        let Some((prefix, last)) = message.topic.rsplit_once('/') else {
            return Verdict::NotMine("the topic has one level");
        };
        let known = self.knows(prefix);
        match last {
            "events" => self.tracked(prefix, known, message, output),
            "reviews" => self.reviews(prefix, known, message, output),
            "tracked_object_update" => self.found_out(prefix, known, message, output),
            "available" if known => status::available(prefix, message, output),
            _ => match self.prefix_of(message.topic) {
                Some((prefix, rest)) => status::of_camera(prefix, &rest, message, output),
                None => Verdict::NotMine("no topic of a known recorder"),
            },
        }
    }
}

impl Frigate {
    fn knows(&self, prefix: &str) -> bool {
        prefix == DEFAULT_PREFIX || self.prefixes.contains(prefix)
    }

    fn learn(&mut self, prefix: &str) {
        if self.prefixes.len() < PREFIXES_MAX && prefix != DEFAULT_PREFIX {
            self.prefixes.insert(prefix.to_owned());
        }
    }

    /// The recorder that a topic is below, and the levels that follow its prefix.
    fn prefix_of<'t>(&self, topic: &'t str) -> Option<(&'t str, Vec<&'t str>)> {
        topic
            .match_indices('/')
            .filter_map(|(at, _)| Some((topic.get(..at)?, topic.get(at.checked_add(1)?..)?)))
            .find(|(prefix, _)| self.knows(prefix))
            .map(|(prefix, rest)| (prefix, rest.split('/').collect()))
    }
}

/// The device of a camera, or of a part of it.
fn camera(prefix: &str, name: &str) -> String {
    if prefix == DEFAULT_PREFIX {
        format!("frigate/{name}")
    } else {
        format!("frigate/{}.{name}", prefix.replace('/', "."))
    }
}

/// The recorder itself.
fn recorder(prefix: &str) -> String {
    if prefix == DEFAULT_PREFIX {
        DEFAULT_PREFIX.to_owned()
    } else {
        format!("frigate.{}", prefix.replace('/', "."))
    }
}

#[cfg(test)]
mod tests;
