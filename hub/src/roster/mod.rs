//! Rosters: who is on duty, when it changes hands, and when nobody is there.
//!
//! A roster belongs to an area, whose desk (值班台) it fills. Its entries are shifts that come back by a
//! rotation, single substitutions and absences; who is on duty follows from them, the calendar and the
//! time alone. An area without a roster is looked after by the next wider one that has one.
//!
//! - `model`, `check`, `duty`, `timeline`, `called`, `ical` are pure: values in, values out, no clock.
//! - `known` keeps the rosters of the store in memory, `calls` writes down who is called, `tasks`,
//!   `takeover` and `console` are what the engine does for the API, `reports` and `watch` find gaps, shifts
//!   that nobody took over and consoles that are lost.
//!
//! Never puts anybody on duty who is not named in a roster, and never hides that nobody is: a minute has
//! an officer or lies in exactly one gap.

pub mod called;
pub mod calls;
pub mod check;
pub mod config;
pub mod console;
pub mod duty;
pub mod ical;
pub mod known;
pub mod model;
#[cfg(test)]
mod properties;
pub mod reports;
#[cfg(test)]
mod sample;
pub mod takeover;
pub mod tasks;
#[cfg(test)]
mod tests;
pub mod timeline;
pub mod watch;

pub use called::{Called, called};
pub use duty::{Duty, DutyRole, OnDuty, on_duty};
pub use known::Rosters;
pub use model::{Absence, Crew, Roster, Shift, Substitution};
pub use timeline::{Gap, HandOver, gaps, hand_overs};
