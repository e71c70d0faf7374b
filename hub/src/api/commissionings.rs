//! Walk tests: what the gateways' records say, and the test alerts that arrived.

use axum::Json as Answer;
use axum::extract::State;
use gridwatch_protocol::{AlertId, CommissioningRecord, DeviceId, Kind, Place, Text, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::App;
use super::extract::{Officer, Part};
use super::gateways::known;
use super::problem::Problem;
use crate::cases::CaseId;

/// Records shown of a gateway, the newest; each may have thousands of lines.
const RECORDS_MAX: i64 = 20;
/// Test alerts shown of a gateway, the newest.
const TEST_ALERTS_MAX: i64 = 200;

/// A walk test.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct CommissioningView {
    /// As the gateway tells it.
    #[serde(flatten)]
    pub record: CommissioningRecord,
    /// When the record arrived, by the hub's clock.
    pub arrived_at: Timestamp,
}

/// A test alert: it travelled the whole way and paged nobody.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct TestAlert {
    /// Its id, as records name it.
    pub id: AlertId,
    /// The device.
    pub device: DeviceId,
    /// Where it is.
    pub place: Place,
    /// What it said.
    pub kind: Kind,
    /// Why it was raised.
    pub reason: Text,
    /// When, by the gateway's clock.
    pub raised_at: Timestamp,
    /// When it arrived, by the hub's clock.
    pub arrived_at: Timestamp,
    /// When it was over, by the gateway's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cleared_at: Option<Timestamp>,
    /// The drill that it is in; no officer's list has it.
    pub case: CaseId,
}

/// Walk tests of a gateway.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct CommissioningList {
    /// The newest records, the newest test first.
    pub items: Vec<CommissioningView>,
    /// The newest test alerts, the newest first, also of a test that still runs.
    pub test_alerts: Vec<TestAlert>,
}

/// The walk tests of a gateway.
#[utoipa::path(get, path = "/api/v1/gateways/{id}/commissionings", tag = "gateways", params(("id" = String, Path)), responses(
    (status = 200, body = CommissioningList),
    (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
))]
pub async fn list(
    State(app): State<App>,
    officer: Officer,
    Part(id): Part<String>,
) -> Result<Answer<CommissioningList>, Problem> {
    let gateway = known(&app, &id, &officer.scope).await?.id;
    let records = app.store.commissionings(&gateway, RECORDS_MAX).await?;
    let alerts = app.store.test_alerts(&gateway, TEST_ALERTS_MAX).await?;
    let items = records.into_iter().map(|row| CommissioningView {
        record: row.record,
        arrived_at: row.arrived_at,
    });
    let test_alerts = alerts.into_iter().map(|known| TestAlert {
        id: known.alert.id,
        device: known.alert.device,
        place: known.alert.place,
        kind: known.alert.kind,
        reason: known.alert.reason,
        raised_at: known.alert.raised_at,
        arrived_at: known.arrived_at,
        cleared_at: known.cleared_at,
        case: known.case,
    });
    Ok(Answer(CommissioningList {
        items: items.collect(),
        test_alerts: test_alerts.collect(),
    }))
}
