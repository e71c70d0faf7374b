//! The hub of Gridwatch: takes alerts from edge agents, makes grid cases of them, and shows them to
//! duty officers until they are closed.
//!
//! One direction only:
//!
//! ```text
//! gateways ─ intake ─ parse ─ engine ─ desk (pure) ─ store ─┬─ live ── consoles
//!              └────── history ring ─ InfluxDB (optional)   └─ api ─── consoles
//! ```
//!
//! - `cases`, `catalogue`, `clocks`, `directory`, `sequence` and `parse` are pure: values and `now` in, values
//!   out.
//! - `engine` is the only one that writes to the store, and answers only after the commit.
//! - `timers` asks the engine to do what is due by itself; which timers a case has follows from the case.
//! - After the commit everyone reads the store: the live feed follows event numbers, so a crash
//!   loses nothing and no stage calls back up the way.
//! - `hub` is the only file that starts tasks.

#![cfg_attr(
    test,
    expect(clippy::unwrap_used, reason = "a test that cannot go on fails")
)]

pub mod access;
pub mod api;
pub mod auth;
pub mod bearer;
pub mod cases;
pub mod catalogue;
pub mod certificates;
pub mod cli;
pub mod clocks;
pub mod config;
pub mod console;
pub mod correlation;
pub mod correlation_watch;
pub mod directory;
pub mod engine;
pub mod evidence;
pub mod history;
pub mod hub;
pub mod intake;
pub mod live;
pub mod metrics;
pub mod notify;
pub mod outside;
pub mod parent;
pub mod parse;
pub mod people;
pub mod reports;
pub mod roster;
pub mod secrets;
pub mod sequence;
pub mod serve;
pub mod store;
pub mod tiles;
pub mod timers;

use gridwatch_protocol::Timestamp;

/// The hub's clock.
#[must_use]
pub fn now() -> Timestamp {
    jiff::Timestamp::now().into()
}

/// An error with everything behind it, on one line.
#[must_use]
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let message = error.to_string();
        if !text.ends_with(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        source = error.source();
    }
    text
}
