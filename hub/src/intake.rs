//! What gateways send: authenticate, bound, hand to the engine, answer after the commit.
//!
//! Never answers 2xx for something that is not on disk, and never refuses a batch for one bad item.

use std::sync::Arc;
use std::time::Duration;

use axum::Json as Answer;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use gridwatch_protocol::{
    Batch, CommissioningAnswer, CommissioningRecord, GatewayId, Heartbeat, HeartbeatAnswer,
    Reading, Receipt, ReceiptItem, ReceiptStatus, WIRE_VERSION,
};

use crate::api::App;
use crate::api::problem::Problem;
use crate::bearer;
use crate::cases::desk::Outcome;
use crate::history::ReadingBatch;
use crate::metrics::{add, count};
use crate::parse::{self, BodyError, ParsedBatch};
use crate::store::commissionings::Kept;
use crate::store::gateways::GatewayRow;

/// A batch of readings alone waits this long for room in the history's queue.
const HISTORY_WAIT: Duration = Duration::from_secs(2);

/// The gateway whose key came with the request.
#[derive(Debug)]
pub struct KeyOf(GatewayId);

impl FromRequestParts<App> for KeyOf {
    type Rejection = Problem;

    /// Runs before the body is read: without a key nothing is read.
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let find = |hash: String| async move { app.store.gateway_by_key(&hash).await };
        let row = bearer::holder(&parts.headers, find, |row: &GatewayRow| {
            (&row.key_hash, row.revoked_at.is_none())
        });
        let row = row.await?;
        row.map(|row| Self(row.id)).ok_or_else(|| {
            count(&app.metrics.gateway_keys_refused);
            Problem::new(
                StatusCode::UNAUTHORIZED,
                "wrong-key",
                "the gateway key is missing, unknown or revoked; `hub gateway add` makes one",
            )
        })
    }
}

/// Alerts, readings and gap records of a gateway; answered item by item after the commit.
#[utoipa::path(post, path = "/v1/batches", tag = "gateway", request_body = Batch, responses(
    (status = 200, body = Receipt),
    (status = 400, description = "`unsupported-version`, `malformed-body`", body = Problem, content_type = "application/problem+json"),
    (status = 403, description = "`other-gateway`", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "`busy`, with Retry-After; nothing was stored", body = Problem, content_type = "application/problem+json"),
))]
pub async fn batches(
    State(app): State<App>,
    KeyOf(gateway): KeyOf,
    body: Result<Bytes, BytesRejection>,
) -> Result<Answer<Receipt>, Problem> {
    let batch = parse::batch(&read(&app, body)?).map_err(|error| refused(&app, &error))?;
    same_gateway(&app, &gateway, &batch.gateway)?;
    let now = crate::now();
    let (mut batch, readings) = without_readings(batch);
    add(
        &app.metrics.readings_refused,
        usize::try_from(batch.readings_refused).unwrap_or(0),
    );
    let ids: Vec<_> = batch
        .items
        .iter()
        .map(|item| (item.sequence(), item.id()))
        .collect();
    let readings = ReadingBatch {
        gateway,
        readings: Arc::new(readings),
        arrived_at: now,
    };
    if ids.is_empty() && !readings.readings.is_empty() {
        // Telemetry alone can wait at the gateway: nothing is lost by sending it again.
        if !app.history.take(readings.clone(), HISTORY_WAIT).await {
            count(&app.metrics.batches_shed);
            return Err(Problem::busy(
                "the history is busy; send these readings again later",
            ));
        }
        if batch.gaps.is_empty() {
            count(&app.metrics.batches);
            let taken = readings.readings.len() as u64;
            return Ok(Answer(Receipt {
                items: vec![],
                readings: taken,
                gaps: 0,
                hub_time: now,
            }));
        }
    }
    batch.readings_refused = 0;
    let gaps = batch.gaps.len() as u64;
    let outcomes = app.engine.batch(batch, now).await.map_err(|error| {
        count(&app.metrics.batches_shed);
        Problem::from(error)
    })?;
    let taken = take_readings(&app, readings, ids.is_empty()).await;
    let items: Vec<ReceiptItem> = ids
        .into_iter()
        .zip(outcomes)
        .map(|((sequence, id), outcome)| ReceiptItem {
            sequence,
            id,
            status: told(&app, outcome),
        })
        .collect();
    count(&app.metrics.batches);
    Ok(Answer(Receipt {
        items,
        readings: taken,
        gaps,
        hub_time: now,
    }))
}

/// A gateway's sign of life.
#[utoipa::path(post, path = "/v1/heartbeats", tag = "gateway", request_body = Heartbeat, responses(
    (status = 200, body = HeartbeatAnswer),
    (status = 400, description = "`unsupported-version`, `malformed-body`", body = Problem, content_type = "application/problem+json"),
    (status = 403, description = "`other-gateway`", body = Problem, content_type = "application/problem+json"),
))]
pub async fn heartbeats(
    State(app): State<App>,
    KeyOf(gateway): KeyOf,
    body: Result<Bytes, BytesRejection>,
) -> Result<Answer<HeartbeatAnswer>, Problem> {
    let body = read(&app, body)?;
    let heartbeat: Heartbeat = parse::versioned(&body).map_err(|error| refused(&app, &error))?;
    if heartbeat.version != WIRE_VERSION {
        return Err(refused(
            &app,
            &BodyError::Version(heartbeat.version.to_string()),
        ));
    }
    same_gateway(&app, &gateway, &heartbeat.gateway)?;
    let answer = app.engine.heartbeat(heartbeat, crate::now()).await?;
    count(&app.metrics.heartbeats);
    Ok(Answer(answer))
}

/// The record of a walk test; stored once, however often it arrives.
#[utoipa::path(post, path = "/v1/commissionings", tag = "gateway", request_body = CommissioningRecord, responses(
    (status = 200, body = CommissioningAnswer),
    (status = 400, description = "`unsupported-version`, `malformed-body`", body = Problem, content_type = "application/problem+json"),
    (status = 403, description = "`other-gateway`", body = Problem, content_type = "application/problem+json"),
))]
pub async fn commissionings(
    State(app): State<App>,
    KeyOf(gateway): KeyOf,
    body: Result<Bytes, BytesRejection>,
) -> Result<Answer<CommissioningAnswer>, Problem> {
    let body = read(&app, body)?;
    let record = parse::commissioning(&body).map_err(|error| refused(&app, &error))?;
    if let Some(named) = &record.gateway {
        same_gateway(&app, &gateway, named)?;
    }
    let id = record.id;
    match app
        .engine
        .commissioning(gateway, record, crate::now())
        .await?
    {
        Kept::Yes(status) => {
            count(&app.metrics.commissionings);
            Ok(Answer(CommissioningAnswer { id, status }))
        }
        Kept::OfAnotherGateway => Err(Problem::new(
            StatusCode::FORBIDDEN,
            "other-gateway",
            format!("the commissioning record {id} is another gateway's"),
        )),
    }
}

fn read(app: &App, body: Result<Bytes, BytesRejection>) -> Result<Bytes, Problem> {
    body.map_err(|rejection| {
        count(&app.metrics.batches_refused);
        rejection.into()
    })
}

fn refused(app: &App, error: &BodyError) -> Problem {
    count(&app.metrics.batches_refused);
    let (status, kind) = match error {
        BodyError::Version(_) => (StatusCode::BAD_REQUEST, "unsupported-version"),
        BodyError::Malformed(_) => (StatusCode::BAD_REQUEST, "malformed-body"),
        BodyError::TooMany { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "body-too-large"),
    };
    Problem::new(status, kind, error.to_string())
}

fn same_gateway(app: &App, key: &GatewayId, body: &GatewayId) -> Result<(), Problem> {
    if key == body {
        return Ok(());
    }
    count(&app.metrics.batches_refused);
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "other-gateway",
        format!("the key is that of gateway `{key}`, the body says `{body}`"),
    ))
}

fn without_readings(mut batch: ParsedBatch) -> (ParsedBatch, Vec<Reading>) {
    let readings = std::mem::take(&mut batch.readings);
    (batch, readings)
}

/// Readings that came with alerts are taken when there is room and counted when there is not: an
/// alert's answer waits for nothing but its commit.
async fn take_readings(app: &App, readings: ReadingBatch, taken_before: bool) -> u64 {
    let count = readings.readings.len();
    if count == 0 || taken_before || app.history.take(readings, Duration::ZERO).await {
        return count as u64;
    }
    add(&app.metrics.readings_dropped, count);
    0
}

fn told(app: &App, outcome: Outcome) -> ReceiptStatus {
    match outcome {
        Outcome::Accepted(_) => {
            count(&app.metrics.alerts_accepted);
            ReceiptStatus::Accepted
        }
        Outcome::Duplicate => {
            count(&app.metrics.alerts_duplicate);
            ReceiptStatus::Duplicate
        }
        Outcome::Rejected(reason) => {
            count(&app.metrics.alerts_rejected);
            ReceiptStatus::Rejected { reason }
        }
    }
}
