//! The templates that are only a path into the JSON: `{{ value_json.a['b'][0] }}`. They are nine in
//! ten, and are read without the engine.

use serde_json::Value as Json;

use super::template::{Failure, Template, python};

/// Steps of a path at most; longer ones go to the engine.
const STEPS_MAX: usize = 8;
/// Names that are methods of Python's dictionaries and lists, not keys.
const METHODS: [&str; 6] = ["items", "keys", "values", "get", "index", "count"];

/// A step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// A key of an object.
    Key(String),
    /// A place in a list.
    Index(usize),
}

/// The template as a path, if it is only one.
pub(super) fn parse(source: &str) -> Option<Template> {
    let inner = source.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    let inner = inner.strip_prefix('-').unwrap_or(inner);
    let inner = inner.strip_suffix('-').unwrap_or(inner).trim();
    let inner = match inner.split_once('|') {
        Some((path, filter)) if filter.trim() == "is_defined" => path.trim(),
        Some(_) => return None,
        None => inner,
    };
    if inner == "value" {
        return Some(Template::Payload);
    }
    let mut rest = inner.strip_prefix("value_json")?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if steps.len() >= STEPS_MAX {
            return None;
        }
        let (step, after) = step(rest)?;
        steps.push(step);
        rest = after;
    }
    Some(Template::Path(steps))
}

fn step(rest: &str) -> Option<(Step, &str)> {
    if let Some(name) = rest.strip_prefix('.') {
        let end = name
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(name.len());
        let (name, after) = name.split_at_checked(end)?;
        let is_name = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
        return (is_name && !METHODS.contains(&name)).then(|| (Step::Key(name.to_owned()), after));
    }
    let (key, after) = rest.strip_prefix('[')?.split_once(']')?;
    let key = key.trim();
    for quote in ['"', '\''] {
        if let Some(key) = key.strip_prefix(quote).and_then(|k| k.strip_suffix(quote)) {
            return (!key.contains([quote, '\\', '['])).then(|| (Step::Key(key.to_owned()), after));
        }
    }
    key.parse().ok().map(|index| (Step::Index(index), after))
}

/// What stands at the path, as text. A missing end is nothing.
pub(super) fn follow(json: &Json, path: &[Step]) -> Result<String, Failure> {
    let mut at = json;
    for step in path {
        let next = match step {
            Step::Key(key) => at.get(key.as_str()),
            Step::Index(index) => at.get(*index),
        };
        at = next.ok_or_else(|| Failure::Missing(format!("{} is not there", written(step))))?;
    }
    Ok(python(at).trim().to_owned())
}

fn written(step: &Step) -> String {
    match step {
        Step::Key(key) => crate::words::cut(key),
        Step::Index(index) => index.to_string(),
    }
}
