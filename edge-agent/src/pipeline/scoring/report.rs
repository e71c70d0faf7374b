//! What is wrong with the models, as faults, device-health alerts and numbers.

use gridwatch_anomaly::model::Fuser;
use gridwatch_protocol::{DetectedBy, DeviceId, DriftStatus, Kind, ModelStatus, Severity, Text};

use super::Active;
use crate::clock::Moment;
use crate::detection::model::ModelFault;
use crate::detection::{Detector, Findings, MODEL_HEALTH_RULE, Mint, ModelAlert};
use crate::health::{Health, text};

/// How often the numbers are shown anew, in detection time.
const SHOW_MS: i64 = 1_000;
/// Code of the fault that drift is.
const DRIFT_CODE: &str = "model_drift";

/// What was told last.
#[derive(Debug, Default)]
pub(super) struct Told {
    codes: [Vec<&'static str>; 2],
    out: [bool; 2],
    is_first_told: bool,
    dropped: u64,
    shown_ms: i64,
    shadow: [(u64, u64); 2],
}

impl Told {
    /// Whether a fuser gives no verdicts.
    pub(super) fn is_out(&self, fuser: Fuser) -> bool {
        self.out[fuser as usize]
    }
}

impl Active {
    /// Tells faults of the models as faults of the gateway, and one device-health alert for each model that
    /// has any.
    pub(super) fn report(
        &mut self,
        detector: &mut Detector,
        health: &Health,
        now: Moment,
        mint: Mint,
    ) -> Vec<Findings> {
        let counters = self.runner.counters();
        let lost = counters.unscored + counters.untaken;
        health
            .model_skipped
            .add(lost.saturating_sub(self.told.dropped));
        self.told.dropped = lost;
        let at = self.time(now);
        let mut findings = Vec::new();
        for fuser in Fuser::ALL {
            let index = fuser as usize;
            if let Some(manifest) = self.runner.manifest(fuser) {
                self.drift[index].follow(&manifest);
            }
            let subjects = self.subjects.iter().filter(|s| s.fuser() == fuser).count();
            self.drift[index].step(at, subjects);
            let faults = self.runner.faults(fuser);
            self.told.out[index] = faults.iter().any(ModelFault::is_outage);
            let told: Vec<(&'static str, Text)> = faults
                .iter()
                .map(|fault| (fault.code(), fault.text()))
                .chain(self.drift_fault(fuser))
                .collect();
            findings.extend(self.tell(fuser, &told, detector, health, now, mint));
        }
        self.told.is_first_told = true;
        if now.mono_ms - self.told.shown_ms >= SHOW_MS {
            self.told.shown_ms = now.mono_ms;
            self.show(health);
        }
        findings
    }

    fn drift_fault(&self, fuser: Fuser) -> Option<(&'static str, Text)> {
        let numbers = self.drift[fuser as usize].numbers();
        let (zh, en) = numbers.breach?.words(&numbers);
        let detail = text(
            format!("异常检测模型与现场不符：{zh}。暂时仅凭统计判断，规则照常运行"),
            format!(
                "the anomaly model does not fit this site: {en}. Statistics decide alone for now; the rules go on"
            ),
        );
        Some((DRIFT_CODE, detail))
    }

    fn tell(
        &mut self,
        fuser: Fuser,
        told: &[(&'static str, Text)],
        detector: &mut Detector,
        health: &Health,
        now: Moment,
        mint: Mint,
    ) -> Option<Findings> {
        let codes: Vec<&'static str> = told.iter().map(|(code, _)| *code).collect();
        let before = &self.told.codes[fuser as usize];
        if self.told.is_first_told && *before == codes {
            return None;
        }
        for gone in before.iter().filter(|code| !codes.contains(code)) {
            health.clear_fault(gone, fuser.id());
        }
        for (code, detail) in told {
            health.raise_fault(code, fuser.id(), now.wall, detail.clone());
        }
        self.told.codes[fuser as usize] = codes;
        Some(health_alert(fuser, told.first(), detector, now, mint))
    }

    fn show(&mut self, health: &Health) {
        let statuses = Fuser::ALL.map(|fuser| self.status(fuser));
        for (before, status) in self.told.shadow.iter_mut().zip(&statuses) {
            let Some(shadow) = &status.shadow else {
                *before = (0, 0);
                continue;
            };
            // Another candidate begins at 0 again.
            let now = (shadow.rows, shadow.higher + shadow.lower);
            let grown = |now: u64, before: u64| if now >= before { now - before } else { now };
            health.model_shadow_rows.add(grown(now.0, before.0));
            health.model_shadow_differs.add(grown(now.1, before.1));
            *before = now;
        }
        health.set_models(statuses.into());
    }

    fn status(&self, fuser: Fuser) -> ModelStatus {
        let manifest = self.runner.manifest(fuser);
        let numbers = self.drift[fuser as usize].numbers();
        let mut status = ModelStatus {
            id: fuser.id().to_owned(),
            build: manifest.as_ref().map(|manifest| manifest.build),
            sha256: manifest
                .as_ref()
                .map(|manifest| manifest.model.sha256.clone()),
            enabled: manifest.as_ref().is_some_and(|manifest| manifest.enabled),
            untrained: manifest.map_or_else(Vec::new, |manifest| manifest.untrained.clone()),
            subjects: 0,
            learning: 0,
            open: 0,
            drift: DriftStatus {
                rows: numbers.rows,
                psi: numbers.psi,
                clip_share: numbers.clip_share,
                missing_share: numbers.missing_share,
                alerts_over_budget: numbers.alerts_over_budget,
                missed_share: numbers.missed_share,
                breached: numbers.breach.is_some(),
            },
            shadow: self.runner.shadow(fuser),
        };
        for subject in self.subjects.iter().filter(|s| s.fuser() == fuser) {
            status.subjects += 1;
            let of_model = subject.kept.model.as_ref();
            let is_learning = of_model.is_none_or(|of| of.calibration.is_learning());
            status.learning += u64::from(is_learning);
            status.open += u64::from(subject.raised.is_some());
        }
        status
    }
}

/// One alert says that a model is not well, and ends when it is; it is no alarm.
fn health_alert(
    fuser: Fuser,
    fault: Option<&(&'static str, Text)>,
    detector: &mut Detector,
    now: Moment,
    mint: Mint,
) -> Findings {
    let device: DeviceId = format!("gateway/{}", fuser.id())
        .parse()
        .expect("a plain name is a device id");
    let reason = fault.map_or_else(
        || text("异常检测模型恢复正常", "the anomaly model is well again"),
        |(_, detail)| detail.clone(),
    );
    detector.model(
        ModelAlert {
            rule: MODEL_HEALTH_RULE,
            device: &device,
            kind: Kind::Other,
            severity: Severity::P4,
            active: fault.is_some(),
            score: None,
            by: DetectedBy::Rule {
                rule: MODEL_HEALTH_RULE.to_owned(),
            },
            reason,
        },
        now,
        mint,
    )
}
