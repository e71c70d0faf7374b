//! From what a foreign system sends to messages of one alert. Pure.
//!
//! Such systems say the same thing again and again, and out of order when they retry. One key has one
//! episode at a time: it begins with the first firing and ends with the resolve. A firing that began before
//! the episode ended is a late copy; one that began later is a new episode. Whatever the order, an episode is
//! one alert, and every alarm leaves a trace: a resolve that overtakes its firing raises and clears.

use gridwatch_protocol::{AlertId, Severity, Timestamp};
use serde::{Deserialize, Serialize};

use super::mapping::Labels;

/// A changed text alone is told this often at most: systems put the present value into it.
const TEXT_EVERY_MS: i64 = 60_000;

/// What the system says about its alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// The condition holds.
    Firing {
        /// Since when, if the system says so.
        since: Option<Timestamp>,
    },
    /// The condition has ended.
    Resolved {
        /// Since when it held.
        since: Option<Timestamp>,
        /// When it ended.
        until: Option<Timestamp>,
        /// Whether the message says enough about the alert to raise it.
        tells_all: bool,
    },
    /// Somebody at the system works on it. Never an acknowledgement of the case: that is a person's here.
    Acknowledged,
}

/// What a system sent about one of its alerts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signal {
    /// The system's name of the alert.
    pub key: String,
    /// What it says.
    pub what: What,
    /// How urgent it is.
    pub severity: Severity,
    /// What it is about, in one line.
    pub summary: String,
    /// The rule there that raised it.
    pub rule: String,
    /// Everything else.
    pub labels: Labels,
}

/// What is known of a system's alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Episode {
    /// The alert here.
    pub alert: AlertId,
    /// Its newest revision.
    pub revision: u32,
    /// Whether it has not ended.
    pub is_open: bool,
    /// The earliest time since when the condition is said to hold.
    pub started: Timestamp,
    /// When it ended last.
    pub ended: Option<Timestamp>,
    /// How urgent it was told.
    pub severity: Severity,
    /// The text that was told.
    pub summary: String,
    /// When a text was told last.
    pub told_at: Timestamp,
}

/// What a signal leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A repetition, a late copy, or news of an alert that is not known.
    Nothing,
    /// A new alert.
    Raise,
    /// A message about the alert that is there.
    Update,
    /// The alert has ended.
    Clear,
    /// A new alert that has ended already.
    RaiseAndClear,
}

/// Takes a signal; gives what to do, and the episode to be kept if it changed. `id` is for a new alert.
#[must_use]
pub fn step(
    known: Option<&Episode>,
    signal: &Signal,
    id: AlertId,
    now: Timestamp,
) -> (Step, Option<Episode>) {
    match (signal.what, known) {
        (What::Firing { since }, None) => (Step::Raise, Some(begun(signal, id, since, now))),
        (What::Firing { since }, Some(known)) if known.is_open => {
            fires_on(known, signal, since, now)
        }
        (What::Firing { since }, Some(known)) => {
            if is_late_copy(known, since) {
                (Step::Nothing, None)
            } else {
                (Step::Raise, Some(begun(signal, id, since, now)))
            }
        }
        (
            What::Resolved {
                since,
                until,
                tells_all: true,
            },
            None,
        ) => {
            let mut episode = begun(signal, id, since, now);
            end(&mut episode, until, now);
            (Step::RaiseAndClear, Some(episode))
        }
        (What::Resolved { until, .. }, Some(known)) => resolved(known, until, now),
        (What::Acknowledged, Some(known)) if known.is_open => {
            let mut episode = known.clone();
            episode.revision += 1;
            (Step::Update, Some(episode))
        }
        (What::Resolved { .. } | What::Acknowledged, _) => (Step::Nothing, None),
    }
}

fn begun(signal: &Signal, alert: AlertId, since: Option<Timestamp>, now: Timestamp) -> Episode {
    Episode {
        alert,
        revision: 0,
        is_open: true,
        // A clock that is ahead must not keep the alert from ever ending.
        started: since.map_or(now, |since| since.min(now)),
        ended: None,
        severity: signal.severity,
        summary: signal.summary.clone(),
        told_at: now,
    }
}

fn end(episode: &mut Episode, until: Option<Timestamp>, now: Timestamp) {
    let until = until.map_or(now, |until| until.min(now));
    episode.is_open = false;
    episode.revision += 1;
    episode.ended = Some(episode.ended.map_or(until, |before| before.max(until)));
}

/// It began before the end of the episode that is known, or is that episode's own beginning.
fn is_late_copy(known: &Episode, since: Option<Timestamp>) -> bool {
    since.is_some_and(|since| {
        since == known.started || known.ended.is_some_and(|ended| since < ended)
    })
}

fn fires_on(
    known: &Episode,
    signal: &Signal,
    since: Option<Timestamp>,
    now: Timestamp,
) -> (Step, Option<Episode>) {
    let mut episode = known.clone();
    episode.started = since.map_or(known.started, |since| since.min(known.started));
    let worse = signal.severity < known.severity;
    let other_text = signal.summary != known.summary;
    if worse || (other_text && now.ms_since(known.told_at) >= TEXT_EVERY_MS) {
        episode.revision += 1;
        episode.severity = signal.severity.most_urgent(known.severity);
        episode.summary.clone_from(&signal.summary);
        episode.told_at = now;
        return (Step::Update, Some(episode));
    }
    let changed = episode != *known;
    (Step::Nothing, changed.then_some(episode))
}

fn resolved(known: &Episode, until: Option<Timestamp>, now: Timestamp) -> (Step, Option<Episode>) {
    // What ended before this episode began is the end of an earlier one.
    let earlier = until.is_some_and(|until| until < known.started);
    if !known.is_open || earlier {
        return (Step::Nothing, None);
    }
    let mut episode = known.clone();
    end(&mut episode, until, now);
    (Step::Clear, Some(episode))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    const START: i64 = 1_795_316_400_000;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_unix_ms(START + second * 1_000)
    }

    fn signal(what: What) -> Signal {
        Signal {
            key: "k".into(),
            what,
            severity: Severity::P3,
            summary: "s".into(),
            rule: "r".into(),
            labels: Labels::new(),
        }
    }

    fn firing(since: i64) -> Signal {
        signal(What::Firing {
            since: Some(at(since)),
        })
    }

    fn resolved_at(since: i64, until: i64) -> Signal {
        signal(What::Resolved {
            since: Some(at(since)),
            until: Some(at(until)),
            tells_all: true,
        })
    }

    /// Steps through signals, one a second from second 100 on; tells the steps.
    fn play(signals: &[Signal]) -> (Vec<Step>, Option<Episode>) {
        let mut known = None;
        let mut steps = Vec::new();
        for (second, signal) in (100_i64..).zip(signals) {
            let id = AlertId(Uuid::from_u128(second.unsigned_abs().into()));
            let (step, next) = step(known.as_ref(), signal, id, at(second));
            steps.push(step);
            known = next.or(known);
        }
        (steps, known)
    }

    #[test]
    fn repetitions_say_nothing_new_and_a_later_firing_is_a_new_alert() {
        use Step::{Clear, Nothing, Raise};
        let (steps, _) = play(&[
            firing(1),
            firing(1),
            resolved_at(1, 50),
            resolved_at(1, 50),
            firing(1),
            firing(60),
        ]);
        assert_eq!(steps, [Raise, Nothing, Clear, Nothing, Nothing, Raise]);
    }

    #[test]
    fn resolve_that_overtakes_its_firing_leaves_one_alert_that_has_ended() {
        let (steps, known) = play(&[resolved_at(1, 50), firing(1)]);
        assert_eq!(steps, [Step::RaiseAndClear, Step::Nothing]);
        assert!(!known.unwrap().is_open);
    }

    #[test]
    fn end_of_an_earlier_episode_does_not_end_the_present_one() {
        let (steps, known) = play(&[firing(60), resolved_at(1, 50)]);
        assert_eq!(steps, [Step::Raise, Step::Nothing]);
        assert!(known.unwrap().is_open);
    }

    #[test]
    fn more_urgent_is_told_at_once_and_other_words_once_a_minute() {
        let mut worse = firing(1);
        worse.severity = Severity::P1;
        let mut other = worse.clone();
        other.summary = "87 %".into();
        let (steps, known) = play(&[firing(1), worse, other]);
        assert_eq!(steps, [Step::Raise, Step::Update, Step::Nothing]);
        assert_eq!(known.unwrap().severity, Severity::P1);
    }

    #[test]
    fn resolve_that_tells_nothing_of_an_unknown_alert_is_dropped() {
        let bare = signal(What::Resolved {
            since: None,
            until: None,
            tells_all: false,
        });
        let (steps, known) = play(&[bare, signal(What::Acknowledged)]);
        assert_eq!(steps, [Step::Nothing, Step::Nothing]);
        assert_eq!(known, None);
    }

    #[test]
    fn clock_that_is_ahead_does_not_keep_an_alert_open_for_ever() {
        let (steps, known) = play(&[firing(9_999), resolved_at(9_999, 150)]);
        assert_eq!(steps, [Step::Raise, Step::Clear]);
        assert!(!known.unwrap().is_open);
    }

    proptest! {
        #[test]
        fn one_episode_delivered_often_and_in_any_order_is_one_alert(order in proptest::collection::vec(any::<bool>(), 1..40)) {
            let signals: Vec<Signal> = order
                .iter()
                .map(|fires| if *fires { firing(1) } else { resolved_at(1, 50) })
                .collect();
            let (steps, known) = play(&signals);
            let raised = steps.iter().filter(|step| matches!(step, Step::Raise | Step::RaiseAndClear));
            prop_assert_eq!(raised.count(), 1);
            prop_assert_eq!(known.unwrap().is_open, order.iter().all(|fires| *fires));
        }
    }
}
