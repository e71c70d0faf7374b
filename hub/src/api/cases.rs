//! Cases: lists, one case, and what officers do to them.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use gridwatch_protocol::{Severity, SiteId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::conditional;
use super::extract::{Args, Json, Officer, Part};
use super::page;
use super::problem::Problem;
use super::view::{self, CaseSummary, CaseView};
use crate::cases::actions::{Refusal, Request};
use crate::cases::{self, Action, Card, Case, CaseId, Details, Question};
use crate::engine::JobError;
use crate::engine::act::Act;
use crate::metrics::count;
use crate::store::cases::{Cursor, Drills, Filter, Hidden, Waiting, Which};

/// At most this many alerts are shown with a case, the first ones.
const ALERTS_MAX: i64 = 500;
/// Longest idempotency key, in bytes.
const KEY_MAX: usize = 200;
/// So many when the request does not say.
const PAGE: i64 = 100;

/// What to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListArgs {
    /// `open` (the default: most urgent first, then oldest), `ended` (newest end first), `all` (newest
    /// first), or the code of one state, such as `dispatched`.
    state: Option<String>,
    /// `without` (the default: nobody is paged for a drill or a test), `with` or `only`.
    drills: Option<String>,
    /// Cases that a silence hides: `without` (the default of open ones), `with` (the default of the others) or
    /// `only`.
    silenced: Option<String>,
    /// Only those that were opened in this flood.
    flood: Option<i64>,
    /// Only these severities, such as `P1,P2`.
    severity: Option<String>,
    /// Only of this site.
    site: Option<String>,
    /// Only in this area and what lies in it.
    area: Option<String>,
    /// Only of this category.
    category: Option<String>,
    /// Only of this unit.
    unit: Option<String>,
    /// Only with this card: `none`, `yellow` or `red`.
    card: Option<String>,
    /// Only what waits for somebody's decision: `any`, or one of `extension`, `suspension` and `appeal`. With
    /// `state=all` appeals of closed cases are among them.
    waits_for: Option<String>,
    /// Only what the asking officer has acknowledged or handles.
    mine: Option<bool>,
    /// Only what should have been done by now; what is suspended is not late.
    overdue: Option<bool>,
    /// Only opened at this time or later, RFC 3339.
    since: Option<String>,
    /// Only opened before this time, RFC 3339.
    until: Option<String>,
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
))]
pub async fn list(
    State(app): State<App>,
    officer: Officer,
    Args(args): Args<ListArgs>,
) -> Result<Answer<CasePage>, Problem> {
    let mut filter = filter(&args, &officer)?;
    let limit = filter.limit;
    filter.limit += 1;
    let scope = match page::given(args.area.as_deref()) {
        Some(area) => officer.scope.and_area(area, &app.directory()),
        None => officer.scope.clone(),
    };
    let mut cases = app.store.list_cases(&filter, &scope).await?;
    let next = page::cut(&mut cases, limit, |case| {
        cursor_text(Cursor::of(case, filter.which))
    });
    let total_open = app.store.open_by_severity(&officer.scope).await?.into();
    let directory = app.directory();
    let items = cases
        .iter()
        .map(|c| view::summary(c, &directory, &app.catalogue))
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
))]
pub async fn one(
    State(app): State<App>,
    officer: Officer,
    Part(id): Part<CaseId>,
) -> Result<([(HeaderName, String); 1], Answer<CaseView>), Problem> {
    let case = app.store.case(id, &officer.scope).await?;
    let case = case.ok_or_else(|| Problem::not_found(format!("there is no case {id}")))?;
    let view = whole(&app, &case, &officer).await?;
    let tag = (header::ETAG, format!("\"{}\"", case.version));
    Ok(([tag], Answer(view)))
}

/// Do something to a case. Comes back after it is on disk. With an `Idempotency-Key` the same request
/// can be sent again for a day and is done once.
#[utoipa::path(post, path = "/api/v1/cases/{id}/actions", tag = "cases", params(
    ("id" = i64, Path),
    ("Idempotency-Key" = Option<String>, Header, description = "1 to 200 visible ASCII characters"),
    ("If-Match" = Option<String>, Header, description = "`ETag` of the case or its version in quotes, the same as in the body; 412 instead of 409 when the case has changed since"),
), request_body = ActionRequest, responses(
    (status = 200, body = CaseView),
    (status = 409, description = "`version-conflict`; `current` is the case as it is now", body = Problem, content_type = "application/problem+json"),
    (status = 412, description = "`version-conflict`, where `If-Match` was given", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "`reason-needed`, `wrong-state`, `second-person-needed`, `key-reused`, `invalid-request`, or `incomplete`: `missing` tells everything that the action still needs", body = Problem, content_type = "application/problem+json"),
))]
pub async fn act(
    State(app): State<App>,
    officer: Officer,
    Part(id): Part<CaseId>,
    headers: HeaderMap,
    Json(body): Json<ActionRequest>,
) -> Result<Answer<CaseView>, Problem> {
    let if_match = conditional::if_match(&headers)?;
    if let Some(version) = if_match.filter(|version| *version != body.version) {
        return Err(Problem::invalid(format!(
            "`If-Match` names version {version}, the body version {}",
            body.version
        )));
    }
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
            if if_match.is_some() {
                problem.status = StatusCode::PRECONDITION_FAILED.as_u16();
            }
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

fn filter(args: &ListArgs, officer: &Officer) -> Result<Filter, Problem> {
    let (which, state) = which(args.state.as_deref())?;
    let drills = [
        ("without", Drills::Without),
        ("with", Drills::With),
        ("only", Drills::Only),
    ];
    let cards: Vec<_> = Card::ALL
        .iter()
        .map(|card| (card.as_str(), *card))
        .collect();
    let mut questions = vec![("any", Waiting::Any)];
    questions.extend(Question::ALL.map(|what| (what.as_str(), Waiting::For(what))));
    let hidden = [
        ("without", Hidden::Without),
        ("with", Hidden::With),
        ("only", Hidden::Only),
    ];
    // What is silenced is out of sight, not out of the books.
    let usual = match which {
        Which::Open => Hidden::Without,
        Which::Ended | Which::All => Hidden::With,
    };
    let site = page::given(args.site.as_deref())
        .map(SiteId::new)
        .transpose();
    let (since, until) = page::span(args.since.as_deref(), args.until.as_deref())?;
    let owned = |text: &Option<String>| page::given(text.as_deref()).map(str::to_owned);
    let me = || officer.actor.username.clone();
    Ok(Filter {
        which,
        drills: page::one_of("drills", args.drills.as_deref(), &drills)?.unwrap_or(Drills::Without),
        hidden: page::one_of("silenced", args.silenced.as_deref(), &hidden)?.unwrap_or(usual),
        flood: args.flood,
        severities: severities(args.severity.as_deref().unwrap_or_default())?,
        site: site.map_err(|error| Problem::invalid(error.to_string()))?,
        text: owned(&args.q),
        state,
        category: owned(&args.category),
        unit: owned(&args.unit),
        card: page::one_of("card", args.card.as_deref(), &cards)?,
        waits_for: page::one_of("waits_for", args.waits_for.as_deref(), &questions)?,
        of: args.mine.unwrap_or(false).then(me),
        due_before: args.overdue.unwrap_or(false).then(crate::now),
        since,
        until,
        after: args.after.as_deref().map(cursor).transpose()?,
        limit: page::limit(args.limit, PAGE)?,
    })
}

/// The order of the list, and the one state that is asked for.
fn which(text: Option<&str>) -> Result<(Which, Option<cases::State>), Problem> {
    let mut names = vec![
        ("open", (Which::Open, None)),
        ("ended", (Which::Ended, None)),
        ("all", (Which::All, None)),
    ];
    names.extend(cases::State::ALL.iter().map(|state| {
        let which = if state.is_open() {
            Which::Open
        } else {
            Which::Ended
        };
        (state.as_str(), (which, Some(*state)))
    }));
    Ok(page::one_of("state", text, &names)?.unwrap_or((Which::Open, None)))
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
                "`severity` is one of P1, P2, P3, P4, not `{other}`"
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
