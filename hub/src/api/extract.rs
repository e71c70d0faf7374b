//! What handlers take: bodies, queries and paths whose refusals are problems, and the officer.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::App;
use super::language::Chosen;
use super::problem::Problem;
use crate::access::Scope;
use crate::cases::{Actor, Role};
use crate::store::accounts::SessionRow;

/// A JSON body.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let axum::Json(value) = axum::Json::from_request(request, app).await?;
        Ok(Self(value))
    }
}

/// The query of the address.
#[derive(Debug)]
pub struct Args<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<App> for Args<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Query(value) = Query::from_request_parts(parts, app).await?;
        Ok(Self(value))
    }
}

/// A part of the address.
#[derive(Debug)]
pub struct Part<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Part<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Path(value) = Path::from_request_parts(parts, app).await?;
        Ok(Self(value))
    }
}

/// Who asks: a signed-in officer of any role.
#[derive(Debug, Clone)]
pub struct Officer {
    /// Who it is.
    pub actor: Actor,
    /// What they may see.
    pub scope: Scope,
    /// Code of the area that they are kept to, if they are.
    pub area: Option<String>,
    /// Their session.
    pub session: SessionRow,
    /// Their language, if they chose one.
    pub language: Option<String>,
}

impl FromRequestParts<App> for Officer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let officer = app.auth.officer(&parts.headers).await?;
        let officer = officer.ok_or_else(Problem::not_signed_in)?;
        if let Some(chosen) = parts.extensions.get::<Chosen>() {
            chosen.set(officer.language.as_deref());
        }
        Ok(officer)
    }
}

/// Who asks: an administrator.
#[derive(Debug, Clone)]
pub struct Administrator(pub Officer);

impl FromRequestParts<App> for Administrator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let officer = Officer::from_request_parts(parts, app).await?;
        if officer.actor.role == Role::Administrator {
            Ok(Self(officer))
        } else {
            Err(Problem::not_allowed("only an administrator may do this"))
        }
    }
}

/// The address that the request came from.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

impl FromRequestParts<App> for Peer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        ConnectInfo::<SocketAddr>::from_request_parts(parts, app)
            .await
            .map(|ConnectInfo(peer)| Self(peer))
            .map_err(|_| Problem::internal())
    }
}
