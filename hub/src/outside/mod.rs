//! Matters that come from outside the gateways: reported by people, by a city's hotline (Open311), and by
//! other systems that watch (PagerDuty- and Alertmanager-shaped).
//!
//! A matter that people report opens a case without an alert; what a system sends becomes an alert of a
//! virtual gateway and goes the way of every alert, so joining, clearing and closing are the same. Nothing
//! that comes from outside closes a case or acknowledges one.
//!
//! Who reported is personal data: it is stored apart, shown masked, revealed one by one with a line in the
//! audit, and let go of some time after the case ended. It never stands in a case, its history, its
//! notifications to officers or anything that the public sees.

pub mod alertmanager;
pub mod completion;
pub mod config;
pub mod episode;
pub mod intake;
pub mod keys;
pub mod mapping;
pub mod matter;
pub mod nearby;
pub mod open311;
pub mod pagerduty;
pub mod person;
pub mod place;
pub mod rate;
pub mod rows;
pub mod signal;
pub mod tasks;

pub use rate::Rates;

/// Longest text of a description, in characters: the limit of GeoReport v2.
pub const DESCRIPTION_CHARACTERS_MAX: usize = 4_000;
/// Longest short text, such as an address or a name, in characters.
pub const SHORT_CHARACTERS_MAX: usize = 200;
