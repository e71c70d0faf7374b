//! What correlation remembers: silences, floods, cases that ended lately. Loaded for a desk and written
//! back in its transaction.

pub mod floods;
pub mod silences;
pub mod similar;
pub mod split;
pub mod watch;

use std::collections::BTreeSet;

use gridwatch_protocol::{SiteId, Timestamp};
use sqlx::Row;

use super::database::{Connection, QueryBuilder, query};
use super::{StoreResult, events, from_json, intake, sql};
use crate::cases::desk::{Changes, Known, Rules, desk_of};
use crate::cases::{Case, CaseId};
use crate::correlation::flood::Turn;

/// At most this many values in one list of a statement; SQLite allows 32,766 in all.
const LIST_MAX: usize = 1_000;

/// Everything about new alerts at these sites with these keys, beside what is known already.
pub(crate) async fn load(
    connection: &mut Connection,
    rules: Rules<'_>,
    keys: &BTreeSet<String>,
    sites: &BTreeSet<SiteId>,
    now: Timestamp,
    known: &mut Known,
) -> StoreResult<()> {
    if rules.correlation.relink_ms > 0 {
        let since = now.plus_ms(-rules.correlation.relink_ms);
        load_ended(connection, keys, since, known).await?;
    }
    known.silences = silences::standing(connection, now).await?;
    known.staffed = staffed(connection).await?;
    known.next_flood = intake::counter(connection, "flood").await? + 1;
    let desks: BTreeSet<String> = sites
        .iter()
        .map(|site| desk_of(&rules.directory.path(site), &known.staffed))
        .collect();
    for desk in desks {
        let meter = floods::meter(connection, &desk).await?;
        known.desks.insert(desk, meter);
    }
    Ok(())
}

/// The cases that these keys led to last, where they ended since then and no open case has the key.
async fn load_ended(
    connection: &mut Connection,
    keys: &BTreeSet<String>,
    since: Timestamp,
    known: &mut Known,
) -> StoreResult<()> {
    let free: Vec<&String> = keys
        .iter()
        .filter(|key| !known.keys.contains_key(*key))
        .collect();
    let mut ids: BTreeSet<CaseId> = BTreeSet::new();
    for part in free.chunks(LIST_MAX) {
        let mut statement = QueryBuilder::on(
            connection,
            "SELECT k.key, MAX(k.case_id) FROM case_keys k JOIN cases c ON c.id = k.case_id WHERE k.is_open = 0 AND c.is_open = 0 AND c.state <> 'merged' AND c.ended_at > ",
        );
        statement.push_bind(since.unix_ms()).push(" AND k.key IN (");
        statement.push_list(part.iter().map(|key| key.as_str()));
        statement.push(" GROUP BY k.key");
        let rows = statement
            .build()
            .fetch_all(&mut *connection)
            .await
            .map_err(sql("finding cases that ended lately"))?;
        for row in rows {
            let id: CaseId = row.get(1);
            known.ended.insert(row.get(0), id);
            ids.insert(id);
        }
    }
    let ids: Vec<CaseId> = ids.into_iter().collect();
    for part in ids.chunks(LIST_MAX) {
        for case in cases(connection, part).await? {
            known.cases.entry(case.id).or_insert(case);
        }
    }
    Ok(())
}

/// These cases, as the writer sees them.
pub(crate) async fn cases(connection: &mut Connection, ids: &[CaseId]) -> StoreResult<Vec<Case>> {
    let mut statement = QueryBuilder::on(connection, "SELECT body FROM cases WHERE id IN (");
    statement.push_list(ids.iter());
    statement.push(" ORDER BY id");
    let rows = statement
        .build()
        .fetch_all(connection)
        .await
        .map_err(sql("loading cases"))?;
    rows.iter()
        .map(|row| from_json("case", row.get(0)))
        .collect()
}

/// Codes of the areas that somebody on the desks works for.
async fn staffed(connection: &mut Connection) -> StoreResult<BTreeSet<String>> {
    let rows = query("SELECT DISTINCT area FROM users WHERE area IS NOT NULL AND disabled_at IS NULL AND role IN ('duty_officer', 'shift_leader', 'dispatcher')")
        .fetch_all(connection)
        .await
        .map_err(sql("finding the areas of officers"))?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Writes what a desk has counted.
pub(crate) async fn write(
    connection: &mut Connection,
    known: &Known,
    changes: &Changes,
    now: Timestamp,
) -> StoreResult<()> {
    let began = |turn: &Turn| matches!(turn, Turn::Began(_));
    if changes.floods.iter().any(|(_, turn)| began(turn)) {
        super::commit::set_counter(connection, "flood", known.next_flood - 1).await?;
    }
    for (desk, turn) in &changes.floods {
        floods::turn(connection, desk, *turn, now).await?;
        if let Turn::Began(flood) | Turn::Ended(flood) = turn {
            events::append_flood_event(connection, flood.id, now).await?;
        }
    }
    for desk in &changes.desks {
        floods::write_meter(connection, desk, &known.desks[desk]).await?;
    }
    Ok(())
}
