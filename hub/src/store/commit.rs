//! Writing back what was decided, inside the transaction. Many rows in one statement: a storm of alerts
//! spends its time on rows, not on statements.

use gridwatch_protocol::{GatewayId, Timestamp};
use sqlx::query_builder::Separated;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::{StoreResult, events, sql, to_json};
use crate::cases::desk::{Changes, Known};
use crate::cases::{AlertRecord, Case, CaseId, Transition, timers};

/// Rows in one statement. At most 18 values a row: far below SQLite's 32,766.
const ROWS_MAX: usize = 64;

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

/// Writes what the desk decided, and its messages.
pub async fn write(
    connection: &mut SqliteConnection,
    known: &Known,
    changes: &Changes,
    messages: &[StoredMessage<'_>],
) -> StoreResult<()> {
    let opened: Vec<&Case> = changes.opened.iter().map(|id| &known.cases[id]).collect();
    insert(connection, "storing new cases", CASES, &opened, bind_case).await?;
    for id in changes.cases.difference(&changes.opened) {
        update_case(connection, &known.cases[id]).await?;
    }
    insert(
        connection,
        "storing correlation keys",
        KEYS,
        &changes.keys,
        |row, (key, case)| {
            row.push_bind(key).push_bind(*case).push_bind(true);
        },
    )
    .await?;
    let alerts: Vec<&AlertRecord> = changes.alerts.iter().map(|id| &known.alerts[id]).collect();
    insert(connection, "storing alerts", ALERTS, &alerts, bind_alert).await?;
    insert(
        connection,
        "storing messages",
        MESSAGES,
        messages,
        bind_message,
    )
    .await?;
    insert(
        connection,
        "storing transitions",
        TRANSITIONS,
        &changes.transitions,
        bind_transition,
    )
    .await?;
    if !changes.opened.is_empty() {
        set_counter(connection, "case", known.next_case - 1).await?;
        for (day, count) in &known.cases_of_day {
            set_counter(connection, &format!("cases:{day}"), *count).await?;
        }
    }
    events::append_case_events(connection, &changes.events).await
}

/// Statement before and after its rows.
pub(super) type Frame = (&'static str, &'static str);

const CASES: Frame = (
    "INSERT INTO cases (id, number, version, state, is_open, severity, category, site, is_drill, opened_at, ended_at, group_key, acknowledged_at, acknowledged_by, search, body, unit, timer_at) ",
    "",
);
const KEYS: Frame = (
    "INSERT INTO case_keys (key, case_id, is_open) ",
    " ON CONFLICT (case_id, key) DO UPDATE SET is_open = excluded.is_open",
);
const ALERTS: Frame = (
    "INSERT INTO alerts (id, gateway, case_id, category, revision, messages, arrived_at, joined_at, cleared_at, because, body) ",
    " ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, messages = excluded.messages, cleared_at = excluded.cleared_at, body = excluded.body",
);
const MESSAGES: Frame = (
    "INSERT INTO alert_messages (alert_id, revision, gateway, stream, sequence, boot_epoch, arrived_at, body) ",
    "",
);
const TRANSITIONS: Frame = (
    "INSERT INTO transitions (case_id, seq, at, actor, action, body) ",
    "",
);

/// A row that values are bound to.
pub(super) type Row<'b> = Separated<'b, Sqlite, &'static str>;

/// Inserts rows, many at a time.
pub(super) async fn insert<T>(
    connection: &mut SqliteConnection,
    doing: &'static str,
    (head, tail): Frame,
    rows: &[T],
    bind: impl Fn(&mut Row<'_>, &T),
) -> StoreResult<()> {
    for part in rows.chunks(ROWS_MAX) {
        let mut query = QueryBuilder::<Sqlite>::new(head);
        query.push_values(part, |mut row, item| bind(&mut row, item));
        query.push(tail);
        query
            .build()
            .execute(&mut *connection)
            .await
            .map_err(sql(doing))?;
    }
    Ok(())
}

fn bind_case(row: &mut Row<'_>, case: &&Case) {
    row.push_bind(case.id)
        .push_bind(&case.number)
        .push_bind(case.version)
        .push_bind(case.state.as_str())
        .push_bind(case.state.is_open())
        .push_bind(case.severity.alarm_priority())
        .push_bind(&case.category)
        .push_bind(case.site.as_str())
        .push_bind(case.is_drill)
        .push_bind(case.opened_at.unix_ms())
        .push_bind(case.ended_at.map(Timestamp::unix_ms))
        .push_bind(&case.group_key)
        .push_bind(case.acknowledged_at.map(Timestamp::unix_ms))
        .push_bind(&case.acknowledged_by)
        .push_bind(search_text(case))
        .push_bind(to_json(case))
        .push_bind(&case.progress.unit)
        .push_bind(timers::next(case).map(Timestamp::unix_ms));
}

fn bind_alert(row: &mut Row<'_>, record: &&AlertRecord) {
    row.push_bind(record.alert.id.to_string())
        .push_bind(record.gateway.as_str())
        .push_bind(record.case)
        .push_bind(&record.category)
        .push_bind(record.alert.revision)
        .push_bind(record.messages)
        .push_bind(record.arrived_at.unix_ms())
        .push_bind(record.joined_at.unix_ms())
        .push_bind(record.cleared_at.map(Timestamp::unix_ms))
        .push_bind(to_json(&record.joined_because))
        .push_bind(to_json(&record.alert));
}

fn bind_message(row: &mut Row<'_>, message: &StoredMessage<'_>) {
    let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    row.push_bind(message.alert.id.to_string())
        .push_bind(message.alert.revision)
        .push_bind(message.gateway.as_str())
        .push_bind(&message.stream)
        .push_bind(message.alert.sequence.map(number))
        .push_bind(number(message.alert.boot_epoch))
        .push_bind(message.arrived_at.unix_ms())
        .push_bind(to_json(message.alert));
}

fn bind_transition(row: &mut Row<'_>, (case, transition): &(CaseId, Transition)) {
    row.push_bind(*case)
        .push_bind(transition.seq)
        .push_bind(transition.at.unix_ms())
        .push_bind(&transition.actor)
        .push_bind(&transition.action)
        .push_bind(to_json(transition));
}

/// Appends one row to a case's history.
pub(crate) async fn write_transition(
    connection: &mut SqliteConnection,
    case: CaseId,
    transition: &Transition,
) -> StoreResult<()> {
    let rows = [(case, transition.clone())];
    insert(
        connection,
        "storing a transition",
        TRANSITIONS,
        &rows,
        bind_transition,
    )
    .await
}

/// Stores a case that is there; one that has ended gives its correlation keys free.
pub(crate) async fn update_case(connection: &mut SqliteConnection, case: &Case) -> StoreResult<()> {
    sqlx::query("UPDATE cases SET version = ?2, state = ?3, is_open = ?4, severity = ?5, category = ?6, ended_at = ?7, group_key = ?8, acknowledged_at = ?9, acknowledged_by = ?10, search = ?11, body = ?12, is_drill = ?13, unit = ?14, timer_at = ?15 WHERE id = ?1")
        .bind(case.id)
        .bind(case.version)
        .bind(case.state.as_str())
        .bind(case.state.is_open())
        .bind(case.severity.alarm_priority())
        .bind(&case.category)
        .bind(case.ended_at.map(Timestamp::unix_ms))
        .bind(&case.group_key)
        .bind(case.acknowledged_at.map(Timestamp::unix_ms))
        .bind(&case.acknowledged_by)
        .bind(search_text(case))
        .bind(to_json(case))
        .bind(case.is_drill)
        .bind(&case.progress.unit)
        .bind(timers::next(case).map(Timestamp::unix_ms))
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
    let places = [&place.building, &place.unit, &place.floor, &place.room];
    words.extend(places.into_iter().flatten().cloned());
    words.extend(case.devices.iter().map(|device| device.device.to_string()));
    words.extend(case.kinds.iter().map(ToString::to_string));
    words.join(" ").to_lowercase()
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
