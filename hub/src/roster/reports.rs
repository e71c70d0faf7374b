//! What is missing at a desk, and the rows that say so.
//!
//! Deciding is pure: [`missing`] takes what is known of a desk and `now`. A report is open until what was
//! missing is there again; an area has at most one open report of a kind, so that the same shortcoming
//! is told once, whichever hub process finds it and however often.

use std::collections::BTreeMap;

use gridwatch_protocol::{Severity, Text, Timestamp};
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::any::AnyRow;
use utoipa::ToSchema;

use super::config;
use super::duty::Duty;
use crate::cases::text;
use crate::store::database::{Connection, QueryBuilder, query};
use crate::store::{StoreResult, from_json, sql, time, to_json};

/// What can be missing.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// 无人值班: no officer has the desk.
    DutyGap,
    /// No officer of this desk or a wider one is on duty while a P1 or P2 is open.
    DutyUnattended,
    /// 未接班: none of the officers of a shift has taken it over.
    NotTakenOver,
    /// No officer on duty has a console with its sound on.
    ConsoleLost,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 4] = [
        Kind::DutyGap,
        Kind::DutyUnattended,
        Kind::NotTakenOver,
        Kind::ConsoleLost,
    ];

    /// The name in the store and on the wire, which is also the name of its event.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::DutyGap => "duty_gap",
            Kind::DutyUnattended => "duty_unattended",
            Kind::NotTakenOver => "not_taken_over",
            Kind::ConsoleLost => "console_lost",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// The event of a report that has ended.
pub const RESTORED: &str = "duty_restored";

/// Something is missing at a desk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = DeskReport)]
pub struct Report {
    /// What.
    pub kind: Kind,
    /// How urgent it is.
    pub severity: Severity,
    /// Since when.
    pub began_at: Timestamp,
    /// In words.
    pub detail: Text,
}

/// Whether something is missing. What cannot be told leaves an open report open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// It is.
    Missing(Report),
    /// It is not.
    Fine(Kind),
    /// Nobody can tell.
    Unknown,
}

/// What is known of a desk.
#[derive(Debug, Clone)]
pub struct Known<'a> {
    /// Name of its area.
    pub name: &'a Text,
    /// Who is on duty.
    pub duty: &'a Duty,
    /// Names of the officers, in order.
    pub officers: Vec<String>,
    /// Since when nobody has been.
    pub gap_since: Option<Timestamp>,
    /// Whether a wider desk is manned.
    pub wider_manned: bool,
    /// Open P1 and P2 of the area that are no drills, the most urgent, and how many.
    pub urgent: Option<(Severity, i64)>,
    /// When the roster was changed last.
    pub changed_at: Timestamp,
    /// Whether somebody has taken the present shift over.
    pub taken_over: bool,
    /// When an officer on duty was last heard with the sound on.
    pub armed_at: Option<Timestamp>,
    /// Since when this hub listens.
    pub listening_since: Timestamp,
}

/// Everything that is, or is not, missing at a desk.
#[must_use]
pub fn missing(known: &Known<'_>, limits: config::Duty, now: Timestamp) -> [Finding; 4] {
    [
        gap(known, now),
        unattended(known, now),
        taken_over(known, limits, now),
        console(known, limits, now),
    ]
}

fn gap(known: &Known<'_>, now: Timestamp) -> Finding {
    if known.duty.is_manned() {
        return Finding::Fine(Kind::DutyGap);
    }
    let name = known.name;
    Finding::Missing(Report {
        kind: Kind::DutyGap,
        severity: Severity::P2,
        began_at: known.gap_since.unwrap_or(now),
        detail: text(
            format!("{}：无人值班", name.zh),
            format!("{}: nobody is on duty", name.en),
        ),
    })
}

fn unattended(known: &Known<'_>, now: Timestamp) -> Finding {
    let kind = Kind::DutyUnattended;
    let (Some((severity, count)), false) =
        (known.urgent, known.duty.is_manned() || known.wider_manned)
    else {
        return Finding::Fine(kind);
    };
    let name = known.name;
    Finding::Missing(Report {
        kind,
        severity,
        began_at: known.gap_since.unwrap_or(now),
        detail: text(
            format!("{}：无人值班，有 {count} 起特急或紧急事件未结", name.zh),
            format!(
                "{}: nobody is on duty, and {count} P1 or P2 cases are open",
                name.en
            ),
        ),
    })
}

fn taken_over(known: &Known<'_>, limits: config::Duty, now: Timestamp) -> Finding {
    let kind = Kind::NotTakenOver;
    let Some((shift, from, _)) = known.duty.shift.as_ref().filter(|_| known.duty.is_manned())
    else {
        return Finding::Fine(kind);
    };
    // A shift that a change of the roster has put into the present begins with the change.
    let due = known.changed_at.max(*from);
    let due = due.plus_ms(i64::from(limits.takeover_after_s) * 1_000);
    if known.taken_over || limits.takeover_after_s == 0 || now < due {
        return Finding::Fine(kind);
    }
    let (name, who) = (known.name, known.officers.join(", "));
    Finding::Missing(Report {
        kind,
        severity: Severity::P2,
        began_at: *from,
        detail: text(
            format!("{}：{shift} 未接班（{who}）", name.zh),
            format!("{}: the shift {shift} was not taken over ({who})", name.en),
        ),
    })
}

fn console(known: &Known<'_>, limits: config::Duty, now: Timestamp) -> Finding {
    let kind = Kind::ConsoleLost;
    let Some((_, from, _)) = known.duty.shift.as_ref().filter(|_| known.duty.is_manned()) else {
        return Finding::Fine(kind);
    };
    let limit_ms = i64::from(limits.console_lost_s) * 1_000;
    if limit_ms == 0 {
        return Finding::Fine(kind);
    }
    let since = known.armed_at.unwrap_or(*from).max(*from);
    let since = since.max(known.changed_at);
    if now.ms_since(since) <= limit_ms {
        return Finding::Fine(kind);
    }
    // While the hub itself did not listen, consoles could not be heard.
    if now.ms_since(known.listening_since) <= limit_ms {
        return Finding::Unknown;
    }
    let (name, who) = (known.name, known.officers.join(", "));
    Finding::Missing(Report {
        kind,
        severity: Severity::P2,
        began_at: since,
        detail: text(
            format!("{}：值班台失联或未开声音（{who}）", name.zh),
            format!("{}: no console with its sound on ({who})", name.en),
        ),
    })
}

/// A report that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// The event that told it.
    pub event: i64,
    /// Code of the area.
    pub area: String,
    /// What is missing.
    pub report: Report,
    /// When it was told.
    pub reported_at: Timestamp,
}

const COLUMNS: &str =
    "SELECT event_seq, area, kind, severity, began_at, reported_at, body FROM duty_reports WHERE ";

fn row_of(row: &AnyRow) -> StoreResult<Option<Open>> {
    let Some(kind) = Kind::from_name(row.get(2)) else {
        return Ok(None);
    };
    Ok(Some(Open {
        event: row.get(0),
        area: row.get(1),
        reported_at: time(row.get(5)),
        report: Report {
            kind,
            severity: severity(row.get(3)),
            began_at: time(row.get(4)),
            detail: from_json("report of a desk", row.get(6))?,
        },
    }))
}

/// What the reports say that were told by these events, with their areas.
pub(crate) async fn of_events(
    connection: &mut Connection,
    events: &[i64],
) -> StoreResult<BTreeMap<i64, (String, Report)>> {
    if events.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut statement = QueryBuilder::new(COLUMNS);
    statement.push("event_seq IN (");
    statement.push_list(events.iter().copied());
    let rows = statement.build().fetch_all(connection).await;
    let mut found = BTreeMap::new();
    for row in rows.map_err(sql("reading reports of desks"))? {
        if let Some(one) = row_of(&row)? {
            found.insert(one.event, (one.area, one.report));
        }
    }
    Ok(found)
}

/// Every open report, by area.
pub(crate) async fn open(connection: &mut Connection) -> StoreResult<BTreeMap<String, Vec<Open>>> {
    let mut statement = QueryBuilder::new(COLUMNS);
    statement.push("ended_at IS NULL ORDER BY event_seq");
    let rows = statement.build().fetch_all(connection).await;
    let mut found: BTreeMap<String, Vec<Open>> = BTreeMap::new();
    for row in rows.map_err(sql("reading open reports of desks"))? {
        if let Some(one) = row_of(&row)? {
            found.entry(one.area.clone()).or_default().push(one);
        }
    }
    Ok(found)
}

/// The number of a severity in the store.
pub(crate) fn severity(priority: i64) -> Severity {
    match priority {
        1 => Severity::P1,
        2 => Severity::P2,
        3 => Severity::P3,
        _ => Severity::P4,
    }
}

/// Stores a report that the event with this number tells.
pub(crate) async fn store(
    connection: &mut Connection,
    event: i64,
    (area, area_path): (&str, &str),
    report: &Report,
    now: Timestamp,
) -> StoreResult<()> {
    query("INSERT INTO duty_reports (event_seq, area, area_path, kind, severity, began_at, reported_at, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
        .bind(event)
        .bind(area)
        .bind(area_path)
        .bind(report.kind.as_str())
        .bind(i64::from(report.severity.alarm_priority()))
        .bind(report.began_at.unix_ms())
        .bind(now.unix_ms())
        .bind(to_json(&report.detail))
        .execute(connection)
        .await
        .map(drop)
        .map_err(sql("storing a report of a desk"))
}

/// Ends an open report.
pub(crate) async fn end(
    connection: &mut Connection,
    event: i64,
    now: Timestamp,
) -> StoreResult<()> {
    query("UPDATE duty_reports SET ended_at = $2 WHERE event_seq = $1")
        .bind(event)
        .bind(now.unix_ms())
        .execute(connection)
        .await
        .map(drop)
        .map_err(sql("ending a report of a desk"))
}

#[cfg(test)]
mod tests;
