//! What the anomaly models see and what becomes of their scores: features, statistics, calibration,
//! episodes and reasons.
//!
//! Pure: no clock, no disk, no model runtime. The agent, the trainer and `edge-agent score` all use this
//! one definition, so that they cannot drift apart; it is a crate of its own so that it builds and is
//! tested in seconds, without the runtime of the model.

pub mod calibration;
pub mod counts;
pub mod features;
pub mod model;
pub mod reasons;
pub mod recording;
pub mod score;
pub mod series;
