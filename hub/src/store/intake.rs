//! Writing: filling a desk with what is known, and writing back what it decided. One transaction.

use std::collections::{BTreeMap, BTreeSet};

use gridwatch_protocol::{AlertId, GatewayId, Timestamp};
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};

use super::{StoreResult, from_json, sql, time, to_json};
use crate::cases::desk::{Changes, Known};
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
    /// Local day of now.
    pub day: String,
}

/// A message to be stored.
#[derive(Debug, Clone)]
pub struct StoredMessage<'a> {
    /// Its alert.
    pub alert: &'a gridwatch_protocol::Alert,
    /// The gateway that sent it.
    pub gateway: &'a GatewayId,
    /// The outbox it came from; none for the hub's own.
    pub stream: Option<String>,
    /// When it arrived.
    pub arrived_at: Timestamp,
}

/// At most this many values in one list of a statement; SQLite allows 32,766 in all.
const LIST_MAX: usize = 1_000;

/// Everything that the desk needs to know about these messages.
pub async fn load(connection: &mut SqliteConnection, wanted: &Wanted) -> StoreResult<Known> {
    let mut known = Known::default();
    let mut case_ids = load_alerts(connection, wanted, &mut known).await?;
    load_messages(connection, wanted, &mut known).await?;
    let keys: Vec<&String> = wanted.keys.iter().collect();
    for part in keys.chunks(LIST_MAX) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT key, case_id FROM case_keys WHERE is_open = 1 AND key IN (",
        );
        push_list(&mut query, part.iter().map(|key| key.as_str()));
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
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT gateway FROM gateway_status WHERE state = 'silent' AND gateway IN (",
        );
        push_list(&mut query, part.iter().map(|id| id.as_str()));
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
    let count = counter(connection, &format!("cases:{}", wanted.day)).await?;
    known.cases_of_day = BTreeMap::from([(wanted.day.clone(), count)]);
    Ok(known)
}

/// Writes what the desk decided, and its messages; gives the number of the last event.
pub async fn write(
    connection: &mut SqliteConnection,
    known: &Known,
    changes: &Changes,
    messages: &[StoredMessage<'_>],
) -> StoreResult<()> {
    for id in &changes.cases {
        write_case(connection, &known.cases[id], changes.opened.contains(id)).await?;
    }
    for (key, case) in &changes.keys {
        sqlx::query("INSERT INTO case_keys (key, case_id, is_open) VALUES (?1, ?2, 1) ON CONFLICT (case_id, key) DO UPDATE SET is_open = 1")
            .bind(key)
            .bind(case)
            .execute(&mut *connection)
            .await
            .map_err(sql("storing a correlation key"))?;
    }
    for id in &changes.alerts {
        write_alert(connection, &known.alerts[id]).await?;
    }
    for message in messages {
        write_message(connection, message).await?;
    }
    for (case, transition) in &changes.transitions {
        write_transition(connection, *case, transition).await?;
    }
    if !changes.opened.is_empty() {
        set_counter(connection, "case", known.next_case - 1).await?;
        for (day, count) in &known.cases_of_day {
            set_counter(connection, &format!("cases:{day}"), *count).await?;
        }
    }
    for event in &changes.events {
        super::events::append_case_event(connection, event).await?;
    }
    Ok(())
}

async fn load_alerts(
    connection: &mut SqliteConnection,
    wanted: &Wanted,
    known: &mut Known,
) -> StoreResult<BTreeSet<CaseId>> {
    let mut case_ids = BTreeSet::new();
    let ids: Vec<&AlertId> = wanted.alerts.iter().collect();
    for part in ids.chunks(LIST_MAX) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT gateway, case_id, category, messages, arrived_at, joined_at, cleared_at, because, body FROM alerts WHERE id IN (",
        );
        push_list(&mut query, part.iter().map(ToString::to_string));
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

async fn load_messages(
    connection: &mut SqliteConnection,
    wanted: &Wanted,
    known: &mut Known,
) -> StoreResult<()> {
    let ids: Vec<&AlertId> = wanted.alerts.iter().collect();
    for part in ids.chunks(LIST_MAX) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT alert_id, revision FROM alert_messages WHERE alert_id IN (",
        );
        push_list(&mut query, part.iter().map(ToString::to_string));
        let rows = query
            .build()
            .fetch_all(&mut *connection)
            .await
            .map_err(sql("finding messages"))?;
        for row in rows {
            if let Ok(id) = row.get::<&str, _>(0).parse() {
                known.messages.insert((id, row.get::<u32, _>(1)));
            }
        }
    }
    Ok(())
}

async fn load_cases(
    connection: &mut SqliteConnection,
    ids: &BTreeSet<CaseId>,
    wanted: &Wanted,
    known: &mut Known,
) -> StoreResult<()> {
    let ids: Vec<&CaseId> = ids.iter().collect();
    for part in ids.chunks(LIST_MAX) {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT body FROM cases WHERE id IN (");
        push_list(&mut query, part.iter().map(|id| **id));
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
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT body FROM cases WHERE is_open = 1 AND group_key IN (",
        );
        push_list(&mut query, part.iter().map(|key| key.as_str()));
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

pub(crate) fn push_list<'a, T>(query: &mut QueryBuilder<Sqlite>, items: impl Iterator<Item = T>)
where
    T: 'a + sqlx::Encode<'a, Sqlite> + sqlx::Type<Sqlite>,
{
    let mut list = query.separated(", ");
    for item in items {
        list.push_bind(item);
    }
    query.push(")");
}

/// Reads `gateway, case_id, category, messages, arrived_at, joined_at, cleared_at, because, body`.
pub(crate) fn alert_record(row: &sqlx::sqlite::SqliteRow) -> StoreResult<AlertRecord> {
    Ok(AlertRecord {
        gateway: gateway_id(row.get(0))?,
        case: row.get(1),
        category: row.get(2),
        messages: row.get(3),
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

pub(crate) async fn counter(connection: &mut SqliteConnection, name: &str) -> StoreResult<i64> {
    let value = sqlx::query_scalar("SELECT value FROM counters WHERE name = ?1")
        .bind(name)
        .fetch_optional(connection)
        .await
        .map_err(sql("reading a counter"))?;
    Ok(value.unwrap_or(0))
}

async fn set_counter(connection: &mut SqliteConnection, name: &str, value: i64) -> StoreResult<()> {
    sqlx::query("INSERT INTO counters (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value")
        .bind(name)
        .bind(value)
        .execute(connection)
        .await
        .map(|_| ())
        .map_err(sql("storing a counter"))
}

/// Stores a case; a new one must not be there yet.
pub(crate) async fn write_case(
    connection: &mut SqliteConnection,
    case: &Case,
    is_new: bool,
) -> StoreResult<()> {
    let statement = if is_new {
        "INSERT INTO cases (id, number, version, state, is_open, severity, category, site, is_drill, opened_at, ended_at, group_key, acknowledged_at, acknowledged_by, search, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)"
    } else {
        "UPDATE cases SET number = ?2, version = ?3, state = ?4, is_open = ?5, severity = ?6, category = ?7, site = ?8, is_drill = ?9, opened_at = ?10, ended_at = ?11, group_key = ?12, acknowledged_at = ?13, acknowledged_by = ?14, search = ?15, body = ?16 WHERE id = ?1"
    };
    sqlx::query(statement)
        .bind(case.id)
        .bind(&case.number)
        .bind(case.version)
        .bind(case.state.as_str())
        .bind(case.state.is_open())
        .bind(case.severity.alarm_priority())
        .bind(&case.category)
        .bind(case.site.as_str())
        .bind(case.is_drill)
        .bind(case.opened_at.unix_ms())
        .bind(case.ended_at.map(Timestamp::unix_ms))
        .bind(&case.group_key)
        .bind(case.acknowledged_at.map(Timestamp::unix_ms))
        .bind(&case.acknowledged_by)
        .bind(search_text(case))
        .bind(to_json(case))
        .execute(&mut *connection)
        .await
        .map_err(sql("storing a case"))?;
    if !case.state.is_open() {
        sqlx::query("UPDATE case_keys SET is_open = 0 WHERE case_id = ?1")
            .bind(case.id)
            .execute(connection)
            .await
            .map_err(sql("releasing the keys of a case"))?;
    }
    Ok(())
}

fn search_text(case: &Case) -> String {
    let place = &case.place;
    let mut words = vec![
        case.number.clone(),
        case.category.clone(),
        case.site.to_string(),
    ];
    words.extend(
        [&place.building, &place.unit, &place.floor, &place.room]
            .into_iter()
            .flatten()
            .cloned(),
    );
    words.extend(case.devices.iter().map(|device| device.device.to_string()));
    words.extend(case.kinds.iter().map(ToString::to_string));
    words.join(" ").to_lowercase()
}

async fn write_alert(connection: &mut SqliteConnection, record: &AlertRecord) -> StoreResult<()> {
    sqlx::query("INSERT INTO alerts (id, gateway, case_id, category, revision, messages, arrived_at, joined_at, cleared_at, because, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, messages = excluded.messages, cleared_at = excluded.cleared_at, body = excluded.body")
        .bind(record.alert.id.to_string())
        .bind(record.gateway.as_str())
        .bind(record.case)
        .bind(&record.category)
        .bind(record.alert.revision)
        .bind(record.messages)
        .bind(record.arrived_at.unix_ms())
        .bind(record.joined_at.unix_ms())
        .bind(record.cleared_at.map(Timestamp::unix_ms))
        .bind(to_json(&record.joined_because))
        .bind(to_json(&record.alert))
        .execute(connection)
        .await
        .map(|_| ())
        .map_err(sql("storing an alert"))
}

async fn write_message(
    connection: &mut SqliteConnection,
    message: &StoredMessage<'_>,
) -> StoreResult<()> {
    let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    sqlx::query("INSERT INTO alert_messages (alert_id, revision, gateway, stream, sequence, boot_epoch, arrived_at, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")
        .bind(message.alert.id.to_string())
        .bind(message.alert.revision)
        .bind(message.gateway.as_str())
        .bind(&message.stream)
        .bind(message.alert.sequence.map(number))
        .bind(number(message.alert.boot_epoch))
        .bind(message.arrived_at.unix_ms())
        .bind(to_json(message.alert))
        .execute(connection)
        .await
        .map(|_| ())
        .map_err(sql("storing a message"))
}

pub(crate) async fn write_transition(
    connection: &mut SqliteConnection,
    case: CaseId,
    transition: &crate::cases::Transition,
) -> StoreResult<()> {
    sqlx::query("INSERT INTO transitions (case_id, seq, at, actor, action, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
        .bind(case)
        .bind(transition.seq)
        .bind(transition.at.unix_ms())
        .bind(&transition.actor)
        .bind(&transition.action)
        .bind(to_json(transition))
        .execute(connection)
        .await
        .map(|_| ())
        .map_err(sql("storing a transition"))
}
