//! The reference page of the profile format, written from the JSON Schema: what a key means stands
//! once, at its type.

use std::fmt::Write as _;

use serde_json::{Map, Value as Json};

use super::profile_schema;

const INTRODUCTION: &str = include_str!("reference.md");

/// The tables of the file in the order in which one writes them: title, name in the schema.
const TABLES: &[(&str, &str)] = &[
    ("The file", ""),
    ("`[match]`", "MatchFile"),
    ("`[device]`", "DeviceFile"),
    ("`[supervision]`", "SupervisionFile"),
    ("`[modbus]`", "BusQuirks"),
    ("`[[channels]]`", "ChannelFile"),
    ("`register = { … }`", "Register"),
    ("`bits = { … }`", "BitField"),
    ("`repeat = { … }`", "RepeatFile"),
    ("`when = [{ … }]`", "ConditionFile"),
    ("`values = [{ … }]`", "EnumEntry"),
    ("`time = { … }`", "TimeFile"),
    ("`[[golden]]`", "Golden"),
    ("`registers = [{ … }]` of a sample", "GoldenBlock"),
    ("`expect = [{ … }]` of a sample", "GoldenReading"),
];

/// Words that a key may have: title, name in the schema.
const WORDS: &[(&str, &str)] = &[
    ("transport", "Transport"),
    ("payload", "PayloadForm"),
    ("type of a channel", "TypeName"),
    ("table", "Table"),
    ("type of a register", "RawValue"),
    ("order", "ByteOrder"),
    ("format of a time", "TimeFormat"),
];

/// The whole page.
pub(super) fn page() -> String {
    let schema: Json = serde_json::from_str(&profile_schema()).expect("a schema is JSON");
    let mut page = INTRODUCTION.to_owned();
    page.push_str("\n# Reference\n\nA key marked * must be given. Unknown keys are refused.\n");
    for (title, name) in TABLES {
        let table = definition(&schema, name);
        write!(page, "\n## {title}\n\n").expect("writing to a string");
        if let Some(text) = table.get("description").filter(|_| !name.is_empty()) {
            write!(page, "{}\n\n", one_line(text)).expect("writing to a string");
        }
        page.push_str("| key | value | meaning |\n|---|---|---|\n");
        let needed = table.get("required").and_then(Json::as_array);
        for (key, property) in properties(table) {
            let is_needed = needed.is_some_and(|list| list.iter().any(|name| name == key.as_str()));
            let mark = if is_needed { "*" } else { "" };
            let meaning = property
                .get("description")
                .map(one_line)
                .unwrap_or_default();
            let meaning = meaning + &default_of(property);
            writeln!(page, "| `{key}`{mark} | {} | {meaning} |", shape(property))
                .expect("writing to a string");
        }
    }
    for (title, name) in WORDS {
        write!(
            page,
            "\n## Words: {title}\n\n| word | meaning |\n|---|---|\n"
        )
        .expect("writing to a string");
        for (word, meaning) in words(definition(&schema, name)) {
            writeln!(page, "| `{word}` | {meaning} |").expect("writing to a string");
        }
    }
    page
}

fn definition<'a>(schema: &'a Json, name: &str) -> &'a Json {
    if name.is_empty() {
        return schema;
    }
    schema
        .pointer(&format!("/definitions/{name}"))
        .unwrap_or_else(|| panic!("the schema has no `{name}`"))
}

fn properties(table: &Json) -> impl Iterator<Item = (&String, &Json)> {
    table
        .get("properties")
        .and_then(Json::as_object)
        .into_iter()
        .flat_map(Map::iter)
}

fn one_line(text: &Json) -> String {
    let text = text.as_str().unwrap_or_default();
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").replace('|', "\\|")
}

fn default_of(property: &Json) -> String {
    match property.get("default") {
        Some(Json::Bool(false) | Json::Null) | None => String::new(),
        Some(Json::String(text)) if text.is_empty() => String::new(),
        Some(default @ (Json::Number(_) | Json::Bool(_) | Json::String(_))) => {
            format!(" Default: {default}.")
        }
        Some(_) => String::new(),
    }
}

/// What a value looks like, in a word or two.
fn shape(property: &Json) -> String {
    if let Some(name) = property.get("$ref").and_then(Json::as_str) {
        return link(name);
    }
    for choice in ["anyOf", "allOf", "oneOf"] {
        if let Some(list) = property.get(choice).and_then(Json::as_array) {
            let shapes: Vec<String> = list
                .iter()
                .filter(|one| one.get("type") != Some(&Json::from("null")))
                .map(shape)
                .collect();
            return shapes.join(" or ");
        }
    }
    if property.get("enum").is_some() {
        return "kind".to_owned();
    }
    match property.get("type") {
        Some(Json::Array(types)) => {
            let types: Vec<&str> = types
                .iter()
                .filter_map(Json::as_str)
                .filter(|name| *name != "null")
                .collect();
            types.join(" or ")
        }
        Some(Json::String(name)) if name == "array" => {
            format!(
                "list of {}",
                property.get("items").map_or_else(String::new, shape)
            )
        }
        Some(Json::String(name)) if name == "object" => "table".to_owned(),
        Some(Json::String(name)) => name.clone(),
        _ => "any".to_owned(),
    }
}

fn link(name: &str) -> String {
    let name = name.trim_start_matches("#/definitions/");
    let is_words = WORDS.iter().any(|(_, known)| *known == name);
    if is_words {
        "word".to_owned()
    } else {
        TABLES
            .iter()
            .find(|(_, known)| *known == name)
            .map_or_else(|| name.to_owned(), |_| "table".to_owned())
    }
}

fn words(definition: &Json) -> Vec<(String, String)> {
    let plain = definition.get("enum").and_then(Json::as_array);
    let described = definition.get("oneOf").and_then(Json::as_array);
    let word = |json: &Json| json.as_str().unwrap_or_default().to_owned();
    plain
        .into_iter()
        .flatten()
        .map(|name| (word(name), String::new()))
        .chain(described.into_iter().flatten().map(|one| {
            let name = one.get("const").or_else(|| one.pointer("/enum/0"));
            (
                name.map(word).unwrap_or_default(),
                one.get("description").map(one_line).unwrap_or_default(),
            )
        }))
        .collect()
}
