//! Signs that a sensor is broken rather than the air unusual: it stands still, it jumped and stands still
//! there, it reads what cannot be.
//!
//! A sign is a hint for the class `fault` and for the words. It must never lower what speaks for fire: the
//! model's score leaves the class `fault` out.

use serde::{Deserialize, Serialize};

/// Why a channel looks broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Beyond what is physically possible.
    OutOfRange,
    /// Jumped from one reading to the next and has stood still since.
    Step,
    /// Has not changed for several times as long as it ever did.
    Flat,
}

/// A jump is at least so many scales …
const JUMP_SCALES: f64 = 8.0;
/// … and this part of a step that matters.
const JUMP_STEPS: f64 = 0.5;
/// After a jump the value stands still while it stays within so many scales; a fire does not.
const STILL_SCALES: f64 = 3.0;
/// It is a fault after so long; half the time is no sign yet.
const STILL_S: f64 = 600.0;
/// Unchanged for so many times the longest time known is a sign …
const FLAT_TIMES: f64 = 3.0;
/// … and at least for so long, whatever is known.
const FLAT_S_MIN: f64 = 1800.0;
/// So many changes must be known before standing still says anything …
const CHANGES_MIN: u32 = 20;
/// … and a day, a night and a morning: many sensors only flicker while people are about.
const WATCHED_S_MIN: f64 = 36.0 * 3600.0;
/// A weaker sign has no name yet.
const NAMED_SIGN: f64 = 0.5;
/// Longest times are counted up to this.
const RUN_S_MAX: f64 = 14.0 * 86_400.0;

/// What is watched. All times in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct FaultWatch {
    out_of_range: bool,
    /// Value after the last jump, and how long it has stood still there.
    jump: Option<(f64, f64)>,
    unchanged_s: f64,
    longest_s: f64,
    watched_s: f64,
    changes: u32,
}

/// What the watch needs to know of a new value.
pub(super) struct Seen {
    /// Seconds since the value before; longer than a gap counts as none.
    pub(super) dt: f64,
    pub(super) before: f64,
    pub(super) value: f64,
    pub(super) level: f64,
    pub(super) scale: f64,
    /// Of the channel, see `Constants`.
    pub(super) step: f64,
    /// Whether the value as it came was physically possible.
    pub(super) possible: bool,
    /// Whether clean air reads this value all the time.
    pub(super) at_rest: bool,
}

impl FaultWatch {
    pub(super) fn new(possible: bool) -> Self {
        Self {
            out_of_range: !possible,
            jump: None,
            unchanged_s: 0.0,
            longest_s: 0.0,
            watched_s: 0.0,
            changes: 0,
        }
    }

    pub(super) fn update(&mut self, seen: &Seen) {
        self.out_of_range = !seen.possible;
        self.watched_s = (self.watched_s + seen.dt).min(WATCHED_S_MIN);
        self.watch_jump(seen);
        // The same bits: a living sensor flickers in its last digit now and then.
        let changed = seen.value.to_bits() != seen.before.to_bits();
        if changed || seen.at_rest {
            if changed {
                // Alive after all: it may stand still so long. A long fault does not teach at once.
                let most = if self.watched_s < WATCHED_S_MIN {
                    RUN_S_MAX
                } else {
                    (FLAT_TIMES * self.longest_s).max(FLAT_S_MIN)
                };
                self.longest_s = self.longest_s.max(self.unchanged_s.min(most));
            }
            self.changes = self.changes.saturating_add(u32::from(changed));
            self.unchanged_s = 0.0;
        } else {
            self.unchanged_s = (self.unchanged_s + seen.dt).min(RUN_S_MAX);
        }
    }

    /// After a gap nothing is known of the time between.
    pub(super) fn gap(&mut self, possible: bool) {
        self.out_of_range = !possible;
        self.jump = None;
        self.unchanged_s = 0.0;
    }

    /// The new value has become usual.
    pub(super) fn settle(&mut self) {
        self.jump = None;
    }

    fn watch_jump(&mut self, seen: &Seen) {
        let still = STILL_SCALES * seen.scale;
        self.jump = match self.jump {
            Some((value, held_s)) if (seen.value - value).abs() <= still => {
                Some((value, (held_s + seen.dt).min(RUN_S_MAX)))
            }
            _ if is_jump(seen) => Some((seen.value, 0.0)),
            _ => None,
        };
    }

    fn flat(&self) -> f64 {
        let known = self.changes >= CHANGES_MIN && self.watched_s >= WATCHED_S_MIN;
        if !known || self.unchanged_s < FLAT_S_MIN {
            return 0.0;
        }
        ramp(self.unchanged_s / (FLAT_TIMES * self.longest_s.max(1.0)))
    }

    /// How sure a fault is, 0 to 1, and which, once it is likely.
    pub(super) fn sign(&self) -> (f64, Option<Fault>) {
        if self.out_of_range {
            return (1.0, Some(Fault::OutOfRange));
        }
        let step = self.jump.map_or(0.0, |(_, held_s)| ramp(held_s / STILL_S));
        let flat = self.flat();
        match (step >= flat, step.max(flat)) {
            (_, sign) if sign < NAMED_SIGN => (sign, None),
            (true, sign) => (sign, Some(Fault::Step)),
            (false, sign) => (sign, Some(Fault::Flat)),
        }
    }

    /// Whether every number is one that readings within `min..=max` can lead to.
    pub(super) fn is_sound(&self, min: f64, max: f64) -> bool {
        let time = |s: f64| (0.0..=RUN_S_MAX).contains(&s);
        let jump = self
            .jump
            .is_none_or(|(value, held_s)| (min..=max).contains(&value) && time(held_s));
        let watched = (0.0..=WATCHED_S_MIN).contains(&self.watched_s);
        jump && watched && time(self.unchanged_s) && time(self.longest_s)
    }
}

/// Away from the value before and from what is usual; the way back to usual is no jump.
fn is_jump(seen: &Seen) -> bool {
    let far = (JUMP_SCALES * seen.scale).max(JUMP_STEPS * seen.step);
    (seen.value - seen.before).abs() > far && (seen.value - seen.level).abs() > far
}

/// 0 up to one half, then straight to 1.
fn ramp(share: f64) -> f64 {
    (2.0 * share - 1.0).clamp(0.0, 1.0)
}
