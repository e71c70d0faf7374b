//! Append-only rows that carry a hash of everything before them.
//!
//! Each chain is a numbered row of links. `hash = SHA-256(name, hash of the link before, number, fields)`, every
//! part with its length before it. The rows' tables refuse changes by triggers; the hashes show what
//! somebody who went around the triggers did: a changed row no longer fits its hash, a row that was taken
//! out leaves a hole, swapped rows fit at neither place. Who rewrites everything to the end makes a
//! chain that fits again: only the heads that were signed and written outside the store (`seal`) show it.
//!
//! Written inside the engine's transaction, which is the only one: numbers have no gaps.

pub mod step;
mod verify;

use gridwatch_protocol::Timestamp;
use sha2::{Digest, Sha256};
use sqlx::Row;

use super::database::{Connection, query};
use super::{Store, StoreResult, sql};

pub use verify::{Broken, Verified};

/// A chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Chain {
    /// What was done to accounts, gateways and the store.
    Audit,
    /// The histories of all cases.
    Transitions,
}

impl Chain {
    /// Every chain.
    pub const ALL: [Self; 2] = [Self::Audit, Self::Transitions];

    /// Its name, which is also its table's.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Audit => "audit",
            Self::Transitions => "transitions",
        }
    }
}

/// The end of a chain.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Head {
    /// How many links it has.
    pub links: i64,
    /// Hash of the last one, as hexadecimal text; zeros when there is none.
    pub hash: String,
}

impl Head {
    /// The head of a chain without links.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            links: 0,
            hash: "0".repeat(64),
        }
    }

    /// The head after one more link with these fields.
    #[must_use]
    pub fn next(&self, chain: Chain, fields: &[&str]) -> Self {
        let links = self.links + 1;
        let mut hash = Sha256::new();
        let number = links.to_string();
        let before = [chain.name(), self.hash.as_str(), number.as_str()];
        for part in before.iter().chain(fields) {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        Self {
            links,
            hash: hex::encode(hash.finalize()),
        }
    }
}

/// Adds links for rows with these fields; the heads after each are theirs to keep.
pub(crate) async fn append(
    connection: &mut Connection,
    chain: Chain,
    rows: &[Vec<String>],
) -> StoreResult<Vec<Head>> {
    let Some(mut head) = (if rows.is_empty() {
        None
    } else {
        Some(load(connection, chain).await?.unwrap_or_else(Head::empty))
    }) else {
        return Ok(Vec::new());
    };
    let mut heads = Vec::with_capacity(rows.len());
    for fields in rows {
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        head = head.next(chain, &fields);
        heads.push(head.clone());
    }
    store(connection, chain, &head).await?;
    Ok(heads)
}

async fn load(connection: &mut Connection, chain: Chain) -> StoreResult<Option<Head>> {
    let row = query("SELECT links, hash FROM chain_heads WHERE name = $1")
        .bind(chain.name())
        .fetch_optional(connection)
        .await
        .map_err(sql("reading the head of a chain"))?;
    Ok(row.map(|row| Head {
        links: row.get(0),
        hash: row.get(1),
    }))
}

async fn store(connection: &mut Connection, chain: Chain, head: &Head) -> StoreResult<()> {
    query("INSERT INTO chain_heads (name, links, hash) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE SET links = excluded.links, hash = excluded.hash")
        .bind(chain.name())
        .bind(head.links)
        .bind(&head.hash)
        .execute(connection)
        .await
        .map(drop)
        .map_err(sql("storing the head of a chain"))
}

/// The fields of a line of the audit.
pub(crate) fn audit_fields(
    at: Timestamp,
    actor: &str,
    action: &str,
    subject: &str,
    address: &str,
) -> Vec<String> {
    let texts = [actor, action, subject, address];
    std::iter::once(at.unix_ms().to_string())
        .chain(texts.map(super::database::clean))
        .collect()
}

/// The fields of a row of a case's history.
pub(crate) fn transition_fields(
    case: i64,
    seq: i64,
    at: Timestamp,
    actor: &str,
    action: &str,
    body: &str,
) -> Vec<String> {
    let numbers = [case, seq, at.unix_ms()].map(|n| n.to_string());
    let texts = [actor, action, body].map(super::database::clean);
    numbers.into_iter().chain(texts).collect()
}

/// Chains the rows that were stored before there were chains, once: as soon as a chain has a head, a row
/// without a link is one that somebody put there.
pub(crate) async fn adopt(connection: &mut Connection) -> StoreResult<()> {
    for chain in Chain::ALL {
        if load(connection, chain).await?.is_some() {
            continue;
        }
        let mut head = Head::empty();
        for row in verify::unlinked(connection, chain).await? {
            let fields: Vec<&str> = row.fields.iter().map(String::as_str).collect();
            head = head.next(chain, &fields);
            let statement = match chain {
                Chain::Audit => query("UPDATE audit SET link = $1, hash = $2 WHERE id = $3"),
                Chain::Transitions => query(
                    "UPDATE transitions SET link = $1, hash = $2 WHERE case_id = $3 AND seq = $4",
                ),
            };
            let mut statement = statement.bind(head.links).bind(&head.hash);
            for part in &row.key {
                statement = statement.bind(*part);
            }
            statement
                .execute(&mut *connection)
                .await
                .map_err(sql("chaining a row"))?;
        }
        store(connection, chain, &head).await?;
    }
    Ok(())
}

impl Store {
    /// The present end of a chain.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn chain_head(&self, chain: Chain) -> StoreResult<Head> {
        let mut connection = self.connection().await?;
        Ok(load(&mut connection, chain)
            .await?
            .unwrap_or_else(Head::empty))
    }
}
