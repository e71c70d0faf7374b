//! Reports of cases and alarms, as JSON and as CSV. What each figure means: [`crate::reports`].
//!
//! Every figure is of the cases that the caller sees: the filter is in the statement that adds them up.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use gridwatch_protocol::{Text, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::extract::{Args, Officer};
use super::problem::Problem;
use super::report_files::{cells, file, names, wants_csv};
use crate::access::Scope;
use crate::cases::text;
use crate::directory::{Directory, Level};
use crate::reports::figures::{Figures, Sums};
use crate::reports::period::{BY_DAY_MAX, DAYS_MAX, Part, Period};
use crate::reports::table::{self, Cell};
use crate::store::reports::{By, CaseGroup};

/// Rows on a page when nothing is asked for.
const PAGE: usize = 100;
/// And at most.
const PAGE_MAX: usize = 200;

/// Which cases, and how they are put together.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ReportArgs {
    /// A month, such as `2026-11`. Without `month` and `from`: this month up to today.
    month: Option<String>,
    /// The first local day, such as `2026-11-01`.
    from: Option<String>,
    /// The last local day; today when left out. At most 366 days after `from`.
    to: Option<String>,
    /// Only in the area with this code.
    area: Option<String>,
    /// Only of the unit with this code.
    unit: Option<String>,
    /// Only of the category with this code.
    category: Option<String>,
    /// `cases`: one row for each `month`, `day` (31 days at most), `category` or `severity`; the total alone
    /// when left out.
    by: Option<String>,
    /// `areas`: one row for each `city`, `district`, `street`, `community` or `grid`; when left out, for each
    /// area right below `area`.
    level: Option<String>,
    /// `json` (the default) or `csv`; `Accept: text/csv` asks for CSV, too.
    pub(super) format: Option<String>,
    /// `next` of the page before.
    after: Option<String>,
    /// Rows on the page: 1 to 200, 100 when left out. CSV always has all of them.
    limit: Option<usize>,
}

/// A row of a report.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ReportRow {
    /// Month, day, code of the unit, area or category, or severity; empty for cases without one.
    pub key: String,
    /// Its name.
    pub name: Text,
    /// The figures.
    #[serde(flatten)]
    pub figures: Figures,
}

/// A report of cases.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Report {
    /// The first local day.
    pub from: String,
    /// The last local day.
    pub to: String,
    /// When it was made: what is overdue is overdue then.
    pub made_at: Timestamp,
    /// All cases together, whatever the page shows.
    pub total: Figures,
    /// A row for each group that has a case.
    pub items: Vec<ReportRow>,
    /// `after` of the next page; null on the last.
    pub next: Option<String>,
}

/// Figures of cases, in all and by month, day, category or severity.
#[utoipa::path(get, path = "/api/v1/reports/cases", tag = "reports", params(ReportArgs), responses(
    (status = 200, description = "The report; as CSV when asked for", content(
        (Report = "application/json"), (String = "text/csv"))),
))]
pub async fn cases(
    State(app): State<App>,
    officer: Officer,
    headers: HeaderMap,
    Args(args): Args<ReportArgs>,
) -> Result<Response, Problem> {
    let asked = Asked::read(&app, &officer, &args)?;
    let parts = asked.period.months(&app.calendar);
    let (by, parts) = match args.by.as_deref() {
        None => (By::Nothing, parts),
        Some("month") => return by_time(&app, &asked, parts, &headers, &args).await,
        Some("day") if asked.period.days() > BY_DAY_MAX => {
            return Err(Problem::invalid(format!(
                "`by=day` is for {BY_DAY_MAX} days at most"
            )));
        }
        Some("day") => {
            let days = asked.period.each_day(&app.calendar);
            return by_time(&app, &asked, days, &headers, &args).await;
        }
        Some("category") => (By::Category, parts),
        Some("severity") => (By::Severity, parts),
        Some(_) => {
            return Err(Problem::invalid(
                "`by` must be one of month, day, category, severity",
            ));
        }
    };
    let groups = grouped(&app, &asked, &parts, by).await?;
    let rows = groups.into_iter().filter(|_| by != By::Nothing);
    let named = rows.map(|(key, sums)| {
        let name = match by {
            By::Category => app
                .catalogue
                .get(&key)
                .map(|category| category.name.clone()),
            _ => None,
        };
        let key = if by == By::Severity {
            format!("P{key}")
        } else {
            key
        };
        (name.unwrap_or_else(|| text(&key, &key)), key, sums)
    });
    let total = total(&app, &asked, &parts).await?;
    answer(&asked, total, named.collect(), &headers, &args)
}

/// Figures of cases by the unit that has them.
#[utoipa::path(get, path = "/api/v1/reports/units", tag = "reports", params(ReportArgs), responses(
    (status = 200, description = "The report; as CSV when asked for", content(
        (Report = "application/json"), (String = "text/csv"))),
))]
pub async fn units(
    State(app): State<App>,
    officer: Officer,
    headers: HeaderMap,
    Args(args): Args<ReportArgs>,
) -> Result<Response, Problem> {
    let asked = Asked::read(&app, &officer, &args)?;
    let parts = asked.period.months(&app.calendar);
    let directory = app.directory();
    let groups = grouped(&app, &asked, &parts, By::Unit).await?;
    let mut all = Sums::default();
    let mut rows = Vec::new();
    for (key, sums) in groups {
        all.add(sums.clone());
        let name = match directory.unit(&key) {
            Some(unit) => unit.name.clone(),
            None if key.is_empty() => text("未派遣", "with no unit"),
            None => text(&key, &key),
        };
        rows.push((name, key, sums));
    }
    answer(&asked, all, rows, &headers, &args)
}

/// Figures of cases by area.
#[utoipa::path(get, path = "/api/v1/reports/areas", tag = "reports", params(ReportArgs), responses(
    (status = 200, description = "The report; as CSV when asked for", content(
        (Report = "application/json"), (String = "text/csv"))),
))]
pub async fn areas(
    State(app): State<App>,
    officer: Officer,
    headers: HeaderMap,
    Args(args): Args<ReportArgs>,
) -> Result<Response, Problem> {
    let asked = Asked::read(&app, &officer, &args)?;
    let directory = app.directory();
    let level = level(&args, &directory)?;
    let parts = asked.period.months(&app.calendar);
    let mut all = Sums::default();
    let mut rows: std::collections::BTreeMap<String, Sums> = std::collections::BTreeMap::new();
    for (path, sums) in grouped(&app, &asked, &parts, By::Grid).await? {
        all.add(sums.clone());
        let key = at_level(&path, level, &directory);
        rows.entry(key).or_default().add(sums);
    }
    let rows = rows.into_iter().map(|(key, sums)| {
        let name = match directory.area(&key) {
            Some(area) => area.name.clone(),
            None if key.is_empty() => text("位置未知或不属于该级", "unknown place, or of none"),
            None => text(&key, &key),
        };
        (name, key, sums)
    });
    answer(&asked, all, rows.collect(), &headers, &args)
}

/// The area of this level on a path; empty when there is none.
fn at_level(path: &str, level: Level, directory: &Directory) -> String {
    let codes = path.split('/').filter(|code| !code.is_empty());
    let of_level = |code: &&str| directory.area(code).is_some_and(|area| area.level == level);
    codes.rev().find(of_level).unwrap_or_default().to_owned()
}

fn level(args: &ReportArgs, directory: &Directory) -> Result<Level, Problem> {
    const LEVELS: [(&str, Level); 5] = [
        ("city", Level::City),
        ("district", Level::District),
        ("street", Level::Street),
        ("community", Level::Community),
        ("grid", Level::Grid),
    ];
    if let Some(name) = &args.level {
        let known = LEVELS.iter().find(|(known, _)| known == name);
        return known.map(|(_, level)| *level).ok_or_else(|| {
            Problem::invalid("`level` must be one of city, district, street, community, grid")
        });
    }
    let above = args.area.as_deref().and_then(|code| directory.area(code));
    let narrower = |level: &&(&str, Level)| above.is_none_or(|area| area.level < level.1);
    let levels = LEVELS.iter().skip(1).find(narrower);
    Ok(levels.map_or(Level::Grid, |(_, level)| *level))
}

/// What was asked for, checked.
pub(super) struct Asked {
    pub(super) period: Period,
    pub(super) scope: Scope,
    unit: Option<String>,
    category: Option<String>,
    pub(super) now: Timestamp,
}

impl Asked {
    fn read(app: &App, officer: &Officer, args: &ReportArgs) -> Result<Self, Problem> {
        let limits = [&args.month, &args.from, &args.to];
        let [month, from, to] = limits.map(Option::as_deref);
        let now = crate::now();
        let today = app.calendar.local_date(now);
        let period = Period::read(month, from, to, today, DAYS_MAX).map_err(Problem::invalid)?;
        Ok(Self {
            period,
            scope: narrowed(app, officer, args.area.as_deref())?,
            unit: args.unit.clone(),
            category: args.category.clone(),
            now,
        })
    }

    pub(super) fn group(&self, part: &Part) -> CaseGroup<'_> {
        CaseGroup {
            from: part.from,
            until: part.until,
            now: self.now,
            scope: &self.scope,
            unit: self.unit.as_deref(),
            category: self.category.as_deref(),
        }
    }
}

/// The caller's scope within an area that was asked for.
pub(super) fn narrowed(app: &App, officer: &Officer, area: Option<&str>) -> Result<Scope, Problem> {
    let Some(area) = area else {
        return Ok(officer.scope.clone());
    };
    let directory = app.directory();
    if directory.area(area).is_none() {
        return Err(Problem::invalid(format!("there is no area `{area}`")));
    }
    Ok(officer.scope.and_area(area, &directory))
}

/// Month by month, so that what a statement holds at once is bounded.
async fn grouped(
    app: &App,
    asked: &Asked,
    parts: &[Part],
    by: By,
) -> Result<std::collections::BTreeMap<String, Sums>, Problem> {
    let mut groups: std::collections::BTreeMap<String, Sums> = std::collections::BTreeMap::new();
    for part in parts {
        for (key, sums) in app.store.case_sums(asked.group(part), by).await? {
            groups.entry(key).or_default().add(sums);
        }
    }
    Ok(groups)
}

pub(super) async fn total(app: &App, asked: &Asked, parts: &[Part]) -> Result<Sums, Problem> {
    let groups = grouped(app, asked, parts, By::Nothing).await?;
    let mut all = Sums::default();
    groups.into_values().for_each(|sums| all.add(sums));
    Ok(all)
}

async fn by_time(
    app: &App,
    asked: &Asked,
    parts: Vec<Part>,
    headers: &HeaderMap,
    args: &ReportArgs,
) -> Result<Response, Problem> {
    let mut all = Sums::default();
    let mut rows = Vec::new();
    for part in parts {
        let sums = total(app, asked, std::slice::from_ref(&part)).await?;
        if sums == Sums::default() {
            continue;
        }
        all.add(sums.clone());
        rows.push((text(&part.name, &part.name), part.name, sums));
    }
    answer(asked, all, rows, headers, args)
}

fn answer(
    asked: &Asked,
    total: Sums,
    rows: Vec<(Text, String, Sums)>,
    headers: &HeaderMap,
    args: &ReportArgs,
) -> Result<Response, Problem> {
    let csv = wants_csv(args.format.as_deref(), headers)?;
    let total = total.figures();
    let mut rows = rows.into_iter().map(|(name, key, sums)| ReportRow {
        key,
        name,
        figures: sums.figures(),
    });
    if csv {
        let all = ReportRow {
            key: "total".to_owned(),
            name: text("合计", "total"),
            figures: total,
        };
        let cells: Vec<Vec<Cell>> = std::iter::once(all)
            .chain(rows)
            .map(|r| cells(&r))
            .collect();
        let (from, to) = (asked.period.from, asked.period.to);
        return Ok(file(
            &format!("cases-{from}-{to}.csv"),
            table::csv(&names(), &cells),
        ));
    }
    let limit = args.limit.unwrap_or(PAGE);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(Problem::invalid(format!(
            "`limit` must be between 1 and {PAGE_MAX}"
        )));
    }
    let after = args.after.as_deref();
    let mut items: Vec<ReportRow> = rows
        .by_ref()
        .filter(|row| after.is_none_or(|after| row.key.as_str() > after))
        .take(limit + 1)
        .collect();
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|row| row.key.clone());
    Ok(Answer(Report {
        from: asked.period.from.to_string(),
        to: asked.period.to.to_string(),
        made_at: asked.now,
        total,
        items,
        next,
    })
    .into_response())
}
