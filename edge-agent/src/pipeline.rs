//! The loop from frames to the disk: where the pure core meets the clock.
//!
//! One round takes all waiting frames, decodes and judges them, commits what they caused in one
//! transaction, and only then acknowledges them, in the order of their receipt. So an acknowledged
//! message is on the disk, and a storm of alarms shares its commits.

mod scoring;

pub use scoring::Scoring;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use gridwatch_protocol::{
    Alert, AlertId, ClockQuality, DeviceId, DeviceStatus, Phase, QuarantineSample, Reading,
};
use tokio::sync::mpsc::Receiver;
use uuid::Uuid;

use crate::clock::Clock;
use crate::control::Desk;
use crate::detection::{Detector, Findings};
use crate::health::{Health, text};
use crate::outbox::{Entry, Outbox, OutboxError, RememberedDevice};
use crate::quarantine::Quarantine;
use crate::sources::{Body, Frame, mqtt::Ack};
use crate::telemetry::Thinning;
use gridwatch_decode::{Decoded, Decoder, Refusal};

/// Frames taken in one round: bounds the work between two commits.
const ROUND_MAX: usize = 512;
/// How often time is told to the detector, in real time.
const TICK: Duration = Duration::from_millis(200);
/// Pause before a full disk is tried again.
const FULL_RETRY: Duration = Duration::from_secs(1);
/// Telemetry waits for this many readings or the next tick but four, so that it costs one commit a second.
const TELEMETRY_ROWS: usize = 2_000;
const TELEMETRY_TICKS: u32 = 5;

/// What the rest of the agent may see of the pipeline: read by the heartbeat, written after each round.
#[derive(Debug, Default)]
pub struct Shared {
    /// Devices that are new or changed since the hub was last told.
    pub changed_devices: Vec<DeviceStatus>,
    /// Samples of what nobody understood.
    pub quarantine: Vec<QuarantineSample>,
    /// Devices that the hub was told since the last round.
    pub told: Vec<DeviceStatus>,
    /// Whether the wall clock can be trusted, as the heartbeat found.
    pub clock: ClockQuality,
    /// Set when the hub has lost what it knew of the devices.
    pub tell_all: bool,
}

/// Everything that a round works on.
#[derive(Debug)]
pub struct Pipeline {
    /// The clocks.
    pub clock: Clock,
    /// Frame → readings.
    pub decoder: Decoder,
    /// Readings → alerts.
    pub detector: Detector,
    /// What goes to the history.
    pub thinning: Thinning,
    /// The anomaly model's side.
    pub scoring: Scoring,
    /// What nobody understood.
    pub quarantine: Quarantine,
    /// Where local tools ask for a walk test.
    pub desk: Desk,
    /// Where it is kept.
    pub outbox: Outbox,
    /// Counters.
    pub health: Arc<Health>,
    /// What others may see.
    pub shared: Arc<Mutex<Shared>>,
    /// What this round wants kept.
    pub entry: Entry,
}

impl Pipeline {
    /// Runs until the last source has ended, then commits what is left.
    ///
    /// # Errors
    /// When nothing can be kept any more: the process must end.
    pub async fn run(mut self, mut frames: Receiver<Frame>) -> Result<(), OutboxError> {
        let mut round = Vec::with_capacity(ROUND_MAX);
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut ticks = 0_u32;
        let models_go_on = self.scoring.is_active();
        let orphans = self.detector.close_orphans(models_go_on, self.clock.now());
        self.take_findings(orphans);
        loop {
            // `recv_many` and `tick` are cancel-safe: nothing is taken by the branch that loses.
            let ended = tokio::select! {
                biased;
                _ = tick.tick() => {
                    ticks += 1;
                    self.time_passes(ticks);
                    false
                }
                count = frames.recv_many(&mut round, ROUND_MAX) => count == 0,
            };
            self.health.frames_waiting.set(frames.len() as u64);
            let acks = self.judge(&mut round);
            let urgent = !self.entry.alerts.is_empty()
                || !self.entry.episodes.is_empty()
                || !self.entry.devices.is_empty();
            let telemetry_due = self.entry.readings.len() >= TELEMETRY_ROWS
                || (ticks.is_multiple_of(TELEMETRY_TICKS) && !self.entry.readings.is_empty());
            if urgent || telemetry_due || ended {
                self.commit().await?;
            }
            acks.into_iter().for_each(Ack::send);
            if ended {
                self.scoring.save(self.clock.now());
                return Ok(());
            }
        }
    }

    fn judge(&mut self, round: &mut Vec<Frame>) -> Vec<Ack> {
        let mut acks = Vec::with_capacity(round.len());
        for frame in round.drain(..) {
            match frame.body {
                Body::Message(message) => {
                    let decoded = self.decoder.message(&gridwatch_decode::Message::new(
                        &message.topic,
                        &message.payload,
                        message.retained,
                        frame.received.wall,
                    ));
                    self.decoded(
                        &frame.source,
                        &message.topic,
                        &message.payload,
                        decoded,
                        frame.received,
                    );
                    acks.push(message.ack);
                }
                Body::Registers(registers) => {
                    let decoded = self.decoder.registers(&registers, frame.received.wall);
                    self.decoded(&frame.source, &frame.source, &[], decoded, frame.received);
                }
                Body::Profiles(profiles) => {
                    self.detector.supervision_mut().profiles_changed(&profiles);
                    self.decoder.set_profiles(profiles);
                    self.health.profiles_applied.inc();
                }
                Body::Link(state) => self.link(&frame.source, state, frame.received),
            }
        }
        acks
    }

    fn decoded(
        &mut self,
        source: &Arc<str>,
        from: &str,
        payload: &[u8],
        decoded: Result<Decoded, Refusal>,
        now: crate::clock::Moment,
    ) {
        match decoded {
            Ok(decoded) => {
                self.told(&decoded, source, now);
                for problem in &decoded.problems {
                    self.health.decode_problems.inc();
                    if self.quarantine.take(from, problem, payload, now.wall) {
                        tracing::warn!(source = %source, from, problem, "a field could not be read");
                    }
                }
                self.readings(source, &decoded.by, decoded.readings, now);
            }
            Err(refusal) => {
                match refusal {
                    Refusal::Unknown(_) => self.health.decode_unknown.inc(),
                    Refusal::Malformed(_) => self.health.decode_refused.inc(),
                }
                let why = refusal.to_string();
                if self.quarantine.take(from, &why, payload, now.wall) {
                    tracing::warn!(source = %source, from, why, "message not understood");
                }
            }
        }
    }

    /// Takes in what a frame tells beside readings: inventories, bridges, signs of life, wrong clocks.
    fn told(&mut self, decoded: &Decoded, source: &Arc<str>, now: crate::clock::Moment) {
        for announcement in &decoded.announcements {
            let profile = self.decoder.profile_for(&decoded.by, announcement);
            if self
                .detector
                .announce(announcement, &decoded.by, profile, now)
                && let Ok(device) = announcement.device.parse()
            {
                self.keep(device);
            }
        }
        for bridge in &decoded.bridges {
            self.detector.bridge(bridge, now);
        }
        for device in &decoded.heard {
            if self
                .detector
                .heard(device, source, None, &decoded.by, None, now)
            {
                self.keep(device.clone());
            }
        }
        for device in &decoded.wrong_clocks {
            self.detector.device_clock(device, false);
        }
    }

    /// What is known of a device goes to the disk with this round.
    fn keep(&mut self, device: DeviceId) {
        if let Some(facts) = self.detector.supervision_mut().facts(&device).cloned() {
            self.entry.devices.push(RememberedDevice { device, facts });
        }
    }

    fn readings(
        &mut self,
        source: &Arc<str>,
        by: &str,
        readings: Vec<Reading>,
        now: crate::clock::Moment,
    ) {
        for reading in readings {
            let profile = self.decoder.profile_of(&reading.device);
            let is_offline = reading.kind == gridwatch_protocol::Kind::Availability
                && reading.value.as_bool() == Some(false);
            if is_offline && !reading.retained {
                self.detector.offline(&reading.device);
            } else if !reading.retained {
                let kind = Some(reading.kind);
                if self
                    .detector
                    .heard(&reading.device, source, profile, by, kind, now)
                {
                    self.keep(reading.device.clone());
                }
            }
            self.reading(reading, now);
        }
    }

    fn reading(&mut self, reading: Reading, now: crate::clock::Moment) {
        self.health.readings.inc();
        if reading.quality == gridwatch_protocol::Quality::Bad {
            self.health.readings_bad.inc();
        }
        let findings = self.detector.observe(&reading, now, &mut mint);
        self.take_findings(findings);
        self.scoring
            .observe(&reading, &self.detector, &self.health, now);
        let building = self.detector.building_of(&reading.device);
        if self.thinning.keeps(&reading, building, now.mono_ms) {
            self.health.readings_stored.inc();
            self.entry.readings.push(reading);
        } else {
            self.health.readings_thinned.inc();
        }
    }

    fn link(&mut self, source: &Arc<str>, state: Result<(), String>, now: crate::clock::Moment) {
        match &state {
            Ok(()) => self.health.clear_fault("source_lost", source),
            Err(why) => {
                let detail = text(
                    format!("数据源不可用：{why}"),
                    format!("source not available: {why}"),
                );
                self.health
                    .raise_fault("source_lost", source, now.wall, detail);
            }
        }
        self.detector
            .source(source, state.as_ref().copied().map_err(String::as_str), now);
    }

    fn time_passes(&mut self, ticks: u32) {
        let now = self.clock.now();
        let ended = self.decoder.tick(now.wall);
        for reading in ended.readings {
            self.reading(reading, now);
        }
        let findings = self.detector.tick(now, &mut mint);
        self.take_findings(findings);
        let findings = self.desk.serve(&mut self.detector, now);
        self.take_findings(findings);
        for finding in self
            .scoring
            .results(&mut self.detector, &self.health, now, &mut mint)
        {
            self.take_findings(finding);
        }
        let (devices, lost) = self.detector.supervision_mut().counts();
        self.health.devices.set(devices as u64);
        self.health.devices_lost.set(lost as u64);
        if ticks.is_multiple_of(TELEMETRY_TICKS) {
            self.share();
        }
    }

    fn share(&mut self) {
        let mut shared = self
            .shared
            .lock()
            .expect("no code panics while it holds the shared state");
        let told = std::mem::take(&mut shared.told);
        let tell_all = std::mem::take(&mut shared.tell_all);
        let clock = shared.clock;
        let supervision = self.detector.supervision_mut();
        supervision.told(&told);
        if tell_all {
            supervision.forget_told();
        }
        shared.changed_devices = supervision.changed(gridwatch_protocol::HEARTBEAT_DEVICES_MAX);
        shared.quarantine = self.quarantine.newest(20);
        self.health.set_quarantine(shared.quarantine.clone());
        drop(shared);
        self.detector.set_clock(clock);
    }

    fn take_findings(&mut self, findings: Findings) {
        self.health.alerts_repeated.add(findings.repeated);
        self.health.alerts_held.add(findings.held);
        for alert in &findings.alerts {
            self.note(alert);
        }
        self.entry.alerts.extend(findings.alerts);
        self.entry.episodes.extend(findings.episodes);
    }

    fn note(&mut self, alert: &Alert) {
        self.scoring.ruled(alert, self.clock.now());
        if alert.phase == Phase::Cleared {
            self.health.alerts_cleared.inc();
            tracing::info!(alert = %alert.id, device = %alert.device, "alert cleared: {}", alert.reason.en);
            return;
        }
        self.health.alerts_raised.inc();
        tracing::warn!(alert = %alert.id, severity = %alert.severity, device = %alert.device, "alert raised: {}", alert.reason.en);
        let now_ms = self.clock.now().mono_ms;
        self.thinning.alert_in(alert.place.building.clone(), now_ms);
    }

    /// Commits the round; a full disk is tried again until it has room, because acknowledging what is
    /// not kept would lose it.
    async fn commit(&mut self) -> Result<(), OutboxError> {
        let mut entry = std::mem::take(&mut self.entry);
        if entry.is_empty() {
            return Ok(());
        }
        loop {
            let attempt = Entry {
                alerts: entry.alerts.clone(),
                episodes: entry.episodes.clone(),
                readings: std::mem::take(&mut entry.readings),
                devices: entry.devices.clone(),
            };
            match self.outbox.append(attempt).await {
                Ok(_) => return Ok(()),
                Err(OutboxError::Full) => {
                    tracing::error!(
                        "the disk of the outbox is full: holding {} alert messages in memory, their sources are not acknowledged",
                        entry.alerts.len()
                    );
                    tokio::time::sleep(FULL_RETRY).await;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// A new alert id: a version 7 UUID, which sorts by time.
fn mint() -> AlertId {
    AlertId(Uuid::now_v7())
}
