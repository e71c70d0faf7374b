//! One channel of a room: what is usual there, and how the newest value differs from it.
//!
//! Level and scale follow the room's own past: a running mean over everything seen until 6 h, then a
//! mean that forgets over 6 h, of differences that are cut off at 2 scales (level) and 4 scales
//! (scale), so that a burst hardly moves them. While the value is beyond 4 scales nothing is
//! learned, for at most 2 h; what lasts longer is the new normal.
//!
//! Averages use the weight dt / (τ + dt). With it the average of a ramp lags by exactly τ at any
//! sampling, also an irregular one, so the difference of two averages gives the slope exactly.

use std::fmt;

use gridwatch_protocol::Timestamp;
use serde::{Deserialize, Serialize};

use super::PER_CHANNEL;

/// Milliseconds.
pub(super) type Time = i64;

/// What the model knows of a room. The order is that of the features.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Obscuration by smoke, %/m.
    Smoke,
    /// Carbon monoxide, ppm.
    CarbonMonoxide,
    /// Volatile organic compounds, ppb or the sensor's index.
    Voc,
    /// Air temperature, °C.
    Temperature,
    /// Relative humidity, %.
    Humidity,
    /// Carbon dioxide, ppm.
    Co2,
}

impl Channel {
    /// All channels, in the order of the features.
    pub const ALL: [Channel; 6] = [
        Channel::Smoke,
        Channel::CarbonMonoxide,
        Channel::Voc,
        Channel::Temperature,
        Channel::Humidity,
        Channel::Co2,
    ];

    /// The name in files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Channel::Smoke => "smoke",
            Channel::CarbonMonoxide => "carbon_monoxide",
            Channel::Voc => "voc",
            Channel::Temperature => "temperature",
            Channel::Humidity => "humidity",
            Channel::Co2 => "co2",
        }
    }

    /// The unit that values are given in.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Channel::Smoke => "%/m",
            Channel::CarbonMonoxide | Channel::Co2 => "ppm",
            Channel::Voc => "",
            Channel::Temperature => "°C",
            Channel::Humidity => "%",
        }
    }

    /// Its fixed numbers.
    #[must_use]
    pub fn constants(self) -> Constants {
        let of = |min, max, scale_min, step, rate_per_min| Constants {
            min,
            max,
            scale_min,
            step,
            rate_per_min,
        };
        match self {
            // 12.5 %/m is the least sensitive alarm point of UL 217 (4 %/ft).
            Channel::Smoke => of(-5.0, 100.0, 0.3, 5.0, 2.0),
            // 30 ppm is where EN 50291-1 allows no alarm before 120 min.
            Channel::CarbonMonoxide => of(-50.0, 10_000.0, 2.0, 30.0, 10.0),
            Channel::Voc => of(0.0, 100_000.0, 10.0, 200.0, 50.0),
            // 8 °C/min is about where rate-of-rise heat detectors of EN 54-5 respond.
            Channel::Temperature => of(-60.0, 600.0, 0.3, 10.0, 8.0),
            Channel::Humidity => of(0.0, 105.0, 1.5, 15.0, 5.0),
            Channel::Co2 => of(0.0, 50_000.0, 30.0, 600.0, 100.0),
        }
    }

    /// Its place in [`Channel::ALL`].
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The fixed numbers of a channel, in its unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Constants {
    /// Least value that is physically possible.
    pub min: f64,
    /// Greatest value that is physically possible.
    pub max: f64,
    /// The scale is never taken as less: resolution and noise of a common sensor.
    pub scale_min: f64,
    /// A rise that matters.
    pub step: f64,
    /// A rate per minute that matters.
    pub rate_per_min: f64,
}

impl Constants {
    /// The value, held to what is physically possible.
    #[must_use]
    pub fn hold(&self, value: f64) -> f64 {
        value.clamp(self.min, self.max)
    }
}

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
/// Mean absolute difference times this is the standard deviation of a normal distribution.
const MEAN_ABS_TO_SIGMA: f64 = 1.253_314_137_315_500_3;

/// A channel as a person would describe it, in the channel's unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ChannelView {
    /// The newest value.
    pub value: f64,
    /// Lower end of what is usual here: level − 3 scales.
    pub usual_low: f64,
    /// Upper end of what is usual here: level + 3 scales.
    pub usual_high: f64,
    /// Trend of the last minute, per minute.
    pub per_minute: f64,
    /// Seconds of quiet time that level and scale were learned from, at most 6 h.
    pub learned_s: f64,
}

/// State of one channel.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ChannelState {
    at: Timestamp,
    value: f64,
    level: f64,
    mean_abs: f64,
    learned_s: f64,
    frozen_s: f64,
    averages: [f64; 4],
    cusum: f64,
    interval_s: f64,
}

impl ChannelState {
    pub(super) fn new(channel: Channel, at: Timestamp, value: f64) -> Self {
        Self {
            at,
            value,
            level: value,
            mean_abs: channel.constants().scale_min / MEAN_ABS_TO_SIGMA,
            learned_s: LEARNED_AT_FIRST_S,
            frozen_s: 0.0,
            averages: [value; 4],
            cusum: 0.0,
            interval_s: 0.0,
        }
    }

    pub(super) fn at(&self) -> Timestamp {
        self.at
    }

    /// Moves the channel's time with a clock step.
    pub(super) fn shift(&mut self, step: Time) {
        self.at = self.at.plus_ms(step);
    }

    /// Takes a finite value within the channel's range; `at` is not before [`ChannelState::at`].
    pub(super) fn update(&mut self, channel: Channel, at: Timestamp, value: f64) {
        let dt = seconds(at.ms_since(self.at).max(0));
        self.at = at;
        self.value = value;
        if dt > GAP_S.max(10.0 * self.interval_s) {
            self.averages = [value; 4];
            self.cusum = 0.0;
        } else {
            self.average(channel, dt, value);
        }
        self.interval_s = match self.interval_s {
            0.0 => dt.min(INTERVAL_S_MAX),
            usual => usual + 0.1 * (dt.min(INTERVAL_S_MAX) - usual),
        };
        self.learn(channel, dt.min(WEIGHT_S_MAX), value);
    }

    fn average(&mut self, channel: Channel, dt: f64, value: f64) {
        for (average, tau) in self.averages.iter_mut().zip(AVERAGE_S) {
            *average += dt / (tau + dt) * (value - *average);
        }
        let fast_z = (self.averages[0] - self.averages[3]) / self.scale(channel);
        let minutes = dt.min(60.0) / 60.0;
        self.cusum = (self.cusum + (fast_z - 1.0) * minutes).clamp(0.0, CUSUM_MAX);
    }

    fn learn(&mut self, channel: Channel, weight_s: f64, value: f64) {
        let scale = self.scale(channel);
        let difference = value - self.level;
        if difference.abs() > FREEZE_Z * scale {
            self.frozen_s += weight_s;
            if self.frozen_s > FREEZE_S_MAX {
                self.level = self.averages[2];
                self.mean_abs = channel.constants().scale_min / MEAN_ABS_TO_SIGMA;
                self.learned_s = LEARNED_AT_FIRST_S;
                self.frozen_s = 0.0;
            }
            return;
        }
        self.frozen_s = 0.0;
        let part = weight_s / (self.learned_s + weight_s);
        self.level += part * difference.clamp(-2.0 * scale, 2.0 * scale);
        self.mean_abs += part * (difference.abs() - self.mean_abs);
        self.learned_s = (self.learned_s + weight_s).min(LEARN_S);
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

    pub(super) fn features(&self, channel: Channel, now: Timestamp) -> [f32; PER_CHANNEL] {
        let (age, stale) = self.age(now);
        if age > stale {
            return [0.0; PER_CHANNEL];
        }
        let constants = channel.constants();
        let scale = self.scale(channel);
        let difference = self.value - self.level;
        let (slope_1m, slope_5m) = self.slopes_per_min();
        [
            squash(difference / scale),
            squash((self.averages[0] - self.averages[3]) / scale),
            squash(slope_1m / constants.rate_per_min),
            squash(slope_5m / constants.rate_per_min),
            squash(difference / constants.step),
            squash(self.cusum),
            age / stale,
            1.0,
        ]
        .map(narrow)
    }

    pub(super) fn view(&self, channel: Channel, now: Timestamp) -> Option<ChannelView> {
        let (age, stale) = self.age(now);
        if age > stale {
            return None;
        }
        let reach = 3.0 * self.scale(channel);
        let constants = channel.constants();
        Some(ChannelView {
            value: self.value,
            usual_low: constants.hold(self.level - reach),
            usual_high: constants.hold(self.level + reach),
            per_minute: self.slopes_per_min().0,
            learned_s: self.learned_s,
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
    }
}

/// Bends everything into (−8, 8), nearly straight around 0.
fn squash(value: f64) -> f64 {
    value / (1.0 + value.abs() / 8.0)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "times are within the years 0 to 9999, far below 2^53 ms"
)]
fn seconds(ms: Time) -> f64 {
    ms as f64 / 1000.0
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the model takes 32-bit numbers; features are within ±8"
)]
fn narrow(value: f64) -> f32 {
    value as f32
}
