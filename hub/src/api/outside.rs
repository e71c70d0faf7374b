//! Matters that people report: new ones, further reports of a case, who reported, and what they think of the
//! result.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use gridwatch_protocol::{Place, SiteId, Text, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::App;
use super::cases::idempotency_key;
use super::extract::{Json, Officer, Part, Peer};
use super::problem::Problem;
use super::view::{self, CaseSummary};
use crate::cases::conditions::Lack;
use crate::cases::progress::Evidence;
use crate::cases::{CaseId, Role};
use crate::outside::matter::{self, Given, Teller};
use crate::outside::nearby::Nearby;
use crate::outside::person::Person;
use crate::outside::place::Point;
use crate::outside::rows::Report;
use crate::outside::tasks::{Rate, Rated, ReportMatter, ReportRef, Reported, Reveal, Revealed};

/// Longest reason of a reveal, in characters.
const REASON_CHARACTERS_MAX: usize = 200;

/// A report of a case.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ReportView {
    /// Its id.
    pub id: String,
    /// The case that it opened or joined.
    pub case: CaseId,
    /// Whether it opened its case; if not, it is another report of the same matter (重复).
    pub opened: bool,
    /// `patrol`, `phone`, `visit` or `open311`.
    pub source: String,
    /// Who wrote it down: a sign-in name, or `open311:` and the name of a key.
    pub by: String,
    /// Their name.
    pub by_name: String,
    /// When.
    pub at: Timestamp,
    /// Code of its category.
    pub category: String,
    /// Name of its category.
    pub category_name: Text,
    /// What it is. Text that somebody typed: never read as HTML.
    pub description: String,
    /// Its site, or the code of the area that stands for one.
    pub site: SiteId,
    /// Where in the site.
    pub place: Place,
    /// Where it is on the map, WGS84.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Point>,
    /// Address in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Address of a picture elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_url: Option<String>,
    /// Photos.
    pub photos: Vec<Evidence>,
    /// Who reported it, masked; left out when nothing is known of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reporter: Option<Person>,
    /// 1 (bad) to 5 (good), as the reporter said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rating: Option<u32>,
}

/// An open case that may be about the same matter.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct NearbyCase {
    /// The case.
    pub case: CaseSummary,
    /// How far it is, in metres, when both are on the map.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distance_m: Option<f64>,
    /// Why it is suggested.
    pub because: Text,
}

/// What became of a report.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ReportAnswer {
    /// The case; null when nothing was opened.
    pub case: Option<CaseSummary>,
    /// The report; null when nothing was stored.
    pub report: Option<ReportView>,
    /// Open cases that may be about the same matter, the nearest first, at most 10. A report joins one of them
    /// with `POST /api/v1/cases/{id}/reports`.
    pub nearby: Vec<NearbyCase>,
}

/// Reports of a case.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ReportList {
    /// The reports, the oldest first; at most 200.
    pub items: Vec<ReportView>,
}

/// Why somebody looks at a reporter.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReporterRevealRequest)]
pub struct RevealRequest {
    /// Why; it stands in the audit. At most 200 characters.
    pub reason: String,
}

/// What the reporter thinks of the result.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RatingRequest {
    /// 1 (bad) to 5 (good).
    #[schema(minimum = 1, maximum = 5)]
    pub rating: u8,
}

/// Report a matter; it opens a case. With an `Idempotency-Key` the same request is done once. Anybody but
/// auditors may, within their own area.
#[utoipa::path(post, path = "/api/v1/cases", tag = "reports", params(
    ("Idempotency-Key" = Option<String>, Header, description = "1 to 200 visible ASCII characters"),
), request_body = Given, responses(
    (status = 200, description = "Nothing was opened: `on_nearby` is `ask`, and there are cases nearby", body = ReportAnswer),
    (status = 201, description = "A case was opened, or had been under this key", body = ReportAnswer),
    (status = 422, description = "`incomplete`: `missing` tells everything that is missing or wrong; `key-reused`", body = Problem, content_type = "application/problem+json"),
))]
pub async fn report(
    State(app): State<App>,
    officer: Officer,
    headers: HeaderMap,
    Json(given): Json<Given>,
) -> Result<Response, Problem> {
    let answer = take(&app, &officer, &headers, given, None).await?;
    let status = if answer.report.is_some() {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((status, Answer(answer)).into_response())
}

/// Another report of the same matter: it becomes part of the case and counts as a repeated one (重复). What is
/// left out of category and place is the case's.
#[utoipa::path(post, path = "/api/v1/cases/{id}/reports", tag = "reports", params(
    ("id" = i64, Path),
    ("Idempotency-Key" = Option<String>, Header, description = "1 to 200 visible ASCII characters"),
), request_body = Given, responses(
    (status = 201, body = ReportAnswer),
    (status = 409, description = "`case-ended`: report the matter as a new one", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "`incomplete`: `missing` tells everything that is missing or wrong; `key-reused`", body = Problem, content_type = "application/problem+json"),
))]
pub async fn join(
    State(app): State<App>,
    officer: Officer,
    Part(id): Part<CaseId>,
    headers: HeaderMap,
    Json(mut given): Json<Given>,
) -> Result<Response, Problem> {
    let case = app.store.case(id, &officer.scope).await?;
    let case = case.ok_or_else(|| no_case(id))?;
    given.category.get_or_insert(case.category);
    if given.site.is_none() && given.area.is_none() && given.position.is_none() {
        if app.directory().site(&case.site).is_some() {
            given.site = Some(case.site);
        } else {
            given.area = Some(case.site.to_string());
        }
    }
    let answer = take(&app, &officer, &headers, given, Some(id)).await?;
    Ok((StatusCode::CREATED, Answer(answer)).into_response())
}

/// The reports of a case, with reporters masked. Reports of cases that were merged into it are among them.
#[utoipa::path(get, path = "/api/v1/cases/{id}/reports", tag = "reports", params(("id" = i64, Path)), responses(
    (status = 200, body = ReportList),
))]
pub async fn reports(
    State(app): State<App>,
    officer: Officer,
    Part(id): Part<CaseId>,
) -> Result<Answer<ReportList>, Problem> {
    let case = app.store.case(id, &officer.scope).await?;
    case.ok_or_else(|| no_case(id))?;
    let found = app.store.people_reports_of(id).await?;
    let items = found.into_iter();
    Ok(Answer(ReportList {
        items: items
            .map(|(report, person)| report_view(&app, report, person))
            .collect(),
    }))
}

/// Show who reported a matter. Only for the office; who looked, at whom and why stands in the audit.
#[utoipa::path(post, path = "/api/v1/cases/{id}/reports/{report}/reveal", tag = "reports", params(
    ("id" = i64, Path),
    ("report" = String, Path, description = "Id of the report"),
), request_body = RevealRequest, responses(
    (status = 200, body = Person),
))]
pub async fn reveal(
    State(app): State<App>,
    officer: Officer,
    Peer(peer): Peer,
    Part((case, report)): Part<(CaseId, String)>,
    Json(body): Json<RevealRequest>,
) -> Result<Answer<Person>, Problem> {
    of_the_office(&officer, "see who reported a matter")?;
    let reason = body.reason.trim();
    if reason.is_empty() || reason.chars().count() > REASON_CHARACTERS_MAX {
        return Err(incomplete(vec![matter_lack(
            "reason",
            format!("理由为 1 至 {REASON_CHARACTERS_MAX} 字"),
            format!("`reason` has 1 to {REASON_CHARACTERS_MAX} characters"),
        )]));
    }
    let reveal = Reveal {
        of: reference(&officer, case, &report),
        reason: reason.to_owned(),
        address: peer.ip().to_string(),
    };
    match app.engine.run(reveal, crate::now()).await? {
        Revealed::Person(person) => Ok(Answer(person)),
        Revealed::Gone => Err(Problem::not_found(
            "the reporter left nothing, or it was deleted after its time",
        )),
        Revealed::NoReport => Err(no_report(case, &report)),
    }
}

/// Write down what the reporter thinks of the result, after the case has ended. Only for the office.
#[utoipa::path(post, path = "/api/v1/cases/{id}/reports/{report}/rating", tag = "reports", params(
    ("id" = i64, Path),
    ("report" = String, Path, description = "Id of the report"),
), request_body = RatingRequest, responses(
    (status = 200, body = ReportView),
    (status = 409, description = "`case-open`: there is no result yet", body = Problem, content_type = "application/problem+json"),
))]
pub async fn rating(
    State(app): State<App>,
    officer: Officer,
    Part((case, report)): Part<(CaseId, String)>,
    Json(body): Json<RatingRequest>,
) -> Result<Answer<ReportView>, Problem> {
    of_the_office(&officer, "write down a rating")?;
    if !(1..=5).contains(&body.rating) {
        return Err(incomplete(vec![matter_lack(
            "rating",
            "评分为 1 至 5",
            "`rating` is from 1 to 5",
        )]));
    }
    let rate = Rate {
        of: reference(&officer, case, &report),
        rating: body.rating,
    };
    match app.engine.run(rate, crate::now()).await? {
        Rated::Kept(report) => Ok(Answer(report_view(&app, *report, None))),
        Rated::TooEarly(state) => Err(Problem::new(
            StatusCode::CONFLICT,
            "case-open",
            format!(
                "the case is `{}`: there is no result to rate yet",
                state.as_str()
            ),
        )),
        Rated::NoReport => Err(no_report(case, &report)),
    }
}

fn reference(officer: &Officer, case: CaseId, report: &str) -> ReportRef {
    ReportRef {
        case,
        report: report.to_owned(),
        actor: officer.actor.clone(),
        scope: officer.scope.clone(),
    }
}

fn of_the_office(officer: &Officer, what: &str) -> Result<(), Problem> {
    use Role::{Administrator, Dispatcher, DutyOfficer, ShiftLeader, Supervisor};
    let office = [
        DutyOfficer,
        ShiftLeader,
        Dispatcher,
        Supervisor,
        Administrator,
    ];
    if office.contains(&officer.actor.role) {
        return Ok(());
    }
    let role = officer.actor.role.as_str();
    Err(Problem::not_allowed(format!(
        "the role {role} may not {what}"
    )))
}

fn no_case(id: CaseId) -> Problem {
    Problem::not_found(format!("there is no case {id}"))
}

fn no_report(case: CaseId, report: &str) -> Problem {
    let report: String = report.chars().take(60).collect();
    Problem::not_found(format!("there is no report {report} of case {case}"))
}

fn matter_lack(code: &str, zh: impl Into<String>, en: impl Into<String>) -> Lack {
    Lack {
        code: code.to_owned(),
        text: crate::cases::text(zh, en),
    }
}

fn incomplete(lacks: Vec<Lack>) -> Problem {
    let words: Vec<&str> = lacks.iter().map(|lack| lack.text.en.as_str()).collect();
    let detail = words.join("; ");
    let mut problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "incomplete", detail);
    problem.missing = lacks.into_boxed_slice();
    problem
}

async fn take(
    app: &App,
    officer: &Officer,
    headers: &HeaderMap,
    given: Given,
    joins: Option<CaseId>,
) -> Result<ReportAnswer, Problem> {
    if officer.actor.role == Role::Auditor {
        return Err(Problem::not_allowed(
            "an auditor sees everything and reports nothing",
        ));
    }
    let now = crate::now();
    let request = serde_json::to_vec(&(joins, &given)).map_err(|_| Problem::internal())?;
    let on_nearby = given.on_nearby;
    let matter = matter::check(given, &app.catalogue, &app.directory(), now);
    let task = ReportMatter {
        matter: matter.map_err(incomplete)?,
        teller: Teller {
            name: officer.actor.username.clone(),
            display_name: officer.actor.display_name.clone(),
            role: Some(officer.actor.role),
        },
        scope: officer.scope.clone(),
        joins,
        on_nearby,
        request_key: idempotency_key(headers)?,
        request_hash: hex::encode(Sha256::digest(request)),
        repeats_since: None,
    };
    let person = task.matter.reporter.masked();
    match app.engine.run(task, now).await? {
        Reported::Made {
            case,
            report,
            nearby,
        } => {
            let directory = app.directory();
            let person = (!person.is_empty()).then_some(person);
            Ok(ReportAnswer {
                case: Some(view::summary(&case, &directory, &app.catalogue)),
                report: Some(report_view(app, *report, person)),
                nearby: nearby_views(app, nearby),
            })
        }
        Reported::Near(nearby) => Ok(ReportAnswer {
            case: None,
            report: None,
            nearby: nearby_views(app, nearby),
        }),
        Reported::KeyReused => Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "key-reused",
            "this idempotency key came before with another request",
        )),
        Reported::OutsideScope => Err(incomplete(vec![matter_lack(
            "area",
            "位置不在本人辖区内或无法确定网格：请给出辖区内的小区（site）或网格（area）",
            "the place is not in your area, or in no grid that is known: give a `site` or `area` of your own",
        )])),
        Reported::NoCase(id) => Err(no_case(id)),
        Reported::Ended(state) => Err(Problem::new(
            StatusCode::CONFLICT,
            "case-ended",
            format!(
                "the case is `{}`: report the matter as a new one",
                state.as_str()
            ),
        )),
    }
}

fn nearby_views(app: &App, nearby: Vec<Nearby>) -> Vec<NearbyCase> {
    let directory = app.directory();
    let nearby = nearby.into_iter();
    nearby
        .map(|near| NearbyCase {
            case: view::summary(&near.case, &directory, &app.catalogue),
            distance_m: near.metres.map(f64::round),
            because: near.because,
        })
        .collect()
}

fn report_view(app: &App, report: Report, reporter: Option<Person>) -> ReportView {
    let body = report.body;
    ReportView {
        id: report.id,
        case: report.case,
        opened: report.opened,
        source: report.source,
        by: report.teller,
        by_name: body.told_by,
        at: report.at,
        category_name: app.catalogue.name(&report.category),
        category: report.category,
        description: body.description,
        site: body.site,
        place: body.place,
        position: report.point,
        address: body.address,
        media_url: body.media_url,
        photos: body.photos,
        reporter,
        rating: report.rating,
    }
}
