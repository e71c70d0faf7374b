//! Reports of alarms by ISA-18.2, of a desk and of each officer.
//!
//! Who gets an alarm: every officer of the office (duty officer, shift leader, supervisor, administrator) who was
//! signed in and could see the case, from signing in until signing out or, without it, for as long as a session
//! lasts at most. So a figure of an officer is an upper bound where people leave without signing out.

use std::collections::BTreeMap;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use gridwatch_protocol::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::extract::{Args, Officer};
use super::problem::Problem;
use super::report_files::{file, wants_csv};
use super::reports::narrowed;
use crate::access::Scope;
use crate::cases::Role;
use crate::reports::alarms::{self, AlarmLoad, Stretch};
use crate::reports::figures::{Spread, Sums, ratio};
use crate::reports::period::{ALARM_DAYS_MAX, Part, Period};
use crate::reports::table::{self, Cell};
use crate::store::accounts::UserRow;
use crate::store::reports::{AlarmSource, Announced, By, CaseGroup};

/// So many of the most frequent points (ISA-18.2: the ten most frequent alarms).
const TOP: i64 = 10;
/// So many chattering points are named; all are counted.
const CHATTERING_NAMED: usize = 50;
/// Steps of a series: 92 days of hours.
const STEPS_MAX: usize = 2_208;

/// Which alarms.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AlarmArgs {
    /// A month, such as `2026-11`. Without `month` and `from`: this month up to today.
    month: Option<String>,
    /// The first local day, such as `2026-11-01`.
    from: Option<String>,
    /// The last local day; today when left out. At most 92 days after `from`.
    to: Option<String>,
    /// Only in the area with this code.
    area: Option<String>,
    /// Steps of the series: `hour` (the default) or `day`.
    step: Option<String>,
    /// `json` (the default) or `csv`; `Accept: text/csv` asks for CSV, too.
    format: Option<String>,
}

/// A priority and its share of the alarms.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Priority {
    /// `P1` to `P4`.
    pub severity: String,
    /// Alarms of it.
    pub alarms: i64,
    /// Their share.
    pub share: Option<f64>,
    /// What the share should be: P4 80 %, P3 15 %, P1 and P2 together 5 %, P1 below 1 % (ISA-18.2).
    pub target: f64,
}

/// A point and how often it was activated.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = ActivePoint)]
pub struct Point {
    /// Its gateway.
    pub gateway: String,
    /// Its device.
    pub device: String,
    /// Code of its category.
    pub category: String,
    /// Activations; of a chattering point, how often three fell within 60 s.
    pub activations: i64,
}

impl From<AlarmSource> for Point {
    fn from(source: AlarmSource) -> Self {
        Self {
            gateway: source.gateway,
            device: source.device,
            category: source.category,
            activations: source.activations,
        }
    }
}

/// Alarms for a chart.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Series {
    /// The beginning of the first step.
    pub from: Timestamp,
    /// Length of a step, in milliseconds; a local day of 24 hours for `day`.
    pub step_ms: i64,
    /// Alarms in each step.
    pub alarms: Vec<i64>,
}

/// The alarms of a desk: all of an area, whoever was there.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AlarmReport {
    /// The first local day.
    pub from: String,
    /// The last local day.
    pub to: String,
    /// How many alarms came, on average and at most. An alarm is a case that was opened.
    pub load: AlarmLoad,
    /// How they are spread over the priorities.
    pub priorities: Vec<Priority>,
    /// Alarms that nobody has acknowledged.
    pub unacknowledged: i64,
    /// How long it took to acknowledge.
    pub acknowledge: Spread,
    /// Activations of points, those that joined an open case among them.
    pub activations: i64,
    /// Activations that stood for more than 24 hours while their case was open.
    pub stale: i64,
    /// The ten most frequent points.
    pub most_frequent: Vec<Point>,
    /// Their share of the activations (ISA-18.2: 1 to 5 %).
    pub most_frequent_share: Option<f64>,
    /// Points that were activated three times within 60 seconds.
    pub chattering_points: usize,
    /// The worst of them.
    pub chattering: Vec<Point>,
    /// For a chart.
    pub series: Series,
}

/// The alarms of an officer.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct OfficerRow {
    /// Sign-in name.
    pub username: String,
    /// Name for people.
    pub display_name: String,
    /// Their role.
    pub role: Role,
    /// How many alarms came while they were signed in.
    pub load: AlarmLoad,
    /// Alarms that they acknowledged.
    pub acknowledged: i64,
    /// How long these waited.
    pub acknowledge: Spread,
}

/// The alarms of each officer.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct OfficerReport {
    /// The first local day.
    pub from: String,
    /// The last local day.
    pub to: String,
    /// Officers who were signed in or acknowledged something, by name.
    pub items: Vec<OfficerRow>,
}

struct Asked {
    period: Period,
    whole: Part,
    scope: Scope,
    now: Timestamp,
}

impl Asked {
    fn read(app: &App, officer: &Officer, args: &AlarmArgs) -> Result<Self, Problem> {
        let now = crate::now();
        let today = app.calendar.local_date(now);
        let limits = [&args.month, &args.from, &args.to];
        let [month, from, to] = limits.map(Option::as_deref);
        let period =
            Period::read(month, from, to, today, ALARM_DAYS_MAX).map_err(Problem::invalid)?;
        Ok(Self {
            period,
            whole: period.whole(&app.calendar),
            scope: narrowed(app, officer, args.area.as_deref())?,
            now,
        })
    }

    fn group<'a>(&self, scope: &'a Scope) -> CaseGroup<'a> {
        CaseGroup {
            from: self.whole.from,
            until: self.whole.until,
            now: self.now,
            scope,
            unit: None,
            category: None,
        }
    }

    /// What of the period has passed.
    fn passed(&self) -> Stretch {
        let from = self.whole.from.unix_ms();
        (from, self.whole.until.min(self.now).unix_ms().max(from))
    }
}

/// The alarms of an area by ISA-18.2.
#[utoipa::path(get, path = "/api/v1/reports/alarms", tag = "reports", params(AlarmArgs), responses(
    (status = 200, description = "The report; as CSV when asked for: its series", content(
        (AlarmReport = "application/json"), (String = "text/csv"))),
))]
pub async fn alarms(
    State(app): State<App>,
    officer: Officer,
    headers: HeaderMap,
    Args(args): Args<AlarmArgs>,
) -> Result<Response, Problem> {
    let csv = wants_csv(args.format.as_deref(), &headers)?;
    let step_ms = match args.step.as_deref() {
        None | Some("hour") => 3_600_000,
        Some("day") => 86_400_000,
        Some(_) => return Err(Problem::invalid("`step` must be hour or day")),
    };
    let asked = Asked::read(&app, &officer, &args)?;
    let group = asked.group(&asked.scope);
    let announced = app.store.announced(group).await?;
    let mut series = alarms::series(&announced.at, asked.passed(), step_ms);
    series.truncate(STEPS_MAX);
    let series = Series {
        from: asked.whole.from,
        step_ms,
        alarms: series,
    };
    if csv {
        return Ok(series_file(&asked.period, &series));
    }
    let sums = of_all(&app, group).await?;
    let unacknowledged = sums.counts.unacknowledged;
    let activity = app.store.activity(group).await?;
    let top = app.store.most_frequent(group, TOP).await?;
    let top_sum: i64 = top.iter().map(|point| point.activations).sum();
    let (points, chattering) = app.store.chattering(group, CHATTERING_NAMED).await?;
    Ok(Answer(AlarmReport {
        from: asked.period.from.to_string(),
        to: asked.period.to.to_string(),
        load: alarms::load(&announced.at, &[asked.passed()]),
        priorities: priorities(&announced),
        unacknowledged,
        acknowledge: sums.figures().times.acknowledge,
        activations: activity.activations,
        stale: activity.stale,
        most_frequent: top.into_iter().map(Point::from).collect(),
        most_frequent_share: ratio(top_sum, activity.activations),
        chattering_points: points,
        chattering: chattering.into_iter().map(Point::from).collect(),
        series,
    })
    .into_response())
}

pub(super) async fn of_all(app: &App, group: CaseGroup<'_>) -> Result<Sums, Problem> {
    let groups = app.store.case_sums(group, By::Nothing).await?;
    Ok(groups.into_values().next().unwrap_or_default())
}

fn priorities(announced: &Announced) -> Vec<Priority> {
    const TARGETS: [f64; 4] = [0.01, 0.04, 0.15, 0.80];
    let all: i64 = announced.by_severity.iter().sum();
    let each = announced.by_severity.iter().zip(TARGETS).enumerate();
    each.map(|(i, (count, target))| Priority {
        severity: format!("P{}", i + 1),
        alarms: *count,
        share: ratio(*count, all),
        target,
    })
    .collect()
}

fn series_file(period: &Period, series: &Series) -> Response {
    let mut at = series.from;
    let mut rows = Vec::with_capacity(series.alarms.len());
    for alarms in &series.alarms {
        rows.push(vec![Cell::Text(at.to_string()), Cell::Integer(*alarms)]);
        at = at.plus_ms(series.step_ms);
    }
    let names = ["from", "alarms"].map(str::to_owned);
    let name = format!("alarms-{}-{}.csv", period.from, period.to);
    file(&name, table::csv(&names, &rows))
}

/// The alarms of each officer by ISA-18.2. Shift leaders, supervisors, leaders, administrators and auditors see
/// everybody in their area; others see themselves.
#[utoipa::path(get, path = "/api/v1/reports/officers", tag = "reports", params(AlarmArgs), responses(
    (status = 200, description = "The report; as CSV when asked for", content(
        (OfficerReport = "application/json"), (String = "text/csv"))),
))]
pub async fn officers(
    State(app): State<App>,
    officer: Officer,
    headers: HeaderMap,
    Args(args): Args<AlarmArgs>,
) -> Result<Response, Problem> {
    let csv = wants_csv(args.format.as_deref(), &headers)?;
    let asked = Asked::read(&app, &officer, &args)?;
    let items = officer_rows(&app, &officer, &asked).await?;
    let period = &asked.period;
    if csv {
        let name = format!("officers-{}-{}.csv", period.from, period.to);
        let rows: Vec<Vec<Cell>> = items.iter().map(officer_cells).collect();
        return Ok(file(
            &name,
            table::csv(&OFFICER_NAMES.map(str::to_owned), &rows),
        ));
    }
    Ok(Answer(OfficerReport {
        from: period.from.to_string(),
        to: period.to.to_string(),
        items,
    })
    .into_response())
}

const OFFICER_NAMES: [&str; 18] = [
    "username",
    "display_name",
    "role",
    "watched_ms",
    "alarms",
    "per_ten_minutes",
    "per_ten_minutes_most",
    "periods",
    "periods_over_ten",
    "periods_over_ten_share",
    "floods",
    "flood_ms",
    "flood_share",
    "acknowledged",
    "acknowledge_cases",
    "acknowledge_average_ms",
    "acknowledge_median_ms",
    "acknowledge_p90_ms",
];

fn officer_cells(row: &OfficerRow) -> Vec<Cell> {
    let load = &row.load;
    vec![
        Cell::from(row.username.as_str()),
        Cell::from(row.display_name.as_str()),
        Cell::from(row.role.as_str()),
        Cell::Integer(load.watched_ms),
        Cell::Integer(load.alarms),
        Cell::from(load.per_ten_minutes),
        Cell::Integer(load.per_ten_minutes_most),
        Cell::Integer(load.periods),
        Cell::Integer(load.periods_over_ten),
        Cell::from(load.periods_over_ten_share),
        Cell::Integer(load.floods),
        Cell::Integer(load.flood_ms),
        Cell::from(load.flood_share),
        Cell::Integer(row.acknowledged),
        Cell::Integer(row.acknowledge.cases),
        Cell::from(row.acknowledge.average_ms),
        Cell::from(row.acknowledge.median_ms),
        Cell::from(row.acknowledge.p90_ms),
    ]
}

async fn officer_rows(
    app: &App,
    officer: &Officer,
    asked: &Asked,
) -> Result<Vec<OfficerRow>, Problem> {
    let session_ms = i64::from(app.config.sessions.absolute_hours) * 3_600_000;
    let (from, until) = (asked.whole.from, asked.whole.until);
    let mut signed_in: BTreeMap<String, Vec<Stretch>> = BTreeMap::new();
    for (who, stretch) in app.store.signed_in(from, until, session_ms).await? {
        signed_in.entry(who).or_default().push(stretch);
    }
    let mut acknowledged = app
        .store
        .case_sums(asked.group(&asked.scope), By::Officer)
        .await?;
    let directory = app.directory();
    let mut seen: BTreeMap<Option<String>, Announced> = BTreeMap::new();
    let mut rows = Vec::new();
    for user in app.store.users().await? {
        if !shows(officer, &user) {
            continue;
        }
        let name = &user.actor.username;
        let watched = signed_in.remove(name).unwrap_or_default();
        let watched = alarms::together(watched, asked.passed());
        let own = acknowledged.remove(name).unwrap_or_default();
        if watched.is_empty() && own.counts.acknowledged == 0 {
            continue;
        }
        let scope = match &user.area {
            Some(area) => asked.scope.and_area(area, &directory),
            None => asked.scope.clone(),
        };
        if !seen.contains_key(&user.area) {
            let announced = app.store.announced(asked.group(&scope)).await?;
            seen.insert(user.area.clone(), announced);
        }
        rows.push(OfficerRow {
            load: alarms::load(&seen[&user.area].at, &watched),
            acknowledged: own.counts.acknowledged,
            acknowledge: own.figures().times.acknowledge,
            username: user.actor.username,
            display_name: user.actor.display_name,
            role: user.actor.role,
        });
    }
    Ok(rows)
}

/// Whether the caller may look at this officer's figures, and alarms go to that officer at all.
fn shows(caller: &Officer, user: &UserRow) -> bool {
    let takes_alarms = matches!(
        user.actor.role,
        Role::DutyOfficer | Role::ShiftLeader | Role::Supervisor | Role::Administrator
    );
    let sees_others = matches!(
        caller.actor.role,
        Role::ShiftLeader | Role::Supervisor | Role::Leader | Role::Administrator | Role::Auditor
    );
    takes_alarms && (sees_others || user.actor.username == caller.actor.username)
}
