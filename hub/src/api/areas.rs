//! Where things are: the map, the grid of a position, and whom to call there.

use std::collections::BTreeMap;

use axum::Json as Answer;
use axum::extract::State;
use gridwatch_protocol::{Severity, SiteId, Text};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::extract::{Args, Officer, Peer};
use super::problem::Problem;
use crate::access::Scope;
use crate::catalogue::Catalogue;
use crate::directory::import::rows_in_scope;
use crate::directory::outline::check_position;
use crate::directory::{
    Area, AreaStep, Contact, Datum, Directory, Domain, Hazard, PlaceKind, RiskArea, Site, gcj02,
};
use crate::store::accounts::{AccountChange, AuditRow};
use crate::store::gateways::Liveness;
use crate::store::map::{OpenCases, PlaceCases};
use crate::tiles::TileInfo;

/// A position.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AtArgs {
    /// Latitude, degrees.
    lat: f64,
    /// Longitude, degrees.
    lon: f64,
    /// `wgs84`, which is what it is when left out, or `gcj02`.
    datum: Option<Datum>,
}

/// The grid of a position.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct At {
    /// Code of the grid; null when the position is in no grid that the asker sees.
    pub grid: Option<String>,
    /// From the city down to the grid.
    pub area_path: Vec<AreaStep>,
    /// Latitude, WGS84.
    pub lat: f64,
    /// Longitude, WGS84.
    pub lon: f64,
}

/// The grid that a position is in: by the outlines of grids.
#[utoipa::path(get, path = "/api/v1/directory/at", tag = "areas", params(AtArgs),
    responses((status = 200, body = At)))]
pub async fn at(
    State(app): State<App>,
    officer: Officer,
    Args(args): Args<AtArgs>,
) -> Result<Answer<At>, Problem> {
    check_position(args.lat, args.lon).map_err(Problem::invalid)?;
    let (lat, lon) = match args.datum {
        Some(Datum::Gcj02) => gcj02::to_wgs84(args.lat, args.lon),
        _ => (args.lat, args.lon),
    };
    let directory = app.directory();
    let found = directory.grid_at(lat, lon);
    let seen = found.filter(|area| officer.scope.sees_path(&directory.area_path(&area.code)));
    Ok(Answer(At {
        grid: seen.map(|area| area.code.clone()),
        area_path: seen.map_or_else(Vec::new, |area| directory.steps(&area.code)),
        lat,
        lon,
    }))
}

/// What to show.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct MapArgs {
    /// Only this area and what is in it.
    area: Option<String>,
    /// `false` leaves the outlines out, for asking again for counts only.
    outlines: Option<bool>,
}

impl MapArgs {
    /// What of this the arguments leave.
    pub(super) fn within(&self, scope: &Scope, directory: &Directory) -> Scope {
        match &self.area {
            Some(area) => scope.and_area(area, directory),
            None => scope.clone(),
        }
    }
}

/// Open cases of a place on the map.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
pub struct OnMap {
    /// Open cases, drills left out.
    pub open_cases: i64,
    /// The most urgent of them; null when there is none.
    pub worst: Option<Severity>,
}

/// A grid on the map.
#[derive(Debug, Serialize, ToSchema)]
pub struct MapGrid {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: Text,
    /// Its outline as a GeoJSON geometry in WGS84; left out when it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub outline: Option<Value>,
    /// Its cases, those of its sites included.
    #[serde(flatten)]
    pub cases: OnMap,
}

/// A site on the map.
#[derive(Debug, Serialize, ToSchema)]
pub struct MapSite {
    /// Its id.
    pub id: SiteId,
    /// Its name.
    pub name: Text,
    /// Code of its grid.
    pub grid: String,
    /// Latitude, WGS84.
    pub lat: f64,
    /// Longitude, WGS84.
    pub lon: f64,
    /// The worst state of its gateways: `silent`, `never_seen`, `online`; null when it has none.
    pub gateway: Option<Liveness>,
    /// Its cases.
    #[serde(flatten)]
    pub cases: OnMap,
}

/// A hazard point on the map.
#[derive(Debug, Serialize, ToSchema)]
pub struct MapHazard {
    /// The hazard point.
    #[serde(flatten)]
    pub hazard: Hazard,
    /// What it threatens with: by the family of its category.
    pub domain: Domain,
}

/// A risk area on the map.
#[derive(Debug, Serialize, ToSchema)]
pub struct MapRiskArea {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: Text,
    /// What it threatens with.
    pub domain: Domain,
    /// Its outline as a GeoJSON geometry in WGS84; left out when outlines are.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub outline: Option<Value>,
}

/// The map.
#[derive(Debug, Serialize, ToSchema)]
pub struct Map {
    /// Version of the directory; outlines change with it only.
    pub version: i64,
    /// Grids, by code.
    pub grids: Vec<MapGrid>,
    /// Sites, by id.
    pub sites: Vec<MapSite>,
    /// Hazard points, by code.
    pub hazards: Vec<MapHazard>,
    /// Risk areas, by code.
    pub risk_areas: Vec<MapRiskArea>,
    /// What the local map of streets and houses has; null when there is none.
    pub tiles: Option<TileInfo>,
}

/// Open cases of several places.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Sum(Option<OpenCases>);

impl Sum {
    pub(super) fn add(&mut self, more: OpenCases) {
        let worst = self.0.map_or(more.worst, |sum| sum.worst.min(more.worst));
        let count = self.0.map_or(0, |sum| sum.count) + more.count;
        self.0 = Some(OpenCases { count, worst });
    }

    pub(super) fn view(self) -> OnMap {
        let all = [Severity::P1, Severity::P2, Severity::P3, Severity::P4];
        let worst = self.0.and_then(|sum| {
            let is_it = |severity: &Severity| i64::from(severity.alarm_priority()) == sum.worst;
            all.into_iter().find(is_it)
        });
        OnMap {
            open_cases: self.0.map_or(0, |sum| sum.count),
            worst,
        }
    }
}

/// Grids, sites, hazard points and risk areas that the asker sees, with their open cases.
#[utoipa::path(get, path = "/api/v1/map", tag = "areas", params(MapArgs),
    responses((status = 200, body = Map)))]
pub async fn map(
    State(app): State<App>,
    officer: Officer,
    Args(args): Args<MapArgs>,
) -> Result<Answer<Map>, Problem> {
    let directory = app.directory();
    let scope = args.within(&officer.scope, &directory);
    let places = app.store.open_cases_by_place(&scope).await?;
    let gateways = app.store.gateways_by_site(&scope).await?;
    let (by_site, by_grid) = sums(&places);
    let with_outlines = args.outlines.unwrap_or(true);
    let grids = (directory.areas().iter())
        .filter(|area| area.level == crate::directory::Level::Grid)
        .filter(|area| scope.sees_path(&directory.area_path(&area.code)))
        .map(|area| grid(area, &directory, &by_grid, with_outlines));
    let site = |row: Site| MapSite {
        gateway: gateways
            .get(row.id.as_str())
            .and_then(|of_site| worst_state(of_site)),
        cases: by_site
            .get(row.id.as_str())
            .copied()
            .unwrap_or_default()
            .view(),
        id: row.id,
        name: row.name,
        grid: row.grid,
        lat: row.lat,
        lon: row.lon,
    };
    Ok(Answer(Map {
        version: directory.version(),
        grids: grids.collect(),
        sites: rows_in_scope(&directory, &scope)
            .into_iter()
            .map(site)
            .collect(),
        hazards: rows_in_scope(&directory, &scope)
            .into_iter()
            .map(|row| hazard(row, &app.catalogue))
            .collect(),
        risk_areas: rows_in_scope(&directory, &scope)
            .into_iter()
            .map(|row| risk_area(row, with_outlines))
            .collect(),
        tiles: app.tiles.as_ref().map(|tiles| tiles.info.clone()),
    }))
}

fn sums(places: &[PlaceCases]) -> (BTreeMap<&str, Sum>, BTreeMap<&str, Sum>) {
    let (mut by_site, mut by_grid) = (BTreeMap::new(), BTreeMap::new());
    for place in places {
        let narrowest = place.area_path.trim_end_matches('/').rsplit('/').next();
        let site: &mut Sum = by_site.entry(place.site.as_str()).or_default();
        site.add(place.open);
        let grid: &mut Sum = by_grid.entry(narrowest.unwrap_or_default()).or_default();
        grid.add(place.open);
    }
    (by_site, by_grid)
}

fn grid(
    area: &Area,
    directory: &Directory,
    by_grid: &BTreeMap<&str, Sum>,
    with_outline: bool,
) -> MapGrid {
    let outline = directory.outline(&area.code).filter(|_| with_outline);
    MapGrid {
        outline: outline.map(|row| row.outline.to_geojson()),
        cases: by_grid
            .get(area.code.as_str())
            .copied()
            .unwrap_or_default()
            .view(),
        code: area.code.clone(),
        name: area.name.clone(),
    }
}

fn hazard(row: Hazard, catalogue: &Catalogue) -> MapHazard {
    let category = catalogue.get(&row.category);
    let family = category.and_then(|category| category.family.as_deref());
    MapHazard {
        domain: Domain::of_family(family),
        hazard: row,
    }
}

fn risk_area(row: RiskArea, with_outline: bool) -> MapRiskArea {
    MapRiskArea {
        outline: with_outline.then(|| row.outline.to_geojson()),
        code: row.code,
        name: row.name,
        domain: row.domain,
    }
}

fn worst_state(gateways: &[(String, Liveness)]) -> Option<Liveness> {
    let has = |state: Liveness| gateways.iter().any(|(_, found)| *found == state);
    [Liveness::Silent, Liveness::NeverSeen, Liveness::Online]
        .into_iter()
        .find(|state| has(*state))
}

/// Which place.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ContactArgs {
    /// `site` or `hazard`.
    place_kind: PlaceKind,
    /// Id of the site or code of the hazard point.
    place: String,
}

/// Whom to call.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ContactList {
    /// In the order in which to call.
    pub items: Vec<Contact>,
}

/// Whom to call about a site or hazard point. Every look is a line of the audit.
#[utoipa::path(get, path = "/api/v1/contacts", tag = "areas", params(ContactArgs),
    responses((status = 200, body = ContactList)))]
pub async fn contacts(
    State(app): State<App>,
    officer: Officer,
    Peer(peer): Peer,
    Args(args): Args<ContactArgs>,
) -> Result<Answer<ContactList>, Problem> {
    let directory = app.directory();
    let seen: Vec<Contact> = rows_in_scope(&directory, &officer.scope);
    let of_place =
        |contact: &Contact| contact.place_kind == args.place_kind && contact.place == args.place;
    let items: Vec<Contact> = seen.into_iter().filter(of_place).collect();
    if !items.is_empty() {
        let row = AuditRow {
            at: crate::now(),
            actor: officer.actor.username.clone(),
            action: "contacts_seen".to_owned(),
            subject: format!("{}:{}", args.place_kind.as_str(), args.place),
            address: peer.ip().to_string(),
        };
        app.engine.account(AccountChange::Audit(row)).await?;
    }
    Ok(Answer(ContactList { items }))
}
