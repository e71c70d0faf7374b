//! Duty: who is at a desk now, what comes, what is missing, consoles, and everybody's own shifts.

use std::collections::BTreeMap;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use gridwatch_protocol::{Text, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::extract::{Args, Json, Officer};
use super::problem::Problem;
use super::takeovers::{self, TakeoverView};
use crate::roster::console::Beat;
use crate::roster::duty::{DutyRole, OnDuty, on_duty};
use crate::roster::ical::{self, OwnShift};
use crate::roster::known::{Kept, Office, Rosters};
use crate::roster::reports::{Open, Report};
use crate::roster::timeline::{self, Gap, HandOver};
use crate::store::roster::ConsoleRow;

const DAY_MS: i64 = 86_400_000;
/// Gaps are looked for so many days ahead.
const GAP_DAYS: i64 = 14;
/// The next hand-over is looked for so many days ahead.
const HAND_OVER_DAYS: i64 = 31;
/// Own shifts are given from so many days back to so many ahead.
const OWN_DAYS: (i64, i64) = (7, 92);

/// Which desks.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DutyArgs {
    /// Code of an area: its desk, then the wider ones behind it. Left out: every desk that is seen.
    area: Option<String>,
}

/// A console, as it was heard of last.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ConsoleView {
    /// Whether its sound was on.
    pub armed: bool,
    /// Whether its page was visible.
    pub visible: bool,
    /// When it was heard.
    pub seen_at: Timestamp,
}

/// Somebody on duty.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct OnDutyView {
    /// Sign-in name.
    pub username: String,
    /// Name for people.
    pub display_name: String,
    /// As what.
    pub role: DutyRole,
    /// Sign-in name of whose place they take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<String>,
    /// Their console, if one was heard of in the last day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub console: Option<ConsoleView>,
}

/// The shift that is worked.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ShiftView {
    /// Its name.
    pub name: String,
    /// When it began.
    pub from: Timestamp,
    /// When it ends.
    pub until: Timestamp,
}

/// Something is missing at a desk.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct MissingView {
    /// What.
    #[serde(flatten)]
    pub report: Report,
    /// When it was reported.
    pub reported_at: Timestamp,
}

/// A desk.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DeskView {
    /// Code of the area whose desk it is.
    pub area: String,
    /// Its name.
    pub area_name: Text,
    /// Version of its roster.
    pub roster_version: i64,
    /// The shift that is worked; null in a gap.
    pub shift: Option<ShiftView>,
    /// Who is on duty, in the order in which they are called.
    pub on_duty: Vec<OnDutyView>,
    /// Whether an officer has the desk.
    pub manned: bool,
    /// The next shift that begins.
    pub next_hand_over: Option<HandOver>,
    /// When nobody will be on duty in the next 14 days.
    pub gaps: Vec<Gap>,
    /// What is missing at present.
    pub missing: Vec<MissingView>,
    /// The newest takeover.
    pub last_takeover: Option<TakeoverView>,
}

/// Desks.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DutyList {
    /// The desks: by the code of their area, or from the narrowest to the widest of one area.
    pub items: Vec<DeskView>,
    /// Local time, in which rosters are written, in minutes east of UTC.
    pub utc_offset_minutes: i32,
    /// Always null: there are as many desks as rosters.
    pub next: Option<String>,
}

/// A console says that it is there.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsoleRequest {
    /// Its own name, made once by the console: 1 to 64 letters, digits and `-`.
    pub console: String,
    /// Whether its sound is on.
    pub armed: bool,
    /// Whether its page is visible.
    pub visible: bool,
}

/// What is said about desks beside their rosters.
struct Beside {
    consoles: BTreeMap<String, ConsoleRow>,
    open: BTreeMap<String, Vec<Open>>,
}

/// Who is on duty now, the next hand-over, gaps in the next 14 days, and what is missing.
#[utoipa::path(get, path = "/api/v1/duty", tag = "duty", params(DutyArgs), responses(
    (status = 200, body = DutyList),
    (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
))]
pub async fn duty(
    State(app): State<App>,
    officer: Officer,
    Args(args): Args<DutyArgs>,
) -> Result<Answer<DutyList>, Problem> {
    let now = crate::now();
    let rosters = app.rosters().await?;
    let directory = app.directory();
    let office = app.office(&rosters, &directory);
    let sees = |area: &str| officer.scope.sees_path(&directory.area_path(area));
    let areas: Vec<String> = match &args.area {
        Some(area) if directory.area(area).is_none() || !sees(area) => {
            return Err(Problem::not_found(format!("there is no area `{area}`")));
        }
        // Who looks after an area is known to those who see it, also where that is a wider desk.
        Some(area) => {
            let desks = office.desks_of_area(area, now);
            desks.into_iter().map(|(area, _)| area).collect()
        }
        None => {
            let all = rosters.all().map(|kept| kept.roster.area.clone());
            all.filter(|area| sees(area)).collect()
        }
    };
    let kept: Vec<&Kept> = areas.iter().filter_map(|area| rosters.of(area)).collect();
    let beside = beside(&app, &kept, &office, now).await?;
    let mut items = Vec::with_capacity(kept.len());
    for one in kept {
        let mut desk = desk(one, &office, &beside, now);
        let area = Some(one.roster.area.as_str());
        let last = app.store.takeovers(&officer.scope, area, None, 1).await?;
        desk.last_takeover = takeovers::views(&app, &officer, last).await?.pop();
        items.push(desk);
    }
    Ok(Answer(DutyList {
        items,
        utc_offset_minutes: office.local().utc_offset_minutes,
        next: None,
    }))
}

async fn beside(
    app: &App,
    kept: &[&Kept],
    office: &Office<'_>,
    now: Timestamp,
) -> Result<Beside, Problem> {
    let local = office.local();
    let people: Vec<String> = kept
        .iter()
        .flat_map(|kept| {
            let duty = on_duty(&kept.roster, &local, now);
            let names = duty.people().map(|one| one.username.clone());
            names.collect::<Vec<_>>()
        })
        .collect();
    Ok(Beside {
        consoles: app.store.consoles(&people).await?,
        open: app.store.open_reports().await?,
    })
}

fn desk(kept: &Kept, office: &Office<'_>, beside: &Beside, now: Timestamp) -> DeskView {
    let (roster, local) = (&kept.roster, office.local());
    let duty = on_duty(roster, &local, now);
    let ahead = |days: i64| now.plus_ms(days * DAY_MS);
    let missing = beside.open.get(&roster.area).into_iter().flatten();
    DeskView {
        area: roster.area.clone(),
        area_name: office.area_name(&roster.area),
        roster_version: kept.version,
        shift: duty
            .shift
            .clone()
            .map(|(name, from, until)| ShiftView { name, from, until }),
        manned: duty.is_manned(),
        on_duty: duty
            .people()
            .map(|one| person(one, office.rosters, beside))
            .collect(),
        next_hand_over: timeline::hand_overs(roster, &local, now, ahead(HAND_OVER_DAYS))
            .into_iter()
            .next(),
        gaps: timeline::gaps(roster, &local, now, ahead(GAP_DAYS)),
        missing: missing
            .map(|open| MissingView {
                report: open.report.clone(),
                reported_at: open.reported_at,
            })
            .collect(),
        last_takeover: None,
    }
}

fn person(one: &OnDuty, rosters: &Rosters, beside: &Beside) -> OnDutyView {
    let console = beside.consoles.get(&one.username);
    OnDutyView {
        username: one.username.clone(),
        display_name: rosters.name(&one.username).to_owned(),
        role: one.role,
        instead_of: one.instead_of.clone(),
        console: console.map(|console| ConsoleView {
            armed: console.armed,
            visible: console.visible,
            seen_at: console.seen_at,
        }),
    }
}

/// A console says that it is there: every 20 s, and when its sound or its page changes.
#[utoipa::path(post, path = "/api/v1/duty/console", tag = "duty", request_body = ConsoleRequest, responses((status = 204, description = "heard")))]
pub async fn console(
    State(app): State<App>,
    officer: Officer,
    Json(body): Json<ConsoleRequest>,
) -> Result<StatusCode, Problem> {
    let ok = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let name = &body.console;
    if name.is_empty() || name.len() > 64 || !name.chars().all(ok) {
        return Err(Problem::invalid(
            "`console` is 1 to 64 letters, digits and `-`",
        ));
    }
    let beat = Beat {
        username: officer.actor.username,
        console: body.console,
        armed: body.armed,
        visible: body.visible,
    };
    app.engine.run(beat, crate::now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The asking officer's own shifts as iCalendar: the last week and the next 92 days.
#[utoipa::path(get, path = "/api/v1/duty/shifts.ics", tag = "duty", responses((status = 200, description = "iCalendar (RFC 5545)", content_type = "text/calendar")))]
pub async fn own_shifts(State(app): State<App>, officer: Officer) -> Result<Response, Problem> {
    let now = crate::now();
    let rosters = app.rosters().await?;
    let directory = app.directory();
    let office = app.office(&rosters, &directory);
    let username = &officer.actor.username;
    let mut shifts: Vec<OwnShift> = rosters
        .all()
        .filter(|kept| kept.roster.people().contains(username.as_str()))
        .flat_map(|kept| of_roster(kept, &office, username, now))
        .collect();
    shifts.sort_by_key(|one| one.from);
    let text = ical::calendar(username, &shifts, now);
    let headers = [
        (header::CONTENT_TYPE, "text/calendar; charset=utf-8"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"shifts.ics\"",
        ),
    ];
    Ok((headers, text).into_response())
}

/// The times in which somebody is an officer or shift leader; the leader is only called.
fn of_roster(kept: &Kept, office: &Office<'_>, username: &str, now: Timestamp) -> Vec<OwnShift> {
    let name = office.area_name(&kept.roster.area);
    let (back, ahead) = OWN_DAYS;
    let from = now.plus_ms(-back * DAY_MS);
    let until = now.plus_ms(ahead * DAY_MS);
    let mut shifts: Vec<OwnShift> = Vec::new();
    let mut last_began = None;
    for period in timeline::periods(&kept.roster, &office.local(), from, until) {
        let duty = &period.duty;
        let mut people = duty.officers.iter().chain(&duty.shift_leader);
        let Some(own) = people.find(|one| one.username == username) else {
            continue;
        };
        let Some((shift, began, _)) = &duty.shift else {
            continue;
        };
        let same_shift = last_began.replace(*began) == Some(*began);
        match shifts.last_mut() {
            Some(last) if same_shift && last.until == period.from && last.role == own.role => {
                last.until = period.until;
            }
            _ => shifts.push(OwnShift {
                area: kept.roster.area.clone(),
                area_name: name.zh.clone(),
                shift: shift.clone(),
                role: own.role,
                from: period.from,
                until: period.until,
            }),
        }
    }
    shifts
}
