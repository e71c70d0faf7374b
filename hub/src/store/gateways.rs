//! Gateways: keys, newest heartbeat, devices, sequence numbers.

mod pages;
mod write;

use gridwatch_protocol::{Fault, GatewayId, Heartbeat, SiteId, Timestamp};
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::any::AnyRow;

pub use pages::{GatewayDetails, GatewayFilter};
pub(crate) use write::*;

use super::database::{QueryBuilder, query};
use super::intake::gateway_id;
use super::{Store, StoreResult, Writer, commit, from_json, sql, time, to_json};
use crate::access::Scope;

/// A gateway as it was added.
#[derive(Debug, Clone)]
pub struct GatewayRow {
    /// Its id.
    pub id: GatewayId,
    /// The site it was added for.
    pub site: SiteId,
    /// SHA-256 of its key, as hexadecimal text.
    pub key_hash: String,
    /// When it was added.
    pub added_at: Timestamp,
    /// When its key was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
}

/// Whether a gateway gives signs of life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Liveness {
    /// Heard within its time.
    Online,
    /// Not heard for too long.
    Silent,
    /// Added, never heard.
    NeverSeen,
}

impl Liveness {
    /// The name in the store and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Silent => "silent",
            Self::NeverSeen => "never_seen",
        }
    }
}

/// A fault that the hub itself sees, with when it was last seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HubFault {
    /// As shown.
    pub fault: Fault,
    /// When there was evidence of it last.
    pub last_at: Timestamp,
}

/// What the store holds of a gateway's newest heartbeat.
#[derive(Debug, Clone, PartialEq)]
pub struct StatusRow {
    /// Whether it is silent.
    pub state: Liveness,
    /// When the newest heartbeat arrived, by the hub's clock.
    pub last_heartbeat_at: Option<Timestamp>,
    /// The newest heartbeat; its `devices` are kept elsewhere.
    pub heartbeat: Option<Heartbeat>,
    /// The highest start of the agent seen on the present stream.
    pub boot_epoch: u64,
    /// Id of the alert that says it is silent.
    pub offline_alert: Option<String>,
    /// What the hub sees wrong with it.
    pub hub_faults: Vec<HubFault>,
}

/// How many devices a gateway has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeviceCounts {
    /// All of them.
    pub total: u64,
    /// Silent ones.
    pub silent: u64,
    /// Ones that its configuration does not name.
    pub unknown: u64,
}

const STATUS: &str = "SELECT state, last_heartbeat_at, boot_epoch, offline_alert, body, hub_faults FROM gateway_status WHERE gateway = $1";

/// Gateways with their place; a gateway of an unknown site has none. Virtual ones of foreign systems have no
/// signs of life to be shown.
const SEEN: &str = "SELECT g.id, g.site, g.key_hash, g.added_at, g.revoked_at FROM gateways g LEFT JOIN site_areas s ON s.site = g.site WHERE g.kind = 'agent'";

impl Store {
    /// The gateway whose key has this hash, revoked or not.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn gateway_by_key(&self, key_hash: &str) -> StoreResult<Option<GatewayRow>> {
        let row = query(
            "SELECT id, site, key_hash, added_at, revoked_at FROM gateways WHERE key_hash = $1",
        )
        .bind(key_hash)
        .fetch_optional(&self.readers)
        .await
        .map_err(sql("finding a gateway by its key"))?;
        row.as_ref().map(gateway_row).transpose()
    }

    /// Every gateway that is seen, by id.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn gateways(&self, scope: &Scope) -> StoreResult<Vec<GatewayRow>> {
        let mut query = QueryBuilder::new(SEEN);
        scope.push_path(&mut query, "s.area_path");
        query.push(" ORDER BY g.id");
        let rows = query
            .build()
            .fetch_all(&self.readers)
            .await
            .map_err(sql("listing gateways"))?;
        rows.iter().map(gateway_row).collect()
    }

    /// One gateway, if it is seen.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn gateway(&self, id: &str, scope: &Scope) -> StoreResult<Option<GatewayRow>> {
        let mut query = QueryBuilder::new(SEEN);
        scope.push_path(&mut query, "s.area_path");
        query.push(" AND g.id = ").push_bind(id);
        let row = query
            .build()
            .fetch_optional(&self.readers)
            .await
            .map_err(sql("finding a gateway"))?;
        row.as_ref().map(gateway_row).transpose()
    }

    /// The newest heartbeat of a gateway.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn gateway_status(&self, id: &GatewayId) -> StoreResult<Option<StatusRow>> {
        let row = query(STATUS)
            .bind(id.as_str())
            .fetch_optional(&self.readers)
            .await
            .map_err(sql("reading a gateway's status"))?;
        row.as_ref().map(status_row).transpose()
    }
}

impl Writer {
    /// Adds a gateway with the hash of its key.
    ///
    /// # Errors
    /// When it exists already (a unique index decides) or the store does not answer.
    pub async fn add_gateway(&mut self, row: &GatewayRow) -> StoreResult<()> {
        let mut transaction = self.begin().await?;
        query("INSERT INTO gateways (id, site, key_hash, added_at) VALUES ($1, $2, $3, $4)")
            .bind(row.id.as_str())
            .bind(row.site.as_str())
            .bind(&row.key_hash)
            .bind(row.added_at.unix_ms())
            .execute(&mut *transaction)
            .await
            .map_err(sql("adding a gateway"))?;
        commit(transaction).await
    }

    /// Takes away a gateway's key; false when there is no such gateway with a key.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn revoke_gateway(&mut self, id: &GatewayId, now: Timestamp) -> StoreResult<bool> {
        let mut transaction = self.begin().await?;
        let done =
            query("UPDATE gateways SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL")
                .bind(id.as_str())
                .bind(now.unix_ms())
                .execute(&mut *transaction)
                .await
                .map_err(sql("revoking a gateway's key"))?;
        commit(transaction).await?;
        Ok(done > 0)
    }
}

fn gateway_row(row: &AnyRow) -> StoreResult<GatewayRow> {
    Ok(GatewayRow {
        id: gateway_id(row.get(0))?,
        site: from_json("site id", &to_json(&row.get::<&str, _>(1)))?,
        key_hash: row.get(2),
        added_at: time(row.get(3)),
        revoked_at: row.get::<Option<i64>, _>(4).map(time),
    })
}

fn status_row(row: &AnyRow) -> StoreResult<StatusRow> {
    Ok(StatusRow {
        state: if row.get::<&str, _>(0) == "silent" {
            Liveness::Silent
        } else {
            Liveness::Online
        },
        last_heartbeat_at: row.get::<Option<i64>, _>(1).map(time),
        boot_epoch: row.get::<i64, _>(2).unsigned_abs(),
        offline_alert: row.get(3),
        heartbeat: from_json("heartbeat", row.get(4))?,
        hub_faults: from_json("list of faults", row.get(5))?,
    })
}
