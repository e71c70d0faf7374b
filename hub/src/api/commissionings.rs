//! Walk tests: what the gateways' records say, and the test alerts that arrived.

use axum::Json as Answer;
use axum::extract::State;
use gridwatch_protocol::{AlertId, CommissioningRecord, DeviceId, Kind, Place, Text, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::extract::{Args, Officer, Part};
use super::gateways::known;
use super::page;
use super::problem::Problem;
use crate::cases::CaseId;

/// Records on a page; each may have thousands of lines.
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
    /// Records, the newest test first.
    pub items: Vec<CommissioningView>,
    /// `after` of the next page; null on the last.
    pub next: Option<String>,
    /// The newest test alerts, the newest first, also of a test that still runs.
    pub test_alerts: Vec<TestAlert>,
}

/// Which records.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RecordArgs {
    /// At most this many, up to 20, which is usual.
    limit: Option<i64>,
    /// `next` of the page before.
    after: Option<String>,
}

/// The walk tests of a gateway.
#[utoipa::path(get, path = "/api/v1/gateways/{id}/commissionings", tag = "gateways", params(("id" = String, Path), RecordArgs), responses(
    (status = 200, body = CommissioningList),
))]
pub async fn list(
    State(app): State<App>,
    officer: Officer,
    Part(id): Part<String>,
    Args(args): Args<RecordArgs>,
) -> Result<Answer<CommissioningList>, Problem> {
    let limit = page::limit_up_to(RECORDS_MAX, args.limit, RECORDS_MAX)?;
    let after = args.after.as_deref().map(cursor).transpose()?;
    let gateway = known(&app, &id, &officer.scope).await?.id;
    let mut records = app.store.commissionings(&gateway, after, limit + 1).await?;
    let next = page::cut(&mut records, limit, |row| {
        format!("{}.{}", row.record.started_at.unix_ms(), row.record.id)
    });
    let alerts = app
        .store
        .test_alerts(&gateway, TEST_ALERTS_MAX, &officer.scope)
        .await?;
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
        next,
        test_alerts: test_alerts.collect(),
    }))
}

/// Place of a record in the order of the list.
fn cursor(text: &str) -> Result<(i64, String), Problem> {
    let parts = text.split_once('.');
    let place = parts.and_then(|(at, id)| Some((at.parse().ok()?, id.to_owned())));
    place.ok_or_else(|| Problem::invalid("`after` is not the `next` of a page"))
}
