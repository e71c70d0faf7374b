//! From what rules and supervision find to alert messages: opening, holding and closing episodes.

use std::collections::BTreeMap;

use gridwatch_protocol::{Alert, DetectedBy, DeviceId, Kind, Phase, Reading, Severity, Text};

use super::chatter::Held;
use super::rule::Edge;
use super::{
    CHATTER_RULE, Detector, EpisodeChange, EpisodeKey, FLAPPING_RULE, Findings, MODEL_HEALTH_RULE,
    MODEL_PREFIX, Mint, OpenEpisode, STUCK_RULE, SUPERVISION_RULES, hours, supervision, words,
};
use crate::clock::Moment;

impl Detector {
    #[expect(clippy::too_many_arguments, reason = "one edge with all that it needs")]
    pub(super) fn edge(
        &mut self,
        rule: usize,
        device: &DeviceId,
        edge: Edge,
        now: Moment,
        reading: Option<&Reading>,
        mint: Mint,
        findings: &mut Findings,
    ) {
        let rule = &self.rules[rule];
        let key = EpisodeKey::new(&rule.name, device);
        match edge {
            Edge::Begin(measure) => {
                if !hours::within(rule.config.hours.as_deref(), now.wall, &self.timezone) {
                    return;
                }
                let source_event = reading.and_then(|r| r.source_event.clone());
                if self.episodes.contains_key(&key) {
                    if self.chatter.is_latched(&key) {
                        self.chatter.begin(&key, now.mono_ms);
                        findings.held += 1;
                    }
                    return;
                }
                let config = rule.config.clone();
                let by = DetectedBy::Rule {
                    rule: rule.name.to_string(),
                };
                let is_test = reading.is_some_and(|r| r.is_test) || config.kind == Kind::AlarmTest;
                let kind = config.alert_kind.unwrap_or(config.kind);
                let severity = if is_test {
                    Severity::P4
                } else {
                    config.severity
                };
                let reason = words::raised(&config, &measure, is_test);
                let mut alert = self.alert(device, kind, severity, by, reason, now, mint);
                alert.is_test = is_test;
                alert.source_event = source_event;
                if self.holds(&key) {
                    self.walk_rule(key, alert, reading, now, mint, findings);
                    return;
                }
                let held = self.chatter.begin(&key, now.mono_ms);
                self.open(key.clone(), alert, findings);
                if held == Held::JustLatched {
                    self.raise_chatter(&key, device, now, mint, findings);
                }
            }
            Edge::End(measure) => {
                if self.chatter.is_latched(&key) {
                    self.chatter.end(&key);
                    return;
                }
                let reason = words::cleared(&rule.config, &measure);
                self.close(&key, reason, now, findings);
            }
            Edge::Again => findings.repeated += 1,
        }
    }

    pub(super) fn raise_chatter(
        &mut self,
        of: &EpisodeKey,
        device: &DeviceId,
        now: Moment,
        mint: Mint,
        findings: &mut Findings,
    ) {
        let key = EpisodeKey::new(&format!("{CHATTER_RULE}:{}", of.rule()), device);
        if self.episodes.contains_key(&key) {
            return;
        }
        let by = DetectedBy::Rule {
            rule: CHATTER_RULE.to_owned(),
        };
        let reason = words::chatter(of.rule(), self.chatter.raisings(), self.chatter.window_ms());
        let alert = self.alert(device, Kind::Other, Severity::P4, by, reason, now, mint);
        self.open(key, alert, findings);
    }

    /// Clears hazards and chatter alerts of points that have been quiet for the whole window.
    pub(super) fn calm_chatter(&mut self, now: Moment, findings: &mut Findings) {
        for (key, hazard_over) in self.chatter.calmed(now.mono_ms) {
            if hazard_over {
                self.close(&key, words::calm(), now, findings);
            }
            let chatter = EpisodeKey::new(&format!("{CHATTER_RULE}:{}", key.rule()), key.device());
            self.close(&chatter, words::calm(), now, findings);
        }
    }

    pub(super) fn supervised(
        &mut self,
        finding: supervision::Finding,
        now: Moment,
        mint: Mint,
        findings: &mut Findings,
    ) {
        let key = EpisodeKey::new(finding.rule, &finding.device);
        match (finding.active, self.episodes.contains_key(&key)) {
            (true, false) => {
                let by = DetectedBy::Rule {
                    rule: finding.rule.to_owned(),
                };
                let reason = if finding.kind == Kind::Availability {
                    words::last_known(finding.reason, &self.last_known(&finding.device))
                } else {
                    finding.reason
                };
                let alert = self.alert(
                    &finding.device,
                    finding.kind,
                    finding.severity,
                    by,
                    reason,
                    now,
                    mint,
                );
                self.open(key, alert, findings);
            }
            (false, true) => self.close(&key, finding.reason, now, findings),
            (true, true) | (false, false) => {}
        }
    }

    /// The last reading of each kind that a device gave, hazards first, at most three.
    pub(super) fn last_known(&self, device: &DeviceId) -> Vec<&Reading> {
        let mut last: BTreeMap<(bool, Kind), &Reading> = BTreeMap::new();
        for reading in self.devices.get(device).iter().flat_map(|d| &d.evidence) {
            if reading.kind != Kind::Availability && reading.kind != Kind::LinkQuality {
                last.insert((!reading.kind.is_life_safety(), reading.kind), reading);
            }
        }
        last.into_values().take(3).collect()
    }

    #[expect(clippy::too_many_arguments, reason = "an alert has these parts")]
    pub(super) fn alert(
        &self,
        id: &DeviceId,
        kind: Kind,
        severity: Severity,
        by: DetectedBy,
        reason: Text,
        now: Moment,
        mint: Mint,
    ) -> Alert {
        let device = self.devices.get(id);
        Alert {
            id: mint(),
            revision: 0,
            phase: Phase::Raised,
            sequence: None,
            boot_epoch: 0,
            kind,
            severity,
            device: id.clone(),
            device_known: device.is_some_and(|device| device.known),
            site: self.site.clone(),
            place: device.map(|d| d.place.clone()).unwrap_or_default(),
            raised_at: now.wall,
            at: now.wall,
            clock: self.clock,
            detected_by: by,
            score: None,
            reason,
            evidence: device
                .map(|d| d.evidence.iter().cloned().collect())
                .unwrap_or_default(),
            source_event: None,
            is_test: false,
        }
    }

    pub(super) fn open(&mut self, key: EpisodeKey, alert: Alert, findings: &mut Findings) {
        if self.holds(&key) {
            self.hold(key, alert, findings);
        } else {
            self.open_now(key, alert, findings);
        }
    }

    pub(super) fn open_now(&mut self, key: EpisodeKey, alert: Alert, findings: &mut Findings) {
        let episode = OpenEpisode {
            key: key.clone(),
            alert: Alert {
                evidence: Vec::new(),
                ..alert.clone()
            },
            held: false,
        };
        findings.alerts.push(alert);
        findings
            .episodes
            .push(EpisodeChange::Opened(Box::new(episode.clone())));
        self.episodes.insert(key, episode);
    }

    pub(super) fn close(
        &mut self,
        key: &EpisodeKey,
        reason: Text,
        now: Moment,
        findings: &mut Findings,
    ) {
        let Some(episode) = self.episodes.remove(key) else {
            return;
        };
        if episode.held {
            self.held_is_over(key, now, findings);
            return;
        }
        let raised = episode.alert;
        let evidence = self
            .devices
            .get(&raised.device)
            .map(|d| d.evidence.iter().cloned().collect())
            .unwrap_or_default();
        findings.alerts.push(Alert {
            revision: raised.revision + 1,
            phase: Phase::Cleared,
            sequence: None,
            at: now.wall,
            clock: self.clock,
            reason,
            evidence,
            ..raised
        });
        findings.episodes.push(EpisodeChange::Closed(key.clone()));
    }

    /// Closes episodes that do not go on after a restart: of rules that are no longer configured, of
    /// chatter, of a walk test, and of the models unless they run (`models_go_on`). Called once at start.
    pub fn close_orphans(&mut self, models_go_on: bool, now: Moment) -> Findings {
        let mut findings = Findings::default();
        self.end_presses_of_before(now, &mut findings);
        let orphans: Vec<EpisodeKey> = self
            .episodes
            .keys()
            .filter(|key| {
                let rule = key.rule();
                let rule = rule
                    .strip_prefix(CHATTER_RULE)
                    .and_then(|r| r.strip_prefix(':'))
                    .unwrap_or(rule);
                !is_models(rule)
                    && !SUPERVISION_RULES.contains(&rule)
                    && !self.rules.iter().any(|known| *known.name == *rule)
            })
            .cloned()
            .collect();
        for key in orphans {
            self.close(&key, words::rule_removed(), now, &mut findings);
        }
        // These do not outlive a restart: what is still so will show it again.
        let transient: Vec<EpisodeKey> = self
            .episodes
            .keys()
            .filter(|key| {
                let rule = key.rule();
                rule.starts_with(CHATTER_RULE)
                    || (is_models(rule) && !models_go_on)
                    || rule == STUCK_RULE
                    || rule == FLAPPING_RULE
            })
            .cloned()
            .collect();
        for key in transient {
            self.close(&key, words::restarted(), now, &mut findings);
        }
        self.raise_held(now, &mut findings);
        findings
    }
}

/// Whether an episode belongs to the anomaly models.
fn is_models(rule: &str) -> bool {
    rule.starts_with(MODEL_PREFIX) || rule == MODEL_HEALTH_RULE
}
