//! What the anomaly model sees: 48 numbers about one room, kept up to date reading by reading.
//!
//! The one definition of the features, used by the agent and by the trainer alike (through
//! [`features_csv`]), so that the two cannot drift apart. Pure: the caller gives the time. State is
//! of constant size (six channels of a dozen numbers), it is serialisable and versioned, and after a
//! restart the engine goes on exactly where its saved state stood.
//!
//! Only additions, multiplications, divisions, comparisons: the same readings give the same bits on
//! every machine. Never returns NaN or infinity, whatever it is fed.
//!
//! # Channels
//! smoke (%/m), carbon monoxide (ppm), VOC (ppb or index), temperature (°C), relative humidity (%),
//! carbon dioxide (ppm). One sensor per channel: who feeds two thermometers of a room into one
//! [`RoomFeatures`] mixes them.
//!
//! # Features, eight per channel
//! `x` is the newest value, `e10`, `e70`, `e370`, `e970` are averages that forget over so many
//! seconds, *level* and *scale* are learned from the room's own past (6 h, see
//! [`channel::ChannelState`]), *step* and *rate* are the constants of [`Channel::constants`], and
//! *squash(v)* = v / (1 + |v| / 8), which bends everything into (−8, 8).
//!
//! | feature | definition | unit before squashing |
//! |---|---|---|
//! | `level_z` | squash((x − level) / scale) | scales |
//! | `fast_z` | squash((e10 − e970) / scale) | scales |
//! | `slope_1m` | squash((e10 − e70) / 1 min / rate) | rates; exact for a ramp |
//! | `slope_5m` | squash((e70 − e370) / 5 min / rate) | rates; exact for a ramp |
//! | `rise` | squash((x − level) / step) | steps |
//! | `cusum` | squash(sum of (fast_z − 1) over minutes, never below 0) | scale·min |
//! | `age` | age of x as a share of the time until it is stale, 0 to 1 | – |
//! | `present` | 1 while x is not stale, else 0, and then all eight are 0 | – |
//!
//! # Defined behaviour for bad input
//! | input | what happens |
//! |---|---|
//! | NaN, ±∞ | refused, state unchanged |
//! | beyond the channel's physical range | held to the range |
//! | same time again | the value replaces the newest one, averages stay |
//! | up to 60 s older than the channel's newest | refused as late; the third in a row is a clock step |
//! | a clock step back | the whole room's times move with it, memories stay |
//! | a gap, or a clock step forward | averages and cusum start anew, level and scale stay |
//! | a new normal (sensor replaced, unit changed) | after 2 h beyond 4 scales the channel learns anew |

pub mod channel;
mod csv;
mod unit;

pub use channel::{Channel, ChannelView};
pub use csv::{FeatureCsvError, features_csv};
pub use unit::measure;

use channel::{ChannelState, Time};
use gridwatch_protocol::Timestamp;
use serde::{Deserialize, Serialize};

/// Version of the definition above. A state or a model made for another version is refused.
pub const FEATURES_VERSION: u32 = 1;
/// Features per channel.
pub const PER_CHANNEL: usize = 8;
/// Features of a room.
pub const FEATURE_COUNT: usize = Channel::ALL.len() * PER_CHANNEL;
/// Names of a channel's features, in order.
pub const FEATURE_NAMES: [&str; PER_CHANNEL] = [
    "level_z", "fast_z", "slope_1m", "slope_5m", "rise", "cusum", "age", "present",
];

/// A room's features, channel by channel in the order of [`Channel::ALL`].
pub type FeatureRow = [f32; FEATURE_COUNT];

/// A reading this much older than its channel's newest is a clock step, not a late message.
const LATE_MS_MAX: i64 = 60_000;
/// So many late readings in a row are a clock step.
const LATE_IN_ROW_MAX: u8 = 3;

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
    channels: [Option<ChannelState>; Channel::ALL.len()],
}

/// [`RoomFeatures`] as it is saved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Stored {
    features_version: u32,
    now: Option<Timestamp>,
    late_in_row: u8,
    channels: [Option<ChannelState>; Channel::ALL.len()],
}

/// Why a saved state cannot be used. The engine then starts anew and learns again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoredStateError {
    /// Made by another version of the definition.
    #[error("saved features are of version {found}, this agent has version {FEATURES_VERSION}")]
    Version {
        /// The version in the saved state.
        found: u32,
    },
    /// Damaged.
    #[error("saved features of {channel} hold a number that no reading can have led to")]
    Damaged {
        /// Where.
        channel: Channel,
    },
}

impl Default for RoomFeatures {
    fn default() -> Self {
        Self::new()
    }
}

impl RoomFeatures {
    /// A room that nothing is known of.
    #[must_use]
    pub fn new() -> Self {
        Self {
            now: None,
            late_in_row: 0,
            channels: [None; Channel::ALL.len()],
        }
    }

    /// Takes one value, in the channel's unit (see [`measure`]), measured at `at`.
    pub fn update(&mut self, channel: Channel, at: Timestamp, value: f64) -> Update {
        if !value.is_finite() {
            return Update::NotFinite;
        }
        let value = channel.constants().hold(value);
        let index = channel.index();
        let Some(newest) = self.channels[index].as_ref().map(ChannelState::at) else {
            self.channels[index] = Some(ChannelState::new(channel, at, value));
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
            state.update(channel, at, value);
        }
        self.advance(at);
        Update::Taken
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
        for channel in Channel::ALL {
            let start = channel.index() * PER_CHANNEL;
            if let Some(state) = &self.channels[channel.index()] {
                row[start..start + PER_CHANNEL].copy_from_slice(&state.features(channel, now));
            }
        }
        row
    }

    /// A channel as a person would describe it: value, usual range, trend. `None` when it is absent
    /// or stale.
    #[must_use]
    pub fn view(&self, channel: Channel) -> Option<ChannelView> {
        let now = self.now?;
        self.channels[channel.index()]
            .as_ref()
            .and_then(|state| state.view(channel, now))
    }

    /// All channels of [`RoomFeatures::view`].
    #[must_use]
    pub fn views(&self) -> [Option<ChannelView>; Channel::ALL.len()] {
        Channel::ALL.map(|channel| self.view(channel))
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
        self.now = Some(at);
    }
}

impl From<RoomFeatures> for Stored {
    fn from(room: RoomFeatures) -> Self {
        Self {
            features_version: FEATURES_VERSION,
            now: room.now,
            late_in_row: room.late_in_row,
            channels: room.channels,
        }
    }
}

impl TryFrom<Stored> for RoomFeatures {
    type Error = StoredStateError;
    fn try_from(stored: Stored) -> Result<Self, Self::Error> {
        if stored.features_version != FEATURES_VERSION {
            return Err(StoredStateError::Version {
                found: stored.features_version,
            });
        }
        for channel in Channel::ALL {
            if let Some(state) = &stored.channels[channel.index()]
                && !state.is_sound(channel)
            {
                return Err(StoredStateError::Damaged { channel });
            }
        }
        Ok(Self {
            now: stored.now,
            late_in_row: stored.late_in_row,
            channels: stored.channels,
        })
    }
}

/// `smoke.level_z` and so on, in the order of a [`FeatureRow`].
pub fn feature_names() -> impl Iterator<Item = String> {
    Channel::ALL.into_iter().flat_map(|channel| {
        FEATURE_NAMES
            .iter()
            .map(move |name| format!("{channel}.{name}"))
    })
}

#[cfg(test)]
mod tests;
