//! One case takes another one in, and gives it back. Pure.
//!
//! The alerts go with their case, so that whatever comes later about them is seen in the case that
//! people work on. The urgency that they brought stays when they leave: nothing makes a case less
//! urgent.

use gridwatch_protocol::Timestamp;

use super::progress::Details;
use super::steps::own_step;
use super::{Case, State, Transition, text};

/// How many alerts move, and how many of them have not cleared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// All of them.
    pub alerts: u32,
    /// Those that have not cleared.
    pub active: u32,
}

/// `master` takes in all that `merged` holds.
pub fn take_in(master: &mut Case, merged: &mut Case, now: Timestamp) -> Transition {
    for device in &merged.devices {
        if !master.devices.contains(device) {
            master.devices.push(device.clone());
        }
    }
    for detector in &merged.detectors {
        if !master.detectors.contains(detector) {
            master.detectors.push(detector.clone());
        }
    }
    for kind in &merged.kinds {
        if !master.kinds.contains(kind) {
            master.kinds.push(*kind);
        }
    }
    let moving = Counts {
        alerts: merged.alert_count,
        active: merged.alerts_active,
    };
    shift(merged, master, moving);
    // Somebody is looking at it now; and what joins may be life safety, which no silence hides.
    master.marks.silenced = None;
    // A more urgent case does not hide in a less urgent one: it has to be acknowledged again.
    let escalates = merged.severity < master.severity;
    let undecided = matches!(master.state, State::Reported | State::PreVerify);
    if escalates {
        master.severity = merged.severity;
        master.ack_due_at = master.ack_due_at.min(merged.ack_due_at);
    }
    let note = text(
        format!("并入事件 {}", merged.number),
        format!("took in case {}", merged.number),
    );
    let details = Details {
        case: Some(merged.id),
        unacknowledged: escalates && undecided,
        ..Details::default()
    };
    let row = own_step(master, "take_in", master.state, details, note, now);
    master.touch(now, true);
    row
}

/// `master` gives back what it has taken in from `merged` and still holds of it.
pub fn give_back(
    master: &mut Case,
    merged: &mut Case,
    moving: Counts,
    now: Timestamp,
) -> Transition {
    shift(master, merged, moving);
    let note = text(
        format!("撤销并案，事件 {} 恢复", merged.number),
        format!("gave case {} back", merged.number),
    );
    let details = Details {
        case: Some(merged.id),
        ..Details::default()
    };
    let row = own_step(master, "give_back", master.state, details, note, now);
    master.touch(now, true);
    row
}

fn shift(from: &mut Case, to: &mut Case, moving: Counts) {
    from.alert_count = from.alert_count.saturating_sub(moving.alerts);
    from.alerts_active = from.alerts_active.saturating_sub(moving.active);
    to.alert_count += moving.alerts;
    to.alerts_active += moving.active;
}
