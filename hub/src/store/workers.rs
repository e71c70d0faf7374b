//! Where people who work outside last said that they are. One row for each person, none older than a day: a
//! place to send somebody from, never a track.

use std::collections::BTreeMap;

use gridwatch_protocol::Timestamp;
use sqlx::Row;

use super::database::{Connection, QueryBuilder, query};
use super::{Store, StoreResult, sql, time};
use crate::access::Scope;
use crate::cases::{CaseId, Role, State, Transition};
use crate::roster::reports::severity;
use gridwatch_protocol::Severity;

/// A position is forgotten after so long: no shift is longer than a day.
const KEPT_MS: i64 = 86_400_000;
/// At most so many tasks are given at once: those of the most urgent cases.
const TASKS_MAX: i64 = 5_000;

/// A position that somebody reported with an action.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReportedPosition {
    /// When they were there.
    pub at: Timestamp,
    /// Latitude, WGS84.
    pub lat: f64,
    /// Longitude, WGS84.
    pub lon: f64,
    /// How exact it is, in metres.
    pub accuracy_m: Option<i64>,
}

/// Somebody who works outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worker {
    /// Sign-in name.
    pub username: String,
    /// Name for people.
    pub display_name: String,
    /// What they may do.
    pub role: Role,
    /// Code of their unit.
    pub unit: Option<String>,
    /// Code of the area that they work for.
    pub area: Option<String>,
}

/// An open case that somebody outside has to do with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Number of the case in the store.
    pub case: CaseId,
    /// Its number for people.
    pub number: String,
    /// Its severity.
    pub severity: Severity,
    /// Its state.
    pub state: String,
    /// Who handles it.
    pub handler: Option<String>,
    /// Where it is; empty when that is not known.
    pub area_path: String,
}

/// Keeps the positions that these steps carry: of people who work outside, the newest of each.
pub(super) async fn keep_positions(
    connection: &mut Connection,
    transitions: &[(CaseId, Transition)],
) -> StoreResult<()> {
    let keeping = "keeping a reported position";
    for (case, step) in transitions {
        let details = step.details.as_ref();
        let Some(position) = details.and_then(|details| details.position.as_ref()) else {
            continue;
        };
        // Sent later out of a cellar; never from the future, however the phone's clock stands.
        let at = position.at.map_or(step.at, |at| at.min(step.at));
        query("DELETE FROM worker_positions WHERE at < $1")
            .bind(step.at.unix_ms() - KEPT_MS)
            .execute(&mut *connection)
            .await
            .map_err(sql(keeping))?;
        query("INSERT INTO worker_positions (username, case_id, at, lat, lon, accuracy_m) SELECT name, CAST($2 AS BIGINT), CAST($3 AS BIGINT), CAST($4 AS DOUBLE PRECISION), CAST($5 AS DOUBLE PRECISION), CAST($6 AS BIGINT) FROM users WHERE name = $1 AND role IN ('unit', 'handler', 'checker') ON CONFLICT (username) DO UPDATE SET case_id = excluded.case_id, at = excluded.at, lat = excluded.lat, lon = excluded.lon, accuracy_m = excluded.accuracy_m WHERE excluded.at >= worker_positions.at")
            .bind(&step.actor)
            .bind(*case)
            .bind(at.unix_ms())
            .bind(position.lat)
            .bind(position.lon)
            .bind(position.accuracy_m.map(i64::from))
            .execute(&mut *connection)
            .await
            .map_err(sql(keeping))?;
    }
    Ok(())
}

impl Store {
    /// Of these people those who work outside: units, handlers and checkers who may sign in, by name.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn workers(&self, names: &[&str]) -> StoreResult<Vec<Worker>> {
        let mut query = QueryBuilder::new(
            "SELECT name, display_name, role, unit, area FROM users WHERE disabled_at IS NULL AND role IN ('unit', 'handler', 'checker') AND name IN (",
        );
        query.push_list(names.iter().copied());
        query.push(" ORDER BY name");
        let rows = query.build().fetch_all(&self.readers).await;
        let rows = rows.map_err(sql("reading who works outside"))?;
        let worker = |row: &sqlx::any::AnyRow| {
            Some(Worker {
                username: row.get(0),
                display_name: row.get(1),
                role: Role::from_name(row.get(2))?,
                unit: row.get(3),
                area: row.get(4),
            })
        };
        Ok(rows.iter().filter_map(worker).collect())
    }

    /// The last positions that these people reported at cases that the caller sees.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn reported_positions(
        &self,
        scope: &Scope,
        names: &[&str],
    ) -> StoreResult<BTreeMap<String, ReportedPosition>> {
        let mut query = QueryBuilder::new(
            "SELECT p.username, p.at, p.lat, p.lon, p.accuracy_m FROM worker_positions p JOIN cases c ON c.id = p.case_id WHERE p.username IN (",
        );
        query.push_list(names.iter().copied());
        scope.push_cases(&mut query, "c.");
        let rows = query.build().fetch_all(&self.readers).await;
        let rows = rows.map_err(sql("reading reported positions"))?;
        let position = |row: &sqlx::any::AnyRow| ReportedPosition {
            at: time(row.get(1)),
            lat: row.get(2),
            lon: row.get(3),
            accuracy_m: row.get(4),
        };
        Ok(rows.iter().map(|row| (row.get(0), position(row))).collect())
    }

    /// Open cases that the caller sees and that one of these people handles, or whose result waits to be
    /// checked; the most urgent first. Drills are left out.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn tasks_outside(&self, scope: &Scope, names: &[&str]) -> StoreResult<Vec<Task>> {
        let mut query = QueryBuilder::new(
            "SELECT c.id, c.number, c.severity, c.state, c.handler, c.area_path FROM cases c WHERE c.is_open = 1 AND c.is_drill = 0 AND (c.state IN (",
        );
        query.push_list(
            [State::Feedback, State::PostCheck]
                .map(State::as_str)
                .into_iter(),
        );
        query.push(" OR c.handler IN (");
        query.push_list(names.iter().copied());
        query.push(")");
        scope.push_cases(&mut query, "c.");
        query
            .push(" ORDER BY c.severity, c.opened_at, c.id LIMIT ")
            .push_bind(TASKS_MAX);
        let rows = query.build().fetch_all(&self.readers).await;
        let rows = rows.map_err(sql("reading the tasks of people outside"))?;
        let task = |row: &sqlx::any::AnyRow| Task {
            case: row.get(0),
            number: row.get(1),
            severity: severity(row.get(2)),
            state: row.get(3),
            handler: row.get(4),
            area_path: row.get(5),
        };
        Ok(rows.iter().map(task).collect())
    }
}
