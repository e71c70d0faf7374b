//! Reading a chain from its first link to its last and saying which rows do not fit.

use sqlx::Row;
use sqlx::any::AnyRow;

use super::{Chain, Head, load};
use crate::store::database::{Connection, QueryBuilder};
use crate::store::{Store, StoreResult, sql};

/// Rows read at once.
const PAGE: i64 = 5_000;
/// At most this many broken places are told of a chain: they are enough to see what happened.
const BROKEN_MAX: usize = 100;

/// A row of a chain as it is stored.
#[derive(Debug)]
pub(super) struct Linked {
    /// What finds the row in its table.
    pub(super) key: Vec<i64>,
    pub(super) link: Option<i64>,
    pub(super) hash: Option<String>,
    /// When it was written, in Unix milliseconds.
    pub(super) at: i64,
    pub(super) fields: Vec<String>,
}

/// A place at which a chain is broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Number of the link.
    pub link: i64,
    /// What is wrong, naming the row.
    pub what: String,
}

/// What reading a chain showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Its last link as it is stored.
    pub head: Head,
    /// Where it is broken; nothing when it is whole.
    pub broken: Vec<Broken>,
    /// Hashes at the links that were asked for; a link that is not there is left out.
    pub at: Vec<(i64, String)>,
}

impl Store {
    /// Reads a chain from its beginning, and notes the hashes at `wanted` links.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn verify_chain(&self, chain: Chain, wanted: &[i64]) -> StoreResult<Verified> {
        let mut connection = self.connection().await?;
        // One moment for head and rows: the hub may be writing.
        let mut snapshot = self.url().dialect().begin_snapshot(&mut connection).await?;
        let mut reader = Reader {
            chain,
            head: Head::empty(),
            broken: Vec::new(),
            at: Vec::new(),
        };
        loop {
            let rows = page(&mut snapshot, chain, reader.head.links, PAGE).await?;
            let last = rows.len() < usize::try_from(PAGE).unwrap_or(usize::MAX);
            for row in rows {
                reader.take(row, wanted);
            }
            if last {
                break;
            }
        }
        for row in strays(&mut snapshot, chain, i64::MAX).await? {
            reader.note(
                0,
                format!(
                    "{} is in no chain: it was put there",
                    place(chain, &row.key)
                ),
            );
        }
        let stored = load(&mut snapshot, chain)
            .await?
            .unwrap_or_else(Head::empty);
        reader.end(&stored);
        Ok(Verified {
            head: reader.head,
            broken: reader.broken,
            at: reader.at,
        })
    }
}

struct Reader {
    chain: Chain,
    head: Head,
    broken: Vec<Broken>,
    at: Vec<(i64, String)>,
}

impl Reader {
    fn take(&mut self, row: Linked, wanted: &[i64]) {
        let (link, hash) = (row.link.unwrap_or(0), row.hash.unwrap_or_default());
        let expected = self.head.links + 1;
        if link > expected {
            let gone = if link - 1 == expected {
                format!("link {expected} is missing")
            } else {
                format!("links {expected} to {} are missing", link - 1)
            };
            self.note(
                expected,
                format!("{gone} before {}: deleted", place(self.chain, &row.key)),
            );
        } else {
            let fields: Vec<&str> = row.fields.iter().map(String::as_str).collect();
            if self.head.next(self.chain, &fields).hash != hash {
                self.note(
                    link,
                    format!(
                        "{} does not fit its hash: it or its place was changed",
                        place(self.chain, &row.key)
                    ),
                );
            }
        }
        // What follows is judged by what is stored here, so that one change is told once.
        if wanted.contains(&link) {
            self.at.push((link, hash.clone()));
        }
        self.head = Head { links: link, hash };
    }

    fn end(&mut self, stored: &Head) {
        if stored.links > self.head.links {
            self.note(
                self.head.links + 1,
                format!(
                    "links {} to {} are missing at the end: cut off",
                    self.head.links + 1,
                    stored.links
                ),
            );
        } else if *stored != self.head {
            self.note(
                self.head.links,
                format!(
                    "the head says link {} with hash {}, the last row is link {} with hash {}",
                    stored.links, stored.hash, self.head.links, self.head.hash
                ),
            );
        }
    }

    fn note(&mut self, link: i64, what: String) {
        if self.broken.len() < BROKEN_MAX {
            self.broken.push(Broken { link, what });
        }
    }
}

fn place(chain: Chain, key: &[i64]) -> String {
    match (chain, key) {
        (Chain::Transitions, [case, seq]) => format!("row {seq} of the history of case {case}"),
        (_, key) => format!("row {} of the audit", key.first().copied().unwrap_or(0)),
    }
}

/// At most `limit` rows after a link, in the order of their links.
pub(super) async fn page(
    connection: &mut Connection,
    chain: Chain,
    after: i64,
    limit: i64,
) -> StoreResult<Vec<Linked>> {
    let mut wanted = select(chain);
    wanted.push(" WHERE link > ").push_bind(after);
    wanted.push(" ORDER BY link LIMIT ").push_bind(limit);
    fetch(connection, chain, &mut wanted, "reading a chain").await
}

/// At most `limit` rows that are at no place of the chain, oldest first: without a link, or with one that no
/// chain has.
pub(super) async fn strays(
    connection: &mut Connection,
    chain: Chain,
    limit: i64,
) -> StoreResult<Vec<Linked>> {
    let mut wanted = select(chain);
    wanted
        .push(" WHERE (link IS NULL OR link < 1) ORDER BY ")
        .push(age(chain));
    wanted.push(" LIMIT ").push_bind(limit);
    fetch(
        connection,
        chain,
        &mut wanted,
        "reading rows outside the chain",
    )
    .await
}

/// Rows that are in no chain, oldest first.
pub(super) async fn unlinked(
    connection: &mut Connection,
    chain: Chain,
) -> StoreResult<Vec<Linked>> {
    let mut wanted = select(chain);
    wanted
        .push(" WHERE link IS NULL ORDER BY ")
        .push(age(chain));
    fetch(
        connection,
        chain,
        &mut wanted,
        "reading rows without a link",
    )
    .await
}

/// The columns that [`linked`] reads.
fn select(chain: Chain) -> QueryBuilder {
    QueryBuilder::new(match chain {
        Chain::Audit => "SELECT id, link, hash, at, actor, action, subject, address FROM audit",
        Chain::Transitions => {
            "SELECT case_id, seq, link, hash, at, actor, action, body FROM transitions"
        }
    })
}

/// The order in which rows of a chain were written.
fn age(chain: Chain) -> &'static str {
    match chain {
        Chain::Audit => "id",
        Chain::Transitions => "at, case_id, seq",
    }
}

async fn fetch(
    connection: &mut Connection,
    chain: Chain,
    wanted: &mut QueryBuilder,
    doing: &'static str,
) -> StoreResult<Vec<Linked>> {
    let rows = wanted
        .build()
        .fetch_all(connection)
        .await
        .map_err(sql(doing))?;
    Ok(rows.iter().map(|row| linked(chain, row)).collect())
}

fn linked(chain: Chain, row: &AnyRow) -> Linked {
    let keys = match chain {
        Chain::Audit => 1,
        Chain::Transitions => 2,
    };
    let key: Vec<i64> = (0..keys).map(|i| row.get(i)).collect();
    let at: i64 = row.get(keys + 2);
    let texts = (keys + 3..row.len()).map(|i| row.get::<String, _>(i));
    let numbers = match chain {
        Chain::Audit => vec![at.to_string()],
        Chain::Transitions => key.iter().chain([&at]).map(i64::to_string).collect(),
    };
    Linked {
        link: row.get(keys),
        hash: row.get(keys + 1),
        at,
        fields: numbers.into_iter().chain(texts).collect(),
        key,
    }
}
