//! Who is called by what happens: rows beside the events, in the transaction of the event.
//!
//! The rows say whom an event called; how they are told is the business of the channels of
//! notifications that tell people. A row is made once for each event and person, whatever is killed when.

use std::collections::{BTreeMap, BTreeSet};

use gridwatch_protocol::Timestamp;
use sqlx::Row;

use super::called::{Called, called};
use super::known::Office;
use crate::engine::EngineSettings;
use crate::store::database::{self, Connection, Frame, QueryBuilder, query};
use crate::store::{Store, StoreResult, sql, time};

/// Members of one unit that are called: more is a list of people, not a call.
const MEMBERS_MAX: i64 = 20;

const CALLS: Frame = (
    "INSERT INTO duty_calls (event_seq, username, role, area, at)",
    " ON CONFLICT (event_seq, username) DO NOTHING",
);

/// Somebody whom an event calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Number of the event.
    pub event: i64,
    /// Sign-in name.
    pub username: String,
    /// `officer`, `shift_leader`, `leader` or `unit`.
    pub role: &'static str,
    /// Area of the roster, or code of the unit.
    pub area: String,
    /// When.
    pub at: Timestamp,
}

impl Call {
    /// A call for somebody of a roster.
    #[must_use]
    pub fn of(event: i64, called: Called, at: Timestamp) -> Self {
        Self {
            event,
            username: called.username,
            role: called.role.as_str(),
            area: called.area,
            at,
        }
    }
}

/// Where somebody who was called is reached.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Address {
    /// E-mail address.
    pub email: Option<String>,
    /// Telephone number.
    pub phone: Option<String>,
}

/// Stores calls.
pub(crate) async fn write(connection: &mut Connection, calls: &[Call]) -> StoreResult<()> {
    database::insert(connection, CALLS, calls, |row, call| {
        row.push_bind(call.event)
            .push_bind(&call.username)
            .push_bind(call.role)
            .push_bind(&call.area)
            .push_bind(call.at.unix_ms());
    })
    .await
    .map_err(sql("storing who is called"))
}

/// Calls the first officer for every case that was opened or has to be acknowledged again after this
/// event. What is done twice leaves the same rows.
pub(crate) async fn first_officers(
    connection: &mut Connection,
    settings: &EngineSettings,
    after: i64,
) -> StoreResult<()> {
    let rosters = settings.rosters.rosters(connection).await?;
    if rosters.is_empty() {
        return Ok(());
    }
    let office = Office {
        rosters: &rosters,
        directory: &settings.directory,
        calendar: &settings.calendar,
        utc_offset_minutes: settings.utc_offset_minutes,
    };
    let rows = query("SELECT e.seq, e.at, c.area_path FROM events e JOIN cases c ON c.id = e.case_id WHERE e.seq > $1 AND e.change IN ('opened', 'reported_again')")
        .bind(after)
        .fetch_all(&mut *connection)
        .await
        .map_err(sql("finding cases that call somebody"))?;
    let mut desks = BTreeMap::new();
    let mut calls = Vec::new();
    for row in &rows {
        let (event, at, path): (i64, i64, String) = (row.get(0), row.get(1), row.get(2));
        let first = desks
            .entry((path, at))
            .or_insert_with_key(|(path, at)| called(0, &office.desks(path, time(*at))));
        calls.extend(first.clone().map(|first| Call::of(event, first, time(at))));
    }
    write(connection, &calls).await
}

/// The people who speak for a unit.
pub(crate) async fn members(connection: &mut Connection, unit: &str) -> StoreResult<Vec<String>> {
    let rows = query("SELECT name FROM users WHERE unit = $1 AND role = 'unit' AND disabled_at IS NULL ORDER BY name LIMIT $2")
        .bind(unit)
        .bind(MEMBERS_MAX)
        .fetch_all(connection)
        .await
        .map_err(sql("finding the people of a unit"))?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Where the people are reached whom these events called, by event.
///
/// # Errors
/// When the store does not answer.
pub async fn addresses(
    store: &Store,
    events: &BTreeSet<i64>,
) -> StoreResult<BTreeMap<i64, Vec<Address>>> {
    let mut found: BTreeMap<i64, Vec<Address>> = BTreeMap::new();
    if events.is_empty() {
        return Ok(found);
    }
    let mut statement = QueryBuilder::new(
        "SELECT c.event_seq, u.email, u.phone FROM duty_calls c JOIN users u ON u.name = c.username WHERE u.disabled_at IS NULL AND c.event_seq IN (",
    );
    statement.push_list(events.iter().copied());
    statement.push(" ORDER BY c.event_seq, c.username");
    let rows = statement
        .build()
        .fetch_all(&store.readers)
        .await
        .map_err(sql("reading who is called"))?;
    for row in &rows {
        let address = Address {
            email: row.get(1),
            phone: row.get(2),
        };
        found.entry(row.get(0)).or_default().push(address);
    }
    Ok(found)
}
