//! Storing rosters, for the API and the command line, inside the engine's transaction. A roster is stored
//! as a whole or not at all, and every version that it had is kept.

use std::collections::BTreeSet;

use gridwatch_protocol::Timestamp;
use sqlx::Row;

use super::check;
use super::duty::Local;
use super::known::Kept;
use super::model::Roster;
use crate::clocks::Calendar;
use crate::directory::Directory;
use crate::engine::task::{Bench, Task};
use crate::store::accounts::{AuditRow, write_audit};
use crate::store::database::{Connection, query, query_scalar};
use crate::store::{StoreResult, commit, events, from_json, sql, time, to_json};

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
