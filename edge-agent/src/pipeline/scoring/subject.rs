//! What is scored: a room's air, or the events of a door or a camera. Pure, bounded, serialisable.

use gridwatch_anomaly::calibration::{Calibration, Judgement, Prior, Settings};
use gridwatch_anomaly::counts::{self, CountRow, Counted, EventStream, Learning};
use gridwatch_anomaly::features::{Channel, FeatureRow, GROUPS, PER_GROUP, RoomFeatures};
use gridwatch_anomaly::model::{Fuser, Verdict};
use gridwatch_protocol::{DetectedBy, DeviceId, Kind, Place, Timestamp};
use serde::{Deserialize, Serialize};

/// Where the levels of a stream's statistics begin before it knows itself: surprises of 4, 6 and 9 decades.
const COUNTS_PRIOR: Prior = Prior {
    notice: 0.5,
    warning: 0.6,
    alarm: 0.692,
    floor: 0.33,
};
/// Likewise of a room: its two loudest channels rise by 10, 15 and 24 scales together. They decide only while
/// there is no model to trust.
const ROOM_PRIOR: Prior = Prior {
    notice: 0.55,
    warning: 0.65,
    alarm: 0.75,
    floor: 0.5,
};
/// Rise of a room's two loudest channels, in scales, that is evidence of one half.
const ROOM_HALF: f32 = 8.0;
/// Places of a channel's features in its group.
const FAST_Z: usize = 1;
const PRESENT: usize = 8;

/// A place, or a device by itself: when its place is not known, or another device already measures
/// the same thing there; or the events of one device.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) enum Key {
    Place(Place),
    Device(DeviceId),
    Events(DeviceId),
}

/// Which device each channel of a room comes from.
pub(super) type Owners = [Option<DeviceId>; Channel::ALL.len()];

/// What is known of the thing itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum What {
    Room {
        features: Box<RoomFeatures>,
        owners: Owners,
    },
    Stream {
        events: Box<EventStream>,
        device: DeviceId,
        kind: Kind,
        /// Last state of each kind that has states, so that a repeated one is no new event.
        states: Vec<(Kind, bool)>,
    },
}

/// A row of features, of either sort.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Row {
    Room(Box<FeatureRow>),
    Counts(CountRow),
}

/// An alert of the models that is open.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Raised {
    /// The name of its episode, after [`crate::detection::MODEL_PREFIX`].
    pub(super) rule: String,
    pub(super) device: DeviceId,
    pub(super) kind: Kind,
    pub(super) by: DetectedBy,
}

/// The calibration of one model's scores.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct OfModel {
    pub(super) id: String,
    pub(super) build: u64,
    pub(super) calibration: Calibration,
}

/// What is kept over a restart.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) key: Key,
    pub(super) what: What,
    /// Of the model's scores; `None` before the first.
    pub(super) model: Option<OfModel>,
    /// Of the statistics alone.
    pub(super) statistics: Calibration,
    /// Start of the last episode that an alert was raised for, so that one coming back raises no second.
    pub(super) told: Option<Timestamp>,
}

/// One thing that is scored.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) kept: Kept,
    pub(super) scored_ms: i64,
    pub(super) ticked_ms: i64,
    pub(super) raised: Option<Raised>,
    /// Device that the model says is broken, under an open alert.
    pub(super) broken: Option<Raised>,
    /// Verdicts in a row that say so.
    pub(super) broken_in_row: u32,
    /// When an episode last ran.
    pub(super) episode_ms: i64,
    /// The newest verdict, for reasons and the status.
    pub(super) verdict: Option<Verdict>,
    pub(super) judgement: Option<Judgement>,
}

impl Subject {
    pub(super) fn room(key: Key) -> Self {
        let what = What::Room {
            features: Box::new(RoomFeatures::new()),
            owners: Default::default(),
        };
        Self::new(key, what, Calibration::new(Settings::SAMPLES, ROOM_PRIOR))
    }

    pub(super) fn stream(device: DeviceId, kind: Kind) -> Self {
        let counted = match kind {
            Kind::AccessGranted | Kind::AccessDenied => Counted::Entries,
            Kind::Door => Counted::Openings,
            _ => Counted::Sightings,
        };
        let what = What::Stream {
            events: Box::new(EventStream::new(counted)),
            device: device.clone(),
            kind,
            states: Vec::new(),
        };
        let statistics = Calibration::new(Settings::COUNTS, COUNTS_PRIOR);
        Self::new(Key::Events(device), what, statistics)
    }

    fn new(key: Key, what: What, statistics: Calibration) -> Self {
        Self::restored(Kept {
            key,
            what,
            model: None,
            statistics,
            told: None,
        })
    }

    /// Goes on where a saved one stood.
    pub(super) fn restored(kept: Kept) -> Self {
        Self {
            kept,
            scored_ms: i64::MIN / 2,
            ticked_ms: i64::MIN / 2,
            raised: None,
            broken: None,
            broken_in_row: 0,
            episode_ms: 0,
            verdict: None,
            judgement: None,
        }
    }

    pub(super) fn fuser(&self) -> Fuser {
        match self.kept.what {
            What::Room { .. } => Fuser::Env,
            What::Stream { .. } => Fuser::Counts,
        }
    }

    /// Settings of its calibrations.
    pub(super) fn settings(&self) -> Settings {
        match self.kept.what {
            What::Room { .. } => Settings::SAMPLES,
            What::Stream { .. } => Settings::COUNTS,
        }
    }

    pub(super) fn row(&self) -> Row {
        match &self.kept.what {
            What::Room { features, .. } => Row::Room(Box::new(features.row())),
            What::Stream { events, .. } => Row::Counts(events.row()),
        }
    }

    /// Whether an episode runs: then nothing is learned from what happens.
    pub(super) fn in_episode(&self) -> bool {
        let model = self
            .kept
            .model
            .as_ref()
            .and_then(|of| of.calibration.episode());
        model.is_some() || self.kept.statistics.episode().is_some() || self.raised.is_some()
    }

    pub(super) fn learning(&self) -> Learning {
        if self.in_episode() {
            Learning::Held
        } else {
            Learning::On
        }
    }

    /// Devices that belong to it.
    pub(super) fn devices(&self) -> Vec<&DeviceId> {
        match &self.kept.what {
            What::Room { owners, .. } => owners.iter().flatten().collect(),
            What::Stream { device, .. } => vec![device],
        }
    }

    /// The device and kind whose channel speaks loudest for a class, or the stream's own.
    pub(super) fn loudest(&self, loudness: impl Fn(usize) -> f32) -> Option<(DeviceId, Kind)> {
        match &self.kept.what {
            What::Stream { device, kind, .. } => Some((device.clone(), *kind)),
            What::Room { owners, .. } => Channel::ALL
                .into_iter()
                .filter(|channel| owners[channel.index()].is_some())
                .max_by(|a, b| loudness(a.index()).total_cmp(&loudness(b.index())))
                .and_then(|channel| Some((owners[channel.index()].clone()?, kind_of(channel)))),
        }
    }
}

impl Row {
    /// The numbers, for the model.
    pub(super) fn numbers(&self) -> &[f32] {
        match self {
            Self::Room(row) => row.as_slice(),
            Self::Counts(row) => row,
        }
    }

    /// What the statistics alone make of it, 0 to below 1.
    pub(super) fn evidence(&self) -> f64 {
        match self {
            Self::Counts(row) => counts::evidence(row),
            Self::Room(row) => {
                let mut rises = room_rises(row);
                rises.sort_by(|a, b| b.total_cmp(a));
                // One channel that moves alone is for the rules to judge.
                let loud = rises[0].min(ROOM_HALF) + rises[1];
                f64::from(loud / (loud + ROOM_HALF))
            }
        }
    }
}

/// How far each channel of a row is above its slow average, in scales.
pub(super) fn room_rises(row: &FeatureRow) -> [f32; Channel::ALL.len()] {
    let (groups, _) = row.as_chunks::<PER_GROUP>();
    Channel::ALL.map(|channel| {
        let group = &groups[channel.index()];
        if group[PRESENT] < 0.5 {
            return 0.0;
        }
        // Undoes the bending of the feature, which ends at 8.
        let z = group[FAST_Z].clamp(0.0, 7.9);
        z / (1.0 - z / 8.0)
    })
}

/// Channels of a room that are known, now or ever.
pub(super) const CHANNELS: usize = GROUPS - 1;

pub(super) fn kind_of(channel: Channel) -> Kind {
    match channel {
        Channel::Smoke => Kind::Smoke,
        Channel::Pm25 => Kind::Pm25,
        Channel::CarbonMonoxide => Kind::CarbonMonoxide,
        Channel::Voc => Kind::Voc,
        Channel::Temperature => Kind::Temperature,
        Channel::Humidity => Kind::Humidity,
        Channel::Co2 => Kind::Co2,
    }
}
