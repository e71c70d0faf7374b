//! What the parent asks for, done once: the row of its id is written with what it did.
//!
//! It goes the way of every action: the table of actions says whether the role may, the conditions whether
//! the case allows it. The parent may give cards, set urgency, write something down and answer calls;
//! nothing else, whatever it sends.

use gridwatch_protocol::{CommandOutcome, CommandResult, ParentAction, ParentCommand, Timestamp};
use sqlx::Row;

use super::document::case_epoch;
use crate::access::Scope;
use crate::cases::actions::Request;
use crate::cases::{Action, Actor, Card, Details, Role};
use crate::engine::JobError;
use crate::engine::act::{self, Act};
use crate::engine::task::{Bench, Task};
use crate::store::backup::Epoch;
use crate::store::database::{Connection, query};
use crate::store::{Store, StoreError, StoreResult, cases, from_json, sql, time, to_json};

/// Results told in one heartbeat; the rest follows.
const RESULTS_MAX: i64 = 50;
/// Longest name of who asks that is kept, in characters.
const NAME_MAX: usize = 60;

/// Does one command, unless it was done before.
#[derive(Debug)]
pub struct Obey {
    /// Name of the parent in histories.
    pub parent: String,
    /// What it asks for.
    pub command: ParentCommand,
    /// The lives of the store.
    pub epochs: Vec<Epoch>,
    /// Units that live at the parent.
    pub units: Vec<String>,
}

impl Task for Obey {
    type Output = CommandOutcome;

    async fn run(&self, bench: Bench<'_>) -> StoreResult<CommandOutcome> {
        let Bench {
            connection,
            settings,
            now,
            opened,
        } = bench;
        let id = self.command.id.to_string();
        if let Some(outcome) = done_before(connection, &id).await? {
            return Ok(outcome);
        }
        let refused = |reason: String| CommandOutcome::Refused { reason };
        let outcome = match self.as_act(connection).await? {
            Err(reason) => refused(reason),
            Ok(act) => match act::act(connection, settings, &act, opened, now).await? {
                Ok(case) => CommandOutcome::Done {
                    seq: case.transitions,
                },
                Err(JobError::Refused(refusal)) => refused(refusal.to_string()),
                Err(error) => refused(error.to_string()),
            },
        };
        query("INSERT INTO parent_commands (id, case_id, at, outcome) VALUES ($1, $2, $3, $4)")
            .bind(&id)
            .bind(self.command.case)
            .bind(now.unix_ms())
            .bind(to_json(&outcome))
            .execute(connection)
            .await
            .map_err(sql("keeping what the parent asked for"))?;
        Ok(outcome)
    }
}

async fn done_before(connection: &mut Connection, id: &str) -> StoreResult<Option<CommandOutcome>> {
    let row = query("SELECT outcome FROM parent_commands WHERE id = $1")
        .bind(id)
        .fetch_optional(connection)
        .await
        .map_err(sql("looking for a command of the parent"))?;
    row.map(|row| from_json("outcome", row.get(0))).transpose()
}

impl Obey {
    /// The command as an action on the case as it is now; a sentence when it cannot be one.
    async fn as_act(&self, connection: &mut Connection) -> StoreResult<Result<Act, String>> {
        let command = &self.command;
        let case = cases::load_case(connection, command.case).await?;
        let same = case_epoch(command.case, &self.epochs) == command.case_epoch;
        let Some(case) = case.filter(|_| same) else {
            return Ok(Err(format!(
                "there is no case {} of epoch {} in this store",
                command.case, command.case_epoch
            )));
        };
        Ok(self.request(case.version).map(|(request, role, unit)| Act {
            case: command.case,
            request,
            actor: Actor {
                username: format!("parent:{}", self.parent),
                display_name: command.by_name.chars().take(NAME_MAX).collect(),
                role,
                unit,
            },
            scope: Scope::whole(),
            key: None,
        }))
    }

    fn request(&self, version: i64) -> Result<(Request, Role, Option<String>), String> {
        let ParentCommand {
            action,
            reason,
            role,
            ..
        } = &self.command;
        let own_role =
            || Role::from_name(role).ok_or_else(|| format!("`{role}` is not a role here"));
        let mut details = Details::default();
        let mut reason = reason.clone();
        let (action, role, unit) = match action {
            ParentAction::SetCard { card } => {
                let known = Card::from_name(card);
                details.card = Some(known.ok_or_else(|| format!("`{card}` is not a card here"))?);
                (Action::SetCard, own_role()?, None)
            }
            ParentAction::SetUrgent { yes } => {
                details.yes = Some(*yes);
                (Action::SetUrgent, own_role()?, None)
            }
            ParentAction::Comment => (Action::Note, own_role()?, None),
            ParentAction::AskReport => {
                reason = format!("【要求报告 report asked for】{reason}");
                (Action::Note, own_role()?, None)
            }
            ParentAction::AnswerCall { call, unit } => {
                if !self.units.contains(unit) {
                    return Err(format!(
                        "the unit `{unit}` does not live at the parent (`parent.units`)"
                    ));
                }
                details.call = Some(*call);
                (Action::AnswerCall, Role::Unit, Some(unit.clone()))
            }
        };
        let request = Request {
            action,
            reason: Some(reason),
            details,
            version,
        };
        Ok((request, role, unit))
    }
}

impl Store {
    /// Results that the parent has not taken yet, oldest first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn results_to_report(&self) -> StoreResult<Vec<CommandResult>> {
        let rows = query("SELECT id, at, outcome FROM parent_commands WHERE reported_at IS NULL ORDER BY at, id LIMIT $1")
            .bind(RESULTS_MAX)
            .fetch_all(&self.readers)
            .await
            .map_err(sql("reading results for the parent"))?;
        let read = |row: &sqlx::any::AnyRow| {
            let at: Timestamp = time(row.get(1));
            Ok::<_, StoreError>(CommandResult {
                id: from_json("command id", &to_json(&row.get::<String, _>(0)))?,
                at,
                outcome: from_json("outcome", row.get(2))?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// When the parent asked for something last.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn last_parent_command(&self) -> StoreResult<Option<Timestamp>> {
        let row = query("SELECT MAX(at) FROM parent_commands")
            .fetch_one(&self.readers)
            .await
            .map_err(sql("looking for the last command of the parent"))?;
        Ok(row.get::<Option<i64>, _>(0).map(time))
    }
}
