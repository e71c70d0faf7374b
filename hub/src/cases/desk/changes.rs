//! What an alert does to the case that it is in. Pure.

use gridwatch_protocol::{Alert, Severity, Text, Timestamp};

use super::{Changes, Rules};
use crate::cases::steps::{due_after_suspension, own_step};
use crate::cases::{Arrival, Case, Details, DeviceRef, State, text};
use crate::catalogue::{Catalogue, Category, FIRE_CONFIRMED, FIRE_SUSPECTED, GATEWAY_OFFLINE};
use crate::correlation::level;

pub(super) fn device_ref(arrival: &Arrival) -> DeviceRef {
    DeviceRef {
        gateway: arrival.gateway.clone(),
        device: arrival.alert.device.clone(),
    }
}

/// Takes the more urgent category; what the hub has confirmed stays.
pub(super) fn category_of(case: &mut Case, category: &Category, catalogue: &Catalogue) {
    if ![FIRE_CONFIRMED, GATEWAY_OFFLINE].contains(&case.category.as_str()) {
        case.category = catalogue
            .more_urgent(&case.category, &category.code)
            .to_owned();
    }
}

/// Two detectors, one of them a smoke or heat detector or a camera that sees fire, confirm a fire.
pub(super) fn confirm_fire(
    case: &mut Case,
    arrival: &Arrival,
    category: &Category,
    catalogue: &Catalogue,
) {
    let device = device_ref(arrival);
    if category.detector && !case.detectors.contains(&device) {
        case.detectors.push(device);
    }
    let suspected = case.category == FIRE_SUSPECTED && catalogue.get(FIRE_CONFIRMED).is_some();
    if suspected && case.detectors.len() >= 2 {
        case.category = FIRE_CONFIRMED.to_owned();
    }
}

/// A more urgent alert makes the case more urgent; one that was acknowledged as less urgent has to be
/// acknowledged again (ISA-18.2: a more severe alarm is a new one).
pub(super) fn raise_severity(
    case: &mut Case,
    alert: &Alert,
    rules: Rules<'_>,
    now: Timestamp,
    changes: &mut Changes,
) {
    if alert.severity >= case.severity {
        return;
    }
    let before = case.severity;
    case.severity = alert.severity;
    let undecided = matches!(case.state, State::Reported | State::PreVerify);
    let limits = rules.catalogue.limits.of(&case.category, case.severity);
    let due = now.plus_ms(limits.acknowledge.ms());
    let unacknowledged = undecided && case.acknowledged_at.is_some();
    if unacknowledged {
        case.ack_due_at = due;
    } else if undecided {
        case.ack_due_at = case.ack_due_at.min(due);
    }
    lapse_proposal(case, now, changes);
    case.touch(now, true);
    let note = text(
        format!("紧急程度由 {before} 升为 {}", case.severity),
        format!("severity raised from {before} to {}", case.severity),
    );
    let details = Details {
        unacknowledged,
        level: level::by_severity(case.severity)
            .filter(|level| *level < level::present(case.progress.level)),
        ..Details::default()
    };
    let row = own_step(case, "escalate", case.state, details, note, now);
    changes.transitions.push((case.id, row));
    if case.state == State::Suspended && case.severity <= Severity::P2 {
        let note = text(
            "紧急事件不挂账，恢复处置",
            "urgent cases are never suspended",
        );
        let details = Details {
            due: due_after_suspension(case, rules.calendar, limits.disposal.clock, now),
            ..Details::default()
        };
        let row = own_step(case, "resume", State::Handling, details, note, now);
        changes.transitions.push((case.id, row));
    }
}

/// An alert that began as a test now says that it is real: a case that nobody looks at would swallow it.
pub(super) fn drill_is_real(case: &mut Case, now: Timestamp, changes: &mut Changes) {
    case.is_drill = false;
    case.touch(now, true);
    let note = text(
        "测试报警变为真实报警，按真实事件处理",
        "a test alert has become real; this is a real case from now on",
    );
    let from = Some(case.state);
    let transition = case.system_transition(now, "escalate", from, Some(note));
    changes.transitions.push((case.id, transition));
}

/// A proposal was made for what was known then; something new has come.
pub(super) fn lapse_proposal(case: &mut Case, now: Timestamp, changes: &mut Changes) {
    let Some(proposal) = &case.proposal else {
        return;
    };
    let note = text(
        format!("有新情况，{} 的提议失效", proposal.by_name),
        format!(
            "something new has come; the proposal of {} no longer counts",
            proposal.by_name
        ),
    );
    let row = own_step(
        case,
        "proposal_lapsed",
        case.state,
        Details::default(),
        note,
        now,
    );
    changes.transitions.push((case.id, row));
}

pub(super) fn raised_note(alert: &Alert) -> Text {
    alert.reason.clone()
}

pub(super) fn cleared_note(alert: &Alert) -> Text {
    text(
        format!("{}：现场恢复。{}", alert.device, alert.reason.zh),
        format!(
            "{}: the condition has ended. {}",
            alert.device, alert.reason.en
        ),
    )
}
