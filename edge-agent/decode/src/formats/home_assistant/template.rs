//! Value templates of discovery messages.
//!
//! Most are a path into the JSON (`{{ value_json.smoke }}`) and are read without the template engine.
//! The others run in an engine whose cost is bounded: by fuel, by the size of the template, of the
//! payload and of the output, and by what a template may multiply. Whoever may publish on the broker
//! may write templates; none may stop the agent.
//!
//! Text comes out as Home Assistant's Python writes it: `True`, `None`. A template that needs what an
//! agent does not have (`states()` of another entity) says nothing, and the last state stays.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::io;

use minijinja::{Environment, ErrorKind, Value, context};
use serde_json::Value as Json;

use super::{cost, functions, paths};
use crate::frame::Message;

/// Templates in use at a time: each entity has one or two, and most share their text.
const TEMPLATES_MAX: usize = 4096;
/// Larger payloads are read by paths only.
const PAYLOAD_BYTES_MAX: usize = 64 * 1024;
/// Longest output: a state in Home Assistant has at most 255 characters.
const OUTPUT_BYTES_MAX: usize = 4096;
/// Instructions per run: a few hundred are usual, a list of some hundred entries is looped over.
const FUEL: u64 = 10_000;

/// A template, ready to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Template {
    /// A path into the payload's JSON; empty for the payload itself.
    Path(Vec<paths::Step>),
    /// The payload as text.
    Payload,
    /// In the engine under this name.
    Engine(String),
}

/// The templates of all entities.
pub(super) struct Templates {
    engine: Environment<'static>,
    /// How many entities use each.
    uses: HashMap<String, usize>,
}

impl std::fmt::Debug for Templates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Templates")
            .field("in_use", &self.uses.len())
            .finish_non_exhaustive()
    }
}

impl Default for Templates {
    fn default() -> Self {
        let mut engine = Environment::new();
        functions::install(&mut engine);
        engine.set_fuel(Some(FUEL));
        engine.set_recursion_limit(64);
        Self {
            engine,
            uses: HashMap::new(),
        }
    }
}

/// What a message gives to templates, prepared at most once.
pub(super) struct Input<'m> {
    message: &'m Message<'m>,
    value_json: OnceCell<Value>,
}

impl<'m> Input<'m> {
    pub(super) fn new(message: &'m Message<'m>) -> Self {
        Self {
            message,
            value_json: OnceCell::new(),
        }
    }

    /// The message.
    pub(super) fn message(&self) -> &'m Message<'m> {
        self.message
    }

    fn value_json(&self) -> Value {
        self.value_json
            .get_or_init(|| match self.message.json() {
                Ok(json) => Value::from(minijinja::value::Serde(json)),
                Err(_) => Value::UNDEFINED,
            })
            .clone()
    }
}

/// Why a template gave nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// The message does not have what it asks for.
    Missing(String),
    /// The template or the payload is at fault.
    Fault(String),
}

impl Templates {
    /// Takes a template into use.
    ///
    /// # Errors
    /// A sentence when it cannot be one, or costs too much.
    pub(super) fn add(&mut self, source: &str) -> Result<Template, String> {
        if let Some(path) = paths::parse(source) {
            return Ok(path);
        }
        if let Some(uses) = self.uses.get_mut(source) {
            *uses += 1;
            return Ok(Template::Engine(source.to_owned()));
        }
        cost::acceptable(source)?;
        if self.uses.len() >= TEMPLATES_MAX {
            return Err(format!("more than {TEMPLATES_MAX} templates"));
        }
        self.engine
            .add_template_owned(source.to_owned(), source.to_owned())
            .map_err(|error| format!("the template is wrong: {error}"))?;
        self.uses.insert(source.to_owned(), 1);
        Ok(Template::Engine(source.to_owned()))
    }

    /// Gives a template back.
    pub(super) fn release(&mut self, template: &Template) {
        let Template::Engine(name) = template else {
            return;
        };
        if let Some(uses) = self.uses.get_mut(name) {
            *uses = uses.saturating_sub(1);
            if *uses == 0 {
                self.uses.remove(name);
                self.engine.remove_template(name);
            }
        }
    }

    /// Runs a template; its output without surrounding white space.
    ///
    /// # Errors
    /// When it gives nothing.
    pub(super) fn render(
        &self,
        template: Option<&Template>,
        input: &Input<'_>,
    ) -> Result<String, Failure> {
        let text = || {
            input
                .message
                .text()
                .ok_or_else(|| Failure::Fault("the payload is not UTF-8".to_owned()))
        };
        match template {
            None | Some(Template::Payload) => Ok(text()?.to_owned()),
            Some(Template::Path(path)) => match input.message.json() {
                Ok(json) => paths::follow(json, path),
                Err(_) => Err(Failure::Missing("the payload is not JSON".to_owned())),
            },
            Some(Template::Engine(name)) => self.run(name, text()?, input),
        }
    }

    fn run(&self, name: &str, text: &str, input: &Input<'_>) -> Result<String, Failure> {
        if text.len() > PAYLOAD_BYTES_MAX {
            return Err(Failure::Fault(format!(
                "a payload of {} bytes is too large for a template",
                text.len()
            )));
        }
        let template = self
            .engine
            .get_template(name)
            .map_err(|error| Failure::Fault(error.to_string()))?;
        let mut bounded = Bounded(Vec::new());
        let variables = context! {
            value => text,
            value_json => input.value_json(),
            received_ms => input.message.received_at.unix_ms(),
        };
        template
            .render_captured_to(variables, &mut bounded)
            .map_err(|error| failure(&error))?;
        Ok(String::from_utf8_lossy(&bounded.0).trim().to_owned())
    }
}

fn failure(error: &minijinja::Error) -> Failure {
    match error.kind() {
        ErrorKind::UndefinedError | ErrorKind::MissingArgument => {
            Failure::Missing(error.to_string())
        }
        _ => Failure::Fault(format!("the template failed: {error}")),
    }
}

/// Text as Python writes a value that is no text.
pub(super) fn python(json: &Json) -> String {
    match json {
        Json::Null => "None".to_owned(),
        Json::Bool(true) => "True".to_owned(),
        Json::Bool(false) => "False".to_owned(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// An output that ends where a state ends.
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len().saturating_add(bytes.len()) > OUTPUT_BYTES_MAX {
            return Err(io::Error::other(format!(
                "the output has more than {OUTPUT_BYTES_MAX} bytes"
            )));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
