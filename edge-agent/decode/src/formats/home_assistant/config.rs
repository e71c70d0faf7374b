//! Discovery messages: which topics carry them, and what they describe, in one shape for both forms.
//!
//! The single form is `<prefix>/<component>/[<node>/]<object>/config`, one entity each. The device form
//! is `<prefix>/device/[<node>/]<object>/config` with `components`, which inherit the topics and the
//! availability of the root. A component of which only its platform is left is removed.

use serde_json::{Map, Value as Json};

use super::abbreviations::{expanded, expanded_device};

/// The prefix that nobody changed.
const DEFAULT_PREFIX: &str = "homeassistant";
/// Components in one message of the device form: the largest devices have some fifty.
const COMPONENTS_MAX: usize = 256;
/// What the components of the device form inherit.
const INHERITED: [&str; 8] = [
    "availability",
    "availability_mode",
    "availability_template",
    "availability_topic",
    "encoding",
    "payload_available",
    "payload_not_available",
    "state_topic",
];
/// The components that discovery knows.
const COMPONENTS: [&str; 32] = [
    "alarm_control_panel",
    "binary_sensor",
    "button",
    "camera",
    "climate",
    "cover",
    "date",
    "datetime",
    "device",
    "device_automation",
    "device_tracker",
    "event",
    "fan",
    "humidifier",
    "image",
    "lawn_mower",
    "light",
    "lock",
    "notify",
    "number",
    "scene",
    "select",
    "sensor",
    "siren",
    "switch",
    "tag",
    "text",
    "time",
    "update",
    "vacuum",
    "valve",
    "water_heater",
];

/// A topic of a discovery message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ConfigTopic<'t> {
    /// What precedes the component.
    pub(super) prefix: &'t str,
    /// The component, or `device`.
    pub(super) component: &'t str,
    /// `[<node>/]<object>`.
    pub(super) object: &'t str,
}

/// The parts of a topic, if it can carry a discovery message. Under the default prefix and the
/// `known` ones the component stands right after it; else it is looked for.
pub(super) fn topic<'t>(topic: &'t str, known: &[String]) -> Option<ConfigTopic<'t>> {
    let body = topic.strip_suffix("/config")?;
    let prefixes = known.iter().map(String::as_str);
    for prefix in std::iter::once(DEFAULT_PREFIX).chain(prefixes) {
        if let Some(rest) = topic
            .strip_prefix(prefix)
            .and_then(|rest| rest.strip_prefix('/'))
        {
            let (component, object) = rest.strip_suffix("/config")?.split_once('/')?;
            let levels = object.split('/').count();
            return (levels <= 2 && !object.is_empty()).then_some(ConfigTopic {
                prefix: topic.get(..prefix.len())?,
                component,
                object,
            });
        }
    }
    let (before, last) = body.rsplit_once('/')?;
    let with_node = before.rsplit_once('/').and_then(|(before, node)| {
        let (prefix, component) = before.rsplit_once('/')?;
        let object = body.get(body.len().checked_sub(node.len() + 1 + last.len())?..)?;
        Some((prefix, component, object))
    });
    let without = before
        .rsplit_once('/')
        .map(|(prefix, component)| (prefix, component, last));
    [with_node, without]
        .into_iter()
        .flatten()
        .find(|(prefix, component, _)| !prefix.is_empty() && COMPONENTS.contains(component))
        .map(|(prefix, component, object)| ConfigTopic {
            prefix,
            component,
            object,
        })
}

/// Whether the prefix is the one that nobody changed.
pub(super) fn is_default(prefix: &str) -> bool {
    prefix == DEFAULT_PREFIX
}

/// Whether fields are those of a discovery message: under a strange prefix only then it is one.
pub(super) fn has_shape(fields: &Map<String, Json>) -> bool {
    let has = |keys: &[&str]| keys.iter().any(|key| fields.contains_key(*key));
    has(&[
        "state_topic",
        "stat_t",
        "command_topic",
        "cmd_t",
        "components",
        "cmps",
        "automation_type",
        "atype",
        "migrate_discovery",
        "migr_discvry",
    ]) || (has(&["topic", "t"]) && has(&["device", "dev"]))
}

/// An entity as its message describes it, under long names and with topics written out.
#[derive(Debug, Clone)]
pub(super) struct Described {
    /// The component.
    pub(super) component: String,
    /// `<object>` or `<object>/<key>`: unique among its component.
    pub(super) object: String,
    /// Its fields.
    pub(super) fields: Map<String, Json>,
    /// Its device's fields; empty when it names none.
    pub(super) device: Map<String, Json>,
}

/// The entities that a message describes.
///
/// # Errors
/// A sentence when it describes none.
pub(super) fn describe(
    topic: ConfigTopic<'_>,
    payload: &Map<String, Json>,
) -> Result<Vec<Described>, String> {
    let mut root = expanded(payload);
    if root
        .get("migrate_discovery")
        .is_some_and(|m| *m == Json::Bool(true))
    {
        return Ok(Vec::new());
    }
    let device = match root.remove("device") {
        Some(Json::Object(device)) => expanded_device(&device),
        _ => Map::new(),
    };
    let base = root.remove("~");
    resolve(&mut root, base.as_ref());
    if topic.component != "device" {
        return Ok(vec![Described {
            component: topic.component.to_owned(),
            object: topic.object.to_owned(),
            fields: root,
            device,
        }]);
    }
    let Some(Json::Object(components)) = root.remove("components") else {
        return Err("a device without components".to_owned());
    };
    if device.is_empty() {
        return Err("a device without its description".to_owned());
    }
    if components.len() > COMPONENTS_MAX {
        return Err(format!(
            "a device with more than {COMPONENTS_MAX} components"
        ));
    }
    Ok(components
        .iter()
        .filter_map(|(key, fields)| component(topic, key, fields, &root, base.as_ref(), &device))
        .collect())
}

fn component(
    topic: ConfigTopic<'_>,
    key: &str,
    fields: &Json,
    root: &Map<String, Json>,
    base: Option<&Json>,
    device: &Map<String, Json>,
) -> Option<Described> {
    let mut fields = expanded(fields.as_object()?);
    let platform = fields.remove("platform")?;
    if fields.is_empty() {
        return None;
    }
    let own = fields.remove("~");
    resolve(&mut fields, own.as_ref().or(base));
    for name in INHERITED {
        if let Some(value) = root.get(name)
            && !fields.contains_key(name)
        {
            fields.insert(name.to_owned(), value.clone());
        }
    }
    Some(Described {
        component: platform.as_str()?.to_owned(),
        object: format!("{}/{key}", topic.object),
        fields,
        device: device.clone(),
    })
}

/// Writes out `~` at either end of the topics, and the availability list's short forms.
fn resolve(fields: &mut Map<String, Json>, base: Option<&Json>) {
    let base = base.and_then(Json::as_str);
    replace(fields, base);
    let list = match fields.get_mut("availability") {
        Some(Json::Array(list)) => list.as_mut_slice(),
        Some(one @ Json::Object(_)) => std::slice::from_mut(one),
        _ => return,
    };
    for entry in list {
        if let Json::Object(entry) = entry {
            let mut long = expanded(entry);
            replace(&mut long, base);
            *entry = long;
        }
    }
}

fn replace(fields: &mut Map<String, Json>, base: Option<&str>) {
    let Some(base) = base else {
        return;
    };
    for (key, value) in fields.iter_mut() {
        if !key.ends_with("topic") {
            continue;
        }
        let Json::String(topic) = value else {
            continue;
        };
        if let Some(rest) = topic.strip_prefix('~') {
            *topic = format!("{base}{rest}");
        } else if let Some(rest) = topic.strip_suffix('~') {
            *topic = format!("{rest}{base}");
        }
    }
}
