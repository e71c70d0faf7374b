//! Work of the correlation inside the engine's transaction: silences, splitting, and what the watch finds.

pub mod silences;
pub mod split;
pub mod watch;

use gridwatch_protocol::Timestamp;

use super::EngineSettings;
use crate::cases::desk::{CaseEvent, local_day};
use crate::cases::split::NewCase;
use crate::cases::timers::Dues;
use crate::cases::{Case, CaseId, Change, Transition};
use crate::store::database::Connection;
use crate::store::{StoreResult, commit, events, intake};
use crate::timers;

/// Writes a case that is there, a row of its history, and what to tell.
async fn write(
    connection: &mut Connection,
    case: &Case,
    row: &Transition,
    change: Change,
    now: Timestamp,
) -> StoreResult<()> {
    commit::update_case(connection, case).await?;
    commit::write_transition(connection, case.id, row).await?;
    tell(connection, case.id, change, now).await
}

async fn tell(
    connection: &mut Connection,
    case: CaseId,
    change: Change,
    at: Timestamp,
) -> StoreResult<()> {
    events::append_case_events(connection, &[CaseEvent { at, case, change }]).await
}

/// When a case is due if a silence ends now.
fn dues(case: &Case, settings: &EngineSettings, now: Timestamp) -> Dues {
    let limits = settings.catalogue.limits.of(&case.category, case.severity);
    timers::dues(case, limits.disposal.clock, settings.clocks(), now)
}

/// Takes the next numbers.
async fn new_case(
    connection: &mut Connection,
    settings: &EngineSettings,
    now: Timestamp,
) -> StoreResult<NewCase> {
    let day = local_day(now, settings.utc_offset_minutes);
    let id = intake::counter(connection, "case").await? + 1;
    let name = format!("cases:{day}");
    let count = intake::counter(connection, &name).await? + 1;
    commit::set_counter(connection, "case", id).await?;
    commit::set_counter(connection, &name, count).await?;
    Ok(NewCase {
        id,
        number: format!("{day}-{count:06}"),
    })
}
