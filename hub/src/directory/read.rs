//! Rows out of JSON objects: one way for JSON lists and for lines of CSV.
//!
//! Every row is read by itself, so that one mistake does not hide the next. Positions that are tagged
//! as GCJ-02 are converted here and nowhere else.

use serde_json::Value;

use super::contents::{Entry, Flat, Row};
use super::finding::{Finding, Table};
use super::gcj02;
use super::rows::{Area, Contact, Datum, Duty, Hazard, Site, Unit};

/// At most this many rows in a table: ten times the grids of a city of 19,660.
pub const ROWS_MAX: usize = 200_000;

/// What has to be done to a row after it was read.
pub trait Settle {
    /// Brings it into the form in which it is kept.
    ///
    /// # Errors
    /// What is wrong with it.
    fn settle(&mut self) -> Result<(), String> {
        Ok(())
    }
}

impl Settle for Area {
    fn settle(&mut self) -> Result<(), String> {
        // A city's parent is left out in JSON and empty in CSV.
        if self.parent.as_deref() == Some("") {
            self.parent = None;
        }
        Ok(())
    }
}

impl Settle for Site {
    fn settle(&mut self) -> Result<(), String> {
        convert(&mut self.lat, &mut self.lon, &mut self.datum)
    }
}

impl Settle for Hazard {
    fn settle(&mut self) -> Result<(), String> {
        convert(&mut self.lat, &mut self.lon, &mut self.datum)
    }
}

impl Settle for Unit {}
impl Settle for Duty {}
impl Settle for Contact {}

fn convert(lat: &mut f64, lon: &mut f64, datum: &mut Datum) -> Result<(), String> {
    if *datum == Datum::Gcj02 {
        if !gcj02::is_shifted_there(*lat, *lon) {
            return Err(format!(
                "latitude {lat}, longitude {lon} is tagged `gcj02` but does not lie in China"
            ));
        }
        (*lat, *lon) = gcj02::to_wgs84(*lat, *lon);
        *datum = Datum::Converted;
    }
    Ok(())
}

/// Reads one row.
///
/// # Errors
/// What is wrong with it.
pub fn row<T: Flat + Settle>(value: Value) -> Result<T, String> {
    let mut row: T = serde_json::from_value(value).map_err(|why| why.to_string())?;
    row.settle()?;
    Ok(row)
}

/// Reads the rows of a JSON list, numbered from 1.
pub fn list<T: Flat + Settle>(values: Vec<Value>, findings: &mut Vec<Finding>) -> Vec<Entry<T>> {
    if too_many(T::TABLE, values.len(), findings) {
        return Vec::new();
    }
    let read = (1..).zip(values).filter_map(|(at, value)| {
        let row = self::row::<T>(value);
        keep(row, at, findings)
    });
    read.collect()
}

/// The row with where it came from; what is wrong with it becomes a finding.
pub(super) fn keep<T: Row>(
    row: Result<T, String>,
    at: u32,
    findings: &mut Vec<Finding>,
) -> Option<Entry<T>> {
    match row {
        Ok(row) => Some(Entry { at: Some(at), row }),
        Err(why) => {
            let remedy = "correct this row; `hub directory export` shows what rows look like";
            findings.push(Finding::error(T::TABLE, why, remedy).at(Some(at), ""));
            None
        }
    }
}

/// Whether a table has more rows than are taken.
pub(super) fn too_many(table: Table, rows: usize, findings: &mut Vec<Finding>) -> bool {
    if rows > ROWS_MAX {
        findings.push(Finding::error(
            table,
            format!("there are {rows} rows, at most {ROWS_MAX} are taken"),
            "a hub holds one city; leave out what is not part of it",
        ));
    }
    rows > ROWS_MAX
}
