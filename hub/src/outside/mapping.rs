//! From the labels of a foreign alert to site, category and place. Pure.
//!
//! A label that says it outright wins over every rule: `site` and `category` when the hub knows them,
//! `kind`, `building`, `unit`, `floor`, `room`. Then, field by field, the first rule whose `when` fits. Only
//! the severity is the other way round: a rule knows better than the sender what is urgent here. What
//! is left open stays open: the alert is taken all the same.

use std::collections::BTreeMap;

use gridwatch_protocol::{Kind, Place, Severity, SiteId};
use serde::Deserialize;

use crate::catalogue::Catalogue;
use crate::directory::Directory;

/// Labels of a foreign alert.
pub type Labels = BTreeMap<String, String>;

/// What a set of labels stands for.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rule {
    /// Labels that must all be there and fit; `*` at either end of a value stands for any text.
    pub when: BTreeMap<String, String>,
    /// Id of the site.
    pub site: Option<String>,
    /// Code of the category.
    pub category: Option<String>,
    /// What the alert is about.
    pub kind: Option<Kind>,
    /// How urgent it is.
    pub severity: Option<Severity>,
    /// Where in the site.
    pub place: Place,
}

/// What labels came to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Mapped {
    /// The site, known or not.
    pub site: Option<SiteId>,
    /// The category, one that the catalogue has.
    pub category: Option<String>,
    /// What the alert is about.
    pub kind: Option<Kind>,
    /// How urgent it is, if a label or rule says so.
    pub severity: Option<Severity>,
    /// Where in the site.
    pub place: Place,
}

impl Rule {
    /// What is wrong with it, one sentence each.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.when.is_empty() {
            problems.push("it has no `when`, so it would fit everything".to_owned());
        }
        let says = self.site.is_some()
            || self.category.is_some()
            || self.kind.is_some()
            || self.severity.is_some()
            || !self.place.is_empty();
        if !says {
            problems
                .push("it says nothing: give site, category, kind, severity or place".to_owned());
        }
        if let Some(Err(error)) = self.site.as_ref().map(SiteId::new) {
            problems.push(error.to_string());
        }
        problems
    }

    fn fits(&self, labels: &Labels) -> bool {
        self.when.iter().all(|(name, pattern)| {
            let value = labels.get(name);
            value.is_some_and(|value| crate::catalogue::glob(pattern, value))
        })
    }
}

/// What these labels stand for.
#[must_use]
pub fn map(
    rules: &[Rule],
    labels: &Labels,
    catalogue: &Catalogue,
    directory: &Directory,
) -> Mapped {
    let fitting: Vec<&Rule> = rules.iter().filter(|rule| rule.fits(labels)).collect();
    let label = |name: &str| {
        labels
            .get(name)
            .map(|text| text.trim())
            .filter(|text| !text.is_empty())
    };
    let said = |name: &str, of: fn(&Rule) -> Option<&String>| {
        let by_rule = fitting.iter().find_map(|rule| of(rule));
        label(name)
            .or(by_rule.map(String::as_str))
            .map(str::to_owned)
    };
    // A site that is only named by a label must be a known one to win over a rule.
    let own_site = label("site").and_then(|site| SiteId::new(site).ok());
    let known = own_site
        .clone()
        .filter(|site| directory.site(site).is_some());
    let by_rule = fitting.iter().find_map(|rule| rule.site.as_ref());
    let by_rule = by_rule.and_then(|site| SiteId::new(site.as_str()).ok());
    let has = |code: &&str| catalogue.get(code).is_some();
    let by_rules = || {
        fitting
            .iter()
            .find_map(|rule| rule.category.as_deref().filter(has))
    };
    Mapped {
        site: known.or(by_rule).or(own_site),
        category: label("category")
            .filter(has)
            .or_else(by_rules)
            .map(str::to_owned),
        kind: label("kind")
            .and_then(Kind::from_name)
            .or_else(|| fitting.iter().find_map(|rule| rule.kind)),
        severity: fitting
            .iter()
            .find_map(|rule| rule.severity)
            .or_else(|| label("severity").and_then(severity)),
        place: Place {
            building: said("building", |rule| rule.place.building.as_ref()),
            unit: said("unit", |rule| rule.place.unit.as_ref()),
            floor: said("floor", |rule| rule.place.floor.as_ref()),
            room: said("room", |rule| rule.place.room.as_ref()),
        },
    }
}

/// The words that systems in use have for how urgent something is; PagerDuty has the first of each line.
#[must_use]
pub fn severity(word: &str) -> Option<Severity> {
    Some(match word.trim().to_ascii_lowercase().as_str() {
        "critical" | "p1" | "emergency" | "disaster" | "page" => Severity::P1,
        "error" | "p2" | "major" | "high" => Severity::P2,
        "warning" | "p3" | "warn" | "minor" | "medium" | "average" => Severity::P3,
        "info" | "p4" | "none" | "low" | "informational" | "notice" => Severity::P4,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::sample::Shipped;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        pairs.iter().map(owned).collect()
    }

    fn mapped(rules: &str, pairs: &[(&str, &str)]) -> Mapped {
        #[derive(Deserialize)]
        struct File {
            rules: Vec<Rule>,
        }
        let rules: File = toml::from_str(rules).unwrap();
        let shipped = Shipped::load();
        map(
            &rules.rules,
            &labels(pairs),
            &shipped.catalogue,
            &shipped.directory,
        )
    }

    const RULES: &str = r#"
        [[rules]]
        when = { alertname = "Camera*", team = "video" }
        category = "video_abnormal"
        kind = "video_loss"
        severity = "P3"
        [[rules]]
        when = { instance = "*.garden" }
        site = "xinghe-garden"
        category = "other"
        place = { building = "3" }
    "#;

    #[test]
    fn first_rule_that_fits_wins_field_by_field() {
        let found = mapped(
            RULES,
            &[
                ("alertname", "CameraDown"),
                ("team", "video"),
                ("instance", "cam7.garden"),
            ],
        );
        assert_eq!(found.category.as_deref(), Some("video_abnormal"));
        assert_eq!(found.site.unwrap().as_str(), "xinghe-garden");
        assert_eq!(found.kind, Some(Kind::VideoLoss));
        assert_eq!(found.severity, Some(Severity::P3));
        assert_eq!(found.place.building.as_deref(), Some("3"));
        let none = mapped(RULES, &[("alertname", "CameraDown")]);
        assert_eq!(none, Mapped::default());
    }

    #[test]
    fn label_that_says_it_wins_and_unknown_names_are_kept_or_left_open() {
        let found = mapped(
            RULES,
            &[
                ("instance", "x.garden"),
                ("site", "far-away"),
                ("category", "no_such"),
                ("building", "9"),
                ("severity", "critical"),
            ],
        );
        assert_eq!(found.site.unwrap().as_str(), "xinghe-garden");
        assert_eq!(found.category.as_deref(), Some("other"));
        assert_eq!(found.place.building.as_deref(), Some("9"));
        assert_eq!(found.severity, Some(Severity::P1));
        let unknown = mapped(
            "rules = []",
            &[("site", "far-away"), ("category", "tamper")],
        );
        assert_eq!(unknown.site.unwrap().as_str(), "far-away");
        assert_eq!(unknown.category.as_deref(), Some("tamper"));
        assert_eq!(mapped("rules = []", &[("site", "not an id")]).site, None);
    }
}
