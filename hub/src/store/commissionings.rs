//! Records of walk tests, and the test alerts of a gateway.

use gridwatch_protocol::{
    CommissioningId, CommissioningRecord, CommissioningStatus, GatewayId, Timestamp,
};
use sqlx::Row;

use super::database::{Connection, QueryBuilder, query, query_scalar};
use super::intake::alert_record;
use super::{Store, StoreResult, from_json, sql, time, to_json};
use crate::access::Scope;
use crate::cases::AlertRecord;

/// A record as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct CommissioningRow {
    /// When it arrived, by the hub's clock.
    pub arrived_at: Timestamp,
    /// The record.
    pub record: CommissioningRecord,
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It is stored, or was before.
    Yes(CommissioningStatus),
    /// Another gateway has sent one with its id: never taken.
    OfAnotherGateway,
}

/// Stores a record, once: the primary key decides.
pub(crate) async fn write(
    connection: &mut Connection,
    gateway: &GatewayId,
    record: &CommissioningRecord,
    now: Timestamp,
) -> StoreResult<Kept> {
    let result = to_json(&record.result);
    let done = query("INSERT INTO commissionings (id, gateway, arrived_at, started_at, result, body) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING")
        .bind(record.id.to_string())
        .bind(gateway.as_str())
        .bind(now.unix_ms())
        .bind(record.started_at.unix_ms())
        .bind(result.trim_matches('"'))
        .bind(to_json(record))
        .execute(&mut *connection)
        .await
        .map_err(sql("storing a commissioning record"))?;
    if done > 0 {
        return Ok(Kept::Yes(CommissioningStatus::Accepted));
    }
    let owner = owner(connection, record.id).await?;
    Ok(if owner.as_deref() == Some(gateway.as_str()) {
        Kept::Yes(CommissioningStatus::Duplicate)
    } else {
        Kept::OfAnotherGateway
    })
}

async fn owner(connection: &mut Connection, id: CommissioningId) -> StoreResult<Option<String>> {
    query_scalar("SELECT gateway FROM commissionings WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(connection)
        .await
        .map_err(sql("finding a commissioning record"))
}

impl Store {
    /// A page of the records of a gateway, the newest test first; `after` is beginning and id of a record.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn commissionings(
        &self,
        gateway: &GatewayId,
        after: Option<(i64, String)>,
        limit: i64,
    ) -> StoreResult<Vec<CommissioningRow>> {
        let mut query =
            QueryBuilder::new("SELECT arrived_at, body FROM commissionings WHERE gateway = ");
        query.push_bind(gateway.as_str());
        if let Some((at, id)) = after {
            query.push(" AND (started_at, id) < (").push_bind(at);
            query.push(", ").push_bind(id).push(")");
        }
        query.push(" ORDER BY started_at DESC, id DESC LIMIT ");
        let rows = query
            .push_bind(limit)
            .build()
            .fetch_all(&self.readers)
            .await
            .map_err(sql("listing commissioning records"))?;
        rows.iter()
            .map(|row| {
                Ok(CommissioningRow {
                    arrived_at: time(row.get(0)),
                    record: from_json("commissioning record", row.get(1))?,
                })
            })
            .collect()
    }

    /// The test alerts of a gateway at places that are seen, the newest first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn test_alerts(
        &self,
        gateway: &GatewayId,
        limit: i64,
        scope: &Scope,
    ) -> StoreResult<Vec<AlertRecord>> {
        let mut query = QueryBuilder::new(
            "SELECT a.gateway, a.case_id, a.category, a.messages, a.arrived_at, a.joined_at, a.cleared_at, a.because, a.body FROM cases c JOIN alerts a ON a.case_id = c.id WHERE c.is_drill = 1 AND a.gateway = ",
        );
        query.push_bind(gateway.as_str());
        scope.push_path(&mut query, "c.area_path");
        query.push(" ORDER BY a.joined_at DESC, a.id DESC LIMIT ");
        let rows = query
            .push_bind(limit)
            .build()
            .fetch_all(&self.readers)
            .await
            .map_err(sql("listing test alerts"))?;
        rows.iter().map(alert_record).collect()
    }
}
