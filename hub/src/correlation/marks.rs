//! What correlation has noted on a case. Stored with the case; data only.

use gridwatch_protocol::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::chatter::Raisings;
use crate::cases::CaseId;

/// Points whose raisings one case counts; a case of more sensors counts the newest ones.
pub const POINTS_MAX: usize = 50;
/// Cases that one case names as related.
pub const RELATED_MAX: usize = 20;

/// A silence that hides a case for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Silenced {
    /// Number of the silence.
    pub silence: i64,
    /// Until when it hides the case.
    pub until: Timestamp,
}

/// See the module's page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Marks {
    /// The silence that it fell under, until somebody takes the case or the silence ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silenced: Option<Silenced>,
    /// The flood in which it was opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flood: Option<i64>,
    /// Cases of the same cause: closed before, or split off.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<CaseId>,
    /// How often each of its points has raised.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub raisings: Vec<Raisings>,
    /// Of a gateway's case: when the sensors behind it that are still silent get cases of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release_at: Option<Timestamp>,
}

impl Marks {
    /// Notes a case of the same cause; the oldest is forgotten when there are too many.
    pub fn relate(&mut self, case: CaseId) {
        if !self.related.contains(&case) {
            self.related.push(case);
        }
        let surplus = self.related.len().saturating_sub(RELATED_MAX);
        self.related.drain(..surplus);
    }
}
