//! Rows of `case_figures`: written with every change of a case, read by reports.
//!
//! A row is derived: it can be worked out again from the case and its clocks at any time, and the commit that
//! changes a case writes it. Reports read nothing but committed rows.

mod alarms;
#[cfg(test)]
mod plans;
mod read;

use super::commit::insert;
use super::database::{Connection, Frame, query};
use super::{StoreResult, sql};
use crate::cases::{Card, Case};
use crate::reports::facts::CaseFigures;

pub use alarms::{ActivityRow, AlarmSource, Announced};
pub use read::{By, CaseGroup, Standing};

const CHANGED: Frame = (
    "INSERT INTO case_figures (id, opened_at, category, severity, is_drill, outcome, cause, unit, acknowledged_by, acknowledge_ms, acknowledge_late, file_ms, dispatch_ms, handle_ms, handle_late, handle_due_at, close_ms, close_late, close_due_at, is_filed, is_dispatched, is_handled, reworks, sent_back, reopened, extensions_asked, extensions_granted, suspensions_asked, suspensions_granted, appeal, card, card_worst, rating, is_current)",
    " ON CONFLICT (id) DO UPDATE SET opened_at = excluded.opened_at, category = excluded.category, severity = excluded.severity, is_drill = excluded.is_drill, outcome = excluded.outcome, cause = excluded.cause, unit = excluded.unit, acknowledged_by = excluded.acknowledged_by, acknowledge_ms = excluded.acknowledge_ms, acknowledge_late = excluded.acknowledge_late, file_ms = excluded.file_ms, dispatch_ms = excluded.dispatch_ms, handle_ms = excluded.handle_ms, handle_late = excluded.handle_late, handle_due_at = excluded.handle_due_at, close_ms = excluded.close_ms, close_late = excluded.close_late, close_due_at = excluded.close_due_at, is_filed = excluded.is_filed, is_dispatched = excluded.is_dispatched, is_handled = excluded.is_handled, reworks = excluded.reworks, sent_back = excluded.sent_back, reopened = excluded.reopened, extensions_asked = excluded.extensions_asked, extensions_granted = excluded.extensions_granted, suspensions_asked = excluded.suspensions_asked, suspensions_granted = excluded.suspensions_granted, appeal = excluded.appeal, card = excluded.card, card_worst = excluded.card_worst, rating = excluded.rating, is_current = excluded.is_current",
);

/// Adds the rows of cases that were just stored as opened; their numbers follow each other.
pub(crate) async fn add(connection: &mut Connection, opened: &[&Case]) -> StoreResult<()> {
    let ids = || opened.iter().map(|case| case.id);
    let (Some(first), Some(last)) = (ids().min(), ids().max()) else {
        return Ok(());
    };
    query("INSERT INTO case_figures (id, opened_at, area_path, category, severity, is_drill) SELECT id, opened_at, area_path, category, severity, is_drill FROM cases WHERE id >= $1 AND id <= $2")
        .bind(first)
        .bind(last)
        .execute(connection)
        .await
        .map(drop)
        .map_err(sql("adding cases to reports"))
}

/// Stores what these cases contribute now.
pub(crate) async fn write(
    connection: &mut Connection,
    figures: &[(&Case, CaseFigures)],
) -> StoreResult<()> {
    insert(
        connection,
        "storing figures of cases",
        CHANGED,
        figures,
        |row, (case, figures)| {
            let card = |card: Card| card as i64;
            let progress = &case.progress;
            row.push_bind(case.id)
                .push_bind(case.opened_at.unix_ms())
                .push_bind(&case.category)
                .push_bind(case.severity.alarm_priority())
                .push_bind(case.is_drill)
                .push_bind(figures.outcome.as_str())
                .push_bind(&figures.cause)
                .push_bind(&figures.unit)
                .push_bind(&figures.acknowledged_by)
                .push_bind(figures.acknowledge_ms)
                .push_bind(figures.acknowledge_late)
                .push_bind(figures.file_ms)
                .push_bind(figures.dispatch_ms)
                .push_bind(figures.handle_ms)
                .push_bind(figures.handle_late)
                .push_bind(figures.handle_due_at.map(|at| at.unix_ms()))
                .push_bind(figures.close_ms)
                .push_bind(figures.close_late)
                .push_bind(figures.close_due_at.map(|at| at.unix_ms()))
                .push_bind(figures.is_filed)
                .push_bind(figures.is_dispatched)
                .push_bind(figures.is_handled)
                .push_bind(progress.reworks)
                .push_bind(i64::try_from(progress.sent_back_by.len()).unwrap_or(i64::MAX))
                .push_bind(progress.reopened)
                .push_bind(progress.asked_extension)
                .push_bind(i64::from(progress.extended))
                .push_bind(progress.asked_suspension)
                .push_bind(progress.was_suspended)
                .push_bind(figures.appeal)
                .push_bind(card(figures.card))
                .push_bind(card(figures.card_worst))
                .push_bind(progress.score)
                .push_bind(true);
        },
    )
    .await
}

/// Lets the rows of a site's cases lie where the cases lie.
pub(crate) async fn follow_site(
    connection: &mut Connection,
    site: &str,
    area_path: &str,
) -> StoreResult<()> {
    query("UPDATE case_figures SET area_path = $2 WHERE area_path <> $2 AND id IN (SELECT id FROM cases WHERE site = $1)")
        .bind(site)
        .bind(area_path)
        .execute(connection)
        .await
        .map(drop)
        .map_err(sql("moving figures of cases"))
}
