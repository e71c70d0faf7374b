//! Alarm floods at a desk. Pure.
//!
//! ISA-18.2: a flood begins with more than 10 alarms in 10 minutes for one operator and ends when there are
//! fewer than 5 in 10 minutes. Between the two it stays what it is. Alarms are counted in steps of ten
//! seconds, so that a storm of any size needs 61 numbers: a window is up to ten seconds longer than ten
//! minutes, never shorter.

use gridwatch_protocol::Timestamp;
use serde::{Deserialize, Serialize};

/// What counts as "in 10 minutes".
pub const WINDOW_MS: i64 = 600_000;
/// Alarms are counted in steps of so many milliseconds.
const STEP_MS: i64 = 10_000;

/// When a flood begins and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// It begins with more alarms than this in ten minutes.
    pub begins_above: u32,
    /// It ends with fewer than this.
    pub ends_below: u32,
}

/// A flood that lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flood {
    /// Its number.
    pub id: i64,
    /// Since when.
    pub began_at: Timestamp,
    /// Alarms in it so far, those that made it begin among them.
    pub alarms: u64,
    /// The most within ten minutes so far.
    pub peak: u32,
}

/// What has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Nothing.
    Same,
    /// It has begun.
    Began(Flood),
    /// It is over.
    Ended(Flood),
}

/// The alarms of a desk in the last ten minutes, and its flood.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meter {
    /// Number of the step and the alarms in it, in order.
    steps: Vec<(i64, u32)>,
    /// The flood that lasts.
    pub flood: Option<Flood>,
}

impl Meter {
    /// Alarms in the last ten minutes.
    #[must_use]
    pub fn in_window(&self, now: Timestamp) -> u32 {
        let first = step(now) - WINDOW_MS / STEP_MS;
        let counts = self.steps.iter().filter(|(step, _)| *step >= first);
        counts.fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// Counts one new alarm; `id` is the number of a flood that begins with it.
    pub fn count(&mut self, rule: Rule, id: i64, now: Timestamp) -> Turn {
        let first = step(now) - WINDOW_MS / STEP_MS;
        self.steps.retain(|(step, _)| *step >= first);
        // A clock that was set back counts into the newest step: nothing is lost and order is kept.
        match self.steps.last_mut() {
            Some((last, count)) if *last >= step(now) => *count = count.saturating_add(1),
            _ => self.steps.push((step(now), 1)),
        }
        let alarms = self.in_window(now);
        match &mut self.flood {
            Some(flood) => {
                flood.alarms = flood.alarms.saturating_add(1);
                flood.peak = flood.peak.max(alarms);
                Turn::Same
            }
            None if alarms > rule.begins_above => {
                let flood = Flood {
                    id,
                    began_at: now,
                    alarms: u64::from(alarms),
                    peak: alarms,
                };
                self.flood = Some(flood);
                Turn::Began(flood)
            }
            None => Turn::Same,
        }
    }

    /// Looks whether the flood is over.
    pub fn look(&mut self, rule: Rule, now: Timestamp) -> Turn {
        match self.flood {
            Some(flood) if self.in_window(now) < rule.ends_below => {
                self.flood = None;
                Turn::Ended(flood)
            }
            _ => Turn::Same,
        }
    }
}

fn step(at: Timestamp) -> i64 {
    at.unix_ms().div_euclid(STEP_MS)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RULE: Rule = Rule {
        begins_above: 10,
        ends_below: 5,
    };

    fn at(s: i64) -> Timestamp {
        Timestamp::from_unix_ms(1_795_316_400_000 + s * 1_000)
    }

    #[test]
    fn eleventh_alarm_in_ten_minutes_begins_a_flood_that_ends_below_five() {
        let mut meter = Meter::default();
        for s in 0..10 {
            assert_eq!(meter.count(RULE, 1, at(s)), Turn::Same);
        }
        let Turn::Began(flood) = meter.count(RULE, 7, at(300)) else {
            panic!("the eleventh");
        };
        assert_eq!((flood.id, flood.alarms, flood.peak), (7, 11, 11));
        for s in [301, 302, 303, 304] {
            assert_eq!(meter.count(RULE, 8, at(s)), Turn::Same, "it is one flood");
        }
        assert_eq!(
            meter.look(RULE, at(605)),
            Turn::Same,
            "fifteen in the window"
        );
        assert_eq!(meter.look(RULE, at(900)), Turn::Same, "still five");
        let Turn::Ended(flood) = meter.look(RULE, at(915)) else {
            panic!("nothing is left in the window");
        };
        assert_eq!((flood.id, flood.alarms, flood.peak), (7, 15, 15));
        assert_eq!(meter.look(RULE, at(2_000)), Turn::Same, "it ends once");
    }

    #[test]
    fn ten_in_ten_minutes_for_hours_is_no_flood() {
        let mut meter = Meter::default();
        for s in (0..36_000).step_by(67) {
            assert_eq!(meter.count(RULE, 1, at(s)), Turn::Same, "{s}");
        }
    }

    proptest! {
        #[test]
        fn floods_begin_and_end_in_turn_and_memory_is_bounded(gaps in prop::collection::vec((0i64..200, any::<bool>()), 1..400)) {
            let mut meter = Meter::default();
            let mut now = 0;
            let mut alarms = Vec::new();
            for (number, (gap, counts)) in (1..).zip(&gaps) {
                now += gap;
                let before = meter.flood;
                let turn = if *counts {
                    alarms.push(now);
                    meter.count(RULE, number, at(now))
                } else {
                    meter.look(RULE, at(now))
                };
                prop_assert!(meter.steps.len() <= 61);
                let exact = u32::try_from(alarms.iter().filter(|t| now - **t < 600).count()).unwrap();
                prop_assert!(meter.in_window(at(now)) >= exact, "never fewer than there were");
                match turn {
                    Turn::Began(_) => prop_assert!(before.is_none() && *counts),
                    Turn::Ended(_) => prop_assert!(before.is_some() && exact < 5),
                    Turn::Same => prop_assert_eq!(before.map(|f| f.id), meter.flood.map(|f| f.id)),
                }
                prop_assert!(meter.flood.is_some() || exact <= 10, "more than ten and no flood");
            }
        }
    }
}
