//! Reveals: who wants to see what is masked says why, and sees it for ten minutes.
//!
//! Masked are the files of cases whose category says so (`masked = true`: camera snapshots) and the data
//! of reporters. Every reveal is a line of the audit before anything is shown.

use gridwatch_protocol::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::Scope;
use crate::cases::CaseId;
use crate::engine::task::{Bench, Task};
use crate::store::accounts::{AuditRow, write_audit_about};
use crate::store::database::{query, query_scalar};
use crate::store::{Store, StoreResult, cases, sql};

/// So long what was revealed is shown.
pub const REVEALED_MS: i64 = 600_000;
/// Longest reason, in bytes.
pub const REASON_BYTES_MAX: usize = 500;

/// What is revealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Masked {
    /// Files of evidence.
    Evidence,
    /// Name and telephone number of who reported it.
    Reporter,
}

impl Masked {
    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Evidence => "evidence",
            Self::Reporter => "reporter",
        }
    }
}

/// Notes a reveal; gives until when it holds, nothing when there is no such case for them.
#[derive(Debug)]
pub struct Reveal {
    /// The case.
    pub case: CaseId,
    /// What.
    pub what: Masked,
    /// To whom.
    pub username: String,
    /// What they may see.
    pub scope: Scope,
    /// Why.
    pub reason: String,
    /// From where.
    pub address: String,
}

impl Task for Reveal {
    type Output = Option<Timestamp>;

    async fn run(&self, bench: Bench<'_>) -> StoreResult<Option<Timestamp>> {
        let Bench {
            connection, now, ..
        } = bench;
        let case = cases::load_seen_case(connection, self.case, &self.scope).await?;
        let Some(case) = case else { return Ok(None) };
        let until = now.plus_ms(REVEALED_MS);
        query("INSERT INTO reveals (case_id, username, what, revealed_at, expires_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (case_id, username, what) DO UPDATE SET revealed_at = excluded.revealed_at, expires_at = excluded.expires_at")
            .bind(self.case)
            .bind(&self.username)
            .bind(self.what.as_str())
            .bind(now.unix_ms())
            .bind(until.unix_ms())
            .execute(&mut *connection)
            .await
            .map_err(sql("noting a reveal"))?;
        let line = AuditRow {
            at: now,
            actor: self.username.clone(),
            action: "revealed".to_owned(),
            subject: format!(
                "case {}: {}: {}",
                case.number,
                self.what.as_str(),
                self.reason
            ),
            address: self.address.clone(),
        };
        write_audit_about(connection, &line, Some(self.case)).await?;
        Ok(Some(until))
    }
}

impl Store {
    /// Until when this is revealed to somebody; nothing when it is not.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn revealed_until(
        &self,
        case: CaseId,
        what: Masked,
        username: &str,
        now: Timestamp,
    ) -> StoreResult<Option<Timestamp>> {
        let until: Option<i64> = query_scalar("SELECT expires_at FROM reveals WHERE case_id = $1 AND username = $2 AND what = $3 AND expires_at > $4")
            .bind(case)
            .bind(username)
            .bind(what.as_str())
            .bind(now.unix_ms())
            .fetch_optional(&self.readers)
            .await
            .map_err(sql("looking for a reveal"))?;
        Ok(until.map(crate::store::time))
    }
}
