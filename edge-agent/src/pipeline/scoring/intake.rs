//! From readings to features: which room or stream a reading belongs to, and what it tells.

use gridwatch_anomaly::counts::{Event, What as Happened, pseudonym};
use gridwatch_anomaly::features::{Channel, Observation, measure};
use gridwatch_protocol::{Alert, DeviceId, Kind, Quality, Reading, Value};

use super::subject::{Key, Subject, What};
use super::{Active, adopt};
use crate::clock::Moment;
use crate::detection::{Detector, Findings, Mint};
use crate::health::Health;

/// How often a stream is told that time passes, and scored without an event.
const STREAM_TICK_MS: i64 = 60_000;
/// Labels under which cameras report smoke or fire.
const FIRE_LABELS: [&str; 3] = ["fire", "smoke", "flame"];
/// So many days of counts before they say when people are expected.
const EXPECT_DAYS: f64 = 7.0;

impl Active {
    pub(super) fn observe(
        &mut self,
        reading: &Reading,
        detector: &Detector,
        health: &Health,
        now: Moment,
    ) {
        if reading.retained || reading.is_test || reading.quality == Quality::Bad {
            return;
        }
        let measured = reading
            .value
            .as_number()
            .and_then(|number| measure(reading.kind, reading.unit.as_deref(), number));
        if let Some((channel, value)) = measured {
            self.measured(&reading.device, channel, value, detector, health, now);
        } else if is_event(reading.kind) {
            self.context(reading, detector, now);
            self.event(reading, health, now);
        }
    }

    fn measured(
        &mut self,
        device: &DeviceId,
        channel: Channel,
        value: f64,
        detector: &Detector,
        health: &Health,
        now: Moment,
    ) {
        let Some(index) = self.room(device, channel, detector) else {
            health.model_refused.inc();
            return;
        };
        let at = self.time(now);
        let offset_s = self.offset_s(at);
        let subject = &mut self.subjects[index];
        let in_episode = subject.in_episode();
        if let What::Room { features, .. } = &mut subject.kept.what {
            features.set_utc_offset_s(offset_s);
            features.set_episode(in_episode);
            features.update(channel, at, value);
        }
        self.score_if_due(index, health, now);
    }

    /// Hands a row over, at most once in the configured interval.
    fn score_if_due(&mut self, index: usize, health: &Health, now: Moment) {
        let subject = &mut self.subjects[index];
        if now.mono_ms - subject.scored_ms < self.config.interval_ms {
            return;
        }
        subject.scored_ms = now.mono_ms;
        let row = subject.row();
        self.submit(index, &row, health);
        self.due.push(index);
    }

    /// The room that a device's channel belongs to.
    fn room(&mut self, device: &DeviceId, channel: Channel, detector: &Detector) -> Option<usize> {
        let place = detector.place_of(device);
        let shared = place.room.is_some().then_some(Key::Place(place));
        for key in shared.into_iter().chain([Key::Device(device.clone())]) {
            let index = match self.by_key.get(&key) {
                Some(index) => *index,
                None => self.insert(Subject::room(key))?,
            };
            let subject = &mut self.subjects[index];
            let What::Room { owners, .. } = &mut subject.kept.what else {
                continue;
            };
            let owner = &mut owners[channel.index()];
            let is_new = owner.is_none();
            if owner.get_or_insert_with(|| device.clone()) != device {
                continue;
            }
            if is_new {
                adopt(&mut self.orphans, subject, std::slice::from_ref(device));
            }
            return Some(index);
        }
        None
    }

    fn event(&mut self, reading: &Reading, health: &Health, now: Moment) {
        let key = Key::Events(reading.device.clone());
        let index = match self.by_key.get(&key) {
            Some(index) => Some(*index),
            None => self.insert(Subject::stream(reading.device.clone(), reading.kind)),
        };
        let Some(index) = index else {
            health.model_refused.inc();
            return;
        };
        let at = self.time(now);
        let offset_s = self.offset_s(at);
        let subject = &mut self.subjects[index];
        let learning = subject.learning();
        if let What::Stream { events, states, .. } = &mut subject.kept.what {
            let Some(what) = happened(reading, states) else {
                return;
            };
            events.take(Event { at, what }, offset_s, learning);
        }
        self.score_if_due(index, health, now);
    }

    /// Tells the room of an opened door, or of a camera that sees fire.
    fn context(&mut self, reading: &Reading, detector: &Detector, now: Moment) {
        let observation = match (reading.kind, &reading.value) {
            (Kind::Door, Value::Bool(true)) => Observation::DoorOpened,
            (Kind::CameraObject, Value::Text(label)) if FIRE_LABELS.contains(&label.as_str()) => {
                // The reading tells that it was seen, and not how surely.
                Observation::CameraFire(1.0)
            }
            _ => return,
        };
        self.tell_room(&reading.device, observation, detector, now);
    }

    fn tell_room(
        &mut self,
        device: &DeviceId,
        observation: Observation,
        detector: &Detector,
        now: Moment,
    ) {
        let place = detector.place_of(device);
        if place.room.is_none() {
            return;
        }
        let at = self.time(now);
        if let Some(index) = self.by_key.get(&Key::Place(place))
            && let What::Room { features, .. } = &mut self.subjects[*index].kept.what
        {
            features.observe(at, observation);
        }
    }

    /// Lets time pass for the streams, in which silence is a count of zero; and judges by statistics where
    /// there is no model to trust.
    pub(super) fn tick(
        &mut self,
        detector: &mut Detector,
        health: &Health,
        now: Moment,
        mint: Mint,
    ) -> Vec<Findings> {
        let at = self.time(now);
        let offset_s = self.offset_s(at);
        let mut expected = Vec::new();
        for index in 0..self.subjects.len() {
            let subject = &mut self.subjects[index];
            if now.mono_ms - subject.ticked_ms < STREAM_TICK_MS {
                continue;
            }
            subject.ticked_ms = now.mono_ms;
            let learning = subject.learning();
            if let What::Stream { events, device, .. } = &mut subject.kept.what {
                events.tick(at, offset_s, learning);
                if events.counts().watched_days() >= EXPECT_DAYS {
                    let empty = f64::from(events.row()[gridwatch_anomaly::counts::at::OFF_HOURS]);
                    expected.push((device.clone(), 1.0 - empty));
                }
                self.score_if_due(index, health, now);
            }
        }
        for (device, share) in expected {
            self.tell_room(
                &device,
                Observation::OccupancyExpected(share),
                detector,
                now,
            );
        }
        self.answer_questions(now);
        let due = std::mem::take(&mut self.due);
        due.into_iter()
            .filter_map(|index| self.judge_statistics(index, detector, now, mint))
            .collect()
    }

    /// A fire or CO alarm of the site makes doors and cameras unusual for a reason that is known.
    pub(super) fn ruled(&mut self, alert: &Alert, active: bool, now: Moment) {
        let at = self.time(now);
        if alert.kind.is_life_safety() {
            let offset_s = self.offset_s(at);
            for subject in &mut self.subjects {
                let learning = subject.learning();
                if let What::Stream { events, .. } = &mut subject.kept.what {
                    let what = Happened::Fire { active };
                    events.take(Event { at, what }, offset_s, learning);
                }
            }
        }
        if active {
            self.compare_with_rule(alert, now);
        }
    }
}

fn is_event(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Door
            | Kind::AccessGranted
            | Kind::AccessDenied
            | Kind::CameraObject
            | Kind::LineCrossing
            | Kind::Motion
            | Kind::Occupancy
    )
}

/// What a reading says that happened; `None` when it repeats what is known or is no event.
fn happened(reading: &Reading, states: &mut Vec<(Kind, bool)>) -> Option<Happened> {
    let text = match &reading.value {
        Value::Text(text) => Some(text.as_str()),
        _ => None,
    };
    let seen = |label: &str| Happened::Seen {
        label: pseudonym(label),
        score: 0.0,
        is_person: label == "person",
    };
    match reading.kind {
        Kind::AccessGranted => Some(Happened::Granted {
            credential: text.map(pseudonym),
        }),
        Kind::AccessDenied => Some(Happened::Denied {
            credential: text.map(pseudonym),
        }),
        Kind::CameraObject | Kind::LineCrossing => text.map(seen),
        kind => {
            let state = reading.value.as_bool()?;
            match states.iter_mut().find(|(known, _)| *known == kind) {
                Some((_, before)) if *before == state => return None,
                Some((_, before)) => *before = state,
                None => states.push((kind, state)),
            }
            match (kind, state) {
                (Kind::Door, true) => Some(Happened::Opened),
                (Kind::Door, false) => Some(Happened::Closed),
                (_, true) => Some(seen(kind.as_str())),
                (_, false) => None,
            }
        }
    }
}
