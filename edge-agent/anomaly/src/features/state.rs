//! One channel of a room: what is usual there, and how the newest value differs from it.
//!
//! Level and scale follow the room's own past: a running mean over everything seen until 6 h, then a
//! mean that forgets over 6 h, of differences that are cut off at 2 scales (level) and 4 scales
//! (scale), so that a burst hardly moves them. While the value is beyond 4 scales, or the caller says
//! that an episode is on, nothing is learned; what stays beyond 4 scales for 2 h is the new normal.
//!
//! Averages use the weight dt / (τ + dt). With it the average of a ramp lags by exactly τ at any
//! sampling, also an irregular one, so the difference of two averages gives the slope exactly.

use gridwatch_protocol::Timestamp;
use serde::{Deserialize, Serialize};

use super::PER_GROUP;
use super::channel::{Channel, Constants};
use super::fault::{Fault, FaultWatch, Seen};
use super::hours::{HourTable, Usual};

/// Milliseconds.
pub(super) type Time = i64;

/// Level and scale forget over 6 h.
const LEARN_S: f64 = 6.0 * 3600.0;
/// The first value counts as much as a minute of watching.
const LEARNED_AT_FIRST_S: f64 = 60.0;
/// Beyond so many scales nothing is learned …
const FREEZE_Z: f64 = 4.0;
/// … for at most so long.
const FREEZE_S_MAX: f64 = 2.0 * 3600.0;
/// A single value stands for at most so much time.
const WEIGHT_S_MAX: f64 = 300.0;
/// The averages forget over so many seconds.
const AVERAGE_S: [f64; 4] = [10.0, 70.0, 370.0, 970.0];
/// Longer than this and than ten usual intervals without a value is a gap.
const GAP_S: f64 = 600.0;
/// The usual interval is taken as at most this.
const INTERVAL_S_MAX: f64 = 3600.0;
/// A value is stale after four usual intervals, within these bounds.
const STALE_S: (f64, f64) = (180.0, 3600.0);
/// The cusum goes no further.
const CUSUM_MAX: f64 = 120.0;
/// The usual range that is told to people is so many spreads to both sides: about 19 of 20 values.
const USUAL_SPREADS: f64 = 2.0;
/// Mean absolute difference times this is the standard deviation of a normal distribution.
pub(super) const MEAN_ABS_TO_SIGMA: f64 = 1.253_314_137_315_500_3;

/// A channel as a person would describe it, in the channel's unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ChannelView {
    /// The newest value.
    pub value: f64,
    /// Lower end of what is usual here at this hour of the week.
    pub usual_low: f64,
    /// Upper end of what is usual here at this hour of the week.
    pub usual_high: f64,
    /// Trend of the last minute, per minute.
    pub per_minute: f64,
    /// Seconds of quiet time that level and scale were learned from, at most 6 h.
    pub learned_s: f64,
    /// Why the sensor looks broken, if it does.
    pub fault: Option<Fault>,
}

/// State of one channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct ChannelState {
    at: Timestamp,
    value: f64,
    level: f64,
    mean_abs: f64,
    learned_s: f64,
    frozen_s: f64,
    averages: [f64; 4],
    cusum: f64,
    interval_s: f64,
    watch: FaultWatch,
    hours: HourTable,
}

/// A value with what is known around it.
pub(super) struct Measured {
    pub(super) at: Timestamp,
    /// Finite, held to the channel's range.
    pub(super) value: f64,
    /// Whether it was within the range as it came.
    pub(super) possible: bool,
    /// Local time less UTC.
    pub(super) offset_ms: Time,
    /// The caller says that an episode is on.
    pub(super) episode: bool,
}

impl ChannelState {
    pub(super) fn new(channel: Channel, measured: &Measured) -> Self {
        Self {
            at: measured.at,
            value: measured.value,
            level: measured.value,
            mean_abs: channel.constants().scale_min / MEAN_ABS_TO_SIGMA,
            learned_s: LEARNED_AT_FIRST_S,
            frozen_s: 0.0,
            averages: [measured.value; 4],
            cusum: 0.0,
            interval_s: 0.0,
            watch: FaultWatch::new(measured.possible),
            hours: HourTable::new(),
        }
    }

    pub(super) fn at(&self) -> Timestamp {
        self.at
    }

    /// Moves the channel's time with a clock step.
    pub(super) fn shift(&mut self, step: Time) {
        self.at = self.at.plus_ms(step);
    }

    /// Takes a value; its time is not before [`ChannelState::at`].
    pub(super) fn update(&mut self, channel: Channel, measured: &Measured) {
        let value = measured.value;
        let dt = seconds(measured.at.ms_since(self.at).max(0));
        let before = std::mem::replace(&mut self.value, value);
        self.at = measured.at;
        if dt > GAP_S.max(10.0 * self.interval_s) {
            self.averages = [value; 4];
            self.cusum = 0.0;
            self.watch.gap(measured.possible);
        } else {
            self.average(channel, dt, value);
            self.watch.update(&Seen {
                dt,
                before,
                value,
                level: self.level,
                scale: self.scale(channel),
                step: channel.constants().step,
                possible: measured.possible,
                at_rest: channel.rests_at_zero() && value <= 0.0,
            });
        }
        self.interval_s = match self.interval_s {
            0.0 => dt.min(INTERVAL_S_MAX),
            usual => usual + 0.1 * (dt.min(INTERVAL_S_MAX) - usual),
        };
        self.learn(channel, dt.min(WEIGHT_S_MAX), measured);
    }

    fn average(&mut self, channel: Channel, dt: f64, value: f64) {
        for (average, tau) in self.averages.iter_mut().zip(AVERAGE_S) {
            *average += dt / (tau + dt) * (value - *average);
        }
        let fast_z = (self.averages[0] - self.averages[3]) / self.scale(channel);
        let minutes = dt.min(60.0) / 60.0;
        self.cusum = (self.cusum + (fast_z - 1.0) * minutes).clamp(0.0, CUSUM_MAX);
    }

    fn learn(&mut self, channel: Channel, weight_s: f64, measured: &Measured) {
        let value = measured.value;
        let scale = self.scale(channel);
        let difference = value - self.level;
        if difference.abs() > FREEZE_Z * scale {
            self.frozen_s += weight_s;
            if self.frozen_s > FREEZE_S_MAX {
                self.begin_anew(channel);
            }
            return;
        }
        self.frozen_s = 0.0;
        if measured.episode {
            return;
        }
        let local_ms = local(measured.at, measured.offset_ms);
        let usual = self.hours.usual(local_ms, self.level, scale);
        self.hours.learn(local_ms, weight_s, value, usual);
        let part = weight_s / (self.learned_s + weight_s);
        self.level += part * difference.clamp(-2.0 * scale, 2.0 * scale);
        self.mean_abs += part * (difference.abs() - self.mean_abs);
        self.learned_s = (self.learned_s + weight_s).min(LEARN_S);
    }

    /// What lasted so long is the new normal.
    fn begin_anew(&mut self, channel: Channel) {
        self.level = self.averages[2];
        self.mean_abs = channel.constants().scale_min / MEAN_ABS_TO_SIGMA;
        self.learned_s = LEARNED_AT_FIRST_S;
        self.frozen_s = 0.0;
        self.watch.settle();
        self.hours.forget();
    }

    fn scale(&self, channel: Channel) -> f64 {
        (MEAN_ABS_TO_SIGMA * self.mean_abs).max(channel.constants().scale_min)
    }

    fn slopes_per_min(&self) -> (f64, f64) {
        let [e10, e70, e370, _] = self.averages;
        (e10 - e70, (e70 - e370) / 5.0)
    }

    /// Age in seconds and the age at which the value is stale.
    fn age(&self, now: Timestamp) -> (f64, f64) {
        let age = seconds(now.ms_since(self.at).max(0));
        (age, (4.0 * self.interval_s).clamp(STALE_S.0, STALE_S.1))
    }

    pub(super) fn is_present(&self, now: Timestamp) -> bool {
        let (age, stale) = self.age(now);
        age <= stale
    }

    /// The newest value and the level it is compared with.
    pub(super) fn value_and_level(&self) -> (f64, f64) {
        (self.value, self.level)
    }

    fn usual(&self, channel: Channel, now: Timestamp, offset_ms: Time) -> Usual {
        self.hours
            .usual(local(now, offset_ms), self.level, self.scale(channel))
    }

    pub(super) fn features(
        &self,
        channel: Channel,
        now: Timestamp,
        offset_ms: Time,
    ) -> [f32; PER_GROUP] {
        let (age, stale) = self.age(now);
        if age > stale {
            return [0.0; PER_GROUP];
        }
        let constants = channel.constants();
        let scale = self.scale(channel);
        let difference = self.value - self.level;
        let (slope_1m, slope_5m) = self.slopes_per_min();
        let usual = self.usual(channel, now, offset_ms);
        [
            squash(difference / scale),
            squash((self.averages[0] - self.averages[3]) / scale),
            squash(slope_1m / constants.rate_per_min),
            squash(slope_5m / constants.rate_per_min),
            squash(difference / constants.step),
            squash(self.cusum),
            squash((self.value - usual.value) / usual.spread),
            age / stale,
            1.0,
            self.watch.sign().0,
        ]
        .map(narrow)
    }

    pub(super) fn view(
        &self,
        channel: Channel,
        now: Timestamp,
        offset_ms: Time,
    ) -> Option<ChannelView> {
        if !self.is_present(now) {
            return None;
        }
        let usual = self.usual(channel, now, offset_ms);
        let reach = USUAL_SPREADS * usual.spread;
        let constants = channel.constants();
        let least = if channel.rests_at_zero() {
            0.0
        } else {
            constants.min
        };
        Some(ChannelView {
            value: self.value,
            usual_low: constants.hold(usual.value - reach).max(least),
            usual_high: constants.hold(usual.value + reach).max(least),
            per_minute: self.slopes_per_min().0,
            learned_s: self.learned_s,
            fault: self.watch.sign().1,
        })
    }

    /// Whether every number is one that readings can lead to.
    pub(super) fn is_sound(&self, channel: Channel) -> bool {
        let Constants { min, max, .. } = channel.constants();
        let inside = |value: f64| (min..=max).contains(&value);
        let width = max - min;
        inside(self.value)
            && inside(self.level)
            && self.averages.into_iter().all(inside)
            && (0.0..=width).contains(&self.mean_abs)
            && (LEARNED_AT_FIRST_S..=LEARN_S).contains(&self.learned_s)
            && (0.0..=FREEZE_S_MAX).contains(&self.frozen_s)
            && (0.0..=CUSUM_MAX).contains(&self.cusum)
            && (0.0..=INTERVAL_S_MAX).contains(&self.interval_s)
            && self.watch.is_sound(min, max)
            && self.hours.is_sound(min, max)
    }
}

/// Milliseconds since 1970-01-01 00:00 local time.
pub(super) fn local(at: Timestamp, offset_ms: Time) -> Time {
    at.unix_ms().saturating_add(offset_ms)
}

/// Bends everything into (−8, 8), nearly straight around 0.
pub(super) fn squash(value: f64) -> f64 {
    value / (1.0 + value.abs() / 8.0)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "times are within the years 0 to 9999, far below 2^53 ms"
)]
pub(super) fn seconds(ms: Time) -> f64 {
    ms as f64 / 1000.0
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the model takes 32-bit numbers; features are within ±8"
)]
pub(super) fn narrow(value: f64) -> f32 {
    value as f32
}
