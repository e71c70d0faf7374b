//! What the engine reads and writes of gateways inside its transaction.

use std::collections::{BTreeMap, BTreeSet};

use gridwatch_protocol::{DeviceStatus, GapRecord, GatewayId, StreamId, Timestamp};
use sqlx::Row;
use sqlx::any::AnyRow;

use super::{Liveness, STATUS, StatusRow, status_row};
use crate::sequence::Received;
use crate::store::database::{self, Connection, Frame, QueryBuilder, query};
use crate::store::intake::gateway_id;
use crate::store::{StoreResult, sql, to_json};

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

pub(crate) async fn load_status(
    connection: &mut Connection,
    id: &GatewayId,
) -> StoreResult<Option<StatusRow>> {
    let row = query(STATUS)
        .bind(id.as_str())
        .fetch_optional(connection)
        .await
        .map_err(sql("reading a gateway's status"))?;
    row.as_ref().map(status_row).transpose()
}

pub(crate) async fn write_status(
    connection: &mut Connection,
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
    query("INSERT INTO gateway_status (gateway, state, last_heartbeat_at, stream, boot_epoch, number, offline_alert, body, hub_faults) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (gateway) DO UPDATE SET state = excluded.state, last_heartbeat_at = excluded.last_heartbeat_at, stream = excluded.stream, boot_epoch = excluded.boot_epoch, number = excluded.number, offline_alert = excluded.offline_alert, body = excluded.body, hub_faults = excluded.hub_faults")
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
    connection: &mut Connection,
    gateway: &GatewayId,
    device: &DeviceStatus,
) -> StoreResult<()> {
    let state = to_json(&device.state);
    query("INSERT INTO gateway_devices (gateway, device, known, state, body) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (gateway, device) DO UPDATE SET known = excluded.known, state = excluded.state, body = excluded.body")
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
    connection: &mut Connection,
    before: Timestamp,
    limit: i64,
) -> StoreResult<Vec<GatewayId>> {
    let rows = query("SELECT s.gateway FROM gateway_status s JOIN gateways g ON g.id = s.gateway WHERE s.state = 'online' AND g.revoked_at IS NULL AND s.last_heartbeat_at < $1 ORDER BY s.last_heartbeat_at LIMIT $2")
        .bind(before.unix_ms())
        .bind(limit)
        .fetch_all(connection)
        .await
        .map_err(sql("finding silent gateways"))?;
    rows.iter().map(|row| gateway_id(row.get(0))).collect()
}

/// An outbox: its gateway and its stream.
pub(crate) type Outbox<'a> = (&'a GatewayId, &'a StreamId);

/// At most this many values in one list of a statement.
const LIST_MAX: usize = 500;

/// What has arrived of each of these outboxes.
pub(crate) async fn load_received<'a>(
    connection: &mut Connection,
    outboxes: &BTreeSet<Outbox<'a>>,
) -> StoreResult<BTreeMap<Outbox<'a>, Received>> {
    let mut ranges: BTreeMap<(String, String), Vec<(u64, u64)>> = BTreeMap::new();
    let streams: BTreeSet<&StreamId> = outboxes.iter().map(|(_, stream)| *stream).collect();
    let streams: Vec<String> = streams.iter().map(ToString::to_string).collect();
    let gateways: BTreeSet<&GatewayId> = outboxes.iter().map(|(gateway, _)| *gateway).collect();
    let gateways: Vec<&GatewayId> = gateways.into_iter().collect();
    for part in gateways.chunks(LIST_MAX) {
        for streams in streams.chunks(LIST_MAX) {
            let mut statement = QueryBuilder::on(
                connection,
                "SELECT gateway, stream, first_no, last_no FROM sequence_ranges WHERE gateway IN (",
            );
            statement.push_list(part.iter().map(|gateway| gateway.as_str()));
            statement.push(" AND stream IN (");
            statement.push_list(streams.iter().map(String::as_str));
            let rows = statement
                .build()
                .fetch_all(&mut *connection)
                .await
                .map_err(sql("reading sequence numbers"))?;
            let number = |row: &AnyRow, i: usize| row.get::<i64, _>(i).unsigned_abs();
            for row in rows {
                let outbox = (row.get(0), row.get(1));
                let found = ranges.entry(outbox).or_default();
                found.push((number(&row, 2), number(&row, 3)));
            }
        }
    }
    let received = |(gateway, stream): &Outbox<'_>| {
        let found = ranges.remove(&(gateway.to_string(), stream.to_string()));
        Received::from_ranges(found.unwrap_or_default())
    };
    let found: Vec<Received> = outboxes.iter().map(received).collect();
    Ok(outboxes.iter().copied().zip(found).collect())
}

const RANGES: Frame = (
    "INSERT INTO sequence_ranges (gateway, stream, first_no, last_no)",
    " ON CONFLICT (gateway, stream, first_no) DO UPDATE SET last_no = excluded.last_no",
);

/// Stores what has arrived; only the ranges that differ are written.
pub(crate) async fn write_received(
    connection: &mut Connection,
    before: &BTreeMap<Outbox<'_>, Received>,
    after: &BTreeMap<Outbox<'_>, Received>,
) -> StoreResult<()> {
    let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    let mut changed = Vec::new();
    for (outbox, after) in after {
        let (gateway, stream) = (outbox.0.as_str(), outbox.1.to_string());
        let old: BTreeMap<u64, u64> = before
            .get(outbox)
            .map_or_else(BTreeMap::new, |before| before.ranges().collect());
        let new: BTreeMap<u64, u64> = after.ranges().collect();
        for first in old.keys().filter(|first| !new.contains_key(first)) {
            query(
                "DELETE FROM sequence_ranges WHERE gateway = $1 AND stream = $2 AND first_no = $3",
            )
            .bind(gateway)
            .bind(&stream)
            .bind(number(*first))
            .execute(&mut *connection)
            .await
            .map_err(sql("storing sequence numbers"))?;
        }
        let differing = new
            .into_iter()
            .filter(|(first, last)| old.get(first) != Some(last));
        changed.extend(differing.map(|(first, last)| (gateway, stream.clone(), first, last)));
    }
    database::insert(
        connection,
        RANGES,
        &changed,
        |row, (gateway, stream, first, last)| {
            row.push_bind(*gateway)
                .push_bind(stream)
                .push_bind(number(*first))
                .push_bind(number(*last));
        },
    )
    .await
    .map_err(sql("storing sequence numbers"))
}

pub(crate) async fn write_gap(
    connection: &mut Connection,
    gateway: &GatewayId,
    stream: &StreamId,
    gap: &GapRecord,
    now: Timestamp,
) -> StoreResult<()> {
    query("INSERT INTO gaps (gateway, stream, id, arrived_at, body) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (gateway, stream, id) DO NOTHING")
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
    connection: &mut Connection,
    gateway: &GatewayId,
    stream: &StreamId,
    now: Timestamp,
    refused: Refused<'_>,
) -> StoreResult<()> {
    query("INSERT INTO refused_messages (gateway, stream, sequence, arrived_at, reason, body) SELECT $1, $2, $3, $4, $5, $6 WHERE NOT EXISTS (SELECT 1 FROM refused_messages WHERE gateway = $1 AND sequence = $3 AND body = $6)")
        .bind(gateway.as_str())
        .bind(stream.to_string())
        .bind(i64::try_from(refused.sequence).unwrap_or(i64::MAX))
        .bind(now.unix_ms())
        .bind(refused.reason)
        .bind(refused.body)
        .execute(&mut *connection)
        .await
        .map_err(sql("keeping a refused message"))?;
    query("DELETE FROM refused_messages WHERE gateway = $1 AND id NOT IN (SELECT id FROM refused_messages WHERE gateway = $1 ORDER BY id DESC LIMIT $2)")
        .bind(gateway.as_str())
        .bind(REFUSED_MAX)
        .execute(connection)
        .await
        .map(|_| ())
        .map_err(sql("letting go of old refused messages"))
}
