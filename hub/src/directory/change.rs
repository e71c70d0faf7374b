//! What an import changes, whether it holds together, and whether it is within reach of who asks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Directory;
use super::check;
use super::contents::{AreaOutline, Contents, Entry, Places, RiskArea, Row};
use super::finding::{Finding, Table};
use super::import::{Import, in_scope};
use super::rows::{Area, Contact, Duty, Hazard, Site, Unit};
use crate::access::Scope;
use crate::catalogue::Catalogue;

/// At most so many keys of changed rows are named in a line of the audit.
const KEYS_NAMED: usize = 20;

/// The rows of a table that change.
#[derive(Debug, Clone)]
pub struct RowChanges<T> {
    /// Rows that were not there.
    pub added: Vec<T>,
    /// Rows that were there and are different now.
    pub changed: Vec<T>,
    /// Rows that are no longer there.
    pub removed: Vec<T>,
}

/// What changes.
#[derive(Debug, Clone)]
pub struct Changes {
    /// In the area tree.
    pub areas: RowChanges<Area>,
    /// Outlines.
    pub outlines: RowChanges<AreaOutline>,
    /// Sites.
    pub sites: RowChanges<Site>,
    /// Units.
    pub units: RowChanges<Unit>,
    /// Duties.
    pub duties: RowChanges<Duty>,
    /// Hazard points.
    pub hazards: RowChanges<Hazard>,
    /// Contacts.
    pub contacts: RowChanges<Contact>,
    /// Risk areas.
    pub risk_areas: RowChanges<RiskArea>,
}

/// How much changes in a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TableCount {
    /// The table.
    pub table: Table,
    /// New rows.
    pub added: usize,
    /// Rows that are different now.
    pub changed: usize,
    /// Rows that are gone.
    pub removed: usize,
}

/// An import that was looked at.
#[derive(Debug)]
pub struct Plan {
    /// The directory as it would be, one version on.
    pub directory: Directory,
    /// What changes.
    pub changes: Changes,
    /// What is wrong or odd, everything at once.
    pub findings: Vec<Finding>,
}

impl Plan {
    /// Whether it can be done.
    #[must_use]
    pub fn is_right(&self) -> bool {
        !self.findings.iter().any(Finding::is_error)
    }
}

/// Looks at an import by somebody who may change what is in `scope`. What could not be read already is
/// in `findings`.
#[must_use]
pub fn plan(
    old: &Directory,
    import: Import,
    scope: &Scope,
    catalogue: &Catalogue,
    mut findings: Vec<Finding>,
) -> Plan {
    let before = old.contents();
    let contents = import.onto(old, scope);
    findings.extend(check::check(&contents, Some(catalogue)));
    let changes = Changes::between(&before, &contents);
    let rows_at = contents.clone();
    let directory = Directory::new(contents, old.version() + 1);
    if !scope.is_whole() {
        let reach = Reach {
            scope,
            old,
            new: &directory,
            places_old: Places::of(&before),
            places_new: Places::of(&rows_at),
        };
        reach.check_all(&changes, &rows_at, &mut findings);
    }
    Plan {
        directory,
        changes,
        findings,
    }
}

impl<T: Row> RowChanges<T> {
    fn between(old: &[Entry<T>], new: &[Entry<T>]) -> Self {
        let mut before: BTreeMap<String, &T> = old
            .iter()
            .map(|entry| (entry.row.key(), &entry.row))
            .collect();
        let (mut added, mut changed) = (Vec::new(), Vec::new());
        for Entry { row, .. } in new {
            match before.remove(&row.key()) {
                None => added.push(row.clone()),
                Some(was) if was != row => changed.push(row.clone()),
                Some(_) => {}
            }
        }
        Self {
            added,
            changed,
            removed: before.into_values().cloned().collect(),
        }
    }

    fn count(&self) -> TableCount {
        TableCount {
            table: T::TABLE,
            added: self.added.len(),
            changed: self.changed.len(),
            removed: self.removed.len(),
        }
    }

    /// Rows to be written.
    pub fn put(&self) -> impl Iterator<Item = &T> {
        self.added.iter().chain(&self.changed)
    }

    fn keys(&self) -> impl Iterator<Item = String> {
        let sign = |sign: &'static str| move |row: &T| format!("{sign}{}:{}", T::TABLE, row.key());
        let added = self.added.iter().map(sign("+"));
        let changed = self.changed.iter().map(sign("~"));
        added
            .chain(changed)
            .chain(self.removed.iter().map(sign("-")))
    }
}

impl Changes {
    /// What is different.
    #[must_use]
    pub fn between(old: &Contents, new: &Contents) -> Self {
        Self {
            areas: RowChanges::between(&old.areas, &new.areas),
            outlines: RowChanges::between(&old.outlines, &new.outlines),
            sites: RowChanges::between(&old.sites, &new.sites),
            units: RowChanges::between(&old.units, &new.units),
            duties: RowChanges::between(&old.duties, &new.duties),
            hazards: RowChanges::between(&old.hazards, &new.hazards),
            contacts: RowChanges::between(&old.contacts, &new.contacts),
            risk_areas: RowChanges::between(&old.risk_areas, &new.risk_areas),
        }
    }

    /// How much changes, of the tables in which something does.
    #[must_use]
    pub fn counts(&self) -> Vec<TableCount> {
        let all = [
            self.areas.count(),
            self.outlines.count(),
            self.sites.count(),
            self.units.count(),
            self.duties.count(),
            self.hazards.count(),
            self.contacts.count(),
            self.risk_areas.count(),
        ];
        let changes = |count: &TableCount| count.added + count.changed + count.removed > 0;
        all.into_iter().filter(changes).collect()
    }

    /// One line for the audit: `+` added, `~` changed, `-` removed, the first rows by key.
    #[must_use]
    pub fn line(&self) -> String {
        let keys = (self.areas.keys().chain(self.outlines.keys()))
            .chain(self.sites.keys())
            .chain(self.units.keys())
            .chain(self.duties.keys())
            .chain(self.hazards.keys())
            .chain(self.contacts.keys())
            .chain(self.risk_areas.keys());
        let keys: Vec<String> = keys.collect();
        let mut line = keys
            .iter()
            .take(KEYS_NAMED)
            .cloned()
            .collect::<Vec<_>>()
            .join(" ");
        if keys.len() > KEYS_NAMED {
            line.push_str(&format!(" and {} more", keys.len() - KEYS_NAMED));
        }
        line
    }
}

/// Whether changes are within reach of somebody who has a part of the tree.
struct Reach<'a> {
    scope: &'a Scope,
    old: &'a Directory,
    new: &'a Directory,
    places_old: Places<'a>,
    places_new: Places<'a>,
}

impl Reach<'_> {
    fn check_all(&self, changes: &Changes, contents: &Contents, findings: &mut Vec<Finding>) {
        self.areas(&changes.areas, contents, findings);
        self.rows(&changes.outlines, contents, findings);
        self.rows(&changes.sites, contents, findings);
        self.rows(&changes.units, contents, findings);
        self.rows(&changes.duties, contents, findings);
        self.rows(&changes.hazards, contents, findings);
        self.rows(&changes.contacts, contents, findings);
        self.rows(&changes.risk_areas, contents, findings);
    }

    /// What is added or changed must be in reach; what is no longer there was (see `Import::onto`).
    fn rows<T: Row>(
        &self,
        changes: &RowChanges<T>,
        contents: &Contents,
        findings: &mut Vec<Finding>,
    ) {
        for row in changes.put() {
            let is_known = row
                .anchor(&self.places_new)
                .is_some_and(|code| self.new.area(&code).is_some());
            // What refers to nothing is told by the check.
            if is_known && !in_scope(row, self.new, &self.places_new, self.scope) {
                findings.push(out_of_reach(row, contents));
            }
        }
        for row in &changes.removed {
            if !in_scope(row, self.old, &self.places_old, self.scope) {
                findings.push(out_of_reach(row, contents));
            }
        }
    }

    /// Where an area is in the tree is for those to say who have the area above it.
    fn areas(&self, changes: &RowChanges<Area>, contents: &Contents, findings: &mut Vec<Finding>) {
        let above = |area: &Area, directory: &Directory| {
            area.parent.as_deref().is_some_and(|parent| {
                let unknown = directory.area(parent).is_none();
                unknown || self.scope.sees_path(&directory.area_path(parent))
            })
        };
        for area in &changes.added {
            if !above(area, self.new) {
                findings.push(out_of_reach(area, contents));
            }
        }
        for area in &changes.changed {
            let was = self.old.area(&area.code);
            let stays =
                was.is_some_and(|was| (was.level, &was.parent) == (area.level, &area.parent));
            let seen = self.scope.sees_path(&self.old.area_path(&area.code));
            let may_move = was.is_some_and(|was| above(was, self.old)) && above(area, self.new);
            if !seen || !(stays || may_move) {
                findings.push(out_of_reach(area, contents));
            }
        }
        for area in &changes.removed {
            if !above(area, self.old) {
                findings.push(out_of_reach(area, contents));
            }
        }
    }
}

fn out_of_reach<T: Row>(row: &T, contents: &Contents) -> Finding {
    let key = row.key();
    let entry = T::list(contents)
        .iter()
        .find(|entry| entry.row.key() == key);
    let message = "this is not in your area, or says where your own area is in the tree";
    let remedy = "leave it as it is; an administrator of a wider area can change it";
    Finding::error(T::TABLE, message, remedy).at(entry.and_then(|e| e.at), key)
}
