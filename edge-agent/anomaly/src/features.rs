//! What the room model sees: 80 numbers about one room, kept up to date reading by reading.
//!
//! The one definition of the features, used by the agent and by the trainer alike (through
//! [`features_csv`]), so that the two cannot drift apart. Pure: the caller gives the time. State is
//! of constant size (at most 17 KB for a room), it is serialisable and versioned, and after a restart
//! the engine goes on exactly where its saved state stood.
//!
//! The same readings give the same numbers on every machine, but for the last bit of `exp`, `ln`, `sin`
//! and `cos` in the context group. Never returns NaN or infinity, whatever it is fed.
//!
//! # Layout of a row, version 2
//! Eight groups of ten: one for each channel in the order of [`Channel::ALL`], then the context.
//!
//! Channels: smoke (%/m), fine dust PM2.5 (µg/m³), carbon monoxide (ppm), VOC (ppb or index),
//! temperature (°C), relative humidity (%), carbon dioxide (ppm). One sensor per channel: who feeds two
//! thermometers of a room into one [`RoomFeatures`] mixes them.
//!
//! `x` is the newest value, `e10`, `e70`, `e370`, `e970` are averages that forget over so many
//! seconds, *level* and *scale* are learned from the room's own past (6 h), *usual* and *spread* from
//! that and the same hour of other weeks, *step* and *rate* are the constants of
//! [`Channel::constants`], and *squash(v)* = v / (1 + |v| / 8), which bends everything into (−8, 8).
//!
//! | channel feature | definition | unit before squashing |
//! |---|---|---|
//! | `level_z` | squash((x − level) / scale) | scales |
//! | `fast_z` | squash((e10 − e970) / scale) | scales |
//! | `slope_1m` | squash((e10 − e70) / 1 min / rate) | rates; exact for a ramp |
//! | `slope_5m` | squash((e70 − e370) / 5 min / rate) | rates; exact for a ramp |
//! | `rise` | squash((x − level) / step) | steps |
//! | `cusum` | squash(sum of (fast_z − 1) over minutes, never below 0) | scale·min |
//! | `hour_z` | squash((x − usual) / spread), for this hour of the week | spreads |
//! | `age` | age of x as a share of the time until it is stale, 0 to 1 | – |
//! | `present` | 1 while x is not stale, else 0, and then all ten are 0 | – |
//! | `fault` | 0 to 1: stands still, jumped and stands still, or beyond what is possible | – |
//!
//! *rise of* a channel is max(0, (x − level) / step); of smoke it is the larger one of smoke and dust.
//!
//! | context feature | definition |
//! |---|---|
//! | `absolute_humidity` | squash(g/kg of water above what is usual, at the usual temperature) |
//! | `smoke_co_ratio` | ln((1 + rise of smoke) / (1 + rise of CO)), 0 when either is absent |
//! | `smoke_voc_ratio` | ln((1 + rise of smoke) / (1 + rise of VOC)), 0 when either is absent |
//! | `smoke_and_co` | squash(the lesser of the rises of smoke and CO) |
//! | `smoke_and_heat` | squash(the lesser of the rises of smoke and temperature) |
//! | `hour_sin`, `hour_cos` | of the local hour of the day |
//! | `occupancy_expected` | 2p − 1 for the share p of times that people are there; 0 unknown |
//! | `door_opened` | 1 for 5 min after a door was opened |
//! | `camera_fire` | a camera's highest score for smoke or fire in the last minute, 0 to 1 |
//!
//! # Defined behaviour for bad input
//! | input | what happens |
//! |---|---|
//! | NaN, ±∞ | refused, state unchanged |
//! | beyond the channel's physical range | held to the range, and a fault while it lasts |
//! | same time again | the value replaces the newest one, averages stay |
//! | up to 60 s older than the channel's newest | refused as late; the third in a row is a clock step |
//! | a clock step back | the whole room's times move with it, memories stay |
//! | a gap, or a clock step forward | averages and cusum start anew, level and scale stay |
//! | a new normal (sensor replaced, unit changed) | after 2 h beyond 4 scales the channel learns anew |
//! | a jump that then stands still | a fault after 10 min, until it is the new normal |
//! | constant from the start | no fault: there is nothing to compare with |
//! | an episode, told by [`RoomFeatures::set_episode`] | level, scale and hours learn nothing |

pub mod channel;
mod context;
mod csv;
mod fault;
mod hours;
mod state;
mod stored;
mod unit;

pub use channel::Channel;
pub use context::{CONTEXT_NAMES, ContextView, Observation};
pub use csv::{FeatureCsvError, features_csv};
pub use fault::Fault;
pub use state::ChannelView;
pub use stored::StoredStateError;
pub use unit::measure;

use context::{Channels, Context};
use gridwatch_protocol::Timestamp;
use serde::{Deserialize, Serialize};
use state::{ChannelState, Measured, Time};
use stored::Stored;

/// Version of the definition above. A state or a model made for another version is refused.
pub const FEATURES_VERSION: u32 = 2;
/// Features of a group: a channel, or the context.
pub const PER_GROUP: usize = 10;
/// Groups of a row: the channels, then the context.
pub const GROUPS: usize = Channel::ALL.len() + 1;
/// The context's place among the groups.
pub const CONTEXT_GROUP: usize = Channel::ALL.len();
/// Features of a room.
pub const FEATURE_COUNT: usize = GROUPS * PER_GROUP;
/// Names of a channel's features, in order.
pub const FEATURE_NAMES: [&str; PER_GROUP] = [
    "level_z", "fast_z", "slope_1m", "slope_5m", "rise", "cusum", "hour_z", "age", "present",
    "fault",
];

/// A room's features, group by group.
pub type FeatureRow = [f32; FEATURE_COUNT];

/// A reading this much older than its channel's newest is a clock step, not a late message.
const LATE_MS_MAX: i64 = 60_000;
/// So many late readings in a row are a clock step.
const LATE_IN_ROW_MAX: u8 = 3;
/// No place on Earth is further from UTC (in 2026: −12 to +14 h).
const OFFSET_MS_MAX: i64 = 18 * 3_600_000;

/// What became of a reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Update {
    /// It is in the features.
    Taken,
    /// Refused: not a finite number.
    NotFinite,
    /// Refused: older than what the channel already has.
    Late,
}

/// The feature engine's state of one room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct RoomFeatures {
    now: Option<Timestamp>,
    late_in_row: u8,
    offset_ms: i64,
    episode: bool,
    context: Context,
    channels: [Option<ChannelState>; Channel::ALL.len()],
}

impl Default for RoomFeatures {
    fn default() -> Self {
        Self::new()
    }
}

impl RoomFeatures {
    /// A room that nothing is known of, in UTC.
    #[must_use]
    pub fn new() -> Self {
        Self {
            now: None,
            late_in_row: 0,
            offset_ms: 0,
            episode: false,
            context: Context::default(),
            channels: std::array::from_fn(|_| None),
        }
    }

    /// Local time less UTC in seconds, for the hours of the week; held to ±18 h. Told again when summer
    /// time begins or ends.
    pub fn set_utc_offset_s(&mut self, seconds: i32) {
        self.offset_ms = (i64::from(seconds) * 1000).clamp(-OFFSET_MS_MAX, OFFSET_MS_MAX);
    }

    /// Whether the caller holds an episode open: nothing is learned then. What stays beyond 4 scales for
    /// 2 h becomes the new normal all the same.
    pub fn set_episode(&mut self, on: bool) {
        self.episode = on;
    }

    /// Takes one value, in the channel's unit (see [`measure`]), measured at `at`.
    pub fn update(&mut self, channel: Channel, at: Timestamp, value: f64) -> Update {
        if !value.is_finite() {
            return Update::NotFinite;
        }
        let constants = channel.constants();
        let measured = Measured {
            at,
            value: constants.hold(value),
            possible: constants.allows(value),
            offset_ms: self.offset_ms,
            episode: self.episode,
        };
        let index = channel.index();
        let Some(newest) = self.channels[index].as_ref().map(ChannelState::at) else {
            self.channels[index] = Some(ChannelState::new(channel, &measured));
            self.advance(at);
            return Update::Taken;
        };
        let late_by = newest.ms_since(at);
        if late_by > 0 {
            self.late_in_row = self.late_in_row.saturating_add(1);
            if late_by <= LATE_MS_MAX && self.late_in_row < LATE_IN_ROW_MAX {
                return Update::Late;
            }
            self.step_back_to(at);
        }
        self.late_in_row = 0;
        if let Some(state) = &mut self.channels[index] {
            state.update(channel, &measured);
        }
        self.advance(at);
        Update::Taken
    }

    /// Takes what else is known of the room at `at`. It does not move the room's time: the readings do.
    pub fn observe(&mut self, at: Timestamp, observation: Observation) -> Update {
        if self.context.observe(at, observation) {
            Update::Taken
        } else {
            Update::NotFinite
        }
    }

    /// The features at the time of the newest reading.
    #[must_use]
    pub fn row(&self) -> FeatureRow {
        self.row_at(self.now.unwrap_or(Timestamp::from_unix_ms(0)))
    }

    /// The features at `now`: what is stale by then is absent.
    #[must_use]
    pub fn row_at(&self, now: Timestamp) -> FeatureRow {
        let mut row = [0.0; FEATURE_COUNT];
        let (groups, _) = row.as_chunks_mut::<PER_GROUP>();
        for channel in Channel::ALL {
            if let Some(state) = &self.channels[channel.index()] {
                groups[channel.index()] = state.features(channel, now, self.offset_ms);
            }
        }
        let known = self.now.map(|_| now);
        groups[CONTEXT_GROUP] =
            self.context
                .features(&Channels(&self.channels), known, self.offset_ms);
        row
    }

    /// A channel as a person would describe it: value, usual range for this hour, trend. `None` when it
    /// is absent or stale.
    #[must_use]
    pub fn view(&self, channel: Channel) -> Option<ChannelView> {
        let now = self.now?;
        self.channels[channel.index()]
            .as_ref()
            .and_then(|state| state.view(channel, now, self.offset_ms))
    }

    /// All channels of [`RoomFeatures::view`].
    #[must_use]
    pub fn views(&self) -> [Option<ChannelView>; Channel::ALL.len()] {
        Channel::ALL.map(|channel| self.view(channel))
    }

    /// The context as a person would describe it.
    #[must_use]
    pub fn context_view(&self) -> ContextView {
        self.now.map_or_else(ContextView::default, |now| {
            self.context.view(&Channels(&self.channels), now)
        })
    }

    /// Time of the newest reading.
    #[must_use]
    pub fn now(&self) -> Option<Timestamp> {
        self.now
    }

    fn advance(&mut self, at: Timestamp) {
        self.now = Some(self.now.map_or(at, |now| now.max(at)));
    }

    /// The clock went back: what was learned stays, all times move with the clock.
    fn step_back_to(&mut self, at: Timestamp) {
        let Some(now) = self.now else { return };
        let step: Time = at.ms_since(now);
        for state in self.channels.iter_mut().flatten() {
            state.shift(step);
        }
        self.context.shift(step);
        self.now = Some(at);
    }
}

/// `smoke.level_z` and so on, in the order of a [`FeatureRow`].
pub fn feature_names() -> impl Iterator<Item = String> {
    let channels = Channel::ALL.into_iter().flat_map(|channel| {
        FEATURE_NAMES
            .iter()
            .map(move |name| format!("{channel}.{name}"))
    });
    channels.chain(CONTEXT_NAMES.iter().map(|name| format!("context.{name}")))
}

/// Names of the groups, in order: the channels, then `context`.
pub fn group_names() -> impl Iterator<Item = &'static str> {
    Channel::ALL
        .into_iter()
        .map(Channel::as_str)
        .chain(["context"])
}

#[cfg(test)]
mod tests;
