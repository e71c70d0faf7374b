//! The walk test: somebody walks the building and presses test buttons, and every press becomes one
//! test alert that travels the whole way. Pure.
//!
//! The risk is named: a device under test raises no real alert. So its scope is chosen, its time is
//! limited, and nothing is forgotten: an alarm that a rule finds meanwhile is *held*, as an open
//! episode that the outbox keeps and that has told nothing yet. It ends silently with its condition;
//! what still stands when the test ends, or after a restart in its middle, is raised then, as real.
//!
//! Devices that are not under test go on as always. Alarms that stood before the test stay real.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use gridwatch_protocol::{
    Alert, AlertId, COMMISSIONING_PRESSES_MAX, DetectedBy, DeviceId, Kind, Phase, Place, Reading,
    Severity, Timestamp, Value, WALK_TEST_MINUTES_MAX, WalkTestEnd,
};

use super::{
    DEVICES_MAX, Detector, EpisodeChange, EpisodeKey, Findings, Mint, OpenEpisode, SOURCE_RULE,
    words,
};
use crate::clock::Moment;

/// Name under which test alerts of a walk test are raised.
pub const WALK_TEST_RULE: &str = "walk-test";
/// Name of those for an opened housing: whoever takes a detector off its base has not tested it.
pub const WALK_TEST_TAMPER_RULE: &str = "walk-test-tamper";
/// A test button that is never said to be released counts as released after this.
const BUTTON_LAPSE_MS: i64 = 30_000;
/// Test alerts of one device in one test; further presses are only counted, so that a loose contact
/// does not flood the way of the alarms.
const PRESSES_PER_DEVICE_MAX: usize = 20;
const MINUTE_MS: i64 = 60_000;

/// States that count as a press when a device under test says them.
const ALARM_STATES: &[Kind] = &[
    Kind::Smoke,
    Kind::Heat,
    Kind::Gas,
    Kind::CarbonMonoxide,
    Kind::WaterLeak,
    Kind::DoorForced,
    Kind::DoorHeld,
    Kind::VideoLoss,
    Kind::Tamper,
    Kind::AlarmTest,
];

/// Whether a device that reports this kind can be pressed.
#[must_use]
pub fn is_alarm_state(kind: Kind) -> bool {
    ALARM_STATES.contains(&kind)
}

/// What to test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalkTestScope {
    /// The devices; empty = all.
    pub devices: BTreeSet<DeviceId>,
    /// For how long, at most [`WALK_TEST_MINUTES_MAX`].
    pub minutes: u32,
    /// Who tests.
    pub by: String,
}

/// Why a walk test cannot begin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WalkTestRefusal {
    /// One is running.
    #[error("a walk test by {0} is running; end it first")]
    Running(String),
    /// Too short or too long.
    #[error("a walk test lasts 1 to {WALK_TEST_MINUTES_MAX} minutes, not {0}")]
    Minutes(u32),
    /// Nobody is named.
    #[error("say who tests")]
    Nobody,
    /// No such device has been heard or configured.
    #[error(
        "no device `{0}` is configured or has been heard; look at its id with the list of devices"
    )]
    Device(DeviceId),
}

/// A press, as it was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Press {
    /// The device.
    pub device: DeviceId,
    /// Where it is.
    pub place: Place,
    /// What it said.
    pub kind: Kind,
    /// The test alert.
    pub alert: AlertId,
    /// The device's own time, if it sent a believable one.
    pub device_time: Option<Timestamp>,
    /// When it was received.
    pub received_at: Timestamp,
}

/// A device that a walk test may expect to be pressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The device.
    pub device: DeviceId,
    /// Where it is.
    pub place: Place,
    /// Whether it protects life; opening its housing alone is no test then.
    pub life_safety: bool,
    /// The profile that reads it.
    pub profile: Option<String>,
    /// What it has reported.
    pub kinds: Vec<Kind>,
    /// Whether the configuration names it.
    pub configured: bool,
}

/// What has happened since it was last asked for.
#[derive(Debug, Default)]
pub struct WalkTestNews {
    /// New presses.
    pub presses: Vec<Press>,
    /// Presses beyond [`COMMISSIONING_PRESSES_MAX`], or beyond what one device may raise.
    pub presses_not_listed: u64,
    /// Why and when the test ended, if it did.
    pub ended: Option<(WalkTestEnd, Timestamp)>,
}

/// A walk test that is running, and what it has to tell.
#[derive(Debug, Default)]
pub(super) struct WalkTest {
    running: Option<Running>,
    news: WalkTestNews,
}

#[derive(Debug)]
struct Running {
    scope: WalkTestScope,
    until_ms: i64,
    /// States that were so before the test: what is repeated of them is no press.
    standing: HashSet<(DeviceId, Kind)>,
    /// What holds each press open, with when it was last said.
    causes: HashMap<EpisodeKey, BTreeMap<Cause, i64>>,
    presses: usize,
    presses_of: HashMap<DeviceId, usize>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Cause {
    State(&'static str),
    Rule(String),
}

impl Running {
    fn covers(&self, device: &DeviceId) -> bool {
        self.scope.devices.is_empty() || self.scope.devices.contains(device)
    }
}

impl Detector {
    /// Begins a walk test.
    ///
    /// # Errors
    /// When one is running, or the scope is not allowed.
    pub fn start_walk_test(
        &mut self,
        scope: WalkTestScope,
        now: Moment,
    ) -> Result<(), WalkTestRefusal> {
        if let Some(running) = &self.walk_test.running {
            return Err(WalkTestRefusal::Running(running.scope.by.clone()));
        }
        if !(1..=WALK_TEST_MINUTES_MAX).contains(&scope.minutes) {
            return Err(WalkTestRefusal::Minutes(scope.minutes));
        }
        if scope.by.trim().is_empty() {
            return Err(WalkTestRefusal::Nobody);
        }
        let known: HashSet<DeviceId> = self.expected().into_iter().map(|e| e.device).collect();
        if let Some(stranger) = scope
            .devices
            .iter()
            .find(|id| !known.contains(*id) && !self.devices.contains_key(*id))
        {
            return Err(WalkTestRefusal::Device(stranger.clone()));
        }
        let running = Running {
            until_ms: now
                .mono_ms
                .saturating_add(i64::from(scope.minutes) * MINUTE_MS),
            standing: self.standing(),
            causes: HashMap::new(),
            presses: 0,
            presses_of: HashMap::new(),
            scope,
        };
        self.walk_test = WalkTest {
            running: Some(running),
            news: WalkTestNews::default(),
        };
        Ok(())
    }

    /// Ends the walk test, if one is running: presses are over, and what still stands is real.
    pub fn end_walk_test(&mut self, because: WalkTestEnd, now: Moment) -> Findings {
        let mut findings = Findings::default();
        let Some(running) = self.walk_test.running.take() else {
            return findings;
        };
        for key in running.causes.keys() {
            self.close(key, words::walk_test_over(), now, &mut findings);
        }
        self.raise_held(now, &mut findings);
        self.walk_test.news.ended = Some((because, now.wall));
        findings
    }

    /// What has happened since the last call.
    pub fn walk_test_news(&mut self) -> WalkTestNews {
        std::mem::take(&mut self.walk_test.news)
    }

    /// Devices that a walk test could expect: all that are configured or have been heard.
    #[must_use]
    pub fn expected(&self) -> Vec<Expected> {
        let expected = self
            .supervision
            .all()
            .map(|(status, life_safety)| Expected {
                life_safety: life_safety || status.kinds.iter().any(|kind| kind.is_life_safety()),
                device: status.device,
                place: status.place,
                profile: status.profile,
                kinds: status.kinds,
                configured: status.known,
            });
        let mut expected: Vec<Expected> = expected.collect();
        expected.sort_by(|a, b| a.device.cmp(&b.device));
        expected
    }

    /// Whether a device raises no real alert at present.
    #[must_use]
    pub fn is_under_test(&self, device: &DeviceId) -> bool {
        let running = self.walk_test.running.as_ref();
        running.is_some_and(|running| running.covers(device))
    }

    /// Takes in what a device under test says.
    pub(super) fn walk_heard(
        &mut self,
        reading: &Reading,
        now: Moment,
        mint: Mint,
        findings: &mut Findings,
    ) {
        if !self.is_under_test(&reading.device) || !is_alarm_state(reading.kind) {
            return;
        }
        let Value::Bool(state) = reading.value else {
            return;
        };
        let place = (reading.device.clone(), reading.kind);
        let cause = Cause::State(reading.kind.as_str());
        if !state {
            if let Some(running) = &mut self.walk_test.running {
                running.standing.remove(&place);
            }
            self.walk_cause_ends(&reading.device, &cause, now, findings);
            return;
        }
        let stood = |running: &Running| running.standing.contains(&place);
        if reading.retained || self.walk_test.running.as_ref().is_some_and(stood) {
            return;
        }
        self.walk_cause(
            &reading.device,
            reading.kind,
            cause,
            Some(reading),
            now,
            mint,
            findings,
        );
    }

    /// A rule has found an alarm of a device under test: a press, and an alarm that is held.
    pub(super) fn walk_rule(
        &mut self,
        key: EpisodeKey,
        alert: Alert,
        reading: Option<&Reading>,
        now: Moment,
        mint: Mint,
        findings: &mut Findings,
    ) {
        let cause = Cause::Rule(key.rule().to_owned());
        let (device, kind) = (alert.device.clone(), alert.kind);
        self.hold(key, alert, findings);
        self.walk_cause(&device, kind, cause, reading, now, mint, findings);
    }

    /// Keeps an alarm of a device under test without telling it.
    pub(super) fn hold(&mut self, key: EpisodeKey, alert: Alert, findings: &mut Findings) {
        let episode = OpenEpisode {
            key: key.clone(),
            alert: Alert {
                evidence: Vec::new(),
                ..alert
            },
            held: true,
        };
        findings
            .episodes
            .push(EpisodeChange::Opened(Box::new(episode.clone())));
        self.episodes.insert(key, episode);
    }

    /// A held alarm is over before anybody was told.
    pub(super) fn held_is_over(&mut self, key: &EpisodeKey, now: Moment, findings: &mut Findings) {
        findings.episodes.push(EpisodeChange::Closed(key.clone()));
        let cause = Cause::Rule(key.rule().to_owned());
        self.walk_cause_ends(key.device(), &cause, now, findings);
    }

    /// Whether an alarm is to be held instead of raised.
    pub(super) fn holds(&self, key: &EpisodeKey) -> bool {
        key.rule() != SOURCE_RULE && self.is_under_test(key.device())
    }

    /// Raises what was held and still stands.
    pub(super) fn raise_held(&mut self, now: Moment, findings: &mut Findings) {
        let held: Vec<OpenEpisode> = self
            .episodes
            .values()
            .filter(|episode| episode.held)
            .cloned()
            .collect();
        for episode in held {
            self.episodes.remove(&episode.key);
            // What is a test by itself was told as the press that it is.
            if episode.alert.is_test {
                findings.episodes.push(EpisodeChange::Closed(episode.key));
                continue;
            }
            let evidence = self
                .devices
                .get(&episode.alert.device)
                .map(|device| device.evidence.iter().cloned().collect())
                .unwrap_or_default();
            let reason = words::stands_after_walk_test(&episode.alert.reason);
            let alert = Alert {
                phase: Phase::Raised,
                at: now.wall,
                clock: self.clock,
                reason,
                evidence,
                ..episode.alert
            };
            self.open_now(episode.key, alert, findings);
        }
    }

    /// Lets time pass.
    pub(super) fn walk_tick(&mut self, now: Moment) -> Findings {
        let Some(running) = &self.walk_test.running else {
            return Findings::default();
        };
        if now.mono_ms >= running.until_ms {
            return self.end_walk_test(WalkTestEnd::Time, now);
        }
        let button = Cause::State(Kind::AlarmTest.as_str());
        let lapsed: Vec<DeviceId> = running
            .causes
            .iter()
            .filter(|(_, causes)| {
                let said = causes.get(&button);
                said.is_some_and(|said| now.mono_ms - said >= BUTTON_LAPSE_MS)
            })
            .map(|(key, _)| key.device().clone())
            .collect();
        let mut findings = Findings::default();
        for device in lapsed {
            self.walk_cause_ends(&device, &button, now, &mut findings);
        }
        findings
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one cause with all that it needs"
    )]
    fn walk_cause(
        &mut self,
        device: &DeviceId,
        kind: Kind,
        cause: Cause,
        reading: Option<&Reading>,
        now: Moment,
        mint: Mint,
        findings: &mut Findings,
    ) {
        let key = press_key(device, kind);
        let Some(running) = &mut self.walk_test.running else {
            return;
        };
        if let Some(causes) = running.causes.get_mut(&key) {
            causes.insert(cause, now.mono_ms);
            return;
        }
        if running.causes.len() >= DEVICES_MAX {
            return;
        }
        running
            .causes
            .insert(key.clone(), BTreeMap::from([(cause, now.mono_ms)]));
        let of_device = running.presses_of.entry(device.clone()).or_default();
        *of_device += 1;
        if *of_device > PRESSES_PER_DEVICE_MAX {
            self.walk_test.news.presses_not_listed += 1;
            return;
        }
        running.presses += 1;
        let is_listed = running.presses <= COMMISSIONING_PRESSES_MAX;
        let reason = words::walk_test_press(kind, &running.scope.by);
        let by = DetectedBy::Rule {
            rule: key.rule().to_owned(),
        };
        let mut alert = self.alert(device, kind, Severity::P4, by, reason, now, mint);
        alert.is_test = true;
        if is_listed {
            self.walk_test.news.presses.push(Press {
                device: device.clone(),
                place: alert.place.clone(),
                kind,
                alert: alert.id,
                device_time: reading.and_then(device_time),
                received_at: reading.map_or(now.wall, |reading| reading.received_at),
            });
        } else {
            self.walk_test.news.presses_not_listed += 1;
        }
        self.open_now(key, alert, findings);
    }

    /// Takes away what held a press open; the press is over with the last of it.
    fn walk_cause_ends(
        &mut self,
        device: &DeviceId,
        cause: &Cause,
        now: Moment,
        findings: &mut Findings,
    ) {
        for rule in [WALK_TEST_RULE, WALK_TEST_TAMPER_RULE] {
            let key = EpisodeKey::new(rule, device);
            let Some(running) = &mut self.walk_test.running else {
                return;
            };
            let Some(causes) = running.causes.get_mut(&key) else {
                continue;
            };
            if causes.remove(cause).is_some() && causes.is_empty() {
                running.causes.remove(&key);
                self.close(&key, words::walk_test_released(), now, findings);
            }
        }
    }

    /// Alarm states that are so at present, as far as is remembered.
    fn standing(&self) -> HashSet<(DeviceId, Kind)> {
        let mut standing = HashSet::new();
        for (id, device) in &self.devices {
            for reading in device.evidence.iter().filter(|r| is_alarm_state(r.kind)) {
                let place = (id.clone(), reading.kind);
                match reading.value {
                    Value::Bool(true) => standing.insert(place),
                    Value::Bool(false) => standing.remove(&place),
                    Value::Number(_) | Value::Text(_) => false,
                };
            }
        }
        // A button that was pressed before says nothing about the next press.
        standing.retain(|(_, kind)| *kind != Kind::AlarmTest);
        standing
    }

    /// After a restart a walk test is over: no press goes on.
    pub(super) fn end_presses_of_before(&mut self, now: Moment, findings: &mut Findings) {
        let presses =
            |key: &&EpisodeKey| matches!(key.rule(), WALK_TEST_RULE | WALK_TEST_TAMPER_RULE);
        let presses: Vec<EpisodeKey> = self.episodes.keys().filter(presses).cloned().collect();
        for key in presses {
            self.close(&key, words::restarted(), now, findings);
        }
    }
}

fn press_key(device: &DeviceId, kind: Kind) -> EpisodeKey {
    let rule = if kind == Kind::Tamper {
        WALK_TEST_TAMPER_RULE
    } else {
        WALK_TEST_RULE
    };
    EpisodeKey::new(rule, device)
}

/// The device's own time: where it has none that can be believed, `at` is the time of receipt. A time
/// after the receipt shows a clock that is ahead, and a latency from it would mean nothing.
fn device_time(reading: &Reading) -> Option<Timestamp> {
    (reading.at.ms_since(reading.received_at) < 0).then_some(reading.at)
}

#[cfg(test)]
mod tests;
