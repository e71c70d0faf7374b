//! The rosters of the store, kept in memory, and desks made of them.
//!
//! A copy is read again when a roster was changed, and every few seconds for accounts that were shut
//! out. What is decided on it is decided inside the engine's transaction, where the number of changes is
//! looked at first.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use gridwatch_protocol::{SiteId, Text, Timestamp};
use sqlx::Row;

use super::called::Desk;
use super::duty::{Local, on_duty};
use super::model::Roster;
use crate::cases::text;
use crate::clocks::Calendar;
use crate::directory::Directory;
use crate::store::database::{Connection, query};
use crate::store::{StoreResult, from_json, intake, sql, time};

/// Accounts are looked at again after so long: who was shut out has no desk any more.
const AGE_MAX: Duration = Duration::from_secs(5);

/// A roster with its version.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// Grows with every change.
    pub version: i64,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// By whom.
    pub updated_by: String,
    /// The roster.
    pub roster: Roster,
}

/// Every roster, and who is named in them.
#[derive(Debug, Clone, Default)]
pub struct Rosters {
    kept: BTreeMap<String, Kept>,
    names: BTreeMap<String, String>,
    gone: BTreeSet<String>,
}

impl Rosters {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Every roster, by the code of its area.
    pub fn all(&self) -> impl Iterator<Item = &Kept> {
        self.kept.values()
    }

    /// The roster of exactly this area.
    #[must_use]
    pub fn of(&self, area: &str) -> Option<&Kept> {
        self.kept.get(area)
    }

    /// Somebody's name for people; the sign-in name when they have none.
    #[must_use]
    pub fn name<'a>(&'a self, username: &'a str) -> &'a str {
        self.names.get(username).map_or(username, String::as_str)
    }

    /// Reads them from the store.
    pub(crate) async fn read(connection: &mut Connection) -> StoreResult<Self> {
        let reading = "reading rosters";
        let rows = query("SELECT area, version, updated_at, updated_by, body FROM rosters")
            .fetch_all(&mut *connection)
            .await
            .map_err(sql(reading))?;
        let mut rosters = Rosters::default();
        for row in &rows {
            let kept = Kept {
                version: row.get(1),
                updated_at: time(row.get(2)),
                updated_by: row.get(3),
                roster: from_json("roster", row.get(4))?,
            };
            rosters.kept.insert(row.get(0), kept);
        }
        if rosters.is_empty() {
            return Ok(rosters);
        }
        let rows = query("SELECT name, display_name FROM users WHERE disabled_at IS NULL")
            .fetch_all(connection)
            .await
            .map_err(sql(reading))?;
        rosters.names = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        let named = rosters.kept.values().flat_map(|kept| kept.roster.people());
        rosters.gone = named
            .filter(|name| !rosters.names.contains_key(*name))
            .map(str::to_owned)
            .collect();
        Ok(rosters)
    }
}

/// What desks are made of.
#[derive(Debug, Clone, Copy)]
pub struct Office<'a> {
    /// The rosters.
    pub rosters: &'a Rosters,
    /// The area tree.
    pub directory: &'a Directory,
    /// Working days and days off.
    pub calendar: &'a Calendar,
    /// Minutes east of UTC.
    pub utc_offset_minutes: i32,
}

impl<'a> Office<'a> {
    /// What a roster is read by.
    #[must_use]
    pub fn local(&self) -> Local<'a> {
        Local {
            calendar: self.calendar,
            utc_offset_minutes: self.utc_offset_minutes,
            gone: &self.rosters.gone,
        }
    }

    /// The desks that look after a place, from the narrowest to the widest; of an unknown place (an
    /// empty path) those of the widest areas.
    #[must_use]
    pub fn desks(&self, path: &str, at: Timestamp) -> Vec<Desk> {
        let of = |area: &str| {
            let kept = self.rosters.of(area)?;
            Some((area.to_owned(), on_duty(&kept.roster, &self.local(), at)))
        };
        if path.is_empty() {
            let areas = self.directory.areas().iter();
            let roots = areas.filter(|area| area.parent.is_none());
            return roots.filter_map(|area| of(&area.code)).collect();
        }
        let codes = path.split('/').filter(|code| !code.is_empty());
        codes.rev().filter_map(of).collect()
    }

    /// The desks that look after a site.
    #[must_use]
    pub fn desks_of_site(&self, site: &SiteId, at: Timestamp) -> Vec<Desk> {
        if self.rosters.is_empty() {
            return Vec::new();
        }
        self.desks(&self.directory.site_path(site), at)
    }

    /// The desks of an area and those behind it.
    #[must_use]
    pub fn desks_of_area(&self, area: &str, at: Timestamp) -> Vec<Desk> {
        let path = self.directory.area_path(area);
        // An area that is no longer in the tree still has its own desk.
        if path.is_empty() {
            let kept = self.rosters.of(area);
            let desk = kept.map(|kept| on_duty(&kept.roster, &self.local(), at));
            return desk
                .map(|duty| (area.to_owned(), duty))
                .into_iter()
                .collect();
        }
        self.desks(&path, at)
    }

    /// An area's name; its code when it is not in the tree.
    #[must_use]
    pub fn area_name(&self, area: &str) -> Text {
        let known = self.directory.area(area);
        known.map_or_else(|| text(area, area), |area| area.name.clone())
    }
}

#[derive(Debug)]
struct Held {
    changes: i64,
    read_at: Instant,
    rosters: Arc<Rosters>,
}

/// The rosters as they were read last; cheap to clone, shared by all that ask.
#[derive(Debug, Clone, Default)]
pub struct Cache(Arc<Mutex<Option<Held>>>);

impl Cache {
    /// The rosters as this connection sees them.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn rosters(&self, connection: &mut Connection) -> StoreResult<Arc<Rosters>> {
        let changes = intake::counter(connection, "roster").await?;
        if let Some(rosters) = self.fresh(changes) {
            return Ok(rosters);
        }
        let rosters = Arc::new(Rosters::read(connection).await?);
        let held = Held {
            changes,
            read_at: Instant::now(),
            rosters: Arc::clone(&rosters),
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
        Ok(rosters)
    }

    fn fresh(&self, changes: i64) -> Option<Arc<Rosters>> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let copy = held.as_ref()?;
        let fits = copy.changes == changes && copy.read_at.elapsed() < AGE_MAX;
        fits.then(|| Arc::clone(&copy.rosters))
    }
}

impl crate::api::Shared {
    /// The rosters as they are now.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn rosters(&self) -> StoreResult<Arc<Rosters>> {
        let mut connection = self.store.connection().await?;
        self.rosters.rosters(&mut connection).await
    }

    /// Desks of these rosters.
    #[must_use]
    pub fn office<'a>(&'a self, rosters: &'a Rosters, directory: &'a Directory) -> Office<'a> {
        Office {
            rosters,
            directory,
            calendar: &self.calendar,
            utc_offset_minutes: self.config.utc_offset_minutes,
        }
    }
}
