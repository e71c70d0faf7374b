//! An entity: what its state means, and where its state and its availability are published.

use gridwatch_protocol::{Kind, Timestamp};
use serde_json::{Map, Value as Json};

use super::availability::Availability;
use super::classes::{self, Means};
use super::config::Described;
use super::template::{Template, Templates, python};
use crate::units;

/// Longest topic and longest word that is kept of a message.
const TEXT_BYTES_MAX: usize = 1024;
/// Words of an event entity that are kept.
const EVENT_TYPES_MAX: usize = 64;

/// What a state means.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum What {
    /// Two words.
    Binary {
        on: String,
        off: String,
        means: Means,
        /// The word stands in a JSON state, as lights and sirens write it.
        in_json: bool,
    },
    /// A number, or a word where the sensor has no unit.
    Number { kind: Kind, unit: String },
    /// A lock's words with what each means; nothing for those that say nothing.
    Lock(Vec<(String, Option<&'static str>)>),
    /// A cover's words: open or closed.
    Cover {
        words: Vec<(String, bool)>,
        stopped: String,
        /// Whether it closes an opening of the building.
        is_door: bool,
        position_closed: f64,
    },
    /// A word.
    Word,
    /// An event in JSON.
    Event(Vec<String>),
    /// An event when the payload is this one.
    Trigger {
        payload: Option<String>,
        word: String,
    },
    /// Nothing, and why.
    Nothing(&'static str),
}

/// What a topic of an entity carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Its state.
    State,
    /// A cover's position.
    Position,
    /// The temperature that a thermostat measures.
    Temperature,
    /// The humidity that a device measures.
    Humidity,
    /// The availability topic with this index.
    Availability(usize),
    /// Something that is not read, which must not look like a stranger's message.
    Nothing,
}

/// A topic with what it carries and how it is read.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) role: Role,
    pub(super) topic: String,
    pub(super) template: Option<Template>,
}

/// An entity.
#[derive(Debug)]
pub(super) struct Entity {
    /// Its device.
    pub(super) device: String,
    /// Its own name, for a device that has the same kind several times.
    pub(super) part: String,
    /// Whether it needs that name.
    pub(super) needs_part: bool,
    /// Whether its states come from Zigbee2MQTT and carry its time.
    pub(super) zigbee: bool,
    pub(super) what: What,
    pub(super) sources: Vec<Source>,
    pub(super) availability: Availability,
    /// How long the state holds without being told again.
    pub(super) expire_after_ms: Option<i64>,
    /// After how long ON ends by itself.
    pub(super) off_delay_ms: Option<i64>,
    /// When it ends.
    pub(super) off_at: Option<Timestamp>,
    /// The device's name, maker and type.
    pub(super) about: [Option<String>; 3],
}

/// Reads fields with bounds.
pub(super) struct Fields<'f>(pub(super) &'f Map<String, Json>);

impl<'f> Fields<'f> {
    pub(super) fn text(&self, key: &str) -> Option<&'f str> {
        self.0
            .get(key)?
            .as_str()
            .filter(|text| !text.is_empty() && text.len() <= TEXT_BYTES_MAX)
    }

    /// A payload or state word as Home Assistant compares it: as Python's text of any JSON value.
    pub(super) fn word(&self, key: &str, default: &str) -> String {
        match self.0.get(key) {
            None | Some(Json::Null | Json::Object(_) | Json::Array(_)) => default.to_owned(),
            Some(value) => python(value).chars().take(TEXT_BYTES_MAX).collect(),
        }
    }

    fn number(&self, key: &str) -> Option<f64> {
        self.0.get(key).and_then(crate::words::number)
    }

    /// A span in seconds as milliseconds.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the span is bounded by a hundred years"
    )]
    fn span_ms(&self, key: &str) -> Option<i64> {
        self.number(key)
            .filter(|seconds| *seconds > 0.0 && *seconds <= 3.2e9)
            .map(|seconds| (seconds * 1000.0).round() as i64)
    }

    fn is_off(&self, key: &str) -> bool {
        self.0
            .get(key)
            .is_some_and(|value| crate::words::state(value) == Ok(Some(false)))
    }
}

impl Entity {
    /// An entity from its description.
    ///
    /// # Errors
    /// A sentence when it cannot be read.
    pub(super) fn new(described: &Described, templates: &mut Templates) -> Result<Self, String> {
        let fields = Fields(&described.fields);
        let what = what(&described.component, &described.object, &fields);
        let mut wanted = sources(&described.component, &fields);
        if wanted.is_empty() && !matches!(what, What::Nothing(_)) {
            return Err(format!("a {} without a state topic", described.component));
        }
        if matches!(what, What::Nothing(_)) {
            for (role, _, template) in &mut wanted {
                *role = Role::Nothing;
                *template = None;
            }
        }
        let (device, zigbee) = super::devices::id(described, wanted.first().map(|w| w.1));
        let mut made = Self {
            device,
            part: super::devices::part(&described.object),
            needs_part: false,
            zigbee,
            what,
            sources: Vec::new(),
            availability: Availability::default(),
            expire_after_ms: fields.span_ms("expire_after"),
            off_delay_ms: fields.span_ms("off_delay"),
            off_at: None,
            about: super::devices::about(&described.device),
        };
        let filled = made.fill(&fields, &wanted, templates);
        if let Err(why) = filled {
            made.release(templates);
            return Err(why);
        }
        Ok(made)
    }

    fn fill(
        &mut self,
        fields: &Fields<'_>,
        wanted: &[Wanted<'_>],
        templates: &mut Templates,
    ) -> Result<(), String> {
        for (role, topic, template) in wanted {
            let template = template.map(|source| templates.add(source)).transpose()?;
            self.sources.push(Source {
                role: *role,
                topic: (*topic).to_owned(),
                template,
            });
        }
        self.availability = Availability::new(fields, templates)?;
        Ok(())
    }

    /// Gives back the templates.
    pub(super) fn release(&self, templates: &mut Templates) {
        let own = self.sources.iter().filter_map(|s| s.template.as_ref());
        for template in own.chain(self.availability.templates()) {
            templates.release(template);
        }
    }

    /// Its topics with what they carry.
    pub(super) fn topics(&self) -> impl Iterator<Item = (&str, Role)> {
        self.sources
            .iter()
            .map(|source| (source.topic.as_str(), source.role))
            .chain(self.availability.topics())
    }

    /// The kind that its state has, and whether it is a number.
    pub(super) fn kind(&self) -> Option<(Kind, bool)> {
        match &self.what {
            What::Binary { means, .. } => Some((means.kind(), false)),
            What::Number { kind, .. } => Some((*kind, true)),
            What::Lock(_) => Some((Kind::Lock, false)),
            What::Cover { is_door: true, .. } => Some((Kind::Door, false)),
            What::Cover { .. } | What::Word | What::Event(_) | What::Trigger { .. } => {
                Some((Kind::Other, false))
            }
            What::Nothing(_) => None,
        }
    }

    /// The id that its readings have.
    pub(super) fn id(&self) -> String {
        if self.needs_part {
            format!("{}/{}", self.device, self.part)
        } else {
            self.device.clone()
        }
    }
}

fn what(component: &str, object: &str, fields: &Fields<'_>) -> What {
    let class = fields.text("device_class").unwrap_or_default();
    let unread = fields.text("entity_category").is_some() || fields.is_off("enabled_by_default");
    let told = match component {
        "binary_sensor" => two_words(fields, ("ON", "OFF"), classes::binary(class), false),
        "switch" | "siren" | "fan" | "humidifier" => {
            let schema = component == "siren";
            two_words(fields, ("ON", "OFF"), Means::True(Kind::Other), schema)
        }
        "light" => {
            let in_json = fields.text("schema") == Some("json");
            two_words(fields, ("ON", "OFF"), Means::True(Kind::Other), in_json)
        }
        "sensor" => number(class, object, fields),
        "lock" => lock(fields),
        "cover" | "valve" => cover(component, class, fields),
        "alarm_control_panel" => What::Word,
        "event" => event(fields),
        "device_automation" => trigger(fields),
        "climate" | "water_heater" => What::Number {
            kind: Kind::Temperature,
            unit: temperature_unit(fields),
        },
        "device_tracker" => What::Nothing("people are not tracked"),
        "tag" => What::Nothing("a scanned tag grants and denies nothing by itself"),
        _ => What::Nothing("a component without a state of use here"),
    };
    let kind = match &told {
        What::Binary { means, .. } => means.kind(),
        What::Number { kind, .. } => *kind,
        What::Trigger { .. } | What::Event(_) | What::Nothing(_) => return told,
        _ => return told,
    };
    if unread && !classes::is_wanted_diagnostic(kind, class) {
        return What::Nothing("a diagnostic or disabled entity");
    }
    told
}

fn two_words(fields: &Fields<'_>, default: (&str, &str), means: Means, in_json: bool) -> What {
    // Switches may report other words than they take.
    let on = fields.word("state_on", &fields.word("payload_on", default.0));
    let off = fields.word("state_off", &fields.word("payload_off", default.1));
    What::Binary {
        on,
        off,
        means,
        in_json,
    }
}

fn number(class: &str, object: &str, fields: &Fields<'_>) -> What {
    let unit = fields.text("unit_of_measurement").unwrap_or_default();
    let name = fields.text("name").unwrap_or_default();
    let kind = classes::sensor(class, unit, [name, object]);
    let words = unit.is_empty() && kind == Kind::Other && fields.text("state_class").is_none();
    if words && matches!(class, "timestamp" | "date" | "uptime") {
        return What::Nothing("a time that is no state");
    }
    if words {
        return What::Word;
    }
    let unit = if unit.is_empty() && kind == Kind::Battery {
        "%"
    } else {
        units::spelled(unit)
    };
    What::Number {
        kind,
        unit: unit.chars().take(32).collect(),
    }
}

fn temperature_unit(fields: &Fields<'_>) -> String {
    match fields.text("temperature_unit") {
        Some("F") => "°F",
        Some("C") => "°C",
        _ => "",
    }
    .to_owned()
}

fn lock(fields: &Fields<'_>) -> What {
    let words = [
        ("state_locked", "LOCKED", Some("locked")),
        ("state_unlocked", "UNLOCKED", Some("unlocked")),
        ("state_jammed", "JAMMED", Some("jammed")),
        ("state_open", "OPEN", Some("unlocked")),
        ("state_locking", "LOCKING", None),
        ("state_unlocking", "UNLOCKING", None),
        ("state_opening", "OPENING", None),
    ];
    What::Lock(
        words
            .iter()
            .map(|(key, default, means)| (fields.word(key, default), *means))
            .collect(),
    )
}

fn cover(component: &str, class: &str, fields: &Fields<'_>) -> What {
    let words = [
        ("state_open", "open", true),
        ("state_opening", "opening", true),
        ("state_closing", "closing", true),
        ("state_closed", "closed", false),
    ];
    What::Cover {
        words: words
            .iter()
            .map(|(key, default, open)| (fields.word(key, default), *open))
            .collect(),
        stopped: fields.word("state_stopped", "stopped"),
        is_door: component == "cover" && matches!(class, "garage" | "door" | "gate" | "window"),
        position_closed: fields.number("position_closed").unwrap_or(0.0),
    }
}

fn event(fields: &Fields<'_>) -> What {
    let types = fields.0.get("event_types").and_then(Json::as_array);
    What::Event(
        types
            .into_iter()
            .flatten()
            .filter_map(Json::as_str)
            .take(EVENT_TYPES_MAX)
            .map(str::to_owned)
            .collect(),
    )
}

fn trigger(fields: &Fields<'_>) -> What {
    let payload = fields.0.get("payload").map(python);
    let told = ["type", "subtype"].map(|key| fields.text(key).unwrap_or_default());
    let word = match &payload {
        // A payload that is a word says more than the generic names of type and subtype.
        Some(payload) if payload.chars().any(char::is_alphabetic) && !payload.contains('{') => {
            payload.clone()
        }
        _ => told.join(" ").trim().to_owned(),
    };
    What::Trigger { payload, word }
}

/// A topic with its role and template.
type Wanted<'f> = (Role, &'f str, Option<&'f str>);

/// The topics of an entity.
fn sources<'f>(component: &str, fields: &Fields<'f>) -> Vec<Wanted<'f>> {
    let value = || fields.text("value_template");
    let mut list: Vec<(Role, Option<&str>, Option<&str>)> = Vec::new();
    match component {
        "device_automation" | "tag" | "camera" => {
            list.push((Role::State, fields.text("topic"), value()));
        }
        "climate" | "water_heater" | "humidifier" => {
            list.push((
                Role::Temperature,
                fields.text("current_temperature_topic"),
                fields.text("current_temperature_template"),
            ));
            list.push((
                Role::Humidity,
                fields.text("current_humidity_topic"),
                fields.text("current_humidity_template"),
            ));
        }
        _ => {
            let template = fields
                .text("state_value_template")
                .or_else(|| fields.text("state_template"))
                .or_else(value);
            list.push((Role::State, fields.text("state_topic"), template));
        }
    }
    if component == "cover" {
        let position = fields.text("position_template").or_else(value);
        list.push((Role::Position, fields.text("position_topic"), position));
    }
    if component == "humidifier" {
        let template = fields.text("state_value_template");
        list.push((Role::State, fields.text("state_topic"), template));
    }
    let attributes = fields.text("json_attributes_topic");
    if list.iter().all(|(_, topic, _)| *topic != attributes) {
        list.push((Role::Nothing, attributes, None));
    }
    list.into_iter()
        .filter_map(|(role, topic, template)| Some((role, topic?, template)))
        .collect()
}
