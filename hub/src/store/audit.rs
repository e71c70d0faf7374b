//! Searching the audit and the histories of cases, newest first.
//!
//! A place in a chain is its cursor. Lines of the audit that are about no case are for those who see
//! everything; the rest, and every row of a history, follows the area of its case.

use gridwatch_protocol::Timestamp;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::chain::Chain;
use super::database::QueryBuilder;
use super::{Store, StoreResult, sql, time};
use crate::access::Scope;
use crate::cases::CaseId;

/// A line of the audit, or a row of a case's history as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditLine {
    /// Its place in its chain.
    pub link: i64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What.
    pub action: String,
    /// To whom or what.
    pub subject: String,
    /// From where; empty for rows of histories.
    pub address: String,
    /// The case that it is about.
    pub case: Option<CaseId>,
    /// Its hash in the chain.
    pub hash: String,
}

/// What to look for.
#[derive(Debug, Clone)]
pub struct AuditFilter {
    /// In which chain.
    pub chain: Chain,
    /// Only by this actor.
    pub actor: Option<String>,
    /// Only this action.
    pub action: Option<String>,
    /// Only with this text in the subject.
    pub subject: Option<String>,
    /// Not before this.
    pub from: Option<Timestamp>,
    /// Before this.
    pub to: Option<Timestamp>,
    /// Only older than this place.
    pub before: Option<i64>,
    /// At most so many.
    pub limit: i64,
}

impl Store {
    /// Lines that fit and are seen, newest first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn audit_lines(
        &self,
        filter: &AuditFilter,
        scope: &Scope,
    ) -> StoreResult<Vec<AuditLine>> {
        let mut query = QueryBuilder::new(match filter.chain {
            Chain::Audit => {
                "SELECT a.link, a.at, a.actor, a.action, a.subject, a.address, a.case_id, a.hash FROM audit a WHERE a.link IS NOT NULL"
            }
            Chain::Transitions => {
                "SELECT a.link, a.at, a.actor, a.action, 'case ' || c.number, '', a.case_id, a.hash FROM transitions a JOIN cases c ON c.id = a.case_id WHERE a.link IS NOT NULL"
            }
        });
        match filter.chain {
            Chain::Audit if !scope.is_whole() => {
                query.push(" AND EXISTS (SELECT 1 FROM cases c WHERE c.id = a.case_id");
                scope.push_cases(&mut query, "c.");
                query.push(")");
            }
            Chain::Audit => {}
            Chain::Transitions => scope.push_cases(&mut query, "c."),
        }
        if let Some(actor) = &filter.actor {
            query.push(" AND a.actor = ").push_bind(actor);
        }
        if let Some(action) = &filter.action {
            query.push(" AND a.action = ").push_bind(action);
        }
        if let Some(subject) = &filter.subject {
            let escaped = subject
                .replace('\\', "\\\\")
                .replace('%', "\\%")
                .replace('_', "\\_");
            query.push(match filter.chain {
                Chain::Audit => " AND a.subject LIKE ",
                Chain::Transitions => " AND 'case ' || c.number LIKE ",
            });
            query.push_bind(format!("%{escaped}%")).push(" ESCAPE '\\'");
        }
        if let Some(from) = filter.from {
            query.push(" AND a.at >= ").push_bind(from.unix_ms());
        }
        if let Some(to) = filter.to {
            query.push(" AND a.at < ").push_bind(to.unix_ms());
        }
        if let Some(before) = filter.before {
            query.push(" AND a.link < ").push_bind(before);
        }
        query
            .push(" ORDER BY a.link DESC LIMIT ")
            .push_bind(filter.limit);
        let rows = query
            .build()
            .fetch_all(&self.readers)
            .await
            .map_err(sql("searching the audit"))?;
        Ok(rows.iter().map(line).collect())
    }
}

fn line(row: &AnyRow) -> AuditLine {
    AuditLine {
        link: row.get(0),
        at: time(row.get(1)),
        actor: row.get(2),
        action: row.get(3),
        subject: row.get(4),
        address: row.get(5),
        case: row.get(6),
        hash: row.get(7),
    }
}
