//! The clocks of a case, and what is wrong with the calendar.

use axum::Json as Answer;
use axum::extract::State;
use gridwatch_protocol::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::App;
use super::extract::{Administrator, Officer, Part};
use super::problem::Problem;
use crate::cases::CaseId;
use crate::clocks::calendar::Warning;
use crate::clocks::limits::CaseLimits;
use crate::clocks::plan::{ClockView, clocks};
use crate::timers::{self, Clocks};

/// The clocks of a case.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct CaseClocks {
    /// The hub's clock: what is left is as of then.
    pub hub_time: Timestamp,
    /// Its limits.
    pub limits: CaseLimits,
    /// The clocks that have begun, in the order of the steps, the overall clock last.
    pub clocks: Vec<ClockView>,
    /// To how many levels it was escalated because nobody acknowledged it.
    pub escalated: u8,
    /// `none`, `yellow` or `red`: its worst card for being late.
    pub card: String,
    /// What it scores for its unit once it is closed: +1, -5 or -10. Drills score nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<i32>,
}

/// Warnings about the calendar.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct WarningList {
    /// What an administrator must do.
    pub items: Vec<Warning>,
}

/// The clocks of a case, with what is left of each.
#[utoipa::path(get, path = "/api/v1/cases/{id}/clocks", tag = "cases", params(("id" = i64, Path, description = "Number of the case in the store")), responses(
    (status = 200, body = CaseClocks),
    (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
))]
pub async fn case_clocks(
    State(app): State<App>,
    officer: Officer,
    Part(id): Part<CaseId>,
) -> Result<Answer<CaseClocks>, Problem> {
    let case = app.store.case(id, &officer.scope).await?;
    let case = case.ok_or_else(|| Problem::not_found(format!("there is no case {id}")))?;
    let stored = app.store.clock_facts(id).await?;
    let calendar = &app.calendar;
    let by = Clocks {
        limits: &app.catalogue.limits,
        calendar,
    };
    let facts = timers::facts_of(&case, stored.as_ref(), by);
    let now = crate::now();
    Ok(Answer(CaseClocks {
        hub_time: now,
        limits: facts.limits,
        clocks: clocks(&facts, calendar, now),
        escalated: facts.escalated,
        card: facts.card.as_str().to_owned(),
        score: (!case.is_drill).then(|| facts.card.score()),
    }))
}

/// What is wrong with the calendar, from a month before it matters. Only for administrators.
#[utoipa::path(get, path = "/api/v1/calendar/warnings", tag = "system", responses(
    (status = 200, body = WarningList),
    (status = 403, description = "`not-allowed`", body = Problem, content_type = "application/problem+json"),
))]
pub async fn calendar_warnings(
    State(app): State<App>,
    _administrator: Administrator,
) -> Answer<WarningList> {
    Answer(WarningList {
        items: app.calendar.warnings(crate::now()),
    })
}
