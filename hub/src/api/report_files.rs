//! Reports as CSV: whether it is wanted, and the cells of a report of cases.

use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};

use super::problem::Problem;
use super::reports::ReportRow;
use crate::reports::counts::Counts;
use crate::reports::figures::{Rates, STEPS};
use crate::reports::table::Cell;

/// Whether CSV is wanted: by `format`, else by `Accept`.
pub(super) fn wants_csv(format: Option<&str>, headers: &HeaderMap) -> Result<bool, Problem> {
    match format {
        Some("csv") => Ok(true),
        Some("json") => Ok(false),
        Some(_) => Err(Problem::invalid("`format` must be json or csv")),
        None => {
            let accept = headers
                .get(header::ACCEPT)
                .and_then(|value| value.to_str().ok());
            let first = accept.and_then(|accept| accept.split([',', ';']).next());
            Ok(first.is_some_and(|kind| kind.trim() == "text/csv"))
        }
    }
}

/// CSV as a file of this name.
pub(super) fn file(name: &str, bytes: Vec<u8>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
    ];
    (headers, bytes).into_response()
}

/// Names of the columns of a report of cases.
pub(super) fn names() -> Vec<String> {
    let mut names = ["key", "name_zh", "name_en"].map(str::to_owned).to_vec();
    names.extend(Counts::NAMES.iter().map(|name| (*name).to_owned()));
    let rates = Rates::default();
    names.extend(rates.named().iter().map(|(name, _)| (*name).to_owned()));
    for step in STEPS {
        for figure in ["cases", "average_ms", "median_ms", "p90_ms"] {
            names.push(format!("{step}_{figure}"));
        }
    }
    names
}

/// The cells of a row.
pub(super) fn cells(row: &ReportRow) -> Vec<Cell> {
    let texts = [&row.key, &row.name.zh, &row.name.en];
    let mut cells: Vec<Cell> = texts.iter().map(|text| Cell::from(text.as_str())).collect();
    let figures = &row.figures;
    cells.extend(figures.counts.values().into_iter().map(Cell::Integer));
    cells.extend(
        figures
            .rates
            .named()
            .into_iter()
            .map(|(_, rate)| Cell::from(rate)),
    );
    for (_, spread) in figures.times.each() {
        cells.push(Cell::Integer(spread.cases));
        for ms in [spread.average_ms, spread.median_ms, spread.p90_ms] {
            cells.push(Cell::from(ms));
        }
    }
    cells
}
