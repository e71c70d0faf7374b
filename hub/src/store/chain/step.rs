//! Reading a chain part by part: each part is bounded in rows and time, so that whoever asks sees progress
//! and nobody else waits.
//!
//! A part begins behind a link that the part before has read, and is judged by the hash that is stored there. It
//! reads from one snapshot and writes nothing. It ends at the first place that does not fit.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use gridwatch_protocol::Timestamp;

use super::verify::{Linked, page, strays};
use super::{Chain, Head, load};
use crate::store::database::Connection;
use crate::store::{Store, StoreResult, time};

/// At most this many links in one part: a second or two on a small machine.
pub const STEP_LINKS: i64 = 50_000;
/// Rows read at once: a history's row has some KiB, so this is a few MiB.
const PAGE: i64 = 1_000;
/// The row that belongs to a place is looked for among so many after it; further away, a swap is told as a
/// change.
const SWAP_REACH: i64 = 10_000;

/// What is wrong at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The row does not fit its hash: it was changed.
    Changed,
    /// The row that belongs here stands at this link.
    Swapped(i64),
    /// Links from here to this one are not there.
    Missing(i64),
    /// Nothing is there from here to this link, which the stored head says was the last.
    CutOff(i64),
    /// A row at no place of the chain.
    Added,
    /// The stored head is not the end of the rows.
    HeadDiffers,
}

/// The first place that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Break {
    /// Number of the link; 0 for a row at no place.
    pub link: i64,
    /// What is wrong.
    pub fault: Fault,
    /// What finds the row in its table: the row of the audit, or case and row of its history.
    pub row: Vec<i64>,
    /// When the row says it was written.
    pub at: Option<Timestamp>,
}

/// What one part showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The link that it began behind.
    pub after: i64,
    /// The last link that it read and that fits.
    pub through: i64,
    /// How many rows it read that fit.
    pub checked: i64,
    /// The end of the chain as it is stored.
    pub head: Head,
    /// Time of the first row that was read.
    pub first_at: Option<Timestamp>,
    /// Time of the last.
    pub last_at: Option<Timestamp>,
    /// Hashes at the links that were asked for.
    pub at: HashMap<i64, String>,
    /// Where it is broken.
    pub broken: Option<Break>,
    /// Whether the end of the chain was reached.
    pub ends: bool,
}

impl Store {
    /// Reads the chain behind link `after`, and notes the hashes at `wanted` links; nothing when the chain ends
    /// before `after`. Ends early after `deadline`, but reads at least one page.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn verify_step(
        &self,
        chain: Chain,
        after: i64,
        wanted: &HashSet<i64>,
        deadline: Instant,
    ) -> StoreResult<Option<Step>> {
        let mut connection = self.connection().await?;
        // One moment for head and rows: the hub may be writing.
        let mut snapshot = self.url().dialect().begin_snapshot(&mut connection).await?;
        let head = load(&mut snapshot, chain)
            .await?
            .unwrap_or_else(Head::empty);
        if after > head.links {
            return Ok(None);
        }
        let Some(before) = link_before(&mut snapshot, chain, after).await? else {
            let step = Step::begin(after, head, Some(gone(after)));
            return Ok(Some(step));
        };
        let step = Step::begin(after, head, None);
        let mut reader = Reader {
            chain,
            before,
            wanted,
            step,
        };
        reader.read(&mut snapshot, deadline).await?;
        Ok(Some(reader.step))
    }
}

/// A link that a part before has read and that is no longer there.
fn gone(link: i64) -> Break {
    Break {
        link,
        fault: Fault::Missing(link),
        row: Vec::new(),
        at: None,
    }
}

/// The link behind which a part begins, as it is stored.
async fn link_before(
    connection: &mut Connection,
    chain: Chain,
    after: i64,
) -> StoreResult<Option<Head>> {
    if after == 0 {
        return Ok(Some(Head::empty()));
    }
    let rows = page(connection, chain, after - 1, 1).await?;
    let found = rows.into_iter().find(|row| row.link == Some(after));
    Ok(found.map(|row| Head {
        links: after,
        hash: row.hash.unwrap_or_default(),
    }))
}

impl Step {
    fn begin(after: i64, head: Head, broken: Option<Break>) -> Self {
        Self {
            after,
            through: after,
            checked: 0,
            head,
            first_at: None,
            last_at: None,
            at: HashMap::new(),
            broken,
            ends: false,
        }
    }
}

struct Reader<'a> {
    chain: Chain,
    /// The link before the next row.
    before: Head,
    wanted: &'a HashSet<i64>,
    step: Step,
}

impl Reader<'_> {
    async fn read(&mut self, connection: &mut Connection, deadline: Instant) -> StoreResult<()> {
        loop {
            let rows = page(connection, self.chain, self.before.links, PAGE).await?;
            let last = rows.len() < usize::try_from(PAGE).unwrap_or(usize::MAX);
            for row in rows {
                if let Some(mut found) = self.take(&row) {
                    if found.fault == Fault::Changed {
                        found.fault = self.swapped(connection, &row).await?;
                    }
                    self.step.broken = Some(found);
                    return Ok(());
                }
            }
            if last {
                return self.end(connection).await;
            }
            let read = self.before.links - self.step.after;
            if read >= STEP_LINKS || Instant::now() >= deadline {
                return Ok(());
            }
        }
    }

    /// Takes a row that fits; says what is wrong with one that does not.
    fn take(&mut self, row: &Linked) -> Option<Break> {
        let link = row.link.unwrap_or(0);
        let broken = |link, fault| Break {
            link,
            fault,
            row: row.key.clone(),
            at: Some(time(row.at)),
        };
        let expected = self.before.links + 1;
        if link > expected {
            return Some(broken(expected, Fault::Missing(link - 1)));
        }
        let next = self.before.next(self.chain, &texts(row));
        if row.hash.as_ref() != Some(&next.hash) {
            return Some(broken(link, Fault::Changed));
        }
        if self.wanted.contains(&link) {
            self.step.at.insert(link, next.hash.clone());
        }
        self.before = next;
        self.step.through = link;
        self.step.checked += 1;
        self.step.first_at.get_or_insert(time(row.at));
        self.step.last_at = Some(time(row.at));
        None
    }

    /// Whether the row that belongs here stands somewhere behind: with its own hash when whole rows were
    /// swapped, with the hash that is here when only what they say was.
    async fn swapped(&self, connection: &mut Connection, here: &Linked) -> StoreResult<Fault> {
        let mut after = self.before.links + 1;
        let end = after.saturating_add(SWAP_REACH);
        while after < end {
            let rows = page(connection, self.chain, after, PAGE).await?;
            let Some(last) = rows.last().and_then(|row| row.link) else {
                break;
            };
            for row in &rows {
                let hash = Some(self.before.next(self.chain, &texts(row)).hash);
                if hash == row.hash || hash == here.hash {
                    return Ok(Fault::Swapped(row.link.unwrap_or(0)));
                }
            }
            after = last;
        }
        Ok(Fault::Changed)
    }

    /// Nothing may stand outside the chain, and the stored head is its last row.
    async fn end(&mut self, connection: &mut Connection) -> StoreResult<()> {
        self.step.ends = true;
        let stray = strays(connection, self.chain, 1).await?.into_iter().next();
        let (stored, last) = (&self.step.head, &self.before);
        self.step.broken = if stored.links > last.links {
            Some(Break {
                link: last.links + 1,
                fault: Fault::CutOff(stored.links),
                row: Vec::new(),
                at: None,
            })
        } else if stored != last {
            Some(Break {
                link: last.links,
                fault: Fault::HeadDiffers,
                row: Vec::new(),
                at: None,
            })
        } else {
            stray.map(|row| Break {
                link: 0,
                fault: Fault::Added,
                row: row.key,
                at: Some(time(row.at)),
            })
        };
        Ok(())
    }
}

fn texts(row: &Linked) -> Vec<&str> {
    row.fields.iter().map(String::as_str).collect()
}
