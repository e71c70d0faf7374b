//! Topic patterns with named parts, MQTT filters, and the small templates that name devices.

use std::fmt::Write as _;

use serde_json::Value as Json;

/// A filled template is at most so long: it names a device or an event.
const TEXT_BYTES_MAX: usize = 1024;

/// A topic with named parts: `{name}` takes one level, `{name...}` one or more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicPattern {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    One(String),
    Many(String),
}

/// What a topic's named parts stood for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Captures(Vec<(String, String)>);

impl Captures {
    /// The text that the named part took.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, text)| text.as_str())
    }
}

impl TopicPattern {
    /// Parses a pattern.
    ///
    /// # Errors
    /// When a level mixes text and a name, a name is empty or doubled, or two parts take many levels.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut names: Vec<&str> = Vec::new();
        for level in text.split('/') {
            let part = match level.strip_prefix('{').and_then(|l| l.strip_suffix('}')) {
                Some(name) => match name.strip_suffix("...") {
                    Some(name) => (name, Part::Many(name.to_owned())),
                    None => (name, Part::One(name.to_owned())),
                },
                None if level.contains(['{', '}', '+', '#']) => {
                    return Err(format!(
                        "topic `{text}`: level `{level}` must be plain text, `{{name}}` or `{{name...}}`"
                    ));
                }
                None => ("", Part::Literal(level.to_owned())),
            };
            if !matches!(part.1, Part::Literal(_)) {
                if part.0.is_empty() || names.contains(&part.0) {
                    return Err(format!(
                        "topic `{text}`: names must be given and be different"
                    ));
                }
                names.push(part.0);
            }
            parts.push(part.1);
        }
        let many = parts.iter().filter(|p| matches!(p, Part::Many(_))).count();
        if many > 1 {
            return Err(format!(
                "topic `{text}`: only one part may take many levels"
            ));
        }
        Ok(Self { parts })
    }

    /// The named parts of a topic that fits.
    #[must_use]
    pub fn captures(&self, topic: &str) -> Option<Captures> {
        let levels: Vec<&str> = topic.split('/').collect();
        let many = self.parts.iter().position(|p| matches!(p, Part::Many(_)));
        let spare = match many {
            Some(_) => levels.len().checked_sub(self.parts.len())?,
            None if levels.len() == self.parts.len() => 0,
            None => return None,
        };
        let mut captures = Captures::default();
        let mut at = 0;
        for part in &self.parts {
            match part {
                Part::Literal(text) if text != levels[at] => return None,
                Part::Literal(_) => at += 1,
                Part::One(name) => {
                    captures.0.push((name.clone(), levels[at].to_owned()));
                    at += 1;
                }
                Part::Many(name) => {
                    captures
                        .0
                        .push((name.clone(), levels[at..=at + spare].join("/")));
                    at += spare + 1;
                }
            }
        }
        Some(captures)
    }

    /// The names of its parts.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Literal(_) => None,
            Part::One(name) | Part::Many(name) => Some(name.as_str()),
        })
    }
}

/// Whether an MQTT filter (`+`, `#`) takes a topic (MQTT 3.1.1 section 4.7).
#[must_use]
pub fn filter_matches(filter: &str, topic: &str) -> bool {
    let mut topic_levels = topic.split('/');
    for level in filter.split('/') {
        match (level, topic_levels.next()) {
            ("#", _) => return true,
            ("+", Some(_)) => {}
            (literal, Some(given)) if literal == given => {}
            _ => return false,
        }
    }
    topic_levels.next().is_none()
}

/// A text with holes: `{name}` is a named part of the topic, `{/json/pointer}` a field of the message,
/// `{item}` the present element of `for_each`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Named(String),
    Field(String),
    Item,
}

impl Template {
    /// Parses a template.
    ///
    /// # Errors
    /// When a brace is not closed or a name is not a part of the topic.
    pub fn parse(text: &str, names: &[&str]) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (hole, tail) = after
                .split_once('}')
                .ok_or_else(|| format!("`{text}`: `{{` without `}}`"))?;
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            pieces.push(match hole {
                "item" => Piece::Item,
                _ if hole.starts_with('/') => Piece::Field(hole.to_owned()),
                _ if names.contains(&hole) => Piece::Named(hole.to_owned()),
                _ => {
                    return Err(format!(
                        "`{text}`: `{{{hole}}}` is neither a named part of the topic nor a JSON pointer"
                    ));
                }
            });
            rest = tail;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self { pieces })
    }

    /// Fills the holes; `None` when one has no text or number to take, or too long a one.
    #[must_use]
    pub fn fill(&self, captures: &Captures, body: &Json, item: Option<&Json>) -> Option<String> {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(literal) => text.push_str(literal),
                Piece::Named(name) => text.push_str(captures.get(name)?),
                Piece::Field(pointer) => push_scalar(&mut text, body.pointer(pointer)?)?,
                Piece::Item => push_scalar(&mut text, item?)?,
            }
        }
        (text.len() <= TEXT_BYTES_MAX).then_some(text)
    }
}

fn push_scalar(text: &mut String, value: &Json) -> Option<()> {
    match value {
        Json::String(word) if word.len() > TEXT_BYTES_MAX => return None,
        Json::String(word) => text.push_str(word),
        Json::Number(number) => write!(text, "{number}").expect("writing to a string"),
        Json::Bool(state) => write!(text, "{state}").expect("writing to a string"),
        Json::Null | Json::Array(_) | Json::Object(_) => return None,
    }
    Some(())
}
