//! The doors for systems that watch: authenticate, bound, read, hand to the engine, answer after the commit.
//!
//! A system that gets no 2xx sends again, and sending again changes nothing; so nothing is answered with 2xx
//! that is not stored.

use std::sync::Arc;
use std::time::Instant;

use axum::Json as Answer;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::alertmanager;
use super::episode::Signal;
use super::keys::{KeyRow, Kind};
use super::mapping::Rule;
use super::pagerduty;
use super::tasks::{SignalOutcome, Signals};
use crate::api::App;
use crate::api::extract::Peer;
use crate::api::problem::Problem;
use crate::bearer;
use crate::engine::JobError;
use crate::metrics::{add, count};

/// Signals in one transaction: alerts of gateways wait for it.
const SIGNALS_AT_ONCE: usize = 50;
/// Wrong keys that one address may send in a minute.
const GUESSES_PER_MINUTE: u32 = 30;

/// An event shaped like PagerDuty's Events v2. `trigger` raises an alert or adds to the one that is there under
/// its `dedup_key`; `resolve` clears it and closes no case; `acknowledge` is noted and acknowledges nothing.
#[utoipa::path(post, path = "/intake/pagerduty/v2/enqueue", tag = "intake", request_body(content = Object, content_type = "application/json"), responses(
    (status = 202, description = "`status`, `message`, `dedup_key`; stored", content_type = "application/json"),
    (status = 400, description = "`status`, `message`, `errors`", content_type = "application/json"),
    (status = 404, description = "This door is shut", content_type = "application/json"),
    (status = 413, description = "`status`, `message`, `errors`", content_type = "application/json"),
    (status = 429, description = "`status`, `message`, `errors`, with Retry-After", content_type = "application/json"),
    (status = 503, description = "`status`, `message`, `errors`, with Retry-After; nothing was stored", content_type = "application/json"),
))]
pub async fn pagerduty_enqueue(
    State(app): State<App>,
    Peer(peer): Peer,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let machines = &app.config.outside.pagerduty;
    if !machines.enabled {
        return refused(StatusCode::NOT_FOUND, "not found", vec![]);
    }
    let body = match body {
        Ok(body) => body,
        Err(rejection) => {
            let words = vec![rejection.body_text()];
            return refused(rejection.status(), "invalid event", words);
        }
    };
    let event = match pagerduty::read(&body) {
        Ok(event) => event,
        Err(errors) => return refused(StatusCode::BAD_REQUEST, "invalid event", errors),
    };
    let key = match key(&app, &event.routing_key, Kind::Pagerduty, peer.ip()).await {
        Ok(key) => key,
        Err(Shut::WrongKey) => {
            let words = vec!["'routing_key' is unknown or revoked".to_owned()];
            return refused(StatusCode::BAD_REQUEST, "invalid event", words);
        }
        Err(Shut::TooMany(seconds)) => {
            return wait(StatusCode::TOO_MANY_REQUESTS, "throttle exceeded", seconds);
        }
        Err(Shut::Busy) => return wait(StatusCode::SERVICE_UNAVAILABLE, "busy", 2),
    };
    let dedup_key = event.signal.key.clone();
    match store(&app, &key, &machines.rules, vec![event.signal]).await {
        Ok(_) => {
            let body = json!({
                "status": "success",
                "message": "Event processed",
                "dedup_key": dedup_key,
            });
            (StatusCode::ACCEPTED, Answer(body)).into_response()
        }
        Err(_) => wait(StatusCode::SERVICE_UNAVAILABLE, "busy", 2),
    }
}

fn refused(status: StatusCode, word: &str, errors: Vec<String>) -> Response {
    let body = json!({
        "status": word,
        "message": "Event object is invalid",
        "errors": errors,
    });
    (status, Answer(body)).into_response()
}

fn wait(status: StatusCode, word: &str, seconds: u64) -> Response {
    let body = json!({
        "status": word,
        "message": format!("Please try again in {seconds} s"),
        "errors": [],
    });
    let after = [(header::RETRY_AFTER, HeaderValue::from(seconds))];
    (status, after, Answer(body)).into_response()
}

/// What became of a webhook.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = WebhookAnswer)]
pub struct Taken {
    /// Alerts that are stored as something new.
    pub taken: u64,
    /// Alerts that said nothing new.
    pub repeated: u64,
    /// Alerts that could not be read, each with its place and reason.
    pub refused: Vec<String>,
}

/// A webhook shaped like Alertmanager's, version 4. One fingerprint is one alert, however often it is sent;
/// `resolved` clears it and closes no case.
#[utoipa::path(post, path = "/intake/alertmanager", tag = "intake", request_body(content = Object, content_type = "application/json"), responses(
    (status = 200, body = Taken),
    (status = 400, description = "`malformed-body`", body = Problem, content_type = "application/problem+json"),
    (status = 401, description = "`wrong-key`", body = Problem, content_type = "application/problem+json"),
    (status = 404, description = "`not-found`: this door is shut", body = Problem, content_type = "application/problem+json"),
    (status = 413, description = "`body-too-large`", body = Problem, content_type = "application/problem+json"),
    (status = 429, description = "`too-many`, with Retry-After", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "`busy`, with Retry-After; send it again", body = Problem, content_type = "application/problem+json"),
))]
pub async fn alertmanager_webhook(
    State(app): State<App>,
    Peer(peer): Peer,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Answer<Taken>, Problem> {
    let machines = &app.config.outside.alertmanager;
    if !machines.enabled {
        return Err(Problem::not_found("this door is shut"));
    }
    let token = bearer::key(&headers).unwrap_or_default();
    let key = match key(&app, token, Kind::Alertmanager, peer.ip()).await {
        Ok(key) => key,
        Err(Shut::WrongKey) => {
            return Err(Problem::new(
                StatusCode::UNAUTHORIZED,
                "wrong-key",
                "the bearer token is missing, unknown or revoked; `hub outside key add` makes one",
            ));
        }
        Err(Shut::TooMany(seconds)) => return Err(too_many(seconds)),
        Err(Shut::Busy) => return Err(Problem::busy("the store does not answer; try again")),
    };
    let group = alertmanager::read(&body?)
        .map_err(|reason| Problem::new(StatusCode::BAD_REQUEST, "malformed-body", reason))?;
    if group.truncated > 0 {
        tracing::warn!(
            key = key.name,
            left_out = group.truncated,
            "a webhook left alerts out; raise `max_alerts` of its receiver"
        );
    }
    let outcomes = store(&app, &key, &machines.rules, group.signals).await?;
    let (taken, repeated): (Vec<SignalOutcome>, Vec<SignalOutcome>) = outcomes
        .iter()
        .partition(|outcome| **outcome == SignalOutcome::Taken);
    Ok(Answer(Taken {
        taken: taken.len() as u64,
        repeated: repeated.len() as u64,
        refused: group.refused,
    }))
}

fn too_many(seconds: u64) -> Problem {
    let mut problem = Problem::new(
        StatusCode::TOO_MANY_REQUESTS,
        "too-many",
        "this key has sent too much; send it again later",
    );
    problem.retry_after_s = Some(seconds);
    problem
}

/// Why a door stays shut.
enum Shut {
    WrongKey,
    TooMany(u64),
    Busy,
}

/// The key, if it opens this door and has not sent too much.
async fn key(
    app: &App,
    token: &str,
    kind: Kind,
    address: std::net::IpAddr,
) -> Result<KeyRow, Shut> {
    let found = app.store.outside_key(token, kind).await.map_err(|error| {
        tracing::error!(
            error = crate::chain(&error),
            "the store did not answer a foreign system"
        );
        Shut::Busy
    })?;
    let take = |sender: &str, per_minute| {
        let taken = app.rates.take(sender, per_minute, Instant::now());
        taken.map_err(Shut::TooMany)
    };
    let Some(key) = found else {
        count(&app.metrics.gateway_keys_refused);
        take(&format!("guesses {address}"), GUESSES_PER_MINUTE)?;
        return Err(Shut::WrongKey);
    };
    take(&format!("key {}", key.name), key.per_minute)?;
    Ok(key)
}

/// Stores signals, some at a time. What was stored before a failure is a repetition when it is sent again.
async fn store(
    app: &App,
    key: &KeyRow,
    rules: &[Rule],
    signals: Vec<Signal>,
) -> Result<Vec<SignalOutcome>, JobError> {
    let rules: Arc<[Rule]> = rules.into();
    let mut outcomes = Vec::with_capacity(signals.len());
    for part in signals.chunks(SIGNALS_AT_ONCE) {
        let task = Signals {
            key: key.name.clone(),
            area: key.area.clone(),
            rules: Arc::clone(&rules),
            signals: part.to_vec(),
        };
        outcomes.extend(app.engine.run(task, crate::now()).await?);
    }
    let taken = outcomes
        .iter()
        .filter(|one| **one == SignalOutcome::Taken)
        .count();
    add(&app.metrics.alerts_accepted, taken);
    add(&app.metrics.alerts_duplicate, outcomes.len() - taken);
    Ok(outcomes)
}
