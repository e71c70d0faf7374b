//! What the hub itself does to a case when its time has come. Pure.
//!
//! A case has at most one time of its own: [`next`] says when, [`fire`] does what is due. Firing twice
//! is harmless: the second time nothing is due.

use gridwatch_protocol::{Text, Timestamp};

use super::progress::Details;
use super::silencing;
use super::steps::own_step;
use super::{Card, Case, Change, State, Transition, text};
use crate::correlation::level;

/// A closed case waits so long for the reporter's opinion and the unit's appeal: seven days.
pub const EVALUATE_AFTER_MS: i64 = 7 * 86_400_000;

/// When something is due by itself; none when nothing is.
#[must_use]
pub fn next(case: &Case) -> Option<Timestamp> {
    let progress = &case.progress;
    if case.is_silenced() {
        return case.marks.silenced.map(|silenced| silenced.until);
    }
    match case.state {
        State::Suspended => progress.suspended_until,
        State::Closed | State::ForcedClosed => {
            let appealed = progress
                .appeal
                .as_ref()
                .is_some_and(|a| a.succeeded().is_none());
            let ended = case.ended_at.filter(|_| !appealed);
            ended.map(|ended| ended.plus_ms(EVALUATE_AFTER_MS))
        }
        _ => None,
    }
}

/// When a case is due from now on, worked out by the clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dues {
    /// For its result, if its suspension ends now (see [`super::steps::due_after_suspension`]).
    pub resumed: Option<Timestamp>,
    /// For its acknowledgement, if it is new from now on.
    pub acknowledge: Timestamp,
    /// The same when nothing is wrong any more.
    pub acknowledge_quiet: Timestamp,
}

/// Does what is due; nothing when nothing is.
pub fn fire(case: &mut Case, dues: &Dues, now: Timestamp) -> Option<(Transition, Change)> {
    if next(case).is_none_or(|due| due > now) {
        return None;
    }
    if case.is_silenced() {
        let note = text("静默结束", "the silence has ended");
        return Some(silencing::unsilence(case, dues, note, now));
    }
    let row = if case.state == State::Suspended {
        let note = text("挂账到期，自动恢复", "the suspension has ended");
        let details = Details {
            due: dues.resumed,
            ..Details::default()
        };
        own_step(case, "resume", State::Handling, details, note, now)
    } else {
        let note = text("结案 7 日，自动归档", "archived seven days after it ended");
        own_step(
            case,
            "evaluate",
            State::Evaluated,
            Details::default(),
            note,
            now,
        )
    };
    case.touch(now, true);
    Some((row, Change::Moved))
}

/// Gives an open case a card because it is late; nothing when it has that card or a worse one already.
/// A person who gave a worse card is not overruled.
pub fn give_card(
    case: &mut Case,
    card: Card,
    note: Text,
    now: Timestamp,
) -> Option<(Transition, Change)> {
    if !case.state.is_open() || card <= case.progress.card {
        return None;
    }
    let details = Details {
        card: Some(card),
        level: level::by_card(case.progress.level, card),
        ..Details::default()
    };
    let row = own_step(case, "set_card", case.state, details, note, now);
    case.touch(now, false);
    Some((row, Change::Updated))
}

/// Takes back an acknowledgement that nothing followed: it must be acknowledged anew until then.
/// Nothing when it has been filed or was not acknowledged.
pub fn lapse(
    case: &mut Case,
    ack_due_at: Timestamp,
    note: Text,
    details: Details,
    now: Timestamp,
) -> Option<Transition> {
    let undecided = matches!(case.state, State::Reported | State::PreVerify);
    if !undecided || case.acknowledged_at.is_none() {
        return None;
    }
    let details = Details {
        unacknowledged: true,
        ..details
    };
    let row = own_step(case, "lapse", State::Reported, details, note, now);
    case.ack_due_at = ack_due_at;
    case.touch(now, true);
    Some(row)
}
