//! Risk areas as a GeoJSON FeatureCollection (RFC 7946): one feature for each, `Polygon` or `MultiPolygon`.
//!
//! Properties: `code`, `domain` (see [`Domain`]), `name` as `{"zh": …, "en": …}` or as `name_zh` and `name_en`
//! (the Chinese one stands for the English one when that is left out), `area`, and `datum` as outlines have it.

use gridwatch_protocol::Text;
use serde_json::{Value, json};

use super::contents::{Entry, RiskArea};
use super::feature::{self, Wrong};
use super::finding::{Finding, Table};
use super::rows::Domain;

/// Reads risk areas; a feature that cannot be read is left out and told.
pub fn read(bytes: &[u8], findings: &mut Vec<Finding>) -> Vec<Entry<RiskArea>> {
    feature::json(Table::RiskAreas, bytes, findings)
        .map_or_else(Vec::new, |whole| from_value(whole, findings))
}

/// Reads risk areas out of JSON that was read.
pub fn from_value(whole: Value, findings: &mut Vec<Finding>) -> Vec<Entry<RiskArea>> {
    feature::features(Table::RiskAreas, whole, risk_area, findings)
}

fn risk_area(value: Value) -> Result<RiskArea, Wrong> {
    let feature = feature::parsed(value)?;
    let text = |name: &str| feature.property(name).and_then(Value::as_str);
    let needed = |name: &str, remedy| {
        let found = text(name).map(str::to_owned);
        found.ok_or_else(|| (format!("the feature has no property `{name}`"), remedy))
    };
    let code = needed("code", "give it a code that lasts, as a text")?;
    let domain = needed("domain", DOMAINS)?;
    let domain = Domain::from_name(&domain)
        .ok_or_else(|| (format!("`{domain}` is not a domain of risk"), DOMAINS))?;
    let whole = feature.property("name");
    let of = |language: &str| {
        let inner = whole.and_then(|name| name[language].as_str());
        inner.or_else(|| text(&format!("name_{language}")))
    };
    let zh = of("zh").or_else(|| whole.and_then(Value::as_str));
    let zh = zh.ok_or_else(|| {
        let message = "the feature has no Chinese name".to_owned();
        (message, "give `name_zh`, or `name` with `zh` and `en`")
    })?;
    let name = Text {
        zh: zh.to_owned(),
        en: of("en").unwrap_or(zh).to_owned(),
    };
    Ok(RiskArea {
        code,
        domain,
        name,
        area: needed("area", "give the code of the area that it belongs to")?,
        outline: feature::outline(&feature)?,
    })
}

const DOMAINS: &str = "write fire, flood, chemical, structure, crowd or other";

/// The risk areas as a FeatureCollection.
#[must_use]
pub fn write<'a>(rows: impl Iterator<Item = &'a RiskArea>) -> Value {
    let feature = |row: &RiskArea| {
        json!({
            "type": "Feature",
            "properties": {
                "code": row.code,
                "domain": row.domain,
                "name": row.name,
                "area": row.area,
                "datum": row.outline.datum,
            },
            "geometry": row.outline.to_geojson(),
        })
    };
    let features: Vec<Value> = rows.map(feature).collect();
    json!({ "type": "FeatureCollection", "features": features })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bad_risk_area_is_told_with_its_number_and_code() {
        let square = json!({"type": "Polygon", "coordinates": [[[0,0],[1,0],[1,1],[0,0]]]});
        let one = |properties: Value| json!({"type": "Feature", "properties": properties, "geometry": square});
        let whole = json!({"type": "FeatureCollection", "features": [
            one(json!({"code": "low", "domain": "flood", "name_zh": "低洼", "area": "1"})),
            one(json!({"code": "b", "domain": "lava", "name_zh": "乙", "area": "1"})),
            one(json!({"code": "c", "domain": "fire", "area": "1"})),
            one(json!({"code": "d", "domain": "fire", "name_zh": "丁"})),
            {"type": "Feature", "properties": {"code": "e", "domain": "fire", "name_zh": "戊", "area": "1"}, "geometry": null},
        ]});
        let mut findings = Vec::new();
        let rows = from_value(whole, &mut findings);
        assert_eq!((rows.len(), rows[0].row.name.en.as_str()), (1, "低洼"));
        let told: Vec<String> = findings.iter().map(ToString::to_string).collect();
        let told = told.join("\n");
        for expected in [
            "`lava`",
            "no Chinese name",
            "no property `area`",
            "no geometry",
        ] {
            assert!(told.contains(expected), "{expected} is not in:\n{told}");
        }
        assert!(
            told.contains("row 2") && told.contains("structure, crowd"),
            "{told}"
        );
    }
}
