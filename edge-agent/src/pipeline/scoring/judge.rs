//! From verdicts to alerts: which stand out for their own sensor, what is said about them, when they end.
//!
//! A verdict may raise an alert of the models' own, and end it. It has no way to a rule's alert.

use std::sync::Arc;

use gridwatch_anomaly::calibration::{Calibration, Change, Judgement};
use gridwatch_anomaly::counts::reasons::{Noun, reasons as count_reasons};
use gridwatch_anomaly::model::{Fuser, Verdict};
use gridwatch_anomaly::reasons::explain;
use gridwatch_protocol::{Alert, DetectedBy, Kind, Severity, Text};

use super::Active;
use super::subject::{CHANNELS, OfModel, Raised, Row, Subject, What, room_rises};
use super::words::room_by_statistics;
use crate::clock::Moment;
use crate::detection::model::{Manifest, Outcome};
use crate::detection::{Detector, Findings, MODEL_PREFIX, Mint, ModelAlert};
use crate::health::text;

/// A channel that moves the odds of the anomalous class by at least this much speaks for it.
const SPEAKS: f32 = 0.5;
/// A channel that is so many scales above its average speaks for an anomaly to the statistics.
const RISES: f32 = 2.0;
/// No episode for so long ends the alert, in detection time. Long enough for the first verdicts after a
/// restart, when an episode that goes on has to persist again.
const QUIET_MS: i64 = 60_000;
/// A share of the class `fault` from which a sensor is taken to be broken …
const FAULT_SHARE: f32 = 0.5;
/// … when so many verdicts in a row say so; as many others end it.
const FAULT_IN_ROW: u32 = 5;
/// A share of the class `nuisance` that is worth saying.
const NUISANCE_SHARE: f32 = 0.2;
/// A model that is later than a rule by less than this has seen what the rule saw, in detection time.
const ANSWER_MS: i64 = 60_000;
/// Alarms of rules that wait for the question whether the model saw them; in a storm some are enough.
const QUESTIONS_MAX: usize = 256;
/// Ends the name under which a broken sensor is reported.
const FAULT_SUFFIX: &str = ":fault";

impl Active {
    pub(super) fn judge(
        &mut self,
        outcome: Outcome<usize>,
        detector: &mut Detector,
        now: Moment,
        mint: Mint,
    ) -> Vec<Findings> {
        let at = self.time(now);
        let Outcome {
            ticket,
            manifest,
            verdict,
        } = outcome;
        let Some(subject) = self.subjects.get_mut(ticket) else {
            return Vec::new();
        };
        let judgement = subject
            .calibration(&manifest)
            .update(at, f64::from(verdict.score));
        subject.judgement = Some(judgement);
        let mut findings: Vec<Findings> = self
            .broken(ticket, &manifest, &verdict, detector, now, mint)
            .into_iter()
            .collect();
        if manifest.enabled && !self.is_distrusted(manifest.engine.fuser()) {
            let cause = Cause::Model(&manifest, &verdict);
            findings.extend(self.decide(ticket, judgement, &cause, detector, now, mint));
        }
        if let Some(subject) = self.subjects.get_mut(ticket) {
            subject.verdict = Some(verdict);
        }
        findings
    }

    /// Judges by the statistics, where there is no model to trust.
    pub(super) fn judge_statistics(
        &mut self,
        index: usize,
        detector: &mut Detector,
        now: Moment,
        mint: Mint,
    ) -> Option<Findings> {
        let at = self.time(now);
        let row = self.subjects[index].row();
        let subject = &mut self.subjects[index];
        let judgement = subject.kept.statistics.update(at, row.evidence());
        let fuser = subject.fuser();
        let is_enabled = |manifest: Arc<Manifest>| manifest.enabled;
        let is_model_up = self.runner.manifest(fuser).is_none_or(is_enabled);
        if is_model_up && !self.told.is_out(fuser) && !self.is_distrusted(fuser) {
            return None;
        }
        let cause = Cause::Statistics(fuser, &row);
        self.decide(index, judgement, &cause, detector, now, mint)
    }

    fn decide(
        &mut self,
        index: usize,
        judgement: Judgement,
        cause: &Cause,
        detector: &mut Detector,
        now: Moment,
        mint: Mint,
    ) -> Option<Findings> {
        let subject = &mut self.subjects[index];
        let running = judgement
            .episode
            .filter(|_| judgement.change != Change::Ended);
        if running.is_some() {
            subject.episode_ms = now.mono_ms;
        }
        if let Some(raised) = &subject.raised {
            if running.is_none() && now.mono_ms - subject.episode_ms >= QUIET_MS {
                let findings = clear(detector, raised, back_to_normal(), now, mint);
                subject.raised = None;
                return Some(findings);
            }
            return None;
        }
        let episode = running?;
        let is_told = subject.kept.told == Some(episode.started_at);
        if is_told || judgement.level < self.config.raise_at {
            return None;
        }
        // One warm kitchen is no fire: what a single sensor tells is for the rules to judge.
        let is_room = matches!(subject.kept.what, What::Room { .. });
        if is_room && cause.speaking() < self.config.channels_min {
            return None;
        }
        let (device, kind) = subject.loudest(|group| cause.loudness(group))?;
        let raised = Raised {
            rule: cause.rule(),
            device,
            kind,
            by: cause.detected_by(),
        };
        subject.kept.told = Some(episode.started_at);
        subject.raised = Some(raised.clone());
        let reason = reason(subject, cause, &judgement);
        let fuser = subject.fuser();
        self.drift[fuser as usize].alerted();
        self.saver.hurry();
        Some(detector.model(
            ModelAlert {
                rule: &raised.rule,
                device: &raised.device,
                kind: raised.kind,
                severity: self.config.severity,
                active: true,
                score: Some(cause.score(&judgement)),
                by: raised.by,
                reason,
            },
            now,
            mint,
        ))
    }

    /// A sensor that the model says is broken is a matter of device health, and never an alarm.
    fn broken(
        &mut self,
        index: usize,
        manifest: &Manifest,
        verdict: &Verdict,
        detector: &mut Detector,
        now: Moment,
        mint: Mint,
    ) -> Option<Findings> {
        let class = manifest.classes.iter().position(|class| class == "fault")?;
        let says_so = verdict.prob.get(class).copied().unwrap_or(0.0) >= FAULT_SHARE;
        let subject = &mut self.subjects[index];
        if says_so == subject.broken.is_some() {
            subject.broken_in_row = 0;
            return None;
        }
        subject.broken_in_row += 1;
        if subject.broken_in_row < FAULT_IN_ROW || !manifest.enabled {
            return None;
        }
        subject.broken_in_row = 0;
        if let Some(broken) = subject.broken.take() {
            return Some(clear(detector, &broken, back_to_normal(), now, mint));
        }
        let (device, kind) = subject.loudest(|group| verdict.contribution(group, class))?;
        let raised = Raised {
            rule: format!("{MODEL_PREFIX}{}{FAULT_SUFFIX}", manifest.id),
            device,
            kind,
            by: model_by(manifest),
        };
        subject.broken = Some(raised.clone());
        let share = verdict.prob[class] * 100.0;
        let reason = text(
            format!("传感器疑似故障（模型判断 {share:.0}%）：数值停滞、跳变或超出可能范围，请检查"),
            format!(
                "the sensor seems to be broken (the model says {share:.0} %): its value stands still, \
                 jumped, or is beyond what is possible; check it"
            ),
        );
        Some(detector.model(
            ModelAlert {
                rule: &raised.rule,
                device: &raised.device,
                kind: Kind::Other,
                severity: Severity::P4,
                active: true,
                score: Some(f64::from(verdict.prob[class])),
                by: raised.by,
                reason,
            },
            now,
            mint,
        ))
    }

    /// Notes to ask, a little later, whether the model saw anything of what a rule raises an alarm for.
    pub(super) fn compare_with_rule(&mut self, alert: &Alert, now: Moment) {
        let is_about_air = matches!(
            alert.kind,
            Kind::Smoke | Kind::Heat | Kind::CarbonMonoxide | Kind::Temperature
        );
        if is_about_air && self.questions.len() < QUESTIONS_MAX {
            let due_ms = now.mono_ms + ANSWER_MS;
            self.questions.push_back((alert.device.clone(), due_ms));
        }
    }

    /// Answers the questions that are due.
    pub(super) fn answer_questions(&mut self, now: Moment) {
        while let Some((device, _)) = self
            .questions
            .pop_front_if(|(_, due_ms)| *due_ms <= now.mono_ms)
        {
            for subject in &self.subjects {
                if let What::Room { owners, .. } = &subject.kept.what
                    && owners.iter().flatten().any(|owner| *owner == device)
                    && let Some(judgement) = subject.judgement
                {
                    let is_seen = judgement.episode.is_some() || subject.raised.is_some();
                    self.drift[Fuser::Env as usize].ruled(is_seen);
                }
            }
        }
    }

    pub(super) fn is_distrusted(&self, fuser: Fuser) -> bool {
        self.drift[fuser as usize].numbers().breach.is_some()
    }
}

impl Subject {
    /// Its calibration of a model's scores; another build begins with its own thresholds.
    fn calibration(&mut self, manifest: &Manifest) -> &mut Calibration {
        let settings = self.settings();
        let of_this = |of: &OfModel| of.id == manifest.id && of.build == manifest.build;
        if !self.kept.model.as_ref().is_some_and(of_this) {
            self.kept.model = None;
        }
        let of = self.kept.model.get_or_insert_with(|| OfModel {
            id: manifest.id.clone(),
            build: manifest.build,
            calibration: Calibration::new(settings, manifest.thresholds.prior()),
        });
        &mut of.calibration
    }
}

/// What makes somebody think that something is unusual.
enum Cause<'a> {
    Model(&'a Manifest, &'a Verdict),
    Statistics(Fuser, &'a Row),
}

impl Cause<'_> {
    /// How much a group speaks for an anomaly: what it adds to the odds of the second class against the
    /// first, or its rise.
    fn loudness(&self, group: usize) -> f32 {
        match self {
            Self::Model(_, verdict) => {
                verdict.contribution(group, 1) - verdict.contribution(group, 0)
            }
            Self::Statistics(_, Row::Room(row)) => {
                room_rises(row).get(group).copied().unwrap_or(0.0)
            }
            Self::Statistics(_, Row::Counts(_)) => 0.0,
        }
    }

    fn speaking(&self) -> usize {
        let least = match self {
            Self::Model(..) => SPEAKS,
            Self::Statistics(..) => RISES,
        };
        (0..CHANNELS)
            .filter(|group| self.loudness(*group) >= least)
            .count()
    }

    fn rule(&self) -> String {
        match self.detected_by() {
            DetectedBy::Model { model, .. } => format!("{MODEL_PREFIX}{model}"),
            DetectedBy::Rule { rule } => rule,
        }
    }

    fn detected_by(&self) -> DetectedBy {
        match self {
            Self::Model(manifest, _) => model_by(manifest),
            Self::Statistics(fuser, _) => DetectedBy::Model {
                model: statistics_id(*fuser).to_owned(),
                build: 0,
            },
        }
    }

    fn score(&self, judgement: &Judgement) -> f64 {
        match self {
            Self::Model(_, verdict) => f64::from(verdict.score),
            Self::Statistics(_, row) => row.evidence().max(1.0 - judgement.p).min(1.0),
        }
    }
}

fn model_by(manifest: &Manifest) -> DetectedBy {
    DetectedBy::Model {
        model: manifest.id.clone(),
        build: manifest.build,
    }
}

/// What the statistics are called where a model's name stands.
fn statistics_id(fuser: Fuser) -> &'static str {
    match fuser {
        Fuser::Env => "env-statistics",
        Fuser::Counts => "count-statistics",
    }
}

/// Whose alert it is.
pub(super) fn fuser_of(raised: &Raised) -> Option<Fuser> {
    let name = raised.rule.strip_prefix(MODEL_PREFIX)?;
    let name = name.strip_suffix(FAULT_SUFFIX).unwrap_or(name);
    Fuser::ALL
        .into_iter()
        .find(|fuser| fuser.id() == name || statistics_id(*fuser) == name)
}

pub(super) fn is_about_a_fault(raised: &Raised) -> bool {
    raised.rule.ends_with(FAULT_SUFFIX)
}

/// Ends an alert.
pub(super) fn clear(
    detector: &mut Detector,
    raised: &Raised,
    reason: Text,
    now: Moment,
    mint: Mint,
) -> Findings {
    detector.model(
        ModelAlert {
            rule: &raised.rule,
            device: &raised.device,
            kind: raised.kind,
            severity: Severity::P4,
            active: false,
            score: None,
            by: raised.by.clone(),
            reason,
        },
        now,
        mint,
    )
}

fn back_to_normal() -> Text {
    text("异常检测恢复正常", "anomaly detection back to normal")
}

pub(super) fn no_more_data() -> Text {
    text(
        "重启后没有再收到该设备的数据，异常检测报警结束",
        "no data of this device since the restart; the anomaly alert ends",
    )
}

fn reason(subject: &Subject, cause: &Cause, judgement: &Judgement) -> Text {
    let mut reason = match (&subject.kept.what, cause) {
        (What::Stream { events, kind, .. }, _) => {
            count_reasons(noun(*kind), events.view().as_ref(), &events.row())
        }
        (What::Room { features, .. }, Cause::Model(_, verdict)) => {
            explain(verdict, 1, &features.views(), &features.context_view()).text
        }
        (What::Room { features, .. }, Cause::Statistics(..)) => {
            room_by_statistics(features, |group| cause.loudness(group))
        }
    };
    let mut say = |zh: &str, en: &str| {
        reason.zh.push_str(zh);
        reason.en.push_str(en);
    };
    if let Cause::Model(manifest, verdict) = cause
        && let Some(class) = manifest.classes.iter().position(|c| c == "nuisance")
        && let Some(share) = verdict.prob.get(class).filter(|p| **p >= NUISANCE_SHARE)
    {
        let share = share * 100.0;
        say(
            &format!("；也像干扰（烹饪、水汽、灰尘），模型判断 {share:.0}%"),
            &format!(
                "; it also looks like a nuisance (cooking, steam, dust), the model says {share:.0} %"
            ),
        );
    }
    if matches!(cause, Cause::Statistics(..)) {
        say("（仅凭统计判断）", " (by statistics alone)");
    }
    if judgement.learning {
        say(
            "（学习期，尚无本传感器基线）",
            " (learning: this sensor has no baseline of its own yet)",
        );
    }
    reason
}

fn noun(kind: Kind) -> Noun {
    match kind {
        Kind::Door => Noun::Openings,
        Kind::AccessGranted | Kind::AccessDenied => Noun::Entries,
        Kind::LineCrossing => Noun::Crossings,
        Kind::CameraObject | Kind::Motion | Kind::Occupancy => Noun::Sightings,
        _ => Noun::Counts,
    }
}
