//! Adding up the figures of cases, in one pass over the rows of a period.

use std::collections::BTreeMap;

use gridwatch_protocol::Timestamp;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::super::database::QueryBuilder;
use super::super::{Store, StoreResult, sql};
use crate::access::Scope;
use crate::reports::counts::Counts;
use crate::reports::figures::Sums;

/// Columns with the times of `STEPS`, in their order. A merged case has none.
const TIMES: [&str; 5] = [
    "f.acknowledge_ms",
    "f.file_ms",
    "f.dispatch_ms",
    "f.handle_ms",
    "f.close_ms",
];

/// What cases are put together by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// All in one group.
    Nothing,
    /// Their unit; empty for none.
    Unit,
    /// The path of their grid; empty for an unknown place.
    Grid,
    /// Their category.
    Category,
    /// Their severity, `1` to `4`.
    Severity,
    /// Who acknowledged them; empty for nobody.
    Officer,
}

impl By {
    fn column(self) -> &'static str {
        match self {
            By::Nothing => "''",
            By::Unit => "COALESCE(f.unit, '')",
            By::Grid => "f.area_path",
            By::Category => "f.category",
            By::Officer => "COALESCE(f.acknowledged_by, '')",
            By::Severity => "CAST(f.severity AS TEXT)",
        }
    }
}

/// Which cases.
#[derive(Debug, Clone, Copy)]
pub struct CaseGroup<'a> {
    /// Reported at this instant or later.
    pub from: Timestamp,
    /// And before this one.
    pub until: Timestamp,
    /// The time of the report: what is overdue then.
    pub now: Timestamp,
    /// Who asks.
    pub scope: &'a Scope,
    /// Only of this unit.
    pub unit: Option<&'a str>,
    /// Only of this category.
    pub category: Option<&'a str>,
}

/// What stands now, whenever it was reported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// Open cases with a yellow card.
    pub yellow_cards: i64,
    /// Open cases with a red card.
    pub red_cards: i64,
    /// Open cases whose limit of disposal is over.
    pub overdue: i64,
}

impl Store {
    /// Cards of open cases, and how many are overdue.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn standing(&self, scope: &Scope, now: Timestamp) -> StoreResult<Standing> {
        let mut cards = QueryBuilder::new(
            "SELECT COUNT(CASE WHEN f.card = 1 THEN 1 END), COUNT(CASE WHEN f.card = 2 THEN 1 END) FROM case_figures f WHERE f.outcome = 'open' AND f.is_drill = 0 AND f.card > 0",
        );
        scope.push_cases(&mut cards, "f.");
        let mut overdue = QueryBuilder::new(
            "SELECT COUNT(*) FROM case_figures f WHERE f.is_drill = 0 AND f.handle_due_at < ",
        );
        overdue.push_bind(now.unix_ms());
        scope.push_cases(&mut overdue, "f.");
        let counting = "counting what stands";
        let cards = cards.build().fetch_one(&self.readers).await;
        let cards = cards.map_err(sql(counting))?;
        let overdue = overdue.build().fetch_one(&self.readers).await;
        Ok(Standing {
            yellow_cards: cards.get(0),
            red_cards: cards.get(1),
            overdue: overdue.map_err(sql(counting))?.get(0),
        })
    }

    /// The sums of cases, for each group that has any.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn case_sums(
        &self,
        group: CaseGroup<'_>,
        by: By,
    ) -> StoreResult<BTreeMap<String, Sums>> {
        let mut query = statement(&group, by);
        let rows = query
            .build()
            .fetch_all(&self.readers)
            .await
            .map_err(sql("adding up figures of cases"))?;
        Ok(rows.iter().map(|row| (row.get(0), sums(row))).collect())
    }
}

pub(super) fn statement(group: &CaseGroup<'_>, by: By) -> QueryBuilder {
    let now = group.now.unix_ms();
    let mut query = QueryBuilder::new("SELECT ");
    query.push(by.column()).push(" AS grouped_by");
    for expression in Counts::SQL {
        // `CASE WHEN … THEN 1`, or with values of its own.
        query.push(", CAST(COALESCE(SUM(CASE WHEN ");
        for (i, piece) in expression.split("$now").enumerate() {
            if i > 0 {
                query.push_bind(now);
            }
            query.push(piece);
        }
        query.push(" THEN 1 ELSE 0 END), 0) AS BIGINT)");
    }
    for column in TIMES {
        query.push(", string_agg(CASE WHEN f.is_drill = 0 AND f.outcome <> 'merged' THEN CAST(");
        query.push(column).push(" AS TEXT) END, ',')");
    }
    query.push(" FROM case_figures f WHERE f.opened_at >= ");
    query.push_bind(group.from.unix_ms());
    query.push(" AND f.opened_at < ");
    query.push_bind(group.until.unix_ms());
    group.scope.push_cases(&mut query, "f.");
    if let Some(unit) = group.unit {
        query.push(" AND f.unit = ").push_bind(unit);
    }
    if let Some(category) = group.category {
        query.push(" AND f.category = ").push_bind(category);
    }
    if by != By::Nothing {
        query.push(" GROUP BY ").push(by.column());
    }
    query
}

fn sums(row: &AnyRow) -> Sums {
    let mut sums = Sums {
        counts: Counts::read(row, 1),
        ..Sums::default()
    };
    for (step, times) in sums.times.iter_mut().enumerate() {
        *times = numbers(row.get(1 + Counts::NAMES.len() + step));
    }
    sums
}

/// Numbers that were joined with commas.
pub(super) fn numbers(text: Option<String>) -> Vec<i64> {
    let text = text.unwrap_or_default();
    text.split(',').filter_map(|n| n.parse().ok()).collect()
}
