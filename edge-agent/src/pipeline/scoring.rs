//! The anomaly model's side of the pipeline: features of rooms in, alerts out.
//!
//! The rules never wait for it: rows are handed to the model's own thread, which may drop them, and
//! what comes back is taken at the next tick. Without a bundle, or with a broken one, nothing here
//! does anything but report the fault. Features are not kept over a restart: they are learned anew.

use std::collections::HashMap;
use std::sync::Arc;

use gridwatch_protocol::{DetectedBy, DeviceId, Kind, Place, Quality, Reading, Timestamp};
use tokio::sync::mpsc;

use crate::clock::Moment;
use crate::config::ModelConfig;
use crate::detection::model::{
    Backend, Level, ModelFault, ModelRunner, Outcome, RunnerSettings, explain,
};
use crate::detection::{DEVICES_MAX, Detector, Findings, Mint};
use crate::health::{Health, text};
use gridwatch_anomaly::features::{Channel, RoomFeatures, measure};

/// Scores in a row at or above the level before an alert is raised.
const PERSISTENCE: u32 = 3;
/// A channel that adds at least this much to the logit speaks for an anomaly.
const SPEAKS: f32 = 0.5;
/// Below every level for so long ends an episode, in detection time.
const QUIET_MS: i64 = 60_000;
/// Scores that wait for the pipeline at most.
const RESULTS_MAX: usize = 1_024;
/// Codes of the model's faults, cleared when it works again.
const FAULT_SUBJECT: &str = "model";

/// The rooms and the runner.
#[derive(Debug, Default)]
pub struct Scoring {
    active: Option<Active>,
}

#[derive(Debug)]
struct Active {
    runner: ModelRunner<usize>,
    results: mpsc::Receiver<Outcome<usize>>,
    config: ModelConfig,
    /// Detection time 0 on the wall clock: the engine's time is steady and as fast as detection.
    zero: Timestamp,
    rooms: Vec<Room>,
    by_key: HashMap<RoomKey, usize>,
    fault: Option<&'static str>,
    dropped: u64,
}

/// A place, or a device by itself: when its place is not known, or another device already measures
/// the same thing there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum RoomKey {
    Place(Place),
    Device(DeviceId),
}

#[derive(Debug)]
struct Room {
    features: RoomFeatures,
    /// Which device each channel comes from.
    owners: [Option<DeviceId>; Channel::ALL.len()],
    scored_ms: i64,
    above: u32,
    above_ms: i64,
    /// The device and kind under which an alert is open.
    raised: Option<(DeviceId, Kind)>,
}

impl Scoring {
    /// Starts the model's thread, if there is a bundle.
    #[must_use]
    pub fn start(config: &ModelConfig, now: Moment, health: &Health) -> Self {
        let Some(bundle) = config.bundle.clone() else {
            return Self::default();
        };
        let backend = config
            .onnx_runtime
            .clone()
            .map_or(Backend::BuiltIn, Backend::Library);
        let (scores, results) = mpsc::channel(RESULTS_MAX);
        match ModelRunner::start(bundle, backend, RunnerSettings::default(), scores) {
            Ok(runner) => Self {
                active: Some(Active {
                    runner,
                    results,
                    config: config.clone(),
                    zero: now.wall.plus_ms(-now.mono_ms),
                    rooms: Vec::new(),
                    by_key: HashMap::new(),
                    fault: None,
                    dropped: 0,
                }),
            },
            Err(error) => {
                let detail = text(
                    format!("异常检测模型线程无法启动，规则照常运行：{error}"),
                    format!(
                        "the anomaly model's thread could not be started; the rules go on: {error}"
                    ),
                );
                health.raise_fault("model_unavailable", FAULT_SUBJECT, now.wall, detail);
                Self::default()
            }
        }
    }

    /// Takes in one reading.
    pub fn observe(
        &mut self,
        reading: &Reading,
        detector: &Detector,
        health: &Health,
        now: Moment,
    ) {
        let Some(active) = &mut self.active else {
            return;
        };
        if reading.retained || reading.is_test || reading.quality == Quality::Bad {
            return;
        }
        let Some(number) = reading.value.as_number() else {
            return;
        };
        let Some((channel, value)) = measure(reading.kind, reading.unit.as_deref(), number) else {
            return;
        };
        let Some(index) = active.room(&reading.device, channel, detector) else {
            return;
        };
        let room = &mut active.rooms[index];
        room.features
            .update(channel, active.zero.plus_ms(now.mono_ms), value);
        if now.mono_ms - room.scored_ms < active.config.interval_ms {
            return;
        }
        room.scored_ms = now.mono_ms;
        let row = room.features.row();
        if !active.runner.submit(index, row) {
            health.model_skipped.inc();
        }
    }

    /// What the model found since the last call.
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
        active.report(health, now);
        let mut findings = Vec::new();
        while let Ok(outcome) = active.results.try_recv() {
            health.model_scored.inc();
            findings.extend(active.judge(&outcome, detector, now, mint));
        }
        findings
    }
}

impl Active {
    /// The room that a device's channel belongs to.
    fn room(&mut self, device: &DeviceId, channel: Channel, detector: &Detector) -> Option<usize> {
        let place = detector.place_of(device);
        let shared = place.room.is_some().then_some(RoomKey::Place(place));
        for key in shared.into_iter().chain([RoomKey::Device(device.clone())]) {
            let index = match self.by_key.get(&key) {
                Some(index) => *index,
                None if self.rooms.len() >= DEVICES_MAX => return None,
                None => {
                    self.rooms.push(Room::new());
                    self.by_key.insert(key, self.rooms.len() - 1);
                    self.rooms.len() - 1
                }
            };
            let owner =
                self.rooms[index].owners[channel.index()].get_or_insert_with(|| device.clone());
            if owner == device {
                return Some(index);
            }
        }
        None
    }

    fn judge(
        &mut self,
        outcome: &Outcome<usize>,
        detector: &mut Detector,
        now: Moment,
        mint: Mint,
    ) -> Option<Findings> {
        let manifest = self.runner.manifest()?;
        let room = &mut self.rooms[outcome.ticket];
        // One warm kitchen is no fire: what a single sensor tells is for the rules to judge.
        let speaking = outcome
            .scored
            .contributions
            .iter()
            .filter(|contribution| **contribution >= SPEAKS)
            .count();
        let is_above =
            outcome.level >= self.config.raise_at && speaking >= self.config.channels_min;
        room.above = if is_above { room.above + 1 } else { 0 };
        if outcome.level != Level::None {
            room.above_ms = now.mono_ms;
        }
        let raises = room.above >= PERSISTENCE && room.raised.is_none();
        let clears = room.raised.is_some() && now.mono_ms - room.above_ms >= QUIET_MS;
        let (device, kind) = if raises {
            let found = room.loudest(&outcome.scored.contributions)?;
            room.raised.insert(found).clone()
        } else if clears {
            room.raised.take()?
        } else {
            return None;
        };
        let reason = if raises {
            explain(&outcome.scored, &room.features.views())
        } else {
            text("模型评分恢复正常", "model score back to normal")
        };
        let by = DetectedBy::Model {
            model: manifest.id.clone(),
            build: manifest.build,
        };
        let score = f64::from(outcome.scored.score);
        Some(detector.model(
            &device,
            kind,
            self.config.severity,
            raises,
            score,
            by,
            reason,
            now,
            mint,
        ))
    }

    /// Tells faults of the model as faults of the gateway, once each.
    fn report(&mut self, health: &Health, now: Moment) {
        let counters = self.runner.counters();
        let dropped = counters.unscored + counters.untaken;
        health
            .model_skipped
            .add(dropped.saturating_sub(self.dropped));
        self.dropped = dropped;
        let fault = self.runner.fault();
        let code = fault.as_ref().map(ModelFault::code);
        if let Some(old) = self.fault.filter(|old| Some(*old) != code) {
            health.clear_fault(old, FAULT_SUBJECT);
        }
        if let Some(fault) = fault.filter(|_| self.fault != code) {
            health.raise_fault(fault.code(), FAULT_SUBJECT, now.wall, fault.text());
        }
        self.fault = code;
    }
}

impl Room {
    fn new() -> Self {
        Self {
            features: RoomFeatures::new(),
            owners: Default::default(),
            scored_ms: i64::MIN / 2,
            above: 0,
            above_ms: 0,
            raised: None,
        }
    }

    /// The device and kind whose channel speaks loudest for an anomaly.
    fn loudest(&self, contributions: &[f32]) -> Option<(DeviceId, Kind)> {
        Channel::ALL
            .into_iter()
            .zip(contributions)
            .filter(|(channel, _)| self.owners[channel.index()].is_some())
            .max_by(|(_, a), (_, b)| a.total_cmp(b))
            .and_then(|(channel, _)| Some((self.owners[channel.index()].clone()?, kind(channel))))
    }
}

fn kind(channel: Channel) -> Kind {
    match channel {
        Channel::Smoke => Kind::Smoke,
        Channel::CarbonMonoxide => Kind::CarbonMonoxide,
        Channel::Voc => Kind::Voc,
        Channel::Temperature => Kind::Temperature,
        Channel::Humidity => Kind::Humidity,
        Channel::Co2 => Kind::Co2,
    }
}
