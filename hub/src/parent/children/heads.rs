//! Signed ends of a child's chains, kept where the child cannot reach them.
//!
//! Chains only grow. A head that is shorter than one before it in the same life of the store, or of the same
//! length with another hash, shows that the end was cut off or rewritten, even when the whole machine was
//! replaced. So does a head that another key has signed than the one that was first seen.

use gridwatch_protocol::{HubId, SealedHeads, Timestamp};
use sqlx::Row;

use crate::store::database::{Connection, query};
use crate::store::seal::SignedHeads;
use crate::store::{Store, StoreResult, from_json, sql, to_json};

/// What is wrong with a head after the one before it. Pure.
#[must_use]
pub fn problem(last: Option<&SealedHeads>, new: &SealedHeads) -> Option<String> {
    let last = last?;
    if new.epoch > last.epoch {
        return None;
    }
    if new.epoch < last.epoch {
        return Some(format!(
            "a head of epoch {} of {} came after one of epoch {} of {}",
            new.epoch, new.at, last.epoch, last.at
        ));
    }
    let chains = [
        ("audit", &last.audit, &new.audit),
        ("transitions", &last.transitions, &new.transitions),
    ];
    for (name, before, after) in chains {
        if after.links < before.links {
            return Some(format!(
                "{name}: it had {} links at {} and has {} at {}: its end was cut off",
                before.links, last.at, after.links, new.at
            ));
        }
        if after.links == before.links && after.hash != before.hash {
            return Some(format!(
                "{name}: link {} has another hash at {} than at {}: it was rewritten",
                after.links, new.at, last.at
            ));
        }
    }
    None
}

/// Keeps heads that came with a heartbeat; tells what is wrong with the first that does not fit.
pub(super) async fn keep(
    connection: &mut Connection,
    hub: &HubId,
    known_key: &str,
    public_key: &str,
    heads: &[SealedHeads],
    now: Timestamp,
) -> StoreResult<Option<String>> {
    let mut found = None;
    if !known_key.is_empty() && !public_key.is_empty() && known_key != public_key {
        found = Some(format!(
            "its heads are signed with another key since {now}: its data directory was replaced, or somebody else signs"
        ));
    }
    let mut last = newest(connection, hub).await?;
    for head in heads {
        let signed = SignedHeads::from(head.clone());
        if !signed.is_signed_by(public_key) {
            found.get_or_insert_with(|| {
                format!("the head of {} does not fit its signature", head.at)
            });
            continue;
        }
        let new = query("INSERT INTO child_heads (hub, epoch, signature, at, audit_links, transition_links, public_key, received_at, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (hub, epoch, signature) DO NOTHING")
            .bind(hub.as_str())
            .bind(head.epoch)
            .bind(&head.signature)
            .bind(head.at.unix_ms())
            .bind(head.audit.links)
            .bind(head.transitions.links)
            .bind(public_key)
            .bind(now.unix_ms())
            .bind(to_json(head))
            .execute(&mut *connection)
            .await
            .map_err(sql("keeping a child's signed head"))?;
        // What came before and comes again says nothing new.
        if new > 0 {
            if let Some(problem) = problem(last.as_ref(), head) {
                found.get_or_insert(problem);
            }
            last = Some(head.clone());
        }
    }
    Ok(found)
}

async fn newest(connection: &mut Connection, hub: &HubId) -> StoreResult<Option<SealedHeads>> {
    let row = query("SELECT body FROM child_heads WHERE hub = $1 ORDER BY epoch DESC, audit_links DESC, transition_links DESC LIMIT 1")
        .bind(hub.as_str())
        .fetch_optional(connection)
        .await
        .map_err(sql("reading a child's signed head"))?;
    row.map(|row| from_json("signed head", row.get(0)))
        .transpose()
}

impl Store {
    /// Signed heads of a child that came after this place, oldest first, each with its place and the key
    /// that signed it.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn child_heads(
        &self,
        hub: &str,
        after: (i64, &str),
        limit: i64,
    ) -> StoreResult<Vec<(String, SealedHeads)>> {
        let rows = query("SELECT public_key, body FROM child_heads WHERE hub = $1 AND (at, signature) > ($2, $3) ORDER BY at, signature LIMIT $4")
            .bind(hub)
            .bind(after.0)
            .bind(after.1)
            .bind(limit)
            .fetch_all(&self.readers)
            .await
            .map_err(sql("listing a child's signed heads"))?;
        rows.iter()
            .map(|row| Ok((row.get(0), from_json("signed head", row.get(1))?)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use gridwatch_protocol::ChainEnd;

    use super::*;

    fn head(epoch: i64, audit: (i64, &str), transitions: (i64, &str)) -> SealedHeads {
        let end = |(links, hash): (i64, &str)| ChainEnd {
            links,
            hash: hash.to_owned(),
        };
        SealedHeads {
            epoch,
            restored: false,
            at: Timestamp::from_unix_ms(0),
            audit: end(audit),
            transitions: end(transitions),
            signature: String::new(),
        }
    }

    #[test]
    fn chains_only_grow_within_one_life_of_the_store() {
        let last = head(1, (10, "a"), (50, "b"));
        let told = |new| problem(Some(&last), &new).unwrap_or_default();
        assert_eq!(told(head(1, (10, "a"), (50, "b"))), "");
        assert_eq!(told(head(1, (11, "x"), (50, "b"))), "");
        assert_eq!(told(head(2, (5, "x"), (20, "y"))), "", "a restore");
        assert!(told(head(1, (9, "z"), (50, "b"))).contains("cut off"));
        assert!(told(head(1, (10, "a"), (49, "b"))).contains("transitions"));
        assert!(told(head(1, (10, "c"), (50, "b"))).contains("rewritten"));
        assert!(told(head(0, (99, "c"), (99, "b"))).contains("epoch"));
        assert_eq!(problem(None, &last), None);
    }
}
