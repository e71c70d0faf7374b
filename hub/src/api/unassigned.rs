//! What belongs nowhere yet: sites that are in no grid, devices that their gateways do not know.

use std::collections::BTreeMap;

use axum::Json as Answer;
use axum::extract::State;
use gridwatch_protocol::{GatewayId, SiteId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::areas::{OnMap, Sum};
use super::extract::{Args, Officer};
use super::problem::Problem;
use crate::directory::Directory;

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
pub async fn list(
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
