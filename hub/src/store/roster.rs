//! Takeovers and consoles, as they are read for somebody.

use std::collections::BTreeMap;

use gridwatch_protocol::{Severity, Timestamp};
use sqlx::Row;

use super::database::QueryBuilder;
use super::{Store, StoreResult, sql, time};
use crate::access::Scope;
use crate::cases::CaseId;
use crate::roster::reports::{self, Open, severity};

/// A takeover of a shift.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakeoverRow {
    /// Its number.
    pub id: i64,
    /// Code of the area.
    pub area: String,
    /// Name of the shift.
    pub shift: String,
    /// When the shift began.
    pub shift_from: Timestamp,
    /// When it was taken over.
    pub at: Timestamp,
    /// By whom.
    pub taken_by: String,
    /// From whom, where anybody was there before.
    pub taken_from: Option<String>,
    /// What was said.
    pub note: String,
    /// How many cases were open.
    pub open_cases: i64,
}

/// A case that was open at a takeover.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakeoverCase {
    /// Number of the case in the store.
    pub id: CaseId,
    /// Its number for people.
    pub number: String,
    /// Its severity then.
    pub severity: Severity,
    /// Its state then.
    pub state: String,
}

/// A console, as it was heard of last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsoleRow {
    /// Whose.
    pub username: String,
    /// Whether its sound was on.
    pub armed: bool,
    /// Whether its page was visible.
    pub visible: bool,
    /// When it was heard.
    pub seen_at: Timestamp,
}

impl Store {
    /// Takeovers at desks that are seen, newest first, before the one with this number.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn takeovers(
        &self,
        scope: &Scope,
        area: Option<&str>,
        before: Option<i64>,
        limit: i64,
    ) -> StoreResult<Vec<TakeoverRow>> {
        let mut query = QueryBuilder::new(
            "SELECT id, area, shift, shift_from, at, taken_by, taken_from, note, open_cases FROM duty_takeovers WHERE 1 = 1",
        );
        scope.push_path(&mut query, "area_path");
        if let Some(area) = area {
            query.push(" AND area = ").push_bind(area);
        }
        if let Some(before) = before {
            query.push(" AND id < ").push_bind(before);
        }
        query.push(" ORDER BY id DESC LIMIT ").push_bind(limit);
        let rows = query
            .build()
            .fetch_all(&self.readers)
            .await
            .map_err(sql("listing takeovers"))?;
        let takeover = |row: &sqlx::any::AnyRow| TakeoverRow {
            id: row.get(0),
            area: row.get(1),
            shift: row.get(2),
            shift_from: time(row.get(3)),
            at: time(row.get(4)),
            taken_by: row.get(5),
            taken_from: row.get(6),
            note: row.get(7),
            open_cases: row.get(8),
        };
        Ok(rows.iter().map(takeover).collect())
    }

    /// The cases that were open at these takeovers, as far as they are seen.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn takeover_cases(
        &self,
        scope: &Scope,
        takeovers: &[i64],
    ) -> StoreResult<BTreeMap<i64, Vec<TakeoverCase>>> {
        let mut query = QueryBuilder::new(
            "SELECT t.takeover, c.id, c.number, t.severity, t.state FROM duty_takeover_cases t JOIN cases c ON c.id = t.case_id WHERE t.takeover IN (",
        );
        query.push_list(takeovers.iter().copied());
        scope.push_cases(&mut query, "c.");
        query.push(" ORDER BY t.takeover, t.severity, c.id");
        let rows = query
            .build()
            .fetch_all(&self.readers)
            .await
            .map_err(sql("listing the cases of takeovers"))?;
        let mut found: BTreeMap<i64, Vec<TakeoverCase>> = BTreeMap::new();
        for row in &rows {
            let one = TakeoverCase {
                id: row.get(1),
                number: row.get(2),
                severity: severity(row.get(3)),
                state: row.get(4),
            };
            found.entry(row.get(0)).or_default().push(one);
        }
        Ok(found)
    }

    /// Of each of these users the console that was heard last, one with its sound on before the others.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn consoles(&self, users: &[String]) -> StoreResult<BTreeMap<String, ConsoleRow>> {
        let mut query = QueryBuilder::new(
            "SELECT username, armed, visible, seen_at FROM duty_consoles WHERE username IN (",
        );
        query.push_list(users.iter());
        query.push(" ORDER BY armed, seen_at");
        let rows = query
            .build()
            .fetch_all(&self.readers)
            .await
            .map_err(sql("reading consoles"))?;
        let console = |row: &sqlx::any::AnyRow| ConsoleRow {
            username: row.get(0),
            armed: row.get::<i64, _>(1) == 1,
            visible: row.get::<i64, _>(2) == 1,
            seen_at: time(row.get(3)),
        };
        // The last one of a user stays.
        Ok(rows
            .iter()
            .map(console)
            .map(|one| (one.username.clone(), one))
            .collect())
    }

    /// What is missing at every desk at present.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn open_reports(&self) -> StoreResult<BTreeMap<String, Vec<Open>>> {
        reports::open(&mut *self.connection().await?).await
    }

    /// What the reports say that were told by these events, with their areas.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn reports_of(
        &self,
        events: &[i64],
    ) -> StoreResult<BTreeMap<i64, (String, reports::Report)>> {
        reports::of_events(&mut *self.connection().await?, events).await
    }
}
