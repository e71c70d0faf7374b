//! The officers' API and everything else that is served: one router, with what holds for all of it.
//!
//! Every error is problem+json. Every read asks who is there; there is no route for officers without
//! [`extract::Officer`] in its handler. Bodies are bounded before they are read.

pub mod alarm_reports;
pub mod areas;
pub mod audit;
pub mod cases;
pub mod catalogue;
pub mod channels;
pub mod children;
pub mod clocks;
pub mod commissionings;
pub mod conditional;
pub mod correlation;
pub mod description;
pub mod directory;
pub mod duty;
pub mod evidence;
pub mod extract;
pub mod gateways;
pub mod language;
pub mod limit;
pub mod map;
pub mod notifications;
pub mod outside;
pub mod page;
pub mod parent;
pub mod people;
pub mod problem;
pub mod readings;
mod refusals;
mod report_files;
pub mod reports;
pub mod rosters;
pub mod routes;
pub mod session;
pub mod system;
pub mod takeovers;
pub mod today;
pub mod unassigned;
pub mod verify;
pub mod view;
pub mod words;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::{self, Auth};
use crate::catalogue::Catalogue;
use crate::clocks::Calendar;
use crate::config::Config;
use crate::directory::{Directories, Directory};
use crate::engine::Engine;
use crate::evidence::Evidence;
use crate::history::History;
use crate::history::ring::Ring;
use crate::metrics::Metrics;
use crate::notify::worker::Notifier;
use crate::outside::Rates;
use crate::outside::open311::routes as open311;
use crate::store::Store;
use crate::tiles::Tiles;
use problem::Problem;

/// What handlers work with; cheap to clone.
pub type App = Arc<Shared>;

/// What handlers share.
#[derive(Debug)]
pub struct Shared {
    /// The configuration.
    pub config: Config,
    /// Areas, units and sites; see [`Shared::directory`].
    pub directories: Directories,
    /// Categories.
    pub catalogue: Arc<Catalogue>,
    /// Working hours and holidays.
    pub calendar: Arc<Calendar>,
    /// Who is on duty.
    pub rosters: crate::roster::known::Cache,
    /// The reading side of the store.
    pub store: Store,
    /// Everything that writes goes through it.
    pub engine: Engine,
    /// Takes readings.
    pub history: History,
    /// Gives readings back.
    pub ring: Ring,
    /// Sends dead letters again.
    pub notifier: Notifier,
    /// Signing in.
    pub auth: Auth,
    /// How often somebody may ask.
    pub limits: limit::Limits,
    /// The local map of streets and houses.
    pub tiles: Option<Arc<Tiles>>,
    /// Files of evidence.
    pub evidence: Arc<Evidence>,
    /// What keys of other systems and readers of the public door have sent lately.
    pub rates: Rates,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Places for imports of the directory.
    pub imports: Arc<Semaphore>,
    /// The place of whoever reads a chain of hashes.
    pub verifying: Arc<Semaphore>,
    /// Cancelled when the hub stops; live feeds end then.
    pub stop: CancellationToken,
}

impl Shared {
    /// Areas, units and sites as they are now.
    #[must_use]
    pub fn directory(&self) -> Arc<Directory> {
        self.directories.now()
    }
}

const CSP: &str = "default-src 'self'; connect-src 'self'; img-src 'self' data:; style-src 'self'; script-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Gridwatch hub",
        description = "Officers sign in with `POST /api/v1/session` and send the cookie with every request; changing requests also carry `X-Gridwatch-Request: 1`. Gateways send `Authorization: Bearer <key>`. Errors are application/problem+json in the caller's language (`zh` or `en`). Lists give `next`, which is `after` of the next page. Times are RFC 3339, UTC, milliseconds.",
    ),
    components(schemas(
        problem::Problem,
        crate::live::data::CaseEventData,
        crate::live::data::FloodEventData,
        crate::live::data::GatewayEventData,
        crate::live::data::DeskEventData,
        crate::live::data::ChildEventData,
        crate::live::data::HelloData,
        crate::live::data::ResyncData,
        directory::Format,
        directory::RowTable,
    ))
)]
struct Description;

fn described() -> OpenApiRouter<App> {
    let officers = OpenApiRouter::new()
        .routes(routes!(session::sign_in, session::who, session::sign_out))
        .routes(routes!(cases::list, outside::report))
        .routes(routes!(cases::one))
        .routes(routes!(cases::act))
        .routes(routes!(clocks::case_clocks))
        .routes(routes!(clocks::calendar_warnings))
        .routes(routes!(readings::series_of_case))
        .routes(routes!(readings::readings))
        .routes(routes!(crate::live::events))
        .routes(routes!(gateways::list))
        .routes(routes!(gateways::devices))
        .routes(routes!(gateways::models))
        .routes(routes!(gateways::quarantine))
        .routes(routes!(gateways::quarantine_profile))
        .routes(routes!(commissionings::list))
        .routes(routes!(catalogue::catalogue))
        .routes(routes!(catalogue::calendar))
        .routes(routes!(notifications::list))
        .routes(routes!(channels::list))
        .routes(routes!(channels::test))
        .routes(routes!(notifications::retry))
        .routes(routes!(system::areas))
        .routes(routes!(system::sites))
        .routes(routes!(system::load))
        .routes(routes!(system::openapi))
        .routes(routes!(system::metrics))
        .routes(routes!(system::healthz))
        .routes(routes!(reports::cases))
        .routes(routes!(reports::units))
        .routes(routes!(reports::areas))
        .routes(routes!(alarm_reports::alarms))
        .routes(routes!(alarm_reports::officers))
        .routes(routes!(today::today))
        .routes(routes!(map::workers))
        .routes(routes!(map::tiles))
        .routes(routes!(correlation::silences, correlation::make_silence))
        .routes(routes!(correlation::end_silence))
        .routes(routes!(correlation::floods))
        .routes(routes!(correlation::similar))
        .routes(routes!(correlation::split))
        .routes(routes!(evidence::list))
        .routes(routes!(evidence::store, evidence::fetch))
        .routes(routes!(evidence::reveal))
        .routes(routes!(audit::list))
        .routes(routes!(audit::export))
        .routes(routes!(parent::parent))
        .routes(routes!(children::list))
        .routes(routes!(children::cases))
        .routes(routes!(children::one))
        .routes(routes!(children::ask))
        .routes(routes!(children::heads))
        .routes(routes!(rosters::list))
        .routes(routes!(rosters::one, rosters::put, rosters::remove))
        .routes(routes!(duty::duty))
        .routes(routes!(takeovers::takeover))
        .routes(routes!(takeovers::list))
        .routes(routes!(duty::console))
        .routes(routes!(duty::own_shifts))
        .routes(routes!(outside::reports, outside::join))
        .routes(routes!(outside::reveal))
        .routes(routes!(outside::rating))
        .routes(routes!(open311::list, open311::create))
        .routes(routes!(open311::one))
        .routes(routes!(
            directory::rows::put_row,
            directory::rows::remove_row
        ))
        .routes(routes!(areas::at))
        .routes(routes!(areas::map))
        .routes(routes!(areas::contacts))
        .routes(routes!(unassigned::list))
        .routes(routes!(people::list, people::add))
        .routes(routes!(people::one, people::edit))
        .routes(routes!(people::disable))
        .routes(routes!(people::enable))
        .routes(routes!(people::set_password))
        .routes(routes!(people::own_password));
    let gateways = OpenApiRouter::new()
        .routes(routes!(crate::intake::batches))
        .routes(routes!(crate::intake::heartbeats))
        .routes(routes!(crate::intake::commissionings))
        .routes(routes!(crate::parent::children::intake::batches))
        .routes(routes!(crate::parent::children::intake::heartbeats))
        .layer(DefaultBodyLimit::max(gridwatch_protocol::BATCH_BYTES_MAX));
    let verify = OpenApiRouter::new()
        .routes(routes!(verify::verify))
        .layer(DefaultBodyLimit::max(verify::HEADS_BYTES_MAX));
    let pagerduty = OpenApiRouter::new()
        .routes(routes!(crate::outside::intake::pagerduty_enqueue))
        .layer(DefaultBodyLimit::max(
            crate::outside::pagerduty::BODY_BYTES_MAX,
        ));
    let alertmanager = OpenApiRouter::new()
        .routes(routes!(crate::outside::intake::alertmanager_webhook))
        .layer(DefaultBodyLimit::max(
            crate::outside::alertmanager::BODY_BYTES_MAX,
        ));
    let imports = OpenApiRouter::new()
        .routes(routes!(
            directory::whole::read_whole,
            directory::whole::replace_whole
        ))
        .routes(routes!(
            directory::whole::read_outlines,
            directory::whole::replace_outlines
        ))
        .routes(routes!(
            directory::whole::read_risk_areas,
            directory::whole::replace_risk_areas
        ))
        .routes(routes!(
            directory::rows::read_table,
            directory::rows::replace_table
        ))
        .layer(DefaultBodyLimit::max(directory::IMPORT_BYTES_MAX));
    OpenApiRouter::with_openapi(Description::openapi())
        .merge(officers)
        .merge(imports)
        .merge(verify)
        .merge(gateways)
        .merge(pagerduty)
        .merge(alertmanager)
}

/// The description of the API, generated from the code.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut document = described().split_for_parts().1;
    description::complete(&mut document);
    document
}

/// Everything that the hub serves.
pub fn router(app: App) -> Router {
    let body_max = usize::try_from(app.config.limits.officer_body_kib).unwrap_or(64) * 1024;
    let (router, _) = described().split_for_parts();
    router
        .fallback(crate::console::serve)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(body_max))
        .layer(middleware::from_fn(conditional::conditional))
        .layer(middleware::from_fn(same_site))
        .layer(middleware::from_fn_with_state(
            Arc::clone(&app),
            limit::limit,
        ))
        .layer(middleware::from_fn(language::speak))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), headers))
        .with_state(app)
}

async fn wrong_method() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method-not-allowed",
        "this address does not take this method",
    )
}

/// Changing requests of officers must come from the hub's own pages; gateways have no cookies.
async fn same_site(request: Request, next: Next) -> Response {
    if request.uri().path().starts_with("/api/") {
        let authority = request
            .uri()
            .authority()
            .map(axum::http::uri::Authority::as_str);
        if let Err(problem) = auth::check_same_site(request.method(), request.headers(), authority)
        {
            return problem.into_response();
        }
    }
    next.run(request).await
}

async fn headers(State(app): State<App>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    };
    set(header::CONTENT_SECURITY_POLICY, CSP);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "no-referrer");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(header::CACHE_CONTROL, "no-store");
    if app.config.tls {
        set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    response
}
