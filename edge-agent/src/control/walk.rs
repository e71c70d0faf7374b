//! The record of a walk test while it grows. Pure but for the monotonic clock of each press.

use std::time::{Duration, Instant};

use gridwatch_protocol::{
    AlertId, COMMISSIONING_MISSING_MAX, CommissioningRecord, DeviceId, Kind, Timestamp,
    WalkTestEnd, WalkTestMissing, WalkTestPress, WalkTestResult,
};

use super::PressState;
use crate::detection::walk_test::{Expected, Press, is_alarm_state};
use crate::outbox::RowState;
use gridwatch_decode::profile::Profile;

/// An alarm that is not accepted within this time is late (GB 26875.1: 10 s); the record is made after
/// waiting so long for the last presses.
pub(super) const LATE: Duration = Duration::from_secs(10);

/// A walk test as far as it has come.
#[derive(Debug)]
pub(super) struct Walk {
    pub(super) record: CommissioningRecord,
    pub(super) until: Timestamp,
    pub(super) states: Vec<PressState>,
    heard: Vec<Instant>,
    pub(super) ended: Option<Instant>,
    /// Changed since it was last shown.
    pub(super) is_new: bool,
}

impl Walk {
    pub(super) fn new(record: CommissioningRecord, until: Timestamp) -> Self {
        Self {
            record,
            until,
            states: Vec::new(),
            heard: Vec::new(),
            ended: None,
            is_new: true,
        }
    }

    pub(super) fn pressed(&mut self, press: Press, now: Instant) {
        let sensor_to_agent_ms = press
            .device_time
            .map(|time| press.received_at.ms_since(time));
        self.record.tested.push(WalkTestPress {
            device: press.device,
            place: press.place,
            kind: press.kind,
            alert: press.alert,
            device_time: press.device_time,
            received_at: press.received_at,
            accepted_at: None,
            sensor_to_agent_ms,
            agent_to_hub_ms: None,
            refused: None,
        });
        self.states.push(PressState::Waiting);
        self.heard.push(now);
        self.is_new = true;
    }

    /// Test alerts whose fate is open.
    pub(super) fn open(&self) -> Vec<AlertId> {
        let open = |state: &PressState| matches!(state, PressState::Waiting | PressState::Late);
        self.record
            .tested
            .iter()
            .zip(&self.states)
            .filter(|(_, state)| open(state))
            .map(|(press, _)| press.alert)
            .collect()
    }

    /// Takes in what the outbox says about a test alert.
    pub(super) fn settled(&mut self, alert: AlertId, row: RowState, at: Option<Timestamp>) {
        let presses = self.record.tested.iter_mut().zip(&mut self.states);
        for (press, state) in presses.filter(|(press, _)| press.alert == alert) {
            match &row {
                RowState::Unsent => continue,
                RowState::Accepted => {
                    press.accepted_at = at;
                    // A step of the wall clock in between must not show as a negative time.
                    press.agent_to_hub_ms = at.map(|at| at.ms_since(press.received_at).max(0));
                    *state = PressState::Accepted;
                }
                RowState::Rejected { reason } => {
                    press.refused = Some(reason.clone());
                    *state = PressState::Refused;
                }
            }
            self.is_new = true;
        }
    }

    /// Marks presses that wait for too long.
    pub(super) fn mark_late(&mut self, now: Instant) {
        for (state, heard) in self.states.iter_mut().zip(&self.heard) {
            if *state == PressState::Waiting && now.duration_since(*heard) >= LATE {
                *state = PressState::Late;
                self.is_new = true;
            }
        }
    }

    /// The test has ended; its record is made when the last presses are settled.
    pub(super) fn end(
        &mut self,
        because: WalkTestEnd,
        at: Timestamp,
        expected: &[Expected],
        profiles: &[Profile],
        now: Instant,
    ) {
        self.record.ended_at = at;
        self.record.ended_because = because;
        let mut missing: Vec<WalkTestMissing> = expected
            .iter()
            .filter(|device| is_expected(device, &self.record.chosen, profiles))
            .filter(|device| !self.is_pressed(device))
            .map(|device| WalkTestMissing {
                device: device.device.clone(),
                place: device.place.clone(),
            })
            .collect();
        let over = missing.len().saturating_sub(COMMISSIONING_MISSING_MAX);
        self.record.missing_not_listed = over as u64;
        missing.truncate(COMMISSIONING_MISSING_MAX);
        self.record.missing = missing;
        self.ended = Some(now);
        self.is_new = true;
    }

    fn is_pressed(&self, device: &Expected) -> bool {
        self.record.tested.iter().any(|press| {
            press.device == device.device && !(device.life_safety && press.kind == Kind::Tamper)
        })
    }

    /// Whether the record can be made.
    pub(super) fn is_done(&self, now: Instant) -> bool {
        let waited = self.ended.map(|ended| now.duration_since(ended));
        waited.is_some_and(|waited| waited >= LATE || self.open().is_empty())
    }

    /// The record, judged.
    pub(super) fn judged(&self) -> CommissioningRecord {
        let mut record = self.record.clone();
        record.result = record.judged();
        record
    }
}

/// The record of a test whose agent was stopped in its middle.
pub(super) fn interrupted(mut record: CommissioningRecord) -> CommissioningRecord {
    record.ended_because = WalkTestEnd::Restart;
    record.result = match record.judged() {
        WalkTestResult::Passed => WalkTestResult::Incomplete,
        other => other,
    };
    record
}

/// Devices that are expected to be pressed.
pub(super) fn expected_ids(
    expected: &[Expected],
    chosen: &[DeviceId],
    profiles: &[Profile],
) -> Vec<DeviceId> {
    expected
        .iter()
        .filter(|device| is_expected(device, chosen, profiles))
        .map(|device| device.device.clone())
        .collect()
}

/// The chosen ones; without a choice the configured ones and those that protect life, but for what
/// can only measure: nobody can press a thermometer.
fn is_expected(device: &Expected, chosen: &[DeviceId], profiles: &[Profile]) -> bool {
    if !chosen.is_empty() {
        return chosen.contains(&device.device);
    }
    let profile = profiles
        .iter()
        .find(|profile| Some(&profile.id) == device.profile.as_ref());
    let can_alarm = match profile {
        Some(profile) => profile.kinds().into_iter().any(is_alarm_state),
        None => device.kinds.is_empty() || device.kinds.iter().copied().any(is_alarm_state),
    };
    (device.configured || device.life_safety) && can_alarm
}

#[cfg(test)]
mod tests;
