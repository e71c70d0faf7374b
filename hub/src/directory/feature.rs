//! Outlines of areas as a GeoJSON FeatureCollection (RFC 7946): one feature for each area, its code in the
//! property `code`.
//!
//! Positions are `[longitude, latitude]` in WGS84; a feature with the property `datum` = `gcj02` is
//! converted.

use geojson::Feature;
use gridwatch_protocol::Text;
use serde_json::{Value, json};

use super::contents::{AreaOutline, Entry};
use super::finding::{Finding, Table};
use super::outline::Outline;
use super::read;
use super::rows::Datum;

/// Reads outlines; a feature that cannot be read is left out and told.
pub fn read(bytes: &[u8], findings: &mut Vec<Finding>) -> Vec<Entry<AreaOutline>> {
    json(Table::Outlines, bytes, findings)
        .map_or_else(Vec::new, |whole| from_value(whole, findings))
}

/// Reads outlines out of JSON that was read.
pub fn from_value(whole: Value, findings: &mut Vec<Finding>) -> Vec<Entry<AreaOutline>> {
    features(Table::Outlines, whole, feature, findings)
}

/// The JSON of a file, with or without a byte order mark.
pub(super) fn json(table: Table, bytes: &[u8], findings: &mut Vec<Finding>) -> Option<Value> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let tell = |why: serde_json::Error| {
        let remedy = "give a GeoJSON FeatureCollection in UTF-8";
        findings.push(Finding::error(table, why.to_string(), remedy));
    };
    serde_json::from_slice(bytes).map_err(tell).ok()
}

/// What is wrong with a feature, and what to do.
pub(super) type Wrong = (String, &'static str);

/// The features of a collection as rows, each read by itself.
pub(super) fn features<T>(
    table: Table,
    mut whole: Value,
    read_one: fn(Value) -> Result<T, Wrong>,
    findings: &mut Vec<Finding>,
) -> Vec<Entry<T>> {
    let is_collection = whole["type"] == "FeatureCollection";
    let features = match whole.get_mut("features") {
        Some(Value::Array(features)) if is_collection => std::mem::take(features),
        _ => {
            let message = "this is not a GeoJSON FeatureCollection";
            let remedy = "give {\"type\": \"FeatureCollection\", \"features\": […]}";
            findings.push(Finding::error(table, message, remedy));
            return Vec::new();
        }
    };
    if read::too_many(table, features.len(), findings) {
        return Vec::new();
    }
    let read = (1..).zip(features).filter_map(|(at, feature)| {
        let code = feature["properties"]["code"].as_str().map(str::to_owned);
        match read_one(feature) {
            Ok(row) => Some(Entry { at: Some(at), row }),
            Err((message, remedy)) => {
                let finding = Finding::error(table, message, remedy);
                findings.push(finding.at(Some(at), code.unwrap_or_default()));
                None
            }
        }
    });
    read.collect()
}

fn feature(value: Value) -> Result<AreaOutline, Wrong> {
    let feature = parsed(value)?;
    let code = feature
        .property("code")
        .and_then(Value::as_str)
        .ok_or_else(|| {
            (
                "the feature has no property `code`".to_owned(),
                "give the code of the area as a text",
            )
        })?;
    Ok(AreaOutline {
        code: code.to_owned(),
        outline: outline(&feature)?,
    })
}

pub(super) fn parsed(value: Value) -> Result<Feature, Wrong> {
    serde_json::from_value(value).map_err(|why| (why.to_string(), "give a GeoJSON Feature"))
}

/// The shape of a feature, in the coordinates that its property `datum` names.
pub(super) fn outline(feature: &Feature) -> Result<Outline, Wrong> {
    let datum = match feature.property("datum").and_then(Value::as_str) {
        None => Datum::Wgs84,
        Some(name) => Datum::from_name(name).ok_or((
            format!("`{name}` is not a datum"),
            "write wgs84 or gcj02, or leave it out",
        ))?,
    };
    let geometry = feature
        .geometry
        .as_ref()
        .ok_or(("the feature has no geometry".to_owned(), "draw its outline"))?;
    Outline::from_geometry(geometry, datum).map_err(|why| (why, ""))
}

/// The outlines as a FeatureCollection, with the names of the areas where they are known.
#[must_use]
pub fn write<'a>(rows: impl Iterator<Item = (&'a AreaOutline, Option<&'a Text>)>) -> Value {
    let features: Vec<Value> = rows
        .map(|(row, name)| {
            json!({
                "type": "Feature",
                "properties": {
                    "code": row.code,
                    "datum": row.outline.datum,
                    "name": name,
                },
                "geometry": row.outline.to_geojson(),
            })
        })
        .collect();
    json!({ "type": "FeatureCollection", "features": features })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bad_feature_is_told_with_its_number_and_code() {
        let square = json!({"type": "Polygon", "coordinates": [[[0,0],[1,0],[1,1],[0,0]]]});
        let whole = json!({"type": "FeatureCollection", "features": [
            {"type": "Feature", "properties": {"code": "a"}, "geometry": square},
            {"type": "Feature", "properties": {}, "geometry": square},
            {"type": "Feature", "properties": {"code": "c"}, "geometry": null},
            {"type": "Feature", "properties": {"code": "d", "datum": "bd09"}, "geometry": square},
            {"type": "Feature", "properties": {"code": "e"}, "geometry": {"type": "Polygon", "coordinates": "x"}},
            7,
        ]});
        let mut findings = Vec::new();
        let rows = from_value(whole, &mut findings);
        assert_eq!(rows.len(), 1);
        let told: Vec<String> = findings.iter().map(ToString::to_string).collect();
        let told = told.join("\n");
        for expected in [
            "outlines row 2: the feature has no property `code`",
            "outlines row 3 `c`: the feature has no geometry",
            "outlines row 4 `d`: `bd09` is not a datum",
            "outlines row 5 `e`",
            "outlines row 6",
        ] {
            assert!(told.contains(expected), "{expected} is not in:\n{told}");
        }
    }

    #[test]
    fn something_else_is_told() {
        for bytes in [
            "",
            "[]",
            "{\"type\":\"Feature\"}",
            "{\"type\":\"FeatureCollection\",\"features\":1}",
        ] {
            let mut findings = Vec::new();
            assert!(read(bytes.as_bytes(), &mut findings).is_empty());
            assert_eq!(findings.len(), 1, "{bytes}");
        }
    }
}
