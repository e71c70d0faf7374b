//! An entity: what its state means, and where its state and its availability are published.

use gridwatch_protocol::{Kind, Timestamp};
use serde_json::{Map, Value as Json};

use super::availability::Availability;
use super::config::Described;
use super::meaning::{self, What};
use super::template::{Template, Templates, python};

/// Longest topic and longest word that is kept of a message.
const TEXT_BYTES_MAX: usize = 1024;

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
    /// Attributes of its state, which are not read here.
    Attributes,
    /// The state of an entity that is left alone: it must not look like a stranger's message.
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

    pub(super) fn number(&self, key: &str) -> Option<f64> {
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

    pub(super) fn is_off(&self, key: &str) -> bool {
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
        let mut what = meaning::what(&described.component, &described.object, &fields);
        let mut wanted = sources(&described.component, &fields);
        if wanted.iter().all(|(role, ..)| *role == Role::Attributes) {
            if needs_state(&described.component) {
                return Err(format!("a {} without a state topic", described.component));
            }
            what = What::Nothing("it only takes commands");
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

/// Whether entities of a component have a state; the others may only take commands.
fn needs_state(component: &str) -> bool {
    matches!(
        component,
        "alarm_control_panel" | "binary_sensor" | "device_automation" | "event" | "sensor"
    )
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
    // Zigbee2MQTT names its state topic here too, also for entities without a state of their own.
    let attributes = fields.text("json_attributes_topic");
    if list.iter().all(|(_, topic, _)| *topic != attributes) {
        list.push((Role::Attributes, attributes, None));
    }
    list.into_iter()
        .filter_map(|(role, topic, template)| Some((role, topic?, template)))
        .collect()
}
