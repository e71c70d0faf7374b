//! The seam between clocks and cases: what clocks see of a case, and what a timer does to it. Pure.
//!
//! Every effect is one transition of the case and one event of the live feed. What no longer fits the
//! case changes nothing.

use gridwatch_protocol::{Severity, Text, Timestamp};

use super::Clocks;

use crate::cases::steps::due_after_suspension;
use crate::cases::timers::Dues;
use crate::cases::{Card, Case, Change, State, Transition, text, timers};
use crate::clocks::ClockType;
use crate::clocks::facts::{CaseFacts, Seen, Stage};
use crate::clocks::plan::{ClockKind, TimerEffect};

/// What clocks see of a case.
pub(super) fn seen(case: &Case) -> Seen<'_> {
    let stage = stage(case);
    Seen {
        stage,
        category: &case.category,
        severity: case.severity,
        opened_at: case.opened_at,
        ack_due_at: case.ack_due_at,
        own_at: timers::next(case),
        extensions: case.progress.extended,
        card: case.progress.card,
        contained_at: case.progress.contained_at,
        acknowledged: case.acknowledged_at.is_some()
            || stage != Stage::Reported && !case.progress.filed_by_hub,
        silenced: case.is_silenced(),
    }
}

fn stage(case: &Case) -> Stage {
    match case.state {
        State::Reported | State::PreVerify if case.acknowledged_at.is_none() => Stage::Reported,
        State::Reported | State::PreVerify => Stage::Verifying,
        State::Filed | State::Consulting => Stage::Filed,
        // What a unit sent back waits for another unit; what was not good enough, for its own.
        State::Returned if case.progress.unit.is_none() => Stage::Filed,
        State::Dispatched => Stage::Dispatched,
        State::Handling | State::Returned => Stage::Handling,
        State::Suspended => Stage::Suspended,
        State::Feedback | State::PostCheck => Stage::Checking,
        State::Closed
        | State::Evaluated
        | State::Rejected
        | State::Merged
        | State::ForcedClosed => Stage::Ended,
    }
}

/// Does to a case what its timer is for; nothing when it no longer fits.
pub(super) fn apply(
    case: &mut Case,
    facts: &CaseFacts,
    effect: TimerEffect,
    clocks: Clocks<'_>,
    now: Timestamp,
) -> Option<(Transition, Change)> {
    let (action, note, change) = match effect {
        TimerEffect::Escalate { level } => (
            "escalate_unacknowledged",
            escalated(facts, level),
            Change::Escalated,
        ),
        TimerEffect::Remind { clock, percent } => {
            ("remind", reminded(clock, percent), Change::Reminder)
        }
        TimerEffect::Card { clock, card } => {
            let (note, change) = carded(clock, card)?;
            let (row, _) = timers::give_card(case, card, note, now)?;
            return Some((row, change));
        }
        TimerEffect::Lapse => {
            return lapse(case, facts, now);
        }
        TimerEffect::Own => {
            let dues = dues(case, facts.limits.disposal.clock, clocks, now);
            return timers::fire(case, &dues, now);
        }
    };
    case.touch(now, false);
    let from = Some(case.state);
    Some((
        case.system_transition(now, action, from, Some(note)),
        change,
    ))
}

/// When the case is due if something ends that has held it up; `clock` is that of its disposal.
pub(crate) fn dues(case: &Case, clock: ClockType, clocks: Clocks<'_>, now: Timestamp) -> Dues {
    let acknowledge = |severity| {
        let limits = clocks.limits.of(&case.category, severity);
        now.plus_ms(limits.acknowledge.ms())
    };
    Dues {
        resumed: due_after_suspension(case, clocks.calendar, clock, now),
        acknowledge: acknowledge(case.severity),
        acknowledge_quiet: acknowledge(Severity::P4),
    }
}

/// Reported again: it has to be acknowledged within the limit, and is escalated otherwise.
fn lapse(case: &mut Case, facts: &CaseFacts, now: Timestamp) -> Option<(Transition, Change)> {
    let by = case.acknowledged_by.clone().unwrap_or_default();
    let limit = facts.limits.file;
    let note = text(
        format!("{by} 确认后 {} 内未立案，须重新确认", limit.zh()),
        format!(
            "acknowledged by {by} and not filed within {limit}; it has to be acknowledged again"
        ),
    );
    let ack_due_at = now.plus_ms(facts.limits.acknowledge.ms());
    let row = timers::lapse(case, ack_due_at, note, now)?;
    Some((row, Change::Escalated))
}

fn escalated(facts: &CaseFacts, level: u8) -> Text {
    let limit = facts.limits.acknowledge;
    let (zh, en) = match level {
        1 => ("下一值班员", "the next officer"),
        2 => ("值班长", "the shift leader"),
        _ => ("领导", "the leader"),
    };
    let times = i64::from(level);
    let seconds = limit.ms() / 1_000 * times;
    text(
        format!("{seconds} 秒内无人确认，通知{zh}"),
        format!("nobody acknowledged it within {seconds} s; goes to {en}"),
    )
}

fn clock_name(clock: ClockKind) -> (&'static str, &'static str) {
    match clock {
        ClockKind::Acknowledge => ("确认", "acknowledgement"),
        ClockKind::File => ("立案", "filing"),
        ClockKind::Dispatch => ("派遣", "dispatch"),
        ClockKind::Accept => ("受理", "acceptance by the unit"),
        ClockKind::Contain => ("止险", "stopping the hazard"),
        ClockKind::Disposal => ("处置", "disposal"),
        ClockKind::Check => ("核查结案", "check and closing"),
        ClockKind::Overall => ("全流程", "the whole way"),
    }
}

fn reminded(clock: ClockKind, percent: u8) -> Text {
    let (zh, en) = clock_name(clock);
    if percent >= 100 {
        return text(format!("{zh}超时"), format!("the time for {en} is over"));
    }
    text(
        format!("{zh}时限已用 {percent}%"),
        format!("{percent} % of the time for {en} is used"),
    )
}

fn carded(clock: ClockKind, card: Card) -> Option<(Text, Change)> {
    let (zh, en) = clock_name(clock);
    match card {
        Card::None => None,
        Card::Yellow => Some((
            text(
                format!("{zh}超时，黄牌预警"),
                format!("yellow card: {en} is late"),
            ),
            Change::YellowCard,
        )),
        Card::Red => Some((
            text(
                format!("{zh}严重超时，红牌督办"),
                format!("red card: {en} is very late"),
            ),
            Change::RedCard,
        )),
    }
}
