//! Filling a desk with what is known about the messages at hand.

use std::collections::BTreeSet;

use gridwatch_protocol::{Alert, AlertId, GatewayId};
use sqlx::Row;
use sqlx::any::AnyRow;

use super::database::{Connection, QueryBuilder, query_scalar, small};
use super::{StoreResult, from_json, sql, time, to_json};
use crate::cases::desk::Known;
use crate::cases::{AlertRecord, Case, CaseId};

/// What messages have to do with.
#[derive(Debug, Default, Clone)]
pub struct Wanted {
    /// Ids of their alerts.
    pub alerts: BTreeSet<AlertId>,
    /// Their correlation keys.
    pub keys: BTreeSet<String>,
    /// Their groups.
    pub groups: BTreeSet<String>,
    /// The gateways they come from.
    pub gateways: BTreeSet<GatewayId>,
    /// Local days on which they came.
    pub days: BTreeSet<String>,
}

/// At most this many values in one list of a statement; SQLite allows 32,766 in all.
const LIST_MAX: usize = 1_000;

/// Everything that the desk needs to know about these messages.
pub async fn load(connection: &mut Connection, wanted: &Wanted) -> StoreResult<Known> {
    let mut known = Known::default();
    let mut case_ids = load_alerts(connection, wanted, &mut known).await?;
    load_messages(connection, wanted, &mut known).await?;
    let keys: Vec<&String> = wanted.keys.iter().collect();
    for part in keys.chunks(LIST_MAX) {
        let mut query = QueryBuilder::on(
            connection,
            "SELECT key, case_id FROM case_keys WHERE is_open = 1 AND key IN (",
        );
        query.push_list(part.iter().map(|key| key.as_str()));
        let rows = query
            .build()
            .fetch_all(&mut *connection)
            .await
            .map_err(sql("finding open cases"))?;
        for row in rows {
            let id: CaseId = row.get(1);
            known.keys.insert(row.get(0), id);
            case_ids.insert(id);
        }
    }
    load_cases(connection, &case_ids, wanted, &mut known).await?;
    let gateways: Vec<&GatewayId> = wanted.gateways.iter().collect();
    for part in gateways.chunks(LIST_MAX) {
        let mut query = QueryBuilder::on(
            connection,
            "SELECT gateway FROM gateway_status WHERE state = 'silent' AND gateway IN (",
        );
        query.push_list(part.iter().map(|id| id.as_str()));
        let rows = query
            .build()
            .fetch_all(&mut *connection)
            .await
            .map_err(sql("finding silent gateways"))?;
        known.silent.extend(
            rows.iter()
                .filter_map(|row| GatewayId::new(row.get::<String, _>(0)).ok()),
        );
    }
    known.next_case = counter(connection, "case").await? + 1;
    for day in &wanted.days {
        let count = counter(connection, &format!("cases:{day}")).await?;
        known.cases_of_day.insert(day.clone(), count);
    }
    Ok(known)
}

async fn load_alerts(
    connection: &mut Connection,
    wanted: &Wanted,
    known: &mut Known,
) -> StoreResult<BTreeSet<CaseId>> {
    let mut case_ids = BTreeSet::new();
    let ids: Vec<&AlertId> = wanted.alerts.iter().collect();
    for part in ids.chunks(LIST_MAX) {
        let mut query = QueryBuilder::on(
            connection,
            "SELECT gateway, case_id, category, messages, arrived_at, joined_at, cleared_at, because, body FROM alerts WHERE id IN (",
        );
        query.push_list(part.iter().map(ToString::to_string));
        let rows = query
            .build()
            .fetch_all(&mut *connection)
            .await
            .map_err(sql("finding alerts"))?;
        for row in rows {
            let record = alert_record(&row)?;
            case_ids.insert(record.case);
            known.alerts.insert(record.alert.id, record);
        }
    }
    Ok(case_ids)
}

/// The newest message about an alert.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn newest_message(
    connection: &mut Connection,
    id: AlertId,
) -> StoreResult<Option<Alert>> {
    let body: Option<String> = query_scalar("SELECT body FROM alerts WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(connection)
        .await
        .map_err(sql("finding an alert"))?;
    body.map(|body| from_json("alert", &body)).transpose()
}

async fn load_messages(
    connection: &mut Connection,
    wanted: &Wanted,
    known: &mut Known,
) -> StoreResult<()> {
    let ids: Vec<&AlertId> = wanted.alerts.iter().collect();
    for part in ids.chunks(LIST_MAX) {
        let mut query = QueryBuilder::on(
            connection,
            "SELECT alert_id, revision FROM alert_messages WHERE alert_id IN (",
        );
        query.push_list(part.iter().map(ToString::to_string));
        let rows = query
            .build()
            .fetch_all(&mut *connection)
            .await
            .map_err(sql("finding messages"))?;
        for row in rows {
            if let Ok(id) = row.get::<&str, _>(0).parse() {
                known.messages.insert((id, small(&row, 1)));
            }
        }
    }
    Ok(())
}

async fn load_cases(
    connection: &mut Connection,
    ids: &BTreeSet<CaseId>,
    wanted: &Wanted,
    known: &mut Known,
) -> StoreResult<()> {
    let ids: Vec<&CaseId> = ids.iter().collect();
    for part in ids.chunks(LIST_MAX) {
        let mut query = QueryBuilder::on(connection, "SELECT body FROM cases WHERE id IN (");
        query.push_list(part.iter().copied());
        let rows = query
            .build()
            .fetch_all(&mut *connection)
            .await
            .map_err(sql("loading cases"))?;
        for row in rows {
            let case: Case = from_json("case", row.get(0))?;
            known.cases.insert(case.id, case);
        }
    }
    let groups: Vec<&String> = wanted.groups.iter().collect();
    for part in groups.chunks(LIST_MAX) {
        let mut query = QueryBuilder::on(
            connection,
            "SELECT body FROM cases WHERE is_open = 1 AND group_key IN (",
        );
        query.push_list(part.iter().map(|key| key.as_str()));
        let rows = query
            .build()
            .fetch_all(&mut *connection)
            .await
            .map_err(sql("loading groups of cases"))?;
        for row in rows {
            let case: Case = from_json("case", row.get(0))?;
            known.cases.insert(case.id, case);
        }
    }
    Ok(())
}

/// Reads `gateway, case_id, category, messages, arrived_at, joined_at, cleared_at, because, body`.
pub(crate) fn alert_record(row: &AnyRow) -> StoreResult<AlertRecord> {
    Ok(AlertRecord {
        gateway: gateway_id(row.get(0))?,
        case: row.get(1),
        category: row.get(2),
        messages: small(row, 3),
        arrived_at: time(row.get(4)),
        joined_at: time(row.get(5)),
        cleared_at: row.get::<Option<i64>, _>(6).map(time),
        joined_because: from_json("reason of joining", row.get(7))?,
        alert: from_json("alert", row.get(8))?,
    })
}

pub(crate) fn gateway_id(text: &str) -> StoreResult<GatewayId> {
    from_json("gateway id", &to_json(&text))
}

pub(crate) async fn counter(connection: &mut Connection, name: &str) -> StoreResult<i64> {
    let value = query_scalar("SELECT value FROM counters WHERE name = $1")
        .bind(name)
        .fetch_optional(connection)
        .await
        .map_err(sql("reading a counter"))?;
    Ok(value.unwrap_or(0))
}
