//! Which features a bundle looks at. The definitions are those of `gridwatch-anomaly`, and only those: a
//! bundle that was trained on another version is refused.

use gridwatch_anomaly::counts::{COUNT_FEATURE_NAMES, COUNTS_VERSION};
use gridwatch_anomaly::features::{FEATURES_VERSION, feature_names};
use gridwatch_anomaly::model::Fuser;
use serde::Deserialize;

/// The engine whose rows a model takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Engine {
    /// The air of a room.
    Room,
    /// Counts and events of a door, a zone, a camera.
    Counts,
}

impl Engine {
    /// Both, in the order of [`Fuser::ALL`].
    pub const ALL: [Self; 2] = [Self::Room, Self::Counts];

    /// The engine whose rows a fuser takes.
    #[must_use]
    pub fn of(fuser: Fuser) -> Self {
        match fuser {
            Fuser::Env => Self::Room,
            Fuser::Counts => Self::Counts,
        }
    }

    /// Version of its definition.
    #[must_use]
    pub fn version(self) -> u32 {
        match self {
            Self::Room => FEATURES_VERSION,
            Self::Counts => COUNTS_VERSION,
        }
    }

    /// Names of its features, in order.
    #[must_use]
    pub fn feature_names(self) -> Vec<String> {
        match self {
            Self::Room => feature_names().collect(),
            Self::Counts => COUNT_FEATURE_NAMES.map(str::to_owned).into(),
        }
    }

    /// How many features a row has.
    #[must_use]
    pub fn width(self) -> usize {
        self.feature_names().len()
    }

    /// The fuser that runs on it.
    #[must_use]
    pub fn fuser(self) -> Fuser {
        match self {
            Self::Room => Fuser::Env,
            Self::Counts => Fuser::Counts,
        }
    }
}
