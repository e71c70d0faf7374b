//! What a child sends, taken in one transaction.
//!
//! Doing it twice changes nothing: the primary key of a case and its mark decide, results and heads are
//! known by their ids and signatures.

use gridwatch_protocol::{
    CaseDocument, CommandResult, EpochStart, HubId, ReceiptStatus, Timestamp, UPWARD_STEPS_MAX,
    UpwardBatch, UpwardHeartbeat, UpwardMark, UpwardReceiptItem,
};
use serde::{Deserialize, Serialize};
use sqlx::Row;

use super::rows::{self, ChildRow};
use super::{commands, heads, silence};
use crate::cases::text;
use crate::directory::Directory;
use crate::engine::task::{Bench, Task};
use crate::parent::up::link::next_known;
use crate::store::database::{Connection, query};
use crate::store::events::append_child_events;
use crate::store::{StoreResult, sql, time, to_json};

/// Longest text of a document that is taken, in bytes: names in our own catalogue have a tenth of it.
const TEXT_MAX: usize = 2_000;
/// Longest code.
const CODE_MAX: usize = 100;
/// Most calls of one case; the case engine allows fewer.
const CALLS_MAX: usize = 200;
/// Most areas on the way down to a place.
const AREAS_MAX: usize = 20;

/// A batch with more news tells the live feed of the hub alone: a child that tells everything anew would push out
/// what officers have to see.
const CASE_EVENTS_MAX: usize = 20;

const UPSERT: &str = "INSERT INTO child_cases (hub, case_epoch, case_id, sent_epoch, sequence, number, state, is_open, severity, category, area_path, card, is_drill, opened_at, due_at, called, calls_waiting, received_at, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19) ON CONFLICT (hub, case_epoch, case_id) DO UPDATE SET sent_epoch = excluded.sent_epoch, sequence = excluded.sequence, number = excluded.number, state = excluded.state, is_open = excluded.is_open, severity = excluded.severity, category = excluded.category, area_path = excluded.area_path, card = excluded.card, is_drill = excluded.is_drill, opened_at = excluded.opened_at, due_at = excluded.due_at, called = excluded.called, calls_waiting = excluded.calls_waiting, received_at = excluded.received_at, body = excluded.body, lost_at = NULL WHERE (excluded.sent_epoch, excluded.sequence) > (child_cases.sent_epoch, child_cases.sequence)";

/// What became of a batch.
#[derive(Debug)]
pub struct Taken {
    /// One entry per document.
    pub items: Vec<UpwardReceiptItem>,
    /// Up to where nothing is missing.
    pub known: Option<UpwardMark>,
    /// The life of the own store.
    pub epoch: i64,
}

/// Takes a batch; nothing when the child is no longer there.
#[derive(Debug)]
pub struct TakeBatch {
    /// The batch, of the hub whose key it came with.
    pub batch: UpwardBatch,
}

impl Task for TakeBatch {
    type Output = Option<Taken>;

    async fn run(&self, bench: Bench<'_>) -> StoreResult<Option<Taken>> {
        let Bench {
            connection,
            settings,
            now,
            ..
        } = bench;
        let batch = &self.batch;
        let Some(child) = rows::load(connection, &batch.hub).await? else {
            return Ok(None);
        };
        let mut items = Vec::with_capacity(batch.items.len());
        let mut changed = Vec::new();
        for item in &batch.items {
            let document = &item.document;
            let status = match unfit(document) {
                Some(reason) => ReceiptStatus::Rejected { reason },
                None => {
                    let mark = UpwardMark {
                        epoch: batch.epoch,
                        sequence: item.sequence,
                    };
                    let path = path(document, &child, &settings.directory);
                    if upsert(connection, &batch.hub, mark, document, &path, now.unix_ms()).await? {
                        changed.push(Some((document.case_epoch, document.case)));
                        ReceiptStatus::Accepted
                    } else {
                        ReceiptStatus::Duplicate
                    }
                }
            };
            items.push(UpwardReceiptItem {
                sequence: item.sequence,
                case_epoch: document.case_epoch,
                case: document.case,
                status,
            });
        }
        if changed.len() > CASE_EVENTS_MAX {
            changed = vec![None];
        }
        append_child_events(connection, &batch.hub, &changed, "case", now).await?;
        let before = known(connection, &batch.hub).await?;
        let after = next_known(before, batch.epoch, batch.after, batch.through);
        if after != before {
            query("UPDATE child_status SET known_epoch = $2, known_sequence = $3 WHERE hub = $1")
                .bind(batch.hub.as_str())
                .bind(after.map(|mark| mark.epoch))
                .bind(after.map(|mark| mark.sequence))
                .execute(&mut *connection)
                .await
                .map_err(sql("noting how far a child has come"))?;
        }
        Ok(Some(Taken {
            items,
            known: after,
            epoch: own_epoch(connection).await?,
        }))
    }
}

/// Why a document is never taken.
fn unfit(document: &CaseDocument) -> Option<String> {
    let codes = [
        &document.number,
        &document.state,
        &document.category,
        &document.card,
    ];
    let short = |text: &str, max: usize| text.len() <= max && !text.contains('\0');
    if document.case < 1 || document.case_epoch < 1 {
        return Some("numbers of cases and epochs begin with 1".to_owned());
    }
    if codes
        .iter()
        .any(|code| code.is_empty() || !short(code, CODE_MAX))
    {
        return Some(format!(
            "number, state, category and card are texts of 1 to {CODE_MAX} bytes"
        ));
    }
    let texts = [
        &document.title.zh,
        &document.title.en,
        &document.category_name.zh,
        &document.category_name.en,
    ];
    let areas = document.area_path.iter().map(|area| &area.code);
    if texts.iter().any(|text| !short(text, TEXT_MAX)) || areas.clone().any(|c| !short(c, CODE_MAX))
    {
        return Some(format!("a text has more than {TEXT_MAX} bytes"));
    }
    let unit = |code: &str| short(code, CODE_MAX) && !code.contains(' ');
    if document.calls.iter().any(|call| !unit(&call.unit)) {
        return Some("a call names no unit".to_owned());
    }
    let many = document.steps.len() > UPWARD_STEPS_MAX
        || document.calls.len() > CALLS_MAX
        || document.area_path.len() > AREAS_MAX;
    many.then(|| {
        format!("more than {UPWARD_STEPS_MAX} steps, {CALLS_MAX} calls or {AREAS_MAX} areas")
    })
}

/// The narrowest area of the own tree that the case is in, within the child's own area.
fn path(document: &CaseDocument, child: &ChildRow, directory: &Directory) -> String {
    let own = directory.area_path(&child.area);
    let own = if own.is_empty() {
        child.area_path.clone()
    } else {
        own
    };
    let paths = document.area_path.iter().rev();
    paths
        .map(|area| directory.area_path(&area.code))
        .find(|path| !own.is_empty() && path.starts_with(&own))
        .unwrap_or(own)
}

async fn upsert(
    connection: &mut Connection,
    hub: &HubId,
    mark: UpwardMark,
    document: &CaseDocument,
    path: &str,
    now: i64,
) -> StoreResult<bool> {
    let waiting = document.calls.iter().filter(|c| c.answered_at.is_none());
    let called: Vec<&str> = document.calls.iter().map(|c| c.unit.as_str()).collect();
    let done = query(UPSERT)
        .bind(hub.as_str())
        .bind(document.case_epoch)
        .bind(document.case)
        .bind(mark.epoch)
        .bind(mark.sequence)
        .bind(&document.number)
        .bind(&document.state)
        .bind(document.is_open)
        .bind(document.severity.alarm_priority())
        .bind(&document.category)
        .bind(path)
        .bind(&document.card)
        .bind(document.is_drill)
        .bind(document.opened_at.unix_ms())
        .bind(document.due_at.map(|at| at.unix_ms()))
        // With a blank on both sides of each, so that one is found by itself.
        .bind(format!(" {} ", called.join(" ")))
        .bind(i64::try_from(waiting.count()).unwrap_or(i64::MAX))
        .bind(now)
        .bind(to_json(document))
        .execute(connection)
        .await
        .map_err(sql("keeping a child's case"))?;
    Ok(done > 0)
}

async fn known(connection: &mut Connection, hub: &HubId) -> StoreResult<Option<UpwardMark>> {
    let row = query("SELECT known_epoch, known_sequence FROM child_status WHERE hub = $1")
        .bind(hub.as_str())
        .fetch_optional(connection)
        .await
        .map_err(sql("reading how far a child has come"))?;
    let mark = |row: &sqlx::any::AnyRow| {
        Some(UpwardMark {
            epoch: row.get::<Option<i64>, _>(0)?,
            sequence: row.get::<Option<i64>, _>(1)?,
        })
    };
    Ok(row.as_ref().and_then(mark))
}

async fn own_epoch(connection: &mut Connection) -> StoreResult<i64> {
    let row = query("SELECT MAX(epoch) FROM epochs")
        .fetch_one(connection)
        .await
        .map_err(sql("reading the epoch"))?;
    Ok(row.get::<Option<i64>, _>(0).unwrap_or(1))
}

/// What a child said of itself last.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChildSays {
    /// Version of its program.
    pub version: String,
    /// The lives of its store.
    pub epochs: Vec<EpochStart>,
    /// Its newest event.
    pub newest: i64,
    /// How far its clock is ahead of ours, in milliseconds.
    pub clock_ahead_ms: i64,
}

/// What became of a heartbeat.
#[derive(Debug)]
pub struct Beaten {
    /// Up to where nothing is missing.
    pub known: Option<UpwardMark>,
    /// The life of the own store.
    pub epoch: i64,
    /// What is wrong with its signed heads, if that is new.
    pub problem: Option<String>,
}

/// Takes a heartbeat; nothing when the child is no longer there.
#[derive(Debug)]
pub struct TakeHeartbeat {
    /// The heartbeat, of the hub whose key it came with.
    pub heartbeat: UpwardHeartbeat,
}

impl Task for TakeHeartbeat {
    type Output = Option<Beaten>;

    async fn run(&self, mut bench: Bench<'_>) -> StoreResult<Option<Beaten>> {
        let (beat, now) = (&self.heartbeat, bench.now);
        let row = query("SELECT public_key, audit_problem, body, last_heartbeat_at FROM child_status WHERE hub = $1")
            .bind(beat.hub.as_str())
            .fetch_optional(&mut *bench.connection)
            .await
            .map_err(sql("reading what a child said"))?;
        let Some(row) = row else { return Ok(None) };
        let heard_again = match row.get::<Option<i64>, _>(3).map(time) {
            Some(last) => {
                let why = text("下级平台恢复心跳", "the child hub sends heartbeats again");
                silence::end(&mut bench, &beat.hub, last, why).await?
            }
            None => true,
        };
        let connection = bench.connection;
        let known_key: String = row.get(0);
        let old_problem: Option<String> = row.get(1);
        let before: Option<ChildSays> = row
            .get::<Option<String>, _>(2)
            .and_then(|body| serde_json::from_str(&body).ok());
        if before.is_none_or(|before| before.epochs != beat.epochs) {
            let lost = mark_lost(connection, &beat.hub, &beat.epochs, now.unix_ms()).await?;
            tell_if(connection, &beat.hub, lost > 0, "lost", now).await?;
        }
        tell_if(connection, &beat.hub, heard_again, "heard", now).await?;
        let mut answered = Vec::new();
        for CommandResult { id, at, outcome } in &beat.results {
            let id = id.to_string();
            let case = commands::settle(connection, &beat.hub, &id, *at, outcome).await?;
            answered.extend(case.map(Some));
        }
        append_child_events(connection, &beat.hub, &answered, "command", now).await?;
        let (hub, key) = (&beat.hub, &beat.public_key);
        let problem = heads::keep(connection, hub, &known_key, key, &beat.heads, now).await?;
        let says = ChildSays {
            version: beat.hub_version.chars().take(CODE_MAX).collect(),
            epochs: beat.epochs.clone(),
            newest: beat.newest,
            clock_ahead_ms: beat.at.ms_since(now),
        };
        let is_new = problem.is_some() && old_problem.is_none();
        tell_if(connection, hub, is_new, "audit", now).await?;
        // The first warning stays until somebody has looked.
        let kept = old_problem.clone().or_else(|| problem.clone());
        let key = if known_key.is_empty() {
            key
        } else {
            &known_key
        };
        query("UPDATE child_status SET last_heartbeat_at = $2, public_key = $3, audit_problem = $4, body = $5 WHERE hub = $1")
            .bind(beat.hub.as_str())
            .bind(now.unix_ms())
            .bind(key)
            .bind(&kept)
            .bind(to_json(&says))
            .execute(&mut *connection)
            .await
            .map_err(sql("keeping what a child said"))?;
        Ok(Some(Beaten {
            known: known(connection, &beat.hub).await?,
            epoch: own_epoch(connection).await?,
            problem: problem.filter(|_| old_problem.is_none()),
        }))
    }
}

/// An event about the hub itself.
async fn tell_if(
    connection: &mut Connection,
    hub: &HubId,
    so: bool,
    change: &str,
    now: Timestamp,
) -> StoreResult<()> {
    let about: &[_] = if so { &[None] } else { &[] };
    append_child_events(connection, hub, about, change, now).await
}

/// Cases that were opened after the backup which the child was restored from are not there any more; how many.
async fn mark_lost(
    connection: &mut Connection,
    hub: &HubId,
    epochs: &[EpochStart],
    now: i64,
) -> StoreResult<u64> {
    let mut lost = 0;
    for start in epochs.iter().filter(|start| start.epoch > 1) {
        lost += query("UPDATE child_cases SET lost_at = $4 WHERE hub = $1 AND case_epoch < $2 AND case_id > $3 AND lost_at IS NULL")
            .bind(hub.as_str())
            .bind(start.epoch)
            .bind(start.cases)
            .bind(now)
            .execute(&mut *connection)
            .await
            .map_err(sql("marking cases that a child has lost"))?;
    }
    Ok(lost)
}

#[cfg(test)]
mod tests {
    use gridwatch_protocol::{AreaName, Text};

    use super::*;
    use crate::cases::sample::Shipped;

    fn document(areas: &[&str]) -> CaseDocument {
        let text = Text {
            zh: "漏水".into(),
            en: "leak".into(),
        };
        let at = Timestamp::from_unix_ms(0);
        let area = |code: &&str| AreaName {
            code: (*code).to_owned(),
            name: text.clone(),
        };
        serde_json::from_value(serde_json::json!({
            "case_epoch": 1, "case": 1, "number": "1", "version": 1, "state": "reported", "is_open": true,
            "severity": "P3", "category": "water_leak", "category_name": text, "title": text,
            "site": "yard", "opened_at": at, "updated_at": at, "card": "none",
            "area_path": areas.iter().map(area).collect::<Vec<_>>(),
        }))
        .unwrap()
    }

    fn child(area: &str, path: &str) -> ChildRow {
        ChildRow {
            id: "donghu".parse().unwrap(),
            name: String::new(),
            area: area.into(),
            area_path: path.into(),
            key_hash: String::new(),
            added_at: Timestamp::from_unix_ms(0),
            revoked_at: None,
        }
    }

    #[test]
    fn case_is_shown_in_the_narrowest_area_that_is_known_and_never_outside_the_childs_own() {
        let directory = Shipped::load().directory;
        let district = child("990101", "/990100/990101/");
        let at = |areas: &[&str]| path(&document(areas), &district, &directory);
        assert_eq!(
            at(&["990101", "990101001", "77"]),
            "/990100/990101/990101001/"
        );
        assert_eq!(at(&["x", "y"]), "/990100/990101/");
        assert_eq!(at(&[]), "/990100/990101/");
        // What another area is called does not lead there.
        assert_eq!(at(&["990100"]), "/990100/990101/");
        let gone = child("88", "");
        assert_eq!(path(&document(&["990101"]), &gone, &directory), "");
    }

    #[test]
    fn documents_out_of_bounds_are_never_taken() {
        assert_eq!(unfit(&document(&["990101"])), None);
        let told = |change: fn(&mut CaseDocument)| {
            let mut document = document(&[]);
            change(&mut document);
            unfit(&document).unwrap_or_default()
        };
        assert!(told(|d| d.case = 0).contains("begin with 1"));
        assert!(told(|d| d.state = String::new()).contains("1 to 100"));
        assert!(told(|d| d.number = "x\0".into()).contains("1 to 100"));
        assert!(told(|d| d.title.zh = "x".repeat(2_001)).contains("2000"));
        assert!(told(|d| d.area_path = document(&["a"; 21]).area_path).contains("20 areas"));
    }
}
