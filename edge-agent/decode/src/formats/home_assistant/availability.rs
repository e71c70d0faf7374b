//! Availability of an entity: one topic or several, of which all, any or the latest must be good.

use serde_json::Value as Json;

use super::entity::{Fields, Role};
use super::template::{Failure, Input, Template, Templates};

/// Availability topics per entity.
const TOPICS_MAX: usize = 16;

/// How several topics make one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Mode {
    All,
    Any,
    #[default]
    Latest,
}

/// A topic.
#[derive(Debug)]
struct Part {
    topic: String,
    template: Option<Template>,
    good: String,
    bad: String,
    /// What it said last.
    known: Option<bool>,
}

/// The availability of an entity.
#[derive(Debug, Default)]
pub(super) struct Availability {
    mode: Mode,
    parts: Vec<Part>,
}

impl Availability {
    /// From the fields of an entity.
    ///
    /// # Errors
    /// When a template cannot be used.
    pub(super) fn new(fields: &Fields<'_>, templates: &mut Templates) -> Result<Self, String> {
        let mut made = Self {
            mode: match fields.text("availability_mode") {
                Some("all") => Mode::All,
                Some("any") => Mode::Any,
                _ => Mode::Latest,
            },
            parts: Vec::new(),
        };
        let list = match fields.0.get("availability") {
            Some(Json::Array(list)) => list.as_slice(),
            Some(one @ Json::Object(_)) => std::slice::from_ref(one),
            _ => &[],
        };
        let listed = list
            .iter()
            .filter_map(Json::as_object)
            .map(|entry| (Fields(entry), "topic", "value_template"));
        let alone = std::iter::once((
            Fields(fields.0),
            "availability_topic",
            "availability_template",
        ));
        for (entry, topic, template) in listed.chain(alone).take(TOPICS_MAX) {
            let Some(topic) = entry.text(topic) else {
                continue;
            };
            let template = entry.text(template).map(|source| templates.add(source));
            made.parts.push(Part {
                topic: topic.to_owned(),
                template: template.transpose()?,
                good: entry.word("payload_available", "online"),
                bad: entry.word("payload_not_available", "offline"),
                known: None,
            });
        }
        Ok(made)
    }

    /// Takes over what was known, from a description that is replaced.
    pub(super) fn keep(&mut self, old: &Self) {
        for part in &mut self.parts {
            part.known = old
                .parts
                .iter()
                .find(|other| other.topic == part.topic)
                .and_then(|other| other.known);
        }
    }

    pub(super) fn templates(&self) -> impl Iterator<Item = &Template> {
        self.parts.iter().filter_map(|part| part.template.as_ref())
    }

    pub(super) fn topics(&self) -> impl Iterator<Item = (&str, Role)> {
        self.parts
            .iter()
            .enumerate()
            .map(|(index, part)| (part.topic.as_str(), Role::Availability(index)))
    }

    /// Takes in a message of one of the topics; the answer, where there is one.
    ///
    /// # Errors
    /// When the template gives nothing.
    pub(super) fn take(
        &mut self,
        index: usize,
        templates: &Templates,
        input: &Input<'_>,
    ) -> Result<Option<bool>, Failure> {
        let Some(part) = self.parts.get_mut(index) else {
            return Ok(None);
        };
        let word = templates.render(part.template.as_ref(), input)?;
        let said = if word == part.good {
            true
        } else if word == part.bad {
            false
        } else {
            return Ok(None);
        };
        part.known = Some(said);
        Ok(self.answer(said))
    }

    /// A topic that said nothing yet makes the answer open, unless the others settle it.
    fn answer(&self, latest: bool) -> Option<bool> {
        let says = |what: bool| self.parts.iter().any(|part| part.known == Some(what));
        let open = self.parts.iter().any(|part| part.known.is_none());
        match self.mode {
            Mode::Latest => Some(latest),
            Mode::All if says(false) => Some(false),
            Mode::All => (!open).then_some(true),
            Mode::Any if says(true) => Some(true),
            Mode::Any => (!open).then_some(false),
        }
    }
}
