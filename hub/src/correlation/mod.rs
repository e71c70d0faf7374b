//! Correlation: what makes a storm of alarms bearable without losing one of them. The pure core.
//!
//! Everything here takes values and `now` and returns values. The desk (`cases::desk`) asks it about each
//! alert; `store::correlation` keeps what it remembers; nothing here reads a clock, the store or a file.
//!
//! - [`silence`]: silences and maintenance windows; never for life safety.
//! - [`chatter`]: a point that raises again and again is latched.
//! - [`flood`]: more alarms at a desk than a person can take (ISA-18.2).
//! - [`level`]: the response level, which only rises.
//! - [`relink`]: a new alarm of a matter that was closed a short while ago.
//! - [`suggest`]: open cases that may be the same matter; people decide.
//! - [`marks`]: what of all this a case bears.

pub mod chatter;
pub mod config;
pub mod flood;
pub mod frequent;
pub mod level;
pub mod marks;
pub mod relink;
pub mod silence;
pub mod suggest;
pub mod weekly;

pub use marks::Marks;

/// What the correlation goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// A new alarm of a matter that was closed within this time opens it again or is linked to it, in
    /// milliseconds; 0: never.
    pub relink_ms: i64,
    /// When a point chatters.
    pub chatter: chatter::Rule,
    /// When a desk is flooded.
    pub flood: flood::Rule,
    /// Cases of one category count as one event that spreads when they were opened within this time, in
    /// milliseconds.
    pub spread_ms: i64,
    /// Sensors that are still silent so long after their gateway is back get cases of their own, in
    /// milliseconds.
    pub gateway_back_ms: i64,
    /// More false alarms of fire than this from one site on one day are a case.
    pub false_alarms_per_day: u32,
}

impl Default for Settings {
    /// As shipped.
    fn default() -> Self {
        config::Correlation::default().settings()
    }
}
