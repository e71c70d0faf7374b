//! What is wrong with a directory, or worth a look: where, what, and what to do.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// At most this many are told at once; nobody reads more before mending some.
pub const FINDINGS_MAX: usize = 1_000;

/// A table of the directory; each is a file of its own when it comes in and goes out.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Table {
    /// The area tree.
    Areas,
    /// Outlines of areas.
    Outlines,
    /// Sites.
    Sites,
    /// Units.
    Units,
    /// Whose duty a category is in an area.
    Duties,
    /// Hazard points.
    Hazards,
    /// Whom to call about a site or a hazard point.
    Contacts,
    /// Outlines of ground with a known danger.
    RiskAreas,
}

impl Table {
    /// Every table, one after those that it refers to.
    pub const ALL: [Self; 8] = [
        Self::Areas,
        Self::Outlines,
        Self::Sites,
        Self::Units,
        Self::Duties,
        Self::Hazards,
        Self::Contacts,
        Self::RiskAreas,
    ];

    /// Its name in the API and, with `.csv` or `.geojson`, of its file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Areas => "areas",
            Self::Outlines => "outlines",
            Self::Sites => "sites",
            Self::Units => "units",
            Self::Duties => "duties",
            Self::Hazards => "hazards",
            Self::Contacts => "contacts",
            Self::RiskAreas => "risk_areas",
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Gravity {
    /// The whole import is refused.
    Error,
    /// It is taken all the same.
    Warning,
}

/// See the module's page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// How bad it is.
    pub gravity: Gravity,
    /// In which table.
    pub table: Table,
    /// In which line of a text file, or which item of a JSON list, from 1; absent for rows that are in
    /// the store already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<u32>,
    /// Key of the row, as far as it can be read.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

impl Finding {
    /// Something that cannot be taken.
    #[must_use]
    pub fn error(table: Table, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            gravity: Gravity::Error,
            table,
            row: None,
            key: String::new(),
            message: message.into(),
            remedy: remedy.into(),
        }
    }

    /// Something worth a look.
    #[must_use]
    pub fn warning(table: Table, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            gravity: Gravity::Warning,
            ..Self::error(table, message, remedy)
        }
    }

    /// In this row.
    #[must_use]
    pub fn at(mut self, row: Option<u32>, key: impl Into<String>) -> Self {
        self.row = row;
        self.key = key.into();
        self
    }

    /// Whether it refuses an import.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.gravity == Gravity::Error
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.table)?;
        if let Some(row) = self.row {
            write!(f, " row {row}")?;
        }
        if !self.key.is_empty() {
            write!(f, " `{}`", self.key)?;
        }
        write!(f, ": {}", self.message)?;
        if !self.remedy.is_empty() {
            write!(f, "; {}", self.remedy)?;
        }
        Ok(())
    }
}

/// The first of many, and how many there are.
#[must_use]
pub fn bounded(mut findings: Vec<Finding>) -> (Vec<Finding>, usize) {
    let count = findings.len();
    // Errors first: they are what has to be mended.
    findings.sort_by_key(|finding| !finding.is_error());
    findings.truncate(FINDINGS_MAX);
    (findings, count)
}
