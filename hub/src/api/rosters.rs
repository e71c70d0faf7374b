//! Rosters: read by everybody of the area, written by its shift leaders and by administrators.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use gridwatch_protocol::{Text, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::extract::{Args, Json, Officer, Part, Peer};
use super::problem::Problem;
use crate::cases::Role;
use crate::roster::known::{Kept, Office};
use crate::roster::model::Roster;
use crate::roster::tasks::{By, Save, Saved};

/// Rows on a page when nothing is asked for, and at most.
const LIMIT_MAX: usize = 200;

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageArgs {
    /// `next` of the page before.
    after: Option<String>,
    /// Rows on the page: 1 to 200, 200 when left out.
    limit: Option<usize>,
}

/// Which version is meant.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct VersionArgs {
    /// The version that was seen.
    version: i64,
}

/// A roster in a list.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RosterLine {
    /// Code of the area.
    pub area: String,
    /// Name of the area.
    pub area_name: Text,
    /// Grows with every change.
    pub version: i64,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// Sign-in name of who changed it.
    pub updated_by: String,
    /// Names of the shifts.
    pub shifts: Vec<String>,
    /// Whether the asking officer may change it.
    pub editable: bool,
}

/// Rosters.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RosterList {
    /// The rosters, by the code of their area.
    pub items: Vec<RosterLine>,
    /// `after` of the next page; null on the last.
    pub next: Option<String>,
}

/// A roster.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RosterView {
    /// Name of the area.
    pub area_name: Text,
    /// Grows with every change.
    pub version: i64,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// Sign-in name of who changed it.
    pub updated_by: String,
    /// Whether the asking officer may change it.
    pub editable: bool,
    /// The roster.
    pub roster: Roster,
}

/// A roster that takes the place of the present one.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RosterRequest {
    /// The version that it was made from; 0 for an area without a roster.
    pub version: i64,
    /// The roster; its area is the one of the address.
    pub roster: Roster,
}

/// Administrators and the shift leaders of the area.
fn may_edit(officer: &Officer, path: &str) -> bool {
    let role = officer.actor.role;
    matches!(role, Role::Administrator | Role::ShiftLeader) && officer.scope.sees_path(path)
}

fn stale(present: Option<&Kept>) -> Problem {
    let detail = match present {
        Some(kept) => format!(
            "the roster was changed by {} at {} and is at version {}; load it again",
            kept.updated_by, kept.updated_at, kept.version
        ),
        None => "there is no roster any more; load the list again".to_owned(),
    };
    Problem::new(StatusCode::CONFLICT, "version-conflict", detail)
}

fn no_roster(area: &str) -> Problem {
    Problem::not_found(format!("there is no roster of the area `{area}`"))
}

/// All rosters of areas that the asking officer sees.
#[utoipa::path(get, path = "/api/v1/rosters", tag = "duty", params(PageArgs), responses((status = 200, body = RosterList)))]
pub async fn list(
    State(app): State<App>,
    officer: Officer,
    Args(args): Args<PageArgs>,
) -> Result<Answer<RosterList>, Problem> {
    let limit = args.limit.unwrap_or(LIMIT_MAX);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Problem::invalid(format!(
            "`limit` is between 1 and {LIMIT_MAX}, not {limit}"
        )));
    }
    let rosters = app.rosters().await?;
    let directory = app.directory();
    let after = args.after.unwrap_or_default();
    let mut seen = rosters
        .all()
        .filter(|kept| kept.roster.area > after)
        .filter(|kept| {
            let path = directory.area_path(&kept.roster.area);
            officer.scope.sees_path(&path)
        });
    let office = app.office(&rosters, &directory);
    let items: Vec<RosterLine> = seen
        .by_ref()
        .take(limit)
        .map(|kept| line(kept, &office, &officer))
        .collect();
    let next = items.last().map(|line| line.area.clone());
    Ok(Answer(RosterList {
        next: next.filter(|_| seen.next().is_some()),
        items,
    }))
}

fn line(kept: &Kept, office: &Office<'_>, officer: &Officer) -> RosterLine {
    let area = &kept.roster.area;
    RosterLine {
        area: area.clone(),
        area_name: office.area_name(area),
        version: kept.version,
        updated_at: kept.updated_at,
        updated_by: kept.updated_by.clone(),
        shifts: kept
            .roster
            .shifts
            .iter()
            .map(|shift| shift.name.clone())
            .collect(),
        editable: may_edit(officer, &office.directory.area_path(area)),
    }
}

/// The roster of an area.
#[utoipa::path(get, path = "/api/v1/rosters/{area}", tag = "duty", params(("area" = String, Path, description = "code of the area")), responses((status = 200, body = RosterView)))]
pub async fn one(
    State(app): State<App>,
    officer: Officer,
    Part(area): Part<String>,
) -> Result<Answer<RosterView>, Problem> {
    let rosters = app.rosters().await?;
    let directory = app.directory();
    let path = directory.area_path(&area);
    let kept = rosters
        .of(&area)
        .filter(|_| officer.scope.sees_path(&path))
        .ok_or_else(|| no_roster(&area))?;
    let office = app.office(&rosters, &directory);
    Ok(Answer(view(kept, &office, may_edit(&officer, &path))))
}

fn view(kept: &Kept, office: &Office<'_>, editable: bool) -> RosterView {
    RosterView {
        area_name: office.area_name(&kept.roster.area),
        version: kept.version,
        updated_at: kept.updated_at,
        updated_by: kept.updated_by.clone(),
        editable,
        roster: kept.roster.clone(),
    }
}

/// Puts a roster in the place of the present one. Refused as a whole when anything in it is wrong or
/// contradicts itself; `detail` names every problem.
#[utoipa::path(put, path = "/api/v1/rosters/{area}", tag = "duty", params(("area" = String, Path, description = "code of the area")), request_body = RosterRequest, responses(
    (status = 200, body = RosterView),
    (status = 409, description = "`version-conflict`: it was changed meanwhile", body = Problem, content_type = "application/problem+json"),
))]
pub async fn put(
    State(app): State<App>,
    officer: Officer,
    Peer(peer): Peer,
    Part(area): Part<String>,
    Json(body): Json<RosterRequest>,
) -> Result<Answer<RosterView>, Problem> {
    if body.roster.area != area {
        return Err(Problem::invalid(format!(
            "the roster is for `{}`, the address for `{area}`",
            body.roster.area
        )));
    }
    editor(&app, &officer, &area)?;
    let save = Save {
        area,
        roster: Some(body.roster),
        version: body.version,
        by: By {
            actor: officer.actor.username.clone(),
            address: peer.ip().to_string(),
        },
    };
    match app.engine.run(save, crate::now()).await? {
        Saved::Done(Some(kept)) => {
            let rosters = app.rosters().await?;
            let directory = app.directory();
            Ok(Answer(view(&kept, &app.office(&rosters, &directory), true)))
        }
        Saved::Done(None) => Err(Problem::internal()),
        Saved::Stale(present) => Err(stale(present.as_deref())),
        Saved::Wrong(problems) => Err(Problem::invalid(problems.join("\n"))),
    }
}

/// Takes the roster of an area away: the next wider one looks after it.
#[utoipa::path(delete, path = "/api/v1/rosters/{area}", tag = "duty", params(("area" = String, Path, description = "code of the area"), VersionArgs), responses(
    (status = 204, description = "taken away"),
    (status = 409, description = "`version-conflict`: it was changed meanwhile", body = Problem, content_type = "application/problem+json"),
))]
pub async fn remove(
    State(app): State<App>,
    officer: Officer,
    Peer(peer): Peer,
    Part(area): Part<String>,
    Args(args): Args<VersionArgs>,
) -> Result<StatusCode, Problem> {
    editor(&app, &officer, &area)?;
    if app.rosters().await?.of(&area).is_none() {
        return Err(no_roster(&area));
    }
    let save = Save {
        area,
        roster: None,
        version: args.version,
        by: By {
            actor: officer.actor.username.clone(),
            address: peer.ip().to_string(),
        },
    };
    match app.engine.run(save, crate::now()).await? {
        Saved::Done(_) => Ok(StatusCode::NO_CONTENT),
        Saved::Stale(present) => Err(stale(present.as_deref())),
        Saved::Wrong(problems) => Err(Problem::invalid(problems.join("\n"))),
    }
}

/// What is not seen is not there; what is seen may still be somebody else's to change.
fn editor(app: &App, officer: &Officer, area: &str) -> Result<(), Problem> {
    let path = app.directory().area_path(area);
    if !officer.scope.sees_path(&path) {
        return Err(Problem::not_found(format!("there is no area `{area}`")));
    }
    if may_edit(officer, &path) {
        return Ok(());
    }
    Err(Problem::not_allowed(
        "rosters are changed by shift leaders of the area and by administrators",
    ))
}
