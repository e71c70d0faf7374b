//! Cases: lists, one case, and what officers do to them.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::HeaderMap;
use gridwatch_protocol::{Severity, SiteId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::extract::{Args, Json, Officer, Part};
use super::problem::Problem;
use super::view::{self, CaseSummary, CaseView};
use crate::cases::actions::{Refusal, Request};
use crate::cases::{Action, Case, CaseId, Details};
use crate::engine::JobError;
use crate::engine::act::Act;
use crate::metrics::count;
use crate::store::cases::{Cursor, Drills, Filter, Which};

/// At most this many alerts are shown with a case, the first ones.
const ALERTS_MAX: i64 = 500;
/// At most this many cases on a page.
const PAGE_MAX: i64 = 200;
/// Longest idempotency key, in bytes.
const KEY_MAX: usize = 200;
/// So many when the request does not say.
const PAGE: i64 = 100;

/// What to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListArgs {
    /// `open` (the default: most urgent first, then oldest), `ended` (newest end first) or `all`
    /// (newest first).
    state: Option<String>,
    /// `without` (the default: nobody is paged for a drill or a test), `with` or `only`.
    drills: Option<String>,
    /// Only these severities, such as `P1,P2`.
    severity: Option<String>,
    /// Only of this site.
    site: Option<String>,
    /// Only with this text in number, site, place, device, category or kind.
    q: Option<String>,
    /// At most this many, up to 200; 100 when absent.
    limit: Option<i64>,
    /// `next` of the page before.
    after: Option<String>,
}

/// Open cases by severity; drills are not counted.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct OpenCounts {
    /// 特急
    #[serde(rename = "P1")]
    pub p1: i64,
    /// 紧急
    #[serde(rename = "P2")]
    pub p2: i64,
    /// 一般
    #[serde(rename = "P3")]
    pub p3: i64,
    /// 提示
    #[serde(rename = "P4")]
    pub p4: i64,
}

impl From<[i64; 4]> for OpenCounts {
    fn from([p1, p2, p3, p4]: [i64; 4]) -> Self {
        Self { p1, p2, p3, p4 }
    }
}

/// A page of cases.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct CasePage {
    /// The cases.
    pub items: Vec<CaseSummary>,
    /// `after` of the next page; null when this is the last.
    pub next: Option<String>,
    /// All open cases, whatever the page shows.
    pub total_open: OpenCounts,
}

/// What to do to a case.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct ActionRequest {
    /// The action.
    pub action: Action,
    /// Why; `needs_reason` of the action's entry in `allowed_actions` says whether it is needed.
    #[serde(default)]
    pub reason: Option<String>,
    /// The version of the case that the decision is based on.
    pub version: i64,
    /// What else the action takes: the fields of its entry in `allowed_actions`.
    #[serde(flatten)]
    pub details: Details,
}

/// A page of cases.
#[utoipa::path(get, path = "/api/v1/cases", tag = "cases", params(ListArgs), responses(
    (status = 200, body = CasePage),
    (status = 422, description = "`invalid-request`", body = Problem, content_type = "application/problem+json"),
))]
pub async fn list(
    State(app): State<App>,
    officer: Officer,
    Args(args): Args<ListArgs>,
) -> Result<Answer<CasePage>, Problem> {
    let mut filter = filter(&args)?;
    let wanted = filter.limit;
    filter.limit += 1;
    let mut cases = app.store.list_cases(&filter, &officer.scope).await?;
    let more = i64::try_from(cases.len()).unwrap_or(i64::MAX) > wanted;
    if more {
        cases.pop();
    }
    let next = cases
        .last()
        .filter(|_| more)
        .map(|case| cursor_text(Cursor::of(case, filter.which)));
    let total_open = app.store.open_by_severity(&officer.scope).await?.into();
    let items = cases
        .iter()
        .map(|c| view::summary(c, &app.directory(), &app.catalogue))
        .collect();
    Ok(Answer(CasePage {
        items,
        next,
        total_open,
    }))
}

/// One case.
#[utoipa::path(get, path = "/api/v1/cases/{id}", tag = "cases", params(("id" = i64, Path)), responses(
    (status = 200, body = CaseView),
    (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
))]
pub async fn one(
    State(app): State<App>,
    officer: Officer,
    Part(id): Part<CaseId>,
) -> Result<Answer<CaseView>, Problem> {
    let case = app.store.case(id, &officer.scope).await?;
    let case = case.ok_or_else(|| Problem::not_found(format!("there is no case {id}")))?;
    Ok(Answer(whole(&app, &case, &officer).await?))
}

/// Do something to a case. Comes back after it is on disk. With an `Idempotency-Key` the same request
/// can be sent again for a day and is done once.
#[utoipa::path(post, path = "/api/v1/cases/{id}/actions", tag = "cases", params(
    ("id" = i64, Path),
    ("Idempotency-Key" = Option<String>, Header, description = "1 to 200 visible ASCII characters"),
), request_body = ActionRequest, responses(
    (status = 200, body = CaseView),
    (status = 403, description = "`not-allowed`", body = Problem, content_type = "application/problem+json"),
    (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "`version-conflict`; `current` is the case as it is now", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "`reason-needed`, `wrong-state`, `second-person-needed`, `key-reused`, `invalid-request`, or `incomplete`: `missing` tells everything that the action still needs", body = Problem, content_type = "application/problem+json"),
))]
pub async fn act(
    State(app): State<App>,
    officer: Officer,
    Part(id): Part<CaseId>,
    headers: HeaderMap,
    Json(body): Json<ActionRequest>,
) -> Result<Answer<CaseView>, Problem> {
    let request = Request {
        action: body.action,
        reason: body.reason,
        version: body.version,
        details: body.details,
    };
    let act = Act {
        case: id,
        request,
        actor: officer.actor.clone(),
        scope: officer.scope.clone(),
        key: idempotency_key(&headers)?,
    };
    match app.engine.act(act, crate::now()).await {
        Ok(case) => {
            count(&app.metrics.actions);
            Ok(Answer(whole(&app, &case, &officer).await?))
        }
        Err(JobError::Refused(refusal @ Refusal::Conflict { .. })) => {
            let mut problem = Problem::from(refusal);
            if let Some(case) = app.store.case(id, &officer.scope).await? {
                problem.current = Some(Box::new(whole(&app, &case, &officer).await?));
            }
            Err(problem)
        }
        Err(error) => Err(error.into()),
    }
}

pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let key = value.to_str().ok().filter(|key| {
        (1..=KEY_MAX).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
    });
    let wrong = || {
        Problem::invalid(format!(
            "`Idempotency-Key` is 1 to {KEY_MAX} visible ASCII characters"
        ))
    };
    key.map(|key| Some(key.to_owned())).ok_or_else(wrong)
}

async fn whole(app: &App, case: &Case, officer: &Officer) -> Result<CaseView, Problem> {
    let master = match &case.progress.merged {
        Some(merged) => app.store.case(merged.case, &officer.scope).await?,
        None => None,
    };
    let alerts = app.store.alerts_of(case.id, ALERTS_MAX).await?;
    let transitions = app.store.transitions_of(case.id).await?;
    Ok(view::case_view(
        case,
        master.as_ref(),
        alerts,
        transitions,
        &officer.actor,
        &app.directory(),
        &app.catalogue,
        &app.calendar,
        crate::now(),
    ))
}

fn filter(args: &ListArgs) -> Result<Filter, Problem> {
    let which = match args.state.as_deref() {
        None | Some("open") => Which::Open,
        Some("ended") => Which::Ended,
        Some("all") => Which::All,
        Some(other) => {
            return Err(Problem::invalid(format!(
                "`state` is `open`, `ended` or `all`, not `{other}`"
            )));
        }
    };
    let drills = match args.drills.as_deref() {
        None | Some("without") => Drills::Without,
        Some("with") => Drills::With,
        Some("only") => Drills::Only,
        Some(other) => {
            return Err(Problem::invalid(format!(
                "`drills` is `without`, `with` or `only`, not `{other}`"
            )));
        }
    };
    let site = args
        .site
        .as_deref()
        .filter(|site| !site.is_empty())
        .map(SiteId::new)
        .transpose();
    let limit = args.limit.unwrap_or(PAGE);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(Problem::invalid(format!(
            "`limit` is between 1 and {PAGE_MAX}, not {limit}"
        )));
    }
    Ok(Filter {
        which,
        drills,
        severities: severities(args.severity.as_deref().unwrap_or_default())?,
        site: site.map_err(|error| Problem::invalid(error.to_string()))?,
        text: args
            .q
            .as_deref()
            .map(str::trim)
            .filter(|q| !q.is_empty())
            .map(str::to_owned),
        after: args.after.as_deref().map(cursor).transpose()?,
        limit,
    })
}

fn severities(text: &str) -> Result<Vec<Severity>, Problem> {
    text.split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(|name| match name {
            "P1" => Ok(Severity::P1),
            "P2" => Ok(Severity::P2),
            "P3" => Ok(Severity::P3),
            "P4" => Ok(Severity::P4),
            other => Err(Problem::invalid(format!(
                "`severity` is of P1, P2, P3, P4, not `{other}`"
            ))),
        })
        .collect()
}

fn cursor_text(cursor: Cursor) -> String {
    format!("{}.{}.{}", cursor.severity, cursor.at, cursor.id)
}

fn cursor(text: &str) -> Result<Cursor, Problem> {
    let parse = || {
        let mut parts = text.splitn(3, '.');
        let severity = parts.next()?.parse().ok()?;
        let at = parts.next()?.parse().ok()?;
        let id = parts.next()?.parse().ok()?;
        Some(Cursor { severity, at, id })
    };
    parse().ok_or_else(|| Problem::invalid("`after` is not the `next` of a page"))
}
