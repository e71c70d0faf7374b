//! Bodies shaped like Alertmanager's webhook, version 4: one signal for each alert in them. Pure.
//!
//! Source: the public description of Alertmanager's `webhook_config`. An alert is known by its
//! `fingerprint`; without one, by its labels. One bad alert never takes the others down with it.

use gridwatch_protocol::{Severity, Timestamp};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::episode::{Signal, What};
use super::mapping::{self, Labels};

/// Longest body, in bytes.
pub const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Alerts in one body; `max_alerts` of Alertmanager's receiver keeps below it.
pub const ALERTS_MAX: usize = 2_000;
/// Labels and annotations taken out of one alert.
const LABELS_MAX: usize = 64;
/// Longest fingerprint that is taken as it is, in bytes; Alertmanager's have 16.
const KEY_BYTES_MAX: usize = 200;
/// A time before this was not set: Alertmanager writes the year 1.
const SET_SINCE_MS: i64 = 0;

/// A body, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its alerts.
    pub signals: Vec<Signal>,
    /// Alerts that could not be read: place and reason.
    pub refused: Vec<String>,
    /// Alerts that the sender left out.
    pub truncated: u64,
}

/// Reads a body.
///
/// # Errors
/// What is wrong with it as a whole.
pub fn read(body: &[u8]) -> Result<Group, String> {
    let json: Value =
        serde_json::from_slice(body).map_err(|error| format!("the body is not JSON: {error}"))?;
    let version = json.get("version").and_then(Value::as_str);
    if version != Some("4") {
        return Err("`version` must be \"4\", that of Alertmanager's webhook".to_owned());
    }
    let Some(alerts) = json.get("alerts").and_then(Value::as_array) else {
        return Err("`alerts` must be a list".to_owned());
    };
    if alerts.len() > ALERTS_MAX {
        return Err(format!(
            "the body has {} alerts, at most {ALERTS_MAX} are taken: set `max_alerts` of the receiver",
            alerts.len()
        ));
    }
    let mut group = Group {
        signals: Vec::with_capacity(alerts.len()),
        refused: Vec::new(),
        truncated: json
            .get("truncatedAlerts")
            .and_then(Value::as_u64)
            .unwrap_or(0),
    };
    for (place, alert) in alerts.iter().enumerate() {
        match signal(alert) {
            Ok(signal) => group.signals.push(signal),
            Err(reason) => group.refused.push(format!("alerts[{place}]: {reason}")),
        }
    }
    Ok(group)
}

fn signal(alert: &Value) -> Result<Signal, String> {
    let labels = texts(alert.get("labels"));
    if labels.is_empty() {
        return Err("`labels` must be an object with at least one text".to_owned());
    }
    let annotations = texts(alert.get("annotations"));
    let since = time(alert.get("startsAt"));
    let what = match alert.get("status").and_then(Value::as_str) {
        Some("firing") => What::Firing { since },
        Some("resolved") => What::Resolved {
            since,
            until: time(alert.get("endsAt")),
            tells_all: true,
        },
        _ => return Err("`status` must be `firing` or `resolved`".to_owned()),
    };
    let given = alert.get("fingerprint").and_then(Value::as_str);
    let fits = |key: &&str| (1..=KEY_BYTES_MAX).contains(&key.len());
    let key = given.map(str::trim).filter(fits);
    let name = labels.get("alertname").cloned();
    let word = |name: &str| {
        annotations
            .get(name)
            .filter(|text| !text.is_empty())
            .cloned()
    };
    let summary = word("summary")
        .or_else(|| word("description"))
        .or_else(|| name.clone());
    Ok(Signal {
        key: key.map_or_else(|| fingerprint(&labels), str::to_owned),
        what,
        severity: labels
            .get("severity")
            .and_then(|word| mapping::severity(word))
            .unwrap_or(Severity::P3),
        summary: summary.unwrap_or_else(|| "alert".to_owned()),
        rule: name.unwrap_or_else(|| "alertmanager".to_owned()),
        labels: with_annotations(labels, annotations, alert),
    })
}

/// What is told beside the labels, under names that no label has.
fn with_annotations(mut labels: Labels, annotations: Labels, alert: &Value) -> Labels {
    let told = annotations
        .into_iter()
        .map(|(name, value)| (format!("annotation:{name}"), value));
    let url = alert.get("generatorURL").and_then(Value::as_str);
    let url = url.map(|url| ("generatorURL".to_owned(), url.to_owned()));
    for (name, value) in told.chain(url) {
        if labels.len() < LABELS_MAX {
            labels.entry(name).or_insert(value);
        }
    }
    labels
}

fn texts(value: Option<&Value>) -> Labels {
    let Some(Value::Object(map)) = value else {
        return Labels::new();
    };
    map.iter()
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .take(LABELS_MAX)
        .collect()
}

fn time(value: Option<&Value>) -> Option<Timestamp> {
    let at: Timestamp = value?.as_str()?.parse().ok()?;
    (at.unix_ms() > SET_SINCE_MS).then_some(at)
}

/// Labels alone make an alert of Alertmanager what it is.
fn fingerprint(labels: &Labels) -> String {
    let json = serde_json::to_vec(labels).expect("texts have a JSON form");
    hex::encode(Sha256::digest(json))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn alert(status: &str) -> Value {
        json!({
            "status": status,
            "labels": { "alertname": "CameraDown", "severity": "warning", "site": "xinghe-garden" },
            "annotations": { "summary": "camera 7 is down" },
            "startsAt": "2026-11-22T03:00:00Z",
            "endsAt": if status == "firing" { "0001-01-01T00:00:00Z" } else { "2026-11-22T03:10:00Z" },
            "generatorURL": "http://prometheus/graph",
            "fingerprint": "c1f2",
        })
    }

    fn body(alerts: &[Value]) -> Vec<u8> {
        json!({ "version": "4", "groupKey": "{}:{}", "status": "firing", "alerts": alerts, "truncatedAlerts": 2 })
            .to_string()
            .into_bytes()
    }

    #[test]
    fn firing_and_resolved_become_signals_of_one_key() {
        let group = read(&body(&[alert("firing"), alert("resolved")])).unwrap();
        assert_eq!((group.truncated, group.refused.len()), (2, 0));
        let [firing, resolved] = &group.signals[..] else {
            panic!("{group:?}");
        };
        assert_eq!(
            (firing.key.as_str(), resolved.key.as_str()),
            ("c1f2", "c1f2")
        );
        let since = "2026-11-22T03:00:00Z".parse().ok();
        assert_eq!(firing.what, What::Firing { since });
        assert_eq!(firing.severity, Severity::P3);
        assert_eq!(firing.summary, "camera 7 is down");
        let until = "2026-11-22T03:10:00Z".parse().ok();
        let ended = What::Resolved {
            since,
            until,
            tells_all: true,
        };
        assert_eq!(resolved.what, ended);
        assert!(firing.labels.contains_key("annotation:summary"));
    }

    #[test]
    fn one_bad_alert_is_told_and_the_others_are_taken() {
        let mut nameless = alert("firing");
        nameless["labels"] = json!({});
        let mut odd = alert("odd");
        odd["fingerprint"] = json!("");
        let group = read(&body(&[nameless, alert("firing"), odd, json!(7)])).unwrap();
        assert_eq!(group.signals.len(), 1);
        let told = group.refused.join("\n");
        for place in ["alerts[0]", "alerts[2]", "alerts[3]"] {
            assert!(told.contains(place), "{told}");
        }
    }

    #[test]
    fn other_versions_other_shapes_and_too_many_alerts_are_refused() {
        assert!(read(b"[]").is_err());
        assert!(
            read(b"{\"version\":\"3\",\"alerts\":[]}")
                .unwrap_err()
                .contains("\"4\"")
        );
        assert!(
            read(b"{\"version\":\"4\",\"alerts\":{}}")
                .unwrap_err()
                .contains("list")
        );
        let many = vec![json!({}); ALERTS_MAX + 1];
        assert!(read(&body(&many)).unwrap_err().contains("max_alerts"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..400)) {
            if let Ok(group) = read(&body) {
                prop_assert!(group.signals.len() + group.refused.len() <= ALERTS_MAX);
            }
        }

        #[test]
        fn any_words_in_an_alert_are_read_or_refused(status in ".{0,10}", starts in ".{0,30}", name in ".{0,20}") {
            let alert = json!({ "status": status, "labels": { name: starts.clone() }, "startsAt": starts });
            prop_assert!(read(&body(&[alert])).is_ok());
        }
    }
}
