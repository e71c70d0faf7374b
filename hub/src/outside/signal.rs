//! A foreign system's alert as an alert of Gridwatch. Pure.

use gridwatch_protocol::{
    Alert, AlertId, ClockQuality, DetectedBy, DeviceId, EVIDENCE_MAX, GatewayId, Kind, Phase,
    Quality, Reading, SiteId, Text, Timestamp, Value,
};
use sha2::{Digest, Sha256};

use super::episode::{Signal, What};
use super::mapping::{self, Mapped, Rule};
use super::place;
use crate::catalogue::Catalogue;
use crate::directory::Directory;

/// A text of a foreign system is cut after this many characters.
const TEXT_CHARACTERS_MAX: usize = 1_000;
/// A label's value in the evidence is cut after this many characters.
const LABEL_CHARACTERS_MAX: usize = 500;

/// What a key's alerts go by.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// Rules for labels.
    pub rules: &'a [Rule],
    /// The categories.
    pub catalogue: &'a Catalogue,
    /// Areas and sites.
    pub directory: &'a Directory,
    /// The area that the key is for.
    pub area: Option<&'a str>,
}

/// A new alert, raised, and the category that its labels chose.
#[must_use]
pub fn raise(
    signal: &Signal,
    id: AlertId,
    terms: Terms<'_>,
    now: Timestamp,
) -> (Alert, Option<String>) {
    let mapped = mapping::map(
        terms.rules,
        &signal.labels,
        terms.catalogue,
        terms.directory,
    );
    let (site, refused) = site_of(&mapped, terms);
    let known = terms.directory.site(&site).is_some() && mapped.category.is_some();
    let device = device_of(&signal.key);
    let since = match signal.what {
        What::Firing { since } | What::Resolved { since, .. } => since,
        What::Acknowledged => None,
    };
    let mut evidence = evidence(signal, &device, now);
    if let Some(refused) = refused {
        let text = format!("site={refused} is outside the area of the key");
        evidence.insert(0, note(&device, text, now));
        evidence.truncate(EVIDENCE_MAX);
    }
    let alert = Alert {
        id,
        revision: 0,
        phase: Phase::Raised,
        sequence: None,
        boot_epoch: 0,
        kind: mapped.kind.unwrap_or(Kind::Other),
        severity: mapped.severity.unwrap_or(signal.severity),
        device,
        // Unknown site or category: taken, and flagged for somebody to look at.
        device_known: known,
        site,
        place: mapped.place,
        raised_at: since.map_or(now, |since| since.min(now)),
        at: now,
        clock: ClockQuality::Plausible,
        detected_by: DetectedBy::Rule {
            rule: plain(&signal.rule, LABEL_CHARACTERS_MAX),
        },
        score: None,
        reason: reason(&signal.summary),
        evidence,
        source_event: Some(plain(&signal.key, LABEL_CHARACTERS_MAX)),
        is_test: false,
    };
    (alert, mapped.category)
}

/// The next message about an alert, as the signal changes it.
#[must_use]
pub fn follow(before: &Alert, signal: &Signal, terms: Terms<'_>, now: Timestamp) -> Alert {
    let mut alert = before.clone();
    alert.revision += 1;
    alert.at = now;
    alert.phase = Phase::Updated;
    match signal.what {
        What::Firing { .. } => {
            let mapped = mapping::map(
                terms.rules,
                &signal.labels,
                terms.catalogue,
                terms.directory,
            );
            let severity = mapped.severity.unwrap_or(signal.severity);
            alert.severity = severity.most_urgent(before.severity);
            alert.reason = reason(&signal.summary);
        }
        What::Resolved { .. } => {
            alert.phase = Phase::Cleared;
            alert.reason = Text {
                zh: "来源系统报告已恢复".to_owned(),
                en: "the system that sent it says that it is over".to_owned(),
            };
        }
        What::Acknowledged => {
            alert.reason = Text {
                zh: format!("{}（来源系统报告：对方有人在处理）", before.reason.zh),
                en: format!(
                    "{} (the system that sent it says that somebody there works on it)",
                    before.reason.en
                ),
            };
        }
    }
    alert
}

/// The severity that a signal has here.
#[must_use]
pub fn severity(signal: &Signal, terms: Terms<'_>) -> gridwatch_protocol::Severity {
    let mapped = mapping::map(
        terms.rules,
        &signal.labels,
        terms.catalogue,
        terms.directory,
    );
    mapped.severity.unwrap_or(signal.severity)
}

/// The site, and the one that was named and lies outside the key's area.
fn site_of(mapped: &Mapped, terms: Terms<'_>) -> (SiteId, Option<SiteId>) {
    let own = || place::locate(terms.directory, None, terms.area, None, None);
    let Some(site) = mapped.site.clone() else {
        return (own(), None);
    };
    let allowed = terms.area.is_none_or(|area| {
        let area = terms.directory.area_path(area);
        !area.is_empty() && terms.directory.site_path(&site).starts_with(&area)
    });
    if allowed {
        (site, None)
    } else {
        (own(), Some(site))
    }
}

/// The device that a foreign alert stands for: its own key, so that one key is one open case.
fn device_of(key: &str) -> DeviceId {
    DeviceId::new(plain(key, usize::MAX)).unwrap_or_else(|_| {
        let hash = hex::encode(Sha256::digest(key));
        DeviceId::new(format!("sha256:{hash}")).expect("hexadecimal digits are an id")
    })
}

fn evidence(signal: &Signal, device: &DeviceId, now: Timestamp) -> Vec<Reading> {
    signal
        .labels
        .iter()
        .take(EVIDENCE_MAX)
        .map(|(name, value)| {
            let text = format!(
                "{}={}",
                plain(name, LABEL_CHARACTERS_MAX),
                plain(value, LABEL_CHARACTERS_MAX)
            );
            note(device, text, now)
        })
        .collect()
}

fn note(device: &DeviceId, text: String, now: Timestamp) -> Reading {
    Reading {
        device: device.clone(),
        kind: Kind::Other,
        value: Value::Text(text),
        unit: None,
        quality: Quality::Good,
        at: now,
        received_at: now,
        source_event: None,
        retained: false,
        is_test: false,
    }
}

fn reason(summary: &str) -> Text {
    let text = plain(summary, TEXT_CHARACTERS_MAX);
    Text {
        zh: text.clone(),
        en: text,
    }
}

/// One line without control characters, cut to a bearable length.
fn plain(text: &str, characters: usize) -> String {
    text.chars()
        .take(characters)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// The virtual gateway of a key.
///
/// # Panics
/// Never: names of keys have at most 40 characters that ids of gateways may have.
#[must_use]
pub fn gateway(key: &str) -> GatewayId {
    GatewayId::new(format!("outside.{key}")).expect("names of keys are checked when they are added")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::sample::{START_MS, Shipped};
    use crate::outside::mapping::Labels;
    use gridwatch_protocol::Severity;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn now() -> Timestamp {
        Timestamp::from_unix_ms(START_MS)
    }

    fn signal(key: &str, labels: &[(&str, &str)]) -> Signal {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Signal {
            key: key.to_owned(),
            what: What::Firing { since: None },
            severity: Severity::P2,
            summary: "a\nb".into(),
            rule: "CameraDown".into(),
            labels: labels.iter().map(owned).collect::<Labels>(),
        }
    }

    fn raised(signal: &Signal, area: Option<&str>) -> (Alert, Option<String>) {
        let shipped = Shipped::load();
        let terms = Terms {
            rules: &[],
            catalogue: &shipped.catalogue,
            directory: &shipped.directory,
            area,
        };
        raise(signal, AlertId(Uuid::nil()), terms, now())
    }

    #[test]
    fn unknown_labels_become_evidence_and_unknown_places_are_flagged() {
        let (alert, category) = raised(&signal("k", &[("pod", "x-1"), ("site", "far")]), None);
        assert_eq!(alert.site.as_str(), "far");
        assert!(!alert.device_known);
        assert_eq!(category, None);
        assert_eq!(alert.reason.en, "a b");
        let texts: Vec<String> = alert
            .evidence
            .iter()
            .map(|reading| serde_json::to_string(&reading.value).unwrap())
            .collect();
        assert_eq!(texts, ["\"pod=x-1\"", "\"site=far\""]);
    }

    #[test]
    fn key_of_an_area_never_speaks_for_a_site_elsewhere() {
        let named = signal("k", &[("site", "xinghe-garden"), ("category", "tamper")]);
        let (own, category) = raised(&named, Some("990101001"));
        assert_eq!(own.site.as_str(), "xinghe-garden");
        assert!(own.device_known);
        assert_eq!(category.as_deref(), Some("tamper"));
        let (other, _) = raised(&named, Some("990101001001002"));
        assert_eq!(other.site.as_str(), "990101001001002");
        assert!(!other.device_known);
        let (gone, _) = raised(&named, Some("77"));
        assert_ne!(gone.site.as_str(), "xinghe-garden");
    }

    proptest! {
        #[test]
        fn any_key_and_any_label_make_an_alert_that_can_be_stored(key in ".{1,300}", name in ".{0,80}", value in ".{0,600}") {
            let (alert, _) = raised(&signal(&key, &[(&name, &value)]), None);
            let text = serde_json::to_string(&alert).unwrap();
            let back: Alert = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(back, alert);
        }
    }
}
