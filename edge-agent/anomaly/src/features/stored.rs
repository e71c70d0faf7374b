//! The engine's state as it is saved. A state of another version, or with a number that no reading can
//! have led to, is refused: the engine then starts anew and learns again.

use gridwatch_protocol::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::channel::Channel;
use super::context::Context;
use super::state::ChannelState;
use super::{FEATURES_VERSION, OFFSET_MS_MAX, RoomFeatures};

/// [`RoomFeatures`] as it is saved. The room is read only once the version is known to fit, so that a
/// state of another version is told by its version and not by the first field that differs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Stored {
    features_version: u32,
    #[serde(flatten)]
    room: Value,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct StoredRoom {
    now: Option<Timestamp>,
    late_in_row: u8,
    offset_ms: i64,
    episode: bool,
    context: Context,
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
    /// Of this version, and yet not of its form.
    #[error("saved features cannot be read: {problem}")]
    Form {
        /// What is missing or wrong.
        problem: String,
    },
    /// Damaged.
    #[error("saved features of {what} hold a number that no reading can have led to")]
    Damaged {
        /// A channel, or `context`.
        what: &'static str,
    },
}

impl From<RoomFeatures> for Stored {
    fn from(room: RoomFeatures) -> Self {
        let stored = StoredRoom {
            now: room.now,
            late_in_row: room.late_in_row,
            offset_ms: room.offset_ms,
            episode: room.episode,
            context: room.context,
            channels: room.channels,
        };
        Self {
            features_version: FEATURES_VERSION,
            room: serde_json::to_value(stored)
                .expect("numbers, strings and arrays always become JSON"),
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
        let room: StoredRoom =
            serde_json::from_value(stored.room).map_err(|error| StoredStateError::Form {
                problem: error.to_string(),
            })?;
        for channel in Channel::ALL {
            if let Some(state) = &room.channels[channel.index()]
                && !state.is_sound(channel)
            {
                return Err(StoredStateError::Damaged {
                    what: channel.as_str(),
                });
            }
        }
        if !room.context.is_sound() || room.offset_ms.abs() > OFFSET_MS_MAX {
            return Err(StoredStateError::Damaged { what: "context" });
        }
        Ok(Self {
            now: room.now,
            late_in_row: room.late_in_row,
            offset_ms: room.offset_ms,
            episode: room.episode,
            context: room.context,
            channels: room.channels,
        })
    }
}
