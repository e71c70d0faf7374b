//! The anomaly model's side of the pipeline. The rules never wait for it.
use gridwatch_protocol::Reading;
use std::sync::Arc;

use crate::clock::Moment;
use crate::detection::{Detector, Findings, Mint};
use crate::health::Health;

/// Placeholder.
#[derive(Debug, Default)]
pub struct Scoring {}

impl Scoring {
    /// Starts.
    pub fn start(
        _config: &crate::config::ModelConfig,
        _now: Moment,
        _health: &Arc<Health>,
    ) -> Self {
        Self::default()
    }
    /// Takes in one reading.
    pub fn observe(
        &mut self,
        _reading: &Reading,
        _detector: &Detector,
        _health: &Arc<Health>,
        _now: Moment,
    ) {
    }
    /// What the model found since the last call.
    pub fn results(
        &mut self,
        _detector: &mut Detector,
        _health: &Arc<Health>,
        _now: Moment,
        _mint: Mint,
    ) -> Vec<Findings> {
        Vec::new()
    }
}
