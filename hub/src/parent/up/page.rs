//! The next batch, read from one moment of the store.

use std::collections::{BTreeMap, BTreeSet};

use gridwatch_protocol::{
    HubId, Timestamp, UPWARD_CASES_MAX, UpwardBatch, UpwardItem, WIRE_VERSION,
};
use sqlx::Row;

use super::document::{document, is_wanted};
use super::link::{Covers, Link, Own};
use crate::cases::{Case, CaseId, Transition};
use crate::catalogue::Catalogue;
use crate::directory::Directory;
use crate::parent::config::ParentSettings;
use crate::store::database::{Connection, QueryBuilder, query};
use crate::store::{Store, StoreResult, backup, from_json, sql, time};

/// Rows of a case's history that are looked at: enough for every change of state of a long way.
const HISTORY_MAX: i64 = 200;
/// Steps that leave the state as it is and are not told; the rest is looked at.
const HISTORY: &str = "SELECT body FROM transitions WHERE case_id = $1 AND action NOT IN ('join', 'clear', 'remind', 'escalate', 'escalate_unacknowledged', 'note', 'acknowledge', 'take_in', 'give_back') ORDER BY seq DESC LIMIT $2";

/// What goes by beside the store.
#[derive(Debug, Clone, Copy)]
pub struct By<'a> {
    /// What the parent wants.
    pub settings: &'a ParentSettings,
    /// Names of places.
    pub directory: &'a Directory,
    /// Names of categories.
    pub catalogue: &'a Catalogue,
}

/// A batch and what it covers.
#[derive(Debug)]
pub struct Page {
    /// What is sent.
    pub batch: UpwardBatch,
    /// What its answer settles.
    pub covers: Covers,
    /// What the store was like.
    pub own: Own,
    /// Whether there is more behind it.
    pub more: bool,
}

impl Store {
    /// What the store is like for whoever follows its events.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn own_life(&self) -> StoreResult<Own> {
        let mut connection = self.connection().await?;
        own(&mut connection).await
    }

    /// The batch that follows this place.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn upward_page(&self, hub: &HubId, link: Link, by: By<'_>) -> StoreResult<Page> {
        let epochs = self.epochs().await?;
        let mut connection = self.connection().await?;
        let mut snapshot = self.url().dialect().begin_snapshot(&mut connection).await?;
        let own = own(&mut snapshot).await?;
        let (found, covers, more) = match link.pass {
            Some(pass) => cases_after(&mut snapshot, pass.case, own.newest).await?,
            None => events_after(&mut snapshot, link.sequence, own.newest).await?,
        };
        let ids: Vec<CaseId> = found.keys().copied().collect();
        let cases = load(&mut snapshot, &ids).await?;
        let known = known(&mut snapshot, &ids).await?;
        let mut items = Vec::new();
        for case in cases {
            if !known.contains(&case.id) && !is_wanted(&case, by.settings, by.directory) {
                continue;
            }
            let (history, cut) = history(&mut snapshot, case.id).await?;
            let (settings, directory) = (by.settings, by.directory);
            items.push(UpwardItem {
                sequence: found[&case.id],
                document: document(
                    &case,
                    &history,
                    cut,
                    &epochs,
                    settings,
                    directory,
                    by.catalogue,
                ),
            });
        }
        items.sort_by_key(|item| (item.sequence, item.document.case));
        let (after, through) = match (covers, link.pass) {
            (Covers::Events { after, through }, _) => (Some(after), Some(through)),
            (Covers::Cases { ends: true, .. }, Some(pass)) => (None, Some(pass.head)),
            (Covers::Cases { .. }, _) => (None, None),
        };
        let batch = UpwardBatch {
            version: WIRE_VERSION,
            hub: hub.clone(),
            epoch: own.epoch,
            after,
            through,
            items,
        };
        Ok(Page {
            batch,
            covers,
            own,
            more,
        })
    }
}

impl Store {
    /// When this event happened; nothing when it is no longer kept.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn event_time(&self, sequence: i64) -> StoreResult<Option<Timestamp>> {
        let row = query("SELECT at FROM events WHERE seq = $1")
            .bind(sequence)
            .fetch_optional(&self.readers)
            .await
            .map_err(sql("reading the time of an event"))?;
        Ok(row.map(|row| time(row.get(0))))
    }
}

async fn own(connection: &mut Connection) -> StoreResult<Own> {
    let row = query("SELECT (SELECT MAX(epoch) FROM epochs), (SELECT value FROM counters WHERE name = 'event'), (SELECT MIN(seq) FROM events)")
        .fetch_one(connection)
        .await
        .map_err(sql("reading the newest event"))?;
    let newest: i64 = row.get(1);
    Ok(Own {
        epoch: row.get::<Option<i64>, _>(0).unwrap_or(1),
        newest,
        oldest: row.get::<Option<i64>, _>(2).unwrap_or(newest + 1),
    })
}

/// Cases with the number of the event that they are sent under.
type Found = BTreeMap<CaseId, i64>;

async fn events_after(
    connection: &mut Connection,
    after: i64,
    newest: i64,
) -> StoreResult<(Found, Covers, bool)> {
    let rows = query("SELECT seq, case_id FROM events WHERE seq > $1 ORDER BY seq LIMIT $2")
        .bind(after)
        .bind(i64::try_from(UPWARD_CASES_MAX).unwrap_or(i64::MAX))
        .fetch_all(connection)
        .await
        .map_err(sql("reading events for the parent"))?;
    let mut found = Found::new();
    let mut through = newest;
    let more = rows.len() == UPWARD_CASES_MAX;
    for row in &rows {
        let sequence: i64 = row.get(0);
        if let Some(case) = row.get::<Option<CaseId>, _>(1) {
            found.insert(case, sequence);
        }
        if more {
            through = sequence;
        }
    }
    Ok((found, Covers::Events { after, through }, more))
}

/// The next cases that the parent has or that are open.
async fn cases_after(
    connection: &mut Connection,
    after: CaseId,
    newest: i64,
) -> StoreResult<(Found, Covers, bool)> {
    let rows = query("SELECT id FROM cases WHERE is_open = 1 AND id > $1 UNION SELECT case_id FROM parent_cases WHERE case_id > $1 ORDER BY 1 LIMIT $2")
        .bind(after)
        .bind(i64::try_from(UPWARD_CASES_MAX).unwrap_or(i64::MAX))
        .fetch_all(connection)
        .await
        .map_err(sql("reading cases for the parent"))?;
    let ends = rows.len() < UPWARD_CASES_MAX;
    let found: Found = rows.iter().map(|row| (row.get(0), newest)).collect();
    let through = found.last_key_value().map_or(after, |(case, _)| *case);
    // After the last page the events of meanwhile follow.
    Ok((found, Covers::Cases { through, ends }, true))
}

async fn load(connection: &mut Connection, ids: &[CaseId]) -> StoreResult<Vec<Case>> {
    let mut query = QueryBuilder::new("SELECT body FROM cases WHERE id IN (");
    query.push_list(ids.iter());
    let rows = query
        .build()
        .fetch_all(connection)
        .await
        .map_err(sql("reading cases for the parent"))?;
    rows.iter()
        .map(|row| from_json("case", row.get(0)))
        .collect()
}

/// Which of them the parent has.
async fn known(connection: &mut Connection, ids: &[CaseId]) -> StoreResult<BTreeSet<CaseId>> {
    let mut query = QueryBuilder::new("SELECT case_id FROM parent_cases WHERE case_id IN (");
    query.push_list(ids.iter());
    let rows = query
        .build()
        .fetch_all(connection)
        .await
        .map_err(sql("reading what the parent has"))?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

async fn history(
    connection: &mut Connection,
    case: CaseId,
) -> StoreResult<(Vec<Transition>, bool)> {
    let rows = query(HISTORY)
        .bind(case)
        .bind(HISTORY_MAX)
        .fetch_all(connection)
        .await
        .map_err(sql("reading a history for the parent"))?;
    let cut = i64::try_from(rows.len()).unwrap_or(i64::MAX) == HISTORY_MAX;
    let rows = rows.iter().rev();
    let history: StoreResult<Vec<Transition>> = rows
        .map(|row| from_json("transition", row.get(0)))
        .collect();
    Ok((history?, cut))
}

/// How the hub's lives go up.
#[must_use]
pub fn epoch_starts(epochs: &[backup::Epoch]) -> Vec<gridwatch_protocol::EpochStart> {
    let start = |epoch: &backup::Epoch| gridwatch_protocol::EpochStart {
        epoch: epoch.epoch,
        cases: epoch.cases,
    };
    epochs.iter().map(start).collect()
}
