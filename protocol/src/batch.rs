//! What an agent sends, and how the hub answers, item by item.

use serde::{Deserialize, Serialize};

use crate::{Alert, AlertId, GatewayId, Reading, StreamId, Timestamp};

/// At most this many alert messages in one batch.
pub const BATCH_ALERTS_MAX: usize = 256;
/// At most this many readings in one batch.
pub const BATCH_READINGS_MAX: usize = 2_000;
/// At most this many bytes in one body; the hub refuses more with status 413.
pub const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Data that the gateway had to give up, so that the hub can show the gap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GapRecord {
    /// Number of the record in its stream.
    pub id: u64,
    /// What was given up: `readings`.
    pub class: String,
    /// How many items.
    pub count: u64,
    /// Time of the oldest item.
    pub from: Timestamp,
    /// Time of the newest item.
    pub to: Timestamp,
    /// Why, such as `disk budget`.
    pub reason: String,
}

/// What an agent sends in one request. Alerts come first and are answered one by one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Batch {
    /// [`crate::WIRE_VERSION`].
    pub version: u32,
    /// The sending gateway.
    pub gateway: GatewayId,
    /// The outbox that the sequence numbers belong to.
    pub stream: StreamId,
    /// The agent's present start.
    pub boot_epoch: u64,
    /// When it was sent, by the gateway's clock.
    pub sent_at: Timestamp,
    /// Alert messages, life safety first; each has a `sequence`.
    #[serde(default)]
    pub alerts: Vec<Alert>,
    /// Telemetry.
    #[serde(default)]
    pub readings: Vec<Reading>,
    /// What had to be given up.
    #[serde(default)]
    pub gaps: Vec<GapRecord>,
}

/// What became of one alert message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum ReceiptStatus {
    /// Committed, with its case.
    Accepted,
    /// Committed before; nothing changed.
    Duplicate,
    /// Will never be accepted as it is.
    Rejected {
        /// What is wrong with it.
        reason: String,
    },
}

/// The answer to one alert message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReceiptItem {
    /// The message's position in its stream.
    pub sequence: u64,
    /// The alert.
    pub id: AlertId,
    /// What became of it.
    #[serde(flatten)]
    pub status: ReceiptStatus,
}

/// The hub's answer to a batch, given after the commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Receipt {
    /// One entry per alert message, in the batch's order.
    pub items: Vec<ReceiptItem>,
    /// How many readings were taken. All of a batch's readings are settled by the answer.
    pub readings: u64,
    /// How many gap records were taken.
    #[serde(default)]
    pub gaps: u64,
    /// The hub's clock.
    pub hub_time: Timestamp,
}
