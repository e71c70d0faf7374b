//! From the facts of a case to its clocks and next timers. Pure.
//!
//! Acknowledgement: escalation to the next officer, the shift leader and the leader at one, two and
//! three times the limit. Filing, dispatch and check: a reminder at 80 % and 100 %; what was
//! acknowledged and not filed in time is reported again, so that nobody's acknowledgement buries it.
//! Disposal: an urgent case, whose limit is in hours or less, has reminders at 50 % and 80 %, yellow at
//! 100 % and red at 200 %; a long case has the cards of [`LongCards`](super::limits::LongCards), never
//! before its own limit. Cards are never taken back here. Beside them the case engine has times of its
//! own (the end of a suspension), which it tells as [`Seen::own_at`](super::facts::Seen).

use gridwatch_protocol::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answers::{self, AnswerStep, Question};
use super::facts::{CaseFacts, Stage};
use super::{Calendar, Due, Limit, Run};
use crate::cases::Card;

/// Levels above the officer on duty: the next officer, the shift leader, the leader.
pub const ESCALATION_LEVELS: u8 = 3;
/// Reminders of an urgent case's disposal, in percent of its limit.
const URGENT_REMINDERS: [u8; 2] = [50, 80];
/// Reminders of the other steps.
const STEP_REMINDERS: [u8; 2] = [80, 100];

/// A clock of a case.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ClockKind {
    /// Until somebody acknowledges the report.
    Acknowledge,
    /// From there until it is filed or rejected.
    File,
    /// From there until a unit has it.
    Dispatch,
    /// From there until the unit accepts it; only of long cases.
    Accept,
    /// From dispatch until the hazard is stopped, where the repair may take longer (止险).
    Contain,
    /// From dispatch until the result comes back.
    Disposal,
    /// From there until it is closed.
    Check,
    /// From filing to closing: the steps' limits one after the other.
    Overall,
}

impl ClockKind {
    /// The name in the store and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ClockKind::Acknowledge => "acknowledge",
            ClockKind::File => "file",
            ClockKind::Dispatch => "dispatch",
            ClockKind::Accept => "accept",
            ClockKind::Contain => "contain",
            ClockKind::Disposal => "disposal",
            ClockKind::Check => "check",
            ClockKind::Overall => "overall",
        }
    }
}

/// A clock at a point in time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClockView {
    /// Which.
    pub kind: ClockKind,
    /// Its limit, without extensions; the overall clock has none of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Limit>,
    /// Since when it runs.
    pub started_at: Timestamp,
    /// When its limit is over; none while it stands still.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// What is left of its limit, or was at its end, in milliseconds on its own clock; negative when it
    /// was overrun. The overall clock counts passing time.
    pub remaining_ms: i64,
}

/// What a timer does to a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TimerEffect {
    /// Nobody has acknowledged it: to the next level, 1 to [`ESCALATION_LEVELS`].
    Escalate {
        /// The level.
        level: u8,
    },
    /// So much of a clock is used.
    Remind {
        /// The clock.
        clock: ClockKind,
        /// In percent of its limit.
        percent: u8,
    },
    /// A clock is overrun.
    Card {
        /// The clock.
        clock: ClockKind,
        /// The card.
        card: Card,
    },
    /// The case engine's own: a suspension is over, an ended case is archived.
    Own,
    /// An acknowledgement did not lead to a filing: it is reported again.
    Lapse,
    /// A unit that was asked does not answer.
    Answer {
        /// What it was asked.
        question: Question,
        /// When it was asked.
        at: Timestamp,
        /// What is done about it.
        step: AnswerStep,
    },
}

impl TimerEffect {
    /// The name of its timer: one pending timer of a case has it.
    #[must_use]
    pub fn key(self) -> String {
        match self {
            TimerEffect::Escalate { level } => format!("acknowledge:{level}"),
            TimerEffect::Remind { clock, percent } => format!("{}:{percent}", clock.as_str()),
            TimerEffect::Card { clock, card } => {
                let card = if card == Card::Red { "red" } else { "yellow" };
                format!("{}:{card}", clock.as_str())
            }
            TimerEffect::Own => "case:own".to_owned(),
            TimerEffect::Lapse => "file:lapse".to_owned(),
            TimerEffect::Answer { question, at, step } => {
                let (what, number) = match question {
                    Question::Call(number) => ("call", number),
                    Question::Task(number) => ("task", number),
                };
                let step = match step {
                    AnswerStep::Remind => "remind",
                    AnswerStep::Escalate => "escalate",
                    AnswerStep::Card => "card",
                };
                format!("answer:{what}:{number}:{}:{step}", at.unix_ms())
            }
        }
    }
}

/// What is to be done next on one clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NextTimer {
    /// What.
    pub effect: TimerEffect,
    /// When; in the past when it is late.
    pub due_at: Timestamp,
}

/// Of all that is still to come on a clock the earliest, for each clock that runs; earliest first.
#[must_use]
pub fn next_timers(facts: &CaseFacts, calendar: &Calendar) -> Vec<NextTimer> {
    let mut timers: Vec<NextTimer> = match facts.stage {
        Stage::Reported => Vec::new(),
        Stage::Verifying => step(facts, calendar, ClockKind::File).into_iter().collect(),
        Stage::Filed => step(facts, calendar, ClockKind::Dispatch)
            .into_iter()
            .collect(),
        Stage::Dispatched | Stage::Handling => disposal(facts, calendar),
        Stage::Checking => step(facts, calendar, ClockKind::Check)
            .into_iter()
            .collect(),
        Stage::Suspended | Stage::Ended => Vec::new(),
    };
    timers.extend(escalation(facts));
    timers.extend(facts.own_at.map(|due_at| NextTimer {
        effect: TimerEffect::Own,
        due_at,
    }));
    timers.extend(answers::next(facts, calendar));
    timers.sort_by_key(|timer| timer.due_at);
    timers
}

impl CaseFacts {
    /// Notes that a timer's effect was applied, so that it is not due again.
    pub fn applied(&mut self, effect: TimerEffect) {
        match effect {
            TimerEffect::Escalate { level } => self.escalated = self.escalated.max(level),
            TimerEffect::Remind { .. } => {
                self.reminded.insert(effect.key());
            }
            TimerEffect::Card { card, .. } => self.card = self.card.max(card),
            TimerEffect::Answer { .. } => {
                self.answers_done.insert(effect.key());
            }
            // What the case has become says it.
            TimerEffect::Own | TimerEffect::Lapse => {}
        }
    }
}

/// While nobody has acknowledged it, also of what the hub filed and dispatched itself.
fn escalation(facts: &CaseFacts) -> Option<NextTimer> {
    let waits = facts.acknowledged_at.is_none() && facts.stage != Stage::Ended && !facts.silenced;
    if !waits {
        return None;
    }
    let level = facts.escalated + 1;
    let later = facts.limits.acknowledge.ms() * i64::from(facts.escalated);
    (level <= ESCALATION_LEVELS).then(|| NextTimer {
        effect: TimerEffect::Escalate { level },
        due_at: facts.ack_due_at.plus_ms(later),
    })
}

fn step(facts: &CaseFacts, calendar: &Calendar, clock: ClockKind) -> Option<NextTimer> {
    let run = run(facts, clock)?;
    let reminder = next_reminder(facts, calendar, clock, &run, &STEP_REMINDERS);
    if clock != ClockKind::File {
        return reminder;
    }
    let lapse = run.due(calendar).at().map(|due_at| NextTimer {
        effect: TimerEffect::Lapse,
        due_at,
    });
    // At 100 % it lapses; a reminder of that at the same instant would be noise.
    reminder
        .filter(|timer| lapse.is_none_or(|lapse| timer.due_at < lapse.due_at))
        .or(lapse)
}

fn disposal(facts: &CaseFacts, calendar: &Calendar) -> Vec<NextTimer> {
    let Some(run) = run(facts, ClockKind::Disposal) else {
        return Vec::new();
    };
    let contain = contain(facts, calendar).into_iter();
    if facts.limits.disposal.clock.is_days() {
        let accept = long_card(facts, calendar, ClockKind::Accept, &run);
        let handle = long_card(facts, calendar, ClockKind::Disposal, &run);
        return contain.chain(accept).chain(handle).collect();
    }
    contain
        .chain(urgent(facts, calendar, ClockKind::Disposal, &run))
        .collect()
}

/// While the hazard is not stopped.
fn contain(facts: &CaseFacts, calendar: &Calendar) -> Option<NextTimer> {
    let clock = ClockKind::Contain;
    let run = run(facts, clock).filter(|_| facts.contained_at.is_none())?;
    urgent(facts, calendar, clock, &run)
}

/// Reminders, then cards, of a clock that counts hours.
fn urgent(
    facts: &CaseFacts,
    calendar: &Calendar,
    clock: ClockKind,
    run: &Run<'_>,
) -> Option<NextTimer> {
    next_reminder(facts, calendar, clock, run, &URGENT_REMINDERS)
        .or_else(|| urgent_card(facts, calendar, clock, run))
}

fn urgent_card(
    facts: &CaseFacts,
    calendar: &Calendar,
    clock: ClockKind,
    run: &Run<'_>,
) -> Option<NextTimer> {
    let card = next_card(facts.card)?;
    let times = if card == Card::Red { 2 } else { 1 };
    let due_at = run.due_after(calendar, run.total_ms() * times).at()?;
    Some(NextTimer {
        effect: TimerEffect::Card { clock, card },
        due_at,
    })
}

/// A unit within its own limit gets no card for handling, however long the limit is.
fn long_card(
    facts: &CaseFacts,
    calendar: &Calendar,
    clock: ClockKind,
    run: &Run<'_>,
) -> Option<NextTimer> {
    let card = next_card(facts.card)?;
    let red = card == Card::Red;
    let long = &facts.long;
    let accept = clock == ClockKind::Accept;
    if accept && facts.accepted_at.is_some() {
        return None;
    }
    let limit = match (accept, red) {
        (true, false) => long.accept_yellow,
        (true, true) => long.accept_red,
        (false, false) => long.handle_yellow,
        (false, true) => long.handle_red,
    };
    let by_rule = Run {
        limit,
        extensions: 0,
        ..*run
    };
    let mut due_at = by_rule.due(calendar).at()?;
    if !accept {
        let times = if red { 2 } else { 1 };
        due_at = due_at.max(run.due_after(calendar, run.total_ms() * times).at()?);
    }
    Some(NextTimer {
        effect: TimerEffect::Card { clock, card },
        due_at,
    })
}

fn next_card(card: Card) -> Option<Card> {
    match card {
        Card::None => Some(Card::Yellow),
        Card::Yellow => Some(Card::Red),
        Card::Red => None,
    }
}

fn next_reminder(
    facts: &CaseFacts,
    calendar: &Calendar,
    clock: ClockKind,
    run: &Run<'_>,
    percents: &[u8],
) -> Option<NextTimer> {
    percents.iter().find_map(|percent| {
        let effect = TimerEffect::Remind {
            clock,
            percent: *percent,
        };
        if facts.reminded.contains(&effect.key()) {
            return None;
        }
        let ms = run.total_ms() * i64::from(*percent) / 100;
        let due_at = run.due_after(calendar, ms).at()?;
        Some(NextTimer { effect, due_at })
    })
}

/// The limit that a clock runs by, once it has begun.
fn run(facts: &CaseFacts, clock: ClockKind) -> Option<Run<'_>> {
    let limits = &facts.limits;
    let plain = |start: Option<Timestamp>, limit| {
        start.map(|start| Run {
            start,
            limit,
            extensions: 0,
            pauses: &[],
        })
    };
    match clock {
        ClockKind::Acknowledge => plain(
            Some(facts.ack_due_at.plus_ms(-limits.acknowledge.ms())),
            limits.acknowledge,
        ),
        ClockKind::File => plain(facts.acknowledged_at, limits.file),
        ClockKind::Dispatch => plain(facts.filed_at, limits.dispatch),
        ClockKind::Accept if limits.disposal.clock.is_days() => {
            plain(facts.dispatched_at, facts.long.accept_yellow)
        }
        ClockKind::Disposal => facts.dispatched_at.map(|start| Run {
            start,
            limit: limits.disposal,
            extensions: facts.extensions,
            pauses: &facts.pauses,
        }),
        ClockKind::Contain => facts
            .dispatched_at
            .zip(limits.contain)
            .map(|(start, limit)| Run {
                start,
                limit,
                extensions: 0,
                pauses: &facts.pauses,
            }),
        ClockKind::Check => plain(facts.fed_back_at, limits.check),
        ClockKind::Accept | ClockKind::Overall => None,
    }
}

/// The clocks of a case that have begun, in the order of its steps, the overall clock last.
#[must_use]
pub fn clocks(facts: &CaseFacts, calendar: &Calendar, now: Timestamp) -> Vec<ClockView> {
    let ends = [
        (ClockKind::Acknowledge, facts.acknowledged_at),
        (ClockKind::File, facts.filed_at),
        (ClockKind::Dispatch, facts.dispatched_at),
        (ClockKind::Accept, facts.accepted_at),
        (ClockKind::Contain, facts.contained_at.or(facts.fed_back_at)),
        (ClockKind::Disposal, facts.fed_back_at),
        (ClockKind::Check, None),
    ];
    let mut views: Vec<ClockView> = ends
        .into_iter()
        .filter_map(|(kind, end)| {
            let run = run(facts, kind)?;
            let ended_at = end.or(facts.ended_at);
            Some(ClockView {
                kind,
                limit: Some(run.limit),
                started_at: run.start,
                due_at: run.due(calendar).at(),
                ended_at,
                remaining_ms: run.remaining_ms(calendar, ended_at.unwrap_or(now)),
            })
        })
        .collect();
    views.extend(overall(facts, calendar, now));
    views
}

/// The steps' limits one after the other from the first filing: a step that took longer leaves less
/// for the next.
fn overall(facts: &CaseFacts, calendar: &Calendar, now: Timestamp) -> Option<ClockView> {
    let started_at = facts.first_filed_at?;
    let dispatched = calendar.due(started_at, facts.limits.dispatch);
    let handled = Run {
        start: dispatched,
        limit: facts.limits.disposal,
        extensions: facts.extensions,
        pauses: &facts.pauses,
    };
    let checked = |handled| calendar.due(handled, facts.limits.check);
    let due = handled.due(calendar);
    let at = facts.ended_at.unwrap_or(now);
    let remaining_ms = match due {
        Due::At(handled) => checked(handled).ms_since(at),
        // While it stands still: what would be left if it went on now.
        Due::Stopped(left) => {
            let handled = calendar.due_ms(at, left, facts.limits.disposal.clock);
            checked(handled).ms_since(at)
        }
    };
    Some(ClockView {
        kind: ClockKind::Overall,
        limit: None,
        started_at,
        due_at: due.at().map(checked),
        ended_at: facts.ended_at,
        remaining_ms,
    })
}

#[cfg(test)]
mod tests;
