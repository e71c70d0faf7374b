//! What cases are measured by: categories with their limits and conditions, and the calendar of working time.

use std::collections::BTreeMap;

use axum::Json as Answer;
use axum::extract::State;
use gridwatch_protocol::{Severity, Text};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::extract::{Args, Officer};
use super::problem::Problem;
use crate::cases::{EvidenceKind, Mode};
use crate::catalogue::{Catalogue, Category, Condition};
use crate::clocks::limits::CaseLimits;

/// A condition of filing or closing.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ConditionView {
    /// Its code.
    pub code: String,
    /// What it says.
    pub name: Text,
    /// Whether it can only be ticked when every alert of the case has cleared.
    pub alerts_cleared: bool,
}

/// A category.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct CategoryView {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: Text,
    /// Its usual severity.
    pub severity: Severity,
    /// The standard or table of limits behind it.
    pub standard_ref: String,
    /// 处理方式
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Kind of the units whose duty it usually is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_kind: Option<String>,
    /// Evidence that the result must have.
    pub evidence: Vec<EvidenceKind>,
    /// Whether the public may report it; what people see with their own eyes.
    pub public: bool,
    /// Whether it endangers life: never silenced.
    pub life_safety: bool,
    /// 立案条件
    pub filing: Vec<ConditionView>,
    /// 结案条件
    pub closing: Vec<ConditionView>,
    /// How long each step may take at its usual severity.
    pub limits: CaseLimits,
}

/// The catalogue.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct CatalogueView {
    /// Version of its file.
    pub version: String,
    /// The categories, in the order of the file.
    pub items: Vec<CategoryView>,
}

/// Which year.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct YearArgs {
    /// 1970 to 9998.
    year: i16,
}

/// The days of a year that are not like their day of the week.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct CalendarView {
    /// Version of the calendar's file.
    pub version: String,
    /// The year.
    pub year: i16,
    /// Whether the file knows this year.
    pub known: bool,
    /// The official notice that it was copied from; empty when it was not.
    pub notice: String,
    /// Working hours of an ordinary Monday to Sunday, such as `09:00-12:00`.
    pub week: Vec<Vec<String>>,
    /// Working hours of each holiday (none) and make-up day, by date.
    pub days: BTreeMap<String, Vec<String>>,
    /// Names of the holidays as the file gives them, by date.
    pub names: BTreeMap<String, String>,
}

/// The categories.
#[utoipa::path(get, path = "/api/v1/catalogue", tag = "catalogue", responses((status = 200, body = CatalogueView)))]
pub async fn catalogue(State(app): State<App>, _officer: Officer) -> Answer<CatalogueView> {
    let catalogue = &app.catalogue;
    let items = catalogue.categories().iter();
    Answer(CatalogueView {
        version: catalogue.version.clone(),
        items: items.map(|category| view(category, catalogue)).collect(),
    })
}

fn view(category: &Category, catalogue: &Catalogue) -> CategoryView {
    let conditions = |list: &[Condition]| {
        let view = |condition: &Condition| ConditionView {
            code: condition.code.clone(),
            name: condition.name.clone(),
            alerts_cleared: condition.alerts_cleared,
        };
        list.iter().map(view).collect()
    };
    CategoryView {
        code: category.code.clone(),
        name: category.name.clone(),
        severity: category.severity,
        standard_ref: category.standard_ref.clone(),
        mode: category.mode,
        unit_kind: category.unit_kind.clone(),
        evidence: category.evidence.clone(),
        public: category.public,
        life_safety: category.life_safety,
        filing: conditions(&category.filing),
        closing: conditions(&category.closing),
        limits: catalogue.limits.of(&category.code, category.severity),
    }
}

/// Working time in a year.
#[utoipa::path(get, path = "/api/v1/calendar", tag = "catalogue", params(YearArgs), responses(
    (status = 200, body = CalendarView),
))]
pub async fn calendar(
    State(app): State<App>,
    _officer: Officer,
    Args(args): Args<YearArgs>,
) -> Result<Answer<CalendarView>, Problem> {
    let year = args.year;
    let wrong = || Problem::invalid(format!("`year` is between 1970 and 9998, not {year}"));
    if !(1970..=9998).contains(&year) {
        return Err(wrong());
    }
    let calendar = &app.calendar;
    let first = Date::new(year, 1, 1).map_err(|_| wrong())?;
    let days = calendar.other_days(first);
    Ok(Answer(CalendarView {
        version: calendar.version.clone(),
        year,
        known: calendar.notice(year).is_some(),
        notice: calendar.notice(year).unwrap_or_default().to_owned(),
        week: calendar.week().iter().map(|hours| words(hours)).collect(),
        days: days
            .into_iter()
            .map(|(date, hours)| (date.to_string(), words(hours)))
            .collect(),
        names: calendar
            .holidays(first)
            .map(|(date, name)| (date.to_string(), name.to_owned()))
            .collect(),
    }))
}

fn words(hours: &[crate::clocks::calendar::Hours]) -> Vec<String> {
    let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    let span = |hours: &crate::clocks::calendar::Hours| {
        format!("{}-{}", clock(hours.from), clock(hours.until))
    };
    hours.iter().map(span).collect()
}
