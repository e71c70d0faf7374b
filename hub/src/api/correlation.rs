//! Silences, floods, similar cases, and the undo of a correlation.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use gridwatch_protocol::{AlertId, Text, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::extract::{Args, Json, Officer, Part, Peer};
use super::problem::Problem;
use super::view::{self, CaseSummary};
use crate::cases::conditions::Lack;
use crate::cases::split::{SPLIT_MAX, SplitError};
use crate::cases::{CaseId, Role};
use crate::clocks::Calendar;
use crate::correlation::silence::{Matcher, Silence, Wanted};
use crate::correlation::suggest::Likeness;
use crate::correlation::weekly::Written;
use crate::engine::correlation::silences::{End, Make, NotEnded};
use crate::engine::correlation::split::{NotSplit, Split};
use crate::store::correlation::floods::{FloodFilter, StoredFlood};
use crate::store::correlation::silences::Which;

/// At most this many on a page.
const PAGE_MAX: i64 = 200;
/// So many when the request does not say.
const PAGE: i64 = 100;
/// A silence that ends within this time is ending soon: an hour, time to hand it over.
const SOON_MS: i64 = 3_600_000;
/// Longest reason of a split, in bytes.
const REASON_MAX: usize = 4_000;

/// A silence as officers see it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SilenceView {
    /// Its number.
    pub id: i64,
    /// Grows with every change; ending it names the version that was seen.
    pub version: i64,
    /// Sign-in name of who made it.
    pub by: String,
    /// Their name for people.
    pub by_name: String,
    /// Why.
    pub why: String,
    /// What it is about.
    pub matcher: Matcher,
    /// From when.
    pub from: Timestamp,
    /// Until when at most.
    pub until: Timestamp,
    /// Within that only in these hours; empty: all the time.
    pub weekly: Vec<Written>,
    /// When it was made.
    pub created_at: Timestamp,
    /// `coming`, `active`, `waiting` (outside its hours), `over` or `ended` (before its time).
    pub state: String,
    /// Until when it counts, while it is active.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_until: Option<Timestamp>,
    /// Whether it is active and ends within an hour.
    pub ends_soon: bool,
    /// When somebody ended it early.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Who did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<String>,
    /// How many open cases it hides now.
    pub hides: i64,
}

fn silence_view(silence: Silence, hides: i64, calendar: &Calendar, now: Timestamp) -> SilenceView {
    let active_until = silence.covers(calendar, now);
    let state = match active_until {
        _ if silence.ended_at.is_some() => "ended",
        Some(_) => "active",
        None if now < silence.from => "coming",
        None if now >= silence.until => "over",
        None => "waiting",
    };
    SilenceView {
        id: silence.id,
        version: silence.version,
        by: silence.by,
        by_name: silence.by_name,
        why: silence.why,
        matcher: silence.matcher,
        from: silence.from,
        until: silence.until,
        weekly: silence.weekly.into_iter().map(Written::from).collect(),
        created_at: silence.created_at,
        state: state.to_owned(),
        ends_soon: active_until.is_some_and(|until| until.ms_since(now) <= SOON_MS),
        active_until,
        ended_at: silence.ended_at,
        ended_by: silence.ended_by,
        hides,
    }
}

/// A page of silences.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SilencePage {
    /// The silences, newest first.
    pub items: Vec<SilenceView>,
    /// `after` of the next page; null when this is the last.
    pub next: Option<String>,
}

/// Which silences.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SilenceArgs {
    /// `standing` (the default: neither over nor ended), `soon` (active, and ending within an hour), `over` or
    /// `all`.
    state: Option<String>,
    /// At most this many, up to 200; 100 when absent.
    limit: Option<i64>,
    /// `next` of the page before.
    after: Option<String>,
}

/// Silences within the own area.
#[utoipa::path(get, path = "/api/v1/silences", tag = "silences", params(SilenceArgs), responses(
    (status = 200, body = SilencePage),
))]
pub async fn silences(
    State(app): State<App>,
    officer: Officer,
    Args(args): Args<SilenceArgs>,
) -> Result<Answer<SilencePage>, Problem> {
    let (which, soon) = match args.state.as_deref() {
        None | Some("standing") => (Which::Standing, false),
        Some("soon") => (Which::Standing, true),
        Some("over") => (Which::Over, false),
        Some("all") => (Which::All, false),
        Some(other) => {
            return Err(Problem::invalid(format!(
                "`state` is `standing`, `soon`, `over` or `all`, not `{other}`"
            )));
        }
    };
    let (limit, before) = page(args.limit, args.after.as_deref())?;
    let now = crate::now();
    let store = &app.store;
    let mut found = store
        .silences(which, before, limit + 1, &officer.scope, now)
        .await?;
    let next = next(&mut found, limit, |(silence, _)| silence.id);
    let views = found
        .into_iter()
        .map(|(silence, hides)| silence_view(silence, hides, &app.calendar, now));
    Ok(Answer(SilencePage {
        items: views.filter(|view| !soon || view.ends_soon).collect(),
        next,
    }))
}

/// Whether somebody may silence alarms: shift leaders and those above them.
fn may_silence(officer: &Officer) -> Result<(), Problem> {
    let role = officer.actor.role;
    let may = matches!(
        role,
        Role::ShiftLeader | Role::Supervisor | Role::Leader | Role::Administrator
    );
    if may {
        return Ok(());
    }
    Err(Problem::not_allowed(format!(
        "the role {} may not silence alarms; ask the shift leader",
        role.as_str()
    )))
}

fn wrong(problems: Vec<Text>) -> Problem {
    let words: Vec<&str> = problems.iter().map(|text| text.en.as_str()).collect();
    let mut problem = Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "incomplete",
        words.join("; "),
    );
    let lacks = problems.into_iter().map(|text| Lack {
        code: "silence".to_owned(),
        text,
    });
    problem.missing = lacks.collect();
    problem
}

/// Silence alarms within the own area for a time. Cases are still opened and counted; they are hidden until
/// the silence ends. Life safety is never silenced.
#[utoipa::path(post, path = "/api/v1/silences", tag = "silences", request_body = Wanted, responses(
    (status = 201, body = SilenceView),
))]
pub async fn make_silence(
    State(app): State<App>,
    officer: Officer,
    Peer(peer): Peer,
    Json(wanted): Json<Wanted>,
) -> Result<(StatusCode, Answer<SilenceView>), Problem> {
    may_silence(&officer)?;
    let now = crate::now();
    let make = Make {
        wanted,
        actor: officer.actor,
        scope: officer.scope,
        address: peer.ip().to_string(),
    };
    let made = app.engine.run(make, now).await?;
    let silence = made.map_err(wrong)?;
    let hides = app.store.hidden_by(silence.id).await?;
    let view = silence_view(silence, hides, &app.calendar, now);
    Ok((StatusCode::CREATED, Answer(view)))
}

/// The version that was seen.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct VersionArgs {
    /// `version` of the silence as it was seen.
    version: i64,
}

/// End a silence before its time. Its cases are shown at once; those whose alert stands appear as new.
#[utoipa::path(delete, path = "/api/v1/silences/{id}", tag = "silences", params(("id" = i64, Path), VersionArgs), responses(
    (status = 200, body = SilenceView),
    (status = 409, description = "`version-conflict`, or `already-over`", body = Problem, content_type = "application/problem+json"),
))]
pub async fn end_silence(
    State(app): State<App>,
    officer: Officer,
    Peer(peer): Peer,
    Part(id): Part<i64>,
    Args(args): Args<VersionArgs>,
) -> Result<Answer<SilenceView>, Problem> {
    may_silence(&officer)?;
    let now = crate::now();
    let end = End {
        id,
        version: args.version,
        actor: officer.actor,
        scope: officer.scope,
        address: peer.ip().to_string(),
    };
    match app.engine.run(end, now).await? {
        Ok(silence) => Ok(Answer(silence_view(silence, 0, &app.calendar, now))),
        Err(NotEnded::Unknown) => Err(Problem::not_found(format!("there is no silence {id}"))),
        Err(NotEnded::Changed(now)) => Err(Problem::new(
            StatusCode::CONFLICT,
            "version-conflict",
            format!(
                "the silence has changed since version {}; it is at version {}",
                args.version, now.version
            ),
        )),
        Err(NotEnded::Over(silence)) => Err(Problem::new(
            StatusCode::CONFLICT,
            "already-over",
            format!(
                "the silence ended at {}",
                silence.ended_at.unwrap_or(silence.until)
            ),
        )),
    }
}

/// A page of floods.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct FloodPage {
    /// The floods, newest first.
    pub items: Vec<StoredFlood>,
    /// `after` of the next page; null when this is the last.
    pub next: Option<String>,
}

/// Which floods.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FloodArgs {
    /// `all` (the default) or `lasting`.
    state: Option<String>,
    /// Only those that began at or after this time.
    since: Option<Timestamp>,
    /// At most this many, up to 200; 100 when absent.
    limit: Option<i64>,
    /// `next` of the page before.
    after: Option<String>,
}

/// Floods of alarms at desks within the own area (ISA-18.2: more than 10 new alarms in 10 minutes, until there
/// are fewer than 5).
#[utoipa::path(get, path = "/api/v1/floods", tag = "floods", params(FloodArgs), responses(
    (status = 200, body = FloodPage),
))]
pub async fn floods(
    State(app): State<App>,
    officer: Officer,
    Args(args): Args<FloodArgs>,
) -> Result<Answer<FloodPage>, Problem> {
    let lasting = match args.state.as_deref() {
        None | Some("all") => false,
        Some("lasting") => true,
        Some(other) => {
            return Err(Problem::invalid(format!(
                "`state` is `all` or `lasting`, not `{other}`"
            )));
        }
    };
    let (limit, before) = page(args.limit, args.after.as_deref())?;
    let filter = FloodFilter {
        lasting,
        since: args.since,
        before,
        limit: limit + 1,
    };
    let mut items = app.store.floods(&filter, &officer.scope).await?;
    let next = next(&mut items, limit, |flood| flood.id);
    Ok(Answer(FloodPage { items, next }))
}

/// A case that may be the same matter.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SimilarCase {
    /// How alike, and why.
    #[serde(flatten)]
    pub likeness: Likeness,
    /// The case.
    pub case: CaseSummary,
}

/// Cases that may be the same matter, most alike first. Nothing is merged by itself.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SimilarCases {
    /// At most ten.
    pub items: Vec<SimilarCase>,
}

/// Open cases that may be the same matter: of the same grid or within 200 m, of the same kind, within a day.
#[utoipa::path(get, path = "/api/v1/cases/{id}/similar", tag = "cases", params(("id" = i64, Path)), responses(
    (status = 200, body = SimilarCases),
))]
pub async fn similar(
    State(app): State<App>,
    officer: Officer,
    Part(id): Part<CaseId>,
) -> Result<Answer<SimilarCases>, Problem> {
    let case = app.store.case(id, &officer.scope).await?;
    let case = case.ok_or_else(|| Problem::not_found(format!("there is no case {id}")))?;
    let directory = app.directory();
    let catalogue = &app.catalogue;
    let found = app
        .store
        .similar(&case, &officer.scope, &directory, catalogue)
        .await?;
    let ids: Vec<CaseId> = found.iter().map(|one| one.case).collect();
    let mut cases = app.store.cases_by_id(&ids, &officer.scope).await?;
    let items = found.into_iter().filter_map(|one| {
        let case = cases.remove(&one.case)?;
        Some(SimilarCase {
            likeness: one.likeness,
            case: view::summary(&case, &directory, catalogue),
        })
    });
    Ok(Answer(SimilarCases {
        items: items.collect(),
    }))
}

/// Which alerts to take out of a case.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SplitRequest {
    /// Their ids; at least one alert stays in the case.
    pub alerts: Vec<AlertId>,
    /// Why.
    pub reason: String,
    /// The version of the case that the decision is based on.
    pub version: i64,
}

/// What came of a split.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SplitCases {
    /// The case that gave.
    pub case: CaseSummary,
    /// The new case with the alerts.
    pub opened: CaseSummary,
}

/// Take alerts out of a case into a new one: the undo of a correlation that was wrong. Nothing is lost, and both
/// histories say what happened.
#[utoipa::path(post, path = "/api/v1/cases/{id}/split", tag = "cases", params(("id" = i64, Path)), request_body = SplitRequest, responses(
    (status = 201, body = SplitCases),
    (status = 409, description = "`version-conflict`", body = Problem, content_type = "application/problem+json"),
))]
pub async fn split(
    State(app): State<App>,
    officer: Officer,
    Part(id): Part<CaseId>,
    Json(request): Json<SplitRequest>,
) -> Result<(StatusCode, Answer<SplitCases>), Problem> {
    let role = officer.actor.role;
    let may = matches!(
        role,
        Role::DutyOfficer
            | Role::ShiftLeader
            | Role::Dispatcher
            | Role::Supervisor
            | Role::Administrator
    );
    if !may {
        return Err(Problem::not_allowed(format!(
            "the role {} may not split a case",
            role.as_str()
        )));
    }
    let reason = request.reason.trim();
    if reason.is_empty() || reason.len() > REASON_MAX {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "reason-needed",
            format!("splitting a case needs a reason of 1 to {REASON_MAX} bytes"),
        ));
    }
    if request.alerts.len() > SPLIT_MAX {
        return Err(Problem::invalid(format!(
            "at most {SPLIT_MAX} alerts are taken out at once"
        )));
    }
    let split = Split {
        case: id,
        alerts: request.alerts,
        reason: reason.to_owned(),
        version: request.version,
        actor: officer.actor,
        scope: officer.scope,
    };
    match app.engine.run(split, crate::now()).await? {
        Ok((case, opened)) => {
            let directory = app.directory();
            let answer = SplitCases {
                case: view::summary(&case, &directory, &app.catalogue),
                opened: view::summary(&opened, &directory, &app.catalogue),
            };
            Ok((StatusCode::CREATED, Answer(answer)))
        }
        Err(NotSplit::Unknown) => Err(Problem::not_found(format!("there is no case {id}"))),
        Err(NotSplit::Changed(current)) => Err(Problem::new(
            StatusCode::CONFLICT,
            "version-conflict",
            format!(
                "the case has changed since version {}; it is at version {current}",
                request.version
            ),
        )),
        Err(NotSplit::Wrong(error)) => {
            let kind = match error {
                SplitError::Ended => "wrong-state",
                _ => "invalid-request",
            };
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            Err(Problem::new(status, kind, error.to_string()))
        }
    }
}

/// The limit and where to go on.
fn page(limit: Option<i64>, after: Option<&str>) -> Result<(i64, Option<i64>), Problem> {
    let limit = limit.unwrap_or(PAGE);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(Problem::invalid(format!(
            "`limit` is between 1 and {PAGE_MAX}, not {limit}"
        )));
    }
    let before = after.map(str::parse::<i64>).transpose();
    let before = before.map_err(|_| Problem::invalid("`after` is not the `next` of a page"))?;
    Ok((limit, before))
}

/// Cuts a page that was read with one row more; gives where the next one goes on.
fn next<T>(items: &mut Vec<T>, limit: i64, id: impl Fn(&T) -> i64) -> Option<String> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if items.len() <= limit {
        return None;
    }
    items.truncate(limit);
    items.last().map(|last| id(last).to_string())
}
