//! Watches the desks: gaps, shifts that nobody took over, consoles that are lost.
//!
//! Looks every second without writing; only when something has begun or ended, the engine is asked to
//! look again and to write it down, inside its transaction. So each shortcoming is told once, also with
//! several hub processes and after a kill at any moment: a report, its event and its calls are committed
//! together.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use gridwatch_protocol::{Severity, Timestamp};
use sqlx::Row;
use tokio_util::sync::CancellationToken;

use super::called::leaders;
use super::calls::{self, Call};
use super::config;
use super::duty::{Duty, begins};
use super::known::{Cache, Kept, Office};
use super::reports::{self, Finding, Known, Open, RESTORED, Report};
use super::timeline::gap_began;
use crate::clocks::Calendar;
use crate::directory::Directories;
use crate::engine::task::{Bench, Task};
use crate::engine::{Engine, JobError};
use crate::store::database::{Connection, query};
use crate::store::{Store, StoreResult, events, sql, time};

/// Desks are looked at this often: what begins is shown at most this much later.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Shifts are at most a day long: an older takeover is not of the present one.
const TAKEOVERS_MS: i64 = 2 * 86_400_000;

/// The task that looks.
#[derive(Debug)]
pub struct Watch {
    /// Writes down what is found.
    pub engine: Engine,
    /// Where it looks.
    pub store: Store,
    /// The rosters.
    pub rosters: Cache,
    /// The area tree.
    pub directories: Directories,
    /// Working days and days off.
    pub calendar: std::sync::Arc<Calendar>,
    /// Minutes east of UTC.
    pub utc_offset_minutes: i32,
    /// How long something may be missing.
    pub limits: config::Duty,
}

impl Watch {
    /// Works until `stop` is cancelled or the engine ends.
    pub async fn run(self, stop: CancellationToken) {
        let listening_since = crate::now();
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while stop.run_until_cancelled(look.tick()).await.is_some() {
            match self.look(listening_since).await {
                Ok(false) => {}
                Ok(true) => {
                    let tick = Tick {
                        limits: self.limits,
                        listening_since,
                    };
                    match self.engine.run(tick, crate::now()).await {
                        Ok(()) | Err(JobError::Busy) => {}
                        Err(JobError::Stopping) => return,
                        Err(error) => {
                            tracing::error!(%error, "a desk's report was not written; it is tried again");
                        }
                    }
                }
                Err(error) => {
                    tracing::warn!(
                        error = crate::chain(&error),
                        "desks are looked at again in a moment"
                    );
                }
            }
        }
    }

    /// Whether there is something to write.
    async fn look(&self, listening_since: Timestamp) -> StoreResult<bool> {
        let mut connection = self.store.connection().await?;
        let rosters = self.rosters.rosters(&mut connection).await?;
        let directory = self.directories.now();
        let office = Office {
            rosters: &rosters,
            directory: &directory,
            calendar: &self.calendar,
            utc_offset_minutes: self.utc_offset_minutes,
        };
        let news = news(
            &mut connection,
            &office,
            self.limits,
            listening_since,
            crate::now(),
        )
        .await?;
        Ok(!news.is_empty())
    }
}

/// Looks again inside the transaction and writes.
#[derive(Debug)]
struct Tick {
    limits: config::Duty,
    listening_since: Timestamp,
}

impl Task for Tick {
    type Output = ();

    async fn run(&self, bench: Bench<'_>) -> StoreResult<()> {
        let settings = bench.settings;
        let rosters = settings.rosters.rosters(bench.connection).await?;
        let office = Office {
            rosters: &rosters,
            directory: &settings.directory,
            calendar: &settings.calendar,
            utc_offset_minutes: settings.utc_offset_minutes,
        };
        let news = news(
            bench.connection,
            &office,
            self.limits,
            self.listening_since,
            bench.now,
        )
        .await?;
        for one in news {
            one.write(bench.connection, &office, bench.now).await?;
        }
        Ok(())
    }
}

/// Something has begun or ended.
#[derive(Debug)]
enum News {
    Begun { area: String, report: Report },
    Ended(Open),
}

impl News {
    async fn write(
        self,
        connection: &mut Connection,
        office: &Office<'_>,
        now: Timestamp,
    ) -> StoreResult<()> {
        match self {
            News::Begun { area, report } => {
                let path = office.directory.area_path(&area);
                let change = report.kind.as_str();
                let event = events::append_desk_event(connection, change, &path, now).await?;
                reports::store(connection, event, (&area, &path), &report, now).await?;
                let called = leaders(&office.desks_of_area(&area, now));
                let rows: Vec<Call> = called
                    .into_iter()
                    .map(|one| Call::of(event, one, now))
                    .collect();
                tracing::warn!(area, report = change, "{}", report.detail.en);
                calls::write(connection, &rows).await
            }
            News::Ended(open) => {
                let path = office.directory.area_path(&open.area);
                events::append_desk_event(connection, RESTORED, &path, now).await?;
                reports::end(connection, open.event, now).await
            }
        }
    }
}

/// What is to be written at this moment; nothing when everything is as it was told.
async fn news(
    connection: &mut Connection,
    office: &Office<'_>,
    limits: config::Duty,
    listening_since: Timestamp,
    now: Timestamp,
) -> StoreResult<Vec<News>> {
    let mut open = reports::open(connection).await?;
    let mut news = Vec::new();
    if !office.rosters.is_empty() {
        let taken = takeovers(connection, now).await?;
        let armed = armed(connection).await?;
        for kept in office.rosters.all() {
            let area = &kept.roster.area;
            let mut told = open.remove(area).unwrap_or_default();
            let desks = office.desks_of_area(area, now);
            if !has_begun(kept, office, now) {
                news.extend(told.into_iter().map(News::Ended));
                continue;
            }
            let duty = desks.first().map(|(_, duty)| duty.clone());
            let duty = duty.unwrap_or_default();
            let manned = duty.is_manned();
            let wider_manned = desks.iter().skip(1).any(|(_, duty)| duty.is_manned());
            let urgent = if manned {
                None
            } else {
                urgent(connection, &office.directory.area_path(area)).await?
            };
            let name = office.area_name(area);
            let known = Known {
                name: &name,
                duty: &duty,
                officers: names(office, &duty),
                gap_since: gap_began(&kept.roster, &office.local(), now),
                wider_manned,
                urgent,
                changed_at: kept.updated_at,
                taken_over: is_taken(&taken, area, &duty),
                armed_at: duty
                    .officers
                    .iter()
                    .filter_map(|one| armed.get(&one.username).copied())
                    .max(),
                listening_since,
            };
            for finding in reports::missing(&known, limits, now) {
                match finding {
                    Finding::Missing(report) => {
                        if told.iter().all(|one| one.report.kind != report.kind) {
                            let area = area.clone();
                            news.push(News::Begun { area, report });
                        }
                    }
                    Finding::Fine(kind) => {
                        let place = told.iter().position(|one| one.report.kind == kind);
                        news.extend(place.map(|place| News::Ended(told.swap_remove(place))));
                    }
                    Finding::Unknown => {}
                }
            }
        }
    }
    // Of areas that have no roster any more nothing is missing.
    news.extend(open.into_values().flatten().map(News::Ended));
    Ok(news)
}

/// Whether the roster has begun: one that was written in advance has no gap before its first shift.
fn has_begun(kept: &Kept, office: &Office<'_>, now: Timestamp) -> bool {
    begins(&kept.roster, &office.local()).is_none_or(|first| first <= now)
}

fn names(office: &Office<'_>, duty: &Duty) -> Vec<String> {
    let officers = duty.officers.iter();
    officers
        .map(|one| office.rosters.name(&one.username).to_owned())
        .collect()
}

type Taken = BTreeSet<(String, String, i64)>;

fn is_taken(taken: &Taken, area: &str, duty: &Duty) -> bool {
    duty.shift.as_ref().is_some_and(|(shift, from, _)| {
        taken.contains(&(area.to_owned(), shift.clone(), from.unix_ms()))
    })
}

async fn takeovers(connection: &mut Connection, now: Timestamp) -> StoreResult<Taken> {
    let rows = query("SELECT area, shift, shift_from FROM duty_takeovers WHERE shift_from > $1")
        .bind(now.unix_ms() - TAKEOVERS_MS)
        .fetch_all(connection)
        .await
        .map_err(sql("reading who took over"))?;
    let taken = rows.iter().map(|row| (row.get(0), row.get(1), row.get(2)));
    Ok(taken.collect())
}

/// When each user was last heard with the sound on.
async fn armed(connection: &mut Connection) -> StoreResult<BTreeMap<String, Timestamp>> {
    let rows = query("SELECT username, MAX(armed_at) FROM duty_consoles WHERE armed_at IS NOT NULL GROUP BY username")
        .fetch_all(connection)
        .await
        .map_err(sql("reading consoles"))?;
    let armed = rows.iter().map(|row| (row.get(0), time(row.get(1))));
    Ok(armed.collect())
}

/// The most urgent open P1 or P2 below this path, and how many there are.
async fn urgent(connection: &mut Connection, path: &str) -> StoreResult<Option<(Severity, i64)>> {
    if path.is_empty() {
        return Ok(None);
    }
    let row = query("SELECT MIN(severity), COUNT(*) FROM cases WHERE is_open = 1 AND is_drill = 0 AND severity <= 2 AND area_path >= $1 AND area_path < $2")
        .bind(path)
        .bind(format!("{}0", path.trim_end_matches('/')))
        .fetch_one(connection)
        .await
        .map_err(sql("looking for urgent cases"))?;
    let most: Option<i64> = row.get(0);
    Ok(most.map(|most| (reports::severity(most), row.get(1))))
}
