//! A silence falls over a case and is lifted. Pure; each is a row of the case's history.
//!
//! Never called for what no silence may hide: whoever calls has asked [`crate::correlation::silence`].

use gridwatch_protocol::{Text, Timestamp};

use super::progress::Details;
use super::steps::own_step;
use super::timers::Dues;
use super::{Case, Change, Transition, text};
use crate::correlation::marks::Silenced;
use crate::correlation::silence::Silence;

/// Hides the case until then.
pub fn silence(case: &mut Case, by: &Silence, until: Timestamp, now: Timestamp) -> Transition {
    case.marks.silenced = Some(Silenced {
        silence: by.id,
        until,
    });
    let note = text(
        format!("静默 {}（{}：{}）至 {until}", by.id, by.by_name, by.why),
        format!(
            "silence {} ({}: {}) hides it until {until}",
            by.id, by.by_name, by.why
        ),
    );
    case.touch(now, false);
    own_step(case, "silence", case.state, Details::default(), note, now)
}

/// Shows the case again. While an alert stands it is new: the time to acknowledge it begins now. When
/// nothing is wrong any more it comes back without a sound.
pub fn unsilence(case: &mut Case, dues: &Dues, note: Text, now: Timestamp) -> (Transition, Change) {
    case.marks.silenced = None;
    let stands = case.alerts_active > 0;
    case.ack_due_at = if stands {
        dues.acknowledge
    } else {
        dues.acknowledge_quiet
    };
    case.touch(now, true);
    let row = own_step(case, "unsilence", case.state, Details::default(), note, now);
    let change = if stands {
        Change::Opened
    } else {
        Change::Updated
    };
    (row, change)
}
