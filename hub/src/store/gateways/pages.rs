//! Gateways in pages: a few statements for a whole page, however many gateways a city has.

use std::collections::BTreeMap;

use gridwatch_protocol::{DeviceStatus, GatewayId, SiteId, Timestamp};
use sqlx::Row;
use sqlx::any::AnyRow;

use super::{DeviceCounts, GatewayRow, Liveness, SEEN, StatusRow, Store, gateway_row, status_row};
use crate::access::Scope;
use crate::sequence::Received;
use crate::store::database::QueryBuilder;
use crate::store::intake::gateway_id;
use crate::store::{StoreResult, from_json, sql, time};

/// Which gateways.
#[derive(Debug, Clone, Default)]
pub struct GatewayFilter {
    /// Only in this state.
    pub state: Option<Liveness>,
    /// Only of this site.
    pub site: Option<SiteId>,
    /// Only what follows this id.
    pub after: Option<String>,
    /// At most this many.
    pub limit: i64,
}

/// A gateway with all that lists tell of it.
#[derive(Debug, Clone)]
pub struct GatewayDetails {
    /// As it was added.
    pub row: GatewayRow,
    /// Its newest heartbeat, if one came.
    pub status: Option<StatusRow>,
    /// How many devices it has.
    pub devices: DeviceCounts,
    /// How many of its messages were refused for good, of those that are kept, and when the last one came.
    pub refused: (u64, Option<Timestamp>),
    /// What has arrived of its present outbox.
    pub received: Received,
}

impl Store {
    /// A page of the gateways that are seen, by id.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn list_gateways(
        &self,
        filter: &GatewayFilter,
        scope: &Scope,
    ) -> StoreResult<Vec<GatewayRow>> {
        let mut query = QueryBuilder::new(SEEN);
        scope.push_path(&mut query, "s.area_path");
        if let Some(site) = &filter.site {
            query.push(" AND g.site = ").push_bind(site.as_str());
        }
        match filter.state {
            None => {}
            Some(Liveness::NeverSeen) => {
                query.push(
                    " AND NOT EXISTS (SELECT 1 FROM gateway_status t WHERE t.gateway = g.id)",
                );
            }
            Some(state) => {
                query.push(" AND EXISTS (SELECT 1 FROM gateway_status t WHERE t.gateway = g.id AND t.state = ");
                query.push_bind(state.as_str()).push(")");
            }
        }
        if let Some(after) = &filter.after {
            query.push(" AND g.id > ").push_bind(after);
        }
        query.push(" ORDER BY g.id LIMIT ").push_bind(filter.limit);
        let rows = query
            .build()
            .fetch_all(&self.readers)
            .await
            .map_err(sql("listing gateways"))?;
        rows.iter().map(gateway_row).collect()
    }

    /// All that lists tell of these gateways, in their order: four statements, however many there are.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn gateway_details(&self, rows: Vec<GatewayRow>) -> StoreResult<Vec<GatewayDetails>> {
        let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        let mut statuses = self.statuses(&ids).await?;
        let devices = self.counts_of_devices(&ids).await?;
        let refused = self.counts_of_refused(&ids).await?;
        let mut received = self.ranges(&ids).await?;
        let detail = |row: GatewayRow| {
            let status: Option<StatusRow> = statuses.remove(&row.id);
            let stream = status.as_ref().and_then(|status| status.heartbeat.as_ref());
            let arrived = stream
                .and_then(|heartbeat| {
                    received.remove(&(row.id.clone(), heartbeat.stream.to_string()))
                })
                .unwrap_or_default();
            GatewayDetails {
                devices: devices.get(&row.id).copied().unwrap_or_default(),
                refused: refused.get(&row.id).copied().unwrap_or_default(),
                received: Received::from_ranges(arrived),
                status,
                row,
            }
        };
        Ok(rows.into_iter().map(detail).collect())
    }

    async fn of_gateways(
        &self,
        head: &'static str,
        ids: &[&str],
        tail: &'static str,
    ) -> StoreResult<Vec<AnyRow>> {
        let mut query = QueryBuilder::new(head);
        query.push_list(ids.iter().copied()).push(tail);
        query
            .build()
            .fetch_all(&self.readers)
            .await
            .map_err(sql("reading gateways"))
    }

    async fn statuses(&self, ids: &[&str]) -> StoreResult<BTreeMap<GatewayId, StatusRow>> {
        let head = "SELECT state, last_heartbeat_at, boot_epoch, offline_alert, body, hub_faults, gateway FROM gateway_status WHERE gateway IN (";
        let rows = self.of_gateways(head, ids, "").await?;
        rows.iter()
            .map(|row| Ok((gateway_id(row.get(6))?, status_row(row)?)))
            .collect()
    }

    async fn counts_of_devices(
        &self,
        ids: &[&str],
    ) -> StoreResult<BTreeMap<GatewayId, DeviceCounts>> {
        let head = "SELECT gateway, COUNT(*), COUNT(CASE WHEN state = 'silent' THEN 1 END), COUNT(CASE WHEN known = 0 THEN 1 END) FROM gateway_devices WHERE gateway IN (";
        let rows = self.of_gateways(head, ids, " GROUP BY gateway").await?;
        let count = |row: &AnyRow, i: usize| row.get::<i64, _>(i).unsigned_abs();
        let counts = |row: &AnyRow| DeviceCounts {
            total: count(row, 1),
            silent: count(row, 2),
            unknown: count(row, 3),
        };
        rows.iter()
            .map(|row| Ok((gateway_id(row.get(0))?, counts(row))))
            .collect()
    }

    async fn counts_of_refused(
        &self,
        ids: &[&str],
    ) -> StoreResult<BTreeMap<GatewayId, (u64, Option<Timestamp>)>> {
        let head =
            "SELECT gateway, COUNT(*), MAX(arrived_at) FROM refused_messages WHERE gateway IN (";
        let rows = self.of_gateways(head, ids, " GROUP BY gateway").await?;
        rows.iter()
            .map(|row| {
                let count = row.get::<i64, _>(1).unsigned_abs();
                let last = row.get::<Option<i64>, _>(2).map(time);
                Ok((gateway_id(row.get(0))?, (count, last)))
            })
            .collect()
    }

    /// Ranges of sequence numbers by gateway and stream.
    async fn ranges(
        &self,
        ids: &[&str],
    ) -> StoreResult<BTreeMap<(GatewayId, String), Vec<(u64, u64)>>> {
        let head =
            "SELECT gateway, stream, first_no, last_no FROM sequence_ranges WHERE gateway IN (";
        let rows = self.of_gateways(head, ids, "").await?;
        let mut ranges: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for row in &rows {
            let number = |i: usize| row.get::<i64, _>(i).unsigned_abs();
            let key = (gateway_id(row.get(0))?, row.get::<String, _>(1));
            ranges.entry(key).or_default().push((number(2), number(3)));
        }
        Ok(ranges)
    }

    /// A page of the devices of a gateway, by id.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn devices(
        &self,
        id: &GatewayId,
        after: Option<&str>,
        limit: i64,
    ) -> StoreResult<Vec<DeviceStatus>> {
        let mut query = QueryBuilder::new("SELECT body FROM gateway_devices WHERE gateway = ");
        query.push_bind(id.as_str());
        if let Some(after) = after {
            query.push(" AND device > ").push_bind(after);
        }
        query.push(" ORDER BY device LIMIT ").push_bind(limit);
        let rows = query
            .build()
            .fetch_all(&self.readers)
            .await
            .map_err(sql("listing a gateway's devices"))?;
        rows.iter()
            .map(|row| from_json("device", row.get(0)))
            .collect()
    }

    /// The first gateway with a key of each of these sites.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn first_gateways(&self, sites: &[&str]) -> StoreResult<BTreeMap<String, GatewayId>> {
        let head = "SELECT site, MIN(id) FROM gateways WHERE revoked_at IS NULL AND site IN (";
        let rows = self.of_gateways(head, sites, " GROUP BY site").await?;
        rows.iter()
            .map(|row| Ok((row.get(0), gateway_id(row.get(1))?)))
            .collect()
    }
}
