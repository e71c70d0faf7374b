//! What the map and the list of unassigned places need: counts of open cases by place.

use std::collections::BTreeMap;

use gridwatch_protocol::{DeviceId, GatewayId};
use sqlx::Row;

use super::database::QueryBuilder;
use super::{Store, StoreResult, from_json, sql};
use crate::access::Scope;
use crate::cases::Case;
use crate::store::gateways::Liveness;

/// Open cases of this many devices' sites are looked through for one page of unknown devices.
const CASES_READ_MAX: i64 = 5_000;

/// Open cases of one place, drills left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenCases {
    /// How many.
    pub count: i64,
    /// The most urgent severity, 1 to 4.
    pub worst: i64,
}

/// Open cases by site and place in the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceCases {
    /// The site that the cases name.
    pub site: String,
    /// Where it is; empty when that is not known.
    pub area_path: String,
    /// Its open cases.
    pub open: OpenCases,
}

/// A device that its gateway does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownDevice {
    /// The gateway.
    pub gateway: GatewayId,
    /// The device.
    pub device: DeviceId,
    /// The gateway's site.
    pub site: String,
    /// How many open cases name it.
    pub open_cases: usize,
}

/// Grouped in the order of the index `cases_open_by_place`, which holds all that is read here.
pub(crate) fn places(scope: &Scope) -> QueryBuilder {
    let mut query = QueryBuilder::new(
        "SELECT c.site, c.area_path, COUNT(*), MIN(c.severity) FROM cases c WHERE c.is_open = 1 AND c.is_drill = 0",
    );
    scope.push_cases(&mut query, "c.");
    query.push(" GROUP BY c.area_path, c.site");
    query
}

impl Store {
    /// Open cases of what the caller sees, by site.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn open_cases_by_place(&self, scope: &Scope) -> StoreResult<Vec<PlaceCases>> {
        let found = places(scope).build().fetch_all(&self.readers).await;
        let found = found.map_err(sql("counting open cases by place"))?;
        let place = |row: &sqlx::any::AnyRow| PlaceCases {
            site: row.get(0),
            area_path: row.get(1),
            open: OpenCases {
                count: row.get(2),
                worst: row.get(3),
            },
        };
        Ok(found.iter().map(place).collect())
    }

    /// Whether the gateways of sites give signs of life: the worst of each site, revoked ones left out.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn gateways_by_site(
        &self,
        scope: &Scope,
    ) -> StoreResult<BTreeMap<String, Vec<(String, Liveness)>>> {
        let mut query = QueryBuilder::new(
            "SELECT g.site, g.id, t.state FROM gateways g LEFT JOIN gateway_status t ON t.gateway = g.id LEFT JOIN site_areas s ON s.site = g.site WHERE g.revoked_at IS NULL",
        );
        scope.push_path(&mut query, "COALESCE(s.area_path, '')");
        query.push(" ORDER BY g.site, g.id");
        let found = query.build().fetch_all(&self.readers).await;
        let found = found.map_err(sql("reading the gateways of sites"))?;
        let mut sites: BTreeMap<String, Vec<(String, Liveness)>> = BTreeMap::new();
        for row in found {
            let state = match row.get::<Option<&str>, _>(2) {
                None => Liveness::NeverSeen,
                Some("silent") => Liveness::Silent,
                Some(_) => Liveness::Online,
            };
            sites
                .entry(row.get(0))
                .or_default()
                .push((row.get(1), state));
        }
        Ok(sites)
    }

    /// Devices that their gateways do not know, by gateway and device, after this one; with how many open
    /// cases name each.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn unknown_devices(
        &self,
        scope: &Scope,
        after: Option<(&str, &str)>,
        limit: i64,
    ) -> StoreResult<Vec<UnknownDevice>> {
        let mut query = QueryBuilder::new(
            "SELECT d.gateway, d.device, g.site FROM gateway_devices d JOIN gateways g ON g.id = d.gateway LEFT JOIN site_areas s ON s.site = g.site WHERE d.known = 0 AND g.revoked_at IS NULL",
        );
        scope.push_path(&mut query, "COALESCE(s.area_path, '')");
        if let Some((gateway, device)) = after {
            query
                .push(" AND (d.gateway, d.device) > (")
                .push_bind(gateway);
            query.push(", ").push_bind(device).push(")");
        }
        query
            .push(" ORDER BY d.gateway, d.device LIMIT ")
            .push_bind(limit);
        let found = query.build().fetch_all(&self.readers).await;
        let found = found.map_err(sql("listing devices that nobody knows"))?;
        let mut devices = Vec::new();
        for row in &found {
            devices.push(UnknownDevice {
                gateway: super::intake::gateway_id(row.get(0))?,
                device: from_json("device id", &super::to_json(&row.get::<&str, _>(1)))?,
                site: row.get(2),
                open_cases: 0,
            });
        }
        self.count_cases_of(&mut devices, scope).await?;
        Ok(devices)
    }

    async fn count_cases_of(
        &self,
        devices: &mut [UnknownDevice],
        scope: &Scope,
    ) -> StoreResult<()> {
        if devices.is_empty() {
            return Ok(());
        }
        let mut query = QueryBuilder::new("SELECT c.body FROM cases c WHERE c.is_open = 1");
        scope.push_cases(&mut query, "c.");
        query.push(" AND c.site IN (");
        query.push_list(devices.iter().map(|device| device.site.as_str()));
        query
            .push(" ORDER BY c.id LIMIT ")
            .push_bind(CASES_READ_MAX);
        let found = query.build().fetch_all(&self.readers).await;
        for row in found.map_err(sql("reading open cases of unknown devices"))? {
            let case: Case = from_json("case", row.get(0))?;
            for one in devices.iter_mut() {
                let names = |named: &crate::cases::DeviceRef| {
                    named.gateway == one.gateway && named.device == one.device
                };
                one.open_cases += usize::from(case.devices.iter().any(names));
            }
        }
        Ok(())
    }
}
