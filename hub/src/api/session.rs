//! Signing in and out.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use gridwatch_protocol::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::App;
use super::extract::{Json, Officer, Peer};
use super::problem::Problem;
use crate::auth::SignInError;
use crate::cases::{Actor, Role};
use crate::metrics::count;

/// Name and password.
#[derive(Deserialize, ToSchema)]
pub struct Credentials {
    /// Sign-in name.
    pub username: String,
    /// Password.
    pub password: String,
}

/// Who is signed in.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Session {
    /// Sign-in name.
    pub username: String,
    /// Name for people.
    pub display_name: String,
    /// What they may do.
    pub role: Role,
    /// Code of the area that they are kept to; absent when it is the whole tree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<String>,
    /// When they are signed out whatever happens.
    pub expires_at: Timestamp,
    /// `zh` or `en`, if they chose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

impl Session {
    fn new(
        actor: Actor,
        area: Option<String>,
        expires_at: Timestamp,
        language: Option<String>,
    ) -> Self {
        Self {
            username: actor.username,
            display_name: actor.display_name,
            role: actor.role,
            area,
            expires_at,
            language,
        }
    }
}

/// Sign in. Sets the session's cookie.
#[utoipa::path(post, path = "/api/v1/session", tag = "session", request_body = Credentials, responses(
    (status = 200, body = Session),
    (status = 401, description = "`wrong-credentials`", body = Problem, content_type = "application/problem+json"),
    (status = 429, description = "`too-many-attempts`, with Retry-After", body = Problem, content_type = "application/problem+json"),
))]
pub async fn sign_in(
    State(app): State<App>,
    Peer(peer): Peer,
    Json(credentials): Json<Credentials>,
) -> Result<Response, Problem> {
    let Credentials { username, password } = credentials;
    match app.auth.sign_in(&username, password, peer.ip()).await {
        Ok((session, user, cookie)) => {
            count(&app.metrics.sign_ins);
            let body = Session::new(user.actor, user.area, session.expires_at, user.language);
            Ok(([(header::SET_COOKIE, cookie)], Answer(body)).into_response())
        }
        Err(SignInError::WrongCredentials) => {
            count(&app.metrics.sign_ins_refused);
            Err(Problem::new(
                StatusCode::UNAUTHORIZED,
                "wrong-credentials",
                "the name or the password is wrong, or the account is disabled",
            ))
        }
        Err(SignInError::TooMany(seconds)) => {
            count(&app.metrics.sign_ins_limited);
            let mut problem = Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too-many-attempts",
                format!("too many failed sign-ins; try again in {seconds} s"),
            );
            problem.retry_after_s = Some(seconds);
            Err(problem)
        }
        Err(SignInError::Problem(problem)) => Err(problem),
    }
}

/// Who is signed in.
#[utoipa::path(get, path = "/api/v1/session", tag = "session", responses(
    (status = 200, body = Session),
))]
pub async fn who(officer: Officer) -> Answer<Session> {
    Answer(Session::new(
        officer.actor,
        officer.area,
        officer.session.expires_at,
        officer.language,
    ))
}

/// Sign out. Open live feeds of the session end.
#[utoipa::path(delete, path = "/api/v1/session", tag = "session", responses(
    (status = 204),
))]
pub async fn sign_out(
    State(app): State<App>,
    Peer(peer): Peer,
    officer: Officer,
) -> Result<Response, Problem> {
    let cookie = app.auth.sign_out(&officer, peer.ip()).await?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}
