//! Backups: one file that any store reads, whichever wrote it.
//!
//! A backup is taken while the hub runs and shows one moment: a snapshot of SQLite's log or of
//! PostgreSQL. It is text, a line of JSON each: a header, for each table its columns and then its rows, and at
//! last how many rows there were with the SHA-256 of everything before. Sessions are left out: who signs in
//! after a restore signs in anew. It holds hashes of passwords and keys and must be kept like the store itself.
//!
//! A restore fills an empty store and nothing else, in one transaction. It begins a new **epoch**: event
//! numbers jump, so that consoles load their lists again, and because the restored store knows only the sequence
//! numbers that it had, the answer to each gateway's next heartbeat says that less has arrived than the gateway
//! has settled, and it sends the rest again.

mod read;
mod write;

use gridwatch_protocol::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::any::AnyTypeInfoKind;
use sqlx::{AssertSqlSafe, Column, Executor, Row, Statement};

use super::chain::Chain;
use super::database::{Connection, query};
use super::{Store, StoreResult, sql, time};

pub use read::{Restored, restore};
pub use write::{Written, write};

/// What a backup file calls itself.
const FORMAT: &str = "gridwatch backup 1";
/// Every table of a backup, a table after those that it refers to. A new table belongs here.
pub const TABLES: [&str; 56] = [
    "counters",
    "epochs",
    "areas",
    "sites",
    "units",
    "duties",
    "hazards",
    "contacts",
    "risk_areas",
    "users",
    "audit",
    "gateways",
    "gateway_status",
    "gateway_devices",
    "sequence_ranges",
    "gaps",
    "refused_messages",
    "commissionings",
    "cases",
    "case_units",
    "site_areas",
    "case_keys",
    "alerts",
    "alert_messages",
    "merged_alerts",
    "action_keys",
    "transitions",
    "events",
    "silences",
    "flood_desks",
    "floods",
    "case_clocks",
    "case_figures",
    "case_timers",
    "chain_heads",
    "notifications",
    "evidence_files",
    "reveals",
    "parent_cases",
    "parent_commands",
    "child_hubs",
    "child_status",
    "child_cases",
    "child_heads",
    "child_commands",
    "rosters",
    "roster_versions",
    "duty_takeovers",
    "duty_takeover_cases",
    "duty_reports",
    "duty_calls",
    "worker_positions",
    "outside_keys",
    "outside_alerts",
    "case_reports",
    "case_reporters",
];
/// Tables that no backup holds: sessions end with a restore, migrations are the store's own, and what
/// counts for a quota of notifications, or says which consoles are open, is minutes old. A restored hub tells
/// its parent everything anew.
pub const LEFT_OUT: [&str; 6] = [
    "sessions",
    "_sqlx_migrations",
    "notification_sends",
    "notification_channels",
    "parent_link",
    "duty_consoles",
];
/// Event numbers jump by this with a restore: further than what was lost, whatever it was.
const EVENT_JUMP: i64 = 1_000_000_000;
/// And by so many for each millisecond since 1970: when one backup is restored twice, the numbers of the second
/// life are beyond those of the first.
const EVENTS_PER_MS: i64 = 16;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format: String,
    /// The newest migration of the store that was backed up.
    schema: i64,
    at: Timestamp,
    epoch: i64,
    hub: String,
}

/// How far a value of a column goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Integer,
    Real,
    Text,
}

/// The columns of a table, in its order, as the store at hand has them.
async fn columns(
    connection: &mut Connection,
    table: &'static str,
) -> StoreResult<Vec<(String, Kind)>> {
    let statement = AssertSqlSafe(format!("SELECT * FROM {table}"));
    let prepared = connection
        .prepare(sqlx::SqlSafeStr::into_sql_str(statement))
        .await
        .map_err(sql("asking for the columns of a table"))?;
    let column = |column: &<sqlx::Any as sqlx::Database>::Column| {
        let kind = match column.type_info().kind() {
            AnyTypeInfoKind::Text | AnyTypeInfoKind::Blob => Kind::Text,
            AnyTypeInfoKind::Real | AnyTypeInfoKind::Double => Kind::Real,
            _ => Kind::Integer,
        };
        (column.name().to_owned(), kind)
    };
    Ok(prepared.columns().iter().map(column).collect())
}

/// Before the rows of a table.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TableLine {
    table: String,
    columns: Vec<String>,
}

/// The last line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EndLine {
    rows: u64,
    sha256: String,
}

/// A life of the store: it begins with the store or with a restore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Epoch {
    /// 1 for the first.
    pub epoch: i64,
    /// When it began.
    pub at: Timestamp,
    /// How many links the audit had then.
    pub audit: i64,
    /// How many links the histories had then.
    pub transitions: i64,
    /// How many cases there were then.
    pub cases: i64,
}

impl Epoch {
    /// How many links a chain had when it began.
    #[must_use]
    pub fn links(&self, chain: Chain) -> i64 {
        match chain {
            Chain::Audit => self.audit,
            Chain::Transitions => self.transitions,
        }
    }
}

impl Store {
    /// The lives of the store, in order.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn epochs(&self) -> StoreResult<Vec<Epoch>> {
        let rows = query("SELECT epoch, at, audit, transitions, cases FROM epochs ORDER BY epoch")
            .fetch_all(&self.readers)
            .await
            .map_err(sql("reading the epochs"))?;
        let epoch = |row: &sqlx::any::AnyRow| Epoch {
            epoch: row.get(0),
            at: time(row.get(1)),
            audit: row.get(2),
            transitions: row.get(3),
            cases: row.get(4),
        };
        Ok(rows.iter().map(epoch).collect())
    }
}
