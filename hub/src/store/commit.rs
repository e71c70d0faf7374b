//! Writing back what was decided, inside the transaction. Many rows in one statement: a storm of alerts
//! spends its time on rows, not on statements.

use super::chain::{self, Chain, Head};
use super::database::{self, Connection, Frame, RowValues, query};
use super::places::write_case_units;
use super::{StoreResult, closing_loop, events, reports, sql, to_json};
use crate::cases::desk::{Changes, Known};
use crate::cases::{AlertRecord, Case, CaseId, Level, Transition};
use crate::correlation::level;
use crate::directory::Directory;
use gridwatch_protocol::{GatewayId, Timestamp};

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
    connection: &mut Connection,
    directory: &Directory,
    known: &Known,
    changes: &Changes,
    messages: &[StoredMessage<'_>],
) -> StoreResult<()> {
    let opened: Vec<&Case> = changes.opened.iter().map(|id| &known.cases[id]).collect();
    insert_cases(connection, &opened, directory).await?;
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
    for case in &changes.reopened {
        closing_loop::reopen_keys(connection, *case).await?;
    }
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
    write_transitions(connection, &changes.transitions).await?;
    if !changes.opened.is_empty() {
        set_counter(connection, "case", known.next_case - 1).await?;
        for (day, count) in &known.cases_of_day {
            set_counter(connection, &format!("cases:{day}"), *count).await?;
        }
    }
    events::append_case_events(connection, &changes.events).await
}

/// Inserts one case.
pub(crate) async fn insert_case(
    connection: &mut Connection,
    case: &Case,
    directory: &Directory,
) -> StoreResult<()> {
    insert_cases(connection, &[case], directory).await
}

async fn insert_cases(
    connection: &mut Connection,
    cases: &[&Case],
    directory: &Directory,
) -> StoreResult<()> {
    insert(
        connection,
        "storing new cases",
        CASES,
        cases,
        |row, case| {
            bind_case(row, case).push_bind(directory.site_path(&case.site));
        },
    )
    .await?;
    write_case_units(connection, cases).await?;
    reports::add(connection, cases).await
}

const CASES: Frame = (
    "INSERT INTO cases (id, number, version, state, is_open, severity, category, site, is_drill, opened_at, ended_at, group_key, acknowledged_at, acknowledged_by, search, body, unit, due_at, card, handler, silenced_by, flood, level, release_at, waits_for, area_path)",
    "",
);
const KEYS: Frame = (
    "INSERT INTO case_keys (key, case_id, is_open)",
    " ON CONFLICT (case_id, key) DO UPDATE SET is_open = excluded.is_open",
);
const ALERTS: Frame = (
    "INSERT INTO alerts (id, gateway, case_id, category, revision, messages, arrived_at, joined_at, cleared_at, because, body, device)",
    " ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, messages = excluded.messages, cleared_at = excluded.cleared_at, body = excluded.body",
);
const MESSAGES: Frame = (
    "INSERT INTO alert_messages (alert_id, revision, gateway, stream, sequence, boot_epoch, arrived_at, body)",
    "",
);
const TRANSITIONS: Frame = (
    "INSERT INTO transitions (case_id, seq, at, actor, action, body, link, hash)",
    "",
);

/// Inserts rows, many at a time.
pub(crate) async fn insert<T>(
    connection: &mut Connection,
    doing: &'static str,
    frame: Frame,
    rows: &[T],
    bind: impl Fn(&mut RowValues<'_>, &T),
) -> StoreResult<()> {
    database::insert(connection, frame, rows, bind)
        .await
        .map_err(sql(doing))
}

fn bind_case<'r, 'b>(row: &'r mut RowValues<'b>, case: &Case) -> &'r mut RowValues<'b> {
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
        .push_bind(case.progress.due_at.map(Timestamp::unix_ms))
        .push_bind(case.progress.card.as_str())
        .push_bind(&case.progress.handler)
        .push_bind(silenced_by(case))
        .push_bind(case.marks.flood)
        .push_bind(level_number(case))
        .push_bind(release_at(case))
        .push_bind(waits_for(case))
}

fn silenced_by(case: &Case) -> Option<i64> {
    let silenced = case.marks.silenced.filter(|_| case.is_silenced());
    silenced.map(|silenced| silenced.silence)
}

fn level_number(case: &Case) -> i64 {
    level_of(level::present(case.progress.level))
}

/// 1 (the city) to 4 (the grid).
pub(crate) fn level_of(level: Level) -> i64 {
    match level {
        Level::I => 1,
        Level::II => 2,
        Level::III => 3,
        Level::IV => 4,
    }
}

fn release_at(case: &Case) -> Option<i64> {
    let at = case.marks.release_at.filter(|_| case.state.is_open());
    at.map(Timestamp::unix_ms)
}

fn waits_for(case: &Case) -> Option<&'static str> {
    let waits = case.progress.waits_for(case.state);
    waits.map(|waits| waits.what.as_str())
}

fn bind_alert(row: &mut RowValues<'_>, record: &&AlertRecord) {
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
        .push_bind(to_json(&record.alert))
        .push_bind(record.alert.device.as_str());
}

fn bind_message(row: &mut RowValues<'_>, message: &StoredMessage<'_>) {
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

/// Appends one row to a case's history.
pub(crate) async fn write_transition(
    connection: &mut Connection,
    case: CaseId,
    transition: &Transition,
) -> StoreResult<()> {
    write_transitions(connection, &[(case, transition.clone())]).await
}

/// Appends rows to cases' histories and their chain, in order.
pub(crate) async fn write_transitions(
    connection: &mut Connection,
    transitions: &[(CaseId, Transition)],
) -> StoreResult<()> {
    let bodies: Vec<String> = transitions.iter().map(|(_, t)| to_json(t)).collect();
    let fields: Vec<Vec<String>> = transitions
        .iter()
        .zip(&bodies)
        .map(|((case, t), body)| {
            chain::transition_fields(*case, t.seq, t.at, &t.actor, &t.action, body)
        })
        .collect();
    super::workers::keep_positions(connection, transitions).await?;
    let heads = chain::append(connection, Chain::Transitions, &fields).await?;
    let rows: Vec<(&(CaseId, Transition), &String, &Head)> = transitions
        .iter()
        .zip(&bodies)
        .zip(&heads)
        .map(|((transition, body), head)| (transition, body, head))
        .collect();
    insert(
        connection,
        "storing transitions",
        TRANSITIONS,
        &rows,
        |row, ((case, transition), body, head)| {
            row.push_bind(*case)
                .push_bind(transition.seq)
                .push_bind(transition.at.unix_ms())
                .push_bind(&transition.actor)
                .push_bind(&transition.action)
                .push_bind(*body)
                .push_bind(head.links)
                .push_bind(&head.hash);
        },
    )
    .await
}

/// Stores a case that is there; one that has ended gives its correlation keys free.
pub(crate) async fn update_case(connection: &mut Connection, case: &Case) -> StoreResult<()> {
    query("UPDATE cases SET version = $2, state = $3, is_open = $4, severity = $5, category = $6, ended_at = $7, group_key = $8, acknowledged_at = $9, acknowledged_by = $10, search = $11, body = $12, is_drill = $13, unit = $14, due_at = $15, card = $16, handler = $17, silenced_by = $18, flood = $19, level = $20, release_at = $21, waits_for = $22 WHERE id = $1")
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
        .bind(case.progress.due_at.map(Timestamp::unix_ms))
        .bind(case.progress.card.as_str())
        .bind(&case.progress.handler)
        .bind(silenced_by(case))
        .bind(case.marks.flood)
        .bind(level_number(case))
        .bind(release_at(case))
        .bind(waits_for(case))
        .execute(&mut *connection)
        .await
        .map_err(sql("storing a case"))?;
    write_case_units(connection, &[case]).await?;
    if !case.state.is_open() {
        query("UPDATE case_keys SET is_open = 0 WHERE case_id = $1")
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

pub(crate) async fn set_counter(
    connection: &mut Connection,
    name: &str,
    value: i64,
) -> StoreResult<()> {
    query("INSERT INTO counters (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value")
        .bind(name)
        .bind(value)
        .execute(connection)
        .await
        .map(|_| ())
        .map_err(sql("storing a counter"))
}
