//! Reading cases for officers: pages, single cases, counts.

use std::collections::BTreeMap;

use gridwatch_protocol::{Severity, SiteId, Timestamp};
use sqlx::Row;

use super::database::{Connection, QueryBuilder, query};
use super::intake::alert_record;
use super::{Store, StoreResult, from_json, sql};
use crate::access::Scope;
use crate::cases::{AlertRecord, Card, Case, CaseId, Question, State, Transition};

/// Which cases.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Which {
    /// Open ones: most urgent first, then oldest.
    #[default]
    Open,
    /// Ended ones: newest end first.
    Ended,
    /// All: newest first.
    All,
}

/// Whether drills and tests are listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Drills {
    /// Only real cases.
    #[default]
    Without,
    /// Both.
    With,
    /// Only drills and tests.
    Only,
}

/// Whether cases are listed that a silence hides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Hidden {
    /// Only what is shown.
    #[default]
    Without,
    /// Both.
    With,
    /// Only what is hidden.
    Only,
}

/// Which questions that wait for a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// Whatever is asked.
    Any,
    /// Only this one.
    For(Question),
}

/// What to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Which cases.
    pub which: Which,
    /// Whether drills are among them.
    pub drills: Drills,
    /// Whether what a silence hides is among them.
    pub hidden: Hidden,
    /// Only those that were opened in this flood.
    pub flood: Option<i64>,
    /// Only these severities; all when empty.
    pub severities: Vec<Severity>,
    /// Only of this site.
    pub site: Option<SiteId>,
    /// Only with this text in number, site, place, device, category or kind.
    pub text: Option<String>,
    /// Only in this state.
    pub state: Option<State>,
    /// Only of this category.
    pub category: Option<String>,
    /// Only of this unit.
    pub unit: Option<String>,
    /// Only with this card.
    pub card: Option<Card>,
    /// Only what waits for somebody's decision.
    pub waits_for: Option<Waiting>,
    /// Only what this officer has acknowledged or handles.
    pub of: Option<String>,
    /// Only what had to be done before this time; what is suspended has all the time.
    pub due_before: Option<Timestamp>,
    /// Only opened at this time or later.
    pub since: Option<Timestamp>,
    /// Only opened before this time.
    pub until: Option<Timestamp>,
    /// Only what follows this case in the order.
    pub after: Option<Cursor>,
    /// At most this many.
    pub limit: i64,
}

/// Place in the order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Severity, in the order of open cases; else 0.
    pub severity: u8,
    /// Opening or ending, in milliseconds; 0 in the order of all.
    pub at: i64,
    /// The case.
    pub id: CaseId,
}

impl Cursor {
    /// The place of a case.
    #[must_use]
    pub fn of(case: &Case, which: Which) -> Self {
        let (severity, at) = match which {
            Which::Open => (case.severity.alarm_priority(), case.opened_at.unix_ms()),
            Which::Ended => (0, case.ended_at.map_or(0, Timestamp::unix_ms)),
            Which::All => (0, 0),
        };
        Self {
            severity,
            at,
            id: case.id,
        }
    }
}

/// How an officer's hour went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Load {
    /// Cases acknowledged by the officer in the last hour.
    pub acknowledged_last_hour: i64,
    /// Cases opened in the last hour.
    pub opened_last_hour: i64,
    /// Opening of the oldest case that nobody has acknowledged, in milliseconds.
    pub oldest_unacknowledged_at: Option<i64>,
}

const ALERTS: &str = "SELECT gateway, case_id, category, messages, arrived_at, joined_at, cleared_at, because, body FROM alerts WHERE case_id = $1 ORDER BY joined_at, id LIMIT $2";

impl Store {
    /// A page of cases.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn list_cases(&self, filter: &Filter, scope: &Scope) -> StoreResult<Vec<Case>> {
        let mut query = page(filter, scope);
        let rows = query
            .build()
            .fetch_all(&self.readers)
            .await
            .map_err(sql("listing cases"))?;
        rows.iter()
            .map(|row| from_json("case", row.get(0)))
            .collect()
    }

    /// These cases, by id; absent ones, and those that are not seen, are left out.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn cases_by_id(
        &self,
        ids: &[CaseId],
        scope: &Scope,
    ) -> StoreResult<BTreeMap<CaseId, Case>> {
        let mut query = QueryBuilder::new("SELECT body FROM cases WHERE id IN (");
        query.push_list(ids.iter());
        scope.push_cases(&mut query, "");
        let rows = query
            .build()
            .fetch_all(&self.readers)
            .await
            .map_err(sql("reading cases"))?;
        let cases = rows.iter().map(|row| from_json::<Case>("case", row.get(0)));
        cases.map(|case| case.map(|case| (case.id, case))).collect()
    }

    /// One case, if it is seen.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn case(&self, id: CaseId, scope: &Scope) -> StoreResult<Option<Case>> {
        Ok(self.cases_by_id(&[id], scope).await?.remove(&id))
    }

    /// The alerts of a case, in the order in which they joined.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn alerts_of(&self, id: CaseId, limit: i64) -> StoreResult<Vec<AlertRecord>> {
        let rows = query(ALERTS)
            .bind(id)
            .bind(limit)
            .fetch_all(&self.readers)
            .await
            .map_err(sql("reading a case's alerts"))?;
        rows.iter().map(alert_record).collect()
    }

    /// The history of a case, in order.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn transitions_of(&self, id: CaseId) -> StoreResult<Vec<Transition>> {
        let rows = query("SELECT body FROM transitions WHERE case_id = $1 ORDER BY seq")
            .bind(id)
            .fetch_all(&self.readers)
            .await
            .map_err(sql("reading a case's history"))?;
        rows.iter()
            .map(|row| from_json("transition", row.get(0)))
            .collect()
    }

    /// How many real cases are open, by severity 1 to 4.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn open_by_severity(&self, scope: &Scope) -> StoreResult<[i64; 4]> {
        let mut query = QueryBuilder::new(
            "SELECT severity, COUNT(*) FROM cases WHERE is_open = 1 AND is_drill = 0 AND silenced_by IS NULL",
        );
        scope.push_cases(&mut query, "");
        query.push(" GROUP BY severity");
        let rows = query
            .build()
            .fetch_all(&self.readers)
            .await
            .map_err(sql("counting open cases"))?;
        let mut counts = [0; 4];
        for row in rows {
            let severity = usize::try_from(row.get::<i64, _>(0)).unwrap_or(0);
            if let Some(count) = counts.get_mut(severity.wrapping_sub(1)) {
                *count = row.get(1);
            }
        }
        Ok(counts)
    }

    /// How the last hour went, for one officer.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn load_since(
        &self,
        username: &str,
        since: Timestamp,
        scope: &Scope,
    ) -> StoreResult<Load> {
        let since = since.unix_ms();
        let mut acknowledged = QueryBuilder::new(
            "SELECT COUNT(*) FROM cases WHERE is_drill = 0 AND acknowledged_at >= ",
        );
        acknowledged
            .push_bind(since)
            .push(" AND acknowledged_by = ");
        acknowledged.push_bind(username);
        let mut opened = QueryBuilder::new(
            "SELECT COUNT(*) FROM case_figures WHERE is_drill = 0 AND opened_at >= ",
        );
        opened.push_bind(since);
        let oldest = QueryBuilder::new(
            "SELECT MIN(opened_at) FROM cases WHERE is_open = 1 AND acknowledged_at IS NULL AND is_drill = 0 AND silenced_by IS NULL",
        );
        Ok(Load {
            acknowledged_last_hour: self.number(acknowledged, scope).await?.unwrap_or(0),
            opened_last_hour: self.number(opened, scope).await?.unwrap_or(0),
            oldest_unacknowledged_at: self.number(oldest, scope).await?,
        })
    }

    /// One number about the cases that are seen.
    async fn number(&self, mut query: QueryBuilder, scope: &Scope) -> StoreResult<Option<i64>> {
        scope.push_cases(&mut query, "");
        let row = query
            .build()
            .fetch_one(&self.readers)
            .await
            .map_err(sql("counting an officer's cases"))?;
        Ok(row.get(0))
    }
}

/// The statement of a page. Which cases are on it is found in indexes alone; only they are read.
pub(super) fn page(filter: &Filter, scope: &Scope) -> QueryBuilder {
    let order = match filter.which {
        Which::Open => " ORDER BY severity, opened_at, id",
        Which::Ended => " ORDER BY ended_at DESC, id DESC",
        Which::All => " ORDER BY id DESC",
    };
    let mut query = QueryBuilder::new("SELECT body FROM cases WHERE id IN (SELECT id FROM (");
    match filter.which {
        Which::Open => push_found(&mut query, filter, scope, "is_open = 1"),
        Which::Ended => push_found(&mut query, filter, scope, "is_open = 0"),
        // In a small area the open ones and the ended ones are each found by their place.
        Which::All if scope.is_narrow() => {
            push_found(&mut query, filter, scope, "is_open = 1");
            query.push(" UNION ALL ");
            push_found(&mut query, filter, scope, "is_open = 0");
        }
        Which::All => push_found(&mut query, filter, scope, "id > 0"),
    }
    query.push(") AS found").push(order).push(" LIMIT ");
    query.push_bind(filter.limit).push(")").push(order);
    query
}

fn push_found(query: &mut QueryBuilder, filter: &Filter, scope: &Scope, which: &'static str) {
    query.push(match filter.which {
        Which::Open => "SELECT id, severity, opened_at FROM cases WHERE ",
        Which::Ended => "SELECT id, ended_at FROM cases WHERE ",
        Which::All => "SELECT id FROM cases WHERE ",
    });
    query.push(which);
    query.push(match filter.drills {
        Drills::Without => " AND is_drill = 0",
        Drills::With => "",
        Drills::Only => " AND is_drill = 1",
    });
    query.push(match filter.hidden {
        Hidden::Without => " AND silenced_by IS NULL",
        Hidden::With => "",
        Hidden::Only => " AND silenced_by IS NOT NULL",
    });
    if let Some(flood) = filter.flood {
        query.push(" AND flood = ").push_bind(flood);
    }
    scope.push_cases(query, "");
    if !filter.severities.is_empty() {
        query.push(" AND severity IN (");
        query.push_list(filter.severities.iter().map(|s| s.alarm_priority()));
    }
    if let Some(site) = &filter.site {
        query.push(" AND site = ").push_bind(site.as_str());
    }
    if let Some(text) = &filter.text {
        let escaped = text
            .to_lowercase()
            .replace('\\', "\\\\")
            .replace('%', "\\%")
            .replace('_', "\\_");
        query
            .push(" AND search LIKE ")
            .push_bind(format!("%{escaped}%"))
            .push(" ESCAPE '\\'");
    }
    push_filters(query, filter);
    if let Some(after) = filter.after {
        push_after(query, filter.which, after);
    }
}

/// What an operator looks for, beside severity, site and text.
fn push_filters(query: &mut QueryBuilder, filter: &Filter) {
    if let Some(state) = filter.state {
        query.push(" AND state = ").push_bind(state.as_str());
    }
    if let Some(category) = &filter.category {
        query.push(" AND category = ").push_bind(category);
    }
    if let Some(unit) = &filter.unit {
        query.push(" AND unit = ").push_bind(unit);
    }
    if let Some(card) = filter.card {
        query.push(" AND card = ").push_bind(card.as_str());
    }
    if let Some(waiting) = filter.waits_for {
        let wanted: &[Question] = match &waiting {
            Waiting::Any => &Question::ALL,
            Waiting::For(what) => std::slice::from_ref(what),
        };
        // SQLite takes the index of what waits only where it is told that there is something, and values are
        // dearer to it than a walk along the numbers.
        query.push(" AND waits_for IS NOT NULL AND waits_for IN (");
        query.push_list(wanted.iter().map(|what| what.as_str()));
    }
    if let Some(name) = &filter.of {
        query.push(" AND (acknowledged_by = ").push_bind(name);
        query.push(" OR handler = ").push_bind(name).push(")");
    }
    if let Some(before) = filter.due_before {
        query.push(" AND state <> 'suspended' AND due_at < ");
        query.push_bind(before.unix_ms());
    }
    if let Some(since) = filter.since {
        query.push(" AND opened_at >= ").push_bind(since.unix_ms());
    }
    if let Some(until) = filter.until {
        query.push(" AND opened_at < ").push_bind(until.unix_ms());
    }
}

fn push_after(query: &mut QueryBuilder, which: Which, after: Cursor) {
    match which {
        Which::Open => {
            query
                .push(" AND (severity, opened_at, id) > (")
                .push_bind(i64::from(after.severity));
            query
                .push(", ")
                .push_bind(after.at)
                .push(", ")
                .push_bind(after.id)
                .push(")");
        }
        Which::Ended => {
            query.push(" AND (ended_at, id) < (").push_bind(after.at);
            query.push(", ").push_bind(after.id).push(")");
        }
        Which::All => {
            query.push(" AND id < ").push_bind(after.id);
        }
    }
}

/// A case as the writer sees it.
pub(crate) async fn load_case(
    connection: &mut Connection,
    id: CaseId,
) -> StoreResult<Option<Case>> {
    load_seen_case(connection, id, &Scope::whole()).await
}

/// A case as the writer sees it, if somebody else sees it, too.
pub(crate) async fn load_seen_case(
    connection: &mut Connection,
    id: CaseId,
    scope: &Scope,
) -> StoreResult<Option<Case>> {
    let mut query = QueryBuilder::new("SELECT body FROM cases WHERE id = ");
    query.push_bind(id);
    scope.push_cases(&mut query, "");
    let row = query
        .build()
        .fetch_optional(connection)
        .await
        .map_err(sql("loading a case"))?;
    row.map(|row| from_json("case", row.get(0))).transpose()
}
