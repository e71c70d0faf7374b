//! What lies on the map beside places: grid workers on duty with their tasks, and the streets below.
//!
//! A position is shown only while its person is on duty, only if they reported it themselves with an action
//! in this shift, and only to those who send people. Nothing here follows anybody.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use gridwatch_protocol::{Severity, Text, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::App;
use super::areas::MapArgs;
use super::extract::{Args, Officer};
use super::problem::Problem;
use crate::cases::{CaseId, Role};
use crate::directory::{Directory, Level};
use crate::roster::duty::on_duty;
use crate::roster::known::Office;
use crate::store::workers::{ReportedPosition, Task, Worker};
use crate::tiles::{Asked, PART_BYTES_MAX, asked};

/// More people than this are not drawn at once; `total` says how many there are. A district has some hundreds.
const WORKERS_MAX: usize = 2_000;
/// So many tasks of one person are named; `tasks_total` says how many there are.
const TASKS_NAMED: usize = 10;

/// Where somebody is taken to be.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WorkerPlace {
    /// Latitude, WGS84.
    pub lat: f64,
    /// Longitude, WGS84.
    pub lon: f64,
    /// When they reported it with an action; null: they have not in this shift, and it is the middle of their
    /// area.
    pub reported_at: Option<Timestamp>,
    /// How exact a reported position is, in metres.
    pub accuracy_m: Option<i64>,
}

/// An open case that somebody has to do with.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WorkerTask {
    /// The case.
    pub case: CaseId,
    /// Its number for people.
    pub number: String,
    /// Its severity.
    pub severity: Severity,
    /// Its state.
    pub state: String,
}

/// A grid worker on duty.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct MapWorker {
    /// Sign-in name.
    pub username: String,
    /// Name for people.
    pub display_name: String,
    /// What they may do: `checker`, `handler` or `unit`.
    pub role: Role,
    /// Name of their unit.
    pub unit: Option<Text>,
    /// Code of the area that they are on duty for.
    pub area: String,
    /// Its name.
    pub area_name: Text,
    /// When their shift ends.
    pub until: Timestamp,
    /// Where they are; null when their area is not drawn.
    pub place: Option<WorkerPlace>,
    /// The most urgent of their open cases.
    pub tasks: Vec<WorkerTask>,
    /// How many open cases they have.
    pub tasks_total: usize,
}

/// Grid workers on duty.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct MapWorkerList {
    /// By sign-in name.
    pub items: Vec<MapWorker>,
    /// How many there are; at most 2,000 are in `items`.
    pub total: usize,
}

/// Somebody's shift.
struct OnShift {
    area: String,
    from: Timestamp,
    until: Timestamp,
}

/// Grid workers who are on duty in areas that the asker sees, with their tasks and where they last said that they
/// are. Only for those who send people.
#[utoipa::path(get, path = "/api/v1/map/workers", tag = "areas", params(MapArgs), responses(
    (status = 200, body = MapWorkerList),
    (status = 403, description = "`not-allowed`", body = Problem, content_type = "application/problem+json"),
))]
pub async fn workers(
    State(app): State<App>,
    officer: Officer,
    Args(args): Args<MapArgs>,
) -> Result<Answer<MapWorkerList>, Problem> {
    if !sends_people(officer.actor.role) {
        return Err(Problem::not_allowed(
            "only who sends people may see where grid workers are",
        ));
    }
    let directory = app.directory();
    let scope = args.within(&officer.scope, &directory);
    let rosters = app.rosters().await?;
    let office = app.office(&rosters, &directory);
    let mut shifts = on_shift(&office, crate::now());
    shifts.retain(|_, shift| scope.sees_path(&directory.area_path(&shift.area)));
    let names: Vec<&str> = shifts.keys().map(String::as_str).collect();
    let mut workers = app.store.workers(&names).await?;
    let total = workers.len();
    workers.truncate(WORKERS_MAX);
    let names: Vec<&str> = workers.iter().map(|one| one.username.as_str()).collect();
    let positions = app.store.reported_positions(&scope, &names).await?;
    let tasks = app.store.tasks_outside(&scope, &names).await?;
    let items = workers.iter().filter_map(|worker| {
        let shift = shifts.get(&worker.username)?;
        let own = positions.get(&worker.username);
        Some(view(worker, shift, own, &tasks, &directory))
    });
    Ok(Answer(MapWorkerList {
        items: items.collect(),
        total,
    }))
}

fn sends_people(role: Role) -> bool {
    matches!(
        role,
        Role::DutyOfficer
            | Role::ShiftLeader
            | Role::Dispatcher
            | Role::Supervisor
            | Role::Administrator
    )
}

/// Who works a shift now, and for which area; who is on two rosters, for the narrower one.
fn on_shift(office: &Office<'_>, now: Timestamp) -> BTreeMap<String, OnShift> {
    let level = |area: &str| office.directory.area(area).map(|area| area.level);
    let mut found: BTreeMap<String, OnShift> = BTreeMap::new();
    for kept in office.rosters.all() {
        let duty = on_duty(&kept.roster, &office.local(), now);
        let Some((_, from, until)) = duty.shift else {
            continue;
        };
        let area = &kept.roster.area;
        for one in duty.officers.iter().chain(&duty.shift_leader) {
            let known = found.get(&one.username).map(|shift| level(&shift.area));
            if known.is_none_or(|known| known < level(area)) {
                let area = area.clone();
                found.insert(one.username.clone(), OnShift { area, from, until });
            }
        }
    }
    found
}

fn view(
    worker: &Worker,
    shift: &OnShift,
    reported: Option<&ReportedPosition>,
    tasks: &[Task],
    directory: &Directory,
) -> MapWorker {
    // The grid is theirs when they are its worker; else the area of the desk.
    let own = worker.area.as_deref().and_then(|code| directory.area(code));
    let own = own.filter(|area| area.level == Level::Grid);
    let area = own.map_or(shift.area.as_str(), |area| area.code.as_str());
    let path = directory.area_path(area);
    let mine = tasks.iter().filter(|task| is_of(task, worker, &path));
    let mine: Vec<&Task> = mine.collect();
    let unit = worker.unit.as_deref().and_then(|code| directory.unit(code));
    let name = directory.area(area).map(|area| area.name.clone());
    MapWorker {
        username: worker.username.clone(),
        display_name: worker.display_name.clone(),
        role: worker.role,
        unit: unit.map(|unit| unit.name.clone()),
        area_name: name.unwrap_or_else(|| Text {
            zh: area.to_owned(),
            en: area.to_owned(),
        }),
        until: shift.until,
        place: place(reported, shift, area, directory),
        tasks_total: mine.len(),
        tasks: mine
            .into_iter()
            .take(TASKS_NAMED)
            .map(|task| WorkerTask {
                case: task.case,
                number: task.number.clone(),
                severity: task.severity,
                state: task.state.clone(),
            })
            .collect(),
        area: area.to_owned(),
    }
}

/// A checker's tasks are results to check in their area; anybody else's are the cases that they handle.
fn is_of(task: &Task, worker: &Worker, path: &str) -> bool {
    if task.handler.as_deref() == Some(worker.username.as_str()) {
        return true;
    }
    let waits = matches!(task.state.as_str(), "feedback" | "post_check");
    worker.role == Role::Checker && waits && !path.is_empty() && task.area_path.starts_with(path)
}

fn place(
    reported: Option<&ReportedPosition>,
    shift: &OnShift,
    area: &str,
    directory: &Directory,
) -> Option<WorkerPlace> {
    if let Some(found) = reported.filter(|found| found.at >= shift.from) {
        return Some(WorkerPlace {
            lat: found.lat,
            lon: found.lon,
            reported_at: Some(found.at),
            accuracy_m: found.accuracy_m,
        });
    }
    let (lat, lon) = directory.outline(area)?.outline.middle()?;
    Some(WorkerPlace {
        lat,
        lon,
        reported_at: None,
        accuracy_m: None,
    })
}

/// A part of the local map of streets and houses (`[map] tiles`), a PMTiles archive of version 3: at most 4 MiB at once,
/// asked for with `Range`.
#[utoipa::path(get, path = "/api/v1/map/tiles.pmtiles", tag = "areas",
    params(("Range" = String, Header, description = "`bytes=FIRST-LAST`, one part")),
    responses(
        (status = 206, description = "the part", content_type = "application/vnd.pmtiles"),
        (status = 404, description = "`not-found`: this hub has no map tiles", body = Problem, content_type = "application/problem+json"),
        (status = 416, description = "`range-needed`: not one part, too long, or beyond the end", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn tiles(
    State(app): State<App>,
    _officer: Officer,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let tiles = app.tiles.as_ref().map(Arc::clone);
    let tiles = tiles.ok_or_else(|| Problem::not_found("this hub has no map tiles"))?;
    let range = headers
        .get(header::RANGE)
        .and_then(|range| range.to_str().ok());
    let (first, last) = match asked(range, tiles.bytes) {
        Asked::Part(first, last) => (first, last),
        Asked::Beyond | Asked::Unfit => {
            let problem = Problem::new(
                StatusCode::RANGE_NOT_SATISFIABLE,
                "range-needed",
                format!(
                    "ask for one part within the {} bytes of the file, of at most {PART_BYTES_MAX} bytes, with `Range: bytes=FIRST-LAST`",
                    tiles.bytes
                ),
            );
            let whole = [(header::CONTENT_RANGE, format!("bytes */{}", tiles.bytes))];
            return Ok((whole, problem).into_response());
        }
    };
    let whole = tiles.bytes;
    let etag = tiles.etag.clone();
    let read = tokio::task::spawn_blocking(move || tiles.part(first, last)).await;
    let bytes = read.map_err(|_| Problem::internal())?.map_err(|error| {
        tracing::warn!(%error, "the file of map tiles cannot be read; start the hub anew after replacing it");
        Problem::internal()
    })?;
    let headers = [
        (header::CONTENT_TYPE, "application/vnd.pmtiles".to_owned()),
        (
            header::CONTENT_RANGE,
            format!("bytes {first}-{last}/{whole}"),
        ),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::ETAG, etag),
        // Asked for again with every session: who is signed out gets nothing.
        (header::CACHE_CONTROL, "private, max-age=3600".to_owned()),
    ];
    Ok((StatusCode::PARTIAL_CONTENT, headers, bytes).into_response())
}
