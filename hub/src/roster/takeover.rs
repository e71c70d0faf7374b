//! 交接班: an officer takes a shift over from the one before. Written once for each officer and shift, with
//! the cases that are open at that moment.

use gridwatch_protocol::Timestamp;
use sqlx::Row;

use super::duty::{Duty, on_duty};
use super::known::Office;
use crate::engine::task::{Bench, Task};
use crate::store::accounts::{AuditRow, write_audit};
use crate::store::database::{Connection, query, query_scalar};
use crate::store::{StoreResult, events, sql, time};

/// A shift can be taken over so long before it begins: officers come early.
pub const EARLY_MS: i64 = 30 * 60_000;
/// Open cases that are listed with a takeover, the most urgent first; all of them are counted.
pub const CASES_MAX: i64 = 500;

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
                // Said twice is meant once, also shortly before the next shift.
                Some((id, taken_at)) if now.ms_since(taken_at) < EARLY_MS => {
                    return Ok(TakenOver::Done(id));
                }
                Some((id, _)) => done = done.or(Some(id)),
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
) -> StoreResult<Option<(i64, Timestamp)>> {
    let row = query("SELECT id, at FROM duty_takeovers WHERE area = $1 AND shift = $2 AND shift_from = $3 AND taken_by = $4")
        .bind(area)
        .bind(shift)
        .bind(from.unix_ms())
        .bind(username)
        .fetch_optional(connection)
        .await
        .map_err(sql("looking for a takeover"))?;
    Ok(row.map(|row| (row.get(0), time(row.get(1)))))
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
