//! What an action needs beside state and role. Pure.
//!
//! Everything that stands in the way is told at once, in words for both languages: the console shows
//! it before anybody tries, the API answers with it.

mod ended;
mod given;
mod obstacles;

use gridwatch_protocol::{Text, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use given::wrong_details;
pub use obstacles::obstacles;
pub(super) use obstacles::{contains, settles};

use super::{Case, Mode, text};
use crate::catalogue::{Catalogue, Category};
use crate::directory::{AreaStep, Directory, Unit};

/// The limit of a case is extended at most so often.
pub const EXTENSIONS_MAX: u8 = 2;
/// A case is suspended for at most a year.
pub const SUSPENSION_MAX_MS: i64 = 366 * DAY_MS;
/// A closed or rejected case can be opened again for so long.
pub const REOPEN_MS: i64 = 3 * DAY_MS;
/// A consultation begins with the second time that a unit sends a case back.
pub const SENT_BACK_MAX: usize = 2;
/// At most so many units are asked in one consultation.
pub const TASKS_MAX: usize = 20;
/// At most so many pieces of evidence with one action; a case's history stays readable.
pub const EVIDENCE_MAX: usize = 20;
/// At most so many calls of one case.
pub const CALLS_MAX: usize = 50;
/// At most so many bytes in a name that a request brings.
pub const NAME_BYTES_MAX: usize = 200;
const DAY_MS: i64 = 86_400_000;

/// What the engine knows beside the case.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The categories.
    pub catalogue: &'a Catalogue,
    /// Areas, sites and units.
    pub directory: &'a Directory,
    /// Until when the case would be due if it were dispatched now.
    pub due: Option<Timestamp>,
    /// Until when it would be due with its limit once more.
    pub extended_due: Option<Timestamp>,
    /// Until when it would be due if its suspension ended now.
    pub resumed_due: Option<Timestamp>,
    /// The case that this one is merged into or parted from.
    pub other: Option<&'a Case>,
}

impl<'a> Context<'a> {
    /// The way from the city to the case's grid.
    #[must_use]
    pub fn path(&self, case: &Case) -> Vec<AreaStep> {
        self.directory.path(&case.site)
    }

    /// The category that the case is in.
    #[must_use]
    pub fn category(&self, case: &Case) -> Option<&'a Category> {
        self.catalogue.get(&case.category)
    }

    /// How the case is handled: as was said when it was filed, else as its category is.
    #[must_use]
    pub fn mode(&self, case: &Case) -> Option<Mode> {
        case.progress
            .mode
            .or_else(|| self.category(case).and_then(|category| category.mode))
    }

    /// The unit whose duty the case is.
    #[must_use]
    pub fn owner(&self, case: &Case, category: &str) -> Option<&'a Unit> {
        let kind = self
            .catalogue
            .get(category)
            .and_then(|category| category.unit_kind.as_deref());
        self.directory.owner(&self.path(case), category, kind)
    }
}

/// Something that an action still needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Lack {
    /// A stable code, or the name of the field that is missing or wrong.
    pub code: String,
    /// The same in words.
    pub text: Text,
}

pub(super) fn lack(code: &str, zh: impl Into<String>, en: impl Into<String>) -> Lack {
    Lack {
        code: code.to_owned(),
        text: text(zh, en),
    }
}
