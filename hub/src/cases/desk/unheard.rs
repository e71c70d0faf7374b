//! What comes after somebody has acknowledged a case and before it is filed. Pure.
//!
//! An acknowledgement says "I have seen this". An alert of a device that was not in the case, or a more
//! urgent one, has not been seen by anybody: it must not vanish in the case, whatever its officer is
//! doing.

use gridwatch_protocol::{Alert, Kind, Timestamp};

use super::{CaseEvent, Changes};
use crate::cases::steps::own_step;
use crate::cases::{Case, Change, Details, State, text};
use crate::catalogue::{Catalogue, GATEWAY_OFFLINE};

/// Takes the acknowledgement back for an alert of a device that was not in the case before: the clock
/// starts again. Sensors that are silent because their gateway is are the same loss, not a new one.
pub(super) fn new_device(
    case: &mut Case,
    alert: &Alert,
    catalogue: &Catalogue,
    now: Timestamp,
    changes: &mut Changes,
) {
    let undecided = matches!(case.state, State::Reported | State::PreVerify);
    let same_loss = case.category == GATEWAY_OFFLINE && alert.kind == Kind::Availability;
    if !undecided || same_loss || case.acknowledged_at.is_none() {
        return;
    }
    case.ack_due_at = now.plus_ms(catalogue.acknowledge_ms(&case.category, case.severity));
    let by = case.acknowledged_by.clone().unwrap_or_default();
    let device = &alert.device;
    let note = text(
        format!("{by} 确认后又有设备 {device} 报警，须重新确认"),
        format!(
            "device {device} was not in it when {by} acknowledged it; it has to be acknowledged again"
        ),
    );
    let details = Details {
        unacknowledged: true,
        ..Details::default()
    };
    let row = own_step(case, "report_again", case.state, details, note, now);
    changes.transitions.push((case.id, row));
}

/// Tells that the acknowledgement which a case had is gone, for whatever reason.
pub(super) fn tell(case: &Case, was_acknowledged: bool, now: Timestamp, changes: &mut Changes) {
    if was_acknowledged && case.acknowledged_at.is_none() {
        changes.events.push(CaseEvent {
            at: now,
            case: case.id,
            change: Change::ReportedAgain,
        });
    }
}
