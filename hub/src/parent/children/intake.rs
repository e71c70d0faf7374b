//! What children send: authenticate, bound, hand to the engine, answer after the commit.

use std::time::Duration;

use axum::Json as Answer;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use gridwatch_protocol::{
    HubId, UPWARD_CASES_MAX, UPWARD_COMMANDS_MAX, UPWARD_HEADS_MAX, UPWARD_WAIT_S_MAX,
    UpwardAnswer, UpwardBatch, UpwardHeartbeat, UpwardReceipt, WIRE_VERSION,
};
use tokio::time::Instant;

use super::commands::Deliver;
use super::rows::ChildRow;
use super::take::{TakeBatch, TakeHeartbeat};
use crate::api::App;
use crate::api::problem::Problem;
use crate::bearer;
use crate::metrics::count;
use crate::parse::{self, BodyError};

/// While a heartbeat is held, new commands are looked for this often.
const LOOK_EVERY: Duration = Duration::from_millis(300);
/// Lives of one store; each is a restore.
const EPOCHS_MAX: usize = 10_000;

/// The child whose key came with the request.
#[derive(Debug)]
pub struct ChildKey(HubId);

impl FromRequestParts<App> for ChildKey {
    type Rejection = Problem;

    /// Runs before the body is read: without a key nothing is read.
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let find = |hash: String| async move { app.store.child_by_key(&hash).await };
        let row = bearer::holder(&parts.headers, find, |row: &ChildRow| {
            (&row.key_hash, row.revoked_at.is_none())
        });
        let row = row.await?;
        row.map(|row| Self(row.id)).ok_or_else(|| {
            count(&app.metrics.child_keys_refused);
            Problem::new(
                StatusCode::UNAUTHORIZED,
                "wrong-key",
                "the key of the child hub is missing, unknown or revoked; `hub child add` makes one",
            )
        })
    }
}

/// Case documents of a child hub; answered item by item after the commit.
#[utoipa::path(post, path = "/v1/children/batches", tag = "child hub", request_body = UpwardBatch, responses(
    (status = 200, body = UpwardReceipt),
    (status = 400, description = "`unsupported-version`, `malformed-body`", body = Problem, content_type = "application/problem+json"),
    (status = 401, description = "`wrong-key`", body = Problem, content_type = "application/problem+json"),
    (status = 403, description = "`other-hub`", body = Problem, content_type = "application/problem+json"),
    (status = 413, description = "`body-too-large`", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "`busy`, with Retry-After; nothing was stored", body = Problem, content_type = "application/problem+json"),
))]
pub async fn batches(
    State(app): State<App>,
    ChildKey(hub): ChildKey,
    body: Result<Bytes, BytesRejection>,
) -> Result<Answer<UpwardReceipt>, Problem> {
    let batch: UpwardBatch = read(body)?;
    check(batch.version, &hub, &batch.hub)?;
    bounded("items", batch.items.len(), UPWARD_CASES_MAX)?;
    let now = crate::now();
    let taken = app.engine.run(TakeBatch { batch }, now).await?;
    let taken = taken.ok_or_else(|| gone(&hub))?;
    count(&app.metrics.child_batches);
    Ok(Answer(UpwardReceipt {
        items: taken.items,
        known: taken.known,
        parent_epoch: taken.epoch,
        hub_time: now,
    }))
}

/// A child hub's sign of life. Held for `wait_s` when there is nothing to ask the child for.
#[utoipa::path(post, path = "/v1/children/heartbeats", tag = "child hub", request_body = UpwardHeartbeat, responses(
    (status = 200, body = UpwardAnswer),
    (status = 400, description = "`unsupported-version`, `malformed-body`", body = Problem, content_type = "application/problem+json"),
    (status = 401, description = "`wrong-key`", body = Problem, content_type = "application/problem+json"),
    (status = 403, description = "`other-hub`", body = Problem, content_type = "application/problem+json"),
    (status = 413, description = "`body-too-large`", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "`busy`, with Retry-After", body = Problem, content_type = "application/problem+json"),
))]
pub async fn heartbeats(
    State(app): State<App>,
    ChildKey(hub): ChildKey,
    body: Result<Bytes, BytesRejection>,
) -> Result<Answer<UpwardAnswer>, Problem> {
    let heartbeat: UpwardHeartbeat = read(body)?;
    check(heartbeat.version, &hub, &heartbeat.hub)?;
    bounded("heads", heartbeat.heads.len(), UPWARD_HEADS_MAX)?;
    bounded("results", heartbeat.results.len(), UPWARD_COMMANDS_MAX)?;
    bounded("epochs", heartbeat.epochs.len(), EPOCHS_MAX)?;
    // What came is confirmed at once: the child may be waiting to send more.
    let brings = !heartbeat.heads.is_empty() || !heartbeat.results.is_empty();
    let wait_s = if brings { 0 } else { heartbeat.wait_s };
    let taken = app
        .engine
        .run(TakeHeartbeat { heartbeat }, crate::now())
        .await?;
    let taken = taken.ok_or_else(|| gone(&hub))?;
    if let Some(problem) = &taken.problem {
        tracing::error!(%hub, problem, "the signed heads of a child hub do not fit");
    }
    let until = Instant::now() + Duration::from_secs(wait_s.min(UPWARD_WAIT_S_MAX).into());
    loop {
        let (commands, new) = app.store.commands_waiting(&hub).await?;
        let late = Instant::now() >= until || app.stop.is_cancelled();
        if !commands.is_empty() || late {
            if !new.is_empty() {
                let deliver = Deliver {
                    hub: hub.clone(),
                    ids: new,
                };
                // What is not noted now is with the next time: the command itself must not wait for it.
                if let Err(error) = app.engine.run(deliver, crate::now()).await {
                    tracing::warn!(%hub, %error, "that commands were delivered was not noted");
                }
            }
            return Ok(Answer(UpwardAnswer {
                hub_time: crate::now(),
                parent_epoch: taken.epoch,
                known: taken.known,
                commands,
            }));
        }
        // Stopping ends the wait; the answer is given all the same.
        app.stop
            .run_until_cancelled(tokio::time::sleep(LOOK_EVERY))
            .await;
    }
}

fn read<T: serde::de::DeserializeOwned>(body: Result<Bytes, BytesRejection>) -> Result<T, Problem> {
    parse::versioned(&body?).map_err(|error| refused(&error))
}

fn refused(error: &BodyError) -> Problem {
    let (status, kind) = match error {
        BodyError::Version(_) => (StatusCode::BAD_REQUEST, "unsupported-version"),
        BodyError::Malformed(_) => (StatusCode::BAD_REQUEST, "malformed-body"),
        BodyError::TooMany { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "body-too-large"),
    };
    Problem::new(status, kind, error.to_string())
}

fn check(version: u32, key: &HubId, body: &HubId) -> Result<(), Problem> {
    if version != WIRE_VERSION {
        return Err(refused(&BodyError::Version(version.to_string())));
    }
    if key == body {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "other-hub",
        format!("the key is that of the hub `{key}`, the body says `{body}`"),
    ))
}

fn bounded(what: &str, found: usize, max: usize) -> Result<(), Problem> {
    if found <= max {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body-too-large",
        format!("`{what}` has {found} entries, at most {max} are taken at once"),
    ))
}

fn gone(hub: &HubId) -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "wrong-key",
        format!("the hub `{hub}` is no longer a child of this one"),
    )
}
