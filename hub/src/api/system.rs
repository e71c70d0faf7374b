//! Areas, sites, an officer's load, and the hub's own health.

use std::collections::BTreeSet;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use gridwatch_protocol::GatewayId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::cases::OpenCounts;
use super::extract::{Args, Officer, Peer};
use super::page;
use super::problem::Problem;
use crate::cases::Role;
use crate::directory::{Area, Site};

/// An officer should get about this many alarms in an hour (ISA-18.2: 1 in 10 minutes).
const LOAD_TARGET: i64 = 6;
/// And can handle at most this many (ISA-18.2: 2 in 10 minutes).
const LOAD_MAXIMUM: i64 = 12;

/// Areas.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AreaList {
    /// The areas, wide before narrow as in the configuration.
    pub items: Vec<Area>,
}

/// A site with its gateway.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SiteView {
    /// As configured.
    #[serde(flatten)]
    pub site: Site,
    /// The first gateway that was added for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<GatewayId>,
}

/// Sites.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SiteList {
    /// The sites, by id.
    pub items: Vec<SiteView>,
    /// `after` of the next page; null on the last.
    pub next: Option<String>,
}

/// How much an officer has to do.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct LoadView {
    /// New cases in the last hour: every officer on duty sees all of them.
    pub officer_last_hour: i64,
    /// Of them acknowledged by the asking officer.
    pub acknowledged_by_me_last_hour: i64,
    /// So many are fine.
    pub target: i64,
    /// More than so many cannot be handled well.
    pub maximum: i64,
    /// Open cases.
    pub open_by_severity: OpenCounts,
    /// Age of the oldest case that nobody has acknowledged, in milliseconds; null when there is none.
    pub oldest_unacknowledged_ms: Option<i64>,
}

/// Whether the hub is ready.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// `ready`
    pub status: String,
    /// Version of the hub.
    pub version: String,
}

/// The area tree.
#[utoipa::path(get, path = "/api/v1/areas", tag = "areas", responses((status = 200, body = AreaList)))]
pub async fn areas(State(app): State<App>, officer: Officer) -> Answer<AreaList> {
    let directory = app.directory();
    // With the areas above, so that the tree hangs together.
    let mut shown: BTreeSet<String> = BTreeSet::new();
    for area in directory.areas() {
        if officer.scope.sees_path(&directory.area_path(&area.code)) {
            shown.extend(
                directory
                    .steps(&area.code)
                    .into_iter()
                    .map(|step| step.code),
            );
        }
    }
    let is_shown = |area: &&Area| shown.contains(&area.code);
    Answer(AreaList {
        items: directory.areas().iter().filter(is_shown).cloned().collect(),
    })
}

/// Which sites.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SiteArgs {
    /// Only in this area and what lies in it.
    area: Option<String>,
    /// At most this many, up to 200, which is usual.
    limit: Option<i64>,
    /// `next` of the page before.
    after: Option<String>,
}

/// Sites.
#[utoipa::path(get, path = "/api/v1/sites", tag = "areas", params(SiteArgs), responses((status = 200, body = SiteList)))]
pub async fn sites(
    State(app): State<App>,
    officer: Officer,
    Args(args): Args<SiteArgs>,
) -> Result<Answer<SiteList>, Problem> {
    let limit = page::limit(args.limit, page::MAX)?;
    let directory = app.directory();
    let scope = match page::given(args.area.as_deref()) {
        Some(area) => officer.scope.and_area(area, &directory),
        None => officer.scope,
    };
    let after = args.after.unwrap_or_default();
    let fits = usize::try_from(limit + 1).unwrap_or(usize::MAX);
    let mut page: Vec<Site> = directory
        .sites()
        .filter(|site| site.id.as_str() > after.as_str())
        .filter(|site| scope.sees_path(&directory.site_path(&site.id)))
        .take(fits)
        .cloned()
        .collect();
    let next = page::cut(&mut page, limit, |site| site.id.to_string());
    let ids: Vec<&str> = page.iter().map(|site| site.id.as_str()).collect();
    let mut gateways = app.store.first_gateways(&ids).await?;
    let items = page.into_iter().map(|site| SiteView {
        gateway: gateways.remove(site.id.as_str()),
        site,
    });
    Ok(Answer(SiteList {
        items: items.collect(),
        next,
    }))
}

/// How much the asking officer has to do.
#[utoipa::path(get, path = "/api/v1/statistics/load", tag = "statistics", responses((status = 200, body = LoadView)))]
pub async fn load(State(app): State<App>, officer: Officer) -> Result<Answer<LoadView>, Problem> {
    let now = crate::now();
    let load = app
        .store
        .load_since(
            &officer.actor.username,
            now.plus_ms(-3_600_000),
            &officer.scope,
        )
        .await?;
    Ok(Answer(LoadView {
        officer_last_hour: load.opened_last_hour,
        acknowledged_by_me_last_hour: load.acknowledged_last_hour,
        target: LOAD_TARGET,
        maximum: LOAD_MAXIMUM,
        open_by_severity: app.store.open_by_severity(&officer.scope).await?.into(),
        oldest_unacknowledged_ms: load.oldest_unacknowledged_at.map(|at| now.unix_ms() - at),
    }))
}

/// This description.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "system", responses((status = 200, description = "OpenAPI 3.1")))]
pub async fn openapi() -> Answer<utoipa::openapi::OpenApi> {
    Answer(super::openapi())
}

/// Whether the hub is ready: the store answers and the queue has room.
#[utoipa::path(get, path = "/healthz", tag = "system", responses(
    (status = 200, body = Health),
))]
pub async fn healthz(State(app): State<App>) -> Result<Answer<Health>, Problem> {
    app.store.ping().await?;
    if app.engine.room() == 0 {
        return Err(Problem::busy("the queue of the engine is full"));
    }
    let version = env!("CARGO_PKG_VERSION").to_owned();
    Ok(Answer(Health {
        status: "ready".to_owned(),
        version,
    }))
}

/// Counters as Prometheus text. From this machine, or for administrators.
#[utoipa::path(get, path = "/metrics", tag = "system", responses(
    (status = 200, description = "Prometheus text format 0.0.4", content_type = "text/plain"),
    (status = 401, description = "`not-signed-in`", body = Problem, content_type = "application/problem+json"),
    (status = 403, description = "`not-allowed`", body = Problem, content_type = "application/problem+json"),
))]
pub async fn metrics(
    State(app): State<App>,
    Peer(peer): Peer,
    headers: axum::http::HeaderMap,
) -> Result<Response, Problem> {
    if !peer.ip().to_canonical().is_loopback() {
        let officer = app
            .auth
            .officer(&headers)
            .await?
            .ok_or_else(Problem::not_signed_in)?;
        if officer.actor.role != Role::Administrator {
            return Err(Problem::not_allowed(
                "only an administrator may see the counters",
            ));
        }
    }
    let kind = (
        header::CONTENT_TYPE,
        "text/plain; version=0.0.4; charset=utf-8",
    );
    Ok(([kind], app.metrics.render()).into_response())
}
