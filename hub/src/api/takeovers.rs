//! Hand-over of shifts: who took over from whom, with which cases open.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use gridwatch_protocol::{Severity, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::extract::{Args, Json, Officer};
use super::problem::Problem;
use crate::cases::CaseId;
use crate::roster::takeover::{TakeOver, TakenOver};
use crate::store::roster::TakeoverRow;

/// Takeovers on a page when nothing is asked for, and at most.
const LIMIT: (i64, i64) = (20, 200);
/// Letters of a note.
const NOTE_MAX: usize = 2_000;

/// A case that was open at a takeover.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct TakeoverCaseView {
    /// Number of the case in the store.
    pub id: CaseId,
    /// Its number for people.
    pub number: String,
    /// Its severity then.
    pub severity: Severity,
    /// Its state then.
    pub state: String,
}

/// A takeover of a shift.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct TakeoverView {
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
    /// Sign-in name of who took it over.
    pub taken_by: String,
    /// From whom, where anybody was there before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_from: Option<String>,
    /// What was said.
    pub note: String,
    /// How many cases were open.
    pub open_cases: i64,
    /// They, the most urgent first, as far as the asking officer sees them; at most 500.
    pub cases: Vec<TakeoverCaseView>,
}

/// Takeovers.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct TakeoverList {
    /// The takeovers, newest first.
    pub items: Vec<TakeoverView>,
    /// `after` of the next page; null on the last.
    pub next: Option<String>,
}

/// Which takeovers.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TakeoverArgs {
    /// Only at the desk of this area.
    area: Option<String>,
    /// `next` of the page before.
    after: Option<String>,
    /// Rows on the page: 1 to 200, 20 when left out.
    limit: Option<i64>,
}

/// Takes a shift over.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TakeoverRequest {
    /// Code of the area whose desk it is.
    pub area: String,
    /// What the officer before said; at most 2000 letters.
    #[serde(default)]
    pub note: String,
}

/// Takes a shift over: by an officer of it, from half an hour before it begins. Doing it again changes
/// nothing.
#[utoipa::path(post, path = "/api/v1/duty/takeover", tag = "duty", request_body = TakeoverRequest, responses(
    (status = 200, body = TakeoverView),
    (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
))]
pub async fn takeover(
    State(app): State<App>,
    officer: Officer,
    Json(body): Json<TakeoverRequest>,
) -> Result<Answer<TakeoverView>, Problem> {
    let bad = |c: char| c.is_control() && c != '\n' && c != '\t';
    if body.note.chars().count() > NOTE_MAX || body.note.contains(bad) {
        return Err(Problem::invalid(format!(
            "`note` has at most {NOTE_MAX} letters and no control characters"
        )));
    }
    let area = body.area;
    let path = app.directory().area_path(&area);
    let none = || Problem::not_found(format!("there is no roster of the area `{area}`"));
    if !officer.scope.sees_path(&path) {
        return Err(none());
    }
    let task = TakeOver {
        area: area.clone(),
        username: officer.actor.username.clone(),
        note: body.note,
    };
    match app.engine.run(task, crate::now()).await? {
        TakenOver::Done(id) => {
            let before = Some(id + 1);
            let rows = app
                .store
                .takeovers(&officer.scope, Some(&area), before, 1)
                .await?;
            let view = views(&app, &officer, rows).await?.pop();
            view.map(Answer).ok_or_else(none)
        }
        TakenOver::NoRoster => Err(none()),
        TakenOver::NotOnDuty => Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "not-on-duty",
            format!(
                "you are not on duty at the desk of `{area}` now or within half an hour; the roster says who is"
            ),
        )),
    }
}

pub(super) async fn views(
    app: &App,
    officer: &Officer,
    rows: Vec<TakeoverRow>,
) -> Result<Vec<TakeoverView>, Problem> {
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let mut cases = app.store.takeover_cases(&officer.scope, &ids).await?;
    let view = |row: TakeoverRow| TakeoverView {
        cases: cases
            .remove(&row.id)
            .unwrap_or_default()
            .into_iter()
            .map(|case| TakeoverCaseView {
                id: case.id,
                number: case.number,
                severity: case.severity,
                state: case.state,
            })
            .collect(),
        id: row.id,
        area: row.area,
        shift: row.shift,
        shift_from: row.shift_from,
        at: row.at,
        taken_by: row.taken_by,
        taken_from: row.taken_from,
        note: row.note,
        open_cases: row.open_cases,
    };
    Ok(rows.into_iter().map(view).collect())
}

/// Takeovers, newest first.
#[utoipa::path(get, path = "/api/v1/duty/takeovers", tag = "duty", params(TakeoverArgs), responses((status = 200, body = TakeoverList)))]
pub async fn list(
    State(app): State<App>,
    officer: Officer,
    Args(args): Args<TakeoverArgs>,
) -> Result<Answer<TakeoverList>, Problem> {
    let limit = args.limit.unwrap_or(LIMIT.0);
    if !(1..=LIMIT.1).contains(&limit) {
        return Err(Problem::invalid(format!(
            "`limit` is between 1 and {}, not {limit}",
            LIMIT.1
        )));
    }
    let before = args.after.as_deref().map(str::parse).transpose();
    let before = before.map_err(|_| Problem::invalid("`after` is not the `next` of a page"))?;
    let area = args.area.as_deref();
    let mut rows = app
        .store
        .takeovers(&officer.scope, area, before, limit + 1)
        .await?;
    let more = i64::try_from(rows.len()).unwrap_or(i64::MAX) > limit;
    if more {
        rows.pop();
    }
    let next = rows.last().filter(|_| more).map(|row| row.id.to_string());
    Ok(Answer(TakeoverList {
        items: views(&app, &officer, rows).await?,
        next,
    }))
}
