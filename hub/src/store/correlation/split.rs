//! Alerts that go from one case to another, with their correlation keys.

use gridwatch_protocol::AlertId;

use crate::cases::{AlertRecord, CaseId};
use crate::store::database::{Connection, QueryBuilder, query};
use crate::store::intake::alert_record;
use crate::store::{StoreResult, sql};

/// More alerts than this in one case are not split by hand: its page shows 500.
pub const ALERTS_MAX: i64 = 100_000;

/// All alerts of a case, as the writer sees them.
pub(crate) async fn alerts_of(
    connection: &mut Connection,
    case: CaseId,
) -> StoreResult<Vec<AlertRecord>> {
    let rows = query("SELECT gateway, case_id, category, messages, arrived_at, joined_at, cleared_at, because, body FROM alerts WHERE case_id = $1 ORDER BY joined_at, id LIMIT $2")
        .bind(case)
        .bind(ALERTS_MAX)
        .fetch_all(connection)
        .await
        .map_err(sql("reading the alerts of a case"))?;
    rows.iter().map(alert_record).collect()
}

/// Moves alerts to another case; `keys` go with them, those that the first case keeps do not.
pub(crate) async fn move_alerts(
    connection: &mut Connection,
    from: CaseId,
    to: CaseId,
    alerts: &[AlertId],
    keys: &[String],
) -> StoreResult<()> {
    let moving = "moving alerts to another case";
    for part in alerts.chunks(500) {
        let mut statement = QueryBuilder::new("UPDATE alerts SET case_id = ");
        statement
            .push_bind(to)
            .push(" WHERE case_id = ")
            .push_bind(from);
        statement.push(" AND id IN (");
        statement.push_list(part.iter().map(ToString::to_string));
        statement
            .build()
            .execute(&mut *connection)
            .await
            .map_err(sql(moving))?;
    }
    for key in keys {
        query("UPDATE case_keys SET is_open = 0 WHERE case_id = $1 AND key = $2")
            .bind(from)
            .bind(key)
            .execute(&mut *connection)
            .await
            .map_err(sql(moving))?;
        // Where another open case has the key already, that case goes on getting what comes.
        query("INSERT INTO case_keys (key, case_id, is_open) SELECT CAST($1 AS TEXT), CAST($2 AS BIGINT), 1 WHERE NOT EXISTS (SELECT 1 FROM case_keys WHERE key = $1 AND is_open = 1) ON CONFLICT (case_id, key) DO UPDATE SET is_open = excluded.is_open")
            .bind(key)
            .bind(to)
            .execute(&mut *connection)
            .await
            .map_err(sql(moving))?;
    }
    Ok(())
}
