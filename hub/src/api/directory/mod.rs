//! The directory for administrators: reading it, replacing its tables, editing its rows.
//!
//! An administrator sees and changes what is in their own area. Every write names the version that it goes
//! by in `If-Match` (`*` for whatever there is), is checked as a whole, and is refused as a whole with
//! everything that is wrong. With `dry_run` nothing is stored.

pub mod rows;
pub mod whole;
mod write;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::problem::Problem;
use crate::directory::change::TableCount;
use crate::directory::finding::Finding;
use crate::directory::{Area, Contact, Duty, Hazard, Site, Unit};

/// Bodies of imports: 20,000 outlines with 80 corners each are about 40 MB of GeoJSON.
pub const IMPORT_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Imports under way at once; each may hold a body of [`IMPORT_BYTES_MAX`] and what was read from it.
pub const IMPORTS_MAX: usize = 2;

/// The version in `If-Match` that a write goes by; none for `*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IfMatch(pub Option<i64>);

impl FromRequestParts<App> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(header::IF_MATCH) else {
            return Err(Problem::new(
                StatusCode::PRECONDITION_REQUIRED,
                "version-needed",
                "send `If-Match` with the ETag of what you have read, or `*` to change whatever there is",
            ));
        };
        let text = value.to_str().unwrap_or_default().trim();
        if text == "*" {
            return Ok(Self(None));
        }
        let tag = text
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'));
        // What reading gives is `"version-hash"`.
        let version = tag.and_then(|tag| tag.split('-').next()?.parse().ok());
        version.map(|version| Self(Some(version))).ok_or_else(|| {
            Problem::invalid(format!(
                "`If-Match: {text}` is not an ETag of the directory, such as \"12\""
            ))
        })
    }
}

/// The entity tag of a version.
pub(super) fn etag(version: i64) -> String {
    format!("\"{version}\"")
}

/// How to write.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct WriteArgs {
    /// Look at it and tell what would happen; store nothing.
    #[serde(default)]
    dry_run: bool,
}

/// How to read.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ReadArgs {
    /// `json` or `csv`; the header `Accept: text/csv` asks for CSV, too.
    format: Option<Format>,
}

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// A list of rows.
    Json,
    /// A first line of column names, then the rows.
    Csv,
}

impl ReadArgs {
    fn is_csv(&self, headers: &HeaderMap) -> bool {
        let accept = headers
            .get(header::ACCEPT)
            .and_then(|value| value.to_str().ok());
        let asks = || accept.is_some_and(|accept| accept.starts_with("text/csv"));
        self.format
            .map_or_else(asks, |format| format == Format::Csv)
    }
}

/// A table of the directory that is written as rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RowTable {
    /// The area tree; keys are codes.
    Areas,
    /// Sites; keys are ids.
    Sites,
    /// Units; keys are codes.
    Units,
    /// Duties; keys are `area:category`.
    Duties,
    /// Hazard points; keys are codes.
    Hazards,
    /// Contacts; keys are `site:id:order` or `hazard:code:order`.
    Contacts,
}

/// Rows of one table.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[expect(missing_docs, reason = "each is the list of its table")]
pub enum Rows {
    Areas(Vec<Area>),
    Sites(Vec<Site>),
    Units(Vec<Unit>),
    Duties(Vec<Duty>),
    Hazards(Vec<Hazard>),
    Contacts(Vec<Contact>),
}

/// A table.
#[derive(Debug, Serialize, ToSchema)]
pub struct RowList {
    /// Version of the directory.
    pub version: i64,
    /// Its rows in the asker's area, in order.
    #[schema(value_type = Vec<Object>)]
    pub items: Rows,
}

/// A table to take the place of the one that is there.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RowsGiven {
    /// Every row of the table in the asker's area.
    #[schema(value_type = Rows)]
    pub items: Vec<Value>,
}

/// What a write has done, or would do.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Changed {
    /// Version of the directory now.
    pub version: i64,
    /// Whether it was only looked at.
    pub dry_run: bool,
    /// What changed, of the tables in which something did.
    pub changes: Vec<TableCount>,
    /// What is worth a look.
    pub warnings: Vec<Finding>,
}
