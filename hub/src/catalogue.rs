//! The catalogue of case categories: from an alert to the words and limits that people work with.
//!
//! Data, loaded once from a versioned file. Pure: choosing a category reads nothing but the alert.

use std::collections::BTreeSet;

use gridwatch_protocol::{Alert, DetectedBy, Kind, Severity, Text, Value};
use serde::Deserialize;

use crate::clocks::limits::LimitTable;
use crate::correlation::chatter;

/// Chosen by the hub when two detectors agree.
pub const FIRE_CONFIRMED: &str = "fire_confirmed";
/// The category of a single detector's fire alarm.
pub const FIRE_SUSPECTED: &str = "fire_suspected";
/// Chosen by the hub when a gateway sends no heartbeat.
pub const GATEWAY_OFFLINE: &str = "gateway_offline";
/// Chosen by the hub when a child hub sends no heartbeat.
pub const CHILD_HUB_SILENT: &str = "child_hub_silent";
/// Chosen by the hub when a point raises again and again.
pub const CHATTERING: &str = "chattering";
/// Chosen by the hub when false alarms of fire come too often from one site.
pub const FALSE_ALARMS_FREQUENT: &str = "false_alarms_frequent";
/// The category of water on roads and in yards.
pub const FLOODING: &str = "flooding";
/// Chosen by the hub when nothing fits.
pub const OTHER: &str = "other";

/// Alerts of one group from one building within minutes join one case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// Signs of fire.
    Fire,
}

/// A category.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Category {
    /// Its code, stable.
    pub code: String,
    /// Its name.
    pub name: Text,
    /// Its usual severity; orders categories when a case has alerts of several.
    pub severity: Severity,
    /// The standard or table of limits behind it.
    pub standard_ref: String,
    /// Which alerts it is for.
    #[serde(default, rename = "match")]
    pub matches: Vec<Match>,
    /// Which alerts its alerts join.
    #[serde(default)]
    pub group: Option<Group>,
    /// Whether its alerts keep to a case of their own category.
    #[serde(default)]
    pub separate: bool,
    /// Whether its alerts count as a detector that can confirm a fire.
    #[serde(default)]
    pub detector: bool,
    /// Whether no silence ever hides it.
    #[serde(default)]
    pub life_safety: bool,
    /// Code of the filing condition under which the hub files a P1 of it itself.
    #[serde(default)]
    pub files_itself: Option<String>,
    /// A word that categories of one kind of matter share.
    #[serde(default)]
    pub family: Option<String>,
    /// Whether cases of it in several places within a short time are one event.
    #[serde(default)]
    pub spreads: bool,
    /// A chattering point is released when it has been quiet for so many minutes.
    #[serde(default)]
    pub quiet_minutes: Option<u32>,
    /// 立案条件: one is chosen when a case is filed. Without any the officer writes a reason.
    #[serde(default)]
    pub filing: Vec<Condition>,
    /// 结案条件: at least one is ticked when a case is closed. Without any the officer writes a reason.
    #[serde(default)]
    pub closing: Vec<Condition>,
    /// 处理方式
    #[serde(default)]
    pub mode: Option<crate::cases::Mode>,
    /// Kind of the units whose duty it usually is.
    #[serde(default)]
    pub unit_kind: Option<String>,
    /// Evidence that the result must have.
    #[serde(default)]
    pub evidence: Vec<crate::cases::EvidenceKind>,
    /// Whether its files show people, as pictures of cameras do: who wants to see one says why.
    #[serde(default)]
    pub masked: bool,
    /// Whether the public may report it through Open311.
    #[serde(default)]
    pub public: bool,
}

/// A condition for filing or closing a case.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// Its code, stable; unique in its list.
    pub code: String,
    /// What it says.
    pub name: Text,
    /// Whether it can only be ticked when every alert of the case has cleared.
    #[serde(default)]
    pub alerts_cleared: bool,
}

/// What an alert must be like; absent fields fit everything.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Match {
    kinds: Vec<Kind>,
    rules: Vec<String>,
    labels: Vec<String>,
    by: Option<By>,
    evidence: Vec<Kind>,
    severity: Vec<Severity>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum By {
    Rule,
    Model,
}

/// The catalogue, checked.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// Version of the file.
    pub version: String,
    /// How long each step of a case may take; the shipped limits when left out.
    #[serde(default)]
    pub limits: LimitTable,
    #[serde(rename = "category")]
    categories: Vec<Category>,
}

impl Catalogue {
    /// Reads and checks the file's text.
    ///
    /// # Errors
    /// Every problem, one sentence each.
    pub fn parse(text: &str) -> Result<Self, Vec<String>> {
        let catalogue: Self = toml::from_str(text)
            .map_err(|error| vec![format!("categories: {}", error.to_string().trim_end())])?;
        let mut problems = Vec::new();
        let mut seen = BTreeSet::new();
        for category in &catalogue.categories {
            if !seen.insert(category.code.as_str()) {
                problems.push(format!("categories: code `{}` stands twice", category.code));
            }
            if category.matches.contains(&Match::default()) {
                problems.push(format!(
                    "categories: `{}` has an empty `match` entry, which fits everything",
                    category.code
                ));
            }
        }
        for category in &catalogue.categories {
            for (list, conditions) in [("filing", &category.filing), ("closing", &category.closing)]
            {
                let mut codes = BTreeSet::new();
                for condition in conditions.iter().filter(|c| !codes.insert(c.code.as_str())) {
                    problems.push(format!(
                        "categories: `{}` has the {list} condition `{}` twice",
                        category.code, condition.code
                    ));
                }
            }
        }
        for category in &catalogue.categories {
            if let Some(code) = &category.files_itself
                && !category.filing.iter().any(|c| c.code == *code)
            {
                problems.push(format!(
                    "categories: `files_itself` of `{}` names `{code}`, which is not one of its filing conditions",
                    category.code
                ));
            }
            if category.quiet_minutes == Some(0) {
                problems.push(format!(
                    "categories: `quiet_minutes` of `{}` is 0: a chattering point would never be latched",
                    category.code
                ));
            }
        }
        for needed in [FIRE_CONFIRMED, GATEWAY_OFFLINE, OTHER] {
            if !seen.contains(needed) {
                problems.push(format!(
                    "categories: `{needed}` is missing; the hub needs it"
                ));
            }
        }
        problems.extend(catalogue.limits.problems(|code| seen.contains(code)));
        if problems.is_empty() {
            Ok(catalogue)
        } else {
            Err(problems)
        }
    }

    /// Every category, in the order of the file.
    #[must_use]
    pub fn categories(&self) -> &[Category] {
        &self.categories
    }

    /// The category with this code.
    #[must_use]
    pub fn get(&self, code: &str) -> Option<&Category> {
        self.categories
            .iter()
            .find(|category| category.code == code)
    }

    /// A category's name; its code when a newer catalogue no longer has it.
    #[must_use]
    pub fn name(&self, code: &str) -> Text {
        self.get(code).map_or_else(
            || Text {
                zh: code.to_owned(),
                en: code.to_owned(),
            },
            |category| category.name.clone(),
        )
    }

    /// The category of an alert: the first that fits.
    #[must_use]
    pub fn choose(&self, alert: &Alert) -> &Category {
        self.categories
            .iter()
            .find(|category| category.matches.iter().any(|m| fits(m, alert)))
            .or_else(|| self.get(OTHER))
            .expect("parse has checked that `other` is there")
    }

    /// The more urgent of two categories; of equals the one that stands first in the file.
    #[must_use]
    pub fn more_urgent<'a>(&self, a: &'a str, b: &'a str) -> &'a str {
        let rank = |code: &str| {
            let place = self
                .categories
                .iter()
                .position(|category| category.code == code);
            place.map(|place| (self.categories[place].severity, place))
        };
        match (rank(a), rank(b)) {
            (Some(x), Some(y)) if y < x => b,
            (None, Some(_)) => b,
            _ => a,
        }
    }

    /// Time to acknowledge a case, in milliseconds.
    #[must_use]
    pub fn acknowledge_ms(&self, code: &str, severity: Severity) -> i64 {
        self.limits.of(code, severity).acknowledge.ms()
    }
}

impl Category {
    /// How long a chattering point must be quiet before it counts as news again, in milliseconds.
    #[must_use]
    pub fn quiet_ms(&self) -> i64 {
        self.quiet_minutes
            .map_or(chatter::QUIET_MS, |minutes| i64::from(minutes) * 60_000)
    }
}

fn fits(m: &Match, alert: &Alert) -> bool {
    let (by, rule) = match &alert.detected_by {
        DetectedBy::Rule { rule } => (By::Rule, Some(rule.as_str())),
        DetectedBy::Model { .. } => (By::Model, None),
    };
    let label_fits = |wanted: &String| {
        alert.evidence.iter().any(|reading| {
            matches!(&reading.value, Value::Text(text) if text.eq_ignore_ascii_case(wanted))
        })
    };
    (m.kinds.is_empty() || m.kinds.contains(&alert.kind))
        && (m.rules.is_empty() || rule.is_some_and(|rule| m.rules.iter().any(|p| glob(p, rule))))
        && (m.labels.is_empty() || m.labels.iter().any(label_fits))
        && m.by.is_none_or(|wanted| wanted == by)
        && (m.evidence.is_empty() || alert.evidence.iter().any(|r| m.evidence.contains(&r.kind)))
        && (m.severity.is_empty() || m.severity.contains(&alert.severity))
}

/// Whether `text` fits `pattern`, where `*` at either end stands for any text.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(_), Some(_)) if pattern.len() >= 2 => text.contains(&pattern[1..pattern.len() - 1]),
        (Some(end), _) => text.ends_with(end),
        (None, Some(start)) => text.starts_with(start),
        (None, None) => text == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::sample::{alert, by_model};

    fn shipped() -> Catalogue {
        Catalogue::parse(include_str!("../../configs/categories.toml")).expect("shipped file")
    }

    #[test]
    fn kinds_and_rules_lead_to_their_categories() {
        let catalogue = shipped();
        let check = |kind: Kind, rule: &str, severity: Severity, expected: &str| {
            let mut alert = alert(1, "d", kind);
            alert.detected_by = DetectedBy::Rule {
                rule: rule.to_owned(),
            };
            alert.severity = severity;
            assert_eq!(catalogue.choose(&alert).code, expected, "{kind} by {rule}");
        };
        check(Kind::Smoke, "smoke-alarm", Severity::P1, "fire_suspected");
        check(Kind::Smoke, "chatter", Severity::P4, "chattering");
        check(
            Kind::Smoke,
            "sensor-silent",
            Severity::P2,
            "sensor_silent_life_safety",
        );
        check(Kind::Temperature, "rate-of-rise", Severity::P2, "heat_rise");
        check(Kind::DoorForced, "door", Severity::P2, "door_forced");
        check(Kind::CameraObject, "zone", Severity::P2, "intrusion");
        check(
            Kind::Availability,
            "silence",
            Severity::P2,
            "sensor_silent_life_safety",
        );
        check(Kind::Availability, "silence", Severity::P4, "sensor_silent");
        check(Kind::AlarmTest, "test", Severity::P4, "other");
        assert_eq!(
            catalogue.choose(&by_model(2, "d", Kind::Occupancy)).code,
            "model_anomaly"
        );
        assert_eq!(
            catalogue.choose(&by_model(2, "d", Kind::Smoke)).code,
            "early_fire_sign"
        );
    }

    #[test]
    fn star_stands_for_any_text_at_either_end() {
        for (pattern, text, expected) in [
            ("*chatter*", "smoke-chatter-2", true),
            ("chatter", "chatter2", false),
            ("sensor*", "sensor-x", true),
            ("*silent", "very-silent", true),
            ("*", "anything", true),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn missing_and_doubled_codes_are_told() {
        let text = include_str!("../../configs/categories.toml")
            .replace("code = \"other\"", "code = \"tamper\"");
        let problems = Catalogue::parse(&text).unwrap_err().join("\n");
        assert!(problems.contains("`tamper` stands twice"), "{problems}");
        assert!(problems.contains("`other` is missing"), "{problems}");
    }
}
