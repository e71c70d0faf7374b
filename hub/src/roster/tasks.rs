//! What the engine does about rosters for the API and the command line, inside its transaction.

use std::collections::BTreeSet;

use gridwatch_protocol::Timestamp;
use sqlx::Row;

use super::check;
use super::duty::{Duty, Local, on_duty};
use super::known::{Kept, Office};
use super::model::Roster;
use crate::clocks::Calendar;
use crate::directory::Directory;
use crate::engine::task::{Bench, Task};
use crate::store::accounts::{AuditRow, write_audit};
use crate::store::database::{Connection, query, query_scalar};
use crate::store::{StoreResult, commit, events, from_json, sql, time, to_json};

/// A shift can be taken over so long before it begins: officers come early.
pub const EARLY_MS: i64 = 30 * 60_000;
/// Open cases that are listed with a takeover, the most urgent first; all of them are counted.
pub const CASES_MAX: i64 = 500;
/// Consoles of one user that are remembered: a few screens and a phone.
const CONSOLES_MAX: i64 = 8;
/// A console that was not heard for a day is forgotten.
const CONSOLE_MS: i64 = 86_400_000;

/// What a roster is checked against.
#[derive(Debug, Clone, Copy)]
pub struct Against<'a> {
    /// The area tree.
    pub directory: &'a Directory,
    /// Working days and days off.
    pub calendar: &'a Calendar,
    /// Minutes east of UTC.
    pub utc_offset_minutes: i32,
}

impl Against<'_> {
    /// Every problem but those of accounts, which the store knows.
    #[must_use]
    pub fn problems(&self, roster: &Roster) -> Vec<String> {
        let nobody = BTreeSet::new();
        let local = Local {
            calendar: self.calendar,
            utc_offset_minutes: self.utc_offset_minutes,
            gone: &nobody,
        };
        let mut problems = check::problems(roster, &local);
        if self.directory.area(&roster.area).is_none() {
            problems.push(format!("`{}` is not the code of an area", roster.area));
        }
        problems
    }
}

/// What became of a roster that was to be stored.
#[derive(Debug, Clone, PartialEq)]
pub enum Saved {
    /// It is stored; none: it was taken away.
    Done(Option<Box<Kept>>),
    /// It was made from another version; the present one, if there is one.
    Stale(Option<Box<Kept>>),
    /// It is wrong.
    Wrong(Vec<String>),
}

/// Who changes a roster, and from where.
#[derive(Debug, Clone)]
pub struct By {
    /// Sign-in name, or `command line`.
    pub actor: String,
    /// Network address.
    pub address: String,
}

/// Stores the roster of an area, or takes it away.
#[derive(Debug)]
pub struct Save {
    /// Code of the area.
    pub area: String,
    /// The roster; none: the area has none any more.
    pub roster: Option<Roster>,
    /// The version that it was made from; 0 for none.
    pub version: i64,
    /// Who.
    pub by: By,
}

impl Task for Save {
    type Output = Saved;

    async fn run(&self, bench: Bench<'_>) -> StoreResult<Saved> {
        let settings = bench.settings;
        let against = Against {
            directory: &settings.directory,
            calendar: &settings.calendar,
            utc_offset_minutes: settings.utc_offset_minutes,
        };
        let roster = self.roster.as_ref();
        let version = Some(self.version);
        save(
            bench.connection,
            against,
            (&self.area, roster),
            version,
            &self.by,
            bench.now,
        )
        .await
    }
}

/// Stores a roster as the next version, when the present one is `version` or none is asked for.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn save(
    connection: &mut Connection,
    against: Against<'_>,
    (area, roster): (&str, Option<&Roster>),
    version: Option<i64>,
    by: &By,
    now: Timestamp,
) -> StoreResult<Saved> {
    let present = load(connection, area).await?;
    let at = present.as_ref().map_or(0, |kept| kept.version);
    if version.is_some_and(|version| version != at) {
        return Ok(Saved::Stale(present.map(Box::new)));
    }
    if let Some(roster) = roster {
        let mut problems = against.problems(roster);
        problems.extend(unknown_people(connection, roster).await?);
        if !problems.is_empty() {
            return Ok(Saved::Wrong(problems));
        }
    }
    let next = next_version(connection, area).await?;
    let storing = "storing a roster";
    query(
        "INSERT INTO roster_versions (area, version, at, actor, body) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(area)
    .bind(next)
    .bind(now.unix_ms())
    .bind(&by.actor)
    .bind(roster.map(to_json))
    .execute(&mut *connection)
    .await
    .map_err(sql(storing))?;
    query("DELETE FROM rosters WHERE area = $1")
        .bind(area)
        .execute(&mut *connection)
        .await
        .map_err(sql(storing))?;
    if let Some(roster) = roster {
        query("INSERT INTO rosters (area, version, updated_at, updated_by, body) VALUES ($1, $2, $3, $4, $5)")
            .bind(area)
            .bind(next)
            .bind(now.unix_ms())
            .bind(&by.actor)
            .bind(to_json(roster))
            .execute(&mut *connection)
            .await
            .map_err(sql(storing))?;
    }
    changed(connection).await?;
    let row = AuditRow {
        at: now,
        actor: by.actor.clone(),
        action: if roster.is_some() {
            "roster_changed"
        } else {
            "roster_removed"
        }
        .to_owned(),
        subject: format!("{area} version {next}"),
        address: by.address.clone(),
    };
    write_audit(connection, &row).await?;
    let path = against.directory.area_path(area);
    events::append_desk_event(connection, "roster_changed", &path, now).await?;
    Ok(Saved::Done(roster.map(|roster| {
        Box::new(Kept {
            version: next,
            updated_at: now,
            updated_by: by.actor.clone(),
            roster: roster.clone(),
        })
    })))
}

async fn changed(connection: &mut Connection) -> StoreResult<()> {
    query("UPDATE counters SET value = value + 1 WHERE name = 'roster'")
        .execute(connection)
        .await
        .map(drop)
        .map_err(sql("counting changes of rosters"))
}

/// Versions go on where a roster that was taken away ended.
async fn next_version(connection: &mut Connection, area: &str) -> StoreResult<i64> {
    let last: Option<i64> =
        query_scalar("SELECT MAX(version) FROM roster_versions WHERE area = $1")
            .bind(area)
            .fetch_one(connection)
            .await
            .map_err(sql("reading the version of a roster"))?;
    Ok(last.unwrap_or(0) + 1)
}

async fn load(connection: &mut Connection, area: &str) -> StoreResult<Option<Kept>> {
    let row = query("SELECT version, updated_at, updated_by, body FROM rosters WHERE area = $1")
        .bind(area)
        .fetch_optional(connection)
        .await
        .map_err(sql("reading a roster"))?;
    row.map(|row| {
        Ok(Kept {
            version: row.get(0),
            updated_at: time(row.get(1)),
            updated_by: row.get(2),
            roster: from_json("roster", row.get(3))?,
        })
    })
    .transpose()
}

async fn unknown_people(connection: &mut Connection, roster: &Roster) -> StoreResult<Vec<String>> {
    let rows = query("SELECT name FROM users WHERE disabled_at IS NULL")
        .fetch_all(connection)
        .await
        .map_err(sql("reading users"))?;
    let known: BTreeSet<&str> = rows.iter().map(|row| row.get::<&str, _>(0)).collect();
    let named = roster.people().into_iter();
    let unknown = named.filter(|name| !known.contains(name));
    Ok(unknown
        .map(|name| format!("there is no active user `{name}`"))
        .collect())
}

/// An officer takes a shift over.
#[derive(Debug)]
pub struct TakeOver {
    /// Code of the area whose roster it is.
    pub area: String,
    /// Sign-in name.
    pub username: String,
    /// What the officer before said, or what the next one should know.
    pub note: String,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TakenOver {
    /// The number of its row; the same again when it was taken over before.
    Done(i64),
    /// The area has no roster.
    NoRoster,
    /// They are not on duty there, now or within [`EARLY_MS`].
    NotOnDuty,
}

impl Task for TakeOver {
    type Output = TakenOver;

    async fn run(&self, bench: Bench<'_>) -> StoreResult<TakenOver> {
        let (connection, settings, now) = (bench.connection, bench.settings, bench.now);
        let rosters = settings.rosters.rosters(connection).await?;
        let office = Office {
            rosters: &rosters,
            directory: &settings.directory,
            calendar: &settings.calendar,
            utc_offset_minutes: settings.utc_offset_minutes,
        };
        let Some(kept) = rosters.of(&self.area) else {
            return Ok(TakenOver::NoRoster);
        };
        let local = office.local();
        let mut done = None;
        for at in [now, now.plus_ms(EARLY_MS)] {
            let duty = on_duty(&kept.roster, &local, at);
            let Some((shift, from)) = self.shift_of(&duty) else {
                continue;
            };
            match taken(connection, &self.area, &shift, from, &self.username).await? {
                Some(id) => done = done.or(Some(id)),
                None => {
                    let before = on_duty(&kept.roster, &local, from.plus_ms(-1));
                    let path = office.directory.area_path(&self.area);
                    let id = self
                        .write(connection, (&shift, from), &before, &path, now)
                        .await?;
                    return Ok(TakenOver::Done(id));
                }
            }
        }
        Ok(done.map_or(TakenOver::NotOnDuty, TakenOver::Done))
    }
}

impl TakeOver {
    fn shift_of(&self, duty: &Duty) -> Option<(String, Timestamp)> {
        let (shift, from, _) = duty.shift.as_ref()?;
        let mut here = duty.officers.iter().chain(&duty.shift_leader);
        here.any(|one| one.username == self.username)
            .then(|| (shift.clone(), *from))
    }

    async fn write(
        &self,
        connection: &mut Connection,
        (shift, from): (&str, Timestamp),
        before: &Duty,
        path: &str,
        now: Timestamp,
    ) -> StoreResult<i64> {
        let storing = "storing a takeover";
        let taken_from = match last_taker(connection, &self.area, from).await? {
            Some(name) => Some(name),
            None => before.officers.first().map(|one| one.username.clone()),
        };
        let id: i64 = query_scalar(
            "UPDATE counters SET value = value + 1 WHERE name = 'takeover' RETURNING value",
        )
        .fetch_one(&mut *connection)
        .await
        .map_err(sql("numbering a takeover"))?;
        let end = format!("{}0", path.trim_end_matches('/'));
        let open: i64 = query_scalar("SELECT COUNT(*) FROM cases WHERE is_open = 1 AND is_drill = 0 AND area_path >= $1 AND area_path < $2")
            .bind(path)
            .bind(&end)
            .fetch_one(&mut *connection)
            .await
            .map_err(sql(storing))?;
        query("INSERT INTO duty_takeovers (id, area, area_path, shift, shift_from, at, taken_by, taken_from, note, open_cases) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
            .bind(id)
            .bind(&self.area)
            .bind(path)
            .bind(shift)
            .bind(from.unix_ms())
            .bind(now.unix_ms())
            .bind(&self.username)
            .bind(taken_from)
            .bind(&self.note)
            .bind(open)
            .execute(&mut *connection)
            .await
            .map_err(sql(storing))?;
        query("INSERT INTO duty_takeover_cases (takeover, case_id, severity, state) SELECT CAST($1 AS BIGINT), id, severity, state FROM cases WHERE is_open = 1 AND is_drill = 0 AND area_path >= $2 AND area_path < $3 ORDER BY severity, opened_at, id LIMIT $4")
            .bind(id)
            .bind(path)
            .bind(&end)
            .bind(CASES_MAX)
            .execute(&mut *connection)
            .await
            .map_err(sql(storing))?;
        let row = AuditRow {
            at: now,
            actor: self.username.clone(),
            action: "shift_taken_over".to_owned(),
            subject: format!("{} {shift} from {from}", self.area),
            address: String::new(),
        };
        write_audit(connection, &row).await?;
        events::append_desk_event(connection, "taken_over", path, now).await?;
        Ok(id)
    }
}

async fn taken(
    connection: &mut Connection,
    area: &str,
    shift: &str,
    from: Timestamp,
    username: &str,
) -> StoreResult<Option<i64>> {
    query_scalar("SELECT id FROM duty_takeovers WHERE area = $1 AND shift = $2 AND shift_from = $3 AND taken_by = $4")
        .bind(area)
        .bind(shift)
        .bind(from.unix_ms())
        .bind(username)
        .fetch_optional(connection)
        .await
        .map_err(sql("looking for a takeover"))
}

/// Who took the desk over last before this shift.
async fn last_taker(
    connection: &mut Connection,
    area: &str,
    from: Timestamp,
) -> StoreResult<Option<String>> {
    query_scalar("SELECT taken_by FROM duty_takeovers WHERE area = $1 AND shift_from < $2 ORDER BY shift_from DESC, id DESC LIMIT 1")
        .bind(area)
        .bind(from.unix_ms())
        .fetch_optional(connection)
        .await
        .map_err(sql("looking for the takeover before"))
}

/// A console is heard.
#[derive(Debug)]
pub struct Beat {
    /// Whose it is.
    pub username: String,
    /// Its own name, made by the console.
    pub console: String,
    /// Whether its sound is on.
    pub armed: bool,
    /// Whether its page is visible.
    pub visible: bool,
}

impl Task for Beat {
    type Output = ();

    async fn run(&self, bench: Bench<'_>) -> StoreResult<()> {
        let (connection, now) = (bench.connection, bench.now);
        let storing = "storing a console";
        query("INSERT INTO duty_consoles (username, console, armed, visible, seen_at, armed_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (username, console) DO UPDATE SET armed = excluded.armed, visible = excluded.visible, seen_at = excluded.seen_at, armed_at = COALESCE(excluded.armed_at, duty_consoles.armed_at)")
            .bind(&self.username)
            .bind(&self.console)
            .bind(self.armed)
            .bind(self.visible)
            .bind(now.unix_ms())
            .bind(self.armed.then(|| now.unix_ms()))
            .execute(&mut *connection)
            .await
            .map_err(sql(storing))?;
        query("DELETE FROM duty_consoles WHERE username = $1 AND (seen_at < $2 OR console IN (SELECT console FROM duty_consoles WHERE username = $1 ORDER BY seen_at DESC, console LIMIT 1000 OFFSET $3))")
            .bind(&self.username)
            .bind(now.unix_ms() - CONSOLE_MS)
            .bind(CONSOLES_MAX)
            .execute(connection)
            .await
            .map(drop)
            .map_err(sql(storing))
    }
}

impl crate::store::Writer {
    /// Stores a roster from the command line, whatever version is there.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn import_roster(
        &mut self,
        against: Against<'_>,
        roster: &Roster,
        now: Timestamp,
    ) -> StoreResult<Saved> {
        let mut transaction = self.begin().await?;
        let by = By {
            actor: "command line".to_owned(),
            address: String::new(),
        };
        let of = (roster.area.as_str(), Some(roster));
        let saved = save(&mut transaction, against, of, None, &by, now).await?;
        if matches!(saved, Saved::Done(_)) {
            commit(transaction).await?;
        }
        Ok(saved)
    }

    /// Sets where somebody is written to; false when there is no such active user.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn set_email(
        &mut self,
        username: &str,
        address: Option<&str>,
        now: Timestamp,
    ) -> StoreResult<bool> {
        let mut transaction = self.begin().await?;
        let done = query("UPDATE users SET email = $2 WHERE name = $1 AND disabled_at IS NULL")
            .bind(username)
            .bind(address)
            .execute(&mut *transaction)
            .await
            .map_err(sql("setting an address"))?;
        let row = AuditRow {
            at: now,
            actor: "command line".to_owned(),
            action: "email_set".to_owned(),
            subject: username.to_owned(),
            address: String::new(),
        };
        write_audit(&mut transaction, &row).await?;
        commit(transaction).await?;
        Ok(done > 0)
    }
}
