//! What officers of the parent read: children with their counts, and their cases.

use gridwatch_protocol::{CaseDocument, SealedHeads, Timestamp, UpwardMark};
use sqlx::Row;
use sqlx::any::AnyRow;

use super::take::ChildSays;
use crate::access::Scope;
use crate::cases::{Actor, Role};
use crate::store::database::QueryBuilder;
use crate::store::{Store, StoreResult, from_json, sql, time};

/// What an officer sees of children's cases: those in their area; people of a unit only those that called
/// their unit.
#[derive(Debug, Clone)]
pub struct ChildScope {
    scope: Scope,
    unit: Option<Option<String>>,
}

impl ChildScope {
    /// Of this officer.
    #[must_use]
    pub fn of(actor: &Actor, scope: &Scope) -> Self {
        let of_unit = matches!(actor.role, Role::Unit | Role::Handler);
        Self {
            scope: scope.clone(),
            unit: of_unit.then(|| actor.unit.clone()),
        }
    }

    /// Whether they only see what calls their unit.
    #[must_use]
    pub fn is_of_a_unit(&self) -> bool {
        self.unit.is_some()
    }

    /// Adds ` AND …` over the columns of `child_cases c`.
    pub(crate) fn push(&self, query: &mut QueryBuilder) {
        self.scope.push_path(query, "c.area_path");
        match &self.unit {
            None => {}
            Some(None) => {
                query.push(" AND 1 = 0");
            }
            Some(Some(unit)) => {
                let escaped = unit
                    .replace('\\', "\\\\")
                    .replace('%', "\\%")
                    .replace('_', "\\_");
                query.push(" AND c.called LIKE ");
                query
                    .push_bind(format!("% {escaped} %"))
                    .push(" ESCAPE '\\'");
            }
        }
    }
}

/// Which case of which child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildCaseKey {
    /// The child.
    pub hub: String,
    /// The life of its store that opened the case.
    pub epoch: i64,
    /// The case.
    pub case: i64,
}

/// A case of a child.
#[derive(Debug, Clone, PartialEq)]
pub struct ChildCaseRow {
    /// Whose.
    pub hub: String,
    /// What the child told last.
    pub document: CaseDocument,
    /// When it came.
    pub received_at: Timestamp,
    /// Since when the child no longer has it: it was restored from an older backup.
    pub lost_at: Option<Timestamp>,
}

fn case_row(row: &AnyRow) -> StoreResult<ChildCaseRow> {
    Ok(ChildCaseRow {
        hub: row.get(0),
        document: from_json("case document", row.get(1))?,
        received_at: time(row.get(2)),
        lost_at: row.get::<Option<i64>, _>(3).map(time),
    })
}

/// Which cases of children.
#[derive(Debug, Clone, Default)]
pub struct ChildFilter {
    /// Only of this child.
    pub hub: Option<String>,
    /// Open ones, ended ones, or all.
    pub open: Option<bool>,
    /// Only these severities, 1 to 4; all when empty.
    pub severities: Vec<u8>,
    /// Only with a yellow or red card.
    pub cards: bool,
    /// Only open ones whose time was over before this.
    pub late_at: Option<Timestamp>,
    /// Only with a call that waits.
    pub calls: bool,
    /// Only with this state.
    pub state: Option<String>,
    /// Only what follows this place.
    pub after: Option<(u8, i64, ChildCaseKey)>,
    /// At most so many.
    pub limit: i64,
}

/// A child as officers see it.
#[derive(Debug, Clone)]
pub struct ChildState {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Code of its area.
    pub area: String,
    /// When it was heard last.
    pub last_heartbeat_at: Option<Timestamp>,
    /// When its key was taken away.
    pub revoked_at: Option<Timestamp>,
    /// Up to where nothing is missing.
    pub known: Option<UpwardMark>,
    /// What it said of itself.
    pub says: Option<ChildSays>,
    /// What is wrong with its signed heads.
    pub audit_problem: Option<String>,
    /// The newest of its signed heads.
    pub head: Option<SealedHeads>,
}

/// Counts of a child's open cases; drills and lost cases are not counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChildCounts {
    /// By severity 1 to 4.
    pub open: [i64; 4],
    /// With a yellow card.
    pub yellow: i64,
    /// With a red card.
    pub red: i64,
    /// Whose time is over.
    pub late: i64,
    /// With a call that waits for an answer.
    pub calls: i64,
}

impl Store {
    /// Children whose area is seen, by id.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn children(&self, scope: &Scope) -> StoreResult<Vec<ChildState>> {
        let mut query = QueryBuilder::new(
            "SELECT h.id, h.name, h.area, h.revoked_at, s.last_heartbeat_at, s.known_epoch, s.known_sequence, s.audit_problem, s.body, (SELECT d.body FROM child_heads d WHERE d.hub = h.id ORDER BY d.epoch DESC, d.audit_links DESC, d.transition_links DESC LIMIT 1) FROM child_hubs h JOIN child_status s ON s.hub = h.id WHERE 1 = 1",
        );
        scope.push_path(&mut query, "h.area_path");
        query.push(" ORDER BY h.id");
        let rows = query
            .build()
            .fetch_all(&self.readers)
            .await
            .map_err(sql("listing child hubs"))?;
        rows.iter().map(child_state).collect()
    }

    /// Counts of each child's open cases that are seen.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn child_counts(
        &self,
        scope: &ChildScope,
        now: Timestamp,
    ) -> StoreResult<Vec<(String, ChildCounts)>> {
        let mut query = QueryBuilder::new(
            "SELECT c.hub, c.severity, COUNT(*), COUNT(CASE WHEN c.card = 'yellow' THEN 1 END), COUNT(CASE WHEN c.card = 'red' THEN 1 END), COUNT(CASE WHEN c.due_at < ",
        );
        query.push_bind(now.unix_ms());
        query.push(" THEN 1 END), COUNT(CASE WHEN c.calls_waiting > 0 THEN 1 END) FROM child_cases c WHERE c.is_open = 1 AND c.is_drill = 0 AND c.lost_at IS NULL");
        scope.push(&mut query);
        query.push(" GROUP BY c.hub, c.severity ORDER BY c.hub");
        let rows = query
            .build()
            .fetch_all(&self.readers)
            .await
            .map_err(sql("counting children's cases"))?;
        let mut found: Vec<(String, ChildCounts)> = Vec::new();
        for row in &rows {
            let hub: String = row.get(0);
            if found.last().is_none_or(|(last, _)| *last != hub) {
                found.push((hub, ChildCounts::default()));
            }
            let (_, counts) = found.last_mut().expect("pushed above");
            let severity = usize::try_from(row.get::<i64, _>(1)).unwrap_or(0);
            if let Some(open) = counts.open.get_mut(severity.wrapping_sub(1)) {
                *open += row.get::<i64, _>(2);
            }
            counts.yellow += row.get::<i64, _>(3);
            counts.red += row.get::<i64, _>(4);
            counts.late += row.get::<i64, _>(5);
            counts.calls += row.get::<i64, _>(6);
        }
        Ok(found)
    }

    /// Cases of children: the most urgent first, then the oldest.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn child_cases(
        &self,
        filter: &ChildFilter,
        scope: &ChildScope,
    ) -> StoreResult<Vec<ChildCaseRow>> {
        let mut query = QueryBuilder::new(
            "SELECT c.hub, c.body, c.received_at, c.lost_at FROM child_cases c WHERE c.is_drill = 0",
        );
        scope.push(&mut query);
        if let Some(hub) = &filter.hub {
            query.push(" AND c.hub = ").push_bind(hub);
        }
        query.push(match filter.open {
            Some(true) => " AND c.is_open = 1 AND c.lost_at IS NULL",
            Some(false) => " AND (c.is_open = 0 OR c.lost_at IS NOT NULL)",
            None => "",
        });
        if !filter.severities.is_empty() {
            query.push(" AND c.severity IN (");
            query.push_list(filter.severities.iter());
        }
        if filter.cards {
            query.push(" AND c.card IN ('yellow', 'red')");
        }
        if let Some(now) = filter.late_at {
            query.push(" AND c.is_open = 1 AND c.due_at < ");
            query.push_bind(now.unix_ms());
        }
        if filter.calls {
            query.push(" AND c.calls_waiting > 0");
        }
        if let Some(state) = &filter.state {
            query.push(" AND c.state = ").push_bind(state);
        }
        if let Some((severity, at, key)) = &filter.after {
            query.push(" AND (c.severity, c.opened_at, c.hub, c.case_epoch, c.case_id) > (");
            query.push_bind(*severity).push(", ").push_bind(*at);
            query.push(", ").push_bind(&key.hub).push(", ");
            query.push_bind(key.epoch).push(", ").push_bind(key.case);
            query.push(")");
        }
        query.push(" ORDER BY c.severity, c.opened_at, c.hub, c.case_epoch, c.case_id LIMIT ");
        query.push_bind(filter.limit);
        let rows = query
            .build()
            .fetch_all(&self.readers)
            .await
            .map_err(sql("listing children's cases"))?;
        rows.iter().map(case_row).collect()
    }

    /// One case of a child, if it is seen.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn child_case(
        &self,
        key: &ChildCaseKey,
        scope: &ChildScope,
    ) -> StoreResult<Option<ChildCaseRow>> {
        let mut query = QueryBuilder::new(
            "SELECT c.hub, c.body, c.received_at, c.lost_at FROM child_cases c WHERE c.hub = ",
        );
        query.push_bind(&key.hub).push(" AND c.case_epoch = ");
        query.push_bind(key.epoch).push(" AND c.case_id = ");
        query.push_bind(key.case);
        scope.push(&mut query);
        let row = query
            .build()
            .fetch_optional(&self.readers)
            .await
            .map_err(sql("finding a child's case"))?;
        row.as_ref().map(case_row).transpose()
    }
}

fn child_state(row: &AnyRow) -> StoreResult<ChildState> {
    let known_epoch: Option<i64> = row.get(5);
    let known_sequence: Option<i64> = row.get(6);
    let says = row.get::<Option<String>, _>(8);
    let head = row.get::<Option<String>, _>(9);
    Ok(ChildState {
        id: row.get(0),
        name: row.get(1),
        area: row.get(2),
        revoked_at: row.get::<Option<i64>, _>(3).map(time),
        last_heartbeat_at: row.get::<Option<i64>, _>(4).map(time),
        known: known_epoch
            .zip(known_sequence)
            .map(|(epoch, sequence)| UpwardMark { epoch, sequence }),
        audit_problem: row.get(7),
        says: says
            .map(|body| from_json("child's heartbeat", &body))
            .transpose()?,
        head: head
            .map(|body| from_json("signed head", &body))
            .transpose()?,
    })
}
