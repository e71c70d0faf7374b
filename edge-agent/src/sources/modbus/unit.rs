//! One unit of a line, and the poll that it is in.

use std::sync::Arc;
use std::time::Duration;

use gridwatch_decode::RegisterBlock;
use gridwatch_decode::profile::Profile;
use gridwatch_protocol::DeviceId;
use tokio::time::Instant;

use super::plan::{Limits, Plan};
use super::wire::Trouble;
use crate::config::ModbusUnit;
use crate::health::{Health, UnitHealth};

pub(super) struct Unit {
    pub(super) source: Arc<str>,
    pub(super) number: u8,
    pub(super) device: DeviceId,
    pub(super) profile: String,
    pub(super) interval: Duration,
    pub(super) pause: Duration,
    /// How long an answer may take, where its profile says so.
    pub(super) timeout: Option<Duration>,
    /// How long it must be left alone after the connection is made.
    pub(super) settle: Duration,
    pub(super) plan: Plan,
    pub(super) health: Arc<UnitHealth>,
    pub(super) poll: Option<Poll>,
    /// No answer to an earlier request can be taken for the next one's.
    pub(super) in_step: bool,
    /// Which of the lengths brings it into step next.
    pub(super) turn: usize,
    /// When the last request went out.
    pub(super) asked: Option<Instant>,
    /// The last probe was an ordinary request.
    pub(super) plain_probe: bool,
    /// What was last said about it.
    pub(super) readable: Option<bool>,
}

impl Unit {
    /// `None` when its profile reads nothing.
    pub(super) fn new(
        line: &str,
        config: &ModbusUnit,
        profile: &Profile,
        health: &Health,
    ) -> Option<Self> {
        let source: Arc<str> = format!("{line}/{}", config.unit).into();
        let limits = Limits::from(profile);
        let plan = Plan::new(profile, limits);
        for address in &plan.too_long {
            tracing::warn!(%source, profile = profile.id, address, "a value is longer than one request can be and is not read");
        }
        if plan.requests.is_empty() {
            tracing::warn!(%source, profile = profile.id, "the profile reads nothing; the unit is not polled");
            return None;
        }
        Some(Self {
            health: health.modbus.unit(line, config.unit),
            source,
            number: config.unit,
            device: config.device.clone(),
            profile: config.profile.clone(),
            interval: Duration::from_millis(config.interval_ms),
            pause: Duration::from_millis(limits.pause_ms),
            timeout: profile
                .bus
                .timeout_ms
                .map(|ms| Duration::from_millis(u64::from(ms))),
            settle: Duration::from_millis(u64::from(profile.bus.pause_after_connect_ms)),
            plan,
            poll: None,
            // An answer to a request from before the agent's start may be on its way.
            in_step: false,
            turn: 0,
            asked: None,
            plain_probe: true,
            readable: None,
        })
    }
}

/// A poll under way.
pub(super) struct Poll {
    pub(super) started: Instant,
    pub(super) lateness: Duration,
    /// Index of the next request.
    pub(super) next: usize,
    pub(super) blocks: Vec<RegisterBlock>,
    /// A block that the unit will not give.
    pub(super) refused: Option<Trouble>,
    /// What ended it early.
    pub(super) failed: Option<Trouble>,
    pub(super) retried: bool,
}

impl Poll {
    pub(super) fn new(started: Instant, lateness: Duration) -> Self {
        Self {
            started,
            lateness,
            next: 0,
            blocks: Vec::new(),
            refused: None,
            failed: None,
            retried: false,
        }
    }

    /// What was read, or why nothing was.
    pub(super) fn outcome(self) -> Result<Vec<RegisterBlock>, Trouble> {
        match (self.failed, self.refused) {
            (Some(trouble), _) => Err(trouble),
            (None, Some(trouble)) if self.blocks.is_empty() => Err(trouble),
            (None, _) => Ok(self.blocks),
        }
    }
}
