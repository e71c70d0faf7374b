//! A device profile to begin with, made from a message that nobody understood.
//!
//! The one place where the hub asks for it. The text is for people to complete: it is shown, copied and
//! downloaded, never put on a gateway by the hub.

use serde_json::Value as Json;

/// At most this many fields of a message are listed.
const FIELDS_MAX: usize = 64;
/// Objects inside objects are followed this deep.
const DEPTH_MAX: usize = 8;

/// The text of a profile for messages like this one: TOML with comments.
///
/// # Errors
/// What is wrong with the message and what to do, for people.
pub fn skeleton(topic: &str, payload: &[u8]) -> Result<String, String> {
    let text = std::str::from_utf8(payload)
        .map_err(|_| "the message is binary: profiles read JSON and text".to_owned())?;
    if text.trim().is_empty() {
        return Err("the message is empty: take one that carries a value".to_owned());
    }
    let json: Option<Json> = serde_json::from_str(text).ok();
    if json.is_none() && text.trim_start().starts_with(['{', '[']) {
        return Err(
            "the message begins like JSON and is none: take the whole message as it was sent"
                .to_owned(),
        );
    }
    let mut fields = Vec::new();
    match &json {
        Some(json) => list(json, "", 0, &mut fields),
        None => fields.push((String::new(), Json::String(text.to_owned()))),
    }
    let form = if json.is_some() { "json" } else { "text" };
    let mut profile = format!(
        "schema = 1\nid = \"new-device\"\nname = {{ zh = \"新设备\", en = \"new device\" }}\n\n[match]\ntransport = \"mqtt\"\ntopic = {topic}\npayload = \"{form}\"\n\n[device]\nid = {topic}\n",
        topic = toml::Value::String(topic.to_owned()),
    );
    for (path, value) in fields {
        let path = toml::Value::String(path);
        profile.push_str(&format!(
            "\n# seen: {value}\n# [[channels]]\n# path = {path}\n# kind = \"other\"\n# type = \"{}\"\n",
            match value {
                Json::Bool(_) => "bool",
                Json::Number(_) => "number",
                _ => "text",
            }
        ));
    }
    Ok(profile)
}

/// The values of a document with their JSON pointers.
fn list(json: &Json, path: &str, depth: usize, fields: &mut Vec<(String, Json)>) {
    let Json::Object(object) = json else {
        if fields.len() < FIELDS_MAX && !json.is_array() && !json.is_null() {
            fields.push((path.to_owned(), json.clone()));
        }
        return;
    };
    for (name, value) in object.iter().filter(|_| depth < DEPTH_MAX) {
        let name = name.replace('~', "~0").replace('/', "~1");
        list(value, &format!("{path}/{name}"), depth + 1, fields);
    }
}
