//! Where things are: the map, the grid of a position, whom to call there, and what is in no grid yet.

use std::collections::BTreeMap;

use axum::Json as Answer;
use axum::extract::State;
use gridwatch_protocol::{GatewayId, Severity, SiteId, Text};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::extract::{Args, Officer, Peer};
use super::problem::Problem;
use crate::directory::import::rows_in_scope;
use crate::directory::outline::check_position;
use crate::directory::{Area, AreaStep, Contact, Datum, Directory, Hazard, PlaceKind, Site, gcj02};
use crate::store::accounts::{AccountChange, AuditRow};
use crate::store::gateways::Liveness;
use crate::store::map::{OpenCases, PlaceCases};

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
    pub hazards: Vec<Hazard>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Sum(Option<OpenCases>);

impl Sum {
    fn add(&mut self, more: OpenCases) {
        let worst = self.0.map_or(more.worst, |sum| sum.worst.min(more.worst));
        let count = self.0.map_or(0, |sum| sum.count) + more.count;
        self.0 = Some(OpenCases { count, worst });
    }

    fn view(self) -> OnMap {
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

/// Grids, sites and hazard points that the asker sees, with their open cases.
#[utoipa::path(get, path = "/api/v1/map", tag = "areas", params(MapArgs),
    responses((status = 200, body = Map)))]
pub async fn map(
    State(app): State<App>,
    officer: Officer,
    Args(args): Args<MapArgs>,
) -> Result<Answer<Map>, Problem> {
    let directory = app.directory();
    let scope = match &args.area {
        Some(area) => officer.scope.and_area(area, &directory),
        None => officer.scope,
    };
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
        hazards: rows_in_scope(&directory, &scope),
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

/// Rows on a page at most.
const LIMIT_MAX: u32 = 200;

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct UnassignedArgs {
    /// `next` of the page before: more devices.
    after: Option<String>,
    /// Devices on the page: 1 to 200, 50 when left out.
    limit: Option<u32>,
}

/// A site that is in no grid.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct UnassignedSite {
    /// Its id, as alerts and gateways name it.
    pub id: String,
    /// Gateways that were added for it.
    pub gateways: Vec<String>,
    /// Its cases.
    #[serde(flatten)]
    pub cases: OnMap,
}

/// A device that its gateway does not know.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct UnassignedDevice {
    /// The gateway.
    pub gateway: GatewayId,
    /// The device.
    pub device: gridwatch_protocol::DeviceId,
    /// The gateway's site.
    pub site: String,
    /// Code of the site's grid; null when the site is in none.
    pub grid: Option<String>,
    /// How many open cases name the device.
    pub open_cases: usize,
}

/// What belongs nowhere yet.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Unassigned {
    /// Sites that are in no grid, each with open cases or a gateway. Seen by those who see the whole
    /// tree. `PUT /api/v1/directory/sites/{id}` puts one into a grid; its cases follow at once.
    pub sites: Vec<UnassignedSite>,
    /// Devices that their gateways' configurations do not name. They count for the gateway's site; the
    /// gateway's configuration gives them a name.
    pub devices: Vec<UnassignedDevice>,
    /// For the next page of devices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Sites that are in no grid, and devices that their gateways do not know.
#[utoipa::path(get, path = "/api/v1/directory/unassigned", tag = "areas", params(UnassignedArgs),
    responses((status = 200, body = Unassigned)))]
pub async fn unassigned(
    State(app): State<App>,
    officer: Officer,
    Args(args): Args<UnassignedArgs>,
) -> Result<Answer<Unassigned>, Problem> {
    let limit = args.limit.unwrap_or(50);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Problem::invalid(format!(
            "`limit` must be between 1 and {LIMIT_MAX}"
        )));
    }
    let after = match args.after.as_deref().map(|after| after.split_once('/')) {
        Some(None) => return Err(Problem::invalid("`after` is not the `next` of a page")),
        Some(after) => after,
        None => None,
    };
    let (directory, scope) = (app.directory(), &officer.scope);
    let mut found = app
        .store
        .unknown_devices(scope, after, i64::from(limit) + 1)
        .await?;
    let is_more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = found
        .last()
        .filter(|_| is_more)
        .map(|last| format!("{}/{}", last.gateway, last.device));
    let devices = found.into_iter().map(|device| {
        let site = SiteId::new(device.site.as_str()).ok();
        let site = site.and_then(|id| directory.site(&id));
        UnassignedDevice {
            grid: site.map(|site| site.grid.clone()),
            gateway: device.gateway,
            device: device.device,
            site: device.site,
            open_cases: device.open_cases,
        }
    });
    Ok(Answer(Unassigned {
        devices: devices.collect(),
        sites: unknown_sites(&app, &officer, &directory).await?,
        next,
    }))
}

async fn unknown_sites(
    app: &App,
    officer: &Officer,
    directory: &Directory,
) -> Result<Vec<UnassignedSite>, Problem> {
    let mut sites: BTreeMap<String, (Sum, Vec<String>)> = BTreeMap::new();
    for place in app.store.open_cases_by_place(&officer.scope).await? {
        if place.area_path.is_empty() {
            sites.entry(place.site).or_default().0.add(place.open);
        }
    }
    for (site, gateways) in app.store.gateways_by_site(&officer.scope).await? {
        let known = SiteId::new(site.as_str()).is_ok_and(|id| directory.site(&id).is_some());
        if !known {
            let of_site = gateways.into_iter().map(|(id, _)| id);
            sites.entry(site).or_default().1.extend(of_site);
        }
    }
    let view = |(id, (sum, gateways)): (String, (Sum, Vec<String>))| UnassignedSite {
        id,
        gateways,
        cases: sum.view(),
    };
    Ok(sites.into_iter().map(view).collect())
}
