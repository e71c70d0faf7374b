//! The JSON Schema of profile files, for editors that complete and check while one writes
//! (`#:schema ./profile.schema.json` in the first line).

use gridwatch_protocol::Kind;
use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Value as Json, json};

use super::ByteOrder;
use super::file::ProfileFile;

/// The JSON Schema of profile files, as indented JSON with a line break at its end.
#[must_use]
pub fn profile_schema() -> String {
    let mut schema = SchemaSettings::draft07()
        .into_generator()
        .into_root_schema_for::<ProfileFile>();
    if let Some(orders) = schema
        .pointer_mut("/definitions/ByteOrder/oneOf")
        .and_then(Json::as_array_mut)
    {
        let others = ByteOrder::OTHER_NAMES.iter().map(|(name, same)| {
            json!({ "const": name, "description": format!("The same as `{same}`."), "type": "string" })
        });
        orders.extend(others);
    }
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

pub(super) fn kind_name(_: &mut SchemaGenerator) -> Schema {
    let names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    json_schema!({ "type": "string", "enum": names })
}

pub(super) fn kind_names(generator: &mut SchemaGenerator) -> Schema {
    let name = kind_name(generator);
    json_schema!({ "type": "array", "items": name })
}

pub(super) fn name_text(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "properties": { "zh": { "type": "string" }, "en": { "type": "string" } },
        "required": ["zh", "en"],
        "additionalProperties": false,
    })
}

pub(super) fn value(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["boolean", "number", "string"] })
}

pub(super) fn value_or_nothing(generator: &mut SchemaGenerator) -> Schema {
    value(generator)
}

pub(super) fn raw_value(generator: &mut SchemaGenerator) -> Schema {
    value(generator)
}

pub(super) fn raw_values(generator: &mut SchemaGenerator) -> Schema {
    let item = value(generator);
    json_schema!({ "type": "array", "items": item })
}

pub(super) fn one_or_many(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["string", "array"], "items": { "type": "string" } })
}

/// A number, or where one stands.
pub(super) fn any_number(generator: &mut SchemaGenerator) -> Schema {
    let register = generator.subschema_for::<super::register::Register>();
    json_schema!({
        "type": ["number", "object"],
        "properties": { "register": register, "path": { "type": "string" } },
        "additionalProperties": false,
    })
}
