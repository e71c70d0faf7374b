//! What is unusual about counts and events of doors and cameras: 16 numbers about one stream.
//!
//! A *stream* is one door, zone or label. [`CountStream`] takes counts per interval; [`EventStream`] takes
//! single events (opened, granted, denied, seen …), bins them by their own times and adds what only events
//! tell. Both compare with what is usual at this hour of the week, see [`CountStream`].
//!
//! Pure: the caller gives times and the local offset. State is of constant size (about 7 KB for a stream,
//! 2 KB more for events), serialisable and versioned. Never returns NaN or infinity, whatever it is fed.
//! Credentials and plates come as pseudonyms; what is kept of them is a bit pattern that forgets.
//!
//! # Features
//! Every feature is 0 when it is absent *and* when nothing is unusual about it, so that an absent part
//! speaks neither for nor against; `present` is 0 when the whole stream is absent, and then all are 0.
//! *surprise* is −log10 of a probability under what is usual: 2 is one in a hundred.
//!
//! | feature | definition | range |
//! |---|---|---|
//! | `upper` | surprise of so many or more, largest over the last 1, 2 and 4 intervals | 0 to 12 |
//! | `lower` | surprise of so few or fewer, likewise | 0 to 12 |
//! | `upper_ewma` | average of `upper` that forgets over three intervals | 0 to 12 |
//! | `off_hours` | probability of an empty half-hour at this hour | 0 to 1 |
//! | `expected` | log10(1 + expected count of the interval) | 0 to 6 |
//! | `distinct` | log2(1 + distinct credentials in the open bin) | 0 to 6 |
//! | `first_seen` | surprise of a new credential at this door, when the newest one is new | 0 to 4 |
//! | `denied` | surprise of so many refusals among so many attempts, today against usual | 0 to 12 |
//! | `held_open` | z of the last opening's logarithmic duration | 0 to 8 |
//! | `tailgating` | surprise of so many more persons seen than let in | 0 to 12 |
//! | `label_rarity` | surprise of this label in this zone at this time of day | 0 to 4 |
//! | `detector` | the detector's own score, highest of the open bin | 0 to 1 |
//! | `dwell` | z of the last stay's logarithmic duration | 0 to 8 |
//! | `fire` | 1 while a fire or CO alarm stands at the site, falling to 0 over the hour after it | 0 to 1 |
//! | `age` | age of the newest count as a share of the time until it is stale | 0 to 1 |
//! | `present` | 1 while the stream is not stale | 0 or 1 |
//!
//! # Use
//! ```
//! use gridwatch_anomaly::counts::{CountStream, Learning, Update};
//! use gridwatch_protocol::Timestamp;
//!
//! let mut door = CountStream::new();
//! let half_hour = |i: i64| Timestamp::from_unix_ms(i * 1_800_000);
//! for i in 0..48 * 28 {
//!     assert_eq!(door.update(half_hour(i), 0.0, 0, Learning::On), Update::Taken);
//! }
//! door.update(half_hour(48 * 28), 4.0, 0, Learning::On);
//! let view = door.view().expect("it was counted");
//! assert!(view.upper > 4.0 && view.usual_high < 4.0);
//! ```

mod event;
mod events;
mod habits;
mod likeness;
mod memory;
pub mod reasons;
mod recent;
mod state;
mod stream;
mod tail;
mod week;

pub use event::{Counted, Event, What, pseudonym};
pub use events::EventStream;
pub use likeness::{CountLikeness, is_count, looks_like_counts};
pub use stream::{CountStream, CountView, Learning, StoredCountsError, Update};
pub use week::LocalHour;

/// Version of the definition above. A state or a model made for another version is refused.
pub const COUNTS_VERSION: u32 = 1;
/// Features of a stream.
pub const COUNT_FEATURES: usize = 16;
/// Names of the features, in order.
pub const COUNT_FEATURE_NAMES: [&str; COUNT_FEATURES] = [
    "upper",
    "lower",
    "upper_ewma",
    "off_hours",
    "expected",
    "distinct",
    "first_seen",
    "denied",
    "held_open",
    "tailgating",
    "label_rarity",
    "detector",
    "dwell",
    "fire",
    "age",
    "present",
];

/// A stream's features, in the order of [`COUNT_FEATURE_NAMES`].
pub type CountRow = [f32; COUNT_FEATURES];

/// Places in a [`CountRow`].
pub mod at {
    /// `upper`.
    pub const UPPER: usize = 0;
    /// `lower`.
    pub const LOWER: usize = 1;
    /// `upper_ewma`.
    pub const UPPER_EWMA: usize = 2;
    /// `off_hours`.
    pub const OFF_HOURS: usize = 3;
    /// `expected`.
    pub const EXPECTED: usize = 4;
    /// `distinct`.
    pub const DISTINCT: usize = 5;
    /// `first_seen`.
    pub const FIRST_SEEN: usize = 6;
    /// `denied`.
    pub const DENIED: usize = 7;
    /// `held_open`.
    pub const HELD_OPEN: usize = 8;
    /// `tailgating`.
    pub const TAILGATING: usize = 9;
    /// `label_rarity`.
    pub const LABEL_RARITY: usize = 10;
    /// `detector`.
    pub const DETECTOR: usize = 11;
    /// `dwell`.
    pub const DWELL: usize = 12;
    /// `fire`.
    pub const FIRE: usize = 13;
    /// `age`.
    pub const AGE: usize = 14;
    /// `present`.
    pub const PRESENT: usize = 15;
}

/// Highest surprise in a row.
const SURPRISE_MAX: f64 = 12.0;
/// A surprise of this much is evidence of one half.
const EVIDENCE_HALF: f64 = 4.0;

/// Too few weighs so much of too many: holidays are ordinary, and a silent sensor has its own supervision.
const LOWER_PART: f32 = 1.0 / 3.0;

/// The evidence of the statistics alone, 0 to below 1, for a [`crate::calibration::Calibration`]: the
/// largest surprise of the row, bent. Too few weighs a third. `age`, `fire` and what only describes the hour
/// are no evidence.
#[must_use]
pub fn evidence(row: &CountRow) -> f64 {
    let surprises = [
        row[at::UPPER],
        LOWER_PART * row[at::LOWER],
        row[at::DENIED],
        row[at::TAILGATING],
        row[at::LABEL_RARITY],
    ];
    let durations = [row[at::HELD_OPEN], row[at::DWELL]].map(|z| z_surprise(f64::from(z)));
    let most = surprises
        .into_iter()
        .map(f64::from)
        .chain(durations)
        .fold(0.0, f64::max);
    most / (most + EVIDENCE_HALF)
}

/// −log10 of the upper tail of a normal distribution, within 0.2 for 0 ≤ z ≤ 8: the tail is about
/// exp(−z²/2) / (2 + 2.5·z).
fn z_surprise(z: f64) -> f64 {
    let z = z.max(0.0);
    (z * z / 2.0 + (2.0 + 2.5 * z).ln()) / std::f64::consts::LN_10 - std::f64::consts::LOG10_2
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the model takes 32-bit numbers; features are within ±12"
)]
fn narrow(value: f64) -> f32 {
    value as f32
}

#[cfg(test)]
mod tests;
