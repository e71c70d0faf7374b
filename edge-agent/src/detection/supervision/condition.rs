//! Conditions of a sensor itself: an empty battery, a value that is stuck, a clock that is wrong, a
//! connection that comes and goes. Pure; each has a beginning and an end, and tells each once.

use std::collections::{HashMap, VecDeque};

use gridwatch_protocol::{Kind, Reading, Text, Value};

use super::DeviceFacts;
use crate::detection::words;

/// Name under which an empty battery is reported.
pub const BATTERY_RULE: &str = "battery-low";
/// Name under which a stuck value is reported.
pub const STUCK_RULE: &str = "stuck-value";
/// Name under which a wrong clock is reported.
pub const CLOCK_RULE: &str = "clock-error";
/// Name under which a connection that comes and goes is reported.
pub const FLAPPING_RULE: &str = "flapping";

/// At and below this a battery is low where its profile says nothing, in percent.
const BATTERY_LOW_PERCENT: f64 = 15.0;
/// A low battery counts as changed this far above its limit: percent, and a share of the volts.
const BATTERY_BACK_PERCENT: f64 = 5.0;
const BATTERY_BACK_SHARE: f64 = 1.03;
/// So many wrong device times one after the other are a wrong clock, and so many right ones end it.
const CLOCK_RUN: u8 = 5;
/// So many losses within the window are flapping; it ends after a whole window without one.
const FLAPS: usize = 4;
const FLAP_WINDOW_MS: i64 = 60 * 60 * 1000;
/// Without a limit of its profile a value is stuck only where it used to change: after so many changes …
const STUCK_CHANGES_MIN: u32 = 20;
/// … unchanged for so many times its usual pause, and over at least so many reports …
const STUCK_PAUSES: i64 = 30;
const STUCK_REPORTS_MIN: u32 = 20;
/// … and never before half a day.
const STUCK_MIN_MS: i64 = 12 * 60 * 60 * 1000;

/// A condition that began or ended.
#[derive(Debug, PartialEq)]
pub(super) struct Change {
    pub(super) rule: &'static str,
    pub(super) kind: Kind,
    pub(super) active: bool,
    pub(super) reason: Text,
}

/// The conditions of one device.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    battery_low: bool,
    clock_wrong: bool,
    clock_run: u8,
    values: HashMap<Kind, Steady>,
    losses: VecDeque<i64>,
    flapping: bool,
}

/// How a measured value moves.
#[derive(Debug)]
struct Steady {
    value: f64,
    first_ms: i64,
    since_ms: i64,
    changes: u32,
    reports: u32,
    stuck: bool,
}

impl Conditions {
    /// The battery was low before a restart.
    pub(super) fn resume_battery_low(&mut self) {
        self.battery_low = true;
    }

    /// The clock was wrong before a restart.
    pub(super) fn resume_clock_wrong(&mut self) {
        self.clock_wrong = true;
    }

    /// Takes in a reading.
    pub(super) fn observe(
        &mut self,
        reading: &Reading,
        facts: &DeviceFacts,
        now_ms: i64,
    ) -> Option<Change> {
        if self.clock_run > 0 || self.clock_wrong {
            // A time of its own that was believed.
            if reading.at != reading.received_at
                && let Some(change) = self.clock(true)
            {
                return Some(change);
            }
        }
        if reading.kind == Kind::Battery {
            return self.battery(reading, facts);
        }
        let number = reading.value.as_number()?;
        self.steady(reading, number, facts, now_ms)
    }

    fn battery(&mut self, reading: &Reading, facts: &DeviceFacts) -> Option<Change> {
        let unit = reading.unit.as_deref();
        let low = match (&reading.value, unit) {
            (Value::Text(word), _) if word == "low" => true,
            (Value::Text(word), _) if word == "ok" => false,
            (Value::Number(percent), Some("%")) => {
                let limit = facts.battery_low_percent.unwrap_or(BATTERY_LOW_PERCENT);
                *percent <= limit || (self.battery_low && *percent < limit + BATTERY_BACK_PERCENT)
            }
            (Value::Number(volts), Some("V")) => {
                let limit = facts.battery_low_volts?;
                *volts <= limit || (self.battery_low && *volts < limit * BATTERY_BACK_SHARE)
            }
            _ => return None,
        };
        (low != std::mem::replace(&mut self.battery_low, low)).then(|| Change {
            rule: BATTERY_RULE,
            kind: Kind::Battery,
            active: low,
            reason: if low {
                words::battery_low(&reading.value, unit)
            } else {
                words::battery_ok()
            },
        })
    }

    fn steady(
        &mut self,
        reading: &Reading,
        number: f64,
        facts: &DeviceFacts,
        now_ms: i64,
    ) -> Option<Change> {
        let steady = self.values.entry(reading.kind).or_insert(Steady {
            value: number,
            first_ms: now_ms,
            since_ms: now_ms,
            changes: 0,
            reports: 0,
            stuck: false,
        });
        #[expect(clippy::float_cmp, reason = "stuck means exactly the same number")]
        let changed = steady.value != number;
        if changed {
            steady.value = number;
            steady.since_ms = now_ms;
            steady.changes = steady.changes.saturating_add(1);
            steady.reports = 0;
        } else {
            steady.reports = steady.reports.saturating_add(1);
        }
        let stuck = !changed && steady.is_stuck(reading.kind, facts, now_ms);
        let began = stuck && !steady.stuck;
        let ended = changed && steady.stuck;
        if began || ended {
            steady.stuck = stuck;
        }
        (began || ended).then(|| Change {
            rule: STUCK_RULE,
            kind: reading.kind,
            active: began,
            reason: if began {
                words::stuck(
                    reading.kind,
                    number,
                    reading.unit.as_deref(),
                    now_ms - steady.since_ms,
                )
            } else {
                words::moves_again(reading.kind)
            },
        })
    }

    /// Takes in whether a device time was right.
    pub(super) fn clock(&mut self, is_right: bool) -> Option<Change> {
        if is_right != self.clock_wrong {
            self.clock_run = 0;
            return None;
        }
        self.clock_run += 1;
        if self.clock_run < CLOCK_RUN {
            return None;
        }
        self.clock_run = 0;
        self.clock_wrong = !is_right;
        Some(Change {
            rule: CLOCK_RULE,
            kind: Kind::Other,
            active: self.clock_wrong,
            reason: if self.clock_wrong {
                words::clock_wrong()
            } else {
                words::clock_right()
            },
        })
    }

    /// The device was lost once more.
    pub(super) fn lost(&mut self, now_ms: i64) -> Option<Change> {
        self.losses.push_back(now_ms);
        if self.losses.len() > FLAPS {
            self.losses.pop_front();
        }
        let first = *self.losses.front()?;
        let begins =
            !self.flapping && self.losses.len() == FLAPS && now_ms - first <= FLAP_WINDOW_MS;
        self.flapping |= begins;
        begins.then(|| Change {
            rule: FLAPPING_RULE,
            kind: Kind::Availability,
            active: true,
            reason: words::flapping(FLAPS, FLAP_WINDOW_MS),
        })
    }

    /// Whether losses are held back at present.
    pub(super) fn is_flapping(&self) -> bool {
        self.flapping
    }

    /// Lets time pass.
    pub(super) fn calm(&mut self, now_ms: i64) -> Option<Change> {
        let last = self.losses.back().copied().unwrap_or(i64::MIN / 2);
        if !self.flapping || now_ms - last < FLAP_WINDOW_MS {
            return None;
        }
        self.flapping = false;
        self.losses.clear();
        Some(Change {
            rule: FLAPPING_RULE,
            kind: Kind::Availability,
            active: false,
            reason: words::calm(),
        })
    }
}

impl Steady {
    fn is_stuck(&self, kind: Kind, facts: &DeviceFacts, now_ms: i64) -> bool {
        let unchanged_ms = now_ms - self.since_ms;
        if let Some(limit) = facts.stuck_after_ms {
            return unchanged_ms >= limit && self.reports > 0;
        }
        // Only what never stands still in a lived-in building; a count or a gas may well rest at zero.
        let never_rests = matches!(
            kind,
            Kind::Temperature | Kind::Humidity | Kind::Co2 | Kind::Voc | Kind::Pm25
        );
        if !never_rests || self.changes < STUCK_CHANGES_MIN || self.reports < STUCK_REPORTS_MIN {
            return false;
        }
        let usual_ms = (self.since_ms - self.first_ms) / i64::from(self.changes);
        unchanged_ms >= STUCK_MIN_MS.max(usual_ms * STUCK_PAUSES)
    }
}

#[cfg(test)]
mod tests {
    use gridwatch_protocol::{DeviceId, Quality, Timestamp};

    use super::*;

    const MINUTE_MS: i64 = 60_000;

    fn reading(kind: Kind, value: Value, unit: &str) -> Reading {
        Reading {
            device: DeviceId::new("d").expect("valid"),
            kind,
            value,
            unit: (!unit.is_empty()).then(|| unit.to_owned()),
            quality: Quality::Good,
            at: Timestamp::from_unix_ms(0),
            received_at: Timestamp::from_unix_ms(0),
            source_event: None,
            retained: false,
            is_test: false,
        }
    }

    fn battery(conditions: &mut Conditions, value: Value, unit: &str) -> Option<bool> {
        let facts = DeviceFacts {
            battery_low_volts: Some(2.7),
            ..DeviceFacts::default()
        };
        conditions
            .observe(&reading(Kind::Battery, value, unit), &facts, 0)
            .map(|change| change.active)
    }

    #[test]
    fn low_battery_is_told_once_and_ends_only_well_above_its_limit() {
        let mut one = Conditions::default();
        assert_eq!(battery(&mut one, Value::Number(16.0), "%"), None);
        assert_eq!(battery(&mut one, Value::Number(14.0), "%"), Some(true));
        assert_eq!(battery(&mut one, Value::Number(16.0), "%"), None);
        assert_eq!(battery(&mut one, Value::Number(100.0), "%"), Some(false));
        assert_eq!(battery(&mut one, Value::Text("low".into()), ""), Some(true));
        assert_eq!(battery(&mut one, Value::Text("low".into()), ""), None);
        assert_eq!(battery(&mut one, Value::Text("ok".into()), ""), Some(false));
        assert_eq!(battery(&mut one, Value::Number(2.6), "V"), Some(true));
        assert_eq!(battery(&mut one, Value::Number(2.72), "V"), None);
        assert_eq!(battery(&mut one, Value::Number(3.0), "V"), Some(false));
    }

    #[test]
    fn value_that_used_to_move_and_stands_still_is_stuck() {
        let mut one = Conditions::default();
        let facts = DeviceFacts::default();
        let mut told = Vec::new();
        for minute in 0..2000_i64 {
            let moves = !(300..=1900).contains(&minute);
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let value = if moves {
                20.0 + (minute % 7) as f64 / 10.0
            } else {
                20.0
            };
            let seen = reading(Kind::Temperature, Value::Number(value), "°C");
            if let Some(change) = one.observe(&seen, &facts, minute * MINUTE_MS) {
                told.push((minute, change.active));
            }
        }
        assert_eq!(told, [(1020, true), (1901, false)]);
    }

    #[test]
    fn value_that_never_moved_is_not_called_stuck_without_a_limit() {
        let mut one = Conditions::default();
        let seen = reading(Kind::Temperature, Value::Number(4.0), "°C");
        let steady = DeviceFacts::default();
        assert!((0..5000).all(|m| one.observe(&seen, &steady, m * MINUTE_MS).is_none()));
        let limited = DeviceFacts {
            stuck_after_ms: Some(60 * MINUTE_MS),
            ..steady
        };
        let change = one.observe(&seen, &limited, 5001 * MINUTE_MS);
        assert!(change.is_some_and(|change| change.active));
    }

    #[test]
    fn one_wrong_time_is_no_wrong_clock() {
        let mut one = Conditions::default();
        let told: Vec<bool> = [false, false, true, false, false, false, false, false, true]
            .into_iter()
            .filter_map(|right| one.clock(right))
            .map(|change| change.active)
            .collect();
        assert_eq!(told, [true]);
        assert!((0..4).all(|_| one.clock(true).is_none_or(|change| !change.active)));
    }

    #[test]
    fn four_losses_in_an_hour_are_flapping_until_an_hour_without_one() {
        let mut one = Conditions::default();
        assert!((0..3).all(|n| one.lost(n * 10 * MINUTE_MS).is_none()));
        assert!(one.lost(40 * MINUTE_MS).is_some_and(|change| change.active));
        assert!(one.calm(80 * MINUTE_MS).is_none() && one.is_flapping());
        assert!(
            one.calm(100 * MINUTE_MS)
                .is_some_and(|change| !change.active)
        );
        assert!(!one.is_flapping());
    }
}
