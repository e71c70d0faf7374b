//! The anomaly models' side of the pipeline: features of rooms, doors and cameras in, alerts out.
//!
//! The rules never wait for it: rows are handed to the models' own thread, which may drop them, and
//! what comes back is taken at the next tick. Nothing here sees what a rule found before the rule's alert
//! is on its way, and nothing here can hold it back. Without bundles nothing here does anything; with broken
//! ones, or with features that have drifted away from what a model was trained on, the statistics go on
//! alone, and a fault and a device-health alert say so.
//!
//! Time is detection time from the wall clock at start: steady, and as fast as a rehearsal. Features,
//! calibrations and episodes are kept over a restart ([`state`]); which alerts are open is the outbox's.

mod drift;
mod intake;
mod judge;
mod report;
mod state;
mod subject;
mod words;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use gridwatch_anomaly::model::Fuser;
use gridwatch_protocol::{Alert, DeviceId, Phase, Reading, Timestamp};
use tokio::sync::mpsc;

use crate::clock::Moment;
use crate::config::ModelConfig;
use crate::detection::model::{Loader, ModelRunner, Outcome, RunnerSettings};
use crate::detection::{Detector, Findings, MODEL_PREFIX, Mint, OpenEpisode};
use crate::health::{Health, text};
use drift::Drift;
use report::Told;
use state::Saver;
use subject::{Key, Raised, Row, Subject};

/// Rooms and streams at most, each: at 17 KB for a room, 9 KB for a stream and 10 KB of calibration a
/// full house takes 23 MB.
const ROOMS_MAX: usize = 500;
const STREAMS_MAX: usize = 500;
/// Verdicts that wait for the pipeline at most.
const RESULTS_MAX: usize = 1_024;
/// The local clock and the wall may differ by so much before the engines are told of a clock step.
const CLOCK_STEP_MS: i64 = 10 * 60_000;
/// Open alerts of the models that no reading has joined by then belong to nothing any more.
const ADOPTION_MS: i64 = 15 * 60_000;

/// Rooms, streams and the runner.
#[derive(Debug, Default)]
pub struct Scoring {
    active: Option<Box<Active>>,
}

#[derive(Debug)]
struct Active {
    runner: ModelRunner<usize>,
    results: mpsc::Receiver<Outcome<usize>>,
    config: ModelConfig,
    timezone: jiff::tz::TimeZone,
    /// Detection time 0 on the wall clock.
    zero: Timestamp,
    speed_is_real: bool,
    subjects: Vec<Subject>,
    by_key: HashMap<Key, usize>,
    rooms: usize,
    streams: usize,
    /// Open alerts of before the start that have not been joined to a subject, by device.
    orphans: HashMap<DeviceId, Vec<Raised>>,
    /// Subjects whose statistics have a new row.
    due: Vec<usize>,
    /// Devices of rules' alarms that the models are asked about, and when.
    questions: VecDeque<(DeviceId, i64)>,
    drift: [Drift; 2],
    told: Told,
    saver: Saver,
}

impl Scoring {
    /// Starts the models' thread and goes on with what was kept, if there are models.
    #[must_use]
    pub fn start(
        config: &ModelConfig,
        timezone: jiff::tz::TimeZone,
        speed: f64,
        open: &[OpenEpisode],
        now: Moment,
        health: &Health,
    ) -> Self {
        let Some(source) = config.source.clone() else {
            return Self::default();
        };
        let state_dir = source.state_dir.clone();
        let (scores, results) = mpsc::channel(RESULTS_MAX);
        let started = ModelRunner::start(RunnerSettings::default(), scores)
            .and_then(|runner| Loader::start(source, runner.handle()).map(|()| runner));
        let runner = match started {
            Ok(runner) => runner,
            Err(error) => {
                let detail = text(
                    format!("异常检测模型线程无法启动，规则照常运行：{error}"),
                    format!(
                        "the anomaly models' thread could not be started; the rules go on: {error}"
                    ),
                );
                health.raise_fault("model_unavailable", "models", now.wall, detail);
                return Self::default();
            }
        };
        let mut active = Active {
            runner,
            results,
            config: config.clone(),
            timezone,
            zero: now.wall.plus_ms(-now.mono_ms),
            speed_is_real: (speed - 1.0).abs() < f64::EPSILON,
            subjects: Vec::new(),
            by_key: HashMap::new(),
            rooms: 0,
            streams: 0,
            orphans: orphans(open),
            due: Vec::new(),
            questions: VecDeque::new(),
            drift: Default::default(),
            told: Told::default(),
            saver: Saver::new(&state_dir, now),
        };
        active.restore(&state_dir, now);
        Self {
            active: Some(Box::new(active)),
        }
    }

    /// Whether there are models: their open alerts go on after a restart.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.active.is_some()
    }

    /// Takes in one reading.
    pub fn observe(
        &mut self,
        reading: &Reading,
        detector: &Detector,
        health: &Health,
        now: Moment,
    ) {
        if let Some(active) = &mut self.active {
            active.observe(reading, detector, health, now);
        }
    }

    /// What the models found since the last call, and what is wrong with them.
    pub fn results(
        &mut self,
        detector: &mut Detector,
        health: &Arc<Health>,
        now: Moment,
        mint: Mint,
    ) -> Vec<Findings> {
        let Some(active) = &mut self.active else {
            return Vec::new();
        };
        active.follow_clock(now);
        let mut findings = active.report(detector, health, now, mint);
        while let Ok(outcome) = active.results.try_recv() {
            health.model_scored.inc();
            findings.extend(active.judge(outcome, detector, now, mint));
        }
        findings.extend(active.tick(detector, health, now, mint));
        findings.extend(active.drop_orphans(detector, now, mint));
        active.save_some(health, now);
        findings
    }

    /// Takes note of an alert that a rule raised or cleared: context for the streams, and a question to
    /// the models whether they saw it too.
    pub fn ruled(&mut self, alert: &Alert, now: Moment) {
        let Some(active) = &mut self.active else {
            return;
        };
        if alert.is_test
            || !matches!(
                alert.detected_by,
                gridwatch_protocol::DetectedBy::Rule { .. }
            )
        {
            return;
        }
        active.ruled(alert, alert.phase != Phase::Cleared, now);
    }

    /// Keeps everything now: the agent stops.
    pub fn save(&mut self, now: Moment) {
        if let Some(active) = &mut self.active {
            active.save_all(now);
        }
    }
}

/// Alerts of the models that were open when the agent stopped.
fn orphans(open: &[OpenEpisode]) -> HashMap<DeviceId, Vec<Raised>> {
    let mut orphans: HashMap<DeviceId, Vec<Raised>> = HashMap::new();
    for episode in open {
        if episode.key.rule().starts_with(MODEL_PREFIX) {
            let raised = Raised {
                rule: episode.key.rule().to_owned(),
                device: episode.key.device().clone(),
                kind: episode.alert.kind,
                by: episode.alert.detected_by.clone(),
            };
            orphans
                .entry(raised.device.clone())
                .or_default()
                .push(raised);
        }
    }
    orphans
}

impl Active {
    /// Detection time on the wall clock.
    fn time(&self, now: Moment) -> Timestamp {
        self.zero.plus_ms(now.mono_ms)
    }

    /// Local time less UTC.
    fn offset_s(&self, at: Timestamp) -> i32 {
        let Ok(at) = jiff::Timestamp::from_millisecond(at.unix_ms()) else {
            return 0;
        };
        self.timezone.to_offset(at).seconds()
    }

    /// A wall clock that was set right is a clock step to the engines, which know what to do with one.
    fn follow_clock(&mut self, now: Moment) {
        let off = now.wall.ms_since(self.time(now));
        if self.speed_is_real && off.abs() > CLOCK_STEP_MS {
            tracing::warn!(
                seconds = off / 1000,
                "the wall clock was set; the anomaly models follow it"
            );
            self.zero = self.zero.plus_ms(off);
        }
    }

    /// Puts a subject in, if there is room for it.
    fn insert(&mut self, mut subject: Subject) -> Option<usize> {
        let (count, max) = match subject.fuser() {
            Fuser::Env => (&mut self.rooms, ROOMS_MAX),
            Fuser::Counts => (&mut self.streams, STREAMS_MAX),
        };
        if *count >= max {
            return None;
        }
        *count += 1;
        let index = self.subjects.len();
        self.by_key.insert(subject.kept.key.clone(), index);
        let devices: Vec<DeviceId> = subject.devices().into_iter().cloned().collect();
        adopt(&mut self.orphans, &mut subject, &devices);
        self.subjects.push(subject);
        Some(index)
    }

    /// Closes alerts of before the start that nothing has joined: their devices are gone.
    fn drop_orphans(&mut self, detector: &mut Detector, now: Moment, mint: Mint) -> Vec<Findings> {
        if now.mono_ms < ADOPTION_MS || self.orphans.is_empty() {
            return Vec::new();
        }
        let orphans = std::mem::take(&mut self.orphans);
        let gone = orphans.into_values().flatten();
        gone.map(|raised| judge::clear(detector, &raised, judge::no_more_data(), now, mint))
            .collect()
    }

    fn submit(&mut self, index: usize, row: &Row, health: &Health) {
        let fuser = self.subjects[index].fuser();
        self.drift[fuser as usize].observe(row.numbers());
        if self.runner.manifest(fuser).is_none() {
            return;
        }
        if !self.runner.submit(index, fuser, row.numbers().to_vec()) {
            health.model_skipped.inc();
        }
    }
}

/// Joins open alerts of before the start to the subject that their device belongs to.
fn adopt(
    orphans: &mut HashMap<DeviceId, Vec<Raised>>,
    subject: &mut Subject,
    devices: &[DeviceId],
) {
    for device in devices {
        let Some(open) = orphans.get_mut(device) else {
            continue;
        };
        let fits = |raised: &Raised| judge::fuser_of(raised) == Some(subject.fuser());
        let (ours, others): (Vec<_>, Vec<_>) = open.drain(..).partition(fits);
        *open = others;
        for raised in ours {
            if judge::is_about_a_fault(&raised) {
                subject.broken.get_or_insert(raised);
            } else {
                subject.raised.get_or_insert(raised);
            }
        }
    }
    orphans.retain(|_, open| !open.is_empty());
}
