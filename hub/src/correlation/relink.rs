//! A new alarm of a matter that was closed a short while ago. Pure.
//!
//! Within 72 hours (configurable) it opens the case again, or is a new case that names the old one. It is always
//! new to people: the acknowledgement clock starts afresh.

use gridwatch_protocol::Timestamp;

use crate::cases::{Case, State};

/// What a new alarm is to the case that its key led to last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relink {
    /// It opens it again.
    Reopens,
    /// It is a new case, related to it.
    Relates,
}

/// What a new alarm is to a case that has ended; nothing when that was too long ago. What was archived,
/// appealed against, rejected or closed by force stays as it is: a decision is not taken back by an alarm.
#[must_use]
pub fn relink(ended: &Case, relink_ms: i64, now: Timestamp) -> Option<Relink> {
    let at = ended.ended_at?;
    if now.ms_since(at) >= relink_ms {
        return None;
    }
    let reopens = ended.state == State::Closed && ended.progress.appeal.is_none();
    Some(if reopens {
        Relink::Reopens
    } else {
        Relink::Relates
    })
}
