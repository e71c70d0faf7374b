//! One channel of a series: what is usual there, and four statistics of how the newest value differs.

use serde::{Deserialize, Serialize};

use super::tail::Tail;

/// The fast average forgets over so many samples.
const FAST: f64 = 10.0;
/// The slow average, in samples; its distance from the fast one measures how the channel wanders.
const SLOW: f64 = 50.0;
/// Level and scales are plain means over so many samples …
const LEARN: f64 = 400.0;
/// … and afterwards forget over so many.
const KEEP: f64 = 8000.0;
/// No statistic is judged before so many samples.
const WARM: f64 = 60.0;
/// The sustained deviation is judged after so many.
const WARM_SUSTAINED: f64 = 100.0;
/// Before so many samples nothing is cut off, afterwards differences are, at [`CLIP`] scales.
const EARLY: f64 = 30.0;
/// In scales.
const CLIP: f64 = 4.0;
/// The held average takes values cut off at so many scales: it rises with what lasts, not with what
/// is large, and is soon back when an episode ends.
const HOLD: f64 = 3.0;
/// The fast average of a wandering channel strays from its level by so many times its distance from
/// the slow average.
const WANDER: f64 = 5.0;
/// The scale of the fast average is never taken as less than this part of the scale of the values.
const SCALE_PART_MIN: f64 = 0.02;
/// While the sustained deviation is beyond this nothing is learned …
const FREEZE: f64 = 3.0;
/// … for at most so many samples; what lasts longer is the new normal.
const FREEZE_MAX: f64 = 600.0;
/// Mean absolute difference times this is the standard deviation of a normal distribution.
const MEAN_ABS_TO_SIGMA: f64 = 1.253_314_137_315_500_3;
/// Values are held to this, so that no difference overflows.
const VALUE_MAX: f64 = 1e100;
/// No deviation counts as more.
const DEVIATION_MAX: f64 = 1e6;

/// How the newest value differs; the order is that of the statistics in [`crate::series`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sign {
    /// The value is far from the level.
    Value,
    /// The average of the last samples is far from the level.
    Average,
    /// The value is far from the average of the last samples.
    Jump,
    /// The last samples vary more than usual.
    Variation,
}

impl Sign {
    /// All, in order.
    pub const ALL: [Sign; 4] = [Sign::Value, Sign::Average, Sign::Jump, Sign::Variation];
}

/// State of one channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Channel {
    samples: f64,
    value: f64,
    level: f64,
    fast: f64,
    slow: f64,
    /// As `fast`, of values cut off at [`HOLD`] scales once they are learned.
    held: f64,
    /// Mean absolute deviation of the values from the level.
    spread: f64,
    /// Mean absolute deviation of the held average from the level.
    held_spread: f64,
    /// Mean absolute distance of the held from the slow average.
    wander: f64,
    /// Mean absolute distance of a value from the fast average before it.
    residual: f64,
    /// Mean absolute difference of neighbours.
    step: f64,
    /// The same of the last samples.
    step_fast: f64,
    frozen: f64,
    tails: Vec<Tail>,
}

/// What one value says.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Said {
    /// Surprise of each sign, in nats.
    pub(super) surprise: [f64; 4],
    /// Deviation of the fast average in its own scales, with wandering; 0 while learning.
    pub(super) sustained: f64,
}

impl Channel {
    pub(super) fn new(value: f64) -> Self {
        let value = hold(value);
        Self {
            samples: 1.0,
            value,
            level: value,
            fast: value,
            slow: value,
            held: value,
            spread: 0.0,
            held_spread: 0.0,
            wander: 0.0,
            residual: 0.0,
            step: 0.0,
            step_fast: 0.0,
            frozen: 0.0,
            tails: vec![Tail::new(); Sign::ALL.len()],
        }
    }

    /// Takes a finite value.
    pub(super) fn update(&mut self, value: f64) -> Said {
        let value = hold(value);
        self.samples += 1.0;
        let residual = (value - self.fast).abs();
        let step = (value - self.value).abs();
        self.value = value;
        self.fast += (value - self.fast) / FAST.min(self.samples);
        self.slow += (value - self.slow) / SLOW.min(self.samples);
        self.held += (self.cut_off(value) - self.held) / FAST.min(self.samples);
        let signs = self.signs(residual);
        let mut said = Said::default();
        if self.samples > WARM {
            for (surprise, (tail, sign)) in
                said.surprise.iter_mut().zip(self.tails.iter().zip(signs))
            {
                *surprise = tail.surprise(sign);
            }
        }
        if self.samples > FAST {
            for (tail, sign) in self.tails.iter_mut().zip(signs) {
                tail.add(sign);
            }
        }
        let deviation = self.deviation();
        if self.samples > WARM_SUSTAINED {
            said.sustained = deviation;
        }
        self.learn_steps(residual, step);
        self.learn_level(said.sustained);
        said
    }

    /// Forgets the last samples, after a gap: what follows is compared with the level only.
    pub(super) fn gap(&mut self, value: f64) {
        let value = hold(value);
        self.value = value;
        self.fast = value;
        self.slow = value;
        self.held = self.cut_off(value);
        self.step_fast = self.step;
    }

    /// The newest value, the level, and the scale of the values.
    pub(super) fn usual(&self) -> (f64, f64, f64) {
        (self.value, self.level, self.scale())
    }

    /// The averages of the last ten and of the last fifty samples.
    pub(super) fn averages(&self) -> (f64, f64) {
        (self.fast, self.slow)
    }

    fn cut_off(&self, value: f64) -> f64 {
        if self.samples <= LEARN {
            return value;
        }
        let most = HOLD * self.scale();
        value.clamp(self.level - most, self.level + most)
    }

    fn scale(&self) -> f64 {
        (MEAN_ABS_TO_SIGMA * self.spread).max(self.resolution())
    }

    /// Less than this is not told apart: rounding of a number of the level's size.
    fn resolution(&self) -> f64 {
        1e-9 * (1.0 + self.level.abs())
    }

    fn signs(&self, residual: f64) -> [f64; 4] {
        let scale = self.scale();
        let step = self.step.max(self.resolution());
        [
            ((self.value - self.level).abs() / scale).min(DEVIATION_MAX),
            ((self.fast - self.level).abs() / scale).min(DEVIATION_MAX),
            (residual / self.residual.max(self.resolution())).min(DEVIATION_MAX),
            (self.step_fast / step).clamp(SCALE_PART_MIN, DEVIATION_MAX),
        ]
    }

    fn deviation(&self) -> f64 {
        let scale = MEAN_ABS_TO_SIGMA
            * self
                .held_spread
                .max(WANDER * self.wander)
                .max(SCALE_PART_MIN * self.spread);
        ((self.held - self.level).abs() / scale.max(self.resolution())).min(DEVIATION_MAX)
    }

    /// The mean distances that jumps and variation are measured in; never frozen, cut off at twice
    /// [`CLIP`].
    fn learn_steps(&mut self, residual: f64, step: f64) {
        let weight = weight(self.samples);
        let most = |mean: f64| {
            if self.samples < EARLY {
                f64::INFINITY
            } else {
                2.0 * CLIP * mean.max(self.resolution())
            }
        };
        let (residual_max, step_max) = (most(self.residual), most(self.step));
        self.residual += weight * (residual.min(residual_max) - self.residual);
        self.step += weight * (step.min(step_max) - self.step);
        self.step_fast += (step - self.step_fast) / FAST;
    }

    fn learn_level(&mut self, sustained: f64) {
        if self.samples > LEARN && sustained > FREEZE {
            self.frozen += 1.0;
            if self.frozen > FREEZE_MAX {
                self.start_anew();
            }
            return;
        }
        self.frozen = 0.0;
        let from_level = self.value - self.level;
        let held_from_level = (self.held - self.level).abs();
        let wander = (self.held - self.slow).abs();
        let weight = weight(self.samples);
        let early = self.samples < EARLY;
        let reach = |mean: f64| {
            if early {
                f64::INFINITY
            } else {
                CLIP * MEAN_ABS_TO_SIGMA * mean
            }
        };
        let most = reach(self.spread.max(self.resolution()));
        let least_part = 0.05 * self.spread;
        let held_most = reach(self.held_spread.max(least_part));
        let wander_most = reach(self.wander.max(least_part));
        let held = from_level.clamp(-most, most);
        self.level += weight * held;
        self.spread += weight * (held.abs() - self.spread);
        if self.samples > FAST {
            let weight = weight_of_averages(self.samples);
            self.held_spread += weight * (held_from_level.min(held_most) - self.held_spread);
            self.wander += weight * (wander.min(wander_most) - self.wander);
        }
    }

    /// A new normal: the level is where the channel has been, scales are learned again from the ones
    /// known, and rarity keeps its memory.
    fn start_anew(&mut self) {
        self.level = self.slow;
        self.samples = WARM_SUSTAINED;
        self.frozen = 0.0;
    }

    pub(super) fn is_sound(&self) -> bool {
        let held = |value: f64| value.is_finite() && value.abs() <= VALUE_MAX;
        let distance = |value: f64| (0.0..=4.0 * VALUE_MAX).contains(&value);
        self.samples >= 1.0
            && self.samples.is_finite()
            && [self.value, self.level, self.fast, self.slow, self.held]
                .into_iter()
                .all(held)
            && [
                self.spread,
                self.held_spread,
                self.wander,
                self.residual,
                self.step,
                self.step_fast,
            ]
            .into_iter()
            .all(distance)
            && (0.0..=FREEZE_MAX).contains(&self.frozen)
            && self.tails.len() == Sign::ALL.len()
            && self.tails.iter().all(Tail::is_sound)
    }
}

fn hold(value: f64) -> f64 {
    value.clamp(-VALUE_MAX, VALUE_MAX)
}

fn weight(samples: f64) -> f64 {
    if samples <= LEARN {
        1.0 / samples
    } else {
        1.0 / KEEP
    }
}

fn weight_of_averages(samples: f64) -> f64 {
    if samples <= LEARN {
        1.0 / (samples - FAST)
    } else {
        1.0 / KEEP
    }
}
