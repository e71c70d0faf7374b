//! Actions of people inside the transaction: loads what the decision rests
//! on, lets the pure engine decide, writes the case, its history and the events.
//!
//! An action that is sent twice under one key is done once: the key is kept in the same transaction.

use gridwatch_protocol::Timestamp;
use sha2::{Digest, Sha256};

use super::{EngineSettings, JobError};
use crate::access::Scope;
use crate::cases::actions::{self, Request};
use crate::cases::conditions::Context;
use crate::cases::desk::CaseEvent;
use crate::cases::{Action, Actor, Case, CaseId, Change, Transition, merge};
use crate::catalogue::Catalogue;
use crate::clocks::Calendar;
use crate::directory::Directory;
use crate::store::closing_loop::{self, ActionKey};
use crate::store::database::Connection;
use crate::store::{StoreResult, cases, commit, events};

/// What somebody asked for.
#[derive(Debug, Clone)]
pub struct Act {
    /// The case.
    pub case: CaseId,
    /// What to do.
    pub request: Request,
    /// Who.
    pub actor: Actor,
    /// What they may see; a case outside it is not there for them.
    pub scope: Scope,
    /// The same key again is the same action.
    pub key: Option<String>,
}

/// What a decision rests on beside the case, for the API as well.
#[must_use]
pub fn context<'a>(
    catalogue: &'a Catalogue,
    directory: &'a Directory,
    calendar: &Calendar,
    case: &Case,
    other: Option<&'a Case>,
    now: Timestamp,
) -> Context<'a> {
    let limit = catalogue.limits.of(&case.category, case.severity).disposal;
    Context {
        catalogue,
        directory,
        due: Some(calendar.due(now, limit)),
        extended_due: case.progress.due_at.map(|due| calendar.due(due, limit)),
        other,
    }
}

pub(super) async fn act(
    connection: &mut Connection,
    settings: &EngineSettings,
    act: &Act,
    now: Timestamp,
) -> StoreResult<Result<Box<Case>, JobError>> {
    let Some(mut case) = cases::load_seen_case(connection, act.case, &act.scope).await? else {
        return Ok(Err(JobError::NoCase(act.case)));
    };
    let key = act.key.as_ref().map(|key| ActionKey {
        actor: act.actor.username.clone(),
        key: key.clone(),
        case: act.case,
        request_hash: request_hash(&act.request),
    });
    if let Some(key) = &key
        && let Some(used) = closing_loop::used_key(connection, &key.actor, &key.key).await?
    {
        // Done before: the case as it is now is the answer, whatever has happened since.
        let same = used == *key;
        return Ok(if same {
            Ok(Box::new(case))
        } else {
            Err(JobError::KeyReused)
        });
    }
    let other = match other_id(&case, &act.request) {
        Some(id) if id != case.id => cases::load_seen_case(connection, id, &act.scope).await?,
        _ => None,
    };
    let (catalogue, directory) = (&settings.catalogue, &settings.directory);
    let calendar = &settings.calendar;
    let with = context(catalogue, directory, calendar, &case, other.as_ref(), now);
    let was_open = case.state.is_open();
    let decided = match actions::apply(&mut case, &act.request, &act.actor, &with, now) {
        Ok(decided) => decided,
        Err(refusal) => return Ok(Err(refusal.into())),
    };
    if let Some(key) = &key {
        closing_loop::keep_key(connection, key, now).await?;
    }
    match (act.request.action, other) {
        (Action::Merge, Some(master)) => take_in(connection, &mut case, master, now).await?,
        (Action::UndoMerge, Some(master)) => give_back(connection, &mut case, master, now).await?,
        _ => {
            commit::update_case(connection, &case).await?;
            if !was_open && case.state.is_open() {
                closing_loop::reopen_keys(connection, case.id).await?;
            }
        }
    }
    tell(connection, case.id, &decided.rows, decided.change, now).await?;
    Ok(Ok(Box::new(case)))
}

/// The other case that an action is about.
fn other_id(case: &Case, request: &Request) -> Option<CaseId> {
    match request.action {
        Action::Merge => request.details.case,
        Action::UndoMerge => case.progress.merged.as_ref().map(|merged| merged.case),
        _ => None,
    }
}

async fn take_in(
    connection: &mut Connection,
    case: &mut Case,
    mut master: Case,
    now: Timestamp,
) -> StoreResult<()> {
    let row = merge::take_in(&mut master, case, now);
    commit::update_case(connection, case).await?;
    commit::update_case(connection, &master).await?;
    closing_loop::move_in(connection, case.id, master.id).await?;
    tell(connection, master.id, &[row], Change::Joined, now).await
}

async fn give_back(
    connection: &mut Connection,
    case: &mut Case,
    mut master: Case,
    now: Timestamp,
) -> StoreResult<()> {
    let moving = closing_loop::counts_to_move_back(connection, case.id, master.id).await?;
    let row = merge::give_back(&mut master, case, moving, now);
    commit::update_case(connection, case).await?;
    commit::update_case(connection, &master).await?;
    closing_loop::move_back(connection, case.id, master.id).await?;
    tell(connection, master.id, &[row], Change::Updated, now).await
}

async fn tell(
    connection: &mut Connection,
    case: CaseId,
    rows: &[Transition],
    change: Change,
    now: Timestamp,
) -> StoreResult<()> {
    for row in rows {
        commit::write_transition(connection, case, row).await?;
    }
    let mut told = vec![CaseEvent {
        at: now,
        case,
        change,
    }];
    if rows.len() > 1 {
        told.push(CaseEvent {
            change: Change::Moved,
            ..told[0]
        });
    }
    events::append_case_events(connection, &told).await
}

fn request_hash(request: &Request) -> String {
    let asked = (
        request.action,
        &request.reason,
        &request.details,
        request.version,
    );
    let json = serde_json::to_vec(&asked).expect("texts and numbers have a JSON form");
    hex::encode(Sha256::digest(json))
}
