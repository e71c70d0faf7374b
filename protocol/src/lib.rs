//! What crosses the wire between an edge agent and the hub, and between a hub and its parent hub, and
//! nothing else: serde types and ids.
//!
//! No I/O, no async, no clock. This page is the wire contract.
//!
//! # Transport
//! JSON over HTTPS, from the agent to the hub only. The agent authenticates with
//! `Authorization: Bearer <gateway key>`; the hub refuses a body whose `gateway` is not the key's.
//!
//! | request | body | answer |
//! |---|---|---|
//! | `POST /v1/batches` | [`Batch`] | [`Receipt`], one entry per alert message |
//! | `POST /v1/heartbeats` | [`Heartbeat`] | [`HeartbeatAnswer`] |
//! | `POST /v1/commissionings` | [`CommissioningRecord`] | [`CommissioningAnswer`] |
//!
//! A hub tells its parent hub (district → city → province) about its cases in the same way; it
//! authenticates with `Authorization: Bearer <child key>`, and connections are only opened upward:
//!
//! | request | body | answer |
//! |---|---|---|
//! | `POST /v1/children/batches` | [`UpwardBatch`] | [`UpwardReceipt`], one entry per case document |
//! | `POST /v1/children/heartbeats` | [`UpwardHeartbeat`] | [`UpwardAnswer`], with what the parent asks for |
//!
//! [`UpwardBatch`] says what makes these exactly once.
//!
//! # Versions and unknown fields
//! A body carries `version` ([`WIRE_VERSION`]). Within one version only optional fields are added:
//! a receiver ignores fields it does not know and fills in the default of those that are absent.
//! A [`Kind`] that the receiver does not know is read as [`Kind::Other`]. Any other change raises
//! the version, and a hub answers a version that it does not speak with status 400 and
//! problem type `unsupported-version`; the agent keeps its data and reports the fault.
//!
//! # Identity and idempotency
//! Everything may arrive more than once, and the second time is harmless:
//! - An **alert** is an episode with one [`AlertId`], minted once, at detection, and stored on the
//!   gateway's disk before the first send. Its messages (`raised`, `updated`…, `cleared`) are told
//!   apart by `revision`. The hub stores each `(id, revision)` once and answers
//!   [`ReceiptStatus::Duplicate`] after that.
//! - A **reading** is identified by `(device, kind, unit, at)`; the hub's ring overwrites it with itself.
//! - A **gap record** is identified by `(stream, id)`.
//! - A **commissioning record** is identified by its id.
//! - A **heartbeat** describes the present; a late one is ignored by its `(boot_epoch, number)`.
//!
//! The agent deletes nothing before the hub has answered `accepted` or `duplicate` for it. The hub
//! answers only after alert and case are committed in one transaction. `rejected` means that the
//! hub will never take this item as it is: the agent keeps it aside and reports a fault.
//!
//! # Order and completeness
//! An outbox has a random [`StreamId`], made with its file. Every alert message in it has a
//! `sequence`: 1, 2, 3, … without gaps, assigned in the transaction that stores it and never
//! assigned again, over all restarts. `boot_epoch` counts the starts of the agent on that outbox. The
//! agent tells its `last_sequence` with every heartbeat, so the hub can prove for each
//! `(gateway, stream)` that nothing is missing, name what is, and see a gateway whose disk was
//! copied or set back (same stream, a `boot_epoch` that does not grow, or two at once).
//!
//! Messages need not arrive in order: life safety and newer alerts overtake. The hub applies a
//! message only if its `revision` is greater than the one it holds for that alert.
//!
//! # Time
//! [`Timestamp`]s are UTC with millisecond precision, RFC 3339 on the wire. `at` is the time of the
//! event as the sensor or gateway tells it, `received_at` is the gateway's clock when the message
//! came in. [`ClockQuality`] says whether the gateway trusts that clock; the hub also keeps its own
//! time of arrival and never orders by a gateway's clock.

mod alert;
mod batch;
mod commissioning;
mod heartbeat;
mod id;
mod kind;
mod model;
mod place;
mod reading;
mod severity;
mod time;
mod upward;

pub use alert::{Alert, DetectedBy, EVIDENCE_MAX, Phase, Text};
pub use batch::{
    BATCH_ALERTS_MAX, BATCH_BYTES_MAX, BATCH_READINGS_MAX, Batch, GapRecord, Receipt, ReceiptItem,
    ReceiptStatus,
};
pub use commissioning::{
    COMMISSIONING_MISSING_MAX, COMMISSIONING_PRESSES_MAX, CommissioningAnswer, CommissioningId,
    CommissioningRecord, CommissioningStatus, WALK_TEST_MINUTES_MAX, WalkTestEnd, WalkTestMissing,
    WalkTestPress, WalkTestResult,
};
pub use heartbeat::{
    ClockQuality, DeviceState, DeviceStatus, Fault, HEARTBEAT_DEVICES_MAX, HEARTBEAT_INTERVAL_MS,
    Heartbeat, HeartbeatAnswer, QuarantineSample,
};
pub use id::{AlertId, DeviceId, GatewayId, HubId, IdError, SiteId, StreamId};
pub use kind::Kind;
pub use model::{
    Disagreement, DriftStatus, HEARTBEAT_MODELS_MAX, ModelLevel, ModelStatus, SHADOW_SAMPLES_MAX,
    ShadowStatus,
};
pub use place::Place;
pub use reading::{Quality, Reading, Value};
pub use severity::Severity;
pub use time::{Timestamp, TimestampError};
pub use upward::{
    AreaName, CaseDocument, CaseStep, ChainEnd, CommandOutcome, CommandResult, EpochStart,
    NamedUnit, ParentAction, ParentCommand, SealedHeads, UPWARD_CASES_MAX, UPWARD_COMMANDS_MAX,
    UPWARD_HEADS_MAX, UPWARD_STEPS_MAX, UPWARD_WAIT_S_MAX, UpwardAnswer, UpwardBatch, UpwardCall,
    UpwardHeartbeat, UpwardItem, UpwardMark, UpwardReceipt, UpwardReceiptItem,
};

/// Version of the wire that this crate describes.
pub const WIRE_VERSION: u32 = 1;

#[cfg(test)]
mod tests;
