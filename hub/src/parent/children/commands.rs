//! What officers of the parent ask a child for: rows that wait for their result.

use gridwatch_protocol::{CommandOutcome, HubId, ParentCommand, Timestamp, UPWARD_COMMANDS_MAX};
use sqlx::Row;
use sqlx::any::AnyRow;

use super::list::{ChildCaseKey, ChildScope};
use crate::cases::CaseId;
use crate::engine::task::{Bench, Task};
use crate::store::accounts::{AuditRow, write_audit};
use crate::store::database::{Connection, QueryBuilder, query};
use crate::store::events::append_child_events;
use crate::store::{Store, StoreResult, from_json, sql, time, to_json};

/// At most so many commands wait for one child: a child that is away for days gets a list that a person
/// could have written.
pub const WAITING_MAX: i64 = 1_000;

/// A command as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandRow {
    /// What is asked for.
    pub command: ParentCommand,
    /// Sign-in name of who asks.
    pub asked_by: String,
    /// What became of it.
    pub outcome: Option<CommandOutcome>,
    /// When, by the child's clock.
    pub settled_at: Option<Timestamp>,
    /// When it was first handed to the child.
    pub delivered_at: Option<Timestamp>,
}

const COLUMNS: &str =
    "SELECT body, asked_by, outcome, settled_at, delivered_at FROM child_commands WHERE ";

fn command_row(row: &AnyRow) -> StoreResult<CommandRow> {
    let outcome = row.get::<Option<String>, _>(2);
    Ok(CommandRow {
        command: from_json("command", row.get(0))?,
        asked_by: row.get(1),
        outcome: outcome
            .map(|text| from_json("outcome", &text))
            .transpose()?,
        settled_at: row.get::<Option<i64>, _>(3).map(time),
        delivered_at: row.get::<Option<i64>, _>(4).map(time),
    })
}

/// What became of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// It waits for the child.
    Yes,
    /// There is no such case for them.
    NoCase,
    /// The child has too many commands waiting.
    TooMany,
}

/// Keeps a command for a child, and a line of the audit.
#[derive(Debug)]
pub struct Ask {
    /// Whose case.
    pub hub: HubId,
    /// What to ask for.
    pub command: ParentCommand,
    /// Sign-in name of who asks.
    pub asked_by: String,
    /// What they may see.
    pub scope: ChildScope,
    /// From where.
    pub address: String,
}

impl Task for Ask {
    type Output = Asked;

    async fn run(&self, bench: Bench<'_>) -> StoreResult<Asked> {
        let Bench {
            connection, now, ..
        } = bench;
        let command = &self.command;
        let mut seen =
            QueryBuilder::new("SELECT number FROM child_cases c WHERE lost_at IS NULL AND hub = ");
        seen.push_bind(self.hub.as_str()).push(" AND case_epoch = ");
        seen.push_bind(command.case_epoch).push(" AND case_id = ");
        seen.push_bind(command.case);
        self.scope.push(&mut seen);
        let found = seen
            .build()
            .fetch_optional(&mut *connection)
            .await
            .map_err(sql("finding a child's case"))?;
        let Some(found) = found else {
            return Ok(Asked::NoCase);
        };
        let number: String = found.get(0);
        let waiting =
            query("SELECT COUNT(*) FROM child_commands WHERE hub = $1 AND outcome IS NULL")
                .bind(self.hub.as_str())
                .fetch_one(&mut *connection)
                .await
                .map_err(sql("counting commands"))?;
        if waiting.get::<i64, _>(0) >= WAITING_MAX {
            return Ok(Asked::TooMany);
        }
        query("INSERT INTO child_commands (id, hub, case_epoch, case_id, at, asked_by, body) VALUES ($1, $2, $3, $4, $5, $6, $7)")
            .bind(command.id.to_string())
            .bind(self.hub.as_str())
            .bind(command.case_epoch)
            .bind(command.case)
            .bind(command.at.unix_ms())
            .bind(&self.asked_by)
            .bind(to_json(command))
            .execute(&mut *connection)
            .await
            .map_err(sql("keeping a command"))?;
        let line = AuditRow {
            at: now,
            actor: self.asked_by.clone(),
            action: "child_asked".to_owned(),
            subject: format!("{} case {number}: {}", self.hub, to_json(&command.action)),
            address: self.address.clone(),
        };
        write_audit(connection, &line).await?;
        let case = Some((command.case_epoch, command.case));
        append_child_events(connection, &self.hub, &[case], "command", now).await?;
        Ok(Asked::Yes)
    }
}

/// Notes that commands are handed to a child, once for each. Whether they arrived shows only their results: what
/// was lost on the way is handed over again.
#[derive(Debug)]
pub struct Deliver {
    /// To whom.
    pub hub: HubId,
    /// Their ids.
    pub ids: Vec<String>,
}

impl Task for Deliver {
    type Output = ();

    async fn run(&self, bench: Bench<'_>) -> StoreResult<()> {
        let Bench {
            connection, now, ..
        } = bench;
        let mut cases = Vec::new();
        for id in &self.ids {
            let row = query("UPDATE child_commands SET delivered_at = $3 WHERE id = $1 AND hub = $2 AND delivered_at IS NULL RETURNING case_epoch, case_id")
                .bind(id)
                .bind(self.hub.as_str())
                .bind(now.unix_ms())
                .fetch_optional(&mut *connection)
                .await
                .map_err(sql("noting that a command is handed to a child"))?;
            cases.extend(row.map(|row| Some((row.get(0), row.get(1)))));
        }
        append_child_events(connection, &self.hub, &cases, "command", now).await
    }
}

/// Keeps the result of a command, the first that comes; gives its case.
pub(super) async fn settle(
    connection: &mut Connection,
    hub: &HubId,
    id: &str,
    at: Timestamp,
    outcome: &CommandOutcome,
) -> StoreResult<Option<(i64, CaseId)>> {
    let row = query("UPDATE child_commands SET outcome = $3, settled_at = $4 WHERE id = $1 AND hub = $2 AND outcome IS NULL RETURNING case_epoch, case_id")
        .bind(id)
        .bind(hub.as_str())
        .bind(to_json(outcome))
        .bind(at.unix_ms())
        .fetch_optional(connection)
        .await
        .map_err(sql("keeping the result of a command"))?;
    Ok(row.map(|row| (row.get(0), row.get(1))))
}

impl Store {
    /// Commands that wait for a child, oldest first, and the ids of those that were never handed to it.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn commands_waiting(
        &self,
        hub: &HubId,
    ) -> StoreResult<(Vec<ParentCommand>, Vec<String>)> {
        let rows = query("SELECT body, id, delivered_at FROM child_commands WHERE hub = $1 AND outcome IS NULL ORDER BY at, id LIMIT $2")
            .bind(hub.as_str())
            .bind(i64::try_from(UPWARD_COMMANDS_MAX).unwrap_or(i64::MAX))
            .fetch_all(&self.readers)
            .await
            .map_err(sql("reading commands for a child"))?;
        let new = rows
            .iter()
            .filter(|row| row.get::<Option<i64>, _>(2).is_none())
            .map(|row| row.get(1))
            .collect();
        let commands: StoreResult<_> = rows
            .iter()
            .map(|row| from_json("command", row.get(0)))
            .collect();
        Ok((commands?, new))
    }

    /// Commands about one case of a child, newest first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn commands_about(
        &self,
        case: &ChildCaseKey,
        limit: i64,
    ) -> StoreResult<Vec<CommandRow>> {
        let mut query = QueryBuilder::new(COLUMNS);
        query.push("hub = ").push_bind(&case.hub);
        query.push(" AND case_epoch = ").push_bind(case.epoch);
        query.push(" AND case_id = ").push_bind(case.case);
        query
            .push(" ORDER BY at DESC, id DESC LIMIT ")
            .push_bind(limit);
        let rows = query
            .build()
            .fetch_all(&self.readers)
            .await
            .map_err(sql("listing commands"))?;
        rows.iter().map(command_row).collect()
    }
}
