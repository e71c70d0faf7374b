//! Today's figures, for a display on the wall.

use axum::Json as Answer;
use axum::extract::State;
use gridwatch_protocol::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::App;
use super::alarm_reports::of_all;
use super::cases::OpenCounts;
use super::extract::Officer;
use super::problem::Problem;
use super::view::{self, CaseSummary};
use crate::reports::config::Against;
use crate::reports::figures::Figures;
use crate::reports::period::Period;
use crate::store::cases::{Drills, Filter, Which};
use crate::store::reports::CaseGroup;

/// So many new cases are shown.
const NEWEST: i64 = 10;

/// Today's figures.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Today {
    /// The local day.
    pub day: String,
    /// When this was worked out.
    pub made_at: Timestamp,
    /// Figures of the cases that were reported today.
    pub today: Figures,
    /// Figures of the cases that were reported this month.
    pub month: Figures,
    /// This month's rates against the targets of the configuration.
    pub rates: Vec<Against>,
    /// All open cases.
    pub open_by_severity: OpenCounts,
    /// Open cases with a yellow card.
    pub yellow_cards: i64,
    /// Open cases with a red card.
    pub red_cards: i64,
    /// Open cases whose limit of disposal is over.
    pub overdue: i64,
    /// The newest cases.
    pub newest: Vec<CaseSummary>,
}

/// Today's figures, for a display on the wall.
#[utoipa::path(get, path = "/api/v1/statistics/today", tag = "statistics", responses((status = 200, body = Today)))]
pub async fn today(State(app): State<App>, officer: Officer) -> Result<Answer<Today>, Problem> {
    let now = crate::now();
    let day = app.calendar.local_date(now);
    let scope = &officer.scope;
    let sums = async |period: Period| {
        let part = period.whole(&app.calendar);
        of_all(
            &app,
            CaseGroup {
                from: part.from,
                until: part.until,
                now,
                scope,
                unit: None,
                category: None,
            },
        )
        .await
    };
    let today = sums(Period { from: day, to: day }).await?.figures();
    let month = sums(Period {
        from: day.first_of_month(),
        to: day,
    })
    .await?
    .figures();
    let standing = app.store.standing(scope, now).await?;
    let newest = Filter {
        which: Which::All,
        drills: Drills::Without,
        limit: NEWEST,
        ..Filter::default()
    };
    let newest = app.store.list_cases(&newest, scope).await?;
    let directory = app.directory();
    let view = |case| view::summary(case, &directory, &app.catalogue);
    Ok(Answer(Today {
        day: day.to_string(),
        made_at: now,
        rates: app.config.reports.targets.against(&month.rates),
        today,
        month,
        open_by_severity: app.store.open_by_severity(scope).await?.into(),
        yellow_cards: standing.yellow_cards,
        red_cards: standing.red_cards,
        overdue: standing.overdue,
        newest: newest.iter().map(view).collect(),
    }))
}
