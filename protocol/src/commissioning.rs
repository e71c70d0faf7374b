//! The record of a walk test: who pressed what, when it was heard and when the hub had it.
//!
//! Made by the agent when a walk test ends and sent until the hub has it. It tells what happened and
//! what did not; a device that is not in [`CommissioningRecord::tested`] was not tested.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{AlertId, ClockQuality, DeviceId, GatewayId, Kind, Place, SiteId, Timestamp};

/// A walk test lasts at most this long, in minutes: while it runs, the devices under test raise no
/// real alert.
pub const WALK_TEST_MINUTES_MAX: u32 = 60;
/// At most this many presses are listed in one record; further ones are counted.
pub const COMMISSIONING_PRESSES_MAX: usize = 2_000;
/// At most this many devices stand in [`CommissioningRecord::missing`]; further ones are counted.
pub const COMMISSIONING_MISSING_MAX: usize = 2_000;

/// A walk test. A version 7 UUID, minted once, when it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String))]
pub struct CommissioningId(pub Uuid);

impl std::fmt::Display for CommissioningId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a walk test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum WalkTestEnd {
    /// The tester ended it.
    Asked,
    /// Its time was over.
    Time,
    /// The agent stopped or was restarted: a walk test does not survive that.
    Restart,
}

/// What a walk test showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum WalkTestResult {
    /// Every device that had to be pressed was, and the hub has accepted a test alert of each.
    Passed,
    /// What was pressed arrived, but something that had to be pressed was not, or nothing was, or the
    /// test was broken off.
    Incomplete,
    /// A device was pressed and none of its test alerts was accepted by the hub.
    Failed,
}

/// One press of a test button, or one alarm that was set off by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WalkTestPress {
    /// The device.
    pub device: DeviceId,
    /// Where it is.
    #[serde(default)]
    pub place: Place,
    /// What it said: `smoke`, or `alarm_test` when it tells only that its button was pressed.
    pub kind: Kind,
    /// The test alert that it raised.
    pub alert: AlertId,
    /// When it was so by the device's own clock; `None` when the device sends no believable time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_time: Option<Timestamp>,
    /// When the gateway received it.
    pub received_at: Timestamp,
    /// When the hub's acceptance had come back to the gateway; `None` when it had not by the time
    /// the record was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<Timestamp>,
    /// Milliseconds from the device's own time to its receipt. Two clocks are compared: their error
    /// is in it. `None` without a time of the device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sensor_to_agent_ms: Option<i64>,
    /// Milliseconds from its receipt to the hub's acceptance, both by the gateway's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_to_hub_ms: Option<i64>,
    /// Why the hub will never take the test alert, if it said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// A device that was expected and not pressed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WalkTestMissing {
    /// The device.
    pub device: DeviceId,
    /// Where it is.
    #[serde(default)]
    pub place: Place,
}

/// The record of one walk test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CommissioningRecord {
    /// [`crate::WIRE_VERSION`].
    pub version: u32,
    /// Its id: a record that arrives twice is stored once.
    pub id: CommissioningId,
    /// The gateway; `None` only in the file of a gateway that has not joined a hub.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<GatewayId>,
    /// The site.
    pub site: SiteId,
    /// Who did it, as they named themselves.
    pub by: String,
    /// Version of the agent.
    pub agent_version: String,
    /// When it began, by the gateway's clock.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// Whether the gateway trusted its clock.
    #[serde(default)]
    pub clock: ClockQuality,
    /// Why it ended.
    pub ended_because: WalkTestEnd,
    /// The devices chosen for the test; empty = all of the gateway.
    #[serde(default)]
    pub chosen: Vec<DeviceId>,
    /// Whether every expected device had to be pressed.
    #[serde(default)]
    pub expect_all: bool,
    /// What was pressed, in the order of receipt, at most [`COMMISSIONING_PRESSES_MAX`].
    pub tested: Vec<WalkTestPress>,
    /// Presses that are not listed: beyond that number, or too many of one device.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub presses_not_listed: u64,
    /// Expected devices that were not pressed: the chosen ones; without a choice the configured ones
    /// and those recognised as protecting life. At most [`COMMISSIONING_MISSING_MAX`].
    pub missing: Vec<WalkTestMissing>,
    /// Missing devices beyond that number.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub missing_not_listed: u64,
    /// What it showed.
    pub result: WalkTestResult,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl CommissioningRecord {
    /// The result that follows from what the record lists.
    #[must_use]
    pub fn judged(&self) -> WalkTestResult {
        let arrived = |device: &DeviceId| {
            self.tested
                .iter()
                .any(|press| press.device == *device && press.accepted_at.is_some())
        };
        if !self.tested.iter().all(|press| arrived(&press.device)) {
            return WalkTestResult::Failed;
        }
        let all_needed = self.expect_all || !self.chosen.is_empty();
        let is_incomplete = self.tested.is_empty()
            || self.ended_because == WalkTestEnd::Restart
            || (all_needed && !self.missing.is_empty());
        if is_incomplete {
            WalkTestResult::Incomplete
        } else {
            WalkTestResult::Passed
        }
    }
}

/// The hub's answer to a record, given after the commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CommissioningStatus {
    /// Stored.
    Accepted,
    /// Stored before; nothing changed.
    Duplicate,
}

/// The hub's answer to a [`CommissioningRecord`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CommissioningAnswer {
    /// The record.
    pub id: CommissioningId,
    /// What became of it.
    pub status: CommissioningStatus,
}
