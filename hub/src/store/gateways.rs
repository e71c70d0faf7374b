//! Gateways: keys, newest heartbeat, devices, sequence numbers.

use gridwatch_protocol::{DeviceStatus, Fault, GatewayId, Heartbeat, SiteId, StreamId, Timestamp};
use serde::{Deserialize, Serialize};
use sqlx::{Row, SqliteConnection};

use super::intake::gateway_id;
use super::{Store, StoreResult, Writer, from_json, sql, time, to_json};
use crate::sequence::Received;

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

/// At most this many refused messages are kept of a gateway.
const REFUSED_MAX: i64 = 200;

/// A message that will never be accepted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refused<'a> {
    /// Its sequence number; 0 when it has none.
    pub(crate) sequence: u64,
    /// What is wrong with it.
    pub(crate) reason: &'a str,
    /// The beginning of its text.
    pub(crate) body: &'a str,
}

const STATUS: &str = "SELECT state, last_heartbeat_at, boot_epoch, offline_alert, body, hub_faults FROM gateway_status WHERE gateway = ?1";

impl Store {
    /// The gateway whose key has this hash, revoked or not.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn gateway_by_key(&self, key_hash: &str) -> StoreResult<Option<GatewayRow>> {
        let row = sqlx::query(
            "SELECT id, site, key_hash, added_at, revoked_at FROM gateways WHERE key_hash = ?1",
        )
        .bind(key_hash)
        .fetch_optional(&self.readers)
        .await
        .map_err(sql("finding a gateway by its key"))?;
        row.as_ref().map(gateway_row).transpose()
    }

    /// Every gateway, by id.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn gateways(&self) -> StoreResult<Vec<GatewayRow>> {
        let rows = sqlx::query(
            "SELECT id, site, key_hash, added_at, revoked_at FROM gateways ORDER BY id",
        )
        .fetch_all(&self.readers)
        .await
        .map_err(sql("listing gateways"))?;
        rows.iter().map(gateway_row).collect()
    }

    /// One gateway.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn gateway(&self, id: &str) -> StoreResult<Option<GatewayRow>> {
        let row = sqlx::query(
            "SELECT id, site, key_hash, added_at, revoked_at FROM gateways WHERE id = ?1",
        )
        .bind(id)
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
        let row = sqlx::query(STATUS)
            .bind(id.as_str())
            .fetch_optional(&self.readers)
            .await
            .map_err(sql("reading a gateway's status"))?;
        row.as_ref().map(status_row).transpose()
    }

    /// How many devices a gateway has.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn device_counts(&self, id: &GatewayId) -> StoreResult<DeviceCounts> {
        let row = sqlx::query("SELECT COUNT(*), COUNT(CASE WHEN state = 'silent' THEN 1 END), COUNT(CASE WHEN known = 0 THEN 1 END) FROM gateway_devices WHERE gateway = ?1")
            .bind(id.as_str())
            .fetch_one(&self.readers)
            .await
            .map_err(sql("counting a gateway's devices"))?;
        let count = |i: usize| row.get::<i64, _>(i).unsigned_abs();
        Ok(DeviceCounts {
            total: count(0),
            silent: count(1),
            unknown: count(2),
        })
    }

    /// The devices of a gateway, by id.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn devices(&self, id: &GatewayId) -> StoreResult<Vec<DeviceStatus>> {
        let rows =
            sqlx::query("SELECT body FROM gateway_devices WHERE gateway = ?1 ORDER BY device")
                .bind(id.as_str())
                .fetch_all(&self.readers)
                .await
                .map_err(sql("listing a gateway's devices"))?;
        rows.iter()
            .map(|row| from_json("device", row.get(0)))
            .collect()
    }

    /// How many messages of a gateway were refused for good, of those that are kept.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn refused_count(&self, id: &GatewayId) -> StoreResult<(u64, Option<Timestamp>)> {
        let row = sqlx::query(
            "SELECT COUNT(*), MAX(arrived_at) FROM refused_messages WHERE gateway = ?1",
        )
        .bind(id.as_str())
        .fetch_one(&self.readers)
        .await
        .map_err(sql("counting refused messages"))?;
        Ok((
            row.get::<i64, _>(0).unsigned_abs(),
            row.get::<Option<i64>, _>(1).map(time),
        ))
    }

    /// What has arrived of an outbox.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn received(&self, gateway: &GatewayId, stream: &StreamId) -> StoreResult<Received> {
        let mut connection = self
            .readers
            .acquire()
            .await
            .map_err(sql("taking a connection"))?;
        load_received(&mut connection, gateway, stream).await
    }
}

impl Writer {
    /// Adds a gateway with the hash of its key.
    ///
    /// # Errors
    /// When it exists already (a unique index decides) or the store does not answer.
    pub async fn add_gateway(&mut self, row: &GatewayRow) -> StoreResult<()> {
        sqlx::query("INSERT INTO gateways (id, site, key_hash, added_at) VALUES (?1, ?2, ?3, ?4)")
            .bind(row.id.as_str())
            .bind(row.site.as_str())
            .bind(&row.key_hash)
            .bind(row.added_at.unix_ms())
            .execute(&mut self.connection)
            .await
            .map(|_| ())
            .map_err(sql("adding a gateway"))
    }

    /// Takes away a gateway's key; false when there is no such gateway with a key.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn revoke_gateway(&mut self, id: &GatewayId, now: Timestamp) -> StoreResult<bool> {
        sqlx::query("UPDATE gateways SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL")
            .bind(id.as_str())
            .bind(now.unix_ms())
            .execute(&mut self.connection)
            .await
            .map(|done| done.rows_affected() > 0)
            .map_err(sql("revoking a gateway's key"))
    }
}

fn gateway_row(row: &sqlx::sqlite::SqliteRow) -> StoreResult<GatewayRow> {
    Ok(GatewayRow {
        id: gateway_id(row.get(0))?,
        site: from_json("site id", &to_json(&row.get::<&str, _>(1)))?,
        key_hash: row.get(2),
        added_at: time(row.get(3)),
        revoked_at: row.get::<Option<i64>, _>(4).map(time),
    })
}

fn status_row(row: &sqlx::sqlite::SqliteRow) -> StoreResult<StatusRow> {
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

pub(crate) async fn load_status(
    connection: &mut SqliteConnection,
    id: &GatewayId,
) -> StoreResult<Option<StatusRow>> {
    let row = sqlx::query(STATUS)
        .bind(id.as_str())
        .fetch_optional(connection)
        .await
        .map_err(sql("reading a gateway's status"))?;
    row.as_ref().map(status_row).transpose()
}

pub(crate) async fn write_status(
    connection: &mut SqliteConnection,
    id: &GatewayId,
    status: &StatusRow,
) -> StoreResult<()> {
    let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    let state = if status.state == Liveness::Silent {
        "silent"
    } else {
        "online"
    };
    let heartbeat = status.heartbeat.as_ref();
    sqlx::query("INSERT INTO gateway_status (gateway, state, last_heartbeat_at, stream, boot_epoch, number, offline_alert, body, hub_faults) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (gateway) DO UPDATE SET state = excluded.state, last_heartbeat_at = excluded.last_heartbeat_at, stream = excluded.stream, boot_epoch = excluded.boot_epoch, number = excluded.number, offline_alert = excluded.offline_alert, body = excluded.body, hub_faults = excluded.hub_faults")
        .bind(id.as_str())
        .bind(state)
        .bind(status.last_heartbeat_at.map(Timestamp::unix_ms))
        .bind(heartbeat.map(|h| h.stream.to_string()))
        .bind(number(status.boot_epoch))
        .bind(heartbeat.map_or(0, |h| number(h.number)))
        .bind(&status.offline_alert)
        .bind(to_json(&heartbeat))
        .bind(to_json(&status.hub_faults))
        .execute(connection)
        .await
        .map(|_| ())
        .map_err(sql("storing a gateway's status"))
}

pub(crate) async fn write_device(
    connection: &mut SqliteConnection,
    gateway: &GatewayId,
    device: &DeviceStatus,
) -> StoreResult<()> {
    let state = to_json(&device.state);
    sqlx::query("INSERT INTO gateway_devices (gateway, device, known, state, body) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (gateway, device) DO UPDATE SET known = excluded.known, state = excluded.state, body = excluded.body")
        .bind(gateway.as_str())
        .bind(device.device.as_str())
        .bind(device.known)
        .bind(state.trim_matches('"'))
        .bind(to_json(device))
        .execute(connection)
        .await
        .map(|_| ())
        .map_err(sql("storing a device's status"))
}

/// Gateways that are online in the store and have not been heard since `before`.
pub(crate) async fn unheard_since(
    connection: &mut SqliteConnection,
    before: Timestamp,
    limit: i64,
) -> StoreResult<Vec<GatewayId>> {
    let rows = sqlx::query("SELECT s.gateway FROM gateway_status s JOIN gateways g ON g.id = s.gateway WHERE s.state = 'online' AND g.revoked_at IS NULL AND s.last_heartbeat_at < ?1 ORDER BY s.last_heartbeat_at LIMIT ?2")
        .bind(before.unix_ms())
        .bind(limit)
        .fetch_all(connection)
        .await
        .map_err(sql("finding silent gateways"))?;
    rows.iter().map(|row| gateway_id(row.get(0))).collect()
}

pub(crate) async fn load_received(
    connection: &mut SqliteConnection,
    gateway: &GatewayId,
    stream: &StreamId,
) -> StoreResult<Received> {
    let rows = sqlx::query(
        "SELECT first_no, last_no FROM sequence_ranges WHERE gateway = ?1 AND stream = ?2",
    )
    .bind(gateway.as_str())
    .bind(stream.to_string())
    .fetch_all(connection)
    .await
    .map_err(sql("reading sequence numbers"))?;
    let number = |row: &sqlx::sqlite::SqliteRow, i: usize| row.get::<i64, _>(i).unsigned_abs();
    Ok(Received::from_ranges(
        rows.iter().map(|row| (number(row, 0), number(row, 1))),
    ))
}

/// Stores what has arrived; only the ranges that differ are written.
pub(crate) async fn write_received(
    connection: &mut SqliteConnection,
    gateway: &GatewayId,
    stream: &StreamId,
    before: &Received,
    after: &Received,
) -> StoreResult<()> {
    let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    let stream = stream.to_string();
    let old: std::collections::BTreeMap<u64, u64> = before.ranges().collect();
    let new: std::collections::BTreeMap<u64, u64> = after.ranges().collect();
    for first in old.keys().filter(|first| !new.contains_key(first)) {
        sqlx::query(
            "DELETE FROM sequence_ranges WHERE gateway = ?1 AND stream = ?2 AND first_no = ?3",
        )
        .bind(gateway.as_str())
        .bind(&stream)
        .bind(number(*first))
        .execute(&mut *connection)
        .await
        .map_err(sql("storing sequence numbers"))?;
    }
    for (first, last) in new
        .iter()
        .filter(|(first, last)| old.get(first) != Some(last))
    {
        sqlx::query("INSERT INTO sequence_ranges (gateway, stream, first_no, last_no) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (gateway, stream, first_no) DO UPDATE SET last_no = excluded.last_no")
            .bind(gateway.as_str())
            .bind(&stream)
            .bind(number(*first))
            .bind(number(*last))
            .execute(&mut *connection)
            .await
            .map_err(sql("storing sequence numbers"))?;
    }
    Ok(())
}

pub(crate) async fn write_gap(
    connection: &mut SqliteConnection,
    gateway: &GatewayId,
    stream: &StreamId,
    gap: &gridwatch_protocol::GapRecord,
    now: Timestamp,
) -> StoreResult<()> {
    sqlx::query("INSERT INTO gaps (gateway, stream, id, arrived_at, body) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (gateway, stream, id) DO NOTHING")
        .bind(gateway.as_str())
        .bind(stream.to_string())
        .bind(i64::try_from(gap.id).unwrap_or(i64::MAX))
        .bind(now.unix_ms())
        .bind(to_json(gap))
        .execute(connection)
        .await
        .map(|_| ())
        .map_err(sql("storing a gap record"))
}

/// Keeps a message that will never be accepted, once; the oldest of a gateway give way.
pub(crate) async fn write_refused(
    connection: &mut SqliteConnection,
    gateway: &GatewayId,
    stream: &StreamId,
    now: Timestamp,
    refused: Refused<'_>,
) -> StoreResult<()> {
    sqlx::query("INSERT INTO refused_messages (gateway, stream, sequence, arrived_at, reason, body) SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE NOT EXISTS (SELECT 1 FROM refused_messages WHERE gateway = ?1 AND sequence = ?3 AND body = ?6)")
        .bind(gateway.as_str())
        .bind(stream.to_string())
        .bind(i64::try_from(refused.sequence).unwrap_or(i64::MAX))
        .bind(now.unix_ms())
        .bind(refused.reason)
        .bind(refused.body)
        .execute(&mut *connection)
        .await
        .map_err(sql("keeping a refused message"))?;
    sqlx::query("DELETE FROM refused_messages WHERE gateway = ?1 AND id NOT IN (SELECT id FROM refused_messages WHERE gateway = ?1 ORDER BY id DESC LIMIT ?2)")
        .bind(gateway.as_str())
        .bind(REFUSED_MAX)
        .execute(connection)
        .await
        .map(|_| ())
        .map_err(sql("letting go of old refused messages"))
}
