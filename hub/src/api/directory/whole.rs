//! Several tables at once, and outlines and risk areas as GeoJSON.

use axum::Json as Answer;
use axum::extract::{FromRequestParts, State};
use axum::http::header;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::OwnedSemaphorePermit;
use utoipa::ToSchema;

use super::super::App;
use super::super::extract::{Administrator, Args, Json, Peer};
use super::super::problem::Problem;
use super::rows::answer;
use super::write::Writing;
use super::{Changed, IfMatch, WriteArgs, etag};
use crate::access::Scope;
use crate::directory::contents::{AreaOutline, Flat, RiskArea};
use crate::directory::finding::{Finding, Table};
use crate::directory::import::{Import, rows_in_scope};
use crate::directory::read::{self, Settle};
use crate::directory::{Area, Contact, Directory, Duty, Hazard, Site, Unit, feature, risk};

/// One of the few imports that may be under way at once; taken before the body is read.
#[derive(Debug)]
pub struct Permit(#[expect(dead_code, reason = "held, not looked at")] OwnedSemaphorePermit);

impl FromRequestParts<App> for Permit {
    type Rejection = Problem;

    async fn from_request_parts(_: &mut Parts, app: &App) -> Result<Self, Problem> {
        let permit = std::sync::Arc::clone(&app.imports).try_acquire_owned();
        permit
            .map(Self)
            .map_err(|_| Problem::busy("other imports are under way"))
    }
}

/// The whole directory in the asker's area.
#[derive(Debug, Serialize, ToSchema)]
pub struct WholeDirectory {
    /// Its version.
    pub version: i64,
    /// The area tree.
    pub areas: Vec<Area>,
    /// A GeoJSON FeatureCollection.
    #[schema(value_type = Object)]
    pub outlines: Value,
    /// Sites.
    pub sites: Vec<Site>,
    /// Units.
    pub units: Vec<Unit>,
    /// Duties.
    pub duties: Vec<Duty>,
    /// Hazard points.
    pub hazards: Vec<Hazard>,
    /// Contacts.
    pub contacts: Vec<Contact>,
    /// Risk areas, a GeoJSON FeatureCollection.
    #[schema(value_type = Object)]
    pub risk_areas: Value,
}

/// Tables to take the places of those that are there; a table that is left out stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TablesGiven {
    /// What reading gives; not looked at, `If-Match` counts.
    version: Option<i64>,
    /// The area tree.
    #[schema(value_type = Option<Vec<Area>>)]
    areas: Option<Vec<Value>>,
    /// A GeoJSON FeatureCollection.
    #[schema(value_type = Option<Object>)]
    outlines: Option<Value>,
    /// Sites.
    #[schema(value_type = Option<Vec<Site>>)]
    sites: Option<Vec<Value>>,
    /// Units.
    #[schema(value_type = Option<Vec<Unit>>)]
    units: Option<Vec<Value>>,
    /// Duties.
    #[schema(value_type = Option<Vec<Duty>>)]
    duties: Option<Vec<Value>>,
    /// Hazard points.
    #[schema(value_type = Option<Vec<Hazard>>)]
    hazards: Option<Vec<Value>>,
    /// Contacts.
    #[schema(value_type = Option<Vec<Contact>>)]
    contacts: Option<Vec<Value>>,
    /// Risk areas, a GeoJSON FeatureCollection.
    #[schema(value_type = Option<Object>)]
    risk_areas: Option<Value>,
}

fn outlines(directory: &Directory, scope: &Scope) -> Value {
    let rows: Vec<AreaOutline> = rows_in_scope(directory, scope);
    feature::write(rows.iter().map(|row| {
        let area = directory.area(&row.code);
        (row, area.map(|area| &area.name))
    }))
}

fn risk_areas(directory: &Directory, scope: &Scope) -> Value {
    risk::write(rows_in_scope::<RiskArea>(directory, scope).iter())
}

/// The whole directory in the asker's area. Only for administrators. The answer's ETag is its version.
#[utoipa::path(get, path = "/api/v1/directory", tag = "directory",
    responses((status = 200, body = WholeDirectory)))]
pub async fn read_whole(State(app): State<App>, Administrator(officer): Administrator) -> Response {
    let (directory, scope) = (app.directory(), &officer.scope);
    let whole = WholeDirectory {
        version: directory.version(),
        areas: rows_in_scope(&directory, scope),
        outlines: outlines(&directory, scope),
        sites: rows_in_scope(&directory, scope),
        units: rows_in_scope(&directory, scope),
        duties: rows_in_scope(&directory, scope),
        hazards: rows_in_scope(&directory, scope),
        contacts: rows_in_scope(&directory, scope),
        risk_areas: risk_areas(&directory, scope),
    };
    let tag = [(header::ETAG, etag(directory.version()))];
    (tag, Answer(whole)).into_response()
}

/// Replace several tables of the directory at once, as moving to another tree needs it. Only for
/// administrators.
#[utoipa::path(put, path = "/api/v1/directory", tag = "directory",
    params(WriteArgs, ("If-Match" = String, Header, description = "ETag of what was read, or `*`")),
    request_body = TablesGiven,
    responses(
        (status = 200, body = Changed),
        (status = 409, description = "`in-use`: something that would go is used by open cases or people; `findings` lists it", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "`version-conflict`: the directory has changed; its version is in `version` and ETag", body = Problem, content_type = "application/problem+json"),
        (status = 428, description = "`version-needed`: `If-Match` is missing", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn replace_whole(
    State(app): State<App>,
    Administrator(officer): Administrator,
    Peer(peer): Peer,
    Args(args): Args<WriteArgs>,
    if_match: IfMatch,
    _permit: Permit,
    Json(given): Json<TablesGiven>,
) -> Result<Response, Problem> {
    let (mut import, mut findings) = (Import::default(), Vec::new());
    if let Some(outlines) = given.outlines {
        import.contents.outlines = feature::from_value(outlines, &mut findings);
        import.tables.insert(Table::Outlines);
    }
    if let Some(risk_areas) = given.risk_areas {
        import.contents.risk_areas = risk::from_value(risk_areas, &mut findings);
        import.tables.insert(Table::RiskAreas);
    }
    take::<Area>(given.areas, &mut import, &mut findings);
    take::<Site>(given.sites, &mut import, &mut findings);
    take::<Unit>(given.units, &mut import, &mut findings);
    take::<Duty>(given.duties, &mut import, &mut findings);
    take::<Hazard>(given.hazards, &mut import, &mut findings);
    take::<Contact>(given.contacts, &mut import, &mut findings);
    let writing = Writing::new(&app, &officer, peer, if_match, &args);
    Ok(answer(writing.replace(import, findings).await?))
}

fn take<T: Flat + Settle>(
    rows: Option<Vec<Value>>,
    import: &mut Import,
    findings: &mut Vec<Finding>,
) {
    if let Some(rows) = rows {
        *T::list_mut(&mut import.contents) = read::list(rows, findings);
        import.tables.insert(T::TABLE);
    }
}

fn as_geojson(directory: &Directory, collection: &Value) -> Response {
    let headers = [
        (header::ETAG, etag(directory.version())),
        (header::CONTENT_TYPE, "application/geo+json".to_owned()),
    ];
    (headers, collection.to_string()).into_response()
}

/// Outlines of areas in the asker's area, as a GeoJSON FeatureCollection in WGS84; the property `code` is
/// the area's. Only for administrators; the map has its own address.
#[utoipa::path(get, path = "/api/v1/directory/outlines", tag = "directory",
    responses((status = 200, body = Object, content_type = "application/geo+json")))]
pub async fn read_outlines(
    State(app): State<App>,
    Administrator(officer): Administrator,
) -> Response {
    let directory = app.directory();
    as_geojson(&directory, &outlines(&directory, &officer.scope))
}

/// Replace the outlines of areas in the asker's area by these. Only for administrators.
#[utoipa::path(put, path = "/api/v1/directory/outlines", tag = "directory",
    params(WriteArgs, ("If-Match" = String, Header, description = "ETag of what was read, or `*`")),
    request_body(content = Object, description = "A GeoJSON FeatureCollection; each feature has the property `code`, and `datum` when it is GCJ-02"),
    responses(
        (status = 200, body = Changed),
        (status = 412, description = "`version-conflict`: the directory has changed; its version is in `version` and ETag", body = Problem, content_type = "application/problem+json"),
        (status = 428, description = "`version-needed`: `If-Match` is missing", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn replace_outlines(
    State(app): State<App>,
    Administrator(officer): Administrator,
    Peer(peer): Peer,
    Args(args): Args<WriteArgs>,
    if_match: IfMatch,
    _permit: Permit,
    Json(given): Json<Value>,
) -> Result<Response, Problem> {
    let (mut import, mut findings) = (Import::default(), Vec::new());
    import.contents.outlines = feature::from_value(given, &mut findings);
    import.tables.insert(Table::Outlines);
    let writing = Writing::new(&app, &officer, peer, if_match, &args);
    Ok(answer(writing.replace(import, findings).await?))
}

/// Risk areas in the asker's area, as a GeoJSON FeatureCollection in WGS84. Only for administrators; the map
/// has its own address.
#[utoipa::path(get, path = "/api/v1/directory/risk-areas", tag = "directory",
    responses((status = 200, body = Object, content_type = "application/geo+json")))]
pub async fn read_risk_areas(
    State(app): State<App>,
    Administrator(officer): Administrator,
) -> Response {
    let directory = app.directory();
    as_geojson(&directory, &risk_areas(&directory, &officer.scope))
}

/// Replace the risk areas in the asker's area by these. Only for administrators.
#[utoipa::path(put, path = "/api/v1/directory/risk-areas", tag = "directory",
    params(WriteArgs, ("If-Match" = String, Header, description = "ETag of what was read, or `*`")),
    request_body(content = Object, description = "A GeoJSON FeatureCollection; each feature has the properties `code`, `domain` (`fire`, `flood`, `chemical`, `structure`, `crowd` or `other`), `name` (`zh` and `en`), `area`, and `datum` when it is GCJ-02"),
    responses(
        (status = 200, body = Changed),
        (status = 412, description = "`version-conflict`: the directory has changed; its version is in `version` and ETag", body = Problem, content_type = "application/problem+json"),
        (status = 428, description = "`version-needed`: `If-Match` is missing", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn replace_risk_areas(
    State(app): State<App>,
    Administrator(officer): Administrator,
    Peer(peer): Peer,
    Args(args): Args<WriteArgs>,
    if_match: IfMatch,
    _permit: Permit,
    Json(given): Json<Value>,
) -> Result<Response, Problem> {
    let (mut import, mut findings) = (Import::default(), Vec::new());
    import.contents.risk_areas = risk::from_value(given, &mut findings);
    import.tables.insert(Table::RiskAreas);
    let writing = Writing::new(&app, &officer, peer, if_match, &args);
    Ok(answer(writing.replace(import, findings).await?))
}
