//! The place of the link in the store, and who holds it.

use gridwatch_protocol::{HubId, Timestamp};
use sqlx::Row;
use sqlx::any::AnyRow;

use super::link::{Link, Pass};
use super::state::{LinkFault, LinkState};
use crate::cases::CaseId;
use crate::engine::task::{Bench, Task};
use crate::store::commit::insert;
use crate::store::database::{Connection, Frame, query};
use crate::store::{Store, StoreResult, sql, time, to_json};

/// A process that says nothing for this long no longer holds the link; it says something every 20 s.
const LEASE_MS: i64 = 60_000;
const CASES: Frame = (
    "INSERT INTO parent_cases (case_id, sequence)",
    " ON CONFLICT (case_id) DO UPDATE SET sequence = excluded.sequence",
);

/// The row of the link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkRow {
    /// Where it is; nothing before the first answer of the parent.
    pub link: Option<Link>,
    /// Signed heads up to this time are at the parent.
    pub heads_at: Timestamp,
    /// Documents that the parent will never take.
    pub rejected: i64,
    /// How the link is; nothing before the first try.
    pub state: Option<LinkState>,
}

const ROW: &str = "SELECT epoch, sequence, parent_epoch, pass_head, pass_case, heads_at, rejected, wanted, holder, lease_until, state FROM parent_link WHERE hub = $1";

fn link_row(row: &AnyRow) -> LinkRow {
    let epoch: i64 = row.get(0);
    LinkRow {
        link: (epoch > 0).then(|| Link {
            epoch,
            sequence: row.get(1),
            parent_epoch: row.get(2),
            pass: row.get::<Option<i64>, _>(3).map(|head| Pass {
                head,
                case: row.get(4),
            }),
        }),
        heads_at: time(row.get(5)),
        rejected: row.get(6),
        state: state(row),
    }
}

/// One that cannot be read counts for none: the next try writes it anew.
fn state(row: &AnyRow) -> Option<LinkState> {
    let text: Option<String> = row.get(10);
    text.and_then(|text| serde_json::from_str(&text).ok())
}

impl Store {
    /// The row of the link to the parent under this name.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn parent_link(&self, hub: &HubId) -> StoreResult<Option<LinkRow>> {
        let row = query(ROW)
            .bind(hub.as_str())
            .fetch_optional(&self.readers)
            .await
            .map_err(sql("reading the link to the parent"))?;
        Ok(row.as_ref().map(link_row))
    }
}

/// Takes or keeps the lease on the link; gives its row, or nothing when another process holds it.
#[derive(Debug)]
pub struct Claim {
    /// The own name at the parent.
    pub hub: HubId,
    /// This process.
    pub holder: String,
    /// What the parent wants; when it wants something else than before, everything is looked at anew.
    pub wanted: String,
}

impl Task for Claim {
    type Output = Option<LinkRow>;

    async fn run(&self, bench: Bench<'_>) -> StoreResult<Option<LinkRow>> {
        let Bench {
            connection, now, ..
        } = bench;
        let row = query(ROW)
            .bind(self.hub.as_str())
            .fetch_optional(&mut *connection)
            .await
            .map_err(sql("reading the link to the parent"))?;
        let Some(row) = row else {
            // Epoch 0 is none: the parent has not answered yet.
            query("INSERT INTO parent_link (hub, epoch, sequence, parent_epoch, pass_case, wanted, heads_at, rejected, holder, lease_until) VALUES ($1, 0, 0, 0, 0, $2, 0, 0, $3, $4)")
                .bind(self.hub.as_str())
                .bind(&self.wanted)
                .bind(&self.holder)
                .bind(now.plus_ms(LEASE_MS).unix_ms())
                .execute(connection)
                .await
                .map_err(sql("beginning the link to the parent"))?;
            return Ok(Some(LinkRow {
                link: None,
                heads_at: time(0),
                rejected: 0,
                state: None,
            }));
        };
        let (wanted, holder): (String, String) = (row.get(7), row.get(8));
        let held = holder != self.holder && row.get::<i64, _>(9) > now.unix_ms();
        if held {
            return Ok(None);
        }
        let mut found = link_row(&row);
        if wanted != self.wanted {
            found.link = None;
        }
        query("UPDATE parent_link SET wanted = $2, holder = $3, lease_until = $4, epoch = CASE WHEN wanted = $2 THEN epoch ELSE 0 END WHERE hub = $1")
            .bind(self.hub.as_str())
            .bind(&self.wanted)
            .bind(&self.holder)
            .bind(now.plus_ms(LEASE_MS).unix_ms())
            .execute(connection)
            .await
            .map_err(sql("taking the link to the parent"))?;
        Ok(Some(found))
    }
}

/// Notes how a try went. A process that no longer holds the link notes nothing.
#[derive(Debug)]
pub struct Note {
    /// The own name at the parent.
    pub hub: HubId,
    /// This process.
    pub holder: String,
    /// Why the parent was not reached.
    pub fault: Option<LinkFault>,
}

impl Task for Note {
    type Output = ();

    async fn run(&self, bench: Bench<'_>) -> StoreResult<()> {
        let Bench {
            connection, now, ..
        } = bench;
        let row = query(ROW)
            .bind(self.hub.as_str())
            .fetch_optional(&mut *connection)
            .await
            .map_err(sql("reading the link to the parent"))?;
        let before = row.as_ref().and_then(state);
        let after = LinkState::after(before.as_ref(), self.fault, now);
        query("UPDATE parent_link SET state = $3 WHERE hub = $1 AND holder = $2")
            .bind(self.hub.as_str())
            .bind(&self.holder)
            .bind(to_json(&after))
            .execute(connection)
            .await
            .map(drop)
            .map_err(sql("noting how the link to the parent is"))
    }
}

/// Keeps what the parent has answered. A process that no longer holds the link keeps nothing: who
/// holds it sends the same again.
#[derive(Debug)]
pub struct Settle {
    /// The own name at the parent.
    pub hub: HubId,
    /// This process.
    pub holder: String,
    /// Where the link is now.
    pub link: Link,
    /// Cases that the parent has, with the event that they were sent under.
    pub cases: Vec<(CaseId, i64)>,
    /// Documents that it will never take.
    pub rejected: i64,
    /// Whether the parent was restored: what it had of signed heads may be gone.
    pub heads_again: bool,
}

impl Task for Settle {
    type Output = bool;

    async fn run(&self, bench: Bench<'_>) -> StoreResult<bool> {
        let Bench {
            connection, now, ..
        } = bench;
        let Link {
            epoch,
            sequence,
            parent_epoch,
            pass,
        } = self.link;
        let held = query("UPDATE parent_link SET epoch = $3, sequence = $4, parent_epoch = $5, pass_head = $6, pass_case = $7, rejected = rejected + $8, lease_until = $9, heads_at = CASE WHEN $10 = 1 THEN 0 ELSE heads_at END WHERE hub = $1 AND holder = $2")
            .bind(self.hub.as_str())
            .bind(&self.holder)
            .bind(epoch)
            .bind(sequence)
            .bind(parent_epoch)
            .bind(pass.map(|pass| pass.head))
            .bind(pass.map_or(0, |pass| pass.case))
            .bind(self.rejected)
            .bind(now.plus_ms(LEASE_MS).unix_ms())
            .bind(i64::from(self.heads_again))
            .execute(&mut *connection)
            .await
            .map_err(sql("keeping what the parent has answered"))?;
        if held == 0 {
            return Ok(false);
        }
        keep_cases(connection, &self.cases).await?;
        Ok(true)
    }
}

async fn keep_cases(connection: &mut Connection, cases: &[(CaseId, i64)]) -> StoreResult<()> {
    let doing = "noting what the parent has";
    insert(connection, doing, CASES, cases, |row, (case, sequence)| {
        row.push_bind(*case).push_bind(*sequence);
    })
    .await
}

/// Notes what a heartbeat has brought to the parent.
#[derive(Debug)]
pub struct Reported {
    /// The own name at the parent.
    pub hub: HubId,
    /// Signed heads up to this time are there.
    pub heads_at: Option<Timestamp>,
    /// Results that are there.
    pub results: Vec<String>,
}

impl Task for Reported {
    type Output = ();

    async fn run(&self, bench: Bench<'_>) -> StoreResult<()> {
        let Bench {
            connection, now, ..
        } = bench;
        if let Some(at) = self.heads_at {
            query("UPDATE parent_link SET heads_at = $2 WHERE hub = $1 AND heads_at < $2")
                .bind(self.hub.as_str())
                .bind(at.unix_ms())
                .execute(&mut *connection)
                .await
                .map_err(sql("noting which heads the parent has"))?;
        }
        for id in &self.results {
            query("UPDATE parent_commands SET reported_at = $2 WHERE id = $1")
                .bind(id)
                .bind(now.unix_ms())
                .execute(&mut *connection)
                .await
                .map_err(sql("noting which results the parent has"))?;
        }
        Ok(())
    }
}
