//! What the events of the live feed carry. Read by browsers of other versions: fields are only ever added.

use gridwatch_protocol::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::gateways::GatewayStatus;
use crate::api::view::CaseSummary;
use crate::cases::CaseId;
use crate::store::correlation::floods::StoredFlood;

/// Data of `event: case`.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct CaseEventData {
    /// Number of the event.
    pub seq: i64,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub change: String,
    /// The case as it is when the event is sent, which may be newer than the event.
    pub case: CaseSummary,
}

/// Data of `event: gateway`.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct GatewayEventData {
    /// Number of the event.
    pub seq: i64,
    /// When it happened.
    pub at: Timestamp,
    /// The gateway as it is when the event is sent.
    pub gateway: GatewayStatus,
}

/// Data of `event: flood`: a flood of alarms began or ended.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct FloodEventData {
    /// Number of the event.
    pub seq: i64,
    /// When it happened.
    pub at: Timestamp,
    /// The flood as it is when the event is sent.
    pub flood: StoredFlood,
}

/// Data of `event: desk`: ask for the duty again.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DeskEventData {
    /// Number of the event.
    pub seq: i64,
    /// When it happened.
    pub at: Timestamp,
    /// What happened: `duty_gap`, `duty_unattended`, `not_taken_over` or `console_lost` has begun,
    /// `duty_restored`: one of them has ended; `taken_over`, `roster_changed`.
    pub change: String,
    /// Code of the desk's area, for what has begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<String>,
    /// In words, for what has begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<gridwatch_protocol::Text>,
}

/// Data of `event: child`: something of a child hub changed; ask for it again.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ChildEventData {
    /// Number of the event.
    pub seq: i64,
    /// When it happened.
    pub at: Timestamp,
    /// What happened: `case` (the child told of cases), `command` (something was asked of it, delivered or
    /// answered), `silent`, `heard`, `audit` (its signed heads do not fit), `lost` (it was restored and has lost
    /// cases).
    pub change: String,
    /// Id of the child.
    pub hub: String,
    /// The life of the child's store that opened the case, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case_epoch: Option<i64>,
    /// Number of the case there, where it is about one; absent for the hub itself and for many cases at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<CaseId>,
}

/// Data of `event: hello`, the first of every feed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct HelloData {
    /// Number of the newest event.
    pub seq: i64,
    /// The hub's clock.
    pub hub_time: Timestamp,
}

/// Data of `event: resync`: load the lists again; the feed goes on after this number.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ResyncData {
    /// The number.
    pub after: i64,
}
