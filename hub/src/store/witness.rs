//! The signed heads that a chain is compared with while it is read part by part: those in the data directory
//! and those that somebody kept elsewhere.
//!
//! A head that does not fit its signature proves nothing about the chain: it is left out of the comparison and told
//! when the end of the chain is reached. See [`super::seal`].

use std::collections::HashSet;
use std::path::Path;

use anyhow::Result;
use gridwatch_protocol::Timestamp;

use super::backup::Epoch;
use super::chain::Chain;
use super::chain::step::Step;
use super::seal::{HEADS_FILE, Heads, Judged, KeptHead, judge, public_key, read_heads};

/// What is wrong with a head itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeadFault {
    /// A line of the file here cannot be read.
    Unreadable,
    /// It was not signed with the key here, or, when kept elsewhere, not with the key that stands with it.
    NotSigned(Timestamp),
    /// It was kept elsewhere and signed with another key than the one here.
    OtherKey(Timestamp),
}

/// Heads that fit their signatures.
#[derive(Debug, Clone, Default)]
pub struct Witness {
    heads: Vec<Heads>,
    /// What is wrong with the first that does not.
    pub fault: Option<HeadFault>,
}

/// A signed link that is not there as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Denied {
    /// Number of the link.
    pub link: i64,
    /// When it was signed.
    pub signed_at: Timestamp,
    /// Whether another hash is there; otherwise nothing is.
    pub rewritten: bool,
}

impl Witness {
    /// Reads the heads of this data directory and adds those that were kept elsewhere. Blocks.
    ///
    /// # Errors
    /// When file or key cannot be read.
    pub fn read(data_dir: &Path, elsewhere: Vec<KeptHead>) -> Result<Self> {
        let kept = read_heads(&data_dir.join(HEADS_FILE))?;
        let mut witness = Self::default();
        if !kept.problems.is_empty() {
            witness.fault = Some(HeadFault::Unreadable);
        }
        if kept.lines.is_empty() && elsewhere.is_empty() {
            return Ok(witness);
        }
        let key = public_key(data_dir)?;
        // The same head may be kept at several places.
        let mut seen = HashSet::new();
        for line in kept.lines {
            let fits = line.is_signed_by(&key);
            if seen.insert(line.signature.clone()) || !fits {
                witness.take(line.heads, fits, HeadFault::NotSigned);
            }
        }
        for KeptHead { line, public_key } in elsewhere {
            if public_key != key {
                witness.take(line.heads, false, HeadFault::OtherKey);
                continue;
            }
            let fits = line.is_signed_by(&key);
            if seen.insert(line.signature) || !fits {
                witness.take(line.heads, fits, HeadFault::NotSigned);
            }
        }
        Ok(witness)
    }

    fn take(&mut self, heads: Heads, fits: bool, fault: fn(Timestamp) -> HeadFault) {
        if fits {
            self.heads.push(heads);
        } else {
            self.fault.get_or_insert(fault(heads.at));
        }
    }

    /// The links of a chain whose hashes are needed.
    #[must_use]
    pub fn links(&self, chain: Chain) -> HashSet<i64> {
        self.heads.iter().map(|head| head.of(chain).links).collect()
    }

    /// The heads that a part of the chain can be compared with: those whose links it has read, and, when it reached
    /// a whole end, those beyond it.
    fn of_step(&self, chain: Chain, step: &Step) -> impl Iterator<Item = &Heads> {
        let whole_end = step.ends && step.broken.is_none();
        let last = if whole_end { i64::MAX } else { step.through };
        let reach = step.after + 1..=last;
        self.heads
            .iter()
            .filter(move |heads| reach.contains(&heads.of(chain).links))
    }

    /// How many heads this part was compared with.
    #[must_use]
    pub fn compared(&self, chain: Chain, step: &Step) -> usize {
        self.of_step(chain, step).count()
    }

    /// The first signed link that this part denies.
    #[must_use]
    pub fn denied(&self, chain: Chain, step: &Step, epochs: &[Epoch]) -> Option<Denied> {
        let denied = |heads: &Heads| {
            let link = heads.of(chain).links;
            let found = step.at.get(&link).map(String::as_str);
            let rewritten = match judge(chain, heads, epochs, found) {
                Judged::Fits | Judged::Lost(_) => return None,
                Judged::Rewritten => true,
                Judged::CutOff => false,
            };
            Some(Denied {
                link,
                signed_at: heads.at,
                rewritten,
            })
        };
        let all = self.of_step(chain, step).filter_map(denied);
        all.min_by_key(|denied| denied.link)
    }

    /// A restore that the store tells of and that no head here signed.
    #[must_use]
    pub fn unsigned_restore<'a>(&self, epochs: &'a [Epoch]) -> Option<&'a Epoch> {
        let signed = |epoch: &Epoch| {
            let restored = |head: &Heads| head.epoch == epoch.epoch && head.restored;
            self.heads.iter().any(restored)
        };
        epochs
            .iter()
            .find(|epoch| epoch.epoch > 1 && !signed(epoch))
    }
}
