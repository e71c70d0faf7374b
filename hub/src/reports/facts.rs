//! What one case contributes to reports. Pure: from the case and the facts of its clocks, whenever one of
//! them changes; stored as one narrow row beside the case.

use gridwatch_protocol::Timestamp;

use crate::cases::{Card, Case, State};
use crate::clocks::Calendar;
use crate::clocks::facts::{CaseFacts, Stage};
use crate::clocks::plan::{self, ClockKind, ClockView};

/// What has become of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// People still work on it.
    Open,
    /// 结案
    Closed,
    /// 强制结案
    Forced,
    /// 不予立案
    Rejected,
    /// 并案
    Merged,
}

impl Outcome {
    /// The name in the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Open => "open",
            Outcome::Closed => "closed",
            Outcome::Forced => "forced",
            Outcome::Rejected => "rejected",
            Outcome::Merged => "merged",
        }
    }

    /// Of a case; archiving it changes nothing about how it was closed.
    #[must_use]
    pub fn of(case: &Case) -> Self {
        match case.state {
            State::Closed => Outcome::Closed,
            State::Evaluated if case.progress.forced => Outcome::Forced,
            State::Evaluated => Outcome::Closed,
            State::ForcedClosed => Outcome::Forced,
            State::Rejected => Outcome::Rejected,
            State::Merged => Outcome::Merged,
            _ => Outcome::Open,
        }
    }
}

/// One case's row. Times are milliseconds on the clock of the step's limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseFigures {
    /// What has become of it.
    pub outcome: Outcome,
    /// Code of the cause of a rejection.
    pub cause: Option<String>,
    /// The unit that has it.
    pub unit: Option<String>,
    /// Who acknowledged it.
    pub acknowledged_by: Option<String>,
    /// From when it had to be acknowledged until it was; of the last time if it had to be more than once.
    pub acknowledge_ms: Option<i64>,
    /// Whether that took longer than its limit.
    pub acknowledge_late: bool,
    /// From there until it was filed for the first time.
    pub file_ms: Option<i64>,
    /// From the filing, or from when a unit sent it back, until a unit had it.
    pub dispatch_ms: Option<i64>,
    /// From there until the result came back, without suspensions.
    pub handle_ms: Option<i64>,
    /// Whether the result came after the limit with its extensions.
    pub handle_late: bool,
    /// Until when the result has to come, while it is waited for and the clock runs.
    pub handle_due_at: Option<Timestamp>,
    /// From the result until it was closed.
    pub close_ms: Option<i64>,
    /// Whether it was closed after the limits of dispatch, disposal and check, one after the other.
    pub close_late: bool,
    /// Until when it has to be closed, while it is open and the clock runs.
    pub close_due_at: Option<Timestamp>,
    /// Whether it was filed.
    pub is_filed: bool,
    /// Whether a unit got it, or the office settled it.
    pub is_dispatched: bool,
    /// Whether there is a result that was not sent back.
    pub is_handled: bool,
    /// 0 no appeal, 1 not decided, 2 refused, 3 granted.
    pub appeal: u8,
    /// The card that it has.
    pub card: Card,
    /// The worst that it was given, also when it was taken back.
    pub card_worst: Card,
}

impl CaseFigures {
    /// Of a case as it is now.
    #[must_use]
    pub fn of(case: &Case, facts: &CaseFacts, calendar: &Calendar) -> Self {
        let views = plan::clocks(facts, calendar, case.updated_at);
        let view = |kind| views.iter().find(|view: &&ClockView| view.kind == kind);
        let used = |kind| view(kind).map(|view| used_ms(view, facts.extensions));
        let outcome = Outcome::of(case);
        let is_open = outcome == Outcome::Open;
        let is_handled = facts.fed_back_at.is_some();
        let acknowledge = view(ClockKind::Acknowledge).filter(|_| facts.acknowledged_at.is_some());
        let overall = view(ClockKind::Overall);
        let progress = &case.progress;
        Self {
            outcome,
            cause: progress.rejected_as.clone(),
            unit: progress.unit.clone(),
            acknowledged_by: case.acknowledged_by.clone(),
            acknowledge_ms: acknowledge.map(|view| used_ms(view, 0)),
            acknowledge_late: acknowledge.is_some_and(|view| view.remaining_ms < 0),
            file_ms: facts
                .acknowledged_at
                .zip(facts.first_filed_at)
                .map(|(from, to)| calendar.elapsed_ms(from, to, facts.limits.file.clock)),
            dispatch_ms: facts.dispatched_at.and_then(|_| used(ClockKind::Dispatch)),
            handle_ms: facts.fed_back_at.and_then(|_| used(ClockKind::Disposal)),
            handle_late: is_handled
                && view(ClockKind::Disposal).is_some_and(|view| view.remaining_ms < 0),
            handle_due_at: view(ClockKind::Disposal)
                .filter(|_| is_open && !is_handled)
                .and_then(|view| view.due_at),
            close_ms: (outcome == Outcome::Closed)
                .then(|| used(ClockKind::Check))
                .flatten(),
            close_late: outcome == Outcome::Closed
                && overall.is_some_and(|view| view.remaining_ms < 0),
            close_due_at: overall
                .filter(|_| is_open && facts.stage != Stage::Suspended)
                .and_then(|view| view.due_at),
            is_filed: facts.first_filed_at.is_some(),
            is_dispatched: facts.dispatched_at.is_some(),
            is_handled,
            appeal: match progress.appeal.as_ref().map(|appeal| appeal.succeeded()) {
                None => 0,
                Some(None) => 1,
                Some(Some(false)) => 2,
                Some(Some(true)) => 3,
            },
            card: progress.card,
            card_worst: facts.card.max(progress.card),
        }
    }
}

/// What a clock has used of its limit; only the clock of disposal is ever extended.
fn used_ms(view: &ClockView, extensions: u8) -> i64 {
    let times = if view.kind == ClockKind::Disposal {
        1 + i64::from(extensions)
    } else {
        1
    };
    let whole = view.limit.map_or(0, |limit| limit.ms() * times);
    (whole - view.remaining_ms).max(0)
}
