//! The shipped profiles, their JSON Schema and their reference page. `UPDATE=1 cargo test` rewrites
//! the last two.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::*;

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn shipped() -> Vec<(PathBuf, String)> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(top().join("configs/devices"))
        .expect("the folder of shipped profiles")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "toml"))
        .collect();
    files.sort();
    files
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).expect("a readable profile");
            (path, text)
        })
        .collect()
}

#[test]
fn shipped_profiles_read_their_golden_samples() {
    let mut samples = 0;
    let mut ids = BTreeSet::new();
    for (path, text) in shipped() {
        let profile =
            Profile::parse(&text).unwrap_or_else(|why| panic!("{path:?}: {}", why.join("\n")));
        check_golden(&profile).unwrap_or_else(|why| panic!("{path:?}: {}", why.join("\n")));
        assert!(profile.golden_count() > 0, "{path:?} has no golden sample");
        let name = path.file_stem().and_then(|stem| stem.to_str());
        assert_eq!(name, Some(profile.id.as_str()), "file and id differ");
        assert!(
            text.starts_with("#:schema ./profile.schema.json\n"),
            "{path:?}: the first line names the schema for editors"
        );
        samples += profile.golden_count();
        ids.insert(profile.id);
    }
    assert!(ids.len() >= 30, "only {} profiles are shipped", ids.len());
    assert!(samples >= 55, "only {samples} golden samples were run");
}

/// Compares a file with what it should hold; with `UPDATE=1` writes it instead.
#[track_caller]
fn in_step(path: &str, wanted: &str) {
    let path = top().join(path);
    if std::env::var_os("UPDATE").is_some_and(|value| value == "1") {
        std::fs::write(&path, wanted).expect("writing the file");
        return;
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == wanted,
        "{} is out of date: run `UPDATE=1 cargo test -p gridwatch-decode profile`",
        path.display()
    );
}

/// The blocks of a language in a Markdown file.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    page.split("\n```")
        .filter_map(|block| block.strip_prefix(language)?.strip_prefix('\n'))
        .collect()
}

#[test]
fn the_profiles_in_the_documentation_read_their_golden_samples() {
    let mut checked = 0;
    let guide = top().join("edge-agent/docs/connect-a-sensor.md");
    let guide = std::fs::read_to_string(guide).expect("the guide");
    for (page, text) in [
        ("connect-a-sensor.md", guide),
        ("profiles.md", reference::page()),
    ] {
        for profile in blocks(&text, "toml") {
            if !profile.contains("schema = 1") {
                continue;
            }
            let profile = Profile::parse(profile)
                .unwrap_or_else(|why| panic!("{page}: {}\n{profile}", why.join("\n")));
            check_golden(&profile).unwrap_or_else(|why| panic!("{page}: {}", why.join("\n")));
            checked += 1;
        }
    }
    assert_eq!(checked, 3);
}

#[test]
fn the_cases_of_the_guide_come_out_as_it_says() {
    use crate::case::{Case, run};
    let path = top().join("edge-agent/docs/connect-a-sensor.md");
    let text = std::fs::read_to_string(path).expect("the guide");
    let profiles: Vec<Profile> = blocks(&text, "toml")
        .into_iter()
        .filter_map(|profile| Profile::parse(profile).ok())
        .collect();
    let mut decoder = crate::Decoder::new(
        crate::by_profile::ByProfile::new(profiles, [], []),
        jiff::tz::TimeZone::UTC,
        crate::Pseudonyms::new(&[0; 32]),
    );
    let mut told = Vec::new();
    for case in blocks(&text, "json") {
        let case: Case = serde_json::from_str(case).expect("a case");
        let outcome = run(&mut decoder, &case, Some("dfrobot-sen0601")).expect("it runs");
        assert!(outcome.problems.is_empty(), "{:?}", outcome.problems);
        told.extend(outcome.readings.into_iter().map(|r| r.kind));
    }
    let expected = ["water_leak", "battery", "battery", "temperature", "other"];
    assert_eq!(told, expected);
}

#[test]
fn the_json_schema_is_in_step_with_the_types() {
    in_step("configs/devices/profile.schema.json", &profile_schema());
}

#[test]
fn the_reference_page_is_in_step_with_the_types() {
    in_step("edge-agent/docs/profiles.md", &reference::page());
}

/// Why a document does not fit a schema: the part of JSON Schema that the generator uses.
fn misfit(schema: &Json, root: &Json, document: &Json) -> Option<String> {
    if let Some(name) = schema["$ref"].as_str() {
        let target = root
            .pointer(name.trim_start_matches('#'))
            .expect("a target");
        return misfit(target, root, document);
    }
    let list = |key: &str| schema[key].as_array().cloned().unwrap_or_default();
    for one in list("allOf") {
        if let Some(why) = misfit(&one, root, document) {
            return Some(why);
        }
    }
    for key in ["anyOf", "oneOf"] {
        let whys: Vec<_> = list(key)
            .iter()
            .map(|one| misfit(one, root, document))
            .collect();
        if !whys.is_empty() && whys.iter().all(Option::is_some) {
            return whys.into_iter().flatten().next();
        }
    }
    let types: Vec<&str> = match &schema["type"] {
        Json::String(name) => vec![name],
        Json::Array(names) => names.iter().filter_map(Json::as_str).collect(),
        _ => Vec::new(),
    };
    let is = match document {
        Json::Bool(_) => "boolean",
        Json::Number(number) if number.is_f64() => "number",
        Json::Number(_) => "integer",
        Json::String(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
        Json::Null => "null",
    };
    let fits = types.contains(&is) || (is == "integer" && types.contains(&"number"));
    if !types.is_empty() && !fits {
        return Some(format!("{document} is no {types:?}"));
    }
    let listed = list("enum");
    if !listed.is_empty() && !listed.contains(document)
        || schema.get("const").is_some_and(|wanted| wanted != document)
    {
        return Some(format!("{document} is not in the list"));
    }
    if let Some(items) = document.as_array() {
        return items
            .iter()
            .find_map(|item| misfit(&schema["items"], root, item));
    }
    let object = document.as_object()?;
    let missing = list("required")
        .into_iter()
        .find(|key| !object.contains_key(key.as_str().unwrap_or_default()));
    if let Some(key) = missing {
        return Some(format!("{key} is missing"));
    }
    object
        .iter()
        .find_map(|(key, value)| match schema["properties"].get(key) {
            Some(property) => misfit(property, root, value).map(|why| format!("{key}: {why}")),
            None if schema["additionalProperties"] == Json::Bool(false) => {
                Some(format!("`{key}` is not known"))
            }
            None => None,
        })
}

#[test]
fn shipped_profiles_fit_the_json_schema() {
    let schema: Json = serde_json::from_str(&profile_schema()).expect("JSON");
    for (path, text) in shipped() {
        let document: Json = toml::from_str(&text).expect("TOML");
        if let Some(why) = misfit(&schema, &schema, &document) {
            panic!("{path:?}: {why}");
        }
    }
    for (_, same) in ByteOrder::OTHER_NAMES {
        assert!(profile_schema().contains(&format!("\"const\": \"{same}\"")));
    }
    for (name, same) in ByteOrder::OTHER_NAMES {
        let read = |name: &str| serde_json::from_value::<ByteOrder>(Json::from(name)).expect(name);
        assert_eq!(read(name), read(same));
    }
    let typo = toml::from_str(
        "schema = 1\nid = \"a\"\nsource = \"b\"\nname = { zh = \"一\", en = \"a\" }\nmatch = { transport = \"mqtt\", topc = \"a\" }",
    );
    let why = misfit(&schema, &schema, &typo.expect("TOML"));
    assert_eq!(why.as_deref(), Some("match: `topc` is not known"));
}
