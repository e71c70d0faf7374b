//! Clocks of those who were asked: units that were called (呼叫上级), and units of a consultation (会商).
//! Pure.
//!
//! At half of the time a reminder, at its end the step above, at twice the time a yellow card for the
//! unit. Each happens once for each question; an answer takes away what is left.

use gridwatch_protocol::Timestamp;
use serde::{Deserialize, Serialize};

use super::Calendar;
use super::facts::CaseFacts;
use super::plan::{NextTimer, TimerEffect};

/// What was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// The call with this number.
    Call(u32),
    /// The part with this place in the list of the consultation.
    Task(u32),
}

/// A question that nobody has answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Which.
    pub question: Question,
    /// When it was asked.
    pub at: Timestamp,
    /// Until when it has to be answered; none: by the limit of consultations.
    pub due: Option<Timestamp>,
}

/// What happens to a question without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerStep {
    /// Half of the time is used.
    Remind,
    /// The time is over.
    Escalate,
    /// Twice the time is over.
    Card,
}

impl AnswerStep {
    /// In their order.
    pub const ALL: [Self; 3] = [Self::Remind, Self::Escalate, Self::Card];
}

/// What is done next about every question; nothing when everything was done.
pub(super) fn next(facts: &CaseFacts, calendar: &Calendar) -> Vec<NextTimer> {
    let of = |asked: &Asked| {
        AnswerStep::ALL.into_iter().find_map(|step| {
            let effect = TimerEffect::Answer {
                question: asked.question,
                at: asked.at,
                step,
            };
            let done = facts.answers_done.contains(&effect.key());
            (!done).then(|| NextTimer {
                effect,
                due_at: due(facts, calendar, asked, step),
            })
        })
    };
    facts.asked.iter().filter_map(of).collect()
}

fn due(facts: &CaseFacts, calendar: &Calendar, asked: &Asked, step: AnswerStep) -> Timestamp {
    let limit = facts.limits.consult;
    let after = |halves: i64| match asked.due {
        // A call has a point in time, whatever the clock.
        Some(due) => asked.at.plus_ms(due.ms_since(asked.at) / 2 * halves),
        None => calendar.due_ms(asked.at, limit.ms() / 2 * halves, limit.clock),
    };
    match step {
        AnswerStep::Remind => after(1),
        AnswerStep::Escalate => after(2),
        AnswerStep::Card => after(4),
    }
}

impl CaseFacts {
    /// Notes who has not answered. What was done about questions that are gone is forgotten.
    pub fn observe_asked(&mut self, asked: Vec<Asked>) {
        self.answers_done.retain(|key| {
            let open = |one: &Asked| {
                AnswerStep::ALL.into_iter().any(|step| {
                    let effect = TimerEffect::Answer {
                        question: one.question,
                        at: one.at,
                        step,
                    };
                    effect.key() == *key
                })
            };
            asked.iter().any(open)
        });
        self.asked = asked;
    }
}

#[cfg(test)]
mod tests {
    use gridwatch_protocol::Severity;

    use super::*;
    use crate::cases::Card;
    use crate::clocks::facts::{Seen, Stage};
    use crate::clocks::limits::LimitTable;
    use crate::clocks::plan::next_timers;

    fn shipped() -> Calendar {
        Calendar::parse(include_str!("../../../configs/calendar.toml")).unwrap()
    }

    fn facts(severity: Severity, now: Timestamp) -> CaseFacts {
        let seen = Seen {
            stage: Stage::Handling,
            category: "other",
            severity,
            opened_at: now,
            ack_due_at: now,
            own_at: None,
            extensions: 0,
            card: Card::Red,
            contained_at: None,
            acknowledged: true,
            silenced: false,
        };
        let mut facts = CaseFacts::new(&seen, &LimitTable::default(), now);
        for percent in [50, 80] {
            facts.applied(TimerEffect::Remind {
                clock: crate::clocks::plan::ClockKind::Disposal,
                percent,
            });
        }
        facts
    }

    fn all(mut facts: CaseFacts) -> Vec<(String, i64)> {
        let calendar = shipped();
        let mut told = Vec::new();
        while let Some(next) = next_timers(&facts, &calendar).first().copied() {
            assert!(told.len() < 10, "timers without end: {told:?}");
            let minutes = next.due_at.unix_ms() / 60_000;
            told.push((next.effect.key(), minutes));
            facts.applied(next.effect);
        }
        told
    }

    #[test]
    fn call_is_reminded_escalated_and_carded_once_each() {
        let start = Timestamp::from_unix_ms(0);
        let mut facts = facts(Severity::P1, start);
        facts.observe_asked(vec![Asked {
            question: Question::Call(2),
            at: start,
            due: Some(start.plus_ms(10 * 60_000)),
        }]);
        let told = all(facts);
        let expected = [
            ("answer:call:2:0:remind", 5),
            ("answer:call:2:0:escalate", 10),
            ("answer:call:2:0:card", 20),
        ];
        let expected: Vec<_> = expected.map(|(key, at)| (key.to_owned(), at)).into();
        assert_eq!(told, expected);
    }

    #[test]
    fn consultation_has_a_quarter_of_an_hour_for_a_p1_and_four_hours_for_the_rest() {
        for (severity, due) in [(Severity::P1, 15), (Severity::P2, 240), (Severity::P3, 240)] {
            let start = Timestamp::from_unix_ms(0);
            let mut facts = facts(severity, start);
            facts.observe_asked(vec![Asked {
                question: Question::Task(0),
                at: start,
                due: None,
            }]);
            let minutes: Vec<i64> = all(facts).into_iter().map(|(_, at)| at).collect();
            assert_eq!(minutes, [due / 2, due, 2 * due], "{severity}");
        }
    }

    #[test]
    fn answered_question_has_no_timer_and_the_next_one_begins_anew() {
        let start = Timestamp::from_unix_ms(0);
        let mut facts = facts(Severity::P1, start);
        let asked = |at: Timestamp| Asked {
            question: Question::Task(0),
            at,
            due: None,
        };
        facts.observe_asked(vec![asked(start)]);
        let calendar = shipped();
        facts.applied(next_timers(&facts, &calendar)[0].effect);
        facts.observe_asked(Vec::new());
        assert!(next_timers(&facts, &calendar).is_empty());
        facts.observe_asked(vec![asked(start.plus_ms(1))]);
        assert_eq!(all(facts).len(), 3);
    }
}
